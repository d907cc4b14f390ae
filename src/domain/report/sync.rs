//! What `sync` came to.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::env::Progress;
use crate::domain::name::{DeploymentId, EnvName, TagName};
use crate::domain::version::CandidateVersion;

/// What `sync` came to. Everything but `stopped` is missing where the authority was not asked.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SyncReport {
    #[serde(flatten)]
    pub exchanged: Option<Exchanged>,
    /// With `--stop`: what was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Vec<StoppedReport>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What was exchanged with the authority.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Exchanged {
    pub settled: Vec<SettledReport>,
    /// Tags of releases that were owed.
    pub released: Vec<TagName>,
    /// Candidates whose files were brought here.
    pub kept: Vec<TagName>,
    /// Deployments whose output was published.
    pub outputs: Vec<DeploymentId>,
}

/// What became of something that an earlier run left.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SettledReport {
    Deployment {
        deployment: DeploymentId,
        state: SettledState,
    },
    /// One that ran offline; `moved` where others deployed there meanwhile.
    Merged {
        deployment: DeploymentId,
        state: SettledState,
        offline: bool,
        moved: bool,
    },
    /// One that runs offline, and has no number.
    Offline {
        deployment: (),
        environment: EnvName,
        state: SettledState,
        offline: bool,
    },
    Reservation {
        reservation: String,
        state: SettledState,
    },
    /// A journal entry that cannot be read.
    Damaged {
        set_aside: String,
    },
}

/// How far it came.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SettledState {
    Ran(Progress),
    Never(NeverRan),
}

/// How something ended that is no deployment, or never became one.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NeverRan {
    Abandoned,
    Minted,
}

/// Something that was at work on this machine.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoppedReport {
    #[serde(flatten)]
    pub subject: SubjectReport,
    /// `rel`, or `command` where its `rel` was dead.
    pub by: &'static str,
    pub pid: u32,
    /// Null where it is not known yet.
    pub state: Option<SettledState>,
}

/// What a run was about.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SubjectReport {
    Deployment { deployment: DeploymentId },
    Offline { deployment: (), environment: EnvName, tag: TagName, offline: bool },
    Build { reservation: CandidateVersion },
}
