//! Chains: against what this clone has seen of them, and each against itself.

use std::collections::{BTreeMap, HashSet};

use super::{Examination, Repair, by_hand};
use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::rewritten::{self, Now};
use crate::delivery::sink::Notice;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState, Minted};
use crate::domain::env::{EnvEventKind, EnvState};
use crate::domain::fsck::{Finding, Sort};
use crate::domain::name::{DeploymentId, EnvName, Oid, TagName};
use crate::domain::ref_name::{ChainOf, ChainRef};
use crate::domain::version::Version;
use crate::store::authority::{Authority, Expected, RefUpdate};
use crate::store::chain;
use crate::store::ledger::{self, State};
use crate::store::verify_chain::{Fault, VerifiedChain, What, verify_chain};

/// What the chains vouch for.
#[derive(Debug, Default)]
pub struct ChainRecords {
    /// Every candidate, oldest first.
    pub minted: Vec<Minted>,
    /// Every release that was closed, in that order.
    pub closed: Vec<ClosedEvent>,
    /// Whether the candidates' chain could be read whole, so that what is not in it was never made.
    pub whole: bool,
}

/// A release that was closed, as its chain has it.
#[derive(Debug, Clone)]
pub struct ClosedEvent {
    pub release: Version,
    pub tag: TagName,
    pub candidate: TagName,
    pub commit: Oid,
    pub tag_object: Option<Oid>,
}

/// The first deployment of a candidate: where it is recorded, and as what.
type Deployed = BTreeMap<TagName, (ChainRef, Oid, String)>;

/// Chains whose last commit is here and cannot be read.
///
/// # Errors
/// git failed.
pub fn unreadable(reader: &Reader) -> Result<Vec<Finding>> {
    let chains = reader.repo.chains(reader.project())?;
    let tips: Vec<Oid> = chains.iter().map(|(_, tip)| *tip).collect();
    let broken = chain::unreadable(&reader.repo, &tips)?;
    let found = chains.into_iter().filter(|(_, tip)| broken.contains(tip));
    let told = found.map(|(name, tip)| {
        let message = format!("it ends in {tip}, which cannot be read here");
        let finding = Finding::new(Sort::Link, &name, message).at(tip);
        match reader.authority() {
            Authority::Remote(remote) => {
                let file = reader.repo.loose_file(tip);
                finding
                    .hint(format!("take the bad copy away: rm -f {}", file.display()))
                    .hint(format!("and have it from the remote: git fetch --refetch {remote} {name}"))
            }
            Authority::Local => finding.hint("git fsck; then bring it from wherever another copy is"),
        }
    });
    Ok(told.collect())
}

/// Checks every chain.
///
/// # Errors
/// git failed.
pub fn check(look: &mut Examination) -> Result<ChainRecords> {
    let reader = look.reader;
    let mut told = ChainRecords { whole: true, ..ChainRecords::default() };
    let mut deployed = Deployed::new();
    for (name, tip) in rewritten::seen(reader)? {
        compare(look, &name);
        match name.subject(reader.project()) {
            ChainOf::Candidates => candidates(look, &name, tip, &mut told)?,
            ChainOf::Environment(environment) => {
                self::environment(look, &name, tip, &environment, &mut deployed)?;
            }
            ChainOf::Foreign(_) => look.sink.notice(Notice::ForeignChain(name.as_str())),
        }
    }
    if told.whole {
        let made: HashSet<&TagName> = told.minted.iter().map(|minted| &minted.tag).collect();
        for (tag, (name, commit, id)) in deployed.iter().filter(|(tag, _)| !made.contains(tag)) {
            let message = format!("{id} deployed {tag}, which the candidates' chain does not have");
            let finding = Finding::new(Sort::Event, name, message).at(*commit);
            let chain = ChainRef::of_candidates(reader.project());
            look.tell(
                finding.hint(format!("its end may be lost: rel fsck, in a clone that has more of {chain}")),
            );
        }
    }
    Ok(told)
}

