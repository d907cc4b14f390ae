//! The emergency exit: deploying while the remote is down, and what becomes
//! of the records once it is back.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::output::Output;
use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::{Process, wait_until};

const FIRST: &str = "v0.1.0-rc.1";
const SECOND: &str = "v0.2.0-rc.1";

/// A shop with two candidates that were live in prod, the second now.
fn shop() -> Shop {
    let shop = Shop::over(Kind::Http, &[]);
    {
        let ana = shop.ana();
        assert_eq!(ana.cut(&[]), FIRST);
        ana.deploy("staging", &[]);
        ana.deploy("prod", &[]);
        assert_eq!(ana.cut_new("window"), SECOND);
        ana.deploy("staging", &[]);
        ana.deploy("prod", &[]);
    }
    shop
}

fn down(shop: &Shop) {
    answer(shop, 500);
}

fn up(shop: &Shop) {
    answer(shop, 0);
}

fn answer(shop: &Shop, status: u16) {
    shop.remote.as_ref().unwrap().server.as_ref().unwrap().answer(status);
}

fn bob(shop: &Shop) -> Desk<'_> {
    let bob = shop.clone_for("bob");
    bob.json(&["sync"]);
    bob
}

const ROLLBACK: [&str; 6] = ["rollback", "prod", "--offline", "--yes", "--reason", "the host is down"];

fn deploy(tag: &str) -> [&str; 7] {
    ["deploy", "prod", tag, "--offline", "--yes", "--reason", "the host is down"]
}

/// Runs an offline deployment, which must come to this state; the deployment.
#[track_caller]
fn ran(desk: &Desk<'_>, args: &[&str], state: &str) -> Value {
    let output = desk.rel(&[args, &["--json"]].concat()).code(8);
    assert_eq!(output.kind(), "unpublished");
    assert!(output.ways_on().contains("rel sync"), "{output:?}");
    let deployment = output.json()["deployment"].clone();
    assert_eq!(deployment["state"], state, "{deployment}");
    assert_eq!(deployment["offline"], true);
    assert!(deployment["id"].is_null() && deployment["seq"].is_null(), "it has no number yet: {deployment}");
    deployment
}

/// Refused, with everything as it was: refs on both sides, and the journal.
#[track_caller]
fn refused(desk: &Desk<'_>, args: &[&str], code: i32) -> Output {
    let before = journal(desk);
    let output = desk.refused(args, code);
    assert_eq!(journal(desk), before, "the journal changed");
    output
}

/// What this clone has begun and not published.
fn journal(desk: &Desk<'_>) -> Vec<String> {
    let files = fs::read_dir(desk.dir.join(".git/rel/shop/journal")).into_iter().flatten().flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".json"));
    names.sort();
    names
}

fn log(desk: &Desk<'_>, n: usize) -> Value {
    desk.json(&["log", "prod"])["deployments"][n].clone()
}

/// The history is whole, and the record of every run is in it once.
#[track_caller]
fn is_sound(shop: &Shop) {
    let ana = shop.ana();
    assert_eq!(ana.json(&["fsck"])["findings"], json!([]));
    let nonces: Vec<String> =
        shop.events("env/prod").iter().map(|event| string(&event["event"]["nonce"])).collect();
    let once: std::collections::BTreeSet<&String> = nonces.iter().collect();
    assert_eq!(once.len(), nonces.len(), "an event is there twice");
}

