//! `rel record`: what another system did, and what can and cannot be done
//! with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::{Running, wait_until};

/// A project whose first commit somebody tagged `v1.4.0`.
fn tagged() -> Shop {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["tag", "v1.4.0", "HEAD~1"]);
    ana.git(&["push", "--quiet", "origin", "--tags"]);
    shop
}

/// Records, which must make something; the deployment.
#[track_caller]
fn record(desk: &Desk<'_>, args: &[&str]) -> Value {
    let deployment = desk.json(&[&["record"], args].concat())["deployment"].take();
    assert_eq!(deployment["trigger"], "recorded", "{args:?}: {deployment}");
    deployment
}

over_every_authority!(a_tag_of_somebody_elses_is_a_baseline);

fn a_tag_of_somebody_elses_is_a_baseline(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    ana.git(&["tag", "--annotate", "--message", "by hand", "v1.4.0", "HEAD~1"]);
    if kind != Kind::Local {
        ana.git(&["push", "--quiet", "origin", "--tags"]);
    }
    let before = shop.refs();
    let made = record(&ana, &["prod", "v1.4.0", "--succeeded", "-m", "it is what runs"]);
    for (member, value) in [
        ("id", "prod#1"),
        ("action", "deploy"),
        ("state", "succeeded"),
        ("tag", "v1.4.0"),
        ("version", "1.4.0"),
        ("reason", "it is what runs"),
        ("commit", &ana.git(&["rev-parse", "HEAD~1"])),
    ] {
        assert_eq!(made[member], value, "{made}");
    }
    assert_eq!((&made["certain"], made["host"].is_null()), (&true.into(), true));
    assert!(made["from_tag"].is_null() && made["commands_commit"].is_null(), "{made}");
    assert!(made.get("foreign_version").is_none(), "that is for the record: {made}");
    // Two events by one push, and nothing else.
    let events = shop.events("env/prod");
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event"]["kind"]).collect();
    assert_eq!(kinds, ["intent", "outcome"]);
    let after = shop.refs();
    let changed: Vec<&String> = after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    assert!(changed.iter().all(|name| name.starts_with("refs/notes/rel/shop/env/prod")), "{changed:?}");
    assert!(shop.ran("prod").is_empty(), "no command runs");
    // Everything counts from it.
    let status = ana.status("prod");
    assert_eq!(status["current"]["tag"], "v1.4.0");
    assert_eq!(status["current"]["version"], "1.4.0");
    assert_eq!(status["pending"], 1);
    assert!(status["previous"].is_null());
    let bob = shop.clone_for("bob");
    let text = bob.rel(&["status"]).ok().stdout;
    assert!(text.lines().any(|line| line.starts_with("prod") && line.contains("v1.4.0")), "{text}");
    let text = bob.rel(&["log", "prod"]).ok().stdout;
    assert!(text.contains("v1.4.0") && text.contains("recorded") && text.contains(" -  "), "{text}");
    assert_eq!(bob.json(&["log", "prod"])["deployments"][0], made);
    let list = ana.rel(&["list"]).ok().stdout;
    assert!(list.lines().any(|line| line.contains("v1.4.0") && line.contains("prod")), "{list}");
}

