//! What can go wrong in delivery, as facts. The words, the kind and the way on are for whoever tells
//! a person.

pub(crate) mod candidate;
pub(crate) mod run;

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::domain::candidate::NotACandidate;
use crate::domain::fold::Impossible;
use crate::domain::gate::Gate;
use crate::domain::gate::verdict::Refusal;
use crate::domain::name::{BadName, DeploymentId, EnvName, Oid, ProjectName, TagName};
use crate::domain::plan::Skipped;
use crate::domain::report::candidate::CandidateReport;
use crate::domain::report::work::{Subject, Work};
use crate::domain::version::Version;
use crate::failure::{Failure, Kind};
use crate::store;

pub(crate) use self::DeliveryError as Error;
use self::candidate::{BuildFault, CandidateError, UnfinishedFault};
use self::run::{Contested, Overtaken, RunError};

/// The result of whatever delivery does.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why delivery could not do what it was asked for.
#[derive(Debug)]
pub(crate) enum DeliveryError {
    Store(store::error::Error),
    /// A floor below that still tells its failures itself.
    Told(Box<Failure>),
    File {
        op: FileOp,
        path: PathBuf,
        cause: io::Error,
    },
    NotFound(NotFound),
    Misuse(Misuse),
    Policy(PolicyFault),
    /// The branch to release from has no commit. `remote` is `None` if this repository is the authority.
    NoTrunk {
        trunk: String,
        remote: Option<String>,
        offline: bool,
    },
    /// The authority decides this, and was not to be asked.
    NeedsAuthority,
    /// Chains of the authority do not continue what this clone has seen: each with what became of it.
    Rewritten {
        authority: String,
        chains: Vec<(String, String)>,
    },
    /// A candidate's tag is not the object that was minted. `remote` is `None` if this repository is
    /// the authority.
    TagChanged {
        tag: TagName,
        minted: Oid,
        why: TagFault,
        remote: Option<String>,
    },
    /// Only working without the authority is left, and how.
    Offline {
        why: Box<Error>,
        way: OfflineWay,
    },
    Candidate(CandidateError),
    /// A number was reserved for a candidate, and is spent.
    NotMade {
        candidate: Box<CandidateReport>,
        /// Whether the record says so already.
        is_abandoned: bool,
        why: Box<Error>,
    },
    Run(RunError),
    /// Gates say no.
    Refused(Box<Refusal>),
    /// There is nothing to go back to, and why each candidate was passed over.
    NoTarget {
        environment: EnvName,
        why: String,
        skipped: Vec<Skipped>,
    },
    /// An environment calls it a candidate, and no candidates' chain knows it.
    NeverMinted(TagName),
    Moved(Moved),
    Interrupted(Interrupted),
    NotStopped(NotStopped),
    /// An offline deployment cannot follow what its chain, or without one what this clone knows.
    OfflineDoesNotFit {
        chain: Option<String>,
        cause: Impossible,
    },
    /// This clone deploys there offline at this moment.
    OfflineAtWork {
        environment: EnvName,
        tag: TagName,
    },
    /// An offline deployment started no command: for an error, or for what is recorded of it.
    NothingRan {
        environment: EnvName,
        interrupted: bool,
        why: std::result::Result<Box<Error>, String>,
    },
    /// The authority can be asked, and what is to be done goes by what this clone knows.
    NotOffline,
    /// What was to be taken over is neither in flight nor a hold, by its number.
    WrongToken {
        environment: EnvName,
        token: u64,
        in_flight: Option<DeploymentId>,
        hold: Option<u64>,
    },
    /// An environment's chain is not among those that were read.
    ChainNotRead(EnvName),
    /// A commit that a candidate's changelog begins or ends with is not in this clone.
    ChangelogCut {
        tag: TagName,
        commit: Oid,
    },
    /// A tag is named as a folder of the name that another one is to have.
    TagInTheWay {
        folder: TagName,
        tag: TagName,
    },
}

