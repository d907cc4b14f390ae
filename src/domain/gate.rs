//! Gates: rules that may refuse a deployment.
//!
//! A gate is one small pure function from a [`Case`] to a [`Verdict`], listed
//! once in [`RULES`]. Plans collect all of them, so that a refusal gives every
//! reason at once. `held` and `busy` are not overridden but taken over.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use globset::GlobBuilder;

use super::candidates::{CandidatesState, Minted};
use super::config::Environment;
use super::crossing::{self, Crossing};
use super::env::{Approved, Deployment, EnvState, HoldCause, Trigger};
use super::freeze;
use super::name::{Actor, BadName, EnvName};
use super::plan::Setting;
use super::signature::Signature;
use super::signoff::{self, Signoffs};
use serde::{Deserialize, Serialize};

/// A gate's name, as refusals, overrides and records spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It must have succeeded upstream, and not been rolled back there.
    Order,
    /// It must have stood upstream long enough.
    Soak,
    /// Other people must have approved it.
    Approvals,
    /// Every commit's author must have signed off.
    Signoff,
    /// Not now.
    Freeze,
    /// Not by everybody.
    Deployers,
    /// A person blocked it.
    Blocked,
    /// A rollback here undid it.
    RolledBack,
    /// A live fix is not in it.
    LostFix,
    /// It would leave a point of no return.
    Irreversible,
    /// It is older than what is live.
    Downgrade,
    /// A `before_` hook said no.
    Hook,
    /// The environment is kept closed.
    Held,
    /// A deployment is in flight.
    Busy,
}

impl Gate {
    /// Every gate, in the order reasons are given.
    pub const ALL: [Gate; 14] = [
        Gate::Order,
        Gate::Soak,
        Gate::Approvals,
        Gate::Signoff,
        Gate::Freeze,
        Gate::Deployers,
        Gate::Blocked,
        Gate::RolledBack,
        Gate::LostFix,
        Gate::Irreversible,
        Gate::Downgrade,
        Gate::Hook,
        Gate::Held,
        Gate::Busy,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::Order => "order",
            Gate::Soak => "soak",
            Gate::Approvals => "approvals",
            Gate::Signoff => "signoff",
            Gate::Freeze => "freeze",
            Gate::Deployers => "deployers",
            Gate::Blocked => "blocked",
            Gate::RolledBack => "rolled-back",
            Gate::LostFix => "lost-fix",
            Gate::Irreversible => "irreversible",
            Gate::Downgrade => "downgrade",
            Gate::Hook => "hook",
            Gate::Held => "held",
            Gate::Busy => "busy",
        }
    }

    /// Whether `--override` can pass it; `held` and `busy` need `--take-over`.
    pub const fn can_be_overridden(self) -> bool {
        !matches!(self, Gate::Held | Gate::Busy)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Gate {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Gate, BadName> {
        Gate::ALL.into_iter().find(|gate| gate.as_str() == text).ok_or_else(|| {
            BadName(format!("{text:?} is not a gate; there are {}", Gate::ALL.map(Gate::as_str).join(", ")))
        })
    }
}

/// Everything a gate may look at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The environment's policy.
    pub environment: &'a Environment,
    /// Its state.
    pub state: &'a EnvState,
    /// The states of the environments it comes after, in the policy's order.
    pub upstream: &'a [(EnvName, Cow<'a, EnvState>)],
    /// What would be deployed.
    pub candidate: &'a Minted,
    /// What is blocked.
    pub candidates: &'a CandidatesState,
    /// Who would deploy, and for whom.
    pub actor: &'a Actor,
    /// In CI: whoever started the run.
    pub on_behalf_of: Option<&'a Actor>,
    /// The time.
    pub now: DateTime<Utc>,
    /// What the signatures are worth under the approvals of the candidate.
    pub signatures: &'a [Signature],
    /// What the authors said of what the candidate brings.
    pub signoffs: Option<&'a Signoffs>,
    /// What it would leave behind; none where that was not looked at, and is not judged.
    pub crossing: Option<&'a Crossing>,
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which gate.
    pub gate: Gate,
    /// Whether it lets the deployment pass.
    pub passed: bool,
    /// Whether it only lets it pass because the policy asks for no more than a warning.
    pub warns: bool,
    /// Its words: what passed, or what is missing.
    pub text: String,
    /// Commands that would satisfy it.
    pub fixes: Vec<String>,
    /// When time alone will satisfy it, if it will.
    pub opens_at: Option<DateTime<Utc>>,
}

impl Verdict {
    /// It lets the deployment pass.
    pub fn pass(gate: Gate, text: impl Into<String>) -> Verdict {
        Verdict { gate, passed: true, warns: false, text: text.into(), fixes: Vec::new(), opens_at: None }
    }

