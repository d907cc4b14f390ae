//! `rel lock` and `rel unlock`: an environment kept closed by a person.

use crate::repo::Shop;

#[test]
fn a_hold_closes_and_its_holder_opens() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.json(&["lock", "staging", "-m", "database move"]);
    let hold = ana.status("staging")["hold"].clone();
    assert_eq!(hold["token"], 1);
    assert_eq!(hold["cause"], "person");
    assert_eq!(hold["actor"], ana.person.actor());
    assert_eq!(hold["reason"], "database move");
    assert!(hold["at"].as_str().unwrap().ends_with('Z'));
    let output = ana.refused_by(&["deploy", "staging", "--yes"], 5, &["held"]);
    assert_eq!(output.kind(), "held");
    assert!(output.ways_on().contains("database move"), "{output:?}");
    // One's own needs no token.
    ana.json(&["unlock", "staging", "--reason", "done"]);
    assert!(ana.status("staging")["hold"].is_null());
    assert_eq!(ana.deploy("staging", &[])["seq"], 3, "one count for everything: gaps in deployment numbers");
}

#[test]
fn somebody_elses_needs_its_number() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    bob.json(&["lock", "staging", "--reason", "mine"]);
    let output = ana.refused(&["unlock", "staging", "--reason", "open up"], 5);
    assert!(output.ways_on().contains("--token 1"), "{output:?}");
    ana.refused(&["unlock", "staging", "--token", "9", "--reason", "guess"], 5);
    ana.json(&["unlock", "staging", "--token", "1", "--reason", "bob is away"]);
    assert!(bob.status("staging")["hold"].is_null());
}

#[test]
fn a_held_environment_is_not_held_twice() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.json(&["lock", "staging", "--reason", "mine"]);
    bob.refused(&["lock", "staging", "--reason", "also mine"], 5);
    ana.refused(&["lock", "staging", "--reason", "again"], 5);
    assert_eq!(bob.status("staging")["hold"]["reason"], "mine");
}

#[test]
fn opening_what_is_open_changes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let before = ana.before();
    let output = ana.rel(&["unlock", "staging", "--reason", "why not", "--json"]);
    assert!(output.code == 0 || output.code == 4 || output.code == 5, "{output:?}");
    ana.unchanged(&before);
}

#[test]
fn a_reason_is_needed_and_an_environment_that_exists() {
    let shop = Shop::new();
    let ana = shop.ana();
    for args in [["lock", "staging"], ["unlock", "staging"]] {
        let before = ana.before();
        ana.rel(&args).code(2);
        ana.unchanged(&before);
    }
    assert_eq!(ana.refused(&["lock", "stagin", "--reason", "x"], 4).kind(), "not-found");
    let before = ana.before();
    ana.rel(&["lock", "staging", "--reason", "x", "--dry-run"]).ok();
    ana.unchanged(&before);
}

#[test]
fn a_deployment_in_flight_is_not_interrupted_by_a_hold() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 1);
    bob.json(&["lock", "staging", "--reason", "stocktaking"]);
    shop.world.clear("hold-staging");
    assert_eq!(running.wait().ok().json()["deployment"]["state"], "succeeded");
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], tag);
    assert_eq!(status["hold"]["reason"], "stocktaking");
}

#[test]
fn offline_it_cannot_be_done() {
    let shop = Shop::new();
    shop.ana().refused(&["lock", "staging", "--reason", "x", "--offline"], 4);
}
