//! A command's output goes through a pipe to a process that outlives `rel`,
//! which writes it to the log: the keeper, this program started anew.
//!
//! With the log itself, `echo > /dev/stderr` would truncate it and a full disk
//! would fail the command; with a pipe to `rel`, a killed one would break the
//! command's next write. The keeper has a session of its own, hears no signal
//! that asks it to end, and knows nothing but its three files: the pipe, the
//! log, and a socket to `rel`. What the log does not take is dropped, counted,
//! and told there. What a command left running is kept for [`KEEPS_ON`] after its end, and
//! read for as long as it prints, since the end of a pipe kills who writes.
//!
//! Should the keeper be killed, `rel` starts another on the same pipe.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use super::{Run, Started, process};

/// What this program is asked to be the keeper by, instead of a verb.
const KEEPER: &str = "__keep-output";

/// For how long after a command's end what it left running is kept.
const KEEPS_ON: Duration = Duration::from_secs(60);

/// How often a command whose `rel` is gone is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a keeper may take to start, or to keep the rest once a command has
/// ended: longer means a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than a pipe holds, unless root made it larger.
const IN_A_PIPE: usize = 1 << 20;

/// The messages to the keeper: a letter, then two numbers.
const STARTED: u8 = b's';
const ENDED: u8 = b'e';
const MESSAGE: usize = 17;

/// `rel`'s end of the keeper of one command.
pub(super) struct OutputKeeper<'a> {
    run: &'a Run<'a>,
    /// The pipe's end to read, for another keeper.
    output: PipeReader,
    log: File,
    socket: UnixStream,
    child: Option<Child>,
    command: Option<Started>,
    /// Bytes that earlier keepers dropped.
    dropped: u64,
}

impl<'a> OutputKeeper<'a> {
    /// Starts a keeper, and gives what the command is to write to.
    ///
    /// # Errors
    /// The system has no process or file left for it.
    pub(super) fn start(run: &'a Run<'a>, log: File) -> io::Result<(OutputKeeper<'a>, PipeWriter)> {
        let (output, writer) = io::pipe()?;
        let (socket, child) = spawn(run, &output, &log)?;
        Ok((OutputKeeper { run, output, log, socket, child, command: None, dropped: 0 }, writer))
    }

    /// Tells it which process it keeps the output of.
    pub(super) fn watches(&mut self, started: Started) {
        self.command = Some(started);
        // A keeper that is gone is replaced, and told then.
        let _ = self.tell(STARTED);
    }

    fn tell(&mut self, letter: u8) -> io::Result<()> {
        let (pid, time) =
            self.command.map_or((0, 0), |started| (started.pid.into(), started.start_time.unwrap_or(0)));
        let mut message = vec![letter];
        message.extend(u64::to_le_bytes(pid));
        message.extend(u64::to_le_bytes(time));
        self.socket.write_all(&message)
    }

    /// Puts another in the place of one that was killed: the command would wait
    /// for ever for somebody to read.
    pub(super) fn look(&mut self) {
        let is_gone = self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        if is_gone {
            self.replace();
        }
    }

    fn replace(&mut self) {
        let _ = writeln!(self.log, "\nrel: what keeps this output was killed; some of it may be missing");
        if let Ok((socket, child)) = spawn(self.run, &self.output, &self.log) {
            (self.socket, self.child) = (socket, child);
            let _ = self.tell(STARTED);
        }
    }

    /// Waits until everything that was written before is in the log. How many
    /// bytes the log did not take.
    pub(super) fn finish(mut self) -> u64 {
        let answer = self.ask().or_else(|_| {
            self.look();
            self.ask()
        });
        let Ok((dropped, is_open)) = answer else { return self.dropped };
        if !is_open && let Some(child) = &mut self.child {
            // It has nothing left to do, and is collected as it ends.
            let _ = child.wait();
        }
        self.dropped + dropped
    }

