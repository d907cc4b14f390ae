//! What can go wrong with the files that a build made, as facts.

use std::io;
use std::path::PathBuf;

use crate::domain::artifact::Artifact;
use crate::domain::name::{Oid, Sha256};

/// Why artifacts could not be kept, or not be given back.
#[derive(Debug)]
pub enum ArtifactError {
    /// A text that is no location of a store.
    Location { text: String, why: LocationFault },
    /// The folder of a store is not there.
    Unreachable { dir: PathBuf, cause: io::Error },
    /// A name that no artifact may bear.
    Name { why: String, from: NameSource },
    /// A file that `[artifacts] max_size`, in bytes, keeps out of git. Nothing was written.
    TooLarge { name: String, size: u64, limit: u64 },
    /// A tag records an artifact that is not there.
    Missing { name: String, from: Absent },
    /// An artifact is not what its tag records.
    Altered { recorded: Box<Artifact>, found: Sha256, size: u64, at: BadCopy },
    /// A git object has not the size that a tag records for an artifact.
    AlteredSize { recorded: Box<Artifact>, blob: String, size: u64 },
    /// An entry whose size no tag records has another digest.
    AlteredEntry { name: String, recorded: Sha256, found: Sha256 },
    /// The git objects behind an artifacts' commit are damaged. `entry` is one whose size no tag records.
    Damaged { name: String, entry: bool, commit: Oid, cause: anyhow::Error },
    /// The path of a file for a command is not UTF-8.
    NotUtf8(PathBuf),
}

/// What is wrong with the text of a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationFault {
    Unknown,
    /// A store that another version may know.
    Unsupported,
    Relative,
    ControlCharacters,
    NoFolder,
}

/// Where the name of an artifact was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSource {
    Build,
    /// A tag, whose artifacts are read from git.
    Tag,
    /// A tag, whose artifacts are prepared for a command.
    Prepared,
}

/// Who does not have an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    Cache,
    /// The ref behind which git keeps it does not exist.
    Ref,
    Commit(Oid),
    File(PathBuf),
    /// The store of an entry whose size no tag records.
    Store,
}

/// Which copy of an artifact is not what its tag records.
#[derive(Debug)]
pub enum BadCopy {
    /// What was streamed.
    Stream,
    /// That of this clone's cache, which was removed.
    Removed,
    /// That of this clone's cache, which could not be removed.
    Stays(PathBuf, io::Error),
    /// A file that is there already, where it was to be written.
    InTheWay(PathBuf),
    Stored(PathBuf),
    Blob(String),
}

/// Why what a build made cannot be collected. Paths are relative to its checkout.
#[derive(Debug)]
pub enum CollectError {
    /// A pattern of `release.toml` that cannot be looked for.
    Pattern {
        pattern: String,
        why: PatternFault,
    },
    /// A pattern that matches no file; whether it is the plain name of a folder.
    NothingMatched {
        pattern: String,
        folder: bool,
    },
    EqualNames {
        name: String,
        first: PathBuf,
        second: PathBuf,
    },
    /// A file whose name no artifact may bear; `None` if it is not UTF-8.
    Name {
        path: PathBuf,
        why: Option<String>,
    },
    /// A link to a file that is not the build's.
    Outside {
        path: PathBuf,
        target: PathBuf,
    },
    /// A line, counted from 1, that is not `name=registry/app@sha256:<hex>`.
    Reference {
        line: usize,
        text: String,
        why: ReferenceFault,
    },
    Unreadable {
        path: PathBuf,
        cause: io::Error,
    },
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternFault {
    Absolute,
    LeadsOut,
    Empty,
    NoGlob(String),
}

/// What is wrong with a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceFault {
    Spaces,
    NoEquals,
    NoName,
    NotPinned,
    NoRegistry,
    /// It has a user, a password or a second digest.
    SecondAt,
    /// The name is that of a file that the build made.
    OfFile(String),
    /// The name is already that of another one.
    Taken {
        name: String,
        uri: String,
    },
}
