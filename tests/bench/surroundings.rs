//! Commands in fixed surroundings: nobody's settings, one name, one language.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rel::world::World;

/// The folder that everything is made in, and the environment of all commands.
pub struct Surroundings {
    root: PathBuf,
    env: BTreeMap<OsString, OsString>,
}

/// What a command that was waited for left behind.
pub struct Said {
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Surroundings {
    /// Those of this folder, which is made if need be.
    #[expect(clippy::disallowed_methods, reason = "where git is is the one thing taken from outside")]
    pub fn of(root: &Path) -> Surroundings {
        let home = root.join("home");
        fs::create_dir_all(&home).expect("a folder under target/");
        let config = "[user]\n\tname = ana\n\temail = ana@example.com\n[init]\n\tdefaultBranch = main\n\
                      [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";
        fs::write(home.join(".gitconfig"), config).expect("a file under target/");
        let env: [(&str, OsString); 5] = [
            ("PATH", std::env::var_os("PATH").expect("PATH is set")),
            ("HOME", home.into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("LC_ALL", "C".into()),
            ("TZ", "UTC".into()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Surroundings { root: root.to_owned(), env }
    }

    /// A path inside the folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The same surroundings, as the library is told of them.
    pub fn world(&self) -> World {
        World {
            cwd: self.root.clone(),
            env: self.env.clone(),
            stdin_terminal: false,
            stdout_terminal: false,
            stderr_terminal: false,
        }
    }

    /// A command in this folder.
    #[expect(clippy::disallowed_methods, reason = "the one place where the bench starts processes")]
    pub fn command(&self, program: impl AsRef<OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir(dir).stdin(Stdio::null());
        command
    }

    /// `git` with these words.
    pub fn git(&self, dir: &Path, words: &[&str]) -> Command {
        let mut command = self.command("git", dir);
        command.args(words);
        command
    }

    /// `rel` with these words: the binary of this very build.
    pub fn rel(&self, dir: &Path, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_rel"), dir);
        command.args(words);
        command
    }

    /// What git prints, without the last newline. It must succeed.
    pub fn ask_git(&self, dir: &Path, words: &[&str]) -> String {
        let said = say(self.git(dir, words));
        assert_eq!(said.code, Some(0), "git {words:?}: {}", said.stderr);
        said.stdout.trim_end_matches('\n').to_owned()
    }

    /// Lets git read this text. It must succeed.
    pub fn tell_git(&self, dir: &Path, words: &[&str], text: &str) {
        fed(self.git(dir, words), text);
    }
}

/// What a command prints that reads this text, without the last newline. It must succeed.
pub fn fed(mut command: Command, text: &str) -> String {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut running = piped.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    running.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = running.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
}

/// Runs a command to its end.
pub fn say(mut command: Command) -> Said {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
