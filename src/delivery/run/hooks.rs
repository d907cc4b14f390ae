//! Hooks: the team's own commands that hear of what happens, each with one
//! CDEvents document on its standard input.
//!
//! Those before an event can refuse it; the others can only be warned about.
//! They are trunk's, and run in a clean checkout of it. None can hang a
//! deployment, and none stands in the way of a rollback.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;

use serde::Serialize;
use serde_json::Value;

use crate::delivery::error::run::RunError;
use crate::delivery::error::{Interrupted, Result};
use crate::delivery::read::reader::{Reader, scratch};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::{artifacts, workspace};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::{Candidate, Pick};
use crate::domain::candidates::Minted;
use crate::domain::cdevents::{self, How, Occasion};
use crate::domain::config::Command;
use crate::domain::draft::Draft;
use crate::domain::env::{Action, Deployment, Progress};
use crate::domain::gate::verdict::{GateFacts, Verdict};
use crate::domain::name::{Actor, EnvName, Oid, TagName};
use crate::domain::plan::Plan;
use crate::domain::redact::{Pieces, Redactor};
use crate::domain::report::candidate::CandidateReport;
use crate::domain::report::deployment::DeploymentReport;
use crate::domain::version::{CandidateVersion, Version};
use crate::exec::{self, Interrupts, Piece, Run as Command_};
use crate::store::checkout::Checkout;
use crate::world::fresh_nonce;

/// How many of the last lines a refusal is told with.
const LAST_LINES: usize = 5;

/// One hook on one occasion.
struct Hook<'a> {
    name: &'static str,
    command: &'a Command,
    document: Value,
    variables: Vec<(&'static str, OsString)>,
}

/// What a hook is told beside what every CDEvents document says.
#[derive(Serialize)]
#[serde(tag = "hook", rename_all = "snake_case")]
enum HookData<'a> {
    BeforeCut {
        release: &'a Version,
        commit: Oid,
        trunk_commit: Oid,
        parent: Option<&'a TagName>,
        picks: &'a [Pick],
        actor: Actor,
    },
    AfterCut {
        candidate: CandidateReport,
    },
    BeforeDeploy {
        environment: &'a EnvName,
        action: Action,
        tag: Option<&'a TagName>,
        version: Option<&'a CandidateVersion>,
        commit: Oid,
        from_tag: Option<&'a TagName>,
        actor: Actor,
        reason: Option<&'a str>,
    },
    #[serde(untagged)]
    After(AfterDeployment<'a>),
    #[serde(untagged)]
    AfterBuild(AfterBuild<'a>),
}

/// What `after_failure` is told of a build.
#[derive(Serialize)]
struct AfterBuild<'a> {
    hook: &'static str,
    candidate: &'a CandidateReport,
    text: &'a str,
}

/// What `after_deploy`, `after_failure` and `after_rollback` are told.
#[derive(Serialize)]
struct AfterDeployment<'a> {
    hook: &'static str,
    deployment: DeploymentReport,
    text: Option<&'a str>,
    released: Option<&'a TagName>,
}

fn text(value: &dyn std::fmt::Display) -> OsString {
    value.to_string().into()
}

/// Asks `before_cut`, where there is one.
///
/// # Errors
/// It says no (exit 4), or somebody interrupts it; nothing changed.
pub fn before_cut(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    draft: &Draft,
) -> Result<()> {
    let Some(command) = &snapshot.policy.config.hooks.before_cut else { return Ok(()) };
    let release = draft.release.to_string();
    let custom = HookData::BeforeCut {
        release: &draft.release,
        commit: draft.commit,
        trunk_commit: draft.trunk_commit,
        parent: draft.parent.as_ref(),
        picks: &draft.picks,
        actor: reader.actor()?,
    };
    let hook = Hook {
        name: "before_cut",
        command,
        document: document(reader, Occasion::BuildQueued { release: &release }, custom),
        variables: vec![
            ("REL_RELEASE", text(&release)),
            ("REL_COMMIT", text(&draft.commit)),
            ("REL_ACTOR", text(&reader.actor()?)),
        ],
    };
    match hook.run(reader, hands, sink, snapshot, hands.interrupts)? {
        None => Ok(()),
        Some(why) => Err(RunError::NotToBeCut { commit: draft.commit, why }.into()),
    }
}

