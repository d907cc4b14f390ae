//! What a person means by a revision, and which candidate.

use crate::delivery::fixture::{Project, SHOP, kind};
use crate::delivery::read::revision::Named;
use crate::failure::Kind;

/// Two releases; the first is live in staging, and the second in neither.
fn project() -> Project {
    let project = Project::new(SHOP);
    project.commit("one");
    project.cut("1.0.0");
    project.commit("two");
    project.cut("1.0.0");
    project.commit("three");
    project.cut("1.1.0");
    project.commit("four");
    project.deploy("staging", "v1.0.0-rc.1");
    project.deploy("staging", "v1.0.0-rc.2");
    project
}

#[test]
fn a_candidate_goes_by_each_of_its_names() {
    let project = project();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let rc2 = snapshot.pool[1].commit.to_string();
    for (text, tag, named) in [
        ("v1.0.0-rc.1", "v1.0.0-rc.1", Named::Itself),
        ("1.0.0-rc.1", "v1.0.0-rc.1", Named::Itself),
        ("staging", "v1.0.0-rc.2", Named::Environment),
        ("staging@{0}", "v1.0.0-rc.2", Named::Environment),
        ("staging@{1}", "v1.0.0-rc.1", Named::Environment),
        ("1.0.0", "v1.0.0-rc.2", Named::Release),
        ("v1.1.0", "v1.1.0-rc.1", Named::Release),
        (&rc2, "v1.0.0-rc.2", Named::Commit),
        ("main~1", "v1.1.0-rc.1", Named::Commit),
    ] {
        let (minted, how) = snapshot.candidate_named(&reader, text).unwrap();
        assert_eq!((minted.tag.as_str(), how), (tag, named), "{text}");
    }
}

#[test]
fn what_is_called_by_no_name_is_not_found() {
    let project = project();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    for text in ["v1.0.0-rc.9", "2.0.0", "prod", "staging@{2}", "trunk", "main", "nowhere", "0000000"] {
        assert_eq!(kind(snapshot.candidate(&reader, text)), Kind::NotFound, "{text}");
    }
    assert_eq!(kind(snapshot.candidate(&reader, "staging@{yesterweek}")), Kind::Usage);
}

#[test]
fn any_revision_is_a_point_with_its_tag_where_it_has_one() {
    let project = project();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let pool = &snapshot.pool;
    let trunk = project.trunk();
    for (text, commit, tag) in [
        ("v1.0.0-rc.1", pool[0].commit, Some("v1.0.0-rc.1")),
        ("staging", pool[1].commit, Some("v1.0.0-rc.2")),
        ("staging@{1}", pool[0].commit, Some("v1.0.0-rc.1")),
        ("1.0.0", pool[1].commit, Some("v1.0.0-rc.2")),
        ("trunk", trunk, None),
        ("main", trunk, None),
        ("trunk~1", pool[2].commit, None),
        ("staging^", pool[0].commit, None),
        (&trunk.to_string(), trunk, None),
    ] {
        let point = snapshot.point(&reader, text).unwrap();
        assert_eq!((point.commit, point.tag.as_ref().map(|tag| tag.as_str())), (commit, tag), "{text}");
    }
    for text in ["prod", "nowhere", "1.7.0", "staging~99"] {
        assert_eq!(kind(snapshot.point(&reader, text)), Kind::NotFound, "{text}");
    }
}

#[test]
fn a_closed_release_is_what_its_own_tag_is_at() {
    let project = project();
    let first = project.snapshot().pool[0].clone();
    project.close(&first);
    let snapshot = project.snapshot();
    let point = snapshot.point(&project.reader(), "1.0.0").unwrap();
    assert_eq!((point.commit, point.tag.unwrap().as_str()), (first.commit, "v1.0.0"));
    // To deploy, it is still the newest candidate of it.
    assert_eq!(snapshot.candidate(&project.reader(), "1.0.0").unwrap().tag.as_str(), "v1.0.0-rc.2");
}

#[test]
fn a_foreign_tag_is_a_point_and_no_candidate() {
    let project = project();
    let commit = project.commit("five");
    project.tag("v0.9.0", commit);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let point = snapshot.point(&reader, "v0.9.0").unwrap();
    assert_eq!((point.commit, point.tag.unwrap().as_str()), (commit, "v0.9.0"));
    assert_eq!(kind(snapshot.candidate(&reader, "v0.9.0")), Kind::NotFound);
}

#[test]
fn an_environment_is_found_by_an_earlier_name() {
    let project = project();
    project.policy("[environments.live]\nformerly = [\"staging\"]\ndeploy = \"true\"\n");
    let (reader, snapshot) = (project.reader(), project.snapshot());
    for name in ["live", "staging"] {
        assert_eq!(snapshot.candidate(&reader, name).unwrap().tag.as_str(), "v1.0.0-rc.2", "{name}");
    }
    assert_eq!(snapshot.candidate(&reader, "staging@{1}").unwrap().tag.as_str(), "v1.0.0-rc.1");
}

#[test]
fn an_environment_hides_a_branch_of_its_name() {
    let project = project();
    let beside = project.commit_on(&[project.trunk()], &[("x", Some("y"))], "beside");
    project.git.set_ref("refs/heads/staging", beside);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    assert_eq!(snapshot.point(&reader, "staging").unwrap().commit, snapshot.pool[1].commit);
    assert_eq!(snapshot.point(&reader, "refs/heads/staging").unwrap().commit, beside);
}

#[test]
fn trunk_is_its_tips_newest_candidate_where_it_has_one() {
    let project = project();
    assert_eq!(kind(project.snapshot().candidate(&project.reader(), "trunk")), Kind::NotFound);
    project.cut("1.1.0");
    let again = project.cut("1.1.0");
    let snapshot = project.snapshot();
    for text in ["trunk", "main", "HEAD"] {
        assert_eq!(snapshot.candidate(&project.reader(), text).unwrap().tag, again.tag, "{text}");
    }
}

#[test]
fn what_is_live_and_no_candidate_can_be_looked_at_but_not_deployed() {
    let project = project();
    let commit = project.commit("by hand");
    project.baseline("prod", "v0.1", commit);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let point = snapshot.point(&reader, "prod").unwrap();
    // Nobody ever pushed such a tag.
    assert_eq!((point.commit, point.tag), (commit, None));
    assert_eq!(kind(snapshot.candidate(&reader, "prod")), Kind::NotFound);
}

#[test]
fn a_number_of_a_cut_that_got_no_further_is_no_candidate() {
    let project = project();
    let commit = project.commit("five");
    // A tag object that says it is ours, for a number that was reserved and never minted.
    let minted = project.cut("1.2.0");
    let snapshot = project.snapshot();
    let object = snapshot.minted(&minted.tag).unwrap().tag_object;
    project.reserve("1.2.0-rc.2", commit);
    project.git.set_ref("refs/tags/v1.2.0-rc.2", object);
    let snapshot = project.snapshot();
    assert_eq!(kind(snapshot.candidate(&project.reader(), "v1.2.0-rc.2")), Kind::NotFound);
}
