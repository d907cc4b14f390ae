//! Full names of refs, by what they are for. Nobody else puts one together or
//! takes one apart.

use std::fmt;

use super::name::{DeploymentId, EnvName, ProjectName, TagName};
use super::version::CandidateVersion;

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
const NOTES: &str = "refs/notes/";
const REMOTES: &str = "refs/remotes/";

/// The folder that holds every ref.
pub const ALL: &str = "refs/";

/// A chain, which only ever grows by commits on top of its tip: a ref below `refs/notes/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainRef(String);

/// A tag, which never moves: `refs/tags/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagRef(String);

/// A branch, which is the user's: `refs/heads/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchRef(String);

/// What the git store publishes: `refs/rel/<project>/artifacts/<version>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactsRef(String);

/// The output of a deployment: `refs/rel/<project>/output/<env>/<n>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputRef(String);

/// A ref of any kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefName {
    /// What only grows.
    Chain(ChainRef),
    /// What never moves.
    Tag(TagRef),
    /// What is the user's.
    Branch(BranchRef),
    /// What keeps a candidate's files.
    Artifacts(ArtifactsRef),
    /// What a deployment printed.
    Output(OutputRef),
    /// A copy of a remote's ref, or what another tool keeps.
    Other(String),
}

macro_rules! ref_names {
    ($($name:ident $kind:ident),*) => {$(
        impl $name {
            /// The full name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<$name> for RefName {
            fn from(name: $name) -> RefName {
                RefName::$kind(name)
            }
        }
    )*};
}
ref_names!(ChainRef Chain, TagRef Tag, BranchRef Branch, ArtifactsRef Artifacts, OutputRef Output);

impl RefName {
    /// Reads a full name; `None` if it does not stand below `refs/`.
    pub fn parse(name: &str) -> Option<RefName> {
        let rest = name.strip_prefix(ALL)?;
        let owned = name.to_owned();
        let of_rel = rest.strip_prefix("rel/").and_then(|rest| rest.split('/').nth(1));
        Some(match (rest.split('/').next()?, of_rel) {
            ("notes", _) => RefName::Chain(ChainRef(owned)),
            ("tags", _) => RefName::Tag(TagRef(owned)),
            ("heads", _) => RefName::Branch(BranchRef(owned)),
            (_, Some("artifacts")) => RefName::Artifacts(ArtifactsRef(owned)),
            (_, Some("output")) => RefName::Output(OutputRef(owned)),
            _ => RefName::Other(owned),
        })
    }

    /// The full name as text.
    pub fn as_str(&self) -> &str {
        match self {
            RefName::Chain(ChainRef(name))
            | RefName::Tag(TagRef(name))
            | RefName::Branch(BranchRef(name))
            | RefName::Artifacts(ArtifactsRef(name))
            | RefName::Output(OutputRef(name))
            | RefName::Other(name) => name,
        }
    }
}

impl AsRef<str> for RefName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a chain of `rel`'s is the history of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainOf {
    /// The project's candidates.
    Candidates,
    /// An environment.
    Environment(EnvName),
    /// No history of `rel`'s: its name below the project's chains.
    Foreign(String),
}

impl ChainRef {
    /// `refs/notes/rel/<project>/env/<env>`.
    pub fn of_environment(project: &ProjectName, environment: &EnvName) -> ChainRef {
        ChainRef(format!("{}env/{environment}", ChainRef::folder(project)))
    }

    /// `refs/notes/rel/<project>/candidates`.
    pub fn of_candidates(project: &ProjectName) -> ChainRef {
        ChainRef(format!("{}candidates", ChainRef::folder(project)))
    }

    /// The folder of a project's chains, with its last slash.
    pub fn folder(project: &ProjectName) -> String {
        format!("{NOTES}rel/{project}/")
    }

    /// Reads a full name; `None` if it is not one of a chain.
    pub fn parse(name: &str) -> Option<ChainRef> {
        name.starts_with(NOTES).then(|| ChainRef(name.to_owned()))
    }

    /// What it is the history of, in a project.
    pub fn subject(&self, project: &ProjectName) -> ChainOf {
        let short = self.0.strip_prefix(&ChainRef::folder(project)).unwrap_or(&self.0);
        let environment = short.strip_prefix("env/").and_then(|name| name.parse().ok());
        match environment {
            _ if short == "candidates" => ChainOf::Candidates,
            Some(environment) => ChainOf::Environment(environment),
            None => ChainOf::Foreign(short.to_owned()),
        }
    }
}

impl TagName {
    /// `refs/tags/<tag>`.
    pub fn to_ref(&self) -> TagRef {
        TagRef(format!("{TAGS}{self}"))
    }
}

impl TagRef {
    /// The folder of tags, with its last slash.
    pub const FOLDER: &str = TAGS;

    /// The folder of this clone's copies of a remote's tags, with its last slash.
    pub fn copies(project: &ProjectName) -> String {
        format!("{}tags/", rel(project))
    }

    /// The tag whose copy has this name below the folder of copies.
    pub fn copied(short: &str) -> TagRef {
        TagRef(format!("{TAGS}{short}"))
    }

    /// Reads a full name; `None` if it is not one of a tag.
    pub fn parse(name: &str) -> Option<TagRef> {
        name.starts_with(TAGS).then(|| TagRef(name.to_owned()))
    }

    /// The name below `refs/tags/`.
    pub fn short(&self) -> &str {
        &self.0[TAGS.len()..]
    }

