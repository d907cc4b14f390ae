//! A candidate as its annotated tag records it.
//!
//! The tag's message is text for people, a blank line, and one block of
//! trailers in the form of `git interpret-trailers`. The block is the record:
//! [`Candidate::message`] writes it and [`Candidate::parse`] reads it back,
//! and refuses a schema it does not know.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact::{Artifact, Reference, check_name};
use super::name::{Actor, Oid, ProjectName, Sha256, TagName};
use super::version::CandidateVersion;

/// The version of the trailers written here.
const SCHEMA: &str = "1";

/// A fix carried over from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pick {
    /// The commit that was picked.
    pub source: Oid,
    /// The commit it became.
    pub commit: Oid,
}

/// An immutable snapshot of a release: one commit, one build, one tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The tag of the candidate.
    pub tag: TagName,
    /// The project it belongs to.
    pub project: ProjectName,
    /// The version of the candidate.
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
    /// When it was made: the tag's date, to the second.
    #[serde(with = "chrono::serde::ts_seconds")]
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
    /// The name of the tag.
    pub tag: TagName,
    /// The commit it points to.
    pub commit: Oid,
    /// Who made it.
    pub tagger: Actor,
    /// When it was tagged.
    pub at: DateTime<Utc>,
    /// Whether it is signed.
    pub signed: bool,
}

impl Candidate {
    /// The tag's message: `text`, then the record. Single newlines end lines.
    ///
    /// Each value is one line, whatever it holds, so that none can begin
    /// another; and the record is the last paragraph, whatever `text` holds.
    pub fn message(&self, text: &str) -> String {
        let mut record = format!(
            "Rel-Schema: {SCHEMA}\nRel-Project: {}\nRel-Release: {}\nRel-Candidate: {}\nRel-Trunk: {}\n",
            self.project, self.version.release, self.version.number, self.trunk_commit
        );
        let mut line = |key: &str, value: &dyn fmt::Display| {
            let value = value.to_string().replace(char::is_control, "");
            record.push_str(&format!("{key}: {value}\n"));
        };
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
    /// A recorded version reads the same under every scheme, so that a project
    /// which changed its own keeps its history.
    ///
    /// # Errors
    /// The tag is somebody else's, of a newer schema, or damaged.
    pub fn parse(facts: TagFacts, message: &str) -> Result<Candidate, NotACandidate> {
        let block = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let Some(first) = block.strip_prefix("Rel-Schema: ") else {
            return Err(NotACandidate::Foreign);
        };
        // Before anything else: what the lines of another schema look like is not known here.
        let schema = first.lines().next().unwrap_or_default();
        if schema != SCHEMA {
            let number = !schema.is_empty() && schema.bytes().all(|b| b.is_ascii_digit());
            return Err(if number && !schema.starts_with('0') {
                NotACandidate::Newer(schema.to_owned())
            } else {
                NotACandidate::Broken(format!("Rel-Schema: {schema}"))
            });
        }
        let mut trailers = Vec::new();
        for line in block.split('\n') {
            let (key, value) =
                line.split_once(": ").ok_or_else(|| NotACandidate::Broken(format!("line {line:?}")))?;
            trailers.push((key, value));
        }
        let all = |key: &'static str| trailers.iter().filter(move |t| t.0 == key).map(|t| t.1);
        let maybe = |key: &'static str| {
            let mut found = all(key);
            let value = found.next();
            match found.next() {
                None => Ok(value),
                Some(_) => Err(NotACandidate::Broken(format!("more than one trailer {key}"))),
            }
        };
        let one =
            |key: &'static str| maybe(key)?.ok_or_else(|| NotACandidate::Broken(format!("no trailer {key}")));
        one("Rel-Schema")?;
        let release = one("Rel-Release")?;
        // As it is printed, so that no second spelling of a record reads the same.
        let number = one("Rel-Candidate")?;
        let version = CandidateVersion::recorded(parsed("Rel-Release", release)?, number, facts.tag.as_str())
            .map_err(|_| NotACandidate::Broken(format!("Rel-Candidate: {number}")))?;
        let artifacts: Vec<Artifact> = all("Rel-Artifact").map(artifact).collect::<Result<_, _>>()?;
        let references: Vec<Reference> = all("Rel-Reference").map(reference).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        for name in artifacts.iter().map(|file| &file.name) {
            if !names.insert(name) {
                return Err(NotACandidate::Broken(format!("two artifacts {name:?}")));
            }
        }
        Ok(Candidate {
            project: parsed("Rel-Project", one("Rel-Project")?)?,
            version,
            commit: facts.commit,
            trunk_commit: parsed("Rel-Trunk", one("Rel-Trunk")?)?,
            parent: maybe("Rel-Parent")?.map(|v| parsed("Rel-Parent", v)).transpose()?,
            picks: all("Rel-Picked").map(pick).collect::<Result<_, _>>()?,
            artifacts,
            references,
            store: one("Rel-Store")?.to_owned(),
            provenance: maybe("Rel-Provenance")?.map(|v| parsed("Rel-Provenance", v)).transpose()?,
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
    let broken = || NotACandidate::Broken(format!("Rel-Artifact: {value}"));
    let mut parts = value.splitn(3, ' ');
    let (Some(digest), Some(size), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(broken());
    };
    check_name(name).map_err(|bad| NotACandidate::Broken(bad.to_string()))?;
    let bytes: u64 = parsed("Rel-Artifact", size)?;
    // No sign and no leading zero: as it is printed.
    if bytes.to_string() != size {
        return Err(broken());
    }
    Ok(Artifact { digest: parsed("Rel-Artifact", digest)?, size: bytes, name: name.to_owned() })
}

fn reference(value: &str) -> Result<Reference, NotACandidate> {
    let broken = || NotACandidate::Broken(format!("Rel-Reference: {value}"));
    let (uri, name) = value.split_once(' ').ok_or_else(broken)?;
    let (_, digest) = uri.rsplit_once('@').ok_or_else(broken)?;
    Ok(Reference { name: name.to_owned(), uri: uri.to_owned(), digest: parsed("Rel-Reference", digest)? })
}
