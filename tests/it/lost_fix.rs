//! Fixes that are live and must not be lost: the gate `lost-fix`, `rel waive`.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// A fix that was made beside trunk, live everywhere on top of the first
/// release; the fix's commit, and what it became.
fn a_live_fix(ana: &Desk<'_>) -> (String, String) {
    live(ana, |ana| {
        ana.git(&["checkout", "--quiet", "-b", "beside"]);
        let fix = ana.commit_here("src/till.txt", "mended\n", "fix: the till");
        ana.git(&["checkout", "--quiet", "main"]);
        fix
    })
}

/// The same for a fix that is made this way.
fn live(ana: &Desk<'_>, make: impl Fn(&Desk<'_>) -> String) -> (String, String) {
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let fix = make(ana);
    let made = ana.json(&["cherry-pick", &fix, "--onto", "prod"]);
    assert_eq!(made["candidate"]["tag"], "v0.1.1-rc.1", "{made}");
    ana.deploy("staging", &["v0.1.1-rc.1"]);
    ana.deploy("prod", &["v0.1.1-rc.1"]);
    (fix, string(&made["candidate"]["commit"]))
}

fn short(id: &str) -> &str {
    &id[..7]
}

/// What the gate says of a deployment to prod.
fn judged(deployment: &Value) -> (String, String) {
    let gates = deployment["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["gate"] == "lost-fix").cloned().unwrap_or_default();
    (gate["verdict"].as_str().unwrap_or("-").to_owned(), gate["text"].as_str().unwrap_or("-").to_owned())
}

#[test]
fn the_next_release_does_not_drop_a_fix_in_silence() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (fix, form) = a_live_fix(&ana);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    let cut = ana.rel(&["cut"]).ok();
    let warned = cut.stderr;
    assert!(warned.contains("warning: lost-fix on prod, staging\n  live, but not in it: "), "{warned}");
    let line = format!("{} \"fix: the till\" (picked by ana, ", short(&form));
    assert!(warned.contains(&line) && warned.contains("; not on trunk)"), "{warned}");
    assert!(warned.contains(&format!("bring it to trunk: git cherry-pick -x {}", short(&form))), "{warned}");
    let fixes = ana.status("prod")["fixes_not_on_trunk"].clone();
    assert_eq!(fixes[0]["source"], fix, "{fixes}");

    // Where it is not final the policy asks for a warning.
    let staged = ana.deploy("staging", &["v0.2.0-rc.1"]);
    let (verdict, text) = judged(&staged);
    assert_eq!(verdict, "warned");
    assert!(text.contains(&line), "{text}");
    let refused = ana.refused_by(&["deploy", "prod", "v0.2.0-rc.1", "--yes"], 4, &["lost-fix"]);
    let why = refused.json()["error"]["reasons"][0]["message"].as_str().unwrap().to_owned();
    assert!(why.contains(&line), "{why}");
    assert!(why.contains(&format!("rel cherry-pick {} --onto 0.2.0", short(&fix))), "{why}");
    assert!(why.contains(&format!("rel waive {} --reason WHY", short(&form))), "{why}");
    let next = ana.status("prod")["next"].clone();
    assert_eq!((&next["tag"], &next["gates"][0]["gate"]), (&"v0.2.0-rc.1".into(), &"lost-fix".into()));

    // What it says to type is enough.
    ana.json(&["cherry-pick", &fix, "--onto", "0.2.0"]);
    ana.deploy("staging", &["v0.2.0-rc.2"]);
    let done = ana.deploy("prod", &["v0.2.0-rc.2"]);
    assert_eq!(judged(&done), ("passed".into(), "lost-fix".into()));
}

