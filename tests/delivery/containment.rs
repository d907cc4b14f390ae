//! Whether commits contain another: as an ancestor, as a recorded pick, as an
//! equal patch; and what took it back.

use crate::delivery::fixture::{Project, SHOP, kind};
use crate::delivery::read::containment::{forms, ways};
use crate::domain::containment::{Via, Way};
use crate::domain::name::Oid;
use crate::failure::Kind;

/// How each tip contains a commit.
fn contained(project: &Project, wanted: Oid, tips: &[Oid]) -> Vec<Option<Way>> {
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let tags = snapshot.tags(&reader).unwrap();
    ways(&reader, &snapshot, &tags, &[wanted], tips).unwrap().remove(0)
}

fn way(via: Via, form: Option<Oid>, reverted_by: Option<Oid>) -> Option<Way> {
    Some(Way { via, form, reverted_by })
}

fn revert_of(commit: Oid) -> String {
    format!("Revert it\n\nThis reverts commit {commit}.\n")
}

#[test]
fn a_commit_is_in_itself_and_in_what_builds_on_it() {
    let project = Project::new(SHOP);
    let before = project.trunk();
    let fix = project.commit("fix");
    let after = project.commit("after");
    let found = contained(&project, fix, &[before, fix, after]);
    assert_eq!(found, [None, way(Via::Ancestor, None, None), way(Via::Ancestor, None, None)]);
}

#[test]
fn a_recorded_pick_contains_its_source_and_the_source_its_pick() {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    let fix = project.commit("fix");
    let picked = project.pick(&old, &[fix]);
    assert_eq!(contained(&project, fix, &[picked.commit]), [way(Via::Pick, Some(picked.commit), None)]);
    assert_eq!(contained(&project, picked.commit, &[fix]), [way(Via::Pick, Some(fix), None)]);
    assert_eq!(contained(&project, fix, &[old.commit]), [None]);
}

#[test]
fn a_pick_of_a_pick_is_the_same_fix() {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    project.commit("two");
    let newer = project.cut("1.1.0");
    let fix = project.commit("fix");
    let there = project.pick(&newer, &[fix]);
    let further = project.pick(&old, &[there.commit]);
    assert_eq!(contained(&project, fix, &[further.commit]), [way(Via::Pick, Some(further.commit), None)]);
    assert_eq!(
        contained(&project, further.commit, &[there.commit]),
        [way(Via::Pick, Some(there.commit), None)]
    );
}

#[test]
fn a_pick_counts_only_while_the_tag_that_records_it_is_the_one_that_was_minted() {
    let project = Project::new(SHOP);
    project.commit_files(&[("a", Some("1\n"))], "one");
    let old = project.cut("1.0.0");
    let fix = project.commit_files(&[("a", Some("2\n"))], "fix");
    let picked = project.pick(&old, &[fix]);
    assert_eq!(contained(&project, fix, &[picked.commit])[0].unwrap().via, Via::Pick);
    project.tag(picked.tag.as_str(), old.commit);
    // What is left is that the patches are equal.
    assert_eq!(contained(&project, fix, &[picked.commit])[0].unwrap().via, Via::Patch);
}

#[test]
fn an_equal_patch_beside_trunk_contains_a_commit() {
    let project = Project::new(SHOP);
    let base = project.commit("one");
    let beside = project.commit_on(&[base], &[("fix", Some("it\n"))], "by hand");
    project.commit("two");
    let fix = project.commit_files(&[("fix", Some("it\n"))], "fix");
    assert_eq!(contained(&project, fix, &[beside]), [way(Via::Patch, Some(beside), None)]);
    let other = project.commit_on(&[base], &[("fix", Some("that\n"))], "another");
    assert_eq!(contained(&project, fix, &[other]), [None]);
}

