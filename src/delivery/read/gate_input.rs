//! Gathers what the gates, and the way back, are judged from.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::delivery::error::{Error, Result};
use crate::delivery::read::left_behind::LeftBehindFinder;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signatures;
use crate::delivery::read::signoffs::{self, Brought};
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::config::Environment;
use crate::domain::env::{EnvEvent, EnvState};
use crate::domain::gate::input::{GateInput, MadeAt};
use crate::domain::mailmap::Mailmap;
use crate::domain::name::{Actor, EnvName};
use crate::domain::plan::{self, Stamp, WrongToken};
use crate::domain::signoff::Signoffs;
use crate::failure::Failure;
use crate::store::ledger::View;
use crate::world::fresh_nonce;

/// Gathers the gates' input for one environment or for several in a row.
pub struct Gatherer<'a> {
    reader: &'a Reader<'a>,
    pub snapshot: &'a Snapshot,
    actor: Actor,
    on_behalf_of: Option<Actor>,
    pub now: DateTime<Utc>,
    pub left_behind: LeftBehindFinder<'a>,
    only_looks: bool,
    people: OnceCell<Rc<Mailmap>>,
}

/// A hold or an intent that is closed on the way.
#[derive(Debug, Clone, Copy)]
pub struct TakeOver<'a> {
    /// The number; `None` if nothing is taken over.
    pub token: Option<u64>,
    pub reason: Option<&'a str>,
    /// Whether it is a rollback that takes over.
    pub rollback: bool,
}

impl<'a> Gatherer<'a> {
    /// For the person or the machine at work.
    ///
    /// # Errors
    /// git does not know who that is.
    pub fn new(reader: &'a Reader, snapshot: &'a Snapshot) -> Result<Gatherer<'a>> {
        Ok(Gatherer::on_behalf(reader, snapshot, reader.actor()?, reader.world.on_behalf_of()))
    }

    /// For `actor`, and who asked for it.
    pub fn on_behalf(
        reader: &'a Reader,
        snapshot: &'a Snapshot,
        actor: Actor,
        on_behalf_of: Option<Actor>,
    ) -> Gatherer<'a> {
        let left_behind = LeftBehindFinder::new(reader, snapshot);
        let now = reader.world.now();
        Gatherer {
            reader,
            snapshot,
            actor,
            on_behalf_of,
            now,
            left_behind,
            only_looks: false,
            people: OnceCell::new(),
        }
    }

    /// For who only looks, as if they deployed: nobody where git does not know,
    /// since looking needs no name. What cannot be read is passed over.
    pub fn looking(reader: &'a Reader, snapshot: &'a Snapshot) -> Gatherer<'a> {
        let actor = reader.actor().unwrap_or_else(|_| Actor::new("", ""));
        Gatherer {
            left_behind: LeftBehindFinder::looking(reader, snapshot),
            only_looks: true,
            ..Gatherer::on_behalf(reader, snapshot, actor, reader.world.on_behalf_of())
        }
    }

    /// The input where an environment's state is `shown`, and nothing is
    /// brought there yet.
    ///
    /// # Errors
    /// There is no such environment.
    pub fn input(&self, environment: &'a Environment, shown: &'a EnvState) -> Result<GateInput<'a>> {
        Ok(GateInput {
            environment,
            shown,
            state: Cow::Borrowed(shown),
            upstream: self.snapshot.upstream(environment)?,
            candidates: &self.snapshot.candidates.state,
            actor: self.actor.clone(),
            on_behalf_of: self.on_behalf_of.clone(),
            people: self.people(environment)?,
            now: self.now,
            candidate: None,
            signatures: Vec::new(),
            signoffs: None,
            left_behind: None,
            made: self.made(),
        })
    }

    /// Who is who, for an environment that asks for approvals.
    fn people(&self, environment: &Environment) -> Result<Rc<Mailmap>> {
        if environment.approvals == 0 {
            return Ok(Rc::default());
        }
        if let Some(people) = self.people.get() {
            return Ok(people.clone());
        }
        match self.reader.repo.mailmap_at(self.snapshot.trunk) {
            Err(_) if self.only_looks => Ok(Rc::default()),
            people => {
                let people = Rc::new(people?);
                Ok(self.people.get_or_init(|| people).clone())
            }
        }
    }

    /// When candidates were made, by their tags.
    fn made(&self) -> MadeAt<'a> {
        let (reader, snapshot) = (self.reader, self.snapshot);
        MadeAt(Rc::new(move |minted| snapshot.record(reader, minted).ok().map(|record| record.created_at)))
    }

    /// The input with what is taken over closed, and the events that close it.
    ///
    /// # Errors
    /// Nothing open has the number.
    pub fn taking_over(
        &self,
        input: GateInput<'a>,
        take_over: TakeOver<'_>,
    ) -> Result<(GateInput<'a>, Vec<EnvEvent>)> {
        let Some(token) = take_over.token else { return Ok((input, Vec::new())) };
        let (name, reason) = (&input.environment.name, take_over.reason.unwrap_or_default());
        let stamp = Stamp { actor: &self.actor, at: self.now, nonce: &fresh_nonce };
        let (closing, state) = plan::close(name, input.shown, token, take_over.rollback, reason, &stamp)
            .map_err(|wrong| wrong_token(name, wrong, input.shown))?;
        Ok((GateInput { state: Cow::Owned(state), ..input }, closing))
    }

    /// The input where something is brought to the environment, whose chain is `view`.
    ///
    /// # Errors
    /// git failed; a commit or a tag that has to be read is not in this clone;
    /// the tag of a candidate is not the one that was minted.
    pub fn bringing(
        &self,
        input: GateInput<'a>,
        view: &View<EnvState>,
        brought: Brought<'a>,
    ) -> Result<GateInput<'a>> {
        let (reader, snapshot, environment) = (self.reader, self.snapshot, input.environment);
        let left_behind = Some(self.left_behind.to(&input.state, brought.commit, brought.release.clone())?);
        let candidate = brought.candidate.filter(|_| !brought.is_unbuilt);
        let signatures = match candidate {
            None => Ok(Vec::new()),
            Some(candidate) => {
                signatures::of(reader, snapshot, environment, view, candidate, &input.deployers())
            }
        };
        let signoffs = signoffs::of(reader, snapshot, environment, &input.state, brought);
        // `status` shows that signatures and sign-offs cannot be read; who deploys fails.
        let (signatures, signoffs) = if self.only_looks {
            let unknown = |error: Error| Some(Signoffs::unknown(Failure::from(error).message));
            (signatures.unwrap_or_default(), signoffs.unwrap_or_else(unknown))
        } else {
            (signatures?, signoffs?)
        };
        Ok(GateInput { candidate, signatures, signoffs, left_behind, ..input })
    }
}

/// The failure of naming a number that is neither in flight nor a hold.
pub fn wrong_token(environment: &EnvName, wrong: WrongToken, state: &EnvState) -> Error {
    Error::WrongToken {
        environment: environment.clone(),
        token: wrong.0,
        in_flight: state.in_flight.as_ref().map(|intent| intent.deployment.id.clone()),
        hold: state.hold.as_ref().map(|hold| hold.token),
    }
}
