//! What a cut means: which commit, which release, which version.

use crate::delivery::error::candidate::CandidateError;
use crate::delivery::error::{Misuse, NotFound, Result};
use crate::delivery::read::base::{self, ChangesOf};
use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range::position;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::sink::Sink;
use crate::domain::candidates::Minted;
use crate::domain::changes::{Change, summary};
use crate::domain::draft::{Draft, Intended};
use crate::domain::name::Oid;
use crate::domain::since::Since;
use crate::domain::version::{Bump, Version};
use crate::store::history;

/// What a cut is asked to do.
#[derive(Debug, Clone, Default)]
pub struct CutRequest {
    /// The commit; trunk's tip by default.
    pub rev: Option<String>,
    /// Build anew.
    pub again: bool,
    /// Open the release under this version.
    pub version: Option<String>,
    /// What the next version raises.
    pub bump: Option<Bump>,
    /// The next candidate of this open release.
    pub release: Option<String>,
    /// Nothing where nothing changed.
    pub if_changed: bool,
}

/// Plans a cut.
///
/// # Errors
/// The commit is unknown or not on trunk; the release is closed or unknown;
/// the version is taken.
pub fn intend(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    request: &CutRequest,
) -> Result<Intended> {
    whole_history(reader, snapshot)?;
    let commit = on_trunk(reader, snapshot, request.rev.as_deref())?;
    let explicit = |text: &String| snapshot.style.explicit(text).map_err(Misuse::Version);
    let wanted = request.version.as_ref().map(explicit).transpose()?;
    let mut line = request.release.as_ref().map(explicit).transpose()?;
    let named = wanted.as_ref().or(line.as_ref());
    let existing = snapshot
        .pool
        .iter()
        .rev()
        .find(|m| m.commit == commit && named.is_none_or(|release| m.version.release == *release));
    if let Some(existing) = existing {
        if !request.again {
            return Ok(Intended::Exists(existing.clone()));
        }
        // Anew, but not under a new name while its release is open.
        let release = &existing.version.release;
        let open = snapshot.candidates.state.release_state(release).is_some_and(|line| !line.closed);
        if open && wanted.is_none() && request.bump.is_none() {
            line.get_or_insert(release.clone());
        }
    }
    let scope = Scope::new(&snapshot.policy.config.project.paths)?;
    let newest = snapshot.candidates.state.newest().and_then(|line| snapshot.newest_of(&line.release));
    if request.if_changed
        && let Some(newest) = newest
        && unchanged(reader, &scope, newest, commit)?
    {
        return Ok(Intended::Exists(newest.clone()));
    }
    let foreign = ForeignVersions::read(reader, snapshot)?;
    if let Some(release) = &line {
        open_line(reader, snapshot, release, commit)?;
    }
    let subject = ChangesOf::trunk(snapshot, commit, line.as_ref().or(wanted.as_ref()));
    let (since, changes) = base::brought(reader, sink, snapshot, &subject)?;
    let changes = changes.unwrap_or_default();
    let release = match (line, wanted) {
        (Some(release), _) => release,
        (None, Some(version)) => free(snapshot, &foreign, version, commit)?,
        (None, None) => next(reader, snapshot, &foreign, request, since.release(), &changes, commit),
    };
    let least_number = foreign.least_number(&release);
    Ok(Intended::New(Box::new(Draft {
        position: position(reader, snapshot, commit)?,
        commit,
        trunk_commit: commit,
        parent: None,
        picks: Vec::new(),
        text: told(&since, &changes),
        yields: !request.again && existing_nowhere(snapshot, commit),
        follows: false,
        least_number,
        release,
    })))
}

fn existing_nowhere(snapshot: &Snapshot, commit: Oid) -> bool {
    !snapshot.pool.iter().any(|minted| minted.commit == commit)
}

/// A version and a place on trunk are counted from the history, so all of it
/// has to be here.
fn whole_history(reader: &Reader, snapshot: &Snapshot) -> Result<()> {
    if reader.has_history(snapshot.trunk)? {
        return Ok(());
    }
    Err(CandidateError::Shallow.into())
}

/// The commit a person means, which must be an ancestor of trunk's tip.
fn on_trunk(reader: &Reader, snapshot: &Snapshot, rev: Option<&str>) -> Result<Oid> {
    let trunk = &reader.home.trunk;
    let commit = match rev {
        None => return Ok(snapshot.trunk),
        Some(rev) if rev == "trunk" || rev == trunk => return Ok(snapshot.trunk),
        Some(rev) => reader.repo.resolve_commit(rev)?.ok_or_else(|| NotFound::Commit(rev.to_owned()))?,
    };
    if history::is_ancestor(&reader.repo, commit, snapshot.trunk)? {
        return Ok(commit);
    }
    Err(CandidateError::NotOnTrunk {
        commit,
        subject: reader.repo.commit(commit)?.subject,
        trunk: trunk.clone(),
        tip: snapshot.trunk,
        remote: (!reader.is_local()).then(|| reader.home.remote.clone()),
    }
    .into())
}

fn unchanged(reader: &Reader, scope: &Scope, newest: &Minted, commit: Oid) -> Result<bool> {
    for oid in history::range(&reader.repo, &[newest.trunk_commit], commit)? {
        if scope.touched_by(reader, oid)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a release is open, and this commit no earlier on trunk than it.
fn open_line(reader: &Reader, snapshot: &Snapshot, release: &Version, commit: Oid) -> Result<()> {
    let line = snapshot.candidates.state.release_state(release).filter(|line| line.minted);
    let (Some(line), Some(newest)) = (line, snapshot.newest_of(release)) else {
        return Err(NotFound::Release(release.clone()).into());
    };
    if line.closed {
        return Err(CandidateError::Closed(release.clone()).into());
    }
    if !history::is_ancestor(&reader.repo, newest.trunk_commit, commit)? {
        return Err(CandidateError::NotLater {
            commit,
            release: release.clone(),
            newest: newest.tag.clone(),
            at: newest.trunk_commit,
        }
        .into());
    }
    Ok(())
}

fn free(snapshot: &Snapshot, foreign: &ForeignVersions, version: Version, commit: Oid) -> Result<Version> {
    let foreign = foreign.takes(&version);
    if foreign || snapshot.candidates.state.taken(&version, commit) {
        return Err(CandidateError::VersionTaken { version, foreign }.into());
    }
    Ok(version)
}

/// The version that a cut opens: counted from `base`, and never at or below a
/// full release that somebody tagged, on another branch for example.
fn next(
    reader: &Reader,
    snapshot: &Snapshot,
    foreign: &ForeignVersions,
    request: &CutRequest,
    base: Option<&Version>,
    own: &[Change],
    commit: Oid,
) -> Version {
    let bump = request.bump.unwrap_or(snapshot.policy.config.version.bump);
    let base = base.max(foreign.latest_release());
    let notation = &snapshot.style.notation;
    let next = notation.next(bump, base, own, reader.world.now().date_naive());
    notation
        .next_free(next, |version| foreign.takes(version) || snapshot.candidates.state.taken(version, commit))
}

fn told(since: &Since, changes: &[Change]) -> String {
    let text = summary(changes);
    match since {
        Since::Candidate { .. } | Since::Beginning { .. } => text,
        Since::Release { .. } | Since::Baseline { .. } if text.is_empty() => {
            format!("No changes since {since}.")
        }
        Since::Release { .. } | Since::Baseline { .. } => format!("Changes since {since}:\n\n{text}"),
    }
}
