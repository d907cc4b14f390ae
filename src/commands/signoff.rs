//! `rel approve --commit`: authors say of their own commits that they are fine.

use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::signoffs::{self, SignoffLedger};
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState};
use crate::domain::changes::Change;
use crate::domain::name::{Actor, Oid};
use crate::domain::ref_name::ChainRef;
use crate::domain::report::Document;
use crate::domain::report::changes::SignoffReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::text::clean;

/// Runs the verb.
///
/// # Errors
/// There is no such commit, or somebody else wrote it (exit 4).
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Approve) -> Result<Document> {
    let wanted = args.commits.iter().map(|text| wanted(text)).collect::<Result<Vec<_>>>()?;
    dry_run::settle(ui, reader)?;
    let snapshot = Snapshot::take(reader, ui.screen)?;
    let actor = signoffs::signer(reader, &snapshot)?;
    let mut own: Vec<Change> = Vec::new();
    for one in &wanted {
        for change in named(reader, &snapshot, one, &actor)? {
            if own.iter().all(|known| known.commit != change.commit) {
                own.push(change);
            }
        }
    }
    let mut changed: Vec<Oid> = Vec::new();
    dry_run::publish::<CandidatesState>(
        ui,
        reader,
        &ChainRef::of_candidates(reader.project()),
        &[],
        |view| {
            let said = SignoffLedger::read(reader, &snapshot, view)?;
            let all = own.iter().map(|change| change.commit);
            changed = all.filter(|commit| said.by(&actor, *commit) == args.withdraw).collect();
            let event = |&commit: &Oid| {
                let what = match args.withdraw {
                    true => CandidatesEventKind::SignoffWithdrawn { commit },
                    false => CandidatesEventKind::SignedOff { commit, reason: args.reason.clone() },
                };
                reader.event(commit.short().to_string(), &actor, what)
            };
            Ok((!changed.is_empty()).then(|| changed.iter().map(event).collect()))
        },
    )?;
    let lines: Vec<String> = own.iter().map(|change| told(change, &changed, args.withdraw)).collect();
    let text = match &lines[..] {
        [] => format!("{} wrote nothing of that; nothing to do", actor.name),
        lines => lines.join("\n"),
    };
    ui.screen.result(&if ui.options.dry_run { format!("dry run: {text}") } else { text });
    let commits = own.iter().map(|change| change.commit).collect();
    Ok(SignoffReport { commits, changed: !changed.is_empty() }.into())
}

fn told(change: &Change, changed: &[Oid], withdraw: bool) -> String {
    let (commit, subject) = (change.commit.short(), clean(&change.subject));
    let how = match (withdraw, changed.contains(&change.commit)) {
        (false, true) => "is signed off",
        (false, false) => "is signed off already",
        (true, true) => "is not signed off any more",
        (true, false) => "was not signed off",
    };
    format!("{commit} \"{subject}\" {how}")
}

/// What somebody asks to sign off.
enum Wanted<'a> {
    One(&'a str),
    Range(&'a str, &'a str),
}

/// What `--commit` says. git would take `A...B` for what either side has, and
/// an empty side for HEAD: a sign-off is of what somebody has named.
fn wanted(text: &str) -> Result<Wanted<'_>> {
    let Some((from, to)) = text.split_once("..") else { return Ok(Wanted::One(text)) };
    if from.is_empty() || to.is_empty() || to.starts_with('.') || to.contains("..") {
        return Err(Failure::new(Kind::Usage, format!("{text:?} is no range of commits"))
            .hint("--commit takes a commit, or A..B: what B has and A has not"));
    }
    Ok(Wanted::Range(from, to))
}

/// A commit, which has to be the caller's own; or those of a range that are.
fn named(reader: &Reader, snapshot: &Snapshot, wanted: &Wanted<'_>, actor: &Actor) -> Result<Vec<Change>> {
    let is_own = |change: &Change| change.author.is(actor);
    let point = |text: &str| Ok::<Oid, Failure>(snapshot.point(reader, text)?.commit);
    let commit = match *wanted {
        Wanted::One(text) => point(text)?,
        Wanted::Range(from, to) => {
            let changes = signoffs::asked(reader, snapshot, point(from)?, point(to)?)?;
            return Ok(changes.into_iter().filter(is_own).collect());
        }
    };
    let change = signoffs::written(reader, snapshot, commit)?;
    if is_own(&change) {
        return Ok(vec![change]);
    }
    let author = &change.author;
    Err(Failure::new(Kind::Refused, format!("{} is {}'s; nothing changed", commit.short(), author.name))
        .reason("signoff", format!("only {author} can sign it off"))
        .hint("git config user.email, and trunk's .mailmap, say who you are"))
}
