//! What goes on in a run, in words, on standard error.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::delivery::error::Error;
use crate::delivery::read::left_behind::LostByCut;
use crate::delivery::sink::{NoRollback, Notice, Printed, Sink};
use crate::domain::gate::verdict::{Ruling, Verdict};
use crate::domain::left_behind::Lost;
use crate::domain::name::{DeploymentId, Oid};
use crate::domain::redact::{CannotSearch, Redactor};
use crate::domain::report::recovered::{Merged, Recovered};
use crate::domain::report::work::{Subject, Work, Worker};
use crate::exec;
use crate::failure::Failure;
use crate::ui::error::command_error;
use crate::ui::screen::Screen;
use crate::ui::text::{clean, quote};
use crate::ui::{gate, time};

impl Sink for Screen {
    fn notice(&self, notice: Notice<'_>) {
        match notice {
            Notice::Trouble(error) => self.warn(&message(error)),
            Notice::FetchingHistory { trunk } => {
                self.note(&format!("this clone is shallow: fetching the rest of the history of {trunk}"));
            }
            Notice::ShortHistory => {
                self.warn("this clone is shallow: counts, changes and places on trunk may come out short");
            }
            Notice::OlderPolicy { commit, why } => self.warn(&format!(
                "trunk's release.toml cannot be read, and rel goes by the one at {}: {why}",
                commit.short()
            )),
            Notice::HandNotesDropped { chain } => {
                self.warn(&format!("notes that were written by hand to {chain} in this clone are dropped"));
            }
            Notice::ForeignChain(name) => {
                self.warn(&format!("{name} is no chain of rel's, and is not checked"));
            }
            Notice::DamagedCopy { name, fetched } => {
                let then = if fetched { "fetching it again" } else { "it is fetched again when it is needed" };
                let was = if fetched { "was" } else { "is" };
                self.warn(&format!("{name} {was} damaged in this clone's cache; {then}"));
            }
            Notice::Recovered(one @ Recovered::Damaged(_)) => self.warn(&recovered(one)),
            Notice::Recovered(one) => self.note(&recovered(one)),
            Notice::Unsettled(error) => {
                self.warn(&format!("what a run left here is not settled: {}", message(error)));
            }
            Notice::FolderLeft(folder) => self.warn(&format!(
                "{} is left: a command may be at work there; remove it once none is",
                folder.display()
            )),
            Notice::AskedToEnd(one) => self.note(&format!("{one}, is asked to end")),
            Notice::Ended(one) => self.note(&format!("{one}, is ended")),
            Notice::Killed { pid, after } => {
                self.warn(&format!("process {pid} did not end in {} s, and is killed", after.as_secs()));
            }
            Notice::Reserved { tag, commit } => {
                self.note(&format!("{} reserved for {}", self.strong(tag.as_str()), commit.short()));
            }
            Notice::ReleaseMoved => {
                self.note("the release moved on meanwhile; once more, on top of its newest candidate");
            }
            Notice::NotTakenBack { tag, why } => self.warn(&format!(
                "what was put there for {tag}, which is no candidate, could not be taken back; rel fsck names it: {}",
                message(why)
            )),
            Notice::PlanningAgain(environment) => {
                self.note(&format!("{environment} or the candidates moved meanwhile; planning again"));
            }
            Notice::Waiting(verdict) => self.note(&format!("waiting: {}", gate::text(verdict))),
            Notice::Passed(verdicts) => warned(self, verdicts),
            Notice::HookOverruled(verdict) => {
                self.warn(&format!("{}; a rollback goes on", clean(&gate::text(verdict))));
            }
            Notice::HookFailed { name, why } => self.warn(&format!("{name} failed: {}", clean(why))),
            Notice::HookBroken { name, why } => self.warn(&format!("{name}: {}", message(why))),
            Notice::Claimed(id) => self.note(&format!("{} claimed", self.strong(&id.to_string()))),
            Notice::ClaimUnseen { id, why } => self.warn(&format!(
                "going on, although nobody can tell whether somebody took over from {id}: {}",
                message(why)
            )),
            Notice::ShortSecret { name } => self.warn(&format!(
                "{name} is too short to be kept out of output: give it 4 characters or more"
            )),
            Notice::Watching(phase) => {
                self.note(&format!("{} is watched for {}", phase.name, time::exact(phase.wait)));
            }
            Notice::TryingAgain { step, attempt, of } => {
                self.note(&format!("{step} failed; attempt {attempt} of {of}"));
            }
            Notice::OutputDropped { step, bytes } => {
                self.warn(&format!(
                    "{bytes} bytes of what {step} printed are neither kept nor shown: the disk did not take them"
                ));
            }
            Notice::NoOutputKept(error) => self.warn(&format!("no output is kept: {error}")),
            Notice::RollingBack { failed, claimed } => {
                self.note(&format!("{failed} failed; rolling back by itself: {claimed} claimed"));
            }
            Notice::NoRollback(why) => self.warn(&format!("no automatic rollback: {}", no_rollback(why))),
            Notice::Offline { environment, authority, as_of, now } => {
                let seen = as_of.map_or("what this clone has".to_owned(), |at| {
                    format!("what {authority} said {}", time::ago(now, at))
                });
                self.note(&format!("offline: going by {seen}; nobody else is kept out of {environment}"));
            }
            Notice::OfflineAhead { environment, last } => {
                let last = last.map_or(String::new(), |seq| format!(" ({environment}#{seq} for now)"));
                self.note(&format!("  and by what this clone did there, which it has not published{last}"));
            }
            Notice::OfflineRun(deployment) => self.note(&format!(
                "{}: {} of {}, offline: nothing is claimed",
                deployment.environment, deployment.action, deployment.tag
            )),
            Notice::OutcomeNotNoted(error) => {
                self.warn(&format!("{}; how it ended will be recorded as unknown", message(error)));
            }
            Notice::RollingBackOffline(environment) => {
                self.note(&format!("it failed; rolling {environment} back by itself"));
            }
            Notice::OutputUnpublished { printed, why } => output_unpublished(self, printed, why),
            Notice::OutputStays(ids) => self.note(&format!(
                "what {} printed stays on this machine, as release.toml says now",
                names(ids)
            )),
            Notice::OutputTaken { id, by } => {
                self.warn(&format!("what {id} printed is not published: {by} is taken"));
            }
        }
    }

