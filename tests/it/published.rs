//! `[output] publish = "git"`: what deployments printed, in a ref each, for
//! everybody who can read the repository, and without secrets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::output::Output;
use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::Running;

const PUBLISH: (&str, &str) = ("[build]", "[output]\npublish = \"git\"\n\n[build]");

/// Three lines, the last of them too short to be known by itself.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nQ==\n";

fn shop() -> Shop {
    Shop::with(&[PUBLISH])
}

/// The refs of outputs at the authority, each with what it holds.
fn outputs(shop: &Shop) -> BTreeMap<String, String> {
    let refs = shop.refs().into_keys();
    let names = refs.filter_map(|name| name.strip_prefix("refs/rel/shop/output/").map(str::to_owned));
    names
        .map(|name| {
            let text = shop.authority_git(&["show", &format!("refs/rel/shop/output/{name}")]);
            (name, text)
        })
        .collect()
}

fn names(shop: &Shop) -> Vec<String> {
    outputs(shop).into_keys().collect()
}

/// What this clone has still to publish.
fn outbox(desk: &Desk<'_>) -> Vec<String> {
    let root = desk.dir.join(".git/rel/shop/outbox");
    let folders = fs::read_dir(root).into_iter().flatten().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The log that this clone keeps of a deployment.
fn log_file(desk: &Desk<'_>, number: &str) -> PathBuf {
    desk.dir.join(format!(".git/rel/shop/output/{number}.log"))
}

/// Has the authority refuse outputs, and nothing else.
fn refuse_outputs(shop: &Shop) {
    let hook = shop.authority().join("hooks/pre-receive");
    let script = "#!/bin/sh\nwhile read old new name; do case $name in refs/rel/*/output/*)\n\
        echo 'no outputs here' >&2; exit 1;; esac; done\n";
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

fn allow_outputs(shop: &Shop) {
    fs::remove_file(shop.authority().join("hooks/pre-receive")).unwrap();
}

/// Deploys to staging with these lines in the deploy command, in this
/// environment; where it is published as `staging/1`, what that holds.
fn published(script: &str, env: &[(&str, &str)]) -> (Output, String) {
    let shop = shop();
    let ana = shop.ana();
    ana.script("deploy.sh", &format!("#!/bin/sh\n{script}\n"));
    ana.script("verify.sh", "#!/bin/sh\ntrue\n");
    ana.commit_all("build: print this");
    ana.cut(&[]);
    let mut command: Command = ana.command(&["deploy", "staging", "--yes", "--json"]);
    command.envs(env.iter().copied());
    let output = Running::start(command).wait().ok();
    let text = outputs(&shop)["staging/1"].clone();
    let bob = shop.clone_for("bob").json(&["log", "--output", "staging#1"]);
    assert_eq!(string(&bob["output"]).trim_end_matches('\n'), text);
    (output, text)
}

over_every_authority!(it_is_read_elsewhere);

fn it_is_read_elsewhere(kind: Kind) {
    let shop = Shop::over(kind, &[PUBLISH]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("staging", &["--redeploy"]);
    let printed = format!("deploying {tag}\nlooking at {tag}");
    let all = outputs(&shop);
    assert_eq!(
        all.into_iter().collect::<Vec<_>>(),
        ["1", "2"].map(|n| (format!("staging/{n}"), printed.clone()))
    );
    assert!(outbox(&ana).is_empty());
    let log = log_file(&ana, "staging/1");
    assert_eq!(fs::read_to_string(&log).unwrap().trim_end(), printed);

    let bob = shop.clone_for("bob");
    if kind == Kind::Local {
        fs::remove_file(log).unwrap();
    } else {
        // Nothing but reading it brings it here.
        for args in [&["status"][..], &["sync"], &["fsck"], &["list"]] {
            bob.rel(args).ok();
        }
        bob.git(&["fetch", "--quiet"]);
        assert_eq!(bob.git(&["for-each-ref", "refs/rel/shop/output"]), "");
        assert_eq!(bob.refused(&["log", "--output", "staging#1", "--offline"], 4).kind(), "not-found");
    }
    let shown = bob.rel(&["log", "--output", "staging#1"]).ok();
    assert_eq!((shown.stdout.as_str(), shown.stderr.as_str()), (format!("{printed}\n").as_str(), ""));
    assert_eq!(bob.json(&["log", "--output", "staging#1"])["output"], format!("{printed}\n"));
    assert_eq!(bob.rel(&["log", "--output", "staging#1", "--follow"]).ok().stdout, shown.stdout);
    // What was fetched once is here.
    assert_eq!(bob.rel(&["log", "--output", "staging#1", "--offline"]).ok().stdout, shown.stdout);
    assert_eq!(bob.refused(&["log", "--output", "staging#3"], 4).kind(), "not-found");
    let report = ana.json(&["fsck"]);
    assert_eq!(report["findings"], json!([]));
    ana.rel(&["doctor"]).ok();
    // Plain git has no quarrel with it.
    for dir in [ana.dir.clone(), shop.authority()] {
        for args in [&["gc", "--quiet", "--prune=now"][..], &["fsck", "--strict", "--no-dangling"]] {
            shop.world.git(&ana.person, &dir, args);
        }
    }
    assert_eq!(names(&shop), ["staging/1", "staging/2"]);
}

#[test]
fn a_machine_that_is_asked_to_keeps_it_to_itself() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert!(names(&shop).is_empty());
    assert!(!ana.dir.join(".git/rel/shop/outbox").exists());
    let bob = shop.clone_for("bob");
    let refused = bob.refused(&["log", "--output", "staging#1"], 4);
    assert!(refused.ways_on().contains("[output] publish = \"git\""), "{refused:?}");
}

#[test]
fn what_looks_like_a_secret_is_hidden_by_its_name() {
    let script = "echo \"API_KEY=$API_KEY of $SHOP_USER\"\n\
        printf 'user:%s' \"$API_KEY\" | base64\n\
        echo \"$DATABASE_URL $SSH_AUTH_SOCK $PIN_TOKEN $USE_KEYS\"";
    let (output, text) = published(
        script,
        &[
            ("API_KEY", "k3y/\"quoted\"="),
            ("SHOP_USER", "anastasia"),
            ("DATABASE_URL", "postgres://shop:hunter22@db/shop"),
            ("SSH_AUTH_SOCK", "/run/agent.sock"),
            ("PIN_TOKEN", "123"),
            ("USE_KEYS", "true"),
        ],
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "API_KEY=*** of anastasia");
    assert!(lines[1].starts_with("dXNlcj") && lines[1].contains("***"), "{text}");
    assert_eq!(lines[2], "postgres://shop:***@db/shop /run/agent.sock 123 true");
    // On this machine it is shown and kept as it was printed.
    assert!(output.stderr.contains("API_KEY=k3y/\"quoted\"= of anastasia"), "{output:?}");
}

#[test]
fn no_line_of_a_key_is_shown() {
    let script = "printf '%s' \"$DEPLOY_KEY\"\n\
        printf '%s' \"$DEPLOY_KEY\" | sed 's/^/key: /' | head -n 2\n\
        printf '%s' \"$DEPLOY_KEY\" | tr '\\n' ' '; echo\n\
        printf '%s' \"$DEPLOY_KEY\" | base64 -w 20\n\
        printf '%s' \"$DEPLOY_KEY\" | sed -n 2p | cut -c 1-12; echo end";
    let (output, text) = published(script, &[("DEPLOY_KEY", PEM)]);
    assert!(output.stderr.contains("MIIEvQIBADANBgkqhkiG9w0BAQ"), "{output:?}");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("***"), "whole, its last line too: {text}");
    assert_eq!([lines.next(), lines.next()], [Some("key: ***"); 2]);
    assert_eq!(lines.next(), Some("*** *** Q== "));
    let encoded: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("MIIE")).collect();
    assert!(encoded.len() > 2 && encoded.iter().all(|line| line.starts_with("***")), "{text}");
    assert_eq!(lines.next(), Some("end"), "a part of a line is not known: {text}");
}

