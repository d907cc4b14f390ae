//! The commit of a clean pick: the object that `git cherry-pick -x` would
//! write, without a checkout and, but for what is not in UTF-8, without git.

use chrono::{DateTime, Utc};
use git2::ObjectType;

use crate::domain::name::{Actor, Oid};

use super::super::error::{During, PickError, Result, Task};
use super::super::git::Git;
use super::super::repo::{Repo, to_git2};
use super::message::{in_utf8, with_origin};

/// Makes the commit of a clean pick: `tree` on `onto`, by the author of `source` at the time and in
/// the zone they wrote it, with its message and `(cherry picked from commit …)` where `git
/// cherry-pick -x` puts it. Author and message are in `i18n.commitEncoding`, by default UTF-8, as
/// git would have them. Other headers, such as a signature, are not kept. Moves no ref.
///
/// # Errors
/// Nobody is named as the committer; `tree` is none; git cannot read the text in the encoding
/// that is set.
pub fn commit_pick(
    repo: &Repo,
    source: Oid,
    onto: Oid,
    tree: Oid,
    committer: &Actor,
    at: DateTime<Utc>,
) -> Result<Oid> {
    if committer.name.is_empty() {
        return Err(PickError::NoCommitter(source).into());
    }
    repo.git2().find_tree(to_git2(tree)).during(Task::WritePick(source))?;
    repo.commit(onto)?;
    let encoding = repo.config("i18n.commitEncoding").filter(|name| !is_utf8(name.as_bytes()));
    let Written { author, message } = written(repo, source, encoding.as_deref())?;
    let mut data = format!("tree {tree}\nparent {onto}\n").into_bytes();
    data.extend_from_slice(&author);
    data.extend_from_slice(format!("\ncommitter {committer} {} +0000\n", at.timestamp()).as_bytes());
    if let Some(encoding) = &encoding {
        data.extend_from_slice(format!("encoding {encoding}\n").as_bytes());
    }
    data.push(b'\n');
    data.extend_from_slice(&with_origin(&message, source));
    if encoding.is_none() {
        data = in_utf8(data);
    }
    repo.put(ObjectType::Commit, &data)
}

/// What somebody wrote, in bytes of one encoding.
struct Written {
    /// The whole header, which begins with its name.
    author: Vec<u8>,
    message: Vec<u8>,
}

/// What the author of `source` wrote, in this encoding or, without one, in UTF-8. Where it cannot
/// be put into that it is as it was.
fn written(repo: &Repo, source: Oid, encoding: Option<&str>) -> Result<Written> {
    let bytes = repo.commit_bytes(source)?;
    let end = bytes.windows(2).position(|two| two == b"\n\n").map_or(bytes.len(), |end| end + 1);
    let (headers, message) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let said = header(headers, b"encoding ").map(|line| &line[b"encoding ".len()..]);
    if encoding.is_none() && said.is_none_or(is_utf8) {
        let author = header(headers, b"author ").ok_or_else(|| Task::ReadWritten(source).failed())?.to_vec();
        return Ok(Written { author, message: message.to_vec() });
    }
    // git asks iconv, which knows more encodings than any library does, under more names.
    let output = Git::new(repo)
        .args(["rev-list", "--no-walk", "--format=raw"])
        .arg(format!("--encoding={}", encoding.unwrap_or("UTF-8")))
        .arg(source.to_string())
        .run_ok(Task::ReadWritten(source))?;
    let mut written = shown(&output.stdout).ok_or_else(|| Task::ReadWritten(source).failed())?;
    // The blanks at its end, which count where trailers come before them, are not shown.
    written.message.truncate(written.message.trim_ascii_end().len());
    written.message.extend_from_slice(&message[message.trim_ascii_end().len()..]);
    Ok(written)
}

/// Reads what `git rev-list --format=raw` prints of one commit: its headers, then its message,
/// each line four spaces in.
fn shown(stdout: &[u8]) -> Option<Written> {
    let end = stdout.windows(2).position(|two| two == b"\n\n")?;
    let author = header(&stdout[..end], b"author ")?.to_vec();
    let lines = stdout[end + 2..].split(|byte| *byte == b'\n');
    let message = lines.map(|line| line.strip_prefix(b"    ").unwrap_or(line)).collect::<Vec<_>>();
    Some(Written { author, message: message.join(&b'\n') })
}

