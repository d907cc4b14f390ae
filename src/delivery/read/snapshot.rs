//! What the authority holds, read once: trunk, policy, chains and candidates.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::config;
use crate::delivery::error::{Error, FileOp, NotFound, Origin, PolicyFault, Result, TagFault};
use crate::delivery::read::reader::{Reader, parse_at, text_at};
use crate::delivery::read::{agreement, rewritten};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::{Candidate, NotACandidate, TagFacts};
use crate::domain::candidates::{
    AbandonedBuild, CandidatesEvent, CandidatesEventKind, CandidatesState, Minted,
};
use crate::domain::changes::Change;
use crate::domain::config::{Config, Environment};
use crate::domain::env::EnvState;
use crate::domain::name::{BadName, DeploymentId, EnvName, Oid, TagName};
use crate::domain::ref_name::{ChainRef, TagRef};
use crate::domain::version::{CandidateVersion, ParsedTag, TagStyle, Version};
use crate::failure::Failure;
use crate::store::authority::Authority;
use crate::store::ledger::{self, View};
use crate::store::tag::{TagObject, read_tag};
use crate::store::{chain, derived_file, history, state_cache};

/// For how many commits of trunk a file that can be read is looked for.
const MAX_UNREADABLE: usize = 1000;

/// The policy in force, and where it comes from.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What it says.
    pub config: Config,
    /// Trunk's commit it was read at; none where trunk has no file yet.
    pub commit: Option<Oid>,
    /// Where it was read, for people, where that is not trunk.
    pub elsewhere: Option<String>,
    /// Why trunk's own file cannot be read, if an older one of it is gone by.
    pub unreadable: Option<String>,
}

/// A release that reached a final environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedRelease {
    /// Which.
    pub release: Version,
    /// Its own tag.
    pub tag: TagName,
    /// The candidate that won.
    pub candidate: TagName,
    /// Its commit.
    pub commit: Oid,
}

impl Policy {
    /// Says whose file is gone by where that is not trunk's newest.
    fn say(&self, sink: &dyn Sink) {
        if let (Some(why), Some(commit)) = (&self.unreadable, self.commit) {
            sink.notice(Notice::OlderPolicy { commit, why });
        }
    }

    /// An environment's policy.
    ///
    /// # Errors
    /// There is none of that name; the nearest ones are named.
    pub fn environment(&self, name: &EnvName) -> Result<&Environment> {
        self.config.environment(name).ok_or_else(|| {
            let known = self.config.environments.iter().map(|environment| environment.name.clone()).collect();
            NotFound::Environment { name: name.clone(), known }.into()
        })
    }
}

/// Trunk and its policy, for who needs no candidates.
#[derive(Debug, Clone)]
pub struct TrunkAndPolicy {
    /// Trunk's tip.
    pub trunk: Oid,
    /// The policy there.
    pub policy: Policy,
}

impl TrunkAndPolicy {
    /// Asks the authority, unless `--offline`, and reads. One round trip, in
    /// which others of its refs may be fetched.
    ///
    /// # Errors
    /// The authority cannot be reached; there is no trunk; the policy is invalid.
    pub fn take(reader: &Reader, sink: &dyn Sink, others: &[String]) -> Result<TrunkAndPolicy> {
        if !reader.offline && !reader.is_local() {
            fetch(reader, sink, &TagGlob::guess(reader).0, others)?;
        }
        TrunkAndPolicy::read(reader).inspect(|read| read.policy.say(sink))
    }

    /// Reads what this clone has, without asking the authority.
    ///
    /// # Errors
    /// As [`TrunkAndPolicy::take`], but for the authority.
    pub fn read(reader: &Reader) -> Result<TrunkAndPolicy> {
        let trunk = reader.repo.ref_target(reader.trunk_ref())?.ok_or_else(|| Error::NoTrunk {
            trunk: reader.home.trunk.clone(),
            remote: reader.remote(),
            offline: reader.offline,
        })?;
        Ok(TrunkAndPolicy { trunk, policy: policy(reader, trunk)? })
    }
}

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Trunk's tip.
    pub trunk: Oid,
    /// The policy there.
    pub policy: Policy,
    /// How the project's tags are spelled.
    pub style: TagStyle,
    /// The environments' chains, by name.
    pub environments: BTreeMap<EnvName, View<EnvState>>,
    /// The candidates' chain.
    pub candidates: View<CandidatesState>,
    /// Every candidate there is, oldest first.
    pub pool: Vec<Minted>,
    /// Every release that reached a final environment, in that order.
    pub closed: Vec<ClosedRelease>,
    /// Every number that came to nothing, oldest first.
    pub abandoned: Vec<AbandonedBuild>,
    /// When the authority was last asked.
    pub as_of: Option<DateTime<Utc>>,
    /// The range that was walked last: gates and plans ask for the same one.
    pub walked: RefCell<Option<WalkedRange>>,
}

