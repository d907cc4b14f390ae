//! Chains with their meaning: typed events and states over [`super::chain`].
//!
//! A view is what a chain held when it was read. Appending to it makes
//! objects only; the authority decides whether they become the chain. A
//! record this version cannot read is read around, and never written over.

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::authority::RefUpdate;
use super::chain::{self, Body, NewEntry};
use super::error::{Damage, During, Error, Result, Task};
use super::notes::{NoteLine, Projection};
use super::repo::Repo;
use crate::domain::candidates::{CandidatesEvent, CandidatesState};
use crate::domain::env::{EnvEvent, EnvEventKind, EnvState};
use crate::domain::fold::Fold;
use crate::domain::name::{Actor, Oid};
use crate::domain::ref_name::ChainRef;

/// The version of the records written here.
pub(in crate::store) const VERSION: u64 = 1;

/// A state that a chain's events fold to.
pub trait State: Fold<Event: Clone + Serialize + DeserializeOwned> + DeserializeOwned {
    /// The first line of the event's commit message.
    fn subject(event: &Self::Event) -> String;
    /// Who and when.
    fn stamp(event: &Self::Event) -> (&Actor, DateTime<Utc>);
    /// The commit that the event is noted under, seen from the state before it.
    fn noted(&self, event: &Self::Event) -> Option<Oid>;
}

impl State for EnvState {
    fn subject(event: &EnvEvent) -> String {
        event.subject()
    }

    fn stamp(event: &EnvEvent) -> (&Actor, DateTime<Utc>) {
        (&event.actor, event.at)
    }

    fn noted(&self, event: &EnvEvent) -> Option<Oid> {
        let seq = event.id.seq;
        match &event.what {
            EnvEventKind::Intent(intent) => Some(intent.deployment.commit),
            EnvEventKind::Offline(ran) => Some(ran.intent.deployment.commit),
            EnvEventKind::Outcome(_)
            | EnvEventKind::TakenOver { .. }
            | EnvEventKind::Late(_)
            | EnvEventKind::Resolved { .. } => {
                let in_flight = self.in_flight.as_ref().map(|intent| &intent.deployment);
                let open = in_flight.into_iter().chain(&self.unresolved);
                open.filter(|d| d.seq == seq).map(|d| d.commit).next().or_else(|| {
                    self.last.as_ref().filter(|last| last.seq == seq).map(|last| last.target.commit)
                })
            }
            EnvEventKind::Hold { .. }
            | EnvEventKind::Unhold { .. }
            | EnvEventKind::Approve { .. }
            | EnvEventKind::Withdraw { .. }
            | EnvEventKind::Abandoned { .. }
            | EnvEventKind::Repaired { .. } => None,
        }
    }
}

impl State for CandidatesState {
    fn subject(event: &CandidatesEvent) -> String {
        event.subject()
    }

    fn stamp(event: &CandidatesEvent) -> (&Actor, DateTime<Utc>) {
        (&event.actor, event.at)
    }

    fn noted(&self, event: &CandidatesEvent) -> Option<Oid> {
        event.commit()
    }
}

#[derive(Serialize)]
struct Line<'a, S: State> {
    v: u64,
    event: &'a S::Event,
    state: &'a S,
}

/// What a chain held when it was read.
#[derive(Debug, Clone)]
pub struct View<S> {
    /// The chain's ref.
    pub ref_name: ChainRef,
    /// What that ref held: the value a compare-and-swap expects.
    pub held: Option<Oid>,
    /// The commit to build on; differs from `held` only while a chain's
    /// first event continues an earlier name's.
    pub tip: Option<Oid>,
    /// The state there.
    pub state: S,
    /// Why nothing may be appended, if a newer version wrote the tip.
    pub newer: Option<String>,
}

