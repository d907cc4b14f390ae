//! A rollout: deploy, then verify, and the same for each phase where there
//! are some, which are watched for a while before the next one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::delivery::error::Error;
use crate::delivery::error::run::RunError;
use crate::delivery::read::reader::Reader;
use crate::delivery::run::claim_watch::ClaimWatch;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::workspace::{RolloutEnd, Workspace, program};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::config::{Command, Phase};
use crate::domain::env::{Deployment, Outcome, PhaseRun, Progress};
use crate::domain::name::{Oid, TagName};
use crate::exec::{self, Run as Command_};
use crate::failure::Failure;
use crate::store::journal::{self, OpenRun};

/// How often a phase is looked at while it is watched: ten times, but neither
/// in a hurry nor hardly ever.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(30);

/// Why a rollout went no further.
enum StepFailure {
    /// A command ended otherwise than in success: its step, and how in words.
    Command { state: Progress, exit_code: Option<i32>, text: String },
    /// Nothing was ever started.
    Never(Box<RolloutEnd>),
}

/// Runs the phases of a rollout, or all of it at once where there are none,
/// and notes in its journal how far it came.
pub fn run_phases(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    running: &mut RunningDeployment<'_>,
    prepared: &Prepared,
    workspace: &Workspace<'_>,
) -> RolloutEnd {
    let each: Vec<Option<&Phase>> = match &prepared.commands.phases[..] {
        [] => vec![None],
        phases => phases.iter().map(Some).collect(),
    };
    let (journal, claim) = (&mut *running.journal, running.claim);
    let mut rollout = Rollout { reader, hands, sink, journal, claim, prepared, workspace, started: false };
    let mut phases = Vec::new();
    for phase in each {
        let started_at = reader.world.now();
        let failure = rollout.run_phase(phase);
        let state = match &failure {
            None => Progress::Succeeded,
            Some(StepFailure::Command { state, .. }) => *state,
            Some(StepFailure::Never(_)) => Progress::Cancelled,
        };
        phases.extend(phase.map(|phase| PhaseRun {
            name: phase.name.clone(),
            state,
            started_at,
            finished_at: reader.world.now(),
        }));
        match failure {
            None => {}
            Some(StepFailure::Never(end)) => return *end,
            Some(StepFailure::Command { state, exit_code, text }) => {
                let started = rollout.started;
                let outcome = Outcome { state, started, exit_code, text: Some(text.clone()), phases };
                return RolloutEnd { outcome, explanation: Some(text), kept: None };
            }
        }
    }
    let outcome = Outcome { exit_code: Some(0), phases, ..Outcome::of(Progress::Succeeded, rollout.started) };
    RolloutEnd { outcome, explanation: None, kept: None }
}

/// A deployment that is carried out.
pub struct RunningDeployment<'a> {
    /// Its record so far.
    pub deployment: &'a Deployment,
    /// This clone's note of it.
    pub journal: &'a mut OpenRun,
    /// Its claim; `None` if it runs without one.
    pub claim: Option<&'a ClaimWatch<'a>>,
}

struct Rollout<'a> {
    reader: &'a Reader<'a>,
    hands: &'a Hands<'a>,
    sink: &'a dyn Sink,
    journal: &'a mut OpenRun,
    claim: Option<&'a ClaimWatch<'a>>,
    prepared: &'a Prepared,
    workspace: &'a Workspace<'a>,
    /// Whether any command was started.
    started: bool,
}

