//! `rel deploy`: the recorded bytes, through the gates, under a published
//! intent.

use std::fs;

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// One candidate, live on staging.
fn on_staging(shop: &Shop) -> String {
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    tag
}

/// Runs a deployment that must fail; its document.
#[track_caller]
fn fails(desk: &Desk<'_>, args: &[&str]) -> Value {
    let output = desk.rel(&[args, &["--yes", "--json"]].concat()).code(6);
    assert_eq!(output.kind(), "command-failed", "{output:?}");
    assert!(!output.ways_on().is_empty(), "it says no way on: {output:?}");
    output.json()
}

#[test]
fn the_command_receives_sixteen_variables() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = on_staging(&shop);
    let first_commit = ana.tip();
    let second = ana.cut_new("window");
    ana.deploy("staging", &["--reason", "it is \"time\" $(now)\nand again"]);
    let env = shop.world.variables("deploy/staging-2/env");
    let own: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("REL_"))
        .collect();
    let commit = ana.tip();
    let actor = ana.person.actor();
    let expected = [
        ("REL_ACTION", "deploy"),
        ("REL_ACTOR", actor.as_str()),
        ("REL_ARTIFACTS_DIR", env["REL_ARTIFACTS_DIR"].as_str()),
        ("REL_COMMIT", commit.as_str()),
        ("REL_DEPLOYMENT_ID", "staging#2"),
        ("REL_ENV", "staging"),
        ("REL_FENCE_TOKEN", "2"),
        ("REL_MANIFEST", env["REL_MANIFEST"].as_str()),
        ("REL_PREVIOUS_COMMIT", first_commit.as_str()),
        ("REL_PREVIOUS_TAG", first.as_str()),
        ("REL_PROJECT", "shop"),
        ("REL_REASON", "it is \"time\" $(now)\nand again"),
        ("REL_RELEASE", "0.2.0"),
        ("REL_SOURCE_DIR", env["REL_SOURCE_DIR"].as_str()),
        ("REL_TAG", second.as_str()),
        ("REL_VERSION", "0.2.0-rc.1"),
    ];
    assert_eq!(own, expected);
    for folder in ["REL_ARTIFACTS_DIR", "REL_SOURCE_DIR", "REL_MANIFEST"] {
        assert!(env[folder].starts_with('/'), "{folder} is absolute");
    }
    assert_eq!(env["SHOP"], shop.world.shop().to_str().unwrap(), "beside the caller's own environment");
    assert_eq!(shop.world.lines("deploy/staging-2/cwd"), [env["REL_SOURCE_DIR"].clone()]);
    assert!(!env.keys().any(|name| name.starts_with("GIT_DIR") || name == "GIT_INDEX_FILE"));
    let verify = shop.world.variables("deploy/staging-2/verify-env");
    let of = |env: &std::collections::BTreeMap<String, String>| -> Vec<(String, String)> {
        env.iter().filter(|(name, _)| name.starts_with("REL_")).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    assert_eq!(of(&env), of(&verify), "verify runs with the same variables");
}

#[test]
fn the_first_deployment_has_nothing_before_it() {
    let shop = Shop::new();
    on_staging(&shop);
    let env = shop.world.variables("deploy/staging-1/env");
    assert_eq!(env["REL_PREVIOUS_TAG"], "");
    assert_eq!(env["REL_PREVIOUS_COMMIT"], "");
    assert_eq!(env["REL_REASON"], "");
}

