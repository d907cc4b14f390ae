//! Several people at their clones do what comes to their minds, with clocks
//! that are days off, and are killed at it. Whatever came of it, the records
//! hold what [`crate::model`] demands, and everything works on.
//!
//! A short run is one of the tests. For a long one, say how many seeds:
//!
//! ```text
//! REL_FUZZ=30 cargo test --locked --features failpoints --test it -- fuzz --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use fastrand::Rng;
use nix::sys::signal::Signal;

use crate::model;
use crate::output::Output;
use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::Running;

/// How often, in a seed, some of them do something at once.
const ROUNDS: usize = 45;

const PEOPLE: [&str; 3] = ["bob", "cleo", "dan"];
const ENVIRONMENTS: [&str; 2] = ["staging", "prod"];

/// Runs while a command does: whoever runs it must have published so.
const DURING: &str = r#"
[ -z "${REL_OFFLINE-}" ] || exit 0
intent='"event":{"id":"'"$REL_DEPLOYMENT_ID"'",[^}]*"kind":"intent"'
git -C "$AUTHORITY" log -n 50 --format=%B "refs/notes/rel/shop/env/$REL_ENV" | grep -q "$intent" ||
  echo "$REL_DEPLOYMENT_ID ran before its intent was published" >> "$SHOP/violations"
echo "begin $REL_ENV $REL_DEPLOYMENT_ID" >> "$SHOP/trace"
[ "$((REL_FENCE_TOKEN % 4))" != 0 ] || sleep 0.2
digest=$(sha256sum "$REL_ARTIFACTS_DIR/app.txt")
git -C "$AUTHORITY" cat-file tag "refs/tags/$REL_TAG" | grep -q "${digest%% *}" ||
  echo "$REL_DEPLOYMENT_ID ran other bytes" >> "$SHOP/violations"
echo "end $REL_ENV $REL_DEPLOYMENT_ID" >> "$SHOP/trace"
[ "$((REL_FENCE_TOKEN % 7))" != 0 ] || exit 7
"#;

/// What was told to somebody, and must stay true.
#[derive(Default)]
struct Acknowledged {
    /// The tags of candidates.
    tags: BTreeSet<String>,
    /// Deployments, with how they ended.
    deployments: BTreeMap<String, String>,
}

/// Counts of a run, to tell how much it was.
#[derive(Default)]
struct Count {
    runs: usize,
    kills: usize,
    deployments: usize,
    candidates: usize,
}

/// What one of them does next.
fn whim(rng: &mut Rng, desk: &Desk<'_>) -> Vec<String> {
    let environment = ENVIRONMENTS[usize::from(rng.u8(..3) == 0)];
    let line = match rng.u8(..36) {
        0..4 => "cut".to_owned(),
        4..6 => "cut --again".to_owned(),
        6..11 => format!("deploy {environment} --yes"),
        11..15 => format!("deploy {environment} --yes --redeploy"),
        15..17 => format!("deploy {environment} --yes --wait=2s --override rolled-back --reason again"),
        17..20 => format!("rollback {environment} --yes"),
        20 => "ship --yes".to_owned(),
        21 => format!("lock {environment} --reason moving"),
        22 => format!("approve {environment} --reason seen"),
        23 => ["sync", "sync --stop"][usize::from(rng.bool())].to_owned(),
        24 => "cherry-pick origin/main".to_owned(),
        25 => format!("deploy {environment} --yes --redeploy --offline --reason down"),
        26 => format!("rollback {environment} --yes --offline --reason down"),
        _ => return settling(rng, desk, environment),
    };
    line.split(' ').map(str::to_owned).collect()
}

