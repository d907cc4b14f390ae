//! What counts as a project's change: its `paths`, and the versions others took.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::context::Context;
use super::snapshot::Snapshot;
use crate::domain::changes::Change;
use crate::domain::name::Oid;
use crate::domain::version::{CandidateVersion, Parsed, Version};
use crate::failure::{Failure, Kind, Result};
use crate::store::history;

/// The paths that count: a project's, gitignore-style, and of those what
/// somebody asked for.
#[derive(Debug)]
pub struct Scope(Vec<Gitignore>);

impl Scope {
    /// From `project.paths`; none means all.
    ///
    /// # Errors
    /// A pattern is invalid.
    pub fn new(patterns: &[String]) -> Result<Scope> {
        Scope(Vec::new())
            .and(patterns)
            .map_err(|why| Failure::new(Kind::Config, format!("project.paths: {why}")))
    }

    /// Of these paths only those that `--path` names, in the same style; none
    /// means all of them.
    ///
    /// # Errors
    /// A pattern is invalid (exit 2).
    pub fn within(self, patterns: &[String]) -> Result<Scope> {
        // A shell completes to `./src`, which these patterns take for a name.
        let bare: Vec<String> =
            patterns.iter().map(|one| one.strip_prefix("./").unwrap_or(one).to_owned()).collect();
        self.and(&bare).map_err(|why| {
            Failure::new(Kind::Usage, format!("--path: {why}"))
                .hint("it takes what .gitignore takes: --path 'src/' --path '*.md'")
        })
    }

    fn and(mut self, patterns: &[String]) -> Result<Scope, ignore::Error> {
        if !patterns.is_empty() {
            let mut builder = GitignoreBuilder::new("");
            for pattern in patterns {
                builder.add_line(None, pattern)?;
            }
            self.0.push(builder.build()?);
        }
        Ok(self)
    }

    /// Whether every path counts.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this path counts, as git stores it.
    pub fn takes(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        self.0.iter().all(|set| set.matched_path_or_any_parents(Path::new(&*path), false).is_ignore())
    }

    /// Whether a commit touches what counts; a merge, whether it does against
    /// each of its parents.
    ///
    /// # Errors
    /// git failed.
    pub fn touched_by(&self, ctx: &Context<'_>, commit: Oid) -> Result<bool> {
        if self.is_all() {
            return Ok(true);
        }
        history::touches(&ctx.repo, commit, |path| self.takes(path))
    }
}

/// Commits as people read them.
///
/// # Errors
/// git failed.
pub fn changes(ctx: &Context<'_>, commits: &[Oid]) -> Result<Vec<Change>> {
    commits
        .iter()
        .map(|oid| {
            let commit = ctx.repo.commit(*oid)?;
            Ok(Change::read(*oid, &commit.message, &commit.author, commit.commit_time))
        })
        .collect()
}

/// Where a commit stands on trunk: how many commits it builds on, itself
/// included. Counted from a candidate whose position is known, where there
/// is one.
///
/// # Errors
/// git failed.
pub fn position(ctx: &Context<'_>, snapshot: &Snapshot, commit: Oid) -> Result<u64> {
    let known = snapshot.candidates.state.newest().and_then(|line| Some((line.trunk_commit?, line.position)));
    if let Some((base, position)) = known
        && ctx.repo.has_object(base)
    {
        let (ahead, behind) = history::ahead_behind(&ctx.repo, commit, base)?;
        return Ok((position + ahead as u64).saturating_sub(behind as u64));
    }
    history::ancestor_count(&ctx.repo, commit)
}

/// The versions that tags of others take.
#[derive(Debug, Default)]
pub struct Foreign {
    /// Full versions, and the commits they are at.
    pub releases: Vec<(Version, Oid)>,
    /// Versions taken by pre-releases spelled otherwise.
    pub pre_releases: Vec<Version>,
    /// Candidate numbers taken.
    pub candidates: Vec<CandidateVersion>,
}

impl Foreign {
    /// Reads the authority's tags as this clone knows them.
    ///
    /// # Errors
    /// git failed.
    pub fn read(ctx: &Context<'_>, snapshot: &Snapshot) -> Result<Foreign> {
        let mut foreign = Foreign::default();
        for (_, target, parsed) in snapshot.foreign(ctx)? {
            match parsed {
                Parsed::Release(version) => {
                    if let Some(commit) = ctx.repo.peel_to_commit(target)? {
                        foreign.releases.push((version, commit));
                    }
                }
                Parsed::Candidate(candidate) => foreign.candidates.push(candidate),
                Parsed::Foreign { version, .. } => foreign.pre_releases.push(version),
            }
        }
        Ok(foreign)
    }

    /// Whether a tag of others takes this version.
    pub fn takes(&self, version: &Version) -> bool {
        self.releases.iter().any(|(taken, _)| taken == version)
            || self.pre_releases.contains(version)
            || self.candidates.iter().any(|candidate| candidate.release == *version)
    }

    /// The first number of `release` above those that tags of others take.
    pub fn least_number(&self, release: &Version) -> u32 {
        let numbers = self.candidates.iter().filter(|c| c.release == *release).map(|c| c.number);
        numbers.max().map_or(1, |number| number.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(scope: &Scope, paths: &[&str]) -> Vec<String> {
        paths.iter().filter(|path| scope.takes(path.as_bytes())).map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn what_is_asked_for_narrows_what_is_the_projects() {
        let paths = ["web/a.md", "web/lib/b.rs", "api/a.md", "README.md"];
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let all = Scope::new(&[]).unwrap();
        assert!(all.is_all() && takes(&all, &paths).len() == 4);
        let project = Scope::new(&texts(&["/web/", "*.md", "!/README.md"])).unwrap();
        assert_eq!(takes(&project, &paths), ["web/a.md", "web/lib/b.rs", "api/a.md"]);
        let asked = project.within(&texts(&["./web", "lib/"])).unwrap();
        assert_eq!(takes(&asked, &paths), ["web/a.md", "web/lib/b.rs"]);
        let asked = asked.within(&texts(&["*.md"])).unwrap();
        assert_eq!(takes(&asked, &paths), ["web/a.md"]);
        let error = asked.within(&texts(&["[z-a]"])).unwrap_err();
        assert_eq!((error.kind, error.hints.len()), (Kind::Usage, 1));
        assert_eq!(Scope::new(&texts(&["[z-a]"])).unwrap_err().kind, Kind::Config);
    }
}
