//! One repository: where it is, what its refs, commits and settings say.
//!
//! Reads are in-process, by way of git2. This file moves no ref that anybody
//! else may move (see [`super::authority`]); the refs it does set are local
//! copies of what the authority holds. It never touches HEAD, the index or the
//! working tree.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use chrono::{DateTime, Utc};
use git2::{ErrorCode, ObjectType};

use crate::domain::name::{Actor, Oid};
use crate::domain::ref_name::RefName;
use crate::world::World;

use super::error::{During, Error, Result, Task};
use super::git::Git;
use super::git_env::GitEnv;
use super::loose;
use super::packs::Packs;

mod opening;
mod said;
mod settings;

pub use said::{CommitInfo, Said};

use opening::{alternates, cannot_open, split_paths, tidy};
use said::parents_in;
use settings::{overrides, settings};

/// How often a local copy of a ref is tried again while another process holds its lock file.
const LOCK_TRIES: u32 = 20;

/// The file that says that this clone follows a remote.
const FOLLOWED: &str = "followed";

/// The fewest digits that git takes for the id of an object (`MINIMUM_ABBREV`).
const MIN_ABBREV: usize = 4;

/// A repository, opened. One thread uses one handle; several handles of one repository may be
/// used at once, by any number of threads and processes.
pub struct Repo {
    inner: git2::Repository,
    config: git2::Config,
    git_env: GitEnv,
    git_dir: PathBuf,
    common_dir: PathBuf,
    /// Settings from `git -c` and `GIT_CONFIG_COUNT`, which libgit2 does not know; last one wins.
    overrides: BTreeMap<String, String>,
    /// Objects written in-process that may not be on stable storage yet.
    unsynced: RefCell<Vec<Oid>>,
    /// Remotes that were seen to change one ref at a time alone.
    pub(in crate::store) in_turn: RefCell<BTreeSet<String>>,
    promisor: OnceCell<Option<String>>,
    /// For how many commits trees are brought the next time.
    pub(in crate::store) batch: Cell<Option<usize>>,
    /// What [`Repo::remember`] was given.
    memory: OnceCell<Box<dyn Any>>,
    packs: OnceCell<RefCell<Packs>>,
}

impl AsRef<GitEnv> for Repo {
    fn as_ref(&self) -> &GitEnv {
        &self.git_env
    }
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.git_dir).finish()
    }
}

/// The same id, for git2.
pub(in crate::store) fn to_git2(oid: Oid) -> git2::Oid {
    git2::Oid::from_bytes(oid.as_bytes()).expect("git2 reads ids of the same kind")
}

/// The same id, from git2.
pub(in crate::store) fn from_git2(oid: git2::Oid) -> Oid {
    Oid::from_slice(oid.as_bytes()).expect("repositories with longer ids are not opened")
}