#[test]
fn a_commit_needs_no_tag() {
    let shop = Shop::new();
    let ana = shop.ana();
    let commit = ana.git(&["rev-parse", "HEAD~1"]);
    let made = record(&ana, &["staging", &commit[..10], "--succeeded"]);
    assert!(made["tag"].is_null() && made["version"].is_null(), "{made}");
    assert_eq!(made["commit"], commit);
    let current = ana.status("staging")["current"].clone();
    assert!(current["tag"].is_null() && current["version"].is_null(), "{current}");
    assert_eq!((&current["commit"], &ana.status("staging")["pending"]), (&made["commit"], &1.into()));
    let text = ana.rel(&["status"]).ok().stdout;
    assert!(text.contains(&format!(" {} ", &commit[..7])) && !text.contains(&commit), "{text}");
    let chain =
        shop.authority_git(&["log", "-1", "--skip=1", "--format=%s", "refs/notes/rel/shop/env/staging"]);
    assert_eq!(chain, format!("staging#1 deploy {} by ana, recorded", &commit[..7]));
    let notes = ana.git(&["notes", "--ref=rel/shop/env/staging", "show", &commit]);
    assert_eq!(notes.lines().filter(|line| line.starts_with("{\"id\":\"staging#1\"")).count(), 2);
    let found = ana.json(&["where", &commit]);
    assert_eq!(
        (&found["environments"][0]["live"], found["environments"][0]["tag"].is_null()),
        (&true.into(), true)
    );
    let text = ana.rel(&["where", &commit]).ok().stdout;
    assert!(text.contains(&format!("yes   {} ", &commit[..7])), "{text}");
    // A deployment over it is told the commit, and that it had no tag.
    ana.cut(&[]);
    let deployed = ana.deploy("staging", &[]);
    assert!(deployed["from_tag"].is_null(), "{deployed}");
    let env = shop.world.variables("deploy/staging-2/env");
    assert_eq!((env["REL_PREVIOUS_TAG"].as_str(), &env["REL_PREVIOUS_COMMIT"]), ("", &commit));
    let log = ana.rel(&["log", "staging"]).ok().stdout;
    assert!(log.contains(&format!("{} -> v0.1.0-rc.1", &commit[..7])), "{log}");
}

#[test]
fn what_is_live_already_is_not_recorded_twice() {
    let shop = tagged();
    let ana = shop.ana();
    record(&ana, &["prod", "v1.4.0", "--succeeded"]);
    let before = ana.before();
    // By its tag, its version, its commit, and the environment that has it.
    let commit = ana.git(&["rev-parse", "v1.4.0"]);
    for again in ["v1.4.0", "1.4.0", &commit, "HEAD~1", "prod"] {
        let document = ana.json(&["record", "prod", again, "--succeeded"]);
        assert!(document["deployment"].is_null(), "{again}: {document}");
    }
    assert!(ana.rel(&["record", "prod", "v1.4.0", "--succeeded"]).ok().stdout.contains("already"));
    ana.unchanged(&before);
    // What is uncertain is not live for sure, so it can be made so.
    record(&ana, &["prod", "HEAD", "--failed"]);
    assert_eq!(ana.status("prod")["current"]["certain"], false);
    assert_eq!(record(&ana, &["prod", "v1.4.0", "--succeeded"])["action"], "redeploy");
    assert_eq!(ana.status("prod")["current"]["certain"], true);
}

#[test]
fn nothing_goes_back_to_a_baseline() {
    let shop = tagged();
    let ana = shop.ana();
    record(&ana, &["staging", "HEAD~1", "--succeeded"]);
    record(
        &ana,
        &["staging", "v1.4.0", "--redeploy"].map(|arg| if arg == "--redeploy" { "--failed" } else { arg }),
    );
    record(&ana, &["staging", "v1.4.0", "--succeeded"]);
    let tag = ana.cut(&[]);
    let text = ana.rel(&["deploy", "staging", "--yes"]).ok().stderr;
    assert!(text.contains("none: v1.4.0 was recorded, not built by rel"), "{text}");
    assert!(text.contains("replaces v1.4.0"), "{text}");
    let output = ana.refused_by(&["rollback", "staging", "--yes"], 4, &["skipped", "skipped"]);
    assert!(output.ways_on().contains("v1.4.0: recorded, not built by rel"), "{output:?}");
    for to in ["v1.4.0", "staging@{1}", "HEAD~1"] {
        ana.refused(&["rollback", "staging", "--to", to, "--yes"], 4);
    }
    assert_eq!(ana.live("staging"), tag);
    // What lies below it can still be gone back to, past the baseline.
    record(&ana, &["staging", "v1.4.0", "--succeeded"]);
    let next = ana.cut_new("window");
    ana.deploy("staging", &[]);
    let back = ana.rel(&["rollback", "staging", "--yes"]).ok();
    assert!(back.stderr.contains("skipped   v1.4.0: recorded"), "{back:?}");
    assert_eq!(ana.live("staging"), tag, "and not {next}");
}

