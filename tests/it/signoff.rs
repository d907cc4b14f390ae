//! `signoff = "authors"` and `rel approve --commit`: authors stand by what they
//! wrote before it goes live.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

const ASKED: &str = "after = [\"staging\"]\nsignoff = \"authors\"";

/// A project whose prod asks the authors, with its first candidate live there.
fn asked() -> Shop {
    let shop = Shop::with(&[("after = [\"staging\"]", ASKED)]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let first = ana.deploy("prod", &[]);
    assert_eq!(gate(&first), "passed: signoff (nothing is live to compare with)");
    shop
}

/// What the gate says of a deployment.
fn gate(deployment: &Value) -> String {
    let gates = deployment["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["gate"] == "signoff").unwrap();
    format!("{}: {}", string(&gate["verdict"]), string(&gate["text"]))
}

/// A commit of somebody on trunk.
fn wrote(desk: &Desk<'_>, what: &str) -> String {
    desk.git(&["pull", "--quiet", "--rebase"]);
    desk.commit(&format!("src/{what}.txt"), what, &format!("feat: {what}"))
}

#[test]
fn every_author_is_asked_of_their_own() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let (bobs, anas) = (wrote(&bob, "roof"), wrote(&ana, "cellar"));
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let before = ana.before();
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    let text = &output.stderr;
    assert!(text.contains("0 of 2 commits; not signed off:"), "{text}");
    for (commit, who) in [(&bobs, "\"feat: roof\" (bob)"), (&anas, "\"feat: cellar\" (ana)")] {
        assert!(text.contains(&format!("{} {who}", &commit[..7])), "{text}");
    }
    assert!(output.ways_on().contains(&format!("rel approve --commit prod..{tag}, by bob, ana")), "{text}");
    ana.unchanged(&before);
    // Nobody signs off what somebody else wrote, but everybody all of their own.
    let output = ana.refused_by(&["approve", "--commit", &bobs], 4, &["signoff"]);
    assert!(output.stderr.contains("is bob's; nothing changed"), "{output:?}");
    ana.unchanged(&before);
    let document = ana.json(&["approve", "--commit", &format!("prod..{tag}"), "-m", "read it twice"]);
    assert_eq!((&document["commits"], &document["changed"]), (&serde_json::json!([anas]), &true.into()));
    assert_eq!(ana.json(&["approve", "--commit", &anas])["changed"], false);
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    assert!(output.stderr.contains("1 of 2 commits"), "{output:?}");
    assert!(output.ways_on().contains(&format!("rel approve --commit {}, by bob", &bobs[..7])), "{output:?}");
    let said = bob.rel(&["approve", "--commit", &bobs[..9]]).ok().stdout;
    assert_eq!(said, format!("{} \"feat: roof\" is signed off\n", &bobs[..7]));
    assert_eq!(gate(&ana.deploy("prod", &[])), "passed: signoff 2/2");
    // The record is in git, for whoever looks.
    let notes = shop.authority_git(&["notes", "--ref=rel/shop/candidates", "show", &anas]);
    assert!(notes.contains("signed_off") && notes.contains("read it twice"), "{notes}");
    ana.rel(&["fsck"]).ok();
}

#[test]
fn what_is_taken_back_is_asked_again() {
    let shop = asked();
    let ana = shop.ana();
    let commit = wrote(&ana, "roof");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.json(&["approve", "--commit", &commit]);
    ana.rel(&["deploy", "prod", "--yes", "--dry-run"]).ok();
    let said = ana.rel(&["approve", "--commit", &commit, "--withdraw"]).ok().stdout;
    assert!(said.contains("is not signed off any more"), "{said}");
    assert_eq!(ana.json(&["approve", "--commit", &commit, "--withdraw"])["changed"], false);
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    let text = ana.rel(&["status", "prod"]).ok().stdout;
    let listed = format!("{} \"feat: roof\" (ana)", &commit[..7]);
    assert!(text.lines().any(|line| line.trim() == listed) && !text.contains("\\n"), "{text}");
    let next = ana.status("prod")["next"].clone();
    assert!(next["gates"].to_string().contains("signoff") && next["ready_at"].is_null(), "{next}");
    let over = ana.deploy("prod", &["--override", "signoff", "--reason", "she is on holiday"]);
    assert!(gate(&over).starts_with("overridden: 0 of 1 commits"), "{over}");
    // What is live already is not asked about.
    assert_eq!(gate(&ana.deploy("prod", &["--redeploy"])), "passed: signoff 0/0");
}

#[test]
fn a_pick_counts_with_what_it_was_picked_from() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let fix = wrote(&bob, "fix");
    bob.json(&["approve", "--commit", &fix]);
    let made = ana.json(&["cherry-pick", &fix, "--onto", "prod"]);
    let tag = string(&made["candidate"]["tag"]);
    ana.deploy("staging", &[&tag]);
    assert_eq!(gate(&ana.deploy("prod", &[&tag])), "passed: signoff 1/1");
    // A rollback asks nobody.
    ana.rollback("prod", &[]);
}

