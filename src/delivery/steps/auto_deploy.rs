//! The environments that take each new candidate by themselves.

use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::name::{EnvName, TagName};

/// The environments with `auto_deploy`, in the policy's order.
pub fn environments(snapshot: &Snapshot) -> Vec<EnvName> {
    let environments = snapshot.policy.config.environments.iter();
    environments.filter(|environment| environment.auto_deploy).map(|e| e.name.clone()).collect()
}

/// What is live in an environment, if it is of a newer release than `minted`:
/// it is under test there, and stays.
pub fn under_test(snapshot: &Snapshot, name: &EnvName, minted: &Minted) -> Option<TagName> {
    let live = snapshot.environments.get(name)?.state.current()?;
    let newer = match &live.version {
        Some(version) => (live.position, &version.release) > (minted.position, &minted.version.release),
        None => live.position > minted.position,
    };
    newer.then(|| live.tag.clone())
}

/// The candidate of the same commit that a rollback undid in an environment: to
/// build it once more brings its fault back, so that a person has to say so.
pub fn undone_before(snapshot: &Snapshot, name: &EnvName, minted: &Minted) -> Option<TagName> {
    let undone = &snapshot.environments.get(name)?.state.undone;
    let is_same = |tag: &&TagName| snapshot.minted(tag).is_some_and(|undone| undone.commit == minted.commit);
    undone.iter().rev().find(is_same).cloned()
}
