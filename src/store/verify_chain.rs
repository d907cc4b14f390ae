//! Reading a chain whole, from its root to its tip, and holding every commit
//! of it against what it should be.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::chain::{self, Body, Entry};
use super::error::Result;
use super::ledger::{State, VERSION, View, to_line};
use super::notes::{Edited, Projection};
use super::repo::Repo;
use crate::domain::name::Oid;
use crate::domain::ref_name::ChainRef;
use crate::domain::replay::{Deviation, Recorded, Replay, ReplayStep};

/// Something about one commit that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The commit.
    pub commit: Oid,
    /// What about it.
    pub what: What,
}

/// What may be wrong with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not here: the chain begins in the middle.
    Missing,
    /// It is not what its id says.
    Corrupt,
    /// It has several parents.
    Merge,
    /// It is meant to be a record and cannot be read as one.
    Damaged(String),
    /// It is a record of a version that is not known here.
    Newer(u64),
    /// Its event cannot follow those before it.
    Impossible(String),
    /// Its snapshot is not what the events come to.
    Differs(Vec<Deviation>),
    /// It is the tip, and its notes are not what the events come to.
    Notes(Edited),
}

/// A chain that was read whole.
#[derive(Debug, Clone)]
pub struct VerifiedChain<S> {
    /// How many events it has.
    pub events: usize,
    /// How many commits that are no records.
    pub foreign: usize,
    /// How many deviations a repair has settled.
    pub settled: usize,
    /// What is wrong, oldest first.
    pub faults: Vec<Fault>,
    /// The chain with the state its events come to.
    pub view: View<S>,
    /// Whether that state is certain: every event could follow those before it.
    pub certain: bool,
    /// Its notes, where an event may be appended that states both once more.
    pub notes: Option<Projection>,
}

/// Reads the chain that ends in `tip`. `each` is told of every event, oldest first.
///
/// # Errors
/// git failed. What is wrong with a commit is no failure.
pub fn verify_chain<S: State>(
    repo: &Repo,
    ref_name: &ChainRef,
    tip: Oid,
    mut each: impl FnMut(Oid, &S::Event),
) -> Result<VerifiedChain<S>> {
    let mut run = Run::<S> {
        repo,
        refold: Replay::default(),
        resumes: false,
        notes: Some(Projection::default()),
        events: 0,
        foreign: 0,
        settled: 0,
        newer: None,
        faults: Vec::new(),
    };
    let (commits, broken) = chain::list(repo, tip)?;
    if let Some(commit) = broken {
        run.fault(commit, if repo.has_object(commit) { What::Corrupt } else { What::Missing });
        run.lose();
    }
    for commit in commits.into_iter().rev() {
        run.take(chain::read(repo, commit)?, &mut each)?;
    }
    // Of a tip that cannot be read nothing else can be told either.
    if let Some(notes) = &run.notes
        && let Some(edited) = notes.compare(repo, repo.commit(tip)?.tree)?
    {
        run.fault(tip, What::Notes(edited));
    }
    let state = run.refold.state().clone();
    let view = View { ref_name: ref_name.clone(), held: Some(tip), tip: Some(tip), state, newer: run.newer };
    let certain = run.refold.is_certain();
    let restates = certain || run.refold.agrees();
    Ok(VerifiedChain {
        events: run.events,
        foreign: run.foreign,
        settled: run.settled,
        faults: run.faults,
        view,
        certain,
        notes: run.notes.filter(|_| restates),
    })
}

/// A record of this version, as it was written.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    state: &'a RawValue,
}

struct Run<'r, S> {
    repo: &'r Repo,
    refold: Replay<S>,
    /// Whether the next snapshot is taken as it is, since what led to it is not known.
    resumes: bool,
    notes: Option<Projection>,
    events: usize,
    foreign: usize,
    settled: usize,
    newer: Option<String>,
    faults: Vec<Fault>,
}

impl<S: State> Run<'_, S> {
    fn fault(&mut self, commit: Oid, what: What) {
        self.faults.push(Fault { commit, what });
    }

    /// Goes on after something that cannot be read: neither the state nor the
    /// notes can be told but by what comes next.
    fn lose(&mut self) {
        self.resumes = true;
        self.notes = None;
    }

    fn take(&mut self, entry: Entry, each: &mut impl FnMut(Oid, &S::Event)) -> Result<()> {
        let commit = entry.oid;
        if !self.repo.is_intact(commit) {
            self.fault(commit, What::Corrupt);
            self.lose();
            return Ok(());
        }
        if entry.is_merge() {
            self.fault(commit, What::Merge);
            self.lose();
            return Ok(());
        }
        match entry.body() {
            Body::Foreign => self.foreign += 1,
            Body::Broken(why) => {
                self.fault(commit, What::Damaged(why));
                self.lose();
            }
            Body::Record { v, .. } if v != VERSION => {
                self.fault(commit, What::Newer(v));
                self.newer = Some(format!("it has a record of version {v}; this rel writes {VERSION}"));
                self.lose();
            }
            Body::Record { line, .. } => self.record(commit, &line, each),
        }
        Ok(())
    }

    fn record(&mut self, commit: Oid, line: &str, each: &mut impl FnMut(Oid, &S::Event)) {
        self.events += 1;
        self.newer = None;
        let read = || -> std::result::Result<(Raw<'_>, S::Event), serde_json::Error> {
            let raw: Raw<'_> = serde_json::from_str(line)?;
            let event = serde_json::from_str(raw.event.get())?;
            Ok((raw, event))
        };
        let (raw, event) = match read() {
            Ok(read) => read,
            Err(error) => {
                self.fault(commit, What::Damaged(format!("its event is not understood: {error}")));
                self.lose();
                return;
            }
        };
        each(commit, &event);
        if let Some(notes) = &mut self.notes
            && let Some(noted) = self.refold.state().noted(&event)
        {
            notes.append(self.repo, noted, raw.event.get());
        }
        let snapshot = || serde_json::from_str::<S>(raw.state.get());
        if std::mem::take(&mut self.resumes) {
            match snapshot() {
                Ok(state) => self.refold.resume(state),
                Err(error) => self.fault(commit, unreadable(&error)),
            }
            return;
        }
        let mut broken = None;
        let step = self.refold.step(&event, |expected| {
            if to_line(expected) == raw.state.get() {
                return Recorded::AsExpected;
            }
            snapshot().map_or_else(
                |error| {
                    broken = Some(unreadable(&error));
                    Recorded::AsExpected
                },
                Recorded::State,
            )
        });
        if let Some(what) = broken {
            self.fault(commit, what);
        }
        match step {
            ReplayStep::Right => {}
            ReplayStep::Impossible(why) => self.fault(commit, What::Impossible(why)),
            ReplayStep::Differs(differences) => self.fault(commit, What::Differs(differences)),
            ReplayStep::Settles => {
                let before = self.faults.len();
                self.faults.retain(|fault| !matches!(fault.what, What::Differs(_)));
                self.settled += before - self.faults.len();
            }
        }
    }
}

fn unreadable(error: &serde_json::Error) -> What {
    What::Damaged(format!("its snapshot is not understood: {error}"))
}
