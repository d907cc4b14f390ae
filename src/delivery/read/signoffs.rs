//! What authors said of their own commits, from the candidates' chain.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::delivery::error::Result;
use crate::delivery::read::candidate_tags::carried;
use crate::delivery::read::range::{between, changes};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidate::Pick;
use crate::domain::candidates::{CandidatesEvent, CandidatesEventKind, CandidatesState, Minted};
use crate::domain::changes::Change;
use crate::domain::config::Environment;
use crate::domain::env::EnvState;
use crate::domain::mailmap::Mailmap;
use crate::domain::name::{Actor, Oid, TagName};
use crate::domain::signoff::{Awaited, Signoffs};
use crate::store::ledger::View;
use crate::store::{derived_file, history, patch};
use crate::ui::text::clean;

/// What the candidates' chain is read for: who said that a commit is fine, or
/// took it back.
#[derive(Serialize, Deserialize)]
enum SignoffEntry {
    Fine(Oid, Actor),
    Withdrawn(Oid, Actor),
}

/// Who stands by which commits, whoever is who by trunk's `.mailmap`: what
/// lies in somebody's working tree makes nobody another.
pub struct SignoffLedger {
    by: HashMap<Oid, Vec<Actor>>,
    who: Mailmap,
}

impl SignoffLedger {
    /// Up to the tip of the candidates' chain in `view`.
    ///
    /// # Errors
    /// git failed.
    pub fn read(reader: &Reader, snapshot: &Snapshot, view: &View<CandidatesState>) -> Result<SignoffLedger> {
        let who = reader.repo.mailmap_at(snapshot.trunk)?;
        let file = reader.derived_file("candidates");
        let kept = derived_file::read::<CandidatesState, SignoffEntry>(
            &reader.repo,
            view.tip,
            &file,
            "signoffs 1",
            keep,
        )?;
        let mut by: HashMap<Oid, Vec<Actor>> = HashMap::new();
        for one in kept {
            match one {
                // By what trunk says now: an address that it has given up since is still theirs.
                SignoffEntry::Fine(commit, actor) => by.entry(commit).or_default().push(who.canonical(actor)),
                SignoffEntry::Withdrawn(commit, actor) => {
                    let actor = who.canonical(actor);
                    by.entry(commit).or_default().retain(|other| !other.is(&actor));
                }
            }
        }
        Ok(SignoffLedger { by, who })
    }

    /// Whether `actor` stands by a commit.
    pub fn by(&self, actor: &Actor, commit: Oid) -> bool {
        let actor = self.who.canonical(actor.clone());
        self.by.get(&commit).is_some_and(|actors| actors.iter().any(|one| one.is(&actor)))
    }
}

fn keep(event: CandidatesEvent) -> Option<SignoffEntry> {
    match event.what {
        CandidatesEventKind::SignedOff { commit, .. } => Some(SignoffEntry::Fine(commit, event.actor)),
        CandidatesEventKind::SignoffWithdrawn { commit } => {
            Some(SignoffEntry::Withdrawn(commit, event.actor))
        }
        _ => None,
    }
}

/// The commits of a range whose authors are asked: the project's, and no
/// merges, whatever one may change beyond what it merges. Oldest first.
///
/// # Errors
/// git failed.
pub fn asked(reader: &Reader, snapshot: &Snapshot, exclude: Oid, include: Oid) -> Result<Vec<Change>> {
    let mailmap = reader.repo.mailmap_at(snapshot.trunk)?;
    let mut asked = Vec::new();
    for change in between(reader, snapshot, exclude, include)?.iter().rev() {
        if !history::is_merge(&reader.repo, change.commit)? {
            asked.push(known(&mailmap, change.clone()));
        }
    }
    Ok(asked)
}

/// A commit as people read it, by the one address that its author is known by.
///
/// # Errors
/// git failed.
pub fn written(reader: &Reader, snapshot: &Snapshot, commit: Oid) -> Result<Change> {
    Ok(known(&reader.repo.mailmap_at(snapshot.trunk)?, changes(reader, &[commit])?.swap_remove(0)))
}

