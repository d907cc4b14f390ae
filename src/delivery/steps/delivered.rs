//! From a request to a receipt, for what deploys and what rolls back.

use std::rc::Rc;

use chrono::Local;

use crate::delivery::read::candidate_tags::carried;
use crate::delivery::read::context::Context;
use crate::delivery::read::range::between;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::claim::{self, Details};
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::{artifacts, deployment};
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::env::{Action, Deployment, Judged, Live};
use crate::domain::gate::{Gate, Verdict};
use crate::domain::name::{EnvName, Oid, TagName};
use crate::domain::plan::Plan;
use crate::failure::{Failure, Kind, Result};
use crate::store::{history, ledger};
use crate::ui::plan::{Shown, deploy_plan, rollback_plan};
use crate::ui::text::clean;
use crate::ui::time;
/// What a wish came to.
#[derive(Debug)]
pub enum Delivered {
    /// There was nothing to do, and why.
    Nothing(String),
    /// A dry run: the deployment as it would be claimed, and the plan in words.
    Planned(Box<Deployment>, String),
    /// It ran.
    Ran(Box<Receipt>),
}

/// Claims and runs a plan, or runs it without a claim where it stands on no
/// more than what this clone knows. None where things moved before the claim.
pub(crate) fn run(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    ground: Option<&offline::Ground>,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Option<Receipt>> {
    match ground {
        Some(ground) => offline::run(ctx, snapshot, ground, plan, prepared, details).map(Some),
        None => deployment::run(ctx, snapshot, plan, prepared, details),
    }
}

/// The chains in the snapshot after what ran.
pub(crate) fn absorb(ctx: &Context<'_>, snapshot: &mut Snapshot, receipt: &Receipt) {
    // A release's own tag has an entry among the candidates. Where that cannot be read here, the
    // next claim finds out.
    if receipt.released.is_some()
        && let Ok(view) = ledger::read(&ctx.repo, &snapshot.candidates.ref_name, &[])
    {
        snapshot.candidates = view;
    }
    if let Some(view) = snapshot.environments.get_mut(&receipt.deployment.environment) {
        view.state = receipt.state.clone();
    }
}

/// A refusal as it is told: every reason, what to do about each, and whether
/// waiting alone would do.
pub fn refusal(environment: &EnvName, candidate: Option<&TagName>, verdicts: &[Verdict]) -> Failure {
    let all = |gates: &[Gate]| verdicts.iter().all(|v| gates.contains(&v.gate));
    let kind = if all(&[Gate::Held]) {
        Kind::Held
    } else if all(&[Gate::Held, Gate::Busy]) {
        Kind::Busy
    } else {
        Kind::Refused
    };
    let what = candidate.map_or("this", TagName::label);
    let gates = if verdicts.len() == 1 { "1 gate".to_owned() } else { format!("{} gates", verdicts.len()) };
    let mut failure = Failure::new(kind, format!("{environment} refuses {what} ({gates}); nothing changed"));
    for verdict in verdicts {
        let mut message = verdict.text.clone();
        let here = verdict.opens_at.and_then(|at| time::here(at.with_timezone(&Local), &verdict.text));
        if let Some(here) = here {
            message.push('\n');
            message.push_str(&here);
        }
        for fix in &verdict.fixes {
            message.push('\n');
            message.push_str(fix);
        }
        failure = failure.reason(verdict.gate.as_str(), message);
    }
    let waiting = verdicts.iter().all(|v| v.opens_at.is_some() || v.gate == Gate::Busy);
    let overridable = verdicts.iter().any(|v| v.gate.can_be_overridden());
    match (waiting, overridable) {
        (true, _) => failure.hint("Waiting alone will do."),
        (false, true) => {
            failure.hint("Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY")
        }
        (false, false) => failure,
    }
}

pub(crate) fn planned(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Delivered> {
    let seq = if ctx.is_offline() { 0 } else { snapshot.chain(plan.environment())?.state.count + 1 };
    let intent = claim::intent(ctx, plan, &prepared.candidate, snapshot.policy.commit, details, seq);
    let words = words(ctx, snapshot, plan, prepared)?;
    Ok(Delivered::Planned(Box::new(intent.deployment), words))
}

/// What lies between what is live and a candidate.
#[derive(Default)]
pub(crate) struct Difference {
    /// Commits of the candidate that what is live lacks.
    brings: Rc<[Change]>,
    /// Commits of what is live that the candidate lacks, in whatever form.
    leaves: Vec<Change>,
    /// Fixes picked onto what is live that the candidate has in another form,
    /// each with that form.
    contained: Vec<(Oid, Oid)>,
}

pub(crate) fn difference(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    live: Option<&Live>,
    to: &Minted,
) -> Result<Difference> {
    let Some(live) = live else { return Ok(Difference::default()) };
    let brings = between(ctx, snapshot, live.commit, to.commit)?;
    let left = between(ctx, snapshot, to.commit, live.commit)?;
    let mut difference = Difference { brings, ..Difference::default() };
    if left.is_empty() {
        return Ok(difference);
    }
    // A damaged tag is for the checks to refuse; the words go by what the commits say then.
    let picks = |minted: Option<&Minted>| {
        minted.and_then(|minted| carried(ctx, snapshot, minted).ok()).unwrap_or_default()
    };
    let (ours, theirs) = (picks(snapshot.minted(&live.tag)), picks(Some(to)));
    for change in left.iter() {
        // A pick of a pick names every form it had.
        let recorded =
            ours.iter().filter(|(pick, _)| pick.commit == change.commit).map(|(pick, _)| pick.source);
        let mut form = None;
        for source in recorded.chain(change.picked_from.iter().copied()) {
            if let Some((pick, _)) = theirs.iter().find(|(pick, _)| pick.source == source) {
                form = Some(pick.commit);
            } else if ctx.repo.has_object(source) && history::is_ancestor(&ctx.repo, source, to.commit)? {
                form = Some(source);
            }
            if form.is_some() {
                break;
            }
        }
        match form {
            Some(form) => difference.contained.push((change.commit, form)),
            None => difference.leaves.push(change.clone()),
        }
    }
    Ok(difference)
}

pub(crate) fn words(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    prepared: &Prepared,
) -> Result<String> {
    let Difference { brings, leaves, contained } = difference(ctx, snapshot, plan.from(), plan.candidate())?;
    let back = snapshot
        .chain(plan.environment())?
        .state
        .current()
        .and_then(|live| snapshot.minted(&live.tag))
        .and_then(|minted| snapshot.record(ctx, minted).ok())
        .map(|record| artifacts::lost(ctx, &record).is_none());
    let shown = Shown {
        project: ctx.project(),
        plan,
        brings: &brings,
        leaves: &leaves,
        contained: &contained,
        commands: &prepared.whose,
        phases: &prepared.commands.phases,
        params: &prepared.params.open,
        hidden: prepared.params.hidden().collect(),
        undo_is_here: back,
        now: ctx.world.now(),
    };
    Ok(if plan.action() == Action::Rollback {
        rollback_plan(ctx.screen, &shown)
    } else {
        deploy_plan(ctx.screen, &shown)
    })
}

/// Says what gates only warn of, where nobody is shown the plan.
pub fn warn(ctx: &Context<'_>, gates: &[Judged]) {
    for judged in gates.iter().filter(|judged| judged.verdict == "warned") {
        let text: Vec<String> = judged.text.lines().map(clean).collect();
        ctx.screen.warn(&format!("{}: {}", judged.gate, text.join("\n  ")));
    }
}
