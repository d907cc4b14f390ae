//! The worktree of a pick that needs a person: in git's own conflict state, to
//! be resolved with git's own commands.
//!
//! Nothing here is a ref, so nobody else sees any of it. The resolution is read
//! back as a tree, or as the commit that the person made.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::domain::name::Oid;

use super::checkout::Checkout;
use super::error::{During, PickError, Result, Task, Unresolved};
use super::git::Git;
use super::pick::printable;
use super::repo::{Repo, from_git2, to_git2};

/// The hooks of a clone are for its owner's commits.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// How a person resolved a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The tree that results.
    Tree(Oid),
    /// A commit of their own on top of what was picked onto.
    Commit(Oid),
}

/// Makes the worktree at `path`, and picks `source` onto `onto` there as `git
/// cherry-pick -x` does; `mainline` as there. Returns the paths in conflict, fit
/// for printing: empty if git knew the resolution from before.
///
/// # Errors
/// The worktree cannot be made, or git cannot pick.
pub fn prepare(
    repo: &Repo,
    path: &Path,
    onto: Oid,
    source: Oid,
    mainline: Option<u32>,
) -> Result<Vec<String>> {
    let task = || Task::LayOutPick(source);
    let folder = path.parent().ok_or_else(|| task().failed())?;
    clear(repo, folder)?;
    fs::create_dir_all(folder).during_with(task)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).during_with(task)?;
    Git::new(repo)
        .set(NO_HOOKS)
        .set("core.sparseCheckout=false")
        .set("submodule.recurse=false")
        .args(["worktree", "add", "--quiet", "--detach", "--no-guess-remote", "-f"])
        .arg(path)
        .arg(onto.to_string())
        .run_ok(task())?;
    let picking =
        Git::new(repo).cwd(path).set(NO_HOOKS).set("commit.gpgSign=false").args(["cherry-pick", "-x"]);
    let picking = match mainline {
        Some(n) => picking.args(["-m".to_owned(), n.to_string()]),
        None => picking,
    };
    let output = picking.arg(source.to_string()).run()?;
    let paths = unmerged(repo, path)?;
    if !output.status.success() && paths.is_empty() && read(path)?.head == onto && !is_picking(path)? {
        return Err(task().said(output.said()));
    }
    Ok(paths)
}

/// A worktree and its HEAD.
struct Worktree {
    head: Oid,
    inner: git2::Repository,
}

fn read(path: &Path) -> Result<Worktree> {
    let task = || Task::ReadWorktree(path.to_owned());
    let inner = git2::Repository::open(path).during_with(task)?;
    let head = inner.head().and_then(|head| head.peel_to_commit()).during_with(task)?.id();
    Ok(Worktree { head: from_git2(head), inner })
}

/// Whether git says there that a pick is under way.
fn is_picking(path: &Path) -> Result<bool> {
    Ok(read(path)?.inner.path().join("CHERRY_PICK_HEAD").exists())
}

fn listed(repo: &Repo, path: &Path, filter: &[&str]) -> Result<Vec<String>> {
    let output = Git::new(repo)
        .cwd(path)
        .args(["diff", "--name-only", "-z", "--ignore-submodules=dirty"])
        .args(filter.iter().copied())
        .run_ok(Task::ListPickConflicts)?;
    Ok(output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(printable).collect())
}

fn unmerged(repo: &Repo, path: &Path) -> Result<Vec<String>> {
    listed(repo, path, &["--diff-filter=U"])
}

