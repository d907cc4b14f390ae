//! `rel sync --stop`: whatever became of the `rel` that began it, nothing of a
//! run goes on, and the record says so.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::repo::{Desk, Shop};
use crate::world::{Process, Running, wait_until};

/// A deploy command with a child, neither of which hears a polite word.
const DEAF: &str = "#!/bin/sh
trap '' TERM INT HUP
here=\"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN\"
mkdir -p \"$here\"
while [ -e \"$SHOP/hold-staging\" ]; do sleep 0.02; done &
echo $! > \"$here/child\"
echo $$ > \"$here/pid.part\"
mv \"$here/pid.part\" \"$here/pid\"
while [ -e \"$SHOP/hold-staging\" ]; do sleep 0.02; done
";

/// A shop whose staging is deployed to by this alone, and has a second to end.
fn shop_with(deploy: &str) -> Shop {
    let rest = "\n\n[environments.prod]";
    let shop = Shop::with(&[(&format!("verify = \"./verify.sh\"{rest}"), &format!("grace = \"1s\"{rest}"))]);
    let ana = shop.ana();
    ana.script("deploy.sh", deploy);
    ana.commit_all("build: deploy otherwise");
    shop
}

/// Starts a step of a CI job: a shell that a script was given to. It goes on
/// after what it runs, as a shell with more to do has to.
fn step(desk: &Desk<'_>, script: &str) -> Running {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_rel"));
    let world = &desk.shop.world;
    let mut shell = world.command("sh", &desk.person, &desk.dir);
    shell.env("PATH", world.path_with(binary.parent().expect("it lies in a folder")));
    shell.args(["-c", &format!("trap : INT TERM\n{script}\nexit $?")]);
    Running::start(shell)
}

/// Cancels a step as CI hosts do: its shell alone is told, each time more
/// strongly. How long they wait in between changes nothing: the shell has a
/// child to wait for.
fn cancel(mut step: Running) -> Running {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        step.try_signal(signal);
    }
    wait_until("the shell is gone", || step.has_ended());
    step
}

/// The one page of this clone's journal.
fn page(desk: &Desk<'_>) -> (PathBuf, Value) {
    let journal = desk.dir.join(".git/rel/shop/journal");
    let files = std::fs::read_dir(journal).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let path = pages.next().expect("a run was begun");
    assert!(pages.next().is_none(), "only one");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, serde_json::from_str(&text).unwrap())
}

fn journal_is_empty(desk: &Desk<'_>) -> bool {
    let files = std::fs::read_dir(desk.dir.join(".git/rel/shop/journal")).into_iter().flatten().flatten();
    !files.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|e| e == "json"))
}

/// The `rel` that began the one run there is.
fn keeper(desk: &Desk<'_>) -> Process {
    Process::of(i32::try_from(page(desk).1["rel"]["pid"].as_i64().unwrap()).unwrap())
}

fn signal(pid: u64, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

fn child(shop: &Shop, seq: u64) -> Process {
    let text =
        std::fs::read_to_string(shop.world.shop().join(format!("deploy/staging-{seq}/child"))).unwrap();
    Process::of(text.trim().parse().unwrap())
}

/// A deployment to staging that holds, whose `rel` was killed once its command
/// was noted; with the process of its command.
fn orphaned(ana: &Desk<'_>, seq: u64) -> Process {
    ana.shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes", "--json"]);
    let command = ana.shop.world.running("staging", seq);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    assert!(command.lives(), "the command outlives a killed rel");
    command
}

/// Nothing of deployment `staging#1` goes on, it is recorded as cancelled, and
/// the environment can be deployed to at once.
#[track_caller]
fn is_cancelled(ana: &Desk<'_>, command: Process) {
    let shop = ana.shop;
    assert!(!command.lives(), "the command goes on");
    assert!(journal_is_empty(ana));
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1, "its checkout is left");
    let bob = shop.clone_for("bob");
    let status = bob.status("staging");
    assert!(status["in_flight"].is_null(), "{status}");
    assert_eq!(status["unresolved"], json!([]));
    let first = bob.json(&["log", "staging"])["deployments"][0].clone();
    assert_eq!((&first["id"], &first["state"]), (&json!("staging#1"), &json!("cancelled")), "{first}");
    assert_eq!(first["certain"], false, "its command had started");
    shop.world.clear("hold-staging");
    bob.deploy("staging", &[]);
}

