//! What the records and the history tell: ranges, places, what candidates
//! brought, what was live, who signed off, what others' tags take.

use crate::delivery::fixture::{Heard, Project, SHOP, env, kind, person};
use crate::delivery::read::base::{ChangesOf, brought};
use crate::delivery::read::candidate_tags::{CandidateTags, carried, picks};
use crate::delivery::read::changelog::gather;
use crate::delivery::read::commit_counts::Counts;
use crate::delivery::read::deployments::{deployment, deployments, minted_by};
use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::message_refs::MessageRefs;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range::{between, position};
use crate::delivery::read::signoffs::{self, Brought, SignoffLedger};
use crate::delivery::read::successes::successes;
use crate::domain::candidates::{CandidatesEventKind, Minted};
use crate::domain::env::{self, Deployment, EnvState, Outcome, Progress};
use crate::domain::name::Oid;
use crate::domain::since::Since;
use crate::failure::Kind;
use crate::store::ledger;

// ---- ranges and places ----

#[test]
fn a_range_holds_the_projects_own_commits_newest_first() {
    let project = Project::new("paths = [\"/web/\"]\n");
    let from = project.trunk();
    let first = project.commit_files(&[("web/a", Some("1"))], "first");
    project.commit_files(&[("api/a", Some("1"))], "not ours");
    let second = project.commit_files(&[("web/a", Some("2")), ("api/a", Some("2"))], "second");
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let range = between(&reader, &snapshot, from, project.trunk()).unwrap();
    assert_eq!(range.iter().map(|change| change.commit).collect::<Vec<_>>(), [second, first]);
    assert_eq!(between(&reader, &snapshot, project.trunk(), from).unwrap().len(), 0);
    assert_eq!(kind(between(&reader, &snapshot, Oid::from_bytes([7; Oid::BYTES]), from)), Kind::Failed);
}

#[test]
fn a_merge_is_the_projects_where_it_changes_more_than_it_merges() {
    let project = Project::new("paths = [\"/web/\"]\n");
    let from = project.trunk();
    let ours = project.commit_files(&[("web/a", Some("1"))], "ours");
    let beside = project.commit_on(&[from], &[("api/b", Some("1"))], "beside");
    let plain = project.commit_on(&[ours, beside], &[("api/b", Some("1"))], "merge");
    let evil = project.commit_on(&[ours, beside], &[("api/b", Some("1")), ("web/a", Some("2"))], "merge");
    let reader = project.reader();
    let scope = Scope::new(&["/web/".to_owned()]).unwrap();
    let touched = [ours, beside, plain, evil].map(|commit| scope.touched_by(&reader, commit).unwrap());
    assert_eq!(touched, [true, false, false, true]);
}

#[test]
fn a_place_on_trunk_is_counted_with_and_without_a_candidate() {
    let project = Project::new(SHOP);
    let commits: Vec<Oid> = ["one", "two", "three"].map(|message| project.commit(message)).into();
    let at = |commit: Oid| position(&project.reader(), &project.snapshot(), commit).unwrap();
    let before: Vec<u64> = commits.iter().map(|commit| at(*commit)).collect();
    project.cut_at("1.0.0", commits[1]);
    let after: Vec<u64> = commits.iter().map(|commit| at(*commit)).collect();
    assert_eq!((before, after), (vec![2, 3, 4], vec![2, 3, 4]));
}

#[test]
fn counts_tell_the_projects_commits_and_whether_any_are_left() {
    let project = Project::new("paths = [\"/web/\"]\n");
    let from = project.trunk();
    let api = project.commit_files(&[("api/a", Some("1"))], "not ours");
    let web = project.commit_files(&[("web/a", Some("1"))], "ours");
    let reader = project.reader();
    let scope = Scope::new(&["/web/".to_owned()]).unwrap();
    let gone = Oid::from_bytes([7; Oid::BYTES]);
    let wanted = [(from, web), (from, api), (web, from), (from, gone)];
    let counts = Counts::take(&reader, &scope, &wanted).unwrap();
    assert_eq!(wanted.map(|(from, to)| counts.get(from, to)), [Some(1), Some(0), Some(0), None]);
    assert_eq!(
        wanted.map(|(tip, commit)| counts.contains(tip, commit)),
        [Some(false), Some(false), Some(true), None]
    );
}

