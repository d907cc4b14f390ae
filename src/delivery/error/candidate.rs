//! What keeps a candidate from being made, as facts.

use std::path::PathBuf;

use crate::domain::name::{Oid, TagName};
use crate::domain::ref_name::ArtifactsRef;
use crate::domain::version::Version;
use crate::store;
use crate::store::error::CollectError;

/// Why no candidate was made.
#[derive(Debug)]
pub(crate) enum CandidateError {
    /// This clone is shallow, and versions are counted.
    Shallow,
    /// `remote` is `None` if this repository is the authority.
    NotOnTrunk {
        commit: Oid,
        subject: String,
        trunk: String,
        tip: Oid,
        remote: Option<String>,
    },
    /// The release reached its final environment.
    Closed(Version),
    /// The release stands at a trunk commit that this one does not descend from.
    NotLater {
        commit: Oid,
        release: Version,
        newest: TagName,
        at: Oid,
    },
    VersionTaken {
        version: Version,
        /// Whether a tag that `rel` did not make has it.
        foreign: bool,
    },
    Build {
        tag: TagName,
        fault: BuildFault,
    },
    /// What was to be published appeared while the candidate was built.
    Occupied {
        tag: TagName,
        /// The ref of its artifacts; `None` if it is the tag itself.
        artifacts: Option<ArtifactsRef>,
    },
    Unfinished(UnfinishedFault),
}

/// Why a build made nothing.
#[derive(Debug)]
pub(crate) enum BuildFault {
    Interrupted,
    /// Its command failed, as the text says; the log has what it printed.
    Command {
        text: String,
        log: PathBuf,
    },
    /// An artifact has a name that `rel` needs.
    ArtifactName(&'static str),
    Collected(CollectError),
    /// What it made cannot be taken.
    Output(Box<store::error::Error>),
}

/// What keeps an unfinished cherry-pick from being gone on with, or another from beginning.
#[derive(Debug)]
pub(crate) enum UnfinishedFault {
    None,
    Damaged(serde_json::Error),
    NotWritten(serde_json::Error),
    OtherVersion,
    WorktreeGone {
        source: Oid,
        worktree: PathBuf,
    },
    /// One waits already.
    Waits {
        source: Oid,
        onto: TagName,
        worktree: PathBuf,
    },
}
