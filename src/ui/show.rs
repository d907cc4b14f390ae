//! One candidate: what it is, what it brings, and where it went.

use chrono::{DateTime, Utc};
use indicatif::HumanBytes;

use super::log;
use super::plan::count;
use super::screen::Screen;
use super::table::labelled;
use super::text::{clean, truncate};
use super::time;
use crate::domain::candidate::{Candidate, Pick};
use crate::domain::candidates::Block;
use crate::domain::changes::{Change, SUMMARY_LINES, by_weight};
use crate::domain::env::Deployment;
use crate::domain::name::{EnvName, Oid};

/// What there is to show of a candidate.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its record.
    pub record: Candidate,
    /// What blocks it.
    pub block: Option<Block>,
    /// Where it is live, and since when.
    pub live: Vec<(EnvName, DateTime<Utc>)>,
    /// What its changes are counted from, for people; none if from nothing.
    pub since: Option<String>,
    /// What it brings, newest first.
    pub changes: Vec<Change>,
    /// Every deployment of it, newest first.
    pub deployments: Vec<Deployment>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// The candidate.
pub fn candidate(screen: &Screen, shown: &Shown) -> String {
    let record = &shown.record;
    let mut rows: Vec<(&str, String)> = vec![("commit", record.commit.short())];
    if record.trunk_commit != record.commit {
        rows.push(("trunk", format!("from {}", record.trunk_commit.short())));
    }
    let signed = if record.signed { ", signed" } else { "" };
    rows.push((
        "made",
        format!(
            "{} by {}{signed}",
            time::ago(shown.now, record.created_at),
            log::person(&record.actor, None)
        ),
    ));
    if let Some(block) = &shown.block {
        let text = format!("by {}: \"{}\"", clean(&block.actor.name), clean(&block.reason));
        rows.push(("blocked", screen.bad(&text)));
    }
    for (name, since) in &shown.live {
        let span = time::span(time::between(*since, shown.now));
        rows.push(("live", format!("{} for {span}", screen.env(name.as_str()))));
    }
    if let Some(parent) = &record.parent {
        rows.push(("onto", parent.to_string()));
    }
    rows.extend(record.picks.iter().map(|pick| ("picked", picked(pick, &shown.changes))));
    rows.extend(record.artifacts.iter().map(|file| {
        let size = HumanBytes(file.size);
        ("artifact", format!("{}, {size}\n{}", clean(&file.name), file.digest))
    }));
    rows.extend(
        record
            .references
            .iter()
            .map(|reference| ("reference", format!("{}\n{}", clean(&reference.name), clean(&reference.uri)))),
    );
    if !record.artifacts.is_empty() {
        rows.push(("kept in", clean(&record.store)));
    }
    let head = format!("{} {}", record.project, screen.strong(record.tag.as_str()));
    let mut parts = vec![
        format!("{head}\n{}", labelled(&rows, 2, screen.width())),
        changes(screen, shown.since.as_deref(), &shown.changes),
    ];
    parts.push(if shown.deployments.is_empty() {
        "deployed nowhere".to_owned()
    } else {
        log::table(screen, &shown.deployments, shown.now)
    });
    parts.join("\n\n")
}

fn picked(pick: &Pick, changes: &[Change]) -> String {
    let subject = |oid: Oid| changes.iter().find(|change| change.commit == oid).map(|change| &change.subject);
    let subject = subject(pick.commit).map_or(String::new(), |subject| format!(" {}", clean(subject)));
    format!("{} as {}{subject}", pick.source.short(), pick.commit.short())
}

/// What a candidate brings, the weightiest first.
fn changes(screen: &Screen, since: Option<&str>, changes: &[Change]) -> String {
    let since = since.map_or(String::new(), |since| format!(" since {since}"));
    if changes.is_empty() {
        return format!("no changes{since}");
    }
    let mut lines = vec![format!("{}{since}", count(changes.len(), "change", "changes"))];
    for change in by_weight(changes).into_iter().take(SUMMARY_LINES) {
        let mark = if change.breaking { '!' } else { '-' };
        let author = log::person(&change.author, None);
        let line = format!("  {mark} {} {} ({author})", change.commit.short(), clean(&change.subject));
        let line = screen.width().map_or(line.clone(), |width| truncate(&line, width));
        lines.push(if change.breaking { screen.caution(&line) } else { line });
    }
    if let Some(more) = changes.len().checked_sub(SUMMARY_LINES).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}
