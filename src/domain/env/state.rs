//! What an environment's events fold to, and everything that the next one is
//! judged by.
//!
//! [`EnvState::apply`] is the only way from one state to the next; it refuses
//! what the rules forbid, and it is what `fsck` folds again.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Deployment, EnvEvent, EnvEventKind, Intent, Offline, Outcome, Progress};
use crate::domain::candidates::Minted;
use crate::domain::fold::{Fold, Impossible};
use crate::domain::gate::Gate;
use crate::domain::left_behind::Owed;
use crate::domain::name::{Actor, DeploymentId, Oid, TagName};
use crate::domain::version::CandidateVersion;

/// Entries a state keeps of the stack of what was live.
const STACK: usize = 64;
/// Candidates whose standing a state remembers.
const STANDING: usize = 256;

/// A candidate, or a baseline, that is or was live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The tag of the candidate, or of the baseline.
    pub tag: TagName,
    /// Its version; none where it is a baseline: recorded, not made by `rel`,
    /// so that there are no bytes of it to deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<CandidateVersion>,
    /// The version that a baseline's tag names, as it is spelled there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_version: Option<String>,
    /// The commit that the tag named.
    pub commit: Oid,
    /// Its trunk position; 0 for a baseline that is not on trunk.
    pub position: u64,
    /// Since when it is live without a break.
    pub since: DateTime<Utc>,
    /// Who made it so.
    pub actor: Actor,
    /// For whom, in CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Actor>,
    /// By which deployment.
    pub deployment: DeploymentId,
    /// Fixes that were live here before and are not in it. Of what was live
    /// before something else none are kept: that owes what is left of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owes: Vec<Owed>,
}

impl Live {
    /// Whether it was recorded and not made by `rel`.
    pub fn is_baseline(&self) -> bool {
        self.version.is_none()
    }

    /// Whether it comes after a candidate: by trunk, and then, where it is
    /// one itself, by version and number.
    pub fn is_later_than(&self, candidate: &Minted) -> bool {
        match &self.version {
            Some(version) => candidate.order() < (self.position, &version.release, version.number),
            None => candidate.position < self.position,
        }
    }
}

/// Why an environment is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HoldCause {
    /// Somebody locked it.
    Person,
    /// A rollback left it so.
    Rollback,
}

/// An environment kept closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// The number that closes it.
    pub token: u64,
    /// Who holds it.
    pub actor: Actor,
    /// The reason, in the words of who holds it.
    pub reason: String,
    /// Since when, by the clock of who holds it.
    pub at: DateTime<Utc>,
    /// What closed it.
    pub cause: HoldCause,
}

/// How long a candidate that succeeded here stood here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The tag of the candidate, or of the baseline.
    pub tag: TagName,
    /// The longest it stood, in seconds, not counting now.
    pub longest: u64,
    /// Since when it stands, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

impl Standing {
    /// The longest it has stood by now, in seconds.
    pub fn seconds(&self, now: DateTime<Utc>) -> u64 {
        let standing = self.since.map_or(0, |since| (now - since).num_seconds().max(0).unsigned_abs());
        self.longest.max(standing)
    }
}

/// An ended deployment, as far as a rollback has to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The number of the deployment.
    pub seq: u64,
    /// The tag that it deployed.
    pub tag: TagName,
    /// What it set out to do.
    pub action: Action,
    /// How it ended.
    pub state: Progress,
    /// Whether its command was started.
    pub started: bool,
    /// What it undid, if it was a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<TagName>,
    /// The deployment it undid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<DeploymentId>,
    /// Whether it left the environment held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// The candidate it wanted live, with what is needed to want it again.
    pub target: Live,
}

impl Last {
    /// Whether something is left to put right: its command ran without
    /// success, or a rollback was meant and not reached.
    pub fn is_unfinished(&self) -> bool {
        self.state != Progress::Succeeded && (self.started || self.action == Action::Rollback)
    }
}

