//! What a cut means: which commit, which release, which version.

use crate::delivery::read::foreign::ForeignVersions;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range::{baseline, changes, position};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::changes::{Change, summary};
use crate::domain::draft::{Draft, Intended};
use crate::domain::name::Oid;
use crate::domain::version::{self, Bump, Version};
use crate::failure::{Failure, Kind, Result};
use crate::store::history;

/// How many commits a first candidate's list of changes looks at.
const FIRST: usize = 200;

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
pub fn intend(reader: &Reader, snapshot: &Snapshot, request: &CutRequest) -> Result<Intended> {
    whole_history(reader, snapshot)?;
    let commit = on_trunk(reader, snapshot, request.rev.as_deref())?;
    let scheme = snapshot.policy.config.version.scheme;
    let explicit = |text: &String| {
        snapshot
            .style
            .explicit(scheme, text)
            .map_err(|bad| Failure::new(Kind::Usage, bad.to_string()).hint("what there is: rel list"))
    };
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
    let base = base(reader, snapshot, &foreign, commit)?;
    let (release, text) = match &line {
        Some(release) => {
            let parent = open_line(reader, snapshot, release, commit)?;
            (
                release.clone(),
                list(reader, &scope, &history::range(&reader.repo, &[parent.trunk_commit], commit)?)?,
            )
        }
        None => {
            let since: Vec<Oid> = base.commit.into_iter().collect();
            let range = history::range(&reader.repo, &since, commit)?;
            let few = if since.is_empty() { &range[..range.len().min(FIRST)] } else { &range[..] };
            let mut own = Vec::new();
            for oid in few {
                if scope.touched_by(reader, *oid)? {
                    own.push(*oid);
                }
            }
            let own = changes(reader, &own)?;
            let release = match wanted {
                Some(version) => free(snapshot, &foreign, version, commit)?,
                None => next(reader, snapshot, &foreign, request, base.version.as_ref(), &own, commit),
            };
            (release, told(base.text.as_deref(), &own))
        }
    };
    let least_number = foreign.least_number(&release);
    Ok(Intended::New(Box::new(Draft {
        position: position(reader, snapshot, commit)?,
        commit,
        trunk_commit: commit,
        parent: None,
        picks: Vec::new(),
        text,
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
    Err(Failure::new(Kind::Refused, "this clone is shallow, and a cut counts commits; nothing changed")
        .reason("shallow", "its history is cut off, so versions and positions would come out wrong")
        .hint("git fetch --unshallow")
        .hint("in CI: fetch the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)"))
}

/// The commit a person means, which must be an ancestor of trunk's tip.
fn on_trunk(reader: &Reader, snapshot: &Snapshot, rev: Option<&str>) -> Result<Oid> {
    let trunk = &reader.home.trunk;
    let commit = match rev {
        None => return Ok(snapshot.trunk),
        Some(rev) if rev == "trunk" || rev == trunk => return Ok(snapshot.trunk),
        Some(rev) => reader.repo.resolve_commit(rev)?.ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no commit {rev} in this clone"))
                .hint("git fetch, if it was made elsewhere")
        })?,
    };
    if history::is_ancestor(&reader.repo, commit, snapshot.trunk)? {
        return Ok(commit);
    }
    let info = reader.repo.commit(commit)?;
    let failure = Failure::new(Kind::Refused, format!("{} is not on trunk; nothing changed", commit.short()))
        .reason("trunk", format!("{:?} is no ancestor of {trunk}, {}", info.subject, snapshot.trunk.short()));
    Err(if reader.is_local() {
        failure.hint(format!("merge it into {trunk} first"))
    } else {
        failure.hint(format!("merge it into {trunk} and push: git push {} {trunk}", reader.home.remote))
    })
}

fn unchanged(reader: &Reader, scope: &Scope, newest: &Minted, commit: Oid) -> Result<bool> {
    for oid in history::range(&reader.repo, &[newest.trunk_commit], commit)? {
        if scope.touched_by(reader, oid)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a cut counts from.
#[derive(Debug, Default)]
struct Base {
    /// The version.
    version: Option<Version>,
    /// The version, or what stands for one, as people know it.
    text: Option<String>,
    /// The commit.
    commit: Option<Oid>,
}

/// The newest version before this commit, ours or a foreign tag's; where there
/// is none, what was recorded as live.
fn base(reader: &Reader, snapshot: &Snapshot, foreign: &ForeignVersions, commit: Oid) -> Result<Base> {
    let ours = snapshot.candidates.state.newest();
    let ours_at = ours.and_then(|line| line.trunk_commit);
    if !foreign.is_empty() {
        let exclude: Vec<Oid> = ours_at.into_iter().collect();
        for oid in history::range(&reader.repo, &exclude, commit)? {
            if let Some(taken) = foreign.at(oid) {
                let (version, text) = (Some(taken.release.clone()), Some(taken.text.clone()));
                return Ok(Base { version, text, commit: Some(oid) });
            }
        }
    }
    if let Some(ours) = ours {
        let release = &ours.release;
        return Ok(Base { version: Some(release.clone()), text: Some(release.to_string()), commit: ours_at });
    }
    Ok(match baseline(reader, snapshot, commit)? {
        Some(live) => {
            Base { version: None, text: Some(live.tag.label().to_owned()), commit: Some(live.commit) }
        }
        None => Base::default(),
    })
}

fn open_line<'a>(
    reader: &Reader,
    snapshot: &'a Snapshot,
    release: &Version,
    commit: Oid,
) -> Result<&'a Minted> {
    let line = snapshot.candidates.state.release_state(release).filter(|line| line.minted);
    let (Some(line), Some(newest)) = (line, snapshot.newest_of(release)) else {
        return Err(Failure::new(Kind::NotFound, format!("there is no release {release}")).hint("rel list"));
    };
    if line.closed {
        return Err(Failure::new(Kind::Refused, format!("release {release} is closed; nothing changed"))
            .reason("release", format!("{release} reached its final environment"))
            .hint("open the next one: rel cut"));
    }
    if !history::is_ancestor(&reader.repo, newest.trunk_commit, commit)? {
        return Err(Failure::new(
            Kind::Refused,
            format!("{} is not later than {} on trunk; nothing changed", commit.short(), newest.tag),
        )
        .reason("trunk", format!("{release} stands at {}", newest.trunk_commit.short())));
    }
    Ok(newest)
}

fn free(snapshot: &Snapshot, foreign: &ForeignVersions, version: Version, commit: Oid) -> Result<Version> {
    if foreign.takes(&version) {
        return Err(Failure::new(Kind::Refused, format!("version {version} is taken; nothing changed"))
            .reason("version", "a tag that rel did not make has it"));
    }
    if snapshot.candidates.state.taken(&version, commit) {
        return Err(Failure::new(Kind::Refused, format!("version {version} is taken; nothing changed"))
            .reason("version", "a release of that version exists, or is being built")
            .hint(format!("for its next candidate: rel cut --release {version}")));
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
    let config = &snapshot.policy.config.version;
    let bump = request.bump.unwrap_or(config.bump);
    let base = base.max(foreign.latest_release());
    let next = version::next(config.scheme, bump, base, own, reader.world.now().date_naive());
    version::next_free(next, config.scheme, |version| {
        foreign.takes(version) || snapshot.candidates.state.taken(version, commit)
    })
}

fn list(reader: &Reader, scope: &Scope, range: &[Oid]) -> Result<String> {
    let mut own = Vec::new();
    for oid in range {
        if scope.touched_by(reader, *oid)? {
            own.push(*oid);
        }
    }
    Ok(summary(&changes(reader, &own)?))
}

fn told(base: Option<&str>, own: &[Change]) -> String {
    let text = summary(own);
    match base {
        Some(base) if text.is_empty() => format!("No changes since {base}."),
        Some(base) => format!("Changes since {base}:\n\n{text}"),
        None => text,
    }
}
