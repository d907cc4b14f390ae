//! What changes are counted from: one rule for the version that a cut opens,
//! for the text of its tag, and for all that tells later what a candidate brings.
//!
//! It is the highest version there is before a commit, ours or somebody
//! else's. Which of them the commit contains, the caller knows.

use super::candidates::Minted;
use super::name::{Oid, TagName};
use super::spelled::Rank;
use super::version::Version;

/// What changes are counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The candidate it was picked onto, or the one before it in its release.
    Candidate { tag: TagName, commit: Oid },
    /// A release before it.
    Release {
        release: Version,
        /// The version as it is spelled.
        text: String,
        commit: Oid,
        /// The candidate that stands for it; `None` of somebody else's.
        candidate: Option<TagName>,
    },
    /// What was recorded as live before `rel` came.
    Baseline {
        /// The tag, or the commit in its place.
        tag: TagName,
        /// The version that the tag names, as it is spelled there.
        version: Option<String>,
        /// The release it is, or belongs to.
        release: Option<Version>,
        commit: Oid,
    },
    /// Nothing. Of a long history only the newest commits are looked at.
    Beginning {
        /// How many, where there are more.
        newest: Option<usize>,
    },
}

impl Since {
    /// A release of ours, as one of its candidates has it.
    pub fn ours(candidate: &Minted) -> Since {
        Since::Release {
            release: candidate.version.release.clone(),
            text: candidate.version.release.to_string(),
            commit: candidate.commit,
            candidate: Some(candidate.tag.clone()),
        }
    }

    /// The commit, if it is one.
    pub fn commit(&self) -> Option<Oid> {
        match self {
            Since::Candidate { commit, .. }
            | Since::Release { commit, .. }
            | Since::Baseline { commit, .. } => Some(*commit),
            Since::Beginning { .. } => None,
        }
    }

    /// The release that a next one is counted from, if it is one.
    pub fn release(&self) -> Option<&Version> {
        match self {
            Since::Release { release, .. } => Some(release),
            Since::Baseline { release, .. } => release.as_ref(),
            Since::Candidate { .. } | Since::Beginning { .. } => None,
        }
    }

    /// The candidate of ours, if it is one.
    pub fn candidate(&self) -> Option<&TagName> {
        match self {
            Since::Candidate { tag, .. } => Some(tag),
            Since::Release { candidate, .. } => candidate.as_ref(),
            Since::Baseline { .. } | Since::Beginning { .. } => None,
        }
    }
}

impl std::fmt::Display for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Since::Candidate { tag, .. } => write!(f, "{tag}"),
            Since::Release { text, .. } => f.write_str(text),
            Since::Baseline { tag, .. } => f.write_str(tag.label()),
            Since::Beginning { newest: Some(newest) } => write!(f, "the beginning (newest {newest})"),
            Since::Beginning { newest: None } => f.write_str("the beginning"),
        }
    }
}

/// How far something got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilestoneKind {
    /// It was made, or tagged as a pre-release, or is recorded somewhere.
    Made,
    /// Somebody else tagged it as a release.
    Tagged,
    /// It reached a final environment.
    Reached,
}

/// Something before a commit that its changes may be counted from.
#[derive(Debug, Clone)]
pub struct Milestone {
    pub since: Since,
    /// Where it stands among those of the same release.
    pub rank: Option<Rank>,
    pub kind: MilestoneKind,
}

/// Which milestones count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Every version there is.
    Versions,
    /// What reached a final environment; where nothing did, what others released.
    Releases,
}

/// What is counted from: the highest version, and only where there is none,
/// what is recorded without one. Of equal ones the later in `milestones`.
pub fn highest(milestones: Vec<Milestone>, counted: Counted) -> Since {
    let has = |kind| milestones.iter().any(|one| one.kind == kind);
    let least = match counted {
        Counted::Versions => None,
        Counted::Releases if has(MilestoneKind::Reached) => Some(MilestoneKind::Reached),
        Counted::Releases => Some(MilestoneKind::Tagged),
    };
    let counts = |one: &Milestone| least.is_none_or(|least| one.kind == least);
    let highest = milestones
        .into_iter()
        .filter(counts)
        .max_by(|a, b| (a.since.release(), &a.rank).cmp(&(b.since.release(), &b.rank)));
    highest.map_or(Since::Beginning { newest: None }, |highest| highest.since)
}

/// Whether a release that was closed by `winner` can be what `of` is counted
/// from: another one, and earlier, on trunk first and then by version.
pub fn is_before(winner: &Minted, of: &Minted) -> bool {
    let place = |minted: &Minted| (minted.position, minted.version.release.clone());
    winner.version.release != of.version.release && place(winner) < place(of)
}
