//! Hosts that change one ref at a time alone: everything works there too, and
//! whoever is killed on the way leaves at most a gap in the numbers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::output::Output;
use crate::race;
use crate::remote::Kind;
use crate::repo::{Shop, string};
use crate::world::wait_until;

/// A project whose authority cannot change several refs at once.
fn shop(kind: Kind) -> Shop {
    let shop = Shop::over(kind, &[]);
    shop.authority_git(&["config", "receive.advertiseAtomic", "false"]);
    shop
}

#[test]
fn the_whole_way_over_a_path() {
    the_whole_way(Kind::Path);
}

#[test]
fn the_whole_way_over_http() {
    the_whole_way(Kind::Http);
}

fn the_whole_way(kind: Kind) {
    let shop = shop(kind);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let release = first.split_once("-rc").unwrap().0.to_owned();
    assert!(shop.refs().contains_key(&format!("refs/tags/{release}")), "{:?}", shop.refs());

    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let picked = ana.json(&["cherry-pick", &fix, "--onto", &first]);
    assert_eq!(picked["made"], true, "{picked}");
    let bob = shop.clone_for("bob");
    let second = bob.cut_new("window");
    bob.deploy("staging", &[&second]);
    let back = bob.rollback("staging", &[]);
    assert_eq!(back["tag"], first);

    bob.json(&["unlock", "staging", "--reason", "looked at it"]);
    ana.commit("src/door.txt", "another door\n", "feat: another door");
    let shipped = ana.json(&["ship", "prod", "--yes", "--override", "lost-fix", "--reason", "no fix"]);
    assert_eq!(shipped["deployment"]["state"], "succeeded", "{shipped}");
    let third = string(&shipped["candidate"]["tag"]);
    let release = third.split_once("-rc").unwrap().0.to_owned();
    assert!(shop.refs().contains_key(&format!("refs/tags/{release}")), "{:?}", shop.refs());
    let closed = shop.events("candidates").into_iter().filter(|event| event["event"]["kind"] == "closed");
    assert_eq!(closed.count(), 2);
    for desk in [&ana, &bob, &shop.clone_for("cleo")] {
        desk.rel(&["fsck"]).ok();
        assert_eq!(desk.live("prod"), third);
    }
}

#[test]
fn six_cut_different_commits() {
    race::different_commits_are_cut(&shop(Kind::Path));
}

