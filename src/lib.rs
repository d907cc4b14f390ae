//! `rel`: two-step delivery from Git alone.
//!
//! The map, from the top floor down. An arrow only ever points down, and no
//! files import each other in a circle.
//!
//! | floor | what it holds |
//! |---|---|
//! | [`commands`] | one file per verb: its arguments, its request, its questions |
//! | [`ui`] | facts made text or JSON; errors made words, hints and exit codes; prompts |
//! | [`delivery`] | the two steps: takes a request, gives a report or an error, tells what goes on |
//! | [`delivery::steps`] | deploy, rollback, record, look: what verbs call |
//! | [`delivery::recover`] | what dead and offline runs left: settled, merged, stopped |
//! | [`delivery::candidate`] | cut, pick, build, mint |
//! | [`delivery::run`] | claim, workspace, rollout, outcome, receipt |
//! | [`delivery::read`] | what is so: snapshot, deployments, containment, changelog |
//! | [`store`] | git and the disk: the only floor that names git2 |
//! | [`exec`] | other people's commands: process groups, timeouts, signals |
//! | [`config`] | `release.toml`: text to types, and back |
//! | [`domain`] | the rules, pure; verbs' documents in [`domain::report`] |
//!
//! Beside them: [`cli`], the command line as types; [`world`], the working
//! directory, environment, clock, terminal and randomness, read there and
//! nowhere else; [`failure`], an error as it is told, and the exit codes;
//! [`failpoint`], where tests make a run fail.
//!
//! On disk, in the repository that decides (a remote, or this one):
//!
//! | ref | holds |
//! |---|---|
//! | `refs/tags/v1.5.0-rc.2` | a candidate |
//! | `refs/tags/v1.5.0` | a release that reached a final environment |
//! | `refs/notes/rel/<project>/env/<env>` | an environment's chain |
//! | `refs/notes/rel/<project>/candidates` | the candidates' chain |
//! | `refs/rel/<project>/artifacts/<version>` | artifacts kept in git |
//! | `refs/rel/<project>/output/<env>/<n>` | what a deployment printed, where that is published |
//!
//! In this clone alone: `refs/rel/<project>/tags/` (the authority's tags as
//! last seen), and the folder `rel` in the common git directory: the cache of
//! artifacts, what commands printed and what of that is still to be published,
//! the journal of what was begun, what chains came to when they were last read,
//! and how tags contain each other.

mod cli;
mod commands;
pub mod config;
mod delivery;
pub mod domain;
mod exec;
mod failpoint;
pub mod failure;
pub mod store;
mod ui;
pub mod world;

/// What the manual says of this crate is checked against.
#[doc(hidden)]
pub mod manual {
    pub use crate::commands::man::FILES;
    pub use crate::delivery::run::output::MOST;
}

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Color, ConfigVerb, Verb};
use crate::delivery::read::reader::{Options, Reader};
use crate::delivery::run::hands::Hands;
use crate::domain::report::Document;
use crate::exec::{Interrupts, Processes};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::prompt::Terminal;
use crate::ui::{ColorChoice, Screen};
use crate::world::World;

/// What is said where standard output takes no result: what the run did, it did.
const LOST: &str = "it is done, but its result could not be written to standard output";

/// Runs `rel` with these arguments, in the world that `look` tells of once
/// it is needed.
pub fn run(argv: impl IntoIterator<Item = OsString>, look: impl FnOnce() -> World) -> ExitCode {
    let argv: Vec<OsString> = argv.into_iter().collect();
    if let Some(code) = exec::keep_output(&argv) {
        return code;
    }
    if argv.len() == 2 && (argv[1] == "--version" || argv[1] == "-V") {
        // Asked by scripts at every start: answered before the command line is built and the world looked at.
        return match writeln!(std::io::stdout(), "rel {}", env!("CARGO_PKG_VERSION")) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                let _ = writeln!(std::io::stderr(), "error: {LOST}\n  caused by: {error}");
                ExitCode::from(Kind::Failed.exit_code())
            }
            Ok(()) | Err(_) => ExitCode::SUCCESS,
        };
    }
    let world = look();
    if let Some(code) = commands::completions::answer(&argv, &world) {
        return code;
    }
    if let Some(code) = commands::help::answer(&argv) {
        return code;
    }
    let cli = match parse(&argv) {
        Ok(cli) => cli,
        Err(error) => return usage(&argv, &world, &error),
    };
    let screen = screen(&world, &cli);
    let result = Interrupts::install()
        .map_err(Failure::from)
        .and_then(|interrupts| dispatch(&argv, &cli, &world, &screen, &interrupts));
    let code = match result {
        Ok(document) => {
            if cli.global.json {
                screen.json(&document);
            }
            // The process ends: thousands of names need not be given back piece by piece.
            std::mem::forget(document);
            0
        }
        Err(failure) => {
            let code = failure.kind.exit_code();
            tell(&screen, &failure);
            code
        }
    };
    match (code, screen.lost_result()) {
        (0, Some(why)) => {
            let failure = Failure::failed(LOST).because(std::io::Error::from(why));
            screen.error(&ui::failure(&failure, &screen));
            ExitCode::from(failure.kind.exit_code())
        }
        _ => ExitCode::from(code),
    }
}

/// Reads the command line. What it is read by is not given back piece by piece, which costs a
/// tenth of a verb that looks.
fn parse(argv: &[OsString]) -> std::result::Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let read = command.try_get_matches_from_mut(argv).and_then(|mut matches| {
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    });
    std::mem::forget(command);
    read
}

