//! Runs that this clone has begun and not yet finished: one file each.
//!
//! Written and fsynced before the step it announces, so that whatever is
//! killed, the next run knows how far this one came. A lock held on a file
//! beside it says whether its process still lives; the kernel gives it back
//! with the process. Nothing here is shared: it lies in the repository's
//! common directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::candidates::Minted;
use crate::domain::env::{Intent, Outcome};
use crate::domain::name::{DeploymentId, Oid};
use crate::domain::offline::KnownOffline;
use crate::domain::version::CandidateVersion;
use crate::exec::{self, Started};
use crate::failpoint;
use crate::store::error::{During, Result, Task};

const SCHEMA: u32 = 1;

/// How long a process may take from its fork to what it is started as.
const ON_ITS_WAY: Duration = Duration::from_millis(20);

/// How far a deployment has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RunPhase {
    /// Its intent is about to be published, or is; its command has not started.
    Intent,
    /// Its command was about to be started.
    Running {
        /// The command's process, which leads a group of its own; `None` in the
        /// moment between the decision and the start.
        process: Option<Process>,
    },
    /// It ended; the record may not have been published.
    Done { outcome: Outcome, at: chrono::DateTime<chrono::Utc> },
}

impl RunPhase {
    /// The command's process, if it was started and has not been seen to end.
    pub fn process(&self) -> Option<&Process> {
        match self {
            RunPhase::Running { process } => process.as_ref(),
            RunPhase::Intent | RunPhase::Done { .. } => None,
        }
    }

    /// When it ended, if it did.
    pub fn ended_at(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        match self {
            RunPhase::Done { at, .. } => Some(*at),
            RunPhase::Intent | RunPhase::Running { .. } => None,
        }
    }
}

/// A process, told apart from later ones of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id, which is its group's too.
    pub pid: u32,
    /// When it started, in the kernel's own unit.
    pub start_time: Option<u64>,
    /// The boot it belongs to.
    pub boot: Option<String>,
    /// How long it may take to end once asked to, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Duration>,
}

impl Process {
    /// A process that was started just now, with how long it may take to end.
    pub fn new(started: Started, grace: Option<Duration>) -> Process {
        Process { pid: started.pid, start_time: started.start_time, boot: exec::boot_id(), grace }
    }
}

/// A run: a deployment, or a cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum JournalRun {
    Deployment {
        id: DeploymentId,
        /// The intent's nonce: the number may be somebody else's.
        nonce: String,
        /// The chain's tip that the intent was to replace.
        expected: Option<Oid>,
        /// How far it came.
        #[serde(flatten)]
        phase: RunPhase,
    },
    /// A deployment without a claim: everything that its record will need.
    Offline {
        /// The nonce that its event will have.
        nonce: String,
        /// What would have been claimed.
        intent: Box<Intent>,
        /// The intent or hold that it set out to close.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        take_over: Option<u64>,
        /// The chain's tip as this clone knew it.
        expected: Option<Oid>,
        /// Records of this clone that were not published then.
        known: KnownOffline,
        /// How far it came.
        #[serde(flatten)]
        phase: RunPhase,
    },
    /// A cut's reserved number.
    Reservation {
        version: CandidateVersion,
        /// The commit to be built.
        commit: Oid,
        /// The reservation's nonce.
        nonce: String,
        /// The tip that the reservation was to replace.
        expected: Option<Oid>,
        /// What is about to be published for it, once that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mint: Option<Box<Mint>>,
    },
}

impl JournalRun {
    /// What it is known by.
    pub fn nonce(&self) -> &str {
        match self {
            JournalRun::Deployment { nonce, .. }
            | JournalRun::Offline { nonce, .. }
            | JournalRun::Reservation { nonce, .. } => nonce,
        }
    }

    /// The run in this phase; a reservation has none, and stays as it was.
    fn at(mut self, to: RunPhase) -> JournalRun {
        match &mut self {
            JournalRun::Deployment { phase, .. } | JournalRun::Offline { phase, .. } => *phase = to,
            JournalRun::Reservation { .. } => {}
        }
        self
    }

    /// When it is settled: offline deployments after all others, which they
    /// may build on, and in the order they were run in.
    fn turn(&self) -> Option<(usize, chrono::DateTime<chrono::Utc>)> {
        match self {
            JournalRun::Offline { intent, known, .. } => {
                Some((known.ran.len(), intent.deployment.started_at))
            }
            JournalRun::Deployment { .. } | JournalRun::Reservation { .. } => None,
        }
    }
}

