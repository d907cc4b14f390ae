//! What a plan needs before it may be claimed: the tag, the commands and the
//! bytes, gathered and checked. Nothing here leaves a record.

use crate::config;
use crate::delivery::error::Result;
use crate::delivery::error::run::{CommandsFault, ParamsFault, RunError};
use crate::delivery::read::deployments::all_deployments;
use crate::delivery::read::reader::{Reader, config_at};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::artifacts;
use crate::delivery::run::params::Params;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::Candidate;
use crate::domain::config::{CommandsFrom, Environment, RetryConfig};
use crate::domain::env::{Action, Deployment, Progress};
use crate::domain::name::Oid;
use crate::domain::plan::Plan;
use crate::store::journal::{JournalRun, ListedRun, RunPhase};

/// What a plan needs to run, gathered and checked before it is claimed.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The candidate's full record.
    pub candidate: Candidate,
    /// The environment's policy with the commands that will run.
    pub commands: Environment,
    /// How often a command is tried: the policy's.
    pub retry: RetryConfig,
    /// The commit whose commands those are; none if they are in no commit.
    pub commands_commit: Option<Oid>,
    /// The commit whose checkout they run in.
    pub checkout: Oid,
    /// What there is to say of whose commands run.
    pub whose: String,
    /// What the commands are given.
    pub params: Params,
}

/// Gathers and checks what `plan` needs: the tag, the commands, the bytes.
///
/// # Errors
/// The tag or a byte is not what was recorded (exit 9); there is no command;
/// a parameter is not declared, has no value, or is secret and could not be hidden;
/// the candidate's configuration is invalid; offline, something is not here.
pub fn prepare(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    plan: &Plan,
    commands_from: Option<&str>,
    given: &[(String, String)],
) -> Result<Prepared> {
    let candidate = snapshot.record(reader, plan.candidate())?;
    let policy = snapshot.environment(plan.environment())?;
    let mut prepared = commands(reader, snapshot, policy, candidate, commands_from)?;
    if plan.action() == Action::Rollback {
        if let Some(command) = prepared.commands.rollback.clone() {
            prepared.commands.deploy = Some(command);
        }
        prepared.commands.phases = Vec::new();
    }
    let name = plan.environment();
    let phases = &prepared.commands.phases;
    let each_phase_deploys = !phases.is_empty() && phases.iter().all(|phase| phase.deploy.is_some());
    if prepared.commands.deploy.is_none() && !each_phase_deploys {
        let (tag, back) = (plan.candidate().tag.clone(), plan.action() == Action::Rollback);
        let fault = CommandsFault::NoDeploy { tag, whose: prepared.whose, back };
        return Err(RunError::Commands { environment: name.clone(), fault }.into());
    }
    if let Some(unsupported) = config::unsupported_in(&prepared.commands).first() {
        let (key, text) = (unsupported.key.clone(), unsupported.text.clone());
        let fault = CommandsFault::Unsupported { key, text };
        return Err(RunError::Commands { environment: name.clone(), fault }.into());
    }
    let recorded = match plan.action() {
        Action::Rollback => last_success(reader, snapshot, &prepared)?,
        Action::Deploy | Action::Redeploy => None,
    };
    prepared.params = Params::find(reader, policy, &prepared.commands, given, recorded.as_ref())?;
    for name in prepared.params.too_short() {
        sink.notice(Notice::ShortSecret { name });
    }
    let hidden = sink.hide(prepared.params.redactor());
    hidden.map_err(|why| {
        let fault = ParamsFault::CannotHide(why);
        RunError::Params { environment: prepared.commands.name.clone(), fault }
    })?;
    artifacts::ensure(reader, sink, &prepared.candidate)?;
    artifacts::expect_files(reader, prepared.checkout)?;
    Ok(prepared)
}

