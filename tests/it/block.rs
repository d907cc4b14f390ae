//! `rel block`, `rel unblock` and `rel approve`: inputs to gates.

use crate::repo::Shop;

#[test]
fn a_blocked_candidate_is_not_deployed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let second = ana.cut_new("window");
    ana.json(&["block", &second, "--reason", "it leaks"]);
    let output = ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["blocked"]);
    assert!(output.ways_on().contains("it leaks") && output.ways_on().contains("rel unblock"), "{output:?}");
    assert_eq!(ana.deploy("staging", &[])["tag"], first, "nor by default: the newest that is not");
    let blocked = ana.json(&["show", &second])["candidate"]["blocked"].clone();
    assert!(!blocked.is_null() && blocked != false, "{blocked}");
    ana.json(&["unblock", &second, "--reason", "it does not"]);
    assert_eq!(ana.deploy("staging", &[])["tag"], second);
}

#[test]
fn a_blocked_release_blocks_all_its_candidates() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let second = ana.cut(&["--again"]);
    ana.json(&["block", "0.1.0", "--reason", "the licence"]);
    let third = ana.cut(&["--again"]);
    for tag in [&first, &second, &third] {
        ana.refused_by(&["deploy", "staging", tag, "--yes"], 4, &["blocked"]);
    }
    ana.json(&["unblock", "0.1.0", "--reason", "bought"]);
    ana.deploy("staging", &[&first]);
}

#[test]
fn it_can_be_overridden_by_name() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.json(&["block", &tag, "--reason", "it leaks"]);
    let done = ana.deploy("staging", &[&tag, "--override", "blocked", "--reason", "leaks less"]);
    assert_eq!(done["overrides"][0]["gate"], "blocked");
}

#[test]
fn nothing_but_blocked_ones_is_nothing_to_deploy() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.json(&["block", &tag, "--reason", "it leaks"]);
    ana.refused(&["deploy", "staging", "--yes"], 4);
}

#[test]
fn only_what_exists_can_be_blocked_or_approved() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    for args in [
        vec!["block", "v0.1.0-rc.2", "--reason", "x"],
        vec!["block", "7.0.0", "--reason", "x"],
        vec!["approve", "v0.1.0-rc.2", "prod"],
        vec!["approve", &tag, "prd"],
    ] {
        assert_eq!(ana.refused(&args, 4).kind(), "not-found", "{args:?}");
    }
    let before = ana.before();
    ana.rel(&["block", &tag, "--reason", "x", "--dry-run"]).ok();
    ana.rel(&["approve", &tag, "prod", "--dry-run"]).ok();
    ana.unchanged(&before);
}

#[test]
fn a_rollback_ends_the_approvals_of_what_it_undid() {
    let shop = Shop::with(&[("after = [\"staging\"]", "approvals = 1")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    for part in ["window", "roof"] {
        let tag = ana.cut_new(part);
        bob.json(&["approve", &tag, "prod"]);
        ana.deploy("prod", &[&tag]);
    }
    ana.rollback("prod", &[]);
    ana.json(&["unlock", "prod", "--reason", "looked at"]);
    ana.refused_by(&["deploy", "prod", "v0.2.0-rc.1", "--yes"], 4, &["approvals", "rolled-back"]);
}
