//! Commits as a graph: who is whose parent, and in which order to meet them.
//!
//! Read from the commit-graph where there is one, and from the object store
//! for what is newer. Replace refs, grafts and the edge of a shallow clone
//! change who is whose parent; where there is any, git itself puts the
//! commit-graph aside, and so does this.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::domain::name::Oid;
use crate::store::error::{During, Result, Task};

use super::super::partial;
use super::super::repo::{Repo, to_git2};
use super::graph::Graph;

/// A commit, by a number that is small, dense, and good for one [`Commits`].
pub(super) type Node = u32;

/// The commits of one repository, read as far as was asked.
#[derive(Debug)]
pub(in crate::store) struct Commits {
    graph: Option<Graph>,
    rewritten: Rewritten,
    outside: RefCell<Outside>,
    /// The last few trees that were read, as they are stored.
    trees: RefCell<HashMap<Oid, Rc<[u8]>>>,
}

/// How many trees are kept: what a commit has is what the next one is compared with.
const TREES: usize = 64;

/// Commits that the commit-graph does not have; they are numbered after its own.
#[derive(Debug, Default)]
struct Outside {
    nodes: HashMap<Oid, Node>,
    commits: Vec<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    id: Oid,
    parents: Vec<Node>,
    /// The committer's clock.
    time: u64,
    /// Above that of every parent, where there is a graph to count on from.
    generation: u64,
    /// Whether the object was read; before that only its id is known.
    read: bool,
}

/// What says otherwise than the commits themselves.
#[derive(Debug, Default)]
struct Rewritten {
    /// Commits whose parents are said elsewhere: in `shallow` (none) or `info/grafts`.
    parents: HashMap<Oid, Vec<Oid>>,
    /// Commits that stand for others, by `refs/replace`.
    replaced: HashMap<Oid, Oid>,
}

impl Repo {
    /// Its commits as a graph, opened when it is first asked about.
    pub(in crate::store) fn commits(&self) -> Result<&Commits> {
        self.remember(|| Commits::open(self))
    }
}

impl Commits {
    /// Looks for a commit-graph and for what forbids it.
    fn open(repo: &Repo) -> Result<Commits> {
        let rewritten = Rewritten::read(repo)?;
        let wanted = repo.config("core.commitGraph");
        let wanted = wanted.is_none_or(|value| git2::Config::parse_bool(&*value) != Ok(false));
        let graph = if wanted && rewritten.is_empty() {
            repo.object_directories().iter().find_map(|objects| Graph::open(objects))
        } else {
            None
        };
        Ok(Commits { graph, rewritten, outside: RefCell::default(), trees: RefCell::default() })
    }

    /// Whether anything says otherwise than the commits themselves.
    pub(super) fn is_rewritten(&self) -> bool {
        !self.rewritten.is_empty()
    }

    /// Whether every child's order is above that of its parents. Without a
    /// graph the order is the committer's clock, which may lie.
    pub(super) fn is_exact(&self) -> bool {
        self.graph.is_some()
    }

    /// Whether going by the order meets newer commits first.
    pub(super) fn is_by_date(&self) -> bool {
        self.graph.as_ref().is_some_and(Graph::is_dated)
    }

    /// How many commits are numbered for sure; later ones are numbered as they are met.
    pub(super) fn numbered(&self) -> usize {
        self.first_outside() as usize
    }

    fn first_outside(&self) -> Node {
        self.graph.as_ref().map_or(0, Graph::len)
    }

    /// A tree as it is stored; see gitformat-pack(5) and `git ls-tree`.
    pub(super) fn tree(&self, repo: &Repo, tree: Oid) -> Result<Rc<[u8]>> {
        if let Some(known) = self.trees.borrow().get(&tree) {
            return Ok(Rc::clone(known));
        }
        let odb = repo.git2().odb().during(Task::OpenObjects)?;
        let object = partial::reading(repo, || odb.read(to_git2(tree))).during(Task::ReadTree(tree))?;
        let bytes: Rc<[u8]> = object.data().into();
        let mut trees = self.trees.borrow_mut();
        if trees.len() >= TREES {
            trees.clear();
        }
        trees.insert(tree, Rc::clone(&bytes));
        Ok(bytes)
    }

    /// Whether the commit-graph has this commit.
    pub(super) fn is_listed(&self, commit: Oid) -> bool {
        self.graph.as_ref().is_some_and(|graph| graph.find(commit).is_some())
    }

