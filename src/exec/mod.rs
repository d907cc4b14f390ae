//! Other people's commands: argv, environment, folder, timeout, process group, signals.
//!
//! A command gets an environment given in full, a file or `/dev/null` to read and a
//! pipe to write to, which a small process that outlives `rel` drains into a log
//! (see [`keeper`]). `rel` follows the log while the command runs.
//!
//! This floor decides neither what to run nor what an ending means for a
//! record; it retries nothing and prints nothing.

mod command;
mod error;
mod follow;
mod group;
mod keeper;
mod process;
mod signals;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use command::Processes;
pub use error::Error;
pub use group::{Left, stop_group, what_is_left};
pub use keeper::keep_output;
pub use process::{at_work_in, boot_id, end_process, is_alive, this_process};
pub use signals::{Change, Interrupts, Window};

/// How long a command may take to end politely before it is killed.
pub const GRACE: Duration = Duration::from_secs(5);

/// The exit code reported when the kernel gave the real one to nobody: see
/// [`Error::LostStatus`]. Never a code a process can choose, those are 0 to 255.
pub const LOST_STATUS: i32 = -1;

/// The time since this machine began, with the time that it, or this process, slept.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: nix::time::ClockId = nix::time::ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: nix::time::ClockId = nix::time::ClockId::CLOCK_MONOTONIC;
    nix::time::clock_gettime(CLOCK).map(Duration::from).unwrap_or_default()
}

/// A command, the way the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Program {
    /// A string: run by `sh -c`.
    Shell(String),
    /// An array: run as it is, found on the `PATH` of the environment given.
    Argv(Vec<String>),
}

/// One run of a command.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What to run.
    pub program: &'a Program,
    /// The folder it starts in; a relative program with a `/` is found from here.
    pub cwd: &'a Path,
    /// Its complete environment: nothing is inherited beside it.
    pub env: &'a BTreeMap<OsString, OsString>,
    /// What it reads from standard input; nothing otherwise.
    pub input: Option<&'a Path>,
    /// How long it may run; `None` is for ever.
    pub timeout: Option<Duration>,
    /// How long it may take to end once asked to, usually [`GRACE`].
    pub grace: Duration,
    /// The file stdout and stderr are appended to, in the order written. Made,
    /// for its owner's eyes only, if it does not exist; its folder must.
    pub log: &'a Path,
    /// Whether that file loses its name once it is open: nothing of it is left
    /// when nobody has it open any more, whoever is killed.
    pub nameless: bool,
}

/// A command that has started. It leads its own process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its process id, which is also the id of its process group.
    pub pid: u32,
    /// When it started, in clock ticks since boot: field 22 of
    /// `/proc/<pid>/stat` (proc_pid_stat(5)). `None` where there is no `/proc`.
    pub start_time: Option<u64>,
}

/// A line of output, or a piece of one that is longer than 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Any bytes, without the newline.
    pub text: &'a [u8],
    /// Whether the line ends with it, with or without a newline; otherwise the
    /// next piece goes on with the line.
    pub ends: bool,
}

/// Who hears what a command prints.
pub trait Listener {
    /// A line, or a piece of one.
    fn hear(&mut self, piece: Piece<'_>);

    /// Told at the end if the log did not take so many bytes of the output, which nobody heard.
    fn lost(&mut self, bytes: u64) {
        let _ = bytes;
    }

    /// Asked again and again while what an ended command printed is still being
    /// told, and a further signal has come: whether the rest of it is to come,
    /// although nobody wants to see it.
    fn wants_the_rest(&mut self) -> bool {
        false
    }
}

impl<F: FnMut(Piece<'_>)> Listener for F {
    fn hear(&mut self, piece: Piece<'_>) {
        self(piece);
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself, with this exit code (or [`LOST_STATUS`]).
    Exited(i32),
    /// By a signal `rel` did not send. `SIGTTIN` and `SIGTTOU` mean that it
    /// asked for the terminal, and its group was ended because nobody answers.
    Signalled(i32),
    /// It ran out of time; nothing of its group is left.
    TimedOut,
    /// A signal to `rel` ended it, or kept it from starting (then `started`
    /// was never called); nothing of its group is left.
    Interrupted,
    /// It never ran.
    NotStarted(StartError),
}

/// Why a command never ran.
#[derive(Debug)]
pub enum StartError {
    /// An array without a program.
    Empty,
    /// The file that it writes to cannot be opened.
    Log {
        path: PathBuf,
        cause: io::Error,
    },
    /// What keeps its output could not be started.
    Keeper(io::Error),
    /// The folder it was to run in.
    NoFolder(PathBuf),
    /// The program is a file, whose first line names what does not exist.
    NoInterpreter(String),
    /// There is no such file, seen from a folder.
    NoFile {
        program: String,
        folder: PathBuf,
    },
    /// It was to be found on `PATH`, which is not set.
    NoPath(String),
    NotOnPath(String),
    IsFolder(String),
    NotExecutable(String),
    MayNotRun {
        program: String,
        cause: io::Error,
    },
    /// The arguments and the environment are more than the system takes.
    TooLong(String),
    Program {
        program: String,
        cause: io::Error,
    },
    Other(io::Error),
}

impl Ended {
    /// Whether it did what it was asked: exit 0 in time.
    pub fn is_success(&self) -> bool {
        matches!(self, Ended::Exited(0))
    }

    /// The exit code a process chose, as records keep it.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Ended::Exited(code) if *code != LOST_STATUS => Some(*code),
            _ => None,
        }
    }
}

/// Runs commands. The one trait that tests replace with a fake.
pub trait Runner {
    /// Runs one command to its end.
    ///
    /// `started` is called once, just after it started, so that the caller can
    /// write that down. `listener` hears each line of output as it
    /// appears; a last one need not have had a newline. What is left running by
    /// a command that ended by itself (a daemon) is left alone and not waited
    /// for; whatever it still writes goes to the log only.
    ///
    /// If `interrupts` already had a signal, nothing is started.
    fn run(
        &self,
        run: Run<'_>,
        interrupts: &Interrupts,
        started: &mut dyn FnMut(&Started),
        listener: &mut dyn Listener,
    ) -> Ended;
}
