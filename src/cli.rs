//! The command line as types. Parses, and does nothing else.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::domain::env::Progress;
use crate::domain::gate::Gate;
use crate::domain::name::{DeploymentId, EnvName, PrintedBy, ProjectName};
use crate::domain::version::Bump;

/// Two-step delivery from Git alone.
///
/// Cut a trunk commit into a release candidate and build it once; deploy those
/// same bytes to any environment; pick fixes onto the release; roll back to
/// bytes that already exist. Everything is kept in git: candidates are
/// annotated tags, deployments are notes.
#[derive(Debug, Parser)]
#[command(name = "rel", version, propagate_version = false, infer_long_args = false)]
#[command(after_help = "Try it on a throw-away repository:\n  rel demo\n\nStart in your own:\n  rel init")]
pub struct Cli {
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that hold for every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Use FILE where trunk has no release.toml yet
    #[arg(long, value_name = "FILE", global = true, env = "REL_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// The project, where a repository holds several
    #[arg(short, long, value_name = "NAME", global = true, env = "REL_PROJECT", hide_env = true)]
    pub project: Option<ProjectName>,
    /// Say what would be done, and change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Answer yes to what is asked
    #[arg(short, long, global = true, env = "REL_YES", hide_env = true, value_parser = switch("REL_YES"), action = ArgAction::SetTrue)]
    pub yes: bool,
    /// Print one JSON document on stdout
    #[arg(long, global = true, env = "REL_JSON", hide_env = true, value_parser = switch("REL_JSON"), action = ArgAction::SetTrue)]
    pub json: bool,
    /// Use what this clone has; do not ask the remote
    #[arg(long, global = true, env = "REL_OFFLINE", hide_env = true, value_parser = switch("REL_OFFLINE"), action = ArgAction::SetTrue)]
    pub offline: bool,
    /// Say only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        global = true,
        env = "REL_COLOR",
        hide_env = true
    )]
    pub color: Color,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Write release.toml for this repository
    Init(Init),
    /// Take a guided tour on a throw-away repository
    Demo(Demo),
    /// Cut a trunk commit into a release candidate and build it once
    Cut(Cut),
    /// Pick fixes onto a release as its next candidate
    CherryPick(CherryPick),
    /// Deploy a candidate's recorded artifacts to an environment
    #[command(visible_alias = "promote")]
    Deploy(Deploy),
    /// Go back to what was live before, without a build
    Rollback(Rollback),
    /// Cut and deploy as one step
    Ship(Ship),
    /// Show what is live where, and what comes next
    Status(Status),
    /// List releases and their candidates, newest first
    List(List),
    /// List deployments, newest first
    Log(Log),
    /// Show a candidate: artifacts, picks, changes, deployments
    Show(Show),
    /// List the commits between two revisions
    Diff(Diff),
    /// Show which candidates and environments contain a commit, and how
    Where(Where),
    /// Tell what a release brings since the last one that was released
    Changelog(Changelog),
    /// Approve a candidate for an environment, or commits of your own
    Approve(Approve),
    /// Keep a candidate or a release from being deployed
    Block(Block),
    /// Let a blocked candidate or release be deployed again
    Unblock(Block),
    /// Settle a fix for good: it is meant to be missing, or is on trunk in another form
    Waive(Waive),
    /// Hold an environment closed
    Lock(Lock),
    /// Open a held environment
    Unlock(Unlock),
    /// Write down what another system deployed
    Record(Record),
    /// Settle a deployment whose outcome is unknown
    Resolve(Resolve),
    /// Publish what an earlier run could not, and fetch what others did
    #[command(
        after_help = "Examples:\n  rel sync           after an exit 8, or a run that was killed\n  rel sync --stop    the last step of a CI job: nothing of it goes on"
    )]
    Sync(Sync),
    /// Check git, this clone and the remote, and say what to do
    #[command(
        after_help = "Examples:\n  rel doctor\n  rel doctor --offline    without asking the remote\n  rel doctor --dry-run    without trying to push"
    )]
    Doctor,
    /// Check history, tags and artifacts against what was recorded
    Fsck(Fsck),
    /// Check or show the configuration
    Config(ConfigArgs),
    /// Print what makes a shell complete rel's command lines
    Completions(Completions),
    /// Print the manual page of rel, or of a verb
    Man(Man),
}

