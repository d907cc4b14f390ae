//! The readers of this floor that are given what others wrote, for the fuzz
//! targets in `tests/fuzz`. Nothing else names what is here, and a build
//! without the feature `fuzzing` has none of it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use git2::ObjectType;

use super::authority::{self, Authority};
use super::chain::{Body, Entry};
use super::error::{RemoteOp, Result};
use super::git::GitOutput;
use super::ledger::{self, State};
use super::notes::{self, NoteLine, Projection};
use super::repo::{Repo, from_git2, to_git2};
use crate::domain::name::Oid;
use crate::failure::Failure;
use crate::world::World;

/// What is read of one raw commit of a chain.
#[derive(Debug)]
pub struct Read<S: State> {
    /// What it holds.
    pub body: Body,
    /// Its event, where there is one that this version reads.
    pub event: Option<S::Event>,
    /// The state after it, likewise.
    pub state: Option<S>,
}

/// Reads a raw commit of a chain. None where it is not written as git writes one.
pub fn commit<S: State>(raw: &[u8]) -> Option<Read<S>> {
    let entry = Entry::of_raw(Oid::from_bytes([1; Oid::BYTES]), raw)?;
    Some(Read { body: entry.body(), event: ledger::event::<S>(&entry), state: ledger::state(&entry) })
}

/// What `git ls-remote` lists. None where that is not understood.
pub fn tips(listing: &str) -> Option<BTreeMap<String, Oid>> {
    authority::parse_tips(listing)
}

/// What `git push --porcelain` says was rejected, a line each.
pub fn rejections(porcelain: &str) -> String {
    authority::rejections(porcelain)
}

/// Why git failed, by what it said on standard error when it was to read, and when it was to change.
pub fn whys(stderr: &[u8]) -> [Failure; 2] {
    let status = ExitStatus::from_raw(1 << 8);
    let output = GitOutput { status, stdout: Vec::new(), stderr: stderr.to_vec(), silent: None };
    let authority = Authority::Remote("origin".to_owned());
    [RemoteOp::Read, RemoteOp::Change].map(|op| Failure::from(authority.why(op, &output)))
}

/// A repository whose new objects are in memory alone.
pub struct Memory {
    repo: &'static Repo,
    objects: git2::Mempack<'static>,
}

impl Memory {
    /// An empty one, for as long as the process lives.
    pub fn new() -> Memory {
        let dir = tempfile::tempdir().expect("there is room for an empty repository").keep();
        git2::Repository::init_bare(&dir).expect("a repository can be made there");
        let world = World {
            cwd: dir.clone(),
            env: BTreeMap::new(),
            stdin_terminal: false,
            stdout_terminal: false,
            stderr_terminal: false,
        };
        let repo: &'static Repo =
            Box::leak(Box::new(Repo::discover(&world, &dir).expect("what was made can be opened")));
        let odb = Box::leak(Box::new(repo.git2().odb().expect("it has an object store")));
        let objects = odb.add_new_mempack_backend(1000).expect("it takes one more");
        Memory { repo, objects }
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        self.repo
    }

    /// Lets go of what was written.
    pub fn forget(&self) {
        self.objects.reset().expect("memory can be let go of");
    }
}

/// Writes a blob.
///
/// # Errors
/// The object store refuses.
pub fn blob(repo: &Repo, data: &[u8]) -> Result<Oid> {
    repo.put(ObjectType::Blob, data)
}

/// Writes a tree as raw bytes, whether or not it is one.
///
/// # Errors
/// The object store refuses.
pub fn tree(repo: &Repo, data: &[u8]) -> Result<Oid> {
    repo.put(ObjectType::Tree, data)
}

/// The paths in a tree that `rel` wrote, with the blob at each.
pub fn paths(repo: &Repo, tree: Oid) -> Vec<(String, Oid)> {
    let mut paths = Vec::new();
    let tree = repo.git2().find_tree(to_git2(tree)).expect("a tree that was written is there");
    tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() == Some(ObjectType::Blob) {
            let name = String::from_utf8_lossy(entry.name_bytes());
            paths.push((format!("{folder}{name}"), from_git2(entry.id())));
        }
        git2::TreeWalkResult::Ok
    })
    .expect("a tree that was written can be walked");
    paths
}

/// The notes tree that has these lines appended to whatever `tree` holds.
///
/// # Errors
/// `tree` is none, or a line is more than one.
pub fn append(repo: &Repo, tree: Option<Oid>, lines: &[NoteLine]) -> Result<Oid> {
    notes::append(repo, tree, lines)
}

/// Whether a tree is just what these lines come to.
///
/// # Errors
/// `tree` is none.
pub fn is_what_they_come_to(repo: &Repo, tree: Oid, lines: &[NoteLine]) -> Result<bool> {
    let mut projection = Projection::default();
    for NoteLine { commit, line } in lines {
        projection.append(repo, *commit, line);
    }
    Ok(projection.compare(repo, tree)?.is_none())
}