    fn ask(&mut self) -> io::Result<(u64, bool)> {
        self.tell(ENDED)?;
        let mut answer = [0; 9];
        self.socket.read_exact(&mut answer)?;
        let (dropped, is_open) = answer.split_at(8);
        Ok((u64::from_le_bytes(dropped.try_into().expect("8 of 9 bytes")), is_open[0] != 0))
    }
}

/// The socket to a new keeper, and its process.
fn spawn(run: &Run<'_>, output: &PipeReader, log: &File) -> io::Result<(UnixStream, Option<Child>)> {
    let (mut socket, its) = UnixStream::pair()?;
    let child = become_keeper(run, output.try_clone()?, log.try_clone()?, its)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    // Until it has a session of its own, what is sent to this one reaches it.
    socket.read_exact(&mut [0])?;
    Ok((socket, child))
}

/// Starts this program, which need not be where it was any more.
#[cfg(not(test))]
#[expect(clippy::disallowed_methods, reason = "starts this program itself")]
fn become_keeper(
    run: &Run<'_>,
    output: PipeReader,
    log: File,
    socket: UnixStream,
) -> io::Result<Option<Child>> {
    let running = std::path::Path::new("/proc/self/exe");
    let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
    let mut command = std::process::Command::new(program);
    command.arg(KEEPER).args(run.nameless.then_some("nameless")).current_dir("/").env_clear();
    command.envs(run.env.get_key_value(std::ffi::OsStr::new("LD_LIBRARY_PATH")));
    command.stdin(output).stdout(log).stderr(std::os::fd::OwnedFd::from(socket));
    super::signals::with_no_signal_blocked(|| command.spawn()).map(Some)
}

/// The tests of this crate are another program: there it is a thread.
#[cfg(test)]
fn become_keeper(
    run: &Run<'_>,
    output: PipeReader,
    log: File,
    socket: UnixStream,
) -> io::Result<Option<Child>> {
    let nameless = run.nameless;
    std::thread::spawn(move || Keeping::new(output, log, socket, nameless).until_done());
    Ok(None)
}

