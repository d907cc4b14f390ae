//! `rel sync`: exchange history with the authority, and publish what an
//! earlier run could not; with `--stop` end first what runs have at work here.

use super::delivering;
use crate::cli;
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::stop::{self, StopReport};
use crate::delivery::recover::{merge, settle};
use crate::delivery::run::artifacts::{self, Bytes};
use crate::delivery::run::hands::Hands;
use crate::delivery::run::publish::RetryBudget;
use crate::delivery::run::{outcome, output};
use crate::domain::env::{EnvEventKind, EnvState, Progress};
use crate::domain::name::TagName;
use crate::domain::report::Document;
use crate::domain::report::policy::PolicyReport;
use crate::domain::report::recovered::{Merged, Recovered};
use crate::domain::report::sync::{
    Exchanged, NeverRan, SettledReport, SettledState, StoppedReport, SubjectReport, SyncReport,
};
use crate::domain::report::work::{Subject, Work, Worker};
use crate::domain::rollback;
use crate::failure::{Failure, Kind, Result};
use crate::store::ledger;
use crate::ui::front::Ui;
use crate::ui::notice;

/// Runs the verb.
///
/// # Errors
/// The authority cannot be reached (exit 8 where something was stopped that it
/// does not know of yet); something could not be stopped.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Sync) -> Result<Document> {
    let reaches = !reader.offline || reader.is_local();
    if reader.offline && !args.stop {
        return Err(Failure::new(Kind::Usage, "sync asks the remote, and --offline says not to")
            .hint("once the remote can be reached: rel sync"));
    }
    let mut stopped = match args.stop {
        false => StopReport::default(),
        true if ui.options.dry_run => stop::at_work(reader)?,
        true => stop::stop(reader, hands, ui.screen)?,
    };
    let refused = std::mem::take(&mut stopped.refused);
    let (mut report, policy) =
        if reaches { exchange(ui, reader, args, &stopped)? } else { (alone(ui, &stopped)?, None) };
    if args.stop && report.stopped.is_none() {
        report.stopped = Some(stopped.ended.iter().map(|work| stopped_report(work, None)).collect());
    }
    match refusal(refused.into_iter().map(Failure::from)) {
        None => Ok(Document { policy, ..report.into() }),
        Some(failure) => Err(failure.beside(|beside| {
            beside.policy = policy;
            beside.sync = Some(report);
        })),
    }
}

/// All that could not be stopped, as one failure.
fn refusal(refused: impl Iterator<Item = Failure>) -> Option<Failure> {
    refused.reduce(|mut all, mut one| {
        all.reasons.append(&mut one.reasons);
        all.hints.append(&mut one.hints);
        Failure { message: format!("{}; {}", all.message, one.message), ..all }
    })
}

/// What is said without the remote: whatever was stopped waits for it.
fn alone(ui: &Ui, stopped: &StopReport) -> Result<SyncReport> {
    if !ui.options.dry_run && !stopped.ended.is_empty() {
        return Err(waiting(stopped, Failure::failed("--offline says not to ask the remote")));
    }
    would_stop(ui, stopped);
    if stopped.ended.is_empty() {
        ui.screen.result("nothing was left to stop");
    }
    Ok(SyncReport { dry_run: ui.options.dry_run, ..SyncReport::default() })
}

