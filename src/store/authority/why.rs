//! What stands between this clone and an authority, as far as git's words tell.

use std::path::{Path, PathBuf};

use super::Authority;
use crate::domain::name::Oid;
use crate::store::error::{AuthorityError, Error, GitError, Refetch, RemoteOp};
use crate::store::git::GitOutput;
use crate::store::repo::Repo;

impl Authority {
    /// Whether git says that the authority cannot change several refs at once.
    pub(in crate::store) fn cannot_at_once(output: &GitOutput) -> bool {
        git_error(output) == GitError::NotAtomic
    }

    /// Why git could not work with the authority.
    pub(in crate::store) fn why(&self, op: RemoteOp, output: &GitOutput) -> Error {
        self.explain(op, git_error(output), output)
    }

    /// The same where what is at fault may be in this clone; `refspecs` bring what is worked on.
    pub(super) fn failed(
        &self,
        repo: &Repo,
        op: RemoteOp,
        output: &GitOutput,
        refspecs: Vec<String>,
    ) -> Error {
        let refetch = Refetch { remote: self.to_string(), refspecs };
        local_fault(repo, output, refetch).unwrap_or_else(|| self.why(op, output))
    }

    pub(super) fn explain(&self, op: RemoteOp, why: GitError, output: &GitOutput) -> Error {
        let (authority, said) = (self.to_string(), output.said());
        Error::Authority(Box::new(AuthorityError { authority, op, why, said }))
    }
}

/// What in this clone made git fail, if its words tell of something here. `remote: ` begins what the
/// other side said.
pub(super) fn local_fault(repo: &Repo, output: &GitOutput, refetch: Refetch) -> Option<Error> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = || stderr.lines().filter(|line| !line.starts_with("remote: "));
    let here = |path: &str| Some(PathBuf::from(path)).filter(|path| path.starts_with(repo.common_dir()));
    let between = |line: &'_ str, start: &str, end: &str| {
        let rest = line.split_once(start)?.1;
        here(rest.split_once(end)?.0)
    };
    for line in lines() {
        if let Some(lock) = between(line, "Unable to create '", "': File exists") {
            return Some(Error::LocalLock(lock));
        }
        let damaged = between(line, "object file ", " is empty")
            .map(|file| (file, "it is empty"))
            .or_else(|| Some((between(line, "(stored in ", ") is corrupt")?, "it is corrupt")));
        if let Some((file, why)) = damaged
            && let Some(oid) = object_in(line, &file)
        {
            return Some(Error::DamagedObject { oid, file, why: why.to_owned(), refetch: Some(refetch) });
        }
    }
    let at = repo.common_dir();
    let unwritable = |line: &str| {
        let line = line.to_ascii_lowercase();
        UNWRITABLE.iter().any(|words| line.contains(words))
            || (line.contains("permission denied")
                && line.contains(&*at.to_string_lossy().to_ascii_lowercase()))
    };
    lines().any(unwritable).then(|| Error::Unwritable { at: at.to_owned(), said: output.said() })
}

/// What git says where it cannot write here.
const UNWRITABLE: [&str; 5] = [
    "no space left on device",
    "disk quota exceeded",
    "file too large",
    "read-only file system",
    "insufficient permission for adding an object",
];

/// The object that git speaks of, or that a file is named after.
fn object_in(line: &str, file: &Path) -> Option<Oid> {
    let named = line.split_whitespace().find_map(|word| word.parse().ok());
    named.or_else(|| {
        let folder = file.parent()?.file_name()?.to_str()?;
        format!("{folder}{}", file.file_name()?.to_str()?).parse().ok()
    })
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
    } else if says(&["exists; cannot create", "refname conflict", "is not available for creation"]) {
        GitError::InTheWay
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
