//! What builds made: collecting it, keeping it, and giving back the same bytes.
//!
//! | file | what it does |
//! |---|---|
//! | [`collect`] | finds a build's files and references in its checkout |
//! | [`backend`] | what a kind of place has to do |
//! | [`cache`] | this clone's verified copies, which commands are given |
//! | [`git_store`] | artifacts as git objects |
//! | [`file_store`] | artifacts in a shared folder |
//!
//! A [`Store`] is one place outside this clone. Another kind of place is a file
//! here with its [`Backend`], and a line in [`locate`]. Where a candidate's
//! artifacts are is read from its tag, so that a changed `[artifacts] store`
//! orphans nothing. No ref is moved and nothing is pushed or fetched here.

mod backend;
pub(crate) mod cache;
pub(crate) mod collect;
mod file_store;
mod git_store;
mod objects;

use std::rc::Rc;

use self::backend::{Backend, Desk};
pub(crate) use self::backend::{Holding, Publication, RecordedFile};
use self::cache::Cache;
use super::error::{Absent, ArtifactError, LocationFault, Result};
use super::repo::Repo;
use crate::domain::artifact::{Artifact, sha256_of};
use crate::domain::name::{Oid, Sha256};

/// Where artifacts are kept.
pub(crate) type Location = Rc<dyn Backend>;

/// Reads `git` or `file:///dir`.
///
/// # Errors
/// It is neither.
pub(crate) fn locate(text: &str) -> Result<Location> {
    let bad = |why| ArtifactError::Location { text: text.to_owned(), why };
    if text == "git" {
        return Ok(Rc::new(git_store::GitStore));
    }
    if let Some(folder) = file_store::parse(text) {
        return Ok(Rc::new(folder.map_err(bad)?));
    }
    let known = ["s3://", "gs://", "az://", "oci://"].iter().any(|scheme| text.starts_with(scheme));
    Err(bad(if known { LocationFault::Unsupported } else { LocationFault::Unknown }).into())
}

/// One place where artifacts are kept, and this clone's cache in front of it.
///
/// `commit` is the one behind `ArtifactsRef`, with its objects already in this
/// repository; only a place behind a ref asks for it.
pub(crate) struct Store<'a> {
    location: Location,
    repo: &'a Repo,
    cache: &'a Cache,
}