/// Tells `after_cut` of a new candidate.
pub fn after_cut(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    candidate: &Candidate,
) {
    let Some(command) = &snapshot.policy.config.hooks.after_cut else { return };
    let (version, user) = (candidate.version.to_string(), candidate.actor.to_string());
    let occasion = Occasion::ArtifactPublished { version: &version, user: &user };
    let custom = HookData::AfterCut { candidate: artifacts::candidate_report(candidate.clone(), None) };
    let hook = Hook {
        name: "after_cut",
        command,
        document: document(reader, occasion, custom),
        variables: vec![
            ("REL_TAG", text(&candidate.tag)),
            ("REL_VERSION", text(&version)),
            ("REL_RELEASE", text(&candidate.version.release)),
            ("REL_COMMIT", text(&candidate.commit)),
            ("REL_ACTOR", text(&candidate.actor)),
        ],
    };
    hook.tell(reader, hands, sink, snapshot);
}

/// Tells `after_failure` of a candidate that could not be built.
pub fn after_build(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    unmade: &CandidateReport,
    why: &str,
) {
    let Some(command) = &snapshot.policy.config.hooks.after_failure else { return };
    let name = "after_failure";
    let candidate = &unmade.record;
    let tag = candidate.tag.to_string();
    let custom = HookData::AfterBuild(AfterBuild { hook: name, candidate: unmade, text: why });
    let variables = vec![
        ("REL_ACTION", text(&"build")),
        ("REL_TAG", text(&candidate.tag)),
        ("REL_VERSION", text(&candidate.version)),
        ("REL_RELEASE", text(&candidate.version.release)),
        ("REL_COMMIT", text(&candidate.commit)),
        ("REL_STATE", text(&Progress::Failed)),
        ("REL_ACTOR", text(&candidate.actor)),
    ];
    let document = document(reader, Occasion::BuildFailed { tag: &tag, why }, custom);
    Hook { name, command, document, variables }.tell(reader, hands, sink, snapshot);
}

/// What is about to be put somewhere.
pub struct Queued<'a> {
    /// Where.
    pub environment: &'a EnvName,
    /// How.
    pub action: Action,
    /// The candidate's tag, a tag of somebody else's, or a commit in its place.
    pub tag: &'a TagName,
    /// The candidate's version; none for a baseline.
    pub version: Option<&'a CandidateVersion>,
    /// Its commit.
    pub commit: Oid,
    /// What it replaces.
    pub from: Option<&'a TagName>,
    /// Why.
    pub reason: Option<&'a str>,
}

impl<'a> Queued<'a> {
    /// What a plan is about to do.
    pub fn of(plan: &'a Plan, reason: Option<&'a str>) -> Queued<'a> {
        let Minted { tag, version, commit, .. } = plan.candidate();
        Queued {
            environment: plan.environment(),
            action: plan.action(),
            tag,
            version: Some(version),
            commit: *commit,
            from: plan.from().map(|live| &live.tag),
            reason,
        }
    }
}

/// Asks `before_deploy` about what passed the other gates; none where there
/// is no such hook.
///
/// # Errors
/// Somebody interrupts it; nothing changed.
pub fn before_deploy(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    queued: &Queued<'_>,
) -> Result<Option<Verdict>> {
    let Some(command) = &snapshot.policy.config.hooks.before_deploy else { return Ok(None) };
    let Queued { environment, action, tag, version, commit, from, reason } = queued;
    // As in every document and for every command, a bare commit has no tag.
    let [tag_name, from_tag] = [Some(*tag), *from].map(|tag| tag.filter(|tag| tag.as_commit().is_none()));
    let version_text = version.map_or_else(|| tag.label().to_owned(), ToString::to_string);
    let release = version.map(|version| version.release.to_string()).unwrap_or_default();
    let occasion = Occasion::DeploymentQueued { environment, version: &version_text };
    let custom = HookData::BeforeDeploy {
        environment,
        action: *action,
        tag: tag_name,
        version: *version,
        commit: *commit,
        from_tag,
        actor: reader.actor()?,
        reason: *reason,
    };
    let variables = vec![
        ("REL_ENV", text(environment)),
        ("REL_ACTION", text(&action)),
        ("REL_TAG", tag_name.map_or_else(OsString::new, |tag| text(tag))),
        ("REL_VERSION", text(&version_text)),
        ("REL_RELEASE", text(&release)),
        ("REL_COMMIT", text(&commit)),
        ("REL_ACTOR", text(&reader.actor()?)),
        ("REL_REASON", reason.unwrap_or_default().into()),
    ];
    let hook =
        Hook { name: "before_deploy", command, document: document(reader, occasion, custom), variables };
    let why = hook.run(reader, hands, sink, snapshot, hands.interrupts)?;
    Ok(Some(Verdict::of(why.is_none(), GateFacts::Hook(why))))
}

