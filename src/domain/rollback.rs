//! Where a rollback goes: a small state machine over an environment's state.
//!
//! After a failed, cancelled or unknown deployment, back to the last success;
//! after such a rollback, that rollback once more; after a success, to the
//! candidate live before it, passing over what is blocked, was itself rolled
//! back from here, or has no artifacts left. Further back than that only with
//! a word of the caller's.

use super::candidates::{CandidatesState, Minted};
use super::config::Environment;
use super::env::{Action, EnvState, HoldCause, Last, Live, Progress};
use super::gate::input::GateInput;
use super::gate::rules;
use super::gate::verdict::Verdict;
use super::left_behind::LeftBehind;
use super::name::{DeploymentId, EnvName, TagName};
use super::plan::{Permission, Plan, PlanBasis, Skipped};

/// What a rollback is asked to do.
#[derive(Debug, Clone, Default)]
pub struct RollbackOptions {
    /// Go exactly there.
    pub to: Option<Minted>,
    /// What the caller believes live.
    pub from: Option<TagName>,
    /// Close this intent or hold on the way.
    pub take_over: Option<u64>,
    /// A person at a terminal said yes to going further back.
    pub further: bool,
}

/// What planning a rollback came to.
#[derive(Debug)]
pub enum Decision {
    /// It may be claimed.
    Go(Box<Plan>),
    /// There is nothing to do, and why.
    Nothing(String),
    /// It would go further back than one step: somebody has to say so.
    AskFurther {
        /// What is live.
        current: TagName,
        /// Where it would go.
        target: TagName,
    },
    /// Nothing to go back to.
    NoTarget {
        why: String,
        /// What was passed over.
        skipped: Vec<Skipped>,
    },
    /// Something that a rollback does not pass.
    Refused(Vec<Verdict>),
}

/// What a rollback has to know of candidates.
pub struct Knowledge<'a> {
    /// The candidate behind a tag.
    pub find: &'a dyn Fn(&TagName) -> Option<Minted>,
    /// Whether a candidate's bytes are gone. Where that cannot be told, they are not: a target is passed
    /// over for what is known alone.
    pub gone: &'a dyn Fn(&TagName) -> bool,
    /// What going to a candidate would leave behind.
    pub(crate) left_behind: &'a dyn Fn(&Minted) -> LeftBehind,
}

/// A target and what reaching it means.
struct RollbackCourse {
    target: TagName,
    undoes: Option<TagName>,
    reverts: Option<DeploymentId>,
    holds: bool,
    why: String,
    skipped: Vec<Skipped>,
}

/// The newest deployment, if it did not succeed. One that never began counts:
/// whoever cancelled it wants what was live, and nothing further back.
fn unfinished(state: &EnvState) -> Option<&Last> {
    state.last.as_ref().filter(|last| last.state != Progress::Succeeded)
}

/// Why nothing goes back to a baseline.
const RECORDED: &str = "recorded, not built by rel: there are no bytes to go back to";

/// The entry below the top of the stack that a rollback would reach, and what
/// it passes over on the way.
pub fn previous<'a>(
    state: &'a EnvState,
    candidates: &CandidatesState,
    gone: &dyn Fn(&TagName) -> bool,
) -> (Option<&'a Live>, Vec<Skipped>) {
    let mut skipped: Vec<Skipped> = Vec::new();
    let current = state.current().map(|live| &live.tag);
    for live in state.stack.iter().rev().skip(1) {
        if Some(&live.tag) == current || skipped.iter().any(|one| one.tag == live.tag) {
            continue;
        }
        let block = live.version.as_ref().and_then(|v| candidates.block(&live.tag, &v.release));
        let why = if live.is_baseline() {
            Some(RECORDED.to_owned())
        } else if let Some(block) = block {
            Some(format!("blocked by {}, {:?}", block.actor.name, block.reason))
        } else if state.undid(&live.tag) {
            Some("rolled back from here before".to_owned())
        } else {
            gone(&live.tag).then(|| "its artifacts are gone".to_owned())
        };
        match why {
            None => return (Some(live), skipped),
            Some(why) => skipped.push(Skipped { tag: live.tag.clone(), why }),
        }
    }
    (None, skipped)
}

/// Plans a rollback.
pub(crate) fn decide(
    input: &GateInput<'_>,
    request: &RollbackOptions,
    knowledge: &Knowledge<'_>,
) -> Decision {
    let (environment, state) = (input.environment, &*input.state);
    let current = state.current();
    if let Some(from) = &request.from
        && current.is_none_or(|live| live.tag != *from)
    {
        let runs = current.map_or("nothing", |live| live.tag.label());
        return Decision::Nothing(format!("{} runs {runs}, not {}", environment.name, from.label()));
    }
    let refusals = standing_in_the_way(input);
    let course = match &request.to {
        Some(to) => {
            if state.certain && state.in_flight.is_none() && current.is_some_and(|live| live.tag == to.tag) {
                return Decision::Nothing(format!("{} runs {} already", environment.name, to.tag));
            }
            explicit(environment, state, to)
        }
        None => match default(input, knowledge) {
            Ok(course) => course,
            Err(_) if !refusals.is_empty() => return Decision::Refused(refusals),
            Err((why, skipped)) => return Decision::NoTarget { why, skipped },
        },
    };
    let mut refusals = refusals;
    if let Some(to) = &request.to {
        let input = input.about(to);
        refusals.extend(rules::blocked(&input).into_iter().chain(rules::rolled_back(&input)));
    }
    let candidate = request.to.clone().or_else(|| (knowledge.find)(&course.target));
    let left_behind = candidate.as_ref().map(knowledge.left_behind).unwrap_or_default();
    if let Some(candidate) = &candidate {
        let left_behind = Some(left_behind.clone());
        refusals.extend(rules::irreversible(&GateInput { left_behind, ..input.about(candidate) }));
    }
    if !refusals.is_empty() {
        refusals.sort_by_key(Verdict::gate);
        return Decision::Refused(refusals);
    }
    let Some(candidate) = candidate else {
        return Decision::NoTarget {
            why: format!("{} was {RECORDED}", course.target.label()),
            skipped: course.skipped,
        };
    };
    let further = unfinished(state).is_none()
        && state.success.as_ref().is_some_and(|success| success.action == Action::Rollback);
    if let Some(live) = current
        && further
        && request.to.is_none()
        && request.from.is_none()
        && !request.further
    {
        return Decision::AskFurther { current: live.tag.clone(), target: course.target };
    }
    Decision::Go(Box::new(Plan {
        environment: environment.name.clone(),
        action: Action::Rollback,
        candidate,
        from: current.cloned(),
        permission: Permission::to_go_back(),
        owes: left_behind.owes(),
        undoes: course.undoes,
        reverts: course.reverts,
        holds: course.holds,
        take_over: request.take_over,
        why: course.why,
        skipped: course.skipped,
        basis: PlanBasis::of(input.shown),
    }))
}

