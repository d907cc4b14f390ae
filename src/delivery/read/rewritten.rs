//! History that was rewritten under us: chains of the authority that do not
//! continue what this clone has seen of them.
//!
//! Whoever fetches refuses, and this clone's copies stay at the last they have
//! seen: nothing else may be left of what was thrown away.

use std::fmt;

use crate::delivery::error::{Error, Result};
use crate::delivery::read::reader::Reader;
use crate::domain::name::Oid;
use crate::domain::ref_name::ChainRef;
use crate::store::authority::Authority;
use crate::store::{chain, history};

/// A chain that the authority has otherwise than this clone has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrittenChain {
    /// Its ref.
    pub name: ChainRef,
    /// The last commit of it that this clone has seen.
    pub seen: Oid,
    /// What the authority has.
    pub now: Now,
}

/// What the authority has instead of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// No such ref.
    Gone,
    /// An earlier commit of the same chain.
    SetBack {
        /// Which.
        to: Oid,
        /// How many commits were thrown away.
        by: usize,
    },
    /// Another line of commits.
    Replaced {
        /// Its last one.
        by: Oid,
    },
}

/// The chains that this clone has seen, and how far. A ref without a single
/// record, such as somebody's own notes, is none.
///
/// # Errors
/// git failed.
pub fn seen(reader: &Reader) -> Result<Vec<(ChainRef, Oid)>> {
    let mut chains = reader.repo.chains(reader.project())?;
    // One that cannot be read was a chain all the same.
    chains.retain(|(_, tip)| !matches!(chain::newest_record(&reader.repo, *tip), Ok(None)));
    Ok(chains)
}

/// Compares the chains of the authority with what this clone has seen. Brings
/// their objects here, and moves no ref.
///
/// # Errors
/// The authority cannot be reached, or git failed.
pub fn find(reader: &Reader) -> Result<Vec<RewrittenChain>> {
    let (repo, authority) = (&reader.repo, reader.authority());
    let seen = seen(reader)?;
    if authority == Authority::Local || seen.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    let tips = authority.tips(repo, &names)?;
    let unknown: Vec<&str> = names
        .iter()
        .zip(&tips)
        .filter(|(_, tip)| tip.is_some_and(|tip| !repo.has_object(tip)))
        .map(|(name, _)| *name)
        .collect();
    authority.fetch_objects(repo, &unknown)?;
    let mut found = Vec::new();
    for ((name, seen), tip) in seen.into_iter().zip(tips) {
        let now = match tip {
            None => Now::Gone,
            Some(tip) if tip == seen || continues(reader, tip, seen) => continue,
            Some(tip) if continues(reader, seen, tip) => {
                Now::SetBack { to: tip, by: history::count_between(repo, &[tip], seen)? }
            }
            Some(tip) => Now::Replaced { by: tip },
        };
        found.push(RewrittenChain { name, seen, now });
    }
    Ok(found)
}

/// Whether a chain that ends in `tip` has `earlier` in it; what is not here is no proof that it has.
fn continues(reader: &Reader, tip: Oid, earlier: Oid) -> bool {
    history::is_ancestor(&reader.repo, earlier, tip).unwrap_or(false)
}

impl RewrittenChain {
    /// What happened to it, in words that follow its name.
    pub fn message(&self, reader: &Reader) -> String {
        let RewrittenChain { seen, now, .. } = self;
        let seen = ChainCommit(reader, *seen);
        match now {
            Now::Gone => format!("is gone; this clone has seen it up to {seen}"),
            Now::SetBack { to, by } => {
                let events = if *by == 1 { "1 event".to_owned() } else { format!("{by} events") };
                format!("was set back by {events}, from {seen} to {}", ChainCommit(reader, *to))
            }
            Now::Replaced { by } => {
                format!(
                    "was replaced: it ends in {}, which does not continue {seen}",
                    ChainCommit(reader, *by)
                )
            }
        }
    }
}

/// A commit of a chain, for people.
struct ChainCommit<'a>(&'a Reader<'a>, Oid);

impl fmt::Display for ChainCommit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1.short())?;
        match self.0.repo.commit(self.1) {
            Ok(commit) => write!(f, " ({})", commit.subject),
            Err(_) => Ok(()),
        }
    }
}

/// The failure of whoever wanted to go on from there.
pub fn refusal(reader: &Reader, found: &[RewrittenChain]) -> Error {
    let chains = found.iter().map(|one| (one.name.to_string(), one.message(reader))).collect();
    Error::Rewritten { authority: reader.authority().to_string(), chains }
}
