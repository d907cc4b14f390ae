//! A repository whose work all came by merged branches, and which another tool
//! released: branches with many tags each, most of which trunk does not contain.
//! `rel` is new there, decides everything in this one clone, and has cut little.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use crate::repository::{Graph, copy, kept};
use crate::rows::{Row, Spots, document, environments, words};
use crate::surroundings::{Surroundings, say};
use crate::trunk::Chance;

/// Goes up when what is made changes; repositories of another number are made anew.
const EDITION: u32 = 1;

/// The project.
const PROJECT: &str = "big";

/// Its environments; each next one has what was cut later.
const ENVIRONMENTS: [&str; 5] = ["e0", "e1", "e2", "e3", "e4"];

/// When the first commit was made, in seconds since 1970.
const DAWN: usize = 1_300_000_000;

/// Release branches, evenly along trunk.
pub const BRANCHES: usize = 11;

/// Commits of each branch that is merged.
const OF_A_BRANCH: usize = 2;

const AREAS: [&str; 10] =
    ["billing", "search", "upload", "session", "mail", "export", "index", "login", "report", "sync"];
const KINDS: [&str; 6] = ["feat", "fix", "docs", "perf", "chore", "refactor"];

/// The graphs that are looked with here.
pub const GRAPHS: [Graph; 2] = [Graph::Whole, Graph::None];

/// How large it is.
#[derive(Clone, Copy)]
pub struct Size {
    /// Merges on trunk, which make three commits each.
    pub merges: usize,
    /// Tags of each release branch.
    pub tags: usize,
}

/// The repository of this size in this folder, made unless it is there; made in any case if `anew`.
pub fn kept_in(folder: &Path, size: Size, anew: bool) -> Surroundings {
    kept(folder, &format!("merges-{EDITION}-{}", size.merges), anew, |around| make(around, size))
}

/// Where questions are asked in a clone.
pub fn spots(around: &Surroundings, graph: Graph) -> Spots<'_> {
    let clone = around.at(graph.folder());
    let live = environments(&document(around, &clone, &["status"]));
    let line = around.ask_git(&clone, &["rev-list", "--first-parent", "main"]);
    let line: Vec<&str> = line.lines().collect();
    let third = line[line.len() * 20 / 33].to_owned();
    Spots { around, clone, project: PROJECT, trunk: "main", live, third }
}

/// The rows of the table, with what each may cost.
pub fn rows(spots: &Spots<'_>, graph: Graph) -> Vec<Row> {
    let limit = |with: f64, without: f64| if graph == Graph::None { without } else { with };
    let oldest = &spots.live.first().expect("there are environments").1;
    let listed = "--format=%(refname) %(*objectname) %(taggerdate)";
    vec![
        Row {
            name: "status",
            rel: words(&["status", "--json", "--offline"]),
            git: words(&["rev-list", "--count", &format!("{oldest}..main")]),
            limit: limit(0.5, 1.3),
            cold: None,
        },
        Row {
            name: "where",
            rel: words(&["where", &spots.third, "--json", "--offline"]),
            git: words(&["tag", "--contains", &spots.third]),
            limit: 0.3,
            cold: Some(limit(0.5, 1.3)),
        },
        Row {
            name: "list",
            rel: words(&["list", "--json", "--offline"]),
            git: words(&["for-each-ref", listed, "refs/tags"]),
            limit: 1.0,
            cold: None,
        },
        Row {
            name: "log",
            rel: words(&["log", "--json", "--offline"]),
            git: words(&["log", "-n", "15", &spots.chain(ENVIRONMENTS[0])]),
            limit: 1.2,
            cold: None,
        },
        Row {
            name: "--version",
            rel: words(&["--version"]),
            git: words(&["--version"]),
            limit: 1.0,
            cold: None,
        },
    ]
}

fn make(around: &Surroundings, size: Size) {
    let (here, origin) = (around.at("."), around.at("origin.git"));
    around.ask_git(&here, &["init", "--quiet", "--bare", "origin.git"]);
    let mut git = around.git(&origin, &["fast-import", "--quiet", "--done"]);
    let mut git = git.stdin(Stdio::piped()).spawn().expect("git starts");
    let out = BufWriter::new(git.stdin.take().expect("piped"));
    Stream { out, chance: Chance(0xb1_6000), written: 0 }.write(size);
    assert!(git.wait().expect("git ends").success(), "git fast-import failed");
    around.ask_git(&origin, &["pack-refs", "--all"]);

    let first = around.at(Graph::None.folder());
    around.ask_git(&here, &["clone", "--quiet", "--no-checkout", "origin.git", Graph::None.folder()]);
    around.ask_git(&first, &["remote", "remove", "origin"]);
    let mut policy = format!("[project]\nname = \"{PROJECT}\"\nremote = \"\"\n");
    for environment in ENVIRONMENTS {
        policy.push_str(&format!("\n[environments.{environment}]\ndeploy = \"true\"\n"));
    }
    fs::write(first.join("release.toml"), policy).expect("a file under target/");
    let line = around.ask_git(&first, &["rev-list", "--first-parent", "main"]);
    let line: Vec<&str> = line.lines().collect();
    for (number, environment) in ENVIRONMENTS.iter().enumerate() {
        let commit = line[size.merges / BRANCHES * (ENVIRONMENTS.len() - number)];
        let version = format!("{}.0.0", 50 + number);
        let tag = format!("v{version}-rc.1");
        for words in [
            &["cut", commit, "--version", &version, "--yes"],
            &["deploy", environment, &tag, "--yes"] as &[&str],
        ] {
            let said = say(around.rel(&first, words));
            assert_eq!(said.code, Some(0), "rel {words:?}: {}", said.stderr);
        }
    }
    let whole = around.at(Graph::Whole.folder());
    copy(&first, &whole);
    around.ask_git(&first, &["config", "core.commitGraph", "false"]);
    around.ask_git(&whole, &["commit-graph", "write", "--reachable"]);
}

