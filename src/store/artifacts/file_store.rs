//! Artifacts in a folder that several machines can reach:
//! `<dir>/sha256/<hex>`, written once and never overwritten, by anybody.
//!
//! A folder that does not exist yet is made by the first artifact. Reading from one that is not there, or
//! holds no store, as a mount point without its disk, is refused as out of reach: that proves nothing of
//! what the store has. What is read is trusted only after it
//! was hashed.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::{percent_decode_str, percent_encode};

use super::backend::{Backend, Desk, ESCAPED, Holding, Publication, RecordedFile};
use super::cache::Cache;
use super::objects::{Objects, measure};
use crate::domain::artifact::Artifact;
use crate::domain::name::{Oid, ProjectName, Sha256};
use crate::domain::version::CandidateVersion;
use crate::store::error::{Absent, ArtifactError, BadCopy, During, LocationFault, Result, Task};

/// A folder. Invariant: its path is absolute, and not `/` itself.
#[derive(Debug)]
pub(super) struct FolderStore(PathBuf);

/// Reads `file:///dir`, in which `%20` and the like stand for bytes.
pub(super) fn parse(text: &str) -> Option<Result<FolderStore, LocationFault>> {
    let bytes: Vec<u8> = percent_decode_str(text.strip_prefix("file://")?).collect();
    if bytes.first() != Some(&b'/') {
        return Some(Err(LocationFault::Relative));
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Some(Err(LocationFault::ControlCharacters));
    }
    let path: PathBuf = Path::new(OsStr::from_bytes(&bytes)).components().collect();
    Some(if path.parent().is_none() { Err(LocationFault::NoFolder) } else { Ok(FolderStore(path)) })
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", percent_encode(self.0.as_os_str().as_bytes(), ESCAPED))
    }
}

impl Backend for FolderStore {
    /// Those that are there already are checked and left. Safe to run at once
    /// from several machines, and to repeat.
    fn put(&self, desk: &Desk<'_>, artifacts: &[Artifact], _: &Publication<'_>) -> Result<Option<Oid>> {
        // A new store begins with its first artifact.
        if let Err(cause) = fs::create_dir_all(&self.0) {
            return Err(ArtifactError::Unreachable { dir: self.0.clone(), cause }.into());
        }
        let objects = Objects::at(&self.0);
        artifacts.iter().try_for_each(|artifact| put_one(&objects, artifact, desk.cache))?;
        Ok(None)
    }

    fn load(&self, desk: &Desk<'_>, wanted: &[&Artifact]) -> Result<()> {
        let objects = self.objects()?;
        wanted.iter().try_for_each(|artifact| {
            let path = objects.path(&artifact.digest);
            let cannot_read = |error: io::Error| match error.kind() {
                io::ErrorKind::NotFound => {
                    let from = Absent::File(path.clone());
                    ArtifactError::Missing { name: artifact.name.clone(), from }.into()
                }
                _ => Task::ReadPath(path.clone()).because(error),
            };
            let mut file = File::open(&path).map_err(cannot_read)?;
            desk.cache.insert(artifact, &mut file, BadCopy::Stored(path.clone()), cannot_read)
        })
    }

    fn read(&self, _: &Desk<'_>, _: &str, digest: &Sha256) -> Result<Option<Vec<u8>>> {
        self.objects()?.read(digest)
    }

