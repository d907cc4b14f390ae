//! The newest events of a chain, kept beside the clone: what people look at
//! most is little, and opening it means reading a state of many kilobytes for
//! each event of a few hundred bytes.
//!
//! A commit never changes, so what one held stays true; which commits the chain
//! ends in is asked of the chain itself each time.

use std::marker::PhantomData;
use std::path::PathBuf;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::chain;
use super::index;
use super::ledger::{self, State};
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::failure::Result;

/// How many are kept: what a screen shows, with room for what comes between.
const MOST: usize = 64;

/// What is kept, for [`index::load`].
const OF: &str = "recent 1";

/// A commit of a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    oid: Oid,
    parent: Option<Oid>,
    /// Its event as JSON; none where this version cannot read one.
    event: Option<String>,
}

/// The events of a chain, newest first, as [`ledger::events`] gives them. What
/// was met for the first time among the newest is kept when this is dropped.
pub struct Recent<'r, S: State> {
    repo: &'r Repo,
    file: PathBuf,
    known: FxHashMap<Oid, Kept>,
    /// From the tip, those that were gone by so far.
    met: Vec<Kept>,
    is_news: bool,
    next: Option<Oid>,
    state: PhantomData<S>,
}

impl<'r, S: State> Recent<'r, S> {
    /// Those of the chain that ends in `tip`, with what is kept in the file.
    pub fn of(repo: &'r Repo, tip: Option<Oid>, file: PathBuf) -> Recent<'r, S> {
        let kept: Vec<Kept> = tip.and_then(|_| index::load(&file, OF)).unwrap_or_default();
        let known = kept.into_iter().map(|kept| (kept.oid, kept)).collect();
        Recent { repo, file, known, met: Vec::new(), is_news: false, next: tip, state: PhantomData }
    }

    /// The event of a commit, none where there is none, and the commit before it.
    fn read(&mut self, oid: Oid) -> Result<(Option<S::Event>, Option<Oid>)> {
        if let Some(kept) = self.known.remove(&oid) {
            let event = kept.event.as_deref().map(serde_json::from_str).transpose();
            if let Ok(event) = event {
                let parent = kept.parent;
                self.meet(kept);
                return Ok((event, parent));
            }
        }
        let entry = chain::read(self.repo, oid)?;
        let event = ledger::event::<S>(&entry);
        if self.met.len() < MOST {
            self.is_news = true;
            self.meet(Kept { oid, parent: entry.parent, event: event.as_ref().map(ledger::to_line) });
        }
        Ok((event, entry.parent))
    }

    fn meet(&mut self, kept: Kept) {
        if self.met.len() < MOST {
            self.met.push(kept);
        }
    }
}

impl<S: State> Iterator for Recent<'_, S> {
    type Item = Result<(Oid, S::Event)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let oid = self.next.take()?;
            match self.read(oid) {
                Err(failure) => return Some(Err(failure)),
                Ok((event, parent)) => {
                    self.next = parent;
                    if let Some(event) = event {
                        return Some(Ok((oid, event)));
                    }
                }
            }
        }
    }
}

impl<S: State> Drop for Recent<'_, S> {
    fn drop(&mut self) {
        if !self.is_news {
            return;
        }
        // Those that follow are still as true as they were.
        while self.met.len() < MOST {
            let parent = self.met.last().and_then(|last| last.parent);
            let Some(kept) = parent.and_then(|parent| self.known.remove(&parent)) else { break };
            self.met.push(kept);
        }
        index::store(&self.file, OF, &self.met);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::candidates::{CandidatesState, Event, What};
    use crate::domain::name::Actor;
    use crate::store::ledger::View;
    use crate::store::repo::fixture::Sandbox;

    fn blocked(nonce: usize) -> Event {
        Event {
            id: "v1".to_owned(),
            at: DateTime::from_timestamp(1, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: nonce.to_string(),
            what: What::Blocked { target: "v1".to_owned(), reason: "why".to_owned() },
        }
    }

    /// The first `number` nonces, and how many of their commits were opened.
    fn newest(sandbox: &Sandbox, repo: &Repo, tip: Option<Oid>, number: usize) -> (Vec<String>, usize) {
        let mut recent = Recent::<CandidatesState>::of(repo, tip, sandbox.path("index/recent"));
        let before = recent.known.len();
        let found = recent.by_ref().take(number).map(|event| event.unwrap().1.nonce).collect::<Vec<_>>();
        let opened = found.len() - (before - recent.known.len());
        (found, opened)
    }

    #[test]
    fn each_of_the_newest_is_opened_once() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let empty: View<CandidatesState> =
            ledger::read(&repo, "refs/notes/rel/shop/candidates", &[]).unwrap();
        let events: Vec<Event> = (0..MOST + 10).map(blocked).collect();
        let view = empty.append(&repo, &events).unwrap().0;
        let all: Vec<String> = (0..MOST + 10).rev().map(|nonce| nonce.to_string()).collect();
        assert_eq!(newest(&sandbox, &repo, None, 3), (vec![], 0));
        assert_eq!(newest(&sandbox, &repo, view.tip, 3), (all[..3].to_vec(), 3));
        assert_eq!(newest(&sandbox, &repo, view.tip, 5), (all[..5].to_vec(), 2), "three are known");
        assert_eq!(newest(&sandbox, &repo, view.tip, 999), (all.clone(), MOST + 5), "to the end");
        assert_eq!(newest(&sandbox, &repo, view.tip, 999), (all.clone(), 10), "so many are not kept");
        let later = view.append(&repo, &[blocked(900), blocked(901)]).unwrap().0;
        let found = newest(&sandbox, &repo, later.tip, 3);
        assert_eq!(found, (vec!["901".to_owned(), "900".to_owned(), all[0].clone()], 2));
        assert_eq!(newest(&sandbox, &repo, later.tip, MOST).1, 0, "those below were kept as well");
        // Another history has other commits.
        let other = empty.append(&repo, &[blocked(7)]).unwrap().0;
        assert_eq!(newest(&sandbox, &repo, other.tip, 3), (vec!["7".to_owned()], 1));
        let same = ledger::events::<CandidatesState>(&repo, later.tip).map(|event| event.unwrap());
        let kept = Recent::<CandidatesState>::of(&repo, later.tip, sandbox.path("index/recent"));
        assert!(kept.map(|event| event.unwrap()).eq(same));
    }
}
