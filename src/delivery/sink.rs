//! How what is going on reaches a person, without knowing one.

use crate::domain::name::{DeploymentId, Oid, TagName};
use crate::domain::redact::{CannotSearch, Redactor};

/// Something that happens while a run goes on.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// The number of a candidate is this run's.
    Reserved {
        /// Its tag.
        tag: &'a TagName,
        /// The commit it is reserved for.
        commit: Oid,
    },
    /// An environment is this run's until the deployment ends.
    Claimed(&'a DeploymentId),
}

/// Hears of a run while it goes on. Nothing that it does or fails to do ends
/// the run.
pub trait Sink {
    /// Hears of something.
    fn notice(&self, notice: Notice<'_>);
    /// Something the user may want to know.
    fn note(&self, text: &str);
    /// Something the user should know.
    fn warn(&self, text: &str);
    /// One line of a command's own output.
    fn stream(&self, prefix: &str, line: &[u8]);
    /// From now on nothing of these secrets is said.
    ///
    /// # Errors
    /// All of them together cannot be searched for; those that were hidden
    /// before still are.
    fn hide(&self, secrets: &Redactor) -> Result<(), CannotSearch>;
    /// What is hidden by now.
    fn secrets(&self) -> Redactor;
}
