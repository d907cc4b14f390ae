//! The newest events of a chain, kept beside the clone: people look at few
//! events, and opening one means reading a state of many kilobytes for an event
//! of a few hundred bytes.
//!
//! A commit never changes, so an event that was read of one stays true; which
//! commits the chain ends in is asked of the chain itself each time.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::chain;
use super::derived_file;
use super::error::Result;
use super::ledger::{self, State};
use super::repo::Repo;
use crate::domain::name::Oid;

/// How many commits are kept: those of a screen, with room for those between.
const MAX_COMMITS: usize = 64;

/// The part of a chain's [`derived_file`].
const FORMAT: &str = "recent 2";

/// A commit of a chain.
#[derive(Serialize, Deserialize)]
struct Commit {
    oid: Oid,
    parent: Option<Oid>,
    /// Its event as JSON; `None` if this version cannot read one.
    event: Option<String>,
}

/// Returns the events of the chain that ends in `tip`, newest first, as
/// [`ledger::events`] does; the newest ones from the file.
pub(crate) fn read<'r, S: State + 'r>(
    repo: &'r Repo,
    tip: Option<Oid>,
    file: &Path,
) -> impl Iterator<Item = Result<(Oid, S::Event)>> + use<'r, S> {
    let newest = newest::<S>(repo, tip, file);
    let rest = newest.last().map_or(tip, |commit| commit.parent);
    let newest = newest.into_iter().filter_map(move |Commit { oid, event, .. }| {
        let event = serde_json::from_str(&event?).ok().map(|event| Ok((oid, event)));
        event.or_else(|| ledger::events::<S>(repo, Some(oid)).next())
    });
    newest.chain(ledger::events::<S>(repo, rest))
}

fn newest<S: State>(repo: &Repo, tip: Option<Oid>, file: &Path) -> Vec<Commit> {
    let mut known: Vec<Commit> = tip.and_then(|_| derived_file::load(file, FORMAT)).unwrap_or_default();
    let (mut newest, mut next) = (Vec::new(), tip);
    while let Some(oid) = next.filter(|_| newest.len() < MAX_COMMITS) {
        if let Some(at) = known.iter().position(|commit| commit.oid == oid) {
            known.drain(..at);
            if newest.is_empty() && at == 0 {
                return known;
            }
            newest.append(&mut known);
            break;
        }
        // One that cannot be read is told of by the walk that follows these.
        let Ok(entry) = chain::read(repo, oid) else { break };
        next = entry.parent;
        let event = ledger::event::<S>(&entry).as_ref().map(ledger::to_line);
        newest.push(Commit { oid, parent: next, event });
    }
    newest.truncate(MAX_COMMITS);
    derived_file::store(file, FORMAT, &newest);
    newest
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState};
    use crate::domain::name::Actor;
    use crate::domain::ref_name::ChainRef;
    use crate::store::ledger::View;
    use crate::store::repo::fixture::Sandbox;

    fn blocked(nonce: usize) -> CandidatesEvent {
        CandidatesEvent {
            id: "v1".to_owned(),
            at: DateTime::from_timestamp(1, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: nonce.to_string(),
            what: CandidatesEventKind::Blocked { target: "v1".to_owned(), reason: "why".to_owned() },
        }
    }

    /// The nonces of a chain's events, and how many of those are in the file.
    fn newest(sandbox: &Sandbox, repo: &Repo, tip: Option<Oid>) -> (Vec<String>, usize) {
        let file = sandbox.path("index/recent");
        let events = read::<CandidatesState>(repo, tip, &file).map(|event| event.unwrap().1.nonce).collect();
        // A repository that has none of the commits.
        let other = Sandbox::new();
        let kept = read::<CandidatesState>(&other.open("work"), tip, &file).take_while(Result::is_ok).count();
        (events, kept)
    }

    #[test]
    fn the_newest_events_are_read_without_opening_their_commits() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let empty: View<CandidatesState> =
            ledger::read(&repo, &ChainRef::of_candidates(&"shop".parse().unwrap()), &[]).unwrap();
        assert_eq!(newest(&sandbox, &repo, None), (vec![], 0));
        let few = empty.append(&repo, &[3, 2, 1].map(|nonce| blocked(1000 - nonce))).unwrap().0;
        assert_eq!(newest(&sandbox, &repo, few.tip), (["999", "998", "997"].map(str::to_owned).to_vec(), 3));
        let events: Vec<CandidatesEvent> = (0..MAX_COMMITS + 10).map(blocked).collect();
        let view = empty.append(&repo, &events).unwrap().0;
        let all: Vec<String> = (0..MAX_COMMITS + 10).rev().map(|nonce| nonce.to_string()).collect();
        for _ in 0..2 {
            assert_eq!(newest(&sandbox, &repo, view.tip), (all.clone(), MAX_COMMITS));
        }
        let later = view.append(&repo, &[blocked(900), blocked(901)]).unwrap().0;
        let (found, kept) = newest(&sandbox, &repo, later.tip);
        assert_eq!(found[..3], ["901".to_owned(), "900".to_owned(), all[0].clone()]);
        assert_eq!((found.len(), kept), (all.len() + 2, MAX_COMMITS), "those below were kept as well");
        assert_eq!(newest(&sandbox, &repo, view.tip).0, all, "an earlier tip of the same chain");
        let other = empty.append(&repo, &[blocked(7)]).unwrap().0;
        assert_eq!(newest(&sandbox, &repo, other.tip), (vec!["7".to_owned()], 1), "another history");
    }
}
