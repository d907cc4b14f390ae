//! Claiming an environment: the intent is the lock.
//!
//! A claim exists only once its intent is published. It can only be settled
//! with an outcome; dropping it leaves the journal for the next run to settle.

use crate::delivery::error::run::{Contested, Overtaken};
use crate::delivery::error::{Moved, Result, TagFault};
use crate::delivery::read::gate_input::wrong_token;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{self, Snapshot, read_environment};
use crate::delivery::run::ready::Ready;
use crate::delivery::sink::Sink;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{Action, Deployment, EnvEvent, EnvEventKind, EnvState, HoldCause, Intent};
use crate::domain::gate::verdict::Verdict;
use crate::domain::name::{DeploymentId, Oid};
use crate::domain::plan::{self, Plan, PlanBasis, Stamp};
use crate::domain::ref_name::RefName;
use crate::store::authority::{Expected, Published, RefUpdate};
use crate::store::journal::{JournalRun, OpenRun, RunPhase};
use crate::store::ledger::View;
use crate::world::fresh_nonce;

/// How often a rollback's claim is rebased on unrelated events.
const TRIES: usize = 20;

/// A published intent of this process.
#[must_use = "a claim is settled with an outcome"]
#[derive(Debug)]
pub struct Claim {
    /// The chain after the intent.
    pub view: View<EnvState>,
    /// What was claimed.
    pub intent: Intent,
    /// This clone's note of it.
    pub run: OpenRun,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// It is this process's.
    Yes(Box<Claim>),
    /// What the plan was based on is no longer so.
    Moved,
}

/// The intent that a plan and its details make, numbered `seq`.
pub fn intent(
    reader: &Reader,
    sink: &dyn Sink,
    ready: &Ready,
    policy_commit: Option<Oid>,
    seq: u64,
) -> Intent {
    let Ready { plan, details, prepared } = ready;
    let candidate = &prepared.candidate;
    let id = DeploymentId { environment: plan.environment().clone(), seq };
    let what = (candidate.tag.clone(), candidate.commit);
    let words = |verdict: &Verdict| sink.gate_text(verdict);
    let deployment = Deployment {
        version: Some(candidate.version.clone()),
        from_tag: plan.from().map(|live| live.tag.clone()),
        on_behalf_of: details.on_behalf_of.clone(),
        host: reader.world.host(),
        run_url: reader.world.run_url(),
        trigger: details.trigger,
        reason: details.reason.clone(),
        overrides: plan.permission().overrides(&words),
        gates: plan.permission().gates(&words),
        approvals: plan.permission().approvals().to_vec(),
        policy_commit,
        commands_commit: details.commands_commit,
        reverts: plan.reverts().cloned(),
        offline: reader.is_offline(),
        params: details.params.clone(),
        ..Deployment::begin(id, plan.action(), what, details.actor.clone(), reader.world.now())
    };
    Intent {
        undoes: plan.undoes().cloned(),
        holds: plan.holds(),
        owes: plan.owes().to_vec(),
        ..Intent::of(deployment, plan.candidate().position)
    }
}

/// Publishes the intent of `plan` by compare-and-swap.
///
/// A rollback is merged with unrelated events and never planned again: where
/// what it goes by has changed, it fails with exit 5. A deployment is told
/// that things moved, and plans again.
///
/// # Errors
/// The authority cannot be reached, the journal cannot be written, or a
/// rollback lost the race. Nothing ran.
pub fn claim(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    environment: &Environment,
    ready: &Ready,
) -> Result<Claimed> {
    let plan = &ready.plan;
    let mut view = snapshot.chain(&environment.name)?.clone();
    for _ in 0..TRIES {
        if let Some(claim) = attempt(reader, sink, snapshot, &view, ready)? {
            return Ok(Claimed::Yes(claim));
        }
        if plan.action() != Action::Rollback {
            return Ok(Claimed::Moved);
        }
        snapshot::fetch_chains(reader, sink)?;
        view = read_environment(reader, environment)?;
        if let Some(why) = overtaken(plan, &view.state) {
            return Err(Moved::Overtaken { environment: environment.name.clone(), why }.into());
        }
    }
    Err(Moved::Always { what: Contested::Environment(environment.name.clone()), tries: TRIES }.into())
}

