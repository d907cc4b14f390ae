//! The versions that tags of others take.

use std::collections::HashMap;

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::name::Oid;
use crate::domain::spelled::{Rank, Spelled};
use crate::domain::version::{ParsedTag, Version};
/// A version that a tag of somebody else's takes.
#[derive(Debug, Clone)]
pub struct ForeignVersion {
    /// The release it is, or belongs to.
    pub release: Version,
    /// The version as it is spelled, without the text before it.
    pub text: String,
    /// What the tag says.
    pub parsed: ParsedTag,
    /// Where it stands among tags of the same release.
    pub rank: Rank,
    /// Its commit; none where the tag is at something else.
    pub commit: Option<Oid>,
}

/// The versions that tags of others take.
#[derive(Debug, Default)]
pub struct ForeignVersions {
    taken: Vec<ForeignVersion>,
    /// The latest one at each commit.
    at: HashMap<Oid, usize>,
}

impl ForeignVersions {
    /// Reads the authority's tags as this clone knows them.
    ///
    /// # Errors
    /// git failed.
    pub fn read(reader: &Reader, snapshot: &Snapshot) -> Result<ForeignVersions> {
        let mut foreign = ForeignVersions::default();
        let tags = snapshot.tags(reader)?;
        for (tag, _, parsed) in snapshot.foreign(reader, &tags) {
            let text = snapshot.style.version_text(tag.as_str()).unwrap_or(tag.as_str()).to_owned();
            let Some(rank) = Spelled::read(&text).map(|spelled| spelled.rank()) else { continue };
            let commit = tags.commit(reader, tag.as_str())?;
            foreign.taken.push(ForeignVersion {
                release: parsed.version().clone(),
                text,
                parsed,
                rank,
                commit,
            });
        }
        foreign.taken.sort_by(|a, b| (&a.release, &a.rank).cmp(&(&b.release, &b.rank)));
        let places = foreign.taken.iter().enumerate();
        foreign.at = places.filter_map(|(index, taken)| Some((taken.commit?, index))).collect();
        Ok(foreign)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// The latest version at this commit.
    pub fn at(&self, commit: Oid) -> Option<&ForeignVersion> {
        self.at.get(&commit).map(|index| &self.taken[*index])
    }

    /// The latest full release, wherever it is: nothing is released below it.
    pub fn latest_release(&self) -> Option<&Version> {
        let full = self.taken.iter().rev().find(|taken| matches!(taken.parsed, ParsedTag::Release(_)));
        full.map(|taken| &taken.release)
    }

    /// The full releases that are at a commit, the latest first.
    pub fn releases(&self) -> impl Iterator<Item = (&Version, Oid)> {
        let full = self.taken.iter().rev().filter(|taken| matches!(taken.parsed, ParsedTag::Release(_)));
        full.filter_map(|taken| Some((&taken.release, taken.commit?)))
    }

    /// Whether a tag of others takes this version.
    pub fn takes(&self, version: &Version) -> bool {
        self.taken.binary_search_by(|taken| taken.release.cmp(version)).is_ok()
    }

    /// The first number of `release` above those that tags of others take.
    pub fn least_number(&self, release: &Version) -> u32 {
        let numbers = self.taken.iter().filter_map(|taken| match &taken.parsed {
            ParsedTag::Candidate(candidate) if candidate.release == *release => Some(candidate.number),
            _ => None,
        });
        numbers.max().map_or(1, |number| number.saturating_add(1))
    }
}