#[test]
fn an_override_is_recorded_and_settles_nothing_and_a_waiver_settles_it_for_good() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (_, form) = a_live_fix(&ana);
    let lacking = ana.cut_new("window");
    ana.deploy("staging", &[&lacking]);
    let passed = ana.deploy("prod", &[&lacking, "--override", "lost-fix", "--reason", "the till is gone"]);
    assert_eq!(judged(&passed).0, "overridden");
    assert!(string(&passed["overrides"][0]["text"]).contains(short(&form)), "{passed}");

    // Nothing that is live has it any more, and still it is owed.
    let next = ana.cut_new("counter");
    ana.deploy("staging", &[&next]);
    ana.refused_by(&["deploy", "prod", &next, "--yes"], 4, &["lost-fix"]);
    let usage = ana.rel(&["waive", &form]).code(2);
    assert!(usage.stderr.contains("waive needs a reason"), "{usage:?}");
    let waived = ana.json(&["waive", short(&form), "--reason", "the till is gone"]);
    assert_eq!((&waived["commits"][0], &waived["changed"]), (&form.clone().into(), &true.into()));
    assert_eq!(ana.json(&["waive", &form, "--reason", "again"])["changed"], false);
    let done = ana.deploy("prod", &[&next]);
    assert_eq!(judged(&done).0, "-", "nobody is owed it any more");
    let last = ana.cut_new("cellar");
    ana.deploy("staging", &[&last]);
    ana.deploy("prod", &[&last]);
}

#[test]
fn a_fix_is_contained_in_whatever_form() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (fix, form) = a_live_fix(&ana);
    let dry = |tag: &str| {
        let args =
            ["deploy", "prod", tag, "--dry-run", "--override", "order", "--reason", "looking", "--json"];
        let output = ana.rel(&args);
        if output.code == 4 { output.gates().join(" ") } else { judged(&output.ok().json()["deployment"]).0 }
    };
    // The same lines under another message, which say nothing of where they are from.
    ana.git(&["checkout", "--quiet", "-b", "other", "HEAD"]);
    let same = ana.commit("src/till.txt", "mended\n", "fix: mend what rings");
    let by_patch = ana.cut(&[]);
    assert_eq!(dry(&by_patch), "passed", "by an equal patch");
    let found = ana.json(&["where", &fix]);
    let there = |tag: &str| {
        let candidates = found["candidates"].as_array().unwrap();
        let one = candidates.iter().find(|one| one["tag"] == tag).cloned().unwrap_or_default();
        (one["via"].clone(), one["as"].clone())
    };
    assert_eq!(there(&by_patch), ("patch".into(), same.clone().into()));
    assert_eq!(there("v0.1.1-rc.1"), ("pick".into(), form.clone().into()));
    // Taken back there, it is not contained.
    ana.git(&["revert", "--no-edit", &same]);
    ana.push();
    let reverted = ana.cut(&[]);
    assert_eq!(dry(&reverted), "lost-fix");
    // By the line that `git cherry-pick -x` writes, of the commit or of its pick.
    ana.write("src/till.txt", "rings\n");
    ana.commit_all(&format!("fix: it rings\n\n(cherry picked from commit {form})\n"));
    let by_line = ana.cut(&[]);
    assert_eq!(dry(&by_line), "passed", "by what its message says");
    // A pick of it, recorded by rel, on top of what lacks it.
    let again = ana.json(&["cherry-pick", &fix, "--onto", "v0.1.0-rc.1"]);
    let onto_old = string(&again["candidate"]["tag"]);
    assert_eq!(dry(&onto_old), "passed", "by a recorded pick of the same commit");
}

#[test]
fn a_revert_takes_it_away_and_a_revert_of_the_revert_gives_it_back() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (fix, _) = live(&ana, |ana| {
        ana.commit("src/wip.txt", "half\n", "feat: half done");
        ana.commit("src/till.txt", "mended\n", "fix: the till")
    });
    let deploys = |code: i32| {
        let tag = ana.cut(&[]);
        let args = ["deploy", "prod", &tag, "--dry-run", "--override", "order", "--reason", "looking"];
        ana.rel(&args).code(code)
    };
    deploys(0);
    ana.git(&["revert", "--no-edit", &fix]);
    ana.push();
    let revert = ana.tip();
    let said = deploys(4).stderr;
    let there = format!("on trunk as {}, reverted there by {}", short(&fix), short(&revert));
    assert!(said.contains(&there) && said.contains(&format!("git revert {}", short(&revert))), "{said}");
    let found = ana.json(&["where", &fix]);
    assert_eq!((&found["on_trunk"], &found["reverted_by"]), (&true.into(), &revert.clone().into()));
    assert_eq!(found["environments"][1]["live"], true, "it is live where it was not taken back");
    ana.git(&["revert", "--no-edit", &revert]);
    ana.push();
    deploys(0);
    assert_eq!(ana.json(&["where", &fix])["reverted_by"], Value::Null);
    ana.git(&["revert", "--no-edit", "HEAD"]);
    ana.push();
    deploys(4);
    // It was wrong to begin with.
    ana.json(&["waive", &fix, "--reason", "it was wrong"]);
    ana.commit("src/more.txt", "more\n", "feat: more");
    deploys(0);
}

