//! Bringing a deployment that ran offline into its environment's chain: once,
//! at whatever tip the chain has by now.

use crate::delivery::error::{Error, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::append::{TRIES, outcome_of, publish};
use crate::delivery::run::{output, workspace};
use crate::delivery::sink::Sink;
use crate::domain::env::{EnvEvent, EnvEventKind, EnvState, Intent, Progress};
use crate::domain::name::{DeploymentId, EnvName, Oid};
use crate::domain::offline::{KnownOffline, Ran};
use crate::domain::ref_name::ChainRef;
use crate::domain::report::recovered::Merged;
use crate::store::journal::RunPhase;
use crate::store::ledger;
use crate::world::fresh_nonce;

/// What the journal has of it.
pub struct OfflineRun {
    /// The nonce of its event.
    pub nonce: String,
    /// What would have been claimed.
    pub intent: Intent,
    /// What it set out to close.
    pub take_over: Option<u64>,
    /// The newest event that it went by.
    pub expected: Option<Oid>,
    /// What it went by beyond that.
    pub known: KnownOffline,
    /// How far it came.
    pub phase: RunPhase,
}

/// Appends its event, unless an earlier try did. None where others keep
/// moving the chain: it stays to be tried again.
///
/// # Errors
/// The authority cannot be reached, or git failed.
pub fn merge(reader: &Reader, sink: &dyn Sink, run: OfflineRun) -> Result<Option<Merged>> {
    let OfflineRun { nonce, mut intent, take_over, expected, known, phase } = run;
    let (name, formerly) = place(reader, sink, &intent.deployment.environment, &intent.deployment.id);
    let reverts = intent.deployment.reverts.clone();
    for _ in 0..TRIES {
        let view = ledger::read::<EnvState>(&reader.repo, &name, &formerly)?;
        if let Some(event) = find(reader, view.tip, &nonce)? {
            return Ok(Some(told(reader, &nonce, &event)));
        }
        let (moved, numbers) = since(reader, view.tip, expected, &known)?;
        let number = |seq: u64| renumbered(seq, &known, &numbers);
        intent.deployment.reverts = reverts
            .clone()
            .and_then(|id| number(id.seq).map(|seq| DeploymentId { environment: id.environment, seq }));
        let ran = Ran {
            nonce: nonce.clone(),
            intent: intent.clone(),
            take_over: take_over.and_then(number),
            outcome: outcome_of(&phase),
            at: phase.ended_at().unwrap_or_else(|| reader.world.now()),
        };
        let (events, _) = ran
            .events(&view.state, moved, &fresh_nonce)
            .map_err(|cause| Error::OfflineDoesNotFit { chain: Some(name.to_string()), cause })?;
        if publish(reader, sink, &view, &events)?
            && let Some(event) = events.last()
        {
            return Ok(Some(told(reader, &nonce, event)));
        }
    }
    Ok(None)
}

/// Its environment may have another name by now. Where that cannot be told, its own chain counts.
fn place(
    reader: &Reader,
    sink: &dyn Sink,
    environment: &EnvName,
    id: &DeploymentId,
) -> (ChainRef, Vec<ChainRef>) {
    Snapshot::place_of(reader, sink, id)
        .unwrap_or_else(|_| (ChainRef::of_environment(reader.project(), environment), Vec::new()))
}

/// The event of an offline deployment, where the chain has it.
///
/// # Errors
/// git failed.
pub fn find(reader: &Reader, tip: Option<Oid>, nonce: &str) -> Result<Option<EnvEvent>> {
    for event in ledger::events::<EnvState>(&reader.repo, tip) {
        let (_, event) = event?;
        if event.nonce == nonce && matches!(event.what, EnvEventKind::Offline(_)) {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// Whether the chain has news since `expected`, and which numbers the offline
/// deployments got that this one builds on.
fn since(
    reader: &Reader,
    tip: Option<Oid>,
    expected: Option<Oid>,
    known: &KnownOffline,
) -> Result<(bool, Vec<(String, DeploymentId)>)> {
    let (mut news, mut numbers) = (false, Vec::new());
    for event in ledger::events::<EnvState>(&reader.repo, tip) {
        let (oid, event) = event?;
        if Some(oid) == expected {
            return Ok((news, numbers));
        }
        news |= known.is_news(&event);
        if matches!(event.what, EnvEventKind::Offline(_)) {
            numbers.push((event.nonce, event.id));
        }
    }
    // What it went by is no part of the chain any more.
    Ok((news || expected.is_some(), numbers))
}

/// The number that `seq` stood for, where that was but counted on; none where
/// whatever it was never came into the chain.
fn renumbered(seq: u64, known: &KnownOffline, numbers: &[(String, DeploymentId)]) -> Option<u64> {
    match known.ran.iter().find(|earlier| earlier.seq == seq) {
        None => Some(seq),
        Some(earlier) => numbers.iter().find(|(nonce, _)| *nonce == earlier.nonce).map(|(_, id)| id.seq),
    }
}

fn told(reader: &Reader, nonce: &str, event: &EnvEvent) -> Merged {
    let (state, moved) = match &event.what {
        EnvEventKind::Offline(ran) => (ran.outcome.state, ran.moved),
        _ => (Progress::Unknown, true),
    };
    // What it printed is found by its number from now on; where it is not, nothing else is lost.
    if let EnvEventKind::Offline(ran) = &event.what {
        let environment = &ran.intent.deployment.environment;
        let stand_in = workspace::unnumbered(nonce);
        let from = workspace::log_path(reader, environment, &stand_in);
        let _ = std::fs::rename(from, workspace::log_path(reader, environment, event.id.seq));
        output::outbox(reader).number(environment, &stand_in, event.id.seq);
    }
    Merged { id: event.id.clone(), state, moved }
}
