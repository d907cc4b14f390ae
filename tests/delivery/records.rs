//! Writing down what another system did: what is meant, what is judged, and
//! which events come of it.

use std::collections::BTreeSet;

use crate::delivery::fixture::{Heard, Project, SHOP, env, kind, refused_by};
use crate::delivery::steps::record::{
    RecordPlan, RecordRequest, RecordTarget, RecordedState, events, judge, target,
};
use crate::domain::candidates::Minted;
use crate::domain::env::{Action, EnvEventKind, Intent, Progress, Trigger};
use crate::domain::gate::Gate;
use crate::failure::{Failure, Kind};

fn meant(project: &Project, text: &str) -> Result<RecordTarget, Failure> {
    Ok(target(&project.reader(), &project.snapshot(), text)?)
}

/// What is asked beside the target.
#[derive(Default)]
struct Asked<'a> {
    overrides: &'a [Gate],
    take_over: Option<u64>,
}

/// What recording `text` comes to: the plan's kind, and its events.
fn recording(
    project: &Project,
    environment: &str,
    text: &str,
    said: RecordedState,
    asked: &Asked<'_>,
) -> Result<(&'static str, Vec<EnvEventKind>), Failure> {
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let overrides: BTreeSet<Gate> = asked.overrides.iter().copied().collect();
    let request = RecordRequest {
        environment: snapshot.environment(&env(environment))?,
        target: &target(&reader, &snapshot, text)?,
        said,
        reason: Some("it was"),
        overrides: &overrides,
        take_over: asked.take_over,
    };
    let judged = judge(&reader, &snapshot, &request, snapshot.chain(&env(environment))?)?;
    let sort = match &judged {
        RecordPlan::Nothing => "nothing",
        RecordPlan::Ends(..) => "ends",
        RecordPlan::New(_) => "new",
    };
    let events = events(&reader, &Heard::default(), &request, judged, None)?
        .map(|(events, _)| events)
        .unwrap_or_default();
    Ok((sort, events.into_iter().map(|event| event.what).collect()))
}

fn plainly(
    project: &Project,
    environment: &str,
    text: &str,
    said: RecordedState,
) -> Result<(&'static str, Vec<EnvEventKind>), Failure> {
    recording(project, environment, text, said, &Asked::default())
}

#[track_caller]
fn intent(what: &EnvEventKind) -> &Intent {
    what.intent().unwrap()
}

fn project() -> (Project, [Minted; 2]) {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    project.commit("two");
    let new = project.cut("1.1.0");
    project.deploy("staging", old.tag.as_str());
    (project, [old, new])
}

use RecordedState::{Failed, Started, Succeeded};

#[test]
fn what_is_recorded_is_a_candidate_a_tag_or_a_commit() {
    let (project, [old, new]) = project();
    let by_hand = project.commit("by hand");
    project.tag("v1.0.7", by_hand);
    project.tag("nightly", by_hand);
    let trunk = project.trunk().to_string();
    for (text, tag, version, foreign, position) in [
        ("v1.0.0-rc.1", "v1.0.0-rc.1", true, None, old.position),
        ("1.1.0", "v1.1.0-rc.1", true, None, new.position),
        ("staging", "v1.0.0-rc.1", true, None, old.position),
        ("v1.0.7", "v1.0.7", false, Some("1.0.7"), 4),
        ("1.0.7", "v1.0.7", false, Some("1.0.7"), 4),
        ("nightly", "nightly", false, None, 4),
        ("trunk", &trunk, false, None, 4),
        ("main~3", &project.trunk().to_string(), false, None, 1),
    ] {
        let target = meant(&project, text).unwrap();
        if text != "main~3" {
            assert_eq!(target.tag.as_str(), tag, "{text}");
        }
        assert_eq!(
            (target.version.is_some(), target.foreign_version.as_deref()),
            (version, foreign),
            "{text}"
        );
        assert_eq!(target.position, position, "{text}");
    }
    for text in ["prod", "v9.9.9", "nowhere"] {
        assert_eq!(kind(meant(&project, text)), Kind::NotFound, "{text}");
    }
}

