//! The ways in which one commit can contain another.

use schemars::JsonSchema;
use serde::Serialize;

use super::name::Oid;

/// By which way something is contained, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// It is an ancestor, or the very commit.
    Ancestor,
    /// A recorded pick of it is, or what it was picked from; picks of picks too.
    Pick,
    /// A commit with an equal patch is.
    Patch,
}

/// How a commit is contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Way {
    /// By which way.
    pub via: Via,
    /// In the form of which commit, where that is another.
    #[serde(rename = "as")]
    pub form: Option<Oid>,
    /// What took it back there; nothing where it stands.
    pub reverted_by: Option<Oid>,
}
