//! The escapes that texts have secrets in, as other programs write them: of
//! JSON and of shells (`\"`, `\u00e9`, `\x41`, `\303`, `'\''`), of addresses
//! (`%22`) and of HTML (`&quot;`, `&#34;`), and those that are escaped again.
//!
//! Nobody knows where a text begins to be escaped, and by what. So nothing is
//! decoded as a whole: at each byte there is what it says itself, and what the
//! escapes that begin there say.

/// How often what is escaped may be escaped again and still be read.
const LEVELS: u8 = 2;

/// No escape is longer, at the last level.
pub const LONGEST: usize = 128;

/// Whether an escape may begin with a byte.
pub fn may_begin(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'\'')
}

/// One reading of a text: the bytes that are meant, and where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    meant: [u8; 4],
    length: u8,
    pub next: usize,
}

impl Reading {
    fn byte(byte: u8, next: usize) -> Reading {
        Reading { meant: [byte, 0, 0, 0], length: 1, next }
    }

    fn char(char: u32, next: usize) -> Option<Reading> {
        let char = char::from_u32(char)?;
        let mut meant = [0; 4];
        let length = u8::try_from(char.encode_utf8(&mut meant).len()).ok()?;
        Some(Reading { meant, length, next })
    }

    /// The bytes that are meant.
    pub fn meant(&self) -> &[u8] {
        &self.meant[..usize::from(self.length)]
    }

    fn is(&self, byte: u8) -> bool {
        self.meant() == [byte]
    }
}

/// What the escapes that begin at `at` say; empty where there is none.
pub fn readings(text: &[u8], at: usize) -> Vec<Reading> {
    let mut readings = Vec::new();
    let text = &text[..text.len().min(at + LONGEST)];
    escapes(text, at, LEVELS, &mut readings);
    readings
}

/// What a text says at `at`, up to so many levels of escapes.
fn read(text: &[u8], at: usize, levels: u8) -> Vec<Reading> {
    let mut readings: Vec<Reading> =
        text.get(at).map(|byte| Reading::byte(*byte, at + 1)).into_iter().collect();
    escapes(text, at, levels, &mut readings);
    readings
}

fn escapes(text: &[u8], at: usize, levels: u8, into: &mut Vec<Reading>) {
    let Some(below) = levels.checked_sub(1).filter(|_| text.get(at).is_some_and(|byte| may_begin(*byte)))
    else {
        return;
    };
    for first in read(text, at, below) {
        let mut found = match first.meant() {
            b"\\" => backslash(text, first.next, below),
            b"%" => digits(text, first.next, below, 16, 2, 2)
                .filter_map(|(value, next)| Some(Reading::byte(u8::try_from(value).ok()?, next)))
                .collect(),
            b"&" => entity(text, first.next, below),
            b"'" => quote(text, first.next, below),
            _ => Vec::new(),
        };
        // What an escape says that is escaped itself.
        if first.next > at + 1 {
            found.push(first);
        }
        for reading in found {
            if !into.contains(&reading) {
                into.push(reading);
            }
        }
    }
}

/// What may stand after a backslash: of JSON, of shells, of most languages.
fn backslash(text: &[u8], at: usize, levels: u8) -> Vec<Reading> {
    let mut found = Vec::new();
    for kind in read(text, at, levels) {
        let &[byte] = kind.meant() else { continue };
        let next = kind.next;
        let mut chars = |radix, least, most| {
            found.extend(
                digits(text, next, levels, radix, least, most)
                    .filter_map(|(value, next)| Reading::char(value, next)),
            );
        };
        match byte {
            b'u' => {
                chars(16, 4, 4);
                found.extend(surrogates(text, next, levels));
                let braced = after(text, next, levels, b'{').into_iter();
                found.extend(braced.flat_map(|next| closed(text, next, levels, (16, 1, 6), b'}')));
            }
            b'U' => chars(16, 8, 8),
            b'x' => found.extend(bytes(text, next, levels, 16, 2)),
            b'0'..=b'7' => found.extend(bytes(text, at, levels, 8, 3)),
            _ => {}
        }
        let control = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'e' | b'E' => 27,
            byte => byte,
        };
        found.push(Reading::byte(control, next));
    }
    found
}

fn bytes(text: &[u8], at: usize, levels: u8, radix: u32, most: u8) -> Vec<Reading> {
    digits(text, at, levels, radix, 1, most)
        .filter_map(|(value, next)| Some(Reading::byte(u8::try_from(value).ok()?, next)))
        .collect()
}

/// A character beyond 16 bits, as JSON has it: two escapes.
fn surrogates(text: &[u8], at: usize, levels: u8) -> Vec<Reading> {
    let mut found = Vec::new();
    for (high, next) in digits(text, at, levels, 16, 4, 4).filter(|(high, _)| (0xd800..0xdc00).contains(high))
    {
        let low =
            after(text, next, levels, b'\\').into_iter().flat_map(|next| after(text, next, levels, b'u'));
        for (low, next) in low.flat_map(|next| digits(text, next, levels, 16, 4, 4)) {
            let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400);
            found.extend(low.and_then(|low| Reading::char(0x1_0000 + ((high - 0xd800) << 10) + low, next)));
        }
    }
    found
}

