//! Versions: how they are written, ordered, counted on and put into tags.
//!
//! A version here is only ever a release's (`1.5.0`) or a candidate's
//! (`1.5.0-rc.2`). Which versions are taken, and which is the newest, is the
//! caller's knowledge; nothing here looks at tags, clocks or history.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::changes::Change;
use super::name::{BadName, ProjectName, TagName, Text, as_text_or_held};
use super::spelled::{MAX_DIGITS, PreRelease, Spelled};

/// How releases are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, schemars::JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `MAJOR.MINOR.PATCH`, as <https://semver.org> has it.
    #[default]
    Semver,
    /// `YYYY.M.MICRO`, by the day of the cut: `2026.11.0`.
    Calver,
    /// `1`, `2`, `3`.
    Sequence,
}

impl Scheme {
    /// What a version looks like, for messages.
    const fn form(self) -> &'static str {
        match self {
            Scheme::Semver => "a semver version: write MAJOR.MINOR.PATCH, like 1.5.0",
            Scheme::Calver => "a calver version: write YYYY.M.MICRO without leading zeros, like 2026.11.0",
            Scheme::Sequence => "a sequence version: write a number, like 42",
        }
    }

    /// How many components a release has that is no patch of another.
    const fn arity(self) -> usize {
        match self {
            Scheme::Semver | Scheme::Calver => 3,
            Scheme::Sequence => 1,
        }
    }
}

/// What a cut raises. Only semver asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, schemars::JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    /// What the changes ask for, read as <https://www.conventionalcommits.org>.
    #[default]
    Conventional,
    /// `1.4.2` to `2.0.0`.
    Major,
    /// `1.4.2` to `1.5.0`.
    Minor,
    /// `1.4.2` to `1.4.3`.
    Patch,
}

/// A release's version: numbers and dots.
///
/// Ordered number by number, where a version that merely goes on is the later
/// one: `42 < 42.1 < 43`. For semver that is its precedence. Prints exactly
/// what it was parsed from.
///
/// Invariant: at least one number. One that was parsed has at most 18 digits a
/// number, so counting on never overflows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Vec<u64>);

impl Version {
    /// Reads a version of `scheme`.
    ///
    /// Calver is read as generously as a sequence is, any dotted numbers that
    /// begin with at most four digits, so that what a project released before
    /// it chose calver is still understood. [`check_explicit`] is the strict one.
    ///
    /// # Errors
    /// Whatever is not exactly a release's version: leading zeros, a
    /// pre-release, build metadata, blanks.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Version, BadName> {
        let bad = || BadName(format!("{text:?} is not {}", scheme.form()));
        let version = dotted(text).ok_or_else(bad)?;
        let fits = match scheme {
            Scheme::Semver => {
                semver::Version::parse(text).is_ok_and(|v| v.pre.is_empty() && v.build.is_empty())
            }
            // Larger is a whole date, such as 20261101: counting on from it would never end.
            Scheme::Calver => version.part(0) <= LAST_YEAR,
            Scheme::Sequence => true,
        };
        if fits { Ok(version) } else { Err(bad()) }
    }

    /// The version that numbers of somebody else's stand for in `scheme`, for
    /// counting on from them: in semver `1.2` is `1.2.0`, and a fourth number
    /// is kept. None where they can be no version of it.
    fn of_others(scheme: Scheme, mut numbers: Vec<u64>) -> Option<Version> {
        let fits = match scheme {
            Scheme::Semver => {
                // A tag that moves, such as `v4`, is no release.
                let several = numbers.len() > 1;
                while numbers.len() > scheme.arity() && numbers.last() == Some(&0) {
                    numbers.pop();
                }
                numbers.resize(numbers.len().max(scheme.arity()), 0);
                several
            }
            Scheme::Calver => numbers.first().is_some_and(|year| *year <= LAST_YEAR),
            Scheme::Sequence => true,
        };
        fits.then_some(Version(numbers))
    }

    /// The numbers, most significant first; never empty.
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// The number at `index`; what is not written counts as 0.
    fn part(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// The same with the number at `index` raised by one and nothing but
    /// zeros, up to `arity` numbers in all, after it.
    fn raised(&self, index: usize, arity: usize) -> Version {
        let mut numbers: Vec<u64> = (0..=index).map(|at| self.part(at)).collect();
        numbers[index] = numbers[index].saturating_add(1);
        numbers.resize(arity.max(index + 1), 0);
        Version(numbers)
    }
}

