//! Several machines at once: distinct numbers, one deployment at a time, and
//! every acknowledged record kept, once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::Running;

const PEOPLE: [&str; 6] = ["bob", "cleo", "dan", "eve", "finn", "gus"];

/// Six clones, each with a commit of its own pushed to trunk; the commits.
fn six(shop: &Shop) -> (Vec<Desk<'_>>, Vec<String>) {
    let ana = shop.ana();
    let commits = PEOPLE
        .iter()
        .map(|name| ana.commit(&format!("src/{name}.txt"), name, &format!("feat: {name}")))
        .collect();
    (PEOPLE.iter().map(|name| shop.clone_for(name)).collect(), commits)
}

fn start_all(desks: &[Desk<'_>], args: impl Fn(usize) -> Vec<String>) -> Vec<Running> {
    desks.iter().enumerate().map(|(n, desk)| desk.start(&args(n))).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Each event once, in a line without a gap, and the tip says what the fold says.
fn is_sound(shop: &Shop, chain: &str) -> Vec<Value> {
    let events = shop.events(chain);
    let nonces: BTreeSet<String> = events.iter().map(|e| string(&e["event"]["nonce"])).collect();
    assert_eq!(nonces.len(), events.len(), "an event is doubled");
    let merges =
        shop.authority_git(&["rev-list", "--count", "--merges", &format!("refs/notes/rel/shop/{chain}")]);
    assert_eq!(merges, "0", "a chain is linear");
    events
}

over_every_authority!(six_cut_different_commits);

fn six_cut_different_commits(kind: Kind) {
    different_commits_are_cut(&Shop::over(kind, &[]));
}

pub fn different_commits_are_cut(shop: &Shop) {
    let (desks, commits) = six(shop);
    let runs = start_all(&desks, |n| words(&format!("cut {} --json", commits[n])));
    let documents: Vec<Value> = runs.into_iter().map(|run| run.wait().ok().json()).collect();
    let tags: BTreeSet<String> = documents.iter().map(|d| string(&d["candidate"]["tag"])).collect();
    assert_eq!(tags.len(), 6, "distinct numbers: {tags:?}");
    assert!(documents.iter().all(|d| d["made"] == true));
    let refs = shop.refs();
    for document in &documents {
        let tag = string(&document["candidate"]["tag"]);
        assert!(refs.contains_key(&format!("refs/tags/{tag}")), "{tag} is lost");
        let commit = shop.authority_git(&["rev-parse", &format!("{tag}^{{commit}}")]);
        assert_eq!(commit, string(&document["candidate"]["commit"]));
    }
    is_sound(shop, "candidates");
    let listed = shop.ana().json(&["list"]);
    let candidates: usize = listed["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["candidates"].as_array().unwrap().len())
        .sum();
    assert_eq!(candidates, 6);
    assert_eq!(shop.world.lines("builds").len(), 6, "each was built once");
}

#[test]
fn six_cut_one_commit() {
    one_commit_is_cut(&Shop::new());
}

pub fn one_commit_is_cut(shop: &Shop) {
    let (desks, _) = six(shop);
    let runs = start_all(&desks, |_| words("cut --json"));
    let documents: Vec<Value> = runs.into_iter().map(|run| run.wait().ok().json()).collect();
    assert_eq!(documents.iter().filter(|d| d["made"] == true).count(), 1, "one wins, the others show it");
    let tags: BTreeSet<String> = documents.iter().map(|d| string(&d["candidate"]["tag"])).collect();
    assert_eq!(tags.len(), 1);
    is_sound(shop, "candidates");
    assert_eq!(shop.refs().keys().filter(|name| name.starts_with("refs/tags/")).count(), 1);
}

#[test]
fn six_deploy_to_one_environment_of_a_path() {
    one_environment_is_deployed_to(&Shop::new(), 6);
}

#[test]
fn three_deploy_to_one_environment_over_http() {
    one_environment_is_deployed_to(&Shop::over(Kind::Http, &[]), 3);
}

/// So many deploy at once, each its own, and wait for each other.
pub fn one_environment_is_deployed_to(shop: &Shop, many: usize) {
    shop.world.set("exclusive");
    let (mut desks, commits) = six(shop);
    desks.truncate(many);
    let ana = shop.ana();
    let tags: Vec<String> = commits[..many].iter().map(|commit| ana.cut(&[commit])).collect();
    let runs = start_all(&desks, |n| {
        words(&format!(
            "deploy staging {} --yes --json --wait=1m --override downgrade --reason race",
            tags[n]
        ))
    });
    let mut done = Vec::new();
    for run in runs {
        let output = run.wait();
        assert!([0, 5].contains(&output.code), "{output:?}");
        if output.code == 0 {
            done.push(output.json()["deployment"].clone());
        }
    }
    assert!(shop.world.lines("violations").is_empty(), "two at once: {:?}", shop.world.lines("violations"));
    assert!(!done.is_empty());
    let ids: BTreeSet<String> = done.iter().map(|d| string(&d["id"])).collect();
    assert_eq!(ids.len(), done.len(), "a number was given twice");
    let ran: BTreeSet<String> = shop.ran("staging").iter().map(|line| words(line)[0].clone()).collect();
    assert_eq!(ran, ids, "what ran is what was acknowledged");
    let log = ana.json(&["log", "staging", "-n", "100"])["deployments"].as_array().unwrap().clone();
    let logged: Vec<String> = log.iter().map(|d| string(&d["id"])).collect();
    assert_eq!(logged.len(), done.len(), "every record once: {logged:?}");
    for deployment in &done {
        let kept = log.iter().find(|d| d["id"] == deployment["id"]).expect("it is kept");
        assert_eq!(kept["tag"], deployment["tag"]);
        assert_eq!(kept["state"], "succeeded");
        assert_eq!(kept["actor"], deployment["actor"]);
    }
    is_sound(shop, "env/staging");
    assert_eq!(ana.live("staging"), string(&log[0]["tag"]), "the last one is live");
}

/// Without `--wait`, whoever is late is told so, and nothing of theirs runs.
#[test]
fn one_wins_and_the_others_are_refused() {
    let shop = Shop::new();
    let (desks, _) = six(&shop);
    let tag = shop.ana().cut(&[]);
    shop.world.set("hold-staging");
    let runs = start_all(&desks, |_| words("deploy staging --yes --json"));
    shop.world.running("staging", 1);
    let mut runs: Vec<Option<Running>> = runs.into_iter().map(Some).collect();
    let mut late = Vec::new();
    crate::world::wait_until("five were refused", || {
        for run in &mut runs {
            if run.as_mut().is_some_and(Running::has_ended) {
                late.push(run.take().unwrap().wait().code(5));
            }
        }
        late.len() == 5
    });
    shop.world.clear("hold-staging");
    let winner = runs.into_iter().flatten().next().unwrap().wait().ok().json();
    assert_eq!(winner["deployment"]["tag"], tag);
    assert_eq!(shop.ran("staging").len(), 1);
    assert_eq!(shop.events("env/staging").len(), 2);
}

#[test]
fn six_lock_one_environment() {
    let shop = Shop::new();
    let (desks, _) = six(&shop);
    let runs = start_all(&desks, |_| words("lock staging --reason mine --json"));
    let codes: Vec<i32> = runs.into_iter().map(|run| run.wait().code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 5).count(), 5, "{codes:?}");
    assert_eq!(is_sound(&shop, "env/staging").len(), 1);
}

#[test]
fn six_approve_at_once() {
    let shop = Shop::with(&[("after = [\"staging\"]", "approvals = 6")]);
    let (desks, _) = six(&shop);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let runs = start_all(&desks, |_| words(&format!("approve {tag} prod --json")));
    for run in runs {
        run.wait().ok();
    }
    let done = ana.deploy("prod", &[]);
    assert_eq!(done["approvals"].as_array().unwrap().len(), 6, "none is lost");
    is_sound(&shop, "env/prod");
}

/// A rollback that lost the race is never planned again.
#[test]
fn two_rollbacks_go_one_step() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let mut tags = Vec::new();
    for part in ["window", "roof", "lamp"] {
        tags.push(ana.cut_new(part));
        ana.deploy("staging", &[]);
    }
    let runs = [
        ana.start(&["rollback", "staging", "--yes", "--json"]),
        bob.start(&["rollback", "staging", "--yes", "--json"]),
    ];
    let codes: Vec<i32> = runs.into_iter().map(|run| run.wait().code).collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| [0, 2, 5].contains(code)), "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(ana.live("staging"), tags[1], "one step, not two");
}
