//! What messages on trunk say of other commits: that they revert them, or were
//! picked from them.
//!
//! Nothing but the messages tells, so those of all that may be meant are read,
//! once; what they say is kept beside the clone.

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};

use crate::delivery::error::Result;
use crate::delivery::read::candidate_tags::RecordedPick;
use crate::delivery::read::range::changes;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::changes::Change;
use crate::domain::name::Oid;
use crate::store::{derived_file, history};

/// The most commits of trunk that are looked at, the newest ones.
const LOOKED_AT: usize = 20_000;

/// The most commits that are tried for being below all that is asked about.
const TRIED: usize = 60;

/// What is kept, and in which form.
const FORMAT: &str = "mentions 3";

/// The most commits that are kept of those that were asked about.
const ASKED: usize = 256;

/// A commit that reverts others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// Which.
    pub commit: Oid,
    /// What it says it reverts.
    of: Vec<Oid>,
    /// Of those the merges, each with its first parent: what they brought is
    /// reverted too.
    merges: Vec<(Oid, Oid)>,
}

/// What trunk's messages say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MessageRefs {
    /// Trunk's tip then.
    tip: Option<Oid>,
    /// What this contains was not looked at; none where that is too far back
    /// to matter.
    floor: Option<Oid>,
    /// Commits that contain that, as was found out before; the latest last.
    above: Vec<Oid>,
    /// Newest first.
    reverts: Vec<Revert>,
    /// Commits, and what they say they were picked from.
    picks: Vec<(Oid, Oid)>,
}

impl MessageRefs {
    /// What is said of these commits, on trunk and among recorded picks, and
    /// maybe of others. Of what more than 20,000 commits of trunk came after,
    /// nothing is.
    ///
    /// # Errors
    /// git failed.
    pub fn of(
        reader: &Reader,
        snapshot: &Snapshot,
        commits: &[Oid],
        picked: &[RecordedPick],
    ) -> Result<MessageRefs> {
        let mut mentions = on_trunk(reader, snapshot, commits)?;
        for pick in picked.iter().filter(|picked| !picked.reverts.is_empty()) {
            mentions.reverts.push(revert(reader, pick.pick.commit, pick.reverts.clone())?);
        }
        Ok(mentions)
    }

    /// Whether both were read equally far back.
    pub fn reaches_as_far_as(&self, other: &MessageRefs) -> bool {
        self.floor == other.floor
    }

    /// Commits of trunk, each with one that it says it was picked from.
    pub fn picks(&self) -> &[(Oid, Oid)] {
        &self.picks
    }

    /// Those that say they revert one of these names of a commit, or a merge
    /// that brought `form`.
    ///
    /// # Errors
    /// git failed.
    pub fn reverts(&self, reader: &Reader, names: &[Oid], form: Oid) -> Result<Vec<&Revert>> {
        let mut found = Vec::new();
        for revert in &self.reverts {
            let named = revert.of.iter().any(|of| names.contains(of));
            if revert.commit != form && (named || brought(reader, &revert.merges, form)?) {
                found.push(revert);
            }
        }
        Ok(found)
    }

    /// The same with what trunk has got since.
    fn read_on(mut self, reader: &Reader, trunk: Oid) -> Result<MessageRefs> {
        if self.tip == Some(trunk) {
            return Ok(self);
        }
        let newer: Vec<Oid> = self.tip.into_iter().collect();
        let mut mentions = MessageRefs::read(reader, &newer, trunk)?;
        mentions.reverts.append(&mut self.reverts);
        mentions.picks.append(&mut self.picks);
        Ok(MessageRefs { floor: self.floor, above: self.above, ..mentions })
    }

    /// Reads the messages of what trunk contains and `exclude` does not.
    fn read(reader: &Reader, exclude: &[Oid], trunk: Oid) -> Result<MessageRefs> {
        let mut mentions = MessageRefs { tip: Some(trunk), ..MessageRefs::default() };
        let texts =
            AhoCorasick::new(Change::SIGNS_OF_OTHERS).expect("a few short texts are no large machine");
        for commit in history::between(&reader.repo, exclude, &[trunk], LOOKED_AT)? {
            if !reader.repo.may_say(commit, &texts)? {
                continue;
            }
            let change = changes(reader, &[commit])?.swap_remove(0);
            mentions.picks.extend(change.picked_from.into_iter().map(|source| (commit, source)));
            if !change.reverts.is_empty() {
                mentions.reverts.push(revert(reader, commit, change.reverts)?);
            }
        }
        Ok(mentions)
    }
}

