//! `rel waive`: settles a fix for good.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::range;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState};
use crate::domain::name::Oid;
use crate::domain::ref_name::ChainRef;
use crate::domain::report::Document;
use crate::domain::report::changes::WaiveReport;
use crate::failure::{Failure, Kind, Result};
use crate::store::history;
use crate::ui::front::Ui;
use crate::ui::text::clean;

/// Runs the verb.
///
/// # Errors
/// There is no such commit; `--as` is not on trunk (exit 4); no reason was
/// given (exit 2).
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Waive) -> Result<Document> {
    let reason = args.reason.clone().filter(|reason| !reason.trim().is_empty()).ok_or_else(|| {
        Failure::new(Kind::Usage, "waive needs a reason; nothing changed")
            .hint(format!("rel waive {} --reason WHY", args.commits.join(" ")))
    })?;
    dry_run::settle(ui, reader)?;
    // What is on trunk is what the authority says now.
    let snapshot = Snapshot::take(reader, ui.screen)?;
    let mut commits: Vec<Oid> = Vec::new();
    for text in &args.commits {
        let commit = snapshot.point(reader, text)?.commit;
        if !commits.contains(&commit) {
            commits.push(commit);
        }
    }
    let trunk_commit =
        args.trunk_commit.as_ref().map(|text| on_trunk(reader, &snapshot, text)).transpose()?;
    if let Some(same) = trunk_commit.filter(|commit| commits.contains(commit)) {
        return Err(Failure::new(Kind::Usage, format!("{} is itself; nothing changed", same.short()))
            .hint("--as takes the commit of trunk that has the same change in another form"));
    }
    let actor = reader.actor()?;
    let mut changed: Vec<Oid> = Vec::new();
    dry_run::publish::<CandidatesState>(
        ui,
        reader,
        &ChainRef::of_candidates(reader.project()),
        &[],
        |view| {
            let known = |commit: &Oid| {
                view.state.waivers.iter().any(|w| w.commit == *commit && w.trunk_commit == trunk_commit)
            };
            changed = commits.iter().copied().filter(|commit| !known(commit)).collect();
            let event = |&commit: &Oid| {
                let what = CandidatesEventKind::Waived { commit, trunk_commit, reason: reason.clone() };
                reader.event(commit.short().to_string(), &actor, what)
            };
            Ok((!changed.is_empty()).then(|| changed.iter().map(event).collect()))
        },
    )?;
    let mut lines = Vec::new();
    for change in range::changes(reader, &commits)? {
        let (commit, subject) = (change.commit.short(), clean(&change.subject));
        let settled = match trunk_commit {
            Some(trunk) => format!("counts as {} on trunk", trunk.short()),
            None => "may be missing anywhere, for good".to_owned(),
        };
        let already = if changed.contains(&change.commit) { "" } else { " already" };
        lines.push(format!("{commit} \"{subject}\" {settled}{already}"));
    }
    let text = lines.join("\n");
    ui.screen.result(&if ui.options.dry_run { format!("dry run: {text}") } else { text });
    Ok(WaiveReport { commits, trunk_commit, changed: !changed.is_empty() }.into())
}

fn on_trunk(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<Oid> {
    let commit = snapshot.point(reader, text)?.commit;
    if history::is_ancestor(&reader.repo, commit, snapshot.trunk)? {
        return Ok(commit);
    }
    let trunk = &reader.home.trunk;
    Err(Failure::new(Kind::Refused, format!("{} is not on trunk; nothing changed", commit.short()))
        .reason("trunk", format!("it is no ancestor of {trunk}, {}", snapshot.trunk.short()))
        .hint(format!("--as takes the commit of {trunk} that has the same change in another form")))
}
