//! An append-only line of commits, each one event: an environment's history,
//! or that of a project's candidates.
//!
//! Reading tells records from what else may stand in a notes ref, and judges
//! nothing: what an event means is the domain's business. Writing makes objects
//! and moves no ref; a chain grows where [`super::authority`] lets it.

use chrono::{DateTime, Utc};
use git2::{ErrorCode, ObjectType};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::name::{Actor, Oid};
use crate::failpoint;

use super::error::{During, Error, Result, Task};
use super::git::Git;
use super::notes;
use super::repo::{Repo, from_git2, to_git2};
use super::signature;

pub use super::notes::NoteLine;

/// One commit of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The commit.
    pub oid: Oid,
    /// The commit before it; none for the first.
    pub parent: Option<Oid>,
    message: Vec<u8>,
    is_merge: bool,
}

impl Entry {
    /// Reads a raw commit. None where it is not written as git writes one.
    pub(in crate::store) fn of_raw(oid: Oid, data: &[u8]) -> Option<Entry> {
        let (parents, message) = split(data)?;
        let is_merge = parents.len() > 1;
        Some(Entry { oid, parent: parents.first().copied(), message: message.to_vec(), is_merge })
    }

    /// What it holds.
    pub fn body(&self) -> Body {
        if self.is_merge {
            return Body::Broken("it is a merge, and a chain is a line".to_owned());
        }
        parse(&self.message)
    }

    /// Whether it has several parents.
    pub fn is_merge(&self) -> bool {
        self.is_merge
    }

    /// The record as it was written, if it looks like one; whether it is,
    /// [`Entry::body`] tells. For who reads many and can tell by what they read.
    pub(in crate::store) fn line(&self) -> Option<&str> {
        let start = find(&self.message, b"\n\n").filter(|_| !self.is_merge)? + 2;
        let line = std::str::from_utf8(&self.message[start..]).ok()?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        (line.starts_with('{') && !line.contains('\n')).then_some(line)
    }
}

/// What a commit of a chain holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// An event and the state after it.
    Record {
        /// The version of the format. Others than 1 can be read around, never written over.
        v: u64,
        /// The line as it was written: in version 1 with what happened, `event`,
        /// and all that holds after it, `state`.
        line: String,
    },
    /// No record, such as a commit of `git notes`: it changed the tree, not the history.
    Foreign,
    /// Meant to be a record, or a merge; and why it cannot be read as one.
    Broken(String),
}

/// Reads one commit of a chain.
///
/// # Errors
/// The commit is not here. One that is no record is an [`Entry`] that says so.
pub fn read(repo: &Repo, oid: Oid) -> Result<Entry> {
    repo.check_loose(oid)?;
    // The message is nearly all of such a commit; git2 would copy it once more.
    let odb = repo.git2().odb().during(Task::OpenObjects)?;
    let object = odb.read(to_git2(oid));
    let raw = object.as_ref().ok().filter(|object| object.kind() == ObjectType::Commit);
    if let Some(entry) = raw.and_then(|object| Entry::of_raw(oid, object.data())) {
        return Ok(entry);
    }
    let commit = repo.find_commit(oid)?;
    let parent = commit.parent_ids().next().map(from_git2);
    let message = commit.message_raw_bytes().to_vec();
    Ok(Entry { oid, parent, message, is_merge: commit.parent_count() > 1 })
}

/// The parents and the message of a raw commit. None where it is not written
/// as git writes one.
fn split(data: &[u8]) -> Option<(Vec<Oid>, &[u8])> {
    let mut rest = data.strip_prefix(b"tree ")?;
    let mut parents = Vec::new();
    loop {
        rest = &rest[rest.iter().position(|byte| *byte == b'\n')? + 1..];
        let Some(parent) = rest.strip_prefix(b"parent ") else { break };
        parents.push(Oid::at_start_of(parent)?);
    }
    let message = find(rest, b"\n\n").filter(|_| rest.starts_with(b"author "))?;
    Some((parents, &rest[message + 2..]))
}

/// Every commit of a chain, newest first, along first parents. Ends after an error.
pub fn walk(repo: &Repo, tip: Oid) -> impl Iterator<Item = Result<Entry>> {
    let mut next = Some(tip);
    std::iter::from_fn(move || {
        let entry = read(repo, next.take()?);
        if let Ok(entry) = &entry {
            next = entry.parent;
        }
        Some(entry)
    })
}

