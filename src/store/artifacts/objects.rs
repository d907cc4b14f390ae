//! A folder of files named by their content: `<dir>/sha256/<64 hex digits>`.
//!
//! What the clone's cache and a file store share: the one streaming copy, and
//! entries that appear whole or not at all. It holds no policy: whether an
//! entry may be replaced, and what a wrong one means, is its users' to say.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::Digest;
use tempfile::NamedTempFile;

use crate::domain::artifact::Artifact;
use crate::domain::name::Sha256;
use crate::store::error::{ArtifactError, BadCopy, During, Error, Result, Task};

/// Bytes held in memory by a copy, however large the file.
const BUFFER: usize = 256 * 1024;

/// The most bytes of an entry that is read whole.
pub(super) const MAX_READ: u64 = 16 * 1024 * 1024;

/// What a stream turned out to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    /// The digest of all of it.
    pub digest: Sha256,
    pub size: u64,
}

impl Measured {
    /// Whether this is the artifact's content.
    pub fn is(&self, artifact: &Artifact) -> bool {
        self.digest == artifact.digest && self.size == artifact.size
    }

    /// The failure that this is not the artifact's content, read from that copy.
    pub fn mismatch(&self, artifact: &Artifact, at: BadCopy) -> Error {
        let Measured { digest: found, size } = *self;
        ArtifactError::Altered { recorded: Box::new(artifact.clone()), found, size, at }.into()
    }
}

/// Which side of a copy failed: they mean different things.
#[derive(Debug)]
pub(super) enum CopyError {
    /// The source cannot be read.
    Read(io::Error),
    /// The destination cannot be written.
    Write(io::Error),
}

/// Copies a stream in one pass, hashing it. Bytes beyond `keep` are hashed but
/// not written, so that a source larger than recorded fills no disk.
pub(super) fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    keep: u64,
) -> std::result::Result<Measured, CopyError> {
    let mut buffer = vec![0; BUFFER];
    let mut hash = sha2::Sha256::new();
    let mut size = 0_u64;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        hash.update(&buffer[..read]);
        let room = usize::try_from(keep.saturating_sub(size)).unwrap_or(usize::MAX);
        to.write_all(&buffer[..read.min(room)]).map_err(CopyError::Write)?;
        size += read as u64;
    }
    Ok(Measured { digest: Sha256::from_bytes(hash.finalize().into()), size })
}

/// Hashes a file without copying it.
pub(super) fn measure(file: &mut File) -> io::Result<Measured> {
    copy(file, &mut io::sink(), 0).map_err(|error| match error {
        CopyError::Read(error) | CopyError::Write(error) => error,
    })
}

/// A folder of entries.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    dir: PathBuf,
}

impl Objects {
    /// Those below `dir`, which need not exist yet.
    pub fn at(dir: &Path) -> Objects {
        Objects { dir: dir.join("sha256") }
    }

    /// Whether there is a folder of entries.
    ///
    /// # Errors
    /// There is none, or it cannot be looked at.
    pub fn exist(&self) -> io::Result<()> {
        match std::fs::metadata(&self.dir)?.is_dir() {
            true => Ok(()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Where an entry is, or would be.
    pub fn path(&self, digest: &Sha256) -> PathBuf {
        self.dir.join(digest.hex())
    }

    /// The entry, if it is a regular file of this size.
    pub fn find(&self, artifact: &Artifact) -> Option<PathBuf> {
        let path = self.path(&artifact.digest);
        let found = std::fs::metadata(&path).ok()?;
        (found.is_file() && found.len() == artifact.size).then_some(path)
    }

    /// The bytes of an entry, unverified; `None` if there is none, or it is
    /// larger than 16 MiB: many times what a provenance statement takes.
    pub fn read(&self, digest: &Sha256) -> Result<Option<Vec<u8>>> {
        let path = self.path(digest);
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(&path)?.take(MAX_READ + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MAX_READ)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).during(Task::ReadPath(path)),
        }
    }

    /// An entry to be written, next to where it will be. It vanishes unless
    /// it is kept; nobody takes it for an entry, since its name is no digest.
    ///
    /// Entries are readable by whoever the umask allows, writable by nobody.
    pub fn incoming(&self) -> Result<NamedTempFile> {
        std::fs::create_dir_all(&self.dir).during_with(|| Task::CreateFolder(self.dir.clone()))?;
        tempfile::Builder::new()
            .prefix(".incoming-")
            .permissions(Permissions::from_mode(0o444))
            .tempfile_in(&self.dir)
            .during_with(|| Task::WriteInto(self.dir.clone()))
    }

    /// Makes a written file the entry of `digest`, in the place of any that is
    /// there. On disk for good when this returns.
    pub fn replace(&self, written: NamedTempFile, digest: &Sha256) -> Result<()> {
        let path = self.path(digest);
        let task = || Task::WritePath(path.clone());
        written.as_file().sync_all().during_with(task)?;
        written.persist(&path).map_err(|failed| failed.error).during_with(task)?;
        self.sync()
    }

    /// Makes a written file the entry of `digest`, unless there is one: then
    /// that one stays, and the answer is false.
    pub fn add(&self, written: NamedTempFile, digest: &Sha256) -> Result<bool> {
        let path = self.path(digest);
        let task = || Task::WritePath(path.clone());
        written.as_file().sync_all().during_with(task)?;
        match written.persist_noclobber(&path) {
            Ok(_) => self.sync().map(|()| true),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(failed) => Err(failed.error).during_with(task),
        }
    }

    /// A rename lasts once its folder is on disk.
    fn sync(&self) -> Result<()> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).during_with(|| Task::WriteInto(self.dir.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::artifact::sha256_of;

    #[test]
    fn a_copy_hashes_everything_and_keeps_what_was_asked() {
        let text = b"0123456789".repeat(BUFFER / 5);
        let mut kept = Vec::new();
        let found = copy(&mut &text[..], &mut kept, 7).unwrap();
        assert_eq!(found, Measured { digest: sha256_of(&text), size: text.len() as u64 });
        assert_eq!(kept, b"0123456");
    }

    #[test]
    fn an_entry_that_is_not_kept_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::at(dir.path());
        drop(objects.incoming().unwrap());
        assert_eq!(std::fs::read_dir(dir.path().join("sha256")).unwrap().count(), 0);
    }

    #[test]
    fn adding_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::at(dir.path());
        let digest = sha256_of(b"one");
        for (text, added) in [("one", true), ("two", false)] {
            let mut file = objects.incoming().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(objects.add(file, &digest).unwrap(), added);
        }
        assert_eq!(std::fs::read(objects.path(&digest)).unwrap(), b"one");
    }
}
