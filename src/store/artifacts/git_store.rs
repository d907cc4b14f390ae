//! Artifacts as git objects: one commit without parents, whose tree has a
//! blob for each artifact, under its name.
//!
//! This writes and reads objects only. Fetching and pushing them, and moving
//! `refs/rel/<project>/artifacts/<version>`, is the authority's; until that
//! ref exists nothing here is reachable, and git may collect it.

use std::fmt;

use git2::{ErrorCode, ObjectType, Odb, Repository, Signature, Time};
use percent_encoding::percent_encode;

use super::backend::{Backend, Desk, ESCAPED, Holding, Publication, RecordedFile};
use super::cache::Cache;
use super::objects::{MAX_READ, copy};
use crate::domain::artifact::{Artifact, check_name};
use crate::domain::name::{Actor, Oid, ProjectName, Sha256};
use crate::domain::ref_name::ArtifactsRef;
use crate::domain::version::CandidateVersion;
use crate::store::blob;
use crate::store::error::{Absent, ArtifactError, BadCopy, During, Error, NameSource, Result, Task};
use crate::store::repo::{from_git2, to_git2};

/// This repository and its remote.
#[derive(Debug)]
pub(super) struct GitStore;

impl fmt::Display for GitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("git")
    }
}

impl Backend for GitStore {
    fn put(
        &self,
        desk: &Desk<'_>,
        artifacts: &[Artifact],
        publication: &Publication<'_>,
    ) -> Result<Option<Oid>> {
        store(desk.repo.git2(), artifacts, desk.cache, publication).map(Some)
    }

    fn load(&self, desk: &Desk<'_>, wanted: &[&Artifact]) -> Result<()> {
        let Some(commit) = desk.commit else {
            let name = wanted.first().map(|artifact| artifact.name.clone()).unwrap_or_default();
            return Err(ArtifactError::Missing { name, from: Absent::Ref }.into());
        };
        blob::bring_entries(desk.repo, commit)?;
        load(desk.repo.git2(), commit, wanted, desk.cache)
    }

    fn read(&self, desk: &Desk<'_>, name: &str, _: &Sha256) -> Result<Option<Vec<u8>>> {
        let Some(commit) = desk.commit else { return Ok(None) };
        let repo = desk.repo.git2();
        let read = || -> Result<Option<Vec<u8>>, git2::Error> {
            let tree = repo.find_commit(to_git2(commit))?.tree()?;
            let Some(entry) = tree.get_name(name) else { return Ok(None) };
            let odb = repo.odb()?;
            let (size, kind) = odb.read_header(entry.id())?;
            if kind != ObjectType::Blob || size as u64 > MAX_READ {
                return Ok(None);
            }
            Ok(Some(odb.read(entry.id())?.data().to_vec()))
        };
        match read() {
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            read => Ok(read.map_err(|error| {
                let name = name.to_owned();
                ArtifactError::Damaged { name, entry: true, commit, cause: error.into() }
            })?),
        }
    }

    fn check(&self, desk: &Desk<'_>, entry: &RecordedFile<'_>, bytes: bool) -> Result<Holding> {
        let Some(commit) = desk.commit else { return Ok(Holding::Missing) };
        let repo = desk.repo.git2();
        let odb = repo.odb().during(Task::OpenOwnObjects)?;
        let read = || -> Result<Holding, git2::Error> {
            let tree = repo.find_commit(to_git2(commit))?.tree()?;
            let Some(found) = tree.get_name(entry.name) else { return Ok(Holding::Missing) };
            let (size, kind) = odb.read_header(found.id())?;
            if kind != ObjectType::Blob {
                return Ok(Holding::Otherwise(format!("it is a {}", kind.str())));
            }
            let content = match odb.reader(found.id()) {
                _ if !bytes => None,
                Ok((mut loose, _, _)) => match copy(&mut loose, &mut std::io::sink(), 0) {
                    Ok(measured) => Some(measured),
                    Err(_) => return Ok(Holding::Otherwise("its git object is damaged".to_owned())),
                },
                Err(_) => copy(&mut odb.read(found.id())?.data(), &mut std::io::sink(), 0).ok(),
            };
            Ok(Holding::of(entry, size as u64, content))
        };
        match read() {
            Ok(held) => Ok(held),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(Holding::Missing),
            Err(error) => Ok(Holding::Otherwise(format!("its git objects are damaged: {}", error.message()))),
        }
    }

    fn has(&self, desk: &Desk<'_>, _: &[Artifact]) -> bool {
        desk.commit.is_some()
    }

