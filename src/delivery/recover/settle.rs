//! Settling what dead runs of this clone left behind.
//!
//! An intent whose command never started is closed as cancelled; one whose
//! command started becomes unknown, unless that command still lives on this
//! machine; an outcome that was not published is published; a reservation is
//! abandoned, unless a part of its candidate is there already. What never
//! arrived is abandoned as well, by an event that moves the tip: a push that is
//! still under way cannot land after that. Every verb that asks the authority
//! does this first.

use crate::delivery::candidate::mint;
use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, fetch_chains};
use crate::delivery::recover::append::{outcome_of, publish};
use crate::delivery::recover::merge::{OfflineRun, merge};
use crate::delivery::run::publish::TRIES;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidates::{CandidatesEventKind, CandidatesState};
use crate::domain::env::{EnvEventKind, EnvState};
use crate::domain::event::Event;
use crate::domain::name::{DeploymentId, Oid};
use crate::domain::ref_name::ChainRef;
use crate::domain::report::recovered::Recovered;
use crate::domain::version::CandidateVersion;
use crate::exec::{self, Left};
use crate::store::authority::Published;
use crate::store::checkout::Checkout;
use crate::store::journal::{JournalRun, Mint, OpenRun, Process, RunPhase};
use crate::store::ledger::{self, View};

/// Settles every dead run of this clone. Costs one look at a folder where
/// there is none.
///
/// # Errors
/// The journal cannot be read, or the authority cannot be reached; what was
/// not settled stays in the journal.
pub fn dead_runs(reader: &Reader, sink: &dyn Sink) -> Result<Vec<Recovered>> {
    each(reader, sink, |_| true)
}

/// The same for a verb that only looks, before it does: what still runs it
/// will show by itself.
///
/// # Errors
/// As [`dead_runs`].
pub fn before_looking(reader: &Reader, sink: &dyn Sink) -> Result<()> {
    each(reader, sink, |one| !one.runs()).map(drop)
}

fn each(reader: &Reader, sink: &dyn Sink, is_news: impl Fn(&Recovered) -> bool) -> Result<Vec<Recovered>> {
    let journal = reader.journal();
    if journal.is_empty() || reader.is_offline() {
        return Ok(Vec::new());
    }
    let (dead, damaged) = journal.dead()?;
    let mut settled: Vec<Recovered> = damaged.into_iter().map(Recovered::Damaged).collect();
    for one in &settled {
        sink.notice(Notice::Recovered(one));
    }
    if dead.is_empty() {
        return Ok(settled);
    }
    fetch_chains(reader, sink)?;
    for open in dead {
        if let Some(one) = settle(reader, sink, open)? {
            if is_news(&one) {
                sink.notice(Notice::Recovered(&one));
            }
            settled.push(one);
        }
    }
    Ok(settled)
}

/// Whether a journalled process, or what is left of its group, still lives; so
/// it seems, where nothing proves that it is the same.
pub fn lives(process: &Process) -> bool {
    let Process { pid, start_time, boot, .. } = process;
    exec::what_is_left(*pid, *start_time, boot.as_deref(), None) != Left::Nothing
}

/// Closes a run, and removes the folder it worked in: not while something
/// that it started still works there.
fn finish(reader: &Reader, sink: &dyn Sink, open: OpenRun) {
    if let Some(scratch) = &open.scratch {
        if scratch.process.as_ref().is_some_and(lives) {
            return;
        }
        if scratch.starting {
            sink.notice(Notice::FolderLeft(&scratch.folder));
        } else if let Err(error) = Checkout::sweep(&reader.repo, &scratch.folder) {
            sink.notice(Notice::Trouble(error.into()));
        }
    }
    open.close();
}

fn settle(reader: &Reader, sink: &dyn Sink, open: OpenRun) -> Result<Option<Recovered>> {
    match open.run.clone() {
        JournalRun::Deployment { id, nonce, expected, phase } => {
            deployment(reader, sink, open, &id, &nonce, expected, &phase)
        }
        JournalRun::Offline { nonce, intent, take_over, expected, known, phase } => {
            if phase.process().is_some_and(lives) {
                return Ok(Some(Recovered::StillOffline(intent.deployment.environment)));
            }
            if matches!(phase, RunPhase::Intent) {
                // Nothing ran, and nobody was told that it would.
                finish(reader, sink, open);
                return Ok(None);
            }
            let noted = OfflineRun { nonce, intent: *intent, take_over, expected, known, phase };
            let merged = merge(reader, sink, noted)?;
            if merged.is_some() {
                finish(reader, sink, open);
            }
            Ok(merged.map(Recovered::Merged))
        }
        JournalRun::Reservation { version, commit, nonce, expected, mint } => {
            if let Some(mint) = mint
                && complete(reader, sink, &nonce, &mint)?
            {
                finish(reader, sink, open);
                return Ok(Some(Recovered::Minted(version)));
            }
            reservation(reader, sink, open, &version, commit, &nonce, expected)
        }
    }
}