    fn check(&self, _: &Desk<'_>, entry: &RecordedFile<'_>, bytes: bool) -> Result<Holding> {
        let path = self.objects()?.path(entry.digest);
        let read = || -> io::Result<Holding> {
            let mut file = File::open(&path)?;
            let size = file.metadata()?.len();
            let content = if bytes { Some(measure(&mut file)?) } else { None };
            Ok(Holding::of(entry, size, content))
        };
        match read() {
            Ok(held) => Ok(held),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Holding::Missing),
            Err(error) => Ok(Holding::Otherwise(format!("{} cannot be read: {error}", path.display()))),
        }
    }

    fn has(&self, _: &Desk<'_>, artifacts: &[Artifact]) -> bool {
        let objects = Objects::at(&self.0);
        artifacts.iter().all(|artifact| objects.find(artifact).is_some())
    }

    fn uri(&self, _: &ProjectName, _: &CandidateVersion, artifact: &Artifact) -> String {
        format!("{self}/sha256/{}", artifact.digest.hex())
    }

    fn try_writing(&self) -> Result<()> {
        Objects::at(&self.0).incoming().map(drop)
    }

    fn is_out_of_reach(&self) -> bool {
        self.objects().is_err()
    }

    fn spot(&self, digest: &Sha256) -> String {
        Objects::at(&self.0).path(digest).display().to_string()
    }
}

impl FolderStore {
    /// The entries.
    ///
    /// # Errors
    /// The folder is not there, or none of a store.
    fn objects(&self) -> Result<Objects> {
        let objects = Objects::at(&self.0);
        match objects.exist() {
            Ok(()) => Ok(objects),
            Err(cause) => Err(ArtifactError::Unreachable { dir: self.0.clone(), cause }.into()),
        }
    }
}

fn put_one(objects: &Objects, artifact: &Artifact, cache: &Cache) -> Result<()> {
    if is_stored(objects, artifact)? {
        return Ok(());
    }
    let mut entry = objects.incoming()?;
    cache.copy_out(artifact, &mut entry, |error| {
        let to = objects.path(&artifact.digest);
        Task::StoreArtifact { name: artifact.name.clone(), to }.because(error)
    })?;
    if !objects.add(entry, &artifact.digest)? {
        // Another machine was first; what it wrote is what will be deployed.
        is_stored(objects, artifact)?;
    }
    Ok(())
}

