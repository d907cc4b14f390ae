//! One environment's chain: its events, and the [state](EnvState) that folding
//! them gives.
//!
//! Every event either takes the next number (an intent, a hold, an approval)
//! or settles the one that has it already (an outcome), so a deployment's
//! number is also its fencing token.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::gate::Gate;
use super::left_behind::Owed;
use super::name::{Actor, DeploymentId, EnvName, Oid, TagName};
use super::version::CandidateVersion;

mod state;

pub use state::{Approved, EnvState, Hold, HoldCause, Last, LastSuccess, Live, Standing};

/// What a deployment set out to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make another candidate live.
    Deploy,
    /// Run the deployment of what is live once more.
    Redeploy,
    /// Go back to bytes that were live before.
    Rollback,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Action::Deploy => "deploy",
            Action::Redeploy => "redeploy",
            Action::Rollback => "rollback",
        })
    }
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Claimed; no outcome yet.
    Running,
    /// Every command ended with exit 0 before its timeout.
    Succeeded,
    /// A command failed.
    Failed,
    /// Ended on request.
    Cancelled,
    /// Nobody knows: its machine never said.
    Unknown,
}

impl Progress {
    /// Every one there is.
    pub const ALL: [Progress; 5] =
        [Progress::Running, Progress::Succeeded, Progress::Failed, Progress::Cancelled, Progress::Unknown];

    /// The word for it, in records and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Progress::Running => "running",
            Progress::Succeeded => "succeeded",
            Progress::Failed => "failed",
            Progress::Cancelled => "cancelled",
            Progress::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What set a deployment off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Somebody typed it, or a pipeline did.
    Person,
    /// A new candidate, where the environment has `auto_deploy`.
    AutoDeploy,
    /// A failure, where the environment has `on_failure = "rollback"`.
    OnFailure,
    /// Another system did it and it was written down.
    Recorded,
}

/// A gate that was passed by name, with what it had said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// The gate that was overridden.
    pub gate: Gate,
    /// The verdict in words.
    pub text: String,
}

/// A gate's verdict on a deployment, as its record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedVerdict {
    /// The gate that was asked.
    pub gate: Gate,
    /// What came of it.
    pub verdict: RecordedRuling,
    /// The verdict in words.
    pub text: String,
}

/// What came of a gate in a deployment that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordedRuling {
    /// It let the deployment pass.
    Passed,
    /// It let the deployment pass because the policy asks for no more than a warning.
    Warned,
    /// It refused, and was passed by name.
    Overridden,
}

/// An approval that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who gave the approval.
    pub actor: Actor,
    /// When it was given.
    pub at: DateTime<Utc>,
}

/// One attempt to make one candidate live, as records and JSON show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The id, such as `prod#812`.
    pub id: DeploymentId,
    /// The number in its environment, `812`.
    pub seq: u64,
    /// The name of the environment.
    pub environment: EnvName,
    /// What it set out to do.
    pub action: Action,
    /// The candidate; of a baseline somebody else's tag, or a commit's id in its place.
    pub tag: TagName,
    /// Its version, `1.5.0-rc.2`; none where it is a baseline: recorded, not made by `rel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<CandidateVersion>,
    /// The version that a baseline's tag names, as it is spelled there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_version: Option<String>,
    /// The commit of the candidate, or of the baseline.
    pub commit: Oid,
    /// What was live when it was claimed.
    pub from_tag: Option<TagName>,
    /// How far it has come.
    pub state: Progress,
    /// Whether what the environment runs is known for sure after it.
    pub certain: bool,
    /// Who ran it.
    pub actor: Actor,
    /// In CI: whoever started the run.
    pub on_behalf_of: Option<Actor>,
    /// The machine it ran on.
    pub host: Option<String>,
    /// The CI run's address.
    pub run_url: Option<String>,
    /// What set it off.
    pub trigger: Trigger,
    /// Why, in the words of whoever ran it.
    pub reason: Option<String>,
    /// Gates passed by name.
    pub overrides: Vec<Override>,
    /// What every gate said.
    pub gates: Vec<RecordedVerdict>,
    /// The approvals that counted.
    pub approvals: Vec<Approval>,
    /// The trunk commit whose policy judged it.
    pub policy_commit: Option<Oid>,
    /// The commit whose commands ran.
    pub commands_commit: Option<Oid>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The exit code of the command that decided it.
    pub exit_code: Option<i32>,
    /// The deployment that a rollback undid.
    pub reverts: Option<DeploymentId>,
    /// How far each phase came, in order; of a rollout without phases none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseRun>,
    /// The parameters that its commands were given, but for secret ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Whether it ran without a claim, while the authority was not asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// The version of `rel` that ran it.
    pub rel_version: String,
}

