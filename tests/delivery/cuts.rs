//! What a cut means, and what a pick goes onto.

use crate::delivery::candidate::cut::{CutRequest, intend};
use crate::delivery::candidate::pick::{
    DefaultTarget, PickFate, PickPlan, PickRequest, default_target, plan, since, sources, target,
};
use crate::delivery::fixture::{Heard, Project, SHOP, kind, refused_by};
use crate::domain::candidates::CandidatesEventKind;
use crate::domain::draft::{Draft, Intended};
use crate::domain::name::Oid;
use crate::domain::version::Bump;
use crate::failure::{Failure, Kind};

fn intending(project: &Project, request: &CutRequest) -> Result<Intended, Failure> {
    Ok(intend(&project.reader(), &Heard::default(), &project.snapshot(), request)?)
}

#[track_caller]
fn drafted(project: &Project, request: &CutRequest) -> Box<Draft> {
    match intending(project, request).unwrap() {
        Intended::New(draft) => draft,
        Intended::Exists(minted) => panic!("{} exists", minted.tag),
    }
}

/// The version of what a plain cut would make, with its number.
#[track_caller]
fn version(project: &Project, request: &CutRequest) -> String {
    let draft = drafted(project, request);
    let next = project.candidates().state.next_number(&draft.release).max(draft.least_number);
    format!("{}-rc.{next}", draft.release)
}

fn of_release(release: &str) -> CutRequest {
    CutRequest { release: Some(release.to_owned()), ..CutRequest::default() }
}

fn at_version(version: &str) -> CutRequest {
    CutRequest { version: Some(version.to_owned()), ..CutRequest::default() }
}

/// `1.0.0` of a first commit.
fn project() -> Project {
    let project = Project::new(SHOP);
    project.commit("one");
    project.cut("1.0.0");
    project
}

#[test]
fn the_next_version_goes_by_the_messages_since_the_last() {
    for (message, expected) in [
        ("docs: a word", "1.0.1-rc.1"),
        ("fix: it", "1.0.1-rc.1"),
        ("feat: more", "1.1.0-rc.1"),
        ("feat!: otherwise", "2.0.0-rc.1"),
        ("fix: it\n\nBREAKING CHANGE: all", "2.0.0-rc.1"),
    ] {
        let project = project();
        project.commit(message);
        assert_eq!(version(&project, &CutRequest::default()), expected, "{message}");
    }
}

#[test]
fn what_is_to_be_raised_can_be_said() {
    let project = project();
    project.commit("docs: a word");
    for (bump, expected) in [(Bump::Major, "2.0.0"), (Bump::Minor, "1.1.0"), (Bump::Patch, "1.0.1")] {
        let request = CutRequest { bump: Some(bump), ..CutRequest::default() };
        assert_eq!(drafted(&project, &request).release.to_string(), expected);
    }
}

#[test]
fn a_version_can_be_said_unless_it_is_taken() {
    let project = project();
    let commit = project.commit("two");
    assert_eq!(version(&project, &at_version("3.0.0")), "3.0.0-rc.1");
    assert_eq!(kind(intending(&project, &at_version("1.0.0"))), Kind::Refused);
    assert_eq!(kind(intending(&project, &at_version("three"))), Kind::Usage);
    project.tag("v4.0.0", commit);
    assert_eq!(refused_by(intending(&project, &at_version("4.0.0"))), ["version"]);
    // By a build of another commit, too; a build of this one only takes the number.
    project.reserve("5.0.0-rc.1", project.snapshot().pool[0].commit);
    assert_eq!(refused_by(intending(&project, &at_version("5.0.0"))), ["version"]);
    project.reserve("6.0.0-rc.1", commit);
    assert_eq!(version(&project, &at_version("6.0.0")), "6.0.0-rc.2");
}

#[test]
fn the_next_candidate_of_an_open_release_gets_its_next_number() {
    let project = project();
    project.commit("feat: more");
    assert_eq!(version(&project, &of_release("1.0.0")), "1.0.0-rc.2");
    assert_eq!(version(&project, &of_release("v1.0.0")), "1.0.0-rc.2");
    assert_eq!(kind(intending(&project, &of_release("7.0.0"))), Kind::NotFound);
    let first = project.snapshot().pool[0].clone();
    project.close(&first);
    assert_eq!(refused_by(intending(&project, &of_release("1.0.0"))), ["release"]);
}

#[test]
fn a_number_that_was_given_up_is_not_used_again() {
    let project = project();
    let commit = project.commit("two");
    project.reserve("1.0.0-rc.2", commit);
    let version_ = "1.0.0-rc.2".parse().unwrap();
    project.candidates_event(CandidatesEventKind::Abandoned {
        version: version_,
        commit,
        reason: "it died".to_owned(),
        failed: false,
    });
    assert_eq!(version(&project, &of_release("1.0.0")), "1.0.0-rc.3");
}