/// Tells the hooks of what a deployment came to, and of the rollback that
/// followed from it.
pub fn after(reader: &Reader, hands: &Hands, sink: &dyn Sink, snapshot: &Snapshot, receipt: &Receipt) {
    told_of(reader, hands, sink, snapshot, receipt);
    if let Some(rollback) = &receipt.rollback {
        told_of(reader, hands, sink, snapshot, rollback);
    }
}

fn told_of(reader: &Reader, hands: &Hands, sink: &dyn Sink, snapshot: &Snapshot, receipt: &Receipt) {
    let (hooks, deployment) = (&snapshot.policy.config.hooks, &receipt.deployment);
    let (name, command) = match (deployment.state, deployment.action) {
        (Progress::Succeeded, Action::Rollback) => ("after_rollback", &hooks.after_rollback),
        (Progress::Succeeded, _) => ("after_deploy", &hooks.after_deploy),
        _ => ("after_failure", &hooks.after_failure),
    };
    let Some(command) = command else { return };
    let version =
        deployment.version.as_ref().map_or_else(|| deployment.commit.to_string(), |v| v.to_string());
    let id = deployment.id.to_string();
    let why = receipt.explanation.clone().unwrap_or_default();
    let occasion = match deployment.state {
        Progress::Succeeded => Occasion::Deployed {
            environment: &deployment.environment,
            version: &version,
            how: how(deployment),
        },
        state => Occasion::DeploymentFailed { id: &id, cancelled: state == Progress::Cancelled, why: &why },
    };
    let custom = HookData::After(AfterDeployment {
        hook: name,
        deployment: DeploymentReport(deployment.clone()),
        text: receipt.explanation.as_deref(),
        released: receipt.released.as_ref(),
    });
    let previous_tag = deployment.from_tag.as_ref().filter(|tag| tag.as_commit().is_none());
    let previous_tag = previous_tag.map_or_else(OsString::new, |tag| text(tag));
    let variables = vec![
        ("REL_ENV", text(&deployment.environment)),
        ("REL_ACTION", text(&deployment.action)),
        ("REL_TAG", text(&deployment.tag.label())),
        ("REL_VERSION", text(&version)),
        ("REL_COMMIT", text(&deployment.commit)),
        ("REL_PREVIOUS_TAG", previous_tag),
        ("REL_DEPLOYMENT_ID", text(&id)),
        ("REL_STATE", text(&deployment.state)),
        ("REL_ACTOR", text(&deployment.actor)),
        ("REL_REASON", deployment.reason.clone().unwrap_or_default().into()),
    ];
    Hook { name, command, document: document(reader, occasion, custom), variables }
        .tell(reader, hands, sink, snapshot);
}

fn how(deployment: &Deployment) -> How {
    match (deployment.action, &deployment.from_tag) {
        (Action::Rollback, _) => How::Rollback,
        (_, None) => How::First,
        (_, Some(_)) => How::Upgrade,
    }
}

/// Warns of what `before_deploy` says to a rollback, which it cannot refuse.
///
/// # Errors
/// Somebody interrupts it; nothing changed.
pub fn before_rollback(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    plan: &Plan,
    reason: Option<&str>,
) -> Result<()> {
    if let Some(verdict) =
        before_deploy(reader, hands, sink, snapshot, &Queued::of(plan, reason))?.filter(Verdict::refuses)
    {
        sink.notice(Notice::HookOverruled(&verdict));
    }
    Ok(())
}

