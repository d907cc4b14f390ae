//! Commits straight from packs, for whoever reads them by the thousand.
//!
//! libgit2 sets up a stream, a place in its cache and a lock for each object,
//! which costs more than the few hundred bytes of a commit. What is not plainly
//! in a pack here (loose objects, packs that came later, whatever is damaged)
//! is left to libgit2: it looks again, and has the words for what is wrong.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use gix_hash::{Kind, ObjectId};
use gix_pack::cache::Never;
use gix_pack::data::Entry;
use gix_pack::data::entry::Header;
use gix_pack::{data, index};
use gix_zlib::{Inflate, Status};

use crate::domain::name::Oid;

/// The most bytes that a commit is read of here.
const MAX_SIZE: usize = 1 << 20;

/// Bytes to spare after what is inflated: the last few hundred take five times as long without.
const ROOM: usize = 512;

/// The packs of a repository, as they were when they were first asked for.
pub(super) struct Packs {
    packs: Vec<Pack>,
    /// The index of the pack that had the last commit: it has the next one as a rule.
    last: usize,
    inflate: Inflate,
    buffer: Vec<u8>,
}

struct Pack {
    index: index::File,
    data: data::File,
}

impl Packs {
    /// Opens the packs of these object directories, as far as they can be read.
    pub(super) fn open(directories: &[PathBuf]) -> Packs {
        let files = directories.iter().filter_map(|objects| std::fs::read_dir(objects.join("pack")).ok());
        let paths = files.flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let indices = paths.filter(|path| path.extension() == Some(OsStr::new("idx")));
        let packs = indices.filter_map(|path| Pack::open(&path)).collect();
        Packs { packs, last: 0, inflate: Inflate::default(), buffer: Vec::new() }
    }

    /// A commit as it is stored. `None` if it is in none of these packs, or cannot be read.
    pub(super) fn commit(&mut self, commit: Oid) -> Option<&[u8]> {
        let id = ObjectId::from_bytes_or_panic(commit.as_bytes());
        let Packs { packs, last, inflate, buffer } = self;
        let order = std::iter::once(*last).chain((0..packs.len()).filter(|at| at != last));
        let (at, entry) = order.filter_map(|at| Some((at, packs.get(at)?.index.lookup(id)?))).next()?;
        *last = at;
        let Pack { index, data } = &packs[at];
        let entry = data.entry(index.pack_offset_at_index(entry)).ok()?;
        if matches!(entry.header, Header::Commit) {
            return inflated(data, &entry, inflate, buffer);
        }
        // A base outside of the pack is libgit2's to find.
        let read = data.decode_entry(entry, buffer, inflate, &|_, _| Ok(None), &mut Never).ok()?;
        let size = usize::try_from(read.object_size).ok()?;
        read.kind.is_commit().then(|| buffer.get(..size))?
    }
}

/// The data of an entry that is no delta.
fn inflated<'b>(
    data: &data::File,
    entry: &Entry,
    inflate: &mut Inflate,
    buffer: &'b mut Vec<u8>,
) -> Option<&'b [u8]> {
    let size = usize::try_from(entry.decompressed_size).ok().filter(|size| *size <= MAX_SIZE)?;
    if buffer.len() < size + ROOM {
        buffer.resize(size + ROOM, 0);
    }
    let packed = data.entry_slice(entry.data_offset..data.pack_end() as u64)?;
    inflate.reset();
    let (status, _, written) = inflate.once(packed, buffer).ok()?;
    (status == Status::StreamEnd && written == size).then(|| &buffer[..size])
}

impl Pack {
    fn open(index: &Path) -> Option<Pack> {
        let data = data::File::at(index.with_extension("pack"), Kind::Sha1).ok()?;
        let index = index::File::at(index, Kind::Sha1).ok()?;
        Some(Pack { index, data: data.with_alloc_limit_bytes(Some(MAX_SIZE)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn commits_in_packs_are_read_as_git_reads_them_and_no_others() {
        let sandbox = Sandbox::new();
        // Long and alike, so that git stores some as what differs from another.
        let body = "Why this had to be, said at length.\n".repeat(60);
        for number in 0..8 {
            sandbox.commit("work", "file", &number.to_string(), &format!("feat: {number}\n\n{body}"));
        }
        sandbox.git("work", &["repack", "-adfq", "--depth=50", "--window=50"]);
        let first = sandbox.git("work", &["rev-list", "HEAD"]);
        sandbox.commit("work", "file", "9", "feat: in another pack");
        sandbox.git("work", &["repack", "-dq"]);
        let loose = sandbox.commit("work", "file", "10", "feat: in no pack");
        let mut packs = Packs::open(&[sandbox.path("work/.git/objects"), sandbox.path("nowhere")]);
        assert_eq!(packs.packs.len(), 2);
        for commit in first.lines().chain([&*sandbox.git("work", &["rev-parse", "HEAD^"])]) {
            let held =
                packs.commit(commit.parse().unwrap()).map(|data| String::from_utf8_lossy(data).into_owned());
            assert_eq!(held.unwrap().trim(), sandbox.git("work", &["cat-file", "commit", commit]));
        }
        for other in [loose, sandbox.oid("work", "HEAD^^{tree}"), sandbox.oid("work", "HEAD^:file")] {
            assert_eq!(packs.commit(other), None);
        }
        assert_eq!(sandbox.open("work").said(loose).unwrap().message, "feat: in no pack\n");
    }

    #[test]
    fn a_damaged_pack_is_left_to_libgit2() {
        let sandbox = Sandbox::new();
        let commit = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["repack", "-adq"]);
        let folder = sandbox.path("work/.git/objects/pack");
        let pack = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let pack = pack.into_iter().find(|path| path.extension() == Some(OsStr::new("pack"))).unwrap();
        let good = std::fs::read(&pack).unwrap();
        std::fs::remove_file(&pack).unwrap();
        for cut in [0, 11, 30, good.len() - 1] {
            std::fs::write(&pack, &good[..cut]).unwrap();
            let _ = Packs::open(&[sandbox.path("work/.git/objects")]).commit(commit);
        }
        for at in 12..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            std::fs::write(&pack, &bad).unwrap();
            // Whatever is said: nothing panics.
            let _ = Packs::open(&[sandbox.path("work/.git/objects")]).commit(commit);
        }
    }
}