// ---- candidates and what they brought ----

/// What a candidate is said to bring, and what that is counted from.
fn base(project: &Project, minted: &Minted) -> (String, Vec<Oid>) {
    let (snapshot, heard) = (project.snapshot(), Heard::default());
    let subject = ChangesOf::candidate(&snapshot, minted);
    let (since, changes) = brought(&project.reader(), &heard, &snapshot, &subject).unwrap();
    (since.to_string(), changes.unwrap().iter().map(|change| change.commit).collect())
}

#[test]
fn what_a_candidate_brought_is_counted_from_the_one_before_it() {
    let project = Project::new(SHOP);
    let one = project.commit("one");
    let first = project.cut("1.0.0");
    let (from, commits) = base(&project, &first);
    assert_eq!((from.as_str(), commits[0], commits.len()), ("the beginning", one, 2));
    let two = project.commit("two");
    let second = project.cut("1.0.0");
    assert_eq!(base(&project, &second), ("v1.0.0-rc.1".to_owned(), vec![two]));
    let three = project.commit("three");
    let next = project.cut("1.1.0");
    assert_eq!(base(&project, &next), ("1.0.0".to_owned(), vec![three]));
    let fix = project.commit("fix");
    let picked = project.pick(&second, &[fix]);
    assert_eq!(base(&project, &picked), ("v1.0.0-rc.2".to_owned(), vec![picked.commit]));
    let four = project.commit("four");
    project.tag("v1.2.0", four);
    let five = project.commit("five");
    let last = project.cut("1.3.0");
    assert_eq!(base(&project, &last), ("1.2.0".to_owned(), vec![five]));
}

#[test]
fn what_a_first_candidate_brought_is_counted_from_a_baseline() {
    let project = Project::new(SHOP);
    let one = project.commit("one");
    project.baseline("prod", "by-hand", one);
    let two = project.commit("two");
    let first = project.cut("1.0.0");
    assert_eq!(base(&project, &first), ("by-hand".to_owned(), vec![two]));
}

#[test]
fn what_a_candidate_carries_goes_back_through_its_parents() {
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    let fixes = ["fix 1", "fix 2"].map(|message| project.commit(message));
    let second = project.pick(&first, &fixes[..1]);
    let third = project.pick(&second, &fixes[1..]);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let found = carried(&reader, &snapshot, &third).unwrap();
    let told: Vec<_> = found.iter().map(|(pick, tag)| (pick.source, tag)).collect();
    assert_eq!(told, [(fixes[1], &third.tag), (fixes[0], &second.tag)]);
    assert!(carried(&reader, &snapshot, &first).unwrap().is_empty());
    let recorded = picks(&reader, &snapshot, &snapshot.tags(&reader).unwrap()).unwrap();
    assert_eq!(recorded.iter().map(|one| one.pick.source).collect::<Vec<_>>(), fixes);
    project.git.set_ref(second.tag.to_ref(), first.tag_object);
    assert_eq!(kind(carried(&project.reader(), &project.snapshot(), &third)), Kind::Integrity);
}

#[test]
fn a_candidates_record_is_handed_out_where_its_tag_is_the_one_that_was_minted() {
    let project = Project::new(SHOP);
    project.commit("one");
    let [first, second] = [project.cut("1.0.0"), project.cut("1.0.0")];
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let mut known = CandidateTags::read(&reader, &snapshot).unwrap();
    project.git.set_ref(second.tag.to_ref(), first.tag_object);
    let tags = snapshot.tags(&reader).unwrap();
    assert_eq!(known.take(&reader, &first, &tags).unwrap().commit, first.commit);
    assert_eq!(kind(known.take(&reader, &second, &tags)), Kind::Integrity);
    let (actor, _) = minted_by(&reader, &snapshot, &second).unwrap().unwrap();
    assert_eq!(actor, person("Ana"));
}

// ---- others' tags ----

