//! The rules, sentence by sentence: a test fails where the code breaks one.
//!
//! Here is what the files below share: an environment that is driven by
//! events and read as its state, with candidates named by one letter.

mod candidate;
mod fold;
mod gates;
mod left_behind;
mod minting;
mod model;
mod offline;
mod plan;
mod records;
mod replay;
mod since;
mod times;
mod version;
mod way_back;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::fold::Impossible;
use chrono::{DateTime, TimeDelta, Utc};

use super::candidates::{self, CandidatesState, Minted};
use super::config::Environment;
use super::env::*;
use super::gate::Gate;
use super::gate::input::{GateInput, MadeAt};
use super::gate::verdict::{Attempt, Verdict};
use super::left_behind::LeftBehind;
use super::name::{Actor, EnvName, Oid, TagName};
use super::plan::{DeployOptions, Plan, Planned, Stamp, deploy};
use super::rollback::{self, Decision, Knowledge};
use super::signature::Signature;
use super::signoff::Signoffs;
use crate::domain::mailmap::Mailmap;
use crate::ui::gate;

/// A moment, by its distance in minutes from the first.
fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_500_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn approval(of: char) -> EnvEventKind {
    EnvEventKind::Approve { tag: tag(of), commit: candidate(of).commit, tag_object: None, reason: None }
}

fn person(name: &str) -> Actor {
    Actor::new(name, &format!("{name}@example.com"))
}

fn oid(n: u8) -> Oid {
    Oid::from_bytes([n; Oid::BYTES])
}

/// The candidate called by this letter; later letters are newer on trunk.
fn candidate(letter: char) -> Minted {
    let n = letter as u8 - b'a' + 1;
    Minted {
        tag: tag(letter),
        tag_object: oid(100 + n),
        version: format!("1.{n}.0-rc.1").parse().unwrap(),
        commit: oid(n),
        trunk_commit: oid(n),
        position: u64::from(n) * 10,
        parent: None,
    }
}

fn tag(letter: char) -> TagName {
    format!("v1.{}.0-rc.1", letter as u8 - b'a' + 1).parse().unwrap()
}

/// The letter of a tag.
fn letter(tag: &TagName) -> char {
    let n: u8 = tag.as_str().split('.').nth(1).unwrap().parse().unwrap();
    (b'a' + n - 1) as char
}

/// Letters of tags.
fn letters<'a>(tags: impl IntoIterator<Item = &'a TagName>) -> String {
    tags.into_iter().map(letter).collect()
}

/// An environment, its candidates and the time, which passes by a minute an event.
#[derive(Debug, Clone)]
struct World {
    policy: Environment,
    state: EnvState,
    upstream: Vec<(EnvName, Cow<'static, EnvState>)>,
    candidates: CandidatesState,
    pool: Vec<Minted>,
    /// Letters whose artifacts are gone.
    lost: String,
    /// What going anywhere would leave behind.
    left_behind: LeftBehind,
    /// What the signatures of approvals are worth.
    signatures: Vec<Signature>,
    /// What authors said.
    signoffs: Option<Signoffs>,
    actor: Actor,
    asked_by: Option<Actor>,
    people: Rc<Mailmap>,
    now: DateTime<Utc>,
    /// When any candidate was made.
    made: Option<DateTime<Utc>>,
    events: Vec<EnvEvent>,
}

impl World {
    /// `prod`, where nothing has happened, and the candidates `a` to `f`.
    fn new() -> World {
        World {
            policy: Environment::new("prod".parse().unwrap()),
            state: EnvState::default(),
            upstream: Vec::new(),
            candidates: CandidatesState::default(),
            pool: ('a'..='f').map(candidate).collect(),
            lost: String::new(),
            made: None,
            signatures: Vec::new(),
            signoffs: None,
            left_behind: LeftBehind::default(),
            actor: person("kim"),
            asked_by: None,
            people: Rc::default(),
            now: minute(0),
            events: Vec::new(),
        }
    }

    /// The same after these steps; see [`World::step`].
    fn after(steps: &str) -> World {
        let mut world = World::new();
        world.steps(steps);
        world
    }

    fn steps(&mut self, steps: &str) -> &mut World {
        for step in steps.split_whitespace() {
            self.step(step);
        }
        self
    }

