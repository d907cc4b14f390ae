//! Rollouts in phases.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::repo::Shop;
use crate::world::wait_until;

/// Prod goes in two phases, of which the first is watched.
fn in_phases(more: &str) -> Shop {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho \"$REL_ENV ${REL_PHASE-none} deploy $*\" >> \"$SHOP/steps\"\n\
         [ ! -e \"$SHOP/fail-${REL_PHASE-none}\" ]\n",
    );
    ana.script(
        "verify.sh",
        "#!/bin/sh\necho \"$REL_ENV ${REL_PHASE-none} verify $*\" >> \"$SHOP/steps\"\n\
         if [ -e \"$SHOP/sick\" ]; then exit 4; fi\n",
    );
    let toml = std::fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    let phases = "
[[environments.prod.phases]]
name = \"canary\"
deploy = \"./deploy.sh --percent 10\"
wait = \"2s\"

[[environments.prod.phases]]
name = \"full\"
verify = \"./verify.sh --all\"
";
    let toml = toml.replace("final = true", &format!("final = true\n{more}"));
    ana.commit("release.toml", &format!("{toml}{phases}"), "chore: phases");
    shop
}

fn steps(shop: &Shop, environment: &str) -> Vec<String> {
    let lines = shop.world.lines("steps").into_iter();
    lines.filter_map(|line| line.strip_prefix(&format!("{environment} ")).map(str::to_owned)).collect()
}

fn phases(deployment: &Value) -> Vec<String> {
    let phases = deployment["phases"].as_array().unwrap_or_else(|| panic!("{deployment}"));
    phases.iter().map(|phase| format!("{} {}", phase["name"], phase["state"]).replace('"', "")).collect()
}

#[test]
fn they_run_in_order_and_each_is_watched_and_recorded() {
    let shop = in_phases("");
    let ana = shop.ana();
    ana.cut(&[]);
    let staged = ana.deploy("staging", &[]);
    assert_eq!(
        (phases(&staged), steps(&shop, "staging")),
        (vec![], vec!["none deploy ".into(), "none verify ".into()])
    );
    let plan = ana.rel(&["deploy", "prod", "--dry-run"]).ok().stdout;
    assert!(plan.contains("phases    canary 2 s, full"), "{plan}");
    let output = ana.rel(&["deploy", "prod", "--yes", "--json"]).ok();
    assert!(output.stderr.contains("canary is watched for 2 s"), "{output:?}");
    let deployment = output.json()["deployment"].clone();
    assert_eq!(phases(&deployment), ["canary succeeded", "full succeeded"]);
    let steps = steps(&shop, "prod");
    assert_eq!(steps[..2], ["canary deploy --percent 10", "canary verify "]);
    let watched = steps[2..].iter().take_while(|step| *step == "canary verify ").count();
    assert!((1..=3).contains(&watched), "each second, and at the end: {steps:?}");
    assert_eq!(steps[2 + watched..], ["full deploy ", "full verify --all"]);
    // It is in the history, too.
    let outcome = &shop.events("env/prod")[1]["event"];
    assert_eq!(outcome["phases"][0]["name"], "canary");
    assert_eq!(phases(&ana.json(&["log", "prod"])["deployments"][0]), ["canary succeeded", "full succeeded"]);
}