    pub(super) fn warn(gate: Gate, text: impl Into<String>) -> Verdict {
        Verdict { warns: true, ..Verdict::pass(gate, text) }
    }

    /// It refuses, and why.
    pub fn refuse(gate: Gate, text: impl Into<String>) -> Verdict {
        Verdict { passed: false, ..Verdict::pass(gate, text) }
    }

    fn fix(mut self, command: impl Into<String>) -> Verdict {
        self.fixes.push(command.into());
        self
    }
}

/// A rule: `None` where it does not apply.
pub type Rule = fn(&Case<'_>) -> Option<Verdict>;

/// Every rule there is, in the order reasons are given.
pub const RULES: [Rule; 13] = [
    order,
    soak,
    approvals,
    signoff,
    freeze,
    deployers,
    blocked,
    rolled_back,
    crossing::lost_fix,
    crossing::irreversible,
    downgrade,
    held,
    busy,
];

/// What every gate that applies says.
pub fn judge(case: &Case<'_>) -> Vec<Verdict> {
    RULES.iter().filter_map(|rule| rule(case)).collect()
}

/// What every gate that applies to a baseline says: nobody can approve one or
/// block it, and what it did elsewhere is not asked.
pub fn judge_baseline(setting: &Setting<'_>, crossing: &Crossing) -> Vec<Verdict> {
    let Setting { environment, state, actor, on_behalf_of, now, signoffs, .. } = *setting;
    signed_off(environment, signoffs)
        .into_iter()
        .chain(frozen(environment, now))
        .chain(deployed_by(environment, actor, on_behalf_of))
        .chain(crossing::fixes_lost(environment, crossing, now))
        .chain(crossing::points_left(crossing))
        .chain(closed(environment, state))
        .collect()
}

/// What keeps an environment closed, whatever would be put there.
pub fn closed(environment: &Environment, state: &EnvState) -> Vec<Verdict> {
    held_by(environment, state).into_iter().chain(busy_with(state)).collect()
}

/// It must have succeeded in every environment of `after`, and not been rolled back there.
pub fn order(case: &Case<'_>) -> Option<Verdict> {
    if case.environment.after.is_empty() {
        return None;
    }
    let tag = &case.candidate.tag;
    let mut missing = Vec::new();
    let mut fixes = Vec::new();
    for (name, state) in case.upstream {
        if state.undid(tag) {
            missing.push(format!("{tag} was rolled back on {name}"));
            fixes.push(format!("rel deploy {name} {tag} --override rolled-back --reason WHY"));
        } else if state.standing(tag).is_none() {
            missing.push(format!("{tag} has not succeeded on {name}"));
            fixes.push(format!("rel deploy {name} {tag}"));
        }
    }
    if missing.is_empty() {
        return Some(Verdict::pass(Gate::Order, "order"));
    }
    Some(Verdict { fixes, ..Verdict::refuse(Gate::Order, missing.join("; ")) })
}

/// It must have stood for `soak` in every environment of `after`.
pub fn soak(case: &Case<'_>) -> Option<Verdict> {
    let wanted = case.environment.soak?;
    let tag = &case.candidate.tag;
    let mut missing = Vec::new();
    // When the last of them opens, as long as time alone opens each.
    let mut opens_at: Option<Option<DateTime<Utc>>> = None;
    for (name, state) in case.upstream {
        let standing = state.standing(tag);
        let stood = Duration::from_secs(standing.map_or(0, |s| s.seconds(case.now)));
        if stood >= wanted {
            continue;
        }
        let at = standing
            .and_then(|s| s.since)
            .and_then(|since| since.checked_add_signed(chrono::Duration::from_std(wanted).ok()?));
        let when = match at {
            Some(at) => format!("passes at {}", at.format("%Y-%m-%d %H:%M UTC")),
            None => "it does not stand there now".to_owned(),
        };
        missing.push(format!("{} of {} on {name}; {when}", span(stood), span(wanted)));
        opens_at = Some(match opens_at {
            None => at,
            Some(before) => before.zip(at).map(|(before, at)| before.max(at)),
        });
    }
    if missing.is_empty() {
        return Some(Verdict::pass(Gate::Soak, format!("soak {}", span(wanted))));
    }
    let opens_at = opens_at.flatten();
    Some(Verdict { opens_at, ..Verdict::refuse(Gate::Soak, missing.join("; ")) })
}

/// `approvals` people other than whoever deploys or asked for it.
pub fn approvals(case: &Case<'_>) -> Option<Verdict> {
    let wanted = usize::try_from(case.environment.approvals).unwrap_or(usize::MAX);
    if wanted == 0 {
        return None;
    }
    let (tag, name) = (&case.candidate.tag, &case.environment.name);
    let counted = counting_approvals(case);
    let who = counted.iter().map(|a| a.actor.name.as_str()).collect::<Vec<_>>().join(", ");
    if counted.len() >= wanted {
        return Some(Verdict::pass(Gate::Approvals, format!("approvals {}/{wanted} ({who})", counted.len())));
    }
    let mut text = format!("{} of {wanted}", counted.len());
    for approval in case.state.approvals.iter().filter(|a| a.tag == *tag) {
        let who = &approval.actor.name;
        if deploys(case, &approval.actor) {
            text.push_str(&format!("; {who}'s does not count, {who} deploys"));
        } else if let Some(fault) = fault(case, &approval.actor) {
            text.push_str(&format!("; {who}'s does not count: {fault}"));
        }
    }
    let fix = format!("rel approve {tag} {name}, by {}", who_can_approve(case, &counted));
    Some(Verdict::refuse(Gate::Approvals, text).fix(fix))
}

/// Whose approval is still of use.
fn who_can_approve(case: &Case<'_>, counted: &[&Approved]) -> String {
    let mut but: Vec<&str> = Vec::new();
    let given = counted.iter().map(|approved| &approved.actor);
    for actor in [case.actor].into_iter().chain(case.on_behalf_of).chain(given) {
        // Who only looks may have no name.
        let name = if actor.name.is_empty() { "whoever deploys" } else { actor.name.as_str() };
        if !but.contains(&name) {
            but.push(name);
        }
    }
    let mut who = format!("anybody but {}", but.join(", "));
    if case.environment.approvals_signed {
        let usual = Environment::ALLOWED_SIGNERS[0];
        let file = case.environment.allowed_signers.as_deref().unwrap_or(usual);
        who.push_str(&format!(" who has a key in trunk's {file}"));
    }
    who
}

/// The approvals of this candidate that count in this case.
pub fn counting_approvals<'a>(case: &Case<'a>) -> Vec<&'a Approved> {
    let counts = |who: &Actor| !deploys(case, who) && fault(case, who).is_none();
    let given = case.state.approvals.iter().filter(|a| a.tag == case.candidate.tag && counts(&a.actor));
    let mut counted: Vec<&Approved> = Vec::new();
    for approved in given {
        // Nobody counts twice, whatever a state lists.
        if !counted.iter().any(|other| other.actor.is(&approved.actor)) {
            counted.push(approved);
        }
    }
    counted
}

