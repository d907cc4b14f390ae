//! History that was rewritten at the remote: noticed by every verb that
//! asks, refused, never written over what this clone has seen, and put back
//! from there.

use std::collections::BTreeMap;

use crate::output::Output;
use crate::repo::{Desk, Shop};

const PROD: &str = "refs/notes/rel/shop/env/prod";
const STAGING: &str = "refs/notes/rel/shop/env/staging";

/// A shop whose chains two people have seen whole.
fn with_history() -> Shop {
    let shop = Shop::new();
    {
        let ana = shop.ana();
        ana.cut(&[]);
        ana.deploy("staging", &[]);
        ana.deploy("prod", &[]);
        ana.json(&["lock", "prod", "--reason", "stocktaking"]);
        shop.clone_for("bob").json(&["status"]);
    }
    shop
}

fn bob(shop: &Shop) -> Desk<'_> {
    Desk { shop, person: shop.world.person("bob"), dir: shop.world.at("bob") }
}

/// Looking and writing are refused, what was seen is kept, and offline it can
/// still be looked at.
#[track_caller]
fn is_refused(desk: &Desk<'_>, chain: &str, how: &str) -> Output {
    let seen = desk.git(&["rev-parse", chain]);
    let mut refused = None;
    for args in [
        vec!["status"],
        vec!["log", "prod"],
        vec!["list"],
        vec!["deploy", "staging", "--redeploy", "--yes"],
        vec!["rollback", "prod", "--yes"],
        vec!["cut", "--again"],
        vec!["sync"],
    ] {
        let output = desk.refused(&args, 9);
        assert_eq!(output.kind(), "integrity");
        let said = output.ways_on();
        assert!(said.contains(chain) && said.contains(how), "{said}");
        assert!(said.contains("rel fsck --repair"), "{said}");
        assert_eq!(desk.git(&["rev-parse", chain]), seen, "{args:?}: what was seen is lost");
        refused = Some(output);
    }
    let offline = desk.json(&["status", "--offline"]);
    assert_eq!(offline["environments"][1]["hold"]["reason"], "stocktaking");
    refused.unwrap()
}

/// What `rel` keeps at the remote.
fn kept(shop: &Shop) -> BTreeMap<String, String> {
    let mut refs = shop.refs();
    refs.retain(|name, _| name.contains("/rel/") || name.starts_with("refs/tags/"));
    refs
}

/// Puts it back from a clone: a dry run says what it would do and does not,
/// then all is as it was, for everybody.
#[track_caller]
fn is_put_back(desk: &Desk<'_>, was: &BTreeMap<String, String>) {
    let shop = desk.shop;
    let before = desk.before();
    let planned = desk.json(&["fsck", "--repair", "--dry-run"]);
    assert_eq!(planned["dry_run"], true);
    desk.unchanged(&before);
    let done = desk.json(&["fsck", "--repair"]);
    assert_eq!(done["repaired"], planned["repaired"]);
    assert_eq!(kept(shop), *was, "bit for bit");
    for desk in [desk, &shop.ana(), &bob(shop)] {
        assert_eq!(desk.json(&["fsck"])["findings"], serde_json::json!([]));
        assert_eq!(desk.status("prod")["hold"]["reason"], "stocktaking");
    }
    shop.ana().json(&["unlock", "prod", "--reason", "counted"]);
    shop.ana().deploy("prod", &["--redeploy", "v0.1.0-rc.1"]);
}

#[test]
fn a_chain_that_was_set_back_is_noticed() {
    let shop = with_history();
    let was = kept(&shop);
    shop.authority_git(&["update-ref", PROD, &format!("{PROD}~1")]);
    is_refused(&bob(&shop), PROD, "was set back by 1 event");
    let said = bob(&shop).rel(&["status"]).code(9).stderr;
    assert!(said.contains("what this clone has seen before: rel status --offline"), "{said}");
    is_put_back(&bob(&shop), &was);
}

#[test]
fn a_chain_that_was_replaced_is_noticed() {
    let shop = with_history();
    // The same last event, amended: another commit.
    let message = shop.authority_git(&["log", "-1", "--format=%B", PROD]).replace("stocktaking", "nothing");
    let tree = format!("{PROD}^{{tree}}");
    let parent = format!("{PROD}~1");
    let forged = shop.authority_git(&["commit-tree", "-p", &parent, "-m", &message, &tree]);
    shop.authority_git(&["update-ref", PROD, &forged]);
    is_refused(&bob(&shop), PROD, "was replaced");
    // Nor when it has grown since.
    let next = shop.authority_git(&["commit-tree", "-p", &forged, "-m", "more", &tree]);
    shop.authority_git(&["update-ref", PROD, &next]);
    let output = is_refused(&bob(&shop), PROD, "was replaced");
    assert!(output.ways_on().contains("rel fsck"), "{output:?}");
    // Which of the two counts is for people to say: nothing is moved, and both ways are shown.
    let bob = bob(&shop);
    let seen = bob.git(&["rev-parse", PROD]);
    let output = bob.refused(&["fsck", "--repair"], 9);
    let finding = &output.json()["findings"][0];
    assert_eq!((&finding["kind"], &finding["repairable"]), (&"history".into(), &false.into()));
    let hints: Vec<&str> =
        finding["hints"].as_array().unwrap().iter().map(|hint| hint.as_str().unwrap()).collect();
    let keep = |whose: &str| {
        let hint =
            hints.iter().find_map(|hint| hint.strip_prefix(whose)).unwrap_or_else(|| panic!("{hints:?}"));
        let words: Vec<&str> = hint.strip_prefix("git ").unwrap().split(' ').collect();
        bob.git(&words);
    };
    keep("keep this clone's: ");
    assert_eq!(shop.refs()[PROD], seen);
    bob.json(&["fsck"]);
    shop.authority_git(&["update-ref", PROD, &forged]);
    keep("keep the other: ");
    assert_eq!(bob.status("prod")["hold"]["reason"], "nothing");
}