/// The line of a header. Lines that continue another one, such as a signature's, begin with a
/// space.
fn header<'h>(headers: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    headers.split(|byte| *byte == b'\n').find(|line| line.starts_with(name))
}

/// Whether this is a name of UTF-8 for git.
fn is_utf8(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"UTF-8") || name.eq_ignore_ascii_case(b"UTF8")
}

#[cfg(test)]
mod tests {
    use super::super::super::repo::fixture::Sandbox;
    use super::*;

    /// A commit to pick, and what it is picked onto.
    struct Pair {
        sandbox: Sandbox,
        repo: Repo,
        onto: Oid,
        /// What both picks come to.
        tree: Oid,
    }

    impl Pair {
        fn new() -> Pair {
            let mut sandbox = Sandbox::new();
            sandbox.world.env.insert("GIT_COMMITTER_DATE".into(), "1700000000 +0000".into());
            let onto = sandbox.oid("work", "HEAD");
            let fix = sandbox.commit("work", "fix", "fixed\n", "fix");
            let repo = sandbox.open("work");
            let tree = repo.commit(fix).unwrap().tree;
            Pair { sandbox, repo, onto, tree }
        }

        /// A commit of this author, with these headers and this message.
        fn source(&self, author: &[u8], headers: &[u8], message: &[u8]) -> Oid {
            let (tree, onto) = (self.tree, self.onto);
            let begin = format!("tree {tree}\nparent {onto}\nauthor ").into_bytes();
            let times = [
                &b" <j@example.com> 1500000000 +0530\ncommitter "[..],
                author,
                b" <j@example.com> 1 +0000\n",
            ];
            let data = [&begin[..], author, &times.concat(), headers, b"\n", message].concat();
            self.repo.put(ObjectType::Commit, &data).unwrap()
        }

        fn ours(&self, source: Oid) -> Result<Vec<u8>> {
            let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
            let repo = self.sandbox.open("work");
            let ana = Actor::new("Ana", "ana@example.com");
            commit_pick(&repo, source, self.onto, self.tree, &ana, at).map(|oid| self.object(oid))
        }

        fn theirs(&self, source: Oid) -> Vec<u8> {
            self.sandbox.git("work", &["checkout", "-q", "--detach", &self.onto.to_string()]);
            self.sandbox.git("work", &["cherry-pick", "-x", &source.to_string()]);
            self.object(self.sandbox.oid("work", "HEAD"))
        }

        fn object(&self, oid: Oid) -> Vec<u8> {
            let repo = self.sandbox.open("work");
            repo.git2().odb().unwrap().read(to_git2(oid)).unwrap().data().to_vec()
        }

