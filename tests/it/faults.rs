//! A host that fails in the middle of a push, and machines that die while
//! theirs is on its way.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;

use crate::model;
use crate::remote::{Fault, Held, Kind};
use crate::repo::{Desk, Shop, string};

/// What a host may do to a push, short of keeping it waiting.
const FAULTS: [fn() -> Fault; 6] = [
    || Fault::Answer(401),
    || Fault::Answer(500),
    || Fault::Answer(503),
    || Fault::Unheard,
    || Fault::Unanswered,
    || Fault::HalfAnswered,
];

/// Spoils each push of a run in each way, this many times in a row, one way
/// and one push at a time; `pushes` is how many the run has.
fn spoil_each(desk: &Desk<'_>, pushes: usize, times: usize, mut run: impl FnMut(&str)) {
    let server = desk.shop.remote.as_ref().unwrap().server.as_ref().unwrap();
    for at in 0..pushes {
        for (number, fault) in FAULTS.iter().enumerate() {
            let before = (0..at).map(|_| None);
            server.spoil(before.chain((0..times).map(|_| Some(fault()))));
            run(&format!("push {at}, fault {number}"));
            server.spoil([]);
        }
    }
}

fn records(shop: &Shop) -> (usize, usize) {
    let minted = model::candidates(&shop.events("candidates"));
    let deployments = model::environment(&shop.events("env/staging"));
    (minted.len(), deployments.len())
}

/// The exit codes of a run whose push was spoilt: it did all the same, it
/// could not reach the host, or its record did not.
const ENDS: [i32; 3] = [0, 1, 8];

#[test]
fn a_cut_whose_push_is_spoilt_is_recorded_once_or_not_at_all() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let (mut made, mut codes) = (0, BTreeSet::new());
    spoil_each(&ana, 2, 1, |case| {
        let mut command = ana.command(&["cut", "--again", "--json"]);
        command.env("REL_PUBLISH_TIMEOUT", "0");
        let output = crate::world::Running::start(command).wait();
        assert!(ENDS.contains(&output.code), "{case}: {output:?}");
        ana.rel(&["sync"]).ok();
        made += usize::from(output.code == 0);
        assert_eq!(records(&shop).0, made, "{case}: {output:?}");
        codes.insert(output.code);
    });
    assert_eq!(codes, BTreeSet::from([0, 1]), "some of it arrives, and some not");
    assert_eq!(ana.json(&["cut", "--again"])["made"], true);
    ana.rel(&["fsck"]).ok();
}

#[test]
fn a_deployment_whose_push_is_spoilt_runs_once_or_not_at_all() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let mut codes = BTreeSet::new();
    spoil_each(&ana, 2, 1, |case| {
        let ran = shop.ran("staging").len();
        let mut command = ana.command(&["deploy", "staging", &tag, "--redeploy", "--yes", "--json"]);
        command.env("REL_PUBLISH_TIMEOUT", "0");
        let output = crate::world::Running::start(command).wait();
        assert!(ENDS.contains(&output.code), "{case}: {output:?}");
        ana.rel(&["sync"]).ok();
        let status = ana.status("staging");
        assert!(status["in_flight"].is_null() && status["unresolved"][0].is_null(), "{case}: {status}");
        codes.insert(output.code);
        let ran = shop.ran("staging").len() - ran;
        assert_eq!(ran, usize::from(output.code != 1), "{case}: {output:?}");
        if ran == 1 {
            let log = ana.json(&["log", "staging", "-n", "1"])["deployments"][0].clone();
            assert_eq!(log["state"], "succeeded", "{case}");
            assert_eq!(shop.ran("staging").last().unwrap().split(' ').next(), log["id"].as_str(), "{case}");
        }
    });
    assert_eq!(codes, BTreeSet::from(ENDS), "some of it arrives, and some not");
    ana.deploy("staging", &[&tag, "--redeploy"]);
    ana.rel(&["fsck"]).ok();
}

#[test]
fn a_host_that_fails_for_a_moment_is_waited_for() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let server = shop.remote.as_ref().unwrap().server.as_ref().unwrap();
    // The outcome's push fails several times.
    server.spoil([None, Some(Fault::Answer(503)), Some(Fault::Unheard), Some(Fault::HalfAnswered)]);
    assert_eq!(ana.deploy("staging", &[&tag])["id"], "staging#1");
    assert_eq!(records(&shop), (1, 1));
}

/// Starts a run whose first push is held by the host; kills it there.
fn killed_at_its_push(desk: &Desk<'_>, args: &[&str], fault: Fault, held: &Held) {
    let server = desk.shop.remote.as_ref().unwrap().server.as_ref().unwrap();
    server.spoil([Some(fault)]);
    let running = desk.start(args);
    held.arrives();
    running.signal(Signal::SIGKILL);
    // Its git, which it cannot take along, goes on waiting for the answer, and holds its streams.
    running.ends_alone();
}

#[test]
fn a_push_that_arrives_after_its_run_was_settled_is_refused() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let (hold, held) = Held::new();
    killed_at_its_push(&ana, &["deploy", "staging", &tag, "--yes"], Fault::HeldBefore(hold), &held);
    let settled = ana.json(&["sync"])["settled"].clone();
    assert_eq!(settled[0]["state"], "abandoned", "{settled}");
    held.goes_on();
    let bob = shop.clone_for("bob");
    assert!(bob.status("staging")["in_flight"].is_null(), "it did not land");
    assert_eq!(bob.deploy("staging", &[&tag])["id"], "staging#2", "the number is spent");
    assert_eq!(shop.ran("staging"), [format!("staging#2 deploy {tag}")]);
    bob.rel(&["fsck"]).ok();
}

#[test]
fn a_push_that_arrived_before_its_run_was_settled_is_closed() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let (hold, held) = Held::new();
    killed_at_its_push(&ana, &["deploy", "staging", &tag, "--yes"], Fault::HeldAfter(hold), &held);
    let bob = shop.clone_for("bob");
    assert_eq!(bob.status("staging")["in_flight"]["id"], "staging#1", "nobody else knows that it died");
    let settled = ana.json(&["sync"])["settled"].clone();
    assert_eq!(settled[0]["state"], "cancelled", "{settled}");
    held.goes_on();
    assert_eq!(bob.deploy("staging", &[&tag])["id"], "staging#2");
    assert_eq!(shop.ran("staging").len(), 1);
}

#[test]
fn a_reservation_that_arrives_too_late_is_refused() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let (hold, held) = Held::new();
    killed_at_its_push(&ana, &["cut"], Fault::HeldBefore(hold), &held);
    let settled = ana.json(&["sync"])["settled"].clone();
    assert_eq!(settled[0]["state"], "abandoned", "{settled}");
    held.goes_on();
    let bob = shop.clone_for("bob");
    let cut = bob.json(&["cut"]);
    assert_eq!(string(&cut["candidate"]["tag"]), "v0.1.0-rc.2", "the number is spent");
    assert_eq!(records(&shop).0, 1);
    bob.rel(&["fsck"]).ok();
}
