//! The signals that ask `rel` to stop, counted.
//!
//! Installing changes what SIGINT, SIGTERM and SIGHUP do to this process: from
//! then on they only count, and whoever is at work looks at the count. It ends
//! nothing itself, and leaves a signal alone that the caller chose to ignore
//! (`nohup rel …`, `rel … &` in a script). What a terminal's window does is
//! told apart, by [`Window`], and only while somebody draws on it.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

/// A process inherits the blocked signals of the thread that starts it; with
/// SIGTERM among them it could only be killed.
pub(super) fn with_no_signal_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    let blocked = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let result = spawn();
    if let Ok(blocked) = blocked {
        // Cannot fail: the set came from the kernel.
        let _ = blocked.thread_set_mask();
    }
    result
}

/// How often `rel` was asked to stop. Clones share the count.
#[derive(Debug, Clone)]
pub struct Interrupts {
    shared: Arc<Shared>,
    /// What had come when this view was made; not counted again.
    before: usize,
}

#[derive(Debug)]
struct Shared {
    counted: AtomicUsize,
    /// One byte for each signal. A flag would forget how many came.
    signals: Option<UnixStream>,
}

impl Interrupts {
    /// Starts counting SIGINT, SIGTERM and SIGHUP. To be called once, before
    /// any thread or command is started.
    ///
    /// # Errors
    /// When the system has no file descriptor or refuses a handler.
    pub fn install() -> io::Result<Interrupts> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        let ignored = ignored_signals();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignored & mask(signal) == 0 {
                signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
            }
        }
        // Where SIGCHLD was inherited as ignored, the kernel throws exit codes away.
        signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
        Ok(Interrupts::counting(Some(read)))
    }

    #[cfg(test)]
    /// Listens to no signal; only [`Interrupts::trigger`] counts.
    pub fn none() -> Interrupts {
        Interrupts::counting(None)
    }

    fn counting(signals: Option<UnixStream>) -> Interrupts {
        Interrupts { shared: Arc::new(Shared { counted: AtomicUsize::new(0), signals }), before: 0 }
    }

    /// How many signals came.
    pub fn count(&self) -> usize {
        if let Some(mut signals) = self.shared.signals.as_ref() {
            let mut bytes = [0; 64];
            loop {
                match signals.read(&mut bytes) {
                    Ok(n) if n > 0 => {
                        self.shared.counted.fetch_add(n, Ordering::SeqCst);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => break,
                }
            }
        }
        self.shared.counted.load(Ordering::SeqCst).saturating_sub(self.before)
    }

    /// Whether any signal came.
    pub fn interrupted(&self) -> bool {
        self.count() > 0
    }

    /// Waits for so long, or until any signal came, and says whether one did.
    /// Signals end it at once; one that a test counts is seen at its end.
    pub fn wait(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        while !self.interrupted() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let Some(signals) = self.shared.signals.as_ref() else {
                std::thread::sleep(left);
                continue;
            };
            // Rounded up, so as not to turn in circles for the last part of a millisecond.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            // Ended by a signal, or not able to: what came is looked at either way.
            if poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], timeout).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        true
    }

    #[cfg(test)]
    /// Counts one more, as a signal would.
    pub fn trigger(&self) {
        self.shared.counted.fetch_add(1, Ordering::SeqCst);
    }

    /// The same signals, counted afresh: for what has to run after an
    /// interruption and may itself be interrupted.
    #[must_use]
    pub fn afresh(&self) -> Interrupts {
        Interrupts { shared: Arc::clone(&self.shared), before: self.before + self.count() }
    }
}

/// What a terminal's window asks of whoever draws on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has another size.
    Resized,
    /// The screen is to be given back: the job is being stopped (Ctrl-Z).
    Stopped,
}

/// The signals of a terminal's window. What comes after [`Window::listen`] is
/// kept until somebody looks.
#[derive(Debug)]
pub struct Window(Signals);

impl Window {
    /// Starts to listen. From then on Ctrl-Z stops nothing by itself.
    ///
    /// # Errors
    /// When the system has no file descriptor or refuses a handler.
    pub fn listen() -> io::Result<Window> {
        let ignored = ignored_signals();
        let heeded = [SIGWINCH, SIGTSTP].into_iter().filter(|signal| ignored & mask(*signal) == 0);
        Signals::new(heeded).map(Window)
    }

    /// What ends [`Window::serve`] once it is dropped.
    pub fn closer(&self) -> Closer {
        Closer(self.0.handle())
    }

    /// Tells each change until closed. After [`Change::Stopped`] was told the
    /// process stops; `resumed` is called when it goes on.
    pub fn serve(mut self, mut tell: impl FnMut(Change), mut resumed: impl FnMut()) {
        for signal in self.0.forever() {
            if signal == SIGWINCH {
                tell(Change::Resized);
            } else {
                tell(Change::Stopped);
                // A system that does not let a process stop goes on with it.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                resumed();
            }
        }
    }
}

/// Ends [`Window::serve`] when dropped.
#[derive(Debug)]
pub struct Closer(Handle);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The bit of a signal in the masks of proc_pid_status(5).
const fn mask(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The signals this process ignores. None where there is no `/proc`: asking
/// the system otherwise needs unsafe code.
fn ignored_signals() -> u64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|status| parse_ignored(&status)).unwrap_or(0)
}

fn parse_ignored(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_are_counted_by_every_clone() {
        let interrupts = Interrupts::none();
        let clone = interrupts.clone();
        assert!(!interrupts.interrupted());
        clone.trigger();
        clone.trigger();
        assert_eq!(interrupts.count(), 2);
    }

    #[test]
    fn afresh_forgets_what_came_before() {
        let interrupts = Interrupts::none();
        interrupts.trigger();
        let later = interrupts.afresh();
        assert!(!later.interrupted());
        interrupts.trigger();
        assert_eq!((later.count(), later.afresh().count(), interrupts.count()), (1, 0, 2));
    }

    #[test]
    fn a_signal_ends_a_wait_at_once() {
        let (read, write) = UnixStream::pair().unwrap();
        read.set_nonblocking(true).unwrap();
        let interrupts = Interrupts::counting(Some(read));
        assert!(!interrupts.wait(Duration::from_millis(5)), "nothing came");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| interrupts.wait(Duration::from_secs(3_600)));
            std::io::Write::write_all(&mut (&write), b"x").unwrap();
            assert!(waiting.join().unwrap());
        });
        assert!(interrupts.wait(Duration::from_secs(3_600)), "it came before");
        let none = Interrupts::none();
        assert!(!none.wait(Duration::from_millis(5)));
        none.trigger();
        assert!(none.wait(Duration::from_secs(3_600)));
    }

    #[test]
    fn ignored_signals_are_read_from_the_hex_mask() {
        let ignored = parse_ignored("Name:\trel\nSigIgn:\t0000000000000003\nSigCgt:\t0\n").unwrap();
        assert_eq!((ignored & mask(SIGHUP), ignored & mask(SIGINT)), (1, 2));
        assert_eq!(ignored & mask(SIGTERM), 0);
        assert_eq!(parse_ignored("Name:\trel\n"), None);
    }
}
