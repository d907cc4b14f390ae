//! The folds held against models that know only the rules: which event may
//! follow, and what it comes to.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::candidates::CandidatesEventKind as CandidatesWhat;

/// An event that somebody may try to append, possible or not.
#[derive(Debug, Clone)]
struct Try {
    kind: u8,
    of: char,
    /// Which number it is for: what is in flight, the next one, or one before.
    number: u8,
    end: Progress,
    started: bool,
    rollback: bool,
    undoes: Option<char>,
    holds: bool,
    back: bool,
    by: &'static str,
}

fn tries(most: usize) -> impl Strategy<Value = Vec<Try>> {
    let letter = || proptest::sample::select(vec!['a', 'b', 'c', 'd']);
    let what = (0..16u8, letter(), 0..12u8, proptest::sample::select(Progress::ALL.to_vec()));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let who = proptest::sample::select(vec!["ana", "bob"]);
    let one = (what, flags, proptest::option::of(letter()), who).prop_map(
        |((kind, of, number, end), (started, rollback, holds, back), undoes, by)| {
            let (holds, undoes) = (holds && rollback, undoes.filter(|undone| rollback && *undone != of));
            Try { kind, of, number, end, started, rollback, undoes, holds, back, by }
        },
    );
    proptest::collection::vec(one, 0..most)
}

/// The event that a try is, for the world as it stands.
fn event_of(world: &World, one: &Try) -> EnvEvent {
    let count = world.state.count;
    let in_flight = world.state.in_flight.as_ref().map(|intent| intent.deployment.seq);
    let settled = match one.number {
        0..6 => in_flight.unwrap_or(count),
        back => count.saturating_sub(u64::from(back) - 6),
    };
    // Nearly always the one that is right.
    let next = if one.number == 0 { count + 2 } else { count + 1 };
    let reason = || "because".to_owned();
    let (seq, what) = match one.kind {
        0..4 => {
            let action = if one.rollback { Action::Rollback } else { Action::Deploy };
            let mut intent = world.intent(&candidate(one.of), action);
            intent.undoes = one.undoes.map(tag);
            intent.holds = one.holds;
            if one.back {
                intent.deployment.overrides = vec![Override { gate: Gate::RolledBack, text: String::new() }];
            }
            (next, EnvEventKind::Intent(Box::new(intent)))
        }
        4..7 => (settled, EnvEventKind::Outcome(outcome(one.end, one.started))),
        7 => (settled, EnvEventKind::TakenOver { reason: reason() }),
        8 => (settled, EnvEventKind::Late(outcome(one.end, one.started))),
        9 | 10 => (settled, EnvEventKind::Resolved { state: one.end, reason: reason() }),
        11 => (next, EnvEventKind::Hold { reason: reason() }),
        12 => (next, EnvEventKind::Unhold { token: settled, reason: reason() }),
        13 => {
            let commit = candidate(one.of).commit;
            (next, EnvEventKind::Approve { tag: tag(one.of), commit, tag_object: None, reason: None })
        }
        14 => (next, EnvEventKind::Withdraw { tag: tag(one.of), commit: candidate(one.of).commit }),
        _ if one.started => (next, EnvEventKind::Abandoned { reason: reason() }),
        _ => (next, EnvEventKind::Repaired { reason: reason() }),
    };
    let (actor, nonce) = (person(one.by), || format!("n{}", world.events.len()));
    Stamp { actor: &actor, at: world.now, nonce: &nonce }.event(&world.policy.name, seq, what)
}

/// A deployment, as far as the rules care.
#[derive(Debug, Clone)]
struct Claim {
    seq: u64,
    of: TagName,
    rollback: bool,
    back: bool,
}

/// An environment by the rules.
#[derive(Debug, Default)]
struct Model {
    count: u64,
    live: Option<TagName>,
    certain: bool,
    in_flight: Option<Claim>,
    /// Its number, and whether a rollback left it.
    hold: Option<(u64, bool)>,
    unresolved: Vec<Claim>,
    /// Closed by somebody else, and not heard of since.
    unheard: BTreeSet<u64>,
    undone: BTreeSet<String>,
    approvals: BTreeSet<(String, String)>,
    claimed: u64,
    /// The newest that may have changed something.
    ran: u64,
    succeeded: u64,
}