#[test]
fn a_rollback_works_and_comes_into_the_history() {
    let shop = shop();
    let ana = shop.ana();
    down(&shop);
    let before = shop.refs();
    let back = ran(&ana, &ROLLBACK, "succeeded");
    assert_eq!(
        (&back["tag"], &back["reverts"], &back["action"]),
        (&json!(FIRST), &json!("prod#2"), &json!("rollback"))
    );
    assert_eq!(before, shop.refs());
    // The command had everything, but for a token that nothing was claimed with.
    let given = shop.world.variables("deploy/prod-/env");
    assert_eq!(given["REL_FENCE_TOKEN"], "");
    assert_eq!(given["REL_OFFLINE"], "1");
    assert!(given["REL_DEPLOYMENT_ID"].starts_with("prod#offline-"), "{given:?}");
    assert_eq!((given["REL_TAG"].as_str(), given["REL_PREVIOUS_TAG"].as_str()), (FIRST, SECOND));
    assert_eq!(fs::read_dir(shop.world.shop().join("deploy/prod-/artifacts")).unwrap().count(), 1);
    // Until it is published, this clone says so.
    let status = ana.json(&["status", "--offline"])["environments"][1].clone();
    assert_eq!(status["current"]["tag"], SECOND);
    assert_eq!(status["unpublished"][0]["tag"], FIRST);
    let said = ana.rel(&["status", "--offline"]).ok().stdout;
    assert!(said.contains("was deployed to prod offline") && said.contains("publish it  rel sync"), "{said}");
    ana.rel(&["sync"]).code(1);

    up(&shop);
    let settled = ana.json(&["sync"])["settled"].clone();
    assert_eq!(
        settled,
        json!([{ "deployment": "prod#3", "state": "succeeded", "offline": true, "moved": false }])
    );
    assert_eq!(ana.json(&["sync"])["settled"], json!([]), "once");
    let bob = bob(&shop);
    let status = bob.status("prod");
    assert_eq!(status["current"]["tag"], FIRST);
    assert_eq!(status["current"]["certain"], true);
    assert_eq!((&status["hold"]["cause"], &status["hold"]["token"]), (&json!("rollback"), &json!(3)));
    let record = log(&bob, 0);
    assert_eq!(
        (&record["id"], &record["offline"], &record["certain"]),
        (&json!("prod#3"), &json!(true), &json!(true))
    );
    assert_eq!(
        (&record["reason"], &record["actor"]),
        (&json!("the host is down"), &json!(ana.person.actor()))
    );
    assert!(bob.rel(&["log", "prod"]).ok().stdout.contains("offline"));
    // What it printed is found by the number that it got.
    assert!(string(&ana.json(&["log", "--output", "prod#3"])["output"]).contains("deploying"));
    bob.refused_by(&["deploy", "prod", SECOND, "--yes"], 4, &["held", "rolled-back"]);
    assert_eq!(bob.json(&["show", "prod@{1}"])["candidate"]["tag"], SECOND);
    is_sound(&shop);
}

#[test]
fn with_the_remote_moved_away_a_deployment_works() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let (here, away) = (shop.authority(), shop.world.at("away.git"));
    fs::rename(&here, &away).unwrap();
    let args = ["deploy", "prod", "--offline", "--yes", "--reason", "moving house"];
    assert_eq!(ran(&ana, &args, "succeeded")["tag"], tag.as_str());
    assert!(shop.world.shop().join("server/prod").is_dir());
    fs::rename(&away, &here).unwrap();
    // Any verb that writes brings it in; the release's own tag is made by sync.
    ana.json(&["lock", "staging", "--reason", "tidying"]);
    assert_eq!(ana.live("prod"), tag);
    ana.json(&["sync"]);
    assert!(shop.refs().contains_key("refs/tags/v0.1.0"));
    is_sound(&shop);
}

#[test]
fn what_came_between_makes_it_uncertain() {
    let shop = shop();
    let ana = shop.ana();
    down(&shop);
    ran(&ana, &ROLLBACK, "succeeded");
    up(&shop);
    let bob = bob(&shop);
    bob.json(&["approve", SECOND, "prod"]);
    bob.deploy("prod", &["--redeploy"]);
    let settled = ana.json(&["sync"])["settled"][0].clone();
    assert_eq!((&settled["deployment"], &settled["moved"]), (&json!("prod#5"), &json!(true)));
    let status = bob.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(false)));
    let open = &status["unresolved"][0];
    assert_eq!(
        (&open["id"], &open["state"], &open["offline"]),
        (&json!("prod#5"), &json!("succeeded"), &json!(true))
    );
    let said = bob.rel(&["status", "prod"]).ok().stdout;
    assert!(said.contains("what came last is uncertain"), "{said}");
    assert!(said.contains("rel resolve prod#5 --succeeded|--failed --reason WHY"), "{said}");
    assert_eq!(log(&bob, 0)["certain"], false);
    is_sound(&shop);
    bob.json(&["resolve", "prod#5", "--succeeded", "--reason", "looked"]);
    let status = bob.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(FIRST), &json!(true)));
    assert_eq!(status["unresolved"], json!([]));
    is_sound(&shop);
}