/// Why a number is given up.
const NEVER_ARRIVED: &str = "its run died before it was published";

fn reservation(
    reader: &Reader,
    sink: &dyn Sink,
    open: OpenRun,
    version: &CandidateVersion,
    commit: Oid,
    nonce: &str,
    expected: Option<Oid>,
) -> Result<Option<Recovered>> {
    let (name, actor) = (ChainRef::of_candidates(reader.project()), reader.actor()?);
    for _ in 0..TRIES {
        let view = ledger::read::<CandidatesState>(&reader.repo, &name, &[])?;
        let event = |what| reader.event(version.to_string(), &actor, what);
        let give_up = |reason: &str| {
            let (version, reason) = (version.clone(), reason.to_owned());
            event(CandidatesEventKind::Abandoned { version, commit, reason, failed: false })
        };
        let events = if view.state.reservations.iter().any(|other| other.nonce == nonce) {
            vec![give_up("its run died")]
        } else if can_still_land(&view, expected) {
            let reserved =
                event(CandidatesEventKind::Reserved { version: version.clone(), commit, trunk: None });
            vec![Event { nonce: nonce.to_owned(), ..reserved }, give_up(NEVER_ARRIVED)]
        } else {
            take_back(reader, sink, &open)?;
            finish(reader, sink, open);
            return Ok(None);
        };
        if publish(reader, sink, &view, &events)? {
            take_back(reader, sink, &open)?;
            finish(reader, sink, open);
            return Ok(Some(Recovered::Reservation(version.to_string())));
        }
    }
    Ok(None)
}

/// Publishes what is lacking of a candidate that was published in part; false
/// where there is none. Whatever of it is still under way may land as well.
fn complete(reader: &Reader, sink: &dyn Sink, nonce: &str, mint: &Mint) -> Result<bool> {
    let (name, actor) = (ChainRef::of_candidates(reader.project()), reader.actor()?);
    for _ in 0..TRIES {
        let view = ledger::read::<CandidatesState>(&reader.repo, &name, &[])?;
        if !view.state.reservations.iter().any(|other| other.nonce == nonce) || !mint::is_begun(reader, mint)?
        {
            return Ok(false);
        }
        let event = reader.event(
            mint.candidate.tag.to_string(),
            &actor,
            CandidatesEventKind::Minted(mint.candidate.clone()),
        );
        match mint::publish(reader, &view, mint, &event)?.1 {
            Published::Done => return Ok(true),
            Published::Moved(moved) if moved.iter().all(|(moved, _)| *moved == name.clone().into()) => {
                fetch_chains(reader, sink)?
            }
            // Something of somebody else's has its name.
            Published::Moved(_) => return Ok(false),
        }
    }
    Ok(false)
}

fn take_back(reader: &Reader, sink: &dyn Sink, open: &OpenRun) -> Result<()> {
    open.mint().map_or(Ok(()), |mint| mint::take_back(reader, sink, mint))
}

