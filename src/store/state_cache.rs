//! The state at a chain's tip, kept beside the clone: it is read back without
//! opening the tip's commit, which git packs as a difference from others.
//!
//! A commit never changes, so a state that was read of one stays true; which
//! commit a chain ends in is asked each time, and so is whether it is here and whole.

use std::path::Path;

use serde::Serialize;

use super::derived_file;
use super::ledger::{self, State, View};
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::domain::ref_name::ChainRef;
use crate::store::error::Result;

/// The part of a chain's [`derived_file`]: the tip, and the state there as JSON,
/// whose empty members are left out.
const FORMAT: &str = "state 2";

/// As [`ledger::read`], from the file as long as the chain has not moved.
///
/// # Errors
/// As [`ledger::read`].
pub(crate) fn read<S: State + Serialize>(
    repo: &Repo,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    file: &Path,
) -> Result<View<S>> {
    let held = repo.ref_target(ref_name)?;
    if let Some(tip) = held
        && let Some((of, json)) = derived_file::load::<(Oid, String)>(file, FORMAT)
        && of == tip
        && let Ok(state) = serde_json::from_str(&json)
        && repo.has_object(tip)
    {
        repo.check_loose(tip)?;
        return Ok(View { ref_name: ref_name.clone(), held, tip: held, state, newer: None });
    }
    let view = ledger::read::<S>(repo, ref_name, formerly)?;
    if let Some(tip) = view.held.filter(|_| view.newer.is_none()) {
        derived_file::store(file, FORMAT, &(tip, ledger::to_line(&view.state)));
    }
    Ok(view)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState};
    use crate::domain::name::Actor;
    use crate::store::repo::fixture::Sandbox;

    const NAME: &str = "refs/notes/rel/shop/candidates";

    fn blocked(nonce: &str) -> CandidatesEvent {
        CandidatesEvent {
            id: "v1".to_owned(),
            at: DateTime::from_timestamp(1, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: nonce.to_owned(),
            what: CandidatesEventKind::Blocked { target: nonce.to_owned(), reason: "why".to_owned() },
        }
    }

    #[test]
    fn what_is_kept_is_what_the_chain_says_and_only_of_its_tip() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let file = sandbox.path("kept");
        let read = || {
            read::<CandidatesState>(&repo, &ChainRef::of_candidates(&"shop".parse().unwrap()), &[], &file)
                .unwrap()
        };
        assert_eq!(read().state, CandidatesState::default());
        assert!(!file.exists(), "there is nothing to keep");
        for nonce in ["one", "two"] {
            let (_, update) = read().append(&repo, &[blocked(nonce)]).unwrap();
            repo.set_cache_ref(NAME, update.new).unwrap();
            let (first, again) = (read(), read());
            let plain = ledger::read::<CandidatesState>(
                &repo,
                &ChainRef::of_candidates(&"shop".parse().unwrap()),
                &[],
            )
            .unwrap();
            assert_eq!((&first.state, &again.state), (&plain.state, &plain.state));
            assert_eq!((again.held, again.tip), (plain.held, plain.tip));
        }
        assert_eq!(read().state.blocks.len(), 2);
        // Whatever is in the file, the chain is asked where it ends.
        std::fs::write(&file, "nonsense").unwrap();
        assert_eq!(read().state.blocks.len(), 2);
    }
}
