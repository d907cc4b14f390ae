//! The emergency exit: a deployment while the authority cannot be asked.
//!
//! It goes by what this clone last saw and by what this clone has not
//! published yet. It claims nothing, so nobody else is kept out. All that its
//! record needs is in the journal before its command is started;
//! [`crate::delivery::recover::merge`] brings it into the chain later.

use crate::delivery::error::{Error, Misuse, Moved, OfflineWay, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, read_environment};
use crate::delivery::recover::append::outcome_of;
use crate::delivery::recover::settle::{self, RunFate, lives};
use crate::delivery::run::deployment::way_back;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::ready::Ready;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::rollout::{RunningDeployment, run_rollout};
use crate::delivery::run::workspace::{RolloutEnd, unnumbered};
use crate::delivery::run::{claim, output};
use crate::delivery::sink::{NoRollback, Notice, Sink};
use crate::domain::config::OnFailure;
use crate::domain::env::{Action, Deployment, EnvEventKind, EnvState, Live, Outcome, Progress, Trigger};
use crate::domain::name::{EnvName, Oid};
use crate::domain::offline::{Earlier, KnownOffline, Ran};
use crate::store::journal::{JournalRun, ListedRun, RunPhase};
use crate::store::ledger;
use crate::world::fresh_nonce;

/// What an offline deployment goes by.
#[derive(Debug, Clone)]
pub struct OfflineBasis {
    /// The newest event of the environment's chain.
    tip: Option<Oid>,
    /// What this clone knew beyond it.
    known: KnownOffline,
}

/// Refuses an offline deployment that does not say why.
///
/// # Errors
/// There is no reason.
pub fn expect_reason(reader: &Reader, verb: &str, environment: &EnvName, reason: Option<&str>) -> Result<()> {
    let said = reason.is_some_and(|reason| !reason.trim().is_empty());
    if said || !reader.is_offline() {
        return Ok(());
    }
    Err(Misuse::OfflineReason { verb: verb.to_owned(), environment: environment.clone() }.into())
}

/// Where the authority cannot be reached, names the way that needs none.
pub fn or_offline(reader: &Reader, verb: &str, environment: &EnvName, error: Error) -> Error {
    if !error.is_unreachable() || reader.is_local() || reader.is_offline() {
        return error;
    }
    error.offline(OfflineWay::Emergency { verb: verb.to_owned(), environment: environment.clone() })
}

