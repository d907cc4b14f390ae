//! One commit's change, put onto another commit.
//!
//! Trees first, and nothing but trees: whether a pick is clean is known before
//! any commit exists, and without a checkout where git can do that (2.40 or
//! later). Conflicts are reported, never resolved here. Moves no ref.

mod commit;
mod message;

pub use commit::commit_pick;

use git2::ObjectType;

use crate::domain::name::Oid;

use super::checkout::Checkout;
use super::error::{During, Error, PickError, Result, Task};
use super::git::{Git, GitOutput};
use super::repo::Repo;

/// The first git whose `merge-tree` takes a merge base.
const MERGE_TREE: (u32, u32, u32) = (2, 40, 0);

/// The result of a pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickOutcome {
    /// The tree that results.
    Clean(Oid),
    /// The change is there already.
    Empty,
    /// The paths in conflict, fit for printing; empty if git names none.
    Conflict(Vec<String>),
}

/// Computes the tree of `onto` with the change of `source` put on it, as `git cherry-pick` would.
/// `mainline` is the parent, from 1, against which a merge's change is taken; as for git, it means
/// nothing for what has no parent.
///
/// # Errors
/// A merge without `mainline`, or one that names no parent; git cannot do it.
pub fn pick(repo: &Repo, source: Oid, onto: Oid, mainline: Option<u32>) -> Result<PickOutcome> {
    let parents = repo.commit(source)?.parents;
    let base = match (parents.as_slice(), mainline) {
        ([], _) => None,
        ([parent], None | Some(1)) => Some(*parent),
        ([_, _, ..], None) => return Err(PickError::Merge(source).into()),
        (parents, Some(number)) => {
            let parent = (number as usize).checked_sub(1).and_then(|index| parents.get(index));
            Some(*parent.ok_or(PickError::NoParent { commit: source, number })?)
        }
    };
    let before = repo.commit(onto)?.tree;
    let picked = match merge_tree(repo, base, onto, source)? {
        Some(picked) => picked,
        None => in_a_worktree(repo, source, onto, mainline)?,
    };
    Ok(if picked == PickOutcome::Clean(before) { PickOutcome::Empty } else { picked })
}

