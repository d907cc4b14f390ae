//! `rel where`: in what form a commit is where.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

fn candidate<'v>(document: &'v Value, tag: &str) -> Option<&'v Value> {
    document["candidates"].as_array().unwrap().iter().find(|one| one["tag"] == tag)
}

fn via(document: &Value, tag: &str) -> String {
    candidate(document, tag).map_or("-".to_owned(), |one| string(&one["via"]))
}

fn environment<'v>(document: &'v Value, name: &str) -> &'v Value {
    let environments = document["environments"].as_array().unwrap();
    environments.iter().find(|one| one["name"] == name).unwrap()
}

fn ask(desk: &Desk<'_>, commit: &str) -> Value {
    desk.json(&["where", commit])
}

#[test]
fn by_ancestry_and_live_since_when() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.tip();
    ana.cut(&[]);
    let before = ask(&ana, &first);
    assert_eq!(environment(&before, "staging")["live"], false);
    assert_eq!(environment(&before, "staging")["first_live_at"], Value::Null);
    assert_eq!(environment(&before, "staging")["waits_for"]["tag"], "v0.1.0-rc.1");
    ana.deploy("staging", &[]);
    let later = ana.commit("src/later.txt", "later\n", "feat: later");
    ana.push();
    let document = ask(&ana, &first);
    assert_eq!(document["commit"], first);
    assert_eq!(document["on_trunk"], true);
    assert_eq!(via(&document, "v0.1.0-rc.1"), "ancestor");
    assert_eq!(candidate(&document, "v0.1.0-rc.1").unwrap()["as"], Value::Null);
    assert_eq!(candidate(&document, "v0.1.0-rc.1").unwrap()["foreign"], false);
    let staging = environment(&document, "staging");
    assert_eq!((&staging["live"], &staging["tag"]), (&true.into(), &"v0.1.0-rc.1".into()));
    assert_eq!(staging["since"], staging["first_live_at"]);
    assert_eq!(environment(&document, "prod")["live"], false);
    let uncut = ask(&ana, &later);
    assert_eq!(uncut["candidates"].as_array().unwrap().len(), 0);
    assert_eq!(environment(&uncut, "staging")["waits_for"]["what"], "cut");
}

#[test]
fn picks_count_both_ways_and_picks_of_picks() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.commit("src/wip.txt", "half\n", "feat: half done");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    ana.push();
    let first = string(&ana.json(&["cherry-pick", &fix])["candidate"]["commit"]);
    ana.deploy("staging", &["v0.1.0-rc.2"]);
    ana.deploy("prod", &["v0.1.0-rc.2"]);
    let document = ask(&ana, &fix);
    assert_eq!(via(&document, "v0.1.0-rc.1"), "-");
    assert_eq!(via(&document, "v0.1.0-rc.2"), "pick");
    assert_eq!(candidate(&document, "v0.1.0-rc.2").unwrap()["as"], first);
    assert_eq!(environment(&document, "prod")["via"], "pick");
    assert_eq!(environment(&document, "prod")["as"], first);
    // The other way: what was picked is on trunk, as what it was picked from.
    let back = ask(&ana, &first);
    assert_eq!((&back["on_trunk"], &back["on_trunk_as"]), (&false.into(), &fix.clone().into()));
    let tag = ana.cut(&[]);
    assert_eq!(via(&ask(&ana, &first), &tag), "pick");
    // A pick of a pick onto an older candidate.
    let again = ana.json(&["cherry-pick", &first, "--onto", "v0.1.0-rc.1"]);
    let tag = string(&again["candidate"]["tag"]);
    assert_eq!(via(&ask(&ana, &fix), &tag), "pick");
}

#[test]
fn an_equal_patch_is_told_apart_from_a_pick() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["checkout", "--quiet", "-b", "topic"]);
    let mine = ana.commit_here("src/fix.txt", "fixed\n", "fix: the till");
    let other = ana.commit_here("src/other.txt", "other\n", "fix: something else");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("src/more.txt", "more\n", "feat: more");
    ana.git(&["cherry-pick", &mine]);
    let landed = ana.tip();
    ana.push();
    let tag = ana.cut(&[]);
    let document = ask(&ana, &mine);
    assert_eq!((&document["on_trunk"], &document["on_trunk_as"]), (&false.into(), &landed.clone().into()));
    assert_eq!(via(&document, &tag), "patch");
    assert_eq!(candidate(&document, &tag).unwrap()["as"], landed);
    let nowhere = ask(&ana, &other);
    assert_eq!(nowhere["candidates"].as_array().unwrap().len(), 0);
    assert_eq!(environment(&nowhere, "staging")["waits_for"]["what"], "trunk");
    // By its branch, and beside others.
    let both = ana.json(&["where", "topic", &mine]);
    assert_eq!(both["commits"][0]["commit"], other);
    assert_eq!(both["commits"][1]["commit"], mine);
}