/// Takes over from whatever has the environment, or settles what is unknown.
fn settling(rng: &mut Rng, desk: &Desk<'_>, environment: &str) -> Vec<String> {
    let status = desk.status(environment);
    let token = status["in_flight"]["seq"].as_u64().or(status["hold"]["token"].as_u64());
    let line = match (token, status["unresolved"][0]["id"].as_str()) {
        (_, Some(id)) if rng.bool() => {
            format!("resolve {id} --{} --reason looked", if rng.bool() { "failed" } else { "succeeded" })
        }
        (Some(token), _) if rng.bool() => format!("unlock {environment} --token {token} --reason moved"),
        (Some(token), _) => format!("rollback {environment} --yes --take-over {token} --reason hurry"),
        _ => format!("log {environment}"),
    };
    line.split(' ').map(str::to_owned).collect()
}

/// Starts it, perhaps to be killed at one of its steps, with a clock of its own.
fn start(rng: &mut Rng, desk: &Desk<'_>, args: &[String]) -> Running {
    let mut points = Vec::new();
    if rng.u8(..10) < 7 {
        points.push(format!("any={}*off->1*return(kill)", rng.u8(..26)));
    }
    if rng.u8(..3) == 0 {
        points.push(format!("clock=return({})", rng.i64(-86_400..=86_400)));
    }
    let mut command = desk.command(args);
    command.arg("--json").env("FAILPOINTS", points.join(";")).env("REL_PUBLISH_TIMEOUT", "5");
    Running::start(command)
}

fn note(output: &Output, told: &mut Acknowledged, count: &mut Count) {
    count.runs += 1;
    if output.code == 137 {
        count.kills += 1;
        return;
    }
    assert!((0..=9).contains(&output.code), "{output:?}");
    let document = output.json();
    let candidate = &document["candidate"];
    if output.code == 0 && document["made"] == true {
        told.tags.insert(string(&candidate["tag"]));
    }
    let deployment = &document["deployment"];
    if deployment["state"].is_string() && output.code != 8 && document["dry_run"] != true {
        told.deployments.insert(string(&deployment["id"]), string(&deployment["state"]));
    }
}

/// Everything acknowledged is there, once, and nothing else than the records allow.
fn check(shop: &Shop, told: &Acknowledged, count: &mut Count) {
    assert_eq!(shop.world.lines("violations"), Vec::<String>::new());
    let minted = model::candidates(&shop.events("candidates"));
    let refs = shop.refs();
    for (tag, object) in &minted {
        assert_eq!(refs.get(&format!("refs/tags/{tag}")), Some(object), "{tag}");
    }
    for tag in &told.tags {
        assert!(minted.contains_key(tag), "{tag} was acknowledged");
    }
    count.candidates += minted.len();
    let trace = shop.world.lines("trace");
    for environment in ENVIRONMENTS {
        let deployments = model::environment(&shop.events(&format!("env/{environment}")));
        count.deployments += deployments.len();
        for (id, state) in told.deployments.iter().filter(|(id, _)| id.starts_with(environment)) {
            let states = &deployments.get(id).unwrap_or_else(|| panic!("{id} is lost")).states;
            assert!(states.contains(state), "{id} was told to be {state}: {states:?}");
        }
        let (mut running, mut stopped) = (BTreeSet::new(), BTreeSet::new());
        for line in &trace {
            let [what, _, id] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            if !id.starts_with(&format!("{environment}#")) {
                continue;
            }
            assert!(deployments.contains_key(id), "{id} ran without a record");
            if what == "begin" {
                // Whoever came to no end was taken over from, or stopped in the middle.
                for other in std::mem::take(&mut running) {
                    let told = &deployments[other];
                    if told.closed_by.first().is_some_and(|how| how == "outcome") {
                        assert_eq!(told.states[0], "cancelled", "{id} beside {other}: {told:?}");
                        stopped.insert(other);
                    } else {
                        running.insert(other);
                    }
                }
                running.insert(id);
            } else {
                assert!(!stopped.contains(id), "{id} was stopped, and went on");
                running.remove(id);
            }
        }
    }
}