/// Publishes what dead runs left, fetches what others did, and says all that
/// came of it.
fn exchange(
    ui: &Ui,
    reader: &Reader,
    args: &cli::Sync,
    stopped: &StopReport,
) -> Result<(SyncReport, Option<PolicyReport>)> {
    let mut settled = settled(ui, reader, stopped)?;
    for path in &stopped.damaged {
        let damaged = Recovered::Damaged(path.clone());
        ui.screen.note(&notice::recovered(&damaged));
        settled.push(damaged);
    }
    let snapshot = Snapshot::take(reader, ui.screen)?;
    let owed = if ui.options.dry_run {
        Vec::new()
    } else {
        outcome::tag_owed_releases(reader, ui.screen, &snapshot)?
    };
    let mut released = Vec::new();
    for (tag, made) in owed {
        match made {
            Ok(()) => {
                ui.screen.note(&format!("tagged {tag}"));
                released.push(tag);
            }
            Err(error) => {
                let why = Failure::from(error).message;
                ui.screen.warn(&format!("the release's own tag {tag} could not be made: {why}"));
            }
        }
    }
    let (printed, is_left) = match ui.options.dry_run {
        true => (Vec::new(), false),
        false => output::catch_up(reader, ui.screen, &snapshot.policy),
    };
    let kept = if ui.options.dry_run { Vec::new() } else { keep(ui, reader, &snapshot) };
    let mut stopped_now = None;
    if ui.options.dry_run {
        would_stop(ui, stopped);
    } else if !stopped.ended.is_empty() {
        stopped_now = Some(say_stopped(ui, reader, &snapshot, stopped)?);
    }
    // What was stopped has been told of.
    let subjects = subjects(stopped);
    let is_told = |one: &Recovered| {
        subjects.iter().any(|subject| match (subject, one) {
            (Subject::Deployment(told), Recovered::Deployment(id, _)) => told == id,
            (Subject::Offline(environment, ..), Recovered::Merged(merged)) => {
                merged.id.environment == *environment
            }
            (Subject::Build(told), Recovered::Reservation(version)) => told.to_string() == *version,
            _ => false,
        })
    };
    let done = settled.iter().filter(|one| !one.runs() && !is_told(one)).count() + released.len();
    if done > 0 {
        ui.screen.result(&format!("{done} settled"));
    } else if stopped.ended.is_empty() && printed.is_empty() && !is_left {
        let left = if args.stop { "stop or publish" } else { "publish" };
        ui.screen.result(&format!("nothing was left to {left}"));
    }
    if !printed.is_empty() {
        ui.screen.result(&format!("what {} printed is published", notice::names(&printed)));
    }
    if !args.stop && settled.iter().any(Recovered::runs) {
        ui.screen.note("end what still runs here: rel sync --stop");
    }
    if !kept.is_empty() {
        let tags: Vec<&str> = kept.iter().map(TagName::as_str).collect();
        ui.screen.result(&format!("kept here for --offline from now on: {}", tags.join(", ")));
    }
    let settled = settled.into_iter().map(settled_report).collect();
    let exchanged = Some(Exchanged { settled, released, kept, outputs: printed });
    let report = SyncReport { exchanged, stopped: stopped_now, dry_run: false };
    Ok((report, delivering::elsewhere(ui.screen, &snapshot.policy)))
}

fn settled_report(settled: Recovered) -> SettledReport {
    let abandoned = SettledState::Never(NeverRan::Abandoned);
    let running = SettledState::Ran(Progress::Running);
    match settled {
        Recovered::Deployment(deployment, state) => {
            SettledReport::Deployment { deployment, state: SettledState::Ran(state) }
        }
        Recovered::StillRunning(deployment) => SettledReport::Deployment { deployment, state: running },
        Recovered::NeverClaimed(deployment) => SettledReport::Deployment { deployment, state: abandoned },
        Recovered::Merged(Merged { id, state, moved }) => {
            SettledReport::Merged { deployment: id, state: SettledState::Ran(state), offline: true, moved }
        }
        Recovered::StillOffline(environment) => {
            SettledReport::Offline { deployment: (), environment, state: running, offline: true }
        }
        Recovered::Reservation(reservation) => SettledReport::Reservation { reservation, state: abandoned },
        Recovered::Minted(version) => SettledReport::Reservation {
            reservation: version.to_string(),
            state: SettledState::Never(NeverRan::Minted),
        },
        Recovered::Damaged(path) => SettledReport::Damaged { set_aside: path.display().to_string() },
    }
}

/// Brings here what is live and what a rollback would go back to, so that
/// both can be deployed while the remote is down; those that it brought.
fn keep(ui: &Ui, reader: &Reader, snapshot: &Snapshot) -> Vec<TagName> {
    let bytes = Bytes::new(reader, snapshot);
    let mut kept = Vec::new();
    for view in snapshot.environments.values() {
        let (state, candidates) = (&view.state, &snapshot.candidates.state);
        let previous = rollback::previous(state, candidates, &|_| false).0;
        for tag in bytes.not_here(state.current().into_iter().chain(previous)) {
            if kept.contains(&tag) {
                continue;
            }
            let Some(minted) = snapshot.minted(&tag) else { continue };
            match snapshot
                .record(reader, minted)
                .and_then(|record| artifacts::keep(reader, ui.screen, &record))
            {
                Ok(()) => kept.push(tag),
                Err(error) => {
                    let why = Failure::from(error).message;
                    ui.screen.warn(&format!("{tag} cannot be kept here: {why}"));
                }
            }
        }
    }
    kept
}

/// Settles dead runs; what was stopped just now is tried as long as any outcome is.
fn settled(ui: &Ui, reader: &Reader, stopped: &StopReport) -> Result<Vec<Recovered>> {
    if ui.options.dry_run {
        return Ok(Vec::new());
    }
    let patience = RetryBudget::new(reader);
    loop {
        match settle::dead_runs(reader, ui.screen) {
            Err(error) if !stopped.ended.is_empty() => {
                if !error.may_pass() || !patience.wait() {
                    return Err(waiting(stopped, error.into()));
                }
            }
            result => return Ok(result?),
        }
    }
}

