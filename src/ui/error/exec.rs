//! Why a command could not start, or how it ended, as a sentence for people
//! and for the record. Whatever came from a file is quoted, so that no escape
//! sequence reaches a terminal.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::exec::{Error, StartError};

/// How a run ended, without full stop: `exit 3`, `killed by signal 9
/// (SIGKILL)`, and where it `timed out`, after how long.
pub fn command_error(error: &Error) -> String {
    match error {
        Error::NotStarted(error) => format!("not started: {}", not_started(error)),
        Error::Exit(code) => format!("exit {code}"),
        Error::LostStatus => "ended, but its exit code is lost: something else collected it".to_owned(),
        Error::CommandMissing(word) if word.contains('/') => {
            format!("exit 127: sh found no command {word:?} (is it committed?)")
        }
        Error::CommandMissing(word) => {
            format!("exit 127: sh found no command {word:?} (is it installed and on PATH?)")
        }
        Error::NotFoundBy(word) => {
            format!("exit 127: {word:?} is there; something it runs, or its interpreter, was not found")
        }
        Error::NotFoundIn(text) => {
            format!("exit 127: a command was not found by {text:?}, or by what it runs")
        }
        Error::NotExecutable(word) => {
            format!("exit 126: sh could not run {word:?}: it is not executable (git add --chmod=+x)")
        }
        Error::NotRunnableIn(text) => {
            format!(
                "exit 126: something that {text:?} runs is there and could not be run (is it executable?)"
            )
        }
        Error::ProbablyKilled { code, signal } => {
            format!("exit {code}: probably killed by {}", name(*signal))
        }
        Error::Killed(signal) => format!("killed by {}", name(*signal)),
        Error::WantsTerminal(signal) => {
            format!("stopped by {}: it asked for the terminal, and a command has none", name(*signal))
        }
        Error::TimedOut(Some(limit)) => format!("timed out after {}", duration(*limit)),
        Error::TimedOut(None) => "timed out".to_owned(),
        Error::Interrupted => "interrupted".to_owned(),
    }
}

fn not_started(error: &StartError) -> String {
    match error {
        StartError::Empty => "the command is empty".to_owned(),
        StartError::Log { path, cause } => format!("cannot write the log {}: {cause}", path.display()),
        StartError::Keeper(cause) => format!("what keeps its output could not be started: {cause}"),
        StartError::NoFolder(folder) => format!("there is no folder {} to run in", folder.display()),
        StartError::NoInterpreter(program) => {
            format!("{program:?} exists, but the interpreter its first line names does not")
        }
        StartError::NoFile { program, folder } => {
            format!("there is no {program:?} in {} (is it committed?)", folder.display())
        }
        StartError::NoPath(program) => format!("no PATH is set to find {program:?} on"),
        StartError::NotOnPath(program) => format!("there is no {program:?} on PATH (is it installed?)"),
        StartError::IsFolder(program) => format!("{program:?} is a folder"),
        StartError::NotExecutable(program) => {
            format!("{program:?} is not executable (git update-index --chmod=+x, then commit)")
        }
        StartError::MayNotRun { program, cause } => format!("{program:?} may not be run: {cause}"),
        StartError::TooLong(program) => {
            format!("the arguments and environment of {program:?} are too long for this system")
        }
        StartError::Program { program, cause } => format!("{program:?} could not be started: {cause}"),
        StartError::Other(cause) => cause.to_string(),
    }
}

fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(known) => format!("signal {signal} ({known})"),
        Err(_) => format!("signal {signal}"),
    }
}

