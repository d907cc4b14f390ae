//! Finds what a build made in its checkout: files by glob, references by the
//! lines the build wrote.
//!
//! Whatever is wrong here is the build's fault and fails it, with a sentence
//! for whoever wrote the build. Nothing is opened but folders; reading and
//! hashing the files is the cache's.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

use crate::domain::artifact::{Reference, check_name};
use crate::domain::name::Sha256;
use crate::store::error::{self, ArtifactError, CollectError, During, PatternFault, ReferenceFault, Task};

/// A file a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedFile {
    /// Its name, fit for an artifact.
    pub name: String,
    /// Where it really is, links resolved: below the checkout's root.
    pub path: PathBuf,
}

/// The files below `root` that match these globs, sorted by name.
///
/// A pattern is relative to `root`: `*` stays within one folder, `**` spans
/// any number, a leading dot is nothing special. It is searched only below its
/// part without wildcards, so `dist/*.tar.gz` costs one listing however large
/// the checkout. Regular files match, and links to them that stay within
/// the checkout; links to folders are not entered unless a pattern spells
/// them out, and nothing named `.git` is ever looked at. A file that several
/// patterns match counts once.
pub fn collect(root: &Path, patterns: &[String]) -> Result<Vec<CollectedFile>, CollectError> {
    let real_root = root.canonicalize().map_err(|cause| unreadable(root, cause))?;
    // By path first: a file that two patterns match is not two files.
    let mut files = BTreeMap::new();
    for text in patterns {
        let pattern = Pattern::parse(text)?;
        let mut matched = false;
        pattern.walk(&real_root, |path| {
            if let Some(real) = real_file(&real_root, path)? {
                matched = true;
                files.insert(path.to_owned(), real);
            }
            Ok(())
        })?;
        if !matched {
            let folder = pattern.is_literal() && real_root.join(&pattern.prefix).is_dir();
            return Err(CollectError::NothingMatched { pattern: text.clone(), folder });
        }
    }
    let mut by_name: BTreeMap<String, (PathBuf, PathBuf)> = BTreeMap::new();
    for (path, real) in files {
        let name = name_of(&path)?;
        if let Some((first, _)) = by_name.get(&name) {
            return Err(CollectError::EqualNames { name, first: first.clone(), second: path });
        }
        by_name.insert(name, (path, real));
    }
    Ok(by_name.into_iter().map(|(name, (_, path))| CollectedFile { name, path }).collect())
}

/// Where a file really is; `None` for what is no regular file.
fn real_file(root: &Path, path: &Path) -> Result<Option<PathBuf>, CollectError> {
    let link = root.join(path);
    let real = match link.canonicalize() {
        Ok(real) => real,
        // A link to nothing is nothing; if nothing else matches, that is said.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(path, cause)),
    };
    if !real.metadata().map_err(|cause| unreadable(path, cause))?.is_file() {
        return Ok(None);
    }
    match real.strip_prefix(root) {
        Ok(within) if !within.iter().any(is_git) => Ok(Some(real)),
        _ => Err(CollectError::Outside { path: path.to_owned(), target: real }),
    }
}

fn name_of(path: &Path) -> Result<String, CollectError> {
    let bad = |why| CollectError::Name { path: path.to_owned(), why };
    let name = path.file_name().unwrap_or_default();
    let name = name.to_str().ok_or_else(|| bad(None))?;
    check_name(name).map_err(|error| bad(Some(error.0)))?;
    Ok(name.to_owned())
}

fn is_git(part: &OsStr) -> bool {
    part.eq_ignore_ascii_case(".git")
}

fn unreadable(path: &Path, cause: io::Error) -> CollectError {
    CollectError::Unreadable { path: path.to_owned(), cause }
}

