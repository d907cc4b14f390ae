//! What hooks are told, in the words of CDEvents
//! (<https://github.com/cdevents/spec>, v0.5.1): one JSON document an event.
//!
//! What happened in `rel`'s own words is the document's `customData`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::name::{EnvName, ProjectName};

/// The version of the specification.
const SPEC: &str = "0.5.1";

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion<'a> {
    /// A candidate of this version is about to be built.
    BuildQueued {
        /// The release, since its number is not known yet.
        release: &'a str,
    },
    /// A candidate was built, and its artifacts published.
    ArtifactPublished {
        version: &'a str,
        /// Who made it.
        user: &'a str,
    },
    /// A deployment is about to be claimed.
    DeploymentQueued {
        environment: &'a EnvName,
        /// Of which version.
        version: &'a str,
    },
    /// A deployment succeeded.
    Deployed {
        environment: &'a EnvName,
        /// Of which version.
        version: &'a str,
        /// How it came there.
        how: How,
    },
    /// A candidate could not be built.
    BuildFailed { tag: &'a str, why: &'a str },
    /// A deployment did not succeed.
    DeploymentFailed {
        id: &'a str,
        /// Whether somebody asked it to end.
        cancelled: bool,
        why: &'a str,
    },
}

/// How a version came to be live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As the first there.
    First,
    /// In place of another, or once more.
    Upgrade,
    /// By going back to it.
    Rollback,
}

/// A version of a project as a package URL
/// (<https://github.com/package-url/purl-spec>).
fn purl(project: &ProjectName, version: &str) -> String {
    let version = percent_encoding::utf8_percent_encode(version, percent_encoding::NON_ALPHANUMERIC);
    let version = version.to_string().replace("%2E", ".").replace("%2D", "-");
    format!("pkg:generic/{project}@{version}")
}

/// The document of one event.
pub fn document(
    project: &ProjectName,
    occasion: Occasion<'_>,
    id: &str,
    at: DateTime<Utc>,
    custom: impl Serialize,
) -> Value {
    let service = |environment: &EnvName, version: &str| json!({ "environment": { "id": environment }, "artifactId": purl(project, version) });
    let (r#type, subject, content) = match occasion {
        Occasion::BuildQueued { release } => ("build.queued", format!("{project} {release}"), json!({})),
        Occasion::ArtifactPublished { version, user } => {
            ("artifact.published", purl(project, version), json!({ "user": user }))
        }
        Occasion::DeploymentQueued { environment, version } => (
            "pipelinerun.queued",
            format!("{environment} {version}"),
            json!({ "pipelineName": format!("deploy {environment}") }),
        ),
        Occasion::Deployed { environment, version, how } => (
            match how {
                How::First => "service.deployed",
                How::Upgrade => "service.upgraded",
                How::Rollback => "service.rolledback",
            },
            project.to_string(),
            service(environment, version),
        ),
        Occasion::BuildFailed { tag, why } => (
            "pipelinerun.finished",
            tag.to_owned(),
            json!({ "pipelineName": "build", "outcome": "failure", "errors": why }),
        ),
        Occasion::DeploymentFailed { id, cancelled, why } => (
            "pipelinerun.finished",
            id.to_owned(),
            json!({
                "pipelineName": format!("deploy {}", id.split('#').next().unwrap_or(id)),
                "outcome": if cancelled { "cancel" } else { "failure" },
                "errors": why,
            }),
        ),
    };
    json!({
        "context": {
            "specversion": SPEC,
            "id": id,
            "source": format!("urn:rel:project:{project}"),
            "type": format!("dev.cdevents.{type}.0.3.0"),
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        },
        "subject": { "id": subject, "content": content },
        "customData": custom,
        "customDataContentType": "application/json",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_package_that_url_readers_understand() {
        let project = "shop".parse().unwrap();
        assert_eq!(purl(&project, "1.5.0-rc.2"), "pkg:generic/shop@1.5.0-rc.2");
        assert_eq!(purl(&project, "a b/c"), "pkg:generic/shop@a%20b%2Fc");
    }
}