/// How the commit of an event is made.
type Write = fn(&NewEntry<'_>, &Repo, &[NoteLine]) -> Result<Oid>;

impl<S: State> View<S> {
    /// Makes the commits of `events`, in order, on top of this view: the view
    /// after them, and the one update of a ref that would make them true.
    ///
    /// # Errors
    /// A newer version wrote the tip; an event cannot follow; git failed.
    pub fn append(&self, repo: &Repo, events: &[S::Event]) -> Result<(View<S>, RefUpdate)> {
        self.append_by(repo, events, |entry, repo, notes| entry.write(repo, notes))
    }

    /// The same, each commit signed with the key of whoever writes it.
    ///
    /// # Errors
    /// As [`View::append`]; git cannot sign here.
    pub fn append_signed(&self, repo: &Repo, events: &[S::Event]) -> Result<(View<S>, RefUpdate)> {
        self.append_by(repo, events, |entry, repo, notes| entry.write_signed(repo, notes))
    }

    fn append_by(&self, repo: &Repo, events: &[S::Event], write: Write) -> Result<(View<S>, RefUpdate)> {
        self.may_be_appended_to()?;
        let mut state = self.state.clone();
        let mut tip = self.tip;
        for event in events {
            let next =
                state.after(event).map_err(|cause| Error::DoesNotFit { event: S::subject(event), cause })?;
            let notes: Vec<NoteLine> = state
                .noted(event)
                .map(|commit| NoteLine { commit, line: to_line(event) })
                .into_iter()
                .collect();
            let line = to_line(&Line { v: VERSION, event, state: &next });
            tip = Some(write(&entry::<S>(tip, event, &S::subject(event), &line), repo, &notes)?);
            state = next;
        }
        let Some(new) = tip.filter(|_| !events.is_empty()) else {
            return Err(Error::NothingToAppend(self.ref_name.to_string()));
        };
        let view =
            View { ref_name: self.ref_name.clone(), held: Some(new), tip: Some(new), state, newer: None };
        Ok((view, self.update(new)))
    }

    /// Makes the commit of an event that states once more what those before it
    /// come to: this view's state, and `notes` whatever the tip's tree holds.
    ///
    /// # Errors
    /// As [`View::append`].
    pub fn restate(&self, repo: &Repo, event: &S::Event, notes: &Projection) -> Result<RefUpdate> {
        self.may_be_appended_to()?;
        let state = self.state.after(event).during_with(|| Task::Repair(self.ref_name.to_string()))?;
        let line = to_line(&Line { v: VERSION, event, state: &state });
        let tree = notes.write(repo)?;
        let new = entry::<S>(self.tip, event, &S::subject(event), &line).write_over(repo, tree)?;
        Ok(self.update(new))
    }

    fn may_be_appended_to(&self) -> Result<()> {
        match &self.newer {
            None => Ok(()),
            Some(why) => Err(Error::Newer { chain: self.ref_name.to_string(), why: why.clone() }),
        }
    }

    /// An update that changes nothing: what is published beside it is published
    /// only while the chain ends where this view does. None where there is no chain.
    pub fn unchanged(&self) -> Option<RefUpdate> {
        self.held.map(|held| self.update(held))
    }

    /// The update of the ref that makes `new` true.
    fn update(&self, new: Oid) -> RefUpdate {
        RefUpdate { name: self.ref_name.clone().into(), expected: self.held.into(), new }
    }
}

/// The commit of an event, with `line` for its record.
fn entry<'a, S: State>(
    parent: Option<Oid>,
    event: &'a S::Event,
    subject: &'a str,
    line: &'a str,
) -> NewEntry<'a> {
    let (author, at) = S::stamp(event);
    NewEntry { parent, subject, line, author, at }
}

pub(in crate::store) fn to_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have string keys and no failing serializer")
}

