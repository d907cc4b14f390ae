//! How a deployment that was claimed ended.

use crate::delivery::error::Error;
use crate::domain::env::{Deployment, EnvState};
use crate::domain::name::TagName;
use crate::failure::Failure;

/// How a deployment that was claimed ended.
#[derive(Debug)]
pub struct Receipt {
    /// Its record.
    pub deployment: Deployment,
    /// The environment after it.
    pub state: EnvState,
    /// Why it did not succeed, in a sentence.
    pub explanation: Option<String>,
    /// Whether what it replaced was a baseline, which cannot be deployed again.
    pub from_baseline: bool,
    /// What kept its command from being started, if that was no command's
    /// doing: a changed byte, a full disk. In the words that its record keeps.
    pub kept: Option<Box<Failure>>,
    /// The release's own tag, if this closed the release.
    pub released: Option<TagName>,
    /// Why the release's own tag could not be made.
    pub(crate) not_released: Option<Error>,
    /// Why its record has not reached the authority, if it has not.
    pub(crate) unpublished: Option<Error>,
    /// Who took over from it or settled it before its outcome came.
    pub late: Option<String>,
    /// The rollback that followed by itself.
    pub rollback: Option<Box<Receipt>>,
}

impl Receipt {
    /// The receipt of a deployment of which there is nothing more to say.
    pub fn of(deployment: Deployment, state: EnvState) -> Receipt {
        Receipt {
            deployment,
            state,
            explanation: None,
            from_baseline: false,
            kept: None,
            released: None,
            not_released: None,
            unpublished: None,
            late: None,
            rollback: None,
        }
    }
}
