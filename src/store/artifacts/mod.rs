//! What builds made: collecting it, keeping it, and giving back the same bytes.
//!
//! | file | what it does |
//! |---|---|
//! | [`collect`] | finds a build's files and references in its checkout |
//! | [`cache`] | this clone's verified copies, which commands are given |
//! | [`git_store`] | artifacts as git objects |
//! | [`file_store`] | artifacts in a shared folder |
//!
//! A [`Store`] is one place outside this clone. Where a candidate's artifacts
//! are is read from its tag, so that a changed `[artifacts] store` orphans
//! nothing. No ref is moved and nothing is pushed or fetched here.

pub mod cache;
pub mod collect;
pub mod file_store;
pub mod git_store;
mod objects;

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use self::cache::Cache;
pub use self::git_store::{Publication, PutError, TooLarge};
use self::objects::Measured;
use crate::domain::artifact::{Artifact, sha256_of};
use crate::domain::name::{Oid, ProjectName, Sha256};
use crate::failure::{Failure, Kind, Result};
use crate::store::partial;
use crate::store::repo::Repo;

/// The most bytes of an entry that is read whole: many times what a provenance
/// statement takes.
const SMALL: u64 = 16 * 1024 * 1024;

/// What a path or a fragment of a URI spells with `%` (RFC 3986, 3.3 and 3.5),
/// so that a location is one word in a tag and an artifact one in JSON.
const ESCAPED: &AsciiSet = &CONTROLS
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

/// Where artifacts are kept: `[artifacts] store`, and `Rel-Store` in a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this repository and its remote, behind a ref of their own.
    Git,
    /// In a folder, by content. Invariant: absolute, and not `/` itself.
    File(PathBuf),
}

impl Location {
    /// Reads `git` or `file:///dir`, in which `%20` and the like stand for
    /// bytes. Anything else is a [`Kind::Config`] failure that says what may
    /// stand there.
    pub fn parse(text: &str) -> Result<Location> {
        if text == "git" {
            return Ok(Location::Git);
        }
        let bad = |why: String| {
            Failure::new(Kind::Config, format!("artifact store {text:?} {why}"))
                .hint("a store is \"git\" or \"file:///dir\"")
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(bad("is not known".to_owned()));
        };
        match scheme {
            "file" => {}
            "s3" | "gs" | "az" | "oci" => return Err(bad("is not supported by this version".to_owned())),
            _ => return Err(bad("is not known".to_owned())),
        }
        let bytes: Vec<u8> = percent_decode_str(rest).collect();
        if bytes.first() != Some(&b'/') {
            return Err(bad("names no absolute folder: three slashes begin one".to_owned()));
        }
        if bytes.iter().any(u8::is_ascii_control) {
            return Err(bad("has control characters".to_owned()));
        }
        let path: PathBuf = Path::new(OsStr::from_bytes(&bytes)).components().collect();
        if path.parent().is_none() {
            return Err(bad("names no folder".to_owned()));
        }
        Ok(Location::File(path))
    }
}

impl FromStr for Location {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Location> {
        Location::parse(text)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Git => f.write_str("git"),
            Location::File(dir) => {
                write!(f, "file://{}", percent_encode(dir.as_os_str().as_bytes(), ESCAPED))
            }
        }
    }
}

/// `refs/rel/<project>/artifacts/<version>`: what the git store publishes.
/// `version` is the candidate's, such as `1.5.0-rc.2`.
pub fn artifacts_ref(project: &ProjectName, version: impl fmt::Display) -> String {
    format!("refs/rel/{project}/artifacts/{version}")
}

/// A file that a tag records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its digest.
    pub digest: &'a Sha256,
    /// Its size, where that is recorded: of a provenance statement it is not.
    pub size: Option<u64>,
}

impl<'a> From<&'a Artifact> for Entry<'a> {
    fn from(Artifact { name, digest, size }: &'a Artifact) -> Entry<'a> {
        Entry { name, digest, size: Some(*size) }
    }
}

/// What a store turned out to hold of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// All of it as recorded, as far as was looked; its size.
    Whole(u64),
    /// Nothing.
    Missing,
    /// Something else, in words.
    Otherwise(String),
}

