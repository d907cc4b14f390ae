//! Questions to a person.
//!
//! Only asked where standard input and standard error are terminals; whoever
//! calls has made sure of it, because what to do otherwise differs by verb.
//! Every question ends with Enter, so that a stray key answers nothing, and
//! leaves the cursor visible whatever happens to it.
//!
//! `None` is no answer: Ctrl-C, or a terminal that went away. Ctrl-C also
//! raises SIGINT, as without a question: only a run that handles that signal
//! lives to see the `None`.

use std::fmt;
use std::io;

use console::Term;
use dialoguer::Input;
use dialoguer::theme::Theme;

use super::text;

/// Somebody who can be asked.
pub trait Asker {
    /// Yes or no. Enter alone is no if `default_no`, else yes.
    fn confirm(&self, question: &str, default_no: bool) -> io::Result<Option<bool>>;

    /// Whether `expected` was typed in full: what must not happen by habit.
    fn type_name(&self, question: &str, expected: &str) -> io::Result<Option<bool>>;

    /// One of several, by its index. No items, no answer.
    fn choose(&self, question: &str, items: &[&str]) -> io::Result<Option<usize>>;

    /// A text, trimmed; Enter alone is the default. Without a default it may
    /// be empty.
    fn input(&self, question: &str, default: Option<&str>) -> io::Result<Option<String>>;
}

/// The person at the terminal. Questions are shown on stderr.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal;

impl Terminal {
    /// Asks until `accept` takes what was typed; its error says what would do.
    fn ask<T>(
        &self,
        question: String,
        default: Option<&str>,
        accept: impl Fn(&str) -> Result<T, String>,
    ) -> io::Result<Option<T>> {
        let mut input = Input::<String>::with_theme(&Plain)
            .with_prompt(question)
            .allow_empty(true)
            .validate_with(|typed: &String| accept(typed.trim()).map(drop));
        if let Some(default) = default {
            input = input.default(default.to_owned()).show_default(false);
        }
        match input.interact_text().map_err(io::Error::from) {
            // The validator let it pass, so it is accepted here too.
            Ok(typed) => Ok(accept(typed.trim()).ok()),
            Err(error) if is_no_answer(&error) => {
                // The line with the question has no end yet. That it may not
                // get one is no reason to fail.
                let _ = Term::stderr().write_line("");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Asker for Terminal {
    fn confirm(&self, question: &str, default_no: bool) -> io::Result<Option<bool>> {
        let (choices, default) = if default_no { ("[y/N]", "n") } else { ("[Y/n]", "y") };
        self.ask(format!("{} {choices}", text::clean(question)), Some(default), yes_or_no)
    }

    fn type_name(&self, question: &str, expected: &str) -> io::Result<Option<bool>> {
        self.ask(text::clean(question), None, |typed| Ok(typed == expected))
    }

    fn choose(&self, question: &str, items: &[&str]) -> io::Result<Option<usize>> {
        if items.is_empty() {
            return Ok(None);
        }
        let term = Term::stderr();
        for (n, item) in items.iter().enumerate() {
            term.write_line(&format!("  {}  {}", n + 1, text::clean(item)))?;
        }
        let question = format!("{} [1-{}]", text::clean(question), items.len());
        self.ask(question, None, |typed| number(typed, items.len()))
    }

    fn input(&self, question: &str, default: Option<&str>) -> io::Result<Option<String>> {
        let shown = default.map(|default| format!(" [{}]", text::clean(default))).unwrap_or_default();
        self.ask(format!("{}{shown}", text::clean(question)), default, |typed| Ok(typed.to_owned()))
    }
}

/// Whether nobody answered, rather than that asking failed.
fn is_no_answer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof)
}

fn yes_or_no(typed: &str) -> Result<bool, String> {
    match typed.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer y or n".to_owned()),
    }
}

/// The index that belongs to a number from 1 to `count`.
fn number(typed: &str, count: usize) -> Result<usize, String> {
    match typed.parse::<usize>() {
        Ok(n) if (1..=count).contains(&n) => Ok(n - 1),
        _ => Err(format!("type a number from 1 to {count}")),
    }
}

/// The question, a space, the answer; before and after.
struct Plain;

impl Theme for Plain {
    fn format_input_prompt(&self, f: &mut dyn fmt::Write, prompt: &str, _: Option<&str>) -> fmt::Result {
        write!(f, "{prompt} ")
    }

    fn format_input_prompt_selection(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        answer: &str,
    ) -> fmt::Result {
        write!(f, "{prompt} {}", text::clean(answer))
    }

