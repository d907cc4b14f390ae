//! Listing refs, loose and packed: thousands of tags are looked through for
//! every answer about them, so that nothing is read of the others.

use std::fmt::Display;

use gix_hash::Kind as Hash;
use gix_ref::TargetRef;
use gix_ref::file::Store;
use gix_ref::file::find::ReferenceDecode;

use super::error::{Error, Result, Task};
use super::repo::Repo;
use crate::domain::name::Oid;

/// A ref: its full name, what it holds, and what a tag there is on, where the
/// packed refs say so and nobody has to open it.
pub type Listed = (String, Oid, Option<Oid>);

impl Repo {
    /// Every ref whose name begins with `prefix`, with what it points to, by name. Symbolic refs
    /// and names that are not UTF-8 are left out.
    pub fn refs_under(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        let refs = self.peeled_refs_under(prefix)?;
        Ok(refs.into_iter().map(|(name, target, _)| (name, target)).collect())
    }

    /// The same with what each tag is on, as far as that is known.
    pub fn peeled_refs_under(&self, prefix: &str) -> Result<Vec<Listed>> {
        let (own, common) = (self.git_dir().to_owned(), self.common_dir().to_owned());
        let store = Store::for_linked_worktree(own, common, Hash::Sha1);
        let all = store.iter().map_err(|error| failed(prefix, error))?;
        let under = prefix.try_into().map_err(|error| failed(prefix, error))?;
        let mut found = Vec::new();
        for reference in all.prefixed(under).map_err(|error| failed(prefix, error))? {
            let reference = reference.map_err(|error| match error.downcast_any_ref::<ReferenceDecode>() {
                Some(damaged) => Error::DamagedRef { file: self.common_dir().join(&damaged.relative_path) },
                None => failed(prefix, error),
            })?;
            let target = match reference.target.to_ref() {
                TargetRef::Object(id) => oid(id),
                TargetRef::Symbolic(_) => None,
            };
            let name = std::str::from_utf8(reference.name.as_bstr()).ok();
            if let (Some(name), Some(target)) = (name, target) {
                found.push((name.to_owned(), target, reference.peeled.as_deref().and_then(oid)));
            }
        }
        found.sort();
        Ok(found)
    }
}

fn failed(prefix: &str, why: impl Display) -> Error {
    Task::ListRefs(prefix.to_owned()).said(why.to_string())
}

/// An id of the kind that is used here.
fn oid(id: &gix_hash::oid) -> Option<Oid> {
    id.as_bytes().try_into().ok().map(Oid::from_bytes)
}
