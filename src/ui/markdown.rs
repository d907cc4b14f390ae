//! Text as CommonMark that means nothing but itself.
//!
//! What could begin markup is escaped, and nothing else: `a_b`, `#12` and an
//! address stay as people read them. Beside <https://spec.commonmark.org> it
//! knows the strikethrough and the tables of GitHub.

use super::text::clean;

/// A value for any place where Markdown has text within a line: in a
/// paragraph, at the beginning of a list item, in a heading, between the
/// brackets of a link. Not for code spans, which know no escapes.
///
/// Blanks around it are dropped: at the beginning they could make it code, at
/// the end a line break.
pub fn escape(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let text = clean(text);
    let text = text.trim();
    let mut escaped = String::with_capacity(text.len() + 8);
    let marks = [opening(text), closing(text)];
    let mut before: Option<char> = None;
    let mut in_word = false;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next();
        // Once for a run: there are subjects of a million of them.
        if c == '_' && before != Some('_') {
            in_word = is_within_a_word(before, &text[at..]);
        }
        before = Some(c);
        if marks.contains(&Some(at)) {
            escaped.push('\\');
            escaped.push(c);
        } else {
            match c {
                '`' | '*' | '[' | ']' | '~' | '|' => escaped.extend(['\\', c]),
                // Between letters it stands for itself.
                '_' if in_word => escaped.push(c),
                '_' => escaped.push_str("\\_"),
                // What follows at the end is not known here.
                '\\' if after.is_none_or(|c| c.is_ascii_punctuation()) => escaped.push_str("\\\\"),
                '<' if !after.is_some_and(char::is_whitespace) => escaped.push_str("&lt;"),
                '&' if is_entity(&text[at..]) => escaped.push_str("&amp;"),
                _ => escaped.push(c),
            }
        }
    }
    escaped
}

/// Whether nothing in a text can need an escape: what most of them are, told
/// in one look.
fn is_plain(text: &str) -> bool {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b',' | b'.' | b':' | b'/' | b'(' | b')' | b'\'' | b'-');
    text.bytes().all(plain) && text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with(' ')
}

/// Where the character is that makes a line beginning with this text a
/// heading, a quotation, a list, a rule or an underline.
fn opening(text: &str) -> Option<usize> {
    let mark = text.chars().next()?;
    let rest = text.trim_start_matches(mark);
    let spaced = |text: &str| text.is_empty() || text.starts_with(char::is_whitespace);
    let begins = match mark {
        '#' => spaced(rest),
        '>' => true,
        // A list item, a rule, or what underlines a heading.
        '-' | '+' => spaced(&text[1..]) || spaced(rest),
        '=' => rest.is_empty(),
        '0'..='9' => {
            let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let listed = after.starts_with(['.', ')']) && spaced(&after[1..]);
            return listed.then(|| text.len() - after.len());
        }
        _ => false,
    };
    begins.then_some(0)
}

/// Where hashes begin that would close a heading.
fn closing(text: &str) -> Option<usize> {
    let body = text.trim_end_matches('#');
    (body.len() < text.len() && body.ends_with(char::is_whitespace)).then_some(body.len())
}

/// Whether the run of underscores that `text` begins with has a letter or
/// digit on both sides: there it can neither open nor close emphasis.
fn is_within_a_word(before: Option<char>, text: &str) -> bool {
    let after = text.trim_start_matches('_').chars().next();
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

/// Whether a text begins as a reference to a character does: `&amp;`, `&#35;`.
fn is_entity(text: &str) -> bool {
    let text = text.strip_prefix('&').unwrap_or(text);
    let name = text.strip_prefix('#').unwrap_or(text);
    let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    rest.starts_with(';') && rest.len() < name.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_subjects_stay_readable() {
        for text in [
            "mend the door (#12)",
            "#12: mend the door",
            "rename snake_case_names and a__b",
            "R&D, AT&T and a && b",
            "a < b, 5 > 3, x -> y, ~ no",
            "-Wall is on",
            "1.5.0 was yanked",
            "C# and F#",
            "50% of $HOME, \\o, C:\\dir",
            "https://example.com/a?b=c&d=e",
            "hi! (really) {yes} \"quoted\" it's: fine; 1+1=2",
            "修正 👩\u{200d}👧",
        ] {
            // The tilde is the one of these that may open something.
            assert_eq!(escape(text), text.replace('~', "\\~"), "{text}");
        }
    }

    #[test]
    fn nothing_becomes_markup() {
        for (text, escaped) in [
            ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
            ("<!-- gone", "&lt;!-- gone"),
            ("<https://evil.example>", "&lt;https://evil.example>"),
            ("[click](javascript:alert(1))", "\\[click\\](javascript:alert(1))"),
            ("![pixel](https://evil.example/a.png)", "!\\[pixel\\](https://evil.example/a.png)"),
            ("[1.0.0] is a reference", "\\[1.0.0\\] is a reference"),
            ("**bold** and *it*", "\\*\\*bold\\*\\* and \\*it\\*"),
            ("_it_ and __init__", "\\_it\\_ and \\_\\_init\\_\\_"),
            ("run `rm -rf`", "run \\`rm -rf\\`"),
            ("~~gone~~", "\\~\\~gone\\~\\~"),
            ("a | b", "a \\| b"),
            ("&lt;b&gt; &#35; &copy;", "&amp;lt;b&amp;gt; &amp;#35; &amp;copy;"),
            ("\\[x\\] \\* \\\\", "\\\\\\[x\\\\\\] \\\\\\* \\\\\\\\"),
            ("ends in \\", "ends in \\\\"),
            ("# heading", "\\# heading"),
            ("###### heading", "\\###### heading"),
            ("#", "\\#"),
            ("closed #", "closed \\#"),
            ("closed ###", "closed \\###"),
            ("> quote", "\\> quote"),
            (">quote", "\\>quote"),
            ("- item", "\\- item"),
            ("+ item", "\\+ item"),
            ("* item", "\\* item"),
            ("---", "\\---"),
            ("- - -", "\\- - -"),
            ("===", "\\==="),
            ("1. item", "1\\. item"),
            ("12) item", "12\\) item"),
            ("```sh", "\\`\\`\\`sh"),
            ("    code", "code"),
            ("break  ", "break"),
            ("two\nlines\u{1b}[31m", "two\\nlines\\u{1b}\\[31m"),
            ("\u{202e}back", "\\u{202e}back"),
            ("", ""),
        ] {
            assert_eq!(escape(text), escaped, "{text:?}");
        }
    }

    /// What a reader of CommonMark makes of backslashes and entities.
    fn unescape(text: &str) -> String {
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match chars.peek() {
                Some(next) if c == '\\' && next.is_ascii_punctuation() => plain.extend(chars.next()),
                _ => plain.push(c),
            }
        }
        plain
    }

    proptest! {
        #[test]
        fn a_reader_sees_what_was_written(text in "[-a-z0-9 _*`#\\[\\]()!~|\\\\=+>.:]{0,24}|[a-z0-9 ,.:/()'-]{0,9}") {
            let written = clean(&text);
            prop_assert_eq!(unescape(&escape(&text)), written.trim());
        }
    }
}
