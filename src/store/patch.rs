//! Changes compared by their content, whatever commit they stand in: patch ids
//! (git-patch-id(1), the stable kind).

use std::collections::HashSet;

use git2::{Diff, DiffDelta, DiffFormat, DiffHunk, DiffLine, DiffLineType, DiffOptions, Tree};

use crate::domain::name::Oid;

use super::error::{During, Result, Task};
use super::history;
use super::partial;
use super::repo::{Repo, from_git2};

/// The commits of `among` that make the same change as `commit`. Merges make
/// none, and so does a commit that changes nothing.
///
/// # Errors
/// git failed, or an object is not in this clone.
pub fn equal_to(repo: &Repo, commit: Oid, among: &[Oid]) -> Result<Vec<Oid>> {
    if among.is_empty() || history::is_merge(repo, commit)? {
        return Ok(Vec::new());
    }
    let paths = history::changed_paths(repo, commit)?;
    let Some(path) = paths.first() else { return Ok(Vec::new()) };
    let mut wanted = None;
    let mut equal = Vec::new();
    for other in down_each_line(repo, among)? {
        // Nearly every commit leaves that one path alone, which its trees tell without a diff.
        if other == commit || history::is_merge(repo, other)? || !changes(repo, other, path)? {
            continue;
        }
        let wanted = match wanted {
            Some(known) => known,
            None => *wanted.insert(patch_id(repo, commit)?),
        };
        if patch_id(repo, other)? == wanted {
            equal.push(other);
        }
    }
    Ok(equal)
}

/// The same commits, each before its first parent if that is among them: the
/// trees that one is compared with are those of the next.
fn down_each_line(repo: &Repo, commits: &[Oid]) -> Result<Vec<Oid>> {
    let mut left: HashSet<Oid> = commits.iter().copied().collect();
    let mut ordered = Vec::with_capacity(commits.len());
    for &start in commits {
        let mut next = Some(start);
        while let Some(commit) = next.filter(|commit| left.remove(commit)) {
            ordered.push(commit);
            next = history::parents(repo, commit)?.first().copied();
        }
    }
    Ok(ordered)
}

/// Whether two commits make the same change, wherever in a file it stands.
/// Closer than patch ids, which mind neither white space nor modes, nor what
/// is in a binary file: nobody has touched the one to make the other. A merge
/// is the same as nothing, and so is a commit that changes nothing.
///
/// # Errors
/// git failed, or an object is not in this clone.
pub fn same_change(repo: &Repo, one: Oid, other: Oid) -> Result<bool> {
    if history::is_merge(repo, one)? || history::is_merge(repo, other)? {
        return Ok(false);
    }
    let change = change(repo, one)?;
    Ok(!change.is_empty() && change == self::change(repo, other)?)
}

/// The change of a commit that is no merge, without line numbers.
fn change(repo: &Repo, commit: Oid) -> Result<Vec<u8>> {
    let diff = diff(repo, commit)?;
    let mut told = Vec::new();
    let tell = |delta: DiffDelta<'_>, _: Option<DiffHunk<'_>>, line: DiffLine<'_>| {
        told.push(line.origin() as u8);
        let mut bytes = |bytes: &[u8]| {
            told.extend(bytes.len().to_le_bytes());
            told.extend(bytes);
        };
        match line.origin_value() {
            DiffLineType::HunkHeader => {}
            DiffLineType::FileHeader => {
                for file in [delta.old_file(), delta.new_file()] {
                    bytes(file.path_bytes().unwrap_or_default());
                    bytes(&u32::from(file.mode()).to_le_bytes());
                }
            }
            DiffLineType::Binary => {
                bytes(delta.old_file().id().as_bytes());
                bytes(delta.new_file().id().as_bytes());
            }
            _ => bytes(line.content()),
        }
        true
    };
    diff.print(DiffFormat::Patch, tell).during(Task::Compare(commit))?;
    Ok(told)
}

/// The patch id of a commit that is no merge, against its parent.
fn patch_id(repo: &Repo, commit: Oid) -> Result<Oid> {
    let id = diff(repo, commit)?.patchid(None).map(from_git2);
    id.during(Task::Compare(commit))
}

/// A commit that is no merge against its parent, with all its files here.
fn diff(repo: &Repo, commit: Oid) -> Result<Diff<'_>> {
    let (old, new) = trees(repo, commit)?;
    let compare = || repo.git2().diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut DiffOptions::new()));
    let diff = partial::reading(repo, compare).during(Task::Compare(commit))?;
    partial::bring_files(repo, &diff).during(Task::Compare(commit))?;
    Ok(diff)
}

/// Whether a commit that is no merge may change a path.
fn changes(repo: &Repo, commit: Oid, path: &[u8]) -> Result<bool> {
    let (old, new) = trees(repo, commit)?;
    let Some(mut old) = old else { return Ok(true) };
    let mut new = new;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let (before, after) = (old.get_name_bytes(part), new.get_name_bytes(part));
        let (before, after) = match (before, after) {
            (None, None) => return Ok(false),
            (Some(before), Some(after)) => {
                if before.id() == after.id() && before.filemode() == after.filemode() {
                    return Ok(false);
                }
                (before.id(), after.id())
            }
            _ => return Ok(true),
        };
        if parts.peek().is_none() {
            return Ok(true);
        }
        let tree = |id| partial::reading(repo, || repo.git2().find_tree(id));
        match (tree(before), tree(after)) {
            (Ok(before), Ok(after)) => (old, new) = (before, after),
            // A file where a folder was, or the other way round.
            _ => return Ok(true),
        }
    }
    Ok(true)
}

