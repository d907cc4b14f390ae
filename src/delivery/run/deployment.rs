//! One deployment, from a plan to its receipt.
//!
//! The artifacts and the tag are checked before the intent, so that a changed
//! byte leaves no record, and again just before the command. From the claim
//! on, nothing that is said or cannot be said ends the run: only the commands
//! and the record count.

use crate::delivery::error::Result;
use crate::delivery::error::run::{RunError, WayBackFault};
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{self, Snapshot};
use crate::delivery::run::claim::{self, Claim, Claimed};
use crate::delivery::run::claim_watch::ClaimWatch;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::outcome::{Landed, Tagging, has_it, publish_outcome, release_of};
use crate::delivery::run::prepare::{Prepared, prepare};
use crate::delivery::run::ready::{Details, Ready};
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::rollout::{RunningDeployment, run_rollout};
use crate::delivery::run::workspace::RolloutEnd;
use crate::delivery::run::{artifacts, output};
use crate::delivery::sink::{NoRollback, Notice, Sink};
use crate::domain::config::OnFailure;
use crate::domain::env::{Action, Deployment, EnvEventKind, EnvState, Live, Outcome, Progress, Trigger};
use crate::domain::name::TagName;
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::Failure;
use crate::store::journal::RunPhase;
use crate::store::ledger::{self, View};

/// Claims and runs a prepared plan. `None` where things moved before the
/// claim: plan again.
///
/// # Errors
/// Nothing was claimed, and why. What happened after a claim is in the receipt.
pub fn run(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    ready: &Ready,
) -> Result<Option<Receipt>> {
    let Ready { plan, prepared, .. } = ready;
    let environment = snapshot.environment(plan.environment())?;
    match claim::claim(reader, sink, snapshot, environment, ready)? {
        Claimed::Moved => Ok(None),
        Claimed::Yes(claim) => {
            sink.notice(Notice::Claimed(&claim.intent.deployment.id));
            Ok(Some(carry_out(reader, hands, sink, snapshot, *claim, prepared, plan.from())))
        }
    }
}

fn carry_out(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    mut claim: Claim,
    prepared: &Prepared,
    previous: Option<&Live>,
) -> Receipt {
    let from = previous.map(|live| (live.tag.clone(), live.commit));
    let mut ending = {
        let watch = ClaimWatch::of(reader, sink, &claim);
        let deployment = &claim.intent.deployment;
        let mut running = RunningDeployment { deployment, journal: &mut claim.run, claim: Some(&watch) };
        run_rollout(reader, hands, sink, &mut running, prepared, from.as_ref())
    };
    let kept = ending.kept.take().map(|error| Box::new(Failure::from(error)));
    if let Some(kept) = &kept {
        // The record keeps words.
        ending.outcome.text = Some(kept.message.clone());
        ending.explanation.clone_from(&ending.outcome.text);
    }
    // The journal is a second string: where the disk refuses, the push still counts.
    let done = RunPhase::Done { outcome: ending.outcome.clone(), at: reader.world.now() };
    if let Err(error) = claim.run.advance(done) {
        sink.notice(Notice::Trouble(error.into()));
    }
    let mut receipt = settle(reader, hands, sink, snapshot, claim, prepared, ending);
    receipt.kept = kept;
    receipt.from_baseline = previous.is_some_and(Live::is_baseline);
    // Neither the record nor a rollback waits for this.
    let Deployment { environment, seq, .. } = &receipt.deployment;
    output::keep(reader, sink, &snapshot.policy, prepared, environment, seq);
    receipt
}

/// Publishes a claim's outcome; what follows from it by itself follows here.
fn settle(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    claim: Claim,
    prepared: &Prepared,
    ending: RolloutEnd,
) -> Receipt {
    let Claim { view, intent, run } = claim;
    let mut deployment = intent.deployment.clone();
    let certain = ending.outcome.state == Progress::Succeeded || !ending.outcome.started;
    deployment.end(&ending.outcome, certain, reader.world.now());
    let mut receipt = Receipt::of(deployment, view.state.clone());
    receipt.explanation = ending.explanation;
    if ending.outcome.state == Progress::Failed
        && receipt.deployment.trigger != Trigger::OnFailure
        // A rollback that failed would only be run once more, as it was.
        && receipt.deployment.action != Action::Rollback
        && prepared.commands.on_failure == OnFailure::Rollback
        && let Some(followed) = roll_back(reader, sink, snapshot, &view, &ending.outcome, &receipt.deployment)
    {
        let (next, prepared, previous) = followed;
        run.close();
        receipt.rollback =
            Some(Box::new(carry_out(reader, hands, sink, snapshot, next, &prepared, previous.as_ref())));
        receipt.state = receipt.rollback.as_ref().map_or(receipt.state, |r| r.state.clone());
        return receipt;
    }
    let release =
        (ending.outcome.state == Progress::Succeeded).then(|| release_of(snapshot, prepared)).flatten();
    let published = publish_outcome(reader, sink, &view, &receipt.deployment, &ending.outcome, release);
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
        Err(error) => {
            receipt.unpublished = Some(error);
            drop(run);
        }
    }
    receipt
}

