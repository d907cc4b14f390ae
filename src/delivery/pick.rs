//! What a cherry-pick means: onto which candidate, and what it adds.
//!
//! Every tree is computed before anything is reserved, so that a conflict
//! leaves every ref and file as it was.

use std::collections::HashSet;

use super::context::Context;
use super::make::{Draft, Intended};
use super::report;
use super::revision::Named;
use super::scope::{Foreign, changes};
use super::snapshot::Snapshot;
use crate::domain::candidate::Pick;
use crate::domain::candidates::Minted;
use crate::domain::changes::summary;
use crate::domain::name::{Oid, TagName};
use crate::domain::version;
use crate::failure::{Failure, Kind, Result};
use crate::store::history;
use crate::store::pick::{Picked, commit_pick, pick};

/// Where fixes are picked onto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The candidate.
    pub onto: TagName,
    /// Whether it stands for its release, whose newest candidate it has to be.
    pub follows: bool,
}

/// What a person means by `--onto`, or by leaving it out.
///
/// # Errors
/// Nothing is called that; two releases could be meant and nobody can be
/// asked (exit 2).
pub fn target(ctx: &Context<'_>, snapshot: &Snapshot, onto: Option<&str>) -> Result<Target> {
    let Some(text) = onto else { return default(ctx, snapshot) };
    let (minted, named) = snapshot.candidate_named(ctx, text)?;
    Ok(Target { onto: minted.tag.clone(), follows: named == Named::Release })
}

fn default(ctx: &Context<'_>, snapshot: &Snapshot) -> Result<Target> {
    let newest =
        snapshot.candidates.state.newest().and_then(|line| snapshot.newest_of(&line.release)).ok_or_else(
            || Failure::new(Kind::NotFound, "there is no release to pick onto").hint("open one: rel cut"),
        )?;
    let newest_target = Target { onto: newest.tag.clone(), follows: true };
    let live = snapshot
        .policy
        .config
        .final_environments()
        .filter_map(|environment| snapshot.environments.get(&environment.name)?.state.current())
        // A baseline is nothing that could be picked onto.
        .filter_map(|live| snapshot.minted(&live.tag))
        .find(|live| live.version.release != newest.version.release);
    let Some(live) = live else { return Ok(newest_target) };
    let (newest_release, live_release) = (&newest.version.release, &live.version.release);
    let which = format!("{newest_release} is the newest release, but {live_release} is the one that is live");
    if !ctx.can_ask() || ctx.options.yes {
        return Err(Failure::new(Kind::Usage, format!("{which}; which one is meant?"))
            .hint(format!("--onto {newest_release}"))
            .hint(format!("--onto {live_release}")));
    }
    let choices = [format!("{live_release}, live"), format!("{newest_release}, the newest")];
    let chosen = ctx.asker.choose(&format!("{which}. Pick onto"), &choices.each_ref().map(String::as_str))?;
    match chosen {
        Some(0) => {
            let onto = snapshot.newest_of(live_release).map_or_else(|| live.tag.clone(), |m| m.tag.clone());
            Ok(Target { onto, follows: true })
        }
        Some(_) => Ok(newest_target),
        None => Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
    }
}

/// What became of each commit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was picked.
    Picked(Pick),
    /// It is in there already, and how.
    Contained(Oid, String),
    /// It changes nothing there.
    Empty(Oid),
}

/// The commits that a person names, each once, in their order.
///
/// # Errors
/// One is unknown.
pub fn sources(ctx: &Context<'_>, revs: &[String]) -> Result<Vec<Oid>> {
    let mut commits = Vec::new();
    for rev in revs {
        let commit = ctx.repo.resolve_commit(rev)?.ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no commit {rev} in this clone"))
                .hint("git fetch, if it was made elsewhere")
        })?;
        if !commits.contains(&commit) {
            commits.push(commit);
        }
    }
    Ok(commits)
}

