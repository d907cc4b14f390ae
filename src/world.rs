//! The ambient world: working directory, environment, clock and terminal are
//! read here and nowhere else.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, Utc};

use crate::domain::name::Actor;
use crate::failpoint;

/// The variables that `rel` reads and no flag says, with what they mean to
/// whoever looks them up.
pub const VARIABLES: [(&str, &str); 7] = [
    (
        "REL_PUBLISH_TIMEOUT",
        "how many seconds to go on trying to publish an outcome; 60 by default. After that the exit code is 8, and rel sync publishes it",
    ),
    (
        "REL_GIT_TIMEOUT",
        "how many seconds git may be silent while it talks to a remote and nobody is at a terminal; 600 by default. After that it is ended, with what it waits for",
    ),
    ("REL_ON_BEHALF_OF", "Name <email> of whoever asked for this run; their approval does not count either"),
    ("REL_RUN_URL", "the address of this run, for the record"),
    ("NO_COLOR", "where it is set and not empty, no colour, unless --color always asks for it"),
    ("CLICOLOR", "where it is 0, the same"),
    ("CLICOLOR_FORCE", "where it is set and not 0, colour into pipes and files as well; NO_COLOR beats it"),
];

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

    /// The name of this machine.
    pub fn host(&self) -> Option<String> {
        nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok())
    }

    /// In CI: the address of the run, without who logs in there. `REL_RUN_URL`
    /// says it for any system.
    pub fn run_url(&self) -> Option<String> {
        let github = || {
            let (server, repository, run) =
                (self.var("GITHUB_SERVER_URL")?, self.var("GITHUB_REPOSITORY")?, self.var("GITHUB_RUN_ID")?);
            Some(format!("{server}/{repository}/actions/runs/{run}"))
        };
        let known = ["REL_RUN_URL", "CI_JOB_URL", "BUILDKITE_BUILD_URL", "BUILD_URL"];
        let url = known.iter().find_map(|name| self.var(name)).map(str::to_owned).or_else(github)?;
        Some(without_login(&url))
    }

    /// In CI: whoever started the run. `REL_ON_BEHALF_OF`, as
    /// `Name <email>`, says it for any system.
    pub fn on_behalf_of(&self) -> Option<Actor> {
        let pair = |name: &str, email: &str| Some(Actor::new(self.var(name)?, self.var(email)?));
        let github = || {
            let login = self.var("GITHUB_TRIGGERING_ACTOR").or_else(|| self.var("GITHUB_ACTOR"))?;
            Some(Actor::new(login, &format!("{login}@users.noreply.github.com")))
        };
        self.var("REL_ON_BEHALF_OF")
            .and_then(|text| text.parse().ok())
            .or_else(|| pair("GITLAB_USER_NAME", "GITLAB_USER_EMAIL"))
            .or_else(|| pair("BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_CREATOR_EMAIL"))
            .or_else(|| pair("BUILD_USER", "BUILD_USER_EMAIL"))
            .or_else(github)
    }

    /// The time, to the second: records hold no more.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        failpoint::clock(Utc::now().trunc_subsecs(0))
    }
}

/// An address without the user and the password before its host.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let place = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..place].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// Thirty-two random hexadecimal digits: no two objects that carry one are equal.
pub fn fresh_nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_run_says_nothing_of_who_logs_in() {
        for (url, kept) in [
            ("https://ci.example/run/1", "https://ci.example/run/1"),
            ("https://ana:s3cr3t@ci.example:8443/run/1?x=a@b", "https://ci.example:8443/run/1?x=a@b"),
            ("https://token@ci.example", "https://ci.example"),
            ("https://a@b:p@ss@ci.example/", "https://ci.example/"),
            ("https://ci.example/@ana", "https://ci.example/@ana"),
            ("run 12", "run 12"),
        ] {
            assert_eq!(without_login(url), kept);
        }
    }
}
