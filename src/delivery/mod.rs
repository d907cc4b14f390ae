//! The two steps, each one straight line, and what they share.
//!
//! Everything here goes the same way: a snapshot of what the authority holds,
//! a plan that the rules allow, a claim published by compare-and-swap, other
//! people's commands, and a receipt. Verbs call these lines; they never call
//! each other.

pub mod artifacts;
pub mod changelog;
pub mod claim;
pub mod containment;
pub mod context;
pub mod counts;
pub mod crossing;
pub mod cut;
pub mod deployment;
pub mod evidence;
pub mod flow;
pub mod fsck;
pub mod hooks;
pub mod lived;
pub mod make;
pub mod mentions;
pub mod merge;
pub mod mint;
pub mod offline;
pub mod outcome;
pub mod outlook;
pub mod output;
pub mod params;
pub mod pick;
mod premises;
pub mod prepare;
pub mod publish;
pub mod record;
pub mod records;
pub mod report;
pub mod revision;
pub mod rewritten;
mod rollout;
pub mod scope;
pub mod settle;
pub mod signatures;
pub mod signoffs;
pub mod snapshot;
pub mod stage;
pub mod stop;
pub mod unfinished;