    /// One step: `+a` a deployment of `a` that succeeds, `-a` one that fails,
    /// `?a` one that is taken over, `xa` one cancelled after its command was
    /// started, `oa` one cancelled before, `>a` one still in flight; `<+`,
    /// `<-`, `<?`, `<x`, `<o`, `<>` the same for the rollback that the rules
    /// choose, `<+a` for one `--to a`, and `<<+` for one that goes further
    /// back; `lock`, `unlock`.
    fn step(&mut self, step: &str) {
        match step {
            "lock" => return self.hold("closed").map(|_| ()).unwrap(),
            "unlock" => {
                let token = self.state.hold.as_ref().unwrap().token;
                return self.unhold(token).unwrap();
            }
            _ => {}
        }
        let (end, seq) = if let Some(rest) = step.strip_prefix('<') {
            let (further, rest) = rest.strip_prefix('<').map_or((false, rest), |rest| (true, rest));
            let mut chars = rest.chars();
            let end = chars.next().unwrap();
            let to = chars.next().map(candidate);
            let request = rollback::RollbackOptions { to, further, ..Default::default() };
            let Decision::Go(plan) = self.decide(&request) else {
                panic!("{step}: {:?}", self.decide(&request))
            };
            (end, self.claim(&plan).unwrap())
        } else {
            let mut chars = step.chars();
            let end = chars.next().unwrap();
            let of = chars.next().unwrap();
            (end, self.start(of).unwrap())
        };
        match end {
            '+' => self.end(seq, Progress::Succeeded, true).unwrap(),
            '-' => self.end(seq, Progress::Failed, true).unwrap(),
            'x' => self.end(seq, Progress::Cancelled, true).unwrap(),
            'o' => self.end(seq, Progress::Cancelled, false).unwrap(),
            '?' => self.take_over(seq).unwrap(),
            '>' => {}
            other => panic!("{other} is no step"),
        }
    }

    fn apply(&mut self, seq: u64, what: EnvEventKind) -> Result<(), Impossible> {
        let (actor, at) = (self.actor.clone(), self.now);
        let nonce = || format!("n{}", self.events.len());
        let event = Stamp { actor: &actor, at, nonce: &nonce }.event(&self.policy.name, seq, what);
        self.state = self.state.apply(&event)?;
        self.events.push(event);
        self.now += TimeDelta::minutes(1);
        Ok(())
    }

    fn next(&self) -> u64 {
        self.state.count + 1
    }

    fn intent(&self, of: &Minted, action: Action) -> Intent {
        let seq = self.next();
        let environment = self.policy.name.clone();
        Intent {
            position: of.position,
            undoes: None,
            holds: false,
            owes: Vec::new(),
            deployment: Deployment {
                id: format!("{environment}#{seq}").parse().unwrap(),
                seq,
                environment,
                action,
                tag: of.tag.clone(),
                version: Some(of.version.clone()),
                foreign_version: None,
                commit: of.commit,
                from_tag: self.state.current().map(|live| live.tag.clone()),
                state: Progress::Running,
                certain: false,
                actor: self.actor.clone(),
                on_behalf_of: self.asked_by.clone(),
                host: Some("build-7".into()),
                run_url: None,
                trigger: Trigger::Person,
                reason: None,
                overrides: Vec::new(),
                gates: Vec::new(),
                approvals: Vec::new(),
                policy_commit: None,
                commands_commit: None,
                started_at: self.now,
                finished_at: None,
                exit_code: None,
                reverts: None,
                offline: false,
                phases: Vec::new(),
                params: BTreeMap::new(),
                rel_version: "0.1.0".into(),
            },
        }
    }

    fn claim_intent(&mut self, intent: Intent) -> Result<u64, Impossible> {
        let seq = intent.deployment.seq;
        self.apply(seq, EnvEventKind::Intent(Box::new(intent))).map(|()| seq)
    }

    /// Claims a deployment of `of`, without asking any gate.
    fn start(&mut self, of: char) -> Result<u64, Impossible> {
        let same = self.state.current().is_some_and(|live| live.tag == tag(of));
        let intent = self.intent(&candidate(of), if same { Action::Redeploy } else { Action::Deploy });
        self.claim_intent(intent)
    }

    /// A baseline that another system is said to have put there.
    fn baseline(&mut self, tag: &str, end: Progress) {
        let mut intent = self.intent(&candidate('a'), Action::Deploy);
        let deployment = &mut intent.deployment;
        deployment.tag = tag.parse().unwrap();
        (deployment.version, deployment.foreign_version) = (None, Some("1.4".into()));
        deployment.trigger = Trigger::Recorded;
        intent.position = 5;
        let seq = self.claim_intent(intent).unwrap();
        self.end(seq, end, true).unwrap();
    }

    /// Claims what was planned.
    fn claim(&mut self, plan: &Plan) -> Result<u64, Impossible> {
        let mut intent = self.intent(plan.candidate(), plan.action());
        intent.undoes = plan.undoes().cloned();
        intent.holds = plan.holds();
        intent.owes = plan.owes().to_vec();
        intent.deployment.reverts = plan.reverts().cloned();
        intent.deployment.overrides = plan.permission().overrides(&gate::text);
        self.claim_intent(intent)
    }

    /// Deploys what a rollback undid, as `--override rolled-back` does.
    fn bring_back(&mut self, of: char) -> u64 {
        let mut intent = self.intent(&candidate(of), Action::Deploy);
        intent.deployment.overrides = vec![Override { gate: Gate::RolledBack, text: String::new() }];
        self.claim_intent(intent).unwrap()
    }

    fn end(&mut self, seq: u64, state: Progress, started: bool) -> Result<(), Impossible> {
        self.apply(seq, EnvEventKind::Outcome(outcome(state, started)))
    }

