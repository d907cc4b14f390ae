//! One candidate: what it is, what it brings, and where it went.

use chrono::{DateTime, Utc};
use indicatif::HumanBytes;

use super::plan::count;
use super::screen::Screen;
use super::table::labelled;
use super::text::{clean, truncate};
use super::{log, time};
use crate::domain::candidate::Pick;
use crate::domain::changes::{Change, SUMMARY_LINES, by_weight};
use crate::domain::name::Oid;
use crate::domain::report::list::ShowReport;

/// The candidate.
pub fn candidate(screen: &Screen, report: &ShowReport, now: DateTime<Utc>) -> String {
    let record = &report.candidate.record;
    let mut rows: Vec<(&str, String)> = vec![("commit", record.commit.short())];
    if record.trunk_commit != record.commit {
        rows.push(("trunk", format!("from {}", record.trunk_commit.short())));
    }
    let signed = if record.signed { ", signed" } else { "" };
    rows.push((
        "made",
        format!("{} by {}{signed}", time::ago(now, record.created_at), log::person(&record.actor, None)),
    ));
    if let Some(block) = &report.candidate.block {
        let text = format!("by {}: \"{}\"", clean(&block.actor.name), clean(&block.reason));
        rows.push(("blocked", screen.bad(&text)));
    }
    for (name, since) in &report.live {
        let span = time::span(time::between(*since, now));
        rows.push(("live", format!("{} for {span}", screen.env(name.as_str()))));
    }
    if let Some(parent) = &record.parent {
        rows.push(("onto", parent.to_string()));
    }
    rows.extend(record.picks.iter().map(|pick| ("picked", picked(pick, &report.changes))));
    rows.extend(record.artifacts.iter().map(|file| {
        let size = HumanBytes(file.size);
        // Without its kind a digest fits a terminal of 80 columns.
        ("artifact", format!("{}, {size}, sha256\n{}", clean(&file.name), file.digest.hex()))
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
        changes(screen, report.since.as_deref(), &report.changes),
    ];
    parts.push(if report.deployments.is_empty() {
        "deployed nowhere".to_owned()
    } else {
        log::table(screen, &report.deployments, now)
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::{actor, deployment, oid, record, screen, time};
    use super::*;
    use crate::domain::artifact::{Artifact, sha256_of};
    use crate::domain::report::candidate::CandidateReport;
    use crate::domain::report::deployment::DeploymentReport;
    use crate::ui::noted::fits;

    const LONG: &str = "fix: null cart \u{9b}on empty session, for whoever came from the start page";

    fn shown() -> ShowReport {
        let mut record = record("1.5.0-rc.2");
        record.parent = Some("v1.5.0-rc.1".parse().unwrap());
        record.trunk_commit = oid(8);
        record.picks = vec![Pick { source: oid(2), commit: oid(3) }];
        record.artifacts =
            vec![Artifact { name: "shop.tar.gz".to_owned(), digest: sha256_of(b""), size: 1_300_000 }];
        let change =
            |digit, message: &str| Change::read(oid(digit), message, &actor("kim"), time("23T11:00"));
        ShowReport {
            candidate: CandidateReport::new(record, None, |_| None),
            live: vec![("prod".parse().unwrap(), time("23T13:00"))],
            since: Some("v1.5.0-rc.1".to_owned()),
            changes: vec![change(3, LONG), change(4, "feat!: drop v1")],
            deployments: vec![DeploymentReport(deployment("prod#812", "1.5.0-rc.2", None))],
        }
    }

    #[test]
    fn a_candidate_as_a_whole() {
        let expected = r"shop v1.5.0-rc.2
  commit    1111111
  trunk     from 8888888
  made      2 h ago by ana
  live      prod for 1 h
  onto      v1.5.0-rc.1
  picked    2222222 as 3333333 fix: null cart \u{9b}on empty session, for whoever came from the start page
  artifact  shop.tar.gz, 1.24 MiB, sha256
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  kept in   git

2 changes since v1.5.0-rc.1
  ! 4444444 feat!: drop v1 (kim)
  - 3333333 fix: null cart \u{9b}on empty session, for whoever came from the start page (kim)

ID        ACTION  CANDIDATE    STATE      WHEN     TOOK   BY
prod#812  deploy  v1.5.0-rc.2  succeeded  2 h ago  1 min  ana";
        for width in [Some(200), None] {
            assert_eq!(candidate(&screen(width), &shown(), time("23T14:00")), expected, "{width:?}");
        }
    }

    #[test]
    fn at_80_columns_subjects_are_wrapped_or_cut() {
        let mut shown = shown();
        shown.candidate.record.artifacts.clear();
        let narrow = candidate(&screen(Some(80)), &shown, time("23T14:00"));
        assert!(fits(&narrow, 80), "{narrow}");
        assert!(narrow.contains("for whoever\n          came from the start page\n"), "{narrow}");
        assert!(narrow.contains("for whoever came from the st…\n"), "{narrow}");
    }

    #[test]
    fn a_candidate_that_brought_nothing_and_went_nowhere() {
        let mut shown = shown();
        shown.changes.clear();
        shown.deployments.clear();
        let text = candidate(&screen(None), &shown, time("23T14:00"));
        assert!(text.ends_with("\n\nno changes since v1.5.0-rc.1\n\ndeployed nowhere"), "{text}");
    }

    #[test]
    fn a_long_list_of_changes_says_how_much_is_left_out() {
        let mut shown = shown();
        shown.changes = vec![shown.changes[1].clone(); SUMMARY_LINES + 2];
        let text = candidate(&screen(None), &shown, time("23T14:00"));
        assert!(text.contains("\n52 changes since"), "{text}");
        assert!(text.contains("(kim)\n  and 2 more\n"), "{text}");
    }
}
