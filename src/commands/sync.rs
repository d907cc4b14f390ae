//! `rel sync`: exchange history with the authority, and publish what an
//! earlier run could not.

use serde_json::{Map, Value, json};

use crate::delivery::artifacts;
use crate::delivery::context::Context;
use crate::delivery::merge::Merged;
use crate::delivery::outcome;
use crate::delivery::settle::{self, Settled};
use crate::delivery::snapshot::Snapshot;
use crate::domain::name::TagName;
use crate::domain::rollback;
use crate::failure::{Failure, Kind, Result};

/// Runs the verb.
///
/// # Errors
/// The authority cannot be reached.
pub fn run(ctx: &Context<'_>) -> Result<Map<String, Value>> {
    if ctx.options.offline {
        return Err(Failure::new(Kind::Usage, "sync asks the remote, and --offline says not to"));
    }
    let settled = settle::dead_runs(ctx)?;
    let snapshot = Snapshot::take(ctx)?;
    let owed = if ctx.options.dry_run { Vec::new() } else { outcome::tag_owed_releases(ctx, &snapshot)? };
    let mut released = Vec::new();
    for (tag, made) in owed {
        match made {
            Ok(()) => {
                ctx.screen.note(&format!("tagged {tag}"));
                released.push(tag);
            }
            Err(why) => ctx.screen.warn(&format!("the release's own tag {tag} could not be made: {why}")),
        }
    }
    let kept = if ctx.options.dry_run { Vec::new() } else { keep(ctx, &snapshot) };
    let runs = |one: &&Settled| matches!(one, Settled::StillRunning(_) | Settled::StillOffline(_));
    let done = settled.len() - settled.iter().filter(runs).count();
    if done == 0 && released.is_empty() {
        ctx.screen.result("nothing was left to publish");
    } else {
        ctx.screen.result(&format!("{} settled", done + released.len()));
    }
    if !kept.is_empty() {
        let tags: Vec<&str> = kept.iter().map(TagName::as_str).collect();
        ctx.screen.result(&format!("kept here for --offline from now on: {}", tags.join(", ")));
    }
    let settled: Vec<Value> = settled
        .iter()
        .map(|one| match one {
            Settled::Deployment(id, state) => json!({ "deployment": id, "state": state }),
            Settled::StillRunning(id) => json!({ "deployment": id, "state": "running" }),
            Settled::NeverClaimed(id) => json!({ "deployment": id, "state": "abandoned" }),
            Settled::Merged(Merged { id, state, moved }) => {
                json!({ "deployment": id, "state": state, "offline": true, "moved": moved })
            }
            Settled::StillOffline(name) => {
                json!({ "deployment": null, "environment": name, "state": "running", "offline": true })
            }
            Settled::Reservation(version) => json!({ "reservation": version, "state": "abandoned" }),
            Settled::Damaged(path) => json!({ "set_aside": path.display().to_string() }),
        })
        .collect();
    let mut document =
        Map::from_iter([("settled".to_owned(), json!(settled)), ("released".to_owned(), json!(released))]);
    document.insert("kept".to_owned(), json!(kept));
    crate::delivery::report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}

/// Brings here what is live and what a rollback would go back to, so that
/// both can be deployed while the remote is down; those that it brought.
fn keep(ctx: &Context<'_>, snapshot: &Snapshot) -> Vec<TagName> {
    let mut kept = Vec::new();
    for view in snapshot.environments.values() {
        let (state, candidates) = (&view.state, &snapshot.candidates.state);
        let previous = rollback::previous(state, candidates, &|_| None).0;
        for tag in artifacts::not_here(ctx, snapshot, state.current().into_iter().chain(previous)) {
            if kept.contains(&tag) {
                continue;
            }
            let Some(minted) = snapshot.minted(&tag) else { continue };
            match snapshot.record(ctx, minted).and_then(|record| artifacts::keep(ctx, &record)) {
                Ok(()) => kept.push(tag),
                Err(failure) => ctx.screen.warn(&format!("{tag} cannot be kept here: {}", failure.message)),
            }
        }
    }
    kept
}
