//! What going from what is live to another commit leaves behind: fixes that
//! an environment is owed, and points of no return. The gates `lost-fix` and
//! `irreversible` are judged from it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::name::{Actor, Oid, TagName};

/// A fix that was live in an environment: what is deployed there next must
/// contain it, in whatever form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The commit it was picked from.
    pub source: Oid,
    /// The commit it became.
    pub commit: Oid,
    /// The candidate it was picked for.
    pub candidate: TagName,
}

/// A fix that an environment is owed and a commit does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    pub fix: Owed,
    /// Whether it is live, and not only owed since what had it was replaced.
    pub live: bool,
    /// What its message begins with: data, not yet fit to be shown.
    pub subject: String,
    /// Who picked it, and when; none where its tag cannot be read.
    pub picked: Option<(Actor, DateTime<Utc>)>,
    /// Its form on trunk, and what reverts it there, if something does.
    pub on_trunk: Option<(Oid, Option<Oid>)>,
    /// The release of what lacks it, if that is a candidate: the same for all.
    pub onto: Option<String>,
}

/// A commit that cannot be gone back from: its message says `Rollback-Safe: no`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PointOfNoReturn {
    pub commit: Oid,
    /// What its message begins with: data, not yet fit to be shown.
    pub subject: String,
}

/// What a deployment would leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LeftBehind {
    /// Whether the environment is owed anything.
    pub owed: bool,
    /// What it would still be owed.
    pub lost: Vec<Lost>,
    /// Points of no return behind which it would go.
    pub left: Vec<PointOfNoReturn>,
}

impl LeftBehind {
    /// What the environment is owed after it.
    pub fn owes(&self) -> Vec<Owed> {
        self.lost.iter().map(|lost| lost.fix.clone()).collect()
    }
}
