//! What runs other people's commands, and hears the signals.

use crate::exec::{Interrupts, Runner};

/// Given to the few that run something; whoever only reads has no hands.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    /// Starts commands and waits for their end.
    pub runner: &'a dyn Runner,
    /// The signals that came.
    pub interrupts: &'a Interrupts,
}
