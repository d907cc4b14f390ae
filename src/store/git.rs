//! The only place that starts `git`.
//!
//! A child gets its arguments as they are, the repository by name, git's own
//! language, and nobody to ask: it never prompts, and where nobody could end it
//! it is not waited for without end. What it prints is captured;
//! reading it is the caller's business, who must not learn from the text
//! whether something happened.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::exec;
use crate::world::World;

use super::error::{During, Error, Result, Task};
use super::git_env::{GitEnv, LOCAL_VARS};

pub use super::git_env::Version;

/// Writes that must survive a power cut reach the disk before git reports them.
const FSYNC: &str = "core.fsync=committed,loose-object,reference";

/// How long git may be silent while it talks to a remote and nobody is there to end it.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a git that is ended has to put things in order.
const GRACE: Duration = Duration::from_secs(2);

/// How lines begin that say how far something has come.
const PROGRESS: [&str; 10] = [
    "Enumerating objects:",
    "Counting objects:",
    "Compressing objects:",
    "Writing objects:",
    "Receiving objects:",
    "Unpacking objects:",
    "Resolving deltas:",
    "Checking connectivity",
    "Delta compression using",
    "Total ",
];

/// What a git child left behind.
#[derive(Debug, Clone)]
pub struct GitOutput {
    /// How it ended; a signal is no success.
    pub status: ExitStatus,
    /// All it wrote to standard output.
    pub stdout: Vec<u8>,
    /// All it wrote to standard error.
    pub stderr: Vec<u8>,
    /// How long it had been silent when it was ended for that.
    pub silent: Option<Duration>,
}

impl GitOutput {
    /// Standard output as text; what is not UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it said on standard error, fit for a terminal: control characters and git's own
    /// advice (`hint: …`) are gone. Says how it ended if it said nothing.
    pub fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<String> = text
            .split(['\n', '\r'])
            .map(|line| line.chars().filter(|c| !unprintable(*c)).collect::<String>().trim_end().to_owned())
            .filter(|line| !line.is_empty() && !line.starts_with("hint:") && !is_progress(line))
            // What follows says which, and why.
            .filter(|line| !line.starts_with("error: failed to push some refs to "))
            .chain(
                self.silent.map(|time| format!("git said nothing for {} s, and was ended", time.as_secs())),
            )
            .collect();
        if lines.is_empty() { format!("git ended with {}", self.status) } else { lines.join("\n") }
    }
}

/// Whether a line only says how far git, or the other side, has come.
fn is_progress(line: &str) -> bool {
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    PROGRESS.iter().any(|start| line.starts_with(start))
}

/// Control characters, and those that turn the direction of text around.
fn unprintable(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One call of git, being put together.
#[derive(Debug)]
#[must_use]
pub struct Git<'r> {
    place: &'r GitEnv,
    settings: Vec<String>,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    cwd: Option<PathBuf>,
    env: Vec<(OsString, Option<OsString>)>,
    talks: bool,
}

impl<'r> Git<'r> {
    /// A call that works on this repository, from its top folder; outside of one it finds none.
    pub fn new(place: &'r impl AsRef<GitEnv>) -> Git<'r> {
        Git {
            place: place.as_ref(),
            settings: Vec::new(),
            args: Vec::new(),
            stdin: Vec::new(),
            cwd: None,
            env: Vec::new(),
            talks: false,
        }
    }

    /// A setting for this call only, `key=value`, as `git -c`.
    pub fn set(mut self, setting: impl Into<String>) -> Git<'r> {
        self.settings.push(setting.into());
        self
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Git<'r> {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Git<'r> {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// What it reads from standard input; nothing otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Git<'r> {
        self.stdin = bytes.into();
        self
    }

    /// Runs in this folder and lets git find the repository from there, such as a checkout's.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Git<'r> {
        self.cwd = Some(dir.into());
        self
    }

