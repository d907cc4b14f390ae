//! Running a rollout, with a runner that starts nothing; parameters; and what
//! becomes of a run that died.

use std::time::Duration;

use crate::delivery::fixture::{FakeRunner, Heard, Project, SHOP, env, kind};
use crate::delivery::recover::settle::{RunFate, fate};
use crate::delivery::run::claim::Claim;
use crate::delivery::run::claim_watch::ClaimWatch;
use crate::delivery::run::hooks::{Queued, before_deploy};
use crate::delivery::run::params::Params;
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::publish;
use crate::delivery::run::rollout::{RunningDeployment, run_phases};
use crate::delivery::run::workspace::{RolloutEnd, Workspace};
use crate::domain::candidates::Minted;
use crate::domain::env::{Action, EnvEvent, EnvEventKind, EnvState, Progress};
use crate::domain::redact::Redactor;
use crate::domain::ref_name::ChainRef;
use crate::exec::{Ended, StartError};
use crate::failure::{Failure, Kind};
use crate::store::journal::{JournalRun, RunPhase};
use crate::store::ledger::{self, View};
use crate::store::repo::Repo;

const PHASES: &str = r#"
[environments.prod]
deploy = "deploy"
verify = "verify"

[[environments.prod.phases]]
name = "canary"
deploy = "canary"

[[environments.prod.phases]]
name = "all"
"#;

/// Runs the commands of `prod`, each tried so often.
fn rollout(policy: &str, attempts: u32, runner: &FakeRunner, heard: &Heard) -> (RolloutEnd, String) {
    let project = Project::new(policy);
    project.commit("one");
    let minted = project.cut("1.0.0");
    rollout_of(&project, &minted, attempts, runner, heard, None)
}

/// The same of a claim, after `meanwhile` happened in its environment.
fn claimed(
    policy: &str,
    attempts: u32,
    runner: &FakeRunner,
    meanwhile: &[EnvEventKind],
) -> (RolloutEnd, Heard) {
    let (project, heard) = (Project::new(policy), Heard::default());
    project.commit("one");
    let minted = project.cut("1.0.0");
    project.begin("prod", minted.tag.as_str());
    let (reader, view) = (project.reader(), project.chain("prod"));
    let (id, nonce) = ("prod#1".parse().unwrap(), "c".to_owned());
    let phase = RunPhase::Intent;
    let run = reader.journal().open(JournalRun::Deployment { id, nonce, expected: None, phase }).unwrap();
    let intent = *view.state.in_flight.clone().unwrap();
    let claim = Claim { view, intent, run };
    let watch = ClaimWatch::of(&reader, &heard, &claim);
    for what in meanwhile {
        let settles = matches!(what, EnvEventKind::TakenOver { .. });
        project.event("prod", settles.then_some(1), "Bob", what.clone());
    }
    let end = rollout_of(&project, &minted, attempts, runner, &heard, Some(&watch)).0;
    claim.run.close();
    (end, heard)
}

#[test]
fn a_further_phase_or_attempt_runs_only_while_nobody_took_over() {
    let taken = EnvEventKind::TakenOver { reason: "it hangs".to_owned() };
    let beside = EnvEventKind::Abandoned { reason: "nothing".to_owned() };
    let all = ["canary", "verify", "deploy", "verify"];
    for (attempts, codes, meanwhile, programs, step) in [
        (1, &[][..], vec![], &all[..], None),
        (1, &[], vec![beside.clone()], &all, None),
        // The first command costs no look, nor does what follows it at once.
        (1, &[], vec![taken.clone()], &all[..2], Some("all deploy")),
        (2, &[1], vec![beside, taken], &all[..1], Some("canary deploy")),
    ] {
        let runner = FakeRunner::exiting(codes);
        let (end, heard) = claimed(PHASES, attempts, &runner, &meanwhile);
        assert_eq!(runner.programs(), programs, "{meanwhile:?}");
        assert_eq!(end.outcome.state, if step.is_some() { Cancelled } else { Succeeded });
        assert_eq!(end.explanation, step.map(|step| format!("{step}: Bob took over")));
        assert!(!heard.notices().iter().any(|name| name == "ClaimUnseen"));
    }
}

