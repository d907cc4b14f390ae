//! What was ever live in an environment, from its chain.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::domain::env::{EnvEvent, EnvEventKind, EnvState, Progress};
use crate::domain::name::{EnvName, Oid, TagName};
use crate::store::derived_file;
use crate::store::ledger::View;

/// A deployment that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// Its number.
    pub seq: u64,
    /// What it made live.
    pub tag: TagName,
    /// The commit of that.
    pub commit: Oid,
    /// When it had.
    pub at: DateTime<Utc>,
}

/// What an environment's chain is read for, over and over.
#[derive(Serialize, Deserialize)]
enum DeploymentEnd {
    /// A deployment's number, what it deployed, and the commit of that.
    Begun(u64, TagName, Oid),
    /// Its number, whether it succeeded, and when it ended, in seconds.
    Ended(u64, bool, i64),
    /// One that was written down whole: all of that.
    Whole(u64, TagName, Oid, bool, i64),
}

/// Every deployment that succeeded, oldest first by number: what was undone
/// later, too.
///
/// # Errors
/// git failed.
pub fn successes(reader: &Reader, environment: &EnvName, view: &View<EnvState>) -> Result<Vec<Success>> {
    let file = reader.env_file(environment);
    let kept = derived_file::read::<EnvState, DeploymentEnd>(&reader.repo, view.tip, &file, "lived 3", keep)?;
    let mut found: Vec<(Success, bool)> = Vec::new();
    for one in kept {
        match one {
            DeploymentEnd::Begun(seq, tag, commit) => {
                found.push((Success { seq, tag, commit, at: DateTime::UNIX_EPOCH }, false));
            }
            DeploymentEnd::Whole(seq, tag, commit, succeeded, at) => {
                let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
                found.push((Success { seq, tag, commit, at }, succeeded));
            }
            // What settles a deployment comes soon after it; the last word counts.
            DeploymentEnd::Ended(seq, succeeded, at) => {
                if let Some((lived, did)) = found.iter_mut().rev().find(|(lived, _)| lived.seq == seq) {
                    (lived.at, *did) = (DateTime::from_timestamp(at, 0).unwrap_or_default(), succeeded);
                }
            }
        }
    }
    Ok(found.into_iter().filter(|(_, succeeded)| *succeeded).map(|(lived, _)| lived).collect())
}

fn keep(event: EnvEvent) -> Option<DeploymentEnd> {
    let seq = event.id.seq;
    let ended =
        |state: Progress| DeploymentEnd::Ended(seq, state == Progress::Succeeded, event.at.timestamp());
    match event.what {
        EnvEventKind::Intent(intent) => {
            let deployment = intent.deployment;
            Some(DeploymentEnd::Begun(seq, deployment.tag, deployment.commit))
        }
        EnvEventKind::Offline(ran) => {
            let deployment = ran.intent.deployment;
            let succeeded = ran.outcome.state == Progress::Succeeded;
            Some(DeploymentEnd::Whole(
                seq,
                deployment.tag,
                deployment.commit,
                succeeded,
                event.at.timestamp(),
            ))
        }
        EnvEventKind::Outcome(outcome) => Some(ended(outcome.state)),
        EnvEventKind::Resolved { state, .. } => Some(ended(state)),
        _ => None,
    }
}
