//! What a candidate brings, and what that is counted from: asked by the cut
//! that makes it, and by whoever tells of it later.

use std::collections::HashSet;

use crate::delivery::error::Result;
use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range::resolved;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::Pick;
use crate::domain::candidates::Minted;
use crate::domain::changelog::{HistoryStep, news};
use crate::domain::changes::Change;
use crate::domain::env::Live;
use crate::domain::name::{Oid, TagName};
use crate::domain::since::{Counted, Milestone, MilestoneKind, Since, highest, is_before};
use crate::domain::spelled::Spelled;
use crate::domain::version::{ParsedTag, Version};
use crate::store::history::{self, Ranges};

/// How many commits the changes of a first candidate, or release, go back.
const MAX_FIRST: usize = 200;

/// Whose changes are asked for.
#[derive(Debug, Clone, Copy)]
pub struct ChangesOf<'a> {
    commit: Oid,
    trunk_commit: Oid,
    /// Its release, where that is known: nothing is counted from itself.
    release: Option<&'a Version>,
    /// The candidate, where it is one.
    minted: Option<&'a Minted>,
    /// The candidates that were there before it, oldest first.
    before: &'a [Minted],
}

impl<'a> ChangesOf<'a> {
    /// A candidate.
    pub fn candidate(snapshot: &'a Snapshot, minted: &'a Minted) -> ChangesOf<'a> {
        let at = snapshot.pool.iter().position(|other| other.tag == minted.tag);
        ChangesOf {
            commit: minted.commit,
            trunk_commit: minted.trunk_commit,
            release: Some(&minted.version.release),
            minted: Some(minted),
            before: &snapshot.pool[..at.unwrap_or(snapshot.pool.len())],
        }
    }

    /// A commit of trunk that is to become a candidate, of this release if one was asked for.
    pub fn trunk(snapshot: &'a Snapshot, commit: Oid, release: Option<&'a Version>) -> ChangesOf<'a> {
        ChangesOf { commit, trunk_commit: commit, release, minted: None, before: &snapshot.pool }
    }

    fn is_of(&self, release: &Version) -> bool {
        self.release == Some(release)
    }

    /// The candidate it was picked onto, or the one before it in its release.
    fn predecessor(&self, snapshot: &'a Snapshot) -> Option<&'a Minted> {
        let parent = self.minted.and_then(|minted| snapshot.minted(minted.parent.as_ref()?));
        parent.or_else(|| {
            let in_release = self.before.iter().filter(|other| self.is_of(&other.version.release));
            in_release.max_by_key(|other| other.version.number)
        })
    }
}

/// What a candidate brought: the changes that the text of its tag lists, newest
/// first, and what they are counted from. None where a commit is not in this clone.
///
/// # Errors
/// git failed.
pub fn brought(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    subject: &ChangesOf<'_>,
) -> Result<(Since, Option<Vec<Change>>)> {
    let since = match subject.predecessor(snapshot) {
        Some(before) => Since::Candidate { tag: before.tag.clone(), commit: before.commit },
        None => since(reader, snapshot, subject, Counted::Versions)?,
    };
    changes(reader, sink, snapshot, subject, since)
}

/// What the changes of `subject` are counted from.
///
/// # Errors
/// git failed.
pub fn since(
    reader: &Reader,
    snapshot: &Snapshot,
    subject: &ChangesOf<'_>,
    counted: Counted,
) -> Result<Since> {
    let mut milestones = recorded(reader, snapshot, subject)?;
    match counted {
        Counted::Versions => milestones.extend(newest_of_ours(reader, subject)?),
        Counted::Releases => milestones.extend(closed(reader, snapshot, subject)?),
    }
    let has_reached = milestones.iter().any(|one| one.kind == MilestoneKind::Reached);
    if counted == Counted::Versions || !has_reached {
        let least = milestones.iter().filter_map(|one| one.since.release()).max().cloned();
        milestones.extend(theirs(reader, snapshot, subject, least.as_ref())?);
    }
    Ok(highest(milestones, counted))
}

fn milestone(since: Since, text: &str, kind: MilestoneKind) -> Milestone {
    Milestone { since, rank: Spelled::read(text).map(|spelled| spelled.rank()), kind }
}

