//! Where a candidate's artifacts come from, as an in-toto statement.
//!
//! The statement follows in-toto Statement v1
//! (<https://in-toto.io/Statement/v1>) with the SLSA provenance v1 predicate
//! (<https://slsa.dev/provenance/v1>). It is made once, at the cut, and the
//! digest of its bytes is in the tag; nothing here signs it, reads a clock or
//! looks anything up.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::artifact::{Artifact, Reference};
use super::config::Command;
use super::name::{Oid, ProjectName, TagName};

/// `_type` of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `predicateType` of the statement.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// `buildType`: the build command of `release.toml`, run once in a clean
/// checkout of the commit. Its external parameters are `project`, `tag` and
/// `commands`.
pub const BUILD_TYPE: &str = "urn:rel:build:v1";

/// What is known of one build.
#[derive(Debug, Clone)]
pub struct Provenance<'a> {
    /// Whose candidate it is.
    pub project: &'a ProjectName,
    /// The candidate's tag.
    pub tag: &'a TagName,
    /// The commit that was built.
    pub commit: &'a Oid,
    /// The remote as git is configured to reach it, credentials and all; the
    /// statement carries none of them. `None` where this repository is the
    /// authority.
    pub remote_url: Option<&'a str>,
    /// What was run, each as `release.toml` writes it: a string or an array.
    pub commands: &'a [Command],
    /// What else shaped the build and was not the user's to choose, such as
    /// the version of `rel`.
    pub internal: BTreeMap<&'a str, &'a str>,
    /// The files it made.
    pub artifacts: &'a [Artifact],
    /// What it pushed elsewhere.
    pub references: &'a [Reference],
    /// Who ran it: a URI, such as the CI system's or `rel` on a machine.
    pub builder: &'a str,
    /// This run, as the builder knows it: a CI run's address.
    pub invocation: Option<&'a str>,
    /// When the command was started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
}

/// The statement. Equal input gives equal bytes (see [`to_bytes`]).
///
/// A statement needs a subject, so a build that made nothing speaks of the
/// commit itself.
pub fn statement(input: &Provenance<'_>) -> Value {
    let commit = json!({ "gitCommit": input.commit.to_string() });

    let files = input.artifacts.iter().map(|file| (&file.name, file.digest));
    let references = input.references.iter().map(|reference| (&reference.name, reference.digest));
    let mut subject: Vec<Value> = files
        .chain(references)
        .map(|(name, digest)| json!({ "name": name, "digest": { "sha256": digest.hex() } }))
        .collect();
    if subject.is_empty() {
        subject.push(json!({ "name": input.tag, "digest": commit }));
    }

    let mut source = json!({ "digest": commit });
    if let Some(uri) = input.remote_url.and_then(source_uri) {
        source["uri"] = json!(uri);
    }
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut metadata = json!({ "startedOn": time(input.started), "finishedOn": time(input.finished) });
    if let Some(invocation) = input.invocation {
        metadata["invocationId"] = json!(invocation);
    }

    json!({
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": input.project,
                    "tag": input.tag,
                    "commands": input.commands,
                },
                "internalParameters": input.internal,
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": { "id": input.builder },
                "metadata": metadata,
            },
        },
    })
}

/// The one way a statement becomes bytes: compact, keys sorted, no line break
/// at the end. The digest in the tag is that of these bytes.
pub fn to_bytes(statement: &Value) -> Vec<u8> {
    let mut statement = statement.clone();
    // Sorted already, unless a dependency turns on serde_json's `preserve_order`.
    statement.sort_all_objects();
    statement.to_string().into_bytes()
}

/// A remote's address as a `git+…` URI without user, password,
/// query or fragment, any of which may be a secret. `None` for an address
/// that has no such form (a relative path, a remote helper) or that cannot be
/// told apart from its secrets.
fn source_uri(remote: &str) -> Option<String> {
    if remote.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if remote.starts_with('/') {
        return Some(format!("git+file://{remote}"));
    }
    let (scheme, rest) = match remote.split_once("://") {
        Some(parts) => parts,
        // git's short form, [user@]host:path; a helper is helper::address.
        None => {
            let (host, path) = remote.split_once(':')?;
            if host.contains('/') || path.starts_with(':') || path.contains('@') {
                return None;
            }
            return plain_host(host)
                .filter(|host| !host.contains(':'))
                .map(|host| format!("git+ssh://{host}/{}", path.trim_start_matches('/')));
        }
    };
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return None;
    }
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    // A secret with an unescaped slash would have been cut in two by now.
    if path.is_some_and(|path| path.contains('@')) && authority.contains(':') {
        return None;
    }
    let host = if scheme == "file" { authority } else { plain_host(authority)? };
    Some(match path {
        Some(path) => format!("git+{scheme}://{host}/{path}"),
        None => format!("git+{scheme}://{host}"),
    })
}

