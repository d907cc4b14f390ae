//! Events that settle what an earlier run began.

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot;
use crate::delivery::sink::Sink;
use crate::domain::env::{Outcome, Progress};
use crate::store::authority::Published;
use crate::store::journal::RunPhase;
use crate::store::ledger::{self, View};
/// How a run that is gone ended, as far as it noted.
pub fn outcome_of(phase: &RunPhase) -> Outcome {
    match phase {
        RunPhase::Intent => Outcome {
            text: Some("its run died before the command was started".to_owned()),
            ..Outcome::of(Progress::Cancelled, false)
        },
        RunPhase::Running { .. } => Outcome::of(Progress::Unknown, true),
        RunPhase::Done { outcome, .. } => outcome.clone(),
    }
}

/// Publishes events on top of a view; false where the chain moved, which has
/// then been fetched.
///
/// # Errors
/// The authority cannot be reached, or the events cannot follow.
pub fn publish<S: ledger::State>(
    reader: &Reader,
    sink: &dyn Sink,
    view: &View<S>,
    events: &[S::Event],
) -> Result<bool> {
    let (_, update) = view.append(&reader.repo, events)?;
    match reader.authority().publish(&reader.repo, &[update])? {
        Published::Done => Ok(true),
        Published::Moved(_) => {
            snapshot::fetch_chains(reader, sink)?;
            Ok(false)
        }
    }
}

/// How often a settling event is tried against a moving chain.
pub const TRIES: usize = 10;
