//! Planning a rollback: where it goes, what stands in its way, and what it
//! asks first.

use crate::delivery::fixture::{Heard, Project, SHOP, env, kind, refused_by};
use crate::delivery::run::deployment::way_back;
use crate::delivery::steps::rollback::{RollbackRequest, WayBack, plan};
use crate::domain::candidates::Minted;
use crate::domain::env::{Action, Progress};
use crate::failure::{Failure, Kind};

fn request() -> RollbackRequest {
    RollbackRequest {
        environment: env("prod"),
        to: None,
        from: None,
        reason: None,
        take_over: None,
        params: Vec::new(),
        further: false,
    }
}

fn planning(project: &Project, request: &RollbackRequest) -> Result<WayBack, Failure> {
    Ok(plan(&project.reader(), &Heard::default(), &project.snapshot(), request)?)
}

/// Where it goes, and what it undoes.
#[track_caller]
fn goes(project: &Project, request: &RollbackRequest) -> (String, Option<String>) {
    match planning(project, request).unwrap() {
        WayBack::Ready(ready) => {
            assert_eq!(ready.plan.action(), Action::Rollback);
            let undoes = ready.plan.undoes().map(ToString::to_string);
            (ready.plan.candidate().tag.to_string(), undoes)
        }
        WayBack::Nothing(why) => panic!("nothing: {why}"),
        WayBack::AskFurther { .. } => panic!("it asks"),
    }
}

/// Three releases, each live in `prod` after the other.
fn project() -> (Project, [Minted; 3]) {
    let project = Project::new(SHOP);
    let pool = ["1.0.0", "1.1.0", "1.2.0"].map(|release| {
        project.commit(release);
        let minted = project.cut(release);
        project.deploy("prod", minted.tag.as_str());
        minted
    });
    (project, pool)
}

fn to(tag: &str, undoes: &str) -> (String, Option<String>) {
    (tag.to_owned(), Some(undoes.to_owned()))
}

#[test]
fn after_a_success_it_goes_to_what_was_live_before() {
    let (project, _) = project();
    assert_eq!(goes(&project, &request()), to("v1.1.0-rc.1", "v1.2.0-rc.1"));
}

#[test]
fn after_a_failure_it_goes_to_the_last_success() {
    let (project, _) = project();
    project.commit("four");
    let failed = project.cut("1.3.0");
    project.fail("prod", failed.tag.as_str());
    assert_eq!(goes(&project, &request()), to("v1.2.0-rc.1", "v1.3.0-rc.1"));
}

#[test]
fn after_a_take_over_it_goes_to_the_last_success() {
    let (project, _) = project();
    project.commit("four");
    let lost = project.cut("1.3.0");
    project.lose("prod", lost.tag.as_str());
    assert_eq!(goes(&project, &request()), to("v1.2.0-rc.1", "v1.3.0-rc.1"));
}

#[test]
fn a_rollback_that_failed_is_run_once_more() {
    let (project, pool) = project();
    let mut intent = project.intent("prod", "v1.1.0-rc.1", Action::Rollback);
    (intent.undoes, intent.holds) = (Some(pool[2].tag.clone()), true);
    project.claim("prod", intent);
    project.end("prod", Progress::Failed);
    assert_eq!(goes(&project, &request()), to("v1.1.0-rc.1", "v1.2.0-rc.1"));
}

#[test]
fn further_back_than_one_step_somebody_has_to_say_so() {
    let (project, pool) = project();
    project.roll_back("prod", "v1.1.0-rc.1");
    match planning(&project, &request()).unwrap() {
        WayBack::AskFurther { current, target } => {
            assert_eq!((current, target), (pool[1].tag.clone(), pool[0].tag.clone()));
        }
        _ => panic!("it does not ask"),
    }
    let further = RollbackRequest { further: true, ..request() };
    assert_eq!(goes(&project, &further), to("v1.0.0-rc.1", "v1.1.0-rc.1"));
    // So does whoever says what is live, or where to go.
    let from = RollbackRequest { from: Some("1.1.0".to_owned()), ..request() };
    assert_eq!(goes(&project, &from), to("v1.0.0-rc.1", "v1.1.0-rc.1"));
    let named = RollbackRequest { to: Some("1.0.0".to_owned()), ..request() };
    assert_eq!(goes(&project, &named), to("v1.0.0-rc.1", "v1.1.0-rc.1"));
}

