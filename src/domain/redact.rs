//! Taking secrets out of what is shown, kept and recorded: as they are, and as
//! other programs write them down. [`escapes`] are read where they stand;
//! [`encodings`] are known beforehand.

mod encodings;
mod escapes;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use crate::failpoint;

/// What stands in the place of a secret.
const HIDDEN: &[u8] = b"***";

/// Knows some secrets, and takes them out of texts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    search: Option<NFA>,
    longest: usize,
}

/// One reading of a text up to some byte.
#[derive(Clone, Copy)]
struct Route {
    /// How much of a secret that comes to.
    state: StateID,
    /// The last escape that was read on the way.
    last: Option<usize>,
}

/// An escape on a way.
struct Escape {
    text: Range<usize>,
    /// How many bytes it means.
    length: usize,
    /// The one before it.
    last: Option<usize>,
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
            for line in secret.lines().map(str::trim).filter(|line| line.len() >= encodings::SHORTEST) {
                needles.extend(encodings::needles(line));
            }
            needles.extend((secret.len() >= encodings::SHORTEST).then(|| secret.clone().into_bytes()));
        }
        needles.sort();
        needles.dedup();
        let Some(longest) = needles.iter().map(Vec::len).max() else {
            return Ok(Redactor { secrets, ..Redactor::default() });
        };
        failpoint::step("hide").map_err(|error| CannotSearch(error.to_string()))?;
        let search = NFA::builder().match_kind(MatchKind::Standard).build(&needles);
        let search = search.map_err(|error| CannotSearch(error.to_string()))?;
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
        secret.lines().all(|line| line.trim().len() < encodings::SHORTEST)
    }

    /// Whether there is nothing to hide.
    pub fn is_idle(&self) -> bool {
        self.search.is_none()
    }

    /// Where in a text that goes on a secret may have begun that has not ended.
    fn undecided(&self, text: &[u8]) -> usize {
        let farthest = text.len().saturating_sub(self.longest.saturating_mul(escapes::LONGEST));
        if text[farthest..].iter().any(|byte| escapes::may_begin(*byte)) {
            return farthest;
        }
        let mut at = text.len().saturating_sub(self.longest.saturating_sub(1));
        while at > farthest && (at == text.len() || encodings::is_within(text, at)) {
            at -= 1;
        }
        at
    }

    /// Where secrets are, in order and apart. What is `known` to be of one,
    /// from the beginning on, is the first.
    fn found(&self, bytes: &[u8], known: Option<usize>) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = known.map(|end| 0..end).into_iter().collect();
        let Some(search) = &self.search else { return ranges };
        ranges.extend(escaped(search, bytes));
        for decoded in encodings::decoded(bytes) {
            ranges.extend(escaped(search, &decoded.bytes).iter().map(|found| decoded.range(found)));
        }
        ranges.sort_by_key(|range| range.start);
        let mut found: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match found.last_mut().filter(|last| last.end >= range.start) {
                Some(last) => last.end = last.end.max(range.end),
                None => found.push(range),
            }
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

/// Where in a text there is something to hide, escaped or as it is.
fn escaped(search: &NFA, bytes: &[u8]) -> Vec<Range<usize>> {
    let Ok(start) = search.start_state(Anchored::No) else { return Vec::new() };
    let (mut found, mut escapes) = (Vec::new(), Vec::new());
    let mut ways = vec![Route { state: start, last: None }];
    // Ways that are further on, behind an escape, by where that is.
    let mut ahead: BTreeMap<usize, Vec<Route>> = BTreeMap::new();
    for (at, &byte) in bytes.iter().enumerate() {
        if !ahead.is_empty()
            && let Some(arrived) = ahead.remove(&at)
        {
            for way in arrived {
                if !ways.iter().any(|other| other.state == way.state) {
                    ways.push(way);
                }
            }
        }
        if escapes::may_begin(byte) {
            for reading in escapes::readings(bytes, at) {
                for way in &ways {
                    let mut state = way.state;
                    for &byte in reading.meant() {
                        state = search.next_state(Anchored::No, state, byte);
                    }
                    if state == start {
                        continue;
                    }
                    let (text, length) = (at..reading.next, reading.meant().len());
                    escapes.push(Escape { text, length, last: way.last });
                    let way = Route { state, last: Some(escapes.len() - 1) };
                    if let Some(length) = longest_match(search, state) {
                        found.push(begin(&escapes, way, reading.next, length)..reading.next);
                    }
                    ahead.entry(reading.next).or_default().push(way);
                }
            }
        }
        for way in &mut ways {
            way.state = search.next_state(Anchored::No, way.state, byte);
            if let Some(length) = longest_match(search, way.state) {
                found.push(begin(&escapes, *way, at + 1, length)..at + 1);
            }
        }
        if ways.len() > 1 {
            let mut seen: Vec<StateID> = Vec::with_capacity(ways.len());
            ways.retain(|way| {
                let is_new = !seen.contains(&way.state);
                seen.push(way.state);
                is_new
            });
        }
    }
    found
}

/// The longest of what has been found in a state.
fn longest_match(search: &NFA, state: StateID) -> Option<usize> {
    let found = (search.is_match(state)).then(|| 0..search.match_len(state))?;
    found.map(|index| search.pattern_len(search.match_pattern(state, index))).max()
}

