//! What can go wrong in the store, as facts: what was attempted, and what stood in the way.
//! The words, the kind and the way on are for whoever tells a person.

mod artifacts;
mod picks;

use std::io;
use std::path::PathBuf;

use crate::domain::fold::Impossible;
use crate::domain::name::{Actor, BadName, Oid, TagName};

pub use artifacts::{
    Absent, ArtifactError, BadCopy, CollectError, LocationFault, NameSource, PatternFault, ReferenceFault,
};
pub use picks::{PickError, Unresolved};

/// The result of whatever the store does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do what it was asked for.
#[derive(Debug)]
pub enum Error {
    /// git could not work with the authority.
    Authority(Box<AuthorityError>),
    /// The authority could not be read after a change of it failed, so that the change may still arrive.
    MayHaveArrived(Box<Error>),
    /// There is no `git` on PATH.
    NoGit,
    /// This folder is in no repository.
    NoRepository(PathBuf),
    /// The repository at this path belongs to another user.
    ForeignRepository {
        at: PathBuf,
        cause: git2::Error,
    },
    /// The repository keeps its refs in a format that is not read here. `address` is its remote's.
    OtherRefs {
        at: PathBuf,
        address: Option<String>,
        cause: git2::Error,
    },
    /// The repository names its objects by a hash that is not read here.
    OtherHash {
        at: PathBuf,
        cause: git2::Error,
    },
    /// Nobody has said who is at work: whether the name and the address are set.
    NoIdentity {
        name: bool,
        email: bool,
    },
    /// A short id that several objects share, with git's words on which.
    Ambiguous {
        rev: String,
        said: String,
    },
    /// A revision names an object of another kind.
    NotACommit {
        rev: String,
        kind: &'static str,
    },
    /// The commit is not in this clone.
    MissingCommit {
        commit: Oid,
        shallow: bool,
    },
    /// A partial clone lacks what is read, and nobody may be asked for it.
    LeftOut {
        task: Task,
        cause: git2::Error,
    },
    /// An object of this clone is damaged in this file. `refetch` brings it again, if that is known.
    DamagedObject {
        oid: Oid,
        file: PathBuf,
        why: String,
        refetch: Option<Refetch>,
    },
    /// The file of a ref of this clone holds no id.
    DamagedRef {
        file: PathBuf,
    },
    /// A lock file in this clone, which its process may have left behind.
    LocalLock(PathBuf),
    /// This clone cannot be written to.
    Unwritable {
        at: PathBuf,
        said: String,
    },
    /// The commit-graph cannot be read.
    DamagedGraph(String),
    /// This is not the full name of a ref.
    NotARef(String),
    /// What is pushed to a remote goes to other places than it is fetched from.
    PushedElsewhere {
        remote: String,
        fetched: String,
        pushed: Vec<String>,
    },
    /// Two updates of one publication name this ref.
    ChangedTwice(String),
    /// The new commit of a chain does not stand on the expected one.
    Discontinues {
        new: Oid,
        name: String,
    },
    /// What is to be written is not one line of JSON with a version.
    NotARecord,
    /// The event cannot follow those before it; its subject.
    DoesNotFit {
        event: String,
        cause: Impossible,
    },
    /// No event is to be appended to this chain.
    NothingToAppend(String),
    /// A newer version wrote the tip of a chain.
    Newer {
        chain: String,
        why: String,
    },
    /// A commit of a chain is damaged.
    DamagedRecord {
        commit: Oid,
        chain: String,
        why: Damage,
    },
    /// A note on this commit is not a single line.
    LongNote(Oid),
    /// git cannot sign a commit here.
    CannotSign(CannotSign),
    /// The message of a tag holds a NUL, or its tagger has no name.
    BadTag(TagName),
    /// `git tag -s` failed.
    TagNotSigned {
        name: TagName,
        said: String,
    },
    NotATag(Oid),
    /// The name inside a tag object is no name of a tag.
    BadTagName {
        tag: Oid,
        cause: BadName,
    },
    /// The name is no copy of an authority's ref.
    NoCopy(String),
    /// A test made a step fail.
    Io(io::Error),
    Artifact(ArtifactError),
    Pick(PickError),
    /// A remote does not take what it has to.
    Probe(ProbeError),
    /// The ref of what a deployment printed holds something else.
    NotOutput {
        name: String,
        whose: String,
        cause: git2::Error,
    },
    /// The files of two commits cannot be compared; whether this clone lacks one of them.
    NotCompared {
        from: Oid,
        to: Oid,
        lacking: bool,
        cause: anyhow::Error,
    },
    /// A step failed for a technical reason; `None` if the step itself says it all.
    Failed {
        task: Task,
        cause: Option<anyhow::Error>,
    },
}

/// A fetch that brings objects again: from which remote, by which refspecs.
#[derive(Debug)]
pub struct Refetch {
    pub remote: String,
    pub refspecs: Vec<String>,
}

