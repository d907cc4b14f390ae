//! `rel rollback`: back to bytes that were live before.

use serde_json::{Map, Value};

use crate::cli;
use crate::delivery::read::context::Context;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::{offline, settle};
use crate::delivery::steps::report;
use crate::delivery::steps::rollback::{self, Back};
use crate::failure::Result;

/// Runs the verb.
///
/// # Errors
/// Nothing to go back to, busy or held by a person, the race lost, a command
/// failed, a byte wrong.
pub fn run(ctx: &Context<'_>, args: &cli::Rollback) -> Result<Map<String, Value>> {
    offline::expect_reason(ctx, "rollback", &args.environment, args.reason.as_deref())?;
    let mut snapshot = settle::dead_runs(ctx)
        .and_then(|_| Snapshot::take(ctx))
        .map_err(|failure| offline::or_offline(ctx, "rollback", &args.environment, failure))?;
    let wish = Back {
        environment: args.environment.clone(),
        to: args.to.clone(),
        from: args.from.clone(),
        reason: args.reason.clone(),
        take_over: args.take_over,
    };
    let mut document = report::delivered(ctx, rollback::roll_back(ctx, &mut snapshot, &wish)?)?;
    report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}
