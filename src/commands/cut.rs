//! `rel cut`: a trunk commit becomes a candidate, built once.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::candidate::build::{BuildResult, build_candidate};
use crate::delivery::candidate::cut::{CutRequest, intend};
use crate::delivery::read::left_behind::lost_by_cut;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::domain::candidate::Candidate;
use crate::domain::draft::Intended;
use crate::domain::report::Document;
use crate::domain::report::candidate::{CutPlan, CutReport, LostFixReport};
use crate::failure::Result;
use crate::ui::front::Ui;
use crate::ui::notice;

/// Runs the verb.
///
/// # Errors
/// The commit is not on trunk, the build fails, the authority refuses.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Cut) -> Result<Document> {
    dry_run::begin(ui, reader)?;
    let mut snapshot = Snapshot::take(reader, ui.screen)?;
    let request = CutRequest {
        rev: args.rev.clone(),
        again: args.again,
        version: args.version.clone(),
        bump: args.bump,
        release: args.release.clone(),
        if_changed: args.if_changed,
    };
    let mut report = CutReport::default();
    let intended = intend(reader, ui.screen, &snapshot, &request)?;
    delivering::tell_head(ui, reader, &intended, request.rev.is_some())?;
    if let Intended::New(draft) = &intended {
        let lost = lost_by_cut(reader, &snapshot, draft.commit, &draft.release)?;
        notice::lost_by_cut(ui.screen, &lost, reader.world.now());
        report.lost_fixes =
            lost.into_iter().map(|one| LostFixReport::new(one.lost, one.environments)).collect();
    }
    if ui.options.dry_run {
        dry_run(ui, reader, &snapshot, intended, &mut report)?;
        return Ok(delivering::document(ui.screen, &snapshot.policy, report));
    }
    match build_candidate(reader, hands, ui.screen, &mut snapshot, Some(intended), &|snapshot| {
        intend(reader, ui.screen, snapshot, &request)
    })? {
        BuildResult::Exists(minted) => {
            let record = snapshot.record(reader, &minted)?;
            ui.screen.result(&format!("{} is {} already; nothing made", record.commit.short(), record.tag));
            report.candidate = Some(delivering::candidate(&snapshot, &record));
        }
        BuildResult::New(record) => {
            ui.screen.result(&made(ui, &record));
            report.candidate = Some(delivering::candidate(&snapshot, &record));
            report.made = true;
            if !args.no_deploy {
                report.deployments = delivering::auto_deploy(ui, reader, hands, &mut snapshot, &record)?;
            }
        }
    }
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

fn dry_run(
    ui: &Ui,
    reader: &Reader,
    snapshot: &Snapshot,
    intended: Intended,
    report: &mut CutReport,
) -> Result<()> {
    match intended {
        Intended::Exists(minted) => {
            let record = snapshot.record(reader, &minted)?;
            ui.screen.result(&format!(
                "{} is {} already; nothing to make",
                record.commit.short(),
                record.tag
            ));
            report.candidate = Some(delivering::candidate(snapshot, &record));
        }
        Intended::New(draft) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            let version = snapshot.style.notation.candidate(draft.release.clone(), number);
            let tag = snapshot.style.candidate(&version);
            ui.screen.result(&format!("{} would become {tag}\n\n{}", draft.commit.short(), draft.text));
            ui.screen.note("dry run: nothing changed");
            let (release, commit) = (draft.release, draft.commit);
            report.plan = Some(CutPlan { tag, version, release, number, commit });
            report.dry_run = true;
        }
    }
    Ok(())
}

fn made(ui: &Ui, record: &Candidate) -> String {
    let bytes: u64 = record.artifacts.iter().map(|file| file.size).sum();
    let count = record.artifacts.len() + record.references.len();
    let noun = if count == 1 { "artifact" } else { "artifacts" };
    let size = indicatif::HumanBytes(bytes);
    format!(
        "{} made from {}: {count} {noun}, {size}",
        ui.screen.good(record.tag.as_str()),
        record.commit.short()
    )
}
