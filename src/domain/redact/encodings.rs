//! What a secret looks like in base64 (RFC 4648) and in hexadecimal, wherever
//! it begins in what is encoded and however that is broken into lines; and what
//! a text comes to that may be encoded.

use std::ops::Range;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXLOWER_PERMISSIVE, HEXUPPER};

/// What is shorter occurs everywhere, and hides nothing.
pub const SHORTEST: usize = 4;

/// The window of base64 and hexadecimal in which a secret is looked for, in
/// characters, since lines are broken anywhere: at the ends of a line one
/// character less may survive.
pub const RUN: usize = 8;

/// What is shorter is not decoded: no secret of [`SHORTEST`] bytes is in it
/// that was escaped or encoded before.
const LEAST: usize = 12;

/// Of a longer line, what is escaped before it is encoded is found only where
/// it is encoded in one piece.
const LONGEST_ESCAPED: usize = 4 << 10;

/// What to look for of a secret of one line, itself included.
pub fn needles(secret: &str) -> Vec<Vec<u8>> {
    let mut needles = vec![secret.as_bytes().to_vec()];
    // A form has a space as `+`: addresses, and what they are escaped to.
    let plus = secret.replace(' ', "+");
    needles.extend((plus != secret).then(|| plus.into_bytes()));
    let escaped = if secret.len() <= LONGEST_ESCAPED { escaped(secret) } else { Vec::new() };
    for form in std::iter::once(secret).chain(escaped.iter().map(String::as_str)) {
        needles.extend(encoded(form.as_bytes()).iter().flat_map(|form| runs(form)));
    }
    needles
}

/// Some bytes that a text may be the encoding of.
pub struct Decoded {
    pub bytes: Vec<u8>,
    /// Where the text begins that they are of.
    at: usize,
    /// How many characters have how many bytes.
    ratio: (usize, usize),
}

impl Decoded {
    /// The characters of the text that are of some of the bytes alone.
    pub fn range(&self, bytes: &Range<usize>) -> Range<usize> {
        let (chars, each) = self.ratio;
        self.at + (bytes.start * chars).div_ceil(each)..self.at + bytes.end * chars / each
    }
}

/// What the stretches of a text come to that may be base64 or hexadecimal,
/// from wherever they may have begun.
pub fn decoded(text: &[u8]) -> Vec<Decoded> {
    let mut found = Vec::new();
    for run in stretches(text, is_base64) {
        for at in run.start..(run.start + 4).min(run.end) {
            let mut chars = text[at..run.end].to_vec();
            let length = chars.len() * 6 / 8;
            for char in &mut chars {
                match char {
                    b'-' => *char = b'+',
                    b'_' => *char = b'/',
                    _ => {}
                }
            }
            chars.resize(chars.len().next_multiple_of(4), b'A');
            if let Ok(mut bytes) = BASE64.decode(&chars) {
                bytes.truncate(length);
                found.push(Decoded { bytes, at, ratio: (4, 3) });
            }
        }
        for hex in stretches(&text[run.clone()], |byte| byte.is_ascii_hexdigit()) {
            for at in run.start + hex.start..(run.start + hex.start + 2).min(run.start + hex.end) {
                let end = at + (run.start + hex.end - at) / 2 * 2;
                if let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(&text[at..end]) {
                    found.push(Decoded { bytes, at, ratio: (2, 1) });
                }
            }
        }
    }
    found
}

/// Whether what ends before `at` and what begins there may be decoded together.
pub fn is_within(text: &[u8], at: usize) -> bool {
    at > 0 && text.get(at - 1..=at).is_some_and(|two| two.iter().all(|byte| is_base64(*byte)))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The longest stretches of such bytes, but for those that are too short.
fn stretches(text: &[u8], is_part: fn(u8) -> bool) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for part in text.split_inclusive(|byte| !is_part(*byte)) {
        let length = part.len() - usize::from(part.last().is_some_and(|byte| !is_part(*byte)));
        found.extend((length >= LEAST).then(|| start..start + length));
        start += part.len();
    }
    found
}

/// What is the secret's alone in base64, of both alphabets and wherever it
/// begins, and in hexadecimal.
fn encoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![HEXLOWER.encode(bytes).into_bytes(), HEXUPPER.encode(bytes).into_bytes()];
    for before in 0..3 {
        let bytes = [&vec![0; before], bytes].concat();
        // Without the characters that also depend on what stands before or after it.
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for alphabet in [&BASE64, &BASE64URL] {
            let whole = alphabet.encode(&bytes);
            forms.extend(whole.as_bytes().get(first..end).map(<[u8]>::to_vec));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// The windows of a form; all of it where it is shorter.
fn runs(form: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let short = (SHORTEST..RUN).contains(&form.len()).then(|| form.to_vec());
    short.into_iter().chain(form.windows(RUN).map(<[u8]>::to_vec))
}

/// The secret as other programs escape it, where that is otherwise: what they
/// may then encode, and break into lines.
fn escaped(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let ascii = |text: &str| {
        let mut units = [0; 2];
        let escape = |char: char| match char.is_ascii() {
            true => char.to_string(),
            false => char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        text.chars().map(escape).collect::<String>()
    };
    let percent = |kept: &str, upper: bool| {
        let escape = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || kept.contains(char::from(byte)) => {
                char::from(byte).to_string()
            }
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        secret.bytes().map(escape).collect::<String>()
    };
    let html = |apostrophe: &str| {
        let amp = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        amp.replace('"', "&quot;").replace('\'', apostrophe)
    };
    let slashes = |special: &str| {
        let escape = |char: char| match special.contains(char) {
            true => format!("\\{char}"),
            false => char.to_string(),
        };
        secret.chars().map(escape).collect::<String>()
    };
    let mut forms = vec![
        ascii(&json),
        json.replace('/', "\\/"),
        percent("-_.~", true),
        percent("-_.~", false),
        percent("-_.!~*'()", true),
        percent("-_.~", true).replace("%20", "+"),
        percent("-_.*", true).replace("%20", "+"),
        html("'"),
        html("&#39;"),
        html("&#x27;"),
        html("&#039;"),
        secret.replace('\'', r"'\''"),
        secret.replace('\'', r#"'"'"'"#),
        slashes("\"\\$`"),
        slashes(" \"'\\$`!#&()*,;<>?[]^{|}~"),
        json,
    ];
    forms.retain(|form| form != secret);
    forms.sort();
    forms.dedup();
    forms
}
