//! Publishing events: small ones that nothing waits for.
//!
//! One push against the cached tip; only when the authority has moved on, a
//! fetch and another try, judged anew.

use std::time::{Duration, Instant};

use crate::delivery::error::run::Contested;
use crate::delivery::error::{Error, Moved, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot;
use crate::delivery::sink::Sink;
use crate::store;
use crate::store::authority::{Published, RefUpdate};
use crate::store::ledger::{self, State, View};
use crate::store::repo::Repo;

/// How often a small event is judged anew before somebody else's activity wins.
pub const TRIES: usize = 20;

/// The error of whoever judges, which takes in those of publishing.
pub(crate) trait JudgesError: From<Error> + From<store::error::Error> {}

impl<E: From<Error> + From<store::error::Error>> JudgesError for E {}

/// Reads the chain, lets `events` judge it, and publishes what it returns;
/// again after a fetch as long as others move the chain meanwhile.
///
/// `None` from `events` means there is nothing to do; the view is returned
/// as it is.
///
/// # Errors
/// `events` refuses, or the authority does.
pub(crate) fn small<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &str,
    formerly: &[String],
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    published(reader, sink, ref_name, formerly, None, append, events)
}

/// The same, only while `beside` is so, which changes nothing: where it is not,
/// `events` is asked again, and finds out.
///
/// # Errors
/// As [`small`].
pub(crate) fn small_while<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &str,
    formerly: &[String],
    beside: Option<&RefUpdate>,
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    published(reader, sink, ref_name, formerly, beside, append, events)
}

/// The same, with commits that are made in another way, such as signed ones.
///
/// # Errors
/// As [`small`]; the commits cannot be made.
pub(crate) fn small_as<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &str,
    formerly: &[String],
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    published(reader, sink, ref_name, formerly, None, append, events)
}

/// As every event is written that nobody signs.
fn append<S: State, E: JudgesError>(
    view: &View<S>,
    repo: &Repo,
    events: &[S::Event],
) -> Result<(View<S>, RefUpdate), E> {
    Ok(view.append(repo, events)?)
}

fn published<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &str,
    formerly: &[String],
    beside: Option<&RefUpdate>,
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    mut events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    reader.must_reach_authority()?;
    for attempt in 0..TRIES {
        let view = ledger::read::<S>(&reader.repo, ref_name, formerly)?;
        let judged = events(&view);
        // What a stale copy refuses, a fresh one may allow: ask once before saying no.
        let stale = attempt == 0 && !reader.is_local() && !reader.offline;
        let events = match judged {
            Ok(Some(events)) => events,
            Ok(None) | Err(_) if stale => {
                snapshot::fetch_chains(reader, sink)?;
                continue;
            }
            Ok(None) => return Ok(view),
            Err(failure) => return Err(failure),
        };
        // Objects that no ref leads to change nothing, and whatever is wrong with them is told.
        let (after, update) = append(&view, &reader.repo, &events)?;
        if reader.dry_run {
            return Ok(view);
        }
        let updates: Vec<RefUpdate> = [update].into_iter().chain(beside.cloned()).collect();
        match reader.authority().publish(&reader.repo, &updates)? {
            Published::Done => return Ok(after),
            // What moved it has been fetched to tell, if it could be.
            Published::Moved(_) if reader.repo.ref_target(ref_name)? == view.held => {
                snapshot::fetch_chains(reader, sink)?
            }
            Published::Moved(_) => {}
        }
    }
    let what = Contested::Chain(ref_name.to_owned());
    Err(Error::from(Moved::Always { what, tries: TRIES }).into())
}

/// How long a record is tried to be published.
pub struct RetryBudget {
    since: Instant,
    limit: Duration,
    pauses: std::cell::Cell<u32>,
}

impl RetryBudget {
    /// Begins now.
    pub fn new(reader: &Reader) -> RetryBudget {
        RetryBudget { since: Instant::now(), limit: RetryBudget::limit(reader), pauses: 0.into() }
    }

    /// A minute, or what `REL_PUBLISH_TIMEOUT` says in seconds.
    pub fn limit(reader: &Reader) -> Duration {
        let seconds =
            reader.world.var("REL_PUBLISH_TIMEOUT").and_then(|text| text.parse().ok()).unwrap_or(60);
        Duration::from_secs(seconds)
    }

    /// Pauses a little longer each time; false once the time is up.
    pub fn wait(&self) -> bool {
        let pauses = self.pauses.get();
        self.pauses.set(pauses + 1);
        let pause = Duration::from_millis(250 << pauses.min(5));
        let left = self.limit.saturating_sub(self.since.elapsed());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(pause.min(left));
        true
    }
}
