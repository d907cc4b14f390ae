//! The documents of `--json`, as the contract's section 5 lists them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::domain::candidate::Candidate;
use crate::domain::candidates::Block;
use crate::domain::env::{Deployment, Hold};
use crate::store::artifacts::{Location, uri};

/// A time: RFC 3339, UTC, seconds.
pub fn at(time: DateTime<Utc>) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A candidate.
pub fn candidate(candidate: &Candidate, block: Option<&Block>) -> Value {
    let location = Location::parse(&candidate.store).ok();
    let files = candidate.artifacts.iter().map(|file| {
        let uri = location.as_ref().map(|place| uri(place, &candidate.project, &candidate.version, file));
        json!({ "name": file.name, "digest": file.digest, "size": file.size, "uri": uri })
    });
    let references = candidate.references.iter().map(|reference| {
        json!({ "name": reference.name, "digest": reference.digest, "size": null, "uri": reference.uri })
    });
    json!({
        "tag": candidate.tag,
        "version": candidate.version,
        "release": candidate.version.release,
        "number": candidate.version.number,
        "commit": candidate.commit,
        "trunk_commit": candidate.trunk_commit,
        "parent": candidate.parent,
        "picks": candidate.picks,
        "artifacts": files.chain(references).collect::<Vec<_>>(),
        "created_at": at(candidate.created_at),
        "actor": candidate.actor,
        "signed": candidate.signed,
        "blocked": block.is_some(),
        "block": block.map(|block| json!({ "actor": block.actor, "reason": block.reason, "at": at(block.at) })),
    })
}

/// A deployment.
pub fn deployment(deployment: &Deployment) -> Value {
    // Its record is its document: serde writes exactly the contract's members.
    serde_json::to_value(deployment).unwrap_or(Value::Null)
}

/// A hold.
pub fn hold(hold: &Hold) -> Value {
    json!({
        "token": hold.token,
        "actor": hold.actor,
        "reason": hold.reason,
        "at": at(hold.at),
        "cause": hold.cause,
    })
}
