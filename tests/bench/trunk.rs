//! A trunk of any length, always the same one, written by `git fast-import`.
//!
//! It looks like the trunk of a team that merges: of five commits one is a
//! merge of a short side branch, a few merges have several, committers' clocks
//! are a little off, and half the subjects are conventional ones. Every side
//! branch is merged, so a trunk commit builds on all that was written before
//! it but for what forked and is merged later.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use rel::domain::name::Oid;

use crate::surroundings::Surroundings;

/// When the newest commit is made: 2026-09-30, in seconds since 1970.
const DUSK: i64 = 1_790_764_800;

/// Seconds from one commit to the next.
const PACE: i64 = 46 * 60;

const PEOPLE: [&str; 9] = ["ana", "bob", "kim", "Zoë Ünal", "lee", "mia", "noor", "Óscar", "pat"];
const FOLDERS: [&str; 6] = ["src/cart", "src/shop", "src/ui/forms", "docs", "deploy", "tests"];
const KINDS: [&str; 8] = ["feat", "fix", "fix", "docs", "refactor", "test", "chore", "perf"];
const DEEDS: [&str; 8] = ["show", "count", "keep", "send", "check", "sort", "round", "name"];
const THINGS: [&str; 8] =
    ["the prices", "coupons", "the cart", "a form", "Größen", "mails", "the tax", "logs"];

/// A commit by its number in the stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

/// A commit of trunk's first-parent line.
pub struct Step {
    /// Which.
    pub mark: Mark,
    /// How many commits it builds on, itself included.
    pub position: u64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The first line of its message.
    pub subject: String,
    /// The file it changed, and its new content; a merge changes what its branches did.
    pub change: Option<(String, String)>,
}

/// A repository being written.
pub struct Growing {
    git: Child,
    stream: BufWriter<ChildStdin>,
    chance: Chance,
    size: usize,
    written: usize,
    steps: Vec<Step>,
}

impl Growing {
    /// Writes a trunk of `size` commits into a bare repository: the branch
    /// `main`, whose first commit has `release_toml`.
    pub fn trunk(around: &Surroundings, repository: &Path, release_toml: &str, size: usize) -> Growing {
        let mut git = around.git(repository, &["fast-import", "--quiet", "--export-marks=marks"]);
        let mut git = git.stdin(Stdio::piped()).spawn().expect("git starts");
        let stream = BufWriter::new(git.stdin.take().expect("piped"));
        let chance = Chance(0x5eed);
        let mut growing = Growing { git, stream, chance, size, written: 0, steps: Vec::new() };
        let first = ("release.toml".to_owned(), release_toml.to_owned());
        let (subject, at) = ("feat: open the shop".to_owned(), growing.clock());
        let mark = growing.commit(&subject, at, &[], std::slice::from_ref(&first));
        growing.steps.push(Step { mark, position: 1, at, subject, change: Some(first) });
        while growing.written < size {
            growing.step();
        }
        growing
    }

    /// Trunk's first-parent line, oldest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Picks what a step changed onto another commit, beside trunk.
    pub fn pick(&mut self, step: usize, onto: Mark) -> Mark {
        let Step { subject, at, change, .. } = &self.steps[step];
        let (subject, at, change) = (subject.clone(), *at + PACE, change.clone());
        self.commit(&subject, at, &[onto], change.as_slice())
    }

    /// Ends the stream, and gives the id of every commit, by its mark.
    pub fn finish(mut self, repository: &Path) -> impl Fn(Mark) -> Oid + use<> {
        let tip = self.steps.last().expect("a trunk has a commit").mark.0;
        write!(self.stream, "reset refs/heads/main\nfrom :{tip}\n\n").expect("git reads");
        drop(self.stream);
        assert!(self.git.wait().expect("git ends").success(), "git fast-import failed");
        let marks = fs::read_to_string(repository.join("marks")).expect("git wrote the marks");
        let mut ids = vec![None; self.written + 1];
        for line in marks.lines() {
            let (mark, id) = line.trim_start_matches(':').split_once(' ').expect("a mark and an id");
            ids[mark.parse::<usize>().expect("a number")] = id.parse().ok();
        }
        move |mark| ids[mark.0].expect("every mark was written")
    }