/// `rel init`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel init          ask, then write release.toml\n  rel init --yes    take what was detected"
)]
pub struct Init {}

/// `rel demo`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel demo              in a new folder under the temporary folder\n  rel demo play/shop    in play/shop, which must not exist or be empty"
)]
pub struct Demo {
    /// Where to build the playground; must not exist or be empty
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `rel cut`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel cut                     trunk's tip\n  rel cut 9f2c1ab             that commit, which must be on trunk\n  rel cut --version 2.0.0     under a version of your choice\n  rel cut --release 1.5.0     the next candidate of an open release"
)]
pub struct Cut {
    /// The commit; trunk's tip by default
    #[arg(value_name = "REV")]
    pub rev: Option<String>,
    /// Build anew although the commit has a candidate
    #[arg(long)]
    pub again: bool,
    /// Open the release under this version
    #[arg(long, value_name = "X", conflicts_with_all = ["bump", "release"])]
    pub version: Option<String>,
    /// What the next version raises
    #[arg(long, value_name = "PART", conflicts_with = "release", value_parser = bump)]
    pub bump: Option<Bump>,
    /// The next candidate of this open release
    #[arg(long, value_name = "X")]
    pub release: Option<String>,
    /// Do nothing where nothing of this project changed
    #[arg(long)]
    pub if_changed: bool,
    /// Do not deploy to environments with auto_deploy
    #[arg(long)]
    pub no_deploy: bool,
}

/// `rel cherry-pick`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel cherry-pick 77e02c4                 onto the newest release\n  rel cherry-pick 77e02c4 --onto 1.5.0    onto that release's newest candidate\n  rel cherry-pick 77e02c4 --onto prod     onto what is live there\n  rel cherry-pick 77e02c4 --since 1.4.0   onto that release and every later one\n  rel cherry-pick --continue              once a conflict is resolved"
)]
pub struct CherryPick {
    /// The commits, in the order to apply them; A..B for what B has and A has not
    #[arg(value_name = "COMMIT", required_unless_present_any = ["resume", "abort"])]
    pub commits: Vec<String>,
    /// A release, a candidate or an environment; may be given several times
    #[arg(long, value_name = "TARGET")]
    pub onto: Vec<String>,
    /// This release and every later one
    #[arg(long, value_name = "RELEASE", conflicts_with = "onto")]
    pub since: Option<String>,
    /// Which parent of a merge commit is its mainline
    #[arg(short, value_name = "N")]
    pub mainline: Option<u32>,
    /// Make those that apply, and leave the others to be finished one by one
    #[arg(long)]
    pub skip_conflicts: bool,
    /// Go on with a pick whose conflict is resolved
    #[arg(long = "continue", conflicts_with_all = ["commits", "onto", "since", "mainline", "skip_conflicts", "abort", "no_deploy"])]
    pub resume: bool,
    /// Drop a pick that waits for a conflict to be resolved
    #[arg(long, conflicts_with_all = ["commits", "onto", "since", "mainline", "skip_conflicts", "no_deploy"])]
    pub abort: bool,
    /// Do not deploy to environments with auto_deploy
    #[arg(long)]
    pub no_deploy: bool,
}

/// `rel deploy`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel deploy staging                 the newest candidate\n  rel deploy prod                    the newest that passed upstream\n  rel deploy prod v1.6.0-rc.2 --override soak --reason \"hotfix\"\n  rel deploy prod --dry-run          what would be done, and what stands in the way"
)]
pub struct Deploy {
    /// Where
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// What; chosen by the environment's rules by default
    #[arg(value_name = "RC")]
    pub candidate: Option<String>,
    /// Run the deployment although the candidate is live
    #[arg(long)]
    pub redeploy: bool,
    /// Why; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
    /// Pass this gate; recorded with the reason
    #[arg(long = "override", value_name = "GATE", requires = "reason")]
    pub overrides: Vec<Gate>,
    /// Close hold or intent N and deploy, in one step
    #[arg(long, value_name = "N", requires = "reason", value_parser = token)]
    pub take_over: Option<u64>,
    /// Wait for a deployment in flight, at most DUR
    #[arg(long, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "1h", value_parser = duration)]
    pub wait: Option<Duration>,
    /// Whose commands run: trunk, worktree, or a revision
    #[arg(long, value_name = "WHERE")]
    pub commands_from: Option<String>,
    /// A value for a declared parameter; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    pub params: Vec<(String, String)>,
}