/// What was named and is not there.
#[derive(Debug)]
pub(crate) enum NotFound {
    Environment {
        name: EnvName,
        known: Vec<EnvName>,
    },
    Project {
        wanted: ProjectName,
        held: ProjectName,
        file: String,
    },
    /// No candidate is called like this; `known` are those there are, newest first.
    Candidate {
        text: String,
        known: Vec<TagName>,
    },
    /// The number of this tag came to nothing, for this reason; whether its build failed.
    Unmade {
        tag: TagName,
        reason: String,
        failed: bool,
    },
    /// The environment of this name runs what was recorded, not built.
    Baseline {
        text: String,
        tag: TagName,
    },
    CandidateOfTrunk(Oid),
    CandidateOf {
        /// The commit, as it was named and by its id.
        what: String,
        commit: Oid,
        /// The name of a tag on it that `rel` did not make.
        foreign: Option<String>,
        on_trunk: bool,
        contained_in: Option<TagName>,
    },
    /// The tag stands on an object that is no commit.
    CommitOfTag {
        tag: String,
        object: Oid,
    },
    /// No candidate has this tag any more.
    CandidateNow(TagName),
    CandidateFor {
        environment: EnvName,
        /// Whether there are candidates, all of them blocked or rolled back there.
        barred: bool,
    },
    Release(Version),
    /// There is no release yet.
    AnyRelease,
    Commit(String),
    /// The range has no commit.
    CommitIn(String),
    /// Neither a candidate, a tag nor a commit is called like this.
    Anything(String),
    Revision {
        text: String,
        known: Vec<String>,
    },
    /// The revision names an object of another kind.
    CommitCalled {
        rev: String,
        kind: &'static str,
    },
    LiveNow(String),
    /// Nothing was live so many deployments ago.
    Live {
        environment: String,
        ago: Option<usize>,
    },
    /// Nothing was live at a time; `first` is what was live first, and from when on.
    LiveAt {
        environment: EnvName,
        at: DateTime<Utc>,
        first: Option<(TagName, DateTime<Utc>)>,
    },
}

/// What cannot be asked for like this.
#[derive(Debug)]
pub(crate) enum Misuse {
    /// An offline deployment has no reason.
    OfflineReason { verb: String, environment: EnvName },
    /// `--path` is no pattern.
    Path(ignore::Error),
    /// A version that is none of the scheme.
    Version(BadName),
    /// A range that names both sides.
    BothSides(String),
    /// The gate is not overridden.
    TakenOver(Gate),
    /// Gates were to be passed that nobody asks.
    NothingToPass(Unjudged),
    /// The part in braces of a revision is no time.
    Time { text: String, environment: String, why: String },
}

/// What is recorded without a gate being asked.
#[derive(Debug)]
pub(crate) enum Unjudged {
    /// How a recorded start ended.
    End,
    Failure,
    /// A baseline that is live already, or the first one.
    LiveBaseline,
}

