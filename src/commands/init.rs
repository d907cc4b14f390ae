//! `rel init`: a first `release.toml`.
//!
//! Looks at the repository, says what it would write, asks where somebody can
//! answer, and writes that one file. It commits and pushes nothing, and leaves
//! a file that is there alone.

mod triggers;

use crate::domain::report::Document;
use crate::domain::report::clone::InitReport;
use std::io::Write as _;
use std::path::Path;

use self::triggers::Trigger;
use crate::config::init::{
    ANSWERED, Facts, Numbering, Proposal, ProposedBuild, TOLD_BY, detect, render, scheme_name,
};
use crate::config::{self, FILE_NAME};
use crate::delivery::read::reader::{Options, Reader};
use crate::domain::config::{Config, Scheme};
use crate::domain::name::{EnvName, ProjectName, TagName};
use crate::domain::ref_name::{self, BranchRef};
use crate::domain::version::{Notation, TagStyle};
use crate::failure::{Doing, Failure, Kind, Result};
use crate::store::error::Task;
use crate::store::git::Git;
use crate::store::repo::Repo;
use crate::ui::prompt::Asker;
use crate::ui::screen::Screen;
use crate::ui::table::labelled;
use crate::ui::text;
use crate::world::World;

/// How often an answer that does not do is asked for again.
const TRIES: usize = 3;

/// Proposes, asks and writes. Gives the document: `{written, config, commit,
/// warnings}`, where `written` is null with `--dry-run`.
///
/// # Errors
/// There is a `release.toml` (exit 4; it stays as it is), or no working tree;
/// nobody can be asked and there is no `--yes` (exit 2); the answer was no.
pub fn run(world: &World, screen: &Screen, asker: &dyn Asker, options: &Options) -> Result<Document> {
    let repo = Repo::discover(world, &Reader::directory(world, options))?;
    let Some(top) = repo.work_dir() else {
        return Err(Failure::new(Kind::Refused, "a bare repository has no place for release.toml")
            .hint("run it in a clone of this repository"));
    };
    let file = top.join(FILE_NAME);
    if file.symlink_metadata().is_ok() {
        return Err(exists(&file));
    }
    let mut facts = facts(&repo, top)?;
    if let Some(name) = &options.project {
        facts.name = name.to_string();
    }
    let mut proposal = detect(&facts);
    if !options.yes && !options.dry_run {
        if !(world.stdin_terminal && world.stderr_terminal && !options.json) {
            return Err(Failure::new(
                Kind::Usage,
                "release.toml needs a few answers, and nobody can be asked here",
            )
            .hint("take the detected answers: rel init --yes")
            .hint("or see them first: rel init --dry-run"));
        }
        screen.note("This writes release.toml. Enter takes what is in brackets.");
        proposal = ask(asker, screen, proposal)?;
    }
    let written = render(&proposal);
    // What was typed is quoted and checked; this is the proof.
    let config = config::parse(&written, FILE_NAME)?.config;
    let warnings = warnings(top, &proposal, &config);
    let commit = commit(&repo, top, &config);
    if options.dry_run {
        screen.result(&written);
    } else {
        write(&file, &written)?;
        screen.result(&report(screen, repo.head_branch().as_deref(), &proposal, &config, &commit));
    }
    for warning in &warnings {
        screen.warn(&text::clean(warning));
    }
    let written = (!options.dry_run).then(|| file.display().to_string());
    Ok(InitReport { written, config, commit, warnings }.into())
}

fn exists(file: &Path) -> Failure {
    Failure::new(Kind::Refused, format!("{} is there already; nothing changed", file.display()))
        .hint("rel config check")
}

// ---- looking ----