/// Reads the resolution of the pick of `source` onto `onto` from the worktree.
///
/// # Errors
/// A file in it is not resolved, or not added.
pub fn resolution(repo: &Repo, path: &Path, onto: Oid, source: Oid) -> Result<Resolution> {
    let Worktree { head, inner } = read(path)?;
    let refuse = |why| -> Result<Resolution> {
        Err(PickError::Unresolved { source, worktree: path.to_owned(), why }.into())
    };
    let paths = unmerged(repo, path)?;
    if !paths.is_empty() {
        return refuse(Unresolved::Conflict(paths));
    }
    let changed = listed(repo, path, &[])?;
    if !changed.is_empty() {
        return refuse(Unresolved::Changed(changed));
    }
    let resolution = if head == onto {
        if !inner.path().join("CHERRY_PICK_HEAD").exists() {
            return refuse(Unresolved::GivenUp);
        }
        let written = Git::new(repo).cwd(path).arg("write-tree").run_ok(Task::WritePickTree)?;
        let tree = written.stdout_text().trim_end().parse();
        Resolution::Tree(tree.during(Task::WritePickTree)?)
    } else {
        let parents: Vec<Oid> = repo.commit(head)?.parents;
        if parents != [onto] {
            return refuse(Unresolved::NotOneCommit(onto));
        }
        Resolution::Commit(head)
    };
    let tree = match resolution {
        Resolution::Tree(tree) => tree,
        Resolution::Commit(commit) => repo.commit(commit)?.tree,
    };
    let markers = markers(repo, tree, onto, source)?;
    if !markers.is_empty() {
        return refuse(Unresolved::Markers(markers));
    }
    Ok(resolution)
}

/// The lines that are conflict markers and that neither side had, as `path:line`.
fn markers(repo: &Repo, tree: Oid, onto: Oid, source: Oid) -> Result<Vec<String>> {
    let inner = repo.git2();
    let find = |oid: Oid| inner.find_tree(to_git2(oid)).during(Task::FindMarkers);
    let (new, old, other) = (find(tree)?, find(repo.commit(onto)?.tree)?, find(repo.commit(source)?.tree)?);
    let diff = inner.diff_tree_to_tree(Some(&old), Some(&new), None).during(Task::FindMarkers)?;
    let mut found = Vec::new();
    for delta in diff.deltas() {
        let file = delta.new_file();
        let Some(path) = file.path().filter(|_| file.exists()) else { continue };
        let Ok(blob) = inner.find_blob(file.id()) else { continue };
        if blob.is_binary() {
            continue;
        }
        let before = |tree: &git2::Tree<'_>| -> HashSet<Vec<u8>> {
            let blob = tree.get_path(path).ok().and_then(|entry| inner.find_blob(entry.id()).ok());
            let lines = blob.as_ref().map(|blob| blob.content().split(|byte| *byte == b'\n'));
            lines.into_iter().flatten().filter(|line| is_marker(line)).map(<[u8]>::to_vec).collect()
        };
        let known: HashSet<Vec<u8>> = before(&old).into_iter().chain(before(&other)).collect();
        for (at, line) in blob.content().split(|byte| *byte == b'\n').enumerate() {
            if is_marker(line) && !known.contains(line) {
                found.push(format!("{}:{}", printable(path.as_os_str().as_encoded_bytes()), at + 1));
            }
        }
    }
    Ok(found)
}

/// Whether a line begins or ends a conflict. What divides one in the middle
/// looks like the line under a heading.
fn is_marker(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    [b"<<<<<<<", b">>>>>>>", b"|||||||"]
        .iter()
        .any(|marker| line.strip_prefix(*marker).is_some_and(|rest| rest.is_empty() || rest[0] == b' '))
}

