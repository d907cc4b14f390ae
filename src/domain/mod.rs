//! The rules of delivery: names, versions, candidates, environments, events,
//! the fold from events to state, gates and plans.
//!
//! Pure: std, serde, semver, chrono and parsers of public formats. No git2,
//! no process, no terminal and no clock; whoever calls says what time it is.

pub mod artifact;
pub mod candidate;
pub mod candidates;
pub mod cdevents;
pub mod changelog;
pub mod changes;
pub mod config;
pub mod containment;
pub mod crossing;
pub mod draft;
pub mod env;
pub mod fold;
pub mod forms;
pub mod freeze;
pub mod fsck;
pub mod gate;
pub mod host;
pub mod inherited;
pub mod name;
pub mod nearest;
pub mod offline;
pub mod plan;
pub mod provenance;
pub mod redact;
pub mod refold;
pub mod report;
pub mod rollback;
pub mod search;
pub mod signature;
pub mod signoff;
pub mod spelled;
pub mod version;
pub mod when;
pub mod zone;

#[cfg(test)]
mod tests;