    /// The tag; `None` if its name is one that `rel` does not write.
    pub fn tag(&self) -> Option<TagName> {
        self.short().parse().ok()
    }
}

impl BranchRef {
    /// The folder of branches, with its last slash.
    pub const FOLDER: &str = HEADS;

    /// `refs/heads/<branch>`.
    pub fn of(branch: &str) -> BranchRef {
        BranchRef(format!("{HEADS}{branch}"))
    }

    /// Reads a full name; `None` if it is not one of a branch.
    pub fn parse(name: &str) -> Option<BranchRef> {
        name.starts_with(HEADS).then(|| BranchRef(name.to_owned()))
    }

    /// The branch's own name.
    pub fn short(&self) -> &str {
        &self.0[HEADS.len()..]
    }
}

impl ArtifactsRef {
    /// The ref of a candidate's artifacts. `version` is such as `1.5.0-rc.2`.
    pub fn of(project: &ProjectName, version: impl fmt::Display) -> ArtifactsRef {
        ArtifactsRef(format!("{}{version}", ArtifactsRef::folder(project)))
    }

    /// The folder of a project's artifacts, with its last slash.
    pub fn folder(project: &ProjectName) -> String {
        format!("{}artifacts/", rel(project))
    }

    /// Reads a full name; `None` if it is not one of a project's artifacts.
    pub fn parse(name: &str) -> Option<ArtifactsRef> {
        match RefName::parse(name)? {
            RefName::Artifacts(name) => Some(name),
            _ => None,
        }
    }
}

impl OutputRef {
    /// The ref of a deployment's output.
    pub fn of(project: &ProjectName, id: &DeploymentId) -> OutputRef {
        OutputRef(format!("{}output/{}/{}", rel(project), id.environment, id.seq))
    }

    /// The ref of what the build of a candidate printed. No deployment has a version for its number.
    pub fn of_build(project: &ProjectName, version: &CandidateVersion) -> OutputRef {
        OutputRef(format!("{}output/build/{version}", rel(project)))
    }

    /// [`OutputRef::refspec`] of what the build of a candidate printed.
    pub fn refspec_of_build(project: &ProjectName, version: &CandidateVersion) -> String {
        let pattern = format!("{}output*/build/{version}", rel(project));
        format!("+{pattern}:{pattern}")
    }

    /// The refspec that fetches that ref, and nothing if there is no such ref: a pattern that no
    /// other name of `rel`'s fits.
    pub fn refspec(project: &ProjectName, id: &DeploymentId) -> String {
        let pattern = format!("{}output*/{}/{}", rel(project), id.environment, id.seq);
        format!("+{pattern}:{pattern}")
    }
}

/// The folder of a project's refs that are no chains, with its last slash.
pub fn rel(project: &ProjectName) -> String {
    format!("refs/rel/{project}/")
}

/// `refs/rel/<project>/trunk`: the copy of trunk of a remote that has no name.
pub fn trunk_copy(project: &ProjectName) -> String {
    format!("{}trunk", rel(project))
}

/// The folder of copies of a remote's branches, with its last slash.
pub fn remote_branches(remote: &str) -> String {
    format!("{REMOTES}{remote}/")
}

/// Whether a text is, or begins, the full name of a ref.
pub fn is_full(text: &str) -> bool {
    text.starts_with(ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_a_ref_is_for() {
        let kind = |name| {
            RefName::parse(name).map(|parsed| {
                assert_eq!(parsed.as_str(), name);
                match parsed {
                    RefName::Chain(_) => "chain",
                    RefName::Tag(_) => "tag",
                    RefName::Branch(_) => "branch",
                    RefName::Artifacts(_) => "artifacts",
                    RefName::Output(_) => "output",
                    RefName::Other(_) => "other",
                }
            })
        };
        for (name, expected) in [
            ("refs/notes/rel/shop/env/prod", Some("chain")),
            ("refs/tags/v1.0.0", Some("tag")),
            ("refs/heads/notes/x", Some("branch")),
            ("refs/rel/shop/artifacts/1.0.0-rc.1", Some("artifacts")),
            ("refs/rel/shop/output/prod/3", Some("output")),
            ("refs/rel/shop/trunk", Some("other")),
            ("refs/remotes/rel/artifacts/x", Some("other")),
            ("refs/tagsy", Some("other")),
            ("v1.0.0", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_are_made_are_read_back() {
        let project: ProjectName = "shop".parse().unwrap();
        let prod: EnvName = "prod".parse().unwrap();
        let tag: TagName = "api/v1.0.0".parse().unwrap();
        let chain = ChainRef::of_environment(&project, &prod);
        assert_eq!(chain.as_str(), "refs/notes/rel/shop/env/prod");
        assert_eq!(chain.subject(&project), ChainOf::Environment(prod.clone()));
        assert_eq!(ChainRef::of_candidates(&project).subject(&project), ChainOf::Candidates);
        let foreign = ChainRef::parse("refs/notes/rel/shop/mine").unwrap();
        assert_eq!(foreign.subject(&project), ChainOf::Foreign("mine".to_owned()));
        let id = DeploymentId { environment: prod, seq: 3 };
        assert_eq!(TagRef::parse(tag.to_ref().as_str()).unwrap().tag(), Some(tag));
        for made in [
            RefName::from(chain),
            ArtifactsRef::of(&project, "1.0.0-rc.1").into(),
            OutputRef::of(&project, &id).into(),
            BranchRef::of("release/1.x").into(),
        ] {
            assert_eq!(RefName::parse(made.as_str()), Some(made));
        }
    }
}
