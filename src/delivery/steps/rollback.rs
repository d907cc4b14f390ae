//! From a wish to go back to a receipt. Never planned again: where things moved, it ends.

use crate::delivery::read::context::Context;
use crate::delivery::read::left_behind::Crossings;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::premises::{Premises, TakeOver};
use crate::delivery::run::prepare::prepare;
use crate::delivery::run::{artifacts, hooks, output};
use crate::delivery::steps::delivered::{Delivered, absorb, planned, refusal, run, words};
use crate::domain::env::{EnvState, Trigger};
use crate::domain::name::{EnvName, TagName};
use crate::domain::plan::Plan;
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::{Failure, Kind, Result};
/// A rollback wished for.
#[derive(Debug, Clone)]
pub struct Back {
    /// Where.
    pub environment: EnvName,
    /// Exactly there.
    pub to: Option<String>,
    /// What is believed live.
    pub from: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Close this hold or intent on the way.
    pub take_over: Option<u64>,
}

impl Back {
    /// The command line that does what was planned without a question.
    fn unasked(&self, plan: &Plan) -> String {
        let mut words = vec!["rel".to_owned(), "rollback".to_owned(), self.environment.to_string()];
        // What is live is said, so that it does nothing where something else is by then.
        let from = plan.from().map(|live| live.tag.label().to_owned());
        for (flag, value) in [
            ("--to", self.to.clone()),
            ("--from", self.from.clone().or(from)),
            ("--take-over", self.take_over.map(|token| token.to_string())),
            ("--reason", self.reason.clone()),
        ] {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        words.push("--yes".to_owned());
        shell_words::join(words)
    }
}

/// Rolls back.
///
/// # Errors
/// Nothing to go back to; busy or held by a person; the race is lost; going
/// further back needs a word (exit 2).
pub fn roll_back(ctx: &Context<'_>, snapshot: &mut Snapshot, wish: &Back) -> Result<Delivered> {
    let ground = offline::stand(ctx, snapshot, &wish.environment)?;
    let take_over = TakeOver { token: wish.take_over, reason: wish.reason.as_deref(), rollback: true };
    let premises = Premises::find(ctx, snapshot, &wish.environment, take_over)?;
    let setting = premises.setting();
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let lost = |tag: &TagName| -> Option<String> {
        let minted = snapshot.minted(tag)?;
        let record = snapshot.record(ctx, minted).ok()?;
        artifacts::gone(ctx, &record)
    };
    let crossings = Crossings::new(ctx, snapshot);
    let decide = |request: &rollback::Request| {
        crossings.deciding(setting.state, |crossing| {
            let knowledge = Knowledge { find: &find, lost: &lost, crossing };
            rollback::decide(&setting, request, &knowledge, premises.shown)
        })
    };
    let from = match &wish.from {
        Some(text) => Some(believed_live(ctx, snapshot, premises.shown, text)?),
        None => None,
    };
    let to = match &wish.to {
        Some(text) => Some(snapshot.candidate(ctx, text)?.clone()),
        None => None,
    };
    let mut request = rollback::Request { to, from, take_over: wish.take_over, further: false };
    let mut decision = decide(&request)?;
    if let Decision::AskFurther { current, target } = &decision {
        ask_further(ctx, &wish.environment, current, target)?;
        request.further = true;
        decision = decide(&request)?;
    }
    let plan = match decision {
        Decision::Go(plan) => plan,
        Decision::Nothing(why) => return Ok(Delivered::Nothing(why)),
        Decision::Refused(verdicts) => {
            let tag = request.to.as_ref().map(|to| &to.tag);
            return Err(refusal(&wish.environment, tag, &verdicts));
        }
        Decision::NoTarget { why, skipped } => {
            let mut failure = Failure::new(Kind::Refused, format!("{why}; nothing changed"));
            for one in skipped {
                failure = failure.reason("skipped", format!("{}: {}", one.tag.label(), one.why));
            }
            return Err(failure
                .hint(format!("rel log {}", wish.environment))
                .hint(format!("choose one: rel rollback {} --to RC", wish.environment)));
        }
        Decision::AskFurther { .. } => {
            return Err(Failure::failed("going further back was asked for twice"));
        }
    };
    let prepared = prepare(ctx, snapshot, &plan, None, &[])?;
    let details = premises.details(Trigger::Person, wish.reason.clone()).with(&prepared);
    if ctx.options.dry_run {
        return planned(ctx, snapshot, &plan, &prepared, &details);
    }
    ctx.screen.note(&words(ctx, snapshot, &plan, &prepared)?);
    // A yes to going further back is a yes to this.
    if !request.further {
        ctx.confirm(
            &format!("Roll back {}?", wish.environment),
            &format!("rolling {} back", wish.environment),
        )?;
    }
    if ctx.can_ask() && (request.further || !ctx.options.yes) {
        ctx.screen.note(&format!("unasked: {}", wish.unasked(&plan)));
    }
    hooks::before_rollback(ctx, snapshot, &plan, wish.reason.as_deref())?;
    match run(ctx, snapshot, ground.as_ref(), &plan, &prepared, &details)? {
        Some(receipt) => {
            absorb(ctx, snapshot, &receipt);
            hooks::after(ctx, snapshot, &receipt);
            output::publish(ctx, &snapshot.policy, &receipt);
            Ok(Delivered::Ran(Box::new(receipt)))
        }
        None => Err(Failure::new(Kind::Moved, format!("{} moved; nothing ran", wish.environment))),
    }
}

/// What a person believes live: a candidate, or the baseline that is.
fn believed_live(ctx: &Context<'_>, snapshot: &Snapshot, state: &EnvState, text: &str) -> Result<TagName> {
    let baseline = state.current().filter(|live| live.is_baseline()).map(|live| &live.tag);
    match baseline.filter(|tag| text == tag.as_str() || text == tag.label()) {
        Some(tag) => Ok(tag.clone()),
        None => Ok(snapshot.candidate(ctx, text)?.tag.clone()),
    }
}

fn ask_further(ctx: &Context<'_>, environment: &EnvName, current: &TagName, target: &TagName) -> Result<()> {
    if !ctx.can_ask() {
        return Err(Failure::new(
            Kind::Usage,
            format!("{environment} was rolled back to {current} already; going further back, to {target}, needs a word"),
        )
        .hint(format!("rel rollback {environment} --from {current}"))
        .hint(format!("rel rollback {environment} --to {target}")));
    }
    let question =
        format!("{environment} was rolled back to {current} already. Go further back, to {target}?");
    match ctx.asker.confirm(&question, true)? {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Kind::Refused, "not confirmed; nothing changed")),
        None => Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
    }
}
