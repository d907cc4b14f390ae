//! `rel rollback`: back to bytes that already exist.

use crate::repo::{Desk, Shop};

/// Candidates live on staging one after the other, the last on top.
fn live_in_turn<const N: usize>(ana: &Desk<'_>) -> [String; N] {
    std::array::from_fn(|n| {
        let tag = ana.cut_new(&format!("part{n}"));
        ana.deploy("staging", &[&tag]);
        tag
    })
}

fn unlock(ana: &Desk<'_>) {
    ana.json(&["unlock", "staging", "--reason", "looked at"]);
}

#[test]
fn after_a_success_to_what_was_live_before_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], second);
    assert_eq!(status["previous"]["tag"], first);
    let back = ana.rollback("staging", &["--reason", "errors"]);
    assert_eq!(back["tag"], first);
    assert_eq!(back["from_tag"], second);
    assert_eq!(back["reverts"], "staging#2");
    assert_eq!(back["trigger"], "person");
    assert_eq!(back["reason"], "errors");
    let env = shop.world.variables("deploy/staging-3/env");
    assert_eq!(env["REL_ACTION"], "rollback");
    assert_eq!(env["REL_TAG"], first);
    assert_eq!(env["REL_PREVIOUS_TAG"], second);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], first);
    assert_eq!(status["current"]["certain"], true);
    assert!(status["previous"].is_null(), "it popped down: {status}");
}

#[test]
fn after_a_failure_to_the_last_success() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [_, second] = live_in_turn(&ana);
    let third = ana.cut_new("roof");
    shop.world.set("fail-deploy");
    ana.rel(&["deploy", "staging", "--yes", "--json"]).code(6);
    shop.world.clear("fail-deploy");
    let back = ana.rollback("staging", &[]);
    assert_eq!(back["tag"], second);
    assert_eq!(back["reverts"], "staging#3");
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], second);
    assert_eq!(status["current"]["certain"], true);
    assert!(status["hold"].is_null(), "only a rollback from a success holds: {status}");
    ana.refused_by(&["deploy", "staging", &third, "--yes"], 4, &["rolled-back"]);
}

#[test]
fn a_failed_first_deployment_has_nothing_to_go_back_to() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.refused(&["rollback", "staging", "--yes"], 4);
    ana.cut(&[]);
    ana.refused(&["rollback", "staging", "--yes"], 4);
    shop.world.set("fail-deploy");
    ana.rel(&["deploy", "staging", "--yes", "--json"]).code(6);
    ana.refused(&["rollback", "staging", "--yes"], 4);
    shop.world.clear("fail-deploy");
    ana.deploy("staging", &[]);
    ana.refused(&["rollback", "staging", "--yes"], 4);
}

#[test]
fn a_rollback_from_a_success_holds_the_environment() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    ana.rollback("staging", &[]);
    let hold = ana.status("staging")["hold"].clone();
    assert_eq!(hold["token"], 3, "a rollback's hold has the rollback's number");
    assert_eq!(hold["cause"], "rollback");
    assert_eq!(hold["actor"], ana.person.actor());
    let third = ana.cut_new("roof");
    let output = ana.refused_by(&["deploy", "staging", &third, "--yes"], 5, &["held"]);
    assert_eq!(output.kind(), "held");
    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["held", "rolled-back"]);
    ana.refused(&["deploy", "staging", &third, "--yes", "--take-over", "2", "--reason", "guess"], 5);
    let done = ana.deploy("staging", &[&third, "--take-over", "3", "--reason", "fixed"]);
    assert_eq!(done["tag"], third);
    let status = ana.status("staging");
    assert!(status["hold"].is_null(), "{status}");
    assert_eq!(status["previous"]["tag"], first);
}

#[test]
fn the_policy_may_say_that_it_does_not_hold() {
    let shop =
        Shop::with(&[("[environments.staging]", "[environments.staging]\nhold_after_rollback = false")]);
    let ana = shop.ana();
    let [_, second] = live_in_turn(&ana);
    ana.rollback("staging", &[]);
    assert!(ana.status("staging")["hold"].is_null());
    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back"]);
}

#[test]
fn what_was_undone_comes_back_only_by_name() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    ana.rollback("staging", &[]);
    unlock(&ana);
    // Not by default either: the newest that was not rolled back is live.
    assert!(ana.json(&["deploy", "staging", "--yes"])["deployment"].is_null());
    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back"]);
    ana.refused_by(&["deploy", "prod", &second, "--yes"], 4, &["order"]);
    let done =
        ana.deploy("staging", &[&second, "--override", "rolled-back", "--reason", "it was the network"]);
    assert_eq!(done["overrides"][0]["gate"], "rolled-back");
    // The mark is cleared, here and for what comes after.
    assert_eq!(ana.deploy("prod", &[])["tag"], second);
    assert_eq!(ana.status("staging")["previous"]["tag"], first);
}