/// `rel rollback`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel rollback prod                       one step back\n  rel rollback prod --to v1.5.0-rc.1      exactly there\n  rel rollback prod --from v1.6.0-rc.2    only if that is what is live\n  rel rollback prod --offline --reason \"the host is down\""
)]
pub struct Rollback {
    /// Where
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// Go exactly there
    #[arg(long, value_name = "RC")]
    pub to: Option<String>,
    /// What you believe is live; if it is not, nothing is done
    #[arg(long, value_name = "RC")]
    pub from: Option<String>,
    /// Why; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
    /// Close hold or intent N and roll back, in one step
    #[arg(long, value_name = "N", requires = "reason", value_parser = token)]
    pub take_over: Option<u64>,
    /// A value for a declared parameter, instead of the one it last succeeded with; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    pub params: Vec<(String, String)>,
}

/// `rel ship`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel ship prod             cut trunk's tip and walk it to prod\n  rel ship staging 9f2c1ab"
)]
pub struct Ship {
    /// How far
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// The commit; trunk's tip by default
    #[arg(value_name = "REV")]
    pub rev: Option<String>,
    /// Why; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
    /// Pass this gate; recorded with the reason
    #[arg(long = "override", value_name = "GATE", requires = "reason")]
    pub overrides: Vec<Gate>,
    /// A value for a declared parameter; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = param)]
    pub params: Vec<(String, String)>,
}

/// `rel status`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel status\n  rel status prod --json\n  rel status --oneline --offline     for a shell's prompt\n  rel status --watch                until Ctrl-C\n  rel status --watch=30s            every 30 s"
)]
pub struct Status {
    /// Only this environment, in depth
    #[arg(value_name = "ENV")]
    pub environment: Option<EnvName>,
    /// All of it on one line
    #[arg(long)]
    pub oneline: bool,
    /// Look again and again, every DUR
    #[arg(long, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = interval)]
    pub watch: Option<Interval>,
}

/// `rel list`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  rel list\n  rel list -n 3")]
pub struct List {
    /// At most N releases
    #[arg(short, value_name = "N")]
    pub number: Option<usize>,
}

/// `rel log`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel log prod\n  rel log --state failed --since 7d\n  rel log --by kim --since 2026-11-01 --until 2026-11-30\n  rel log --env staging --env prod -n 100 --format csv\n  rel log --output prod#812     what that deployment printed\n  rel log --output v1.6.0-rc.2  what its build printed, if it failed too"
)]
pub struct Log {
    /// Only this environment
    #[arg(value_name = "ENV")]
    pub environment: Option<EnvName>,
    /// At most N deployments
    #[arg(short, value_name = "N", default_value_t = 15)]
    pub number: usize,
    /// Started at WHEN or later: a day, a time (UTC), or how long ago
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Started at WHEN or earlier; a day counts to its end
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Run by or for WHO: a part of a name or an e-mail
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// In this state; repeat for more
    #[arg(long = "state", value_name = "STATE", value_parser = state())]
    pub states: Vec<Progress>,
    /// Only this environment; repeat for more
    #[arg(long = "env", value_name = "ENV")]
    pub environments: Vec<EnvName>,
    /// A table for people, or CSV with every member of the record
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// What this deployment printed, or the build of the candidate with this tag
    #[arg(
        long,
        value_name = "ID",
        conflicts_with_all = ["environment", "since", "until", "by", "states", "environments", "format"]
    )]
    pub output: Option<PrintedBy>,
    /// Go on as long as that deployment is in flight on this machine
    #[arg(long, requires = "output")]
    pub follow: bool,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Table,
    /// Comma-separated values (RFC 4180) under a header.
    Csv,
}