fn options(Cli { global, verb }: &Cli) -> Options {
    Options {
        directory: global.directory.clone(),
        config: global.config.clone(),
        project: global.project.clone(),
        dry_run: global.dry_run,
        yes: global.yes,
        json: global.json,
        offline: global.offline,
        // Nothing new goes anywhere under a policy that nobody can read.
        strict: matches!(
            verb,
            Verb::Cut(_) | Verb::CherryPick(_) | Verb::Deploy(_) | Verb::Ship(_) | Verb::Record(_)
        ),
    }
}

fn tell(screen: &Screen, failure: &Failure) {
    if screen.is_json() {
        screen.json(&ui::failure_document(failure));
    }
    screen.error(&ui::failure(failure, screen));
}

fn screen(world: &World, cli: &Cli) -> Screen {
    let no_color = world.var("NO_COLOR").is_some();
    let forced = world.var("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let color = match cli.global.color {
        Color::Auto if forced && !no_color => ColorChoice::Always,
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let no_color = no_color || world.var("TERM") == Some("dumb") || world.var("CLICOLOR") == Some("0");
    Screen::new(
        world.stdout_terminal,
        world.stderr_terminal,
        color,
        no_color,
        cli.global.quiet,
        cli.global.verbose,
        cli.global.json,
    )
}

/// What clap has to say: help and version as they are, anything else as a
/// failure of usage, in JSON where JSON was asked for.
fn usage(argv: &[OsString], world: &World, error: &clap::Error) -> ExitCode {
    let json =
        argv.iter().any(|arg| arg == "--json") || world.var("REL_JSON").and_then(cli::says_yes) == Some(true);
    let informative = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if json && !informative {
        let message = error.render().to_string();
        // What is wrong, and what with: the usage after it is for people.
        let lines: Vec<&str> = message.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let text = lines.join(" ");
        let failure = Failure::new(Kind::Usage, text.trim_start_matches("error: ")).hint("rel --help");
        let screen = Screen::new(
            world.stdout_terminal,
            world.stderr_terminal,
            ColorChoice::Never,
            true,
            true,
            0,
            true,
        );
        screen.json(&ui::failure_document(&failure));
    }
    // A closed pipe is no reason to fail at saying so.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Kind::Usage.exit_code() } else { 0 })
}

/// For verbs that publish: they do so in one place, or begin nothing.
fn publishes(reader: Reader<'_>) -> Result<Reader<'_>> {
    if !reader.offline {
        reader.authority().is_one_place(&reader.repo)?;
    }
    Ok(reader)
}

fn dispatch(
    argv: &[OsString],
    cli: &Cli,
    world: &World,
    screen: &Screen,
    interrupts: &Interrupts,
) -> Result<Document> {
    let options = &options(cli);
    let interactive = world.stdin_terminal && world.stderr_terminal;
    let ui = &Ui { screen, asker: &Terminal, options, interactive };
    let hands = &Hands { runner: &Processes, interrupts };
    let open = || Ok(Reader::open(world, options)?);
    let whole = || open()?.with_history(options, screen);
    let opens = || publishes(open()?);
    let begins = || publishes(whole()?);
    match &cli.verb {
        Verb::Init(_) => commands::init::run(world, screen, ui.asker, options),
        Verb::Demo(args) => commands::demo::run(world, screen, interrupts, args.dir.as_deref()),
        Verb::Cut(args) => commands::cut::run(ui, &begins()?, hands, args),
        Verb::CherryPick(args) => commands::cherry_pick::run(ui, &begins()?, hands, args),
        Verb::Deploy(args) => commands::deploy::run(ui, &begins()?, hands, args),
        Verb::Rollback(args) => commands::rollback::run(ui, &begins()?, hands, args),
        Verb::Ship(args) => commands::ship::run(ui, &begins()?, hands, args),
        Verb::Status(args) => commands::status::run(ui, &whole()?, hands, args),
        Verb::List(args) => commands::list::run(ui, &whole()?, args),
        Verb::Log(args) => commands::log::run(ui, &open()?, hands, args),
        Verb::Changelog(args) => commands::changelog::run(ui, &whole()?, args),
        Verb::Show(args) => commands::show::run(ui, &whole()?, args),
        Verb::Diff(args) => commands::diff::run(ui, &whole()?, args),
        Verb::Where(args) => commands::r#where::run(ui, &whole()?, args),
        Verb::Approve(args) if !args.commits.is_empty() => commands::signoff::run(ui, &begins()?, args),
        Verb::Approve(args) => commands::approve::run(ui, &opens()?, args),
        Verb::Block(args) => commands::block::run(ui, &opens()?, args, false),
        Verb::Unblock(args) => commands::block::run(ui, &opens()?, args, true),
        Verb::Waive(args) => commands::waive::run(ui, &begins()?, args),
        Verb::Lock(args) => commands::lock::run(ui, &opens()?, args),
        Verb::Unlock(args) => commands::unlock::run(ui, &opens()?, args),
        Verb::Record(args) => commands::record::run(ui, &begins()?, hands, args),
        Verb::Resolve(args) => commands::resolve::run(ui, &opens()?, args),
        Verb::Sync(args) => commands::sync::run(ui, &opens()?, hands, args),
        Verb::Doctor => commands::doctor::run(world, screen, options, open),
        Verb::Fsck(args) => commands::fsck::run(ui, &open()?, args),
        Verb::Config(args) => match args.verb {
            ConfigVerb::Check => commands::config::check(world, screen, options),
            ConfigVerb::Schema => commands::config::schema(screen),
            ConfigVerb::Show => commands::config::show(ui, &open()?),
        },
        Verb::Completions(args) => {
            let program = argv.first().map_or(OsStr::new("rel"), OsString::as_os_str);
            commands::completions::run(world, screen, program, args)
        }
        Verb::Man(args) => commands::man::run(world, screen, options, args),
    }
}
