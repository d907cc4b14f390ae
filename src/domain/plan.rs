//! A deployment planned: what would be deployed, what every gate says, and
//! what the plan was based on.
//!
//! A [`Plan`] can only be made here and in [`super::rollback`], by passing the
//! gates or by overriding them by name. It is a value: a dry run prints it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::candidates::{CandidatesState, Minted};
use super::config::Environment;
use super::crossing::{Crossing, Owed};
use super::env::{Action, Approval, EnvState, Event, Judged, Live, Override, What};
use super::gate::{self, Case, Gate, Verdict};
use super::name::{Actor, DeploymentId, EnvName, TagName};
use super::signature::Signature;
use super::signoff::Signoffs;

/// What was true when somebody was shown the plan. A claim holds only while
/// it still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// What is live.
    pub current: Option<TagName>,
    /// The number of the newest deployment.
    pub newest: Option<u64>,
}

impl Basis {
    /// What a plan made from `state` is based on.
    pub fn of(state: &EnvState) -> Basis {
        Basis { current: state.current().map(|live| live.tag.clone()), newest: state.newest() }
    }
}

/// A deployment that may be claimed.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) environment: EnvName,
    pub(super) action: Action,
    pub(super) candidate: Minted,
    pub(super) from: Option<Live>,
    pub(super) allowed: Allowed,
    pub(super) owes: Vec<Owed>,
    pub(super) undoes: Option<TagName>,
    pub(super) reverts: Option<DeploymentId>,
    pub(super) holds: bool,
    pub(super) take_over: Option<u64>,
    pub(super) why: String,
    pub(super) skipped: Vec<Skipped>,
    pub(super) basis: Basis,
}

impl Plan {
    /// Where.
    pub fn environment(&self) -> &EnvName {
        &self.environment
    }
    /// What it sets out to do.
    pub fn action(&self) -> Action {
        self.action
    }
    /// What would be live.
    pub fn candidate(&self) -> &Minted {
        &self.candidate
    }
    /// What is live.
    pub fn from(&self) -> Option<&Live> {
        self.from.as_ref()
    }
    /// What the gates said, and who passed them.
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }
    /// What the environment is owed once it succeeds.
    pub fn owes(&self) -> &[Owed] {
        &self.owes
    }
    /// The candidate that a rollback undoes.
    pub fn undoes(&self) -> Option<&TagName> {
        self.undoes.as_ref()
    }
    /// The deployment that a rollback undoes.
    pub fn reverts(&self) -> Option<&DeploymentId> {
        self.reverts.as_ref()
    }
    /// Whether the environment is held from the claim on.
    pub fn holds(&self) -> bool {
        self.holds
    }
    /// The intent or hold it closes on its way.
    pub fn take_over(&self) -> Option<u64> {
        self.take_over
    }
    /// Why a rollback goes where it goes.
    pub fn why(&self) -> &str {
        &self.why
    }
    /// What a rollback passes over.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
    /// What it is based on.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

impl Plan {
    /// The same plan with what a hook said, which is asked last of all.
    ///
    /// # Errors
    /// It refuses, and nobody passed it by name.
    pub fn heard(self, verdict: Verdict, overrides: &BTreeSet<Gate>) -> Result<Plan, Vec<Verdict>> {
        Ok(Plan { allowed: self.allowed.heard(verdict, overrides)?, ..self })
    }
}

/// A candidate passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub tag: TagName,
    /// Why.
    pub why: String,
}

/// A take-over names a number that is neither in flight nor a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongToken(pub u64);

/// Who writes events, when, and with which nonces.
pub struct Stamp<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// When.
    pub at: DateTime<Utc>,
    /// A fresh nonce at every call.
    pub nonce: &'a dyn Fn() -> String,
}

impl Stamp<'_> {
    /// An event of `environment` that takes or settles `seq`.
    pub fn event(&self, environment: &EnvName, seq: u64, what: What) -> Event {
        Event {
            id: DeploymentId { environment: environment.clone(), seq },
            at: self.at,
            actor: self.actor.clone(),
            nonce: (self.nonce)(),
            what,
        }
    }
}