/// The last success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSuccess {
    /// The number of the deployment.
    pub seq: u64,
    /// What it was.
    pub action: Action,
}

/// A candidate approved for this environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The tag of the candidate, or of the baseline.
    pub tag: TagName,
    /// Who gave the approval.
    pub actor: Actor,
    /// When it was given.
    pub at: DateTime<Utc>,
}

/// Everything about an environment that the next event is judged by.
///
/// Complete, so that the chain's tip alone answers; bounded, so that it does
/// not grow with the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct EnvState {
    /// The last number taken.
    pub count: u64,
    /// What was live, newest last: a stack, see the contract's states.
    pub stack: Vec<Live>,
    /// Whether what is live is what the top of the stack says, for sure.
    pub certain: bool,
    /// The deployment that has the environment.
    pub in_flight: Option<Box<Intent>>,
    /// Whether it is kept closed.
    pub hold: Option<Hold>,
    /// Deployments nobody knows the end of.
    pub unresolved: Vec<Deployment>,
    /// What each of those wanted live, in the same order.
    pub wanted: Vec<Live>,
    /// Deployments that somebody else closed and whose own word has not come.
    pub unheard: Vec<u64>,
    /// What succeeded here, and how long each stood; newest last.
    pub standing: Vec<Standing>,
    /// What rollbacks here undid.
    pub undone: Vec<TagName>,
    /// The number of the newest deployment that has ended.
    pub ended: Option<u64>,
    /// The newest ended deployment that matters to a rollback. One that never
    /// began leaves an unfinished one before it in place.
    pub last: Option<Last>,
    /// The newest success.
    pub success: Option<LastSuccess>,
    /// Approvals not yet withdrawn or ended by a rollback.
    pub approvals: Vec<Approved>,
}

impl EnvState {
    /// What is live, if anything is.
    pub fn current(&self) -> Option<&Live> {
        self.stack.last()
    }

    /// The number of the newest deployment, ended or not.
    pub fn newest(&self) -> Option<u64> {
        self.in_flight.as_ref().map(|intent| intent.deployment.seq).or(self.ended)
    }

    /// How long `tag` stood here, if it ever succeeded here.
    pub fn standing(&self, tag: &TagName) -> Option<&Standing> {
        self.standing.iter().find(|standing| standing.tag == *tag)
    }

