//! What a project asks for in its `release.toml`, as plain values.
//!
//! Every value here is effective: what the file leaves out has its default
//! already. Reading the file, and pointing at what is wrong in it, is done a
//! floor above; these types know nothing of TOML's syntax. Serialised, they
//! have the shape of the file and its notation, so that what is shown can be
//! read back.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{NaiveDateTime, Weekday};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::name::{EnvName, ProjectName};
pub use super::version::{Bump, CalverFormat, CandidateMark, Notation, Scheme};
use super::zone::Zone;

/// One project: what is built and deployed together, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Names and whereabouts.
    pub project: ProjectConfig,
    /// How versions are counted and tagged.
    pub version: VersionConfig,
    /// How artifacts are built; `None` is a candidate without artifacts.
    pub build: Option<BuildConfig>,
    /// Where artifacts are kept.
    pub artifacts: ArtifactsConfig,
    /// Where candidates go, in the order of the file. Names are unique, every
    /// name in `after` is one of them, and `after` has no cycle.
    #[serde(serialize_with = "by_env_name")]
    pub environments: Vec<Environment>,
    /// How often commands are tried.
    pub retry: RetryConfig,
    /// Commands that hear of events.
    pub hooks: HooksConfig,
    /// What becomes of the output of commands.
    pub output: OutputConfig,
}

/// `[project]`: names and whereabouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectConfig {
    /// Names the project's refs.
    pub name: ProjectName,
    /// The branch releases are cut from, without `refs/heads/`. Default `main`.
    pub trunk: String,
    /// The authority; empty when this repository is itself. Default `origin`.
    pub remote: String,
    /// What counts as this project's change, in gitignore's notation; empty is everything.
    pub paths: Vec<String>,
    /// The oldest version of `rel` that may read the file, as it is written; `None` if any may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<String>,
}

/// `[version]`: how versions are counted and tagged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionConfig {
    /// The numbering. Default `semver`.
    pub scheme: Scheme,
    /// Which part a cut raises, under `semver`. Default `conventional`.
    pub bump: Bump,
    /// How versions are written, under `calver`. Default `YYYY.MM.MICRO`.
    pub format: CalverFormat,
    /// How a candidate is spelled after its release. Default `-rc.{n}`.
    pub candidate: CandidateMark,
    /// What the team puts before the type of a commit, `{n}` for a number: `JIRA-{n}: `.
    pub prefixes: Vec<String>,
    /// A tag's name around `{version}`, which stands in it exactly once;
    /// `{project}` may too. Default `v{version}`.
    pub tag: String,
    /// Whether tags are signed as `git tag -s` would. Default no.
    pub sign: bool,
}

impl VersionConfig {
    /// How versions are written.
    pub fn notation(&self) -> Notation {
        Notation { scheme: self.scheme, format: self.format.clone(), mark: self.candidate.clone() }
    }
}

/// `[build]`: how artifacts are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildConfig {
    /// What makes them; without it they are taken from the checkout as it is.
    pub command: Option<Command>,
    /// Patterns of the files to record, from the top of the checkout.
    pub artifacts: Vec<String>,
    /// How long the command may take. Default 30 min.
    #[serde(serialize_with = "as_duration")]
    pub timeout: Duration,
}

/// `[artifacts]`: where artifacts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArtifactsConfig {
    /// `git`, or a URL: `file:///dir`, `s3://`, `gs://`, `az://`, `oci://`. Default `git`.
    pub store: String,
    /// The largest artifact the git store takes, in bytes. Default 95 MiB.
    #[serde(serialize_with = "as_size")]
    pub max_size: u64,
}

/// Somebody's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// Run by `sh -c`. Never blank, and without NUL.
    Shell(#[schemars(length(min = 1))] String),
    /// Run as it is. Has at least a non-empty program, and no NUL.
    Argv(#[schemars(length(min = 1))] Vec<String>),
}

impl fmt::Display for Command {
    /// For people: the shell text, or the words with a space between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Shell(text) => f.write_str(text),
            Command::Argv(words) => f.write_str(&words.join(" ")),
        }
    }
}