    fn take_over(&mut self, seq: u64) -> Result<(), Impossible> {
        self.apply(seq, EnvEventKind::TakenOver { reason: "it hangs".into() })
    }

    fn late(&mut self, seq: u64, state: Progress) -> Result<(), Impossible> {
        self.apply(seq, EnvEventKind::Late(outcome(state, true)))
    }

    /// Takes in a deployment that ran without a claim.
    fn offline(&mut self, of: char, action: Action, state: Progress, moved: bool) -> Result<u64, Impossible> {
        let mut intent = self.intent(&candidate(of), action);
        intent.deployment.offline = true;
        if action == Action::Rollback {
            intent.undoes = self.state.current().map(|live| live.tag.clone()).filter(|live| *live != tag(of));
            intent.holds = intent.undoes.is_some();
        }
        let seq = self.next();
        let ran = Offline { intent, outcome: outcome(state, true), moved };
        self.apply(seq, EnvEventKind::Offline(Box::new(ran))).map(|()| seq)
    }

    fn resolve(&mut self, seq: u64, state: Progress) -> Result<(), Impossible> {
        self.apply(seq, EnvEventKind::Resolved { state, reason: "looked".into() })
    }

    fn hold(&mut self, reason: &str) -> Result<u64, Impossible> {
        let seq = self.next();
        self.apply(seq, EnvEventKind::Hold { reason: reason.into() }).map(|()| seq)
    }

    fn unhold(&mut self, token: u64) -> Result<(), Impossible> {
        self.apply(self.next(), EnvEventKind::Unhold { token, reason: "done".into() })
    }

    fn approve(&mut self, of: char, by: &str) -> Result<(), Impossible> {
        self.by(by, approval(of))
    }

    fn withdraw(&mut self, of: char, by: &str) -> Result<(), Impossible> {
        self.by(by, EnvEventKind::Withdraw { tag: tag(of), commit: candidate(of).commit })
    }

    fn by(&mut self, who: &str, what: EnvEventKind) -> Result<(), Impossible> {
        let actor = std::mem::replace(&mut self.actor, person(who));
        let done = self.apply(self.next(), what);
        self.actor = actor;
        done
    }

    fn block(&mut self, target: &str) {
        let event = candidates::CandidatesEvent {
            id: target.to_owned(),
            at: self.now,
            actor: person("bob"),
            nonce: "b".into(),
            what: candidates::CandidatesEventKind::Blocked {
                target: target.to_owned(),
                reason: "leaks".into(),
            },
        };
        self.candidates = self.candidates.apply(&event).unwrap();
    }

    /// What the gates are asked from where nothing is brought yet.
    fn input(&self) -> GateInput<'_> {
        GateInput {
            environment: &self.policy,
            shown: &self.state,
            state: Cow::Borrowed(&self.state),
            upstream: self.upstream.clone(),
            candidates: &self.candidates,
            actor: self.actor.clone(),
            on_behalf_of: self.asked_by.clone(),
            people: self.people.clone(),
            now: self.now,
            candidate: None,
            signatures: self.signatures.clone(),
            signoffs: self.signoffs.clone(),
            left_behind: None,
            made: MadeAt(Rc::new(|_| self.made)),
        }
    }

    fn decide(&self, request: &rollback::RollbackOptions) -> Decision {
        let find = |tag: &TagName| self.pool.iter().find(|minted| minted.tag == *tag).cloned();
        let gone = |tag: &TagName| self.lost.contains(letter(tag));
        let knowledge = Knowledge { find: &find, gone: &gone, left_behind: &|_| self.left_behind.clone() };
        rollback::decide(&self.input(), request, &knowledge)
    }

    /// What was live, newest last, as letters; `?` after them while uncertain.
    fn live(&self) -> String {
        let stack = letters(self.state.stack.iter().map(|live| &live.tag));
        if self.state.certain || stack.is_empty() { stack } else { stack + "?" }
    }

    fn undone(&self) -> String {
        letters(&self.state.undone)
    }
}

/// What planning the deployment of `of` comes to.
fn deploying(world: &World, of: char, request: &DeployOptions) -> Planned {
    let candidate = candidate(of);
    let left_behind = Some(world.left_behind.clone());
    deploy(&GateInput { left_behind, ..world.input().about(&candidate) }, &candidate, request)
}

/// A verdict's words.
fn words(verdict: &Verdict) -> String {
    gate::text(verdict)
}

/// What a verdict tells who deploys `a` to do.
fn fixes(verdict: &Verdict) -> Vec<String> {
    gate::fixes(verdict, &Attempt::Deploy(tag('a')))
}

fn outcome(state: Progress, started: bool) -> Outcome {
    let exit_code = match state {
        Progress::Succeeded => Some(0),
        Progress::Failed => Some(3),
        _ => None,
    };
    Outcome { state, started, exit_code, text: None, phases: Vec::new() }
}