/// The commits of a chain, newest first, as git finds them, and the one that it finds missing or
/// cannot read. By a process, since libgit2 never comes back from an object that was cut short;
/// what is listed may be read in-process.
///
/// # Errors
/// git cannot be started.
pub fn list(repo: &Repo, tip: Oid) -> Result<(Vec<Oid>, Option<Oid>)> {
    let output = rev_list(repo).arg("--first-parent").arg(tip.to_string()).run()?;
    let mut commits: Vec<Oid> = output.stdout_text().lines().map_while(|line| line.parse().ok()).collect();
    // The first one has no parent, unless git went no further.
    let mut next =
        commits.last().map_or(Ok(Some(tip)), |last| read(repo, *last).map(|entry| entry.parent))?;
    // git reads a commit's parent before it lists the commit.
    if let Some(commit) = next
        && unreadable(repo, &[commit])?.is_empty()
    {
        next = read(repo, commit)?.parent;
        commits.push(commit);
    }
    Ok((commits, next))
}

/// Those of these commits that git cannot read.
///
/// # Errors
/// git cannot be started.
pub fn unreadable(repo: &Repo, tips: &[Oid]) -> Result<Vec<Oid>> {
    let readable = |tips: &[Oid]| -> Result<bool> {
        let output = rev_list(repo).arg("--no-walk").args(tips.iter().map(Oid::to_string)).run()?;
        Ok(output.status.success())
    };
    if tips.is_empty() || readable(tips)? {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for tip in tips {
        if !readable(&[*tip])? {
            found.push(*tip);
        }
    }
    Ok(found)
}

/// A listing of commits that reads each of them as it is stored.
fn rev_list(repo: &Repo) -> Git<'_> {
    Git::new(repo).set("core.commitGraph=false").set("core.useReplaceRefs=false").arg("rev-list")
}

/// The newest commit that is not foreign: a record, or a broken one that stands in its place.
pub fn newest_record(repo: &Repo, tip: Oid) -> Result<Option<Entry>> {
    walk(repo, tip).find(|entry| !entry.as_ref().is_ok_and(|entry| entry.body() == Body::Foreign)).transpose()
}

/// A commit about to continue a chain.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// The commit before it; `None` for the first.
    pub parent: Option<Oid>,
    /// The first line of its message. Control characters become spaces.
    pub subject: &'a str,
    /// Its record: one line of JSON with a version.
    pub line: &'a str,
    /// Its author, who is its committer too.
    pub author: &'a Actor,
    /// When both made it.
    pub at: DateTime<Utc>,
}

impl NewEntry<'_> {
    /// Makes the commit, with `notes` appended to those that the tree before it holds. Writes objects only.
    ///
    /// # Errors
    /// The line is no record; the parent is not here; the author has no name.
    pub fn write(&self, repo: &Repo, notes: &[NoteLine]) -> Result<Oid> {
        self.write_over(repo, tree_after(repo, self.parent, notes)?)
    }

    /// The same, signed with the author's key.
    ///
    /// # Errors
    /// As [`NewEntry::write`]; git cannot sign here.
    pub fn write_signed(&self, repo: &Repo, notes: &[NoteLine]) -> Result<Oid> {
        let tree = tree_after(repo, self.parent, notes)?;
        signature::commit(repo, tree, self.parent, &self.message()?, self.author, self.at)
    }

    /// The same with a notes tree that does not go by the one before it.
    ///
    /// # Errors
    /// As [`NewEntry::write`].
    pub fn write_over(&self, repo: &Repo, tree: Oid) -> Result<Oid> {
        failpoint::step("record").during(Task::WriteRecord)?;
        let message = self.message()?;
        let parent = self.parent.map(|oid| repo.find_commit(oid)).transpose()?;
        let tree = repo.git2().find_tree(to_git2(tree)).during(Task::WriteRecord)?;
        let time = git2::Time::new(self.at.timestamp(), 0);
        let who = git2::Signature::new(&self.author.name, &self.author.email, &time)
            .during_with(|| Task::SignAs(self.author.clone()))?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        // Of a commit that libgit2 (1.9) both makes and cannot write, as on a full disk, it says nothing.
        let object = repo
            .git2()
            .commit_create_buffer(&who, &who, &message, &tree, &parents)
            .during(Task::WriteRecord)?;
        repo.put(ObjectType::Commit, &object)
    }

    /// The message that holds the record: whatever is written can be read again.
    fn message(&self) -> Result<String> {
        message(self.subject, self.line)
    }
}

