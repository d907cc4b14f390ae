//! What once went wrong, one test each, so that it stays mended.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::output::Output;
use crate::repo::{Desk, Shop};
use crate::world::Running;

/// Remains of a project that was begun anew, with its chains deleted and its artifacts not.
#[test]
fn artifacts_that_no_record_has_refuse_a_cut_and_cost_a_number() {
    let shop = Shop::new();
    let ana = shop.ana();
    let name = "refs/rel/shop/artifacts/0.1.0-rc.1";
    ana.git(&["push", "--quiet", "origin", &format!("HEAD:{name}")]);
    let output = ana.rel(&["cut", "--json"]).code(4);
    assert_eq!(output.gates(), ["artifacts"]);
    assert_eq!(ana.cut(&[]), "v0.1.0-rc.2");
    assert_eq!(shop.refs()[name], ana.tip(), "what was there is left alone");
}

/// Runs `rel` with a remote that cannot be reached as many times as the file
/// `outage` has characters.
fn over_outages(desk: &Desk<'_>, args: &[&str]) -> Output {
    over_outages_for(desk, args, "60")
}

/// The same, with this many seconds of patience.
fn over_outages_for(desk: &Desk<'_>, args: &[&str], patience: &str) -> Output {
    let world = &desk.shop.world;
    let bin = world.at("bin");
    fs::create_dir_all(&bin).unwrap();
    let script = format!(
        "#!/bin/sh
case \" $* \" in *' push '*|*' fetch '*|*' ls-remote '*)
  left=$(cat \"$SHOP/outage\" 2> /dev/null)
  if [ -n \"$left\" ]; then
    printf %s \"${{left#?}}\" > \"$SHOP/outage\"
    echo 'fatal: unable to connect' >&2
    exit 128
  fi ;;
esac
exec '{}' \"$@\"\n",
        world.which("git").display()
    );
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = desk.command(args);
    command.env("PATH", world.path_with(&bin)).env("REL_PUBLISH_TIMEOUT", patience);
    Running::start(command).wait()
}

/// A build is too dear to be thrown away for a remote that is gone for a moment.
#[test]
fn a_remote_that_is_gone_when_the_build_ends_is_waited_for() {
    let shop = Shop::with(&[("\"./build.sh\"", "\"./build.sh && printf xxx > $SHOP/outage\"")]);
    let ana = shop.ana();
    let done = over_outages(&ana, &["cut", "--json"]).ok().json();
    assert_eq!(done["made"], true);
    assert_eq!(shop.world.lines("builds").len(), 1, "it is not built twice");
}

/// What is found changed after the claim is an integrity failure all the same, and the record
/// says that nothing ran.
#[test]
fn a_byte_that_changes_after_the_claim_is_integrity() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let world = &shop.world;
    let bin = world.at("bin");
    fs::create_dir_all(&bin).unwrap();
    // The intent is the first push of a deployment: right after it, a byte is changed in the cache.
    let script = format!(
        "#!/bin/sh
case \" $* \" in *' push '*)
  for file in $(find '{}' -type f); do chmod u+w $file; printf x > $file; done ;;
esac
exec '{}' \"$@\"\n",
        ana.dir.join(".git/rel/cache").display(),
        world.which("git").display()
    );
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = ana.command(&["deploy", "staging", "--yes", "--json"]);
    command.env("PATH", world.path_with(&bin));
    let output = Running::start(command).wait().code(9);
    assert_eq!(output.json()["deployment"]["state"], "cancelled");
    assert!(shop.ran("staging").is_empty());
    assert_eq!(ana.status("staging")["in_flight"], serde_json::Value::Null);
}

/// An approval that comes while a deployment runs is no reason to leave a broken environment as
/// it is.
#[test]
fn an_unrelated_event_does_not_keep_a_failure_from_rolling_back() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    shop.world.set(&format!("fail-{second}"));
    shop.world.set("hold-staging-2");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 2);
    bob.json(&["approve", &second, "staging"]);
    shop.world.clear("hold-staging-2");
    let document = running.wait().code(6).json();
    assert_eq!(document["rollback"]["state"], "succeeded", "{document}");
    assert_eq!(ana.live("staging"), first);
    let kinds: Vec<_> = shop.events("env/staging").iter().map(|e| e["event"]["kind"].clone()).collect();
    assert_eq!(kinds, ["intent", "outcome", "intent", "approve", "outcome", "intent", "outcome"]);
}

/// Whoever holds the environment while its deployment fails is the one to decide.
#[test]
fn a_hold_keeps_a_failure_from_rolling_back_and_that_is_said() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    shop.world.set(&format!("fail-{second}"));
    shop.world.set("hold-staging-2");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 2);
    bob.json(&["lock", "staging", "--reason", "looking into it"]);
    shop.world.clear("hold-staging-2");
    let output = running.wait().code(6);
    assert!(output.json()["rollback"].is_null());
    assert!(output.stderr.contains("no automatic rollback") && output.stderr.contains("looking into it"));
}