#[test]
fn it_passes_over_what_is_blocked_or_was_recorded() {
    let (project, pool) = project();
    project.block(pool[1].tag.as_str());
    assert_eq!(goes(&project, &request()), to("v1.0.0-rc.1", "v1.2.0-rc.1"));
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    project.deploy("prod", first.tag.as_str());
    let by_hand = project.commit("two");
    project.baseline("prod", "v1.0.7", by_hand);
    project.commit("three");
    let last = project.cut("1.1.0");
    project.deploy("prod", last.tag.as_str());
    assert_eq!(goes(&project, &request()), to("v1.0.0-rc.1", "v1.1.0-rc.1"));
}

const PARAMS: &str = r#"
[environments.prod]
deploy = "deploy"
[environments.prod.params]
REPLICAS = { default = "1" }
REGION = {}
ADDRESS = { from_env = "ADDRESS" }
TOKEN = { secret = true }
"#;

#[test]
fn it_takes_the_parameters_that_its_target_last_succeeded_with() {
    let mut project = Project::new(PARAMS);
    let tags = ["1.0.0", "1.1.0"].map(|release| {
        project.commit(release);
        project.cut(release).tag.to_string()
    });
    let run = |tag: &str, params: &[(&str, &str)], state: Progress| {
        let mut intent = project.intent("prod", tag, Action::Deploy);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        intent.deployment.params = params.iter().map(owned).collect();
        project.claim("prod", intent);
        project.end("prod", state);
    };
    let first = [("REPLICAS", "5"), ("REGION", "eu"), ("ADDRESS", "db:***@one"), ("GONE", "x")];
    run(&tags[0], &[("REPLICAS", "2"), ("REGION", "us")], Progress::Succeeded);
    run(&tags[0], &first, Progress::Succeeded);
    run(&tags[0], &[("REPLICAS", "9"), ("REGION", "us")], Progress::Failed);
    run(&tags[1], &[("REPLICAS", "3"), ("REGION", "us")], Progress::Succeeded);
    project.world.env.insert("ADDRESS".into(), "db:s3cr3t!@one".into());
    project.world.env.insert("TOKEN".into(), "s3cr3t!".into());
    let params = |request: &RollbackRequest| {
        let WayBack::Ready(ready) = planning(&project, request).unwrap() else { panic!("it does not go") };
        let open = ready.prepared.params.open.values().map(String::as_str).collect::<Vec<_>>().join(" ");
        (open, ready.prepared.params.recorded().map(|(id, names)| format!("{id}: {}", names.join(" "))))
    };
    // What held a secret is found as secrets are.
    let recorded = |names: &str| Some(format!("prod#2: {names}"));
    assert_eq!(params(&request()), ("db:s3cr3t!@one eu 5".to_owned(), recorded("REPLICAS REGION")));
    let given = RollbackRequest { params: vec![("REPLICAS".to_owned(), "7".to_owned())], ..request() };
    assert_eq!(params(&given), ("db:s3cr3t!@one eu 7".to_owned(), recorded("REGION")));
    // What follows a failure by itself goes by them too.
    project.commit("1.2.0");
    let failed = project.cut("1.2.0").tag;
    project.fail("prod", failed.as_str());
    let (reader, snapshot, state) = (project.reader(), project.snapshot(), project.chain("prod").state);
    let deployment = project.intent("prod", failed.as_str(), Action::Deploy).deployment;
    let ready = way_back(&reader, &Heard::default(), &snapshot, &state, &deployment).unwrap();
    assert_eq!(ready.plan.candidate().tag.as_str(), tags[1]);
    let open: Vec<&str> = ready.details.params.values().map(String::as_str).collect();
    assert_eq!(open, ["db:***@one", "us", "3"]);
}

#[test]
fn where_there_is_nothing_to_go_back_to_it_is_refused() {
    let project = Project::new(SHOP);
    assert_eq!(kind(planning(&project, &request())), Kind::Refused);
    project.commit("one");
    let only = project.cut("1.0.0");
    project.deploy("prod", only.tag.as_str());
    assert_eq!(kind(planning(&project, &request())), Kind::Refused);
    // What was passed over is told.
    let by_hand = project.commit("two");
    project.baseline("staging", "v0.1", by_hand);
    project.deploy("staging", only.tag.as_str());
    let staging = RollbackRequest { environment: env("staging"), ..request() };
    assert_eq!(refused_by(planning(&project, &staging)), ["skipped"]);
}

