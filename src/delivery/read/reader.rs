//! Where a run reads: the repository, the authority, the project, the clock.

use std::path::{Path, PathBuf};

use crate::config;
use crate::delivery::error::{Error, FileOp, NotFound, Origin, PolicyFault, Result};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::config::Config;
use crate::domain::event::Event;
use crate::domain::host::Host;
use crate::domain::name::{Actor, EnvName, Oid, ProjectName, TagName};
use crate::domain::ref_name::{self, BranchRef, TagRef};
use crate::store::authority::Authority;
use crate::store::history;
use crate::store::journal::Journal;
use crate::store::repo::Repo;
use crate::world::{World, fresh_nonce};

/// The file that configures a project, at the top of its repository.
pub const CONFIG_FILE: &str = "release.toml";

/// What was asked for that holds for every verb.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder to run in, instead of the one the process was started in.
    pub directory: Option<PathBuf>,
    /// The configuration that serves where trunk has none.
    pub config: Option<PathBuf>,
    /// The project.
    pub project: Option<ProjectName>,
    /// Plan and stop.
    pub dry_run: bool,
    /// What is asked is answered with yes.
    pub yes: bool,
    /// A script is reading.
    pub json: bool,
    /// Ask nobody but this clone.
    pub offline: bool,
    /// Go by trunk's newest file alone, even if it cannot be read.
    pub strict: bool,
}

/// What is read from: the repository, the authority, the project and the clock.
pub struct Reader<'a> {
    /// The clock and the environment.
    pub world: &'a World,
    /// The repository.
    pub repo: Repo,
    /// The project, trunk and remote.
    pub home: Home,
    /// Whether the authority is not to be asked.
    pub offline: bool,
    /// Whether only the file at trunk's tip will do, and not the newest one that can be read.
    pub strict: bool,
}

/// What is needed before trunk can be read, and where it was found.
#[derive(Debug, Clone)]
pub struct Home {
    /// The project's name.
    pub project: ProjectName,
    /// Its trunk.
    pub trunk: String,
    /// The remote's name or address; empty where this repository decides.
    pub remote: String,
    /// The text of the file, which serves where trunk has none.
    pub text: String,
    /// Where the text was found, for people.
    pub found: String,
    /// Where that is.
    pub origin: Origin,
}

impl<'a> Reader<'a> {
    /// The folder a run takes place in.
    pub fn directory(world: &World, options: &Options) -> PathBuf {
        options.directory.as_ref().map_or_else(|| world.cwd.clone(), |dir| world.cwd.join(dir))
    }

    /// Opens the repository and finds the project.
    ///
    /// # Errors
    /// There is no repository, or no `release.toml` to be found.
    pub fn open(world: &'a World, options: &Options) -> Result<Reader<'a>> {
        let repo = Repo::discover(world, &Reader::directory(world, options))?;
        let home = Home::find(&repo, world, options)?;
        if let Some(wanted) = &options.project
            && *wanted != home.project
        {
            let (wanted, held, file) = (wanted.clone(), home.project, home.found);
            return Err(NotFound::Project { wanted, held, file }.into());
        }
        if options.offline {
            repo.stay_offline();
        }
        Ok(Reader { world, repo, home, offline: options.offline, strict: options.strict })
    }

    /// With all of trunk's history, for verbs that count or compare: what a
    /// shallow clone lacks is fetched, once. Where that cannot be done they
    /// go on, and say that they may come out short.
    ///
    /// # Errors
    /// git failed.
    pub fn with_history(self, options: &Options, sink: &dyn Sink) -> Result<Reader<'a>> {
        if !self.repo.is_shallow() {
            return Ok(self);
        }
        let Home { trunk, remote, .. } = &self.home;
        let is_whole = |repo: &Repo| match repo.ref_target(self.trunk_ref())? {
            Some(tip) => history::is_whole(repo, tip),
            None => Ok(false),
        };
        if is_whole(&self.repo)? {
            return Ok(self);
        }
        let mut whole = false;
        if !self.is_local() && !self.offline {
            sink.notice(Notice::FetchingHistory { trunk });
            let refspec = self.trunk_refspec();
            // That the remote cannot be reached is said by whoever asks it next.
            whole = Authority::Remote(remote.clone()).fetch_whole(&self.repo, &[refspec]).is_ok();
        }
        // What was read of the history before is not what it is now.
        let repo = Repo::discover(self.world, &Reader::directory(self.world, options))?;
        if self.offline {
            repo.stay_offline();
        }
        if !whole || !is_whole(&repo)? {
            sink.notice(Notice::ShortHistory);
        }
        Ok(Reader { repo, ..self })
    }

