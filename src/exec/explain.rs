//! How a run ended, as a sentence for people.
//!
//! It guesses only where the guess is marked as one, looks at the disk only to
//! tell a command that is missing from one that missed something itself, and
//! quotes whatever came from a file, so that no escape sequence reaches a
//! terminal.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Ended, LOST_STATUS, Program, Run};

/// How a run ended, without full stop: `exit 3`, `killed by signal 9
/// (SIGKILL)`, and where it `timed out`, after how long. To be asked while the
/// folder it ran in is still there.
pub fn explain(ended: &Ended, run: &Run<'_>) -> String {
    match ended {
        Ended::Exited(code) => exit(*code, run),
        Ended::Signalled(signal) if wants_terminal(*signal) => {
            format!("stopped by {}: it asked for the terminal, and a command has none", name(*signal))
        }
        Ended::Signalled(signal) => format!("killed by {}", name(*signal)),
        Ended::TimedOut => match run.timeout {
            Some(timeout) => format!("timed out after {}", duration(timeout)),
            None => "timed out".to_owned(),
        },
        Ended::Interrupted => "interrupted".to_owned(),
        Ended::NotStarted(error) => format!("not started: {error}"),
    }
}

fn exit(code: i32, run: &Run<'_>) -> String {
    match (code, run.program) {
        (LOST_STATUS, _) => "ended, but its exit code is lost: something else collected it".to_owned(),
        (127, Program::Shell(text)) => match sole_command(text) {
            Some(word) if file_of(&word, run).is_some() => {
                format!("exit 127: {word:?} is there; something it runs, or its interpreter, was not found")
            }
            Some(word) if word.contains('/') => {
                format!("exit 127: sh found no command {word:?} (is it committed?)")
            }
            Some(word) => format!("exit 127: sh found no command {word:?} (is it installed and on PATH?)"),
            None => format!("exit 127: a command was not found by {text:?}, or by what it runs"),
        },
        (126, Program::Shell(text)) => match sole_command(text) {
            Some(word) if file_of(&word, run).is_some_and(|file| !is_executable(&file)) => {
                format!("exit 126: sh could not run {word:?}: it is not executable (git add --chmod=+x)")
            }
            _ => format!(
                "exit 126: something that {text:?} runs is there and could not be run (is it executable?)"
            ),
        },
        // How a shell passes on that a command of its was killed (POSIX sh, 2.8.2).
        (129..=192, Program::Shell(_)) if Signal::try_from(code - 128).is_ok() => {
            format!("exit {code}: probably killed by {}", name(code - 128))
        }
        _ => format!("exit {code}"),
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

fn is_executable(file: &std::path::Path) -> bool {
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
    use std::path::Path;

    use super::*;

    fn explained(ended: &Ended, program: &Program, cwd: &Path, timeout: Option<Duration>) -> String {
        let bin: OsString = cwd.join("bin").into();
        let env = BTreeMap::from([(OsString::from("PATH"), bin)]);
        let log = cwd.join("log");
        explain(
            ended,
            &Run {
                program,
                cwd,
                env: &env,
                input: None,
                timeout,
                grace: Duration::ZERO,
                log: &log,
                nameless: false,
            },
        )
    }

    fn shell(code: i32, text: &str) -> String {
        let nowhere = Path::new("/nonexistent");
        explained(&Ended::Exited(code), &Program::Shell(text.to_owned()), nowhere, None)
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
            explained(&Ended::Exited(code), &Program::Shell(text.to_owned()), dir.path(), None)
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
            assert!(say(126, word).contains("something that"), "{}", say(126, word));
        }
    }

    #[test]
    fn codes_mean_only_what_they_mean_for_that_program() {
        let argv = Program::Argv(vec!["x".to_owned()]);
        let say = |code: i32| explained(&Ended::Exited(code), &argv, Path::new("/"), None);
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
        let say = |ended: Ended| explained(&ended, &program, Path::new("/"), None);
        assert_eq!(say(Ended::Signalled(9)), "killed by signal 9 (SIGKILL)");
        assert_eq!(say(Ended::Signalled(64)), "killed by signal 64");
        assert!(say(Ended::Signalled(Signal::SIGTTIN as i32)).contains("asked for the terminal"));
        assert_eq!(say(Ended::TimedOut), "timed out");
        assert_eq!(
            explained(&Ended::TimedOut, &program, Path::new("/"), Some(Duration::from_secs(600))),
            "timed out after 10m"
        );
        assert_eq!(say(Ended::NotStarted(io::Error::other("why"))), "not started: why");
    }

    #[test]
    fn durations_read_as_they_are_written() {
        let of = |seconds: f64| duration(Duration::from_secs_f64(seconds));
        assert_eq!([of(0.0), of(0.25), of(90.0)], ["0s", "0.25s", "1m30s"]);
        assert_eq!([of(5400.0), of(86_400.0), of(90_061.0)], ["1h30m", "1d", "1d1h1m1s"]);
    }
}
