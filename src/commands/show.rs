//! `rel show`: a candidate, what it brings and where it went.

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::read::context::Context;
use crate::delivery::read::deployments::{self, Since};
use crate::delivery::read::range;
use crate::delivery::run::artifacts;
use crate::delivery::steps::{look, report};
use crate::domain::candidate::Candidate;
use crate::failure::{Failure, Kind, Result};
use crate::ui::show::{self, Shown};
use crate::ui::{json as documents, screen::Screen};

/// Runs the verb.
///
/// # Errors
/// There is no such candidate; its tag or its statement is not what was
/// recorded (exit 9); the authority cannot be reached.
pub fn run(ctx: &Context<'_>, args: &cli::Show) -> Result<Map<String, Value>> {
    let snapshot = look::look(ctx, "show")?;
    let minted = snapshot.candidate(ctx, &args.candidate)?;
    let record = snapshot.record(ctx, minted)?;
    if args.provenance {
        return provenance(ctx, &record);
    }
    let (since, commits) = deployments::brought(ctx, &snapshot, minted)?;
    let deployments =
        deployments::all_deployments(ctx, snapshot.environments.iter().map(|(name, view)| (name, view.tip)))
            .filter(|found| found.as_ref().map_or(true, |deployment| deployment.tag == record.tag))
            .collect::<Result<Vec<_>>>()?;
    let environments = &snapshot.policy.config.environments;
    let shown = Shown {
        block: snapshot.candidates.state.block(&record.tag, &record.version.release).cloned(),
        live: environments
            .iter()
            .filter_map(|environment| {
                let live = snapshot.environments.get(&environment.name)?.state.current()?;
                (live.tag == record.tag).then(|| (environment.name.clone(), live.since))
            })
            .collect(),
        since: match since {
            Since::Candidate(tag) => Some(tag.to_string()),
            Since::Version(text) => Some(text),
            Since::Baseline(tag) => Some(tag.label().to_owned()),
            Since::Beginning => None,
        },
        changes: range::changes(ctx, &commits)?,
        deployments,
        now: ctx.world.now(),
        record,
    };
    ctx.screen.result(&show::candidate(ctx.screen, &shown));
    let list: Vec<Value> = shown.deployments.iter().map(documents::deployment).collect();
    let mut document = Map::from_iter([
        ("candidate".to_owned(), report::candidate(&snapshot, &shown.record)),
        ("deployments".to_owned(), json!(list)),
        ("changes".to_owned(), json!(shown.changes)),
    ]);
    report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}

/// Prints the bare statement, which is another standard's document: with
/// `--json` too it is all there is on stdout. A program that reads it gets the
/// very bytes whose digest the tag holds.
fn provenance(ctx: &Context<'_>, record: &Candidate) -> Result<Map<String, Value>> {
    let Some(bytes) = artifacts::provenance(ctx, record)? else {
        return Err(Failure::new(Kind::NotFound, format!("{} has no provenance statement", record.tag))
            .reason("provenance", "release.toml had no [build] when it was cut: nothing was made"));
    };
    let screen: &Screen = ctx.screen;
    if screen.is_json() || ctx.world.stdout_terminal {
        // The screen prints the first document it is given and no other.
        let statement: Value = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(Kind::Integrity, format!("the provenance statement of {} is no JSON", record.tag))
                .because(error)
        })?;
        screen.json(&statement);
    } else {
        screen.raw(&bytes);
    }
    Ok(Map::new())
}
