//! The records of eight years of `rel`: candidates, deployments and releases,
//! made by the library that makes everybody's.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use rel::domain::artifact::{Artifact, sha256_of};
use rel::domain::candidate::{Candidate, Pick};
use rel::domain::candidates::{self, CandidatesState, Minted};
use rel::domain::env::{
    self, Action, Deployment, EnvState, Intent, Outcome, Progress, RecordedRuling, RecordedVerdict, Trigger,
};
use rel::domain::gate::Gate;
use rel::domain::name::{Actor, DeploymentId, EnvName, Oid, ProjectName, TagName};
use rel::domain::version::{CandidateVersion, Version};
use rel::failure::Result;
use rel::store::ledger::{State, View};
use rel::store::repo::Repo;
use rel::store::tag::write_tag;

use crate::trunk::{Growing, Mark};
use rel::domain::ref_name::ChainRef;

/// The project.
pub const PROJECT: &str = "shop";

/// Its `release.toml`.
pub const RELEASE_TOML: &str = r#"[project]
name = "shop"
remote = "origin"

[build]
command = "make dist"
artifacts = ["dist/*.tar.gz"]

[environments.dev]
deploy = "./deploy.sh"
auto_deploy = true

[environments.staging]
after = ["dev"]
deploy = "./deploy.sh"

[environments.eu]
after = ["staging"]
soak = "30m"
deploy = "./deploy.sh"

[environments.us]
after = ["eu"]
deploy = "./deploy.sh"

[environments.prod]
after = ["staging"]
soak = "30m"
deploy = "./deploy.sh"
final = true
"#;

/// The environments, and how many commits of 100,000 each lags behind trunk.
pub const ENVIRONMENTS: [(&str, u64); 5] =
    [("dev", 40), ("staging", 400), ("eu", 1_500), ("us", 3_000), ("prod", 6_000)];

/// Candidates of one release.
const SERIES: usize = 4;

/// A candidate to be.
pub struct Planned {
    version: CandidateVersion,
    /// What it is made from.
    commit: Mark,
    /// Where on trunk that is, or what it was picked onto.
    trunk: Mark,
    position: u64,
    at: i64,
    /// The commit it was picked from; it was picked onto the candidate before it.
    picked: Option<Mark>,
    /// What it brought, in subjects.
    subjects: Vec<String>,
}

/// Chooses the commits of `count` candidates, evenly along trunk, and makes
/// the picks among them.
pub fn plan(growing: &mut Growing, count: usize) -> Vec<Planned> {
    let tip = growing.steps().last().expect("a trunk has a commit").position;
    let (first, gap) = (lag(tip, ENVIRONMENTS[0].1), tip * 99 / 100 / count as u64);
    let mut planned: Vec<Planned> = Vec::with_capacity(count);
    let mut before = 0;
    for index in 0..count {
        let back = first + (count - 1 - index) as u64 * gap;
        let (release, number) = (index / SERIES, index % SERIES + 1);
        let text = format!("{}.{}.{}-rc.{number}", 1 + release / 100, release % 100 / 2, release % 2);
        let version = text.parse().expect("a version");
        let here = growing.steps().partition_point(|step| step.position + back <= tip) - 1;
        // Each fifth release was mended once more before it went out.
        let picked = (release % 5 == 3 && number == SERIES)
            .then(|| (here..growing.steps().len()).find(|at| growing.steps()[*at].change.is_some()))
            .flatten();
        planned.push(match (picked, planned.last()) {
            (Some(source), Some(onto)) => {
                let (trunk, position, parent) = (onto.trunk, onto.position, onto.commit);
                let step = &growing.steps()[source];
                let (picked, at, subject) = (step.mark, step.at, step.subject.clone());
                let commit = growing.pick(source, parent);
                let subjects = vec![subject];
                Planned { version, commit, trunk, position, at, picked: Some(picked), subjects }
            }
            _ => {
                let step = &growing.steps()[here];
                let (commit, position, at) = (step.mark, step.position, step.at);
                let brought = &growing.steps()[before..=here];
                let subjects = brought.iter().rev().take(40).map(|step| step.subject.clone()).collect();
                Planned { version, commit, trunk: commit, position, at, picked: None, subjects }
            }
        });
        before = here;
    }
    planned
}

/// How far behind that is on a trunk of another length.
fn lag(tip: u64, of_100_000: u64) -> u64 {
    (of_100_000 * tip / 100_000).max(1)
}

/// Writes all records into a repository as objects, and gives the refs that
/// make them true, by name.
///
/// # Errors
/// The library refuses, which is a fault here.
pub fn write(
    repo: &Repo,
    planned: &[Planned],
    tip: u64,
    id: &dyn Fn(Mark) -> Oid,
) -> Result<BTreeMap<String, Oid>> {
    let mut writer = Writer { repo, refs: BTreeMap::new(), written: 0 };
    let minted = writer.candidates(planned, tip, id)?;
    for (name, of_100_000) in ENVIRONMENTS {
        writer.environment(name, planned, &minted, tip, lag(tip, of_100_000))?;
    }
    Ok(writer.refs)
}

