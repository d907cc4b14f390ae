//! Fixes that are owed, and points of no return.

use super::*;
use crate::domain::config::LostFix;
use crate::domain::gate::rules;
use crate::domain::gate::verdict::{Attempt, Ruling, Verdict};
use crate::domain::left_behind::{Lost, Owed, PointOfNoReturn};
use crate::domain::plan::{DeployOptions, Planned};
use crate::ui::gate;

fn owed(n: u8) -> Owed {
    Owed { source: oid(n), commit: oid(n + 100), candidate: tag('a') }
}

fn lost(n: u8) -> Lost {
    Lost {
        fix: owed(n),
        live: true,
        subject: format!("fix: {n}"),
        picked: Some((person("ana"), minute(-120))),
        on_trunk: Some((oid(n), None)),
        onto: Some("1.2.0".into()),
    }
}

fn losing(fixes: &[u8]) -> LeftBehind {
    LeftBehind { owed: true, lost: fixes.iter().map(|n| lost(*n)).collect(), left: Vec::new() }
}

fn leaving(n: u8) -> LeftBehind {
    let point = PointOfNoReturn { commit: oid(n), subject: "feat!: a new table".into() };
    LeftBehind { left: vec![point], ..LeftBehind::default() }
}

/// `prod`, final or not, and a word on lost fixes.
fn prod(is_final: bool, lost_fix: Option<LostFix>) -> World {
    let mut world = World::after("+a");
    (world.policy.is_final, world.policy.lost_fix) = (is_final, lost_fix);
    world.now = minute(0);
    world
}

fn says(world: &World, left_behind: &LeftBehind) -> Option<Verdict> {
    rules::lost_fix(&GateInput { left_behind: Some(left_behind.clone()), ..world.input() })
}

#[test]
fn a_lost_fix_is_refused_warned_of_or_let_go_as_the_policy_says() {
    for (is_final, word, ruling) in [
        (true, None, Ruling::Refuses),
        (false, None, Ruling::Warns),
        (false, Some(LostFix::Refuse), Ruling::Refuses),
        (true, Some(LostFix::Warn), Ruling::Warns),
    ] {
        let verdict = says(&prod(is_final, word), &losing(&[1])).unwrap();
        assert_eq!(verdict.ruling, ruling, "{is_final} {word:?}");
    }
    assert_eq!(says(&prod(true, Some(LostFix::Off)), &losing(&[1])), None);
    assert_eq!(says(&prod(true, None), &LeftBehind::default()), None, "nobody is owed anything");
    let contained = says(&prod(true, None), &losing(&[])).unwrap();
    assert_eq!(contained.ruling, Ruling::Passes);
}

#[test]
fn it_names_each_fix_who_picked_it_and_what_to_do() {
    let verdict = says(&prod(true, None), &losing(&[1])).unwrap();
    assert_eq!(
        words(&verdict),
        "live, but not in it: 6565656 \"fix: 1\" (picked by ana, 2 h ago; on trunk as 0101010)"
    );
    assert_eq!(
        fixes(&verdict),
        ["rel cherry-pick 0101010 --onto 1.2.0", "or, if it is meant: rel waive 6565656 --reason WHY"]
    );
    let mut left_behind = losing(&[1]);
    left_behind.lost[0].live = false;
    let text = words(&says(&prod(true, None), &left_behind).unwrap());
    let known = "(not live any more, and owed since; picked by ana, 2 h ago; on trunk as 0101010)";
    assert_eq!(text, format!("owed, but not in it: 6565656 \"fix: 1\" {known}"));
    let mut left_behind = losing(&[1, 2, 3]);
    left_behind.lost[1].on_trunk = None;
    left_behind.lost[2].on_trunk = Some((oid(3), Some(oid(9))));
    let verdict = says(&prod(true, None), &left_behind).unwrap();
    assert_eq!(words(&verdict).lines().count(), 4, "{}", words(&verdict));
    assert!(words(&verdict).contains("2 h ago; not on trunk)"), "{}", words(&verdict));
    assert!(
        words(&verdict).contains("on trunk as 0303030, reverted there by 0909090)"),
        "{}",
        words(&verdict)
    );
    assert_eq!(
        fixes(&verdict),
        [
            "bring it to trunk: git cherry-pick -x 6666666",
            "take the revert back on trunk: git revert 0909090",
            "rel cherry-pick 0101010 0202020 --onto 1.2.0",
            "or, if it is meant: rel waive 6565656 6666666 6767676 --reason WHY"
        ]
    );
}

/// Deploys `of`, which leaves these fixes behind, whatever gates say.
fn deploys(world: &mut World, of: char, fixes: &[u8]) {
    world.left_behind = losing(fixes);
    let request = DeployOptions { overrides: [Gate::LostFix].into(), ..DeployOptions::default() };
    let planned = deploying(world, of, &request);
    let Planned::Go(plan) = planned else { panic!("{planned:?}") };
    let seq = world.claim(&plan).unwrap();
    world.end(seq, Progress::Succeeded, true).unwrap();
}

