//! How many lines differ between two commits, file by file, as `git diff
//! --stat` counts them.
//!
//! Work is bounded: files over a size count as binary, and where very many
//! were added and removed only those moved without a change are found again.

use git2::{Delta, Diff, DiffFindOptions, DiffOptions, ErrorCode, Patch};

use super::error::{Error, Result};
use super::partial;
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::domain::report::diff::FileStat;

/// The largest file whose lines are counted, in bytes.
const MAX_SIZE: i64 = 16 << 20;

/// Up to this many files that came or went are compared with one another.
const MAX_COMPARED: usize = 1_000;

/// The files that differ between two commits and whose paths `wanted` takes, by
/// path. A file that was renamed from, or to, a path that it does not take counts
/// as new, or removed.
///
/// # Errors
/// A commit or a file is not in this clone.
pub fn diffstat(repo: &Repo, from: Oid, to: Oid, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<FileStat>> {
    let (old, new) = (repo.tree_of(from)?, repo.tree_of(to)?);
    let counting = || -> Result<Vec<FileStat>, git2::Error> {
        let mut options = DiffOptions::new();
        options.include_typechange(true).context_lines(0).max_size(MAX_SIZE);
        let mut diff = repo.git2().diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        let paths: Vec<Vec<u8>> =
            diff.deltas().filter_map(|delta| path_of(&delta)).filter(|path| wanted(path)).collect();
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        if paths.len() < diff.deltas().len() {
            // These and no others, so that nothing is followed out of them.
            options.disable_pathspec_match(true);
            for path in paths {
                options.pathspec(path);
            }
            diff = repo.git2().diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        }
        partial::bring_files(repo, &diff)?;
        let moved = diff.deltas().filter(|delta| matches!(delta.status(), Delta::Added | Delta::Deleted));
        let many = moved.count() > MAX_COMPARED;
        diff.find_similar(Some(
            DiffFindOptions::new().renames(true).exact_match_only(many).rename_limit(MAX_COMPARED),
        ))?;
        let mut files: Vec<FileStat> =
            (0..diff.deltas().len()).map(|index| file(&diff, index)).collect::<Result<_, _>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    };
    partial::reading(repo, counting).map_err(|cause| {
        let lacking = cause.code() == ErrorCode::NotFound;
        Error::NotCompared { from, to, lacking, cause: cause.into() }
    })
}

fn path_of(delta: &git2::DiffDelta<'_>) -> Option<Vec<u8>> {
    let file = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
    file.path_bytes().map(<[u8]>::to_vec)
}

fn file(diff: &Diff<'_>, index: usize) -> Result<FileStat, git2::Error> {
    let patch = Patch::from_diff(diff, index)?;
    let (_, added, removed) = patch.as_ref().map_or(Ok((0, 0, 0)), Patch::line_stats)?;
    // Only reading a file tells what it is.
    let delta = diff.get_delta(index).ok_or_else(|| git2::Error::from_str("a difference is gone"))?;
    let old = delta.old_file().path_bytes().map(<[u8]>::to_vec);
    Ok(FileStat {
        path: path_of(&delta).unwrap_or_default(),
        from: old.filter(|_| delta.status() == Delta::Renamed),
        added,
        removed,
        binary: delta.flags().is_binary(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;

    fn stat(files: &[FileStat]) -> Vec<String> {
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        files
            .iter()
            .map(|file| {
                let from = file.from.as_deref().map_or(String::new(), |from| format!("{} => ", text(from)));
                let binary = if file.binary { " binary" } else { "" };
                format!("{from}{} +{} -{}{binary}", text(&file.path), file.added, file.removed)
            })
            .collect()
    }

    #[test]
    fn it_counts_as_git_does() {
        let sandbox = Sandbox::new();
        let lines = |n: usize| (0..n).map(|n| format!("line {n}\n")).collect::<String>();
        let write = |name: &str, bytes: &[u8]| {
            let path = sandbox.path("work").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("gone", b"1\n2\n");
        write("src/moved", lines(40).as_bytes());
        write("bin", b"\0\x01\x02");
        write("kept", b"same\n");
        write("odd ö [x]*", b"1\n");
        let from = sandbox.commit("work", "changed", &lines(5), "from");
        for name in ["gone", "src/moved"] {
            std::fs::remove_file(sandbox.path("work").join(name)).unwrap();
        }
        write("lib/moved", lines(41).as_bytes());
        write("bin", b"\0\x01\x03");
        write("new", b"no newline at the end");
        write("odd ö [x]*", b"2\n");
        let to = sandbox.commit("work", "changed", &lines(4), "to");
        let repo = sandbox.open("work");

        let all = diffstat(&repo, from, to, |_| true).unwrap();
        assert_eq!(
            stat(&all),
            [
                "bin +0 -0 binary",
                "changed +0 -1",
                "gone +0 -2",
                "src/moved => lib/moved +1 -0",
                "new +1 -0",
                "odd ö [x]* +1 -1",
            ]
        );
        let numstat = sandbox.git("work", &["diff", "--numstat", "-M", &from.to_string(), &to.to_string()]);
        let (mut added, mut removed) = (0, 0);
        for line in numstat.lines() {
            let mut parts = line.split('\t').map(|part| part.parse::<usize>().unwrap_or(0));
            added += parts.next().unwrap();
            removed += parts.next().unwrap();
        }
        assert_eq!(numstat.lines().count(), all.len());
        assert_eq!(all.iter().map(|file| file.added).sum::<usize>(), added);
        assert_eq!(all.iter().map(|file| file.removed).sum::<usize>(), removed);

        let backwards = diffstat(&repo, to, from, |_| true).unwrap();
        assert_eq!(backwards.iter().map(|file| file.removed).sum::<usize>(), added);
        assert_eq!(diffstat(&repo, to, to, |_| true).unwrap(), []);
    }

    #[test]
    fn nothing_is_followed_out_of_the_paths_asked_for() {
        let sandbox = Sandbox::new();
        let from = sandbox.commit("work", "src/a", "one\ntwo\nthree\n", "from");
        std::fs::create_dir(sandbox.path("work/lib")).unwrap();
        sandbox.git("work", &["mv", "src/a", "lib/a"]);
        let to = sandbox.commit("work", "README", "other\n", "to");
        let repo = sandbox.open("work");
        let only = |prefix: &'static str| {
            let wanted = move |path: &[u8]| path.starts_with(prefix.as_bytes());
            stat(&diffstat(&repo, from, to, wanted).unwrap())
        };
        assert_eq!(only("src/"), ["src/a +0 -3"]);
        assert_eq!(only("lib/"), ["lib/a +3 -0"]);
        assert_eq!(only("README"), ["README +1 -1"]);
        assert_eq!(only("nope"), [""; 0]);
        assert_eq!(
            stat(&diffstat(&repo, from, to, |_| true).unwrap()),
            ["README +1 -1", "src/a => lib/a +0 -0"]
        );
    }

    #[test]
    fn very_many_moved_files_are_found_by_what_they_hold() {
        let sandbox = Sandbox::new();
        for n in 0..=MAX_COMPARED / 2 {
            let path = sandbox.path("work").join(format!("a/{n}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{n}\n")).unwrap();
        }
        let from = sandbox.commit("work", "x", "x", "from");
        sandbox.git("work", &["mv", "a", "b"]);
        let to = sandbox.commit("work", "b/0", "0\nmore\n", "to");
        let files = diffstat(&sandbox.open("work"), from, to, |_| true).unwrap();
        let renamed = files.iter().filter(|file| file.from.is_some()).count();
        assert_eq!(
            (renamed, files.len()),
            (MAX_COMPARED / 2, MAX_COMPARED / 2 + 2),
            "all but the one that changed"
        );
    }
}