/// Where on a way the last `length` bytes before `end` begin.
fn begin(escapes: &[Escape], way: Route, mut end: usize, mut length: usize) -> usize {
    let mut last = way.last;
    while let Some(escape) = last.map(|last| &escapes[last]) {
        let between = end - escape.text.end;
        if length <= between {
            break;
        }
        length = (length - between).saturating_sub(escape.length);
        (end, last) = (escape.text.start, escape.last);
        if length == 0 {
            break;
        }
    }
    end - length
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
        let cut = if ends { whole.len() } else { self.redactor.undecided(&whole) };
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
    use super::encodings::RUN;
    use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
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

    /// A form that other programs give a text, with its name.
    type Form = (&'static str, fn(&str) -> String);

    fn percent(text: &str, kept: &str, upper: bool) -> String {
        let byte = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || kept.contains(char::from(byte)) => {
                char::from(byte).to_string()
            }
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        text.bytes().map(byte).collect()
    }

    fn each(text: &str, special: fn(char) -> bool, escape: fn(char) -> String) -> String {
        text.chars().map(|char| if special(char) { escape(char) } else { char.to_string() }).collect()
    }

    fn units(char: char) -> String {
        char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    }

    const FORMS: [Form; 17] = [
        ("as it is", str::to_owned),
        ("JSON", |text| {
            let json = serde_json::Value::from(text).to_string();
            json[1..json.len() - 1].to_owned()
        }),
        ("JSON in ASCII", |text| each(&FORMS[1].1(text), |c| !c.is_ascii(), units)),
        ("JSON safe in HTML", |text| each(&FORMS[1].1(text), |c| "<>&'".contains(c), units)),
        ("JSON with slashes", |text| FORMS[1].1(text).replace('/', "\\/")),
        ("URI component", |text| percent(text, "-_.!~*'()", true)),
        ("URI", |text| percent(text, "-_.!~*'();/?:@&=+$,#", true)),
        ("query", |text| percent(text, "-_.~", false)),
        ("form", |text| percent(text, "*-._ ", true).replace(' ', "+")),
        ("HTML", |text| {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            text.replace('"', "&quot;").replace('\'', "&#39;")
        }),
        ("HTML by numbers", |text| {
            each(text, |c| !c.is_ascii_alphanumeric(), |c| format!("&#x{:x};", u32::from(c)))
        }),
        ("single quotes", |text| format!("'{}'", text.replace('\'', r"'\''"))),
        ("shlex", |text| format!("'{}'", text.replace('\'', r#"'"'"'"#))),
        ("double quotes", |text| each(text, |c| "\"\\$`".contains(c), |c| format!("\\{c}"))),
        ("printf %q", |text| {
            each(text, |c| c.is_ascii() && !c.is_ascii_alphanumeric(), |c| format!("\\{c}"))
        }),
        ("ANSI-C quotes", |text| {
            let byte = |byte: u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(byte)),
                byte if byte.is_ascii() => char::from(byte).to_string(),
                byte => format!("\\{byte:03o}"),
            };
            text.bytes().map(byte).collect()
        }),
        ("escaped hexadecimal", |text| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()),
    ];

    const ENCODINGS: [Form; 4] = [
        ("base64", |text| BASE64.encode(text.as_bytes())),
        ("base64url", |text| BASE64URL_NOPAD.encode(text.as_bytes())),
        ("hexadecimal", |text| HEXLOWER.encode(text.as_bytes())),
        ("HEXADECIMAL", |text| HEXUPPER.encode(text.as_bytes())),
    ];

    /// Whether some window of what was encoded is shown, but for `around` bytes at either end.
    fn leaves(shown: &str, whole: &str, around: usize, window: usize) -> bool {
        let own = whole.as_bytes();
        let own = &own[around.min(own.len())..own.len().saturating_sub(around).max(around.min(own.len()))];
        own.windows(window).any(|part| shown.contains(std::str::from_utf8(part).unwrap()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_secret_in_any_form_of_any_form_is_never_shown(
            secret in "[a-zA-Z0-9 !-/:-@\\[-`{-~éß字😀]{6,24}", before in "[ -~é]{0,12}", after in "[ -~é]{0,12}",
            pieces in 7..40usize,
        ) {
            let secret = secret.trim().to_owned();
            prop_assume!(secret.len() >= 6 && !secret.contains("***"));
            let redactor = hiding(&[&secret]);
            for (number, (inner, first)) in FORMS.iter().chain(&ENCODINGS).enumerate() {
                for (outer, second) in &FORMS {
                    let form = second(&first(&secret));
                    let text = format!("{before}{form}{after}");
                    let shown = redactor.text(&text);
                    // Quotes around it may stay, and what nobody can tell from what stands beside it.
                    let core = form.trim_matches(|c| "'\\\"&#%;x27395cC=".contains(c));
                    let core = if core.len() < 5 { &form } else { core };
                    prop_assert!(!shown.contains(core), "{inner}, {outer}: {text} -> {shown}");
                    if number % 7 == pieces % 7 {
                        let cut = in_pieces(&redactor, text.as_bytes().chunks(pieces));
                        prop_assert_eq!(String::from_utf8_lossy(&cut), shown, "{}, {}: {}", inner, outer, text);
                    }
                }
            }
            for (inner, first) in FORMS.iter().chain(&ENCODINGS) {
                for (outer, second) in &ENCODINGS {
                    let form = second(&format!("{before}{}{after}", first(&secret)));
                    let shown = redactor.text(&form);
                    // The text around it shares characters with it.
                    let around = (before.len().max(after.len()) + 4) * 2;
                    prop_assert!(!leaves(&shown, &form, around, 17), "{inner}, {outer}: {form} -> {shown}");
                }
            }
        }
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