/// How to go on without an authority.
#[derive(Debug)]
pub(crate) enum OfflineWay {
    /// To look at what this clone has seen before history was rewritten.
    Seen {
        verb: String,
    },
    /// To look at what this clone knew at a time.
    Known {
        verb: String,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    Emergency {
        verb: String,
        environment: EnvName,
    },
    /// To check what this clone has.
    Check,
}

/// Who else was first.
#[derive(Debug)]
pub(crate) enum Moved {
    /// What was to be put right.
    Meanwhile,
    /// An offline deployment of this clone.
    Offline { environment: EnvName, tag: TagName },
    /// Something moved at each of so many tries.
    Always { what: Contested, tries: usize },
    /// The release that is picked onto, whose new candidate the picks conflict with.
    Conflicting { parent: TagName, source: Oid, paths: Vec<String> },
    /// What was to be rolled back.
    Environment(EnvName),
    /// The candidates, whenever this environment was to be recorded.
    CandidatesBeside(EnvName),
    /// The candidates, whenever a reservation was to be given up.
    Reservation,
    /// The environment changed while a rollback of it was planned.
    Overtaken { environment: EnvName, why: Overtaken },
}

/// What a person interrupted.
#[derive(Debug)]
pub(crate) enum Interrupted {
    Waiting,
    Stopping(Subject),
    /// The hook of this name.
    Hook(&'static str),
}

/// What was to be stopped and is not.
#[derive(Debug)]
pub(crate) enum NotStopped {
    /// The process does not end.
    Stuck(Work),
    Unknown {
        subject: Subject,
        why: Unknown,
    },
    /// Another `rel` has it, and does not end.
    Held(Subject),
    /// The process group does not end.
    Group {
        subject: Subject,
        pid: u32,
    },
    /// The process group may be another one.
    Unproven {
        subject: Subject,
        pid: u32,
    },
}

/// Why it cannot be told which process a `rel` is.
#[derive(Debug)]
pub(crate) enum Unknown {
    /// The journal does not say.
    Process,
    /// It runs on another machine.
    Machine,
}

/// What is wrong with `release.toml`.
#[derive(Debug)]
pub(crate) enum PolicyFault {
    /// It cannot be read; `named` by whoever asked.
    Unreadable {
        file: String,
        named: bool,
        cause: io::Error,
    },
    Missing {
        unborn: bool,
    },
    NotOnTrunk {
        tip: Oid,
        trunk: String,
    },
    /// What was needed to find trunk is not what trunk's own file says.
    Differs(Box<Disagreement>),
    /// This repository is to decide, and this clone holds what a remote decided.
    OtherAuthority {
        remote: String,
        file: String,
        line: Option<usize>,
    },
    /// A branch calls itself trunk, and the candidates' chain is another one's.
    OtherTrunk {
        trunk: String,
        here: String,
        file: String,
        line: Option<usize>,
        remote: Option<String>,
    },
    Paths(ignore::Error),
    TagStyle(String),
    /// It asks for what this version cannot do: the key, and why.
    Unsupported {
        key: String,
        text: String,
    },
}

/// What two files say that would have to agree.
#[derive(Debug)]
pub(crate) struct Disagreement {
    /// The file that was found first.
    pub here: String,
    /// Trunk's own file.
    pub there: String,
    pub differences: Vec<Difference>,
    pub origin: Origin,
    pub trunk: String,
    pub tip: Oid,
    /// `None` if this repository is to decide.
    pub remote: Option<String>,
}

/// A key of `[project]` that two files have otherwise.
#[derive(Debug)]
pub(crate) struct Difference {
    pub key: &'static str,
    pub here: Stated,
    pub there: Stated,
}

/// What a file says; `line` is `None` where it is what holds if the file says nothing.
#[derive(Debug)]
pub(crate) struct Stated {
    pub value: String,
    pub line: Option<usize>,
}

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--config`.
    Named,
    WorkTree,
    /// A commit, HEAD's or the remote's.
    Commit,
}

/// Why a tag is not the one that was minted.
#[derive(Debug)]
pub(crate) enum TagFault {
    PointsTo(Oid),
    Gone,
    ObjectMissing,
    NotACandidate(NotACandidate),
    /// Its record contradicts the chain.
    Contradicts,
}

/// What was done with a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileOp {
    /// A new folder was made in this one.
    MakeIn,
    Make,
    Read,
    Remove,
    Write,
}

impl FileOp {
    /// The failure of doing this with `path`.
    pub(crate) fn on(self, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |cause| Error::File { op: self, path, cause }
    }
}

impl Error {
    /// Whether something is not what was recorded.
    pub(crate) fn is_integrity(&self) -> bool {
        match self {
            Error::Rewritten { .. } | Error::TagChanged { .. } | Error::NeverMinted(_) => true,
            Error::Run(error) => matches!(error, RunError::DamagedCopy { .. }),
            Error::Store(error) => error.is_integrity(),
            Error::Told(failure) => failure.kind == Kind::Integrity,
            _ => false,
        }
    }

    /// Whether a build made nothing, and nobody stopped it.
    pub(crate) fn is_failed_build(&self) -> bool {
        let Error::Candidate(CandidateError::Build { fault, .. }) = self else { return false };
        !matches!(fault, BuildFault::Interrupted)
    }

    /// Whether the authority could not be talked to.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Error::Store(error) => error.is_unreachable(),
            Error::Told(failure) => failure.unreachable,
            _ => false,
        }
    }

    /// Whether another try in a second may end otherwise.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Error::Store(error) => error.may_pass(),
            Error::Told(failure) => failure.may_pass,
            _ => false,
        }
    }

    /// The same with a way that needs no authority.
    pub(crate) fn offline(self, way: OfflineWay) -> Error {
        Error::Offline { why: Box::new(self), way }
    }

    /// Whether another history than trunk's own would be read.
    pub(crate) fn is_of_another_history(&self) -> bool {
        matches!(
            self,
            Error::Policy(
                PolicyFault::Differs(_) | PolicyFault::OtherAuthority { .. } | PolicyFault::OtherTrunk { .. }
            )
        )
    }

    /// Whether history at the authority was rewritten.
    pub(crate) fn is_rewritten(&self) -> bool {
        matches!(self, Error::Rewritten { .. })
    }
}

impl From<store::error::Error> for Error {
    fn from(error: store::error::Error) -> Error {
        Error::Store(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Store(error.into())
    }
}

impl From<NotFound> for Error {
    fn from(what: NotFound) -> Error {
        Error::NotFound(what)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Error {
        Error::Misuse(misuse)
    }
}

impl From<PolicyFault> for Error {
    fn from(fault: PolicyFault) -> Error {
        Error::Policy(fault)
    }
}

impl From<CandidateError> for Error {
    fn from(error: CandidateError) -> Error {
        Error::Candidate(error)
    }
}

impl From<UnfinishedFault> for Error {
    fn from(fault: UnfinishedFault) -> Error {
        CandidateError::Unfinished(fault).into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(Box::new(refusal))
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Error {
        Error::Run(error)
    }
}

impl From<Moved> for Error {
    fn from(moved: Moved) -> Error {
        Error::Moved(moved)
    }
}

impl From<Interrupted> for Error {
    fn from(what: Interrupted) -> Error {
        Error::Interrupted(what)
    }
}

impl From<NotStopped> for Error {
    fn from(what: NotStopped) -> Error {
        Error::NotStopped(what)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::Told(Box::new(failure))
    }
}
