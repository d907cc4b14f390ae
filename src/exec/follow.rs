//! Reads a growing log line by line.
//!
//! It never waits, never writes, and holds no more than one piece of a line in
//! memory, and a byte, however long the line is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Listener, Piece};

/// The longest piece of a line that is delivered: 64 KiB.
pub const LONGEST: usize = 64 * 1024;

/// How much is shown between two looks at anything else, in bytes.
pub(super) const SHOWN_AT_ONCE: u64 = 256 * 1024;

/// The place reached in a log that others append to.
pub(super) struct Follow {
    log: BufReader<File>,
    /// Bytes of the log that were read.
    position: u64,
    /// The beginning of a line, or of what is left of it, whose end has not been
    /// written yet.
    pending: Vec<u8>,
    /// Whether the beginning of that line was delivered before its end came.
    within: bool,
}

impl Follow {
    /// Follows what is appended to `log` from now on.
    pub(super) fn from_end(log: &Path) -> io::Result<Follow> {
        let mut file = File::open(log)?;
        let position = file.seek(SeekFrom::End(0))?;
        let log = BufReader::with_capacity(LONGEST, file);
        Ok(Follow { log, position, pending: Vec::new(), within: false })
    }

    /// Delivers the lines among the next `budget` bytes, as far as they are
    /// written, and says whether there were any bytes.
    ///
    /// A log that cannot be read ends the showing, not the command: the output
    /// is in the file all the same.
    pub(super) fn advance(&mut self, budget: u64, listener: &mut dyn Listener) -> bool {
        let end = self.position.saturating_add(budget);
        let before = self.position;
        while self.position < end {
            // One byte more: a piece goes on where something of its line follows it.
            let room = (LONGEST + 1 - self.pending.len()) as u64;
            let mut piece = self.log.by_ref().take(room.min(end - self.position));
            match piece.read_until(b'\n', &mut self.pending) {
                Ok(0) | Err(_) => break,
                Ok(read) => self.position += read as u64,
            }
            if self.pending.last() == Some(&b'\n') {
                self.pending.pop();
                listener.hear(Piece { text: &self.pending, ends: true });
                self.pending.clear();
                self.within = false;
            } else if self.pending.len() > LONGEST {
                listener.hear(Piece { text: &self.pending[..LONGEST], ends: false });
                self.pending.drain(..LONGEST);
            }
        }
        self.position > before
    }

    /// Delivers what there is of a line whose end is not written yet: a prompt, dots.
    pub(super) fn half_line(&mut self, listener: &mut dyn Listener) {
        if !self.pending.is_empty() {
            listener.hear(Piece { text: &self.pending, ends: false });
            self.pending.clear();
            self.within = true;
        }
    }

    /// Delivers everything written by now, a last line without newline
    /// included, and no more: a daemon may go on writing for ever. Once it is
    /// `enough`, leaves the rest to the log, unless the listener wants it.
    pub(super) fn finish(mut self, listener: &mut dyn Listener, enough: impl Fn() -> bool) {
        let written = self.log.get_ref().metadata().map_or(0, |log| log.len());
        while self.advance(SHOWN_AT_ONCE.min(written.saturating_sub(self.position)), listener) {
            if self.position < written && enough() && !listener.wants_the_rest() {
                return;
            }
        }
        if self.within || !self.pending.is_empty() {
            listener.hear(Piece { text: &self.pending, ends: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// What is delivered when these chunks are appended, looking after each.
    fn lines(chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        log.write_all(b"what an earlier command said\npart").unwrap();
        let mut follow = Follow::from_end(log.path()).unwrap();
        let mut lines = Vec::new();
        for chunk in chunks {
            log.write_all(chunk).unwrap();
            follow.advance(u64::MAX, &mut |line: Piece<'_>| lines.push(line.text.to_vec()));
        }
        follow.finish(&mut |line: Piece<'_>| lines.push(line.text.to_vec()), || false);
        lines
    }

    #[test]
    fn a_line_is_delivered_once_whole() {
        let chunks = [b"on".to_vec(), b"e\n\ntw".to_vec(), b"o".to_vec()];
        assert_eq!(lines(&chunks), [&b"one"[..], b"", b"two"]);
    }

    #[test]
    fn a_piece_that_ends_with_its_line_adds_no_empty_line() {
        let mut exact = vec![b'x'; LONGEST];
        exact.extend(b"\n\nnext\n");
        assert_eq!(lines(&[exact]), [&vec![b'x'; LONGEST][..], b"", b"next"]);
    }

    #[test]
    fn a_piece_goes_on_where_something_of_its_line_follows() {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        let mut follow = Follow::from_end(log.path()).unwrap();
        let mut ends = Vec::new();
        for length in [LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST] {
            log.write_all(&vec![b'x'; length]).unwrap();
            follow.advance(u64::MAX, &mut |piece: Piece<'_>| ends.push((piece.text.len(), piece.ends)));
            log.write_all(b"\n").unwrap();
            follow.advance(u64::MAX, &mut |piece: Piece<'_>| ends.push((piece.text.len(), piece.ends)));
        }
        let long = |rest| [(LONGEST, false), (rest, true)];
        assert_eq!(ends, [&[(LONGEST - 1, true), (LONGEST, true)][..], &long(1), &long(LONGEST)].concat());
    }

    #[test]
    fn the_budget_bounds_what_is_read_at_once() {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        let mut follow = Follow::from_end(log.path()).unwrap();
        log.write_all(b"a\nb\nc\n").unwrap();
        let mut seen = Vec::new();
        assert!(follow.advance(4, &mut |line: Piece<'_>| seen.push(line.text.to_vec())));
        assert_eq!(seen, [b"a", b"b"]);
        assert!(follow.advance(4, &mut |line: Piece<'_>| seen.push(line.text.to_vec())));
        assert!(!follow.advance(4, &mut |_: Piece<'_>| ()));
        assert_eq!(seen, [b"a", b"b", b"c"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_lost_however_it_is_written(
            chunks in proptest::collection::vec("[a-c\n]{0,9}".prop_map(String::into_bytes), 0..9)
        ) {
            let all = chunks.concat();
            let mut expected: Vec<&[u8]> = all.split(|byte| *byte == b'\n').collect();
            if expected.last() == Some(&&b""[..]) {
                expected.pop();
            }
            prop_assert_eq!(lines(&chunks), expected);
        }
    }
}
