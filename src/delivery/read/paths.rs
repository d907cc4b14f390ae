//! What counts as a project's change: its `paths`, and the versions others took.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::delivery::read::context::Context;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::changes::Change;
use crate::domain::env::Live;
use crate::domain::name::Oid;
use crate::domain::spelled::{Rank, Spelled};
use crate::domain::version::{Parsed, Version};
use crate::failure::{Failure, Kind, Result};
use crate::store::history;

/// The paths that count: a project's, gitignore-style, and of those what
/// somebody asked for.
#[derive(Debug)]
pub struct Scope(Vec<Set>);

/// Patterns of which one has to match.
#[derive(Debug)]
struct Set {
    patterns: Gitignore,
    /// Below which paths all that matches is; none where it may be anywhere.
    roots: Option<Vec<String>>,
}

/// The path that all that a pattern matches lies at or below: what stands
/// before its first wildcard. None where it says nothing of folders.
fn root(pattern: &str) -> Option<String> {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let plain = |part: &&str| !part.contains(['*', '?', '[', '\\']);
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).take_while(plain).collect();
    anchored.then(|| parts.join("/"))
}

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
            let including = patterns.iter().map(|pattern| pattern.trim());
            let including =
                including.filter(|pattern| !pattern.is_empty() && !pattern.starts_with(['!', '#']));
            self.0.push(Set { patterns: builder.build()?, roots: including.map(root).collect() });
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
        self.0
            .iter()
            .all(|set| set.patterns.matched_path_or_any_parents(Path::new(&*path), false).is_ignore())
    }

    /// Whether a path that counts may lie in this folder.
    fn may_lie_in(&self, folder: &[u8]) -> bool {
        let folder = String::from_utf8_lossy(folder);
        let within = |inner: &str, outer: &str| {
            outer.is_empty()
                || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().all(|set| {
            let Some(roots) = &set.roots else { return true };
            roots.iter().any(|root| within(&folder, root) || within(root, &folder))
        })
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
        history::touches(&ctx.repo, commit, |path| self.takes(path), |folder| self.may_lie_in(folder))
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

/// A range of commits, with the project's own of them.
#[derive(Debug, Clone)]
pub struct Walked {
    exclude: Oid,
    include: Oid,
    own: Rc<[Change]>,
}

/// The project's own commits that `include` contains and `exclude` does not,
/// newest first. Of one range, nothing is read twice in a row.
///
/// # Errors
/// git failed.
pub fn between(ctx: &Context<'_>, snapshot: &Snapshot, exclude: Oid, include: Oid) -> Result<Rc<[Change]>> {
    if let Some(walked) = &*snapshot.walked.borrow()
        && (walked.exclude, walked.include) == (exclude, include)
    {
        return Ok(walked.own.clone());
    }
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let mut own = Vec::new();
    for commit in history::range(&ctx.repo, &[exclude], include)? {
        if scope.touched_by(ctx, commit)? {
            own.push(commit);
        }
    }
    let own: Rc<[Change]> = changes(ctx, &own)?.into();
    snapshot.walked.replace(Some(Walked { exclude, include, own: own.clone() }));
    Ok(own)
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

/// The newest baseline below a commit: what was recorded as live somewhere,
/// and is an ancestor of it.
///
/// # Errors
/// git failed.
pub fn baseline(ctx: &Context<'_>, snapshot: &Snapshot, commit: Oid) -> Result<Option<Live>> {
    let stacks = snapshot.environments.values().flat_map(|view| &view.state.stack);
    let mut baselines: Vec<&Live> = stacks.filter(|live| live.is_baseline() && live.position > 0).collect();
    baselines.sort_by_key(|live| std::cmp::Reverse(live.position));
    for live in baselines {
        if ctx.repo.has_object(live.commit) && history::is_ancestor(&ctx.repo, live.commit, commit)? {
            return Ok(Some(live.clone()));
        }
    }
    Ok(None)
}

/// A version that a tag of somebody else's takes.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The release it is, or belongs to.
    pub release: Version,
    /// The version as it is spelled, without the text before it.
    pub text: String,
    /// What the tag says.
    pub parsed: Parsed,
    /// Where it stands among tags of the same release.
    pub rank: Rank,
    /// Its commit; none where the tag is at something else.
    pub commit: Option<Oid>,
}

/// The versions that tags of others take.
#[derive(Debug, Default)]
pub struct Foreign {
    taken: Vec<Taken>,
    /// The latest one at each commit.
    at: HashMap<Oid, usize>,
}

impl Foreign {
    /// Reads the authority's tags as this clone knows them.
    ///
    /// # Errors
    /// git failed.
    pub fn read(ctx: &Context<'_>, snapshot: &Snapshot) -> Result<Foreign> {
        let mut foreign = Foreign::default();
        let tags = snapshot.tags(ctx)?;
        for (tag, _, parsed) in snapshot.foreign(ctx, &tags) {
            let text = snapshot.style.version_text(tag.as_str()).unwrap_or(tag.as_str()).to_owned();
            let Some(rank) = Spelled::read(&text).map(|spelled| spelled.rank()) else { continue };
            let commit = tags.commit(ctx, tag.as_str())?;
            foreign.taken.push(Taken { release: parsed.version().clone(), text, parsed, rank, commit });
        }
        foreign.taken.sort_by(|a, b| (&a.release, &a.rank).cmp(&(&b.release, &b.rank)));
        let places = foreign.taken.iter().enumerate();
        foreign.at = places.filter_map(|(index, taken)| Some((taken.commit?, index))).collect();
        Ok(foreign)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// The latest version at this commit.
    pub fn at(&self, commit: Oid) -> Option<&Taken> {
        self.at.get(&commit).map(|index| &self.taken[*index])
    }

    /// The latest full release, wherever it is: nothing is released below it.
    pub fn latest_release(&self) -> Option<&Version> {
        let full = self.taken.iter().rev().find(|taken| matches!(taken.parsed, Parsed::Release(_)));
        full.map(|taken| &taken.release)
    }

    /// The full releases that are at a commit, the latest first.
    pub fn releases(&self) -> impl Iterator<Item = (&Version, Oid)> {
        let full = self.taken.iter().rev().filter(|taken| matches!(taken.parsed, Parsed::Release(_)));
        full.filter_map(|taken| Some((&taken.release, taken.commit?)))
    }

    /// Whether a tag of others takes this version.
    pub fn takes(&self, version: &Version) -> bool {
        self.taken.binary_search_by(|taken| taken.release.cmp(version)).is_ok()
    }

    /// The first number of `release` above those that tags of others take.
    pub fn least_number(&self, release: &Version) -> u32 {
        let numbers = self.taken.iter().filter_map(|taken| match &taken.parsed {
            Parsed::Candidate(candidate) if candidate.release == *release => Some(candidate.number),
            _ => None,
        });
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
    fn a_folder_is_passed_over_only_where_nothing_in_it_can_count() {
        let may = |patterns: &[&str], folder: &str| {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            Scope::new(&patterns).unwrap().may_lie_in(folder.as_bytes())
        };
        for (patterns, folder, expected) in [
            (&["/web/"][..], "web", true),
            (&["/web/"], "web/lib", true),
            (&["/web/"], "website", false),
            (&["/web/lib/*.rs"], "web", true),
            (&["/web/lib/*.rs"], "web/lib", true),
            (&["/web/lib/*.rs"], "web/doc", false),
            (&["web/lib"], "api", false),
            (&["web/"], "api", true),
            (&["*.md"], "api", true),
            (&["/*.md"], "api", true),
            (&["/web", "!/web/doc"], "web/doc", true),
            (&["/web", "!*.md"], "api", false),
            (&["/w*b/lib"], "api", true),
        ] {
            assert_eq!(may(patterns, folder), expected, "{patterns:?} {folder}");
        }
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
