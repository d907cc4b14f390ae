//! One file per verb: read the arguments, plan, change, say. Every floor
//! below is theirs to use, never each other.

pub mod approve;
pub mod block;
pub mod changelog;
pub mod cherry_pick;
pub mod completions;
pub mod config;
pub mod cut;
pub mod delivering;
pub mod demo;
pub mod deploy;
pub mod diff;
pub mod doctor;
pub mod dry_run;
pub mod fsck;
pub mod help;
pub mod init;
pub mod list;
pub mod lock;
pub mod log;
pub mod man;
pub mod record;
pub mod resolve;
pub mod rollback;
pub mod ship;
pub mod show;
pub mod signoff;
pub mod status;
pub mod sync;
pub mod unlock;
pub mod waive;
pub mod r#where;