#[test]
fn what_is_deployed_is_what_was_built() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    fs::write(ana.dir.join("src/zz.bin"), &bytes).unwrap();
    ana.commit_all("feat: binary");
    ana.cut(&[]);
    ana.commit("src/app.txt", "something else\n", "feat: something else");
    let bob = shop.clone_for("bob");
    bob.deploy("staging", &["v0.1.0-rc.1"]);
    let expected = [b"one\na door\n".as_slice(), &bytes].concat();
    let given = shop.world.shop().join("deploy/staging-1/artifacts");
    assert_eq!(fs::read(given.join("app.txt")).unwrap(), expected);
    assert_eq!(fs::read_dir(&given).unwrap().count(), 1, "the recorded files and nothing else");
    assert_eq!(shop.world.lines("builds").len(), 1, "never a rebuild");
    let manifest: Value =
        serde_json::from_slice(&fs::read(shop.world.shop().join("deploy/staging-1/manifest")).unwrap())
            .unwrap();
    assert!(manifest.to_string().contains("app.txt"), "{manifest}");
}

#[test]
fn the_document_is_the_deployment() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = on_staging(&shop);
    let second = ana.cut_new("window");
    let document = ana.json(&["deploy", "staging", "--yes", "--reason", "why not"]);
    let deployment = &document["deployment"];
    let names = [
        "id",
        "seq",
        "environment",
        "action",
        "tag",
        "version",
        "commit",
        "from_tag",
        "state",
        "certain",
        "actor",
        "on_behalf_of",
        "host",
        "run_url",
        "trigger",
        "reason",
        "overrides",
        "gates",
        "approvals",
        "policy_commit",
        "commands_commit",
        "started_at",
        "finished_at",
        "exit_code",
        "reverts",
        "rel_version",
    ];
    for name in names {
        assert!(deployment.get(name).is_some(), "no {name} in {deployment}");
    }
    assert_eq!(deployment["id"], "staging#2");
    assert_eq!(deployment["seq"], 2);
    assert_eq!(deployment["environment"], "staging");
    assert_eq!(deployment["action"], "deploy");
    assert_eq!(deployment["tag"], second);
    assert_eq!(deployment["version"], "0.2.0-rc.1");
    assert_eq!(deployment["commit"], ana.tip());
    assert_eq!(deployment["from_tag"], first);
    assert_eq!(deployment["state"], "succeeded");
    assert_eq!(deployment["certain"], true);
    assert_eq!(deployment["actor"], ana.person.actor());
    assert_eq!(deployment["trigger"], "person");
    assert_eq!(deployment["reason"], "why not");
    assert_eq!(deployment["policy_commit"], ana.tip());
    assert_eq!(deployment["commands_commit"], ana.tip());
    assert_eq!(deployment["exit_code"], 0);
    assert!(deployment["reverts"].is_null());
    assert!(string(&deployment["started_at"]).ends_with('Z'));
    assert!(string(&deployment["finished_at"]).ends_with('Z'));
}

#[test]
fn output_streams_to_stderr_line_by_line_with_a_prefix() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let output = ana.rel(&["deploy", "staging", "--yes"]).ok();
    let line = |prefix: &str, text: &str| {
        output.stderr.lines().any(|line| line.starts_with(prefix) && line.ends_with(text))
    };
    assert!(line("deploy", &format!("deploying {tag}")), "{output:?}");
    assert!(line("verify", &format!("looking at {tag}")), "{output:?}");
    assert!(!output.stdout.contains("deploying"), "{output:?}");
    assert!(output.stdout.contains(&tag), "the result says what is live: {output:?}");
}

#[test]
fn what_is_live_is_not_deployed_again() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = on_staging(&shop);
    let before = ana.before();
    for args in [vec!["deploy", "staging", "--yes"], vec!["deploy", "staging", &tag, "--yes"]] {
        let document = ana.json(&args);
        assert!(document["deployment"].is_null(), "{document}");
    }
    ana.rel(&["deploy", "staging"]).ok();
    ana.unchanged(&before);
    let again = ana.deploy("staging", &["--redeploy"]);
    assert_eq!(again["action"], "redeploy");
    assert_eq!(again["tag"], tag);
    assert_eq!(shop.world.variables("deploy/staging-2/env")["REL_ACTION"], "redeploy");
    assert_eq!(shop.ran("staging").len(), 2);
}

