//! Artifacts as git objects: one commit without parents, whose tree has a
//! blob for each artifact, under its name.
//!
//! This writes and reads objects only. Fetching and pushing them, and moving
//! `refs/rel/<project>/artifacts/<version>`, is the authority's; until that
//! ref exists nothing here is reachable, and git may collect it.

use std::fmt;

use chrono::{DateTime, Utc};
use git2::{ErrorCode, ObjectType, Odb, Repository, Signature, Time};

use super::cache::{Cache, CopyOutError, InsertError};
use super::objects::copy;
use super::{Entry, Held};
use crate::domain::artifact::{Artifact, check_name};
use crate::domain::name::{Actor, Oid, TagName};
use crate::failure::{Doing, Failure, Kind, Result};

/// What the commit says, and how much it may hold.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// The candidate's tag.
    pub tag: &'a TagName,
    /// The commit's author and committer.
    pub by: &'a Actor,
    /// When, in both roles.
    pub at: DateTime<Utc>,
    /// The largest file git may be given, in bytes (`[artifacts] max_size`).
    pub max_size: u64,
}

/// A file that `[artifacts] max_size` keeps out of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// The most there may be.
    pub limit: u64,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: f64 = 1024.0 * 1024.0;
        let TooLarge { name, size, limit } = self;
        write!(
            f,
            "artifact {name:?} has {size} bytes ({:.1} MiB), more than the {limit} ({:.1} MiB) that [artifacts] \
             max_size lets into git; the store \"file:///dir\" takes files of any size",
            *size as f64 / MIB,
            *limit as f64 / MIB
        )
    }
}

impl std::error::Error for TooLarge {}

/// Why artifacts were not stored.
#[derive(Debug)]
pub enum PutError {
    /// A file is too large for git; nothing was written. The build failed.
    TooLarge(TooLarge),
    /// Anything else.
    Failure(Failure),
}

impl From<Failure> for PutError {
    fn from(failure: Failure) -> PutError {
        PutError::Failure(failure)
    }
}

/// Writes these artifacts from the cache, and gives the commit to publish.
///
/// Each is streamed, and hashed again on its way. The same artifacts under
/// the same [`Publication`] make the same commit.
pub fn store(
    repo: &Repository,
    artifacts: &[Artifact],
    cache: &Cache,
    publication: &Publication<'_>,
) -> Result<Oid, PutError> {
    let limit = publication.max_size;
    if let Some(Artifact { name, size, .. }) = artifacts.iter().find(|artifact| artifact.size > limit) {
        return Err(PutError::TooLarge(TooLarge { name: name.clone(), size: *size, limit }));
    }
    let odb = repo.odb().doing("cannot open the object store of this repository")?;
    let mut tree = repo.treebuilder(None).doing("cannot write a git tree")?;
    for artifact in artifacts {
        let name = &artifact.name;
        check_name(name).map_err(|bad| Failure::failed(bad.0))?;
        let blob = store_blob(&odb, artifact, cache)?;
        tree.insert(name, blob, 0o100_644).doing(format!("cannot write artifact {name:?} to git"))?;
    }
    Ok(commit(repo, &tree, publication)
        .doing(format!("cannot write the artifacts of {}", publication.tag))?)
}

/// One artifact as a blob. Knowing the size beforehand lets git deflate it
/// straight into the object store, in constant memory.
fn store_blob(odb: &Odb<'_>, artifact: &Artifact, cache: &Cache) -> Result<git2::Oid> {
    let doing = || format!("cannot write artifact {:?} to git", artifact.name);
    let size = usize::try_from(artifact.size).doing(doing())?;
    let mut blob = odb.writer(size, ObjectType::Blob).doing(doing())?;
    cache.copy_out(artifact, &mut blob).map_err(|error| match error {
        CopyOutError::Write(error) => Failure::failed(doing()).because(error),
        CopyOutError::Other(failure) => failure,
    })?;
    blob.finalize().doing(doing())
}

fn commit(
    repo: &Repository,
    tree: &git2::TreeBuilder<'_>,
    publication: &Publication<'_>,
) -> std::result::Result<Oid, git2::Error> {
    let Actor { name, email } = publication.by;
    let by = Signature::new(name, email, &Time::new(publication.at.timestamp(), 0))?;
    let tree = repo.find_tree(tree.write()?)?;
    let message = format!("artifacts of {}\n", publication.tag);
    // libgit2 (1.9) says nothing of a commit that it both makes and cannot write.
    let object = repo.commit_create_buffer(&by, &by, &message, &tree, &[])?;
    let id = repo.odb()?.write(ObjectType::Commit, &object)?;
    let mut bytes = [0; 20];
    bytes.copy_from_slice(id.as_bytes());
    Ok(Oid::from_bytes(bytes))
}

