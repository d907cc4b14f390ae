//! `rel ship`: cut and deploy as one step, leaving the same records.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::candidate::build::{BuildResult, build_candidate};
use crate::delivery::candidate::cut::{CutRequest, intend};
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signoffs::Brought;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::delivery::steps::delivered::PlanReport;
use crate::delivery::steps::deploy::{self, DeployRequest};
use crate::domain::draft::Intended;
use crate::domain::env::Trigger;
use crate::domain::gate::verdict::{Attempt, Refusal, Verdict};
use crate::domain::gate::{Gate, rules};
use crate::domain::name::EnvName;
use crate::domain::report::Document;
use crate::domain::report::ship::ShipReport;
use crate::failure::{Failure, Result};
use crate::ui::front::Ui;

/// Runs the verb.
///
/// # Errors
/// What [`crate::commands::cut`] and [`crate::commands::deploy`] may fail
/// with; where a deployment does, the candidate stands beside the error.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Ship) -> Result<Document> {
    dry_run::begin(ui, reader)?;
    let mut snapshot = Snapshot::take(reader, ui.screen)?;
    snapshot.environment(&args.environment)?;
    let path: Vec<EnvName> =
        snapshot.policy.config.path_to(&args.environment).into_iter().map(|e| e.name.clone()).collect();
    let request = CutRequest { rev: args.rev.clone(), ..CutRequest::default() };
    let intended = intend(reader, ui.screen, &snapshot, &request)?;
    delivering::tell_head(ui, reader, &intended, request.rev.is_some())?;
    closed_doors(reader, &snapshot, &intended, &path, &args.overrides)?;
    if ui.options.dry_run {
        return dry_run(ui, &snapshot, &intended, &path);
    }
    let walk = path.iter().map(EnvName::as_str).collect::<Vec<_>>().join(", then ");
    ui.confirm(&format!("Cut and deploy to {walk}?"), "shipping")?;
    let (record, made) =
        match build_candidate(reader, hands, ui.screen, &mut snapshot, Some(intended), &|snapshot| {
            intend(reader, ui.screen, snapshot, &request)
        })? {
            BuildResult::Exists(minted) => (snapshot.record(reader, &minted)?, false),
            BuildResult::New(record) => (*record, true),
        };
    let candidate = delivering::candidate(&snapshot, &record);
    let mut deployment = None;
    for name in path {
        let request = DeployRequest {
            reason: args.reason.clone(),
            overrides: args.overrides.iter().copied().collect(),
            params: args.params.clone(),
            ..DeployRequest::plain(name, Some(record.tag.to_string()), Trigger::Person)
        };
        let consent = |snapshot: &Snapshot, report: &PlanReport| {
            delivering::consent_to_deploy(ui, snapshot, report, &request, true)
        };
        let delivered = deploy::deploy(reader, hands, ui.screen, &mut snapshot, &request, &consent)
            .and_then(|delivered| delivering::delivered(ui.screen, delivered))
            .map_err(|failure| failure.beside(|beside| beside.candidate = Some(candidate.clone())))?;
        deployment = delivered.deployment.flatten();
    }
    let report =
        ShipReport { candidate: Some(candidate), made: Some(made), deployment, ..ShipReport::default() };
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

/// The gates that can be judged before a build: an environment on the way
/// that is busy, held or frozen now, or not for whoever ships, or that is owed
/// a fix which the commit lacks, or a commit whose author has not signed off,
/// would refuse afterwards.
fn closed_doors(
    reader: &Reader,
    snapshot: &Snapshot,
    intended: &Intended,
    path: &[EnvName],
    overrides: &[Gate],
) -> Result<()> {
    let gatherer = Gatherer::new(reader, snapshot)?;
    let (commit, release) = intended.what();
    let mut verdicts = Vec::new();
    let mut closed = Vec::new();
    for name in path {
        let environment = snapshot.environment(name)?;
        let view = snapshot.chain(name)?;
        let brought = match intended {
            Intended::Exists(minted) => Brought { is_unbuilt: true, ..Brought::candidate(minted) },
            Intended::New(_) => {
                Brought::commit(commit, &commit.short().to_string(), Some(release.to_string()))
            }
        };
        let input = gatherer.bringing(gatherer.input(environment, &view.state)?, view, brought)?;
        let refuses = |verdict: &Verdict| verdict.refuses() && !verdict.is_overridden(overrides);
        let mut theirs: Vec<Verdict> = rules::judge(&input).into_iter().filter(refuses).collect();
        // What is closed to all comes first, what this commit brings last.
        theirs.sort_by_key(|verdict| match verdict.gate() {
            Gate::Held | Gate::Busy => 0,
            Gate::Freeze | Gate::Deployers => 1,
            _ => 2,
        });
        if !theirs.is_empty() {
            closed.push(name);
        }
        verdicts.extend(theirs);
    }
    match closed.first() {
        Some(&name) => Err(Refusal { environment: name.clone(), attempt: Attempt::Ship, verdicts }.into()),
        None => Ok(()),
    }
}

fn dry_run(ui: &Ui, snapshot: &Snapshot, intended: &Intended, path: &[EnvName]) -> Result<Document> {
    let what = match intended {
        Intended::Exists(minted) => minted.tag.to_string(),
        Intended::New(draft) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            format!("{}-rc.{number}, built from {}", draft.release, draft.commit.short())
        }
    };
    let walk = path.iter().map(EnvName::as_str).collect::<Vec<_>>().join(", then ");
    ui.screen.result(&format!("{what} -> {walk}"));
    ui.screen.note("dry run: nothing changed");
    if path.is_empty() {
        return Err(Failure::failed("there is no way to that environment"));
    }
    Ok(ShipReport { path: Some(path.to_vec()), dry_run: true, ..ShipReport::default() }.into())
}
