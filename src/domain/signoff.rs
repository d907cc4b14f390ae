//! What authors have to say of their own commits before these go live.

use super::name::{Actor, Oid};

/// A commit whose author has not said yet that it is fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    pub commit: Oid,
    /// What its message begins with, fit to be shown.
    pub subject: String,
    /// Who wrote it.
    pub author: Actor,
}

/// What the authors of the commits said that a deployment brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signoffs {
    /// How many commits it brings; none where nothing is live to compare with.
    pub asked: Option<usize>,
    /// Those that are not signed off, oldest first.
    pub awaited: Vec<Awaited>,
    /// Why nobody can say here who is to be asked.
    pub fault: Option<String>,
    /// What is brought, as `rel approve --commit` takes it.
    pub range: String,
}

impl Signoffs {
    /// Where nobody can tell, and why.
    pub fn unknown(why: String) -> Signoffs {
        Signoffs { fault: Some(why), ..Signoffs::default() }
    }

    /// Whether every commit is signed off, as far as there is anything to sign off.
    pub(crate) fn are_given(&self) -> bool {
        self.fault.is_none() && (self.asked.is_none() || self.awaited.is_empty())
    }
}