#[test]
fn others_tags_take_versions_and_ours_do_not() {
    let project = Project::new(SHOP);
    let one = project.commit("one");
    let ours = project.cut("1.0.0");
    project.close(&ours);
    let two = project.commit("two");
    for (name, commit) in [("v0.9.0", one), ("v2.0.0-rc.4", two), ("v1.5.0", two), ("nightly", two)] {
        project.tag(name, commit);
    }
    let foreign = ForeignVersions::read(&project.reader(), &project.snapshot()).unwrap();
    let version = |text: &str| text.parse().unwrap();
    for (text, taken) in
        [("0.9.0", true), ("1.0.0", false), ("1.5.0", true), ("2.0.0", true), ("3.0.0", false)]
    {
        assert_eq!(foreign.takes(&version(text)), taken, "{text}");
    }
    assert_eq!(foreign.latest_release(), Some(&version("1.5.0")));
    assert_eq!((foreign.least_number(&version("2.0.0")), foreign.least_number(&version("1.0.0"))), (5, 1));
    let all: Vec<_> = foreign.all().map(|tag| (tag.text.as_str(), tag.commit)).collect();
    assert_eq!(all, [("0.9.0", Some(one)), ("1.5.0", Some(two)), ("2.0.0-rc.4", Some(two))]);
}

// ---- changelog ----

fn changelog(project: &Project, minted: &Minted) -> (Since, Vec<Oid>) {
    let heard = Heard::default();
    let found = gather(&project.reader(), &heard, &project.snapshot(), minted).unwrap();
    assert!(heard.notices().is_empty());
    (found.since, found.changes.iter().map(|change| change.commit).collect())
}

#[test]
fn a_changelog_goes_from_the_last_release_that_reached_a_final_environment() {
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    assert!(matches!(changelog(&project, &first).0, Since::Beginning { newest: None }));
    project.close(&first);
    let two = project.commit("two");
    project.cut("1.1.0");
    let three = project.commit("three");
    let third = project.cut("1.2.0");
    let (since, changes) = changelog(&project, &third);
    assert_eq!(since, Since::ours(&first));
    assert_eq!(changes, [three, two], "what never went out is in it");
}

#[test]
fn what_was_picked_into_the_last_release_is_no_news() {
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    let fix = project.commit("fix");
    let winner = project.pick(&first, &[fix]);
    project.close(&winner);
    let two = project.commit("two");
    let next = project.cut("1.1.0");
    assert_eq!(changelog(&project, &next).1, [two]);
}

#[test]
fn a_first_release_goes_from_a_baseline_or_a_tag_of_others() {
    let project = Project::new(SHOP);
    let one = project.commit("one");
    project.tag("v0.9.0", one);
    let two = project.commit("two");
    let minted = project.cut("1.0.0");
    let (since, changes) = changelog(&project, &minted);
    assert_eq!((since.to_string(), since.commit(), changes), ("0.9.0".to_owned(), Some(one), vec![two]));
    project.baseline("staging", "by-hand", one);
    assert!(matches!(changelog(&project, &minted).0, Since::Release { .. }), "staging is not final");
    project.baseline("prod", "by-hand", two);
    assert!(matches!(changelog(&project, &minted).0, Since::Baseline { .. }));
}

#[test]
fn a_parent_whose_tag_was_moved_is_a_warning_in_a_changelog() {
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    let fixes = ["fix 1", "fix 2"].map(|message| project.commit(message));
    let second = project.pick(&first, &fixes[..1]);
    let third = project.pick(&second, &fixes[1..]);
    project.git.set_ref(second.tag.to_ref(), first.tag_object);
    let heard = Heard::default();
    gather(&project.reader(), &heard, &project.snapshot(), &third).unwrap();
    assert_eq!(heard.notices(), ["Trouble"]);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    assert_eq!(kind(gather(&reader, &heard, &snapshot, &second)), Kind::Integrity, "its own is none");
}

// ---- what messages say ----

