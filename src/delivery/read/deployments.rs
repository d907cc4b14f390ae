//! What the records tell: deployments as chains tell of them, intents joined
//! with what became of them. Changes nothing.

use std::iter::Peekable;

use chrono::{DateTime, Utc};

use crate::delivery::error::Result;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState, Minted};
use crate::domain::env::{Deployment, EnvEvent, EnvEventKind, EnvState, Progress};
use crate::domain::name::{Actor, DeploymentId, EnvName, Oid};
use crate::store::repo::Repo;
use crate::store::{self, history, ledger, recent_events};

/// The deployments that an environment's events, newest first, tell of; newest
/// first too.
///
/// Reads no further back than asked: what settled a deployment comes after
/// its intent, so one walk from the tip meets the end of each before its
/// beginning.
pub fn deployments(
    events: impl Iterator<Item = store::error::Result<(Oid, EnvEvent)>>,
) -> impl Iterator<Item = Result<Deployment>> {
    let mut ends: Vec<EnvEvent> = Vec::new();
    events.filter_map(move |event| match event {
        Err(error) => Some(Err(error.into())),
        Ok((_, event)) => match &event.what {
            EnvEventKind::Intent(_) | EnvEventKind::Offline(_) => {
                let mut deployment = event.what.intent()?.deployment.clone();
                settle(&mut deployment, &event);
                ends.retain(|end| {
                    // By number: what settles a deployment may know its environment by a later name.
                    let ours = end.id.seq == event.id.seq;
                    if ours {
                        settle(&mut deployment, end);
                    }
                    !ours
                });
                Some(Ok(deployment))
            }
            EnvEventKind::Outcome(_) | EnvEventKind::TakenOver { .. } | EnvEventKind::Resolved { .. } => {
                // Walking backwards, so that the latest word on a deployment is applied last.
                ends.insert(0, event);
                None
            }
            _ => None,
        },
    })
}

/// The deployments of several environments, whose chains end in these commits,
/// newest first: by when they were started, but within one environment always
/// as its chain has them.
pub fn all_deployments<'a>(
    reader: &'a Reader,
    tips: impl Iterator<Item = (&'a EnvName, Option<Oid>)>,
) -> impl Iterator<Item = Result<Deployment>> + 'a {
    let recent = |(name, tip): (&EnvName, _)| {
        let file = reader.env_file(name);
        deployments(recent_events::read::<EnvState>(&reader.repo, tip, &file))
    };
    by_time(tips.map(recent).collect())
}

fn by_time(
    chains: Vec<impl Iterator<Item = Result<Deployment>>>,
) -> impl Iterator<Item = Result<Deployment>> {
    let mut chains: Vec<Peekable<_>> = chains.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let mut newest: Option<(usize, Option<DateTime<Utc>>)> = None;
        for (index, chain) in chains.iter_mut().enumerate() {
            let head = match chain.peek() {
                None => continue,
                // A chain that cannot be read is told of at once.
                Some(Err(_)) => return chain.next(),
                Some(Ok(deployment)) => Some(deployment.started_at),
            };
            if newest.is_none_or(|(_, started)| head > started) {
                newest = Some((index, head));
            }
        }
        newest.and_then(|(index, _)| chains[index].next())
    })
}

/// One deployment, by its number, which one chain gives once, whatever its
/// environment was called then.
///
/// # Errors
/// git failed.
pub fn deployment(repo: &Repo, tip: Option<Oid>, id: &DeploymentId) -> Result<Option<Deployment>> {
    for deployment in deployments(ledger::events::<EnvState>(repo, tip)) {
        let deployment = deployment?;
        if deployment.seq == id.seq {
            return Ok(Some(deployment));
        }
        if deployment.seq < id.seq {
            break;
        }
    }
    Ok(None)
}

/// Commits of this project that `include` contains and none of `exclude`
/// does, newest first; none where one of them is not in this clone.
///
/// # Errors
/// git failed.
pub fn own_commits(
    reader: &Reader,
    scope: &Scope,
    exclude: &[Oid],
    include: Oid,
) -> Result<Option<Vec<Oid>>> {
    if !exclude.iter().chain([&include]).all(|oid| reader.repo.has_object(*oid)) {
        return Ok(None);
    }
    let mut own = Vec::new();
    for oid in history::range(&reader.repo, exclude, include)? {
        if scope.touched_by(reader, oid)? {
            own.push(oid);
        }
    }
    Ok(Some(own))
}

