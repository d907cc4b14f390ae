//! A candidate as its annotated tag records it.
//!
//! The tag's message is text for people, a blank line, and one block of
//! trailers in the form of `git interpret-trailers`. The block is the record:
//! [`Candidate::message`] writes it and [`Candidate::parse`] reads it back,
//! and refuses a schema it does not know.

use std::fmt;

use chrono::{DateTime, Utc};

use super::artifact::{Artifact, Reference};
use super::name::{Actor, Oid, ProjectName, Sha256, TagName};
use super::version::{CandidateVersion, Scheme, Version};

/// The version of the trailers written here.
const SCHEMA: &str = "1";

/// A fix carried over from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Pick {
    /// The commit that was picked.
    pub source: Oid,
    /// The commit it became.
    pub commit: Oid,
}

/// An immutable snapshot of a release: one commit, one build, one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its tag.
    pub tag: TagName,
    /// Its project.
    pub project: ProjectName,
    /// Its version.
    pub version: CandidateVersion,
    /// Its commit: what the tag points to.
    pub commit: Oid,
    /// The trunk commit it descends from.
    pub trunk_commit: Oid,
    /// The candidate it was picked onto.
    pub parent: Option<TagName>,
    /// What this candidate added by picking, in order.
    pub picks: Vec<Pick>,
    /// The files its build made.
    pub artifacts: Vec<Artifact>,
    /// What its build pushed elsewhere.
    pub references: Vec<Reference>,
    /// Where the files are: a store's address.
    pub store: String,
    /// The digest of its provenance statement.
    pub provenance: Option<Sha256>,
    /// Makes the tag an object of its own.
    pub nonce: String,
    /// When it was made: the tag's date.
    pub created_at: DateTime<Utc>,
    /// Who made it: the tagger.
    pub actor: Actor,
    /// Whether the tag carries a signature.
    pub signed: bool,
}

/// Why a tag is not a candidate's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotACandidate {
    /// It has no trailers of ours: somebody else's tag.
    Foreign,
    /// A newer `rel` wrote it.
    Newer(String),
    /// It has our trailers, but they are not whole.
    Broken(String),
}

impl fmt::Display for NotACandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotACandidate::Foreign => f.write_str("it is not a tag made by rel"),
            NotACandidate::Newer(schema) => {
                write!(f, "it was made by a newer rel (schema {schema}); this one reads schema {SCHEMA}")
            }
            NotACandidate::Broken(what) => write!(f, "its record is damaged: {what}"),
        }
    }
}

/// What git knows of a tag beside its message.
#[derive(Debug, Clone)]
pub struct TagFacts {
    /// Its name.
    pub tag: TagName,
    /// The commit it points to.
    pub commit: Oid,
    /// Who made it.
    pub tagger: Actor,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it is signed.
    pub signed: bool,
}

impl Candidate {
    /// The tag's message: `text`, then the record. Single newlines end lines.
    pub fn message(&self, text: &str) -> String {
        let mut record = format!(
            "Rel-Schema: {SCHEMA}\nRel-Project: {}\nRel-Release: {}\nRel-Candidate: {}\nRel-Trunk: {}\n",
            self.project, self.version.release, self.version.number, self.trunk_commit
        );
        let mut line = |key: &str, value: &dyn fmt::Display| record.push_str(&format!("{key}: {value}\n"));
        if let Some(parent) = &self.parent {
            line("Rel-Parent", parent);
        }
        for pick in &self.picks {
            line("Rel-Picked", &format_args!("{} as {}", pick.source, pick.commit));
        }
        for file in &self.artifacts {
            line("Rel-Artifact", &format_args!("{} {} {}", file.digest, file.size, file.name));
        }
        for reference in &self.references {
            line("Rel-Reference", &format_args!("{} {}", reference.uri, reference.name));
        }
        line("Rel-Store", &self.store);
        if let Some(digest) = &self.provenance {
            line("Rel-Provenance", digest);
        }
        line("Rel-Nonce", &self.nonce);
        format!("{}\n\n{record}", text.trim_end())
    }