/// What says nothing of what is live is merged silently.
#[test]
fn an_approval_in_between_changes_nothing() {
    let shop = shop();
    let ana = shop.ana();
    let bob = bob(&shop);
    down(&shop);
    ran(&ana, &[&deploy(FIRST)[..], &["--override", "downgrade"]].concat(), "succeeded");
    up(&shop);
    bob.json(&["approve", SECOND, "prod"]);
    assert_eq!(ana.json(&["sync"])["settled"][0]["moved"], false);
    let status = bob.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(FIRST), &json!(true)));
    assert_eq!(log(&bob, 0)["overrides"][0]["gate"], "downgrade");
}

#[test]
fn what_others_have_in_flight_stays_theirs() {
    let shop = shop();
    let (ana, bob) = (shop.ana(), bob(&shop));
    down(&shop);
    ran(&ana, &ROLLBACK, "succeeded");
    up(&shop);
    shop.world.set("hold-prod-3");
    let running = bob.start(&["deploy", "prod", "--redeploy", "--yes", "--json"]);
    shop.world.running("prod", 3);
    assert_eq!(ana.json(&["sync"])["settled"][0]["moved"], true);
    let status = ana.status("prod");
    assert_eq!(
        (&status["in_flight"]["id"], &status["current"]["certain"]),
        (&json!("prod#3"), &json!(false))
    );
    shop.world.clear("hold-prod-3");
    running.wait().ok();
    let status = ana.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(true)));
    assert_eq!(status["unresolved"][0]["id"], "prod#4");
    // Something succeeded since: only the record is settled.
    ana.json(&["resolve", "prod#4", "--succeeded", "--reason", "it did"]);
    assert_eq!(ana.live("prod"), SECOND);
    is_sound(&shop);
}

#[test]
fn two_clones_at_once_are_both_kept() {
    let shop = shop();
    let (ana, bob) = (shop.ana(), bob(&shop));
    down(&shop);
    ran(&ana, &ROLLBACK, "succeeded");
    ran(
        &bob,
        &["deploy", "prod", "--redeploy", "--offline", "--yes", "--reason", "I was not told"],
        "succeeded",
    );
    up(&shop);
    assert_eq!(bob.json(&["sync"])["settled"][0]["moved"], false);
    assert_eq!(ana.json(&["sync"])["settled"][0]["moved"], true);
    let status = bob.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(false)));
    let (newest, before) = (log(&ana, 0), log(&ana, 1));
    assert_eq!((&newest["tag"], &newest["actor"]), (&json!(FIRST), &json!(ana.person.actor())));
    assert_eq!((&before["tag"], &before["actor"]), (&json!(SECOND), &json!(bob.person.actor())));
    // A rollback goes on to where the last one was headed, and then it is certain.
    assert_eq!(bob.rollback("prod", &[])["tag"], FIRST);
    assert_eq!(bob.status("prod")["current"]["certain"], true);
    is_sound(&shop);
}

/// One after the other in the same clone: each builds on the one before it.
#[test]
fn several_in_a_row_are_in_order() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut_new("door");
    ana.deploy("staging", &[]);
    down(&shop);
    shop.world.set("fail-v0.3.0-rc.1");
    let failed = ran(&ana, &deploy("v0.3.0-rc.1"), "failed");
    assert_eq!(failed["exit_code"], 7);
    let back = ran(&ana, &ROLLBACK, "succeeded");
    assert_eq!(back["tag"], SECOND, "the last success, as the failure is counted in: {back}");
    up(&shop);
    // Their numbers are not those that they were counted as.
    bob(&shop).json(&["approve", SECOND, "prod"]);
    let settled = ana.json(&["sync"])["settled"].clone();
    let ids: Vec<&Value> = settled.as_array().unwrap().iter().map(|one| &one["deployment"]).collect();
    assert_eq!(ids, ["prod#4", "prod#5"]);
    assert_eq!((&settled[0]["moved"], &settled[1]["moved"]), (&json!(false), &json!(false)));
    let record = log(&ana, 0);
    assert_eq!((&record["tag"], &record["reverts"]), (&json!(SECOND), &json!("prod#4")));
    let status = ana.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(true)));
    is_sound(&shop);
}

