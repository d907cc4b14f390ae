//! Versions as tags: a project's own style, and what tags in it say.

use std::fmt;
use std::str::FromStr;

use super::super::name::{BadName, ProjectName, TagName};
use super::super::spelled::{PreRelease, Spelled};
use super::notation::Notation;
use super::number::{CandidateVersion, Version};

/// How a project's versions are written as tags: `v{version}`.
///
/// Invariant: the text before a version and any version after it make a valid
/// tag name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagStyle {
    prefix: String,
    /// How the versions in them are written.
    pub notation: Notation,
}

/// What a tag in a project's style says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedTag {
    /// A release: `v1.5.0`; also as others spell one: `v1.5`, `2024.03.10`.
    Release(Version),
    /// Spelled as `rel` spells a candidate: `v1.5.0-rc.2`. Whether `rel` made
    /// it, the tag's trailers tell.
    Candidate(CandidateVersion),
    /// Something of somebody else's around a release: `v1.5.0-beta.2`,
    /// `v1.5.0rc1`, `v1.5.0+5`. Its version is taken all the same.
    Foreign {
        /// The release it belongs to.
        version: Version,
        /// What follows the version, without a leading `-`. Free text.
        pre: String,
    },
}

impl TagStyle {
    /// The style that a template of the configuration describes.
    ///
    /// # Errors
    /// When the template does not end in its one `{version}`, has a
    /// placeholder other than `{project}`, or makes names git does not allow.
    pub fn new(template: &str, project: &ProjectName, notation: Notation) -> Result<TagStyle, BadName> {
        let bad = |why: &str| {
            BadName(format!(
                "{template:?} cannot be a tag template: {why}; write for example \"v{{version}}\""
            ))
        };
        let before = template
            .strip_suffix("{version}")
            // Candidates add to the end of the version, so nothing may follow it.
            .ok_or_else(|| bad("it does not end in {version}"))?;
        if before.contains("{version}") {
            return Err(bad("it has {version} twice"));
        }
        let prefix = before.replace("{project}", project.as_str());
        if prefix.contains(['{', '}']) {
            return Err(bad("it has a placeholder other than {project} and {version}"));
        }
        // A version adds only digits, letters, '-' and single dots between
        // them: where one makes a valid name, all do.
        TagName::from_str(&format!("{prefix}1.0.0{}1", notation.mark.as_str()))
            .map_err(|_| bad("git does not allow such tag names"))?;
        Ok(TagStyle { prefix, notation })
    }

    /// A release's tag.
    pub fn release(&self, version: &Version) -> TagName {
        self.tag(version)
    }

    /// A candidate's tag.
    pub fn candidate(&self, candidate: &CandidateVersion) -> TagName {
        self.tag(candidate)
    }

    fn tag(&self, version: &dyn fmt::Display) -> TagName {
        TagName::from_str(&format!("{}{version}", self.prefix))
            .expect("the template was checked with a version in place, and every version is as harmless")
    }

    /// What a tag's short name says, or none where it is not of this style or
    /// names no version. Reads what `rel` writes to the letter,
    /// and what others write as generously as [`Spelled`] does.
    pub fn parse(&self, tag: &str) -> Option<ParsedTag> {
        let text = self.version_text(tag)?;
        if let Some(candidate) = self.notation.parse_candidate(text) {
            return Some(ParsedTag::Candidate(candidate));
        }
        if let Ok(release) = self.notation.parse(text) {
            return Some(ParsedTag::Release(release));
        }
        let spelled = Spelled::read(text)?;
        let is_release = spelled.pre_release() == PreRelease::Release;
        let version = self.notation.of_others(spelled.numbers)?;
        if is_release {
            return Some(ParsedTag::Release(version));
        }
        let pre = spelled.suffix.strip_prefix('-').unwrap_or(spelled.suffix);
        Some(ParsedTag::Foreign { version, pre: pre.to_owned() })
    }

    /// The part of a tag's name that follows the text before a version.
    pub fn version_text<'t>(&self, tag: &'t str) -> Option<&'t str> {
        tag.strip_prefix(&self.prefix)
    }

    /// [`Notation::explicit`], also for the version written as this style's tag.
    ///
    /// # Errors
    /// Those of [`Notation::explicit`].
    pub fn explicit(&self, text: &str) -> Result<Version, BadName> {
        let text = text.trim();
        // A prefix may itself end in numbers: what is a version as it stands, is that version.
        if self.notation.parse(text).is_ok() {
            return self.notation.explicit(text);
        }
        let version =
            text.strip_prefix(&self.prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        self.notation.explicit(version.unwrap_or(text))
    }

    /// The text before the version.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A pattern below `refs/tags/` that every tag of this style matches, and
    /// some others too; one star, at the end.
    pub fn glob(&self) -> String {
        format!("{}*", self.prefix)
    }
}

impl ParsedTag {
    /// The release it is, or belongs to.
    pub fn version(&self) -> &Version {
        match self {
            ParsedTag::Release(version) | ParsedTag::Foreign { version, .. } => version,
            ParsedTag::Candidate(candidate) => &candidate.release,
        }
    }
}
