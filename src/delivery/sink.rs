//! How what goes on in a run reaches a person, without knowing one.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::delivery::error::Error;
use crate::domain::config::Phase;
use crate::domain::env::Deployment;
use crate::domain::gate::verdict::Verdict;
use crate::domain::name::{DeploymentId, EnvName, Oid, TagName};
use crate::domain::redact::{CannotSearch, Redactor};
use crate::domain::report::recovered::Recovered;
use crate::domain::report::work::Work;
use crate::exec;
use crate::store::authority::Authority;

/// Hears of a run while it goes on. Nothing that it does or fails to do ends
/// the run.
pub trait Sink {
    /// Hears of something.
    fn notice(&self, notice: Notice<'_>);
    /// What a verdict says, in the words that records keep.
    fn gate_text(&self, verdict: &Verdict) -> String;
    /// Why a command did not succeed, in the words that records keep.
    fn command_text(&self, error: &exec::Error) -> String;
    /// What went wrong, in the words that records keep, and the error itself.
    fn error_text(&self, error: Error) -> (String, Error);
    /// Hears one line of a command's own output.
    fn stream(&self, prefix: &str, line: &[u8]);
    /// From now on nothing of these secrets is said.
    ///
    /// # Errors
    /// All of them together cannot be searched for; those that were hidden
    /// before still are.
    fn hide(&self, secrets: &Redactor) -> Result<(), CannotSearch>;
    /// The secrets that are hidden by now.
    fn secrets(&self) -> Redactor;
}

/// Something that happens while a run goes on.
#[derive(Debug)]
pub enum Notice<'a> {
    /// Something failed that ends nothing.
    Trouble(Error),
    /// The rest of a shallow clone's history is being fetched.
    FetchingHistory { trunk: &'a str },
    /// A shallow clone stays shallow.
    ShortHistory,
    /// Trunk's file cannot be read, and an older one of it is gone by.
    OlderPolicy { commit: Oid, why: &'a str },
    /// Notes that rel did not write to a chain's ref in this clone are dropped.
    HandNotesDropped { chain: &'a str },
    /// A ref in the place of a chain is none.
    ForeignChain(&'a str),
    /// An artifact's copy in the cache is damaged; `fetched` at once, or later.
    DamagedCopy { name: &'a str, fetched: bool },

    /// An earlier run's remains were settled.
    Recovered(&'a Recovered),
    /// An earlier run's remains could not be settled.
    Unsettled(Error),
    /// A dead run's folder may still be in use.
    FolderLeft(&'a Path),
    /// A living `rel` is asked to end.
    AskedToEnd(&'a Work),
    /// A dead run's command is ended.
    Ended(&'a Work),
    /// A process did not end when asked.
    Killed { pid: u32, after: Duration },

    /// A candidate's number is reserved.
    Reserved { tag: &'a TagName, commit: Oid },
    /// A release got a newer candidate while the next one was built.
    ReleaseMoved,
    /// What was published for a number that is no candidate stays published.
    NotTakenBack { tag: &'a TagName, why: Error },

    /// Things moved between a plan and its claim.
    PlanningAgain(&'a EnvName),
    /// The deployment in flight is waited for.
    Waiting(&'a Verdict),
    /// The verdicts on what nobody is shown the plan of.
    Passed(&'a [Verdict]),
    /// `before_deploy` said no to a rollback, which it cannot refuse.
    HookOverruled(&'a Verdict),
    /// A hook ended otherwise than in success.
    HookFailed { name: &'a str, why: &'a str },
    /// A hook could not be run.
    HookBroken { name: &'a str, why: Error },

    /// An environment is claimed.
    Claimed(&'a DeploymentId),
    /// Whether a deployment still has its claim cannot be told; it goes on.
    ClaimUnseen { id: &'a DeploymentId, why: Error },
    /// A secret is too short to be hidden.
    ShortSecret { name: &'a str },
    /// A phase's verify is repeated until its wait is over.
    Watching(&'a Phase),
    /// A command failed and is tried again.
    TryingAgain { step: &'a str, attempt: u32, of: u32 },
    /// A command's output is only shown.
    NoOutputKept(&'a io::Error),
    /// The disk did not take so much of a command's output, which is neither kept nor shown.
    OutputDropped { step: &'a str, bytes: u64 },
    /// A failed deployment is rolled back by itself.
    RollingBack { failed: &'a DeploymentId, claimed: &'a DeploymentId },
    /// A failed deployment is not rolled back by itself.
    NoRollback(NoRollback<'a>),

    /// An offline deployment goes by what this clone knows.
    Offline {
        environment: &'a EnvName,
        authority: &'a Authority,
        as_of: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    },
    /// It also goes by this clone's own unpublished deployments; `last` is the
    /// newest one's number for now.
    OfflineAhead { environment: &'a EnvName, last: Option<u64> },
    /// An offline deployment begins.
    OfflineRun(&'a Deployment),
    /// The journal did not take an offline deployment's outcome.
    OutcomeNotNoted(Error),
    /// A failed offline deployment is rolled back by itself.
    RollingBackOffline(&'a EnvName),

    /// Deployments' output is not published.
    OutputUnpublished { printed: Printed<'a>, why: Error },
    /// Output that waited to be published stays on this machine: the policy
    /// does not ask for it any more.
    OutputStays(&'a [DeploymentId]),
    /// An output's ref is taken by another object.
    OutputTaken { id: &'a DeploymentId, by: &'a str },
}

/// Why a failed deployment is not rolled back by itself.
#[derive(Debug)]
pub enum NoRollback<'a> {
    /// It cannot be planned or claimed.
    Failed(Error),
    /// Somebody closed the failed deployment meanwhile.
    Closed(&'a DeploymentId),
    /// The environment keeps moving.
    Moving(&'a EnvName),
}

/// Whose output it is.
#[derive(Debug, Clone, Copy)]
pub enum Printed<'a> {
    /// The deployments waiting cannot be told.
    Unknown,
    /// A deployment of this environment.
    In(&'a EnvName),
    /// The build of a candidate with this tag.
    OfBuild(&'a TagName),
    /// These deployments, and the file to remove where it should be given up.
    By(&'a [DeploymentId], Option<&'a Path>),
}
