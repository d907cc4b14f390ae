//! The ambient world: working directory, environment, clock and terminal are
//! read here and nowhere else.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, Utc};

/// What a run of `rel` may know of its surroundings.
#[derive(Debug, Clone)]
pub struct World {
    /// The working directory the process was started in.
    pub cwd: PathBuf,
    /// The environment variables, as inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// Whether standard input is a terminal: somebody can answer.
    pub stdin_terminal: bool,
    /// Whether standard output is a terminal.
    pub stdout_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_terminal: bool,
}

impl World {
    /// The surroundings of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads them")]
    pub fn from_process() -> World {
        World {
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            env: std::env::vars_os().collect(),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// An environment variable as text; empty and non-UTF-8 ones count as unset.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(OsStr::new(name)).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// The time, to the second: records hold no more.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(0)
    }
}
