//! Git and the disk: the only floor that names git2.

pub mod artifacts;
pub mod authority;
pub mod chain;
pub mod checkout;
pub mod clone;
pub mod derived_file;
pub mod diffstat;
pub(crate) mod error;
pub mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod git;
pub mod history;
pub mod journal;
pub mod ledger;
mod loose;
pub mod notes;
pub mod outbox;
mod partial;
pub mod patch;
pub mod pick;
pub mod recent_events;
pub mod recheck;
pub mod refs;
pub mod repo;
pub mod resolving;
pub mod signature;
pub mod state_cache;
pub mod tag;
pub mod trial;