/// Counts into the snapshot what this clone did in an environment and has not
/// published. None where the authority is asked.
///
/// # Errors
/// A deployment of this clone is at work there without a claim (exit 5).
pub fn basis(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    name: &EnvName,
) -> Result<Option<OfflineBasis>> {
    if !reader.is_offline() {
        return Ok(None);
    }
    let environment = snapshot.environment(name)?;
    let ours = |other: &EnvName| other == name || environment.formerly.contains(other);
    let view = snapshot.chain(name)?;
    let (mut state, mut known) = (view.state.clone(), KnownOffline::default());
    for ListedRun { run, held, .. } in reader.journal().all()? {
        match run {
            JournalRun::Deployment { id, nonce, phase, .. } if ours(&id.environment) && !held => {
                if phase.process().is_some_and(lives) {
                    continue;
                }
                let outcome = outcome_of(&phase);
                let what = match settle::fate(reader, view, &id, &nonce)? {
                    Some(RunFate::InFlight) => EnvEventKind::Outcome(outcome),
                    Some(RunFate::Closed) if matches!(phase, RunPhase::Done { .. }) => {
                        EnvEventKind::Late(outcome)
                    }
                    _ => continue,
                };
                let event = reader.event(id.clone(), &reader.actor()?, what);
                if let Ok(after) = state.apply(&event) {
                    known.ended.push(id.seq);
                    state = after;
                }
            }
            JournalRun::Offline { nonce, intent, take_over, known: theirs, phase, .. }
                if ours(&intent.deployment.environment) =>
            {
                if held || phase.process().is_some_and(lives) {
                    return Err(at_work(&intent.deployment));
                }
                if matches!(phase, RunPhase::Intent) {
                    continue;
                }
                if let Some(event) = crate::delivery::recover::merge::find(reader, view.tip, &nonce)? {
                    known.ran.push(Earlier { nonce, seq: event.id.seq });
                    continue;
                }
                let ran = Ran {
                    nonce: nonce.clone(),
                    take_over,
                    outcome: outcome_of(&phase),
                    at: phase.ended_at().unwrap_or(intent.deployment.started_at),
                    intent: *intent,
                };
                let (events, after) = ran
                    .events(&state, false, &fresh_nonce)
                    .map_err(|cause| Error::OfflineDoesNotFit { chain: None, cause })?;
                known.ended.extend(theirs.ended.into_iter().chain(take_over));
                known.ran.extend(theirs.ran);
                known.ran.extend(events.last().map(|event| Earlier { nonce, seq: event.id.seq }));
                state = after;
            }
            _ => {}
        }
    }
    known.ran.dedup_by(|a, b| a.nonce == b.nonce);
    sink.notice(Notice::Offline {
        environment: name,
        authority: &reader.authority(),
        as_of: snapshot.as_of,
        now: reader.world.now(),
    });
    if state != view.state {
        let last = known.ran.last().map(|ran| ran.seq);
        sink.notice(Notice::OfflineAhead { environment: name, last });
    }
    let tip = ledger::events::<EnvState>(&reader.repo, view.tip).next().transpose()?.map(|(oid, _)| oid);
    if let Some(view) = snapshot.environments.get_mut(name) {
        view.state = state;
    }
    Ok(Some(OfflineBasis { tip, known }))
}

fn at_work(deployment: &Deployment) -> Error {
    let Deployment { environment, tag, .. } = deployment;
    Error::OfflineAtWork { environment: environment.clone(), tag: tag.clone() }
}

/// Runs a prepared plan without a claim.
///
/// # Errors
/// Nothing was started, and why. What happened after that is in the receipt.
pub fn run(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    ground: &OfflineBasis,
    ready: &Ready,
) -> Result<Receipt> {
    let Ready { plan, prepared, .. } = ready;
    let name = plan.environment();
    let intent = claim::intent(reader, sink, ready, snapshot.policy.commit, 0);
    let nonce = fresh_nonce();
    let mut open = reader.journal().open(JournalRun::Offline {
        nonce: nonce.clone(),
        intent: Box::new(intent.clone()),
        take_over: plan.take_over(),
        expected: ground.tip,
        known: ground.known.clone(),
        phase: RunPhase::Intent,
    })?;
    if let Err(failure) = alone(reader, name, &nonce, &ground.known) {
        open.close();
        return Err(failure);
    }
    let mut deployment = intent.deployment.clone();
    sink.notice(Notice::OfflineRun(&deployment));
    let from = plan.from().map(|live| (live.tag.clone(), live.commit));
    let RolloutEnd { outcome, explanation, kept } = {
        let mut running = RunningDeployment { deployment: &deployment, journal: &mut open, claim: None };
        run_rollout(reader, hands, sink, &mut running, prepared, from.as_ref())
    };
    if !outcome.started {
        open.close();
        return Err(not_started(name, &outcome, explanation, kept));
    }
    let at = reader.world.now();
    if let Err(error) = open.advance(RunPhase::Done { outcome: outcome.clone(), at }) {
        sink.notice(Notice::OutcomeNotNoted(error.into()));
    }
    output::keep(reader, sink, &snapshot.policy, prepared, name, unnumbered(&nonce));
    // From here on it is for whoever looks next, as if this process were gone.
    drop(open);
    deployment.end(&outcome, outcome.state == Progress::Succeeded, at);
    let before = &snapshot.chain(name)?.state;
    let ran = Ran { nonce, intent, take_over: plan.take_over(), outcome, at };
    let state = ran.events(before, false, &fresh_nonce).map_or_else(|_| before.clone(), |(_, after)| after);
    let mut receipt = Receipt::of(deployment, state);
    receipt.explanation = explanation;
    receipt.from_baseline = plan.from().is_some_and(Live::is_baseline);
    if receipt.deployment.state == Progress::Failed
        && receipt.deployment.trigger != Trigger::OnFailure
        && receipt.deployment.action != Action::Rollback
        && prepared.commands.on_failure == OnFailure::Rollback
    {
        match back(reader, hands, sink, snapshot, &receipt.deployment) {
            Ok(followed) => {
                receipt.state = followed.state.clone();
                receipt.rollback = Some(Box::new(followed));
            }
            Err(failure) => sink.notice(Notice::NoRollback(NoRollback::Failed(failure))),
        }
    }
    Ok(receipt)
}

