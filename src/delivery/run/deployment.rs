//! One deployment, from a plan to its receipt.
//!
//! The artifacts and the tag are checked before the intent, so that a changed
//! byte leaves no record, and again just before the command. From the claim
//! on, nothing that is said or cannot be said ends the run: only the commands
//! and the record count.

use crate::delivery::read::context::Context;
use crate::delivery::read::left_behind::Crossings;
use crate::delivery::read::snapshot::{self, Snapshot};
use crate::delivery::run::artifacts;
use crate::delivery::run::claim::{self, Claim, Claimed, Details};
use crate::delivery::run::outcome::{Landed, Tagging, has_it, publish_outcome, release_of};
use crate::delivery::run::output;
use crate::delivery::run::premises::By;
use crate::delivery::run::prepare::{Prepared, prepare};
use crate::delivery::run::workspace::{Ending, perform};
use crate::domain::config::OnFailure;
use crate::domain::env::{Action, Deployment, EnvState, Live, Outcome, Progress, Trigger, What};
use crate::domain::name::TagName;
use crate::domain::plan::Plan;
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::{Failure, Kind, Result};
use crate::store::journal::Phase;
use crate::store::ledger::{self, View};
use crate::ui::json as documents;

/// How a deployment that was claimed ended.
#[derive(Debug)]
pub struct Receipt {
    /// Its record.
    pub deployment: Deployment,
    /// The environment after it.
    pub state: EnvState,
    /// Why it did not succeed, in a sentence.
    pub explanation: Option<String>,
    /// Whether what it replaced was a baseline, which cannot be deployed again.
    pub from_baseline: bool,
    /// What kept its command from being started, if that was no command's
    /// doing: a changed byte, a full disk.
    pub kept: Option<Failure>,
    /// The release's own tag, if this closed the release.
    pub released: Option<TagName>,
    /// Why the release's own tag could not be made.
    pub not_released: Option<String>,
    /// Why its record has not reached the authority, if it has not.
    pub unpublished: Option<Failure>,
    /// Who took over from it or settled it before its outcome came.
    pub late: Option<String>,
    /// The rollback that followed by itself.
    pub rollback: Option<Box<Receipt>>,
}

impl Receipt {
    /// The receipt of a deployment of which there is nothing more to say.
    pub fn of(deployment: Deployment, state: EnvState) -> Receipt {
        Receipt {
            deployment,
            state,
            explanation: None,
            from_baseline: false,
            kept: None,
            released: None,
            not_released: None,
            unpublished: None,
            late: None,
            rollback: None,
        }
    }

    /// The failure that this receipt is, if it is one; the record stands beside it.
    pub fn into_result(mut self) -> Result<Receipt> {
        let (unpublished, kept) = (self.unpublished.take(), self.kept.take());
        let id = &self.deployment.id;
        let failure = if self.deployment.offline {
            self.ran_offline()
        } else if let Some(kept) = kept.filter(|_| unpublished.is_none()) {
            let kind = if kept.kind == Kind::Integrity { Kind::Integrity } else { Kind::Failed };
            Failure { kind, message: format!("{id} was cancelled before it began: {}", kept.message), ..kept }
        } else if let Some(who) = &self.late {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but {who} took over from it before that", self.deployment.state),
            )
            .reason("late", "its outcome is kept as a late word, which changes nothing but what is certain")
            .hint(format!("what is live now: rel status {}", self.deployment.environment))
        } else if let Some(unpublished) = unpublished {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but its record has not reached the authority", self.deployment.state),
            )
            .reason("unpublished", unpublished.message)
            .hint("publish it as soon as the remote can be reached: rel sync")
        } else {
            let explanation = self.explanation.clone().unwrap_or_default();
            match self.deployment.state {
                Progress::Succeeded => return Ok(self),
                Progress::Cancelled => {
                    Failure::new(Kind::Interrupted, format!("{id} was interrupted, and the record says so"))
                }
                _ => Failure::new(
                    Kind::CommandFailed,
                    format!("{id} {}: {explanation}", self.deployment.state),
                ),
            }
            .hint(format!("what it printed: rel log --output {id}"))
        };
        let environment = &self.deployment.environment;
        let failure = match (&self.rollback, self.state.current()) {
            (Some(receipt), _) => {
                let failure = failure.with("rollback", documents::deployment(&receipt.deployment));
                let Deployment { tag, id, state, offline, .. } = &receipt.deployment;
                let id = if *offline { "offline".to_owned() } else { id.to_string() };
                if *state == Progress::Succeeded {
                    failure.hint(format!("{environment} was rolled back by itself to {tag} ({id})"))
                } else {
                    failure.hint(format!(
                        "the automatic rollback ({id}) {state} too; nobody knows what {environment} runs"
                    ))
                }
            }
            (None, Some(live)) if !self.state.certain && live.is_baseline() => failure.hint(format!(
                "{} was live before; it was recorded, not built by rel, so it has to be put back as it was put there",
                live.tag.label()
            )),
            (None, Some(live)) if !self.state.certain => {
                let offline = if self.deployment.offline { " --offline --reason WHY" } else { "" };
                failure.hint(format!("go back to {}: rel rollback {environment}{offline}", live.tag))
            }
            (None, _) => failure,
        };
        Err(failure.with("deployment", documents::deployment(&self.deployment)))
    }

    /// What there is to say of one that ran without a claim: whatever it came
    /// to, nobody else knows of it yet.
    fn ran_offline(&self) -> Failure {
        let Deployment { environment, tag, state, action, .. } = &self.deployment;
        let what = match state {
            Progress::Succeeded => format!("{environment} runs {tag}, put there offline"),
            Progress::Cancelled => format!("the offline {action} of {environment} was interrupted"),
            _ => format!("{tag} failed on {environment}, offline"),
        };
        let failure =
            Failure::new(Kind::Unpublished, format!("{what}; its record has not reached the authority"));
        let failure = match (&self.explanation, state) {
            (Some(why), Progress::Failed | Progress::Cancelled) => failure.reason("command", why.clone()),
            _ => failure,
        };
        failure
            .reason("unpublished", "it is kept in this clone, and no other one knows of it")
            .hint("publish it as soon as the remote can be reached: rel sync")
    }
}

