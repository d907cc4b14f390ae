//! The notes that a chain's events come to, as they are appended one by one:
//! what its tip's tree should be.

use std::collections::BTreeMap;

use git2::ObjectType;

use super::{CAP, Folder, collect, lay_out, newest_number, read_blob, time_of_commit, write};
use crate::domain::name::Oid;
use crate::store::error::{During, Result, Task};
use crate::store::repo::{Repo, from_git2};

/// What a chain's notes come to. Holds as many as a tree does, and of notes
/// without a number all there ever were.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    notes: BTreeMap<Oid, Note>,
    /// Which of the notes without a number go first depends on the clone that
    /// wrote: it may not have had the commits whose times decide.
    unnumbered: BTreeMap<Oid, Vec<u8>>,
    /// Whether there ever were too many.
    evicted: bool,
}

#[derive(Debug, Clone, Default)]
struct Note {
    text: Vec<u8>,
    number: Option<u64>,
    time: i64,
}

/// What in a tree is not as its chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The commits whose note is another one, is missing, or should not be there.
    pub commits: Vec<Oid>,
}

impl Projection {
    /// Appends a line as the tree of its event's commit does.
    pub fn append(&mut self, repo: &Repo, commit: Oid, line: &str) {
        let number = newest_number(line.as_bytes());
        let note = self.notes.entry(commit).or_insert_with(|| Note {
            time: if number.is_none() { time_of_commit(repo, commit) } else { 0 },
            ..Note::default()
        });
        note.number = number.or(note.number);
        note.text.extend_from_slice(line.as_bytes());
        note.text.push(b'\n');
        if number.is_none() {
            let whole = self.unnumbered.entry(commit).or_default();
            whole.extend_from_slice(line.as_bytes());
            whole.push(b'\n');
        }
        if self.notes.len() > CAP {
            let others = self.notes.iter().filter(|(other, _)| **other != commit);
            let rank = |(commit, note): &(&Oid, &Note)| {
                (note.number, if note.number.is_some() { 0 } else { note.time }, **commit)
            };
            if let Some(oldest) = others.min_by_key(rank).map(|(commit, _)| *commit) {
                self.notes.remove(&oldest);
                self.evicted = true;
            }
        }
    }

    /// What in this tree is otherwise; none where it is as it should be. Writes nothing.
    ///
    /// # Errors
    /// git failed.
    pub fn compare(&self, repo: &Repo, tree: Oid) -> Result<Option<Edited>> {
        let mut folders = BTreeMap::new();
        collect(repo, tree, &mut String::new(), 0, &mut folders)?;
        let found: BTreeMap<Oid, Oid> = folders
            .values()
            .flat_map(|folder| &folder.notes)
            .map(|(commit, blob)| (*commit, *blob))
            .collect();
        let mut commits = Vec::new();
        if self.evicted && !self.unnumbered.is_empty() {
            for (commit, blob) in &found {
                let text = read_blob(repo, *blob)?;
                let whole = self.unnumbered.get(commit).map_or(&[][..], Vec::as_slice);
                let earlier = whole.strip_suffix(text.as_slice()).filter(|_| !text.is_empty());
                if !earlier.is_some_and(|earlier| earlier.is_empty() || earlier.ends_with(b"\n")) {
                    commits.push(*commit);
                }
            }
            if found.len() != CAP {
                commits.extend(self.notes.keys().filter(|commit| !found.contains_key(commit)));
            }
        } else {
            for (commit, note) in &self.notes {
                if found.get(commit) != Some(&hash(ObjectType::Blob, &note.text)?) {
                    commits.push(*commit);
                }
            }
            commits.extend(found.keys().filter(|commit| !self.notes.contains_key(commit)));
        }
        commits.sort();
        commits.dedup();
        let tidy = lay_out(folders, &mut |kind, data| hash(kind, data))?;
        Ok((!commits.is_empty() || tidy != tree).then_some(Edited { commits }))
    }

    /// Writes the tree. Moves no ref.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, repo: &Repo) -> Result<Oid> {
        let mut folders = BTreeMap::<u8, Folder>::new();
        for (commit, note) in &self.notes {
            let blob = repo.put(ObjectType::Blob, &note.text)?;
            folders.entry(commit.as_bytes()[0]).or_default().notes.insert(*commit, blob);
        }
        write(repo, folders)
    }
}

/// The id that an object would have.
fn hash(kind: ObjectType, data: &[u8]) -> Result<Oid> {
    git2::Oid::hash_object(kind, data).map(from_git2).during(Task::HashObject)
}

