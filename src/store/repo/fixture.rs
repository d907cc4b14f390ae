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
