//! Writing down what another system did: an intent and its outcome as any
//! deployment has them, under the same gates, but no command and no artifacts.
//!
//! What is recorded may be a candidate, a tag of somebody else's or a bare
//! commit. The last two are baselines: there are no bytes of theirs, so that
//! nothing ever goes back to one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::delivery::error::{Error, Misuse, Moved, NotFound, Result, Unjudged};
use crate::delivery::read::gate_input::{Gatherer, TakeOver};
use crate::delivery::read::range::position;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signoffs::Brought;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::hooks::{self, Queued};
use crate::delivery::run::outcome::tag_owed_releases;
use crate::delivery::run::publish;
use crate::delivery::sink::Sink;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{
    Action, Deployment, EnvEvent, EnvEventKind, EnvState, Intent, Live, Outcome, Progress, Trigger,
};
use crate::domain::gate::Gate;
use crate::domain::gate::input::GateInput;
use crate::domain::gate::verdict::{Attempt, Refusal, Verdict};
use crate::domain::left_behind::LeftBehind;
use crate::domain::name::{DeploymentId, EnvName, Oid, TagName};
use crate::domain::plan::Permission;
use crate::domain::version::CandidateVersion;
use crate::store::history;
use crate::store::ledger::View;

/// What was put somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTarget {
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

impl RecordTarget {
    fn candidate(minted: &Minted) -> RecordTarget {
        RecordTarget {
            tag: minted.tag.clone(),
            version: Some(minted.version.clone()),
            foreign_version: None,
            commit: minted.commit,
            position: minted.position,
        }
    }

    fn baseline(live: &Live) -> RecordTarget {
        RecordTarget {
            tag: live.tag.clone(),
            version: None,
            foreign_version: live.foreign_version.clone(),
            commit: live.commit,
            position: live.position,
        }
    }

    /// Whether this is what is live already: a commit is, by whatever name it
    /// went there; a candidate only by its own, for it has bytes.
    fn is(&self, live: &Live) -> bool {
        // A tag of somebody else's may have moved since.
        live.commit == self.commit && (live.tag == self.tag || self.version.is_none())
    }

    /// Whether this is what was recorded as started: by the same name, and still the same.
    fn is_open(&self, open: &Deployment) -> bool {
        open.trigger == Trigger::Recorded && open.tag == self.tag && open.commit == self.commit
    }
}