/// Reads a chain as this clone has it. `formerly` are earlier names of it,
/// tried where it does not exist yet.
///
/// # Errors
/// git failed, or the newest record of this version is damaged.
pub fn read<S: State>(repo: &Repo, ref_name: &ChainRef, formerly: &[ChainRef]) -> Result<View<S>> {
    let held = repo.ref_target(ref_name)?;
    let tip = if held.is_some() { held } else { tip(repo, ref_name, formerly)? };
    let mut view = View { ref_name: ref_name.clone(), held, tip, state: S::default(), newer: None };
    let Some(start) = tip else { return Ok(view) };
    for entry in chain::walk(repo, start) {
        let entry = entry?;
        if let Some(state) = state(&entry) {
            view.state = state;
            return Ok(view);
        }
        let damaged = |why| Error::DamagedRecord { commit: entry.oid, chain: ref_name.to_string(), why };
        match entry.body() {
            Body::Record { v, line } if v == VERSION => {
                let held: Held<S> =
                    serde_json::from_str(&line).map_err(|error| damaged(Damage::State(error)))?;
                view.state = held.state;
                return Ok(view);
            }
            Body::Record { v, .. } => {
                view.newer
                    .get_or_insert(format!("its tip is a record of version {v}; this rel writes {VERSION}"));
            }
            Body::Foreign => {}
            Body::Broken(why) => {
                return Err(damaged(Damage::Broken(why)));
            }
        }
    }
    Ok(view)
}

/// The state of a commit of a chain, read at once; none where it takes a
/// closer look to tell why there is none.
pub(in crate::store) fn state<S: State>(entry: &chain::Entry) -> Option<S> {
    let stored: Settled<'_, S> = serde_json::from_str(entry.line()?).ok()?;
    (stored.v == VERSION && stored.event.get().starts_with('{')).then_some(stored.state)
}

/// A record without its event, which is passed over but has to be there.
#[derive(Deserialize)]
struct Settled<'a, S> {
    v: u64,
    #[serde(borrow)]
    event: &'a RawValue,
    state: S,
}

#[derive(Deserialize)]
struct Held<S> {
    state: S,
}

/// A record without its state, which is passed over but has to be there.
#[derive(Deserialize)]
struct Stored<E> {
    v: u64,
    event: E,
    #[serde(rename = "state")]
    _state: IgnoredAny,
}

/// The commit a chain ends in, for who reads its events and not its state.
///
/// # Errors
/// git failed.
pub fn tip(repo: &Repo, ref_name: &ChainRef, formerly: &[ChainRef]) -> Result<Option<Oid>> {
    let mut tip = repo.ref_target(ref_name)?;
    for earlier in formerly {
        if tip.is_none() {
            tip = repo.ref_target(earlier)?;
        }
    }
    Ok(tip)
}

/// Whether a commit of a chain is, to the byte, what writing this event makes
/// there, but for its signature and the state that it states: a commit that
/// somebody signed for another purpose never is.
///
/// # Errors
/// git failed, or an object is not here.
pub fn is_as_written<S: State>(repo: &Repo, commit: Oid, event: &S::Event) -> Result<bool> {
    let (actor, at) = S::stamp(event);
    chain::is_as_written(repo, commit, &S::subject(event), actor, at)
}

/// The event of a commit of a chain; none where this version cannot read one.
pub(in crate::store) fn event<S: State>(entry: &chain::Entry) -> Option<S::Event> {
    let line = entry.line()?;
    if let Some(event) = first::<S::Event>(line) {
        return Some(event);
    }
    let stored: Stored<S::Event> = serde_json::from_str(line).ok()?;
    (stored.v == VERSION).then_some(stored.event)
}

/// The event of a record whose members stand as they are written here. The
/// state after it is not looked through: it is nearly all of the record.
fn first<E: DeserializeOwned>(line: &str) -> Option<E> {
    let rest = line.strip_prefix("{\"v\":1,\"event\":")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter();
    let event = values.next()?.ok()?;
    let state = rest[values.byte_offset()..].strip_prefix(",\"state\":{")?;
    state.ends_with("}}").then_some(event)
}

/// The events of a chain, newest first; what this version cannot read is
/// left out.
pub fn events<'r, S: State + 'r>(
    repo: &'r Repo,
    tip: Option<Oid>,
) -> impl Iterator<Item = Result<(Oid, S::Event)>> + 'r {
    tip.into_iter().flat_map(move |tip| chain::walk(repo, tip)).filter_map(|entry| match entry {
        Err(failure) => Some(Err(failure)),
        Ok(entry) => event::<S>(&entry).map(|event| Ok((entry.oid, event))),
    })
}
