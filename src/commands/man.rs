//! `rel man`: the manual pages, made from what the command line says of itself.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{self, Cli};
use crate::delivery::read::reader::{Options, Reader};
use crate::domain::nearest::nearest;
use crate::domain::report::Document;
use crate::domain::report::clone::ManReport;
use crate::failure::{Doing, EXIT_CODES, Failure, Kind, Result};
use crate::ui::Screen;
use crate::world::{VARIABLES, World};

/// What `rel` keeps in the repository that decides, and what in this clone.
pub const FILES: [(&str, &str); 9] = [
    ("release.toml", "describes the project: what it is built by, where it goes, and what may refuse"),
    (
        "refs/tags/v1.5.0-rc.2",
        "a candidate: text, then trailers with its trunk commit, picks, artifacts, store and provenance",
    ),
    ("refs/tags/v1.5.0", "the release, on the same commit as the candidate that won"),
    ("refs/notes/rel/PROJECT/env/ENV", "an environment's chain"),
    ("refs/notes/rel/PROJECT/candidates", "the candidates' chain"),
    ("refs/rel/PROJECT/artifacts/VERSION", "artifacts kept in git; an ordinary clone does not fetch them"),
    (
        "refs/rel/PROJECT/output/ENV/N",
        "what deployment N printed, with publish = \"git\"; fetched only to be read",
    ),
    ("refs/rel/PROJECT/tags/", "in this clone: the remote's tags as last seen"),
    (
        "$GIT_DIR/rel/",
        "in this clone: a cache of artifacts, what commands printed, a journal of what was begun",
    ),
];

/// Runs the verb: prints a page as roff, or writes all of them.
///
/// # Errors
/// There is no such verb; the pages cannot be written.
pub fn run(world: &World, screen: &Screen, options: &Options, args: &cli::Man) -> Result<Document> {
    let root = root();
    if let Some(dir) = &args.dir {
        return write(screen, options, &root, &Reader::directory(world, options).join(dir));
    }
    let command = find(&root, &args.verb)?;
    let page = page(command)?;
    if !screen.is_json() {
        screen.raw(page.as_bytes());
    }
    Ok(ManReport::Page { page }.into())
}

/// The command line without `help`, whose pages these are.
fn root() -> Command {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    root
}

/// The verb of this name, or the part of one.
fn find<'c>(root: &'c Command, verb: &[String]) -> Result<&'c Command> {
    verb.iter().try_fold(root, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let failure = Failure::new(Kind::NotFound, format!("{} has no verb {word}", called(command)));
            if names.is_empty() { failure.hint("rel man") } else { failure.hint(nearest(word, &names)) }
        })
    })
}

fn called(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

/// Writes every page into a folder, as `rel-cut.1`.
fn write(screen: &Screen, options: &Options, root: &Command, dir: &Path) -> Result<Document> {
    let mut commands = vec![root];
    let mut at = 0;
    while let Some(command) = commands.get(at) {
        commands.extend(command.get_subcommands());
        at += 1;
    }
    let shown = dir.display();
    if !options.dry_run {
        std::fs::create_dir_all(dir).doing(format!("{shown} cannot be made"))?;
    }
    let mut written = Vec::new();
    for command in commands {
        let name = Man::new(command.clone()).get_filename();
        let page = page(command)?;
        if !options.dry_run {
            std::fs::write(dir.join(&name), page).doing(format!("{name} cannot be written to {shown}"))?;
        }
        written.push(name);
    }
    let would = if options.dry_run { "would be " } else { "" };
    screen.result(&format!("{} pages {would}written to {shown}", written.len()));
    Ok(ManReport::Written { written, dry_run: options.dry_run }.into())
}

/// A page. What holds for all verbs is in that of `rel`.
fn page(command: &Command) -> Result<String> {
    let is_root = called(command) == "rel";
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let shown = command.clone().mut_args(|arg| {
        let elsewhere = arg.get_id() == "help" || !is_root && arg.is_global_set();
        let hidden = arg.is_hide_set() || elsewhere;
        arg.hide(hidden)
    });
    let usage = command.clone().render_usage().to_string();
    let shown = shown
        .override_usage(usage.trim_start_matches("Usage: ").to_owned())
        .subcommand_help_heading("COMMANDS");
    let man = Man::new(shown)
        // Nobody knows when a page changed; without any text the footer would move up.
        .date(" ")
        .source(concat!("rel ", env!("CARGO_PKG_VERSION")))
        .manual("Two-step delivery from git");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("rel {alias}")).collect();
    if !aliases.is_empty() {
        let mut roff = Roff::new();
        roff.control("PP", []).text([bold(aliases.join(", ")), roman(" is the same.")]);
        roff.to_writer(&mut page)?;
    }
    if command.get_arguments().any(|arg| is_root || !arg.is_global_set() && arg.get_id() != "help") {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    examples(&mut roff, &after);
    if is_root {
        everywhere(&mut roff, command);
    } else {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("rel"), roman("(1), for global options, exit status, environment and files")]);
    }
    roff.to_writer(&mut page)?;
    String::from_utf8(page).doing("a page is no text")
}

/// What stands after a verb's help, line by line as it is.
fn examples(roff: &mut Roff, after: &str) {
    let lines = after.strip_prefix("Examples:\n").unwrap_or(after);
    if lines.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
}

/// The sections that hold for every verb.
fn everywhere(roff: &mut Roff, root: &Command) {
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        roff.control("TP", ["5"]).text([bold(code.to_string())]).text([roman(meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for arg in root.get_arguments() {
        let (Some(variable), Some(flag)) = (arg.get_env(), arg.get_long()) else { continue };
        let variable = variable.to_string_lossy().into_owned();
        roff.control("TP", []).text([bold(variable)]).text([
            roman("the same as "),
            bold(format!("--{flag}")),
            roman(", which beats it"),
        ]);
    }
    for (variable, meaning) in VARIABLES {
        roff.control("TP", []).text([bold(variable)]).text([roman(meaning)]);
    }
    roff.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        roff.control("TP", []).text([bold(file)]).text([roman(meaning)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    let verbs = root.get_subcommands().map(|verb| format!("rel-{}", verb.get_name()));
    for verb in verbs {
        roff.text([bold(verb), roman("(1),")]);
    }
    roff.text([bold("git"), roman("(1), "), bold("git-notes"), roman("(1)")]);
}
