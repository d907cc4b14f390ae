//! `rel status`: what is live where, and what comes next.

mod watch;

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::candidate::unfinished;
use crate::delivery::read::commit_counts::Counts;
use crate::delivery::read::gate_input::{Gatherer, TakeOver};
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::recover::settle;
use crate::delivery::run::artifacts::Bytes;
use crate::delivery::run::hands::Hands;
use crate::delivery::steps::next_candidate;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{Deployment, EnvState, HoldCause, Live};
use crate::domain::left_behind::Lost;
use crate::domain::name::{Oid, TagName};
use crate::domain::report::Document;
use crate::domain::report::deployment::{DeploymentReport, LiveReport};
use crate::domain::report::status::{
    Back, EnvironmentReport, FixReport, NextReport, StatusReport, TrunkReport, WaitingPick,
};
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::Result;
use crate::ui::front::Ui;
use crate::ui::gate;

/// Runs the verb.
///
/// # Errors
/// There is no such environment; the authority cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Status) -> Result<Document> {
    if let Some(interval) = args.watch {
        return watch::run(ui, reader, hands, interval, |ui, reader| look(ui, reader, args));
    }
    let seen = look(ui, reader, args)?;
    ui.screen.result_of(|| seen.frame(ui.screen));
    Ok(Document { policy: seen.policy, ..seen.status.into() })
}

/// Looks once.
fn look(ui: &Ui, reader: &Reader, args: &cli::Status) -> Result<watch::Seen> {
    let snapshot = dry_run::look(ui, reader, "status")?;
    let environments: Vec<&Environment> = match &args.environment {
        Some(name) => vec![snapshot.environment(name)?],
        None => snapshot.policy.config.environments.iter().collect(),
    };
    let status = Look::new(reader, &snapshot)?.status(&environments, args.environment.is_some())?;
    let policy = delivering::elsewhere(ui.screen, &snapshot.policy);
    if args.watch.is_none() {
        // The process ends with this: what was read need not be given back piece by piece.
        std::mem::forget(snapshot);
    }
    Ok(watch::Seen { status, policy, oneline: args.oneline, in_depth: args.environment.is_some() })
}

/// What every environment is looked at with.
struct Look<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    gatherer: Gatherer<'a>,
    newest: Option<&'a Minted>,
    unpublished: Vec<Deployment>,
    bytes: Bytes<'a>,
}

/// What a deployment without a candidate would take.
type Coming<'a> = Option<&'a Minted>;

