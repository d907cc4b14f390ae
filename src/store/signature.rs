//! Commits signed with an SSH key, by git's own machinery: `git commit-tree -S`
//! makes one, `git log` with `%G?` says what a signature is worth
//! (git-log(1); gpg.ssh.allowedSignersFile in git-config(1)).

use std::io::Write;

use chrono::{DateTime, Utc};

use super::error::{CannotSign, During, Error, Result, Task};
use super::git::Git;
use super::repo::Repo;
use crate::domain::name::{Actor, Oid};

/// What begins a signature by an SSH key.
const SSH: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// Makes a commit that is signed as `git commit -S` would. Writes objects only.
///
/// # Errors
/// git cannot sign here ([`Error::CannotSign`]): there is no key, or its owner was
/// not there to unlock it.
pub(in crate::store) fn commit(
    repo: &Repo,
    tree: Oid,
    parent: Option<Oid>,
    message: &str,
    author: &Actor,
    at: DateTime<Utc>,
) -> Result<Oid> {
    // Another kind of key would only sign what counts for nothing.
    let format = repo.config("gpg.format").unwrap_or_else(|| "openpgp".to_owned());
    if format != "ssh" {
        return Err(Error::CannotSign(CannotSign::Format(format)));
    }
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
        return Err(Error::CannotSign(CannotSign::Said(output.said())));
    }
    let text = output.stdout_text();
    text.trim().parse().during(Task::ParseSigned)
}

/// What a signature is worth: the fingerprint of the key that made it, or why
/// it does not hold.
pub type Verified = std::result::Result<String, String>;

/// Whether a commit is signed by the owner of `email`, who signs with the keys
/// that `allowed` lists.
///
/// # Errors
/// The commit is not here, or git cannot be started.
pub fn verify(repo: &Repo, commit: Oid, allowed: &str, email: &str) -> Result<Verified> {
    let header = repo.find_commit(commit)?.header_field_bytes("gpgsig").map(|header| header.to_vec());
    match header {
        Err(_) => return Ok(Err("it is not signed".to_owned())),
        Ok(signature) if !signature.starts_with(SSH) => {
            return Ok(Err("it is not signed with an SSH key".to_owned()));
        }
        Ok(_) => {}
    }
    let mut signers = tempfile::NamedTempFile::new().during(Task::WriteSigners)?;
    signers.write_all(allowed.as_bytes()).and_then(|()| signers.flush()).during(Task::WriteSigners)?;
    let path = std::path::absolute(signers.path()).during(Task::WriteSigners)?;
    let output = Git::new(repo)
        .set(format!("gpg.ssh.allowedSignersFile={}", path.display()))
        .set("core.useReplaceRefs=false")
        .set("log.showSignature=false")
        .args(["log", "-1", "--no-walk", "--format=%G?%x00%GS%x00%GF%x00%GG"])
        .arg(commit.to_string())
        .run()?;
    Ok(read(&output.stdout_text(), email).map_err(|why| match why {
        // What ssh-keygen says of a line names the file that it was given.
        Some(said) => said.rsplit_once(": ").map_or(said.clone(), |(_, said)| said.to_owned()),
        None => format!("its signature cannot be checked here: {}", output.said()),
    }))
}

/// Reads what git says of a signature: the key's fingerprint, or why it does not
/// hold, if git says why.
fn read(text: &str, email: &str) -> std::result::Result<String, Option<String>> {
    let mut parts = text.trim_end_matches('\n').splitn(4, '\0');
    let [verdict, signer, key, said] = [0; 4].map(|_| parts.next().unwrap_or_default());
    let mut told = said.lines().map(str::trim).filter(|line| !line.is_empty());
    match verdict {
        "G" if signer.eq_ignore_ascii_case(email) && key.starts_with("SHA256:") => Ok(key.to_owned()),
        "U" if said.contains("key has expired") => Err(Some(format!("{key} has expired"))),
        "U" if said.contains("key is not yet valid") => Err(Some(format!("{key} is not yet valid"))),
        "G" | "U" => Err(Some(format!("{key} is no key of {email}"))),
        "B" => Err(told.next_back().map(str::to_owned)),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_signature_of_that_very_person_holds() {
        let email = "bob@example.com";
        let said = |text: &str| read(text, email);
        assert_eq!(said("G\0bob@example.com\0SHA256:x\0Good\n\n"), Ok("SHA256:x".into()));
        let refused = |text: &str| said(text).unwrap_err();
        assert_eq!(
            refused("G\0eve@example.com\0SHA256:x\0Good"),
            Some("SHA256:x is no key of bob@example.com".into())
        );
        assert_eq!(
            refused("U\0\0SHA256:x\0Good\nNo principal matched."),
            Some("SHA256:x is no key of bob@example.com".into())
        );
        let expired = "U\0\0SHA256:x\0Good\n/tmp/a:1: key has expired: verify time 2 > valid-before 1\n";
        assert_eq!(refused(expired), Some("SHA256:x has expired".into()));
        let bad = "B\0\0\0Could not verify signature.\n/tmp/a:1: key is not permitted\n";
        assert_eq!(refused(bad), Some("/tmp/a:1: key is not permitted".into()));
        for text in ["", "N\0\0\0", "E\0\0\0", "G\0bob@example.com\0\0"] {
            assert!(said(text).is_err(), "{text:?}");
        }
    }
}