/// The record of a deployment that was taken over has reached the remote: there is nothing left
/// to publish, and `rel sync` is no way on.
#[test]
fn a_late_word_is_not_called_unpublished() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    shop.world.set("hold-staging-1");
    let mine = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 1);
    let over = ["deploy", "staging", "--yes", "--json", "--take-over", "1", "--reason", "ana is gone"];
    bob.rel(&over).ok();
    shop.world.clear("hold-staging-1");
    let late = mine.wait().code(8);
    let error = late.json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("bob took over"), "{error}");
    assert!(!late.ways_on().contains("rel sync"), "{error}");
}

/// A release's own tag is owed for as long as it could not be made.
#[test]
fn sync_makes_the_release_tag_that_an_outage_kept_back() {
    let shop = Shop::with(&[(
        "after = [\"staging\"]\ndeploy = \"./deploy.sh\"",
        "after = [\"staging\"]\ndeploy = \"./deploy.sh && [ ! -e $SHOP/cut-off ] || printf %0200d 0 > $SHOP/outage\"",
    )]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    shop.world.set("cut-off");
    over_outages_for(&ana, &["deploy", "prod", "--yes", "--json"], "0").code(8);
    shop.world.clear("cut-off");
    shop.world.clear("outage");
    assert!(!shop.refs().contains_key("refs/tags/v0.1.0"));
    assert_eq!(ana.json(&["sync"])["released"][0], "v0.1.0");
    assert!(shop.refs().contains_key("refs/tags/v0.1.0"));
    assert_eq!(ana.json(&["list"])["releases"][0]["closed"], true);
    assert_eq!(ana.json(&["sync"])["released"], serde_json::json!([]));
}

/// An outage that is over before the patience is costs nobody the release's tag.
#[test]
fn a_short_outage_costs_no_release_tag() {
    let shop = Shop::with(&[(
        "after = [\"staging\"]\ndeploy = \"./deploy.sh\"",
        "after = [\"staging\"]\ndeploy = \"./deploy.sh && printf xx > $SHOP/outage\"",
    )]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    over_outages(&ana, &["deploy", "prod", "--yes", "--json"]).ok();
    assert!(shop.refs().contains_key("refs/tags/v0.1.0"));
    assert_eq!(ana.json(&["list"])["releases"][0]["closed"], true);
}

/// Renames staging to test, on trunk.
fn rename_staging(desk: &Desk<'_>) {
    let text = fs::read_to_string(desk.dir.join("release.toml")).unwrap();
    let text = text.replace("[environments.staging]", "[environments.test]\nformerly = [\"staging\"]");
    let text = text.replace("after = [\"staging\"]", "after = [\"test\"]");
    desk.commit("release.toml", &text, "chore: rename staging");
}

/// A deployment keeps the name it was made under, and what settles it finds it by its number.
#[test]
fn a_deployment_from_before_a_rename_is_settled_and_taken_over() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes"]);
    let orphan = shop.world.running("staging", 1);
    ana.noted();
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait().code(137);
    rename_staging(&ana);
    // The chain goes on under the new name while the old one's command runs.
    let bob = shop.clone_for("bob");
    bob.json(&["approve", "v0.1.0-rc.1", "test"]);
    shop.world.clear("hold-staging");
    orphan.is_gone();
    ana.json(&["sync"]);
    let status = bob.status("test");
    assert!(status["in_flight"].is_null(), "{status}");
    assert_eq!(status["unresolved"][0]["id"], "staging#1");
    bob.json(&["resolve", "staging#1", "--failed", "--reason", "looked"]);
    assert_eq!(bob.status("test")["unresolved"], serde_json::json!([]));
    let log = bob.json(&["log", "test"])["deployments"].clone();
    assert_eq!((&log[0]["id"], &log[0]["state"]), (&"staging#1".into(), &"failed".into()), "{log}");
}

/// Taking over under the new name closes what was begun under the old one, in every list.
#[test]
fn a_take_over_after_a_rename_is_in_the_log() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging-1");
    let running = ana.start(&["deploy", "staging", "--yes"]);
    let orphan = shop.world.running("staging", 1);
    ana.noted();
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait().code(137);
    let bob = shop.clone_for("bob");
    rename_staging(&bob);
    bob.deploy("test", &["--take-over", "1", "--reason", "ana is gone"]);
    let log = bob.json(&["log", "test"])["deployments"].clone();
    assert_eq!((&log[1]["id"], &log[1]["state"]), (&"staging#1".into(), &"unknown".into()), "{log}");
    shop.world.clear("hold-staging-1");
    orphan.is_gone();
}

