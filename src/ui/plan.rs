//! A deployment's plan in words: what it replaces, brings and leaves, what the
//! gates said, whose commands run, and how to undo it.

use chrono::{DateTime, Utc};

use super::screen::Screen;
use super::table::labelled;
use super::text::{clean, truncate};
use super::{gate, time};
use crate::delivery::steps::delivered::PlanReport;
use crate::domain::changes::Change;
use crate::domain::config::Phase;
use crate::domain::env::Action;
use crate::domain::gate::verdict::Ruling;
use crate::domain::plan::Plan;

/// Breaking changes, and contained fixes, report one by one.
const BREAKING: usize = 5;
/// Columns a subject may take.
const SUBJECT: usize = 60;

/// A plan in words.
pub fn words(screen: &Screen, report: &PlanReport) -> String {
    match report.plan.action() {
        Action::Rollback => rollback_plan(screen, report),
        Action::Deploy | Action::Redeploy => deploy_plan(screen, report),
    }
}

/// The plan of a deployment.
fn deploy_plan(screen: &Screen, report: &PlanReport) -> String {
    let plan = &report.plan;
    let candidate = plan.candidate();
    let head = format!(
        "{} {} -> {}",
        report.project,
        screen.strong(candidate.tag.as_str()),
        screen.env(plan.environment().as_str())
    );
    let head = match plan.from() {
        None => format!("{head}   the first deployment there"),
        Some(live) if plan.action() == Action::Redeploy => {
            format!("{head}   again; live {}", span(report, live.since))
        }
        Some(live) => format!("{head}   replaces {} (live {})", live.tag.label(), span(report, live.since)),
    };
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(live) = plan.from().filter(|_| plan.action() == Action::Deploy) {
        rows.push(("brings", brings(screen, report, live.tag.label())));
        rows.push(("leaves", leaves(report)));
    }
    if let Some(gates) = gates(screen, plan) {
        rows.push(("gates", gates));
    }
    rows.push(("commands", report.commands.clone()));
    rows.extend(params(report).map(|params| ("params", params)));
    if !report.phases.is_empty() {
        let phase = |phase: &Phase| match phase.wait.is_zero() {
            true => clean(&phase.name),
            false => format!("{} {}", clean(&phase.name), time::span(phase.wait)),
        };
        rows.push(("phases", report.phases.iter().map(phase).collect::<Vec<_>>().join(", ")));
    }
    if let Some(live) = plan.from().filter(|live| plan.action() == Action::Deploy && live.is_baseline()) {
        let text = format!("none: {} was recorded, not built by rel", live.tag.label());
        rows.push(("undo", text));
    } else if let Some(point) = irreversible(report).next() {
        rows.push(("undo", format!("none: there is no way back past {}", point.commit.short())));
    } else if let Some(live) = plan.from().filter(|_| plan.action() == Action::Deploy) {
        rows.push((
            "undo",
            format!(
                "rel rollback {}: {}, {}",
                plan.environment(),
                live.tag,
                match report.undo_is_here {
                    Some(true) => "its bytes are on this machine",
                    Some(false) => "but its bytes are gone",
                    None => "once its bytes are fetched",
                }
            ),
        ));
    }
    format!("{head}\n{}", labelled(&rows, 2, screen.err_width()))
}

/// The plan of a rollback.
fn rollback_plan(screen: &Screen, report: &PlanReport) -> String {
    let plan = &report.plan;
    let environment = plan.environment();
    let from = plan.from().map_or("nothing".to_owned(), |live| {
        format!(
            "{} ({}, {} by {})",
            live.tag.label(),
            span(report, live.since),
            live.deployment,
            clean(&live.actor.name)
        )
    });
    let head = format!(
        "{}: {from} -> {}",
        screen.env(environment.as_str()),
        screen.strong(plan.candidate().tag.as_str())
    );
    let mut rows: Vec<(&str, String)> = vec![("why", plan.why().to_owned())];
    for (index, skipped) in plan.skipped().iter().enumerate() {
        rows.push((
            if index == 0 { "skipped" } else { "" },
            format!("{}: {}", skipped.tag.label(), clean(&skipped.why)),
        ));
    }
    if !report.leaves.is_empty() || !report.brings.is_empty() {
        rows.push(("leaves", format!("{}; {}", leaves(report), owed(plan))));
    }
    rows.push(("commands", format!("{}; no phases", report.commands)));
    rows.extend(params(report).map(|params| ("params", params)));
    if plan.holds() {
        rows.push((
            "then",
            format!("{environment} is held, so that the next cut does not bring the fault back"),
        ));
    }
    format!("{head}\n{}", labelled(&rows, 2, screen.err_width()))
}

