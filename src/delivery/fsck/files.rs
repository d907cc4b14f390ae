//! Artifacts in their stores, against what their tags record.

use std::collections::{BTreeMap, BTreeSet};

use super::{Examination, Repair};
use crate::delivery::error::Result;
use crate::delivery::run::artifacts::{self, PROVENANCE};
use crate::delivery::sink::Notice;
use crate::domain::artifact::Artifact;
use crate::domain::candidate::Candidate;
use crate::domain::fsck::{Finding, Sort};
use crate::domain::name::{Oid, Sha256};
use crate::domain::ref_name::ArtifactsRef;
use crate::failure::Failure;
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::{Holding, Location, RecordedFile, Store, locate};
use crate::store::authority::{Expected, RefUpdate};

/// Checks what every candidate's tag records.
///
/// # Errors
/// The authority cannot be reached.
pub fn check(look: &mut Examination, records: &[Candidate]) -> Result<()> {
    let cache = artifacts::cache(look.reader);
    if look.asks && !look.quick {
        bring(look, records)?;
    }
    let mut seen = BTreeMap::new();
    let mut away = BTreeSet::new();
    for record in records {
        look.report.checked.not_checked.references += record.references.len();
        match locate(&record.store) {
            Ok(location) if location.is_behind_ref() => in_git(look, record, location, &cache)?,
            Ok(location) => in_place(look, record, location, &cache, &mut seen, &mut away),
            Err(error) => {
                if away.insert(record.store.clone()) {
                    look.tell(Finding::of_store(Failure::from(error).message));
                }
            }
        }
    }
    warn_of_damage(look, records, &cache)
}

/// What a tag records: its artifacts, and its provenance statement.
fn entries(record: &Candidate) -> Vec<RecordedFile<'_>> {
    let statement =
        record.provenance.as_ref().map(|digest| RecordedFile { name: PROVENANCE, digest, size: None });
    record.artifacts.iter().map(RecordedFile::from).chain(statement).collect()
}

/// Brings what is kept in git and not here. No ref keeps it, so that this clone stays what it was.
fn bring(look: &Examination, records: &[Candidate]) -> Result<()> {
    let reader = look.reader;
    let is_in_git =
        |record: &&Candidate| locate(&record.store).is_ok_and(|location| location.is_behind_ref());
    let in_git = records.iter().filter(is_in_git);
    let missing: Vec<ArtifactsRef> = in_git
        .map(|record| ArtifactsRef::of(reader.project(), &record.version))
        .filter(|name| look.artifacts.get(name).is_some_and(|commit| !reader.repo.has_object(*commit)))
        .collect();
    Ok(reader.authority().fetch_objects(&reader.repo, &missing)?)
}

fn in_git(look: &mut Examination, record: &Candidate, location: Location, cache: &Cache) -> Result<()> {
    let reader = look.reader;
    let entries = entries(record);
    if entries.is_empty() {
        return Ok(());
    }
    let name = ArtifactsRef::of(reader.project(), &record.version);
    let store = Store::open(location, &reader.repo, cache);
    let Some(commit) = look.artifacts.get(&name).copied() else {
        if !look.asks && !reader.is_local() {
            look.report.checked.not_checked.artifacts += entries.len();
            return Ok(());
        }
        look.report.checked.artifacts += entries.len();
        let finding = Finding::new(Sort::Artifact, &name, format!("it is gone, and {} needs it", record.tag));
        let copy = reader.repo.ref_target(&name)?.filter(|copy| is_whole(&store, &entries, *copy));
        match copy {
            Some(copy) => {
                let update = RefUpdate { name: name.into(), expected: Expected::MustNotExist, new: copy };
                look.tell_with(finding, Repair::Ref(update));
            }
            None => tell_missing(look, record, finding, cache),
        }
        return Ok(());
    };
    if !reader.repo.has_object(commit) {
        // With `--quick`, or offline: that the ref is there is all that can be told.
        look.report.checked.artifacts += entries.len();
        look.report.checked.not_checked.bytes += entries.len();
        return Ok(());
    }
    for entry in entries {
        let held = store.check(&entry, Some(commit), !look.quick)?;
        count(look, &held);
        if let Some(message) = wrong(record, &entry, &held) {
            look.tell(elsewhere(Finding::new(Sort::Artifact, &name, message).at(commit)));
        }
    }
    Ok(())
}

