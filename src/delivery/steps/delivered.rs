//! From a request to a receipt, for what deploys and what rolls back.

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::delivery::error::Result;
use crate::delivery::read::candidate_tags::carried;
use crate::delivery::read::range::between;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::ready::Ready;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::{artifacts, claim, deployment, hooks, output};
use crate::delivery::sink::Sink;
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::config::Phase;
use crate::domain::env::{Deployment, Live};
use crate::domain::name::{DeploymentId, Oid, ProjectName};
use crate::domain::plan::Plan;
use crate::store::{history, ledger};

/// What a request to deploy or roll back came to.
#[derive(Debug)]
pub enum Delivered {
    /// There was nothing to do, and why.
    Nothing(String),
    /// A dry run: nothing was claimed.
    Planned(Box<PlanReport>),
    /// It ran.
    Ran(Box<Receipt>),
}

/// A plan as whoever decides about it is shown it.
#[derive(Debug)]
pub struct PlanReport {
    /// The project.
    pub project: ProjectName,
    /// The plan.
    pub plan: Plan,
    /// The deployment as it would be claimed.
    pub deployment: Deployment,
    /// Commits in the candidate that what is live lacks, newest first.
    pub brings: Rc<[Change]>,
    /// Commits in what is live that the candidate lacks, newest first.
    pub leaves: Vec<Change>,
    /// Fixes live now that the candidate has in another form, with that form.
    pub contained: Vec<(Oid, Oid)>,
    /// Whose commands run.
    pub commands: String,
    /// The parameters that the commands are given, but for secrets.
    pub params: BTreeMap<String, String>,
    /// The deployment that some of those are taken from, and their names.
    pub recorded_params: Option<(DeploymentId, Vec<String>)>,
    /// The names of the secret parameters.
    pub secret_params: Vec<String>,
    /// The phases they run in; empty where it is all at once.
    pub phases: Vec<Phase>,
    /// Whether what is live could be brought back from this machine; `None`
    /// where its bytes would have to be fetched.
    pub undo_is_here: Option<bool>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Claims and runs a plan, or runs it without a claim where it stands on no
/// more than what this clone knows. `None` where things moved before the claim.
pub fn run(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &Snapshot,
    ground: Option<&offline::OfflineBasis>,
    ready: &Ready,
) -> Result<Option<Receipt>> {
    match ground {
        Some(ground) => Ok(Some(offline::run(reader, hands, sink, snapshot, ground, ready)?)),
        None => deployment::run(reader, hands, sink, snapshot, ready),
    }
}

/// Tells hooks of what ran, and publishes what it printed.
pub fn conclude(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    receipt: Receipt,
) -> Delivered {
    absorb(reader, snapshot, &receipt);
    hooks::after(reader, hands, sink, snapshot, &receipt);
    output::publish(reader, sink, &snapshot.policy, &receipt);
    Delivered::Ran(Box::new(receipt))
}

/// The chains in the snapshot after what ran.
fn absorb(reader: &Reader, snapshot: &mut Snapshot, receipt: &Receipt) {
    // A release's own tag has an entry among the candidates. Where that cannot be read here, the
    // next claim finds out.
    if receipt.released.is_some()
        && let Ok(view) = ledger::read(&reader.repo, &snapshot.candidates.ref_name, &[])
    {
        snapshot.candidates = view;
    }
    if let Some(view) = snapshot.environments.get_mut(&receipt.deployment.environment) {
        view.state = receipt.state.clone();
    }
}

/// What lies between what is live and a candidate.
#[derive(Default)]
struct PlanDifference {
    /// Commits of the candidate that what is live lacks.
    brings: Rc<[Change]>,
    /// Commits of what is live that the candidate lacks, in whatever form.
    leaves: Vec<Change>,
    /// Fixes picked onto what is live that the candidate has in another form,
    /// each with that form.
    contained: Vec<(Oid, Oid)>,
}

fn difference(
    reader: &Reader,
    snapshot: &Snapshot,
    live: Option<&Live>,
    to: &Minted,
) -> Result<PlanDifference> {
    let Some(live) = live else { return Ok(PlanDifference::default()) };
    let brings = between(reader, snapshot, live.commit, to.commit)?;
    let left = between(reader, snapshot, to.commit, live.commit)?;
    let mut difference = PlanDifference { brings, ..PlanDifference::default() };
    if left.is_empty() {
        return Ok(difference);
    }
    // A damaged tag is for the checks to refuse; the words go by what the commits say then.
    let picks = |minted: Option<&Minted>| {
        minted.and_then(|minted| carried(reader, snapshot, minted).ok()).unwrap_or_default()
    };
    let (ours, theirs) = (picks(snapshot.minted(&live.tag)), picks(Some(to)));
    for change in left.iter() {
        // A pick of a pick names every form it had.
        let recorded =
            ours.iter().filter(|(pick, _)| pick.commit == change.commit).map(|(pick, _)| pick.source);
        let mut form = None;
        for source in recorded.chain(change.picked_from.iter().copied()) {
            if let Some((pick, _)) = theirs.iter().find(|(pick, _)| pick.source == source) {
                form = Some(pick.commit);
            } else if reader.repo.has_object(source) && history::is_ancestor(&reader.repo, source, to.commit)?
            {
                form = Some(source);
            }
            if form.is_some() {
                break;
            }
        }
        match form {
            Some(form) => difference.contained.push((change.commit, form)),
            None => difference.leaves.push(change.clone()),
        }
    }
    Ok(difference)
}

/// What is shown of a plan that is ready to be claimed.
///
/// # Errors
/// git failed.
pub fn report(reader: &Reader, sink: &dyn Sink, snapshot: &Snapshot, ready: &Ready) -> Result<PlanReport> {
    let Ready { plan, prepared, .. } = ready;
    let PlanDifference { brings, leaves, contained } =
        difference(reader, snapshot, plan.from(), plan.candidate())?;
    let state = &snapshot.chain(plan.environment())?.state;
    let undo_is_here = state
        .current()
        .and_then(|live| snapshot.minted(&live.tag))
        .and_then(|minted| snapshot.record(reader, minted).ok())
        .and_then(|record| artifacts::undo_is_here(reader, &record));
    let seq = if reader.is_offline() { 0 } else { state.count + 1 };
    let intent = claim::intent(reader, sink, ready, snapshot.policy.commit, seq);
    Ok(PlanReport {
        project: reader.project().clone(),
        plan: (**plan).clone(),
        deployment: intent.deployment,
        brings,
        leaves,
        contained,
        commands: prepared.whose.clone(),
        params: prepared.params.open.clone(),
        recorded_params: prepared.params.recorded().cloned(),
        secret_params: prepared.params.hidden().map(str::to_owned).collect(),
        phases: prepared.commands.phases.clone(),
        undo_is_here,
        now: reader.world.now(),
    })
}