type Followed = (Claim, Prepared, Option<Live>);

/// How often an automatic rollback is merged with unrelated events.
const TRIES: usize = 20;

/// The rollback that a failure sets off: the failed outcome and the new
/// intent are one push. Events that came in the meantime, such as an
/// approval, are merged silently; where somebody closed this deployment, or
/// holds the environment, nothing follows.
fn roll_back(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Option<Followed> {
    let mut view = view.clone();
    for _ in 0..TRIES {
        match follow_up(reader, sink, snapshot, &view, outcome, failed) {
            Ok(Some(followed)) => {
                let id = &followed.0.intent.deployment.id;
                sink.notice(Notice::RollingBack { failed: &failed.id, claimed: id });
                return Some(followed);
            }
            Ok(None) => {}
            Err(error) => {
                sink.notice(Notice::NoRollback(NoRollback::Failed(error)));
                return None;
            }
        }
        let fresh = snapshot::fetch_chains(reader, sink)
            .and_then(|()| Ok(ledger::read(&reader.repo, &view.ref_name, &[])?));
        match fresh {
            Ok(fresh) => view = fresh,
            Err(error) => {
                sink.notice(Notice::NoRollback(NoRollback::Failed(error)));
                return None;
            }
        }
        if !has_it(&view.state, failed.seq) {
            sink.notice(Notice::NoRollback(NoRollback::Closed(&failed.id)));
            return None;
        }
    }
    sink.notice(Notice::NoRollback(NoRollback::Moving(&failed.environment)));
    None
}

/// One attempt at it; none where the chain moved.
fn follow_up(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Result<Option<Followed>> {
    let event = reader.event(failed.id.clone(), &failed.actor, EnvEventKind::Outcome(outcome.clone()));
    let (after, _) = view.append(&reader.repo, std::slice::from_ref(&event))?;
    let ready = way_back(reader, sink, snapshot, &after.state, failed)?;
    let claim = claim::follow(reader, sink, snapshot, view, event, &ready)?;
    Ok(claim.map(|claim| (claim, ready.prepared, ready.plan.from().cloned())))
}

/// The rollback that follows from a failure by itself, planned on the state
/// after it.
///
/// # Errors
/// There is nothing to go back to, or something stands in the way.
pub(crate) fn way_back(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    state: &EnvState,
    failed: &Deployment,
) -> Result<Ready> {
    let environment = snapshot.environment(&failed.environment)?;
    let (actor, on_behalf_of) = (failed.actor.clone(), failed.on_behalf_of.clone());
    let gatherer = Gatherer::on_behalf(reader, snapshot, actor, on_behalf_of);
    let input = gatherer.input(environment, state)?;
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let gone = |tag: &TagName| artifacts::are_gone(reader, snapshot, tag);
    let decision = gatherer.left_behind.deciding(state, |left_behind| {
        let knowledge = Knowledge { find: &find, gone: &gone, left_behind };
        rollback::decide(&input, &rollback::RollbackOptions::default(), &knowledge)
    });
    let plan = match decision? {
        Decision::Go(plan) => plan,
        Decision::NoTarget { why, .. } | Decision::Nothing(why) => {
            return Err(RunError::NoWayBack(WayBackFault::NoTarget(why)).into());
        }
        Decision::Refused(verdicts) => {
            return Err(RunError::NoWayBack(WayBackFault::Refused(verdicts)).into());
        }
        Decision::AskFurther { target, .. } => {
            return Err(RunError::NoWayBack(WayBackFault::Further(target)).into());
        }
    };
    let prepared = prepare(reader, sink, snapshot, &plan, None, &[])?;
    let reason = if failed.is_numbered() {
        format!("{} failed", failed.id)
    } else {
        format!("{} failed, offline", failed.tag)
    };
    let details = Details::of(&input, Trigger::OnFailure, Some(reason)).with(&prepared);
    Ok(Ready { plan, prepared, details })
}