#[test]
fn a_rollback_from_a_baseline_promises_no_way_back_to_it() {
    let shop = tagged();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    record(&ana, &["staging", "v1.4.0", "--succeeded"]);
    assert!(ana.json(&["rollback", "staging", "--from", &tag, "--yes"])["deployment"].is_null());
    let output = ana.rel(&["rollback", "staging", "--from", "v1.4.0", "--yes"]).ok();
    assert_eq!(ana.live("staging"), tag);
    assert!(output.stdout.contains("open it") && !output.stdout.contains("undo"), "{output:?}");
}

#[test]
fn a_failure_over_a_baseline_says_that_it_has_to_be_put_back_by_hand() {
    let shop = Shop::with(&[("[environments.prod]", "on_failure = \"rollback\"\n\n[environments.prod]")]);
    let ana = shop.ana();
    record(&ana, &["staging", "HEAD", "--succeeded"]);
    ana.cut(&[]);
    shop.world.set("fail-deploy");
    let output = ana.rel(&["deploy", "staging", "--yes"]).code(6);
    assert!(output.stderr.contains("no automatic rollback"), "{output:?}");
    assert!(output.stderr.contains("was recorded, not built by rel"), "{output:?}");
    let short = &ana.tip()[..7];
    let status = ana.rel(&["status"]).ok().stdout;
    assert!(status.contains(&format!("rel record staging {short} --succeeded")), "{status}");
    assert!(!status.contains("rel rollback"), "{status}");
    ana.refused(&["rollback", "staging", "--yes"], 4);
}

#[test]
fn a_start_is_closed_by_what_became_of_it() {
    let shop = tagged();
    let ana = shop.ana();
    let started = record(&ana, &["prod", "v1.4.0", "--started"]);
    assert_eq!((&started["state"], started["finished_at"].is_null()), (&"running".into(), true));
    assert_eq!(ana.status("prod")["in_flight"]["id"], "prod#1");
    let text = ana.rel(&["status"]).ok().stdout;
    assert!(text.contains("rel record prod v1.4.0 --succeeded|--failed"), "{text}");
    // It has the environment: nothing else may begin, another start of the same neither.
    let bob = shop.clone_for("bob");
    for args in [
        &["record", "prod", "v1.4.0", "--started"][..],
        &["record", "prod", "HEAD", "--started"],
        &["record", "prod", "HEAD", "--succeeded"],
        &["record", "prod", "HEAD", "--failed"],
    ] {
        let output = bob.refused_by(args, 5, &["busy"]);
        assert!(output.ways_on().contains("rel record prod v1.4.0"), "{output:?}");
    }
    // The next run of this clone does not take it for one of its own that died.
    ana.rel(&["sync"]).ok();
    let ended = record(&bob, &["prod", "v1.4.0", "--succeeded"]);
    assert_eq!((&ended["id"], &ended["state"]), (&"prod#1".into(), &"succeeded".into()));
    assert_eq!(shop.events("env/prod").len(), 2, "the start, and what became of it");
    assert_eq!(ana.live("prod"), "v1.4.0");
    record(&ana, &["prod", "HEAD", "--started"]);
    let failed = record(&ana, &["prod", "HEAD", "--failed"]);
    assert_eq!((&failed["id"], &failed["state"]), (&"prod#2".into(), &"failed".into()));
    let status = ana.status("prod");
    assert_eq!((&status["current"]["tag"], &status["current"]["certain"]), (&"v1.4.0".into(), &false.into()));
}

