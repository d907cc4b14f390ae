//! `rel doctor`: looks at git, this clone and the remote, and says what will
//! fail or come out short, and what to do about each.
//!
//! It leaves everything as it found it: what is tried at the remote is removed
//! again, and a clone stays the kind it was.

mod here;
mod remote;

use crate::delivery::read::reader::{CONFIG_FILE, Options, Reader};
use crate::delivery::sink::Sink;
use crate::domain::report::Document;
use crate::domain::report::clone::{Check, CheckVerdict, DoctorReport};
use crate::failure::{Failure, Kind, Result};
use crate::store::authority::Authority;
use crate::store::repo::Repo;
use crate::ui::Screen;
use crate::ui::doctor;
use crate::world::World;

/// Runs the verb. `open` finds the repository and the project, which may be
/// what is wrong.
///
/// # Errors
/// Something will fail ([`Kind::Refused`]); every check stands beside `error`.
pub fn run<'a>(
    world: &World,
    screen: &Screen,
    options: &Options,
    open: impl Fn() -> Result<Reader<'a>>,
) -> Result<Document> {
    let checks = examine(world, options, screen, open);
    screen.result(&doctor::table(screen, &checks));
    let count = |verdict: CheckVerdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (problems, notes) = (count(CheckVerdict::Problem), count(CheckVerdict::Note));
    if problems > 0 {
        let word = if problems == 1 { "problem" } else { "problems" };
        return Err(Failure::new(Kind::Refused, format!("{problems} {word} found; nothing changed"))
            .hint("what to do stands beside each")
            .beside(|beside| beside.doctor = Some(DoctorReport { checks })));
    }
    screen.note(&match notes {
        0 => "nothing stands in the way".to_owned(),
        1 => "nothing stands in the way; 1 note".to_owned(),
        _ => format!("nothing stands in the way; {notes} notes"),
    });
    Ok(DoctorReport { checks }.into())
}

/// Everything that is looked at, in an order in which what comes first
/// explains what comes later.
fn examine<'a>(
    world: &World,
    options: &Options,
    sink: &dyn Sink,
    open: impl Fn() -> Result<Reader<'a>>,
) -> Vec<Check> {
    let mut found = vec![here::git(world)];
    let directory = Reader::directory(world, options);
    let repo = match Repo::discover(world, &directory) {
        Ok(repo) => repo,
        Err(error) => {
            found.push(Check::failed("repository", &error.into()));
            let file =
                options.config.as_ref().map_or(directory.join(CONFIG_FILE), |file| world.cwd.join(file));
            if let Ok(text) = std::fs::read_to_string(&file) {
                found.push(here::config(&text, CONFIG_FILE));
            }
            return found;
        }
    };
    found.push(here::repository(&repo));
    let opened = open();
    let (reader, authority) = match &opened {
        Ok(reader) => (Some(reader), Some(reader.authority())),
        Err(_) => (None, usual_remote(&repo).map(Authority::Remote)),
    };
    if let Some(Authority::Remote(remote)) = &authority {
        found.extend(here::clone(&repo, remote));
    }
    found.push(here::identity(&repo));
    found.push(match &opened {
        Ok(reader) => here::config(&reader.home.text, &reader.home.found),
        Err(failure) => Check::failed("release.toml", failure),
    });
    found.extend(reader.map(here::unpublished));
    match authority {
        Some(authority) => found.extend(remote::look(&repo, &authority, sink, reader, options)),
        None => found.push(Check::note("remote", "there is none").hint("git remote add origin ADDRESS")),
    }
    found
}

/// The remote that is meant where nothing says which.
fn usual_remote(repo: &Repo) -> Option<String> {
    let mut remotes = repo.remotes();
    if remotes.iter().any(|name| name == "origin") {
        return Some("origin".to_owned());
    }
    remotes.pop().filter(|_| remotes.is_empty())
}
