//! What chains and histories come to, kept beside the clone so that nobody
//! reads them twice.
//!
//! An index is a copy: it has a checksum of itself, and one that does not fit is
//! made anew. That of a chain names the tip it goes up to; one that lags is
//! continued. One that cannot be written costs time and nothing else.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chain;
use super::ledger::{self, State};
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::failure::Result;

/// The version of the file. Others are not read.
const VERSION: u64 = 4;

/// How a file begins, in postcard's wire format, as all of it; what is kept follows.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    v: u64,
    /// What is kept; another release of `rel` may keep more.
    of: String,
    /// The CRC-32 of all that follows: a copy that was damaged is made anew.
    crc: u32,
}

/// What `keep` makes of the events of the chain that ends in `tip`, oldest
/// first; from the index at `file` as far as it goes. `of` names what `keep`
/// keeps, and changes when that does.
///
/// # Errors
/// The chain cannot be read.
pub fn read<S: State, T: Serialize + DeserializeOwned>(
    repo: &Repo,
    tip: Option<Oid>,
    file: &Path,
    of: &str,
    keep: impl Fn(S::Event) -> Option<T>,
) -> Result<Vec<T>> {
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let (known_to, mut entries) = match load::<(Oid, Vec<T>)>(file, of) {
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
    store(file, of, &(tip, &entries));
    Ok(entries)
}

/// What was kept in the file; none where it does not fit.
pub fn load<T: DeserializeOwned>(file: &Path, of: &str) -> Option<T> {
    let bytes = fs::read(file).ok()?;
    let (head, body) = postcard::take_from_bytes::<Head>(&bytes).ok()?;
    if head.v != VERSION || head.of != of || head.crc != crc32fast::hash(body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

/// Writes the file whole and puts it in place of what was there.
pub fn store(file: &Path, of: &str, what: &impl Serialize) {
    let write = || -> io::Result<()> {
        let body = postcard::to_stdvec(what).map_err(io::Error::other)?;
        let head = Head { v: VERSION, of: of.to_owned(), crc: crc32fast::hash(&body) };
        let head = postcard::to_stdvec(&head).map_err(io::Error::other)?;
        let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(&head)?;
        new.write_all(&body)?;
        new.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    // A repository that cannot be written to can be read all the same.
    drop(write());
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::candidates::{CandidatesState, Event, What};
    use crate::domain::name::Actor;
    use crate::store::ledger::View;
    use crate::store::repo::fixture::Sandbox;

    const NAME: &str = "refs/notes/rel/shop/candidates";

    fn blocked(nonce: &str) -> Event {
        Event {
            id: "v1".to_owned(),
            at: DateTime::from_timestamp(1, 0).unwrap(),
            actor: Actor::new("ana", "ana@example.com"),
            nonce: nonce.to_owned(),
            what: What::Blocked { target: "v1".to_owned(), reason: "why".to_owned() },
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
    fn events_are_read_once_and_an_index_that_does_not_fit_is_made_anew() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let file = sandbox.path("index/one");
        let empty = ledger::read::<CandidatesState>(&repo, NAME, &[]).unwrap();
        assert_eq!(ask(&repo, &empty, &file, "all"), (0, vec![]));
        let three = empty.append(&repo, &["a", "skip", "c"].map(blocked)).unwrap().0;
        let kept = vec!["a".to_owned(), "c".to_owned()];
        assert_eq!(ask(&repo, &three, &file, "all"), (3, kept.clone()));
        assert_eq!(ask(&repo, &three, &file, "all"), (0, kept.clone()));
        let five = three.append(&repo, &["d", "e"].map(blocked)).unwrap().0;
        let all: Vec<String> = ["a", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(ask(&repo, &five, &file, "all"), (2, all.clone()), "continued");
        assert_eq!(ask(&repo, &three, &file, "all"), (3, kept), "another history");
        assert_eq!(ask(&repo, &five, &file, "all"), (2, all.clone()));
        assert_eq!(ask(&repo, &five, &file, "more").0, 5, "something else is kept");
        for damage in [
            |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1,
            |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 3),
            |bytes: &mut Vec<u8>| bytes[0] += 1,
            |bytes: &mut Vec<u8>| *bytes = b"{".to_vec(),
        ] {
            ask(&repo, &five, &file, "all");
            let mut bytes = fs::read(&file).unwrap();
            damage(&mut bytes);
            fs::write(&file, bytes).unwrap();
            assert_eq!(ask(&repo, &five, &file, "all"), (5, all.clone()));
        }
    }

    #[test]
    fn an_index_that_cannot_be_written_is_done_without() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let view = ledger::read::<CandidatesState>(&repo, NAME, &[]).unwrap();
        let view = view.append(&repo, &[blocked("a")]).unwrap().0;
        fs::write(sandbox.path("file"), "").unwrap();
        let nowhere = sandbox.path("file/index");
        for _ in 0..2 {
            assert_eq!(ask(&repo, &view, &nowhere, "all"), (1, vec!["a".to_owned()]));
        }
    }
}