#[test]
fn further_back_needs_a_word() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second, third] = live_in_turn(&ana);
    assert_eq!(ana.rollback("staging", &[])["tag"], second);
    let output = ana.refused(&["rollback", "staging", "--yes"], 2);
    assert_eq!(output.kind(), "usage");
    assert!(output.ways_on().contains(&format!("--from {second}")), "{output:?}");
    // What is believed live is not: nothing is done.
    let before = ana.before();
    let document = ana.json(&["rollback", "staging", "--yes", "--from", &third]);
    assert!(document["deployment"].is_null(), "{document}");
    ana.unchanged(&before);
    // Its own hold does not refuse it.
    assert_eq!(ana.rollback("staging", &["--from", &second])["tag"], first);
    ana.refused(&["rollback", "staging", "--yes", "--from", &first], 4);
}

#[test]
fn to_goes_exactly_there() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, _, third] = live_in_turn(&ana);
    let before = ana.before();
    let document = ana.json(&["rollback", "staging", "--yes", "--to", &third]);
    assert!(document["deployment"].is_null(), "what is certainly live: nothing is run: {document}");
    ana.unchanged(&before);
    let back = ana.rollback("staging", &["--to", &first]);
    assert_eq!(back["tag"], first);
    assert_eq!(back["reverts"], "staging#3");
    let status = ana.status("staging");
    assert!(status["previous"].is_null(), "it popped down to it: {status}");
    assert_eq!(status["hold"]["cause"], "rollback");
}

#[test]
fn to_what_was_never_live_here_pushes() {
    let shop = Shop::new();
    let ana = shop.ana();
    let never = ana.cut(&[]);
    let [_] = live_in_turn(&ana);
    ana.rollback("staging", &["--to", &never]);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], never);
    // What it undid is below it, and is passed over.
    assert!(status["previous"].is_null(), "{status}");
    ana.refused(&["rollback", "staging", "--yes", "--from", &never], 4);
}

#[test]
fn what_is_blocked_is_skipped_and_said() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second, _] = live_in_turn(&ana);
    ana.json(&["block", &second, "--reason", "it leaks"]);
    let before = ana.before();
    let plan = ana.rel(&["rollback", "staging", "--dry-run"]).ok();
    assert!(plan.stdout.contains(&second) && plan.stdout.contains("it leaks"), "{plan:?}");
    ana.unchanged(&before);
    assert_eq!(ana.status("staging")["previous"]["tag"], first);
    let text = ana.rel(&["rollback", "staging", "--yes"]).ok();
    assert!(text.stderr.contains("it leaks") || text.stdout.contains("it leaks"), "{text:?}");
    assert_eq!(ana.live("staging"), first);
}

#[test]
fn what_was_rolled_back_from_here_is_skipped() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    ana.rollback("staging", &[]);
    unlock(&ana);
    let third = ana.cut_new("roof");
    ana.deploy("staging", &[&third]);
    let back = ana.rollback("staging", &[]);
    assert_eq!(back["tag"], first, "not {second}, which was itself rolled back");
}

#[test]
fn what_has_no_artifacts_left_is_skipped() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second, _] = live_in_turn(&ana);
    let bob = shop.clone_for("bob");
    let version = second.trim_start_matches('v');
    shop.authority_git(&["update-ref", "-d", &format!("refs/rel/shop/artifacts/{version}")]);
    let back = bob.rollback("staging", &[]);
    assert_eq!(back["tag"], first);
}

/// Where nobody can tell what a store has, nothing is passed over for it, and another clone would go
/// nowhere else.
#[test]
fn a_store_that_cannot_be_looked_at_is_no_reason_to_skip() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [_, second, _] = live_in_turn(&ana);
    let bob = shop.clone_for("bob");
    let told =
        format!("nobody can tell just now whether the artifacts of {second} are there; nothing changed");
    shop.authority_git(&["config", "uploadpack.hideRefs", "refs/rel"]);
    let hidden = bob.refused_by(&["rollback", "staging", "--yes"], 4, &["artifacts"]);
    assert_eq!(hidden.json()["error"]["message"], told.as_str());
    assert_eq!(bob.status("staging")["previous"]["tag"], second.as_str());
    shop.authority_git(&["config", "--unset", "uploadpack.hideRefs"]);

    let (store, away) = (shop.world.at("store"), shop.world.at("away"));
    ana.keep_artifacts_in(&store);
    let [third, fourth] = ["roof", "floor"].map(|new| {
        let tag = ana.cut_new(new);
        ana.deploy("staging", &[&tag]);
        tag
    });
    assert_eq!(bob.live("staging"), fourth);
    std::fs::rename(&store, &away).unwrap();
    for mounted in [false, true] {
        if mounted {
            std::fs::create_dir(&store).unwrap();
        }
        let gone = bob.refused_by(&["rollback", "staging", "--yes"], 4, &["artifacts"]);
        assert_eq!(gone.json()["error"]["message"], told.replace(&second, &third).as_str());
    }
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    assert_eq!(bob.rollback("staging", &[])["tag"], third.as_str());
}

