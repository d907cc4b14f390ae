//! Putting back what can be, by appending alone: a ref that is gone is made
//! again, a chain that was set back moves forward, a store is given what it
//! lacks, and an event states once more what a chain comes to.

use crate::delivery::error::{Moved, Result};
use crate::delivery::fsck::FsckReport;
use crate::delivery::read::reader::Reader;
use crate::delivery::run::artifacts;
use crate::domain::artifact::Artifact;
use crate::domain::candidate::Candidate;
use crate::domain::fsck::Finding;
use crate::domain::ref_name::{ArtifactsRef, ChainRef};
use crate::failure::Failure;
use crate::store::artifacts::{Publication, Store, locate};
use crate::store::authority::{Expected, Published, RefUpdate};

/// Something that can be put right from this clone.
pub enum Repair {
    /// A ref is made, or moves forward.
    Ref(RefUpdate),
    /// A store is given the files that this clone's cache has.
    Store {
        /// Whose files.
        record: Box<Candidate>,
        /// All of them.
        files: Vec<Artifact>,
    },
    /// An event is appended that states once more what its chain comes to.
    Restate {
        /// The chain's ref.
        name: ChainRef,
        /// Makes the event's commit.
        make: Make,
    },
}

/// Makes what is to be published.
pub type Make = Box<dyn Fn(&Reader) -> Result<RefUpdate>>;

impl std::fmt::Debug for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words())
    }
}

impl Repair {
    /// What it does, or did.
    pub fn words(&self) -> String {
        match self {
            Repair::Ref(RefUpdate { name, expected, new }) => match expected {
                Expected::MustNotExist => format!("{name} made again, as {}", new.short()),
                Expected::MustBe(old) => format!("{name} moved forward, {} to {}", old.short(), new.short()),
            },
            Repair::Store { record, .. } => {
                format!("the files of {} put back from this clone's cache", record.tag)
            }
            Repair::Restate { name, .. } => format!("{name} states once more what its events come to"),
        }
    }
}

/// What became of the repairs.
#[derive(Debug, Default)]
pub struct Repaired {
    /// What was put right, each with what was done about it.
    pub done: Vec<(Finding, String)>,
    /// What is still wrong.
    pub left: Vec<Finding>,
}

/// Puts right what can be. A repair that fails is a finding that is left.
pub fn repair(reader: &Reader, report: FsckReport) -> Repaired {
    let outcomes = run(reader, &report.repairs);
    sorted(report, &outcomes)
}

/// What [`repair`] would put right, if every repair succeeded.
pub fn preview(report: FsckReport) -> Repaired {
    let outcomes: Vec<RepairResult> = report.repairs.iter().map(|_| Ok(())).collect();
    sorted(report, &outcomes)
}

fn sorted(report: FsckReport, outcomes: &[RepairResult]) -> Repaired {
    let FsckReport { found, repairs, .. } = report;
    let mut repaired = Repaired::default();
    for (mut finding, index) in found {
        match index.map(|index| (&repairs[index], &outcomes[index])) {
            Some((repair, Ok(()))) => repaired.done.push((finding, repair.words())),
            Some((_, Err(why))) => {
                finding.hints = vec![format!("it could not be put right: {why}")];
                repaired.left.push(finding);
            }
            None => repaired.left.push(finding),
        }
    }
    repaired
}

type RepairResult = std::result::Result<(), String>;

/// Runs them in order, refs first: what comes after builds on them.
fn run(reader: &Reader, repairs: &[Repair]) -> Vec<RepairResult> {
    let mut refs: Vec<RefUpdate> = repairs
        .iter()
        .filter_map(|repair| match repair {
            Repair::Ref(update) => Some(update.clone()),
            _ => None,
        })
        .collect();
    // Where they cannot move at once, a chain follows what it speaks of.
    refs.sort_by_key(|update| update.is_of_chain());
    // All at once, so that nobody sees a chain without its tags; one by one where one of them
    // is refused, so that it does not keep the others away.
    let together = refs.len() > 1 && publish(reader, &refs).is_ok();
    repairs
        .iter()
        .map(|repair| {
            let done = match repair {
                Repair::Ref(_) if together => Ok(()),
                Repair::Ref(update) => publish(reader, std::slice::from_ref(update)),
                Repair::Store { record, files } => give(reader, record, files),
                Repair::Restate { make, .. } => make(reader).and_then(|update| publish(reader, &[update])),
            };
            done.map_err(|error| Failure::from(error).message)
        })
        .collect()
}

fn publish(reader: &Reader, updates: &[RefUpdate]) -> Result<()> {
    match reader.authority().publish(&reader.repo, updates)? {
        Published::Done => Ok(()),
        Published::Moved(_) => Err(Moved::Meanwhile.into()),
    }
}

/// Gives a store the files of a candidate. In git the same files make the same
/// commit as when it was cut.
fn give(reader: &Reader, record: &Candidate, files: &[Artifact]) -> Result<()> {
    let cache = artifacts::cache(reader);
    let store = Store::open(locate(&record.store)?, &reader.repo, &cache);
    let publication =
        Publication { tag: &record.tag, by: &record.actor, at: record.created_at, max_size: u64::MAX };
    let Some(commit) = store.put(files, &publication)? else { return Ok(()) };
    let name = ArtifactsRef::of(reader.project(), &record.version);
    publish(reader, &[RefUpdate { name: name.into(), expected: Expected::MustNotExist, new: commit }])
}
