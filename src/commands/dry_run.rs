//! Where a dry run ends: before a dead run is settled, and before anything is published.
//!
//! What the verbs that change something, and those that look, do first and last. Verbs that deploy or
//! make candidates end with a plan of their own.

use crate::delivery::error::Error;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, TrunkAndPolicy};
use crate::delivery::recover::settle;
use crate::delivery::run::publish;
use crate::delivery::sink::{Notice, Sink};
use crate::delivery::steps::look;
use crate::domain::ref_name::ChainRef;
use crate::failure::{Failure, Result};
use crate::store::authority::RefUpdate;
use crate::store::ledger::{State, View};
use crate::store::repo::Repo;
use crate::ui::front::Ui;

/// Settles this clone's dead runs, which every verb that writes does first.
///
/// # Errors
/// As [`settle::dead_runs`].
pub fn settle(ui: &Ui, reader: &Reader) -> std::result::Result<(), Error> {
    if ui.options.dry_run { Ok(()) } else { settle::dead_runs(reader, ui.screen).map(drop) }
}

/// The same for a verb that cannot do without the authority.
///
/// # Errors
/// As [`settle()`]; `--offline` says not to ask the authority.
pub fn begin(ui: &Ui, reader: &Reader) -> std::result::Result<(), Error> {
    if !ui.options.dry_run {
        reader.must_reach_authority()?;
    }
    settle(ui, reader)
}

/// Publishes a small event that `events` makes of the chain, if it makes one; in a dry run only judges.
/// Returns the chain after it, or as it was read.
///
/// # Errors
/// `events` refuses, or the authority does.
pub fn publish<S: State>(
    ui: &Ui,
    reader: &Reader,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>>,
) -> Result<View<S>> {
    let append = |view: &View<S>, repo: &Repo, events: &[S::Event]| Ok(view.append(repo, events)?);
    publish_as(ui, reader, ref_name, formerly, append, events)
}

/// The same, with commits that `append` makes, such as signed ones.
///
/// # Errors
/// As [`publish()`]; the commits cannot be made.
pub fn publish_as<S: State>(
    ui: &Ui,
    reader: &Reader,
    ref_name: &ChainRef,
    formerly: &[ChainRef],
    append: impl Fn(&View<S>, &Repo, &[S::Event]) -> Result<(View<S>, RefUpdate), Failure>,
    events: impl FnMut(&View<S>) -> Result<Option<Vec<S::Event>>>,
) -> Result<View<S>> {
    if ui.options.dry_run {
        publish::preview(reader, ui.screen, ref_name, formerly, append, events)
    } else {
        publish::small_as(reader, ui.screen, ref_name, formerly, append, events)
    }
}

/// A snapshot for who only looks, as [`look::look`] takes it, after dead runs were settled.
///
/// # Errors
/// As [`look::look`].
pub fn look(ui: &Ui, reader: &Reader, verb: &str) -> std::result::Result<Snapshot, Error> {
    settled(ui, reader, || look::look(reader, ui.screen, verb))
}

/// The same for who needs no candidates.
///
/// # Errors
/// As [`look::look_at_chains`].
pub fn look_at_chains(ui: &Ui, reader: &Reader, verb: &str) -> std::result::Result<TrunkAndPolicy, Error> {
    settled(ui, reader, || look::look_at_chains(reader, ui.screen, verb))
}

/// Looks after what died in this clone was settled. Where it cannot be, looking goes on, unless it fails
/// as well.
pub fn settled<T>(
    ui: &Ui,
    reader: &Reader,
    look: impl FnOnce() -> std::result::Result<T, Error>,
) -> std::result::Result<T, Error> {
    let settle = || settle::before_looking(reader, ui.screen).err();
    let trouble = if ui.options.dry_run { None } else { settle() };
    let seen = look()?;
    if let Some(error) = trouble {
        ui.screen.notice(Notice::Unsettled(error));
    }
    Ok(seen)
}