#[test]
fn a_declared_secret_is_hidden_as_ever() {
    let params = "[environments.staging.params]\nWORD = { secret = true, from_env = \"MAGIC\" }\n\n";
    let shop = Shop::with(&[PUBLISH, ("[environments.prod]", &format!("{params}[environments.prod]"))]);
    let ana = shop.ana();
    ana.script("deploy.sh", "#!/bin/sh\necho \"the word is $WORD\"\n");
    ana.script("verify.sh", "#!/bin/sh\ntrue\n");
    ana.commit_all("build: print the word");
    ana.cut(&[]);
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    command.env("MAGIC", "abracadabra");
    Running::start(command).wait().ok();
    assert_eq!(outputs(&shop)["staging/1"], "the word is ***");
}

#[test]
fn what_is_refused_costs_nothing_and_waits() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    refuse_outputs(&shop);
    let output = ana.rel(&["deploy", "staging", "--yes"]).ok();
    let warning = "warning: what staging#1 printed is not published: origin refused the change\n  \
        remote: no outputs here\n";
    assert!(
        output.stderr.contains(warning) && output.stderr.contains("\n  try again: rel sync\n"),
        "{output:?}"
    );
    assert_eq!(ana.status("staging")["current"]["deployment"], "staging#1", "the record is there");
    // It needs no object, so that no housekeeping costs it.
    ana.git(&["gc", "--quiet", "--prune=now"]);
    let again = ana.rel(&["sync"]).ok();
    assert!(again.stderr.contains("what staging#1 printed is not published"), "{again:?}");
    assert!(again.stderr.contains("rm ") && !again.stdout.contains("nothing was left"), "{again:?}");
    assert!(names(&shop).is_empty());
    // The next one does not suffer for it.
    ana.deploy("staging", &["--redeploy"]);
    assert_eq!(outbox(&ana), ["1.txt", "2.txt"]);
    allow_outputs(&shop);
    ana.deploy("staging", &["--redeploy"]);
    assert_eq!(names(&shop), ["staging/3"]);
    let published = ana.rel(&["sync"]).ok();
    assert_eq!(published.stdout, "what staging#1, staging#2 printed is published\n");
    assert_eq!(names(&shop), ["staging/1", "staging/2", "staging/3"]);
    assert!(outbox(&ana).is_empty());
    assert_eq!(ana.json(&["sync"])["outputs"], json!([]));
}