impl Snapshot {
    /// Asks the authority, unless `--offline`, and reads. One round trip.
    ///
    /// # Errors
    /// The authority cannot be reached; there is no trunk; the policy is
    /// invalid; a chain is damaged.
    pub fn take(reader: &Reader, sink: &dyn Sink) -> Result<Snapshot> {
        if !reader.offline && !reader.is_local() {
            let tags = TagGlob::guess(reader);
            fetch(reader, sink, &tags.0, &[])?;
            let snapshot = Snapshot::read(reader)?;
            if !tags.covers(&snapshot.style) {
                fetch(reader, sink, &snapshot.style.glob(), &[])?;
            }
            snapshot.policy.say(sink);
            return Ok(snapshot);
        }
        Snapshot::read(reader).inspect(|snapshot| snapshot.policy.say(sink))
    }

    /// Reads what this clone has, without asking the authority.
    ///
    /// # Errors
    /// As [`Snapshot::take`], but for the authority.
    pub fn read(reader: &Reader) -> Result<Snapshot> {
        let repo = &reader.repo;
        let TrunkAndPolicy { trunk, policy } = TrunkAndPolicy::read(reader)?;
        let style =
            tag_style(&policy.config, reader).map_err(|bad| PolicyFault::TagStyle(bad.to_string()))?;
        let (name, file) = (ChainRef::of_candidates(reader.project()), reader.derived_file("candidates"));
        let candidates = state_cache::read::<CandidatesState>(repo, &name, &[], &file)?;
        agreement::on_trunk(reader, &candidates.state, trunk)?;
        let (pool, closed, abandoned) = load_candidates(reader, &candidates)?;
        let mut environments = BTreeMap::new();
        for environment in &policy.config.environments {
            environments.insert(environment.name.clone(), read_environment(reader, environment)?);
        }
        let as_of = as_of(reader);
        Ok(Snapshot {
            trunk,
            policy,
            style,
            environments,
            candidates,
            pool,
            closed,
            abandoned,
            as_of,
            walked: RefCell::default(),
        })
    }

    /// An environment's policy.
    ///
    /// # Errors
    /// There is none of that name; the nearest ones are named.
    pub fn environment(&self, name: &EnvName) -> Result<&Environment> {
        self.policy.environment(name)
    }

    /// Where an environment's chain is, for who writes a small event without
    /// asking the authority first: judged by the policy at hand, and read
    /// anew where this clone does not know the environment.
    ///
    /// # Errors
    /// There is no environment of that name.
    pub fn place(reader: &Reader, sink: &dyn Sink, name: &EnvName) -> Result<(ChainRef, Vec<ChainRef>)> {
        Snapshot::known(reader, sink, |snapshot| Ok(chain_refs(reader, snapshot.environment(name)?)))
    }

    /// Where the chain is that a deployment of this environment stands in: an
    /// earlier name leads to the one that continues it.
    ///
    /// # Errors
    /// No environment has or had that name.
    pub fn place_of(
        reader: &Reader,
        sink: &dyn Sink,
        id: &DeploymentId,
    ) -> Result<(ChainRef, Vec<ChainRef>)> {
        Snapshot::known(reader, sink, |snapshot| {
            let environments = &snapshot.policy.config.environments;
            let environment = snapshot.environment(&id.environment).or_else(|unknown| {
                environments.iter().find(|e| e.formerly.contains(&id.environment)).ok_or(unknown)
            })?;
            Ok(chain_refs(reader, environment))
        })
    }

