//! Publishing how a deployment ended, and the release's own tag with it.
//!
//! An outcome is never lost and never doubled: what a failed push left open is
//! learnt by reading the chain again, for as long as patience lasts.

use crate::delivery::error::run::{ReleaseFault, RunError};
use crate::delivery::error::{Error, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{self, Snapshot};
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::publish::RetryBudget;
use crate::delivery::sink::Sink;
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState};
use crate::domain::env::{Deployment, EnvEventKind, EnvState, Outcome};
use crate::domain::event::Event;
use crate::domain::name::{Actor, DeploymentId, Oid, TagName};
use crate::domain::ref_name::ChainRef;
use crate::domain::version::Version;
use crate::store::authority::{Expected, Published, RefUpdate};
use crate::store::ledger::{self, View};
use crate::store::tag::{TagObject, read_tag, write_tag};
use crate::world::fresh_nonce;

/// How often a release's tag is tried against a moving chain.
const TRIES: usize = 20;

/// A release about to be closed by a success in a final environment.
pub struct FinalTag {
    tag: TagName,
    candidate: Candidate,
}

/// The release that a success of this would close, if any.
pub fn release_of(snapshot: &Snapshot, prepared: &Prepared) -> Option<FinalTag> {
    let release = &prepared.candidate.version.release;
    let open = snapshot.candidates.state.release_state(release).is_some_and(|line| !line.closed);
    (prepared.commands.is_final && open)
        .then(|| FinalTag { tag: snapshot.style.release(release), candidate: prepared.candidate.clone() })
}

/// What became of a release's own tag.
pub(crate) enum Tagging {
    /// None was due.
    None,
    /// It was made.
    Made(TagName),
    /// It could not be made, and why.
    Failed(Error),
}

/// How an outcome reached the authority.
pub(crate) enum Landed {
    /// As what closes its deployment: the state after it, and the release's tag.
    As(EnvState, Tagging),
    /// As a late word, since this person closed the deployment before.
    Late(EnvState, String),
}

/// Publishes an outcome for up to a minute of retries. The release's own tag
/// travels in the same push, behind it; where that fails, the outcome goes
/// alone, and the tag is tried once more after it.
///
/// # Errors
/// The authority could not be reached in all that time.
pub(crate) fn publish_outcome(
    reader: &Reader,
    sink: &dyn Sink,
    view: &View<EnvState>,
    deployment: &Deployment,
    outcome: &Outcome,
    release: Option<FinalTag>,
) -> Result<Landed> {
    let patience = RetryBudget::new(reader);
    let mut view = view.clone();
    let (mut release, mut put_off) = (release, None);
    let mut tagging = Tagging::None;
    loop {
        if has_landed(&view.state, deployment.seq) {
            // A push that reported an error had landed all the same, or no further than this.
            let owed = put_off.or(release);
            return Ok(match who_closed(reader, &view, &deployment.id) {
                Some(who) => Landed::Late(view.state, who),
                None => Landed::As(view.state, tag_after(reader, sink, owed, &deployment.actor, tagging)),
            });
        }
        let (what, late) = closing(&view.state, deployment, outcome);
        let event = reader.event(deployment.id.clone(), &deployment.actor, what);
        let (after, update) = view.append(&reader.repo, std::slice::from_ref(&event))?;
        let mut updates = vec![update];
        if late {
            (release, put_off) = (None, None);
        }
        if let Some(release) = &release {
            match release_updates(reader, release, &deployment.actor) {
                Ok(more) => updates.extend(more.into_iter().flatten()),
                Err(error) => tagging = Tagging::Failed(error),
            }
        }
        let with_release = updates.len() > 1;
        match reader.authority().publish(&reader.repo, &updates) {
            Ok(Published::Done) => {
                if late {
                    let who = who_closed(reader, &after, &deployment.id).unwrap_or("somebody".to_owned());
                    return Ok(Landed::Late(after.state, who));
                }
                if with_release && let Some(release) = &release {
                    tagging = Tagging::Made(release.tag.clone());
                }
                return Ok(Landed::As(
                    after.state,
                    tag_after(reader, sink, put_off, &deployment.actor, tagging),
                ));
            }
            Ok(Published::Moved(moved)) if with_release => {
                // Only a moved candidates' chain is worth another try with the tag.
                let tag = release.as_ref().map(|release| release.tag.to_ref().into());
                if moved.iter().any(|(name, _)| Some(name) == tag.as_ref()) {
                    put_off = release.take();
                }
            }
            Ok(Published::Moved(_)) => {}
            Err(error) if with_release => {
                tagging = Tagging::Failed(error.into());
                put_off = release.take();
                continue;
            }
            Err(error) => {
                if !error.may_pass() || !patience.wait() {
                    return Err(error.into());
                }
            }
        }
        match snapshot::fetch_chains(reader, sink) {
            Ok(()) => view = ledger::read(&reader.repo, &view.ref_name, &[])?,
            Err(failure) if !failure.may_pass() || !patience.wait() => return Err(failure),
            Err(_) => {}
        }
    }
}

