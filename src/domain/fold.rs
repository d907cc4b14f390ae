//! What the folds of both kinds of chain have in common.

use std::fmt;

use serde::Serialize;

/// Why an event cannot follow a state. A bug or a forged history: those who
/// write check the same things beforehand and refuse in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible(pub String);

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Impossible {}

/// A state that events fold to.
pub trait Fold: Default + Clone + PartialEq + Serialize {
    type Event;

    /// The state after `event`.
    ///
    /// # Errors
    /// The event cannot follow.
    fn after(&self, event: &Self::Event) -> Result<Self, Impossible>;

    /// Whether the event says nothing new, only once more what those before
    /// it come to.
    fn restates(event: &Self::Event) -> bool;
}
