//! Hooks: asked before, told after, with CDEvents on their standard input.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::remote::Kind;
use crate::repo::{Desk, Shop};
use crate::world::wait_until;

/// A hook that keeps what it is told, and says no while `no-NAME` is there.
const HOOK: &str = r#"#!/bin/sh
cat > "$SHOP/told-$REL_HOOK"
env -0 > "$SHOP/env-$REL_HOOK"
echo "$REL_HOOK $(pwd)" >> "$SHOP/hooked"
if [ -e "$SHOP/no-$REL_HOOK" ]; then
  echo "not on my watch" >&2
  exit 9
fi
"#;

const ALL: [&str; 6] =
    ["before_cut", "after_cut", "before_deploy", "after_deploy", "after_failure", "after_rollback"];

/// A shop with a hook for everything.
fn hooked() -> Shop {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script("hook.sh", HOOK);
    let hooks: String = ALL.iter().map(|name| format!("{name} = \"./hook.sh\"\n")).collect();
    let toml = std::fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &format!("{toml}\n[hooks]\ntimeout = \"20s\"\n{hooks}"), "chore: hooks");
    shop
}

/// The names of the hooks that ran.
fn ran(shop: &Shop) -> Vec<String> {
    let lines = shop.world.lines("hooked").into_iter();
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// What a hook was told last, checked against what CDEvents publishes.
#[track_caller]
fn told(shop: &Shop, name: &str, r#type: &str) -> Value {
    let text = std::fs::read_to_string(shop.world.shop().join(format!("told-{name}"))).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["context"]["type"], format!("dev.cdevents.{type}.0.3.0"));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/cdevents");
    let read = |name: String| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let mut registry = jsonschema::Registry::new();
    for link in ["embeddedlinkend", "embeddedlinkpath", "embeddedlinkrelation", "embeddedlinksarray"] {
        let schema = read(format!("links/{link}.json"));
        let uri = format!("https://cdevents.dev/0.5.1/schema/links/{link}");
        registry = registry.add(uri, schema).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let schema = read(format!("{}.json", r#type.replace('.', "")));
    let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{document}");
    document
}

#[test]
fn each_hears_of_its_event_in_the_words_of_cdevents() {
    let shop = hooked();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let queued = told(&shop, "before_cut", "build.queued");
    assert_eq!(queued["customData"]["commit"], ana.tip());
    let published = told(&shop, "after_cut", "artifact.published");
    assert_eq!(published["subject"]["id"], "pkg:generic/shop@0.1.0-rc.1");
    assert_eq!(published["customData"]["candidate"]["tag"], tag);
    let deployment = ana.deploy("staging", &["--reason", "a look"]);
    let queued = told(&shop, "before_deploy", "pipelinerun.queued");
    assert_eq!(queued["customData"]["environment"], "staging");
    let deployed = told(&shop, "after_deploy", "service.deployed");
    assert_eq!(deployed["subject"]["content"]["environment"]["id"], "staging");
    assert_eq!(deployed["customData"]["deployment"]["id"], deployment["id"]);
    let hook = &deployment["gates"].as_array().unwrap()[0];
    assert_eq!((&hook["gate"], &hook["verdict"]), (&"hook".into(), &"passed".into()));
    let variables = shop.world.variables("env-after_deploy");
    assert_eq!(variables["REL_REASON"], "a look");
    assert_eq!((&*variables["REL_ENV"], &*variables["REL_STATE"]), ("staging", "succeeded"));
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    told(&shop, "after_deploy", "service.upgraded");
    ana.rollback("staging", &[]);
    let back = told(&shop, "after_rollback", "service.rolledback");
    assert_eq!(back["subject"]["content"]["artifactId"], "pkg:generic/shop@0.1.0-rc.1");
    ana.json(&["unlock", "staging", "--reason", "go on"]);
    ana.cut_new("door");
    shop.world.set("fail-deploy");
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    let failed = told(&shop, "after_failure", "pipelinerun.finished");
    assert_eq!(failed["subject"]["content"]["outcome"], "failure");
    assert!(failed["subject"]["content"]["errors"].as_str().unwrap().contains("exit 7"), "{failed}");
    let cut = ["before_cut", "after_cut"];
    let deploy = ["before_deploy", "after_deploy"];
    let all = [
        &cut[..],
        &deploy,
        &cut,
        &deploy,
        &["before_deploy", "after_rollback"],
        &cut,
        &["before_deploy", "after_failure"],
    ];
    assert_eq!(ran(&shop), all.concat());
    // Each ran in a checkout of its own, which is gone.
    for line in shop.world.lines("hooked") {
        let place = PathBuf::from(line.split_once(' ').unwrap().1);
        assert!(!place.starts_with(&ana.dir) && !place.exists(), "{line}");
    }
}

#[test]
fn one_before_can_refuse_and_is_passed_by_name() {
    let shop = hooked();
    let ana = shop.ana();
    shop.world.set("no-before_cut");
    let refused = ana.refused_by(&["cut"], 4, &["hook"]);
    assert!(refused.json()["error"]["reasons"][0]["message"].as_str().unwrap().contains("not on my watch"));
    shop.world.clear("no-before_cut");
    let tag = ana.cut(&[]);
    shop.world.set("no-before_deploy");
    let refused = ana.refused_by(&["deploy", "staging", "--yes"], 4, &["hook"]);
    let why = refused.json()["error"]["reasons"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(why, "before_deploy said no: exit 9\nnot on my watch");
    // What is only looked at asks nobody.
    ana.rel(&["deploy", "staging", "--dry-run"]).ok();
    let passed = ana.deploy("staging", &["--override", "hook", "--reason", "I am on call"]);
    assert_eq!(passed["overrides"][0]["gate"], "hook");
    assert!(passed["overrides"][0]["text"].as_str().unwrap().contains("not on my watch"), "{passed}");
    // A rollback it only warns.
    ana.cut_new("window");
    ana.deploy("staging", &["--override", "hook", "--reason", "I am on call"]);
    let back = ana.rel(&["rollback", "staging", "--yes"]).ok();
    assert!(back.stderr.contains("a rollback goes on"), "{back:?}");
    assert_eq!(ana.live("staging"), tag);
}

#[test]
fn one_after_only_warns_and_cannot_hang() {
    let shop = hooked();
    let ana = shop.ana();
    shop.world.set("no-after_cut");
    shop.world.set("no-after_deploy");
    let cut = ana.rel(&["cut"]).ok();
    assert!(cut.stderr.contains("after_cut failed: exit 9"), "{cut:?}");
    let deployed = ana.rel(&["deploy", "staging", "--yes"]).ok();
    assert!(deployed.stderr.contains("after_deploy failed: exit 9"), "{deployed:?}");
    ana.reconfigure("timeout = \"20s\"", "timeout = \"1s\"");
    ana.script("hook.sh", "#!/bin/sh\necho $$ > \"$SHOP/hanging\"\nsleep 600\n");
    ana.commit_all("chore: hang");
    ana.rel(&["cut"]).code(4);
    let pid: i32 = shop.world.lines("hanging")[0].parse().unwrap();
    crate::world::Process::of(pid).is_gone();
}

/// Where `on_failure` rolls back, both are told of, the failure first.
#[test]
fn an_automatic_rollback_is_told_of_after_the_failure() {
    let shop = hooked();
    let ana = shop.ana();
    ana.reconfigure("final = true", "final = true\non_failure = \"rollback\"");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let tag = ana.cut_new("window");
    ana.deploy("staging", &[]);
    shop.world.set(&format!("fail-{tag}"));
    ana.rel(&["deploy", "prod", "--yes"]).code(6);
    let ran = ran(&shop);
    assert_eq!(ran[ran.len() - 3..], ["before_deploy", "after_failure", "after_rollback"]);
    told(&shop, "after_rollback", "service.rolledback");
}

/// A build that fails is told of too, and its number is listed.
#[test]
fn a_failed_build_is_told_of_and_listed() {
    let shop = hooked();
    let ana = shop.ana();
    ana.script("build.sh", "#!/bin/sh\necho half of it\nexit 3\n");
    ana.commit_all("feat: break it");
    ana.rel(&["cut"]).code(6);
    let told = told(&shop, "after_failure", "pipelinerun.finished");
    assert_eq!(told["subject"]["id"], "v0.1.0-rc.1");
    assert_eq!(told["subject"]["content"]["errors"], "the build of v0.1.0-rc.1 failed: exit 3");
    assert_eq!(told["customData"]["candidate"]["tag"], "v0.1.0-rc.1");
    let listed = ana.json(&["list"]);
    assert_eq!(listed["releases"].as_array().unwrap().len(), 0);
    let build = &listed["builds"][0];
    assert_eq!((&build["tag"], &build["state"]), (&"v0.1.0-rc.1".into(), &"failed".into()));
    assert_eq!(build["actor"], ana.person.actor());
    assert_eq!(build["reason"], told["customData"]["text"]);
    let text = ana.rel(&["list"]).ok().stdout;
    assert!(text.contains("v0.1.0-rc.1") && text.contains("failed: exit 3"), "{text}");
    let shown = ana.refused(&["show", "v0.1.0-rc.1"], 4);
    assert!(shown.ways_on().contains("rel log --output v0.1.0-rc.1"), "{shown:?}");
    // What it printed is here, and where that is published in every clone.
    assert_eq!(ana.rel(&["log", "--output", "v0.1.0-rc.1"]).ok().stdout, "half of it\n");
    let bob = shop.clone_for("bob");
    assert_eq!(bob.refused(&["log", "--output", "v0.1.0-rc.1"], 4).kind(), "not-found");
    let text = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &format!("{text}\n[output]\npublish = \"git\"\n"), "chore: publish");
    ana.rel(&["cut"]).code(6);
    assert_eq!(bob.rel(&["log", "--output", "v0.1.0-rc.2"]).ok().stdout, "half of it\n");
    assert_eq!(ana.rel(&["log", "--output", "v0.1.0-rc.2", "--follow"]).code, 2);
}

/// An interrupted deployment is told of all the same.
#[test]
fn what_was_cancelled_is_told_of() {
    let shop = hooked();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let run: crate::world::Running = start(&ana);
    wait_until("it deploys", || !shop.ran("staging").is_empty());
    run.signal(nix::sys::signal::Signal::SIGINT);
    run.wait().code(130);
    let told = told(&shop, "after_failure", "pipelinerun.finished");
    assert_eq!(told["subject"]["content"]["outcome"], "cancel");
}

fn start(desk: &Desk<'_>) -> crate::world::Running {
    desk.start(&["deploy", "staging", "--yes"])
}

over_every_authority!(what_is_blocked_while_a_hook_waits_is_not_deployed);

fn what_is_blocked_while_a_hook_waits_is_not_deployed(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    blocked_meanwhile(&shop);
}

/// The same where refs are changed in turn.
#[test]
fn a_block_that_comes_meanwhile_is_seen_where_refs_are_changed_in_turn() {
    let shop = Shop::new();
    shop.authority_git(&["config", "receive.advertiseAtomic", "false"]);
    blocked_meanwhile(&shop);
}

fn blocked_meanwhile(shop: &Shop) {
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    ana.script(
        "hook.sh",
        "#!/bin/sh\necho asked >> \"$SHOP/asked\"\nwhile [ ! -e \"$SHOP/answer\" ]; do sleep 0.02; done\n",
    );
    let toml = std::fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &format!("{toml}\n[hooks]\nbefore_deploy = \"./hook.sh\"\n"), "chore: hook");
    let (other, tag) = (ana.cut(&[]), ana.cut_new("window"));
    let meanwhile = |verb: &[&str], other: &[&str]| {
        let run = ana.start(&[verb, &["staging", tag.as_str(), "--json"]].concat());
        wait_until("it is asked", || shop.world.shop().join("asked").exists());
        bob.json(other);
        shop.world.set("answer");
        let output = run.wait();
        assert_eq!(shop.world.lines("asked").len(), 1, "{output:?}");
        shop.world.clear("asked");
        shop.world.clear("answer");
        output
    };
    let block = ["block", &tag, "--reason", "it leaks"];
    for verb in [&["deploy", "--yes"][..], &["record", "--started"]] {
        let refused = meanwhile(verb, &block).code(4);
        assert_eq!(refused.gates(), ["blocked"]);
        assert!(shop.ran("staging").is_empty() && shop.events("env/staging").is_empty());
        bob.json(&["unblock", &tag, "--reason", "it does not"]);
    }
    // What is no reason to refuse is planned again, and nobody is asked again.
    let output = meanwhile(&["deploy", "--yes"], &["block", &other, "--reason", "it leaks"]).ok();
    assert!(output.stderr.contains("planning again"), "{output:?}");
    assert_eq!(ana.live("staging"), tag);
    let recorded = meanwhile(&["record", "--started"], &["unblock", &other, "--reason", "it does not"]);
    assert_eq!(recorded.ok().json()["deployment"]["id"], "staging#2");
}