    fn gate_text(&self, verdict: &Verdict) -> String {
        gate::text(verdict)
    }

    fn command_text(&self, error: &exec::Error) -> String {
        command_error(error)
    }

    fn error_text(&self, error: Error) -> (String, Error) {
        let failure = Failure::from(error);
        (failure.message.clone(), failure.into())
    }

    fn stream(&self, prefix: &str, line: &[u8]) {
        Screen::stream(self, prefix, line);
    }

    fn hide(&self, secrets: &Redactor) -> Result<(), CannotSearch> {
        Screen::hide(self, secrets)
    }

    fn secrets(&self) -> Redactor {
        Screen::secrets(self)
    }
}

/// What went wrong, in a sentence.
fn message(error: Error) -> String {
    Failure::from(error).message
}

fn warned(screen: &Screen, verdicts: &[Verdict]) {
    for verdict in verdicts.iter().filter(|verdict| verdict.ruling == Ruling::Warns) {
        let text: Vec<String> = gate::text(verdict).lines().map(clean).collect();
        screen.warn(&format!("{}: {}", verdict.gate(), text.join("\n  ")));
    }
}

fn no_rollback(why: NoRollback<'_>) -> String {
    match why {
        NoRollback::Failed(error) => message(error),
        NoRollback::Closed(id) => format!("somebody closed {id} meanwhile"),
        NoRollback::Moving(environment) => format!("{environment} keeps moving"),
    }
}

