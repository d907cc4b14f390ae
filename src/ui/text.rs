//! Text for a terminal: harmless, measured, cut and wrapped.
//!
//! Subjects, names and other people's output are data; here they lose the
//! power to move a cursor, recolour a screen or reorder what is read. Nothing
//! in this file writes anywhere, and nothing translates or rephrases.

use std::borrow::Cow;

use console::AnsiCodeIterator;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands where something was cut off.
const ELLIPSIS: &str = "…";

/// Whether a character acts on a terminal or on its reader instead of being
/// read: controls (C0, DEL, C1), line and paragraph separators, everything
/// with Unicode's `Bidi_Control` property (UAX #9), what is invisible by
/// itself, and the tag characters. Joiners and variation selectors pass:
/// emoji and several scripts are written with them.
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}'
            | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Git-hosted text as one line that is safe to print.
///
/// Every hostile character, line breaks and tabs included, is spelled out the
/// way Rust escapes it (`\u{1b}`, `\n`), so that it is seen and not obeyed.
/// Everything else stays as it is; cleaning twice changes nothing.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// [`clean`] for bytes that are probably UTF-8; what is not becomes `U+FFFD`.
pub fn clean_bytes(bytes: &[u8]) -> String {
    clean(&String::from_utf8_lossy(bytes))
}

/// One line of another program's output, safe to print and without its colours.
///
/// Escape sequences are removed, tabs become spaces. Of a line that redrew
/// itself with carriage returns, what it last showed is kept.
pub fn clean_output(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let plain = console::strip_ansi_codes(line.trim_end_matches(['\n', '\r']));
    let shown = plain.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    clean(&shown.replace('\t', "    ")).trim_end().to_owned()
}

/// A composed text of several lines as a stream may carry it: of all escape
/// sequences only colours and weights pass (SGR, ECMA-48 8.3.117), and those
/// only if `color`, else they are dropped. Line breaks and tabs stay;
/// everything else hostile is spelled out as [`clean`] does.
///
/// The last gate before a terminal, for what a caller forgot to clean.
pub fn printable(text: &str, color: bool) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(|c| is_hostile(c) && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for (part, escape) in AnsiCodeIterator::new(text) {
        if escape && is_style(part) {
            if color {
                printable.push_str(part);
            }
            continue;
        }
        for c in part.chars() {
            if is_hostile(c) && !matches!(c, '\n' | '\t') {
                printable.extend(c.escape_default());
            } else {
                printable.push(c);
            }
        }
    }
    Cow::Owned(printable)
}

/// Whether a text is nothing but printable ASCII and line breaks: told of a long text at a glance.
pub(super) fn is_plain(text: &str) -> bool {
    // Without a way out at each byte, so that the compiler looks at many at once.
    let plain =
        |bytes: &[u8]| bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\n'));
    text.as_bytes().chunks(4096).all(plain)
}

/// Whether an escape sequence does no more than style the text after it.
pub(super) fn is_style(escape: &str) -> bool {
    escape
        .strip_prefix("\x1b[")
        .and_then(|rest| rest.strip_suffix('m'))
        .is_some_and(|codes| codes.bytes().all(|b| b.is_ascii_digit() || b == b';'))
}

/// How many columns a text takes, styles not counted.
pub fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text, cut to at most `columns` columns; what is cut ends in `…`.
///
/// Cuts between graphemes, so that neither a wide character nor an emoji made
/// of several code points is torn. For text without styles.
pub fn truncate(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let room = columns - ELLIPSIS.width();
    // Side by side, graphemes take no more columns than alone: ligatures only save some.
    let mut used = 0;
    let mut end = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used > room {
            break;
        }
        end += grapheme.len();
    }
    format!("{}{ELLIPSIS}", text[..end].trim_end())
}

/// The text in quotes as a POSIX shell needs them, or as it is if it needs none.
pub fn quote(text: &str) -> Cow<'_, str> {
    shell_words::quote(text)
}

/// Prose broken between words into lines of at most `columns` columns. A word
/// longer than that stays whole, unless it is in a script that is written
/// without spaces. Spaces that indent the text stay.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let body = text.trim_start_matches(' ');
    let indent = &text[..text.len() - body.len()];
    let columns = columns.saturating_sub(indent.len());
    let mut lines = fill(body.split(' ').flat_map(|word| pieces(word, columns)), columns);
    for line in &mut lines {
        line.insert_str(0, indent);
    }
    lines
}

