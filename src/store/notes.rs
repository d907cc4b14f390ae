//! The tree of a chain's commits: notes that plain git shows.
//!
//! A projection, for people with `git notes` and `git log --notes`; the
//! messages of the chain hold the truth, and nothing here is ever read back as
//! a fact. Keyed by commit in a 2/38 fan-out, each blob the lines appended so
//! far. A tree that was edited by hand is put right where possible: flat or
//! deeper entries move to their place, what is no note is dropped.

mod projection;

use std::collections::{BTreeMap, BTreeSet};

use git2::{ErrorCode, ObjectType};

use crate::domain::name::Oid;

use super::error::{Error, Result, Task};
use super::repo::{Repo, from_git2, to_git2};

pub use projection::{Edited, Projection};

/// How many commits a tree holds at most.
pub const CAP: usize = 256;

/// Folders below folders that git itself may make of many notes; deeper ones are no notes.
const MAX_DEPTH: usize = 20;

/// One line to append to a commit's note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// The commit it is about.
    pub commit: Oid,
    /// One line of JSON that begins with its `id`, without a line break.
    pub line: String,
}

/// The notes of one fan-out folder.
#[derive(Default)]
struct Folder {
    notes: BTreeMap<Oid, Oid>,
    /// The folder's tree, as long as it says exactly what `notes` does.
    written: Option<Oid>,
}

/// Writes the tree that has `lines` appended to what `parent_tree` holds. Moves no ref.
///
/// Over [`CAP`] commits, those go whose newest deployment number is smallest: the `N` of the last
/// line that begins `{"id":"env#N"`. Notes without such a number (a candidates' chain has tags for
/// ids) go before those with one, and among themselves the commit that was committed longest ago
/// goes first; one that is not in this clone counts as oldest. What was just written stays.
pub(in crate::store) fn append(repo: &Repo, parent_tree: Option<Oid>, lines: &[NoteLine]) -> Result<Oid> {
    let mut folders = BTreeMap::new();
    if let Some(tree) = parent_tree {
        collect(repo, tree, &mut String::new(), 0, &mut folders)?;
    }
    let mut fresh = BTreeMap::<Oid, Vec<u8>>::new();
    for NoteLine { commit, line } in lines {
        if line.contains(|c: char| c < ' ') {
            return Err(Error::LongNote(*commit));
        }
        let note = match fresh.entry(*commit) {
            std::collections::btree_map::Entry::Occupied(note) => note.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let old = folders.get(&commit.as_bytes()[0]).and_then(|f: &Folder| f.notes.get(commit));
                place.insert(old.map_or(Ok(Vec::new()), |blob| read_blob(repo, *blob))?)
            }
        };
        if !note.is_empty() && !note.ends_with(b"\n") {
            note.push(b'\n');
        }
        note.extend_from_slice(line.as_bytes());
        note.push(b'\n');
    }
    for (commit, note) in &fresh {
        let folder = folders.entry(commit.as_bytes()[0]).or_default();
        folder.notes.insert(*commit, repo.put(ObjectType::Blob, note)?);
        folder.written = None;
    }
    evict(repo, &mut folders, &fresh.keys().copied().collect())?;
    write(repo, folders)
}

/// Gathers the notes of a tree, whatever their fan-out. `prefix` is the hex digits so far.
fn collect(
    repo: &Repo,
    tree: Oid,
    prefix: &mut String,
    depth: usize,
    folders: &mut BTreeMap<u8, Folder>,
) -> Result<()> {
    let tree = match repo.git2().find_tree(to_git2(tree)) {
        Ok(tree) => tree,
        // Only a projection: what is not here is not carried on.
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(()),
        Err(error) => return Err(Task::ReadNotes.because(error)),
    };
    let in_place = depth == 1 && prefix.len() == 2;
    let mut clean = in_place;
    for entry in &tree {
        let before = prefix.len();
        let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let name = entry.name_bytes();
        if !name.iter().all(hex) {
            clean = false;
            continue;
        }
        prefix.push_str(&String::from_utf8_lossy(name));
        match (entry.kind(), prefix.parse::<Oid>()) {
            (Some(ObjectType::Blob), Ok(commit)) if entry.filemode() != 0o120_000 => {
                let folder = folders.entry(commit.as_bytes()[0]).or_default();
                // The same commit in two places: where it belongs wins.
                if in_place || !folder.notes.contains_key(&commit) {
                    folder.notes.insert(commit, from_git2(entry.id()));
                }
                if !in_place {
                    folder.written = None;
                }
                clean &= entry.filemode() == 0o100_644;
            }
            (Some(ObjectType::Tree), Err(_)) if prefix.len() < Oid::DIGITS && depth < MAX_DEPTH => {
                clean = false;
                collect(repo, from_git2(entry.id()), prefix, depth + 1, folders)?;
            }
            _ => clean = false,
        }
        prefix.truncate(before);
    }
    if let Some(first) = in_place.then(|| u8::from_str_radix(prefix, 16).ok()).flatten()
        && let Some(folder) = folders.get_mut(&first)
    {
        // Nothing but this folder's own entries may have been gathered for it.
        folder.written = (clean && folder.notes.len() == tree.len()).then(|| from_git2(tree.id()));
    }
    Ok(())
}

