//! Where a verb says things and asks: the screen, the person, and what was
//! asked for on the command line.

use crate::delivery::read::reader::Options;
use crate::failure::{Doing, Failure, Kind, Result};
use crate::ui::prompt::Asker;
use crate::ui::screen::Screen;

/// The two streams, the person, and the options that hold for every verb.
#[derive(Clone, Copy)]
pub struct Ui<'a> {
    /// Where things are said.
    pub screen: &'a Screen,
    /// Who is asked; only where [`Ui::can_ask`].
    pub asker: &'a dyn Asker,
    /// The options that hold for every verb.
    pub options: &'a Options,
    /// Whether standard input and standard error are terminals.
    pub interactive: bool,
}

impl Ui<'_> {
    /// Whether somebody is there to answer.
    pub fn can_ask(&self) -> bool {
        self.interactive && !self.options.json
    }

    /// Asks a question that `--yes` answers. `action` names what is done, for
    /// where nobody can be asked.
    ///
    /// # Errors
    /// Nobody can be asked and there is no `--yes` (exit 2), or the answer
    /// was no (exit 4; nothing changed).
    pub fn confirm(&self, question: &str, action: &str) -> Result<()> {
        if self.options.yes {
            return Ok(());
        }
        if !self.can_ask() {
            return Err(Failure::new(
                Kind::Usage,
                format!("{action} needs a yes, and nobody can be asked here; nothing changed"),
            )
            .hint("say it beforehand: --yes, or REL_YES=1"));
        }
        agreed(self.asker.confirm(question, true).doing("the answer could not be read")?)
    }
}

/// Fails unless the answer was yes; `None` is an interrupt.
///
/// # Errors
/// The answer was no (exit 4), or there was none (exit 130); nothing changed.
pub fn agreed(answer: Option<bool>) -> Result<()> {
    match answer {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Kind::Refused, "not confirmed; nothing changed")),
        None => Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
    }
}
