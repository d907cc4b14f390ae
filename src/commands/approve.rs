//! `rel approve`: a person says that a candidate may go to an environment.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::revision::Named;
use crate::delivery::read::signatures::Signers;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{Approval, EnvEvent, EnvEventKind, EnvState};
use crate::domain::gate::Gate;
use crate::domain::name::{Actor, DeploymentId};
use crate::domain::report::Document;
use crate::domain::report::changes::ApproveReport;
use crate::failure::{Failure, Kind, Result};
use crate::store::ledger::View;
use crate::store::repo::Repo;
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// There is no such candidate or environment; a signature is asked for, and
/// none can be made that would count.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Approve) -> Result<Document> {
    let (Some(candidate), Some(name)) = (&args.candidate, &args.environment) else {
        return Err(Failure::new(Kind::Usage, "approve takes a candidate and an environment")
            .hint("rel approve RC ENV, or rel approve --commit COMMIT"));
    };
    dry_run::settle(ui, reader)?;
    let actor = reader.actor()?;
    let signs = |environment: &Environment| environment.approvals_signed && !args.withdraw;
    let is_given = |state: &EnvState, minted: &Minted| {
        state.approvals.iter().any(|a| a.tag == minted.tag && a.actor.is(&actor))
    };
    let find = |snapshot: &Snapshot| {
        let environment = snapshot.environment(name)?.clone();
        let (minted, named) = snapshot.candidate_named(reader, candidate)?;
        // What is live, or newest, and who may sign, is what the authority says
        // now; and so is whether what was given once still counts.
        let moves = named != Named::Itself || signs(&environment);
        let ask = moves || is_given(&snapshot.chain(name)?.state, minted) != args.withdraw;
        Ok((environment, minted.clone(), ask))
    };
    let (mut environment, mut minted, ask) = Snapshot::known(reader, ui.screen, find)?;
    let fresh = if ask { Some(Snapshot::take(reader, ui.screen)?) } else { None };
    if let Some(snapshot) = &fresh {
        (environment, minted, _) = find(snapshot)?;
    }
    let signers = match &fresh {
        Some(snapshot) if signs(&environment) => Some(Signers::read(reader, snapshot, &environment)?),
        _ => None,
    };
    let (wanted, signers) = (environment.approvals, signers.as_ref());
    let (ref_name, formerly) = Snapshot::place(reader, ui.screen, name)?;
    let mut changed = false;
    let append = |view: &View<EnvState>, repo: &Repo, events: &[EnvEvent]| {
        let (Some(signers), [event]) = (signers, events) else { return Ok(view.append(repo, events)?) };
        let signed = view.append_signed(repo, events)?;
        match signed.0.tip.map(|tip| signers.verify(tip, event, &minted)).transpose()? {
            Some(Err(fault)) => Err(would_not_count(signers, &actor, &fault)),
            _ => Ok(signed),
        }
    };
    let counts = |view: &View<EnvState>, actor: &Actor| -> Result<bool> {
        let Some(signers) = signers else { return Ok(true) };
        let approvals = signers.approvals(view, &minted)?;
        Ok(approvals.iter().any(|(other, verified)| other.is(actor) && verified.is_ok()))
    };
    let view = dry_run::publish_as::<EnvState>(ui, reader, &ref_name, &formerly, append, |view| {
        let given = is_given(&view.state, &minted) && counts(view, &actor)?;
        changed = given == args.withdraw;
        if !changed {
            return Ok(None);
        }
        let id = DeploymentId { environment: name.clone(), seq: view.state.count + 1 };
        let (tag, commit) = (minted.tag.clone(), minted.commit);
        let what = if args.withdraw {
            EnvEventKind::Withdraw { tag, commit }
        } else {
            EnvEventKind::Approve {
                tag,
                commit,
                tag_object: Some(minted.tag_object),
                reason: args.reason.clone(),
            }
        };
        Ok(Some(vec![reader.event(id.clone(), &actor, what)]))
    })?;
    let mut given: Vec<Approval> = Vec::new();
    for approval in view.state.approvals.iter().filter(|approval| approval.tag == minted.tag) {
        if counts(&view, &approval.actor)? {
            given.push(Approval { actor: approval.actor.clone(), at: approval.at });
        }
    }
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
    ui.screen.result(&if ui.options.dry_run { format!("dry run: {text}") } else { text });
    Ok(ApproveReport { tag: minted.tag, environment: name.clone(), approvals: given, changed }.into())
}

/// The failure of an approval whose signature nobody could check.
fn would_not_count(signers: &Signers<'_>, actor: &Actor, fault: &str) -> Failure {
    let path = signers.path();
    Failure::new(Kind::Refused, "your approval would not count; nothing changed")
        .reason(Gate::Approvals.as_str(), fault)
        .hint(format!("{path} on trunk needs a line: {} and your public key", actor.email))
        .hint("the key that git signs with: git config user.signingKey")
}