fn facts(repo: &Repo, top: &Path) -> Result<Facts> {
    let remotes = Git::new(repo).arg("remote").run_ok(Task::ListRemotes)?.stdout_text();
    let remote = remote(repo, &remotes.lines().collect::<Vec<_>>());
    let address = remote.as_ref().and_then(|(remote, _)| repo.remote_url(remote));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(top).doing(format!("{} cannot be read", top.display()))? {
        files.extend(entry?.file_name().into_string());
    }
    // The one file below the top that tells a program from a library.
    files.extend(["src/main.rs"].into_iter().filter(|file| top.join(file).is_file()).map(str::to_owned));
    let told = TOLD_BY.into_iter().filter_map(|file| Some((file.to_owned(), triggers::read(top, file)?)));
    Ok(Facts {
        name: name(address.as_deref(), top),
        trunk: trunk(repo, remote.as_ref().map(|(remote, _)| remote.as_str()))?,
        remote,
        address,
        texts: told.collect(),
        files,
        tags: tags(repo)?,
    })
}

/// The tags of this clone, those of the newest commits first.
fn tags(repo: &Repo) -> Result<Vec<String>> {
    let mut dated = Vec::new();
    for (name, target) in repo.tags()? {
        if let Some(commit) = repo.peel_to_commit(target)? {
            dated.push((repo.commit(commit)?.commit_time, name.short().to_owned()));
        }
    }
    dated.sort_by(|a, b| b.cmp(a));
    Ok(dated.into_iter().map(|(_, name)| name).collect())
}

/// The last part of the remote's address, or the folder's name.
fn name(address: Option<&str>, top: &Path) -> String {
    let folder = || top.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    address
        .and_then(|address| address.trim_end_matches('/').rsplit(['/', ':']).next())
        .filter(|name| !name.trim_end_matches(".git").is_empty())
        .map_or_else(folder, str::to_owned)
}

/// The remote of the current branch; else `origin`; else the only one. And why.
fn remote(repo: &Repo, remotes: &[&str]) -> Option<(String, String)> {
    let branch = repo.head_branch();
    let tracked = branch.as_ref().and_then(|branch| repo.config(&format!("branch.{branch}.remote")));
    let known = |name: &str| remotes.contains(&name);
    let found = |remote: &str, why: &str| Some((remote.to_owned(), why.to_owned()));
    match (tracked, remotes) {
        (_, [only]) => found(only, "the only remote"),
        (Some(tracked), _) if known(&tracked) => {
            found(&tracked, &format!("the remote of {}", branch.unwrap_or_default()))
        }
        _ if known("origin") => found("origin", "of several remotes the one with the usual name"),
        _ => None,
    }
}

/// What the remote calls its HEAD; else a branch of a usual name that it has;
/// else the current branch, which comes late because it may be somebody's
/// topic; else, where HEAD is detached, a local branch of a usual name. And
/// what told.
fn trunk(repo: &Repo, remote: Option<&str>) -> Result<Option<(String, String)>> {
    let usual = |folder: &str| {
        for branch in ["main", "master", "trunk", "develop"] {
            if repo.ref_target(format!("{folder}{branch}"))?.is_some() {
                return Ok::<_, Failure>(Some(branch.to_owned()));
            }
        }
        Ok(None)
    };
    if let Some(remote) = remote {
        if let Some(branch) = repo.remote_head_branch(remote) {
            return Ok(Some((branch, format!("the HEAD of {remote}"))));
        }
        if let Some(branch) = usual(&ref_name::remote_branches(remote))? {
            return Ok(Some((branch, format!("the branch of a usual name that {remote} has"))));
        }
    }
    match repo.head_branch() {
        Some(branch) => Ok(Some((branch, "the branch that is checked out".to_owned()))),
        None => Ok(usual(BranchRef::FOLDER)?.map(|branch| (branch, "the usual name".to_owned()))),
    }
}

// ---- asking ----