/// A host may look into what is pushed, and dislike one of them.
#[test]
fn one_that_is_refused_keeps_back_no_other() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    refuse_outputs(&shop);
    ana.deploy("staging", &[]);
    ana.deploy("staging", &["--redeploy"]);
    let hook = shop.authority().join("hooks/pre-receive");
    let text = fs::read_to_string(&hook).unwrap().replace("output/*)", "output/*/1)");
    fs::write(hook, text).unwrap();
    assert_eq!(ana.json(&["sync"])["outputs"], json!(["staging#2"]));
    assert_eq!(names(&shop), ["staging/2"]);
    assert_eq!(outbox(&ana), ["1.txt"]);
}

#[test]
fn what_the_team_takes_back_is_given_up() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    refuse_outputs(&shop);
    ana.deploy("staging", &[]);
    allow_outputs(&shop);
    ana.reconfigure("publish = \"git\"", "publish = \"local\"");
    let output = ana.rel(&["sync"]).ok();
    assert!(output.stderr.contains("what staging#1 printed stays on this machine"), "{output:?}");
    assert!(outbox(&ana).is_empty() && names(&shop).is_empty());
    assert!(ana.rel(&["log", "--output", "staging#1"]).ok().stdout.contains("deploying"));
}

#[test]
fn what_is_there_is_never_overwritten() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["push", "--quiet", "origin", "HEAD:refs/rel/shop/output/staging/1"]);
    let before = shop.refs()["refs/rel/shop/output/staging/1"].clone();
    let output = ana.rel(&["deploy", "staging", "--yes"]).ok();
    assert!(output.stderr.contains("refs/rel/shop/output/staging/1 is taken"), "{output:?}");
    assert_eq!(shop.refs()["refs/rel/shop/output/staging/1"], before);
    assert!(outbox(&ana).is_empty(), "there is no use in trying again");
    let bob = shop.clone_for("bob");
    let failure = bob.rel(&["log", "--output", "staging#1", "--json"]).code(1);
    assert!(failure.stdout.contains("does not hold what staging#1 printed"), "{failure:?}");
}

