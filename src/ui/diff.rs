//! What lies between two revisions: the commits of either side, and a count
//! of lines.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::log::person;
use super::plan::count;
use super::screen::Screen;
use super::table::labelled;
use super::text::{clean, clean_bytes, truncate, width, wrap};
use super::time;
use crate::domain::changes::Change;
use crate::domain::name::Oid;
use crate::store::diffstat::FileStat;

/// What a subject is never cut below, in columns.
const SUBJECT: usize = 12;

/// Columns that lines are counted in without a terminal, as git does.
const PLAIN: usize = 80;

/// The fewest columns of a graph.
const GRAPH: usize = 10;

/// A commit that one side has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The commit.
    pub change: Change,
    /// What the other side has instead: a pick of it, or what it was picked from.
    pub there_as: Option<Oid>,
}

/// What there is to show.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is compared, for people.
    pub from: String,
    /// With what.
    pub to: String,
    /// The commit both are, if they are one.
    pub same: Option<Oid>,
    /// Whether only some paths count.
    pub narrowed: bool,
    /// What only `to` has, newest first.
    pub added: Vec<Entry>,
    /// What only `from` has, newest first.
    pub removed: Vec<Entry>,
    /// How many commits of each are listed; none means all.
    pub limit: Option<usize>,
    /// What differs, by file, where it was asked for.
    pub stat: Option<Vec<FileStat>>,
    /// Where the host shows it.
    pub url: Option<String>,
    /// The time.
    pub now: DateTime<Utc>,
}

impl Shown {
    /// The commits of a side that are listed: what breaks first, then the
    /// newest.
    pub fn listed<'a>(&self, entries: &'a [Entry]) -> Vec<&'a Entry> {
        let (breaking, others): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| entry.change.breaking);
        breaking.into_iter().chain(others).take(self.limit.unwrap_or(usize::MAX)).collect()
    }
}

/// How many people wrote these commits, by their addresses.
pub fn people(entries: &[Entry]) -> usize {
    let address = |entry: &Entry| entry.change.author.email.to_ascii_lowercase();
    entries.iter().map(address).collect::<HashSet<String>>().len()
}

/// All of it.
pub fn difference(screen: &Screen, shown: &Shown) -> String {
    let (from, to) = (clean(&shown.from), clean(&shown.to));
    let between = format!("{from} -> {to}");
    let narrowed = if shown.narrowed { " in these paths" } else { "" };
    let head = match (shown.same, shown.added.as_slice(), shown.removed.as_slice()) {
        (Some(commit), ..) => {
            return format!("{between}: both are {}, nothing between them", commit.short());
        }
        (None, [], []) => format!("{between}: no commits between them{narrowed}"),
        (None, [], _) => format!("{between}: nothing new{narrowed}"),
        (None, added, _) => format!("{between}: {}", summary(added)),
    };
    let head = screen.width().map_or(head.clone(), |width| wrap(&head, width).join("\n  "));
    let mut parts = vec![head];
    if !shown.added.is_empty() {
        parts[0].push('\n');
        parts[0].push_str(&list(screen, shown, &shown.added));
    }
    if !shown.removed.is_empty() {
        let head = format!("only in {from}: {}", summary(&shown.removed));
        let head = screen.width().map_or(head.clone(), |width| wrap(&head, width).join("\n  "));
        parts.push(format!("{head}\n{}", list(screen, shown, &shown.removed)));
    }
    if let Some(files) = &shown.stat {
        parts.push(stat(screen, files));
    }
    if let Some(url) = &shown.url {
        parts.push(labelled(&[("see", clean(url))], 0, None));
    }
    parts.join("\n\n")
}

/// `31 commits by 6 people, 1 breaking (1 there in another form)`.
fn summary(entries: &[Entry]) -> String {
    let mut text = format!(
        "{} by {}",
        count(entries.len(), "commit", "commits"),
        count(people(entries), "person", "people")
    );
    let breaking = entries.iter().filter(|entry| entry.change.breaking).count();
    if breaking > 0 {
        text.push_str(&format!(", {breaking} breaking"));
    }
    let elsewhere = entries.iter().filter(|entry| entry.there_as.is_some()).count();
    if elsewhere > 0 {
        text.push_str(&format!(" ({elsewhere} there in another form)"));
    }
    text
}

