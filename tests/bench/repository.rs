//! The repository that is looked at: an origin, and clones of it as users
//! have them, with a commit-graph and without. Made once and kept.

use std::fs;
use std::path::{Path, PathBuf};

use rel::store::repo::Repo;

use crate::records;
use crate::surroundings::{Surroundings, say};
use crate::trunk::Growing;

/// Goes up when what is made changes; repositories of another number are made anew.
const EDITION: u32 = 1;

/// How large it is.
#[derive(Clone, Copy)]
pub struct Size {
    /// Commits of trunk.
    pub commits: usize,
    /// Candidates, each a tag.
    pub candidates: usize,
}

/// The graph that a clone has of its commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// In one file, all commits, as `git gc` writes it.
    Whole,
    /// In layers, as fetches write it, and none for the newest commits.
    Split,
    /// None, and told to use none.
    None,
}

impl Graph {
    /// All of them.
    pub const ALL: [Graph; 3] = [Graph::Whole, Graph::Split, Graph::None];

    /// What people call it.
    pub fn text(self) -> &'static str {
        match self {
            Graph::Whole => "with a commit-graph",
            Graph::Split => "with a commit-graph in layers, older than the newest commits",
            Graph::None => "without a commit-graph",
        }
    }

    /// The folder of the clone that has it.
    pub fn folder(self) -> &'static str {
        match self {
            Graph::Whole => "whole",
            Graph::Split => "split",
            Graph::None => "none",
        }
    }
}

/// The repository, made.
pub struct Repository {
    /// What commands run in.
    pub around: Surroundings,
    /// How large it is.
    pub size: Size,
}

impl Repository {
    /// The repository of this size in this folder, made unless it is there; made in any case if
    /// `anew`.
    pub fn kept_in(folder: &Path, size: Size, anew: bool) -> Repository {
        let name = format!("looking-{EDITION}-{}", size.commits);
        Repository { around: kept(folder, &name, anew, |around| make(around, size)), size }
    }

    /// The clone that has this graph.
    pub fn clone_with(&self, graph: Graph) -> PathBuf {
        self.around.at(graph.folder())
    }
}

/// What `make` makes, in a folder of this name, unless it is there; in any case if `anew`.
pub fn kept(folder: &Path, name: &str, anew: bool, make: impl FnOnce(&Surroundings)) -> Surroundings {
    let (whole, half) = (folder.join(name), folder.join(format!("{name}.half")));
    if anew {
        let _ = fs::remove_dir_all(&whole);
    }
    if !whole.exists() {
        let _ = fs::remove_dir_all(&half);
        make(&Surroundings::of(&half));
        fs::rename(&half, &whole).expect("a folder under target/");
    }
    Surroundings::of(&whole)
}

fn make(around: &Surroundings, size: Size) {
    let origin = around.at("origin.git");
    around.ask_git(&around.at("."), &["init", "--quiet", "--bare", "origin.git"]);
    let mut growing = Growing::trunk(around, &origin, records::RELEASE_TOML, size.commits);
    let planned = records::plan(&mut growing, size.candidates);
    let tip = growing.steps().last().expect("a trunk has a commit").position;
    let id = growing.finish(&origin);
    let repo = Repo::discover(&around.world(), &origin).expect("git made it");
    let refs = records::write(&repo, &planned, tip, &id).expect("the library takes its own records");
    let refs: String = refs.iter().map(|(name, oid)| format!("create {name} {oid}\n")).collect();
    around.tell_git(&origin, &["update-ref", "--stdin"], &refs);
    around.ask_git(&origin, &["pack-refs", "--all"]);
    around.ask_git(&origin, &["repack", "-adfq"]);

    let first = around.at(Graph::None.folder());
    around.ask_git(&around.at("."), &["clone", "--quiet", "origin.git", Graph::None.folder()]);
    // Brings trunk, chains and tags here, as a user's first look does.
    let looked = say(around.rel(&first, &["status"]));
    assert_eq!(looked.code, Some(0), "rel status: {}", looked.stderr);
    around.ask_git(&first, &["pack-refs", "--all"]);
    around.ask_git(&first, &["repack", "-adq"]);
    for graph in [Graph::Whole, Graph::Split] {
        copy(&first, &around.at(graph.folder()));
    }
    around.ask_git(&first, &["config", "core.commitGraph", "false"]);
    around.ask_git(&around.at(Graph::Whole.folder()), &["commit-graph", "write", "--reachable"]);
    layers(around, &around.at(Graph::Split.folder()), size);
}

/// Writes a graph in three layers that ends before the newest commits.
fn layers(around: &Surroundings, clone: &Path, size: Size) {
    for back in [size.commits / 5, size.commits / 50, size.commits / 500] {
        let tip = around.ask_git(clone, &["rev-list", "-n", "1", &format!("--skip={back}"), "origin/main"]);
        let write = ["commit-graph", "write", "--split=no-merge", "--stdin-commits"];
        around.tell_git(clone, &write, &format!("{tip}\n"));
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder under target/");
    for entry in fs::read_dir(from).expect("it was made") {
        let entry = entry.expect("it can be read");
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).expect("there is space");
        }
    }
}