/// Whether one of these merges brought a commit to the line of its first parent.
fn brought(reader: &Reader, merges: &[(Oid, Oid)], commit: Oid) -> Result<bool> {
    for (merge, first) in merges {
        if history::is_ancestor(&reader.repo, commit, *merge)?
            && !history::is_ancestor(&reader.repo, commit, *first)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn revert(reader: &Reader, commit: Oid, of: Vec<Oid>) -> Result<Revert> {
    let mut merges = Vec::new();
    for target in &of {
        if history::has(&reader.repo, *target)? && history::is_merge(&reader.repo, *target)? {
            merges.extend(history::parents(&reader.repo, *target)?.first().map(|first| (*target, *first)));
        }
    }
    Ok(Revert { commit, of, merges })
}

/// What was kept, read on from there; anew where that does not go far enough back.
fn on_trunk(reader: &Reader, snapshot: &Snapshot, commits: &[Oid]) -> Result<MessageRefs> {
    let (file, trunk) = (reader.derived_file("containment"), snapshot.trunk);
    let kept: Option<MessageRefs> = derived_file::load(&file, FORMAT);
    let kept = match kept {
        Some(kept) if goes_on(reader, &kept, trunk)? => Some(kept),
        _ => None,
    };
    let new = |kept: &MessageRefs| -> Vec<Oid> {
        let new = commits.iter().copied().filter(|commit| !kept.above.contains(commit));
        if kept.floor.is_some() { new.collect() } else { Vec::new() }
    };
    let (mut mentions, new) = match kept {
        Some(kept) => {
            let new = new(&kept);
            if new.is_empty() && kept.tip == Some(trunk) {
                return Ok(kept);
            }
            let far_enough = kept.floor.map_or(Ok(true), |floor| is_below(reader, floor, &new))?;
            if far_enough {
                (kept.read_on(reader, trunk)?, new)
            } else {
                anew(reader, snapshot, commits, kept.floor)?
            }
        }
        None => anew(reader, snapshot, commits, None)?,
    };
    mentions.above.extend(new);
    let over = mentions.above.len().saturating_sub(ASKED);
    mentions.above.drain(..over);
    derived_file::store(&file, FORMAT, &mentions);
    Ok(mentions)
}

/// Reads from below all of these commits, and from no later than before.
fn anew(
    reader: &Reader,
    snapshot: &Snapshot,
    commits: &[Oid],
    before: Option<Oid>,
) -> Result<(MessageRefs, Vec<Oid>)> {
    let all: Vec<Oid> = commits.iter().copied().chain(before).collect();
    let floor = below(reader, snapshot, &all)?;
    let exclude: Vec<Oid> = floor.into_iter().collect();
    let mentions = MessageRefs { floor, ..MessageRefs::read(reader, &exclude, snapshot.trunk)? };
    Ok((mentions, if floor.is_some() { commits.to_vec() } else { Vec::new() }))
}

/// Whether what was kept is of this history, and trunk has only grown since.
fn goes_on(reader: &Reader, kept: &MessageRefs, trunk: Oid) -> Result<bool> {
    for commit in kept.floor.iter().chain(&kept.tip) {
        if !history::has(&reader.repo, *commit)? {
            return Ok(false);
        }
    }
    Ok(kept.tip.map_or(Ok(false), |tip| history::is_ancestor(&reader.repo, tip, trunk))?)
}

/// Whether all of these commits contain `floor`.
fn is_below(reader: &Reader, floor: Oid, commits: &[Oid]) -> Result<bool> {
    let contained = history::containing(&reader.repo, &[floor], commits)?;
    Ok((0..commits.len()).all(|at| contained.has(0, at)))
}

/// A commit that all of these contain, not far back: one of them, or what a
/// candidate was cut from. None where there is none such.
fn below(reader: &Reader, snapshot: &Snapshot, commits: &[Oid]) -> Result<Option<Oid>> {
    let mut cut: Vec<_> = snapshot.pool.iter().map(|minted| (minted.position, minted.trunk_commit)).collect();
    cut.sort_unstable_by(|a, b| b.cmp(a));
    cut.dedup();
    let cut = cut.into_iter().map(|(_, commit)| commit).take(TRIED);
    let mut floors = Vec::new();
    for floor in commits.iter().copied().chain(cut) {
        if history::has(&reader.repo, floor)? {
            floors.push(floor);
        }
    }
    let contained = history::containing(&reader.repo, &floors, commits)?;
    let below = |floor: &usize| (0..commits.len()).all(|at| contained.has(*floor, at));
    Ok((0..floors.len()).find(below).map(|at| floors[at]))
}
