//! Where a rollback goes: rule 4, rule 5, and their states, as one table.

use std::borrow::Cow;

use super::*;
use crate::domain::rollback::RollbackOptions;

/// What the rules decide, in one line: `Go` as
/// `to a, undoes b (prod#2), holds; skips c`.
fn said(world: &World, request: &RollbackOptions) -> String {
    match world.decide(request) {
        Decision::Go(plan) => {
            let mut said = format!("to {}", letter(&plan.candidate().tag));
            if let Some(undoes) = plan.undoes() {
                let reverts = plan.reverts().expect("what is undone was deployed");
                said += &format!(", undoes {} ({})", letter(undoes), reverts.seq);
            } else {
                assert_eq!(plan.reverts(), None);
            }
            if plan.holds() {
                said += ", holds";
            }
            if !plan.skipped().is_empty() {
                said += &format!("; skips {}", letters(plan.skipped().iter().map(|one| &one.tag)));
            }
            assert_eq!(plan.action(), Action::Rollback);
            assert!(!plan.why().is_empty());
            said
        }
        Decision::Nothing(_) => "nothing".into(),
        Decision::AskFurther { current, target } => {
            format!("asks {} to {}", letter(&current), letter(&target))
        }
        Decision::NoTarget { skipped, .. } => {
            let skipped = letters(skipped.iter().map(|one| &one.tag));
            if skipped.is_empty() { "no target".into() } else { format!("no target; skips {skipped}") }
        }
        Decision::Refused(verdicts) => {
            let gates: Vec<_> = verdicts.iter().map(|verdict| verdict.gate().as_str()).collect();
            format!("refused by {}", gates.join(", "))
        }
    }
}

fn plain() -> RollbackOptions {
    RollbackOptions::default()
}

fn to(letter: char) -> RollbackOptions {
    RollbackOptions { to: Some(candidate(letter)), ..plain() }
}

fn from(letter: char) -> RollbackOptions {
    RollbackOptions { from: Some(tag(letter)), ..plain() }
}

fn further() -> RollbackOptions {
    RollbackOptions { further: true, ..plain() }
}

#[test]
fn a_plain_rollback_goes_where_the_history_says() {
    let table = [
        // Nothing there, nothing before.
        ("", "no target"),
        ("-a", "no target"),
        ("xa", "no target"),
        ("?a", "no target"),
        ("oa", "no target"),
        ("+a", "no target"),
        ("-a +b", "no target"),
        // After a success: what was live before it, and held.
        ("+a +b", "to a, undoes b (2), holds"),
        ("+a +b +c", "to b, undoes c (3), holds"),
        ("+a +b +a", "to b, undoes a (3), holds"),
        ("+a -b +c", "to a, undoes c (3), holds"),
        // A redeployment that succeeds changes nothing.
        ("+a +b +b", "to a, undoes b (2), holds"),
        // After a failed, cancelled or unknown deployment: the last success.
        ("+a -b", "to a, undoes b (2)"),
        ("+a xb", "to a, undoes b (2)"),
        ("+a ?b", "to a, undoes b (2)"),
        ("+a +b -c", "to b, undoes c (3)"),
        ("+a -b -c", "to a, undoes c (3)"),
        // One that never began is undone by nothing, and takes nothing with it.
        ("+a ob", "to a"),
        ("+a +b oc", "to b"),
        ("+a -b oc", "to a, undoes b (2)"),
        ("+a ob oc", "to a"),
        ("+a ob -c", "to a, undoes c (3)"),
        // A redeployment that fails does not mark what is live.
        ("+a +b -b", "to b"),
        ("+a +b xb", "to b"),
        ("+a +b ?b", "to b"),
        // After a rollback that did not succeed: that rollback again.
        ("+a +b <-", "to a, undoes b (2), holds"),
        ("+a +b <x", "to a, undoes b (2), holds"),
        ("+a +b <?", "to a, undoes b (2), holds"),
        ("+a +b <o", "to a, undoes b (2), holds"),
        ("+a +b <- <-", "to a, undoes b (2), holds"),
        ("+a -b <-", "to a, undoes b (2)"),
        ("+a -b <o", "to a, undoes b (2)"),
        ("+a -b <- <?", "to a, undoes b (2)"),
        ("+a +b +c <-a", "to a, undoes c (3), holds"),
        ("+a +b +c <oa", "to a, undoes c (3), holds"),
        ("+a +b <-d", "to d, undoes b (2), holds"),
        ("+a +b <- unlock oc", "to a, undoes b (2), holds"),
        ("+a +b +c <+ <<-", "to a, undoes b (4), holds"),
        // After a rollback that succeeded: further back only with a word.
        ("+a +b <+", "no target"),
        ("+a +b +c <+", "asks b to a"),
        ("+a +b +c <+ unlock", "asks b to a"),
        ("+a +b -c <+", "asks b to a"),
        ("+a +b +c <+ unlock -d", "to b, undoes d (6)"),
        ("+a +b +c <+ unlock +d", "to b, undoes d (6), holds"),
        ("+a +b +c <+ unlock +b", "to a, undoes b (4), holds"),
        // What a rollback undid is passed over.
        ("+a +b +c <+a unlock +d", "to a, undoes d (6), holds"),
        ("+a +b <+d unlock +e", "to d, undoes e (5), holds"),
        // It was meant to be undone and the rollback failed: no rollback brings it back.
        ("+a +b <- unlock -c", "to a, undoes c (5), holds; skips b"),
        ("+a +b <- unlock oc", "to a, undoes b (2), holds"),
        // In flight, whatever it is.
        ("+a +b >c", "refused by busy"),
        ("+a +b <>", "refused by busy"),
        (">a", "refused by busy"),
        // A person's hold refuses, a rollback's does not.
        ("+a +b lock", "refused by held"),
        ("+a lock", "refused by held"),
        ("lock", "refused by held"),
        ("+a +b >c lock", "refused by held, busy"),
    ];
    for (steps, expected) in table {
        let world = World::after(steps);
        assert_eq!(said(&world, &plain()), expected, "after {steps:?}");
    }
}

