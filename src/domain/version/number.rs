//! A version as it is held: numbers that give its order, and the way it is spelled.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::name::{BadName, Text};
use super::super::spelled::MAX_DIGITS;

/// A release's version: numbers, as a rule with dots between them.
///
/// Ordered number by number, where a version that merely goes on is the later
/// one: `42 < 42.1 < 43`. For semver that is its precedence. Prints exactly
/// what it was parsed from, but how it is spelled makes no other version of it:
/// `2026.08.1` equals `2026.8.1`.
///
/// Invariant: at least one number. One that was parsed has at most 18 digits a
/// number, so counting on never overflows.
#[derive(Debug, Clone)]
pub struct Version {
    numbers: Vec<u64>,
    /// Its text where that is not the numbers with dots between them.
    spelled: Option<Box<str>>,
}

impl Version {
    /// The version with these numbers, of which there is at least one.
    pub(super) fn new(numbers: Vec<u64>) -> Version {
        Version { numbers, spelled: None }
    }

    /// The same, spelled like this.
    pub(super) fn spelled(numbers: Vec<u64>, text: &str) -> Version {
        let version = Version::new(numbers);
        let spelled = (version.to_string() != text).then(|| text.into());
        Version { spelled, ..version }
    }

    /// The numbers, most significant first; never empty.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The number at `index`; what is not written counts as 0.
    pub(super) fn part(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or(0)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.numbers.cmp(&other.numbers)
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers.hash(state);
    }
}

/// Numbers joined by dots, written the one way they are printed.
pub(super) fn dotted(text: &str) -> Option<Version> {
    let is_plain = |number: &str| number == "0" || !number.starts_with('0');
    text.split('.')
        .map(|text| digits(text).filter(|_| is_plain(text)))
        .collect::<Option<_>>()
        .map(Version::new)
}

/// Digits and nothing else.
pub(super) fn digits(text: &str) -> Option<u64> {
    let fits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spelled) = &self.spelled {
            return f.pad(spelled);
        }
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        f.pad(&numbers.join("."))
    }
}

/// A version of whichever scheme and notation: what a record holds.
impl FromStr for Version {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let numbers: Option<Vec<u64>> = text.split(['.', '-', '_']).map(digits).collect();
        let bad = || BadName(format!("{text:?} is not a version: numbers joined by dots"));
        numbers.map(|numbers| Version::spelled(numbers, text)).ok_or_else(bad)
    }
}

/// What stands between a release's version and its candidate's number: `-rc.`.
///
/// Invariant: it has a letter and no digit, so that where the release ends and
/// the number begins can be told of any candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateMark(Box<str>);

impl Default for CandidateMark {
    fn default() -> CandidateMark {
        CandidateMark("-rc.".into())
    }
}

impl CandidateMark {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Option<CandidateMark> {
        let spells = |c: char| c.is_ascii_alphabetic() || matches!(c, '.' | '-' | '_' | '+');
        let fits = text.chars().all(spells) && text.contains(|c: char| c.is_ascii_alphabetic());
        (fits && !text.contains("..") && text.len() <= 32).then(|| CandidateMark(text.into()))
    }
}

/// As the configuration has it: `-rc.{n}`.
impl FromStr for CandidateMark {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || {
            BadName(format!(
                "{text:?} does not spell candidates: it needs a word and then {{n}}, and no digits, as in \"-rc.{{n}}\""
            ))
        };
        text.strip_suffix("{n}").and_then(CandidateMark::new).ok_or_else(bad)
    }
}

impl Serialize for CandidateMark {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{}{{n}}", self.0))
    }
}

/// A candidate of a release: `1.5.0-rc.2`.
#[derive(Debug, Clone)]
pub struct CandidateVersion {
    /// The release it may become.
    pub release: Version,
    /// Which of that release's candidates, from 1.
    pub number: u32,
    mark: CandidateMark,
}