fn tree_after(repo: &Repo, parent: Option<Oid>, notes: &[NoteLine]) -> Result<Oid> {
    let before = parent.map(|oid| repo.find_commit(oid)).transpose()?;
    notes::append(repo, before.map(|commit| from_git2(commit.tree_id())), notes)
}

/// The message of an entry.
fn message(subject: &str, line: &str) -> Result<String> {
    let mut message: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    message.truncate(message.trim_end().len());
    let message = match message.trim_start() {
        "" => format!("rel\n\n{line}\n"),
        subject => format!("{subject}\n\n{line}\n"),
    };
    if line.contains(|c: char| c < ' ') || !matches!(parse(message.as_bytes()), Body::Record { .. }) {
        return Err(Error::NotARecord);
    }
    Ok(message)
}

/// Whether a commit holds a record with this subject and no note, as
/// [`NewEntry::write_signed`] makes it: by this person alone, at that time, over the
/// notes of the commit before it and nothing else.
///
/// # Errors
/// git failed, or an object is not here.
pub fn is_as_written(
    repo: &Repo,
    oid: Oid,
    subject: &str,
    author: &Actor,
    at: DateTime<Utc>,
) -> Result<bool> {
    let commit = repo.find_commit(oid)?;
    let entry = read(repo, oid)?;
    let Some(line) = entry.line().filter(|_| commit.parent_count() <= 1) else { return Ok(false) };
    if !matches!(message(subject, line), Ok(wanted) if wanted.as_bytes() == commit.message_raw_bytes()) {
        return Ok(false);
    }
    let is_theirs = |who: &git2::Signature<'_>| {
        who.email_bytes().eq_ignore_ascii_case(author.email.as_bytes())
            && (who.when().seconds(), who.when().offset_minutes()) == (at.timestamp(), 0)
    };
    if !is_theirs(&commit.author()) || !is_theirs(&commit.committer()) {
        return Ok(false);
    }
    Ok(tree_after(repo, entry.parent, &[])? == from_git2(commit.tree_id()))
}

/// Whether a commit is in this clone; a chain's tip may be known before its objects are.
pub fn is_here(repo: &Repo, oid: Oid) -> Result<bool> {
    match repo.git2().find_commit(to_git2(oid)) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(Task::ReadCommit(oid).because(error)),
    }
}

/// Reads a message: a subject, a blank line, one line of JSON.
fn parse(message: &[u8]) -> Body {
    // A record's JSON is an object; people and `git notes` write prose.
    let Some(start) = find(message, b"\n\n").map(|at| at + 2) else { return Body::Foreign };
    let body = &message[start..];
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    if !body.starts_with(b"{") {
        return Body::Foreign;
    }
    let Ok(line) = std::str::from_utf8(body) else { return Body::Broken("it is not UTF-8".to_owned()) };
    if line.contains('\n') {
        return Body::Broken("something follows the record".to_owned());
    }
    let head: Head<'_> = match serde_json::from_str(line) {
        Ok(head) => head,
        Err(error) => return Body::Broken(format!("it is not JSON: {error}")),
    };
    let Some(v) = head.v.as_ref().and_then(Value::as_u64) else {
        return Body::Broken("it has no version `v`".to_owned());
    };
    let is_object = |json: Option<&RawValue>| json.is_some_and(|json| json.get().starts_with('{'));
    if v == 1 && !(is_object(head.event) && is_object(head.state)) {
        return Body::Broken("it has no `event`, or no `state`".to_owned());
    }
    Body::Record { v, line: line.to_owned() }
}

