//! One kind of place where artifacts are kept: what each has to do, and what it
//! is given.

use std::fmt;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, CONTROLS};

use super::cache::Cache;
use super::objects::Measured;
use crate::domain::artifact::Artifact;
use crate::domain::name::{Actor, Oid, ProjectName, Sha256, TagName};
use crate::domain::version::CandidateVersion;
use crate::store::error::Result;
use crate::store::repo::Repo;

/// What a path or a fragment of a URI spells with `%` (RFC 3986, 3.3 and 3.5),
/// so that a location is one word in a tag and an artifact one in JSON.
pub(super) const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One kind of place where artifacts are kept. It prints as `[artifacts] store`,
/// and `Rel-Store` in a tag, have it.
pub(crate) trait Backend: fmt::Debug + fmt::Display {
    /// Stores artifacts that are in the cache. Returns the commit that makes them
    /// reachable once it is published as `ArtifactsRef`, for a place [behind a
    /// ref](Backend::is_behind_ref).
    fn put(
        &self,
        desk: &Desk<'_>,
        artifacts: &[Artifact],
        publication: &Publication<'_>,
    ) -> Result<Option<Oid>>;

    /// Reads artifacts into the cache, verifying each on its way.
    fn load(&self, desk: &Desk<'_>, wanted: &[&Artifact]) -> Result<()>;

    /// The bytes of an entry, unverified; `None` if there is none, or it is larger
    /// than 16 MiB.
    fn read(&self, desk: &Desk<'_>, name: &str, digest: &Sha256) -> Result<Option<Vec<u8>>>;

    /// What the place holds of an entry; without `bytes` only its size is looked at.
    fn check(&self, desk: &Desk<'_>, entry: &RecordedFile<'_>, bytes: bool) -> Result<Holding>;

    /// Whether all of these are there, as far as can be told without reading them.
    fn has(&self, desk: &Desk<'_>, artifacts: &[Artifact]) -> bool;

    /// Where one artifact of a candidate is, as JSON shows it:
    /// `git:refs/rel/<project>/artifacts/<version>#<name>` or
    /// `file:///dir/sha256/<hex>`.
    fn uri(&self, project: &ProjectName, version: &CandidateVersion, artifact: &Artifact) -> String;

    /// Whether artifacts are reached by the commit behind `ArtifactsRef`, which
    /// the caller publishes and fetches.
    fn is_behind_ref(&self) -> bool {
        false
    }

    /// The largest file that the place takes; `None` for any size.
    fn limit(&self, _max_size: u64) -> Option<u64> {
        None
    }

    /// Fails if it is clear before anything is built that nothing can be stored.
    fn try_writing(&self) -> Result<()> {
        Ok(())
    }

    /// Whether the place cannot be looked at just now, which proves nothing of what it has.
    fn is_out_of_reach(&self) -> bool {
        false
    }

    /// Where one file is, for people.
    fn spot(&self, _: &Sha256) -> String {
        self.to_string()
    }
}

/// What a [`Backend`] works with.
pub(crate) struct Desk<'a> {
    pub repo: &'a Repo,
    pub cache: &'a Cache,
    /// The commit behind `ArtifactsRef`, with its objects in this repository.
    pub commit: Option<Oid>,
}

/// Who publishes artifacts, and how much git may be given.
#[derive(Debug, Clone)]
pub(crate) struct Publication<'a> {
    pub tag: &'a TagName,
    /// The commit's author and committer.
    pub by: &'a Actor,
    /// When, in both roles.
    pub at: DateTime<Utc>,
    /// The largest file git may be given, in bytes (`[artifacts] max_size`).
    pub max_size: u64,
}

/// A file that a tag records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedFile<'a> {
    pub name: &'a str,
    pub digest: &'a Sha256,
    /// Its size, where that is recorded: of a provenance statement it is not.
    pub size: Option<u64>,
}

impl<'a> From<&'a Artifact> for RecordedFile<'a> {
    fn from(Artifact { name, digest, size }: &'a Artifact) -> RecordedFile<'a> {
        RecordedFile { name, digest, size: Some(*size) }
    }
}

/// What a store turned out to hold of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// All of it as recorded, as far as was looked; its size.
    Whole(u64),
    Missing,
    /// Something else, in words.
    Otherwise(String),
}

impl Holding {
    /// What a file is that has this size and, if it was looked at, this content.
    pub(super) fn of(entry: &RecordedFile<'_>, size: u64, content: Option<Measured>) -> Holding {
        match content {
            _ if entry.size.is_some_and(|recorded| recorded != size) => {
                Holding::Otherwise(format!("it has {size} bytes, not {}", entry.size.unwrap_or_default()))
            }
            Some(found) if found.digest != *entry.digest => {
                Holding::Otherwise(format!("it is {}, not {}", found.digest, entry.digest))
            }
            _ => Holding::Whole(size),
        }
    }
}