/// What was stopped is known to this clone alone.
fn waiting(stopped: &StopReport, why: Failure) -> Failure {
    let names: Vec<String> = subjects(stopped).iter().map(ToString::to_string).collect();
    let (is, its) = if names.len() == 1 { ("is", "its record") } else { ("are", "their records") };
    let told = stopped.ended.iter().map(|work| stopped_report(work, None)).collect();
    Failure::new(
        Kind::Unpublished,
        format!("{} {is} stopped, but {its} may not have reached the authority", names.join(", ")),
    )
    .reason("unpublished", why.message)
    .hint("publish it as soon as the remote can be reached: rel sync")
    .beside(|beside| beside.sync = Some(SyncReport { stopped: Some(told), ..SyncReport::default() }))
}

/// What was stopped, each once.
fn subjects(stopped: &StopReport) -> Vec<&Subject> {
    let mut subjects: Vec<&Subject> = stopped.ended.iter().map(|work| &work.subject).collect();
    subjects.dedup();
    subjects
}

fn would_stop(ui: &Ui, stopped: &StopReport) {
    for work in &stopped.ended {
        let deed = match work.by {
            Worker::Rel => "would be asked to end",
            Worker::Command => "would be ended",
        };
        ui.screen.result(&format!("{work}, {deed}"));
    }
}

/// Says what became of each that was stopped.
fn say_stopped(
    ui: &Ui,
    reader: &Reader,
    snapshot: &Snapshot,
    stopped: &StopReport,
) -> Result<Vec<StoppedReport>> {
    let mut reports = Vec::new();
    for subject in subjects(stopped) {
        let state = match subject {
            Subject::Deployment(id) => {
                let (name, formerly) = settle::chain_of(reader, ui.screen, id);
                let view = ledger::read::<EnvState>(&reader.repo, &name, &formerly)?;
                let state = deployments::deployment(&reader.repo, view.tip, id)?.map(|found| found.state);
                match state {
                    Some(Progress::Running) => {
                        return Err(waiting(stopped, Failure::failed(format!("{name} keeps moving"))));
                    }
                    Some(Progress::Cancelled) => {
                        ui.screen.result(&format!("{id} is stopped, and recorded as cancelled"));
                        if !view.state.certain {
                            let environment = &id.environment;
                            ui.screen.note(&format!(
                                "nobody knows what {environment} runs now: rel status {environment}"
                            ));
                        }
                    }
                    Some(state) => {
                        ui.screen.result(&format!("{id} is at an end, and recorded as {state}"));
                    }
                    None => ui.screen.result(&format!("{id} is stopped; it never began")),
                }
                state.map(SettledState::Ran)
            }
            Subject::Offline(environment, _, nonce) => {
                let view = snapshot.chain(environment)?;
                let found = merge::find(reader, view.tip, nonce)?;
                let state = found.as_ref().and_then(|event| match &event.what {
                    EnvEventKind::Offline(ran) => Some(ran.outcome.state),
                    _ => None,
                });
                let (Some(event), Some(state)) = (found, state) else {
                    return Err(waiting(stopped, Failure::failed(format!("{environment} keeps moving"))));
                };
                let id = event.id;
                ui.screen.result(&format!("{subject} is at an end, and recorded as {state}: {id}"));
                Some(SettledState::Ran(state))
            }
            Subject::Build(version) => {
                let minted = snapshot.pool.iter().any(|minted| minted.version == *version);
                let (word, state) = match minted {
                    true => ("minted", NeverRan::Minted),
                    false => ("abandoned", NeverRan::Abandoned),
                };
                ui.screen.result(&format!("{subject} is at an end, and recorded as {word}"));
                Some(SettledState::Never(state))
            }
        };
        let works = stopped.ended.iter().filter(|work| work.subject == *subject);
        reports.extend(works.map(|work| stopped_report(work, state)));
    }
    Ok(reports)
}

fn stopped_report(work: &Work, state: Option<SettledState>) -> StoppedReport {
    let subject = match &work.subject {
        Subject::Deployment(id) => SubjectReport::Deployment { deployment: id.clone() },
        Subject::Offline(environment, tag, _) => SubjectReport::Offline {
            deployment: (),
            environment: environment.clone(),
            tag: tag.clone(),
            offline: true,
        },
        Subject::Build(version) => SubjectReport::Build { reservation: version.clone() },
    };
    StoppedReport { subject, by: work.by.word(), pid: work.pid, state }
}
