//! `rel rollback`: back to bytes that were live before.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::hands::Hands;
use crate::delivery::steps::delivered::{self, Delivered};
use crate::delivery::steps::rollback::{self, RollbackRequest, WayBack};
use crate::domain::report::Document;
use crate::failure::{Failure, Result};
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// Nothing to go back to, busy or held by a person, the race lost, a command
/// failed, a byte wrong.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Rollback) -> Result<Document> {
    if !ui.options.dry_run {
        offline::expect_reason(reader, "rollback", &args.environment, args.reason.as_deref())?;
    }
    let mut snapshot = dry_run::settle(ui, reader)
        .and_then(|()| Snapshot::take(reader, ui.screen))
        .map_err(|failure| offline::or_offline(reader, "rollback", &args.environment, failure))?;
    let mut request = RollbackRequest {
        environment: args.environment.clone(),
        to: args.to.clone(),
        from: args.from.clone(),
        reason: args.reason.clone(),
        take_over: args.take_over,
        params: args.params.clone(),
        further: false,
    };
    let ground = offline::basis(reader, ui.screen, &mut snapshot, &request.environment)?;
    let mut way = rollback::plan(reader, ui.screen, &snapshot, &request)?;
    if let WayBack::AskFurther { current, target } = &way {
        delivering::consent_to_go_further(ui, &request.environment, current, target)?;
        request.further = true;
        way = rollback::plan(reader, ui.screen, &snapshot, &request)?;
    }
    let delivered = match way {
        WayBack::Nothing(why) => Delivered::Nothing(why),
        WayBack::AskFurther { .. } => return Err(Failure::failed("going further back was asked for twice")),
        WayBack::Ready(ready) => {
            let report = delivered::report(reader, ui.screen, &snapshot, &ready)?;
            if ui.options.dry_run {
                Delivered::Planned(Box::new(report))
            } else {
                delivering::consent_to_roll_back(ui, &report, &request)?;
                rollback::roll_back(reader, hands, ui.screen, &mut snapshot, ground.as_ref(), &ready)?
            }
        }
    };
    let report = delivering::delivered(ui.screen, delivered)?;
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}
