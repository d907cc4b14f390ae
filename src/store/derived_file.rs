//! Files derived from chains and histories, kept beside the clone so that those
//! are read once: a file for each chain, and one for containment.
//!
//! A derived file is a copy: each of its parts has a checksum, and one that does
//! not fit is made anew. A part that is read from a chain names the tip it goes
//! up to; one that lags is continued. A file that cannot be written costs time
//! and nothing else, and so does a part that another process wrote meanwhile.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::Crc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chain;
use super::ledger::{self, State};
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::store::error::Result;

/// The form of the files. Those of another are not read, and neither are those
/// of another release of `rel`, which may know events that this one does not.
const FORMAT: &str = concat!("rel ", env!("CARGO_PKG_VERSION"), " 5");

/// The most bytes that a file's head takes.
const MAX_HEAD: usize = 1024;

/// The head of a file, in postcard's wire format; the parts' bytes follow.
#[derive(Serialize, Deserialize)]
struct FileHead {
    format: String,
    parts: Vec<FilePart>,
}

#[derive(Serialize, Deserialize)]
struct FilePart {
    /// The part's name and its form: `minted 2`.
    format: String,
    length: usize,
    /// The CRC-32 of the part's bytes.
    crc: u32,
}

impl FilePart {
    fn name(&self) -> &str {
        name(&self.format)
    }
}

fn name(format: &str) -> &str {
    format.split_once(' ').map_or(format, |(name, _)| name)
}

/// Returns what `keep` makes of the events of the chain that ends in `tip`,
/// oldest first; from the file as far as that goes. `format` names the part, and
/// changes when what `keep` keeps does.
///
/// # Errors
/// The chain cannot be read.
pub(crate) fn read<S: State, T: Serialize + DeserializeOwned>(
    repo: &Repo,
    tip: Option<Oid>,
    file: &Path,
    format: &str,
    keep: impl Fn(S::Event) -> Option<T>,
) -> Result<Vec<T>> {
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let (known_to, mut entries) = match load::<(Oid, Vec<T>)>(file, format) {
        Some((known, entries)) if known == tip => return Ok(entries),
        Some((known, entries)) => (Some(known), entries),
        None => (None, Vec::new()),
    };
    let mut newer = Vec::new();
    let mut met = false;
    for entry in chain::walk(repo, tip) {
        let entry = entry?;
        if Some(entry.oid) == known_to {
            met = true;
            break;
        }
        newer.extend(ledger::event::<S>(&entry).and_then(&keep));
    }
    if !met {
        // The chain is not the one that was read before.
        entries.clear();
    }
    newer.reverse();
    entries.append(&mut newer);
    store(file, format, &(tip, &entries));
    Ok(entries)
}

/// Returns a part of the file; `None` if there is no such part in this form.
pub(crate) fn load<T: DeserializeOwned>(file: &Path, format: &str) -> Option<T> {
    let (_, bytes) = parts(file, |part| part.format == format)?.pop()?;
    postcard::from_bytes(&bytes).ok()
}

