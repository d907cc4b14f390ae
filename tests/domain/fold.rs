//! From events to state: the stack, certainty, standing, holds, numbers.

use proptest::prelude::*;

use super::*;

#[test]
fn what_was_live_is_a_stack() {
    let table = [
        // A deployment of another candidate pushes.
        ("+a +b +c", "abc"),
        ("+a +b +a", "aba"),
        // A redeployment changes nothing.
        ("+a +b +b", "ab"),
        // Nor does a rollback to the top.
        ("+a +b -c <+", "ab"),
        ("+a +b oc <+", "ab"),
        // A rollback to an entry pops down to it.
        ("+a +b +c <+", "ab"),
        ("+a +b +c <+a", "a"),
        ("+a +b +a <+", "ab"),
        ("+a +b +a +c <+b", "ab"),
        // `--to` something never live here pushes.
        ("+a <+d", "ad"),
        ("+a +b <+d", "abd"),
        // What did not succeed changes nothing but certainty.
        ("+a -b", "a?"),
        ("+a xb", "a?"),
        ("+a ?b", "a?"),
        ("+a ob", "a"),
        ("+a -a", "a?"),
        ("-a", ""),
        ("+a +b <-", "ab?"),
        ("+a +b <o", "ab"),
        // While in flight it stays as it was.
        ("+a >b", "a"),
        ("+a -b >c", "a?"),
        ("+a +b <>", "ab"),
        // The next success makes it certain.
        ("+a -b +b", "ab"),
        ("+a -b +a", "a"),
        ("+a -b oc", "a?"),
    ];
    for (steps, expected) in table {
        assert_eq!(World::after(steps).live(), expected, "after {steps:?}");
    }
}

#[test]
fn since_counts_until_another_is_live_or_certainty_is_lost() {
    // Each deployment takes two minutes: claimed at 2n, ended at 2n + 1.
    let since = |steps: &str| World::after(steps).state.current().unwrap().since;
    assert_eq!(since("+a"), minute(1), "from the success, not the claim");
    assert_eq!(since("+a +a"), minute(1), "a redeployment does not restart it");
    assert_eq!(since("+a ob"), minute(1));
    assert_eq!(since("+a ob <+"), minute(1), "nor a rollback to what is certain");
    assert_eq!(since("+a >b"), minute(1));
    assert_eq!(since("+a -a +a"), minute(5), "certainty was lost in between");
    assert_eq!(since("+a -b <+"), minute(5));
    assert_eq!(since("+a +b <+"), minute(5), "it was not live in between");
    let live = World::after("+a -a +a").state.current().cloned().unwrap();
    assert_eq!(live.deployment.seq, 3);
    let live = World::after("+a +a").state.current().cloned().unwrap();
    assert_eq!(live.deployment.seq, 1, "it is live by the deployment that made it so");
}

#[test]
fn soak_counts_the_longest_stand() {
    let stood = |world: &World, of: char| world.state.standing(&tag(of)).map(|s| s.seconds(world.now) / 60);
    let mut world = World::after("+a");
    world.now = minute(31);
    assert_eq!(stood(&world, 'a'), Some(30));
    world.steps("+a");
    assert_eq!(stood(&world, 'a'), Some(32), "a redeployment does not restart it");
    world.steps(">b");
    world.now = minute(50);
    assert_eq!(stood(&world, 'a'), Some(49), "it stands while another is in flight");
    let seq = world.state.count;
    world.end(seq, Progress::Failed, true).unwrap();
    world.now = minute(90);
    assert_eq!(stood(&world, 'a'), Some(49), "uncertainty stops it");
    assert_eq!(stood(&world, 'b'), None, "it never succeeded");
    world.steps("<+");
    world.now = minute(100);
    assert_eq!(stood(&world, 'a'), Some(49), "a new stand is counted from its own beginning");
    world.now = minute(200);
    assert_eq!(stood(&world, 'a'), Some(109));
    world.steps("+c");
    let before = stood(&world, 'a');
    world.now = minute(900);
    assert_eq!(stood(&world, 'a'), before, "another is live");
    // A clock that went back makes no stand negative.
    world.now = minute(-500);
    assert_eq!(stood(&world, 'c'), Some(0));
}