#[test]
fn messages_on_trunk_are_read_on_from_where_they_were_read_before() {
    let project = Project::new(SHOP);
    let bad = project.commit("bad");
    project.cut("1.0.0");
    let read = || {
        let (reader, snapshot) = (project.reader(), project.snapshot());
        let said = MessageRefs::of(&reader, &snapshot, &[bad], &[]).unwrap();
        let reverts = said.reverts(&reader, &[bad], bad).unwrap().len();
        (reverts, said.picks().to_vec())
    };
    assert_eq!(read(), (0, vec![]));
    project.commit(&format!("Revert \"bad\"\n\nThis reverts commit {bad}.\n"));
    let from = project.commit_on(&[bad], &[("x", Some("y"))], "hotfix");
    let landed = project.commit(&format!("hotfix\n\n(cherry picked from commit {from})\n"));
    assert_eq!(read(), (1, vec![(landed, from)]));
    assert_eq!(read(), (1, vec![(landed, from)]), "what was kept says the same");
    // A history that was rewritten is read anew.
    project.move_trunk(bad);
    assert_eq!(read(), (0, vec![]));
}

// ---- deployments ----

fn told(project: &Project, environment: &str) -> Vec<Deployment> {
    let (reader, view) = (project.reader(), project.chain(environment));
    let found = deployments(ledger::events::<EnvState>(&reader.repo, view.tip));
    found.collect::<Result<_, _>>().unwrap()
}

#[test]
fn deployments_are_intents_with_what_became_of_them() {
    let project = Project::new(SHOP);
    project.commit("one");
    project.cut("1.0.0");
    let tag = "v1.0.0-rc.1";
    project.deploy("prod", tag);
    project.fail("prod", tag);
    let lost = project.lose("prod", tag);
    project.event("prod", Some(lost), "Ana", env::EnvEventKind::Late(Outcome::of(Progress::Failed, true)));
    let resolved = project.lose("prod", tag);
    let state = Progress::Succeeded;
    project.event(
        "prod",
        Some(resolved),
        "Bob",
        env::EnvEventKind::Resolved { state, reason: "seen".to_owned() },
    );
    project.offline("prod", tag, Progress::Succeeded, false);
    project.offline("prod", tag, Progress::Succeeded, true);
    project.approve("prod", &project.snapshot().pool[0], "Bob");
    project.begin("prod", tag);
    let found: Vec<_> = told(&project, "prod").into_iter().map(|d| (d.seq, d.state, d.certain)).collect();
    assert_eq!(
        found,
        [
            (8, Progress::Running, false),
            (6, Progress::Succeeded, false),
            (5, Progress::Succeeded, true),
            (4, Progress::Succeeded, true),
            (3, Progress::Unknown, false),
            (2, Progress::Failed, false),
            (1, Progress::Succeeded, true),
        ]
    );
    let reader = project.reader();
    let tip = project.chain("prod").tip;
    let by_number = |id: &str| deployment(&reader.repo, tip, &id.parse().unwrap()).unwrap();
    assert_eq!(by_number("prod#4").unwrap().state, Progress::Succeeded);
    assert!(by_number("prod#7").is_none(), "an approval has a number too");
}

#[test]
fn successes_are_told_by_the_last_word_on_each() {
    let project = Project::new(SHOP);
    project.commit("one");
    let first = project.cut("1.0.0");
    project.commit("two");
    let second = project.cut("1.1.0");
    project.deploy("prod", first.tag.as_str());
    project.fail("prod", second.tag.as_str());
    let lost = project.lose("prod", second.tag.as_str());
    let found = || {
        let (reader, view) = (project.reader(), project.chain("prod"));
        let found = successes(&reader, &env("prod"), &view).unwrap();
        found.into_iter().map(|success| (success.seq, success.commit)).collect::<Vec<_>>()
    };
    assert_eq!(found(), [(1, first.commit)]);
    let state = Progress::Succeeded;
    project.event(
        "prod",
        Some(lost),
        "Bob",
        env::EnvEventKind::Resolved { state, reason: "seen".to_owned() },
    );
    project.offline("prod", first.tag.as_str(), Progress::Succeeded, false);
    project.offline("prod", first.tag.as_str(), Progress::Failed, false);
    assert_eq!(found(), [(1, first.commit), (3, second.commit), (4, first.commit)]);
}

// ---- sign-offs ----

const SIGNED: &str = "[environments.prod]\ndeploy = \"true\"\nsignoff = \"authors\"\n";

/// The commits of a candidate whose authors still have to sign it off.
fn awaited(project: &Project, minted: &Minted) -> Option<(Option<usize>, Vec<Oid>)> {
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let environment = snapshot.environment(&env("prod")).unwrap();
    let state = &snapshot.chain(&env("prod")).unwrap().state;
    let found = signoffs::of(&reader, &snapshot, environment, state, Brought::candidate(minted)).unwrap();
    found.map(|found| (found.asked, found.awaited.iter().map(|one| one.commit).collect()))
}