#[test]
fn merges_and_what_is_not_the_projects_are_not_asked_about() {
    let shop = Shop::with(&[
        ("after = [\"staging\"]", ASKED),
        ("remote = \"origin\"", "remote = \"origin\"\npaths = [\"src/\"]"),
    ]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.git(&["checkout", "--quiet", "-b", "side"]);
    let own = ana.commit_here("src/side.txt", "side", "feat: side");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("docs/a.txt", "a", "docs: a");
    ana.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    ana.push();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    assert!(output.stderr.contains("0 of 1 commits") && output.stderr.contains(&own[..7]), "{output:?}");
    ana.json(&["approve", "--commit", &own]);
    ana.deploy("prod", &[]);
}

#[test]
fn what_names_no_commit_signs_nothing() {
    let shop = asked();
    let ana = shop.ana();
    let before = ana.before();
    ana.rel(&["approve", "--commit"]).code(2);
    ana.rel(&["approve", "v0.1.0-rc.1"]).code(2);
    ana.rel(&["approve", "v0.1.0-rc.1", "prod", "--commit", "HEAD"]).code(2);
    assert_eq!(ana.refused(&["approve", "--commit", "nowhere"], 4).kind(), "not-found");
    for range in ["..HEAD", "prod..", "..", "prod...HEAD", "prod..HEAD..HEAD"] {
        let output = ana.refused(&["approve", "--commit", range], 2);
        assert!(output.stderr.contains("A..B"), "{range}: {output:?}");
    }
    ana.rel(&["approve", "--commit", "HEAD", "--dry-run"]).ok();
    ana.unchanged(&before);
}

#[test]
fn two_addresses_of_one_person_are_one_author() {
    let shop = asked();
    let ana = shop.ana();
    ana.commit(".mailmap", "Ana <ana@example.com> <ana@home.example>\n", "chore: who is who");
    ana.git(&["config", "user.email", "ana@home.example"]);
    let commit = wrote(&ana, "roof");
    ana.git(&["config", "user.email", "ana@example.com"]);
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let document = ana.json(&["approve", "--commit", &format!("prod..{tag}")]);
    assert!(document["commits"].to_string().contains(&commit), "{document}");
    ana.deploy("prod", &[]);
}

#[test]
fn only_trunk_says_who_is_who() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let (bobs, anas) = (wrote(&bob, "roof"), wrote(&ana, "cellar"));
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    // What nobody reviewed makes neither bob's commit ana's nor bob somebody else.
    ana.write(".mailmap", "Ana <ana@example.com> <bob@example.com>\n");
    ana.write("people", "Ana <ana@example.com> <bob@example.com>\n");
    ana.git(&["config", "mailmap.file", ana.dir.join("people").to_str().unwrap()]);
    bob.write(".mailmap", "Ana <ana@example.com> <bob@example.com>\n");
    let before = ana.before();
    let output = ana.refused_by(&["approve", "--commit", &bobs], 4, &["signoff"]);
    assert!(output.stderr.contains("is bob's"), "{output:?}");
    bob.refused_by(&["approve", "--commit", &anas], 4, &["signoff"]);
    ana.unchanged(&before);
    let range = format!("prod..{tag}");
    assert_eq!(ana.json(&["approve", "--commit", &range])["commits"], serde_json::json!([anas]));
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    assert!(output.stderr.contains("1 of 2") && output.stderr.contains("(bob)"), "{output:?}");
    assert_eq!(bob.json(&["approve", "--commit", &range])["commits"], serde_json::json!([bobs]));
    assert_eq!(gate(&ana.deploy("prod", &[])), "passed: signoff 2/2");
}

#[test]
fn another_address_makes_nobody_say_it_again() {
    let shop = asked();
    let ana = shop.ana();
    let commit = wrote(&ana, "roof");
    ana.json(&["approve", "--commit", &commit]);
    ana.commit(".mailmap", "Ana <ana@new.example> <ana@example.com>\n", "chore: who is who");
    ana.json(&["approve", "--commit", "HEAD"]);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert_eq!(gate(&ana.deploy("prod", &[])), "passed: signoff 2/2");
    // She takes back what she said by the old one.
    assert_eq!(ana.json(&["approve", "--commit", &commit, "--withdraw"])["changed"], true);
}

#[test]
fn what_only_says_that_it_is_a_pick_is_no_pick() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let fine = wrote(&bob, "roof");
    bob.json(&["approve", "--commit", &fine]);
    let message = format!("feat: a tunnel\n\n(cherry picked from commit {fine})");
    let claims = bob.commit("src/tunnel.txt", "tunnel", &message);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["signoff"]);
    assert!(output.stderr.contains("1 of 2 commits") && output.stderr.contains(&claims[..7]), "{output:?}");
}