fn document(reader: &Reader, occasion: Occasion<'_>, custom: HookData<'_>) -> Value {
    cdevents::document(reader.project(), occasion, &fresh_nonce(), reader.world.now(), custom)
}

/// A document in which no text has a secret.
fn without_secrets(secrets: &Redactor, value: &Value) -> Value {
    match value {
        Value::String(text) => secrets.text(text).into(),
        Value::Array(values) => values.iter().map(|value| without_secrets(secrets, value)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), without_secrets(secrets, value))).collect()
        }
        plain => plain.clone(),
    }
}

impl Hook<'_> {
    /// Runs it, and warns of whatever keeps it from succeeding.
    fn tell(&self, reader: &Reader, hands: &Hands, sink: &dyn Sink, snapshot: &Snapshot) {
        // Whoever interrupted the deployment did not mean what tells of it.
        match self.run(reader, hands, sink, snapshot, &hands.interrupts.afresh()) {
            Ok(None) => {}
            Ok(Some(why)) => sink.notice(Notice::HookFailed { name: self.name, why: &why }),
            Err(why) => sink.notice(Notice::HookBroken { name: self.name, why }),
        }
    }

    /// Runs it to its end: none where it said yes, else why not.
    fn run(
        &self,
        reader: &Reader,
        hands: &Hands,
        sink: &dyn Sink,
        snapshot: &Snapshot,
        interrupts: &Interrupts,
    ) -> Result<Option<String>> {
        let folder = scratch(reader.world)?;
        let input = folder.path().join("event.json");
        let secrets = sink.secrets();
        let event = without_secrets(&secrets, &self.document);
        std::fs::write(&input, format!("{event}\n")).map_err(RunError::EventNotWritten)?;
        // Policy is trunk's, and so are the scripts that it names.
        let checkout = match snapshot.policy.commit {
            Some(commit) => Some(Checkout::create(&reader.repo, commit, folder.path())?),
            None => None,
        };
        let here = checkout.as_ref().map(Checkout::path).or(reader.repo.work_dir());
        let log = folder.path().join("log");
        let mut env: BTreeMap<OsString, OsString> = reader.world.env.clone();
        Checkout::scrub(&mut env);
        env.insert("REL_PROJECT".into(), text(reader.project()));
        env.insert("REL_HOOK".into(), self.name.into());
        env.extend(self.variables.iter().map(|(name, value)| (OsString::from(name), value.clone())));
        let program = workspace::program(self.command);
        let run = Command_ {
            program: &program,
            cwd: here.unwrap_or(folder.path()),
            env: &env,
            input: Some(&input),
            timeout: Some(snapshot.policy.config.hooks.timeout),
            grace: exec::GRACE,
            log: &log,
            // A hook may print what the environment holds, and nothing of it is kept.
            nameless: true,
        };
        let mut last: VecDeque<String> = VecDeque::new();
        let mut within = false;
        // It has what it reads open by now, and whoever kills this leaves nothing of it.
        let mut started = |_: &exec::Started| drop(std::fs::remove_file(&input));
        let mut pieces = Pieces::new(&secrets);
        let ended = hands.runner.run(run, interrupts, &mut started, &mut |line: Piece<'_>| {
            let text = pieces.take(line.text, line.ends);
            let goes_on = std::mem::replace(&mut within, !line.ends);
            if text.is_empty() && (goes_on || within) {
                return;
            }
            sink.stream(self.name, &text);
            let text = String::from_utf8_lossy(&text);
            match last.back_mut() {
                Some(line) if goes_on => line.push_str(&text),
                _ => last.push_back(text.into_owned()),
            }
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        });
        let error = ended.error(&run);
        if let Some(Err(error)) = checkout.map(Checkout::remove) {
            sink.notice(Notice::Trouble(error.into()));
        }
        let Some(error) = error else { return Ok(None) };
        if matches!(error, exec::Error::Interrupted) {
            return Err(Interrupted::Hook(self.name).into());
        }
        let how = sink.command_text(&error);
        let said: Vec<String> = last.into_iter().filter(|line| !line.trim().is_empty()).collect();
        Ok(Some(if said.is_empty() { how } else { format!("{how}\n{}", said.join("\n")) }))
    }
}
