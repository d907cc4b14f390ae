//! `rel block` and `rel unblock`: what must not be deployed.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::revision::Named;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState};
use crate::domain::env::Live;
use crate::domain::ref_name::ChainRef;
use crate::domain::report::Document;
use crate::domain::report::changes::BlockingReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;

/// Runs `rel block`, or `rel unblock` where `unblock`.
///
/// # Errors
/// There is no such candidate or release; no reason was given.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Block, unblock: bool) -> Result<Document> {
    let verb = if unblock { "unblock" } else { "block" };
    let reason = args.reason.clone().ok_or_else(|| {
        Failure::new(Kind::Usage, format!("{verb} needs a reason"))
            .hint(format!("rel {verb} {} --reason WHY", args.target))
    })?;
    dry_run::settle(ui, reader)?;
    let find = |snapshot: &Snapshot| {
        let (target, named) = resolve(reader, snapshot, &args.target)?;
        Ok((snapshot.clone(), target, named))
    };
    let (mut snapshot, mut target, named) = Snapshot::known(reader, ui.screen, find)?;
    if named != Named::Itself {
        // What is live is what the authority says now.
        (snapshot, target, _) = find(&Snapshot::take(reader, ui.screen)?)?;
    }
    let actor = reader.actor()?;
    let mut changed = false;
    dry_run::publish::<CandidatesState>(
        ui,
        reader,
        &ChainRef::of_candidates(reader.project()),
        &[],
        |view| {
            let blocked = view.state.blocks.iter().any(|block| block.target == target);
            changed = blocked == unblock;
            if !changed {
                return Ok(None);
            }
            let what = if unblock {
                CandidatesEventKind::Unblocked { target: target.clone(), reason: reason.clone() }
            } else {
                CandidatesEventKind::Blocked { target: target.clone(), reason: reason.clone() }
            };
            Ok(Some(vec![reader.event(target.clone(), &actor, what)]))
        },
    )?;
    let text = match (unblock, changed) {
        (false, true) => format!("{target} is blocked everywhere: {reason:?}"),
        (false, false) => format!("{target} is blocked already; nothing changed"),
        (true, true) => format!("{target} may be deployed again"),
        (true, false) => format!("{target} is not blocked; nothing changed"),
    };
    ui.screen.result(&if ui.options.dry_run { format!("dry run: {text}") } else { text });
    if !unblock && changed {
        ui.screen.note(&format!("  undo   rel unblock {target} --reason WHY"));
        for (name, view) in &snapshot.environments {
            let live = view.state.current();
            let hit = |live: &&Live| {
                let release = live.version.as_ref().map(|version| version.release.to_string());
                release.is_some() && (live.tag.as_str() == target || release.as_ref() == Some(&target))
            };
            if let Some(live) = live.filter(hit) {
                ui.screen.warn(&format!("{} is live on {name}; go back: rel rollback {name}", live.tag));
            }
        }
    }
    Ok(BlockingReport { target, changed }.into())
}

/// A release's version, which means all its candidates, or a candidate's tag;
/// and how it was named.
fn resolve(reader: &Reader, snapshot: &Snapshot, text: &str) -> Result<(String, Named)> {
    Ok(match snapshot.candidate_named(reader, text)? {
        (minted, Named::Release) => (minted.version.release.to_string(), Named::Itself),
        (minted, named) => (minted.tag.to_string(), named),
    })
}
