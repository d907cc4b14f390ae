//! The schema of what documents spell as text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::domain::name::{Actor, DeploymentId, EnvName, Oid, ProjectName, Sha256, TagName};
use crate::domain::version::{CandidateVersion, Version};

macro_rules! text {
    ($($name:ident $pattern:literal),*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )*};
}

text!(
    ProjectName "^[a-z0-9][a-z0-9-]*$",
    EnvName "^[a-z0-9][a-z0-9-]*$",
    DeploymentId "^[a-z0-9][a-z0-9-]*#[0-9]+$",
    Actor "<[^<>]*>$",
    TagName "^[^-]",
    Oid "^[0-9a-f]{40}$",
    Sha256 "^sha256:[0-9a-f]{64}$",
    Version "^[0-9]",
    CandidateVersion "-rc\\.[0-9]+$"
);
