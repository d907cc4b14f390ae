//! `rel log`: deployments, newest first, and what they printed.

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::context::Context;
use crate::delivery::snapshot::Snapshot;
use crate::delivery::stage::log_path;
use crate::delivery::{evidence, report};
use crate::domain::env::EnvState;
use crate::domain::name::DeploymentId;
use crate::failure::{Doing, Failure, Kind, Result};
use crate::store::ledger::View;
use crate::ui::{json as documents, log};

/// Runs the verb.
///
/// # Errors
/// There is no such environment or deployment; what one printed is not on
/// this machine; the authority cannot be reached.
pub fn run(ctx: &Context<'_>, args: &cli::Log) -> Result<Map<String, Value>> {
    if let Some(id) = &args.output {
        return output(ctx, id);
    }
    let snapshot = evidence::look(ctx, "log")?;
    let views: Vec<&View<EnvState>> = match &args.environment {
        Some(name) => vec![snapshot.chain(name)?],
        None => snapshot.environments.values().collect(),
    };
    let deployments =
        evidence::all_deployments(&ctx.repo, views).take(args.number).collect::<Result<Vec<_>>>()?;
    ctx.screen.result(&if deployments.is_empty() && args.number > 0 {
        log::none(args.environment.as_ref().map(|name| name.as_str()))
    } else {
        log::table(ctx.screen, &deployments, ctx.world.now())
    });
    let list: Vec<Value> = deployments.iter().map(documents::deployment).collect();
    let mut document = Map::from_iter([("deployments".to_owned(), json!(list))]);
    report::policy(ctx, &snapshot, &mut document);
    Ok(document)
}

/// What a deployment printed. It is on the machine that ran it and nowhere
/// else, so the authority is asked only to say where that was.
fn output(ctx: &Context<'_>, id: &DeploymentId) -> Result<Map<String, Value>> {
    let path = log_path(ctx, &id.environment, id.seq);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(not_here(ctx, id)?),
        Err(error) => return Err(error).doing(format!("{} cannot be read", path.display())),
    };
    let text = String::from_utf8_lossy(&bytes);
    if ctx.world.stdout_terminal {
        // The screen lets colours through and nothing else; the last one ends here.
        let reset = if text.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
        ctx.screen.result(&format!("{}{reset}", text.replace("\r\n", "\n")));
    } else if !ctx.screen.is_json() {
        ctx.screen.raw(&bytes);
    }
    Ok(Map::from_iter([("output".to_owned(), json!(text))]))
}

/// Why there is nothing to show: no such deployment, or it ran elsewhere.
fn not_here(ctx: &Context<'_>, id: &DeploymentId) -> Result<Failure> {
    let snapshot = evidence::look(ctx, &format!("log --output {id}"))?;
    let Some(deployment) = evidence::deployment(&ctx.repo, chain(&snapshot, id)?, id)? else {
        return Ok(Failure::new(Kind::NotFound, format!("there is no deployment {id}"))
            .hint(format!("rel log {}", id.environment)));
    };
    let failure = Failure::new(Kind::NotFound, format!("what {id} printed is not on this machine"));
    let mut failure = match &deployment.host {
        Some(host) if ctx.world.host().as_ref() == Some(host) => {
            failure.reason("output", format!("it ran on this machine, {host}, but in another clone"))
        }
        Some(host) => failure.reason("output", format!("it ran on {host}, by {}", deployment.actor.name)),
        None => failure.reason("output", format!("{} ran it elsewhere", deployment.actor.name)),
    };
    if let Some(run) = &deployment.run_url {
        failure = failure.hint(run.clone());
    }
    Ok(failure)
}

/// The chain that holds a deployment: one made under an environment's earlier
/// name keeps it.
fn chain<'s>(snapshot: &'s Snapshot, id: &DeploymentId) -> Result<&'s View<EnvState>> {
    let name = &id.environment;
    let heir = snapshot.policy.config.environments.iter().find(|e| e.formerly.contains(name));
    match snapshot.policy.config.environment(name).or(heir) {
        Some(environment) => snapshot.chain(&environment.name),
        None => snapshot.chain(name),
    }
}