    /// What this clone knows, for verbs that name something and publish one
    /// small event about it: the authority is asked only for what is not known.
    ///
    /// # Errors
    /// The authority does not know it either.
    pub fn known<T>(reader: &Reader, sink: &dyn Sink, find: impl Fn(&Snapshot) -> Result<T>) -> Result<T> {
        if let Ok(snapshot) = Snapshot::read(reader)
            && let Ok(found) = find(&snapshot)
        {
            snapshot.policy.say(sink);
            return Ok(found);
        }
        find(&Snapshot::take(reader, sink)?)
    }

    /// An environment's chain.
    ///
    /// # Errors
    /// There is no environment of that name.
    pub fn chain(&self, name: &EnvName) -> Result<&View<EnvState>> {
        self.environment(name)?;
        self.environments.get(name).ok_or_else(|| Error::ChainNotRead(name.clone()))
    }

    /// The states of the environments that `environment` comes after.
    ///
    /// # Errors
    /// There is no environment of such a name.
    pub fn upstream(&self, environment: &Environment) -> Result<Vec<(EnvName, Cow<'_, EnvState>)>> {
        let state = |name: &EnvName| Ok((name.clone(), Cow::Borrowed(&self.chain(name)?.state)));
        environment.after.iter().map(state).collect()
    }

    /// The candidate with this tag.
    pub fn minted(&self, tag: &TagName) -> Option<&Minted> {
        // The newest are asked for most.
        self.pool.iter().rev().find(|minted| minted.tag == *tag)
    }

    /// The newest candidate of a release.
    pub fn newest_of(&self, release: &Version) -> Option<&Minted> {
        self.pool.iter().filter(|m| m.version.release == *release).max_by_key(|m| m.version.number)
    }

    /// The full record of a candidate, from the tag that the chain vouches for.
    ///
    /// # Errors
    /// The authority's tag is not the one that was minted (exit 9), or git failed.
    pub fn record(&self, reader: &Reader, minted: &Minted) -> Result<Candidate> {
        let held = reader.repo.ref_target(reader.tag_copy(&minted.tag))?;
        vouched(reader, minted, held, None)
    }

    /// The authority's tags of the project's style, as this clone knows them.
    ///
    /// # Errors
    /// git failed.
    pub fn tags(&self, reader: &Reader) -> Result<Tags> {
        let prefix = reader.tags_prefix();
        let refs = reader.repo.peeled_refs_under(&format!("{prefix}{}", self.style.prefix()))?;
        let short = |name: String| name.strip_prefix(&prefix).map(str::to_owned).unwrap_or(name);
        Ok(Tags(refs.into_iter().map(|(name, target, peeled)| (short(name), (target, peeled))).collect()))
    }

    /// Of these tags those that `rel` did not make, with what they point to
    /// and the version each takes.
    pub fn foreign(&self, reader: &Reader, tags: &Tags) -> Vec<(TagName, Oid, ParsedTag)> {
        let ours: HashSet<&str> = self.pool.iter().map(|m| m.tag.as_str()).collect();
        let closed: HashSet<&str> = self.closed.iter().map(|closed| closed.tag.as_str()).collect();
        let mut foreign = Vec::new();
        for (name, (target, _)) in &tags.0 {
            if ours.contains(name.as_str()) || closed.contains(name.as_str()) {
                continue;
            }
            if let Some(parsed) = self.style.parse(name)
                && let Ok(tag) = name.parse::<TagName>()
                && !self.is_unfinished(reader, &tag, *target, &parsed)
            {
                foreign.push((tag, *target, parsed));
            }
        }
        foreign
    }

    /// Whether a run of `rel` made this tag for a number it had reserved, and
    /// got no further: it is no candidate, and takes nobody's version.
    pub fn is_unfinished(&self, reader: &Reader, tag: &TagName, object: Oid, parsed: &ParsedTag) -> bool {
        let ParsedTag::Candidate(version) = parsed else { return false };
        let line = self.candidates.state.release_state(&version.release);
        // Numbers that were never reserved are others', and need not be opened.
        line.is_some_and(|line| version.number <= line.highest)
            && read_candidate(reader, tag, object)
                .is_ok_and(|read| read.is_ok_and(|candidate| candidate.project == *reader.project()))
    }
}

/// The authority's tags by their short names, listed once: what each ref
/// holds, and what that is on, where it is known without opening it.
#[derive(Debug)]
pub struct Tags(BTreeMap<String, (Oid, Option<Oid>)>);

impl Tags {
    /// What a tag's ref holds.
    pub fn get(&self, name: &str) -> Option<Oid> {
        self.0.get(name).map(|(target, _)| *target)
    }