    /// Whether a rollback here undid `tag`, and no override brought it back.
    pub fn undid(&self, tag: &TagName) -> bool {
        self.undone.contains(tag)
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// The event cannot follow this state.
    pub fn apply(&self, event: &EnvEvent) -> Result<EnvState, Impossible> {
        let mut next = self.clone();
        let seq = event.id.seq;
        let numbered = |next: &mut EnvState| {
            if next.count.checked_add(1) == Some(seq) {
                next.count = seq;
                Ok(())
            } else {
                Err(Impossible(format!("{} does not follow number {}", event.id, next.count)))
            }
        };
        match &event.what {
            EnvEventKind::Intent(intent) => {
                numbered(&mut next)?;
                next.claim(intent, event)?;
            }
            EnvEventKind::Outcome(outcome) => next.end(seq, outcome, event.at)?,
            EnvEventKind::TakenOver { .. } => {
                let outcome = Outcome::of(Progress::Unknown, true);
                next.end(seq, &outcome, event.at)?;
                next.close_for(seq);
            }
            EnvEventKind::Late(outcome) => next.hear_late(seq, outcome, event.at)?,
            EnvEventKind::Offline(ran) => {
                numbered(&mut next)?;
                next.learn_of(ran, event)?;
            }
            EnvEventKind::Resolved { state, .. } => next.resolve(seq, *state, event.at)?,
            EnvEventKind::Hold { reason } => {
                numbered(&mut next)?;
                if next.hold.is_some() {
                    return Err(Impossible(format!("{}: it is held already", event.id)));
                }
                next.hold = Some(Hold {
                    token: seq,
                    actor: event.actor.clone(),
                    reason: reason.clone(),
                    at: event.at,
                    cause: HoldCause::Person,
                });
            }
            EnvEventKind::Unhold { token, .. } => {
                numbered(&mut next)?;
                if next.hold.take().is_none_or(|hold| hold.token != *token) {
                    return Err(Impossible(format!("{}: no hold has number {token}", event.id)));
                }
            }
            EnvEventKind::Approve { tag, .. } => {
                numbered(&mut next)?;
                next.approvals.retain(|a| a.tag != *tag || !a.actor.is(&event.actor));
                next.approvals.push(Approved { tag: tag.clone(), actor: event.actor.clone(), at: event.at });
                keep_newest(&mut next.approvals, STANDING);
            }
            EnvEventKind::Withdraw { tag, .. } => {
                numbered(&mut next)?;
                let before = next.approvals.len();
                next.approvals.retain(|a| a.tag != *tag || !a.actor.is(&event.actor));
                if next.approvals.len() == before {
                    return Err(Impossible(format!(
                        "{}: {} has not approved {tag}",
                        event.id, event.actor.name
                    )));
                }
            }
            EnvEventKind::Abandoned { .. } | EnvEventKind::Repaired { .. } => numbered(&mut next)?,
        }
        Ok(next)
    }

    fn claim(&mut self, intent: &Intent, event: &EnvEvent) -> Result<(), Impossible> {
        if let Some(other) = &self.in_flight {
            return Err(Impossible(format!("{} while {} is in flight", event.id, other.deployment.id)));
        }
        let rollback = intent.deployment.action == Action::Rollback;
        if let Some(hold) = &self.hold
            && !(rollback && hold.cause == HoldCause::Rollback)
        {
            return Err(Impossible(format!("{} while hold {} is in place", event.id, hold.token)));
        }
        self.begin(intent, event)?;
        self.in_flight = Some(Box::new(intent.clone()));
        Ok(())
    }

    /// What holds from the moment a deployment is begun: what it undoes counts
    /// as undone, and a rollback holds the environment.
    fn begin(&mut self, intent: &Intent, event: &EnvEvent) -> Result<(), Impossible> {
        let deployment = &intent.deployment;
        if deployment.id != event.id || deployment.seq != event.id.seq {
            return Err(Impossible(format!("{} claims for {}", event.id, deployment.id)));
        }
        if let Some(undone) = &intent.undoes {
            self.undone.retain(|tag| tag != undone);
            self.undone.push(undone.clone());
            keep_newest(&mut self.undone, STANDING);
            self.approvals.retain(|approval| approval.tag != *undone);
        }
        let by_person = self.hold.as_ref().is_some_and(|hold| hold.cause == HoldCause::Person);
        if intent.holds && !by_person {
            let reason = deployment.reason.clone().unwrap_or_else(|| match &intent.undoes {
                Some(undone) => format!("rolled back from {}", undone.label()),
                None => "rolled back".to_owned(),
            });
            self.hold = Some(Hold {
                token: deployment.seq,
                actor: deployment.actor.clone(),
                reason,
                at: event.at,
                cause: HoldCause::Rollback,
            });
        }
        Ok(())
    }

    /// Takes in a deployment that ran without a claim. What it did is known
    /// only where nothing came between; else it may have run before, after or
    /// beside what did.
    fn learn_of(&mut self, ran: &Offline, event: &EnvEvent) -> Result<(), Impossible> {
        self.begin(&ran.intent, event)?;
        let moved = ran.moved || self.in_flight.is_some();
        let known = ran.outcome.state != Progress::Succeeded || !moved;
        let state = if known { ran.outcome.state } else { Progress::Unknown };
        self.settle(&ran.intent, &Outcome { state, ..ran.outcome.clone() }, event.at)?;
        if !known && let Some(open) = self.unresolved.last_mut() {
            // What is not known is what came of it, not how it ended.
            open.state = ran.outcome.state;
        }
        Ok(())
    }

    fn end(&mut self, seq: u64, outcome: &Outcome, at: DateTime<Utc>) -> Result<(), Impossible> {
        let Some(intent) = self.in_flight.take_if(|intent| intent.deployment.seq == seq) else {
            return Err(Impossible(format!("number {seq} is not in flight")));
        };
        self.settle(&intent, outcome, at)
    }

    /// What is left of a deployment once it has ended.
    fn settle(&mut self, intent: &Intent, outcome: &Outcome, at: DateTime<Utc>) -> Result<(), Impossible> {
        let seq = intent.deployment.seq;
        let target = Live {
            tag: intent.deployment.tag.clone(),
            version: intent.deployment.version.clone(),
            foreign_version: intent.deployment.foreign_version.clone(),
            commit: intent.deployment.commit,
            position: intent.position,
            since: at,
            actor: intent.deployment.actor.clone(),
            on_behalf_of: intent.deployment.on_behalf_of.clone(),
            deployment: intent.deployment.id.clone(),
            owes: intent.owes.clone(),
        };
        let action = intent.deployment.action;
        // Of a deployment nobody knows the end of, nobody knows that it never began either.
        let started = outcome.started || outcome.state == Progress::Unknown;
        match outcome.state {
            Progress::Succeeded => self.succeed(&target, action, brings_back(&intent.deployment), at),
            Progress::Running => {
                return Err(Impossible(format!("number {seq} cannot end as running")));
            }
            Progress::Failed | Progress::Cancelled | Progress::Unknown => {
                if started {
                    self.lose_certainty(at);
                }
                if outcome.state == Progress::Unknown {
                    let mut deployment = intent.deployment.clone();
                    deployment.state = Progress::Unknown;
                    deployment.certain = false;
                    self.unresolved.push(deployment);
                    self.wanted.push(target.clone());
                    keep_newest(&mut self.unresolved, STACK);
                    keep_newest(&mut self.wanted, STACK);
                }
            }
        }
        // One that was written down later may have the higher number.
        self.ended = self.ended.max(Some(seq));
        let last = Last {
            seq,
            tag: intent.deployment.tag.clone(),
            action,
            state: outcome.state,
            started,
            undoes: intent.undoes.clone(),
            reverts: intent.deployment.reverts.clone(),
            holds: intent.holds,
            target,
        };
        let matters = last.state == Progress::Succeeded || last.is_unfinished();
        if matters || !self.last.as_ref().is_some_and(Last::is_unfinished) {
            self.last = Some(last);
        }
        Ok(())
    }

    /// Remembers that number `seq` was closed by somebody other than its own run.
    fn close_for(&mut self, seq: u64) {
        self.unheard.push(seq);
        keep_newest(&mut self.unheard, STANDING);
    }

    /// The word of a run that somebody closed. Its command has ended since
    /// then, so what is live is uncertain, unless that word is the success
    /// that was put down for it and nothing came after.
    fn hear_late(&mut self, seq: u64, outcome: &Outcome, at: DateTime<Utc>) -> Result<(), Impossible> {
        let index = self.unheard.iter().position(|unheard| *unheard == seq).ok_or_else(|| {
            Impossible(format!("nobody closed number {seq}, or its own word has come already"))
        })?;
        self.unheard.remove(index);
        let agrees = outcome.state == Progress::Succeeded
            && self.newest() == Some(seq)
            && self.success.as_ref().is_some_and(|success| success.seq == seq);
        if outcome.started && !agrees {
            self.lose_certainty(at);
        }
        Ok(())
    }

    /// `back` is whether an override brings back what a rollback undid.
    fn succeed(&mut self, target: &Live, action: Action, back: bool, at: DateTime<Utc>) {
        // A tag of somebody else's may be on another commit by now.
        let is = |live: &Live| live.tag == target.tag && live.commit == target.commit;
        let same = self.current().is_some_and(is);
        if !(same && self.certain) {
            self.stop_standing(at);
            self.start_standing(&target.tag, at);
        }
        if same {
            if !self.certain
                && let Some(top) = self.stack.last_mut()
            {
                *top = target.clone();
            }
        } else {
            let entry = match action {
                Action::Rollback => self.stack.iter().rposition(|live| live.tag == target.tag),
                Action::Deploy | Action::Redeploy => None,
            };
            if let Some(entry) = entry {
                self.stack.truncate(entry);
            }
            if let Some(before) = self.stack.last_mut() {
                before.owes.clear();
            }
            self.stack.push(target.clone());
            keep_newest(&mut self.stack, STACK);
        }
        self.certain = true;
        if back {
            self.undone.retain(|tag| *tag != target.tag);
        }
        self.success = Some(LastSuccess { seq: target.deployment.seq, action });
    }

    fn resolve(&mut self, seq: u64, state: Progress, at: DateTime<Utc>) -> Result<(), Impossible> {
        if !matches!(state, Progress::Succeeded | Progress::Failed) {
            return Err(Impossible(format!("number {seq} cannot be resolved as {state}")));
        }
        if self.in_flight.as_ref().is_some_and(|intent| intent.deployment.seq == seq) {
            self.end(seq, &Outcome::of(state, true), at)?;
            self.close_for(seq);
            return Ok(());
        }
        let Some(index) = self.unresolved.iter().position(|d| d.seq == seq) else {
            return Err(Impossible(format!("number {seq} is not unresolved")));
        };
        let deployment = self.unresolved.remove(index);
        let wanted = (index < self.wanted.len()).then(|| self.wanted.remove(index));
        // Whether a command ran after it, whose effect it says nothing of.
        let newest = self.last.as_ref().is_some_and(|last| last.seq == seq);
        if newest && let Some(last) = &mut self.last {
            last.state = state;
        }
        let last_succeeded = self.last.as_ref().is_some_and(|last| last.state == Progress::Succeeded);
        // What was in flight when an offline one was written down has a lower number, and ended later.
        let succeeded_since = self.success.as_ref().is_some_and(|success| success.seq > seq)
            || (deployment.offline && !newest && last_succeeded);
        // While a deployment is in flight what is live stays as it was, and
        // once something else succeeded only the record is settled.
        if state == Progress::Succeeded
            && !succeeded_since
            && self.in_flight.is_none()
            && let Some(mut target) = wanted
        {
            target.since = at;
            self.succeed(&target, deployment.action, brings_back(&deployment), at);
            if !newest {
                self.lose_certainty(at);
            }
        }
        Ok(())
    }

    fn lose_certainty(&mut self, at: DateTime<Utc>) {
        self.stop_standing(at);
        self.certain = false;
    }

    fn stop_standing(&mut self, at: DateTime<Utc>) {
        for standing in &mut self.standing {
            standing.longest = standing.seconds(at);
            standing.since = None;
        }
    }

    fn start_standing(&mut self, tag: &TagName, at: DateTime<Utc>) {
        let longest = self.standing(tag).map_or(0, |standing| standing.longest);
        self.standing.retain(|standing| standing.tag != *tag);
        self.standing.push(Standing { tag: tag.clone(), longest, since: Some(at) });
        keep_newest(&mut self.standing, STANDING);
    }
}

impl Fold for EnvState {
    type Event = EnvEvent;

    fn after(&self, event: &EnvEvent) -> Result<EnvState, Impossible> {
        self.apply(event)
    }

    fn restates(event: &EnvEvent) -> bool {
        matches!(event.what, EnvEventKind::Repaired { .. })
    }
}

/// Whether a success of it clears the mark that a rollback left.
fn brings_back(deployment: &Deployment) -> bool {
    deployment.overrides.iter().any(|passed| passed.gate == Gate::RolledBack)
}

/// Drops the oldest entries over `limit`; the newest stand last.
fn keep_newest<T>(entries: &mut Vec<T>, limit: usize) {
    let over = entries.len().saturating_sub(limit);
    entries.drain(..over);
}
