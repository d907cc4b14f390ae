//! The processes of the tour: git, `rel` itself, the shop.
//!
//! Each runs in the environment the tour was started in, less what would lead
//! git or `rel` elsewhere. Nothing is asked of the user: there is nothing to
//! read on standard input.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::exec::Interrupts;
use crate::failure::{Doing, Failure, Kind, Result};
use crate::world::World;

/// What git may still be told: where its programs and its settings are. Any
/// other `GIT_…` variable is about another repository, or another author.
const KEPT: [&str; 4] = ["GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/// How often a child is looked at. Short beside the 10 ms that one takes.
const TICK: Duration = Duration::from_millis(3);

/// How long a child may take to end once the tour was interrupted. On a
/// terminal it was told by the same Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);

/// Starts the tour's processes.
pub struct Children<'a> {
    env: BTreeMap<OsString, OsString>,
    interrupts: &'a Interrupts,
    /// Whether their output is kept from the user.
    hidden: bool,
}

impl<'a> Children<'a> {
    /// Children of this process. With `hidden`, what they say is shown to
    /// nobody unless they fail.
    pub fn new(world: &World, interrupts: &'a Interrupts, hidden: bool) -> Children<'a> {
        let mut env = world.env.clone();
        env.retain(|name, _| {
            let name = name.to_string_lossy();
            let own = name.starts_with("REL_") && name != "REL_COLOR";
            !own && (!name.starts_with("GIT_") || KEPT.contains(&&*name))
        });
        env.insert("GIT_PAGER".into(), "cat".into());
        env.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        // These two beat what the user's settings say of new repositories.
        env.insert("GIT_DEFAULT_HASH".into(), "sha1".into());
        env.insert("GIT_DEFAULT_REF_FORMAT".into(), "files".into());
        Children { env, interrupts, hidden }
    }

    /// The same, without colours.
    #[must_use]
    pub fn plain(mut self) -> Children<'a> {
        let settings = [
            ("REL_COLOR", "never"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "color.ui"),
            ("GIT_CONFIG_VALUE_0", "never"),
        ];
        self.env.extend(settings.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Runs git in `dir` with `more` in its environment, says nothing, and
    /// gives what it printed, trimmed.
    ///
    /// # Errors
    /// It cannot be started, or fails: then with its words.
    pub fn git(&self, dir: &Path, args: &[&str], more: &[(&str, &str)]) -> Result<String> {
        let mut command = self.command("git".as_ref(), dir);
        // The user's hooks are for the user's commits.
        command.args(["-c", "core.hooksPath=/dev/null"]).args(args).envs(more.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output().map_err(|error| cannot_start("git", error))?;
        if self.interrupts.interrupted() {
            return Err(interrupted());
        }
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::failed(format!("git {} failed", args.first().unwrap_or(&"")))
            .because(anyhow::anyhow!("{}: {said}", ending(output.status))))
    }

    /// Runs a program in `dir`; the user sees what it says as it says it.
    ///
    /// # Errors
    /// It cannot be started; the tour was interrupted; it ends with a code
    /// other than `expected`. `typed` names it then.
    pub fn show(
        &self,
        dir: &Path,
        program: &OsStr,
        args: &[String],
        typed: &str,
        expected: i32,
    ) -> Result<()> {
        let mut command = self.command(program, dir);
        command.args(args);
        // A file, which never fills up as a pipe would.
        let mut said = None;
        if self.hidden {
            let file = tempfile::tempfile().doing("no temporary file can be made")?;
            command.stdout(Stdio::null());
            command.stderr(file.try_clone().doing("no temporary file can be made")?);
            said = Some(file);
        }
        let child = command.spawn().map_err(|error| cannot_start(typed, error))?;
        let status = self.wait(child)?;
        if self.interrupts.interrupted() {
            return Err(interrupted());
        }
        if status.code() == Some(expected) {
            return Ok(());
        }
        let failure =
            Failure::failed(format!("the tour stopped at `{typed}`, which ended with {}", ending(status)));
        let mut words = String::new();
        if let Some(mut file) = said
            // What cannot be read is only missed here.
            && file.rewind().and_then(|()| file.read_to_string(&mut words)).is_ok()
            && !words.trim().is_empty()
        {
            return Err(failure.because(anyhow::anyhow!("{}", words.trim())));
        }
        Err(failure)
    }

    fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let mut interrupted_at = None;
        loop {
            if let Some(status) = child.try_wait().doing("lost track of a command of the tour")? {
                return Ok(status);
            }
            if self.interrupts.interrupted() {
                let since = *interrupted_at.get_or_insert_with(Instant::now);
                // It was not yet waited for, so the number is still its own.
                if since.elapsed() > GRACE
                    && let Ok(pid) = i32::try_from(child.id())
                {
                    // One that is gone needs no signal.
                    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                    interrupted_at = Some(Instant::now());
                }
            }
            std::thread::sleep(TICK);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the tour types commands as its user would")]
    fn command(&self, program: &OsStr, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir(dir).stdin(Stdio::null());
        command
    }
}

/// Ctrl-C, as the tour ends over it.
pub fn interrupted() -> Failure {
    Failure::new(Kind::Interrupted, "interrupted; the tour stops here")
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}"))
}

fn cannot_start(what: &str, error: std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound && what == "git" {
        return Failure::failed("git is not installed, or not on PATH");
    }
    Failure::failed(format!("cannot start `{what}`")).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(interrupts: &Interrupts, script: &str, expected: i32) -> Result<()> {
        let children = Children::new(&World::from_process(), interrupts, true);
        children.show(
            Path::new("/"),
            "sh".as_ref(),
            &["-c".to_owned(), script.to_owned()],
            "sh -c …",
            expected,
        )
    }

    #[test]
    fn only_an_expected_ending_goes_on() {
        let interrupts = Interrupts::none();
        assert!(show(&interrupts, "exit 6", 6).is_ok());
        let failure = show(&interrupts, "echo why >&2; exit 6", 0).unwrap_err();
        assert_eq!(failure.kind, Kind::Failed);
        assert!(failure.message.contains("sh -c …"), "{failure}");
        assert_eq!(failure.source.unwrap().to_string(), "why");
        assert!(show(&interrupts, "kill -9 $$", 0).is_err());
    }

    #[test]
    fn an_interruption_counts_whatever_the_command_made_of_it() {
        let interrupts = Interrupts::none();
        interrupts.trigger();
        assert_eq!(show(&interrupts, "exit 0", 0).unwrap_err().kind, Kind::Interrupted);
    }

    #[test]
    fn what_leads_elsewhere_is_not_inherited() {
        let mut world = World::from_process();
        for name in ["GIT_DIR", "GIT_AUTHOR_NAME", "REL_JSON", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL"] {
            world.env.insert(name.into(), "x".into());
        }
        let interrupts = Interrupts::none();
        world.env.insert("REL_COLOR".into(), "always".into());
        let env = Children::new(&world, &interrupts, true).env;
        let has = |name: &str| env.contains_key(OsStr::new(name));
        assert!(has("GIT_CONFIG_GLOBAL") && has("REL_COLOR"));
        for name in ["GIT_DIR", "GIT_AUTHOR_NAME", "REL_JSON", "GIT_CONFIG_COUNT"] {
            assert!(!has(name), "{name}");
        }
    }
}
