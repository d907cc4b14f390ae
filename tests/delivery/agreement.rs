//! Whose file counts.

use super::*;
use crate::delivery::error::Error;
use crate::delivery::fixture::{Project, SHOP, kind};
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::CandidatesEventKind;
use crate::failure::{Failure, Kind};

/// Reads with a file of one's own, whose `[project]` says this as well.
fn read_with(project: &Project, lines: &str) -> Result<Snapshot, Error> {
    let mut reader = project.reader();
    let text = format!("[project]\n{lines}\n");
    let head = config::head(&text).unwrap();
    reader.home.project = head.name;
    reader.home.trunk = head.trunk;
    reader.home.remote = head.remote;
    reader.home.text = text;
    Snapshot::read(&reader)
}

#[test]
fn what_was_found_first_is_what_trunks_own_file_says() {
    let project = Project::new(SHOP);
    project.git.set_ref("refs/heads/hotfix", project.trunk());
    assert!(read_with(&project, "name = \"shop\"\nremote = \"\"\n[environments.new]").is_ok());
    for (lines, key, places) in [
        ("name = \"other\"\nremote = \"\"", "name", "release.toml:2 has name = \"other\""),
        (
            "name = \"shop\"\nremote = \"\"\ntrunk = \"hotfix\"",
            "trunk",
            "release.toml:4 has trunk = \"hotfix\"",
        ),
    ] {
        let failure = Failure::from(read_with(&project, lines).unwrap_err());
        assert_eq!(failure.kind, Kind::Refused);
        assert_eq!(failure.reasons.len(), 2, "{lines}");
        assert!(failure.reasons.iter().all(|reason| reason.gate == key), "{lines}");
        assert_eq!(failure.reasons[0].message, places);
        assert!(!failure.hints.is_empty());
    }
}

#[test]
fn only_the_file_on_the_chains_branch_moves_trunk() {
    let project = Project::new(SHOP);
    let base = project.trunk();
    let reserved = |version: &str, trunk: &str| {
        project.candidates_event(CandidatesEventKind::Reserved {
            version: version.parse().unwrap(),
            commit: base,
            trunk: Some(trunk.to_owned()),
        });
    };
    let on = |branch: &str, trunk: &str| {
        let text = format!("[project]\nname = \"shop\"\nremote = \"\"\ntrunk = {trunk:?}\n");
        let commit = project.commit_on(&[base], &[("release.toml", Some(&text))], "chore: trunk");
        project.git.set_ref(format!("refs/heads/{branch}"), commit);
    };
    let read =
        |trunk: &str| read_with(&project, &format!("name = \"shop\"\nremote = \"\"\ntrunk = {trunk:?}"));
    on("hotfix", "hotfix");
    assert!(read("hotfix").is_ok(), "no chain says otherwise yet");
    reserved("0.1.0-rc.1", "main");
    assert!(read("main").is_ok());
    assert_eq!(kind(read("hotfix")), Kind::Refused, "a branch that calls itself trunk");
    on("develop", "develop");
    on("main", "develop");
    assert_eq!(kind(read("main")), Kind::Refused, "its own file names another");
    assert!(read("develop").is_ok(), "one hop");
    assert_eq!(kind(read("hotfix")), Kind::Refused);
    reserved("0.1.0-rc.2", "develop");
    assert!(read("develop").is_ok());
    on("main", "main");
    assert_eq!(kind(read("main")), Kind::Refused, "it was trunk once");
}

#[test]
fn a_policy_that_cannot_be_read_stops_what_is_new_and_nothing_else() {
    let project = Project::new(SHOP);
    let good = project.commit("feat: x");
    let wrong = "[project]\nname = \"shop\"\nremote = \"\"\nshape = \"round\"\n";
    for text in [wrong, "[project]\nname = \"shop\"\nremote = \"\"\n]\n", "[project"] {
        project.commit_files(&[("release.toml", Some(text))], "chore: oops");
        let read = Snapshot::read(&project.reader()).unwrap();
        assert_eq!((read.trunk, read.policy.commit), (project.trunk(), Some(good)));
        assert!(read.policy.unreadable.is_some_and(|why| why.contains("release.toml at ")));
        let strict = Reader { strict: true, ..project.reader() };
        assert_eq!(kind(Snapshot::read(&strict)), Kind::Config);
    }
    project.commit_files(&[("release.toml", Some("[project]\nname = \"shop\"\nremote = \"\"\n"))], "fix: it");
    assert!(Snapshot::read(&project.reader()).unwrap().policy.unreadable.is_none());
}