fn overtaken(plan: &Plan, state: &EnvState) -> Option<Overtaken> {
    let now = PlanBasis::of(state);
    if now != *plan.basis() {
        let environment = plan.environment();
        let newest = now.newest.map(|seq| DeploymentId { environment: environment.clone(), seq });
        return Some(Overtaken::Deployed { live: now.current, newest });
    }
    let hold = state.hold.as_ref().filter(|hold| hold.cause == HoldCause::Person)?;
    (plan.take_over() != Some(hold.token))
        .then(|| Overtaken::Held { by: hold.actor.name.clone(), reason: hold.reason.clone() })
}

fn attempt(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    ready: &Ready,
) -> Result<Option<Box<Claim>>> {
    let Ready { plan, details, .. } = ready;
    let environment = plan.environment();
    let stamp = Stamp { actor: &details.actor, at: reader.world.now(), nonce: &fresh_nonce };
    let (mut events, state) = match plan.take_over() {
        None => (Vec::new(), view.state.clone()),
        Some(token) => {
            let reason = details.reason.as_deref().unwrap_or_default();
            let rollback = plan.action() == Action::Rollback;
            plan::close(environment, &view.state, token, rollback, reason, &stamp)
                .map_err(|wrong| wrong_token(environment, wrong, &view.state))?
        }
    };
    let intent = intent(reader, sink, ready, snapshot.policy.commit, state.count + 1);
    let event =
        stamp.event(environment, intent.deployment.seq, EnvEventKind::Intent(Box::new(intent.clone())));
    let nonce = event.nonce.clone();
    events.push(event);
    let (after, update) = view.append(&reader.repo, &events)?;
    let id = intent.deployment.id.clone();
    let run = reader.journal().open(JournalRun::Deployment {
        id,
        nonce,
        expected: view.held,
        phase: RunPhase::Intent,
    })?;
    let mut updates = vec![update, tag_is(plan)];
    // What may not go there by now, blocked or no longer signed off, is planned again. A rollback
    // is not, and goes by none of it.
    if plan.action() != Action::Rollback {
        updates.extend(snapshot.candidates.unchanged());
    }
    match reader.authority().publish(&reader.repo, &updates)? {
        Published::Done => Ok(Some(Box::new(Claim { view: after, intent, run }))),
        Published::Moved(moved) => {
            run.close();
            tag_held(reader, plan, &moved)?;
            Ok(None)
        }
    }
}

/// The tag as an update that changes nothing: the claim is made only where the
/// authority holds the very tag that was minted. A fetch cannot tell, as what
/// is gone there stays here.
fn tag_is(plan: &Plan) -> RefUpdate {
    let Minted { tag, tag_object, .. } = plan.candidate();
    RefUpdate { name: tag.to_ref().into(), expected: Expected::MustBe(*tag_object), new: *tag_object }
}

/// Fails where it was the tag that kept a claim from being made.
fn tag_held(reader: &Reader, plan: &Plan, moved: &[(RefName, Option<Oid>)]) -> Result<()> {
    let minted = plan.candidate();
    match moved.iter().find(|(name, _)| *name == minted.tag.to_ref().into()) {
        None => Ok(()),
        Some((_, held)) => {
            let why = held.map_or(TagFault::Gone, TagFault::PointsTo);
            Err(snapshot::not_as_minted(reader, minted, why))
        }
    }
}

/// Publishes the end of one deployment and the intent that follows from it
/// as one push. `None` where the chain moved: the end is published alone then.
///
/// # Errors
/// As [`claim`].
pub fn follow(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    end: EnvEvent,
    ready: &Ready,
) -> Result<Option<Claim>> {
    let Ready { plan, details, .. } = ready;
    let environment = plan.environment();
    let stamp = Stamp { actor: &details.actor, at: reader.world.now(), nonce: &fresh_nonce };
    let intent = intent(reader, sink, ready, snapshot.policy.commit, view.state.count + 1);
    let id = intent.deployment.id.clone();
    let event = stamp.event(environment, id.seq, EnvEventKind::Intent(Box::new(intent.clone())));
    let nonce = event.nonce.clone();
    let (after, update) = view.append(&reader.repo, &[end, event])?;
    let run = reader.journal().open(JournalRun::Deployment {
        id,
        nonce,
        expected: view.held,
        phase: RunPhase::Intent,
    })?;
    match reader.authority().publish(&reader.repo, &[update, tag_is(plan)])? {
        Published::Done => Ok(Some(Claim { view: after, intent, run })),
        Published::Moved(moved) => {
            run.close();
            tag_held(reader, plan, &moved)?;
            Ok(None)
        }
    }
}
