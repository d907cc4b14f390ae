//! The two steps, each one straight line, and what they share.
//!
//! Everything here goes the same way: a snapshot of what the authority holds,
//! a plan that the rules allow, a claim published by compare-and-swap, other
//! people's commands, and a receipt. Verbs call these lines; they never call
//! each other.

pub mod candidate;
pub mod error;
#[cfg(test)]
pub mod fixture;
pub mod fsck;
pub mod read;
pub mod recover;
pub mod run;
pub mod sink;
pub mod steps;

#[cfg(test)]
#[path = "../../tests/delivery/mod.rs"]
mod tests;