/// Picks by `git merge-tree`. Returns `None` if this git cannot.
fn merge_tree(repo: &Repo, base: Option<Oid>, onto: Oid, source: Oid) -> Result<Option<PickOutcome>> {
    let base = base.map_or_else(|| nothing(repo), Ok)?;
    let output = Git::new(repo)
        // Merge drivers and text attributes are those of the commit picked onto, whatever the
        // working tree has. Older versions do not know the variable, and read the working tree's.
        .env("GIT_ATTR_SOURCE", onto.to_string())
        .args(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"])
        .arg(format!("--merge-base={base}"))
        .arg(onto.to_string())
        .arg(source.to_string())
        .run()?;
    let clean = match output.status.code() {
        Some(0) => true,
        Some(1) => false,
        _ if Git::version(repo)? < MERGE_TREE => return Ok(None),
        _ => return Err(cannot_pick(source, onto, &output)),
    };
    match parse(&output.stdout, clean) {
        Some(PickOutcome::Conflict(paths)) => with_sides_named(repo, paths, onto, source).map(Some),
        Some(picked) => Ok(Some(picked)),
        None => Err(cannot_pick(source, onto, &output)),
    }
}

/// Calls the sides in the names of files that are in the way of a folder what `git cherry-pick`
/// calls them: `file~HEAD`. `git merge-tree` knows nothing but the ids that it is given.
fn with_sides_named(repo: &Repo, paths: Vec<String>, onto: Oid, source: Oid) -> Result<PickOutcome> {
    let [ours, theirs] = [onto, source].map(|oid| format!("~{oid}"));
    if !paths.iter().any(|path| path.contains(&ours) || path.contains(&theirs)) {
        return Ok(PickOutcome::Conflict(paths));
    }
    let message = repo.commit(source)?.message;
    let subject = message.lines().next().unwrap_or_default().replace('/', "_");
    let named = printable(format!("~{} ({subject})", source.short()).as_bytes());
    let name = |path: String| path.replace(&ours, "~HEAD").replace(&theirs, &named);
    Ok(PickOutcome::Conflict(paths.into_iter().map(name).collect()))
}

/// A commit without files, the base of a pick that has no parent. The same every time.
fn nothing(repo: &Repo) -> Result<Oid> {
    let tree = repo.put(ObjectType::Tree, b"")?;
    let data = format!("tree {tree}\nauthor rel <> 0 +0000\ncommitter rel <> 0 +0000\n\nnothing\n");
    repo.put(ObjectType::Commit, data.as_bytes())
}

/// Reads what `merge-tree -z --name-only --no-messages` prints: the tree, then the paths in
/// conflict, each ended by NUL.
fn parse(stdout: &[u8], clean: bool) -> Option<PickOutcome> {
    let mut fields = stdout.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let tree = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let mut paths = Vec::new();
    for path in fields {
        if path.is_empty() {
            return None;
        }
        paths.push(printable(path));
    }
    match (clean, paths.is_empty()) {
        (true, true) => Some(PickOutcome::Clean(tree)),
        (true, false) => None,
        (false, _) => {
            paths.dedup();
            Some(PickOutcome::Conflict(paths))
        }
    }
}

/// A path for people.
pub(in crate::store) fn printable(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Picks by `git cherry-pick` in a temporary checkout.
fn in_a_worktree(repo: &Repo, source: Oid, onto: Oid, mainline: Option<u32>) -> Result<PickOutcome> {
    let place = tempfile::tempdir().during(Task::MakeTemporaryFolder)?;
    let checkout = Checkout::without_submodules(repo, onto, place.path())?;
    let git = || {
        Git::new(repo)
            .cwd(checkout.path())
            .set("core.hooksPath=/dev/null")
            .set("core.sparseCheckout=false")
            .set("rerere.enabled=false")
    };
    let picking = git().args(["cherry-pick", "--no-commit"]);
    let picking = match mainline {
        Some(n) => picking.args(["-m".to_owned(), n.to_string()]),
        None => picking,
    };
    let output = picking.arg(source.to_string()).run()?;
    let picked = if output.status.success() {
        let written = git().arg("write-tree").run_ok(Task::WritePickTree)?;
        let tree = written.stdout_text().trim_end().parse();
        PickOutcome::Clean(tree.during(Task::WritePickTree)?)
    } else {
        let unmerged =
            git().args(["diff", "--name-only", "--diff-filter=U", "-z"]).run_ok(Task::ListPickConflicts)?;
        let paths: Vec<String> =
            unmerged.stdout.split(|b| *b == 0).filter(|path| !path.is_empty()).map(printable).collect();
        if paths.is_empty() {
            return Err(cannot_pick(source, onto, &output));
        }
        PickOutcome::Conflict(paths)
    };
    checkout.remove()?;
    Ok(picked)
}

fn cannot_pick(source: Oid, onto: Oid, output: &GitOutput) -> Error {
    Task::Pick { source, onto }.said(output.said())
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::path::Path;

    use super::super::repo::fixture::Sandbox;
    use super::*;

    /// Every git there is: the one on PATH; one that stands in for an old one; and the one that
    /// `REL_TEST_GIT` names, where it names one.
    fn each_git(test: impl Fn(&Sandbox)) {
        let at = |place: &Path| {
            let mut sandbox = Sandbox::new();
            let others = std::env::split_paths(&sandbox.world.env[OsStr::new("PATH")]).collect::<Vec<_>>();
            let path = std::env::join_paths(std::iter::once(place.to_owned()).chain(others)).unwrap();
            sandbox.world.env.insert("PATH".into(), path);
            sandbox
        };
        let old = at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/old-git"));
        assert!(Git::version(&old.open("work")).unwrap() < MERGE_TREE);
        let mut sandboxes = vec![Sandbox::new(), old];
        let named: Option<OsString> = sandboxes[0].world.env.get(OsStr::new("REL_TEST_GIT")).cloned();
        sandboxes.extend(named.map(|git| at(Path::new(&git).parent().unwrap())));
        for sandbox in &sandboxes {
            test(sandbox);
            assert_eq!(sandbox.git("work", &["worktree", "list"]).lines().count(), 1);
            assert_eq!(sandbox.git("work", &["status", "--porcelain"]), "");
        }
    }

    const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

    #[test]
    fn gives_the_tree_that_cherry_pick_gives() {
        each_git(|sandbox| {
            sandbox.commit("work", "old/f", LINES, "file");
            sandbox.commit("work", "old/g", &LINES.repeat(2), "another");
            sandbox.git("work", &["checkout", "-q", "-b", "release"]);
            sandbox.git("work", &["mv", "old", "new"]);
            let onto = sandbox.commit("work", "new/f", &LINES.replace('9', "nine"), "move the folder");
            sandbox.git("work", &["checkout", "-q", "main"]);
            std::fs::write(sandbox.path("work/old/h"), "added\n").unwrap();
            let source = sandbox.commit("work", "old/f", &LINES.replace('1', "one"), "fix");
            let repo = sandbox.open("work");
            let moved_along = PickOutcome::Conflict(vec!["new/h".to_owned()]);
            assert_eq!(pick(&repo, source, onto, None).unwrap(), moved_along, "git asks by default");
            sandbox.git("work", &["config", "merge.directoryRenames", "true"]);
            let picked = pick(&repo, source, onto, None).unwrap();
            sandbox.git("work", &["checkout", "-q", "--detach", "release"]);
            sandbox.git("work", &["cherry-pick", &source.to_string()]);
            assert_eq!(picked, PickOutcome::Clean(sandbox.oid("work", "HEAD^{tree}")));
            let done = sandbox.oid("work", "HEAD");
            assert_eq!(pick(&repo, source, done, None).unwrap(), PickOutcome::Empty);
            assert_eq!(pick(&repo, source, done, Some(1)).unwrap(), PickOutcome::Empty);
        });
    }

    /// What `git cherry-pick` makes of it in the working tree.
    fn by_git(sandbox: &Sandbox, source: Oid, onto: Oid) -> Option<Oid> {
        by_git_with(sandbox, &[], source, onto)
    }

    fn by_git_with(sandbox: &Sandbox, options: &[&str], source: Oid, onto: Oid) -> Option<Oid> {
        sandbox.git("work", &["checkout", "-q", "-f", "--detach", &onto.to_string()]);
        let source = source.to_string();
        let picking = [&["cherry-pick", "--allow-empty"], options, &[&source]].concat();
        let (done, _) = sandbox.try_git("work", &picking);
        let tree = done.then(|| sandbox.oid("work", "HEAD^{tree}"));
        if !done {
            sandbox.git("work", &["cherry-pick", "--abort"]);
        }
        sandbox.git("work", &["checkout", "-q", "-f", "main"]);
        tree
    }

    #[test]
    fn whatever_a_commit_changes_is_put_where_git_puts_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        each_git(|sandbox| {
            let write = |name: &str, bytes: &[u8]| {
                let path = sandbox.path("work").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            };
            let commit = |message: &str| {
                sandbox.git("work", &["add", "--all"]);
                sandbox.git("work", &["commit", "-q", "--allow-empty", "-m", message]);
                sandbox.oid("work", "HEAD")
            };
            let crlf = LINES.replace('\n', "\r\n");
            write(".gitattributes", b"*.txt text eol=crlf\nlog merge=union\n*.bin binary\n");
            write("plain", LINES.as_bytes());
            write("moved", LINES.repeat(3).as_bytes());
            write("dos.txt", crlf.as_bytes());
            write("log", b"one\n");
            write("a.bin", &[0, 1, 2, 255]);
            write("run.sh", b"#!/bin/sh\n");
            symlink("plain", sandbox.path("work/link")).unwrap();
            let base = commit("base");
            // One that nobody checked out has an empty folder.
            std::fs::create_dir(sandbox.path("work/sub")).unwrap();
            sandbox.git("work", &["update-index", "--add", "--cacheinfo", &format!("160000,{base},sub")]);
            sandbox.git("work", &["commit", "-q", "-m", "a submodule"]);
            // The line that is released has moved one file, and logged something of its own.
            sandbox.git("work", &["checkout", "-q", "-b", "release"]);
            sandbox.git("work", &["mv", "moved", "elsewhere"]);
            write("log", b"one\nreleased\n");
            let onto = commit("what was released");
            sandbox.git("work", &["checkout", "-q", "-f", "main"]);

            let mut sources = Vec::new();
            write("plain", LINES.replace('5', "five").as_bytes());
            sources.push(("text", commit("text")));
            write("moved", LINES.repeat(3).replacen('1', "one", 1).as_bytes());
            sources.push(("a file that was moved there", commit("moved")));
            write("dos.txt", crlf.replace('9', "nine").as_bytes());
            sources.push(("line endings", commit("endings")));
            write("log", b"one\nfixed\n");
            sources.push(("a merge driver", commit("driver")));
            write("a.bin", &[0, 9, 2, 255]);
            sources.push(("a binary file", commit("binary")));
            let executable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(sandbox.path("work/run.sh"), executable).unwrap();
            sources.push(("a mode", commit("mode")));
            std::fs::remove_file(sandbox.path("work/link")).unwrap();
            symlink("moved", sandbox.path("work/link")).unwrap();
            sources.push(("a symbolic link", commit("link")));
            let other = sandbox.oid("work", "HEAD");
            sandbox.git("work", &["update-index", "--cacheinfo", &format!("160000,{other},sub")]);
            sandbox.git("work", &["commit", "-q", "-m", "submodule"]);
            sources.push(("a submodule", sandbox.oid("work", "HEAD")));
            std::fs::remove_file(sandbox.path("work/a.bin")).unwrap();
            sandbox.git("work", &["rm", "-q", "--cached", "a.bin"]);
            sandbox.git("work", &["commit", "-q", "-m", "removed"]);
            sources.push(("a file removed that differs there", sandbox.oid("work", "HEAD")));
            sandbox.git("work", &["commit", "-q", "--allow-empty", "-m", "nothing"]);
            sources.push(("nothing", sandbox.oid("work", "HEAD")));

            let repo = sandbox.open("work");
            let before = repo.commit(onto).unwrap().tree;
            for (what, source) in sources {
                let theirs = by_git(sandbox, source, onto);
                let ours = pick(&repo, source, onto, None).unwrap();
                match (&ours, theirs) {
                    (PickOutcome::Clean(tree), Some(theirs)) => assert_eq!(*tree, theirs, "{what}"),
                    (PickOutcome::Empty, Some(theirs)) => assert_eq!(theirs, before, "{what}"),
                    (PickOutcome::Conflict(_), None) => {}
                    other => panic!("{what}: {other:?}"),
                }
                let clean = matches!(what, "nothing" | "a file removed that differs there");
                assert_eq!(matches!(ours, PickOutcome::Clean(_)), !clean, "{what}: {ours:?}");
            }
        });
    }

    #[test]
    fn conflicts_are_named_and_change_nothing() {
        each_git(|sandbox| {
            let base = sandbox.commit("work", "ein Pfad\t\u{e9}", LINES, "file");
            let source = sandbox.commit("work", "ein Pfad\t\u{e9}", &LINES.replace('5', "five"), "fix");
            sandbox.git("work", &["checkout", "-q", "--detach", &base.to_string()]);
            let onto = sandbox.commit("work", "ein Pfad\t\u{e9}", &LINES.replace('5', "V"), "other");
            let repo = sandbox.open("work");
            let paths = vec!["ein Pfad\u{fffd}\u{e9}".to_owned()];
            assert_eq!(pick(&repo, source, onto, None).unwrap(), PickOutcome::Conflict(paths));
        });
    }

    #[test]
    fn what_is_in_the_way_of_a_folder_is_named_as_git_names_it() {
        each_git(|sandbox| {
            let base = sandbox.commit("work", "a", "a", "base");
            sandbox.commit("work", "file", "f", "fix/this: a file");
            let source = sandbox.commit("work", "folder/inside", "f", "fix/that: a folder");
            sandbox.git("work", &["reset", "-q", "--soft", &base.to_string()]);
            sandbox.git("work", &["commit", "-q", "-m", "fix/both: of them\n\nbody"]);
            let both = sandbox.oid("work", "HEAD");
            sandbox.git("work", &["reset", "-q", "--hard", &base.to_string()]);
            sandbox.commit("work", "file/inside", "f", "a folder");
            let onto = sandbox.commit("work", "folder", "f", "a file");
            let repo = sandbox.open("work");
            let named = |source: Oid| {
                sandbox.git("work", &["checkout", "-q", "--detach", &onto.to_string()]);
                assert!(!sandbox.try_git("work", &["cherry-pick", &source.to_string()]).0);
                let paths = sandbox.git("work", &["diff", "--name-only", "--diff-filter=U"]);
                sandbox.git("work", &["cherry-pick", "--abort"]);
                sandbox.git("work", &["checkout", "-q", "main"]);
                PickOutcome::Conflict(paths.lines().map(str::to_owned).collect())
            };
            let ours = PickOutcome::Conflict(vec!["folder~HEAD".to_owned()]);
            assert_eq!(pick(&repo, source, onto, None).unwrap(), ours);
            assert_eq!(named(source), ours);
            let theirs = format!("file~{} (fix_both: of them)", both.short());
            let ours = PickOutcome::Conflict(vec![theirs, "folder~HEAD".to_owned()]);
            assert_eq!(pick(&repo, both, onto, None).unwrap(), ours);
            assert_eq!(named(both), ours);
        });
    }

    #[test]
    fn merges_need_a_side_and_roots_need_none() {
        each_git(|sandbox| {
            let first = sandbox.oid("work", "HEAD");
            sandbox.git("work", &["checkout", "-q", "-b", "side"]);
            sandbox.commit("work", "b", "b", "right");
            sandbox.git("work", &["checkout", "-q", "main"]);
            sandbox.commit("work", "a", "a", "left");
            sandbox.git("work", &["merge", "-q", "-m", "merge", "side"]);
            let merge = sandbox.oid("work", "HEAD");
            sandbox.git("work", &["checkout", "-q", "--orphan", "root"]);
            sandbox.git("work", &["rm", "-q", "-r", "-f", "--cached", "."]);
            for file in ["README", "a", "b"] {
                std::fs::remove_file(sandbox.path("work").join(file)).unwrap();
            }
            let root = sandbox.commit("work", "r", "r", "root");
            let repo = sandbox.open("work");
            let error = pick(&repo, merge, first, None).unwrap_err();
            assert!(matches!(error, Error::Pick(PickError::Merge(commit)) if commit == merge));
            assert!(matches!(
                pick(&repo, merge, first, Some(3)),
                Err(Error::Pick(PickError::NoParent { .. }))
            ));
            assert!(matches!(
                pick(&repo, merge, first, Some(0)),
                Err(Error::Pick(PickError::NoParent { .. }))
            ));
            let files = |source: Oid, mainline: Option<u32>| {
                let picked = pick(&repo, source, first, mainline).unwrap();
                let PickOutcome::Clean(tree) = picked else { panic!("{picked:?}") };
                let side = mainline.map(|n| format!("-m{n}"));
                assert_eq!(by_git_with(sandbox, side.as_deref().as_slice(), source, first), Some(tree));
                sandbox.git("work", &["ls-tree", "--name-only", &tree.to_string()])
            };
            assert_eq!(files(merge, Some(1)), "README\nb");
            assert_eq!(files(merge, Some(2)), "README\na");
            for mainline in [None, Some(1), Some(2)] {
                assert_eq!(files(root, mainline), "README\nr");
            }
            let single = sandbox.oid("work", "side");
            assert!(matches!(
                pick(&repo, single, first, Some(2)),
                Err(Error::Pick(PickError::NoParent { .. }))
            ));
            assert!(matches!(pick(&repo, single, first, Some(1)), Ok(PickOutcome::Clean(_))));
        });
    }

    #[test]
    fn unfamiliar_output_is_rejected() {
        let tree = "0123456789012345678901234567890123456789";
        let oid = tree.parse().unwrap();
        let bytes = |text: &str| text.replace('|', "\0").replace("T", tree).into_bytes();
        assert_eq!(parse(&bytes("T|"), true), Some(PickOutcome::Clean(oid)));
        assert_eq!(
            parse(&bytes("T|a|a|b c|"), false),
            Some(PickOutcome::Conflict(vec!["a".into(), "b c".into()]))
        );
        assert_eq!(parse(&bytes("T|"), false), Some(PickOutcome::Conflict(vec![])));
        for bad in ["", "T", "T\n", "x|", "T|a", "T|a||message|", "|"] {
            assert_eq!(parse(&bytes(bad), false), None, "{bad}");
        }
        assert_eq!(parse(&bytes("T|a|"), true), None);
    }
}