/// What is wrong with a commit of a chain.
#[derive(Debug)]
pub enum Damage {
    /// It cannot be told what it is.
    Broken(String),
    /// It is a record without a state that can be read.
    State(serde_json::Error),
}

/// Why git cannot sign a commit.
#[derive(Debug)]
pub enum CannotSign {
    /// `gpg.format` is this, and only SSH keys count.
    Format(String),
    /// What git printed.
    Said(String),
}

/// What git was asked to do with an authority, and why it failed.
#[derive(Debug)]
pub struct AuthorityError {
    /// Its name or address, without a password.
    pub authority: String,
    pub op: RemoteOp,
    pub why: GitError,
    /// What git printed.
    pub said: String,
}

/// What git is asked to do with an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteOp {
    Read,
    Change,
}

/// What stands between this clone and an authority, as far as git's words tell. Decides whether
/// another try is worth the time, never whether something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitError {
    Unreachable,
    /// The authority wants a password or a key.
    Auth,
    NoRepository,
    /// The authority has no ref of this name.
    NoRef(String),
    /// A ref is not what it was expected to be.
    Rejected,
    /// Another process held a ref's lock file.
    Locked,
    /// A ref is named as a folder of this one's name, or the other way round.
    InTheWay,
    /// It cannot change several refs at once.
    NotAtomic,
    /// It names its objects by another hash.
    OtherIds,
    /// git printed nothing for too long, and was ended.
    Silent,
    /// It belongs to another user.
    Foreign,
    /// The push could not be signed.
    Unsigned,
    /// It is changed from inside a hook of its own.
    Quarantine,
    /// A hook or a protection rule refused.
    Declined,
    Other,
}

/// A step of the store that the disk, git or libgit2 may fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The refs of this authority are changed.
    Change(String),
    /// What became of a change is read from this authority.
    LearnChange(String),
    /// What this authority lists is parsed.
    ParseTips(String),
    /// This call of git is started.
    Start(String),
    /// This call of git is waited for.
    Await(String),
    /// git is asked for its version.
    AskVersion,
    /// git's answer to that is parsed.
    ParseVersion(String),
    ListRemotes,
    /// A commit is checked out to pick onto it.
    LayOutPick(Oid),
    ListPickConflicts,
    WritePickTree,
    /// The author and the message of a commit are read.
    ReadWritten(Oid),
    CheckOut(Oid),
    CheckOutSubmodules(Oid),
    OpenObjects,
    ReadCommit(Oid),
    ReadTree(Oid),
    ReadObject(Oid),
    /// An object of this kind is written.
    WriteObject(&'static str),
    SyncObject(Oid),
    SyncFolder(PathBuf),
    OpenRepository(PathBuf),
    UseWorkTree(PathBuf),
    UseObjects(PathBuf),
    ReadSettings,
    ReadRef(String),
    ListRefs(String),
    ChangeCopy(String),
    LookUp(String),
    /// The file at a path of a commit is read.
    ReadFile {
        path: String,
        commit: Oid,
    },
    /// A raw commit is parsed.
    ParseCommit(Oid),
    ReadTreeOf(Oid),
    /// The raw tree of a folder is parsed.
    ParseFolder(String),
    /// A commit is compared with its parent.
    Compare(Oid),
    WriteRecord,
    /// A commit is made in this person's name.
    SignAs(Actor),
    /// The state of a chain is stated once more.
    Repair(String),
    ReadNotes,
    ReadNote(Oid),
    HashObject,
    /// What git says of a commit that it signed is parsed.
    ParseSigned,
    WriteSigners,
    /// A tag is put on this object.
    TagObject(Oid),
    SignTag(TagName),
    ReadTag(Oid),
    /// What a partial clone left out is fetched.
    FetchLeftOut,
    Pick {
        source: Oid,
        onto: Oid,
    },
    WritePick(Oid),
    MakeTemporaryFolder,
    MakeFolderIn(PathBuf),
    /// The worktree of a conflict is read.
    ReadWorktree(PathBuf),
    FindMarkers,
    /// The folder around a checkout is removed.
    RemoveAround,
    RemoveCheckout(PathBuf),
    /// A folder that a killed run left is removed.
    RemoveLeftover(PathBuf),
    /// A file is replaced as a whole.
    Replace(PathBuf),
    /// A file or folder of the outbox is read.
    ReadOutbox(PathBuf),
    WriteJournal(PathBuf),
    ReadJournal(PathBuf),
    ReadPath(PathBuf),
    WritePath(PathBuf),
    /// A file is written into this folder.
    WriteInto(PathBuf),
    CreateFolder(PathBuf),
    /// The artifact of this name is read from a stream.
    ReadArtifact(String),
    /// It is written to this clone's cache.
    CacheArtifact(String),
    /// It is written to a file of a store.
    StoreArtifact {
        name: String,
        to: PathBuf,
    },
    /// It is copied for a command.
    PrepareArtifact {
        name: String,
        into: PathBuf,
    },
    WriteArtifactToGit(String),
    WriteArtifactsOf(TagName),
    WriteGitTree,
    /// The object store is opened for artifacts.
    OpenOwnObjects,
}