impl CandidateVersion {
    /// The candidate of this release with this number, from 1, spelled with this mark.
    pub(super) fn new(release: Version, number: u32, mark: CandidateMark) -> CandidateVersion {
        CandidateVersion { release, number, mark }
    }

    /// The candidate that a tag is called after, of which the release and the
    /// number are recorded.
    ///
    /// # Errors
    /// The number is none, or the release is spelled as it is not in the tag.
    pub fn recorded(release: Version, number: &str, tag: &str) -> Result<CandidateVersion, BadName> {
        let called = split_candidate(tag).filter(|(_, _, called)| *called == number);
        let is_called = |text: &str| {
            let before = called.and_then(|(before, _, _)| before.strip_suffix(text));
            before.is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_digit()))
        };
        if release.spelled.as_ref().is_some_and(|text| !is_called(text)) {
            return Err(BadName(format!("{release} is not how {tag} spells its release")));
        }
        let mark = called.and_then(|(_, mark, _)| CandidateMark::new(mark)).unwrap_or_default();
        let number = candidate_number(number)
            .ok_or_else(|| BadName(format!("{number:?} is no candidate's number")))?;
        Ok(CandidateVersion { release, number, mark })
    }

    fn key(&self) -> (&Version, u32) {
        (&self.release, self.number)
    }
}

impl PartialEq for CandidateVersion {
    fn eq(&self, other: &CandidateVersion) -> bool {
        self.key() == other.key()
    }
}

impl Eq for CandidateVersion {}

impl PartialOrd for CandidateVersion {
    fn partial_cmp(&self, other: &CandidateVersion) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CandidateVersion {
    fn cmp(&self, other: &CandidateVersion) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for CandidateVersion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Takes what a candidate is called apart: `v1.5.0`, `-rc.` and `2`. None for
/// what ends in no number behind a word behind a number.
pub fn split_candidate(text: &str) -> Option<(&str, &str, &str)> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let release = before.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (mark, number) = (&before[release.len()..], &text[before.len()..]);
    let has_word = mark.contains(|c: char| c.is_ascii_alphabetic());
    (has_word && !release.is_empty() && !number.is_empty()).then_some((release, mark, number))
}

/// A number from 1, as it is printed.
pub(super) fn candidate_number(text: &str) -> Option<u32> {
    let number = digits(text).filter(|_| !text.starts_with('0'))?;
    u32::try_from(number).ok()
}

impl fmt::Display for CandidateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}{}", self.release, self.mark.as_str(), self.number))
    }
}

/// A candidate of whichever scheme and spelling: what a record holds.
impl FromStr for CandidateVersion {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let read = || {
            let (release, mark, number) = split_candidate(text)?;
            let (mark, number) = (CandidateMark::new(mark)?, candidate_number(number)?);
            Some(CandidateVersion { release: release.parse().ok()?, number, mark })
        };
        let bad = || {
            BadName(format!(
                "{text:?} is not a candidate's version; one is written VERSION-rc.N, like 1.5.0-rc.2"
            ))
        };
        read().ok_or_else(bad)
    }
}

/// As text where people may read it, else as its parts: a copy of what was
/// read before need not be parsed again.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { (&self.numbers, &self.spelled).serialize(s) }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return d.deserialize_str(Text::new());
        }
        Deserialize::deserialize(d).map(|(numbers, spelled)| Version { numbers, spelled })
    }
}

impl Serialize for CandidateVersion {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.collect_str(self);
        }
        let mark = (self.mark != CandidateMark::default()).then_some(&self.mark.0);
        (&self.release, self.number, mark).serialize(s)
    }
}

impl<'de> Deserialize<'de> for CandidateVersion {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return d.deserialize_str(Text::new());
        }
        Deserialize::deserialize(d).map(|(release, number, mark): (_, _, Option<Box<str>>)| {
            CandidateVersion {
                release,
                number,
                mark: mark.map_or_else(CandidateMark::default, CandidateMark),
            }
        })
    }
}

impl TryFrom<String> for CandidateVersion {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}
