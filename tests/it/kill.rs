//! Whatever is killed, whenever: the record says so, and what was
//! acknowledged stays.

use nix::sys::signal::Signal;

use crate::repo::{Shop, string};
use crate::world::wait_until;

#[test]
fn a_killed_run_is_settled_once_its_command_is_gone() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let orphan = shop.world.running("staging", 1);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    assert!(orphan.lives(), "the command outlives a killed rel");

    let bob = shop.clone_for("bob");
    for desk in [&ana, &bob] {
        assert_eq!(desk.status("staging")["in_flight"]["id"], "staging#1");
    }
    // The command is alive on this machine: nobody can say how it ended.
    ana.refused(&["resolve", "staging#1", "--failed", "--reason", "guess"], 5);
    ana.json(&["sync"]);
    assert_eq!(bob.status("staging")["in_flight"]["id"], "staging#1", "still running");
    bob.refused_by(&["deploy", "staging", "--yes"], 5, &["busy"]);

    shop.world.clear("hold-staging");
    orphan.is_gone();
    ana.json(&["sync"]);
    let status = bob.status("staging");
    assert!(status["in_flight"].is_null(), "{status}");
    assert_eq!(status["unresolved"][0]["id"], "staging#1");
    assert_eq!(status["unresolved"][0]["state"], "unknown");

    // Nothing ever ran of a second attempt until somebody asks for it.
    assert_eq!(shop.ran("staging").len(), 1);
    ana.json(&["resolve", "staging#1", "--succeeded", "--reason", "checked by hand"]);
    let status = bob.status("staging");
    assert_eq!(status["current"]["tag"], tag);
    assert_eq!(status["current"]["certain"], true);
    assert_eq!(status["unresolved"].as_array().unwrap().len(), 0);
}

#[test]
fn the_next_writing_verb_settles_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let orphan = shop.world.running("staging", 2);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-staging");
    orphan.is_gone();
    // Unknown does not keep the environment closed.
    let done = ana.deploy("staging", &[&second]);
    assert_eq!(done["id"], "staging#3");
    let log = ana.json(&["log", "staging"])["deployments"].clone();
    assert_eq!(log[1]["id"], "staging#2");
    assert_eq!(log[1]["state"], "unknown");
    assert_eq!(ana.status("staging")["unresolved"][0]["id"], "staging#2", "it stays to be resolved");
    // Something else succeeded since: resolving settles only the record.
    ana.json(&["resolve", "staging#2", "--failed", "--reason", "the logs say so"]);
    let status = ana.status("staging");
    assert_eq!(status["current"]["tag"], second);
    assert_eq!(status["current"]["certain"], true);
    assert_eq!(status["previous"]["tag"], first);
    assert_eq!(status["unresolved"].as_array().unwrap().len(), 0);
}

#[test]
fn after_an_unknown_deployment_a_rollback_goes_to_the_last_success() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let orphan = shop.world.running("staging", 2);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-staging");
    orphan.is_gone();
    let bob = shop.clone_for("bob");
    let status = bob.status("staging");
    assert_eq!(status["current"]["tag"], first);
    assert_eq!(status["current"]["certain"], true, "while it is in flight nothing changes");
    // Somebody else takes it over in one step.
    let back = bob.rollback("staging", &["--take-over", "2", "--reason", "ana's machine died"]);
    assert_eq!(back["tag"], first);
    assert_eq!(back["reverts"], "staging#2");
    assert!(bob.status("staging")["current"]["certain"] == true);
    bob.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back"]);
    // What died here finds it settled.
    ana.json(&["sync"]);
    assert_eq!(ana.live("staging"), first);
    assert_eq!(ana.json(&["log", "staging"])["deployments"].as_array().unwrap().len(), 3);
}

/// The late word on an earlier deployment hides nothing of a later one.
#[test]
fn a_late_word_in_between_does_not_hide_a_dead_run() {
    let shop = Shop::new();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    ana.cut(&[]);
    shop.world.set("hold-staging-1");
    shop.world.set("hold-staging-2");
    let taken_over = ana.start(&["deploy", "staging", "--yes"]);
    shop.world.running("staging", 1);
    let taking = ["deploy", "staging", "--yes", "--take-over", "1", "--reason", "it hangs"];
    let running = bob.start(&taking);
    let orphan = shop.world.running("staging", 2);
    bob.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-staging-1");
    taken_over.wait().code(8);
    shop.world.clear("hold-staging-2");
    orphan.is_gone();
    bob.json(&["sync"]);
    let status = ana.status("staging");
    assert!(status["in_flight"].is_null(), "{status}");
    assert_eq!(status["unresolved"][1]["id"], "staging#2");
}

