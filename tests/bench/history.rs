//! Random questions of ancestry about real repositories, each answer held
//! against git's: `cargo bench --bench history -- [--questions N] REPOSITORY...`
//!
//! Ranges against `git rev-list`, ancestry against `git merge-base
//! --is-ancestor`, lines of first parents against `git rev-list
//! --first-parent`, containment against `git tag --contains`. Without a
//! repository it asks about the one it lies in.

#![allow(clippy::unwrap_used, reason = "a tool for whoever works on this fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use rel::domain::name::Oid;
use rel::store::history;
use rel::store::repo::Repo;
use rel::world::World;

fn main() {
    let mut questions = 1_000;
    let mut places: Vec<PathBuf> = Vec::new();
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--questions" => questions = args.next().unwrap().parse().unwrap(),
            _ => places.push(arg.into()),
        }
    }
    if places.is_empty() {
        places.push(env!("CARGO_MANIFEST_DIR").into());
    }
    let mut wrong = 0;
    let mut right = 0;
    for place in &places {
        let (asked, mistaken) = ask(place, questions);
        println!("{}: {asked} questions, {mistaken} answered otherwise than by git", place.display());
        right += asked - mistaken;
        wrong += mistaken;
    }
    println!("{right} passed, {wrong} failed");
    std::process::exit(i32::from(wrong > 0));
}

/// A small generator of numbers (xorshift64, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "answers are held against git as users have it")]
fn git(place: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("git").arg("-C").arg(place).args(args).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Asks a quarter of `questions` of each kind; how many, and how many answers differ.
fn ask(place: &Path, questions: usize) -> (usize, usize) {
    let world = World::from_process();
    let repo = Repo::discover(&world, place).unwrap();
    let oids = |text: String| -> Vec<Oid> { text.lines().map(|line| line.parse().unwrap()).collect() };
    let all = oids(git(place, &["rev-list", "--all"]).1);
    let line = oids(git(place, &["rev-list", "--first-parent", "HEAD"]).1);
    let peeled =
        git(place, &["for-each-ref", "--format=%(refname) %(*objectname) %(objectname)", "refs/tags"]).1;
    let mut tags: Vec<(String, Oid)> = Vec::new();
    for line in peeled.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(commit) = repo.peel_to_commit(words[1].parse().unwrap()).unwrap() {
            tags.push((words[0].to_owned(), commit));
        }
    }
    let tips: Vec<Oid> = tags.iter().map(|(_, commit)| *commit).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut asked, mut mistaken) = (0, 0);
    let mut judge = |what: &str, ours: String, theirs: String| {
        asked += 1;
        if ours != theirs {
            mistaken += 1;
            println!("  {what}: rel says {ours}, git {theirs}");
        }
    };
    for n in 0..questions / 4 {
        // Half of them near each other, as commits that are asked about are.
        let at = dice.below(all.len());
        let (least, most) = if n % 2 == 0 { (0, all.len()) } else { (at.saturating_sub(500), at + 500) };
        let (a, b) = (all[at], all[least + dice.below(most.min(all.len()) - least)]);
        let dots = format!("{a}..{b}");
        let ours = history::range(&repo, &[a], b).unwrap();
        if n % 10 == 0 {
            let theirs: BTreeSet<Oid> = oids(git(place, &["rev-list", &dots]).1).into_iter().collect();
            let same = ours.iter().copied().collect::<BTreeSet<_>>() == theirs;
            judge(&format!("the commits of {dots}"), same.to_string(), "true".to_owned());
        } else {
            judge(&dots, ours.len().to_string(), git(place, &["rev-list", "--count", &dots]).1);
        }
        let contained = git(place, &["merge-base", "--is-ancestor", &a.to_string(), &b.to_string()]).0;
        let ours = history::is_ancestor(&repo, a, b).unwrap();
        judge(&format!("{a} in {b}"), ours.to_string(), contained.to_string());
        let ours = history::first_parent_depth(&repo, a, line[0]).unwrap();
        let theirs = line.iter().position(|oid| *oid == a);
        judge(&format!("{a} on the line"), format!("{ours:?}"), format!("{theirs:?}"));
        if !tags.is_empty() {
            let found = history::containing(&repo, &[a], &tips).unwrap();
            let ours: BTreeSet<&str> =
                (0..tags.len()).filter(|tip| found.has(0, *tip)).map(|tip| tags[tip].0.as_str()).collect();
            let text = git(
                place,
                &["for-each-ref", "--format=%(refname)", "--contains", &a.to_string(), "refs/tags"],
            )
            .1;
            let same = ours == text.lines().collect::<BTreeSet<_>>();
            judge(&format!("tags that contain {a}"), same.to_string(), "true".to_owned());
        }
    }
    (asked, mistaken)
}
