//! Errors of the store as a person is told them.

mod artifacts;
mod picks;

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::store::error::{
    AuthorityError, CannotSign, Damage, Error, GitError, ProbeError, Refetch, RemoteOp, Task,
};

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let (unreachable, may_pass) = (error.is_unreachable(), error.may_pass());
        let failure = match error {
            Error::Authority(error) => authority(*error),
            Error::MayHaveArrived(error) => Failure::from(*error)
                .hint("whether the last change arrived could not be learnt; rel sync finds out"),
            Error::Io(error) => Failure::from(error),
            Error::NoRepository(at) => {
                Failure::new(Kind::Refused, format!("not a git repository: {}", at.display()))
                    .hint("git init")
                    .hint("rel -C DIR, with DIR inside a repository")
            }
            Error::ForeignRepository { at, cause } => {
                Failure::failed(format!("the repository at {} belongs to another user", at.display()))
                    .hint(format!("git config --global --add safe.directory {}", quoted(&at)))
                    .because(cause)
            }
            Error::OtherRefs { at, address, cause } => {
                let address = address.unwrap_or_else(|| "ADDRESS".to_owned());
                unreadable(&at, "keeps its refs as a reftable", cause)
                    .hint("git refs migrate --ref-format=files")
                    .hint("or, where git says that it cannot, clone anew:")
                    .hint(format!("git clone --ref-format=files {}", shell_words::quote(&address)))
            }
            Error::OtherHash { at, cause } => {
                let (here, new) = (quoted(&at), quoted(&with_suffix(&at, "-sha1")));
                unreadable(&at, "names its objects by SHA-256", cause).hint(format!(
                    "git init --object-format=sha1 {new} && git -C {here} fast-export --all | git -C {new} fast-import --quiet"
                ))
            }
            Error::NoIdentity { name, email } => {
                let mut failure =
                    Failure::new(Kind::Refused, "git does not know who you are, and records name a person");
                if !name {
                    failure = failure.hint("git config user.name \"Your Name\"");
                }
                if !email {
                    failure = failure.hint("git config user.email you@example.com");
                }
                failure
            }
            Error::Ambiguous { rev, said } => {
                Failure::new(Kind::Usage, format!("{rev:?} is ambiguous: it fits several objects"))
                    .hint("give more digits of the commit's id")
                    .because(anyhow::Error::msg(said))
            }
            Error::NotACommit { rev, kind } => {
                Failure::new(Kind::NotFound, format!("{rev:?} is a {kind}, not a commit"))
            }
            Error::MissingCommit { commit, shallow } => {
                let (cause, hint) = if shallow {
                    ("it is not in this clone, which is shallow", "git fetch --unshallow")
                } else {
                    ("it is not in this clone", "git fetch")
                };
                Failure::failed(told(&Task::ReadCommit(commit))).because(anyhow::Error::msg(cause)).hint(hint)
            }
            Error::LeftOut { task, cause } => Failure::failed(told(&task))
                .hint("this clone is partial and lacks it: without --offline it is fetched")
                .because(cause),
            Error::DamagedObject { oid, file, why, refetch } => {
                let failure =
                    Failure::new(Kind::Integrity, format!("the object {oid} of this clone is damaged"))
                        .reason("object", format!("{}: {why}", file.display()));
                match refetch {
                    Some(refetch) if file.extension().is_none() => {
                        failure.hint(take_away(&file)).hint(again(&refetch))
                    }
                    Some(_) => failure.hint("git fsck --full tells what else is"),
                    None => failure.hint("rel fsck says how to have it again"),
                }
            }
            Error::DamagedRef { file } => {
                Failure::failed(format!("{} is damaged: it holds no ref", file.display()))
                    .hint(take_away(&file))
                    .hint("what the remote has of it is fetched again by the next rel that asks it")
            }
            Error::LocalLock(file) => {
                Failure::failed(format!("{} keeps this clone from being changed", file.display()))
                    .hint("a git that still runs here takes it away when it ends; wait for it")
                    .hint(format!("one that was killed has left it: rm -f {}", quoted(&file)))
            }
            Error::Unwritable { at, said } => {
                Failure::failed(format!("{} cannot be written to", at.display()))
                    .hint(format!("look at its disk and who owns it: df {0}; ls -ld {0}", quoted(&at)))
                    .because(anyhow::Error::msg(said))
            }
            Error::DamagedGraph(why) => Failure::failed("the commit-graph of this repository is damaged")
                .hint("git commit-graph write --reachable makes it anew")
                .because(anyhow::Error::msg(why)),
            Error::PushedElsewhere { remote, fetched, pushed } => {
                let message =
                    format!("{remote} is fetched from one place and pushed to another; nothing changed");
                pushed
                    .iter()
                    .fold(Failure::new(Kind::Refused, message), |failure, pushed| {
                        failure
                            .reason("remote", format!("it is fetched from {fetched} and pushed to {pushed}"))
                    })
                    .hint("What is compared has to be what is changed: one repository decides.")
                    .hint("see what git goes by: git remote -v; git config --get-regexp 'pushurl|pushinsteadof'")
                    .hint(format!("push where it is fetched: git config --unset-all remote.{remote}.pushurl"))
            }
            Error::NotARef(name) => Failure::failed(format!("{name:?} is not the full name of a ref")),
            Error::ChangedTwice(name) => Failure::failed(format!("{name} would be changed twice at once")),
            Error::Discontinues { new, name } => Failure::new(
                Kind::Integrity,
                format!("{} would not continue {name}; nothing was published", new.short()),
            ),
            Error::NotARecord => Failure::failed(told(&Task::WriteRecord))
                .because(anyhow::Error::msg("it is not one line of JSON with a version")),
            Error::DoesNotFit { event, cause } => {
                Failure::failed(format!("{event} does not fit its chain")).because(cause)
            }
            Error::NothingToAppend(chain) => Failure::failed(format!("nothing to append to {chain}")),
            Error::Newer { chain, why } => {
                Failure::new(Kind::Refused, format!("{chain} was written by a newer rel"))
                    .reason("version", why)
                    .hint("update rel on this machine; reading still works")
            }
            Error::DamagedRecord { commit, chain, why } => {
                let damaged = |what: &str| format!("the {what} {commit} of {chain} is damaged");
                let failure = match why {
                    Damage::Broken(why) => {
                        Failure::new(Kind::Integrity, format!("{}: {why}", damaged("commit")))
                    }
                    Damage::State(error) => Failure::new(Kind::Integrity, damaged("record")).because(error),
                };
                failure.hint("rel fsck")
            }
            Error::LongNote(commit) => {
                Failure::failed(format!("a note on {} is not a single line", commit.short()))
            }
            Error::CannotSign(why) => Failure::new(Kind::Refused, "git cannot sign here; nothing changed")
                .reason(
                    "signature",
                    match why {
                        CannotSign::Format(format) => {
                            format!("it takes an SSH key, and gpg.format is {format}")
                        }
                        CannotSign::Said(said) => said,
                    },
                )
                .hint("git config gpg.format ssh")
                .hint("git config user.signingKey ~/.ssh/id_ed25519.pub, or another public key of yours"),
            Error::BadTag(name) => Failure::failed(format!("cannot write the tag {name}"))
                .because(anyhow::Error::msg("its message holds a NUL, or nobody made it")),
            Error::TagNotSigned { name, said } => Failure::failed(told(&Task::SignTag(name)))
                .hint("`git tag -s` has to work here: git config user.signingkey KEY")
                .hint("or sign = false in release.toml")
                .because(anyhow::Error::msg(said)),
            Error::NotATag(oid) => {
                Failure::new(Kind::NotFound, format!("{oid} is neither a tag nor a commit"))
            }
            Error::BadTagName { tag, cause } => {
                Failure::new(Kind::Integrity, told(&Task::ReadTag(tag))).because(cause)
            }
            Error::NoCopy(name) => {
                Failure::failed(format!("{name:?} is no local copy of an authority's ref"))
            }
            Error::NoGit => Failure::failed("git is not installed, or not on PATH").hint("rel doctor"),
            Error::Artifact(error) => artifacts::artifact(error),
            Error::Pick(error) => picks::pick(error),
            Error::Probe(error) => probe(error),
            Error::NotOutput { name, whose, cause } => {
                Failure::failed(format!("{name} does not hold what {whose} printed"))
                    .because(cause)
                    .hint(format!("what it holds: git show {name}"))
            }
            Error::NotCompared { from, to, lacking, cause } => {
                let failure = Failure::failed(format!("cannot compare {} with {}", from.short(), to.short()));
                let failure = if lacking {
                    failure.hint(format!(
                        "this clone lacks a file of them: git diff --stat {from} {to} fetches it"
                    ))
                } else {
                    failure
                };
                failure.because(cause)
            }
            Error::Failed { task, cause } => {
                let failure = ways(&task).into_iter().fold(Failure::failed(told(&task)), Failure::hint);
                match cause {
                    Some(cause) => failure.because(cause),
                    None => failure,
                }
            }
        };
        Failure { unreachable, may_pass, ..failure }
    }
}