/// A hold that has no number yet is opened by the one it has for now, and
/// never something else that has it by then.
#[test]
fn what_was_taken_over_before_it_had_a_number_is_found() {
    let shop = shop();
    let (ana, bob) = (shop.ana(), bob(&shop));
    down(&shop);
    ran(&ana, &ROLLBACK, "succeeded");
    let again = ["--take-over", "3", "--override", "rolled-back"];
    ran(&ana, &[&deploy(SECOND)[..], &again].concat(), "succeeded");
    up(&shop);
    bob.json(&["lock", "prod", "--reason", "looking into it"]);
    ana.json(&["sync"]);
    let status = bob.status("prod");
    assert_eq!(
        (&status["hold"]["token"], &status["hold"]["cause"]),
        (&json!(3), &json!("person")),
        "bob's stays"
    );
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(true)));
    assert_eq!(log(&ana, 0)["id"], "prod#5");
    is_sound(&shop);
}

/// The host goes down in the middle of a deployment: its own end is counted in.
#[test]
fn the_end_of_a_claimed_deployment_that_could_not_be_published_is_known() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut_new("door");
    ana.deploy("staging", &[]);
    shop.world.set("fail-v0.3.0-rc.1");
    shop.world.set("hold-prod");
    let mut command = ana.command(&["deploy", "prod", "--yes", "--json"]);
    command.env("REL_PUBLISH_TIMEOUT", "0");
    let running = crate::world::Running::start(command);
    shop.world.running("prod", 3);
    down(&shop);
    shop.world.clear("hold-prod");
    let failed = running.wait().code(8);
    assert_eq!(failed.json()["deployment"]["state"], "failed");
    let ways = failed.json()["error"]["hints"].clone();
    let first = format!("go back to {SECOND} now: rel rollback prod --offline --reason WHY");
    assert_eq!(ways, json!([first, "publish it as soon as the remote can be reached: rel sync"]));
    // No take-over of what has ended, and back to the last success.
    let back = ran(&ana, &ROLLBACK, "succeeded");
    assert_eq!((&back["tag"], &back["reverts"]), (&json!(SECOND), &json!("prod#3")));
    up(&shop);
    let settled = ana.json(&["sync"])["settled"].clone();
    assert_eq!((&settled[0]["deployment"], &settled[0]["state"]), (&json!("prod#3"), &json!("failed")));
    assert_eq!((&settled[1]["deployment"], &settled[1]["moved"]), (&json!("prod#4"), &json!(false)));
    assert_eq!(ana.status("prod")["current"]["certain"], true);
    is_sound(&shop);
}

#[test]
fn what_is_in_flight_is_taken_over_by_its_number() {
    let shop = shop();
    let (ana, bob) = (shop.ana(), bob(&shop));
    shop.world.set("hold-prod-3");
    let running = bob.start(&["deploy", "prod", "--redeploy", "--yes", "--json"]);
    shop.world.running("prod", 3);
    ana.json(&["status"]);
    down(&shop);
    refused(&ana, &ROLLBACK, 5);
    let taken = [&ROLLBACK[..], &["--take-over", "3"]].concat();
    assert_eq!(ran(&ana, &taken, "succeeded")["tag"], SECOND, "what was in flight is unknown");
    up(&shop);
    assert_eq!(ana.json(&["sync"])["settled"][0]["moved"], false);
    let log = ana.json(&["log", "prod"])["deployments"].clone();
    assert_eq!((&log[1]["id"], &log[1]["state"]), (&json!("prod#3"), &json!("unknown")));
    shop.world.clear("hold-prod-3");
    running.wait().code(8);
    assert_eq!(bob.status("prod")["current"]["certain"], false, "its own word came late");
    is_sound(&shop);
}

#[test]
fn without_a_reason_or_past_a_gate_it_is_refused() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut_new("door");
    bob(&shop).json(&["lock", "staging", "--reason", "the till"]);
    ana.json(&["status"]);
    down(&shop);
    for verb in ["rollback", "deploy"] {
        let output = refused(&ana, &[verb, "prod", "--offline", "--yes"], 2);
        assert!(output.ways_on().contains(&format!("rel {verb} prod --offline --reason WHY")), "{output:?}");
        refused(&ana, &[verb, "prod", "--offline", "--yes", "--reason", " "], 2);
    }
    // Gates and holds are those that this clone last saw.
    assert_eq!(refused(&ana, &deploy("v0.3.0-rc.1"), 4).gates(), ["order"]);
    let staging = ["deploy", "staging", "--offline", "--yes", "--reason", "x"];
    assert_eq!(refused(&ana, &staging, 5).kind(), "held");
    // Without somebody to ask it needs a yes, offline too.
    refused(&ana, &["rollback", "prod", "--offline", "--reason", "x"], 2);
    // A dry run needs none of that and says it as it would be.
    let before = ana.before();
    let planned = ana.json(&["rollback", "prod", "--offline", "--dry-run"]);
    assert_eq!(
        (&planned["deployment"]["offline"], &planned["deployment"]["id"]),
        (&json!(true), &Value::Null)
    );
    ana.unchanged(&before);
}