/// Who minted a candidate, and when, as the chain has it: for where its tag
/// cannot be trusted.
///
/// # Errors
/// git failed.
pub fn minted_by(
    reader: &Reader,
    snapshot: &Snapshot,
    minted: &Minted,
) -> Result<Option<(Actor, DateTime<Utc>)>> {
    for event in ledger::events::<CandidatesState>(&reader.repo, snapshot.candidates.tip) {
        let (_, event) = event?;
        if matches!(&event.what, CandidatesEventKind::Minted(other) if other.tag == minted.tag) {
            return Ok(Some((event.actor, event.at)));
        }
    }
    Ok(None)
}

fn settle(deployment: &mut Deployment, end: &EnvEvent) {
    match &end.what {
        EnvEventKind::Outcome(outcome) => {
            deployment.end(outcome, outcome.state == Progress::Succeeded || !outcome.started, end.at);
        }
        EnvEventKind::Offline(ran) => {
            deployment.end(&ran.outcome, ran.outcome.state == Progress::Succeeded && !ran.moved, end.at);
        }
        EnvEventKind::TakenOver { .. } => {
            deployment.state = Progress::Unknown;
            deployment.certain = false;
            deployment.finished_at = Some(end.at);
        }
        EnvEventKind::Resolved { state, .. } => {
            deployment.state = *state;
            deployment.certain = *state == Progress::Succeeded;
            deployment.finished_at.get_or_insert(end.at);
        }
        _ => {}
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::domain::env::{Action, Intent, Outcome};
    use crate::domain::ref_name::ChainRef;
    use crate::store::ledger::View;
    use crate::store::repo::fixture::Sandbox;

    fn event(id: &DeploymentId, second: i64, what: EnvEventKind) -> EnvEvent {
        EnvEvent {
            id: id.clone(),
            at: DateTime::from_timestamp(second, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: second.to_string(),
            what,
        }
    }

    /// A chain of deployments started at these seconds, each failed a second later.
    fn chain(repo: &Repo, name: &str, seconds: &[i64]) -> View<EnvState> {
        let failed: Vec<_> = seconds.iter().map(|second| (*second, 1, Progress::Failed)).collect();
        chain_of(repo, name, &failed)
    }

    /// A chain of deployments: when each was started, the number of its
    /// candidate, which is the byte of its commit too, and how it ended a
    /// second later.
    pub fn chain_of(repo: &Repo, name: &str, deployments: &[(i64, u8, Progress)]) -> View<EnvState> {
        let ref_name = ChainRef::of_environment(&"shop".parse().unwrap(), &name.parse().unwrap());
        let mut view = ledger::read::<EnvState>(repo, &ref_name, &[]).unwrap();
        for (index, &(second, number, state)) in deployments.iter().enumerate() {
            let seq = index as u64 + 1;
            let id = DeploymentId { environment: name.parse().unwrap(), seq };
            let tag = format!("v1.0.0-rc.{number}").parse().unwrap();
            let what = (tag, Oid::from_bytes([number; Oid::BYTES]));
            let ana = Actor::new("ana", "ana@example.com");
            let at = DateTime::from_timestamp(second, 0).unwrap();
            let deployment = Deployment {
                version: Some(format!("1.0.0-rc.{number}").try_into().unwrap()),
                ..Deployment::begin(id.clone(), Action::Deploy, what, ana, at)
            };
            let intent = Intent::of(deployment, 1);
            let exit_code = Some(if state == Progress::Succeeded { 0 } else { 3 });
            let outcome = Outcome { state, started: true, exit_code, text: None, phases: Vec::new() };
            let events = [
                event(&id, second, EnvEventKind::Intent(Box::new(intent))),
                event(&id, second + 1, EnvEventKind::Outcome(outcome)),
            ];
            view = view.append(repo, &events).unwrap().0;
        }
        view
    }

    #[test]
    fn several_environments_go_by_time_but_each_by_its_own_chain() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        // The second of eu was started by a clock that was behind.
        let (prod, eu) = (chain(&repo, "prod", &[10, 40]), chain(&repo, "eu", &[20, 5, 30]));
        let chains = [prod.tip, eu.tip].map(|tip| deployments(ledger::events::<EnvState>(&repo, tip)));
        let found: Vec<Deployment> = by_time(chains.into()).collect::<Result<_>>().unwrap();
        let ids: Vec<String> = found.iter().map(|deployment| deployment.id.to_string()).collect();
        assert_eq!(ids, ["prod#2", "eu#3", "prod#1", "eu#2", "eu#1"]);
        assert!(found.iter().all(|d| d.state == Progress::Failed && d.exit_code == Some(3)));
        assert_eq!(found[0].finished_at, DateTime::from_timestamp(41, 0));
        let one = deployment(&repo, eu.tip, &"eu#2".parse().unwrap()).unwrap().unwrap();
        assert_eq!(one.started_at.timestamp(), 5);
        assert_eq!(deployment(&repo, eu.tip, &"eu#9".parse().unwrap()).unwrap(), None);
    }
}