fn ask(asker: &dyn Asker, screen: &Screen, proposal: Proposal) -> Result<Proposal> {
    let default = proposal.name.to_string();
    let name = answer(asker, screen, "Name of the project", &default, |typed| {
        typed.parse::<ProjectName>().map_err(|bad| bad.to_string())
    })?;
    let told = |typed: String, guess: &(String, String)| {
        if typed == guess.0 { guess.clone() } else { (typed, ANSWERED.to_owned()) }
    };
    let trunk = answer(asker, screen, "Branch to release from", &proposal.trunk.0, |typed| {
        if typed.parse::<TagName>().is_err() || ref_name::is_full(typed) {
            return Err(format!("{typed:?} is no name of a branch"));
        }
        Ok(typed.to_owned())
    })?;
    // Nothing typed is the default, so that "none" needs a word of its own.
    let shown = if proposal.remote.0.is_empty() { "none" } else { &proposal.remote.0 };
    let question = "Remote that decides about history and tags, or none";
    let remote = answer(asker, screen, question, shown, |typed| {
        if typed.starts_with('-') || typed.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(format!("{typed:?} is no name of a remote"));
        }
        Ok(if typed == "none" { String::new() } else { typed.to_owned() })
    })?;
    let numbering = ask_numbering(asker, screen, &name, proposal.numbering.clone())?;
    Ok(Proposal {
        trunk: told(trunk, &proposal.trunk),
        remote: told(remote, &proposal.remote),
        // The folder was guessed by the package whose tags were guessed.
        folder: proposal.folder.clone().filter(|_| numbering.package.is_some()),
        numbering,
        build: ask_build(asker, screen, proposal.build.clone())?,
        environments: ask_environments(asker, screen, &proposal.environments)?,
        name,
        ..proposal
    })
}

fn ask_numbering(
    asker: &dyn Asker,
    screen: &Screen,
    name: &ProjectName,
    guess: Numbering,
) -> Result<Numbering> {
    screen.note(&text::clean(&format!("Tags: {}.", guess.because)));
    let tag = answer(asker, screen, "Tags of releases", &guess.tag, |typed| {
        TagStyle::new(typed, name, Notation::default())
            .map(|_| typed.to_owned())
            .map_err(|bad| bad.to_string())
    })?;
    let schemes = [Scheme::Semver, Scheme::Calver, Scheme::Sequence];
    let question = "Numbers of releases: semver, calver or sequence";
    let scheme = answer(asker, screen, question, scheme_name(guess.notation.scheme), |typed| {
        let known = schemes.into_iter().find(|scheme| scheme_name(*scheme) == typed);
        known.ok_or_else(|| format!("{typed:?} is none of semver, calver and sequence"))
    })?;
    if (&tag, scheme) == (&guess.tag, guess.notation.scheme) {
        return Ok(guess);
    }
    Ok(Numbering {
        notation: Notation { scheme, ..guess.notation },
        because: ANSWERED.to_owned(),
        notes: Vec::new(),
        newest: guess.newest.filter(|_| tag == guess.tag),
        package: guess.package.filter(|_| tag == guess.tag),
        tag,
    })
}

fn ask_build(
    asker: &dyn Asker,
    screen: &Screen,
    guess: Option<ProposedBuild>,
) -> Result<Option<ProposedBuild>> {
    let guessed = guess.as_ref().map_or("none", |build| build.command.as_str());
    let command = answer(asker, screen, "Build command, or none", guessed, |typed| Ok(typed.to_owned()))?;
    Ok(match guess {
        _ if command == "none" => None,
        Some(build) if build.command == command => Some(build),
        guess => {
            let made = guess.map(|build| build.artifacts.join(" ")).filter(|made| !made.is_empty());
            let made = made.unwrap_or_else(|| "dist/*".to_owned());
            let question = "Files it makes that are to be kept, as patterns";
            let artifacts = answer(asker, screen, question, &made, |typed| {
                let patterns: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
                if patterns.is_empty() { Err("name at least one".to_owned()) } else { Ok(patterns) }
            })?;
            let because = ANSWERED.to_owned();
            Some(ProposedBuild { because, command, artifacts, ..ProposedBuild::default() })
        }
    })
}

