//! One repository: where it is, what its refs, commits and settings say.
//!
//! Reads are in-process, by way of git2. This file moves no ref that anybody
//! else may move (see [`super::authority`]); the refs it does set are local
//! copies of what the authority holds. It never touches HEAD, the index or the
//! working tree.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use chrono::{DateTime, Utc};
use git2::{ConfigLevel, ErrorCode, ObjectType};

use crate::domain::name::{Actor, Oid};
use crate::failure::{Doing, Failure, Kind, Result};
use crate::world::World;

use super::git::{Git, Version};
use super::history::Commits;
use super::partial;

/// Variables that point git at a repository, an index or an object store; git's own list is
/// `git rev-parse --local-env-vars`. A command that runs inside a checkout must have none of them.
pub(in crate::store) const LOCAL_VARS: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// How often a local copy of a ref is tried again while another process holds its lock file.
const LOCK_TRIES: u32 = 20;

/// A commit, as far as anybody here asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// The first paragraph of the message on one line.
    pub subject: String,
    /// The whole message; what is not UTF-8 is replaced.
    pub message: String,
    /// Who wrote it.
    pub author: Actor,
    /// When it was written, to the second.
    pub author_time: DateTime<Utc>,
    /// When it was committed, to the second. A clock: decides no order.
    pub commit_time: DateTime<Utc>,
}

/// What a commit says, and no more than that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// The whole message; what is not UTF-8 is replaced.
    pub message: String,
    /// Who wrote it.
    pub author: Actor,
    /// When it was committed, to the second. A clock: decides no order.
    pub commit_time: DateTime<Utc>,
}

impl Said {
    /// Reads a commit object as git writes them; none for any other.
    fn of(data: &[u8]) -> Option<Said> {
        let text = std::str::from_utf8(data).ok()?;
        let (head, message) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').skip_while(|line| line.starts_with("tree ")).peekable();
        let mut parents = Vec::new();
        while let Some(id) = lines.peek().and_then(|line| line.strip_prefix("parent ")) {
            parents.push(id.parse().ok()?);
            lines.next();
        }
        let ((name, email), _) = stamp(lines.next()?.strip_prefix("author ")?)?;
        let (_, commit_time) = stamp(lines.next()?.strip_prefix("committer ")?)?;
        let message = message.trim_start_matches('\n').to_owned();
        Some(Said { parents, message, author: Actor::new(name, email), commit_time })
    }
}

/// The parents that a commit's header names. libgit2 says that there are none where a shallow clone
/// ends, and goes on saying so after it was deepened.
fn parents_in(header: &[u8]) -> Vec<Oid> {
    let named = |line: &[u8]| std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?.parse().ok();
    header.split(|byte| *byte == b'\n').filter_map(named).collect()
}

/// Who and when, as a line of a commit has it: `Ana <ana@example.com> 1700000000 +0100`.
fn stamp(line: &str) -> Option<((&str, &str), DateTime<Utc>)> {
    let (name, rest) = line.split_once(" <")?;
    let (email, rest) = rest.split_once("> ")?;
    let (seconds, _) = rest.split_once(' ')?;
    // git2 strips more than blanks from the ends; what has none of that it leaves alone.
    let crud = |c: char| c <= ' ' || ".,:;\"\\'".contains(c);
    let plain = |text: &str| {
        !text.is_empty() && !text.contains(['<', '>']) && !text.starts_with(crud) && !text.ends_with(crud)
    };
    let at = DateTime::from_timestamp(seconds.parse().ok()?, 0)?;
    (plain(name) && plain(email)).then_some(((name, email), at))
}

/// A repository, opened. One thread uses one handle; several handles of one repository may be
/// used at once, by any number of threads and processes.
pub struct Repo {
    inner: git2::Repository,
    config: git2::Config,
    world: World,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_dir: Option<PathBuf>,
    /// Settings from `git -c` and `GIT_CONFIG_COUNT`, which libgit2 does not know; last one wins.
    overrides: BTreeMap<String, String>,
    /// Object directories the environment names; read from, never written to.
    alternates: Vec<PathBuf>,
    /// Objects written in-process that may not be on stable storage yet.
    unsynced: RefCell<Vec<Oid>>,
    /// Remotes that were seen to change one ref at a time alone.
    pub(in crate::store) in_turn: RefCell<BTreeSet<String>>,
    pub(in crate::store) version: OnceCell<Version>,
    promisor: OnceCell<Option<String>>,
    /// For how many commits trees are brought the next time.
    pub(in crate::store) batch: Cell<Option<usize>>,
    offline: Cell<bool>,
    commits: OnceCell<Commits>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.git_dir).finish()
    }
}

/// The same id, for git2.
pub(in crate::store) fn to_git2(oid: Oid) -> git2::Oid {
    git2::Oid::from_bytes(oid.as_bytes()).expect("20 bytes are a SHA-1 id")
}

/// The same id, from git2.
pub(in crate::store) fn from_git2(oid: git2::Oid) -> Oid {
    Oid::from_bytes(oid.as_bytes().try_into().expect("repositories with longer ids are not opened"))
}

/// Seconds since the epoch as a time; what no calendar holds becomes the epoch.
pub(in crate::store) fn time_of(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Name and address as git2 gives them; what is not UTF-8 is replaced.
pub(in crate::store) fn actor_of(who: &git2::Signature<'_>) -> Actor {
    Actor::new(&String::from_utf8_lossy(who.name_bytes()), &String::from_utf8_lossy(who.email_bytes()))
}

/// Settings of libgit2 that hold for the whole process, made once.
fn set_up_libgit2() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Objects are checked by whoever received them; checking each one again while reading
        // costs about a third of a walk.
        git2::opts::strict_hash_verification(false);
        // A partial clone is refused otherwise. Commits are always present in one, and what else
        // was left out is fetched when it is missed ([`super::partial`]). `refstorage` must never be
        // listed: libgit2 would read a reftable's stand-in HEAD as if it were the real one.
        #[expect(unsafe_code, reason = "sets a global of libgit2; Once keeps two threads from racing")]
        // SAFETY: the list is changed once, before this process opens its first repository, and
        // only read afterwards.
        let listed = unsafe { git2::opts::set_extensions(&["partialclone"]) };
        // Failing here means that partial clones are refused with a clear error, below.
        drop(listed);
    });
}