/// Reads these artifacts from a commit that [`store`] made into the cache,
/// verifying each on its way.
///
/// A loose blob is streamed. libgit2 cannot stream out of a pack, so a packed
/// one is in memory while it is copied: as many bytes as `max_size` allowed,
/// and never more than its tag records.
pub fn load(repo: &Repository, commit: &Oid, wanted: &[&Artifact], cache: &Cache) -> Result<()> {
    let Some(first) = wanted.first() else {
        return Ok(());
    };
    let odb = repo.odb().doing("cannot open the object store of this repository")?;
    let tree = git2::Oid::from_bytes(commit.as_bytes())
        .and_then(|id| repo.find_commit(id))
        .and_then(|commit| commit.tree())
        .map_err(|error| unreadable(first, commit, error))?;
    for artifact in wanted {
        check_name(&artifact.name).map_err(|bad| Failure::new(Kind::Integrity, bad.0))?;
        let entry = tree.get_name(&artifact.name).ok_or_else(|| missing(artifact, commit))?;
        load_blob(&odb, entry.id(), artifact, commit, cache)?;
    }
    Ok(())
}

/// The bytes under this name in a commit that [`store`] made, unverified; none
/// where there are none, or more than `most`.
pub(super) fn read(repo: &Repository, commit: &Oid, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
    let read = || -> std::result::Result<Option<Vec<u8>>, git2::Error> {
        let tree = repo.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?.tree()?;
        let Some(entry) = tree.get_name(name) else { return Ok(None) };
        let odb = repo.odb()?;
        let (size, kind) = odb.read_header(entry.id())?;
        if kind != ObjectType::Blob || size as u64 > most {
            return Ok(None);
        }
        Ok(Some(odb.read(entry.id())?.data().to_vec()))
    };
    match read() {
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        read => read.map_err(|error| {
            let message =
                format!("{name:?} cannot be read: the git objects of {} are damaged", commit.short());
            Failure::new(Kind::Integrity, message).because(error).hint("git fsck")
        }),
    }
}

/// What a commit that [`store`] made holds of an entry.
pub(super) fn check(repo: &Repository, commit: &Oid, entry: &Entry<'_>, bytes: bool) -> Result<Held> {
    let odb = repo.odb().doing("cannot open the object store of this repository")?;
    let read = || -> std::result::Result<Held, git2::Error> {
        let tree = repo.find_commit(git2::Oid::from_bytes(commit.as_bytes())?)?.tree()?;
        let Some(found) = tree.get_name(entry.name) else { return Ok(Held::Missing) };
        let (size, kind) = odb.read_header(found.id())?;
        if kind != ObjectType::Blob {
            return Ok(Held::Otherwise(format!("it is a {}", kind.str())));
        }
        let content = match odb.reader(found.id()) {
            _ if !bytes => None,
            Ok((mut loose, _, _)) => match copy(&mut loose, &mut std::io::sink(), 0) {
                Ok(measured) => Some(measured),
                Err(_) => return Ok(Held::Otherwise("its git object is damaged".to_owned())),
            },
            Err(_) => copy(&mut odb.read(found.id())?.data(), &mut std::io::sink(), 0).ok(),
        };
        Ok(Held::of(entry, size as u64, content))
    };
    match read() {
        Ok(held) => Ok(held),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(Held::Missing),
        Err(error) => Ok(Held::Otherwise(format!("its git objects are damaged: {}", error.message()))),
    }
}

fn load_blob(odb: &Odb<'_>, id: git2::Oid, artifact: &Artifact, commit: &Oid, cache: &Cache) -> Result<()> {
    let place = format!("in git ({id})");
    let fail = |error| unreadable(artifact, commit, error);
    let (size, kind) = odb.read_header(id).map_err(fail)?;
    if kind != ObjectType::Blob {
        return Err(missing(artifact, commit));
    }
    if size as u64 != artifact.size {
        return Err(Failure::new(
            Kind::Integrity,
            format!(
                "artifact {:?} {place} is not what was recorded: expected {} ({} bytes), found {size} bytes",
                artifact.name, artifact.digest, artifact.size
            ),
        ));
    }
    let inserted = match odb.reader(id) {
        Ok((mut loose, _, _)) => cache.insert(artifact, &mut loose, &place),
        Err(_) => {
            let packed = odb.read(id).map_err(fail)?;
            cache.insert(artifact, &mut packed.data(), &place)
        }
    };
    inserted.map_err(|error| match error {
        // Memory does not fail to be read: the deflated object is broken.
        InsertError::Read(error) => damaged(artifact, commit).because(error),
        InsertError::Other(failure) => failure,
    })
}

