//! `rel approve`: a person says that a candidate may go to an environment.

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::claim::outcome_event;
use crate::delivery::context::Context;
use crate::delivery::revision::Named;
use crate::delivery::snapshot::Snapshot;
use crate::delivery::{publish, settle};
use crate::domain::env::{EnvState, What};
use crate::domain::name::DeploymentId;
use crate::failure::Result;

/// Runs the verb.
///
/// # Errors
/// There is no such candidate or environment.
pub fn run(ctx: &Context<'_>, args: &cli::Approve) -> Result<Map<String, Value>> {
    settle::dead_runs(ctx)?;
    let name = &args.environment;
    let find = |snapshot: &Snapshot| {
        let wanted = snapshot.environment(name)?.approvals;
        let (minted, named) = snapshot.candidate_named(ctx, &args.candidate)?;
        Ok((wanted, minted.clone(), named))
    };
    let (mut wanted, mut minted, named) = Snapshot::known(ctx, find)?;
    if named != Named::Itself {
        // What is live, or newest, is what the authority says now.
        (wanted, minted, _) = find(&Snapshot::take(ctx)?)?;
    }
    let actor = ctx.actor()?;
    let (ref_name, formerly) = Snapshot::place(ctx, name)?;
    let mut changed = false;
    let view = publish::small::<EnvState>(ctx, &ref_name, &formerly, |view| {
        let given = view.state.approvals.iter().any(|a| a.tag == minted.tag && a.actor.is(&actor));
        changed = given == args.withdraw;
        if !changed {
            return Ok(None);
        }
        let id = DeploymentId { environment: name.clone(), seq: view.state.count + 1 };
        let (tag, commit) = (minted.tag.clone(), minted.commit);
        let what = if args.withdraw {
            What::Withdraw { tag, commit }
        } else {
            What::Approve { tag, commit, reason: args.reason.clone() }
        };
        Ok(Some(vec![outcome_event(ctx, &id, &actor, what)]))
    })?;
    let given: Vec<Value> = view
        .state
        .approvals
        .iter()
        .filter(|approval| approval.tag == minted.tag)
        .map(|approval| json!({ "actor": approval.actor, "at": approval.at }))
        .collect();
    let text = match (args.withdraw, changed) {
        (false, true) => {
            let count = match wanted {
                0 => "none is needed".to_owned(),
                wanted => format!("{} of {wanted}", given.len()),
            };
            format!("{} is approved for {name} by {} ({count})", minted.tag, actor.name)
        }
        (false, false) => format!("you approved {} for {name} already", minted.tag),
        (true, true) => format!("your approval of {} for {name} is withdrawn", minted.tag),
        (true, false) => format!("you have not approved {} for {name}; nothing to do", minted.tag),
    };
    ctx.screen.result(&if ctx.options.dry_run { format!("dry run: {text}") } else { text });
    Ok(Map::from_iter([
        ("tag".to_owned(), json!(minted.tag)),
        ("environment".to_owned(), json!(name)),
        ("approvals".to_owned(), json!(given)),
        ("changed".to_owned(), json!(changed)),
    ]))
}