/// Claims and runs a prepared plan. `None` where things moved before the
/// claim: plan again.
///
/// # Errors
/// Nothing was claimed, and why. What happened after a claim is in the receipt.
pub fn run(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Option<Receipt>> {
    let environment = snapshot.environment(plan.environment())?;
    match claim::claim(ctx, snapshot, environment, plan, &prepared.candidate, details)? {
        Claimed::Moved => Ok(None),
        Claimed::Yes(claim) => {
            ctx.screen
                .note(&format!("{} claimed", ctx.screen.strong(&claim.intent.deployment.id.to_string())));
            Ok(Some(carry_out(ctx, snapshot, *claim, prepared, plan.from())))
        }
    }
}

fn carry_out(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    mut claim: Claim,
    prepared: &Prepared,
    previous: Option<&Live>,
) -> Receipt {
    let from = previous.map(|live| (live.tag.clone(), live.commit));
    let ending = perform(ctx, &mut claim.run, &claim.intent.deployment, prepared, from.as_ref());
    // The journal is a second string: where the disk refuses, the push still counts.
    let done = Phase::Done { outcome: ending.outcome.clone(), at: ctx.world.now() };
    if let Err(failure) = claim.run.advance(done) {
        ctx.screen.warn(&failure.message);
    }
    let mut receipt = settle(ctx, snapshot, claim, prepared, ending);
    receipt.from_baseline = previous.is_some_and(Live::is_baseline);
    // Neither the record nor a rollback waits for this.
    let Deployment { environment, seq, .. } = &receipt.deployment;
    output::keep(ctx, &snapshot.policy, prepared, environment, seq);
    receipt
}

/// Publishes a claim's outcome; what follows from it by itself follows here.
fn settle(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    claim: Claim,
    prepared: &Prepared,
    ending: Ending,
) -> Receipt {
    let Claim { view, intent, run } = claim;
    let mut deployment = intent.deployment.clone();
    deployment.state = ending.outcome.state;
    deployment.exit_code = ending.outcome.exit_code;
    deployment.phases.clone_from(&ending.outcome.phases);
    deployment.certain = ending.outcome.state == Progress::Succeeded || !ending.outcome.started;
    deployment.finished_at = Some(ctx.world.now());
    let mut receipt = Receipt::of(deployment, view.state.clone());
    (receipt.explanation, receipt.kept) = (ending.explanation, ending.kept);
    if ending.outcome.state == Progress::Failed
        && receipt.deployment.trigger != Trigger::OnFailure
        // A rollback that failed would only be run once more, as it was.
        && receipt.deployment.action != Action::Rollback
        && prepared.commands.on_failure == OnFailure::Rollback
        && let Some(followed) = roll_back(ctx, snapshot, &view, &ending.outcome, &receipt.deployment)
    {
        let (next, prepared, previous) = followed;
        run.close();
        receipt.rollback = Some(Box::new(carry_out(ctx, snapshot, next, &prepared, previous.as_ref())));
        receipt.state = receipt.rollback.as_ref().map_or(receipt.state, |r| r.state.clone());
        return receipt;
    }
    let release =
        (ending.outcome.state == Progress::Succeeded).then(|| release_of(snapshot, prepared)).flatten();
    let published = publish_outcome(ctx, &view, &receipt.deployment, &ending.outcome, release);
    match published {
        Ok(Landed::As(state, tagging)) => {
            receipt.state = state;
            match tagging {
                Tagging::None => {}
                Tagging::Made(tag) => receipt.released = Some(tag),
                Tagging::Failed(why) => receipt.not_released = Some(why),
            }
            run.close();
        }
        Ok(Landed::Late(state, who)) => {
            receipt.state = state;
            receipt.late = Some(who);
            run.close();
        }
        Err(failure) => {
            receipt.unpublished = Some(failure);
            drop(run);
        }
    }
    receipt
}

type Followed = (Claim, Prepared, Option<Live>);

/// How often an automatic rollback is merged with unrelated events.
const TRIES: usize = 20;

/// The rollback that a failure sets off: the failed outcome and the new
/// intent are one push. Events that came in the meantime, such as an
/// approval, are merged silently; where somebody closed this deployment, or
/// holds the environment, nothing follows.
fn roll_back(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Option<Followed> {
    let mut view = view.clone();
    for _ in 0..TRIES {
        match follow_up(ctx, snapshot, &view, outcome, failed) {
            Ok(Some(followed)) => {
                let id = &followed.0.intent.deployment.id;
                ctx.screen.note(&format!("{} failed; rolling back by itself: {id} claimed", failed.id));
                return Some(followed);
            }
            Ok(None) => {}
            Err(failure) => {
                ctx.screen.warn(&format!("no automatic rollback: {}", failure.message));
                return None;
            }
        }
        let fresh = snapshot::fetch_chains(ctx).and_then(|()| ledger::read(&ctx.repo, &view.ref_name, &[]));
        match fresh {
            Ok(fresh) => view = fresh,
            Err(failure) => {
                ctx.screen.warn(&format!("no automatic rollback: {}", failure.message));
                return None;
            }
        }
        if !has_it(&view.state, failed.seq) {
            ctx.screen.warn(&format!("no automatic rollback: somebody closed {} meanwhile", failed.id));
            return None;
        }
    }
    ctx.screen.warn(&format!("no automatic rollback: {} keeps moving", failed.environment));
    None
}

/// One attempt at it; none where the chain moved.
fn follow_up(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    view: &View<EnvState>,
    outcome: &Outcome,
    failed: &Deployment,
) -> Result<Option<Followed>> {
    let event = claim::outcome_event(ctx, &failed.id, &failed.actor, What::Outcome(outcome.clone()));
    let (after, _) = view.append(&ctx.repo, std::slice::from_ref(&event))?;
    let (plan, prepared, details) = way_back(ctx, snapshot, &after.state, failed)?;
    let claim = claim::follow(ctx, snapshot, view, event, &plan, &prepared.candidate, &details)?;
    Ok(claim.map(|claim| (claim, prepared, plan.from().cloned())))
}

/// The rollback that follows from a failure by itself, planned on the state
/// after it.
///
/// # Errors
/// There is nothing to go back to, or something stands in the way.
pub fn way_back(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    state: &EnvState,
    failed: &Deployment,
) -> Result<(Box<Plan>, Prepared, Details)> {
    let environment = snapshot.environment(&failed.environment)?;
    let upstream = snapshot.upstream(environment)?;
    let (actor, on_behalf_of) = (&failed.actor, failed.on_behalf_of.as_ref());
    let by = By { actor, on_behalf_of, now: ctx.world.now() };
    let setting = by.setting(snapshot, environment, state, &upstream);
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let lost = |tag: &TagName| {
        let record = snapshot.record(ctx, snapshot.minted(tag)?).ok()?;
        artifacts::gone(ctx, &record)
    };
    let decision = Crossings::new(ctx, snapshot).deciding(state, |crossing| {
        let knowledge = Knowledge { find: &find, lost: &lost, crossing };
        rollback::decide(&setting, &rollback::Request::default(), &knowledge, state)
    });
    let plan = match decision? {
        Decision::Go(plan) => plan,
        Decision::NoTarget { why, .. } | Decision::Nothing(why) => return Err(Failure::failed(why)),
        Decision::Refused(verdicts) => {
            let texts: Vec<&str> = verdicts.iter().map(|verdict| verdict.text.as_str()).collect();
            return Err(Failure::failed(texts.join("; ")));
        }
        Decision::AskFurther { target, .. } => {
            return Err(Failure::failed(format!("going further back, to {target}, needs a word")));
        }
    };
    let prepared = prepare(ctx, snapshot, &plan, None, &[])?;
    let details = Details {
        actor: failed.actor.clone(),
        on_behalf_of: failed.on_behalf_of.clone(),
        trigger: Trigger::OnFailure,
        reason: Some(if failed.is_numbered() {
            format!("{} failed", failed.id)
        } else {
            format!("{} failed, offline", failed.tag)
        }),
        commands_commit: None,
        params: std::collections::BTreeMap::new(),
    }
    .with(&prepared);
    Ok((plan, prepared, details))
}
