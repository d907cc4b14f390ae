//! What was left behind by a run: settled, merged, stopped, gone on with offline.

pub mod append;
pub mod merge;
pub mod offline;
pub mod settle;
pub mod stop;