#[test]
fn without_a_yes_nobody_can_be_asked() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    assert_eq!(ana.refused(&["deploy", "staging"], 2).kind(), "usage");
    let mut command = ana.command(&["deploy", "staging", "--json"]);
    command.env("REL_YES", "1");
    crate::world::Running::start(command).wait().ok();
}

#[test]
fn a_dry_run_runs_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let before = ana.before();
    let text = ana.rel(&["deploy", "staging", "--dry-run"]).ok();
    assert!(text.stdout.contains(&tag), "{text:?}");
    ana.json(&["deploy", "staging", "--dry-run"]);
    ana.unchanged(&before);
    ana.refused_by(&["deploy", "prod", &tag, "--dry-run"], 4, &["order"]);
}

#[test]
fn a_failing_command_is_recorded() {
    for (steer, exit_code, prefix) in [("fail-deploy", 7, "deploy"), ("fail-verify", 9, "verify")] {
        let shop = Shop::new();
        let ana = shop.ana();
        let first = on_staging(&shop);
        let second = ana.cut_new("window");
        shop.world.set(steer);
        let document = fails(&ana, &["deploy", "staging"]);
        let deployment = &document["deployment"];
        assert_eq!(deployment["state"], "failed");
        assert_eq!(deployment["exit_code"], exit_code);
        assert_eq!(deployment["tag"], second);
        assert_eq!(deployment["certain"], false);
        assert!(string(&document["error"]["message"]).contains(prefix), "{document}");
        let status = ana.status("staging");
        assert_eq!(status["current"]["tag"], first, "the last success stays on top");
        assert_eq!(status["current"]["certain"], false);
        assert!(status["in_flight"].is_null() && status["hold"].is_null(), "{status}");
        let log = ana.json(&["log", "staging"]);
        assert_eq!(log["deployments"][0]["state"], "failed");
        // The next attempt may go ahead, without --redeploy: it is not certainly live.
        shop.world.clear(steer);
        assert_eq!(ana.deploy("staging", &[&second])["state"], "succeeded");
        assert_eq!(ana.status("staging")["current"]["certain"], true);
    }
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let shop =
        Shop::with(&[("[environments.staging]", "[environments.staging]\ntimeout = \"1s\"\ngrace = \"1s\"")]);
    let ana = shop.ana();
    // Neither the shell nor what it started listens to a polite word.
    ana.script(
        "deploy.sh",
        "#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $$ $! > \"$SHOP/pids\"\nwait; wait; sleep 1000\n",
    );
    ana.commit_all("build: hang");
    ana.cut(&[]);
    let document = fails(&ana, &["deploy", "staging"]);
    assert_eq!(document["deployment"]["state"], "failed");
    for pid in shop.world.lines("pids")[0].split(' ') {
        crate::world::Process::of(pid.parse().unwrap()).is_gone();
    }
    assert!(ana.status("staging")["in_flight"].is_null());
}

#[test]
fn success_in_a_final_environment_tags_the_release_and_closes_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = on_staging(&shop);
    let commit = ana.tip();
    ana.commit("src/later.txt", "later", "feat: later");
    assert!(!shop.refs().contains_key("refs/tags/v0.1.0"));
    ana.deploy("prod", &[]);
    assert_eq!(shop.authority_git(&["rev-parse", "v0.1.0^{commit}"]), commit);
    assert_eq!(shop.authority_git(&["cat-file", "-t", "v0.1.0"]), "tag");
    let releases = ana.json(&["list"])["releases"].clone();
    assert_eq!(releases[0]["release"], "0.1.0");
    assert_eq!(releases[0]["closed"], true);
    assert_eq!(releases[0]["candidates"][0]["tag"], tag);
}

#[test]
fn a_failure_in_a_final_environment_tags_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    on_staging(&shop);
    shop.world.set("fail-deploy");
    fails(&ana, &["deploy", "prod"]);
    assert!(!shop.refs().contains_key("refs/tags/v0.1.0"));
    assert_eq!(ana.json(&["list"])["releases"][0]["closed"], false);
}