#[test]
fn a_tag_that_moved_is_not_what_was_started() {
    let shop = tagged();
    let ana = shop.ana();
    let first = ana.git(&["rev-parse", "v1.4.0"]);
    record(&ana, &["prod", "v1.4.0", "--started"]);
    let move_to = |commit: &str| {
        ana.git(&["tag", "--force", "v1.4.0", commit]);
        ana.git(&["push", "--quiet", "--force", "origin", "v1.4.0"]);
    };
    move_to("HEAD");
    for said in ["--succeeded", "--failed"] {
        let output = ana.refused_by(&["record", "prod", "v1.4.0", said], 5, &["busy"]);
        let now = &ana.tip()[..7];
        let moved = format!("v1.4.0 was {} then, and is {now} by now", &first[..7]);
        assert!(output.ways_on().contains(&moved), "{output:?}");
        assert!(output.ways_on().contains("rel resolve prod#1 --succeeded|--failed"), "{output:?}");
    }
    move_to(&first);
    record(&ana, &["prod", "v1.4.0", "--succeeded"]);
    // What is live is not what the name stands for by then.
    move_to("HEAD");
    let made = record(&ana, &["prod", "v1.4.0", "--succeeded"]);
    assert_eq!((&made["action"], &made["commit"]), (&"deploy".into(), &ana.tip().into()));
    assert_eq!(ana.status("prod")["current"]["commit"], ana.tip());
}

#[test]
fn a_start_can_be_resolved_or_taken_over() {
    let shop = tagged();
    let ana = shop.ana();
    record(&ana, &["prod", "v1.4.0", "--started"]);
    assert_eq!(
        ana.json(&["resolve", "prod#1", "--succeeded", "-m", "looked"])["deployment"]["state"],
        "succeeded"
    );
    assert_eq!(ana.live("prod"), "v1.4.0");
    record(&ana, &["prod", "HEAD", "--started"]);
    let taken = record(&ana, &["prod", "HEAD", "--succeeded", "--take-over", "2", "-m", "it hangs"]);
    assert_eq!(taken["state"], "succeeded");
    assert_eq!(ana.status("prod")["unresolved"][0]["id"], "prod#2");
}

#[test]
fn a_hold_holds_for_records_too() {
    let shop = tagged();
    let ana = shop.ana();
    ana.json(&["lock", "prod", "--reason", "database"]);
    for said in ["--started", "--succeeded", "--failed"] {
        let output = ana.refused_by(&["record", "prod", "v1.4.0", said], 5, &["held"]);
        assert!(output.ways_on().contains("rel unlock prod --token 1"), "{output:?}");
    }
    let wrong = ["record", "prod", "v1.4.0", "--succeeded", "--take-over", "9", "-m", "x"];
    ana.refused_by(&wrong, 5, &["held"]);
    record(&ana, &["prod", "v1.4.0", "--succeeded", "--take-over", "1", "-m", "it is done"]);
    assert!(ana.status("prod")["hold"].is_null());
    // A start goes on under a hold that came later.
    record(&ana, &["prod", "HEAD", "--started"]);
    ana.json(&["lock", "prod", "--reason", "no more"]);
    record(&ana, &["prod", "HEAD", "--succeeded"]);
}

#[test]
fn a_candidate_that_another_system_deployed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let made = record(&ana, &["staging", &tag, "--succeeded"]);
    assert_eq!((&made["tag"], &made["version"]), (&tag.clone().into(), &"0.1.0-rc.1".into()));
    // It counts for `after`, and its success in a final environment closes the release.
    let output = ana.rel(&["record", "prod", "staging", "--succeeded"]).ok();
    assert!(output.stdout.contains("prod runs v0.1.0-rc.1 (prod#1, recorded); tagged v0.1.0"), "{output:?}");
    let released = shop.authority_git(&["rev-parse", "v0.1.0^{commit}"]);
    assert_eq!(released, ana.tip());
    assert_eq!(ana.json(&["list"])["releases"][0]["closed"], true);
    // It has bytes, so that it can be gone back to.
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    assert_eq!(ana.rollback("prod", &[])["tag"], tag);
    assert_eq!(ana.status("prod")["current"]["version"], "0.1.0-rc.1");
    // A commit is a commit, also where a candidate was made of it.
    let commit = record(&ana, &["staging", &ana.tip(), "--started"]);
    assert!(commit["tag"].is_null(), "{commit}");
    let said = ana.rel(&["record", "staging", &ana.tip(), "--succeeded"]).ok();
    assert!(said.stdout.contains("rel record staging v0.2.0-rc.1 --succeeded"), "{said:?}");
}