    fn uri(&self, project: &ProjectName, version: &CandidateVersion, artifact: &Artifact) -> String {
        let name = percent_encode(artifact.name.as_bytes(), ESCAPED);
        format!("git:{}#{name}", ArtifactsRef::of(project, version))
    }

    fn limit(&self, max_size: u64) -> Option<u64> {
        Some(max_size)
    }

    fn is_behind_ref(&self) -> bool {
        true
    }
}

/// Writes these artifacts from the cache, and gives the commit to publish.
///
/// Each is streamed, and hashed again on its way. The same artifacts under
/// the same [`Publication`] make the same commit.
fn store(
    repo: &Repository,
    artifacts: &[Artifact],
    cache: &Cache,
    publication: &Publication<'_>,
) -> Result<Oid> {
    let limit = publication.max_size;
    if let Some(Artifact { name, size, .. }) = artifacts.iter().find(|artifact| artifact.size > limit) {
        return Err(ArtifactError::TooLarge { name: name.clone(), size: *size, limit }.into());
    }
    let odb = repo.odb().during(Task::OpenOwnObjects)?;
    let mut tree = repo.treebuilder(None).during(Task::WriteGitTree)?;
    for artifact in artifacts {
        let name = &artifact.name;
        check_name(name).map_err(|bad| ArtifactError::Name { why: bad.0, from: NameSource::Build })?;
        let task = || Task::WriteArtifactToGit(name.clone());
        // Knowing the size beforehand lets git deflate it straight into the object store, in
        // constant memory.
        let size = usize::try_from(artifact.size).during_with(task)?;
        let mut blob = odb.writer(size, ObjectType::Blob).during_with(task)?;
        cache.copy_out(artifact, &mut blob, |error| task().because(error))?;
        let blob = blob.finalize().during_with(task)?;
        tree.insert(name, blob, 0o100_644).during_with(task)?;
    }
    commit(repo, &tree, publication).during_with(|| Task::WriteArtifactsOf(publication.tag.clone()))
}

fn commit(
    repo: &Repository,
    tree: &git2::TreeBuilder<'_>,
    publication: &Publication<'_>,
) -> Result<Oid, git2::Error> {
    let Actor { name, email } = publication.by;
    let by = Signature::new(name, email, &Time::new(publication.at.timestamp(), 0))?;
    let tree = repo.find_tree(tree.write()?)?;
    let message = format!("artifacts of {}\n", publication.tag);
    // libgit2 (1.9) says nothing of a commit that it both makes and cannot write.
    let object = repo.commit_create_buffer(&by, &by, &message, &tree, &[])?;
    repo.odb()?.write(ObjectType::Commit, &object).map(from_git2)
}

/// Reads these artifacts from a commit that [`store`] made into the cache,
/// verifying each on its way.
///
/// A loose blob is streamed. libgit2 cannot stream out of a pack, so a packed
/// one is in memory while it is copied: as many bytes as `max_size` allowed,
/// and never more than its tag records.
fn load(repo: &Repository, commit: Oid, wanted: &[&Artifact], cache: &Cache) -> Result<()> {
    let Some(first) = wanted.first() else {
        return Ok(());
    };
    let odb = repo.odb().during(Task::OpenOwnObjects)?;
    let tree = repo
        .find_commit(to_git2(commit))
        .and_then(|commit| commit.tree())
        .map_err(|error| unreadable(first, commit, error))?;
    for artifact in wanted {
        let name = &artifact.name;
        check_name(name).map_err(|bad| ArtifactError::Name { why: bad.0, from: NameSource::Tag })?;
        let entry = tree.get_name(name).ok_or_else(|| missing(artifact, commit))?;
        load_blob(&odb, entry.id(), artifact, commit, cache)?;
    }
    Ok(())
}

fn load_blob(odb: &Odb<'_>, id: git2::Oid, artifact: &Artifact, commit: Oid, cache: &Cache) -> Result<()> {
    let fail = |error| unreadable(artifact, commit, error);
    let (size, kind) = odb.read_header(id).map_err(fail)?;
    if kind != ObjectType::Blob {
        return Err(missing(artifact, commit));
    }
    let (blob, size) = (id.to_string(), size as u64);
    if size != artifact.size {
        return Err(ArtifactError::AlteredSize { recorded: Box::new(artifact.clone()), blob, size }.into());
    }
    // Memory does not fail to be read: the deflated object is broken.
    let broken = |error: std::io::Error| damaged(artifact, commit, error.into());
    match odb.reader(id) {
        Ok((mut loose, _, _)) => cache.insert(artifact, &mut loose, BadCopy::Blob(blob), broken),
        Err(_) => {
            let packed = odb.read(id).map_err(fail)?;
            cache.insert(artifact, &mut packed.data(), BadCopy::Blob(blob), broken)
        }
    }
}

