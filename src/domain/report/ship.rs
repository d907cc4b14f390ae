//! What `ship` came to.

use schemars::JsonSchema;
use serde::Serialize;

use super::candidate::CandidateReport;
use super::deployment::DeploymentReport;
use crate::domain::name::EnvName;

/// What `ship` came to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ShipReport {
    /// Null in a dry run.
    pub candidate: Option<CandidateReport>,
    /// Whether it was made by this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<bool>,
    /// The last one; null where there was nothing to do.
    pub deployment: Option<DeploymentReport>,
    /// In a dry run: the environments on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<EnvName>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}