#[test]
fn what_stands_beside_trunk_has_no_place_on_it() {
    let (project, _) = project();
    let beside = project.commit_on(&[project.trunk()], &[("x", Some("y"))], "beside");
    assert_eq!(meant(&project, &beside.to_string()).unwrap().position, 0);
}

#[test]
fn a_candidate_whose_tag_is_another_by_now_is_not_recorded() {
    let (project, [old, new]) = project();
    project.git.set_ref(new.tag.to_ref(), old.tag_object);
    assert_eq!(kind(meant(&project, "1.1.0")), Kind::Integrity);
    project.git.set_ref(old.tag.to_ref(), new.tag_object);
    assert_eq!(kind(meant(&project, "staging")), Kind::Integrity, "nor by where it is live");
}

#[test]
fn a_success_is_an_intent_and_its_outcome() {
    let (project, [old, new]) = project();
    let (sort, whats) = plainly(&project, "staging", "1.1.0", Succeeded).unwrap();
    assert_eq!((sort, whats.len()), ("new", 2));
    let deployment = &intent(&whats[0]).deployment;
    assert_eq!((deployment.id.to_string().as_str(), &deployment.tag), ("staging#2", &new.tag));
    assert_eq!((deployment.trigger, deployment.action), (Trigger::Recorded, Action::Deploy));
    assert_eq!(deployment.from_tag.as_ref(), Some(&old.tag));
    assert_eq!(deployment.host, None, "where it ran nobody said");
    assert_eq!(intent(&whats[0]).position, new.position);
    assert!(matches!(&whats[1], EnvEventKind::Outcome(o) if o.state == Progress::Succeeded && o.started));
}

#[test]
fn a_start_is_an_intent_alone_and_its_end_an_outcome_alone() {
    let (project, _) = project();
    let (sort, mut whats) = plainly(&project, "staging", "1.1.0", Started).unwrap();
    assert_eq!((sort, whats.len()), ("new", 1));
    project.event("staging", None, "Ana", whats.remove(0));
    for (said, state) in [(Succeeded, Progress::Succeeded), (Failed, Progress::Failed)] {
        let (sort, whats) = plainly(&project, "staging", "1.1.0", said).unwrap();
        assert_eq!((sort, whats.len()), ("ends", 1));
        assert!(matches!(&whats[0], EnvEventKind::Outcome(outcome) if outcome.state == state));
    }
    // What is another's is not ended by it.
    assert_eq!(refused_by(plainly(&project, "staging", "1.0.0", Succeeded)), ["busy"]);
    assert_eq!(kind(plainly(&project, "staging", "1.1.0", Started)), Kind::Busy);
}

#[test]
fn a_deployment_of_rels_own_is_not_ended_by_a_record() {
    let (project, _) = project();
    project.begin("staging", "v1.1.0-rc.1");
    assert_eq!(kind(plainly(&project, "staging", "1.1.0", Succeeded)), Kind::Busy);
}

#[test]
fn what_is_live_for_sure_is_not_written_down_again() {
    let (project, [old, _]) = project();
    assert_eq!(plainly(&project, "staging", "1.0.0", Succeeded).unwrap().0, "nothing");
    // A commit is what is live by whatever name it went there.
    assert_eq!(plainly(&project, "staging", &old.commit.to_string(), Succeeded).unwrap().0, "nothing");
    let (_, whats) = plainly(&project, "staging", "1.0.0", Failed).unwrap();
    assert_eq!(intent(&whats[0]).deployment.action, Action::Redeploy);
    // After a failure what runs is not known.
    project.fail("staging", "v1.1.0-rc.1");
    assert_eq!(plainly(&project, "staging", "1.0.0", Succeeded).unwrap().0, "new");
}