/// Tells whether the authority has this chain otherwise than it was seen.
fn compare(look: &mut Examination, name: &ChainRef) {
    let reader = look.reader;
    let Some(rewritten) = look.rewritten.iter().find(|one| one.name == *name).cloned() else { return };
    let finding =
        Finding::new(Sort::History, name, format!("it {}", rewritten.message(reader))).at(rewritten.seen);
    let seen = rewritten.seen;
    let forward = |expected| Repair::Ref(RefUpdate { name: name.clone().into(), expected, new: seen });
    match rewritten.now {
        Now::Gone => look.tell_with(finding, forward(Expected::MustNotExist)),
        Now::SetBack { to, .. } => look.tell_with(finding, forward(Expected::MustBe(to))),
        Now::Replaced { by } => {
            let (mine, theirs) = (seen.short(), by.short());
            look.tell(
                finding
                    .hint(format!("what only this clone has: git log {theirs}..{mine}"))
                    .hint(format!("what only the other has: git log {mine}..{theirs}"))
                    .hint(format!("keep this clone's: {}", by_hand(reader, name, by, &seen.to_string())))
                    .hint(format!("keep the other: git update-ref {name} {by} {seen}")),
            );
        }
    }
}

fn candidates(look: &mut Examination, name: &ChainRef, tip: Oid, told: &mut ChainRecords) -> Result<()> {
    let (minted, closed) = (&mut told.minted, &mut told.closed);
    let chain =
        verify_chain::<CandidatesState>(&look.reader.repo, name, tip, |_, event| match &event.what {
            CandidatesEventKind::Minted(one) => minted.push(one.clone()),
            CandidatesEventKind::Closed { release, tag, candidate, commit, tag_object } => {
                closed.push(ClosedEvent {
                    release: release.clone(),
                    tag: tag.clone(),
                    candidate: candidate.clone(),
                    commit: *commit,
                    tag_object: *tag_object,
                })
            }
            _ => {}
        })?;
    told.whole = chain.faults.iter().all(|fault| {
        matches!(fault.what, What::Differs(_) | What::Impossible(_) | What::Notes(_) | What::Corrupt)
    });
    tell(look, chain, |reader, _, reason| {
        Ok(reader.event("candidates".to_owned(), &reader.actor()?, CandidatesEventKind::Repaired { reason }))
    });
    Ok(())
}

fn environment(
    look: &mut Examination,
    name: &ChainRef,
    tip: Oid,
    environment: &EnvName,
    deployed: &mut Deployed,
) -> Result<()> {
    let policy = look.footing.as_ref().and_then(|footing| footing.policy.config.environment(environment));
    let mut names = vec![environment.clone()];
    names.extend(policy.into_iter().flat_map(|policy| policy.formerly.clone()));
    let mut elsewhere: Vec<(Oid, String)> = Vec::new();
    let chain = verify_chain::<EnvState>(&look.reader.repo, name, tip, |commit, event| {
        if !names.contains(&event.id.environment) {
            elsewhere.push((commit, event.id.to_string()));
        }
        if let Some(intent) = event.what.intent()
            && intent.deployment.version.is_some()
        {
            let what = || (name.clone(), commit, event.id.to_string());
            deployed.entry(intent.deployment.tag.clone()).or_insert_with(what);
        }
    })?;
    // Where the policy cannot be read, nobody knows what it was called before.
    if look.footing.is_some()
        && let [(commit, id), rest @ ..] = elsewhere.as_slice()
    {
        let more = if rest.is_empty() { String::new() } else { format!(", and {} more are", rest.len()) };
        let message = format!("{id} stands in the chain of {environment}{more}, and it never had that name");
        look.tell(Finding::new(Sort::Event, name, message).at(*commit).hint(format!(
            "if it was renamed, say so on trunk: formerly = [...] in [environments.{environment}]"
        )));
    }
    let environment = environment.clone();
    tell(look, chain, move |reader, state, reason| {
        Ok(reader.event(
            DeploymentId { environment: environment.clone(), seq: state.count + 1 },
            &reader.actor()?,
            EnvEventKind::Repaired { reason },
        ))
    });
    Ok(())
}

