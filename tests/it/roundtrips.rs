//! How often the remote is asked: each time costs people a second.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::repo::{Desk, Shop};
use crate::world::{Running, wait_until};

/// What a run asked of the remote, in order, with the commands between:
/// `fetch`, `push`, `ls-remote`, `COMMAND build`, `COMMAND deploy`.
#[track_caller]
fn trips(desk: &Desk<'_>, args: &[&str]) -> Vec<String> {
    trips_to(0, desk, args)
}

/// The same of a run that ends with this exit code.
#[track_caller]
fn trips_to(code: i32, desk: &Desk<'_>, args: &[&str]) -> Vec<String> {
    let world = &desk.shop.world;
    let (bin, log) = (world.at("bin"), world.at("git.log"));
    fs::create_dir_all(&bin).unwrap();
    let real = world.which("git");
    let wrapper = format!(
        "#!/bin/sh\nfor word; do printf '%s ' \"$word\" | tr '\\n' ' '; done >> \"$GITLOG\"\necho >> \"$GITLOG\"\nexec '{}' \"$@\"\n",
        real.display()
    );
    fs::write(bin.join("git"), wrapper).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let _ = fs::remove_file(&log);
    let mut command = desk.command(&[args, &["--json"]].concat());
    command.env("PATH", world.path_with(&bin)).env("GITLOG", &log);
    Running::start(command).wait().code(code);
    let text = fs::read_to_string(&log).unwrap_or_default();
    let trip = |line: &str| -> Option<String> {
        if line.starts_with("COMMAND ") {
            return Some(line.to_owned());
        }
        let asks = ["fetch", "push", "ls-remote", "pull", "clone"];
        line.split(' ').find(|word| asks.contains(word)).map(str::to_owned)
    };
    text.lines().filter_map(trip).collect()
}

#[test]
fn a_cut_makes_three() {
    let shop = Shop::new();
    assert_eq!(trips(&shop.ana(), &["cut"]), ["fetch", "push", "COMMAND build", "push"]);
    assert_eq!(trips(&shop.ana(), &["cut"]), ["fetch"], "nothing to do");
}

/// Where several refs cannot be changed at once: a refused push, a look, and a
/// push for each of artifacts, tag and entry.
#[test]
fn in_turn_there_are_more() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.authority_git(&["config", "receive.advertiseAtomic", "false"]);
    let made = ["fetch", "push", "COMMAND build", "push", "ls-remote", "push", "push", "push"];
    assert_eq!(trips(&ana, &["cut"]), made);
    let staging = ["fetch", "push", "ls-remote", "push", "COMMAND deploy", "push"];
    assert_eq!(trips(&ana, &["deploy", "staging", "--yes"]), staging);
    // The outcome, the release's own tag and its entry, after another look.
    let prod = [&staging[..5], &["ls-remote", "push", "push", "push"]].concat();
    assert_eq!(trips(&ana, &["deploy", "prod", "--yes"]), prod);
}

#[test]
fn a_deployment_makes_three() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    assert_eq!(trips(&ana, &["deploy", "staging", "--yes"]), ["fetch", "push", "COMMAND deploy", "push"]);
    assert_eq!(trips(&ana, &["deploy", "staging", "--yes"]), ["fetch"], "nothing to do");
    assert_eq!(
        trips(&ana, &["deploy", "prod", "--yes"]),
        ["fetch", "push", "COMMAND deploy", "push"],
        "with the final tag"
    );
}

/// The claims that follow what this run made itself go by what it left there.
#[test]
fn what_follows_a_cut_makes_two_more() {
    let auto = ("[environments.staging]", "[environments.staging]\nauto_deploy = true");
    let shop = Shop::with(&[auto]);
    let ana = shop.ana();
    let cut = ["fetch", "push", "COMMAND build", "push"];
    let deploy = ["push", "COMMAND deploy", "push"];
    assert_eq!(trips(&ana, &["cut"]), [&cut[..], &deploy].concat());
    let both = (
        "[environments.staging]",
        "[environments.canary]\nfinal = true\ndeploy = \"true\"\n\n[environments.staging]\nafter = [\"canary\"]",
    );
    let shop = Shop::with(&[both]);
    let ana = shop.ana();
    let shipped = trips(&ana, &["ship", "prod", "--yes"]);
    assert_eq!(
        shipped,
        [&cut[..], &["push", "push"], &deploy, &deploy].concat(),
        "canary closes the release"
    );
}

