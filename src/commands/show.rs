//! `rel show`: a candidate, what it brings and where it went.

use serde_json::Value;

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::base::{self, ChangesOf};
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::run::artifacts;
use crate::domain::candidate::Candidate;
use crate::domain::report::deployment::DeploymentReport;
use crate::domain::report::list::ShowReport;
use crate::domain::report::{Document, Report};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::screen::Screen;
use crate::ui::show;

/// Runs the verb.
///
/// # Errors
/// There is no such candidate; its tag or its statement is not what was
/// recorded (exit 9); the authority cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Show) -> Result<Document> {
    let snapshot = dry_run::look(ui, reader, "show")?;
    let minted = snapshot.candidate(reader, &args.candidate)?;
    let record = snapshot.record(reader, minted)?;
    if args.provenance {
        return provenance(ui, reader, &record);
    }
    let subject = ChangesOf::candidate(&snapshot, minted);
    let (since, changes) = base::brought(reader, ui.screen, &snapshot, &subject)?;
    let deployments = deployments::all_deployments(
        reader,
        snapshot.environments.iter().map(|(name, view)| (name, view.tip)),
    )
    .filter(|found| found.as_ref().map_or(true, |deployment| deployment.tag == record.tag))
    .map(|found| found.map(DeploymentReport))
    .collect::<Result<Vec<_>, _>>()?;
    let environments = &snapshot.policy.config.environments;
    let report = ShowReport {
        live: environments
            .iter()
            .filter_map(|environment| {
                let live = snapshot.environments.get(&environment.name)?.state.current()?;
                (live.tag == record.tag).then(|| (environment.name.clone(), live.since))
            })
            .collect(),
        since: since.commit().is_some().then(|| since.to_string()),
        changes: changes.unwrap_or_default(),
        deployments,
        candidate: delivering::candidate(&snapshot, &record),
    };
    ui.screen.result_of(|| show::candidate(ui.screen, &report, reader.world.now()));
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

/// Prints the bare statement, which is another standard's document: with
/// `--json` too it is all there is on stdout. A program that reads it gets the
/// very bytes whose digest the tag holds.
fn provenance(ui: &Ui, reader: &Reader, record: &Candidate) -> Result<Document> {
    let Some(bytes) = artifacts::provenance(reader, record)? else {
        return Err(Failure::new(Kind::NotFound, format!("{} has no provenance statement", record.tag))
            .reason("provenance", "release.toml had no [build] when it was cut: nothing was made"));
    };
    let screen: &Screen = ui.screen;
    if screen.is_json() || reader.world.stdout_terminal {
        // The screen prints the first document it is given and no other.
        let statement: Value = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(Kind::Integrity, format!("the provenance statement of {} is no JSON", record.tag))
                .because(error)
        })?;
        screen.json(&statement);
    } else {
        screen.raw(&bytes);
    }
    Ok(Report::Nothing {}.into())
}
