//! Changes told by what they change, whatever commit they stand in: patch ids
//! (git-patch-id(1), the stable kind).

use std::collections::HashSet;

use git2::{DiffOptions, Tree};

use crate::domain::name::Oid;
use crate::failure::{Doing, Result};

use super::history;
use super::partial;
use super::repo::{Repo, from_git2};

/// The commits of `among` that make the same change as `commit`. Merges make
/// none, and so does a commit that changes nothing.
///
/// # Errors
/// git failed, or an object is not in this clone.
pub fn equal_to(repo: &Repo, commit: Oid, among: &[Oid]) -> Result<Vec<Oid>> {
    if among.is_empty() || history::is_merge(repo, commit)? {
        return Ok(Vec::new());
    }
    let paths = history::changed_paths(repo, commit)?;
    let Some(path) = paths.first() else { return Ok(Vec::new()) };
    let mut wanted = None;
    let mut equal = Vec::new();
    for other in down_each_line(repo, among)? {
        // Nearly every commit leaves that one path alone, which its trees tell without a diff.
        if other == commit || history::is_merge(repo, other)? || !changes(repo, other, path)? {
            continue;
        }
        let wanted = match wanted {
            Some(known) => known,
            None => *wanted.insert(patch_id(repo, commit)?),
        };
        if patch_id(repo, other)? == wanted {
            equal.push(other);
        }
    }
    Ok(equal)
}

/// The same commits, as far as may be each before its parent: the trees of one
/// are those that the other is compared with.
fn down_each_line(repo: &Repo, commits: &[Oid]) -> Result<Vec<Oid>> {
    let mut left: HashSet<Oid> = commits.iter().copied().collect();
    let mut ordered = Vec::with_capacity(commits.len());
    for &start in commits {
        let mut next = Some(start);
        while let Some(commit) = next.filter(|commit| left.remove(commit)) {
            ordered.push(commit);
            next = history::parents(repo, commit)?.first().copied();
        }
    }
    Ok(ordered)
}

/// The patch id of a commit that is no merge, against its parent.
fn patch_id(repo: &Repo, commit: Oid) -> Result<Oid> {
    let doing = || format!("cannot tell what {} changed", commit.short());
    let (old, new) = trees(repo, commit)?;
    let compare = || repo.git2().diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut DiffOptions::new()));
    let diff = partial::reading(repo, compare).doing(doing())?;
    partial::bring_files(repo, &diff).doing(doing())?;
    diff.patchid(None).map(from_git2).doing(doing())
}

/// Whether a commit that is no merge may change a path.
fn changes(repo: &Repo, commit: Oid, path: &[u8]) -> Result<bool> {
    let (old, new) = trees(repo, commit)?;
    let Some(mut old) = old else { return Ok(true) };
    let mut new = new;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let (before, after) = (old.get_name_bytes(part), new.get_name_bytes(part));
        let (before, after) = match (before, after) {
            (None, None) => return Ok(false),
            (Some(before), Some(after)) => {
                if before.id() == after.id() && before.filemode() == after.filemode() {
                    return Ok(false);
                }
                (before.id(), after.id())
            }
            _ => return Ok(true),
        };
        if parts.peek().is_none() {
            return Ok(true);
        }
        let tree = |id| partial::reading(repo, || repo.git2().find_tree(id));
        match (tree(before), tree(after)) {
            (Ok(before), Ok(after)) => (old, new) = (before, after),
            // A file where a folder was, or the other way round.
            _ => return Ok(true),
        }
    }
    Ok(true)
}

/// The tree of a commit and that of its parent.
fn trees(repo: &Repo, commit: Oid) -> Result<(Option<Tree<'_>>, Tree<'_>)> {
    let new = repo.tree_of(commit)?;
    let old = history::parents(repo, commit)?.first().map(|parent| repo.tree_of(*parent)).transpose()?;
    Ok((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn the_same_change_is_found_wherever_it_stands() {
        let sandbox = Sandbox::new();
        let text: String = (0..40).map(|n| format!("line {n}\n")).collect();
        sandbox.commit("work", "dir/file", &text, "base");
        sandbox.git("work", &["checkout", "-q", "-b", "side"]);
        let fixed = sandbox.commit("work", "dir/file", &text.replace("line 20\n", "mended\n"), "fix");
        sandbox.git("work", &["checkout", "-q", "main"]);
        // The same lines elsewhere in the file, other lines, and other files.
        let moved = sandbox.commit("work", "dir/file", &format!("new\n{text}"), "other lines");
        let aside = sandbox.commit("work", "dir/other", "x", "another file");
        sandbox.git("work", &["cherry-pick", &fixed.to_string()]);
        let picked = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["merge", "-q", "-m", "merge", "-s", "ours", "side"]);
        let merge = sandbox.oid("work", "HEAD");
        let empty = sandbox.commit("work", "dir/other", "x", "nothing");
        let repo = sandbox.open("work");
        let among = [empty, merge, picked, aside, moved, fixed];
        assert_eq!(equal_to(&repo, fixed, &among).unwrap(), [picked]);
        assert_eq!(equal_to(&repo, picked, &among).unwrap(), [fixed]);
        for alone in [aside, moved, merge, empty] {
            assert_eq!(equal_to(&repo, alone, &among).unwrap(), []);
        }
        let ids = |oid: Oid| {
            let text = sandbox.git("work", &["show", &oid.to_string()]);
            std::fs::write(sandbox.path("work/patch"), text + "\n").unwrap();
            let id = sandbox.git("work", &["-c", "alias.id=!git patch-id --stable < patch", "id"]);
            id.split(' ').next().unwrap().to_owned()
        };
        assert_eq!(ids(fixed), ids(picked), "git says so too");
        assert_ne!(ids(fixed), ids(moved));
    }
}
