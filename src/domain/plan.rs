//! A deployment planned: what would be deployed, what every gate says, and
//! what the plan was based on.
//!
//! A [`Plan`] can only be made here and in [`super::rollback`], by passing the
//! gates or by overriding them by name. It is a value: a dry run prints it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::candidates::Minted;
use super::env::{
    Action, Approval, EnvEvent, EnvEventKind, EnvState, Live, Override, RecordedRuling, RecordedVerdict,
};
use super::gate::Gate;
use super::gate::input::GateInput;
use super::gate::rules::{self, Rule};
use super::gate::verdict::{Ruling, Verdict};
use super::left_behind::{LeftBehind, Owed};
use super::name::{Actor, DeploymentId, EnvName, TagName};

/// What was true when somebody was shown the plan. A claim holds only while
/// it still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanBasis {
    /// What is live.
    pub current: Option<TagName>,
    /// The number of the newest deployment.
    pub newest: Option<u64>,
}

impl PlanBasis {
    /// What a plan made from `state` is based on.
    pub fn of(state: &EnvState) -> PlanBasis {
        PlanBasis { current: state.current().map(|live| live.tag.clone()), newest: state.newest() }
    }
}

/// A deployment that may be claimed.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) environment: EnvName,
    pub(super) action: Action,
    pub(super) candidate: Minted,
    pub(super) from: Option<Live>,
    pub(super) permission: Permission,
    pub(super) owes: Vec<Owed>,
    pub(super) undoes: Option<TagName>,
    pub(super) reverts: Option<DeploymentId>,
    pub(super) holds: bool,
    pub(super) take_over: Option<u64>,
    pub(super) why: String,
    pub(super) skipped: Vec<Skipped>,
    pub(super) basis: PlanBasis,
}

impl Plan {
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
    /// The gates' verdicts, and who approved.
    pub fn permission(&self) -> &Permission {
        &self.permission
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
    pub fn basis(&self) -> &PlanBasis {
        &self.basis
    }
}

impl Plan {
    /// The plan with the verdict of `before_deploy`, which is asked last.
    ///
    /// # Errors
    /// Returns the verdict if it refuses and is not overridden.
    pub fn with_hook_verdict(
        self,
        verdict: Verdict,
        overrides: &BTreeSet<Gate>,
    ) -> Result<Plan, Vec<Verdict>> {
        Ok(Plan { permission: self.permission.with_hook_verdict(verdict, overrides)?, ..self })
    }
}

/// A candidate passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub tag: TagName,
    pub why: String,
}

/// A take-over names a number that is neither in flight nor a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongToken(pub u64);

/// Who writes events, when, and with which nonces.
pub struct Stamp<'a> {
    pub actor: &'a Actor,
    pub at: DateTime<Utc>,
    /// A fresh nonce at every call.
    pub nonce: &'a dyn Fn() -> String,
}

impl Stamp<'_> {
    /// An event of `environment` that takes or settles `seq`.
    pub fn event(&self, environment: &EnvName, seq: u64, what: EnvEventKind) -> EnvEvent {
        EnvEvent {
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
) -> Result<(Vec<EnvEvent>, EnvState), WrongToken> {
    let mut events = Vec::new();
    let mut after = state.clone();
    let mut push = |state: &EnvState, event: EnvEvent| {
        let next = state.apply(&event).map_err(|_| WrongToken(token))?;
        events.push(event);
        Ok(next)
    };
    let in_flight = state.in_flight.as_ref().is_some_and(|intent| intent.deployment.seq == token);
    if in_flight {
        let what = EnvEventKind::TakenOver { reason: reason.to_owned() };
        after = push(&after, stamp.event(environment, token, what))?;
    }
    let held = after.hold.as_ref().is_some_and(|hold| hold.token == token);
    if held && !(in_flight && for_rollback) {
        let what = EnvEventKind::Unhold { token, reason: reason.to_owned() };
        after = push(&after, stamp.event(environment, after.count + 1, what))?;
    }
    if events.is_empty() { Err(WrongToken(token)) } else { Ok((events, after)) }
}

/// What a deployment is asked to do.
#[derive(Debug, Clone, Default)]
pub struct DeployOptions {
    /// Gates passed by name.
    pub overrides: BTreeSet<Gate>,
    /// Run it although it is live.
    pub redeploy: bool,
    /// Close this intent or hold on the way.
    pub take_over: Option<u64>,
}

/// The candidate that a deployment without one means; `None` if there is none.
///
/// It is never one that is blocked or was rolled back here. Without `after`,
/// the newest. With it, of those that come after what is live, the newest
/// that was live upstream and passes `order` and `soak`, else the newest that
/// only soaks still; else what is live. Where nothing that can be chosen is
/// live, the newest that passes, else the newest that was live upstream, else
/// the newest, which `order` will refuse.
pub(crate) fn choose<'p>(
    input: &GateInput<'_>,
    pool: &'p [Minted],
    overrides: &BTreeSet<Gate>,
) -> Option<&'p Minted> {
    let mut pool: Vec<&Minted> = pool
        .iter()
        .filter(|c| input.candidates.block(&c.tag, &c.version.release).is_none())
        .filter(|c| !input.state.undid(&c.tag))
        .collect();
    pool.sort_by(|a, b| b.order().cmp(&a.order()));
    if input.environment.after.is_empty() {
        return pool.first().copied();
    }
    let passes = |candidate: &Minted, rule: Rule| {
        rule(&input.about(candidate)).is_none_or(|v| !v.refuses() || overrides.contains(&v.gate()))
    };
    let was_live = |c: &Minted| input.upstream.iter().any(|(_, s)| s.standing(&c.tag).is_some());
    let live = input.state.current();
    let is_newer = |c: &Minted| live.is_none_or(|live| live.tag != c.tag && !live.is_later_than(c));
    let is_ready = |c: &Minted| was_live(c) && passes(c, rules::order) && passes(c, rules::soak);
    let soaks = |c: &Minted| was_live(c) && passes(c, rules::order);
    pool.iter()
        .find(|c| is_newer(c) && is_ready(c))
        .or_else(|| pool.iter().find(|c| live.is_some() && is_newer(c) && soaks(c)))
        .or_else(|| pool.iter().find(|c| live.is_some_and(|live| live.tag == c.tag)))
        .or_else(|| pool.iter().find(|c| is_ready(c)))
        .or_else(|| pool.iter().find(|c| was_live(c)))
        .or_else(|| pool.first())
        .copied()
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