fn of_ours(candidate: &Minted, kind: MilestoneKind) -> Milestone {
    milestone(Since::ours(candidate), &candidate.version.release.to_string(), kind)
}

/// The highest release of ours that the subject contains, or the newest one if that is higher:
/// no version goes back behind it.
fn newest_of_ours(reader: &Reader, subject: &ChangesOf<'_>) -> Result<Option<Milestone>> {
    let others = || subject.before.iter().filter(|other| !subject.is_of(&other.version.release));
    let newest = others().max_by(|a, b| a.order().cmp(&b.order())).map(|newest| &newest.version.release);
    let mut highest: Vec<&Minted> = others().collect();
    highest.sort_by(|a, b| {
        let key = |minted: &Minted| (minted.version.release.clone(), minted.version.number);
        key(b).cmp(&key(a))
    });
    for candidate in highest {
        if Some(&candidate.version.release) == newest || contains(reader, subject, candidate.trunk_commit)? {
            return Ok(Some(of_ours(candidate, MilestoneKind::Made)));
        }
    }
    Ok(None)
}

/// The releases of ours before the subject that reached a final environment.
fn closed(reader: &Reader, snapshot: &Snapshot, subject: &ChangesOf<'_>) -> Result<Vec<Milestone>> {
    let mut closed = Vec::new();
    for winner in snapshot.closed.iter().filter_map(|closed| snapshot.minted(&closed.candidate)) {
        let before = subject.minted.is_none_or(|minted| is_before(winner, minted));
        // One that is not in this clone is told of where its commits are needed.
        let is_here = || history::has(&reader.repo, winner.trunk_commit);
        if before && (!is_here()? || contains(reader, subject, winner.trunk_commit)?) {
            closed.push(of_ours(winner, MilestoneKind::Reached));
        }
    }
    Ok(closed)
}

/// Of each environment what was last recorded as live there and made by somebody else, the latest
/// on trunk last. A final environment may have it from another branch, as long as that left trunk
/// no later than the subject.
fn recorded(reader: &Reader, snapshot: &Snapshot, subject: &ChangesOf<'_>) -> Result<Vec<Milestone>> {
    let mut recorded: Vec<(u64, Milestone)> = Vec::new();
    for environment in &snapshot.policy.config.environments {
        let Some(view) = snapshot.environments.get(&environment.name) else { continue };
        for live in view.state.stack.iter().rev().filter(|live| live.is_baseline()) {
            let is_here = history::has(&reader.repo, live.commit)?;
            let is_before = is_here
                && (contains(reader, subject, live.commit)?
                    || environment.is_final && left_trunk_before(reader, snapshot, subject, live.commit)?);
            if is_before {
                let kind = if environment.is_final { MilestoneKind::Reached } else { MilestoneKind::Made };
                recorded.push((live.position, baseline(snapshot, live, kind)));
                break;
            }
        }
    }
    recorded.sort_by_key(|(position, _)| *position);
    Ok(recorded.into_iter().map(|(_, one)| one).collect())
}

fn baseline(snapshot: &Snapshot, live: &Live, kind: MilestoneKind) -> Milestone {
    let tag = live.tag.as_str();
    let since = Since::Baseline {
        tag: live.tag.clone(),
        version: live.foreign_version.clone(),
        release: snapshot.style.parse(tag).map(|parsed| parsed.version().clone()),
        commit: live.commit,
    };
    milestone(since, snapshot.style.version_text(tag).unwrap_or(tag), kind)
}

/// The tags of others that the subject contains, lowest first; none below `least`.
fn theirs(
    reader: &Reader,
    snapshot: &Snapshot,
    subject: &ChangesOf<'_>,
    least: Option<&Version>,
) -> Result<Vec<Milestone>> {
    let foreign = ForeignVersions::read(reader, snapshot)?;
    let (mut tags, mut commits) = (Vec::new(), Vec::new());
    for tag in foreign.all() {
        let counts = !subject.is_of(&tag.release) && least.is_none_or(|least| tag.release >= *least);
        if let Some(commit) = tag.commit.filter(|_| counts) {
            tags.push(tag);
            commits.push(commit);
        }
    }
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let contained = history::containing(&reader.repo, &commits, &[subject.commit])?;
    let contained = tags.into_iter().zip(commits).enumerate().filter(|(at, _)| contained.has(*at, 0));
    Ok(contained
        .map(|(_, (tag, commit))| {
            let is_release = matches!(tag.parsed, ParsedTag::Release(_));
            let (release, text) = (tag.release.clone(), tag.text.clone());
            Milestone {
                since: Since::Release { release, text, commit, candidate: None },
                rank: Some(tag.rank.clone()),
                kind: if is_release { MilestoneKind::Tagged } else { MilestoneKind::Made },
            }
        })
        .collect())
}