/// The events that close exactly the intent or hold numbered `token`, and the
/// state after them. A rollback's hold has the rollback's number: both close,
/// unless a rollback takes over, which such a hold does not refuse.
///
/// # Errors
/// Nothing open has that number.
pub fn close(
    environment: &EnvName,
    state: &EnvState,
    token: u64,
    for_rollback: bool,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<(Vec<Event>, EnvState), WrongToken> {
    let mut events = Vec::new();
    let mut after = state.clone();
    let mut push = |state: &EnvState, event: Event| {
        let next = state.apply(&event).map_err(|_| WrongToken(token))?;
        events.push(event);
        Ok(next)
    };
    let in_flight = state.in_flight.as_ref().is_some_and(|intent| intent.deployment.seq == token);
    if in_flight {
        let what = What::TakenOver { reason: reason.to_owned() };
        after = push(&after, stamp.event(environment, token, what))?;
    }
    let held = after.hold.as_ref().is_some_and(|hold| hold.token == token);
    if held && !(in_flight && for_rollback) {
        let what = What::Unhold { token, reason: reason.to_owned() };
        after = push(&after, stamp.event(environment, after.count + 1, what))?;
    }
    if events.is_empty() { Err(WrongToken(token)) } else { Ok((events, after)) }
}

/// What a deployment is asked to do.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Gates passed by name.
    pub overrides: BTreeSet<Gate>,
    /// Run it although it is live.
    pub redeploy: bool,
    /// Close this intent or hold on the way.
    pub take_over: Option<u64>,
}

/// What a deployment would be judged by, but for the candidate.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The environment's policy.
    pub environment: &'a Environment,
    /// Its state, after what a take-over closes.
    pub state: &'a EnvState,
    /// The states of the environments it comes after.
    pub upstream: &'a [(EnvName, Cow<'a, EnvState>)],
    /// What is blocked.
    pub candidates: &'a CandidatesState,
    /// Every candidate there is.
    pub pool: &'a [Minted],
    /// Who would deploy.
    pub actor: &'a Actor,
    /// In CI: whoever started the run.
    pub on_behalf_of: Option<&'a Actor>,
    /// The time.
    pub now: DateTime<Utc>,
    /// What the signatures are worth under the approvals of the candidate to
    /// be judged; read only where the policy asks for them, and then none is
    /// worth anything that is not here.
    pub signatures: &'a [Signature],
    /// What the authors said of what that candidate, or a baseline, brings; read only where
    /// the policy asks them, and then nothing passes without.
    pub signoffs: Option<&'a Signoffs>,
}

impl<'a> Setting<'a> {
    /// The candidate a deployment without one means; `None` where there is
    /// none at all.
    ///
    /// Blocked ones and those rolled back here are never it. Without `after`,
    /// the newest; with it, the newest that was live upstream and passes
    /// `order` and `soak`; if none passes, the newest that was live upstream;
    /// else the newest, which `order` will refuse.
    pub fn choose(&self, overrides: &BTreeSet<Gate>) -> Option<&'a Minted> {
        let mut pool: Vec<&Minted> = self
            .pool
            .iter()
            .filter(|c| self.candidates.block(&c.tag, &c.version.release).is_none())
            .filter(|c| !self.state.undid(&c.tag))
            .collect();
        pool.sort_by(|a, b| b.order().cmp(&a.order()));
        if self.environment.after.is_empty() {
            return pool.first().copied();
        }
        let passes = |candidate: &Minted, rule: gate::Rule| {
            rule(&self.case(candidate)).is_none_or(|v| v.passed || overrides.contains(&v.gate))
        };
        let was_live = |c: &Minted| self.upstream.iter().any(|(_, s)| s.standing(&c.tag).is_some());
        pool.iter()
            .find(|c| was_live(c) && passes(c, gate::order) && passes(c, gate::soak))
            .or_else(|| pool.iter().find(|c| was_live(c)))
            .or_else(|| pool.first())
            .copied()
    }

    /// The case of one candidate.
    pub fn case<'b>(&'b self, candidate: &'b Minted) -> Case<'b> {
        Case {
            environment: self.environment,
            state: self.state,
            upstream: self.upstream,
            candidate,
            candidates: self.candidates,
            actor: self.actor,
            on_behalf_of: self.on_behalf_of,
            now: self.now,
            signatures: self.signatures,
            signoffs: self.signoffs,
            crossing: None,
        }
    }
}

/// What planning a deployment came to.
#[derive(Debug)]
pub enum Planned {
    /// It is live already.
    Nothing(Box<Live>),
    /// It may be claimed.
    Go(Box<Plan>),
    /// Gates refuse it.
    Refused(Vec<Verdict>),
}

