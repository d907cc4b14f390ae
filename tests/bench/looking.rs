//! What looking costs, against git asked much the same on the same repository
//! in the same run; and that the answers are git's.
//!
//! ```text
//! cargo bench --locked --bench looking              100,000 commits, 1,000 candidates
//! cargo test --locked --bench looking -- --small    2,000 commits, 40 candidates
//! ```
//!
//! The large run is judged by its ratios: it ends with 1 where one is over its
//! limit. The small run is a test: it ends with 1 where an answer is not
//! git's, and its ratios mean nothing, since it is not built to be fast.

mod answers;
mod clock;
mod gates;
mod records;
mod repository;
mod rows;
mod spawned;
mod surroundings;
mod trunk;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clock::Rounds;
use repository::{Graph, Repository, Size};
use rows::{Row, Spots};
use spawned::Recorders;

/// What the figures are promised for.
const LARGE: Size = Size { commits: 100_000, candidates: 1_000 };
const LARGE_ROUNDS: Rounds = Rounds { warm_up: 2, least: 15, most: 101, time: Duration::from_millis(2500) };

/// What shows that answers are right, in seconds.
const SMALL: Size = Size { commits: 2_000, candidates: 40 };
const SMALL_ROUNDS: Rounds = Rounds { warm_up: 0, least: 1, most: 1, time: Duration::ZERO };

fn main() -> ExitCode {
    // Of the runs that cargo starts, `cargo bench` alone says `--bench`.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let large = words.iter().any(|word| word == "--bench") && !words.iter().any(|word| word == "--small");
    let (size, rounds) = if large { (LARGE, LARGE_ROUNDS) } else { (SMALL, SMALL_ROUNDS) };
    println!(
        "{} commits, {} candidates, {} environments",
        size.commits,
        size.candidates,
        records::ENVIRONMENTS.len()
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let repository =
        if large { Repository::kept_in(folder, size) } else { Repository::anew_in(folder, size) };
    println!("in {}", repository.around.at("").display());
    let mut tally = Tally::default();
    for graph in Graph::ALL {
        look(&repository, graph, rounds, large, &mut tally);
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
}

/// Checks and times everything in one clone.
fn look(repository: &Repository, graph: Graph, rounds: Rounds, judged: bool, tally: &mut Tally) {
    println!("\n{}\n", graph.text());
    let spots = Spots::find(repository, graph);
    for checked in answers::check(&spots) {
        tally.count(checked.wrong.is_none());
        match checked.wrong {
            None => println!("  right  {}", checked.name),
            Some(wrong) => println!("  WRONG  {}: {wrong}", checked.name),
        }
    }
    let rows = spots.rows(graph);
    processes(&spots, &rows, tally);
    let limit = if judged { " limit" } else { "" };
    println!("\n  {:<12} {:>9} {:>9} {:>7} {limit}", "", "rel ms", "git ms", "ratio");
    for row in &rows {
        time(&spots, row, rounds, judged, tally);
    }
    judge(&spots, judged, tally);
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

/// Checks that none of these starts a process, once it is sure that one would be seen.
fn processes(spots: &Spots<'_>, rows: &[Row], tally: &mut Tally) {
    let recorders = Recorders::make(spots);
    let (_, started) = recorders.run(spots, &["status"]);
    assert!(started.contains("fetch"), "a fetch was not seen: {started:?}");
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

/// Times one row, and judges it where figures count.
fn time(spots: &Spots<'_>, row: &Row, rounds: Rounds, judged: bool, tally: &mut Tally) {
    let mut ours = spots.around.rel(&spots.clone, &borrowed(&row.rel));
    let mut theirs = spots.around.git(&spots.clone, &borrowed(&row.git));
    let timed = match clock::pair(&mut ours, &mut theirs, rounds) {
        Ok(timed) => timed,
        Err(why) => {
            tally.count(false);
            println!("  {:<12} {why}", row.name);
            return;
        }
    };
    let within = !judged || timed.ratio <= row.limit;
    tally.count(within);
    let verdict = match judged {
        true if within => format!("{:>6.1}  ok", row.limit),
        true => format!("{:>6.1}  OVER", row.limit),
        false => String::new(),
    };
    println!("  {:<12} {:>9.2} {:>9.2} {:>7.2} {verdict}", row.name, timed.ours, timed.theirs, timed.ratio);
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