    /// The commit that a tag is on; none where it is on something else.
    ///
    /// # Errors
    /// git failed.
    pub fn commit(&self, reader: &Reader, name: &str) -> Result<Option<Oid>> {
        let Some((target, peeled)) = self.0.get(name) else { return Ok(None) };
        let repo = &reader.repo;
        match *peeled {
            Some(peeled) if history::is_listed(repo, peeled)? || repo.is_commit(peeled) => Ok(Some(peeled)),
            _ => Ok(reader.repo.peel_to_commit(*target)?),
        }
    }
}

/// The candidate that a tag object records, if that is the one the chain
/// vouches for and the authority's ref holds. What its object says may be
/// known.
pub fn vouched(
    reader: &Reader,
    minted: &Minted,
    held: Option<Oid>,
    known: Option<Candidate>,
) -> Result<Candidate> {
    let integrity = |why: TagFault| not_as_minted(reader, minted, why);
    match held {
        Some(held) if held == minted.tag_object => {}
        Some(held) => return Err(integrity(TagFault::PointsTo(held))),
        None => return Err(integrity(TagFault::Gone)),
    }
    let candidate = match known {
        Some(known) => known,
        None => match read_candidate(reader, &minted.tag, minted.tag_object) {
            Err(_) if !reader.repo.has_object(minted.tag_object) => {
                return Err(integrity(TagFault::ObjectMissing));
            }
            read => read?.map_err(|not| integrity(TagFault::NotACandidate(not)))?,
        },
    };
    if candidate.commit != minted.commit || candidate.version != minted.version {
        return Err(integrity(TagFault::Contradicts));
    }
    Ok(candidate)
}

/// The failure of a tag that is not the one the chain vouches for.
pub fn not_as_minted(reader: &Reader, minted: &Minted, why: TagFault) -> Error {
    Error::TagChanged { tag: minted.tag.clone(), minted: minted.tag_object, why, remote: reader.remote() }
}

/// Reads a tag object as a candidate of ours.
///
/// # Errors
/// git failed; the inner error says why it is no candidate.
pub fn read_candidate(
    reader: &Reader,
    tag: &TagName,
    object: Oid,
) -> Result<std::result::Result<Candidate, NotACandidate>> {
    Ok(match read_tag(&reader.repo, object)? {
        TagObject::Lightweight(_) => Err(NotACandidate::Foreign),
        TagObject::Annotated { target, tagger, at, message, signed, .. } => {
            Candidate::parse(TagFacts { tag: tag.clone(), commit: target, tagger, at, signed }, &message)
        }
    })
}

/// What the candidates' chain is read for, over and over.
#[derive(Serialize, Deserialize)]
enum CandidatesEntry {
    /// A candidate. Its members stand in order, without names: there may be
    /// thousands. That it is trunk's own commit is said by leaving that out.
    Minted(TagName, Oid, CandidateVersion, Oid, Option<Oid>, u64, Option<TagName>),
    Closed(ClosedRelease),
    Abandoned(AbandonedBuild),
}

impl From<Minted> for CandidatesEntry {
    fn from(minted: Minted) -> CandidatesEntry {
        let Minted { tag, tag_object, version, commit, trunk_commit, position, parent } = minted;
        let trunk_commit = (trunk_commit != commit).then_some(trunk_commit);
        CandidatesEntry::Minted(tag, tag_object, version, commit, trunk_commit, position, parent)
    }
}

/// Every candidate, every closed release and every number that came to nothing, oldest first.
fn load_candidates(
    reader: &Reader,
    candidates: &View<CandidatesState>,
) -> Result<(Vec<Minted>, Vec<ClosedRelease>, Vec<AbandonedBuild>)> {
    let keep = |event: CandidatesEvent| match event.what {
        CandidatesEventKind::Minted(minted) => Some(minted.into()),
        CandidatesEventKind::Closed { release, tag, candidate, commit, .. } => {
            Some(CandidatesEntry::Closed(ClosedRelease { release, tag, candidate, commit }))
        }
        CandidatesEventKind::Abandoned { version, commit, reason, failed } => {
            let (actor, at) = (event.actor, event.at);
            Some(CandidatesEntry::Abandoned(AbandonedBuild { version, commit, actor, at, reason, failed }))
        }
        _ => None,
    };
    let file = reader.derived_file("candidates");
    let made = derived_file::read::<CandidatesState, CandidatesEntry>(
        &reader.repo,
        candidates.tip,
        &file,
        "made 4",
        keep,
    )?;
    let (mut pool, mut closed, mut abandoned) = (Vec::with_capacity(made.len()), Vec::new(), Vec::new());
    for one in made {
        match one {
            CandidatesEntry::Minted(tag, tag_object, version, commit, trunk_commit, position, parent) => {
                let trunk_commit = trunk_commit.unwrap_or(commit);
                pool.push(Minted { tag, tag_object, version, commit, trunk_commit, position, parent });
            }
            CandidatesEntry::Closed(release) => closed.push(release),
            CandidatesEntry::Abandoned(build) => abandoned.push(build),
        }
    }
    Ok((pool, closed, abandoned))
}