/// `[environments.NAME]`: somewhere a candidate can be live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Its name.
    #[serde(skip)]
    pub name: EnvName,
    /// Earlier names, whose chains it continues. No other environment has or had them.
    pub formerly: Vec<EnvName>,
    /// Where a candidate must have succeeded first.
    pub after: Vec<EnvName>,
    /// How long it must have stood there; none asks nothing.
    #[serde(serialize_with = "as_duration_if_any")]
    pub soak: Option<Duration>,
    /// How many people must have approved. Default 0.
    pub approvals: u32,
    /// Whether only signed approvals count. Default no.
    pub approvals_signed: bool,
    /// The file on trunk that says whose signature is whose; see
    /// [`Environment::ALLOWED_SIGNERS`] where it does not say.
    pub allowed_signers: Option<String>,
    /// Whether every commit's author has to agree.
    pub signoff: Option<Signoff>,
    /// Who may deploy: patterns over e-mail addresses; empty is anybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deployers: Vec<String>,
    /// When nothing may be deployed.
    pub freeze: Vec<Freeze>,
    /// What is asked on a terminal. Default yes or no.
    pub confirm: Confirm,
    /// Makes a candidate live; without one, deployments here are only recorded.
    pub deploy: Option<Command>,
    /// Says whether it works.
    pub verify: Option<Command>,
    /// Makes an earlier candidate live again; without one, `deploy` does.
    pub rollback: Option<Command>,
    /// How long each command may take. Default 10 min.
    #[serde(serialize_with = "as_duration")]
    pub timeout: Duration,
    /// Between asking a command to end and ending it. Default 5 s.
    #[serde(serialize_with = "as_duration")]
    pub grace: Duration,
    /// What follows a failure. Default stop.
    pub on_failure: OnFailure,
    /// As the file says; see [`Environment::lost_fix`] for what counts.
    pub lost_fix: Option<LostFix>,
    /// Whether success here closes the release. Default no.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Whether every new candidate goes here once built. Default no.
    pub auto_deploy: bool,
    /// Whose commands run. Default the candidate's.
    pub commands: CommandsFrom,
    /// Whether a rollback from a success keeps the environment closed. Default yes.
    pub hold_after_rollback: bool,
    /// Each command runs once per target; empty is once.
    pub targets: Vec<String>,
    /// How many targets at a time. At least 1. Default 1.
    pub max_parallel: u32,
    /// Steps of a rollout, in order; empty is all at once.
    pub phases: Vec<Phase>,
    /// Values commands receive, in the order of the file.
    #[serde(serialize_with = "by_param_name")]
    pub params: Vec<Param>,
}

impl Environment {
    /// How long commands run when the file does not say.
    pub const TIMEOUT: Duration = Duration::from_secs(10 * 60);
    /// The grace when the file does not say.
    pub const GRACE: Duration = Duration::from_secs(5);
    /// Where trunk's allowed signers are looked for when the file does not say.
    pub const ALLOWED_SIGNERS: [&str; 3] = [".allowed_signers", "allowed_signers", ".github/allowed_signers"];

    /// An environment that says nothing: every default.
    pub fn new(name: EnvName) -> Environment {
        Environment {
            name,
            formerly: Vec::new(),
            after: Vec::new(),
            soak: None,
            approvals: 0,
            approvals_signed: false,
            allowed_signers: None,
            signoff: None,
            deployers: Vec::new(),
            freeze: Vec::new(),
            confirm: Confirm::Yes,
            deploy: None,
            verify: None,
            rollback: None,
            timeout: Environment::TIMEOUT,
            grace: Environment::GRACE,
            on_failure: OnFailure::Stop,
            lost_fix: None,
            is_final: false,
            auto_deploy: false,
            commands: CommandsFrom::Candidate,
            hold_after_rollback: true,
            targets: Vec::new(),
            max_parallel: 1,
            phases: Vec::new(),
            params: Vec::new(),
        }
    }

