//! The JSON schema of `release.toml`, for editors and checks in CI.
//!
//! These types are the file's shape as it is written; the parser goes on from
//! there (cycles, names that are not declared, dates that end before they
//! begin). A test holds their keys against those that the parser asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use crate::domain::config::{
    Bump, Command, CommandsFrom, Confirm, LostFix, OnFailure, Publish, Scheme, Signoff,
};

/// The schema, in JSON Schema's draft 2020-12.
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<ReleaseToml>()
}

/// What may be left out is never null: TOML knows none.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &mut types[..] {
            let one = one.take();
            schema.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(mut choices)) = schema.remove("anyOf") else { return };
    choices.retain(|one| one["type"] != "null");
    match (choices.pop(), choices.is_empty()) {
        (Some(Value::Object(only)), true) => {
            only.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
        }
        (last, _) => {
            choices.extend(last);
            schema.insert("anyOf".to_owned(), Value::Array(choices));
        }
    }
}

/// A text that matches a pattern.
macro_rules! pattern {
    ($(#[doc = $doc:literal])* $name:ident, $pattern:literal) => {
        $(#[doc = $doc])*
        #[derive(Serialize)]
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "description": concat!($($doc),*).trim_start(),
                })
            }
        }
    };
}

pattern!(
    /// A duration: digits and one of s, m, h, d, such as 30m.
    DurationText, "^[0-9]+[smhd]$"
);
pattern!(
    /// A size: digits and one of B, KiB, MiB, GiB, TiB, such as 95MiB.
    SizeText, "^[0-9]+([KMGT]iB|B)$"
);
pattern!(
    /// A name for refs.
    NameText, "^[a-z0-9][a-z0-9-]{0,40}$"
);
pattern!(
    /// A day of the week.
    WeekdayText, "^(mon|tue|wed|thu|fri|sat|sun)$"
);
pattern!(
    /// Where artifacts are kept.
    StoreText, "^(git|file:///.*|(s3|gs|az|oci)://[^/].*)$"
);

/// What a project is, and how it is released.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "release.toml")]
struct ReleaseToml {
    project: ProjectSection,
    version: Option<VersionSection>,
    build: Option<BuildSection>,
    artifacts: Option<ArtifactsSection>,
    environments: Option<BTreeMap<String, EnvironmentSection>>,
    retry: Option<RetrySection>,
    hooks: Option<HooksSection>,
    output: Option<OutputSection>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProjectSection {
    /// Names refs.
    name: NameText,
    /// The branch that releases are cut from.
    trunk: Option<String>,
    /// The remote that decides; empty where this repository does.
    remote: Option<String>,
    /// What counts as this project's change, gitignore-style.
    paths: Option<Vec<String>>,
    /// The oldest version of `rel` that may read this file.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+){0,2}$"))]
    requires: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VersionSection {
    scheme: Option<Scheme>,
    /// What the next version is, by semver.
    bump: Option<Bump>,
    /// How calver versions are written, in the notation of calver.org.
    format: Option<String>,
    /// How a candidate is spelled after its release, with {n} at the end.
    candidate: Option<String>,
    /// What stands before the type of a commit, {n} for a number.
    prefixes: Option<Vec<String>>,
    /// A release's tag, with {version} in it.
    tag: Option<String>,
    /// Whether tags are signed, as git tag -s would.
    sign: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BuildSection {
    command: Option<Command>,
    /// Patterns of files that the build leaves in its checkout.
    artifacts: Option<Vec<String>>,
    timeout: Option<DurationText>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ArtifactsSection {
    store: Option<StoreText>,
    /// The largest file that the git store takes.
    max_size: Option<SizeText>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EnvironmentSection {
    /// Earlier names, whose history is continued.
    formerly: Option<Vec<NameText>>,
    /// Where a candidate must have succeeded before.
    after: Option<Vec<NameText>>,
    /// How long it must have stood there.
    soak: Option<DurationText>,
    /// How many other people must have approved.
    approvals: Option<u32>,
    approvals_signed: Option<bool>,
    /// The file on trunk that says whose keys count.
    allowed_signers: Option<String>,
    signoff: Option<Signoff>,
    /// Who may deploy, by e-mail address or pattern.
    #[schemars(length(min = 1))]
    deployers: Option<Vec<String>>,
    freeze: Option<Vec<FreezeSection>>,
    confirm: Option<Confirm>,
    deploy: Option<Command>,
    verify: Option<Command>,
    /// What a rollback runs instead of deploy.
    rollback: Option<Command>,
    timeout: Option<DurationText>,
    /// How long a command has to end when it is asked to.
    grace: Option<DurationText>,
    on_failure: Option<OnFailure>,
    lost_fix: Option<LostFix>,
    /// Whether a success here tags and closes the release.
    r#final: Option<bool>,
    /// Whether every new candidate goes here by itself.
    auto_deploy: Option<bool>,
    /// Whose commands run.
    commands: Option<CommandsFrom>,
    hold_after_rollback: Option<bool>,
    targets: Option<Vec<String>>,
    #[schemars(range(min = 1))]
    max_parallel: Option<u32>,
    phases: Option<Vec<PhaseSection>>,
    params: Option<BTreeMap<String, ParamSection>>,
}

/// Closed between two dates, or every week between two times of day.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FreezeSection {
    #[schemars(length(min = 1))]
    days: Option<Vec<WeekdayText>>,
    /// 2026-12-20T18:00, or 16:00.
    from: Option<String>,
    /// 2027-01-03T08:00, or 24:00.
    to: Option<String>,
    /// Such as Europe/Paris; UTC by default.
    tz: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PhaseSection {
    name: String,
    deploy: Option<Command>,
    verify: Option<Command>,
    /// How long verify is repeated before the next phase.
    wait: Option<DurationText>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ParamSection {
    default: Option<String>,
    /// Whether its value is kept out of output and records.
    secret: Option<bool>,
    /// The variable that has its value.
    from_env: Option<String>,
}

/// How often deploy and verify commands are tried.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetrySection {
    #[schemars(range(min = 1))]
    attempts: Option<u32>,
    backoff: Option<DurationText>,
}

/// Commands that hear of what happens, each with one event on its standard input.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HooksSection {
    before_cut: Option<Command>,
    after_cut: Option<Command>,
    before_deploy: Option<Command>,
    after_deploy: Option<Command>,
    after_failure: Option<Command>,
    after_rollback: Option<Command>,
    timeout: Option<DurationText>,
}

#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OutputSection {
    publish: Option<Publish>,
}