#[test]
fn the_last_step_of_a_cancelled_job_stops_what_its_shell_left() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let step = step(&ana, "rel deploy staging --yes");
    let command = shop.world.running("staging", 1);
    ana.noted();
    let rel = keeper(&ana);
    let step = cancel(step);
    assert!(rel.lives() && command.lives(), "nobody told them");

    // Without --stop it is nobody's to end.
    let document = ana.json(&["sync"]);
    assert_eq!(document["settled"], json!([]), "{document}");
    assert!(document.get("stopped").is_none(), "{document}");
    let status = ana.rel(&["status", "staging"]).ok();
    assert!(status.stdout.contains("alive on this machine"), "{status:?}");
    ana.refused_by(&["deploy", "staging", "--yes"], 5, &["busy"]);
    assert!(rel.lives() && command.lives());

    let told = ana.rel(&["sync", "--stop"]).ok();
    assert_eq!(told.stdout, "staging#1 is stopped, and recorded as cancelled\n");
    let note = told.stderr.lines().next().unwrap_or_default();
    assert!(
        note.starts_with("staging#1: its rel, process ") && note.ends_with(", is asked to end"),
        "{note}"
    );
    assert!(told.stderr.contains("nobody knows what staging runs now: rel status staging"), "{told:?}");
    assert!(!rel.lives());
    // It let go of the job's streams as well.
    step.wait().code(137);
    is_cancelled(&ana, command);
}

#[test]
fn a_step_whose_rel_was_killed_too() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);

    let document = ana.json(&["sync"]);
    assert_eq!(document["settled"], json!([{ "deployment": "staging#1", "state": "running" }]));
    assert!(ana.rel(&["sync"]).ok().stderr.contains("end what still runs here: rel sync --stop"));
    let before = ana.before();
    let would = ana.rel(&["sync", "--stop", "--dry-run"]).ok().stdout;
    let pid = page(&ana).1["run"]["process"]["pid"].clone();
    assert_eq!(would, format!("staging#1: what its dead rel left, process group {pid}, would be ended\n"));
    ana.unchanged(&before);
    assert!(command.lives(), "a dry run ends nothing");

    let document = ana.json(&["sync", "--stop"]);
    let stopped = json!([{ "deployment": "staging#1", "by": "command", "pid": pid, "state": "cancelled" }]);
    assert_eq!(document["stopped"], stopped);
    assert_eq!(document["settled"], json!([{ "deployment": "staging#1", "state": "cancelled" }]));
    is_cancelled(&ana, command);
    // Nothing is left; what cannot be read is named all the same.
    std::fs::write(ana.dir.join(".git/rel/shop/journal/torn.json"), "{").unwrap();
    let document = ana.json(&["sync", "--stop"]);
    assert_eq!(document["stopped"], json!([]));
    assert!(document["settled"][0]["set_aside"].as_str().unwrap().ends_with("torn.damaged"), "{document}");
}

/// The whole group is ended, for good after its grace; with its `rel` or without.
#[test]
fn what_will_not_hear_is_ended_with_its_children() {
    for killed in [true, false] {
        let shop = shop_with(DEAF);
        let ana = shop.ana();
        ana.cut(&[]);
        shop.world.set("hold-staging");
        let step = step(&ana, "rel deploy staging --yes");
        let command = shop.world.running("staging", 1);
        ana.noted();
        cancel(step);
        let rel = keeper(&ana);
        if killed {
            signal(page(&ana).1["rel"]["pid"].as_u64().unwrap(), Signal::SIGKILL);
            rel.is_gone();
        }
        let (document, child) = (ana.json(&["sync", "--stop"]), child(&shop, 1));
        assert_eq!(document["stopped"][0]["by"], if killed { "command" } else { "rel" });
        assert!(!rel.lives() && !child.lives());
        is_cancelled(&ana, command);
    }
}

/// A `rel` that cannot hear is killed in the end, and what it leaves is ended.
#[test]
fn a_rel_that_will_not_hear_is_killed() {
    let shop = shop_with(DEAF);
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = step(&ana, "trap '' TERM\nrel deploy staging --yes");
    let command = shop.world.running("staging", 1);
    ana.noted();
    let rel = keeper(&ana);
    let mut sync = ana.command(&["sync", "--stop", "--json"]);
    sync.env("REL_PUBLISH_TIMEOUT", "0");
    let document = Running::start(sync).wait().ok().json();
    let by: Vec<&Value> = document["stopped"].as_array().unwrap().iter().map(|one| &one["by"]).collect();
    assert_eq!(by, ["rel", "command"], "{document}");
    assert!(!rel.lives());
    running.wait().code(137);
    is_cancelled(&ana, command);
}

