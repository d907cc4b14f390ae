//! Ending what runs of this clone have at work on this machine.
//!
//! A `rel` that lives is asked to end, and ends its command and records that
//! by itself, as if its own terminal had asked. What a dead one left is ended
//! here, and the journal says so before anybody is told: publishing it is
//! [`settle`](crate::delivery::recover::settle)'s, now or whenever the authority can be reached.
//!
//! Signals nothing that is not proven to be what was written down. Where that
//! cannot be proven, it says what to look at and what to type.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::delivery::error::{Error, Interrupted, NotStopped, Result, Unknown};
use crate::delivery::read::reader::Reader;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::publish::RetryBudget;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::env::{Outcome, Progress};
use crate::domain::report::work::{Subject, Work, Worker};
use crate::exec::{self, Left};
use crate::store::journal::{JournalRun, ListedRun, OpenRun, Process, Scratch};

/// How often a `rel` that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How much longer than its command's grace and its patience at publishing a
/// `rel` may take to end.
const LEEWAY: Duration = Duration::from_secs(3);

fn subject_of(run: &JournalRun) -> Subject {
    match run {
        JournalRun::Deployment { id, .. } => Subject::Deployment(id.clone()),
        JournalRun::Offline { intent, nonce, .. } => {
            let deployment = &intent.deployment;
            Subject::Offline(deployment.environment.clone(), deployment.tag.clone(), nonce.clone())
        }
        JournalRun::Reservation { version, .. } => Subject::Build(version.clone()),
    }
}

/// What came of asking.
#[derive(Debug, Default)]
pub struct StopReport {
    /// What was ended.
    pub ended: Vec<Work>,
    /// What was not, and why.
    pub refused: Vec<Error>,
    /// Journal entries that could not be read, and were set aside.
    pub damaged: Vec<PathBuf>,
}

/// What would be ended, and what could not be. Changes nothing.
///
/// # Errors
/// The journal cannot be read.
pub fn at_work(reader: &Reader) -> Result<StopReport> {
    let mut found = StopReport::default();
    for seen in reader.journal().all()? {
        let work =
            if seen.held { keeper(&seen).map(|rel| rel.map(|(work, _)| work)) } else { command(&seen) };
        match work {
            Ok(work) => found.ended.extend(work),
            Err(failure) => found.refused.push(failure),
        }
    }
    Ok(found)
}

/// Ends what runs of this clone have at work here. Publishes nothing: what was
/// ended is in the journal, to be settled.
///
/// # Errors
/// The journal cannot be read or written.
pub fn stop(reader: &Reader, hands: &Hands, sink: &dyn Sink) -> Result<StopReport> {
    let mut stopped = StopReport::default();
    let mut closed = living(reader, hands, sink, &mut stopped)?;
    let (dead, damaged) = reader.journal().dead()?;
    stopped.damaged = damaged;
    for mut open in dead {
        closed.retain(|seen| subject_of(&seen.run) != subject_of(&open.run));
        end(reader, sink, &mut open, &mut stopped);
    }
    // A rel gives up on what it cannot end, and records all the same.
    for seen in closed {
        if let Ok(Some(left)) = command(&seen) {
            stopped.refused.push(unmoved(&left));
        }
    }
    Ok(stopped)
}

/// Asks every living `rel` to end, waits until it has, and gives the runs that
/// were its.
fn living(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    stopped: &mut StopReport,
) -> Result<Vec<ListedRun>> {
    let mut ended = Vec::new();
    for seen in reader.journal().all()?.into_iter().filter(|seen| seen.held) {
        match keeper(&seen) {
            Err(failure) => stopped.refused.push(failure),
            Ok(None) => hands_off(reader, hands, &seen, stopped)?,
            Ok(Some((work, start_time))) => {
                sink.notice(Notice::AskedToEnd(&work));
                if !see_off(reader, hands, sink, &seen, work.pid, start_time)? {
                    stopped.refused.push(NotStopped::Stuck(work).into());
                    continue;
                }
                stopped.ended.push(work);
                ended.push(seen);
            }
        }
    }
    Ok(ended)
}

/// The living `rel` of a run that somebody has in hand, with its start time;
/// none where that is somebody who settles it.
fn keeper(seen: &ListedRun) -> Result<Option<(Work, u64)>> {
    let subject = subject_of(&seen.run);
    let unknown = |why: Unknown| Err(NotStopped::Unknown { subject: subject.clone(), why }.into());
    let Some(Process { pid, start_time: Some(start_time), boot: Some(boot), .. }) = &seen.rel else {
        return unknown(Unknown::Process);
    };
    if exec::boot_id().as_deref() != Some(boot) {
        return unknown(Unknown::Machine);
    }
    let work = Work { subject, by: Worker::Rel, pid: *pid };
    Ok(exec::is_alive(*pid, Some(*start_time)).then_some((work, *start_time)))
}