/// What to do where a step failed.
fn ways(task: &Task) -> Vec<String> {
    match task {
        Task::CheckOutSubmodules(_) => vec![
            "one that is not needed: git config submodule.NAME.update none".to_owned(),
            "one that is elsewhere: git config submodule.NAME.url ADDRESS".to_owned(),
        ],
        Task::RemoveLeftover(folder) => vec![format!("rm -rf {}", quoted(folder))],
        Task::RemoveCheckout(path) => {
            vec![format!("rm -rf {}", quoted(path)), "git worktree prune".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn probe(error: ProbeError) -> Failure {
    Failure::failed(match error {
        ProbeError::Moved => "a ref was moved although it was not what was expected",
        ProbeError::Taken => "a push that expected something else was taken",
        ProbeError::InPart => "a push that had to be all or none was made in part",
        ProbeError::NotThere { authority, remote } => {
            return Failure::failed(format!("what is pushed to {authority} is not there when it is read"))
                .hint(format!("git config --get-all remote.{remote}.pushurl"));
        }
    })
}

/// What failed, as a sentence.
fn told(task: &Task) -> String {
    match task {
        Task::Change(authority) => format!("cannot change {authority}"),
        Task::LearnChange(authority) => format!("cannot tell what {authority} has"),
        Task::ParseTips(authority) => {
            format!("{authority} lists its refs in a way that is not understood")
        }
        Task::Start(call) => format!("cannot start `{call}`"),
        Task::Await(call) => format!("lost track of `{call}`"),
        Task::AskVersion => "cannot learn git's version".to_owned(),
        Task::ParseVersion(answer) => format!("git's version is not understood: {answer:?}"),
        Task::ListRemotes => "the remotes cannot be listed".to_owned(),
        Task::LayOutPick(commit) => format!("cannot lay out the pick of {}", commit.short()),
        Task::ListPickConflicts => "cannot list the conflicts of a pick".to_owned(),
        Task::WritePickTree => "cannot write the tree of a pick".to_owned(),
        Task::ReadWritten(commit) => format!("cannot read the commit {}", commit.short()),
        Task::CheckOut(commit) => format!("cannot check out {} for its commands", commit.short()),
        Task::CheckOutSubmodules(commit) => {
            format!("cannot check out the submodules of {}", commit.short())
        }
        Task::OpenObjects => "cannot open the object store".to_owned(),
        Task::ReadCommit(oid) => format!("cannot read the commit {oid}"),
        Task::ReadTree(oid) => format!("cannot read the tree {oid}"),
        Task::ReadObject(oid) => format!("cannot read the object {oid}"),
        Task::WriteObject(kind) => format!("cannot write a {kind} to the repository"),
        Task::SyncObject(oid) => format!("cannot bring the object {oid} to the disk"),
        Task::Pick { source, onto } => format!("cannot pick {} onto {}", source.short(), onto.short()),
        Task::WritePick(source) => format!("cannot write the pick of {}", source.short()),
        Task::MakeTemporaryFolder => "cannot make a temporary folder".to_owned(),
        Task::MakeFolderIn(folder) => format!("cannot make a folder in {}", folder.display()),
        Task::ReadWorktree(path) => format!("cannot read the worktree {}", path.display()),
        Task::FindMarkers => "cannot look for conflict markers".to_owned(),
        Task::RemoveAround => "cannot remove a checkout's folder".to_owned(),
        Task::RemoveCheckout(path) => format!("cannot remove the checkout {}", path.display()),
        Task::RemoveLeftover(folder) => {
            format!("cannot remove {}, which a run that died left", folder.display())
        }
        Task::Replace(path) => format!("{} cannot be written", path.display()),
        Task::ReadOutbox(path) => format!("{} cannot be read", path.display()),
        Task::WriteJournal(path) => format!("the journal {} cannot be written", path.display()),
        Task::ReadJournal(path) => format!("the journal {} cannot be read", path.display()),
        Task::ReadPath(path) => format!("cannot read {}", path.display()),
        Task::WritePath(path) => format!("cannot write {}", path.display()),
        Task::WriteInto(folder) => format!("cannot write to {}", folder.display()),
        Task::CreateFolder(folder) => format!("cannot create {}", folder.display()),
        Task::ReadArtifact(name) => format!("cannot read artifact {name:?}"),
        Task::CacheArtifact(name) => format!("cannot write artifact {name:?} to this clone's cache"),
        Task::StoreArtifact { name, to } => format!("cannot write artifact {name:?} to {}", to.display()),
        Task::PrepareArtifact { name, into } => {
            format!("cannot lay out artifact {name:?} in {}", into.display())
        }
        Task::WriteArtifactToGit(name) => format!("cannot write artifact {name:?} to git"),
        Task::WriteArtifactsOf(tag) => format!("cannot write the artifacts of {tag}"),
        Task::WriteGitTree => "cannot write a git tree".to_owned(),
        Task::OpenOwnObjects => "cannot open the object store of this repository".to_owned(),
        Task::SyncFolder(folder) => format!("cannot bring {} to the disk", folder.display()),
        Task::OpenRepository(at) => format!("cannot open the repository at {}", at.display()),
        Task::UseWorkTree(path) => format!("cannot use GIT_WORK_TREE {path:?}"),
        Task::UseObjects(path) => format!("cannot use the object directory {}", path.display()),
        Task::ReadSettings => "cannot read git's settings".to_owned(),
        Task::ReadRef(name) => format!("cannot read the ref {name:?}"),
        Task::ListRefs(prefix) => format!("cannot list the refs under {prefix:?}"),
        Task::ChangeCopy(name) => format!("cannot change the local ref {name}"),
        Task::LookUp(rev) => format!("cannot look up the revision {rev:?}"),
        Task::ReadFile { path, commit } => format!("cannot read {path:?} at {}", commit.short()),
        Task::ParseCommit(oid) => format!("{oid} cannot be read as a commit"),
        Task::ReadTreeOf(commit) => format!("cannot read the tree of {}", commit.short()),
        Task::ParseFolder(folder) => format!("the tree of {folder:?} cannot be read"),
        Task::Compare(commit) => format!("cannot tell what {} changed", commit.short()),
        Task::WriteRecord => "cannot write a record".to_owned(),
        Task::SignAs(author) => format!("{author:?} cannot sign a commit"),
        Task::Repair(chain) => format!("{chain} cannot be repaired"),
        Task::ReadNotes => "cannot read a notes tree".to_owned(),
        Task::ReadNote(blob) => format!("cannot read the note {blob}"),
        Task::HashObject => "cannot hash an object".to_owned(),
        Task::ParseSigned => "git said nothing of the commit that it signed".to_owned(),
        Task::WriteSigners => "cannot write down the allowed signers".to_owned(),
        Task::TagObject(target) => format!("cannot tag {target}"),
        Task::SignTag(name) => format!("cannot sign the tag {name}"),
        Task::ReadTag(oid) => format!("cannot read the tag object {oid}"),
        Task::FetchLeftOut => "what this partial clone left out cannot be fetched".to_owned(),
    }
}

/// A repository in a format of git's that is not read here.
fn unreadable(at: &Path, what: &str, cause: impl Into<anyhow::Error>) -> Failure {
    Failure::failed(format!("the repository at {} {what}, which rel cannot read", at.display()))
        .because(cause)
}

fn take_away(file: &Path) -> String {
    format!("take the bad copy away: rm -f {}", quoted(file))
}

fn again(Refetch { remote, refspecs }: &Refetch) -> String {
    let words = ["git", "fetch", "--refetch", remote].into_iter().chain(refspecs.iter().map(String::as_str));
    format!("and have it from the remote: {}", shell_words::join(words))
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

/// Why git could not talk to the authority, and how to go on, as far as its words tell.
fn authority(AuthorityError { authority, op, why, said }: AuthorityError) -> Failure {
    let verb = match op {
        RemoteOp::Read => "read",
        RemoteOp::Change => "change",
    };
    let failure =
        match why {
            GitError::Unreachable => Failure::failed(format!("cannot reach {authority}"))
                .hint("check the network and the remote's address: git remote -v"),
            GitError::Auth => Failure::failed(format!("{authority} does not let git in"))
                .hint("rel never asks for a password: set up a credential helper, a token or an ssh key")
                .hint("git ls-remote, in a terminal, shows the same without rel"),
            GitError::NoRepository => {
                Failure::failed(format!("{authority} is not a git repository that can be {verb}"))
                    .hint("check the remote's address: git remote -v")
            }
            GitError::NoRef(name) => Failure::new(Kind::NotFound, format!("{authority} has no {name}"))
                .hint("check trunk and remote in release.toml, or push the branch"),
            GitError::Rejected if op == RemoteOp::Read => Failure::new(
                Kind::Integrity,
                format!(
                    "a chain or ref of {authority} does not continue what this clone knows: it was rewritten"
                ),
            )
            .hint("rel fsck"),
            GitError::Silent => Failure::failed(format!("{authority} did not answer"))
                .hint("a credential helper may wait for somebody: git ls-remote, in a terminal, shows it")
                .hint("where git only needs more time: REL_GIT_TIMEOUT=SECONDS"),
            GitError::Foreign => Failure::failed(format!("{authority} belongs to another user"))
                .hint("where you trust it: git config --global --add safe.directory PATH"),
            GitError::Unsigned => Failure::failed(format!("git cannot sign what is pushed to {authority}"))
                .hint("set up a key: git config user.signingKey KEY")
                .hint("or do not ask for it: git config push.gpgSign false"),
            GitError::Quarantine => {
                Failure::failed(format!("{authority} cannot be changed from inside a hook of its own"))
                    .hint("run rel from a post-receive hook, or from CI")
            }
            GitError::OtherIds => Failure::failed(format!(
                "{authority} names its objects by SHA-256, and this clone by SHA-1"
            ))
            .hint("make a remote with git init --bare --object-format=sha1 and push to it: rel needs SHA-1"),
            GitError::NotAtomic => {
                Failure::failed(format!("{authority} cannot change several refs at once (--atomic)"))
                    .hint("rel doctor")
            }
            GitError::Declined => Failure::failed(format!("{authority} refused the change"))
                .hint("a hook or a protection rule there has to allow rel's refs: rel doctor"),
            GitError::InTheWay => Failure::failed(format!("{authority} has a ref that is in the way"))
                .hint("a tag there is named as a folder of another tag's name: rename it"),
            GitError::Rejected | GitError::Locked | GitError::Other => {
                Failure::failed(format!("could not {verb} {authority}"))
            }
        };
    failure.because(anyhow::Error::msg(said))
}