#[test]
fn a_release_never_goes_back_on_trunk() {
    let project = project();
    let earlier = project.commit("two");
    project.commit("three");
    project.cut("1.0.0");
    let request = CutRequest { rev: Some(earlier.to_string()), ..of_release("1.0.0") };
    assert_eq!(refused_by(intending(&project, &request)), ["trunk"]);
}

#[test]
fn what_has_a_candidate_is_not_cut_again_unless_asked() {
    let project = project();
    let exists = |request: &CutRequest| match intending(&project, request).unwrap() {
        Intended::Exists(minted) => Some(minted.tag.to_string()),
        Intended::New(_) => None,
    };
    assert_eq!(exists(&CutRequest::default()).as_deref(), Some("v1.0.0-rc.1"));
    assert_eq!(exists(&of_release("1.0.0")).as_deref(), Some("v1.0.0-rc.1"));
    assert_eq!(exists(&at_version("2.0.0")), None, "a release of its own was asked for");
    let again = CutRequest { again: true, ..CutRequest::default() };
    assert_eq!(version(&project, &again), "1.0.0-rc.2", "of its open release");
    let minor = CutRequest { again: true, bump: Some(Bump::Minor), ..CutRequest::default() };
    assert_eq!(version(&project, &minor), "1.1.0-rc.1");
    let first = project.snapshot().pool[0].clone();
    project.close(&first);
    assert_eq!(version(&project, &again), "1.0.1-rc.1", "its release is closed");
}

#[test]
fn if_changed_asks_for_a_change_of_the_projects() {
    let project = Project::new(&format!("paths = [\"/web/\"]\n{SHOP}"));
    project.commit_files(&[("web/a", Some("1"))], "one");
    project.cut("1.0.0");
    let if_changed = CutRequest { if_changed: true, ..CutRequest::default() };
    project.commit_files(&[("api/a", Some("1"))], "feat: elsewhere");
    assert!(matches!(intending(&project, &if_changed).unwrap(), Intended::Exists(_)));
    assert_eq!(version(&project, &CutRequest::default()), "1.0.1-rc.1", "what is elsewhere raises little");
    project.commit_files(&[("web/a", Some("2"))], "feat: here");
    assert_eq!(version(&project, &if_changed), "1.1.0-rc.1");
}

#[test]
fn only_what_is_on_trunk_is_cut() {
    let project = project();
    let two = project.commit("two");
    let beside = project.commit_on(&[two], &[("x", Some("y"))], "beside");
    let at = |rev: &str| CutRequest { rev: Some(rev.to_owned()), ..CutRequest::default() };
    for rev in ["trunk", "main", &two.to_string()] {
        assert_eq!(drafted(&project, &at(rev)).commit, two, "{rev}");
    }
    assert_eq!(refused_by(intending(&project, &at(&beside.to_string()))), ["trunk"]);
    assert_eq!(kind(intending(&project, &at("nowhere"))), Kind::NotFound);
}

#[test]
fn others_tags_count_for_versions_and_numbers() {
    let project = Project::new(SHOP);
    let one = project.commit("one");
    project.tag("v2.3.0", one);
    project.commit("fix: it");
    assert_eq!(version(&project, &CutRequest::default()), "2.3.1-rc.1");
    // Wherever it is, nothing is released below it.
    let elsewhere = project.commit_on(&[one], &[("x", Some("y"))], "elsewhere");
    project.tag("v4.0.0", elsewhere);
    assert_eq!(version(&project, &CutRequest::default()), "4.0.1-rc.1");
    project.tag("v4.0.1-rc.6", elsewhere);
    assert_eq!(version(&project, &at_version("4.0.2")), "4.0.2-rc.1");
    project.tag("v5.0.0-rc.6", elsewhere);
    assert_eq!(drafted(&project, &at_version("6.0.0")).least_number, 1);
}

#[test]
fn a_draft_knows_its_place_on_trunk() {
    let project = project();
    let two = project.commit("two");
    let draft = drafted(&project, &CutRequest::default());
    assert_eq!((draft.commit, draft.trunk_commit, draft.position), (two, two, 3));
    assert!(draft.yields && draft.parent.is_none() && draft.picks.is_empty() && !draft.follows);
    let again = CutRequest { again: true, ..CutRequest::default() };
    assert!(!drafted(&project, &again).yields);
}

#[test]
fn a_baseline_is_what_a_first_cut_counts_from() {
    let project = Project::new(SHOP);
    let one = project.commit("feat: one");
    project.baseline("prod", "live-by-hand", one);
    project.commit("fix: two");
    let draft = drafted(&project, &CutRequest::default());
    assert!(draft.text.contains("two") && !draft.text.contains("one\n"), "{}", draft.text);
}