fn ask_environments(asker: &dyn Asker, screen: &Screen, usual: &[EnvName]) -> Result<Vec<EnvName>> {
    let default = usual.iter().map(EnvName::as_str).collect::<Vec<_>>().join(" ");
    answer(asker, screen, "Environments, in the order a release passes them", &default, |typed| {
        let mut names: Vec<EnvName> = Vec::new();
        for word in typed.split([',', ' ']).filter(|word| !word.is_empty() && *word != "->") {
            let name: EnvName = word.parse().map_err(|bad: crate::domain::name::BadName| bad.to_string())?;
            if names.contains(&name) {
                return Err(format!("{name} is there twice"));
            }
            names.push(name);
        }
        if names.is_empty() { Err("name at least one".to_owned()) } else { Ok(names) }
    })
}

fn answer<T>(
    asker: &dyn Asker,
    screen: &Screen,
    question: &str,
    default: &str,
    accept: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    for _ in 0..TRIES {
        let typed = asker.input(question, Some(default)).doing("the answer could not be read")?;
        let Some(typed) = typed else {
            return Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed"));
        };
        match accept(&typed) {
            Ok(value) => return Ok(value),
            Err(why) => screen.note(&text::clean(&why)),
        }
    }
    Err(Failure::new(Kind::Usage, "that many wrong answers; nothing changed").hint("rel init --yes"))
}

// ---- the file ----

/// Puts the file there whole, or not at all; never over another.
fn write(file: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let doing = || format!("{} cannot be written", file.display());
    let folder = file.parent().unwrap_or(Path::new("."));
    // As any file of the user's: readable as their umask has it.
    let usual = std::fs::Permissions::from_mode(0o666);
    let mut temporary = tempfile::Builder::new()
        .prefix(".release.toml.")
        .permissions(usual)
        .tempfile_in(folder)
        .doing(doing())?;
    temporary.write_all(text.as_bytes()).and_then(|()| temporary.as_file().sync_all()).doing(doing())?;
    match temporary.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(file)),
        Err(error) => Err(Failure::failed(doing()).because(error.error)),
    }
}

// ---- saying ----

/// The commands that put the file in force.
fn commit(repo: &Repo, top: &Path, config: &Config) -> Vec<String> {
    let project = &config.project;
    let mut commands = Vec::new();
    let cwd = std::fs::canonicalize(&repo.world().cwd).ok();
    if cwd != std::fs::canonicalize(top).ok() {
        commands.push(format!("cd {}", text::quote(&top.to_string_lossy())));
    }
    commands.push(format!("git add {FILE_NAME}"));
    commands.push("git commit -m \"build: describe releases to rel\"".to_owned());
    if !project.remote.is_empty() {
        let branch = repo.head_branch().unwrap_or_else(|| "HEAD".to_owned());
        commands.push(format!("git push {} {}", text::quote(&project.remote), text::quote(&branch)));
    }
    commands
}

