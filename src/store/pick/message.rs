//! The message of a pick, byte for byte as `git cherry-pick -x` makes it of
//! the one that was picked.

use crate::domain::name::Oid;

/// How a line of a message begins that is none, as `core.commentChar` has it by default.
const COMMENT: &[u8] = b"#";

/// Below this line a message is over.
const SCISSORS: &[u8] = b"# ------------------------ >8 ------------------------";

/// How lines begin that git itself puts below a message.
const BY_GIT: [&[u8]; 2] = [b"Signed-off-by: ", b"(cherry picked from commit "];

/// The message with a line that says where it is from, in the trailer block if there is one, and
/// with the blanks gone that git strips.
pub(super) fn with_origin(message: &[u8], source: Oid) -> Vec<u8> {
    // A message is over for git where C's strings are.
    let message = message.split(|byte| *byte == 0).next().unwrap_or_default();
    let lines = message.split(|byte| *byte == b'\n');
    let mut text: Vec<u8> = lines.skip_while(|line| is_blank(line)).collect::<Vec<_>>().join(&b'\n');
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    if !ends_with_trailers(&text) {
        text.push(b'\n');
    }
    text.extend_from_slice(format!("(cherry picked from commit {source})\n").as_bytes());
    stripped(&text)
}

/// What `git stripspace` leaves.
fn stripped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    let mut gap = false;
    for line in text.split(|byte| *byte == b'\n') {
        let end = line.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
        if end == 0 {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(b'\n');
        }
        gap = false;
        out.extend_from_slice(&line[..end]);
        out.push(b'\n');
    }
    out
}

/// What git counts as white space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| is_space(*byte))
}

/// Whether the last paragraph, not being the first, is a trailer block by git's rules
/// (`git interpret-trailers`): trailers only, or one line in four and among them one that git
/// itself makes.
fn ends_with_trailers(text: &[u8]) -> bool {
    let lines = before_what_is_ignored(text);
    let is_comment = |line: &&[u8]| line.starts_with(COMMENT);
    let Some(title) = lines.iter().position(|line| !is_comment(line) && is_blank(line)) else { return false };
    let Some(last) = lines.iter().rposition(|line| !is_comment(line) && !is_blank(line)) else {
        return false;
    };
    let Some(first) = lines[..last].iter().rposition(|line| !is_comment(line) && is_blank(line)) else {
        return false;
    };
    if first < title {
        return false;
    }
    let (mut trailers, mut others, mut made_by_git, mut in_trailer) = (0, 0, false, false);
    for line in &lines[first + 1..=last] {
        if line.starts_with(COMMENT) {
            in_trailer = false;
        } else if BY_GIT.iter().any(|prefix| line.starts_with(prefix)) {
            (trailers, made_by_git, in_trailer) = (trailers + 1, true, true);
        } else if is_space(line[0]) {
            // Continues the trailer above it, or is prose.
            others += usize::from(!in_trailer);
        } else if is_trailer(line) {
            (trailers, in_trailer) = (trailers + 1, true);
        } else {
            (others, in_trailer) = (others + 1, false);
        }
    }
    trailers > 0 && (others == 0 || made_by_git && trailers * 3 >= others)
}

/// The lines of a message without the comments at its end, and the list of conflicts that old
/// versions of git put there.
fn before_what_is_ignored(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|b| *b == b'\n').collect();
    if let Some(cut) = lines.iter().position(|line| line.starts_with(SCISSORS)) {
        lines.truncate(cut);
    }
    let (mut end, mut in_conflicts) = (None, false);
    for (at, line) in lines.iter().enumerate() {
        if line.is_empty() || line.starts_with(COMMENT) {
            end = end.or(Some(at));
        } else if *line == b"Conflicts:" {
            (end, in_conflicts) = (end.or(Some(at)), true);
        } else if !(in_conflicts && line.starts_with(b"\t")) {
            (end, in_conflicts) = (None, false);
        }
    }
    lines.truncate(end.unwrap_or(lines.len()));
    lines
}

/// `Token: value`, the token of letters, digits and `-`.
fn is_trailer(line: &[u8]) -> bool {
    let token = line.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    let spaces = line[token..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    token > 0 && line.get(token + spaces) == Some(&b':')
}

/// The text with every byte that is not of UTF-8 taken for Latin-1, as git takes it where a commit
/// is to be UTF-8. Characters that are none, U+FFFE for one, do not count as UTF-8 either.
pub(super) fn in_utf8(text: Vec<u8>) -> Vec<u8> {
    let is_character = |c: char| {
        let code = u32::from(c);
        code & 0xfffe != 0xfffe && !(0xfdd0..=0xfdef).contains(&code)
    };
    if std::str::from_utf8(&text).is_ok_and(|text| text.chars().all(is_character)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let by_byte = |out: &mut String, bytes: &[u8]| out.extend(bytes.iter().map(|byte| char::from(*byte)));
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_character(c) {
                out.push(c);
            } else {
                by_byte(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        by_byte(&mut out, chunk.invalid());
    }
    out.into_bytes()
}
