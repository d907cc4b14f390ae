//! A commit as people read it: what it changed, where it was picked from,
//! what it reverts.
//!
//! Reads messages and nothing else, and refuses none: one that follows no
//! convention is a change like any other, of no type. What a message says is
//! data, kept as it was written; whoever shows it makes it fit to be shown.

use std::borrow::Cow;
use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::name::{Actor, Oid};

/// A commit as people read it. Serializes as the commit of the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    pub commit: Oid,
    /// The first paragraph of its message as one line; may be empty.
    pub subject: String,
    /// How much of it a host, or the team, put before what was written.
    #[serde(skip)]
    pub prefix: usize,
    /// Who wrote it.
    pub author: Actor,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
    /// The type of a conventional commit in lower case, such as `feat`.
    pub r#type: Option<String>,
    /// The scope of a conventional commit, as written.
    pub scope: Option<String>,
    /// Whether it says that it breaks something, by `!` or by a
    /// `BREAKING CHANGE` footer.
    pub breaking: bool,
    /// The commits its `(cherry picked from commit …)` lines name, oldest
    /// first: the last is where this very commit was taken from.
    #[serde(serialize_with = "last")]
    #[schemars(with = "Option<Oid>")]
    pub picked_from: Vec<Oid>,
    /// What its `Rollback-Safe` trailer says. False marks a point of no return.
    #[serde(skip)]
    pub rollback_safe: Option<bool>,
    /// The commits its `This reverts commit …` lines name.
    #[serde(skip)]
    pub reverts: Vec<Oid>,
    /// The commits that it says it reverts, by less than their ids.
    #[serde(skip)]
    pub reverts_named: Vec<RevertName>,
}

/// What a message calls a commit that it reverts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertName {
    /// The first digits of its id.
    Digits(String),
    /// The title that a host's button repeats, of the newest commit before that has it.
    Title(String),
}

/// The fewest digits of an id that name a commit.
const FEWEST_DIGITS: usize = 7;

fn last<S: Serializer>(picked_from: &[Oid], s: S) -> Result<S::Ok, S::Error> {
    picked_from.last().serialize(s)
}

impl Change {
    /// Reads a commit's message.
    ///
    /// Headers are read as <https://www.conventionalcommits.org> v1.0.0 has
    /// them. Footers count wherever in the body they begin a line: squashing
    /// buries them in the middle, and one missed breaks a promise.
    pub fn read(commit: Oid, message: &str, author: &Actor, committed_at: DateTime<Utc>) -> Change {
        let message = unix_lines(message);
        let mut lines = message.lines().map(str::trim_end).skip_while(|line| line.is_empty()).peekable();

        let header = lines.next().unwrap_or_default().trim_start();
        let (prefix, conventional) = Header::behind(header, &HOST_PREFIXES);
        let mut change = Change {
            commit,
            subject: header.to_owned(),
            prefix,
            author: author.clone(),
            committed_at,
            breaking: conventional.as_ref().is_some_and(|header| header.breaking),
            scope: conventional.as_ref().and_then(|header| header.scope.clone()),
            r#type: conventional.map(|header| header.r#type),
            picked_from: Vec::new(),
            rollback_safe: None,
            reverts: Vec::new(),
            reverts_named: Vec::new(),
        };
        let mut in_subject = true;
        for line in lines {
            in_subject &= !line.is_empty();
            if in_subject {
                change.subject.push(' ');
                change.subject.push_str(line.trim_start());
            }
            change.read_footer(line);
        }
        if change.reverts.is_empty() && change.reverts_named.is_empty() {
            change.reverts_named.extend(change.reverted_title().map(RevertName::Title));
        }
        change
    }

    /// A message without any of these tells of no other commit; one with some may.
    pub const SIGNS_OF_OTHERS: [&str; 3] = ["(cherry picked from commit ", "evert", "Reapply \""];

