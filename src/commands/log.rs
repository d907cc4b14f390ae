//! `rel log`: deployments, newest first, and what they printed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Policy, Snapshot, TrunkAndPolicy, environment_tip};
use crate::delivery::recover::settle;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::output::BUILD;
use crate::delivery::run::workspace::log_path;
use crate::delivery::steps::look;
use crate::domain::config::Environment;
use crate::domain::name::{DeploymentId, EnvName, Oid, PrintedBy, TagName};
use crate::domain::report::Document;
use crate::domain::report::deployment::DeploymentReport;
use crate::domain::report::list::LogReport;
use crate::domain::search::Search;
use crate::domain::time_spec::{DayBound, parse_instant};
use crate::domain::version::ParsedTag;
use crate::failure::{Doing, Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::log;

/// Runs the verb.
///
/// Reads no further back than the newest `-n` that are asked for. A search
/// goes on to the end of the chains if it must: no clock decides an order, so
/// one deployment that is too old says nothing of those before it.
///
/// # Errors
/// There is no such environment or deployment; a moment cannot be read; what
/// one printed is neither on this machine nor published; the authority cannot
/// be reached.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::Log) -> Result<Document> {
    match &args.output {
        Some(PrintedBy::Deployment(id)) => return printed(ui, reader, hands, id, args.follow),
        Some(PrintedBy::Build(tag)) if !args.follow => return built(ui, reader, tag),
        Some(PrintedBy::Build(tag)) => {
            return Err(Failure::new(Kind::Usage, "only a deployment is followed")
                .hint(format!("rel log --output {tag}")));
        }
        None => {}
    }
    if args.format == cli::Format::Csv && ui.screen.is_json() {
        return Err(Failure::new(Kind::Usage, "--format csv and --json are two forms of one result")
            .hint("leave one of them out, and REL_JSON too"));
    }
    let search = search(reader, args)?;
    let footing = dry_run::look_at_chains(ui, reader, "log")?;
    let tips = tips(reader, &footing.policy, args)?;
    let one = tips.len() == 1;
    let deployments = deployments::all_deployments(reader, tips.into_iter())
        .filter(|found| found.as_ref().map_or(true, |deployment| search.takes(deployment)))
        .take(args.number)
        .map(|found| found.map(DeploymentReport))
        .collect::<Result<Vec<_>, _>>()?;
    ui.screen.result_of(|| match args.format {
        cli::Format::Csv => log::csv(&deployments),
        cli::Format::Table if !deployments.is_empty() || args.number == 0 => {
            log::table(ui.screen, &deployments, reader.world.now())
        }
        cli::Format::Table if search.is_narrow() => log::NONE_LIKE_IT.to_owned(),
        cli::Format::Table => {
            let mut names = args.environment.iter().chain(&args.environments).map(|name| name.as_str());
            log::none(names.next().filter(|_| one))
        }
    });
    Ok(delivering::document(ui.screen, &footing.policy, LogReport::Deployments { deployments }))
}

fn search(reader: &Reader, args: &cli::Log) -> Result<Search> {
    let now = reader.world.now();
    let read = |flag: &str, text: &Option<String>, end| match text {
        None => Ok(None),
        Some(text) => parse_instant(text, end, now).map(Some).map_err(|bad| {
            Failure::new(Kind::Usage, format!("{flag}: {bad}")).hint("rel log --since 7d, or rel log --help")
        }),
    };
    let since = read("--since", &args.since, DayBound::First)?;
    let until = read("--until", &args.until, DayBound::Last)?;
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Failure::new(Kind::Usage, "--since is later than --until: nothing lies between")
            .hint("rel log --since 2026-11-01 --until 2026-11-30"));
    }
    Ok(Search { since, until, by: args.by.clone(), states: args.states.clone() })
}

/// Where the chains of the environments that are named end; of all, where none is.
fn tips<'p>(reader: &Reader, policy: &'p Policy, args: &cli::Log) -> Result<Vec<(&'p EnvName, Option<Oid>)>> {
    let mut names: Vec<_> = args.environment.iter().chain(&args.environments).collect();
    names.sort();
    names.dedup();
    let mut wanted: Vec<&Environment> =
        names.into_iter().map(|name| policy.environment(name)).collect::<Result<_, _>>()?;
    if wanted.is_empty() {
        wanted = policy.config.environments.iter().collect();
        wanted.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let tip = |environment: &'p Environment| Ok((&environment.name, environment_tip(reader, environment)?));
    wanted.into_iter().map(tip).collect()
}

/// What a deployment printed: from the machine that ran it, if that is this
/// one, else as it was published; where it was not, the authority says where it
/// ran.
fn printed(ui: &Ui, reader: &Reader, hands: &Hands, id: &DeploymentId, follow: bool) -> Result<Document> {
    let path = log_path(reader, &id.environment, id.seq);
    let mut text = String::new();
    let mut shown = 0;
    loop {
        // Asked before it is read, so that the last words are.
        let goes_on = follow && settle::live_here(reader, id)? && !hands.interrupts.interrupted();
        let new = match read_from(&path, shown) {
            Ok(new) => new,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if goes_on {
                    std::thread::sleep(LOOK);
                    continue;
                }
                return elsewhere(ui, reader, id);
            }
            Err(error) => return Err(error).doing(format!("{} cannot be read", path.display())),
        };
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let ready = &new[..if goes_on { whole } else { new.len() }];
        shown += ready.len() as u64;
        show(ui, reader, ready);
        text.push_str(&String::from_utf8_lossy(ready));
        if !goes_on {
            return Ok(LogReport::Output { output: text }.into());
        }
        std::thread::sleep(LOOK);
    }
}

