//! A terminal's screen that is drawn again and again, without flicker.
//!
//! Each drawing goes out in one write: from the top left, every line followed
//! by a clearing of what the line before it left, and the rest of the screen
//! cleared at the end. Nothing is cleared first, so nothing is ever seen
//! empty. What the terminal showed before comes back at the end, whichever
//! way that is reached.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::AnsiCodeIterator;

use super::plan::count;
use super::screen::Screen;
use super::text;

/// Another screen than the one with the shell's lines; no cursor, and no line
/// that goes on in the next.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";

/// All of it taken back.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Shown only as a whole, by terminals that can (mode 2026); others pass over it.
const BEGIN: &str = "\x1b[?2026h";

/// The end of a whole.
const END: &str = "\x1b[?2026l";

/// A frame, to be composed for however wide the screen is by then.
pub type Frame = Box<dyn Fn(&Screen) -> String + Send>;

/// The screen while it is being watched.
pub struct Watch<'s> {
    screen: &'s Screen,
    shown: Mutex<Shown>,
}

/// What is on it.
struct Shown {
    frame: Frame,
    note: Option<String>,
    entered: bool,
}

impl Watch<'_> {
    /// Takes over the terminal on stdout and shows a frame.
    pub fn open(screen: &Screen, frame: Frame) -> Watch<'_> {
        let watch = Watch { screen, shown: Mutex::new(Shown { frame, note: None, entered: false }) };
        watch.resume();
        watch
    }

    /// Shows another frame.
    pub fn show(&self, frame: Frame) {
        let mut shown = self.shown();
        shown.frame = frame;
        shown.note = None;
        self.paint(&shown);
    }

    /// Keeps the frame, with a note of why it is old.
    pub fn note(&self, note: &str) {
        let mut shown = self.shown();
        shown.note = Some(note.to_owned());
        self.paint(&shown);
    }

    /// Shows the same for another size of the screen.
    pub fn repaint(&self) {
        self.paint(&self.shown());
    }

    /// Takes the terminal over again.
    pub fn resume(&self) {
        let mut shown = self.shown();
        if !std::mem::replace(&mut shown.entered, true) {
            self.screen.draw(ENTER);
        }
        self.paint(&shown);
    }

    /// Gives the terminal back.
    pub fn suspend(&self) {
        if std::mem::replace(&mut self.shown().entered, false) {
            self.screen.draw(LEAVE);
        }
    }

    /// The end: what was last shown stays among the shell's lines.
    pub fn close(self) {
        self.suspend();
        let text = (self.shown().frame)(&self.screen.aside(Box::new(std::io::sink()), self.screen.width()));
        self.screen.result(&text);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paint(&self, shown: &Shown) {
        let Some((lines, columns)) = self.screen.size().filter(|_| shown.entered) else { return };
        let aside = self.screen.aside(Box::new(std::io::sink()), Some(columns));
        let frame = (shown.frame)(&aside);
        let note = shown.note.as_ref().map(|note| self.screen.caution(note));
        self.screen.draw(&drawing(&self.screen.shown(&frame), note.as_deref(), lines, columns));
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.suspend();
    }
}

/// A frame over a screen of this size. What does not fit below is counted; a
/// note stands in the last line but is never what gets cut off.
fn drawing(frame: &str, note: Option<&str>, lines: usize, columns: usize) -> String {
    let all: Vec<&str> = frame.lines().collect();
    let room = lines.saturating_sub(note.map_or(0, |_| 2));
    let mut said: Vec<String> = Vec::new();
    if all.len() <= room {
        said.extend(all.iter().map(|line| cut(line, columns)));
    } else {
        let kept = room.saturating_sub(1);
        said.extend(all.iter().take(kept).map(|line| cut(line, columns)));
        if room > 0 {
            let hidden = count(all.len() - kept, "more line", "more lines");
            said.push(text::truncate(&format!("… {hidden}; a taller window shows them"), columns));
        }
    }
    if let Some(note) = note {
        if lines > 1 {
            said.push(String::new());
        }
        said.push(cut(note, columns));
    }
    let mut drawing = format!("{BEGIN}\x1b[H");
    for (n, line) in said.iter().enumerate() {
        if n > 0 {
            drawing.push_str("\r\n");
        }
        drawing.push_str(line);
        // With the cursor beyond the last column, some terminals would clear what stands there.
        if text::width(line) < columns {
            drawing.push_str("\x1b[K");
        }
    }
    // Below the last line; on it, that would clear its end.
    if said.len() < lines {
        let _ = write!(drawing, "\r\n\x1b[J");
    }
    drawing + END
}

