//! The floors of the house: an arrow only ever points down, and no files use
//! each other in a circle.
//!
//! Each rule has a list of what breaks it today, one a line. A list may only
//! shrink: what is on it and holds by now has to leave it.

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sources::Sources;

/// The files of `src`, parsed once.
static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::parse);

/// What stands on each floor, from the ground up. A file may use its own floor and those below it.
const FLOORS: [&[&str]; 8] = [
    &["domain"],
    &["config", "exec"],
    &["store"],
    &["delivery"],
    &["ui"],
    &["commands"],
    &["lib.rs"],
    &["main.rs"],
];

/// What lies beside the floors, and may be used from any of them: with what it may use itself.
const BESIDE: [(&str, &[&str]); 4] = [
    ("failpoint.rs", &[]),
    ("failure.rs", &["domain"]),
    ("world.rs", &["domain", "failpoint.rs"]),
    ("cli.rs", &["domain", "config"]),
];

/// Arrows without which there is no circle: FILE -> FILE.
const CIRCLES: &str = "
domain/env/state.rs -> domain/env.rs
store/authority/push.rs -> store/authority.rs
store/authority/why.rs -> store/authority.rs
store/repo/settings.rs -> store/repo.rs
delivery/fsck/chains.rs -> delivery/fsck/mod.rs
delivery/fsck/files.rs -> delivery/fsck/mod.rs
delivery/fsck/tags.rs -> delivery/fsck/mod.rs
delivery/fsck/repair.rs -> delivery/fsck/mod.rs
config/init/build.rs -> config/init.rs
";

/// Arrows that point up: FILE -> FLOOR.
const UP: &str = "
delivery/read/signoffs.rs -> ui
delivery/steps/deploy.rs -> ui
";

/// Files outside `store` that name git2.
const GIT2: &str = "
";

/// Files below `ui` that speak: FILE NAME.
const SPEAKS: &str = "
";

/// Files outside `world` and `exec` that read a clock or make something up: FILE NAME.
const CLOCK: &str = "
commands/demo/children.rs Instant
delivery/recover/stop.rs Instant
delivery/run/publish.rs Instant
delivery/run/rollout.rs Instant
delivery/run/workspace.rs Instant
delivery/steps/deploy.rs Instant
store/authority.rs Uuid::new_v4
";

/// Files outside `ui` and `commands` that word a hint.
const HINTS: &str = "
config/point.rs
delivery/fsck/chains.rs
delivery/fsck/files.rs
delivery/fsck/mod.rs
delivery/fsck/tags.rs
lib.rs
";

/// Files that write out the name of a ref, for people to read or to find in another tool's files.
const REFS: &str = "
commands/init/triggers.rs
commands/man.rs
domain/ref_name.rs
store/history/commits.rs
";

/// Names that more than one type has.
const TWICE: &str = "
Block
Change
Entry
Group
Head
Kind
Line
Look
Result
Run
Said
Table
Trigger
Version
Wanted
Watch
";

/// Fails with what breaks a rule and is not listed, and with what is listed and breaks it no more.
#[track_caller]
fn holds(rule: &str, found: &BTreeSet<String>, listed: &str) {
    let listed: BTreeSet<String> = lines(listed).map(str::to_owned).collect();
    let breaks: Vec<&str> = found.difference(&listed).map(String::as_str).collect();
    assert!(breaks.is_empty(), "{rule}, but:\n{}", breaks.join("\n"));
    let over: Vec<&str> = listed.difference(found).map(String::as_str).collect();
    assert!(over.is_empty(), "{rule}; take these lines out of its list:\n{}", over.join("\n"));
}

fn lines(listed: &str) -> impl Iterator<Item = &str> {
    listed.lines().filter(|line| !line.is_empty())
}

/// The floor of a file, or what lies beside the floors.
fn floor(file: &str) -> &str {
    file.split('/').next().expect("a path has a beginning")
}

fn height(floor: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&floor))
}

fn may_use(own: &str, other: &str) -> bool {
    let beside = |name: &str| BESIDE.iter().find(|(beside, _)| *beside == name);
    match (height(own), height(other)) {
        _ if own == other => true,
        (Some(own), Some(other)) => other < own,
        // The command line's types are of the verbs.
        (Some(own), None) => other != "cli.rs" || own >= height("commands").expect("a floor"),
        (None, _) => beside(own).is_some_and(|(_, uses)| uses.contains(&other)),
    }
}

#[test]
fn an_arrow_only_ever_points_down() {
    let sources = &*SOURCES;
    let mut up = BTreeSet::new();
    for (file, _) in sources.iter() {
        for used in sources.uses(file) {
            if !may_use(floor(file), floor(&used)) {
                up.insert(format!("{file} -> {}", floor(&used)));
            }
        }
    }
    holds("an arrow points down", &up, UP);
}