#[test]
fn a_project_without_a_remote_is_never_offline() {
    let shop = Shop::over(Kind::Local, &[]);
    let ana = shop.ana();
    ana.cut(&[]);
    let done = ana.deploy("staging", &["--offline"]);
    assert_eq!((&done["id"], &done["offline"]), (&json!("staging#1"), &json!(false)));
}

#[test]
fn what_is_not_here_is_named_and_sync_keeps_it() {
    let shop = shop();
    let bob = shop.clone_for("bob");
    assert_eq!(bob.status("prod")["not_here"], json!([SECOND, FIRST]));
    let said = bob.rel(&["status"]).ok().stdout;
    assert!(
        said.ends_with(
            "not kept here for --offline: v0.1.0-rc.1, v0.2.0-rc.1 (rel sync brings what is missing)\n"
        ),
        "{said}"
    );
    down(&shop);
    let output = refused(&bob, &ROLLBACK, 4);
    assert!(output.stdout.contains("the artifacts of v0.1.0-rc.1 are not in this clone"), "{output:?}");
    up(&shop);
    let before = bob.before();
    assert_eq!(bob.json(&["sync"])["kept"], json!([SECOND, FIRST]));
    bob.unchanged(&before);
    assert_eq!(bob.status("prod")["not_here"], json!([]));
    down(&shop);
    ran(&bob, &ROLLBACK, "succeeded");
}

/// Nobody is asked for what a partial clone left out.
#[test]
fn a_partial_clone_says_what_it_lacks() {
    let shop = shop();
    let ana = shop.ana();
    shop.authority_git(&["config", "uploadpack.allowFilter", "true"]);
    shop.authority_git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    // Only the artifacts and what trunk has are here.
    ana.commit("verify.sh", "#!/bin/sh\ntrue\n", "test: look less");
    let (person, dir) = (shop.world.person("bob"), shop.world.at("bob"));
    let args =
        ["clone", "--quiet", "--filter=blob:none", &shop.remote.as_ref().unwrap().url, dir.to_str().unwrap()];
    shop.world.git(&person, &shop.world.at("tmp"), &args);
    let bob = Desk { shop: &shop, person, dir };
    bob.json(&["status"]);
    for version in ["0.1.0-rc.1", "0.2.0-rc.1"] {
        let name = format!("refs/rel/shop/artifacts/{version}");
        bob.git(&["fetch", "--quiet", "--no-filter", "origin", &format!("{name}:{name}")]);
    }
    assert_eq!(bob.json(&["status", "--offline"])["environments"][1]["not_here"], json!([SECOND, FIRST]));
    // Were it asked, it would answer.
    let output = refused(&bob, &ROLLBACK, 4);
    assert!(output.stdout.contains("are not in this clone"), "{output:?}");
    assert_eq!(bob.json(&["sync"])["kept"], json!([SECOND, FIRST]));
    assert_eq!(bob.git(&["config", "remote.origin.partialclonefilter"]), "blob:none");
    down(&shop);
    ran(&bob, &ROLLBACK, "succeeded");
}

#[test]
fn a_damaged_byte_is_refused() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let store = shop.world.at("store");
    ana.keep_artifacts_in(&store);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    down(&shop);
    fs::remove_dir_all(&store).unwrap();
    let cached = fs::read_dir(ana.dir.join(".git/rel/cache/sha256")).unwrap().flatten();
    for file in cached.map(|entry| entry.path()) {
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        let mut rights = fs::metadata(&file).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o644);
        fs::set_permissions(&file, rights).unwrap();
        fs::write(&file, bytes).unwrap();
    }
    let args = ["deploy", "prod", "--offline", "--yes", "--reason", "x"];
    assert_eq!(refused(&ana, &args, 9).kind(), "integrity");
}