/// What a reservation is to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mint {
    /// The candidate, with the one object that its tag will ever be.
    pub candidate: Minted,
    /// The commit that keeps its artifacts, where git does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Oid>,
}

#[derive(Serialize, Deserialize)]
struct JournalPage {
    schema: u32,
    run: JournalRun,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rel: Option<Process>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scratch: Option<Scratch>,
}

/// The folder that a run works in, which a killed one leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scratch {
    /// Where it is.
    pub folder: PathBuf,
    /// The newest process that was started in it, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Whether one was about to be started and has not been noted yet: then
    /// nobody knows whether something works there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starting: bool,
}

/// A run as it is listed, which settles nothing.
#[derive(Debug)]
pub struct ListedRun {
    /// The run, and how far it came.
    pub run: JournalRun,
    /// Where it works.
    pub scratch: Option<Scratch>,
    /// The `rel` process that began it, if that is known.
    pub rel: Option<Process>,
    /// Whether a `rel` process holds its lock: the one that began it, or one that settles it.
    pub held: bool,
}

/// The folder of one project's runs.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
}

/// A run of this process. Dropping it leaves the file for the next run to
/// settle; [`OpenRun::close`] removes it.
#[must_use = "a run is closed once its record is published"]
#[derive(Debug)]
pub struct OpenRun {
    path: PathBuf,
    _lock: File,
    /// What was written last.
    pub run: JournalRun,
    /// Where it works.
    pub scratch: Option<Scratch>,
    /// The `rel` that began it.
    rel: Option<Process>,
}

impl Journal {
    /// The journal in this folder, which need not exist yet.
    pub fn at(dir: PathBuf) -> Journal {
        Journal { dir }
    }

    /// Opens a run, named by its nonce.
    ///
    /// # Errors
    /// The disk refuses; nothing was begun.
    pub fn open(&self, run: JournalRun) -> Result<OpenRun> {
        let task = || Task::WriteJournal(self.dir.clone());
        fs::create_dir_all(&self.dir).during_with(task)?;
        let path = self.dir.join(format!("{}.json", run.nonce()));
        let lock = File::create(path.with_extension("lock")).during_with(task)?;
        lock.lock().during_with(task)?;
        let rel = Some(Process::new(exec::this_process(), None));
        let mut open = OpenRun { path, _lock: lock, run: run.clone(), scratch: None, rel };
        open.write(run)?;
        Ok(open)
    }

    /// The runs whose process is gone, each now this process's to settle.
    /// A file that cannot be read is set aside and named.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn dead(&self) -> Result<(Vec<OpenRun>, Vec<PathBuf>)> {
        let (mut dead, mut damaged) = (Vec::new(), Vec::new());
        let task = || Task::ReadJournal(self.dir.clone());
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((dead, damaged)),
            Err(error) => return Err(error).during_with(task),
        };
        for entry in entries {
            let path = entry.during_with(task)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let lock = File::create(path.with_extension("lock")).during_with(task)?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error).during_with(task),
            }
            match read(&path) {
                Ok(Some(mut page)) => {
                    recognise(&mut page);
                    let JournalPage { run, rel, scratch, .. } = page;
                    dead.push(OpenRun { path, _lock: lock, run, scratch, rel });
                }
                Ok(None) => {}
                Err(_) => {
                    let aside = path.with_extension("damaged");
                    fs::rename(&path, &aside).during_with(task)?;
                    damaged.push(aside);
                }
            }
        }
        dead.sort_by(|a, b| a.run.turn().cmp(&b.run.turn()).then_with(|| a.path.cmp(&b.path)));
        Ok((dead, damaged))
    }

    /// Every run there is, in the order they are settled in. Settles nothing.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn all(&self) -> Result<Vec<ListedRun>> {
        let task = || Task::ReadJournal(self.dir.clone());
        let mut all = Vec::new();
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
            entries => entries.during_with(task)?,
        };
        for entry in entries {
            let path = entry.during_with(task)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let Ok(Some(mut page)) = read(&path) else { continue };
            let held = File::open(path.with_extension("lock"))
                .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
            if !held {
                recognise(&mut page);
            }
            let JournalPage { run, rel, scratch, .. } = page;
            all.push(ListedRun { run, scratch, rel, held });
        }
        all.sort_by(|a: &ListedRun, b| {
            a.run.turn().cmp(&b.run.turn()).then_with(|| a.run.nonce().cmp(b.run.nonce()))
        });
        Ok(all)
    }

    /// Whether nothing was begun: the common case, told by one look.
    pub fn is_empty(&self) -> bool {
        fs::read_dir(&self.dir).map_or(true, |entries| {
            !entries.flatten().any(|entry| entry.path().extension().is_some_and(|e| e == "json"))
        })
    }
}

