//! What a check of history, tags and artifacts found, in words.

use indicatif::HumanBytes;

use super::plan::count;
use super::screen::Screen;
use super::table;
use crate::domain::fsck::{Checked, Finding};

/// Below the first line, a line for each sort of thing that was checked, and
/// for each thing that was done; in a dry run, that would be.
pub fn checked(screen: &Screen, head: &str, checked: &Checked, deeds: &[&str], dry_run: bool) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut chains = format!(
        "{}, {}: links, order, snapshots and notes",
        checked.chains,
        count(checked.events, "event", "events")
    );
    if checked.foreign > 0 {
        let commits = count(checked.foreign, "commit", "commits");
        chains.push_str(&format!("\n{commits} in between not made by rel, without effect"));
    }
    if checked.settled > 0 {
        let wrong = count(checked.settled, "snapshot was", "snapshots were");
        chains.push_str(&format!("\n{wrong} wrong, and put right by a later event"));
    }
    rows.push(("chains", chains));
    let tags = count(checked.tags, "candidate", "candidates");
    let releases = count(checked.releases, "release", "releases");
    rows.push(("tags", format!("{tags}, {releases}: against their chain")));
    let not = &checked.not_checked;
    let mut files = count(checked.artifacts, "file", "files");
    if checked.bytes > 0 {
        files.push_str(&format!(
            ", {}: against {} digests",
            HumanBytes(checked.bytes),
            whose(checked.artifacts)
        ));
    }
    if not.bytes > 0 {
        files.push_str("; that they are there, but not their bytes");
    }
    rows.push(("artifacts", files));
    let mut left = Vec::new();
    if not.artifacts > 0 {
        left.push(format!("{} not on this machine", count(not.artifacts, "file", "files")));
    }
    if not.references > 0 {
        left.push(format!(
            "{} elsewhere, such as an image",
            count(not.references, "reference", "references")
        ));
    }
    if !left.is_empty() {
        rows.push(("unchecked", left.join("; ")));
    }
    if !deeds.is_empty() {
        rows.push((if dry_run { "would be" } else { "repaired" }, deeds.join("\n")));
    }
    format!("{head}\n{}", table::labelled(&rows, 2, screen.width()))
}

fn whose(files: usize) -> &'static str {
    if files == 1 { "its" } else { "their" }
}

/// A finding with what it is about and what to do, one thing a line.
pub fn words(finding: &Finding) -> String {
    let about = finding.ref_name.as_deref();
    let mut text = about.map_or(finding.message.clone(), |name| format!("{name}: {}", finding.message));
    for hint in finding.hints.iter() {
        text.push('\n');
        text.push_str(hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fsck::{NotChecked, Sort};
    use crate::ui::ColorChoice;

    fn screen() -> Screen {
        Screen::new(true, true, ColorChoice::Never, false, false, 0, false).over(
            Box::new(std::io::sink()),
            Box::new(std::io::sink()),
            Some(80),
        )
    }

    #[test]
    fn a_line_for_each_sort_of_thing() {
        let all = Checked {
            chains: 4,
            events: 37,
            foreign: 1,
            settled: 2,
            tags: 3,
            releases: 1,
            artifacts: 6,
            bytes: 1_300_000,
            not_checked: NotChecked { bytes: 0, artifacts: 0, references: 2 },
        };
        assert_eq!(
            checked(&screen(), "shop: put right", &all, &["refs/tags/v1 made again, as 1234567"], false),
            r"shop: put right
  chains     4, 37 events: links, order, snapshots and notes
             1 commit in between not made by rel, without effect
             2 snapshots were wrong, and put right by a later event
  tags       3 candidates, 1 release: against their chain
  artifacts  6 files, 1.24 MiB: against their digests
  unchecked  2 references elsewhere, such as an image
  repaired   refs/tags/v1 made again, as 1234567"
        );
        let quick = Checked {
            tags: 1,
            artifacts: 2,
            not_checked: NotChecked { bytes: 2, ..NotChecked::default() },
            ..Checked::default()
        };
        assert_eq!(
            checked(&screen(), "shop: all of it is what was recorded", &quick, &[], false),
            r"shop: all of it is what was recorded
  chains     0, 0 events: links, order, snapshots and notes
  tags       1 candidate, 0 releases: against their chain
  artifacts  2 files; that they are there, but not their bytes"
        );
    }

    #[test]
    fn a_finding_names_its_ref_and_the_ways_on() {
        let finding = Finding::new(Sort::Tag, "refs/tags/v1", "it is gone").hint("rel fsck --repair");
        assert_eq!(words(&finding), "refs/tags/v1: it is gone\nrel fsck --repair");
        assert_eq!(words(&Finding::of_store("no /srv")), "no /srv");
    }
}