#[test]
fn a_merge_that_is_reverted_takes_what_it_brought() {
    let shop = Shop::new();
    let ana = shop.ana();
    live(&ana, |ana| {
        ana.git(&["checkout", "--quiet", "-b", "side"]);
        let fix = ana.commit_here("src/till.txt", "mended\n", "fix: the till");
        ana.git(&["checkout", "--quiet", "main"]);
        ana.git(&["merge", "--quiet", "--no-ff", "--message", "merge the till", "side"]);
        ana.push();
        fix
    });
    ana.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    ana.push();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[&tag]);
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["lost-fix"]);
}

#[test]
fn a_branch_that_nobody_pushed_is_no_obstacle() {
    let shop = Shop::new();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    bob.git(&["checkout", "--quiet", "-b", "beside"]);
    let fix = bob.commit_here("src/till.txt", "mended\n", "fix: the till");
    bob.json(&["cherry-pick", &fix, "--onto", "prod"]);
    ana.deploy("staging", &["v0.1.1-rc.1"]);
    ana.deploy("prod", &["v0.1.1-rc.1"]);
    let lacking = ana.cut_new("window");
    ana.deploy("staging", &[&lacking]);
    ana.refused_by(&["deploy", "prod", &lacking, "--yes"], 4, &["lost-fix"]);
    // It reaches trunk as something else, which says where it is from.
    ana.write("src/till.txt", "mended otherwise\n");
    ana.commit_all(&format!("fix: the till\n\n(cherry picked from commit {fix})\n"));
    let with = ana.cut(&[]);
    ana.deploy("staging", &[&with]);
    assert_eq!(judged(&ana.deploy("prod", &[&with])).0, "passed");
}

#[test]
fn a_squashed_fix_is_settled_by_saying_which_commit_it_is_in() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (_, form) = a_live_fix(&ana);
    let lacking = ana.cut_new("window");
    ana.write("src/till.txt", "mended, and more\n");
    let squashed = ana.commit("src/counter.txt", "a counter\n", "feat: a counter (#12)");
    let with = ana.cut(&[]);
    ana.deploy("staging", &[&with]);
    ana.refused_by(&["deploy", "prod", &with, "--yes"], 4, &["lost-fix"]);
    ana.refused(&["waive", &form, "--as", &form, "--reason", "squashed"], 4);
    let waived = ana.json(&["waive", &form, "--as", &squashed, "--reason", "squashed"]);
    assert_eq!(waived["as"], squashed);
    // What comes before that commit lacks it all the same.
    let why = ["--override", "order", "--reason", "looking"];
    ana.refused_by(&[&["deploy", "prod", &lacking, "--yes"], &why[..]].concat(), 4, &["lost-fix"]);
    ana.deploy("prod", &[&with]);
    assert_eq!(ana.json(&["where", &form])["on_trunk_as"], squashed);
}

