//! Git and the disk: the only floor that names git2.

pub(crate) mod artifacts;
pub mod authority;
mod blob;
pub mod chain;
pub(crate) mod checkout;
pub mod clone;
pub(crate) mod conflict_worktree;
pub(crate) mod derived_file;
pub(crate) mod diffstat;
pub(crate) mod error;
pub(crate) mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod git;
mod git_env;
pub mod history;
pub(crate) mod journal;
pub mod ledger;
mod loose;
pub mod notes;
pub(crate) mod outbox;
mod packs;
mod partial;
pub(crate) mod patch;
pub mod pick;

pub(crate) mod recent_events;
pub mod refs;
pub(crate) mod remote_probe;
pub mod repo;
pub mod signature;
pub(crate) mod state_cache;
pub mod tag;
pub mod verify_chain;