/// What the commands are given; `None` if they declare nothing.
fn params(report: &PlanReport) -> Option<String> {
    let open = report.params.iter().map(|(name, value)| {
        let recorded = report.recorded_params.as_ref().filter(|(_, names)| names.contains(name));
        match recorded {
            // One that ran offline has no number yet.
            Some((id, _)) if id.seq > 0 => format!("{name}={} (as {id} had it)", clean(value)),
            Some(_) => format!("{name}={} (as before)", clean(value)),
            None => format!("{name}={}", clean(value)),
        }
    });
    let all: Vec<String> =
        open.chain(report.secret_params.iter().map(|name| format!("{name} (secret)"))).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// What passed on one line, then each gate that was overridden or only warns.
fn gates(screen: &Screen, plan: &Plan) -> Option<String> {
    let (passed, others): (Vec<_>, Vec<_>) =
        plan.permission().verdicts().iter().partition(|verdict| verdict.ruling == Ruling::Passes);
    let texts: Vec<String> = passed.iter().map(|verdict| clean(&gate::text(verdict))).collect();
    let mut lines = Vec::new();
    if !texts.is_empty() {
        lines.push(format!("{}: passed", texts.join(", ")));
    }
    for verdict in others {
        let text: Vec<String> = gate::text(verdict).lines().map(clean).collect();
        let word = if verdict.refuses() { " overridden" } else { "" };
        lines.push(screen.caution(&format!("! {}{word}: {}", verdict.gate(), text.join("\n  "))));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a deployment brings that cannot be gone back from.
fn irreversible(report: &PlanReport) -> impl Iterator<Item = &Change> {
    report.brings.iter().filter(|change| change.rollback_safe == Some(false))
}

fn span(report: &PlanReport, since: DateTime<Utc>) -> String {
    time::span(time::between(since, report.now))
}

fn brings(screen: &Screen, report: &PlanReport, live: &str) -> String {
    let changes = &report.brings;
    if changes.is_empty() {
        return "nothing that is not live".to_owned();
    }
    let mut people: Vec<&str> = changes.iter().map(|change| change.author.email.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let breaking: Vec<&Change> = changes.iter().filter(|change| change.breaking).collect();
    let mut text = format!(
        "{} by {}",
        count(changes.len(), "commit", "commits"),
        count(people.len(), "person", "people")
    );
    if !breaking.is_empty() {
        text.push_str(&format!(", {} breaking", breaking.len()));
    }
    text.push_str(&format!("\nrel diff {live} {}", report.plan.candidate().tag));
    for change in breaking.iter().take(BREAKING) {
        let subject = truncate(&clean(&change.subject), SUBJECT);
        let line = format!("! {} {subject} ({})", change.commit.short(), clean(&change.author.name));
        text.push_str(&format!("\n{}", screen.caution(&line)));
    }
    for change in irreversible(report) {
        let subject = truncate(&clean(&change.subject), SUBJECT);
        let line =
            format!("! no way back: {} {subject} ({})", change.commit.short(), clean(&change.author.name));
        text.push_str(&format!("\n{}", screen.caution(&line)));
    }
    text
}

fn leaves(report: &PlanReport) -> String {
    match &report.leaves[..] {
        [] => match &report.contained[..] {
            [] => "nothing".to_owned(),
            [(fix, form)] => {
                format!("nothing; the 1 fix live now is contained ({} as {})", fix.short(), form.short())
            }
            fixes => {
                let pairs = fixes
                    .iter()
                    .take(BREAKING)
                    .map(|(fix, form)| format!("{} as {}", fix.short(), form.short()));
                let pairs: Vec<String> = pairs.collect();
                let more = if fixes.len() > BREAKING { ", …" } else { "" };
                format!(
                    "nothing; the {} fixes live now are contained ({}{more})",
                    fixes.len(),
                    pairs.join(", ")
                )
            }
        },
        [one] => format!("{} {}", one.commit.short(), truncate(&clean(&one.subject), SUBJECT)),
        many => count(many.len(), "commit", "commits"),
    }
}

/// What becomes of fixes that are live, where a rollback leaves commits.
fn owed(plan: &Plan) -> String {
    let fixes: Vec<String> = plan.owes().iter().map(|fix| fix.commit.short().to_string()).collect();
    match &fixes[..] {
        [] => "no live fix is lost".to_owned(),
        [one] => format!("the live fix {one} stays owed"),
        several => format!("the live fixes {} stay owed", several.join(", ")),
    }
}

/// A number with its noun.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