/// What a person means by `text`: a candidate, an environment for what is
/// live there, a release of ours, a tag of somebody else's, or a commit.
///
/// # Errors
/// Nothing in this clone is called that; a candidate's tag is not the one that
/// was minted (exit 9).
pub fn target(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<RecordTarget> {
    if let Some(view) = text.parse::<EnvName>().ok().and_then(|name| snapshot.environments.get(&name)) {
        let live = view.state.current().ok_or_else(|| NotFound::LiveNow(text.to_owned()))?;
        // What another environment runs is recorded under the same vouching as by its own name.
        return match &live.version {
            None => Ok(RecordTarget::baseline(live)),
            Some(_) => {
                let minted =
                    snapshot.minted(&live.tag).ok_or_else(|| Error::NeverMinted(live.tag.clone()))?;
                snapshot.record(reader, minted)?;
                Ok(RecordTarget::candidate(minted))
            }
        };
    }
    let exact = |minted: &&Minted| minted.tag.as_str() == text || minted.version.to_string() == text;
    let ours = snapshot.pool.iter().find(exact);
    let release = || snapshot.style.explicit(text).ok();
    if let Some(minted) = ours.or_else(|| release().and_then(|release| snapshot.newest_of(&release))) {
        // Whatever was put there, it was not this candidate if its tag is another by now.
        snapshot.record(reader, minted)?;
        return Ok(RecordTarget::candidate(minted));
    }
    let trunk = &reader.home.trunk;
    let (tag, commit) = if text == "trunk" || text == trunk {
        (TagName::of_commit(snapshot.trunk), snapshot.trunk)
    } else if let Some(found) = tag(reader, snapshot, text)? {
        found
    } else {
        let commit = reader.repo.resolve_commit(text)?.ok_or_else(|| NotFound::Anything(text.to_owned()))?;
        (TagName::of_commit(commit), commit)
    };
    let foreign_version = snapshot
        .style
        .parse(tag.as_str())
        .filter(|_| tag.as_commit().is_none())
        .and_then(|_| snapshot.style.version_text(tag.as_str()))
        .map(str::to_owned);
    // What a shallow clone counts is not where a commit stands.
    let on_trunk =
        reader.has_history(snapshot.trunk)? && history::is_ancestor(&reader.repo, commit, snapshot.trunk)?;
    let position = if on_trunk { position(reader, snapshot, commit)? } else { 0 };
    Ok(RecordTarget { tag, version: None, foreign_version, commit, position })
}

/// The tag of this name, or of this version, and its commit: the authority's,
/// else this clone's.
fn tag(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<Option<(TagName, Oid)>> {
    for tag in [text.to_owned(), format!("{}{text}", snapshot.style.prefix())] {
        let Ok(tag) = tag.parse::<TagName>() else { continue };
        for name in [reader.tag_copy(&tag), tag.to_ref().to_string()] {
            let Some(object) = reader.repo.ref_target(name)? else { continue };
            if let Some(commit) = reader.repo.peel_to_commit(object)? {
                return Ok(Some((tag, commit)));
            }
            if !reader.repo.has_object(object) {
                return Err(NotFound::Anything(text.to_owned()).into());
            }
        }
    }
    Ok(None)
}

/// How it went, as far as the other system has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedState {
    /// It is under way.
    Started,
    /// It did what it set out to do.
    Succeeded,
    /// It did not.
    Failed,
}

/// What is to be written down.
#[derive(Debug, Clone)]
pub struct RecordRequest<'a> {
    /// Where.
    pub environment: &'a Environment,
    /// What.
    pub target: &'a RecordTarget,
    /// How it went.
    pub said: RecordedState,
    /// Why, in the words of whoever writes it down.
    pub reason: Option<&'a str>,
    /// Gates passed by name.
    pub overrides: &'a BTreeSet<Gate>,
    /// Close this hold or intent on the way.
    pub take_over: Option<u64>,
}

impl RecordRequest<'_> {
    /// Whether the gates are asked. A start is, while refusing still helps,
    /// and so is a success: a candidate's opens the way to other environments,
    /// and what comes after a baseline is compared with it. A failure opens
    /// nothing, and a baseline where nothing is live, or that is what is
    /// believed live, is what everything begins with.
    fn is_judged(&self, state: &EnvState) -> bool {
        let is_news = || state.current().is_some_and(|live| !self.target.is(live));
        match self.said {
            RecordedState::Started => true,
            RecordedState::Succeeded => self.target.version.is_some() || is_news(),
            RecordedState::Failed => false,
        }
    }
}

/// What is to be written down once `before_deploy` has been heard.
pub enum RecordPlan {
    /// It is what is live for sure.
    Nothing,
    /// The end of what was recorded as started: no gate is asked twice.
    Ends(Vec<EnvEvent>, DeploymentId),
    /// A deployment of its own.
    New(Box<NewRecord>),
}

/// A deployment that another system makes or made, which the gates let pass.
pub struct NewRecord {
    closing: Vec<EnvEvent>,
    intent: Intent,
    permission: Permission,
    is_judged: bool,
    ended: Option<Progress>,
}

impl RecordPlan {
    /// The gates' verdicts.
    pub fn verdicts(&self) -> &[Verdict] {
        match self {
            RecordPlan::New(new) => new.permission.verdicts(),
            RecordPlan::Nothing | RecordPlan::Ends(..) => &[],
        }
    }
}

