//! `rel cherry-pick`: fixes become a release's next candidate.

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::context::Context;
use crate::delivery::make::{Intended, Made, make};
use crate::delivery::pick::{Fate, Target, intend, sources, target};
use crate::delivery::snapshot::Snapshot;
use crate::delivery::{report, settle};
use crate::domain::name::Oid;
use crate::failure::Result;
use crate::ui::text::clean;

/// Runs the verb.
///
/// # Errors
/// A conflict (exit 7), an unknown commit or target, a failing build.
pub fn run(ctx: &Context<'_>, args: &cli::CherryPick) -> Result<Map<String, Value>> {
    ctx.must_reach_authority()?;
    settle::dead_runs(ctx)?;
    let mut snapshot = Snapshot::take(ctx)?;
    let commits = sources(ctx, &args.commits)?;
    let mut targets: Vec<Target> = Vec::new();
    if args.onto.is_empty() {
        targets.push(target(ctx, &snapshot, None)?);
    }
    for onto in &args.onto {
        let target = target(ctx, &snapshot, Some(onto))?;
        // A release and the environment it is live in may mean one candidate.
        if !targets.iter().any(|known| known.onto == target.onto) {
            targets.push(target);
        }
    }
    // All trees before any reservation: a conflict in one target mints nothing in another.
    let mut planned = Vec::new();
    for target in &targets {
        let mut fates = Vec::new();
        let intended = intend(ctx, &snapshot, target, &commits, args.mainline, &mut fates)?;
        if ctx.options.dry_run {
            say(ctx, target, &fates)?;
        }
        planned.push((intended, fates));
    }
    let mut documents = Vec::new();
    for (target, (intended, fates)) in targets.iter().zip(planned) {
        let mut document = if ctx.options.dry_run {
            dry_run(ctx, &snapshot, &intended)?
        } else {
            let planned = (intended, fates);
            pick_onto(ctx, &mut snapshot, target, planned, &commits, args)?
        };
        report::policy(ctx, &snapshot.policy, &mut document);
        documents.push(document);
    }
    if documents.len() == 1 {
        return Ok(documents.remove(0));
    }
    let candidates = documents.into_iter().map(|mut document| {
        let made = document.remove("made").unwrap_or(Value::Null);
        let mut candidate = document.remove("candidate").unwrap_or(Value::Null);
        if let Some(members) = candidate.as_object_mut() {
            members.insert("made".into(), made);
        }
        candidate
    });
    Ok(Map::from_iter([("candidates".to_owned(), candidates.collect())]))
}

fn pick_onto(
    ctx: &Context<'_>,
    snapshot: &mut Snapshot,
    target: &Target,
    (intended, fates): (Intended, Vec<Fate>),
    commits: &[Oid],
    args: &cli::CherryPick,
) -> Result<Map<String, Value>> {
    let fates = RefCell::new(fates);
    // What was planned before a target before this one was made may be stale where both are one release.
    let made = make(ctx, snapshot, Some(intended), &|snapshot| {
        intend(ctx, snapshot, target, commits, args.mainline, &mut fates.borrow_mut())
    })?;
    say(ctx, target, &fates.borrow())?;
    let mut document = Map::new();
    match made {
        Made::Exists(minted) => {
            let record = snapshot.record(ctx, &minted)?;
            ctx.screen.result(&format!("{} has all of it already; nothing made", record.tag));
            document.insert("candidate".into(), report::candidate(snapshot, &record));
            document.insert("made".into(), json!(false));
        }
        Made::New(record) => {
            let parent = record.parent.as_ref().map_or(String::new(), |parent| format!(" onto {parent}"));
            let count = record.picks.len();
            let noun = if count == 1 { "fix" } else { "fixes" };
            ctx.screen.result(&format!(
                "{} made: {count} {noun} picked{parent}",
                ctx.screen.good(record.tag.as_str())
            ));
            document.insert("candidate".into(), report::candidate(snapshot, &record));
            document.insert("made".into(), json!(true));
            if !args.no_deploy {
                let deployments = report::auto_deploy(ctx, snapshot, &record)?;
                if !deployments.is_empty() {
                    document.insert("deployments".into(), json!(deployments));
                }
            }
        }
    }
    Ok(document)
}

fn dry_run(ctx: &Context<'_>, snapshot: &Snapshot, intended: &Intended) -> Result<Map<String, Value>> {
    let mut document =
        Map::from_iter([("made".to_owned(), json!(false)), ("dry_run".to_owned(), json!(true))]);
    match intended {
        Intended::Exists(minted) => {
            let record = snapshot.record(ctx, minted)?;
            ctx.screen.result(&format!("{} has all of it already; nothing to make", record.tag));
            document.insert("candidate".into(), report::candidate(snapshot, &record));
        }
        Intended::New(draft) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            ctx.screen.result(&format!("would make {}-rc.{number}\n\n{}", draft.release, draft.text));
            ctx.screen.note("dry run: nothing changed");
            document.insert("candidate".into(), Value::Null);
        }
    }
    Ok(document)
}

/// What became of each commit, where that is not plain from the result.
fn say(ctx: &Context<'_>, target: &Target, fates: &[Fate]) -> Result<()> {
    for fate in fates {
        let (commit, what) = match fate {
            Fate::Picked(pick) => (pick.source, format!("picked as {}", pick.commit.short())),
            Fate::Contained(commit, how) => (*commit, format!("contained already: {how}")),
            Fate::Empty(commit) => (*commit, format!("changes nothing on {}", target.onto)),
        };
        let subject = clean(&ctx.repo.commit(commit)?.subject);
        ctx.screen.note(&format!("{} {subject:?}: {what}", commit.short()));
    }
    Ok(())
}
