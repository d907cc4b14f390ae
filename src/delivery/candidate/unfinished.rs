//! A cherry-pick that waits for a person: what was asked for, how far it came,
//! and where the conflict is laid out. One for each clone and project.
//!
//! What is written down comes before what it tells of, so that whatever is
//! killed can be gone on with, or dropped.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::delivery::candidate::pick::{PickConflict, PickRequest, PickTarget, ResolvedPick};
use crate::delivery::error::candidate::UnfinishedFault;
use crate::delivery::error::{FileOp, Result};
use crate::delivery::read::reader::Reader;
use crate::domain::artifact::sha256_of;
use crate::domain::name::{Oid, TagName};
use crate::failpoint;
use crate::store::conflict_worktree::{self, Resolution};
use crate::store::file;
use crate::store::pick::commit_pick;

/// The version of the file. A newer one is not touched.
const VERSION: u64 = 1;

/// A cherry-pick that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedPick {
    v: u64,
    /// What is picked.
    pub wanted: PickRequest,
    /// Onto what.
    pub targets: Vec<PickTarget>,
    /// Whether nothing is deployed by itself afterwards.
    pub no_deploy: bool,
    /// Where it stopped.
    pub stop: Stop,
}

/// A conflict, and where it is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The candidate that is picked onto.
    pub parent: TagName,
    /// The commit reached so far.
    pub onto: Oid,
    /// What does not apply to it.
    pub source: Oid,
    /// The paths in conflict, fit for printing.
    pub paths: Vec<String>,
    /// The linked worktree.
    pub worktree: PathBuf,
    /// Whether it has been laid out; else a run died over that.
    ready: bool,
}

fn state_file(reader: &Reader) -> PathBuf {
    reader.state_dir().join("pick.json")
}

/// Where this clone's worktree goes: outside of every working tree, and where
/// it is still there after a restart of the machine.
fn folder(reader: &Reader) -> PathBuf {
    let home = || reader.world.var("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = reader.world.var("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let base = state.or_else(home).unwrap_or_else(|| PathBuf::from("/tmp"));
    let clone = sha256_of(reader.repo.common_dir().as_os_str().as_encoded_bytes()).hex();
    base.join("rel").join(format!("{}-{}", reader.project(), &clone[..12]))
}

/// What waits in this clone, if something does.
///
/// # Errors
/// It was written by a newer version, or is no record.
pub fn read(reader: &Reader) -> Result<Option<UnfinishedPick>> {
    let file = state_file(reader);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileOp::Read.on(file)(error)),
    };
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    let Versioned { v } = serde_json::from_str(&text).map_err(UnfinishedFault::Damaged)?;
    if v != VERSION {
        return Err(UnfinishedFault::OtherVersion.into());
    }
    Ok(serde_json::from_str(&text).map(Some).map_err(UnfinishedFault::Damaged)?)
}

fn write(reader: &Reader, unfinished: &UnfinishedPick) -> Result<()> {
    // Commits that it names are on the disk before it is.
    reader.repo.sync_objects()?;
    let file = state_file(reader);
    fs::create_dir_all(reader.state_dir()).map_err(FileOp::Make.on(reader.state_dir()))?;
    let text = serde_json::to_string_pretty(unfinished).map_err(UnfinishedFault::NotWritten)?;
    Ok(file::replace(&file, &text)?)
}

