//! What a check of history, tags and artifacts finds, as people and scripts
//! are told it.

use schemars::JsonSchema;
use serde::Serialize;

use super::name::Oid;

/// What sort of thing is not what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The authority's chain does not continue what this clone has seen.
    History,
    /// A commit of a chain is a merge, is missing, or is not what its id says.
    Link,
    /// A commit of a chain is meant to be a record and cannot be read.
    Record,
    /// A record of a version that this one does not know.
    Version,
    /// An event that cannot follow those before it.
    Event,
    /// A snapshot that is not what the events come to.
    Snapshot,
    /// The notes at a chain's tip are not what its events come to.
    Notes,
    /// A candidate's tag.
    Tag,
    /// A release's own tag.
    Release,
    /// The bytes of a candidate.
    Artifact,
    /// A place that keeps artifacts and cannot be asked.
    Store,
}

impl Sort {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Sort::History => "history",
            Sort::Link => "link",
            Sort::Record => "record",
            Sort::Version => "version",
            Sort::Event => "event",
            Sort::Snapshot => "snapshot",
            Sort::Notes => "notes",
            Sort::Tag => "tag",
            Sort::Release => "release",
            Sort::Artifact => "artifact",
            Sort::Store => "store",
        }
    }
}

/// Something that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What sort of thing.
    pub kind: Sort,
    /// The ref it was found behind.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit, or the tag's object, that is concerned.
    pub commit: Option<Oid>,
    /// What was expected and what is there.
    pub message: String,
    /// Whether `--repair`, in this clone, would put it right.
    pub repairable: bool,
    /// What to do.
    pub hints: Vec<String>,
}

impl Finding {
    /// A finding that nothing here puts right.
    pub fn new(kind: Sort, ref_name: impl AsRef<str>, message: impl Into<String>) -> Finding {
        Finding {
            kind,
            ref_name: Some(ref_name.as_ref().to_owned()),
            commit: None,
            message: message.into(),
            repairable: false,
            hints: Vec::new(),
        }
    }

    /// A finding about a place that keeps artifacts, and about no ref.
    pub fn of_store(message: impl Into<String>) -> Finding {
        Finding { ref_name: None, ..Finding::new(Sort::Store, "", message) }
    }

    /// Names the object that is concerned.
    #[must_use]
    pub fn at(mut self, commit: Oid) -> Finding {
        self.commit = Some(commit);
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hints.push(hint.into());
        self
    }
}

/// How much was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// Chains, each from its root.
    pub chains: usize,
    /// Events in them.
    pub events: usize,
    /// Commits in them that somebody else made, such as by `git notes`. They
    /// change nothing.
    pub foreign: usize,
    /// Deviations that a repair has settled.
    pub settled: usize,
    pub tags: usize,
    /// Releases' own tags.
    pub releases: usize,
    /// Files in stores, provenance statements among them.
    pub artifacts: usize,
    /// Their bytes, as far as they were read.
    pub bytes: u64,
    /// What is not checked, and why.
    pub not_checked: NotChecked,
}

/// What is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotChecked {
    /// Files whose bytes were not asked for.
    pub bytes: usize,
    /// Files that are not on this machine, with `--offline`.
    pub artifacts: usize,
    /// Things pushed elsewhere by a build, such as images.
    pub references: usize,
}
