//! Writing down what another system did: an intent and its outcome as any
//! deployment has them, but no command, no artifacts and no gate except those
//! of the chain itself.
//!
//! What is recorded may be a candidate, a tag of somebody else's or a bare
//! commit. The last two are baselines: there are no bytes of theirs, so that
//! nothing ever goes back to one.

use super::claim::{outcome_event, wrong_token};
use super::context::Context;
use super::crossing::Crossings;
use super::flow::refusal;
use super::scope::position;
use super::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{
    Action, Deployment, EnvState, Event, Intent, Live, Outcome, Progress, Trigger, What,
};
use crate::domain::gate::{self, Verdict};
use crate::domain::name::{Actor, DeploymentId, EnvName, Oid, TagName};
use crate::domain::plan::{self, Stamp};
use crate::domain::version::CandidateVersion;
use crate::failure::{Failure, Kind, Result};
use crate::store::history;
use std::collections::BTreeMap;

/// What was put somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The candidate, the tag, or the commit in its place.
    pub tag: TagName,
    /// The candidate's version; none for a baseline.
    pub version: Option<CandidateVersion>,
    /// The version that a baseline's tag names.
    pub foreign_version: Option<String>,
    /// Its commit.
    pub commit: Oid,
    /// Its place on trunk; 0 where it is not there.
    pub position: u64,
}

impl Target {
    fn candidate(minted: &Minted) -> Target {
        Target {
            tag: minted.tag.clone(),
            version: Some(minted.version.clone()),
            foreign_version: None,
            commit: minted.commit,
            position: minted.position,
        }
    }

    fn live(live: &Live) -> Target {
        Target {
            tag: live.tag.clone(),
            version: live.version.clone(),
            foreign_version: live.foreign_version.clone(),
            commit: live.commit,
            position: live.position,
        }
    }

    /// Whether this is what is live already: a commit is, by whatever name it
    /// went there; a candidate only by its own, for it has bytes.
    fn is(&self, live: &Live) -> bool {
        live.tag == self.tag || (self.version.is_none() && live.commit == self.commit)
    }
}

/// What a person means by `text`: a candidate, an environment for what is
/// live there, a release of ours, a tag of somebody else's, or a commit.
///
/// # Errors
/// Nothing in this clone is called that; a candidate's tag is not the one that
/// was minted (exit 9).
pub fn target(ctx: &Context<'_>, snapshot: &Snapshot, text: &str) -> Result<Target> {
    if let Some(view) = text.parse::<EnvName>().ok().and_then(|name| snapshot.environments.get(&name)) {
        let live = view.state.current().ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("nothing is live on {text}")).hint(format!("rel log {text}"))
        })?;
        return Ok(Target::live(live));
    }
    let exact = |minted: &&Minted| minted.tag.as_str() == text || minted.version.to_string() == text;
    let ours = snapshot.pool.iter().find(exact);
    let release = || snapshot.style.explicit(snapshot.policy.config.version.scheme, text).ok();
    if let Some(minted) = ours.or_else(|| release().and_then(|release| snapshot.newest_of(&release))) {
        // Whatever was put there, it was not this candidate if its tag is another by now.
        snapshot.record(ctx, minted)?;
        return Ok(Target::candidate(minted));
    }
    let trunk = &ctx.home.trunk;
    let (tag, commit) = if text == "trunk" || text == trunk {
        (TagName::of_commit(snapshot.trunk), snapshot.trunk)
    } else if let Some(found) = tag(ctx, snapshot, text)? {
        found
    } else {
        let commit = ctx.repo.resolve_commit(text)?.ok_or_else(|| nowhere(text))?;
        (TagName::of_commit(commit), commit)
    };
    let foreign_version = snapshot
        .style
        .parse(snapshot.policy.config.version.scheme, tag.as_str())
        .filter(|_| tag.as_commit().is_none())
        .and_then(|_| snapshot.style.version_text(tag.as_str()))
        .map(str::to_owned);
    // What a shallow clone counts is not where a commit stands.
    let on_trunk =
        ctx.has_history(snapshot.trunk)? && history::is_ancestor(&ctx.repo, commit, snapshot.trunk)?;
    let position = if on_trunk { position(ctx, snapshot, commit)? } else { 0 };
    Ok(Target { tag, version: None, foreign_version, commit, position })
}

fn nowhere(text: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no candidate, tag or commit {text} in this clone"))
        .hint("git fetch --tags, if it was made elsewhere")
}

/// The tag of this name, or of this version, and its commit: the authority's,
/// else this clone's.
fn tag(ctx: &Context<'_>, snapshot: &Snapshot, text: &str) -> Result<Option<(TagName, Oid)>> {
    for name in [text.to_owned(), format!("{}{text}", snapshot.style.prefix())] {
        let Ok(tag) = name.parse::<TagName>() else { continue };
        for folder in [ctx.tags_prefix(), "refs/tags/".to_owned()] {
            let Some(object) = ctx.repo.ref_target(&format!("{folder}{tag}"))? else { continue };
            if let Some(commit) = ctx.repo.peel_to_commit(object)? {
                return Ok(Some((tag, commit)));
            }
            if !ctx.repo.has_object(object) {
                return Err(nowhere(text));
            }
        }
    }
    Ok(None)
}

/// How it went, as far as the other system has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is under way.
    Started,
    /// It did what it set out to do.
    Succeeded,
    /// It did not.
    Failed,
}