#[test]
fn a_group_whose_leader_is_gone_is_known_by_where_it_works() {
    let shop = shop_with(DEAF);
    let ana = shop.ana();
    ana.cut(&[]);
    let script = orphaned(&ana, 1);
    let child = child(&shop, 1);
    let leader = page(&ana).1["run"]["process"]["pid"].as_u64().unwrap();
    signal(leader, Signal::SIGKILL);
    Process::of(i32::try_from(leader).unwrap()).is_gone();
    assert!(child.lives());
    assert_eq!(ana.json(&["sync"])["settled"][0]["state"], "running", "its child is at work");

    assert_eq!(ana.json(&["sync", "--stop"])["stopped"][0]["state"], "cancelled");
    assert!(!child.lives());
    is_cancelled(&ana, script);
}

/// Where nothing proves that a process is the one written down, it is left
/// alone, and the run stays as it is.
#[test]
fn what_may_be_somebody_elses_is_never_signalled() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);
    let (path, noted) = page(&ana);
    let pid = noted["run"]["process"]["pid"].as_u64().unwrap();
    for missing in ["start_time", "boot"] {
        let mut page = noted.clone();
        page["run"]["process"][missing] = Value::Null;
        page["scratch"]["process"][missing] = Value::Null;
        std::fs::write(&path, page.to_string()).unwrap();
        let failed = ana.rel(&["sync", "--stop", "--dry-run", "--json"]).code(1);
        assert!(failed.ways_on().contains(&format!("kill -TERM -- -{pid}")), "{failed:?}");
        let failed = ana.rel(&["sync", "--stop"]).code(1);
        assert!(command.lives(), "{missing}: {failed:?}");
        assert!(failed.stderr.contains(&format!("process group {pid}")), "{failed:?}");
        std::fs::write(&path, noted.to_string()).unwrap();
    }
    assert_eq!(shop.clone_for("carol").status("staging")["in_flight"]["id"], "staging#1");
    ana.json(&["sync", "--stop"]);
    is_cancelled(&ana, command);
}

/// A number that was given to another process since: what it stood for is gone.
#[test]
fn a_number_that_was_used_again_is_somebody_elses() {
    for (what, value) in [("start_time", json!(1)), ("boot", json!("another"))] {
        let shop = Shop::new();
        let ana = shop.ana();
        ana.cut(&[]);
        let command = orphaned(&ana, 1);
        let (path, mut page) = page(&ana);
        page["run"]["process"][what] = value.clone();
        page["scratch"]["process"][what] = value;
        std::fs::write(&path, page.to_string()).unwrap();
        let document = ana.json(&["sync", "--stop"]);
        assert!(command.lives());
        assert_eq!(document["stopped"], json!([]));
        assert_eq!(document["settled"], json!([{ "deployment": "staging#1", "state": "unknown" }]));
        shop.world.clear("hold-staging");
        command.is_gone();
    }
}

/// Nobody knows how it ended: stopping is no reason to say that it was cancelled.
#[test]
fn what_ended_by_itself_stays_unknown() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);
    shop.world.clear("hold-staging");
    command.is_gone();
    let document = ana.json(&["sync", "--stop"]);
    assert_eq!(document["stopped"], json!([]));
    assert_eq!(document["settled"], json!([{ "deployment": "staging#1", "state": "unknown" }]));
    assert_eq!(ana.status("staging")["unresolved"][0]["id"], "staging#1");
}

#[test]
fn a_command_that_was_started_and_not_noted_is_found_where_it_works() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);
    let (path, mut page) = page(&ana);
    let pid = page["run"]["process"]["pid"].clone();
    page["run"]["process"] = Value::Null;
    page["scratch"]["process"] = Value::Null;
    page["scratch"]["starting"] = json!(true);
    std::fs::write(&path, page.to_string()).unwrap();
    ana.json(&["sync"]);
    assert_eq!(ana.status("staging")["in_flight"]["id"], "staging#1", "it runs, and is not stolen");
    ana.refused_by(&["deploy", "staging", "--yes"], 5, &["busy"]);
    let document = ana.json(&["sync", "--stop"]);
    assert_eq!(document["stopped"][0]["pid"], pid);
    assert_eq!(document["stopped"][0]["state"], "cancelled");
    assert!(!command.lives());
    let folder = page["scratch"]["folder"].as_str().unwrap();
    assert!(!std::path::Path::new(folder).exists(), "nobody works there any more");
}