    /// What a lost fix means here: as the file says, else `refuse` where final
    /// and `warn` elsewhere.
    pub fn lost_fix(&self) -> LostFix {
        self.lost_fix.unwrap_or(if self.is_final { LostFix::Refuse } else { LostFix::Warn })
    }

    /// This environment's policy with the commands of `other`: `deploy`,
    /// `verify`, `rollback`, `phases` and `params`.
    #[must_use]
    pub fn with_commands_of(&self, other: &Environment) -> Environment {
        Environment {
            deploy: other.deploy.clone(),
            verify: other.verify.clone(),
            rollback: other.rollback.clone(),
            phases: other.phases.clone(),
            params: other.params.clone(),
            ..self.clone()
        }
    }

    /// Whether `other` would run the same commands.
    pub fn same_commands(&self, other: &Environment) -> bool {
        *self == self.with_commands_of(other)
    }
}

/// Who has to agree before a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signoff {
    /// The author of every commit it brings.
    Authors,
}

/// What a person answers on a terminal before a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Yes or no.
    Yes,
    /// The environment's name, typed.
    Name,
}

/// What follows a failed deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Nothing: a person decides.
    Stop,
    /// An automatic rollback.
    Rollback,
}

/// What the gate `lost-fix` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LostFix {
    /// Refuses.
    Refuse,
    /// Warns.
    Warn,
    /// Says nothing.
    Off,
}

/// Whose `release.toml` the commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommandsFrom {
    /// The candidate's: what was tested is what runs.
    Candidate,
    /// Trunk's.
    Trunk,
}

/// A time in which nothing may be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freeze {
    /// When, as clocks in `tz` show it.
    #[serde(flatten)]
    pub when: FreezeWhen,
    /// Whose clocks. Default UTC.
    pub tz: Zone,
    /// Why, for whoever is refused.
    pub reason: Option<String>,
}

/// When a freeze holds, in local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FreezeWhen {
    /// Once: from `from`, until before `to`. `from` is earlier than `to`.
    Once {
        /// Its first moment.
        from: NaiveDateTime,
        /// The first moment after it.
        to: NaiveDateTime,
    },
    /// On days of the week, from `from` until before `to`. A `to` at or before
    /// `from` is on the following day; the two are never equal.
    Weekly {
        /// The days it begins on; never empty. Default every day.
        #[serde(serialize_with = "as_days")]
        days: Vec<Weekday>,
        /// When it begins. Default `00:00`.
        from: DayTime,
        /// When it ends. Default `24:00`.
        to: DayTime,
    },
}

/// A time of day to the minute, up to and including `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayTime(u16);

impl DayTime {
    /// The day's first moment.
    pub const START: DayTime = DayTime(0);
    /// The next day's first moment.
    pub const END: DayTime = DayTime(24 * 60);

    /// Minutes since midnight, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for DayTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl FromStr for DayTime {
    type Err = BadNotation;
    fn from_str(text: &str) -> Result<Self, BadNotation> {
        let two = |part: &str| (part.len() == 2).then(|| digits(part)).flatten();
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)))
            .filter(|&(hours, minutes)| minutes < 60 && hours * 60 + minutes <= 24 * 60)
            .and_then(|(hours, minutes)| u16::try_from(hours * 60 + minutes).ok())
            .map(DayTime)
            .ok_or_else(|| BadNotation(format!("{text:?} is not a time of day; one is written 16:00")))
    }
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// Its name, unique in the environment; commands get it as `REL_PHASE`.
    pub name: String,
    /// What it runs; without one, the environment's `deploy`.
    pub deploy: Option<Command>,
    /// What is repeated until the wait is over; without one, the environment's `verify`.
    pub verify: Option<Command>,
    /// How long it is watched. Default 0.
    #[serde(serialize_with = "as_duration")]
    pub wait: Duration,
}