/// Fails where something that was not counted in was run from this clone.
fn alone(reader: &Reader, name: &EnvName, nonce: &str, known: &KnownOffline) -> Result<()> {
    for ListedRun { run, held, .. } in reader.journal().all()? {
        let JournalRun::Offline { nonce: other, intent, phase, .. } = &run else { continue };
        let deployment = &intent.deployment;
        if deployment.environment != *name || other == nonce {
            continue;
        }
        if held || phase.process().is_some_and(lives) {
            return Err(at_work(deployment));
        }
        let counted = known.ran.iter().any(|earlier| earlier.nonce == *other);
        if !counted && !matches!(phase, RunPhase::Intent) {
            return Err(Moved::Offline { environment: name.clone(), tag: deployment.tag.clone() }.into());
        }
    }
    Ok(())
}

/// The failure of a deployment whose command was never started.
fn not_started(name: &EnvName, outcome: &Outcome, explanation: Option<String>, kept: Option<Error>) -> Error {
    Error::NothingRan {
        environment: name.clone(),
        interrupted: outcome.state == Progress::Cancelled,
        why: kept.map(Box::new).ok_or_else(|| explanation.unwrap_or_default()),
    }
}

/// The rollback that follows a failure by itself.
fn back(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    failed: &Deployment,
) -> Result<Receipt> {
    let name = &failed.environment;
    let mut fresh = snapshot.clone();
    fresh.environments.insert(name.clone(), read_environment(reader, snapshot.environment(name)?)?);
    let Some(ground) = basis(reader, sink, &mut fresh, name)? else {
        return Err(Error::NotOffline);
    };
    let ready = way_back(reader, sink, &fresh, &fresh.chain(name)?.state, failed)?;
    sink.notice(Notice::RollingBackOffline(name));
    run(reader, hands, sink, &fresh, &ground, &ready)
}

/// The offline deployments of this clone that are in no chain yet, oldest
/// first, each as its record has it so far.
///
/// # Errors
/// The journal cannot be read.
pub fn unpublished(reader: &Reader) -> Result<Vec<Deployment>> {
    let journal = reader.journal();
    if journal.is_empty() {
        return Ok(Vec::new());
    }
    let record = |ListedRun { run, held, .. }: ListedRun| {
        let JournalRun::Offline { intent, phase, .. } = run else { return None };
        let mut deployment = intent.deployment;
        if held || phase.process().is_some_and(lives) {
            return Some(deployment);
        }
        if matches!(phase, RunPhase::Intent) {
            return None;
        }
        let outcome = outcome_of(&phase);
        deployment.state = outcome.state;
        deployment.exit_code = outcome.exit_code;
        deployment.phases.clone_from(&outcome.phases);
        deployment.certain = outcome.state == Progress::Succeeded;
        deployment.finished_at = phase.ended_at();
        Some(deployment)
    };
    Ok(journal.all()?.into_iter().filter_map(record).collect())
}
