//! Ranges of commits, positions on trunk, and the project's own changes.

use std::rc::Rc;

use crate::delivery::error::Result;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, WalkedRange};
use crate::domain::changes::{Change, RevertName};
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
            resolved(reader, Change::read(*oid, &commit.message, &commit.author, commit.commit_time))
        })
        .collect()
}

/// The most commits before a revert that are looked at for the title it repeats.
const TITLES_READ: usize = 5_000;

/// A change with the ids of what it reverts, where it names that by less, and it is there.
///
/// # Errors
/// git failed.
pub fn resolved(reader: &Reader, mut change: Change) -> Result<Change> {
    for name in std::mem::take(&mut change.reverts_named) {
        let found = match &name {
            // What fits several objects, or none, names no commit.
            RevertName::Digits(digits) => reader.repo.resolve_commit(digits).ok().flatten(),
            RevertName::Title(title) => titled(reader, change.commit, title)?,
        };
        match found {
            Some(commit) => change.reverts.push(commit),
            None => change.reverts_named.push(name),
        }
    }
    Ok(change)
}

/// The newest commit before `revert` with this title.
fn titled(reader: &Reader, revert: Oid, title: &str) -> Result<Option<Oid>> {
    for commit in history::between(&reader.repo, &[], &[revert], TITLES_READ)? {
        let said = reader.repo.said(commit)?;
        let subject = said.message.trim_start().lines().next().unwrap_or_default();
        if commit != revert && Change::is_titled(subject, title) {
            return Ok(Some(commit));
        }
    }
    Ok(None)
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