/// Asks a `rel` to end and waits for it; for good once it has had the time
/// that its command, and then its record, may take. Whether it is gone.
fn see_off(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    seen: &ListedRun,
    pid: u32,
    start_time: u64,
) -> Result<bool> {
    let gone = |patience: Duration| -> Result<bool> {
        let since = Instant::now();
        loop {
            if !exec::is_alive(pid, Some(start_time)) {
                return Ok(true);
            }
            if since.elapsed() >= patience {
                return Ok(false);
            }
            if hands.interrupts.wait(LOOK) {
                return Err(interrupted(&subject_of(&seen.run)));
            }
        }
    };
    exec::end_process(pid, start_time, false);
    let grace = noted(&seen.run, seen.scratch.as_ref()).map_or(exec::GRACE, grace);
    let patience = grace + RetryBudget::limit(reader) + LEEWAY;
    if gone(patience)? {
        return Ok(true);
    }
    sink.notice(Notice::Killed { pid, after: patience });
    exec::end_process(pid, start_time, true);
    gone(LEEWAY)
}

/// Waits for another `rel` that settles a dead run to be done with it.
fn hands_off(reader: &Reader, hands: &Hands, seen: &ListedRun, stopped: &mut StopReport) -> Result<()> {
    let since = Instant::now();
    let subject = subject_of(&seen.run);
    while reader.journal().all()?.iter().any(|one| one.held && subject_of(&one.run) == subject) {
        if since.elapsed() >= RetryBudget::limit(reader) + LEEWAY {
            stopped.refused.push(NotStopped::Held(subject).into());
            break;
        }
        if hands.interrupts.wait(LOOK) {
            return Err(interrupted(&subject));
        }
    }
    Ok(())
}

fn interrupted(subject: &Subject) -> Error {
    Interrupted::Stopping(subject.clone()).into()
}

/// Ends what a dead `rel` left of one run, and notes that. A run whose command
/// ended by itself is left as it is: nobody here knows how it ended.
fn end(reader: &Reader, sink: &dyn Sink, open: &mut OpenRun, stopped: &mut StopReport) {
    let seen = ListedRun { run: open.run.clone(), scratch: open.scratch.clone(), rel: None, held: false };
    let work = match command(&seen) {
        Ok(Some(work)) => work,
        Ok(None) => return,
        Err(failure) => {
            stopped.refused.push(failure);
            return;
        }
    };
    sink.notice(Notice::Ended(&work));
    let grace = noted(&open.run, open.scratch.as_ref()).map_or(exec::GRACE, grace);
    if !exec::stop_group(work.pid, grace) {
        stopped.refused.push(unmoved(&work));
        return;
    }
    let outcome = Outcome {
        text: Some("its run died, and its command was stopped".to_owned()),
        ..Outcome::of(Progress::Cancelled, true)
    };
    // Without this line it reads as unknown, which is true too; but somebody wants to know.
    if let Err(error) = open.ended(outcome, reader.world.now()) {
        stopped.refused.push(error.into());
    }
    stopped.ended.push(work);
}

fn unmoved(Work { subject, pid, .. }: &Work) -> Error {
    NotStopped::Group { subject: subject.clone(), pid: *pid }.into()
}

/// What a dead `rel` left at work of a run.
fn command(seen: &ListedRun) -> Result<Option<Work>> {
    let Some(process) = noted(&seen.run, seen.scratch.as_ref()) else { return Ok(None) };
    let folder = seen.scratch.as_ref().map(|scratch| scratch.folder.as_path());
    let (pid, subject) = (process.pid, subject_of(&seen.run));
    match exec::what_is_left(pid, process.start_time, process.boot.as_deref(), folder) {
        Left::Nothing => Ok(None),
        Left::Group => Ok(Some(Work { subject, by: Worker::Command, pid })),
        Left::Unproven => Err(NotStopped::Unproven { subject, pid }.into()),
    }
}

/// The command that the journal noted last.
fn noted<'a>(run: &'a JournalRun, scratch: Option<&'a Scratch>) -> Option<&'a Process> {
    match run {
        JournalRun::Deployment { phase, .. } | JournalRun::Offline { phase, .. } => phase.process(),
        JournalRun::Reservation { .. } => scratch?.process.as_ref(),
    }
}

fn grace(process: &Process) -> Duration {
    process.grace.unwrap_or(exec::GRACE)
}
