//! Times two commands in turn, so that what disturbs one disturbs the other.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a pair of commands is timed.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// Pairs before the first one that counts.
    pub warm_up: usize,
    /// Pairs that count at least.
    pub least: usize,
    /// Pairs that count at most.
    pub most: usize,
    /// How long pairs are added between the two.
    pub time: Duration,
}

impl Rounds {
    /// For what takes longer: as few as count.
    pub fn fewer(self) -> Rounds {
        Rounds { warm_up: self.warm_up.min(1), least: self.least.min(9), most: self.least.min(9), ..self }
    }
}

/// Medians of a timed pair.
#[derive(Clone, Copy)]
pub struct Timed {
    /// Of the first command, in milliseconds.
    pub ours: f64,
    /// Of the second, in milliseconds.
    pub theirs: f64,
    /// Of the first over the second, pair by pair.
    pub ratio: f64,
}

/// Runs both in turn, A B A B; before each A what is to be done before it.
///
/// # Errors
/// One of them fails, which its status tells of.
pub fn pair(
    ours: &mut Command,
    theirs: &mut Command,
    rounds: Rounds,
    before: impl Fn(),
) -> Result<Timed, String> {
    let mut both = || -> Result<(f64, f64), String> {
        before();
        let ours = once(ours).map_err(|why| format!("rel: {why}"))?;
        Ok((ours, once(theirs).map_err(|why| format!("git: {why}"))?))
    };
    for _ in 0..rounds.warm_up {
        both()?;
    }
    let begun = Instant::now();
    let mut pairs = Vec::new();
    while pairs.len() < rounds.least || (pairs.len() < rounds.most && begun.elapsed() < rounds.time) {
        pairs.push(both()?);
    }
    Ok(Timed {
        ours: median(pairs.iter().map(|(ours, _)| *ours)),
        theirs: median(pairs.iter().map(|(_, theirs)| *theirs)),
        ratio: median(pairs.iter().map(|(ours, theirs)| ours / theirs)),
    })
}

/// Milliseconds from a command's start to its end, with its output thrown away.
fn once(command: &mut Command) -> Result<f64, String> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    if status.success() { Ok(took.as_secs_f64() * 1000.0) } else { Err(status.to_string()) }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
