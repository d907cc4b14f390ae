//! What `deploy`, `rollback`, `ship`, `cut` and `cherry-pick` do alike around
//! a deployment: show its plan, ask, and say what came of it.

use std::time::Duration;

use crate::delivery::error::Error;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Policy, Snapshot};
use crate::delivery::run::artifacts::candidate_report;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::steps::auto_deploy;
use crate::delivery::steps::delivered::{Delivered, PlanReport};
use crate::delivery::steps::deploy::{self, DeployRequest};
use crate::delivery::steps::rollback::RollbackRequest;
use crate::domain::candidate::Candidate;
use crate::domain::config::Confirm;
use crate::domain::draft::Intended;
use crate::domain::env::{Action, HoldCause, Trigger};
use crate::domain::name::{EnvName, TagName};
use crate::domain::plan::Plan;
use crate::domain::report::candidate::CandidateReport;
use crate::domain::report::deployment::{DeliveryReport, DeploymentReport};
use crate::domain::report::policy::PolicyReport;
use crate::domain::report::{Document, Report};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::{Ui, agreed};
use crate::ui::screen::Screen;
use crate::ui::{self, notice, time};

/// Shows a deployment's plan and asks, unless `shipped` says that a larger
/// question covered it. `confirm = "name"` always asks.
///
/// # Errors
/// Nobody agrees, or nobody can be asked.
pub fn consent_to_deploy(
    ui: &Ui,
    snapshot: &Snapshot,
    report: &PlanReport,
    request: &DeployRequest,
    shipped: bool,
) -> Result<()> {
    ui.screen.note(&ui::plan::words(ui.screen, report));
    let name = report.plan.environment();
    let typed = snapshot.environment(name)?.confirm == Confirm::Name;
    let asks = ui.can_ask() && !ui.options.yes;
    if typed && asks {
        agreed(ui.asker.type_name(&format!("Type {name} to deploy to it"), name.as_str())?)?;
    } else if shipped {
        return Ok(());
    } else {
        ui.confirm(&format!("Deploy to {name}?"), &format!("deploying to {name}"))?;
    }
    if asks && !shipped {
        let tag = &report.plan.candidate().tag;
        ui.screen.note(&format!("unasked: {}", deploy_command(request, tag)));
    }
    Ok(())
}

/// Shows a rollback's plan and asks, unless the question of going further
/// back was answered already.
///
/// # Errors
/// Nobody agrees, or nobody can be asked.
pub fn consent_to_roll_back(ui: &Ui, report: &PlanReport, request: &RollbackRequest) -> Result<()> {
    let name = &request.environment;
    ui.screen.note(&ui::plan::words(ui.screen, report));
    if !request.further {
        ui.confirm(&format!("Roll back {name}?"), &format!("rolling {name} back"))?;
    }
    if ui.can_ask() && (request.further || !ui.options.yes) {
        ui.screen.note(&format!("unasked: {}", rollback_command(request, &report.plan)));
    }
    Ok(())
}

/// Asks whether to go back further than the last rollback did. `--yes` does
/// not answer it.
///
/// # Errors
/// Nobody agrees, or nobody can be asked (exit 2).
pub fn consent_to_go_further(
    ui: &Ui,
    environment: &EnvName,
    current: &TagName,
    target: &TagName,
) -> Result<()> {
    if !ui.can_ask() {
        return Err(Failure::new(
            Kind::Usage,
            format!("{environment} was rolled back to {current} already; going further back, to {target}, needs a word"),
        )
        .hint(format!("rel rollback {environment} --from {current}"))
        .hint(format!("rel rollback {environment} --to {target}")));
    }
    let question =
        format!("{environment} was rolled back to {current} already. Go further back, to {target}?");
    agreed(ui.asker.confirm(&question, true)?)
}

