//! What can be told without asking the remote.

use crate::config;
use crate::delivery::read::reader::Reader;
use crate::domain::env::Deployment;
use crate::domain::ref_name::{self, BranchRef};
use crate::domain::report::clone::Check;
use crate::store::clone::{self, Kind, Mirror};
use crate::store::git::{Git, Version};
use crate::store::journal::{JournalRun, RunPhase};
use crate::store::repo::Repo;
use crate::world::World;

/// The first git that can fetch and leave everything else alone.
const FETCHES: Version = (2, 29, 0);
/// The first that brings what it is told to the disk.
const SYNCS: Version = (2, 36, 0);
/// The first that picks without a checkout.
const PICKS: Version = (2, 40, 0);

/// git itself.
pub fn git(world: &World) -> Check {
    let version = match Git::version_here(world) {
        Ok(version) => version,
        Err(failure) => {
            let mut check = Check::failed("git", &failure.into());
            check.hints = vec!["install git 2.40 or later, and put it on PATH".to_owned()];
            return check;
        }
    };
    let said = format!("{}.{}.{}", version.0, version.1, version.2);
    let update = "install git 2.40 or later";
    if version < FETCHES {
        let lacks = "fetch --no-write-fetch-head and --no-auto-maintenance are missing";
        Check::problem("git", format!("{said} is too old: {lacks}")).hint(update)
    } else if version < SYNCS {
        let lacks = "core.fsync is missing, so a power cut may lose what was acknowledged;\n\
                     merge-tree --write-tree is too, so a pick needs a checkout";
        Check::note("git", format!("{said}: {lacks}")).hint(update)
    } else if version < PICKS {
        let lacks = "merge-tree --write-tree --merge-base is missing, so a pick needs a checkout";
        Check::note("git", format!("{said}: {lacks}")).hint(update)
    } else {
        Check::ok("git", said)
    }
}

/// Where the repository is.
pub fn repository(repo: &Repo) -> Check {
    let place = repo.work_dir().unwrap_or(repo.git_dir()).display().to_string();
    let named = repo.world().var("GIT_DIR").map_or("", |_| ", named by GIT_DIR");
    let kind = match repo.work_dir() {
        None => ", bare",
        Some(_) if repo.git_dir() != repo.common_dir() => ", a linked working tree",
        Some(_) => "",
    };
    Check::ok("repository", format!("{place}{kind}{named}"))
}

/// What kind of clone it is, and what that means.
pub fn clone(repo: &Repo, remote: &str) -> Vec<Check> {
    let mut found = Vec::new();
    let kind = Kind::of(repo, remote);
    if kind.shallow {
        found.push(
            Check::note(
                "clone",
                "shallow: the first verb that counts fetches what is missing of trunk's history; or now:",
            )
            .hint("git fetch --unshallow"),
        );
    }
    if let Some(filter) = &kind.filter {
        let filter = if filter.is_empty() { "partial" } else { filter };
        let check = Check::note(
            "clone",
            format!(
                "partial ({filter}): what is left out is fetched when it is needed, and --offline lacks it"
            ),
        );
        found.push(if filter.starts_with("tree:") {
            check.hint(format!("git fetch --refetch --filter=blob:none {remote}"))
        } else {
            check
        });
    }
    if let Some(branches) = &kind.branches {
        let branches = if branches.is_empty() { "no branch".to_owned() } else { branches.join(", ") };
        found.push(Check::note(
            "clone",
            format!("a plain git fetch brings {branches} only; rel fetches what it needs by itself"),
        ));
    }
    if found.is_empty() {
        found.push(Check::ok("clone", "complete"));
    }
    for (name, mirror) in clone::mirrors(repo) {
        found.push(match mirror {
            Mirror::Pushes => Check::note(
                "mirror",
                format!("a plain git push {name} deletes there what is not here, rel's records too"),
            )
            .hint(format!("git config --unset remote.{name}.mirror")),
            Mirror::Fetches => Check::note(
                "mirror",
                format!("a plain git fetch {name} overwrites every ref here; --prune deletes rel's copies"),
            )
            .hint(format!(
                "git config remote.{name}.fetch '+{}*:{}*'",
                BranchRef::FOLDER,
                ref_name::remote_branches(&name)
            )),
        });
    }
    found
}

/// Who is at work.
pub fn identity(repo: &Repo) -> Check {
    match repo.identity() {
        Ok(actor) => Check::ok("identity", actor.to_string()),
        Err(error) => Check::failed("identity", &error.into()),
    }
}

/// A text of `release.toml`.
pub fn config(text: &str, name: &str) -> Check {
    let parsed = match config::parse(text, name) {
        Ok(parsed) => parsed,
        Err(failure) => return Check::failed("release.toml", &failure),
    };
    let config = &parsed.config;
    let names: Vec<&str> = config.environments.iter().map(|e| e.name.as_str()).collect();
    let place = if name == config::FILE_NAME { String::new() } else { format!("{name}: ") };
    let mut said = vec![format!("{place}project {}, environments {}", config.project.name, names.join(", "))];
    said.extend(parsed.notes.iter().cloned());
    said.extend(config::unsupported(config).into_iter().map(|one| one.text));
    let message = said.join("\n");
    if said.len() == 1 { Check::ok("release.toml", message) } else { Check::note("release.toml", message) }
}

/// What this clone has begun and not published.
pub fn unpublished(reader: &Reader) -> Check {
    const NAME: &str = "unpublished";
    let journal = reader.journal();
    if journal.is_empty() {
        return Check::ok(NAME, "nothing: every record of this clone has reached the remote");
    }
    let runs = match journal.all() {
        Ok(runs) => runs,
        Err(error) => return Check::failed(NAME, &error.into()),
    };
    let what = |run: &JournalRun| match run {
        JournalRun::Deployment { id, phase: RunPhase::Done { .. }, .. } => format!("the outcome of {id}"),
        JournalRun::Deployment { id, .. } => format!("{id}, which has no outcome"),
        JournalRun::Offline { intent, .. } => {
            let Deployment { action, tag, environment, .. } = &intent.deployment;
            format!("the offline {action} of {environment} to {}", tag.label())
        }
        JournalRun::Reservation { version, .. } => format!("the reservation of {version}"),
    };
    let dead: Vec<String> = runs.iter().filter(|seen| !seen.held).map(|seen| what(&seen.run)).collect();
    if dead.is_empty() {
        return Check::ok(NAME, "a run of this clone is at work");
    }
    Check::problem(NAME, format!("of this clone, and not published yet: {}", dead.join("; ")))
        .hint("rel sync")
}
