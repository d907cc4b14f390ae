//! A clean checkout of one commit, for other people's commands to run in.
//!
//! Made by `git worktree`, so that filters run and files are as git would have
//! them. The user's working tree, index and HEAD are never touched, and the
//! user's hooks do not run. What commands do inside is their business; the
//! folder is thrown away.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::domain::name::Oid;
use crate::failpoint;

use super::error::{During, Result, Task};
use super::git::Git;
use super::git_env::LOCAL_VARS;
use super::repo::Repo;

/// Hooks would slow a checkout down, or fail it.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// A checkout that exists until it is removed or dropped.
#[derive(Debug)]
#[must_use]
pub struct Checkout<'r> {
    repo: &'r Repo,
    /// Only its owner may look inside; holds the working tree and nothing else.
    around: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl<'r> Checkout<'r> {
    /// Checks `commit` out into a new folder below `parent_dir`, submodules included.
    ///
    /// # Errors
    /// Git could not; nothing is left behind.
    pub fn create(repo: &'r Repo, commit: Oid, parent_dir: &Path) -> Result<Checkout<'r>> {
        let checkout = Checkout::without_submodules(repo, commit, parent_dir)?;
        failpoint::step("checkout")?;
        if checkout.path.join(".gitmodules").is_file() {
            Git::new(repo)
                .cwd(&checkout.path)
                .set(NO_HOOKS)
                .set("core.autocrlf=false")
                .args(["submodule", "--quiet", "update", "--init", "--recursive"])
                .run_ok(Task::CheckOutSubmodules(commit))?;
        }
        Ok(checkout)
    }

    /// The same, with nothing where submodules belong.
    pub(in crate::store) fn without_submodules(
        repo: &'r Repo,
        commit: Oid,
        parent_dir: &Path,
    ) -> Result<Checkout<'r>> {
        let around = tempfile::Builder::new()
            .prefix("rel-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent_dir)
            .during_with(|| Task::MakeFolderIn(parent_dir.to_owned()))?;
        let root = around.path().canonicalize().during(Task::CheckOut(commit))?;
        // Git names its own record of a working tree after the last part, which is unique here.
        let path = root.join(root.file_name().unwrap_or(OsStr::new("rel")));
        // From here on, dropping cleans up.
        let checkout = Checkout { repo, around: Some(around), path };
        Git::new(repo)
            .set(NO_HOOKS)
            // The bytes of the commit, on whoever's machine.
            .set("core.autocrlf=false")
            .set("core.fsmonitor=false")
            // All of the commit, also where the user sees but a part of it.
            .set("core.sparseCheckout=false")
            .set("submodule.recurse=false")
            .args(["worktree", "add", "--quiet", "--detach", "--no-guess-remote", "-f"])
            .arg(&checkout.path)
            .arg(commit.to_string())
            .run_ok(Task::CheckOut(commit))?;
        Ok(checkout)
    }

    /// A folder that stands for a checkout, which no git made.
    #[cfg(test)]
    pub fn of_folder(repo: &'r Repo, path: &Path) -> Checkout<'r> {
        Checkout { repo, around: None, path: path.to_owned() }
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes from an environment what would lead git, run inside a checkout, to another
    /// repository, index or working tree.
    pub fn scrub(env: &mut BTreeMap<OsString, OsString>) {
        for name in LOCAL_VARS.iter().chain(&["GIT_QUARANTINE_PATH"]) {
            env.remove(OsStr::new(name));
        }
    }

    /// Removes the folder, and git's record of it.
    ///
    /// # Errors
    /// Something in it cannot be removed; says where it is.
    pub fn remove(mut self) -> Result<()> {
        self.clean()
    }

    /// Removes a folder that a run which is gone had its checkouts in, and
    /// git's records of them. Nothing to do where it is gone.
    ///
    /// # Errors
    /// Something in it cannot be removed; says where it is.
    pub fn sweep(repo: &Repo, folder: &Path) -> Result<()> {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let records = fs::read_dir(repo.common_dir().join("worktrees"));
        for record in records.into_iter().flatten().flatten() {
            // Each names the `.git` file of its working tree.
            let Ok(text) = fs::read(record.path().join("gitdir")) else { continue };
            let file = PathBuf::from(OsString::from_vec(text.trim_ascii_end().to_owned()));
            let Some(tree) = file.parent().filter(|tree| tree.starts_with(&real)) else { continue };
            open_up(tree);
            // Where git does not remove it, the folder goes below, and its record with git's own cleaning.
            let _ = Git::new(repo)
                .set(NO_HOOKS)
                .args(["worktree", "remove", "--force", "--force"])
                .arg(tree)
                .run()?;
        }
        if !folder.exists() {
            return Ok(());
        }
        open_up(folder);
        fs::remove_dir_all(folder).during_with(|| Task::RemoveLeftover(folder.to_owned()))
    }

    fn clean(&mut self) -> Result<()> {
        let Some(around) = self.around.take() else { return Ok(()) };
        let removed = Git::new(self.repo)
            .set(NO_HOOKS)
            .args(["worktree", "remove", "--force", "--force"])
            .arg(&self.path)
            .run();
        if removed.is_ok_and(|output| output.status.success()) && !self.path.exists() {
            return around.close().during(Task::RemoveAround);
        }
        let place = around.path().to_owned();
        // Build tools like to leave folders that nobody may write to.
        let removed = around.close().or_else(|_| {
            open_up(&place);
            fs::remove_dir_all(&place)
        });
        let pruned = Git::new(self.repo).args(["worktree", "prune"]).run();
        match removed {
            Err(error) if place.exists() => Err(Task::RemoveCheckout(place).because(error)),
            _ => pruned.map(drop),
        }
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        // Whoever wants to know calls `remove`.
        let _ = self.clean();
    }
}

/// Lets the owner into every folder below, as far as possible. Follows no links.
fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;

    fn worktrees(sandbox: &Sandbox) -> usize {
        sandbox.git("work", &["worktree", "list", "--porcelain"]).matches("worktree ").count()
    }

    #[test]
    fn has_the_commit_and_nothing_else_and_leaves_nothing() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        sandbox.commit("work", "later", "x", "second");
        fs::write(sandbox.path("work/README"), "changed\n").unwrap();
        let hook = sandbox.path("work/.git/hooks/post-checkout");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\ntouch {}\nexit 1\n", sandbox.path("hooked").display())).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let before = sandbox.git("work", &["status", "--porcelain"]);
        let repo = sandbox.open("work");
        let checkout = Checkout::create(&repo, first, sandbox.dir.path()).unwrap();
        let path = checkout.path().to_owned();
        assert_eq!(fs::read_to_string(path.join("README")).unwrap(), "hello\n");
        assert!(!path.join("later").exists());
        let mode = fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let inside = path.strip_prefix(sandbox.dir.path().canonicalize().unwrap()).unwrap();
        assert_eq!(sandbox.oid(inside.to_str().unwrap(), "HEAD"), first);
        assert_eq!(worktrees(&sandbox), 2);
        fs::write(path.join("left"), "over").unwrap();
        checkout.remove().unwrap();
        assert!(!path.parent().unwrap().exists() && !sandbox.path("hooked").exists());
        assert_eq!(worktrees(&sandbox), 1);
        assert_eq!(sandbox.git("work", &["status", "--porcelain"]), before);
        assert_eq!(sandbox.git("work", &["symbolic-ref", "HEAD"]), "refs/heads/main");
    }

    #[test]
    fn goes_when_dropped_whatever_became_of_it() {
        let sandbox = Sandbox::new();
        let head = sandbox.oid("work", "HEAD");
        let repo = sandbox.open("work");
        let one = Checkout::create(&repo, head, sandbox.dir.path()).unwrap();
        let two = Checkout::create(&repo, head, sandbox.dir.path()).unwrap();
        let path = two.path().to_owned();
        fs::create_dir_all(path.join("locked/in")).unwrap();
        fs::set_permissions(path.join("locked"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::remove_file(path.join(".git")).unwrap();
        drop(two);
        drop(one);
        assert!(!path.parent().unwrap().exists());
        assert_eq!(worktrees(&sandbox), 1);
    }

    #[test]
    fn a_commit_that_is_not_there_leaves_nothing() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let parent = sandbox.path("checkouts");
        fs::create_dir(&parent).unwrap();
        assert!(Checkout::create(&repo, Oid::from_bytes([5; Oid::BYTES]), &parent).is_err());
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        assert_eq!(worktrees(&sandbox), 1);
        assert!(Checkout::create(&repo, sandbox.oid("work", "HEAD"), &sandbox.path("nowhere")).is_err());
    }

    #[test]
    fn a_sparse_clone_is_checked_out_whole() {
        let sandbox = Sandbox::new();
        let head = sandbox.commit("work", "dir/a", "a", "second");
        sandbox.git("work", &["sparse-checkout", "set", "other"]);
        assert!(!sandbox.path("work/dir/a").exists());
        let repo = sandbox.open("work");
        let checkout = Checkout::create(&repo, head, sandbox.dir.path()).unwrap();
        assert!(checkout.path().join("dir/a").exists());
    }

    #[test]
    fn submodules_come_along() {
        let mut sandbox = Sandbox::new();
        sandbox.world.env.insert("GIT_CONFIG_COUNT".into(), "1".into());
        sandbox.world.env.insert("GIT_CONFIG_KEY_0".into(), "protocol.file.allow".into());
        sandbox.world.env.insert("GIT_CONFIG_VALUE_0".into(), "always".into());
        let url = sandbox.path("remote.git");
        sandbox.git("work", &["submodule", "--quiet", "add", url.to_str().unwrap(), "sub"]);
        let head = sandbox.commit("work", "a", "a", "with a submodule");
        let repo = sandbox.open("work");
        let checkout = Checkout::create(&repo, head, sandbox.dir.path()).unwrap();
        assert_eq!(fs::read_to_string(checkout.path().join("sub/README")).unwrap(), "hello\n");
        let path = checkout.path().to_owned();
        checkout.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn an_environment_is_led_nowhere() {
        let mut env: BTreeMap<OsString, OsString> = ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "PATH"]
            .iter()
            .map(|name| (name.into(), "x".into()))
            .collect();
        Checkout::scrub(&mut env);
        assert_eq!(env.into_keys().collect::<Vec<_>>(), ["PATH"]);
    }
}
