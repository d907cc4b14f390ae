//! Bringing a candidate's recorded bytes to this machine, and nothing else.

use std::cell::RefCell;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::delivery::error::Result;
use crate::delivery::error::run::{Lacking, RunError};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::artifact::Artifact;
use crate::domain::candidate::Candidate;
use crate::domain::candidates::Block;
use crate::domain::env::Live;
use crate::domain::name::{Oid, TagName};
use crate::domain::ref_name::ArtifactsRef;
use crate::domain::report::candidate::CandidateReport;
use crate::failure::Failure;
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::{Location, Store, locate};

/// The name that a candidate's provenance statement is kept under.
pub const PROVENANCE: &str = "provenance.intoto.json";

/// This clone's cache of artifacts.
pub fn cache(reader: &Reader) -> Cache {
    Cache::at(reader.repo.state_dir().join("cache"))
}

/// Makes sure that every artifact is in the cache, byte for byte as the tag
/// records it. Asks the store only for what is missing.
///
/// # Errors
/// A byte differs, or an artifact is gone (exit 9).
pub fn ensure(reader: &Reader, sink: &dyn Sink, candidate: &Candidate) -> Result<()> {
    let cache = cache(reader);
    for artifact in &candidate.artifacts {
        // A damaged entry is dropped by the check, and healed from the store.
        if cache.get(artifact).is_some() && !cache.verify(artifact)? {
            if reader.is_offline() && !is_elsewhere(reader, candidate)? {
                let (artifact, tag) = (artifact.name.to_string(), candidate.tag.clone());
                return Err(RunError::DamagedCopy { artifact, tag }.into());
            }
            if let Some(path) = cache.get(artifact) {
                std::fs::remove_file(&path)?;
            }
            sink.notice(Notice::DamagedCopy { name: &artifact.name, fetched: true });
        }
    }
    if cache.missing(&candidate.artifacts).is_empty() {
        return Ok(());
    }
    let store = Store::open(locate(&candidate.store)?, &reader.repo, &cache);
    let needed = store.needs_commit(&candidate.artifacts);
    let commit = if needed { kept_in_git(reader, candidate)? } else { None };
    Ok(store.fetch(&candidate.artifacts, commit)?)
}

/// Whether a candidate's artifacts are outside of the cache where nobody has
/// to be asked for them.
fn is_elsewhere(reader: &Reader, candidate: &Candidate) -> Result<bool> {
    let location = locate(&candidate.store)?;
    let commit = if location.is_behind_ref() { copy_in_git(reader, candidate)? } else { None };
    Ok(Store::open(location, &reader.repo, &cache(reader)).has(&candidate.artifacts, commit))
}

/// Whether this clone lacks what a deployment of a candidate needs while
/// nobody can be asked: its artifacts, or files of its commit. Asks nobody,
/// and takes a store that is a folder for somebody.
///
/// # Errors
/// git failed.
pub fn is_not_here(reader: &Reader, candidate: &Candidate) -> Result<bool> {
    if !reader.repo.has_files_of(candidate.commit)? {
        return Ok(true);
    }
    if cache(reader).missing(&candidate.artifacts).is_empty() {
        return Ok(false);
    }
    let in_git = locate(&candidate.store).is_ok_and(|location| location.is_behind_ref());
    Ok(!(in_git && is_elsewhere(reader, candidate)?))
}

/// Whether candidates' bytes are still to be had, for who asks about the same
/// few in one environment after another: each tag is opened once.
pub struct Bytes<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    known: RefCell<FxHashMap<TagName, Option<Whereabouts>>>,
}

/// What became of the bytes of a candidate, as far as this clone knows.
#[derive(Clone)]
struct Whereabouts {
    lost: Option<String>,
    not_here: bool,
}

impl<'a> Bytes<'a> {
    /// Has looked at none yet.
    pub fn new(reader: &'a Reader<'a>, snapshot: &'a Snapshot) -> Bytes<'a> {
        Bytes { reader, snapshot, known: RefCell::default() }
    }

    /// None where there is no tag to go by, which is for others to tell of.
    fn of(&self, tag: &TagName) -> Option<Whereabouts> {
        if let Some(known) = self.known.borrow().get(tag) {
            return known.clone();
        }
        let (reader, snapshot) = (self.reader, self.snapshot);
        let record = snapshot.minted(tag).and_then(|minted| snapshot.record(reader, minted).ok());
        let found = record.map(|record| Whereabouts {
            lost: lost(reader, &record),
            not_here: !reader.is_local() && is_not_here(reader, &record).unwrap_or_default(),
        });
        self.known.borrow_mut().insert(tag.clone(), found.clone());
        found
    }

    /// Why a candidate cannot be deployed any more, as a rollback judges it.
    pub fn lost(&self, tag: &TagName) -> Option<String> {
        self.of(tag)?.lost
    }

    /// Those of them that could not be deployed from this clone offline. What
    /// has no bytes to deploy is for others to tell of.
    pub fn not_here<'b>(&self, lives: impl Iterator<Item = &'b Live>) -> Vec<TagName> {
        let lacks = |tag: &&TagName| self.of(tag).is_some_and(|bytes| bytes.not_here);
        lives.map(|live| &live.tag).filter(lacks).cloned().collect()
    }
}

