//! What going from what is live to something else leaves behind.

use crate::delivery::fixture::{Project, SHOP};
use crate::delivery::read::left_behind::{LeftBehindFinder, lost_by_cut};
use crate::domain::candidates::Minted;
use crate::domain::left_behind::LeftBehind;
use crate::domain::name::Oid;

/// `prod` runs a candidate with a fix that was picked onto it; the fix, that
/// candidate, and a later one of trunk without the fix.
struct Fixed {
    project: Project,
    fix: Oid,
    live: Minted,
    before: Minted,
}

fn fixed() -> Fixed {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    project.commit("two");
    let before = project.cut("1.1.0");
    let fix = project.commit("fix");
    let live = project.pick(&old, &[fix]);
    project.deploy("prod", live.tag.as_str());
    Fixed { project, fix, live, before }
}

fn going_to(project: &Project, environment: &str, to: &Minted) -> LeftBehind {
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let state = project.chain(environment).state;
    LeftBehindFinder::new(&reader, &snapshot).to_candidate(&state, to).unwrap()
}

fn lost(left: &LeftBehind) -> Vec<Oid> {
    left.lost.iter().map(|lost| lost.fix.source).collect()
}

#[test]
fn where_nothing_is_live_nothing_is_left() {
    let Fixed { project, before, .. } = fixed();
    assert_eq!(going_to(&project, "staging", &before), LeftBehind::default());
}

#[test]
fn a_live_fix_is_lost_to_what_lacks_it() {
    let Fixed { project, fix, live, before } = fixed();
    let left = going_to(&project, "prod", &before);
    assert!(left.owed);
    assert_eq!(lost(&left), [fix]);
    let lost = &left.lost[0];
    assert_eq!((lost.fix.commit, &lost.fix.candidate), (live.commit, &live.tag));
    assert!(lost.live);
    assert_eq!((lost.subject.as_str(), lost.onto.as_deref()), ("fix", Some("1.1.0")));
    assert_eq!(lost.on_trunk, Some((fix, None)));
    assert_eq!(lost.picked.as_ref().unwrap().0.name, "Ana");
}

#[test]
fn a_fix_is_not_lost_to_what_was_cut_after_it() {
    let Fixed { project, .. } = fixed();
    let later = project.cut("1.2.0");
    let left = going_to(&project, "prod", &later);
    assert_eq!((left.owed, lost(&left)), (true, vec![]));
}

#[test]
fn a_fix_is_not_lost_to_what_it_was_picked_onto() {
    let Fixed { project, fix, before, .. } = fixed();
    let picked = project.pick(&before, &[fix]);
    assert_eq!(lost(&going_to(&project, "prod", &picked)), []);
}

#[test]
fn a_fix_is_lost_again_to_what_reverts_it() {
    let Fixed { project, fix, .. } = fixed();
    let revert = project.commit(&format!("Revert it\n\nThis reverts commit {fix}.\n"));
    let later = project.cut("1.2.0");
    let left = going_to(&project, "prod", &later);
    assert_eq!(lost(&left), [fix]);
    assert_eq!(left.lost[0].on_trunk, Some((fix, Some(revert))));
}

#[test]
fn a_revert_takes_a_fix_back_however_it_names_it() {
    for named in [
        |fix: Oid| format!("Revert it\n\nThis reverts commit {} (fix, 2026-11-28).\n", &fix.to_string()[..7]),
        |fix: Oid| format!("Revert it\n\nThis reverts commit {}.\n", &fix.to_string()[..12]),
        |_| "Revert \"fix\" (#13)\n\nReverts shop/shop#12\n".to_owned(),
        |_| "revert: fix\n".to_owned(),
    ] {
        let Fixed { project, fix, .. } = fixed();
        let message = named(fix);
        let revert = project.commit(&message);
        let left = going_to(&project, "prod", &project.cut("1.2.0"));
        assert_eq!(lost(&left), [fix], "{message}");
        assert_eq!(left.lost[0].on_trunk, Some((fix, Some(revert))), "{message}");
    }
}

#[test]
fn a_fix_that_was_rolled_back_and_reverted_is_owed_to_nobody() {
    let project = Project::new(SHOP);
    project.commit("one");
    let before = project.cut("1.0.0");
    project.deploy("prod", before.tag.as_str());
    let fix = project.commit("fix");
    let live = project.pick(&before, &[fix]);
    project.deploy("prod", live.tag.as_str());
    let revert = |of: Oid| project.commit(&format!("Revert it\n\nThis reverts commit {of}.\n"));
    let first = revert(fix);
    let reverted = project.cut("1.1.0");
    assert_eq!(lost(&going_to(&project, "prod", &reverted)), [fix], "it is live");
    let owes = going_to(&project, "prod", &before).owes();
    project.roll_back_owing("prod", before.tag.as_str(), owes);
    assert_eq!(lost(&going_to(&project, "prod", &before)), [], "it is owed to nobody");
    assert_eq!(lost(&going_to(&project, "prod", &reverted)), []);
    revert(first);
    assert_eq!(lost(&going_to(&project, "prod", &reverted)), [fix], "trunk has it again");
}

#[test]
fn what_was_waived_nobody_is_owed() {
    let Fixed { project, fix, live, before } = fixed();
    // In any of its forms.
    for form in [fix, live.commit] {
        project.waive(form, None);
        let left = going_to(&project, "prod", &before);
        assert_eq!((left.owed, lost(&left)), (false, vec![]));
    }
}