#[test]
fn a_hold_has_a_number_of_the_one_count() {
    let mut world = World::after("+a");
    let token = world.hold("db move").unwrap();
    assert_eq!(token, 2);
    let hold = world.state.hold.clone().unwrap();
    assert_eq!((hold.token, hold.cause, hold.reason.as_str()), (2, HoldCause::Person, "db move"));
    assert!(world.hold("again").is_err(), "one hold at a time");
    assert!(world.start('b').is_err(), "nothing is claimed under a hold");
    assert!(world.unhold(1).is_err(), "a wrong token opens nothing");
    world.unhold(2).unwrap();
    assert_eq!(world.state.hold, None);
    assert!(world.unhold(2).is_err(), "there is nothing to open");
    assert_eq!(world.start('b'), Ok(4), "holds and deployments share the count");
}

#[test]
fn a_rollback_from_a_success_holds_from_its_intent_on() {
    let mut world = World::after("+a +b <>");
    let hold = world.state.hold.clone().unwrap();
    assert_eq!((hold.token, hold.cause), (3, HoldCause::Rollback), "with the rollback's number");
    assert_eq!(world.undone(), "b", "and undoes from there on");
    world.end(3, Progress::Failed, true).unwrap();
    assert!(world.state.hold.is_some() && world.undone() == "b");
    assert!(world.start('c').is_err(), "it keeps deployments out");
    world.steps("<+");
    assert_eq!(world.state.hold.as_ref().map(|hold| hold.token), Some(4), "but no rollback");
    world.unhold(4).unwrap();
    assert!(world.start('c').is_ok());
    // One after a failure holds nothing, and leaves a hold that is there alone.
    assert_eq!(World::after("+a -b <+").state.hold, None);
    let world = World::after("+a +b +c <- <+");
    assert_eq!(world.state.hold.as_ref().map(|hold| hold.token), Some(5));
}

#[test]
fn a_persons_hold_refuses_a_rollback_too() {
    let mut world = World::after("+a +b lock");
    let mut intent = world.intent(&candidate('a'), Action::Rollback);
    intent.undoes = Some(tag('b'));
    assert!(world.claim_intent(intent).is_err());
    assert_eq!(world.undone(), "");
}

#[test]
fn what_a_rollback_undid_stays_so_until_an_override_succeeds() {
    assert_eq!(World::after("+a +b <+").undone(), "b");
    assert_eq!(World::after("+a -b <+").undone(), "b", "whether it had succeeded or failed");
    assert_eq!(World::after("+a -a <+").undone(), "", "never what is live");
    assert_eq!(World::after("+a ob <+").undone(), "", "nor what never began");
    let mut world = World::after("+a +b <+ unlock");
    let seq = world.bring_back('b');
    assert_eq!(world.undone(), "b", "a claim alone does not clear it");
    world.end(seq, Progress::Failed, true).unwrap();
    assert_eq!(world.undone(), "b");
    let seq = world.bring_back('b');
    world.end(seq, Progress::Succeeded, true).unwrap();
    assert_eq!((world.undone().as_str(), world.live().as_str()), ("", "ab"));
    // A success that was written down without the override does not.
    let world = World::after("+a +b <+ unlock +b");
    assert_eq!(world.undone(), "b");
    // Undone twice is undone once.
    assert_eq!(World::after("+a +b <- <- <+").undone(), "b");
}

