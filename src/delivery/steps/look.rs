//! Looking at what the authority holds, for verbs that only show it.

use crate::delivery::error::{Error, OfflineWay, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{self, Policy, Snapshot, TrunkAndPolicy};
use crate::delivery::run::output::is_wanted;
use crate::delivery::sink::Sink;
use crate::domain::env::{Deployment, Progress, Trigger};
use crate::domain::name::DeploymentId;
use crate::domain::ref_name::OutputRef;
use crate::domain::version::CandidateVersion;
use crate::store::outbox;

/// A snapshot for who only looks. Where the authority cannot be reached this
/// fails all the same, and says how old what this clone knows is: nobody
/// takes old news for new.
///
/// # Errors
/// As [`Snapshot::take`].
pub fn look(reader: &Reader, sink: &dyn Sink, verb: &str) -> Result<Snapshot> {
    Snapshot::take(reader, sink).map_err(|error| or_offline(reader, verb, error))
}

/// The same for who needs no candidates.
///
/// # Errors
/// As [`TrunkAndPolicy::take`].
pub fn look_at_chains(reader: &Reader, sink: &dyn Sink, verb: &str) -> Result<TrunkAndPolicy> {
    look_at_chains_and(reader, sink, verb, &[])
}

/// The same for who needs other refs as well, all in one round trip.
///
/// # Errors
/// As [`TrunkAndPolicy::take`].
pub fn look_at_chains_and(
    reader: &Reader,
    sink: &dyn Sink,
    verb: &str,
    others: &[String],
) -> Result<TrunkAndPolicy> {
    TrunkAndPolicy::take(reader, sink, others).map_err(|error| or_offline(reader, verb, error))
}

fn or_offline(reader: &Reader, verb: &str, error: Error) -> Error {
    if reader.offline || reader.is_local() {
        return error;
    }
    let verb = verb.to_owned();
    if error.is_rewritten() {
        return error.offline(OfflineWay::Seen { verb });
    }
    if !error.is_unreachable() {
        return error;
    }
    match TrunkAndPolicy::read(reader).ok().and_then(|_| snapshot::as_of(reader)) {
        Some(at) => error.offline(OfflineWay::Known { verb, at, now: reader.world.now() }),
        None => error,
    }
}

/// What a deployment printed, as it was published, if this clone has it.
///
/// # Errors
/// What is published is not what it should be.
pub fn published_here(reader: &Reader, id: &DeploymentId) -> Result<Option<Vec<u8>>> {
    Ok(outbox::published(&reader.repo, &OutputRef::of(reader.project(), id), id)?)
}

/// What the build of a candidate printed, as it was published, if this clone has it.
///
/// # Errors
/// What is published is not what it should be.
pub fn published_build_here(reader: &Reader, version: &CandidateVersion) -> Result<Option<Vec<u8>>> {
    let name = OutputRef::of_build(reader.project(), version);
    Ok(outbox::published(&reader.repo, &name, format_args!("the build of {version}"))?)
}

/// The same as the authority has it, which costs one round trip.
///
/// # Errors
/// The authority cannot be reached; what is published is not what it should be.
pub fn published_build(
    reader: &Reader,
    sink: &dyn Sink,
    version: &CandidateVersion,
) -> Result<Option<Vec<u8>>> {
    let others = [OutputRef::refspec_of_build(reader.project(), version)];
    look_at_chains_and(reader, sink, &format!("log --output {version}"), &others)?;
    published_build_here(reader, version)
}

/// What a deployment printed, as the authority has it, which costs the one
/// round trip that also tells why there is none. Without it what that told.
///
/// # Errors
/// The authority cannot be reached; what is published is not what it should be.
pub fn published(
    reader: &Reader,
    sink: &dyn Sink,
    id: &DeploymentId,
) -> Result<std::result::Result<Vec<u8>, TrunkAndPolicy>> {
    let others = [OutputRef::refspec(reader.project(), id)];
    let footing = look_at_chains_and(reader, sink, &format!("log --output {id}"), &others)?;
    Ok(published_here(reader, id)?.ok_or(footing))
}

/// How what a deployment printed could come to be published; none where `rel`
/// ran nothing.
pub fn way_here(reader: &Reader, policy: &Policy, deployment: &Deployment) -> Option<&'static str> {
    if deployment.trigger == Trigger::Recorded {
        None
    } else if !is_wanted(policy) {
        Some("to have it everywhere from now on, in release.toml: [output] publish = \"git\"")
    } else if reader.is_offline() {
        Some("without --offline, rel looks whether it is published")
    } else if deployment.state == Progress::Running {
        Some("it is published once it is over")
    } else {
        Some("unless its run was killed, it waits there to be published: rel sync, in that clone")
    }
}
