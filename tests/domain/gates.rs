//! What each gate says, beside freezes, which have a file of their own.

use std::borrow::Cow;
use std::time::Duration;

use super::*;
use crate::domain::gate::rules::{self, Rule};
use crate::domain::gate::verdict::Verdict;

fn says(world: &World, rule: Rule, of: char) -> Option<Verdict> {
    rule(&world.input().about(&candidate(of)))
}

fn passes(world: &World, rule: Rule, of: char) -> bool {
    says(world, rule, of).is_none_or(|verdict| !verdict.refuses())
}

#[test]
fn names_are_those_of_the_contract() {
    let names = Gate::ALL.map(Gate::as_str).join(" ");
    assert_eq!(
        names,
        "order soak approvals signoff freeze deployers blocked rolled-back lost-fix irreversible downgrade hook held busy"
    );
    for gate in Gate::ALL {
        assert_eq!(gate.as_str().parse(), Ok(gate));
        assert_eq!(serde_json::to_value(gate).unwrap(), gate.as_str());
    }
    assert!("all".parse::<Gate>().is_err());
}

#[test]
fn deployers_are_known_by_their_address() {
    let mut world = World::new();
    world.policy.deployers = vec![
        "Ana@Example.com".into(),
        "*@release.example.com".into(),
        "dependabot[bot]@example.com".into(),
        "{x,y}@example.com".into(),
    ];
    let table = [
        ("ana@example.com", true),
        ("ANA@EXAMPLE.COM", true),
        ("ci@release.example.com", true),
        ("CI@Release.Example.com", true),
        ("a/b@release.example.com", true),
        ("dependabot[bot]@example.com", true),
        ("x@example.com", true),
        ("kim@example.com", false),
        ("ana@example.com.evil.org", false),
        ("evil-ana@example.com", false),
        ("ci@releasexexample.com", false),
        ("", false),
    ];
    for (email, allowed) in table {
        world.actor = Actor::new("Somebody", email);
        assert_eq!(passes(&world, rules::deployers, 'a'), allowed, "{email}");
    }
    // That one of them asked for it does not help, and is said.
    world.actor = person("kim");
    world.asked_by = Some(person("ana"));
    let verdict = says(&world, rules::deployers, 'a').unwrap();
    assert!(verdict.refuses() && verdict.opens_at().is_none());
    assert_eq!(
        words(&verdict),
        "kim <kim@example.com> is none of them; that ana asked for it does not count"
    );
    assert!(fixes(&verdict)[0].contains("*@release.example.com"), "who could is said");
    // It is the actor that counts, whoever asked.
    world.actor = person("ana");
    world.asked_by = Some(person("kim"));
    assert!(passes(&world, rules::deployers, 'a'));
    // Nobody listed: anybody.
    world.policy.deployers.clear();
    assert_eq!(says(&world, rules::deployers, 'a'), None);
    // What is no pattern covers nobody else.
    world.policy.deployers = vec!["[".into()];
    assert!(!passes(&world, rules::deployers, 'a'));
}

#[test]
fn order_is_success_there_without_a_rollback() {
    let mut world = World::new();
    assert_eq!(says(&world, rules::order, 'a'), None, "it comes after nothing");
    world.policy.after = vec!["staging".parse().unwrap(), "eu".parse().unwrap()];
    world.upstream = vec![
        ("staging".parse().unwrap(), Cow::Owned(World::after("+a +b +c <+").state)),
        ("eu".parse().unwrap(), Cow::Owned(World::after("+a -b +c").state)),
    ];
    assert!(passes(&world, rules::order, 'a'), "it does not have to be live there still");
    let verdict = says(&world, rules::order, 'b').unwrap();
    assert_eq!(words(&verdict), "v1.2.0-rc.1 has not succeeded on eu");
    assert_eq!(fixes(&verdict), ["rel deploy eu v1.2.0-rc.1"]);
    let verdict = says(&world, rules::order, 'c').unwrap();
    assert_eq!(words(&verdict), "v1.3.0-rc.1 was rolled back on staging");
    let verdict = says(&world, rules::order, 'd').unwrap();
    assert_eq!(fixes(&verdict).len(), 2, "every one that is missing");
    // Once it was brought back there, it satisfies `order` again.
    let mut staging = World::after("+a +c <+ unlock");
    let seq = staging.bring_back('c');
    staging.end(seq, Progress::Succeeded, true).unwrap();
    world.upstream[0].1 = Cow::Owned(staging.state);
    assert!(passes(&world, rules::order, 'c'));
    // A rollback that failed undid it all the same.
    world.upstream[0].1 = Cow::Owned(World::after("+a +c <-").state);
    assert!(!passes(&world, rules::order, 'c'));
}