/// What no rollback passes: somebody who may not deploy here, a deployment in
/// flight, a person's hold.
fn standing_in_the_way(input: &GateInput<'_>) -> Vec<Verdict> {
    let by_person = input.state.hold.as_ref().is_some_and(|hold| hold.cause == HoldCause::Person);
    let held = rules::held(input).filter(|_| by_person);
    let stranger = rules::deployers(input).filter(Verdict::refuses);
    stranger.into_iter().chain(rules::busy(input)).chain(held).collect()
}

fn default(
    input: &GateInput<'_>,
    knowledge: &Knowledge<'_>,
) -> Result<RollbackCourse, (String, Vec<Skipped>)> {
    let state = &*input.state;
    let name = &input.environment.name;
    if let Some(last) = unfinished(state) {
        if last.action == Action::Rollback {
            let how = if last.state == Progress::Unknown { "is uncertain" } else { "did not succeed" };
            return Ok(RollbackCourse {
                target: last.tag.clone(),
                undoes: last.undoes.clone(),
                reverts: last.reverts.clone(),
                holds: last.holds,
                why: format!("the rollback {name}#{} {how}; once more", last.seq),
                skipped: Vec::new(),
            });
        }
        let live =
            state.current().ok_or_else(|| (format!("nothing ever succeeded on {name}"), Vec::new()))?;
        let (target, skipped) = if state.undid(&live.tag) {
            // A rollback from it was claimed and not reached: rolling back must not bring it back.
            let why = "rolled back from here before".to_owned();
            let (previous, below) = previous(state, input.candidates, knowledge.gone);
            let skipped: Vec<Skipped> =
                std::iter::once(Skipped { tag: live.tag.clone(), why }).chain(below).collect();
            match previous {
                Some(previous) => (previous, skipped),
                None => return Err((nothing_before(name, &live.tag), skipped)),
            }
        } else {
            (live, Vec::new())
        };
        let undone = Some(last).filter(|last| last.started && last.tag != target.tag);
        let why =
            if last.started { last.state.to_string() } else { format!("{} before it began", last.state) };
        return Ok(RollbackCourse {
            target: target.tag.clone(),
            undoes: undone.map(|last| last.tag.clone()),
            reverts: undone.map(|last| last.target.deployment.clone()),
            holds: target.tag != live.tag && input.environment.hold_after_rollback,
            why: format!("the last success; {} {why}", last.target.deployment),
            skipped,
        });
    }
    let live = state.current().ok_or_else(|| (format!("nothing is live on {name}"), Vec::new()))?;
    let (previous, skipped) = previous(state, input.candidates, knowledge.gone);
    let Some(previous) = previous else {
        return Err((nothing_before(name, &live.tag), skipped));
    };
    Ok(RollbackCourse {
        target: previous.tag.clone(),
        undoes: Some(live.tag.clone()),
        reverts: Some(live.deployment.clone()),
        holds: input.environment.hold_after_rollback,
        why: "live before it".to_owned(),
        skipped,
    })
}

fn nothing_before(environment: &EnvName, tag: &TagName) -> String {
    format!("nothing that could be deployed was live on {environment} before {}", tag.label())
}

fn explicit(environment: &Environment, state: &EnvState, to: &Minted) -> RollbackCourse {
    let current = state.current();
    let leaves_success = current.is_some_and(|live| live.tag != to.tag);
    let (undoes, reverts) = match unfinished(state) {
        Some(last) if last.action == Action::Rollback => (last.undoes.clone(), last.reverts.clone()),
        Some(last) if last.started => (Some(last.tag.clone()), Some(last.target.deployment.clone())),
        Some(_) | None => (current.map(|live| live.tag.clone()), current.map(|live| live.deployment.clone())),
    };
    let differs = undoes.as_ref().is_some_and(|undoes| *undoes != to.tag);
    let held_before = unfinished(state).is_some_and(|last| last.action == Action::Rollback && last.holds);
    RollbackCourse {
        target: to.tag.clone(),
        undoes: undoes.filter(|_| differs),
        reverts: reverts.filter(|_| differs),
        holds: held_before || (leaves_success && environment.hold_after_rollback),
        why: "asked for by name".to_owned(),
        skipped: Vec::new(),
    }
}