/// Whatever the policy asks for, what is needed to judge it comes with one fetch.
#[test]
fn all_gates_are_judged_from_one() {
    let gates = r#"after = ["staging"]
soak = "1s"
approvals = 1
signoff = "authors"
deployers = ["ana@example.com"]
freeze = [{ from = "2020-01-01T00:00", to = "2020-01-02T00:00" }]"#;
    let shop = Shop::with(&[("after = [\"staging\"]", gates)]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    for what in ["door", "window"] {
        let tag = ana.cut_new(what);
        ana.deploy("staging", &[]);
        bob.json(&["approve", &tag, "prod"]);
        ana.json(&["approve", "--commit", "HEAD"]);
        let stands = || ana.status("prod")["next"]["gates"] == serde_json::json!([]);
        wait_until("it has stood long enough", stands);
        assert_eq!(trips(&ana, &["deploy", "prod", "--yes", "--dry-run"]), ["fetch"]);
        let deployment = ana.deploy("prod", &[]);
        let judged = deployment["gates"].as_array().unwrap().len();
        assert!(judged >= 6, "{deployment}");
    }
}

/// One fetch more where this clone does not have the artifacts yet.
#[test]
fn a_deployment_elsewhere_makes_one_more() {
    let shop = Shop::new();
    shop.ana().cut(&[]);
    let bob = shop.clone_for("bob");
    assert_eq!(
        trips(&bob, &["deploy", "staging", "--yes"]),
        ["fetch", "fetch", "push", "COMMAND deploy", "push"]
    );
    assert_eq!(
        trips(&bob, &["deploy", "staging", "--redeploy", "--yes"]),
        ["fetch", "push", "COMMAND deploy", "push"]
    );
}

#[test]
fn a_rollback_makes_three() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    assert_eq!(trips(&ana, &["rollback", "staging", "--yes"]), ["fetch", "push", "COMMAND deploy", "push"]);
}

/// What was printed is published by a push of its own, of a rollback by itself
/// together with what went before it; and read by one fetch, once.
#[test]
fn an_output_that_is_published_makes_one_more() {
    let publish = ("[build]", "[output]\npublish = \"git\"\n\n[build]");
    let back = ("[environments.prod]", "on_failure = \"rollback\"\n\n[environments.prod]");
    let shop = Shop::with(&[publish, back]);
    let ana = shop.ana();
    ana.cut(&[]);
    let deploy = ["deploy", "staging", "--yes"];
    assert_eq!(trips(&ana, &deploy), ["fetch", "push", "COMMAND deploy", "push", "push"]);
    assert_eq!(trips(&ana, &deploy), ["fetch"], "nothing to do");
    let failing = ana.cut_new("window");
    shop.world.set(&format!("fail-{failing}"));
    assert_eq!(
        trips_to(6, &ana, &deploy),
        ["fetch", "push", "COMMAND deploy", "push", "COMMAND deploy", "push", "push"]
    );
    assert_eq!(trips(&ana, &["sync"]), ["fetch"]);
    let bob = shop.clone_for("bob");
    let printed = ["log", "--output", "staging#2"];
    assert!(trips_to(4, &bob, &[&printed[..], &["--offline"]].concat()).is_empty());
    assert_eq!(trips(&bob, &printed), ["fetch"]);
    assert!(trips(&bob, &printed).is_empty(), "it is here now");
    assert_eq!(trips_to(4, &bob, &["log", "--output", "staging#7"]), ["fetch"]);
}

#[test]
fn a_pick_makes_three() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    assert_eq!(trips(&ana, &["cherry-pick", &fix]), ["fetch", "push", "COMMAND build", "push"]);
}

#[test]
fn looking_makes_one_and_none_offline() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    for args in [
        vec!["status"],
        vec!["list"],
        vec!["log"],
        vec!["show", "v0.1.0-rc.1"],
        vec!["diff", "staging", "HEAD~1", "--stat"],
    ] {
        assert_eq!(trips(&ana, &args), ["fetch"], "{args:?}");
        let offline = [args.as_slice(), &["--offline"]].concat();
        assert!(trips(&ana, &offline).is_empty(), "{args:?} offline");
    }
}

