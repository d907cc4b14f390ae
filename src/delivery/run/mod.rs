//! One deployment that runs: prepared, claimed, carried out, recorded.

pub mod artifacts;
pub mod claim;
pub mod claim_watch;
pub mod deployment;
pub mod hands;
pub mod hooks;
pub mod outcome;
pub mod output;
pub mod params;
pub mod prepare;
pub mod publish;
pub mod ready;
pub mod receipt;
pub mod rollout;
pub mod workspace;