/// A value commands receive as an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Param {
    /// The variable: `[A-Z_][A-Z0-9_]*`, never one of `rel`'s own.
    #[serde(skip)]
    pub name: String,
    /// The value when none is given. A secret never has one.
    pub default: Option<String>,
    /// Whether the value is kept out of output, logs and records. Default no.
    pub secret: bool,
    /// The caller's variable it is read from.
    pub from_env: Option<String>,
}

/// `[retry]`: how often deploy and verify commands are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetryConfig {
    /// At least 1. Default 1.
    pub attempts: u32,
    /// Between attempts. Default 5 s.
    #[serde(serialize_with = "as_duration")]
    pub backoff: Duration,
}

/// `[hooks]`: commands that hear of events. Those before an event can refuse it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HooksConfig {
    /// Before a cut reserves its number.
    pub before_cut: Option<Command>,
    /// After a candidate was minted.
    pub after_cut: Option<Command>,
    /// Before a deployment's intent.
    pub before_deploy: Option<Command>,
    /// After a deployment succeeded.
    pub after_deploy: Option<Command>,
    /// After a deployment failed.
    pub after_failure: Option<Command>,
    /// After a rollback.
    pub after_rollback: Option<Command>,
    /// How long each may take. Default 1 min.
    #[serde(serialize_with = "as_duration")]
    pub timeout: Duration,
}

/// `[output]`: what becomes of the output of commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputConfig {
    /// Default `local`.
    pub publish: Publish,
}

/// Who gets to read what commands printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Publish {
    /// This machine.
    Local,
    /// Every clone: a ref per deployment.
    Git,
}

impl Config {
    /// A project that says nothing but its name: every default.
    pub fn new(name: ProjectName) -> Config {
        Config {
            project: ProjectConfig {
                name,
                trunk: "main".to_owned(),
                remote: "origin".to_owned(),
                paths: Vec::new(),
                requires: None,
            },
            version: VersionConfig {
                scheme: Scheme::Semver,
                bump: Bump::Conventional,
                format: CalverFormat::default(),
                candidate: CandidateMark::default(),
                prefixes: Vec::new(),
                tag: "v{version}".to_owned(),
                sign: false,
            },
            build: None,
            artifacts: ArtifactsConfig { store: "git".to_owned(), max_size: 95 << 20 },
            environments: Vec::new(),
            retry: RetryConfig { attempts: 1, backoff: Duration::from_secs(5) },
            hooks: HooksConfig {
                before_cut: None,
                after_cut: None,
                before_deploy: None,
                after_deploy: None,
                after_failure: None,
                after_rollback: None,
                timeout: Duration::from_secs(60),
            },
            output: OutputConfig { publish: Publish::Local },
        }
    }

    /// The environment of this name.
    pub fn environment(&self, name: &EnvName) -> Option<&Environment> {
        self.environments.iter().find(|env| env.name == *name)
    }

    /// What this configuration, perhaps an older one, has for `env`: by its
    /// name, else by the latest of its former names that is known here.
    pub fn counterpart(&self, env: &Environment) -> Option<&Environment> {
        self.environment(&env.name)
            .or_else(|| env.formerly.iter().rev().find_map(|name| self.environment(name)))
    }