/// Reads one environment's chain.
///
/// # Errors
/// git failed, or the chain is damaged.
pub fn read_environment(reader: &Reader, environment: &Environment) -> Result<View<EnvState>> {
    let (name, formerly) = chain_refs(reader, environment);
    let file = reader.env_file(&environment.name);
    Ok(state_cache::read(&reader.repo, &name, &formerly, &file)?)
}

/// Where one environment's chain ends.
///
/// # Errors
/// git failed.
pub fn environment_tip(reader: &Reader, environment: &Environment) -> Result<Option<Oid>> {
    let (name, formerly) = chain_refs(reader, environment);
    Ok(ledger::tip(&reader.repo, &name, &formerly)?)
}

/// The ref of an environment's chain, and those of the chains it continues.
fn chain_refs(reader: &Reader, environment: &Environment) -> (ChainRef, Vec<ChainRef>) {
    let of = |name: &EnvName| ChainRef::of_environment(reader.project(), name);
    (of(&environment.name), environment.formerly.iter().map(of).collect())
}

fn policy(reader: &Reader, trunk: Oid) -> Result<Policy> {
    if let Some(text) = text_at(&reader.repo, trunk)? {
        let (commit, text, config, unreadable) = match parse_at(&text, trunk) {
            Ok(config) => (trunk, text, config, None),
            Err(error) => match newest_readable(reader, trunk, &text)? {
                Some((commit, older, config)) => (commit, older, config, Some(Failure::from(error).message)),
                None => return Err(error),
            },
        };
        agreement::check(reader, commit, &text, &config.project)?;
        return Ok(Policy { config, commit: Some(commit), elsewhere: None, unreadable });
    }
    agreement::is_the_authority(reader)?;
    // What no commit has may serve: `--config` or the working tree.
    if reader.home.origin != Origin::Commit {
        let config = config::parse(&reader.home.text, &reader.home.found)?.config;
        return Ok(Policy {
            config,
            commit: None,
            elsewhere: Some(reader.home.found.clone()),
            unreadable: None,
        });
    }
    Err(PolicyFault::NotOnTrunk { tip: trunk, trunk: reader.home.trunk.clone() }.into())
}

/// The newest commit of trunk below its tip whose file can be read, with the file; `None` if
/// only the tip's will do, or none of the last commits has such a file.
fn newest_readable(reader: &Reader, tip: Oid, broken: &str) -> Result<Option<(Oid, String, Config)>> {
    let mut broken = broken.to_owned();
    let mut at = tip;
    for _ in 0..if reader.strict { 0 } else { MAX_UNREADABLE } {
        let Some(parent) = reader.repo.commit(at)?.parents.first().copied() else { break };
        // A shallow clone ends early.
        let Some(text) = text_at(&reader.repo, parent).ok().flatten() else { break };
        if text != broken {
            match parse_at(&text, parent) {
                Ok(config) => return Ok(Some((parent, text, config))),
                Err(_) => broken = text,
            }
        }
        at = parent;
    }
    Ok(None)
}

fn tag_style(config: &Config, reader: &Reader) -> std::result::Result<TagStyle, BadName> {
    TagStyle::new(&config.version.tag, reader.project(), config.version.notation())
}

/// Which tags a fetch asks for: `v*`.
struct TagGlob(String);

impl TagGlob {
    /// From the configuration at hand; every tag where there is none.
    fn guess(reader: &Reader) -> TagGlob {
        let style = config::parse(&reader.home.text, &reader.home.found)
            .ok()
            .and_then(|parsed| tag_style(&parsed.config, reader).ok());
        TagGlob(style.map_or("*".to_owned(), |style| style.glob()))
    }

