//! What is asked of `rel`, what of git, and how much more the first may cost.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::records::PROJECT;
use crate::repository::{Graph, Repository};
use crate::surroundings::{Surroundings, say};

/// One question, put to both.
pub struct Row {
    /// What is measured.
    pub name: &'static str,
    /// The words after `rel`.
    pub rel: Vec<String>,
    /// The words after `git`.
    pub git: Vec<String>,
    /// How many times git's time is allowed.
    pub limit: f64,
}

/// Where on the history questions are asked, found out by plain git.
pub struct Spots<'a> {
    /// What commands run in.
    pub around: &'a Surroundings,
    /// The clone.
    pub clone: PathBuf,
    /// The environments with the commits live there, in the policy's order.
    pub live: Vec<(String, String)>,
    /// An older commit of trunk, a third of the way back.
    pub third: String,
    /// A commit deep in trunk's first-parent line.
    pub deep: String,
    /// The newest candidate's tag.
    pub newest: String,
    /// The newest release's own tag.
    pub released: String,
}

impl<'a> Spots<'a> {
    /// Looks for them in a clone.
    pub fn find(repository: &'a Repository, graph: Graph) -> Spots<'a> {
        let (around, clone) = (&repository.around, repository.clone_with(graph));
        let commits = repository.size.commits;
        let status = document(around, &clone, &["status"]);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let environments = status["environments"].as_array().expect("a list");
        let live =
            environments.iter().map(|one| (text(&one["name"]), text(&one["current"]["commit"]))).collect();
        let skip = format!("--skip={}", commits * 4 / 15);
        let third = around.ask_git(&clone, &["rev-list", "-n", "1", "--no-merges", &skip, "origin/main"]);
        let deep = around.ask_git(&clone, &["rev-parse", &format!("origin/main~{}", commits / 20)]);
        let tags = around.ask_git(&clone, &["tag", "--list", "--sort=-v:refname"]);
        let tag = |rc: bool| tags.lines().find(|tag| tag.contains("-rc.") == rc).expect("a tag").to_owned();
        Spots { around, live, third, deep, newest: tag(true), released: tag(false), clone }
    }

    /// The rows of the table, with what each may cost.
    pub fn rows(&self, graph: Graph) -> Vec<Row> {
        let prod = &self.live.last().expect("there are environments").1;
        let limit = |with: f64, without: f64| if graph == Graph::None { without } else { with };
        vec![
            Row {
                name: "status",
                rel: words(&["status", "--offline"]),
                git: words(&["rev-list", "--count", &format!("{prod}..origin/main")]),
                limit: limit(1.5, 1.3),
            },
            Row {
                name: "where",
                rel: words(&["where", &self.third, "--offline"]),
                git: words(&["tag", "--contains", &self.third]),
                limit: limit(0.3, 1.2),
            },
            Row {
                name: "list",
                rel: words(&["list", "--offline"]),
                git: words(&[
                    "for-each-ref",
                    "--format=%(refname:short) %(taggerdate:iso) %(objectname:short)",
                    "refs/tags",
                ]),
                limit: limit(1.0, 1.0),
            },
            Row {
                name: "trunk check",
                rel: words(&["cut", &self.deep, "--dry-run", "--offline"]),
                git: words(&["rev-list", "--first-parent", "--count", "main"]),
                limit: limit(0.7, 1.3),
            },
            Row {
                name: "log",
                rel: words(&["log", "prod", "--offline"]),
                git: words(&["log", "-n", "15", &self.chain("prod")]),
                limit: limit(1.5, 1.5),
            },
            Row {
                name: "changelog",
                rel: words(&["changelog", &self.newest, "--offline"]),
                git: words(&["log", &format!("{}..{}", self.released, self.newest)]),
                limit: limit(1.3, 1.5),
            },
        ]
    }

    /// The ref of an environment's chain.
    pub fn chain(&self, environment: &str) -> String {
        format!("refs/notes/rel/{PROJECT}/env/{environment}")
    }

    /// The document that `rel` prints, asking nobody.
    pub fn document(&self, words: &[&str]) -> Value {
        document(self.around, &self.clone, words)
    }

    /// What git prints.
    pub fn git(&self, words: &[&str]) -> String {
        self.around.ask_git(&self.clone, words)
    }
}

fn document(around: &Surroundings, clone: &Path, words: &[&str]) -> Value {
    let said = say(around.rel(clone, &[words, &["--offline", "--json"]].concat()));
    serde_json::from_str(&said.stdout).unwrap_or_default()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
