//! Ranges of commits, positions on trunk, and the project's own changes.

use std::rc::Rc;

use crate::delivery::error::Result;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, WalkedRange};
use crate::domain::changes::Change;
use crate::domain::name::Oid;
use crate::store::history;
/// Commits as people read them.
///
/// # Errors
/// git failed.
pub fn changes(reader: &Reader, commits: &[Oid]) -> Result<Vec<Change>> {
    commits
        .iter()
        .map(|oid| {
            let commit = reader.repo.commit(*oid)?;
            Ok(Change::read(*oid, &commit.message, &commit.author, commit.commit_time))
        })
        .collect()
}

/// The project's own commits that `include` contains and `exclude` does not,
/// newest first. Of one range, nothing is read twice in a row.
///
/// # Errors
/// git failed.
pub fn between(reader: &Reader, snapshot: &Snapshot, exclude: Oid, include: Oid) -> Result<Rc<[Change]>> {
    if let Some(walked) = &*snapshot.walked.borrow()
        && (walked.exclude, walked.include) == (exclude, include)
    {
        return Ok(walked.own.clone());
    }
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let mut own = Vec::new();
    for commit in history::range(&reader.repo, &[exclude], include)? {
        if scope.touched_by(reader, commit)? {
            own.push(commit);
        }
    }
    let own: Rc<[Change]> = changes(reader, &own)?.into();
    snapshot.walked.replace(Some(WalkedRange { exclude, include, own: own.clone() }));
    Ok(own)
}

/// Where a commit stands on trunk: how many commits it builds on, itself
/// included. Counted from a candidate whose position is known, where there
/// is one.
///
/// # Errors
/// git failed.
pub fn position(reader: &Reader, snapshot: &Snapshot, commit: Oid) -> Result<u64> {
    let known = snapshot.candidates.state.newest().and_then(|line| Some((line.trunk_commit?, line.position)));
    if let Some((base, position)) = known
        && reader.repo.has_object(base)
    {
        let (ahead, behind) = history::ahead_behind(&reader.repo, commit, base)?;
        return Ok((position + ahead as u64).saturating_sub(behind as u64));
    }
    Ok(history::ancestor_count(&reader.repo, commit)?)
}