impl Deployment {
    /// A deployment that begins, by a person, with nothing more to say of it yet.
    pub fn begin(
        id: DeploymentId,
        action: Action,
        (tag, commit): (TagName, Oid),
        actor: Actor,
        at: DateTime<Utc>,
    ) -> Deployment {
        Deployment {
            seq: id.seq,
            environment: id.environment.clone(),
            id,
            action,
            tag,
            version: None,
            foreign_version: None,
            commit,
            from_tag: None,
            state: Progress::Running,
            certain: false,
            actor,
            on_behalf_of: None,
            host: None,
            run_url: None,
            trigger: Trigger::Person,
            reason: None,
            overrides: Vec::new(),
            gates: Vec::new(),
            approvals: Vec::new(),
            policy_commit: None,
            commands_commit: None,
            started_at: at,
            finished_at: None,
            exit_code: None,
            reverts: None,
            phases: Vec::new(),
            params: BTreeMap::new(),
            offline: false,
            rel_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Ends it; `certain` says whether what the environment runs is known then.
    pub fn end(&mut self, outcome: &Outcome, certain: bool, at: DateTime<Utc>) {
        self.state = outcome.state;
        self.exit_code = outcome.exit_code;
        self.phases.clone_from(&outcome.phases);
        self.certain = certain;
        self.finished_at = Some(at);
    }

    /// Whether it has a number: one that ran offline gets it once its record
    /// is in the chain, and is numbered 0 until then.
    pub fn is_numbered(&self) -> bool {
        self.seq > 0
    }
}

/// An intent: a deployment claimed, and what the fold must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The deployment as claimed.
    pub deployment: Deployment,
    /// The candidate's trunk position: the number of commits it builds on. 0
    /// for a baseline that is not on trunk.
    pub position: u64,
    /// The candidate that a rollback undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<TagName>,
    /// Whether the environment is held from here on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// Fixes that the environment is owed once this succeeds: those it was
    /// owed before and that this does not contain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owes: Vec<Owed>,
}

impl Intent {
    /// The intent of a deployment that undoes, holds and owes nothing.
    pub fn of(deployment: Deployment, position: u64) -> Intent {
        Intent { deployment, position, undoes: None, holds: false, owes: Vec::new() }
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Anything but running.
    pub state: Progress,
    /// Whether its command had been started.
    pub started: bool,
    /// The exit code of the command that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What there is to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How far each phase came, in order; of a rollout without phases none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseRun>,
}

impl Outcome {
    /// One that there is nothing to say of.
    pub fn of(state: Progress, started: bool) -> Outcome {
        Outcome { state, started, exit_code: None, text: None, phases: Vec::new() }
    }
}

/// A phase of a rollout that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseRun {
    /// The name of the phase.
    pub name: String,
    /// How it ended.
    pub state: Progress,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
}

/// A deployment that ran without a claim, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offline {
    /// What would have been claimed.
    pub intent: Intent,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the chain has deployments that whoever ran it knew nothing of:
    /// which of them came first, nobody knows.
    pub moved: bool,
}