    /// The title of what it reverts, if its subject is a host's `Revert "…"`, git's `Reapply "…"`
    /// or a conventional `revert: …`.
    fn reverted_title(&self) -> Option<String> {
        let title = title(&self.subject);
        let quoted = |before: &str| title.strip_prefix(before)?.strip_suffix('"');
        match (quoted("Revert \""), quoted("Reapply \"")) {
            (Some(of), _) => Some(self::title(of).to_owned()),
            (None, Some(of)) => Some(format!("Revert \"{}\"", self::title(of))),
            (None, None) if self.r#type.as_deref() == Some("revert") => {
                Some(self::title(self.description()).to_owned())
            }
            (None, None) => None,
        }
    }

    /// Whether a subject has this title, whatever its host put around it.
    pub fn is_titled(subject: &str, wanted: &str) -> bool {
        let subject = title(subject);
        let inner = subject.strip_prefix("Revert \"").and_then(|rest| rest.strip_suffix('"'));
        match (inner, wanted.strip_prefix("Revert \"").and_then(|rest| rest.strip_suffix('"'))) {
            (Some(inner), Some(wanted)) => title(inner) == wanted,
            _ => subject == wanted,
        }
    }

    /// Takes note of a line of the body that means something.
    fn read_footer(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("(cherry picked from commit ") {
            self.picked_from.extend(rest.strip_suffix(')').and_then(full_id));
        } else if let Some(rest) = line.strip_prefix("This reverts commit ") {
            // Followed by a full stop, or by a comma and which side of a merge was kept.
            let id = rest.split([',', '.', ' ']).next().unwrap_or_default().to_ascii_lowercase();
            if let Some(full) = full_id(&id) {
                self.reverts.push(full);
            } else if id.len() >= FEWEST_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                self.reverts_named.push(RevertName::Digits(id));
            }
        } else if let Some(rest) =
            line.strip_prefix("BREAKING CHANGE").or_else(|| line.strip_prefix("BREAKING-CHANGE"))
        {
            self.breaking |= rest.starts_with(':') || rest.starts_with(" #");
        } else if let Some((token, value)) = line.split_once(':')
            && token.trim_end().eq_ignore_ascii_case("rollback-safe")
        {
            // Only its first word counts: people add why.
            let word = value.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let safe = match word.to_ascii_lowercase().as_str() {
                "no" | "false" => Some(false),
                "yes" | "true" => Some(true),
                _ => None,
            };
            // Of two that disagree the warning counts.
            self.rollback_safe = match (self.rollback_safe, safe) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (before, now) => now.or(before),
            };
        }
    }

    /// Reads the subject once more, behind what a team puts before what it
    /// writes: `{n}` in a prefix stands for a number.
    #[must_use]
    pub fn behind(mut self, prefixes: &[String]) -> Change {
        if let (prefix, Some(header)) = Header::behind(&self.subject, prefixes)
            && prefix > 0
        {
            self.prefix = prefix;
            self.breaking |= header.breaking;
            self.scope = header.scope;
            self.r#type = Some(header.r#type);
        }
        self
    }

    /// What it says it did: the subject without the type and scope that a
    /// conventional commit begins with, and what stands before those.
    pub fn description(&self) -> &str {
        let rest = self.r#type.as_ref().and_then(|r#type| self.subject.get(self.prefix + r#type.len()..));
        let rest = match &self.scope {
            Some(scope) => {
                rest.and_then(|rest| rest.strip_prefix('(')?.strip_prefix(scope.as_str())?.strip_prefix(')'))
            }
            None => rest,
        };
        rest.and_then(|rest| rest.strip_prefix('!').unwrap_or(rest).strip_prefix(':'))
            .map_or(&self.subject, str::trim)
    }

    /// Whether it adds something: a conventional `feat`.
    pub fn is_feature(&self) -> bool {
        self.r#type.as_deref() == Some("feat")
    }
}

/// The first line of a conventional commit.
struct Header {
    r#type: String,
    scope: Option<String>,
    breaking: bool,
}

/// What hosts put before the title of a request that they squash: Azure DevOps, Bitbucket.
const HOST_PREFIXES: [&str; 2] = ["Merged PR {n}: ", "Pull request #{n}: "];

/// How long the beginning of a line is that is spelled like `prefix`.
fn prefix_length(line: &str, prefix: &str) -> Option<usize> {
    let (first, others) = {
        let mut parts = prefix.split("{n}");
        (parts.next().unwrap_or_default(), parts)
    };
    let mut rest = line.strip_prefix(first)?;
    for part in others {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if number.len() == rest.len() {
            return None;
        }
        rest = number.strip_prefix(part)?;
    }
    Some(line.len() - rest.len())
}

