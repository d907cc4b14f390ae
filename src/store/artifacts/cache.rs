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

use super::objects::{CopyError, Measured, Objects, copy, measure};
use crate::domain::artifact::{Artifact, Reference, check_name, sha256_of};
use crate::domain::name::{Oid, Sha256, TagName};
use crate::store::error::{Absent, ArtifactError, BadCopy, During, Error, NameSource, Result, Task};

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
        check_name(name).map_err(|bad| ArtifactError::Name { why: bad.0, from: NameSource::Build })?;
        let task = || Task::ReadPath(from.to_owned());
        let mut source = File::open(from).during_with(task)?;
        let mut entry = self.objects.incoming()?;
        let found = copy(&mut source, &mut entry, u64::MAX).map_err(|error| match error {
            CopyError::Read(error) => task().because(error),
            CopyError::Write(error) => Task::CacheArtifact(name.to_owned()).because(error),
        });
        let Measured { digest, size } = found?;
        self.objects.replace(entry, &digest)?;
        Ok(Artifact { name: name.to_owned(), digest, size })
    }

    /// Where the artifact is, if it is here in its full size. Its content is
    /// not looked at: see [`Cache::verify`] and [`Cache::prepare`].
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
            Err(error) => Err(error).during(Task::ReadPath(path)),
        }
    }

    /// What is here under this digest, whole and verified, for an entry whose
    /// size nothing records. One that is not what its name says, or larger
    /// than 16 MiB, counts as missing.
    pub fn read(&self, digest: &Sha256) -> Result<Option<Vec<u8>>> {
        self.objects.read(digest).map(|bytes| bytes.filter(|bytes| sha256_of(bytes) == *digest))
    }

    /// Those that are not here, or not in their full size.
    pub fn missing<'a>(&self, artifacts: &'a [Artifact]) -> Vec<&'a Artifact> {
        artifacts.iter().filter(|artifact| self.get(artifact).is_none()).collect()
    }

    /// Takes in an artifact. What does not have the recorded digest and size
    /// is a failure, and leaves nothing.
    pub fn insert_stream(&self, expected: &Artifact, mut from: impl Read) -> Result<()> {
        self.insert(expected, &mut from, BadCopy::Stream, |error| {
            Task::ReadArtifact(expected.name.clone()).because(error)
        })
    }

    /// [`Cache::insert_stream`] for stores, which know which copy they read and
    /// what it means that it cannot be read.
    pub(super) fn insert(
        &self,
        expected: &Artifact,
        from: &mut impl Read,
        at: BadCopy,
        unreadable: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let mut entry = self.objects.incoming()?;
        let found = copy(from, &mut entry, expected.size).map_err(|error| match error {
            CopyError::Read(error) => unreadable(error),
            CopyError::Write(error) => Task::CacheArtifact(expected.name.clone()).because(error),
        })?;
        if !found.is(expected) {
            return Err(found.mismatch(expected, at));
        }
        self.objects.replace(entry, &expected.digest)
    }

    /// Copies the artifact out, hashing what is copied. An entry that is not
    /// what was recorded is removed, so that fetching again can heal it.
    pub(super) fn copy_out(
        &self,
        artifact: &Artifact,
        to: &mut impl io::Write,
        unwritable: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let path = self.objects.path(&artifact.digest);
        let unreadable = |error: io::Error| Task::ReadPath(path.clone()).because(error);
        let mut entry = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                ArtifactError::Missing { name: artifact.name.clone(), from: Absent::Cache }.into()
            }
            _ => unreadable(error),
        })?;
        let found = copy(&mut entry, to, artifact.size).map_err(|error| match error {
            CopyError::Read(error) => unreadable(error),
            CopyError::Write(error) => unwritable(error),
        })?;
        if found.is(artifact) {
            return Ok(());
        }
        let removed = std::fs::remove_file(&path);
        Err(found.mismatch(
            artifact,
            removed.map_or_else(|error| BadCopy::Stays(path, error), |()| BadCopy::Removed),
        ))
    }

    /// Prepares the artifacts for a command: each under its name in `into`,
    /// which is created and must hold none of these names yet.
    ///
    /// They are copies, so that a command which writes to one harms nobody
    /// else, with mode 0644 less the umask: whether a file was executable is
    /// not recorded. Every byte is hashed on its way; the first one that is
    /// wrong is a failure, its entry is removed so that
    /// fetching again can heal it, and nothing prepared here remains. So is
    /// a name that leads out of `into`, whoever recorded it.
    pub fn prepare(&self, artifacts: &[Artifact], into: &Path) -> Result<()> {
        for artifact in artifacts {
            check_name(&artifact.name)
                .map_err(|bad| ArtifactError::Name { why: bad.0, from: NameSource::Prepared })?;
        }
        std::fs::create_dir_all(into).during_with(|| Task::CreateFolder(into.to_owned()))?;
        let mut done = Vec::new();
        let result = artifacts.iter().try_for_each(|artifact| {
            let path = into.join(&artifact.name);
            self.prepare_one(artifact, into, &path)?;
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

    fn prepare_one(&self, artifact: &Artifact, into: &Path, path: &Path) -> Result<()> {
        let cannot = |error: io::Error| {
            Task::PrepareArtifact { name: artifact.name.clone(), into: into.to_owned() }.because(error)
        };
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(into)
            .map_err(cannot)?;
        self.copy_out(artifact, &mut file, cannot)?;
        // Not over another: two names may be one to a file system that folds case.
        file.persist_noclobber(path).map_err(|failed| cannot(failed.error))?;
        Ok(())
    }
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
            let path = path.to_str().ok_or_else(|| ArtifactError::NotUtf8(path.clone()))?;
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
    std::fs::write(to, format!("{manifest}\n")).during_with(|| Task::WritePath(to.to_owned()))
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
        cache.prepare(&artifacts, &into).unwrap();
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
        cache.prepare(&[], &into).unwrap();
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
        let failure = crate::failure::Failure::from(cache.prepare(&artifacts, &into).unwrap_err());
        for part in ["\"bad\"", &sha256_of(b"hello").to_string(), &sha256_of(b"hellp").to_string()] {
            assert!(failure.message.contains(part), "{failure}");
        }
        assert_eq!(fs::read_dir(&into).unwrap().count(), 0);
        assert_eq!(cache.missing(&artifacts), [&artifacts[1]]);

        cache.insert_stream(&artifacts[1], &b"hello"[..]).unwrap();
        cache.prepare(&artifacts, &into).unwrap();
        assert_eq!(fs::read(into.join("bad")).unwrap(), b"hello");
    }

    #[test]
    fn a_missing_entry_is_an_integrity_failure() {
        let (dir, cache) = cache();
        let gone = put(&dir, &cache, "gone", "x");
        fs::remove_file(cache.get(&gone).unwrap()).unwrap();
        assert!(!cache.verify(&gone).unwrap());
        let error = cache.prepare(&[gone], &dir.path().join("out")).unwrap_err();
        assert!(matches!(error, Error::Artifact(ArtifactError::Missing { from: Absent::Cache, .. })));
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
            let error = cache.prepare(std::slice::from_ref(&forged), &into).unwrap_err();
            assert!(
                matches!(error, Error::Artifact(ArtifactError::Name { from: NameSource::Prepared, .. })),
                "{name:?}"
            );
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
        assert!(cache.prepare(&[one, two], &into).is_err());
        assert_eq!(fs::read_dir(into).unwrap().count(), 0);
    }

    #[test]
    fn a_stream_that_is_not_as_recorded_leaves_nothing() {
        let (dir, cache) = cache();
        let expected = Artifact { name: "a".into(), digest: sha256_of(b"hello"), size: 5 };
        for wrong in ["hellp", "hell", "hello!", ""] {
            let Err(Error::Artifact(ArtifactError::Altered { found, at: BadCopy::Stream, .. })) =
                cache.insert_stream(&expected, wrong.as_bytes())
            else {
                panic!("{wrong}")
            };
            assert_eq!(found, sha256_of(wrong.as_bytes()));
            assert_eq!(entries(&dir), 0);
        }
        // The right bytes under a wrong size are not what was recorded either.
        let lied = Artifact { size: 4, ..expected.clone() };
        assert!(cache.insert_stream(&lied, &b"hello"[..]).is_err());
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
