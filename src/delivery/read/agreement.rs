//! Whether what was needed to find trunk is what trunk's own file says. It may
//! have come from a file that nobody published, and would lead to another
//! history: nothing is read from two files at once.

use crate::config;
use crate::delivery::error::{Difference, PolicyFault, Result, Stated};
use crate::delivery::read::reader::{CONFIG_FILE, Reader};
use crate::domain::config::ProjectConfig;
use crate::domain::name::Oid;

/// Fails if name, trunk or remote in the file that was found first are not those of trunk's own.
///
/// # Errors
/// They differ, or this repository is to decide although another one has.
pub fn check(reader: &Reader, trunk: Oid, text: &str, theirs: &ProjectConfig) -> Result<()> {
    let home = &reader.home;
    let pairs = [
        ("name", home.project.as_str(), theirs.name.as_str()),
        ("trunk", &home.trunk, &theirs.trunk),
        ("remote", &home.remote, &theirs.remote),
    ];
    let differs = pairs.into_iter().filter(|(_, here, there)| here != there);
    let differences: Vec<Difference> = differs
        .map(|(key, here, there)| Difference {
            key,
            here: Stated { value: here.to_owned(), line: config::line_of(&home.text, key) },
            there: Stated { value: there.to_owned(), line: config::line_of(text, key) },
        })
        .collect();
    if !differences.is_empty() {
        let theirs = format!("{CONFIG_FILE} at {}", trunk.short());
        return Err(PolicyFault::Differs {
            here: home.found.clone(),
            there: theirs,
            differences,
            origin: home.origin,
            trunk: home.trunk.clone(),
            tip: trunk,
            remote: reader.remote(),
        }
        .into());
    }
    is_the_authority(reader)
}

/// Fails if this repository is to decide, and this clone holds what a remote that it still has decided.
///
/// # Errors
/// That is so.
pub fn is_the_authority(reader: &Reader) -> Result<()> {
    if reader.is_local()
        && reader.repo.has_followed()
        && let Some(remote) = reader.repo.remotes().into_iter().next()
    {
        let file = reader.home.found.clone();
        let line = config::line_of(&reader.home.text, "remote");
        return Err(PolicyFault::OtherAuthority { remote, file, line }.into());
    }
    Ok(())
}
