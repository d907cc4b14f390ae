//! Commits picked onto others, each held against what `git cherry-pick -x`
//! makes of it in a warm worktree.
//!
//! ```text
//! cargo bench --locked --bench picks -- REPOSITORY ONTO [COUNT]    real commits onto an older release
//! cargo bench --locked --bench picks                               what is odd about picks
//! cargo test --locked --bench picks                                the same as a test
//! ```
//!
//! The commit has to be the same, byte for byte, a conflict a conflict in the
//! same files, what changes nothing nothing, and what git refuses refused. Ends
//! with 1 where one is not, or where a pick starts more than two processes;
//! but for the test, which is not built to be fast, also where clean picks or
//! conflicts take more than 1.5 times as long as git's. What a git before 2.40
//! costs is said, and not judged.

mod oddities;
mod sides;
#[allow(dead_code, reason = "the bench of looking uses the rest")]
mod surroundings;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rel::store::git::{Git, Version};
use rel::world::World;

use sides::{Outcome, Pick, Sides};
use surroundings::{Surroundings, say};

/// How many times git's time a pick may take.
const LIMIT: f64 = 1.5;
/// How many processes it may start: one, and one more where its text is in another encoding.
const PROCESSES: usize = 2;
/// Before this git a pick needs a checkout.
const MERGE_TREE: Version = (2, 40, 0);
/// How many real picks are counted the processes of.
const COUNTED: usize = 20;
/// How many real commits are picked.
const COUNT: usize = 300;