#[test]
fn one_that_fails_stops_and_what_follows_is_for_all_of_it() {
    let shop = in_phases("on_failure = \"rollback\"");
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let tag = ana.cut_new("window");
    ana.deploy("staging", &[]);
    let before = steps(&shop, "prod").len();
    shop.world.set("fail-canary");
    let failed = ana.rel(&["deploy", "prod", "--yes", "--json"]).code(6).json();
    assert_eq!(phases(&failed["deployment"]), ["canary failed"]);
    assert!(failed["error"]["message"].as_str().unwrap().contains("canary deploy: exit 1"), "{failed}");
    // It went back by itself, at once.
    assert_eq!(failed["rollback"]["state"], "succeeded");
    assert_eq!(phases(&failed["rollback"]), Vec::<String>::new());
    let steps = steps(&shop, "prod");
    assert_eq!(steps[before..], ["canary deploy --percent 10", "none deploy ", "none verify "]);
    let log = ana.rel(&["log", "prod"]).ok().stdout;
    assert!(log.contains("in canary; exit 1") || log.contains("in canary, exit 1"), "{log}");
    // Healthy at first, and sick while it is watched.
    shop.world.clear("fail-canary");
    let again = ["--override", "rolled-back", "--reason", "again"];
    let run = ana.start(&[&["deploy", "prod", &tag, "--yes", "--json"], &again[..]].concat());
    let seen =
        || shop.world.lines("steps").iter().rev().take_while(|step| step.contains("canary")).count() >= 2;
    wait_until("it is watched", seen);
    shop.world.set("sick");
    let sick = run.wait().code(6).json();
    assert_eq!(phases(&sick["deployment"]), ["canary failed"]);
    assert!(sick["error"]["message"].as_str().unwrap().contains("canary verify: exit 4"), "{sick}");
}

#[test]
fn a_command_of_a_phase_is_tried_again() {
    let shop = in_phases("");
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho \"$REL_ENV ${REL_PHASE-none} deploy $*\" >> \"$SHOP/steps\"\n\
         cat \"$REL_ARTIFACTS_DIR\"/* | cksum >> \"$SHOP/bytes\"\n\
         chmod -R u+w \"$REL_ARTIFACTS_DIR\"; echo spoilt > \"$REL_ARTIFACTS_DIR/app.txt\"\n\
         ! rm \"$SHOP/fail-${REL_PHASE-none}\" 2> /dev/null\n",
    );
    ana.reconfigure(
        "[environments.staging]",
        "[retry]\nattempts = 2\nbackoff = \"1s\"\n\n[environments.staging]",
    );
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    shop.world.set("fail-canary");
    let output = ana.rel(&["deploy", "prod", "--yes", "--json"]).ok();
    assert!(output.stderr.contains("\ncanary deploy failed; attempt 2 of 2\n"), "{output:?}");
    let bytes = shop.world.lines("bytes");
    assert_eq!(bytes.len(), 4, "staging, two attempts, and the next phase");
    assert!(bytes.iter().all(|sum| *sum == bytes[0]), "each is given what was recorded: {bytes:?}");
    // What is recorded is what it came to.
    let deployment = output.json()["deployment"].clone();
    assert_eq!((&deployment["state"], &deployment["exit_code"]), (&"succeeded".into(), &0.into()));
    assert_eq!(phases(&deployment), ["canary succeeded", "full succeeded"]);
    let steps = steps(&shop, "prod");
    assert_eq!(steps[..3], ["canary deploy --percent 10", "canary deploy --percent 10", "canary verify "]);
    assert_eq!(steps[steps.len() - 2..], ["full deploy ", "full verify --all"]);
    assert_eq!(phases(&shop.events("env/prod")[1]["event"]), ["canary succeeded", "full succeeded"]);
    assert_eq!(shop.events("env/prod").len(), 2);
}

#[test]
fn whoever_interrupts_it_does_not_wait_for_the_watch() {
    let shop = in_phases("");
    let ana = shop.ana();
    ana.reconfigure("wait = \"2s\"", "wait = \"1h\"");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let run = ana.start(&["deploy", "prod", "--yes", "--json"]);
    wait_until("it is watched", || steps(&shop, "prod").len() >= 2);
    run.signal(Signal::SIGINT);
    let document = run.wait().code(130).json();
    assert_eq!(document["deployment"]["state"], "cancelled", "{document}");
    assert_eq!(phases(&document["deployment"]), ["canary cancelled"]);
    // The way back has no phases, and is not watched.
    ana.rel(&["deploy", "prod", "--dry-run"]).ok();
    let status = ana.status("prod");
    assert!(status["in_flight"].is_null(), "{status}");
}