/// The final tag follows the outcome; where it cannot be made, that is a warning.
#[test]
fn a_final_tag_that_cannot_be_made_is_a_warning() {
    let shop = Shop::new();
    let ana = shop.ana();
    on_staging(&shop);
    ana.git(&["tag", "v0.1.0", "HEAD~1"]);
    ana.git(&["push", "--quiet", "origin", "v0.1.0"]);
    let theirs = shop.refs()["refs/tags/v0.1.0"].clone();
    let output = ana.rel(&["deploy", "prod", "--yes"]).ok();
    assert!(output.stderr.contains("v0.1.0"), "{output:?}");
    assert_eq!(shop.refs()["refs/tags/v0.1.0"], theirs, "a foreign tag is never touched");
    assert_eq!(ana.live("prod"), "v0.1.0-rc.1");
}

#[test]
fn every_new_candidate_goes_where_auto_deploy_says() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\nauto_deploy = true")]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    assert_eq!(ana.live("staging"), tag);
    assert_eq!(ana.live("prod"), "");
    let deployment = ana.json(&["log", "staging"])["deployments"][0].clone();
    assert_eq!(deployment["trigger"], "auto_deploy");
    assert_eq!(deployment["actor"], ana.person.actor());
    let kept_back = {
        ana.commit("src/window.txt", "window", "feat: window");
        ana.cut(&["--no-deploy"])
    };
    assert_eq!(ana.live("staging"), tag);
    ana.deploy("staging", &[&kept_back]);
    let fix = ana.commit("src/fix.txt", "fix", "fix: it");
    let picked = ana.json(&["cherry-pick", &fix, "--onto", "staging"]);
    assert_eq!(ana.live("staging"), string(&picked["candidate"]["tag"]), "a pick's too");
}

#[test]
fn an_automatic_deployment_that_fails_fails_the_cut() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\nauto_deploy = true")]);
    let ana = shop.ana();
    shop.world.set("fail-deploy");
    let document = ana.rel(&["cut", "--json"]).code(6).json();
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.1", "{document}");
    assert_eq!(document["deployment"]["state"], "failed", "{document}");
    assert!(shop.refs().contains_key("refs/tags/v0.1.0-rc.1"), "the candidate is made all the same");
}

#[test]
fn on_failure_rolls_back_by_itself() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    let first = on_staging(&shop);
    let second = ana.cut_new("window");
    shop.world.set(&format!("fail-{second}"));
    let document = fails(&ana, &["deploy", "staging"]);
    assert_eq!(document["deployment"]["state"], "failed");
    assert_eq!(document["rollback"]["state"], "succeeded");
    assert_eq!(document["rollback"]["tag"], first);
    assert_eq!(document["rollback"]["trigger"], "on_failure");
    assert_eq!(document["rollback"]["reverts"], document["deployment"]["id"]);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], first);
    assert_eq!(status["current"]["certain"], true);
    assert!(status["hold"].is_null(), "an automatic rollback holds nothing: {status}");
    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back"]);
}

#[test]
fn an_automatic_rollback_that_fails_too_is_the_end_of_it() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    on_staging(&shop);
    ana.cut_new("window");
    shop.world.set("fail-deploy");
    let document = fails(&ana, &["deploy", "staging"]);
    assert_eq!(document["rollback"]["state"], "failed");
    assert_eq!(ana.status("staging")["current"]["certain"], false);
    assert_eq!(shop.ran("staging").len(), 3, "nothing more runs by itself");
}

#[test]
fn order_comes_from_after() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["order"]);
    let default = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["order"]);
    assert!(default.ways_on().contains("rel deploy staging"), "{default:?}");
    // A failed deployment upstream does not count.
    shop.world.set("fail-deploy");
    fails(&ana, &["deploy", "staging"]);
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["order"]);
    shop.world.clear("fail-deploy");
    let passed = ana.deploy("prod", &["--override", "order", "--reason", "it burns"]);
    assert_eq!(passed["overrides"][0]["gate"], "order");
    assert!(!string(&passed["overrides"][0]["text"]).is_empty());
    assert_eq!(passed["reason"], "it burns");
}

