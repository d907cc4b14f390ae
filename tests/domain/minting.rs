//! The fold of the candidates' chain: numbers, versions, releases, blocks.

use proptest::prelude::*;

use super::{Impossible, oid, person};
use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState, Minted};
use crate::domain::name::TagName;
use crate::domain::version::CandidateVersion;

fn version(text: &str) -> CandidateVersion {
    text.parse().unwrap()
}

fn tag(text: &str) -> TagName {
    format!("v{text}").parse().unwrap()
}

fn minted(text: &str, commit: u8, position: u64) -> CandidatesEventKind {
    CandidatesEventKind::Minted(Minted {
        tag: tag(text),
        tag_object: oid(200),
        version: version(text),
        commit: oid(commit),
        trunk_commit: oid(commit),
        position,
        parent: None,
    })
}

fn reserved(text: &str, commit: u8) -> CandidatesEventKind {
    CandidatesEventKind::Reserved { version: version(text), commit: oid(commit), trunk: None }
}

fn abandoned(text: &str, commit: u8) -> CandidatesEventKind {
    CandidatesEventKind::Abandoned {
        version: version(text),
        commit: oid(commit),
        reason: "the build failed".into(),
        failed: true,
    }
}

fn blocked(target: &str) -> CandidatesEventKind {
    CandidatesEventKind::Blocked { target: target.into(), reason: "leaks".into() }
}

fn unblocked(target: &str) -> CandidatesEventKind {
    CandidatesEventKind::Unblocked { target: target.into(), reason: "mended".into() }
}

fn closed(release: &str, commit: u8) -> CandidatesEventKind {
    CandidatesEventKind::Closed {
        release: release.parse().unwrap(),
        tag: tag(release),
        candidate: tag(&format!("{release}-rc.1")),
        commit: oid(commit),
        tag_object: None,
    }
}

fn event(what: CandidatesEventKind) -> CandidatesEvent {
    CandidatesEvent { id: "x".into(), at: super::minute(0), actor: person("kim"), nonce: "n".into(), what }
}

fn fold(events: impl IntoIterator<Item = CandidatesEventKind>) -> Result<CandidatesState, Impossible> {
    events.into_iter().try_fold(CandidatesState::default(), |state, what| state.apply(&event(what)))
}

/// Reserved and minted.
fn made(text: &str, commit: u8, position: u64) -> [CandidatesEventKind; 2] {
    [reserved(text, commit), minted(text, commit, position)]
}

#[test]
fn numbers_are_never_reused() {
    let state = fold([reserved("1.0.0-rc.1", 1), abandoned("1.0.0-rc.1", 1)]).unwrap();
    let release = "1.0.0".parse().unwrap();
    assert_eq!(state.next_number(&release), 2, "an abandoned number is spent");
    assert!(state.apply(&event(reserved("1.0.0-rc.1", 1))).is_err());
    let state = state.apply(&event(reserved("1.0.0-rc.5", 1))).unwrap();
    assert_eq!(state.next_number(&release), 6, "foreign tags leave gaps");
    assert!(state.apply(&event(reserved("1.0.0-rc.4", 1))).is_err(), "which are not filled");
    assert!(state.apply(&event(reserved("1.0.0-rc.5", 1))).is_err());
    assert_eq!(state.next_number(&"2.0.0".parse().unwrap()), 1);
    // The last number there is.
    let last = format!("1.0.0-rc.{}", u32::MAX);
    let state = state.apply(&event(reserved(&last, 1))).unwrap();
    assert_eq!(state.next_number(&release), u32::MAX);
    assert!(state.apply(&event(reserved(&last, 1))).is_err(), "nor is that one");
}

#[test]
fn a_version_is_taken_by_a_candidate_or_by_anothers_reservation() {
    let release = "1.0.0".parse().unwrap();
    let state = fold([reserved("1.0.0-rc.1", 1)]).unwrap();
    assert!(state.taken(&release, oid(2)), "reserved for another commit");
    assert!(!state.taken(&release, oid(1)), "but two cuts of one commit may both build");
    let state = fold([reserved("1.0.0-rc.1", 1), abandoned("1.0.0-rc.1", 1)]).unwrap();
    assert!(!state.taken(&release, oid(2)), "an abandoned reservation frees the version");
    let state = fold(made("1.0.0-rc.1", 1, 10)).unwrap();
    assert!(state.taken(&release, oid(1)) && state.taken(&release, oid(2)));
    assert!(!state.taken(&"1.0.1".parse().unwrap(), oid(1)));
}

#[test]
fn the_first_to_mint_wins_and_the_other_is_abandoned() {
    let both = [
        reserved("1.0.0-rc.1", 1),
        reserved("1.0.0-rc.2", 1),
        minted("1.0.0-rc.2", 1, 10),
        abandoned("1.0.0-rc.1", 1),
    ];
    let state = fold(both).unwrap();
    assert!(state.reservations.is_empty());
    assert_eq!(
        state.release_state(&"1.0.0".parse().unwrap()).map(|line| (line.highest, line.minted)),
        Some((2, true))
    );
}

#[test]
fn what_is_minted_was_reserved_for_that_commit() {
    assert!(fold([minted("1.0.0-rc.1", 1, 10)]).is_err());
    assert!(fold([reserved("1.0.0-rc.1", 1), minted("1.0.0-rc.1", 2, 10)]).is_err());
    assert!(fold([reserved("1.0.0-rc.1", 1), minted("1.0.0-rc.2", 1, 10)]).is_err());
    let mut twice = made("1.0.0-rc.1", 1, 10).to_vec();
    twice.push(minted("1.0.0-rc.1", 1, 10));
    assert!(fold(twice).is_err());
    assert!(fold([abandoned("1.0.0-rc.1", 1)]).is_err());
    assert!(fold([reserved("1.0.0-rc.1", 1), abandoned("1.0.0-rc.1", 2)]).is_err());
    let mut after = made("1.0.0-rc.1", 1, 10).to_vec();
    after.push(abandoned("1.0.0-rc.1", 1));
    assert!(fold(after).is_err(), "a candidate is not abandoned");
}

