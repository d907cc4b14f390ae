//! Deployments as chains tell of them: intents joined with what became of them.

use crate::domain::env::{Deployment, EnvState, Event, Progress, What};
use crate::domain::name::{DeploymentId, TagName};
use crate::failure::Result;
use crate::store::ledger::{self, View};
use crate::store::repo::Repo;

/// The deployments of one environment, newest first.
///
/// Reads no further back than asked: what settled a deployment comes after
/// its intent, so one walk from the tip meets the end of each before its
/// beginning.
pub fn deployments<'r>(
    repo: &'r Repo,
    view: &View<EnvState>,
) -> impl Iterator<Item = Result<Deployment>> + 'r {
    let mut ends: Vec<Event> = Vec::new();
    ledger::events::<EnvState>(repo, view.tip).filter_map(move |event| match event {
        Err(failure) => Some(Err(failure)),
        Ok((_, event)) => match &event.what {
            What::Intent(intent) => {
                let id = &event.id;
                let mut deployment = intent.deployment.clone();
                ends.retain(|end| {
                    let ours = end.id == *id;
                    if ours {
                        settle(&mut deployment, end);
                    }
                    !ours
                });
                Some(Ok(deployment))
            }
            What::Outcome(_) | What::TakenOver { .. } | What::Resolved { .. } => {
                // Walking backwards, so that the latest word on a deployment is applied last.
                ends.insert(0, event);
                None
            }
            _ => None,
        },
    })
}

/// One deployment, by its number.
///
/// # Errors
/// git failed.
pub fn deployment(repo: &Repo, view: &View<EnvState>, id: &DeploymentId) -> Result<Option<Deployment>> {
    for deployment in deployments(repo, view) {
        let deployment = deployment?;
        if deployment.id == *id {
            return Ok(Some(deployment));
        }
        if deployment.seq < id.seq {
            break;
        }
    }
    Ok(None)
}

/// What was live, newest first, by time: undone ones included.
///
/// # Errors
/// git failed.
pub fn lived(repo: &Repo, view: &View<EnvState>) -> Result<Vec<TagName>> {
    let mut tags: Vec<TagName> = Vec::new();
    for deployment in deployments(repo, view) {
        let deployment = deployment?;
        if deployment.state == Progress::Succeeded && tags.last() != Some(&deployment.tag) {
            tags.push(deployment.tag);
        }
    }
    Ok(tags)
}

fn settle(deployment: &mut Deployment, end: &Event) {
    match &end.what {
        What::Outcome(outcome) => {
            deployment.state = outcome.state;
            deployment.exit_code = outcome.exit_code;
            deployment.certain = outcome.state == Progress::Succeeded || !outcome.started;
            deployment.finished_at = Some(end.at);
        }
        What::TakenOver { .. } => {
            deployment.state = Progress::Unknown;
            deployment.certain = false;
            deployment.finished_at = Some(end.at);
        }
        What::Resolved { state, .. } => {
            deployment.state = *state;
            deployment.certain = *state == Progress::Succeeded;
            deployment.finished_at.get_or_insert(end.at);
        }
        _ => {}
    }
}