impl Model {
    /// Takes an event in; false where it may not follow.
    fn take(&mut self, event: &EnvEvent) -> bool {
        let seq = event.id.seq;
        let running = self.in_flight.as_ref().is_some_and(|claim| claim.seq == seq);
        let who = |tag: &TagName| (tag.to_string(), event.actor.email.clone());
        let may = match &event.what {
            EnvEventKind::Intent(intent) => {
                let rollback = intent.deployment.action == Action::Rollback;
                seq == intent.deployment.seq
                    && self.in_flight.is_none()
                    && self.hold.is_none_or(|(_, by_rollback)| rollback && by_rollback)
            }
            EnvEventKind::Outcome(outcome) => running && outcome.state != Progress::Running,
            EnvEventKind::TakenOver { .. } => running,
            EnvEventKind::Late(_) => self.unheard.contains(&seq),
            EnvEventKind::Resolved { state, .. } => {
                matches!(state, Progress::Succeeded | Progress::Failed)
                    && (running || self.unresolved.iter().any(|claim| claim.seq == seq))
            }
            EnvEventKind::Hold { .. } => self.hold.is_none(),
            EnvEventKind::Unhold { token, .. } => self.hold.is_some_and(|(held, _)| held == *token),
            EnvEventKind::Withdraw { tag, .. } => self.approvals.contains(&who(tag)),
            EnvEventKind::Approve { .. } | EnvEventKind::Abandoned { .. } | EnvEventKind::Repaired { .. } => {
                true
            }
            EnvEventKind::Offline(_) => unreachable!("they are played in tests of their own"),
        };
        let settles = matches!(
            event.what,
            EnvEventKind::Outcome(_)
                | EnvEventKind::TakenOver { .. }
                | EnvEventKind::Late(_)
                | EnvEventKind::Resolved { .. }
        );
        if !may || !(settles || seq == self.count + 1) {
            return false;
        }
        if !settles {
            self.count = seq;
        }
        match &event.what {
            EnvEventKind::Intent(intent) => {
                let of = intent.deployment.tag.clone();
                let rollback = intent.deployment.action == Action::Rollback;
                let back = !intent.deployment.overrides.is_empty();
                self.claimed = seq;
                self.in_flight = Some(Claim { seq, of, rollback, back });
                if let Some(undone) = &intent.undoes {
                    self.undone.insert(undone.to_string());
                    self.approvals.retain(|(tag, _)| tag != undone.as_str());
                }
                if intent.holds {
                    self.hold = Some((seq, true));
                }
            }
            EnvEventKind::Outcome(outcome) => self.end(outcome.state, outcome.started),
            EnvEventKind::TakenOver { .. } => {
                self.end(Progress::Unknown, true);
                self.unheard.insert(seq);
            }
            EnvEventKind::Late(outcome) => {
                self.unheard.remove(&seq);
                let agrees =
                    outcome.state == Progress::Succeeded && (self.claimed, self.succeeded) == (seq, seq);
                self.certain &= !outcome.started || agrees;
            }
            EnvEventKind::Resolved { state, .. } if running => {
                self.end(*state, true);
                self.unheard.insert(seq);
            }
            EnvEventKind::Resolved { state, .. } => {
                let at = self.unresolved.iter().position(|claim| claim.seq == seq).unwrap();
                let claim = self.unresolved.remove(at);
                if *state == Progress::Succeeded && self.in_flight.is_none() && self.succeeded < seq {
                    self.succeed(&claim);
                    self.certain = self.ran == seq;
                }
            }
            EnvEventKind::Hold { .. } => self.hold = Some((seq, false)),
            EnvEventKind::Unhold { .. } => self.hold = None,
            EnvEventKind::Approve { tag, .. } => drop(self.approvals.insert(who(tag))),
            EnvEventKind::Withdraw { tag, .. } => drop(self.approvals.remove(&who(tag))),
            EnvEventKind::Offline(_) | EnvEventKind::Abandoned { .. } | EnvEventKind::Repaired { .. } => {}
        }
        true
    }

    fn end(&mut self, state: Progress, started: bool) {
        let claim = self.in_flight.take().unwrap();
        let started = started || state == Progress::Unknown;
        // A rollback that was not reached is remembered in the place of what ran before it.
        if started || state == Progress::Succeeded || claim.rollback {
            self.ran = claim.seq;
        }
        if state == Progress::Succeeded {
            return self.succeed(&claim);
        }
        self.certain &= !started;
        if state == Progress::Unknown {
            self.unresolved.push(claim);
        }
    }

    fn succeed(&mut self, claim: &Claim) {
        self.live = Some(claim.of.clone());
        self.certain = true;
        self.succeeded = claim.seq;
        if claim.back {
            self.undone.remove(claim.of.as_str());
        }
    }

