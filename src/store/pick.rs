//! One commit's change, put onto another commit.
//!
//! Trees first, and nothing but trees: whether a pick is clean is known before
//! any commit exists, and without a checkout where git can do that (2.40 or
//! later). Conflicts are reported, never resolved here. Moves no ref.

use chrono::{DateTime, Utc};
use git2::ObjectType;

use crate::domain::name::{Actor, Oid};
use crate::failure::{Doing, Failure, Kind, Result};

use super::checkout::Checkout;
use super::git::{Git, GitOutput};
use super::repo::{Repo, from_git2, to_git2};

/// The first git whose `merge-tree` takes a merge base.
const MERGE_TREE: (u32, u32, u32) = (2, 40, 0);

/// What a pick comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    /// It applies; the tree that results.
    Clean(Oid),
    /// It changes nothing there.
    Empty,
    /// It needs a person; the paths in conflict, fit for printing. May be empty where git names
    /// none.
    Conflict(Vec<String>),
}

/// Computes the tree of `onto` with the change of `source` put on it, as `git cherry-pick` would.
/// `mainline` is the parent, from 1, against which a merge's change is taken.
///
/// # Errors
/// A merge without `mainline`, or one that names no parent ([`Kind::Usage`]); git cannot do it.
pub fn pick(repo: &Repo, source: Oid, onto: Oid, mainline: Option<u32>) -> Result<Picked> {
    let parents = repo.commit(source)?.parents;
    let base = match (parents.as_slice(), mainline) {
        ([], None) => None,
        ([parent], None | Some(1)) => Some(*parent),
        ([_, _, ..], None) => {
            return Err(Failure::new(
                Kind::Usage,
                format!("{} is a merge: which parent's side is to be picked is not said", source.short()),
            )
            .hint(format!("rel cherry-pick -m 1 {}", source.short())));
        }
        (parents, Some(n)) => match (n as usize).checked_sub(1).and_then(|index| parents.get(index)) {
            Some(parent) => Some(*parent),
            None => {
                return Err(Failure::new(Kind::Usage, format!("{} has no parent {n}", source.short()))
                    .hint("leave -m out for a commit that is no merge"));
            }
        },
    };
    let before = repo.commit(onto)?.tree;
    let picked = match merge_tree(repo, base, onto, source)? {
        Some(picked) => picked,
        None => in_a_worktree(repo, source, onto, mainline)?,
    };
    Ok(if picked == Picked::Clean(before) { Picked::Empty } else { picked })
}

/// By `git merge-tree`; None where this git cannot.
fn merge_tree(repo: &Repo, base: Option<Oid>, onto: Oid, source: Oid) -> Result<Option<Picked>> {
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
        Some(picked) => Ok(Some(picked)),
        None => Err(cannot_pick(source, onto, &output)),
    }
}

/// A commit without files, to be the base of what has no parent. The same every time.
fn nothing(repo: &Repo) -> Result<Oid> {
    let tree = repo.put(ObjectType::Tree, b"")?;
    let data = format!("tree {tree}\nauthor rel <> 0 +0000\ncommitter rel <> 0 +0000\n\nnothing\n");
    repo.put(ObjectType::Commit, data.as_bytes())
}

/// Reads what `merge-tree -z --name-only --no-messages` prints: the tree, then the paths in
/// conflict, each ended by NUL.
fn parse(stdout: &[u8], clean: bool) -> Option<Picked> {
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
        (true, true) => Some(Picked::Clean(tree)),
        (true, false) => None,
        (false, _) => {
            paths.dedup();
            Some(Picked::Conflict(paths))
        }
    }
}

/// A path for people.
pub(in crate::store) fn printable(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// By `git cherry-pick` in a temporary checkout.
fn in_a_worktree(repo: &Repo, source: Oid, onto: Oid, mainline: Option<u32>) -> Result<Picked> {
    let place = tempfile::tempdir().doing("cannot make a temporary folder")?;
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
        let written = git().arg("write-tree").run_ok("cannot write the tree of a pick")?;
        let tree = written.stdout_text().trim_end().parse();
        Picked::Clean(tree.doing("cannot write the tree of a pick")?)
    } else {
        let unmerged = git()
            .args(["diff", "--name-only", "--diff-filter=U", "-z"])
            .run_ok("cannot list the conflicts of a pick")?;
        let paths: Vec<String> =
            unmerged.stdout.split(|b| *b == 0).filter(|path| !path.is_empty()).map(printable).collect();
        if paths.is_empty() {
            return Err(cannot_pick(source, onto, &output));
        }
        Picked::Conflict(paths)
    };
    checkout.remove()?;
    Ok(picked)
}