    /// Whether a commit is in this clone.
    pub(super) fn has(&self, repo: &Repo, commit: Oid) -> bool {
        self.is_listed(commit) || repo.has_object(commit)
    }

    /// A commit's number.
    ///
    /// # Errors
    /// It is not in this clone.
    pub(super) fn node(&self, repo: &Repo, commit: Oid) -> Result<Node> {
        if let Some(position) = self.graph.as_ref().and_then(|graph| graph.find(commit)) {
            return Ok(position);
        }
        repo.check_loose(commit)?;
        let node = self.outside.borrow_mut().number(self.first_outside(), commit);
        self.load(repo, node)?;
        Ok(node)
    }

    /// Which commit a number is.
    pub(super) fn id(&self, node: Node) -> Oid {
        match (&self.graph, node.checked_sub(self.first_outside())) {
            (Some(graph), None) => graph.id(node),
            (_, index) => self.outside.borrow().commits[index.unwrap_or(node) as usize].id,
        }
    }

    /// What to walk by, the largest first.
    pub(super) fn order(&self, repo: &Repo, node: Node) -> Result<u64> {
        match (&self.graph, node.checked_sub(self.first_outside())) {
            (Some(graph), None) => Ok(graph.generation(node)),
            (graph, index) => {
                self.load(repo, node)?;
                let outside = self.outside.borrow();
                let commit = &outside.commits[index.unwrap_or(node) as usize];
                Ok(if graph.is_some() { commit.generation } else { commit.time })
            }
        }
    }

    /// Appends a commit's parents, first parent first.
    ///
    /// # Errors
    /// The commit is not in this clone.
    pub(super) fn parents(&self, repo: &Repo, node: Node, into: &mut Vec<Node>) -> Result<()> {
        self.parents_above(repo, node, 0, into).map(drop)
    }

    /// A commit's parents, first parent first, as git sees them here.
    pub(super) fn parents_of(&self, repo: &Repo, commit: Oid) -> Result<Vec<Oid>> {
        let mut found = Vec::new();
        self.parents(repo, self.node(repo, commit)?, &mut found)?;
        Ok(found.into_iter().map(|node| self.id(node)).collect())
    }

    /// The same if the commit's order is above `floor`; whether it is.
    ///
    /// # Errors
    /// The commit is not in this clone.
    pub(super) fn parents_above(
        &self,
        repo: &Repo,
        node: Node,
        floor: u64,
        into: &mut Vec<Node>,
    ) -> Result<bool> {
        match (&self.graph, node.checked_sub(self.first_outside())) {
            (Some(graph), None) => graph.parents_above(node, floor, into),
            (_, index) => {
                if floor > 0 && self.order(repo, node)? <= floor {
                    return Ok(false);
                }
                self.load(repo, node)?;
                let outside = self.outside.borrow();
                into.extend_from_slice(&outside.commits[index.unwrap_or(node) as usize].parents);
                Ok(true)
            }
        }
    }

    /// Reads a commit outside the graph, and where there is one everything
    /// down to it: the generation of a commit counts on from its parents'.
    fn load(&self, repo: &Repo, node: Node) -> Result<()> {
        let first = self.first_outside();
        if self.outside.borrow().commits[(node - first) as usize].read {
            return Ok(());
        }
        let Some(graph) = &self.graph else {
            return self.read(repo, node, None);
        };
        // Depth first: a commit is done when its parents are.
        let mut open = vec![node];
        while let Some(&top) = open.last() {
            let index = (top - first) as usize;
            if !self.outside.borrow().commits[index].read {
                self.read(repo, top, Some(graph))?;
            }
            let mut outside = self.outside.borrow_mut();
            let commit = &outside.commits[index];
            let unread = |parent: &&Node| {
                parent.checked_sub(first).is_some_and(|at| outside.commits[at as usize].generation == 0)
            };
            if let Some(&parent) = commit.parents.iter().find(unread) {
                open.push(parent);
                continue;
            }
            let above = commit.parents.iter().map(|&parent| match parent.checked_sub(first) {
                None => graph.generation(parent) + 1,
                Some(at) => outside.commits[at as usize].generation + 1,
            });
            let least = if graph.is_dated() { commit.time.max(1) } else { 1 };
            let generation = above.max().unwrap_or(0).max(least);
            outside.commits[index].generation = generation;
            open.pop();
        }
        Ok(())
    }

