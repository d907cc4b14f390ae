//! From a request to a receipt: plan, ask, claim, run; planned again where
//! things moved in between.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::delivery::error::run::Contested;
use crate::delivery::error::{Error, Interrupted, Misuse, Moved, NotFound, Result};
use crate::delivery::read::gate_input::{Gatherer, TakeOver};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signoffs::Brought;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::hooks::{self, Queued};
use crate::delivery::run::prepare::prepare;
use crate::delivery::run::ready::{Details, Ready};
use crate::delivery::sink::{Notice, Sink};
use crate::delivery::steps::delivered::{Delivered, PlanReport, conclude, report, run};
use crate::domain::candidates::Minted;
use crate::domain::env::Trigger;
use crate::domain::gate::Gate;
use crate::domain::gate::verdict::{Attempt, Refusal, Verdict};
use crate::domain::name::{EnvName, TagName};
use crate::domain::plan::{self, DeployOptions, Plan, Planned};
use crate::ui::time;
use crate::world::fresh_nonce;

/// How often a deployment is planned anew because things moved.
const TRIES: usize = 20;

/// What a verb asks to be deployed.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The environment.
    pub environment: EnvName,
    /// The candidate, as it was typed; `None` takes the rules' default.
    pub candidate: Option<String>,
    /// Whether to run it although it is live.
    pub redeploy: bool,
    /// The reason, for the record.
    pub reason: Option<String>,
    /// The gates that are passed by name.
    pub overrides: BTreeSet<Gate>,
    /// The hold or intent to close on the way.
    pub take_over: Option<u64>,
    /// How long to wait for a deployment in flight.
    pub wait: Option<Duration>,
    /// Whose commands run; `None` means the policy's choice.
    pub commands_from: Option<String>,
    /// Values of parameters.
    pub params: Vec<(String, String)>,
    /// What set it off.
    pub trigger: Trigger,
}

impl DeployRequest {
    /// The plain deployment of `candidate`, or of the rules' default.
    pub fn plain(environment: EnvName, candidate: Option<String>, trigger: Trigger) -> DeployRequest {
        DeployRequest {
            environment,
            candidate,
            redeploy: false,
            reason: None,
            overrides: BTreeSet::new(),
            take_over: None,
            wait: None,
            commands_from: None,
            params: Vec::new(),
            trigger,
        }
    }
}

/// Shows a plan to the person who decides, and fails unless they agree.
pub type Consent<'c, E> = &'c dyn Fn(&Snapshot, &PlanReport) -> Result<(), E>;

/// Plans a deployment as [`deploy`] would, and ends there.
///
/// # Errors
/// As [`deploy`], up to the claim.
pub fn preview(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    request: &DeployRequest,
) -> Result<Delivered> {
    let waiting = begin(reader, sink, snapshot, request)?.1;
    Ok(match ready(reader, hands, sink, snapshot, request, waiting)? {
        Considered::Nothing(why) => Delivered::Nothing(why),
        Considered::Ready(ready) => Delivered::Planned(Box::new(report(reader, sink, snapshot, &ready)?)),
    })
}

/// Deploys. A person's deployment is shown to them by `consent` first, once
/// for each candidate and what it replaces, however often it is planned again.
///
/// # Errors
/// A gate refuses; nobody confirms; the race is lost; a byte is wrong. What
/// happened after the claim is in the receipt.
pub fn deploy<E: From<Error>>(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    request: &DeployRequest,
    consent: Consent<'_, E>,
) -> Result<Delivered, E> {
    let (ground, waiting) = begin(reader, sink, snapshot, request)?;
    let mut confirmed: Option<(Option<TagName>, TagName)> = None;
    let mut hook = None;
    for _ in 0..TRIES {
        let mut ready = match ready(reader, hands, sink, snapshot, request, waiting)? {
            Considered::Nothing(why) => return Ok(Delivered::Nothing(why)),
            Considered::Ready(ready) => *ready,
        };
        let plan = &ready.plan;
        let what = (plan.from().map(|live| live.tag.clone()), plan.candidate().tag.clone());
        if confirmed.as_ref() != Some(&what) {
            if request.trigger == Trigger::Person {
                consent(snapshot, &report(reader, sink, snapshot, &ready)?)?;
            } else {
                sink.notice(Notice::Passed(plan.permission().verdicts()));
            }
            let queued = Queued::of(plan, ready.details.reason.as_deref());
            hook = hooks::before_deploy(reader, hands, sink, snapshot, &queued)?;
            confirmed = Some(what);
        }
        if let Some(verdict) = hook.clone() {
            let tag = ready.plan.candidate().tag.clone();
            let plan = ready
                .plan
                .with_hook_verdict(verdict, &request.overrides)
                .map_err(|verdicts| Error::from(refusal(request, tag, verdicts)))?;
            *ready.plan = plan;
        }
        if let Some(receipt) = run(reader, hands, sink, snapshot, ground.as_ref(), &ready)? {
            return Ok(conclude(reader, hands, sink, snapshot, receipt));
        }
        sink.notice(Notice::PlanningAgain(&request.environment));
        *snapshot = Snapshot::take(reader, sink)?;
    }
    let what = Contested::Environment(request.environment.clone());
    Err(Error::from(Moved::Always { what, tries: TRIES }).into())
}