fn deployment(
    reader: &Reader,
    sink: &dyn Sink,
    open: OpenRun,
    id: &DeploymentId,
    nonce: &str,
    expected: Option<Oid>,
    phase: &RunPhase,
) -> Result<Option<Recovered>> {
    if let RunPhase::Running { process: Some(process) } = phase
        && lives(process)
    {
        return Ok(Some(Recovered::StillRunning(id.clone())));
    }
    let outcome = outcome_of(phase);
    let (name, formerly) = chain_of(reader, sink, id);
    for _ in 0..TRIES {
        let view = ledger::read::<EnvState>(&reader.repo, &name, &formerly)?;
        let Some(end) = fate(reader, &view, id, nonce)? else {
            if !can_still_land(&view, expected) {
                finish(reader, sink, open);
                return Ok(None);
            }
            // What it would have closed on its way stays as it is, so that its number may be another.
            let next = DeploymentId { seq: view.state.count + 1, ..id.clone() };
            let what = EnvEventKind::Abandoned { reason: NEVER_ARRIVED.to_owned() };
            if publish(reader, sink, &view, &[reader.event(next.clone(), &reader.actor()?, what)])? {
                finish(reader, sink, open);
                return Ok(Some(Recovered::NeverClaimed(next)));
            }
            continue;
        };
        let what = match end {
            RunFate::InFlight => EnvEventKind::Outcome(outcome.clone()),
            RunFate::Closed => {
                let RunPhase::Done { .. } = phase else {
                    finish(reader, sink, open);
                    return Ok(None);
                };
                if has_late_word(reader, &view, id)? {
                    finish(reader, sink, open);
                    return Ok(None);
                }
                EnvEventKind::Late(outcome.clone())
            }
            RunFate::Recovered => {
                finish(reader, sink, open);
                return Ok(None);
            }
        };
        let mut event = reader.event(id.clone(), &reader.actor()?, what);
        if let RunPhase::Done { at, .. } = phase {
            event.at = *at;
        }
        if publish(reader, sink, &view, &[event])? {
            finish(reader, sink, open);
            return Ok(Some(Recovered::Deployment(id.clone(), outcome.state)));
        }
    }
    Ok(None)
}

/// The chain of a deployment and the names it had. Its environment may have
/// another name by now; where that cannot be told, its own chain counts.
pub fn chain_of(reader: &Reader, sink: &dyn Sink, id: &DeploymentId) -> (ChainRef, Vec<ChainRef>) {
    Snapshot::place_of(reader, sink, id)
        .unwrap_or_else(|_| (ChainRef::of_environment(reader.project(), &id.environment), Vec::new()))
}

/// What the chain says of an intent of ours.
pub enum RunFate {
    /// It has the environment.
    InFlight,
    /// Somebody took over or resolved it before its outcome came.
    Closed,
    /// Its outcome is there.
    Recovered,
}

/// None where the chain does not have this intent.
///
/// # Errors
/// git failed.
pub fn fate(
    reader: &Reader,
    view: &View<EnvState>,
    id: &DeploymentId,
    nonce: &str,
) -> Result<Option<RunFate>> {
    let mut closed_by_others = false;
    let mut outcome = false;
    for event in ledger::events::<EnvState>(&reader.repo, view.tip) {
        let (_, event) = event?;
        if event.id.seq != id.seq {
            // A word on an earlier deployment may come at any time; its intent came before this one.
            if event.id.seq < id.seq && matches!(event.what, EnvEventKind::Intent(_)) {
                return Ok(None);
            }
            continue;
        }
        match &event.what {
            EnvEventKind::Intent(_) if event.nonce == nonce => {
                return Ok(Some(if outcome {
                    RunFate::Recovered
                } else if closed_by_others {
                    RunFate::Closed
                } else {
                    RunFate::InFlight
                }));
            }
            EnvEventKind::Intent(_) => return Ok(None),
            EnvEventKind::Outcome(_) => outcome = true,
            EnvEventKind::TakenOver { .. } | EnvEventKind::Resolved { .. } => closed_by_others = true,
            _ => {}
        }
    }
    Ok(None)
}

fn has_late_word(reader: &Reader, view: &View<EnvState>, id: &DeploymentId) -> Result<bool> {
    for event in ledger::events::<EnvState>(&reader.repo, view.tip) {
        let (_, event) = event?;
        match event.what {
            EnvEventKind::Late(_) if event.id.seq == id.seq => return Ok(true),
            EnvEventKind::Intent(_) if event.id.seq == id.seq => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}

/// A push of a dead run can land only while the chain still has the tip it
/// expects. Then the record of it that is published here moves that tip.
fn can_still_land<S>(view: &View<S>, expected: Option<Oid>) -> bool {
    view.held == expected
}

/// The word on a deployment that this clone can add, used by `resolve`: what
/// its process says, if it is alive here.
pub fn live_here(reader: &Reader, id: &DeploymentId) -> Result<bool> {
    let journal = reader.journal();
    if journal.is_empty() {
        return Ok(false);
    }
    Ok(journal.all()?.into_iter().any(|seen| match seen.run {
        JournalRun::Deployment { id: theirs, phase, .. } if theirs == *id => {
            seen.held || matches!(phase, RunPhase::Running { process: Some(process) } if lives(&process))
        }
        _ => false,
    }))
}