#[test]
fn a_success_dated_before_its_candidate_was_made_soaks_from_there() {
    let mut world = World::new();
    world.policy.soak = Some(Duration::from_secs(600));
    world.policy.after = vec!["staging".parse().unwrap()];
    let staging = World::after("+a");
    world.now = staging.now + chrono::TimeDelta::days(3);
    world.upstream = vec![("staging".parse().unwrap(), Cow::Owned(staging.state))];
    for (minutes_ago, passes_then) in [(0, false), (9, false), (10, true), (5000, true)] {
        world.made = Some(world.now - chrono::TimeDelta::minutes(minutes_ago));
        assert_eq!(passes(&world, rules::soak, 'a'), passes_then, "{minutes_ago}");
    }
    world.made = Some(world.now - chrono::TimeDelta::minutes(4));
    let verdict = rules::soak(&world.input().about(&candidate('a'))).unwrap();
    assert_eq!(verdict.opens_at(), Some(world.now + chrono::TimeDelta::minutes(6)));
}

#[test]
fn soak_opens_when_the_last_upstream_has_stood_long_enough() {
    let mut world = World::new();
    assert_eq!(says(&world, rules::soak, 'a'), None);
    world.policy.soak = Some(Duration::from_secs(600));
    world.policy.after = vec!["staging".parse().unwrap(), "eu".parse().unwrap()];
    let eu = World::after("+b +a");
    world.upstream = vec![
        ("staging".parse().unwrap(), Cow::Owned(World::after("+a").state)),
        ("eu".parse().unwrap(), Cow::Owned(eu.state)),
    ];
    world.now = minute(5);
    let verdict = says(&world, rules::soak, 'a').unwrap();
    assert_eq!(verdict.opens_at(), Some(minute(13)), "the later of minutes 11 and 13");
    assert!(words(&verdict).starts_with("4 min of 10 min on staging; passes at "), "{}", words(&verdict));
    world.now = minute(12);
    let verdict = says(&world, rules::soak, 'a').unwrap();
    assert!(words(&verdict).starts_with("9 min of 10 min on eu; passes at "), "{}", words(&verdict));
    world.now = minute(13);
    assert!(passes(&world, rules::soak, 'a'), "to the second");
    // Where it does not stand any more, time alone opens nothing, whatever stands elsewhere.
    for swap in [false, true] {
        let mut world = world.clone();
        world.now = minute(5);
        world.upstream[0].1 = Cow::Owned(World::after("+a +b").state);
        if swap {
            world.upstream.reverse();
        }
        let verdict = says(&world, rules::soak, 'a').unwrap();
        assert_eq!(verdict.opens_at(), None);
        assert!(words(&verdict).contains("2 min of 10 min on staging; it does not stand there now"));
    }
}

#[test]
fn approvals_are_of_others_for_this_candidate() {
    let mut world = World::new();
    world.policy.approvals = 2;
    for (of, by) in [('a', "ana"), ('a', "kim"), ('b', "bob"), ('a', "ana")] {
        world.approve(of, by).unwrap();
    }
    let verdict = says(&world, rules::approvals, 'a').unwrap();
    assert_eq!(words(&verdict), "1 of 2; kim's does not count, kim deploys");
    assert_eq!(fixes(&verdict), ["rel approve v1.1.0-rc.1 prod, by anybody but kim, ana"]);
    world.approve('a', "bob").unwrap();
    assert_eq!(words(&says(&world, rules::approvals, 'a').unwrap()), "approvals 2/2 (ana, bob)");
    world.asked_by = Some(Actor::new("Bob", "BOB@example.com"));
    assert!(!passes(&world, rules::approvals, 'a'), "nor whoever asked for it");
}