/// What the build of a candidate printed, whether it was made or not: from this
/// machine, else as it was published.
fn built(ui: &Ui, reader: &Reader, tag: &TagName) -> Result<Document> {
    let snapshot = Snapshot::read(reader)?;
    let found = match snapshot.style.parse(tag.as_str()) {
        Some(ParsedTag::Candidate(version)) => match read_from(&log_path(reader, &BUILD, &version), 0) {
            Ok(text) => Some(text),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Err(_) => match look::published_build_here(reader, &version)? {
                Some(text) => Some(text),
                None => look::published_build(reader, ui.screen, &version)?,
            },
        },
        _ => None,
    };
    let text = found.ok_or_else(|| {
        Failure::new(
            Kind::NotFound,
            format!("what the build of {tag} printed is neither on this machine nor published"),
        )
        .hint("rel list shows the candidates and the builds that failed")
        .hint("a deployment is written ENV#N, like prod#812")
    })?;
    show(ui, reader, &text);
    Ok(LogReport::Output { output: String::from_utf8_lossy(&text).into_owned() }.into())
}

fn read_from(path: &Path, shown: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(shown))?;
    let mut new = Vec::new();
    file.read_to_end(&mut new)?;
    Ok(new)
}

/// How often a deployment that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

fn show(ui: &Ui, reader: &Reader, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if reader.world.stdout_terminal {
        // The screen lets colours through and nothing else; the last one ends here.
        let reset = if text.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
        ui.screen.result(&format!("{}{reset}", text.replace("\r\n", "\n")));
    } else if !ui.screen.is_json() {
        ui.screen.raw(bytes);
    }
}

fn elsewhere(ui: &Ui, reader: &Reader, id: &DeploymentId) -> Result<Document> {
    let found = match look::published_here(reader, id)? {
        Some(text) => Ok(text),
        None => dry_run::settled(ui, reader, || look::published(reader, ui.screen, id))?,
    };
    match found {
        Ok(text) => {
            show(ui, reader, &text);
            Ok(LogReport::Output { output: String::from_utf8_lossy(&text).into_owned() }.into())
        }
        Err(footing) => Err(not_here(reader, id, &footing)?),
    }
}

/// Why there is nothing to show: no such deployment, or it ran elsewhere.
fn not_here(reader: &Reader, id: &DeploymentId, footing: &TrunkAndPolicy) -> Result<Failure> {
    let Some(deployment) = deployments::deployment(&reader.repo, chain(reader, &footing.policy, id)?, id)?
    else {
        return Ok(Failure::new(Kind::NotFound, format!("there is no deployment {id}"))
            .hint(format!("rel log {}", id.environment)));
    };
    let failure = Failure::new(Kind::NotFound, format!("what {id} printed is not on this machine"));
    let mut failure = match &deployment.host {
        Some(host) if reader.world.host().as_ref() == Some(host) => {
            failure.reason("output", format!("it ran on this machine, {host}, but in another clone"))
        }
        Some(host) => failure.reason("output", format!("it ran on {host}, by {}", deployment.actor.name)),
        None => failure.reason("output", format!("{} ran it elsewhere", deployment.actor.name)),
    };
    if let Some(run) = &deployment.run_url {
        failure = failure.hint(run.clone());
    }
    if let Some(way) = look::way_here(reader, &footing.policy, &deployment) {
        failure = failure.hint(way);
    }
    Ok(failure)
}

/// The chain that holds a deployment: one made under an environment's earlier
/// name keeps it.
fn chain(reader: &Reader, policy: &Policy, id: &DeploymentId) -> Result<Option<Oid>> {
    let name = &id.environment;
    let heir = policy.config.environments.iter().find(|e| e.formerly.contains(name));
    match policy.config.environment(name).or(heir) {
        Some(environment) => Ok(environment_tip(reader, environment)?),
        None => Ok(environment_tip(reader, policy.environment(name)?)?),
    }
}
