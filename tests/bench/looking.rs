//! What looking costs, against git asked much the same on the same repository
//! in the same run; and that the answers are git's.
//!
//! ```text
//! cargo bench --locked --bench looking              100,000 commits, 1,000 candidates
//! cargo test --locked --bench looking -- --small    2,000 commits, 40 candidates
//! ```
//!
//! It is looked at two repositories of that size: one that `rel` has released
//! for years, and one that another tool released, from branches. Each question
//! is put warm, and cold: with nothing kept beside the clone, as in a fresh one.
//!
//! The large run is judged by its ratios: it ends with 1 where one is over its
//! limit. The small run is a test: it ends with 1 where an answer is not
//! git's, and its ratios mean nothing, since it is not built to be fast.

mod answers;
mod clock;
mod gates;
mod merges;
mod records;
mod repository;
mod rows;
mod spawned;
mod surroundings;
mod trunk;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use answers::Checked;
use clock::Rounds;
use repository::{Graph, Repository, Size};
use rows::{Row, Spots};
use spawned::Recorders;

/// What the figures are promised for.
const LARGE: Size = Size { commits: 100_000, candidates: 1_000 };
const LARGE_MERGES: merges::Size = merges::Size { merges: 33_000, tags: 90 };
const LARGE_ROUNDS: Rounds = Rounds { warm_up: 2, least: 15, most: 101, time: Duration::from_millis(2500) };

/// What shows that answers are right, in seconds.
const SMALL: Size = Size { commits: 2_000, candidates: 40 };
const SMALL_MERGES: merges::Size = merges::Size { merges: 660, tags: 4 };
const SMALL_ROUNDS: Rounds = Rounds { warm_up: 0, least: 1, most: 1, time: Duration::ZERO };

fn main() -> ExitCode {
    // Of the runs that cargo starts, `cargo bench` alone says `--bench`.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let large = words.iter().any(|word| word == "--bench") && !words.iter().any(|word| word == "--small");
    let (size, merged, rounds) =
        if large { (LARGE, LARGE_MERGES, LARGE_ROUNDS) } else { (SMALL, SMALL_MERGES, SMALL_ROUNDS) };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut tally = Tally::default();

    println!(
        "{} commits, {} candidates, {} environments",
        size.commits,
        size.candidates,
        records::ENVIRONMENTS.len()
    );
    let repository = Repository::kept_in(folder, size, !large);
    println!("in {}", repository.around.at("").display());
    for graph in Graph::ALL {
        println!("\n{}\n", graph.text());
        let spots = Spots::find(&repository, graph);
        tally.take(answers::check(&spots));
        tally.take(answers::check_own(&spots));
        recorders_see_a_fetch(&spots);
        look(&spots, &spots.rows(graph), rounds, large, &mut tally);
        judge(&spots, large, &mut tally);
    }

    println!("\n{} merges, {} tags of another tool", merged.merges, merges::BRANCHES * merged.tags);
    let around = merges::kept_in(folder, merged, !large);
    println!("in {}", around.at("").display());
    for graph in merges::GRAPHS {
        println!("\n{}\n", graph.text());
        let spots = merges::spots(&around, graph);
        tally.take(answers::check(&spots));
        look(&spots, &merges::rows(&spots, graph), rounds, large, &mut tally);
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was right, and what was not.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn count(&mut self, passed: bool) {
        if passed { self.passed += 1 } else { self.failed += 1 }
    }

    fn take(&mut self, checks: Vec<Checked>) {
        for checked in checks {
            self.count(checked.wrong.is_none());
            match checked.wrong {
                None => println!("  right  {}", checked.name),
                Some(wrong) => println!("  WRONG  {}: {wrong}", checked.name),
            }
        }
    }
}

/// Times everything in one clone.
fn look(spots: &Spots<'_>, rows: &[Row], rounds: Rounds, judged: bool, tally: &mut Tally) {
    processes(spots, rows, tally);
    let limit = if judged { " limit" } else { "" };
    println!("\n  {:<16} {:>9} {:>9} {:>7} {limit}", "", "rel ms", "git ms", "ratio");
    for row in rows {
        time(spots, row, rounds, judged, tally);
    }
}

/// What all gates cost more than hardly any, judged where figures count.
fn judge(spots: &Spots<'_>, judged: bool, tally: &mut Tally) {
    let rounds =
        if judged { gates::Rounds { turns: 4, runs: 8 } } else { gates::Rounds { turns: 1, runs: 1 } };
    match gates::judge(spots, rounds) {
        Err(why) => {
            tally.count(false);
            println!("\n  WRONG  gates: {why}");
        }
        Ok(found) => {
            let more = found.all - found.few;
            let within = !judged || more <= gates::LIMIT;
            tally.count(within);
            let verdict = match judged {
                true if within => format!(", of {:.1} allowed: ok", gates::LIMIT),
                true => format!(", of {:.1} allowed: OVER", gates::LIMIT),
                false => String::new(),
            };
            println!(
                "\n  all gates take {more:.2} ms of a processor ({:.2} to {:.2}){verdict}",
                found.few, found.all
            );
        }
    }
}

/// Makes sure that a process that is started would be seen.
fn recorders_see_a_fetch(spots: &Spots<'_>) {
    let (_, started) = Recorders::make(spots).run(spots, &["status"]);
    assert!(started.contains("fetch"), "a fetch was not seen: {started:?}");
}

/// Checks that none of these starts a process.
fn processes(spots: &Spots<'_>, rows: &[Row], tally: &mut Tally) {
    let recorders = Recorders::make(spots);
    for row in rows {
        let (said, started) = recorders.run(spots, &borrowed(&row.rel));
        let passed = said.code == Some(0) && started.is_empty();
        tally.count(passed);
        if passed {
            println!("  right  {} starts no process", row.name);
        } else {
            let why = started.lines().next().or(said.stderr.lines().next()).unwrap_or_default();
            println!("  WRONG  {} starts no process: {why}", row.name);
        }
    }
}

/// Times one row, warm and cold, and judges it where figures count.
fn time(spots: &Spots<'_>, row: &Row, rounds: Rounds, judged: bool, tally: &mut Tally) {
    let index = spots.clone.join(".git/rel").join(spots.project).join("index");
    let forget = || drop(fs::remove_dir_all(&index));
    let cold = format!("{}, cold", row.name);
    let warm = (row.name, Some(row.limit), rounds, None);
    for (name, limit, rounds, before) in [warm, (&cold, row.cold, rounds.fewer(), Some(&forget))] {
        let mut ours = spots.around.rel(&spots.clone, &borrowed(&row.rel));
        let mut theirs = spots.around.git(&spots.clone, &borrowed(&row.git));
        let before = || before.iter().for_each(|forget| forget());
        let timed = match clock::pair(&mut ours, &mut theirs, rounds, before) {
            Ok(timed) => timed,
            Err(why) => {
                tally.count(false);
                println!("  {name:<16} {why}");
                continue;
            }
        };
        let limit = limit.filter(|_| judged);
        let within = limit.is_none_or(|limit| timed.ratio <= limit);
        tally.count(within);
        let verdict = match limit {
            Some(limit) => format!("{limit:>6.1}  {}", if within { "ok" } else { "OVER" }),
            None => String::new(),
        };
        println!("  {name:<16} {:>9.2} {:>9.2} {:>7.2} {verdict}", timed.ours, timed.theirs, timed.ratio);
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
