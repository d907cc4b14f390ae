//! `rel list`: releases and their candidates, newest first.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::context::Context;
use crate::delivery::snapshot::Snapshot;
use crate::delivery::{evidence, report};
use crate::domain::candidates::Minted;
use crate::domain::name::{EnvName, Oid, TagName};
use crate::domain::version::{Parsed, Version};
use crate::failure::{Kind, Result};
use crate::ui::json as documents;
use crate::ui::list::{self, Entry, Foreign, Release, What};

/// Runs the verb.
///
/// # Errors
/// The authority cannot be reached. A tag that is not the one that was minted
/// is a warning: it must not hide the rest.
pub fn run(ctx: &Context<'_>, args: &cli::List) -> Result<Map<String, Value>> {
    let snapshot = evidence::look(ctx, "list")?;
    let mut foreign = foreign(ctx, &snapshot)?;
    let mut releases = Vec::new();
    for release in order(&snapshot, &foreign).into_iter().take(args.number.unwrap_or(usize::MAX)) {
        let others = foreign.remove(&release).unwrap_or_default();
        releases.push(gather(ctx, &snapshot, release, others)?);
    }
    ctx.screen.result(&if releases.is_empty() {
        "no candidates yet: rel cut".to_owned()
    } else {
        list::releases(ctx.screen, &releases, ctx.world.now())
    });
    let list: Vec<Value> = releases
        .iter()
        .map(|release| {
            json!({
                "release": release.release,
                "closed": release.closed,
                "candidates": release.candidates.iter().map(documents::entry).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut document = Map::from_iter([("releases".to_owned(), json!(list))]);
    report::policy(ctx, &snapshot, &mut document);
    Ok(document)
}

/// Version tags of others, by their release.
fn foreign(ctx: &Context<'_>, snapshot: &Snapshot) -> Result<BTreeMap<Version, Vec<Foreign>>> {
    let mut found: BTreeMap<Version, Vec<Foreign>> = BTreeMap::new();
    for (tag, target, parsed) in snapshot.foreign(ctx)? {
        // A tag on something other than a commit is nothing to deploy.
        let Some(commit) = ctx.repo.peel_to_commit(target)? else { continue };
        let (release, version, number) = match parsed {
            Parsed::Release(release) => (release.clone(), release.to_string(), None),
            Parsed::Candidate(version) => {
                (version.release.clone(), version.to_string(), Some(version.number))
            }
            Parsed::Foreign { version, .. } => {
                let prefix = snapshot.style.prefix();
                let text = tag.as_str().strip_prefix(prefix).unwrap_or(tag.as_str()).to_owned();
                (version, text, None)
            }
        };
        found.entry(release.clone()).or_default().push(Foreign { tag, version, release, number, commit });
    }
    Ok(found)
}

/// Every release, newest first: ours by trunk, then version. Nothing records
/// where on trunk those of others are, so each stands where its version
/// belongs among ours.
fn order(snapshot: &Snapshot, foreign: &BTreeMap<Version, Vec<Foreign>>) -> Vec<Version> {
    let lines = &snapshot.candidates.state.releases;
    let mut ours: Vec<_> = lines.iter().filter(|line| line.minted).collect();
    ours.sort_by(|a, b| (b.position, &b.release).cmp(&(a.position, &a.release)));
    let mut others =
        foreign.keys().rev().filter(|release| !ours.iter().any(|o| o.release == **release)).peekable();
    let mut order = Vec::new();
    for line in &ours {
        while let Some(other) = others.next_if(|other| **other > line.release) {
            order.push(other.clone());
        }
        order.push(line.release.clone());
    }
    order.extend(others.cloned());
    order
}

/// A release with its candidates, newest first; the tag of the release itself
/// comes before them all.
fn gather(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    release: Version,
    foreign: Vec<Foreign>,
) -> Result<Release> {
    let state = &snapshot.candidates.state;
    let closed = state.line(&release).is_some_and(|line| line.closed);
    let whole = |tag: &Foreign| tag.version == release.to_string();
    let tagged = foreign.iter().any(whole);
    let released = if closed { winner(ctx, snapshot, &release)? } else { None };
    let mut candidates: Vec<((bool, Option<u32>), Entry)> = Vec::new();
    for minted in snapshot.pool.iter().filter(|minted| minted.version.release == release) {
        let entry = Entry {
            what: what(ctx, snapshot, minted)?,
            block: state.block(&minted.tag, &release).cloned(),
            live: live(snapshot, &minted.tag),
            released: released == Some(minted.commit),
        };
        candidates.push(((false, Some(minted.version.number)), entry));
    }
    for tag in foreign {
        let key = (whole(&tag), tag.number);
        let block = state.block(&tag.tag, &release).cloned();
        let live = live(snapshot, &tag.tag);
        candidates.push((key, Entry { what: What::Foreign(tag), block, live, released: false }));
    }
    candidates.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    Ok(Release {
        release,
        closed: closed || tagged,
        candidates: candidates.into_iter().map(|(_, entry)| entry).collect(),
    })
}

/// The commit that the release's own tag is at, if this clone knows it.
fn winner(ctx: &Context<'_>, snapshot: &Snapshot, release: &Version) -> Result<Option<Oid>> {
    let name = format!("{}{}", ctx.tags_prefix(), snapshot.style.release(release));
    match ctx.repo.ref_target(&name)? {
        Some(target) if ctx.repo.has_object(target) => ctx.repo.peel_to_commit(target),
        _ => Ok(None),
    }
}

/// All that the candidate's tag records, or what the chain alone can say.
fn what(ctx: &Context<'_>, snapshot: &Snapshot, minted: &Minted) -> Result<What> {
    match snapshot.record(ctx, minted) {
        Ok(record) => Ok(What::Ours(Box::new(record))),
        Err(failure) if failure.kind == Kind::Integrity => {
            let why = failure.reasons.first().map_or(failure.message.clone(), |r| r.message.clone());
            ctx.screen.warn(&format!("{}: {why}", failure.message));
            let made = evidence::minted_by(ctx, snapshot, minted)?;
            Ok(What::Damaged { minted: Box::new(minted.clone()), made, why })
        }
        Err(failure) => Err(failure),
    }
}

/// Where a candidate is live, in the policy's order.
fn live(snapshot: &Snapshot, tag: &TagName) -> Vec<EnvName> {
    let environments = snapshot.policy.config.environments.iter().map(|environment| &environment.name);
    environments
        .filter(|name| {
            let current = snapshot.environments.get(*name).and_then(|view| view.state.current());
            current.is_some_and(|live| live.tag == *tag)
        })
        .cloned()
        .collect()
}