#[test]
fn a_rollback_ends_the_approvals_of_what_it_undoes() {
    let mut world = World::after("+a +b");
    for (of, by) in [('a', "ana"), ('b', "ana"), ('b', "bob"), ('b', "ana")] {
        world.approve(of, by).unwrap();
    }
    let held = |world: &World| {
        world
            .state
            .approvals
            .iter()
            .map(|a| format!("{} {}", letter(&a.tag), a.actor.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(held(&world), ["a ana", "b bob", "b ana"], "one a person");
    world.withdraw('b', "bob").unwrap();
    assert_eq!(held(&world), ["a ana", "b ana"]);
    assert!(world.withdraw('b', "bob").is_err(), "there is nothing to withdraw");
    world.steps("<>");
    assert_eq!(held(&world), ["a ana"], "from the claim on");
    world.approve('b', "bob").unwrap();
    assert_eq!(held(&world), ["a ana", "b bob"], "it can be approved anew");
}

#[test]
fn resolving_what_is_in_flight() {
    let mut world = World::after("+a >b");
    world.resolve(2, Progress::Succeeded).unwrap();
    assert_eq!((world.live().as_str(), world.state.in_flight.is_none()), ("ab", true));
    let mut world = World::after("+a >b");
    world.resolve(2, Progress::Failed).unwrap();
    assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("a?", 0));
    for state in [Progress::Running, Progress::Cancelled, Progress::Unknown] {
        assert!(World::after("+a >b").resolve(2, state).is_err(), "{state}");
    }
    assert!(World::after("+a").resolve(1, Progress::Failed).is_err(), "it has an end");
    assert!(World::after("+a").resolve(9, Progress::Failed).is_err());
}

#[test]
fn resolving_what_is_unknown() {
    let mut world = World::after("+a ?b");
    assert_eq!(world.state.unresolved[0].state, Progress::Unknown);
    let before = world.clone();
    world.resolve(2, Progress::Succeeded).unwrap();
    assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("ab", 0), "it is live and certain");
    assert_eq!(world.state.current().unwrap().since, minute(4), "since it is known");
    assert!(world.resolve(2, Progress::Succeeded).is_err(), "once");
    let mut world = before;
    world.resolve(2, Progress::Failed).unwrap();
    assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("a?", 0));
    assert_eq!(world.state.last.as_ref().map(|last| last.state), Some(Progress::Failed));

    // Once something else succeeded, only the record.
    for state in [Progress::Succeeded, Progress::Failed] {
        let mut world = World::after("+a ?b +c");
        world.resolve(2, state).unwrap();
        assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("ac", 0));
        // As much while something else is in flight.
        let mut world = World::after("+a ?b >c");
        world.resolve(2, state).unwrap();
        assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("a?", 0));
    }
    // After something else failed: it was live, but what the other left nobody knows.
    let mut world = World::after("+a ?b -c");
    world.resolve(2, Progress::Succeeded).unwrap();
    assert_eq!(world.live(), "ab?");
    // What never began left nothing.
    let mut world = World::after("+a ?b oc");
    world.resolve(2, Progress::Succeeded).unwrap();
    assert_eq!(world.live(), "ab");
    // Two unknown ones settle in either order to the later one.
    for order in [[2, 3], [3, 2]] {
        let mut world = World::after("+a ?b ?c");
        for seq in order {
            world.resolve(seq, Progress::Succeeded).unwrap();
        }
        assert_eq!(world.live().chars().last(), Some('c'), "{order:?}");
    }
}

#[test]
fn a_rollback_resolved_pops_like_one_that_succeeded() {
    let mut world = World::after("+a +b <?");
    world.resolve(3, Progress::Succeeded).unwrap();
    assert_eq!((world.live().as_str(), world.undone().as_str()), ("a", "b"));
}

#[test]
fn taking_over_closes_and_keeps_certain_false() {
    let mut world = World::after("+a >b");
    world.take_over(2).unwrap();
    assert_eq!((world.live().as_str(), world.state.in_flight.is_none()), ("a?", true));
    assert_eq!(world.state.unresolved.iter().map(|d| d.seq).collect::<Vec<_>>(), [2]);
    assert!(world.take_over(2).is_err());
    assert!(world.end(2, Progress::Succeeded, true).is_err(), "its outcome is late now");
    assert_eq!(world.start('c'), Ok(3), "unknown keeps nobody out");
}

