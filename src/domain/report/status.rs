//! What is live where, and what comes next.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::deployment::{DeploymentReport, LiveReport};
use super::gate::GateReport;
use crate::domain::changes::Change;
use crate::domain::env::{Hold, Last, Live};
use crate::domain::name::{Actor, EnvName, Oid, ProjectName, TagName};
use crate::domain::plan::Skipped;

/// A project at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusReport {
    pub project: ProjectName,
    pub trunk: TrunkReport,
    /// Where this was decided, for people.
    #[serde(skip)]
    pub authority: String,
    #[serde(skip)]
    pub offline: bool,
    /// When the authority was last asked.
    pub as_of: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub now: DateTime<Utc>,
    /// In the policy's order.
    pub environments: Vec<EnvironmentReport>,
    /// A cherry-pick of this clone that waits for a person.
    pub unfinished_pick: Option<WaitingPick>,
}

/// A cherry-pick that waits for a conflict to be resolved.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WaitingPick {
    pub source: Oid,
    pub onto: TagName,
    /// Where the conflict is laid out.
    pub worktree: String,
    /// The paths in conflict, fit for printing.
    pub conflicts: Vec<String>,
}

/// The branch that releases are cut from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrunkReport {
    pub branch: String,
    pub commit: Oid,
    /// Commits of this project since the newest candidate; null where there is no candidate.
    pub pending: Option<usize>,
}

/// One environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EnvironmentReport {
    pub name: EnvName,
    /// What is live.
    pub current: Option<LiveReport>,
    /// Whether what is live is so for sure.
    #[serde(skip)]
    pub certain: bool,
    /// For whom the actor of `current` worked.
    #[serde(skip)]
    pub on_behalf_of: Option<Actor>,
    /// Whether `current` is the newest candidate there is.
    #[serde(skip)]
    pub newest: bool,
    /// What a plain rollback would reach.
    pub previous: Option<LiveReport>,
    pub in_flight: Option<DeploymentReport>,
    /// Whether the process of `in_flight` is known to be alive on this machine.
    #[serde(skip)]
    pub alive_here: bool,
    pub hold: Option<Hold>,
    /// Deployments nobody knows the end of.
    pub unresolved: Vec<DeploymentReport>,
    /// The newest deployment that has ended.
    #[serde(skip)]
    pub last: Option<Last>,
    /// Commits of this project on trunk that what is live does not contain; null where nothing is live.
    pub pending: Option<usize>,
    /// What a deployment without a candidate would take.
    pub next: Option<NextReport>,
    /// Fixes that are live here and that trunk lacks.
    pub fixes_not_on_trunk: Vec<FixReport>,
    /// What a rollback would do; only where that was asked.
    #[serde(skip)]
    pub back: Option<Back>,
    /// Offline deployments of this clone that are not in the history yet.
    pub unpublished: Vec<DeploymentReport>,
    /// Of `current` and `previous`, what this clone could not deploy offline.
    pub not_here: Vec<TagName>,
}

impl EnvironmentReport {
    /// What is live, whether or not that is certain.
    pub fn live(&self) -> Option<&Live> {
        self.current.as_ref().map(|current| &current.live)
    }
}

/// A fix that was picked onto what is live.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FixReport {
    /// What it was picked from.
    pub source: Oid,
    pub commit: Oid,
    pub subject: String,
    #[serde(skip)]
    pub author: Actor,
}

impl FixReport {
    pub fn new(source: Oid, change: Change) -> FixReport {
        let Change { commit, subject, author, .. } = change;
        FixReport { source, commit, subject, author }
    }
}

/// What would be deployed next.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NextReport {
    pub tag: TagName,
    /// Commits of this project that it brings; all it builds on where nothing is live.
    pub commits: usize,
    /// When its last timed gate opens, the time of asking where it may be deployed now; null where a
    /// person is needed.
    pub ready_at: Option<DateTime<Utc>>,
    /// The gates that refuse it.
    pub gates: Vec<GateReport>,
}

/// What a rollback would do.
#[derive(Debug, Clone)]
pub enum Back {
    /// Go there.
    To {
        tag: TagName,
        why: String,
        skipped: Vec<Skipped>,
        /// The intent or hold that has to be taken over for it.
        token: Option<u64>,
    },
    /// Go further back than one step, which has to be said.
    Further { tag: TagName, current: TagName },
    /// Nothing, and why.
    Nowhere { why: String, skipped: Vec<Skipped> },
}