#[test]
fn what_was_undone_below_is_passed_over_with_its_reason() {
    // b is undone and lies below d: from d the way leads past it.
    let mut world = World::after("+a +b <+d unlock");
    assert_eq!(said(&world, &further()), "to a, undoes d (3), holds; skips b");
    world.steps("<<+");
    assert_eq!(world.live(), "a");
    let Decision::Go(plan) = World::after("+a +b <+d unlock").decide(&further()) else { panic!() };
    assert_eq!(plan.skipped()[0].why, "rolled back from here before");
}

#[test]
fn blocked_and_lost_ones_are_passed_over_with_their_reasons() {
    let mut world = World::after("+a +b +c +d");
    world.block(tag('c').as_str());
    world.lost = "b".into();
    let Decision::Go(plan) = world.decide(&plain()) else { panic!() };
    assert_eq!(letter(&plan.candidate().tag), 'a');
    let why: Vec<_> = plan.skipped().iter().map(|one| (letter(&one.tag), one.why.as_str())).collect();
    assert_eq!(why, [('c', "blocked by bob, \"leaks\""), ('b', "its artifacts are gone")]);
    // A whole release can be blocked as well.
    world.block("1.1.0");
    assert_eq!(said(&world, &plain()), "no target; skips cba");
    // The last success after a failure is not "further back": it is what is there.
    let mut world = World::after("+a +b -c");
    world.block(tag('b').as_str());
    assert_eq!(said(&world, &plain()), "to b, undoes c (3)");
}

#[test]
fn one_that_lies_there_twice_is_told_of_once() {
    let mut world = World::after("+a +b +c +b +d");
    world.block(tag('b').as_str());
    assert_eq!(said(&world, &plain()), "to c, undoes d (5), holds; skips b");
    world.block(tag('c').as_str());
    assert_eq!(said(&world, &plain()), "to a, undoes d (5), holds; skips bc");
}

#[test]
fn going_further_back_needs_a_word() {
    let world = World::after("+a +b +c <+");
    assert_eq!(said(&world, &plain()), "asks b to a");
    assert_eq!(said(&world, &from('b')), "to a, undoes b (4), holds");
    assert_eq!(said(&world, &further()), "to a, undoes b (4), holds");
    assert_eq!(said(&world, &to('a')), "to a, undoes b (4), holds");
    // A wrong belief: nothing is done.
    assert_eq!(said(&world, &from('c')), "nothing");
    assert_eq!(said(&world, &from('a')), "nothing");
    // Nothing further back is said before anything is asked.
    assert_eq!(said(&World::after("+a +b <+"), &from('a')), "no target");
    assert_eq!(said(&World::after("+a -b <+"), &plain()), "no target");
}