/// Makes the release's own tag after the outcome, where the two could not go together.
fn tag_after(
    reader: &Reader,
    sink: &dyn Sink,
    put_off: Option<FinalTag>,
    actor: &Actor,
    tagging: Tagging,
) -> Tagging {
    match put_off.map(|release| publish_release(reader, sink, &release, actor)) {
        None => tagging,
        Some(Ok(tag)) => Tagging::Made(tag),
        Some(Err(error)) => Tagging::Failed(error),
    }
}

/// Publishes a release's own tag by itself, or what is lacking of it.
fn publish_release(reader: &Reader, sink: &dyn Sink, release: &FinalTag, actor: &Actor) -> Result<TagName> {
    let mut is_taken = false;
    for _ in 0..TRIES {
        let Some(updates) = release_updates(reader, release, actor)? else { return Ok(release.tag.clone()) };
        match reader.authority().publish(&reader.repo, &updates)? {
            Published::Done => return Ok(release.tag.clone()),
            Published::Moved(moved) => {
                let tag_moved = moved.iter().any(|(name, _)| *name == release.tag.to_ref().into());
                if tag_moved && is_taken {
                    return Err(RunError::NotReleased(ReleaseFault::Taken).into());
                }
                is_taken |= tag_moved;
                // Chains and tags: the tag may be the release's, put there by whoever got no further.
                snapshot::refresh(reader, sink)?;
            }
        }
    }
    Err(RunError::NotReleased(ReleaseFault::Moved(TRIES)).into())
}

/// The releases whose own tag is owed: what is live in a final environment
/// for sure, with its release still open. Tries each once more, and says what
/// came of it.
///
/// # Errors
/// The candidate's tag is not the one that was minted, or git failed.
pub(crate) fn tag_owed_releases(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
) -> Result<Vec<(TagName, Result<()>)>> {
    let mut tried: Vec<(TagName, Result<()>)> = Vec::new();
    for environment in snapshot.policy.config.final_environments() {
        let Some(view) = snapshot.environments.get(&environment.name) else { continue };
        let live = view.state.current().filter(|_| view.state.certain);
        let Some(minted) = live.and_then(|live| snapshot.minted(&live.tag)) else { continue };
        let version = &minted.version.release;
        let tag = snapshot.style.release(version);
        let open = snapshot.candidates.state.release_state(version).is_some_and(|line| !line.closed);
        if !open || tried.iter().any(|(other, _)| *other == tag) {
            continue;
        }
        let release = FinalTag { tag: tag.clone(), candidate: snapshot.record(reader, minted)? };
        let made = publish_release(reader, sink, &release, &reader.actor()?).map(drop);
        tried.push((tag, made));
    }
    Ok(tried)
}

/// Whether the chain has this deployment's own outcome already.
fn has_landed(state: &EnvState, seq: u64) -> bool {
    !has_it(state, seq) && state.ended >= Some(seq) && !state.unheard.contains(&seq)
}

/// The event that closes a deployment in this state, and whether it is a late
/// word because somebody has closed it already.
fn closing(state: &EnvState, deployment: &Deployment, outcome: &Outcome) -> (EnvEventKind, bool) {
    if has_it(state, deployment.seq) {
        (EnvEventKind::Outcome(outcome.clone()), false)
    } else {
        (EnvEventKind::Late(outcome.clone()), true)
    }
}

