//! One deployment, from a plan to its receipt.
//!
//! The artifacts and the tag are checked before the intent, so that a changed
//! byte leaves no record, and again just before the command. From the claim
//! on, nothing that is said or cannot be said ends the run: only the commands
//! and the record count.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::artifacts;
use super::claim::{self, Claim, Claimed, Details};
use super::context::{Context, config_at, scratch};
use super::snapshot::{self, Snapshot};
use crate::config;
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{self, CandidatesState};
use crate::domain::config::{Command, CommandsFrom, Environment, OnFailure, RetryConfig};
use crate::domain::env::{Action, Deployment, EnvState, Outcome, Progress, Trigger, What};
use crate::domain::name::{Actor, DeploymentId, Oid, TagName};
use crate::domain::plan::{Plan, Setting};
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::exec::{self, Ended, Program, Run as Command_, Started};
use crate::failure::{Failure, Kind, Result};
use crate::store::artifacts::cache::{manifest, write_manifest};
use crate::store::authority::{Expected, Published, RefUpdate};
use crate::store::checkout::Checkout;
use crate::store::journal::{Phase, Process};
use crate::store::ledger::{self, View};
use crate::store::tag::write_tag;

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
}

/// Gathers and checks what `plan` needs: the tag, the commands, the bytes.
///
/// # Errors
/// The tag or a byte is not what was recorded (exit 9); there is no command;
/// the candidate's configuration is invalid.
pub fn prepare(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    commands_from: Option<&str>,
) -> Result<Prepared> {
    let candidate = snapshot.record(ctx, plan.candidate())?;
    let policy = snapshot.environment(plan.environment())?;
    let mut prepared = commands(ctx, snapshot, policy, candidate, commands_from)?;
    if plan.action() == Action::Rollback {
        if let Some(command) = prepared.commands.rollback.clone() {
            prepared.commands.deploy = Some(command);
        }
        prepared.commands.phases = Vec::new();
    }
    let name = plan.environment();
    if prepared.commands.deploy.is_none() {
        return Err(Failure::new(
            Kind::Refused,
            format!("{name} has no deploy command for {}", plan.candidate().tag),
        )
        .reason("commands", format!("[environments.{name}] has no deploy, {}", prepared.whose))
        .hint("set deploy in release.toml and cut again, or use trunk's: --commands-from trunk"));
    }
    if let Some(unsupported) = config::unsupported_in(&prepared.commands).first() {
        return Err(Failure::new(
            Kind::Refused,
            format!("{name} cannot be deployed to by this version of rel"),
        )
        .reason(unsupported.key.clone(), unsupported.text.clone()));
    }
    artifacts::ensure(ctx, &prepared.candidate)?;
    Ok(prepared)
}

