//! Releases, candidates and deployments, as those that look at them are shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::candidate::{BlockReport, CandidateReport};
use super::deployment::DeploymentReport;
use crate::domain::changes::Change;
use crate::domain::name::{Actor, EnvName, Oid, TagName};
use crate::domain::version::CandidateVersion;

/// What `list` shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListReport {
    pub releases: Vec<ReleaseReport>,
    /// Of numbers that are no candidates, newest first.
    pub builds: Vec<BuildReport>,
}

/// A number that is no candidate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BuildReport {
    pub tag: TagName,
    pub state: BuildState,
    pub actor: Actor,
    /// When that was said.
    pub at: DateTime<Utc>,
    pub reason: Option<String>,
    #[serde(skip)]
    pub version: CandidateVersion,
    #[serde(skip)]
    pub commit: Oid,
}

/// What became of a number that is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuildState {
    /// It is being built.
    Reserved,
    /// Its build failed.
    Failed,
    /// It lost the race, or its run died.
    Abandoned,
}

/// A release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReleaseReport {
    /// Its version; as its tags spell it, where they are all somebody else's.
    pub release: String,
    /// Whether it takes no more candidates: it reached a final environment, or somebody else tagged it.
    pub closed: bool,
    /// Newest first.
    pub candidates: Vec<ListedCandidate>,
}

/// A candidate of a release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedCandidate {
    #[serde(flatten)]
    pub tag: ListedTag,
    /// Whether somebody else made the tag.
    pub foreign: bool,
    #[serde(skip)]
    pub block: Option<BlockReport>,
    /// Where it is live.
    #[serde(skip)]
    pub live: Vec<EnvName>,
    /// Whether it is what its release was closed by.
    #[serde(skip)]
    pub released: bool,
}

/// What is known of a candidate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ListedTag {
    /// All that its tag records.
    Read(Box<CandidateReport>),
    Unread(Box<UnreadCandidate>),
}

/// A tag that `rel` did not make, or that is not what was recorded: null for what only `rel` records.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnreadCandidate {
    pub tag: TagName,
    pub version: String,
    pub release: String,
    /// Null unless the tag is spelled as a candidate's.
    pub number: Option<u32>,
    pub commit: Oid,
    pub trunk_commit: Option<Oid>,
    pub parent: Option<TagName>,
    pub picks: (),
    pub artifacts: (),
    pub created_at: Option<DateTime<Utc>>,
    pub actor: Option<Actor>,
    pub signed: (),
    pub blocked: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
}

impl UnreadCandidate {
    /// A tag of which nothing more is known.
    pub fn new(tag: TagName, version: String, commit: Oid, blocked: bool) -> UnreadCandidate {
        UnreadCandidate {
            tag,
            version,
            release: String::new(),
            number: None,
            commit,
            trunk_commit: None,
            parent: None,
            picks: (),
            artifacts: (),
            created_at: None,
            actor: None,
            signed: (),
            blocked,
            damaged: None,
        }
    }
}

/// What `log` shows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LogReport {
    /// Newest first.
    Deployments { deployments: Vec<DeploymentReport> },
    /// What one printed.
    Output { output: String },
}

/// What `show` shows of a candidate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShowReport {
    pub candidate: CandidateReport,
    /// Where it is live, and since when.
    #[serde(skip)]
    pub live: Vec<(EnvName, DateTime<Utc>)>,
    /// What its changes are counted from; `None` if from nothing.
    #[serde(skip)]
    pub since: Option<String>,
    /// What it brings, newest first.
    pub changes: Vec<Change>,
    /// Every deployment of it, newest first.
    pub deployments: Vec<DeploymentReport>,
}
