//! Objects that lie in files of their own, as a fetch of a few leaves them.
//!
//! Of one that a power cut left short libgit2 (1.9) never returns, and the
//! newest records are just those that may be. So they are looked at here first:
//! a file is a zlib stream (RFC 1950) of the kind, the size and the content;
//! see `unpack_loose_header` in git's `object-file.c`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::ZlibDecoder;

use super::error::{Error, Result};
use crate::domain::name::Oid;

/// Returns the kind and the content of the object in this file; `None` if there is no such file.
///
/// # Errors
/// The file is damaged or cannot be read.
fn read(path: &Path, oid: Oid) -> Result<Option<(String, Vec<u8>)>> {
    let damaged = |why: io::Error| {
        let why = why.to_string();
        Error::DamagedObject { oid, file: path.to_owned(), why, refetch: None }
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(damaged(error)),
    };
    let mut bytes = Vec::new();
    ZlibDecoder::new(io::BufReader::new(file)).read_to_end(&mut bytes).map_err(damaged)?;
    parse(bytes).map(Some).ok_or_else(|| damaged(io::ErrorKind::InvalidData.into()))
}

/// Fails if an object is in this file and not whole.
pub(in crate::store) fn check(path: &Path, oid: Oid) -> Result<()> {
    read(path, oid).map(drop)
}

/// The kind and the content. None where they do not fit what is said of them.
fn parse(mut bytes: Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (kind, size) = std::str::from_utf8(&bytes[..end]).ok()?.split_once(' ')?;
    let (kind, size): (_, usize) = (kind.to_owned(), size.parse().ok()?);
    bytes.drain(..=end);
    (bytes.len() == size).then_some((kind, bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::chain;
    use crate::store::repo::fixture::Sandbox;
    use crate::store::tag::read_tag;

    #[test]
    fn one_that_was_cut_short_is_an_error_and_not_the_end() {
        let sandbox = Sandbox::new();
        let head = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["tag", "-a", "-m", "one", "v1"]);
        let tag = sandbox.oid("work", "v1");
        let repo = sandbox.open("work");
        let (kind, content) = read(&repo.loose_file(head), head).unwrap().unwrap();
        assert_eq!(kind, "commit");
        assert_eq!(
            String::from_utf8(content).unwrap().trim(),
            sandbox.git("work", &["cat-file", "-p", "HEAD"])
        );
        let nowhere = Oid::from_bytes([7; Oid::BYTES]);
        assert!(read(&repo.loose_file(nowhere), nowhere).unwrap().is_none(), "it is nowhere");
        for oid in [head, tag] {
            let path = repo.loose_file(oid);
            let whole = std::fs::read(&path).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            for length in [0, 1, 20, whole.len() - 1] {
                std::fs::write(&path, &whole[..length]).unwrap();
                let read = read(&path, oid);
                assert!(matches!(read, Err(Error::DamagedObject { .. })), "{length} bytes");
            }
            std::fs::write(&path, &whole[..20]).unwrap();
        }
        let repo = sandbox.open("work");
        assert!(
            repo.commit(head).is_err() && chain::read(&repo, head).is_err() && read_tag(&repo, tag).is_err()
        );
        assert!(repo.read_commit(head, |_| ()).is_err(), "nor for who reads thousands");
    }
}
