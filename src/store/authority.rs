//! Where chains and tags are decided: a remote, or this repository itself.
//!
//! One function moves refs, [`Authority::publish`], all of them or none, each
//! only from the value it is expected to have; where a remote moves one at a
//! time alone, in an order that can be gone on with. Whether they moved is
//! learnt by reading them again, never from what a push printed. Nothing here
//! deletes a ref, but for what a run of this clone began and gave up
//! ([`Authority::remove`]), and nothing overwrites history: a chain grows by
//! commits on top of its tip or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::domain::name::Oid;
use crate::domain::ref_name::{self, RefName};
use crate::failpoint;

use super::error::{During, Error, GitError, RemoteOp, Result, Task};
use super::git::Git;
use super::history;
use super::repo::Repo;

mod push;
mod why;

#[cfg(feature = "fuzzing")]
pub(in crate::store) use push::rejections;
pub(in crate::store) use push::{Move, push};

use push::update_refs;
use why::git_error;

/// The user's hooks are about the user's refs.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// What is fetched can be fetched again. With the care that publications need, each of thousands
/// of tags would cost a flush of the disk; this is git's own care, see git-config(1).
const FSYNC_OF_COPIES: &str = "core.fsync=committed,-loose-object";

/// How often a publication is tried when refs did not move and are what was expected: on a path
/// remote, racing pushes also fail on each other's lock files.
const PUBLISH_TRIES: u32 = 8;

/// How often a fetch is tried that a concurrent change of this clone's refs spoilt.
const FETCH_TRIES: u32 = 8;

/// Where the truth is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// A remote, by its name or its address.
    Remote(String),
    /// This repository.
    Local,
}

/// What a ref has to be for an update to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is no such ref.
    MustNotExist,
    /// It points to this object (a tag's own, not the commit behind it).
    MustBe(Oid),
}

impl Expected {
    /// The value as an option: None for a ref that must not exist.
    pub fn oid(self) -> Option<Oid> {
        match self {
            Expected::MustNotExist => None,
            Expected::MustBe(oid) => Some(oid),
        }
    }
}

impl From<Option<Oid>> for Expected {
    fn from(tip: Option<Oid>) -> Expected {
        tip.map_or(Expected::MustNotExist, Expected::MustBe)
    }
}

/// One ref, from what to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The full name.
    pub name: RefName,
    /// What it has to be now.
    pub expected: Expected,
    /// What it will be. The object exists in this clone.
    pub new: Oid,
}

impl RefUpdate {
    /// Whether the ref is a chain.
    pub(crate) fn is_of_chain(&self) -> bool {
        matches!(self.name, RefName::Chain(_))
    }

    /// Whether it only says what the ref has to be.
    fn moves_nothing(&self) -> bool {
        self.expected.oid() == Some(self.new)
    }
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Published {
    /// The authority has every update.
    Done,
    /// Somebody else was first: what it holds now, for each ref that is neither what was expected
    /// nor what it was to be. It made none of the updates; where it moves one ref at a time, it may
    /// have made those that stand before the first of these.
    Moved(Tips),
}

/// Refs, and what each of them is now.
pub type Tips = Vec<(RefName, Option<Oid>)>;

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authority::Remote(remote) => f.write_str(&without_password(remote)),
            Authority::Local => f.write_str("this repository"),
        }
    }
}

impl Authority {
    /// Brings refs of the authority here, by one git process. A refspec without `+` only ever moves
    /// a ref forward. Nothing to do where this repository is the authority.
    ///
    /// # Errors
    /// It cannot be reached, or lets nobody in ([`Error::Authority`]); it has no ref that is asked
    /// for by its full name; a ref here is not behind the authority's, so
    /// that its history was rewritten.
    pub fn fetch(&self, repo: &Repo, refspecs: &[String]) -> Result<()> {
        self.fetch_with(repo, &[], refspecs)
    }

    /// The same with all of the history that a shallow clone lacks.
    ///
    /// # Errors
    /// As [`Authority::fetch`].
    pub fn fetch_whole(&self, repo: &Repo, refspecs: &[String]) -> Result<()> {
        self.fetch_with(repo, &["--unshallow"], refspecs)
    }

