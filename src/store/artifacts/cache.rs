//! This clone's copies of artifacts, by content: `<dir>/sha256/<hex>`.
//!
//! Everything passes through here: a build's files on their way into a store,
//! a store's files on their way to a command. It is a cache: any entry may be
//! deleted at any time and is fetched again. It decides nothing about what to
//! keep, and it never hands a command a byte that it has not just hashed.

use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::SMALL;
use super::objects::{CopyError, Measured, Objects, copy, measure};
use crate::domain::artifact::{Artifact, Reference, check_name, sha256_of};
use crate::domain::name::{Oid, Sha256, TagName};
use crate::failure::{Doing, Failure, Kind, Result};

/// A clone's cache of artifacts. Safe to use from several processes at once.
#[derive(Debug, Clone)]
pub struct Cache {
    objects: Objects,
}

impl Cache {
    /// The cache in this folder, which is created when something is put there.
    pub fn at(dir: PathBuf) -> Cache {
        Cache { objects: Objects::at(&dir) }
    }

    /// Takes in a file that a build made, and says what it is.
    ///
    /// One pass in constant memory. The entry appears whole or not at all;
    /// one of the same digest is replaced by this copy, which differs only if
    /// the old one had been damaged.
    pub fn put(&self, from: &Path, name: &str) -> Result<Artifact> {
        check_name(name).map_err(|bad| Failure::failed(bad.0))?;
        let unreadable = || format!("cannot read {}", from.display());
        let mut source = File::open(from).doing(unreadable())?;
        let mut entry = self.objects.incoming()?;
        let Measured { digest, size } =
            copy(&mut source, &mut entry, u64::MAX).map_err(|error| match error {
                CopyError::Read(error) => Failure::failed(unreadable()).because(error),
                CopyError::Write(error) => cannot_write(name, error),
            })?;
        self.objects.replace(entry, &digest)?;
        Ok(Artifact { name: name.to_owned(), digest, size })
    }

    /// Where the artifact is, if it is here in its full size. Its content is
    /// not looked at: see [`Cache::verify`] and [`Cache::lay_out`].
    pub fn get(&self, artifact: &Artifact) -> Option<PathBuf> {
        self.objects.find(artifact)
    }

    /// Whether the artifact is here and every byte of it is as recorded.
    /// An entry that is not stays where it is.
    pub fn verify(&self, artifact: &Artifact) -> Result<bool> {
        let Some(path) = self.get(artifact) else {
            return Ok(false);
        };
        let found = File::open(&path).and_then(|mut file| measure(&mut file));
        match found {
            Ok(found) => Ok(found.is(artifact)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).doing(format!("cannot read {}", path.display())),
        }
    }

    /// What is here under this digest, whole and verified, for an entry whose
    /// size nothing records. One that is not what its name says, or larger
    /// than 16 MiB, counts as missing.
    pub fn read(&self, digest: &Sha256) -> Result<Option<Vec<u8>>> {
        self.objects.read(digest, SMALL).map(|bytes| bytes.filter(|bytes| sha256_of(bytes) == *digest))
    }

