//! `rel deploy`: a candidate's recorded artifacts become live.

use serde_json::{Map, Value};

use crate::cli;
use crate::delivery::read::context::Context;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::{offline, settle};
use crate::delivery::steps::deploy::{self, Wish};
use crate::delivery::steps::report;
use crate::domain::env::Trigger;
use crate::failure::Result;

/// Runs the verb.
///
/// # Errors
/// A gate refuses, nobody confirms, a command fails, a byte is wrong.
pub fn run(ctx: &Context<'_>, args: &cli::Deploy) -> Result<Map<String, Value>> {
    offline::expect_reason(ctx, "deploy", &args.environment, args.reason.as_deref())?;
    let mut snapshot = settle::dead_runs(ctx)
        .and_then(|_| Snapshot::take(ctx))
        .map_err(|failure| offline::or_offline(ctx, "deploy", &args.environment, failure))?;
    let wish = Wish {
        environment: args.environment.clone(),
        candidate: args.candidate.clone(),
        redeploy: args.redeploy,
        reason: args.reason.clone(),
        overrides: args.overrides.iter().copied().collect(),
        take_over: args.take_over,
        wait: args.wait,
        commands_from: args.commands_from.clone(),
        params: args.params.clone(),
        trigger: Trigger::Person,
        confirmed: false,
    };
    let mut document = report::delivered(ctx, deploy::deploy(ctx, &mut snapshot, &wish)?)?;
    report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}