impl Repo {
    /// Opens the repository that `dir` is in, or the one the environment names (`GIT_DIR`,
    /// `GIT_WORK_TREE`, `GIT_CEILING_DIRECTORIES`…), as git would.
    ///
    /// # Errors
    /// Outside a repository; one owned by somebody else; one in a format that cannot be read.
    pub fn discover(world: &World, dir: &Path) -> Result<Repo> {
        set_up_libgit2();
        let path_var = |name: &str| {
            world.env.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(|value| dir.join(value))
        };
        let mut flags = git2::RepositoryOpenFlags::empty();
        let mut start = dir.to_owned();
        if let Some(git_dir) = path_var("GIT_DIR") {
            flags |= git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::NO_DOTGIT;
            start = git_dir;
        }
        if world
            .var("GIT_DISCOVERY_ACROSS_FILESYSTEM")
            .is_some_and(|v| git2::Config::parse_bool(v) == Ok(true))
        {
            flags |= git2::RepositoryOpenFlags::CROSS_FS;
        }
        let ceilings: Vec<PathBuf> = world
            .env
            .get(OsStr::new("GIT_CEILING_DIRECTORIES"))
            .map(|list| split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect())
            .unwrap_or_default();
        let inner = git2::Repository::open_ext(&start, flags, &ceilings)
            .map_err(|error| cannot_open(&start, &ceilings, error))?;
        if let Some(work_tree) = path_var("GIT_WORK_TREE") {
            inner.set_workdir(&work_tree, false).doing(format!("cannot use GIT_WORK_TREE {work_tree:?}"))?;
        }
        let alternates = alternates(world, dir);
        for path in &alternates {
            let added = inner.odb().and_then(|odb| odb.add_disk_alternate(&path.to_string_lossy()));
            added.doing(format!("cannot use the object directory {}", path.display()))?;
        }
        let git_dir = tidy(inner.path());
        let common_dir = tidy(inner.commondir());
        let work_dir = inner.workdir().map(tidy);
        let config = settings(&inner, world).doing("cannot read git's settings")?;
        Ok(Repo {
            inner,
            config,
            world: world.clone(),
            git_dir,
            common_dir,
            work_dir,
            overrides: overrides(world),
            alternates,
            unsynced: RefCell::new(Vec::new()),
            in_turn: RefCell::default(),
            version: OnceCell::new(),
            promisor: OnceCell::new(),
            batch: Cell::new(None),
            offline: Cell::new(false),
            commits: OnceCell::new(),
        })
    }

    /// The world it was opened in; git children inherit its environment.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// This working tree's own git directory.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory all linked working trees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The working tree; none in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// Where this clone keeps what belongs in no ref: journal, outbox, caches. May not exist yet.
    pub fn state_dir(&self) -> PathBuf {
        self.common_dir.join("rel")
    }

    /// Whether history is cut off somewhere, so that counts and ancestry may be wrong.
    pub fn is_shallow(&self) -> bool {
        self.common_dir.join("shallow").metadata().is_ok_and(|file| file.len() > 0)
    }

