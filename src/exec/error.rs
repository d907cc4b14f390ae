//! Why a command did not succeed, as facts. The words are for whoever tells a person.
//!
//! It guesses only where the variant says so, and looks at the disk only to
//! tell a command that is missing from one that missed something itself.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Ended, LOST_STATUS, Program, Run, StartError};

pub use self::ExecError as Error;

/// Why a run was no success.
#[derive(Debug)]
pub enum ExecError {
    NotStarted(StartError),
    /// By itself, with a code that says no more.
    Exit(i32),
    /// Something else collected its exit code.
    LostStatus,
    /// `sh` found no command: this word of its only one, which is no file.
    CommandMissing(String),
    /// Something was not found by `sh`'s only command, whose word this is and which is a file.
    NotFoundBy(String),
    /// A command was not found by this text of `sh`, or by what it runs.
    NotFoundIn(String),
    /// `sh` could not run its only command, a file that nobody may execute.
    NotExecutable(String),
    /// Something that this text of `sh` runs is there and could not be run.
    NotRunnableIn(String),
    /// `sh` ended with the code by which it passes on that a command was killed.
    ProbablyKilled {
        code: i32,
        signal: i32,
    },
    /// Killed by a signal that `rel` did not send.
    Killed(i32),
    /// It asked for the terminal, which this signal answered.
    WantsTerminal(i32),
    TimedOut(Option<Duration>),
    Interrupted,
}

impl StartError {
    /// What the system's error, which names no file, is about.
    pub(super) fn of(run: &Run<'_>, cause: io::Error) -> StartError {
        let program = match run.program {
            Program::Shell(_) => "/bin/sh".to_owned(),
            Program::Argv(argv) => argv.first().cloned().unwrap_or_default(),
        };
        let file = program.contains('/').then(|| run.cwd.join(&program));
        match cause.kind() {
            _ if !run.cwd.is_dir() => StartError::NoFolder(run.cwd.to_owned()),
            io::ErrorKind::NotFound => match file {
                Some(file) if file.exists() => StartError::NoInterpreter(program),
                Some(_) => StartError::NoFile { program, folder: run.cwd.to_owned() },
                None if !run.env.contains_key(OsStr::new("PATH")) => StartError::NoPath(program),
                None => StartError::NotOnPath(program),
            },
            io::ErrorKind::PermissionDenied => match file {
                Some(file) if file.is_dir() => StartError::IsFolder(program),
                Some(file) if file.exists() && !is_executable(&file) => StartError::NotExecutable(program),
                _ => StartError::MayNotRun { program, cause },
            },
            io::ErrorKind::ArgumentListTooLong => StartError::TooLong(program),
            _ => StartError::Program { program, cause },
        }
    }
}

impl Ended {
    /// Why it was no success, `None` if it was one. To be asked while the folder
    /// it ran in is still there.
    pub fn error(self, run: &Run<'_>) -> Option<Error> {
        Some(match self {
            Ended::Exited(0) => return None,
            Ended::Exited(code) => exit(code, run),
            Ended::Signalled(signal) if wants_terminal(signal) => Error::WantsTerminal(signal),
            Ended::Signalled(signal) => Error::Killed(signal),
            Ended::TimedOut => Error::TimedOut(run.timeout),
            Ended::Interrupted => Error::Interrupted,
            Ended::NotStarted(error) => Error::NotStarted(error),
        })
    }
}

fn exit(code: i32, run: &Run<'_>) -> Error {
    match (code, run.program) {
        (LOST_STATUS, _) => Error::LostStatus,
        (127, Program::Shell(text)) => match sole_command(text) {
            Some(word) if file_of(&word, run).is_some() => Error::NotFoundBy(word),
            Some(word) => Error::CommandMissing(word),
            None => Error::NotFoundIn(text.clone()),
        },
        (126, Program::Shell(text)) => match sole_command(text) {
            Some(word) if file_of(&word, run).is_some_and(|file| !is_executable(&file)) => {
                Error::NotExecutable(word)
            }
            _ => Error::NotRunnableIn(text.clone()),
        },
        // How a shell passes on that a command of its was killed (POSIX sh, 2.8.2).
        (129..=192, Program::Shell(_)) if Signal::try_from(code - 128).is_ok() => {
            Error::ProbablyKilled { code, signal: code - 128 }
        }
        _ => Error::Exit(code),
    }
}

/// The file that a command's word names, found as the shell finds it.
fn file_of(word: &str, run: &Run<'_>) -> Option<PathBuf> {
    if word.contains('/') {
        return Some(run.cwd.join(word)).filter(|file| file.is_file());
    }
    let path = run.env.get(OsStr::new("PATH"))?;
    std::env::split_paths(path).map(|dir| run.cwd.join(dir).join(word)).find(|file| file.is_file())
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}

/// The command of a text that is only one, with no syntax that could hide
/// another; `None` where that is unsure.
fn sole_command(text: &str) -> Option<String> {
    if text.contains(|c: char| "|&;<>()$`\n{}!#*?[~".contains(c)) {
        return None;
    }
    let is_assignment = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    shell_words::split(text).ok()?.into_iter().find(|word| !is_assignment(word))
}

fn wants_terminal(signal: i32) -> bool {
    [Signal::SIGTTIN as i32, Signal::SIGTTOU as i32].contains(&signal)
}