/// A deployment of another machine that will never report.
#[test]
fn resolve_settles_what_still_reads_running_elsewhere() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let orphan = shop.world.running("staging", 1);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-staging");
    orphan.is_gone();
    let bob = shop.clone_for("bob");
    bob.json(&["resolve", "staging#1", "--failed", "--reason", "the machine is gone"]);
    let status = bob.status("staging");
    assert!(status["in_flight"].is_null() && status["current"].is_null(), "{status}");
    assert_eq!(bob.json(&["log", "staging"])["deployments"][0]["state"], "failed");
    bob.deploy("staging", &[]);
    assert_eq!(bob.refused(&["resolve", "staging#9", "--failed", "--reason", "x"], 4).kind(), "not-found");
}

#[test]
fn an_interrupt_ends_the_group_and_is_recorded() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let shop = Shop::new();
        let ana = shop.ana();
        let first = ana.cut(&[]);
        ana.deploy("staging", &[]);
        ana.cut_new("window");
        shop.world.set("hold-staging");
        let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
        let command = shop.world.running("staging", 2);
        running.signal(signal);
        let output = running.wait().code(130);
        assert_eq!(output.kind(), "interrupted");
        assert!(!command.lives(), "the command outlived the interrupt");
        let log = ana.json(&["log", "staging"])["deployments"].clone();
        assert_eq!(log[0]["id"], "staging#2");
        assert_eq!(log[0]["state"], "cancelled");
        let status = ana.status("staging");
        assert!(status["in_flight"].is_null());
        assert_eq!(status["current"]["tag"], first);
        assert_eq!(status["current"]["certain"], false, "its command had started");
        shop.world.clear("hold-staging");
        assert_eq!(ana.rollback("staging", &[])["tag"], first);
    }
}

/// What ignores a polite word is ended at the second signal.
#[test]
fn a_second_interrupt_ends_it_for_good() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\ntrap ': > \"$SHOP/asked\"' TERM INT HUP\nmkdir -p \"$SHOP/deploy/staging-1\"\necho $$ > \"$SHOP/deploy/staging-1/pid\"\nwhile :; do sleep 0.02; done\n",
    );
    ana.commit_all("build: deaf");
    ana.cut(&[]);
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let command = shop.world.running("staging", 1);
    running.signal(Signal::SIGINT);
    let asked = shop.world.shop().join("asked");
    wait_until("it was asked politely", || asked.exists());
    running.signal(Signal::SIGINT);
    running.wait().code(130);
    assert!(!command.lives());
}

#[test]
fn an_interrupted_build_is_abandoned() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.world.set("hold-build");
    let running = ana.start(&["cut", "--json"]);
    wait_until("it builds", || !shop.world.lines("builds").is_empty());
    running.signal(Signal::SIGINT);
    running.wait().code(130);
    shop.world.clear("hold-build");
    assert!(!shop.refs().keys().any(|name| name.starts_with("refs/tags/")));
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(ana.cut(&[]), "v0.1.0-rc.2", "the version is free again, the number is not");
}

#[test]
fn a_killed_build_is_abandoned_by_the_next_run() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.world.set("hold-build");
    let running = ana.start(&["cut", "--json"]);
    wait_until("it builds", || !shop.world.lines("builds").is_empty());
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-build");
    ana.commit("src/next.txt", "next", "feat: next");
    // Another commit may take the version; nobody is blocked by the dead.
    let tag = ana.cut(&[]);
    assert_eq!(tag, "v0.1.0-rc.2");
    assert_eq!(shop.events("candidates").len(), 4, "reserved, abandoned, reserved, minted");
}

/// SIGKILL at no particular moment: afterwards the histories are whole, and
/// the next run goes ahead.
#[test]
fn killed_at_any_moment_it_is_settled() {
    let shop = Shop::new();
    let ana = shop.ana();
    for round in 0..8_u64 {
        ana.commit(&format!("src/round{round}.txt"), "x", "feat: round");
        let running = ana.start(&["ship", "staging", "--yes", "--json"]);
        // Not a synchronisation: any moment is as good as any other.
        std::thread::sleep(std::time::Duration::from_millis(3 + 17 * round));
        if !running.try_signal(Signal::SIGKILL) {
            running.wait().ok();
        } else {
            let _ = running.wait();
        }
        // Whatever the dead run had started ends by itself: nothing holds it.
        wait_until("what it started is gone", || {
            let output = ana.rel(&["sync", "--json"]);
            assert!([0, 5].contains(&output.code), "{output:?}");
            ana.status("staging")["in_flight"].is_null()
        });
    }
    let tag = ana.cut_new("last");
    ana.deploy("staging", &[&tag]);
    assert_eq!(ana.live("staging"), tag);
    for dir in [ana.dir.clone(), shop.authority()] {
        shop.world.git(&ana.person, &dir, &["fsck", "--strict", "--no-dangling"]);
    }
    let log = ana.json(&["log", "staging", "-n", "100"])["deployments"].as_array().unwrap().clone();
    let ids: std::collections::BTreeSet<String> = log.iter().map(|d| string(&d["id"])).collect();
    assert_eq!(ids.len(), log.len(), "no record is doubled");
    // Each that ran is there; an intent whose command never started may be more.
    for line in shop.ran("staging") {
        let id = line.split(' ').next().unwrap();
        assert!(ids.contains(id), "{id} ran and is not recorded");
    }
}
