//! What would happen if somebody deployed now: which candidate is next in an
//! environment, what refuses it, and when that opens. For who only looks.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::delivery::read::left_behind::LeftBehindFinder;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signatures;
use crate::delivery::read::signoffs::{self, Brought};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::premises::By;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::EnvState;
use crate::domain::gate::{self, Case, Verdict};
use crate::domain::name::{Actor, EnvName};
use crate::domain::plan::Setting;
use crate::domain::signoff::Signoffs;
use crate::failure::Result;

/// The rules as they would judge whoever looks.
pub struct NextCandidates<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// Who looks; nobody where git does not know, since looking needs no name.
    pub actor: Actor,
    /// For whom.
    pub on_behalf_of: Option<Actor>,
    /// The time.
    pub now: DateTime<Utc>,
    reader: &'a Reader<'a>,
    /// What deployments would leave behind.
    pub crossings: LeftBehindFinder<'a>,
}

impl<'a> NextCandidates<'a> {
    /// As of now.
    pub fn new(reader: &'a Reader, snapshot: &'a Snapshot) -> NextCandidates<'a> {
        NextCandidates {
            snapshot,
            actor: reader.actor().unwrap_or_else(|_| Actor::new("", "")),
            on_behalf_of: reader.world.on_behalf_of(),
            now: reader.world.now(),
            reader,
            crossings: LeftBehindFinder::looking(reader, snapshot),
        }
    }

    /// What a deployment to an environment in this state is judged by.
    pub fn setting<'s>(
        &'s self,
        environment: &'s Environment,
        state: &'s EnvState,
        upstream: &'s [(EnvName, Cow<'s, EnvState>)],
    ) -> Setting<'s> {
        self.by().setting(self.snapshot, environment, state, upstream)
    }

    fn by(&self) -> By<'_> {
        By { actor: &self.actor, on_behalf_of: self.on_behalf_of.as_ref(), now: self.now }
    }

    /// The default candidate, where it is not live.
    ///
    /// # Errors
    /// There is no such environment.
    pub fn coming(&self, environment: &Environment) -> Result<Option<&'a Minted>> {
        let state = &self.snapshot.chain(&environment.name)?.state;
        let upstream = self.snapshot.upstream(environment)?;
        let chosen = self.setting(environment, state, &upstream).choose(&Default::default());
        // The pool's own entry, which lives as long as the snapshot.
        let chosen = chosen.and_then(|candidate| self.snapshot.minted(&candidate.tag));
        Ok(chosen.filter(|c| state.current().is_none_or(|live| live.tag != c.tag)))
    }

    /// The default candidate, where it is not live, with the gates that refuse it.
    ///
    /// # Errors
    /// There is no such environment.
    pub fn next(&self, environment: &Environment) -> Result<Option<(&'a Minted, Vec<Verdict>)>> {
        let Some(candidate) = self.coming(environment)? else { return Ok(None) };
        Ok(Some((candidate, self.refusals(environment, candidate)?)))
    }

    /// The gates that refuse a candidate.
    ///
    /// # Errors
    /// There is no such environment.
    pub fn refusals(&self, environment: &Environment, candidate: &Minted) -> Result<Vec<Verdict>> {
        let view = self.snapshot.chain(&environment.name)?;
        let state = &view.state;
        let upstream = self.snapshot.upstream(environment)?;
        let crossing = self.crossings.to_candidate(state, candidate)?;
        let deployers = self.by().deployers();
        // Who only looks is told that nobody can tell; what is wrong, whoever deploys.
        let signatures = signatures::of(self.reader, self.snapshot, environment, view, candidate, &deployers)
            .unwrap_or_default();
        let brought = Brought::candidate(candidate);
        let signoffs = signoffs::of(self.reader, self.snapshot, environment, state, brought)
            .unwrap_or_else(|failure| Some(Signoffs::unknown(failure.message)));
        let setting = self.setting(environment, state, &upstream);
        let setting = Setting { signatures: &signatures, signoffs: signoffs.as_ref(), ..setting };
        let mut gates = gate::judge(&Case { crossing: Some(&crossing), ..setting.case(candidate) });
        gates.retain(|verdict| !verdict.passed);
        Ok(gates)
    }
}

/// When the last of these refusing gates opens by itself: `now` where none
/// refuses, none where one of them waits for more than time.
pub fn ready_at(gates: &[Verdict], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    gates.iter().try_fold(now, |latest, verdict| verdict.opens_at.map(|at| latest.max(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gate::Gate;

    #[test]
    fn ready_when_the_last_timed_gate_opens_unless_a_person_is_needed() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let refusing = |minutes: Option<i64>| Verdict {
            gate: Gate::Soak,
            passed: false,
            warns: false,
            text: String::new(),
            fixes: Vec::new(),
            opens_at: minutes.map(|minutes| now + chrono::Duration::minutes(minutes)),
        };
        let at = |gates: &[Option<i64>]| {
            let gates: Vec<Verdict> = gates.iter().copied().map(refusing).collect();
            ready_at(&gates, now).map(|at| (at - now).num_minutes())
        };
        assert_eq!(at(&[]), Some(0));
        assert_eq!(at(&[Some(30), Some(5)]), Some(30));
        assert_eq!(at(&[Some(30), None]), None);
    }
}
