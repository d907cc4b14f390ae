//! What a check of history, tags and artifacts found, in words.

use indicatif::HumanBytes;

use super::plan::count;
use super::screen::Screen;
use super::table;
use crate::domain::fsck::{Checked, Finding};

/// Below the first line, a line for each sort of thing that was checked, and
/// for each thing that was done.
pub fn right(screen: &Screen, head: &str, checked: &Checked, deeds: &[&str]) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut chains = format!(
        "{}, {}: links, order, snapshots and notes",
        checked.chains,
        count(checked.events, "event", "events")
    );
    if checked.foreign > 0 {
        let commits = count(checked.foreign, "commit", "commits");
        chains.push_str(&format!("\n{commits} in between that rel did not make; they change nothing"));
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
        rows.push(("repair", deeds.join("\n")));
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
