//! Process groups: whether one is still there, and how it is ended.
//!
//! Signals nothing but a group that a command was started as; never this
//! process's own, never "every process", whatever number a journal holds.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgrp};

use super::process::{self, Stat, boot_id};

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
/// The caller makes sure first ([`what_is_left`]) that the number still
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

/// What is left of the group that a command of this id led, as far as it can be
/// told. The command got the id at `start_time`, in `boot`, and worked in
/// `folder`.
///
/// A group is the command's own where its leader is there, and started when the
/// command did; or, where the leader is gone, where a member is seen to work in
/// the command's folder. A group with a new leader is another one: the kernel
/// gives no id to a new process while a group bears it.
pub fn what_is_left(pgid: u32, start_time: Option<u64>, boot: Option<&str>, folder: Option<&Path>) -> Left {
    let now = boot_id();
    let other_boot = boot.zip(now.as_deref()).is_some_and(|(then, now)| then != now);
    if other_boot || !is_group_alive(pgid, start_time) {
        return Left::Nothing;
    }
    let Some((group, start_time)) = Group::new(pgid).zip(start_time).filter(|_| boot == now.as_deref())
    else {
        return Left::Unproven;
    };
    let proven = match Stat::of(group.0.as_raw()) {
        Some(leader) => boot.is_some() && leader.start_time == start_time,
        None => folder.is_some_and(|folder| {
            process::all().any(|(pid, stat)| stat.group == group.0.as_raw() && process::works_in(pid, folder))
        }),
    };
    if proven { Left::Group } else { Left::Unproven }
}

/// What is left of a command's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing runs of it any more.
    Nothing,
    /// The group of that number, which is proven to be the command's.
    Group,
    /// Something runs under its number, and nothing proves whose it is.
    Unproven,
}

/// Whether `/proc` shows members of the group and all of them dead. `false`
/// where it cannot say.
fn only_the_dead(group: Pid) -> bool {
    let members = process::all().map(|(_, stat)| stat).filter(|stat| stat.group == group.as_raw());
    let mut members = members.peekable();
    members.peek().is_some() && members.all(|member| member.is_dead())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_reaches_more_than_one_foreign_group() {
        let own = u32::try_from(getpgrp().as_raw()).unwrap();
        for pgid in [0, 1, own, u32::MAX, u32::MAX - 1] {
            assert!(Group::new(pgid).is_none(), "{pgid}");
            assert!(!stop_group(pgid, Duration::ZERO), "{pgid}");
            assert!(!is_group_alive(pgid, None), "{pgid}");
        }
    }
}