    fn check(&self, state: &EnvState) -> Result<(), TestCaseError> {
        prop_assert_eq!(state.count, self.count);
        prop_assert_eq!(state.current().map(|live| &live.tag), self.live.as_ref());
        prop_assert_eq!(state.certain, self.certain);
        let in_flight = state.in_flight.as_ref().map(|intent| intent.deployment.seq);
        prop_assert_eq!(in_flight, self.in_flight.as_ref().map(|claim| claim.seq));
        let hold = state.hold.as_ref().map(|hold| (hold.token, hold.cause == HoldCause::Rollback));
        prop_assert_eq!(hold, self.hold);
        let unresolved: Vec<u64> = state.unresolved.iter().map(|open| open.seq).collect();
        prop_assert_eq!(unresolved, self.unresolved.iter().map(|claim| claim.seq).collect::<Vec<_>>());
        let unheard: BTreeSet<u64> = state.unheard.iter().copied().collect();
        prop_assert_eq!(&unheard, &self.unheard);
        let undone: BTreeSet<String> = state.undone.iter().map(TagName::to_string).collect();
        prop_assert_eq!(&undone, &self.undone);
        let approvals: BTreeSet<_> =
            state.approvals.iter().map(|a| (a.tag.to_string(), a.actor.email.clone())).collect();
        prop_assert_eq!(&approvals, &self.approvals);
        // What is live and certain stands, and nothing else does.
        let standing: Vec<&TagName> =
            state.standing.iter().filter(|one| one.since.is_some()).map(|one| &one.tag).collect();
        prop_assert_eq!(standing, self.live.iter().filter(|_| self.certain).collect::<Vec<_>>());
        Ok(())
    }
}

/// Whether no list of a state is longer than the one that bounds it, or says a thing twice.
fn is_bounded(state: &EnvState) -> bool {
    let tags = |all: &[&TagName]| all.iter().collect::<BTreeSet<_>>().len() == all.len();
    state.stack.len() <= 64
        && state.unresolved.len() <= 64
        && state.wanted.len() == state.unresolved.len()
        && state.unheard.len() <= 256
        && state.approvals.len() <= 256
        && tags(&state.standing.iter().map(|one| &one.tag).collect::<Vec<_>>())
        && tags(&state.undone.iter().collect::<Vec<_>>())
}