#[test]
fn a_candidate_whose_tag_is_another_by_now_is_not_recorded() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.authority_git(&["tag", "--force", &tag, "HEAD~1"]);
    ana.refused(&["record", "staging", &tag, "--succeeded"], 9);
}

#[test]
fn an_environment_vouches_for_no_more_than_its_candidates_own_name() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    record(&ana, &["staging", &tag, "--succeeded"]);
    shop.authority_git(&["tag", "--force", &tag, "main~1"]);
    for rev in [tag.as_str(), "staging"] {
        ana.refused(&["record", "prod", rev, "--succeeded"], 9);
    }
}

#[test]
fn a_baseline_upstream_does_not_satisfy_after() {
    let shop = tagged();
    let ana = shop.ana();
    ana.cut(&[]);
    record(&ana, &["staging", "HEAD", "--succeeded"]);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["order"]);
}

#[test]
fn what_is_older_than_a_baseline_is_a_downgrade() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.commit("src/a.txt", "a", "feat: a");
    record(&ana, &["staging", "HEAD", "--succeeded"]);
    ana.refused_by(&["deploy", "staging", "v0.1.0-rc.1", "--yes"], 4, &["downgrade"]);
    // Of what is on another branch nobody can say so.
    ana.git(&["checkout", "--quiet", "--detach"]);
    ana.write("src/b.txt", "b");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "fix: elsewhere"]);
    record(&ana, &["staging", "HEAD", "--succeeded"]);
    ana.deploy("staging", &["v0.1.0-rc.1"]);
}

#[test]
fn the_first_cut_counts_from_a_baseline() {
    let shop = Shop::new();
    let ana = shop.ana();
    let commit = ana.git(&["rev-parse", "HEAD~1"]);
    record(&ana, &["prod", &commit, "--succeeded"]);
    let tag = ana.cut(&[]);
    assert_eq!(tag, "v0.1.0-rc.1");
    let text = shop.authority_git(&["tag", "--list", "--format=%(contents)", &tag]);
    assert!(text.contains(&format!("Changes since {}:", &commit[..7])), "{text}");
    assert!(text.contains("hang the door") && !text.contains("open the shop"), "{text}");
    let shown = ana.rel(&["show", &tag]).ok().stdout;
    assert!(shown.contains(&format!("1 change since {}", &commit[..7])), "{shown}");
}