#[test]
fn gates_are_asked_of_starts_and_of_successes_and_not_of_failures() {
    let (project, _) = project();
    for said in [Started, Succeeded] {
        assert_eq!(refused_by(plainly(&project, "prod", "1.1.0", said)), ["order"], "{said:?}");
    }
    assert_eq!(plainly(&project, "prod", "1.1.0", Failed).unwrap().0, "new");
    let asked = Asked { overrides: &[Gate::Order], ..Asked::default() };
    let (_, whats) = recording(&project, "prod", "1.1.0", Succeeded, &asked).unwrap();
    let overrides = &intent(&whats[0]).deployment.overrides;
    assert_eq!(overrides.iter().map(|one| one.gate).collect::<Vec<_>>(), [Gate::Order]);
}

#[test]
fn a_first_baseline_is_known_and_a_later_one_is_judged() {
    let policy = format!(
        "{SHOP}freeze = [{{ from = \"2020-01-01T00:00\", to = \"2099-01-01T00:00\", reason = \"shut\" }}]\n"
    );
    let project = Project::new(&policy);
    let first = project.commit("one").to_string();
    let second = project.commit("two").to_string();
    assert_eq!(plainly(&project, "prod", &first, Succeeded).unwrap().0, "new", "all begins with one");
    assert_eq!(refused_by(plainly(&project, "prod", &first, Started)), ["freeze"]);
    project.baseline("prod", &format!("commit-{first}"), first.parse().unwrap());
    assert_eq!(refused_by(plainly(&project, "prod", &second, Succeeded)), ["freeze"]);
}

#[test]
fn where_no_gate_is_asked_none_is_passed() {
    let (project, _) = project();
    let asked = Asked { overrides: &[Gate::Order], ..Asked::default() };
    assert_eq!(kind(recording(&project, "prod", "1.1.0", Failed, &asked)), Kind::Usage);
    assert_eq!(kind(recording(&project, "prod", "trunk", Succeeded, &asked)), Kind::Usage);
    let (_, mut whats) = plainly(&project, "staging", "1.1.0", Started).unwrap();
    project.event("staging", None, "Ana", whats.remove(0));
    assert_eq!(kind(recording(&project, "staging", "1.1.0", Succeeded, &asked)), Kind::Usage);
}

#[test]
fn a_hold_or_a_deployment_in_flight_stops_any_record_but_can_be_taken_over() {
    let (project, _) = project();
    let hold = project.hold("prod");
    for said in [Started, Succeeded, Failed] {
        let refused = refused_by(plainly(&project, "prod", "1.0.0", said));
        assert_eq!(refused, ["held"], "{said:?}");
    }
    let over = Asked { take_over: Some(hold), ..Asked::default() };
    let (_, whats) = recording(&project, "prod", "1.0.0", Succeeded, &over).unwrap();
    assert!(matches!(whats[0], EnvEventKind::Unhold { token, .. } if token == hold));
    assert_eq!(intent(&whats[1]).deployment.id.to_string(), "prod#3");
    let wrong = Asked { take_over: Some(7), ..Asked::default() };
    assert_eq!(kind(recording(&project, "prod", "1.0.0", Succeeded, &wrong)), Kind::Held);
}

#[test]
fn a_record_says_what_the_environment_is_owed_then() {
    let (project, [old, new]) = project();
    let fix = project.commit("fix");
    let picked = project.pick(&old, &[fix]);
    project.deploy("staging", picked.tag.as_str());
    let (_, whats) = plainly(&project, "staging", new.tag.as_str(), Succeeded).unwrap();
    assert_eq!(intent(&whats[0]).owes.iter().map(|owed| owed.source).collect::<Vec<_>>(), [fix]);
    // That it failed changes nothing of it.
    let (_, whats) = plainly(&project, "staging", new.tag.as_str(), Failed).unwrap();
    assert_eq!(intent(&whats[0]).owes.len(), 1);
}
