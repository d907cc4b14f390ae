//! Checking that everything is what was recorded: chains against themselves
//! and against what this clone has seen, tags against their chain, artifacts
//! against their tag.
//!
//! | file | what it does |
//! |---|---|
//! | `chains` | refolds every chain |
//! | `tags` | candidates' and releases' tags |
//! | `files` | what the stores hold |
//! | `repair` | puts back what can be, by appending alone |
//!
//! Everything that is found is told. Looking changes nothing at the authority;
//! here it brings copies up to date, as every verb does.

mod chains;
mod files;
mod repair;
mod tags;

use crate::delivery::sink::Sink;
use std::collections::BTreeMap;
use std::fmt::Display;

use crate::delivery::error::{OfflineWay, Result};
use crate::delivery::read::agreement;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::rewritten::{self, RewrittenChain};
use crate::delivery::read::snapshot::{self, TrunkAndPolicy};
use crate::domain::candidates::CandidatesState;
use crate::domain::fsck::{Checked, Finding};
use crate::domain::name::Oid;
use crate::domain::ref_name::{ArtifactsRef, ChainRef, RefName, TagRef};
use crate::store::authority::{Authority, Expected, RefUpdate};
use crate::store::ledger;

pub use repair::{Repair, preview, repair};

/// All that was found.
#[derive(Debug, Default)]
pub struct FsckReport {
    /// How much was checked.
    pub checked: Checked,
    /// What is wrong, each with the repair that would put it right.
    pub found: Vec<(Finding, Option<usize>)>,
    /// What can be done from this clone, in the order to do it.
    pub repairs: Vec<Repair>,
}

/// Checks everything; `quick` reads no artifact's bytes.
///
/// # Errors
/// The authority cannot be reached, or git failed. What is wrong is in the
/// report.
pub fn examine(reader: &Reader, sink: &dyn Sink, quick: bool) -> Result<FsckReport> {
    let unreadable = chains::unreadable(reader)?;
    if !unreadable.is_empty() {
        // Nothing else can be read before these are out of the way.
        let found = unreadable.into_iter().map(|finding| (finding, None)).collect();
        return Ok(FsckReport { found, ..FsckReport::default() });
    }
    let mut look = Examination::take(reader, sink, quick)?;
    let told = chains::check(&mut look)?;
    let records = tags::check(&mut look, &told)?;
    files::check(&mut look, &records)?;
    Ok(look.report)
}

/// What everything is checked against, and what came of it.
struct Examination<'a> {
    reader: &'a Reader<'a>,
    sink: &'a dyn Sink,
    quick: bool,
    /// Whether the authority is asked: it is another repository, and may be.
    asks: bool,
    /// The policy, for the names that environments had; a check works without.
    footing: Option<TrunkAndPolicy>,
    /// Chains that the authority has otherwise than this clone has seen them.
    rewritten: Vec<RewrittenChain>,
    /// The authority's tags, as it has them now.
    tags: BTreeMap<TagRef, Oid>,
    /// The refs that keep artifacts in git.
    artifacts: BTreeMap<ArtifactsRef, Oid>,
    report: FsckReport,
}

impl<'a> Examination<'a> {
    fn take(reader: &'a Reader<'a>, sink: &'a dyn Sink, quick: bool) -> Result<Examination<'a>> {
        let asks = !reader.offline && !reader.is_local();
        let mut rewritten = Vec::new();
        if asks {
            match snapshot::refresh(reader, sink) {
                Err(error) if error.is_rewritten() => rewritten = rewritten::find(reader)?,
                Err(error) if error.is_unreachable() => return Err(error.offline(OfflineWay::Check)),
                done => done?,
            }
        }
        let artifacts_folder = ArtifactsRef::folder(reader.project());
        // The tags as the authority has them now: what is gone there stays in this clone's copy.
        let (mut tags, mut artifacts) = (BTreeMap::new(), BTreeMap::new());
        if asks {
            let held = reader.authority().list_under(&reader.repo, &[TagRef::FOLDER, &artifacts_folder])?;
            for (name, oid) in held {
                match RefName::parse(&name) {
                    Some(RefName::Tag(tag)) => drop(tags.insert(tag, oid)),
                    Some(RefName::Artifacts(name)) => drop(artifacts.insert(name, oid)),
                    _ => {}
                }
            }
        } else {
            tags.extend(reader.tags()?);
            artifacts.extend(reader.repo.artifacts(reader.project())?);
        }
        let footing = match TrunkAndPolicy::read(reader) {
            Err(error) if error.is_of_another_history() => return Err(error),
            read => read.ok(),
        };
        if let Some(footing) = &footing {
            let chain = ChainRef::of_candidates(reader.project());
            // One that cannot be read is told of later.
            if let Ok(candidates) = ledger::read::<CandidatesState>(&reader.repo, &chain, &[]) {
                agreement::on_trunk(reader, &candidates.state, footing.trunk)?;
            }
        }
        Ok(Examination {
            reader,
            sink,
            quick,
            asks,
            footing,
            rewritten,
            tags,
            artifacts,
            report: FsckReport::default(),
        })
    }

    /// Notes a finding.
    fn tell(&mut self, finding: Finding) {
        self.report.found.push((finding, None));
    }

    /// Notes a finding, and what would put it right.
    fn tell_with(&mut self, finding: Finding, repair: Repair) {
        let index = self.report.repairs.len();
        self.report.repairs.push(repair);
        self.tell_under(finding, index);
    }

    /// Notes a finding that a repair puts right which another one has told of.
    fn tell_under(&mut self, mut finding: Finding, repair: usize) {
        finding.repairable = true;
        finding.hints.insert(0, "put it back: rel fsck --repair".to_owned());
        self.report.found.push((finding, Some(repair)));
    }

    /// Notes that a ref of the authority is gone. It is put back where this
    /// clone has what it held.
    fn tell_gone(&mut self, finding: Finding, name: impl Into<RefName>, held: Option<Oid>) {
        match held {
            Some(oid) => {
                let update = RefUpdate { name: name.into(), expected: Expected::MustNotExist, new: oid };
                self.tell_with(finding, Repair::Ref(update));
            }
            None => {
                self.tell(finding.hint("this clone does not have it: rel fsck --repair, in one that may"))
            }
        }
    }
}

/// The command with which a person puts a ref back that `rel` never would,
/// because something else would be thrown away.
fn by_hand(reader: &Reader, name: &impl Display, from: Oid, to: &str) -> String {
    match reader.authority() {
        Authority::Local => format!("git update-ref {name} {to} {from}"),
        Authority::Remote(remote) => {
            format!("git push {remote} {to}:{name} --force-with-lease={name}:{from}")
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/delivery/fsck.rs"]
mod tests;
