//! The rules of delivery: names, versions, candidates, environments, events,
//! the fold from events to state, gates and plans.
//!
//! Pure: std, serde, semver, chrono and parsers of public formats. No git2,
//! no process, no terminal and no clock; whoever calls says what time it is.

pub mod artifact;
pub mod candidate;
pub mod candidates;
pub(crate) mod cdevents;
pub(crate) mod changelog;
pub(crate) mod changes;
pub(crate) mod config;
pub(crate) mod containment;
pub(crate) mod draft;
pub mod env;
pub(crate) mod equivalent_commits;
pub mod event;
pub(crate) mod fold;
pub(crate) mod freeze;
pub(crate) mod fsck;
pub mod gate;
pub(crate) mod host;
pub mod inherited;
pub(crate) mod left_behind;
pub(crate) mod mailmap;
pub mod name;
pub(crate) mod nearest;
pub(crate) mod offline;
pub(crate) mod param_name;
pub(crate) mod plan;
pub(crate) mod provenance;
pub(crate) mod redact;
pub mod ref_name;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod rollback;
pub(crate) mod search;
pub(crate) mod signature;
pub(crate) mod signoff;
pub(crate) mod since;
pub(crate) mod spelled;
pub(crate) mod time_spec;
pub mod version;
pub(crate) mod zone;

#[cfg(test)]
#[path = "../../tests/domain/mod.rs"]
mod tests;
