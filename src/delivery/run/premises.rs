//! What a change of an environment is judged from: its policy and state, what
//! is upstream, who is at work and when.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::claim::{self, Details};
use crate::domain::config::Environment;
use crate::domain::env::{EnvState, Event, Trigger};
use crate::domain::name::{Actor, EnvName};
use crate::domain::plan::{self, Setting, Stamp};
use crate::failure::Result;
use crate::world::fresh_nonce;

/// What the rules are asked from, in every direction.
pub struct Premises<'a> {
    snapshot: &'a Snapshot,
    /// The environment's policy.
    pub environment: &'a Environment,
    /// The state as it was shown, which a claim is checked against.
    pub shown: &'a EnvState,
    /// The state after what a take-over closes, which the rules are asked of.
    pub state: EnvState,
    /// What a take-over closes it with.
    pub closing: Vec<Event>,
    upstream: Vec<(EnvName, Cow<'a, EnvState>)>,
    /// Who is at work.
    pub actor: Actor,
    on_behalf_of: Option<Actor>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Who would change an environment, for whom, and when.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Who is at work.
    pub actor: &'a Actor,
    /// In CI: whoever started the run.
    pub on_behalf_of: Option<&'a Actor>,
    /// The time.
    pub now: DateTime<Utc>,
}

impl<'a> By<'a> {
    /// Who deploys, and who asked for it.
    pub fn deployers(self) -> Vec<&'a Actor> {
        [self.actor].into_iter().chain(self.on_behalf_of).collect()
    }

    /// What the rules are given where an environment is in this state, but for
    /// the candidate and what people said of it.
    pub fn setting(
        self,
        snapshot: &'a Snapshot,
        environment: &'a Environment,
        state: &'a EnvState,
        upstream: &'a [(EnvName, Cow<'a, EnvState>)],
    ) -> Setting<'a> {
        Setting {
            environment,
            state,
            upstream,
            candidates: &snapshot.candidates.state,
            pool: &snapshot.pool,
            actor: self.actor,
            on_behalf_of: self.on_behalf_of,
            now: self.now,
            signatures: &[],
            signoffs: None,
        }
    }
}

/// A hold or an intent that is closed on the way.
#[derive(Debug, Clone, Copy)]
pub struct TakeOver<'a> {
    /// Its number; none where nothing is taken over.
    pub token: Option<u64>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Whether it is a rollback that takes over.
    pub rollback: bool,
}

impl<'a> Premises<'a> {
    /// From what an environment's chain says now.
    ///
    /// # Errors
    /// There is no such environment; nothing open has the number that is
    /// taken over.
    pub fn find(
        reader: &Reader,
        snapshot: &'a Snapshot,
        name: &EnvName,
        take_over: TakeOver<'_>,
    ) -> Result<Premises<'a>> {
        Premises::on(reader, snapshot, name, &snapshot.chain(name)?.state, take_over)
    }

    /// From `shown`, which may be newer than the snapshot.
    ///
    /// # Errors
    /// As [`Premises::find`].
    pub fn on(
        reader: &Reader,
        snapshot: &'a Snapshot,
        name: &EnvName,
        shown: &'a EnvState,
        take_over: TakeOver<'_>,
    ) -> Result<Premises<'a>> {
        let environment = snapshot.environment(name)?;
        let (actor, now) = (reader.actor()?, reader.world.now());
        let stamp = Stamp { actor: &actor, at: now, nonce: &fresh_nonce };
        let (closing, state) = match take_over.token {
            None => (Vec::new(), shown.clone()),
            Some(token) => {
                let reason = take_over.reason.unwrap_or_default();
                plan::close(name, shown, token, take_over.rollback, reason, &stamp)
                    .map_err(|wrong| claim::wrong_token(name, wrong, shown))?
            }
        };
        let upstream = snapshot.upstream(environment)?;
        let on_behalf_of = reader.world.on_behalf_of();
        Ok(Premises { snapshot, environment, shown, state, closing, upstream, actor, on_behalf_of, now })
    }

    /// What the rules are given, but for the candidate.
    pub fn setting(&self) -> Setting<'_> {
        self.by().setting(self.snapshot, self.environment, &self.state, &self.upstream)
    }

    /// Who deploys, and who asked for it.
    pub fn deployers(&self) -> Vec<&Actor> {
        self.by().deployers()
    }

    fn by(&self) -> By<'_> {
        By { actor: &self.actor, on_behalf_of: self.on_behalf_of.as_ref(), now: self.now }
    }

    /// What a record of it says beside its plan.
    pub fn details(&self, trigger: Trigger, reason: Option<String>) -> Details {
        Details {
            actor: self.actor.clone(),
            on_behalf_of: self.on_behalf_of.clone(),
            trigger,
            reason,
            commands_commit: None,
            params: BTreeMap::new(),
        }
    }
}