/// Removes the worktrees in `folder`, git's records of them, and the folder.
///
/// # Errors
/// Something in it cannot be removed; says where it is.
pub fn clear(repo: &Repo, folder: &Path) -> Result<()> {
    Checkout::sweep(repo, folder)
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;
    use crate::failure::{Failure, Kind};

    struct Conflict {
        sandbox: Sandbox,
        onto: Oid,
        source: Oid,
    }

    /// A change that does not apply to what is a commit older.
    fn conflict() -> Conflict {
        let sandbox = Sandbox::new();
        let onto = sandbox.commit("work", "file", "one\n", "base");
        sandbox.commit("work", "file", "two\n", "between");
        let source = sandbox.commit("work", "file", "three\n", "fix");
        Conflict { sandbox, onto, source }
    }

    #[test]
    fn what_is_resolved_is_read_and_what_is_not_is_refused() {
        let Conflict { sandbox, onto, source } = conflict();
        let repo = sandbox.open("work");
        let path = sandbox.path("picks/one");
        assert_eq!(prepare(&repo, &path, onto, source, None).unwrap(), ["file"]);
        assert!(sandbox.git("work", &["worktree", "list"]).contains("picks/one"));
        assert!(is_picking(&path).unwrap());
        let refused = || {
            let failure = Failure::from(resolution(&repo, &path, onto, source).unwrap_err());
            assert_eq!(failure.kind, Kind::Refused);
            failure.message
        };
        assert!(refused().contains("is still in conflict"));
        sandbox.git("picks/one", &["add", "file"]);
        assert!(refused().contains("has conflict markers left"));
        fs::write(path.join("file"), "one and three\n").unwrap();
        assert!(refused().contains("was changed after what was added"));
        sandbox.git("picks/one", &["add", "file"]);
        let Resolution::Tree(tree) = resolution(&repo, &path, onto, source).unwrap() else { panic!() };
        assert_eq!(sandbox.git("work", &["show", &format!("{tree}:file")]), "one and three");
        // Committed by hand, it is that commit.
        sandbox.git("picks/one", &["-c", "core.editor=true", "cherry-pick", "--continue"]);
        let head = sandbox.oid("picks/one", "HEAD");
        assert_eq!(resolution(&repo, &path, onto, source).unwrap(), Resolution::Commit(head));
        sandbox.git("picks/one", &["commit", "--quiet", "--allow-empty", "-m", "more"]);
        assert!(refused().contains("is not one commit"));
        // Given up with git's own words it is no resolution to nothing.
        prepare(&repo, &path, onto, source, None).unwrap();
        sandbox.git("picks/one", &["cherry-pick", "--abort"]);
        assert!(refused().contains("was given up there"));
        clear(&repo, &sandbox.path("picks")).unwrap();
        assert!(!sandbox.path("picks").exists());
        assert_eq!(sandbox.git("work", &["worktree", "list"]).lines().count(), 1);
    }

    #[test]
    fn what_git_has_seen_resolved_before_it_resolves_again() {
        let Conflict { sandbox, onto, source } = conflict();
        sandbox.git("work", &["config", "rerere.enabled", "true"]);
        sandbox.git("work", &["config", "rerere.autoUpdate", "true"]);
        let repo = sandbox.open("work");
        let path = sandbox.path("picks/one");
        assert_eq!(prepare(&repo, &path, onto, source, None).unwrap(), ["file"]);
        fs::write(path.join("file"), "by hand\n").unwrap();
        sandbox.git("picks/one", &["add", "file"]);
        sandbox.git("picks/one", &["-c", "core.editor=true", "cherry-pick", "--continue"]);
        assert!(prepare(&repo, &path, onto, source, None).unwrap().is_empty());
        let Resolution::Tree(tree) = resolution(&repo, &path, onto, source).unwrap() else { panic!() };
        assert_eq!(sandbox.git("work", &["show", &format!("{tree}:file")]), "by hand");
    }

    #[test]
    fn markers_that_were_there_before_are_text() {
        let sandbox = Sandbox::new();
        let text = "how conflicts look:\n<<<<<<< ours\n=======\n>>>>>>> theirs\n";
        let onto = sandbox.commit("work", "manual", text, "manual");
        let source = sandbox.commit("work", "manual", &format!("{text}more\n"), "more");
        let repo = sandbox.open("work");
        let tree = repo.commit(source).unwrap().tree;
        assert!(markers(&repo, tree, onto, onto).unwrap().is_empty());
        let left = sandbox.commit("work", "other", "a\n<<<<<<< HEAD\r\nb\n", "left");
        let tree = repo.commit(left).unwrap().tree;
        assert_eq!(markers(&repo, tree, onto, onto).unwrap(), ["other:2"]);
    }
}