fn output_unpublished(screen: &Screen, printed: Printed<'_>, why: Error) {
    let why = Failure::from(why);
    let (whose, way) = match printed {
        Printed::Unknown => ("deployments".to_owned(), None),
        Printed::In(environment) => (environment.to_string(), None),
        Printed::OfBuild(tag) => (format!("the build of {tag}"), None),
        Printed::By(ids, None) => (names(ids), Some("try again: rel sync".to_owned())),
        Printed::By(ids, Some(file)) => {
            let file = file.to_string_lossy();
            (names(ids), Some(format!("try again: rel sync; or give it up: rm {}", quote(&file))))
        }
    };
    let mut text = format!("what {whose} printed is not published: {}", why.message);
    if let Some(way) = way {
        // What a host says of its refusal is all that helps.
        let cause = why.source.iter().map(ToString::to_string).collect::<String>();
        for line in cause.lines().chain([way.as_str()]) {
            text.push_str(&format!("\n  {line}"));
        }
    }
    screen.warn(&text);
}

/// `prod#5, staging#3`.
pub fn names(ids: &[DeploymentId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What became of a dead run, in a sentence.
pub fn recovered(one: &Recovered) -> String {
    match one {
        Recovered::Deployment(id, state) => {
            format!("{id}, left by a run that died here, is recorded as {state}")
        }
        Recovered::StillRunning(id) => format!("{id}: rel died, but its command still runs on this machine"),
        Recovered::NeverClaimed(id) => {
            format!("{id}, which a run that died here was about to claim, is abandoned")
        }
        Recovered::Merged(Merged { id, state, moved: false }) => {
            format!("{id}, run offline here, is in the history now: {state}")
        }
        Recovered::Merged(Merged { id, state, moved: true }) => {
            let name = &id.environment;
            format!(
                "{id}, run offline here, is in the history now: {state}; {name} was deployed to without it, and what runs there is uncertain: rel status {name}"
            )
        }
        Recovered::StillOffline(name) => {
            format!("{name}: rel died, but its offline deployment still runs on this machine")
        }
        Recovered::Reservation(version) => {
            format!("{version}, reserved by a run that died here, is abandoned")
        }
        Recovered::Minted(version) => {
            format!("{version}, which a run that died here was publishing, is published")
        }
        Recovered::Damaged(path) => format!("a damaged journal entry was set aside: {}", path.display()),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Deployment(id) => id.fmt(f),
            Subject::Offline(environment, tag, _) => {
                write!(f, "the offline deployment of {tag} to {environment}")
            }
            Subject::Build(version) => write!(f, "the build of {version}"),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { subject, by, pid } = self;
        match by {
            Worker::Rel => write!(f, "{subject}: its rel, process {pid}"),
            Worker::Command => write!(f, "{subject}: what its dead rel left, process group {pid}"),
        }
    }
}

/// Says that what is checked out is not what is cut; `named` where somebody said which commit.
pub fn head_is_not_cut(screen: &Screen, head: Oid, commit: Oid, named: bool) {
    let (head, commit) = (head.short(), commit.short());
    screen.note(&if named {
        format!("HEAD is {head}; what is cut is {commit}")
    } else {
        format!(
            "HEAD is {head}; what is cut is trunk's tip, {commit} (`rel cut HEAD` cuts what is checked out)"
        )
    });
}

/// Warns of live fixes that a new candidate lacks, while that can still be
/// mended on trunk.
pub fn lost_by_cut(screen: &Screen, found: &[LostByCut], now: DateTime<Utc>) {
    let all: Vec<Lost> = found.iter().map(|one| one.lost.clone()).collect();
    if all.is_empty() {
        return;
    }
    let mut places: Vec<&str> =
        found.iter().flat_map(|one| one.environments.iter().map(|name| name.as_str())).collect();
    places.sort_unstable();
    places.dedup();
    let text = gate::lost_fixes(&all, now);
    let lines: Vec<String> = text.lines().map(|line| format!("  {}", clean(line))).collect();
    screen.warn(&format!("lost-fix on {}\n{}", places.join(", "), lines.join("\n")));
    for way in gate::lost_fix_fixes(&all) {
        screen.note(&format!("  {way}"));
    }
}
