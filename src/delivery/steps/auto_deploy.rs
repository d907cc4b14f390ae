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
