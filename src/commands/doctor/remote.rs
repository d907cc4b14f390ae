//! What the remote says, and what it does when it is tried.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config;
use crate::delivery::error::Error;
use crate::delivery::read::reader::{Options, Reader};
use crate::delivery::read::snapshot::{self, Policy, TrunkAndPolicy};
use crate::delivery::sink::Sink;
use crate::domain::name::Oid;
use crate::domain::ref_name::{self, BranchRef, ChainOf, ChainRef, TagRef};
use crate::domain::report::clone::Check;
use crate::domain::version::{Notation, TagStyle};
use crate::failure::Failure;
use crate::store::authority::Authority;
use crate::store::remote_probe::{self, Support, Untried};
use crate::store::repo::Repo;
use crate::ui::time;

/// Clocks that differ by less are told apart by nothing that people do.
const SKEW: Duration = Duration::from_secs(60);
/// Names that are listed; of more, how many.
const NAMED: usize = 3;

/// Every ref, and what it points to.
type Refs = BTreeMap<String, Oid>;

/// Looks at the repository that decides.
pub fn look(
    repo: &Repo,
    authority: &Authority,
    sink: &dyn Sink,
    reader: Option<&Reader>,
    options: &Options,
) -> Vec<Check> {
    let is_local = *authority == Authority::Local;
    let mut found = Vec::new();
    let here: Refs = match repo.refs_under(ref_name::ALL) {
        Ok(refs) => refs.into_iter().collect(),
        Err(error) => return vec![Check::failed("refs", &error.into())],
    };
    if options.offline && !is_local {
        found.push(Check::note("remote", format!("{authority} was not asked, since --offline says not to")));
        if let Some(reader) = reader {
            found.extend(in_the_way(reader, &here, None));
            found.extend(history(reader));
        }
        return found;
    }
    let held = match authority.list(repo) {
        Ok(held) => held,
        Err(error) => {
            found.push(Check::failed("remote", &error.into()));
            return found;
        }
    };
    let Some(reader) = reader else {
        found.push(Check::ok("remote", format!("{authority} can be read")));
        return found;
    };
    found.push(trunk(reader, authority, &held));
    let mut blocked = in_the_way(reader, &here, None);
    if !is_local {
        blocked.extend(in_the_way(reader, &held, Some(&reader.home.remote)));
    }
    let is_free = blocked.is_empty();
    found.extend(blocked);
    if is_free {
        match snapshot::fetch_chains(reader, sink) {
            Ok(()) => found.extend(history(reader)),
            Err(error) => found.push(Check::failed("history", &error.into())),
        }
    }
    found.extend(names(reader, &here));
    if let Authority::Remote(remote) = authority {
        let style = style(reader);
        found.extend(tags(&style, remote, &here, &held));
        found.extend(if options.dry_run {
            vec![Check::note("push", "not tried, since --dry-run says not to")]
        } else {
            tried(reader, remote, &style, held)
        });
    }
    found
}

/// How the project's tags are spelled, by the file at hand.
fn style(reader: &Reader) -> TagStyle {
    let template = config::parse(&reader.home.text, &reader.home.found)
        .map_or_else(|_| "v{version}".to_owned(), |parsed| parsed.config.version.tag);
    TagStyle::new(&template, reader.project(), Notation::default())
        .or_else(|_| TagStyle::new("v{version}", reader.project(), Notation::default()))
        .expect("a plain template makes valid names")
}

/// Whether it is there, and has the trunk.
fn trunk(reader: &Reader, authority: &Authority, held: &Refs) -> Check {
    let trunk = &reader.home.trunk;
    match held.get(BranchRef::of(trunk).as_str()) {
        Some(tip) => Check::ok("remote", format!("{authority}: trunk {trunk} at {}", tip.short())),
        None => Check::problem("remote", format!("{authority} has no branch {trunk} to release from")).hint(
            if reader.is_local() {
                "commit something, or name another branch as trunk in release.toml".to_owned()
            } else {
                format!("git push {} {trunk}", reader.home.remote)
            },
        ),
    }
}