    /// The environments whose success closes a release, in the order of the file.
    pub fn final_environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.iter().filter(|env| env.is_final)
    }

    /// The environments a candidate passes on its way to `name`, that one
    /// last: each stands behind all it comes `after`, else in the order of
    /// the file. Empty if there is no such environment.
    pub fn path_to(&self, name: &EnvName) -> Vec<&Environment> {
        let mut needed = BTreeSet::new();
        let mut open = vec![name];
        while let Some(next) = open.pop() {
            if let Some(env) = self.environment(next)
                && needed.insert(&env.name)
            {
                open.extend(&env.after);
            }
        }
        let mut path: Vec<&Environment> = Vec::with_capacity(needed.len());
        // One at a time, so that a hand-made cycle ends in a short path and not in a loop.
        while let Some(next) = self
            .environments
            .iter()
            .find(|env| needed.contains(&env.name) && env.after.iter().all(|name| !needed.contains(name)))
        {
            needed.remove(&next.name);
            path.push(next);
        }
        path
    }
}

/// Why a text is not the duration, size or time it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadNotation(pub String);

impl fmt::Display for BadNotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadNotation {}

/// Units of time, smallest first, in seconds.
const TIME: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// The longest duration: ten years, so that adding one to a date cannot overflow.
const LONGEST_DAYS: u64 = 3650;

/// Units of size, smallest first, in bytes.
const SIZE: [(&str, u64); 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Reads a duration: digits and one of `s`, `m`, `h`, `d`; at most 3650 days.
pub fn parse_duration(text: &str) -> Result<Duration, BadNotation> {
    counted(text, &TIME)
        .filter(|&seconds| seconds <= LONGEST_DAYS * 86_400)
        .map(Duration::from_secs)
        .ok_or_else(|| {
            BadNotation(format!(
                "{text:?} is not a duration; one is written 90s, 30m, 2h or 1d, up to {LONGEST_DAYS}d"
            ))
        })
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that
/// is exact. Fractions of a second are dropped.
pub fn duration_text(duration: Duration) -> String {
    in_largest_unit(duration.as_secs(), &TIME)
}

/// Reads a size: digits and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`. In bytes.
pub fn parse_size(text: &str) -> Result<u64, BadNotation> {
    // A TOML integer ends at 2^63, and so does a file.
    counted(text, &SIZE).filter(|&bytes| i64::try_from(bytes).is_ok()).ok_or_else(|| {
        BadNotation(format!("{text:?} is not a size; one is written 95MiB, in B, KiB, MiB, GiB or TiB"))
    })
}

/// Writes a size as [`parse_size`] reads it, in the largest unit that is exact.
pub fn size_text(bytes: u64) -> String {
    in_largest_unit(bytes, &SIZE)
}

/// Digits only, where `u64`'s own parser would take a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `<digits><unit>`, multiplied.
fn counted(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(end);
    let &(_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits(count)?.checked_mul(factor)
}

fn in_largest_unit(count: u64, units: &[(&str, u64)]) -> String {
    let exact = |&&(_, factor): &&(&str, u64)| factor == 1 || (count != 0 && count.is_multiple_of(factor));
    let (name, factor) = units.iter().rev().find(exact).unwrap_or(&units[0]);
    format!("{}{name}", count / factor)
}

fn as_duration<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&duration_text(*duration))
}

fn as_duration_if_any<S: Serializer>(duration: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
    duration.map(duration_text).serialize(s)
}

fn as_size<S: Serializer>(bytes: &u64, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&size_text(*bytes))
}

fn as_days<S: Serializer>(days: &[Weekday], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(days.iter().map(|day| day.to_string().to_lowercase()))
}

fn by_env_name<S: Serializer>(environments: &[Environment], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(environments.iter().map(|env| (&env.name, env)))
}

