//! Planning a deployment: the default candidate, what each gate refuses, and
//! what is shown to whoever decides.

use crate::delivery::fixture::{FakeRunner, Heard, Project, SHOP, env, gates, kind, refused_by};
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::steps::delivered::{Delivered, PlanReport};
use crate::delivery::steps::deploy::{DeployRequest, preview};
use crate::delivery::steps::{auto_deploy, next_candidate};
use crate::domain::candidates;
use crate::domain::candidates::Minted;
use crate::domain::env::{Action, Progress, Trigger};
use crate::domain::gate::Gate;
use crate::failure::{Failure, Kind};

fn request(environment: &str, candidate: Option<&str>) -> DeployRequest {
    DeployRequest::plain(env(environment), candidate.map(str::to_owned), Trigger::Person)
}

fn planning(project: &Project, request: &DeployRequest) -> Result<Delivered, Failure> {
    let (reader, runner, heard) = (project.reader(), FakeRunner::exiting(&[]), Heard::default());
    let planned = preview(&reader, &runner.hands(), &heard, &mut project.snapshot(), request);
    assert!(runner.ran().is_empty(), "a plan runs nothing");
    Ok(planned?)
}

#[track_caller]
fn planned(project: &Project, request: &DeployRequest) -> Box<PlanReport> {
    match planning(project, request).unwrap() {
        Delivered::Planned(report) => report,
        other => panic!("{other:?}"),
    }
}

/// The tag that a deployment without one takes.
#[track_caller]
fn default(project: &Project, environment: &str) -> String {
    planned(project, &request(environment, None)).plan.candidate().tag.to_string()
}

fn overriding(mut request: DeployRequest, gates: &[Gate]) -> DeployRequest {
    request.overrides = gates.iter().copied().collect();
    request
}

/// Two releases, of which the first stands in staging.
fn project(policy: &str) -> (Project, [Minted; 2]) {
    let project = Project::new(policy);
    project.commit("one");
    let old = project.cut("1.0.0");
    project.commit("two");
    let new = project.cut("1.1.0");
    project.deploy("staging", old.tag.as_str());
    (project, [old, new])
}

#[test]
fn a_plan_says_what_would_be_claimed() {
    let (project, [old, new]) = project(SHOP);
    let report = planned(&project, &request("staging", None));
    let deployment = &report.deployment;
    assert_eq!(deployment.id.to_string(), "staging#2");
    assert_eq!((&deployment.tag, deployment.commit), (&new.tag, new.commit));
    assert_eq!(deployment.from_tag.as_ref(), Some(&old.tag));
    assert_eq!((deployment.action, deployment.state), (Action::Deploy, Progress::Running));
    assert_eq!(deployment.policy_commit, Some(project.trunk()));
    assert_eq!(deployment.commands_commit, Some(new.commit));
    assert_eq!(deployment.actor.name, "Ana");
    assert_eq!(report.brings.iter().map(|change| change.commit).collect::<Vec<_>>(), [new.commit]);
    assert!(report.leaves.is_empty() && report.contained.is_empty());
}

#[test]
fn without_after_the_default_is_the_newest() {
    let (project, [_, new]) = project(SHOP);
    assert_eq!(default(&project, "staging"), new.tag.as_str());
}

#[test]
fn with_after_the_default_is_the_newest_that_passed_there() {
    let (project, [old, _]) = project(SHOP);
    assert_eq!(default(&project, "prod"), old.tag.as_str());
}

#[test]
fn the_default_passes_over_what_is_blocked_or_was_rolled_back() {
    let (project, [old, new]) = project(SHOP);
    project.block(new.tag.as_str());
    project.commit("three");
    let newest = project.cut("1.2.0");
    project.block("1.2.0");
    assert_eq!(default(&project, "prod"), old.tag.as_str());
    let live = planning(&project, &request("staging", None)).unwrap();
    assert!(matches!(live, Delivered::Nothing(_)), "what is left is live");
    project.candidates_event(candidates::CandidatesEventKind::Unblocked {
        target: "1.2.0".to_owned(),
        reason: "seen".to_owned(),
    });
    assert_eq!(default(&project, "staging"), newest.tag.as_str());
}

#[test]
fn without_a_candidate_there_is_nothing_to_deploy() {
    let project = Project::new(SHOP);
    assert_eq!(kind(planning(&project, &request("staging", None))), Kind::NotFound);
    project.commit("one");
    project.cut("1.0.0");
    project.block("1.0.0");
    assert_eq!(kind(planning(&project, &request("staging", None))), Kind::NotFound);
    assert_eq!(kind(planning(&project, &request("moon", None))), Kind::NotFound);
}

