//! Errors of the store as a person is told them.

use crate::failure::{Failure, Kind};
use crate::store::error::{AuthorityError, Error, GitError, RemoteOp, Task};

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Authority(error) => authority(*error),
            Error::MayHaveArrived(error) => Failure::from(*error)
                .hint("whether the last change arrived could not be learnt; rel sync finds out"),
            Error::NoGit => Failure::failed("git is not installed, or not on PATH").hint("rel doctor"),
            Error::Failed { task, cause } => {
                let failure = Failure::failed(told(&task));
                match cause {
                    Some(cause) => failure.because(cause),
                    None => failure,
                }
            }
        }
    }
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
        Task::SyncFolder(folder) => format!("cannot bring {} to the disk", folder.display()),
    }
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
            GitError::Rejected | GitError::Locked | GitError::Other => {
                Failure::failed(format!("could not {verb} {authority}"))
            }
        };
    failure.because(anyhow::Error::msg(said))
}