/// A listing more than who looks, and another fetch for bytes that are not here.
#[test]
fn a_check_makes_two_and_one_for_bytes() {
    let shop = Shop::over(crate::remote::Kind::Daemon, &[]);
    shop.ana().cut(&[]);
    let bob = shop.clone_for("bob");
    assert_eq!(trips(&bob, &["fsck", "--quick"]), ["fetch", "ls-remote"]);
    assert_eq!(trips(&bob, &["fsck"]), ["fetch", "ls-remote", "fetch"]);
    assert_eq!(trips(&bob, &["fsck"]), ["fetch", "ls-remote"], "they are here now");
    assert!(trips(&bob, &["fsck", "--offline"]).is_empty());
}

/// One push against the cached tip; only when it is rejected, a look at the
/// tip, which alone says why, and a fetch.
#[test]
fn a_small_event_makes_one() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert_eq!(trips(&ana, &["lock", "staging", "--reason", "x"]), ["push"]);
    assert_eq!(trips(&ana, &["unlock", "staging", "--reason", "x"]), ["push"]);
    assert_eq!(trips(&ana, &["approve", &tag, "staging"]), ["push"]);
    let bob = shop.clone_for("bob");
    bob.json(&["status"]);
    ana.json(&["lock", "staging", "--reason", "y"]);
    ana.json(&["unlock", "staging", "--reason", "y"]);
    assert_eq!(trips(&bob, &["lock", "staging", "--reason", "z"]), ["push", "ls-remote", "fetch", "push"]);
}

/// A repository that is its own authority asks nobody.
#[test]
fn without_a_remote_there_are_none() {
    let shop = Shop::over(crate::remote::Kind::Local, &[]);
    let ana = shop.ana();
    assert_eq!(trips(&ana, &["cut"]), ["COMMAND build"]);
    assert_eq!(trips(&ana, &["deploy", "staging", "--yes"]), ["COMMAND deploy"]);
    assert!(trips(&ana, &["status"]).is_empty());
}

/// Two looks, the chains, and five pushes on trial, the last of which cleans up.
#[test]
fn a_doctor_makes_eight() {
    let shop = Shop::new();
    let ana = shop.ana();
    let eight = ["ls-remote", "fetch", "push", "push", "push", "push", "ls-remote", "push"];
    assert_eq!(trips(&ana, &["doctor"]), eight);
    assert_eq!(trips(&ana, &["doctor", "--dry-run"]), eight[..2]);
    assert!(trips(&ana, &["doctor", "--offline"]).is_empty());
}

/// One more, once, for the history that it lacks.
#[test]
fn a_shallow_clone_makes_one_more_the_first_time() {
    let shop = Shop::new();
    shop.ana().cut(&[]);
    let person = shop.world.person("bob");
    let (dir, url) = (shop.world.at("bob"), format!("file://{}", shop.authority().display()));
    let args = ["clone", "--quiet", "--depth=1", &url, dir.to_str().unwrap()];
    shop.world.git(&person, &shop.world.at("tmp"), &args);
    let bob = Desk { shop: &shop, person, dir };
    assert_eq!(trips(&bob, &["status"]), ["fetch", "fetch"]);
    assert_eq!(trips(&bob, &["status"]), ["fetch"]);
}

/// What a treeless clone left out comes many at a time: here the trees of
/// forty commits in two requests.
#[test]
fn a_treeless_clone_asks_for_many_trees_at_once() {
    let shop = Shop::with(&[("remote = \"origin\"", "remote = \"origin\"\npaths = [\"src/**\"]")]);
    let ana = shop.ana();
    shop.authority_git(&["config", "uploadpack.allowFilter", "true"]);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    for n in 0..40 {
        ana.commit_here("src/app.txt", &format!("{n}\n"), "fix: once more");
    }
    ana.push();
    let person = shop.world.person("bob");
    let (dir, url) = (shop.world.at("bob"), format!("file://{}", shop.authority().display()));
    let args = ["clone", "--quiet", "--filter=tree:0", &url, dir.to_str().unwrap()];
    shop.world.git(&person, &shop.world.at("tmp"), &args);
    let bob = Desk { shop: &shop, person, dir };
    assert_eq!(trips(&bob, &["status"]), ["fetch"; 3]);
    assert_eq!(trips(&bob, &["status"]), ["fetch"]);
    assert_eq!(bob.status("staging")["pending"], 40);
}
