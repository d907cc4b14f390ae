//! Taking secrets out of what is shown, kept and recorded: as they are, as JSON
//! has them, and in base64 (RFC 4648) wherever they begin in it and however
//! that is broken into lines.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, BASE64URL};

use crate::failpoint;

/// What stands in the place of a secret.
const HIDDEN: &[u8] = b"***";

/// What is shorter occurs everywhere, and hides nothing.
const SHORTEST: usize = 4;

/// Of base64 each run of so many characters is known, since it is often broken
/// into lines; what is left at the ends of a line is a few bytes.
const RUN: usize = 8;

/// Knows some secrets, and takes them out of texts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    search: Option<AhoCorasick>,
    longest: usize,
}

/// There are secrets, and nothing that could find them: whoever would show or
/// keep a text must not. Says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotSearch(String);

impl fmt::Display for CannotSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotSearch {}

impl Redactor {
    /// Hides these. Of one of several lines each line is hidden by itself,
    /// since that is how output is read. One that is shorter than 4 bytes is
    /// not: see [`Redactor::cannot_hide`].
    ///
    /// # Errors
    /// They are too many or too large to be searched for.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Redactor, CannotSearch> {
        let secrets: Vec<String> = secrets.into_iter().map(str::to_owned).collect();
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for secret in &secrets {
            for part in secret.lines().map(str::trim).chain([secret.as_str()]) {
                if part.len() >= SHORTEST {
                    needles.push(part.as_bytes().to_vec());
                    needles.extend(in_json(part));
                    needles.extend(in_base64(part.as_bytes()));
                }
            }
        }
        needles.sort();
        needles.dedup();
        let Some(longest) = needles.iter().map(Vec::len).max() else {
            return Ok(Redactor { secrets, ..Redactor::default() });
        };
        failpoint::step("hide").map_err(|error| CannotSearch(error.to_string()))?;
        let search = AhoCorasick::new(&needles).map_err(|error| CannotSearch(error.to_string()))?;
        Ok(Redactor { secrets, search: Some(search), longest })
    }

    /// Whether something was hidden in this text, or looks so.
    pub fn has_hidden(text: &str) -> bool {
        text.as_bytes().windows(HIDDEN.len()).any(|window| window == HIDDEN)
    }

    /// Hides what either hides.
    ///
    /// # Errors
    /// As [`Redactor::new`].
    pub fn and(&self, other: &Redactor) -> Result<Redactor, CannotSearch> {
        Redactor::new(self.secrets.iter().chain(&other.secrets).map(String::as_str))
    }

    /// Whether a secret is too short to be hidden.
    pub fn cannot_hide(secret: &str) -> bool {
        secret.lines().all(|line| line.trim().len() < SHORTEST)
    }

    /// Whether there is nothing to hide.
    pub fn is_idle(&self) -> bool {
        self.search.is_none()
    }

    /// How many bytes before an end a secret may have begun that goes on after it.
    fn reach(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// Where secrets are, in order and apart. What is `known` to be of one,
    /// from the beginning on, is the first.
    fn found(&self, bytes: &[u8], known: Option<usize>) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = known.map(|end| 0..end).into_iter().collect();
        for one in self.search.iter().flat_map(|search| search.find_overlapping_iter(bytes)) {
            let mut range = one.range();
            // They come by their ends; a longer one may swallow those before it.
            while let Some(last) = found.last().filter(|last| last.end >= range.start) {
                range.start = range.start.min(last.start);
                found.pop();
            }
            found.push(range);
        }
        found
    }

    /// The text without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // A secret is whole characters, so that what is left is.
            Cow::Owned(kept) => Cow::Owned(String::from_utf8_lossy(&kept).into_owned()),
        }
    }

    /// The bytes without secrets.
    pub fn bytes<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let found = self.found(bytes, None);
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut kept = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for range in found {
            kept.extend_from_slice(&bytes[at..range.start]);
            kept.extend_from_slice(HIDDEN);
            at = range.end;
        }
        kept.extend_from_slice(&bytes[at..]);
        Cow::Owned(kept)
    }
}

/// What a secret looks like in a JSON string, where that is otherwise.
fn in_json(secret: &str) -> Option<Vec<u8>> {
    let quoted = serde_json::Value::from(secret).to_string();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (inner != secret).then(|| inner.as_bytes().to_vec())
}