/// `rel changelog`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel changelog                             the newest candidate's\n  rel changelog prod                        of what is live there\n  rel changelog 1.6.0 --prepend CHANGELOG.md\n  rel changelog --template notes.md.j2"
)]
pub struct Changelog {
    /// The candidate; the newest by default
    #[arg(value_name = "RC")]
    pub candidate: Option<String>,
    /// Write it by this template instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Put it into FILE, above the sections of earlier releases
    #[arg(long, value_name = "FILE")]
    pub prepend: Option<PathBuf>,
}

/// `rel show`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel show v1.5.0-rc.2\n  rel show prod                          what is live there\n  rel show 1.5.0-rc.2 --provenance"
)]
pub struct Show {
    /// A candidate, an environment for what is live there, or a commit
    #[arg(value_name = "RC")]
    pub candidate: String,
    /// Print the in-toto provenance statement
    #[arg(long)]
    pub provenance: bool,
}

/// `rel diff`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Each is a candidate, an environment (prod, prod@{1}, prod@{2026-11-01}), a\nrelease, trunk, or any revision of git's.\n\nExamples:\n  rel diff prod                    what trunk has and prod lacks\n  rel diff prod v1.6.0-rc.2        what that candidate would bring\n  rel diff prod@{1} prod           what the last deployment brought\n  rel diff v1.5.0 trunk --stat --path 'web/'"
)]
pub struct Diff {
    /// From here
    #[arg(value_name = "A")]
    pub from: String,
    /// To here; trunk's tip by default
    #[arg(value_name = "B")]
    pub to: Option<String>,
    /// List at most N commits of each
    #[arg(short, value_name = "N")]
    pub number: Option<usize>,
    /// Count changed lines, file by file
    #[arg(long)]
    pub stat: bool,
    /// Only what touches these paths, written as in .gitignore
    #[arg(long, value_name = "PATTERN")]
    pub path: Vec<String>,
}

/// `rel where`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel where 77e02c4\n  rel where HEAD~3 topic       several at once\n  rel where 77e02c4 --json"
)]
pub struct Where {
    /// Commits, or whatever names one: a branch, a candidate, an environment
    #[arg(value_name = "COMMIT", required = true)]
    pub commits: Vec<String>,
}

/// `rel approve`
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "rel approve [OPTIONS] <RC> <ENV>\n       rel approve [OPTIONS] --commit <COMMIT>...",
    after_help = "Examples:\n  rel approve v1.6.0-rc.2 prod\n  rel approve v1.6.0-rc.2 prod --withdraw\n  rel approve --commit 8c1d0e2                 one of your own commits\n  rel approve --commit prod..v1.6.0-rc.2       all of your own in there"
)]
pub struct Approve {
    /// The candidate
    #[arg(value_name = "RC", required_unless_present = "commits", requires = "environment")]
    pub candidate: Option<String>,
    /// The environment
    #[arg(value_name = "ENV")]
    pub environment: Option<EnvName>,
    /// Sign off a commit that you wrote, or yours in a range A..B
    #[arg(long = "commit", value_name = "COMMIT", num_args = 1.., conflicts_with_all = ["candidate", "environment"])]
    pub commits: Vec<String>,
    /// What was looked at; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
    /// Take your approval back
    #[arg(long)]
    pub withdraw: bool,
}

/// `rel block` and `rel unblock`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel block v1.6.0-rc.1 --reason \"leaks sessions\"\n  rel unblock 1.6.0 --reason \"fixed upstream\""
)]
pub struct Block {
    /// A candidate or a release
    #[arg(value_name = "RC|RELEASE")]
    pub target: String,
    /// Why; recorded, and required
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
}