/// What `report` means where the chain is as in `view`. An intent that was recorded
/// as started, for the same target, is closed. Anything else is a deployment of
/// its own, its intent and its outcome.
///
/// # Errors
/// A gate refuses; the environment is busy or held; `--take-over` names
/// nothing that is open; gates are passed by name where none is asked (exit 2).
pub fn judge(
    reader: &Reader,
    snapshot: &Snapshot,
    report: &RecordRequest<'_>,
    view: &View<EnvState>,
) -> Result<RecordPlan> {
    let RecordRequest { environment, target, said, .. } = report;
    let name = &environment.name;
    let take_over = TakeOver { token: report.take_over, reason: report.reason, rollback: false };
    let gatherer = Gatherer::new(reader, snapshot)?;
    let (input, mut closing) = gatherer.taking_over(gatherer.input(environment, &view.state)?, take_over)?;
    let ended = match said {
        RecordedState::Started => None,
        RecordedState::Succeeded => Some(Progress::Succeeded),
        RecordedState::Failed => Some(Progress::Failed),
    };
    let open = input.state.in_flight.as_ref().map(|intent| &intent.deployment);
    if let Some(open) = open.filter(|open| target.is_open(open))
        && let Some(ended) = ended
    {
        nothing_to_pass(report, Unjudged::End)?;
        let what = EnvEventKind::Outcome(Outcome::of(ended, true));
        closing.push(reader.event(open.id.clone(), &input.actor, what));
        return Ok(RecordPlan::Ends(closing, open.id.clone()));
    }
    let state = &*input.state;
    let is_live = state.certain && state.current().is_some_and(|live| target.is(live));
    if is_live && state.in_flight.is_none() && *said == RecordedState::Succeeded {
        return Ok(RecordPlan::Nothing);
    }
    let is_judged = report.is_judged(state);
    let (input, permission) = if is_judged {
        // Nothing but a baseline is judged as one.
        let brought = match &target.version {
            None => Brought::commit(target.commit, target.tag.label(), None),
            Some(_) => Brought::candidate(
                snapshot.minted(&target.tag).ok_or_else(|| Error::NeverMinted(target.tag.clone()))?,
            ),
        };
        let input = gatherer.bringing(input, view, brought)?;
        let permission = Permission::to_deploy(&input, report.overrides);
        (input, permission)
    } else {
        let release = target.version.as_ref().map(|version| version.release.to_string());
        let left_behind = Some(gatherer.left_behind.to(state, target.commit, release)?);
        nothing_to_pass(
            report,
            if *said == RecordedState::Failed { Unjudged::Failure } else { Unjudged::LiveBaseline },
        )?;
        let permission = Permission::to_be_known(&input);
        (GateInput { left_behind, ..input }, permission)
    };
    let permission = permission.map_err(|verdicts| {
        let (tag, commit, succeeded) = (target.tag.clone(), target.commit, *said == RecordedState::Succeeded);
        Refusal { environment: name.clone(), attempt: Attempt::Record { tag, commit, succeeded }, verdicts }
    })?;
    let intent = intent(reader, snapshot, report, &input);
    Ok(RecordPlan::New(Box::new(NewRecord { closing, intent, permission, is_judged, ended })))
}

/// Refuses to pass gates where none is asked: a record would not tell of it.
fn nothing_to_pass(report: &RecordRequest<'_>, what: Unjudged) -> Result<()> {
    if report.overrides.is_empty() { Ok(()) } else { Err(Misuse::NothingToPass(what).into()) }
}

/// Whether `before_deploy` is asked: where there is one, of what gates are asked of.
fn is_for_hooks(snapshot: &Snapshot, judged: &RecordPlan) -> bool {
    let hooks = &snapshot.policy.config.hooks;
    hooks.before_deploy.is_some() && matches!(judged, RecordPlan::New(new) if new.is_judged)
}