    fn fetch_with(&self, repo: &Repo, options: &[&str], refspecs: &[String]) -> Result<()> {
        let Authority::Remote(remote) = self else { return Ok(()) };
        if refspecs.is_empty() {
            return Ok(());
        }
        let mut tries = 1;
        loop {
            let before = copies(repo, refspecs)?;
            let output = Git::new(repo)
                .talking()
                // What is fetched goes to refs of rel's own, which are nobody's to veto.
                .set(NO_HOOKS)
                .set(FSYNC_OF_COPIES)
                .arg("fetch")
                .args(["--no-tags", "--refmap=", "--no-write-fetch-head", "--no-filter", "--no-prune"])
                .args(["--no-recurse-submodules", "--no-auto-maintenance", "--progress"])
                .args(options)
                .arg("--")
                .arg(remote)
                .args(refspecs)
                .run()?;
            if output.status.success() {
                // What moves no ref is only looked at.
                if refspecs.iter().any(|refspec| refspec.contains(':')) {
                    repo.follows();
                }
                return Ok(());
            }
            let why = git_error(&output);
            // Another process of this clone may have moved a ref between git's reading the
            // remote and its writing here. Where none did, the remote's history was rewritten.
            let passing = match why {
                GitError::Rejected => copies(repo, refspecs)? != before,
                _ => why == GitError::Locked,
            };
            if !passing || tries == FETCH_TRIES {
                return Err(self.failed(repo, RemoteOp::Read, &output, refspecs.to_vec()));
            }
            std::thread::sleep(backoff(tries));
            tries += 1;
        }
    }

    /// Brings what these refs of the authority point to, and moves no ref. What is brought so may
    /// be collected again. Nothing to do where this repository is the authority.
    ///
    /// # Errors
    /// As [`Authority::fetch`].
    pub fn fetch_objects(&self, repo: &Repo, refs: &[impl AsRef<str>]) -> Result<()> {
        let refspecs: Vec<String> = refs.iter().map(|name| name.as_ref().to_owned()).collect();
        self.fetch(repo, &refspecs)
    }