#[test]
fn a_late_outcome_changes_certainty_alone() {
    for state in [Progress::Succeeded, Progress::Failed, Progress::Cancelled] {
        let mut world = World::after("+a ?b +c");
        let before = world.state.clone();
        world.late(2, state).unwrap();
        assert!(!world.state.certain && before.certain, "{state}");
        assert!(world.late(2, state).is_err(), "one word each");
        // Apart from that, and from what follows from it, nothing.
        let mut after = world.state.clone();
        after.certain = true;
        after.unheard = before.unheard.clone();
        after.standing = before.standing.clone();
        assert_eq!(after, before);
    }
    assert!(World::after("+a").late(1, Progress::Succeeded).is_err(), "it was closed by its own outcome");
    assert!(World::after("+a >b").late(2, Progress::Succeeded).is_err(), "it is not closed");
    assert!(World::after("+a").late(7, Progress::Succeeded).is_err(), "there is no such number");
    // The success that a person had put down for it contradicts nothing.
    let mut world = World::after("+a >b");
    world.resolve(2, Progress::Succeeded).unwrap();
    world.late(2, Progress::Succeeded).unwrap();
    assert_eq!(world.live(), "ab");
    let mut world = World::after("+a >b");
    world.resolve(2, Progress::Succeeded).unwrap();
    world.late(2, Progress::Failed).unwrap();
    assert_eq!(world.live(), "ab?");
    let mut world = World::after("+a >b");
    world.resolve(2, Progress::Succeeded).unwrap();
    world.steps("oc");
    world.late(2, Progress::Succeeded).unwrap();
    assert_eq!(world.live(), "ab?", "something was claimed since");
    // A command that never ran leaves no doubt.
    let mut world = World::after("+a ?b +c");
    world.apply(2, EnvEventKind::Late(outcome(Progress::Cancelled, false))).unwrap();
    assert_eq!(world.live(), "ac");
}

#[test]
fn numbers_follow_each_other() {
    let mut world = World::after("+a");
    for wrong in [0, 1, 3, 9] {
        let what = EnvEventKind::Hold { reason: "x".into() };
        assert!(world.apply(wrong, what).is_err(), "{wrong}");
    }
    assert!(world.end(1, Progress::Succeeded, true).is_err(), "the same outcome twice");
    assert!(world.end(9, Progress::Succeeded, true).is_err());
    let seq = world.start('b').unwrap();
    assert!(world.start('c').is_err(), "never two at once");
    assert!(world.end(seq, Progress::Running, true).is_err());
    assert_eq!(world.state.newest(), Some(seq));
    world.end(seq, Progress::Cancelled, false).unwrap();
    assert_eq!(world.state.newest(), Some(seq), "one that never began is the newest all the same");
    // An intent is for the number that its event has.
    let mut intent = world.intent(&candidate('c'), Action::Deploy);
    intent.deployment.seq += 1;
    let seq = world.next();
    assert!(world.apply(seq, EnvEventKind::Intent(Box::new(intent))).is_err());
}

#[test]
fn the_newest_deployment_is_told_whatever_other_events_come() {
    let mut world = World::after("+a +b");
    let basis = crate::domain::plan::PlanBasis::of(&world.state);
    world.approve('c', "ana").unwrap();
    assert_eq!(crate::domain::plan::PlanBasis::of(&world.state), basis, "an approval is unrelated");
    world.steps("oc");
    assert_ne!(crate::domain::plan::PlanBasis::of(&world.state), basis);
}

#[test]
fn a_state_does_not_grow_with_its_history() {
    let mut world = World::new();
    for n in 0..600 {
        let letter = char::from(b'a' + u8::try_from(n % 6).unwrap());
        world.step(&format!("{}{letter}", if n % 3 == 0 { '?' } else { '+' }));
    }
    let state = &world.state;
    assert!(state.stack.len() <= 64 && state.unresolved.len() <= 64 && state.wanted.len() <= 64);
    assert_eq!(state.unresolved.len(), state.wanted.len());
    assert!(state.unheard.len() <= 256 && state.standing.len() <= 256);
}