#[cfg(test)]
mod tests {
    use super::super::{NoteLine, append};
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    fn commit(n: u16) -> Oid {
        let mut bytes = [0; Oid::BYTES];
        bytes[0] = n as u8;
        bytes[1..3].copy_from_slice(&n.to_be_bytes());
        Oid::from_bytes(bytes)
    }

    /// Appends the same lines to a tree, as a chain does, and to a projection.
    fn both(repo: &Repo, lines: &[(u16, String)]) -> (Oid, Projection) {
        let mut tree = append(repo, None, &[]).unwrap();
        let mut projection = Projection::default();
        for (n, line) in lines {
            let note = NoteLine { commit: commit(*n), line: line.clone() };
            tree = append(repo, Some(tree), &[note]).unwrap();
            projection.append(repo, commit(*n), line);
        }
        (tree, projection)
    }

    #[test]
    fn it_comes_to_the_very_tree_that_is_appended_to() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let (tree, projection) = both(&repo, &[]);
        assert_eq!(
            (projection.compare(&repo, tree).unwrap(), projection.write(&repo).unwrap()),
            (None, tree)
        );
        // More commits than there is room for, and some of them deployed again, evicted or not.
        let line = |seq: u64| format!(r#"{{"id":"prod#{seq}"}}"#);
        let lines: Vec<(u16, String)> =
            (0..600_u64).map(|seq| (u16::try_from(seq * 7 % 400).unwrap(), line(seq + 1))).collect();
        let (tree, projection) = both(&repo, &lines);
        assert_eq!(projection.compare(&repo, tree).unwrap(), None);
        assert_eq!(projection.write(&repo).unwrap(), tree);
    }

    #[test]
    fn what_was_edited_is_named() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let lines = [(1, r#"{"id":"prod#1"}"#.to_owned()), (2, r#"{"id":"prod#2"}"#.to_owned())];
        let (tree, projection) = both(&repo, &lines);
        let edited = |lines: &[(u16, &str)], tree: Option<Oid>| {
            let notes =
                lines.iter().map(|(n, line)| NoteLine { commit: commit(*n), line: (*line).to_owned() });
            let tree = append(&repo, tree, &notes.collect::<Vec<_>>()).unwrap();
            projection.compare(&repo, tree).unwrap().map(|edited| edited.commits)
        };
        assert_eq!(edited(&[(1, "by hand")], Some(tree)), Some(vec![commit(1)]));
        assert_eq!(edited(&[(3, "by hand")], Some(tree)), Some(vec![commit(3)]));
        assert_eq!(edited(&[(1, r#"{"id":"prod#1"}"#)], None), Some(vec![commit(2)]), "one is gone");
        // The same notes in a flat tree, as `git notes` may leave them.
        let blob =
            |n: u8| repo.put(ObjectType::Blob, format!("{{\"id\":\"prod#{n}\"}}\n").as_bytes()).unwrap();
        let mut flat = Vec::new();
        for n in [1_u8, 2] {
            flat.extend_from_slice(format!("100644 {}\0", commit(n.into())).as_bytes());
            flat.extend_from_slice(blob(n).as_bytes());
        }
        let flat = repo.put(ObjectType::Tree, &flat).unwrap();
        assert_eq!(projection.compare(&repo, flat).unwrap(), Some(Edited { commits: vec![] }));
    }

    /// Which notes without a number are there may differ, what they say may not.
    #[test]
    fn notes_without_a_number_may_be_others_but_not_otherwise() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let id = |n: u16| format!(r#"{{"id":"v{n}"}}"#);
        let lines: Vec<(u16, String)> = (0..300).map(|n| (n, id(n))).collect();
        let (tree, projection) = both(&repo, &lines);
        assert_eq!(projection.compare(&repo, tree).unwrap(), None);
        let others: Vec<NoteLine> = (0..256).map(|n| NoteLine { commit: commit(n), line: id(n) }).collect();
        let tree = append(&repo, None, &others).unwrap();
        assert_eq!(projection.compare(&repo, tree).unwrap(), None);
        let tree = append(&repo, Some(tree), &[NoteLine { commit: commit(9), line: "x".into() }]).unwrap();
        assert_eq!(projection.compare(&repo, tree).unwrap(), Some(Edited { commits: vec![commit(9)] }));
        let few = append(&repo, None, &others[..9]).unwrap();
        assert!(projection.compare(&repo, few).unwrap().is_some());
    }
}
