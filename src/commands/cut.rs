//! `rel cut`: a trunk commit becomes a candidate, built once.

use serde_json::{Map, Value, json};

use super::delivering;
use crate::cli;
use crate::delivery::candidate::build::{BuildResult, build_candidate};
use crate::delivery::candidate::cut::{CutRequest, intend};
use crate::delivery::read::left_behind::{LostByCut, lost_by_cut};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::settle;
use crate::delivery::run::hands::Hands;
use crate::domain::candidate::Candidate;
use crate::domain::draft::Intended;
use crate::failure::Result;
use crate::ui::front::Ui;
use crate::ui::notice;

/// Runs the verb.
///
/// # Errors
/// The commit is not on trunk, the build fails, the authority refuses.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Cut) -> Result<Map<String, Value>> {
    reader.must_reach_authority()?;
    settle::dead_runs(reader, ui.screen)?;
    let mut snapshot = Snapshot::take(reader, ui.screen)?;
    let request = CutRequest {
        rev: args.rev.clone(),
        again: args.again,
        version: args.version.clone(),
        bump: args.bump,
        release: args.release.clone(),
        if_changed: args.if_changed,
    };
    let mut document = Map::new();
    let intended = intend(reader, &snapshot, &request)?;
    if let Intended::New(draft) = &intended {
        let lost = lost_by_cut(reader, &snapshot, draft.commit, &draft.release)?;
        notice::lost_by_cut(ui.screen, &lost, reader.world.now());
        let lost: Vec<Value> = lost.iter().map(lost_document).collect();
        if !lost.is_empty() {
            document.insert("lost_fixes".into(), json!(lost));
        }
    }
    if ui.options.dry_run {
        dry_run(ui, reader, &snapshot, intended, &mut document)?;
        delivering::policy(ui.screen, &snapshot.policy, &mut document);
        return Ok(document);
    }
    match build_candidate(reader, hands, ui.screen, &mut snapshot, Some(intended), &|snapshot| {
        intend(reader, snapshot, &request)
    })? {
        BuildResult::Exists(minted) => {
            let record = snapshot.record(reader, &minted)?;
            ui.screen.result(&format!("{} is {} already; nothing made", record.commit.short(), record.tag));
            document.insert("candidate".into(), delivering::candidate(&snapshot, &record));
            document.insert("made".into(), json!(false));
        }
        BuildResult::New(record) => {
            ui.screen.result(&made(ui, &record));
            document.insert("candidate".into(), delivering::candidate(&snapshot, &record));
            document.insert("made".into(), json!(true));
            if !args.no_deploy {
                let deployments = delivering::auto_deploy(ui, reader, hands, &mut snapshot, &record)?;
                if !deployments.is_empty() {
                    document.insert("deployments".into(), json!(deployments));
                }
            }
        }
    }
    delivering::policy(ui.screen, &snapshot.policy, &mut document);
    Ok(document)
}

fn dry_run(
    ui: &Ui,
    reader: &Reader,
    snapshot: &Snapshot,
    intended: Intended,
    document: &mut Map<String, Value>,
) -> Result<()> {
    document.insert("made".into(), json!(false));
    match intended {
        Intended::Exists(minted) => {
            let record = snapshot.record(reader, &minted)?;
            ui.screen.result(&format!(
                "{} is {} already; nothing to make",
                record.commit.short(),
                record.tag
            ));
            document.insert("candidate".into(), delivering::candidate(snapshot, &record));
        }
        Intended::New(draft) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            let version = crate::domain::version::CandidateVersion { release: draft.release.clone(), number };
            let tag = snapshot.style.candidate(&version);
            ui.screen.result(&format!("{} would become {tag}\n\n{}", draft.commit.short(), draft.text));
            ui.screen.note("dry run: nothing changed");
            document.insert("candidate".into(), Value::Null);
            document.insert(
                "plan".into(),
                json!({ "tag": tag, "version": version, "release": draft.release, "number": number, "commit": draft.commit }),
            );
            document.insert("dry_run".into(), json!(true));
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

fn lost_document(LostByCut { lost, environments }: &LostByCut) -> Value {
    json!({
        "commit": lost.fix.commit,
        "source": lost.fix.source,
        "candidate": lost.fix.candidate,
        "environments": environments,
        "on_trunk_as": lost.on_trunk.map(|(form, _)| form),
        "reverted_by": lost.on_trunk.and_then(|(_, revert)| revert),
    })
}
