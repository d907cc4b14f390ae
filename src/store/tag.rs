//! Annotated tags as objects: written without a ref, read with their message.
//!
//! No ref is touched, signed or not: whether a tag comes to be is decided by
//! [`super::authority`]. What a message means is the domain's business, and
//! whether a signature is good is for `git verify-tag` to say.

use chrono::{DateTime, Utc};
use git2::ObjectType;

use crate::domain::name::{Actor, Oid, TagName};

use super::error::{During, Error, Result, Task};
use super::git::Git;
use super::repo::{Repo, actor_of, from_git2, time_of, to_git2};

/// What begins a signature, at the start of a line (git's `gpg-interface.c` knows the same).
const SIGNATURES: &[&[u8]] = &[
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
];

/// What a tag's ref points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagObject {
    /// An object of its own.
    Annotated {
        /// The name written inside it; a ref of another name may point to it.
        name: TagName,
        /// What it was put on.
        target: Oid,
        /// Whether that is a commit; a tag may stand on anything, another tag included.
        target_is_commit: bool,
        /// Who made it; without name and address in tags older than that field.
        tagger: Actor,
        /// When, to the second.
        at: DateTime<Utc>,
        /// The message without its signature; what is not UTF-8 is replaced.
        message: String,
        /// Whether it carries a signature, good or not.
        signed: bool,
    },
    /// Nothing but a name for this commit.
    Lightweight(Oid),
}

/// Writes a tag object and moves no ref. `message` is kept as it is, but for a line break at its
/// end; `sign` signs it the way `git tag -s` would.
///
/// # Errors
/// The target is not here, or the signature could not be made.
pub fn write_tag(
    repo: &Repo,
    name: &TagName,
    target: Oid,
    tagger: &Actor,
    at: DateTime<Utc>,
    message: &str,
    sign: bool,
) -> Result<Oid> {
    if message.contains('\0') || tagger.name.is_empty() {
        return Err(Error::BadTag(name.clone()));
    }
    let line_break = if message.ends_with('\n') { "" } else { "\n" };
    let message = format!("{message}{line_break}");
    if sign {
        return sign_tag(repo, name, target, tagger, at, &message);
    }
    let object = repo.git2().find_object(to_git2(target), None).during(Task::TagObject(target))?;
    let kind = object.kind().map_or("commit", |kind| kind.str());
    let seconds = at.timestamp();
    let data =
        format!("object {target}\ntype {kind}\ntag {name}\ntagger {tagger} {seconds} +0000\n\n{message}");
    repo.put(ObjectType::Tag, data.as_bytes())
}

/// Lets `git tag -s` make the tag in a throw-away repository that shares our objects.
fn sign_tag(
    repo: &Repo,
    name: &TagName,
    target: Oid,
    tagger: &Actor,
    at: DateTime<Utc>,
    message: &str,
) -> Result<Oid> {
    let task = || Task::SignTag(name.clone());
    // What `target` names must be on the disk before another process reads it; it is, objects are
    // written at once. Only syncing is left for later.
    let scratch = tempfile::tempdir().during_with(task)?;
    let made = git2::Repository::init_bare(scratch.path()).during_with(task)?;
    let mut git = Git::new(repo)
        .env("GIT_DIR", scratch.path())
        .env("GIT_OBJECT_DIRECTORY", repo.common_dir().join("objects"))
        .env_remove("GIT_WORK_TREE")
        .env("GIT_COMMITTER_NAME", &tagger.name)
        .env("GIT_COMMITTER_EMAIL", &tagger.email)
        .env("GIT_COMMITTER_DATE", format!("{} +0000", at.timestamp()))
        // The repository's own settings; the user's and the host's are found as always.
        .set("core.hooksPath=/dev/null")
        .set("i18n.commitEncoding=UTF-8");
    for key in [
        "user.signingkey",
        "gpg.format",
        "gpg.program",
        "gpg.openpgp.program",
        "gpg.x509.program",
        "gpg.ssh.program",
    ]
    .iter()
    .chain(&["gpg.ssh.defaultKeyCommand", "gpg.minTrustLevel"])
    {
        if let Some(value) = repo.config(key) {
            git = git.set(format!("{key}={value}"));
        }
    }
    let output = git
        .args(["tag", "-s", "--cleanup=verbatim", "-F", "-", "--end-of-options"])
        .arg(name.as_str())
        .arg(target.to_string())
        .stdin(message)
        .run()?;
    if !output.status.success() {
        return Err(Error::TagNotSigned { name: name.clone(), said: output.said() });
    }
    let reference = made.find_reference(name.to_ref().as_str()).during_with(task)?;
    let oid = reference.target().ok_or_else(|| task().failed())?;
    Ok(from_git2(oid))
}

/// Reads what a tag's ref points to.
///
/// # Errors
/// The object is not here; it is neither a tag nor a commit; the name inside is none
/// of a tag.
pub fn read_tag(repo: &Repo, oid: Oid) -> Result<TagObject> {
    repo.check_loose(oid)?;
    let object = repo.git2().find_object(to_git2(oid), None).during(Task::ReadTag(oid))?;
    if object.kind() == Some(ObjectType::Commit) {
        return Ok(TagObject::Lightweight(oid));
    }
    let Some(tag) = object.as_tag() else {
        return Err(Error::NotATag(oid));
    };
    let name = String::from_utf8_lossy(tag.name_bytes())
        .parse()
        .map_err(|cause| Error::BadTagName { tag: oid, cause })?;
    let tagger = tag.tagger();
    let message = tag.message_bytes().unwrap_or_default();
    let end = signature_start(message);
    Ok(TagObject::Annotated {
        name,
        target: from_git2(tag.target_id()),
        target_is_commit: tag.target_type() == Some(ObjectType::Commit),
        tagger: tagger.as_ref().map_or_else(|| Actor::new("", ""), actor_of),
        at: tagger.map_or(DateTime::UNIX_EPOCH, |who| time_of(who.when().seconds())),
        message: String::from_utf8_lossy(&message[..end.unwrap_or(message.len())]).into_owned(),
        signed: end.is_some(),
    })
}