fn unreadable(artifact: &Artifact, commit: Oid, error: git2::Error) -> Error {
    match error.code() {
        ErrorCode::NotFound => missing(artifact, commit),
        _ => damaged(artifact, commit, error.into()),
    }
}

fn missing(artifact: &Artifact, commit: Oid) -> Error {
    ArtifactError::Missing { name: artifact.name.clone(), from: Absent::Commit(commit) }.into()
}

fn damaged(artifact: &Artifact, commit: Oid, cause: anyhow::Error) -> Error {
    ArtifactError::Damaged { name: artifact.name.clone(), entry: false, commit, cause }.into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::{DateTime, TimeZone, Utc};
    use tempfile::TempDir;

    use super::*;
    use crate::store::error::Error;

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
        fn store(&self, max_size: u64) -> Result<Oid> {
            let publication = Publication {
                tag: &"v1.5.0-rc.2".parse().unwrap(),
                by: &Actor::new("Ana", "ana@example.com"),
                at: Utc.with_ymd_and_hms(2026, 11, 1, 10, 0, 0).unwrap(),
                max_size,
            };
            store(&self.repo, &self.artifacts, &self.cache, &publication)
        }

        fn load(&self, commit: &Oid) -> Result<()> {
            load(&self.repo, *commit, &self.artifacts.iter().collect::<Vec<_>>(), &self.other)
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
        let Err(Error::Artifact(ArtifactError::TooLarge { name, size, limit })) = it.store(4) else {
            panic!("not refused")
        };
        assert_eq!((&*name, size, limit), ("my app", 5, 4));
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
        type Is = fn(&ArtifactError) -> bool;
        let expected: [(&[&str], Is); 3] = [
            (&["hellp"], |error| matches!(error, ArtifactError::Altered { at: BadCopy::Blob(_), .. })),
            (&["hello!"], |error| matches!(error, ArtifactError::AlteredSize { size: 6, .. })),
            (&[], |error| matches!(error, ArtifactError::Missing { from: Absent::Commit(_), .. })),
        ];
        for (texts, is) in expected {
            let error = it.load(&it.forge(texts)).unwrap_err();
            assert!(matches!(&error, Error::Artifact(error) if is(error)), "{error:?}");
            assert!(it.other.get(&it.artifacts[0]).is_none());
        }
    }

    #[test]
    fn missing_and_damaged_objects_are_told_apart() {
        let is_missing = |error: &Error| matches!(error, Error::Artifact(ArtifactError::Missing { .. }));
        let it = fixture();
        let nowhere = it.load(&"1".repeat(40).parse().unwrap()).unwrap_err();
        assert!(is_missing(&nowhere), "{nowhere:?}");

        let commit = it.store(5).unwrap();
        let id = git2::Oid::hash_object(ObjectType::Blob, b"hello").unwrap().to_string();
        let path = it.repo.path().join("objects").join(&id[..2]).join(&id[2..]);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let it = Fixture { repo: Repository::open(it.repo.path()).unwrap(), ..it };
        let gone = it.load(&commit).unwrap_err();
        assert!(is_missing(&gone), "{gone:?}");

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
            match load(&it, commit, &[wanted], &cache) {
                Err(error) => {
                    assert!(
                        matches!(
                            error,
                            Error::Artifact(
                                ArtifactError::Missing { .. }
                                    | ArtifactError::Damaged { .. }
                                    | ArtifactError::Altered { .. }
                                    | ArtifactError::AlteredSize { .. }
                            )
                        ),
                        "byte {at}: {error:?}"
                    );
                }
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
        let altered = it.store(5).unwrap_err();
        assert!(matches!(altered, Error::Artifact(ArtifactError::Altered { at: BadCopy::Removed, .. })));
        assert_eq!(it.objects(), 0);
    }

    #[test]
    fn forged_names_are_refused() {
        let it = fixture();
        let commit = it.store(5).unwrap();
        for name in ["../x", "a\0b", "", ".git"] {
            let forged = Artifact { name: name.to_owned(), ..it.artifacts[0].clone() };
            let error = load(&it.repo, commit, &[&forged], &it.other).unwrap_err();
            assert!(
                matches!(error, Error::Artifact(ArtifactError::Name { from: NameSource::Tag, .. })),
                "{error:?}"
            );
        }
    }
}