/// A word, torn between graphemes where it is too long for a line and has wide
/// ones: text in those scripts may be broken nearly anywhere.
fn pieces(word: &str, columns: usize) -> Vec<String> {
    if width(word) <= columns || !word.graphemes(true).any(|grapheme| grapheme.width() > 1) {
        return vec![word.to_owned()];
    }
    let mut pieces: Vec<String> = Vec::new();
    let mut used = 0;
    for grapheme in word.graphemes(true) {
        let wide = grapheme.width();
        match pieces.last_mut().filter(|_| used + wide <= columns) {
            Some(piece) => {
                piece.push_str(grapheme);
                used += wide;
            }
            None => {
                pieces.push(grapheme.to_owned());
                used = wide;
            }
        }
    }
    pieces
}

/// A shell command broken into lines of at most `columns` columns that can be
/// pasted as they are: each but the last ends in ` \`, each but the first is
/// indented by two. It is broken before an option; between the words before all
/// options only where they are too long for a line; never inside quotes.
pub fn wrap_hint(command: &str, columns: usize) -> Vec<String> {
    if width(command) <= columns {
        return vec![command.to_owned()];
    }
    let mut groups: Vec<String> = Vec::new();
    for word in shell_pieces(command) {
        match groups.last_mut() {
            Some(group) if !word.starts_with('-') => {
                group.push(' ');
                group.push_str(word);
            }
            _ => groups.push(word.to_owned()),
        }
    }
    // Two columns for the backslash, two for the indent.
    let room = columns.saturating_sub(4);
    let words = |group: String| -> Vec<String> {
        if width(&group) <= room || group.starts_with('-') {
            vec![group]
        } else {
            shell_pieces(&group).into_iter().map(str::to_owned).collect()
        }
    };
    let mut lines = fill(groups.into_iter().flat_map(words), room);
    let last = lines.len().saturating_sub(1);
    for (n, line) in lines.iter_mut().enumerate() {
        if n > 0 {
            line.insert_str(0, "  ");
        }
        if n < last {
            line.push_str(" \\");
        }
    }
    lines
}

/// Greedily joins pieces by spaces into lines of at most `columns` columns.
fn fill(pieces: impl IntoIterator<Item = String>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let wide = width(&piece);
        match lines.last_mut() {
            Some(line) if used + 1 + wide <= columns => {
                line.push(' ');
                line.push_str(&piece);
                used += 1 + wide;
            }
            _ => {
                lines.push(piece);
                used = wide;
            }
        }
    }
    lines
}