fn rollout_of(
    project: &Project,
    minted: &Minted,
    attempts: u32,
    runner: &FakeRunner,
    heard: &Heard,
    claim: Option<&ClaimWatch<'_>>,
) -> (RolloutEnd, String) {
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let mut retry = snapshot.policy.config.retry.clone();
    (retry.attempts, retry.backoff) = (attempts, Duration::ZERO);
    let prepared = Prepared {
        candidate: snapshot.record(&reader, minted).unwrap(),
        commands: snapshot.environment(&env("prod")).unwrap().clone(),
        retry,
        commands_commit: None,
        checkout: minted.commit,
        whose: String::new(),
        params: Params::default(),
    };
    let phase = RunPhase::Intent;
    let (id, nonce) = ("prod#1".parse().unwrap(), "n".to_owned());
    let mut run = reader.journal().open(JournalRun::Deployment { id, nonce, expected: None, phase }).unwrap();
    let workspace = Workspace::of_folder(&reader, Redactor::new(["s3cr3t!"]).unwrap());
    let end = {
        let deployment = project.intent("prod", minted.tag.as_str(), Action::Deploy).deployment;
        let mut running = RunningDeployment { deployment: &deployment, journal: &mut run, claim };
        run_phases(&reader, &runner.hands(), heard, &mut running, &prepared, &workspace)
    };
    let kept = workspace.kept();
    run.close();
    (end, kept)
}

fn ran(policy: &str, attempts: u32, runner: &FakeRunner) -> RolloutEnd {
    rollout(policy, attempts, runner, &Heard::default()).0
}

fn phases(end: &RolloutEnd) -> Vec<(&str, Progress)> {
    end.outcome.phases.iter().map(|phase| (phase.name.as_str(), phase.state)).collect()
}

use Progress::{Cancelled, Failed, Succeeded};

#[test]
fn each_phase_deploys_and_verifies_before_the_next() {
    let runner = FakeRunner::exiting(&[]);
    let end = ran(PHASES, 1, &runner);
    assert_eq!(runner.programs(), ["canary", "verify", "deploy", "verify"]);
    let phase = |at: usize| runner.ran()[at].variable("REL_PHASE").map(str::to_owned);
    assert_eq!([phase(1), phase(2)].map(Option::unwrap), ["canary", "all"]);
    assert_eq!((end.outcome.state, end.outcome.exit_code), (Succeeded, Some(0)));
    assert_eq!(phases(&end), [("canary", Succeeded), ("all", Succeeded)]);
}

#[test]
fn a_phase_that_fails_stops_the_rollout() {
    let runner = FakeRunner::exiting(&[0, 3]);
    let end = ran(PHASES, 1, &runner);
    assert_eq!(runner.programs(), ["canary", "verify"]);
    assert_eq!((end.outcome.state, end.outcome.exit_code), (Failed, Some(3)));
    assert!(end.outcome.started && end.explanation.is_some() && end.kept.is_none());
    assert_eq!(phases(&end), [("canary", Failed)]);
}

#[test]
fn without_phases_it_is_all_at_once() {
    let runner = FakeRunner::exiting(&[]);
    let end = ran(SHOP, 1, &runner);
    assert_eq!(runner.programs(), ["./deploy.sh", "./smoke.sh"]);
    assert!(end.outcome.phases.is_empty() && runner.ran()[0].variable("REL_PHASE").is_none());
}

#[test]
fn a_command_is_tried_as_often_as_the_policy_says() {
    for (codes, attempts, state, count) in
        [(&[1, 0][..], 2, Succeeded, 3), (&[1, 1, 1], 2, Failed, 2), (&[0, 1, 1, 0], 3, Succeeded, 4)]
    {
        let (runner, heard) = (FakeRunner::exiting(codes), Heard::default());
        let end = rollout(SHOP, attempts, &runner, &heard).0;
        assert_eq!((end.outcome.state, runner.ran().len()), (state, count), "{codes:?}");
        assert!(heard.notices().iter().all(|notice| notice == "TryingAgain"), "{:?}", heard.notices());
    }
}

#[test]
fn how_a_command_ends_is_how_the_rollout_does() {
    let not_started = || Ended::NotStarted(StartError::Empty);
    for (ended, state, started, code) in [
        (Ended::Exited(7), Failed, true, Some(7)),
        (Ended::TimedOut, Failed, true, None),
        (Ended::Signalled(9), Failed, true, None),
        (Ended::Interrupted, Cancelled, true, None),
        (not_started(), Failed, false, None),
    ] {
        let end = ran(SHOP, 1, &FakeRunner::new(vec![(ended, "")]));
        let outcome = &end.outcome;
        assert_eq!((outcome.state, outcome.started, outcome.exit_code), (state, started, code));
    }
}