/// The history, as `git fast-import` reads it; always the same one.
struct Stream<W> {
    out: W,
    chance: Chance,
    written: usize,
}

impl<W: Write> Stream<W> {
    fn write(mut self, size: Size) {
        // The newest merges, since no branch is begun far back.
        let mut line = vec![self.commit("main", &[], "chore: begin\n")];
        let mut tags = Vec::new();
        for merge in 1..=size.merges {
            let back = self.chance.below(20).min(line.len() - 1);
            let mut tip = line[line.len() - 1 - back];
            for part in 1..=OF_A_BRANCH {
                let message = self.message(merge, part);
                tip = self.commit("main", &[tip], &message);
            }
            let (kind, area) = (self.one_of(&KINDS), self.one_of(&AREAS));
            let message =
                format!("Merge pull request #{merge} from team/work-{merge}\n\n{kind}: more of {area}\n");
            let trunk = line[line.len() - 1];
            line.push(self.commit("main", &[trunk, tip], &message));
            if merge % (size.merges / BRANCHES) == 0 {
                self.branch(merge / (size.merges / BRANCHES), line[line.len() - 1], size.tags, &mut tags);
            }
        }
        self.say(&format!("reset refs/heads/main\nfrom :{}\n\n", line[line.len() - 1]));
        for (name, commit, at) in tags {
            let message = format!("{name}\n\nBuilt by the nightly job, and tried in staging before.\n");
            self.say(&format!(
                "tag {name}\nfrom :{commit}\ntagger Robot <robot@example.com> {at} +0000\ndata {}\n{message}\n",
                message.len()
            ));
        }
        self.say("done\n");
        self.out.flush().expect("git reads");
    }

    /// A release branch: a tag on trunk, then one for each change that was picked.
    fn branch(&mut self, number: usize, from: usize, tags: usize, into: &mut Vec<(String, usize, usize)>) {
        let mut tip = from;
        for tag in 1..=tags {
            if tag > 1 {
                let area = self.one_of(&AREAS);
                let source: String =
                    (0..40).map(|_| char::from(b"0123456789abcdef"[self.chance.below(16)])).collect();
                let message =
                    format!("fix({area}): mend it for {tag}\n\n(cherry picked from commit {source})\n");
                tip = self.commit(&format!("release-{number}"), &[tip], &message);
            }
            into.push((format!("v1.{number}.0-rc.{tag}"), tip, self.clock() + 60));
        }
    }

    fn message(&mut self, merge: usize, part: usize) -> String {
        let (kind, area, other) = (self.one_of(&KINDS), self.one_of(&AREAS), self.one_of(&AREAS));
        format!(
            "{kind}({area}): step {part} of {merge} towards {other}\n\nWhat {area} did when {other} was slow \
             is now done once,\nand not again for each of the {} that wait.\n\nReviewed-by: {}\n",
            self.chance.below(9000),
            person(merge),
        )
    }

    fn commit(&mut self, branch: &str, parents: &[usize], message: &str) -> usize {
        self.written += 1;
        let (mark, at) = (self.written, self.clock());
        self.say(&format!(
            "commit refs/heads/{branch}\nmark :{mark}\nauthor {} {at} +0000\ncommitter {} {at} +0000\n\
             data {}\n{message}\n",
            person(mark),
            person(mark * 7),
            message.len()
        ));
        for (index, parent) in parents.iter().enumerate() {
            self.say(&format!("{} :{parent}\n", if index == 0 { "from" } else { "merge" }));
        }
        if parents.is_empty() {
            self.say("M 100644 inline README\ndata 6\nhello\n\n");
        }
        self.say("\n");
        mark
    }

    /// When the newest commit was made.
    fn clock(&self) -> usize {
        DAWN + self.written * 37
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.chance.below(words.len())]
    }

    fn say(&mut self, text: &str) {
        self.out.write_all(text.as_bytes()).expect("git reads");
    }
}

fn person(number: usize) -> String {
    let number = number % 400;
    format!("Dev {number} <dev{number}@example.com>")
}