impl Header {
    /// Reads a line, or what follows one of these prefixes in it; with how long that is.
    fn behind(line: &str, prefixes: &[impl AsRef<str>]) -> (usize, Option<Header>) {
        let lengths = prefixes.iter().filter_map(|prefix| prefix_length(line, prefix.as_ref()));
        let mut behind = lengths.filter_map(|length| Some((length, Header::read(&line[length..])?)));
        match behind.next() {
            Some((length, header)) => (length, Some(header)),
            None => (0, Header::read(line)),
        }
    }

    /// None for a line that follows no convention.
    fn read(line: &str) -> Option<Header> {
        // The line alone: over one footer that is not to its taste the parser
        // gives a whole message up.
        let commit = git_conventional::Commit::parse(line).ok()?;
        let r#type = commit.type_().as_str().to_ascii_lowercase();
        let plain = r#type.starts_with(|c: char| c.is_ascii_alphabetic())
            && r#type.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        // The specification wants a blank after the colon, the parser does not,
        // and would take `https://…` and `std::fmt: …` for types.
        let spaced = line.strip_suffix(commit.description())?.ends_with(char::is_whitespace);
        (plain && spaced).then(|| Header {
            r#type,
            scope: commit.scope().map(|scope| scope.as_str().to_owned()),
            breaking: commit.breaking(),
        })
    }
}

/// `\n` for whatever ends lines.
fn unix_lines(message: &str) -> Cow<'_, str> {
    if message.contains('\r') {
        message.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        message.into()
    }
}

/// A subject without what a host puts before and behind a request's title.
fn title(subject: &str) -> &str {
    let before = HOST_PREFIXES.iter().find_map(|prefix| prefix_length(subject, prefix)).unwrap_or_default();
    let title = subject[before..].trim();
    let number = |behind: &str| {
        let (rest, number) = title.strip_suffix(')')?.rsplit_once(behind)?;
        number.bytes().all(|digit| digit.is_ascii_digit()).then_some(rest)
    };
    [" (#", " (!", " (pull request #"].into_iter().find_map(number).unwrap_or(title)
}

/// A full object id, in whichever case.
fn full_id(text: &str) -> Option<Oid> {
    text.to_ascii_lowercase().parse().ok()
}