/// Tells what is wrong with a chain. `event` makes the event that states once
/// more what the chain comes to.
fn tell<S: State + 'static>(
    look: &mut Examination,
    chain: VerifiedChain<S>,
    event: impl Fn(&Reader, &S, String) -> Result<S::Event> + 'static,
) {
    let reader = look.reader;
    let checked = &mut look.report.checked;
    checked.chains += 1;
    checked.events += chain.events;
    checked.foreign += chain.foreign;
    checked.settled += chain.settled;
    let VerifiedChain { faults, view, certain, notes, .. } = chain;
    let name = view.ref_name.clone();
    let (mut wrong, mut edited) = (false, false);
    let mut restatable = Vec::new();
    for fault in &faults {
        let finding = told(reader, &name, &view, fault);
        match fault.what {
            What::Differs(_) if certain => wrong = true,
            What::Notes(_) => edited = true,
            _ => {
                look.tell(finding);
                continue;
            }
        }
        restatable.push(finding);
    }
    // A line that somebody put in its place has to be settled by people first.
    let replaced =
        look.rewritten.iter().any(|one| one.name == name && matches!(one.now, Now::Replaced { .. }));
    let restate = notes.filter(|_| !restatable.is_empty() && !replaced);
    let Some(notes) = restate else {
        for finding in restatable {
            look.tell(finding.hint("nothing can be appended before the rest of this chain is put right"));
        }
        return;
    };
    let reason = match (wrong, edited) {
        (true, true) => "a snapshot was wrong, and the notes were edited",
        (true, false) => "a snapshot was wrong",
        _ => "the notes were edited",
    };
    let index = look.report.repairs.len();
    for finding in restatable {
        look.tell_under(finding, index);
    }
    look.report.repairs.push(Repair::Restate {
        name,
        make: Box::new(move |reader| {
            let event = event(reader, &view.state, reason.to_owned())?;
            Ok(view.restate(&reader.repo, &event, &notes)?)
        }),
    });
}

/// A fault for people.
fn told<S>(reader: &Reader, name: &ChainRef, view: &ledger::View<S>, fault: &Fault) -> Finding {
    let Fault { commit, what } = fault;
    let short = commit.short();
    // What cannot be read is not tried: libgit2 may never come back from it.
    let subject = match what {
        What::Missing | What::Corrupt => None,
        _ => reader.repo.commit(*commit).ok(),
    };
    let subject = subject.map(|commit| format!(" ({})", commit.subject)).unwrap_or_default();
    let found = |kind, message: String| Finding::new(kind, name, message).at(*commit);
    let by_hand = |finding: Finding| {
        if view.tip == Some(*commit) {
            let back = by_hand(reader, name, *commit, &format!("{commit}^"));
            finding.hint(format!("look at it: git show {short}")).hint(format!("take it away: {back}"))
        } else {
            finding.hint(format!("look at it: git show {short}"))
        }
    };
    match what {
        What::Missing => found(Sort::Link, format!("the chain breaks off: {commit} is missing")).hint(
            "a clone that has it can give it back: git push, of this ref, to a new name; then git fetch",
        ),
        What::Corrupt => found(Sort::Link, format!("{commit} is not what its id says: the disk changed it"))
            .hint("git fsck, and a fresh clone, where another copy of it exists"),
        What::Merge => {
            by_hand(found(Sort::Link, format!("{short}{subject} is a merge, and a chain is a line")))
        }
        What::Damaged(why) => by_hand(found(Sort::Record, format!("{short}{subject} cannot be read: {why}"))),
        What::Newer(v) => {
            let message = format!("{short}{subject} is a record of version {v}, which this rel cannot check");
            found(Sort::Version, message).hint("update rel on this machine")
        }
        What::Impossible(why) => {
            by_hand(found(Sort::Event, format!("{short}{subject} cannot follow: {why}")))
        }
        What::Differs(differences) => {
            let differences: Vec<String> = differences
                .iter()
                .map(|one| format!("{} is {}, and should be {}", one.member, one.found, one.expected))
                .collect();
            let message = format!(
                "the snapshot of {short}{subject} is not what its events come to: {}",
                differences.join("; ")
            );
            found(Sort::Snapshot, message).hint(format!("look at it: git show {short}"))
        }
        What::Notes(edited) => {
            let message = match edited.commits.as_slice() {
                [] => "its notes are laid out otherwise than rel does".to_owned(),
                [one] => format!("its note on {} is not what its events come to", one.short()),
                [one, rest @ ..] => format!(
                    "its notes on {} and {} more are not what its events come to",
                    one.short(),
                    rest.len()
                ),
            };
            found(Sort::Notes, message).hint("the messages of its commits hold the truth: git log on it")
        }
    }
}