/// Plans a pick: the trees and commits are made, and no ref is touched. Tells
/// what became of each commit through `fates`.
///
/// # Errors
/// A conflict (exit 7), a merge without `-m`, an unknown target.
pub fn intend(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    target: &Target,
    commits: &[Oid],
    mainline: Option<u32>,
    fates: &mut Vec<Fate>,
) -> Result<Intended> {
    fates.clear();
    let named = snapshot
        .minted(&target.onto)
        .ok_or_else(|| Failure::new(Kind::NotFound, format!("there is no candidate {}", target.onto)))?;
    let parent =
        if target.follows { snapshot.newest_of(&named.version.release).unwrap_or(named) } else { named };
    let known = carried(ctx, snapshot, parent)?;
    let committer = ctx.actor()?;
    let mut head = parent.commit;
    let mut picks = Vec::new();
    for &source in commits {
        if let Some(how) = contained(ctx, parent, &known, source)? {
            fates.push(Fate::Contained(source, how));
            continue;
        }
        match pick(&ctx.repo, source, head, mainline)? {
            Picked::Empty => fates.push(Fate::Empty(source)),
            Picked::Clean(tree) => {
                let commit = commit_pick(&ctx.repo, source, head, tree, &committer, ctx.world.now())?;
                head = commit;
                let pick = Pick { source, commit };
                picks.push(pick.clone());
                fates.push(Fate::Picked(pick));
            }
            Picked::Conflict(paths) => {
                let record = snapshot.record(ctx, parent)?;
                return Err(conflict(ctx, parent, source, &paths)?
                    .with("candidate", report::candidate(snapshot, &record)));
            }
        }
    }
    if picks.is_empty() {
        return Ok(Intended::Exists(parent.clone()));
    }
    let foreign = Foreign::read(ctx, snapshot)?;
    let line = snapshot.candidates.state.line(&parent.version.release);
    let release = if line.is_some_and(|line| line.closed) {
        version::next_patch(snapshot.policy.config.version.scheme, &parent.version.release, |version| {
            foreign.takes(version) || snapshot.candidates.state.taken(version, head)
        })
    } else {
        parent.version.release.clone()
    };
    let told = summary(&changes(ctx, &picks.iter().map(|pick| pick.commit).collect::<Vec<_>>())?);
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

/// The commits that a candidate carries by recorded picks, its parents' too.
///
/// # Errors
/// The tag of one of them is not the one that was minted, or git failed.
pub fn carried(ctx: &Context<'_>, snapshot: &Snapshot, from: &Minted) -> Result<Vec<(Pick, TagName)>> {
    let mut picks = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(from);
    while let Some(minted) = next.filter(|minted| seen.insert(minted.tag.clone())) {
        if minted.parent.is_none() {
            break;
        }
        let record = snapshot.record(ctx, minted)?;
        picks.extend(record.picks.into_iter().map(|pick| (pick, minted.tag.clone())));
        next = minted.parent.as_ref().and_then(|parent| snapshot.minted(parent));
    }
    Ok(picks)
}

fn contained(
    ctx: &Context<'_>,
    parent: &Minted,
    known: &[(Pick, TagName)],
    source: Oid,
) -> Result<Option<String>> {
    if history::is_ancestor(&ctx.repo, source, parent.commit)? {
        return Ok(Some(format!("{} descends from it", parent.tag)));
    }
    if let Some((pick, tag)) = known.iter().find(|(pick, _)| pick.source == source || pick.commit == source) {
        return Ok(Some(format!("picked in {tag} as {}", pick.commit.short())));
    }
    Ok(None)
}

fn conflict(ctx: &Context<'_>, parent: &Minted, source: Oid, paths: &[String]) -> Result<Failure> {
    let info = ctx.repo.commit(source)?;
    let mut failure = Failure::new(
        Kind::Conflict,
        format!("{} conflicts with {}; nothing changed", source.short(), parent.tag),
    );
    for path in paths {
        failure = failure.reason("conflict", path.clone());
    }
    Ok(failure
        .hint(format!("{:?} by {} was written for other surroundings", info.subject, info.author.name))
        .hint(format!("see it: git merge-tree --name-only --merge-base={source}^ {} {source}", parent.tag))
        .hint("pick what it builds on as well, in one command, or write the fix for this release on trunk"))
}