    /// Reads a tag's message back.
    ///
    /// # Errors
    /// The tag is somebody else's, of a newer schema, or damaged.
    pub fn parse(facts: TagFacts, scheme: Scheme, message: &str) -> Result<Candidate, NotACandidate> {
        let block = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
        if !block.starts_with("Rel-Schema: ") {
            return Err(NotACandidate::Foreign);
        }
        let mut trailers = Vec::new();
        for line in block.lines() {
            let (key, value) =
                line.split_once(": ").ok_or_else(|| NotACandidate::Broken(format!("line {line:?}")))?;
            trailers.push((key, value));
        }
        let all = |key: &'static str| trailers.iter().filter(move |t| t.0 == key).map(|t| t.1);
        let one = |key: &'static str| {
            all(key).next().ok_or_else(|| NotACandidate::Broken(format!("no trailer {key}")))
        };
        let schema = one("Rel-Schema")?;
        if schema != SCHEMA {
            return Err(NotACandidate::Newer(schema.to_owned()));
        }
        let bad = |key: &str, value: &str| NotACandidate::Broken(format!("{key}: {value}"));
        let release = one("Rel-Release")?;
        let number = one("Rel-Candidate")?;
        Ok(Candidate {
            project: parsed("Rel-Project", one("Rel-Project")?)?,
            version: CandidateVersion {
                release: Version::parse(scheme, release)
                    .or_else(|_| release.parse::<Version>())
                    .map_err(|_| bad("Rel-Release", release))?,
                number: parsed("Rel-Candidate", number)?,
            },
            commit: facts.commit,
            trunk_commit: parsed("Rel-Trunk", one("Rel-Trunk")?)?,
            parent: all("Rel-Parent").next().map(|v| parsed("Rel-Parent", v)).transpose()?,
            picks: all("Rel-Picked").map(pick).collect::<Result<_, _>>()?,
            artifacts: all("Rel-Artifact").map(artifact).collect::<Result<_, _>>()?,
            references: all("Rel-Reference").map(reference).collect::<Result<_, _>>()?,
            store: one("Rel-Store")?.to_owned(),
            provenance: all("Rel-Provenance").next().map(|v| parsed("Rel-Provenance", v)).transpose()?,
            nonce: one("Rel-Nonce")?.to_owned(),
            created_at: facts.at,
            actor: facts.tagger,
            signed: facts.signed,
            tag: facts.tag,
        })
    }
}

fn parsed<T: std::str::FromStr>(key: &str, value: &str) -> Result<T, NotACandidate> {
    value.parse().map_err(|_| NotACandidate::Broken(format!("{key}: {value}")))
}

fn pick(value: &str) -> Result<Pick, NotACandidate> {
    let (source, commit) =
        value.split_once(" as ").ok_or_else(|| NotACandidate::Broken(format!("Rel-Picked: {value}")))?;
    Ok(Pick { source: parsed("Rel-Picked", source)?, commit: parsed("Rel-Picked", commit)? })
}

fn artifact(value: &str) -> Result<Artifact, NotACandidate> {
    let mut parts = value.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(digest), Some(size), Some(name)) => Ok(Artifact {
            digest: parsed("Rel-Artifact", digest)?,
            size: parsed("Rel-Artifact", size)?,
            name: name.to_owned(),
        }),
        _ => Err(NotACandidate::Broken(format!("Rel-Artifact: {value}"))),
    }
}

fn reference(value: &str) -> Result<Reference, NotACandidate> {
    let broken = || NotACandidate::Broken(format!("Rel-Reference: {value}"));
    let (uri, name) = value.split_once(' ').ok_or_else(broken)?;
    let (_, digest) = uri.rsplit_once('@').ok_or_else(broken)?;
    Ok(Reference { name: name.to_owned(), uri: uri.to_owned(), digest: parsed("Rel-Reference", digest)? })
}
