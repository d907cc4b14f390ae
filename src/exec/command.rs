//! Runs one command to its end: starts it, follows its log, and ends its whole
//! process group when time or patience is over.
//!
//! No thread is made and nothing blocks: it looks, and between two looks
//! sleeps an eighth of the time that nothing has happened, so that a command
//! of a millisecond costs no more and one of an hour wakes us rarely.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::follow::{Follow, SHOWN_AT_ONCE};
use super::group::{self, Group};
use super::keeper::OutputKeeper;
use super::process;
use super::signals::with_no_signal_blocked;
use super::{Ended, Interrupts, LOST_STATUS, Listener, Program, Run, Runner, StartError, Started};
use crate::failpoint;

/// The shortest and the longest sleep between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// For how long nothing has come when the beginning of a line is shown without its end.
const HALF_LINE: Duration = Duration::from_millis(500);

/// How long a program file may be open for writing before that is an error.
const BUSY_PATIENCE: Duration = Duration::from_millis(200);

/// Starts real processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Processes;

impl Runner for Processes {
    fn run(
        &self,
        run: Run<'_>,
        interrupts: &Interrupts,
        started: &mut dyn FnMut(&Started),
        listener: &mut dyn Listener,
    ) -> Ended {
        if interrupts.interrupted() {
            return Ended::Interrupted;
        }
        let (log, mut follow) = match open_log(&run) {
            Ok(both) => both,
            Err(error) => return Ended::NotStarted(error),
        };
        let (mut keeper, output) = match OutputKeeper::start(&run, log) {
            Ok(both) => both,
            Err(error) => return Ended::NotStarted(StartError::Keeper(error)),
        };
        let begun = Instant::now();
        let may_start = failpoint::step("spawn").map_err(StartError::Other);
        let child = match may_start.and_then(|()| start(&run, output)) {
            Ok(child) => child,
            Err(error) => return Ended::NotStarted(error),
        };
        let pid = child.id();
        let _ = failpoint::step("spawned");
        let process = Started { pid, start_time: process::start_time(pid) };
        keeper.watches(process);
        started(&process);
        let ended = Watch { run, begun, leader: Leader::new(pid), ending: None }.until_ended(
            interrupts,
            &mut keeper,
            &mut follow,
            listener,
        );
        let _ = failpoint::step("exited");
        // A person who asks again while a long backlog is shown has seen enough of it.
        let heard = interrupts.count();
        let dropped = keeper.finish();
        follow.finish(listener, || interrupts.count() > heard);
        if dropped > 0 {
            listener.lost(dropped);
        }
        ended
    }
}

/// The log for the keeper to append to, and for us to follow.
fn open_log(run: &Run<'_>) -> Result<(File, Follow), StartError> {
    let path: &Path = run.log;
    let open = || {
        // What a command prints may hold secrets.
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let follow = Follow::from_end(path)?;
        if run.nameless {
            std::fs::remove_file(path)?;
        }
        Ok((log, follow))
    };
    open().map_err(|cause: io::Error| StartError::Log { path: path.to_owned(), cause })
}

