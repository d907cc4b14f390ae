//! Whole outputs, word for word: the exit code, stdout and stderr of every
//! verb, of every gate's refusal, and of what goes wrong.
//!
//! The clock stands still but for a minute before each run, and objects are
//! numbered in the order in which they are named, so that an output is the same
//! every time. `UPDATE_EXPECT=1 cargo test --features failpoints --test it --
//! snapshots::` writes down what is said now; the difference is what to review.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use expect_test::Expect;
use regex::{Captures, Regex};

use crate::output::Output;
use crate::repo::{Desk, Shop};
use crate::world::Running;

mod delivering;
mod failing;
mod helping;
mod looking;
mod making;
mod refusing;
mod settling;

/// When a story begins, in seconds since 1970: a Friday, a day after the shop's first commits.
const MORNING: u64 = 1_767_340_800;

/// What differs from one machine to another and from run to run, and what is written instead.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let pairs = [
        // The numbers of processes.
        (r#"(process |pid |"pid":)\d+"#, "${1}[PID]"),
        // Provenance is counted as well, and says where it was made.
        (r"(\d+ files?, )[\d.]+ [KM]?i?B", "${1}[SIZE]"),
        (r#"("checked":\{"artifacts":\d+,"bytes":)[1-9]\d*"#, "${1}[SIZE]"),
        // Shells have words of their own.
        (r"(?m)^(\w+ \| )sh: .*$", "${1}[SHELL]"),
        // So has git.
        (r#"(git +|"message":")2\.\d+[\d.]*"#, "${1}[VERSION]"),
        // What could not be seen.
        (r"(?m)[ \t]+$", "$0[BLANK]"),
    ];
    pairs.map(|(pattern, instead)| (Regex::new(pattern).expect("it is one"), instead)).into()
});

/// Whatever git names by a hash: a word of at least seven hexadecimal digits,
/// at the beginning of a line in JSON, too.
static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\\n|\b)([0-9a-f]{7,64})\b").expect("it is one"));

/// A project whose people run `rel` one after another, a minute apart.
struct Story {
    shop: Shop,
    now: Cell<u64>,
    ids: RefCell<Vec<String>>,
}

impl Story {
    fn of(shop: Shop) -> Story {
        Story { shop, now: Cell::new(MORNING), ids: RefCell::default() }
    }

    fn new() -> Story {
        Story::of(Shop::new())
    }

    /// Lets so many minutes pass.
    fn later(&self, minutes: u64) {
        self.now.set(self.now.get() + 60 * minutes);
    }

    /// Starts `rel` with more variables.
    fn start(&self, desk: &Desk<'_>, args: &[&str], env: &[(&str, &str)]) -> Running {
        self.later(1);
        let mut command = desk.command(args);
        command.envs(env.iter().copied()).env("FAILPOINTS", format!("clock=return(@{})", self.now.get()));
        Running::start(command)
    }

    /// Runs `rel`.
    #[track_caller]
    fn run(&self, desk: &Desk<'_>, args: &[&str]) -> Output {
        self.start(desk, args, &[]).wait()
    }

    /// Runs `rel`, one run for each line, all of which must succeed.
    #[track_caller]
    fn done(&self, desk: &Desk<'_>, lines: &[&str]) {
        for line in lines {
            self.run(desk, &words(line)).ok();
        }
    }

    /// Checks what a run that was begun otherwise said.
    #[track_caller]
    fn said(&self, output: &Output, expected: Expect) {
        expected.assert_eq(&self.told(output));
    }

    /// Runs `rel`, which must say this.
    #[track_caller]
    fn says(&self, desk: &Desk<'_>, line: &str, expected: Expect) {
        self.said(&self.run(desk, &words(line)), expected);
    }

    /// What a run said and how it ended, the same every time.
    fn told(&self, output: &Output) -> String {
        let Output { code, stdout, stderr, .. } = output;
        let mut told = format!("exit {code}\n{stdout}");
        if !stderr.is_empty() {
            told.push_str(&format!("--- stderr\n{stderr}"));
        }
        self.redacted(&told)
    }

    fn redacted(&self, text: &str) -> String {
        let world = self.shop.world.at("").to_str().expect("it is UTF-8").trim_end_matches('/').to_owned();
        let host = nix::unistd::gethostname().expect("a host has a name").into_string().expect("it is UTF-8");
        let text = text.replace(&world, "[WORLD]");
        let text = text.replace(&format!("\"host\":\"{host}\""), "\"host\":\"[HOST]\"");
        let mut text = text.replace(&format!(" on {host}"), " on [HOST]");
        for (pattern, instead) in VARYING.iter() {
            text = pattern.replace_all(&text, *instead).into_owned();
        }
        ID.replace_all(&text, |found: &Captures<'_>| format!("{}{}", &found[1], self.number(&found[2])))
            .into_owned()
    }

    /// An object's number, the same for its whole name and for its abbreviations.
    fn number(&self, id: &str) -> String {
        let mut ids = self.ids.borrow_mut();
        let known = ids.iter().position(|known| known.starts_with(id) || id.starts_with(known.as_str()));
        let n = known.unwrap_or_else(|| {
            ids.push(id.to_owned());
            ids.len() - 1
        });
        if id.len() > ids[n].len() {
            ids[n] = id.to_owned();
        }
        match id.len() {
            7 => format!("[ID{n}]"),
            length => format!("[ID{n}:{length}]"),
        }
    }
}

/// The words of a line as a shell splits them, with nothing but double quotes.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(n, part)| if n % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
        .collect()
}
