//! Every step of a run, made to fail, to panic and to be killed: whatever it
//! was, `sync` settles it, and everything works again.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use crate::repo::{Desk, Shop, string};
use crate::world::wait_until;

/// More steps than any run has.
const MANY: usize = 60;

/// Nothing of the process comes after it.
pub const KILL: &str = "return(kill)";

/// Goes through a run once for each of its steps, which comes to this `deed`,
/// and once more to its end. Each comes one step further than the one before
/// it, whatever that left. In between, once all is settled, comes `again`.
pub fn at_each_step(desk: &Desk<'_>, args: &[&str], deed: &str, again: impl Fn(&Desk<'_>)) {
    for step in 0..MANY {
        let output = desk
            .command(args)
            .env("FAILPOINTS", format!("any={step}*off->1*{deed}"))
            .env("REL_PUBLISH_TIMEOUT", "1")
            .output()
            .unwrap();
        let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        let said = String::from_utf8_lossy(&output.stderr);
        // Shown where the test fails.
        println!("{deed} at step {step}: {code:?}\n{said}");
        // What was started just before the end may be at work for a moment.
        wait_until("all is settled", || {
            is_settled(desk) || {
                desk.rel(&["sync"]).ok();
                is_settled(desk)
            }
        });
        again(desk);
        if code != Some(137) && !said.contains("failpoint") {
            println!("{step} steps");
            assert_eq!(code, Some(0), "nothing made it fail: {said}");
            desk.rel(&["fsck"]).ok();
            assert!(step > 5, "the steps are not reached");
            return;
        }
    }
    panic!("it has more than {MANY} steps");
}

/// Whether nothing is left in the journal.
fn is_settled(desk: &Desk<'_>) -> bool {
    let files = std::fs::read_dir(desk.dir.join(".git/rel/shop/journal")).into_iter().flatten();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    !names.any(|name| name.ends_with(".json"))
}

/// Deploys, whatever was left unknown.
fn deploys(desk: &Desk<'_>, tag: &str) {
    let done =
        desk.deploy("staging", &[tag, "--redeploy", "--override", "rolled-back", "--reason", "once more"]);
    assert_eq!((&done["tag"], &done["certain"]), (&tag.into(), &true.into()));
}

/// Nothing is in flight, and what was left unknown can be resolved.
fn all_is_resolved(desk: &Desk<'_>) {
    let status = desk.status("staging");
    assert!(status["in_flight"].is_null(), "{status}");
    for deployment in status["unresolved"].as_array().unwrap() {
        assert_eq!(deployment["state"], "unknown");
        desk.json(&["resolve", &string(&deployment["id"]), "--failed", "--reason", "looked at it"]);
    }
}

fn a_deployment(deed: &str) {
    deployments_fail(&Shop::new(), deed);
}

/// Fails at each step of a deployment.
pub fn deployments_fail(shop: &Shop, deed: &str) {
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    at_each_step(&ana, &["deploy", "staging", &tag, "--redeploy", "--yes"], deed, |desk| {
        // A kill leaves most behind: a whole one works after each.
        if deed == KILL {
            deploys(desk, &tag);
        }
    });
    all_is_resolved(&ana);
    let events = shop.events("env/staging");
    let told = |kind: &str, id: &str| {
        events.iter().filter(|event| event["event"]["kind"] == kind && event["event"]["id"] == id).count()
    };
    for line in shop.ran("staging") {
        let id = line.split(' ').next().unwrap();
        assert_eq!((told("intent", id), told("outcome", id)), (1, 1), "{id} ran");
    }
}

#[test]
fn a_deployment_that_is_killed_anywhere_is_settled() {
    a_deployment(KILL);
}

#[test]
fn a_deployment_that_fails_anywhere_is_settled() {
    a_deployment("return(error)");
}

#[test]
fn a_deployment_that_panics_anywhere_is_settled() {
    a_deployment("panic");
}

fn a_cut(deed: &str) {
    cuts_fail(&Shop::new(), deed);
}

/// Fails at each step of a cut.
pub fn cuts_fail(shop: &Shop, deed: &str) {
    let ana = shop.ana();
    at_each_step(&ana, &["cut", "--again"], deed, |desk| {
        // As above.
        if deed == KILL {
            desk.cut(&["--again"]);
        }
    });
    let mut numbers = BTreeSet::new();
    for event in shop.events("candidates") {
        let event = &event["event"];
        if event["kind"] == "reserved" {
            assert!(numbers.insert(event["version"].to_string()), "{event} was reserved before");
        }
    }
    assert!(numbers.len() > 20, "{numbers:?}");
}

#[test]
fn a_cut_that_is_killed_anywhere_is_settled() {
    a_cut(KILL);
}

#[test]
fn a_cut_that_fails_anywhere_is_settled() {
    a_cut("return(error)");
}

#[test]
fn a_cut_that_panics_anywhere_is_settled() {
    a_cut("panic");
}

fn a_rollback(deed: &str) {
    let shop = Shop::new();
    let ana = shop.ana();
    let (first, second) = (ana.cut(&[]), ana.cut_new("window"));
    for tag in [&first, &second] {
        ana.deploy("staging", &[tag]);
    }
    at_each_step(&ana, &["rollback", "staging", "--yes"], deed, |desk| {
        desk.json(&["unlock", "staging", "--reason", "looked at it"]);
        deploys(desk, &second);
    });
    all_is_resolved(&ana);
}

#[test]
fn a_rollback_that_is_killed_anywhere_is_settled() {
    a_rollback(KILL);
}

#[test]
fn a_rollback_that_fails_anywhere_is_settled() {
    a_rollback("return(error)");
}