/// Starts the command as leader of its own group.
fn start(run: &Run<'_>, output: PipeWriter) -> Result<Child, StartError> {
    let mut command = command(run.program).ok_or(StartError::Empty)?;
    command
        .current_dir(run.cwd)
        .env_clear()
        .envs(run.env)
        .stdin(match run.input {
            Some(input) => File::open(input).map_err(StartError::Other)?.into(),
            None => Stdio::null(),
        })
        .stdout(output.try_clone().map_err(StartError::Other)?)
        .stderr(output)
        .process_group(0);
    let begun = Instant::now();
    loop {
        match with_no_signal_blocked(|| command.spawn()) {
            // A thread that forked while the file was being written holds it a moment longer.
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && begun.elapsed() < BUSY_PATIENCE =>
            {
                std::thread::sleep(LONGEST_PAUSE);
            }
            Err(error) => return Err(StartError::of(run, error)),
            Ok(child) => return Ok(child),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that starts other people's commands")]
fn command(program: &Program) -> Option<Command> {
    match program {
        Program::Shell(text) => {
            let mut command = Command::new("/bin/sh");
            command.arg0("sh").args(["-c", "--", text]);
            Some(command)
        }
        Program::Argv(argv) => match argv.split_first() {
            Some((program, arguments)) if !program.is_empty() => {
                let mut command = Command::new(program);
                command.args(arguments);
                Some(command)
            }
            _ => None,
        },
    }
}

/// The process that was started, and how it ended once it has.
struct Leader {
    pid: Pid,
    ended: Option<Ended>,
}

/// What a look at the leader found.
enum Look {
    Running,
    Gone,
    /// Stopped by this signal for want of the terminal.
    WantsTerminal(Signal),
}

impl Leader {
    fn new(pid: u32) -> Leader {
        Leader { pid: Pid::from_raw(i32::try_from(pid).expect("a pid_t is an i32")), ended: None }
    }

    /// Looks without waiting, and collects the exit status once.
    fn look(&mut self) -> Look {
        if self.ended.is_some() {
            return Look::Gone;
        }
        let ended = match waitpid(self.pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, code)) => Ended::Exited(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ended::Signalled(signal as i32),
            Ok(WaitStatus::Stopped(_, signal @ (Signal::SIGTTIN | Signal::SIGTTOU))) => {
                return Look::WantsTerminal(signal);
            }
            // A person stopped it with another signal, and can wake it again.
            Ok(_) | Err(Errno::EINTR) => return Look::Running,
            // Collected by somebody else (SIGCHLD ignored), or ended by a signal without a name.
            Err(_) => Ended::Exited(LOST_STATUS),
        };
        self.ended = Some(ended);
        Look::Gone
    }
}

/// A group on its way out.
struct Ending {
    /// What the run will be said to have ended by.
    why: Ended,
    /// When it is killed; once that is done, when it is given up.
    deadline: Instant,
    killed: bool,
}

/// One command under watch.
struct Watch<'a> {
    run: Run<'a>,
    begun: Instant,
    leader: Leader,
    ending: Option<Ending>,
}

impl Watch<'_> {
    fn until_ended(
        mut self,
        interrupts: &Interrupts,
        keeper: &mut OutputKeeper<'_>,
        follow: &mut Follow,
        listener: &mut dyn Listener,
    ) -> Ended {
        let group = Group::new(self.leader.pid.as_raw().unsigned_abs());
        let mut quiet_since = Instant::now();
        loop {
            let shown = follow.advance(SHOWN_AT_ONCE, listener);
            let look = self.leader.look();
            let now = Instant::now();
            if self.ending.is_none() {
                let why = match look {
                    // Before all else: a command that ended by itself was not interrupted.
                    Look::Gone => return self.leader.ended.unwrap_or(Ended::Exited(LOST_STATUS)),
                    Look::WantsTerminal(signal) => Some(Ended::Signalled(signal as i32)),
                    Look::Running if interrupts.interrupted() => Some(Ended::Interrupted),
                    Look::Running => {
                        let over =
                            self.run.timeout.is_some_and(|limit| now.duration_since(self.begun) >= limit);
                        over.then_some(Ended::TimedOut)
                    }
                };
                if let Some(why) = why {
                    if let Some(group) = group {
                        group.ask();
                    }
                    self.ending = Some(Ending { why, deadline: later(now, self.run.grace), killed: false });
                    quiet_since = now;
                }
            }
            if let Some(ending) = self.ending.as_mut() {
                // The first signal asked; one more, whoever asked first, is the end of patience.
                let asked_by_signal = usize::from(matches!(ending.why, Ended::Interrupted));
                let over = now >= ending.deadline;
                if ending.killed && over || matches!(look, Look::Gone) && group.is_none_or(Group::is_gone) {
                    return self.ending.map_or(Ended::Interrupted, |ending| ending.why);
                }
                if !ending.killed && (over || interrupts.count() > asked_by_signal) {
                    if let Some(group) = group {
                        group.kill();
                    }
                    ending.killed = true;
                    ending.deadline = later(now, group::BURIAL);
                    quiet_since = now;
                }
            }
            if shown {
                quiet_since = now;
            } else {
                keeper.look();
                if now.duration_since(quiet_since) >= HALF_LINE {
                    follow.half_line(listener);
                }
                let pause = (now.duration_since(quiet_since) / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                std::thread::sleep(pause);
            }
        }
    }
}

/// `now + wait`, for any wait: about for ever is as good as for ever.
fn later(now: Instant, wait: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(wait).unwrap_or_else(|| now + FOR_EVER)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::super::group::is_group_alive;
    use super::super::{GRACE, Left, Piece, boot_id, is_alive, stop_group, what_is_left};
    use nix::sys::signal::SigSet;

    use super::*;

    /// Longer than any test: what waits for it hangs visibly.
    const NEVER: Duration = Duration::from_secs(3600);

    /// A folder, a log in it, and how to run things there.
    struct Place {
        folder: tempfile::TempDir,
        env: BTreeMap<OsString, OsString>,
        timeout: Option<Duration>,
        grace: Duration,
        interrupts: Interrupts,
    }

    /// What a run told its caller.
    struct Told {
        ended: Ended,
        lines: Vec<Vec<u8>>,
        started: Option<Started>,
    }

    impl Told {
        fn text(&self) -> Vec<String> {
            self.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
        }

        fn group_is_alive(&self) -> bool {
            let started = self.started.expect("it started");
            is_group_alive(started.pid, started.start_time)
        }

        fn why_not_started(self) -> StartError {
            assert!(self.started.is_none());
            match self.ended {
                Ended::NotStarted(error) => error,
                other => panic!("{other:?}"),
            }
        }
    }

    impl Place {
        fn new() -> Place {
            Place {
                folder: tempfile::tempdir().unwrap(),
                env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
                timeout: None,
                grace: GRACE,
                interrupts: Interrupts::none(),
            }
        }

        fn log(&self) -> PathBuf {
            self.folder.path().join("log")
        }

        fn write(&self, name: &str, text: &str, mode: u32) {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }

        /// Runs it, and calls `on_line` with each line as it comes.
        fn run(&self, program: &Program, mut on_line: impl FnMut(&[u8])) -> Told {
            let (log, mut lines, mut starts) = (self.log(), Vec::new(), Vec::new());
            let run = Run {
                input: None,
                program,
                cwd: self.folder.path(),
                env: &self.env,
                timeout: self.timeout,
                grace: self.grace,
                log: &log,
                nameless: false,
            };
            let ended =
                Processes.run(run, &self.interrupts, &mut |one| starts.push(*one), &mut |line: Piece<'_>| {
                    lines.push(line.text.to_vec());
                    on_line(line.text);
                });
            assert!(starts.len() <= 1);
            Told { ended, lines, started: starts.pop() }
        }

        fn sh(&self, text: &str) -> Told {
            self.run(&Program::Shell(text.to_owned()), |_| ())
        }

        fn argv(&self, argv: &[&str]) -> Told {
            self.run(&Program::Argv(argv.iter().map(|&word| word.to_owned()).collect()), |_| ())
        }

        /// Runs it, and interrupts it `times` when it says `ready`.
        fn interrupted(&self, text: &str, times: usize) -> Told {
            self.run(&Program::Shell(text.to_owned()), |line| {
                if line == b"ready" {
                    (0..times).for_each(|_| self.interrupts.trigger());
                }
            })
        }
    }

    #[test]
    fn exit_codes_and_signals_come_back() {
        let place = Place::new();
        assert!(place.sh("exit 0").ended.is_success());
        assert_eq!(place.sh("exit 3").ended.exit_code(), Some(3));
        assert_eq!(place.sh("./nothing").ended.exit_code(), Some(127));
        assert!(matches!(place.sh("kill -9 $$").ended, Ended::Signalled(9)));
    }

    #[test]
    fn a_string_is_a_shells_and_an_array_is_nobodys() {
        let place = Place::new();
        assert_eq!(place.sh("echo $((1 + 2)) '*'").text(), ["3 *"]);
        assert_eq!(place.sh("-x 2>/dev/null; echo $0").text(), ["sh"]);
        assert_eq!(place.argv(&["echo", "$((1 + 2))", "*", "a  b"]).text(), ["$((1 + 2)) * a  b"]);
    }

    #[test]
    fn a_relative_program_is_found_from_its_folder() {
        let place = Place::new();
        place.write("deploy.sh", "#!/bin/sh\necho \"$0 $1\"; pwd -P\n", 0o755);
        let here = place.folder.path().canonicalize().unwrap();
        assert_eq!(place.argv(&["./deploy.sh", "x"]).text(), ["./deploy.sh x", here.to_str().unwrap()]);
    }

    #[test]
    fn the_environment_is_exactly_what_was_given() {
        let mut place = Place::new();
        let raw = OsString::from_vec(b"a\xffb".to_vec());
        place.env = BTreeMap::from([("REL_ENV".into(), "prod".into()), ("RAW".into(), raw)]);
        let told = place.argv(&["/usr/bin/env"]);
        assert_eq!(told.lines, [&b"RAW=a\xffb"[..], b"REL_ENV=prod"]);
    }

    #[test]
    fn output_comes_in_order_of_writing_whatever_the_stream() {
        let told = Place::new().sh("echo one; echo two >&2; echo three; printf part >&2");
        assert_eq!(told.text(), ["one", "two", "three", "part"]);
    }

    #[test]
    fn the_log_keeps_every_byte_and_earlier_runs() {
        let place = Place::new();
        place.sh("printf 'a\\377\\r\\n'");
        let told = place.sh("echo b");
        assert_eq!(told.text(), ["b"]);
        assert_eq!(std::fs::read(place.log()).unwrap(), b"a\xff\r\nb\n");
        assert_eq!(std::fs::metadata(place.log()).unwrap().permissions().mode() & 0o077, 0);
    }

    #[test]
    fn bytes_that_are_no_text_arrive_as_they_are() {
        assert_eq!(Place::new().sh("printf '\\377\\000\\n\\376'").lines, [&b"\xff\0"[..], b"\xfe"]);
    }

    #[test]
    fn a_line_of_a_mebibyte_comes_in_bounded_pieces() {
        let told = Place::new().sh("head -c 1048576 /dev/zero; echo; echo after");
        let (last, pieces) = told.lines.split_last().unwrap();
        assert_eq!(last, b"after");
        assert!(pieces.iter().all(|piece| piece.len() <= super::super::follow::LONGEST));
        assert_eq!(pieces.concat(), vec![0; 1_048_576]);
    }

    #[test]
    fn lines_come_while_it_runs() {
        // It only ends once its first line was seen.
        let place = Place::new();
        let go = place.folder.path().join("go");
        let program =
            Program::Shell("echo ready; until [ -e go ]; do sleep 0.01; done; echo gone".to_owned());
        let told = place.run(&program, |line| {
            if line == b"ready" {
                std::fs::write(&go, "").unwrap();
            }
        });
        assert_eq!(told.text(), ["ready", "gone"]);
    }

    #[test]
    fn half_a_line_is_shown_before_its_end() {
        let place = Place::new();
        let go = place.folder.path().join("go");
        let text = "printf 'sure? '; until [ -e go ]; do sleep 0.01; done; echo yes; printf .";
        let mut pieces = Vec::new();
        place.run(&Program::Shell(text.to_owned()), |piece| {
            pieces.push(String::from_utf8_lossy(piece).into_owned());
            // It only ends once it was asked for.
            std::fs::write(&go, "").unwrap();
        });
        assert_eq!(pieces, ["sure? ", "yes", "."]);
    }

    #[test]
    fn what_is_opened_anew_is_appended_to() {
        let place = Place::new();
        for again in [
            "echo two > /dev/stderr",
            "echo two | tee /dev/stderr > /dev/null",
            "echo two | dd of=/dev/stdout 2> /dev/null",
            "echo two | sort -o /dev/stderr",
        ] {
            let told = place.sh(&format!("echo one; {again}; echo three"));
            assert_eq!(told.text(), ["one", "two", "three"], "{again}");
            assert_eq!(std::fs::read_to_string(place.log()).unwrap(), "one\ntwo\nthree\n", "{again}");
            std::fs::remove_file(place.log()).unwrap();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_log_that_takes_nothing_fails_no_command() {
        let place = Place::new();
        let (program, log) = (Program::Shell(String::new()), place.log());
        let run = Run {
            input: None,
            program: &program,
            cwd: place.folder.path(),
            env: &place.env,
            timeout: None,
            grace: GRACE,
            log: &log,
            nameless: false,
        };
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let (keeper, mut output) = OutputKeeper::start(&run, full).unwrap();
        std::io::Write::write_all(&mut output, &[b'x'; 300_000]).unwrap();
        assert_eq!(keeper.finish(), 300_000);
    }

    #[test]
    fn there_is_nothing_to_read() {
        assert_eq!(Place::new().sh("cat; echo read").text(), ["read"]);
    }

    #[test]
    fn it_leads_its_own_group_and_is_known_by_its_start() {
        let told = Place::new().sh("echo $$; ps -o pgid= -p $$ | tr -d ' '");
        let started = told.started.unwrap();
        assert_eq!(told.text(), [started.pid.to_string(), started.pid.to_string()]);
        assert_eq!(started.start_time.is_some(), cfg!(target_os = "linux"));
        assert!(!is_alive(started.pid, started.start_time));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn blocked_signals_are_not_inherited_and_stay_blocked_here() {
        let mut term = SigSet::empty();
        term.add(Signal::SIGTERM);
        term.thread_block().unwrap();
        let told = Place::new().argv(&["grep", "SigBlk", "/proc/self/status"]);
        assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGTERM));
        term.thread_unblock().unwrap();
        assert_eq!(told.text(), ["SigBlk:\t0000000000000000"]);
    }

    #[test]
    fn a_timeout_ends_grandchildren_that_will_not_hear() {
        let mut place = Place::new();
        (place.timeout, place.grace) = (Some(Duration::from_millis(150)), Duration::from_millis(50));
        // An ignored signal stays ignored in what is started from here.
        let told = place.sh("trap '' TERM; sh -c 'sleep 3600; :' & sleep 3600; :");
        assert!(matches!(told.ended, Ended::TimedOut));
        assert!(!told.group_is_alive());
    }

    #[test]
    fn a_timeout_waits_for_the_group_though_its_leader_ends_at_once() {
        let mut place = Place::new();
        (place.timeout, place.grace) = (Some(Duration::from_millis(150)), Duration::from_millis(50));
        let told = place.sh("(trap '' TERM; sleep 3600; :) & exec sleep 3600");
        assert!(matches!(told.ended, Ended::TimedOut));
        assert!(!told.group_is_alive());
    }

    #[test]
    fn an_interrupt_is_polite_first() {
        let mut place = Place::new();
        place.grace = NEVER;
        let told =
            place.interrupted("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done", 1);
        assert!(matches!(told.ended, Ended::Interrupted));
        // Its shell may have remarked in between that the sleep was ended too.
        assert_eq!(told.text().last().map(String::as_str), Some("bye"));
    }

    #[test]
    fn a_second_interrupt_does_not_wait() {
        let mut place = Place::new();
        place.grace = NEVER;
        let told = place.interrupted("trap '' TERM; echo ready; sleep 3600; :", 2);
        assert!(matches!(told.ended, Ended::Interrupted));
        assert!(!told.group_is_alive());
    }

    #[test]
    fn a_backlog_is_not_shown_to_somebody_who_has_seen_enough() {
        let place = Place::new();
        // Written while the first line is being shown, so that it is a backlog.
        let done = place.folder.path().join("done");
        let text = "echo ready; head -c 4194304 /dev/zero | tr '\\0' '\\n'; mv go done";
        std::fs::write(place.folder.path().join("go"), "").unwrap();
        let mut shown = 0;
        let told = place.run(&Program::Shell(text.to_owned()), |line| {
            if line == b"ready" {
                while !done.exists() {
                    std::thread::yield_now();
                }
            }
            shown += 1;
            if shown == 1_000_000 {
                place.interrupts.trigger();
                place.interrupts.trigger();
            }
        });
        assert!(matches!(told.ended, Ended::Exited(0) | Ended::Interrupted));
        assert!((1_000_000..2_000_000).contains(&told.lines.len()), "{}", told.lines.len());
        assert_eq!(std::fs::metadata(place.log()).unwrap().len(), 4_194_304 + 6);
    }

    #[test]
    fn after_an_interrupt_nothing_starts() {
        let place = Place::new();
        place.interrupts.trigger();
        let told = place.sh("echo ran");
        assert!(matches!(told.ended, Ended::Interrupted) && told.started.is_none());
        assert_eq!(told.lines.len(), 0);
    }

    #[test]
    fn asking_for_the_terminal_is_an_end_and_not_a_hang() {
        let place = Place::new();
        let told = place.sh("kill -s TTIN $$; echo woken");
        assert!(matches!(told.ended, Ended::Signalled(signal) if signal == Signal::SIGTTIN as i32));
        assert!(!told.group_is_alive());
    }

    #[test]
    fn a_stopped_command_still_times_out() {
        let mut place = Place::new();
        (place.timeout, place.grace) = (Some(Duration::from_millis(50)), NEVER);
        assert!(matches!(place.sh("kill -s STOP $$").ended, Ended::TimedOut));
    }

    #[test]
    fn a_daemon_is_neither_waited_for_nor_ended_until_asked() {
        let told = Place::new().sh("sleep 3600 & echo up");
        assert!(told.ended.is_success());
        assert_eq!(told.text(), ["up"]);
        assert!(told.group_is_alive());
        assert!(stop_group(told.started.unwrap().pid, GRACE));
        assert!(!told.group_is_alive());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_left_is_told_only_where_it_is_proven() {
        let place = Place::new();
        let told = place.sh("sleep 3600 & :");
        let Started { pid, start_time } = told.started.unwrap();
        let (boot, here) = (boot_id(), std::fs::canonicalize(place.folder.path()).unwrap());
        let left = |start_time, boot: Option<&str>, folder| what_is_left(pid, start_time, boot, folder);
        // Its leader is gone: what is left of it is known by where it works.
        assert_eq!(left(start_time, boot.as_deref(), Some(here.as_path())), Left::Group);
        assert_eq!(left(start_time, boot.as_deref(), Some(Path::new("/no/such"))), Left::Unproven);
        assert_eq!(left(start_time, boot.as_deref(), None), Left::Unproven);
        assert_eq!(left(start_time, None, Some(here.as_path())), Left::Unproven);
        assert_eq!(left(None, boot.as_deref(), Some(here.as_path())), Left::Unproven);
        assert_eq!(left(start_time, Some("another"), Some(here.as_path())), Left::Nothing);
        assert!(stop_group(pid, GRACE));
        assert_eq!(left(start_time, boot.as_deref(), Some(here.as_path())), Left::Nothing);
        assert_eq!(left(None, None, None), Left::Nothing);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_leader_is_known_by_its_start() {
        let (place, boot) = (Place::new(), boot_id());
        let mut left = Vec::new();
        let told = place.run(&Program::Shell("echo $$; exec sleep 3600".to_owned()), |line| {
            let pid = String::from_utf8_lossy(line).parse().unwrap();
            let since = process::start_time(pid);
            left.push(what_is_left(pid, since, boot.as_deref(), None));
            left.push(what_is_left(pid, since, None, None));
            left.push(what_is_left(pid, since.map(|since| since + 1), boot.as_deref(), None));
            place.interrupts.trigger();
        });
        assert!(matches!(told.ended, Ended::Interrupted));
        assert_eq!(left, [Left::Group, Left::Unproven, Left::Nothing]);
    }

    #[test]
    fn stopping_a_group_does_not_stop_at_asking() {
        let told = Place::new().sh("trap '' TERM; sleep 3600 & :");
        assert!(told.group_is_alive());
        assert!(stop_group(told.started.unwrap().pid, Duration::from_millis(20)));
        assert!(!told.group_is_alive());
    }

    #[test]
    fn what_cannot_start_says_why() {
        let place = Place::new();
        place.write("plain", "#!/bin/sh\n", 0o644);
        place.write("lost", "#!/no/such/interpreter\n", 0o755);
        let why = |argv: &[&str]| place.argv(argv).why_not_started();
        assert!(matches!(why(&[]), StartError::Empty));
        assert!(matches!(why(&["rel-no-such"]), StartError::NotOnPath(_)));
        assert!(matches!(why(&["./gone.sh"]), StartError::NoFile { .. }));
        assert!(matches!(why(&["./plain"]), StartError::NotExecutable(_)));
        assert!(matches!(why(&["./lost"]), StartError::NoInterpreter(_)));
        assert!(matches!(why(&["./"]), StartError::IsFolder(_)));
        assert!(matches!(why(&["echo", "a\0b"]), StartError::Program { .. }));
    }

    #[test]
    fn no_folder_and_no_log_are_said_too() {
        let place = Place::new();
        let (program, missing) = (Program::Shell("true".to_owned()), place.folder.path().join("no"));
        let log = place.log();
        let run = Run {
            program: &program,
            cwd: &missing,
            env: &place.env,
            input: None,
            timeout: None,
            grace: GRACE,
            log: &log,
            nameless: false,
        };
        let why = |run| match Processes.run(run, &place.interrupts, &mut |_| (), &mut |_: Piece<'_>| ()) {
            Ended::NotStarted(error) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(why(run), StartError::NoFolder(_)));
        let log = missing.join("log");
        assert!(matches!(why(Run { cwd: place.folder.path(), log: &log, ..run }), StartError::Log { .. }));
    }
}
