//! What users of other deployment tools report going wrong, shown not to
//! happen: each test is named after it.

use nix::sys::signal::Signal;

use crate::repo::{Shop, string};
use crate::world::wait_until;

#[test]
fn no_lock_is_left_after_ctrl_c() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let run = ana.start(&["deploy", "staging", "--yes"]);
    wait_until("it deploys", || !shop.ran("staging").is_empty());
    run.signal(Signal::SIGINT);
    run.wait().code(130);
    shop.world.clear("hold-staging");
    let status = ana.status("staging");
    assert!(status["in_flight"].is_null() && status["hold"].is_null(), "{status}");
    // Anybody goes on at once, from anywhere, and nothing has to be unlocked.
    let bob = shop.clone_for("bob");
    assert_eq!(bob.deploy("staging", &[&tag])["state"], "succeeded");
}

#[test]
fn a_rollback_never_picks_the_release_that_failed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let good = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let bad = ana.cut_new("window");
    shop.world.set(&format!("fail-{bad}"));
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    let worse = ana.cut_new("door");
    shop.world.set(&format!("fail-{worse}"));
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    assert_eq!(ana.rollback("staging", &[])["tag"], good, "not the one that failed before it");
}

#[test]
fn a_second_rollback_does_not_return_to_the_bad_release() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    ana.cut_new("door");
    ana.deploy("staging", &[]);
    assert_eq!(ana.rollback("staging", &[])["tag"], second);
    // Once more is further back, which has to be said, and never forward to what was bad.
    ana.refused(&["rollback", "staging", "--yes"], 2);
    assert_eq!(ana.rollback("staging", &["--from", &second])["tag"], first);
}

#[test]
fn a_failure_is_never_exit_0() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    // Whichever command it is, and whatever way it ends.
    shop.world.set("fail-deploy");
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    shop.world.clear("fail-deploy");
    ana.script("verify.sh", "#!/bin/sh\nkill -9 $$\n");
    ana.commit_all("fix: verify");
    ana.cut(&[]);
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    ana.script("verify.sh", "#!/bin/sh\nfalse | true\nexit 3\n");
    ana.commit_all("fix: verify again");
    ana.cut(&[]);
    ana.rel(&["ship", "staging", "--yes"]).code(6);
    shop.world.set("fail-build");
    ana.commit("src/more.txt", "more\n", "feat: more");
    ana.rel(&["cut"]).code(6);
}

#[test]
fn cleanup_keeps_what_is_live() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    for what in ["window", "door", "cellar"] {
        ana.cut_new(what);
        ana.deploy("staging", &[]);
    }
    // Everything that somebody might tidy up in a clone and at the remote.
    std::fs::remove_dir_all(ana.dir.join(".git/rel")).unwrap();
    ana.git(&["tag", "--delete", &first]);
    ana.git(&["gc", "--quiet", "--prune=now"]);
    shop.authority_git(&["gc", "--quiet", "--prune=now"]);
    assert_eq!(ana.live("prod"), first);
    let again = ana.deploy("prod", &[&first, "--redeploy"]);
    assert_eq!((string(&again["tag"]), string(&again["state"])), (first, "succeeded".to_owned()));
}

#[test]
fn of_two_who_deploy_at_once_the_older_release_never_wins() {
    let shop = Shop::new();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let old = ana.cut(&[]);
    let new = ana.cut_new("window");
    shop.world.set("hold-staging");
    let first = ana.start(&["deploy", "staging", &new, "--yes"]);
    wait_until("it deploys", || !shop.ran("staging").is_empty());
    bob.refused_by(&["deploy", "staging", &old, "--yes"], 5, &["busy"]);
    shop.world.clear("hold-staging");
    first.wait().ok();
    bob.refused_by(&["deploy", "staging", &old, "--yes"], 4, &["downgrade"]);
    assert_eq!(bob.live("staging"), new);
}