#[test]
fn whoever_believes_something_else_live_changes_nothing() {
    let (project, _) = project();
    let from = RollbackRequest { from: Some("v1.0.0-rc.1".to_owned()), ..request() };
    assert!(matches!(planning(&project, &from).unwrap(), WayBack::Nothing(_)));
    let to = RollbackRequest { to: Some("v1.2.0-rc.1".to_owned()), ..request() };
    assert!(matches!(planning(&project, &to).unwrap(), WayBack::Nothing(_)), "it is live");
    let unknown = RollbackRequest { from: Some("v7".to_owned()), ..request() };
    assert_eq!(kind(planning(&project, &unknown)), Kind::NotFound);
}

#[test]
fn a_baseline_can_be_believed_live_by_its_name() {
    let (project, _) = project();
    let by_hand = project.commit("by hand");
    project.baseline("prod", "v9", by_hand);
    let from = RollbackRequest { from: Some("v9".to_owned()), ..request() };
    assert_eq!(goes(&project, &from), to("v1.2.0-rc.1", "v9"));
}

#[test]
fn gates_that_stop_a_deployment_do_not_stop_a_rollback() {
    let policy = "approvals = 2\nsoak = \"9d\"\n\
        freeze = [{ from = \"2020-01-01T00:00\", to = \"2099-01-01T00:00\", reason = \"shut\" }]\n";
    let (project, _) = project();
    project.policy(&format!("{SHOP}{policy}"));
    assert_eq!(goes(&project, &request()).0, "v1.1.0-rc.1");
}

#[test]
fn what_is_in_flight_a_hold_and_a_stranger_stop_a_rollback() {
    let (project, _) = project();
    let hold = project.hold("prod");
    assert_eq!(refused_by(planning(&project, &request())), ["held"]);
    let over = RollbackRequest { take_over: Some(hold), reason: Some("I must".to_owned()), ..request() };
    assert_eq!(goes(&project, &over).0, "v1.1.0-rc.1");
    let (project, _) = self::project();
    project.begin("prod", "v1.2.0-rc.1");
    assert_eq!(kind(planning(&project, &request())), Kind::Busy);
    project.hold("prod");
    assert_eq!(refused_by(planning(&project, &request())), ["held", "busy"]);
    project.policy(&format!("{SHOP}deployers = [\"bob@example.com\"]\n"));
    assert_eq!(refused_by(planning(&project, &request())), ["deployers", "held", "busy"]);
}

#[test]
fn the_hold_that_a_rollback_left_stops_no_rollback() {
    let (project, _) = project();
    project.roll_back("prod", "v1.1.0-rc.1");
    assert!(project.chain("prod").state.hold.is_some());
    let further = RollbackRequest { further: true, ..request() };
    assert_eq!(goes(&project, &further).0, "v1.0.0-rc.1");
}

#[test]
fn what_is_named_must_be_neither_blocked_nor_undone_here() {
    let (project, pool) = project();
    project.block("1.0.0");
    let to = RollbackRequest { to: Some("1.0.0".to_owned()), ..request() };
    assert_eq!(refused_by(planning(&project, &to)), ["blocked"]);
    project.roll_back("prod", "v1.1.0-rc.1");
    let to = RollbackRequest { to: Some(pool[2].tag.to_string()), ..request() };
    assert_eq!(refused_by(planning(&project, &to)), ["rolled-back"]);
}

#[test]
fn nothing_goes_back_behind_a_point_of_no_return() {
    let (project, _) = project();
    project.commit("move\n\nRollback-Safe: no\n");
    let beyond = project.cut("1.3.0");
    project.deploy("prod", beyond.tag.as_str());
    assert_eq!(refused_by(planning(&project, &request())), ["irreversible"]);
}

#[test]
fn it_says_what_the_environment_is_owed_afterwards_and_holds_it() {
    let (project, pool) = project();
    let fix = project.commit("fix");
    let picked = project.pick(&pool[2], &[fix]);
    project.deploy("prod", picked.tag.as_str());
    let WayBack::Ready(ready) = planning(&project, &request()).unwrap() else { panic!("not ready") };
    assert_eq!(ready.plan.owes().iter().map(|owed| owed.source).collect::<Vec<_>>(), [fix]);
    assert!(ready.plan.holds());
    assert_eq!(ready.plan.reverts().unwrap().to_string(), "prod#4");
    project.policy(&format!("{SHOP}hold_after_rollback = false\n"));
    let WayBack::Ready(ready) = planning(&project, &request()).unwrap() else { panic!("not ready") };
    assert!(!ready.plan.holds());
}
