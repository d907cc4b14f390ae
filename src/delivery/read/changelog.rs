//! What a release brings since the last one that reached a final environment:
//! which one that is, and what lies between.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::delivery::error::{Error, Result};
use crate::delivery::read::deployments::FIRST;
use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{ClosedRelease, Snapshot};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::Pick;
use crate::domain::candidates::Minted;
use crate::domain::changelog::{HistoryStep, Since, is_before, news};
use crate::domain::changes::Change;
use crate::domain::name::{Oid, TagName};
use crate::domain::report::changelog::ChangelogReport;
use crate::store::history;
use crate::store::tag::{TagObject, read_tag};

/// What a candidate's release brings.
///
/// Every commit of the range is read once.
///
/// # Errors
/// Its tag is not the one that was minted; what it is counted from is not in
/// this clone; git failed.
pub fn gather(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: &Minted,
) -> Result<ChangelogReport> {
    let record = snapshot.record(reader, minted)?;
    let own = snapshot.closed.iter().find(|closed| closed.candidate == minted.tag);
    let released_at = own.map(|closed| tagged_at(reader, closed)).transpose()?.flatten();
    let (since, base) = since(reader, snapshot, minted)?;
    let (since, changes) = match since.commit() {
        Some(commit) => {
            let changes = between(reader, sink, snapshot, minted, commit, base)?;
            (since, changes)
        }
        None => from_the_beginning(reader, sink, snapshot, minted)?,
    };
    Ok(ChangelogReport {
        tag: minted.tag.clone(),
        release: minted.version.release.clone(),
        file: None,
        version: minted.version.clone(),
        released: own.is_some(),
        at: released_at.unwrap_or(record.created_at),
        since,
        changes,
        host: reader.pages(),
    })
}

/// When a release was tagged, as its own tag says; none where that is not on
/// what won.
fn tagged_at(reader: &Reader, closed: &ClosedRelease) -> Result<Option<DateTime<Utc>>> {
    let Some(object) = reader.repo.ref_target(&format!("{}{}", reader.tags_prefix(), closed.tag))? else {
        return Ok(None);
    };
    if !reader.repo.has_object(object) {
        return Ok(None);
    }
    Ok(match read_tag(&reader.repo, object)? {
        TagObject::Annotated { target, at, .. } if target == closed.commit => Some(at),
        _ => None,
    })
}

/// What a candidate is counted from, and the candidate that is, if it is one.
fn since<'s>(
    reader: &Reader,
    snapshot: &'s Snapshot,
    minted: &Minted,
) -> Result<(Since, Option<&'s Minted>)> {
    let winners = snapshot.closed.iter().filter_map(|closed| snapshot.minted(&closed.candidate));
    let earlier = winners.filter(|winner| is_before(winner, minted));
    if let Some(winner) = earlier.max_by(|a, b| a.order().cmp(&b.order())) {
        let release = winner.version.release.clone();
        return Ok((Since::Release { release, commit: winner.commit }, Some(winner)));
    }
    let contained = |commit: Oid| -> Result<bool> {
        Ok(history::has(&reader.repo, commit)? && history::is_ancestor(&reader.repo, commit, minted.commit)?)
    };
    for environment in snapshot.policy.config.environments.iter().filter(|environment| environment.is_final) {
        let Some(view) = snapshot.environments.get(&environment.name) else { continue };
        for live in view.state.stack.iter().rev().filter(|live| live.is_baseline()) {
            if contained(live.commit)? {
                let (tag, version) = (live.tag.clone(), live.foreign_version.clone());
                return Ok((Since::Baseline { tag, version, commit: live.commit }, None));
            }
        }
    }
    for (release, commit) in ForeignVersions::read(reader, snapshot)?.releases() {
        if *release != minted.version.release && contained(commit)? {
            let release = release.clone();
            return Ok((Since::Release { release, commit }, None));
        }
    }
    Ok((Since::Beginning { newest: None }, None))
}

/// Every change since `base` that is news to whoever has that.
fn between(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: &Minted,
    base: Oid,
    winner: Option<&Minted>,
) -> Result<Vec<Change>> {
    for commit in [base, minted.commit] {
        if !history::has(&reader.repo, commit)? {
            return Err(Error::ChangelogCut { tag: minted.tag.clone(), commit });
        }
    }
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let brought = steps(reader, &scope, &history::range(&reader.repo, &[base], minted.commit)?)?;
    let missing = history::range(&reader.repo, &[minted.commit], base)?;
    let missing = steps(reader, &Scope::new(&[])?, &missing)?;
    let picks = recorded(reader, sink, snapshot, minted, winner)?;
    let base_picks = match winner {
        Some(winner) => recorded(reader, sink, snapshot, winner, None)?,
        None => Vec::new(),
    };
    Ok(news(brought, &missing, &picks, &base_picks))
}

/// The changes of a first release: its newest commits.
fn from_the_beginning(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: &Minted,
) -> Result<(Since, Vec<Change>)> {
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let mut all = history::newest(&reader.repo, &[], minted.commit, FIRST + 1)?;
    let newest = (all.len() > FIRST).then_some(FIRST);
    all.truncate(FIRST);
    let picks = recorded(reader, sink, snapshot, minted, None)?;
    let changes = news(steps(reader, &scope, &all)?, &[], &picks, &[]);
    Ok((Since::Beginning { newest }, changes))
}

fn steps(reader: &Reader, scope: &Scope, commits: &[Oid]) -> Result<Vec<HistoryStep>> {
    let mut steps = Vec::with_capacity(commits.len());
    for &oid in commits {
        let said = reader.repo.said(oid)?;
        steps.push(HistoryStep {
            change: Change::read(oid, &said.message, &said.author, said.commit_time),
            parents: said.parents,
            own: scope.touched_by(reader, oid)?,
        });
    }
    Ok(steps)
}

/// The picks of a candidate and of those it was picked onto, back to `until`.
///
/// A parent whose tag is not the one that was minted is a warning: what was
/// picked is in the messages of the picks as well.
fn recorded(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: &Minted,
    until: Option<&Minted>,
) -> Result<Vec<Pick>> {
    let mut picks = Vec::new();
    let mut seen: HashSet<&TagName> = until.map(|until| &until.tag).into_iter().collect();
    let mut next = Some(minted);
    while let Some(minted) = next.filter(|minted| seen.insert(&minted.tag)) {
        // Without a parent nothing was picked.
        if minted.parent.is_some() {
            match snapshot.record(reader, minted) {
                Ok(record) => picks.extend(record.picks),
                Err(failure) if failure.is_integrity() => sink.notice(Notice::Trouble(&failure.into())),
                Err(failure) => return Err(failure),
            }
        }
        next = minted.parent.as_ref().and_then(|parent| snapshot.minted(parent));
    }
    Ok(picks)
}