fn unreadable(artifact: &Artifact, commit: &Oid, error: git2::Error) -> Failure {
    if error.code() == ErrorCode::NotFound {
        missing(artifact, commit)
    } else {
        damaged(artifact, commit).because(error)
    }
}

fn missing(artifact: &Artifact, commit: &Oid) -> Failure {
    let message = format!(
        "artifact {:?} is missing: its tag records it, but the git objects of {} do not hold it",
        artifact.name,
        commit.short()
    );
    Failure::new(Kind::Integrity, message).hint("rel fsck").hint("rel cut --again builds a new candidate")
}

fn damaged(artifact: &Artifact, commit: &Oid) -> Failure {
    let message = format!(
        "artifact {:?} cannot be read: the git objects of {} are damaged",
        artifact.name,
        commit.short()
    );
    Failure::new(Kind::Integrity, message).hint("git fsck")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::TimeZone;
    use tempfile::TempDir;

    use super::*;

    struct Fixture {
        root: TempDir,
        repo: Repository,
        cache: Cache,
        other: Cache,
        artifacts: Vec<Artifact>,
    }

    fn fixture() -> Fixture {
        let root = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(root.path().join("repo.git")).unwrap();
        let cache = Cache::at(root.path().join("cache"));
        let artifacts = [("my app", "hello"), ("empty", "")]
            .map(|(name, text)| {
                fs::write(root.path().join(name), text).unwrap();
                cache.put(&root.path().join(name), name).unwrap()
            })
            .to_vec();
        let other = Cache::at(root.path().join("other"));
        Fixture { root, repo, cache, other, artifacts }
    }

    impl Fixture {
        fn store(&self, max_size: u64) -> Result<Oid, PutError> {
            let publication = Publication {
                tag: &"v1.5.0-rc.2".parse().unwrap(),
                by: &Actor::new("Ana", "ana@example.com"),
                at: Utc.with_ymd_and_hms(2026, 11, 1, 10, 0, 0).unwrap(),
                max_size,
            };
            store(&self.repo, &self.artifacts, &self.cache, &publication)
        }

        fn load(&self, commit: &Oid) -> Result<()> {
            load(&self.repo, commit, &self.artifacts.iter().collect::<Vec<_>>(), &self.other)
        }

        fn all_here(&self) -> bool {
            self.artifacts.iter().all(|artifact| self.other.verify(artifact).unwrap())
        }

        fn objects(&self) -> usize {
            let mut count = 0;
            self.repo
                .odb()
                .unwrap()
                .foreach(|_| {
                    count += 1;
                    true
                })
                .unwrap();
            count
        }

        /// The commit of a tree that holds these texts under the artifacts' names.
        fn forge(&self, texts: &[&str]) -> Oid {
            let mut tree = self.repo.treebuilder(None).unwrap();
            for (artifact, text) in self.artifacts.iter().zip(texts) {
                tree.insert(&artifact.name, self.repo.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
            }
            let publication = Publication {
                tag: &"v1".parse().unwrap(),
                by: &Actor::new("Eve", "eve@example.com"),
                at: DateTime::UNIX_EPOCH,
                max_size: 0,
            };
            commit(&self.repo, &tree, &publication).unwrap()
        }
    }

    #[test]
    fn what_is_stored_can_be_loaded_elsewhere() {
        let it = fixture();
        let commit = it.store(5).unwrap();
        assert_eq!(commit, it.store(5).unwrap(), "equal content, equal commit");
        let found = it.repo.find_commit(git2::Oid::from_bytes(commit.as_bytes()).unwrap()).unwrap();
        assert_eq!(found.message(), Ok("artifacts of v1.5.0-rc.2\n"));
        assert_eq!(found.parent_count(), 0);
        it.load(&commit).unwrap();
        assert!(it.all_here());
    }

    #[test]
    fn packed_objects_load_too() {
        let it = fixture();
        let commit = it.store(5).unwrap();
        let mut pack = it.repo.packbuilder().unwrap();
        pack.insert_commit(git2::Oid::from_bytes(commit.as_bytes()).unwrap()).unwrap();
        pack.write(&it.repo.path().join("objects/pack"), 0).unwrap();
        for fan in fs::read_dir(it.root.path().join("repo.git/objects")).unwrap() {
            let fan = fan.unwrap();
            if fan.file_name().len() == 2 {
                fs::remove_dir_all(fan.path()).unwrap();
            }
        }
        let it = Fixture { repo: Repository::open(it.repo.path()).unwrap(), ..it };
        assert!(it.repo.odb().unwrap().reader(git2::Oid::from_bytes(commit.as_bytes()).unwrap()).is_err());
        it.load(&commit).unwrap();
        assert!(it.all_here());
    }

    #[test]
    fn a_file_over_the_limit_is_refused_before_anything_is_written() {
        let it = fixture();
        let Err(PutError::TooLarge(refused)) = it.store(4) else { panic!("not refused") };
        assert_eq!(refused, TooLarge { name: "my app".into(), size: 5, limit: 4 });
        for part in ["\"my app\"", "5 bytes", "max_size", "file:///"] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
        assert_eq!(it.objects(), 0);
    }

    #[test]
    fn no_artifacts_make_an_empty_tree() {
        let it = Fixture { artifacts: Vec::new(), ..fixture() };
        let commit = it.store(0).unwrap();
        it.load(&commit).unwrap();
    }

    #[test]
    fn blobs_that_are_not_as_recorded_never_reach_the_cache() {
        let it = fixture();
        for (texts, part) in [
            (&["hellp"][..], "is not what was recorded"),
            (&["hello!"][..], "found 6 bytes"),
            (&[][..], "is missing"),
        ] {
            let failure = it.load(&it.forge(texts)).unwrap_err();
            assert_eq!(failure.kind, Kind::Integrity);
            assert!(failure.message.contains(part), "{failure}");
            assert!(it.other.get(&it.artifacts[0]).is_none());
        }
    }

    #[test]
    fn missing_and_damaged_objects_are_told_apart() {
        let it = fixture();
        let nowhere = it.load(&"1".repeat(40).parse().unwrap()).unwrap_err();
        assert_eq!(nowhere.kind, Kind::Integrity);
        assert!(nowhere.message.contains("missing"), "{nowhere}");

        let commit = it.store(5).unwrap();
        let id = git2::Oid::hash_object(ObjectType::Blob, b"hello").unwrap().to_string();
        let path = it.repo.path().join("objects").join(&id[..2]).join(&id[2..]);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let it = Fixture { repo: Repository::open(it.repo.path()).unwrap(), ..it };
        let failure = it.load(&commit).unwrap_err();
        assert_eq!(failure.kind, Kind::Integrity);
        assert!(failure.message.contains("missing"), "{failure}");

        let wanted = it.artifacts[0].clone();
        // Every single damaged byte is noticed, wherever libgit2 notices it.
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let _ = fs::remove_file(&path);
            fs::write(&path, bad).unwrap();
            let it = Repository::open(it.repo.path()).unwrap();
            let wanted = &wanted;
            let cache = Cache::at(path.with_extension(format!("cache{at}")));
            match load(&it, &commit, &[wanted], &cache) {
                Err(failure) => assert_eq!(failure.kind, Kind::Integrity, "byte {at}: {failure}"),
                // A checksum that is not needed to read the content.
                Ok(()) => assert!(cache.verify(wanted).unwrap(), "byte {at}"),
            }
        }
    }

    #[test]
    fn a_damaged_cache_never_reaches_git() {
        let it = fixture();
        let entry = it.cache.get(&it.artifacts[0]).unwrap();
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, "hellp").unwrap();
        let Err(PutError::Failure(failure)) = it.store(5) else { panic!("stored") };
        assert_eq!(failure.kind, Kind::Integrity);
        assert_eq!(it.objects(), 0);
    }

    #[test]
    fn forged_names_are_refused() {
        let it = fixture();
        let commit = it.store(5).unwrap();
        for name in ["../x", "a\0b", "", ".git"] {
            let forged = Artifact { name: name.to_owned(), ..it.artifacts[0].clone() };
            assert_eq!(load(&it.repo, &commit, &[&forged], &it.other).unwrap_err().kind, Kind::Integrity);
        }
    }
}