/// `[user[:password]@]host[:port]` without what stands before the host.
fn plain_host(authority: &str) -> Option<&str> {
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty())?;
    let port = if host.starts_with('[') { host.split_once("]:") } else { host.split_once(':') };
    match port {
        Some((_, port)) if !port.bytes().all(|b| b.is_ascii_digit()) => None,
        _ => Some(host),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::super::artifact::sha256_of;
    use super::*;

    fn build(remote: Option<&str>, artifacts: &[Artifact], references: &[Reference]) -> Value {
        statement(&Provenance {
            project: &"shop".parse().unwrap(),
            tag: &"v1.5.0-rc.2".parse().unwrap(),
            commit: &"1".repeat(40).parse().unwrap(),
            remote_url: remote,
            commands: &[Command::Shell("make dist".to_owned())],
            internal: BTreeMap::from([("rel", "0.1.0")]),
            artifacts,
            references,
            builder: "https://ci.example.com",
            invocation: Some("https://ci.example.com/run/7"),
            started: Utc.with_ymd_and_hms(2026, 11, 1, 10, 0, 0).unwrap(),
            finished: Utc.with_ymd_and_hms(2026, 11, 1, 10, 2, 0).unwrap(),
        })
    }

    #[test]
    fn the_statement_byte_for_byte() {
        let file = Artifact { name: "app.tgz".into(), digest: sha256_of(b"abc"), size: 3 };
        let image = Reference {
            name: "api".into(),
            uri: format!("registry/api@{}", sha256_of(b"")),
            digest: sha256_of(b""),
        };
        let bytes = to_bytes(&build(Some("https://bob:secret@example.com/shop.git"), &[file], &[image]));
        let expected = concat!(
            r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"buildDefinition":{"#,
            r#""buildType":"urn:rel:build:v1","externalParameters":{"commands":["make dist"],"#,
            r#""project":"shop","tag":"v1.5.0-rc.2"},"internalParameters":{"rel":"0.1.0"},"#,
            r#""resolvedDependencies":[{"digest":{"gitCommit":"1111111111111111111111111111111111111111"},"#,
            r#""uri":"git+https://example.com/shop.git"}]},"#,
            r#""runDetails":{"builder":{"id":"https://ci.example.com"},"metadata":{"#,
            r#""finishedOn":"2026-11-01T10:02:00Z","invocationId":"https://ci.example.com/run/7","#,
            r#""startedOn":"2026-11-01T10:00:00Z"}}},"predicateType":"https://slsa.dev/provenance/v1","#,
            r#""subject":[{"digest":{"sha256":"#,
            r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},"name":"app.tgz"},"#,
            r#"{"digest":{"sha256":"#,
            r#""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"name":"api"}]}"#,
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_build_that_made_nothing_speaks_of_the_commit() {
        let made = build(None, &[], &[]);
        assert_eq!(
            made["subject"],
            json!([{ "name": "v1.5.0-rc.2", "digest": { "gitCommit": "1".repeat(40) } }])
        );
        let source = &made["predicate"]["buildDefinition"]["resolvedDependencies"][0];
        assert_eq!(source, &json!({ "digest": { "gitCommit": "1".repeat(40) } }));
    }

    #[test]
    fn no_secret_of_a_remote_is_kept() {
        for (remote, uri) in [
            ("https://example.com/a.git", Some("git+https://example.com/a.git")),
            ("https://token@example.com:8443/a", Some("git+https://example.com:8443/a")),
            ("https://u:p@ss@example.com/a?private_token=x#y", Some("git+https://example.com/a")),
            ("https://u:p@[::1]:80/a", Some("git+https://[::1]:80/a")),
            ("https://u:p@[::1]/a", Some("git+https://[::1]/a")),
            ("https://example.com/@team/a.git", Some("git+https://example.com/@team/a.git")),
            ("ssh://git@example.com/a", Some("git+ssh://example.com/a")),
            ("git@example.com:team/a.git", Some("git+ssh://example.com/team/a.git")),
            ("/srv/git/a.git", Some("git+file:///srv/git/a.git")),
            ("file:///srv/git/a.git", Some("git+file:///srv/git/a.git")),
            ("https://user:sec/ret@example.com/a", None),
            ("https://user:12/ret@example.com/a", None),
            ("ext::sh -c secret", None),
            ("ext::secret", None),
            ("u:secret@host:path", None),
            ("../a.git", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(source_uri(remote).as_deref(), uri, "{remote}");
        }
    }
}