#[test]
fn an_approval_of_ones_own_counts_under_no_address() {
    let people = "Kim <kim@example.com> <Kim@Home.Example>\n";
    for (deploys, approves, counts) in [
        ("kim@example.com", "kim@home.example", false),
        ("KIM@HOME.example", "kim@example.com", false),
        ("bob@example.com", "kim@home.example", true),
        ("kim@users.noreply.github.com", "9+Kim@users.noreply.github.com", false),
        ("9+renamed@users.noreply.github.com", "9+kim@users.noreply.github.com", false),
        ("8+kim@users.noreply.github.com", "9+kim@users.noreply.github.com", true),
        ("9-kim@users.noreply.gitlab.com", "9-kim2@users.noreply.gitlab.com", false),
        ("9-kim@users.noreply.github.com", "kim@users.noreply.github.com", true),
        ("kim@noreply.codeberg.org", "KIM@noreply.codeberg.org", false),
        ("kim@users.noreply.github.com", "9+kim@users.noreply.git.example.com", true),
        ("kim@example.com", "9+kim@example.com", true),
    ] {
        let mut world = World::new();
        world.policy.approvals = 1;
        world.people = Rc::new(Mailmap::of([people.as_bytes()]));
        world.actor = Actor::new("approves", approves);
        world.apply(world.next(), approval('a')).unwrap();
        world.actor = person("lou");
        for asks in [false, true] {
            let deployer = Actor::new("deploys", deploys);
            match asks {
                true => world.asked_by = Some(deployer),
                false => world.actor = deployer,
            }
            assert_eq!(passes(&world, rules::approvals, 'a'), counts, "{deploys} {approves}");
        }
        // One person counts once.
        if !counts {
            let mut world = World::new();
            world.policy.approvals = 2;
            world.people = Rc::new(Mailmap::of([people.as_bytes()]));
            for by in [deploys, approves] {
                world.actor = Actor::new("approves", by);
                world.apply(world.next(), approval('a')).unwrap();
            }
            world.actor = person("lou");
            assert!(!passes(&world, rules::approvals, 'a'), "{deploys} {approves}");
        }
    }
}

#[test]
fn an_approval_without_a_good_signature_does_not_count_where_one_is_asked_for() {
    let mut world = World::new();
    world.approve('a', "ana").unwrap();
    world.approve('a', "bob").unwrap();
    world.policy.approvals = 2;
    let signature =
        |name: &str, fault: Option<&str>| Signature { actor: person(name), fault: fault.map(str::to_owned) };
    world.signatures = vec![signature("ana", Some("it is not signed"))];
    assert!(passes(&world, rules::approvals, 'a'), "nobody asks for signatures");
    world.policy.approvals_signed = true;
    let verdict = says(&world, rules::approvals, 'a').unwrap();
    let (ana, bob) = ("ana's does not count: it is not signed", "bob's does not count: its signature was");
    assert!(
        words(&verdict).starts_with(&format!("0 of 2; {ana}; {bob} not looked at")),
        "{}",
        words(&verdict)
    );
    let who = "by anybody but kim who has a key in trunk's .allowed_signers";
    assert_eq!(fixes(&verdict), [format!("rel approve v1.1.0-rc.1 prod, {who}")]);
    world.signatures = vec![signature("ana", None), signature("bob", None)];
    assert!(passes(&world, rules::approvals, 'a'));
    world.asked_by = Some(person("bob"));
    assert_eq!(
        words(&says(&world, rules::approvals, 'a').unwrap()),
        "1 of 2; bob's does not count, bob deploys"
    );
}

#[test]
fn downgrade_is_older_on_trunk_than_what_is_live() {
    let world = World::after("+b");
    let verdict = says(&world, rules::downgrade, 'a').unwrap();
    assert_eq!(fixes(&verdict), ["rel rollback prod --to v1.1.0-rc.1"]);
    assert!(passes(&world, rules::downgrade, 'b') && passes(&world, rules::downgrade, 'c'));
    assert_eq!(says(&World::new(), rules::downgrade, 'a'), None);
}

#[test]
fn held_and_busy_name_what_takes_over() {
    let world = World::after("+a lock");
    let verdict = says(&world, rules::held, 'b').unwrap();
    assert_eq!(words(&verdict), "by kim: \"closed\" (prod#2)");
    assert!(fixes(&verdict).iter().any(|fix| fix.contains("--take-over 2")));
    let world = World::after("+a +b <+");
    assert_eq!(words(&says(&world, rules::held, 'c').unwrap()), "by the rollback prod#3 of kim");
    let world = World::after("+a >b");
    let verdict = says(&world, rules::busy, 'c').unwrap();
    assert!(words(&verdict).starts_with("prod#2 by kim is putting v1.2.0-rc.1 there since "));
    assert!(fixes(&verdict).iter().any(|fix| fix.contains("--take-over 2")));
}

#[test]
fn authors_are_asked_of_what_a_candidate_brings() {
    let mut world = World::new();
    assert_eq!(says(&world, rules::signoff, 'a'), None);
    world.policy.signoff = Some(crate::domain::config::Signoff::Authors);
    assert!(!passes(&world, rules::signoff, 'a'), "not where nobody looked");
    world.signoffs = Some(Signoffs { asked: Some(2), ..Signoffs::default() });
    assert!(passes(&world, rules::signoff, 'a'));
}
