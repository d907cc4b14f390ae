//! What counts as a project's change: its `paths`, and the versions others took.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::delivery::error::{Misuse, PolicyFault, Result};
use crate::delivery::read::reader::Reader;
use crate::domain::name::Oid;
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
        Scope(Vec::new()).and(patterns).map_err(|why| PolicyFault::Paths(why).into())
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
        self.and(&bare).map_err(|why| Misuse::Path(why).into())
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
    pub fn touched_by(&self, reader: &Reader, commit: Oid) -> Result<bool> {
        if self.is_all() {
            return Ok(true);
        }
        let may_lie_in = |folder: &[u8]| self.may_lie_in(folder);
        Ok(history::touches(&reader.repo, commit, |path| self.takes(path), may_lie_in)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::error::Error;

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
        assert!(matches!(error, Error::Misuse(Misuse::Path(_))), "{error:?}");
        let error = Scope::new(&texts(&["[z-a]"])).unwrap_err();
        assert!(matches!(error, Error::Policy(PolicyFault::Paths(_))), "{error:?}");
    }
}
