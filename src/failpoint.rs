//! Steps at which a test has this process fail, panic or die, to see that what
//! `rel` promises holds at each of them.
//!
//! A build without the feature `failpoints` has none of it. In one with it the
//! variable `FAILPOINTS` steers them, in the words of the `fail` crate:
//! `push=return(error)`, or `any=7*off->1*return(kill)` for the eighth of all.
//!
//! | step | comes |
//! |---|---|
//! | `journal` | before a page of the journal is written |
//! | `journalled` | after it, when it is on disk |
//! | `close` | before a page is removed |
//! | `record` | before the commit of an event is made |
//! | `keep` | before artifacts are put where they are kept |
//! | `push` | before refs of the authority are changed |
//! | `pushed` | after that, before anybody here knows |
//! | `copied` | after this clone's copies followed |
//! | `checkout` | after a folder was checked out |
//! | `spawn` | before somebody's command is started |
//! | `spawned` | after that, before its process is noted; no error can come here |
//! | `hide` | before what finds secrets is made, where there are some |
//! | `unfinished` | after a pick that needs a person was written down |
//! | `laid out` | after its worktree was made |
//! | `exited` | after it ended, before anything is made of it; no error either |

use std::io;

#[cfg(feature = "failpoints")]
use chrono::TimeDelta;
use chrono::{DateTime, Utc};

/// Goes by the step `name`, which counts as one of `any` as well.
///
/// # Errors
/// A test wants one here.
#[cfg(feature = "failpoints")]
pub(crate) fn step(name: &str) -> io::Result<()> {
    let act = |how: Option<String>| match how.as_deref() {
        Some("kill") => {
            // Nothing of this process comes after this line, no destructor either.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
            Ok(())
        }
        _ => {
            eprintln!("failpoint {name} fails");
            Err(io::Error::other(format!("made to fail at {name}")))
        }
    };
    fail::fail_point!("any", act);
    fail::fail_point!(name, act);
    Ok(())
}

/// Nothing, in a build that is not for tests.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "in a build for tests it can fail")]
pub(crate) fn step(_: &str) -> io::Result<()> {
    Ok(())
}

/// What this process's clock shows, by the step `clock`: it is some seconds off,
/// or stands still at `@` a number of seconds since 1970.
#[cfg(feature = "failpoints")]
pub(crate) fn clock(now: DateTime<Utc>) -> DateTime<Utc> {
    fail::fail_point!("clock", |how: Option<String>| {
        let how = how.unwrap_or_default();
        match how.strip_prefix('@') {
            Some(at) => at.parse().ok().and_then(|at| DateTime::from_timestamp(at, 0)).unwrap_or(now),
            None => now + TimeDelta::seconds(how.parse().unwrap_or_default()),
        }
    });
    now
}

/// The time, in a build that is not for tests.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn clock(now: DateTime<Utc>) -> DateTime<Utc> {
    now
}