/// Puts a part into the file, in place of what the part was.
pub(crate) fn store(file: &Path, format: &str, what: &impl Serialize) {
    let write = || -> io::Result<()> {
        let bytes = postcard::to_stdvec(what).map_err(io::Error::other)?;
        let part = FilePart { format: format.to_owned(), length: bytes.len(), crc: crc(&bytes) };
        let others = parts(file, |part| part.name() != name(format));
        let (parts, bodies): (Vec<_>, Vec<_>) =
            others.unwrap_or_default().into_iter().chain([(part, bytes)]).unzip();
        let head =
            postcard::to_stdvec(&FileHead { format: FORMAT.to_owned(), parts }).map_err(io::Error::other)?;
        let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        for bytes in [head].iter().chain(&bodies) {
            new.write_all(bytes)?;
        }
        new.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    // A repository that cannot be written to can be read all the same.
    drop(write());
}

/// Returns the parts that are wanted and whole; `None` if the file is not of this form.
fn parts(file: &Path, is_wanted: impl Fn(&FilePart) -> bool) -> Option<Vec<(FilePart, Vec<u8>)>> {
    let file = File::open(file).ok()?;
    let mut head = [0; MAX_HEAD];
    let read = file.read_at(&mut head, 0).ok()?;
    let (FileHead { format, parts }, rest) = postcard::take_from_bytes(&head[..read]).ok()?;
    if format != FORMAT {
        return None;
    }
    let mut end = (read - rest.len()) as u64;
    let mut found = Vec::new();
    for part in parts {
        let start = end;
        end += part.length as u64;
        if is_wanted(&part) {
            let mut bytes = vec![0; part.length];
            let is_read = file.read_exact_at(&mut bytes, start).is_ok();
            found.extend((is_read && crc(&bytes) == part.crc).then_some((part, bytes)));
        }
    }
    Some(found)
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState};
    use crate::domain::name::Actor;
    use crate::domain::ref_name::ChainRef;
    use crate::store::ledger::View;
    use crate::store::repo::fixture::Sandbox;

    fn blocked(nonce: &str) -> CandidatesEvent {
        CandidatesEvent {
            id: "v1".to_owned(),
            at: DateTime::from_timestamp(1, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: nonce.to_owned(),
            what: CandidatesEventKind::Blocked { target: "v1".to_owned(), reason: "why".to_owned() },
        }
    }

    /// How often an event was read, and what came of it.
    fn ask(repo: &Repo, view: &View<CandidatesState>, file: &Path, of: &str) -> (usize, Vec<String>) {
        let read_now = std::cell::Cell::new(0);
        let kept = read::<CandidatesState, String>(repo, view.tip, file, of, |event| {
            read_now.set(read_now.get() + 1);
            (event.nonce != "skip").then_some(event.nonce)
        });
        (read_now.get(), kept.unwrap())
    }

    #[test]
    fn events_are_read_once_and_a_part_that_does_not_fit_is_made_anew() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let file = sandbox.path("index/one");
        let empty =
            ledger::read::<CandidatesState>(&repo, &ChainRef::of_candidates(&"shop".parse().unwrap()), &[])
                .unwrap();
        assert_eq!(ask(&repo, &empty, &file, "all 1"), (0, vec![]));
        let three = empty.append(&repo, &["a", "skip", "c"].map(blocked)).unwrap().0;
        let kept = vec!["a".to_owned(), "c".to_owned()];
        assert_eq!(ask(&repo, &three, &file, "all 1"), (3, kept.clone()));
        assert_eq!(ask(&repo, &three, &file, "all 1"), (0, kept.clone()));
        let five = three.append(&repo, &["d", "e"].map(blocked)).unwrap().0;
        let all: Vec<String> = ["a", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(ask(&repo, &five, &file, "all 1"), (2, all.clone()), "continued");
        assert_eq!(ask(&repo, &three, &file, "all 1"), (3, kept), "another history");
        assert_eq!(ask(&repo, &five, &file, "all 1"), (2, all.clone()));
        assert_eq!(ask(&repo, &five, &file, "all 2").0, 5, "something else is kept");
        for damage in [
            |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1,
            |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 3),
            |bytes: &mut Vec<u8>| bytes[0] += 1,
            |bytes: &mut Vec<u8>| *bytes = b"{".to_vec(),
        ] {
            ask(&repo, &five, &file, "all 1");
            let mut bytes = fs::read(&file).unwrap();
            damage(&mut bytes);
            fs::write(&file, bytes).unwrap();
            assert_eq!(ask(&repo, &five, &file, "all 1"), (5, all.clone()));
        }
    }

    #[test]
    fn a_part_is_put_in_place_of_itself_and_beside_the_others() {
        let sandbox = Sandbox::new();
        let file = sandbox.path("index/one");
        store(&file, "one 1", &"first");
        store(&file, "two 1", &[7, 8]);
        store(&file, "one 2", &"second");
        assert_eq!(load::<String>(&file, "one 1"), None, "another form of it took its place");
        assert_eq!(load::<String>(&file, "one 2"), Some("second".to_owned()));
        assert_eq!(load::<[i32; 2]>(&file, "two 1"), Some([7, 8]));
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        assert_eq!(load::<String>(&file, "one 2"), None, "damaged");
        assert_eq!(load::<[i32; 2]>(&file, "two 1"), Some([7, 8]), "whole all the same");
        store(&file, "two 1", &[9, 9]);
        assert_eq!(load::<[i32; 2]>(&file, "two 1"), Some([9, 9]));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_done_without() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let view =
            ledger::read::<CandidatesState>(&repo, &ChainRef::of_candidates(&"shop".parse().unwrap()), &[])
                .unwrap();
        let view = view.append(&repo, &[blocked("a")]).unwrap().0;
        fs::write(sandbox.path("file"), "").unwrap();
        let nowhere = sandbox.path("file/index");
        for _ in 0..2 {
            assert_eq!(ask(&repo, &view, &nowhere, "all"), (1, vec!["a".to_owned()]));
        }
    }
}
