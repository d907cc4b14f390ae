//! What the verbs that change the inputs of gates came to.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::env::{Approval, Hold};
use crate::domain::name::{EnvName, Oid, TagName};

/// What `approve` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApproveReport {
    pub tag: TagName,
    pub environment: EnvName,
    /// Those that count now.
    pub approvals: Vec<Approval>,
    pub changed: bool,
}

/// What `approve --commit` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignoffReport {
    pub commits: Vec<Oid>,
    pub changed: bool,
}

/// What `block` and `unblock` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BlockingReport {
    /// A candidate's tag, or a release's version.
    pub target: String,
    pub changed: bool,
}

/// What `waive` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaiveReport {
    pub commits: Vec<Oid>,
    /// The trunk commit that they count as.
    #[serde(rename = "as")]
    pub trunk_commit: Option<Oid>,
    pub changed: bool,
}

/// What `lock` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LockReport {
    pub environment: EnvName,
    /// Null in a dry run.
    pub hold: Option<Hold>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What `unlock` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnlockReport {
    pub environment: EnvName,
    /// The hold, `prod#812`.
    pub opened: Option<String>,
}
