//! A deployment that ran while the authority was not asked, and how it comes
//! into its environment's chain afterwards: at whatever tip the chain has
//! then, with the next number, and with what nobody can know left open.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::env::{Action, EnvEvent, EnvEventKind, EnvState, Intent, Offline, Outcome};
use super::fold::Impossible;
use super::name::DeploymentId;
use super::plan::{self, Stamp};

/// What an offline deployment went by beyond the chain: what this clone had
/// not published yet. None of that is news to it later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownOffline {
    /// Numbers of claimed deployments whose end this clone knew.
    pub ended: Vec<u64>,
    /// Offline deployments before it, in order.
    pub ran: Vec<Earlier>,
}

/// An offline deployment that another one builds on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The nonce of its event.
    pub nonce: String,
    /// The number it was counted as, which may not become its own.
    pub seq: u64,
}

impl KnownOffline {
    /// Whether an event that came into the chain afterwards says of some
    /// deployment what whoever went by this did not know.
    pub fn is_news(&self, event: &EnvEvent) -> bool {
        match &event.what {
            EnvEventKind::Outcome(_) | EnvEventKind::Late(_) | EnvEventKind::TakenOver { .. } => {
                !self.ended.contains(&event.id.seq)
            }
            EnvEventKind::Offline(ran) => {
                ran.moved || !self.ran.iter().any(|earlier| earlier.nonce == event.nonce)
            }
            EnvEventKind::Intent(_) | EnvEventKind::Resolved { .. } => true,
            EnvEventKind::Hold { .. }
            | EnvEventKind::Unhold { .. }
            | EnvEventKind::Approve { .. }
            | EnvEventKind::Withdraw { .. }
            | EnvEventKind::Abandoned { .. }
            | EnvEventKind::Repaired { .. } => false,
        }
    }
}

/// An offline deployment that has ended and is in no chain yet.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The nonce that its event will have.
    pub nonce: String,
    /// What would have been claimed; not numbered.
    pub intent: Intent,
    /// The intent or hold that it set out to close.
    pub take_over: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    pub at: DateTime<Utc>,
}

impl Ran {
    /// The events that write it down after `state`, and the state after them:
    /// what it took over is closed first, if it is still open.
    ///
    /// # Errors
    /// They cannot follow.
    pub fn events(
        &self,
        state: &EnvState,
        moved: bool,
        nonce: &dyn Fn() -> String,
    ) -> Result<(Vec<EnvEvent>, EnvState), Impossible> {
        let deployment = &self.intent.deployment;
        let environment = &deployment.environment;
        let stamp = Stamp { actor: &deployment.actor, at: deployment.started_at, nonce };
        let reason = deployment.reason.as_deref().unwrap_or_default();
        let rollback = deployment.action == Action::Rollback;
        let closed = self
            .take_over
            .and_then(|token| plan::close(environment, state, token, rollback, reason, &stamp).ok());
        let (mut events, before) = closed.unwrap_or_else(|| (Vec::new(), state.clone()));
        let id = DeploymentId { environment: environment.clone(), seq: before.count + 1 };
        let mut intent = self.intent.clone();
        (intent.deployment.seq, intent.deployment.id) = (id.seq, id.clone());
        let moved = moved || before.in_flight.is_some();
        let offline = Offline { intent, outcome: self.outcome.clone(), moved };
        let event = EnvEvent {
            id,
            at: self.at,
            actor: deployment.actor.clone(),
            nonce: self.nonce.clone(),
            what: EnvEventKind::Offline(Box::new(offline)),
        };
        let after = before.apply(&event)?;
        events.push(event);
        Ok((events, after))
    }
}