/// A glob and where to look for it.
struct Pattern {
    /// The folders (for a plain name: the file) that the glob begins with.
    prefix: PathBuf,
    /// How many levels below `prefix` a match can be; `None` for any.
    depth: Option<usize>,
    matcher: GlobMatcher,
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, CollectError> {
        let bad = |why| CollectError::Pattern { pattern: text.to_owned(), why };
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if text.starts_with('/') {
            return Err(bad(PatternFault::Absolute));
        }
        if parts.contains(&"..") {
            return Err(bad(PatternFault::LeadsOut));
        }
        if parts.is_empty() {
            return Err(bad(PatternFault::Empty));
        }
        let matcher = GlobBuilder::new(&parts.join("/"))
            .literal_separator(true)
            .build()
            .map_err(|error| bad(PatternFault::NoGlob(error.kind().to_string())))?
            .compile_matcher();
        let literal = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).count();
        let rest = &parts[literal..];
        // Braces, classes and escapes may span a slash.
        let any_depth = rest.iter().any(|part| part.contains("**") || part.contains(['{', '[', '\\']));
        Ok(Pattern {
            prefix: parts[..literal].iter().collect(),
            depth: (!any_depth).then_some(rest.len()),
            matcher,
        })
    }

    fn is_literal(&self) -> bool {
        self.depth == Some(0)
    }

    /// Calls `found` with each matching path below `root`, relative to it.
    fn walk(
        &self,
        root: &Path,
        mut found: impl FnMut(&Path) -> Result<(), CollectError>,
    ) -> Result<(), CollectError> {
        let start = root.join(&self.prefix);
        if self.prefix.iter().any(is_git) || !start.exists() {
            return Ok(());
        }
        let entries = WalkBuilder::new(&start)
            .standard_filters(false)
            .max_depth(self.depth)
            .filter_entry(|entry| !is_git(entry.file_name()))
            .build();
        for entry in entries {
            let entry = entry.map_err(|error| {
                let text = error.to_string();
                unreadable(&start, error.into_io_error().unwrap_or_else(|| io::Error::other(text)))
            })?;
            let Ok(path) = entry.path().strip_prefix(root) else {
                continue;
            };
            let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
            if plain && self.matcher.is_match(path) {
                found(path)?;
            }
        }
        Ok(())
    }
}

/// Fails if one of these files is larger than `limit`; nothing is read of it.
pub fn check_sizes(files: &[CollectedFile], limit: u64) -> error::Result<()> {
    for CollectedFile { name, path } in files {
        let size = path.metadata().during_with(|| Task::ReadPath(path.clone()))?.len();
        if size > limit {
            return Err(ArtifactError::TooLarge { name: name.clone(), size, limit }.into());
        }
    }
    Ok(())
}

/// What a build wrote to `REL_REFERENCES`: lines
/// `name=registry/app@sha256:<64 hex digits>`, sorted by name.
///
/// Blank lines, and a line that is there twice, are fine. A reference without
/// a digest could change after it was recorded, one with a user or password
/// would put it into a tag: both are errors, as is a name given twice, or one
/// that a file has.
pub fn references(text: &str, files: &[CollectedFile]) -> Result<Vec<Reference>, CollectError> {
    let mut by_name: BTreeMap<String, Reference> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let bad = |why| CollectError::Reference { line: index + 1, text: line.to_owned(), why };
        let reference = reference(line).map_err(bad)?;
        if files.iter().any(|file| file.name == reference.name) {
            return Err(bad(ReferenceFault::OfFile(reference.name)));
        }
        match by_name.get(&reference.name) {
            Some(same) if *same == reference => {}
            Some(other) => {
                return Err(bad(ReferenceFault::Taken { name: reference.name, uri: other.uri.clone() }));
            }
            None => {
                by_name.insert(reference.name.clone(), reference);
            }
        }
    }
    Ok(by_name.into_values().collect())
}

