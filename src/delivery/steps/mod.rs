//! What verbs call: deploy, roll back, record, look.

pub mod auto_deploy;
pub mod delivered;
pub mod deploy;
pub mod look;
pub mod next_candidate;
pub mod record;
pub mod rollback;