/// Since when, and how long, to wait for a deployment in flight.
type Waiting = Option<(Instant, Duration)>;

/// What a deployment stands on offline, and how long it may wait.
fn begin(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    request: &DeployRequest,
) -> Result<(Option<offline::OfflineBasis>, Waiting)> {
    refuse_blanket(&request.overrides)?;
    let ground = offline::basis(reader, sink, snapshot, &request.environment)?;
    // Nothing changes by itself in what nobody asks for.
    let waiting = request.wait.filter(|_| ground.is_none()).map(|limit| (Instant::now(), limit));
    Ok((ground, waiting))
}

/// Plans, once nothing is in flight any more where that is waited for, and
/// prepares what was planned.
fn ready(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    request: &DeployRequest,
    waiting: Waiting,
) -> Result<Considered> {
    let (plan, details) = loop {
        match plan_deployment(reader, snapshot, request)? {
            Planning::Nothing(why) => return Ok(Considered::Nothing(why)),
            Planning::Go(plan, details) => break (plan, details),
            Planning::Refused(candidate, verdicts) => {
                let only_busy = verdicts.iter().all(|v| v.gate() == Gate::Busy);
                match waiting {
                    Some((since, limit)) if only_busy && since.elapsed() < limit => {
                        wait_a_little(hands, sink, &verdicts, limit.saturating_sub(since.elapsed()))?;
                        *snapshot = Snapshot::take(reader, sink)?;
                    }
                    _ => return Err(refusal(request, candidate, verdicts).into()),
                }
            }
        }
    };
    let prepared = prepare(reader, sink, snapshot, &plan, request.commands_from.as_deref(), &request.params)?;
    let details = details.with(&prepared);
    Ok(Considered::Ready(Box::new(Ready { plan, prepared, details })))
}

/// Refuses `--override` of what is not overridden but taken over.
///
/// # Errors
/// It names `held` or `busy` (exit 2).
pub fn refuse_blanket(overrides: &BTreeSet<Gate>) -> Result<()> {
    match overrides.iter().find(|gate| !gate.can_be_overridden()) {
        Some(gate) => Err(Misuse::TakenOver(*gate).into()),
        None => Ok(()),
    }
}

enum Considered {
    Nothing(String),
    Ready(Box<Ready>),
}

enum Planning {
    Nothing(String),
    Go(Box<Plan>, Details),
    Refused(TagName, Vec<Verdict>),
}

fn refusal(request: &DeployRequest, candidate: TagName, verdicts: Vec<Verdict>) -> Refusal {
    Refusal { environment: request.environment.clone(), attempt: Attempt::Deploy(candidate), verdicts }
}

fn plan_deployment(reader: &Reader, snapshot: &Snapshot, request: &DeployRequest) -> Result<Planning> {
    let gatherer = Gatherer::new(reader, snapshot)?;
    let environment = snapshot.environment(&request.environment)?;
    let view = snapshot.chain(&request.environment)?;
    let take_over = TakeOver { token: request.take_over, reason: request.reason.as_deref(), rollback: false };
    let (input, _) = gatherer.taking_over(gatherer.input(environment, &view.state)?, take_over)?;
    let candidate: &Minted = match &request.candidate {
        Some(text) => snapshot.candidate(reader, text)?,
        None => plan::choose(&input, &snapshot.pool, &request.overrides).ok_or_else(|| {
            NotFound::CandidateFor {
                environment: request.environment.clone(),
                barred: !snapshot.pool.is_empty(),
            }
        })?,
    };
    let options = DeployOptions {
        overrides: request.overrides.clone(),
        redeploy: request.redeploy,
        take_over: request.take_over,
    };
    let input = gatherer.bringing(input, view, Brought::candidate(candidate))?;
    Ok(match plan::deploy(&input, candidate, &options) {
        Planned::Nothing(live) => Planning::Nothing(format!(
            "{} runs {} already ({}, {})",
            request.environment,
            live.tag.label(),
            live.deployment,
            time::span(time::between(live.since, input.now))
        )),
        Planned::Refused(verdicts) => Planning::Refused(candidate.tag.clone(), verdicts),
        Planned::Go(plan) => Planning::Go(plan, Details::of(&input, request.trigger, request.reason.clone())),
    })
}

fn wait_a_little(hands: &Hands, sink: &dyn Sink, verdicts: &[Verdict], left: Duration) -> Result<()> {
    if let Some(verdict) = verdicts.first() {
        sink.notice(Notice::Waiting(verdict));
    }
    // Spread by the nonce, so that clients that wait for one deployment do not ask in step.
    let jitter = u64::from(fresh_nonce().bytes().next().unwrap_or_default()) * 4;
    let pause = Duration::from_millis(1000 + jitter).min(left);
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if hands.interrupts.interrupted() {
            return Err(Interrupted::Waiting.into());
        }
        std::thread::sleep(Duration::from_millis(50).min(left));
    }
    Ok(())
}