/// Whether the store has the artifact; a wrong object under its digest is a
/// failure, since it is not ours to replace.
fn is_stored(objects: &Objects, artifact: &Artifact) -> Result<bool> {
    let path = objects.path(&artifact.digest);
    match File::open(&path).and_then(|mut file| measure(&mut file)) {
        Ok(found) if found.is(artifact) => Ok(true),
        Ok(found) => Err(found.mismatch(artifact, BadCopy::InTheWay(path))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).during(Task::ReadPath(path)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tempfile::TempDir;

    use super::*;
    use crate::domain::artifact::sha256_of;
    use crate::domain::name::Actor;
    use crate::store::error::Error;
    use crate::store::repo::Repo;
    use crate::store::repo::fixture::Sandbox;

    struct Fixture {
        root: TempDir,
        sandbox: Sandbox,
        dir: PathBuf,
        artifact: Artifact,
        cache: Cache,
        other: Cache,
    }

    /// A store, a cache with one artifact, and another clone's empty cache.
    fn fixture() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("store");
        fs::create_dir(&dir).unwrap();
        let cache = Cache::at(root.path().join("cache"));
        let file = root.path().join("a");
        fs::write(&file, "hello").unwrap();
        let artifact = cache.put(&file, "a").unwrap();
        let other = Cache::at(root.path().join("other"));
        Fixture { root, sandbox: Sandbox::new(), dir, artifact, cache, other }
    }

    impl Fixture {
        fn object(&self) -> PathBuf {
            self.dir.join("sha256").join(self.artifact.digest.hex())
        }

        fn repo(&self) -> Repo {
            self.sandbox.open("work")
        }

        fn store(&self) -> Result<()> {
            self.store_in(&self.repo(), &self.dir)
        }

        fn store_in(&self, repo: &Repo, dir: &Path) -> Result<()> {
            let publication = Publication {
                tag: &"v1.0.0-rc.1".parse().unwrap(),
                by: &Actor::new("Ana", "ana@example.com"),
                at: DateTime::UNIX_EPOCH,
                max_size: 0,
            };
            let desk = Desk { repo, cache: &self.cache, commit: None };
            let put =
                FolderStore(dir.to_owned()).put(&desk, std::slice::from_ref(&self.artifact), &publication)?;
            assert_eq!(put, None, "there is nothing to publish");
            Ok(())
        }

        fn load(&self) -> Result<()> {
            self.load_from(&self.dir)
        }

        fn load_from(&self, dir: &Path) -> Result<()> {
            let desk = Desk { repo: &self.repo(), cache: &self.other, commit: None };
            FolderStore(dir.to_owned()).load(&desk, &[&self.artifact])
        }

        fn tamper(&self) {
            fs::remove_file(self.object()).unwrap();
            fs::write(self.object(), "hellp").unwrap();
        }
    }

    #[test]
    fn what_is_stored_can_be_loaded_elsewhere() {
        let it = fixture();
        it.store().unwrap();
        let written = fs::metadata(it.object()).unwrap().modified().unwrap();
        it.store().unwrap();
        assert_eq!(fs::metadata(it.object()).unwrap().modified().unwrap(), written);
        assert!(fs::metadata(it.object()).unwrap().permissions().readonly());
        it.load().unwrap();
        assert!(it.other.verify(&it.artifact).unwrap());
    }

    #[test]
    fn one_changed_byte_is_found_and_never_overwritten() {
        let it = fixture();
        it.store().unwrap();
        it.tamper();
        let altered = |error: Error| match error {
            Error::Artifact(ArtifactError::Altered { found, at, .. }) if found == sha256_of(b"hellp") => at,
            error => panic!("{error:?}"),
        };
        let object = it.object();
        assert!(matches!(altered(it.load().unwrap_err()), BadCopy::Stored(path) if path == object));
        assert!(it.other.get(&it.artifact).is_none());
        assert!(matches!(altered(it.store().unwrap_err()), BadCopy::InTheWay(path) if path == object));
        assert_eq!(fs::read(it.object()).unwrap(), b"hellp");
    }

    #[test]
    fn a_damaged_cache_never_reaches_the_store() {
        let it = fixture();
        let entry = it.cache.get(&it.artifact).unwrap();
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, "hellp").unwrap();
        let altered = it.store().unwrap_err();
        assert!(matches!(altered, Error::Artifact(ArtifactError::Altered { at: BadCopy::Removed, .. })));
        assert_eq!(fs::read_dir(it.dir.join("sha256")).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_object_is_integrity_and_a_new_store_is_made() {
        let it = fixture();
        it.store().unwrap();
        fs::remove_file(it.object()).unwrap();
        let object = it.object();
        assert!(matches!(
            it.load().unwrap_err(),
            Error::Artifact(ArtifactError::Missing { from: Absent::File(path), .. }) if path == object
        ));

        let nowhere = it.root.path().join("nowhere");
        let unreachable = |error: Error| matches!(error, Error::Artifact(ArtifactError::Unreachable { .. }));
        assert!(unreachable(it.load_from(&nowhere).unwrap_err()));
        // A new store begins with its first artifact, where a folder can be made.
        it.store_in(&it.repo(), &nowhere).unwrap();
        it.load_from(&nowhere).unwrap();
        // A mount point without its disk is a folder too.
        fs::remove_dir_all(nowhere.join("sha256")).unwrap();
        assert!(unreachable(it.load_from(&nowhere).unwrap_err()));
        let file = it.root.path().join("file");
        fs::write(&file, "").unwrap();
        let blocked = file.join("inside");
        assert!(unreachable(it.store_in(&it.repo(), &blocked).unwrap_err()));
    }

    #[test]
    fn writers_that_race_all_succeed() {
        let it = fixture();
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| it.store())).collect();
            runs.into_iter().for_each(|run| run.join().unwrap().unwrap());
        });
        assert_eq!(fs::read_dir(it.dir.join("sha256")).unwrap().count(), 1);
        it.load().unwrap();
    }
}
