//! What must be true of a history whoever wrote it, told from the records
//! alone: none of `rel`'s own code judges it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The number in `staging#3`.
fn number(event: &Value) -> u64 {
    let id = event["id"].as_str().expect("an id");
    id.rsplit('#').next().expect("a number").parse().expect("a number")
}

fn kind(event: &Value) -> &str {
    event["kind"].as_str().expect("a kind")
}

/// No event stands there twice.
fn each_once(records: &[Value]) {
    let mut nonces = BTreeSet::new();
    for record in records {
        assert!(nonces.insert(record["event"]["nonce"].to_string()), "doubled: {}", record["event"]);
    }
}

/// A deployment as its environment's chain tells of it.
#[derive(Debug, Default)]
pub struct Told {
    /// The kinds of events that closed it, in order.
    pub closed_by: Vec<String>,
    /// Every state it was said to have, in order.
    pub states: Vec<String>,
}

/// Goes through an environment's records, oldest first; its deployments by id.
pub fn environment(records: &[Value]) -> BTreeMap<String, Told> {
    each_once(records);
    let mut deployments: BTreeMap<String, Told> = BTreeMap::new();
    let (mut count, mut open) = (0, None::<String>);
    for record in records {
        let event = &record["event"];
        let (id, seq) = (event["id"].as_str().unwrap().to_owned(), number(event));
        let takes_a_number = match kind(event) {
            "intent" => {
                assert_eq!(open, None, "two at once: {event}");
                open = Some(id.clone());
                assert!(deployments.insert(id.clone(), Told::default()).is_none(), "{id} twice");
                true
            }
            how @ "offline" => {
                let state =
                    event["outcome"]["state"].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
                let told = Told { closed_by: vec![how.to_owned()], states: vec![state] };
                assert!(deployments.insert(id.clone(), told).is_none(), "{id} twice");
                true
            }
            how @ ("outcome" | "taken_over" | "late" | "resolved") => {
                let told = deployments.get_mut(&id).unwrap_or_else(|| panic!("never begun: {event}"));
                let is_open = open.as_ref() == Some(&id);
                assert!(is_open || matches!(how, "late" | "resolved"), "closed twice: {event}");
                assert!(!(is_open && how == "late"), "it was open: {event}");
                told.closed_by.push(how.to_owned());
                told.states.extend(event["state"].as_str().map(str::to_owned));
                open = open.filter(|_| !is_open);
                false
            }
            _ => true,
        };
        count += u64::from(takes_a_number);
        if takes_a_number {
            assert_eq!(seq, count, "the numbers have a gap: {event}");
        }
        let state = &record["state"];
        assert_eq!(state["count"], count, "the snapshot after {event}");
        let in_flight = state["in_flight"]["deployment"]["id"].as_str();
        assert_eq!(in_flight, open.as_deref(), "the snapshot after {event}");
    }
    deployments
}

/// Goes through the records of candidates, oldest first; the tag objects of
/// those that were minted, by tag.
pub fn candidates(records: &[Value]) -> BTreeMap<String, String> {
    each_once(records);
    let (mut reserved, mut open) = (BTreeSet::new(), BTreeSet::new());
    let mut minted = BTreeMap::new();
    let mut highest: BTreeMap<String, u64> = BTreeMap::new();
    for record in records {
        let event = &record["event"];
        let version = event["version"].as_str().unwrap_or_default().to_owned();
        match kind(event) {
            "reserved" => {
                assert!(reserved.insert(version.clone()), "reserved twice: {event}");
                open.insert(version.clone());
                let (release, number) = version.rsplit_once('.').expect("a number");
                let before = highest.insert(release.to_owned(), number.parse().unwrap());
                assert_eq!(before.unwrap_or(0) + 1, highest[release], "the numbers have a gap: {event}");
            }
            "minted" => {
                assert!(open.remove(&version), "not reserved, or settled: {event}");
                let tag = event["tag"].as_str().unwrap().to_owned();
                let object = event["tag_object"].as_str().unwrap().to_owned();
                assert!(minted.insert(tag, object).is_none(), "minted twice: {event}");
            }
            "abandoned" => assert!(open.remove(&version), "not reserved, or settled: {event}"),
            _ => {}
        }
        let state = record["state"]["reservations"].as_array().map_or(0, Vec::len);
        assert_eq!(state, open.len(), "the snapshot after {event}");
    }
    minted
}
