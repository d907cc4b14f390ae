//! What can go wrong, as a person is told it, and the one table of exit codes.
//!
//! Floors below state facts with a [`Failure`] of the right [`Kind`]; this
//! file alone decides which exit code that is. A refusal carries every reason
//! at once, each with the gate that gave it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::report::ErrorCompany;

/// Every exit code, and what it means to whoever looks it up.
pub const EXIT_CODES: [(u8, &str); 11] = [
    (0, "done, or nothing to do"),
    (1, "I/O, git, the unexpected"),
    (2, "wrong usage, or an answer was needed and nobody could be asked"),
    (3, "release.toml is missing or invalid"),
    (4, "a gate or a precondition said no, or there is no such thing; nothing changed"),
    (5, "busy or held and nothing else, or another machine won; nothing ran"),
    (6, "a build, deploy or verify command failed, and that is recorded"),
    (7, "a cherry-pick needs a person"),
    (8, "it ran, but its record has not reached the remote: rel sync"),
    (9, "an artifact, a tag or the history is not what was recorded"),
    (130, "interrupted; the record says so"),
];

/// What sort of failure this is. Each maps to exactly one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// I/O, git, the unexpected.
    Failed,
    /// Wrong usage, or an answer was needed and nobody could be asked.
    Usage,
    /// `release.toml` is invalid.
    Config,
    /// A gate or a precondition said no; nothing changed.
    Refused,
    /// Something named does not exist; nothing changed.
    NotFound,
    /// The environment is busy, and nothing else stands in the way.
    Busy,
    /// The environment is held, and nothing else stands in the way.
    Held,
    /// Another machine won the race; nothing ran.
    Moved,
    /// A build, deploy or verify command failed, and that is recorded.
    CommandFailed,
    /// A cherry-pick needs a person.
    Conflict,
    /// It ran, but its record has not reached the authority.
    Unpublished,
    /// An artifact, a tag or the history is not what was recorded.
    Integrity,
    /// Interrupted; the record says so.
    Interrupted,
}

impl Kind {
    /// The exit code, as the contract's table lists them.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Config => 3,
            Kind::Refused | Kind::NotFound => 4,
            Kind::Busy | Kind::Held | Kind::Moved => 5,
            Kind::CommandFailed => 6,
            Kind::Conflict => 7,
            Kind::Unpublished => 8,
            Kind::Integrity => 9,
            Kind::Interrupted => 130,
        }
    }

    /// The word scripts see in `error.kind`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Usage => "usage",
            Kind::Config => "config",
            Kind::Refused => "refused",
            Kind::NotFound => "not-found",
            Kind::Busy => "busy",
            Kind::Held => "held",
            Kind::Moved => "moved",
            Kind::CommandFailed => "command-failed",
            Kind::Conflict => "conflict",
            Kind::Unpublished => "unpublished",
            Kind::Integrity => "integrity",
            Kind::Interrupted => "interrupted",
        }
    }
}

/// One reason of a refusal. `gate` is a gate's name as overrides spell it,
/// or the precondition's (`trunk`, `artifacts`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// Which rule spoke.
    pub gate: String,
    /// What it says, and what would satisfy it. May have several lines.
    pub message: String,
}

/// A failure on its way to a person: what happened, why, what to type next.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, to what. One sentence, no full stop.
    pub message: String,
    /// Every reason of a refusal.
    pub reasons: Vec<Reason>,
    /// The next commands to type, or a word on how to go on.
    pub hints: Vec<String>,
    /// The technical cause, shown below the message.
    pub source: Option<anyhow::Error>,
    /// Whether the authority could not be talked to, so that only working without it is left.
    pub unreachable: bool,
    /// Whether another try in a second may end otherwise.
    pub may_pass: bool,
    /// What stands beside `error` in JSON.
    pub(crate) beside: Box<ErrorCompany>,
}

/// The result of everything that a person may be told the failure of.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure of `kind`, saying `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            reasons: Vec::new(),
            hints: Vec::new(),
            source: None,
            unreachable: false,
            may_pass: false,
            beside: Box::default(),
        }
    }

    /// Something failed that is neither the user's nor a rule's doing.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Failed, message)
    }

    /// Adds a way on: a command, or a short sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn reason(mut self, gate: impl Into<String>, message: impl Into<String>) -> Failure {
        self.reasons.push(Reason { gate: gate.into(), message: message.into() });
        self
    }

    /// Adds the technical cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<anyhow::Error>) -> Failure {
        self.source = Some(source.into());
        self
    }

    /// Puts something beside `error` in JSON.
    #[must_use]
    pub(crate) fn beside(mut self, put: impl FnOnce(&mut ErrorCompany)) -> Failure {
        put(&mut self.beside);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::failed(error.to_string()).because(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::failed(error.to_string())
    }
}

/// Says what was being done when a lower floor's error came up.
pub trait Doing<T> {
    /// Turns an error into a [`Kind::Failed`] failure with this message.
    fn doing(self, message: impl Into<String>) -> Result<T>;

    /// The same for what is done thousands of times: the message is made where
    /// there is an error.
    fn doing_with(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| Failure::failed(message).because(error))
    }

    fn doing_with(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::failed(message()).because(error))
    }
}
