//! Real commits picked onto an older release, each held against what `git
//! cherry-pick` makes of it in a warm worktree:
//! `cargo bench --bench picks -- REPOSITORY ONTO [COUNT]`
//!
//! The tree has to be the same, a conflict a conflict in the same files, and
//! what changes nothing nothing. Exits 1 where one is not, where a pick takes
//! more than 1.5 times as long as git's, or starts more than two processes.

#![allow(clippy::unwrap_used, reason = "a tool for whoever works on this fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::DateTime;
use rel::domain::name::{Actor, Oid};
use rel::store::pick::{Picked, commit_pick, pick};
use rel::store::repo::Repo;
use rel::world::World;

/// How many times git's time a pick may take.
const LIMIT: f64 = 1.5;
/// How many processes it may start.
const PROCESSES: usize = 2;
/// How many picks are counted the processes of.
const COUNTED: usize = 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [place, onto, rest @ ..] = &args[..] else {
        println!("which repository, and onto what: cargo bench --bench picks -- REPOSITORY ONTO [COUNT]");
        return;
    };
    let count: usize = rest.first().map_or(300, |count| count.parse().unwrap());
    let place = fs::canonicalize(place).unwrap();
    let onto: Oid = git(&place, &["rev-parse", &format!("{onto}^{{commit}}")]).1.parse().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let worktree = scratch.path().join("warm");
    let add = ["worktree", "add", "--quiet", "--detach", worktree.to_str().unwrap(), &onto.to_string()];
    assert!(git(&place, &add).0, "a worktree");
    let failed = compare(&place, &worktree, onto, count, scratch.path());
    git(&place, &["worktree", "remove", "--force", worktree.to_str().unwrap()]);
    std::process::exit(i32::from(failed));
}

#[expect(clippy::disallowed_methods, reason = "answers are held against git as users have it")]
fn git(place: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("git").arg("-C").arg(place).args(args).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// What a pick came to: a tree, the files in conflict, or nothing.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Tree(Oid),
    Conflict(BTreeSet<String>),
    Nothing,
}

fn by_rel(repo: &Repo, source: Oid, onto: Oid) -> (Outcome, Duration) {
    let (who, at) = (Actor::new("Ana", "ana@example.com"), DateTime::UNIX_EPOCH);
    let begun = Instant::now();
    let outcome = match pick(repo, source, onto, None).unwrap() {
        Picked::Clean(tree) => {
            commit_pick(repo, source, onto, tree, &who, at).unwrap();
            Outcome::Tree(tree)
        }
        Picked::Empty => Outcome::Nothing,
        Picked::Conflict(paths) => Outcome::Conflict(paths.into_iter().collect()),
    };
    (outcome, begun.elapsed())
}

fn by_git(worktree: &Path, source: Oid, onto: Oid) -> (Outcome, Duration) {
    let begun = Instant::now();
    let (done, _) = git(worktree, &["cherry-pick", "-x", &source.to_string()]);
    let took = begun.elapsed();
    let outcome = if done {
        Outcome::Tree(git(worktree, &["rev-parse", "HEAD^{tree}"]).1.parse().unwrap())
    } else {
        let unmerged = git(worktree, &["diff", "--name-only", "--diff-filter=U"]).1;
        let paths: BTreeSet<String> = unmerged.lines().map(str::to_owned).collect();
        if paths.is_empty() { Outcome::Nothing } else { Outcome::Conflict(paths) }
    };
    git(worktree, &["cherry-pick", "--quit"]);
    assert!(git(worktree, &["reset", "--quiet", "--hard", &onto.to_string()]).0);
    (outcome, took)
}

fn compare(place: &Path, worktree: &Path, onto: Oid, count: usize, scratch: &Path) -> bool {
    let repo = Repo::discover(&World::from_process(), place).unwrap();
    let listed = git(place, &["rev-list", "--no-merges", "--reverse", &format!("{onto}..HEAD")]).1;
    let all: Vec<Oid> = listed.lines().map(|line| line.parse().unwrap()).collect();
    let step = (all.len() / count.max(1)).max(1);
    let sources: Vec<Oid> = all.iter().copied().step_by(step).take(count).collect();
    let (mut trees, mut conflicts, mut nothing, mut wrong) = (0, 0, 0, 0);
    let (mut ours_took, mut theirs_took) = (Vec::new(), Vec::new());
    for (at, source) in sources.iter().enumerate() {
        // In turn, so that what the machine does meanwhile is shared out.
        let ((ours, our_time), (theirs, their_time)) = if at % 2 == 0 {
            let ours = by_rel(&repo, *source, onto);
            (ours, by_git(worktree, *source, onto))
        } else {
            let theirs = by_git(worktree, *source, onto);
            (by_rel(&repo, *source, onto), theirs)
        };
        match &theirs {
            Outcome::Tree(_) => trees += 1,
            Outcome::Conflict(_) => conflicts += 1,
            Outcome::Nothing => nothing += 1,
        }
        if ours != theirs {
            wrong += 1;
            println!("  {source}: rel says {ours:?}, git {theirs:?}");
        }
        ours_took.push(our_time);
        theirs_took.push(their_time);
    }
    let (ours, theirs) = (median(&mut ours_took), median(&mut theirs_took));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let started = processes(place, &sources[..sources.len().min(COUNTED)], onto, scratch);
    println!(
        "{} picks of {} commits: {trees} trees, {conflicts} conflicts, {nothing} nothing",
        sources.len(),
        all.len()
    );
    println!("{wrong} come to something else than git's");
    println!("a pick: {ours:.2?} by rel, {theirs:.2?} by git in a warm worktree, {ratio:.2} (limit {LIMIT})");
    println!("processes a pick: {started} at most (limit {PROCESSES})");
    wrong > 0 || ratio > LIMIT || started > PROCESSES
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The most processes that one of these picks starts.
fn processes(place: &Path, sources: &[Oid], onto: Oid, scratch: &Path) -> usize {
    let (folder, record) = (scratch.join("bin"), scratch.join("started"));
    fs::create_dir(&folder).unwrap();
    let mut world = World::from_process();
    let path = world.var("PATH").unwrap().to_owned();
    let real = path.split(':').map(|dir| PathBuf::from(dir).join("git")).find(|git| git.exists()).unwrap();
    let script = format!("#!/bin/sh\necho git >> '{}'\nexec '{}' \"$@\"\n", record.display(), real.display());
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    world.env.insert("PATH".into(), format!("{}:{path}", folder.display()).into());
    let repo = Repo::discover(&world, place).unwrap();
    let started = |source: &Oid| {
        let _ = fs::remove_file(&record);
        by_rel(&repo, *source, onto);
        fs::read_to_string(&record).unwrap_or_default().lines().count()
    };
    sources.iter().map(started).max().unwrap_or_default()
}
