//! What the verbs about this clone and this program came to.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::domain::config::Config;
use crate::domain::fsck::{Checked, Finding, Sort};
use crate::domain::name::{Oid, ProjectName};

/// What `init` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InitReport {
    /// The file; null in a dry run.
    pub written: Option<String>,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub config: Config,
    /// Commands that commit it.
    pub commit: Vec<String>,
    pub warnings: Vec<String>,
}

/// What `demo` came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DemoReport {
    pub directory: String,
    pub repository: String,
    pub remote: String,
    /// How many commands were shown.
    pub steps: usize,
}

/// What `config check` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigCheckReport {
    pub valid: bool,
    pub file: String,
    pub notes: Vec<String>,
    /// What this version does not do yet.
    pub unsupported: Vec<String>,
}

/// The configuration in force, defaults included.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigReport {
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub config: Config,
    /// Trunk's commit that has it.
    pub policy_commit: Option<Oid>,
}

/// A JSON schema, beside `schema`: `config schema`, `help json --schema`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("required" = ["$schema"], "additionalProperties" = true))]
pub struct SchemaReport(pub Schema);

/// What `completions` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CompletionsReport {
    pub shell: &'static str,
    pub script: String,
}

/// What `man` prints or writes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ManReport {
    Page {
        page: String,
    },
    Written {
        written: Vec<String>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        dry_run: bool,
    },
}

/// What `help json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HelpReport {
    pub text: String,
}

/// What `doctor` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorReport {
    pub checks: Vec<Check>,
}

/// What a finding comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// As it should be.
    Ok,
    /// Good to know; nothing fails over it.
    Note,
    /// Something will fail.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// What, in one word that scripts can rely on.
    pub name: &'static str,
    /// What it comes to.
    pub verdict: CheckVerdict,
    /// What was found. May have several lines.
    pub message: String,
    /// What to do: commands to type, or a short sentence.
    pub hints: Vec<String>,
}

/// What `fsck` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IntegrityReport {
    pub project: ProjectName,
    pub checked: Checked,
    /// What is not as it was recorded.
    pub findings: Vec<Finding>,
    /// With `--repair`: what was put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Vec<RepairReport>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Something that was put right.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RepairReport {
    pub kind: Sort,
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    pub commit: Option<Oid>,
    pub message: String,
    /// What was done.
    pub done: String,
}