impl OpenRun {
    /// Replaces what is written, durably.
    ///
    /// # Errors
    /// The disk refuses; what was written before stands.
    pub fn write(&mut self, run: JournalRun) -> Result<()> {
        let (rel, scratch) = (self.rel.clone(), self.scratch.clone());
        let page = JournalPage { schema: SCHEMA, run: run.clone(), rel, scratch };
        write_durably(&self.path, &page).during_with(|| Task::WriteJournal(self.path.clone()))?;
        self.run = run;
        Ok(())
    }

    /// Sets the folder it works in, before anything is put there.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn works_in(&mut self, folder: &Path) -> Result<()> {
        self.scratch = Some(Scratch { folder: folder.to_owned(), process: None, starting: false });
        self.write(self.run.clone())
    }

    /// Sets that a process is about to be started in its folder.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn starts(&mut self) -> Result<()> {
        if let Some(scratch) = &mut self.scratch {
            scratch.starting = true;
        }
        self.write(self.run.clone())
    }

    /// Sets the process that was started in its folder.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn started(&mut self, process: Process) -> Result<()> {
        if let Some(scratch) = &mut self.scratch {
            scratch.process = Some(process);
            scratch.starting = false;
        }
        self.write(self.run.clone())
    }

    /// Sets how far a deployment came. Once it is done, its folder is nobody's
    /// concern any more.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn advance(&mut self, to: RunPhase) -> Result<()> {
        match &to {
            RunPhase::Intent => {}
            RunPhase::Running { process } => {
                if let Some(scratch) = &mut self.scratch {
                    scratch.process.clone_from(process);
                    scratch.starting = process.is_none();
                }
            }
            RunPhase::Done { .. } => self.scratch = None,
        }
        self.write(self.run.clone().at(to))
    }

    /// Sets that a deployment's command was ended by somebody else than the run
    /// itself. Its folder remains to be removed.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn ended(&mut self, outcome: Outcome, at: chrono::DateTime<chrono::Utc>) -> Result<()> {
        match self.run.clone() {
            JournalRun::Reservation { .. } => Ok(()),
            run => self.write(run.at(RunPhase::Done { outcome, at })),
        }
    }

    /// Sets what a reservation is to become, before any of it is published.
    ///
    /// # Errors
    /// As [`OpenRun::write`].
    pub fn mints(&mut self, what: Mint) -> Result<()> {
        let mut run = self.run.clone();
        if let JournalRun::Reservation { mint, .. } = &mut run {
            *mint = Some(Box::new(what));
        }
        self.write(run)
    }

    /// What a reservation is to become, once that is known.
    pub fn mint(&self) -> Option<&Mint> {
        match &self.run {
            JournalRun::Reservation { mint, .. } => mint.as_deref(),
            JournalRun::Deployment { .. } | JournalRun::Offline { .. } => None,
        }
    }

    /// Removes the run: its record is published, or never will be.
    pub fn close(self) {
        // A file left behind is settled once more, which changes nothing.
        if failpoint::step("close").is_err() {
            return;
        }
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension("lock"));
    }
}

fn read(path: &Path) -> io::Result<Option<JournalPage>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => {
            let page: JournalPage = serde_json::from_slice(&bytes)?;
            if page.schema == SCHEMA { Ok(Some(page)) } else { Err(io::ErrorKind::InvalidData.into()) }
        }
    }
}

/// Finds the process of a command that a `rel` started and died before it could
/// write it down: the process that works in its folder.
fn recognise(page: &mut JournalPage) {
    let Some(scratch) = page.scratch.as_mut().filter(|scratch| scratch.starting) else { return };
    let mut found = exec::at_work_in(&scratch.folder);
    if found.is_some_and(|found| found.is_none()) {
        // It may be on its way from our kind of process to its own.
        std::thread::sleep(ON_ITS_WAY);
        found = exec::at_work_in(&scratch.folder);
    }
    let Some(found) = found else { return };
    scratch.starting = false;
    scratch.process = found.map(|started| Process::new(started, None));
    if let JournalRun::Deployment { phase, .. } | JournalRun::Offline { phase, .. } = &mut page.run
        && let RunPhase::Running { process } = phase
    {
        process.clone_from(&scratch.process);
    }
}

fn write_durably(path: &Path, page: &JournalPage) -> io::Result<()> {
    failpoint::step("journal")?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    serde_json::to_writer(&mut file, page)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    failpoint::step("journalled")
}
