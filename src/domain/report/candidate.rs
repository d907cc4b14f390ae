//! Candidates as documents have them, and what `cut` and `cherry-pick` came to.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::deployment::DeploymentReport;
use super::policy::PolicyReport;
use crate::domain::artifact::Artifact;
use crate::domain::candidate::{Candidate, Pick};
use crate::domain::candidates::Block;
use crate::domain::left_behind::Lost;
use crate::domain::name::{Actor, EnvName, Oid, Sha256, TagName};
use crate::domain::version::{CandidateVersion, Version};

/// An immutable snapshot of a release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CandidateReport {
    #[serde(flatten, serialize_with = "CandidateMembers::serialize")]
    #[schemars(with = "CandidateMembers")]
    pub record: Candidate,
    pub artifacts: Vec<ArtifactReport>,
    pub blocked: bool,
    pub block: Option<BlockReport>,
}

/// What a candidate's tag records.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "Candidate")]
struct CandidateMembers {
    tag: TagName,
    version: CandidateVersion,
    #[serde(getter = "release")]
    release: Version,
    #[serde(getter = "number")]
    number: u32,
    commit: Oid,
    /// Where its release left trunk.
    trunk_commit: Oid,
    /// The candidate that it was picked onto.
    parent: Option<TagName>,
    picks: Vec<Pick>,
    created_at: DateTime<Utc>,
    actor: Actor,
    signed: bool,
}

fn release(candidate: &Candidate) -> &Version {
    &candidate.version.release
}

fn number(candidate: &Candidate) -> &u32 {
    &candidate.version.number
}

/// A file or a reference that a build made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ArtifactReport {
    pub name: String,
    pub digest: Sha256,
    /// In bytes; null of a reference.
    pub size: Option<u64>,
    /// Null where its store is of no kind that is known.
    pub uri: Option<String>,
}

/// Who blocked a candidate or a release, and why.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BlockReport {
    pub actor: Actor,
    pub reason: String,
    pub at: DateTime<Utc>,
}

impl From<&Block> for BlockReport {
    fn from(Block { actor, reason, at, .. }: &Block) -> BlockReport {
        BlockReport { actor: actor.clone(), reason: reason.clone(), at: *at }
    }
}

impl CandidateReport {
    /// The report of a candidate whose files are where `uri` says.
    pub fn new(record: Candidate, block: Option<&Block>, uri: impl Fn(&Artifact) -> Option<String>) -> Self {
        let files = record.artifacts.iter().map(|file| ArtifactReport {
            name: file.name.clone(),
            digest: file.digest,
            size: Some(file.size),
            uri: uri(file),
        });
        let references = record.references.iter().map(|reference| ArtifactReport {
            name: reference.name.clone(),
            digest: reference.digest,
            size: None,
            uri: Some(reference.uri.clone()),
        });
        CandidateReport {
            artifacts: files.chain(references).collect(),
            blocked: block.is_some(),
            block: block.map(BlockReport::from),
            record,
        }
    }
}

/// What `cut` came to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct CutReport {
    /// Null where it would only be made.
    pub candidate: Option<CandidateReport>,
    /// Whether it was made by this run.
    pub made: bool,
    /// What would be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<CutPlan>,
    /// Fixes that are live somewhere and that the commit lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_fixes: Vec<LostFixReport>,
    /// What environments with `auto_deploy` made of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentReport>,
    /// True where nothing was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A candidate that would be made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CutPlan {
    pub tag: TagName,
    pub version: CandidateVersion,
    pub release: Version,
    pub number: u32,
    pub commit: Oid,
}

/// A fix that is live and that a commit lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LostFixReport {
    pub commit: Oid,
    /// What it was picked from.
    pub source: Oid,
    /// What brought it there.
    pub candidate: TagName,
    pub environments: Vec<EnvName>,
    /// Its form on trunk, where it has one.
    pub on_trunk_as: Option<Oid>,
    /// What took that back.
    pub reverted_by: Option<Oid>,
}

impl LostFixReport {
    pub fn new(lost: Lost, environments: Vec<EnvName>) -> LostFixReport {
        LostFixReport {
            commit: lost.fix.commit,
            source: lost.fix.source,
            candidate: lost.fix.candidate,
            environments,
            on_trunk_as: lost.on_trunk.map(|(form, _)| form),
            reverted_by: lost.on_trunk.and_then(|(_, revert)| revert),
        }
    }
}

/// What `cherry-pick` came to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PickReport {
    One(Box<PickedOnto>),
    Several { candidates: Vec<PickedAmong> },
    Aborted { aborted: bool },
}

/// What became of one target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PickedOnto {
    pub candidate: Option<CandidateReport>,
    #[serde(flatten)]
    pub pick: Picked,
}

/// What became of one target of several: its candidate, if there is one, and what was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PickedAmong {
    #[serde(flatten)]
    pub candidate: Option<CandidateReport>,
    #[serde(flatten)]
    pub pick: Picked,
}

/// What was done for one target.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Picked {
    pub made: bool,
    /// In a dry run: the candidate that would be picked onto.
    #[serde(flatten)]
    pub plan: Option<PickPreview>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
}

/// What would be done for one target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PickPreview {
    pub dry_run: bool,
    pub onto: TagName,
    /// What would be made; null where nothing would.
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<String>>,
}
