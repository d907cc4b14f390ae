//! The integration tests: real git, real remotes, real processes.
//!
//! Four files are the harness, [`world`], [`remote`], [`repo`] and
//! [`output`]; every other one is the tests of a verb, or of a promise that
//! all verbs keep.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
mod repo;
mod output;
mod remote;
mod whereabouts;
mod world;

mod atomic;
mod authority;
mod bad_input;
mod block;
mod changelog;
mod clones;
mod completions;
mod config;
mod counts;
mod cut;
mod deploy;
mod diff;
mod disk;
mod doctor;
#[cfg(feature = "failpoints")]
mod failpoints;
mod faults;
mod fixes;
mod floors;
mod foreign;
mod fsck;
#[cfg(feature = "failpoints")]
mod fuzz;
mod grievances;
mod helped;
mod honour;
mod hooks;
mod hostile;
mod integrity;
mod irreversible;
mod kept;
mod kill;
mod local_faults;
mod lock;
mod log;
mod look;
mod lost_fix;
mod man;
mod model;
mod offline;
mod params;
mod phases;
mod pick;
mod plain_git;
mod prompts;
mod published;
mod race;
mod readme;
mod record;
mod review;
mod rewritten;
mod rollback;
mod roundtrips;
mod ship;
mod signed;
mod signoff;
#[cfg(feature = "failpoints")]
mod snapshots;
mod stop;
mod unfinished;
mod watch;
#[cfg(feature = "failpoints")]
mod week;