    /// Whether all of a commit's history is here.
    ///
    /// # Errors
    /// git failed.
    pub fn has_history(&self, tip: Oid) -> Result<bool> {
        Ok(!self.repo.is_shallow() || history::is_whole(&self.repo, tip)?)
    }

    /// Where chains and tags are decided.
    pub fn authority(&self) -> Authority {
        if self.home.remote.is_empty() {
            Authority::Local
        } else {
            Authority::Remote(self.home.remote.clone())
        }
    }

    /// Whether this repository itself is the authority.
    pub fn is_local(&self) -> bool {
        self.home.remote.is_empty()
    }

    /// The remote that is the authority; `None` if this repository is.
    pub fn remote(&self) -> Option<String> {
        (!self.is_local()).then(|| self.home.remote.clone())
    }

    /// Whether the authority is another repository and is not to be asked.
    pub fn is_offline(&self) -> bool {
        self.offline && !self.is_local()
    }

    /// The web pages of the host that the authority is on, if it has any.
    pub fn pages(&self) -> Option<Host> {
        let remote = &self.home.remote;
        let address = self.repo.remote_url(remote);
        Host::of(address.as_deref().unwrap_or(remote))
    }

    /// Who is at work, as git knows them.
    ///
    /// # Errors
    /// git does not know.
    pub fn actor(&self) -> Result<Actor> {
        Ok(self.repo.identity()?)
    }

    /// An event that happens now.
    pub fn event<Id, Kind>(&self, id: Id, actor: &Actor, what: Kind) -> Event<Id, Kind> {
        Event { id, at: self.world.now(), actor: actor.clone(), nonce: fresh_nonce(), what }
    }

    /// The project's name.
    pub fn project(&self) -> &ProjectName {
        &self.home.project
    }

    /// The folder where this clone keeps what is its own.
    pub fn state_dir(&self) -> PathBuf {
        self.repo.state_dir().join(self.home.project.as_str())
    }

    /// The file that keeps what the candidates' chain comes to, or what contains what.
    pub fn derived_file(&self, of: &str) -> PathBuf {
        self.state_dir().join("index").join(of)
    }

    /// The derived file of an environment's chain.
    pub fn env_file(&self, environment: &EnvName) -> PathBuf {
        self.derived_file(&format!("env-{environment}"))
    }

    /// This clone's journal.
    pub fn journal(&self) -> Journal {
        Journal::at(self.state_dir().join("journal"))
    }

    /// The ref that this clone knows trunk's tip by.
    pub fn trunk_ref(&self) -> String {
        self.branch_ref(&self.home.trunk)
    }

    /// The ref that this clone knows the tip of one of the authority's branches by, for trunk and
    /// what was trunk before.
    pub fn branch_ref(&self, trunk: &str) -> String {
        let Home { remote, project, .. } = &self.home;
        if remote.is_empty() {
            BranchRef::of(trunk).to_string()
        } else if self.repo.remote_exists(remote) {
            format!("{}{trunk}", ref_name::remote_branches(remote))
        } else {
            ref_name::trunk_copy(project)
        }
    }

    /// The refspec that brings trunk's tip to that ref.
    pub fn trunk_refspec(&self) -> String {
        format!("+{}:{}", BranchRef::of(&self.home.trunk), self.trunk_ref())
    }

    /// The folder of refs that this clone knows the authority's tags by. Its
    /// own `refs/tags` may have been changed by anybody.
    pub fn tags_prefix(&self) -> String {
        if self.is_local() { TagRef::FOLDER.to_owned() } else { TagRef::copies(self.project()) }
    }

    /// The authority's tags as this clone knows them, by the names they have there.
    ///
    /// # Errors
    /// git failed.
    pub fn tags(&self) -> Result<Vec<(TagRef, Oid)>> {
        let folder = self.tags_prefix();
        let copies = self.repo.refs_under(&folder)?;
        let full = |(name, oid): (String, Oid)| Some((TagRef::copied(name.strip_prefix(&folder)?), oid));
        Ok(copies.into_iter().filter_map(full).collect())
    }

