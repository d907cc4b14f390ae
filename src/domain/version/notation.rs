//! How a project writes its versions, and which one follows another.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::changes::Change;
use super::super::name::BadName;
use super::calver::CalverFormat;
use super::number::{CandidateMark, CandidateVersion, Version, candidate_number, dotted};

/// How releases are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, schemars::JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `MAJOR.MINOR.PATCH`, as <https://semver.org> has it.
    #[default]
    Semver,
    /// By the day of the cut, as <https://calver.org> has it: `2026.11.0`.
    Calver,
    /// `1`, `2`, `3`.
    Sequence,
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

/// How a project writes its versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notation {
    /// How releases are numbered.
    pub scheme: Scheme,
    /// How calver versions are written.
    pub format: CalverFormat,
    /// How candidates are told from their release.
    pub mark: CandidateMark,
}

const LAST_YEAR: u64 = 9999;

impl Notation {
    /// What a version looks like, for messages.
    fn form(&self) -> String {
        match self.scheme {
            Scheme::Semver => "a semver version: write MAJOR.MINOR.PATCH, like 1.5.0".to_owned(),
            Scheme::Calver => format!("a calver version: write {}, like {}", self.format, self.sample()),
            Scheme::Sequence => "a sequence version: write a number, like 42".to_owned(),
        }
    }

    /// A version as the project writes them, for messages and to try what it starts.
    pub fn sample(&self) -> Version {
        match self.scheme {
            Scheme::Semver => Version::new(vec![1, 2, 0]),
            Scheme::Calver => self.first_of(NaiveDate::from_ymd_opt(2026, 11, 5).unwrap_or_default()),
            Scheme::Sequence => Version::new(vec![42]),
        }
    }

    /// How many components a release has that is no patch of another.
    fn arity(&self) -> usize {
        match self.scheme {
            Scheme::Semver => 3,
            Scheme::Calver => self.format.len(),
            Scheme::Sequence => 1,
        }
    }

    /// The version with these numbers, as the project writes it.
    fn version(&self, numbers: Vec<u64>) -> Version {
        match self.scheme {
            Scheme::Calver => self.format.version(numbers),
            Scheme::Semver | Scheme::Sequence => Version::new(numbers),
        }
    }

    /// Reads a version.
    ///
    /// Calver is read as generously as a sequence is, any dotted numbers that
    /// begin with at most four digits, so that what a project released before
    /// it chose its format is still understood. [`Notation::explicit`] is the strict one.
    ///
    /// # Errors
    /// Whatever is not exactly a release's version: leading zeros where the
    /// format has none, a pre-release, build metadata, blanks.
    pub fn parse(&self, text: &str) -> Result<Version, BadName> {
        let of_format = || self.format.read(text).filter(|_| self.scheme == Scheme::Calver);
        let plain = || {
            dotted(text).filter(|version| match self.scheme {
                Scheme::Semver => {
                    semver::Version::parse(text).is_ok_and(|v| v.pre.is_empty() && v.build.is_empty())
                }
                // Larger is a whole date, such as 20261101: counting on from it would never end.
                Scheme::Calver => version.part(0) <= LAST_YEAR,
                Scheme::Sequence => true,
            })
        };
        of_format().or_else(plain).ok_or_else(|| BadName(format!("{text:?} is not {}", self.form())))
    }

    /// Reads a candidate's version; none where it is not exactly a release's
    /// version, the mark and a number from 1.
    pub fn parse_candidate(&self, text: &str) -> Option<CandidateVersion> {
        let (release, number) = text.rsplit_once(self.mark.as_str())?;
        Some(self.candidate(self.parse(release).ok()?, candidate_number(number)?))
    }

    /// The candidate of this release with this number, from 1.
    pub fn candidate(&self, release: Version, number: u32) -> CandidateVersion {
        CandidateVersion::new(release, number, self.mark.clone())
    }

    /// The version that numbers of somebody else's stand for, for counting on
    /// from them: in semver `1.2` is `1.2.0`, and a fourth number is kept.
    /// None where they can be no version.
    pub(super) fn of_others(&self, mut numbers: Vec<u64>) -> Option<Version> {
        let fits = match self.scheme {
            Scheme::Semver => {
                // A tag that moves, such as `v4`, is no release.
                let several = numbers.len() > 1;
                while numbers.len() > self.arity() && numbers.last() == Some(&0) {
                    numbers.pop();
                }
                numbers.resize(numbers.len().max(self.arity()), 0);
                several
            }
            Scheme::Calver => numbers.first().is_some_and(|year| *year <= LAST_YEAR),
            Scheme::Sequence => true,
        };
        fits.then(|| Version::new(numbers))
    }

