//! Taking secrets out of what is shown, kept and recorded: as they are, and in
//! base64 (RFC 4648) wherever they begin in it.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use data_encoding::{BASE64, BASE64URL};

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// What is shorter occurs everywhere, and hides nothing.
const SHORTEST: usize = 4;

/// Knows some secrets, and takes them out of texts.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    search: Option<AhoCorasick>,
    longest: usize,
}

impl Redactor {
    /// Hides these. Of one of several lines each line is hidden by itself,
    /// since that is how output is read. One that is shorter than 4 bytes is
    /// not: see [`Redactor::cannot_hide`].
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Redactor {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            needles.extend(in_base64(secret.as_bytes()));
            needles.extend(in_json(secret));
            let lines = secret.lines().map(str::trim).chain([secret]);
            needles.extend(lines.filter(|line| line.len() >= SHORTEST).map(|line| line.as_bytes().to_vec()));
        }
        needles.sort();
        needles.dedup();
        let longest = needles.iter().map(Vec::len).max().unwrap_or_default();
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles);
        Redactor { search: search.ok().filter(|_| longest > 0), longest }
    }

    /// Whether a secret is too short to be hidden.
    pub fn cannot_hide(secret: &str) -> bool {
        secret.len() < SHORTEST
    }

    /// Whether there is nothing to hide.
    pub fn is_idle(&self) -> bool {
        self.search.is_none()
    }

    /// The text without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.search {
            Some(search) if search.is_match(text) => {
                // A needle is whole characters, so that what is left is.
                let kept = search.replace_all_bytes(text.as_bytes(), &vec![HIDDEN; search.patterns_len()]);
                Cow::Owned(String::from_utf8_lossy(&kept).into_owned())
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// The bytes without secrets.
    pub fn bytes<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        match &self.search {
            Some(search) if search.is_match(bytes) => {
                Cow::Owned(search.replace_all_bytes(bytes, &vec![HIDDEN; search.patterns_len()]))
            }
            _ => Cow::Borrowed(bytes),
        }
    }
}

/// What a secret looks like in a JSON string, where that is otherwise.
fn in_json(secret: &str) -> Option<Vec<u8>> {
    let quoted = serde_json::Value::from(secret).to_string();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (inner != secret && inner.len() >= SHORTEST).then(|| inner.as_bytes().to_vec())
}

/// What a secret looks like somewhere in base64, of both alphabets: without
/// the characters that also depend on what stands before or after it.
fn in_base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before], secret].concat();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for alphabet in [&BASE64, &BASE64URL] {
            let whole = alphabet.encode(&bytes);
            forms.extend(whole.as_bytes().get(first..end).map(<[u8]>::to_vec));
        }
    }
    forms.retain(|form| form.len() >= SHORTEST && secret.len() >= SHORTEST);
    forms
}

/// Takes secrets out of lines that may come in pieces of a size.
#[derive(Debug)]
pub struct Pieces<'r> {
    redactor: &'r Redactor,
    /// How large a piece is whose line goes on.
    piece: usize,
    /// The end of a piece, which the beginning of a secret may be.
    held: Vec<u8>,
}

impl<'r> Pieces<'r> {
    /// For lines that come in pieces of `piece` bytes where they are longer.
    pub fn new(redactor: &'r Redactor, piece: usize) -> Pieces<'r> {
        Pieces { redactor, piece, held: Vec::new() }
    }

    /// What can be shown once this piece or line has come.
    pub fn take(&mut self, line: &[u8]) -> Vec<u8> {
        let Some(search) = self.redactor.search.as_ref() else { return line.to_vec() };
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(line);
        if line.len() == self.piece {
            let mut cut = whole.len().saturating_sub(self.redactor.longest - 1);
            // A secret that lies across goes to one side of it, whole.
            if let Some(across) = search.find_iter(&whole).find(|m| m.start() < cut && m.end() > cut) {
                cut = across.end();
            }
            self.held = whole.split_off(cut);
        }
        self.redactor.bytes(&whole).into_owned()
    }

    /// What was held back to the end.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| self.redactor.bytes(&held).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_hidden_as_it_is_and_in_base64() {
        let redactor = Redactor::new(["s3cr3t!", "line one\nand two"]);
        assert_eq!(redactor.text("a s3cr3t! and s3cr3t!"), "a *** and ***");
        assert_eq!(redactor.text("line one"), "***");
        assert_eq!(redactor.bytes(b"x and two\xff"), &b"x ***\xff"[..]);
        for before in ["", "u", "us", "use"] {
            let encoded = BASE64.encode(format!("{before}s3cr3t!:more").as_bytes());
            assert!(redactor.text(&encoded).contains(HIDDEN), "{encoded}");
        }
        assert_eq!(redactor.text("nothing"), "nothing");
        assert!(Redactor::new(["abc"]).is_idle() && Redactor::cannot_hide("abc"));
        assert!(Redactor::default().is_idle());
    }

    /// Whether four bytes in a row of a secret are anywhere in the text.
    fn shows(text: &[u8], secret: &str) -> bool {
        text.windows(secret.len()).any(|window| window == secret.as_bytes())
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left(
            secret in "[a-zA-Z0-9+/=$ ]{4,40}", before in "[ -~]{0,20}", after in "[ -~]{0,20}", pieces in 1..30usize,
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            let text = format!("{before}{secret}{after}");
            prop_assert!(!shows(redactor.bytes(text.as_bytes()).as_ref(), &secret) || shows(HIDDEN.as_bytes(), &secret));
            // However it is cut up.
            let mut shown = Vec::new();
            let mut taking = Pieces::new(&redactor, pieces);
            for piece in text.as_bytes().chunks(pieces) {
                shown.extend(taking.take(piece));
            }
            shown.extend(taking.finish().unwrap_or_default());
            prop_assert!(!shows(&shown, &secret), "{:?}", String::from_utf8_lossy(&shown));
            // And wherever it begins in base64.
            let encoded = BASE64.encode(text.as_bytes());
            let kept = redactor.text(&encoded).into_owned();
            let decoded = BASE64.decode(kept.as_bytes()).unwrap_or_default();
            prop_assert!(!shows(&decoded, &secret));
        }
    }
}
