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

/// The paths that are a project's, gitignore-style; none means all.
#[derive(Debug)]
pub struct Scope(Option<Gitignore>);

impl Scope {
    /// From `project.paths`.
    ///
    /// # Errors
    /// A pattern is invalid.
    pub fn new(patterns: &[String]) -> Result<Scope> {
        if patterns.is_empty() {
            return Ok(Scope(None));
        }
        let mut builder = GitignoreBuilder::new("");
        let invalid = |error: ignore::Error| Failure::new(Kind::Config, format!("project.paths: {error}"));
        for pattern in patterns {
            builder.add_line(None, pattern).map_err(invalid)?;
        }
        Ok(Scope(Some(builder.build().map_err(invalid)?)))
    }

    /// Whether everything is the project's.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a commit touches the project; a merge, whether it does against
    /// each of its parents.
    ///
    /// # Errors
    /// git failed.
    pub fn touched_by(&self, ctx: &Context<'_>, commit: Oid) -> Result<bool> {
        let Some(patterns) = &self.0 else { return Ok(true) };
        history::touches(&ctx.repo, commit, |path| {
            let path = String::from_utf8_lossy(path);
            patterns.matched_path_or_any_parents(Path::new(&*path), false).is_ignore()
        })
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