#[test]
fn a_pick_that_somebody_resolved_is_asked_about_anew() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    ana.commit("src/shed.txt", "one\n", "feat: one");
    bob.git(&["pull", "--quiet", "--rebase"]);
    let fix = bob.commit("src/shed.txt", "two\n", "fix: two");
    bob.json(&["approve", "--commit", &fix]);
    ana.rel(&["cherry-pick", &fix, "--onto", "prod"]).code(7);
    let listed = ana.git(&["worktree", "list", "--porcelain"]);
    let worktree = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).nth(1).unwrap();
    let worktree = std::path::Path::new(worktree);
    std::fs::write(worktree.join("src/shed.txt"), "whatever ana likes\n").unwrap();
    shop.world.git(&ana.person, worktree, &["add", "src/shed.txt"]);
    let made = ana.json(&["cherry-pick", "--continue"])["candidate"].clone();
    let (tag, commit) = (string(&made["tag"]), string(&made["commit"]));
    ana.deploy("staging", &[&tag]);
    let output = ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["signoff"]);
    let way_on = format!("rel approve --commit {}, by bob", &commit[..7]);
    assert!(output.ways_on().contains(&way_on), "{output:?}");
    bob.json(&["approve", "--commit", &tag]);
    assert_eq!(gate(&ana.deploy("prod", &[&tag])), "passed: signoff 1/1");
}

#[test]
fn a_record_of_a_commit_switches_nothing_off() {
    let shop = asked();
    let ana = shop.ana();
    let commit = wrote(&ana, "roof");
    let before = ana.before();
    for said in ["--started", "--succeeded"] {
        let output = ana.refused_by(&["record", "prod", &commit, said], 4, &["signoff"]);
        assert!(output.ways_on().contains(&format!("rel approve --commit {}, by ana", &commit[..7])));
    }
    ana.unchanged(&before);
    // What is believed live is what everything begins with.
    assert!(ana.json(&["record", "prod", "prod", "--succeeded"])["deployment"].is_null());
    ana.json(&["record", "prod", &commit, "--failed"]);
    let known = ana.json(&["record", "prod", &ana.git(&["rev-parse", "HEAD~1"]), "--started", "--dry-run"]);
    assert_eq!(gate(&known["deployment"]), "passed: signoff 0/0");
    let over = ["record", "prod", &commit, "--succeeded", "--override", "signoff", "-m", "it is there"];
    assert!(gate(&ana.json(&over)["deployment"]).starts_with("overridden: 0 of 1"));
    let next = wrote(&ana, "cellar");
    ana.json(&["approve", "--commit", &next]);
    assert_eq!(
        gate(&ana.json(&["record", "prod", &next, "--succeeded"])["deployment"]),
        "passed: signoff 1/1"
    );
}

#[test]
fn a_clone_that_lacks_history_passes_nobody_over() {
    let shop = asked();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    wrote(&ana, "roof");
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    // What is live is an edge of the one clone, and beyond that of the other.
    for (name, depth) in [("cy", "--depth=2"), ("di", "--depth=1")] {
        let (person, dir) = (shop.world.person(name), shop.world.at(name));
        let url = format!("file://{}", shop.authority().display());
        let args = ["clone", "--quiet", depth, &url, dir.to_str().unwrap()];
        shop.world.git(&person, &shop.world.at("tmp"), &args);
        let desk = Desk { shop: &shop, person, dir };
        desk.rel(&["log"]).ok();
        let said = desk.rel(&["status", "prod", "--offline"]).ok().stdout;
        assert!(said.contains("not all authors are known"), "{depth}: {said}");
    }
    // What is live was never pushed: what it lacks nobody else can say.
    bob.git(&["checkout", "--quiet", "-b", "beside"]);
    let beside = bob.commit_here("src/beside.txt", "beside", "feat: beside");
    bob.json(&["record", "prod", &beside, "--succeeded", "--override", "signoff", "-m", "it is there"]);
    let said = ana.rel(&["status"]).ok().stdout;
    assert!(said.contains(&tag), "{said}");
    let why = format!("what is live, {}, is not in this clone: git fetch", &beside[..7]);
    let said = ana.rel(&["status", "prod"]).ok().stdout;
    assert!(said.contains(&why), "{said}");
    let output = ana.rel(&["deploy", "prod", "--yes"]).code(4);
    assert!(output.stderr.contains(&why), "{output:?}");
}

#[test]
fn shipping_asks_the_authors_before_it_builds() {
    let shop = asked();
    let ana = shop.ana();
    let commit = wrote(&ana, "roof");
    let before = ana.before();
    let output = ana.refused_by(&["ship", "prod", "--yes"], 4, &["signoff"]);
    assert!(output.ways_on().contains("nothing was built"), "{output:?}");
    ana.unchanged(&before);
    let over = ["ship", "prod", "--yes", "--dry-run", "--override", "signoff", "--reason", "she is away"];
    ana.rel(&over).ok();
    ana.json(&["approve", "--commit", &commit]);
    assert_eq!(gate(&ana.json(&["ship", "prod", "--yes"])["deployment"]), "passed: signoff 1/1");
}
