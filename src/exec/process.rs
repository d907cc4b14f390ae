//! Single processes: telling one apart from later ones of the same number, and
//! asking another `rel` to end.

use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Started;

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

/// Asks a process to end: politely, and a stopped one is woken to hear it; or
/// `for_good`, which it cannot refuse. Never this process, and none but the one
/// that got this id at this `start_time`.
///
/// The caller makes sure that both are of this boot.
pub fn end_process(pid: u32, start_time: u64, for_good: bool) {
    let Ok(id) = i32::try_from(pid) else { return };
    if pid == std::process::id() || Stat::of(id).is_none_or(|stat| stat.start_time != start_time) {
        return;
    }
    // One that is gone is the aim; one that may not be signalled goes on to be alive.
    if for_good {
        let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
    } else {
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        let _ = kill(Pid::from_raw(id), Signal::SIGCONT);
    }
}

/// This process, the way a command that was started is known.
pub fn this_process() -> Started {
    let pid = std::process::id();
    Started { pid, start_time: start_time(pid) }
}

/// Names the time since the machine started; `None` where nothing does.
pub fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The start time of a process, as [`Started`] keeps it.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    Stat::of(i32::try_from(pid).ok()?).map(|stat| stat.start_time)
}

/// Every process that `/proc` shows; none where there is no `/proc`.
pub(super) fn all() -> impl Iterator<Item = (i32, Stat)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Some((pid, Stat::of(pid)?))
    })
}

/// Whether a process is seen to work in this folder: it stands in it, or a
/// variable that it was started with names something in it.
pub(super) fn works_in(pid: i32, folder: &Path) -> bool {
    if std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder)) {
        return true;
    }
    // Bytes: what a variable holds need not be text.
    let within = [b"=", folder.as_os_str().as_encoded_bytes(), b"/"].concat();
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.windows(within.len()).any(|part| part == within))
}

/// The group at work in a folder, by its oldest process there: its leader, if
/// that lives. The inner `None` where nobody works there, the outer one where
/// nothing shows who does.
pub fn at_work_in(folder: &Path) -> Option<Option<Started>> {
    Stat::of(Pid::this().as_raw())?;
    let there = all().filter(|(pid, stat)| !stat.is_dead() && works_in(*pid, folder));
    let oldest = there.min_by_key(|(pid, stat)| (stat.start_time, *pid));
    Some(oldest.and_then(|(_, stat)| {
        let pid = u32::try_from(stat.group).ok()?;
        Some(Started { pid, start_time: start_time(pid) })
    }))
}

/// What `/proc/<pid>/stat` says, as far as it matters here (proc_pid_stat(5)).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    state: char,
    pub(super) group: i32,
    pub(super) start_time: u64,
}

impl Stat {
    pub(super) fn of(pid: i32) -> Option<Stat> {
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

    pub(super) fn is_dead(&self) -> bool {
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
    fn this_process_is_never_ended() {
        if let Some(since) = start_time(std::process::id()) {
            end_process(std::process::id(), since, true);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_boot_has_a_name_without_line_break() {
        assert_eq!(boot_id().unwrap().len(), 36);
        assert_eq!(boot_id(), boot_id());
    }
}