/// Lays a conflict out for a person. None where git resolved it by itself, as
/// a person had before: it is known from now on.
///
/// # Errors
/// It cannot be laid out.
pub fn lay_out(
    reader: &Reader,
    wanted: &mut PickRequest,
    targets: &[PickTarget],
    no_deploy: bool,
    conflict: &PickConflict,
) -> Result<Option<Stop>> {
    for known in &conflict.before {
        remember(wanted, known.clone());
    }
    let mut unfinished = UnfinishedPick {
        v: VERSION,
        wanted: wanted.clone(),
        targets: targets.to_vec(),
        no_deploy,
        stop: Stop {
            parent: conflict.parent.clone(),
            onto: conflict.onto,
            source: conflict.source,
            paths: conflict.paths.clone(),
            worktree: folder(reader).join(format!("{}-{}", reader.project(), conflict.parent)),
            ready: false,
        },
    };
    write(reader, &unfinished)?;
    failpoint::step("unfinished")?;
    let Stop { onto, source, worktree, .. } = &unfinished.stop;
    let paths = conflict_worktree::prepare(&reader.repo, worktree, *onto, *source, wanted.mainline)?;
    failpoint::step("laid out")?;
    if paths.is_empty() {
        let known = resolved(reader, &unfinished.stop)?;
        remember(wanted, known);
        return Ok(None);
    }
    (unfinished.stop.paths, unfinished.stop.ready) = (paths, true);
    write(reader, &unfinished)?;
    Ok(Some(unfinished.stop))
}

/// What a person made of the conflict, taken into what is known.
///
/// # Errors
/// It is not resolved; the worktree is gone.
pub fn resume(reader: &Reader) -> Result<UnfinishedPick> {
    let Some(mut unfinished) = read(reader)? else {
        return Err(UnfinishedFault::None.into());
    };
    let stop = &unfinished.stop;
    if !stop.ready {
        // A run died before it was there; it is laid out again where it still conflicts.
        return Ok(unfinished);
    }
    if !stop.worktree.join(".git").exists() {
        let (source, worktree) = (stop.source, stop.worktree.clone());
        return Err(UnfinishedFault::WorktreeGone { source, worktree }.into());
    }
    let known = resolved(reader, stop)?;
    remember(&mut unfinished.wanted, known);
    Ok(unfinished)
}

fn resolved(reader: &Reader, stop: &Stop) -> Result<ResolvedPick> {
    let Stop { onto, source, worktree, .. } = stop;
    let make = |tree| -> Result<Oid> {
        Ok(commit_pick(&reader.repo, *source, *onto, tree, &reader.actor()?, reader.world.now())?)
    };
    let before = reader.repo.commit(*onto)?.tree;
    let commit = match conflict_worktree::resolution(&reader.repo, worktree, *onto, *source)? {
        Resolution::Tree(tree) => (tree != before).then(|| make(tree)).transpose()?,
        Resolution::Commit(commit) => {
            let info = reader.repo.commit(commit)?;
            // Whoever commits by hand may have dropped the line that says where it is from.
            let says = info.message.contains(&format!("(cherry picked from commit {source})"));
            match (info.tree == before, says) {
                (true, _) => None,
                (false, true) => Some(commit),
                (false, false) => Some(make(info.tree)?),
            }
        }
    };
    Ok(ResolvedPick { onto: *onto, source: *source, commit, by_hand: true })
}

/// What was known of the same pick before is replaced.
fn remember(wanted: &mut PickRequest, known: ResolvedPick) {
    let same = |other: &ResolvedPick| other.onto == known.onto && other.source == known.source;
    wanted.known.retain(|other| !same(other));
    wanted.known.push(known);
}

/// Whether something waits in this clone, or was left of what did.
pub fn is_there(reader: &Reader) -> bool {
    state_file(reader).exists() || folder(reader).exists()
}

/// Leaves no trace of what waits in this clone.
///
/// # Errors
/// The worktree cannot be removed.
pub fn clear(reader: &Reader) -> Result<()> {
    let folder = folder(reader);
    conflict_worktree::clear(&reader.repo, &folder)?;
    // The folder around it, where no other clone has anything there.
    if let Some(around) = folder.parent() {
        let _ = fs::remove_dir(around);
    }
    let file = state_file(reader);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileOp::Remove.on(file)(error)),
        _ => Ok(()),
    }
}

/// Refuses to begin another one.
///
/// # Errors
/// One waits.
pub fn must_be_none(reader: &Reader) -> Result<()> {
    let Some(UnfinishedPick { stop, .. }) = read(reader)? else { return Ok(()) };
    let Stop { source, parent: onto, worktree, .. } = stop;
    Err(UnfinishedFault::Waits { source, onto, worktree }.into())
}
