//! Points at places in a text, for people: file, line, column, and the line
//! itself with a caret below.
//!
//! Knows nothing of TOML. What it quotes is made harmless to a terminal.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::{Failure, Kind};

/// How much of a long line is shown, in columns.
const WIDTH: usize = 72;

/// Something wrong at a place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where: bytes of the text. May lie outside it; it is then moved inside.
    pub span: Range<usize>,
    /// What is wrong and what is allowed; no full stop.
    pub text: String,
}

/// Where a byte of a text is: line and column, from 1, the column in characters.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..floor(text, at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// `at`, moved back into the text and to the beginning of a character.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Text without what could steer a terminal: control characters and those
/// that reorder what is shown.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The line `span` begins in, with carets below the part of it in `span`.
fn snippet(text: &str, span: &Range<usize>) -> String {
    let start = floor(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = floor(text, span.end).clamp(start, line_end);

    let before = harmless(&text[line_start..start]);
    let marked = harmless(text[start..end].trim_end_matches('\r'));
    let after = harmless(text[end..line_end].trim_end_matches('\r'));

    // A long line keeps what stands just before the mark, and the mark's beginning.
    let (cut, before) = keep_end(&before, WIDTH / 2);
    let marked = keep_start(&marked, WIDTH / 2);
    let after = keep_start(&after, WIDTH - before.width() - marked.width());

    let number = place(text, start).0.to_string();
    let gutter = " ".repeat(number.len());
    let lead = if cut { "…" } else { "" };
    let indent = " ".repeat(lead.width() + before.width());
    let carets = "^".repeat(marked.width().max(1));
    format!("{number} | {lead}{before}{marked}{after}\n{gutter} | {indent}{carets}")
}

/// The part of `text` from its beginning that fits into `width` columns.
fn keep_start(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The part of `text` up to its end that fits, and whether that is not all.
fn keep_end(text: &str, width: usize) -> (bool, &str) {
    let mut used = 0;
    let cut = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    cut.map_or((false, text), |(at, c)| (true, &text[at + c.len_utf8()..]))
}

/// One failure for all problems, first things first. The first is the
/// message; each further one is a reason, under its place.
///
/// `None` if there are no problems.
pub(super) fn failure(file_name: &str, text: &str, mut problems: Vec<Problem>) -> Option<Failure> {
    problems.sort_by_key(|problem| problem.span.start);
    problems.dedup();
    let file_name = harmless(file_name);
    let mut told = problems.iter().map(|problem| {
        let (line, column) = place(text, problem.span.start);
        let what = format!("{}\n{}", harmless(&problem.text), snippet(text, &problem.span));
        (format!("{file_name}:{line}:{column}"), what)
    });
    let (first_place, first) = told.next()?;
    let failure = Failure::new(Kind::Config, format!("{first_place}: {first}"));
    Some(told.fold(failure, |failure, (place, what)| failure.reason(place, what)).hint("rel config check"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_caret_stands_below_the_mark() {
        let text = "a = 1\n\tü = \"日本\" # x\r\nb = 2\n";
        let at = text.find('"').unwrap();
        let end = text.find(" #").unwrap();
        assert_eq!(place(text, at), (2, 6));
        assert_eq!(snippet(text, &(at..end)), "2 |  ü = \"日本\" # x\n  |      ^^^^^^");
    }

    #[test]
    fn the_end_of_the_text_can_be_pointed_at() {
        assert_eq!(snippet("a", &(1..1)), "1 | a\n  |  ^");
        assert_eq!(place("a\n", 99), (2, 1));
        assert_eq!(snippet("", &(7..9)), "1 | \n  | ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = snippet(&text, &(500..501));
        assert!(shown.lines().all(|line| line.width() <= WIDTH + 6), "{shown}");
        let (line, carets) = shown.split_once('\n').unwrap();
        let x = line[..line.find('X').unwrap()].width();
        assert_eq!(x, carets.find('^').unwrap());
    }

    #[test]
    fn nothing_quoted_steers_a_terminal() {
        let text = "a\x1b[31m\u{202e} = 1";
        let failure = failure("f", text, vec![Problem { span: 0..1, text: "bad \x1b[0m".into() }]).unwrap();
        assert!(!failure.message.contains(['\x1b', '\u{202e}']), "{failure}");
    }

    #[test]
    fn problems_come_in_the_order_of_the_text() {
        let problem = |at: usize| Problem { span: at..at + 1, text: format!("bad {at}") };
        let failure = failure("r.toml", "ab\ncd\n", vec![problem(4), problem(0), problem(4)]).unwrap();
        assert_eq!(failure.message, "r.toml:1:1: bad 0\n1 | ab\n  | ^");
        assert_eq!(failure.reasons.len(), 1);
        assert_eq!(failure.reasons[0].gate, "r.toml:2:2");
    }

    proptest! {
        #[test]
        fn any_place_in_any_text_can_be_shown(text in any::<String>(), a in 0..99usize, b in 0..99usize) {
            let _ = failure("f", &text, vec![Problem { span: a..b, text: String::new() }]);
        }
    }
}