/// Makes sure that every file of a commit is here, where nobody is asked for
/// what a partial clone left out.
///
/// # Errors
/// One is not (exit 4), or git failed.
pub fn expect_files(reader: &Reader, commit: Oid) -> Result<()> {
    if !reader.is_offline() || reader.repo.has_files_of(commit)? {
        return Ok(());
    }
    Err(RunError::NotHere(Lacking::FilesOf(commit)).into())
}

/// Brings here what a deployment of a candidate needs.
///
/// # Errors
/// It cannot be had.
pub fn keep(reader: &Reader, sink: &dyn Sink, candidate: &Candidate) -> Result<()> {
    ensure(reader, sink, candidate)?;
    Ok(reader.repo.bring_files_of(candidate.commit)?)
}

/// The commit behind which a store keeps a candidate's artifacts; `None` if it
/// keeps them otherwise, or nothing keeps them.
fn commit_of(reader: &Reader, location: &Location, candidate: &Candidate) -> Result<Option<Oid>> {
    if location.is_behind_ref() { kept_in_git(reader, candidate) } else { Ok(None) }
}

/// The same commit, if it is here.
fn copy_in_git(reader: &Reader, candidate: &Candidate) -> Result<Option<Oid>> {
    let name = ArtifactsRef::of(reader.project(), &candidate.version);
    Ok(reader.repo.ref_target(&name)?.filter(|oid| reader.repo.has_object(*oid)))
}

/// The commit that keeps a candidate's artifacts in git, fetched if it is not
/// here; none where nothing keeps them.
fn kept_in_git(reader: &Reader, candidate: &Candidate) -> Result<Option<Oid>> {
    let name = ArtifactsRef::of(reader.project(), &candidate.version);
    let here = copy_in_git(reader, candidate)?;
    if here.is_some() || reader.is_local() {
        return Ok(here);
    }
    if reader.offline {
        return Err(RunError::NotHere(Lacking::ArtifactsOf(candidate.tag.clone())).into());
    }
    // The pattern matches this one ref, and none where it is gone, which is then said by the store.
    reader.authority().fetch(&reader.repo, &[format!("+{name}*:{name}*")])?;
    Ok(reader.repo.ref_target(&name)?)
}

/// A candidate's provenance statement, byte for byte as its tag records it;
/// none where its build made nothing to state. The cache is asked first.
///
/// # Errors
/// A byte differs, or the statement is gone (exit 9).
pub fn provenance(reader: &Reader, candidate: &Candidate) -> Result<Option<Vec<u8>>> {
    let Some(digest) = &candidate.provenance else { return Ok(None) };
    let cache = cache(reader);
    if let Some(bytes) = cache.read(digest)? {
        return Ok(Some(bytes));
    }
    let location = locate(&candidate.store)?;
    let commit = commit_of(reader, &location, candidate)?;
    Ok(Some(Store::open(location, &reader.repo, &cache).read(PROVENANCE, digest, commit)?))
}

/// Lays the artifacts out in a folder for a command, each checked once more
/// while it is copied.
///
/// # Errors
/// A byte differs (exit 9).
pub fn prepare_files(reader: &Reader, candidate: &Candidate, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    Ok(cache(reader).prepare(&candidate.artifacts, into)?)
}

/// Why a candidate cannot be deployed any more, asking its store where the
/// cache lacks something: for who is about to go there.
pub fn gone(reader: &Reader, candidate: &Candidate) -> Option<String> {
    if let Some(why) = lost(reader, candidate) {
        return Some(why);
    }
    let cache = cache(reader);
    if cache.missing(&candidate.artifacts).is_empty() {
        return None;
    }
    let location = locate(&candidate.store).ok()?;
    // A store that cannot be asked is no proof that anything is gone.
    let commit = commit_of(reader, &location, candidate).ok()?;
    let kept = Store::open(location, &reader.repo, &cache).has(&candidate.artifacts, commit);
    (!kept).then(|| "its artifacts are gone".to_owned())
}

/// Why a candidate cannot be deployed any more, if its files are neither here
/// nor, as far as this clone knows, anywhere else. Asks nobody.
pub fn lost(reader: &Reader, candidate: &Candidate) -> Option<String> {
    let cache = cache(reader);
    if cache.missing(&candidate.artifacts).is_empty() {
        return None;
    }
    let location = match locate(&candidate.store) {
        Ok(location) => location,
        Err(error) => return Some(Failure::from(error).message),
    };
    if location.is_behind_ref() && reader.is_local() {
        let name = ArtifactsRef::of(reader.project(), &candidate.version);
        let gone = reader.repo.ref_target(&name).ok().flatten().is_none();
        return gone.then(|| "its artifacts are gone".to_owned());
    }
    location.missing_folder().map(|dir| format!("its artifacts are gone: no {}", dir.display()))
}

/// A candidate, with where its files are.
pub fn candidate_report(record: Candidate, block: Option<&Block>) -> CandidateReport {
    let location = locate(&record.store).ok();
    let (project, version) = (record.project.clone(), record.version.clone());
    let uri = |file: &Artifact| location.as_ref().map(|location| location.uri(&project, &version, file));
    CandidateReport::new(record, block, uri)
}
