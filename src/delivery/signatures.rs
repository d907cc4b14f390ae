//! What the signatures under approvals are worth, by the allowed signers that
//! trunk lists.
//!
//! The signed thing is the commit of the chain that holds the approval: it says
//! who approves what where, and all that came before it in this environment.

use super::context::Context;
use super::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{Approved, EnvState, Event, What};
use crate::domain::name::{Actor, Oid};
use crate::domain::signature::{Signature, allowed_for};
use crate::failure::Result;
use crate::store::ledger::{self, View};
use crate::store::signature;

/// Trunk's allowed signers: the path of the file, and what it says, if trunk has it.
pub struct Signers {
    path: String,
    text: Option<String>,
}

impl Signers {
    /// As trunk lists them for an environment: where the policy says, else in
    /// `.allowed_signers`, else in the file that git is told of, as far as that
    /// is one of this repository's.
    ///
    /// # Errors
    /// git failed.
    pub fn read(ctx: &Context<'_>, snapshot: &Snapshot, environment: &Environment) -> Result<Signers> {
        let at = |path: &str| -> Result<Option<String>> {
            let bytes = ctx.repo.file_at(snapshot.trunk, path)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let path = environment.allowed_signers.as_deref().unwrap_or(Environment::ALLOWED_SIGNERS).to_owned();
        let text = at(&path)?;
        if text.is_none()
            && environment.allowed_signers.is_none()
            && let Some(told) = ctx.repo.config("gpg.ssh.allowedSignersFile")
            && let Some(path) = ctx.repo.inner_path(&told)
            && let Some(text) = at(&path)?
        {
            return Ok(Signers { path, text: Some(text) });
        }
        Ok(Signers { path, text })
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why a commit is not signed by `actor`; none where it is.
    ///
    /// # Errors
    /// git failed.
    pub fn fault(&self, ctx: &Context<'_>, commit: Oid, actor: &Actor) -> Result<Option<String>> {
        let Some(text) = &self.text else {
            return Ok(Some(format!("trunk has no {}", self.path)));
        };
        let Some(allowed) = allowed_for(text, &actor.email) else {
            return Ok(Some(format!("{} on trunk lists no key of {}", self.path, actor.email)));
        };
        signature::fault(&ctx.repo, commit, &allowed, &actor.email)
    }
}

/// What the signatures under the approvals of a candidate are worth. Nothing
/// where the policy asks for none: then no process is started.
///
/// # Errors
/// git failed.
pub fn of(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    environment: &Environment,
    view: &View<EnvState>,
    candidate: &Minted,
) -> Result<Vec<Signature>> {
    let asked = environment.approvals > 0 && environment.approvals_signed;
    if !asked || view.state.approvals.iter().all(|approved| approved.tag != candidate.tag) {
        return Ok(Vec::new());
    }
    by(ctx, &Signers::read(ctx, snapshot, environment)?, environment, view, candidate)
}

/// What the signatures under the approvals of a candidate are worth by
/// `signers`, whatever the policy asks.
///
/// # Errors
/// git failed.
pub fn by(
    ctx: &Context<'_>,
    signers: &Signers,
    environment: &Environment,
    view: &View<EnvState>,
    candidate: &Minted,
) -> Result<Vec<Signature>> {
    let mut wanted: Vec<&Approved> =
        view.state.approvals.iter().filter(|approved| approved.tag == candidate.tag).collect();
    let mut signatures = Vec::new();
    let mut events = ledger::events::<EnvState>(&ctx.repo, view.tip);
    // No further back than they are.
    while !wanted.is_empty()
        && let Some(event) = events.next()
    {
        let (commit, event) = event?;
        let Some(found) = wanted.iter().position(|approved| is_of(&event, approved, environment, candidate))
        else {
            continue;
        };
        let actor = wanted.swap_remove(found).actor.clone();
        let fault = signers.fault(ctx, commit, &actor)?;
        signatures.push(Signature { actor, fault });
    }
    Ok(signatures)
}

/// Whether an event is the approval that the state tells of, of that very commit
/// and for this environment.
fn is_of(event: &Event, approved: &Approved, environment: &Environment, candidate: &Minted) -> bool {
    let What::Approve { tag, commit, .. } = &event.what else { return false };
    let here = &event.id.environment;
    *tag == candidate.tag
        && *commit == candidate.commit
        && event.actor.is(&approved.actor)
        && event.at == approved.at
        && (*here == environment.name || environment.formerly.contains(here))
}
