//! What a git child is told of where it works.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;

use crate::world::World;

/// A version of git: `2.47.3` is `(2, 47, 3)`.
pub type Version = (u32, u32, u32);

/// Variables that point git at a repository, an index or an object store; git's own list is
/// `git rev-parse --local-env-vars`. A command that runs inside a checkout must have none of them.
pub(in crate::store) const LOCAL_VARS: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// The surroundings of a git child: a repository, or none.
#[derive(Debug)]
pub struct GitEnv {
    pub(in crate::store) world: World,
    /// The working tree's own git directory; `None` outside of any repository.
    pub(in crate::store) git_dir: Option<PathBuf>,
    pub(in crate::store) work_dir: Option<PathBuf>,
    /// Object directories the environment names; read from, never written to.
    pub(in crate::store) alternates: Vec<PathBuf>,
    /// Whether `core.sshCommand` is set.
    pub(in crate::store) has_ssh_command: bool,
    /// Whether nobody may be asked for objects that are missing.
    pub(in crate::store) offline: Cell<bool>,
    pub(in crate::store) version: OnceCell<Version>,
}

impl GitEnv {
    /// No repository.
    pub(in crate::store) fn nowhere(world: &World) -> GitEnv {
        GitEnv {
            world: world.clone(),
            git_dir: None,
            work_dir: None,
            alternates: Vec::new(),
            has_ssh_command: false,
            offline: Cell::new(false),
            version: OnceCell::new(),
        }
    }
}

impl AsRef<GitEnv> for GitEnv {
    fn as_ref(&self) -> &GitEnv {
        self
    }
}
