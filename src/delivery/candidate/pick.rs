//! What a cherry-pick means: onto which candidate, and what it adds.
//!
//! Every tree is computed before anything is reserved, so that a conflict
//! leaves every ref and file as it was.

use serde::{Deserialize, Serialize};

use crate::delivery::error::{Misuse, NotFound, Result};
use crate::delivery::read::candidate_tags::carried;
use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::range::changes;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::revision::Named;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidate::Pick;
use crate::domain::candidates::{Minted, ReleaseState};
use crate::domain::changes::summary;
use crate::domain::draft::{Draft, Intended};
use crate::domain::name::{Oid, TagName};
use crate::domain::version::Version;
use crate::store::history;
use crate::store::pick::{PickOutcome, commit_pick, pick};

/// Where fixes are picked onto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickTarget {
    /// The candidate.
    pub onto: TagName,
    /// Whether it stands for its release, whose newest candidate it has to be.
    pub follows: bool,
}

/// What a person means by `--onto`.
///
/// # Errors
/// Nothing is called that.
pub fn target(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<PickTarget> {
    let (minted, named) = snapshot.candidate_named(reader, text)?;
    Ok(PickTarget { onto: minted.tag.clone(), follows: named == Named::Release })
}

/// A release and every later one, by trunk and then by version, each by its
/// newest candidate. What fixes were picked onto to open a later patch release
/// is left to that one.
///
/// # Errors
/// There is no such release.
pub fn since(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<Vec<PickTarget>> {
    let (first, _) = snapshot.candidate_named(reader, text)?;
    let state = &snapshot.candidates.state;
    let order =
        |release: &Version| state.release_state(release).map(|line| (line.position, line.release.clone()));
    let first = order(&first.version.release);
    let superseded = |minted: &Minted| {
        snapshot.pool.iter().any(|other| {
            other.version.release != minted.version.release
                && other
                    .parent
                    .as_ref()
                    .and_then(|parent| snapshot.minted(parent))
                    .is_some_and(|parent| parent.version.release == minted.version.release)
        })
    };
    let mut lines: Vec<&ReleaseState> = state.releases.iter().filter(|line| line.minted).collect();
    lines.sort_by(|a, b| (a.position, &a.release).cmp(&(b.position, &b.release)));
    let later = lines.into_iter().filter(|line| Some((line.position, line.release.clone())) >= first);
    let newest = later.filter_map(|line| snapshot.newest_of(&line.release));
    let targets = newest.filter(|minted| !superseded(minted));
    Ok(targets.map(|minted| PickTarget { onto: minted.tag.clone(), follows: true }).collect())
}

/// What a pick goes onto where nobody says so.
#[derive(Debug)]
pub enum DefaultTarget {
    /// The newest release: nothing else is meant.
    Newest(PickTarget),
    /// The newest release, or the one that is live: somebody has to say which.
    Either {
        /// The release that is live, and its newest candidate.
        live: (Version, PickTarget),
        /// The newest release, and its newest candidate.
        newest: (Version, PickTarget),
    },
}

/// What a pick goes onto where nobody says so.
///
/// # Errors
/// There is no release.
pub fn default_target(snapshot: &Snapshot) -> Result<DefaultTarget> {
    let newest = snapshot.candidates.state.newest().and_then(|line| snapshot.newest_of(&line.release));
    let newest = newest.ok_or(NotFound::AnyRelease)?;
    let newest_target = PickTarget { onto: newest.tag.clone(), follows: true };
    let live = snapshot
        .policy
        .config
        .final_environments()
        .filter_map(|environment| snapshot.environments.get(&environment.name)?.state.current())
        // A baseline is nothing that could be picked onto.
        .filter_map(|live| snapshot.minted(&live.tag))
        .find(|live| live.version.release != newest.version.release);
    let Some(live) = live else { return Ok(DefaultTarget::Newest(newest_target)) };
    let (newest_release, live_release) = (&newest.version.release, &live.version.release);
    let onto = snapshot.newest_of(live_release).map_or_else(|| live.tag.clone(), |m| m.tag.clone());
    Ok(DefaultTarget::Either {
        live: (live_release.clone(), PickTarget { onto, follows: true }),
        newest: (newest_release.clone(), newest_target),
    })
}

/// What became of each commit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickFate {
    /// It was picked.
    Picked(Pick),
    /// It is in there already, and how.
    Contained(Oid, String),
    /// It changes nothing there.
    Empty(Oid),
}

/// The commits that a person names, each once, in their order; a range as `git
/// cherry-pick` takes it, oldest first.
///
/// # Errors
/// One is unknown; a range has nothing in it.
pub fn sources(reader: &Reader, revs: &[String]) -> Result<Vec<Oid>> {
    let mut commits = Vec::new();
    for rev in revs {
        for commit in named(reader, rev)? {
            if !commits.contains(&commit) {
                commits.push(commit);
            }
        }
    }
    Ok(commits)
}

fn named(reader: &Reader, rev: &str) -> Result<Vec<Oid>> {
    let find = |text: &str| -> Result<Oid> {
        Ok(reader.repo.resolve_commit(text)?.ok_or_else(|| NotFound::Commit(text.to_owned()))?)
    };
    let Some((from, to)) = rev.split_once("..") else { return Ok(vec![find(rev)?]) };
    if to.starts_with('.') {
        return Err(Misuse::BothSides(rev.to_owned()).into());
    }
    let end = |text: &str| find(if text.is_empty() { "HEAD" } else { text });
    let mut range = history::range(&reader.repo, &[end(from)?], end(to)?)?;
    if range.is_empty() {
        return Err(NotFound::CommitIn(rev.to_owned()).into());
    }
    range.reverse();
    Ok(range)
}

/// What to pick, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickRequest {
    /// The commits, in the order to apply them.
    pub commits: Vec<Oid>,
    /// Which parent of a merge is its mainline.
    pub mainline: Option<u32>,
    /// Picks that are known already, from an earlier run.
    pub known: Vec<ResolvedPick>,
}