/// Who took over from a deployment, or settled it, if anybody did.
pub fn who_closed(reader: &Reader, view: &View<EnvState>, id: &DeploymentId) -> Option<String> {
    ledger::events::<EnvState>(&reader.repo, view.tip)
        .filter_map(|event| event.ok())
        .filter(|(_, event)| event.id.seq == id.seq)
        .take_while(|(_, event)| !matches!(event.what, EnvEventKind::Intent(_)))
        .find(|(_, event)| {
            matches!(event.what, EnvEventKind::TakenOver { .. } | EnvEventKind::Resolved { .. })
        })
        .map(|(_, event)| event.actor.name)
}

/// What closes a release: its own tag, then the chain's word on it. None where
/// the chain has that.
fn release_updates(reader: &Reader, release: &FinalTag, actor: &Actor) -> Result<Option<Vec<RefUpdate>>> {
    let FinalTag { tag, candidate } = release;
    let view =
        ledger::read::<CandidatesState>(&reader.repo, &ChainRef::of_candidates(reader.project()), &[])?;
    if view.state.release_state(&candidate.version.release).is_some_and(|line| line.closed) {
        return match winner(reader, &view, &candidate.version.release)? == Some(candidate.tag.clone()) {
            true => Ok(None),
            false => Err(RunError::NotReleased(ReleaseFault::Closed).into()),
        };
    }
    let now = reader.world.now();
    let trailers = trailers(candidate);
    let held = reader.repo.ref_target(reader.tag_copy(tag))?;
    let object = match held {
        Some(held) if is_release(reader, release, held) => held,
        Some(_) => return Err(RunError::NotReleased(ReleaseFault::Taken).into()),
        None => {
            let message = format!(
                "{} {}\n\nThe release, as {} reached its final environment.\n\nRel-Schema: 1\n{}\nRel-Nonce: {}\n",
                candidate.project,
                candidate.version.release,
                candidate.tag,
                trailers.join("\n"),
                fresh_nonce()
            );
            let sign = candidate.signed;
            write_tag(&reader.repo, tag, candidate.commit, actor, now, &message, sign)?
        }
    };
    let closed = CandidatesEventKind::Closed {
        release: candidate.version.release.clone(),
        tag: tag.clone(),
        candidate: candidate.tag.clone(),
        commit: candidate.commit,
        tag_object: Some(object),
    };
    let event = Event { at: now, ..reader.event(tag.to_string(), actor, closed) };
    let (_, update) = view.append(&reader.repo, &[event])?;
    // One that is there already has to stay what it is.
    Ok(Some(vec![
        RefUpdate { name: tag.to_ref().into(), expected: Expected::from(held), new: object },
        update,
    ]))
}

/// What a release's own tag says of it.
fn trailers(candidate: &Candidate) -> [String; 3] {
    [
        format!("Rel-Project: {}", candidate.project),
        format!("Rel-Release: {}", candidate.version.release),
        format!("Rel-Winner: {}", candidate.tag),
    ]
}

/// Whether an object is this release's own tag, made by whoever died before
/// the chain had it.
fn is_release(reader: &Reader, release: &FinalTag, object: Oid) -> bool {
    let FinalTag { tag, candidate } = release;
    match read_tag(&reader.repo, object) {
        Ok(TagObject::Annotated { name, target, message, signed, .. }) => {
            let says = |trailer: &String| message.lines().any(|line| line == trailer);
            name == *tag
                && target == candidate.commit
                && (signed || !candidate.signed)
                && trailers(candidate).iter().all(says)
        }
        _ => false,
    }
}

/// The candidate that closed a release.
fn winner(reader: &Reader, view: &View<CandidatesState>, release: &Version) -> Result<Option<TagName>> {
    for event in ledger::events::<CandidatesState>(&reader.repo, view.tip) {
        match event?.1.what {
            CandidatesEventKind::Closed { release: closed, candidate, .. } if closed == *release => {
                return Ok(Some(candidate));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether number `seq` has the environment.
pub fn has_it(state: &EnvState, seq: u64) -> bool {
    state.in_flight.as_ref().is_some_and(|intent| intent.deployment.seq == seq)
}