    /// Every ref of the authority below one of these folders, each with its last slash; one
    /// process for a remote.
    ///
    /// # Errors
    /// As [`Authority::list`].
    pub fn list_under(&self, repo: &Repo, folders: &[&str]) -> Result<BTreeMap<String, Oid>> {
        let Authority::Remote(remote) = self else {
            let listed = folders.iter().map(|folder| repo.refs_under(folder));
            return Ok(listed.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect());
        };
        let patterns: Vec<String> = folders.iter().map(|folder| format!("{folder}*")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let mut held = self.ls_remote(repo, remote, &patterns)?;
        // A pattern matches at the end of a name, wherever that begins; what a tag is on is listed too.
        let below = |name: &str| folders.iter().any(|folder| name.starts_with(folder));
        held.retain(|name, _| below(name) && !name.ends_with("^{}"));
        Ok(held)
    }

    /// What the authority's refs point to, in the order asked; one process for a remote, none for
    /// this repository.
    pub fn tips(&self, repo: &Repo, refs: &[impl AsRef<str>]) -> Result<Vec<Option<Oid>>> {
        let Authority::Remote(remote) = self else {
            return refs.iter().map(|name| repo.ref_target(name)).collect();
        };
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let refs: Vec<&str> = refs.iter().map(AsRef::as_ref).collect();
        let held = self.ls_remote(repo, remote, &refs)?;
        Ok(refs.iter().map(|name| held.get(*name).copied()).collect())
    }

    /// Every ref of the authority and what it points to; of an annotated tag of a remote also what
    /// that is on, as `refs/tags/v1^{}`. One process for a remote, none for this repository.
    ///
    /// # Errors
    /// It cannot be reached, lets nobody in, or names its objects in another way than this clone.
    pub fn list(&self, repo: &Repo) -> Result<BTreeMap<String, Oid>> {
        match self {
            Authority::Remote(remote) => self.ls_remote(repo, remote, &[]),
            Authority::Local => Ok(repo.refs_under(ref_name::ALL)?.into_iter().collect()),
        }
    }

    fn ls_remote(&self, repo: &Repo, remote: &str, refs: &[&str]) -> Result<BTreeMap<String, Oid>> {
        let output =
            Git::new(repo).talking().args(["ls-remote", "--quiet", "--"]).arg(remote).args(refs).run()?;
        if !output.status.success() {
            return Err(self.why(RemoteOp::Read, &output));
        }
        let text = output.stdout_text();
        parse_tips(&text).ok_or_else(|| {
            let id = text.split('\t').next().unwrap_or_default();
            if Oid::is_of_another_kind(id) {
                self.explain(RemoteOp::Read, GitError::OtherIds, &output)
            } else {
                Task::ParseTips(self.to_string()).failed()
            }
        })
    }

    /// Fails if what is published would go to another place than what it is compared with.
    ///
    /// # Errors
    /// That is so.
    pub fn is_one_place(&self, repo: &Repo) -> Result<()> {
        let Authority::Remote(remote) = self else { return Ok(()) };
        let Some((fetched, pushed)) = repo.pushed_elsewhere(remote) else { return Ok(()) };
        Err(Error::PushedElsewhere {
            remote: self.to_string(),
            fetched: without_password(&fetched),
            pushed: pushed.iter().map(|address| without_password(address)).collect(),
        })
    }

    /// Moves refs of the authority, all or none, each only from what is expected; one process when
    /// it works. An update to what is expected moves nothing, and holds the others back unless it
    /// is so. After that, this clone's copies of chains follow, and tags that are not here yet
    /// are made.
    ///
    /// A remote that cannot change several refs at once is asked first whether all of them are what
    /// is expected. Then they are moved one at a time, in the order given, each from what is
    /// expected still, up to the first that is not. Whoever is killed in between, or comes too late
    /// with one, leaves those before it: the order is such that somebody can go on from there.
    ///
    /// # Errors
    /// The authority cannot be reached or refuses, and its refs are as they were as far as can be
    /// known, but for those that were moved in turn; where they cannot be read again, the update
    /// may still arrive. A chain's new commit that does not stand on its expected tip is refused
    /// before anything is sent.
    pub fn publish(&self, repo: &Repo, updates: &[RefUpdate]) -> Result<Published> {
        check(repo, updates)?;
        self.is_one_place(repo)?;
        // What is left to do.
        let mut rest: Vec<&RefUpdate> = updates.iter().collect();
        let mut in_turn = updates.len() > 1 && self.moves_in_turn(repo);
        if in_turn && let Some(moved) = self.compare(repo, &mut rest)? {
            return Ok(Published::Moved(moved));
        }
        let mut tries = 1;
        loop {
            if in_turn {
                rest.retain(|update| !update.moves_nothing());
            }
            if rest.is_empty() {
                break;
            }
            let now = if in_turn { &rest[..1] } else { &rest[..] };
            failpoint::step("push").during_with(|| Task::Change(self.to_string()))?;
            let output = match self {
                Authority::Remote(remote) => {
                    let moves: Vec<Move> = now.iter().map(|update| Move::from(*update)).collect();
                    // Hosts that cannot do several at once can still move a single ref.
                    push(repo, remote, &moves, moves.len() > 1)?
                }
                Authority::Local => update_refs(repo, now)?,
            };
            failpoint::step("pushed").during_with(|| Task::LearnChange(self.to_string()))?;
            if output.status.success() {
                rest.drain(..now.len());
                tries = 1;
                continue;
            }
            let compared =
                self.compare(repo, &mut rest).map_err(|error| Error::MayHaveArrived(Box::new(error)))?;
            if let Some(moved) = compared {
                return Ok(Published::Moved(moved));
            }
            if rest.iter().all(|update| update.moves_nothing()) {
                break;
            }
            let why = git_error(&output);
            if why == GitError::NotAtomic && !in_turn {
                self.remember_in_turn(repo);
                in_turn = true;
                continue;
            }
            if why.lasts() || tries == PUBLISH_TRIES {
                let refs = rest.iter().map(|update| update.name.to_string()).collect();
                return Err(self.failed(repo, RemoteOp::Change, &output, refs));
            }
            std::thread::sleep(backoff(tries));
            tries += 1;
        }
        if let Authority::Remote(_) = self {
            repo.follows();
            // An update that only says what a ref has to be brings nothing new.
            for update in updates.iter().filter(|update| !update.moves_nothing()) {
                // Copies only: what was published stays so even where they cannot be written,
                // and the next fetch brings them.
                let _ = match &update.name {
                    RefName::Chain(chain) => repo.set_cache_ref(chain.as_str(), update.new),
                    RefName::Tag(tag) => repo.create_cache_ref(tag.as_str(), update.new),
                    _ => Ok(()),
                };
            }
        }
        failpoint::step("copied")?;
        Ok(Published::Done)
    }

    /// Reads the refs of these updates, and strikes off what is made already. What is there
    /// instead, where somebody else was first.
    fn compare(&self, repo: &Repo, rest: &mut Vec<&RefUpdate>) -> Result<Option<Tips>> {
        let names: Vec<&str> = rest.iter().map(|update| update.name.as_str()).collect();
        let held = self.tips(repo, &names)?;
        let now: BTreeMap<&str, Option<Oid>> = names.into_iter().zip(held).collect();
        let held = |update: &RefUpdate| now[update.name.as_str()];
        let beyond = rest.iter().copied();
        let beyond: Vec<&RefUpdate> = beyond
            .filter(|update| held(update) != update.expected.oid() && held(update) != Some(update.new))
            .collect();
        let moving: Vec<&RefUpdate> =
            beyond.iter().copied().filter(|update| !update.moves_nothing()).collect();
        // What only had to be so has been, once something that it holds back has arrived.
        let arrived = if moving.is_empty() {
            rest.iter().any(|update| !update.moves_nothing() && held(update) == Some(update.new))
        } else {
            self.contains(repo, &moving, &now)
        };
        if !beyond.is_empty() && !arrived {
            return Ok(Some(beyond.iter().map(|update| (update.name.clone(), held(update))).collect()));
        }
        rest.retain(|update| held(update) == update.expected.oid());
        Ok(None)
    }

    /// Whether these updates arrived although their tips are other ones by now: the connection may
    /// break after a push landed, and somebody else may build on it before it is read again.
    fn contains(&self, repo: &Repo, beyond: &[&RefUpdate], now: &BTreeMap<&str, Option<Oid>>) -> bool {
        if beyond.iter().any(|update| !update.is_of_chain()) {
            return false;
        }
        if let Authority::Remote(_) = self {
            // Into this clone's copies: whoever was too late reads on from them.
            let refspecs: Vec<String> = beyond.iter().map(|u| format!("{0}:{0}", u.name)).collect();
            if self.fetch(repo, &refspecs).is_err() {
                return false;
            }
        }
        beyond.iter().all(|update| {
            now[update.name.as_str()]
                .is_some_and(|tip| history::is_ancestor(repo, update.new, tip).unwrap_or(false))
        })
    }

    /// Whether this process was told that several refs cannot be changed at once.
    fn moves_in_turn(&self, repo: &Repo) -> bool {
        matches!(self, Authority::Remote(remote) if repo.in_turn.borrow().contains(remote))
    }

    fn remember_in_turn(&self, repo: &Repo) {
        if let Authority::Remote(remote) = self {
            repo.in_turn.borrow_mut().insert(remote.clone());
        }
    }

    /// Removes refs that this clone has made and nothing vouches for, each only while it is this
    /// very object. What is gone, or is something else, is left.
    ///
    /// # Errors
    /// The authority cannot be reached, or keeps one of them.
    pub fn remove(&self, repo: &Repo, refs: &[(RefName, Oid)]) -> Result<()> {
        let names: Vec<&str> = refs.iter().map(|(name, _)| name.as_str()).collect();
        let is_there = || -> Result<Vec<&(RefName, Oid)>> {
            let held = self.tips(repo, &names)?;
            Ok(refs.iter().zip(held).filter(|((_, oid), held)| *held == Some(*oid)).map(|(r, _)| r).collect())
        };
        let there = is_there()?;
        if there.is_empty() {
            return Ok(());
        }
        failpoint::step("push").during_with(|| Task::Change(self.to_string()))?;
        let output = match self {
            Authority::Remote(remote) => {
                let moves = there.iter().map(|(name, oid)| Move {
                    name: name.to_string(),
                    from: Some(*oid),
                    to: None,
                });
                push(repo, remote, &moves.collect::<Vec<_>>(), false)?
            }
            Authority::Local => {
                let script: String =
                    there.iter().map(|(name, oid)| format!("delete {name} {oid}\n")).collect();
                Git::new(repo).args(["update-ref", "--no-deref", "--stdin"]).stdin(script).run()?
            }
        };
        failpoint::step("pushed").during_with(|| Task::LearnChange(self.to_string()))?;
        if output.status.success() || is_there()?.is_empty() {
            return Ok(());
        }
        let refs = names.into_iter().map(str::to_owned).collect();
        Err(self.failed(repo, RemoteOp::Change, &output, refs))
    }
}

/// Reads `<oid> TAB <ref>` lines, and rejects what looks different.
pub(in crate::store) fn parse_tips(text: &str) -> Option<BTreeMap<String, Oid>> {
    text.lines()
        .map(|line| {
            let (oid, name) = line.split_once('\t')?;
            Some((name.to_owned(), oid.parse().ok()?))
        })
        .collect()
}

/// The refs of this clone that a fetch of these may only move forward.
fn copies(repo: &Repo, refspecs: &[String]) -> Result<Vec<(String, Oid)>> {
    let mut copies = Vec::new();
    for refspec in refspecs.iter().filter(|refspec| !refspec.starts_with('+')) {
        let Some((_, to)) = refspec.split_once(':') else { continue };
        match to.strip_suffix('*') {
            Some(folder) => copies.extend(repo.refs_under(folder)?),
            None => copies.extend(repo.ref_target(to)?.map(|tip| (to.to_owned(), tip))),
        }
    }
    Ok(copies)
}

/// Refuses what no authority may be asked for.
fn check(repo: &Repo, updates: &[RefUpdate]) -> Result<()> {
    let mut seen = BTreeSet::new();
    // By itself, what moves nothing is an event that was not written.
    let holds_back = updates.iter().any(|update| !update.moves_nothing());
    for update in updates {
        let name = &update.name;
        if !git2::Reference::is_valid_name(name.as_str()) {
            return Err(Error::NotARef(name.to_string()));
        }
        if !seen.insert(name) {
            return Err(Error::ChangedTwice(name.to_string()));
        }
        if update.is_of_chain() && !(holds_back && update.moves_nothing()) {
            continues(repo, update)?;
        }
    }
    Ok(())
}

/// A lease permits a push that throws commits away. A chain's new tip must lead back to the
/// expected one by single parents: one event, or several that are published together.
fn continues(repo: &Repo, update: &RefUpdate) -> Result<()> {
    let mut at = update.new;
    loop {
        if Some(at) == update.expected.oid() {
            break;
        }
        let parents = repo.commit(at)?.parents;
        match (parents.as_slice(), update.expected) {
            ([], Expected::MustNotExist) => return Ok(()),
            ([parent], _) => at = *parent,
            _ => break,
        }
    }
    if Some(at) == update.expected.oid() && at != update.new {
        Ok(())
    } else {
        Err(Error::Discontinues { new: update.new, name: update.name.to_string() })
    }
}

/// 5 to 15 ms at first, and longer each time; never the same for two who collided.
fn backoff(tries: u32) -> Duration {
    let jitter = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    let base = 5_u64 << tries.min(6);
    Duration::from_millis(base / 2 + base * jitter / 256)
}

/// An address without the password it may contain.
fn without_password(remote: &str) -> String {
    let hidden = remote.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.split_once('@')?;
        (!user.contains('/'))
            .then(|| format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or_default()))
    });
    hidden.unwrap_or_else(|| remote.to_owned()).chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests;
