//! What both kinds of chain consist of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::name::Actor;

/// One event of a chain: one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<Id, Kind> {
    /// What it is about. First, so that a note's line begins with it.
    pub id: Id,
    /// When it happened, by the actor's clock; decides nothing.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// Makes every event an object of its own; names a reservation.
    pub nonce: String,
    /// What happened to it.
    #[serde(flatten)]
    pub what: Kind,
}