fn cannot_pick(source: Oid, onto: Oid, output: &GitOutput) -> Failure {
    Failure::failed(format!("cannot pick {} onto {}", source.short(), onto.short()))
        .because(anyhow::anyhow!(output.said()))
}

/// Makes the commit of a clean pick: `tree` on `onto`, by the author of `source` at the time and in
/// the zone they wrote it, its message kept byte for byte and in its encoding, with
/// `(cherry picked from commit …)` where `git cherry-pick -x` puts it. Moves no ref.
pub fn commit_pick(
    repo: &Repo,
    source: Oid,
    onto: Oid,
    tree: Oid,
    committer: &Actor,
    at: DateTime<Utc>,
) -> Result<Oid> {
    let doing = || format!("cannot write the pick of {}", source.short());
    if committer.name.is_empty() {
        return Err(Failure::failed(doing()).because(anyhow::anyhow!("nobody made it")));
    }
    repo.git2().find_tree(to_git2(tree)).doing(doing())?;
    let onto = from_git2(repo.find_commit(onto)?.id());
    let commit = repo.find_commit(source)?;
    // Lines that continue another header, such as a signature's, begin with a space.
    let header = |name: &[u8]| {
        commit.raw_header_bytes().split(|byte| *byte == b'\n').find(|line| line.starts_with(name))
    };
    let author = header(b"author ").ok_or_else(|| Failure::failed(doing()))?;
    let mut data = format!("tree {tree}\nparent {onto}\n").into_bytes();
    data.extend_from_slice(author);
    data.extend_from_slice(format!("\ncommitter {committer} {} +0000\n", at.timestamp()).as_bytes());
    if let Some(encoding) = header(b"encoding ") {
        data.extend_from_slice(encoding);
        data.push(b'\n');
    }
    data.push(b'\n');
    data.extend_from_slice(&with_origin(commit.message_raw_bytes(), source));
    repo.put(ObjectType::Commit, &data)
}

/// The message with a line that says where it is from, in the trailer block if there is one.
fn with_origin(message: &[u8], source: Oid) -> Vec<u8> {
    let end = message.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
    let mut text = message[..end].to_vec();
    if !text.is_empty() {
        text.push(b'\n');
        if !ends_with_trailers(&text) {
            text.push(b'\n');
        }
    }
    text.extend_from_slice(format!("(cherry picked from commit {source})\n").as_bytes());
    text
}

/// Whether the last paragraph, not being the first, is a trailer block by git's rules
/// (`git interpret-trailers`): trailers only, or one line in four and among them one that git
/// itself makes.
fn ends_with_trailers(message: &[u8]) -> bool {
    let blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
    let lines: Vec<&[u8]> = message.split(|byte| *byte == b'\n').collect();
    let Some(last) = lines.iter().rposition(|line| !blank(line)) else { return false };
    let Some(first) = lines[..last].iter().rposition(&blank) else { return false };
    if lines[..first].iter().all(&blank) {
        return false;
    }
    let (mut trailers, mut others, mut made_by_git, mut in_trailer) = (0, 0, false, false);
    for line in &lines[first + 1..=last] {
        if line.starts_with(b"#") {
            in_trailer = false;
        } else if line.starts_with(b"Signed-off-by: ") || line.starts_with(b"(cherry picked from commit ") {
            (trailers, made_by_git, in_trailer) = (trailers + 1, true, true);
        } else if line[0].is_ascii_whitespace() {
            // Continues the trailer above it, or is prose.
            others += usize::from(!in_trailer);
        } else if is_trailer(line) {
            (trailers, in_trailer) = (trailers + 1, true);
        } else {
            (others, in_trailer) = (others + 1, false);
        }
    }
    trailers > 0 && (others == 0 || made_by_git && trailers * 3 >= others)
}