/// The command line that deploys `tag` as `request` does, without a question.
fn deploy_command(request: &DeployRequest, tag: &TagName) -> String {
    let mut words =
        vec!["rel".to_owned(), "deploy".to_owned(), request.environment.to_string(), tag.to_string()];
    words.extend(request.redeploy.then(|| "--redeploy".to_owned()));
    for gate in &request.overrides {
        words.extend(["--override".to_owned(), gate.to_string()]);
    }
    let flags = [
        ("--take-over", request.take_over.map(|token| token.to_string())),
        ("--commands-from", request.commands_from.clone()),
        ("--reason", request.reason.clone()),
    ];
    unasked(words, flags.into_iter().chain(params(&request.params)))
}

/// The command line that rolls back as planned, without a question. It names
/// what is live, so that it does nothing where something else is by then.
fn rollback_command(request: &RollbackRequest, plan: &Plan) -> String {
    let words = vec!["rel".to_owned(), "rollback".to_owned(), request.environment.to_string()];
    let from = plan.from().map(|live| live.tag.label().to_owned());
    let flags = [
        ("--to", request.to.clone()),
        ("--from", request.from.clone().or(from)),
        ("--take-over", request.take_over.map(|token| token.to_string())),
        ("--reason", request.reason.clone()),
    ];
    unasked(words, flags.into_iter().chain(params(&request.params)))
}

fn params(given: &[(String, String)]) -> impl Iterator<Item = (&'static str, Option<String>)> {
    given.iter().map(|(name, value)| ("--param", Some(format!("{name}={value}"))))
}