/// Plans the deployment of `candidate`, which would leave `crossing` behind.
/// `shown` is the state before a take-over, which the claim is checked against.
pub fn deploy(
    setting: &Setting<'_>,
    candidate: &Minted,
    crossing: &Crossing,
    request: &Request,
    shown: &EnvState,
) -> Planned {
    let state = setting.state;
    let same = state.current().filter(|live| live.tag == candidate.tag);
    if let Some(live) = same
        && state.certain
        && state.in_flight.is_none()
        && !request.redeploy
    {
        return Planned::Nothing(Box::new(live.clone()));
    }
    let action = if same.is_some() { Action::Redeploy } else { Action::Deploy };
    let allowed = match Allowed::to_deploy(setting, Some(candidate), crossing, &request.overrides) {
        Ok(allowed) => allowed,
        Err(refusals) => return Planned::Refused(refusals),
    };
    Planned::Go(Box::new(Plan {
        environment: setting.environment.name.clone(),
        action,
        candidate: candidate.clone(),
        from: state.current().cloned(),
        allowed,
        owes: crossing.owes(),
        undoes: None,
        reverts: None,
        holds: false,
        take_over: request.take_over,
        why: String::new(),
        skipped: Vec::new(),
        basis: Basis::of(shown),
    }))
}

/// What the gates say, where each passes or is passed by name; else those that refuse.
fn pass(
    verdicts: Vec<Verdict>,
    by_name: &BTreeSet<Gate>,
) -> Result<(Vec<Judged>, Vec<Override>), Vec<Verdict>> {
    let (mut gates, mut overrides, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for verdict in verdicts {
        let word = match verdict.passed {
            true if verdict.warns => "warned",
            true => "passed",
            false if by_name.contains(&verdict.gate) && verdict.gate.can_be_overridden() => {
                overrides.push(Override { gate: verdict.gate, text: verdict.text.clone() });
                "overridden"
            }
            false => {
                refusals.push(verdict);
                continue;
            }
        };
        gates.push(Judged { gate: verdict.gate, verdict: word.into(), text: verdict.text });
    }
    if refusals.is_empty() { Ok((gates, overrides)) } else { Err(refusals) }
}

fn counted(case: &Case<'_>) -> Vec<Approval> {
    gate::counting_approvals(case)
        .into_iter()
        .map(|approved| Approval { actor: approved.actor.clone(), at: approved.at })
        .collect()
}

/// What the gates let pass, `rel`'s own or another system's. It can only be made
/// by asking them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    gates: Vec<Judged>,
    overrides: Vec<Override>,
    approvals: Vec<Approval>,
}

impl Allowed {
    /// A rollback, which was judged by rules of its own.
    pub(super) fn to_go_back() -> Allowed {
        Allowed { gates: Vec::new(), overrides: Vec::new(), approvals: Vec::new() }
    }

    /// What is to be put there, candidate or baseline.
    ///
    /// # Errors
    /// Gates refuse it, and nobody passed them by name.
    pub fn to_deploy(
        setting: &Setting<'_>,
        candidate: Option<&Minted>,
        crossing: &Crossing,
        overrides: &BTreeSet<Gate>,
    ) -> Result<Allowed, Vec<Verdict>> {
        let (verdicts, approvals) = match candidate {
            Some(candidate) => {
                let case = Case { crossing: Some(crossing), ..setting.case(candidate) };
                (gate::judge(&case), counted(&case))
            }
            None => (gate::judge_baseline(setting, crossing), Vec::new()),
        };
        pass(verdicts, overrides).map(|(gates, overrides)| Allowed { gates, overrides, approvals })
    }

    /// What is there already and opens the way to nothing: only what else is
    /// at work there, or keeps it closed, can refuse it.
    ///
    /// # Errors
    /// The environment is held or busy.
    pub fn to_be_known(setting: &Setting<'_>) -> Result<Allowed, Vec<Verdict>> {
        pass(gate::closed(setting.environment, setting.state), &BTreeSet::new())
            .map(|(gates, overrides)| Allowed { gates, overrides, approvals: Vec::new() })
    }

    /// The same with what a hook said, which is asked last of all.
    ///
    /// # Errors
    /// It refuses, and nobody passed it by name.
    pub fn heard(mut self, verdict: Verdict, overrides: &BTreeSet<Gate>) -> Result<Allowed, Vec<Verdict>> {
        let (gates, overrides) = pass(vec![verdict], overrides)?;
        self.gates.extend(gates);
        self.overrides.extend(overrides);
        Ok(self)
    }

    /// What every gate said.
    pub fn gates(&self) -> &[Judged] {
        &self.gates
    }
    /// Gates passed by name.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }
    /// The approvals that count.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }
}
