//! What stands between this clone and an authority, as far as git's words tell,
//! and how to go on.

use super::Authority;
use crate::failure::{Failure, Kind};
use crate::store::git::GitOutput;

impl Authority {
    /// Whether git says that the authority cannot change several refs at once.
    pub(in crate::store) fn cannot_at_once(output: &GitOutput) -> bool {
        trouble(output) == Trouble::NotAtomic
    }

    /// Why git could not talk to the authority, and how to go on, as far as its words tell.
    pub(in crate::store) fn why(&self, deed: Deed, output: &GitOutput) -> Failure {
        self.explain(deed, trouble(output), output)
    }

    pub(super) fn explain(&self, deed: Deed, trouble: Trouble, output: &GitOutput) -> Failure {
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
pub(super) enum Trouble {
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
    pub(super) fn lasts(&self) -> bool {
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
pub(super) fn trouble(output: &GitOutput) -> Trouble {
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
