//! The trees of commits, fetched first where a partial clone left them out. Two
//! trees compared as far as it takes to know whether anything that counts
//! differs: no list is made, and no folder is opened for nothing.

use std::cmp::Ordering;
use std::collections::{HashSet, VecDeque};

use crate::domain::name::Oid;
use crate::store::error::{Error, Result, Task};

use super::super::partial;
use super::super::repo::{Repo, to_git2};
use super::commits::Commits;

/// Trees are brought for this many commits at first, and for twice as many each time after that:
/// whoever asks for one is often on the way through all that come before it.
const FIRST_BATCH: usize = 16;

/// More trees than that are never brought at once.
const MAX_BATCH: usize = 4_096;

/// Brings the tree of a commit, with the folders in it, and with it those of some commits before it.
///
/// # Errors
/// They cannot be had.
fn bring_trees(repo: &Repo, commit: Oid) -> Result<()> {
    if !repo.is_partial() || repo.has_object(repo.tree_id_of(commit)?) {
        return Ok(());
    }
    let most = repo.batch.get().unwrap_or(FIRST_BATCH);
    repo.batch.set(Some((2 * most).min(MAX_BATCH)));
    let (mut seen, mut trees) = (HashSet::from([commit]), Vec::new());
    let mut next = VecDeque::from([commit]);
    while let Some(commit) = next.pop_front().filter(|_| trees.len() < most) {
        trees.push(repo.tree_id_of(commit)?);
        next.extend(
            repo.commits()?.parents_of(repo, commit)?.into_iter().filter(|parent| seen.insert(*parent)),
        );
    }
    partial::bring(repo, &trees).map(drop)
}

impl Repo {
    /// The tree of a commit, brought here if a partial clone left it out.
    ///
    /// # Errors
    /// It cannot be read, or cannot be had.
    pub(in crate::store) fn tree_of(&self, commit: Oid) -> Result<git2::Tree<'_>> {
        let tree = self.tree_id_of(commit)?;
        bring_trees(self, commit)?;
        self.git2().find_tree(to_git2(tree)).map_err(|error| {
            let task = Task::ReadTreeOf(commit);
            if self.is_partial() && self.is_offline() {
                Error::LeftOut { task, cause: error }
            } else {
                task.because(error)
            }
        })
    }
}

/// What is compared, and what counts.
pub(super) struct Compared<'c> {
    pub(super) repo: &'c Repo,
    pub(super) commits: &'c Commits,
    /// Whether a file's path counts.
    pub(super) takes: &'c dyn Fn(&[u8]) -> bool,
    /// Whether anything in a folder may.
    pub(super) may_lie_in: &'c dyn Fn(&[u8]) -> bool,
}

/// One line of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry<'t> {
    mode: &'t [u8],
    name: &'t [u8],
    id: &'t [u8],
}

impl<'t> Entry<'t> {
    /// The first line, and the rest. None at the end, or where it is no tree.
    fn first(data: &'t [u8]) -> Option<(Entry<'t>, &'t [u8])> {
        let blank = data.iter().position(|byte| *byte == b' ')?;
        let end = blank + data[blank..].iter().position(|byte| *byte == 0)?;
        let (id, rest) = data[end + 1..].split_at_checked(Oid::BYTES)?;
        Some((Entry { mode: &data[..blank], name: &data[blank + 1..end], id }, rest))
    }

    fn is_folder(&self) -> bool {
        self.mode == b"40000"
    }

    fn id(&self) -> Oid {
        Oid::from_slice(self.id).expect("it was cut to the length of an id")
    }

    /// The order of trees: a folder's name ends in a slash.
    fn cmp(&self, other: &Entry<'_>) -> Ordering {
        let key = |entry: &Entry<'_>| entry.is_folder().then_some(b'/');
        self.name.iter().copied().chain(key(self)).cmp(other.name.iter().copied().chain(key(other)))
    }
}