/// Who is at work, by the one address that they are known by as an author.
///
/// # Errors
/// git does not know, or failed.
pub fn signer(reader: &Reader, snapshot: &Snapshot) -> Result<Actor> {
    Ok(reader.repo.mailmap_at(snapshot.trunk)?.canonical(reader.repo.committer()?))
}

fn known(mailmap: &Mailmap, change: Change) -> Change {
    Change { author: mailmap.canonical(change.author.clone()), ..change }
}

/// Whether the author of a pick stands by what it was picked from, and it is
/// that. Anybody can write into a message what a commit was picked from, so
/// that only what a candidate's tag records counts; and whoever resolves a
/// conflict may have written anything.
fn stands_by_source(
    reader: &Reader,
    said: &SignoffLedger,
    picks: &[(Pick, TagName)],
    change: &Change,
) -> Result<bool> {
    let recorded = picks.iter().map(|(pick, _)| pick).filter(|pick| pick.commit == change.commit);
    for source in recorded.map(|pick| pick.source).filter(|source| said.by(&change.author, *source)) {
        if history::has(&reader.repo, source)? && patch::same_change(&reader.repo, source, change.commit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What would be put somewhere.
pub struct Brought<'a> {
    pub commit: Oid,
    pub label: String,
    /// The release that the commit belongs to; `None` for a baseline.
    pub release: Option<String>,
    pub candidate: Option<&'a Minted>,
    /// Whether it is judged as if it were to be built yet.
    pub is_unbuilt: bool,
}

impl<'a> Brought<'a> {
    /// A candidate, with its picks.
    pub fn candidate(minted: &'a Minted) -> Brought<'a> {
        Brought {
            commit: minted.commit,
            label: minted.tag.to_string(),
            release: Some(minted.version.release.to_string()),
            candidate: Some(minted),
            is_unbuilt: false,
        }
    }

    /// A commit, called by what `rel approve --commit` knows it as.
    pub fn commit(commit: Oid, label: &str, release: Option<String>) -> Brought<'a> {
        Brought { commit, label: label.to_owned(), release, candidate: None, is_unbuilt: true }
    }
}

/// What the authors said of what is brought to an environment. None where the
/// policy does not ask them.
///
/// # Errors
/// git failed; the tag of a candidate is not the one that was minted.
pub fn of(
    reader: &Reader,
    snapshot: &Snapshot,
    environment: &Environment,
    state: &EnvState,
    brought: Brought<'_>,
) -> Result<Option<Signoffs>> {
    if environment.signoff.is_none() {
        return Ok(None);
    }
    let Some(live) = state.current() else { return Ok(Some(Signoffs::default())) };
    if let Some(fault) = fault(reader, live.commit, &brought)? {
        return Ok(Some(Signoffs::unknown(fault)));
    }
    let asked = asked(reader, snapshot, live.commit, brought.commit)?;
    let range = format!("{}..{}", environment.name, brought.label);
    let mut awaited = Vec::new();
    if !asked.is_empty() {
        let said = SignoffLedger::read(reader, snapshot, &snapshot.candidates)?;
        let picks = match brought.candidate {
            Some(candidate) => carried(reader, snapshot, candidate)?,
            None => Vec::new(),
        };
        for change in &asked {
            if !said.by(&change.author, change.commit) && !stands_by_source(reader, &said, &picks, change)? {
                awaited.push(Awaited {
                    commit: change.commit,
                    subject: clean(&change.subject),
                    author: change.author.clone(),
                });
            }
        }
    }
    Ok(Some(Signoffs { asked: Some(asked.len()), awaited, range, fault: None }))
}

/// Why what is brought cannot be told from what is live in this clone: of what
/// is not here nobody knows the authors.
fn fault(reader: &Reader, live: Oid, brought: &Brought<'_>) -> Result<Option<String>> {
    if live == brought.commit {
        return Ok(None);
    }
    let ends = [(live, format!("what is live, {},", live.short())), (brought.commit, brought.label.clone())];
    for (commit, what) in ends {
        if history::has(&reader.repo, commit)? && reader.has_history(commit)? {
            continue;
        }
        return Ok(Some(if reader.repo.is_shallow() {
            "this clone is shallow, so that not all authors are known: git fetch --unshallow".to_owned()
        } else {
            format!("{what} is not in this clone: git fetch")
        }));
    }
    Ok(None)
}
