//! `release.toml`: text to [`Config`] and back.
//!
//! Says where a file is wrong, to the line and column, and what would be
//! right; all of it at once. Refuses to read files or refs, to know whose
//! file counts, and to judge gates: it is given text and gives values.

mod environment;
pub mod init;
mod limits;
mod order;
mod parse;
mod point;
mod read;
mod schema;
#[cfg(test)]
mod tests;

pub use limits::{Unsupported, unsupported, unsupported_in};
pub use parse::{Head, Parsed, head, head_of, line_of, parse};
pub use schema::schema;

use crate::domain::config::Config;

/// The name of the file, at the top of a repository.
pub const FILE_NAME: &str = "release.toml";

/// The effective configuration in the file's own notation: every default
/// written out, what is absent left out. Reads back as the same [`Config`].
pub fn to_toml_with_defaults(config: &Config) -> String {
    toml::to_string(config).expect("a configuration is tables, lists, strings, booleans and small numbers")
}