fn owes(world: &World) -> Vec<Owed> {
    world.state.current().unwrap().owes.clone()
}

#[test]
fn an_override_is_recorded_and_the_fix_stays_owed() {
    let mut world = prod(true, None);
    world.left_behind = losing(&[1]);
    let planned = deploying(&world, 'b', &DeployOptions::default());
    assert!(matches!(&planned, Planned::Refused(gates) if gates.len() == 1), "{planned:?}");
    deploys(&mut world, 'b', &[1]);
    assert_eq!(owes(&world), [owed(1)]);
    deploys(&mut world, 'c', &[]);
    assert_eq!(owes(&world), [], "a success that contains it settles it");
}

#[test]
fn what_a_rollback_leaves_behind_stays_owed_and_what_failed_changes_nothing() {
    let mut world = prod(true, None);
    world.steps("+b");
    world.left_behind = losing(&[1]);
    let Decision::Go(plan) = world.decide(&rollback::RollbackOptions::default()) else { panic!() };
    assert_eq!(plan.owes(), [owed(1)]);
    let seq = world.claim(&plan).unwrap();
    assert_eq!(owes(&world), [], "not before it is done");
    world.end(seq, Progress::Succeeded, true).unwrap();
    assert_eq!((world.live(), owes(&world)), ("a".into(), vec![owed(1)]));
    let text = serde_json::to_string(&world.state).unwrap();
    assert_eq!(serde_json::from_str::<EnvState>(&text).unwrap(), world.state);

    world.steps("unlock -c");
    assert_eq!(owes(&world), [owed(1)], "what failed settles nothing");
    deploys(&mut world, 'd', &[1, 2]);
    assert_eq!(owes(&world), [owed(1), owed(2)]);
    assert_eq!(world.state.stack[0].owes, [], "what was live before owes nothing any more");
}

#[test]
fn a_deployment_that_a_person_settles_owes_what_it_left() {
    let mut world = prod(true, None);
    let mut intent = world.intent(&candidate('b'), Action::Deploy);
    intent.owes = vec![owed(1)];
    let seq = world.claim_intent(intent).unwrap();
    world.end(seq, Progress::Unknown, true).unwrap();
    assert_eq!(owes(&world), []);
    world.resolve(seq, Progress::Succeeded).unwrap();
    assert_eq!((world.live(), owes(&world)), ("ab".into(), vec![owed(1)]));
}

#[test]
fn nothing_goes_back_past_a_point_of_no_return_but_by_name() {
    let mut world = World::after("+a +b");
    world.left_behind = leaving(7);
    for request in [
        rollback::RollbackOptions::default(),
        rollback::RollbackOptions { to: Some(candidate('a')), ..rollback::RollbackOptions::default() },
    ] {
        let Decision::Refused(verdicts) = world.decide(&request) else { panic!() };
        let gates: Vec<Gate> = verdicts.iter().map(|verdict| verdict.gate()).collect();
        assert_eq!(gates, [Gate::Irreversible]);
        assert!(words(&verdicts[0]).contains("0707070 \"feat!: a new table\""), "{}", words(&verdicts[0]));
        let fixes = gate::fixes(&verdicts[0], &Attempt::RollBack(None));
        assert!(fixes[1].contains("--override irreversible"), "{fixes:?}");
    }
    // A deployment of something older is held to the same.
    let refusing = |overrides: &[Gate]| {
        let request =
            DeployOptions { overrides: overrides.iter().copied().collect(), ..DeployOptions::default() };
        match deploying(&world, 'a', &request) {
            Planned::Refused(verdicts) => verdicts.iter().map(|verdict| verdict.gate()).collect::<Vec<_>>(),
            Planned::Go(_) => Vec::new(),
            Planned::Nothing(_) => panic!(),
        }
    };
    assert_eq!(refusing(&[]), [Gate::Irreversible, Gate::Downgrade]);
    assert_eq!(refusing(&[Gate::Downgrade, Gate::Irreversible]), []);
}

#[test]
fn a_waiver_is_kept_once_for_each_commit() {
    let mut state = CandidatesState::default();
    let mut waive = |commit: u8, trunk: Option<u8>, reason: &str| {
        let event = candidates::CandidatesEvent {
            id: "x".into(),
            at: minute(0),
            actor: person("ana"),
            nonce: "n".into(),
            what: candidates::CandidatesEventKind::Waived {
                commit: oid(commit),
                trunk_commit: trunk.map(oid),
                reason: reason.into(),
            },
        };
        state = state.apply(&event).unwrap();
        state.waivers.iter().map(|w| (w.commit, w.trunk_commit, w.reason.clone())).collect::<Vec<_>>()
    };
    waive(1, None, "meant");
    let both = waive(2, Some(3), "squashed");
    assert_eq!(both, [(oid(1), None, "meant".into()), (oid(2), Some(oid(3)), "squashed".into())]);
    let again = waive(1, Some(4), "found it");
    assert_eq!(again[1], (oid(1), Some(oid(4)), "found it".into()));
    assert_eq!(again.len(), 2);
}
