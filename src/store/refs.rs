//! Reading refs, loose and packed: the one place where a ref's storage is read. Thousands of tags
//! are looked through for every answer about them, so that nothing is read of the others.

use std::fmt::Display;

use gix_hash::Kind as Hash;
use gix_ref::file::Store;
use gix_ref::file::find::ReferenceDecode;
use gix_ref::{FullNameRef, Target, TargetRef};

use super::error::{Error, Result, Task};
use super::repo::Repo;
use crate::domain::name::{Oid, ProjectName};
use crate::domain::ref_name::{self, ArtifactsRef, BranchRef, ChainRef, TagRef};

/// A ref: its full name, what it holds, and what a tag there is on, where the
/// packed refs say so and nobody has to open it.
pub type Listed = (String, Oid, Option<Oid>);

/// How many symbolic refs are followed, each to the next, as git does.
const MAX_SYMBOLIC: usize = 5;

impl Repo {
    /// What a ref of this repository points to: a tag's own object, not the commit behind it.
    /// Follows a symbolic ref. `None` if there is no such ref.
    ///
    /// # Errors
    /// The name is no full ref name, or the ref cannot be read.
    pub fn ref_target(&self, full_ref: impl AsRef<str>) -> Result<Option<Oid>> {
        let (store, full_ref) = (self.refs(), full_ref.as_ref());
        let mut name = full_ref.to_owned();
        for _ in 0..=MAX_SYMBOLIC {
            match self.find_ref(&store, &name)? {
                None => return Ok(None),
                Some(Target::Object(id)) => return Ok(Oid::from_slice(id.as_bytes())),
                Some(Target::Symbolic(next)) => name = next.to_string(),
            }
        }
        Err(Task::ReadRef(full_ref.to_owned()).said("it leads from one symbolic ref to the next".to_owned()))
    }

    /// The branch HEAD is on, born or not. `None` when detached.
    pub fn head_branch(&self) -> Option<String> {
        let head = self.symbolic_target("HEAD")?;
        BranchRef::parse(&head).map(|head| head.short().to_owned())
    }

    /// The branch that a remote's HEAD was on when it was last asked; `None` if this clone does not
    /// know.
    pub fn remote_head_branch(&self, remote: &str) -> Option<String> {
        let folder = ref_name::remote_branches(remote);
        let head = self.symbolic_target(&format!("{folder}HEAD"))?;
        head.strip_prefix(&folder).map(str::to_owned)
    }

    fn symbolic_target(&self, name: &str) -> Option<String> {
        match self.find_ref(&self.refs(), name).ok()?? {
            Target::Symbolic(name) => Some(name.to_string()),
            Target::Object(_) => None,
        }
    }

    /// Every ref whose name begins with `prefix`, with what it points to, by name. Symbolic refs
    /// and names that are not UTF-8 are left out.
    pub fn refs_under(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        let refs = self.peeled_refs_under(prefix)?;
        Ok(refs.into_iter().map(|(name, target, _)| (name, target)).collect())
    }

    /// Every ref below the folder of a project's chains.
    pub fn chains(&self, project: &ProjectName) -> Result<Vec<(ChainRef, Oid)>> {
        self.named(&ChainRef::folder(project), ChainRef::parse)
    }

    /// Every branch.
    pub fn branches(&self) -> Result<Vec<(BranchRef, Oid)>> {
        self.named(BranchRef::FOLDER, BranchRef::parse)
    }

    /// Every tag, as this repository has them.
    pub fn tags(&self) -> Result<Vec<(TagRef, Oid)>> {
        self.named(TagRef::FOLDER, TagRef::parse)
    }

    /// Every ref that keeps a project's artifacts.
    pub fn artifacts(&self, project: &ProjectName) -> Result<Vec<(ArtifactsRef, Oid)>> {
        self.named(&ArtifactsRef::folder(project), ArtifactsRef::parse)
    }

    fn named<T>(&self, folder: &str, parse: fn(&str) -> Option<T>) -> Result<Vec<(T, Oid)>> {
        let refs = self.refs_under(folder)?;
        Ok(refs.into_iter().filter_map(|(name, target)| Some((parse(&name)?, target))).collect())
    }

    /// The same with what each tag is on, as far as that is known.
    pub fn peeled_refs_under(&self, prefix: &str) -> Result<Vec<Listed>> {
        let store = self.refs();
        let all = store.iter().map_err(|error| failed(prefix, error))?;
        let under = prefix.try_into().map_err(|error| failed(prefix, error))?;
        let mut found = Vec::new();
        for reference in all.prefixed(under).map_err(|error| failed(prefix, error))? {
            let reference = reference.map_err(|error| match error.downcast_any_ref::<ReferenceDecode>() {
                Some(damaged) => self.damaged_ref(damaged),
                None => failed(prefix, error),
            })?;
            let target = match reference.target.to_ref() {
                TargetRef::Object(id) => Oid::from_slice(id.as_bytes()),
                TargetRef::Symbolic(_) => None,
            };
            let name = std::str::from_utf8(reference.name.as_bstr()).ok();
            if let (Some(name), Some(target)) = (name, target) {
                let peeled = reference.peeled.and_then(|id| Oid::from_slice(id.as_bytes()));
                found.push((name.to_owned(), target, peeled));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Looks afresh at what other processes may have packed or moved meanwhile.
    fn refs(&self) -> Store {
        let (own, common) = (self.git_dir().to_owned(), self.common_dir().to_owned());
        Store::for_linked_worktree(own, common, Hash::Sha1)
    }

    /// What one ref holds; `None` if there is none of this very name.
    fn find_ref(&self, store: &Store, name: &str) -> Result<Option<Target>> {
        let failed = |why: String| Task::ReadRef(name.to_owned()).said(why);
        let full: &FullNameRef = name.try_into().map_err(|error| failed(format!("{error}")))?;
        let found =
            store.try_find(full).map_err(|error| match error.downcast_any_ref::<ReferenceDecode>() {
                Some(damaged) => self.damaged_ref(damaged),
                None => failed(error.to_string()),
            })?;
        // A name that is not there is looked for below `refs/tags/` and elsewhere as well.
        Ok(found.filter(|found| found.name.as_bstr() == full.as_bstr()).map(|found| found.target))
    }

    fn damaged_ref(&self, damaged: &ReferenceDecode) -> Error {
        Error::DamagedRef { file: self.common_dir().join(&damaged.relative_path) }
    }
}

fn failed(prefix: &str, why: impl Display) -> Error {
    Task::ListRefs(prefix.to_owned()).said(why.to_string())
}