/// Seconds since the epoch as a time; what no calendar holds becomes the epoch.
pub(in crate::store) fn time_of(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Name and address as git2 gives them; what is not UTF-8 is replaced.
pub(in crate::store) fn actor_of(who: &git2::Signature<'_>) -> Actor {
    Actor::new(&String::from_utf8_lossy(who.name_bytes()), &String::from_utf8_lossy(who.email_bytes()))
}

/// Whether a revision begins with fewer digits than git takes for an id, whatever follows them:
/// libgit2 calls that ambiguous, and to git it names nothing.
fn is_too_short(rev: &str) -> bool {
    let rest = rev.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    rev.len() - rest.len() < MIN_ABBREV && (rest.is_empty() || rest.starts_with(['^', '~', ':', '@']))
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
            inner.set_workdir(&work_tree, false).during_with(|| Task::UseWorkTree(work_tree))?;
        }
        let alternates = alternates(world, dir);
        for path in &alternates {
            let added = inner.odb().and_then(|odb| odb.add_disk_alternate(&path.to_string_lossy()));
            added.during_with(|| Task::UseObjects(path.clone()))?;
        }
        let git_dir = tidy(inner.path());
        let common_dir = tidy(inner.commondir());
        let work_dir = inner.workdir().map(tidy);
        let config = settings(&inner, world).during(Task::ReadSettings)?;
        let overrides = overrides(world);
        let git_env =
            GitEnv { git_dir: Some(git_dir.clone()), work_dir, alternates, ..GitEnv::nowhere(world) };
        let mut repo = Repo {
            inner,
            config,
            git_env,
            git_dir,
            common_dir,
            overrides,
            unsynced: RefCell::new(Vec::new()),
            in_turn: RefCell::default(),
            promisor: OnceCell::new(),
            batch: Cell::new(None),
            memory: OnceCell::new(),
            packs: OnceCell::new(),
        };
        repo.git_env.has_ssh_command = repo.config("core.sshCommand").is_some();
        Ok(repo)
    }

    /// The world it was opened in; git children inherit its environment.
    pub fn world(&self) -> &World {
        &self.git_env.world
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
        self.git_env.work_dir.as_deref()
    }

    /// Where this clone keeps what belongs in no ref: journal, outbox, caches. May not exist yet.
    pub fn state_dir(&self) -> PathBuf {
        self.common_dir.join("rel")
    }

    /// Whether this clone has read or written the history of a remote.
    pub fn has_followed(&self) -> bool {
        self.state_dir().join(FOLLOWED).exists()
    }

    /// Notes that it has. A clone that cannot be written to has nothing to keep either.
    pub(in crate::store) fn follows(&self) {
        let file = self.state_dir().join(FOLLOWED);
        if !file.exists() {
            let _ = std::fs::create_dir_all(self.state_dir()).and_then(|()| std::fs::write(&file, ""));
        }
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
        &self.git_env.alternates
    }

    /// The handle itself, for this floor.
    pub(in crate::store) fn git2(&self) -> &git2::Repository {
        &self.inner
    }

    /// What a reader of this repository keeps for as long as the handle lives, made when it is first
    /// asked for; one reader alone does so ([`super::history`]).
    pub(in crate::store) fn remember<T: Any>(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        let memory = match self.memory.get() {
            Some(memory) => memory,
            None => {
                let made = Box::new(make()?);
                self.memory.get_or_init(|| made)
            }
        };
        Ok(memory.downcast_ref().expect("one type is kept here"))
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
        if matches!(RefName::parse(full_ref), None | Some(RefName::Branch(_))) {
            return Err(Error::NoCopy(full_ref.to_owned()));
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
                Err(error) if error.code() == ErrorCode::Locked => {
                    let locks =
                        [full_ref, "packed-refs"].map(|name| self.common_dir.join(format!("{name}.lock")));
                    let lock = locks.into_iter().find(|lock| lock.exists());
                    return Err(lock.map_or_else(
                        || Task::ChangeCopy(full_ref.to_owned()).because(error),
                        Error::LocalLock,
                    ));
                }
                done => return done.during_with(|| Task::ChangeCopy(full_ref.to_owned())),
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
            Err(error) if error.code() == ErrorCode::Ambiguous && is_too_short(rev) => return Ok(None),
            Err(error) if error.code() == ErrorCode::Ambiguous => return self.resolve_with_git(rev),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
                return Ok(None);
            }
            // libgit2 reports a revision that asks for the impossible (`main^{blob}`) as a
            // general error of its revision parser: it names nothing.
            Err(error) if error.code() == ErrorCode::Peel => return Ok(None),
            // What libgit2 cannot read on the way, git may.
            Err(error) => {
                let found = self.resolve_with_git(rev);
                return found.map_err(|_| Task::LookUp(rev.to_owned()).because(error));
            }
        };
        match self.peel_to_commit(from_git2(object.id()))? {
            Some(commit) => Ok(Some(commit)),
            None => {
                let kind = object.kind().map_or("object", |kind| kind.str());
                Err(Error::NotACommit { rev: rev.to_owned(), kind })
            }
        }
    }

    /// A short id that several objects share may still fit one commit only, which git knows to
    /// look for; where it does not, its words list the candidates.
    fn resolve_with_git(&self, rev: &str) -> Result<Option<Oid>> {
        let spec = format!("{rev}^{{commit}}");
        let output = Git::new(self).args(["rev-parse", "--verify", "--end-of-options"]).arg(spec).run()?;
        let found = output.status.success().then(|| output.stdout_text().trim().parse().ok()).flatten();
        match found {
            Some(oid) => Ok(Some(oid)),
            None => Err(Error::Ambiguous { rev: rev.to_owned(), said: output.said() }),
        }
    }

    /// A commit.
    ///
    /// # Errors
    /// It is not in this repository, or is no commit.
    pub fn commit(&self, oid: Oid) -> Result<CommitInfo> {
        let commit = match self.find_commit(oid) {
            Ok(commit) => commit,
            Err(error) => return CommitInfo::odd(oid, &self.commit_bytes(oid)?).ok_or(error),
        };
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

    /// What a commit says. For whoever reads thousands: it costs a fraction of
    /// [`Repo::commit`].
    ///
    /// # Errors
    /// As [`Repo::commit`].
    pub fn said(&self, oid: Oid) -> Result<Said> {
        if let Ok(Some(said)) = self.read_commit(oid, Said::of) {
            return Ok(said);
        }
        // Whatever is out of the ordinary is read with more care.
        let CommitInfo { parents, message, author, commit_time, .. } = self.commit(oid)?;
        Ok(Said { parents, message, author, commit_time })
    }

    /// Whether a commit has one of these texts in it, most likely in its message: a glance, before
    /// [`Repo::said`] is asked.
    ///
    /// # Errors
    /// As [`Repo::commit`].
    pub fn may_say(&self, oid: Oid, texts: &AhoCorasick) -> Result<bool> {
        self.read_commit(oid, |data| texts.is_match(data))
    }

    /// What `read` makes of a commit as it is stored.
    pub(in crate::store) fn read_commit<T>(&self, oid: Oid, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let packs = self.packs.get_or_init(|| RefCell::new(Packs::open(&self.object_directories())));
        if let Some(data) = packs.borrow_mut().commit(oid) {
            return Ok(read(data));
        }
        self.check_loose(oid)?;
        let odb = self.inner.odb().during(Task::OpenObjects)?;
        let object = odb.read(to_git2(oid)).map_err(|error| self.cannot_read(oid, error))?;
        if object.kind() != ObjectType::Commit {
            return Err(Task::ReadCommit(oid).failed());
        }
        Ok(read(object.data()))
    }

    /// Where objects may be: the repository's own directory, then those it borrows from.
    pub(in crate::store) fn object_directories(&self) -> Vec<PathBuf> {
        let own = self.common_dir().join("objects");
        let borrowed = std::fs::read_to_string(own.join("info/alternates")).unwrap_or_default();
        let borrowed =
            borrowed.lines().filter(|line| !line.starts_with(['#', '"'])).map(|line| own.join(line));
        let mut directories: Vec<PathBuf> = borrowed.collect();
        directories.insert(0, own);
        directories.extend(self.alternates().iter().cloned());
        directories
    }

    /// A commit as it is held: libgit2 refuses one whose author's line is none, which git reads.
    pub(in crate::store) fn commit_bytes(&self, oid: Oid) -> Result<Vec<u8>> {
        self.check_loose(oid)?;
        self.read_commit(oid, <[u8]>::to_vec)
    }

    /// The tree that a commit names.
    pub(in crate::store) fn tree_id_of(&self, oid: Oid) -> Result<Oid> {
        match self.find_commit(oid) {
            Ok(commit) => Ok(from_git2(commit.tree_id())),
            Err(error) => said::tree_in(&self.commit_bytes(oid)?).ok_or(error),
        }
    }

    /// git2's commit, with a failure that names it.
    pub(in crate::store) fn find_commit(&self, oid: Oid) -> Result<git2::Commit<'_>> {
        self.check_loose(oid)?;
        self.inner.find_commit(to_git2(oid)).map_err(|error| self.cannot_read(oid, error))
    }

    /// Why a commit cannot be read.
    pub(in crate::store) fn cannot_read(&self, commit: Oid, error: git2::Error) -> Error {
        if error.code() == ErrorCode::NotFound {
            Error::MissingCommit { commit, shallow: self.is_shallow() }
        } else {
            Task::ReadCommit(commit).because(error)
        }
    }

    /// The commit behind an object: itself, or what a tag (of a tag) points to. None where the
    /// object is missing or leads to no commit.
    pub fn peel_to_commit(&self, oid: Oid) -> Result<Option<Oid>> {
        let object = match self.inner.find_object(to_git2(oid), None) {
            Ok(object) => object,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(_) if self.is_commit(oid) => return Ok(Some(oid)),
            Err(error) => return Err(Task::ReadObject(oid).because(error)),
        };
        // A tag is followed by its header: the commit may be one that libgit2 refuses.
        match object.as_tag().map(|tag| from_git2(tag.target_id())) {
            Some(target) => self.peel_to_commit(target),
            None => Ok(object.as_commit().map(|commit| from_git2(commit.id()))),
        }
    }

    /// Whether the object is in this clone and a commit. Its header tells, without the rest of it.
    pub fn is_commit(&self, oid: Oid) -> bool {
        let header = self.inner.odb().and_then(|odb| odb.read_header(to_git2(oid)));
        header.is_ok_and(|(_, kind)| kind == ObjectType::Commit)
    }

    /// Whether the object is in this clone.
    pub fn has_object(&self, oid: Oid) -> bool {
        self.inner.odb().is_ok_and(|odb| odb.exists(to_git2(oid)))
    }

    /// Fails if an object is in a file of its own and not whole; libgit2 would never return.
    pub(in crate::store) fn check_loose(&self, oid: Oid) -> Result<()> {
        loose::check(&self.loose_file(oid), oid)
    }

    /// Where an object is kept, if it is in no pack.
    pub fn loose_file(&self, oid: Oid) -> PathBuf {
        let (folder, file) = oid.loose_path();
        self.common_dir.join("objects").join(folder).join(file)
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

    /// Writes one object. It may not survive a power cut before [`Repo::sync_objects`].
    pub(in crate::store) fn put(&self, kind: ObjectType, data: &[u8]) -> Result<Oid> {
        let written = self.inner.odb().and_then(|odb| odb.write(kind, data));
        let oid = from_git2(written.during(Task::WriteObject(kind.str()))?);
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
        let mut folders = BTreeSet::new();
        for oid in self.unsynced.borrow().iter() {
            let file = self.loose_file(*oid);
            match File::open(&file) {
                Ok(file) => file.sync_all().during(Task::SyncObject(*oid))?,
                // It was in a pack already, or has been packed since, and packs are synced.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Task::SyncObject(*oid).because(error)),
            }
            folders.extend(file.parent().map(Path::to_owned));
        }
        for folder in folders {
            File::open(&folder)
                .and_then(|folder| folder.sync_all())
                .during_with(|| Task::SyncFolder(folder.clone()))?;
        }
        self.unsynced.borrow_mut().clear();
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