/// Takes away what is too much.
fn evict(repo: &Repo, folders: &mut BTreeMap<u8, Folder>, keep: &BTreeSet<Oid>) -> Result<()> {
    let total: usize = folders.values().map(|folder| folder.notes.len()).sum();
    let Some(surplus) = total.checked_sub(CAP).filter(|surplus| *surplus > 0) else { return Ok(()) };
    let mut ranked = Vec::with_capacity(total);
    for (commit, blob) in folders.values().flat_map(|folder| &folder.notes) {
        if keep.contains(commit) {
            continue;
        }
        let number = newest_number(&read_blob(repo, *blob)?);
        let time = match number {
            Some(_) => 0,
            None => time_of_commit(repo, *commit),
        };
        ranked.push((number, time, *commit));
    }
    ranked.sort_unstable();
    for (_, _, commit) in ranked.into_iter().take(surplus) {
        if let Some(folder) = folders.get_mut(&commit.as_bytes()[0]) {
            folder.notes.remove(&commit);
            folder.written = None;
        }
    }
    Ok(())
}

/// When a commit was committed; before all others where it is not in this clone.
fn time_of_commit(repo: &Repo, commit: Oid) -> i64 {
    repo.git2().find_commit(to_git2(commit)).map_or(i64::MIN, |commit| commit.time().seconds())
}

