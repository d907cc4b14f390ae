//! What came of a wish, said and as JSON.

use serde_json::{Map, Value, json};

use crate::delivery::read::context::Context;
use crate::delivery::read::snapshot::{Policy, Snapshot};
use crate::delivery::run::receipt::Receipt;
use crate::delivery::steps::delivered::Delivered;
use crate::delivery::steps::deploy::{self, Wish};
use crate::domain::candidate::Candidate;
use crate::domain::candidates::Minted;
use crate::domain::env::{Action, HoldCause, Trigger};
use crate::failure::{Kind, Result};
use crate::ui::{self, json as documents, time};

/// Says what came of a deployment or rollback: its document, or its failure.
///
/// # Errors
/// It ran and did not succeed, or its record is unpublished.
pub fn delivered(ctx: &Context<'_>, delivered: Delivered) -> Result<Map<String, Value>> {
    let mut document = Map::new();
    match delivered {
        Delivered::Nothing(why) => {
            ctx.screen.result(&why);
            document.insert("deployment".into(), Value::Null);
        }
        Delivered::Planned(deployment, words) => {
            ctx.screen.result(&words);
            ctx.screen.note("dry run: nothing changed");
            document.insert("deployment".into(), documents::deployment(&deployment));
            document.insert("dry_run".into(), json!(true));
        }
        Delivered::Ran(receipt) => {
            let receipt = receipt.into_result()?;
            success(ctx, &receipt);
            document.insert("deployment".into(), documents::deployment(&receipt.deployment));
        }
    }
    Ok(document)
}

/// The last lines of a deployment that succeeded.
fn success(ctx: &Context<'_>, receipt: &Receipt) {
    let deployment = &receipt.deployment;
    let name = &deployment.environment;
    let took = deployment.finished_at.map_or(0, |end| (end - deployment.started_at).num_seconds().max(0));
    let took = time::exact(std::time::Duration::from_secs(took.unsigned_abs()));
    let mut text = format!(
        "{} runs {} ({}, {took})",
        ctx.screen.env(name.as_str()),
        ctx.screen.good(deployment.tag.as_str()),
        deployment.id
    );
    if let Some(tag) = &receipt.released {
        text.push_str(&format!("; tagged {tag}"));
    }
    let held = receipt.state.hold.as_ref().filter(|hold| hold.cause == HoldCause::Rollback);
    if deployment.action == Action::Rollback
        && let Some(hold) = held
    {
        text.push_str(", and is held so that the next cut\ndoes not bring the fault back");
        let mut rows = vec![("open it", format!("rel unlock {name} --reason WHY"))];
        if let Some(from) = deployment.from_tag.as_ref().filter(|_| !receipt.from_baseline) {
            rows.push((
                "undo",
                format!(
                    "rel deploy {name} {from} --take-over {} --override rolled-back --reason WHY",
                    hold.token
                ),
            ));
        }
        text.push('\n');
        text.push_str(&ui::table::labelled(&rows, 2, ctx.screen.width()));
    } else if deployment.action == Action::Rollback
        && !receipt.from_baseline
        && let Some(from) = receipt.deployment.from_tag.as_ref().filter(|from| **from != deployment.tag)
    {
        let undo = format!("rel deploy {name} {from} --override rolled-back --reason WHY");
        text.push('\n');
        text.push_str(&ui::table::labelled(&[("undo", undo)], 2, ctx.screen.width()));
    }
    ctx.screen.result(&text);
    if let Some(why) = &receipt.not_released {
        ctx.screen.warn(&format!("the release's own tag could not be made: {why}"));
    }
}

/// A candidate's document.
pub fn candidate(snapshot: &Snapshot, record: &Candidate) -> Value {
    documents::candidate(record, snapshot.candidates.state.block(&record.tag, &record.version.release))
}

/// Deploys a new candidate to every environment that takes each one by
/// itself, unless a newer line is under test there.
///
/// # Errors
/// A command failed (exit 6); the candidate stands beside it. What a gate
/// refuses, or another machine was faster with, is only said.
pub fn auto_deploy(ctx: &Context<'_>, snapshot: &mut Snapshot, record: &Candidate) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    let Some(minted) = snapshot.minted(&record.tag).cloned() else { return Ok(documents) };
    let names: Vec<_> = snapshot
        .policy
        .config
        .environments
        .iter()
        .filter(|environment| environment.auto_deploy)
        .map(|environment| environment.name.clone())
        .collect();
    for name in names {
        if let Some(newer) = under_test(snapshot, &name, &minted) {
            ctx.screen.note(&format!("{name} keeps {}, which is of a newer release", newer.label()));
            continue;
        }
        let wish = Wish::plain(name.clone(), Some(record.tag.to_string()), Trigger::AutoDeploy);
        match deploy::deploy(ctx, snapshot, &wish).and_then(|result| delivered(ctx, result)) {
            Ok(mut document) => documents.extend(document.remove("deployment").filter(|d| !d.is_null())),
            Err(failure) if matches!(failure.kind, Kind::Refused | Kind::Held | Kind::Busy | Kind::Moved) => {
                ctx.screen.warn(&format!("not deployed to {name}: {}", failure.message));
                for reason in &failure.reasons {
                    ctx.screen.warn(&format!("  {}: {}", reason.gate, reason.message));
                }
                ctx.screen.note(&format!("  later: rel deploy {name} {}", record.tag));
            }
            Err(failure) => return Err(failure.with("candidate", candidate(snapshot, record))),
        }
    }
    Ok(documents)
}

fn under_test(
    snapshot: &Snapshot,
    name: &crate::domain::name::EnvName,
    minted: &Minted,
) -> Option<crate::domain::name::TagName> {
    let live = snapshot.environments.get(name)?.state.current()?;
    let newer = match &live.version {
        Some(version) => (live.position, &version.release) > (minted.position, &minted.version.release),
        None => live.position > minted.position,
    };
    newer.then(|| live.tag.clone())
}

/// The members that every document has where trunk's policy is not the one in force.
pub fn policy(ctx: &Context<'_>, policy: &Policy, document: &mut Map<String, Value>) {
    if let Some(place) = &policy.elsewhere {
        ctx.screen.note(&format!("policy: {place}; trunk has no release.toml yet"));
        document.insert("policy".into(), json!({ "commit": null, "from": place }));
    }
}
