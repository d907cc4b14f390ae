//! Finding a repository, and why one cannot be opened.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use git2::ErrorCode;

use crate::failure::{Failure, Kind};
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

/// Why a repository cannot be opened, and how to go on.
pub(super) fn cannot_open(start: &Path, ceilings: &[PathBuf], error: git2::Error) -> Failure {
    if error.code() == ErrorCode::Owner {
        return Failure::failed(format!("the repository at {} belongs to another user", start.display()))
            .hint(format!("git config --global --add safe.directory {}", quoted(start)))
            .because(error);
    }
    let git_dir = git2::Repository::discover_path(start, ceilings).ok();
    let git_dir = git_dir.or_else(|| start.join("config").is_file().then(|| start.to_owned()));
    let Some(git_dir) = git_dir else {
        return Failure::new(Kind::Refused, format!("not a git repository: {}", start.display()))
            .hint("git init")
            .hint("rel -C DIR, with DIR inside a repository");
    };
    let setting = |key: &str| {
        let common = std::fs::read_to_string(git_dir.join("commondir")).unwrap_or_default();
        let config = git2::Config::open(&git_dir.join(common.trim_end()).join("config")).ok()?;
        config.get_string(key).ok()
    };
    let unreadable = |what: &str, hint: &str| {
        Failure::failed(format!("the repository at {} {what}, which rel cannot read", start.display()))
            .hint(hint)
    };
    match (setting("extensions.refstorage"), setting("extensions.objectformat")) {
        (Some(format), _) if format != "files" => {
            let address = setting("remote.origin.url").unwrap_or_else(|| "ADDRESS".to_owned());
            unreadable("keeps its refs as a reftable", "git refs migrate --ref-format=files")
                .hint("or, where git says that it cannot, clone anew:")
                .hint(format!("git clone --ref-format=files {}", shell_words::quote(&address)))
                .because(error)
        }
        (_, Some(format)) if format != "sha1" => {
            let (here, new) = (quoted(start), quoted(&with_suffix(start, "-sha1")));
            unreadable(
                "names its objects by SHA-256",
                &format!(
                    "git init --object-format=sha1 {new} && git -C {here} fast-export --all | git -C {new} fast-import --quiet"
                ),
            )
            .because(error)
        }
        _ => Failure::failed(format!("cannot open the repository at {}", start.display())).because(error),
    }
}

/// A path beside another, named after it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
