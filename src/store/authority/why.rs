//! What stands between this clone and an authority, as far as git's words tell.

use super::Authority;
use crate::store::error::{AuthorityError, Error, GitError, RemoteOp};
use crate::store::git::GitOutput;

impl Authority {
    /// Whether git says that the authority cannot change several refs at once.
    pub(in crate::store) fn cannot_at_once(output: &GitOutput) -> bool {
        git_error(output) == GitError::NotAtomic
    }

    /// Why git could not work with the authority.
    pub(in crate::store) fn why(&self, op: RemoteOp, output: &GitOutput) -> Error {
        self.explain(op, git_error(output), output)
    }

    pub(super) fn explain(&self, op: RemoteOp, why: GitError, output: &GitOutput) -> Error {
        let (authority, said) = (self.to_string(), output.said());
        Error::Authority(Box::new(AuthorityError { authority, op, why, said }))
    }
}

/// Reads git's standard error in the C locale.
pub(super) fn git_error(output: &GitOutput) -> GitError {
    let stderr = &*String::from_utf8_lossy(&output.stderr);
    let says = |words: &[&str]| {
        let lower = stderr.to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let no_ref = stderr.lines().find_map(|line| {
        let name = line.split_once("couldn't find remote ref ")?.1.trim();
        Some(GitError::NoRef(name.chars().filter(|c| !c.is_control()).collect()))
    });
    if output.silent.is_some() {
        GitError::Silent
    } else if let Some(no_ref) = no_ref {
        no_ref
    } else if says(&["support --signed push", "failed to sign", "push certificate"]) {
        GitError::Unsigned
    } else if says(&["quarantine environment"]) {
        GitError::Quarantine
    } else if says(&["dubious ownership"]) {
        GitError::Foreign
    } else if says(&["does not support --atomic"]) {
        GitError::NotAtomic
    } else if says(&[
        "mismatched algorithms",
        "mismatched object format",
        "does not support this repository's object format",
        "the remote end has a different hash",
    ]) {
        GitError::OtherIds
    } else if says(&[
        "cannot lock ref",
        "unable to create",
        "failed to update ref",
        "reference already exists",
    ]) {
        GitError::Locked
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
        GitError::Declined
    } else if says(&["[rejected]", "[remote rejected]"]) {
        GitError::Rejected
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
        GitError::Auth
    } else if says(&["does not appear to be a git repository", "repository not found", "' not found"]) {
        GitError::NoRepository
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
        GitError::Unreachable
    } else {
        GitError::Other
    }
}
