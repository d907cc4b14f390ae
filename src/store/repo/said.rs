//! What commits say.

use chrono::{DateTime, Utc};

use crate::domain::name::{Actor, Oid};

/// A commit, as far as anybody here asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// The first paragraph of the message on one line.
    pub subject: String,
    /// The whole message; what is not UTF-8 is replaced.
    pub message: String,
    /// Who wrote it.
    pub author: Actor,
    /// When it was written, to the second.
    pub author_time: DateTime<Utc>,
    /// When it was committed, to the second. A clock: decides no order.
    pub commit_time: DateTime<Utc>,
}

/// What a commit says, and no more than that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// The whole message; what is not UTF-8 is replaced.
    pub message: String,
    /// Who wrote it.
    pub author: Actor,
    /// When it was committed, to the second. A clock: decides no order.
    pub commit_time: DateTime<Utc>,
}

impl Said {
    /// Reads a commit object as git writes them; none for any other.
    pub(super) fn of(data: &[u8]) -> Option<Said> {
        let text = std::str::from_utf8(data).ok()?;
        let (head, message) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').skip_while(|line| line.starts_with("tree ")).peekable();
        let mut parents = Vec::new();
        while let Some(id) = lines.peek().and_then(|line| line.strip_prefix("parent ")) {
            parents.push(id.parse().ok()?);
            lines.next();
        }
        let ((name, email), _) = stamp(lines.next()?.strip_prefix("author ")?)?;
        let (_, commit_time) = stamp(lines.next()?.strip_prefix("committer ")?)?;
        let message = message.trim_start_matches('\n').to_owned();
        Some(Said { parents, message, author: Actor::new(name, email), commit_time })
    }
}

impl CommitInfo {
    /// Reads a commit that libgit2 refuses as git reads it: an author's line
    /// without an address, or with an absurd date, is no reason to stop. None
    /// where it has no tree.
    pub(super) fn odd(id: Oid, data: &[u8]) -> Option<CommitInfo> {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (header, message) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
        let text = String::from_utf8_lossy(header);
        let stamp = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(odd_stamp);
        let (author, author_time) = stamp("author ").unwrap_or_default();
        let (_, commit_time) = stamp("committer ").unwrap_or_default();
        let message = String::from_utf8_lossy(message).trim_start_matches('\n').to_owned();
        let subject = message.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
        Some(CommitInfo {
            id,
            tree: tree_in(data)?,
            parents: parents_in(header),
            subject: subject.collect::<Vec<_>>().join(" "),
            author: Actor::new(&author.0, &author.1),
            author_time: at(author_time),
            commit_time: at(commit_time),
            message,
        })
    }
}

/// Name, address and seconds of a line that may lack any of them: the date is
/// what follows the last `>`.
fn odd_stamp(line: &str) -> ((String, String), i64) {
    let (who, date) = line.rsplit_once('>').unwrap_or((line, ""));
    // Without an address the name goes on to the date.
    let until = who.find('<').or_else(|| who.rfind(|c: char| c.is_ascii_alphabetic()).map(|at| at + 1));
    let (name, email) = who.split_at(until.unwrap_or(0));
    let email = email.strip_prefix('<').unwrap_or_default();
    let email = email.split('>').next().unwrap_or_default();
    let seconds = date.split_whitespace().next().and_then(|seconds| seconds.parse().ok());
    ((name.trim().to_owned(), email.trim().to_owned()), seconds.unwrap_or(0))
}

/// The tree that a commit names.
pub(super) fn tree_in(data: &[u8]) -> Option<Oid> {
    let line = data.strip_prefix(b"tree ")?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// The parents that a commit's header names. libgit2 says that there are none where a shallow clone
/// ends, and goes on saying so after it was deepened.
pub(super) fn parents_in(header: &[u8]) -> Vec<Oid> {
    let named = |line: &[u8]| std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?.parse().ok();
    header.split(|byte| *byte == b'\n').filter_map(named).collect()
}

/// Who and when, as a line of a commit has it: `Ana <ana@example.com> 1700000000 +0100`.
fn stamp(line: &str) -> Option<((&str, &str), DateTime<Utc>)> {
    let (name, rest) = line.split_once(" <")?;
    let (email, rest) = rest.split_once("> ")?;
    let (seconds, _) = rest.split_once(' ')?;
    // git2 strips more than blanks from the ends; what has none of that it leaves alone.
    let crud = |c: char| c <= ' ' || ".,:;\"\\'".contains(c);
    let plain = |text: &str| {
        !text.is_empty() && !text.contains(['<', '>']) && !text.starts_with(crud) && !text.ends_with(crud)
    };
    let at = DateTime::from_timestamp(seconds.parse().ok()?, 0)?;
    (plain(name) && plain(email)).then_some(((name, email), at))
}
