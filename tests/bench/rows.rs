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
    /// The same where nothing is kept beside the clone yet. `None` if no figure is promised: the
    /// row is shown, and not judged.
    pub cold: Option<f64>,
}

/// Where on the history questions are asked, found out by plain git.
pub struct Spots<'a> {
    /// What commands run in.
    pub around: &'a Surroundings,
    /// The clone.
    pub clone: PathBuf,
    /// The project.
    pub project: &'static str,
    /// Trunk, as git knows it there.
    pub trunk: &'static str,
    /// The environments with the commits live there, in the policy's order.
    pub live: Vec<(String, String)>,
    /// An older commit of trunk.
    pub third: String,
}

impl<'a> Spots<'a> {
    /// Looks for them in a clone; the older commit is a third of the way back.
    pub fn find(repository: &'a Repository, graph: Graph) -> Spots<'a> {
        let (around, clone, trunk) = (&repository.around, repository.clone_with(graph), "origin/main");
        let live = environments(&document(around, &clone, &["status"]));
        let skip = format!("--skip={}", repository.size.commits * 4 / 15);
        let third = around.ask_git(&clone, &["rev-list", "-n", "1", "--no-merges", &skip, trunk]);
        Spots { around, clone, project: PROJECT, trunk, live, third }
    }

    /// A commit deep in trunk's first-parent line that is no candidate yet.
    pub fn deep(&self) -> String {
        let made = self.git(&["for-each-ref", "--format=%(*objectname)", "refs/tags"]);
        let commits: usize = self.git(&["rev-list", "--count", self.trunk]).parse().expect("a number");
        let skip = format!("--skip={}", commits / 20);
        let line = self.git(&["rev-list", "--first-parent", "-n", "9", &skip, self.trunk]);
        let new = |commit: &&str| !made.lines().any(|other| other == *commit);
        line.lines().find(new).expect("not every commit is a candidate").to_owned()
    }

    /// The newest candidate's tag.
    pub fn newest(&self) -> String {
        self.tag(true)
    }

    /// The newest release's own tag.
    pub fn released(&self) -> String {
        self.tag(false)
    }

    fn tag(&self, rc: bool) -> String {
        let tags = self.git(&["tag", "--list", "--sort=-v:refname"]);
        tags.lines().find(|tag| tag.contains("-rc.") == rc).expect("a tag").to_owned()
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
                cold: None,
            },
            Row {
                name: "where",
                rel: words(&["where", &self.third, "--offline"]),
                git: words(&["tag", "--contains", &self.third]),
                limit: limit(0.3, 1.2),
                cold: None,
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
                cold: None,
            },
            Row {
                name: "trunk check",
                rel: words(&["cut", &self.deep(), "--dry-run", "--offline"]),
                git: words(&["rev-list", "--first-parent", "--count", "main"]),
                limit: limit(0.7, 1.3),
                cold: None,
            },
            Row {
                name: "log",
                rel: words(&["log", "prod", "--offline"]),
                git: words(&["log", "-n", "15", &self.chain("prod")]),
                limit: limit(1.5, 1.5),
                cold: None,
            },
            Row {
                name: "changelog",
                rel: words(&["changelog", &self.newest(), "--offline"]),
                git: words(&["log", &format!("{}..{}", self.released(), self.newest())]),
                limit: limit(1.3, 1.5),
                cold: None,
            },
        ]
    }

    /// The ref of an environment's chain.
    pub fn chain(&self, environment: &str) -> String {
        format!("refs/notes/rel/{}/env/{environment}", self.project)
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

/// The document that `rel` prints in a clone, asking nobody.
pub fn document(around: &Surroundings, clone: &Path, words: &[&str]) -> Value {
    let said = say(around.rel(clone, &[words, &["--offline", "--json"]].concat()));
    serde_json::from_str(&said.stdout).unwrap_or_default()
}

/// The environments of a status, with the commits live there.
pub fn environments(status: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let environments = status["environments"].as_array().expect("a list");
    environments.iter().map(|one| (text(&one["name"]), text(&one["current"]["commit"]))).collect()
}

/// Words of one's own.
pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