/// Asks `before_deploy`, where there is one and the gates are asked.
///
/// # Errors
/// Somebody interrupts it; nothing changed.
fn hear(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    report: &RecordRequest<'_>,
    judged: &RecordPlan,
) -> Result<Option<Verdict>> {
    let RecordPlan::New(new) = judged else { return Ok(None) };
    if !is_for_hooks(snapshot, judged) {
        return Ok(None);
    }
    let queued = Queued {
        environment: &report.environment.name,
        action: new.intent.deployment.action,
        tag: &report.target.tag,
        version: report.target.version.as_ref(),
        commit: report.target.commit,
        from: new.intent.deployment.from_tag.as_ref(),
        reason: report.reason,
    };
    hooks::before_deploy(reader, hands, sink, snapshot, &queued)
}

/// Writes down what was judged `first`, or what it comes to where others move
/// its chain or the candidates' meanwhile; the chain after it, and the deployment it tells of.
///
/// # Errors
/// As [`judge`] and [`events`]; the authority cannot be reached.
pub fn publish(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    report: &RecordRequest<'_>,
    first: &RecordPlan,
) -> Result<(View<EnvState>, Option<DeploymentId>)> {
    let (ref_name, formerly) = Snapshot::place(reader, sink, &report.environment.name)?;
    let mut hook = hear(reader, hands, sink, snapshot, report, first)?;
    let mut snapshot = Cow::Borrowed(snapshot);
    for _ in 0..publish::TRIES {
        let (mut made, mut again) = (None, None);
        // A block that arrives while the hook is asked is one of the candidates' events.
        let candidates = &snapshot.candidates;
        let watches = report.said != RecordedState::Failed;
        let beside = watches.then(|| candidates.unchanged()).flatten();
        let view = publish::small_while::<EnvState, Error>(
            reader,
            sink,
            &ref_name,
            &formerly,
            beside.as_ref(),
            |view| {
                (made, again) = (None, None);
                if watches && reader.repo.ref_target(&candidates.ref_name)? != candidates.held {
                    again = Some(Retry::Read);
                    return Ok(None);
                }
                let judged = judge(reader, &snapshot, report, view)?;
                // A start may be ended by others meanwhile, and then this is a deployment of its
                // own. The chain is read anew after the hook, which takes its time.
                if hook.is_none() && is_for_hooks(&snapshot, &judged) {
                    again = Some(Retry::Hear(judged));
                    return Ok(None);
                }
                let events = events(reader, sink, report, judged, hook.as_ref())?;
                made = events.as_ref().map(|(_, id)| id.clone());
                Ok(events.map(|(events, _)| events))
            },
        )?;
        match again {
            None => return Ok((view, made)),
            Some(Retry::Hear(judged)) => hook = hear(reader, hands, sink, &snapshot, report, &judged)?,
            Some(Retry::Read) => snapshot = Cow::Owned(Snapshot::read(reader)?),
        }
    }
    Err(Moved::CandidatesBeside(report.environment.name.clone()).into())
}

/// What has to be done before a record is judged once more.
enum Retry {
    /// Ask `before_deploy` of this.
    Hear(RecordPlan),
    /// Read the candidates, which moved.
    Read,
}

/// A release's own tag that was owed.
pub struct Tagged {
    /// The tag.
    pub tag: TagName,
    /// Whether it is of the release that was recorded.
    pub ours: bool,
    /// Why it could not be made, if it could not.
    pub(crate) made: std::result::Result<(), Error>,
}

/// Makes the releases' own tags that are owed, where what was recorded is the
/// success that closes a release.
///
/// # Errors
/// git failed.
pub fn tag_release(reader: &Reader, sink: &dyn Sink, report: &RecordRequest<'_>) -> Result<Vec<Tagged>> {
    let closes = report.environment.is_final && report.said == RecordedState::Succeeded;
    let Some(version) = report.target.version.as_ref().filter(|_| closes) else { return Ok(Vec::new()) };
    // Read again, with what was just published.
    let snapshot = Snapshot::read(reader)?;
    let release = snapshot.style.release(&version.release);
    let tagged = tag_owed_releases(reader, sink, &snapshot)?.into_iter();
    Ok(tagged.map(|(tag, made)| Tagged { ours: tag == release, tag, made }).collect())
}

