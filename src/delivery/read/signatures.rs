//! What the signatures under approvals are worth, by the allowed signers that
//! trunk lists.
//!
//! The signed thing is the commit of the chain that holds the approval. It
//! counts only where it is, to the byte, what `rel approve` makes: anything else
//! that a person ever signed, such as a commit picked or rebased in good faith,
//! is no approval, whatever its message says.

use std::cell::RefCell;

use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::artifact::sha256_of;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{EnvEvent, EnvEventKind, EnvState};
use crate::domain::name::{Actor, Oid, TagName};
use crate::domain::signature::{Signature, allowed_for, fingerprints};
use crate::store::derived_file;
use crate::store::ledger::{self, View};
use crate::store::signature::{self, Verified};

/// How many verdicts are kept beside the clone.
const MAX_VERDICTS: usize = 256;

/// How far the clock of who approves may be behind that of who cut.
const SLACK: TimeDelta = TimeDelta::hours(1);

/// Trunk's allowed signers, for one environment.
pub struct Signers<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    environment: &'a Environment,
    path: String,
    /// What the file says; none where trunk has none.
    text: Option<String>,
    /// Verdicts that never change: a commit, what it was verified by, and what came of it.
    kept: RefCell<Vec<(Oid, String, Verified)>>,
}

impl<'a> Signers<'a> {
    /// As trunk lists them: where the policy says, else in the first that there
    /// is of the usual places. Nothing outside of trunk is asked.
    ///
    /// # Errors
    /// git failed.
    pub fn read(
        reader: &'a Reader,
        snapshot: &'a Snapshot,
        environment: &'a Environment,
    ) -> Result<Signers<'a>> {
        let usual = Environment::ALLOWED_SIGNERS.map(str::to_owned);
        let places = environment.allowed_signers.as_ref().map_or(usual.to_vec(), |path| vec![path.clone()]);
        let mut found = (places[0].clone(), None);
        for path in places {
            if let Some(bytes) = reader.repo.file_at(snapshot.trunk, &path)? {
                found = (path, Some(String::from_utf8_lossy(&bytes).into_owned()));
                break;
            }
        }
        let kept = derived_file::load(&reader.env_file(&environment.name), FORMAT).unwrap_or_default();
        let (path, text) = found;
        Ok(Signers { reader, snapshot, environment, path, text, kept: RefCell::new(kept) })
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fingerprints of a person's keys.
    fn keys_of(&self, actor: &Actor) -> Vec<String> {
        let lines = self.text.as_ref().and_then(|text| allowed_for(text, &actor.email));
        lines.map(|lines| fingerprints(&lines)).unwrap_or_default()
    }

    /// Whether the commit of an approval of a candidate is signed by who gives
    /// it: by which key, or why not.
    ///
    /// # Errors
    /// git failed; the candidate's tag is not the one that was minted.
    pub fn verify(&self, commit: Oid, event: &EnvEvent, candidate: &Minted) -> Result<Verified> {
        let actor = &event.actor;
        let EnvEventKind::Approve { commit: approved, tag_object, .. } = &event.what else {
            return Ok(Err("it is no approval".to_owned()));
        };
        let here = &event.id.environment;
        if *here != self.environment.name && !self.environment.formerly.contains(here) {
            return Ok(Err(format!("it is for {here}")));
        }
        let Some(text) = &self.text else {
            return Ok(Err(format!("trunk has no {}", self.path)));
        };
        let Some(allowed) = allowed_for(text, &actor.email) else {
            return Ok(Err(format!("{} on trunk lists no key of {}", self.path, actor.email)));
        };
        let verified = self.verdict(commit, &allowed, actor)?;
        if verified.is_err() {
            return Ok(verified);
        }
        if !ledger::is_as_written::<EnvState>(&self.reader.repo, commit, event)? {
            return Ok(Err("what is signed was not made by rel approve".to_owned()));
        }
        if *approved != candidate.commit || *tag_object != Some(candidate.tag_object) {
            return Ok(Err("it is for other bytes of that name".to_owned()));
        }
        // A key that is out of date still signs for a time when it was not.
        let made = self.snapshot.record(self.reader, candidate)?.created_at;
        if event.at < made - SLACK {
            return Ok(Err(format!("it is dated {}, before the candidate was made", day(event.at))));
        }
        Ok(verified)
    }

    /// What git says, which is asked once.
    fn verdict(&self, commit: Oid, allowed: &str, actor: &Actor) -> Result<Verified> {
        let by = sha256_of(format!("{}\n{allowed}", actor.email).as_bytes()).hex();
        let known = self.kept.borrow().iter().find(|(one, with, _)| (*one, with) == (commit, &by)).cloned();
        if let Some((.., verified)) = known {
            return Ok(verified);
        }
        let verified = signature::verify(&self.reader.repo, commit, allowed, &actor.email)?;
        // Why one does not hold may be for this machine alone to mend.
        if verified.is_ok() {
            let mut kept = self.kept.borrow_mut();
            kept.push((commit, by, verified.clone()));
            let old = kept.len().saturating_sub(MAX_VERDICTS);
            kept.drain(..old);
            derived_file::store(&self.reader.env_file(&self.environment.name), FORMAT, &*kept);
        }
        Ok(verified)
    }