// ---- picks ----

#[test]
fn a_pick_goes_onto_the_newest_release_unless_another_is_live() {
    let project = Project::new(SHOP);
    assert_eq!(kind(default_target(&project.snapshot())), Kind::NotFound);
    project.commit("one");
    let old = project.cut("1.0.0");
    project.commit("two");
    let new = project.cut("1.1.0");
    let newest = |project: &Project| match default_target(&project.snapshot()).unwrap() {
        DefaultTarget::Newest(target) => Some((target.onto, target.follows)),
        DefaultTarget::Either { .. } => None,
    };
    assert_eq!(newest(&project), Some((new.tag.clone(), true)));
    project.deploy("staging", old.tag.as_str());
    assert_eq!(newest(&project), Some((new.tag.clone(), true)), "staging is not final");
    project.deploy("prod", old.tag.as_str());
    let again = project.cut_at("1.0.0", old.commit);
    match default_target(&project.snapshot()).unwrap() {
        DefaultTarget::Either { live, newest } => {
            assert_eq!((live.0.to_string().as_str(), live.1.onto), ("1.0.0", again.tag));
            assert_eq!((newest.0.to_string().as_str(), newest.1.onto), ("1.1.0", new.tag.clone()));
        }
        DefaultTarget::Newest(_) => panic!("nobody is asked"),
    }
    project.deploy("prod", new.tag.as_str());
    assert_eq!(newest(&project), Some((new.tag, true)));
}

#[test]
fn a_release_is_followed_and_a_candidate_is_not() {
    let project = project();
    let (reader, snapshot) = (project.reader(), project.snapshot());
    assert!(target(&reader, &snapshot, "1.0.0").unwrap().follows);
    assert!(!target(&reader, &snapshot, "v1.0.0-rc.1").unwrap().follows);
    assert_eq!(kind(target(&reader, &snapshot, "2.0.0")), Kind::NotFound);
}

#[test]
fn since_a_release_is_every_later_one_but_what_a_patch_release_took_over() {
    let project = project();
    let first = project.snapshot().pool[0].clone();
    project.commit("two");
    project.cut("1.1.0");
    project.commit("three");
    let third = project.cut("1.2.0");
    let tags = |text: &str| -> Vec<String> {
        let found = since(&project.reader(), &project.snapshot(), text).unwrap();
        found.into_iter().map(|target| target.onto.to_string()).collect()
    };
    assert_eq!(tags("1.1.0"), ["v1.1.0-rc.1", "v1.2.0-rc.1"]);
    let fix = project.commit("fix");
    project.close(&first);
    project.pick_as("1.0.1", &first, &[fix]);
    assert_eq!(tags("1.0.0"), ["v1.0.1-rc.1", "v1.1.0-rc.1", "v1.2.0-rc.1"]);
    assert_eq!(tags(third.tag.as_str()), ["v1.2.0-rc.1"]);
}

#[test]
fn commits_to_pick_are_named_one_by_one_or_as_a_range() {
    let project = project();
    let commits: Vec<Oid> = ["two", "three", "four"].map(|message| project.commit(message)).into();
    let reader = project.reader();
    let named =
        |revs: &[&str]| sources(&reader, &revs.iter().map(|rev| (*rev).to_owned()).collect::<Vec<_>>());
    assert_eq!(named(&["main~3..main"]).unwrap(), commits, "oldest first");
    assert_eq!(named(&["main~3.."]).unwrap(), commits);
    assert_eq!(named(&["main", "main~2", "main"]).unwrap(), [commits[2], commits[0]], "each once");
    assert_eq!(kind(named(&["nowhere"])), Kind::NotFound);
    assert_eq!(kind(named(&["main..main~1"])), Kind::NotFound, "nothing is in it");
    assert_eq!(kind(named(&["main~1...main"])), Kind::Usage);
}

#[test]
fn what_is_in_a_candidate_already_is_not_picked_again() {
    let project = project();
    let first = project.snapshot().pool[0].clone();
    let fix = project.commit("fix");
    let picked = project.pick(&first, &[fix]);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let onto = target(&reader, &snapshot, "1.0.0").unwrap();
    let wanted =
        PickRequest { commits: vec![first.commit, fix, picked.commit], mainline: None, known: Vec::new() };
    let mut fates = Vec::new();
    let planned = plan(&reader, &snapshot, &onto, &wanted, &mut fates).unwrap();
    let PickPlan::Ready(Intended::Exists(exists)) = planned else { panic!("{planned:?}") };
    assert_eq!(exists.tag, picked.tag);
    let contained: Vec<Oid> = fates
        .iter()
        .map(|fate| match fate {
            PickFate::Contained(commit, _) => *commit,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(contained, wanted.commits);
}
