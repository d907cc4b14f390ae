//! That something is still going on, while it is.
//!
//! Shown on stderr only if that is a terminal and nobody asked for quiet;
//! otherwise nothing at all is written. What must be read is never said here
//! but on the [`Screen`], which lifts progress out of the way while it writes.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::screen::Screen;
use super::text;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Progress being shown; gone from the screen once dropped. Drop it before
/// asking anything.
#[derive(Debug)]
#[must_use = "progress is shown only while this is kept"]
pub struct Progress(Option<(MultiProgress, ProgressBar)>);

impl Progress {
    /// A spinner beside `what`, a word like `fetching`.
    pub fn start(screen: &Screen, what: &str) -> Progress {
        Progress::show(screen, what, ProgressBar::new_spinner(), "{spinner} {wide_msg}")
    }

    /// A bar towards `total` steps, or bytes, beside `what`.
    pub fn towards(screen: &Screen, what: &str, total: u64) -> Progress {
        Progress::show(screen, what, ProgressBar::new(total), "{spinner} {bar:24} {percent:>3} % {wide_msg}")
    }

    fn show(screen: &Screen, what: &str, bar: ProgressBar, template: &str) -> Progress {
        Progress(screen.progress().map(|all| {
            let style = ProgressStyle::with_template(template);
            let bar = all.add(bar.with_message(text::clean(what)));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TICK);
            (all.clone(), bar)
        }))
    }

    /// Says what is going on now.
    pub fn say(&self, what: &str) {
        if let Some((_, bar)) = &self.0 {
            bar.set_message(text::clean(what));
        }
    }

    /// Goes on by `steps`.
    pub fn advance(&self, steps: u64) {
        if let Some((_, bar)) = &self.0 {
            bar.inc(steps);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((all, bar)) = &self.0 {
            bar.finish_and_clear();
            all.remove(bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;
    use crate::ui::ColorChoice;
    use crate::ui::screen::tests::Paper;

    /// A terminal that writes down what is done to it, on the paper stderr has.
    #[derive(Debug)]
    struct Terminal(Paper);

    impl Terminal {
        fn put(&self, text: &str) -> io::Result<()> {
            self.0.clone().write_all(text.as_bytes())
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            40
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(text)?;
            self.put("\n")
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.put("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on_paper(terminal: bool) -> (Screen, Paper) {
        let paper = Paper::default();
        let screen = Screen::new(false, terminal, ColorChoice::Never, false, false, 0, false).over(
            Box::new(io::sink()),
            Box::new(paper.clone()),
            Some(40),
        );
        (screen, paper)
    }

    #[test]
    fn progress_makes_way_for_lines_and_clears_itself() {
        let (screen, paper) = on_paper(true);
        let screen = screen.progress_on(ProgressDrawTarget::term_like(Box::new(Terminal(paper.clone()))));
        let progress = Progress::start(&screen, "fetching\x1b[2J");
        progress.say("fetching");
        assert!(paper.text().contains("fetching"), "{:?}", paper.text());
        assert!(!paper.text().contains('\x1b'), "{:?}", paper.text());

        let before = paper.text().len();
        screen.stream("deploy", b"switched");
        let after = paper.text()[before..].to_owned();
        let line = after.find("deploy | switched\n").expect("the line is written");
        assert!(after[..line].ends_with("<clear>"), "not on the line of the spinner: {after:?}");
        assert!(after[line..].contains("fetching"), "and the spinner comes back: {after:?}");

        drop(progress);
        assert!(paper.text().trim_end().ends_with("<clear>"), "{:?}", paper.text());
    }

    #[test]
    fn without_a_terminal_nothing_is_written() {
        let (screen, paper) = on_paper(false);
        let progress = Progress::towards(&screen, "copying", 10);
        progress.advance(5);
        screen.note("said");
        drop(progress);
        assert_eq!(paper.text(), "said\n");
    }
}