/// What stands between `&` and `;` in HTML: a number, or one of the names that
/// escaping makes.
fn entity(text: &[u8], at: usize, levels: u8) -> Vec<Reading> {
    const NAMES: [(&str, u8); 5] =
        [("amp", b'&'), ("lt", b'<'), ("gt", b'>'), ("quot", b'"'), ("apos", b'\'')];
    let mut found = Vec::new();
    for next in after(text, at, levels, b'#') {
        found.extend(closed(text, next, levels, (10, 1, 7), b';'));
        for x in [b'x', b'X'] {
            let hex = after(text, next, levels, x).into_iter();
            found.extend(hex.flat_map(|next| closed(text, next, levels, (16, 1, 6), b';')));
        }
    }
    for (name, meant) in NAMES {
        let end = name.bytes().chain([b';']).fold(vec![at], |nexts, byte| {
            nexts.into_iter().flat_map(|next| after(text, next, levels, byte)).collect()
        });
        found.extend(end.into_iter().map(|next| Reading::byte(meant, next)));
    }
    found
}

/// A single quote between single quotes, as shells need it: `'\''` or `'"'"'`.
fn quote(text: &[u8], at: usize, levels: u8) -> Vec<Reading> {
    let ways = [&b"\\''"[..], b"\"'\"'"].into_iter();
    let ends = ways.flat_map(|way| {
        way.iter().fold(vec![at], |nexts, byte| {
            nexts.into_iter().flat_map(|next| after(text, next, levels, *byte)).collect()
        })
    });
    ends.map(|next| Reading::byte(b'\'', next)).collect()
}

/// Where a text goes on after `byte`.
fn after(text: &[u8], at: usize, levels: u8, byte: u8) -> Vec<usize> {
    match text.get(at) {
        Some(plain) if !may_begin(*plain) => return (*plain == byte).then_some(at + 1).into_iter().collect(),
        Some(_) => {}
        None => return Vec::new(),
    }
    read(text, at, levels)
        .into_iter()
        .filter(|reading| reading.is(byte))
        .map(|reading| reading.next)
        .collect()
}

/// The characters whose numbers stand before `end`.
fn closed(text: &[u8], at: usize, levels: u8, (radix, least, most): (u32, u8, u8), end: u8) -> Vec<Reading> {
    digits(text, at, levels, radix, least, most)
        .flat_map(|(value, next)| after(text, next, levels, end).into_iter().map(move |next| (value, next)))
        .filter_map(|(value, next)| Reading::char(value, next))
        .collect()
}

/// The numbers of `least` to `most` digits that begin at `at`.
fn digits(
    text: &[u8],
    at: usize,
    levels: u8,
    radix: u32,
    least: u8,
    most: u8,
) -> impl Iterator<Item = (u32, usize)> {
    let (mut open, mut found) = (vec![(0, at)], Vec::new());
    for count in 1..=most {
        let mut longer = Vec::new();
        for (value, next) in open {
            if let Some(plain) = text.get(next).filter(|plain| !may_begin(**plain)) {
                let digit = char::from(*plain).to_digit(radix);
                longer.extend(digit.map(|digit| (value * radix + digit, next + 1)));
                continue;
            }
            for reading in read(text, next, levels) {
                let digit = match reading.meant() {
                    &[byte] => char::from(byte).to_digit(radix),
                    _ => None,
                };
                longer.extend(digit.map(|digit| (value * radix + digit, reading.next)));
            }
        }
        if count >= least {
            found.extend(&longer);
        }
        if longer.is_empty() {
            break;
        }
        open = longer;
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `text` has a reading at its beginning that says `meant` and ends where it does.
    fn says(text: &str, meant: &str) -> bool {
        readings(text.as_bytes(), 0)
            .iter()
            .any(|reading| reading.meant() == meant.as_bytes() && reading.next == text.len())
    }

    #[test]
    fn each_escape_says_its_character() {
        for (text, meant) in [
            (r#"\""#, "\""),
            (r"\\", "\\"),
            (r"\/", "/"),
            (r"\n", "\n"),
            (r"\u00e9", "é"),
            (r"\u{1F600}", "😀"),
            (r"\ud83d\ude00", "😀"),
            (r"\U0001F600", "😀"),
            (r"\x41", "A"),
            (r"\101", "A"),
            (r"\$", "$"),
            ("%22", "\""),
            ("%2f", "/"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&#x27;", "'"),
            ("&#233;", "é"),
            (r"'\''", "'"),
            (r#"'"'"'"#, "'"),
            // And once more.
            (r#"\\\""#, "\""),
            (r"\\u00e9", "é"),
            ("%2522", "\""),
            ("%5C%22", "\""),
            ("&amp;quot;", "\""),
            ("%26%2339%3b", "'"),
            (r"\u0026quot;", "\""),
            (r"'\''\'\'''\''", "'"),
        ] {
            assert!(says(text, meant), "{text}: {:?}", readings(text.as_bytes(), 0));
        }
    }

    #[test]
    fn what_is_no_escape_says_nothing_else() {
        for text in ["a", "%", "%4", "%zz", "&", "&amp", "&#;", "&nothing;", "'", "\\", r"''"] {
            assert_eq!(readings(text.as_bytes(), 0), [], "{text}");
        }
        assert!(!says(r"\ud83d", "\u{fffd}"));
    }
}
