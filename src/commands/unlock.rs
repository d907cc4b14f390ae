//! `rel unlock`: a held environment is opened.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::env::{EnvEventKind, EnvState, Hold};
use crate::domain::name::DeploymentId;
use crate::domain::report::Document;
use crate::domain::report::changes::UnlockReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// The token is wrong, or the hold is somebody else's and none was given (exit 5).
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Unlock) -> Result<Document> {
    dry_run::settle(ui, reader)?;
    let actor = reader.actor()?;
    let name = &args.environment;
    let (ref_name, formerly) = Snapshot::place(reader, ui.screen, name)?;
    let mut opened: Option<Hold> = None;
    dry_run::publish::<EnvState>(ui, reader, &ref_name, &formerly, |view| {
        opened = view.state.hold.clone();
        let Some(hold) = &view.state.hold else {
            return match args.token {
                Some(token) => Err(Failure::new(
                    Kind::Held,
                    format!("{name}#{token} is no hold; {name} is not held; nothing changed"),
                )),
                None => Ok(None),
            };
        };
        match args.token {
            Some(token) if token != hold.token => {
                return Err(Failure::new(
                    Kind::Held,
                    format!("{name}#{token} is not the hold; nothing changed"),
                )
                .reason(
                    "held",
                    format!("by {}: {:?} ({name}#{})", hold.actor.name, hold.reason, hold.token),
                ));
            }
            None if !hold.actor.is(&actor) => {
                return Err(Failure::new(
                    Kind::Held,
                    format!("the hold of {name} is not yours; nothing changed"),
                )
                .reason("held", format!("by {}: {:?} ({name}#{})", hold.actor.name, hold.reason, hold.token))
                .hint(format!("rel unlock {name} --token {} --reason WHY", hold.token)));
            }
            _ => {}
        }
        let id = DeploymentId { environment: name.clone(), seq: view.state.count + 1 };
        let what = EnvEventKind::Unhold { token: hold.token, reason: args.reason.clone() };
        Ok(Some(vec![reader.event(id.clone(), &actor, what)]))
    })?;
    match (&opened, ui.options.dry_run) {
        (None, _) => ui.screen.result(&format!("{name} is not held; nothing to do")),
        (Some(hold), false) => {
            ui.screen.result(&format!("{name} is open; {name}#{} was {:?}", hold.token, hold.reason))
        }
        (Some(hold), true) => ui.screen.result(&format!("{name}#{} would be opened", hold.token)),
    }
    let opened = opened.map(|hold| format!("{name}#{}", hold.token));
    Ok(UnlockReport { environment: name.clone(), opened }.into())
}