fn sign_off(project: &Project, who: &str, commit: Oid) {
    project.candidates_event_by(who, CandidatesEventKind::SignedOff { commit, reason: None });
}

/// A candidate live in `prod`, commits of Bob and of Eve, and a candidate of those.
fn signed() -> (Project, [Oid; 2], Minted) {
    let project = Project::new(SIGNED);
    project.commit("one");
    let live = project.cut("1.0.0");
    project.deploy("prod", live.tag.as_str());
    let commits = [project.commit_by("Bob", "two"), project.commit_by("Eve", "three")];
    let next = project.cut("1.1.0");
    (project, commits, next)
}

#[test]
fn each_author_signs_off_their_own_commits() {
    let (project, [bobs, eves], next) = signed();
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![bobs, eves])));
    sign_off(&project, "Bob", bobs);
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![eves])));
    sign_off(&project, "Bob", eves);
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![eves])), "nobody signs for another");
    sign_off(&project, "Eve", eves);
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![])));
    project.candidates_event_by("Bob", CandidatesEventKind::SignoffWithdrawn { commit: bobs });
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![bobs])));
}

#[test]
fn authors_are_asked_where_the_policy_says_so_and_something_is_live() {
    let (project, _, next) = signed();
    project.policy("[environments.prod]\ndeploy = \"true\"\n");
    assert_eq!(awaited(&project, &next), None);
    let project = Project::new(SIGNED);
    project.commit("one");
    let first = project.cut("1.0.0");
    assert_eq!(awaited(&project, &first), Some((None, vec![])));
}

#[test]
fn an_author_is_known_by_what_trunks_mailmap_says() {
    let (project, [bobs, eves], next) = signed();
    sign_off(&project, "Bob", bobs);
    sign_off(&project, "Robert", eves);
    assert_eq!(awaited(&project, &next).unwrap().1, [eves]);
    let map = "Robert <robert@example.com> <eve@example.com>\n";
    project.commit_files(&[(".mailmap", Some(map))], "who is who");
    assert_eq!(awaited(&project, &next).unwrap().1, []);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let said = SignoffLedger::read(&reader, &snapshot, &snapshot.candidates).unwrap();
    assert!(said.by(&person("Eve"), eves) && said.by(&person("Robert"), eves));
    assert!(!said.by(&person("Ana"), eves));
}

#[test]
fn a_merge_is_nobodys_to_sign_off() {
    let (project, [bobs, eves], _) = signed();
    let merge = project.commit_on(&[eves, bobs], &[("merged", Some("x"))], "merge");
    project.move_trunk(merge);
    let next = project.cut("1.2.0");
    assert_eq!(awaited(&project, &next), Some((Some(2), vec![bobs, eves])));
}

#[test]
fn a_pick_is_signed_off_by_its_source_while_it_is_the_same_change() {
    let (project, [bobs, eves], _) = signed();
    let live = project.snapshot().pool[0].clone();
    let picked = project.pick(&live, &[bobs]);
    assert_eq!(awaited(&project, &picked).unwrap().1, [picked.commit]);
    // The fixture's picks are Ana's.
    sign_off(&project, "Ana", bobs);
    assert_eq!(awaited(&project, &picked).unwrap().1, []);
    sign_off(&project, "Ana", eves);
    assert_eq!(awaited(&project, &project.pick(&picked, &[eves])).unwrap().1, []);
}

#[test]
fn what_is_live_and_not_here_has_no_known_authors() {
    let (project, _, next) = signed();
    project.baseline_of("prod", "gone", Oid::from_bytes([7; Oid::BYTES]), 0);
    let (reader, snapshot) = (project.reader(), project.snapshot());
    let environment = snapshot.environment(&env("prod")).unwrap();
    let state = &snapshot.chain(&env("prod")).unwrap().state;
    let found = signoffs::of(&reader, &snapshot, environment, state, Brought::candidate(&next)).unwrap();
    assert!(found.unwrap().fault.is_some());
}