/// `rel waive`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel waive 3fa9b10 --reason \"the cart is gone\"\n  rel waive 3fa9b10 --as 77e02c4 --reason \"squashed\""
)]
pub struct Waive {
    /// The fix, in any of its forms
    #[arg(value_name = "COMMIT", required = true)]
    pub commits: Vec<String>,
    /// The trunk commit that it is in, where nothing tells that by itself
    #[arg(long = "as", value_name = "TRUNK_COMMIT")]
    pub trunk_commit: Option<String>,
    /// Why; recorded, and required
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
}

/// `rel lock`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  rel lock prod --reason \"database move\"")]
pub struct Lock {
    /// Where
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// Why; recorded, and shown to whoever is refused
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: String,
}

/// `rel unlock`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel unlock prod --reason \"done\"\n  rel unlock prod --token 41 --reason \"bob is away\"     somebody else's hold"
)]
pub struct Unlock {
    /// Where
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// The hold's number; needed for somebody else's
    #[arg(long, value_name = "N", value_parser = token)]
    pub token: Option<u64>,
    /// Why; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: String,
}

/// `rel record`
#[derive(Debug, Clone, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "Examples:\n  rel record prod v1.4.0 --succeeded     what runs there now, tagged by somebody else\n  rel record prod 9f2c1ab --succeeded    a bare commit\n  rel record prod v1.6.0-rc.2 --started  another system has begun; --succeeded or --failed later"
)]
pub struct Record {
    /// Where
    #[arg(value_name = "ENV")]
    pub environment: EnvName,
    /// What: a candidate, any tag, or a commit
    #[arg(value_name = "REV")]
    pub rev: String,
    /// It is under way
    #[arg(long, group = "what")]
    pub started: bool,
    /// It did what it set out to do
    #[arg(long, group = "what")]
    pub succeeded: bool,
    /// It did not
    #[arg(long, group = "what")]
    pub failed: bool,
    /// Why; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: Option<String>,
    /// Pass this gate; recorded with the reason
    #[arg(long = "override", value_name = "GATE", requires = "reason")]
    pub overrides: Vec<Gate>,
    /// Close hold or intent N on the way
    #[arg(long, value_name = "N", requires = "reason", value_parser = token)]
    pub take_over: Option<u64>,
}

/// `rel resolve`
#[derive(Debug, Clone, Args)]
#[command(
    group = clap::ArgGroup::new("how").required(true),
    after_help = "Examples:\n  rel resolve prod#812 --failed --reason \"the host was down\"\n  rel resolve prod#812 --succeeded --reason \"checked by hand\""
)]
pub struct Resolve {
    /// The deployment
    #[arg(value_name = "ID")]
    pub id: DeploymentId,
    /// It did what it set out to do
    #[arg(long, group = "how")]
    pub succeeded: bool,
    /// It did not
    #[arg(long, group = "how")]
    pub failed: bool,
    /// Why you know; recorded
    #[arg(long, short = 'm', value_name = "WHY", value_parser = reason)]
    pub reason: String,
}

/// `rel sync`
#[derive(Debug, Clone, Args)]
pub struct Sync {
    /// First end what runs of this clone have at work on this machine, and record it
    #[arg(long)]
    pub stop: bool,
}

/// `rel fsck`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel fsck                       everything, every byte\n  rel fsck --quick               without reading artifacts\n  rel fsck --repair --dry-run    what would be put right\n  rel fsck --repair              in the clone that has most"
)]
pub struct Fsck {
    /// Do not read the bytes of artifacts
    #[arg(long)]
    pub quick: bool,
    /// Put right what can be, by appending; nothing is rewritten
    #[arg(long)]
    pub repair: bool,
}

/// `rel config`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel config check                  the working tree's release.toml\n  rel config show                   what is in force, defaults included\n  rel config schema > release.schema.json"
)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

/// What `rel config` does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigVerb {
    /// Check release.toml in the working tree, or the file of --config
    Check,
    /// Show the configuration in force, defaults included
    Show,
    /// Print the JSON schema of release.toml, for editors and checks
    Schema,
}

/// A shell that completions can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash 4.4 or later; 3.2 works, without the order.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// elvish.
    Elvish,
    /// PowerShell.
    Powershell,
}

