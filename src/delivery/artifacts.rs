//! Bringing a candidate's recorded bytes to this machine, and nothing else.

use std::path::Path;

use super::context::Context;
use crate::domain::candidate::Candidate;
use crate::failure::{Failure, Kind, Result};
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::{Location, Store, artifacts_ref};

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
    let name = artifacts_ref(ctx.project(), &candidate.version);
    let mut commit = None;
    if store.needs_commit(&candidate.artifacts) {
        commit = ctx.repo.ref_target(&name)?.filter(|oid| ctx.repo.has_object(*oid));
        if commit.is_none() && !ctx.is_local() {
            if ctx.options.offline {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("the artifacts of {} are not on this machine", candidate.tag),
                )
                .hint("run it without --offline to fetch them"));
            }
            // The pattern matches this one ref, and none where it is gone, which is then said below.
            ctx.authority().fetch(&ctx.repo, &[format!("+{name}*:{name}*")])?;
            commit = ctx.repo.ref_target(&name)?;
        }
    }
    store.fetch(&candidate.artifacts, commit.as_ref())
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
