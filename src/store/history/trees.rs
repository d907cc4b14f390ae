//! Two trees compared as far as it takes to know whether anything that counts
//! differs: no list is made, and no folder is opened for nothing.

use std::cmp::Ordering;

use crate::domain::name::Oid;
use crate::store::error::{Result, Task};

use super::super::partial;
use super::super::repo::{Repo, from_git2};
use super::commits::Commits;

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
        let rest = data.get(end + 21..)?;
        Some((
            Entry { mode: &data[..blank], name: &data[blank + 1..end], id: &data[end + 1..end + 21] },
            rest,
        ))
    }

    fn is_folder(&self) -> bool {
        self.mode == b"40000"
    }

    fn id(&self) -> Oid {
        Oid::from_bytes(self.id.try_into().expect("it was cut to 20 bytes"))
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
            partial::bring_trees(self.repo, oid)?;
            self.repo.find_commit(oid).map(|commit| from_git2(commit.tree_id()))
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