/// The number of the last line that begins `{"id":"env#N"`.
fn newest_number(note: &[u8]) -> Option<u64> {
    note.rsplit(|byte| *byte == b'\n').find_map(|line| {
        let rest = line.strip_prefix(br#"{"id":""#)?;
        let id = std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()?;
        id.rsplit_once('#')?.1.parse().ok()
    })
}

/// A note's bytes; none where the blob is not here.
fn read_blob(repo: &Repo, blob: Oid) -> Result<Vec<u8>> {
    match repo.git2().find_blob(to_git2(blob)) {
        Ok(blob) => Ok(blob.content().to_vec()),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(Vec::new()),
        Err(error) => Err(Task::ReadNote(blob).because(error)),
    }
}

/// Writes the trees, the empty one included: git takes that for granted and leaves it out, and
/// then fsck misses it. Names of one length sort alike as text and as tree entries.
fn write(repo: &Repo, folders: BTreeMap<u8, Folder>) -> Result<Oid> {
    lay_out(folders, &mut |kind, data| repo.put(kind, data))
}

/// The same with whatever becomes of each tree.
fn lay_out(
    folders: BTreeMap<u8, Folder>,
    put: &mut impl FnMut(ObjectType, &[u8]) -> Result<Oid>,
) -> Result<Oid> {
    let mut root = Vec::new();
    for (first, folder) in folders {
        if folder.notes.is_empty() {
            continue;
        }
        let tree = match folder.written {
            Some(tree) => tree,
            None => {
                let mut data = Vec::new();
                for (commit, blob) in &folder.notes {
                    data.extend_from_slice(format!("100644 {}\0", &commit.to_string()[2..]).as_bytes());
                    data.extend_from_slice(blob.as_bytes());
                }
                put(ObjectType::Tree, &data)?
            }
        };
        root.extend_from_slice(format!("40000 {first:02x}\0").as_bytes());
        root.extend_from_slice(tree.as_bytes());
    }
    put(ObjectType::Tree, &root)
}

#[cfg(test)]
mod tests {
    use super::super::repo::fixture::Sandbox;
    use super::*;

    fn note(commit: Oid, line: &str) -> NoteLine {
        NoteLine { commit, line: line.to_owned() }
    }

    /// Points a notes ref at a commit of this tree, as git would read it.
    fn show(sandbox: &Sandbox, tree: Oid) {
        let commit = sandbox.git("work", &["commit-tree", "-m", "notes", &tree.to_string()]);
        sandbox.git("work", &["update-ref", "refs/notes/t", &commit]);
    }

    fn names(sandbox: &Sandbox, tree: Oid) -> Vec<String> {
        let text = sandbox.git("work", &["ls-tree", "-r", "--name-only", &tree.to_string()]);
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn plain_git_shows_what_was_appended() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = sandbox.oid("work", "HEAD");
        let second = sandbox.commit("work", "a", "a", "second");
        let one = append(&repo, None, &[note(first, "1"), note(second, "2"), note(first, "3")]).unwrap();
        let two = append(&repo, Some(one), &[note(first, "4")]).unwrap();
        show(&sandbox, two);
        assert_eq!(sandbox.git("work", &["notes", "--ref=t", "show", &first.to_string()]), "1\n3\n4");
        assert_eq!(sandbox.git("work", &["notes", "--ref=t", "show", &second.to_string()]), "2");
        assert!(names(&sandbox, two).iter().all(|name| name.len() == 41 && name.as_bytes()[2] == b'/'));
        sandbox.git("work", &["fsck", "--strict", "--no-dangling"]);
        assert!(append(&repo, None, &[note(first, "a\nb")]).is_err());
    }

    #[test]
    fn no_notes_are_an_empty_tree_that_exists() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let tree = append(&repo, None, &[]).unwrap();
        show(&sandbox, tree);
        let name = tree.to_string();
        assert!(sandbox.path("work/.git/objects").join(&name[..2]).join(&name[2..]).exists());
        sandbox.git("work", &["fsck", "--strict"]);
    }

    #[test]
    fn the_smallest_newest_numbers_go() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let commit = |n: u16| {
            let mut bytes = [0; Oid::BYTES];
            bytes[0] = n as u8;
            bytes[1..3].copy_from_slice(&n.to_be_bytes());
            Oid::from_bytes(bytes)
        };
        let lines: Vec<NoteLine> =
            (0..256).map(|n| note(commit(n), &format!(r#"{{"id":"prod#{}"}}"#, n + 1))).collect();
        let full = append(&repo, None, &lines).unwrap();
        // The oldest is deployed again, so that the next one is the oldest.
        let again = append(&repo, Some(full), &[note(commit(0), r#"{"id":"prod#300"}"#)]).unwrap();
        assert_eq!(names(&sandbox, again).len(), CAP);
        let over = append(&repo, Some(again), &[note(commit(900), r#"{"id":"prod#2"}"#)]).unwrap();
        let kept = names(&sandbox, over);
        let has = |n: u16| {
            kept.contains(&format!("{}/{}", &commit(n).to_string()[..2], &commit(n).to_string()[2..]))
        };
        assert_eq!(kept.len(), CAP);
        assert!(has(0) && !has(1) && has(2) && has(900));
        // Without a number goes first, and the commit that is not even here before one that is.
        let here = sandbox.oid("work", "HEAD");
        let mixed =
            append(&repo, Some(over), &[note(here, r#"{"id":"v1"}"#), note(commit(901), r#"{"id":"v2"}"#)]);
        let next = append(&repo, Some(mixed.unwrap()), &[note(commit(902), r#"{"id":"prod#400"}"#)]).unwrap();
        let kept = names(&sandbox, next);
        assert_eq!(kept.len(), CAP);
        assert!(kept.contains(&format!("{}/{}", &here.to_string()[..2], &here.to_string()[2..])));
        assert!(!kept.iter().any(|name| name.replace('/', "") == commit(901).to_string()));
    }

    #[test]
    fn numbers_are_read_from_ids_only() {
        assert_eq!(newest_number(b"{\"id\":\"prod#1\"}\n{\"id\":\"prod#12\",\"x\":1}\n"), Some(12));
        assert_eq!(newest_number(b"{\"id\":\"prod#7\"}\nby hand\n"), Some(7));
        assert_eq!(newest_number(b"{\"id\":\"v1.0.0-rc.1\"}\n"), None);
        assert_eq!(newest_number(b"\xff#3"), None);
    }

    #[test]
    fn a_tree_edited_by_hand_is_put_right() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = sandbox.oid("work", "HEAD");
        let second = sandbox.commit("work", "a", "a", "second");
        let (first_name, second_name) = (first.to_string(), second.to_string());
        let blob = repo.put(ObjectType::Blob, b"by hand").unwrap();
        let tree = |entries: &[(&str, &str, Oid)]| {
            let mut data = Vec::new();
            for (mode, name, oid) in entries {
                data.extend_from_slice(format!("{mode} {name}\0").as_bytes());
                data.extend_from_slice(oid.as_bytes());
            }
            repo.put(ObjectType::Tree, &data).unwrap()
        };
        let deepest = tree(&[("100644", &second_name[4..], blob)]);
        let deeper = tree(&[("40000", &second_name[2..4], deepest), ("100644", "x", blob)]);
        let mut entries = vec![
            ("100644", first_name.as_str(), blob),
            ("40000", &second_name[..2], deeper),
            ("100644", "README", blob),
            ("160000", "00", first),
        ];
        entries.sort_by(|a, b| a.1.cmp(b.1));
        let mended = append(&repo, Some(tree(&entries)), &[note(first, "new")]).unwrap();
        let mut expected: Vec<String> =
            [&first_name, &second_name].iter().map(|n| format!("{}/{}", &n[..2], &n[2..])).collect();
        expected.sort();
        assert_eq!(names(&sandbox, mended), expected);
        show(&sandbox, mended);
        assert_eq!(sandbox.git("work", &["notes", "--ref=t", "show", &first_name]), "by hand\nnew");
        assert_eq!(sandbox.git("work", &["notes", "--ref=t", "show", &second_name]), "by hand");
    }

    #[test]
    fn git_and_rel_take_turns() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let head = sandbox.oid("work", "HEAD");
        show(&sandbox, append(&repo, None, &[note(head, "1")]).unwrap());
        sandbox.git("work", &["notes", "--ref=t", "append", "-m", "by git", &head.to_string()]);
        let tree = sandbox.oid("work", "refs/notes/t^{tree}");
        show(&sandbox, append(&repo, Some(tree), &[note(head, "2")]).unwrap());
        assert_eq!(sandbox.git("work", &["notes", "--ref=t", "show"]), "1\n\nby git\n2");
    }
}
