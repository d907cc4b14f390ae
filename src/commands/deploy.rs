//! `rel deploy`: a candidate's recorded artifacts become live.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::hands::Hands;
use crate::delivery::steps::deploy::{self, DeployRequest};
use crate::domain::env::Trigger;
use crate::domain::report::Document;
use crate::failure::Result;
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// A gate refuses, nobody confirms, a command fails, a byte is wrong.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Deploy) -> Result<Document> {
    if !ui.options.dry_run {
        offline::expect_reason(reader, "deploy", &args.environment, args.reason.as_deref())?;
    }
    let mut snapshot = dry_run::settle(ui, reader)
        .and_then(|()| Snapshot::take(reader, ui.screen))
        .map_err(|failure| offline::or_offline(reader, "deploy", &args.environment, failure))?;
    let request = DeployRequest {
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
    };
    let delivered = if ui.options.dry_run {
        deploy::preview(reader, hands, ui.screen, &mut snapshot, &request)?
    } else {
        deploy::deploy(reader, hands, ui.screen, &mut snapshot, &request, &|snapshot, report| {
            delivering::consent_to_deploy(ui, snapshot, report, &request, false)
        })?
    };
    let report = delivering::delivered(ui.screen, delivered)?;
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}