/// The tree of a commit and that of its parent.
fn trees(repo: &Repo, commit: Oid) -> Result<(Option<Tree<'_>>, Tree<'_>)> {
    let new = repo.tree_of(commit)?;
    let old = history::parents(repo, commit)?.first().map(|parent| repo.tree_of(*parent)).transpose()?;
    Ok((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn the_same_change_is_found_wherever_it_stands() {
        let sandbox = Sandbox::new();
        let text: String = (0..40).map(|n| format!("line {n}\n")).collect();
        sandbox.commit("work", "dir/file", &text, "base");
        sandbox.git("work", &["checkout", "-q", "-b", "side"]);
        let fixed = sandbox.commit("work", "dir/file", &text.replace("line 20\n", "mended\n"), "fix");
        sandbox.git("work", &["checkout", "-q", "main"]);
        // The same lines elsewhere in the file, other lines, and other files.
        let moved = sandbox.commit("work", "dir/file", &format!("new\n{text}"), "other lines");
        let aside = sandbox.commit("work", "dir/other", "x", "another file");
        sandbox.git("work", &["cherry-pick", &fixed.to_string()]);
        let picked = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["merge", "-q", "-m", "merge", "-s", "ours", "side"]);
        let merge = sandbox.oid("work", "HEAD");
        let empty = sandbox.commit("work", "dir/other", "x", "nothing");
        let repo = sandbox.open("work");
        let among = [empty, merge, picked, aside, moved, fixed];
        assert_eq!(equal_to(&repo, fixed, &among).unwrap(), [picked]);
        assert_eq!(equal_to(&repo, picked, &among).unwrap(), [fixed]);
        for alone in [aside, moved, merge, empty] {
            assert_eq!(equal_to(&repo, alone, &among).unwrap(), []);
        }
        let ids = |oid: Oid| {
            let text = sandbox.git("work", &["show", &oid.to_string()]);
            std::fs::write(sandbox.path("work/patch"), text + "\n").unwrap();
            let id = sandbox.git("work", &["-c", "alias.id=!git patch-id --stable < patch", "id"]);
            id.split(' ').next().unwrap().to_owned()
        };
        assert_eq!(ids(fixed), ids(picked), "git says so too");
        assert_ne!(ids(fixed), ids(moved));
    }

    #[test]
    fn what_somebody_touched_is_another_change() {
        let sandbox = Sandbox::new();
        let text: String = (0..40).map(|n| format!("line {n}\n")).collect();
        sandbox.commit("work", "file", &text, "base");
        sandbox.commit("work", "image", "\0one", "binary");
        let made = |commands: &[&[&str]], files: &[(&str, &str)]| {
            sandbox.git("work", &["checkout", "-q", "--detach", "main"]);
            commands.iter().for_each(|command| drop(sandbox.git("work", command)));
            for (name, text) in files {
                std::fs::write(sandbox.path("work").join(name), text).unwrap();
            }
            sandbox.git("work", &["add", "--all"]);
            sandbox.git("work", &["commit", "-q", "--allow-empty", "-m", "a change"]);
            sandbox.oid("work", "HEAD")
        };
        let mended = text.replace("line 20\n", "if: mended\n");
        let fix = made(&[], &[("file", &mended)]);
        let above = format!("new\n{text}");
        let moved = {
            let base = made(&[], &[("file", &above)]).to_string();
            let same = above.replace("line 20\n", "if: mended\n");
            made(&[&["checkout", "-q", &base]], &[("file", &same)])
        };
        let indented = made(&[], &[("file", &mended.replace("if: mended", "if:  mended"))]);
        let chmod: &[&str] = &["update-index", "--chmod=+x", "file"];
        let runs = {
            made(&[], &[("file", &mended)]);
            sandbox.git("work", chmod);
            sandbox.git("work", &["commit", "-q", "--amend", "-m", "mode"]);
            sandbox.oid("work", "HEAD")
        };
        sandbox.git("work", &["reset", "-q", "--hard"]);
        let (two, three) = (made(&[], &[("image", "\0two")]), made(&[], &[("image", "\0three")]));
        let nothing = [made(&[], &[]), made(&[&["checkout", "-q", &fix.to_string()]], &[])];
        let repo = sandbox.open("work");
        assert!(same_change(&repo, fix, moved).unwrap() && same_change(&repo, two, two).unwrap());
        for (one, other) in [(fix, indented), (fix, runs), (two, three), (nothing[0], nothing[1])] {
            assert!(!same_change(&repo, one, other).unwrap(), "{one} {other}");
        }
        assert_eq!(equal_to(&repo, two, &[three]).unwrap(), [three], "or patch ids would do");
    }
}