fn contains(reader: &Reader, subject: &ChangesOf<'_>, commit: Oid) -> Result<bool> {
    Ok(history::is_ancestor(&reader.repo, commit, subject.commit)?)
}

/// Whether all that `commit` shares with trunk is in the subject.
fn left_trunk_before(
    reader: &Reader,
    snapshot: &Snapshot,
    subject: &ChangesOf<'_>,
    commit: Oid,
) -> Result<bool> {
    if subject.trunk_commit == snapshot.trunk {
        return Ok(true);
    }
    let (trunk, subject) = ([snapshot.trunk], [subject.trunk_commit]);
    let beside = Ranges::walk(&reader.repo, &[(&trunk[..], commit), (&subject[..], commit)])?;
    Ok(beside.count(0) == beside.count(1))
}

/// The changes of the subject that are news to whoever has `since`, newest
/// first, and since where that turned out to be. `None` for the changes where
/// a commit is not in this clone.
///
/// Every commit of the range is read once.
///
/// # Errors
/// git failed.
pub fn changes(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    subject: &ChangesOf<'_>,
    since: Since,
) -> Result<(Since, Option<Vec<Change>>)> {
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let before = since.candidate().and_then(|tag| snapshot.minted(tag));
    let picks = picked(reader, sink, snapshot, subject.minted, before)?;
    let Some(base) = since.commit() else {
        let mut all = history::newest(&reader.repo, &[], subject.commit, MAX_FIRST + 1)?;
        let newest = (all.len() > MAX_FIRST).then_some(MAX_FIRST);
        all.truncate(MAX_FIRST);
        let changes = news(steps(reader, snapshot, &scope, &all)?, &[], &picks, &[]);
        return Ok((Since::Beginning { newest }, Some(changes)));
    };
    for commit in [base, subject.commit] {
        if !history::has(&reader.repo, commit)? {
            return Ok((since, None));
        }
    }
    let brought = steps(reader, snapshot, &scope, &history::range(&reader.repo, &[base], subject.commit)?)?;
    // What was made on top of the base lacks nothing of it.
    let lacks_nothing = brought.is_empty() || brought.iter().any(|step| step.parents.contains(&base));
    let missing =
        if lacks_nothing { Vec::new() } else { history::range(&reader.repo, &[subject.commit], base)? };
    let missing = steps(reader, snapshot, &Scope::new(&[])?, &missing)?;
    let base_picks = picked(reader, sink, snapshot, before, None)?;
    let changes = news(brought, &missing, &picks, &base_picks);
    Ok((since, Some(changes)))
}

fn steps(reader: &Reader, snapshot: &Snapshot, scope: &Scope, commits: &[Oid]) -> Result<Vec<HistoryStep>> {
    let prefixes = &snapshot.policy.config.version.prefixes;
    let mut steps = Vec::with_capacity(commits.len());
    for &oid in commits {
        let said = reader.repo.said(oid)?;
        steps.push(HistoryStep {
            change: resolved(
                reader,
                Change::read(oid, &said.message, &said.author, said.commit_time).behind(prefixes),
            )?,
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
fn picked(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: Option<&Minted>,
    until: Option<&Minted>,
) -> Result<Vec<Pick>> {
    let mut picks = Vec::new();
    let mut seen: HashSet<&TagName> = until.map(|until| &until.tag).into_iter().collect();
    let mut next = minted;
    while let Some(minted) = next.filter(|minted| seen.insert(&minted.tag)) {
        // Without a parent nothing was picked.
        if minted.parent.is_some() {
            match snapshot.record(reader, minted) {
                Ok(record) => picks.extend(record.picks),
                Err(failure) if failure.is_integrity() => sink.notice(Notice::Trouble(failure)),
                Err(failure) => return Err(failure),
            }
        }
        next = minted.parent.as_ref().and_then(|parent| snapshot.minted(parent));
    }
    Ok(picks)
}