#[test]
fn a_chain_that_is_gone_is_noticed() {
    let shop = with_history();
    let was = kept(&shop);
    shop.authority_git(&["update-ref", "-d", PROD]);
    is_refused(&bob(&shop), PROD, "is gone");
    // A small event goes by what this clone knows; the push is refused, and told why.
    let output = bob(&shop).rel(&["unlock", "prod", "--reason", "counted", "--token", "3", "--json"]).code(9);
    assert!(output.ways_on().contains("is gone"), "{output:?}");
    is_put_back(&bob(&shop), &was);
}

/// All of it at once, as an old clone's `git push --mirror` does.
#[test]
fn everything_is_gone() {
    let shop = with_history();
    let old = shop.world.at("old.git");
    let carl = shop.world.person("carl");
    let url = shop.remote.as_ref().unwrap().url.clone();
    shop.world.git(
        &carl,
        &shop.world.at("homes"),
        &["clone", "--quiet", "--bare", &url, old.to_str().unwrap()],
    );
    shop.world.git(&carl, &old, &["tag", "--delete", "v0.1.0", "v0.1.0-rc.1"]);
    let was = kept(&shop);
    shop.world.git(&carl, &old, &["push", "--quiet", "--mirror", &url]);
    assert!(!shop.refs().keys().any(|name| name.contains("rel/shop")), "{:?}", shop.refs());
    let output = is_refused(&bob(&shop), PROD, "is gone");
    let said = output.ways_on();
    assert!(said.contains(STAGING) && said.contains("refs/notes/rel/shop/candidates"), "{said}");
    // Whoever built it has its bytes.
    is_put_back(&shop.ana(), &was);
}

/// What no single clone has, several put back one after the other.
#[test]
fn everything_is_gone_and_no_clone_has_all() {
    let shop = with_history();
    shop.ana().json(&["unlock", "prod", "--reason", "counted"]);
    let was = kept(&shop);
    for name in was.keys() {
        shop.authority_git(&["update-ref", "-d", name]);
    }
    // Bob has neither the last event nor the bytes.
    let output = bob(&shop).rel(&["fsck", "--repair", "--json"]).code(9);
    let document = output.json();
    assert_eq!(document["findings"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(document["findings"][0]["kind"], "artifact");
    assert_eq!(document["repaired"].as_array().unwrap().len(), 5);
    let done = shop.ana().json(&["fsck", "--repair"]);
    assert_eq!(done["repaired"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(kept(&shop), was);
    bob(&shop).json(&["fsck"]);
}

/// A repository that was its own authority, and follows a remote from now on.
#[test]
fn a_remote_that_never_had_it_is_given_it() {
    let shop = Shop::over(crate::remote::Kind::Local, &[]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let was = kept(&shop);
    let dir = shop.world.at("served.git");
    shop.world.git(&ana.person, &ana.dir, &["init", "--quiet", "--bare", dir.to_str().unwrap()]);
    ana.git(&["remote", "add", "origin", dir.to_str().unwrap()]);
    ana.write("release.toml", &shop.release_toml().replace("remote = \"\"", "remote = \"origin\""));
    ana.git(&["commit", "--quiet", "--all", "--message", "build: follow a remote"]);
    ana.git(&["push", "--quiet", "origin", "HEAD:main"]);
    ana.rel(&["status"]).code(9);
    ana.json(&["fsck", "--repair"]);
    let refs = shop.world.git(&ana.person, &dir, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    for (name, oid) in was {
        assert!(refs.contains(&format!("{name} {oid}")), "{name}: {refs}");
    }
    ana.json(&["status"]);
}

/// Notes of somebody's own, in this clone, are no chain that the remote lost.
#[test]
fn somebodys_own_notes_are_no_chain() {
    let shop = with_history();
    let bob = bob(&shop);
    bob.git(&["notes", "--ref=rel/shop/mine", "add", "-m", "remember the milk"]);
    bob.git(&["notes", "--ref=rel/shop/env/prod", "append", "-m", "remember the milk", "v0.1.0^{commit}"]);
    let output = bob.rel(&["status"]).ok();
    assert!(output.stderr.contains("written by hand"), "{output:?}");
    shop.ana().json(&["unlock", "prod", "--reason", "counted"]);
    bob.json(&["status"]);
    assert_eq!(bob.git(&["rev-parse", PROD]), shop.refs()[PROD]);
}