fn report(
    screen: &Screen,
    branch: Option<&str>,
    proposal: &Proposal,
    config: &Config,
    commit: &[String],
) -> String {
    let project = &config.project;
    let authority = if project.remote.is_empty() { "this repository" } else { &project.remote };
    let build = match &proposal.build {
        Some(build) if build.because == ANSWERED => build.command.clone(),
        Some(build) => format!("{}, from {}", build.command, build.because),
        None => "none recognised: candidates carry no artifacts".to_owned(),
    };
    let names: Vec<&str> = config.environments.iter().map(|environment| environment.name.as_str()).collect();
    let numbering = &proposal.numbering;
    let tags = match &numbering.newest {
        Some(newest) => format!("{}, {}, as {newest}", numbering.tag, scheme_name(numbering.notation.scheme)),
        None => numbering.tag.clone(),
    };
    let mut rows = vec![
        ("trunk", format!("{}, {}", project.trunk, proposal.trunk.1)),
        ("authority", format!("{authority}, {}", proposal.remote.1)),
        ("tags", tags),
        ("build", build),
        ("environments", names.join(" -> ")),
        (
            "deploy",
            format!("{}{}", proposal.deploy, if proposal.deploy_exists { "" } else { ", yet to be written" }),
        ),
    ];
    if let Some(folder) = &proposal.folder {
        rows.insert(3, ("paths", folder.clone()));
    }
    let rows: Vec<(&str, String)> =
        rows.into_iter().map(|(label, value)| (label, text::clean(&value))).collect();
    let mut told = format!(
        "{FILE_NAME} written for {}\n\n{}\n",
        screen.strong(project.name.as_str()),
        labelled(&rows, 2, screen.width())
    );
    told.push_str(&format!("\nRead it, then put it in force on {}:\n\n", text::clean(&project.trunk)));
    for command in commit {
        told.push_str(&format!("  {command}\n"));
    }
    if branch.is_some_and(|branch| branch != project.trunk) {
        told.push_str(&format!("\nIt counts once it is merged into {}.\n", text::clean(&project.trunk)));
    }
    if !project.remote.is_empty() {
        told.push_str(&format!(
            "\nIf {} protects tags or refs by rules, let whoever cuts and deploys make\n{}, refs/notes/rel/* and refs/rel/*.\n",
            text::clean(authority),
            text::clean(&tag_of(config, "*"))
        ));
    }
    if let Some(last) = names.last() {
        let newest = numbering.newest.as_deref().unwrap_or("REV");
        told.push_str(&format!(
            "\nIf something runs on {last} already, say so, and rel counts from it:\n\n  rel record {last} {} --succeeded\n",
            text::quote(newest)
        ));
    }
    told.push_str("\nThen: rel config check, rel status, rel cut");
    told
}

/// The tag of a version, as the file says.
fn tag_of(config: &Config, version: &str) -> String {
    config.version.tag.replace("{project}", config.project.name.as_str()).replace("{version}", version)
}

/// Tools that make version tags of their own, by a file at the top.
const OTHER_TOOLS: [(&str, &str); 10] = [
    (".releaserc", "semantic-release"),
    (".releaserc.json", "semantic-release"),
    (".releaserc.yml", "semantic-release"),
    (".releaserc.yaml", "semantic-release"),
    ("release.config.js", "semantic-release"),
    ("release-please-config.json", "release-please"),
    (".release-please-manifest.json", "release-please"),
    ("lerna.json", "lerna"),
    (".bumpversion.cfg", "bump2version"),
    ("release-plz.toml", "release-plz"),
];

/// What the owner of this repository should know before the first tag.
fn warnings(top: &Path, proposal: &Proposal, config: &Config) -> Vec<String> {
    let notation = config.version.notation();
    let release = notation.sample();
    let samples = [notation.candidate(release.clone(), 1).to_string(), release.to_string()];
    let samples = samples.map(|version| tag_of(config, &version));
    let [candidate, release] = &samples;
    let mut warnings = Vec::new();
    for Trigger { file, line, what, reacts } in triggers::find(top, [candidate, release]) {
        let which = match reacts {
            [true, true] => format!("each candidate ({candidate}) and each release ({release})"),
            [true, false] => format!("each candidate ({candidate})"),
            [false, _] => format!("each release ({release})"),
        };
        warnings.push(format!("{file}:{line} {what}: {which} may start it"));
    }
    if let Some((file, tool)) = OTHER_TOOLS.into_iter().find(|(file, _)| top.join(file).is_file()) {
        warnings.push(format!("{file}: {tool} makes version tags too; let only one of them number releases"));
    }
    if !proposal.deploy_exists {
        warnings.push(format!("{} is not there yet: write it before the first deployment", proposal.deploy));
    }
    warnings
}

#[cfg(test)]
mod tests;