/// Written and read back.
fn stored<S: serde::Serialize + serde::de::DeserializeOwned>(state: &S) -> S {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What may follow follows, what may not is refused, and what it comes to is what the rules
    /// say. Each snapshot reads back, and is as good a beginning as the root.
    #[test]
    fn an_environment_goes_by_the_rules(tries in tries(60), from in any::<prop::sample::Index>()) {
        let (mut world, mut model) = (World::new(), Model::default());
        let mut snapshots = vec![EnvState::default()];
        for one in &tries {
            let event = event_of(&world, one);
            let done = world.state.apply(&event);
            let may = model.take(&event);
            prop_assert_eq!(done.is_ok(), may, "{:?}: {:?}", event.what, done);
            if let Ok(next) = done {
                world.state = next;
                world.events.push(event);
                world.now += TimeDelta::minutes(1);
                snapshots.push(stored(&world.state));
                prop_assert_eq!(snapshots.last(), Some(&world.state));
            }
            model.check(&world.state)?;
            prop_assert!(is_bounded(&world.state));
        }
        let from = from.index(snapshots.len());
        let mut state = snapshots.swap_remove(from);
        for event in &world.events[from..] {
            state = state.apply(event).unwrap();
        }
        prop_assert_eq!(state, world.state);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    /// However long it goes on, and with whatever clocks.
    #[test]
    fn a_state_stays_small(tries in tries(1500), clocks in proptest::collection::vec(-3000..3000i64, 1..9)) {
        let mut world = World::new();
        for (n, one) in tries.iter().enumerate() {
            world.now = minute(clocks[n % clocks.len()]);
            let event = event_of(&world, one);
            if let Ok(next) = world.state.apply(&event) {
                world.state = next;
                world.events.push(event);
            }
            prop_assert!(is_bounded(&world.state));
        }
        prop_assert_eq!(stored(&world.state), world.state);
    }
}

/// Which event of a project's candidates, and what it is about.
type CandidatesTry = (u8, u8, u32, u8, u64);

/// A project's candidates by the rules.
#[derive(Debug, Default)]
struct Releases {
    /// Every number ever given: the release, and which.
    given: BTreeSet<(String, u32)>,
    /// Builds under way: the version, and of what commit.
    open: BTreeSet<(String, u8)>,
    minted: BTreeSet<String>,
    closed: BTreeSet<String>,
    blocked: BTreeSet<String>,
}

impl Releases {
    /// The event that a try is, and whether it may follow; taken in where it may.
    fn take(&mut self, (kind, minor, number, commit, position): CandidatesTry) -> (CandidatesWhat, bool) {
        let (release, reason) = (format!("1.{minor}.0"), "because".to_owned());
        let text = format!("{release}-rc.{number}");
        let version: crate::domain::version::CandidateVersion = text.parse().unwrap();
        let (tag, build) = (format!("v{text}").parse().unwrap(), (text, commit));
        let commit = oid(commit);
        match kind {
            0 | 1 => {
                let may = !self.given.iter().any(|(of, given)| *of == release && *given >= number);
                if may {
                    self.given.insert((release, number));
                    self.open.insert(build);
                }
                (CandidatesWhat::Reserved { version, commit, trunk: None }, may)
            }
            2 => {
                let may = self.open.remove(&build);
                if may {
                    self.minted.insert(release);
                }
                let minted =
                    Minted { tag, version, commit, trunk_commit: commit, position, ..candidate('a') };
                (CandidatesWhat::Minted(minted), may)
            }
            3 => (
                CandidatesWhat::Abandoned { version, commit, reason, failed: false },
                self.open.remove(&build),
            ),
            4 => {
                self.blocked.insert(release.clone());
                (CandidatesWhat::Blocked { target: release, reason }, true)
            }
            5 => {
                let may = self.blocked.remove(&release);
                (CandidatesWhat::Unblocked { target: release, reason }, may)
            }
            6 => {
                let may = self.minted.contains(&release) && self.closed.insert(release.clone());
                let (own, release) = (format!("v{release}").parse().unwrap(), release.parse().unwrap());
                let closed =
                    CandidatesWhat::Closed { release, tag: own, candidate: tag, commit, tag_object: None };
                (closed, may)
            }
            _ => (CandidatesWhat::Repaired { reason }, true),
        }
    }

    fn check(&self, state: &CandidatesState) -> Result<(), TestCaseError> {
        let lines = |those: &dyn Fn(&candidates::ReleaseState) -> bool| -> BTreeSet<String> {
            state.releases.iter().filter(|line| those(line)).map(|line| line.release.to_string()).collect()
        };
        prop_assert_eq!(&lines(&|line| line.minted), &self.minted);
        prop_assert_eq!(&lines(&|line| line.closed), &self.closed);
        prop_assert_eq!(lines(&|_| true), self.given.iter().map(|(of, _)| of.clone()).collect());
        for line in &state.releases {
            let given = self.given.iter().filter(|(of, _)| *of == line.release.to_string());
            prop_assert_eq!(Some(line.highest), given.map(|(_, number)| *number).max());
            prop_assert_eq!(state.next_number(&line.release), line.highest + 1);
        }
        let open: BTreeSet<(String, u8)> =
            state.reservations.iter().map(|r| (r.version.to_string(), r.commit.as_bytes()[0])).collect();
        prop_assert_eq!((open.len(), &open), (state.reservations.len(), &self.open));
        let blocked: BTreeSet<String> = state.blocks.iter().map(|block| block.target.clone()).collect();
        prop_assert_eq!((blocked.len(), &blocked), (state.blocks.len(), &self.blocked));
        Ok(())
    }
}

proptest! {
    /// The same for candidates.
    #[test]
    fn candidates_go_by_the_rules(
        tries in proptest::collection::vec((0..8u8, 1..4u8, 1..6u32, 1..3u8, 1..30u64), 0..60),
        from in any::<prop::sample::Index>(),
    ) {
        let mut model = Releases::default();
        let mut snapshots = vec![CandidatesState::default()];
        let mut events = Vec::new();
        let mut state = CandidatesState::default();
        for one in tries {
            let (what, may) = model.take(one);
            let (id, nonce) = ("x".to_owned(), "n".to_owned());
            let event = candidates::CandidatesEvent { id, at: minute(0), actor: person("kim"), nonce, what };
            let done = state.apply(&event);
            prop_assert_eq!(done.is_ok(), may, "{:?}: {:?}", event.what, done);
            if let Ok(next) = done {
                prop_assert_eq!(next.count, state.count + 1);
                snapshots.push(stored(&next));
                prop_assert_eq!(snapshots.last(), Some(&next));
                events.push(event);
                state = next;
            }
            model.check(&state)?;
        }
        let from = from.index(snapshots.len());
        let mut again = snapshots.swap_remove(from);
        for event in &events[from..] {
            again = again.apply(event).unwrap();
        }
        prop_assert_eq!(again, state);
    }
}

#[test]
fn no_number_follows_the_last_there_is() {
    let mut world = World::new();
    world.state.count = u64::MAX;
    for seq in [0, 1, u64::MAX] {
        assert!(world.apply(seq, EnvEventKind::Hold { reason: "x".into() }).is_err(), "{seq}");
    }
    let full = CandidatesState { count: u64::MAX, ..CandidatesState::default() };
    let what = CandidatesWhat::Repaired { reason: "x".into() };
    let event = candidates::CandidatesEvent {
        id: "x".into(),
        at: minute(0),
        actor: person("kim"),
        nonce: "n".into(),
        what,
    };
    assert!(full.apply(&event).is_err());
}