impl<'a> Store<'a> {
    /// The store at this location. Nothing is read yet, so this never fails.
    pub fn open(location: Location, repo: &'a Repo, cache: &'a Cache) -> Store<'a> {
        Store { location, repo, cache }
    }

    fn desk(&self, commit: Option<Oid>) -> Desk<'a> {
        Desk { repo: self.repo, cache: self.cache, commit }
    }

    /// Stores artifacts that are in the cache.
    ///
    /// Returns the commit that the caller publishes as `ArtifactsRef`: until
    /// then nobody else has them. `None` if there is nothing to publish.
    pub fn put(&self, artifacts: &[Artifact], publication: &Publication<'_>) -> Result<Option<Oid>> {
        if artifacts.is_empty() {
            return Ok(None);
        }
        self.location.put(&self.desk(None), artifacts, publication)
    }

    /// Whether [`Store::fetch`] of these would read the commit behind
    /// `ArtifactsRef`, which the caller then fetches first.
    pub fn needs_commit(&self, artifacts: &[Artifact]) -> bool {
        self.location.is_behind_ref() && !self.cache.missing(artifacts).is_empty()
    }

    /// Brings those that the cache lacks into it, verified.
    ///
    /// # Errors
    /// The store does not have one as it was recorded.
    pub fn fetch(&self, artifacts: &[Artifact], commit: Option<Oid>) -> Result<()> {
        let missing = self.cache.missing(artifacts);
        if missing.is_empty() {
            return Ok(());
        }
        self.location.load(&self.desk(commit), &missing)
    }

    /// Whether all of these are there, as far as can be told without reading them.
    pub fn has(&self, artifacts: &[Artifact], commit: Option<Oid>) -> bool {
        self.location.has(&self.desk(commit), artifacts)
    }

    /// The bytes of one small entry whose size nothing records, such as a
    /// provenance statement, verified.
    ///
    /// # Errors
    /// The store does not have it, or what it has is not what `digest` says.
    pub fn read(&self, name: &str, digest: &Sha256, commit: Option<Oid>) -> Result<Vec<u8>> {
        let name = || name.to_owned();
        let found = self.location.read(&self.desk(commit), &name(), digest)?;
        let bytes = found.ok_or_else(|| ArtifactError::Missing { name: name(), from: Absent::Store })?;
        let found = sha256_of(&bytes);
        if found != *digest {
            return Err(ArtifactError::AlteredEntry { name: name(), recorded: *digest, found }.into());
        }
        Ok(bytes)
    }

    /// Looks whether the store holds an entry as it was recorded, and keeps
    /// nothing of it. Without `bytes` only its size is looked at.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub fn check(&self, entry: &RecordedFile<'_>, commit: Option<Oid>, bytes: bool) -> Result<Holding> {
        self.location.check(&self.desk(commit), entry, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::domain::name::{Actor, TagName};
    use crate::store::error::Error;

    #[test]
    fn locations_as_people_write_them() {
        for (text, printed) in [
            ("git", "git"),
            ("file:///srv/rel", "file:///srv/rel"),
            ("file:///srv/rel/", "file:///srv/rel"),
            ("file:///my dir", "file:///my%20dir"),
            ("file:///my%20dir", "file:///my%20dir"),
            ("file:///100%", "file:///100%25"),
        ] {
            assert_eq!(locate(text).unwrap().to_string(), printed);
        }
        let digest = sha256_of(b"");
        let spot = locate("file:///my%20dir/").unwrap().spot(&digest);
        assert_eq!(spot, format!("/my dir/sha256/{}", digest.hex()));
    }

    #[test]
    fn other_locations_are_refused() {
        for (text, fault) in [
            ("s3://bucket", LocationFault::Unsupported),
            ("gs://bucket", LocationFault::Unsupported),
            ("az://bucket", LocationFault::Unsupported),
            ("oci://registry/app", LocationFault::Unsupported),
            ("https://example.com", LocationFault::Unknown),
            ("Git", LocationFault::Unknown),
            ("", LocationFault::Unknown),
            ("/srv/rel", LocationFault::Unknown),
            ("file://srv/rel", LocationFault::Relative),
            ("file://", LocationFault::Relative),
            ("file:///", LocationFault::NoFolder),
            ("file:///a%00b", LocationFault::ControlCharacters),
        ] {
            let Err(Error::Artifact(ArtifactError::Location { why, .. })) = locate(text) else {
                panic!("{text}")
            };
            assert_eq!(why, fault, "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_location_are_inverse(dir in "(/[^/\\x00-\\x1f\\x7f]{1,8}){1,4}") {
            let path: PathBuf = Path::new(&dir).components().collect();
            prop_assume!(path.parent().is_some());
            let location = locate(&format!("file://{}", dir.replace('%', "%25"))).unwrap();
            let digest = sha256_of(b"");
            prop_assert_eq!(location.spot(&digest), path.join("sha256").join(digest.hex()).display().to_string());
            let printed = location.to_string();
            prop_assert!(!printed.contains(char::is_whitespace) || !printed.is_ascii());
            prop_assert_eq!(locate(&printed).unwrap().spot(&digest), location.spot(&digest));
        }
    }

    fn both(dir: &Path) -> [Location; 2] {
        ["git".to_owned(), format!("file://{}", dir.display())].map(|text| locate(&text).unwrap())
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

        for location in both(&dir) {
            let store = Store::open(location.clone(), &repo, &cache);
            assert!(store.put(&[], &publication).unwrap().is_none());
            let commit = store.put(&artifacts, &publication).unwrap();
            assert_eq!(commit.is_some(), location.is_behind_ref());

            let elsewhere = Cache::at(root.path().join(format!("elsewhere-{}", commit.is_some())));
            let store = Store::open(location.clone(), &repo, &elsewhere);
            assert_eq!(store.needs_commit(&artifacts), commit.is_some());
            store.fetch(&artifacts, commit).unwrap();
            assert!(elsewhere.verify(&artifacts[0]).unwrap());
            // With everything here, no store is asked.
            assert!(!store.needs_commit(&artifacts));
            store.fetch(&artifacts, None).unwrap();
        }
        let empty = Cache::at(root.path().join("empty"));
        let error = Store::open(locate("git").unwrap(), &repo, &empty).fetch(&artifacts, None).unwrap_err();
        assert!(matches!(error, Error::Artifact(ArtifactError::Missing { from: Absent::Ref, .. })));
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
        for location in both(&dir) {
            let store = Store::open(location.clone(), &repo, &cache);
            let commit = store.put(std::slice::from_ref(&artifact), &publication).unwrap();
            assert_eq!(store.read("a", &artifact.digest, commit).unwrap(), b"hello");
            // In git it is found by its name and has another content; in a folder there is none.
            let Err(Error::Artifact(error)) = store.read("a", &other, commit) else { panic!("{location}") };
            assert_eq!(matches!(error, ArtifactError::AlteredEntry { .. }), location.is_behind_ref());
        }
        let store = Store::open(locate("git").unwrap(), &repo, &cache);
        let error = store.read("a", &artifact.digest, None).unwrap_err();
        assert!(matches!(error, Error::Artifact(ArtifactError::Missing { from: Absent::Store, .. })));

        let kept = root.path().join("cache/sha256").join(artifact.digest.hex());
        fs::remove_file(&kept).unwrap();
        fs::write(&kept, "hellp").unwrap();
        assert_eq!(cache.read(&artifact.digest).unwrap(), None, "a damaged copy counts as none");
        let stored = dir.join("sha256").join(artifact.digest.hex());
        fs::remove_file(&stored).unwrap();
        fs::write(&stored, "hellp").unwrap();
        let [_, folder] = both(&dir);
        let error = Store::open(folder, &repo, &cache).read("a", &artifact.digest, None).unwrap_err();
        assert!(matches!(error, Error::Artifact(ArtifactError::AlteredEntry { .. })));
    }

    #[test]
    fn uris_are_as_documented() {
        let artifact = Artifact { name: "a b".into(), digest: sha256_of(b""), size: 0 };
        let (project, version) = ("shop".parse().unwrap(), "1.5.0-rc.2".to_owned().try_into().unwrap());
        let [git, folder] = both(Path::new("/srv/my dir"));
        assert_eq!(git.uri(&project, &version, &artifact), "git:refs/rel/shop/artifacts/1.5.0-rc.2#a%20b");
        assert_eq!(
            folder.uri(&project, &version, &artifact),
            format!("file:///srv/my%20dir/sha256/{}", artifact.digest.hex())
        );
    }
}
