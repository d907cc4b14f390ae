//! What is so, read from the repository and the authority. Changes nothing.

pub mod agreement;
pub mod base;
pub mod candidate_tags;
pub mod changelog;
pub mod commit_counts;
pub mod containment;
pub mod deployments;
pub mod foreign;
pub mod gate_input;
pub mod left_behind;
pub mod message_refs;
pub mod paths;
pub mod range;
pub mod reader;
pub mod revision;
pub mod rewritten;
pub mod signatures;
pub mod signoffs;
pub mod snapshot;
pub mod successes;
