//! The files of commits, fetched first where a partial clone left them out.

use std::path::Path;

use git2::{ErrorCode, ObjectType};

use super::error::{Error, Result, Task};
use super::partial;
use super::repo::{Repo, from_git2};
use crate::domain::mailmap::Mailmap;
use crate::domain::name::Oid;

/// Brings the files at the top of a commit: the same bytes may be a file of trunk's that was left out.
///
/// # Errors
/// They cannot be had.
pub(in crate::store) fn bring_entries(repo: &Repo, commit: Oid) -> Result<()> {
    if !repo.is_partial() || !repo.has_object(commit) {
        return Ok(());
    }
    let files: Vec<Oid> = repo.tree_of(commit)?.iter().map(|entry| from_git2(entry.id())).collect();
    partial::bring(repo, &files).map(drop)
}

impl Repo {
    /// The bytes of a file as a commit has it, without any filter. None where the commit has no
    /// such file; a folder, a symbolic link and a submodule are no files.
    pub fn file_at(&self, commit: Oid, path: &str) -> Result<Option<Vec<u8>>> {
        let task = || Task::ReadFile { path: path.to_owned(), commit };
        let tree = self.tree_of(commit)?;
        let entry = match partial::reading(self, || tree.get_path(Path::new(path))) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(task().because(error)),
        };
        if entry.kind() != Some(ObjectType::Blob) || entry.filemode() == 0o120_000 {
            return Ok(None);
        }
        match self.blob(from_git2(entry.id())) {
            Ok(blob) => Ok(Some(blob.content().to_vec())),
            Err(error) if error.code() == ErrorCode::NotFound && self.is_offline() => {
                Err(Error::LeftOut { task: task(), cause: error })
            }
            Err(error) => Err(task().because(error)),
        }
    }

    /// Who is who by the `.mailmap` of a commit, whatever lies in this clone.
    ///
    /// # Errors
    /// git failed.
    pub fn mailmap_at(&self, commit: Oid) -> Result<Mailmap> {
        Ok(Mailmap::of(self.file_at(commit, ".mailmap")?.as_deref()))
    }
}