#[test]
fn what_a_rollback_leaves_behind_stays_owed() {
    let shop = Shop::with(&[("final = true", "final = true\nhold_after_rollback = false")]);
    let ana = shop.ana();
    let (_, form) = a_live_fix(&ana);
    let plan = ana.rel(&["rollback", "prod", "--dry-run"]).ok().stdout;
    assert!(plan.contains(short(&form)) && plan.contains("stays owed"), "{plan}");
    ana.rollback("prod", &[]);
    assert_eq!(ana.live("prod"), "v0.1.0-rc.1");
    let next = ana.cut_new("window");
    ana.deploy("staging", &[&next]);
    let refused = ana.refused_by(&["deploy", "prod", &next, "--yes"], 4, &["lost-fix"]);
    assert!(refused.stderr.contains("owed, but not in it: "), "it is not live any more: {refused:?}");
    // A rollback never waits for it.
    let with = ana.json(&["cherry-pick", &form, "--onto", "0.2.0"]);
    let with = string(&with["candidate"]["tag"]);
    ana.deploy("staging", &[&with]);
    ana.deploy("prod", &[&with]);
    ana.rollback("prod", &[]);
    assert_eq!(ana.live("prod"), "v0.1.0-rc.1");
}

#[test]
fn the_policy_says_where_it_counts_and_paths_say_for_what() {
    let shop = Shop::with(&[
        ("remote = \"origin\"", "remote = \"origin\"\npaths = [\"src/\"]"),
        ("final = true", "final = true\nlost_fix = \"warn\""),
        ("[environments.prod]", "lost_fix = \"off\"\n\n[environments.prod]"),
    ]);
    let ana = shop.ana();
    a_live_fix(&ana);
    let lacking = ana.cut_new("window");
    assert_eq!(judged(&ana.deploy("staging", &[&lacking])).0, "-");
    assert_eq!(judged(&ana.deploy("prod", &[&lacking])).0, "warned");
    // A fix outside of the project is nobody's loss.
    ana.git(&["checkout", "--quiet", "beside"]);
    let manual = ana.commit_here("docs/manual.txt", "how to\n", "docs: how to");
    ana.git(&["checkout", "--quiet", "main"]);
    let made = ana.json(&["cherry-pick", &manual, "--onto", "prod"]);
    let with = string(&made["candidate"]["tag"]);
    ana.json(&["waive", "beside~1", "--reason", "the till is gone"]);
    ana.deploy("staging", &[&with]);
    ana.deploy("prod", &[&with]);
    let next = ana.cut_new("counter");
    ana.deploy("staging", &[&next]);
    assert_eq!(judged(&ana.deploy("prod", &[&next])).0, "-");
}

#[test]
fn a_fix_that_is_taken_back_where_it_is_live_has_to_be_waived_once() {
    let shop = Shop::new();
    let ana = shop.ana();
    let (fix, form) = a_live_fix(&ana);
    ana.git(&["checkout", "--quiet", "beside"]);
    ana.git(&["revert", "--no-edit", &fix]);
    let revert = ana.tip();
    ana.git(&["checkout", "--quiet", "main"]);
    let made = ana.json(&["cherry-pick", &revert, "--onto", "prod"]);
    let back = string(&made["candidate"]["tag"]);
    ana.deploy("staging", &[&back]);
    ana.refused_by(&["deploy", "prod", &back, "--yes"], 4, &["lost-fix"]);
    ana.deploy("prod", &[&back, "--override", "lost-fix", "--reason", "it was wrong"]);
    // A revert of what trunk never had is nothing that it lacks.
    let tag = ana.cut_new("window");
    ana.deploy("staging", &[&tag]);
    let refused = ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["lost-fix"]);
    let why = string(&refused.json()["error"]["reasons"][0]["message"]);
    assert!(why.contains(short(&form)) && !why.contains("Revert"), "{why}");
    ana.json(&["waive", &fix, "--reason", "it was wrong"]);
    ana.deploy("prod", &[&tag]);
}

#[test]
fn ship_asks_before_it_builds() {
    let shop = Shop::new();
    let ana = shop.ana();
    a_live_fix(&ana);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    ana.refused_by(&["ship", "prod", "--yes"], 4, &["lost-fix"]);
    let why = ["--override", "lost-fix", "--reason", "the till is gone"];
    let shipped = ana.json(&[&["ship", "prod", "--yes"], &why[..]].concat());
    assert_eq!(shipped["deployment"]["state"], "succeeded", "{shipped}");
}
