//! Finding a repository, and why one cannot be opened.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use git2::ErrorCode;

use crate::store::error::{Error, Task};
use crate::world::World;

/// `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`, as in a hook, whose objects are
/// in quarantine until it agrees. Both are read; writing goes to the repository's own.
pub(super) fn alternates(world: &World, dir: &Path) -> Vec<PathBuf> {
    ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"]
        .iter()
        .filter_map(|name| world.env.get(OsStr::new(name)))
        .flat_map(|list| split_paths(list))
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| dir.join(path))
        .filter(|path| path.is_dir())
        .collect()
}

/// A list of paths as environment variables hold it.
pub(super) fn split_paths(list: &OsStr) -> impl Iterator<Item = PathBuf> + '_ {
    std::env::split_paths(list)
}

/// Without the trailing slash git2 puts after a folder.
pub(super) fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// Why a repository cannot be opened.
pub(super) fn cannot_open(start: &Path, ceilings: &[PathBuf], error: git2::Error) -> Error {
    if error.code() == ErrorCode::Owner {
        return Error::ForeignRepository { at: start.to_owned(), cause: error };
    }
    let git_dir = git2::Repository::discover_path(start, ceilings).ok();
    let git_dir = git_dir.or_else(|| start.join("config").is_file().then(|| start.to_owned()));
    let Some(git_dir) = git_dir else {
        return Error::NoRepository(start.to_owned());
    };
    let setting = |key: &str| {
        let common = std::fs::read_to_string(git_dir.join("commondir")).unwrap_or_default();
        let config = git2::Config::open(&git_dir.join(common.trim_end()).join("config")).ok()?;
        config.get_string(key).ok()
    };
    let at = start.to_owned();
    match (setting("extensions.refstorage"), setting("extensions.objectformat")) {
        (Some(format), _) if format != "files" => {
            Error::OtherRefs { at, address: setting("remote.origin.url"), cause: error }
        }
        (_, Some(format)) if format != "sha1" => Error::OtherHash { at, cause: error },
        _ => Task::OpenRepository(at).because(error),
    }
}