#[test]
fn a_redeploy_is_no_step() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    let since = ana.status("staging")["current"]["since"].clone();
    ana.deploy("staging", &["--redeploy"]);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], second);
    assert_eq!(status["current"]["since"], since, "it has been live since the first time");
    assert_eq!(status["previous"]["tag"], first);
    assert_eq!(ana.rollback("staging", &[])["tag"], first);
}

#[test]
fn it_passes_the_gates_but_not_a_persons_hold() {
    let shop =
        Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1\nsoak = \"1h\"")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let skip = ["--override", "soak", "--override", "approvals", "--reason", "set-up"];
    let [first, _] = {
        let tags: [String; 2] = std::array::from_fn(|n| {
            let tag = ana.cut_new(&format!("part{n}"));
            ana.deploy("staging", &[&tag]);
            ana.deploy("prod", &[&[tag.as_str()], skip.as_slice()].concat());
            tag
        });
        tags
    };
    bob.json(&["lock", "prod", "--reason", "stocktaking"]);
    let output = ana.refused_by(&["rollback", "prod", "--yes"], 5, &["held"]);
    assert!(output.ways_on().contains("stocktaking"), "{output:?}");
    let token = ana.status("prod")["hold"]["token"].to_string();
    let back = ana.rollback("prod", &["--take-over", &token, "--reason", "it burns"]);
    assert_eq!(back["tag"], first);
}

#[test]
fn after_a_failed_rollback_that_rollback_once_more() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second, _] = live_in_turn(&ana);
    shop.world.set("fail-deploy");
    let document = ana.rel(&["rollback", "staging", "--yes", "--json"]).code(6).json();
    assert_eq!(document["deployment"]["state"], "failed");
    assert_eq!(document["deployment"]["tag"], second);
    let status = ana.status("staging");
    assert_eq!(status["hold"]["cause"], "rollback", "held from the moment its intent is published");
    assert_eq!(status["current"]["certain"], false);
    shop.world.clear("fail-deploy");
    let again = ana.rollback("staging", &[]);
    assert_eq!(again["tag"], second, "that rollback's target, not {first}");
    assert_eq!(ana.live("staging"), second);
    assert_eq!(ana.status("staging")["hold"]["cause"], "rollback");
    ana.refused_by(&["deploy", "staging", "v0.3.0-rc.1", "--yes"], 4, &["held", "rolled-back"]);
}

#[test]
fn the_next_candidate_does_not_bring_the_fault_back() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\nauto_deploy = true")]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.cut_new("window");
    ana.rollback("staging", &[]);
    ana.commit("src/roof.txt", "roof", "feat: roof");
    // The candidate is made; its automatic deployment is refused by the hold.
    let output = ana.rel(&["cut", "--json"]);
    assert_eq!(ana.live("staging"), first, "{output:?}");
    assert!(shop.refs().contains_key("refs/tags/v0.3.0-rc.1"), "{output:?}");
}

#[test]
fn it_needs_a_yes_and_dry_runs() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, _] = live_in_turn(&ana);
    ana.refused(&["rollback", "staging"], 2);
    let before = ana.before();
    let plan = ana.rel(&["rollback", "staging", "--dry-run"]).ok();
    assert!(plan.stdout.contains(&first), "{plan:?}");
    ana.unchanged(&before);
}

#[test]
fn it_says_how_to_undo_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [_, second] = live_in_turn(&ana);
    let output = ana.rel(&["rollback", "staging", "--yes"]).ok();
    let said = format!("{}{}", output.stdout, output.stderr).replace("\\\n", " ");
    assert!(said.contains(&format!("rel deploy staging {second}")), "{output:?}");
    assert!(said.contains("rel unlock staging"), "{output:?}");
}

#[test]
fn environments_are_revisions() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [first, second] = live_in_turn(&ana);
    ana.deploy("prod", &["staging"]);
    assert_eq!(ana.live("prod"), second);
    assert_eq!(ana.json(&["show", "staging@{1}"])["candidate"]["tag"], first);
    assert_eq!(ana.json(&["show", "staging"])["candidate"]["tag"], second);
    ana.rollback("staging", &["--to", "staging@{1}"]);
    assert_eq!(ana.live("staging"), first);
}
