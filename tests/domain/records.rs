//! Records as chains hold them: every event survives JSON, and what the first
//! version wrote is still read, folded and built upon.

use serde_json::Value;

use super::*;
use crate::domain::candidates::CandidatesEventKind as CandidatesWhat;

const ENVIRONMENT: &str = include_str!("../../fixtures/records/v1/environment.jsonl");
const CANDIDATES: &str = include_str!("../../fixtures/records/v1/candidates.jsonl");

/// An environment's history in which every kind of event happens.
fn full() -> World {
    let mut world = World::after("+a +b");
    world.approve('c', "ana").unwrap();
    world.approve('c', "bob").unwrap();
    world.withdraw('c', "bob").unwrap();
    world.steps("-c <+ +d <? unlock lock unlock oe ?e <x");
    let seq = world.state.unresolved.first().unwrap().seq;
    world.resolve(seq, Progress::Failed).unwrap();
    let seq = world.state.unheard.last().copied().unwrap();
    world.late(seq, Progress::Succeeded).unwrap();
    let before = world.state.clone();
    world.apply(world.next(), EnvEventKind::Abandoned { reason: "its run died".into() }).unwrap();
    world.apply(world.next(), EnvEventKind::Repaired { reason: "its notes were edited".into() }).unwrap();
    assert_eq!(world.state, EnvState { count: before.count + 2, ..before }, "nothing happened");
    world.offline('c', Action::Deploy, Progress::Succeeded, true).unwrap();
    world
}

fn reads_back<E>(event: &E)
where
    E: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let line = serde_json::to_string(event).unwrap();
    assert!(line.starts_with(r#"{"id":""#), "{line}");
    assert!(!line.contains('\n'));
    assert_eq!(&serde_json::from_str::<E>(&line).unwrap(), event);
}

#[test]
fn every_event_of_an_environment_survives() {
    let world = full();
    let mut kinds = std::collections::BTreeSet::new();
    for event in &world.events {
        reads_back(event);
        kinds.insert(serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned());
        assert!(event.subject().starts_with(&event.id.to_string()), "{}", event.subject());
        assert!(!event.subject().contains('\n'));
    }
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "abandoned",
            "approve",
            "hold",
            "intent",
            "late",
            "offline",
            "outcome",
            "repaired",
            "resolved",
            "taken_over",
            "unhold",
            "withdraw"
        ]
    );
}

#[test]
fn a_baseline_survives_without_a_version() {
    let mut world = World::after("+a");
    world.baseline("v1.4", Progress::Succeeded);
    world.events.iter().for_each(reads_back);
    let text = serde_json::to_string(&world.state).unwrap();
    assert_eq!(serde_json::from_str::<EnvState>(&text).unwrap(), world.state);
    let live = serde_json::to_value(world.state.current().unwrap()).unwrap();
    assert_eq!((live.get("version"), &live["foreign_version"]), (None, &"1.4".into()));
    // A candidate is written as it always was.
    let intent = serde_json::to_value(&world.events[0]).unwrap();
    assert!(intent["deployment"].get("foreign_version").is_none(), "{intent}");
}

#[test]
fn a_commit_may_stand_in_the_place_of_a_tag() {
    let commit = TagName::of_commit(oid(7));
    assert_eq!((commit.as_commit(), commit.label()), (Some(oid(7)), "0707070"));
    assert_eq!((tag('a').as_commit(), tag('a').label()), (None, "v1.1.0-rc.1"));
}

#[test]
fn every_event_of_candidates_survives() {
    let version = candidate('a').version;
    let (commit, reason) = (oid(1), "it is so".to_owned());
    let whats = [
        CandidatesWhat::Reserved { version: version.clone(), commit, trunk: None },
        CandidatesWhat::Minted(Minted { parent: Some(tag('b')), ..candidate('a') }),
        CandidatesWhat::Minted(candidate('a')),
        CandidatesWhat::Abandoned { version: version.clone(), commit, reason: reason.clone(), failed: false },
        CandidatesWhat::Blocked { target: "1.1.0".into(), reason: reason.clone() },
        CandidatesWhat::Unblocked { target: "1.1.0".into(), reason: reason.clone() },
        CandidatesWhat::Waived { commit, trunk_commit: None, reason: reason.clone() },
        CandidatesWhat::Waived { commit, trunk_commit: Some(oid(2)), reason },
        CandidatesWhat::Closed {
            release: version.release,
            tag: "v1.1.0".parse().unwrap(),
            candidate: tag('a'),
            commit,
            tag_object: Some(commit),
        },
        CandidatesWhat::Repaired { reason: "its notes were edited".into() },
    ];
    for what in whats {
        let event = candidates::CandidatesEvent {
            id: "v1.1.0-rc.1".into(),
            at: minute(0),
            actor: Actor::new("Ana Ünal", "ana@example.com"),
            nonce: "n".into(),
            what,
        };
        reads_back(&event);
        assert!(!event.subject().is_empty());
    }
}

/// Whether `whole` says everything `part` does; a later version may say more.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

/// Folds a stored chain and compares each state it stored on the way.
fn refold<E, S>(records: &str, apply: impl Fn(&S, &E) -> Result<S, Impossible>) -> S
where
    E: serde::Serialize + serde::de::DeserializeOwned,
    S: Default + serde::Serialize + serde::de::DeserializeOwned,
{
    let mut folded = S::default();
    let mut stored = S::default();
    for (index, line) in records.lines().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        let at = format!("line {}", index + 1);
        assert_eq!(record["v"], 1, "{at}");
        let event: E = serde_json::from_value(record["event"].clone()).expect(&at);
        assert!(
            contains(&serde_json::to_value(&event).unwrap(), &record["event"]),
            "{at}: the event is read whole"
        );
        folded = apply(&folded, &event).expect(&at);
        let now = serde_json::to_value(&folded).unwrap();
        assert!(contains(&now, &record["state"]), "{at}:\n{now}\n{}", record["state"]);
        // Only the state before it is at hand when an event is appended.
        let next = serde_json::to_value(apply(&stored, &event).expect(&at)).unwrap();
        assert!(contains(&next, &record["state"]), "{at}, from what was stored before it");
        stored = serde_json::from_value(record["state"].clone()).expect(&at);
    }
    folded
}

#[test]
fn what_version_1_wrote_of_an_environment_is_still_read() {
    let state = refold::<EnvEvent, EnvState>(ENVIRONMENT, EnvState::apply);
    assert_eq!(state.count, 17);
    assert_eq!(state.current().map(|live| live.tag.as_str()), Some("v1.6.0-rc.2"));
    assert!(state.certain && state.in_flight.is_none());
    assert_eq!(state.unresolved.iter().map(|open| open.seq).collect::<Vec<_>>(), [11]);
    assert_eq!(state.hold.map(|hold| hold.token), Some(17));
}

#[test]
fn what_version_1_wrote_of_candidates_is_still_read() {
    let state = refold::<candidates::CandidatesEvent, CandidatesState>(CANDIDATES, CandidatesState::apply);
    assert_eq!(state.newest().map(|line| line.release.to_string()).as_deref(), Some("1.6.0"));
    assert_eq!(state.reservations.len(), 1);
}