/// Steps of every kind, possible or not.
fn attempts() -> impl Strategy<Value = Vec<(u8, char, u64)>> {
    proptest::collection::vec((0..16u8, proptest::sample::select(vec!['a', 'b', 'c', 'd']), 1..4u64), 0..40)
}

/// Tries one; what cannot follow is left out.
fn attempt(world: &mut World, (kind, of, back): (u8, char, u64)) {
    let seq = world.state.in_flight.as_ref().map_or(world.state.count, |intent| intent.deployment.seq);
    let earlier = world.state.count.saturating_sub(back) + 1;
    let _ = match kind {
        0 | 1 => world.start(of).map(|_| ()),
        2 => world.end(seq, Progress::Succeeded, true),
        3 => world.end(seq, Progress::Failed, true),
        4 => world.end(seq, Progress::Cancelled, false),
        5 => world.take_over(seq),
        6 => world.late(earlier, Progress::Failed),
        7 => world.resolve(earlier, Progress::Succeeded),
        8 => world.hold("x").map(|_| ()),
        9 => world.unhold(earlier),
        10 => world.approve(of, "ana"),
        11 => world.withdraw(of, "ana"),
        14 => world.offline(of, Action::Deploy, Progress::Succeeded, back == 1).map(|_| ()),
        15 => world.offline(of, Action::Rollback, Progress::Unknown, back == 1).map(|_| ()),
        kind => {
            let to = (kind == 13).then(|| candidate(of));
            match world.decide(&rollback::RollbackOptions { to, further: true, ..Default::default() }) {
                Decision::Go(plan) => world.claim(&plan).map(|_| ()),
                _ => Ok(()),
            }
        }
    };
}

/// A world after any history that the fold allows.
pub(super) fn any_world() -> impl Strategy<Value = World> {
    attempts().prop_map(|attempts| {
        let mut world = World::new();
        attempts.into_iter().for_each(|one| attempt(&mut world, one));
        world
    })
}

proptest! {
    /// No event passes without a trace, and none passes twice.
    #[test]
    fn every_event_counts_and_counts_once(world in any_world()) {
        let mut state = EnvState::default();
        for event in &world.events {
            let next = state.apply(event).unwrap();
            prop_assert_ne!(&next, &state, "{:?}", event);
            prop_assert!(next.apply(event).is_err(), "twice: {:?}", event);
            state = next;
        }
        prop_assert_eq!(&state, &world.state);
    }

    /// A state that was written and read back is the same, and goes on the same.
    #[test]
    fn a_stored_state_is_as_good_as_the_fold(world in any_world()) {
        let stored = serde_json::to_string(&world.state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<EnvState>(&stored).unwrap(), &world.state);
    }

    /// What a rollback plans can be claimed; its target is not blocked by
    /// what it meant to leave.
    #[test]
    fn what_a_rollback_plans_can_be_claimed(mut world in any_world(), further: bool) {
        let request = rollback::RollbackOptions { further, ..Default::default() };
        if let Decision::Go(plan) = world.decide(&request) {
            prop_assert_ne!(plan.undoes(), Some(&plan.candidate().tag));
            let repeats = world.state.last.as_ref().is_some_and(|last| {
                last.action == Action::Rollback && last.state != Progress::Succeeded
            });
            prop_assert!(repeats || !world.state.undid(&plan.candidate().tag), "undone: {:?}", plan);
            world.claim(&plan).unwrap();
        }
    }

    /// A rollback that succeeds makes its target live; what it undid stays undone.
    #[test]
    fn a_rollback_arrives(mut world in any_world()) {
        let request = rollback::RollbackOptions { further: true, ..Default::default() };
        if let Decision::Go(plan) = world.decide(&request) {
            let seq = world.claim(&plan).unwrap();
            world.end(seq, Progress::Succeeded, true).unwrap();
            prop_assert_eq!(&world.state.current().unwrap().tag, &plan.candidate().tag);
            prop_assert!(world.state.certain);
            if let Some(undone) = plan.undoes() {
                prop_assert!(world.state.undid(undone));
            }
        }
    }
}