    fn format_error(&self, f: &mut dyn fmt::Write, error: &str) -> fmt::Result {
        f.write_str(error)
    }
}

/// Somebody whose answers are known beforehand.
#[cfg(test)]
pub mod scripted {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// Answers with the texts it was given, one a question, as if they were
    /// typed; after the last it gives no answer. Keeps what it was asked.
    #[derive(Debug, Default)]
    pub struct Scripted {
        answers: RefCell<VecDeque<String>>,
        asked: RefCell<Vec<String>>,
    }

    impl Scripted {
        /// Will type these; `""` is Enter alone.
        pub fn new(answers: &[&str]) -> Scripted {
            let answers = answers.iter().map(|&answer| answer.to_owned()).collect();
            Scripted { answers: RefCell::new(answers), asked: RefCell::default() }
        }

        /// The questions so far.
        pub fn asked(&self) -> Vec<String> {
            self.asked.borrow().clone()
        }

        fn ask<T>(
            &self,
            question: &str,
            default: Option<&str>,
            accept: impl Fn(&str) -> Result<T, String>,
        ) -> io::Result<Option<T>> {
            self.asked.borrow_mut().push(question.to_owned());
            let Some(typed) = self.answers.borrow_mut().pop_front() else { return Ok(None) };
            let typed = if typed.is_empty() { default.unwrap_or_default() } else { &typed };
            accept(typed).map(Some).map_err(io::Error::other)
        }
    }

    impl Asker for Scripted {
        fn confirm(&self, question: &str, default_no: bool) -> io::Result<Option<bool>> {
            self.ask(question, Some(if default_no { "n" } else { "y" }), yes_or_no)
        }

        fn type_name(&self, question: &str, expected: &str) -> io::Result<Option<bool>> {
            self.ask(question, None, |typed| Ok(typed == expected))
        }

        fn choose(&self, question: &str, items: &[&str]) -> io::Result<Option<usize>> {
            self.ask(question, None, |typed| number(typed, items.len()))
        }

        fn input(&self, question: &str, default: Option<&str>) -> io::Result<Option<String>> {
            self.ask(question, default, |typed| Ok(typed.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scripted::Scripted;
    use super::*;

    #[test]
    fn only_clear_answers_count() {
        for (typed, answer) in [("y", true), ("YES", true), ("n", false), ("No", false)] {
            assert_eq!(yes_or_no(typed), Ok(answer));
        }
        for typed in ["", "yep", "yn", "1"] {
            assert!(yes_or_no(typed).is_err(), "{typed}");
        }
        assert_eq!(number("1", 3), Ok(0));
        assert_eq!(number("3", 3), Ok(2));
        for typed in ["0", "4", "", "-1", "99999999999999999999"] {
            assert_eq!(number(typed, 3), Err("type a number from 1 to 3".to_owned()));
        }
    }

    #[test]
    fn interrupts_and_ends_are_no_answer() {
        assert!(is_no_answer(&io::ErrorKind::Interrupted.into()));
        assert!(is_no_answer(&io::ErrorKind::UnexpectedEof.into()));
        assert!(!is_no_answer(&io::ErrorKind::NotConnected.into()));
    }

    #[test]
    fn the_prompt_stays_readable_after_the_answer() {
        let mut shown = String::new();
        Plain.format_input_prompt(&mut shown, "Deploy to prod? [y/N]", Some("n")).unwrap();
        assert_eq!(shown, "Deploy to prod? [y/N] ");
        shown.clear();
        Plain.format_input_prompt_selection(&mut shown, "Deploy to prod? [y/N]", "y\x1b").unwrap();
        assert_eq!(shown, r"Deploy to prod? [y/N] y\u{1b}");
    }

    #[test]
    fn nothing_to_choose_from_is_no_answer() {
        assert_eq!(Terminal.choose("Which?", &[]).unwrap(), None);
    }

    #[test]
    fn a_script_answers_in_order_and_then_no_more() {
        let asker = Scripted::new(&["", "prod", "2", "", "y"]);
        assert_eq!(asker.confirm("Deploy?", true).unwrap(), Some(false));
        assert_eq!(asker.type_name("Type prod:", "prod").unwrap(), Some(true));
        assert_eq!(asker.choose("Which?", &["a", "b"]).unwrap(), Some(1));
        assert_eq!(asker.input("Trunk?", Some("main")).unwrap(), Some("main".to_owned()));
        assert_eq!(asker.confirm("Sure?", true).unwrap(), Some(true));
        assert_eq!(asker.confirm("Really?", false).unwrap(), None);
        assert_eq!(asker.asked(), ["Deploy?", "Type prod:", "Which?", "Trunk?", "Sure?", "Really?"]);
    }
}
