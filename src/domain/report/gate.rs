//! Gates that refuse, as documents have them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::gate::Gate;
use crate::domain::gate::verdict::Verdict;

/// A gate that refuses, and what it says.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GateReport {
    pub gate: Gate,
    pub text: String,
    #[serde(skip)]
    pub verdict: Verdict,
}
