//! Whether what was needed to find trunk is what trunk's own file says. It may
//! have come from a file that nobody published, and would lead to another
//! history: nothing is read from two files at once.

use crate::config;
use crate::delivery::error::{Difference, Disagreement, PolicyFault, Result, Stated};
use crate::delivery::read::reader::{CONFIG_FILE, Reader, text_at};
use crate::domain::candidates::CandidatesState;
use crate::domain::config::ProjectConfig;
use crate::domain::name::Oid;
use crate::domain::ref_name::BranchRef;
use crate::store::history;

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
        let disagreement = Disagreement {
            here: home.found.clone(),
            there: theirs,
            differences,
            origin: home.origin,
            trunk: home.trunk.clone(),
            tip: trunk,
            remote: reader.remote(),
        };
        return Err(PolicyFault::Differs(Box::new(disagreement)).into());
    }
    is_the_authority(reader)
}

/// Fails if the candidates' chain is that of another branch, and the file on that branch has not
/// made this one trunk. That branch is asked for only then.
///
/// # Errors
/// That is so, or the authority cannot be asked.
pub fn on_trunk(reader: &Reader, chain: &CandidatesState, tip: Oid) -> Result<()> {
    let here = &reader.home.trunk;
    let Some(trunk) = chain.trunk.as_ref().filter(|trunk| *trunk != here) else { return Ok(()) };
    let hands_over = |commit: Oid| -> Result<bool> {
        let text = text_at(&reader.repo, commit)?;
        Ok(text.is_some_and(|text| config::head(&text).is_ok_and(|head| head.trunk == *here)))
    };
    let copy = reader.branch_ref(trunk);
    let mut known = reader.repo.ref_target(&copy)?;
    if let Some(commit) = known
        && hands_over(commit)?
    {
        return Ok(());
    }
    if !reader.is_local() && !reader.offline {
        let branch = BranchRef::of(trunk);
        known = reader.authority().tips(&reader.repo, std::slice::from_ref(&branch))?[0];
        if known.is_some() {
            reader.authority().fetch(&reader.repo, &[format!("+{branch}:{copy}")])?;
        }
    }
    let handed_over = match known {
        Some(commit) => hands_over(commit)?,
        // It has another name now, if what it was cut from is on this one.
        None => match chain.newest().and_then(|release| release.trunk_commit) {
            Some(commit) => history::is_ancestor(&reader.repo, commit, tip)?,
            None => true,
        },
    };
    if handed_over {
        return Ok(());
    }
    Err(PolicyFault::OtherTrunk {
        trunk: trunk.clone(),
        here: here.clone(),
        file: reader.home.found.clone(),
        line: config::line_of(&reader.home.text, "trunk"),
        remote: reader.remote(),
    }
    .into())
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

#[cfg(test)]
#[path = "../../../tests/delivery/agreement.rs"]
mod tests;