#[test]
fn what_cannot_be_recorded() {
    let shop = tagged();
    let ana = shop.ana();
    let output = ana.refused(&["record", "prod", "v9.9.9", "--succeeded"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("git fetch"), "{output:?}");
    assert_eq!(ana.refused(&["record", "prd", "v1.4.0", "--succeeded"], 4).kind(), "not-found");
    assert_eq!(ana.refused(&["record", "prod", "staging", "--succeeded"], 4).kind(), "not-found");
    ana.rel(&["record", "prod", "v1.4.0"]).code(2);
    ana.rel(&["record", "prod", "v1.4.0", "--started", "--failed"]).code(2);
    let before = ana.before();
    ana.rel(&["record", "prod", "v1.4.0", "--succeeded", "--offline"]).code(4);
    let dry = ana.json(&["record", "prod", "v1.4.0", "--succeeded", "--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["deployment"]["tag"]), (&true.into(), &"v1.4.0".into()));
    assert_eq!(string(&dry["deployment"]["state"]), "succeeded");
    ana.unchanged(&before);
}

#[test]
fn two_records_at_once_make_one_history() {
    let shop = tagged();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let runs = [
        ana.start(&["record", "prod", "v1.4.0", "--succeeded"]),
        bob.start(&["record", "prod", "v1.4.0", "--succeeded"]),
    ];
    for run in runs {
        run.wait().ok();
    }
    assert_eq!(shop.events("env/prod").len(), 2, "the second found it live already");
}

#[test]
fn a_start_passes_the_gates_of_a_deployment() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let before = ana.before();
    let output = ana.refused_by(&["record", "prod", &tag, "--started"], 4, &["order", "approvals"]);
    assert!(output.ways_on().contains(&format!("rel approve {tag} prod")), "{output:?}");
    assert!(output.ways_on().contains("--override GATE --reason WHY"), "{output:?}");
    ana.unchanged(&before);
    record(&ana, &["staging", &tag, "--succeeded"]);
    shop.clone_for("bob").json(&["approve", &tag, "prod"]);
    let started = record(&ana, &["prod", &tag, "--started"]);
    let gates = |deployment: &Value| -> Vec<String> {
        let gates = deployment["gates"].as_array().unwrap().iter();
        gates.map(|judged| format!("{} {}", string(&judged["gate"]), string(&judged["verdict"]))).collect()
    };
    assert_eq!(gates(&started), ["order passed", "approvals passed"]);
    assert_eq!(started["approvals"][0]["actor"], "bob <bob@example.com>");
    // What became of it is not judged again: it has happened.
    ana.json(&["block", &tag, "--reason", "leaks"]);
    let ended = record(&ana, &["prod", &tag, "--succeeded"]);
    assert_eq!((&ended["id"], &ended["state"]), (&started["id"], &"succeeded".into()));
    assert_eq!(gates(&ended), ["order passed", "approvals passed"], "as they were when it began");
}

#[test]
fn a_candidates_success_passes_the_gates_or_says_what_it_went_past() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let before = ana.before();
    let done = ["record", "prod", &tag, "--succeeded"];
    let output = ana.refused_by(&done, 4, &["order"]);
    assert!(output.ways_on().contains("--override order --reason WHY"), "{output:?}");
    let upstream =
        format!("rel deploy staging {tag}\nor, if it is there already: rel record staging {tag} --succeeded");
    assert!(output.ways_on().contains(&upstream), "{output:?}");
    ana.unchanged(&before);
    // By the name of another gate it does not pass, and never without a reason.
    ana.refused_by(&[&done[..], &["--override", "soak", "-m", "x"]].concat(), 4, &["order"]);
    ana.refused(&[&done[..], &["--override", "order"]].concat(), 2);
    ana.refused(&[&done[..], &["--override", "held", "-m", "x"]].concat(), 2);
    ana.unchanged(&before);
    let dry = [&done[..], &["--override", "order", "-m", "an emergency", "--dry-run"]].concat();
    assert_eq!(ana.json(&dry)["deployment"]["overrides"][0]["gate"], "order");
    ana.unchanged(&before);
    let made = record(&ana, &[&done[1..], &["--override", "order", "-m", "an emergency"]].concat());
    assert_eq!(made["overrides"][0]["gate"], "order");
    assert_eq!(made["overrides"][0]["text"], format!("{tag} has not succeeded on staging"));
    assert_eq!(made["reason"], "an emergency");
    let log = ana.rel(&["log", "prod"]).ok().stdout;
    assert!(log.contains("order") && log.contains("an emergency"), "{log}");
}

#[test]
fn what_failed_and_what_was_there_before_is_written_down_whatever_the_gates_say() {
    let frozen =
        r#"freeze = [{ from = "2000-01-01T00:00", to = "2100-01-01T00:00", tz = "UTC", reason = "always" }]"#;
    let prod = format!("after = [\"staging\"]\napprovals = 1\n{frozen}");
    let shop = Shop::with(&[("after = [\"staging\"]", prod.as_str())]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    assert_eq!(record(&ana, &["prod", "HEAD~1", "--succeeded"])["gates"], serde_json::json!([]));
    assert_eq!(record(&ana, &["prod", &tag, "--failed"])["state"], "failed");
    assert_eq!(ana.status("prod")["current"]["certain"], false);
    // Who asks beforehand is told, also of a commit, which nobody could approve.
    ana.refused_by(&["record", "prod", "HEAD", "--started"], 4, &["freeze"]);
    ana.refused_by(&["record", "prod", &tag, "--started"], 4, &["order", "approvals", "freeze"]);
    let started = record(&ana, &["prod", "HEAD", "--started", "--override", "freeze", "-m", "it burns"]);
    assert_eq!(started["overrides"][0]["gate"], "freeze");
}

#[test]
fn who_may_not_deploy_is_told_who_may_record() {
    let shop = Shop::with(&[("after = [\"staging\"]", "deployers = [\"bob@example.com\"]")]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let commit = ana.tip();
    for (rev, named) in [(&tag, tag.as_str()), (&commit, &commit[..7])] {
        let output = ana.refused_by(&["record", "prod", rev, "--started"], 4, &["deployers"]);
        let way = format!("rel record prod {named} --started|--succeeded, by one of: bob@example.com");
        assert!(output.ways_on().contains(&way), "{output:?}");
        assert!(!output.ways_on().contains("rel deploy"), "{output:?}");
    }
}

#[test]
fn no_gate_is_passed_by_name_where_none_is_asked() {
    let shop = tagged();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let passes = ["--override", "order", "-m", "an emergency"];
    let none = |args: &[&str], what: &str| {
        let output = ana.refused(&[args, &passes].concat(), 2);
        let message = string(&output.json()["error"]["message"]);
        assert_eq!(message, format!("no gate is asked of {what}: there is nothing to pass"));
        ana.rel(&[args, &passes, &["--dry-run"]].concat()).code(2);
    };
    none(&["record", "prod", &tag, "--failed"], "a failure");
    none(&["record", "prod", "v1.4.0", "--succeeded"], "a baseline that is there");
    record(&ana, &[&["prod", &tag, "--started"], &passes[..]].concat());
    none(&["record", "prod", &tag, "--succeeded"], "how a start ended");
    none(&["record", "prod", &tag, "--failed"], "how a start ended");
}

#[test]
fn what_another_system_puts_there_must_not_lose_a_fix() {
    let shop = Shop::with(&[("after = [\"staging\"]\n", "")]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    record(&ana, &["prod", &tag, "--succeeded"]);
    ana.git(&["checkout", "--quiet", "-b", "beside"]);
    let fix = ana.commit_here("src/till.txt", "mended\n", "fix: the till");
    ana.git(&["checkout", "--quiet", "main"]);
    let fixed = string(&ana.json(&["cherry-pick", &fix, "--onto", "prod"])["candidate"]["tag"]);
    record(&ana, &["prod", &fixed, "--succeeded"]);
    let (commit, next) = (ana.commit("src/a.txt", "a", "feat: a"), ana.cut(&[]));
    for (what, said) in [(&next, "--started"), (&next, "--succeeded"), (&commit, "--started")] {
        ana.refused_by(&["record", "prod", what, said], 4, &["lost-fix"]);
    }
    assert_eq!(ana.status("prod")["fixes_not_on_trunk"].as_array().unwrap().len(), 1);
    // It is asked like what it would let through, had nobody looked.
    let done = ["prod", &commit, "--succeeded"];
    ana.refused_by(&[&["record"], &done[..]].concat(), 4, &["lost-fix"]);
    record(&ana, &[&done[..], &["--override", "lost-fix", "-m", "it is there"]].concat());
    let live = &ana.status("prod")["fixes_not_on_trunk"];
    assert!(live.as_array().unwrap().is_empty(), "what is live lacks it: {live}");
    // A baseline does not settle what is owed.
    ana.refused_by(&["record", "prod", &next, "--succeeded"], 4, &["lost-fix"]);
}

#[test]
fn before_deploy_is_asked_before_a_start_and_no_other_hook_hears_of_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "hook.sh",
        "#!/bin/sh\ncat > \"$SHOP/told\"\nenv -0 > \"$SHOP/env\"\n\
         echo \"$REL_HOOK $REL_TAG\" >> \"$SHOP/hooked\"\n[ ! -e \"$SHOP/no\" ]\n",
    );
    let toml = std::fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    let hooks =
        "before_deploy = \"./hook.sh\"\nafter_deploy = \"./hook.sh\"\nafter_failure = \"./hook.sh\"\n";
    ana.commit("release.toml", &format!("{toml}\n[hooks]\n{hooks}"), "chore: hooks");
    let tag = ana.cut(&[]);
    shop.world.set("no");
    let before = ana.before();
    ana.refused_by(&["record", "staging", &tag, "--started"], 4, &["hook"]);
    ana.unchanged(&before);
    let over = record(&ana, &["staging", &tag, "--started", "--override", "hook", "-m", "they know"]);
    assert_eq!(over["overrides"][0]["gate"], "hook");
    let asked = shop.world.lines("hooked").len();
    assert!(shop.world.lines("hooked").iter().all(|line| *line == format!("before_deploy {tag}")));
    // What has happened asks nobody.
    record(&ana, &["staging", &tag, "--failed"]);
    record(&ana, &["staging", "HEAD~1", "--succeeded"]);
    assert_eq!(shop.world.lines("hooked").len(), asked);
    std::fs::remove_file(shop.world.shop().join("no")).unwrap();
    let commit = ana.git(&["rev-parse", "HEAD~2"]);
    let started = record(&ana, &["staging", &commit, "--started"]);
    assert_eq!(started["gates"][0]["gate"], "hook");
    // A bare commit has no tag, here as in every document.
    assert_eq!(shop.world.lines("hooked")[asked], "before_deploy ");
    let env = shop.world.variables("env");
    assert_eq!((env["REL_TAG"].as_str(), &env["REL_COMMIT"]), ("", &commit));
    let told: Value = serde_json::from_str(&shop.world.lines("told").join("\n")).unwrap();
    let custom = &told["customData"];
    assert!(custom["tag"].is_null() && custom["from_tag"].is_null(), "{told}");
    assert_eq!((&custom["commit"], started["tag"].is_null()), (&commit.into(), true));
}

/// Runs what records, and `meanwhile` between its judgement and its first push.
fn before_the_push(desk: &Desk<'_>, args: &[&str], meanwhile: impl FnOnce()) -> crate::output::Output {
    let world = &desk.shop.world;
    let bin = world.at("bin");
    fs::create_dir_all(&bin).unwrap();
    let wrapper = format!(
        "#!/bin/sh\ncase \" $* \" in *' push '*) if [ ! -e \"$SHOP/pushing\" ]; then\n\
         : > \"$SHOP/pushing\"; while [ ! -e \"$SHOP/go\" ]; do sleep 0.02; done\nfi;; esac\nexec '{}' \"$@\"\n",
        world.which("git").display()
    );
    fs::write(bin.join("git"), wrapper).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = desk.command(&[args, &["--json"]].concat());
    command.env("PATH", world.path_with(&bin));
    let run = Running::start(command);
    wait_until("it pushes", || world.shop().join("pushing").exists());
    meanwhile();
    world.set("go");
    run.wait()
}

#[test]
fn before_deploy_is_asked_where_somebody_ends_the_start_first() {
    let shop = Shop::new();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    ana.script("hook.sh", "#!/bin/sh\necho asked >> \"$SHOP/hooked\"\n[ ! -e \"$SHOP/no\" ]\n");
    let toml = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &format!("{toml}\n[hooks]\nbefore_deploy = \"./hook.sh\"\n"), "chore: hook");
    let tag = ana.cut(&[]);
    let again = || {
        shop.world.clear("pushing");
        shop.world.clear("go");
    };
    let done = ["record", "staging", &tag, "--succeeded"];
    record(&ana, &["staging", &tag, "--started"]);
    shop.world.set("no");
    let resolve = |id: &str| drop(bob.json(&["resolve", id, "--failed", "-m", "it is gone"]));
    let refused = before_the_push(&ana, &done, || resolve("staging#1")).code(4);
    assert_eq!((refused.gates(), shop.events("env/staging").len()), (vec!["hook".to_owned()], 2));
    assert_eq!(shop.world.lines("hooked").len(), 2, "at the start, and now");
    shop.world.clear("no");
    again();
    record(&ana, &["staging", &tag, "--started"]);
    let made = before_the_push(&ana, &done, || resolve("staging#2")).ok().json()["deployment"].take();
    assert_eq!((&made["id"], &made["gates"][0]["gate"]), (&"staging#3".into(), &"hook".into()));
    assert_eq!(shop.world.lines("hooked").len(), 4);
}
