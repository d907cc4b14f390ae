//! Whether looking starts processes: programs that tell of their being
//! started stand in for those that it might start.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::rows::Spots;
use crate::surroundings::{Said, say};

/// A folder to be the whole PATH.
pub struct Recorders {
    folder: PathBuf,
    record: PathBuf,
}

impl Recorders {
    /// Makes them beside a clone.
    pub fn make(spots: &Spots<'_>) -> Recorders {
        let (folder, record) = (spots.around.at("recorders"), spots.around.at("recorded"));
        fs::create_dir_all(&folder).expect("a folder under target/");
        for program in ["git", "sh", "ssh", "less"] {
            let script = format!("#!/bin/sh\necho {program} \"$@\" >> '{}'\nexit 1\n", record.display());
            let path = folder.join(program);
            fs::write(&path, script).expect("a file under target/");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        Recorders { folder, record }
    }

    /// Runs `rel` with these words: what it said, and what it started, a line each.
    pub fn run(&self, spots: &Spots<'_>, words: &[&str]) -> (Said, String) {
        let _ = fs::remove_file(&self.record);
        let mut command = spots.around.rel(&spots.clone, words);
        command.env("PATH", OsString::from(&self.folder));
        let said = say(command);
        (said, fs::read_to_string(&self.record).unwrap_or_default())
    }
}
