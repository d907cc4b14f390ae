//! Which candidate a deployment means, and when it may be claimed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::gate::rules;
use crate::domain::plan::{self, DeployOptions, Planned, WrongToken};
use crate::ui::gate;

/// `prod` after `staging`, where these steps were taken.
fn downstream(staging: &str) -> World {
    let mut world = World::new();
    world.policy.after = vec!["staging".parse().unwrap()];
    let staging = World::after(staging);
    world.now = staging.now;
    world.upstream = vec![("staging".parse().unwrap(), Cow::Owned(staging.state))];
    world
}

fn chosen(world: &World, overrides: &[Gate]) -> Option<char> {
    let overrides: BTreeSet<Gate> = overrides.iter().copied().collect();
    plan::choose(&world.input(), &world.pool, &overrides).map(|minted| letter(&minted.tag))
}

fn overriding(gates: &[Gate]) -> DeployOptions {
    DeployOptions { overrides: gates.iter().copied().collect(), ..DeployOptions::default() }
}

fn refusing(planned: &Planned) -> Vec<Gate> {
    match planned {
        Planned::Refused(verdicts) => verdicts.iter().map(|verdict| verdict.gate()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_after_the_newest_on_trunk() {
    let mut world = World::new();
    assert_eq!(chosen(&world, &[]), Some('f'));
    world.pool.reverse();
    assert_eq!(chosen(&world, &[]), Some('f'), "whatever order they were made in");
    world.block(tag('f').as_str());
    assert_eq!(chosen(&world, &[]), Some('e'), "not a blocked one");
    world.block("1.5.0");
    assert_eq!(chosen(&world, &[]), Some('d'), "nor one of a blocked release");
    world.steps("+c +d <+");
    assert_eq!(chosen(&world, &[]), Some('c'), "nor one that was rolled back here");
    assert_eq!(chosen(&world, &[Gate::Blocked, Gate::RolledBack]), Some('c'), "never");
    world.pool.clear();
    assert_eq!(chosen(&world, &[]), None);
}

#[test]
fn newest_is_position_then_version_then_number() {
    let mut world = World::new();
    let mut older_commit = candidate('f');
    older_commit.position = 5;
    older_commit.version = "1.9.0-rc.1".parse().unwrap();
    let mut second = candidate('e');
    second.version = "1.5.0-rc.2".parse().unwrap();
    second.tag = "v1.5.0-rc.2".parse().unwrap();
    world.pool = vec![older_commit, second.clone(), candidate('e')];
    assert_eq!(plan::choose(&world.input(), &world.pool, &BTreeSet::new()), Some(&second));
}

#[test]
fn with_after_the_newest_that_was_live_there_and_passes() {
    assert_eq!(chosen(&downstream("+a +b -c"), &[]), Some('b'), "c never succeeded");
    assert_eq!(chosen(&downstream("+a +b +c <+"), &[]), Some('b'), "c was rolled back there");
    // `soak` counts the longest stand.
    let mut world = downstream("+a");
    world.policy.soak = Some(Duration::from_secs(600));
    assert_eq!(chosen(&world, &[]), Some('a'), "none passes: the newest that was live there is judged");
    assert_eq!(refusing(&deploying(&world, 'a', &DeployOptions::default())), [Gate::Soak]);
    let mut staging = World::after("+a");
    staging.now = minute(20);
    staging.steps("+b");
    world.now = staging.now;
    world.upstream[0].1 = Cow::Owned(staging.state);
    assert_eq!(chosen(&world, &[]), Some('a'), "b is newer and has not stood long enough");
    assert_eq!(chosen(&world, &[Gate::Soak]), Some('b'), "what is overridden counts as passed");
    // What is live hides none that still soaks, and where it went round the soak, neither do older ones.
    world.steps("+a");
    assert_eq!(chosen(&world, &[]), Some('b'));
    assert_eq!(refusing(&deploying(&world, 'b', &DeployOptions::default())), [Gate::Soak]);
    world.steps("+b");
    assert_eq!(chosen(&world, &[]), Some('b'), "it is live");
    world.now = minute(60);
    assert_eq!(chosen(&world, &[]), Some('b'));
    // Nothing was live upstream: the newest, which `order` refuses.
    let world = downstream("");
    assert_eq!(chosen(&world, &[]), Some('f'));
    assert_eq!(refusing(&deploying(&world, 'f', &DeployOptions::default())), [Gate::Order]);
    // Several upstreams: all of them.
    let mut world = downstream("+a +b");
    world.policy.after.push("eu".parse().unwrap());
    world.upstream.push(("eu".parse().unwrap(), Cow::Owned(World::after("+a").state)));
    assert_eq!(chosen(&world, &[]), Some('a'));
    assert_eq!(chosen(&world, &[Gate::Order]), Some('b'));
    // Blocked and rolled back here, never.
    let mut world = downstream("+a +b +c");
    world.block(tag('c').as_str());
    world.steps("+a +b <+");
    assert_eq!(chosen(&world, &[]), Some('a'));
}

#[test]
fn what_is_live_and_certain_is_not_deployed_again() {
    let request = DeployOptions::default();
    assert!(
        matches!(deploying(&World::after("+a"), 'a', &request), Planned::Nothing(live) if live.tag == tag('a'))
    );
    assert!(matches!(deploying(&World::after("+a lock"), 'a', &request), Planned::Nothing(_)));
    let action = |world: &World, request: &DeployOptions| match deploying(world, 'a', request) {
        Planned::Go(plan) => plan.action(),
        other => panic!("{other:?}"),
    };
    let again = DeployOptions { redeploy: true, ..DeployOptions::default() };
    assert_eq!(action(&World::after("+a"), &again), Action::Redeploy);
    assert_eq!(action(&World::after("+a -a"), &request), Action::Redeploy, "it is uncertain");
    assert_eq!(action(&World::new(), &again), Action::Deploy, "it is not live");
    assert_eq!(refusing(&deploying(&World::after("+a >b"), 'a', &request)), [Gate::Busy]);
    assert_eq!(refusing(&deploying(&World::after("+a >a"), 'a', &request)), [Gate::Busy]);
}

#[test]
fn a_refusal_gives_every_reason_at_once() {
    let mut world = downstream("");
    world.steps("+b +a <+b unlock >c lock");
    world.policy.soak = Some(Duration::from_secs(60));
    world.policy.approvals = 1;
    world.policy.signoff = Some(crate::domain::config::Signoff::Authors);
    world.policy.freeze = vec![times::always()];
    world.policy.deployers = vec!["ana@example.com".into()];
    world.block(tag('a').as_str());
    let every = [
        Gate::Order,
        Gate::Soak,
        Gate::Approvals,
        Gate::Signoff,
        Gate::Freeze,
        Gate::Deployers,
        Gate::Blocked,
        Gate::RolledBack,
        Gate::Downgrade,
        Gate::Held,
        Gate::Busy,
    ];
    assert_eq!(refusing(&deploying(&world, 'a', &DeployOptions::default())), every);
    // Each is passed by its own name and by no other; two are only taken over.
    for gate in every {
        let left: Vec<Gate> = every.into_iter().filter(|g| *g != gate || !gate.can_be_overridden()).collect();
        assert_eq!(refusing(&deploying(&world, 'a', &overriding(&[gate]))), left, "{gate}");
    }
    assert_eq!(refusing(&deploying(&world, 'a', &overriding(&Gate::ALL))), [Gate::Held, Gate::Busy]);
}

#[test]
fn what_was_overridden_is_kept_with_its_words() {
    let mut world = downstream("");
    world.policy.approvals = 1;
    world.approve('a', "ana").unwrap();
    let request = overriding(&[Gate::Order, Gate::Freeze]);
    let Planned::Go(plan) = deploying(&world, 'a', &request) else { panic!() };
    let overrides = plan.permission().overrides(&gate::text);
    let overrides: Vec<_> = overrides.iter().map(|o| (o.gate, o.text.as_str())).collect();
    assert_eq!(overrides, [(Gate::Order, "v1.1.0-rc.1 has not succeeded on staging")], "only what refused");
    let gates: Vec<_> = plan.permission().gates(&gate::text).iter().map(|g| (g.gate, g.verdict)).collect();
    assert_eq!(gates, [(Gate::Order, RecordedRuling::Overridden), (Gate::Approvals, RecordedRuling::Passed)]);
    assert_eq!(
        plan.permission().approvals().iter().map(|a| a.actor.name.as_str()).collect::<Vec<_>>(),
        ["ana"]
    );
    assert!(!plan.holds() && plan.undoes().is_none() && plan.reverts().is_none());
}

#[test]
fn a_take_over_closes_exactly_what_it_names() {
    let close = |world: &World, token: u64, rollback: bool| {
        let stamp = Stamp { actor: &world.actor, at: world.now, nonce: &|| "n".into() };
        plan::close(&world.policy.name, &world.state, token, rollback, "it hangs", &stamp)
    };
    let world = World::after("+a >b lock");
    let (events, state) = close(&world, 2, false).unwrap();
    assert!(matches!(&events[..], [EnvEvent { what: EnvEventKind::TakenOver { .. }, .. }]));
    assert!(state.in_flight.is_none() && state.hold.is_some(), "the hold is another's");
    let (events, state) = close(&world, 3, false).unwrap();
    assert!(matches!(&events[..], [EnvEvent { what: EnvEventKind::Unhold { token: 3, .. }, .. }]));
    assert!(state.in_flight.is_some() && state.hold.is_none());
    for wrong in [0, 1, 4] {
        assert_eq!(close(&world, wrong, false).unwrap_err(), WrongToken(wrong));
    }
    // A rollback in flight has its hold under the same number.
    let world = World::after("+a +b <>");
    let (events, state) = close(&world, 3, false).unwrap();
    assert_eq!((events.len(), state.hold), (2, None), "a deployment opens both");
    let (events, state) = close(&world, 3, true).unwrap();
    assert_eq!((events.len(), state.hold.is_some()), (1, true), "a rollback is not refused by it");
    assert!(close(&World::after("+a"), 1, false).is_err(), "it has ended");
}

proptest! {
    /// A failed gate never turns into a plan without its override.
    #[test]
    fn a_plan_is_earned(
        mut world in fold::any_world(),
        staging in fold::any_world(),
        of in proptest::sample::select(vec!['a', 'b', 'c', 'd']),
        overrides in proptest::collection::btree_set(proptest::sample::select(Gate::ALL.to_vec()), 0..14),
        policy in (any::<bool>(), any::<bool>(), 0..2u32, any::<bool>(), any::<bool>(), any::<bool>()),
        redeploy: bool,
        blocked: bool,
    ) {
        let (after, soak, approvals, signoff, frozen, deployers) = policy;
        if after {
            world.policy.after = vec!["staging".parse().unwrap()];
            world.upstream = vec![("staging".parse().unwrap(), Cow::Owned(staging.state))];
        }
        world.policy.soak = soak.then_some(Duration::from_secs(120));
        world.policy.approvals = approvals;
        world.policy.signoff = signoff.then_some(crate::domain::config::Signoff::Authors);
        world.policy.freeze = if frozen { vec![times::always()] } else { Vec::new() };
        world.policy.deployers = if deployers { vec!["ana@example.com".into()] } else { Vec::new() };
        if blocked {
            world.block(tag(of).as_str());
        }
        let verdicts = rules::judge(&world.input().about(&candidate(of)));
        let failed: Vec<Gate> = verdicts.iter().filter(|v| v.refuses()).map(|v| v.gate()).collect();
        let request = DeployOptions { overrides: overrides.clone(), redeploy, take_over: None };
        match deploying(&world, of, &request) {
            Planned::Nothing(live) => {
                prop_assert!(live.tag == tag(of) && world.state.certain && !redeploy);
            }
            Planned::Go(plan) => {
                for gate in &failed {
                    prop_assert!(overrides.contains(gate) && gate.can_be_overridden(), "{gate}");
                }
                let kept: Vec<Gate> = plan.permission().overrides(&gate::text).iter().map(|o| o.gate).collect();
                prop_assert_eq!(&kept, &failed);
                prop_assert!(world.claim(&plan).is_ok(), "what is planned can be claimed");
            }
            Planned::Refused(refusals) => {
                let left: Vec<Gate> = failed
                    .iter()
                    .copied()
                    .filter(|gate| !overrides.contains(gate) || !gate.can_be_overridden())
                    .collect();
                prop_assert_eq!(refusals.iter().map(|v| v.gate()).collect::<Vec<_>>(), left);
            }
        }
    }
}