/// What happened in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnvEventKind {
    /// A deployment was claimed.
    Intent(Box<Intent>),
    /// A deployment ended, as its own run says.
    Outcome(Outcome),
    /// Somebody took over from it; how it ends is unknown.
    TakenOver {
        /// Why, in the words of whoever took over.
        reason: String,
    },
    /// An outcome that came after somebody took over.
    Late(Outcome),
    /// A deployment ran while the authority was not asked; written down later.
    Offline(Box<Offline>),
    /// A person settled it.
    Resolved {
        /// How it ended: succeeded or failed.
        state: Progress,
        /// Why, in their words.
        reason: String,
    },
    /// A person closed the environment.
    Hold {
        /// The reason, in the actor's words.
        reason: String,
    },
    /// A hold was opened.
    Unhold {
        /// The hold's number.
        token: u64,
        /// The reason, in the actor's words.
        reason: String,
    },
    /// A candidate was approved for this environment.
    Approve {
        /// The tag of the candidate.
        tag: TagName,
        /// The commit of the candidate, or of the baseline.
        commit: Oid,
        /// The object of its tag, which names the project and every byte. A
        /// signature is worth nothing without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag_object: Option<Oid>,
        /// Why, or what was looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An approval was taken back.
    Withdraw {
        /// The candidate whose approval it was.
        tag: TagName,
        /// The commit of the candidate, or of the baseline.
        commit: Oid,
    },
    /// Nothing happened, and under this number nothing will: its intent was
    /// on its way when its run died, and must not arrive any more.
    Abandoned {
        /// The reason, in the actor's words.
        reason: String,
    },
    /// Nothing happened: the state and the notes are stated once more, as the
    /// events before this one have them.
    Repaired {
        /// What had been otherwise.
        reason: String,
    },
}

impl EnvEventKind {
    /// The deployment that begins with this event, if one does.
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            EnvEventKind::Intent(intent) => Some(intent),
            EnvEventKind::Offline(offline) => Some(&offline.intent),
            _ => None,
        }
    }
}

/// One event of an environment's chain. Its id is the number it takes or settles.
pub type EnvEvent = Event<DeploymentId, EnvEventKind>;

impl EnvEvent {
    /// The first line of its commit's message.
    pub fn subject(&self) -> String {
        let id = &self.id;
        let who = &self.actor.name;
        match &self.what {
            EnvEventKind::Intent(intent) => {
                let d = &intent.deployment;
                let recorded = if d.trigger == Trigger::Recorded { ", recorded" } else { "" };
                format!("{id} {} {} by {who}{recorded}", d.action, d.tag.label())
            }
            EnvEventKind::Outcome(o) => match o.exit_code {
                Some(code) if o.state != Progress::Succeeded => format!("{id} {}, exit {code}", o.state),
                _ => format!("{id} {}", o.state),
            },
            EnvEventKind::TakenOver { reason } => format!("{id} taken over by {who}: {reason}"),
            EnvEventKind::Late(o) => format!("{id} {}, after it was taken over", o.state),
            EnvEventKind::Offline(ran) => {
                let d = &ran.intent.deployment;
                let moved = if ran.moved { ", while the chain moved on" } else { "" };
                format!("{id} {} {} by {who}, offline{moved}: {}", d.action, d.tag.label(), ran.outcome.state)
            }
            EnvEventKind::Resolved { state, reason } => {
                format!("{id} resolved as {state} by {who}: {reason}")
            }
            EnvEventKind::Hold { reason } => format!("{id} held by {who}: {reason}"),
            EnvEventKind::Unhold { token, reason } => {
                format!("{id} hold {}#{token} opened by {who}: {reason}", id.environment)
            }
            EnvEventKind::Approve { tag, .. } => format!("{id} {tag} approved by {who}"),
            EnvEventKind::Withdraw { tag, .. } => format!("{id} approval of {tag} withdrawn by {who}"),
            EnvEventKind::Abandoned { reason } => format!("{id} abandoned: {reason}"),
            EnvEventKind::Repaired { reason } => format!("{id} repaired by {who}: {reason}"),
        }
    }
}