    /// One more commit of the first-parent line, with the branches it merges.
    fn step(&mut self) {
        let parent = self.steps.len() - 1;
        let branches = match self.chance.below(100) {
            0 => 3,
            1..=39 => 1,
            _ => 0,
        };
        let mut parents = vec![self.steps[parent].mark];
        let mut changes = Vec::new();
        for _ in 0..branches {
            let fork = self.steps[parent - self.chance.below(12).min(parent)].mark;
            let mut tip = fork;
            for _ in 0..=self.chance.below(4) {
                // Two more are needed: this one, and the merge.
                if self.written + 2 <= self.size {
                    let (subject, at, change) = (self.subject(), self.clock(), self.change());
                    tip = self.commit(&subject, at, &[tip], std::slice::from_ref(&change));
                    changes.push(change);
                }
            }
            if tip != fork {
                parents.push(tip);
            }
        }
        let position = self.steps[parent].position + changes.len() as u64 + 1;
        let at = self.clock();
        if changes.is_empty() {
            let (subject, change) = (self.subject(), self.change());
            let mark = self.commit(&subject, at, &parents, std::slice::from_ref(&change));
            self.steps.push(Step { mark, position, at, subject, change: Some(change) });
        } else {
            let subject = format!("Merge pull request #{} from shop/branch", self.written);
            let mark = self.commit(&subject, at, &parents, &changes);
            self.steps.push(Step { mark, position, at, subject, change: None });
        }
    }

    /// Writes a commit with these files changed against its first parent.
    fn commit(&mut self, subject: &str, at: i64, parents: &[Mark], changes: &[(String, String)]) -> Mark {
        self.written += 1;
        let mark = Mark(self.written);
        let who = PEOPLE[self.chance.below(PEOPLE.len())];
        let written = at - (self.chance.below(3) * 3600) as i64;
        let mut message = format!("{subject}\n");
        if self.chance.below(3) == 0 {
            message.push_str("\nIt was asked for more than once, and it is what people expect.\n");
            message.push_str(&format!("\nRefs: SHOP-{}\n", self.written));
        }
        let mut command = format!(
            "commit refs/heads/main\nmark :{}\nauthor {who} <{}@example.com> {written} +0100\n\
             committer {who} <{}@example.com> {at} +0000\ndata {}\n{message}\n",
            mark.0,
            who.to_ascii_lowercase().replace(' ', "."),
            who.to_ascii_lowercase().replace(' ', "."),
            message.len(),
        );
        for (index, parent) in parents.iter().enumerate() {
            let word = if index == 0 { "from" } else { "merge" };
            command.push_str(&format!("{word} :{}\n", parent.0));
        }
        for (path, content) in changes {
            command.push_str(&format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()));
        }
        command.push('\n');
        self.stream.write_all(command.as_bytes()).expect("git reads");
        mark
    }

    /// When the next commit is made: most clocks are minutes off, a few a day.
    fn clock(&mut self) -> i64 {
        let after = (self.size - self.written.min(self.size)) as i64;
        let off = match self.chance.below(100) {
            0 => 86_400,
            _ => 2 * PACE as usize,
        };
        DUSK - after * PACE + self.chance.below(2 * off) as i64 - off as i64
    }

    fn subject(&mut self) -> String {
        let (deed, thing) = (DEEDS[self.chance.below(8)], THINGS[self.chance.below(8)]);
        let kind = KINDS[self.chance.below(8)];
        let number = self.written;
        match self.chance.below(40) {
            0 => format!("{kind}!: {deed} {thing} another way (#{number})"),
            1..=9 => format!("{kind}: {deed} {thing} (#{number})"),
            10..=19 => format!("{kind}(cart): {deed} {thing} (#{number})"),
            _ => format!("Also {deed} {thing}, as in #{number}"),
        }
    }

    fn change(&mut self) -> (String, String) {
        let path = format!("{}/part{}.txt", FOLDERS[self.chance.below(6)], self.chance.below(12));
        let line = self.chance.below(10);
        let content =
            (0..10).map(|n| format!("line {n} of {path}, {}\n", if n == line { self.written } else { n }));
        let content = content.collect();
        (path, content)
    }
}

/// Numbers as if by chance, the same ones every time (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 up to this one, exclusive.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
