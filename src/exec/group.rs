//! Process groups: whether one is still there, and how it is ended.
//!
//! Signals nothing but a group that a command was started as; never this
//! process's own, never "every process", whatever number a journal holds.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp};

/// How long the kernel may take to clear away a killed group. Longer means
/// that something hangs in the kernel, or belongs to another user.
pub(super) const BURIAL: Duration = Duration::from_secs(2);

/// How often a group is looked at while it is expected to end.
const LOOK: Duration = Duration::from_millis(5);

/// Somebody else's process group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

impl Group {
    /// `None` for a number that stands for more than one group (0 is our own,
    /// killpg(1) is kill(-1), every process) or is our own group.
    pub(super) fn new(pgid: u32) -> Option<Group> {
        let pid = Pid::from_raw(i32::try_from(pgid).ok()?);
        (pid.as_raw() > 1 && pid != getpgrp()).then_some(Group(pid))
    }

    /// Asks every process of it to end. A stopped one is woken to hear it.
    pub(super) fn ask(self) {
        // A group that is gone is the aim; one that may not be signalled shows in `is_gone`.
        let _ = killpg(self.0, Signal::SIGTERM);
        let _ = killpg(self.0, Signal::SIGCONT);
    }

    /// Ends every process of it.
    pub(super) fn kill(self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }

    /// Whether nothing of it runs any more. A dead process that its parent has
    /// not collected does not run.
    pub(super) fn is_gone(self) -> bool {
        killpg(self.0, None) == Err(Errno::ESRCH) || only_the_dead(self.0)
    }
}

/// Ends a process group: politely, then after `grace` for good. Returns once
/// it is gone, with `true`; `false` if it could not be ended, because it is
/// another user's or hangs in the kernel.
///
/// The caller makes sure first ([`is_group_alive`]) that the number still
/// means what it was written down for.
pub fn stop_group(pgid: u32, grace: Duration) -> bool {
    let Some(group) = Group::new(pgid) else { return false };
    group.ask();
    if wait_until_gone(group, grace) {
        return true;
    }
    group.kill();
    wait_until_gone(group, BURIAL)
}

fn wait_until_gone(group: Group, patience: Duration) -> bool {
    let since = Instant::now();
    loop {
        if group.is_gone() {
            return true;
        }
        if since.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(LOOK.min(patience));
    }
}

/// Whether the process that got this id at this `start_time` still runs.
///
/// Ids are used again: a process with another start time is another process.
/// Where there is no start time to compare, any process of that id counts.
/// Only meaningful within the boot it was written down in ([`boot_id`]).
pub fn is_alive(pid: u32, start_time: Option<u64>) -> bool {
    let Some(id) = i32::try_from(pid).ok().filter(|id| *id > 0) else { return false };
    match (Stat::of(id), start_time) {
        (Some(stat), _) if stat.is_dead() => false,
        (Some(stat), Some(start_time)) => stat.start_time == start_time,
        (Some(_), None) => true,
        (None, Some(_)) if Stat::of(Pid::this().as_raw()).is_some() => false,
        (None, _) => kill(Pid::from_raw(id), None) != Err(Errno::ESRCH),
    }
}

/// Whether anything runs in the group that the command of this id and
/// `start_time` led, even if the command itself has ended.
///
/// The kernel gives no id to a new process while a group bears it, so a living
/// leader with another start time proves the group to be another one.
pub fn is_group_alive(pgid: u32, start_time: Option<u64>) -> bool {
    let Some(group) = Group::new(pgid) else { return false };
    let taken = start_time.is_some_and(|start_time| {
        Stat::of(group.0.as_raw()).is_some_and(|leader| leader.start_time != start_time)
    });
    !taken && !group.is_gone()
}

/// Names the time since the machine started; `None` where nothing does.
pub fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The start time of a process, as [`super::Started`] keeps it.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    Stat::of(i32::try_from(pid).ok()?).map(|stat| stat.start_time)
}

/// Whether `/proc` shows members of the group and all of them dead. `false`
/// where it cannot say.
fn only_the_dead(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let mut members = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Stat::of)
        .filter(|stat| stat.group == group.as_raw())
        .peekable();
    members.peek().is_some() && members.all(|member| member.is_dead())
}

/// What `/proc/<pid>/stat` says, as far as it matters here (proc_pid_stat(5)).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    group: i32,
    start_time: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Stat> {
        // Bytes: the command's name in it need not be text.
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Stat::parse(&String::from_utf8_lossy(&stat))
    }

    /// `pid (name) state ppid pgrp … starttime …`, where the name may hold
    /// spaces and brackets.
    fn parse(stat: &str) -> Option<Stat> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let start_time = fields.nth(16)?.parse().ok()?;
        Some(Stat { state, group, start_time })
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_past_a_name_with_brackets() {
        let stat = "41 (a) b (c)) S 40 39 38 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 7777 9 9";
        assert_eq!(Stat::parse(stat), Some(Stat { state: 'S', group: 39, start_time: 7777 }));
        assert_eq!(Stat::parse("41 (a) S 40"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn this_process_is_alive_and_another_start_time_is_not_it() {
        let own = std::process::id();
        let since = start_time(own);
        assert!(is_alive(own, since));
        assert!(is_alive(own, None));
        if let Some(since) = since {
            assert!(!is_alive(own, Some(since + 1)));
        }
        assert!(!is_alive(0, None));
        assert!(!is_alive(u32::MAX, None));
    }

    #[test]
    fn no_number_reaches_more_than_one_foreign_group() {
        let own = u32::try_from(getpgrp().as_raw()).unwrap();
        for pgid in [0, 1, own, u32::MAX, u32::MAX - 1] {
            assert!(Group::new(pgid).is_none(), "{pgid}");
            assert!(!stop_group(pgid, Duration::ZERO), "{pgid}");
            assert!(!is_group_alive(pgid, None), "{pgid}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_boot_has_a_name_without_line_break() {
        assert_eq!(boot_id().unwrap().len(), 36);
        assert_eq!(boot_id(), boot_id());
    }
}
