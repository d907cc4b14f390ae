//! `rel record`: writes down what another system did.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::delivery::sink::{Notice, Sink};
use crate::delivery::steps::deploy;
use crate::delivery::steps::record::{self, RecordRequest, RecordTarget, RecordedState, Tagged};
use crate::domain::env::{Deployment, Live, Progress};
use crate::domain::name::TagName;
use crate::domain::report::Document;
use crate::domain::report::deployment::DeliveryReport;
use crate::failure::{Failure, Result};
use crate::ui::front::Ui;
use crate::ui::table::labelled;
use crate::ui::time;

/// Runs the verb.
///
/// # Errors
/// There is no such environment, candidate, tag or commit, or a gate refuses
/// (exit 4); the environment is busy or held (exit 5).
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Record) -> Result<Document> {
    dry_run::begin(ui, reader)?;
    let snapshot = Snapshot::take(reader, ui.screen)?;
    let name = &args.environment;
    let said = match (args.started, args.succeeded) {
        (true, _) => RecordedState::Started,
        (false, true) => RecordedState::Succeeded,
        (false, false) => RecordedState::Failed,
    };
    let target = record::target(reader, &snapshot, &args.rev)?;
    let overrides = args.overrides.iter().copied().collect();
    deploy::refuse_blanket(&overrides)?;
    let report = RecordRequest {
        environment: snapshot.environment(name)?,
        target: &target,
        said,
        reason: args.reason.as_deref(),
        overrides: &overrides,
        take_over: args.take_over,
    };
    let report = record(ui, reader, hands, &snapshot, &report)?;
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

fn record(
    ui: &Ui,
    reader: &Reader,
    hands: &Hands,
    snapshot: &Snapshot,
    report: &RecordRequest<'_>,
) -> Result<DeliveryReport> {
    let name = &report.environment.name;
    let shown = snapshot.chain(name)?;
    // The authority was just asked: what is live by its word needs no second look.
    let first = record::judge(reader, snapshot, report, shown)?;
    if let (record::RecordPlan::Nothing, Some(live)) = (&first, shown.state.current()) {
        ui.screen.result(&live_already(reader, report, live));
        return Ok(DeliveryReport::of(None));
    }
    ui.screen.notice(Notice::Passed(first.verdicts()));
    if ui.options.dry_run {
        let mut planned = DeliveryReport { dry_run: true, ..DeliveryReport::default() };
        if let Some((events, id)) = record::events(reader, ui.screen, report, first, None)? {
            let (after, _) = shown.append(&reader.repo, &events)?;
            if let Some(deployment) = deployments::deployment(&reader.repo, after.tip, &id)? {
                ui.screen.result(&format!("dry run: {}", told(ui, report, &deployment)));
                planned.deployment = DeliveryReport::of(Some(deployment)).deployment;
            }
        }
        return Ok(planned);
    }
    let (view, made) = record::publish(reader, hands, ui.screen, snapshot, report, &first)?;
    let deployment = match &made {
        Some(id) => deployments::deployment(&reader.repo, view.tip, id)?,
        None => None,
    };
    match (&deployment, view.state.current()) {
        (Some(deployment), _) => {
            let tagged = record::tag_release(reader, ui.screen, report)?;
            say(ui, report, deployment, tagged, record::candidate_of(reader, report)?);
        }
        (None, Some(live)) => ui.screen.result(&live_already(reader, report, live)),
        (None, None) => {}
    }
    Ok(DeliveryReport::of(deployment))
}

fn live_already(reader: &Reader, report: &RecordRequest<'_>, live: &Live) -> String {
    let span = time::span(time::between(live.since, reader.world.now()));
    let name = &report.environment.name;
    format!("{name} runs {} already ({}, {span})", live.tag.label(), live.deployment)
}

/// What is written down, in a line.
fn told(ui: &Ui, report: &RecordRequest<'_>, deployment: &Deployment) -> String {
    let name = ui.screen.env(report.environment.name.as_str());
    let (id, tag) = (&deployment.id, deployment.tag.label());
    match deployment.state {
        Progress::Succeeded => format!("{name} runs {} ({id}, recorded)", ui.screen.good(tag)),
        Progress::Running => format!("{id} is recorded as under way: {tag} -> {name}"),
        state => format!("{id} is recorded as {state}: {tag} may be on {name} in part"),
    }
}

/// The last lines. `tagged` are the releases' own tags that it made, `built`
/// the candidate that `rel` made of a baseline's commit.
fn say(
    ui: &Ui,
    report: &RecordRequest<'_>,
    deployment: &Deployment,
    tagged: Vec<Tagged>,
    built: Option<TagName>,
) {
    let RecordTarget { tag, version, .. } = report.target;
    let name = &report.environment.name;
    let mut text = told(ui, report, deployment);
    let mut rows: Vec<(&str, String)> = Vec::new();
    match report.said {
        RecordedState::Started => {
            rows.push(("once it is done", format!("rel record {name} {} --succeeded|--failed", tag.label())));
        }
        RecordedState::Succeeded if version.is_none() => {
            rows.push(("a baseline", "rel counts from it, and cannot roll back to it".to_owned()));
        }
        RecordedState::Succeeded | RecordedState::Failed => {}
    }
    for Tagged { tag, ours, made } in tagged {
        match made {
            Ok(()) if ours => text.push_str(&format!("; tagged {tag}")),
            Ok(()) => ui.screen.note(&format!("tagged {tag}")),
            Err(error) => {
                ui.screen.warn(&format!("{tag} could not be made: {}", Failure::from(error).message));
            }
        }
    }
    if let Some(built) = built {
        let said = if report.said == RecordedState::Started { "--started" } else { "--succeeded" };
        rows.push(("if rel built it", format!("rel record {name} {built} {said}")));
    }
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&labelled(&rows, 2, ui.screen.width()));
    }
    ui.screen.result(&text);
}