impl<'a> Look<'a> {
    fn new(reader: &'a Reader, snapshot: &'a Snapshot) -> Result<Look<'a>> {
        Ok(Look {
            reader,
            snapshot,
            gatherer: Gatherer::looking(reader, snapshot),
            newest: snapshot.pool.iter().max_by(|a, b| a.order().cmp(&b.order())),
            unpublished: offline::unpublished(reader)?,
            bytes: Bytes::new(reader, snapshot),
        })
    }

    fn status(&self, environments: &[&'a Environment], in_depth: bool) -> Result<StatusReport> {
        let (reader, snapshot) = (self.reader, self.snapshot);
        let coming: Vec<Coming<'a>> = environments
            .iter()
            .map(|environment| next_candidate::coming(&self.gatherer, environment))
            .collect::<Result<_, _>>()?;
        let counts = self.counts(environments, &coming)?;
        let mut reports = Vec::new();
        for (environment, coming) in environments.iter().zip(coming) {
            reports.push(self.environment(environment, coming, &counts, in_depth)?);
        }
        let pending = self.newest.and_then(|newest| counts.get(newest.trunk_commit, snapshot.trunk));
        Ok(StatusReport {
            project: reader.project().clone(),
            trunk: TrunkReport { branch: reader.home.trunk.clone(), commit: snapshot.trunk, pending },
            authority: reader.authority().to_string(),
            offline: reader.is_offline(),
            as_of: snapshot.as_of,
            now: self.gatherer.now,
            environments: reports,
            // One that cannot be read is told by whoever goes on with it.
            unfinished_pick: unfinished::read(reader).ok().flatten().map(|waits| WaitingPick {
                source: waits.stop.source,
                onto: waits.stop.parent,
                worktree: waits.stop.worktree.display().to_string(),
                conflicts: waits.stop.paths,
            }),
        })
    }

    /// Everything that is counted, in one walk.
    fn counts(&self, environments: &[&Environment], coming: &[Coming<'_>]) -> Result<Counts> {
        let trunk = self.snapshot.trunk;
        let mut wanted: Vec<(Oid, Oid)> = Vec::new();
        let mut asked: Vec<(Oid, Oid)> = Vec::new();
        wanted.extend(self.newest.map(|newest| (newest.trunk_commit, trunk)));
        for (environment, coming) in environments.iter().zip(coming) {
            let state = &self.snapshot.chain(&environment.name)?.state;
            let live = state.current();
            wanted.extend(live.map(|live| (live.commit, trunk)));
            if let Some(candidate) = coming {
                let from = live.map_or(candidate.trunk_commit, |live| live.commit);
                wanted.push((from, candidate.commit));
            }
            asked.extend(self.asked(state, *coming)?);
        }
        wanted.extend(&asked);
        let scope = Scope::new(&self.snapshot.policy.config.project.paths)?;
        let counts = Counts::take(self.reader, &scope, &wanted)?;
        for (tip, commit) in asked {
            if let Some(contains) = counts.contains(tip, commit) {
                self.gatherer.left_behind.learn(tip, commit, contains);
            }
        }
        Ok(counts)
    }

    /// What gates and fixes ask to be contained in what, so that the same walk
    /// answers it.
    fn asked(&self, state: &EnvState, coming: Coming<'_>) -> Result<Vec<(Oid, Oid)>> {
        let Some(live) = state.current() else { return Ok(Vec::new()) };
        let mut asked: Vec<(Oid, Oid)> = Vec::new();
        let fixes = self.gatherer.left_behind.owed(state, live)?;
        for tip in coming.map(|candidate| candidate.commit).into_iter().chain([self.snapshot.trunk]) {
            asked.extend(fixes.iter().map(|fix| (tip, fix.source)));
        }
        let base = self.snapshot.minted(&live.tag).map_or(live.commit, |minted| minted.trunk_commit);
        asked.extend(coming.map(|candidate| (candidate.commit, base)));
        Ok(asked)
    }

    /// The fixes that are live in an environment and that trunk lacks: the next
    /// cut would bring the fault back.
    fn fixes(&self, environment: &Environment) -> Result<Vec<FixReport>> {
        let state = &self.snapshot.chain(&environment.name)?.state;
        let Some(live) = state.current() else { return Ok(Vec::new()) };
        let finder = &self.gatherer.left_behind;
        let lost = finder.lost(live, &finder.owed(state, live)?, self.snapshot.trunk, None)?;
        let fix = |lost: Lost| {
            let change = range::changes(self.reader, &[lost.fix.commit])?.swap_remove(0);
            Ok(FixReport::new(lost.fix.source, change))
        };
        lost.into_iter().filter(|lost| lost.live).map(fix).collect()
    }

    fn environment(
        &self,
        environment: &Environment,
        coming: Coming<'_>,
        counts: &Counts,
        in_depth: bool,
    ) -> Result<EnvironmentReport> {
        let (reader, snapshot) = (self.reader, self.snapshot);
        let view = snapshot.chain(&environment.name)?;
        let state = &view.state;
        let current = state.current();
        let in_flight = state.in_flight.as_ref().map(|intent| &intent.deployment);
        let alive_here = in_flight.map(|deployment| settle::live_here(reader, &deployment.id)).transpose()?;
        let gone = |tag: &TagName| self.bytes.are_gone(tag);
        let previous = rollback::previous(state, &snapshot.candidates.state, &gone).0;
        let unpublished = self
            .unpublished
            .iter()
            .filter(|d| d.environment == environment.name || environment.formerly.contains(&d.environment));
        let next = match coming {
            None => None,
            Some(candidate) => {
                let gates = next_candidate::refusals(&self.gatherer, environment, candidate)?;
                Some(NextReport {
                    tag: candidate.tag.clone(),
                    commits: brings(current, candidate, counts),
                    ready_at: next_candidate::ready_at(&gates, self.gatherer.now),
                    gates: gates.into_iter().map(gate::report).collect(),
                })
            }
        };
        let live = |live: &Live, certain| LiveReport { live: live.clone(), certain };
        Ok(EnvironmentReport {
            name: environment.name.clone(),
            current: current.map(|current| live(current, state.certain)),
            certain: state.certain,
            on_behalf_of: current.and_then(|live| live.on_behalf_of.clone()),
            newest: self.newest.is_some_and(|newest| current.is_some_and(|live| live.tag == newest.tag)),
            // It succeeded, so what it was is certain whatever happened since.
            previous: previous.map(|previous| live(previous, true)),
            unpublished: unpublished.cloned().map(DeploymentReport).collect(),
            not_here: self.bytes.not_here(current.into_iter().chain(previous)),
            in_flight: in_flight.cloned().map(DeploymentReport),
            alive_here: alive_here.unwrap_or_default(),
            hold: state.hold.clone(),
            unresolved: state.unresolved.iter().cloned().map(DeploymentReport).collect(),
            last: state.last.clone(),
            pending: current.and_then(|live| counts.get(live.commit, snapshot.trunk)),
            next,
            fixes_not_on_trunk: self.fixes(environment)?,
            back: if in_depth { self.back(environment, state) } else { None },
        })
    }

    /// Where a rollback would go, once what is in its way is taken over.
    fn back(&self, environment: &'a Environment, state: &'a EnvState) -> Option<Back> {
        let held = state.hold.as_ref().filter(|hold| hold.cause == HoldCause::Person);
        let token = match &state.in_flight {
            Some(intent) => Some(intent.deployment.seq),
            None => held.map(|hold| hold.token),
        };
        let take_over = TakeOver { token, reason: None, rollback: true };
        let input = self.gatherer.input(environment, state).ok()?;
        let (input, _) = self.gatherer.taking_over(input, take_over).ok()?;
        let find = |tag: &TagName| self.snapshot.minted(tag).cloned();
        let gone = |tag: &TagName| self.bytes.are_gone(tag);
        let request = rollback::RollbackOptions { take_over: token, ..rollback::RollbackOptions::default() };
        let decision = self.gatherer.left_behind.deciding(&input.state, |left_behind| {
            let knowledge = Knowledge { find: &find, gone: &gone, left_behind };
            rollback::decide(&input, &request, &knowledge)
        });
        match decision.ok()? {
            Decision::Go(plan) => Some(Back::To {
                tag: plan.candidate().tag.clone(),
                why: plan.why().to_owned(),
                skipped: plan.skipped().to_vec(),
                token,
            }),
            Decision::AskFurther { current, target } => Some(Back::Further { tag: target, current }),
            Decision::NoTarget { why, skipped } => Some(Back::Nowhere { why, skipped }),
            Decision::Nothing(why) => Some(Back::Nowhere { why, skipped: Vec::new() }),
            Decision::Refused(verdicts) => Some(Back::Nowhere {
                why: verdicts.iter().map(gate::text).collect::<Vec<_>>().join("; "),
                skipped: Vec::new(),
            }),
        }
    }
}

/// How many commits a candidate brings; where nothing is live, how many it
/// builds on, which is recorded: nobody waits for a walk to the first commit.
fn brings(live: Option<&Live>, candidate: &Minted, counts: &Counts) -> usize {
    if let Some(live) = live {
        return counts.get(live.commit, candidate.commit).unwrap_or_default();
    }
    let picks = counts.get(candidate.trunk_commit, candidate.commit).unwrap_or_default();
    usize::try_from(candidate.position).unwrap_or(usize::MAX).saturating_add(picks)
}
