//! What a build made: files known by their digest, and references pinned by one.

use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::name::{BadName, Sha256};

/// A file a build made.
///
/// Invariant: `name` is a file name without folders and without control
/// characters, unique within its candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The file's name.
    pub name: String,
    /// The digest of its content.
    pub digest: Sha256,
    /// The size in bytes.
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

/// The digest of these bytes.
pub fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// Whether an [`Artifact`] may bear this name: it has to survive a line of a
/// tag, an entry of a git tree and a folder on disk unchanged, and must not
/// lead out of that folder. Asked of every name, recorded ones included,
/// since anybody can write a tag.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains(['/', '\\']) {
        "it has folders"
    } else if name == "." || name == ".." {
        "it is a folder"
    } else if name.contains(char::is_control) {
        "it has control characters"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else if is_git(name) {
        "git keeps that name to itself"
    } else if name.len() > 255 {
        "it is longer than 255 bytes"
    } else {
        return Ok(());
    };
    Err(BadName(format!("{name:?} cannot name an artifact: {why}")))
}

/// Whether some system takes this for the name of git's own folder, which git
/// lets into no tree: with marks that cannot be seen, as a short name, with
/// dots or a stream at its end.
fn is_git(name: &str) -> bool {
    let is_seen = |c: &char| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = name.chars().filter(is_seen).collect();
    let bare = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    bare.eq_ignore_ascii_case(".git") || bare.eq_ignore_ascii_case("git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // FIPS 180-4, the one-block example.
        assert_eq!(
            sha256_of(b"abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "a\nb",
            "a\0",
            " a",
            "a ",
            ".GIT",
            ".git.",
            ".git::$INDEX",
            "git~1",
            "GIT~1",
            ".g\u{200c}it",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_name(&"x".repeat(256)).is_err());
        for good in
            ["app.tar.gz", "my app (1).zip", "..hidden", "naïve.txt", "-rf", "git~2", ".gitignore", "git"]
        {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }
}