impl Task {
    /// The failure of this step, for `cause`.
    pub fn because(self, cause: impl Into<anyhow::Error>) -> Error {
        Error::Failed { task: self, cause: Some(cause.into()) }
    }

    /// The failure of this step, where git said why.
    pub fn said(self, said: String) -> Error {
        self.because(anyhow::Error::msg(said))
    }

    /// The failure of this step, which says it all.
    pub fn failed(self) -> Error {
        Error::Failed { task: self, cause: None }
    }
}

/// Names the step that an error of a library or of the system ended.
pub trait During<T> {
    fn during(self, task: Task) -> Result<T>;

    /// The same for a step whose name costs something to make.
    fn during_with(self, task: impl FnOnce() -> Task) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> During<T> for std::result::Result<T, E> {
    fn during(self, task: Task) -> Result<T> {
        self.map_err(|error| task.because(error))
    }

    fn during_with(self, task: impl FnOnce() -> Task) -> Result<T> {
        self.map_err(|error| task().because(error))
    }
}

/// What a remote did that makes it unfit, found out by trying.
#[derive(Debug)]
pub enum ProbeError {
    /// A ref was moved although it was not what was expected.
    Moved,
    /// A push that expected something else was taken.
    Taken,
    /// What is pushed is not there when it is read.
    NotThere { authority: String, remote: String },
    /// A push that had to be all or none was made in part.
    InPart,
}

impl From<ProbeError> for Error {
    fn from(error: ProbeError) -> Error {
        Error::Probe(error)
    }
}

impl From<PickError> for Error {
    fn from(error: PickError) -> Error {
        Error::Pick(error)
    }
}

impl ArtifactError {
    /// Whether bytes are not what was recorded.
    pub fn is_integrity(&self) -> bool {
        match self {
            ArtifactError::Name { from, .. } => !matches!(from, NameSource::Build),
            ArtifactError::Missing { .. }
            | ArtifactError::Altered { .. }
            | ArtifactError::AlteredSize { .. }
            | ArtifactError::AlteredEntry { .. }
            | ArtifactError::Damaged { .. } => true,
            _ => false,
        }
    }
}

impl From<ArtifactError> for Error {
    fn from(error: ArtifactError) -> Error {
        Error::Artifact(error)
    }
}

impl Error {
    /// Whether something is not what was recorded.
    pub fn is_integrity(&self) -> bool {
        match self {
            Error::DamagedObject { .. }
            | Error::Discontinues { .. }
            | Error::DamagedRecord { .. }
            | Error::BadTagName { .. } => true,
            Error::Artifact(error) => error.is_integrity(),
            _ => self.is_rewritten(),
        }
    }

    /// Whether a ref of the authority does not continue this clone's copy of it.
    pub fn is_rewritten(&self) -> bool {
        matches!(self, Error::Authority(error)
            if error.op == RemoteOp::Read && error.why == GitError::Rejected)
    }

    /// Whether the authority lacks a ref that it was asked for.
    pub fn is_missing_ref(&self) -> bool {
        matches!(self, Error::Authority(error) if matches!(error.why, GitError::NoRef(_)))
    }

    /// Whether the authority could not be talked to, so that only working without it is left.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Error::Authority(error) => matches!(
                error.why,
                GitError::Unreachable
                    | GitError::Auth
                    | GitError::NoRepository
                    | GitError::Silent
                    | GitError::Foreign
                    | GitError::Other
            ),
            Error::MayHaveArrived(error) => error.is_unreachable(),
            Error::Failed { task: Task::Change(_) | Task::LearnChange(_), .. } => true,
            _ => false,
        }
    }
}

impl Error {
    /// Whether a hook or a rule of the authority's refused.
    pub fn is_declined(&self) -> bool {
        matches!(self, Error::Authority(error) if error.why == GitError::Declined)
    }

    /// Whether another try in a second may end otherwise.
    pub fn may_pass(&self) -> bool {
        match self {
            Error::Authority(error) => {
                self.is_unreachable()
                    || error.why == GitError::Locked
                    || error.why == GitError::Declined
                    || (error.why == GitError::Rejected && error.op == RemoteOp::Change)
            }
            Error::MayHaveArrived(error) => error.may_pass(),
            _ => self.is_unreachable(),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

impl GitError {
    /// Whether it will be the same in a second.
    pub fn lasts(&self) -> bool {
        !matches!(self, GitError::Rejected | GitError::Locked | GitError::Other)
    }
}
