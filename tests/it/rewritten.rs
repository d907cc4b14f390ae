//! History that was rewritten at the remote: noticed by every verb that
//! asks, refused, and never written over what this clone has seen.

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

#[test]
fn a_chain_that_was_set_back() {
    let shop = with_history();
    shop.authority_git(&["update-ref", PROD, &format!("{PROD}~1")]);
    is_refused(&bob(&shop), PROD, "was set back by 1 event");
    let said = bob(&shop).rel(&["status"]).code(9).stderr;
    assert!(said.contains("what this clone has seen before: rel status --offline"), "{said}");
}

#[test]
fn a_chain_that_was_replaced() {
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
    is_refused(&bob(&shop), PROD, "was replaced");
}

#[test]
fn a_chain_that_is_gone() {
    let shop = with_history();
    shop.authority_git(&["update-ref", "-d", PROD]);
    is_refused(&bob(&shop), PROD, "is gone");
    // A small event goes by what this clone knows; the push is refused, and told why.
    let output = bob(&shop).rel(&["unlock", "prod", "--reason", "counted", "--token", "3", "--json"]).code(9);
    assert!(output.ways_on().contains("is gone"), "{output:?}");
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
    shop.world.git(&carl, &old, &["push", "--quiet", "--mirror", &url]);
    assert!(!shop.refs().keys().any(|name| name.contains("rel/shop")), "{:?}", shop.refs());
    let output = is_refused(&bob(&shop), PROD, "is gone");
    let said = output.ways_on();
    assert!(said.contains(STAGING) && said.contains("refs/notes/rel/shop/candidates"), "{said}");
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
