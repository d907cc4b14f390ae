//! What was looked at, what was found, and what to do about it.

use super::Screen;
use super::table::labelled;
use super::text::clean;
use crate::domain::report::clone::{Check, CheckVerdict};
use crate::failure::Failure;

impl CheckVerdict {
    fn word(self) -> &'static str {
        match self {
            CheckVerdict::Ok => "ok",
            CheckVerdict::Note => "note",
            CheckVerdict::Problem => "problem",
        }
    }
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Check {
        Check { name, verdict: CheckVerdict::Ok, message: message.into(), hints: Vec::new() }
    }

    /// Good to know.
    pub fn note(name: &'static str, message: impl Into<String>) -> Check {
        Check { verdict: CheckVerdict::Note, ..Check::ok(name, message) }
    }

    /// Something will fail.
    pub fn problem(name: &'static str, message: impl Into<String>) -> Check {
        Check { verdict: CheckVerdict::Problem, ..Check::ok(name, message) }
    }

    /// What a failure says, with its reasons, its causes and its ways on.
    pub fn failed(name: &'static str, failure: &Failure) -> Check {
        let mut message = failure.message.clone();
        let causes = failure.source.iter().flat_map(|source| source.chain()).map(ToString::to_string);
        for more in failure.reasons.iter().map(|reason| reason.message.clone()).chain(causes) {
            message.push('\n');
            message.push_str(more.trim_end());
        }
        // Whoever reads this has run it.
        let hints = failure.hints.iter().filter(|hint| *hint != "rel doctor");
        let hints = hints.map(|hint| hint.trim_end_matches(": rel doctor").to_owned()).collect();
        Check { hints, ..Check::problem(name, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Check {
        self.hints.push(hint.into());
        self
    }
}

/// A line for each check, with what to do below it.
pub fn table(screen: &Screen, checks: &[Check]) -> String {
    let widest = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let rows: Vec<(String, String)> = checks
        .iter()
        .map(|Check { name, verdict, message, hints }| {
            let lines: Vec<String> =
                message.lines().chain(hints.iter().flat_map(|h| h.lines())).map(clean).collect();
            (format!("{:<7}  {name:<widest$}", verdict.word()), lines.join("\n"))
        })
        .collect();
    let text = labelled(&rows, 0, screen.width());
    let painted = |line: &str| {
        let paint = |word: &str, style: &dyn Fn(&str) -> String| {
            line.strip_prefix(word).filter(|rest| rest.starts_with(' ')).map(|rest| style(word) + rest)
        };
        paint("ok", &|word| screen.good(word))
            .or_else(|| paint("note", &|word| screen.caution(word)))
            .or_else(|| paint("problem", &|word| screen.bad(word)))
            .unwrap_or_else(|| line.to_owned())
    };
    text.lines().map(painted).collect::<Vec<_>>().join("\n")
}