#[test]
fn a_rollback_upstream_closes_the_way() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = on_staging(&shop);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    ana.rollback("staging", &[]);
    ana.refused_by(&["deploy", "prod", &second, "--yes"], 4, &["order"]);
    assert_eq!(ana.deploy("prod", &[])["tag"], first, "the newest that passed upstream");
}

#[test]
fn soak_waits() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\nsoak = \"1h\"")]);
    let ana = shop.ana();
    let tag = on_staging(&shop);
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["soak"]);
    let told = output.json().to_string();
    assert!(told.contains("passes at ") && told.contains(" UTC") && !told.contains(" here ("), "{told}");
    for ask in [&["deploy", "prod", "--dry-run"][..], &["status", "prod"]] {
        let output = ana.command(ask).env("TZ", "JST-9").output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains(" UTC") && told.contains(" here (+09:00)"), "{told}");
    }
    let next = ana.status("prod")["next"].clone();
    assert_eq!(next["tag"], tag);
    assert!(string(&next["ready_at"]).ends_with('Z'), "{next}");
    assert!(next["gates"].to_string().contains("soak"), "{next}");
    let done = ana.deploy("prod", &["--override", "soak", "--reason", "urgent"]);
    assert_eq!(done["overrides"][0]["gate"], "soak");
}

#[test]
fn approvals_come_from_others() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let tag = on_staging(&shop);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    ana.json(&["approve", &tag, "prod", "--reason", "my own"]);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    bob.json(&["approve", &tag, "prod", "--reason", "looked at it"]);
    bob.json(&["approve", &tag, "prod", "--withdraw"]);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    bob.json(&["approve", &tag, "prod"]);
    let done = ana.deploy("prod", &[]);
    assert_eq!(done["approvals"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["approvals"][0]["actor"], bob.person.actor());
    // For one candidate only.
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
}

/// In CI, whoever started the run does not count either.
#[test]
fn approvals_of_whoever_asked_for_it_do_not_count() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let tag = on_staging(&shop);
    bob.json(&["approve", &tag, "prod"]);
    let mut command = ana.command(&["deploy", "prod", "--yes", "--json"]);
    command.env("REL_ON_BEHALF_OF", bob.person.actor());
    let output = crate::world::Running::start(command).wait().code(4);
    assert_eq!(output.gates(), ["approvals"]);
}

#[test]
fn older_than_what_is_live_is_a_downgrade() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = on_staging(&shop);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    let output = ana.refused_by(&["deploy", "staging", &first, "--yes"], 4, &["downgrade"]);
    assert!(output.ways_on().contains("rel rollback staging"), "{output:?}");
    ana.deploy("staging", &[&first, "--override", "downgrade", "--reason", "compare"]);
    assert_eq!(ana.live("staging"), first);
    ana.deploy("staging", &[&second]);
}

#[test]
fn every_reason_at_once() {
    let shop =
        Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1\nsoak = \"1h\"")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let tag = ana.cut(&[]);
    bob.json(&["block", &tag, "--reason", "it leaks"]);
    bob.json(&["lock", "prod", "--reason", "stocktaking"]);
    let output = ana.refused_by(
        &["deploy", "prod", &tag, "--yes"],
        4,
        &["order", "soak", "approvals", "blocked", "held"],
    );
    let said = output.ways_on();
    for words in ["it leaks", "stocktaking", "rel unblock", "rel unlock", "rel approve", "rel deploy staging"]
    {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let all = [
        "--override",
        "order",
        "--override",
        "soak",
        "--override",
        "approvals",
        "--override",
        "blocked",
        "--reason",
        "now",
    ];
    ana.refused_by(&[&["deploy", "prod", &tag, "--yes"], all.as_slice()].concat(), 5, &["held"]);
    let done = ana.deploy("prod", &[&[tag.as_str()], all.as_slice(), &["--take-over", "1"]].concat());
    assert_eq!(done["overrides"].as_array().unwrap().len(), 4);
    assert!(ana.status("prod")["hold"].is_null(), "the take-over closed the hold");
}