/// Refs that make others of `rel`'s impossible: git keeps none below another.
fn in_the_way(reader: &Reader, held: &Refs, remote: Option<&str>) -> Vec<Check> {
    let project = reader.project();
    let mut files = vec![ChainRef::of_candidates(project).to_string()];
    if let Ok(parsed) = config::parse(&reader.home.text, &reader.home.found) {
        files.extend(
            parsed.config.environments.iter().map(|e| ChainRef::of_environment(project, &e.name).to_string()),
        );
    }
    let mut folders = vec![format!("{}env", ChainRef::folder(project))];
    folders.extend(
        ["artifacts", "doctor", "output", "tags"].map(|of| format!("{}{of}", ref_name::rel(project))),
    );
    folders.extend(
        style(reader).prefix().rsplit_once('/').map(|(folder, _)| format!("{}{folder}", TagRef::FOLDER)),
    );
    let whose = remote.map_or_else(|| "here".to_owned(), |remote| format!("at {remote}"));
    held.keys()
        .filter_map(|name| {
            let blocked = files
                .iter()
                .find(|file| is_below(file, name) || is_below(name, file))
                .or_else(|| folders.iter().find(|folder| *folder == name || is_below(folder, name)))?;
            let check =
                Check::problem("refs", format!("{name} is in the way {whose}: {blocked} cannot be made"));
            Some(match remote {
                Some(remote) => check
                    .hint(format!("git fetch {remote} {name}"))
                    .hint(format!("git push --atomic {remote} FETCH_HEAD:{name}-aside :{name}")),
                None => check
                    .hint(format!("git update-ref {name}-aside {name}"))
                    .hint(format!("git update-ref -d {name}")),
            })
        })
        .collect()
}

/// Whether a ref lies below another.
fn is_below(name: &str, other: &str) -> bool {
    name.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
}

/// What the records at hand say: trunk's policy, and the clocks of others.
fn history(reader: &Reader) -> Vec<Check> {
    let mut found = Vec::new();
    match TrunkAndPolicy::read(reader) {
        Ok(TrunkAndPolicy { policy: Policy { unreadable: Some(why), commit, .. }, .. }) => {
            let older = commit.map(|commit| format!("; the one at {} is gone by", commit.short()));
            found.push(
                Check::problem("policy", format!("{why}{}", older.unwrap_or_default()))
                    .hint("until it is mended nothing is cut or deployed; rollback and lock go on"),
            );
        }
        Ok(TrunkAndPolicy { trunk, policy }) => found.push(match &policy.elsewhere {
            None => Check::ok("policy", format!("trunk's, at {}", trunk.short())),
            Some(place) => Check::note("policy", format!("{place}; trunk has no release.toml yet"))
                .hint(format!("commit release.toml and push it to {}", reader.home.trunk)),
        }),
        // That trunk is not here yet is no news: the next verb fetches it.
        Err(Error::NoTrunk { .. }) => {}
        Err(error) => found.push(Check::failed("policy", &error.into())),
    }
    match clock(reader) {
        Ok(check) => found.push(check),
        Err(failure) => found.push(Check::failed("history", &failure)),
    }
    found
}

/// The newest record of each chain against this clock.
fn clock(reader: &Reader) -> Result<Check, Failure> {
    let now = reader.world.now();
    let chains = reader.repo.chains(reader.project())?;
    let mut ahead: Vec<(Duration, String)> = Vec::new();
    for (name, tip) in &chains {
        let by = time::between(now, reader.repo.commit(*tip)?.commit_time);
        if by > SKEW {
            let of = match name.subject(reader.project()) {
                ChainOf::Candidates => "candidates".to_owned(),
                ChainOf::Environment(environment) => environment.to_string(),
                ChainOf::Foreign(name) => name,
            };
            ahead.push((by, of));
        }
    }
    Ok(match ahead.into_iter().max() {
        Some((by, chain)) => Check::note(
            "clock",
            format!(
                "the newest record of {chain} is {} ahead of this machine: one of two clocks is wrong, \
                 and soak and freeze go by them",
                time::span(by)
            ),
        )
        .hint("timedatectl status, here and where that record was made"),
        None if chains.is_empty() => Check::ok("clock", "no records yet to compare it with"),
        None => Check::ok("clock", "no record is ahead of it"),
    })
}

/// Branches and tags here that an environment's name hides.
fn names(reader: &Reader, here: &Refs) -> Vec<Check> {
    let Ok(parsed) = config::parse(&reader.home.text, &reader.home.found) else { return Vec::new() };
    let environments = parsed.config.environments.iter().map(|environment| environment.name.as_str());
    environments
        .chain(["trunk"])
        .flat_map(|name| [BranchRef::FOLDER, TagRef::FOLDER].map(|folder| (name, format!("{folder}{name}"))))
        .filter(|(_, full)| here.contains_key(full))
        .map(|(name, full)| {
            Check::note("names", format!("{name} means what rel calls so: for {full} write that in full"))
        })
        .collect()
}

