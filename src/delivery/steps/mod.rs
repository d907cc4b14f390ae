//! What verbs call: deploy, roll back, record, look.

pub mod deploy;
pub mod next_candidate;
pub mod record;
pub mod report;
