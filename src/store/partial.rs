//! Objects that a partial clone left out: fetched when they are needed, many
//! at a time, by git, which knows whom to ask. The clone stays partial.

use std::collections::HashSet;

use git2::{Diff, ErrorCode, ObjectType, Oid as Id};

use crate::domain::name::Oid;

use super::error::{During, Result, Task};
use super::git::Git;
use super::repo::{Repo, from_git2, to_git2};

/// How often reading is begun anew, each time with one object more.
const TRIES: usize = 1_000;

/// Reads, in a partial clone as often as it takes to fetch what reading finds missing.
///
/// # Errors
/// What `read` fails with.
pub(in crate::store) fn reading<T>(
    repo: &Repo,
    read: impl Fn() -> std::result::Result<T, git2::Error>,
) -> std::result::Result<T, git2::Error> {
    let mut last = None;
    for _ in 0..TRIES {
        match read() {
            Err(error) if error.code() == ErrorCode::NotFound && repo.is_partial() => {
                let missing = named(error.message()).filter(|id| last != Some(*id));
                let Some(id) = missing else { return Err(error) };
                match bring(repo, &[id]) {
                    Ok(true) => last = missing,
                    Ok(false) => return Err(error),
                    Err(_) => return Err(unavailable()),
                }
            }
            done => return done,
        }
    }
    read()
}

/// For who reads by way of libgit2.
fn unavailable() -> git2::Error {
    git2::Error::from_str("what this partial clone left out cannot be fetched")
}

/// The object that libgit2 says it did not find.
fn named(message: &str) -> Option<Oid> {
    message.split(['(', ')']).find_map(|part| part.parse().ok())
}

/// Brings those of these objects that are missing; one request, none where none is or nobody may be
/// asked. Whether there was anything to bring.
///
/// # Errors
/// They cannot be had.
pub(in crate::store) fn bring(repo: &Repo, objects: &[Oid]) -> Result<bool> {
    let Some(remote) = repo.promisor().filter(|_| !repo.is_offline()) else { return Ok(false) };
    let missing: HashSet<Oid> = objects.iter().copied().filter(|oid| !repo.has_object(*oid)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let list: String = missing.iter().map(|oid| format!("{oid}\n")).collect();
    let output = Git::new(repo)
        .talking()
        // As git itself does: what is missing is no sign of what else is here.
        .set("fetch.negotiationAlgorithm=noop")
        .args(["fetch", "--no-tags", "--refmap=", "--no-write-fetch-head", "--filter=blob:none"])
        .args(["--recurse-submodules=no", "--no-auto-maintenance", "--progress", "--stdin", "--"])
        .arg(remote)
        .stdin(list)
        .run()?;
    if output.status.success() { Ok(true) } else { Err(Task::FetchLeftOut.said(output.said())) }
}

/// Brings the files on both sides of a difference.
///
/// # Errors
/// They cannot be had.
pub(in crate::store) fn bring_files(repo: &Repo, diff: &Diff<'_>) -> std::result::Result<(), git2::Error> {
    if !repo.is_partial() {
        return Ok(());
    }
    let sides = diff
        .deltas()
        .flat_map(|delta| [delta.old_file(), delta.new_file()].map(|file| (file.id(), file.mode())));
    let files: Vec<Oid> = sides
        .filter(|(id, mode)| *id != Id::ZERO_SHA1 && *mode != git2::FileMode::Commit)
        .map(|(id, _)| from_git2(id))
        .collect();
    bring(repo, &files).map(drop).map_err(|_| unavailable())
}

/// The folders and the files of a tree; submodules are neither.
fn entries(tree: &git2::Tree<'_>) -> (Vec<Oid>, Vec<Oid>) {
    let of = |kind: ObjectType| {
        tree.iter().filter(|entry| entry.kind() == Some(kind)).map(|entry| from_git2(entry.id())).collect()
    };
    (of(ObjectType::Tree), of(ObjectType::Blob))
}

impl Repo {
    /// Whether every file of a commit is here. Only in a partial clone one may
    /// not be; nobody is asked for it.
    ///
    /// # Errors
    /// git failed.
    pub fn has_files_of(&self, commit: Oid) -> Result<bool> {
        if !self.is_partial() {
            return Ok(true);
        }
        let (mut trees, mut here) = (vec![self.tree_id_of(commit)?], true);
        while let Some(tree) = trees.pop().filter(|_| here) {
            here = self.has_object(tree);
            if here {
                let tree = self.git2().find_tree(to_git2(tree)).during(Task::ReadTree(tree))?;
                let (folders, files) = entries(&tree);
                here = files.iter().all(|file| self.has_object(*file));
                trees.extend(folders);
            }
        }
        Ok(here)
    }

    /// Brings every file of a commit that a partial clone left out.
    ///
    /// # Errors
    /// They cannot be had.
    pub fn bring_files_of(&self, commit: Oid) -> Result<()> {
        if !self.is_partial() {
            return Ok(());
        }
        let (mut level, mut wanted) = (vec![self.tree_id_of(commit)?], Vec::new());
        while !level.is_empty() {
            bring(self, &level)?;
            let mut below = Vec::new();
            for tree in level {
                let tree = self.git2().find_tree(to_git2(tree)).during(Task::ReadTree(tree))?;
                let (folders, files) = entries(&tree);
                below.extend(folders);
                wanted.extend(files);
            }
            level = below;
        }
        bring(self, &wanted).map(drop)
    }

    /// A blob, brought here if a partial clone left it out.
    pub(in crate::store) fn blob(&self, oid: Oid) -> std::result::Result<git2::Blob<'_>, git2::Error> {
        reading(self, || self.git2().find_blob(to_git2(oid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libgit2_did_not_find_is_read_from_what_it_says() {
        let id = "7af7494bb886d1ed62431682209af9e82dc403a3";
        assert_eq!(named(&format!("object not found - no match for id ({id})")), id.parse().ok());
        assert_eq!(named("object not found"), None);
    }
}