    /// Those that are not here, or not in their full size.
    pub fn missing<'a>(&self, artifacts: &'a [Artifact]) -> Vec<&'a Artifact> {
        artifacts.iter().filter(|artifact| self.get(artifact).is_none()).collect()
    }

    /// Takes in an artifact from a store. What does not have the recorded
    /// digest and size is a [`Kind::Integrity`] failure and leaves nothing.
    pub fn insert_stream(&self, expected: &Artifact, mut from: impl Read) -> Result<()> {
        self.insert(expected, &mut from, "as it was read").map_err(|error| match error {
            InsertError::Read(error) => {
                Failure::failed(format!("cannot read artifact {:?}", expected.name)).because(error)
            }
            InsertError::Other(failure) => failure,
        })
    }

    /// [`Cache::insert_stream`] for stores, which can say what an unreadable
    /// source means and in which `place` it is.
    pub(super) fn insert(
        &self,
        expected: &Artifact,
        from: &mut impl Read,
        place: &str,
    ) -> Result<(), InsertError> {
        let mut entry = self.objects.incoming()?;
        let found = copy(from, &mut entry, expected.size).map_err(|error| match error {
            CopyError::Read(error) => InsertError::Read(error),
            CopyError::Write(error) => InsertError::Other(cannot_write(&expected.name, error)),
        })?;
        if !found.is(expected) {
            return Err(InsertError::Other(found.mismatch(expected, place)));
        }
        Ok(self.objects.replace(entry, &expected.digest)?)
    }

    /// Copies the artifact out, hashing what is copied. An entry that is not
    /// what was recorded is removed, so that fetching again can heal it; that
    /// and a missing one are [`Kind::Integrity`].
    pub(super) fn copy_out(&self, artifact: &Artifact, to: &mut impl io::Write) -> Result<(), CopyOutError> {
        let path = self.objects.path(&artifact.digest);
        let unreadable =
            |error: io::Error| Failure::failed(format!("cannot read {}", path.display())).because(error);
        let mut entry = match File::open(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let gone = format!("artifact {:?} is missing from this clone's cache", artifact.name);
                return Err(CopyOutError::Other(
                    Failure::new(Kind::Integrity, gone)
                        .hint("run the same command again: it is fetched anew"),
                ));
            }
            Err(error) => return Err(CopyOutError::Other(unreadable(error))),
        };
        let found = copy(&mut entry, to, artifact.size).map_err(|error| match error {
            CopyError::Read(error) => CopyOutError::Other(unreadable(error)),
            CopyError::Write(error) => CopyOutError::Write(error),
        })?;
        if found.is(artifact) {
            return Ok(());
        }
        let mut failure = found.mismatch(artifact, "in this clone's cache");
        failure = match std::fs::remove_file(&path) {
            Ok(()) => {
                failure.hint("the bad copy was removed; run the same command again to fetch a good one")
            }
            Err(error) => failure.hint(format!("remove {}: {error}", path.display())),
        };
        Err(CopyOutError::Other(failure))
    }

    /// Lays the artifacts out for a command: each under its name in `into`,
    /// which is created and must hold none of these names yet.
    ///
    /// They are copies, so that a command which writes to one harms nobody
    /// else, with mode 0644 less the umask: whether a file was executable is
    /// not recorded. Every byte is hashed on its way; the first one that is
    /// wrong is a [`Kind::Integrity`] failure, its entry is removed so that
    /// fetching again can heal it, and nothing laid out here remains. So is
    /// a name that leads out of `into`, whoever recorded it.
    pub fn lay_out(&self, artifacts: &[Artifact], into: &Path) -> Result<()> {
        for artifact in artifacts {
            check_name(&artifact.name).map_err(|bad| {
                Failure::new(Kind::Integrity, bad.0)
                    .hint("rel records no such name: find out who made the tag")
            })?;
        }
        std::fs::create_dir_all(into).doing(format!("cannot create {}", into.display()))?;
        let mut done = Vec::new();
        let result = artifacts.iter().try_for_each(|artifact| {
            let path = into.join(&artifact.name);
            self.lay_out_one(artifact, into, &path)?;
            done.push(path);
            Ok(())
        });
        if result.is_err() {
            for path in done {
                // The folder is the caller's to throw away; this only spares
                // it half a set where the folder is used again.
                let _ = std::fs::remove_file(path);
            }
        }
        result
    }

    fn lay_out_one(&self, artifact: &Artifact, into: &Path, path: &Path) -> Result<()> {
        let cannot = |error: io::Error| {
            Failure::failed(format!("cannot lay out artifact {:?} in {}", artifact.name, into.display()))
                .because(error)
        };
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(into)
            .map_err(cannot)?;
        self.copy_out(artifact, &mut file).map_err(|error| match error {
            CopyOutError::Write(error) => cannot(error),
            CopyOutError::Other(failure) => failure,
        })?;
        // Not over another: two names may be one to a file system that folds case.
        file.persist_noclobber(path).map_err(|failed| cannot(failed.error))?;
        Ok(())
    }
}

/// Why an artifact did not get into the cache.
#[derive(Debug)]
pub(super) enum InsertError {
    /// The source cannot be read; the store knows what that means.
    Read(io::Error),
    /// Anything else.
    Other(Failure),
}

impl From<Failure> for InsertError {
    fn from(failure: Failure) -> InsertError {
        InsertError::Other(failure)
    }
}

/// Why an artifact did not get out of the cache.
#[derive(Debug)]
pub(super) enum CopyOutError {
    /// The destination cannot be written.
    Write(io::Error),
    /// Anything else.
    Other(Failure),
}

fn cannot_write(name: &str, error: io::Error) -> Failure {
    Failure::failed(format!("cannot write artifact {name:?} to this clone's cache")).because(error)
}