/// The newest candidate that `rel` made of a recorded baseline's commit: it
/// may be the one that was meant.
///
/// # Errors
/// git failed.
pub fn candidate_of(reader: &Reader, report: &RecordRequest<'_>) -> Result<Option<TagName>> {
    if report.target.version.is_some() || report.said == RecordedState::Failed {
        return Ok(None);
    }
    let snapshot = Snapshot::read(reader)?;
    let newest = snapshot.pool.iter().rev().find(|minted| minted.commit == report.target.commit);
    Ok(newest.map(|minted| minted.tag.clone()))
}

/// The events that write it down, and the deployment they tell of; none where
/// there is nothing to write. `hook` is what `before_deploy` said.
///
/// # Errors
/// The hook refuses, and nobody passed it by name.
pub fn events(
    reader: &Reader,
    sink: &dyn Sink,
    report: &RecordRequest<'_>,
    judged: RecordPlan,
    hook: Option<&Verdict>,
) -> Result<Option<(Vec<EnvEvent>, DeploymentId)>> {
    let NewRecord { closing: mut events, mut intent, permission, ended, .. } = match judged {
        RecordPlan::Nothing => return Ok(None),
        RecordPlan::Ends(events, id) => return Ok(Some((events, id))),
        RecordPlan::New(new) => *new,
    };
    let permission = match hook {
        None => permission,
        Some(verdict) => {
            permission.with_hook_verdict(verdict.clone(), report.overrides).map_err(|verdicts| {
                // The hook is asked as for a deployment, and refuses as one.
                let attempt = Attempt::Deploy(report.target.tag.clone());
                Refusal { environment: report.environment.name.clone(), attempt, verdicts }
            })?
        }
    };
    let deployment = &mut intent.deployment;
    let words = |verdict: &Verdict| sink.gate_text(verdict);
    deployment.gates = permission.gates(&words);
    deployment.overrides = permission.overrides(&words);
    deployment.approvals = permission.approvals().to_vec();
    let (id, actor) = (deployment.id.clone(), deployment.actor.clone());
    events.push(reader.event(id.clone(), &actor, EnvEventKind::Intent(Box::new(intent))));
    if let Some(ended) = ended {
        events.push(reader.event(id.clone(), &actor, EnvEventKind::Outcome(Outcome::of(ended, true))));
    }
    Ok(Some((events, id)))
}

fn intent(reader: &Reader, snapshot: &Snapshot, report: &RecordRequest<'_>, input: &GateInput<'_>) -> Intent {
    let target = report.target;
    let id = DeploymentId { environment: report.environment.name.clone(), seq: input.state.count + 1 };
    let current = input.state.current();
    let again = current.is_some_and(|live| live.tag == target.tag && live.commit == target.commit);
    let action = if again { Action::Redeploy } else { Action::Deploy };
    let what = (target.tag.clone(), target.commit);
    // Its host is left out: where it ran nobody said.
    let deployment = Deployment {
        version: target.version.clone(),
        foreign_version: target.foreign_version.clone(),
        from_tag: current.map(|live| live.tag.clone()),
        on_behalf_of: reader.world.on_behalf_of(),
        run_url: reader.world.run_url(),
        trigger: Trigger::Recorded,
        reason: report.reason.map(str::to_owned),
        policy_commit: snapshot.policy.commit,
        ..Deployment::begin(id, action, what, input.actor.clone(), input.now)
    };
    let owes = input.left_behind.as_ref().map(LeftBehind::owes).unwrap_or_default();
    Intent { owes, ..Intent::of(deployment, target.position) }
}
