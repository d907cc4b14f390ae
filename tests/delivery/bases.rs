//! A cut, the text of its tag, `show` and `changelog` count from one place.

use crate::delivery::candidate::cut::{CutRequest, intend};
use crate::delivery::fixture::{Heard, Project, SHOP};
use crate::delivery::read::base::{ChangesOf, brought};
use crate::delivery::read::changelog::gather;
use crate::domain::changes::{Change, summary};
use crate::domain::draft::Intended;
use crate::domain::name::Oid;
use crate::domain::since::Since;

/// Somebody's release, tagged at a commit that they choose.
fn released(project: &Project, version: &str) {
    project.commit(&format!("chore: release {version}"));
    project.tag(&format!("v{version}"), project.trunk());
}

/// A release of ours that reached a final environment.
fn shipped(project: &Project, version: &str) {
    project.commit(&format!("chore: prepare {version}"));
    let minted = project.cut(version);
    project.close(&minted);
}

fn revert(project: &Project, commit: Oid) {
    project.commit(&format!("Revert \"it\"\n\nThis reverts commit {commit}.\n"));
}

/// Merges what a branch has that left trunk at its tip.
fn merge(project: &Project, messages: &[&str], message: &str) -> (Oid, Oid) {
    let trunk = project.trunk();
    let mut tip = trunk;
    for (n, message) in messages.iter().enumerate() {
        tip = project.commit_on(&[tip], &[(&format!("branch-{n}-{trunk}"), Some(*message))], message);
    }
    let merged = project.commit_on(&[trunk, tip], &[(&format!("merge-{trunk}"), Some("m"))], message);
    project.move_trunk(merged);
    (merged, tip)
}

fn told(changes: &[Change]) -> String {
    changes.iter().map(|change| change.subject.as_str()).collect::<Vec<_>>().join(", ")
}

/// The release that a cut opens, what it says that it counts from, and its changes.
#[track_caller]
fn cut(project: &Project) -> (String, String, String) {
    let heard = Heard::default();
    let intended = intend(&project.reader(), &heard, &project.snapshot(), &CutRequest::default()).unwrap();
    let Intended::New(draft) = intended else { panic!("it exists") };
    let minted = project.cut(&draft.release.to_string());
    let snapshot = project.snapshot();
    let subject = ChangesOf::candidate(&snapshot, &minted);
    let (since, changes) = brought(&project.reader(), &heard, &snapshot, &subject).unwrap();
    let changes = changes.unwrap();
    let listed = summary(&changes);
    let says = match since {
        Since::Beginning { .. } => listed,
        _ if listed.is_empty() => format!("No changes since {since}."),
        _ => format!("Changes since {since}:\n\n{listed}"),
    };
    assert_eq!(draft.text, says, "the text of the tag is not what is shown");
    (draft.release.to_string(), since.to_string(), told(&changes))
}

/// What the changelog of the newest candidate counts from, and its changes.
fn changelog(project: &Project) -> (String, String) {
    let snapshot = project.snapshot();
    let newest = snapshot.pool.last().unwrap();
    let found = gather(&project.reader(), &Heard::default(), &snapshot, newest).unwrap();
    (found.since.to_string(), told(&found.changes))
}