/// `Token: value`, the token of letters, digits and `-`.
fn is_trailer(line: &[u8]) -> bool {
    let token = line.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    let spaces = line[token..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    token > 0 && line.get(token + spaces) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::repo::fixture::Sandbox;
    use super::*;

    /// Every git there is: the one on PATH, and an older one beside it where there is one.
    fn each_git(test: impl Fn(&Sandbox)) {
        for dir in ["/usr/bin", "/usr/local/bin"] {
            if Path::new(dir).join("git").exists() {
                let mut sandbox = Sandbox::new();
                let mut path = std::ffi::OsString::from(format!("{dir}:"));
                path.push(&sandbox.world.env[std::ffi::OsStr::new("PATH")]);
                sandbox.world.env.insert("PATH".into(), path);
                test(&sandbox);
                assert_eq!(sandbox.git("work", &["worktree", "list"]).lines().count(), 1);
                assert_eq!(sandbox.git("work", &["status", "--porcelain"]), "");
            }
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
            let moved_along = Picked::Conflict(vec!["new/h".to_owned()]);
            assert_eq!(pick(&repo, source, onto, None).unwrap(), moved_along, "git asks by default");
            sandbox.git("work", &["config", "merge.directoryRenames", "true"]);
            let picked = pick(&repo, source, onto, None).unwrap();
            sandbox.git("work", &["checkout", "-q", "--detach", "release"]);
            sandbox.git("work", &["cherry-pick", &source.to_string()]);
            assert_eq!(picked, Picked::Clean(sandbox.oid("work", "HEAD^{tree}")));
            let done = sandbox.oid("work", "HEAD");
            assert_eq!(pick(&repo, source, done, None).unwrap(), Picked::Empty);
            assert_eq!(pick(&repo, source, done, Some(1)).unwrap(), Picked::Empty);
        });
    }

    /// What `git cherry-pick` makes of it in the working tree.
    fn by_git(sandbox: &Sandbox, source: Oid, onto: Oid) -> Option<Oid> {
        sandbox.git("work", &["checkout", "-q", "--detach", &onto.to_string()]);
        let (done, _) = sandbox.try_git("work", &["cherry-pick", "--allow-empty", &source.to_string()]);
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
                    (Picked::Clean(tree), Some(theirs)) => assert_eq!(*tree, theirs, "{what}"),
                    (Picked::Empty, Some(theirs)) => assert_eq!(theirs, before, "{what}"),
                    (Picked::Conflict(_), None) => {}
                    other => panic!("{what}: {other:?}"),
                }
                let clean = matches!(what, "nothing" | "a file removed that differs there");
                assert_eq!(matches!(ours, Picked::Clean(_)), !clean, "{what}: {ours:?}");
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
            assert_eq!(pick(&repo, source, onto, None).unwrap(), Picked::Conflict(paths));
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
            assert_eq!(error.kind, Kind::Usage);
            assert!(error.hints[0].contains("-m 1"));
            assert_eq!(pick(&repo, merge, first, Some(3)).unwrap_err().kind, Kind::Usage);
            assert_eq!(pick(&repo, merge, first, Some(0)).unwrap_err().kind, Kind::Usage);
            let files = |picked: Picked| {
                let Picked::Clean(tree) = picked else { panic!("{picked:?}") };
                sandbox.git("work", &["ls-tree", "--name-only", &tree.to_string()])
            };
            assert_eq!(files(pick(&repo, merge, first, Some(1)).unwrap()), "README\nb");
            assert_eq!(files(pick(&repo, merge, first, Some(2)).unwrap()), "README\na");
            assert_eq!(files(pick(&repo, root, first, None).unwrap()), "README\nr");
            assert_eq!(pick(&repo, root, first, Some(1)).unwrap_err().kind, Kind::Usage);
        });
    }

    #[test]
    fn unfamiliar_output_is_rejected() {
        let tree = "0123456789012345678901234567890123456789";
        let oid = tree.parse().unwrap();
        let bytes = |text: &str| text.replace('|', "\0").replace("T", tree).into_bytes();
        assert_eq!(parse(&bytes("T|"), true), Some(Picked::Clean(oid)));
        assert_eq!(
            parse(&bytes("T|a|a|b c|"), false),
            Some(Picked::Conflict(vec!["a".into(), "b c".into()]))
        );
        assert_eq!(parse(&bytes("T|"), false), Some(Picked::Conflict(vec![])));
        for bad in ["", "T", "T\n", "x|", "T|a", "T|a||message|", "|"] {
            assert_eq!(parse(&bytes(bad), false), None, "{bad}");
        }
        assert_eq!(parse(&bytes("T|a|"), true), None);
    }

    #[test]
    fn the_commit_is_the_one_cherry_pick_makes() {
        let mut sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let onto = sandbox.oid("work", "HEAD");
        for (n, message) in [
            "one line",
            "title\n\nbody",
            "title\n\nbody\n\nSigned-off-by: B <b@example.com>",
            "title\n\nReviewed-by: B\nIssue : 7",
            "title\n\nNote: a b\n  continued",
            "title\n\nprose\nSigned-off-by: B <b@example.com>\nmore",
            "title\n\nprose: yes\nbut no",
            "Title: looks like one",
            "title\n\n(cherry picked from commit 0123456789012345678901234567890123456789)",
            "title\n\n  indented\nX: y",
            "title\n\nhttp://example.com/",
            "title\n\na\nb\nc\nd\nSigned-off-by: B <b@example.com>",
        ]
        .iter()
        .enumerate()
        {
            sandbox.git("work", &["checkout", "-q", "main"]);
            sandbox.world.env.insert("GIT_AUTHOR_NAME".into(), "Kim".into());
            sandbox.world.env.insert("GIT_AUTHOR_DATE".into(), "1600000000 -0730".into());
            let source = sandbox.commit("work", "f", &n.to_string(), message);
            sandbox.git("work", &["checkout", "-q", "--detach", &onto.to_string()]);
            sandbox.git("work", &["cherry-pick", "-x", "-X", "theirs", &source.to_string()]);
            let theirs = sandbox.oid("work", "HEAD");
            let tree = repo.commit(theirs).unwrap().tree;
            let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
            let ana = Actor::new("Ana", "ana@example.com");
            let ours = commit_pick(&repo, source, onto, tree, &ana, at).unwrap();
            let raw = |oid: Oid| sandbox.git("work", &["cat-file", "commit", &oid.to_string()]);
            let expected = raw(theirs).replace(
                "committer Ana <ana@example.com> 1700000000 +0100",
                "committer Ana <ana@example.com> 1700000000 +0000",
            );
            assert_eq!(raw(ours), expected, "{message:?}");
            sandbox.git("work", &["reset", "-q", "--hard", &onto.to_string()]);
            sandbox.git("work", &["checkout", "-q", "main"]);
            sandbox.git("work", &["reset", "-q", "--hard", &onto.to_string()]);
        }
        sandbox.git("work", &["fsck", "--strict", "--no-dangling"]);
    }

    #[test]
    fn what_is_not_utf_8_stays_as_it_is() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let onto = sandbox.oid("work", "HEAD");
        let tree = repo.commit(onto).unwrap().tree;
        let data = [
            format!("tree {tree}\nparent {onto}\n").as_bytes(),
            b"author J\xf6rg <j@example.com> 1500000000 +0530\ncommitter J\xf6rg <j@example.com> 1 +0000\n",
            b"encoding ISO-8859-1\ngpgsig x\n author y\n\nGr\xfc\xdfe\n",
        ]
        .concat();
        let source = repo.put(ObjectType::Commit, &data).unwrap();
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let oid = commit_pick(&repo, source, onto, tree, &Actor::new("Ana", "ana@example.com"), at).unwrap();
        let odb = repo.git2().odb().unwrap();
        let expected = [
            format!("tree {tree}\nparent {onto}\n").as_bytes(),
            b"author J\xf6rg <j@example.com> 1500000000 +0530\ncommitter Ana <ana@example.com> 1700000000 +0000\n",
            b"encoding ISO-8859-1\n\nGr\xfc\xdfe\n\n",
            format!("(cherry picked from commit {source})\n").as_bytes(),
        ]
        .concat();
        assert_eq!(odb.read(to_git2(oid)).unwrap().data(), expected);
        assert!(commit_pick(&repo, source, onto, onto, &Actor::new("Ana", "a@b"), at).is_err());
        assert!(commit_pick(&repo, source, onto, tree, &Actor::new("", ""), at).is_err());
    }
}