#[test]
fn what_is_live_is_not_deployed_again_unless_asked() {
    let (project, [old, _]) = project(SHOP);
    let plain = request("staging", Some(old.tag.as_str()));
    assert!(matches!(planning(&project, &plain).unwrap(), Delivered::Nothing(_)));
    let again = DeployRequest { redeploy: true, ..plain.clone() };
    assert_eq!(planned(&project, &again).plan.action(), Action::Redeploy);
    // Nor where a later one failed: what runs is not known then.
    project.fail("staging", "v1.1.0-rc.1");
    assert_eq!(planned(&project, &plain).plan.action(), Action::Redeploy);
}

/// What each gate refuses, and that its name passes it.
#[test]
fn each_gate_refuses_by_its_name_and_is_passed_by_it() {
    type Case = (&'static str, &'static str, fn(&Project, &Minted, &Minted), &'static str);
    let cases: [Case; 12] = [
        ("order", "", |_, _, _| {}, "v1.1.0-rc.1"),
        ("soak", "soak = \"1000d\"\n", |_, _, _| {}, "v1.0.0-rc.1"),
        ("approvals", "approvals = 1\n", |p, old, _| p.approve("prod", old, "Ana"), "v1.0.0-rc.1"),
        (
            "signoff",
            "signoff = \"authors\"\n",
            |p, old, new| {
                p.deploy("prod", old.tag.as_str());
                p.deploy("staging", new.tag.as_str());
            },
            "v1.1.0-rc.1",
        ),
        (
            "freeze",
            "freeze = [{ from = \"2020-01-01T00:00\", to = \"2099-01-01T00:00\", reason = \"shut\" }]\n",
            |_, _, _| {},
            "v1.0.0-rc.1",
        ),
        ("deployers", "deployers = [\"bob@example.com\"]\n", |_, _, _| {}, "v1.0.0-rc.1"),
        ("blocked", "", |p, _, _| p.block("v1.0.0-rc.1"), "v1.0.0-rc.1"),
        ("blocked", "", |p, _, _| p.block("1.0.0"), "v1.0.0-rc.1"),
        (
            "rolled-back",
            "hold_after_rollback = false\n",
            |p, old, new| {
                p.deploy("staging", new.tag.as_str());
                p.deploy("prod", old.tag.as_str());
                p.deploy("prod", new.tag.as_str());
                let mut intent = p.intent("prod", old.tag.as_str(), Action::Rollback);
                intent.undoes = Some(new.tag.clone());
                p.claim("prod", intent);
                p.end("prod", Progress::Succeeded);
            },
            "v1.1.0-rc.1",
        ),
        (
            "lost-fix",
            "",
            |p, old, new| {
                let fix = p.commit("fix");
                let picked = p.pick(old, &[fix]);
                p.deploy("staging", new.tag.as_str());
                p.deploy("prod", picked.tag.as_str());
            },
            "v1.1.0-rc.1",
        ),
        (
            "irreversible",
            "",
            |p, old, _| {
                p.commit("move\n\nRollback-Safe: no\n");
                let beyond = p.cut("1.2.0");
                // By a commit that is no candidate of a later release: nothing else refuses.
                p.deploy("prod", old.tag.as_str());
                p.fail("prod", beyond.tag.as_str());
            },
            "v1.0.0-rc.1",
        ),
        (
            "downgrade",
            "",
            |p, _, new| {
                p.deploy("staging", new.tag.as_str());
                p.deploy("prod", new.tag.as_str());
            },
            "v1.0.0-rc.1",
        ),
    ];
    for (gate, policy, happens, tag) in cases {
        let (project, [old, new]) = project(&format!("{SHOP}{policy}"));
        happens(&project, &old, &new);
        let plain = request("prod", Some(tag));
        assert_eq!(refused_by(planning(&project, &plain)), [gate], "{gate}");
        assert_eq!(kind(planning(&project, &plain)), Kind::Refused, "{gate}");
        let passing = overriding(plain, &[gate.parse().unwrap()]);
        let overridden = planned(&project, &passing).deployment.overrides;
        assert_eq!(overridden.iter().map(|one| one.gate.as_str()).collect::<Vec<_>>(), [gate]);
    }
}

#[test]
fn all_reasons_are_given_at_once_and_one_override_passes_one() {
    let (project, [_, new]) = project(&format!("{SHOP}approvals = 1\nsoak = \"1h\"\n"));
    project.block(new.tag.as_str());
    project.hold("prod");
    let plain = request("prod", Some(new.tag.as_str()));
    assert_eq!(refused_by(planning(&project, &plain)), ["order", "soak", "approvals", "blocked", "held"]);
    let passing = overriding(plain, &[Gate::Soak, Gate::Blocked]);
    assert_eq!(refused_by(planning(&project, &passing)), ["order", "approvals", "held"]);
}

#[test]
fn a_hold_alone_is_held_and_a_deployment_in_flight_alone_is_busy() {
    let (project, [_, new]) = project(SHOP);
    project.hold("staging");
    let plain = request("staging", None);
    assert_eq!(kind(planning(&project, &plain)), Kind::Held);
    let (project, _) = self::project(SHOP);
    project.begin("staging", new.tag.as_str());
    assert_eq!(kind(planning(&project, &plain)), Kind::Busy);
    project.hold("staging");
    assert_eq!(refused_by(planning(&project, &plain)), ["held", "busy"]);
}

#[test]
fn what_is_in_flight_or_held_is_taken_over_and_not_overridden() {
    let (project, [_, new]) = project(SHOP);
    let plain = request("staging", None);
    for gate in [Gate::Held, Gate::Busy] {
        assert_eq!(kind(planning(&project, &overriding(plain.clone(), &[gate]))), Kind::Usage, "{gate}");
    }
    let seq = project.begin("staging", new.tag.as_str());
    let over =
        |token| DeployRequest { take_over: Some(token), reason: Some("it hangs".into()), ..plain.clone() };
    let report = planned(&project, &over(seq));
    assert_eq!(report.plan.take_over(), Some(seq));
    assert_eq!(kind(planning(&project, &over(seq + 1))), Kind::Held, "nothing open has that number");
    project.end("staging", Progress::Failed);
    let hold = project.hold("staging");
    assert_eq!(planned(&project, &over(hold)).plan.take_over(), Some(hold));
    assert_eq!(kind(planning(&project, &over(seq))), Kind::Held, "it is over");
}

#[test]
fn an_approval_counts_unless_it_is_of_whoever_deploys() {
    let (mut project, [old, _]) = project(&format!("{SHOP}approvals = 1\n"));
    let plain = request("prod", None);
    project.approve("prod", &old, "Ana");
    assert_eq!(refused_by(planning(&project, &plain)), ["approvals"]);
    project.approve("prod", &old, "Bob");
    let approvals = planned(&project, &plain).deployment.approvals;
    assert_eq!(approvals.iter().map(|approval| approval.actor.name.as_str()).collect::<Vec<_>>(), ["Bob"]);
    // Nor of whoever asked for it.
    project.world.env.insert("REL_ON_BEHALF_OF".into(), "Bob <bob@example.com>".into());
    assert_eq!(refused_by(planning(&project, &plain)), ["approvals"]);
}

#[test]
fn a_candidate_soaks_from_when_it_succeeded_upstream() {
    let (project, [old, new]) = project(&format!("{SHOP}soak = \"30m\"\n"));
    project.minutes_ago(10);
    project.deploy("staging", new.tag.as_str());
    // The one before has stood long enough, and is what the default falls back to.
    assert_eq!(default(&project, "prod"), old.tag.as_str());
    let plain = request("prod", Some(new.tag.as_str()));
    assert_eq!(refused_by(planning(&project, &plain)), ["soak"]);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let gatherer = Gatherer::looking(&reader, &snapshot);
    let prod = snapshot.environment(&env("prod")).unwrap();
    let refusals = next_candidate::refusals(&gatherer, prod, &new).unwrap();
    assert_eq!(gates(&refusals), [Gate::Soak]);
    let opens = next_candidate::ready_at(&refusals, gatherer.now).unwrap();
    assert!((opens - gatherer.now).num_minutes() <= 22 && opens > gatherer.now);
}

#[test]
fn a_lost_fix_only_warns_where_the_policy_says_so() {
    let (project, [old, new]) = project(SHOP);
    let fix = project.commit("fix");
    let picked = project.pick(&old, &[fix]);
    project.deploy("staging", picked.tag.as_str());
    // Staging is not final.
    let report = planned(&project, &request("staging", Some(new.tag.as_str())));
    let verdicts = report.plan.permission().verdicts();
    let lost = verdicts.iter().find(|verdict| verdict.gate() == Gate::LostFix).unwrap();
    assert!(!lost.refuses());
    assert_eq!(report.plan.owes().iter().map(|owed| owed.source).collect::<Vec<_>>(), [fix]);
    assert!(report.deployment.overrides.is_empty());
}

#[test]
fn what_a_plan_leaves_is_told_from_what_it_has_in_another_form() {
    let (project, [old, _]) = project(SHOP);
    let fix = project.commit("fix");
    let alone = project.commit_on(&[old.commit], &[("alone", Some("x"))], "alone");
    let live = project.pick(&old, &[fix, alone]);
    project.deploy("staging", live.tag.as_str());
    let newest = project.cut("1.2.0");
    let report = planned(&project, &request("staging", Some(newest.tag.as_str())));
    assert_eq!(report.leaves.iter().map(|change| change.commit).collect::<Vec<_>>(), [live.commit]);
    assert_eq!(report.contained.iter().map(|(_, form)| *form).collect::<Vec<_>>(), [fix]);
}

#[test]
fn commands_are_the_candidates_unless_somebody_says_otherwise() {
    let (project, [_, new]) = project(SHOP);
    let policy = project.policy(&SHOP.replace("./deploy.sh", "./later.sh"));
    let commands = |from: Option<&str>| {
        let mut asked = request("staging", None);
        asked.commands_from = from.map(str::to_owned);
        planned(&project, &asked).deployment.commands_commit
    };
    assert_eq!(commands(None), Some(new.commit));
    assert_eq!(commands(Some("trunk")), Some(policy));
    assert_eq!(commands(Some("worktree")), None);
    assert_eq!(commands(Some("main~1")), Some(new.commit));
    let mut asked = request("staging", None);
    asked.commands_from = Some("nowhere".to_owned());
    assert_eq!(kind(planning(&project, &asked)), Kind::NotFound);
    project.policy(&SHOP.replace("deploy =", "commands = \"trunk\"\ndeploy ="));
    assert_eq!(commands(None), Some(project.trunk()));
}

#[test]
fn an_environment_without_a_command_cannot_be_deployed_to() {
    let (project, _) = project("[environments.staging]\n");
    assert_eq!(kind(planning(&project, &request("staging", None))), Kind::Refused);
}

#[test]
fn a_candidate_whose_tag_was_moved_is_not_planned() {
    let (project, [old, new]) = project(SHOP);
    project.git.set_ref(new.tag.to_ref(), old.tag_object);
    assert_eq!(kind(planning(&project, &request("staging", None))), Kind::Integrity);
}

#[test]
fn what_was_rolled_back_does_not_come_back_by_being_built_again() {
    let project = Project::new(SHOP);
    let good = project.cut("1.0.0");
    project.deploy("staging", good.tag.as_str());
    project.commit("bad");
    let bad = project.cut("1.1.0");
    project.deploy("staging", bad.tag.as_str());
    project.roll_back("staging", good.tag.as_str());
    let undone = |minted: &Minted| auto_deploy::undone_before(&project.snapshot(), &env("staging"), minted);
    let again = project.cut("1.1.0");
    assert_eq!(again.commit, bad.commit);
    assert_eq!(undone(&again), Some(bad.tag));
    assert_eq!(auto_deploy::undone_before(&project.snapshot(), &env("prod"), &again), None, "only there");
    project.commit("mended");
    assert_eq!(undone(&project.cut("1.2.0")), None);
}

#[test]
fn an_environment_takes_by_itself_what_is_not_older_than_what_is_tested_there() {
    let policy = SHOP.replacen("deploy =", "auto_deploy = true\ndeploy =", 1);
    let (project, [old, new]) = project(&policy);
    assert_eq!(auto_deploy::environments(&project.snapshot()), [env("staging")]);
    let tested = |minted: &Minted| auto_deploy::under_test(&project.snapshot(), &env("staging"), minted);
    assert_eq!((tested(&old), tested(&new)), (None, None));
    project.deploy("staging", new.tag.as_str());
    assert_eq!((tested(&old), tested(&new)), (Some(new.tag.clone()), None));
    // The next one of its own release may always come.
    assert_eq!(tested(&project.cut_at("1.1.0", new.commit)), None);
    assert_eq!(auto_deploy::under_test(&project.snapshot(), &env("prod"), &old), None);
    // A baseline has but its place on trunk.
    let commit = project.commit("by hand");
    project.baseline("staging", "v7", commit);
    assert_eq!(tested(&new).unwrap().as_str(), "v7");
}

#[test]
fn what_comes_next_is_the_default_unless_it_is_live() {
    let (project, [old, new]) = project(SHOP);
    let next = |environment: &str| {
        let (reader, snapshot) = (project.reader(), project.snapshot());
        let gatherer = Gatherer::looking(&reader, &snapshot);
        let environment = snapshot.environment(&env(environment)).unwrap();
        next_candidate::coming(&gatherer, environment).unwrap().map(|minted| minted.tag.clone())
    };
    assert_eq!((next("staging"), next("prod")), (Some(new.tag.clone()), Some(old.tag.clone())));
    project.deploy("staging", new.tag.as_str());
    assert_eq!((next("staging"), next("prod")), (None, Some(new.tag)));
}