    fn read(&self, repo: &Repo, node: Node, graph: Option<&Graph>) -> Result<()> {
        let first = self.first_outside();
        let index = (node - first) as usize;
        let id = self.outside.borrow().commits[index].id;
        let stands_for = self.rewritten.replaced.get(&id).copied().unwrap_or(id);
        let header = repo.read_commit(stands_for, header)?;
        let (mut parents, time) = header.ok_or_else(|| Task::ParseCommit(stands_for).failed())?;
        if let Some(said) = self.rewritten.parents.get(&id) {
            parents.clone_from(said);
        }
        let mut outside = self.outside.borrow_mut();
        let numbers = parents
            .iter()
            .map(|parent| {
                let known = graph.and_then(|graph| graph.find(*parent));
                known.unwrap_or_else(|| outside.number(first, *parent))
            })
            .collect();
        let commit = &mut outside.commits[index];
        (commit.parents, commit.time, commit.read) = (numbers, time, true);
        Ok(())
    }
}

impl Outside {
    fn number(&mut self, first: Node, id: Oid) -> Node {
        let next = first + u32::try_from(self.commits.len()).expect("no repository has 2^32 commits");
        let node = *self.nodes.entry(id).or_insert(next);
        if node == next {
            self.commits.push(Loaded { id, parents: Vec::new(), time: 0, generation: 0, read: false });
        }
        node
    }
}

impl Rewritten {
    fn is_empty(&self) -> bool {
        self.parents.is_empty() && self.replaced.is_empty()
    }

    fn read(repo: &Repo) -> Result<Rewritten> {
        let mut rewritten = Rewritten::default();
        let lines = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        // Each line is a commit and the parents it is to have (gitrepository-layout(5)).
        for line in lines(repo.common_dir().join("info/grafts")).lines() {
            let ids: Option<Vec<Oid>> = line.split_whitespace().map(|id| id.parse().ok()).collect();
            if let Some((commit, parents)) = ids.as_deref().and_then(<[Oid]>::split_first) {
                rewritten.parents.insert(*commit, parents.to_vec());
            }
        }
        rewritten.parents.extend(repo.shallow_edges().into_iter().map(|edge| (edge, Vec::new())));
        let off = repo.world().var("GIT_NO_REPLACE_OBJECTS").is_some()
            || repo
                .config("core.useReplaceRefs")
                .is_some_and(|value| git2::Config::parse_bool(&*value) == Ok(false));
        let base = repo.world().var("GIT_REPLACE_REF_BASE").unwrap_or("refs/replace/").to_owned();
        if !off {
            for (name, target) in repo.refs_under(&base)? {
                if let Some(id) = name.strip_prefix(&base).and_then(|id| id.parse().ok()) {
                    rewritten.replaced.insert(id, target);
                }
            }
        }
        Ok(rewritten)
    }
}

/// The parents and the committer's clock of a raw commit. None where it is
/// not written as one.
fn header(data: &[u8]) -> Option<(Vec<Oid>, u64)> {
    let mut parents = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Some(parent) = line.strip_prefix(b"parent ") {
            parents.push(std::str::from_utf8(parent).ok()?.parse().ok()?);
        } else if let Some(committer) = line.strip_prefix(b"committer ") {
            // Anything may stand in a name but `>`; dates before 1970, and what is no date, count as 0.
            let after = committer.rsplit(|byte| *byte == b'>').next().unwrap_or_default();
            let time = std::str::from_utf8(after)
                .ok()
                .and_then(|text| text.split_whitespace().next().and_then(|seconds| seconds.parse().ok()));
            return Some((parents, time.unwrap_or(0)));
        } else if line.is_empty() {
            break;
        }
    }
    Some((parents, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_commits_are_read_as_git_reads_them() {
        let a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let read = |text: &str| header(text.as_bytes()).map(|(parents, time)| (parents.len(), time));
        let text = |rest: &str| format!("tree {a}\nparent {a}\nparent {a}\nauthor x <x> 1 +0000\n{rest}");
        assert_eq!(read(&text("committer a > b <c> 17 +0000\n\nparent x\n")), Some((2, 17)));
        assert_eq!(read(&text("committer a <c> -5 +0000\n")), Some((2, 0)));
        assert_eq!(read(&text("committer a <c>\n")), Some((2, 0)));
        assert_eq!(read(&text("\nno committer\n")), Some((2, 0)));
        assert_eq!(read(&format!("tree {a}\nparent xyz\n")), None);
    }
}