/// Splits a command at the spaces that separate its words, leaving quotes and
/// backslashes where they are.
fn shell_pieces(command: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in command.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => {
                pieces.push(&command[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&command[start..]);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_characters_are_spelled_out() {
        assert_eq!(clean("fix: \x1b[31mred\x07\n\tend\x7f"), r"fix: \u{1b}[31mred\u{7}\n\tend\u{7f}");
        assert_eq!(clean("a\u{9b}31mb"), r"a\u{9b}31mb");
        assert_eq!(clean("safe\u{202e}txt.exe\u{2066}"), r"safe\u{202e}txt.exe\u{2066}");
        assert_eq!(clean("v1\u{200b}.0\u{e0041}"), r"v1\u{200b}.0\u{e0041}");
    }

    #[test]
    fn ordinary_text_of_any_script_stays() {
        for text in ["größe", "修正: カート", "👩‍👩‍👧 ok ❤️", "שלום", r"C:\temp\n"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn bytes_that_are_not_text_stay_visible() {
        assert_eq!(clean_bytes(b"a\xffb\x1b"), "a\u{fffd}b\\u{1b}");
    }

    #[test]
    fn output_loses_colours_and_redraws() {
        assert_eq!(clean_output(b"\x1b[1;32mok\x1b[0m\r\n"), "ok");
        assert_eq!(clean_output(b"10%\r55%\r100%\r"), "100%");
        assert_eq!(clean_output(b"\tindented\x07"), "    indented\\u{7}");
        assert_eq!(clean_output(b"\x1b]0;title\x07after"), "after");
        assert_eq!(clean_output(b"\r\n"), "");
    }

    #[test]
    fn only_styles_pass_the_last_gate_and_only_in_colour() {
        let text = "\x1b[31mred\x1b[0m\n\x1b[2Jcleared \x1b]0;t\x07";
        assert_eq!(printable(text, true), "\x1b[31mred\x1b[0m\n\\u{1b}[2Jcleared \\u{1b}]0;t\\u{7}");
        assert_eq!(printable(text, false), "red\n\\u{1b}[2Jcleared \\u{1b}]0;t\\u{7}");
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(truncate("null cart on empty session", 12), "null cart o…");
        assert_eq!(truncate("fits", 4), "fits");
        assert_eq!(truncate("修正する", 8), "修正する");
        assert_eq!(truncate("修正する", 7), "修正す…");
        assert_eq!(truncate("修正する", 6), "修正…");
        assert_eq!(truncate("👩‍👩‍👧👩‍👩‍👧", 3), "👩‍👩‍👧…");
        assert_eq!(truncate("null cart", 6), "null…", "no space before the ellipsis");
        assert_eq!(truncate("ab", 1), "…");
        assert_eq!(truncate("ab", 0), "");
    }

    #[test]
    fn prose_wraps_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("  one two", 6), ["  one", "  two"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("修正 修正", 8), ["修正", "修正"]);
        assert_eq!(wrap("see 修正する修正する now", 9), ["see", "修正する", "修正する", "now"]);
        assert_eq!(wrap("修正する修", 1), ["修", "正", "す", "る", "修"]);
    }

    #[test]
    fn commands_wrap_before_options_and_can_be_pasted() {
        let command = "rel deploy prod v1.6.0-rc.2 --take-over 814 --override rolled-back --reason WHY";
        assert_eq!(
            wrap_hint(command, 66),
            [r"rel deploy prod v1.6.0-rc.2 --take-over 814 \", r"  --override rolled-back --reason WHY"]
        );
        assert_eq!(wrap_hint(command, 80), [command]);
        assert_eq!(
            wrap_hint("rel deploy a-long-name-of-a-place v1.6.0-rc.2", 40),
            [r"rel deploy a-long-name-of-a-place \", "  v1.6.0-rc.2"]
        );
        assert_eq!(
            wrap_hint("rel lock prod --reason 'db -- move \" now' -q", 30),
            ["rel lock prod \\", "  --reason 'db -- move \" now' \\", "  -q"]
        );
    }

    #[test]
    fn quotes_only_where_a_shell_needs_them() {
        assert_eq!(quote("v1.6.0-rc.2"), "v1.6.0-rc.2");
        assert_eq!(quote("db move; rm -rf"), "'db move; rm -rf'");
    }

    fn awkward() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "([\u{1b}\u{9b}]([\\[\\]P(#?;]|[0-9]{0,3}|[A-Za-z])*\\PC?|[\u{0}-\u{9f}\u{200b}-\u{2069}]|修|👩\u{200d}👧){0,12}",
        ]
    }

    proptest! {
        #[test]
        fn clean_text_has_no_power(text in awkward()) {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.contains(char::is_control), "{cleaned:?}");
            prop_assert!(!cleaned.contains(is_hostile), "{cleaned:?}");
            prop_assert_eq!(clean(&cleaned), cleaned);
        }

        #[test]
        fn no_bytes_of_a_command_have_power(bytes in any::<Vec<u8>>(), text in awkward()) {
            prop_assert!(!clean_output(&bytes).contains(is_hostile));
            prop_assert!(!clean_bytes(&bytes).contains(is_hostile));
            prop_assert!(!clean_output(text.as_bytes()).contains(is_hostile));
        }

        #[test]
        fn nothing_but_styles_passes(text in awkward()) {
            let plain = printable(&text, false);
            prop_assert!(!plain.contains(|c| is_hostile(c) && !"\n\t".contains(c)), "{plain:?}");
            let colored = printable(&text, true);
            for (n, part) in colored.split('\x1b').enumerate() {
                let style = part.split_once('m').is_some_and(|(codes, _)| is_style(&format!("\x1b{codes}m")));
                prop_assert!(n == 0 || style, "{colored:?}");
            }
        }

        #[test]
        fn a_cut_text_fits(text in awkward(), columns in 0usize..40) {
            let text = clean(&text);
            let cut = truncate(&text, columns);
            prop_assert!(width(&cut) <= columns, "{cut:?}");
            prop_assert_eq!(cut == text, width(&text) <= columns);
        }

        #[test]
        fn a_wrapped_command_means_the_same(words in prop::collection::vec("[-]{0,2}[a-z '\"\\\\]{1,9}", 1..9), columns in 0usize..60) {
            let command = shell_words::join(&words);
            let wrapped = wrap_hint(&command, columns).join("\n");
            prop_assert_eq!(shell_words::split(&wrapped).ok(), Some(words));
        }
    }
}