#[test]
fn everything_counts_from_the_highest_version_and_nothing_that_was_taken_back_counts() {
    type Scene = fn(&Project);
    for (what, scene, release, since, changes) in [
        (
            "a bot's lower tag on a later commit",
            (|p: &Project| {
                shipped(p, "0.2.0");
                released(p, "0.1.5");
                p.tag("v0.1", p.trunk());
                p.commit("fix: a");
            }) as Scene,
            "0.2.1",
            "0.2.0",
            "fix: a, chore: release 0.1.5",
        ),
        (
            "a maintenance line that was merged back",
            |p| {
                released(p, "1.9.0");
                let line = p.trunk();
                p.commit("feat!: all new");
                released(p, "2.0.0");
                let patch = p.commit_on(&[line], &[("patch", Some("p"))], "fix: of old");
                p.tag("v1.9.1", patch);
                let merge = [p.trunk(), patch];
                p.move_trunk(p.commit_on(&merge, &[("patch", Some("p"))], "Merge branch '1.9'"));
                p.commit("fix: a");
            },
            "2.0.1",
            "2.0.0",
            "fix: a, fix: of old",
        ),
        (
            "what breaks, and its revert",
            |p| {
                shipped(p, "1.2.0");
                revert(p, p.commit("feat!: all new"));
                p.commit("fix: a");
            },
            "1.2.1",
            "1.2.0",
            "fix: a",
        ),
        (
            "a feature alone, and its revert",
            |p| {
                shipped(p, "1.2.0");
                revert(p, p.commit("feat: new"));
            },
            "1.2.1",
            "1.2.0",
            "",
        ),
        (
            "a merge, and its revert",
            |p| {
                shipped(p, "1.2.0");
                let (merge, _) = merge(p, &["feat!: all new", "feat: more"], "Merge branch 'new'");
                revert(p, merge);
                p.commit("fix: a");
            },
            "1.2.1",
            "1.2.0",
            "fix: a",
        ),
        (
            "a revert that was reverted",
            |p| {
                shipped(p, "1.2.0");
                revert(p, p.commit("feat: new"));
                revert(p, p.trunk());
            },
            "1.3.0",
            "1.2.0",
            "feat: new",
        ),
        (
            "a feature that the release before had as a pick",
            |p| {
                shipped(p, "0.1.0");
                let first = p.snapshot().pool[0].clone();
                let feature = p.commit("feat: picked");
                let patch = p.pick_as("0.1.1", &first, &[feature]);
                p.close(&patch);
                p.commit("fix: a");
            },
            "0.1.2",
            "0.1.1",
            "fix: a",
        ),
        (
            "a release that was tagged on a branch and is live",
            |p| {
                released(p, "1.0.0");
                p.commit("feat: shared");
                p.tag("v1.1.0-rc.0", p.trunk());
                let fix = p.commit_on(&[p.trunk()], &[("fix", Some("f"))], "fix: on the branch");
                p.tag("v1.1.0", fix);
                p.baseline_of("prod", "v1.1.0", fix, 0);
                p.commit("fix: a");
            },
            "1.1.1",
            "v1.1.0",
            "fix: a",
        ),
        (
            "a tag that is at no commit",
            |p| {
                shipped(p, "0.2.0");
                p.tag("v9.0.0", p.git.blob("no commit"));
                p.commit("fix: a");
            },
            "0.2.1",
            "0.2.0",
            "fix: a",
        ),
    ] {
        let project = Project::new(SHOP);
        scene(&project);
        let (found_release, found_since, found_changes) = cut(&project);
        assert_eq!(
            (found_release.as_str(), found_since.as_str(), found_changes.as_str()),
            (release, since, changes),
            "{what}"
        );
        assert_eq!(changelog(&project), (found_since, found_changes), "{what}");
    }
}

#[test]
fn an_older_commit_never_takes_a_version_back() {
    let project = Project::new(SHOP);
    project.commit("one");
    project.cut("1.0.0");
    let older = project.commit("feat!: two");
    project.commit("three");
    project.cut("2.0.0");
    let request = CutRequest { rev: Some(older.to_string()), ..CutRequest::default() };
    let intended = intend(&project.reader(), &Heard::default(), &project.snapshot(), &request).unwrap();
    let Intended::New(draft) = intended else { panic!("it exists") };
    assert_eq!(
        (draft.release.to_string().as_str(), draft.text.as_str()),
        ("2.0.1", "No changes since 2.0.0.")
    );
}

#[test]
fn what_a_branch_has_live_counts_for_what_came_after_it_left() {
    let project = Project::new(SHOP);
    project.commit("one");
    let before = project.cut("1.0.0");
    let left = project.commit("two");
    let live = project.commit_on(&[left], &[("x", Some("x"))], "fix: on the branch");
    project.baseline_of("prod", "v1.1.0", live, 0);
    let three = project.commit("three");
    let after = project.cut("1.2.0");
    let snapshot = project.snapshot();
    let since = |minted| {
        let found = gather(&project.reader(), &Heard::default(), &snapshot, minted).unwrap();
        (found.since.to_string(), found.changes.iter().map(|change| change.commit).collect::<Vec<_>>())
    };
    assert_eq!(since(&after), ("v1.1.0".to_owned(), vec![three]));
    assert_eq!(since(&before).0, "the beginning");
}
