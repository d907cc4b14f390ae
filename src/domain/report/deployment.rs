//! Deployments and what is live, as documents have them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::env::{
    Action, Approval, Deployment, Live, Override, PhaseRun, Progress, RecordedVerdict, Trigger,
};
use crate::domain::name::{Actor, DeploymentId, EnvName, Oid, TagName};

/// One attempt to make one candidate live in one environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct DeploymentReport(
    #[serde(serialize_with = "DeploymentMembers::serialize")]
    #[schemars(with = "DeploymentMembers")]
    pub Deployment,
);

/// The record's members, but for what stands there in the place of a tag or of a candidate's version.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "Deployment")]
struct DeploymentMembers {
    /// `prod#812`; null of one that ran offline and has no number yet.
    #[serde(getter = "id")]
    id: Option<DeploymentId>,
    #[serde(getter = "seq")]
    seq: Option<u64>,
    environment: EnvName,
    action: Action,
    /// Null where a commit was recorded that has no tag.
    #[serde(getter = "tag")]
    tag: Option<TagName>,
    /// The candidate's, or what a tag of others names.
    #[serde(getter = "version")]
    version: Option<String>,
    commit: Oid,
    #[serde(getter = "from_tag")]
    from_tag: Option<TagName>,
    state: Progress,
    certain: bool,
    actor: Actor,
    on_behalf_of: Option<Actor>,
    host: Option<String>,
    run_url: Option<String>,
    trigger: Trigger,
    reason: Option<String>,
    overrides: Vec<Override>,
    gates: Vec<RecordedVerdict>,
    approvals: Vec<Approval>,
    policy_commit: Option<Oid>,
    commands_commit: Option<Oid>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    exit_code: Option<i32>,
    reverts: Option<DeploymentId>,
    phases: Vec<PhaseRun>,
    params: BTreeMap<String, String>,
    offline: bool,
    rel_version: String,
}

fn id(deployment: &Deployment) -> Option<DeploymentId> {
    deployment.is_numbered().then(|| deployment.id.clone())
}

fn seq(deployment: &Deployment) -> Option<u64> {
    deployment.is_numbered().then_some(deployment.seq)
}

fn tag(deployment: &Deployment) -> Option<TagName> {
    named(&deployment.tag)
}

fn version(deployment: &Deployment) -> Option<String> {
    deployment.version.as_ref().map(ToString::to_string).or_else(|| deployment.foreign_version.clone())
}

fn from_tag(deployment: &Deployment) -> Option<TagName> {
    deployment.from_tag.as_ref().and_then(named)
}

/// `None` where a commit stands in the place of a tag.
pub(super) fn named(tag: &TagName) -> Option<TagName> {
    tag.as_commit().is_none().then(|| tag.clone())
}

/// What is or was live.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LiveReport {
    #[serde(flatten, serialize_with = "LiveMembers::serialize")]
    #[schemars(with = "LiveMembers")]
    pub live: Live,
    /// Whether that is so for sure.
    pub certain: bool,
}

#[derive(Serialize, JsonSchema)]
#[serde(remote = "Live")]
struct LiveMembers {
    /// Null where a commit was recorded that has no tag.
    #[serde(getter = "live_tag")]
    tag: Option<TagName>,
    #[serde(getter = "live_version")]
    version: Option<String>,
    commit: Oid,
    since: DateTime<Utc>,
    actor: Actor,
    deployment: DeploymentId,
}

fn live_tag(live: &Live) -> Option<TagName> {
    named(&live.tag)
}

fn live_version(live: &Live) -> Option<String> {
    live.version.as_ref().map(ToString::to_string).or_else(|| live.foreign_version.clone())
}

/// What `deploy`, `rollback`, `record` and `resolve` came to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DeliveryReport {
    /// Null where there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Option<DeploymentReport>>,
    /// True where nothing was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl DeliveryReport {
    /// What came of it, if anything did.
    pub fn of(deployment: Option<Deployment>) -> DeliveryReport {
        DeliveryReport { deployment: Some(deployment.map(DeploymentReport)), dry_run: false }
    }
}