#[test]
fn a_failure_and_its_rollback_have_one_each() {
    let shop =
        Shop::with(&[PUBLISH, ("[environments.prod]", "on_failure = \"rollback\"\n\n[environments.prod]")]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    shop.world.set(&format!("fail-{second}"));
    ana.rel(&["deploy", "staging", "--yes", "--json"]).code(6);
    let all = outputs(&shop);
    assert!(all["staging/2"].contains("the server says no"), "{all:?}");
    assert!(all["staging/3"].contains(&format!("deploying {first}")), "{all:?}");
    assert_eq!(all.len(), 3);
}

#[test]
fn what_an_interrupted_one_printed_is_published_too() {
    let shop = shop();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    shop.world.running("staging", 1);
    let bob = shop.clone_for("bob");
    let still = bob.refused(&["log", "--output", "staging#1"], 4);
    assert!(still.ways_on().contains("published once it is over"), "{still:?}");
    running.signal(Signal::SIGTERM);
    running.wait().code(130);
    assert!(bob.rel(&["log", "--output", "staging#1"]).ok().stdout.contains(&format!("deploying {tag}")));
}

/// What was to be hidden died with the run.
#[test]
fn what_a_killed_one_printed_stays_where_it_was() {
    let shop = shop();
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
    assert_eq!(ana.json(&["sync"])["settled"][0]["state"], "unknown");
    assert!(names(&shop).is_empty());
    assert!(ana.rel(&["log", "--output", "staging#1"]).ok().stdout.contains("deploying"));
    let bob = shop.clone_for("bob");
    let refused = bob.refused(&["log", "--output", "staging#1"], 4);
    assert!(refused.ways_on().contains("unless its run was killed"), "{refused:?}");
}

#[test]
fn an_offline_one_is_published_with_its_record() {
    let shop = Shop::over(Kind::Http, &[PUBLISH]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let server = shop.remote.as_ref().unwrap().server.as_ref().unwrap();
    server.answer(500);
    let args = ["deploy", "prod", "--offline", "--yes", "--reason", "the host is down", "--json"];
    ana.rel(&args).code(8);
    ana.rel(&["sync", "--json"]).code(1);
    server.answer(0);
    assert_eq!(names(&shop), ["staging/1"]);
    let document = ana.json(&["sync"]);
    assert_eq!(
        (&document["settled"][0]["deployment"], &document["outputs"]),
        (&json!("prod#1"), &json!(["prod#1"]))
    );
    assert_eq!(names(&shop), ["prod/1", "staging/1"]);
    let bob = shop.clone_for("bob");
    assert!(bob.rel(&["log", "--output", "prod#1"]).ok().stdout.contains("deploying"));
}

/// Only the end of what is too long, and all of that on the machine it ran on.
#[test]
fn what_is_too_long_loses_its_beginning() {
    let (_, text) = published(
        "echo the-first-line\nhead -c 9000000 /dev/zero | tr '\\0' x | fold -w 999\necho\necho the-last-line",
        &[],
    );
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("[the first 0.6 MiB are left out here]"));
    assert!(lines.next().is_some_and(|line| line.len() == 999 && line.bytes().all(|byte| byte == b'x')));
    assert_eq!(lines.next_back(), Some("the-last-line"));
    assert!(text.len() <= 8 << 20 | 64, "{}", text.len());
    assert!(!text.contains("the-first-line"));
}

/// It never comes before the record.
#[cfg(feature = "failpoints")]
#[test]
fn it_waits_for_its_record() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    let mut command = ana.command(&["deploy", "staging", "--yes", "--json"]);
    // After the claim nothing arrives any more.
    command.env("FAILPOINTS", "push=1*off->return(error)").env("REL_PUBLISH_TIMEOUT", "0");
    let output = Running::start(command).wait().code(8);
    assert!(!output.stderr.contains("printed is not published"), "one word on it is enough: {output:?}");
    assert_eq!(outbox(&ana), ["1.txt"]);
    let document = ana.json(&["sync"]);
    assert_eq!(document["settled"][0]["deployment"], "staging#1");
    assert_eq!(document["outputs"], json!(["staging#1"]));
    assert_eq!(names(&shop), ["staging/1"]);
}

/// Whoever is killed before the push leaves it to `sync`.
#[cfg(feature = "failpoints")]
#[test]
fn a_run_that_is_killed_before_the_push_leaves_it_to_sync() {
    let shop = shop();
    let ana = shop.ana();
    ana.cut(&[]);
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    // The claim, the outcome, and then this.
    command.env("FAILPOINTS", "push=2*off->1*return(kill)");
    Running::start(command).wait().code(137);
    assert_eq!(outbox(&ana), ["1.txt"]);
    assert_eq!(ana.json(&["sync"])["outputs"], json!(["staging#1"]));
    assert_eq!(names(&shop), ["staging/1"]);
}

/// Wherever it is killed: what is published is of a deployment that is
/// recorded, and nothing is left over.
#[cfg(feature = "failpoints")]
#[test]
fn killed_at_each_step_it_is_published_once() {
    let shop = shop();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let args = ["deploy", "staging", &tag, "--redeploy", "--yes"];
    crate::failpoints::at_each_step(&ana, &args, crate::failpoints::KILL, |ana| {
        ana.rel(&["sync"]).ok();
        assert!(outbox(ana).is_empty(), "{:?}", outbox(ana));
        let log = ana.json(&["log", "staging", "-n", "1000"])["deployments"].clone();
        let ids: Vec<String> = log.as_array().unwrap().iter().map(|d| string(&d["id"])).collect();
        for name in names(&shop) {
            assert!(ids.contains(&name.replace('/', "#")), "{name} of {ids:?}");
        }
    });
    assert!(!names(&shop).is_empty());
}