impl Held {
    /// What a file is that has this size and, if it was looked at, this content.
    fn of(entry: &Entry<'_>, size: u64, content: Option<Measured>) -> Held {
        match content {
            _ if entry.size.is_some_and(|recorded| recorded != size) => {
                Held::Otherwise(format!("it has {size} bytes, not {}", entry.size.unwrap_or_default()))
            }
            Some(found) if found.digest != *entry.digest => {
                Held::Otherwise(format!("it is {}, not {}", found.digest, entry.digest))
            }
            _ => Held::Whole(size),
        }
    }
}

/// One place where artifacts are kept, and this clone's cache in front of it.
pub struct Store<'a> {
    location: Location,
    repo: &'a Repo,
    cache: &'a Cache,
}

impl<'a> Store<'a> {
    /// The store at this location. Nothing is read yet, so this never fails.
    pub fn open(location: Location, repo: &'a Repo, cache: &'a Cache) -> Store<'a> {
        Store { location, repo, cache }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Stores artifacts that are in the cache.
    ///
    /// `Some` is a commit that the caller publishes as [`artifacts_ref`]: until
    /// then nobody else has them. `None` says there is nothing to publish: the
    /// store has them already, or there are none.
    pub fn put(
        &self,
        artifacts: &[Artifact],
        publication: &Publication<'_>,
    ) -> Result<Option<Oid>, PutError> {
        if artifacts.is_empty() {
            return Ok(None);
        }
        match &self.location {
            Location::Git => git_store::store(self.repo.git2(), artifacts, self.cache, publication).map(Some),
            Location::File(dir) => {
                file_store::store(dir, artifacts, self.cache)?;
                Ok(None)
            }
        }
    }

    /// Whether [`Store::fetch`] of these would read the commit behind
    /// [`artifacts_ref`], which the caller then fetches first.
    pub fn needs_commit(&self, artifacts: &[Artifact]) -> bool {
        self.location == Location::Git && !self.cache.missing(artifacts).is_empty()
    }

    /// Brings those that the cache lacks into it, verified.
    ///
    /// `commit` is the one behind [`artifacts_ref`], with its objects already
    /// in this repository; only the git store asks for it. An artifact that
    /// the store does not have as recorded is a [`Kind::Integrity`] failure.
    pub fn fetch(&self, artifacts: &[Artifact], commit: Option<&Oid>) -> Result<()> {
        let missing = self.cache.missing(artifacts);
        let Some(first) = missing.first() else {
            return Ok(());
        };
        match (&self.location, commit) {
            (Location::Git, Some(commit)) => {
                partial::bring_entries(self.repo, *commit)?;
                git_store::load(self.repo.git2(), commit, &missing, self.cache)
            }
            (Location::Git, None) => Err(Failure::new(
                Kind::Integrity,
                format!("artifact {:?} is missing: the ref that keeps it in git does not exist", first.name),
            )
            .hint("rel fsck")
            .hint("rel cut --again builds a new candidate")),
            (Location::File(dir), _) => file_store::load(dir, &missing, self.cache),
        }
    }

    /// The bytes of one small entry whose size nothing records, such as a
    /// provenance statement, verified. `commit` is as for [`Store::fetch`].
    ///
    /// # Errors
    /// The store does not have it, or what it has is not what `digest` says
    /// ([`Kind::Integrity`]).
    pub fn read(&self, name: &str, digest: &Sha256, commit: Option<&Oid>) -> Result<Vec<u8>> {
        let found = match (&self.location, commit) {
            (Location::Git, Some(commit)) => git_store::read(self.repo.git2(), commit, name, SMALL)?,
            (Location::Git, None) => None,
            (Location::File(dir), _) => file_store::read(dir, digest, SMALL)?,
        };
        let Some(bytes) = found else {
            return Err(Failure::new(
                Kind::Integrity,
                format!("{name:?} is missing: its tag records it, but its store does not hold it"),
            )
            .hint("rel fsck"));
        };
        let held = sha256_of(&bytes);
        if held != *digest {
            return Err(Failure::new(
                Kind::Integrity,
                format!("{name:?} is not what was recorded: expected {digest}, found {held}"),
            )
            .hint("rel fsck"));
        }
        Ok(bytes)
    }