#[test]
fn newest_is_trunk_first_and_then_version() {
    let newest = |events: Vec<CandidatesEventKind>| {
        fold(events).unwrap().newest().map(|line| line.release.to_string())
    };
    assert_eq!(newest(vec![]), None);
    assert_eq!(newest(vec![reserved("1.0.0-rc.1", 1)]), None, "a reservation is no candidate");
    let all = |list: &[(&str, u64)]| {
        list.iter().flat_map(|(text, position)| made(text, 1, *position)).collect::<Vec<_>>()
    };
    assert_eq!(newest(all(&[("1.0.0-rc.1", 10), ("1.1.0-rc.1", 20)])).as_deref(), Some("1.1.0"));
    assert_eq!(
        newest(all(&[("1.0.0-rc.1", 20), ("1.1.0-rc.1", 10)])).as_deref(),
        Some("1.0.0"),
        "a cut of an older commit takes the next version all the same, and is not newer"
    );
    assert_eq!(
        newest(all(&[("1.10.0-rc.1", 20), ("1.9.0-rc.1", 20)])).as_deref(),
        Some("1.10.0"),
        "by number, not by letter"
    );
    assert_eq!(newest(all(&[("1.0.0-rc.1", 20), ("1.0.1-rc.1", 20)])).as_deref(), Some("1.0.1"));
}

#[test]
fn a_release_never_moves_back_on_trunk() {
    let line = |list: &[(&str, u8, u64)]| {
        let events = list.iter().flat_map(|(text, commit, position)| made(text, *commit, *position));
        let line = fold(events).unwrap().release_state(&"1.0.0".parse().unwrap()).cloned().unwrap();
        (line.position, line.trunk_commit)
    };
    assert_eq!(line(&[("1.0.0-rc.1", 1, 10), ("1.0.0-rc.2", 2, 20)]), (20, Some(oid(2))));
    assert_eq!(line(&[("1.0.0-rc.1", 1, 10), ("1.0.0-rc.2", 2, 5)]), (10, Some(oid(1))));
}

#[test]
fn a_block_is_of_a_candidate_or_of_its_release() {
    let blocks = |state: &CandidatesState, text: &str| {
        state.block(&tag(text), &version(text).release).map(|block| block.reason.clone())
    };
    let state = fold([blocked("v1.0.0-rc.1"), blocked("1.1.0")]).unwrap();
    assert_eq!(blocks(&state, "1.0.0-rc.1").as_deref(), Some("leaks"));
    assert_eq!(blocks(&state, "1.0.0-rc.2"), None);
    assert_eq!(blocks(&state, "1.1.0-rc.7").as_deref(), Some("leaks"));
    assert_eq!(blocks(&state, "1.1.1-rc.1"), None);
    let state = state.apply(&event(unblocked("1.1.0"))).unwrap();
    assert_eq!(blocks(&state, "1.1.0-rc.7"), None);
    assert!(state.apply(&event(unblocked("1.1.0"))).is_err(), "it is not blocked");
    let state = state.apply(&event(blocked("v1.0.0-rc.1"))).unwrap();
    assert_eq!(state.blocks.len(), 1, "blocked again is blocked once, for the newer reason");
}

#[test]
fn a_release_is_closed_once_by_a_candidate_of_it() {
    assert!(fold([closed("1.0.0", 1)]).is_err());
    assert!(fold([reserved("1.0.0-rc.1", 1), closed("1.0.0", 1)]).is_err());
    let mut events = made("1.0.0-rc.1", 1, 10).to_vec();
    events.push(closed("1.0.0", 1));
    let state = fold(events.clone()).unwrap();
    assert!(state.release_state(&"1.0.0".parse().unwrap()).unwrap().closed);
    events.push(closed("1.0.0", 1));
    assert!(fold(events).is_err());
}

proptest! {
    /// Whatever is tried, no number is given twice, no event passes without a
    /// trace, and none passes twice but a new word on a block.
    #[test]
    fn every_event_counts_and_counts_once(
        tries in proptest::collection::vec((0..7u8, 1..3u8, 1..4u32, 1..3u8, 1..30u64), 0..40)
    ) {
        let mut state = CandidatesState::default();
        let mut numbers = std::collections::BTreeSet::new();
        for (kind, minor, number, commit, position) in tries {
            let text = format!("1.{minor}.0-rc.{number}");
            let release = format!("1.{minor}.0");
            let event = event(match kind {
                0 | 1 => reserved(&text, commit),
                2 => minted(&text, commit, position),
                3 => abandoned(&text, commit),
                4 => blocked(&release),
                5 => unblocked(&release),
                _ => closed(&release, commit),
            });
            let Ok(next) = state.apply(&event) else { continue };
            prop_assert_eq!(next.count, state.count + 1);
            if kind < 2 {
                prop_assert!(numbers.insert(text));
            }
            prop_assert!(kind == 4 || next.apply(&event).is_err());
            for line in &state.releases {
                let now = next.release_state(&line.release).unwrap();
                prop_assert!(now.position >= line.position && now.highest >= line.highest);
            }
            state = next;
        }
        let stored = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<CandidatesState>(&stored).unwrap(), state);
    }
}
