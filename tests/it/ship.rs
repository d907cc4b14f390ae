//! `rel ship`: cut and deploy as one step, with the same records.

use crate::repo::Shop;

#[test]
fn it_walks_after_in_order() {
    let shop = Shop::new();
    let ana = shop.ana();
    let document = ana.json(&["ship", "prod", "--yes"]);
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.1");
    assert_eq!(document["deployment"]["environment"], "prod");
    assert_eq!(document["deployment"]["state"], "succeeded");
    assert_eq!(shop.world.lines("ran"), ["staging#1 deploy v0.1.0-rc.1", "prod#1 deploy v0.1.0-rc.1"]);
    assert_eq!(shop.world.lines("builds"), ["v0.1.0-rc.1"]);
    assert!(shop.refs().contains_key("refs/tags/v0.1.0"));
}

/// The same records as the two steps leave.
#[test]
fn it_leaves_what_two_steps_leave() {
    let records = |one_step: bool| {
        let shop = Shop::new();
        let ana = shop.ana();
        if one_step {
            ana.json(&["ship", "staging", "--yes"]);
        } else {
            ana.cut(&[]);
            ana.deploy("staging", &[]);
        }
        let refs: Vec<String> = shop.refs().into_keys().collect();
        let subjects = |chain: &str| {
            shop.authority_git(&["log", "--format=%s", &format!("refs/notes/rel/shop/{chain}")])
        };
        (refs, subjects("candidates"), subjects("env/staging"))
    };
    assert_eq!(records(true), records(false));
}

#[test]
fn again_there_is_nothing_to_do() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.json(&["ship", "prod", "--yes"]);
    let before = ana.before();
    let document = ana.json(&["ship", "prod", "--yes"]);
    assert!(document["deployment"].is_null(), "{document}");
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.1");
    ana.unchanged(&before);
}

#[test]
fn what_can_be_judged_is_judged_before_the_build() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.json(&["lock", "prod", "--reason", "stocktaking"]);
    ana.refused_by(&["ship", "prod", "--yes"], 5, &["held"]);
    assert!(shop.world.lines("builds").is_empty());
    ana.json(&["lock", "staging", "--reason", "lunch"]);
    ana.refused_by(&["ship", "prod", "--yes"], 5, &["held", "held"]);
}

#[test]
fn a_failure_on_the_way_ends_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.world.set("fail-deploy");
    let output = ana.rel(&["ship", "prod", "--yes", "--json"]).code(6);
    let document = output.json();
    assert_eq!(document["deployment"]["environment"], "staging");
    assert_eq!(document["deployment"]["state"], "failed");
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.1");
    assert!(shop.ran("prod").is_empty());
    shop.world.clear("fail-deploy");
    ana.json(&["ship", "prod", "--yes"]);
    assert_eq!(shop.world.lines("builds").len(), 1, "it goes on with what was built");
}

#[test]
fn a_failed_build_deploys_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.world.set("fail-build");
    ana.rel(&["ship", "staging", "--yes", "--json"]).code(6);
    assert!(shop.world.lines("ran").is_empty());
}

#[test]
fn it_needs_a_yes_and_a_commit_on_trunk() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.refused(&["ship", "staging"], 2);
    ana.refused(&["ship", "nowhere", "--yes"], 4);
    ana.git(&["checkout", "--quiet", "-b", "idea"]);
    ana.write("src/idea.txt", "idea");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "feat: idea"]);
    ana.refused_by(&["ship", "staging", "HEAD", "--yes"], 4, &["trunk"]);
    let before = ana.before();
    ana.rel(&["ship", "prod", "--dry-run"]).ok();
    ana.unchanged(&before);
}
