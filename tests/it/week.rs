//! A week of a team at its gates: each is met once as a refusal and once as
//! passed, and the history tells it truthfully.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::repo::{Desk, Shop, string};
use crate::world::wait_until;

const POLICY: &str = "after = [\"staging\"]
approvals = 1
soak = \"1h\"
deployers = [\"ana@example.com\", \"kim@example.com\"]
on_failure = \"rollback\"";

/// Does it an hour later: that is how the clock of this one run goes.
fn an_hour_later(desk: &Desk<'_>, args: &[&str]) -> Value {
    let mut command = desk.command(&[args, &["--json"]].concat());
    command.env("FAILPOINTS", "clock=return(3700)");
    crate::world::Running::start(command).wait().ok().json()
}

/// `rel log prod`, oldest first: what it was, how it ended, what was overridden.
fn told(desk: &Desk<'_>) -> Vec<String> {
    let log = desk.json(&["log", "prod", "-n", "50"]);
    let line = |one: &Value| {
        let gates: Vec<String> =
            one["overrides"].as_array().unwrap().iter().map(|passed| string(&passed["gate"])).collect();
        let (action, tag, state) = (string(&one["action"]), string(&one["tag"]), string(&one["state"]));
        format!("{action} {tag} {state} {}", gates.join(" ")).trim_end().to_owned()
    };
    log["deployments"].as_array().unwrap().iter().rev().map(line).collect()
}

#[test]
fn a_week_of_refusals_and_overrides_is_in_the_log() {
    let shop = Shop::with(&[("after = [\"staging\"]", POLICY)]);
    let (ana, bob, kim) = (shop.ana(), shop.clone_for("bob"), shop.clone_for("kim"));
    let prod = |tag: &str| ["deploy".to_owned(), "prod".to_owned(), tag.to_owned(), "--yes".to_owned()];
    let refused = |desk: &Desk<'_>, tag: &str, gates: &[&str]| {
        let args = prod(tag);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        desk.refused_by(&args, 4, gates)
    };

    // Monday. Nobody has approved it, it has not stood on staging, and bob may not deploy.
    let first = ana.cut(&[]);
    refused(&ana, &first, &["order", "soak", "approvals"]);
    ana.deploy("staging", &[&first]);
    refused(&bob, &first, &["soak", "approvals", "deployers"]);
    let waits = refused(&ana, &first, &["soak", "approvals"]);
    assert!(waits.ways_on().contains(&format!("rel approve {first} prod")), "{waits:?}");
    // One's own approval does not count; bob's does, though he may not deploy.
    ana.json(&["approve", &first, "prod"]);
    refused(&ana, &first, &["soak", "approvals"]);
    bob.json(&["approve", &first, "prod"]);
    an_hour_later(&ana, &["deploy", "prod", &first, "--yes"]);

    // Tuesday. The next one is blocked, and then not; its canary fails, and it goes back by itself.
    let second = ana.cut_new("window");
    ana.deploy("staging", &[&second]);
    kim.json(&["approve", &second, "prod"]);
    kim.json(&["block", &second, "--reason", "leaks"]);
    refused(&ana, &second, &["soak", "blocked"]);
    kim.json(&["unblock", &second, "--reason", "mended"]);
    shop.world.set(&format!("fail-{second}"));
    let why = ["--override", "soak", "--reason", "a customer waits"];
    let failed =
        ana.rel(&[&["deploy", "prod", &second, "--yes", "--json"], &why[..]].concat()).code(6).json();
    assert_eq!(failed["rollback"]["tag"], first, "{failed}");
    shop.world.clear(&format!("fail-{second}"));
    kim.json(&["approve", &second, "prod"]);
    refused(&ana, &second, &["soak", "rolled-back"]);

    // Wednesday. Ana's machine hangs while she deploys it by name; kim takes over and settles it.
    shop.world.set("hold-prod");
    let by_name = ["--override", "rolled-back", "--override", "soak", "--reason", "it was the host"];
    let hangs = ana.start(&[&["deploy", "prod", &second, "--yes"], &by_name[..]].concat());
    wait_until("it is on its way", || shop.ran("prod").len() == 4);
    // Kim approved it, which does not count where kim deploys.
    let gates = ["soak", "approvals", "rolled-back", "busy"];
    let busy = kim.refused_by(&["deploy", "prod", &second, "--yes"], 4, &gates);
    assert!(busy.ways_on().contains("--take-over"), "{busy:?}");
    let seq = kim.status("prod")["in_flight"]["seq"].to_string();
    hangs.signal(Signal::SIGKILL);
    hangs.ends_alone();
    shop.world.clear("hold-prod");
    let back = kim.rollback("prod", &["--take-over", &seq, "--reason", "ana's machine is gone"]);
    assert_eq!(back["tag"], first);
    let open = kim.status("prod")["unresolved"][0]["id"].clone();
    kim.json(&["resolve", &string(&open), "--failed", "--reason", "looked at the hosts"]);
    // Ana's machine comes back, and has nothing to say that matters.
    ana.json(&["sync"]);

    // Thursday. The database moves, so prod is closed; then a fix goes out, with a point of no return.
    kim.json(&["lock", "prod", "--reason", "the database moves"]);
    refused(&ana, &second, &["soak", "approvals", "rolled-back", "held"]);
    kim.json(&["unlock", "prod", "--reason", "moved"]);
    ana.commit("src/table.txt", "new\n", "feat: a new table\n\nRollback-Safe: no");
    let third = ana.cut(&[]);
    ana.deploy("staging", &[&third]);
    bob.json(&["approve", &third, "prod"]);
    an_hour_later(&ana, &["deploy", "prod", &third, "--yes"]);
    ana.refused_by(&["rollback", "prod", "--yes"], 4, &["irreversible"]);
    refused(&ana, &first, &["soak", "irreversible", "downgrade"]);

    // A fix beside trunk goes out, and the next release would lose it.
    bob.git(&["fetch", "--quiet"]);
    bob.git(&["checkout", "--quiet", "-b", "beside", "origin/main"]);
    let fix = bob.commit_here("src/till.txt", "mended\n", "fix: the till");
    let made = bob.json(&["cherry-pick", &fix, "--onto", "prod"])["candidate"].clone();
    let (fixed, form) = (string(&made["tag"]), string(&made["commit"]));
    ana.deploy("staging", &[&fixed]);
    bob.json(&["approve", &fixed, "prod"]);
    an_hour_later(&ana, &["deploy", "prod", &fixed, "--yes"]);
    let last = ana.cut_new("cellar");
    ana.deploy("staging", &[&last]);
    bob.json(&["approve", &last, "prod"]);
    refused(&ana, &last, &["soak", "lost-fix"]);
    // Nobody else ever saw bob's branch; what it became is enough.
    kim.json(&["waive", &form, "--reason", "the till is gone"]);

    // Friday. No deployments on Fridays; this one is broken, with a reason.
    let frozen = "freeze = [{ days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"], \
                  tz = \"Europe/Paris\", reason = \"no Fridays\" }]";
    ana.reconfigure("on_failure = \"rollback\"", &format!("on_failure = \"rollback\"\n{frozen}"));
    let closed = refused(&ana, &last, &["soak", "freeze"]);
    assert!(closed.json().to_string().contains("no Fridays"), "{closed:?}");
    let why = ["--override", "freeze", "--override", "soak", "--reason", "the shop is down"];
    ana.deploy("prod", &[&[last.as_str()], &why[..]].concat());

    // Saturday. Authors are asked from now on, and so is who is on call; and it is another system
    // that deploys, under the same gates.
    let asks = "signoff = \"authors\"\n\n[hooks]\nbefore_deploy = \"test ! -e \\\"$SHOP/nobody\\\"\"";
    let toml = std::fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &format!("{}\n{asks}\n", toml.replace(frozen, "")), "chore: ask the authors");
    let sixth = ana.cut_new("attic");
    ana.deploy("staging", &[&sixth]);
    bob.json(&["approve", &sixth, "prod"]);
    refused(&ana, &sixth, &["soak", "signoff"]);
    ana.json(&["approve", "--commit", &format!("prod..{sixth}")]);
    shop.world.set("nobody");
    let by_name = ["--override", "soak", "--reason", "there is no time"];
    ana.refused_by(&[&["deploy", "prod", &sixth, "--yes"], &by_name[..]].concat(), 4, &["hook"]);
    kim.refused_by(&["record", "prod", &sixth, "--started"], 4, &["soak"]);
    shop.world.clear("nobody");
    let started = an_hour_later(&kim, &["record", "prod", &sixth, "--started"]);
    let passed: Vec<String> =
        started["deployment"]["gates"].as_array().unwrap().iter().map(|one| string(&one["gate"])).collect();
    assert_eq!(passed, ["order", "soak", "approvals", "signoff", "deployers", "hook"], "{started}");
    kim.json(&["record", "prod", &sixth, "--succeeded"]);

    assert_eq!(
        told(&bob),
        [
            format!("deploy {first} succeeded"),
            format!("deploy {second} failed soak"),
            format!("rollback {first} succeeded"),
            format!("deploy {second} failed soak rolled-back"),
            format!("rollback {first} succeeded"),
            format!("deploy {third} succeeded"),
            format!("deploy {fixed} succeeded"),
            format!("deploy {last} succeeded soak freeze"),
            format!("deploy {sixth} succeeded"),
        ]
    );
    ana.rel(&["fsck"]).ok();
}