const LAST_YEAR: u64 = 9999;

/// Numbers joined by dots, written the one way they are printed.
fn dotted(text: &str) -> Option<Version> {
    text.split('.').map(number).collect::<Option<Vec<u64>>>().map(Version)
}

/// Digits without sign or leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    (plain && text.len() <= MAX_DIGITS).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.pad(&numbers.join("."))
    }
}

/// A version of whichever scheme: what a record holds.
impl FromStr for Version {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        dotted(text).ok_or_else(|| BadName(format!("{text:?} is not a version: numbers joined by dots")))
    }
}

/// A candidate of a release: `1.5.0-rc.2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateVersion {
    /// The release it may become.
    pub release: Version,
    /// Which of that release's candidates, from 1.
    pub number: u32,
}

/// What stands between a release's version and its candidate's number.
const CANDIDATE_MARK: &str = "rc.";

impl CandidateVersion {
    /// Reads a candidate's version of `scheme`.
    ///
    /// # Errors
    /// When it is not exactly a release's version, `-rc.` and a number from 1.
    pub fn parse(scheme: Scheme, text: &str) -> Result<CandidateVersion, BadName> {
        Self::read(text, |release| Version::parse(scheme, release))
    }

    fn read(
        text: &str,
        release: impl Fn(&str) -> Result<Version, BadName>,
    ) -> Result<CandidateVersion, BadName> {
        let bad = || {
            BadName(format!(
                "{text:?} is not a candidate's version; one is written VERSION-rc.N, like 1.5.0-rc.2"
            ))
        };
        let (version, pre) = text.split_once('-').ok_or_else(bad)?;
        Ok(CandidateVersion { release: release(version)?, number: candidate_number(pre).ok_or_else(bad)? })
    }
}

/// The N of `rc.N`.
fn candidate_number(pre: &str) -> Option<u32> {
    let number = number(pre.strip_prefix(CANDIDATE_MARK)?)?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}

impl fmt::Display for CandidateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{CANDIDATE_MARK}{}", self.release, self.number))
    }
}

/// A candidate of whichever scheme: what a record holds.
impl FromStr for CandidateVersion {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::read(text, Version::from_str)
    }
}

as_text_or_held!(Version);

/// As text where people may read it, else as its parts.
impl Serialize for CandidateVersion {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { (&self.release, self.number).serialize(s) }
    }
}

impl<'de> Deserialize<'de> for CandidateVersion {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return d.deserialize_str(Text::new());
        }
        <(Version, u32)>::deserialize(d).map(|(release, number)| CandidateVersion { release, number })
    }
}

