//! A week of fixes, told from a shell: two people, three releases, and nothing
//! that was mended breaks again.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

fn tag(document: &Value) -> String {
    string(&document["candidate"]["tag"])
}

/// Through staging to prod.
fn release(desk: &Desk<'_>, tag: &str) -> Value {
    desk.deploy("staging", &[tag]);
    desk.deploy("prod", &[tag])
}

#[test]
fn a_week_of_two_people_and_three_releases() {
    let shop = Shop::with(&[("final = true", "final = true\napprovals = 1\nsoak = \"0s\"")]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let approved = |tag: &str| {
        bob.json(&["approve", tag, "prod"]);
    };
    // Monday: 0.1.0 goes out.
    let first = ana.cut(&[]);
    ana.deploy("staging", &[&first]);
    approved(&first);
    ana.deploy("prod", &[&first]);

    // Tuesday: trunk has gone on and is not ready; a fault is found, and mended on trunk.
    ana.commit("src/app.txt", "one, rebuilt\n", "feat: rebuild the front");
    let second = ana.cut(&[]);
    assert_eq!(second, "v0.2.0-rc.1");
    let hinge = ana.commit("src/door.txt", "a door\nwith a hinge\n", "fix: the door falls out");
    let front = ana.commit("src/app.txt", "one, rebuilt\nand painted\n", "fix: the front peels");

    // The hinge applies everywhere; which release is meant has to be said.
    ana.refused(&["cherry-pick", &hinge], 2);
    let both = ana.json(&["cherry-pick", &hinge, "--since", "0.1.0"]);
    let made: Vec<String> =
        both["candidates"].as_array().unwrap().iter().map(|one| string(&one["tag"])).collect();
    assert_eq!(made, ["v0.1.1-rc.1", "v0.2.0-rc.2"]);
    // What was approved before was another candidate.
    ana.deploy("staging", &["v0.1.1-rc.1"]);
    ana.refused_by(&["deploy", "prod", "v0.1.1-rc.1", "--yes"], 4, &["approvals"]);
    approved("v0.1.1-rc.1");
    ana.deploy("prod", &["v0.1.1-rc.1"]);

    // Wednesday: the paint does not apply to the old front; bob makes it fit.
    bob.git(&["fetch", "--quiet"]);
    let waits = bob.rel(&["cherry-pick", &front, "--onto", "prod", "--json"]).code(7);
    let worktree = bob.git(&["worktree", "list", "--porcelain"]);
    let worktree =
        worktree.lines().filter_map(|line| line.strip_prefix("worktree ")).nth(1).unwrap().to_owned();
    assert!(waits.ways_on().contains(&worktree));
    std::fs::write(format!("{worktree}/src/app.txt"), "one\nand painted\n").unwrap();
    bob.git(&["-C", &worktree, "add", "src/app.txt"]);
    let painted = tag(&bob.json(&["cherry-pick", "--continue"]));
    assert_eq!(painted, "v0.1.2-rc.1");
    let shown = bob.json(&["show", &painted]);
    assert_eq!(shown["candidate"]["picks"][0]["source"], front);
    assert_eq!(shown["candidate"]["parent"], "v0.1.1-rc.1");
    approved(&painted);
    release(&ana, &painted);

    // Thursday: 0.2.0 was cut before the paint. It would be lost, by name.
    let lost = ana.rel(&["cut", &second, "--again", "--dry-run"]).ok();
    assert!(lost.stderr.contains("lost-fix on prod, staging"), "{lost:?}");
    ana.deploy("staging", &["v0.2.0-rc.2"]);
    approved("v0.2.0-rc.2");
    let refused = ana.refused_by(&["deploy", "prod", "v0.2.0-rc.2", "--yes"], 4, &["lost-fix"]);
    let why = string(&refused.json()["error"]["reasons"][0]["message"]);
    assert!(why.contains("\"fix: the front peels\" (picked by bob"), "{why}");
    assert!(!why.contains("the door falls out"), "the hinge is in it: {why}");
    let third = tag(&ana.json(&["cherry-pick", &front, "--onto", "0.2.0"]));
    approved(&third);
    release(&ana, &third);
    for fix in [&hinge, &front] {
        let found = ana.json(&["where", fix]);
        let prod = &found["environments"][1];
        assert_eq!((&prod["live"], &prod["via"]), (&true.into(), &"pick".into()), "{found}");
        assert!(string(&prod["first_live_at"]) <= string(&prod["since"]), "{prod}");
    }
    // Each is told once in what the release brings.
    let changes = ana.rel(&["changelog", &third]).ok().stdout;
    assert_eq!(
        changes.matches("the front peels").count() + changes.matches("the door falls out").count(),
        0,
        "0.1.2 had both: {changes}"
    );
    let diff = ana.json(&["diff", &first, &third]);
    let picked = diff["added"].as_array().unwrap().iter().filter(|one| !one["picked_from"].is_null()).count();
    assert_eq!(picked, 2, "{diff}");

    // Friday: trunk has all of it from the beginning.
    let last = ana.cut(&[]);
    approved(&last);
    release(&ana, &last);
    let status = ana.status("prod");
    assert_eq!(
        (&status["current"]["tag"], &status["fixes_not_on_trunk"]),
        (&last.into(), &serde_json::json!([]))
    );
    assert_eq!(bob.json(&["status"])["environments"][1]["current"], status["current"]);
}
