//! A place to try things with real git: its own home, identity and bare remote.

use super::*;

/// Removed with everything in it when dropped.
pub struct Sandbox {
    pub dir: tempfile::TempDir,
    pub world: World,
}

impl Sandbox {
    /// An empty bare repository `remote.git`, and `work`, a clone of it with one commit on
    /// `main` that is pushed.
    pub fn new() -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::from_process();
        world.cwd = dir.path().to_owned();
        world.stdin_terminal = false;
        world.stderr_terminal = false;
        world.env.retain(|name, _| !name.to_string_lossy().starts_with("GIT_"));
        for (name, value) in [
            ("HOME", dir.path().to_str().unwrap()),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Ana"),
            ("GIT_AUTHOR_EMAIL", "ana@example.com"),
            ("GIT_AUTHOR_DATE", "1700000000 +0100"),
            ("GIT_COMMITTER_NAME", "Ana"),
            ("GIT_COMMITTER_EMAIL", "ana@example.com"),
            ("GIT_COMMITTER_DATE", "1700000000 +0100"),
        ] {
            world.env.insert(name.into(), value.into());
        }
        let sandbox = Sandbox { dir, world };
        sandbox.git(".", &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        sandbox.git(".", &["init", "-q", "-b", "main", "work"]);
        sandbox.git("work", &["remote", "add", "origin", sandbox.path("remote.git").to_str().unwrap()]);
        sandbox.commit("work", "README", "hello\n", "first");
        sandbox.git("work", &["push", "-q", "origin", "main"]);
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn open(&self, name: &str) -> Repo {
        Repo::discover(&self.world, &self.path(name)).unwrap()
    }

    /// Plain git, as a user would type it; what it printed, trimmed.
    pub fn git(&self, name: &str, args: &[&str]) -> String {
        let output = self.try_git(name, args);
        assert!(output.0, "git {args:?}: {}", output.1);
        output.1.trim().to_owned()
    }

    /// Whether git succeeded, and what it printed.
    #[expect(clippy::disallowed_methods, reason = "tests look at results with git as users have it")]
    pub fn try_git(&self, name: &str, args: &[&str]) -> (bool, String) {
        let mut command = std::process::Command::new("git");
        command.env_clear().envs(&self.world.env).current_dir(self.path(name)).args(args);
        let output = command.output().unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Writes a file and commits it.
    pub fn commit(&self, name: &str, file: &str, text: &str, message: &str) -> Oid {
        let path = self.path(name).join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", message]);
        self.oid(name, "HEAD")
    }

    pub fn oid(&self, name: &str, rev: &str) -> Oid {
        self.git(name, &["rev-parse", "--verify", rev]).parse().unwrap()
    }
}

/// A repository that is made and written in-process: nothing here starts git.
pub struct InProcess {
    pub dir: tempfile::TempDir,
    pub world: World,
    git: git2::Repository,
}

impl InProcess {
    /// An empty repository with `main` for its branch, at which Ana works.
    pub fn new() -> InProcess {
        // In memory where there is such a folder: a disk that others keep busy takes ten times as long.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut world = World::from_process();
        world.cwd = dir.path().to_owned();
        world.env.clear();
        for (name, value) in [
            ("HOME", dir.path().to_str().unwrap()),
            ("TMPDIR", dir.path().to_str().unwrap()),
            // Whoever wants to start git finds none.
            ("PATH", dir.path().to_str().unwrap()),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_COMMITTER_NAME", "Ana"),
            ("GIT_COMMITTER_EMAIL", "ana@example.com"),
        ] {
            world.env.insert(name.into(), value.into());
        }
        let mut how = git2::RepositoryInitOptions::new();
        let git = git2::Repository::init_opts(dir.path().join("work"), how.initial_head("main")).unwrap();
        InProcess { dir, world, git }
    }

    pub fn open(&self) -> Repo {
        Repo::discover(&self.world, &self.dir.path().join("work")).unwrap()
    }

    /// Makes a commit: the files of its first parent with these changed; a file without text is gone.
    pub fn commit(
        &self,
        parents: &[Oid],
        files: &[(&str, Option<&str>)],
        message: &str,
        author: &Actor,
        at: DateTime<Utc>,
    ) -> Oid {
        let parents: Vec<_> =
            parents.iter().map(|oid| self.git.find_commit(to_git2(*oid)).unwrap()).collect();
        let base = match parents.first() {
            Some(parent) => parent.tree().unwrap(),
            None => self.git.find_tree(self.git.treebuilder(None).unwrap().write().unwrap()).unwrap(),
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            match text {
                Some(text) => {
                    update.upsert(*path, self.git.blob(text.as_bytes()).unwrap(), git2::FileMode::Blob)
                }
                None => update.remove(*path),
            };
        }
        let tree = update.create_updated(&self.git, &base).unwrap();
        self.commit_tree(tree, &parents.iter().collect::<Vec<_>>(), message, author, at)
    }

    /// Makes the commit that picking `source` onto another gives.
    pub fn cherry_pick(
        &self,
        source: Oid,
        onto: Oid,
        message: &str,
        author: &Actor,
        at: DateTime<Utc>,
    ) -> Oid {
        let [source, onto] = [source, onto].map(|oid| self.git.find_commit(to_git2(oid)).unwrap());
        let tree = self.git.cherrypick_commit(&source, &onto, 0, None).unwrap().write_tree_to(&self.git);
        self.commit_tree(tree.unwrap(), &[&onto], message, author, at)
    }

    fn commit_tree(
        &self,
        tree: git2::Oid,
        parents: &[&git2::Commit<'_>],
        message: &str,
        author: &Actor,
        at: DateTime<Utc>,
    ) -> Oid {
        let tree = self.git.find_tree(tree).unwrap();
        let when = git2::Time::new(at.timestamp(), 0);
        let who = git2::Signature::new(&author.name, &author.email, &when).unwrap();
        from_git2(self.git.commit(None, &who, &who, message, &tree, parents).unwrap())
    }

    pub fn blob(&self, text: &str) -> Oid {
        from_git2(self.git.blob(text.as_bytes()).unwrap())
    }

    pub fn remove_ref(&self, name: impl AsRef<str>) {
        self.git.find_reference(name.as_ref()).unwrap().delete().unwrap();
    }

    /// Makes a ref hold this, whatever it held.
    pub fn set_ref(&self, name: impl AsRef<str>, oid: Oid) {
        self.git.reference(name.as_ref(), to_git2(oid), true, "test").unwrap();
    }
}
