//! Bringing a candidate's recorded bytes to this machine, and nothing else.

use std::cell::RefCell;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::delivery::error::Result;
use crate::delivery::error::run::{Lacking, RunError, StoreFault};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::artifact::Artifact;
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{Block, CandidatesState};
use crate::domain::env::Live;
use crate::domain::name::{Oid, TagName};
use crate::domain::ref_name::{ArtifactsRef, ChainRef};
use crate::domain::report::candidate::CandidateReport;
use crate::store;
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::{Location, Store, locate};
use crate::store::authority::Authority;
use crate::store::error::ArtifactError;
use crate::store::ledger;

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
    store.fetch(&candidate.artifacts, commit).map_err(|error| match error {
        store::error::Error::Artifact(ArtifactError::Unreachable { dir, cause }) => {
            let why = StoreFault::Folder { dir, cause };
            RunError::OutOfReach { tag: candidate.tag.clone(), why }.into()
        }
        error => error.into(),
    })
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
#[derive(Clone, Copy)]
struct Whereabouts {
    gone: bool,
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
            return *known;
        }
        let (reader, snapshot) = (self.reader, self.snapshot);
        let record = snapshot.minted(tag).and_then(|minted| snapshot.record(reader, minted).ok());
        let found = record.map(|record| Whereabouts {
            gone: are_gone_here(reader, &record),
            not_here: !reader.is_local() && is_not_here(reader, &record).unwrap_or_default(),
        });
        self.known.borrow_mut().insert(tag.clone(), found);
        found
    }

    /// Whether a candidate cannot be deployed any more.
    pub fn are_gone(&self, tag: &TagName) -> bool {
        self.of(tag).is_some_and(|bytes| bytes.gone)
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
    let authority = reader.authority();
    authority.fetch(&reader.repo, &[format!("+{name}*:{name}*")])?;
    let commit = reader.repo.ref_target(&name)?;
    let folder = ArtifactsRef::folder(reader.project());
    if commit.is_none() && is_hidden(reader, &authority, &folder)? {
        let why = StoreFault::Hidden { authority: authority.to_string(), folder };
        return Err(RunError::OutOfReach { tag: candidate.tag.clone(), why }.into());
    }
    Ok(commit)
}

/// Whether an authority shows no artifacts at all, although more than one candidate was published with
/// some: it hides them, rather than having lost all.
fn is_hidden(reader: &Reader, authority: &Authority, folder: &str) -> Result<bool> {
    let chain = ChainRef::of_candidates(reader.project());
    let state = ledger::read::<CandidatesState>(&reader.repo, &chain, &[])?.state;
    let candidates: u32 = state.releases.iter().filter(|line| line.minted).map(|line| line.highest).sum();
    Ok(candidates > 1 && authority.list_under(&reader.repo, &[folder])?.is_empty())
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

/// Whether a candidate's artifacts are gone, asking its store where the cache
/// lacks something: for who is about to go there. False where that cannot be
/// told, or where there is no tag to go by, which is for others to tell of.
pub fn are_gone(reader: &Reader, snapshot: &Snapshot, tag: &TagName) -> bool {
    let gone = || -> Option<bool> {
        let candidate = snapshot.record(reader, snapshot.minted(tag)?).ok()?;
        if are_gone_here(reader, &candidate) {
            return Some(true);
        }
        let cache = cache(reader);
        if cache.missing(&candidate.artifacts).is_empty() {
            return Some(false);
        }
        // A store that cannot be asked is no proof that anything is gone.
        let location = locate(&candidate.store).ok().filter(|location| !location.is_out_of_reach())?;
        let commit = commit_of(reader, &location, &candidate).ok()?;
        Some(!Store::open(location, &reader.repo, &cache).has(&candidate.artifacts, commit))
    };
    gone().unwrap_or_default()
}

/// Whether a candidate's artifacts are gone, as far as this clone knows by
/// itself. Asks nobody.
fn are_gone_here(reader: &Reader, candidate: &Candidate) -> bool {
    let is_behind_ref = || locate(&candidate.store).is_ok_and(|location| location.is_behind_ref());
    reader.is_local()
        && !cache(reader).missing(&candidate.artifacts).is_empty()
        && is_behind_ref()
        && copy_in_git(reader, candidate).is_ok_and(|commit| commit.is_none())
}

/// Whether what is live could be brought back: from this machine, or never.
/// `None` if its bytes would have to be fetched.
pub fn undo_is_here(reader: &Reader, candidate: &Candidate) -> Option<bool> {
    if are_gone_here(reader, candidate) {
        return Some(false);
    }
    (!is_not_here(reader, candidate).unwrap_or(true)).then_some(true)
}

/// A candidate, with where its files are.
pub fn candidate_report(record: Candidate, block: Option<&Block>) -> CandidateReport {
    let location = locate(&record.store).ok();
    let (project, version) = (record.project.clone(), record.version.clone());
    let uri = |file: &Artifact| location.as_ref().map(|location| location.uri(&project, &version, file));
    CandidateReport::new(record, block, uri)
}