fn by_param_name<S: Serializer>(params: &[Param], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(params.iter().map(|param| (&param.name, param)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env(name: &str, after: &[&str]) -> Environment {
        Environment {
            after: after.iter().map(|name| name.parse().unwrap()).collect(),
            ..Environment::new(name.parse().unwrap())
        }
    }

    fn config(environments: Vec<Environment>) -> Config {
        Config { environments, ..Config::new("shop".parse().unwrap()) }
    }

    fn path(config: &Config, to: &str) -> Vec<String> {
        config.path_to(&to.parse().unwrap()).iter().map(|env| env.name.to_string()).collect()
    }

    #[test]
    fn the_path_passes_each_upstream_once_and_in_order() {
        let config = config(vec![
            env("prod", &["us", "eu"]),
            env("eu", &["staging"]),
            env("us", &["staging"]),
            env("staging", &[]),
            env("lab", &["staging"]),
        ]);
        assert_eq!(path(&config, "prod"), ["staging", "eu", "us", "prod"]);
        assert_eq!(path(&config, "lab"), ["staging", "lab"]);
        assert_eq!(path(&config, "staging"), ["staging"]);
        assert!(path(&config, "nowhere").is_empty());
    }

    #[test]
    fn a_cycle_made_by_hand_ends_the_path() {
        let config = config(vec![env("a", &["b"]), env("b", &["a"]), env("c", &[])]);
        assert!(path(&config, "a").is_empty());
        assert_eq!(path(&config, "c"), ["c"]);
    }

    #[test]
    fn a_lost_fix_is_refused_where_final_unless_told_otherwise() {
        let mut prod = env("prod", &[]);
        assert_eq!(prod.lost_fix(), LostFix::Warn);
        prod.is_final = true;
        assert_eq!(prod.lost_fix(), LostFix::Refuse);
        prod.lost_fix = Some(LostFix::Off);
        assert_eq!(prod.lost_fix(), LostFix::Off);
    }

    #[test]
    fn commands_are_taken_and_policy_is_kept() {
        let mut trunk = env("prod", &["staging"]);
        trunk.approvals = 2;
        let mut candidate = env("prod", &[]);
        candidate.deploy = Some(Command::Shell("./old.sh".into()));
        assert!(!trunk.same_commands(&candidate));
        let both = trunk.with_commands_of(&candidate);
        assert_eq!((both.approvals, both.after.len()), (2, 1));
        assert_eq!(both.deploy, candidate.deploy);
        assert!(both.same_commands(&candidate));
    }

    #[test]
    fn a_renamed_environment_is_found_under_its_old_name() {
        let old = config(vec![env("live", &[]), env("older", &[])]);
        let mut prod = env("prod", &[]);
        assert!(old.counterpart(&prod).is_none());
        prod.formerly = vec!["older".parse().unwrap(), "live".parse().unwrap()];
        assert_eq!(old.counterpart(&prod).unwrap().name.as_str(), "live");
    }

    #[test]
    fn durations_and_sizes_are_read_strictly() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1d"), Ok(Duration::from_secs(86_400)));
        for bad in ["", "s", "10", "1.5h", "-1s", "+1s", " 1s", "1 s", "1S", "1w", "1h30m", "3651d", "１s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert!(parse_duration("99999999999999999999d").is_err());
        assert_eq!(parse_size("95MiB"), Ok(95 * 1024 * 1024));
        for bad in ["", "95", "MiB", "95mib", "1.5GiB", "95 MiB", "99999999TiB", "9MB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        for bad in ["", "1:00", "24:01", "12:60", "+1:00", "12", "12:000"] {
            assert!(bad.parse::<DayTime>().is_err(), "{bad}");
        }
        assert_eq!("24:00".parse(), Ok(DayTime::END));
    }

    proptest! {
        #[test]
        fn durations_print_as_they_are_read(seconds in 0..=LONGEST_DAYS * 86_400) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&duration_text(duration)), Ok(duration));
        }

        #[test]
        fn sizes_print_as_they_are_read(bytes in 0..=u64::MAX / 2) {
            prop_assert_eq!(parse_size(&size_text(bytes)), Ok(bytes));
        }

        #[test]
        fn times_of_day_print_as_they_are_read(minutes in 0..=1440u16) {
            prop_assert_eq!(DayTime(minutes).to_string().parse(), Ok(DayTime(minutes)));
        }
    }
}
