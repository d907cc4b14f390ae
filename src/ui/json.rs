//! The documents of `--json`, as the contract's section 5 lists them.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::diff::{self, Shown};
use super::gate;
use super::list::{Entry, Foreign, What};
use super::status::{Next, Place, Status};
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{Block, Minted};
use crate::domain::env::{Deployment, Hold, Live};
use crate::domain::name::{Oid, TagName};
use crate::domain::version::CandidateVersion;
use crate::store::artifacts::locate;
use crate::store::diffstat::FileStat;

/// A time: RFC 3339, UTC, seconds.
pub fn at(time: DateTime<Utc>) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A candidate.
pub fn candidate(candidate: &Candidate, block: Option<&Block>) -> Value {
    let location = locate(&candidate.store).ok();
    let files = candidate.artifacts.iter().map(|file| {
        let uri =
            location.as_ref().map(|location| location.uri(&candidate.project, &candidate.version, file));
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
    // Its record is its document, but for what stands in the place of a tag or
    // of a candidate's version.
    let mut document = serde_json::to_value(deployment).unwrap_or(Value::Null);
    if let Value::Object(members) = &mut document {
        members.remove("foreign_version");
        members.insert("tag".into(), tag(&deployment.tag));
        members.entry("phases").or_insert_with(|| json!([]));
        members.entry("params").or_insert_with(|| json!({}));
        members.insert("offline".into(), json!(deployment.offline));
        if !deployment.is_numbered() {
            members.insert("id".into(), Value::Null);
            members.insert("seq".into(), Value::Null);
        }
        members.insert("from_tag".into(), deployment.from_tag.as_ref().map_or(Value::Null, tag));
        members.insert("version".into(), version(deployment.version.as_ref(), &deployment.foreign_version));
    }
    document
}

/// A tag, or null where a commit stands in its place.
pub fn tag(tag: &TagName) -> Value {
    if tag.as_commit().is_some() { Value::Null } else { json!(tag) }
}

/// A candidate's version, or what a baseline's tag names.
fn version(version: Option<&CandidateVersion>, foreign: &Option<String>) -> Value {
    version.map_or_else(|| json!(foreign), |version| json!(version))
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

/// What `status` shows, but for `schema`.
pub fn status(status: &Status) -> serde_json::Map<String, Value> {
    let trunk = &status.trunk;
    serde_json::Map::from_iter([
        ("project".to_owned(), json!(status.project)),
        (
            "trunk".to_owned(),
            json!({ "branch": trunk.branch, "commit": trunk.commit, "pending": trunk.pending }),
        ),
        ("as_of".to_owned(), status.as_of.map_or(Value::Null, at)),
        ("environments".to_owned(), status.environments.iter().map(place).collect()),
        (
            "unfinished_pick".to_owned(),
            status.unfinished.as_ref().map_or(Value::Null, |unfinished| {
                json!({
                    "source": unfinished.source,
                    "onto": unfinished.onto,
                    "worktree": unfinished.worktree,
                    "conflicts": unfinished.paths,
                })
            }),
        ),
    ])
}

/// One environment of `status`.
fn place(place: &Place) -> Value {
    json!({
        "name": place.name,
        "current": place.current.as_ref().map(|current| live(current, place.certain)),
        // It succeeded, so what it was is certain whatever happened since.
        "previous": place.previous.as_ref().map(|previous| live(previous, true)),
        "in_flight": place.in_flight.as_ref().map(|flight| deployment(&flight.deployment)),
        "hold": place.hold.as_ref().map(hold),
        "unresolved": place.unresolved.iter().map(deployment).collect::<Vec<_>>(),
        "pending": place.pending,
        "next": place.next.as_ref().map(next),
        "unpublished": place.unpublished.iter().map(deployment).collect::<Vec<_>>(),
        "not_here": place.not_here,
        "fixes_not_on_trunk": place.fixes.iter().map(|fix| json!({
            "source": fix.source, "commit": fix.change.commit, "subject": fix.change.subject,
        })).collect::<Vec<_>>(),
    })
}

fn live(live: &Live, certain: bool) -> Value {
    json!({
        "tag": tag(&live.tag),
        "version": version(live.version.as_ref(), &live.foreign_version),
        "commit": live.commit,
        "since": at(live.since),
        "actor": live.actor,
        "deployment": live.deployment,
        "certain": certain,
    })
}

fn next(next: &Next) -> Value {
    let gates: Vec<Value> = next
        .gates
        .iter()
        .map(|verdict| json!({ "gate": verdict.gate(), "text": gate::text(verdict) }))
        .collect();
    json!({
        "tag": next.tag,
        "commits": next.commits,
        "ready_at": next.ready_at.map(at),
        "gates": gates,
    })
}

/// One candidate of a release of `list`: as everywhere, and whether somebody
/// else made the tag.
pub fn entry(entry: &Entry, release: &str) -> Value {
    let mut document = match &entry.what {
        What::Ours(record) => candidate(record, entry.block.as_ref()),
        What::Damaged { minted, made, why } => {
            let mut document = unread(minted, entry.block.as_ref());
            if let Some((actor, when)) = made {
                document["actor"] = json!(actor);
                document["created_at"] = at(*when);
            }
            document["damaged"] = json!(why);
            document
        }
        What::Foreign(tag) => foreign(tag, release, entry.block.is_some()),
    };
    document["foreign"] = json!(matches!(entry.what, What::Foreign(_)));
    document
}

/// A candidate whose tag cannot be trusted: what its chain says of it, and
/// null for the rest.
fn unread(minted: &Minted, block: Option<&Block>) -> Value {
    json!({
        "tag": minted.tag,
        "version": minted.version,
        "release": minted.version.release,
        "number": minted.version.number,
        "commit": minted.commit,
        "trunk_commit": minted.trunk_commit,
        "parent": minted.parent,
        "picks": null,
        "artifacts": null,
        "created_at": null,
        "actor": null,
        "signed": null,
        "blocked": block.is_some(),
    })
}

/// A version tag that somebody else made: null for what only `rel` records.
/// Its number is null too, unless it is spelled as a candidate's.
fn foreign(tag: &Foreign, release: &str, blocked: bool) -> Value {
    json!({
        "tag": tag.tag,
        "version": tag.version,
        "release": release,
        "number": tag.number,
        "commit": tag.commit,
        "trunk_commit": null,
        "parent": null,
        "picks": null,
        "artifacts": null,
        "created_at": null,
        "actor": null,
        "signed": null,
        "blocked": blocked,
    })
}

/// What `diff` shows, but for `schema` and what was compared.
pub fn difference(shown: &Shown) -> serde_json::Map<String, Value> {
    // The commits that are listed for people as well, but plainly the newest first.
    let side = |entries: &[diff::Entry]| -> Value {
        let listed: HashSet<Oid> =
            shown.listed(entries).into_iter().map(|entry| entry.change.commit).collect();
        entries.iter().filter(|entry| listed.contains(&entry.change.commit)).map(difference_entry).collect()
    };
    let breaking = shown.added.iter().filter(|entry| entry.change.breaking).count();
    let mut document = serde_json::Map::from_iter([
        ("added".to_owned(), side(&shown.added)),
        ("removed".to_owned(), side(&shown.removed)),
        (
            "counts".to_owned(),
            json!({
                "added": shown.added.len(),
                "removed": shown.removed.len(),
                "people": diff::people(&shown.added),
                "breaking": breaking,
            }),
        ),
        ("url".to_owned(), json!(shown.url)),
    ]);
    if let Some(files) = &shown.stat {
        document.insert("stat".to_owned(), stat(files));
    }
    document
}

/// A commit, and what the other side has instead.
fn difference_entry(entry: &diff::Entry) -> Value {
    let mut document = json!(entry.change);
    document["there_as"] = json!(entry.there_as);
    document
}

/// Lines that differ, by file. A path that is not UTF-8 has U+FFFD in it.
fn stat(files: &[FileStat]) -> Value {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let list: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({
                "path": text(&file.path),
                "from": file.from.as_deref().map(text),
                "added": file.added,
                "removed": file.removed,
                "binary": file.binary,
            })
        })
        .collect();
    let sum = |of: fn(&FileStat) -> usize| files.iter().map(of).sum::<usize>();
    json!({ "files": list, "added": sum(|file| file.added), "removed": sum(|file| file.removed) })
}