    /// Looks whether the store holds an entry as it was recorded, and keeps
    /// nothing of it. Without `bytes` only its size is looked at. `commit` is as
    /// for [`Store::fetch`].
    ///
    /// # Errors
    /// The store cannot be asked.
    pub fn check(&self, entry: &Entry<'_>, commit: Option<&Oid>, bytes: bool) -> Result<Held> {
        match (&self.location, commit) {
            (Location::Git, Some(commit)) => git_store::check(self.repo.git2(), commit, entry, bytes),
            (Location::Git, None) => Ok(Held::Missing),
            (Location::File(dir), _) => file_store::check(dir, entry, bytes),
        }
    }

    /// Where one artifact of a candidate is, as JSON shows it:
    /// `git:refs/rel/<project>/artifacts/<version>#<name>` or
    /// `file:///dir/sha256/<hex>`.
    pub fn uri(&self, project: &ProjectName, version: impl fmt::Display, artifact: &Artifact) -> String {
        uri(&self.location, project, version, artifact)
    }
}

/// [`Store::uri`] without a store at hand.
pub fn uri(
    location: &Location,
    project: &ProjectName,
    version: impl fmt::Display,
    artifact: &Artifact,
) -> String {
    match location {
        Location::Git => {
            let name = percent_encode(artifact.name.as_bytes(), ESCAPED);
            format!("git:{}#{name}", artifacts_ref(project, version))
        }
        Location::File(_) => format!("{location}/sha256/{}", artifact.digest.hex()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::artifact::sha256_of;
    use crate::domain::name::{Actor, TagName};

    #[test]
    fn locations_as_people_write_them() {
        for (text, dir, printed) in [
            ("file:///srv/rel", "/srv/rel", "file:///srv/rel"),
            ("file:///srv/rel/", "/srv/rel", "file:///srv/rel"),
            ("file:///my dir", "/my dir", "file:///my%20dir"),
            ("file:///my%20dir", "/my dir", "file:///my%20dir"),
            ("file:///100%", "/100%", "file:///100%25"),
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!(location, Location::File(dir.into()), "{text}");
            assert_eq!(location.to_string(), printed);
        }
        assert_eq!(Location::parse("git").unwrap().to_string(), "git");
    }

    #[test]
    fn other_locations_are_refused_with_what_is_allowed() {
        for (text, part) in [
            ("s3://bucket", "not supported by this version"),
            ("gs://bucket", "not supported by this version"),
            ("az://bucket", "not supported by this version"),
            ("oci://registry/app", "not supported by this version"),
            ("https://example.com", "not known"),
            ("Git", "not known"),
            ("", "not known"),
            ("/srv/rel", "not known"),
            ("file://srv/rel", "absolute"),
            ("file://", "absolute"),
            ("file:///", "no folder"),
            ("file:///a%00b", "control"),
        ] {
            let failure = Location::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Config, "{text}");
            assert!(failure.message.contains(part), "{failure}");
            assert!(failure.hints[0].contains("file:///dir"));
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_location_are_inverse(dir in "(/[^/\\x00-\\x1f\\x7f]{1,8}){1,4}") {
            let path: PathBuf = Path::new(&dir).components().collect();
            prop_assume!(path.parent().is_some());
            let location = Location::File(path);
            let printed = location.to_string();
            prop_assert!(!printed.contains(char::is_whitespace) || !printed.is_ascii());
            prop_assert_eq!(Location::parse(&printed).unwrap(), location);
        }
    }

    /// Both stores, through the one interface: put here, fetched elsewhere.
    #[test]
    fn a_store_gives_back_what_it_was_given() {
        let root = tempfile::tempdir().unwrap();
        let sandbox = crate::store::repo::fixture::Sandbox::new();
        let repo = sandbox.open("work");
        let dir = root.path().join("store");
        fs::create_dir(&dir).unwrap();
        let cache = Cache::at(root.path().join("cache"));
        fs::write(root.path().join("a b"), "hello").unwrap();
        let artifacts = [cache.put(&root.path().join("a b"), "a b").unwrap()];
        let tag: TagName = "v1.0.0-rc.1".parse().unwrap();
        let by = Actor::new("Ana", "ana@example.com");
        let at = chrono::DateTime::UNIX_EPOCH;
        let publication = Publication { tag: &tag, by: &by, at, max_size: 5 };

        for location in [Location::Git, Location::File(dir)] {
            let store = Store::open(location.clone(), &repo, &cache);
            assert!(store.put(&[], &publication).unwrap().is_none());
            let commit = store.put(&artifacts, &publication).unwrap();
            assert_eq!(commit.is_some(), location == Location::Git);

            let elsewhere = Cache::at(root.path().join(format!("elsewhere-{}", commit.is_some())));
            let store = Store::open(location.clone(), &repo, &elsewhere);
            assert_eq!(store.needs_commit(&artifacts), commit.is_some());
            store.fetch(&artifacts, commit.as_ref()).unwrap();
            assert!(elsewhere.verify(&artifacts[0]).unwrap());
            // With everything here, no store is asked.
            assert!(!store.needs_commit(&artifacts));
            store.fetch(&artifacts, None).unwrap();
        }
        let empty = Cache::at(root.path().join("empty"));
        let failure = Store::open(Location::Git, &repo, &empty).fetch(&artifacts, None).unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
    }

    /// An entry whose size nothing records, from either store and from the cache.
    #[test]
    fn a_small_entry_is_read_by_its_digest_and_verified() {
        let root = tempfile::tempdir().unwrap();
        let sandbox = crate::store::repo::fixture::Sandbox::new();
        let repo = sandbox.open("work");
        let dir = root.path().join("store");
        fs::create_dir(&dir).unwrap();
        let cache = Cache::at(root.path().join("cache"));
        fs::write(root.path().join("a"), "hello").unwrap();
        let artifact = cache.put(&root.path().join("a"), "a").unwrap();
        let tag: TagName = "v1.0.0-rc.1".parse().unwrap();
        let by = Actor::new("Ana", "ana@example.com");
        let publication = Publication { tag: &tag, by: &by, at: chrono::DateTime::UNIX_EPOCH, max_size: 5 };
        let other = sha256_of(b"other");

        assert_eq!(cache.read(&artifact.digest).unwrap().unwrap(), b"hello");
        assert_eq!(cache.read(&other).unwrap(), None);
        for location in [Location::Git, Location::File(dir.clone())] {
            let store = Store::open(location.clone(), &repo, &cache);
            let commit = store.put(std::slice::from_ref(&artifact), &publication).unwrap();
            assert_eq!(store.read("a", &artifact.digest, commit.as_ref()).unwrap(), b"hello");
            // In git it is found by its name and has another content; in a folder there is none.
            let failure = store.read("a", &other, commit.as_ref()).unwrap_err();
            assert_eq!(failure.kind, Kind::Integrity, "{location}");
        }
        let store = Store::open(Location::Git, &repo, &cache);
        assert_eq!(store.read("a", &artifact.digest, None).unwrap_err().kind, Kind::Integrity);

        let kept = root.path().join("cache/sha256").join(artifact.digest.hex());
        fs::remove_file(&kept).unwrap();
        fs::write(&kept, "hellp").unwrap();
        assert_eq!(cache.read(&artifact.digest).unwrap(), None, "a damaged copy counts as none");
        let stored = dir.join("sha256").join(artifact.digest.hex());
        fs::remove_file(&stored).unwrap();
        fs::write(&stored, "hellp").unwrap();
        let store = Store::open(Location::File(dir), &repo, &cache);
        assert_eq!(store.read("a", &artifact.digest, None).unwrap_err().kind, Kind::Integrity);
    }

    #[test]
    fn uris_are_as_documented() {
        let artifact = Artifact { name: "a b".into(), digest: sha256_of(b""), size: 0 };
        let project = "shop".parse().unwrap();
        assert_eq!(
            uri(&Location::Git, &project, "1.5.0-rc.2", &artifact),
            "git:refs/rel/shop/artifacts/1.5.0-rc.2#a%20b"
        );
        assert_eq!(
            uri(&Location::File("/srv/my dir".into()), &project, "1.5.0-rc.2", &artifact),
            format!("file:///srv/my%20dir/sha256/{}", artifact.digest.hex())
        );
    }
}
