//! What kind of clone a repository is, as far as that matters to `rel`.

use super::repo::Repo;
use crate::domain::ref_name::{self, BranchRef};

/// What kind of clone it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Whether it has no working tree.
    pub bare: bool,
    /// Whether this working tree is one of several.
    pub linked: bool,
    /// Whether its history is cut off.
    pub shallow: bool,
    /// What of the remote's objects it leaves out, as `--filter` says it.
    pub filter: Option<String>,
    /// The branches that a plain `git fetch` brings, where that is not every one.
    pub branches: Option<Vec<String>>,
}

impl Kind {
    /// What kind of clone of `remote` this is.
    pub fn of(repo: &Repo, remote: &str) -> Kind {
        let refspecs = repo.config_all(&format!("remote.{remote}.fetch"));
        let sources =
            refspecs.iter().map(|spec| spec.trim_start_matches('+').split(':').next().unwrap_or(""));
        let sources: Vec<&str> = sources.filter(|source| !source.starts_with('^')).collect();
        let all = sources.iter().any(|source| {
            *source == format!("{}*", BranchRef::FOLDER) || *source == format!("{}*", ref_name::ALL)
        });
        let branches = sources.iter().filter_map(|source| BranchRef::parse(source));
        Kind {
            bare: repo.work_dir().is_none(),
            linked: repo.git_dir() != repo.common_dir(),
            shallow: repo.is_shallow(),
            filter: repo
                .is_partial()
                .then(|| repo.config(&format!("remote.{remote}.partialclonefilter")).unwrap_or_default()),
            branches: (!all && !sources.is_empty())
                .then(|| branches.map(|branch| branch.short().to_owned()).collect()),
        }
    }
}

/// Whether a remote takes or gives every ref as it is, so that what one side lacks the other loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirror {
    /// `git push` makes the remote the same as this clone.
    Pushes,
    /// `git fetch` makes this clone the same as the remote.
    Fetches,
}

/// The remotes that are mirrors, by name.
pub fn mirrors(repo: &Repo) -> Vec<(String, Mirror)> {
    let mut found = Vec::new();
    for name in repo.remotes() {
        if repo.config_is(&format!("remote.{name}.mirror")) {
            found.push((name.clone(), Mirror::Pushes));
        }
        let all = format!("{0}*:{0}*", ref_name::ALL);
        let fetch = repo.config_all(&format!("remote.{name}.fetch"));
        if fetch.iter().any(|spec| spec.trim_start_matches('+') == all) {
            found.push((name, Mirror::Fetches));
        }
    }
    found
}