/// Plans the deployment of `candidate`, which the input is about.
pub(crate) fn deploy(input: &GateInput<'_>, candidate: &Minted, request: &DeployOptions) -> Planned {
    let state = &input.state;
    let same = state.current().filter(|live| live.tag == candidate.tag);
    if let Some(live) = same
        && state.certain
        && state.in_flight.is_none()
        && !request.redeploy
    {
        return Planned::Nothing(Box::new(live.clone()));
    }
    let action = if same.is_some() { Action::Redeploy } else { Action::Deploy };
    let permission = match Permission::to_deploy(input, &request.overrides) {
        Ok(permission) => permission,
        Err(refusals) => return Planned::Refused(refusals),
    };
    Planned::Go(Box::new(Plan {
        environment: input.environment.name.clone(),
        action,
        candidate: candidate.clone(),
        from: state.current().cloned(),
        permission,
        owes: input.left_behind.as_ref().map(LeftBehind::owes).unwrap_or_default(),
        undoes: None,
        reverts: None,
        holds: false,
        take_over: request.take_over,
        why: String::new(),
        skipped: Vec::new(),
        basis: PlanBasis::of(input.shown),
    }))
}

/// The verdicts, if each passes or is overridden.
///
/// # Errors
/// Returns those that refuse.
fn pass(verdicts: Vec<Verdict>, overrides: &BTreeSet<Gate>) -> Result<Vec<Verdict>, Vec<Verdict>> {
    let refuses = |verdict: &Verdict| verdict.refuses() && !verdict.is_overridden(overrides);
    if verdicts.iter().any(refuses) {
        Err(verdicts.into_iter().filter(refuses).collect())
    } else {
        Ok(verdicts)
    }
}

/// What the gates let pass, `rel`'s own deployment or another system's. It can
/// only be made by asking them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    verdicts: Vec<Verdict>,
    approvals: Vec<Approval>,
}

impl Permission {
    /// A rollback, which was judged by rules of its own.
    pub(super) fn to_go_back() -> Permission {
        Permission { verdicts: Vec::new(), approvals: Vec::new() }
    }

    /// To put the input's candidate there, or a baseline.
    ///
    /// # Errors
    /// Returns the verdicts that refuse.
    pub(crate) fn to_deploy(
        input: &GateInput<'_>,
        overrides: &BTreeSet<Gate>,
    ) -> Result<Permission, Vec<Verdict>> {
        let verdicts = pass(rules::judge(input), overrides)?;
        let approvals = rules::counting_approvals(input)
            .into_iter()
            .map(|approved| Approval { actor: approved.actor.clone(), at: approved.at })
            .collect();
        Ok(Permission { verdicts, approvals })
    }

    /// To record what is there already and opens the way to nothing: only a
    /// hold or a deployment in flight refuses it.
    ///
    /// # Errors
    /// Returns the verdicts that refuse.
    pub(crate) fn to_be_known(input: &GateInput<'_>) -> Result<Permission, Vec<Verdict>> {
        let verdicts = pass(rules::closed(input), &BTreeSet::new())?;
        Ok(Permission { verdicts, approvals: Vec::new() })
    }

    /// The permission with the verdict of `before_deploy`, which is asked last.
    ///
    /// # Errors
    /// Returns the verdict if it refuses and is not overridden.
    pub(crate) fn with_hook_verdict(
        mut self,
        verdict: Verdict,
        overrides: &BTreeSet<Gate>,
    ) -> Result<Permission, Vec<Verdict>> {
        self.verdicts.extend(pass(vec![verdict], overrides)?);
        Ok(self)
    }

    /// The verdicts; one that refuses is overridden.
    pub(crate) fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The approvals that count.
    pub(crate) fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// The verdicts as a record has them, in `words`.
    pub(crate) fn gates(&self, words: GateWords<'_>) -> Vec<RecordedVerdict> {
        let record = |verdict: &Verdict| RecordedVerdict {
            gate: verdict.gate(),
            verdict: match verdict.ruling {
                Ruling::Passes => RecordedRuling::Passed,
                Ruling::Warns => RecordedRuling::Warned,
                Ruling::Refuses => RecordedRuling::Overridden,
            },
            text: words(verdict),
        };
        self.verdicts.iter().map(record).collect()
    }

    /// The overridden verdicts as a record has them, in `words`.
    pub(crate) fn overrides(&self, words: GateWords<'_>) -> Vec<Override> {
        let overridden = self.verdicts.iter().filter(|verdict| verdict.refuses());
        overridden.map(|verdict| Override { gate: verdict.gate(), text: words(verdict) }).collect()
    }
}

/// The text of a verdict, which records keep.
pub(crate) type GateWords<'w> = &'w dyn Fn(&Verdict) -> String;
