//! What lies between two revisions: the commits of either side, and a count
//! of lines.

use chrono::{DateTime, Utc};

use super::log::person;
use super::plan::count;
use super::screen::Screen;
use super::table::labelled;
use super::text::{clean, clean_bytes, truncate, width, wrap};
use super::time;
use crate::domain::report::diff::{DiffEntry, DiffReport, DiffSide, DiffStat, FileStat};

/// What a subject is never cut below, in columns.
const SUBJECT: usize = 12;

/// Columns that lines are counted in without a terminal, as git does.
const PLAIN: usize = 80;

/// The fewest columns of a graph.
const GRAPH: usize = 10;

/// All of it.
pub fn difference(screen: &Screen, report: &DiffReport, now: DateTime<Utc>) -> String {
    let DiffReport { from, to, added, removed, .. } = report;
    let same = from.commit == to.commit;
    let (from, to) = (clean(&from.label), clean(&to.label));
    let between = format!("{from} -> {to}");
    let narrowed = if report.narrowed { " in these paths" } else { "" };
    let head = match (added.total, removed.total) {
        _ if same => {
            return format!("{between}: both are {}, nothing between them", report.to.commit.short());
        }
        (0, 0) => format!("{between}: no commits between them{narrowed}"),
        (0, _) => format!("{between}: nothing new{narrowed}"),
        _ => format!("{between}: {}", summary(added)),
    };
    let head = screen.width().map_or(head.clone(), |width| wrap(&head, width).join("\n  "));
    let mut parts = vec![head];
    if added.total > 0 {
        parts[0].push('\n');
        parts[0].push_str(&list(screen, added, now));
    }
    if removed.total > 0 {
        let head = format!("only in {from}: {}", summary(removed));
        let head = screen.width().map_or(head.clone(), |width| wrap(&head, width).join("\n  "));
        parts.push(format!("{head}\n{}", list(screen, removed, now)));
    }
    if let Some(all) = &report.stat {
        parts.push(stat(screen, all));
    }
    if let Some(url) = &report.url {
        parts.push(labelled(&[("see", clean(url))], 0, None));
    }
    parts.join("\n\n")
}

/// `31 commits by 6 people, 1 breaking (1 there in another form)`.
fn summary(side: &DiffSide) -> String {
    let DiffSide { total, people, breaking, elsewhere, .. } = *side;
    let mut text = format!("{} by {}", count(total, "commit", "commits"), count(people, "person", "people"));
    if breaking > 0 {
        text.push_str(&format!(", {breaking} breaking"));
    }
    if elsewhere > 0 {
        text.push_str(&format!(" ({elsewhere} there in another form)"));
    }
    text
}

/// The listed commits: what breaks first, then the newest.
fn list(screen: &Screen, side: &DiffSide, now: DateTime<Utc>) -> String {
    let (breaking, others): (Vec<&DiffEntry>, Vec<&DiffEntry>) =
        side.listed.iter().partition(|entry| entry.change.breaking);
    let mut lines: Vec<String> =
        breaking.into_iter().chain(others).map(|entry| line(screen, now, entry)).collect();
    let more = side.total - side.listed.len();
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// `! 8c1d0e2 feat!: drop the v1 cart API (kim, 2 days)`. The subject is what
/// is cut on a terminal.
fn line(screen: &Screen, now: DateTime<Utc>, entry: &DiffEntry) -> String {
    let DiffEntry { change, there_as } = entry;
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
fn stat(screen: &Screen, all: &DiffStat) -> String {
    let files = &all.files;
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
    lines.push(match files[..] {
        [] => "no files differ".to_owned(),
        _ => format!(
            "{} changed, {} added, {} removed",
            count(files.len(), "file", "files"),
            count(all.added, "line", "lines"),
            all.removed
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
    use super::super::fixtures::{actor, oid, screen, time};
    use super::super::noted::fits;
    use super::*;
    use crate::domain::changes::Change;
    use crate::domain::report::diff::DiffEnd;

    fn entry(digit: u8, message: &str, by: &str, there_as: Option<u8>) -> DiffEntry {
        let change = Change::read(oid(digit), message, &actor(by), time("21T14:00"));
        DiffEntry { change, there_as: there_as.map(oid) }
    }

    fn difference(screen: &Screen, report: &DiffReport) -> String {
        super::difference(screen, report, time("23T14:00"))
    }

    fn end(label: &str, digit: u8) -> DiffEnd {
        DiffEnd { rev: label.to_owned(), commit: oid(digit), tag: None, label: label.to_owned() }
    }

    /// The whole difference with so many commits of each side listed.
    fn limited(limit: Option<usize>) -> DiffReport {
        let added = vec![
            entry(1, "Merge branch 'cart'", "ana", None),
            entry(
                2,
                "fix: null cart \u{9b}on empty session, for whoever came from the start page",
                "kim",
                Some(5),
            ),
            entry(3, "feat!: drop the v1 cart API", "kim", None),
            entry(4, "", "bob", None),
        ];
        let removed =
            vec![entry(5, "fix: null cart", "kim", Some(2)), entry(6, "fix: only here", "ana", None)];
        let [added, removed] = [added, removed].map(|side| DiffSide::new(side, limit));
        DiffReport {
            url: Some("https://github.com/o/r/compare/v1.5.1-rc.1...v1.6.0-rc.2".to_owned()),
            ..DiffReport::new(end("prod v1.5.1-rc.1", 9), end("v1.6.0-rc.2", 1), added, removed)
        }
    }

    fn shown() -> DiffReport {
        limited(None)
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
        let shown = DiffReport { url: None, ..limited(Some(1)) };
        let text = difference(&screen(None), &shown);
        assert!(
            text.contains("form)\n! 3333333 feat!: drop the v1 cart API (kim, 2 days)\n  and 3 more\n\nonly"),
            "{text}"
        );
        assert!(text.ends_with("there as 2222222)\n  and 1 more"), "{text}");
        let none = DiffReport { url: None, ..limited(Some(0)) };
        assert!(difference(&screen(None), &none).ends_with("\n  and 2 more"));
    }

    #[test]
    fn nothing_between_them_is_said_in_words() {
        let none = DiffSide::default;
        let empty = DiffReport { added: none(), removed: none(), url: None, ..shown() };
        let same = DiffReport { from: end("prod v1.5.1-rc.1", 1), ..empty.clone() };
        assert_eq!(
            difference(&screen(Some(80)), &same),
            "prod v1.5.1-rc.1 -> v1.6.0-rc.2: both are 1111111, nothing between them"
        );
        let head = "prod v1.5.1-rc.1 -> v1.6.0-rc.2";
        assert_eq!(difference(&screen(None), &empty), format!("{head}: no commits between them"));
        let narrowed = DiffReport { narrowed: true, ..empty };
        assert_eq!(
            difference(&screen(None), &narrowed),
            format!("{head}: no commits between them in these paths")
        );
        let back = DiffReport { added: none(), ..shown() };
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
            stat(&screen(None), &files.into()),
            r" src/cart.rs    |  10 ++++++++--
 a => b         |   0
 logo\u{1b}.png | Bin
3 files changed, 8 lines added, 2 removed"
        );
        assert_eq!(stat(&screen(None), &Vec::new().into()), "no files differ");
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
        let text = stat(&screen(Some(80)), &files.into());
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
