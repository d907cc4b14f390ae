//! What all candidates' tags record, for who looks at all of them: each tag is
//! opened once, and what it says is kept beside the clone.
//!
//! A tag object never changes, so what is known of one stays true. Whether the
//! authority still holds that object is asked each time.

use std::collections::HashSet;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::delivery::error::Result;
use crate::delivery::read::range::changes;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags, read_candidate, vouched};
use crate::domain::candidate::{Candidate, Pick};
use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState, Minted};
use crate::domain::name::{Oid, TagName};
use crate::store::derived_file;

/// CandidateTags by the tag objects that hold them.
pub struct CandidateTags(FxHashMap<Oid, Candidate>);

impl CandidateTags {
    /// Reads all that are known, and what the tags of newer candidates say.
    ///
    /// # Errors
    /// git failed.
    pub fn read(reader: &Reader, snapshot: &Snapshot) -> Result<CandidateTags> {
        // A tag that cannot be read now is tried again when it is asked for.
        let keep = |event: CandidatesEvent| {
            let minted = minted(event)?;
            let record = read_candidate(reader, &minted.tag, minted.tag_object).ok()?.ok()?;
            Some((minted.tag_object, record))
        };
        let (tip, file) = (snapshot.candidates.tip, reader.derived_file("candidates"));
        let kept = derived_file::read::<CandidatesState, (Oid, Candidate)>(
            &reader.repo,
            tip,
            &file,
            "records 1",
            keep,
        )?;
        Ok(CandidateTags(kept.into_iter().collect()))
    }

    /// Hands out the record of a candidate, among the tags that the authority has.
    ///
    /// # Errors
    /// As [`Snapshot::record`].
    pub fn take(&mut self, reader: &Reader, minted: &Minted, tags: &Tags) -> Result<Candidate> {
        let known = self.0.remove(&minted.tag_object);
        vouched(reader, minted, tags.get(minted.tag.as_str()), known)
    }
}

fn minted(event: CandidatesEvent) -> Option<Minted> {
    match event.what {
        CandidatesEventKind::Minted(minted) => Some(minted),
        _ => None,
    }
}

/// A pick that a candidate records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedPick {
    /// What was picked as what.
    pub pick: Pick,
    /// What it says it reverts.
    pub reverts: Vec<Oid>,
}

/// Every pick that a candidate records whose tag is among these as it was
/// minted, oldest first.
///
/// # Errors
/// git failed.
pub fn picks(reader: &Reader, snapshot: &Snapshot, tags: &Tags) -> Result<Vec<RecordedPick>> {
    let recorded = |tag: &TagName, object: Oid| {
        let record = read_candidate(reader, tag, object).ok()?.ok()?;
        let picked = record.picks.into_iter().map(|pick| {
            let change = changes(reader, &[pick.commit]).ok()?.pop()?;
            Some(RecordedPick { pick, reverts: change.reverts })
        });
        picked.collect::<Option<Vec<RecordedPick>>>()
    };
    // Only what was picked onto another candidate has picks; the others' tags are not opened.
    let keep = |event: CandidatesEvent| {
        let minted = minted(event).filter(|minted| minted.parent.is_some())?;
        let picks = recorded(&minted.tag, minted.tag_object);
        Some((minted.tag, minted.tag_object, picks))
    };
    let (tip, file) = (snapshot.candidates.tip, reader.derived_file("candidates"));
    type Kept = (TagName, Oid, Option<Vec<RecordedPick>>);
    let kept = derived_file::read::<CandidatesState, Kept>(&reader.repo, tip, &file, "picks 2", keep)?;
    let mut picks = Vec::new();
    for (tag, object, known) in kept {
        // A tag that is not the one that was minted says nothing; others warn of it.
        if tags.get(tag.as_str()) == Some(object) {
            picks.extend(known.or_else(|| recorded(&tag, object)).unwrap_or_default());
        }
    }
    Ok(picks)
}

/// The commits that a candidate carries by recorded picks, its parents' too.
///
/// # Errors
/// The tag of one of them is not the one that was minted, or git failed.
pub fn carried(reader: &Reader, snapshot: &Snapshot, from: &Minted) -> Result<Vec<(Pick, TagName)>> {
    let mut picks = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(from);
    while let Some(minted) = next.filter(|minted| seen.insert(minted.tag.clone())) {
        if minted.parent.is_none() {
            break;
        }
        let record = snapshot.record(reader, minted)?;
        picks.extend(record.picks.into_iter().map(|pick| (pick, minted.tag.clone())));
        next = minted.parent.as_ref().and_then(|parent| snapshot.minted(parent));
    }
    Ok(picks)
}