#[test]
fn a_waiver_that_names_where_a_fix_is_leaves_it_owed() {
    let Fixed { project, fix, live, before } = fixed();
    let elsewhere = project.commit("done otherwise");
    project.waive(live.commit, Some(elsewhere));
    assert_eq!(lost(&going_to(&project, "prod", &before)), [fix]);
    assert_eq!(lost(&going_to(&project, "prod", &project.cut("1.2.0"))), []);
}

#[test]
fn a_fix_that_touches_nothing_of_the_projects_is_not_owed() {
    let project = Project::new("paths = [\"/web/\"]\n[environments.prod]\ndeploy = \"true\"\n");
    project.commit_files(&[("web/a", Some("1"))], "one");
    let old = project.cut("1.0.0");
    let ours = project.commit_files(&[("web/fix", Some("1"))], "ours");
    let theirs = project.commit_files(&[("api/fix", Some("1"))], "theirs");
    let live = project.pick(&old, &[theirs, ours]);
    project.deploy("prod", live.tag.as_str());
    assert_eq!(lost(&going_to(&project, "prod", &old)), [ours]);
}

#[test]
fn what_is_owed_is_owed_after_what_had_it_was_replaced() {
    let Fixed { project, fix, live, before } = fixed();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let state = project.chain("prod").state;
    let owes = LeftBehindFinder::new(&reader, &snapshot).to_candidate(&state, &before).unwrap().owes();
    let mut intent = project.intent("prod", before.tag.as_str(), crate::domain::env::Action::Deploy);
    intent.owes = owes;
    project.claim("prod", intent);
    project.end("prod", crate::domain::env::Progress::Succeeded);
    project.commit("more");
    let left = going_to(&project, "prod", &project.cut_at("1.1.0", before.commit));
    assert_eq!(lost(&left), [fix]);
    assert!(!left.lost[0].live);
    assert_eq!(left.lost[0].fix.candidate, live.tag);
}

#[test]
fn a_pick_that_takes_back_what_is_not_there_anyway_is_not_lost() {
    let project = Project::new(SHOP);
    let before = project.commit("zero");
    let bad = project.commit("bad");
    let with = project.cut("1.1.0");
    let without = project.cut_at("1.0.0", before);
    let revert = project.commit(&format!("Revert it\n\nThis reverts commit {bad}.\n"));
    let live = project.pick(&with, &[revert]);
    project.deploy("prod", live.tag.as_str());
    assert_eq!(lost(&going_to(&project, "prod", &without)), []);
    assert_eq!(lost(&going_to(&project, "prod", &with)), [revert]);
}

const NO_RETURN: &str = "move the data\n\nRollback-Safe: no\n";

#[test]
fn a_point_of_no_return_is_left_by_going_behind_it() {
    let project = Project::new(SHOP);
    project.commit("one");
    let before = project.cut("1.0.0");
    let point = project.commit(NO_RETURN);
    let beyond = project.cut("1.1.0");
    project.deploy("prod", beyond.tag.as_str());
    let left = going_to(&project, "prod", &before);
    assert_eq!(left.left.iter().map(|left| left.commit).collect::<Vec<_>>(), [point]);
    assert_eq!(left.left[0].subject, "move the data");
    assert_eq!(going_to(&project, "prod", &beyond).left, []);
}

#[test]
fn a_point_of_no_return_that_was_picked_is_not_left() {
    let project = Project::new(SHOP);
    project.commit("one");
    let before = project.cut("1.0.0");
    let point = project.commit(NO_RETURN);
    let beyond = project.cut("1.1.0");
    let picked = project.pick(&before, &[point]);
    project.deploy("prod", beyond.tag.as_str());
    assert_eq!(going_to(&project, "prod", &picked).left, []);
    // Nor by going on from the pick.
    project.deploy("prod", picked.tag.as_str());
    assert_eq!(going_to(&project, "prod", &beyond).left, []);
    assert_eq!(going_to(&project, "prod", &before).left.len(), 1);
}

#[test]
fn a_point_of_no_return_is_reached_by_what_began_and_did_not_succeed() {
    let project = Project::new(SHOP);
    project.commit("one");
    let before = project.cut("1.0.0");
    project.commit(NO_RETURN);
    let beyond = project.cut("1.1.0");
    project.deploy("prod", before.tag.as_str());
    assert_eq!(going_to(&project, "prod", &before).left, []);
    project.fail("prod", beyond.tag.as_str());
    assert_eq!(going_to(&project, "prod", &before).left.len(), 1);
    // Nobody knows how this one ended.
    project.deploy("staging", before.tag.as_str());
    project.lose("staging", beyond.tag.as_str());
    assert_eq!(going_to(&project, "staging", &before).left.len(), 1);
}

#[test]
fn a_cut_tells_which_environments_would_lose_a_fix() {
    let Fixed { project, fix, before, .. } = fixed();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let found = lost_by_cut(&reader, &snapshot, before.commit, &"1.1.0".parse().unwrap()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].lost.fix.source, &found[0].environments[..]), (fix, &["prod".parse().unwrap()][..]));
    let found = lost_by_cut(&reader, &snapshot, project.trunk(), &"1.2.0".parse().unwrap()).unwrap();
    assert!(found.is_empty());
}

#[test]
fn an_environment_that_asks_for_no_fixes_loses_none_by_a_cut() {
    let Fixed { project, before, .. } = fixed();
    project.policy(&format!("{SHOP}lost_fix = \"off\"\n"));
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let found = lost_by_cut(&reader, &snapshot, before.commit, &"1.1.0".parse().unwrap()).unwrap();
    assert!(found.is_empty());
}
