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
use crate::failpoint;
use crate::failure::{Doing, Failure, Kind, Result};

use super::git::{Git, GitOutput};
use super::history;
use super::repo::Repo;

/// The user's hooks are about the user's refs.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

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
    /// The full name, `refs/…`.
    pub name: String,
    /// What it has to be now.
    pub expected: Expected,
    /// What it will be. The object exists in this clone.
    pub new: Oid,
}

impl RefUpdate {
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
pub type Tips = Vec<(String, Option<Oid>)>;

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
    /// It cannot be reached, or lets nobody in ([`Kind::Failed`]); it has no ref that is asked
    /// for by its full name ([`Kind::NotFound`]); a ref here is not behind the authority's, so
    /// that its history was rewritten ([`Kind::Integrity`]).
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
                .arg("fetch")
                .args(["--no-tags", "--refmap=", "--no-write-fetch-head", "--no-filter", "--no-prune"])
                .args(["--no-recurse-submodules", "--no-auto-maintenance", "--progress"])
                .args(options)
                .arg("--")
                .arg(remote)
                .args(refspecs)
                .run()?;
            if output.status.success() {
                return Ok(());
            }
            let trouble = trouble(&output);
            // Another process of this clone may have moved a ref between git's reading the
            // remote and its writing here. Where none did, the remote's history was rewritten.
            let passing = match trouble {
                Trouble::Rejected => copies(repo, refspecs)? != before,
                _ => trouble == Trouble::Locked,
            };
            if !passing || tries == FETCH_TRIES {
                return Err(self.explain(Deed::Read, trouble, &output));
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
    pub fn fetch_objects(&self, repo: &Repo, refs: &[&str]) -> Result<()> {
        let refspecs: Vec<String> = refs.iter().map(|name| (*name).to_owned()).collect();
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
    pub fn tips(&self, repo: &Repo, refs: &[&str]) -> Result<Vec<Option<Oid>>> {
        let Authority::Remote(remote) = self else {
            return refs.iter().map(|name| repo.ref_target(name)).collect();
        };
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.ls_remote(repo, remote, refs)?;
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
            Authority::Local => Ok(repo.refs_under("refs/")?.into_iter().collect()),
        }
    }

    fn ls_remote(&self, repo: &Repo, remote: &str, refs: &[&str]) -> Result<BTreeMap<String, Oid>> {
        let output =
            Git::new(repo).talking().args(["ls-remote", "--quiet", "--"]).arg(remote).args(refs).run()?;
        if !output.status.success() {
            return Err(self.why(Deed::Read, &output));
        }
        let text = output.stdout_text();
        parse_tips(&text).ok_or_else(|| {
            let id = text.split('\t').next().unwrap_or_default();
            if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                self.explain(Deed::Read, Trouble::OtherIds, &output)
            } else {
                Failure::failed(format!("{self} lists its refs in a way that is not understood"))
            }
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
            failpoint::step("push").doing(format!("cannot change {self}"))?;
            let output = match self {
                Authority::Remote(remote) => {
                    let moves: Vec<Move> = now.iter().map(|update| Move::from(*update)).collect();
                    // Hosts that cannot do several at once can still move a single ref.
                    push(repo, remote, &moves, moves.len() > 1)?
                }
                Authority::Local => update_refs(repo, now)?,
            };
            failpoint::step("pushed").doing(format!("cannot tell what {self} has"))?;
            if output.status.success() {
                rest.drain(..now.len());
                tries = 1;
                continue;
            }
            let compared = self.compare(repo, &mut rest).map_err(|failure| {
                failure.hint("whether the last change arrived could not be learnt; rel sync finds out")
            })?;
            if let Some(moved) = compared {
                return Ok(Published::Moved(moved));
            }
            if rest.iter().all(|update| update.moves_nothing()) {
                break;
            }
            let trouble = trouble(&output);
            if trouble == Trouble::NotAtomic && !in_turn {
                self.remember_in_turn(repo);
                in_turn = true;
                continue;
            }
            if trouble.lasts() || tries == PUBLISH_TRIES {
                return Err(self.explain(Deed::Change, trouble, &output));
            }
            std::thread::sleep(backoff(tries));
            tries += 1;
        }
        if let Authority::Remote(_) = self {
            // An update that only says what a ref has to be brings nothing new.
            for update in updates.iter().filter(|update| !update.moves_nothing()) {
                // Copies only: what was published stays so even where they cannot be written,
                // and the next fetch brings them.
                let _ = if update.name.starts_with("refs/notes/") {
                    repo.set_cache_ref(&update.name, update.new)
                } else if update.name.starts_with("refs/tags/") {
                    repo.create_cache_ref(&update.name, update.new)
                } else {
                    Ok(())
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
        if !beyond.is_empty() && !self.contains(repo, &beyond, &now) {
            return Ok(Some(beyond.iter().map(|update| (update.name.clone(), held(update))).collect()));
        }
        rest.retain(|update| held(update) == update.expected.oid());
        Ok(None)
    }

    /// Whether these updates arrived although their tips are other ones by now: the connection may
    /// break after a push landed, and somebody else may build on it before it is read again.
    fn contains(&self, repo: &Repo, beyond: &[&RefUpdate], now: &BTreeMap<&str, Option<Oid>>) -> bool {
        if beyond.iter().any(|update| !update.name.starts_with("refs/notes/")) {
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
    pub fn remove(&self, repo: &Repo, refs: &[(String, Oid)]) -> Result<()> {
        let names: Vec<&str> = refs.iter().map(|(name, _)| name.as_str()).collect();
        let is_there = || -> Result<Vec<&(String, Oid)>> {
            let held = self.tips(repo, &names)?;
            Ok(refs.iter().zip(held).filter(|((_, oid), held)| *held == Some(*oid)).map(|(r, _)| r).collect())
        };
        let there = is_there()?;
        if there.is_empty() {
            return Ok(());
        }
        failpoint::step("push").doing(format!("cannot change {self}"))?;
        let output = match self {
            Authority::Remote(remote) => {
                let moves =
                    there.iter().map(|(name, oid)| Move { name: name.clone(), from: Some(*oid), to: None });
                push(repo, remote, &moves.collect::<Vec<_>>(), false)?
            }
            Authority::Local => {
                let script: String =
                    there.iter().map(|(name, oid)| format!("delete {name} {oid}\n")).collect();
                Git::new(repo).args(["update-ref", "--no-deref", "--stdin"]).stdin(script).run()?
            }
        };
        failpoint::step("pushed").doing(format!("cannot tell what {self} has"))?;
        if output.status.success() || is_there()?.is_empty() {
            return Ok(());
        }
        Err(self.why(Deed::Change, &output))
    }

    /// Whether git says that the authority cannot change several refs at once.
    pub(in crate::store) fn cannot_at_once(output: &GitOutput) -> bool {
        trouble(output) == Trouble::NotAtomic
    }

    /// Why git could not talk to the authority, and how to go on, as far as its words tell.
    pub(in crate::store) fn why(&self, deed: Deed, output: &GitOutput) -> Failure {
        self.explain(deed, trouble(output), output)
    }

    fn explain(&self, deed: Deed, trouble: Trouble, output: &GitOutput) -> Failure {
        let verb = match deed {
            Deed::Read => "read",
            Deed::Change => "change",
        };
        let because = anyhow::anyhow!(output.said());
        let failure = match trouble {
            Trouble::Unreachable => Failure::failed(format!("cannot reach {self}"))
                .hint("check the network and the remote's address: git remote -v"),
            Trouble::Auth => Failure::failed(format!("{self} does not let git in"))
                .hint("rel never asks for a password: set up a credential helper, a token or an ssh key")
                .hint("git ls-remote, in a terminal, shows the same without rel"),
            Trouble::NoRepository => {
                Failure::failed(format!("{self} is not a git repository that can be {verb}"))
                    .hint("check the remote's address: git remote -v")
            }
            Trouble::NoRef(name) => Failure::new(Kind::NotFound, format!("{self} has no {name}"))
                .hint("check trunk and remote in release.toml, or push the branch"),
            Trouble::Rejected if deed == Deed::Read => Failure::new(
                Kind::Integrity,
                format!("a chain or ref of {self} does not continue what this clone knows: it was rewritten"),
            )
            .hint("rel fsck"),
            Trouble::Silent => Failure::failed(format!("{self} did not answer"))
                .hint("a credential helper may wait for somebody: git ls-remote, in a terminal, shows it")
                .hint("where git only needs more time: REL_GIT_TIMEOUT=SECONDS"),
            Trouble::Foreign => Failure::failed(format!("{self} belongs to another user"))
                .hint("where you trust it: git config --global --add safe.directory PATH"),
            Trouble::Unsigned => Failure::failed(format!("git cannot sign what is pushed to {self}"))
                .hint("set up a key: git config user.signingKey KEY")
                .hint("or do not ask for it: git config push.gpgSign false"),
            Trouble::Quarantine => {
                Failure::failed(format!("{self} cannot be changed from inside a hook of its own"))
                    .hint("run rel from a post-receive hook, or from CI")
            }
            Trouble::OtherIds => Failure::failed(format!(
                "{self} names its objects by SHA-256, and this clone by SHA-1"
            ))
            .hint("make a remote with git init --bare --object-format=sha1 and push to it: rel needs SHA-1"),
            Trouble::NotAtomic => {
                Failure::failed(format!("{self} cannot change several refs at once (--atomic)"))
                    .hint("rel doctor")
            }
            Trouble::Declined => Failure::failed(format!("{self} refused the change"))
                .hint("a hook or a protection rule there has to allow rel's refs: rel doctor"),
            Trouble::Rejected | Trouble::Locked | Trouble::Other => {
                Failure::failed(format!("could not {verb} {self}"))
            }
        };
        failure.because(because)
    }
}

/// What git was asked to do with the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Deed {
    Read,
    Change,
}

/// What stands in the way, as far as git's words tell. Decides hints, and whether trying again is
/// worth the time; never whether something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Unreachable,
    Auth,
    NoRepository,
    NoRef(String),
    Rejected,
    Locked,
    NotAtomic,
    OtherIds,
    Silent,
    Foreign,
    Unsigned,
    Quarantine,
    Declined,
    Other,
}

impl Trouble {
    /// Whether it will be the same in a second.
    fn lasts(&self) -> bool {
        matches!(
            self,
            Trouble::Auth
                | Trouble::NoRepository
                | Trouble::NoRef(_)
                | Trouble::NotAtomic
                | Trouble::OtherIds
                | Trouble::Silent
                | Trouble::Foreign
                | Trouble::Unsigned
                | Trouble::Quarantine
                | Trouble::Declined
                | Trouble::Unreachable
        )
    }
}

/// Reads git's standard error in the C locale.
fn trouble(output: &GitOutput) -> Trouble {
    let stderr = &*String::from_utf8_lossy(&output.stderr);
    let says = |words: &[&str]| {
        let lower = stderr.to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let no_ref = stderr.lines().find_map(|line| {
        let name = line.split_once("couldn't find remote ref ")?.1.trim();
        Some(Trouble::NoRef(name.chars().filter(|c| !c.is_control()).collect()))
    });
    if output.silent.is_some() {
        Trouble::Silent
    } else if let Some(no_ref) = no_ref {
        no_ref
    } else if says(&["support --signed push", "failed to sign", "push certificate"]) {
        Trouble::Unsigned
    } else if says(&["quarantine environment"]) {
        Trouble::Quarantine
    } else if says(&["dubious ownership"]) {
        Trouble::Foreign
    } else if says(&["does not support --atomic"]) {
        Trouble::NotAtomic
    } else if says(&[
        "mismatched algorithms",
        "mismatched object format",
        "does not support this repository's object format",
        "the remote end has a different hash",
    ]) {
        Trouble::OtherIds
    } else if says(&[
        "cannot lock ref",
        "unable to create",
        "failed to update ref",
        "reference already exists",
    ]) {
        Trouble::Locked
    } else if says(&[
        "hook declined",
        "push declined",
        "protected",
        "prohibited",
        "denying",
        "denied by",
        "aborted by hook",
        "deny updating",
    ]) {
        Trouble::Declined
    } else if says(&["[rejected]", "[remote rejected]"]) {
        Trouble::Rejected
    } else if says(&[
        "authentication failed",
        "could not read username",
        "could not read password",
        "permission denied",
        "terminal prompts disabled",
        "host key verification failed",
        "returned error: 401",
        "returned error: 403",
        "access denied",
    ]) {
        Trouble::Auth
    } else if says(&["does not appear to be a git repository", "repository not found", "' not found"]) {
        Trouble::NoRepository
    } else if says(&[
        "could not resolve",
        "couldn't connect",
        "could not connect",
        "unable to connect",
        "failed to connect",
        "connection refused",
        "connection timed out",
        "network is unreachable",
        "no route to host",
        "returned error: 5",
    ]) {
        Trouble::Unreachable
    } else {
        Trouble::Other
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
    for update in updates {
        let name = &update.name;
        if !name.starts_with("refs/") || !git2::Reference::is_valid_name(name) {
            return Err(Failure::failed(format!("{name:?} is not the full name of a ref")));
        }
        if !seen.insert(name) {
            return Err(Failure::failed(format!("{name} would be changed twice at once")));
        }
        if name.starts_with("refs/notes/") {
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
        Err(Failure::new(
            Kind::Integrity,
            format!("{} would not continue {}; nothing was published", update.new.short(), update.name),
        ))
    }
}

/// One ref in a push: from what, which is its lease, to what. None stands for no ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Move {
    pub name: String,
    pub from: Option<Oid>,
    pub to: Option<Oid>,
}

impl From<&RefUpdate> for Move {
    fn from(update: &RefUpdate) -> Move {
        Move { name: update.name.clone(), from: update.expected.oid(), to: Some(update.new) }
    }
}

/// One push of raw object ids, each with a lease, and of nothing else, whatever the user's settings
/// add to a push of theirs. Several at once where `atomic` asks for it.
pub(in crate::store) fn push(repo: &Repo, remote: &str, moves: &[Move], atomic: bool) -> Result<GitOutput> {
    let mut git = Git::new(repo)
        .talking()
        .set(NO_HOOKS)
        .set("push.followTags=false")
        .set("push.recurseSubmodules=no")
        .set("push.negotiate=false");
    // A mirror takes all refs or none; a name with `=` in it cannot be said to `git -c`.
    let mirror = format!("remote.{remote}.mirror");
    if !remote.contains('=') && repo.config(&mirror).is_some() {
        git = git.set(format!("{mirror}=false"));
    }
    git = git.args(["push", "--porcelain", "--no-verify", "--progress"]);
    if atomic {
        git = git.arg("--atomic");
    }
    let id = |oid: Option<Oid>| oid.map(|oid| oid.to_string()).unwrap_or_default();
    for Move { name, from, .. } in moves {
        git = git.arg(format!("--force-with-lease={name}:{}", id(*from)));
    }
    git = git.arg("--").arg(remote);
    for Move { name, to, .. } in moves {
        git = git.arg(format!("{}:{name}", id(*to)));
    }
    let mut output = git.run()?;
    // With --porcelain, why a ref was rejected stands on standard output.
    let rejected = rejections(&output.stdout_text());
    output.stderr.extend_from_slice(rejected.as_bytes());
    Ok(output)
}

/// A line for each ref that `git push --porcelain` says was rejected, with its name and why.
pub(in crate::store) fn rejections(porcelain: &str) -> String {
    let mut rejections = String::new();
    for line in porcelain.lines() {
        if let ["!", refs, why] = line.splitn(3, '\t').collect::<Vec<_>>()[..] {
            let name = refs.split_once(':').map_or(refs, |(_, name)| name);
            rejections.push_str(&format!("{name}: {why}\n"));
        }
    }
    rejections
}

/// One transaction of `git update-ref`.
fn update_refs(repo: &Repo, updates: &[&RefUpdate]) -> Result<GitOutput> {
    repo.sync_objects()?;
    let mut script = String::from("start\n");
    for update in updates {
        let RefUpdate { name, new, .. } = update;
        match update.expected {
            Expected::MustNotExist => script.push_str(&format!("create {name} {new}\n")),
            Expected::MustBe(old) => script.push_str(&format!("update {name} {new} {old}\n")),
        }
    }
    script.push_str("prepare\ncommit\n");
    Git::new(repo).args(["update-ref", "--no-deref", "-m", "rel", "--stdin"]).stdin(script).run()
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
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::repo::fixture::Sandbox;
    use super::*;

    const CHAIN: &str = "refs/notes/rel/shop/env/prod";

    /// A commit on `parent` that nobody else makes.
    fn commit(sandbox: &Sandbox, parent: Option<Oid>) -> Oid {
        let tree = sandbox.git("work", &["rev-parse", "HEAD^{tree}"]);
        let nonce = uuid::Uuid::new_v4().to_string();
        let mut args = vec!["commit-tree", "-m", &nonce, &tree];
        let parent = parent.map(|oid| oid.to_string());
        if let Some(parent) = &parent {
            args.extend(["-p", parent]);
        }
        sandbox.git("work", &args).parse().unwrap()
    }

    fn update(name: &str, expected: Option<Oid>, new: Oid) -> RefUpdate {
        RefUpdate { name: name.to_owned(), expected: expected.into(), new }
    }

    fn origin() -> Authority {
        Authority::Remote("origin".to_owned())
    }

    /// A `git` for PATH that is the real one with something around its pushes.
    fn wrap_push(sandbox: &mut Sandbox, script: &str) {
        let real = sandbox.git(".", &["--exec-path"]) + "/git";
        let bin = sandbox.path("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let body = format!(
            "#!/bin/sh\ngit() {{ {real} \"$@\"; }}\ncase \" $* \" in *' push '*) {script} ;; *) exec {real} \"$@\" ;; esac\n"
        );
        std::fs::write(bin.join("git"), body).unwrap();
        std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let old = sandbox.world.env[std::ffi::OsStr::new("PATH")].clone();
        let mut path = bin.into_os_string();
        path.push(":");
        path.push(old);
        sandbox.world.env.insert("PATH".into(), path);
    }

    #[test]
    fn publishing_moves_refs_only_from_what_is_expected() {
        for authority in [origin(), Authority::Local] {
            let sandbox = Sandbox::new();
            let repo = sandbox.open("work");
            let first = commit(&sandbox, None);
            let second = commit(&sandbox, Some(first));
            let other = commit(&sandbox, Some(first));
            let publish = |expected, new| authority.publish(&repo, &[update(CHAIN, expected, new)]).unwrap();
            assert_eq!(publish(None, first), Published::Done);
            assert_eq!(publish(None, first), Published::Done, "made already");
            assert_eq!(publish(Some(first), second), Published::Done);
            assert_eq!(publish(Some(first), other), Published::Moved(vec![(CHAIN.into(), Some(second))]));
            assert_eq!(authority.tips(&repo, &[CHAIN, "refs/x"]).unwrap(), [Some(second), None]);
            assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(second), "the copy follows");
            assert_eq!(authority.publish(&repo, &[]).unwrap(), Published::Done);
        }
    }

    #[test]
    fn a_record_that_landed_is_done_although_others_follow_it() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        let second = commit(&sandbox, Some(first));
        sandbox.git("work", &["push", "-q", "origin", &format!("{second}:{CHAIN}")]);
        assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
    }

    #[test]
    fn all_or_nothing() {
        for authority in [origin(), Authority::Local] {
            let sandbox = Sandbox::new();
            let repo = sandbox.open("work");
            let (first, tag) = (commit(&sandbox, None), sandbox.oid("work", "HEAD"));
            let other = commit(&sandbox, None);
            let both = |chain, tag| [update(CHAIN, None, chain), update("refs/tags/v1", None, tag)];
            let here = if authority == Authority::Local { "work" } else { "remote.git" };
            sandbox.git(
                "work",
                &["push", "-q", sandbox.path(here).to_str().unwrap(), &format!("{other}:refs/tags/v1")],
            );
            assert_eq!(
                authority.publish(&repo, &both(first, tag)).unwrap(),
                Published::Moved(vec![("refs/tags/v1".into(), Some(other))])
            );
            assert_eq!(authority.tips(&repo, &[CHAIN]).unwrap(), [None]);
            sandbox.git(here, &["update-ref", "-d", "refs/tags/v1"]);
            assert_eq!(authority.publish(&repo, &both(first, tag)).unwrap(), Published::Done);
            assert_eq!(sandbox.oid("work", "refs/tags/v1"), tag, "made here too");
        }
    }

    /// A remote that moves one ref at a time is looked at first, and what is there already stays.
    #[test]
    fn in_turn_where_the_remote_cannot_do_several() {
        let sandbox = Sandbox::new();
        sandbox.git("remote.git", &["config", "receive.advertiseAtomic", "false"]);
        let repo = sandbox.open("work");
        let (first, tag) = (commit(&sandbox, None), sandbox.oid("work", "HEAD"));
        let (second, third) = (commit(&sandbox, Some(first)), commit(&sandbox, Some(first)));
        let both = |expected, new, name: &str| [update(name, None, tag), update(CHAIN, expected, new)];
        let publish = |updates: &[RefUpdate]| origin().publish(&repo, updates).unwrap();
        assert_eq!(publish(&both(None, first, "refs/tags/v1")), Published::Done);
        assert!(origin().moves_in_turn(&repo), "so it is not tried again");

        let moved = Published::Moved(vec![(CHAIN.into(), Some(first))]);
        assert_eq!(publish(&both(None, second, "refs/tags/v2")), moved);
        assert_eq!(origin().tips(&repo, &["refs/tags/v2"]).unwrap(), [None], "nothing before it was made");
        sandbox.git("work", &["push", "-q", "origin", &format!("{tag}:refs/tags/v2")]);
        assert_eq!(publish(&both(Some(first), second, "refs/tags/v2")), Published::Done, "it goes on");

        // What has to be stays unpushed, and holds the others back.
        let gone = update("refs/tags/v3", Some(tag), tag);
        let moved = Published::Moved(vec![("refs/tags/v3".into(), None)]);
        let fourth = commit(&sandbox, Some(second));
        assert_eq!(publish(&[update(CHAIN, Some(second), fourth), gone]), moved);
        assert_eq!(origin().tips(&repo, &[CHAIN]).unwrap(), [Some(second)]);
        assert_eq!(
            publish(&both(Some(first), third, "refs/tags/v1")),
            Published::Moved(vec![(CHAIN.into(), Some(second))]),
            "a tag that is there already is nobody else's"
        );
    }

    #[test]
    fn only_the_very_object_is_removed() {
        for authority in [origin(), Authority::Local] {
            let sandbox = Sandbox::new();
            let repo = sandbox.open("work");
            let (ours, other) = (sandbox.oid("work", "HEAD"), commit(&sandbox, None));
            for (name, oid) in [("refs/tags/a", ours), ("refs/tags/b", other)] {
                assert_eq!(authority.publish(&repo, &[update(name, None, oid)]).unwrap(), Published::Done);
            }
            let refs = ["refs/tags/a", "refs/tags/b", "refs/tags/c"].map(|name| (name.to_owned(), ours));
            authority.remove(&repo, &refs).unwrap();
            let tips = authority.tips(&repo, &["refs/tags/a", "refs/tags/b"]).unwrap();
            assert_eq!(tips, [None, Some(other)]);
            authority.remove(&repo, &refs).unwrap();
        }
    }

    #[test]
    fn a_chain_never_loses_a_commit_and_may_gain_several() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        let third = commit(&sandbox, Some(commit(&sandbox, Some(first))));
        let unrelated = commit(&sandbox, None);
        for authority in [origin(), Authority::Local] {
            let publish = |expected, new| authority.publish(&repo, &[update(CHAIN, expected, new)]);
            assert_eq!(publish(None, first).unwrap(), Published::Done);
            for (expected, new) in [(Some(first), unrelated), (Some(first), first), (Some(third), first)] {
                assert_eq!(publish(expected, new).unwrap_err().kind, Kind::Integrity);
            }
            assert_eq!(publish(Some(first), third).unwrap(), Published::Done);
            assert_eq!(authority.tips(&repo, &[CHAIN]).unwrap(), [Some(third)]);
            sandbox.git("work", &["update-ref", "-d", CHAIN]);
        }
        let twice = [update("refs/tags/a", None, first), update("refs/tags/a", None, third)];
        assert!(origin().publish(&repo, &twice).is_err());
        assert!(origin().publish(&repo, &[update("main", None, first)]).is_err());
    }

    #[test]
    fn of_all_who_race_exactly_one_wins() {
        for authority in [origin(), Authority::Local] {
            let sandbox = Sandbox::new();
            let mut tip = None;
            for _ in 0..3 {
                let rivals: Vec<Oid> = (0..4).map(|_| commit(&sandbox, tip)).collect();
                let outcomes: Vec<Published> = std::thread::scope(|scope| {
                    let racers: Vec<_> = rivals
                        .iter()
                        .map(|new| {
                            let (sandbox, authority) = (&sandbox, &authority);
                            scope.spawn(move || {
                                let repo = sandbox.open("work");
                                authority.publish(&repo, &[update(CHAIN, tip, *new)]).unwrap()
                            })
                        })
                        .collect();
                    racers.into_iter().map(|racer| racer.join().unwrap()).collect()
                });
                let winners: Vec<Oid> = rivals
                    .iter()
                    .zip(&outcomes)
                    .filter(|(_, outcome)| **outcome == Published::Done)
                    .map(|(new, _)| *new)
                    .collect();
                assert_eq!(winners.len(), 1, "{outcomes:?}");
                let held = authority.tips(&sandbox.open("work"), &[CHAIN]).unwrap()[0];
                assert_eq!(held, Some(winners[0]));
                tip = held;
            }
        }
    }

    #[test]
    fn a_push_that_landed_and_said_otherwise_is_done() {
        let mut sandbox = Sandbox::new();
        wrap_push(&mut sandbox, "git \"$@\"; exit 1");
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
        assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(first));
    }

    #[test]
    fn a_passing_collision_is_tried_again() {
        let mut sandbox = Sandbox::new();
        let lock = sandbox.path("remote.git/once");
        std::fs::write(&lock, "").unwrap();
        let script = format!(
            "if rm {} 2>/dev/null; then echo 'cannot lock ref' >&2; exit 1; fi; git \"$@\"",
            lock.display()
        );
        wrap_push(&mut sandbox, &script);
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
        assert!(!lock.exists());
    }

    #[test]
    fn a_refusal_quotes_the_remote_and_is_not_repeated() {
        let sandbox = Sandbox::new();
        let hook = sandbox.path("remote.git/hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        let count = sandbox.path("count");
        let body =
            format!("#!/bin/sh\necho x >> {}\nprintf '\\033[1mnot today\\n' >&2\nexit 1\n", count.display());
        std::fs::write(&hook, body).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        let repo = sandbox.open("work");
        let error = origin().publish(&repo, &[update(CHAIN, None, commit(&sandbox, None))]).unwrap_err();
        let said = error.source.unwrap().to_string();
        assert_eq!(error.message, "origin refused the change");
        assert!(said.contains("not today") && !said.contains('\x1b'), "{said}");
        assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
        assert_eq!(repo.ref_target(CHAIN).unwrap(), None);
    }

    #[test]
    fn fetching_says_what_is_wrong() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let fetch = |authority: &str, refspec: &str| {
            Authority::Remote(authority.to_owned()).fetch(&repo, &[refspec.to_owned()])
        };
        fetch("origin", "+refs/heads/main:refs/remotes/origin/main").unwrap();
        fetch("origin", "refs/notes/rel/*:refs/notes/rel/*").unwrap();
        let missing = fetch("origin", "+refs/heads/trunk:refs/remotes/origin/trunk").unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound);
        assert_eq!(missing.message, "origin has no refs/heads/trunk");
        let nowhere = fetch(sandbox.path("nowhere").to_str().unwrap(), "refs/heads/main").unwrap_err();
        assert!(nowhere.message.contains("is not a git repository"), "{nowhere}");
        let closed = fetch("git://127.0.0.1:1/x", "refs/heads/main").unwrap_err();
        assert!(closed.message.starts_with("cannot reach"), "{closed}");
        assert!(Authority::Local.fetch(&repo, &["refs/heads/nope".into()]).is_ok());
    }

    #[test]
    fn a_rewritten_chain_is_noticed_and_not_followed() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        let other = commit(&sandbox, None);
        assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
        sandbox.git("work", &["push", "-q", "--force", "origin", &format!("{other}:{CHAIN}")]);
        let error = origin().fetch(&repo, &["refs/notes/rel/*:refs/notes/rel/*".into()]).unwrap_err();
        assert_eq!(error.kind, Kind::Integrity);
        assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(first));
    }

    #[test]
    fn fetching_brings_no_tags_and_prunes_nothing() {
        let sandbox = Sandbox::new();
        sandbox.git("work", &["tag", "v1"]);
        sandbox.git("work", &["push", "-q", "origin", "v1"]);
        sandbox.git("work", &["tag", "-d", "v1"]);
        sandbox.git("work", &["config", "fetch.prune", "true"]);
        let repo = sandbox.open("work");
        repo.set_cache_ref(CHAIN, sandbox.oid("work", "HEAD")).unwrap();
        let specs = [
            "refs/notes/rel/*:refs/notes/rel/*".to_owned(),
            "refs/heads/main:refs/remotes/origin/main".to_owned(),
        ];
        origin().fetch(&repo, &specs).unwrap();
        assert_eq!(repo.ref_target("refs/tags/v1").unwrap(), None);
        assert!(repo.ref_target(CHAIN).unwrap().is_some());
        assert!(!sandbox.path("work/.git/FETCH_HEAD").exists());
    }

    #[test]
    fn unfamiliar_listings_are_rejected() {
        let line = "0123456789012345678901234567890123456789\trefs/a\n";
        assert_eq!(parse_tips(line).unwrap().len(), 1);
        assert_eq!(parse_tips("").unwrap().len(), 0);
        for bad in ["x", "0123 refs/a", "xyz\trefs/a"] {
            assert_eq!(parse_tips(bad), None);
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let shown = |text: &str| Authority::Remote(text.to_owned()).to_string();
        assert_eq!(shown("https://me:secret@host/x.git"), "https://me@host/x.git");
        assert_eq!(shown("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown("origin"), "origin");
    }
}
