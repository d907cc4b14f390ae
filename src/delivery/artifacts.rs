//! Bringing a candidate's recorded bytes to this machine, and nothing else.

use std::path::Path;

use super::context::Context;
use crate::domain::candidate::Candidate;
use crate::domain::name::Oid;
use crate::failure::{Failure, Kind, Result};
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::{Location, Store, artifacts_ref};

/// The name that a candidate's provenance statement is kept under.
pub const PROVENANCE: &str = "provenance.intoto.json";

/// This clone's cache of artifacts.
pub fn cache(ctx: &Context<'_>) -> Cache {
    Cache::at(ctx.repo.state_dir().join("cache"))
}

/// Makes sure that every artifact is in the cache, byte for byte as the tag
/// records it. Asks the store only for what is missing.
///
/// # Errors
/// A byte differs, or an artifact is gone (exit 9).
pub fn ensure(ctx: &Context<'_>, candidate: &Candidate) -> Result<()> {
    let cache = cache(ctx);
    for artifact in &candidate.artifacts {
        // A damaged entry is dropped by the check, and healed from the store.
        if cache.get(artifact).is_some() && !cache.verify(artifact)? {
            if let Some(path) = cache.get(artifact) {
                std::fs::remove_file(&path)?;
            }
            ctx.screen
                .warn(&format!("{} was damaged in this clone's cache; fetching it again", artifact.name));
        }
    }
    if cache.missing(&candidate.artifacts).is_empty() {
        return Ok(());
    }
    let location = Location::parse(&candidate.store)?;
    let store = Store::open(location, &ctx.repo, &cache);
    let mut commit = None;
    if store.needs_commit(&candidate.artifacts) {
        commit = kept_in_git(ctx, candidate)?;
    }
    store.fetch(&candidate.artifacts, commit.as_ref())
}

/// The commit that keeps a candidate's artifacts in git, fetched if it is not
/// here; none where nothing keeps them.
fn kept_in_git(ctx: &Context<'_>, candidate: &Candidate) -> Result<Option<Oid>> {
    let name = artifacts_ref(ctx.project(), &candidate.version);
    let here = ctx.repo.ref_target(&name)?.filter(|oid| ctx.repo.has_object(*oid));
    if here.is_some() || ctx.is_local() {
        return Ok(here);
    }
    if ctx.options.offline {
        return Err(Failure::new(
            Kind::Refused,
            format!("the artifacts of {} are not on this machine", candidate.tag),
        )
        .hint("run it without --offline to fetch them"));
    }
    // The pattern matches this one ref, and none where it is gone, which is then said by the store.
    ctx.authority().fetch(&ctx.repo, &[format!("+{name}*:{name}*")])?;
    ctx.repo.ref_target(&name)
}

/// A candidate's provenance statement, byte for byte as its tag records it;
/// none where its build made nothing to state. The cache is asked first.
///
/// # Errors
/// A byte differs, or the statement is gone (exit 9).
pub fn provenance(ctx: &Context<'_>, candidate: &Candidate) -> Result<Option<Vec<u8>>> {
    let Some(digest) = &candidate.provenance else { return Ok(None) };
    let cache = cache(ctx);
    if let Some(bytes) = cache.read(digest)? {
        return Ok(Some(bytes));
    }
    let location = Location::parse(&candidate.store)?;
    let commit = if location == Location::Git { kept_in_git(ctx, candidate)? } else { None };
    Store::open(location, &ctx.repo, &cache).read(PROVENANCE, digest, commit.as_ref()).map(Some)
}

/// Lays the artifacts out in a folder for a command, each checked once more
/// while it is copied.
///
/// # Errors
/// A byte differs (exit 9).
pub fn lay_out(ctx: &Context<'_>, candidate: &Candidate, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    cache(ctx).lay_out(&candidate.artifacts, into)
}

/// Why a candidate cannot be deployed any more, asking its store where the
/// cache lacks something: for who is about to go there.
pub fn gone(ctx: &Context<'_>, candidate: &Candidate) -> Option<String> {
    if let Some(why) = lost(ctx, candidate) {
        return Some(why);
    }
    let cache = cache(ctx);
    if cache.missing(&candidate.artifacts).is_empty() {
        return None;
    }
    let kept = match Location::parse(&candidate.store).ok()? {
        // A store that cannot be asked is no proof that anything is gone.
        Location::Git => kept_in_git(ctx, candidate).ok()?.is_some(),
        Location::File(dir) => {
            let elsewhere = Cache::at(dir);
            elsewhere.missing(&candidate.artifacts).is_empty()
        }
    };
    (!kept).then(|| "its artifacts are gone".to_owned())
}

/// Why a candidate cannot be deployed any more, if its files are neither here
/// nor, as far as this clone knows, anywhere else. Asks nobody.
pub fn lost(ctx: &Context<'_>, candidate: &Candidate) -> Option<String> {
    let cache = cache(ctx);
    if cache.missing(&candidate.artifacts).is_empty() {
        return None;
    }
    match Location::parse(&candidate.store) {
        Ok(Location::File(dir)) if !dir.is_dir() => {
            Some(format!("its artifacts are gone: no {}", dir.display()))
        }
        Ok(Location::Git) if ctx.is_local() => {
            let name = artifacts_ref(ctx.project(), &candidate.version);
            let gone = ctx.repo.ref_target(&name).ok().flatten().is_none();
            gone.then(|| "its artifacts are gone".to_owned())
        }
        Ok(_) => None,
        Err(failure) => Some(failure.message),
    }
}