#[test]
fn a_message_on_trunk_tells_what_a_commit_was_picked_from() {
    let project = Project::new(SHOP);
    let base = project.commit("one");
    let hotfix = project.commit_on(&[base], &[("fix", Some("quick\n"))], "hotfix");
    let landed = project.commit_files(
        &[("fix", Some("well\n"))],
        &format!("hotfix\n\n(cherry picked from commit {hotfix})\n"),
    );
    assert_eq!(contained(&project, hotfix, &[landed]), [way(Via::Pick, Some(landed), None)]);
}

#[test]
fn a_waiver_says_what_a_commit_is_in() {
    let project = Project::new(SHOP);
    let base = project.commit("one");
    let hotfix = project.commit_on(&[base], &[("fix", Some("quick\n"))], "hotfix");
    let landed = project.commit_files(&[("other", Some("well\n"))], "done otherwise");
    assert_eq!(contained(&project, hotfix, &[landed]), [None]);
    project.waive(hotfix, Some(landed));
    assert_eq!(contained(&project, hotfix, &[landed]), [way(Via::Pick, Some(landed), None)]);
}

#[test]
fn what_was_reverted_is_there_and_taken_back() {
    let project = Project::new(SHOP);
    let fix = project.commit("fix");
    let before = project.commit("between");
    let revert = project.commit(&revert_of(fix));
    let found = contained(&project, fix, &[before, revert]);
    assert_eq!(found, [way(Via::Ancestor, None, None), way(Via::Ancestor, None, Some(revert))]);
}

#[test]
fn a_revert_that_was_reverted_takes_nothing_back() {
    let project = Project::new(SHOP);
    let fix = project.commit("fix");
    let revert = project.commit(&revert_of(fix));
    let again = project.commit(&revert_of(revert));
    assert_eq!(contained(&project, fix, &[again]), [way(Via::Ancestor, None, None)]);
}

#[test]
fn the_revert_of_a_merge_takes_back_what_it_brought_and_nothing_else() {
    let project = Project::new(SHOP);
    let base = project.commit("one");
    let brought = project.commit_on(&[base], &[("branch", Some("x\n"))], "on a branch");
    let main = project.commit("two");
    let merge = project.commit_on(&[main, brought], &[("branch", Some("x\n"))], "merge");
    project.move_trunk(merge);
    let revert = project.commit_files(&[("branch", None)], &revert_of(merge));
    assert_eq!(contained(&project, brought, &[revert]), [way(Via::Ancestor, None, Some(revert))]);
    assert_eq!(contained(&project, main, &[revert]), [way(Via::Ancestor, None, None)]);
}

#[test]
fn a_revert_of_the_source_counts_for_its_pick_once_picked() {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    let fix = project.commit_files(&[("fix", Some("it\n"))], "fix");
    let picked = project.pick(&old, &[fix]);
    let revert = project.commit_files(&[("fix", None)], &revert_of(fix));
    assert_eq!(contained(&project, fix, &[picked.commit])[0].unwrap().reverted_by, None);
    let undone = project.pick(&picked, &[revert]);
    assert_eq!(contained(&project, fix, &[undone.commit])[0].unwrap().reverted_by, Some(undone.commit));
}

#[test]
fn the_forms_of_a_commit_are_found_from_each_of_them() {
    let project = Project::new(SHOP);
    project.commit("one");
    let old = project.cut("1.0.0");
    let fix = project.commit("fix");
    let picked = project.pick(&old, &[fix]);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let tags = snapshot.tags(&reader).unwrap();
    let found = forms(&reader, &snapshot, &tags, &[fix, picked.commit, old.commit]).unwrap();
    assert_eq!(found, [vec![fix, picked.commit], vec![picked.commit, fix], vec![old.commit]]);
}

#[test]
fn a_commit_that_is_not_here_cannot_be_asked_about() {
    let project = Project::new(SHOP);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let tags = snapshot.tags(&reader).unwrap();
    let tips = [project.trunk()];
    assert_eq!(
        kind(ways(&reader, &snapshot, &tags, &[Oid::from_bytes([7; Oid::BYTES])], &tips)),
        Kind::Failed
    );
}