/// Whether somebody deploys, or asked for it.
fn deploys(case: &Case<'_>, who: &Actor) -> bool {
    who.is(case.actor) || case.on_behalf_of.is_some_and(|on| who.is(on))
}

/// Why the signature of somebody's approval does not hold, where one is asked for.
fn fault<'a>(case: &Case<'a>, who: &Actor) -> Option<&'a str> {
    if !case.environment.approvals_signed {
        return None;
    }
    match case.signatures.iter().find(|signature| signature.actor.is(who)) {
        Some(signature) => signature.fault.as_deref(),
        None => Some("its signature was not looked at"),
    }
}

/// Every author of what it brings says that it is fine.
pub fn signoff(case: &Case<'_>) -> Option<Verdict> {
    signed_off(case.environment, case.signoffs)
}

/// [`signoff()`], whatever would be put there.
pub fn signed_off(environment: &Environment, signoffs: Option<&Signoffs>) -> Option<Verdict> {
    environment.signoff.as_ref()?;
    Some(match signoffs {
        Some(signoffs) => signoff::judged(signoffs),
        None => Verdict::refuse(Gate::Signoff, "what the authors said was not looked at"),
    })
}

/// Not while the policy says so.
pub fn freeze(case: &Case<'_>) -> Option<Verdict> {
    frozen(case.environment, case.now)
}

fn frozen(environment: &Environment, now: DateTime<Utc>) -> Option<Verdict> {
    let freezes = &environment.freeze;
    if freezes.is_empty() {
        return None;
    }
    let Some(frozen) = freeze::at(freezes, now) else {
        return Some(Verdict::pass(Gate::Freeze, "freeze"));
    };
    Some(Verdict { opens_at: frozen.until, ..Verdict::refuse(Gate::Freeze, frozen.to_string()) })
}

/// What a gate says that needs no candidate to be judged: it would refuse any.
pub fn whoever_and_whenever(
    environment: &Environment,
    actor: &Actor,
    on_behalf_of: Option<&Actor>,
    now: DateTime<Utc>,
) -> Vec<Verdict> {
    let verdicts = frozen(environment, now).into_iter().chain(deployed_by(environment, actor, on_behalf_of));
    verdicts.filter(|verdict| !verdict.passed).collect()
}

