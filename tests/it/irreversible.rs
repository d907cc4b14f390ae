//! Points of no return: commits that say `Rollback-Safe: no`.

use crate::repo::{Desk, Shop};

/// A release that is live everywhere, and a second one with a point of no
/// return in it; the second's tag.
fn a_new_table(ana: &Desk<'_>) -> String {
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.commit("src/table.txt", "new\n", "feat: a new table\n\nRollback-Safe: no, it drops the old one");
    ana.cut_new("chair")
}

#[test]
fn it_is_shown_before_it_is_crossed_and_no_rollback_leaves_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = a_new_table(&ana);
    ana.deploy("staging", &[]);
    let plan = ana.rel(&["deploy", "prod", "--dry-run"]).ok().stdout;
    assert!(plan.contains("! no way back: ") && plan.contains("feat: a new table"), "{plan}");
    assert!(plan.contains("undo      none: there is no way back past "), "{plan}");
    ana.deploy("prod", &[]);
    let depth = ana.rel(&["status", "prod"]).ok().stdout;
    assert!(depth.contains("no way back past "), "{depth}");
    let refused = ana.refused_by(&["rollback", "prod", "--yes"], 4, &["irreversible"]);
    let why = refused.json()["error"]["reasons"][0]["message"].as_str().unwrap().to_owned();
    assert!(why.contains("feat: a new table") && why.contains("--override irreversible"), "{why}");
    ana.refused_by(&["rollback", "prod", "--to", "v0.1.0-rc.1", "--yes"], 4, &["irreversible"]);
    let deploy = ["deploy", "prod", "v0.1.0-rc.1", "--yes"];
    ana.refused_by(&deploy, 4, &["irreversible", "downgrade"]);
    let by_name =
        ["--override", "irreversible", "--override", "downgrade", "--reason", "the old one was kept"];
    let back = ana.json(&[&deploy[..], &by_name[..]].concat());
    assert_eq!(back["deployment"]["overrides"].as_array().unwrap().len(), 2, "{back}");
    assert_eq!((ana.live("prod"), ana.live("staging")), ("v0.1.0-rc.1".into(), tag));
}

#[test]
fn an_automatic_rollback_does_not_leave_it_and_says_so() {
    let shop = Shop::with(&[("final = true", "final = true\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    a_new_table(&ana);
    ana.deploy("staging", &[]);
    shop.world.set("fail-deploy");
    let failed = ana.rel(&["deploy", "prod", "--yes", "--json"]).code(6);
    assert!(failed.json().get("rollback").is_none(), "{failed:?}");
    let said = failed.stderr;
    assert!(said.contains("no automatic rollback: no way back past "), "{said}");
    shop.world.clear("fail-deploy");
    // What failed may have done its harm: a person does not go back either.
    ana.refused_by(&["rollback", "prod", "--yes"], 4, &["irreversible"]);
    ana.deploy("prod", &[]);
}

#[test]
fn a_pick_carries_it_and_its_other_form_is_no_loss() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.commit("src/wip.txt", "half\n", "feat: half done");
    let table = ana.commit("src/table.txt", "new\n", "fix: a new table\n\nRollback-Safe: no");
    ana.json(&["cherry-pick", &table, "--onto", "prod"]);
    ana.deploy("staging", &["v0.1.1-rc.1"]);
    ana.deploy("prod", &["v0.1.1-rc.1"]);
    ana.refused_by(&["rollback", "prod", "--yes"], 4, &["irreversible"]);
    // The next release has it from trunk, under another id.
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.rollback("prod", &[]);
    assert_eq!(ana.live("prod"), "v0.1.1-rc.1");
}
