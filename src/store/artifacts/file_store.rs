//! Artifacts in a folder that several machines can reach:
//! `<dir>/sha256/<hex>`, written once and never overwritten, by anybody.
//!
//! A folder that does not exist yet is made by the first artifact; reading
//! from one is refused as out of reach. What is read is trusted only after it
//! was hashed.

use std::fs::File;
use std::io;
use std::path::Path;

use super::cache::{Cache, CopyOutError, InsertError};
use super::objects::{Objects, measure};
use super::{Entry, Held};
use crate::domain::artifact::Artifact;
use crate::domain::name::Sha256;
use crate::failure::{Doing, Failure, Kind, Result};

/// Writes these artifacts from the cache; those that are there already are
/// checked and left. Safe to run at once from several machines, and to repeat.
pub fn store(dir: &Path, artifacts: &[Artifact], cache: &Cache) -> Result<()> {
    // A new store begins with its first artifact.
    if let Err(why) = std::fs::create_dir_all(dir) {
        return Err(unreachable(dir, why));
    }
    reachable(dir)?;
    let objects = Objects::at(dir);
    artifacts.iter().try_for_each(|artifact| store_one(&objects, artifact, cache))
}

fn store_one(objects: &Objects, artifact: &Artifact, cache: &Cache) -> Result<()> {
    if check_stored(objects, artifact)? {
        return Ok(());
    }
    let mut entry = objects.incoming()?;
    cache.copy_out(artifact, &mut entry).map_err(|error| match error {
        CopyOutError::Write(error) => {
            let path = objects.path(&artifact.digest);
            Failure::failed(format!("cannot write artifact {:?} to {}", artifact.name, path.display()))
                .because(error)
        }
        CopyOutError::Other(failure) => failure,
    })?;
    if !objects.add(entry, &artifact.digest)? {
        // Another machine was first; what it wrote is what will be deployed.
        check_stored(objects, artifact)?;
    }
    Ok(())
}

/// Whether the store has the artifact; a wrong object under its digest is a
/// failure, since it is not ours to replace.
fn check_stored(objects: &Objects, artifact: &Artifact) -> Result<bool> {
    let path = objects.path(&artifact.digest);
    let found = match File::open(&path).and_then(|mut file| measure(&mut file)) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).doing(format!("cannot read {}", path.display())),
    };
    if found.is(artifact) {
        return Ok(true);
    }
    Err(found.mismatch(artifact, "in the store").hint(format!(
        "objects are never overwritten: find out who changed {}, remove it, and try again",
        path.display()
    )))
}

/// Reads these artifacts into the cache, verifying each on its way.
pub fn load(dir: &Path, wanted: &[&Artifact], cache: &Cache) -> Result<()> {
    reachable(dir)?;
    let objects = Objects::at(dir);
    wanted.iter().try_for_each(|artifact| {
        let path = objects.path(&artifact.digest);
        let cannot_read = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::new(
                Kind::Integrity,
                format!(
                    "artifact {:?} is missing: its tag records it, but {} does not exist",
                    artifact.name,
                    path.display()
                ),
            )
            .hint("restore it, or cut anew: rel cut --again"),
            _ => Failure::failed(format!("cannot read {}", path.display())).because(error),
        };
        let mut file = File::open(&path).map_err(cannot_read)?;
        cache.insert(artifact, &mut file, "in the store").map_err(|error| match error {
            InsertError::Read(error) => cannot_read(error),
            InsertError::Other(failure) if failure.kind == Kind::Integrity => {
                failure.hint(format!("the file is {}", path.display()))
            }
            InsertError::Other(failure) => failure,
        })
    })
}

/// The bytes stored under this digest, unverified; none where there are none,
/// or more than `most`.
pub(super) fn read(dir: &Path, digest: &Sha256, most: u64) -> Result<Option<Vec<u8>>> {
    reachable(dir)?;
    Objects::at(dir).read(digest, most)
}

/// What the folder holds of an entry.
pub(super) fn check(dir: &Path, entry: &Entry<'_>, bytes: bool) -> Result<Held> {
    reachable(dir)?;
    let path = Objects::at(dir).path(entry.digest);
    let read = || -> io::Result<Held> {
        let mut file = File::open(&path)?;
        let size = file.metadata()?.len();
        let content = if bytes { Some(measure(&mut file)?) } else { None };
        Ok(Held::of(entry, size, content))
    };
    match read() {
        Ok(held) => Ok(held),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Held::Missing),
        Err(error) => Ok(Held::Otherwise(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn reachable(dir: &Path) -> Result<()> {
    let why = match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => io::Error::from(io::ErrorKind::NotADirectory),
        Err(error) => error,
    };
    Err(unreachable(dir, why))
}

fn unreachable(dir: &Path, why: io::Error) -> Failure {
    Failure::failed(format!("the artifact store {} cannot be reached", dir.display()))
        .because(why)
        .hint("mount it, or name another folder: [artifacts] store in release.toml")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::domain::artifact::sha256_of;

    struct Fixture {
        root: TempDir,
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
        Fixture { root, dir, artifact, cache, other }
    }

    impl Fixture {
        fn object(&self) -> PathBuf {
            self.dir.join("sha256").join(self.artifact.digest.hex())
        }

        fn store(&self) -> Result<()> {
            store(&self.dir, std::slice::from_ref(&self.artifact), &self.cache)
        }

        fn load(&self) -> Result<()> {
            load(&self.dir, &[&self.artifact], &self.other)
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
        let failure = it.load().unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
        assert!(failure.message.contains(&sha256_of(b"hellp").to_string()), "{failure}");
        assert!(it.other.get(&it.artifact).is_none());
        assert_eq!(it.store().unwrap_err().kind, Kind::Integrity);
        assert_eq!(fs::read(it.object()).unwrap(), b"hellp");
    }

    #[test]
    fn a_damaged_cache_never_reaches_the_store() {
        let it = fixture();
        let entry = it.cache.get(&it.artifact).unwrap();
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, "hellp").unwrap();
        assert_eq!(it.store().unwrap_err().kind, Kind::Integrity);
        assert_eq!(fs::read_dir(it.dir.join("sha256")).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_object_is_integrity_and_a_new_store_is_made() {
        let it = fixture();
        it.store().unwrap();
        fs::remove_file(it.object()).unwrap();
        let failure = it.load().unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
        assert!(failure.message.contains("missing"), "{failure}");

        let nowhere = it.root.path().join("nowhere");
        assert_eq!(load(&nowhere, &[&it.artifact], &it.other).unwrap_err().kind, Kind::Failed);
        // A new store begins with its first artifact, where a folder can be made.
        store(&nowhere, std::slice::from_ref(&it.artifact), &it.cache).unwrap();
        load(&nowhere, &[&it.artifact], &it.other).unwrap();
        let file = it.root.path().join("file");
        fs::write(&file, "").unwrap();
        let blocked = file.join("inside");
        let failure = store(&blocked, std::slice::from_ref(&it.artifact), &it.cache).unwrap_err();
        assert_eq!(failure.kind, Kind::Failed);
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