    /// Reads the version a person asks for by name, with or without a leading `v`.
    /// Stricter than [`Notation::parse`]: a calver version has to be one.
    ///
    /// # Errors
    /// What is not a version of the scheme; a candidate's or a pre-release is
    /// told which release to ask for.
    pub fn explicit(&self, text: &str) -> Result<Version, BadName> {
        let text = text.trim();
        let bare = text.strip_prefix('v').unwrap_or(text);
        let bad = || BadName(format!("{text:?} is not {}", self.form()));
        let more = |release: Version| {
            BadName(format!(
                "{text:?} is more than a release's version: ask for {release}, its candidates are numbered by themselves"
            ))
        };
        if let Some(candidate) = self.parse_candidate(bare) {
            return Err(more(candidate.release));
        }
        match self.parse(bare) {
            Ok(version) if self.scheme != Scheme::Calver => Ok(version),
            Ok(version) if self.format.fits(&version) => Ok(self.format.version(version.numbers().to_vec())),
            Ok(_) => Err(bad()),
            Err(_) => Err(match bare.split_once(['-', '+']).map(|(release, _)| self.parse(release)) {
                Some(Ok(release)) => more(release),
                _ => bad(),
            }),
        }
    }

    /// The same version with the number at `index` raised by one and nothing
    /// but zeros, up to the arity in all, after it.
    fn raised(&self, version: &Version, index: usize) -> Version {
        let mut numbers: Vec<u64> = (0..=index).map(|at| version.part(at)).collect();
        numbers[index] = numbers[index].saturating_add(1);
        numbers.resize(self.arity().max(index + 1), 0);
        self.version(numbers)
    }

    /// The first version of a day.
    fn first_of(&self, day: NaiveDate) -> Version {
        self.format.version(self.format.day(day).into_iter().chain(self.format.first()).collect())
    }

    /// The version of the release that a cut opens after `base`, the highest
    /// one before it. Always later than `base`.
    ///
    /// - semver: `0.1.0` at first; then what `bump` says. Conventional: a
    ///   breaking change raises the major number (while that is 0, the minor),
    ///   a `feat` the minor, anything else, nothing included, the patch.
    /// - calver: the first of `today`, or the next one of `base`'s time where
    ///   that is the same or later: a clock set back does not take versions
    ///   back. A format without a counter gets one more number then.
    /// - sequence: 1 at first, then the next whole number.
    pub fn next(&self, bump: Bump, base: Option<&Version>, changes: &[Change], today: NaiveDate) -> Version {
        match (self.scheme, base) {
            (Scheme::Semver, None) => Version::new(vec![0, 1, 0]),
            (Scheme::Semver, Some(base)) => self.raised(base, semver_place(bump, base, changes)),
            (Scheme::Calver, base) => {
                let (dated, day) = (self.format.dated(), self.format.day(today));
                let time = |base: &Version| (0..dated).map(|at| base.part(at)).collect::<Vec<_>>();
                match base {
                    Some(base) if time(base) >= day => self.raised(base, dated),
                    _ => self.first_of(today),
                }
            }
            (Scheme::Sequence, None) => Version::new(vec![1]),
            (Scheme::Sequence, Some(base)) => self.raised(base, 0),
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
    pub fn next_free(&self, version: Version, taken: impl Fn(&Version) -> bool) -> Version {
        let last = version.numbers().len() - 1;
        let place = match self.scheme {
            Scheme::Semver if version.part(2) > 0 => 2,
            Scheme::Semver => 1,
            // No collision makes it another day.
            Scheme::Calver => last.max(self.format.dated()),
            Scheme::Sequence => last,
        };
        self.first_free(version, place, taken)
    }

    /// The first free patch release of `of`, which is closed: semver `1.5.0` to
    /// `1.5.1`; calver and sequence one more number, `2026.11.0` to `2026.11.0.1`
    /// and `42` to `42.1`, and on from there to `42.2`. Always later than `of`.
    ///
    /// Ends as long as `taken` does not hold for every version.
    pub fn next_patch(&self, of: &Version, taken: impl Fn(&Version) -> bool) -> Version {
        let place = match self.scheme {
            Scheme::Semver => 2,
            Scheme::Calver | Scheme::Sequence => self.arity().max(of.numbers().len() - 1),
        };
        self.first_free(self.raised(of, place), place, taken)
    }

    /// Raises the number at `place` until the version is free.
    fn first_free(&self, version: Version, place: usize, taken: impl Fn(&Version) -> bool) -> Version {
        let mut version = version;
        while taken(&version) {
            version = self.raised(&version, place);
        }
        version
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