/// Only whom the policy names, by e-mail and without regard to case; `*`
/// stands for any characters. Whoever asked for it does not help.
pub fn deployers(case: &Case<'_>) -> Option<Verdict> {
    let verdict = deployed_by(case.environment, case.actor, case.on_behalf_of)?;
    if verdict.passed {
        return Some(verdict);
    }
    Some(verdict.fix(format!(
        "rel deploy {} {}, by one of: {}",
        case.environment.name,
        case.candidate.tag,
        case.environment.deployers.join(", ")
    )))
}

/// [`deployers`], whatever the candidate and the direction.
pub fn deployed_by(
    environment: &Environment,
    actor: &Actor,
    on_behalf_of: Option<&Actor>,
) -> Option<Verdict> {
    let listed = &environment.deployers;
    if listed.is_empty() {
        return None;
    }
    let email = &actor.email;
    if listed.iter().any(|pattern| names(pattern, email)) {
        return Some(Verdict::pass(Gate::Deployers, "deployers"));
    }
    let mut text = format!("{actor} is none of them");
    if let Some(asked) = on_behalf_of.filter(|asked| listed.iter().any(|p| names(p, &asked.email))) {
        text.push_str(&format!("; that {} asked for it does not count", asked.name));
    }
    Some(Verdict::refuse(Gate::Deployers, text))
}

/// Whether a pattern of `deployers` covers an address. An address that is
/// listed letter by letter is covered whatever its letters would mean in a
/// pattern, such as the brackets of `bot[bot]@example.com`.
fn names(pattern: &str, email: &str) -> bool {
    pattern.eq_ignore_ascii_case(email)
        || GlobBuilder::new(pattern)
            .case_insensitive(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(email))
}

/// No person blocked it or its release.
pub fn blocked(case: &Case<'_>) -> Option<Verdict> {
    let Minted { tag, version, .. } = case.candidate;
    let block = case.candidates.block(tag, &version.release)?;
    Some(
        Verdict::refuse(Gate::Blocked, format!("{} by {}: {}", block.target, block.actor.name, block.reason))
            .fix(format!("rel unblock {} --reason WHY", block.target)),
    )
}

/// A rollback here did not undo it.
pub fn rolled_back(case: &Case<'_>) -> Option<Verdict> {
    case.state.undid(&case.candidate.tag).then(|| {
        Verdict::refuse(
            Gate::RolledBack,
            format!("{} was rolled back on {}", case.candidate.tag, case.environment.name),
        )
    })
}

/// It is not older than what is live.
pub fn downgrade(case: &Case<'_>) -> Option<Verdict> {
    let live = case.state.current()?;
    live.is_later_than(case.candidate).then(|| {
        Verdict::refuse(
            Gate::Downgrade,
            format!("{} is older than {}, which is live", case.candidate.tag, live.tag.label()),
        )
        .fix(format!("rel rollback {} --to {}", case.environment.name, case.candidate.tag))
    })
}

/// Nobody keeps the environment closed.
pub fn held(case: &Case<'_>) -> Option<Verdict> {
    held_by(case.environment, case.state)
}

/// [`held`], whatever the candidate.
pub fn held_by(environment: &Environment, state: &EnvState) -> Option<Verdict> {
    let hold = state.hold.as_ref()?;
    let (name, token) = (&environment.name, hold.token);
    let why = match hold.cause {
        HoldCause::Person => format!("by {}: {:?} ({name}#{token})", hold.actor.name, hold.reason),
        HoldCause::Rollback => format!("by the rollback {name}#{token} of {}", hold.actor.name),
    };
    Some(
        Verdict::refuse(Gate::Held, why)
            .fix(format!("rel unlock {name} --token {token} --reason WHY"))
            .fix(format!("or, with the deployment: --take-over {token} --reason WHY")),
    )
}

/// No deployment is in flight.
pub fn busy(case: &Case<'_>) -> Option<Verdict> {
    busy_with(case.state)
}

/// [`busy`], whatever the candidate.
pub fn busy_with(state: &EnvState) -> Option<Verdict> {
    let deployment = &state.in_flight.as_ref()?.deployment;
    let Deployment { id, environment, tag, .. } = deployment;
    let recorded = deployment.trigger == Trigger::Recorded;
    let since = deployment.started_at.format("%H:%M UTC");
    let who = &deployment.actor.name;
    let what = if recorded {
        format!("{id}, recorded by {who}: {} is being put there since {since}", tag.label())
    } else {
        format!("{id} by {who} is putting {} there since {since}", tag.label())
    };
    let mut verdict = Verdict::refuse(Gate::Busy, what).fix("wait for it: --wait");
    if recorded {
        verdict = verdict
            .fix(format!("once it is done: rel record {environment} {} --succeeded|--failed", tag.label()));
    }
    Some(verdict.fix(format!("or, if it is dead: --take-over {} --reason WHY", id.seq)))
}

/// A duration in one unit, for people.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
