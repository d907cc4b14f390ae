//! What became of a run that died.

use std::path::PathBuf;

use crate::domain::env::Progress;
use crate::domain::name::{DeploymentId, EnvName};
use crate::domain::version::CandidateVersion;

/// One thing that an earlier run left, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// A deployment, and the state it is recorded with.
    Deployment(DeploymentId, Progress),
    /// A deployment whose command still runs on this machine.
    StillRunning(DeploymentId),
    /// The number of an intent that never arrived was given up.
    NeverClaimed(DeploymentId),
    /// A deployment that ran offline came into its chain.
    Merged(Merged),
    /// An offline deployment to this environment whose command still runs here.
    StillOffline(EnvName),
    /// The reservation of this version was abandoned.
    Reservation(String),
    /// A candidate that was published in part is published whole.
    Minted(CandidateVersion),
    /// A journal entry that could not be read was set aside.
    Damaged(PathBuf),
}

impl Recovered {
    /// Whether it is not settled, since its command still runs.
    pub fn runs(&self) -> bool {
        matches!(self, Recovered::StillRunning(_) | Recovered::StillOffline(_))
    }
}

/// An offline deployment that came into its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The number it got.
    pub id: DeploymentId,
    /// How it had ended.
    pub state: Progress,
    /// Whether the chain had moved on without it.
    pub moved: bool,
}
