//! `rel lock`: a person holds an environment closed.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::env::{EnvEventKind, EnvState};
use crate::domain::name::DeploymentId;
use crate::domain::report::Document;
use crate::domain::report::changes::LockReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// It is held already (exit 5).
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Lock) -> Result<Document> {
    dry_run::settle(ui, reader)?;
    let actor = reader.actor()?;
    let name = &args.environment;
    let (ref_name, formerly) = Snapshot::place(reader, ui.screen, name)?;
    let view = dry_run::publish::<EnvState>(ui, reader, &ref_name, &formerly, |view| {
        if let Some(hold) = &view.state.hold {
            return Err(Failure::new(Kind::Held, format!("{name} is held already; nothing changed"))
                .reason("held", format!("by {}: {:?} ({name}#{})", hold.actor.name, hold.reason, hold.token))
                .hint(format!("rel unlock {name} --token {} --reason WHY", hold.token)));
        }
        let id = DeploymentId { environment: name.clone(), seq: view.state.count + 1 };
        Ok(Some(vec![reader.event(id.clone(), &actor, EnvEventKind::Hold { reason: args.reason.clone() })]))
    })?;
    let hold = view.state.hold.filter(|_| !ui.options.dry_run);
    match &hold {
        Some(hold) => {
            ui.screen.result(&format!("{name} is held ({name}#{})", hold.token));
            ui.screen.note(&format!("  open it   rel unlock {name} --reason WHY"));
        }
        None => ui.screen.result(&format!("{name} would be held: {:?}", args.reason)),
    }
    Ok(LockReport { environment: name.clone(), dry_run: hold.is_none(), hold }.into())
}
