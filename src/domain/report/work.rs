//! What runs of a clone have at work on this machine.

use crate::domain::name::{DeploymentId, EnvName, TagName};
use crate::domain::version::CandidateVersion;

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A deployment.
    Deployment(DeploymentId),
    /// A deployment without a claim: where, what, and the nonce of its record.
    Offline(EnvName, TagName, String),
    /// The build of a candidate.
    Build(CandidateVersion),
}

/// Something that runs at work on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What it is about.
    pub subject: Subject,
    /// Who is at it.
    pub by: Worker,
    /// The process, or the process group.
    pub pid: u32,
}

/// Who is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// The `rel` that began it.
    Rel,
    /// A command whose `rel` is dead.
    Command,
}

impl Worker {
    /// The word scripts see.
    pub const fn word(self) -> &'static str {
        match self {
            Worker::Rel => "rel",
            Worker::Command => "command",
        }
    }
}