    /// The commits that a shallow clone has without their parents.
    pub fn shallow_edges(&self) -> Vec<Oid> {
        let text = std::fs::read_to_string(self.common_dir.join("shallow")).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// Object directories the environment names, beside the repository's own.
    pub(in crate::store) fn alternates(&self) -> &[PathBuf] {
        &self.alternates
    }

    /// The handle itself, for this floor.
    pub(in crate::store) fn git2(&self) -> &git2::Repository {
        &self.inner
    }

    /// Its commits as a graph, opened when it is first asked about.
    pub(in crate::store) fn commits(&self) -> Result<&Commits> {
        match self.commits.get() {
            Some(commits) => Ok(commits),
            None => {
                let opened = Commits::open(self)?;
                Ok(self.commits.get_or_init(|| opened))
            }
        }
    }

    /// A path as it is written from the top of the working tree, where it names
    /// something inside of it.
    pub fn inner_path(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        let inner = if path.is_absolute() { path.strip_prefix(self.work_dir()?).ok()? } else { path };
        let plain = inner.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let parts = inner.components().filter(|part| matches!(part, Component::Normal(_)));
        let text = parts.collect::<PathBuf>().to_str()?.to_owned();
        (plain && !text.is_empty()).then_some(text)
    }

    // ---- refs ----

    /// What a ref of this repository points to: a tag's own object, not the commit behind it.
    /// Follows a symbolic ref. None where there is no such ref.
    ///
    /// # Errors
    /// The name is no full ref name, or the ref cannot be read.
    pub fn ref_target(&self, full_ref: &str) -> Result<Option<Oid>> {
        let found = self.inner.find_reference(full_ref).and_then(|r| r.resolve());
        match found {
            Ok(reference) => Ok(reference.target().map(from_git2)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(Failure::failed(format!("cannot read the ref {full_ref:?}")).because(error)),
        }
    }

    /// Makes this clone's copy of an authority's ref say `new`, whatever it said. A copy decides
    /// nothing, so that the last writer may win. Branches are refused: they are the user's.
    pub fn set_cache_ref(&self, full_ref: &str, new: Oid) -> Result<()> {
        self.on_cache_ref(full_ref, || {
            self.inner.reference(full_ref, to_git2(new), true, "rel: as the authority has it").map(drop)
        })
    }

    /// Creates a ref that is not there yet; one that is stays as it is.
    pub(in crate::store) fn create_cache_ref(&self, full_ref: &str, new: Oid) -> Result<()> {
        self.on_cache_ref(full_ref, || {
            let made = self.inner.reference(full_ref, to_git2(new), false, "rel: as the authority has it");
            match made {
                Err(error) if error.code() == ErrorCode::Exists => Ok(()),
                made => made.map(drop),
            }
        })
    }

    /// Removes this clone's copy of an authority's ref; none is fine.
    pub fn delete_cache_ref(&self, full_ref: &str) -> Result<()> {
        self.on_cache_ref(full_ref, || match self.inner.find_reference(full_ref) {
            Ok(mut reference) => reference.delete(),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
            Err(error) => Err(error),
        })
    }

    fn on_cache_ref(
        &self,
        full_ref: &str,
        change: impl Fn() -> std::result::Result<(), git2::Error>,
    ) -> Result<()> {
        if !full_ref.starts_with("refs/") || full_ref.starts_with("refs/heads/") {
            return Err(Failure::failed(format!("{full_ref:?} is no local copy of an authority's ref")));
        }
        let mut tries = 1;
        loop {
            match change() {
                // Another process is writing the same copy; its lock lasts a moment.
                Err(error)
                    if matches!(error.code(), ErrorCode::Locked | ErrorCode::Modified)
                        && tries < LOCK_TRIES =>
                {
                    std::thread::sleep(Duration::from_millis(u64::from(tries)));
                    tries += 1;
                }
                done => return done.doing(format!("cannot change the local ref {full_ref}")),
            }
        }
    }

    // ---- objects ----

    /// The commit a revision names, in any of git's spellings. None where nothing has that name.
    ///
    /// # Errors
    /// A short id that fits several objects, or a name for something that is no commit.
    pub fn resolve_commit(&self, rev: &str) -> Result<Option<Oid>> {
        if rev.is_empty() || rev.starts_with('-') || rev.contains('\0') {
            return Ok(None);
        }
        let object = match self.inner.revparse_single(rev) {
            Ok(object) => object,
            Err(error) if error.code() == ErrorCode::Ambiguous => return self.resolve_ambiguous(rev),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
                return Ok(None);
            }
            // libgit2 reports a revision that asks for the impossible (`main^{blob}`) as a
            // general error of its revision parser: it names nothing.
            Err(error) if error.code() == ErrorCode::Peel => return Ok(None),
            Err(error) => {
                return Err(Failure::failed(format!("cannot look up the revision {rev:?}")).because(error));
            }
        };
        match object.peel(ObjectType::Commit) {
            Ok(commit) => Ok(Some(from_git2(commit.id()))),
            Err(_) => {
                let what = object.kind().map_or("object", |kind| kind.str());
                Err(Failure::new(Kind::NotFound, format!("{rev:?} is a {what}, not a commit")))
            }
        }
    }

    /// A short id that several objects share may still fit one commit only, which git knows to
    /// look for; where it does not, its words list the candidates.
    fn resolve_ambiguous(&self, rev: &str) -> Result<Option<Oid>> {
        let spec = format!("{rev}^{{commit}}");
        let output = Git::new(self).args(["rev-parse", "--verify", "--end-of-options"]).arg(spec).run()?;
        let found = output.status.success().then(|| output.stdout_text().trim().parse().ok()).flatten();
        match found {
            Some(oid) => Ok(Some(oid)),
            None => Err(Failure::new(Kind::Usage, format!("{rev:?} is ambiguous: it fits several objects"))
                .hint("give more digits of the commit's id")
                .because(anyhow::anyhow!(output.said()))),
        }
    }

    /// A commit.
    ///
    /// # Errors
    /// It is not in this repository, or is no commit.
    pub fn commit(&self, oid: Oid) -> Result<CommitInfo> {
        let commit = self.find_commit(oid)?;
        let subject = commit.summary_bytes().unwrap_or_default();
        Ok(CommitInfo {
            id: oid,
            tree: from_git2(commit.tree_id()),
            parents: parents_in(commit.raw_header_bytes()),
            subject: String::from_utf8_lossy(subject).into_owned(),
            message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
            author: actor_of(&commit.author()),
            author_time: time_of(commit.author().when().seconds()),
            commit_time: time_of(commit.time().seconds()),
        })
    }

    /// What a commit says. For whoever reads thousands: it costs a third less than
    /// [`Repo::commit`]. Threads would not help, since libgit2 lets one at a time read a pack.
    ///
    /// # Errors
    /// As [`Repo::commit`].
    pub fn said(&self, oid: Oid) -> Result<Said> {
        let object = self.inner.odb().and_then(|odb| {
            let object = odb.read(to_git2(oid))?;
            Ok(if object.kind() == ObjectType::Commit { Said::of(object.data()) } else { None })
        });
        if let Ok(Some(said)) = object {
            return Ok(said);
        }
        // Whatever is out of the ordinary is for git2 to read, or to refuse.
        let CommitInfo { parents, message, author, commit_time, .. } = self.commit(oid)?;
        Ok(Said { parents, message, author, commit_time })
    }

    /// git2's commit, with a failure that names it.
    pub(in crate::store) fn find_commit(&self, oid: Oid) -> Result<git2::Commit<'_>> {
        self.inner.find_commit(to_git2(oid)).map_err(|error| {
            let failure = Failure::failed(format!("cannot read the commit {oid}"));
            if error.code() != ErrorCode::NotFound {
                failure.because(error)
            } else if self.is_shallow() {
                failure
                    .because(anyhow::anyhow!("it is not in this clone, which is shallow"))
                    .hint("git fetch --unshallow")
            } else {
                failure.because(anyhow::anyhow!("it is not in this clone")).hint("git fetch")
            }
        })
    }

    /// The commit behind an object: itself, or what a tag (of a tag) points to. None where the
    /// object is missing or leads to no commit.
    pub fn peel_to_commit(&self, oid: Oid) -> Result<Option<Oid>> {
        let object = match self.inner.find_object(to_git2(oid), None) {
            Ok(object) => object,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(Failure::failed(format!("cannot read the object {oid}")).because(error)),
        };
        Ok(object.peel(ObjectType::Commit).ok().map(|commit| from_git2(commit.id())))
    }