impl TryFrom<String> for CandidateVersion {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

/// How a project's versions are written as tags: `v{version}`.
///
/// Invariant: the text before a version and any version after it make a valid
/// tag name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagStyle {
    prefix: String,
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
    pub fn new(template: &str, project: &ProjectName) -> Result<TagStyle, BadName> {
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
        TagName::from_str(&format!("{prefix}1.0.0-rc.1"))
            .map_err(|_| bad("git does not allow such tag names"))?;
        Ok(TagStyle { prefix })
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
    /// names no version of `scheme`. Reads what `rel` writes to the letter,
    /// and what others write as generously as [`Spelled`] does.
    pub fn parse(&self, scheme: Scheme, tag: &str) -> Option<ParsedTag> {
        let text = self.version_text(tag)?;
        if let Ok(candidate) = CandidateVersion::parse(scheme, text) {
            return Some(ParsedTag::Candidate(candidate));
        }
        let spelled = Spelled::read(text)?;
        let is_release = spelled.pre_release() == PreRelease::Release;
        let version = Version::of_others(scheme, spelled.numbers)?;
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

    /// [`check_explicit`], also for the version written as this style's tag.
    ///
    /// # Errors
    /// Those of [`check_explicit`].
    pub fn explicit(&self, scheme: Scheme, text: &str) -> Result<Version, BadName> {
        let text = text.trim();
        // A prefix may itself end in numbers: what is a version as it stands, is that version.
        if Version::parse(scheme, text).is_ok() {
            return check_explicit(scheme, text);
        }
        let version =
            text.strip_prefix(&self.prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        check_explicit(scheme, version.unwrap_or(text))
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

/// The version of the release that a cut opens after `base`, the newest one
/// before it. Always later than `base`.
///
/// - semver: `0.1.0` at first; then what `bump` says. Conventional: a breaking
///   change raises the major number (while that is 0, the minor), a `feat` the
///   minor, anything else, nothing included, the patch.
/// - calver: the month of `today` with micro 0, or the next micro when `base`
///   is of that month, or of a later one: a clock set back does not take
///   versions back.
/// - sequence: 1 at first, then the next whole number.
pub fn next(
    scheme: Scheme,
    bump: Bump,
    base: Option<&Version>,
    changes: &[Change],
    today: NaiveDate,
) -> Version {
    let arity = scheme.arity();
    match (scheme, base) {
        (Scheme::Semver, None) => Version(vec![0, 1, 0]),
        (Scheme::Semver, Some(base)) => base.raised(semver_place(bump, base, changes), arity),
        (Scheme::Calver, base) => {
            let year = u64::try_from(today.year()).unwrap_or(0);
            let month = u64::from(today.month());
            match base {
                Some(base) if (base.part(0), base.part(1)) >= (year, month) => base.raised(2, arity),
                _ => Version(vec![year, month, 0]),
            }
        }
        (Scheme::Sequence, None) => Version(vec![1]),
        (Scheme::Sequence, Some(base)) => base.raised(0, arity),
    }
}

/// Which of the three numbers a bump raises.
fn semver_place(bump: Bump, base: &Version, changes: &[Change]) -> usize {
    const MAJOR: usize = 0;
    const MINOR: usize = 1;
    const PATCH: usize = 2;
    match bump {
        Bump::Major => MAJOR,
        Bump::Minor => MINOR,
        Bump::Patch => PATCH,
        Bump::Conventional if changes.iter().any(|change| change.breaking) => {
            if base.part(MAJOR) == 0 {
                MINOR
            } else {
                MAJOR
            }
        }
        Bump::Conventional if changes.iter().any(Change::is_feature) => MINOR,
        Bump::Conventional => PATCH,
    }
}

/// The first version at or after `version` that is not taken: for a cut of an
/// older commit, or while another commit's cut is under way.
///
/// It goes on in the number that made `version`: a taken `1.5.1` leads to
/// `1.5.2`, `1.6.0` to `1.7.0`, `2026.11.0` to `2026.11.1`, `42` to `43`. Only a
/// semver major is never raised by a mere collision: `2.0.0` leads to `2.1.0`,
/// which as well says that 1.x was broken with.
///
/// Ends as long as `taken` does not hold for every version.
pub fn next_free(version: Version, scheme: Scheme, taken: impl Fn(&Version) -> bool) -> Version {
    let place = match scheme {
        Scheme::Semver if version.part(2) > 0 => 2,
        Scheme::Semver => 1,
        Scheme::Calver | Scheme::Sequence => version.0.len() - 1,
    };
    first_free(version, place, scheme, taken)
}

/// The first free patch release of `of`, which is closed: semver `1.5.0` to
/// `1.5.1`; calver and sequence one more number, `2026.11.0` to `2026.11.0.1`
/// and `42` to `42.1`, and on from there to `42.2`. Always later than `of`.
///
/// Ends as long as `taken` does not hold for every version.
pub fn next_patch(scheme: Scheme, of: &Version, taken: impl Fn(&Version) -> bool) -> Version {
    let place = match scheme {
        Scheme::Semver => 2,
        Scheme::Calver | Scheme::Sequence => scheme.arity().max(of.0.len() - 1),
    };
    first_free(of.raised(place, scheme.arity()), place, scheme, taken)
}

/// Raises the number at `place` until the version is free.
fn first_free(version: Version, place: usize, scheme: Scheme, taken: impl Fn(&Version) -> bool) -> Version {
    let mut version = version;
    while taken(&version) {
        version = version.raised(place, scheme.arity());
    }
    version
}

/// Reads the version a person asks for by name, with or without a leading `v`.
/// Stricter than [`Version::parse`]: a calver version has to be one.
///
/// # Errors
/// What is not a version of `scheme`; a candidate's or a pre-release is told
/// which release to ask for.
pub fn check_explicit(scheme: Scheme, text: &str) -> Result<Version, BadName> {
    let text = text.trim();
    let bare = text.strip_prefix('v').unwrap_or(text);
    if let Some((release, _)) = bare.split_once(['-', '+'])
        && let Ok(release) = Version::parse(scheme, release)
    {
        return Err(BadName(format!(
            "{text:?} is more than a release's version: ask for {release}, its candidates are numbered by themselves"
        )));
    }
    let bad = || BadName(format!("{text:?} is not {}", scheme.form()));
    let version = Version::parse(scheme, bare).map_err(|_| bad())?;
    let of_a_month = version.0.len() >= scheme.arity()
        && (1000..=LAST_YEAR).contains(&version.part(0))
        && (1..=12).contains(&version.part(1));
    if scheme == Scheme::Calver && !of_a_month {
        return Err(bad());
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::super::name::{Actor, Oid};
    use super::*;

    const SCHEMES: [Scheme; 3] = [Scheme::Semver, Scheme::Calver, Scheme::Sequence];

    fn any(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn style(template: &str) -> TagStyle {
        TagStyle::new(template, &"shop".parse().unwrap()).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn changes(messages: &[&str]) -> Vec<Change> {
        let author = Actor::new("Ana", "ana@example.com");
        messages
            .iter()
            .map(|message| Change::read(Oid::from_bytes([7; 20]), message, &author, DateTime::UNIX_EPOCH))
            .collect()
    }

    fn semver_next(bump: Bump, base: &str, messages: &[&str]) -> String {
        next(Scheme::Semver, bump, Some(&any(base)), &changes(messages), day("2026-11-23")).to_string()
    }

    fn scheme() -> impl Strategy<Value = Scheme> {
        prop::sample::select(SCHEMES.to_vec())
    }

    /// A version of whichever scheme, small numbers more often than not.
    fn dotted_version() -> impl Strategy<Value = Version> {
        let number = prop_oneof![4 => 0..4_u64, 1 => 0..999_999_999_999_999_999_u64];
        prop::collection::vec(number, 1..6).prop_map(Version)
    }

    fn version_of(scheme: Scheme) -> impl Strategy<Value = Version> {
        let length = match scheme {
            Scheme::Semver => 3..4,
            Scheme::Calver | Scheme::Sequence => 1..6_usize,
        };
        (0..=LAST_YEAR, prop::collection::vec(0..999_999_999_999_999_999_u64, length)).prop_map(
            move |(year, mut numbers)| {
                if scheme == Scheme::Calver {
                    numbers[0] = year;
                }
                Version(numbers)
            },
        )
    }

    fn scheme_and_version() -> impl Strategy<Value = (Scheme, Version)> {
        scheme().prop_flat_map(|scheme| (Just(scheme), version_of(scheme)))
    }

    /// Today, some day of this calendar.
    fn today() -> impl Strategy<Value = NaiveDate> {
        (1_i32..=9999, 1_u32..=12).prop_map(|(year, month)| NaiveDate::from_ymd_opt(year, month, 28).unwrap())
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for (scheme, texts) in [
            (
                Scheme::Semver,
                vec![
                    "",
                    "1",
                    "1.5",
                    "1.5.0.1",
                    "1.05.0",
                    "1.5.0-rc.1",
                    "1.5.0+5",
                    "v1.5.0",
                    " 1.5.0",
                    "1.5.x",
                ],
            ),
            (Scheme::Calver, vec!["", "2026.011.0", "2026..1", "20261101", "2026.11.", ".1", "+2026.1.0"]),
            (Scheme::Sequence, vec!["", "042", "-1", "4 2", "1e3", "99999999999999999999", "٤٢"]),
        ] {
            for text in texts {
                assert!(Version::parse(scheme, text).is_err(), "{scheme:?} {text:?}");
            }
        }
    }

    #[test]
    fn order_is_number_by_number() {
        let sorted =
            ["0.9.0", "0.10.0", "1", "1.0", "1.0.0", "1.2", "2", "42", "42.1", "43", "2026.9.0", "2026.11.0"];
        for pair in sorted.windows(2) {
            assert!(any(pair[0]) < any(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn first_releases() {
        let first = |scheme| next(scheme, Bump::Conventional, None, &[], day("2026-11-23")).to_string();
        assert_eq!(SCHEMES.map(first), ["0.1.0", "2026.11.0", "1"]);
    }

    #[test]
    fn conventional_changes_decide_the_semver_bump() {
        for (base, messages, expected) in [
            ("1.4.2", &[][..], "1.4.3"),
            ("1.4.2", &["fix: a", "docs: b"][..], "1.4.3"),
            ("1.4.2", &["Merge branch 'x'", "", "✨ feat: sparkle"][..], "1.4.3"),
            ("1.4.2", &["fix: a", "feat: b", "chore: c"][..], "1.5.0"),
            ("1.4.2", &["FEAT(cart): b"][..], "1.5.0"),
            ("1.4.2", &["feat: b", "fix!: a"][..], "2.0.0"),
            ("1.4.2", &["feat(scope)!: b"][..], "2.0.0"),
            ("1.4.2", &["fix: a\r\n\r\nBREAKING CHANGE: gone\r\n"][..], "2.0.0"),
            ("0.4.2", &["feat!: b"][..], "0.5.0"),
            ("0.4.2", &["feat: b"][..], "0.5.0"),
            ("0.4.2", &["fix: b"][..], "0.4.3"),
        ] {
            assert_eq!(semver_next(Bump::Conventional, base, messages), expected, "{base} {messages:?}");
        }
    }

    #[test]
    fn a_named_bump_heeds_no_change() {
        assert_eq!(semver_next(Bump::Major, "0.4.2", &[]), "1.0.0");
        assert_eq!(semver_next(Bump::Minor, "1.4.2", &["feat!: a"]), "1.5.0");
        assert_eq!(semver_next(Bump::Patch, "1.4.2", &["feat!: a"]), "1.4.3");
    }

    #[test]
    fn calver_goes_by_month_and_never_back() {
        for (base, today, expected) in [
            ("2026.10.7", "2026-11-01", "2026.11.0"),
            ("2026.11.0", "2026-11-30", "2026.11.1"),
            ("2026.11.0.3", "2026-11-30", "2026.11.1"),
            ("2026.12.4", "2026-11-30", "2026.12.5"),
            ("2027.1.0", "2026-11-30", "2027.1.1"),
            ("1.5.0", "2026-11-30", "2026.11.0"),
        ] {
            let version = next(Scheme::Calver, Bump::Major, Some(&any(base)), &[], day(today));
            assert_eq!(version.to_string(), expected, "{base} {today}");
        }
    }

    #[test]
    fn a_sequence_counts_whole_numbers() {
        for (base, expected) in [("1", "2"), ("42.3", "43"), ("1.5.0", "2")] {
            let version = next(Scheme::Sequence, Bump::Patch, Some(&any(base)), &[], day("2026-11-23"));
            assert_eq!(version.to_string(), expected, "{base}");
        }
    }

    #[test]
    fn a_taken_version_leads_to_the_next_of_its_kind() {
        for (scheme, version, taken, expected) in [
            (Scheme::Semver, "1.6.0", &[][..], "1.6.0"),
            (Scheme::Semver, "1.6.0", &["1.6.0", "1.7.0"][..], "1.8.0"),
            (Scheme::Semver, "1.5.1", &["1.5.1", "1.5.2"][..], "1.5.3"),
            (Scheme::Semver, "2.0.0", &["2.0.0"][..], "2.1.0"),
            (Scheme::Calver, "2026.11.0", &["2026.11.0"][..], "2026.11.1"),
            (Scheme::Sequence, "42", &["42", "43"][..], "44"),
            (Scheme::Sequence, "42.1", &["42.1"][..], "42.2"),
        ] {
            let free = next_free(any(version), scheme, |v| taken.contains(&v.to_string().as_str()));
            assert_eq!(free.to_string(), expected, "{scheme:?} {version}");
        }
    }

    #[test]
    fn a_patch_is_the_next_free_one_of_its_line() {
        for (scheme, of, taken, expected) in [
            (Scheme::Semver, "1.5.0", &[][..], "1.5.1"),
            (Scheme::Semver, "1.5.0", &["1.5.1", "1.5.2"][..], "1.5.3"),
            (Scheme::Calver, "2026.11.0", &[][..], "2026.11.0.1"),
            (Scheme::Calver, "2026.11.0.1", &["2026.11.0.2"][..], "2026.11.0.3"),
            (Scheme::Sequence, "42", &[][..], "42.1"),
            (Scheme::Sequence, "42.1", &[][..], "42.2"),
        ] {
            let patch = next_patch(scheme, &any(of), |v| taken.contains(&v.to_string().as_str()));
            assert_eq!(patch.to_string(), expected, "{scheme:?} {of}");
        }
    }

    #[test]
    fn a_version_asked_for_by_name() {
        for (scheme, text, expected) in [
            (Scheme::Semver, "1.5.0", "1.5.0"),
            (Scheme::Semver, " v1.5.0", "1.5.0"),
            (Scheme::Calver, "v2026.11.0", "2026.11.0"),
            (Scheme::Sequence, "42", "42"),
        ] {
            assert_eq!(check_explicit(scheme, text).unwrap().to_string(), expected);
        }
        for (scheme, text, why) in [
            (Scheme::Semver, "1.5", "MAJOR.MINOR.PATCH"),
            (Scheme::Semver, "v1.5.0-rc.2", "ask for 1.5.0,"),
            (Scheme::Semver, "1.5.0+5", "ask for 1.5.0,"),
            (Scheme::Semver, "vv1.5.0", "MAJOR.MINOR.PATCH"),
            (Scheme::Calver, "1.5.0", "YYYY.M.MICRO"),
            (Scheme::Calver, "2026.13.0", "YYYY.M.MICRO"),
            (Scheme::Calver, "2026.11", "YYYY.M.MICRO"),
            (Scheme::Sequence, "latest", "a number"),
        ] {
            let BadName(message) = check_explicit(scheme, text).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn a_version_asked_for_by_its_tag() {
        let style = style("{project}/v{version}");
        for text in ["shop/v1.5.0", "v1.5.0", "1.5.0"] {
            assert_eq!(style.explicit(Scheme::Semver, text), Ok(any("1.5.0")));
        }
        assert!(style.explicit(Scheme::Semver, "cart/v1.5.0").is_err());
        assert!(style.explicit(Scheme::Semver, "shop/v1.5.0-rc.1").unwrap_err().0.contains("ask for 1.5.0,"));
        assert_eq!(self::style("1.{version}").explicit(Scheme::Sequence, "1.2"), Ok(any("1.2")));
    }

    #[test]
    fn templates_that_make_no_tag_are_refused() {
        let shop = "shop".parse().unwrap();
        for template in [
            "",
            "v",
            "{version}-final",
            "{version}{version}",
            "{name}-{version}",
            "v {version}",
            "/{version}",
            "-{version}",
            "v..{version}",
            "a//{version}",
            "v{{version}",
        ] {
            assert!(TagStyle::new(template, &shop).is_err(), "{template:?}");
        }
    }

    #[test]
    fn a_style_knows_its_tags() {
        let style = style("{project}/v{version}");
        assert_eq!((style.prefix(), style.glob().as_str()), ("shop/v", "shop/v*"));
        let parse = |tag: &str| style.parse(Scheme::Semver, tag);
        let foreign = |pre: &str| Some(ParsedTag::Foreign { version: any("1.5.0"), pre: pre.into() });
        assert_eq!(parse("shop/v1.5.0"), Some(ParsedTag::Release(any("1.5.0"))));
        assert_eq!(parse("shop/v1.5.0-rc.2"), Some(ParsedTag::Candidate("1.5.0-rc.2".parse().unwrap())));
        for pre in ["rc1", "rc.0", "rc.02", "rc.4294967296", "rc.2-arm", "beta.2", "RC.1", "+5", "rc.1+5"] {
            let mark = if pre.starts_with('+') { "" } else { "-" };
            assert_eq!(parse(&format!("shop/v1.5.0{mark}{pre}")), foreign(pre), "{pre}");
        }
        for tag in ["v1.5.0", "shop/v1", "shop/v1.5.0-", "shop/v1.5.x", "shop/vnext", "shop/v", "cart/v1.5.0"]
        {
            assert_eq!(parse(tag), None, "{tag}");
        }
    }

    #[test]
    fn what_others_write_is_understood_in_the_projects_style() {
        let parse = |template: &str, scheme, tag: &str| style(template).parse(scheme, tag);
        let release = |text: &str| Some(ParsedTag::Release(any(text)));
        let foreign =
            |text: &str, pre: &str| Some(ParsedTag::Foreign { version: any(text), pre: pre.to_owned() });
        for (template, scheme, tag, said) in [
            ("v{version}", Scheme::Semver, "v1.2", release("1.2.0")),
            ("v{version}", Scheme::Semver, "v2.0.7.1", release("2.0.7.1")),
            ("v{version}", Scheme::Semver, "v2.0.7.0", release("2.0.7")),
            ("v{version}", Scheme::Semver, "v1.05.0", release("1.5.0")),
            ("v{version}", Scheme::Semver, "v2.47.0-rc1", foreign("2.47.0", "rc1")),
            ("v{version}", Scheme::Semver, "v1.2.3b1", foreign("1.2.3", "b1")),
            ("v{version}", Scheme::Semver, "v1.2.3.dev0", foreign("1.2.3", ".dev0")),
            ("v{version}", Scheme::Semver, "v1.2.3-SNAPSHOT", foreign("1.2.3", "SNAPSHOT")),
            // Numbers with a zero before them are not what rel writes.
            ("v{version}", Scheme::Semver, "v1.05.0-rc.1", foreign("1.5.0", "rc.1")),
            ("v{version}", Scheme::Semver, "v4", None),
            ("v{version}", Scheme::Semver, "1.2.3", None),
            ("{version}", Scheme::Semver, "v1.2.3", None),
            ("{version}", Scheme::Semver, "1.2rc1", foreign("1.2.0", "rc1")),
            ("{version}", Scheme::Semver, "4.1.0.Final", release("4.1.0")),
            ("release-{version}", Scheme::Semver, "release-1.2", release("1.2.0")),
            ("tokio-{version}", Scheme::Semver, "tokio-1.38.0", release("1.38.0")),
            ("tokio-{version}", Scheme::Semver, "tokio-util-0.7.1", None),
            ("{version}", Scheme::Calver, "2024.03.10", release("2024.3.10")),
            ("{version}", Scheme::Calver, "2024.03.10.1", release("2024.3.10.1")),
            ("{version}", Scheme::Calver, "2024-03-11", release("2024.3.11")),
            ("{version}", Scheme::Calver, "2024.3.0b5", foreign("2024.3.0", "b5")),
            ("{version}", Scheme::Calver, "20240310", None),
            ("build-{version}", Scheme::Sequence, "build-451", release("451")),
            ("curl-{version}", Scheme::Semver, "curl-8_9_0", None),
        ] {
            assert_eq!(parse(template, scheme, tag), said, "{tag}");
        }
    }

    #[test]
    fn numbers_at_the_limit_neither_overflow_nor_hang() {
        let largest = format!("{0}.{0}.{0}", "9".repeat(MAX_DIGITS));
        let base = Version::parse(Scheme::Semver, &largest).unwrap();
        for scheme in SCHEMES {
            assert!(next(scheme, Bump::Patch, Some(&base), &[], day("2026-11-23")) > base);
            assert!(next_patch(scheme, &base, |_| false) > base);
        }
        assert!(any("1.0.0") < next_free(base.clone(), Scheme::Semver, |v| *v == base));
    }

    #[test]
    fn words_of_the_configuration() {
        assert_eq!(serde_json::to_string(&SCHEMES).unwrap(), r#"["semver","calver","sequence"]"#);
        assert_eq!(serde_json::to_string(&Bump::Conventional).unwrap(), r#""conventional""#);
    }

    proptest! {
        #[test]
        fn parse_and_print_are_inverse((scheme, version) in scheme_and_version(), number in 1..u32::MAX) {
            prop_assert_eq!(Version::parse(scheme, &version.to_string()), Ok(version.clone()));
            let json = serde_json::to_string(&version).unwrap();
            prop_assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version.clone());

            let candidate = CandidateVersion { release: version, number };
            prop_assert_eq!(CandidateVersion::parse(scheme, &candidate.to_string()), Ok(candidate.clone()));
            let json = serde_json::to_string(&candidate).unwrap();
            prop_assert_eq!(serde_json::from_str::<CandidateVersion>(&json).unwrap(), candidate);
        }

        #[test]
        fn what_parses_prints_as_it_was(scheme in scheme(), text in "v?[0-9]{1,3}([.+-][0-9a-z]{1,3}){0,4}") {
            if let Ok(version) = Version::parse(scheme, &text) {
                prop_assert_eq!(version.to_string(), text.clone());
            }
            if let Ok(candidate) = CandidateVersion::parse(scheme, &text) {
                prop_assert_eq!(candidate.to_string(), text);
            }
        }

        #[test]
        fn tags_and_versions_are_inverse(
            (scheme, version) in scheme_and_version(),
            number in 1..u32::MAX,
            template in prop::sample::select(vec![
                "v{version}", "{version}", "release-{version}", "{project}/v{version}", "1.{version}", "rc.-{version}", "ü/+{version}",
            ]),
        ) {
            let style = style(template);
            let tag = style.release(&version);
            prop_assert_eq!(style.parse(scheme, tag.as_str()), Some(ParsedTag::Release(version.clone())));
            let candidate = CandidateVersion { release: version, number };
            let tag = style.candidate(&candidate);
            prop_assert_eq!(style.parse(scheme, tag.as_str()), Some(ParsedTag::Candidate(candidate)));
        }

        #[test]
        fn any_style_makes_valid_tags(template in "[-.{}a-z/@~^:\\\\ ]{0,6}(\\{project\\})?[-./@{]{0,2}", version in dotted_version()) {
            let template = format!("{template}{{version}}");
            if let Ok(style) = TagStyle::new(&template, &"shop".parse().unwrap()) {
                prop_assert!(style.release(&version).as_str().starts_with(style.prefix()));
                style.candidate(&CandidateVersion { release: version, number: 1 });
            }
        }

        #[test]
        fn no_tag_is_too_odd(scheme in scheme(), tag in "\\PC{0,12}") {
            style("{version}").parse(scheme, &tag);
            let _ = style("{version}").explicit(scheme, &tag);
        }

        #[test]
        fn semver_order_is_its_precedence(a in version_of(Scheme::Semver), b in version_of(Scheme::Semver)) {
            let theirs = |v: &Version| semver::Version::parse(&v.to_string()).unwrap();
            prop_assert_eq!(a.cmp(&b), theirs(&a).cmp_precedence(&theirs(&b)));
        }

        #[test]
        fn order_is_total(a in dotted_version(), b in dotted_version(), c in dotted_version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b).is_eq(), a.to_string() == b.to_string());
            let mut sorted = [a, b, c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[2]);
        }

        #[test]
        fn next_is_later(
            scheme in scheme(),
            bump in prop::sample::select(vec![Bump::Conventional, Bump::Major, Bump::Minor, Bump::Patch]),
            base in dotted_version(),
            message in prop::sample::select(vec!["feat: a", "fix!: a", "Merge", ""]),
            today in today(),
        ) {
            let next = next(scheme, bump, Some(&base), &changes(&[message]), today);
            prop_assert!(next > base, "{next} after {base}");
        }

        #[test]
        fn a_next_version_of_the_scheme_can_be_read_back(
            (scheme, base) in scheme_and_version(),
            today in today(),
        ) {
            // The last number there is has none after it.
            prop_assume!(base.0.iter().all(|number| *number < 999_999_999_999_999_999));
            for version in [next(scheme, Bump::Minor, Some(&base), &[], today), next_patch(scheme, &base, |_| false)] {
                prop_assert_eq!(Version::parse(scheme, &version.to_string()), Ok(version));
            }
        }

        #[test]
        fn a_patch_is_later_and_free(
            scheme in scheme(),
            of in dotted_version(),
            taken in prop::collection::hash_set(dotted_version(), 0..20),
        ) {
            let patch = next_patch(scheme, &of, |v| taken.contains(v));
            prop_assert!(patch > of && !taken.contains(&patch), "{patch} of {of}");
            let free = next_free(of.clone(), scheme, |v| taken.contains(v));
            prop_assert!(free >= of && !taken.contains(&free));
        }
    }
}
