//! What there is to say, made text or JSON, and the asking of questions.
//!
//! | module | what it does |
//! |---|---|
//! | [`text`] | makes text harmless for a terminal, measures, cuts and wraps it |
//! | [`time`] | how long, how long ago, and when |
//! | [`table`] | tables and labelled blocks |
//! | [`screen`] | where things are said: the two streams, colour, quiet, JSON |
//! | [`prompt`] | questions to a person |
//! | [`plan`] | a deployment's plan in words |
//! | [`gate`] | what gates say, and the commands that satisfy them |
//! | [`status`], [`list`], [`log`], [`show`], [`diff`], [`mod@where`] | what the looking verbs show |
//! | [`doctor`] | what was looked at, what was found, and what to do about it |
//! | [`fsck`] | what a check of everything found |
//! | [`changelog`], [`section`] | what a release brings, by a template, and its place in a file |
//! | [`markdown`] | text as Markdown that means nothing but itself |
//! | [`watch`] | a screen that is drawn again and again |
//! | [`noted`] | tables whose rows have remarks |
//! | [`error`] | a failure as a person, or a script, is told it |
//!
//! It decides nothing, reads neither clock nor environment, and never ends a
//! run: whatever happens to a stream, the caller is not told.

pub mod changelog;
pub mod diff;
pub mod doctor;
pub mod error;
#[cfg(test)]
mod fixtures;
pub mod front;
pub mod fsck;
pub mod gate;
pub mod list;
pub mod log;
pub mod markdown;
pub mod noted;
pub mod notice;
pub mod picks;
pub mod plan;
pub mod prompt;
pub mod screen;
pub mod section;
pub mod show;
pub mod status;
pub mod table;
pub mod text;
pub mod time;
pub mod watch;
pub mod r#where;

pub use error::failure;
pub(crate) use error::failure_document;
pub use screen::{ColorChoice, Screen};
