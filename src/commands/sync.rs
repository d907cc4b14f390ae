//! `rel sync`: exchange history with the authority, and publish what an
//! earlier run could not.

use serde_json::{Map, Value, json};

use crate::delivery::context::Context;
use crate::delivery::outcome;
use crate::delivery::settle::{self, Settled};
use crate::delivery::snapshot::Snapshot;
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
    let done = settled.iter().filter(|one| !matches!(one, Settled::StillRunning(_))).count();
    if done == 0 && released.is_empty() {
        ctx.screen.result("nothing was left to publish");
    } else {
        ctx.screen.result(&format!("{} settled", done + released.len()));
    }
    let settled: Vec<Value> = settled
        .iter()
        .map(|one| match one {
            Settled::Deployment(id, state) => json!({ "deployment": id, "state": state }),
            Settled::StillRunning(id) => json!({ "deployment": id, "state": "running" }),
            Settled::NeverClaimed(id) => json!({ "deployment": id, "state": "abandoned" }),
            Settled::Reservation(version) => json!({ "reservation": version, "state": "abandoned" }),
            Settled::Minted(version) => json!({ "reservation": version, "state": "minted" }),
            Settled::Damaged(path) => json!({ "set_aside": path.display().to_string() }),
        })
        .collect();
    let mut document =
        Map::from_iter([("settled".to_owned(), json!(settled)), ("released".to_owned(), json!(released))]);
    crate::delivery::report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}