fn main() -> ExitCode {
    // Of the runs that cargo starts, `cargo bench` alone says `--bench`.
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let judged = flags.iter().any(|flag| flag == "--bench");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let passed = match &words[..] {
        [] => odd(scratch.path(), judged),
        [place, onto] => real(scratch.path(), place, onto, COUNT),
        [place, onto, count] => real(scratch.path(), place, onto, count.parse().expect("a number")),
        _ => Err("picks [REPOSITORY ONTO [COUNT]]".to_owned()),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// Picks what is odd, with git as it comes, set up otherwise, and old.
fn odd(scratch: &Path, judged: bool) -> Result<bool, String> {
    let around = Surroundings::of(scratch);
    let (place, cases) = oddities::make(&around);
    let warm = around.at("warm");
    let add = ["worktree", "add", "--quiet", "--detach", &warm.to_string_lossy(), "HEAD"];
    around.ask_git(&place, &add);
    let new = is_new(&around.world());
    let mut passed = true;
    println!("with git as it comes");
    passed &= report(&compare(&Sides::new(around.world(), &place, &warm), &cases), judged && new);
    passed &= started(around.world(), &place, &warm, &cases, scratch) || !new;

    println!("\nwith an old git, which needs a checkout");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/old-git");
    let world = with_git_in(around.world(), &old);
    passed &= report(&compare(&Sides::new(world, &place, &warm), &cases), false);

    println!("\nwith other settings");
    for (key, value) in oddities::SETTINGS {
        around.ask_git(&place, &["config", key, value]);
    }
    passed &= report(&compare(&Sides::new(around.world(), &place, &warm), &cases), judged && new);
    Ok(passed)
}

fn is_new(world: &World) -> bool {
    Git::version_here(world).expect("git is there") >= MERGE_TREE
}

/// Picks so many of the commits that HEAD of a repository has beyond `onto`. A merge is picked
/// against its first parent.
fn real(scratch: &Path, place: &str, onto: &str, count: usize) -> Result<bool, String> {
    let world = World::from_process();
    let place = fs::canonicalize(place).map_err(|error| format!("{place}: {error}"))?;
    let around = Surroundings::of(scratch);
    let ask = |words: &[&str]| -> Result<String, String> {
        let mut git = around.git(&place, words);
        git.env_clear().envs(&world.env);
        let said = say(git);
        if said.code == Some(0) { Ok(said.stdout.trim_end().to_owned()) } else { Err(said.stderr) }
    };
    let oid = ask(&["rev-parse", "--verify", &format!("{onto}^{{commit}}")])?;
    let listed = ask(&["rev-list", "--parents", "--reverse", &format!("{oid}..HEAD")])?;
    let all: Vec<&str> = listed.lines().collect();
    if all.is_empty() || count == 0 {
        return Err(format!(
            "there is nothing to pick: HEAD of {} has nothing beyond {onto}",
            place.display()
        ));
    }
    let cases: Vec<(String, Pick)> = all
        .iter()
        .step_by((all.len() / count).max(1))
        .take(count)
        .map(|line| {
            let mut ids = line.split(' ');
            let source = ids.next().expect("split gives at least one");
            let mainline = (ids.count() > 1).then_some(1);
            let parse = |id: &str| id.parse().expect("git prints ids");
            (source.to_owned(), Pick { source: parse(source), onto: parse(&oid), mainline })
        })
        .collect();
    println!("{} of {} commits", cases.len(), all.len());
    let warm = scratch.join("warm");
    let warm_name = warm.to_string_lossy();
    ask(&["worktree", "add", "--quiet", "--detach", &warm_name, &oid])?;
    let new = is_new(&world);
    let mut passed = report(&compare(&Sides::new(world.clone(), &place, &warm), &cases), new);
    let counted = &cases[..cases.len().min(COUNTED)];
    passed &= started(world.clone(), &place, &warm, counted, scratch) || !new;
    ask(&["worktree", "remove", "--force", &warm_name])?;
    Ok(passed)
}

/// What picks came to, and how long they took by rel and by git.
#[derive(Default)]
struct Tally {
    clean: Vec<(Duration, Duration)>,
    conflicts: Vec<(Duration, Duration)>,
    nothing: usize,
    refused: usize,
    failed: usize,
    /// How many came to something else than git's.
    wrong: usize,
}

fn compare(sides: &Sides, cases: &[(String, Pick)]) -> Tally {
    let mut tally = Tally::default();
    for (at, (name, pick)) in cases.iter().enumerate() {
        // In turn, so that what the machine does meanwhile is shared out.
        let ((ours, our_time), (theirs, their_time)) = if at % 2 == 0 {
            let ours = sides.by_rel(*pick);
            (ours, sides.by_git(*pick))
        } else {
            let theirs = sides.by_git(*pick);
            (sides.by_rel(*pick), theirs)
        };
        match &theirs {
            Outcome::Commit(_) => tally.clean.push((our_time, their_time)),
            Outcome::Conflict(_) => tally.conflicts.push((our_time, their_time)),
            Outcome::Nothing => tally.nothing += 1,
            Outcome::Refused(_) => tally.refused += 1,
            Outcome::Failed(_) => tally.failed += 1,
        }
        if !ours.is(&theirs) {
            tally.wrong += 1;
            println!("  WRONG  {name}\n    rel: {}\n    git: {}", ours.text(), theirs.text());
        }
    }
    tally
}

/// Says what picks came to; whether that is right and, where it is judged, fast.
fn report(tally: &Tally, judged: bool) -> bool {
    let Tally { nothing, refused, failed, .. } = tally;
    let (clean, conflicts) = (tally.clean.len(), tally.conflicts.len());
    println!("  {clean} clean, {conflicts} conflicts, {nothing} nothing, {refused} refused, {failed} failed");
    println!("  {} come to something else than git's", tally.wrong);
    let mut passed = tally.wrong == 0;
    for (what, times) in [("a clean pick", &tally.clean), ("a conflict", &tally.conflicts)] {
        let ours = median(times.iter().map(|(ours, _)| *ours));
        let theirs = median(times.iter().map(|(_, theirs)| *theirs));
        let (Some(ours), Some(theirs)) = (ours, theirs) else { continue };
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        let within = !judged || ratio <= LIMIT;
        let limit = if judged { format!(" (limit {LIMIT})") } else { String::new() };
        println!("  {what}: {ours:.2?} by rel, {theirs:.2?} by git in a warm worktree, {ratio:.2}{limit}");
        passed &= within;
    }
    passed
}

/// The one in the middle, or none of none.
fn median(times: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// Says how many processes one of these picks starts at most; whether that is not too many.
fn started(world: World, place: &Path, warm: &Path, cases: &[(String, Pick)], scratch: &Path) -> bool {
    let (folder, record) = (scratch.join("bin"), scratch.join("started"));
    fs::create_dir(&folder).expect("a temporary folder");
    let path = world.var("PATH").expect("PATH is set");
    let real = path.split(':').map(|dir| PathBuf::from(dir).join("git")).find(|git| git.exists());
    let real = real.expect("git is there");
    let script = format!("#!/bin/sh\necho git >> '{}'\nexec '{}' \"$@\"\n", record.display(), real.display());
    fs::write(folder.join("git"), script).expect("a temporary file");
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let sides = Sides::new(with_git_in(world, &folder), place, warm);
    let of_one = |(_, pick): &(String, Pick)| {
        let _ = fs::remove_file(&record);
        // What it comes to was looked at before.
        let _ = sides.only_by_rel(*pick);
        fs::read_to_string(&record).unwrap_or_default().lines().count()
    };
    let most = cases.iter().map(of_one).max().unwrap_or_default();
    println!("  processes a pick: {most} at most (limit {PROCESSES})");
    most <= PROCESSES
}

/// The same world with the programs of this folder before all others.
fn with_git_in(mut world: World, folder: &Path) -> World {
    let others = world.var("PATH").expect("PATH is set").to_owned();
    world.env.insert("PATH".into(), format!("{}:{others}", folder.display()).into());
    world
}
