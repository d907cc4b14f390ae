//! What can go wrong with a pick, as facts.

use std::path::PathBuf;

use crate::domain::name::Oid;

/// Why a commit cannot be picked.
#[derive(Debug)]
pub enum PickError {
    /// The commit is a merge, and no parent was named.
    Merge(Oid),
    NoParent {
        commit: Oid,
        number: u32,
    },
    /// Nobody is named as the committer of the pick.
    NoCommitter(Oid),
    /// A conflict in a worktree is not resolved.
    Unresolved {
        source: Oid,
        worktree: PathBuf,
        why: Unresolved,
    },
}

/// What is missing in a conflict's worktree, with the paths that are concerned.
#[derive(Debug)]
pub enum Unresolved {
    Conflict(Vec<String>),
    /// Changed after it was added.
    Changed(Vec<String>),
    /// The pick was aborted or skipped there.
    GivenUp,
    /// Commits were made there, other than one on top of this one.
    NotOneCommit(Oid),
    /// Lines that are conflict markers still, as `path:line`.
    Markers(Vec<String>),
}
