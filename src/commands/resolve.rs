//! `rel resolve`: a person settles a deployment nobody knows the end of.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::settle;
use crate::domain::env::{EnvEventKind, EnvState, Progress};
use crate::domain::report::Document;
use crate::domain::report::deployment::DeliveryReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// There is no such deployment; it has an outcome (exit 4); its process lives
/// on this machine (exit 5).
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Resolve) -> Result<Document> {
    let id = &args.id;
    if settle::live_here(reader, id)? {
        return Err(Failure::new(Kind::Busy, format!("{id} still runs on this machine; nothing changed"))
            .reason("busy", "its process is alive")
            .hint("let it end, or end what this clone runs here: rel sync --stop"));
    }
    dry_run::settle(ui, reader)?;
    let actor = reader.actor()?;
    let (ref_name, formerly) = Snapshot::place_of(reader, ui.screen, id)?;
    let state = if args.succeeded { Progress::Succeeded } else { Progress::Failed };
    let view = dry_run::publish::<EnvState>(ui, reader, &ref_name, &formerly, |view| {
        let open = view.state.in_flight.as_ref().is_some_and(|i| i.deployment.seq == id.seq)
            || view.state.unresolved.iter().any(|d| d.seq == id.seq);
        if !open {
            return Err(match deployments::deployment(&reader.repo, view.tip, id)? {
                Some(settled) => {
                    Failure::new(Kind::Refused, format!("{id} {} already; nothing changed", settled.state))
                        .reason("resolve", "only what is running elsewhere or unknown can be settled")
                }
                None => Failure::new(Kind::NotFound, format!("there is no deployment {id}"))
                    .hint(format!("rel log {}", id.environment)),
            });
        }
        let what = EnvEventKind::Resolved { state, reason: args.reason.clone() };
        Ok(Some(vec![reader.event(id.clone(), &actor, what)]))
    })?;
    let Some(deployment) = deployments::deployment(&reader.repo, view.tip, id)? else {
        return Ok(DeliveryReport::default().into());
    };
    let verb = if ui.options.dry_run { "would be recorded" } else { "is recorded" };
    ui.screen.result(&format!("{id} {verb} as {state}"));
    Ok(DeliveryReport::of(Some(deployment)).into())
}
