//! Versions as other people spell them: found in a tag's name, taken apart and
//! put in order.
//!
//! What `rel` writes it reads strictly, in [`super::version`]. Here is what
//! else there is: `1.2`, `2024.03.10`, `2024-03-10`, `1.2.3rc1`, `1.2.3.dev0`,
//! `4.1.0.Final`. Nothing here is ever written to a record.

/// The most digits a number of a version may have.
pub const MAX_DIGITS: usize = 18;

/// A version taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled<'a> {
    /// The numbers it begins with; never empty. Leading zeros are gone.
    pub numbers: Vec<u64>,
    /// What follows them, with what stands between: `-rc1`, `b5`, `.dev0`.
    pub suffix: &'a str,
}

/// What a version is to the release whose numbers it has, the earliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreRelease {
    /// Made on the way, as Python says it: `1.2.3.dev0`.
    Dev,
    /// A pre-release: `1.2.3-rc1`.
    Before,
    /// A build of it: `1.2.3+5`.
    Build,
    /// The release itself.
    Release,
    /// After it, and still of it: `1.2.3.post1`, `1.2.3.SP1`.
    After,
}

/// Where a version stands among those with the same numbers.
///
/// Pre-releases go by the rules of semver, word by word and number by number,
/// but digits at the end of a word count as a number: `rc9` comes before
/// `rc10`, which semver, taking them for words, has the other way round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pre_release: PreRelease,
    words: Vec<RankWord>,
}

/// A number, by size and then by digits, or a word. Numbers come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum RankWord {
    Number(usize, String),
    Text(String),
}

/// Whether a character may stand between the numbers and what follows them.
const fn separates(c: char) -> bool {
    matches!(c, '-' | '+' | '.' | '_' | '~')
}

impl<'a> Spelled<'a> {
    /// Reads a version that begins where `text` does. None where it does not
    /// begin with a number, or goes on as no version does (`1.2.x`, `1.2-`).
    pub fn read(text: &'a str) -> Option<Spelled<'a>> {
        let (numbers, end) = date(text).or_else(|| dotted(text))?;
        let suffix = &text[end..];
        let after = suffix.strip_prefix(separates).unwrap_or(suffix);
        let goes_on = after.starts_with(char::is_alphanumeric) && !matches!(after, "x" | "X");
        (suffix.is_empty() || goes_on).then_some(Spelled { numbers, suffix })
    }

    /// What it is to the release whose numbers it has.
    pub fn pre_release(&self) -> PreRelease {
        let after = self.suffix.strip_prefix(separates).unwrap_or(self.suffix);
        let word: String =
            after.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        match word.as_str() {
            _ if self.suffix.is_empty() => PreRelease::Release,
            _ if self.suffix.starts_with('+') => PreRelease::Build,
            "final" | "release" | "ga" if word.len() == after.len() => PreRelease::Release,
            "post" | "sp" => PreRelease::After,
            // With a dash before it it is semver's, where it is a word as any other.
            "dev" if !self.suffix.starts_with('-') => PreRelease::Dev,
            _ => PreRelease::Before,
        }
    }

    /// Where it stands among those with the same numbers.
    pub fn rank(&self) -> Rank {
        let pre_release = self.pre_release();
        let words = if pre_release == PreRelease::Release { Vec::new() } else { words(self.suffix) };
        Rank { pre_release, words }
    }
}

/// The runs of letters and of digits in a text.
fn words(text: &str) -> Vec<RankWord> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = |c: char| (c.is_ascii_digit(), c.is_alphanumeric());
        let end = rest.find(|c: char| kind(c) != kind(first)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        match kind(first) {
            (true, _) => {
                let digits = run.trim_start_matches('0');
                words.push(RankWord::Number(digits.len(), digits.to_owned()));
            }
            (false, true) => words.push(RankWord::Text(run.to_owned())),
            (false, false) => {}
        }
        rest = tail;
    }
    words
}