#[test]
fn from_is_what_is_live_and_nothing_else() {
    assert_eq!(said(&World::after("+a +b"), &from('b')), "to a, undoes b (2), holds");
    assert_eq!(said(&World::after("+a +b"), &from('a')), "nothing");
    assert_eq!(said(&World::new(), &from('a')), "nothing");
    // After a failure the last success is still what is current.
    assert_eq!(said(&World::after("+a -b"), &from('a')), "to a, undoes b (2)");
    assert_eq!(said(&World::after("+a -b"), &from('b')), "nothing");
    // A rollback that is repeated by a script does nothing the second time.
    assert_eq!(said(&World::after("+a +b <+"), &from('b')), "nothing");
    // A wrong belief comes before what else would refuse.
    assert_eq!(said(&World::after("+a +b lock"), &from('a')), "nothing");
    assert_eq!(said(&World::after("+a +b lock"), &from('b')), "refused by held");
    let both = RollbackOptions { from: Some(tag('a')), ..to('c') };
    assert_eq!(said(&World::after("+a +b"), &both), "nothing");
}

#[test]
fn to_goes_exactly_there() {
    let table = [
        ("+a +b +c", 'a', "to a, undoes c (3), holds"),
        // What is live, certain or not.
        ("+a +b", 'b', "nothing"),
        ("+a +b -b", 'b', "to b"),
        ("+a +b -c", 'b', "to b, undoes c (3)"),
        ("+a +b >c", 'b', "refused by busy"),
        ("+a +b >b", 'b', "refused by busy"),
        // Never live here.
        ("+a", 'd', "to d, undoes a (1), holds"),
        ("", 'd', "to d"),
        ("-a", 'd', "to d, undoes a (1)"),
        // Past a failure: the failed one is undone, and a success is left.
        ("+a +b -c", 'a', "to a, undoes c (3), holds"),
        ("+a +b oc", 'a', "to a, undoes b (2), holds"),
        // Past a rollback that failed: what that one meant to undo.
        ("+a +b +c <-", 'a', "to a, undoes c (3), holds"),
        ("+a +b +c <o", 'a', "to a, undoes c (3), holds"),
        ("+a -b <-", 'a', "to a, undoes b (2)"),
        // What was undone does not come back without its override.
        ("+a +b <+", 'b', "refused by rolled-back"),
        ("+a +b <-", 'b', "refused by rolled-back"),
        ("+a -b <+", 'b', "refused by rolled-back"),
        ("+a +b <+ unlock lock", 'b', "refused by rolled-back, held"),
        ("+a +b lock", 'a', "refused by held"),
    ];
    for (steps, target, expected) in table {
        assert_eq!(said(&World::after(steps), &to(target)), expected, "after {steps:?} --to {target}");
    }
    let mut world = World::after("+a +b");
    world.block(tag('a').as_str());
    assert_eq!(said(&world, &to('a')), "refused by blocked");
    world.steps("lock");
    assert_eq!(said(&world, &to('a')), "refused by blocked, held");
}

#[test]
fn a_refusal_of_what_was_undone_names_the_way_on() {
    let Decision::Refused(verdicts) = World::after("+a +b <+").decide(&to('b')) else { panic!() };
    let fixes = gate::fixes(&verdicts[0], &Attempt::RollBack(None));
    assert_eq!(fixes, ["rel deploy prod v1.2.0-rc.1 --override rolled-back --reason WHY"]);
}

#[test]
fn policy_can_leave_it_open_after_a_rollback() {
    let mut world = World::after("+a +b");
    world.policy.hold_after_rollback = false;
    assert_eq!(said(&world, &plain()), "to a, undoes b (2)");
    assert_eq!(said(&world, &to('a')), "to a, undoes b (2)");
    // One that did hold holds again when it is repeated.
    let mut world = World::after("+a +b <-");
    world.policy.hold_after_rollback = false;
    assert_eq!(said(&world, &plain()), "to a, undoes b (2), holds");
}

#[test]
fn it_passes_every_gate_of_the_way_forward_but_deployers() {
    let mut world = World::after("+b +a");
    world.policy.after = vec!["staging".parse().unwrap()];
    world.upstream = vec![("staging".parse().unwrap(), Cow::Owned(EnvState::default()))];
    world.policy.soak = Some(std::time::Duration::from_secs(3600));
    world.policy.approvals = 2;
    world.policy.signoff = Some(crate::domain::config::Signoff::Authors);
    world.policy.freeze = vec![times::always()];
    assert_eq!(said(&world, &plain()), "to b, undoes a (2), holds");
    // Who may change an environment is no matter of direction.
    world.policy.deployers = vec!["nobody@example.com".into()];
    assert_eq!(said(&world, &plain()), "refused by deployers");
}

