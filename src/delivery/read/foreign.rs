//! The versions that tags of others take.

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
    /// The lowest first.
    taken: Vec<ForeignVersion>,
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
        Ok(foreign)
    }

    /// All of them, the lowest first.
    pub fn all(&self) -> impl Iterator<Item = &ForeignVersion> {
        self.taken.iter()
    }

    /// The latest full release, on whichever branch it is: nothing is released
    /// below it. A tag that is at no commit released nothing.
    pub fn latest_release(&self) -> Option<&Version> {
        let is_release =
            |taken: &&ForeignVersion| taken.commit.is_some() && matches!(taken.parsed, ParsedTag::Release(_));
        self.taken.iter().rev().find(is_release).map(|taken| &taken.release)
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