/// Changes in the order of how much a reader cares: what breaks, then by type
/// (features, fixes, speed, reverts, other types by name), then what follows
/// no convention. Within each as given.
pub fn by_weight(changes: &[Change]) -> Vec<&Change> {
    const FIRST: [&str; 4] = ["feat", "fix", "perf", "revert"];
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| {
        let r#type = change.r#type.as_deref();
        let place = FIRST.iter().position(|first| Some(*first) == r#type).unwrap_or(FIRST.len());
        (Reverse(change.breaking), r#type.is_none(), place, r#type)
    });
    sorted
}

/// The most changes a summary lists.
pub const SUMMARY_LINES: usize = 50;

/// The most characters of a subject in a summary.
const SUMMARY_WIDTH: usize = 120;

/// Changes as lines for the text of a tag, the weightiest first: `!` marks
/// what breaks, `-` the rest. Bounded: at most [`SUMMARY_LINES`], then how many
/// more there are. Empty where nothing changed; no line break at the end.
///
/// No line has control characters, and each begins with its mark: whatever a
/// subject says, no line can pass for a trailer, a comment or a signature.
pub fn summary(changes: &[Change]) -> String {
    let mut lines: Vec<String> = by_weight(changes)
        .into_iter()
        .take(SUMMARY_LINES)
        .map(|change| {
            let mark = if change.breaking { '!' } else { '-' };
            let subject = match plain(&change.subject) {
                subject if subject.is_empty() => "(no subject)".to_owned(),
                subject => subject,
            };
            let author =
                plain(if change.author.name.is_empty() { &change.author.email } else { &change.author.name });
            format!("{mark} {} {subject} ({author})", change.commit.short())
        })
        .collect();
    if let Some(more) = changes.len().checked_sub(SUMMARY_LINES).filter(|more| *more > 0) {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

/// One line of bounded length with nothing in it that a terminal obeys: no
/// control characters, no line separators, no marks that turn the direction of
/// reading (Unicode TR36, "bidirectional text spoofing").
fn plain(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.chars().map(|c| if obeyed(c) { ' ' } else { c }).collect();
    let mut chars = text.trim().chars();
    let mut kept: String = chars.by_ref().take(SUMMARY_WIDTH).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn read(message: &str) -> Change {
        let at = DateTime::from_timestamp(1_795_413_720, 0).unwrap();
        Change::read(A.parse().unwrap(), message, &Actor::new("Ana", "ana@example.com"), at)
    }

    fn ids(ids: &[Oid]) -> Vec<String> {
        ids.iter().map(Oid::to_string).collect()
    }

    #[test]
    fn headers_and_breaking_changes() {
        for (message, r#type, scope, breaking) in [
            ("feat: a", Some("feat"), None, false),
            ("Feat: a", Some("feat"), None, false),
            ("feat(cart): a", Some("feat"), Some("cart"), false),
            ("feat(cart)!: a", Some("feat"), Some("cart"), true),
            ("fix!: a", Some("fix"), None, true),
            ("fix: a\n\nWhy.\n\nBREAKING CHANGE: b\n", Some("fix"), None, true),
            ("fix: a\n\nBREAKING-CHANGE: b", Some("fix"), None, true),
            ("fix: a\n\nBREAKING CHANGE #12", Some("fix"), None, true),
            ("fix: a\r\n\r\nBREAKING CHANGE: b\r\n", Some("fix"), None, true),
            ("fix(cart)!: a\r\n", Some("fix"), Some("cart"), true),
            // What one parser or another stumbles over below a good header.
            ("fix: a\nright below\n\nBREAKING CHANGE: b", Some("fix"), None, true),
            ("fix: a\n\nReviewed-by:\n", Some("fix"), None, false),
            ("fix: a\n\nBREAKING CHANGE: b\n\nReviewed-by:", Some("fix"), None, true),
            ("Merge pull request #3 from x/y\n\nfix: a\n\nBREAKING CHANGE: b", None, None, true),
            // Prose.
            ("fix: a\n\nThis is no BREAKING CHANGE: b", Some("fix"), None, false),
            ("fix: a\n\nBREAKING CHANGES are listed below", Some("fix"), None, false),
            ("fix: a\n\nbreaking change: b", Some("fix"), None, false),
            // What a host puts before the title of a request.
            ("Merged PR 123: feat: x", Some("feat"), None, false),
            ("Merged PR 1: fix(cart)!: x", Some("fix"), Some("cart"), true),
            ("Pull request #12: feat!: x\n\nBody", Some("feat"), None, true),
            ("Merged PR : feat: x", None, None, false),
            ("Merged PR 12: Mend the door", None, None, false),
            ("Merged PR 12: https://example.com", None, None, false),
            // No convention.
            ("", None, None, false),
            ("\n \n\n", None, None, false),
            (":", None, None, false),
            ("feat:", None, None, false),
            ("feat:a", None, None, false),
            ("feat(: a", None, None, false),
            ("Fix the cart!", None, None, false),
            ("Merge branch 'feat: a'", None, None, false),
            ("Revert \"feat!: a\"", None, None, false),
            ("fixup! feat: a", None, None, false),
            ("✨ feat: a", None, None, false),
            ("🎉: a", None, None, false),
            (":sparkles: a", None, None, false),
            ("https://example.com/a", None, None, false),
            ("std::fmt: a", None, None, false),
            ("#12: a", None, None, false),
        ] {
            let change = read(message);
            assert_eq!(
                (change.r#type.as_deref(), change.scope.as_deref(), change.breaking),
                (r#type, scope, breaking),
                "{message:?}"
            );
        }
    }

    #[test]
    fn a_description_is_the_subject_without_its_type() {
        for (message, description) in [
            ("feat(cart: a)!: drop it: all\nof it", "drop it: all of it"),
            ("Fix:  a ", "a"),
            ("fix(a, b-c): d: e", "d: e"),
            ("BUILD!: a", "a"),
            ("fix:a", "fix:a"),
            ("Merged PR 7: feat(a)!: b", "b"),
            ("Merged PR 7: b", "Merged PR 7: b"),
            ("a plain one: really", "a plain one: really"),
            ("", ""),
        ] {
            let change = read(message);
            assert_eq!(change.description(), description, "{message:?}");
            let parsed = git_conventional::Commit::parse(&change.subject[change.prefix..]);
            if change.r#type.is_some() {
                assert_eq!(parsed.unwrap().description(), description, "as whoever reads the header has it");
            }
        }
    }

    #[test]
    fn what_a_team_puts_before_a_type_is_passed_over() {
        let prefixes = ["SHOP-{n}: ", "[{n}/{n}] ", "✨ "].map(str::to_owned);
        for (message, r#type, description) in [
            ("SHOP-12: feat: x", Some("feat"), "x"),
            ("[1/12] fix!: x", Some("fix"), "x"),
            ("✨ feat(a): x", Some("feat"), "x"),
            ("feat: x", Some("feat"), "x"),
            ("Merged PR 1: feat: x", Some("feat"), "x"),
            ("SHOP-12: Mend it", Some("shop-12"), "Mend it"),
            ("[a/1] fix: x", None, "[a/1] fix: x"),
        ] {
            let change = read(message).behind(&prefixes);
            let told = (change.r#type.as_deref(), change.description());
            assert_eq!(told, (r#type, description), "{message}");
        }
        assert!(read("[1/12] fix!: x").behind(&prefixes).breaking);
    }

    #[test]
    fn subjects_are_the_first_paragraph() {
        for (message, subject) in [
            ("", ""),
            ("\n\n  fix: a  \n\nbody", "fix: a"),
            ("one\ntwo  \n three\n\nbody", "one two three"),
            ("one\r\n\r\nbody\r\n", "one"),
            ("\u{1b}[31mred", "\u{1b}[31mred"),
        ] {
            assert_eq!(read(message).subject, subject, "{message:?}");
        }
    }

    #[test]
    fn picks_are_followed_to_the_last() {
        let message = format!(
            "fix: a\n\n(cherry picked from commit {B})\n(cherry picked from commit {})\n\
             (cherry picked from commit abc1234)\nsee (cherry picked from commit {B})\n",
            A.to_uppercase()
        );
        assert_eq!(ids(&read(&message).picked_from), [B, A]);
        assert!(
            read(&format!("(cherry picked from commit {B})")).picked_from.is_empty(),
            "a subject is no footer"
        );
    }

    #[test]
    fn reverts_name_what_they_revert() {
        let message = format!(
            "Revert \"a\"\n\nThis reverts commit {A}.\nThis reverts commit {B}, reversing\nchanges made to {A}.\n\
             This reverts commit abc1234.\n"
        );
        let change = read(&message);
        assert_eq!(ids(&change.reverts), [A, B]);
        assert_eq!(change.reverts_named, [RevertName::Digits("abc1234".to_owned())]);
    }

    #[test]
    fn reverts_are_known_by_less_than_a_whole_id() {
        let digits = |id: &str| vec![RevertName::Digits(id.to_owned())];
        let title = |text: &str| vec![RevertName::Title(text.to_owned())];
        for (message, named) in [
            ("a\n\nThis reverts commit 65bb1f4 (fix: door, 2026-11-28).\n", digits("65bb1f4")),
            (
                "Revert \"a\"\n\nThis reverts commit 65BB1F4ABC12, reversing\nchanges.\n",
                digits("65bb1f4abc12"),
            ),
            ("a\n\nThis reverts commit message style.\n", vec![]),
            ("a\n\nThis reverts commit 65bb.\n", vec![]),
            ("Revert \"fix: door\" (#13)\n\nReverts shop/shop#12\n", title("fix: door")),
            ("Revert \"fix: door (#12)\" (#13)", title("fix: door")),
            ("Merged PR 13: Revert \"fix: door\"\n\nReverts !12", title("fix: door")),
            ("Revert \"Merged PR 12: fix: door\"", title("fix: door")),
            ("Revert \"say \"hello\"\" (!13)", title("say \"hello\"")),
            ("Reapply \"fix: door\" (#14)", title("Revert \"fix: door\"")),
            ("revert: fix: door", title("fix: door")),
            ("Revert the door", vec![]),
            ("Reverting is \"easy\"", vec![]),
        ] {
            assert_eq!(read(message).reverts_named, named, "{message:?}");
        }
        for (subject, wanted, is) in [
            ("fix: door", "fix: door", true),
            ("fix: door (#12)", "fix: door", true),
            ("Merged PR 12: fix: door", "fix: door", true),
            ("Revert \"fix: door (#12)\" (#13)", "Revert \"fix: door\"", true),
            ("fix: door handle", "fix: door", false),
            ("Revert \"fix: door\"", "fix: door", false),
        ] {
            assert_eq!(Change::is_titled(subject, wanted), is, "{subject:?}");
        }
    }

    #[test]
    fn rollback_safety_is_read_from_trailers() {
        for (message, safe) in [
            ("a\n\nRollback-Safe: no\n", Some(false)),
            ("a\r\n\r\nrollback-safe : No\r\n", Some(false)),
            ("a\n\nRollback-Safe: no, drops a column", Some(false)),
            ("a\n\nRollback-Safe: yes", Some(true)),
            ("a\n\nRollback-Safe: no\n\nRollback-Safe: yes", Some(false)),
            ("a\n\nRollback-Safe: yes\nRollback-Safe: no", Some(false)),
            ("a\n\nRollback-Safe: yes\nRollback-Safe: perhaps", Some(true)),
            ("a\n\n* squashed\n\nRollback-Safe: no\n\n* more\n", Some(false)),
            ("a\n\nRollback-Safe: nothing", None),
            ("a\n\nRollback-Safe:", None),
            ("a\n\nexample:\n    Rollback-Safe: no", None),
            ("Rollback-Safe: no", None),
        ] {
            assert_eq!(read(message).rollback_safe, safe, "{message:?}");
        }
    }

    #[test]
    fn json_is_the_contracts_commit() {
        let message = format!("feat(cart)!: a\n\n(cherry picked from commit {B})\nRollback-Safe: no");
        assert_eq!(
            serde_json::to_value(read(&message)).unwrap(),
            serde_json::json!({
                "commit": A, "subject": "feat(cart)!: a", "author": "Ana <ana@example.com>",
                "committed_at": "2026-11-23T06:02:00Z", "type": "feat", "scope": "cart", "breaking": true,
                "picked_from": B,
            })
        );
        let json = serde_json::to_value(read("Merge")).unwrap();
        assert_eq!(
            (&json["type"], &json["picked_from"]),
            (&serde_json::Value::Null, &serde_json::Value::Null)
        );
    }

    #[test]
    fn a_summary_begins_with_what_matters() {
        let changes =
            ["Merge b", "docs: c", "fix: d", "", "feat: e", "chore: f", "fix!: g", "fix: h"].map(read);
        assert_eq!(
            summary(&changes),
            "! aaaaaaa fix!: g (Ana)\n\
             - aaaaaaa feat: e (Ana)\n\
             - aaaaaaa fix: d (Ana)\n\
             - aaaaaaa fix: h (Ana)\n\
             - aaaaaaa chore: f (Ana)\n\
             - aaaaaaa docs: c (Ana)\n\
             - aaaaaaa Merge b (Ana)\n\
             - aaaaaaa (no subject) (Ana)"
        );
        assert_eq!(summary(&[]), "");
    }

    #[test]
    fn a_summary_is_bounded() {
        let many = vec![read("fix: a"); SUMMARY_LINES];
        assert_eq!(summary(&many).lines().count(), SUMMARY_LINES);
        let more = vec![read("fix: a"); SUMMARY_LINES + 2];
        assert_eq!(summary(&more).lines().last(), Some("- and 2 more"));
        assert!(summary(&[read(&"é".repeat(5000))]).chars().count() < 150);
    }

    #[test]
    fn a_summary_is_safe_to_show() {
        let text = summary(&[read("fix: \u{1b}[2Ja\u{7}\u{9b}\u{202e}b\u{2028}c\td")]);
        assert_eq!(text, "- aaaaaaa fix:  [2Ja   b c d (Ana)");
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(messages in prop::collection::vec("(?s).{0,40}(Rel-Tag|feat|BREAKING CHANGE)?!?:? ?.{0,20}", 0..5)) {
            let changes: Vec<Change> = messages.iter().map(|message| read(message)).collect();
            let text = summary(&changes);
            prop_assert_eq!(text.lines().count(), changes.len());
            for line in text.lines() {
                prop_assert!(line.starts_with("- ") || line.starts_with("! "), "{:?}", line);
                prop_assert!(!line.contains(char::is_control), "{:?}", line);
            }
        }
    }
}