fn reference(line: &str) -> Result<Reference, ReferenceFault> {
    if line.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(ReferenceFault::Spaces);
    }
    let (name, uri) = line.split_once('=').ok_or(ReferenceFault::NoEquals)?;
    if name.is_empty() {
        return Err(ReferenceFault::NoName);
    }
    let (place, digest) = uri.rsplit_once('@').ok_or(ReferenceFault::NotPinned)?;
    let digest: Sha256 = digest.parse().map_err(|_| ReferenceFault::NotPinned)?;
    if place.is_empty() {
        return Err(ReferenceFault::NoRegistry);
    }
    if place.contains('@') {
        return Err(ReferenceFault::SecondAt);
    }
    Ok(Reference { name: name.to_owned(), uri: uri.to_owned(), digest })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::failure::Failure;

    /// A checkout with these files in it.
    fn checkout(files: &[&str]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        dir
    }

    fn run(dir: &TempDir, patterns: &[&str]) -> Result<Vec<CollectedFile>, CollectError> {
        collect(dir.path(), &patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>())
    }

    fn names(dir: &TempDir, patterns: &[&str]) -> Vec<String> {
        run(dir, patterns).unwrap().into_iter().map(|found| found.name).collect()
    }

    fn error(dir: &TempDir, patterns: &[&str]) -> String {
        Failure::from(run(dir, patterns).unwrap_err()).message
    }

    #[test]
    fn patterns_find_what_they_say() {
        let dir = checkout(&[
            "dist/b.tgz",
            "dist/a.tgz",
            "dist/deep/c.tgz",
            "dist/my app.zip",
            "top.txt",
            "x/.hid",
        ]);
        for (pattern, expected) in [
            ("dist/*.tgz", &["a.tgz", "b.tgz"][..]),
            ("./dist//a.tgz", &["a.tgz"]),
            ("dist/**/*.tgz", &["a.tgz", "b.tgz", "c.tgz"]),
            ("**/*.tgz", &["a.tgz", "b.tgz", "c.tgz"]),
            ("*/*/c.*", &["c.tgz"]),
            ("{dist/deep/c.tgz,top.txt}", &["c.tgz", "top.txt"]),
            ("dist/my app.zip", &["my app.zip"]),
            ("dist/[ab].tgz", &["a.tgz", "b.tgz"]),
            ("*", &["top.txt"]),
            ("x/*", &[".hid"]),
        ] {
            assert_eq!(names(&dir, &[pattern]), expected, "{pattern}");
        }
        assert!(names(&dir, &[]).is_empty());
        assert_eq!(names(&dir, &["dist/*.tgz", "dist/a*"]), ["a.tgz", "b.tgz"], "twice matched, once taken");
        let found = &run(&dir, &["top.txt"]).unwrap()[0];
        assert_eq!(fs::read(&found.path).unwrap(), b"top.txt");
    }

    #[test]
    fn what_is_not_below_the_plain_part_is_not_searched() {
        let dir = checkout(&["dist/a", "node_modules/b", "dist/deep/er/c"]);
        // A folder that cannot be listed shows who tries; root can list any.
        let shut = |path: &str| {
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o000)).unwrap();
            fs::read_dir(dir.path().join(path)).is_err()
        };
        let notices = shut("node_modules") && shut("dist/deep");
        assert_eq!(names(&dir, &["dist/*"]), ["a"]);
        if notices {
            assert!(matches!(run(&dir, &["**"]), Err(CollectError::Unreadable { .. })));
        }
        for path in ["node_modules", "dist/deep"] {
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let pattern = |text| {
            let Pattern { prefix, depth, .. } = Pattern::parse(text).unwrap();
            (prefix.to_str().unwrap().to_owned(), depth)
        };
        assert_eq!(pattern("dist/out/*.tgz"), ("dist/out".to_owned(), Some(1)));
        assert_eq!(pattern("dist/a.tgz"), ("dist/a.tgz".to_owned(), Some(0)));
        assert_eq!(pattern("*/x/*"), (String::new(), Some(3)));
        assert_eq!(pattern("dist/**/x"), ("dist".to_owned(), None));
        assert_eq!(pattern("dist/{a/b,c}"), ("dist".to_owned(), None));
    }

    #[test]
    fn a_pattern_without_a_match_fails() {
        let dir = checkout(&["dist/a"]);
        for pattern in ["dist/*.tgz", "nowhere/**", "dist/b", "dist/a/b"] {
            let error = error(&dir, &["dist/a", pattern]);
            assert!(error.contains(pattern) && error.contains("matches no file"), "{error}");
        }
        assert!(error(&dir, &["dist"]).contains("\"dist/*\""));
    }

    #[test]
    fn equal_names_fail() {
        let dir = checkout(&["one/app", "two/app"]);
        let error = error(&dir, &["*/app"]);
        for part in ["\"app\"", "one/app", "two/app"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn bad_patterns_fail() {
        let dir = checkout(&["a"]);
        for pattern in ["/etc/passwd", "../a", "x/../../a", "", "/", ".", "[a", "{a"] {
            assert!(matches!(run(&dir, &[pattern]), Err(CollectError::Pattern { .. })), "{pattern}");
        }
    }

    #[test]
    fn git_is_never_looked_at() {
        let dir = checkout(&[".git/config", "sub/.git", "sub/a"]);
        assert_eq!(names(&dir, &["**"]), ["a"]);
        for pattern in [".git/config", ".git/*", "sub/.git", "*/.git"] {
            assert!(matches!(run(&dir, &[pattern]), Err(CollectError::NothingMatched { .. })), "{pattern}");
        }
        symlink("../.git/config", dir.path().join("sub/link")).unwrap();
        assert!(matches!(run(&dir, &["sub/*"]), Err(CollectError::Outside { .. })));
    }

    #[test]
    fn links_may_not_leave_the_checkout() {
        let outside = checkout(&["secret"]);
        let dir = checkout(&["out/app-1.tgz", "dist/keep"]);
        symlink("../out/app-1.tgz", dir.path().join("dist/app.tgz")).unwrap();
        symlink("nowhere", dir.path().join("dist/broken")).unwrap();
        symlink("../out", dir.path().join("dist/folder")).unwrap();
        assert_eq!(names(&dir, &["dist/**"]), ["app.tgz", "keep"]);
        let found = run(&dir, &["dist/app.tgz"]).unwrap();
        assert_eq!(found[0].path, dir.path().canonicalize().unwrap().join("out/app-1.tgz"));
        assert_eq!(names(&dir, &["dist/folder/*"]), ["app-1.tgz"], "spelt out, so entered");

        symlink(outside.path().join("secret"), dir.path().join("dist/secret")).unwrap();
        assert!(error(&dir, &["dist/*"]).contains("dist/secret"));
        symlink(outside.path(), dir.path().join("gone")).unwrap();
        assert!(matches!(run(&dir, &["gone/*"]), Err(CollectError::Outside { .. })));
        assert!(matches!(run(&dir, &["gone/secret"]), Err(CollectError::Outside { .. })));
    }

    #[test]
    fn names_that_no_artifact_may_bear_fail() {
        for name in [&b"a\nb"[..], b"\x1b[2J", b"\xff", b"a ", b"git~1"] {
            let dir = checkout(&["ok"]);
            fs::write(dir.path().join(OsStr::from_bytes(name)), "").unwrap();
            let error = error(&dir, &["*"]);
            assert!(error.contains("cannot be an artifact"), "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_told_by_its_size_alone() {
        let dir = checkout(&["small", "larger"]);
        let found = run(&dir, &["*"]).unwrap();
        assert!(check_sizes(&found, 6).is_ok());
        let error = check_sizes(&found, 5).unwrap_err();
        let error::Error::Artifact(ArtifactError::TooLarge { name, size, limit }) = error else {
            panic!("{error:?}")
        };
        assert_eq!((name.as_str(), size, limit), ("larger", 6, 5));
    }

    #[test]
    fn a_reference_is_named_as_no_file_is() {
        let found = run(&checkout(&["web"]), &["*"]).unwrap();
        let text = format!("web=r.io/web@sha256:{}", "a".repeat(64));
        let error = Failure::from(references(&text, &found).unwrap_err()).message;
        assert!(error.starts_with("two artifacts would be named \"web\": line 1"), "{error}");
    }

    #[test]
    fn references_are_pinned() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("web=r.io/web:1@{digest}\r\n\napi=r.io/api@{digest}\nweb=r.io/web:1@{digest}");
        let found = references(&text, &[]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name.as_str(), &found[0].uri), ("api", &format!("r.io/api@{digest}")));
        assert_eq!(found[1].digest.to_string(), digest);
        assert!(references("", &[]).unwrap().is_empty());

        for (line, part) in [
            ("api=r.io/api:latest".to_owned(), "not pinned"),
            (format!("api=r.io/api@{}", &digest[..70]), "not pinned"),
            (format!("api=r.io/api@{}", digest.to_uppercase()), "not pinned"),
            (format!("r.io/api@{digest}"), "no '='"),
            (format!("=r.io/api@{digest}"), "no name"),
            (format!("api=@{digest}"), "no registry"),
            (format!("api=me:secret@r.io/api@{digest}"), "no user"),
            (format!("a b=r.io/api@{digest}"), "spaces"),
            (format!("ok=r.io/other@{digest}"), "already r.io/ok"),
        ] {
            let error =
                Failure::from(references(&format!("ok=r.io/ok@{digest}\n{line}\n"), &[]).unwrap_err())
                    .message;
            assert!(error.contains("line 2") && error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn references_survive_whatever_a_build_writes(text in "\\PC*|([a-z@=:\\n \\x1b]{0,40})") {
            if let Ok(found) = references(&text, &[]) {
                for one in found {
                    let pinned = one.uri.ends_with(&format!("@{}", one.digest));
                    prop_assert!(pinned);
                }
            }
        }

        #[test]
        fn patterns_never_lead_out(pattern in "[a-z./*?{},\\[\\]\\\\!]{0,12}") {
            let dir = checkout(&["in/a"]);
            if let Ok(found) = collect(&dir.path().join("in"), &[pattern]) {
                prop_assert!(found.iter().all(|one| one.path.ends_with("in/a")));
            }
        }
    }
}