/// The build is ended before its number is given up, whoever has it in hand.
#[test]
fn a_build_is_stopped_and_its_number_given_up() {
    for killed in [true, false] {
        let shop = Shop::new();
        let ana = shop.ana();
        ana.script(
            "build.sh",
            "#!/bin/sh\necho $$ > \"$SHOP/builder\"\necho >> \"$SHOP/builds\"\nexec sleep 3600\n",
        );
        ana.commit_all("build: slow");
        let step = step(&ana, "rel cut");
        wait_until("it builds", || !shop.world.lines("builds").is_empty());
        ana.noted();
        let builder = Process::of(shop.world.lines("builder")[0].parse().unwrap());
        cancel(step);
        let rel = keeper(&ana);
        if killed {
            signal(page(&ana).1["rel"]["pid"].as_u64().unwrap(), Signal::SIGKILL);
            rel.is_gone();
            assert!(builder.lives(), "the build outlives a killed rel");
        }
        let told = ana.rel(&["sync", "--stop", "--json"]).ok();
        let document = told.json();
        assert_eq!(document["stopped"][0]["reservation"], "0.1.0-rc.1", "{document}");
        assert_eq!(document["stopped"][0]["state"], "abandoned", "{document}");
        assert!(!builder.lives() && !rel.lives());
        assert!(journal_is_empty(&ana));
        assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
        let events = shop.events("candidates");
        assert_eq!(events.len(), 2, "reserved, abandoned: {events:?}");
    }
}

/// What is stopped without the remote is noted here, and published later.
#[test]
fn a_record_that_cannot_be_published_waits() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);
    assert_eq!(ana.refused(&["sync", "--offline"], 2).kind(), "usage");
    let failed = ana.rel(&["sync", "--stop", "--offline", "--json"]).code(8);
    assert!(failed.ways_on().contains("rel sync"), "{failed:?}");
    assert_eq!(failed.json()["stopped"][0]["deployment"], "staging#1");
    assert!(!command.lives());
    assert_eq!(shop.clone_for("carol").status("staging")["in_flight"]["id"], "staging#1");
    ana.rel(&["sync", "--stop", "--offline"]).ok();
    assert_eq!(ana.json(&["sync"])["settled"][0]["state"], "cancelled");
    is_cancelled(&ana, command);
}

#[test]
fn what_was_stopped_while_the_remote_was_away_is_published_later() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let command = orphaned(&ana, 1);
    let away = shop.world.at("away.git");
    std::fs::rename(shop.authority(), &away).unwrap();
    let mut sync = ana.command(&["sync", "--stop", "--json"]);
    sync.env("REL_PUBLISH_TIMEOUT", "0");
    let failed = Running::start(sync).wait().code(8);
    assert_eq!(failed.kind(), "unpublished");
    assert!(!command.lives(), "the remote is not needed to stop it");
    std::fs::rename(&away, shop.authority()).unwrap();
    ana.json(&["sync"]);
    is_cancelled(&ana, command);
}

/// Somebody took over meanwhile: what was stopped is a late word.
#[test]
fn a_stop_after_a_take_over_is_a_late_word() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.cut_new("window");
    let command = orphaned(&ana, 2);
    let bob = shop.clone_for("bob");
    shop.world.set("hold-staging-2");
    shop.world.clear("hold-staging");
    let back = bob.json(&["rollback", "staging", "--yes", "--take-over", "2", "--reason", "gone"]);
    assert_eq!(back["deployment"]["tag"], first);
    assert!(command.lives());
    ana.json(&["sync", "--stop"]);
    assert!(!command.lives());
    let words: Vec<String> = shop.events("env/staging").iter().map(|one| one["event"].to_string()).collect();
    assert!(words.iter().any(|word| word.contains("\"late\"")), "{words:?}");
    assert_eq!(ana.live("staging"), first);
    let status = ana.status("staging");
    assert_eq!(status["current"]["certain"], false, "two were at work: {status}");
}
