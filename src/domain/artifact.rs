//! What a build made: files known by their digest, and references pinned by one.

use serde::{Deserialize, Serialize};

use super::name::Sha256;

/// A file a build made.
///
/// Invariant: `name` is a file name without folders and without control
/// characters, unique within its candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The file's name.
    pub name: String,
    /// Its content.
    pub digest: Sha256,
    /// Bytes.
    pub size: u64,
}

/// Something a build pushed elsewhere, such as a container image.
///
/// Invariant: `uri` ends in `@sha256:<hex>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What the build calls it.
    pub name: String,
    /// `registry/app@sha256:…`.
    pub uri: String,
    /// The digest at the end of `uri`.
    pub digest: Sha256,
}
