//! Questions about ancestry: who contains whom, what lies between.
//!
//! Order is the graph's; no clock decides anything here. In a shallow clone
//! the answers end where history was cut off; whoever must be sure asks
//! [`Repo::is_shallow`] first.

use git2::{Delta, DiffOptions, Sort};

use crate::domain::name::Oid;
use crate::failure::{Doing, Result};

use super::repo::{Repo, from_git2, to_git2};

/// Whether `descendant` contains `ancestor`. A commit contains itself.
pub fn is_ancestor(repo: &Repo, ancestor: Oid, descendant: Oid) -> Result<bool> {
    if ancestor == descendant {
        return Ok(true);
    }
    repo.git2().graph_descendant_of(to_git2(descendant), to_git2(ancestor)).doing(format!(
        "cannot tell whether {} contains {}",
        descendant.short(),
        ancestor.short()
    ))
}

/// The commits that `include` contains and none of `exclude` does: newest first, children before
/// their parents.
pub fn range(repo: &Repo, exclude: &[Oid], include: Oid) -> Result<Vec<Oid>> {
    walk(repo, exclude, include, Sort::TOPOLOGICAL | Sort::TIME)
}

/// How many commits [`range`] would list.
pub fn count_between(repo: &Repo, exclude: &[Oid], include: Oid) -> Result<usize> {
    walk(repo, exclude, include, Sort::NONE).map(|commits| commits.len())
}

/// How many commits only `a` has, and how many only `b` has.
pub fn ahead_behind(repo: &Repo, a: Oid, b: Oid) -> Result<(usize, usize)> {
    repo.git2().graph_ahead_behind(to_git2(a), to_git2(b)).doing(format!(
        "cannot compare {} with {}",
        a.short(),
        b.short()
    ))
}

/// How many commits `oid` contains, itself included.
pub fn ancestor_count(repo: &Repo, oid: Oid) -> Result<u64> {
    count_between(repo, &[], oid).map(|count| count as u64)
}

/// The paths a commit changed against its first parent, as git stores them (bytes, `/` between
/// folders), sorted. A rename counts as both paths; a root commit changes all it has.
pub fn changed_paths(repo: &Repo, commit: Oid) -> Result<Vec<Vec<u8>>> {
    let doing = || format!("cannot tell what {} changed", commit.short());
    let found = repo.find_commit(commit)?;
    let new = found.tree().doing(doing())?;
    let old = match found.parent_ids().next() {
        Some(parent) => Some(repo.find_commit(from_git2(parent))?.tree().doing(doing())?),
        None => None,
    };
    let mut options = DiffOptions::new();
    options.skip_binary_check(true).include_typechange(true);
    let diff = repo.git2().diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options)).doing(doing())?;
    let mut paths: Vec<Vec<u8>> = diff
        .deltas()
        .filter_map(|delta| {
            let file = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
            file.path_bytes().map(<[u8]>::to_vec)
        })
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Whether a commit changed, against its first parent, a path that `matcher` takes.
pub fn touches(repo: &Repo, commit: Oid, matcher: impl Fn(&[u8]) -> bool) -> Result<bool> {
    Ok(changed_paths(repo, commit)?.iter().any(|path| matcher(path)))
}

fn walk(repo: &Repo, exclude: &[Oid], include: Oid, order: Sort) -> Result<Vec<Oid>> {
    let walking = || -> std::result::Result<Vec<Oid>, git2::Error> {
        let mut walk = repo.git2().revwalk()?;
        walk.set_sorting(order)?;
        walk.push(to_git2(include))?;
        for oid in exclude {
            walk.hide(to_git2(*oid))?;
        }
        walk.map(|oid| oid.map(from_git2)).collect()
    };
    walking().doing(format!("cannot walk the history of {}", include.short()))
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;

    /// `first` - `left` - `merge`, and `first` - `right` - `merge`.
    #[test]
    fn agrees_with_git_on_a_merge() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["checkout", "-q", "-b", "side"]);
        let right = sandbox.commit("work", "dir/b", "b", "right");
        sandbox.git("work", &["checkout", "-q", "main"]);
        let left = sandbox.commit("work", "a", "a", "left");
        sandbox.git("work", &["merge", "-q", "-m", "merge", "side"]);
        let merge = sandbox.oid("work", "HEAD");
        let repo = sandbox.open("work");
        for (ancestor, descendant, expected) in [
            (first, merge, true),
            (right, merge, true),
            (merge, merge, true),
            (merge, first, false),
            (left, right, false),
        ] {
            assert_eq!(is_ancestor(&repo, ancestor, descendant).unwrap(), expected);
        }
        let listed = range(&repo, &[first], merge).unwrap();
        assert_eq!(listed[0], merge);
        assert_eq!(listed.len(), 3);
        assert_eq!(range(&repo, &[left], merge).unwrap(), [merge, right]);
        assert_eq!(range(&repo, &[merge], merge).unwrap(), []);
        assert_eq!(count_between(&repo, &[left, right], merge).unwrap(), 1);
        assert_eq!(ahead_behind(&repo, left, merge).unwrap(), (0, 2));
        assert_eq!(ahead_behind(&repo, left, right).unwrap(), (1, 1));
        assert_eq!(ancestor_count(&repo, merge).unwrap(), 4);
        assert_eq!(changed_paths(&repo, first).unwrap(), [b"README".to_vec()]);
        assert_eq!(changed_paths(&repo, merge).unwrap(), [b"dir/b".to_vec()]);
        assert!(touches(&repo, right, |path| path.starts_with(b"dir/")).unwrap());
        assert!(!touches(&repo, left, |path| path.starts_with(b"dir/")).unwrap());
        assert!(range(&repo, &[], Oid::from_bytes([9; 20])).is_err());
    }

    #[test]
    fn deletions_and_renames_are_changes() {
        let sandbox = Sandbox::new();
        sandbox.git("work", &["mv", "README", "other"]);
        let moved = sandbox.commit("work", "x", "x", "move");
        let repo = sandbox.open("work");
        assert_eq!(
            changed_paths(&repo, moved).unwrap(),
            [b"README".to_vec(), b"other".to_vec(), b"x".to_vec()]
        );
    }

    #[test]
    fn children_come_before_parents_whatever_the_clocks_say() {
        let mut sandbox = Sandbox::new();
        let mut expected = vec![sandbox.oid("work", "HEAD")];
        for n in 0..5 {
            let date = format!("{} +0000", 1_600_000_000 - n * 1000);
            sandbox.world.env.insert("GIT_COMMITTER_DATE".into(), date.into());
            expected.insert(0, sandbox.commit("work", "a", &n.to_string(), "back in time"));
        }
        let repo = sandbox.open("work");
        assert_eq!(range(&repo, &[], expected[0]).unwrap(), expected);
        assert!(is_ancestor(&repo, expected[5], expected[0]).unwrap());
    }
}