    /// A variable for this call; beats everything set here.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Git<'r> {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Takes a variable away.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Git<'r> {
        self.env.push((name.into(), None));
        self
    }

    /// It talks to a remote. Where nobody is at a terminal it is ended once it has been silent for
    /// `REL_GIT_TIMEOUT` seconds, with whatever helper it waits for; so let it show its progress.
    pub fn talking(mut self) -> Git<'r> {
        self.talks = true;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It could not be started. That it ran and failed is for the caller to see.
    pub fn run(self) -> Result<GitOutput> {
        #[expect(clippy::disallowed_methods, reason = "the one place that starts git")]
        let mut command = Command::new("git");
        command.arg("-c").arg(FSYNC);
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        command.args(&self.args);
        self.surround(&mut command);
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let patience = (self.talks && !self.is_watched()).then(|| self.patience());
        if patience.is_some() {
            // So that its helpers can be ended with it.
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(|error| cannot_start(error, &self.args))?;
        // Fed from a second thread: git may fill its output pipe before it has read everything.
        let feeder = child.stdin.take().map(|mut pipe| {
            let bytes = self.stdin;
            std::thread::spawn(move || {
                // A child that ends early closes the pipe; its exit status tells the story.
                let _ = pipe.write_all(&bytes);
            })
        });
        let output = match patience {
            None => child.wait_with_output().map(|output| GitOutput {
                status: output.status,
                stdout: output.stdout,
                stderr: output.stderr,
                silent: None,
            }),
            Some(patience) => wait_while_it_speaks(child, patience),
        };
        if let Some(feeder) = feeder {
            // The closure cannot panic.
            let _ = feeder.join();
        }
        output.during_with(|| Task::Await(spelled(&self.args)))
    }

    /// Whether somebody is there who can answer it, or end it.
    fn is_watched(&self) -> bool {
        let world = &self.place.world;
        world.stdin_terminal || world.stderr_terminal
    }

    fn patience(&self) -> Duration {
        let seconds = self.place.world.var("REL_GIT_TIMEOUT").and_then(|text| text.parse().ok());
        seconds.map_or(PATIENCE, Duration::from_secs)
    }

    /// Runs it to its end and takes anything but success for a failure of `task`, quoting git.
    pub fn run_ok(self, task: Task) -> Result<GitOutput> {
        let output = self.run()?;
        if output.status.success() { Ok(output) } else { Err(task.said(output.said())) }
    }

    /// Folder and environment.
    fn surround(&self, command: &mut Command) {
        let GitEnv { world, git_dir, work_dir, alternates, .. } = self.place;
        command.env_clear().envs(&world.env);
        for name in LOCAL_VARS {
            command.env_remove(name);
        }
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        } else if let Some(git_dir) = git_dir {
            command.current_dir(work_dir.as_ref().unwrap_or(git_dir));
            command.env("GIT_DIR", git_dir);
            if let Some(dir) = work_dir {
                command.env("GIT_WORK_TREE", dir);
            }
            if let Ok(list) = std::env::join_paths(alternates)
                && !list.is_empty()
            {
                command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", list);
            }
        }
        if self.place.offline.get() {
            command.env("GIT_NO_LAZY_FETCH", "1");
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        if !self.is_watched() {
            // A window that nobody sees would hang for ever. Where there is no display either,
            // GIT_ASKPASS is how CI systems hand over a password, and asks nobody.
            let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| world.var(name).is_some());
            if display || world.var("GIT_ASKPASS").is_none() {
                command.env("GIT_ASKPASS", "");
            }
            command.env_remove("SSH_ASKPASS").env("SSH_ASKPASS_REQUIRE", "never");
            command.env("GCM_INTERACTIVE", "never");
        }
        let own_ssh = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| world.var(name).is_some())
            || self.place.has_ssh_command;
        if !own_ssh {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// The version of the git on this PATH; asked once per place.
    ///
    /// # Errors
    /// There is none, or it does not say which it is.
    pub fn version(place: &impl AsRef<GitEnv>) -> Result<Version> {
        let place = place.as_ref();
        if let Some(version) = place.version.get() {
            return Ok(*version);
        }
        let version = Git::version_here(&place.world)?;
        Ok(*place.version.get_or_init(|| version))
    }

    /// The same without a repository.
    ///
    /// # Errors
    /// As [`Git::version`].
    pub fn version_here(world: &World) -> Result<Version> {
        let output = Git::new(&GitEnv::nowhere(world)).arg("version").run_ok(Task::AskVersion)?;
        let text = output.stdout_text();
        parse_version(&text).ok_or_else(|| Task::ParseVersion(text.trim().to_owned()).failed())
    }
}