    /// Whether the object is in this clone.
    pub fn has_object(&self, oid: Oid) -> bool {
        self.inner.odb().is_ok_and(|odb| odb.exists(to_git2(oid)))
    }

    /// Where an object is kept, if it is in no pack.
    pub fn loose_file(&self, oid: Oid) -> PathBuf {
        let name = oid.to_string();
        self.common_dir.join("objects").join(&name[..2]).join(&name[2..])
    }

    /// Whether an object is here and is what its id says. Reading does not ask:
    /// whoever received it has checked, but a disk may have changed it since.
    pub fn is_intact(&self, oid: Oid) -> bool {
        let check = || {
            let odb = self.inner.odb()?;
            let object = odb.read(to_git2(oid))?;
            Ok::<bool, git2::Error>(git2::Oid::hash_object(object.kind(), object.data())? == to_git2(oid))
        };
        check().unwrap_or(false)
    }

    /// The bytes of a file as a commit has it, without any filter. None where the commit has no
    /// such file; a folder, a symbolic link and a submodule are no files.
    pub fn file_at(&self, commit: Oid, path: &str) -> Result<Option<Vec<u8>>> {
        let doing = || format!("cannot read {path:?} at {}", commit.short());
        let tree = self.tree_of(commit)?;
        let entry = match partial::reading(self, || tree.get_path(Path::new(path))) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(Failure::failed(doing()).because(error)),
        };
        if entry.kind() != Some(ObjectType::Blob) || entry.filemode() == 0o120_000 {
            return Ok(None);
        }
        match self.blob(from_git2(entry.id())) {
            Ok(blob) => Ok(Some(blob.content().to_vec())),
            Err(error) if error.code() == ErrorCode::NotFound && self.is_offline() => {
                Err(Failure::failed(doing())
                    .hint("this clone is partial and lacks it: without --offline it is fetched")
                    .because(error))
            }
            Err(error) => Err(Failure::failed(doing()).because(error)),
        }
    }

    /// Writes one object. It may not survive a power cut before [`Repo::sync_objects`].
    pub(in crate::store) fn put(&self, kind: ObjectType, data: &[u8]) -> Result<Oid> {
        let written = self.inner.odb().and_then(|odb| odb.write(kind, data));
        let oid = from_git2(written.doing(format!("cannot write a {} to the repository", kind.str()))?);
        self.wrote(oid);
        Ok(oid)
    }

    /// Notes that an object was written by way of git2.
    pub(in crate::store) fn wrote(&self, oid: Oid) {
        self.unsynced.borrow_mut().push(oid);
    }

    /// Brings every object written in-process through this handle to stable storage, so that a ref
    /// may point to it for good. libgit2 can only be told to do so by the user's own settings.
    pub fn sync_objects(&self) -> Result<()> {
        let objects = self.common_dir.join("objects");
        let mut folders = BTreeSet::new();
        for oid in self.unsynced.borrow().iter() {
            let name = oid.to_string();
            let folder = objects.join(&name[..2]);
            match File::open(folder.join(&name[2..])) {
                Ok(file) => file.sync_all().doing(format!("cannot bring the object {oid} to the disk"))?,
                // It was in a pack already, or has been packed since, and packs are synced.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(error).doing(format!("cannot bring the object {oid} to the disk"));
                }
            }
            folders.insert(folder);
        }
        for folder in folders {
            File::open(&folder)
                .and_then(|folder| folder.sync_all())
                .doing(format!("cannot bring {} to the disk", folder.display()))?;
        }
        self.unsynced.borrow_mut().clear();
        Ok(())
    }

    // ---- settings ----

    /// A setting of git's, as git would see it here. Empty ones count as unset.
    pub fn config(&self, key: &str) -> Option<String> {
        let found = self.overrides.get(&canonical_key(key)).cloned();
        found.or_else(|| self.config.get_string(key).ok()).filter(|value| !value.is_empty())
    }

    /// Every value of a setting that may be given several times.
    pub fn config_all(&self, key: &str) -> Vec<String> {
        let mut values = Vec::new();
        if let Ok(entries) = self.config.multivar(key, None) {
            // What is not text is no refspec either.
            let _ = entries.for_each(|entry| values.extend(entry.value().map(str::to_owned)));
        }
        values.extend(self.overrides.get(&canonical_key(key)).cloned());
        values
    }

    /// Whether a setting says yes, in any of git's spellings.
    pub fn config_is(&self, key: &str) -> bool {
        self.config(key).is_some_and(|value| git2::Config::parse_bool(&value) == Ok(true))
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<String> {
        let names = self.inner.remotes();
        names.iter().flatten().flatten().flatten().map(str::to_owned).collect()
    }

    /// Whether some objects are left to be fetched when they are needed.
    pub fn is_partial(&self) -> bool {
        self.promisor().is_some()
    }

    /// The remote that has promised the objects that a partial clone left out.
    pub(in crate::store) fn promisor(&self) -> Option<&str> {
        let find = || {
            let promises = |name: &String| self.config_is(&format!("remote.{name}.promisor"));
            self.config("extensions.partialClone").or_else(|| self.remotes().into_iter().find(promises))
        };
        self.promisor.get_or_init(find).as_deref()
    }

    /// From now on nobody is asked for objects that are missing.
    pub fn stay_offline(&self) {
        self.offline.set(true);
    }

    /// Whether nobody may be asked.
    pub(in crate::store) fn is_offline(&self) -> bool {
        self.offline.get()
    }

    /// Who git would name as the committer: `GIT_COMMITTER_NAME` and `GIT_COMMITTER_EMAIL`, else
    /// `committer.*`, else `user.*`. Never guessed from the host's name.
    ///
    /// # Errors
    /// Nobody has said who is at work.
    pub fn identity(&self) -> Result<Actor> {
        let part = |var: &str, part: &str| {
            let from_env = self.world.var(var).map(str::to_owned);
            from_env
                .or_else(|| self.config(&format!("committer.{part}")))
                .or_else(|| self.config(&format!("user.{part}")))
        };
        let name = part("GIT_COMMITTER_NAME", "name");
        let email = part("GIT_COMMITTER_EMAIL", "email");
        let actor = Actor::new(name.as_deref().unwrap_or_default(), email.as_deref().unwrap_or_default());
        let mut failure =
            Failure::new(Kind::Refused, "git does not know who you are, and records name a person");
        if actor.name.is_empty() {
            failure = failure.hint("git config user.name \"Your Name\"");
        }
        if actor.email.is_empty() {
            failure = failure.hint("git config user.email you@example.com");
        }
        if failure.hints.is_empty() { Ok(self.mailmap().canonical(actor)) } else { Err(failure) }
    }

    /// Who is who.
    pub fn mailmap(&self) -> Mailmap {
        Mailmap(self.git2().mailmap().ok())
    }

    /// Whether a remote of this name is set up.
    pub fn remote_exists(&self, name: &str) -> bool {
        self.remote_url(name).is_some()
    }

    /// The address a remote is fetched from, after `url.*.insteadOf`.
    pub fn remote_url(&self, name: &str) -> Option<String> {
        let remote = self.inner.find_remote(name).ok()?;
        let url = String::from_utf8_lossy(remote.url_bytes()).into_owned();
        Some(url).filter(|url| !url.is_empty())
    }

    /// The branch HEAD is on, without `refs/heads/`, born or not. None when detached.
    pub fn head_branch(&self) -> Option<String> {
        let head = self.inner.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok()??;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// Whether HEAD names a branch without a commit.
    pub fn is_unborn(&self) -> bool {
        self.inner.head().is_err_and(|error| error.code() == ErrorCode::UnbornBranch)
    }
}

/// `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`, as in a hook, whose objects are
/// in quarantine until it agrees. Both are read; writing goes to the repository's own.
fn alternates(world: &World, dir: &Path) -> Vec<PathBuf> {
    ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"]
        .iter()
        .filter_map(|name| world.env.get(OsStr::new(name)))
        .flat_map(|list| split_paths(list))
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| dir.join(path))
        .filter(|path| path.is_dir())
        .collect()
}

