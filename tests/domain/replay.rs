//! A chain folded again: what deviates is told once, where it begins.

use super::*;
use crate::domain::replay::{Recorded, Replay, ReplayStep};

/// Folds these steps again, with each snapshot as `forge` makes it.
fn refold(world: &World, forge: impl Fn(usize, EnvState) -> EnvState) -> (Replay<EnvState>, Vec<ReplayStep>) {
    let mut refold = Replay::default();
    // As `rel` does: each snapshot is made from the one before it.
    let mut last = EnvState::default();
    let mut told = Vec::new();
    for (index, event) in world.events.iter().enumerate() {
        last = forge(index, last.apply(event).unwrap_or(last));
        let found = last.clone();
        told.push(refold.step(event, |_| Recorded::State(found)));
    }
    (refold, told)
}

fn repair(world: &mut World) {
    world.apply(world.next(), EnvEventKind::Repaired { reason: "its snapshot was wrong".into() }).unwrap();
}

#[test]
fn what_rel_wrote_is_right() {
    let world = World::after("+a +b <+ unlock ?c -d lock");
    let (refold, told) = refold(&world, |_, state| state);
    assert!(told.iter().all(|step| *step == ReplayStep::Right), "{told:?}");
    assert_eq!(*refold.state(), world.state);
    assert!(refold.is_certain());
}

#[test]
fn a_forged_snapshot_is_told_once_and_what_follows_from_it_is_not() {
    let world = World::after("+a +b");
    let (refold, told) = refold(&world, |index, mut state| {
        if index == 1 {
            state.certain = false;
        }
        state
    });
    let ReplayStep::Differs(differences) = &told[1] else { panic!("{told:?}") };
    let [one] = differences.as_slice() else { panic!("{differences:?}") };
    assert_eq!(
        (one.member.as_str(), one.expected.as_str(), one.found.as_str()),
        ("certain", "true", "false")
    );
    assert_eq!(told.iter().filter(|step| **step != ReplayStep::Right).count(), 1, "{told:?}");
    assert_eq!(*refold.state(), world.state, "the events hold the truth");
}

#[test]
fn a_repair_that_states_the_truth_settles_and_one_that_does_not_is_told() {
    let mut world = World::after("+a");
    repair(&mut world);
    let forge = |mend: bool| {
        let truth = world.state.clone();
        move |index, mut state: EnvState| {
            if index == 1 {
                state.stack.clear();
            }
            if index == 2 && mend { truth.clone() } else { state }
        }
    };
    let (_, told) = refold(&world, forge(true));
    assert!(matches!(told[1], ReplayStep::Differs(_)), "{told:?}");
    assert_eq!(told[2], ReplayStep::Settles);
    let (_, told) = refold(&world, forge(false));
    assert_eq!(told[2], ReplayStep::Right, "it follows from the wrong one, and settles nothing");
}

#[test]
fn an_event_that_cannot_follow_is_told_and_nothing_is_certain_after_it() {
    let mut world = World::after("+a");
    let twice = world.events[0].clone();
    world.events.push(twice);
    let (refold, told) = refold(&world, |_, state| state);
    assert_eq!(told[2], ReplayStep::Impossible("prod#1 does not follow number 1".to_owned()));
    assert!(!refold.is_certain());
    let mut gap = World::after("+a");
    gap.state.count += 1;
    gap.hold("later").unwrap();
    let (_, told) = super::replay::refold(&gap, |_, state| state);
    assert_eq!(told[2], ReplayStep::Impossible("prod#3 does not follow number 1".to_owned()));
}

#[test]
fn long_values_are_shortened() {
    let world = World::after("+a");
    let (_, told) = refold(&world, |index, mut state| {
        if index == 1 {
            state.stack.clear();
        }
        state
    });
    let ReplayStep::Differs(differences) = &told[1] else { panic!("{told:?}") };
    assert!(differences.iter().all(|one| one.expected.chars().count() <= 61), "{differences:?}");
    assert_eq!(differences[0].found, "[]");
}