/// What `REL_MANIFEST` tells a command about the artifacts that lie in `dir`:
/// `{"schema":1,"tag":…,"commit":…,"artifacts":[{name, digest, size, path}],
/// "references":[{name, digest, uri}]}`.
pub fn manifest(
    tag: &TagName,
    commit: &Oid,
    artifacts: &[Artifact],
    references: &[Reference],
    dir: &Path,
) -> Result<Value> {
    let artifacts = artifacts
        .iter()
        .map(|Artifact { name, digest, size }| {
            let path = dir.join(name);
            let path = path.to_str().ok_or_else(|| {
                Failure::failed(format!("cannot describe {}: its path is not UTF-8", path.display()))
            })?;
            Ok(json!({ "name": name, "digest": digest, "size": size, "path": path }))
        })
        .collect::<Result<Vec<Value>>>()?;
    Ok(json!({
        "schema": 1,
        "tag": tag,
        "commit": commit,
        "artifacts": artifacts,
        "references": references,
    }))
}

/// Writes a [`manifest`] to the file that `REL_MANIFEST` will name.
pub fn write_manifest(manifest: &Value, to: &Path) -> Result<()> {
    std::fs::write(to, format!("{manifest}\n")).doing(format!("cannot write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::domain::artifact::sha256_of;

    fn cache() -> (TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        (dir, cache)
    }

    /// Puts a file of this name and text.
    fn put(dir: &TempDir, cache: &Cache, name: &str, text: &str) -> Artifact {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        cache.put(&path, name).unwrap()
    }

    /// Overwrites the artifact's entry.
    fn tamper(cache: &Cache, artifact: &Artifact, text: &str) {
        let path = cache.objects.path(&artifact.digest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
    }

    fn entries(dir: &TempDir) -> usize {
        fs::read_dir(dir.path().join("cache/sha256")).unwrap().count()
    }

    #[test]
    fn what_is_put_can_be_laid_out() {
        let (dir, cache) = cache();
        let artifacts = [put(&dir, &cache, "my app.txt", "hello"), put(&dir, &cache, "empty", "")];
        assert_eq!(artifacts[0].digest, sha256_of(b"hello"));
        assert_eq!((artifacts[0].size, artifacts[1].size), (5, 0));
        assert!(cache.missing(&artifacts).is_empty());

        let into = dir.path().join("out");
        cache.lay_out(&artifacts, &into).unwrap();
        assert_eq!(fs::read(into.join("my app.txt")).unwrap(), b"hello");
        assert_eq!(fs::read(into.join("empty")).unwrap(), b"");
        assert_eq!(fs::read_dir(&into).unwrap().count(), 2);
        // The command's copy is its own.
        fs::write(into.join("my app.txt"), "changed").unwrap();
        assert!(cache.verify(&artifacts[0]).unwrap());
    }

    #[test]
    fn no_artifacts_make_an_empty_folder() {
        let (dir, cache) = cache();
        let into = dir.path().join("out");
        cache.lay_out(&[], &into).unwrap();
        assert_eq!(fs::read_dir(into).unwrap().count(), 0);
        assert!(cache.missing(&[]).is_empty());
    }

    #[test]
    fn one_changed_byte_stops_everything_and_can_be_healed() {
        let (dir, cache) = cache();
        let artifacts = [put(&dir, &cache, "good", "fine"), put(&dir, &cache, "bad", "hello")];
        tamper(&cache, &artifacts[1], "hellp");
        assert!(cache.get(&artifacts[1]).is_some(), "the size alone does not tell");
        assert!(!cache.verify(&artifacts[1]).unwrap());

        let into = dir.path().join("out");
        let failure = cache.lay_out(&artifacts, &into).unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
        for part in ["\"bad\"", &sha256_of(b"hello").to_string(), &sha256_of(b"hellp").to_string()] {
            assert!(failure.message.contains(part), "{failure}");
        }
        assert_eq!(fs::read_dir(&into).unwrap().count(), 0);
        assert_eq!(cache.missing(&artifacts), [&artifacts[1]]);

        cache.insert_stream(&artifacts[1], &b"hello"[..]).unwrap();
        cache.lay_out(&artifacts, &into).unwrap();
        assert_eq!(fs::read(into.join("bad")).unwrap(), b"hello");
    }

    #[test]
    fn a_missing_entry_is_an_integrity_failure() {
        let (dir, cache) = cache();
        let gone = put(&dir, &cache, "gone", "x");
        fs::remove_file(cache.get(&gone).unwrap()).unwrap();
        assert!(!cache.verify(&gone).unwrap());
        let failure = cache.lay_out(&[gone], &dir.path().join("out")).unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
    }

    #[test]
    fn putting_again_heals() {
        let (dir, cache) = cache();
        let artifact = put(&dir, &cache, "a", "hello");
        tamper(&cache, &artifact, "hellp");
        assert_eq!(put(&dir, &cache, "a", "hello"), artifact);
        assert!(cache.verify(&artifact).unwrap());
    }

    #[test]
    fn forged_names_never_leave_the_folder() {
        let (dir, cache) = cache();
        let mut forged = put(&dir, &cache, "a", "hello");
        for name in ["../evil", "/tmp/evil", "..", "", "a/b", "a\nb", ".git"] {
            forged.name = name.to_owned();
            let into = dir.path().join("out");
            let failure = cache.lay_out(std::slice::from_ref(&forged), &into).unwrap_err();
            assert_eq!(failure.kind, Kind::Integrity, "{name:?}");
            assert!(!into.exists(), "{name:?}");
        }
        assert!(!dir.path().join("evil").exists());
        assert!(cache.put(&dir.path().join("a"), "../evil").is_err());
    }

    #[test]
    fn equal_names_are_not_laid_over_each_other() {
        let (dir, cache) = cache();
        let one = put(&dir, &cache, "a", "one");
        let two = Artifact { name: "a".into(), ..put(&dir, &cache, "b", "two") };
        let into = dir.path().join("out");
        assert!(cache.lay_out(&[one, two], &into).is_err());
        assert_eq!(fs::read_dir(into).unwrap().count(), 0);
    }

    #[test]
    fn a_stream_that_is_not_as_recorded_leaves_nothing() {
        let (dir, cache) = cache();
        let expected = Artifact { name: "a".into(), digest: sha256_of(b"hello"), size: 5 };
        for wrong in ["hellp", "hell", "hello!", ""] {
            let failure = cache.insert_stream(&expected, wrong.as_bytes()).unwrap_err();
            assert_eq!(failure.kind, Kind::Integrity);
            assert!(failure.message.contains(&sha256_of(wrong.as_bytes()).to_string()), "{failure}");
            assert_eq!(entries(&dir), 0);
        }
        // The right bytes under a wrong size are not what was recorded either.
        let lied = Artifact { size: 4, ..expected.clone() };
        assert_eq!(cache.insert_stream(&lied, &b"hello"[..]).unwrap_err().kind, Kind::Integrity);
        cache.insert_stream(&expected, &b"hello"[..]).unwrap();
        assert!(cache.verify(&expected).unwrap());
    }

    #[test]
    fn a_large_file_streams() {
        let (dir, cache) = cache();
        let path = dir.path().join("big");
        File::create(&path).unwrap().set_len(64 << 20).unwrap();
        let artifact = cache.put(&path, "big").unwrap();
        assert_eq!(artifact.size, 64 << 20);
        // `head -c 67108864 /dev/zero | sha256sum`
        assert_eq!(artifact.digest.hex(), "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351");
    }

    #[test]
    fn concurrent_puts_of_one_content_agree() {
        let (dir, cache) = cache();
        let path = dir.path().join("a");
        fs::write(&path, "x".repeat(1 << 20)).unwrap();
        let made: Vec<Artifact> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.put(&path, "a").unwrap())).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(made.iter().all(|one| *one == made[0]));
        assert!(cache.verify(&made[0]).unwrap());
        assert_eq!(entries(&dir), 1);
    }

    #[test]
    fn the_manifest_is_as_documented() {
        let digest = sha256_of(b"");
        let artifact = Artifact { name: "a b".into(), digest, size: 0 };
        let reference = Reference { name: "api".into(), uri: format!("r/api@{digest}"), digest };
        let made = manifest(
            &"v1.5.0-rc.2".parse().unwrap(),
            &"1".repeat(40).parse().unwrap(),
            &[artifact],
            &[reference],
            Path::new("/out"),
        )
        .unwrap();
        let expected = json!({
            "schema": 1, "tag": "v1.5.0-rc.2", "commit": "1".repeat(40),
            "artifacts": [{ "name": "a b", "digest": digest, "size": 0, "path": "/out/a b" }],
            "references": [{ "name": "api", "digest": digest, "uri": format!("r/api@{digest}") }],
        });
        assert_eq!(made, expected);
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("manifest.json");
        write_manifest(&made, &to).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&fs::read(to).unwrap()).unwrap(), expected);
    }
}
