//! The rules: each one small pure function from a [`GateInput`] to a
//! [`Verdict`], listed once in [`RULES`]. All of them are asked, so that a
//! refusal gives every reason at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use globset::GlobBuilder;

use super::input::GateInput;
use super::verdict::{Approvals, Deployers, GateFacts, Missing, Ruling, ShortSoak, Verdict};
use crate::domain::candidates::Minted;
use crate::domain::config::{Environment, LostFix};
use crate::domain::env::Approved;
use crate::domain::freeze;
use crate::domain::name::Actor;

/// A rule. Returns `None` where it does not apply; those that ask for a
/// candidate do not apply to a commit that is none.
pub(crate) type Rule = fn(&GateInput<'_>) -> Option<Verdict>;

/// Every rule, in the order reasons are given.
pub(crate) const RULES: [Rule; 13] = [
    order,
    soak,
    approvals,
    signoff,
    freeze,
    deployers,
    blocked,
    rolled_back,
    lost_fix,
    irreversible,
    downgrade,
    held,
    busy,
];

/// The verdicts of all gates that apply.
pub(crate) fn judge(input: &GateInput<'_>) -> Vec<Verdict> {
    RULES.iter().filter_map(|rule| rule(input)).collect()
}

/// The verdicts of `held` and `busy`.
pub(crate) fn closed(input: &GateInput<'_>) -> Vec<Verdict> {
    held(input).into_iter().chain(busy(input)).collect()
}

/// The candidate must have succeeded in every environment of `after`, and not
/// been rolled back there.
pub(crate) fn order(input: &GateInput<'_>) -> Option<Verdict> {
    let tag = &input.candidate?.tag;
    if input.environment.after.is_empty() {
        return None;
    }
    let mut missing = Vec::new();
    for (name, state) in &input.upstream {
        if state.undid(tag) {
            missing.push((name.clone(), Missing::RolledBack));
        } else if state.standing(tag).is_none() {
            missing.push((name.clone(), Missing::NeverSucceeded));
        }
    }
    Some(Verdict::of(missing.is_empty(), GateFacts::Order { tag: tag.clone(), missing }))
}

/// The candidate must have stood for `soak` in every environment of `after`,
/// counted from its own making where a success there is dated before that.
pub(crate) fn soak(input: &GateInput<'_>) -> Option<Verdict> {
    let candidate = input.candidate?;
    let wanted = input.environment.soak?;
    let stands = input.upstream.iter().any(|(_, state)| state.standing(&candidate.tag).is_some());
    let made = if stands { (input.made.0)(candidate) } else { None };
    let age = made.map_or(u64::MAX, |made| (input.now - made).num_seconds().max(0).unsigned_abs());
    let mut short = Vec::new();
    for (name, state) in &input.upstream {
        let standing = state.standing(&candidate.tag);
        let seconds = standing.map_or(0, |standing| standing.seconds(input.now));
        let stood = Duration::from_secs(seconds.min(age));
        if stood >= wanted {
            continue;
        }
        let opens_at: Option<DateTime<Utc>> = standing
            .and_then(|standing| standing.since)
            .map(|since| made.map_or(since, |made| made.max(since)))
            .and_then(|since| since.checked_add_signed(chrono::Duration::from_std(wanted).ok()?));
        short.push(ShortSoak { environment: name.clone(), stood, opens_at });
    }
    Some(Verdict::of(short.is_empty(), GateFacts::Soak { wanted, short }))
}

/// `approvals` people other than who deploys and who asked for it must have
/// approved the candidate.
pub(crate) fn approvals(input: &GateInput<'_>) -> Option<Verdict> {
    let Minted { tag, .. } = input.candidate?;
    let GateInput { environment, state, .. } = input;
    let wanted = usize::try_from(environment.approvals).unwrap_or(usize::MAX);
    if wanted == 0 {
        return None;
    }
    let mut discounted = Vec::new();
    for Approved { actor, .. } in state.approvals.iter().filter(|approved| approved.tag == *tag) {
        if let Some(deployer) = deployer(input, actor) {
            let other = deployer.name != actor.name;
            let fault = other.then(|| format!("it is {}'s own, who deploys", deployer.name));
            discounted.push((actor.clone(), fault));
        } else if let Some(fault) = fault(input, actor) {
            discounted.push((actor.clone(), Some(fault.to_owned())));
        }
    }
    let counted: Vec<Actor> =
        counting_approvals(input).into_iter().map(|approved| approved.actor.clone()).collect();
    let signers = environment.approvals_signed.then(|| {
        environment.allowed_signers.as_deref().unwrap_or(Environment::ALLOWED_SIGNERS[0]).to_owned()
    });
    Some(Verdict::of(
        counted.len() >= wanted,
        GateFacts::Approvals(Approvals {
            environment: environment.name.clone(),
            tag: tag.clone(),
            wanted,
            counted,
            discounted,
            deployers: input.deployers().into_iter().cloned().collect(),
            signers,
        }),
    ))
}

/// The approvals of the candidate that count.
pub(crate) fn counting_approvals<'i>(input: &'i GateInput<'_>) -> Vec<&'i Approved> {
    let Some(candidate) = input.candidate else { return Vec::new() };
    let counts = |who: &Actor| deployer(input, who).is_none() && fault(input, who).is_none();
    let given = input.state.approvals.iter().filter(|a| a.tag == candidate.tag && counts(&a.actor));
    let mut counted: Vec<&Approved> = Vec::new();
    for approved in given {
        // Nobody counts twice, whatever a state lists.
        if !counted.iter().any(|other| input.people.is_one(&other.actor, &approved.actor)) {
            counted.push(approved);
        }
    }
    counted
}

/// Who deploys, or asked for it, and is this person.
fn deployer<'i>(input: &'i GateInput<'_>, who: &Actor) -> Option<&'i Actor> {
    input.deployers().into_iter().find(|deployer| input.people.is_one(who, deployer))
}

/// The fault of the signature of somebody's approval, where signatures are asked for.
fn fault<'i>(input: &'i GateInput<'_>, who: &Actor) -> Option<&'i str> {
    if !input.environment.approvals_signed {
        return None;
    }
    match input.signatures.iter().find(|signature| signature.actor.is(who)) {
        Some(signature) => signature.fault.as_deref(),
        None => Some("its signature was not looked at"),
    }
}

/// The author of every commit that is brought must have signed it off.
pub(crate) fn signoff(input: &GateInput<'_>) -> Option<Verdict> {
    input.environment.signoff.as_ref()?;
    let passes = input.signoffs.as_ref().is_some_and(|signoffs| signoffs.are_given());
    Some(Verdict::of(passes, GateFacts::Signoff(input.signoffs.clone())))
}

/// No freeze may hold.
pub(crate) fn freeze(input: &GateInput<'_>) -> Option<Verdict> {
    let freezes = &input.environment.freeze;
    if freezes.is_empty() {
        return None;
    }
    let frozen = freeze::at(freezes, input.now);
    Some(Verdict::of(frozen.is_none(), GateFacts::Freeze(frozen)))
}

/// Who deploys must be listed by the policy, by e-mail and without regard to
/// case; `*` stands for any characters. That who asked for it is listed does not help.
pub(crate) fn deployers(input: &GateInput<'_>) -> Option<Verdict> {
    let GateInput { environment, actor, .. } = input;
    if environment.deployers.is_empty() {
        return None;
    }
    let lists = |who: &Actor| environment.deployers.iter().any(|pattern| names(pattern, &who.email));
    Some(Verdict::of(
        lists(actor),
        GateFacts::Deployers(Deployers {
            environment: environment.name.clone(),
            tag: input.candidate.map(|candidate| candidate.tag.clone()),
            actor: actor.clone(),
            asked_by: input.on_behalf_of.clone().filter(lists),
            listed: environment.deployers.clone(),
        }),
    ))
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

/// Nobody may have blocked the candidate or its release.
pub(crate) fn blocked(input: &GateInput<'_>) -> Option<Verdict> {
    let Minted { tag, version, .. } = input.candidate?;
    let block = input.candidates.block(tag, &version.release)?;
    Some(Verdict::refuse(GateFacts::Blocked(block.clone())))
}

/// No rollback in this environment may have undone the candidate.
pub(crate) fn rolled_back(input: &GateInput<'_>) -> Option<Verdict> {
    let tag = &input.candidate?.tag;
    input.state.undid(tag).then(|| {
        Verdict::refuse(GateFacts::RolledBack {
            tag: tag.clone(),
            environment: input.environment.name.clone(),
        })
    })
}

/// A fix that is live as a pick, or that a rollback left behind, must not be missing.
pub(crate) fn lost_fix(input: &GateInput<'_>) -> Option<Verdict> {
    let left_behind = input.left_behind.as_ref()?;
    let policy = input.environment.lost_fix();
    if !left_behind.owed || policy == LostFix::Off {
        return None;
    }
    let lost = left_behind.lost.clone();
    let ruling = match policy {
        _ if lost.is_empty() => Ruling::Passes,
        LostFix::Refuse => Ruling::Refuses,
        LostFix::Warn | LostFix::Off => Ruling::Warns,
    };
    Some(Verdict { ruling, facts: GateFacts::LostFix { lost, at: input.now } })
}

/// No point of no return may be left.
pub(crate) fn irreversible(input: &GateInput<'_>) -> Option<Verdict> {
    let left = &input.left_behind.as_ref()?.left;
    (!left.is_empty()).then(|| {
        Verdict::refuse(GateFacts::Irreversible {
            environment: input.environment.name.clone(),
            tag: input.candidate.map(|candidate| candidate.tag.clone()),
            left: left.clone(),
        })
    })
}

/// The candidate must not be older than what is live.
pub(crate) fn downgrade(input: &GateInput<'_>) -> Option<Verdict> {
    let candidate = input.candidate?;
    let live = input.state.current()?;
    live.is_later_than(candidate).then(|| {
        Verdict::refuse(GateFacts::Downgrade {
            environment: input.environment.name.clone(),
            tag: candidate.tag.clone(),
            live: live.tag.clone(),
        })
    })
}

/// Nobody may hold the environment.
pub(crate) fn held(input: &GateInput<'_>) -> Option<Verdict> {
    let hold = Box::new(input.state.hold.clone()?);
    Some(Verdict::refuse(GateFacts::Held { environment: input.environment.name.clone(), hold }))
}

/// No deployment may be in flight.
pub(crate) fn busy(input: &GateInput<'_>) -> Option<Verdict> {
    let intent = input.state.in_flight.as_ref()?;
    Some(Verdict::refuse(GateFacts::Busy(Box::new(intent.deployment.clone()))))
}
