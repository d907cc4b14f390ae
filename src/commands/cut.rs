//! `rel cut`: a trunk commit becomes a candidate, built once.

use serde_json::{Map, Value, json};

use crate::cli;
use crate::delivery::candidate::build::{Made, make};
use crate::delivery::candidate::cut::{Request, intend};
use crate::delivery::read::context::Context;
use crate::delivery::read::left_behind::warn_of_lost;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::settle;
use crate::delivery::steps::report;
use crate::domain::candidate::Candidate;
use crate::domain::draft::Intended;
use crate::failure::Result;

/// Runs the verb.
///
/// # Errors
/// The commit is not on trunk, the build fails, the authority refuses.
pub fn run(ctx: &Context<'_>, args: &cli::Cut) -> Result<Map<String, Value>> {
    ctx.must_reach_authority()?;
    settle::dead_runs(ctx)?;
    let mut snapshot = Snapshot::take(ctx)?;
    let request = Request {
        rev: args.rev.clone(),
        again: args.again,
        version: args.version.clone(),
        bump: args.bump,
        release: args.release.clone(),
        if_changed: args.if_changed,
    };
    let mut document = Map::new();
    let intended = intend(ctx, &snapshot, &request)?;
    if let Intended::New(draft) = &intended {
        let lost = warn_of_lost(ctx, &snapshot, draft.commit, &draft.release)?;
        if !lost.is_empty() {
            document.insert("lost_fixes".into(), json!(lost));
        }
    }
    if ctx.options.dry_run {
        dry_run(ctx, &snapshot, intended, &mut document)?;
        report::policy(ctx, &snapshot.policy, &mut document);
        return Ok(document);
    }
    match make(ctx, &mut snapshot, Some(intended), &|snapshot| intend(ctx, snapshot, &request))? {
        Made::Exists(minted) => {
            let record = snapshot.record(ctx, &minted)?;
            ctx.screen.result(&format!("{} is {} already; nothing made", record.commit.short(), record.tag));
            document.insert("candidate".into(), report::candidate(&snapshot, &record));
            document.insert("made".into(), json!(false));
        }
        Made::New(record) => {
            ctx.screen.result(&made(ctx, &record));
            document.insert("candidate".into(), report::candidate(&snapshot, &record));
            document.insert("made".into(), json!(true));
            if !args.no_deploy {
                let deployments = report::auto_deploy(ctx, &mut snapshot, &record)?;
                if !deployments.is_empty() {
                    document.insert("deployments".into(), json!(deployments));
                }
            }
        }
    }
    report::policy(ctx, &snapshot.policy, &mut document);
    Ok(document)
}

fn dry_run(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    intended: Intended,
    document: &mut Map<String, Value>,
) -> Result<()> {
    document.insert("made".into(), json!(false));
    match intended {
        Intended::Exists(minted) => {
            let record = snapshot.record(ctx, &minted)?;
            ctx.screen.result(&format!(
                "{} is {} already; nothing to make",
                record.commit.short(),
                record.tag
            ));
            document.insert("candidate".into(), report::candidate(snapshot, &record));
        }
        Intended::New(draft) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            let version = crate::domain::version::CandidateVersion { release: draft.release.clone(), number };
            let tag = snapshot.style.candidate(&version);
            ctx.screen.result(&format!("{} would become {tag}\n\n{}", draft.commit.short(), draft.text));
            ctx.screen.note("dry run: nothing changed");
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

fn made(ctx: &Context<'_>, record: &Candidate) -> String {
    let bytes: u64 = record.artifacts.iter().map(|file| file.size).sum();
    let count = record.artifacts.len() + record.references.len();
    let noun = if count == 1 { "artifact" } else { "artifacts" };
    let size = indicatif::HumanBytes(bytes);
    format!(
        "{} made from {}: {count} {noun}, {size}",
        ctx.screen.good(record.tag.as_str()),
        record.commit.short()
    )
}