fn unasked<'f>(mut words: Vec<String>, flags: impl Iterator<Item = (&'f str, Option<String>)>) -> String {
    for (flag, value) in flags {
        words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words.push("--yes".to_owned());
    shell_words::join(words)
}

/// Says what came of a deployment or rollback: its document, or its failure.
///
/// # Errors
/// It ran and did not succeed, or its record is unpublished.
pub fn delivered(screen: &Screen, delivered: Delivered) -> Result<DeliveryReport> {
    Ok(match delivered {
        Delivered::Nothing(why) => {
            screen.result(&why);
            DeliveryReport::of(None)
        }
        Delivered::Planned(report) => {
            screen.result(&ui::plan::words(screen, &report));
            screen.note("dry run: nothing changed");
            DeliveryReport { dry_run: true, ..DeliveryReport::of(Some(report.deployment)) }
        }
        Delivered::Ran(receipt) => {
            let mut receipt = ui::error::ended(*receipt)?;
            let not_released = receipt.not_released.take();
            success(screen, &receipt, not_released);
            DeliveryReport::of(Some(receipt.deployment))
        }
    })
}

/// The last lines of a deployment that succeeded.
fn success(screen: &Screen, receipt: &Receipt, not_released: Option<Error>) {
    let deployment = &receipt.deployment;
    let name = &deployment.environment;
    let took = deployment.finished_at.map_or(0, |end| (end - deployment.started_at).num_seconds().max(0));
    let took = time::exact(Duration::from_secs(took.unsigned_abs()));
    let mut text = format!(
        "{} runs {} ({}, {took})",
        screen.env(name.as_str()),
        screen.good(deployment.tag.as_str()),
        deployment.id
    );
    if let Some(tag) = &receipt.released {
        text.push_str(&format!("; tagged {tag}"));
    }
    let held = receipt.state.hold.as_ref().filter(|hold| hold.cause == HoldCause::Rollback);
    if deployment.action == Action::Rollback
        && let Some(hold) = held
    {
        text.push_str(", and is held so that the next cut\ndoes not bring the fault back");
        let mut rows = vec![("open it", format!("rel unlock {name} --reason WHY"))];
        if let Some(from) = deployment.from_tag.as_ref().filter(|_| !receipt.from_baseline) {
            rows.push((
                "undo",
                format!(
                    "rel deploy {name} {from} --take-over {} --override rolled-back --reason WHY",
                    hold.token
                ),
            ));
        }
        text.push('\n');
        text.push_str(&ui::table::labelled(&rows, 2, screen.width()));
    } else if deployment.action == Action::Rollback
        && !receipt.from_baseline
        && let Some(from) = receipt.deployment.from_tag.as_ref().filter(|from| **from != deployment.tag)
    {
        let undo = format!("rel deploy {name} {from} --override rolled-back --reason WHY");
        text.push('\n');
        text.push_str(&ui::table::labelled(&[("undo", undo)], 2, screen.width()));
    }
    screen.result(&text);
    if let Some(error) = not_released {
        let why = Failure::from(error).message;
        screen.warn(&format!("the release's own tag could not be made: {why}"));
    }
}

/// A candidate, and what blocks it.
pub fn candidate(snapshot: &Snapshot, record: &Candidate) -> CandidateReport {
    candidate_report(record.clone(), snapshot.candidates.state.block(&record.tag, &record.version.release))
}

/// Deploys a new candidate to every environment that takes each one by
/// itself, unless a newer line is under test there.
///
/// # Errors
/// A command failed (exit 6); the candidate stands beside it. What a gate
/// refuses, or another machine was faster with, is only said.
pub fn auto_deploy(
    ui: &Ui,
    reader: &Reader,
    hands: &Hands,
    snapshot: &mut Snapshot,
    record: &Candidate,
) -> Result<Vec<DeploymentReport>> {
    let (screen, mut deployments) = (ui.screen, Vec::new());
    let Some(minted) = snapshot.minted(&record.tag).cloned() else { return Ok(deployments) };
    for name in auto_deploy::environments(snapshot) {
        if let Some(newer) = auto_deploy::under_test(snapshot, &name, &minted) {
            screen.note(&format!("{name} keeps {}, which is of a newer release", newer.label()));
            continue;
        }
        if let Some(undone) = auto_deploy::undone_before(snapshot, &name, &minted) {
            screen.warn(&format!(
                "not deployed to {name}: {} of the same commit was rolled back there",
                undone.label()
            ));
            screen.note(&format!("  if it is another now: rel deploy {name} {}", record.tag));
            continue;
        }
        let tag = record.tag.to_string();
        let request = DeployRequest::plain(name.clone(), Some(tag), Trigger::AutoDeploy);
        let done = deploy::deploy(reader, hands, screen, snapshot, &request, &|_, _| Ok(()));
        match done.and_then(|done| delivered(screen, done)) {
            Ok(report) => deployments.extend(report.deployment.flatten()),
            Err(failure) if matches!(failure.kind, Kind::Refused | Kind::Held | Kind::Busy | Kind::Moved) => {
                screen.warn(&format!("not deployed to {name}: {}", failure.message));
                for reason in &failure.reasons {
                    screen.warn(&format!("  {}: {}", reason.gate, reason.message));
                }
                screen.note(&format!("  later: rel deploy {name} {}", record.tag));
            }
            Err(failure) => {
                return Err(failure.beside(|beside| beside.candidate = Some(candidate(snapshot, record))));
            }
        }
    }
    Ok(deployments)
}

/// The document of a report, which says so where trunk's policy is not the one in force.
pub fn document(screen: &Screen, policy: &Policy, report: impl Into<Report>) -> Document {
    Document { policy: elsewhere(screen, policy), ..report.into().into() }
}

/// The policy in force where it is not trunk's, which is said.
pub fn elsewhere(screen: &Screen, policy: &Policy) -> Option<PolicyReport> {
    let place = policy.elsewhere.as_ref()?;
    screen.note(&format!("policy: {place}; trunk has no release.toml yet"));
    Some(PolicyReport { commit: (), from: place.clone() })
}

/// Says so where HEAD is another commit than the one that is cut: whoever
/// tested what is checked out may not mean trunk's tip.
pub fn tell_head(ui: &Ui, reader: &Reader, intended: &Intended, named: bool) -> Result<()> {
    let (commit, _) = intended.what();
    if let Some(head) = reader.repo.resolve_commit("HEAD")?.filter(|head| *head != commit) {
        notice::head_is_not_cut(ui.screen, head, commit, named);
    }
    Ok(())
}