/// `rel completions`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Where it goes, for every new shell:\n  bash        source <(rel completions bash)           in ~/.bashrc\n  zsh         source <(rel completions zsh)            in ~/.zshrc, after compinit\n  fish        rel completions fish | source            in ~/.config/fish/completions/rel.fish\n  elvish      eval (rel completions elvish | slurp)    in ~/.config/elvish/rc.elv\n  powershell  rel completions powershell | Out-String | Invoke-Expression\n                                                       in $PROFILE\n\nVerbs, flags, environments, candidates, releases, deployments and gates are\ncompleted, from what this clone knows; the remote is not asked."
)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}

/// `rel man`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  rel man | man -l -                                 read rel(1)\n  rel man deploy | man -l -                          read rel-deploy(1)\n  rel man --dir ~/.local/share/man/man1              from then on: man rel-deploy"
)]
pub struct Man {
    /// The verb, as in cut or config check; rel itself by default
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
    /// Write every page into DIR, which is made if need be
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub dir: Option<PathBuf>,
}

/// How often to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// More often while something is going on.
    Fitting,
    /// As asked for.
    Every(Duration),
}

fn interval(text: &str) -> Result<Interval, String> {
    if text.is_empty() {
        return Ok(Interval::Fitting);
    }
    match duration(text)? {
        Duration::ZERO => Err("it has to wait a while in between, at least 1s".to_owned()),
        every => Ok(Interval::Every(every)),
    }
}

/// The longest reason, in bytes: later events carry it too, and a command's
/// variables have a limit.
const MAX_REASON: usize = 4 << 10;

fn reason(text: &str) -> Result<String, String> {
    match text.len() {
        0..=MAX_REASON => Ok(text.to_owned()),
        long => Err(format!("a reason has at most {MAX_REASON} bytes, and this one {long}")),
    }
}

/// What a variable says that stands for a switch.
fn switch(variable: &'static str) -> impl TypedValueParser<Value = bool> {
    StringValueParser::new().try_map(move |text| {
        says_yes(&text).ok_or_else(|| {
            format!("{variable} is one of 1, true, t, yes, y, on or 0, false, f, no, n, off; empty is no")
        })
    })
}

/// Whether a variable's value means yes; `None` if it means neither yes nor no.
pub fn says_yes(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "" | "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is given as NAME=VALUE".to_owned()),
    }
}

fn token(text: &str) -> Result<u64, String> {
    let number = text.rsplit_once('#').map_or(text, |(_, number)| number);
    number.parse().map_err(|_| "a hold or deployment is named by its number, as in prod#812".to_owned())
}

fn bump(text: &str) -> Result<Bump, String> {
    match text {
        "major" => Ok(Bump::Major),
        "minor" => Ok(Bump::Minor),
        "patch" => Ok(Bump::Patch),
        _ => Err("one of major, minor, patch".to_owned()),
    }
}

fn state() -> impl TypedValueParser<Value = Progress> {
    PossibleValuesParser::new(Progress::ALL.map(Progress::as_str))
        .try_map(|text| Progress::ALL.into_iter().find(|state| state.as_str() == text).ok_or("not a state"))
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::domain::config::parse_duration(text).map_err(|bad| bad.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_no_longer_than_4_kib() {
        let verbs = [
            &["deploy", "prod"][..],
            &["rollback", "prod"],
            &["ship", "prod"],
            &["approve", "v1", "prod"],
            &["block", "v1"],
            &["unblock", "v1"],
            &["waive", "abc"],
            &["lock", "prod"],
            &["unlock", "prod"],
            &["record", "prod", "v1", "--failed"],
            &["resolve", "prod#1", "--failed"],
        ];
        for verb in verbs {
            for (length, fits) in [(4096, true), (4097, false), (130_000, false)] {
                let reason = "x".repeat(length);
                let words = ["rel"].iter().chain(verb).copied().chain(["--reason", &reason]);
                let parsed = Cli::try_parse_from(words);
                assert_eq!(parsed.is_ok(), fits, "{verb:?} {length}: {:?}", parsed.err().map(|e| e.kind()));
            }
        }
    }
}
