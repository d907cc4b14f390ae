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
use crate::domain::ref_name::ChainRef;
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
/// again after a fetch as long as others move the chain meanwhile. `append`
/// makes the commits.
///
/// `None` from `events` means there is nothing to do; the view is returned
/// as it is.
///
/// # Errors
/// `events` refuses, the commits cannot be made, or the authority refuses.
pub(crate) fn small_as<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    published(reader, sink, ref_name, formerly, None, append, events)
}

/// The same for commits that nobody signs, only while `beside` is so, which
/// changes nothing: where it is not, `events` is asked again, and finds out.
///
/// # Errors
/// As [`small_as`].
pub(crate) fn small_while<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    beside: Option<&RefUpdate>,
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    let append = |view: &View<S>, repo: &Repo, events: &[S::Event]| Ok(view.append(repo, events)?);
    published(reader, sink, ref_name, formerly, beside, append, events)
}

/// Judges as [`small_as`] does, and publishes nothing: the view as it was read.
///
/// # Errors
/// As [`small_as`], up to the publication.
pub(crate) fn preview<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    mut events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    let asks = !reader.is_local() && !reader.offline;
    Ok(judge(reader, sink, ref_name, formerly, asks, &append, &mut events)?.0)
}

fn published<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    beside: Option<&RefUpdate>,
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    mut events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<View<S>, E> {
    reader.must_reach_authority()?;
    for attempt in 0..TRIES {
        let asks = attempt == 0 && !reader.is_local();
        let (view, next) = judge(reader, sink, ref_name, formerly, asks, &append, &mut events)?;
        let Some((after, update)) = next else { return Ok(view) };
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
    let what = Contested::Chain(ref_name.to_string());
    Err(Error::from(Moved::Always { what, tries: TRIES }).into())
}

/// A chain as it was read, and the view and the update that follow; `None` if there is nothing to do.
type Judged<S> = (View<S>, Option<(View<S>, RefUpdate)>);

/// What `events` makes of the chain as this clone has it, and the view and the update that follow from
/// that. Where `asks`, a refusal counts only after a fetch: what a stale copy refuses, a fresh one may allow.
fn judge<S: State, E: JudgesError>(
    reader: &Reader,
    sink: &dyn Sink,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    asks: bool,
    append: &impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), E>,
    events: &mut impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>, E>,
) -> Result<Judged<S>, E> {
    let view = ledger::read::<S>(&reader.repo, ref_name, formerly)?;
    match events(&view) {
        Ok(None) | Err(_) if asks => {
            snapshot::fetch_chains(reader, sink)?;
            judge(reader, sink, ref_name, formerly, false, append, events)
        }
        // Objects that no ref leads to change nothing, and whatever is wrong with them is told.
        Ok(Some(events)) => append(&view, &reader.repo, &events).map(|next| (view, Some(next))),
        Ok(None) => Ok((view, None)),
        Err(error) => Err(error),
    }
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