/// A list of paths as environment variables hold it.
fn split_paths(list: &OsStr) -> impl Iterator<Item = PathBuf> + '_ {
    std::env::split_paths(list)
}

/// Without the trailing slash git2 puts after a folder.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The repository's settings, with the user's and the host's files where the world says they are.
fn settings(repo: &git2::Repository, world: &World) -> std::result::Result<git2::Config, git2::Error> {
    let mut config = repo.config()?;
    // libgit2 takes a file that does not exist for an empty one, but not `/dev/null`.
    let nowhere = repo.commondir().join("rel/no-such-file");
    let file = |value: &OsString| match value {
        value if value.is_empty() || value == "/dev/null" => nowhere.clone(),
        value => PathBuf::from(value),
    };
    if let Some(path) = world.env.get(OsStr::new("GIT_CONFIG_GLOBAL")) {
        config.add_file(&nowhere, ConfigLevel::XDG, true)?;
        config.add_file(&file(path), ConfigLevel::Global, true)?;
    }
    if world.var("GIT_CONFIG_NOSYSTEM").is_some_and(|v| git2::Config::parse_bool(v) == Ok(true)) {
        config.add_file(&nowhere, ConfigLevel::System, true)?;
    } else if let Some(path) = world.env.get(OsStr::new("GIT_CONFIG_SYSTEM")) {
        config.add_file(&file(path), ConfigLevel::System, true)?;
    }
    Ok(config)
}

/// Settings that came by way of the environment: `GIT_CONFIG_PARAMETERS` (what `git -c` leaves
/// for an alias), then `GIT_CONFIG_COUNT`. What cannot be parsed is left out.
fn overrides(world: &World) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let parameters = world.var("GIT_CONFIG_PARAMETERS").and_then(|text| shell_words::split(text).ok());
    for word in parameters.unwrap_or_default() {
        let (key, value) = word.split_once('=').unwrap_or((&word, "true"));
        found.insert(canonical_key(key), value.to_owned());
    }
    let count: usize = world.var("GIT_CONFIG_COUNT").and_then(|text| text.parse().ok()).unwrap_or(0);
    for n in 0..count {
        let Some(key) = world.var(&format!("GIT_CONFIG_KEY_{n}")) else { break };
        let value = world.var(&format!("GIT_CONFIG_VALUE_{n}")).unwrap_or_default();
        found.insert(canonical_key(key), value.to_owned());
    }
    found
}

/// What `.mailmap` says of people (gitmailmap(5)).
pub struct Mailmap(Option<git2::Mailmap>);

impl Mailmap {
    /// The one name and address of a person.
    pub fn canonical(&self, actor: Actor) -> Actor {
        let mapped = || {
            let signature = git2::Signature::now(&actor.name, &actor.email).ok()?;
            let found = self.0.as_ref()?.resolve_signature(&signature).ok()?;
            Some(Actor::new(found.name().ok()?, found.email().ok()?))
        };
        mapped().unwrap_or(actor)
    }
}

/// Section and name do not mind case, what stands between the dots does.
fn canonical_key(key: &str) -> String {
    match (key.split_once('.'), key.rsplit_once('.')) {
        (Some((section, _)), Some((before, name))) => {
            format!(
                "{}{}.{}",
                section.to_ascii_lowercase(),
                &before[section.len()..],
                name.to_ascii_lowercase()
            )
        }
        _ => key.to_ascii_lowercase(),
    }
}

