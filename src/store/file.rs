//! A file of the user's, written whole or not at all.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::{Doing, Failure, Result};

/// Puts `text` where the file is, or makes it, with one rename. Keeps who may
/// read it; a symbolic link stays, and what it leads to is replaced.
///
/// # Errors
/// Its folder does not exist or cannot be written to.
pub fn replace(file: &Path, text: &str) -> Result<()> {
    let doing = || format!("{} cannot be written", file.display());
    let real = fs::canonicalize(file);
    let file = real.as_deref().unwrap_or(file);
    let folder = file.parent().unwrap_or(Path::new("."));
    // A new file is readable as the user's umask has it.
    let usual = Permissions::from_mode(0o666);
    let mut temporary =
        tempfile::Builder::new().prefix(".rel-").permissions(usual).tempfile_in(folder).doing(doing())?;
    if let Ok(found) = fs::metadata(file) {
        temporary.as_file().set_permissions(found.permissions()).doing(doing())?;
    }
    temporary.write_all(text.as_bytes()).and_then(|()| temporary.as_file().sync_all()).doing(doing())?;
    temporary.persist(file).map(drop).map_err(|failed| Failure::failed(doing()).because(failed.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_or_replaced_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        replace(&file, "one").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        replace(&link, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o666);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
        assert!(replace(&folder.path().join("none/a"), "x").is_err());
    }
}
