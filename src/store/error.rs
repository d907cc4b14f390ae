//! What can go wrong in the store, as facts: what was attempted, and what stood in the way.
//! The words, the kind and the way on are for whoever tells a person.

use std::path::PathBuf;

use crate::domain::name::Oid;

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
    /// A step failed for a technical reason; `None` if the step itself says it all.
    Failed { task: Task, cause: Option<anyhow::Error> },
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

impl Error {
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

impl GitError {
    /// Whether it will be the same in a second.
    pub fn lasts(&self) -> bool {
        !matches!(self, GitError::Rejected | GitError::Locked | GitError::Other)
    }
}