/// Waits for the end of a child that leads a process group of its own. Once it has been silent for
/// too long, the whole group is ended.
fn wait_while_it_speaks(mut child: Child, patience: Duration) -> std::io::Result<GitOutput> {
    let (said, heard) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for (index, mut stream) in streams.into_iter().flatten().enumerate() {
        let said = said.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                if said.send((index, buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
    }
    drop(said);
    let mut texts = [Vec::new(), Vec::new()];
    let mut silent = None;
    loop {
        match heard.recv_timeout(patience) {
            Ok((index, bytes)) => texts[index].extend(bytes),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // What has left the group is not waited for a second time.
                let again = silent.replace(patience).is_some();
                if !exec::stop_group(child.id(), GRACE) || again {
                    break;
                }
            }
        }
    }
    let status = child.wait()?;
    let [stdout, stderr] = texts;
    Ok(GitOutput { status, stdout, stderr, silent: silent.filter(|_| !status.success()) })
}

/// Reads `git version 2.47.3`, `git version 2.39.3 (Apple Git-146)`, `git version 2.45.1.windows.1`.
fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = text.strip_prefix("git version ")?.split_whitespace().next()?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    let patch = numbers.next().and_then(|text| text.split('-').next()?.parse().ok()).unwrap_or(0);
    Some((major, minor, patch))
}

fn cannot_start(error: std::io::Error, args: &[OsString]) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        Error::NoGit
    } else {
        Task::Start(spelled(args)).because(error)
    }
}

/// The call as a person would recognise it.
fn spelled(args: &[OsString]) -> String {
    let words = args.iter().map(|arg| Path::new(arg as &OsStr).display().to_string());
    std::iter::once("git".to_owned()).chain(words.take(2)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;

    #[test]
    fn versions_are_read_and_nothing_else() {
        assert_eq!(parse_version("git version 2.47.3\n"), Some((2, 47, 3)));
        assert_eq!(parse_version("git version 2.39.3 (Apple Git-146)\n"), Some((2, 39, 3)));
        assert_eq!(parse_version("git version 2.45.1.windows.1\n"), Some((2, 45, 1)));
        assert_eq!(parse_version("git version 2.50.0-rc1\n"), Some((2, 50, 0)));
        assert_eq!(parse_version("git version 3.0\n"), Some((3, 0, 0)));
        assert_eq!(parse_version("gut version 3.0\n"), None);
        assert_eq!(parse_version("git version x\n"), None);
    }

    #[test]
    fn feeds_and_reads_more_than_a_pipe_holds() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let oid = sandbox.oid("work", "HEAD").to_string();
        let input = format!("{oid}\n").repeat(20_000);
        let output = Git::new(&repo).args(["cat-file", "--batch-check"]).stdin(input).run().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout_text().lines().count(), 20_000);
    }

    #[test]
    fn children_know_their_repository_and_nobody_to_ask() {
        let mut sandbox = Sandbox::new();
        sandbox.world.env.insert("GIT_INDEX_FILE".into(), "/nowhere".into());
        sandbox.world.env.insert("SSH_ASKPASS".into(), "/bin/false".into());
        let repo = sandbox.open("work");
        let env = |git: Git<'_>| git.set("alias.env=!env").arg("env").run().unwrap().stdout_text();
        let text = env(Git::new(&repo));
        let has = |line: &str| text.lines().any(|l| l == line);
        assert!(has("LC_ALL=C") && has("GIT_TERMINAL_PROMPT=0") && has("GIT_ASKPASS="), "{text}");
        assert!(has("GIT_SSH_COMMAND=ssh -o BatchMode=yes"), "{text}");
        assert!(!text.contains("GIT_INDEX_FILE") && !text.contains("\nSSH_ASKPASS="), "{text}");
        sandbox.git("work", &["config", "core.sshCommand", "mine"]);
        let repo = sandbox.open("work");
        assert!(!env(Git::new(&repo)).contains("BatchMode"));
        let elsewhere = Git::new(&repo).cwd(sandbox.path("remote.git")).args(["rev-parse", "--git-dir"]);
        assert_eq!(elsewhere.run().unwrap().stdout_text().trim(), ".");
    }

    #[test]
    fn a_missing_git_is_said_plainly() {
        let mut sandbox = Sandbox::new();
        sandbox.world.env.insert("PATH".into(), sandbox.path("remote.git").into());
        let error = Git::version(&sandbox.open("work")).unwrap_err();
        assert!(matches!(error, Error::NoGit), "{error:?}");
    }

    #[test]
    fn what_git_says_cannot_reach_the_terminal() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let mut output = Git::new(&repo).args(["rev-parse", "--verify", "nope"]).run().unwrap();
        assert!(!output.status.success());
        assert_eq!(output.said(), "fatal: Needed a single revision");
        output.stderr = b"remote: \x1b[31mno\x1b[0m\x07\r\nhint: try\n\xe2\x80\xaex\n".to_vec();
        assert_eq!(output.said(), "remote: [31mno[0m\nx");
        output.stderr = Vec::new();
        assert!(output.said().starts_with("git ended with"));
    }
}
