//! Commits signed with an SSH key, by git's own machinery: `git commit-tree -S`
//! makes one, `git log` with `%G?` says what a signature is worth
//! (git-log(1); gpg.ssh.allowedSignersFile in git-config(1)).

use std::io::Write;

use chrono::{DateTime, Utc};

use super::git::Git;
use super::repo::Repo;
use crate::domain::name::{Actor, Oid};
use crate::failure::{Doing, Failure, Kind, Result};

/// What begins a signature by an SSH key.
const SSH: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// Makes a commit that is signed as `git commit -S` would. Writes objects only.
///
/// # Errors
/// git cannot sign here ([`Kind::Refused`]): there is no key, or its owner was
/// not there to unlock it.
pub(in crate::store) fn commit(
    repo: &Repo,
    tree: Oid,
    parent: Option<Oid>,
    message: &str,
    author: &Actor,
    at: DateTime<Utc>,
) -> Result<Oid> {
    let date = format!("@{} +0000", at.timestamp());
    let mut git = Git::new(repo).set("i18n.commitEncoding=UTF-8").args(["commit-tree", "-S", "-F", "-"]);
    for role in ["AUTHOR", "COMMITTER"] {
        git = git
            .env(format!("GIT_{role}_NAME"), &author.name)
            .env(format!("GIT_{role}_EMAIL"), &author.email)
            .env(format!("GIT_{role}_DATE"), &date);
    }
    let parents = parent.iter().flat_map(|parent| ["-p".to_owned(), parent.to_string()]);
    let output = git.args(parents).arg(tree.to_string()).stdin(message).run()?;
    if !output.status.success() {
        return Err(Failure::new(Kind::Refused, "git cannot sign here; nothing changed")
            .hint("git config gpg.format ssh")
            .hint("git config user.signingKey ~/.ssh/id_ed25519.pub, or another public key of yours")
            .because(anyhow::anyhow!(output.said())));
    }
    let text = output.stdout_text();
    text.trim().parse().doing("git said nothing of the commit that it signed")
}

/// Why a commit is not signed by the owner of `email`, who signs with the keys
/// that `allowed` lists; none where it is.
///
/// # Errors
/// The commit is not here, or git cannot be started.
pub fn fault(repo: &Repo, commit: Oid, allowed: &str, email: &str) -> Result<Option<String>> {
    let header = repo.find_commit(commit)?.header_field_bytes("gpgsig").map(|header| header.to_vec());
    match header {
        Err(_) => return Ok(Some("it is not signed".to_owned())),
        Ok(signature) if !signature.starts_with(SSH) => {
            return Ok(Some("it is not signed with an SSH key".to_owned()));
        }
        Ok(_) => {}
    }
    let doing = "cannot write down the allowed signers";
    let mut signers = tempfile::NamedTempFile::new().doing(doing)?;
    signers.write_all(allowed.as_bytes()).and_then(|()| signers.flush()).doing(doing)?;
    let output = Git::new(repo)
        .set(format!("gpg.ssh.allowedSignersFile={}", signers.path().display()))
        .set("core.useReplaceRefs=false")
        .set("log.showSignature=false")
        .args(["log", "-1", "--no-walk", "--format=%G?%x00%GS%x00%GK"])
        .arg(commit.to_string())
        .run()?;
    let text = output.stdout_text();
    let mut parts = text.trim_end_matches('\n').split('\0');
    let (verdict, signer) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let key = parts.next().filter(|key| !key.is_empty()).unwrap_or("its key");
    Ok(match verdict {
        "G" if signer.eq_ignore_ascii_case(email) => None,
        "G" | "U" => Some(format!("{key} is no key of {email}")),
        "B" => Some("its signature is not good".to_owned()),
        "X" | "Y" | "R" => Some(format!("{key} is out of date")),
        "N" => Some("it is not signed".to_owned()),
        _ => Some("its signature cannot be checked here".to_owned()),
    })
}