    /// What the newest approval of everybody who has given one is worth, from
    /// the events themselves: what a state lists may have been put there by
    /// anybody who can push.
    ///
    /// # Errors
    /// As [`Signers::verify`].
    pub fn approvals(&self, view: &View<EnvState>, candidate: &Minted) -> Result<Vec<(Actor, Verified)>> {
        let listed = view.state.approvals.iter().filter(|approved| approved.tag == candidate.tag);
        let mut wanted: Vec<&Actor> = Vec::new();
        for approved in listed {
            if !wanted.iter().any(|actor| actor.is(&approved.actor)) {
                wanted.push(&approved.actor);
            }
        }
        let mut found: Vec<(Actor, Verified)> = Vec::new();
        let mut events = ledger::events::<EnvState>(&self.reader.repo, view.tip);
        while !wanted.is_empty()
            && let Some(event) = events.next()
        {
            let (commit, event) = event?;
            if ends_approvals(&event, &candidate.tag) {
                break;
            }
            let (EnvEventKind::Approve { tag, .. } | EnvEventKind::Withdraw { tag, .. }) = &event.what else {
                continue;
            };
            let by = wanted.iter().position(|actor| *tag == candidate.tag && actor.is(&event.actor));
            let Some(by) = by else { continue };
            let verified = match event.what {
                EnvEventKind::Withdraw { .. } => Err("it was withdrawn".to_owned()),
                _ => self.verify(commit, &event, candidate)?,
            };
            // One that anybody may have put in their name does not end what they gave.
            let settled = verified.is_ok() || matches!(event.what, EnvEventKind::Withdraw { .. });
            match found.iter_mut().find(|(actor, _)| actor.is(&event.actor)) {
                Some(known) if settled => known.1 = verified,
                Some(_) => {}
                None => found.push((wanted[by].clone(), verified)),
            }
            if settled {
                wanted.swap_remove(by);
            }
        }
        Ok(found)
    }
}

/// What the kept verdicts are.
const FORMAT: &str = "signatures 1";

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// Whether an event ends what was approved of a candidate before it.
fn ends_approvals(event: &EnvEvent, tag: &TagName) -> bool {
    let undoes = match &event.what {
        EnvEventKind::Intent(intent) => intent.undoes.as_ref(),
        EnvEventKind::Offline(ran) => ran.intent.undoes.as_ref(),
        _ => None,
    };
    undoes == Some(tag)
}

/// What the signatures under the approvals of a candidate are worth where
/// `deployers` deploy it, or asked for it. Nothing where the policy asks for no
/// signatures: then no process is started.
///
/// A key speaks for one person, whatever addresses it is listed for, and for
/// nobody who deploys.
///
/// # Errors
/// git failed; the candidate's tag is not the one that was minted.
pub fn of(
    reader: &Reader,
    snapshot: &Snapshot,
    environment: &Environment,
    view: &View<EnvState>,
    candidate: &Minted,
    deployers: &[&Actor],
) -> Result<Vec<Signature>> {
    let asked = environment.approvals > 0 && environment.approvals_signed;
    if !asked || view.state.approvals.iter().all(|approved| approved.tag != candidate.tag) {
        return Ok(Vec::new());
    }
    let signers = Signers::read(reader, snapshot, environment)?;
    let people = reader.repo.mailmap_at(snapshot.trunk)?;
    let known = |actor: &Actor| people.canonical(actor.clone());
    let mut counted: Vec<(Actor, String)> = Vec::new();
    let mut signatures = Vec::new();
    for (actor, verified) in signers.approvals(view, candidate)? {
        let fault = match verified {
            Err(fault) => Some(fault),
            Ok(key) => {
                let deploys = deployers.iter().find(|deployer| {
                    known(deployer).is(&known(&actor)) || signers.keys_of(deployer).contains(&key)
                });
                let twice =
                    counted.iter().find(|(other, theirs)| *theirs == key || known(other).is(&known(&actor)));
                match (deploys, twice) {
                    (Some(deployer), _) => Some(format!("it is {}'s own, who deploys", deployer.name)),
                    (None, Some((other, _))) => {
                        Some(format!("it is by the same person as {}'s", other.email))
                    }
                    (None, None) => {
                        counted.push((actor.clone(), key));
                        None
                    }
                }
            }
        };
        signatures.push(Signature { actor, fault });
    }
    Ok(signatures)
}
