//! What lies between two revisions.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::domain::changes::Change;
use crate::domain::name::{Oid, TagName};

/// What `diff` shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiffReport {
    pub from: DiffEnd,
    pub to: DiffEnd,
    /// Whether only some paths count.
    #[serde(skip)]
    pub narrowed: bool,
    /// What only `to` has, newest first.
    pub added: DiffSide,
    /// What only `from` has, newest first.
    pub removed: DiffSide,
    pub counts: DiffCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stat: Option<DiffStat>,
    /// Where the host shows it.
    pub url: Option<String>,
}

impl DiffReport {
    pub fn new(from: DiffEnd, to: DiffEnd, added: DiffSide, removed: DiffSide) -> DiffReport {
        let counts = DiffCounts {
            added: added.total,
            removed: removed.total,
            people: added.people,
            breaking: added.breaking,
        };
        DiffReport { from, to, narrowed: false, added, removed, counts, stat: None, url: None }
    }
}

/// A revision that was named.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiffEnd {
    pub rev: String,
    pub commit: Oid,
    pub tag: Option<TagName>,
    /// What it is, for people.
    #[serde(skip)]
    pub label: String,
}

/// A commit that one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffEntry {
    #[serde(flatten)]
    pub change: Change,
    /// What the other side has instead: a pick of it, or what it was picked from.
    pub there_as: Option<Oid>,
}

/// The commits of one side that are listed.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct DiffSide {
    pub listed: Vec<DiffEntry>,
    /// How many there are.
    #[serde(skip)]
    pub total: usize,
    #[serde(skip)]
    pub people: usize,
    #[serde(skip)]
    pub breaking: usize,
    /// How many of them the other side has in another form.
    #[serde(skip)]
    pub elsewhere: usize,
}

impl DiffSide {
    /// Lists so many of these: what breaks first, then the newest.
    pub fn new(entries: Vec<DiffEntry>, limit: Option<usize>) -> DiffSide {
        let (total, limit) = (entries.len(), limit.unwrap_or(usize::MAX));
        let address = |entry: &DiffEntry| entry.change.author.email.to_ascii_lowercase();
        let people = entries.iter().map(address).collect::<HashSet<String>>().len();
        let breaking = entries.iter().filter(|entry| entry.change.breaking).count();
        let elsewhere = entries.iter().filter(|entry| entry.there_as.is_some()).count();
        let mut room = [limit.saturating_sub(breaking), limit];
        let mut listed = entries;
        listed.retain(|entry| {
            let room = &mut room[usize::from(entry.change.breaking)];
            std::mem::replace(room, room.saturating_sub(1)) > 0
        });
        DiffSide { listed, total, people, breaking, elsewhere }
    }
}

/// How many there are, listed or not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiffCounts {
    pub added: usize,
    pub removed: usize,
    /// Who wrote what was added.
    pub people: usize,
    /// Of what was added.
    pub breaking: usize,
}

/// Lines that differ.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiffStat {
    pub files: Vec<FileStat>,
    pub added: usize,
    pub removed: usize,
}

impl From<Vec<FileStat>> for DiffStat {
    fn from(files: Vec<FileStat>) -> DiffStat {
        let sum = |of: fn(&FileStat) -> usize| files.iter().map(of).sum();
        DiffStat { added: sum(|file| file.added), removed: sum(|file| file.removed), files }
    }
}

/// How one file differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileStat {
    /// Its path; where it is gone, the one it had. What is not UTF-8 has U+FFFD in it.
    #[serde(serialize_with = "lossy")]
    #[schemars(with = "String")]
    pub path: Vec<u8>,
    /// The path it had before, if it was renamed.
    #[serde(serialize_with = "lossy_if_any")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Vec<u8>>,
    /// Lines only the new one has.
    pub added: usize,
    /// Lines only the old one has.
    pub removed: usize,
    /// Whether its lines were not counted.
    pub binary: bool,
}

fn lossy<S: Serializer>(path: &[u8], s: S) -> Result<S::Ok, S::Error> {
    String::from_utf8_lossy(path).serialize(s)
}

fn lossy_if_any<S: Serializer>(path: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(String::from_utf8_lossy).serialize(s)
}