        #[track_caller]
        fn is_what_git_makes(&self, source: Oid) -> Vec<u8> {
            let (ours, theirs) = (self.ours(source).unwrap(), self.theirs(source));
            assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string());
            ours
        }
    }

    #[test]
    fn messages_are_those_that_cherry_pick_makes() {
        let pair = Pair::new();
        for message in [
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
            "\n \n\ntitle  \t\n\n\n\nbody\r\n\n    code\n\n\tmore \n\n\n",
            "title\n\nbody\n\nSigned-off-by: B\n\nConflicts:\n\ta b\n\tc\n",
            "title\n\nbody\n\nConflicts:\n\ta\nno more\n",
            "title\n\nX: y\n# a comment\nZ: w\n\n# another\n",
            "# title\n\nX: y\n#\n  z\n",
            "title\n\nX: y\n# ------------------------ >8 ------------------------\nmore\n",
            "title\n \nX: y\n\t\n",
            "a\0b\n\nX: y",
            "\n\n",
            "",
        ] {
            pair.is_what_git_makes(pair.source(b"Kim", b"", message.as_bytes()));
        }
    }

    #[test]
    fn bytes_and_headers_are_those_that_cherry_pick_makes() {
        let pair = Pair::new();
        let cases: [(&[u8], &[u8], &[u8]); 17] = [
            (b"J\xf6rg", b"encoding ISO-8859-1\n", b"Gr\xfc\xdfe\n"),
            (b"J\xf6rg", b"encoding latin1\ngpgsig x\n author y\n encoding z\n", b"Gr\xfc\xdfe\n"),
            (b"J\xf6rg", b"encoding latin1\n", b"\n\nGr\xfc\xdfe  \n\n\n\n    m\xfc\n\nX: y\n"),
            (b"J\xf6rg", b"encoding latin1\n", b"m\xfc\n\nX: \xfc\n \n"),
            (b"J\xf6rg", b"encoding latin1\n", b"Gr\xfc\xdfe"),
            (b"J\xc3\xb6rg", b"encoding UTF-8\n", b"Gr\xc3\xbc\n"),
            (b"J\xc3\xb6rg", b"encoding utf8\n", b"Gr\xc3\xbc\n"),
            (b"K", b"encoding Shift_JIS\n", b"\x93\xfa\x96{\n"),
            (b"K", b"encoding ISO-2022-JP\n", b"\x1b$BF|K\\\x1b(B\n"),
            (b"J\x9arg", b"encoding windows-1252\n", b"\x80 5\n"),
            (b"J\x9arg", b"encoding ISO-8859-1\n", b"\x80 5\n"),
            // What iconv does not know, or cannot read, is read as Latin-1.
            (b"J\xf6rg", b"encoding klingon\n", b"Gr\xfc\xdfe\n\nSigned-off-by: x\n"),
            (b"J\xf6rg", b"encoding Shift_JIS\n", b"\x93\xfa\x96{\xff\n"),
            (b"J\xf6rg", b"", b"Gr\xfc\xdfe \xe2\x82\xac\n"),
            (b"J\xf6rg", b"encoding UTF-8\n", b"Gr\xc3\xbc\xe2\x82\n"),
            (
                b"K",
                b"",
                b"\xef\xbf\xbe \xf0\x9f\xbf\xbf \xef\xb7\x90 \xed\xa0\x80 \xf5\x80\x80\x80 \xc0\x80\n",
            ),
            (b"K", b"mergetag object 1\n type commit\nx y\n", b"Gr\xc3\xbc\n"),
        ];
        for encoding in [None, Some("ISO-8859-1"), Some("utf8"), Some("windows-1252"), Some("klingon")] {
            if let Some(encoding) = encoding {
                pair.sandbox.git("work", &["config", "i18n.commitEncoding", encoding]);
            }
            for (author, headers, message) in cases {
                pair.is_what_git_makes(pair.source(author, headers, message));
            }
        }
        pair.sandbox.git("work", &["fsck", "--no-dangling"]);
    }

    #[test]
    fn what_is_in_utf_8_needs_no_git() {
        let mut pair = Pair::new();
        let plain = pair.source(b"K", b"encoding UTF-8\n", b"plain\n");
        let latin = pair.source(b"J\xf6rg", b"encoding ISO-8859-1\n", b"Gr\xfc\xdfe\n");
        pair.sandbox.world.env.insert("PATH".into(), "/nowhere".into());
        assert!(pair.ours(plain).is_ok());
        assert!(pair.ours(latin).is_err());
    }

    #[test]
    fn what_cannot_be_a_commit_is_refused() {
        let pair = Pair::new();
        let source = pair.source(b"K", b"", b"fix\n");
        let make = |tree, name: &str| {
            commit_pick(&pair.repo, source, pair.onto, tree, &Actor::new(name, "a@b"), DateTime::UNIX_EPOCH)
        };
        assert!(make(pair.tree, "Ana").is_ok());
        assert!(make(pair.onto, "Ana").is_err());
        assert!(make(pair.tree, "").is_err());
        // Nor does git take it: nothing of the author is to be found in it.
        pair.sandbox.git("work", &["config", "i18n.commitEncoding", "UTF-16"]);
        assert!(pair.ours(source).is_err());
    }

    #[test]
    fn what_is_shown_is_read_and_nothing_else() {
        let text = b"commit 1\ntree 2\nauthor A <a> 1 +0000\ngpgsig x\n author y\n \n z\n\n    t\n    \n        b\n\n";
        let Written { author, message } = shown(text).unwrap();
        assert_eq!(author, b"author A <a> 1 +0000");
        assert_eq!(message, b"t\n\n    b\n\n");
        assert!(shown(b"commit 1\ntree 2\n\n    author A\n").is_none());
        assert!(shown(b"author A <a> 1 +0000\n").is_none());
    }

    #[test]
    fn names_of_utf_8_are_known() {
        assert!(["UTF-8", "utf8", "Utf-8"].iter().all(|name| is_utf8(name.as_bytes())));
        assert!(
            ["", "8", "utf", "utf--8", "utf-16", "utf-8 ", "latin1"]
                .iter()
                .all(|name| !is_utf8(name.as_bytes()))
        );
    }
}