#[test]
fn overrides_are_by_name_and_with_a_reason() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let usage = |args: &[&str]| {
        let before = ana.before();
        ana.rel(args).code(2);
        ana.unchanged(&before);
    };
    usage(&["deploy", "prod", &tag, "--yes", "--override", "order"]);
    usage(&["deploy", "prod", &tag, "--yes", "--override", "everything", "--reason", "x"]);
    usage(&["deploy", "prod", &tag, "--yes", "--override", "held", "--reason", "x"]);
    usage(&["deploy", "prod", &tag, "--yes", "--override", "busy", "--reason", "x"]);
    usage(&["deploy", "prod", &tag, "--yes", "--take-over", "1"]);
    usage(&["deploy", "prod", &tag, "--yes", "--force"]);
}

#[test]
fn busy_is_refused_and_waited_for() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let first = ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 1);
    let in_flight = bob.status("staging")["in_flight"].clone();
    assert_eq!(in_flight["id"], "staging#1");
    assert_eq!(in_flight["state"], "running");
    let output = bob.refused_by(&["deploy", "staging", "--yes"], 5, &["busy"]);
    assert_eq!(output.kind(), "busy");
    assert!(output.ways_on().contains("--take-over 1"), "{output:?}");
    bob.refused_by(&["rollback", "staging", "--yes"], 5, &["busy"]);
    let second = bob.cut_new("window");
    let waiting = bob.start(&["deploy", "staging", &second, "--yes", "--json", "--wait=1m"]);
    shop.world.clear("hold-staging");
    assert_eq!(running.wait().ok().json()["deployment"]["tag"], first);
    assert_eq!(waiting.wait().ok().json()["deployment"]["tag"], second);
    assert_eq!(ana.live("staging"), second);
}

#[test]
fn waiting_has_an_end_and_is_not_for_holds() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    ana.json(&["lock", "staging", "--reason", "lunch"]);
    bob.refused_by(&["deploy", "staging", "--yes", "--wait=1m"], 5, &["held"]);
    ana.json(&["unlock", "staging", "--reason", "back"]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 3);
    bob.rel(&["deploy", "staging", "--yes", "--json", "--wait=1s"]).code(5);
    shop.world.clear("hold-staging");
    running.wait().ok();
}

#[test]
fn a_take_over_closes_exactly_that_intent() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    let second = ana.cut_new("window");
    shop.world.set("hold-staging-1");
    let mine = ana.start(&["deploy", "staging", "v0.1.0-rc.1", "--yes", "--json"]);
    shop.world.running("staging", 1);
    bob.refused(&["deploy", "staging", &second, "--yes", "--take-over", "7", "--reason", "guess"], 5);
    let theirs = bob.start(&[
        "deploy",
        "staging",
        &second,
        "--yes",
        "--json",
        "--take-over",
        "1",
        "--reason",
        "ana is gone",
    ]);
    let done = theirs.wait().ok().json();
    shop.world.clear("hold-staging-1");
    assert_eq!(done["deployment"]["id"], "staging#2");
    let late = mine.wait().code(8);
    assert_eq!(late.kind(), "unpublished");
    assert_eq!(late.json()["deployment"]["id"], "staging#1");
    assert!(late.json()["error"].to_string().contains("bob"), "it names who took over: {late:?}");
    let log = bob.json(&["log", "staging"])["deployments"].clone();
    assert_eq!(log[1]["id"], "staging#1");
    assert_eq!(log[1]["state"], "unknown");
    assert_eq!(bob.live("staging"), second);
}