/// What a killed run left on the disk goes with the run that settles it, and not before what it
/// started has ended.
#[test]
fn a_killed_runs_folder_is_removed_once_nothing_works_there() {
    let shop = Shop::new();
    let ana = shop.ana();
    let world = &shop.world;
    let tmp = || fs::read_dir(world.at("tmp")).unwrap().count();
    let trees = || ana.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count();
    ana.cut(&[]);
    world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes"]);
    let orphan = world.running("staging", 1);
    ana.noted();
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait().code(137);
    ana.json(&["sync"]);
    assert_eq!((tmp(), trees()), (1, 2), "its command is at work there");
    world.clear("hold-staging");
    orphan.is_gone();
    ana.json(&["sync"]);
    assert_eq!((tmp(), trees()), (0, 1));

    world.set("hold-build");
    ana.commit("src/next.txt", "next", "feat: next");
    let builds = world.lines("builds").len();
    let running = ana.start(&["cut"]);
    crate::world::wait_until("it builds", || world.lines("builds").len() > builds);
    ana.noted();
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait().code(137);
    ana.json(&["sync"]);
    assert_eq!((tmp(), trees()), (1, 2), "its build is at work there");
    world.clear("hold-build");
    crate::world::wait_until("nothing is left", || {
        ana.json(&["sync"]);
        (tmp(), trees()) == (0, 1)
    });
}

over_every_authority!(a_tag_that_is_gone_is_not_deployed);

/// A fetch does not tell a clone that a tag is gone: the claim does, in the same round trip.
fn a_tag_that_is_gone_is_not_deployed(kind: crate::remote::Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    let object = shop.refs()[&format!("refs/tags/{tag}")].clone();
    shop.authority_git(&["update-ref", "-d", &format!("refs/tags/{tag}")]);
    ana.refused(&["rollback", "staging", "--yes"], 9);
    ana.refused(&["deploy", "prod", &tag, "--yes"], 9);
    assert_eq!(ana.live("staging"), second);
    shop.authority_git(&["update-ref", &format!("refs/tags/{tag}"), &object]);
    assert_eq!(ana.rollback("staging", &[])["tag"], tag);
}

/// A fix that was picked onto what is live and is on trunk too is not left behind.
#[test]
fn a_fix_that_the_next_release_has_from_trunk_is_contained() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let source = ana.commit("src/fix.txt", "fix", "fix: the till");
    ana.json(&["cherry-pick", &source, "--onto", &first]);
    ana.deploy("staging", &["v0.1.0-rc.2"]);
    let next = ana.cut_new("window");
    let pick = ana.git(&["ls-remote", "origin", "refs/tags/v0.1.0-rc.2^{}"])[..7].to_owned();
    let plan = ana.rel(&["deploy", "staging", &next, "--dry-run"]).ok().stdout;
    let said = format!("nothing; the 1 fix live now is contained ({pick} as {})", &source[..7]);
    assert!(plan.split_whitespace().collect::<Vec<_>>().join(" ").contains(&said), "{plan}");
    // Back again, the fix is what is brought, and nothing but the new is left.
    ana.deploy("staging", &[&next]);
    let plan =
        ana.rel(&["deploy", "staging", &first, "--dry-run", "--override", "downgrade", "--reason", "x"]);
    assert!(!plan.ok().stdout.contains("contained"));
}

/// This clone's chains are copies: what `git notes` adds to one is no reason to distrust the remote.
#[test]
fn notes_added_by_hand_to_a_copy_stop_nobody() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    for args in
        [&["lock", "staging", "--reason", "x"][..], &["unlock", "staging", "--reason", "x"], &["status"]]
    {
        ana.git(&["notes", "--ref=rel/shop/env/staging", "add", "-f", "-m", "by hand", "HEAD"]);
        ana.json(args);
    }
    ana.git(&["notes", "--ref=rel/shop/env/staging", "add", "-f", "-m", "by hand", "HEAD"]);
    assert_eq!(ana.live("staging"), tag);
}

/// What needs no candidate to be judged is judged before one is built.
#[test]
fn ship_builds_nothing_for_a_frozen_environment() {
    let freeze = "after = [\"staging\"]\nfreeze = [{ from = \"2020-01-01T00:00\", to = \"2120-01-01T00:00\", tz = \"UTC\", reason = \"closed\" }]\ndeployers = [\"bob@example.com\"]";
    let shop = Shop::with(&[("after = [\"staging\"]", freeze)]);
    shop.ana().refused_by(&["ship", "prod", "--yes"], 4, &["freeze", "deployers"]);
}

/// A rollback that fails is a person's to repeat: nothing follows it by itself.
#[test]
fn a_failed_rollback_is_not_run_again_by_itself() {
    let shop = Shop::with(&[("[environments.staging]", "[environments.staging]\non_failure = \"rollback\"")]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    shop.world.set("fail-deploy");
    let output = ana.rel(&["rollback", "staging", "--yes", "--json"]).code(6);
    assert!(output.json()["rollback"].is_null());
    assert_eq!(shop.ran("staging").len(), 3);
}

/// A script that reads the document learns which argument is missing.
#[test]
fn the_document_of_wrong_usage_names_the_argument() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.refused(&["deploy", "staging", "--take-over", "3"], 2);
    assert!(output.json()["error"]["message"].as_str().unwrap().contains("--reason"), "{output:?}");
    ana.git(&["tag", "v0.0.7"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.7"]);
    ana.refused(&["deploy", "staging", "v0.0.7", "--yes"], 4);
    ana.cut(&[]);
    ana.refused(&["deploy", "staging", "--commands-from", "nope", "--yes"], 4);
}
