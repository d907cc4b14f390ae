//! What is found of tags that are not what their chain vouches for.

use super::chains::{ChainRecords, ClosedEvent};
use super::{Examination, tags};
use crate::delivery::fixture::{Heard, Project, SHOP};
use crate::domain::candidates::Minted;

/// What checking the tags finds: the ref, and whether it can be put back from here.
fn found(project: &Project, closed: &[ClosedEvent]) -> Vec<(String, bool)> {
    let (reader, heard) = (project.reader(), Heard::default());
    let mut look = Examination::take(&reader, &heard, true).unwrap();
    let minted = project.snapshot().pool;
    let told = ChainRecords { minted, closed: closed.to_vec(), whole: true };
    tags::check(&mut look, &told).unwrap();
    let found = look.report.found.iter();
    found.map(|(finding, repair)| (finding.ref_name.clone().unwrap(), repair.is_some())).collect()
}

fn project() -> (Project, [Minted; 2]) {
    let project = Project::new(SHOP);
    project.commit("one");
    let minted = [project.cut("1.0.0"), project.cut("1.0.0")];
    (project, minted)
}

fn one(name: &str, repairable: bool) -> [(String, bool); 1] {
    [(name.to_owned(), repairable)]
}

#[test]
fn tags_as_they_were_minted_are_right() {
    let (project, _) = project();
    assert_eq!(found(&project, &[]), []);
}

#[test]
fn a_tag_that_was_moved_is_put_back_by_people() {
    let (project, [first, second]) = project();
    project.git.set_ref(second.tag.to_ref(), first.tag_object);
    assert_eq!(found(&project, &[]), one("refs/tags/v1.0.0-rc.2", false));
    project.git.set_ref(second.tag.to_ref(), second.commit);
    assert_eq!(found(&project, &[]), one("refs/tags/v1.0.0-rc.2", false), "lightweight");
}

#[test]
fn a_tag_that_is_gone_is_put_back_by_a_repair() {
    let (project, [first, _]) = project();
    project.git.remove_ref(first.tag.to_ref());
    assert_eq!(found(&project, &[]), one("refs/tags/v1.0.0-rc.1", true));
}

#[test]
fn a_tag_that_says_it_is_ours_and_that_no_chain_knows_is_told() {
    let (project, _) = project();
    project.tag("v9.0.0", project.trunk());
    assert_eq!(found(&project, &[]), [], "somebody else's tags are their business");
    project.forget_last_candidate();
    assert_eq!(found(&project, &[]), one("refs/tags/v1.0.0-rc.2", false));
}

#[test]
fn a_releases_own_tag_is_checked_as_well() {
    let (project, [first, _]) = project();
    let object = project.close(&first);
    let closed = ClosedEvent {
        release: first.version.release.clone(),
        tag: "v1.0.0".parse().unwrap(),
        candidate: first.tag.clone(),
        commit: first.commit,
        tag_object: Some(object),
    };
    let closed = [closed];
    assert_eq!(found(&project, &closed), []);
    project.git.set_ref("refs/tags/v1.0.0", first.commit);
    assert_eq!(found(&project, &closed), one("refs/tags/v1.0.0", false));
    project.git.remove_ref("refs/tags/v1.0.0");
    assert_eq!(found(&project, &closed), one("refs/tags/v1.0.0", true));
}
