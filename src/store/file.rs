//! Writing a file of the user's, whole or not at all.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::error::{During, Result, Task};

/// Puts `text` where the file is, or makes it, with one rename. Keeps who may
/// read it; a symbolic link stays, and what it leads to is replaced.
///
/// # Errors
/// Its folder does not exist or cannot be written to.
pub fn replace(file: &Path, text: &str) -> Result<()> {
    let task = || Task::Replace(file.to_owned());
    let real = fs::canonicalize(file);
    let target = real.as_deref().unwrap_or(file);
    let folder = target.parent().unwrap_or(Path::new("."));
    // A new file is readable as the user's umask has it.
    let usual = Permissions::from_mode(0o666);
    let mut temporary =
        tempfile::Builder::new().prefix(".rel-").permissions(usual).tempfile_in(folder).during_with(task)?;
    if let Ok(found) = fs::metadata(target) {
        temporary.as_file().set_permissions(found.permissions()).during_with(task)?;
    }
    temporary.write_all(text.as_bytes()).and_then(|()| temporary.as_file().sync_all()).during_with(task)?;
    temporary.persist(target).map(drop).map_err(|failed| failed.error).during_with(task)
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
