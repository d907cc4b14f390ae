//! Which candidates and environments contain a commit, and how.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::deployment::named;
use super::gate::GateReport;
use crate::domain::changes::Change;
use crate::domain::containment::{Via, Way};
use crate::domain::name::{Actor, EnvName, Oid, TagName};

/// What `where` shows: of one commit, or of each.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WhereReport {
    One(Box<CommitWhereabouts>),
    Several { commits: Vec<CommitWhereabouts> },
}

/// A commit, and where it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CommitWhereabouts {
    /// What it was called, where that is not its id.
    #[serde(skip)]
    pub asked: Option<String>,
    pub commit: Oid,
    pub subject: String,
    pub author: Actor,
    pub committed_at: DateTime<Utc>,
    /// Whether trunk has this very commit.
    pub on_trunk: bool,
    /// In which form trunk has it, where that is another.
    pub on_trunk_as: Option<Oid>,
    /// What took it back there.
    pub reverted_by: Option<Oid>,
    /// How trunk contains it.
    #[serde(skip)]
    pub trunk: Option<Way>,
    /// What it brought, if it is a merge; newest first.
    pub brought: Vec<Change>,
    /// The tags that contain it, newest first, those of others last.
    pub candidates: Vec<ContainingTag>,
    /// In the policy's order.
    pub environments: Vec<ContainingEnvironment>,
}

/// A tag that contains it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContainingTag {
    pub tag: TagName,
    #[serde(flatten)]
    pub way: Way,
    /// Whether somebody else made the tag.
    pub foreign: bool,
}

/// An environment, and whether it is there.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContainingEnvironment {
    pub name: EnvName,
    pub live: bool,
    /// What is live and contains it; null where a commit was recorded that has no tag.
    #[serde(serialize_with = "named_if_any")]
    pub tag: Option<TagName>,
    pub via: Option<Via>,
    /// In the form of which commit, where that is another.
    #[serde(rename = "as")]
    pub form: Option<Oid>,
    pub since: Option<DateTime<Utc>>,
    /// When something that contains it was first live there.
    pub first_live_at: Option<DateTime<Utc>>,
    /// Whether what is live is so for sure.
    pub certain: bool,
    pub waits_for: Option<WaitReport>,
}

fn named_if_any<S: Serializer>(tag: &Option<TagName>, s: S) -> Result<S::Ok, S::Error> {
    tag.as_ref().and_then(named).serialize(s)
}

/// What a commit that is not live waits for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WaitReport {
    pub what: Wait,
    /// The candidate that would bring it.
    pub tag: Option<TagName>,
    /// The gates that refuse that one.
    pub gates: Vec<GateReport>,
    /// When it may go; null where a person is needed.
    pub ready_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverted_by: Option<Oid>,
    /// Whether the next deployment would bring it.
    #[serde(skip)]
    pub is_next: bool,
}

/// What has to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// A candidate has it.
    Deployment,
    /// It is on trunk, and nobody has cut it.
    Cut,
    /// It is not on trunk.
    Trunk,
    /// It was taken back.
    Nothing,
}