/// What a pick came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedPick {
    /// What it was picked onto.
    pub onto: Oid,
    /// What was picked.
    pub source: Oid,
    /// What it became; nothing where it changes nothing there.
    pub commit: Option<Oid>,
    /// Whether a person resolved it.
    pub by_hand: bool,
}

/// What planning a pick onto one candidate came to.
#[derive(Debug, Clone)]
pub enum PickPlan {
    /// It can be made, or is there already.
    Ready(Intended),
    /// It needs a person first.
    Conflict(PickConflict),
}

/// A pick that does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickConflict {
    /// The candidate it was to be picked onto.
    pub parent: TagName,
    /// The commit reached so far.
    pub onto: Oid,
    /// What does not apply.
    pub source: Oid,
    /// The paths in conflict, fit for printing.
    pub paths: Vec<String>,
    /// What was picked before it.
    pub before: Vec<ResolvedPick>,
}

/// Plans a pick: the trees and commits are made, and no ref is touched. Tells
/// what became of each commit through `fates`.
///
/// # Errors
/// A merge without `-m`, an unknown target.
pub fn plan(
    reader: &Reader,
    snapshot: &Snapshot,
    target: &PickTarget,
    wanted: &PickRequest,
    fates: &mut Vec<PickFate>,
) -> Result<PickPlan> {
    fates.clear();
    let named = snapshot.minted(&target.onto).ok_or_else(|| NotFound::CandidateNow(target.onto.clone()))?;
    let parent =
        if target.follows { snapshot.newest_of(&named.version.release).unwrap_or(named) } else { named };
    let carried = carried(reader, snapshot, parent)?;
    let mut head = parent.commit;
    let mut picks = Vec::new();
    let mut before = Vec::new();
    for &source in &wanted.commits {
        if let Some(how) = contained(reader, parent, &carried, source)? {
            fates.push(PickFate::Contained(source, how));
            continue;
        }
        let commit = match one(reader, wanted, source, head)? {
            PickStep::Conflict(paths) => {
                let parent = parent.tag.clone();
                return Ok(PickPlan::Conflict(PickConflict { parent, onto: head, source, paths, before }));
            }
            PickStep::As(commit) => commit,
        };
        before.push(ResolvedPick { onto: head, source, commit, by_hand: false });
        match commit {
            None => fates.push(PickFate::Empty(source)),
            Some(commit) => {
                head = commit;
                let pick = Pick { source, commit };
                picks.push(pick.clone());
                fates.push(PickFate::Picked(pick));
            }
        }
    }
    if picks.is_empty() {
        return Ok(PickPlan::Ready(Intended::Exists(parent.clone())));
    }
    draft(reader, snapshot, target, parent, picks, head).map(PickPlan::Ready)
}