#[test]
fn what_was_only_recorded_cannot_be_gone_back_to() {
    let mut world = World::after("+a +b");
    world.pool.retain(|minted| minted.tag != tag('a'));
    assert_eq!(said(&world, &plain()), "no target");
    world.pool.clear();
    world.steps("lock");
    assert_eq!(said(&world, &plain()), "refused by held", "even where rel made nothing yet");
}

#[test]
fn a_baseline_is_passed_over_and_never_gone_back_to() {
    let mut world = World::after("+a");
    world.baseline("v1.4", Progress::Succeeded);
    assert!(world.state.current().unwrap().is_baseline());
    world.steps("+c");
    let Decision::Go(plan) = world.decide(&plain()) else { panic!("{:?}", world.decide(&plain())) };
    assert_eq!(plan.candidate().tag, tag('a'));
    assert_eq!(plan.skipped()[0].tag.as_str(), "v1.4");
    assert!(plan.skipped()[0].why.starts_with("recorded, not built by rel"));
    // After a failure over it there is nothing to deploy again.
    world.baseline("v1.4", Progress::Succeeded);
    world.steps("-d");
    let Decision::NoTarget { why, .. } = world.decide(&plain()) else { panic!() };
    assert!(why.starts_with("v1.4 was recorded, not built by rel"), "{why}");
    // A name does it.
    let Decision::Go(plan) = world.decide(&RollbackOptions { to: Some(candidate('a')), ..plain() }) else {
        panic!()
    };
    assert_eq!(plan.candidate().tag, tag('a'));
}

#[test]
fn a_baseline_alone_leaves_nothing_to_go_back_to() {
    let mut world = World::new();
    world.baseline(&oid(7).to_string(), Progress::Succeeded);
    let Decision::NoTarget { why, skipped } = world.decide(&plain()) else { panic!() };
    assert_eq!(why, "nothing that could be deployed was live on prod before 0707070");
    assert!(skipped.is_empty());
}

#[test]
fn with_a_take_over_it_goes_by_what_that_leaves() {
    let mut world = World::after("+a +b >c");
    let shown = world.state.clone();
    world.take_over(3).unwrap();
    assert_eq!(said(&world, &plain()), "to b, undoes c (3)");
    let find = |tag: &TagName| Some(candidate(letter(tag)));
    let knowledge = Knowledge { find: &find, gone: &|_| false, left_behind: &|_| LeftBehind::default() };
    let request = RollbackOptions { take_over: Some(3), ..plain() };
    let Decision::Go(plan) =
        rollback::decide(&GateInput { shown: &shown, ..world.input() }, &request, &knowledge)
    else {
        panic!()
    };
    assert_eq!(plan.take_over(), Some(3));
    assert_eq!(plan.basis().newest, Some(3), "the claim is checked against what was shown");
}

#[test]
fn a_rollback_taken_over_by_a_rollback_keeps_target_and_hold() {
    let mut world = World::after("+a +b <>");
    world.take_over(3).unwrap();
    assert_eq!(world.state.hold.as_ref().map(|hold| hold.token), Some(3));
    assert_eq!(said(&world, &plain()), "to a, undoes b (2), holds");
    world.steps("<+");
    assert_eq!(world.live(), "a");
    assert_eq!(world.state.hold.as_ref().map(|hold| hold.token), Some(4), "the hold bears the newest number");
}

#[test]
fn previous_is_what_a_plain_rollback_reaches_from_a_success() {
    let world = World::after("+a +b +c");
    let (previous, skipped) = rollback::previous(&world.state, &world.candidates, &|_| false);
    assert_eq!((previous.map(|live| letter(&live.tag)), skipped.len()), (Some('b'), 0));
    let world = World::after("+a");
    assert!(rollback::previous(&world.state, &world.candidates, &|_| false).0.is_none());
    // While a deployment is in flight it stays as it was.
    let world = World::after("+a +b >c");
    let (previous, _) = rollback::previous(&world.state, &world.candidates, &|_| false);
    assert_eq!(previous.map(|live| letter(&live.tag)), Some('a'));
}