/// Why a repository cannot be opened, and how to go on.
fn cannot_open(start: &Path, ceilings: &[PathBuf], error: git2::Error) -> Failure {
    if error.code() == ErrorCode::Owner {
        return Failure::failed(format!("the repository at {} belongs to another user", start.display()))
            .hint(format!("git config --global --add safe.directory {}", quoted(start)))
            .because(error);
    }
    let git_dir = git2::Repository::discover_path(start, ceilings).ok();
    let git_dir = git_dir.or_else(|| start.join("config").is_file().then(|| start.to_owned()));
    let Some(git_dir) = git_dir else {
        return Failure::new(Kind::Refused, format!("not a git repository: {}", start.display()))
            .hint("git init")
            .hint("rel -C DIR, with DIR inside a repository");
    };
    let setting = |key: &str| {
        let common = std::fs::read_to_string(git_dir.join("commondir")).unwrap_or_default();
        let config = git2::Config::open(&git_dir.join(common.trim_end()).join("config")).ok()?;
        config.get_string(key).ok()
    };
    let unreadable = |what: &str, hint: &str| {
        Failure::failed(format!("the repository at {} {what}, which rel cannot read", start.display()))
            .hint(hint)
    };
    match (setting("extensions.refstorage"), setting("extensions.objectformat")) {
        (Some(format), _) if format != "files" => {
            let address = setting("remote.origin.url").unwrap_or_else(|| "ADDRESS".to_owned());
            unreadable("keeps its refs as a reftable", "git refs migrate --ref-format=files")
                .hint("or, where git says that it cannot, clone anew:")
                .hint(format!("git clone --ref-format=files {}", shell_words::quote(&address)))
                .because(error)
        }
        (_, Some(format)) if format != "sha1" => {
            let (here, new) = (quoted(start), quoted(&with_suffix(start, "-sha1")));
            unreadable(
                "names its objects by SHA-256",
                &format!(
                    "git init --object-format=sha1 {new} && git -C {here} fast-export --all | git -C {new} fast-import --quiet"
                ),
            )
            .because(error)
        }
        _ => Failure::failed(format!("cannot open the repository at {}", start.display())).because(error),
    }
}

/// A path beside another, named after it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