fn list(screen: &Screen, shown: &Shown, entries: &[Entry]) -> String {
    let listed = shown.listed(entries);
    let mut lines: Vec<String> = listed.iter().map(|entry| line(screen, shown.now, entry)).collect();
    if let Some(more) = entries.len().checked_sub(listed.len()).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// `! 8c1d0e2 feat!: drop the v1 cart API (kim, 2 days)`. The subject is what
/// is cut on a terminal.
fn line(screen: &Screen, now: DateTime<Utc>, entry: &Entry) -> String {
    let Entry { change, there_as } = entry;
    let mark = match (change.breaking, there_as) {
        (true, _) => '!',
        (false, Some(_)) => '=',
        (false, None) => ' ',
    };
    let age = time::span(time::between(change.committed_at, now));
    let there = there_as.map_or(String::new(), |form| format!("; there as {}", form.short()));
    let subject = match clean(&change.subject) {
        subject if subject.is_empty() => "(no subject)".to_owned(),
        subject => subject,
    };
    let head = format!("{mark} {} ", change.commit.short());
    let tail = format!(" ({}, {age}{there})", person(&change.author, None));
    let subject = match screen.width() {
        Some(columns) => truncate(&subject, columns.saturating_sub(width(&head) + width(&tail)).max(SUBJECT)),
        None => subject,
    };
    let line = format!("{head}{subject}{tail}");
    match mark {
        '!' => screen.caution(&line),
        '=' => screen.dim(&line),
        _ => line,
    }
}

/// What differs, as `git diff --stat` draws it.
fn stat(screen: &Screen, files: &[FileStat]) -> String {
    let columns = screen.width().unwrap_or(PLAIN);
    let changed = |file: &FileStat| file.added + file.removed;
    let number = |file: &FileStat| if file.binary { "Bin".to_owned() } else { changed(file).to_string() };
    let numbers = files.iter().map(|file| number(file).len()).max().unwrap_or(0);
    let names: Vec<String> = files
        .iter()
        .map(|file| match &file.from {
            Some(from) => renamed(&clean_bytes(from), &clean_bytes(&file.path)),
            None => clean_bytes(&file.path),
        })
        .collect();
    // A space, the name, ` | `, the number, a space, the graph.
    let fixed = 5 + numbers;
    let longest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let room = match screen.width() {
        Some(_) => longest.min(columns.saturating_sub(fixed + GRAPH)).max(SUBJECT),
        None => longest,
    };
    let graph = columns.saturating_sub(fixed + room).max(GRAPH);
    let most = files.iter().map(changed).max().unwrap_or(0);
    let mut lines: Vec<String> = Vec::with_capacity(files.len() + 1);
    for (file, name) in files.iter().zip(&names) {
        let name = end_of(name, room);
        let pad = room - width(&name);
        let (plus, minus) = bars(file.added, file.removed, most, graph);
        let bars = format!("{}{}", screen.good(&"+".repeat(plus)), screen.bad(&"-".repeat(minus)));
        let line = format!(" {name}{:pad$} | {:>numbers$} {bars}", "", number(file));
        lines.push(line.trim_end().to_owned());
    }
    let sum = |of: fn(&FileStat) -> usize| files.iter().map(of).sum::<usize>();
    let (added, removed) = (sum(|file| file.added), sum(|file| file.removed));
    lines.push(match files {
        [] => "no files differ".to_owned(),
        files => format!(
            "{} changed, {} added, {} removed",
            count(files.len(), "file", "files"),
            count(added, "line", "lines"),
            removed
        ),
    });
    lines.join("\n")
}

/// `src/{a => b}/file`: what two paths have in common, once.
fn renamed(from: &str, to: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let shorter = old.len().min(new.len());
    let first = old.iter().zip(&new).take(shorter - 1).take_while(|(a, b)| a == b).count();
    let pairs = old.iter().rev().zip(new.iter().rev());
    let last = pairs.take(shorter - first).take_while(|(a, b)| a == b).count();
    if first + last == 0 {
        return format!("{from} => {to}");
    }
    let middle = |parts: &[&str]| parts[first..parts.len() - last].join("/");
    let before = old[..first].iter().map(|part| format!("{part}/")).collect::<String>();
    let after = old[old.len() - last..].iter().map(|part| format!("/{part}")).collect::<String>();
    format!("{before}{{{} => {}}}{after}", middle(&old), middle(&new))
}

/// How many signs stand for these lines: one each where there is room for the
/// `most` that any file has, else to scale, but never none for some.
fn bars(added: usize, removed: usize, most: usize, room: usize) -> (usize, usize) {
    if most <= room {
        return (added, removed);
    }
    let scale = |lines: usize| if lines == 0 { 0 } else { (lines * room / most).max(1) };
    let (plus, minus) = (scale(added), scale(removed));
    // Rounding one up may take a column too many.
    let over = (plus + minus).saturating_sub(room);
    if plus > minus { (plus - over, minus) } else { (plus, minus - over) }
}

/// The end of a path, which tells more than its beginning, in so many columns.
fn end_of(path: &str, columns: usize) -> String {
    if width(path) <= columns {
        return path.to_owned();
    }
    let mut kept = path.char_indices().map(|(at, _)| &path[at..]);
    let kept = kept.find(|rest| width(rest) < columns).unwrap_or_default();
    format!("…{kept}")
}

#[cfg(test)]
mod tests {
    use super::super::noted::fits;
    use super::super::status::tests::{actor, oid, screen, time};
    use super::*;

    fn entry(digit: u8, message: &str, by: &str, there_as: Option<u8>) -> Entry {
        let change = Change::read(oid(digit), message, &actor(by), time("21T14:00"));
        Entry { change, there_as: there_as.map(oid) }
    }

    fn shown() -> Shown {
        Shown {
            from: "prod v1.5.1-rc.1".to_owned(),
            to: "v1.6.0-rc.2".to_owned(),
            same: None,
            narrowed: false,
            added: vec![
                entry(1, "Merge branch 'cart'", "ana", None),
                entry(
                    2,
                    "fix: null cart \u{9b}on empty session, for whoever came from the start page",
                    "kim",
                    Some(5),
                ),
                entry(3, "feat!: drop the v1 cart API", "kim", None),
                entry(4, "", "bob", None),
            ],
            removed: vec![
                entry(5, "fix: null cart", "kim", Some(2)),
                entry(6, "fix: only here", "ana", None),
            ],
            limit: None,
            stat: None,
            url: Some("https://github.com/o/r/compare/v1.5.1-rc.1...v1.6.0-rc.2".to_owned()),
            now: time("23T14:00"),
        }
    }

    #[test]
    fn what_breaks_comes_first_then_the_newest() {
        let expected = r"prod v1.5.1-rc.1 -> v1.6.0-rc.2: 4 commits by 3 people, 1 breaking (1 there in another form)
! 3333333 feat!: drop the v1 cart API (kim, 2 days)
  1111111 Merge branch 'cart' (ana, 2 days)
= 2222222 fix: null cart \u{9b}on empty session, for whoever came from the start page (kim, 2 days; there as 5555555)
  4444444 (no subject) (bob, 2 days)

only in prod v1.5.1-rc.1: 2 commits by 2 people (1 there in another form)
= 5555555 fix: null cart (kim, 2 days; there as 2222222)
  6666666 fix: only here (ana, 2 days)

see  https://github.com/o/r/compare/v1.5.1-rc.1...v1.6.0-rc.2";
        assert_eq!(difference(&screen(None), &shown()), expected);
        let narrow = difference(&screen(Some(80)), &shown());
        assert!(fits(&narrow, 80), "{narrow}");
        assert!(narrow.starts_with("prod v1.5.1-rc.1 -> v1.6.0-rc.2: 4 commits by 3 people, 1 breaking (1 there in\n  another form)\n! 3333333"), "{narrow}");
        assert!(
            narrow.contains(
                "\n= 2222222 fix: null cart \\u{9b}on empty session… (kim, 2 days; there as 5555555)\n"
            ),
            "{narrow}"
        );
    }

    #[test]
    fn a_limit_keeps_what_matters_and_says_how_much_it_hides() {
        let shown = Shown { limit: Some(1), url: None, ..shown() };
        let text = difference(&screen(None), &shown);
        assert!(
            text.contains("form)\n! 3333333 feat!: drop the v1 cart API (kim, 2 days)\n  and 3 more\n\nonly"),
            "{text}"
        );
        assert!(text.ends_with("there as 2222222)\n  and 1 more"), "{text}");
        let none = Shown { limit: Some(0), ..shown };
        assert!(difference(&screen(None), &none).ends_with("\n  and 2 more"));
    }

    #[test]
    fn nothing_between_them_is_said_in_words() {
        let empty = Shown { added: Vec::new(), removed: Vec::new(), url: None, ..shown() };
        let same = Shown { same: Some(oid(1)), url: None, ..empty.clone() };
        assert_eq!(
            difference(&screen(Some(80)), &same),
            "prod v1.5.1-rc.1 -> v1.6.0-rc.2: both are 1111111, nothing between them"
        );
        let head = "prod v1.5.1-rc.1 -> v1.6.0-rc.2";
        assert_eq!(difference(&screen(None), &empty), format!("{head}: no commits between them"));
        let narrowed = Shown { narrowed: true, ..empty };
        assert_eq!(
            difference(&screen(None), &narrowed),
            format!("{head}: no commits between them in these paths")
        );
        let back = Shown { added: Vec::new(), ..shown() };
        assert!(
            difference(&screen(None), &back).starts_with(&format!("{head}: nothing new\n\nonly in prod"))
        );
    }

    fn file(path: &str, added: usize, removed: usize) -> FileStat {
        FileStat { path: path.as_bytes().to_vec(), from: None, added, removed, binary: false }
    }

    #[test]
    fn lines_are_drawn_as_git_draws_them() {
        let files = vec![
            file("src/cart.rs", 8, 2),
            FileStat { from: Some(b"a".to_vec()), ..file("b", 0, 0) },
            FileStat { binary: true, ..file("logo\x1b.png", 0, 0) },
        ];
        assert_eq!(
            stat(&screen(None), &files),
            r" src/cart.rs    |  10 ++++++++--
 a => b         |   0
 logo\u{1b}.png | Bin
3 files changed, 8 lines added, 2 removed"
        );
        assert_eq!(stat(&screen(None), &[]), "no files differ");
    }

    #[test]
    fn a_rename_says_what_stayed_once() {
        for (from, to, said) in [
            ("a", "b", "a => b"),
            ("src/a", "src/b", "src/{a => b}"),
            ("src/a", "lib/a", "{src => lib}/a"),
            ("a/b/c/d", "a/x/d", "a/{b/c => x}/d"),
            ("a/b/c", "a/c", "a/{b => }/c"),
            ("c", "a/c", "{ => a}/c"),
            ("a/a", "a/a/a", "a/{ => a}/a"),
        ] {
            assert_eq!(renamed(from, to), said);
        }
    }

    #[test]
    fn many_lines_and_long_paths_fit_a_terminal() {
        let long = format!("{}/the-file-itself.rs", "a-long-folder-name".repeat(5));
        let files = vec![file(&long, 5_000, 1), file("b", 1, 0)];
        let text = stat(&screen(Some(80)), &files);
        assert!(fits(&text, 80), "{text}");
        assert!(text.starts_with(" …") && text.contains("the-file-itself.rs | 5001 +++++++++-\n"), "{text}");
        assert!(text.contains(" |    1 +\n"), "{text}");
        for (added, removed, most, room) in
            [(100, 100, 200, 10), (199, 1, 200, 10), (1, 199, 200, 10), (0, 3, 200, 10)]
        {
            let (plus, minus) = bars(added, removed, most, room);
            assert!(plus + minus <= room && (plus > 0) == (added > 0) && (minus > 0) == (removed > 0));
        }
    }
}