/// What is to be written down.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Where.
    pub environment: &'a Environment,
    /// What.
    pub target: &'a Target,
    /// How it went.
    pub said: Said,
    /// Why, in the words of whoever writes it down.
    pub reason: Option<&'a str>,
    /// Close this hold or intent on the way.
    pub take_over: Option<u64>,
}

/// The events that write it down, and the deployment they tell of; none where
/// it is what is live for sure.
///
/// An intent that was recorded as started, for the same target, is closed.
/// Anything else is a deployment of its own, its intent and its outcome.
///
/// # Errors
/// The environment is busy or held; `--take-over` names nothing that is open.
pub fn events(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    report: &Report<'_>,
    actor: &Actor,
    shown: &EnvState,
) -> Result<Option<(Vec<Event>, DeploymentId)>> {
    let Report { environment, target, said, .. } = report;
    let name = &environment.name;
    let stamp = Stamp { actor, at: ctx.world.now(), nonce: &Context::nonce };
    let (mut events, state) = match report.take_over {
        None => (Vec::new(), shown.clone()),
        Some(token) => plan::close(name, shown, token, false, report.reason.unwrap_or_default(), &stamp)
            .map_err(|wrong| wrong_token(name, wrong, shown))?,
    };
    let progress = match said {
        Said::Started => Progress::Running,
        Said::Succeeded => Progress::Succeeded,
        Said::Failed => Progress::Failed,
    };
    let outcome = || What::Outcome(Outcome::of(progress, true));
    let open = state.in_flight.as_ref().map(|intent| &intent.deployment);
    if let Some(open) = open.filter(|open| open.trigger == Trigger::Recorded && open.tag == target.tag)
        && *said != Said::Started
    {
        events.push(outcome_event(ctx, &open.id, actor, outcome()));
        return Ok(Some((events, open.id.clone())));
    }
    let is_live = state.certain && state.current().is_some_and(|live| target.is(live));
    if is_live && state.in_flight.is_none() && *said == Said::Succeeded {
        return Ok(None);
    }
    let closed: Vec<Verdict> = gate::held_by(environment, &state)
        .into_iter()
        .chain(gate::busy_with(&state))
        .map(|verdict| ways_on(name, &state, verdict))
        .collect();
    if !closed.is_empty() {
        let mut failure = refusal(name, Some(&target.tag), &closed);
        // Whether waiting helps is not for the clock to say: somebody else is at work.
        failure.hints.clear();
        return Err(failure);
    }
    let id = DeploymentId { environment: name.clone(), seq: state.count + 1 };
    let intent = intent(ctx, snapshot, report, actor, &state, &stamp)?;
    events.push(stamp.event(name, id.seq, What::Intent(Box::new(intent))));
    if *said != Said::Started {
        events.push(stamp.event(name, id.seq, outcome()));
    }
    Ok(Some((events, id)))
}

/// The same verdict with what helps whoever records.
fn ways_on(name: &EnvName, state: &EnvState, mut verdict: Verdict) -> Verdict {
    let in_flight = state.in_flight.as_ref().map(|intent| &intent.deployment);
    let in_flight = in_flight.filter(|_| verdict.gate == gate::Gate::Busy);
    verdict.fixes = match (in_flight, &state.hold) {
        (Some(open), _) if open.trigger == Trigger::Recorded => vec![
            format!("say how it went: rel record {name} {} --succeeded|--failed", open.tag.label()),
            format!("or, if it is dead: --take-over {} --reason WHY", open.seq),
        ],
        (Some(open), _) => {
            vec![format!("wait for it, or, if it is dead: --take-over {} --reason WHY", open.seq)]
        }
        (None, Some(hold)) => vec![
            format!("rel unlock {name} --token {} --reason WHY", hold.token),
            format!("or, with the record: --take-over {} --reason WHY", hold.token),
        ],
        (None, None) => Vec::new(),
    };
    verdict
}

fn intent(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    report: &Report<'_>,
    actor: &Actor,
    state: &EnvState,
    stamp: &Stamp<'_>,
) -> Result<Intent> {
    let (environment, target) = (&report.environment.name, report.target);
    let seq = state.count + 1;
    let current = state.current();
    let again = current.is_some_and(|live| live.tag == target.tag);
    Ok(Intent {
        position: target.position,
        undoes: None,
        holds: false,
        owes: Crossings::new(ctx, snapshot).to(state, target.commit, None)?.owes(),
        deployment: Deployment {
            id: DeploymentId { environment: environment.clone(), seq },
            seq,
            environment: environment.clone(),
            action: if again { Action::Redeploy } else { Action::Deploy },
            tag: target.tag.clone(),
            version: target.version.clone(),
            foreign_version: target.foreign_version.clone(),
            commit: target.commit,
            from_tag: current.map(|live| live.tag.clone()),
            state: Progress::Running,
            certain: false,
            actor: actor.clone(),
            on_behalf_of: ctx.world.on_behalf_of(),
            // Where it ran nobody said.
            host: None,
            run_url: ctx.world.run_url(),
            trigger: Trigger::Recorded,
            reason: report.reason.map(str::to_owned),
            overrides: Vec::new(),
            gates: Vec::new(),
            approvals: Vec::new(),
            policy_commit: snapshot.policy.commit,
            commands_commit: None,
            started_at: stamp.at,
            finished_at: None,
            exit_code: None,
            reverts: None,
            offline: false,
            phases: Vec::new(),
            params: BTreeMap::new(),
            rel_version: env!("CARGO_PKG_VERSION").to_owned(),
        },
    })
}
