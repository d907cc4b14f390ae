//! Which policy was in force.

use schemars::JsonSchema;
use serde::Serialize;

/// A policy that is not trunk's.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PolicyReport {
    pub commit: (),
    /// The file it was read from.
    pub from: String,
}