    /// The ref that this clone knows one of the authority's tags by.
    pub fn tag_copy(&self, tag: &TagName) -> String {
        format!("{}{tag}", self.tags_prefix())
    }

    /// Whether records can be published in this run.
    ///
    /// # Errors
    /// `--offline` says not to ask the authority, which has to agree.
    pub fn must_reach_authority(&self) -> Result<()> {
        if self.is_offline() {
            return Err(Error::NeedsAuthority);
        }
        Ok(())
    }
}

impl Home {
    /// `--config`, else the working tree's file, else HEAD's, else the remote's HEAD's.
    fn find(repo: &Repo, world: &World, options: &Options) -> Result<Home> {
        if let Some(file) = &options.config {
            let path = world.cwd.join(file);
            let text = std::fs::read_to_string(&path).map_err(|cause| PolicyFault::Unreadable {
                file: file.display().to_string(),
                named: true,
                cause,
            })?;
            return Home::read(text, &file.display().to_string(), Origin::Named);
        }
        if let Some(path) = repo.work_dir().map(|dir| dir.join(CONFIG_FILE))
            && path.exists()
        {
            let text = std::fs::read_to_string(&path).map_err(|cause| PolicyFault::Unreadable {
                file: CONFIG_FILE.to_owned(),
                named: false,
                cause,
            })?;
            return Home::read(text, CONFIG_FILE, Origin::WorkTree);
        }
        let remote_head = format!("{}HEAD", ref_name::remote_branches("origin"));
        for rev in ["HEAD", remote_head.as_str()] {
            if let Some(commit) = repo.resolve_commit(rev)?
                && let Some(text) = text_at(repo, commit)?
            {
                return Home::read(text, &format!("{CONFIG_FILE} at {rev}"), Origin::Commit);
            }
        }
        Err(PolicyFault::Missing { unborn: repo.is_unborn() }.into())
    }

    fn read(text: String, found: &str, origin: Origin) -> Result<Home> {
        let head = config::head_of(&text, found)?;
        Ok(Home {
            project: head.name,
            trunk: head.trunk,
            remote: head.remote,
            text,
            found: found.to_owned(),
            origin,
        })
    }
}

/// The text of `release.toml` at a commit.
///
/// # Errors
/// git failed.
pub fn text_at(repo: &Repo, commit: Oid) -> Result<Option<String>> {
    let bytes = repo.file_at(commit, CONFIG_FILE)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The configuration at a commit, if it has one.
///
/// # Errors
/// It is invalid, which is said of that commit.
pub fn config_at(repo: &Repo, commit: Oid) -> Result<Option<Config>> {
    text_at(repo, commit)?.map(|text| parse_at(&text, commit)).transpose()
}

/// The configuration in the text of `release.toml` at a commit.
///
/// # Errors
/// It is invalid, which is said of that commit.
pub fn parse_at(text: &str, commit: Oid) -> Result<Config> {
    let name = format!("{CONFIG_FILE} at {}", commit.short());
    Ok(config::parse(text, &name)?.config)
}

/// Refuses where the policy sets one of `keys`, which this version cannot
/// honour and must not pass over.
///
/// # Errors
/// One of `keys` is set.
pub fn must_honour(policy: &Config, keys: &[&str]) -> Result<()> {
    for one in config::unsupported(policy).iter().filter(|one| one.environment.is_none()) {
        if keys.contains(&one.key.as_str()) {
            return Err(PolicyFault::Unsupported { key: one.key.clone(), text: one.text.clone() }.into());
        }
    }
    Ok(())
}

/// A folder for what one run needs while it runs, readable by its owner only.
///
/// # Errors
/// The disk refuses.
pub fn scratch(world: &World) -> Result<tempfile::TempDir> {
    let parent = world.var("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), |dir| world.cwd.join(dir));
    let parent: &Path = if parent.is_dir() { &parent } else { Path::new("/tmp") };
    tempfile::Builder::new().prefix("rel-").tempdir_in(parent).map_err(FileOp::MakeIn.on(parent))
}