/// Is the keeper, if that is what this program was started as.
pub fn keep_output(argv: &[OsString]) -> Option<ExitCode> {
    if argv.get(1).is_none_or(|argument| argument != KEEPER) {
        return None;
    }
    Some(match keep_all(argv.get(2).is_some()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn keep_all(nameless: bool) -> io::Result<()> {
    nix::unistd::setsid()?;
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGXFSZ] {
        // Whoever ends the command ends the pipe. A file that may not grow is an error of writing.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let output = PipeReader::from(io::stdin().as_fd().try_clone_to_owned()?);
    let log = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let socket = UnixStream::from(io::stderr().as_fd().try_clone_to_owned()?);
    if Keeping::new(output, log, socket, nameless).until_done() {
        // A log without a name is given up with this.
        nix::unistd::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    }
    Ok(())
}

/// The keeper at work.
struct Keeping {
    output: PipeReader,
    log: File,
    /// `None` once `rel` is gone.
    socket: Option<UnixStream>,
    /// Nobody but `rel` can read the log.
    nameless: bool,
    command: Option<(u32, Option<u64>)>,
    /// Whether somebody can still write.
    is_open: bool,
    /// When it no longer keeps anything.
    until: Option<Instant>,
    /// Bytes that the log did not take, and those of them that it does not tell of yet.
    dropped: u64,
    untold: u64,
    why: String,
    buffer: Vec<u8>,
}

impl Keeping {
    fn new(output: PipeReader, log: File, socket: UnixStream, nameless: bool) -> Keeping {
        Keeping {
            output,
            log,
            socket: Some(socket),
            nameless,
            command: None,
            is_open: true,
            until: None,
            dropped: 0,
            untold: 0,
            why: String::new(),
            buffer: vec![0; 64 << 10],
        }
    }

    /// Whether the output went on after all that is kept of it.
    fn until_done(mut self) -> bool {
        if let Some(socket) = &mut self.socket {
            let _ = socket.write_all(b"k");
        }
        while self.is_open || self.socket.is_some() {
            let limit = match self.until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None if self.socket.is_none() && self.command.is_some() => LOOK,
                None => Duration::MAX,
            };
            let (output, socket) = self.wait(limit);
            if output {
                self.read();
            }
            if socket {
                self.hear();
            }
            if self.socket.is_none() && self.until.is_none() {
                let ended = self.command.is_some_and(|(pid, since)| !process::is_alive(pid, since));
                if self.nameless {
                    return self.is_open;
                }
                self.until = ended.then(|| Instant::now() + KEEPS_ON);
            }
            if self.until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
        self.tell_dropped();
        self.is_open
    }

    /// Waits for something to read: of the output, of the socket.
    fn wait(&self, limit: Duration) -> (bool, bool) {
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::NONE);
        let nothing = PollFlags::empty();
        let readable = |wanted: bool| if wanted { PollFlags::POLLIN } else { nothing };
        let mut files = Vec::with_capacity(2);
        if self.is_open {
            files.push(PollFd::new(self.output.as_fd(), readable(true)));
        }
        if let Some(socket) = &self.socket {
            files.push(PollFd::new(socket.as_fd(), readable(true)));
        }
        if poll(&mut files, timeout).is_err() {
            return (false, false);
        }
        let is_ready = |file: &PollFd<'_>| file.revents().is_some_and(|events| events != nothing);
        let output = self.is_open && files.first().is_some_and(is_ready);
        let socket = self.socket.is_some() && files.last().is_some_and(is_ready);
        (output, socket)
    }

    /// Keeps what there is to read at once. How much that was.
    fn read(&mut self) -> usize {
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = match self.output.read(&mut buffer) {
            Ok(0) => {
                self.is_open = false;
                0
            }
            Ok(read) => {
                self.keep(&buffer[..read]);
                read
            }
            Err(_) => 0,
        };
        self.buffer = buffer;
        read
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.tell_dropped();
        let kept = if self.untold == 0 { self.write(bytes) } else { 0 };
        let lost = (bytes.len() - kept) as u64;
        self.dropped += lost;
        self.untold += lost;
    }

    /// Writes as much as the log takes.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.log.write(&bytes[written..]) {
                Ok(more) if more > 0 => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) => break,
                Err(error) => {
                    self.why = error.to_string();
                    break;
                }
            }
        }
        written
    }

    /// Says in the log what is missing of it, as soon as it takes that.
    fn tell_dropped(&mut self) {
        if self.untold > 0 {
            let text = format!("\nrel: {} bytes are not kept here: {}\n", self.untold, self.why);
            if self.write(text.as_bytes()) == text.len() {
                self.untold = 0;
            }
        }
    }

    fn hear(&mut self) {
        let mut message = [0; MESSAGE];
        let heard = self.socket.as_mut().is_some_and(|socket| socket.read_exact(&mut message).is_ok());
        if !heard {
            self.socket = None;
            return;
        }
        let number = |at: usize| u64::from_le_bytes(message[at..at + 8].try_into().expect("8 bytes"));
        if message[0] == STARTED {
            let time = Some(number(9)).filter(|time| *time > 0);
            self.command = u32::try_from(number(1)).ok().map(|pid| (pid, time));
            return;
        }
        let mut read = 0;
        while self.is_open && read < IN_A_PIPE && self.wait(Duration::ZERO).0 {
            read += self.read();
        }
        self.tell_dropped();
        let mut answer = self.dropped.to_le_bytes().to_vec();
        answer.push(u8::from(self.is_open));
        self.until = Some(Instant::now() + KEEPS_ON);
        if self.socket.as_mut().is_some_and(|socket| socket.write_all(&answer).is_err()) || !self.is_open {
            self.socket = None;
        }
    }
}