#[test]
fn a_merge_says_what_it_brought() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["checkout", "--quiet", "-b", "topic"]);
    let one = ana.commit_here("src/one.txt", "1\n", "feat: one");
    let two = ana.commit_here("src/two.txt", "2\n", "feat: two");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.git(&["merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic"]);
    ana.push();
    let document = ask(&ana, "HEAD");
    let brought: Vec<String> =
        document["brought"].as_array().unwrap().iter().map(|change| string(&change["commit"])).collect();
    assert_eq!(brought, [two, one]);
    let text = ana.rel(&["where", "HEAD"]).ok().stdout;
    assert!(text.contains("a merge that brought 2 commits"), "{text}");
    assert!(text.contains("feat: two (ana)"), "{text}");
}

#[test]
fn what_was_rolled_back_was_live_all_the_same() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let fault = ana.commit("src/fault.txt", "x\n", "feat: a fault");
    ana.push();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.rollback("staging", &[]);
    let document = ask(&ana, &fault);
    let staging = environment(&document, "staging");
    assert_eq!((&staging["live"], &staging["tag"]), (&false.into(), &Value::Null));
    assert!(staging["first_live_at"].is_string(), "{staging}");
    let gates = staging["waits_for"]["gates"].as_array().unwrap();
    assert!(gates.iter().any(|gate| gate["gate"] == "rolled-back"), "{staging}");
}

#[test]
fn tags_of_others_contain_by_ancestry_alone() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.tip();
    ana.git(&["tag", "v0.0.9"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.9"]);
    let tag = ana.cut(&[]);
    let document = ask(&ana, &first);
    let tags: Vec<String> =
        document["candidates"].as_array().unwrap().iter().map(|one| string(&one["tag"])).collect();
    assert_eq!(tags, [tag.as_str(), "v0.0.9"]);
    assert_eq!(candidate(&document, "v0.0.9").unwrap()["foreign"], true);
    // Packed refs say what a tag is on, and the graph that it is a commit.
    ana.git(&["tag", "--annotate", "-m", "old", "v0.0.8"]);
    ana.git(&["tag", "-m", "a tree", "v0.0.7", "HEAD^{tree}"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.8", "v0.0.7"]);
    let look = || (ask(&ana, &first)["candidates"].clone(), ana.json(&["list"])["releases"].clone());
    let loose = look();
    ana.git(&["pack-refs", "--all"]);
    ana.git(&["commit-graph", "write", "--reachable"]);
    assert_eq!(look(), loose);
    assert_eq!(loose.0.as_array().unwrap().len(), 3, "what is on a tree is nothing to deploy: {}", loose.0);
}

#[test]
fn an_unknown_commit_is_named() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.refused(&["where", "0123456789012345678901234567890123456789"], 4);
    assert_eq!(output.kind(), "not-found");
}

#[test]
fn it_reads_well() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.commit("src/wip.txt", "half\n", "feat: half done");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    ana.push();
    let first = string(&ana.json(&["cherry-pick", &fix])["candidate"]["commit"]);
    let tag = ana.cut(&[]);
    let text = ana.rel(&["where", &fix]).ok().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(&format!("{} fix: the till (ana, ", &fix[..7])), "{text}");
    assert!(lines[0].ends_with("), on trunk"), "{text}");
    assert_eq!(lines[2], format!("  {tag}   from trunk"));
    assert_eq!(lines[3], format!("  v0.1.0-rc.2   picked as {}", &first[..7]));
    assert!(lines[5].starts_with("ENV      LIVE  BY WAY OF"), "{text}");
    assert!(lines[6].starts_with(&format!("staging  no    next: {tag}")), "{text}");
    assert!(lines[6].ends_with("ready"), "{text}");
}

/// Looking must not depend on which kind of graph git keeps, nor on there being one.
#[test]
fn the_same_with_a_commit_graph_and_commits_newer_than_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let old = ana.commit("src/old.txt", "old\n", "feat: old");
    ana.push();
    ana.cut(&[]);
    let look = || {
        let (document, status) = (ask(&ana, &old), ana.status("staging"));
        (document["candidates"].clone(), status["pending"].clone(), status["next"]["commits"].clone())
    };
    let bare = look();
    ana.git(&["commit-graph", "write", "--reachable"]);
    assert_eq!(look(), bare);
    let new = ana.commit("src/new.txt", "new\n", "feat: new");
    ana.push();
    assert_eq!(ask(&ana, &new)["on_trunk"], true);
    assert_eq!(ana.json(&["status"])["trunk"]["pending"], 1);
    let counted = ana.git(&["rev-list", "--count", "v0.1.0-rc.1..main"]);
    assert_eq!(ana.status("staging")["pending"].to_string(), counted);
}