#[test]
fn a_signal_between_two_commands_ends_the_rollout() {
    let runner = FakeRunner::exiting(&[]);
    runner.interrupted_after.set(Some(1));
    let end = ran(PHASES, 1, &runner);
    assert_eq!(runner.programs(), ["canary"]);
    assert_eq!((end.outcome.state, end.outcome.started), (Cancelled, true));
    // Nor is anything tried again.
    let runner = FakeRunner::exiting(&[1]);
    runner.interrupted_after.set(Some(1));
    assert_eq!(ran(SHOP, 5, &runner).outcome.state, Failed);
    assert_eq!(runner.ran().len(), 1);
}

#[test]
fn a_phase_is_watched_until_its_wait_is_over() {
    let policy = format!("{PHASES}wait = \"1s\"\n");
    let (runner, heard) = (FakeRunner::exiting(&[]), Heard::default());
    rollout(&policy, 1, &runner, &heard);
    assert_eq!(runner.programs()[2..], ["deploy", "verify", "verify"]);
    assert_eq!(heard.notices(), ["Watching"]);
    let runner = FakeRunner::exiting(&[]);
    runner.interrupted_after.set(Some(4));
    let end = ran(&format!("{PHASES}wait = \"1h\"\n"), 1, &runner);
    assert_eq!(phases(&end), [("canary", Succeeded), ("all", Cancelled)]);
}

#[test]
fn no_secret_is_shown_or_kept() {
    let runner = FakeRunner::new(vec![(Ended::Exited(0), "with s3cr3t!\nplain")]);
    let heard = Heard::default();
    let (_, kept) = rollout(SHOP, 1, &runner, &heard);
    assert_eq!(heard.lines(), ["deploy: with ***", "deploy: plain"]);
    assert_eq!(kept, "with ***\nplain\n");
}

// ---- parameters ----

const PARAMS: &str = r#"
[environments.prod]
deploy = "deploy"
[environments.prod.params]
REPLICAS = { default = "3" }
REGION = {}
TOKEN = { secret = true, from_env = "PROD_TOKEN" }
"#;

fn params(project: &Project, given: &[(&str, &str)]) -> Result<Params, Failure> {
    let snapshot = project.snapshot();
    let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok({
        let prod = snapshot.environment(&env("prod")).unwrap();
        Params::find(&project.reader(), prod, prod, &given, None)?
    })
}

#[test]
fn a_parameter_is_given_or_its_default_and_a_secret_is_the_callers() {
    let mut project = Project::new(PARAMS);
    project.world.env.insert("PROD_TOKEN".into(), "s3cr3t!".into());
    let found = params(&project, &[("REGION", "eu"), ("REGION", "us")]).unwrap();
    let open: Vec<_> = found.open.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(open, [("REGION", "us"), ("REPLICAS", "3")], "the last one counts");
    assert_eq!(found.hidden().collect::<Vec<_>>(), ["TOKEN"]);
    assert_eq!(found.secrets().collect::<Vec<_>>(), ["s3cr3t!"]);
    assert_eq!(found.variables().count(), 3);
    assert_eq!(found.redactor().text("is s3cr3t!"), "is ***");
    project.world.env.insert("PROD_TOKEN".into(), "x".into());
    let short = params(&project, &[("REGION", "eu")]).unwrap();
    assert_eq!(short.too_short().collect::<Vec<_>>(), ["TOKEN"]);
}

#[test]
fn a_parameter_that_is_unknown_secret_or_missing_is_refused() {
    let mut project = Project::new(PARAMS);
    assert_eq!(kind(params(&project, &[("REPLICA", "3")])), Kind::Usage);
    assert_eq!(kind(params(&project, &[("TOKEN", "s3cr3t!")])), Kind::Usage);
    assert_eq!(params(&project, &[]).unwrap_err().reasons.len(), 2);
    project.world.env.insert("TOKEN".into(), "s3cr3t!".into());
    assert_eq!(kind(params(&project, &[("REGION", "eu")])), Kind::Refused, "its own name is not asked");
}

// ---- what becomes of a dead run ----