/// The version tags here that are not the remote's.
fn tags(style: &TagStyle, remote: &str, here: &Refs, held: &Refs) -> Vec<Check> {
    let prefix = format!("{}{}", TagRef::FOLDER, style.prefix());
    let (mut other, mut light, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (full, target) in here.iter().filter(|(name, _)| name.starts_with(&prefix)) {
        let name = full.trim_start_matches(TagRef::FOLDER);
        match held.get(full) {
            Some(theirs) if theirs == target => {}
            Some(_) if held.get(&format!("{full}^{{}}")) == Some(target) => light.push(name),
            Some(_) => other.push(name),
            None => alone.push(name),
        }
    }
    let mut found = Vec::new();
    if !other.is_empty() {
        let what =
            format!("{}: not what {remote} has; rel goes by {remote}'s, git by this clone's", list(&other));
        found.push(Check::note("tags", what).hint(format!("git fetch --tags --force {remote}")));
    }
    if !light.is_empty() {
        let what = format!(
            "{}: lost what was written into them here, as a CI checkout may do; rel goes by {remote}'s",
            list(&light)
        );
        found.push(Check::note("tags", what).hint(format!("git fetch --tags --force {remote}")));
    }
    if !alone.is_empty() {
        let what = format!("{}: only here, so that rel does not count them", list(&alone));
        found.push(Check::note("tags", what).hint(format!("git push {remote} {}", alone[0])));
    }
    if found.is_empty() {
        found.push(Check::ok("tags", format!("as {remote} has them")));
    }
    found
}

/// Some names, and how many more.
fn list(names: &[&str]) -> String {
    let named = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// What the remote takes.
fn tried(reader: &Reader, remote: &str, style: &TagStyle, held: Refs) -> Vec<Check> {
    let taken = match remote_probe::run(&reader.repo, remote, reader.project(), style, held.into_iter()) {
        Ok(taken) => taken,
        Err(error) => return vec![Check::failed("push", &error.into())],
    };
    let project = reader.project();
    let check = |name, support: Support, yes: String| match support {
        Support::Yes => Check::ok(name, yes),
        Support::No(error) => Check::failed(name, &error.into()),
        Support::Fallback(authority) => Check::note(
            name,
            format!(
                "{authority} changes one ref at a time alone: rel changes them in turn, a chain last, and \
                 goes on where a run was killed"
            ),
        ),
        Support::Unknown(why) => Check::note(
            name,
            match why {
                Untried::Refs => "not tried: refs under refs/rel/ are not taken".to_owned(),
                Untried::ForGood => "not tried: it would be made for good".to_owned(),
                Untried::Atomic => "not tried: several refs at once are not taken".to_owned(),
                Untried::Unreadable(error) => format!("not tried: {}", Failure::from(error)),
            },
        ),
    };
    let refs = match taken.refs {
        Support::No(error) => return vec![Check::failed("push", &error.into())],
        refs => refs,
    };
    let mut found = vec![
        check("push", refs, format!("{} can be written", ref_name::rel(project))),
        check("arrives", taken.arrives, "what is pushed is there when it is read".to_owned()),
        check("notes", taken.notes, format!("{} can be written", ChainRef::folder(project))),
        check("tag rules", taken.tags, format!("tags like {}1.0.0-rc.1 can be made", style.prefix())),
        check("atomic", taken.atomic, "several refs change all or none".to_owned()),
        check("leases", taken.leases, "a ref that is not what was expected is left alone".to_owned()),
    ];
    let why = match taken.removes {
        Support::No(error) => {
            let Failure { source, message, .. } = error.into();
            Some(source.map_or(message, |source| source.to_string()))
        }
        _ => None,
    };
    for name in &taken.left {
        let stays = format!("{name}, made to try it out, stays");
        found.push(match &why {
            Some(why) => Check::note(
                "scratch",
                format!("{stays}: {remote} does not remove it, and the next rel doctor uses it again\n{why}"),
            ),
            None => Check::note("scratch", stays).hint(format!("git push {remote} :{name}")),
        });
    }
    found
}
