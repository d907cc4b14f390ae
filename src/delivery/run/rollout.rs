//! A rollout: deploy, then verify, and the same for each phase where there
//! are some, which are watched for a while before the next one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::delivery::read::reader::Reader;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::workspace::{Ending, Stage, program};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::config::{Command, Phase};
use crate::domain::env::{Deployment, Outcome, PhaseRun, Progress};
use crate::domain::name::{Oid, TagName};
use crate::exec::{self, Ended, Run as Command_};
use crate::store::journal::{self, OpenRun};

/// How often a phase is looked at while it is watched: ten times, but neither
/// in a hurry nor hardly ever.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(30);

/// Deploy and verify once: a phase, or the whole of a rollout without any.
struct Round<'a> {
    phase: Option<&'a Phase>,
    deploy: Option<&'a Command>,
    verify: Option<&'a Command>,
}

/// Why a rollout went no further.
enum Stopped {
    /// A command ended otherwise than in success: its step, and how in words.
    Command { state: Progress, exit_code: Option<i32>, text: String },
    /// Nothing was ever started.
    Never(Box<Ending>),
}

/// Plays a rollout to its end, and notes in `noted` how far it came.
pub fn play(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    noted: &mut OpenRun,
    prepared: &Prepared,
    stage: &Stage<'_>,
) -> Ending {
    let commands = &prepared.commands;
    let phase = |phase| Round {
        phase: Some(phase),
        deploy: phase.deploy.as_ref().or(commands.deploy.as_ref()),
        verify: phase.verify.as_ref().or(commands.verify.as_ref()),
    };
    let rounds = match &commands.phases[..] {
        [] => {
            vec![Round { phase: None, deploy: commands.deploy.as_ref(), verify: commands.verify.as_ref() }]
        }
        phases => phases.iter().map(phase).collect(),
    };
    let mut rollout = Rollout { hands, sink, noted, prepared, stage, started: false };
    let mut phases = Vec::new();
    for round in rounds {
        let begun = reader.world.now();
        let stopped = rollout.round(&round);
        let state = match &stopped {
            None => Progress::Succeeded,
            Some(Stopped::Command { state, .. }) => *state,
            Some(Stopped::Never(_)) => Progress::Cancelled,
        };
        if let Some(phase) = round.phase {
            phases.push(PhaseRun {
                name: phase.name.clone(),
                state,
                started_at: begun,
                finished_at: reader.world.now(),
            });
        }
        match stopped {
            None => {}
            Some(Stopped::Never(ending)) => return *ending,
            Some(Stopped::Command { state, exit_code, text }) => {
                let outcome =
                    Outcome { state, started: rollout.started, exit_code, text: Some(text.clone()), phases };
                return Ending { outcome, explanation: Some(text), kept: None };
            }
        }
    }
    let outcome = Outcome { exit_code: Some(0), phases, ..Outcome::of(Progress::Succeeded, rollout.started) };
    Ending { outcome, explanation: None, kept: None }
}

struct Rollout<'a> {
    hands: &'a Hands<'a>,
    sink: &'a dyn Sink,
    noted: &'a mut OpenRun,
    prepared: &'a Prepared,
    stage: &'a Stage<'a>,
    /// Whether any command was.
    started: bool,
}

impl Rollout<'_> {
    /// None where all of it succeeded.
    fn round(&mut self, round: &Round<'_>) -> Option<Stopped> {
        let mut env = self.stage.env.clone();
        if let Some(phase) = round.phase {
            env.insert("REL_PHASE".into(), phase.name.clone().into());
        }
        let steps = [("deploy", round.deploy), ("verify", round.verify)];
        for (step, command) in steps {
            let Some(command) = command else { continue };
            let stopped = self.command(round.phase, step, command, &env);
            if stopped.is_some() {
                return stopped;
            }
        }
        round.phase.and_then(|phase| self.watch(phase, round.verify, &env))
    }

    /// Repeats verify until the wait of a phase is over, the last time at its end.
    fn watch(
        &mut self,
        phase: &Phase,
        verify: Option<&Command>,
        env: &BTreeMap<OsString, OsString>,
    ) -> Option<Stopped> {
        if phase.wait.is_zero() {
            return None;
        }
        let (since, every) = (Instant::now(), (phase.wait / 10).clamp(SOONEST, LATEST));
        self.sink.notice(Notice::Watching(phase));
        loop {
            let left = phase.wait.saturating_sub(since.elapsed());
            pause(self.hands, every.min(left));
            if self.hands.interrupts.interrupted() {
                return Some(Stopped::Command {
                    state: Progress::Cancelled,
                    exit_code: None,
                    text: format!("{}: interrupted while it was watched", phase.name),
                });
            }
            if let Some(verify) = verify {
                let stopped = self.command(Some(phase), "verify", verify, env);
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
    fn command(
        &mut self,
        phase: Option<&Phase>,
        step: &str,
        command: &Command,
        env: &BTreeMap<OsString, OsString>,
    ) -> Option<Stopped> {
        let (hands, sink, Prepared { commands, retry, .. }) = (self.hands, self.sink, self.prepared);
        let step = phase.map_or(step.to_owned(), |phase| format!("{} {step}", phase.name));
        let program = program(command);
        let run = Command_ {
            program: &program,
            cwd: self.stage.checkout.path(),
            env,
            input: None,
            timeout: Some(commands.timeout),
            grace: commands.grace,
            log: &self.stage.raw,
            nameless: self.stage.has_secrets(),
        };
        let mut attempt = 1;
        let ended = loop {
            // Each time: what ran before must not be taken for what is about to.
            let running = journal::Phase::Running { process: None };
            if let Err(failure) = self.noted.advance(running)
                && !self.started
            {
                return Some(Stopped::Never(Box::new(Ending::never_started(failure))));
            }
            let (ended, ran) = self.stage.execute(hands, sink, run, &step, &mut |process| {
                // Without this line a killed run reads as unknown, which is true too.
                let _ = self.noted.advance(journal::Phase::Running { process: Some(process) });
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
        if ended.is_success() {
            return None;
        }
        let interrupted = matches!(ended, Ended::Interrupted);
        Some(Stopped::Command {
            state: if interrupted { Progress::Cancelled } else { Progress::Failed },
            exit_code: ended.exit_code(),
            text: format!("{step}: {}", exec::explain(&ended, &run)),
        })
    }
}

/// Waits, but not for somebody who wants it to end.
fn pause(hands: &Hands, limit: Duration) {
    let since = Instant::now();
    while since.elapsed() < limit && !hands.interrupts.interrupted() {
        std::thread::sleep(Duration::from_millis(20).min(limit));
    }
}

/// Runs the commands of a deployment, and notes in `run` how far it came.
pub fn perform(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    run: &mut OpenRun,
    deployment: &Deployment,
    prepared: &Prepared,
    previous: Option<&(TagName, Oid)>,
) -> Ending {
    match Stage::set(reader, run, deployment, prepared, previous) {
        Err(failure) => Ending::never_started(failure),
        Ok(stage) => {
            let ending = play(reader, hands, sink, run, prepared, &stage);
            if let Err(failure) = stage.clear() {
                sink.notice(Notice::Trouble(&failure));
            }
            ending
        }
    }
}