#[test]
fn the_fate_of_a_run_is_what_its_chain_says() {
    let project = Project::new(SHOP);
    project.commit("one");
    let minted = project.cut("1.0.0");
    let tag = minted.tag.as_str();
    let word = |seq: u64| {
        let (reader, view) = (project.reader(), project.chain("prod"));
        let events: Vec<_> =
            ledger::events::<EnvState>(&reader.repo, view.tip).collect::<Result<_, _>>().unwrap();
        let ours = events.iter().find(|(_, e)| e.id.seq == seq && matches!(e.what, EnvEventKind::Intent(_)));
        let nonce = ours.map_or_else(String::new, |(_, event)| event.nonce.clone());
        let id = format!("prod#{seq}").parse().unwrap();
        let theirs = fate(&reader, &view, &id, "another").unwrap();
        assert!(theirs.is_none(), "a number may be somebody else's");
        match fate(&reader, &view, &id, &nonce).unwrap() {
            None => "never",
            Some(RunFate::InFlight) => "in flight",
            Some(RunFate::Closed) => "closed",
            Some(RunFate::Recovered) => "recovered",
        }
    };
    assert_eq!(word(1), "never");
    project.deploy("prod", tag);
    project.lose("prod", tag);
    project.begin("prod", tag);
    assert_eq!([word(1), word(2), word(3), word(4)], ["recovered", "closed", "in flight", "never"]);
}

#[test]
fn a_preview_judges_a_small_event_and_publishes_none() {
    let project = Project::new(SHOP);
    let (reader, heard) = (project.reader(), Heard::default());
    let name = &ChainRef::of_environment(reader.project(), &"prod".parse().unwrap());
    let append = |view: &View<EnvState>, repo: &Repo, events: &[EnvEvent]| Ok(view.append(repo, events)?);
    let judged = |result: &dyn Fn() -> Result<Option<Vec<EnvEvent>>, Failure>| {
        publish::preview(&reader, &heard, name, &[], append, |_| result())
    };
    let hold = || {
        let id = "prod#1".parse().unwrap();
        reader.event(id, &reader.actor().unwrap(), EnvEventKind::Hold { reason: "why".to_owned() })
    };
    assert_eq!(judged(&|| Ok(None)).unwrap().held, None);
    assert_eq!(judged(&|| Ok(Some(vec![hold()]))).unwrap().held, None);
    assert_eq!(kind(judged(&|| Err(Failure::failed("no")))), Kind::Failed);
    assert_eq!(project.chain("prod").tip, None);
}

// ---- hooks ----

#[test]
fn before_deploy_is_given_what_is_about_to_happen_and_may_refuse() {
    let project = Project::new(&format!("{SHOP}[hooks]\nbefore_deploy = \"ask\"\n"));
    project.commit("one");
    let minted = project.cut("1.0.0");
    let (reader, heard, environment) = (project.reader(), Heard::default(), env("prod"));
    // A policy that no commit has: nothing is checked out for its hooks.
    let mut snapshot = project.snapshot();
    snapshot.policy.commit = None;
    let queued = Queued {
        environment: &environment,
        action: Action::Deploy,
        tag: &minted.tag,
        version: Some(&minted.version),
        commit: minted.commit,
        from: None,
        reason: Some("why"),
    };
    let ask = |runner: &FakeRunner| before_deploy(&reader, &runner.hands(), &heard, &snapshot, &queued);
    let runner = FakeRunner::exiting(&[]);
    assert!(!ask(&runner).unwrap().unwrap().refuses());
    let ran = &runner.ran()[0];
    assert_eq!((ran.program.as_str(), ran.variable("REL_TAG")), ("ask", Some(minted.tag.as_str())));
    let document: serde_json::Value = serde_json::from_str(ran.input.as_ref().unwrap()).unwrap();
    let custom = &document["customData"];
    assert_eq!((&custom["hook"], &custom["reason"]), (&"before_deploy".into(), &"why".into()));
    assert_eq!((&custom["tag"], &custom["from_tag"]), (&minted.tag.as_str().into(), &().into()));
    let refuses = FakeRunner::new(vec![(Ended::Exited(1), "nobody is on call")]);
    assert!(ask(&refuses).unwrap().unwrap().refuses());
    assert_eq!(heard.lines(), ["before_deploy: nobody is on call"]);
    let interrupted = FakeRunner::new(vec![(Ended::Interrupted, "")]);
    assert_eq!(kind(ask(&interrupted)), Kind::Interrupted);
}