/// Where the last line is that begins a signature.
fn signature_start(message: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut found = None;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if SIGNATURES.iter().any(|signature| line.starts_with(signature)) {
            found = Some(at);
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::repo::fixture::Sandbox;
    use super::*;

    const MESSAGE: &str = "shop 1.5.0-rc.2\n\n# not a comment\n\n\nRel-Schema: 1\nRel-Nonce: x\n";

    fn write(repo: &Repo, target: Oid, message: &str, sign: bool) -> Result<Oid> {
        let name = "v1.5.0-rc.2".parse().unwrap();
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        write_tag(repo, &name, target, &Actor::new("Ana", "ana@example.com"), at, message, sign)
    }

    #[test]
    fn what_is_written_is_what_git_would_write() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let head = sandbox.oid("work", "HEAD");
        let oid = write(&repo, head, MESSAGE.trim_end(), false).unwrap();
        assert_eq!(
            read_tag(&repo, oid).unwrap(),
            TagObject::Annotated {
                name: "v1.5.0-rc.2".parse().unwrap(),
                target: head,
                target_is_commit: true,
                tagger: Actor::new("Ana", "ana@example.com"),
                at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
                message: MESSAGE.to_owned(),
                signed: false,
            }
        );
        assert_eq!(sandbox.git("work", &["for-each-ref", "refs/tags"]), "");
        let text = sandbox.git("work", &["cat-file", "tag", &oid.to_string()]);
        std::fs::write(sandbox.path("text"), text + "\n").unwrap();
        let text = sandbox.path("text");
        let again = sandbox.git("work", &["hash-object", "-t", "tag", text.to_str().unwrap()]);
        assert_eq!(again, oid.to_string(), "and git accepts it");
        assert_eq!(read_tag(&repo, head).unwrap(), TagObject::Lightweight(head));
        let tree = sandbox.oid("work", "HEAD^{tree}");
        assert!(read_tag(&repo, tree).is_err() && read_tag(&repo, Oid::from_bytes([4; Oid::BYTES])).is_err());
        assert!(write(&repo, Oid::from_bytes([4; Oid::BYTES]), "x", false).is_err());
        assert!(write(&repo, head, "a\0b", false).is_err());
        let nested = write(&repo, oid, "x", false).unwrap();
        assert!(matches!(
            read_tag(&repo, nested).unwrap(),
            TagObject::Annotated { target_is_commit: false, .. }
        ));
    }

    /// A program that signs as gpg would be asked to, and says what it was asked with.
    fn fake_gpg(sandbox: &Sandbox, works: bool) {
        let path = sandbox.path("fake gpg");
        let body = if works {
            "#!/bin/sh\ncat > /dev/null\nprintf '\\n[GNUPG:] SIG_CREATED D\\n' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\n\\n%s\\n-----END PGP SIGNATURE-----\\n' \"$*\"\n"
        } else {
            "#!/bin/sh\necho no key >&2\nexit 2\n"
        };
        std::fs::write(&path, body).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        sandbox.git("work", &["config", "gpg.program", path.to_str().unwrap()]);
        sandbox.git("work", &["config", "user.signingkey", "KEY7"]);
    }

    #[test]
    fn signing_uses_the_repositorys_settings_and_touches_no_ref() {
        let sandbox = Sandbox::new();
        fake_gpg(&sandbox, true);
        let repo = sandbox.open("work");
        let head = sandbox.oid("work", "HEAD");
        let oid = write(&repo, head, MESSAGE, true).unwrap();
        let TagObject::Annotated { target, message, signed, at, .. } = read_tag(&repo, oid).unwrap() else {
            panic!("annotated")
        };
        assert_eq!((target, message.as_str(), signed), (head, MESSAGE, true));
        assert_eq!(at.timestamp(), 1_700_000_000);
        assert!(sandbox.git("work", &["cat-file", "tag", &oid.to_string()]).contains("KEY7"));
        assert_eq!(sandbox.git("work", &["for-each-ref", "refs/tags"]), "");
    }

    #[test]
    fn signing_with_an_ssh_key_verifies() {
        let sandbox = Sandbox::new();
        let key = sandbox.path("key");
        #[expect(clippy::disallowed_methods, reason = "a key for the test")]
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return; // No OpenSSH here; the fake above covers the way through git.
        }
        sandbox.git("work", &["config", "gpg.format", "ssh"]);
        sandbox.git("work", &["config", "user.signingkey", key.to_str().unwrap()]);
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        std::fs::write(sandbox.path("signers"), format!("ana@example.com {public}")).unwrap();
        let signers = sandbox.path("signers");
        sandbox.git("work", &["config", "gpg.ssh.allowedSignersFile", signers.to_str().unwrap()]);
        let repo = sandbox.open("work");
        let oid = write(&repo, sandbox.oid("work", "HEAD"), MESSAGE, true).unwrap();
        sandbox.git("work", &["verify-tag", &oid.to_string()]);
    }

    #[test]
    fn a_signature_that_fails_is_said() {
        let sandbox = Sandbox::new();
        fake_gpg(&sandbox, false);
        let repo = sandbox.open("work");
        let error = write(&repo, sandbox.oid("work", "HEAD"), MESSAGE, true).unwrap_err();
        assert!(matches!(error, Error::TagNotSigned { said, .. } if said.contains("no key")));
    }
}
