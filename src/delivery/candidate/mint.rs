//! What a candidate is at the authority: its artifacts, its tag and, last,
//! the entry in the chain that makes it one.
//!
//! They are published as one where the authority can do that. Where it moves
//! one ref at a time, whoever dies on the way leaves the first of them without
//! the last: then they are no candidate's yet. The journal names them, so that
//! the next run can put the rest there, or take back what was given up.

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState};
use crate::domain::name::Oid;
use crate::domain::ref_name::{ArtifactsRef, ChainRef, RefName};
use crate::store::authority::{Expected, Published, RefUpdate};
use crate::store::journal::Mint;
use crate::store::ledger::{self, View};

/// Publishes them with `event`, the entry, on top of this view; the view after it.
///
/// # Errors
/// As [`crate::store::authority::Authority::publish`].
pub fn publish(
    reader: &Reader,
    view: &View<CandidatesState>,
    mint: &Mint,
    event: &CandidatesEvent,
) -> Result<(View<CandidatesState>, Published)> {
    let (after, entry) = view.append(&reader.repo, std::slice::from_ref(event))?;
    // The entry comes last: whoever sees it finds the tag, and whoever finds the tag the artifacts.
    let made = refs(reader, mint).into_iter().map(|(name, new)| RefUpdate {
        name,
        expected: Expected::MustNotExist,
        new,
    });
    let updates: Vec<RefUpdate> = made.chain([entry]).collect();
    let published = reader.authority().publish(&reader.repo, &updates)?;
    if published == Published::Done && !reader.is_local() {
        let copy = reader.tag_copy(&mint.candidate.tag);
        reader.repo.set_cache_ref(&copy, mint.candidate.tag_object)?;
    }
    Ok((after, published))
}

/// Whether a part of it is there, and the rest can follow from this clone.
///
/// # Errors
/// The authority cannot be reached.
pub fn is_begun(reader: &Reader, mint: &Mint) -> Result<bool> {
    let refs = refs(reader, mint);
    let names: Vec<&str> = refs.iter().map(|(name, _)| name.as_str()).collect();
    let held = reader.authority().tips(&reader.repo, &names)?;
    let there: Vec<bool> = refs.iter().zip(held).map(|((_, new), held)| held == Some(*new)).collect();
    let tag_is_there = there.last() == Some(&true);
    Ok(tag_is_there || there.contains(&true) && reader.repo.is_intact(mint.candidate.tag_object))
}

/// Takes back what was put there for a number that was abandoned since; says
/// so where the authority keeps it. Nothing of a candidate is touched.
///
/// # Errors
/// git failed.
pub fn take_back(reader: &Reader, sink: &dyn Sink, mint: &Mint) -> Result<()> {
    if !is_abandoned(reader, mint)? {
        return Ok(());
    }
    let refs = refs(reader, mint);
    let tag = &mint.candidate.tag;
    if let Err(error) = reader.authority().remove(&reader.repo, &refs) {
        sink.notice(Notice::NotTakenBack { tag, why: error.into() });
        return Ok(());
    }
    if !reader.is_local() {
        let copies = [reader.tag_copy(tag), tag.to_ref().to_string()];
        for copy in copies {
            if reader.repo.ref_target(&copy)? == Some(mint.candidate.tag_object) {
                reader.repo.delete_cache_ref(&copy)?;
            }
        }
    }
    Ok(())
}

/// Whether the chain, as this clone has it, says that the number came to nothing.
fn is_abandoned(reader: &Reader, mint: &Mint) -> Result<bool> {
    let tip = ledger::tip(&reader.repo, &ChainRef::of_candidates(reader.project()), &[])?;
    let ours = &mint.candidate.version;
    for event in ledger::events::<CandidatesState>(&reader.repo, tip) {
        match event?.1.what {
            CandidatesEventKind::Abandoned { version, .. } if version == *ours => return Ok(true),
            CandidatesEventKind::Reserved { version, .. } if version == *ours => return Ok(false),
            CandidatesEventKind::Minted(minted) if minted.version == *ours => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}

/// All but the entry, in the order they are made.
fn refs(reader: &Reader, mint: &Mint) -> Vec<(RefName, Oid)> {
    let candidate = &mint.candidate;
    let artifacts =
        mint.artifacts.map(|new| (ArtifactsRef::of(reader.project(), &candidate.version).into(), new));
    artifacts.into_iter().chain([(candidate.tag.to_ref().into(), candidate.tag_object)]).collect()
}
