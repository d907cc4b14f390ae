//! `rel fsck`: check history, tags and artifacts, and put back what can be.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::fsck;
use crate::delivery::read::reader::Reader;
use crate::domain::fsck::Finding;
use crate::domain::report::Document;
use crate::domain::report::clone::{IntegrityReport, RepairReport};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::fsck as ui;

/// Runs the verb.
///
/// # Errors
/// Something is not what was recorded (exit 9), all of it told; the authority
/// cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Fsck) -> Result<Document> {
    if args.repair {
        match dry_run::begin(ui, reader) {
            // Where history was rewritten, that is what this run is for.
            Err(error) if error.is_rewritten() => {}
            begun => begun?,
        }
    }
    let report = fsck::examine(reader, ui.screen, args.quick)?;
    let checked = report.checked.clone();
    let (done, left) = if args.repair {
        let repaired = if ui.options.dry_run { fsck::preview(report) } else { fsck::repair(reader, report) };
        (repaired.done, repaired.left)
    } else {
        (Vec::new(), report.found.into_iter().map(|(finding, _)| finding).collect())
    };
    let dry_run = ui.options.dry_run;
    let mut deeds: Vec<&str> = done.iter().map(|(_, did)| did.as_str()).collect();
    deeds.dedup();
    let head = match left[..] {
        [] => head(ui, reader, deeds.len()),
        _ => format!("{}: checked", reader.project()),
    };
    let text = ui::checked(ui.screen, &head, &checked, &deeds, dry_run);
    let repair = |(finding, done): (Finding, String)| {
        let Finding { kind, ref_name, commit, message, .. } = finding;
        RepairReport { kind, ref_name, commit, message, done }
    };
    let repaired = args.repair.then(|| done.into_iter().map(repair).collect());
    let report =
        IntegrityReport { project: reader.project().clone(), checked, findings: left, repaired, dry_run };
    if report.findings.is_empty() {
        ui.screen.result(&text);
        return Ok(report.into());
    }
    ui.screen.note(&text);
    Err(failure(report))
}

/// What a check that left nothing wrong begins with.
fn head(ui: &Ui, reader: &Reader, deeds: usize) -> String {
    let project = reader.project();
    match (deeds, ui.options.dry_run) {
        (0, _) => format!("{project}: all of it is what was recorded"),
        (_, true) => format!("dry run: {project} would be put right"),
        (_, false) => format!("{project}: put right"),
    }
}

/// Everything that is wrong, and how much of it can be put right here.
fn failure(report: IntegrityReport) -> Failure {
    let left = &report.findings;
    let things = match left.len() {
        1 => "1 thing is".to_owned(),
        many => format!("{many} things are"),
    };
    let mut failure = Failure::new(Kind::Integrity, format!("{things} not what was recorded"));
    for finding in left {
        failure = failure.reason(finding.kind.as_str(), ui::words(finding));
    }
    let repairable = left.iter().filter(|finding| finding.repairable).count();
    if repairable > 0 {
        failure = failure.hint(if repairable == left.len() {
            "all of it can be put right from this clone: rel fsck --repair".to_owned()
        } else {
            format!("{repairable} of them can be put right from this clone: rel fsck --repair")
        });
    }
    failure.beside(|beside| beside.fsck = Some(report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fsck::{Checked, Sort};

    fn report(findings: &[Finding]) -> IntegrityReport {
        let (project, findings) = ("shop".parse().unwrap(), findings.to_vec());
        IntegrityReport { project, checked: Checked::default(), findings, repaired: None, dry_run: false }
    }

    #[test]
    fn a_failure_tells_all_and_what_can_be_done() {
        let gone = Finding::new(Sort::Tag, "refs/tags/v1", "it is gone");
        let mendable = Finding { repairable: true, ..gone.clone() };
        let one = failure(report(std::slice::from_ref(&gone)));
        assert_eq!((one.message.as_str(), one.hints.len()), ("1 thing is not what was recorded", 0));
        let two = failure(report(&[gone, mendable.clone()]));
        assert_eq!((two.reasons.len(), two.kind), (2, Kind::Integrity));
        assert_eq!(two.hints, ["1 of them can be put right from this clone: rel fsck --repair"]);
        let all = failure(report(&[mendable]));
        assert_eq!(all.hints, ["all of it can be put right from this clone: rel fsck --repair"]);
        assert_eq!(all.beside.fsck.unwrap().checked, Checked::default());
    }
}
