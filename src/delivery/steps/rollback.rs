//! From a request to go back to a receipt. Never planned again: where things moved, it ends.

use crate::delivery::error::{Error, Moved, Result};
use crate::delivery::read::gate_input::{Gatherer, TakeOver};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::prepare::prepare;
use crate::delivery::run::ready::{Details, Ready};
use crate::delivery::run::{artifacts, hooks};
use crate::delivery::sink::Sink;
use crate::delivery::steps::delivered::{Delivered, conclude, run};
use crate::domain::env::{EnvState, Trigger};
use crate::domain::gate::verdict::{Attempt, Refusal};
use crate::domain::name::{EnvName, TagName};
use crate::domain::rollback::{self, Decision, Knowledge};

/// What a verb asks to be rolled back.
#[derive(Debug, Clone)]
pub struct RollbackRequest {
    /// The environment.
    pub environment: EnvName,
    /// The candidate to go to, as it was typed.
    pub to: Option<String>,
    /// What is believed live, as it was typed.
    pub from: Option<String>,
    /// The reason, for the record.
    pub reason: Option<String>,
    /// The hold or intent to close on the way.
    pub take_over: Option<u64>,
    /// Values of parameters, instead of those that the target last succeeded with.
    pub params: Vec<(String, String)>,
    /// Whether somebody said yes to going further back.
    pub further: bool,
}

/// What planning a rollback came to.
pub enum WayBack {
    /// There is nothing to do, and why.
    Nothing(String),
    /// The last success was a rollback itself: going on needs a yes.
    AskFurther {
        /// What is live.
        current: TagName,
        /// What would be.
        target: TagName,
    },
    /// It can be claimed.
    Ready(Box<Ready>),
}

/// Plans and prepares a rollback of the snapshot, which [`roll_back`] runs.
///
/// # Errors
/// There is nothing to go back to; it is busy, or held by a person.
pub fn plan(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    request: &RollbackRequest,
) -> Result<WayBack> {
    let take_over = TakeOver { token: request.take_over, reason: request.reason.as_deref(), rollback: true };
    let gatherer = Gatherer::new(reader, snapshot)?;
    let environment = snapshot.environment(&request.environment)?;
    let shown = &snapshot.chain(&request.environment)?.state;
    let (input, _) = gatherer.taking_over(gatherer.input(environment, shown)?, take_over)?;
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let gone = |tag: &TagName| artifacts::are_gone(reader, snapshot, tag);
    let from = match &request.from {
        Some(text) => Some(believed_live(reader, snapshot, shown, text)?),
        None => None,
    };
    let to = match &request.to {
        Some(text) => Some(snapshot.candidate(reader, text)?.clone()),
        None => None,
    };
    let asked =
        rollback::RollbackOptions { to, from, take_over: request.take_over, further: request.further };
    let decision = gatherer.left_behind.deciding(&input.state, |left_behind| {
        let knowledge = Knowledge { find: &find, gone: &gone, left_behind };
        rollback::decide(&input, &asked, &knowledge)
    })?;
    let plan = match decision {
        Decision::Go(plan) => plan,
        Decision::Nothing(why) => return Ok(WayBack::Nothing(why)),
        Decision::AskFurther { current, target } => return Ok(WayBack::AskFurther { current, target }),
        Decision::Refused(verdicts) => {
            let attempt = Attempt::RollBack(asked.to.map(|to| to.tag));
            return Err(Refusal { environment: request.environment.clone(), attempt, verdicts }.into());
        }
        Decision::NoTarget { why, skipped } => {
            return Err(Error::NoTarget { environment: request.environment.clone(), why, skipped });
        }
    };
    let prepared = prepare(reader, sink, snapshot, &plan, None, &request.params)?;
    let details = Details::of(&input, Trigger::Person, request.reason.clone()).with(&prepared);
    Ok(WayBack::Ready(Box::new(Ready { plan, prepared, details })))
}

/// Claims and runs a planned rollback. It is never planned again.
///
/// # Errors
/// The race is lost; a byte is wrong. What happened after the claim is in the
/// receipt.
pub fn roll_back(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    ground: Option<&offline::OfflineBasis>,
    ready: &Ready,
) -> Result<Delivered> {
    let plan = &ready.plan;
    hooks::before_rollback(reader, hands, sink, snapshot, plan, ready.details.reason.as_deref())?;
    match run(reader, hands, sink, snapshot, ground, ready)? {
        Some(receipt) => Ok(conclude(reader, hands, sink, snapshot, receipt)),
        None => Err(Moved::Environment(plan.environment().clone()).into()),
    }
}

/// What a person believes live: a candidate, or the baseline that is.
fn believed_live(reader: &Reader, snapshot: &Snapshot, state: &EnvState, text: &str) -> Result<TagName> {
    let baseline = state.current().filter(|live| live.is_baseline()).map(|live| &live.tag);
    match baseline.filter(|tag| text == tag.as_str() || text == tag.label()) {
        Some(tag) => Ok(tag.clone()),
        None => Ok(snapshot.candidate(reader, text)?.tag.clone()),
    }
}