/// What applying one commit came to.
enum PickStep {
    /// It became this commit; nothing where it changes nothing.
    As(Option<Oid>),
    /// It does not apply.
    Conflict(Vec<String>),
}

fn one(reader: &Reader, wanted: &PickRequest, source: Oid, head: Oid) -> Result<PickStep> {
    let mut theirs = wanted.known.iter().filter(|known| known.source == source);
    let is_here = |known: &&ResolvedPick| known.commit.is_none_or(|commit| reader.repo.has_object(commit));
    if let Some(known) = theirs.clone().find(|known| known.onto == head).filter(is_here) {
        return Ok(PickStep::As(known.commit));
    }
    let make = |tree| -> Result<Oid> {
        Ok(commit_pick(&reader.repo, source, head, tree, &reader.actor()?, reader.world.now())?)
    };
    let paths = match pick(&reader.repo, source, head, wanted.mainline)? {
        PickOutcome::Empty => return Ok(PickStep::As(None)),
        PickOutcome::Clean(tree) => return Ok(PickStep::As(Some(make(tree)?))),
        PickOutcome::Conflict(paths) => paths,
    };
    // What a person resolved onto another candidate may fit as they resolved it.
    let by_hand = theirs.find_map(|known| known.commit.filter(|_| known.by_hand));
    if let Some(resolved) = by_hand.filter(|commit| reader.repo.has_object(*commit)) {
        match pick(&reader.repo, resolved, head, None)? {
            PickOutcome::Empty => return Ok(PickStep::As(None)),
            PickOutcome::Clean(tree) => return Ok(PickStep::As(Some(make(tree)?))),
            PickOutcome::Conflict(_) => {}
        }
    }
    Ok(PickStep::Conflict(paths))
}

fn draft(
    reader: &Reader,
    snapshot: &Snapshot,
    target: &PickTarget,
    parent: &Minted,
    picks: Vec<Pick>,
    head: Oid,
) -> Result<Intended> {
    let foreign = ForeignVersions::read(reader, snapshot)?;
    let line = snapshot.candidates.state.release_state(&parent.version.release);
    let release = if line.is_some_and(|line| line.closed) {
        snapshot.style.notation.next_patch(&parent.version.release, |version| {
            foreign.takes(version) || snapshot.candidates.state.taken(version, head)
        })
    } else {
        parent.version.release.clone()
    };
    let told = summary(&changes(reader, &picks.iter().map(|pick| pick.commit).collect::<Vec<_>>())?);
    Ok(Intended::New(Box::new(Draft {
        commit: head,
        trunk_commit: parent.trunk_commit,
        position: parent.position,
        parent: Some(parent.tag.clone()),
        text: format!("Picked onto {}:\n\n{told}", parent.tag),
        picks,
        yields: false,
        follows: target.follows && release == parent.version.release,
        least_number: foreign.least_number(&release),
        release,
    })))
}

fn contained(
    reader: &Reader,
    parent: &Minted,
    known: &[(Pick, TagName)],
    source: Oid,
) -> Result<Option<String>> {
    if history::is_ancestor(&reader.repo, source, parent.commit)? {
        return Ok(Some(format!("{} descends from it", parent.tag)));
    }
    if let Some((pick, tag)) = known.iter().find(|(pick, _)| pick.source == source || pick.commit == source) {
        return Ok(Some(format!("picked in {tag} as {}", pick.commit.short())));
    }
    Ok(None)
}