impl Rollout<'_> {
    /// Deploys, verifies, and watches where the phase says so. `None` if all of
    /// it succeeded.
    fn run_phase(&mut self, phase: Option<&Phase>) -> Option<StepFailure> {
        let commands = &self.prepared.commands;
        let deploy = phase.and_then(|phase| phase.deploy.as_ref()).or(commands.deploy.as_ref());
        let verify = phase.and_then(|phase| phase.verify.as_ref()).or(commands.verify.as_ref());
        let mut env = self.workspace.env.clone();
        if let Some(phase) = phase {
            env.insert("REL_PHASE".into(), phase.name.clone().into());
        }
        for (step, command) in [("deploy", deploy), ("verify", verify)] {
            let failure = command.and_then(|command| self.run_step(phase, step, command, &env));
            if failure.is_some() {
                return failure;
            }
        }
        phase.and_then(|phase| self.watch(phase, verify, &env))
    }

    /// Repeats verify until the wait of a phase is over, the last time at its end.
    fn watch(
        &mut self,
        phase: &Phase,
        verify: Option<&Command>,
        env: &BTreeMap<OsString, OsString>,
    ) -> Option<StepFailure> {
        if phase.wait.is_zero() {
            return None;
        }
        let (since, every) = (Instant::now(), (phase.wait / 10).clamp(SOONEST, LATEST));
        self.sink.notice(Notice::Watching(phase));
        loop {
            let left = phase.wait.saturating_sub(since.elapsed());
            pause(self.hands, every.min(left));
            if self.hands.interrupts.interrupted() {
                return Some(StepFailure::Command {
                    state: Progress::Cancelled,
                    exit_code: None,
                    text: format!("{}: interrupted while it was watched", phase.name),
                });
            }
            if let Some(verify) = verify {
                let stopped = self.run_step(Some(phase), "verify", verify, env);
                if stopped.is_some() {
                    return stopped;
                }
            }
            if since.elapsed() >= phase.wait {
                return None;
            }
        }
    }

    /// Runs one command within its timeout, as often as `retry` allows.
    fn run_step(
        &mut self,
        phase: Option<&Phase>,
        name: &str,
        command: &Command,
        env: &BTreeMap<OsString, OsString>,
    ) -> Option<StepFailure> {
        let (hands, sink, Prepared { commands, retry, .. }) = (self.hands, self.sink, self.prepared);
        let step = phase.map_or(name.to_owned(), |phase| format!("{} {name}", phase.name));
        let program = program(command);
        let run = Command_ {
            program: &program,
            cwd: self.workspace.checkout.path(),
            env,
            input: None,
            timeout: Some(commands.timeout),
            grace: commands.grace,
            log: &self.workspace.raw,
            nameless: self.workspace.has_secrets(),
        };
        let mut attempt = 1;
        let ended = loop {
            // A further phase begins with its deploy.
            let is_further = attempt > 1 || self.started && phase.is_some() && name == "deploy";
            if let Some(stopped) = self.before_command(&step, is_further) {
                return Some(stopped);
            }
            // Each time: what ran before must not be taken for what is about to.
            let running = journal::RunPhase::Running { process: None };
            if let Err(error) = self.journal.advance(running)
                && !self.started
            {
                return Some(StepFailure::Never(Box::new(RolloutEnd::never_started(error.into()))));
            }
            let (ended, ran) = self.workspace.execute(hands, sink, run, &step, &mut |process| {
                // Without this line a killed run reads as unknown, which is true too.
                let _ = self.journal.advance(journal::RunPhase::Running { process: Some(process) });
            });
            self.started |= ran;
            let over = ended.is_success() || hands.interrupts.interrupted() || attempt >= retry.attempts;
            if over {
                break ended;
            }
            attempt += 1;
            sink.notice(Notice::TryingAgain { step: &step, attempt, of: retry.attempts });
            pause(hands, retry.backoff);
        };
        let exit_code = ended.exit_code();
        let error = ended.error(&run)?;
        let interrupted = matches!(error, exec::Error::Interrupted);
        Some(StepFailure::Command {
            state: if interrupted { Progress::Cancelled } else { Progress::Failed },
            exit_code,
            text: format!("{step}: {}", sink.command_text(&error)),
        })
    }
}

impl Rollout<'_> {
    /// Makes sure that a command may run: nobody took over, and what it is given is what was recorded.
    fn before_command(&self, step: &str, is_further: bool) -> Option<StepFailure> {
        let stopped = |state: Progress, why: Error| {
            if !self.started {
                return StepFailure::Never(Box::new(RolloutEnd::never_started(why)));
            }
            // The record keeps words.
            let text = format!("{step}: {}", Failure::from(why).message);
            StepFailure::Command { state, exit_code: None, text }
        };
        if let Some(who) = self.claim.and_then(|claim| claim.taken_over_by(is_further)) {
            return Some(stopped(Progress::Cancelled, RunError::TakenOver(who).into()));
        }
        // An earlier command may have changed its folder.
        let prepared =
            if is_further { self.workspace.renew(self.reader, &self.prepared.candidate) } else { Ok(()) };
        prepared.err().map(|error| stopped(Progress::Failed, error))
    }
}

/// Waits, but not for somebody who wants it to end.
fn pause(hands: &Hands, limit: Duration) {
    let since = Instant::now();
    while since.elapsed() < limit && !hands.interrupts.interrupted() {
        std::thread::sleep(Duration::from_millis(20).min(limit));
    }
}

/// Runs the commands of a deployment, and notes in its journal how far it came.
pub fn run_rollout(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    running: &mut RunningDeployment<'_>,
    prepared: &Prepared,
    previous: Option<&(TagName, Oid)>,
) -> RolloutEnd {
    match Workspace::set(reader, running.journal, running.deployment, prepared, previous) {
        Err(failure) => RolloutEnd::never_started(failure),
        Ok(workspace) => {
            let ending = run_phases(reader, hands, sink, running, prepared, &workspace);
            if let Err(failure) = workspace.clear() {
                sink.notice(Notice::Trouble(failure));
            }
            ending
        }
    }
}
