//! Deployments as a table, newest first.

use chrono::{DateTime, Utc};

use super::noted::{Noted, fits};
use super::screen::Screen;
use super::text::{clean, quote, truncate};
use super::time;
use crate::domain::env::{Deployment, Progress, Trigger};
use crate::domain::name::Actor;

/// Columns a name may take in a table on a terminal.
const NAME: usize = 16;

/// A person, or a pipeline and for whom it works: `ci for kim`.
pub fn person(actor: &Actor, on_behalf_of: Option<&Actor>) -> String {
    let name = |actor: &Actor| clean(if actor.name.is_empty() { &actor.email } else { &actor.name });
    match on_behalf_of {
        Some(other) if !other.is(actor) => format!("{} for {}", name(actor), name(other)),
        _ => name(actor),
    }
}

/// [`person`] as a cell of a table: short on a terminal.
pub fn person_cell(screen: &Screen, actor: &Actor, on_behalf_of: Option<&Actor>) -> String {
    let person = person(actor, on_behalf_of);
    if screen.width().is_some() { truncate(&person, NAME) } else { person }
}

/// The deployments in the order given.
///
/// A row shows what was replaced as well, where the terminal is wide enough;
/// what failed, was overridden or undone, and why, stands beside or below it.
pub fn table(screen: &Screen, deployments: &[Deployment], now: DateTime<Utc>) -> String {
    let wide = rows(screen, deployments, now, true);
    match screen.width() {
        Some(width) if !fits(&wide.render(Some(width)), width) => {
            rows(screen, deployments, now, false).render(Some(width))
        }
        width => wide.render(width),
    }
}

fn rows(screen: &Screen, deployments: &[Deployment], now: DateTime<Utc>, wide: bool) -> Noted {
    let mut noted = Noted::new(&["id", "action", "candidate", "state", "when", "took", "by"]);
    for deployment in deployments {
        let from = deployment.from_tag.as_ref().filter(|from| **from != deployment.tag);
        let candidate = match from {
            Some(from) if wide => format!("{from} -> {}", deployment.tag),
            _ => deployment.tag.to_string(),
        };
        let state = deployment.state.to_string();
        let took = match deployment.finished_at {
            Some(end) => time::span(time::between(deployment.started_at, end)),
            None => "-".to_owned(),
        };
        let mut remarks = remarks(deployment);
        if let Some(from) = from
            && !wide
        {
            remarks.insert(0, format!("replaced {from}"));
        }
        noted.push(
            vec![
                deployment.id.to_string(),
                deployment.action.to_string(),
                candidate,
                match deployment.state {
                    Progress::Succeeded => screen.good(&state),
                    Progress::Running => screen.strong(&state),
                    Progress::Failed => screen.bad(&state),
                    Progress::Cancelled | Progress::Unknown => screen.caution(&state),
                },
                time::ago(now, deployment.started_at),
                took,
                person_cell(screen, &deployment.actor, deployment.on_behalf_of.as_ref()),
            ],
            &remarks,
        );
    }
    noted
}

/// What there is to know of a deployment beyond that it took place.
fn remarks(deployment: &Deployment) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(code) = deployment.exit_code.filter(|code| *code != 0) {
        remarks.push(format!("exit {code}"));
    }
    if !deployment.overrides.is_empty() {
        let gates: Vec<&str> = deployment.overrides.iter().map(|passed| passed.gate.as_str()).collect();
        remarks.push(format!("overrode {}", gates.join(", ")));
    }
    if let Some(undone) = &deployment.reverts {
        remarks.push(format!("undid {undone}"));
    }
    match deployment.trigger {
        Trigger::Person => {}
        Trigger::AutoDeploy => remarks.push("by itself, after the cut".to_owned()),
        Trigger::OnFailure => remarks.push("by itself, after the failure".to_owned()),
        Trigger::Recorded => remarks.push("recorded".to_owned()),
    }
    if let Some(reason) = &deployment.reason {
        remarks.push(format!("\"{reason}\""));
    }
    remarks
}

/// What there is to say where no deployment is to be shown.
pub fn none(environment: Option<&str>) -> String {
    match environment {
        Some(name) => format!("nothing was deployed to {name} yet: rel deploy {}", quote(name)),
        None => "nothing was deployed yet: rel deploy ENV".to_owned(),
    }
}