#[test]
fn a_killed_one_is_as_far_as_it_came() {
    let shop = shop();
    let ana = shop.ana();
    down(&shop);
    shop.world.set("hold-prod");
    let running = ana.start(&ROLLBACK);
    let command = process(&shop);
    ana.noted();
    // While it runs, this clone starts no other one.
    refused(&ana, &ROLLBACK, 5);
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    refused(&ana, &ROLLBACK, 5);
    up(&shop);
    assert_eq!(ana.json(&["sync"])["settled"][0]["state"], "running");
    assert_eq!(shop.events("env/prod").len(), 4, "it may still end well");
    shop.world.clear("hold-prod");
    command.is_gone();
    let settled = ana.json(&["sync"])["settled"][0].clone();
    assert_eq!((&settled["deployment"], &settled["state"]), (&json!("prod#3"), &json!("unknown")));
    let status = ana.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(SECOND), &json!(false)));
    assert_eq!(status["unresolved"][0]["id"], "prod#3");
    assert_eq!(journal(&ana), Vec::<String>::new());
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
    ana.json(&["resolve", "prod#3", "--succeeded", "--reason", "the page says so"]);
    assert_eq!(ana.live("prod"), FIRST);
    is_sound(&shop);
}

/// The process of the offline deployment's command.
fn process(shop: &Shop) -> Process {
    let file = shop.world.shop().join("deploy/prod-/pid");
    wait_until("the deploy script runs", || file.exists());
    Process::of(fs::read_to_string(&file).unwrap().trim().parse().unwrap())
}

/// A journal as a kill at each step leaves it: before the command nothing is
/// merged, after the push nothing is merged twice.
#[test]
fn each_step_of_the_journal_is_settled_once() {
    let shop = shop();
    let ana = shop.ana();
    down(&shop);
    ran(&ana, &ROLLBACK, "succeeded");
    let [name] = &journal(&ana)[..] else { panic!("one page") };
    let page = ana.dir.join(".git/rel/shop/journal").join(name);
    let done = fs::read_to_string(&page).unwrap();
    let mut begun: Value = serde_json::from_str(&done).unwrap();
    begun["run"]["phase"] = json!("intent");
    up(&shop);
    fs::write(&page, begun.to_string()).unwrap();
    let before = shop.refs();
    assert_eq!(ana.json(&["sync"])["settled"], json!([]));
    assert_eq!(shop.refs(), before, "nothing ran, so nothing is written down");
    assert!(!page.exists());
    // Killed between its push and the end of its journal, again and again.
    for round in 0..3 {
        fs::write(&page, &done).unwrap();
        let settled = ana.json(&["sync"])["settled"][0].clone();
        assert_eq!(settled["deployment"], "prod#3", "{round}");
        assert_eq!(shop.events("env/prod").len(), 5, "{round}");
    }
    // Also after others went on, and as what an offline run goes by.
    ana.deploy("prod", &[SECOND, "--take-over", "3", "--override", "rolled-back", "--reason", "mended"]);
    fs::write(&page, &done).unwrap();
    down(&shop);
    let back = ran(&ana, &ROLLBACK, "succeeded");
    assert_eq!(back["reverts"], "prod#5");
    up(&shop);
    ana.json(&["sync"]);
    assert_eq!(log(&ana, 0)["id"], "prod#6");
    assert_eq!(ana.json(&["log", "prod"])["deployments"].as_array().unwrap().len(), 5);
    is_sound(&shop);
}

#[test]
fn a_failure_is_rolled_back_by_itself() {
    let shop = Shop::over(Kind::Http, &[("final = true", "on_failure = \"rollback\"")]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    down(&shop);
    shop.world.set(&format!("fail-{second}"));
    let output = ana.rel(&[&deploy(&second)[..], &["--json"]].concat()).code(8);
    let document = output.json();
    assert_eq!(
        (&document["deployment"]["state"], &document["rollback"]["tag"]),
        (&json!("failed"), &json!(first))
    );
    assert_eq!(document["rollback"]["trigger"], "on_failure");
    up(&shop);
    ana.json(&["sync"]);
    let (back, failed) = (log(&ana, 0), log(&ana, 1));
    assert_eq!((&back["reverts"], &failed["state"]), (&failed["id"], &json!("failed")));
    let status = ana.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&json!(first), &json!(true)));
    assert!(status["hold"].is_null());
    is_sound(&shop);
}