/// A place to try things with real git: its own home, identity and bare remote.
#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// Removed with everything in it when dropped.
    pub struct Sandbox {
        pub dir: tempfile::TempDir,
        pub world: World,
    }

    impl Sandbox {
        /// An empty bare repository `remote.git`, and `work`, a clone of it with one commit on
        /// `main` that is pushed.
        pub fn new() -> Sandbox {
            let dir = tempfile::tempdir().unwrap();
            let mut world = World::from_process();
            world.cwd = dir.path().to_owned();
            world.stdin_terminal = false;
            world.stderr_terminal = false;
            world.env.retain(|name, _| !name.to_string_lossy().starts_with("GIT_"));
            for (name, value) in [
                ("HOME", dir.path().to_str().unwrap()),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_AUTHOR_NAME", "Ana"),
                ("GIT_AUTHOR_EMAIL", "ana@example.com"),
                ("GIT_AUTHOR_DATE", "1700000000 +0100"),
                ("GIT_COMMITTER_NAME", "Ana"),
                ("GIT_COMMITTER_EMAIL", "ana@example.com"),
                ("GIT_COMMITTER_DATE", "1700000000 +0100"),
            ] {
                world.env.insert(name.into(), value.into());
            }
            let sandbox = Sandbox { dir, world };
            sandbox.git(".", &["init", "-q", "--bare", "-b", "main", "remote.git"]);
            sandbox.git(".", &["init", "-q", "-b", "main", "work"]);
            sandbox.git("work", &["remote", "add", "origin", sandbox.path("remote.git").to_str().unwrap()]);
            sandbox.commit("work", "README", "hello\n", "first");
            sandbox.git("work", &["push", "-q", "origin", "main"]);
            sandbox
        }

        pub fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        pub fn open(&self, name: &str) -> Repo {
            Repo::discover(&self.world, &self.path(name)).unwrap()
        }

        /// Plain git, as a user would type it; what it printed, trimmed.
        pub fn git(&self, name: &str, args: &[&str]) -> String {
            let output = self.try_git(name, args);
            assert!(output.0, "git {args:?}: {}", output.1);
            output.1.trim().to_owned()
        }

        /// Whether git succeeded, and what it printed.
        #[expect(clippy::disallowed_methods, reason = "tests look at results with git as users have it")]
        pub fn try_git(&self, name: &str, args: &[&str]) -> (bool, String) {
            let mut command = std::process::Command::new("git");
            command.env_clear().envs(&self.world.env).current_dir(self.path(name)).args(args);
            let output = command.output().unwrap();
            let text = if output.status.success() { output.stdout } else { output.stderr };
            (output.status.success(), String::from_utf8_lossy(&text).into_owned())
        }

        /// Writes a file and commits it.
        pub fn commit(&self, name: &str, file: &str, text: &str, message: &str) -> Oid {
            let path = self.path(name).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            self.git(name, &["add", "-A"]);
            self.git(name, &["commit", "-q", "--allow-empty", "-m", message]);
            self.oid(name, "HEAD")
        }

        pub fn oid(&self, name: &str, rev: &str) -> Oid {
            self.git(name, &["rev-parse", "--verify", rev]).parse().unwrap()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::Sandbox;
    use super::*;

    #[test]
    fn finds_the_repository_from_a_folder_inside() {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path("work/inner")).unwrap();
        let repo = sandbox.open("work/inner");
        let work = sandbox.path("work").canonicalize().unwrap();
        assert_eq!(repo.work_dir(), Some(&*work));
        assert_eq!(repo.git_dir(), work.join(".git"));
        assert_eq!(repo.state_dir(), work.join(".git/rel"));
        assert_eq!(repo.head_branch().as_deref(), Some("main"));
        assert!(!repo.is_unborn() && !repo.is_shallow());
        let bare = sandbox.open("remote.git");
        assert_eq!(bare.work_dir(), None);
    }

    #[test]
    fn finds_the_repository_the_environment_names() {
        let mut sandbox = Sandbox::new();
        sandbox.world.env.insert("GIT_DIR".into(), sandbox.path("work/.git").into());
        let repo = sandbox.open(".");
        assert_eq!(repo.git_dir(), sandbox.path("work/.git").canonicalize().unwrap());
        sandbox.world.env.insert("GIT_DIR".into(), sandbox.path("nowhere").into());
        assert_eq!(Repo::discover(&sandbox.world, sandbox.dir.path()).unwrap_err().kind, Kind::Refused);
    }

    #[test]
    fn outside_a_repository_nothing_is_done() {
        let sandbox = Sandbox::new();
        let error = Repo::discover(&sandbox.world, sandbox.dir.path()).unwrap_err();
        assert_eq!(error.kind, Kind::Refused);
        assert!(error.message.starts_with("not a git repository"), "{error}");
        assert_eq!(error.hints[0], "git init");
    }

    #[test]
    fn a_format_that_cannot_be_read_is_named_and_never_misread() {
        let sandbox = Sandbox::new();
        for (key, value, word) in [
            ("extensions.refstorage", "reftable", "reftable"),
            ("extensions.objectformat", "sha256", "SHA-256"),
            ("extensions.unheardof", "1", "cannot open"),
        ] {
            let config = sandbox.path("work/.git/config");
            let before = std::fs::read(&config).unwrap();
            sandbox.git("work", &["config", "core.repositoryformatversion", "1"]);
            sandbox.git("work", &["config", key, value]);
            let error = Repo::discover(&sandbox.world, &sandbox.path("work")).unwrap_err();
            assert_eq!(error.kind, Kind::Failed);
            assert!(error.message.contains(word), "{error}");
            std::fs::write(&config, before).unwrap();
        }
    }

    #[test]
    fn a_partial_clone_opens_and_its_missing_files_are_asked_for() {
        let sandbox = Sandbox::new();
        sandbox.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", sandbox.path("remote.git").display());
        sandbox.git(".", &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
        let repo = sandbox.open("partial");
        let head = repo.resolve_commit("HEAD").unwrap().unwrap();
        assert_eq!(repo.file_at(head, "README").unwrap().as_deref(), Some(&b"hello\n"[..]));
    }

    #[test]
    fn revisions_resolve_as_git_resolves_them() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        let second = sandbox.commit("work", "dir/a", "a\n", "second\n\nbody");
        sandbox.git("work", &["tag", "-a", "-m", "x", "v1", "HEAD~1"]);
        let repo = sandbox.open("work");
        assert_eq!(repo.resolve_commit("HEAD").unwrap(), Some(second));
        assert_eq!(repo.resolve_commit("main~1").unwrap(), Some(first));
        assert_eq!(repo.resolve_commit("v1").unwrap(), Some(first));
        assert_eq!(repo.resolve_commit(&first.short()).unwrap(), Some(first));
        for unknown in
            ["nope", "", "-x", "nope~3", "0123456789012345678901234567890123456789", "a b", "HEAD~9"]
        {
            assert_eq!(repo.resolve_commit(unknown).unwrap(), None, "{unknown}");
        }
        assert_eq!(repo.resolve_commit("HEAD^{tree}").unwrap_err().kind, Kind::NotFound);
        let tag = repo.ref_target("refs/tags/v1").unwrap().unwrap();
        assert_ne!(tag, first);
        assert_eq!(repo.peel_to_commit(tag).unwrap(), Some(first));
        assert_eq!(repo.peel_to_commit(Oid::from_bytes([7; 20])).unwrap(), None);
        let info = repo.commit(second).unwrap();
        assert_eq!((info.subject.as_str(), info.message.as_str()), ("second", "second\n\nbody\n"));
        assert_eq!(info.parents, [first]);
        assert_eq!(info.author, Actor::new("Ana", "ana@example.com"));
        assert_eq!(info.author_time.timestamp(), 1_700_000_000);
        assert!(repo.commit(Oid::from_bytes([7; 20])).is_err());
        assert!(repo.said(Oid::from_bytes([7; 20])).is_err());
        assert!(repo.said(info.tree).is_err());
    }

    #[test]
    fn what_a_commit_says_is_what_git2_reads() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        let repo = sandbox.open("work");
        let tree = repo.commit(first).unwrap().tree;
        for text in [
            format!(
                "tree {tree}\nparent {first}\nauthor Ana <ana@example.com> 1700000000 +0100\ncommitter Bob B. <b@c> 1700000001 -0930\n\none\n\ntwo\n"
            ),
            format!(
                "tree {tree}\nparent {first}\nparent {first}\nauthor É Ö <é@x> 1 +0000\ncommitter Ana <a@b> 2 +0000\nencoding ISO-8859-1\ngpgsig -----BEGIN\n \n x\n -----END\n\n\n\n  late\n"
            ),
            format!("tree {tree}\nauthor  <> 1 +0000\ncommitter Ana <a@b> 2 +0000\n\nno name"),
            format!("tree {tree}\nauthor .Ana, <a@b> 1 +0000\ncommitter Ana <<a@b>> 2 +0000\n\nodd"),
            format!("tree {tree}\nauthor Ana <a@b> 1 +0000\ncommitter Ana <a@b> 99999999999999 +0000\n\nfar"),
            format!("tree {tree}\nauthor Ana B. <a@b> 1 +0000\ncommitter Ana <a@b> 2 +0000\n\n"),
            format!("tree {tree}\nauthor Ana <a@b> 1 +0000\ncommitter Ana <a@b> 2 +0000\n"),
        ] {
            let oid = repo.put(git2::ObjectType::Commit, text.as_bytes()).unwrap();
            let CommitInfo { parents, message, author, commit_time, .. } = repo.commit(oid).unwrap();
            let said = Said { parents, message, author, commit_time };
            assert_eq!(repo.said(oid).unwrap(), said, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_short_id_says_so_unless_one_commit_fits() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let head = sandbox.oid("work", "HEAD");
        let mut ids = std::collections::HashMap::new();
        // Two blobs whose ids begin alike, and one that begins like the commit.
        let like_head = |oid: Oid| oid.to_string()[..4] == head.to_string()[..4];
        let (mut pair, mut fits_head) = (None, false);
        for n in 0..1_000_000_u32 {
            let data = n.to_string();
            let oid = from_git2(git2::Oid::hash_object(ObjectType::Blob, data.as_bytes()).unwrap());
            if !fits_head && like_head(oid) {
                repo.put(ObjectType::Blob, data.as_bytes()).unwrap();
                fits_head = true;
            } else if pair.is_none()
                && !like_head(oid)
                && let Some(other) = ids.insert(oid.to_string()[..4].to_owned(), n)
            {
                repo.put(ObjectType::Blob, data.as_bytes()).unwrap();
                repo.put(ObjectType::Blob, other.to_string().as_bytes()).unwrap();
                pair = Some(oid.to_string()[..4].to_owned());
            }
            if fits_head && pair.is_some() {
                break;
            }
        }
        assert_eq!(repo.resolve_commit(&head.to_string()[..4]).unwrap(), Some(head));
        let error = repo.resolve_commit(&pair.unwrap()).unwrap_err();
        assert!(error.message.contains("ambiguous"), "{error}");
    }

    #[test]
    fn files_are_read_as_committed() {
        let sandbox = Sandbox::new();
        std::os::unix::fs::symlink("README", sandbox.path("work/link")).unwrap();
        let head = sandbox.commit("work", "dir/a", "a\r\n", "second");
        let repo = sandbox.open("work");
        assert_eq!(repo.file_at(head, "dir/a").unwrap().as_deref(), Some(&b"a\r\n"[..]));
        for none in ["dir", "link", "nope", "README/x"] {
            assert_eq!(repo.file_at(head, none).unwrap(), None, "{none}");
        }
    }

    #[test]
    fn copies_of_refs_move_freely_and_branches_never() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        let second = sandbox.commit("work", "a", "a", "second");
        let repo = sandbox.open("work");
        let name = "refs/notes/rel/shop/env/prod";
        assert_eq!(repo.ref_target(name).unwrap(), None);
        for oid in [second, first] {
            repo.set_cache_ref(name, oid).unwrap();
            assert_eq!(repo.ref_target(name).unwrap(), Some(oid));
        }
        repo.create_cache_ref(name, second).unwrap();
        assert_eq!(repo.ref_target(name).unwrap(), Some(first));
        assert_eq!(repo.refs_under("refs/notes/rel/").unwrap(), [(name.to_owned(), first)]);
        assert_eq!(repo.refs_under("refs/notes/re").unwrap().len(), 1);
        repo.delete_cache_ref(name).unwrap();
        repo.delete_cache_ref(name).unwrap();
        assert_eq!(repo.ref_target(name).unwrap(), None);
        assert!(repo.set_cache_ref("refs/heads/main", first).is_err());
        assert!(repo.ref_target("refs/notes/..").is_err());
        assert_eq!(sandbox.oid("work", "main"), second);
    }

    #[test]
    fn settings_come_from_where_git_takes_them() {
        let mut sandbox = Sandbox::new();
        let set = |sandbox: &mut Sandbox, name: &str, value: &str| {
            sandbox.world.env.insert(name.into(), value.into());
        };
        assert_eq!(sandbox.open("work").identity().unwrap(), Actor::new("Ana", "ana@example.com"));
        sandbox.world.env.remove(OsStr::new("GIT_COMMITTER_NAME"));
        sandbox.world.env.remove(OsStr::new("GIT_COMMITTER_EMAIL"));
        let error = sandbox.open("work").identity().unwrap_err();
        assert_eq!((error.kind, error.hints.len()), (Kind::Refused, 2));
        sandbox.git("work", &["config", "user.name", "Bob"]);
        std::fs::write(sandbox.path("global"), "[user]\n\tname = No\n\temail = bob@example.com\n").unwrap();
        let global = sandbox.path("global");
        set(&mut sandbox, "GIT_CONFIG_GLOBAL", global.to_str().unwrap());
        let repo = sandbox.open("work");
        assert_eq!(repo.identity().unwrap(), Actor::new("Bob", "bob@example.com"));
        assert!(repo.remote_exists("origin") && !repo.remote_exists("other"));
        assert_eq!(repo.remote_url("origin").unwrap(), sandbox.path("remote.git").to_str().unwrap());
        set(&mut sandbox, "GIT_CONFIG_COUNT", "1");
        set(&mut sandbox, "GIT_CONFIG_KEY_0", "User.Name");
        set(&mut sandbox, "GIT_CONFIG_VALUE_0", "Cy");
        set(&mut sandbox, "GIT_CONFIG_PARAMETERS", "'user.email'='cy@example.com'");
        assert_eq!(sandbox.open("work").identity().unwrap(), Actor::new("Cy", "cy@example.com"));
    }

    #[test]
    fn a_fresh_repository_has_a_branch_without_a_commit() {
        let sandbox = Sandbox::new();
        sandbox.git(".", &["init", "-q", "-b", "trunk", "fresh"]);
        let repo = sandbox.open("fresh");
        assert!(repo.is_unborn());
        assert_eq!(repo.head_branch().as_deref(), Some("trunk"));
    }

    #[test]
    fn objects_are_synced_wherever_they_are_by_then() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let oid = repo.put(ObjectType::Blob, b"kept").unwrap();
        assert!(repo.has_object(oid));
        repo.sync_objects().unwrap();
        assert!(repo.unsynced.borrow().is_empty());
        repo.wrote(Oid::from_bytes([1; 20]));
        repo.sync_objects().unwrap();
    }
}
