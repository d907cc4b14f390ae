//! `rel diff`: the commits between two revisions.

use std::collections::{HashMap, HashSet};

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::revision::{Point, TRUNK};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::read::{deployments, range};
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::equivalent_commits::EquivalentCommits;
use crate::domain::host::Spot;
use crate::domain::name::Oid;
use crate::domain::report::Document;
use crate::domain::report::diff::{DiffEnd, DiffEntry, DiffReport, DiffSide};
use crate::failure::{Failure, Kind, Result};
use crate::store::diffstat::diffstat;
use crate::ui::diff;
use crate::ui::front::Ui;
use crate::ui::text::quote;

/// Runs the verb.
///
/// # Errors
/// One of the two is unknown; a pattern is invalid; the authority cannot be
/// reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Diff) -> Result<Document> {
    let (a, b) = two(args)?;
    let snapshot = dry_run::look(ui, reader, &format!("diff {} {}", quote(a), quote(b)))?;
    let (from, to) = (snapshot.point(reader, a)?, snapshot.point(reader, b)?);
    let scope = Scope::new(&snapshot.policy.config.project.paths)?.within(&args.path)?;
    let (added, removed) = sides(reader, &snapshot, &scope, from.commit, to.commit)?;
    let stat = if args.stat {
        Some(diffstat(&reader.repo, from.commit, to.commit, |path| scope.takes(path))?.into())
    } else {
        None
    };
    let pages = reader.pages().filter(|_| from.commit != to.commit);
    let url = pages.map(|pages| pages.compare(&spot(&from), &spot(&to)));
    let end = |rev: &str, point: Point| DiffEnd {
        rev: rev.to_owned(),
        commit: point.commit,
        tag: point.tag,
        label: point.label,
    };
    let [added, removed] = [added, removed].map(|side| DiffSide::new(side, args.number));
    let report = DiffReport {
        narrowed: !scope.is_all(),
        stat,
        url,
        ..DiffReport::new(end(a, from), end(b, to), added, removed)
    };
    ui.screen.result_of(|| diff::difference(ui.screen, &report, reader.world.now()));
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

/// The two revisions; trunk where there is no second.
fn two(args: &cli::Diff) -> Result<(&str, &str)> {
    match (&args.to, args.from.split_once("..")) {
        (Some(to), _) => Ok((&args.from, to)),
        (None, Some((a, b))) => {
            let word = |text| Some(text).filter(|text: &&str| !text.is_empty()).unwrap_or(TRUNK);
            let (a, b) = (quote(word(a)), quote(word(b.trim_start_matches('.'))));
            Err(Failure::new(Kind::Usage, "the two revisions are written as two words")
                .hint(format!("rel diff {a} {b}")))
        }
        (None, None) => Ok((&args.from, TRUNK)),
    }
}

/// The commits that only `to` has and those that only `from` has, each with
/// the form it has on the other side, newest first.
fn sides(
    reader: &Reader,
    snapshot: &Snapshot,
    scope: &Scope,
    from: Oid,
    to: Oid,
) -> Result<(Vec<DiffEntry>, Vec<DiffEntry>)> {
    let only = |exclude: Oid, include: Oid| -> Result<Vec<Change>> {
        let commits = deployments::own_commits(reader, scope, &[exclude], include)?;
        let commits = commits.ok_or_else(|| {
            Failure::failed(format!("{} or {} is not in this clone", exclude.short(), include.short()))
                .hint("git fetch")
        })?;
        Ok(range::changes(reader, &commits)?)
    };
    let (mut added, mut removed) = (only(from, to)?, only(to, from)?);
    let recorded = recorded(reader, snapshot, &[&added, &removed]);
    for change in added.iter_mut().chain(&mut removed).filter(|change| change.picked_from.is_empty()) {
        change.picked_from.extend(recorded.get(&change.commit));
    }
    let mut equivalent = EquivalentCommits::of(added.iter().chain(&removed));
    for (commit, source) in recorded {
        equivalent.link(source, commit);
    }
    let entries = |changes: &[Change], others: &[Change]| -> Vec<DiffEntry> {
        let elsewhere = equivalent.elsewhere(changes, others);
        let entry = |change: &Change| DiffEntry {
            there_as: elsewhere.get(&change.commit).copied(),
            change: change.clone(),
        };
        changes.iter().map(entry).collect()
    };
    Ok((entries(&added, &removed), entries(&removed, &added)))
}

/// What the tags of candidates say these commits were picked from. A damaged
/// tag is for others to refuse; what the commits say themselves counts then.
fn recorded(reader: &Reader, snapshot: &Snapshot, sides: &[&[Change]]) -> HashMap<Oid, Oid> {
    let commits: HashSet<Oid> =
        sides.iter().flat_map(|side| side.iter().map(|change| change.commit)).collect();
    let picked = |minted: &&Minted| minted.parent.is_some() && commits.contains(&minted.commit);
    let records =
        snapshot.pool.iter().filter(picked).filter_map(|minted| snapshot.record(reader, minted).ok());
    records.flat_map(|record| record.picks).map(|pick| (pick.commit, pick.source)).collect()
}

/// How a host's pages name it: by a tag where the host has one.
fn spot(point: &Point) -> Spot {
    point.tag.clone().map_or(Spot::Commit(point.commit), Spot::Tag)
}
