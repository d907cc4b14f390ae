//! What a release brings since the last one that reached a final environment:
//! which one that is, and what lies between.

use chrono::{DateTime, Utc};

use crate::delivery::error::{Error, Result};
use crate::delivery::read::base::{self, ChangesOf};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{ClosedRelease, Snapshot};
use crate::delivery::sink::Sink;
use crate::domain::candidates::Minted;
use crate::domain::report::changelog::ChangelogReport;
use crate::domain::since::Counted;
use crate::store::history;
use crate::store::tag::{TagObject, read_tag};

/// What a candidate's release brings.
///
/// # Errors
/// Its tag is not the one that was minted; what it is counted from is not in
/// this clone; git failed.
pub fn gather(
    reader: &Reader,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    minted: &Minted,
) -> Result<ChangelogReport> {
    let record = snapshot.record(reader, minted)?;
    let own = snapshot.closed.iter().find(|closed| closed.candidate == minted.tag);
    let released_at = own.map(|closed| tagged_at(reader, closed)).transpose()?.flatten();
    let subject = ChangesOf::candidate(snapshot, minted);
    let since = base::since(reader, snapshot, &subject, Counted::Releases)?;
    let (since, changes) = base::changes(reader, sink, snapshot, &subject, since)?;
    let Some(changes) = changes else {
        let base = since.commit().filter(|base| !history::has(&reader.repo, *base).unwrap_or(false));
        let commit = base.unwrap_or(minted.commit);
        return Err(Error::ChangelogCut { tag: minted.tag.clone(), commit });
    };
    Ok(ChangelogReport {
        tag: minted.tag.clone(),
        release: minted.version.release.clone(),
        file: None,
        version: minted.version.clone(),
        released: own.is_some(),
        at: released_at.unwrap_or(record.created_at),
        since,
        changes,
        host: reader.pages(),
    })
}

/// When a release was tagged, as its own tag says; none where that is not on
/// what won.
fn tagged_at(reader: &Reader, closed: &ClosedRelease) -> Result<Option<DateTime<Utc>>> {
    let Some(object) = reader.repo.ref_target(reader.tag_copy(&closed.tag))? else {
        return Ok(None);
    };
    if !reader.repo.has_object(object) {
        return Ok(None);
    }
    Ok(match read_tag(&reader.repo, object)? {
        TagObject::Annotated { target, at, .. } if target == closed.commit => Some(at),
        _ => None,
    })
}
