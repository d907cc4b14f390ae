//! What the tests of this floor show: people, moments, deployments, candidates.

use chrono::{DateTime, Utc};

use super::screen::{ColorChoice, Screen};
use crate::domain::candidate::Candidate;
use crate::domain::env::{Action, Deployment, Progress};
use crate::domain::name::{Actor, DeploymentId, Oid};

/// A screen without colours; a terminal where it has a width.
pub(super) fn screen(width: Option<usize>) -> Screen {
    let terminal = width.is_some();
    Screen::new(terminal, terminal, ColorChoice::Never, true, false, 0, false).over(
        Box::new(std::io::sink()),
        Box::new(std::io::sink()),
        width,
    )
}

pub(super) fn time(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

pub(super) fn actor(name: &str) -> Actor {
    Actor::new(name, &format!("{name}@example.com"))
}

pub(super) fn oid(digit: u8) -> Oid {
    Oid::from_bytes([digit * 0x11; 20])
}

/// A deployment by ana that took a minute and succeeded.
pub(super) fn deployment(id: &str, version: &str, from: Option<&str>) -> Deployment {
    let id: DeploymentId = id.parse().unwrap();
    let tag = format!("v{version}").parse().unwrap();
    Deployment {
        version: Some(version.to_owned().try_into().unwrap()),
        from_tag: from.map(|tag| tag.parse().unwrap()),
        state: Progress::Succeeded,
        certain: true,
        host: Some("build-7".to_owned()),
        finished_at: Some(time("23T12:01")),
        exit_code: Some(0),
        ..Deployment::begin(id, Action::Deploy, (tag, oid(1)), actor("ana"), time("23T12:00"))
    }
}

/// A candidate by ana, without artifacts.
pub(super) fn record(version: &str) -> Candidate {
    Candidate {
        tag: format!("v{version}").parse().unwrap(),
        project: "shop".parse().unwrap(),
        version: version.to_owned().try_into().unwrap(),
        commit: oid(1),
        trunk_commit: oid(1),
        parent: None,
        picks: Vec::new(),
        artifacts: Vec::new(),
        references: Vec::new(),
        store: "git".to_owned(),
        provenance: None,
        nonce: "n".to_owned(),
        created_at: time("23T12:00"),
        actor: actor("ana"),
        signed: false,
    }
}
