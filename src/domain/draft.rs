//! A candidate to be, and what planning one came to.

use crate::domain::candidate::Pick;
use crate::domain::candidates::Minted;
use crate::domain::name::{Oid, TagName};
use crate::domain::version::Version;
/// A candidate to be.
#[derive(Debug, Clone)]
pub struct Draft {
    pub release: Version,
    /// Its commit; the object exists in this clone.
    pub commit: Oid,
    /// The trunk commit it descends from.
    pub trunk_commit: Oid,
    /// That commit's position.
    pub position: u64,
    /// The candidate it is picked onto.
    pub parent: Option<TagName>,
    /// What it adds by picking.
    pub picks: Vec<Pick>,
    /// What it changes, for people: the body of its tag.
    pub text: String,
    /// Whether a candidate of the same commit by somebody else ends this one.
    pub yields: bool,
    /// Whether it has to be the release's newest candidate that it is picked
    /// onto: a newer one, minted meanwhile, must not lose its fixes.
    pub follows: bool,
    /// Numbers from here on are free of foreign tags.
    pub least_number: u32,
}

/// What planning came to.
#[derive(Debug, Clone)]
pub enum Intended {
    /// The commit has a candidate already.
    Exists(Minted),
    /// One is to be made.
    New(Box<Draft>),
}

impl Intended {
    /// The commit, and the release it is or will be a candidate of.
    pub fn what(&self) -> (Oid, &Version) {
        match self {
            Intended::Exists(minted) => (minted.commit, &minted.version.release),
            Intended::New(draft) => (draft.commit, &draft.release),
        }
    }
}