struct Writer<'a> {
    repo: &'a Repo,
    refs: BTreeMap<String, Oid>,
    written: u64,
}

impl Writer<'_> {
    /// Reserves and mints every candidate, and closes each release once it
    /// would have reached the last environment.
    fn candidates(&mut self, planned: &[Planned], tip: u64, id: &dyn Fn(Mark) -> Oid) -> Result<Vec<Minted>> {
        let project = project();
        let mut view = View::<CandidatesState> {
            ref_name: ChainRef::of_candidates(&project),
            held: None,
            tip: None,
            state: CandidatesState::default(),
            newer: None,
        };
        let mut minted: Vec<Minted> = Vec::with_capacity(planned.len());
        let mut closed = 0;
        for (index, plan) in planned.iter().enumerate() {
            let (at, commit) = (moment(plan.at), id(plan.commit));
            let tag: TagName = format!("v{}", plan.version).parse().expect("a tag");
            let record = self.record(plan, &tag, at, minted.last(), id);
            let text = format!("{project} {}\n\n{}", plan.version, listed(&plan.subjects));
            let message = record.message(&text);
            let tag_object = write_tag(self.repo, &tag, commit, &record.actor, at, &message, false)?;
            self.refs.insert(tag.to_ref().to_string(), tag_object);
            let entry = Minted {
                tag: tag.clone(),
                tag_object,
                version: plan.version.clone(),
                commit,
                trunk_commit: record.trunk_commit,
                position: plan.position,
                parent: record.parent,
            };
            let reserved = candidates::CandidatesEventKind::Reserved {
                version: plan.version.clone(),
                commit,
                trunk: None,
            };
            let events = [
                self.event(&tag, at, reserved),
                self.event(
                    &tag,
                    at + Duration::minutes(4),
                    candidates::CandidatesEventKind::Minted(entry.clone()),
                ),
            ];
            view = self.append(&view, &events)?;
            minted.push(entry);
            // Trunk stands here when this candidate is made: what is far enough behind is out.
            let now = if index + 1 == planned.len() { tip } else { plan.position };
            let behind = lag(tip, ENVIRONMENTS[4].1);
            while let Some(last) = minted.get(closed + SERIES - 1).filter(|m| m.position + behind <= now) {
                let event = self.close(&last.clone(), at)?;
                view = self.append(&view, &[event])?;
                closed += SERIES;
            }
        }
        Ok(minted)
    }

    /// The record that a candidate's tag holds.
    fn record(
        &mut self,
        plan: &Planned,
        tag: &TagName,
        at: DateTime<Utc>,
        before: Option<&Minted>,
        id: &dyn Fn(Mark) -> Oid,
    ) -> Candidate {
        let commit = id(plan.commit);
        let name = format!("shop-{}.tar.gz", plan.version);
        Candidate {
            tag: tag.clone(),
            project: project(),
            version: plan.version.clone(),
            commit,
            trunk_commit: id(plan.trunk),
            parent: plan.picked.and(before).map(|before| before.tag.clone()),
            picks: plan.picked.iter().map(|source| Pick { source: id(*source), commit }).collect(),
            artifacts: vec![Artifact { digest: sha256_of(name.as_bytes()), size: 12 << 20, name }],
            references: Vec::new(),
            store: "git".to_owned(),
            provenance: Some(sha256_of(tag.as_str().as_bytes())),
            nonce: self.nonce(),
            created_at: at,
            actor: Actor::new("ci", "ci@example.com"),
            signed: false,
        }
    }

    /// The end of a release, and its own tag.
    fn close(&mut self, winner: &Minted, at: DateTime<Utc>) -> Result<candidates::CandidatesEvent> {
        let release: Version = winner.version.release.clone();
        let tag: TagName = format!("v{release}").parse().expect("a tag");
        let message = format!(
            "{PROJECT} {release}\n\nThe release, as {} reached its final environment.\n\n\
             Rel-Schema: 1\nRel-Project: {PROJECT}\nRel-Release: {release}\nRel-Winner: {}\nRel-Nonce: {}\n",
            winner.tag,
            winner.tag,
            self.nonce()
        );
        let actor = Actor::new("ci", "ci@example.com");
        let object = write_tag(self.repo, &tag, winner.commit, &actor, at, &message, false)?;
        self.refs.insert(tag.to_ref().to_string(), object);
        let (candidate, commit) = (winner.tag.clone(), winner.commit);
        Ok(self.event(
            &tag.clone(),
            at,
            candidates::CandidatesEventKind::Closed { release, tag, candidate, commit, tag_object: None },
        ))
    }

    fn event(
        &mut self,
        tag: &TagName,
        at: DateTime<Utc>,
        what: candidates::CandidatesEventKind,
    ) -> candidates::CandidatesEvent {
        let actor = Actor::new("ci", "ci@example.com");
        candidates::CandidatesEvent { id: tag.to_string(), at, actor, nonce: self.nonce(), what }
    }

    /// Deploys what would have reached an environment that is `lag` commits
    /// behind trunk: every candidate to the first, most to the second, the
    /// last of each release to the others. One deployment in 25 fails first.
    fn environment(
        &mut self,
        name: &str,
        planned: &[Planned],
        minted: &[Minted],
        tip: u64,
        lag: u64,
    ) -> Result<()> {
        let name: EnvName = name.parse().expect("an environment");
        let mut view = View::<EnvState> {
            ref_name: ChainRef::of_environment(&project(), &name),
            held: None,
            tip: None,
            state: EnvState::default(),
            newer: None,
        };
        for (index, (plan, minted)) in planned.iter().zip(minted).enumerate() {
            let wanted = match name.as_str() {
                "dev" => true,
                "staging" => index % 5 != 1,
                _ => (index + 1) % SERIES == 0,
            };
            if !wanted || minted.position + lag > tip {
                continue;
            }
            let at = moment(plan.at) + Duration::minutes(46 * lag as i64);
            if index % 25 == 3 {
                let events = self.deployment(&name, &view.state, minted, at, Progress::Failed);
                view = self.append(&view, &events)?;
            }
            let events =
                self.deployment(&name, &view.state, minted, at + Duration::hours(1), Progress::Succeeded);
            view = self.append(&view, &events)?;
        }
        Ok(())
    }

    /// A deployment from its claim to its end.
    fn deployment(
        &mut self,
        environment: &EnvName,
        state: &EnvState,
        minted: &Minted,
        at: DateTime<Utc>,
        end: Progress,
    ) -> [env::EnvEvent; 2] {
        let seq = state.count + 1;
        let id = DeploymentId { environment: environment.clone(), seq };
        let actor = Actor::new("ci", "ci@example.com");
        let passed =
            |gate, text: &str| RecordedVerdict { gate, verdict: RecordedRuling::Passed, text: text.into() };
        let deployment = Deployment {
            id: id.clone(),
            seq,
            environment: environment.clone(),
            action: Action::Deploy,
            tag: minted.tag.clone(),
            version: Some(minted.version.clone()),
            foreign_version: None,
            commit: minted.commit,
            from_tag: state.current().map(|live| live.tag.clone()),
            state: Progress::Running,
            certain: false,
            actor: actor.clone(),
            on_behalf_of: Some(Actor::new("kim", "kim@example.com")),
            host: Some("build-7".to_owned()),
            run_url: Some(format!("https://ci.example.com/runs/{seq}")),
            trigger: Trigger::Person,
            reason: None,
            overrides: Vec::new(),
            gates: vec![passed(Gate::Order, "succeeded upstream"), passed(Gate::Soak, "2 h of 30 min")],
            approvals: Vec::new(),
            policy_commit: Some(minted.trunk_commit),
            commands_commit: Some(minted.commit),
            started_at: at,
            finished_at: None,
            exit_code: None,
            reverts: None,
            offline: false,
            phases: Vec::new(),
            params: BTreeMap::new(),
            rel_version: "0.1.0".to_owned(),
        };
        let intent =
            Intent { deployment, position: minted.position, undoes: None, holds: false, owes: Vec::new() };
        let exit_code = Some(i32::from(end != Progress::Succeeded));
        let outcome = Outcome { state: end, started: true, exit_code, text: None, phases: Vec::new() };
        [
            (at, env::EnvEventKind::Intent(Box::new(intent))),
            (at + Duration::minutes(9), env::EnvEventKind::Outcome(outcome)),
        ]
        .map(|(at, what)| env::EnvEvent {
            id: id.clone(),
            at,
            actor: actor.clone(),
            nonce: self.nonce(),
            what,
        })
    }

    fn append<S: State>(&mut self, view: &View<S>, events: &[S::Event]) -> Result<View<S>> {
        let (view, update) = view.append(self.repo, events)?;
        self.refs.insert(update.name.to_string(), update.new);
        Ok(view)
    }

    /// Another 32 hex digits every time.
    fn nonce(&mut self) -> String {
        self.written += 1;
        sha256_of(&self.written.to_be_bytes()).hex()[..32].to_owned()
    }
}

fn project() -> ProjectName {
    PROJECT.parse().expect("a project's name")
}

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a date in our century")
}

fn listed(subjects: &[String]) -> String {
    subjects.iter().map(|subject| format!("- {subject}\n")).collect()
}