/// As much of a record as tells that it is one. What it holds is scanned and
/// not built: a state may be long, and most who walk a chain want none.
#[derive(Deserialize)]
struct Head<'a> {
    v: Option<Value>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::repo::fixture::Sandbox;
    use super::*;

    const LINE: &str = r#"{"v":1,"event":{"seq":1},"state":{"next":2}}"#;

    fn ana() -> Actor {
        Actor::new("Ana", "ana@example.com")
    }

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn write(repo: &Repo, parent: Option<Oid>, subject: &str, line: &str, author: &Actor) -> Result<Oid> {
        NewEntry { parent, subject, line, author, at: at() }.write(repo, &[])
    }

    #[test]
    fn what_is_written_is_read_and_plain_git_sees_it() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let head = sandbox.oid("work", "HEAD");
        let notes = [NoteLine { commit: head, line: r#"{"id":"prod#1"}"#.into() }];
        let subject = "prod#1 deploys\nv1\x1b";
        let new = NewEntry { parent: None, subject, line: LINE, author: &ana(), at: at() };
        let first = new.write(&repo, &notes).unwrap();
        let second = write(&repo, Some(first), "", LINE, &ana()).unwrap();
        let entry = read(&repo, first).unwrap();
        assert_eq!(entry.parent, None);
        assert_eq!(entry.body(), Body::Record { v: 1, line: LINE.to_owned() });
        assert_eq!(entry.line(), Some(LINE));
        assert_eq!(
            sandbox.git("work", &["log", "-1", "--format=%s", &first.to_string()]),
            "prod#1 deploys v1"
        );
        let walked: Vec<Oid> = walk(&repo, second).map(|entry| entry.unwrap().oid).collect();
        assert_eq!(walked, [second, first]);
        repo.set_cache_ref("refs/notes/rel/shop/env/prod", second).unwrap();
        let shown = sandbox.git("work", &["notes", "--ref=rel/shop/env/prod", "show"]);
        assert_eq!(shown, r#"{"id":"prod#1"}"#);
        let log = sandbox.git("work", &["log", "--format=%an %ae %at %s", "refs/notes/rel/shop/env/prod"]);
        assert_eq!(log.lines().last(), Some("Ana ana@example.com 1700000000 prod#1 deploys v1"));
        sandbox.git("work", &["fsck", "--strict", "--no-dangling"]);
    }

    #[test]
    fn foreign_commits_are_passed_over_and_broken_ones_are_not() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let name = "refs/notes/rel/shop/env/prod";
        let first = write(&repo, None, "one", LINE, &ana()).unwrap();
        repo.set_cache_ref(name, first).unwrap();
        sandbox.git("work", &["notes", "--ref=rel/shop/env/prod", "add", "-m", "by hand", "HEAD"]);
        let tip = sandbox.oid("work", name);
        assert_eq!(read(&repo, tip).unwrap().body(), Body::Foreign);
        assert_eq!(newest_record(&repo, tip).unwrap().unwrap().oid, first);
        let merge = sandbox.git(
            "work",
            &[
                "commit-tree",
                "-p",
                &tip.to_string(),
                "-p",
                &first.to_string(),
                "-m",
                "m",
                &format!("{tip}^{{tree}}"),
            ],
        );
        let merge = merge.parse().unwrap();
        let newest = newest_record(&repo, merge).unwrap().unwrap();
        assert!(
            matches!(newest.body(), Body::Broken(_)) && newest.oid == merge && newest.parent == Some(tip)
        );
        let foreign = sandbox.oid("work", "HEAD");
        assert_eq!(newest_record(&repo, foreign).unwrap(), None);
        assert!(read(&repo, Oid::from_bytes([3; Oid::BYTES])).is_err());
        assert!(is_here(&repo, first).unwrap() && !is_here(&repo, Oid::from_bytes([3; Oid::BYTES])).unwrap());
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        for line in ["", "{}", "x", "{\"v\":1,\"event\":{},\"state\":{},\n\"x\":1}", r#"{"v":1,"event":{}}"#]
        {
            assert!(write(&repo, None, "s", line, &ana()).is_err(), "{line}");
        }
        assert!(write(&repo, None, "s", LINE, &Actor::new("", "")).is_err());
        assert!(write(&repo, Some(Oid::from_bytes([3; Oid::BYTES])), "s", LINE, &ana()).is_err());
    }

    #[test]
    fn messages_are_told_apart() {
        let broken = |text: &str| matches!(parse(text.as_bytes()), Body::Broken(_));
        assert!(matches!(parse(b"s\n\n{\"v\":2,\"x\":1}\n"), Body::Record { v: 2, .. }));
        for text in ["s\n\n{\"v\":1}\n", "s\n\n{\"v\":\n", "s\n\n{}\n", "s\n\n{\"v\":2}\nmore\n"] {
            assert!(broken(text), "{text}");
        }
        assert!(matches!(parse(b"s\n\n{\xff\n"), Body::Broken(_)));
        for text in ["", "s", "s\n\nprose\n", "\n\n", "{\"v\":1}"] {
            assert_eq!(parse(text.as_bytes()), Body::Foreign, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&message);
        }

        #[test]
        fn a_record_is_read_as_it_was_written(text in ".*", n in any::<u64>()) {
            let line = serde_json::json!({"v": 1, "event": {"t": text, "n": n}, "state": {}}).to_string();
            let body = parse(format!("s\n\n{line}\n").as_bytes());
            prop_assert_eq!(body, Body::Record { v: 1, line });
        }
    }
}
