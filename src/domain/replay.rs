//! Folding a chain's events once more, and holding the snapshot that each
//! commit has against what they come to.
//!
//! A deviation is told where it begins. What was appended to a wrong snapshot
//! and follows from it is no deviation of its own, and a repair that states
//! what the events come to settles those before it.

use serde_json::Value;

use super::fold::Fold;

/// How much of a value a person is shown.
const SHOWN: usize = 60;

/// The snapshot of one commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded<S> {
    /// What was expected, to the letter.
    AsExpected,
    /// What it says.
    State(S),
}

/// What one commit turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayStep {
    /// What its events come to; or what follows from a deviation before it.
    Right,
    /// A repair: what was told of the commits before it is settled.
    Settles,
    /// Its event cannot follow those before it, and why.
    Impossible(String),
    /// Its snapshot is another one.
    Differs(Vec<Deviation>),
}

/// One member of a snapshot that is not what the events come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    pub member: String,
    /// What the events come to, shortened.
    pub expected: String,
    /// What is there, shortened.
    pub found: String,
}

/// A chain on its way from its root to its tip.
#[derive(Debug, Clone)]
pub struct Replay<S> {
    state: S,
    /// What the last commit says, where that is something else.
    wrong: Option<S>,
    /// Whether an event was met that could not follow, so that what came of
    /// it is known by its snapshot alone.
    torn: bool,
}

impl<S: Fold> Default for Replay<S> {
    fn default() -> Replay<S> {
        Replay { state: S::default(), wrong: None, torn: false }
    }
}

impl<S: Fold> Replay<S> {
    /// What the events so far come to.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Whether a repair can state it: no event was met that could not follow.
    pub fn is_certain(&self) -> bool {
        !self.torn
    }

    /// Whether the last snapshot is what the events come to.
    pub fn agrees(&self) -> bool {
        self.wrong.is_none()
    }

    /// Goes on from a snapshot, where what came before it cannot be read.
    pub fn resume(&mut self, state: S) {
        *self = Replay { state, wrong: None, torn: true };
    }

    /// Takes in the next commit. `recorded` is asked for its snapshot and told
    /// what it is expected to be.
    pub fn step(&mut self, event: &S::Event, recorded: impl FnOnce(&S) -> Recorded<S>) -> ReplayStep {
        let expected = match self.state.after(event) {
            Ok(expected) => expected,
            Err(impossible) => {
                let found = match recorded(&self.state) {
                    Recorded::State(found) => found,
                    Recorded::AsExpected => self.state.clone(),
                };
                let follows = self.follows_wrong(event, &found);
                self.resume(found);
                return if follows { ReplayStep::Right } else { ReplayStep::Impossible(impossible.0) };
            }
        };
        let found = match recorded(&expected) {
            Recorded::State(found) if found != expected => found,
            _ => {
                (self.state, self.wrong) = (expected, None);
                return if S::restates(event) && !self.torn {
                    ReplayStep::Settles
                } else {
                    ReplayStep::Right
                };
            }
        };
        let follows = self.follows_wrong(event, &found);
        let differences = differences(&expected, &found);
        (self.state, self.wrong) = (expected, Some(found));
        if follows { ReplayStep::Right } else { ReplayStep::Differs(differences) }
    }

    fn follows_wrong(&self, event: &S::Event, found: &S) -> bool {
        self.wrong.as_ref().is_some_and(|wrong| wrong.after(event).as_ref() == Ok(found))
    }
}

/// The members in which two states differ.
fn differences<S: Fold>(expected: &S, found: &S) -> Vec<Deviation> {
    let members = |state: &S| match serde_json::to_value(state) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let (expected, found) = (members(expected), members(found));
    let shown = |value: Option<&Value>| {
        let text = value.map_or("nothing".to_owned(), Value::to_string);
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    let names = expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
    names
        .map(|name| (name, expected.get(name), found.get(name)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| Deviation {
            member: name.clone(),
            expected: shown(expected),
            found: shown(found),
        })
        .collect()
}
