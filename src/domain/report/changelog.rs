//! What a release brings.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::deployment::named;
use crate::domain::changelog::{ChangeGroup, groups};
use crate::domain::changes::Change;
use crate::domain::host::Host;
use crate::domain::name::{Oid, TagName};
use crate::domain::since::Since;
use crate::domain::version::{CandidateVersion, Version};

/// What `changelog` shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangelogReport {
    pub tag: TagName,
    pub version: CandidateVersion,
    pub release: Version,
    /// Whether it is what its release was closed by.
    pub released: bool,
    /// When it was, else when the candidate was made.
    #[serde(rename = "date", serialize_with = "day")]
    #[schemars(with = "chrono::NaiveDate")]
    pub at: DateTime<Utc>,
    #[serde(serialize_with = "since")]
    #[schemars(with = "SinceReport")]
    pub since: Since,
    #[serde(flatten, serialize_with = "grouped")]
    #[schemars(with = "Changes")]
    pub changes: Vec<Change>,
    /// Whose pages show the commits, where somebody's do.
    #[serde(skip)]
    pub host: Option<Host>,
    /// With `--prepend`.
    #[serde(flatten)]
    pub file: Option<PrependReport>,
}

/// A changelog file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PrependReport {
    pub file: String,
    /// Whether it had a section of this release.
    pub replaced: bool,
    pub changed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

#[derive(Serialize, JsonSchema)]
struct Changes<'c> {
    groups: Vec<ChangeGroup<'c>>,
    /// What is new, newest first.
    changes: &'c [Change],
}

/// What a release is counted from.
#[derive(Serialize, JsonSchema)]
struct SinceReport {
    release: Option<String>,
    /// Of what was recorded as live before `rel` came.
    tag: Option<TagName>,
    commit: Option<Oid>,
    /// How many commits were looked at, where there are more.
    newest: Option<usize>,
}

fn day<S: Serializer>(at: &DateTime<Utc>, s: S) -> Result<S::Ok, S::Error> {
    at.date_naive().serialize(s)
}

fn grouped<S: Serializer>(changes: &[Change], s: S) -> Result<S::Ok, S::Error> {
    Changes { groups: groups(changes), changes }.serialize(s)
}

fn since<S: Serializer>(since: &Since, s: S) -> Result<S::Ok, S::Error> {
    let (release, tag, newest) = match since {
        Since::Release { release, .. } => (Some(release.to_string()), None, None),
        Since::Baseline { tag, version, .. } => (version.clone(), named(tag), None),
        Since::Candidate { tag, .. } => (None, Some(tag.clone()), None),
        Since::Beginning { newest } => (None, None, *newest),
    };
    SinceReport { release, tag, commit: since.commit(), newest }.serialize(s)
}