/// The newest success of what a rollback goes to, whose parameters it takes; `None` if it takes none.
fn last_success(reader: &Reader, snapshot: &Snapshot, prepared: &Prepared) -> Result<Option<Deployment>> {
    let Prepared { candidate, commands, .. } = prepared;
    if commands.params.iter().all(|param| param.secret) {
        return Ok(None);
    }
    let ours = |run: &Deployment| run.tag == candidate.tag && run.state == Progress::Succeeded;
    if reader.is_offline() {
        // What this clone did and has not published comes after all that is in the chain.
        for ListedRun { run, .. } in reader.journal().all()?.into_iter().rev() {
            let JournalRun::Offline { intent, phase: RunPhase::Done { outcome, at }, .. } = run else {
                continue;
            };
            let mut deployment = intent.deployment;
            deployment.end(&outcome, true, at);
            if deployment.environment == commands.name && ours(&deployment) {
                return Ok(Some(deployment));
            }
        }
    }
    let tip = snapshot.chain(&commands.name)?.tip;
    let mut recorded = all_deployments(reader, std::iter::once((&commands.name, tip)));
    recorded.find(|found| found.as_ref().map_or(true, ours)).transpose()
}

/// Whose commands run: the candidate's, unless the policy, the caller or the
/// candidate's age says trunk's.
fn commands(
    reader: &Reader,
    snapshot: &Snapshot,
    policy: &Environment,
    candidate: Candidate,
    from: Option<&str>,
) -> Result<Prepared> {
    let at = |from: Environment, commit: Option<Oid>, checkout: Oid, whose: String| Prepared {
        commands: policy.with_commands_of(&from),
        retry: snapshot.policy.config.retry.clone(),
        commands_commit: commit,
        checkout,
        whose,
        candidate: candidate.clone(),
        params: Params::default(),
    };
    let trunks = |why: &str| {
        let commit = snapshot.policy.commit;
        let whose = match (commit, &snapshot.policy.elsewhere) {
            (Some(commit), _) => format!("trunk's, {}{why}", commit.short()),
            (None, Some(place)) => format!("of {place}; trunk has no release.toml yet"),
            (None, None) => "trunk's".to_owned(),
        };
        at(policy.clone(), commit, commit.unwrap_or(candidate.commit), whose)
    };
    let none = |fault: CommandsFault| RunError::Commands { environment: policy.name.clone(), fault };
    match from {
        Some("trunk") => return Ok(trunks(", as asked")),
        Some("worktree") => {
            let parsed = config::parse(&reader.home.text, &reader.home.found)?.config;
            let theirs = parsed
                .counterpart(policy)
                .cloned()
                .ok_or_else(|| none(CommandsFault::NotInFile(reader.home.found.clone())))?;
            return Ok(at(theirs, None, candidate.commit, format!("of {}, as asked", reader.home.found)));
        }
        Some(rev) => {
            let commit = reader
                .repo
                .resolve_commit(rev)?
                .ok_or_else(|| none(CommandsFault::NoRevision(rev.to_owned())))?;
            let theirs = config_at(&reader.repo, commit)?
                .and_then(|config| config.counterpart(policy).cloned())
                .ok_or_else(|| none(CommandsFault::NotInRevision(rev.to_owned())))?;
            return Ok(at(theirs, Some(commit), commit, format!("of {}, as asked", commit.short())));
        }
        None => {}
    }
    if snapshot.policy.commit.is_none() {
        return Ok(trunks(""));
    }
    if policy.commands == CommandsFrom::Trunk {
        return Ok(trunks(""));
    }
    match config_at(&reader.repo, candidate.commit)? {
        None => Ok(trunks("; the candidate has no release.toml")),
        Some(config) => match config.counterpart(policy) {
            None => Ok(trunks(&format!("; the candidate knows no {}", policy.name))),
            Some(theirs) => {
                let mut whose = format!("as cut, {}", candidate.commit.short());
                if !policy.same_commands(theirs) {
                    whose.push_str("; trunk's have changed since");
                }
                let theirs = theirs.clone();
                Ok(at(theirs, Some(candidate.commit), candidate.commit, whose))
            }
        },
    }
}
