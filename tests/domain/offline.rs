//! Deployments that ran without a claim, as chains take them in.

use super::*;
use crate::domain::offline::{Earlier, KnownOffline, Ran};

#[test]
fn where_nothing_came_between_it_is_as_good_as_any() {
    let mut world = World::after("+a +b");
    world.offline('c', Action::Deploy, Progress::Succeeded, false).unwrap();
    assert_eq!((world.live().as_str(), world.state.ended), ("abc", Some(3)));
    assert_eq!(world.state.current().unwrap().deployment.seq, 3);
    world.offline('b', Action::Rollback, Progress::Succeeded, false).unwrap();
    assert_eq!((world.live().as_str(), world.undone().as_str()), ("ab", "c"));
    let hold = world.state.hold.as_ref().unwrap();
    assert_eq!((hold.token, hold.cause), (4, HoldCause::Rollback));

    for (state, unresolved) in [(Progress::Failed, 0), (Progress::Cancelled, 0), (Progress::Unknown, 1)] {
        let mut world = World::after("+a");
        world.offline('b', Action::Deploy, state, false).unwrap();
        assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("a?", unresolved), "{state}");
    }
}

#[test]
fn where_the_chain_moved_on_nobody_knows_what_came_last() {
    let mut world = World::after("+a +b");
    let seq = world.offline('a', Action::Rollback, Progress::Succeeded, true).unwrap();
    assert_eq!((world.live().as_str(), world.undone().as_str()), ("ab?", "b"));
    let open = &world.state.unresolved[0];
    assert_eq!((open.seq, open.state, open.offline), (seq, Progress::Succeeded, true), "its end is known");
    assert!(world.state.standing(&tag('b')).unwrap().since.is_none(), "it does not stand for sure");
    // Where it was headed is where a rollback goes.
    let Decision::Go(plan) = world.decide(&rollback::RollbackOptions::default()) else {
        panic!("it is refused")
    };
    assert_eq!(plan.candidate().tag, tag('a'));
    let mut world_after = world.clone();
    world_after.resolve(seq, Progress::Succeeded).unwrap();
    assert_eq!((world_after.live().as_str(), world_after.state.unresolved.len()), ("a", 0));
    world.resolve(seq, Progress::Failed).unwrap();
    assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("ab?", 0));
    // One that failed left nobody in doubt of how it ended.
    let mut world = World::after("+a");
    world.offline('b', Action::Deploy, Progress::Failed, true).unwrap();
    assert_eq!((world.live().as_str(), world.state.unresolved.len()), ("a?", 0));
}

#[test]
fn what_is_in_flight_goes_on_and_has_the_last_word() {
    let mut world = World::after("+a >b");
    let seq = world.offline('c', Action::Deploy, Progress::Succeeded, false).unwrap();
    assert_eq!(world.live(), "a?");
    assert!(world.state.in_flight.is_some());
    world.end(2, Progress::Succeeded, true).unwrap();
    assert_eq!((world.live().as_str(), world.state.ended), ("ab", Some(seq)), "its number stays the newest");
    world.resolve(seq, Progress::Succeeded).unwrap();
    assert_eq!(world.live(), "ab", "something succeeded since: only the record is settled");
}

#[test]
fn a_persons_hold_stays_theirs() {
    let mut world = World::after("+a +b");
    world.hold("db move").unwrap();
    world.offline('a', Action::Rollback, Progress::Succeeded, false).unwrap();
    assert_eq!(world.live(), "a");
    assert_eq!(world.state.hold.as_ref().map(|hold| hold.cause), Some(HoldCause::Person));
}

/// The event that a deployment would be written down by.
fn ran(world: &World, take_over: Option<u64>) -> Ran {
    let mut intent = world.intent(&candidate('b'), Action::Deploy);
    intent.deployment.offline = true;
    intent.deployment.seq = 0;
    let outcome = outcome(Progress::Succeeded, true);
    Ran { nonce: "mine".into(), intent, take_over, outcome, at: world.now }
}

#[test]
fn it_takes_the_next_number_and_closes_what_it_took_over() {
    let nonce = || "n".to_owned();
    let world = World::after("+a >c");
    let (events, after) = ran(&world, Some(2)).events(&world.state, false, &nonce).unwrap();
    assert!(matches!(events[0].what, EnvEventKind::TakenOver { .. }));
    assert_eq!((events.len(), events[1].id.seq, events[1].nonce.as_str()), (2, 3, "mine"));
    assert_eq!(events[1].what.intent().unwrap().deployment.seq, 3);
    assert!(after.certain && after.current().unwrap().tag == tag('b'));
    // Closed by somebody else meanwhile, there is nothing to close.
    let world = World::after("+a -c");
    let (events, _) = ran(&world, Some(2)).events(&world.state, true, &nonce).unwrap();
    assert_eq!(events.len(), 1);
    // In flight and not taken over: that is news, whatever was thought.
    let world = World::after("+a >c");
    let (events, after) = ran(&world, None).events(&world.state, false, &nonce).unwrap();
    assert!(matches!(&events[0].what, EnvEventKind::Offline(ran) if ran.moved) && !after.certain);
}

#[test]
fn what_this_clone_knew_is_no_news_to_it() {
    let mut world = World::after(">a");
    let known = KnownOffline { ended: vec![1], ran: vec![Earlier { nonce: "n1".into(), seq: 7 }] };
    let news = |world: &World| known.is_news(world.events.last().unwrap());
    assert!(news(&world), "an intent is");
    world.end(1, Progress::Failed, true).unwrap();
    assert!(!news(&world), "the end that was known is not");
    world.approve('a', "bob").unwrap();
    assert!(!news(&world), "an approval says nothing of what is live");
    let mut event = world.events.last().unwrap().clone();
    let ran = Offline {
        intent: world.intent(&candidate('a'), Action::Deploy),
        outcome: outcome(Progress::Succeeded, true),
        moved: false,
    };
    event.what = EnvEventKind::Offline(Box::new(ran.clone()));
    event.nonce = "n1".into();
    assert!(!known.is_news(&event), "an earlier one of this clone");
    assert!(known.is_news(&EnvEvent { nonce: "n2".into(), ..event.clone() }), "somebody else's");
    let what = EnvEventKind::Offline(Box::new(Offline { moved: true, ..ran }));
    assert!(known.is_news(&EnvEvent { what, ..event }), "what that one did not know, this one did not");
    world.resolve(1, Progress::Failed).unwrap_err();
    let mut world = World::after("+a ?b");
    assert!(news(&world), "a take-over by somebody");
    world.resolve(2, Progress::Failed).unwrap();
    assert!(news(&world));
}