/// What a secret looks like somewhere in base64, of both alphabets, in runs:
/// without the characters that also depend on what stands before or after it.
fn in_base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before], secret].concat();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for alphabet in [&BASE64, &BASE64URL] {
            let whole = alphabet.encode(&bytes);
            let Some(form) = whole.as_bytes().get(first..end) else { continue };
            if form.len() < RUN {
                forms.extend((form.len() >= SHORTEST).then(|| form.to_vec()));
            } else {
                forms.extend(form.windows(RUN).map(<[u8]>::to_vec));
            }
        }
    }
    forms
}

/// Takes secrets out of lines that may come in pieces. However a line is cut up,
/// what comes out is what [`Redactor::bytes`] makes of the whole of it.
#[derive(Debug)]
pub struct Pieces<'r> {
    redactor: &'r Redactor,
    /// The end of what came of a line, in which a secret may begin.
    held: Vec<u8>,
    /// How much of that is of a secret in whose place something stands already;
    /// none where what came before it was no secret.
    hidden: Option<usize>,
}

impl<'r> Pieces<'r> {
    /// For lines that have not begun.
    pub fn new(redactor: &'r Redactor) -> Pieces<'r> {
        Pieces { redactor, held: Vec::new(), hidden: None }
    }

    /// What can be shown once this piece has come, which the line `ends` with or
    /// goes on after. Of one that never ends the last bytes never come: nobody
    /// knows whether they are the beginning of a secret.
    pub fn take(&mut self, piece: &[u8], ends: bool) -> Vec<u8> {
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(piece);
        // A secret that begins before this has ended by now.
        let cut = if ends { whole.len() } else { whole.len().saturating_sub(self.redactor.reach()) };
        let known = self.hidden.take();
        let (mut shown, mut at) = (Vec::with_capacity(cut), 0);
        for (number, range) in self.redactor.found(&whole, known).into_iter().enumerate() {
            let replaced = number == 0 && known.is_some();
            if range.start >= cut && !replaced {
                break;
            }
            if !replaced {
                shown.extend_from_slice(&whole[at..range.start]);
                shown.extend_from_slice(HIDDEN);
            }
            at = range.end.min(cut);
            self.hidden = range.end.checked_sub(cut);
        }
        shown.extend_from_slice(&whole[at..cut]);
        if ends {
            self.hidden = None;
        } else {
            self.held = whole.split_off(cut);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
    use proptest::prelude::*;

    use super::*;

    fn hiding(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().copied()).unwrap()
    }

    #[test]
    fn a_secret_is_hidden_as_it_is_and_in_base64() {
        let redactor = hiding(&["s3cr3t!", "line one\nand two"]);
        assert_eq!(redactor.text("a s3cr3t! and s3cr3t!"), "a *** and ***");
        assert_eq!(redactor.text("line one"), "***");
        assert_eq!(redactor.bytes(b"x and two\xff"), &b"x ***\xff"[..]);
        for before in ["", "u", "us", "use"] {
            let encoded = BASE64.encode(format!("{before}s3cr3t!:more").as_bytes());
            assert!(redactor.text(&encoded).contains("***"), "{encoded}");
        }
        assert_eq!(redactor.text("nothing"), "nothing");
        assert!(hiding(&["abc"]).is_idle() && Redactor::cannot_hide("abc"));
        assert!(Redactor::cannot_hide("ab\ncd") && !Redactor::cannot_hide("ab\nlong"));
        assert!(Redactor::default().is_idle());
    }

    #[test]
    fn what_overlaps_is_hidden_as_a_whole_and_secrets_add_up() {
        let redactor = hiding(&["abcdef", "cdefgh", "defg"]);
        assert_eq!(redactor.text("xabcdefghx defg"), "x***x ***");
        let both = hiding(&["first"]).and(&hiding(&["other"])).unwrap();
        assert_eq!(both.text("first other"), "*** ***");
        let quoted = hiding(&["a\"b\\c"]);
        assert_eq!(quoted.text(r#"{"text":"a\"b\\c"}"#), r#"{"text":"***"}"#);
    }

    /// What is shown of a line that comes in these pieces.
    fn in_pieces<'p>(redactor: &Redactor, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
        let mut taking = Pieces::new(redactor);
        let mut shown: Vec<u8> = pieces.flat_map(|piece| taking.take(piece, false)).collect();
        shown.extend(taking.take(b"", true));
        shown
    }

    #[test]
    fn a_line_as_long_as_a_piece_is_not_joined_with_the_next() {
        let redactor = hiding(&["s3cr3t!"]);
        let mut taking = Pieces::new(&redactor);
        assert_eq!(taking.take(b"s3cr", false), b"");
        assert_eq!(taking.take(b"3t! x", true), b"*** x");
        assert_eq!(taking.take(b"3t!", true), b"3t!");
    }

    #[test]
    fn a_secret_that_overlaps_the_last_one_is_hidden_in_pieces_too() {
        let redactor = hiding(&["abcdef", "cdefgh", "ghij"]);
        let pieces: [&[u8]; 4] = [b"xabcdef", b"g", b"hi", b"jx"];
        assert_eq!(redactor.bytes(&pieces.concat()), &b"x***x"[..]);
        assert_eq!(in_pieces(&redactor, pieces.into_iter()), b"x***x");
    }

    fn shows(text: &[u8], secret: &str) -> bool {
        text.windows(secret.len()).any(|window| window == secret.as_bytes())
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left_however_it_is_cut_up(
            secret in "[a-zA-Z0-9+/=$ \"]{4,40}", before in "[ -~]{0,20}", after in "[ -~]{0,20}",
            pieces in 1..30usize,
        ) {
            prop_assume!(!"******".contains(secret.as_str()));
            let redactor = hiding(&[&secret]);
            let text = format!("{before}{secret}{after}");
            prop_assert!(!shows(&redactor.bytes(text.as_bytes()), &secret));
            let shown = in_pieces(&redactor, text.as_bytes().chunks(pieces));
            prop_assert!(!shows(&shown, &secret), "{:?}", String::from_utf8_lossy(&shown));
        }

        #[test]
        fn pieces_of_base64_come_to_what_the_whole_does(
            secret in "[!-)+-~][ -)+-~]{4,40}[!-)+-~]", around in "[ -~]{0,8}", before in "[ -~]{0,20}", after in "[ -~]{0,20}",
            cuts in proptest::collection::vec(1..40usize, 1..20),
        ) {
            let redactor = hiding(&[&secret]);
            for alphabet in [&BASE64, &BASE64URL, &BASE64_NOPAD, &BASE64URL_NOPAD] {
                // More than once, apart and on end, so that secrets meet cuts and each other.
                let encoded = alphabet.encode(format!("{before}{secret}{after}").as_bytes());
                let text = format!("{around}{encoded}{around}{encoded}{encoded}{around}{secret}");
                let whole = redactor.bytes(text.as_bytes());
                let (mut rest, mut pieces, mut lengths) = (text.as_bytes(), Vec::new(), cuts.iter().cycle());
                while let Some(length) = lengths.next().filter(|_| !rest.is_empty()) {
                    let (piece, others) = rest.split_at(rest.len().min(*length));
                    pieces.push(piece);
                    rest = others;
                }
                let shown = in_pieces(&redactor, pieces.into_iter());
                prop_assert_eq!(String::from_utf8_lossy(&shown), String::from_utf8_lossy(&whole));
                // The characters that are the secret's alone.
                let first = (before.len() * 8).div_ceil(6);
                let own = &encoded.as_bytes()[first..(before.len() + secret.len()) * 8 / 6];
                for run in own.windows(RUN) {
                    prop_assert!(!shown.windows(RUN).any(|part| part == run), "{:?}", String::from_utf8_lossy(&shown));
                }
            }
        }

        #[test]
        fn base64_in_lines_of_any_width_shows_no_run_of_it(
            secret in "[ -~]{6,90}", before in "[ -~]{0,20}", after in "[ -~]{0,20}", width in 20..80usize,
        ) {
            let secret = secret.trim().to_owned();
            prop_assume!(secret.len() >= 6);
            let redactor = hiding(&[&secret]);
            for alphabet in [&BASE64, &BASE64URL] {
                let encoded = alphabet.encode(format!("{before}{secret}{after}").as_bytes());
                // The characters that are the secret's alone.
                let first = (before.len() * 8).div_ceil(6);
                let own = &encoded[first..(before.len() + secret.len()) * 8 / 6];
                let kept: Vec<String> = encoded
                    .as_bytes()
                    .chunks(width)
                    .map(|line| String::from_utf8(redactor.bytes(line).into_owned()).unwrap())
                    .collect();
                for run in own.as_bytes().windows(RUN) {
                    let run = std::str::from_utf8(run).unwrap();
                    prop_assert!(!kept.iter().any(|line| line.contains(run)), "{run} in {kept:?}");
                }
            }
        }
    }
}