/// A number of a version, leading zeros allowed.
fn number(digits: &str) -> Option<u64> {
    let fits = !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// The digits at the beginning of a text.
fn digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

/// Numbers with dots between them, and where they end.
fn dotted(text: &str) -> Option<(Vec<u64>, usize)> {
    let mut run = digits(text);
    let mut numbers = vec![number(run)?];
    let mut end = run.len();
    while let Some(rest) = text[end..].strip_prefix('.') {
        run = digits(rest);
        if run.is_empty() {
            break;
        }
        numbers.push(number(run)?);
        end += 1 + run.len();
    }
    Some((numbers, end))
}

/// A day with dashes, `2024-03-10`, which may go on with more numbers.
fn date(text: &str) -> Option<(Vec<u64>, usize)> {
    let mut parts = text.splitn(3, '-');
    let (year, month, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let day = digits(rest);
    let numbers = vec![number(year)?, number(month)?, number(day)?];
    let is_day = (1000..=9999).contains(&numbers[0])
        && (1..=12).contains(&numbers[1])
        && (1..=31).contains(&numbers[2])
        && (year.len(), month.len(), day.len()) == (4, 2, 2);
    if !is_day {
        return None;
    }
    let end = year.len() + month.len() + day.len() + 2;
    match text[end..].strip_prefix('.').and_then(dotted) {
        Some((more, length)) => Some(([numbers, more].concat(), end + 1 + length)),
        None => Some((numbers, end)),
    }
}

/// Words that may stand before a version of a single number: `build-451`.
const COUNTERS: [&str; 7] = ["", "v", "r", "rev", "b", "build", "release"];

/// Takes a tag's name apart into what stands before its version and the
/// version: `tokio-util-0.7.1` is `tokio-util-` and `0.7.1`. None where the
/// name holds no version; a single number counts only by itself or after a
/// word for counting, and a whole date such as `20240310` never does.
pub fn split(tag: &str) -> Option<(&str, Spelled<'_>)> {
    let starts = || {
        tag.char_indices().filter(|(at, c)| {
            let before = &tag[..*at];
            let before = before.strip_suffix('.').unwrap_or(before);
            c.is_ascii_digit() && !before.ends_with(|b: char| b.is_ascii_digit())
        })
    };
    let read = |at: usize| Some((&tag[..at], Spelled::read(&tag[at..])?));
    let several = starts().filter_map(|(at, _)| read(at)).find(|(_, version)| version.numbers.len() > 1);
    several.or_else(|| {
        let (at, _) = starts().next()?;
        let (before, version) = read(at)?;
        let word = before.trim_end_matches(['-', '_', '/', '.']).to_ascii_lowercase();
        (COUNTERS.contains(&word.as_str()) && version.numbers[0] < 10_000_000).then_some((before, version))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Spelled<'_> {
        Spelled::read(text).unwrap_or_else(|| panic!("{text} is no version"))
    }

    #[test]
    fn numbers_are_told_from_what_follows() {
        for (text, numbers, suffix, pre_release) in [
            ("1.2.3", &[1, 2, 3][..], "", PreRelease::Release),
            ("1.2", &[1, 2], "", PreRelease::Release),
            ("42", &[42], "", PreRelease::Release),
            ("2.0.7.1", &[2, 0, 7, 1], "", PreRelease::Release),
            ("2024.03.10", &[2024, 3, 10], "", PreRelease::Release),
            ("2024.03.10.1", &[2024, 3, 10, 1], "", PreRelease::Release),
            ("2024-03-11", &[2024, 3, 11], "", PreRelease::Release),
            ("2024-03-11.2", &[2024, 3, 11, 2], "", PreRelease::Release),
            ("2024-03-11-rc1", &[2024, 3, 11], "-rc1", PreRelease::Before),
            ("2024-3", &[2024], "-3", PreRelease::Before),
            ("1.2.3-rc1", &[1, 2, 3], "-rc1", PreRelease::Before),
            ("1.2rc1", &[1, 2], "rc1", PreRelease::Before),
            ("2024.3.0b5", &[2024, 3, 0], "b5", PreRelease::Before),
            ("1.2.3.dev0", &[1, 2, 3], ".dev0", PreRelease::Dev),
            ("1.2.3-dev.1", &[1, 2, 3], "-dev.1", PreRelease::Before),
            ("1.2.3-SNAPSHOT", &[1, 2, 3], "-SNAPSHOT", PreRelease::Before),
            ("4.1.0.Final", &[4, 1, 0], ".Final", PreRelease::Release),
            ("5.0.0-RELEASE", &[5, 0, 0], "-RELEASE", PreRelease::Release),
            ("1.2.3+5", &[1, 2, 3], "+5", PreRelease::Build),
            ("1.2.3.post1", &[1, 2, 3], ".post1", PreRelease::After),
        ] {
            let version = read(text);
            assert_eq!(
                (&version.numbers[..], version.suffix, version.pre_release()),
                (numbers, suffix, pre_release),
                "{text}"
            );
        }
        for text in ["", "x", "v1", ".1", "1.2-", "1.2.x", "1.2.", "1..2", "1.2.3--", "9999999999999999999.1"]
        {
            assert_eq!(Spelled::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_release_comes_after_its_pre_releases() {
        let sorted = [
            "1.2.3.dev0",
            "1.2.3.dev10",
            "1.2.3-0",
            "1.2.3-9",
            "1.2.3-SNAPSHOT",
            "1.2.3-alpha",
            "1.2.3-alpha.1",
            "1.2.3-alpha.beta",
            "1.2.3-b2",
            "1.2.3-beta.2",
            "1.2.3-beta.11",
            "1.2.3-rc1",
            "1.2.3rc2",
            "1.2.3-rc.3",
            "1.2.3-rc9",
            "1.2.3-rc10",
            "1.2.3+5",
            "1.2.3",
            "1.2.3.post1",
        ];
        for pair in sorted.windows(2) {
            assert!(read(pair[0]).rank() < read(pair[1]).rank(), "{pair:?}");
        }
        assert_eq!(read("1.2.3.Final").rank(), read("1.2.3").rank());
    }

    #[test]
    fn a_name_is_taken_apart() {
        for (tag, prefix, numbers) in [
            ("v1.2.3", "v", &[1, 2, 3][..]),
            ("1.2.3", "", &[1, 2, 3]),
            ("release-1.2", "release-", &[1, 2]),
            ("release/2024.03.10", "release/", &[2024, 3, 10]),
            ("tokio-util-0.7.1", "tokio-util-", &[0, 7, 1]),
            ("sdk/metric/v0.1.0", "sdk/metric/v", &[0, 1, 0]),
            ("log4j-2.17.1", "log4j-", &[2, 17, 1]),
            ("k8s-1.2.3-4.5.6", "k8s-", &[1, 2, 3]),
            ("go1.22.3", "go", &[1, 22, 3]),
            ("weekly.2012-03-27", "weekly.", &[2012, 3, 27]),
            ("v.1.2.3", "v.", &[1, 2, 3]),
            ("@scope/pkg@1.2.3", "@scope/pkg@", &[1, 2, 3]),
            ("v12", "v", &[12]),
            ("build-451", "build-", &[451]),
        ] {
            let (before, version) = split(tag).unwrap_or_else(|| panic!("{tag} holds no version"));
            assert_eq!((before, &version.numbers[..]), (prefix, numbers), "{tag}");
        }
        for tag in ["", "nightly", "curl-8_9_0", "20240310", "pr-451", "junio-gpg-pub", "v1.x"] {
            assert_eq!(split(tag), None, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn no_name_is_too_odd(tag in "\\PC{0,16}|[0-9.v-]{0,16}") {
            if let Some((before, version)) = split(&tag) {
                prop_assert!(tag.starts_with(before) && tag.ends_with(version.suffix));
                version.rank();
            }
        }

        /// Where words hold no digits, semver's own precedence is kept.
        #[test]
        fn pre_releases_go_by_semver(
            a in "(0|[1-9][0-9]{0,2}|[a-zA-Z]{1,4})(\\.(0|[1-9][0-9]{0,2}|[a-zA-Z]{1,4})){0,3}",
            b in "(0|[1-9][0-9]{0,2}|[a-zA-Z]{1,4})(\\.(0|[1-9][0-9]{0,2}|[a-zA-Z]{1,4})){0,3}",
        ) {
            let pre = |text: &str| semver::Prerelease::new(text).unwrap();
            let rank = |text: &str| Rank { pre_release: PreRelease::Before, words: words(text) };
            prop_assert_eq!(rank(&a).cmp(&rank(&b)), pre(&a).cmp(&pre(&b)), "{} {}", a, b);
        }
    }
}