/// A program that the authority runs at each push.
fn hook(shop: &Shop, name: &str, script: &str) {
    let path = shop.authority().join("hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Bob makes a candidate of the commit that ana is at, just when her tag is
/// there and her entry is not. What she was told.
fn one_is_late(shop: &Shop) -> Output {
    let holds = "while read old new name; do case $name in refs/tags/*)\n\
        if test -e \"$SHOP/hold-tag\"; then rm \"$SHOP/hold-tag\"; touch \"$SHOP/tagged\"\n\
        while test -e \"$SHOP/tagged\"; do sleep 0.01; done; fi;; esac; done";
    hook(shop, "post-receive", holds);
    shop.world.set("hold-tag");
    let bob = shop.clone_for("bob");
    let late = shop.ana().start(&["cut", "--json"]);
    wait_until("her tag is there", || shop.world.shop().join("tagged").exists());
    assert_eq!(bob.cut(&[]), "v0.1.0-rc.2");
    shop.world.clear("tagged");
    let late = late.wait().ok();
    let document = late.json();
    assert_eq!(document["made"], false, "{document}");
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.2");
    assert_eq!(shop.events("candidates").last().unwrap()["event"]["kind"], "abandoned");
    late
}

#[test]
fn what_came_too_late_is_taken_back() {
    let shop = shop(Kind::Path);
    one_is_late(&shop);
    let left: Vec<String> = shop.refs().into_keys().filter(|name| name.contains("0.1.0-rc.1")).collect();
    assert_eq!(left, [""; 0]);
    let ana = shop.ana();
    assert_eq!(ana.git(&["for-each-ref", "--format=%(refname)", "refs/tags/v0.1.0-rc.1"]), "");
    ana.rel(&["fsck"]).ok();
    ana.deploy("staging", &[]);
}

/// A host that keeps every tag keeps this one: it is said, and stops nobody.
#[test]
fn what_cannot_be_taken_back_is_named() {
    let shop = shop(Kind::Path);
    hook(&shop, "update", "case $3 in *[1-9a-f]*) ;; *) echo kept; exit 1;; esac");
    let late = one_is_late(&shop);
    assert!(late.stderr.contains("could not be taken back"), "{late:?}");
    let ana = shop.ana();
    let checked = ana.rel(&["fsck", "--json"]).code(9).json();
    let findings = checked["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{checked}");
    assert_eq!(findings[0]["ref"], "refs/tags/v0.1.0-rc.1");
    ana.deploy("staging", &[]);
    assert_eq!(ana.cut_new("window"), "v0.2.0-rc.1");
}

/// Whoever is late takes back what is no candidate's.
#[test]
fn six_cut_one_commit() {
    race::one_commit_is_cut(&shop(Kind::Path));
}

#[test]
fn three_deploy_to_one_environment() {
    race::one_environment_is_deployed_to(&shop(Kind::Path), 3);
}

#[cfg(feature = "failpoints")]
mod killed {
    use std::collections::BTreeSet;
    use std::os::unix::process::ExitStatusExt;

    use super::shop;
    use crate::failpoints::{KILL, cuts_fail, deployments_fail};
    use crate::remote::Kind;
    use crate::repo::{Desk, Shop, string};

    #[test]
    fn a_cut_is_settled() {
        cuts_fail(&shop(Kind::Path), KILL);
    }

    #[test]
    fn a_cut_that_fails_is_settled() {
        cuts_fail(&shop(Kind::Path), "return(error)");
    }

    /// Given up, and killed before anything was taken back.
    #[test]
    fn what_was_given_up_is_taken_back_by_the_next_run() {
        let shop = shop(Kind::Path);
        let ana = shop.ana();
        let mut command = ana.command(&["cut"]);
        // Reserved, refused as one, artifacts; the tag fails, and the abandoned event kills.
        command.env("FAILPOINTS", "pushed=3*off->1*return(error)->1*return(kill)");
        let output = command.env("REL_PUBLISH_TIMEOUT", "0").output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{output:?}");
        assert_eq!(shop.events("candidates").last().unwrap()["event"]["kind"], "abandoned");
        assert!(shop.refs().contains_key("refs/tags/v0.1.0-rc.1"));
        ana.rel(&["sync"]).ok();
        let left: Vec<String> = shop.refs().into_keys().filter(|name| name.contains("0.1.0-rc.1")).collect();
        assert_eq!(left, [""; 0]);
        assert_eq!(ana.cut(&[]), "v0.1.0-rc.2");
        ana.rel(&["fsck"]).ok();
    }

    /// An outcome and the release's own tag, with every push in between the last one.
    #[test]
    fn a_release_is_closed_by_whoever_comes_next() {
        let shop = shop(Kind::Path);
        let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
        let mut made = Vec::new();
        // Refused as one, claimed; the outcome, the tag, the entry.
        for (n, step) in ["pushed=2", "push=3", "pushed=3", "push=4", "pushed=4"].into_iter().enumerate() {
            for deed in ["kill", "error"] {
                let tag = ana.cut_new(&format!("{deed}{n}"));
                ana.deploy("staging", &[&tag]);
                let failpoints = format!("{step}*off->1*return({deed})");
                let deploy = ["deploy", "prod", &tag, "--yes"];
                let output = ana.command(&deploy).env("FAILPOINTS", failpoints).output().unwrap();
                println!("{step} {deed}: {output:?}");
                assert_eq!(output.status.success(), deed == "error");
                bob.rel(&["sync"]).ok();
                assert_eq!(bob.live("prod"), tag);
                let release = tag.split_once("-rc").unwrap().0.to_owned();
                let closed = closed(&shop);
                let held = &shop.refs()[&format!("refs/tags/{release}")];
                assert_eq!(closed.last(), Some(&(release.clone(), held.clone())), "{step} {deed}");
                made.push(release);
            }
        }
        // Whoever was killed or failed comes back, and closes nothing once more.
        ana.rel(&["sync"]).ok();
        assert_eq!(closed(&shop).into_iter().map(|(release, _)| release).collect::<Vec<_>>(), made);
        bob.rel(&["fsck"]).ok();
    }

    /// The tags of releases that were closed, with their objects, in order.
    fn closed(shop: &Shop) -> Vec<(String, String)> {
        let events = shop.events("candidates").into_iter().map(|event| event["event"].clone());
        let closed = events.filter(|event| event["kind"] == "closed");
        closed.map(|event| (string(&event["tag"]), string(&event["tag_object"]))).collect()
    }

    #[test]
    fn a_deployment_is_settled() {
        deployments_fail(&shop(Kind::Path), KILL);
    }

    /// Kills this at each of its steps on a machine that is never seen again:
    /// what `then` does is somebody else's.
    fn at_each_step(shop: &Shop, args: &[&str], then: impl Fn(&Desk<'_>)) {
        let (bob, lost) = (shop.clone_for("bob"), shop.clone_for("lost"));
        for step in 0..60 {
            let failpoints = format!("any={step}*off->1*return(kill)");
            let output = lost.command(args).env("FAILPOINTS", failpoints).output().unwrap();
            println!("step {step}: {output:?}");
            // Another machine, for all that anybody knows.
            let _ = std::fs::remove_dir_all(lost.dir.join(".git/rel"));
            then(&bob);
            if output.status.signal().is_none() {
                assert!(step > 5, "the steps are not reached");
                return;
            }
        }
        panic!("it has more steps");
    }

    /// What is wrong, and where: nothing but tags that are no candidate's.
    fn orphans(desk: &Desk<'_>) -> BTreeSet<String> {
        let document = desk.rel(&["fsck", "--json"]).json();
        let findings = document["findings"].as_array().unwrap();
        let is_orphan = |message: String| message.contains("the candidates' chain does not have it");
        assert!(findings.iter().all(|one| is_orphan(string(&one["message"]))), "{document}");
        findings.iter().map(|one| string(&one["ref"])).collect()
    }

    /// Its tag may be there, and is no candidate; its number is nobody's.
    #[test]
    fn a_cut_whose_machine_is_lost_is_settled() {
        let shop = shop(Kind::Path);
        at_each_step(&shop, &["cut", "--again"], |bob| {
            bob.cut(&["--again"]);
        });
        let (mut reserved, mut tags) = (BTreeSet::new(), BTreeSet::new());
        for event in shop.events("candidates") {
            let event = &event["event"];
            match event["kind"].as_str().unwrap() {
                "reserved" => assert!(reserved.insert(event["version"].to_string()), "{event}"),
                "minted" => assert!(tags.insert(event["tag"].to_string()), "{event}"),
                _ => {}
            }
        }
        let bob = shop.clone_for("bert");
        bob.deploy("staging", &[]);
        let (orphans, listed) = (orphans(&bob), bob.json(&["list", "-n", "100"])["releases"].to_string());
        assert_eq!(orphans.len(), 2, "killed after its tag and before its entry");
        for orphan in orphans {
            let orphan = orphan.trim_start_matches("refs/tags/");
            bob.refused(&["deploy", "staging", orphan, "--yes"], 4);
            assert!(!listed.contains(&format!("\"{orphan}\"")), "{orphan} is no candidate");
        }
    }

    #[test]
    fn a_deployment_whose_machine_is_lost_is_settled() {
        let shop = shop(Kind::Path);
        let tag = shop.ana().cut(&[]);
        at_each_step(&shop, &["deploy", "staging", &tag, "--redeploy", "--yes"], |bob| {
            let again = ["deploy", "staging", &tag, "--redeploy", "--yes", "--reason", "it is lost"];
            match bob.status("staging")["in_flight"]["seq"].as_u64() {
                None => bob.json(&again),
                Some(seq) => bob.json(&[&again[..], &["--take-over", &seq.to_string()]].concat()),
            };
        });
        let bob = shop.clone_for("bert");
        assert_eq!(bob.live("staging"), tag);
        bob.rel(&["fsck"]).ok();
    }
}