/// A styled line cut to so many columns; its styles end with it.
fn cut(line: &str, columns: usize) -> String {
    if text::width(line) <= columns {
        return line.to_owned();
    }
    let plain: String =
        AnsiCodeIterator::new(line).filter(|(_, escape)| !escape).map(|(part, _)| part).collect();
    let kept = text::truncate(&plain, columns);
    let mut left = kept.trim_end_matches('…').len();
    let mut said = String::with_capacity(line.len());
    for (part, escape) in AnsiCodeIterator::new(line) {
        if escape {
            said.push_str(part);
        } else if left > 0 {
            let end = part.floor_char_boundary(left);
            said.push_str(&part[..end]);
            left -= end;
            if left == 0 {
                said.push('…');
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: &str = "\x1b[31m";
    const PLAIN: &str = "\x1b[0m";

    /// What a terminal of this size shows after drawings one over the other:
    /// a model of the few sequences that a drawing has.
    fn seen(drawings: &[String], lines: usize, columns: usize) -> Vec<String> {
        let mut cells = vec![vec!['#'; columns]; lines];
        for drawing in drawings {
            let (mut row, mut column) = (0, 0);
            for (part, escape) in AnsiCodeIterator::new(drawing) {
                match part {
                    "\x1b[H" => (row, column) = (0, 0),
                    "\x1b[K" => cells[row][column..].fill(' '),
                    "\x1b[J" => {
                        cells[row][column..].fill(' ');
                        cells[row + 1..].iter_mut().for_each(|line| line.fill(' '));
                    }
                    _ if escape => assert!(part.ends_with('m') || part.contains("?2026"), "{part:?}"),
                    _ => {
                        for c in part.chars() {
                            match c {
                                '\r' => column = 0,
                                '\n' => row += 1,
                                c => {
                                    cells[row][column] = c;
                                    column += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
        cells.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
    }

    #[test]
    fn a_shorter_frame_leaves_nothing_of_a_longer_one() {
        let long = drawing("shop\n\nENV  LIVE\nprod  v1.0.0-rc.1", None, 6, 20);
        let short = drawing("shop\nno", None, 6, 20);
        assert_eq!(seen(&[long.clone()], 6, 20), ["shop", "", "ENV  LIVE", "prod  v1.0.0-rc.1", "", ""]);
        assert_eq!(seen(&[long, short], 6, 20), ["shop", "no", "", "", "", ""]);
    }

    #[test]
    fn nothing_is_cleared_before_it_is_drawn_over() {
        let drawn = drawing("a\nb", None, 5, 10);
        assert!(!drawn.contains("\x1b[2J") && !drawn.contains("\x1b[2K"), "{drawn:?}");
        assert!(drawn.starts_with(BEGIN) && drawn.ends_with(END), "one whole");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let frame = "1\n2\n3\n4\n5";
        assert_eq!(seen(&[drawing(frame, None, 5, 40)], 5, 40), ["1", "2", "3", "4", "5"]);
        assert_eq!(
            seen(&[drawing(frame, None, 4, 40)], 4, 40),
            ["1", "2", "3", "… 2 more lines; a taller window shows t…"]
        );
        assert_eq!(
            seen(&[drawing(frame, Some("old since 14:05"), 5, 60)], 5, 60),
            ["1", "2", "… 3 more lines; a taller window shows them", "", "old since 14:05"]
        );
        assert_eq!(seen(&[drawing(frame, Some("old"), 1, 10)], 1, 10), ["old"]);
    }

    #[test]
    fn a_line_as_wide_as_the_screen_keeps_its_last_column() {
        let drawn = drawing("0123456789", None, 2, 10);
        assert!(!drawn.contains("\x1b[K"), "{drawn:?}");
        assert_eq!(seen(&[drawn], 2, 10), ["0123456789", ""]);
        assert_eq!(seen(&[drawing("0123456789ab", None, 2, 10)], 2, 10), ["012345678…", ""]);
    }

    #[test]
    fn a_cut_keeps_styles_and_does_not_tear_what_is_wide() {
        assert_eq!(cut(&format!("{RED}prod{PLAIN} is here"), 6), format!("{RED}prod…{PLAIN}"));
        assert_eq!(cut(&format!("{RED}prod is{PLAIN} here"), 7), format!("{RED}prod i…{PLAIN}"));
        assert_eq!(cut("修正する", 6), "修正…");
        assert_eq!(cut("👩‍👩‍👧👩‍👩‍👧", 3), "👩‍👩‍👧…");
        assert_eq!(cut("fits", 4), "fits");
    }
}