/// What was once published stays: chains grow, and nothing else moves.
fn only_grew(shop: &Shop, seen: &mut BTreeMap<String, String>) {
    let refs = shop.refs();
    for (name, was) in seen.iter().filter(|(name, _)| name.starts_with("refs/")) {
        let is = refs.get(name).unwrap_or_else(|| panic!("{name} is gone"));
        if name.starts_with("refs/tags/") || name.contains("/artifacts/") {
            assert_eq!(was, is, "{name} was moved");
        } else if was != is && name.starts_with("refs/notes/rel/") {
            let lost = shop.authority_git(&["rev-list", "--count", was, &format!("^{is}")]);
            assert_eq!(lost, "0", "{name} lost what it had");
        }
    }
    *seen = refs;
}

/// All that is left is settled, and a candidate goes from trunk to both environments.
fn works(desks: &[Desk<'_>]) {
    for desk in desks {
        desk.rel(&["sync"]).ok();
    }
    let desk = &desks[0];
    for environment in ENVIRONMENTS {
        let status = desk.status(environment);
        if let Some(id) = status["in_flight"]["id"].as_str() {
            desk.json(&["resolve", id, "--failed", "--reason", "nobody is at it"]);
        }
        for deployment in status["unresolved"].as_array().unwrap() {
            desk.json(&["resolve", &string(&deployment["id"]), "--failed", "--reason", "looked"]);
        }
        if let Some(token) = status["hold"]["token"].as_u64() {
            desk.json(&["unlock", environment, "--token", &token.to_string(), "--reason", "open"]);
        }
    }
    let tag = desk.cut_new("at-last");
    for environment in ENVIRONMENTS {
        desk.deploy(environment, &[&tag]);
        assert_eq!(desk.live(environment), tag);
    }
    desk.rel(&["fsck"]).ok();
}

fn play(seed: u64) -> Count {
    let mut rng = Rng::with_seed(seed);
    let kind = if seed % 4 == 3 { Kind::Local } else { Kind::Path };
    let shop = Shop::over(kind, &[]);
    let during = DURING.replace("$AUTHORITY", shop.authority().to_str().unwrap());
    fs::write(shop.world.shop().join("during-deploy"), during).unwrap();
    let desks: Vec<Desk<'_>> = PEOPLE.iter().map(|name| shop.clone_for(name)).collect();
    let (mut told, mut count, mut seen) = (Acknowledged::default(), Count::default(), BTreeMap::new());
    desks[0].rel(&["cut"]).ok();
    for round in 0..ROUNDS {
        if rng.u8(..3) == 0 {
            let desk = &desks[rng.usize(..desks.len())];
            desk.commit(&format!("src/{round}.txt"), &format!("{round}\n"), &format!("feat: {round}"));
        }
        let mut running = Vec::new();
        for desk in &desks[..rng.usize(1..=desks.len())] {
            let args = whim(&mut rng, desk);
            println!("{seed}.{round} {} {args:?}", desk.person.name);
            running.push(start(&mut rng, desk, &args));
        }
        if rng.u8(..4) == 0 {
            // At any moment, not only at a step.
            std::thread::sleep(Duration::from_millis(rng.u64(..700)));
            running[rng.usize(..running.len())].try_signal(Signal::SIGKILL);
        }
        for run in running {
            let output = run.wait();
            println!("{output:?}");
            note(&output, &mut told, &mut count);
        }
        only_grew(&shop, &mut seen);
    }
    check(&shop, &told, &mut Count::default());
    fs::remove_file(shop.world.shop().join("during-deploy")).unwrap();
    works(&desks);
    check(&shop, &told, &mut count);
    count
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it goes on is said from outside")]
fn whatever_people_do_and_whoever_is_killed() {
    let seeds = std::env::var("REL_FUZZ").map_or(1, |seeds| seeds.parse().expect("a number of seeds"));
    let first: u64 = std::env::var("REL_FUZZ_FROM").map_or(0, |seed| seed.parse().expect("a seed"));
    for seed in first..first + seeds {
        let Count { runs, kills, deployments, candidates } = play(seed);
        eprintln!(
            "seed {seed}: {runs} runs, {kills} kills, {deployments} deployments, {candidates} candidates"
        );
    }
}
