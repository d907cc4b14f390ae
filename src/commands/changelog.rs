//! `rel changelog`: what a release brings, printed or put into a file.

use std::path::Path;

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::changelog;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::Minted;
use crate::domain::report::Document;
use crate::domain::report::changelog::{ChangelogReport, PrependReport};
use crate::failure::{Doing, Failure, Kind, Result};
use crate::store::file;
use crate::ui::changelog::{self as written, Template};
use crate::ui::front::Ui;
use crate::ui::{plan::count, section, text};

/// Runs the verb.
///
/// # Errors
/// There is no such candidate, or none at all; its tag is not the one that
/// was minted; a file cannot be read or written; the template is wrong (exit
/// 2); the authority cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Changelog) -> Result<Document> {
    let template = args.template.as_deref().map(|file| template(ui, reader, file)).transpose()?;
    let snapshot = dry_run::look(ui, reader, "changelog")?;
    let minted = match &args.candidate {
        Some(text) => snapshot.candidate(reader, text)?,
        None => newest(&snapshot)?,
    };
    let mut report = changelog::gather(reader, ui.screen, &snapshot, minted)?;
    let text = written::write(&report, template.as_ref()).map_err(|bad| {
        let name = template.as_ref().map_or("the built-in template", |template| template.name.as_str());
        let at = bad.line.map_or(String::new(), |line| format!(", line {line}"));
        Failure::new(Kind::Usage, format!("{name} cannot be used as a template"))
            .reason("template", format!("{name}{at}: {}", bad.why))
            .hint("what a template is given stands in the README, under \"Changelog templates\"")
    })?;
    match &args.prepend {
        Some(file) => report.file = Some(prepend(ui, reader, &snapshot, &report, file, &text)?),
        None => ui.screen.result(&text),
    }
    Ok(delivering::document(ui.screen, &snapshot.policy, report))
}

/// The newest candidate.
fn newest(snapshot: &Snapshot) -> Result<&Minted> {
    snapshot.pool.iter().max_by(|a, b| a.order().cmp(&b.order())).ok_or_else(|| {
        Failure::new(Kind::NotFound, "there are no candidates yet, so nothing to tell of").hint("rel cut")
    })
}

fn template(ui: &Ui, reader: &Reader, file: &Path) -> Result<Template> {
    let path = Reader::directory(reader.world, ui.options).join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(Kind::Usage, format!("{} cannot be read", file.display()))
            .hint("name a template that is there, or leave --template out")
            .because(error)
    })?;
    Ok(Template { name: file.display().to_string(), text })
}

/// Puts the section into a file, or says what it would put there.
fn prepend(
    ui: &Ui,
    reader: &Reader,
    snapshot: &Snapshot,
    changelog: &ChangelogReport,
    file: &Path,
    section: &str,
) -> Result<PrependReport> {
    if !section::is_section(section) {
        return Err(Failure::new(Kind::Usage, "what the template writes cannot be put into a changelog")
            .reason("template", "it does not begin with a heading of the second rank, as in `## 1.6.0`")
            .hint("let the template begin with `## {{ release }}`, or leave --prepend out"));
    }
    let shown = text::clean(&file.display().to_string());
    let path = Reader::directory(reader.world, ui.options).join(file);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(Failure::new(Kind::Usage, format!("{shown} is not UTF-8 text"))
                .hint("name a Markdown file, or one that is not there yet"));
        }
        Err(error) => return Err(error).doing(format!("{shown} cannot be read")),
    };
    let release = &changelog.release;
    let names = [
        release.to_string(),
        snapshot.style.release(release).to_string(),
        changelog.version.to_string(),
        changelog.tag.to_string(),
    ];
    let prepended = section::prepend(&before, section, &names.each_ref().map(String::as_str));
    let changed = prepended.text != before;
    let report = PrependReport {
        file: path.display().to_string(),
        replaced: prepended.replaced,
        changed,
        dry_run: ui.options.dry_run,
    };
    if ui.options.dry_run {
        ui.screen.result(section);
        let what = match (changed, prepended.replaced) {
            (false, _) => "has it already",
            (true, true) => "would have its section replaced by this",
            (true, false) => "would get this",
        };
        ui.screen.note(&format!("dry run: {shown} {what}; nothing changed"));
        return Ok(report);
    }
    if changed {
        file::replace(&path, &prepended.text)?;
    }
    let what = match (changed, prepended.replaced) {
        (false, _) => format!("has {release} as it is: nothing to do"),
        (true, true) => format!("has a new section {release} in place of the old one"),
        (true, false) => format!("has a section {release} now"),
    };
    let news = count(changelog.changes.len(), "change", "changes");
    ui.screen.result(&format!("{shown} {what} ({news} since {})", changelog.since));
    Ok(report)
}