#[test]
fn commands_are_the_candidates_and_gates_are_trunks() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let cut_at = ana.tip();
    ana.script("deploy.sh", "#!/bin/sh\necho not me > \"$SHOP/wrong\"\n");
    ana.commit_all("build: deploy otherwise");
    let done = ana.deploy("staging", &[&tag]);
    assert!(shop.world.lines("wrong").is_empty());
    assert_eq!(done["commands_commit"], cut_at);
    assert_eq!(done["policy_commit"], ana.tip());
    // A gate that trunk has now holds for candidates of before.
    ana.reconfigure("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1");
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["approvals"]);
    // What the working tree says does not count.
    let toml = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.write("release.toml", &toml.replace("approvals = 1", "approvals = 0"));
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["approvals"]);
    let config = ana.dir.join("release.toml").to_str().unwrap().to_owned();
    ana.refused_by(&["deploy", "prod", &tag, "--yes", "--config", &config], 4, &["approvals"]);
}

#[test]
fn an_environment_the_candidate_does_not_know_uses_trunks() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.reconfigure(
        "[environments.prod]",
        "[environments.eu]\ndeploy = \"./deploy.sh\"\n\n[environments.prod]",
    );
    let done = ana.deploy("eu", &[&tag]);
    assert_eq!(done["commands_commit"], ana.tip());
}

#[test]
fn an_argv_command_is_run_as_it_is() {
    let shop = Shop::with(&[(
        "[environments.staging]\ndeploy = \"./deploy.sh\"\nverify = \"./verify.sh\"",
        "[environments.staging]\ndeploy = [\"./args.sh\", \"a b\", \"$HOME\", \"*\", \"; true\"]",
    )]);
    let ana = shop.ana();
    ana.script("args.sh", "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$SHOP/args\"\n");
    ana.commit_all("build: arguments");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert_eq!(shop.world.lines("args"), ["a b", "$HOME", "*", "; true"]);
}

#[test]
fn nothing_is_left_behind() {
    let shop = Shop::new();
    let ana = shop.ana();
    on_staging(&shop);
    ana.cut_new("window");
    shop.world.set("fail-deploy");
    fails(&ana, &["deploy", "staging"]);
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(fs::read_dir(shop.world.at("tmp")).unwrap().count(), 0);
    assert_eq!(ana.git(&["status", "--porcelain", "--untracked-files=all"]), "");
}

/// Whoever runs it deploys what the authority has, not what this clone saw last.
#[test]
fn the_authority_is_asked_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    on_staging(&shop);
    assert_eq!(bob.live("staging"), "v0.1.0-rc.1");
    let second = ana.cut_new("window");
    assert_eq!(bob.deploy("staging", &[])["tag"], second);
}

/// It ran, but its record could not be published: exit 8, and `rel sync` does it later.
#[test]
fn an_outcome_that_cannot_be_published_is_kept() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let remote = shop.authority();
    let away = shop.world.at("away.git");
    let script = format!("mv '{}' '{}'\n", remote.display(), away.display());
    fs::write(shop.world.shop().join("during-deploy"), script).unwrap();
    let mut command = ana.command(&["deploy", "staging", "--yes", "--json"]);
    command.env("REL_PUBLISH_TIMEOUT", "1");
    let output = crate::world::Running::start(command).wait().code(8);
    assert_eq!(output.kind(), "unpublished");
    assert_eq!(output.json()["deployment"]["state"], "succeeded");
    assert!(output.ways_on().contains("rel sync"), "{output:?}");
    fs::rename(away, remote).unwrap();
    fs::remove_file(shop.world.shop().join("during-deploy")).unwrap();
    let bob = shop.clone_for("bob");
    assert_eq!(bob.status("staging")["in_flight"]["id"], "staging#1", "until then it reads as running");
    ana.json(&["sync"]);
    assert_eq!(bob.live("staging"), tag);
    assert_eq!(shop.ran("staging").len(), 1, "it does not run again");
    assert_eq!(shop.events("env/staging").len(), 2, "intent and outcome, once each");
    ana.json(&["sync"]);
    assert_eq!(shop.events("env/staging").len(), 2);
}