/// Whose commands run: the candidate's, unless the policy, the caller or the
/// candidate's age says trunk's.
fn commands(
    ctx: &Context<'_>,
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
    match from {
        Some("trunk") => return Ok(trunks(", as asked")),
        Some("worktree") => {
            let parsed = config::parse(&ctx.home.text, &ctx.home.found)?.config;
            let theirs = parsed.counterpart(policy).cloned().ok_or_else(|| {
                Failure::new(Kind::NotFound, format!("{} has no environment {}", ctx.home.found, policy.name))
            })?;
            return Ok(at(theirs, None, candidate.commit, format!("of {}, as asked", ctx.home.found)));
        }
        Some(rev) => {
            let commit = ctx.repo.resolve_commit(rev)?.ok_or_else(|| {
                Failure::new(Kind::NotFound, format!("there is no revision {rev}"))
                    .hint("--commands-from takes trunk, worktree or a revision of this clone")
            })?;
            let theirs = config_at(&ctx.repo, commit)?
                .and_then(|config| config.counterpart(policy).cloned())
                .ok_or_else(|| {
                    Failure::new(Kind::NotFound, format!("{rev} knows no environment {}", policy.name))
                })?;
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
    match config_at(&ctx.repo, candidate.commit)? {
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

/// How a deployment that was claimed ended.
#[derive(Debug)]
pub struct Receipt {
    /// Its record.
    pub deployment: Deployment,
    /// The environment after it.
    pub state: EnvState,
    /// Why it did not succeed, in a sentence.
    pub explanation: Option<String>,
    /// What kept its command from being started, if that was no command's
    /// doing: a changed byte, a full disk.
    pub kept: Option<Failure>,
    /// The release's own tag, if this closed the release.
    pub released: Option<TagName>,
    /// Why the release's own tag could not be made.
    pub not_released: Option<String>,
    /// Why its record has not reached the authority, if it has not.
    pub unpublished: Option<Failure>,
    /// Who took over from it or settled it before its outcome came.
    pub late: Option<String>,
    /// The rollback that followed by itself.
    pub rollback: Option<Box<Receipt>>,
}

impl Receipt {
    /// The failure that this receipt is, if it is one; the record stands beside it.
    pub fn into_result(mut self) -> Result<Receipt> {
        let (unpublished, kept) = (self.unpublished.take(), self.kept.take());
        let id = &self.deployment.id;
        let failure = if let Some(kept) = kept.filter(|_| unpublished.is_none()) {
            let kind = if kept.kind == Kind::Integrity { Kind::Integrity } else { Kind::Failed };
            Failure { kind, message: format!("{id} was cancelled before it began: {}", kept.message), ..kept }
        } else if let Some(who) = &self.late {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but {who} took over from it before that", self.deployment.state),
            )
            .reason("late", "its outcome is kept as a late word, which changes nothing but what is certain")
            .hint(format!("what is live now: rel status {}", self.deployment.environment))
        } else if let Some(unpublished) = unpublished {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but its record has not reached the authority", self.deployment.state),
            )
            .reason("unpublished", unpublished.message)
            .hint("publish it as soon as the remote can be reached: rel sync")
        } else {
            let explanation = self.explanation.clone().unwrap_or_default();
            match self.deployment.state {
                Progress::Succeeded => return Ok(self),
                Progress::Cancelled => {
                    Failure::new(Kind::Interrupted, format!("{id} was interrupted, and the record says so"))
                }
                _ => Failure::new(
                    Kind::CommandFailed,
                    format!("{id} {}: {explanation}", self.deployment.state),
                ),
            }
            .hint(format!("what it printed: rel log --output {id}"))
        };
        let environment = &self.deployment.environment;
        let failure = match (&self.rollback, self.state.current()) {
            (Some(receipt), _) => {
                let failure = failure.with("rollback", &receipt.deployment);
                if receipt.deployment.state == Progress::Succeeded {
                    failure.hint(format!(
                        "{environment} was rolled back by itself to {} ({})",
                        receipt.deployment.tag, receipt.deployment.id
                    ))
                } else {
                    failure.hint(format!(
                        "the automatic rollback {} {} too; nobody knows what {environment} runs",
                        receipt.deployment.id, receipt.deployment.state
                    ))
                }
            }
            (None, Some(live)) if !self.state.certain => {
                failure.hint(format!("go back to {}: rel rollback {environment}", live.tag))
            }
            (None, _) => failure,
        };
        Err(failure.with("deployment", &self.deployment))
    }
}

/// Claims and runs a prepared plan. `None` where things moved before the
/// claim: plan again.
///
/// # Errors
/// Nothing was claimed, and why. What happened after a claim is in the receipt.
pub fn run(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Option<Receipt>> {
    let environment = snapshot.environment(plan.environment())?;
    match claim::claim(ctx, snapshot, environment, plan, &prepared.candidate, details)? {
        Claimed::Moved => Ok(None),
        Claimed::Yes(claim) => {
            ctx.screen
                .note(&format!("{} claimed", ctx.screen.strong(&claim.intent.deployment.id.to_string())));
            Ok(Some(carry_out(
                ctx,
                snapshot,
                *claim,
                prepared,
                plan.from().map(|live| (live.tag.clone(), live.commit)),
            )))
        }
    }
}

/// How the commands of one deployment ended.
struct Ending {
    outcome: Outcome,
    explanation: Option<String>,
    /// What kept the command from being started.
    kept: Option<Failure>,
}

impl Ending {
    fn never_started(failure: Failure) -> Ending {
        let text = failure.message.clone();
        Ending {
            outcome: Outcome {
                state: Progress::Cancelled,
                started: false,
                exit_code: None,
                text: Some(text.clone()),
            },
            explanation: Some(text),
            kept: Some(failure),
        }
    }
}

fn carry_out(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    mut claim: Claim,
    prepared: &Prepared,
    previous: Option<(TagName, Oid)>,
) -> Receipt {
    let ending = perform(ctx, &mut claim, prepared, previous.as_ref());
    // The journal is a second string: where the disk refuses, the push still counts.
    let done = Phase::Done { outcome: ending.outcome.clone(), at: ctx.world.now() };
    if let Err(failure) = claim.run.advance(done) {
        ctx.screen.warn(&failure.message);
    }
    settle(ctx, snapshot, claim, prepared, ending)
}

/// Runs the commands of a claimed deployment.
fn perform(
    ctx: &Context<'_>,
    claim: &mut Claim,
    prepared: &Prepared,
    previous: Option<&(TagName, Oid)>,
) -> Ending {
    match Stage::set(ctx, claim, prepared, previous) {
        Err(failure) => Ending::never_started(failure),
        Ok(stage) => {
            let ending = stage.play(ctx, claim, prepared);
            if let Err(failure) = stage.clear() {
                ctx.screen.warn(&failure.message);
            }
            ending
        }
    }
}

/// A checkout, the artifacts and the variables, ready for commands.
struct Stage<'r> {
    checkout: Checkout<'r>,
    folder: tempfile::TempDir,
    env: BTreeMap<OsString, OsString>,
    log: PathBuf,
}

impl<'r> Stage<'r> {
    fn set(
        ctx: &'r Context<'_>,
        claim: &mut Claim,
        prepared: &Prepared,
        previous: Option<&(TagName, Oid)>,
    ) -> Result<Stage<'r>> {
        let candidate = &prepared.candidate;
        let folder = scratch(ctx.world)?;
        claim.run.works_in(folder.path())?;
        let deployment = &claim.intent.deployment;
        let files = folder.path().join("artifacts");
        artifacts::lay_out(ctx, candidate, &files)?;
        let listing = folder.path().join("manifest.json");
        write_manifest(
            &manifest(
                &candidate.tag,
                &candidate.commit,
                &candidate.artifacts,
                &candidate.references,
                &files,
            )?,
            &listing,
        )?;
        let checkout = Checkout::create(&ctx.repo, prepared.checkout, folder.path())?;
        let log = log_file(ctx, &deployment.environment, deployment.seq)?;
        let text = |value: &dyn std::fmt::Display| OsString::from(value.to_string());
        let (previous_tag, previous_commit) =
            previous.map_or((OsString::new(), OsString::new()), |(tag, commit)| (text(tag), text(commit)));
        let variables: [(&str, OsString); 16] = [
            ("REL_PROJECT", text(ctx.project())),
            ("REL_ENV", text(&deployment.environment)),
            ("REL_ACTION", text(&deployment.action)),
            ("REL_TAG", text(&deployment.tag)),
            ("REL_VERSION", text(&deployment.version)),
            ("REL_RELEASE", text(&deployment.version.release)),
            ("REL_COMMIT", text(&deployment.commit)),
            ("REL_PREVIOUS_TAG", previous_tag),
            ("REL_PREVIOUS_COMMIT", previous_commit),
            ("REL_DEPLOYMENT_ID", text(&deployment.id)),
            ("REL_FENCE_TOKEN", text(&deployment.seq)),
            ("REL_ACTOR", text(&deployment.actor)),
            ("REL_REASON", deployment.reason.clone().unwrap_or_default().into()),
            ("REL_ARTIFACTS_DIR", files.into_os_string()),
            ("REL_MANIFEST", listing.into_os_string()),
            ("REL_SOURCE_DIR", checkout.path().as_os_str().to_owned()),
        ];
        let mut env = ctx.world.env.clone();
        Checkout::scrub(&mut env);
        env.extend(variables.map(|(name, value)| (OsString::from(name), value)));
        Ok(Stage { checkout, folder, env, log })
    }

    /// Deploy, then verify, each within the environment's timeout and as often
    /// as `retry` allows.
    fn play(&self, ctx: &Context<'_>, claim: &mut Claim, prepared: &Prepared) -> Ending {
        let Prepared { commands, retry, .. } = prepared;
        let mut started = false;
        let steps = [("deploy", commands.deploy.as_ref()), ("verify", commands.verify.as_ref())];
        for (step, command) in steps {
            let Some(command) = command else { continue };
            let program = program(command);
            let phase = Phase::Running { process: None };
            if !started && let Err(failure) = claim.run.advance(phase) {
                return Ending::never_started(failure);
            }
            let run = Command_ {
                program: &program,
                cwd: self.checkout.path(),
                env: &self.env,
                timeout: Some(commands.timeout),
                grace: commands.grace,
                log: &self.log,
            };
            let mut attempt = 1;
            let ended = loop {
                let (ended, ran) = execute(ctx, run, step, &mut |process| {
                    // Without this line a killed run reads as unknown, which is true too.
                    let _ = claim.run.advance(Phase::Running { process: Some(process) });
                });
                started |= ran;
                let over = ended.is_success() || ctx.interrupts.interrupted() || attempt >= retry.attempts;
                if over {
                    break ended;
                }
                attempt += 1;
                ctx.screen.note(&format!("{step} failed; attempt {attempt} of {}", retry.attempts));
                pause(ctx, retry.backoff);
            };
            if ended.is_success() {
                continue;
            }
            let text = format!("{step}: {}", exec::explain(&ended, &run));
            let state =
                if matches!(ended, Ended::Interrupted) { Progress::Cancelled } else { Progress::Failed };
            let exit_code = ended.exit_code();
            return Ending {
                outcome: Outcome { state, started, exit_code, text: Some(text.clone()) },
                explanation: Some(text),
                kept: None,
            };
        }
        Ending {
            outcome: Outcome { state: Progress::Succeeded, started, exit_code: Some(0), text: None },
            explanation: None,
            kept: None,
        }
    }

    fn clear(self) -> Result<()> {
        let removed = self.checkout.remove();
        drop(self.folder);
        removed
    }
}

/// Waits, but not for somebody who wants it to end.
fn pause(ctx: &Context<'_>, limit: Duration) {
    let since = Instant::now();
    while since.elapsed() < limit && !ctx.interrupts.interrupted() {
        std::thread::sleep(Duration::from_millis(20).min(limit));
    }
}

/// Runs one command, streaming its output with a prefix. Says how it ended,
/// and whether it ever started.
pub fn execute(
    ctx: &Context<'_>,
    run: Command_<'_>,
    prefix: &str,
    journal: &mut dyn FnMut(Process),
) -> (Ended, bool) {
    let mut started = false;
    let mut on_start = |process: &Started| {
        started = true;
        journal(Process { pid: process.pid, start_time: process.start_time, boot: exec::boot_id() });
    };
    let ended =
        ctx.runner.run(run, ctx.interrupts, &mut on_start, &mut |line| ctx.screen.stream(prefix, line));
    (ended, started)
}

/// A command of `release.toml` as something to run.
pub fn program(command: &Command) -> Program {
    match command {
        Command::Shell(text) => Program::Shell(text.clone()),
        Command::Argv(words) => Program::Argv(words.clone()),
    }
}

/// Where a deployment's output is kept on this machine, if it ran here.
pub fn log_path(ctx: &Context<'_>, environment: &impl std::fmt::Display, seq: u64) -> PathBuf {
    ctx.state_dir().join("output").join(environment.to_string()).join(format!("{seq}.log"))
}

/// [`log_path`], in a folder that exists.
///
/// # Errors
/// The folder cannot be made.
pub fn log_file(ctx: &Context<'_>, environment: &impl std::fmt::Display, seq: u64) -> Result<PathBuf> {
    let path = log_path(ctx, environment, seq);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    Ok(path)
}

/// Publishes a claim's outcome; what follows from it by itself follows here.
fn settle(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    claim: Claim,
    prepared: &Prepared,
    ending: Ending,
) -> Receipt {
    let Claim { view, intent, run } = claim;
    let mut deployment = intent.deployment.clone();
    deployment.state = ending.outcome.state;
    deployment.exit_code = ending.outcome.exit_code;
    deployment.certain = ending.outcome.state == Progress::Succeeded || !ending.outcome.started;
    deployment.finished_at = Some(ctx.world.now());
    let mut receipt = Receipt {
        state: view.state.clone(),
        explanation: ending.explanation,
        kept: ending.kept,
        released: None,
        not_released: None,
        unpublished: None,
        late: None,
        rollback: None,
        deployment,
    };
    if ending.outcome.state == Progress::Failed
        && receipt.deployment.trigger != Trigger::OnFailure
        // A rollback that failed would only be run once more, as it was.
        && receipt.deployment.action != Action::Rollback
        && prepared.commands.on_failure == OnFailure::Rollback
        && let Some(followed) = roll_back(ctx, snapshot, &view, &ending.outcome, &receipt.deployment)
    {
        let (next, prepared, previous) = followed;
        run.close();
        receipt.rollback = Some(Box::new(carry_out(ctx, snapshot, next, &prepared, previous)));
        receipt.state = receipt.rollback.as_ref().map_or(receipt.state, |r| r.state.clone());
        return receipt;
    }
    let release =
        (ending.outcome.state == Progress::Succeeded).then(|| release_of(snapshot, prepared)).flatten();
    let published = publish_outcome(ctx, &view, &receipt.deployment, &ending.outcome, release);
    match published {
        Ok(Landed::As(state, tagging)) => {
            receipt.state = state;
            match tagging {
                Tagging::None => {}
                Tagging::Made(tag) => receipt.released = Some(tag),
                Tagging::Failed(why) => receipt.not_released = Some(why),
            }
            run.close();
        }
        Ok(Landed::Late(state, who)) => {
            receipt.state = state;
            receipt.late = Some(who);
            run.close();
        }
        Err(failure) => {
            receipt.unpublished = Some(failure);
            drop(run);
        }
    }
    receipt
}

/// A release about to be closed by a success in a final environment.
struct Release {
    tag: TagName,
    candidate: Candidate,
}

fn release_of(snapshot: &Snapshot, prepared: &Prepared) -> Option<Release> {
    let release = &prepared.candidate.version.release;
    let open = snapshot.candidates.state.line(release).is_some_and(|line| !line.closed);
    (prepared.commands.is_final && open)
        .then(|| Release { tag: snapshot.style.release(release), candidate: prepared.candidate.clone() })
}

enum Tagging {
    None,
    Made(TagName),
    Failed(String),
}

enum Landed {
    As(EnvState, Tagging),
    Late(EnvState, String),
}

/// Publishes an outcome for up to a minute of retries. The release's own tag
/// travels in the same push; where that fails, the outcome goes alone, and the
/// tag is tried once more after it.
fn publish_outcome(
    ctx: &Context<'_>,
    view: &View<EnvState>,
    deployment: &Deployment,
    outcome: &Outcome,
    release: Option<Release>,
) -> Result<Landed> {
    let patience = Patience::new(ctx);
    let mut view = view.clone();
    let (mut release, mut put_off) = (release, None);
    let mut tagging = Tagging::None;
    loop {
        if has_landed(&view.state, deployment.seq) {
            // A push that reported an error had landed all the same.
            return Ok(match who_closed(ctx, &view, &deployment.id) {
                Some(who) => Landed::Late(view.state, who),
                None => Landed::As(view.state, tag_after(ctx, put_off, &deployment.actor, tagging)),
            });
        }
        let (what, late) = closing(&view.state, deployment, outcome);
        let event = claim::outcome_event(ctx, &deployment.id, &deployment.actor, what);
        let (after, update) = view.append(&ctx.repo, std::slice::from_ref(&event))?;
        let mut updates = vec![update];
        if late {
            (release, put_off) = (None, None);
        }
        if let Some(release) = &release {
            match release_updates(ctx, release, &deployment.actor) {
                Ok(more) => updates.extend(more),
                Err(failure) => tagging = Tagging::Failed(failure.message),
            }
        }
        let with_release = updates.len() > 1;
        match ctx.authority().publish(&ctx.repo, &updates) {
            Ok(Published::Done) => {
                if late {
                    let who = who_closed(ctx, &after, &deployment.id).unwrap_or("somebody".to_owned());
                    return Ok(Landed::Late(after.state, who));
                }
                if with_release && let Some(release) = &release {
                    tagging = Tagging::Made(release.tag.clone());
                }
                return Ok(Landed::As(after.state, tag_after(ctx, put_off, &deployment.actor, tagging)));
            }
            Ok(Published::Moved(moved)) if with_release => {
                // Only a moved candidates' chain is worth another try with the tag.
                let tag = release.as_ref().map(|release| release.tag.to_ref());
                if moved.iter().any(|(name, _)| Some(name) == tag.as_ref()) {
                    tagging = Tagging::Failed("a tag of that name exists already".to_owned());
                    release = None;
                }
            }
            Ok(Published::Moved(_)) => {}
            Err(failure) if with_release => {
                tagging = Tagging::Failed(failure.message);
                put_off = release.take();
                continue;
            }
            Err(failure) => {
                if !patience.wait() {
                    return Err(failure);
                }
            }
        }
        match snapshot::fetch_chains(ctx) {
            Ok(()) => view = ledger::read(&ctx.repo, &view.ref_name, &[])?,
            Err(failure) if !patience.wait() => return Err(failure),
            Err(_) => {}
        }
    }
}

/// Makes the release's own tag after the outcome, where the two could not go together.
fn tag_after(ctx: &Context<'_>, put_off: Option<Release>, actor: &Actor, tagging: Tagging) -> Tagging {
    match put_off.map(|release| publish_release(ctx, &release, actor)) {
        None => tagging,
        Some(Ok(tag)) => Tagging::Made(tag),
        Some(Err(failure)) => Tagging::Failed(failure.message),
    }
}

/// Publishes a release's own tag by itself.
fn publish_release(ctx: &Context<'_>, release: &Release, actor: &Actor) -> Result<TagName> {
    let mut why = format!("the candidates' chain moved {TRIES} times");
    for _ in 0..TRIES {
        let updates = release_updates(ctx, release, actor)?;
        match ctx.authority().publish(&ctx.repo, &updates)? {
            Published::Done => return Ok(release.tag.clone()),
            Published::Moved(moved) if moved.iter().any(|(name, _)| *name == release.tag.to_ref()) => {
                why = "a tag of that name exists already".to_owned();
                break;
            }
            Published::Moved(_) => snapshot::fetch_chains(ctx)?,
        }
    }
    Err(Failure::failed(why))
}

/// The releases whose own tag is owed: what is live in a final environment
/// for sure, with its release still open. Tries each once more, and says what
/// came of it.
///
/// # Errors
/// The candidate's tag is not the one that was minted, or git failed.
pub fn tag_owed_releases(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
) -> Result<Vec<(TagName, std::result::Result<(), String>)>> {
    let mut tried: Vec<(TagName, std::result::Result<(), String>)> = Vec::new();
    for environment in snapshot.policy.config.final_environments() {
        let Some(view) = snapshot.environments.get(&environment.name) else { continue };
        let live = view.state.current().filter(|_| view.state.certain);
        let Some(minted) = live.and_then(|live| snapshot.minted(&live.tag)) else { continue };
        let version = &minted.version.release;
        let tag = snapshot.style.release(version);
        let open = snapshot.candidates.state.line(version).is_some_and(|line| !line.closed);
        if !open || tried.iter().any(|(other, _)| *other == tag) {
            continue;
        }
        let release = Release { tag: tag.clone(), candidate: snapshot.record(ctx, minted)? };
        let made = publish_release(ctx, &release, &ctx.actor()?).map(drop).map_err(|failure| failure.message);
        tried.push((tag, made));
    }
    Ok(tried)
}

/// Whether the chain has this deployment's own outcome already.
fn has_landed(state: &EnvState, seq: u64) -> bool {
    !has_it(state, seq) && state.ended >= Some(seq) && !state.unheard.contains(&seq)
}

/// The event that closes a deployment in this state, and whether it is a late
/// word because somebody has closed it already.
fn closing(state: &EnvState, deployment: &Deployment, outcome: &Outcome) -> (What, bool) {
    if has_it(state, deployment.seq) {
        (What::Outcome(outcome.clone()), false)
    } else {
        (What::Late(outcome.clone()), true)
    }
}

/// Who took over from a deployment, or settled it, if anybody did.
fn who_closed(ctx: &Context<'_>, view: &View<EnvState>, id: &DeploymentId) -> Option<String> {
    ledger::events::<EnvState>(&ctx.repo, view.tip)
        .filter_map(|event| event.ok())
        .filter(|(_, event)| event.id.seq == id.seq)
        .take_while(|(_, event)| !matches!(event.what, What::Intent(_)))
        .find(|(_, event)| matches!(event.what, What::TakenOver { .. } | What::Resolved { .. }))
        .map(|(_, event)| event.actor.name)
}

fn release_updates(ctx: &Context<'_>, release: &Release, actor: &Actor) -> Result<Vec<RefUpdate>> {
    let Release { tag, candidate } = release;
    let held = ctx.repo.ref_target(&format!("{}{tag}", ctx.tags_prefix()))?;
    if held.is_some() {
        return Err(Failure::failed("a tag of that name exists already"));
    }
    let view = ledger::read::<CandidatesState>(&ctx.repo, &ledger::candidates_ref(ctx.project()), &[])?;
    if view.state.line(&candidate.version.release).is_some_and(|line| line.closed) {
        return Err(Failure::failed("the release was closed meanwhile"));
    }
    let now = ctx.world.now();
    let message = format!(
        "{} {}\n\nThe release, as {} reached its final environment.\n\nRel-Schema: 1\nRel-Project: {}\nRel-Release: {}\nRel-Winner: {}\nRel-Nonce: {}\n",
        candidate.project,
        candidate.version.release,
        candidate.tag,
        candidate.project,
        candidate.version.release,
        candidate.tag,
        Context::nonce()
    );
    let sign = candidate.signed;
    let object = write_tag(&ctx.repo, tag, candidate.commit, actor, now, &message, sign)?;
    let event = candidates::Event {
        id: tag.to_string(),
        at: now,
        actor: actor.clone(),
        nonce: Context::nonce(),
        what: candidates::What::Closed {
            release: candidate.version.release.clone(),
            tag: tag.clone(),
            candidate: candidate.tag.clone(),
            commit: candidate.commit,
        },
    };
    let (_, update) = view.append(&ctx.repo, &[event])?;
    Ok(vec![RefUpdate { name: tag.to_ref(), expected: Expected::MustNotExist, new: object }, update])
}

type Followed = (Claim, Prepared, Option<(TagName, Oid)>);

/// How often an automatic rollback is merged with unrelated events.
const TRIES: usize = 20;

/// The rollback that a failure sets off: the failed outcome and the new
/// intent are one push. Events that came in the meantime, such as an
/// approval, are merged silently; where somebody closed this deployment, or
/// holds the environment, nothing follows.
fn roll_back(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Option<Followed> {
    let mut view = view.clone();
    for _ in 0..TRIES {
        match follow_up(ctx, snapshot, &view, outcome, failed) {
            Ok(Some(followed)) => {
                let id = &followed.0.intent.deployment.id;
                ctx.screen.note(&format!("{} failed; rolling back by itself: {id} claimed", failed.id));
                return Some(followed);
            }
            Ok(None) => {}
            Err(failure) => {
                ctx.screen.warn(&format!("no automatic rollback: {}", failure.message));
                return None;
            }
        }
        let fresh = snapshot::fetch_chains(ctx).and_then(|()| ledger::read(&ctx.repo, &view.ref_name, &[]));
        match fresh {
            Ok(fresh) => view = fresh,
            Err(failure) => {
                ctx.screen.warn(&format!("no automatic rollback: {}", failure.message));
                return None;
            }
        }
        if !has_it(&view.state, failed.seq) {
            ctx.screen.warn(&format!("no automatic rollback: somebody closed {} meanwhile", failed.id));
            return None;
        }
    }
    ctx.screen.warn(&format!("no automatic rollback: {} keeps moving", failed.environment));
    None
}

/// One attempt at it; none where the chain moved.
fn follow_up(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Result<Option<Followed>> {
    let environment = snapshot.environment(&failed.environment)?;
    let event = claim::outcome_event(ctx, &failed.id, &failed.actor, What::Outcome(outcome.clone()));
    let (after, _) = view.append(&ctx.repo, std::slice::from_ref(&event))?;
    let upstream = snapshot.upstream(environment);
    let setting = Setting {
        environment,
        state: &after.state,
        upstream: &upstream,
        candidates: &snapshot.candidates.state,
        pool: &snapshot.pool,
        actor: &failed.actor,
        on_behalf_of: failed.on_behalf_of.as_ref(),
        now: ctx.world.now(),
    };
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let lost = |tag: &TagName| {
        let record = snapshot.record(ctx, snapshot.minted(tag)?).ok()?;
        artifacts::gone(ctx, &record)
    };
    let knowledge = Knowledge { find: &find, lost: &lost };
    let request = rollback::Request::default();
    let plan = match rollback::decide(&setting, &request, &knowledge, &after.state) {
        Decision::Go(plan) => plan,
        Decision::NoTarget { why, .. } | Decision::Nothing(why) => return Err(Failure::failed(why)),
        Decision::Refused(verdicts) => {
            let texts: Vec<&str> = verdicts.iter().map(|verdict| verdict.text.as_str()).collect();
            return Err(Failure::failed(texts.join("; ")));
        }
        Decision::AskFurther { target, .. } => {
            return Err(Failure::failed(format!("going further back, to {target}, needs a word")));
        }
    };
    let prepared = prepare(ctx, snapshot, &plan, None)?;
    let details = Details {
        actor: failed.actor.clone(),
        on_behalf_of: failed.on_behalf_of.clone(),
        trigger: Trigger::OnFailure,
        reason: Some(format!("{} failed", failed.id)),
        commands_commit: prepared.commands_commit,
    };
    let claim = claim::follow(ctx, snapshot, view, event, &plan, &prepared.candidate, &details)?;
    let previous = plan.from().map(|live| (live.tag.clone(), live.commit));
    Ok(claim.map(|claim| (claim, prepared, previous)))
}

/// Whether number `seq` has the environment.
fn has_it(state: &EnvState, seq: u64) -> bool {
    state.in_flight.as_ref().is_some_and(|intent| intent.deployment.seq == seq)
}

/// How long a record is tried to be published.
pub struct Patience {
    since: Instant,
    limit: Duration,
    pauses: std::cell::Cell<u32>,
}

impl Patience {
    /// A minute, or what `REL_PUBLISH_TIMEOUT` says in seconds.
    pub fn new(ctx: &Context<'_>) -> Patience {
        let seconds = ctx.world.var("REL_PUBLISH_TIMEOUT").and_then(|text| text.parse().ok()).unwrap_or(60);
        Patience { since: Instant::now(), limit: Duration::from_secs(seconds), pauses: 0.into() }
    }

    /// Pauses a little longer each time; false once the time is up.
    pub fn wait(&self) -> bool {
        let pauses = self.pauses.get();
        self.pauses.set(pauses + 1);
        let pause = Duration::from_millis(250 << pauses.min(5));
        let left = self.limit.saturating_sub(self.since.elapsed());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(pause.min(left));
        true
    }
}