    fn covers(&self, style: &TagStyle) -> bool {
        self.0 == "*" || self.0 == style.glob()
    }
}

/// Brings this clone up to the authority: trunk, chains and tags, and `others`.
///
/// # Errors
/// The authority cannot be reached, or has rewritten a chain.
fn fetch(reader: &Reader, sink: &dyn Sink, tags: &str, others: &[String]) -> Result<()> {
    let own = [
        reader.trunk_refspec(),
        format!("+{}{tags}:{}{tags}", TagRef::FOLDER, TagRef::copies(reader.project())),
    ];
    fetch_missing(reader, sink, &[&own, others].concat())?;
    write_as_of(reader)
}

/// Fetches the chains, and `others` with them. What `git notes` was made to
/// write onto this clone's copies of chains is forgotten where it stands in
/// the way.
///
/// The chains that this clone has seen are asked for by name, so that git
/// misses one that is gone; no copy of a chain ever moves but forward.
fn fetch_missing(reader: &Reader, sink: &dyn Sink, others: &[String]) -> Result<()> {
    let every = format!("{}*", ChainRef::folder(reader.project()));
    let chains = rewritten::seen(reader)?.into_iter().map(|(name, _)| name.to_string()).chain([every]);
    let refspecs: Vec<String> =
        others.iter().cloned().chain(chains.map(|name| format!("{name}:{name}"))).collect();
    let fetch = || reader.authority().fetch(&reader.repo, &refspecs);
    let error = match fetch() {
        Err(error) if error.is_rewritten() && forget_what_is_no_record(reader, sink)? => match fetch() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        },
        Err(error) => error,
        Ok(()) => return Ok(()),
    };
    if error.is_rewritten() || error.is_missing_ref() {
        let found = rewritten::find(reader)?;
        if !found.is_empty() {
            return Err(rewritten::refusal(reader, &found));
        }
    }
    Err(error.into())
}

/// Takes this clone's copies of chains back to their newest record; whether
/// that changed any.
fn forget_what_is_no_record(reader: &Reader, sink: &dyn Sink) -> Result<bool> {
    let mut changed = false;
    for (name, tip) in reader.repo.chains(reader.project())? {
        if let Some(record) = chain::newest_record(&reader.repo, tip)?
            && record.oid != tip
        {
            sink.notice(Notice::HandNotesDropped { chain: name.as_str() });
            reader.repo.set_cache_ref(name.as_str(), record.oid)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Brings this clone up to the authority, and reads nothing: for who does not
/// go by what chains say.
///
/// # Errors
/// The authority cannot be reached, or has rewritten a chain.
pub fn refresh(reader: &Reader, sink: &dyn Sink) -> Result<()> {
    fetch(reader, sink, &TagGlob::guess(reader).0, &[])
}

/// Brings this clone's copy of chains up to the authority.
///
/// # Errors
/// The authority cannot be reached, or has rewritten a chain.
pub fn fetch_chains(reader: &Reader, sink: &dyn Sink) -> Result<()> {
    if let Authority::Local = reader.authority() {
        return Ok(());
    }
    fetch_missing(reader, sink, &[])
}

/// When this clone last heard of the authority.
pub fn as_of(reader: &Reader) -> Option<DateTime<Utc>> {
    if reader.is_local() { Some(reader.world.now()) } else { read_as_of(reader) }
}

fn as_of_file(reader: &Reader) -> std::path::PathBuf {
    reader.state_dir().join("fetched")
}

fn write_as_of(reader: &Reader) -> Result<()> {
    let file = as_of_file(reader);
    fs::create_dir_all(reader.state_dir())
        .and_then(|()| fs::write(&file, reader.world.now().to_rfc3339()))
        .map_err(FileOp::Write.on(&file))
}

fn read_as_of(reader: &Reader) -> Option<DateTime<Utc>> {
    let text = fs::read_to_string(as_of_file(reader)).ok()?;
    DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.with_timezone(&Utc))
}

/// A range of commits, with the project's own of them.
#[derive(Debug, Clone)]
pub struct WalkedRange {
    pub exclude: Oid,
    pub include: Oid,
    pub own: Rc<[Change]>,
}