#[test]
fn verbs_never_use_each_other() {
    let sources = &*SOURCES;
    let verb = |file: &str| {
        file.strip_prefix("commands/").map(|rest| rest.split(['/', '.']).next().unwrap().to_owned())
    };
    // What deploy, rollback, ship, cut and cherry-pick have in common, and what those that change or
    // show something do before and after it.
    let shared = ["delivering", "dry_run"];
    for (file, _) in sources.iter().filter(|(file, _)| verb(file).is_some() && *file != "commands/mod.rs") {
        for used in sources.uses(file) {
            let other = verb(&used);
            assert!(
                other.as_deref().is_none_or(|other| shared.contains(&other)) || other == verb(file),
                "{file} uses {used}"
            );
        }
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = &*SOURCES;
    // An arrow that points up is another test's.
    let down = |file: &str| {
        sources.uses(file).into_iter().filter(|used| may_use(floor(file), floor(used))).collect()
    };
    let mut arrows: BTreeMap<String, BTreeSet<String>> =
        sources.iter().map(|(file, _)| (file.to_owned(), down(file))).collect();
    let listed: BTreeSet<(&str, &str)> =
        lines(CIRCLES).map(|line| line.split_once(" -> ").expect("FILE -> FILE")).collect();
    for (from, to) in &listed {
        let there = arrows.get_mut(*from).is_some_and(|uses| uses.remove(*to));
        assert!(there, "there is no such arrow any more; take it out of the list: {from} -> {to}");
    }
    if let Some(circle) = circle(&arrows) {
        panic!("a circle: {}", circle.join(" -> "));
    }
    for (from, to) in &listed {
        assert!(reaches(&arrows, to, from), "it closes no circle; take it out of the list: {from} -> {to}");
    }
}

/// One circle: its files, the first of them at both ends.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<&str>> {
    fn walk<'a>(
        arrows: &'a BTreeMap<String, BTreeSet<String>>,
        file: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(at) = way.iter().position(|before| *before == file) {
            return Some([&way[at..], &[file]].concat());
        }
        if !done.insert(file) {
            return None;
        }
        way.push(file);
        let found = arrows[file].iter().find_map(|next| walk(arrows, next, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|file| walk(arrows, file, &mut Vec::new(), &mut done))
}

/// Whether arrows lead from one file to another.
fn reaches(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let (mut ahead, mut seen) = (vec![from], BTreeSet::new());
    while let Some(file) = ahead.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            ahead.extend(arrows[file].iter().map(String::as_str));
        }
    }
    false
}

#[test]
fn git2_is_named_in_the_store_alone() {
    let sources = &*SOURCES;
    let outside = sources.iter().map(|(file, _)| file).filter(|file| floor(file) != "store");
    let found = outside
        .filter(|file| sources.names(file).iter().any(|name| name.split("::").any(|part| part == "git2")));
    holds("git2 is the store's", &found.map(str::to_owned).collect(), GIT2);
}

#[test]
fn nothing_below_ui_speaks() {
    const NAMES: [&str; 8] =
        ["Screen", "Ui", "prompt", "dialoguer", "indicatif", "console", "println", "eprintln"];
    let sources = &*SOURCES;
    let below = sources
        .iter()
        .map(|(file, _)| file)
        .filter(|file| height(floor(file)) < height("ui") && height(floor(file)).is_some());
    let found = below.flat_map(|file| named(sources, file, &NAMES));
    holds("nothing below ui speaks", &found.collect(), SPEAKS);
}

#[test]
fn the_clock_and_randomness_are_the_worlds() {
    const NAMES: [&str; 9] = [
        "SystemTime",
        "Instant",
        "Utc::now",
        "Local::now",
        "Uuid::new_v4",
        "Timestamp::now",
        "Zoned::now",
        "fastrand",
        "rand",
    ];
    let sources = &*SOURCES;
    let outside =
        sources.iter().map(|(file, _)| file).filter(|file| !["world.rs", "exec"].contains(&floor(file)));
    let found = outside.flat_map(|file| named(sources, file, &NAMES));
    holds("the clock and randomness are read in world and exec", &found.collect(), CLOCK);
}

/// FILE NAME for each of these names that stands in a file.
fn named<'a>(
    sources: &Sources,
    file: &'a str,
    names: &'a [&'a str],
) -> impl Iterator<Item = String> + use<'a> {
    let paths: Vec<String> = sources.names(file).iter().map(|path| format!("::{path}::")).collect();
    let stands = move |name: &&&str| paths.iter().any(|path| path.contains(&format!("::{name}::")));
    names.iter().filter(stands).map(move |name| format!("{file} {name}"))
}

#[test]
fn hints_are_worded_in_ui_and_commands() {
    let sources = &*SOURCES;
    let words = |floor: &str| ["ui", "commands"].contains(&floor);
    let found =
        sources.iter().filter(|(file, source)| !words(floor(file)) && source.methods.contains("hint"));
    holds("hints are worded in ui and commands", &found.map(|(file, _)| file.to_owned()).collect(), HINTS);
}

#[test]
fn names_of_refs_are_made_and_taken_apart_in_one_file() {
    let is_ref = |text: &String| text.trim_start_matches('+').starts_with("refs/");
    let found = SOURCES.iter().filter(|(_, source)| source.literals.iter().any(is_ref));
    holds("names of refs are domain/ref_name.rs's", &found.map(|(file, _)| file.to_owned()).collect(), REFS);
}

#[test]
fn no_two_types_have_one_name() {
    let sources = &*SOURCES;
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for name in sources.iter().flat_map(|(_, source)| &source.types) {
        if !once.insert(name) {
            twice.insert(name.clone());
        }
    }
    holds("a type's name stands once in src", &twice, TWICE);
}

#[test]
fn the_domain_has_no_clock_process_or_terminal() {
    let sources = &*SOURCES;
    for (file, _) in sources.iter().filter(|(file, _)| floor(file) == "domain") {
        for name in sources.names(file) {
            let outside = ["std::process", "std::env", "std::fs", "std::io", "console"];
            assert!(!outside.iter().any(|bad| name.starts_with(bad)), "{file} names {name}");
        }
    }
}
