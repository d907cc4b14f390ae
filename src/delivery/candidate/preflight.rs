//! What can be known before a build to stand in the way of what comes after it:
//! whoever waited for a build is not told then what could have been said at once.

use crate::delivery::error::{Error, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::draft::Draft;
use crate::domain::name::{Actor, TagName};
use crate::store::artifacts::locate;
use crate::store::tag::write_tag;

/// Tries what minting a draft takes. Nothing is published, and nobody is asked
/// but for a tag of this clone that would be in the way.
///
/// # Errors
/// The store of artifacts cannot be written; the tag cannot be signed, or a
/// tag stands in its way.
pub fn try_minting(reader: &Reader, snapshot: &Snapshot, draft: &Draft, actor: &Actor) -> Result<()> {
    let config = &snapshot.policy.config;
    if config.build.is_some() {
        locate(&config.artifacts.store)?.try_writing()?;
    }
    let tag = snapshot.style.release(&draft.release);
    nothing_is_in_the_way(reader, &tag)?;
    if config.version.sign {
        let (text, at) = ("tried before the build", reader.world.now());
        write_tag(&reader.repo, &tag, draft.commit, actor, at, text, true)?;
    }
    Ok(())
}

/// Refuses a tag below another tag's name: git keeps names as it keeps files.
fn nothing_is_in_the_way(reader: &Reader, tag: &TagName) -> Result<()> {
    let folders = tag.as_str().match_indices('/').filter_map(|(at, _)| tag.as_str()[..at].parse().ok());
    for folder in folders {
        let folder: TagName = folder;
        let name = folder.to_ref();
        let is_here = reader.repo.ref_target(name.as_str())?.is_some();
        if is_here && reader.authority().tips(&reader.repo, &[name.as_str()])? != [None] {
            return Err(Error::TagInTheWay { folder, tag: tag.clone() });
        }
    }
    Ok(())
}