fn in_place(
    look: &mut Examination,
    record: &Candidate,
    location: Location,
    cache: &Cache,
    seen: &mut BTreeMap<(String, Sha256), Holding>,
    away: &mut BTreeSet<String>,
) {
    let place = location.to_string();
    let store = Store::open(location.clone(), &look.reader.repo, cache);
    let mut gone = Vec::new();
    for entry in entries(record) {
        let key = (place.clone(), *entry.digest);
        let held = match seen.get(&key) {
            Some(held) => held.clone(),
            None => match store.check(&entry, None, !look.quick) {
                Ok(held) => {
                    count(look, &held);
                    seen.insert(key, held.clone());
                    held
                }
                Err(error) => {
                    if away.insert(place) {
                        let failure = Failure::from(error);
                        let finding = Finding::of_store(failure.message);
                        look.tell(failure.hints.into_iter().fold(finding, Finding::hint));
                    }
                    return;
                }
            },
        };
        match wrong(record, &entry, &held) {
            Some(message) if held == Holding::Missing => gone.push(message),
            Some(message) => {
                let finding = Finding::new(Sort::Artifact, record.tag.to_ref(), message);
                look.tell(elsewhere(finding.hint(format!(
                    "rel overwrites no file there: find out who changed {}, remove it, then rel fsck --repair",
                    location.spot(entry.digest)
                ))));
            }
            None => {}
        }
    }
    if !gone.is_empty() {
        let finding = Finding::new(Sort::Artifact, record.tag.to_ref(), gone.join("; "));
        tell_missing(look, record, finding, cache);
    }
}

fn count(look: &mut Examination, held: &Holding) {
    let checked = &mut look.report.checked;
    checked.artifacts += 1;
    match held {
        Holding::Whole(size) if !look.quick => checked.bytes += size,
        _ if look.quick => checked.not_checked.bytes += 1,
        _ => {}
    }
}

fn is_whole(store: &Store<'_>, entries: &[RecordedFile<'_>], commit: Oid) -> bool {
    entries.iter().all(|entry| matches!(store.check(entry, Some(commit), true), Ok(Holding::Whole(_))))
}

/// What is wrong with an entry, if anything is.
fn wrong(record: &Candidate, entry: &RecordedFile<'_>, held: &Holding) -> Option<String> {
    let (name, tag) = (entry.name, &record.tag);
    match held {
        Holding::Whole(_) => None,
        Holding::Missing => Some(format!("{name} of {tag} is missing from {}", record.store)),
        Holding::Otherwise(why) => Some(format!("{name} of {tag} is not what was recorded: {why}")),
    }
}

/// Tells of bytes that are missing: they are put back where this clone's cache
/// has all of them.
fn tell_missing(look: &mut Examination, record: &Candidate, finding: Finding, cache: &Cache) {
    match cached(record, cache) {
        Some(files) => look.tell_with(finding, Repair::Store { record: Box::new(record.clone()), files }),
        None => look.tell(elsewhere(finding)),
    }
}

/// All that a tag records, if this clone's cache has every byte of it.
pub fn cached(record: &Candidate, cache: &Cache) -> Option<Vec<Artifact>> {
    let mut files = record.artifacts.clone();
    if let Some(digest) = record.provenance {
        let size = u64::try_from(cache.read(&digest).ok()??.len()).ok()?;
        files.push(Artifact { name: PROVENANCE.to_owned(), digest, size });
    }
    files.iter().all(|file| matches!(cache.verify(file), Ok(true))).then_some(files)
}

/// What helps where this clone does not have the bytes.
fn elsewhere(finding: Finding) -> Finding {
    finding
        .hint("the recorded bytes may be in a clone that built or deployed it: rel fsck --repair there")
        .hint("or build a new candidate: rel cut --again")
}

/// A damaged copy in this clone's cache harms nobody: it is fetched anew.
fn warn_of_damage(look: &Examination, records: &[Candidate], cache: &Cache) -> Result<()> {
    if look.quick {
        return Ok(());
    }
    for file in records.iter().flat_map(|record| &record.artifacts) {
        if cache.get(file).is_some() && !cache.verify(file)? {
            look.sink.notice(Notice::DamagedCopy { name: &file.name, fetched: false });
        }
    }
    Ok(())
}
