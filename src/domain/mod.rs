//! The rules of delivery: names, versions, candidates, environments, events,
//! the fold from events to state, gates and plans.
//!
//! Pure: std, serde, semver, chrono. No git2, no process, no terminal and
//! no clock; whoever calls says what time it is.

pub mod artifact;
pub mod changes;
pub mod config;
pub mod name;
pub mod provenance;
pub mod version;