impl Compared<'_> {
    /// Whether something that counts differs between a commit and its parent,
    /// or is in a commit without one.
    pub(super) fn differ(&self, parent: Option<Oid>, commit: Oid) -> Result<bool> {
        let tree = |oid: Oid| {
            bring_trees(self.repo, oid)?;
            self.repo.tree_id_of(oid)
        };
        self.trees(parent.map(tree).transpose()?, Some(tree(commit)?), &mut Vec::new())
    }

    fn trees(&self, old: Option<Oid>, new: Option<Oid>, path: &mut Vec<u8>) -> Result<bool> {
        if old == new {
            return Ok(false);
        }
        let read = |tree: Option<Oid>| tree.map(|tree| self.commits.tree(self.repo, tree)).transpose();
        let (old, new) = (read(old)?, read(new)?);
        let (mut old, mut new) = (old.as_deref().unwrap_or_default(), new.as_deref().unwrap_or_default());
        loop {
            let (before, after) = (Entry::first(old), Entry::first(new));
            if before.is_none() && !old.is_empty() || after.is_none() && !new.is_empty() {
                let folder = String::from_utf8_lossy(path).into_owned();
                return Err(Task::ParseFolder(folder).failed());
            }
            let (before, after) = match (before, after) {
                (None, None) => return Ok(false),
                (Some((before, rest)), None) => {
                    old = rest;
                    (Some(before), None)
                }
                (None, Some((after, rest))) => {
                    new = rest;
                    (None, Some(after))
                }
                (Some((before, rest_old)), Some((after, rest_new))) => match before.cmp(&after) {
                    Ordering::Less => {
                        old = rest_old;
                        (Some(before), None)
                    }
                    Ordering::Greater => {
                        new = rest_new;
                        (None, Some(after))
                    }
                    Ordering::Equal => {
                        (old, new) = (rest_old, rest_new);
                        if before == after {
                            continue;
                        }
                        (Some(before), Some(after))
                    }
                },
            };
            if self.entry_counts(before, after, path)? {
                return Ok(true);
            }
        }
    }

    /// Whether what differs between these two, of one name and kind, counts.
    fn entry_counts(
        &self,
        before: Option<Entry<'_>>,
        after: Option<Entry<'_>>,
        path: &mut Vec<u8>,
    ) -> Result<bool> {
        let Some(either) = before.or(after) else { return Ok(false) };
        let length = path.len();
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(either.name);
        let counts = if !either.is_folder() {
            Ok((self.takes)(path))
        } else if (self.may_lie_in)(path) {
            self.trees(before.map(|entry| entry.id()), after.map(|entry| entry.id()), path)
        } else {
            Ok(false)
        };
        path.truncate(length);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::range;
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn trees_are_brought_many_at_a_time_and_files_not_at_all() {
        let sandbox = Sandbox::new();
        for n in 0..40 {
            sandbox.commit("work", &format!("dir/{n}"), "x\n", "another");
        }
        sandbox.git("work", &["push", "-q", "origin", "main"]);
        sandbox.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", sandbox.path("remote.git").display());
        sandbox.git(".", &["clone", "-q", "--filter=tree:0", "--no-checkout", &url, "partial"]);
        let repo = sandbox.open("partial");
        let tip = repo.resolve_commit("HEAD").unwrap().unwrap();
        let commits = range(&repo, &[], tip).unwrap();
        let here = |commit: &Oid| repo.has_object(repo.tree_id_of(*commit).unwrap());
        assert!(!commits.iter().any(here));
        assert!(repo.tree_of(tip).unwrap().get_path("dir/39".as_ref()).is_ok());
        assert_eq!(commits.iter().filter(|commit| here(commit)).count(), FIRST_BATCH);
        repo.tree_of(commits[FIRST_BATCH]).unwrap();
        assert_eq!(commits.iter().filter(|commit| here(commit)).count(), commits.len());
        assert_eq!(repo.file_at(tip, "dir/39").unwrap().as_deref(), Some(&b"x\n"[..]));
        assert!(repo.promisor().is_some(), "it stays partial");
    }

    #[test]
    fn nobody_is_asked_offline() {
        let sandbox = Sandbox::new();
        sandbox.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", sandbox.path("remote.git").display());
        sandbox.git(".", &["clone", "-q", "--filter=tree:0", "--no-checkout", &url, "partial"]);
        let repo = sandbox.open("partial");
        let tip = repo.resolve_commit("HEAD").unwrap().unwrap();
        repo.stay_offline();
        assert!(repo.file_at(tip, "README").is_err());
        assert!(!repo.has_object(repo.tree_id_of(tip).unwrap()));
    }
}