/// As `release.toml` writes durations, of more than one unit if it must be:
/// `10m`, `1h30m`, `1.5s`.
fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    if length.subsec_millis() > 0 && seconds < 60 {
        return format!("{}s", length.as_millis() as f64 / 1000.0);
    }
    let parts =
        [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::fs;
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::exec::{Ended, Program, Run};

    fn explained(ended: Ended, program: &Program, cwd: &Path, timeout: Option<Duration>) -> String {
        let bin: OsString = cwd.join("bin").into();
        let env = BTreeMap::from([(OsString::from("PATH"), bin)]);
        let log = cwd.join("log");
        let run = Run {
            program,
            cwd,
            env: &env,
            input: None,
            timeout,
            grace: Duration::ZERO,
            log: &log,
            nameless: false,
        };
        command_error(&ended.error(&run).unwrap())
    }

    fn shell(code: i32, text: &str) -> String {
        let nowhere = Path::new("/nonexistent");
        explained(Ended::Exited(code), &Program::Shell(text.to_owned()), nowhere, None)
    }

    #[test]
    fn a_missing_command_is_named_where_there_is_one() {
        assert_eq!(
            shell(127, "LANG=C ./deploy.sh --all"),
            "exit 127: sh found no command \"./deploy.sh\" (is it committed?)"
        );
        assert_eq!(
            shell(127, "make dist"),
            "exit 127: sh found no command \"make\" (is it installed and on PATH?)"
        );
        assert_eq!(
            shell(127, "true && mkae"),
            "exit 127: a command was not found by \"true && mkae\", or by what it runs"
        );
    }

    #[test]
    fn a_command_that_is_there_is_not_called_missing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let say = |code: i32, text: &str| {
            explained(Ended::Exited(code), &Program::Shell(text.to_owned()), dir.path(), None)
        };
        for (file, word) in [("deploy.sh", "./deploy.sh"), ("bin/make", "make")] {
            let file = dir.path().join(file);
            fs::write(&file, "#!/bin/sh\nkubectl apply\n").unwrap();
            assert_eq!(
                say(127, &format!("{word} all")),
                format!("exit 127: {word:?} is there; something it runs, or its interpreter, was not found")
            );
            assert_eq!(
                say(126, word),
                format!("exit 126: sh could not run {word:?}: it is not executable (git add --chmod=+x)")
            );
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            // The whole text is named, of which it is the first word.
            assert_eq!(
                say(126, &format!("{word} all")),
                format!(
                    "exit 126: something that \"{word} all\" runs is there and could not be run (is it executable?)"
                )
            );
        }
    }

    #[test]
    fn codes_mean_only_what_they_mean_for_that_program() {
        let argv = Program::Argv(vec!["x".to_owned()]);
        let say = |code: i32| explained(Ended::Exited(code), &argv, Path::new("/"), None);
        assert_eq!(shell(3, "x"), "exit 3");
        assert_eq!(shell(137, "x"), "exit 137: probably killed by signal 9 (SIGKILL)");
        assert_eq!(shell(255, "x"), "exit 255");
        assert_eq!(say(127), "exit 127");
        assert_eq!(say(137), "exit 137");
    }

    #[test]
    fn nothing_from_a_file_reaches_the_terminal_raw() {
        for code in [126, 127] {
            assert!(!shell(code, "\u{1b}]0;x\u{7}").contains('\u{1b}'));
        }
    }

    #[test]
    fn signals_timeouts_and_refusals_have_sentences() {
        let program = Program::Shell(String::new());
        let say = |ended: Ended| explained(ended, &program, Path::new("/"), None);
        assert_eq!(say(Ended::Signalled(9)), "killed by signal 9 (SIGKILL)");
        assert_eq!(say(Ended::Signalled(64)), "killed by signal 64");
        assert!(say(Ended::Signalled(Signal::SIGTTIN as i32)).contains("asked for the terminal"));
        assert_eq!(say(Ended::TimedOut), "timed out");
        assert_eq!(
            explained(Ended::TimedOut, &program, Path::new("/"), Some(Duration::from_secs(600))),
            "timed out after 10m"
        );
        let started = |error| say(Ended::NotStarted(error));
        assert_eq!(started(StartError::Other(io::Error::other("why"))), "not started: why");
        let program = || "./x".to_owned();
        assert_eq!(
            started(StartError::NotOnPath(program())),
            "not started: there is no \"./x\" on PATH (is it installed?)"
        );
        let folder = "/srv".into();
        assert_eq!(
            started(StartError::NoFile { program: program(), folder }),
            "not started: there is no \"./x\" in /srv (is it committed?)"
        );
    }

    #[test]
    fn durations_read_as_they_are_written() {
        let of = |seconds: f64| duration(Duration::from_secs_f64(seconds));
        assert_eq!([of(0.0), of(0.25), of(90.0)], ["0s", "0.25s", "1m30s"]);
        assert_eq!([of(5400.0), of(86_400.0), of(90_061.0)], ["1h30m", "1d", "1d1h1m1s"]);
    }
}
