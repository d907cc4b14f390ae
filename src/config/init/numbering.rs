//! How a repository's tags spell its versions, guessed from the newest.

use std::collections::BTreeMap;

use crate::domain::name::ProjectName;
use crate::domain::spelled::{PreRelease, Spelled, split};
use crate::domain::version::{CalverFormat, CandidateMark, Notation, Scheme, TagStyle, split_candidate};

/// How many of the newest version tags tell the style: older ones may be of
/// times when another was in use.
const NEWEST: usize = 60;
/// How many names of other packages are told.
const TOLD: usize = 3;

/// How releases would be numbered and tagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    /// How versions are written.
    pub notation: Notation,
    /// The template of tags: `v{version}`.
    pub tag: String,
    /// What it was told by, as a part of a sentence.
    pub because: String,
    /// What else there is to say of it, a sentence each.
    pub notes: Vec<String>,
    /// The package whose tags were taken, where there are tags of several.
    pub package: Option<String>,
    /// The newest full release among them.
    pub newest: Option<String>,
}

/// The version tags that have the same text before their version.
#[derive(Default)]
struct Group<'a> {
    tags: Vec<(&'a str, Spelled<'a>)>,
    /// The place of its newest tag among all.
    first: usize,
}

/// The numbering that most of the newest version tags follow. `tags` are
/// newest first.
pub fn numbering(name: &ProjectName, tags: &[String]) -> Numbering {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    let mut total = 0;
    for (before, version, tag) in
        tags.iter().filter_map(|tag| split(tag).map(|(before, version)| (before, version, tag))).take(NEWEST)
    {
        let group = groups.entry(before).or_insert_with(|| Group { tags: Vec::new(), first: total });
        group.tags.push((tag, version));
        total += 1;
    }
    groups.retain(|before, _| TagStyle::new(&template(name, before), name, Notation::default()).is_ok());
    let most = groups.values().map(|group| group.tags.len()).max().unwrap_or_default();
    let chosen = groups.iter().max_by_key(|(before, group)| {
        let count = group.tags.len();
        // Where packages have about as many tags each, the repository's own come first.
        let own = if 3 * count >= most { rank(name, before) } else { 0 };
        (own, count, std::cmp::Reverse(group.first))
    });
    let Some((before, group)) = chosen else {
        return Numbering {
            notation: Notation::default(),
            tag: "v{version}".to_owned(),
            because: "this clone has no version tags, so this is the usual style".to_owned(),
            notes: Vec::new(),
            package: None,
            newest: None,
        };
    };
    let notation = notation(group);
    let mut others: Vec<(&str, usize)> = groups
        .iter()
        .filter(|(other, _)| other != &before && is_package(other))
        .map(|(other, group)| (*other, group.tags.len()))
        .collect();
    others.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let package = (!others.is_empty()).then(|| package(before)).filter(|package| !package.is_empty());
    let example = group.tags.iter().find(|(_, version)| version.pre_release() == PreRelease::Release);
    let like = example.or(group.tags.first()).map_or("", |(tag, _)| *tag);
    let count = group.tags.len();
    let because = match (count, total) {
        (1, 1) => format!("the one version tag is {like}"),
        (count, total) if count == total => format!("all of the newest {total} version tags are like {like}"),
        (count, total) => format!("{count} of the newest {total} version tags are like {like}"),
    };
    let mut notes = notes(&notation, group);
    if !others.is_empty() {
        let names: Vec<String> = others.iter().take(TOLD).map(|(other, _)| format!("{other}*")).collect();
        let more = match others.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!("Tags of other packages do not count here: {}{more}.", names.join(", ")));
    }
    Numbering {
        notation,
        tag: template(name, before),
        because,
        notes,
        package,
        newest: example.map(|(tag, _)| (*tag).to_owned()),
    }
}

/// Whose tags a prefix is likelier to be of, the repository's own the highest.
fn rank(name: &ProjectName, before: &str) -> u8 {
    if !is_package(before) { 2 } else { u8::from(package(before) == name.as_str()) }
}

/// Whether the text before a version names a package.
fn is_package(before: &str) -> bool {
    !matches!(package(before).to_ascii_lowercase().as_str(), "" | "release" | "rel" | "version" | "ver" | "r")
}

/// The package that the text before a version names: `sdk/metric/v` is
/// `sdk/metric`, `tokio-` is `tokio`.
fn package(before: &str) -> String {
    let separates = |c: char| matches!(c, '-' | '/' | '@' | '_' | '.');
    let bare = before.strip_suffix(['v', 'V']).filter(|rest| rest.is_empty() || rest.ends_with(separates));
    bare.unwrap_or(before).trim_matches(separates).to_owned()
}

/// The template that makes such tags.
fn template(name: &ProjectName, before: &str) -> String {
    match before.strip_prefix(name.as_str()) {
        Some(rest) if rest.starts_with('/') => format!("{{project}}{rest}{{version}}"),
        _ => format!("{before}{{version}}"),
    }
}

fn notation(group: &Group<'_>) -> Notation {
    let most = |fits: &dyn Fn(&Spelled<'_>) -> bool| {
        2 * group.tags.iter().filter(|(_, version)| fits(version)).count() > group.tags.len()
    };
    let mark = mark(group).unwrap_or_default();
    let of = |scheme, format| Notation { scheme, format, mark };
    let format = format(group);
    // A year, or a whole date.
    let is_dated = |number: u64| [number, number / 10_000].iter().any(|year| (1990..2100).contains(year));
    if most(&|version| version.numbers.len() > 1 && is_dated(version.numbers[0])) {
        of(Scheme::Calver, format.unwrap_or_default())
    } else if let Some(format) = format.filter(|_| group.has_padded_month()) {
        of(Scheme::Calver, format)
    } else if most(&|version| version.numbers.len() == 1) {
        of(Scheme::Sequence, CalverFormat::default())
    } else {
        of(Scheme::Semver, CalverFormat::default())
    }
}

/// The calver formats that are looked for. Of several that fit the first is taken.
const FORMATS: [&str; 14] = [
    "YYYY.0M.0D",
    "YYYY.0M.0D-N",
    "YYYY-0M-0D",
    "YYYY-0M-0D.N",
    "YYYY0M0D.N",
    "YYYY0M0D-N",
    "YYYY.MM.DD",
    "YYYY.0M.MICRO",
    "YYYY.MM.MICRO",
    "YY.0M.MICRO",
    "YYYY.0M",
    "YYYY.MM",
    "YY.0M",
    "YY.MM.MICRO",
];

impl<'a> Group<'a> {
    /// The versions of full releases, as they are written.
    fn releases(&self) -> impl Iterator<Item = &'a str> {
        let releases = self.tags.iter().filter(|(_, version)| version.pre_release() == PreRelease::Release);
        // What is counted on one day looks like a pre-release of that day.
        let counted = self.tags.iter().filter(|(_, version)| {
            version.suffix.strip_prefix('-').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        });
        releases.chain(counted).map(|(tag, _)| split(tag).map_or(*tag, |(before, _)| &tag[before.len()..]))
    }

    /// Whether a release is written as of a short year and a month: `24.04`.
    fn has_padded_month(&self) -> bool {
        self.releases()
            .any(|text| text.split('.').nth(1).is_some_and(|month| month.starts_with('0') && month != "0"))
    }
}

/// The format that all full releases are written in.
fn format(group: &Group<'_>) -> Option<CalverFormat> {
    let releases: Vec<&str> = group.releases().collect();
    let fits = |format: &CalverFormat| {
        let notation = Notation { scheme: Scheme::Calver, format: format.clone(), ..Notation::default() };
        let writes = |text: &&str| notation.explicit(text).is_ok_and(|version| version.to_string() == **text);
        !releases.is_empty() && releases.iter().all(writes)
    };
    let last = |text: &&str| text.rsplit('.').next().and_then(|number| number.parse::<u64>().ok());
    // Without its zeros a day looks like a counter, until one is higher than counters get in a month.
    let has_days = releases.iter().filter_map(last).max() > Some(12);
    let formats = FORMATS.iter().filter(|name| !name.ends_with("DD") || has_days);
    formats.filter_map(|name| name.parse().ok()).find(fits)
}

/// How the newest of the group's release candidates is spelled.
fn mark(group: &Group<'_>) -> Option<CandidateMark> {
    let marks = group.tags.iter().filter_map(|(tag, _)| Some(split_candidate(tag)?.1));
    let mut candidates = marks.filter(|mark| mark.to_ascii_lowercase().contains("rc"));
    candidates.next().and_then(|mark| format!("{mark}{{n}}").parse().ok())
}

/// How what `rel` will write differs from what is there.
fn notes(notation: &Notation, group: &Group<'_>) -> Vec<String> {
    let versions = group.tags.iter().map(|(tag, version)| (*tag, version));
    let releases: Vec<(&str, &Spelled<'_>)> =
        versions.filter(|(_, version)| version.pre_release() == PreRelease::Release).collect();
    let Some((tag, newest)) = releases.first() else { return Vec::new() };
    match notation.scheme {
        Scheme::Semver if newest.numbers.len() != 3 => {
            vec![format!("rel writes three numbers, such as 1.2.0; {tag} is understood.")]
        }
        Scheme::Calver if format(group).is_none() => {
            let format = &notation.format;
            vec![format!("rel writes {format}, such as {}; {tag} is understood.", notation.sample())]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, tags: &[&str]) -> Numbering {
        let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        numbering(&name.parse().unwrap(), &tags)
    }

    #[test]
    fn the_newest_tags_tell_the_style() {
        use Scheme::{Calver, Semver, Sequence};
        for (tags, scheme, tag) in [
            (&["v1.2.3", "v1.2.3-rc1", "v1.2.2", "1.0", "nightly"][..], Semver, "v{version}"),
            (&["1.0.0", "1.1.0-rc.1", "nightly"], Semver, "{version}"),
            (&["release-1.2", "release-1.1"], Semver, "release-{version}"),
            (&["shop/v1.2.3", "shop/v1.2.2", "cart/v2.0.0"], Semver, "{project}/v{version}"),
            (&["shop-1.2.3", "shop-util-0.7.1", "shop-1.2.2"], Semver, "shop-{version}"),
            (&["2024.03.10", "2024.03.10.1", "2023.12.30"], Calver, "{version}"),
            (&["2026.11.0", "2026.10.0b5"], Calver, "{version}"),
            (&["2024-03-11", "2024-03-04"], Calver, "{version}"),
            (&["build-451", "build-450"], Sequence, "build-{version}"),
            // What moves with each release does not make it a sequence.
            (&["v4", "v4.1.1", "v4.1", "v4.1.0"], Semver, "v{version}"),
        ] {
            let found = of("shop", tags);
            assert_eq!((found.notation.scheme, found.tag.as_str()), (scheme, tag), "{tags:?}");
        }
    }

    #[test]
    fn old_habits_do_not_outvote_new_ones() {
        let new = (0..NEWEST).map(|n| format!("v2.{}.0", NEWEST - n));
        let tags: Vec<String> = new.chain((0..500).map(|n| format!("1.{n}.0"))).collect();
        assert_eq!(numbering(&"shop".parse().unwrap(), &tags).tag, "v{version}");
    }

    #[test]
    fn of_several_packages_it_is_said_which_was_taken() {
        let found = of(
            "otel",
            &["v1.2.3", "sdk/metric/v0.1.0", "bridge/v1.2.3", "v1.2.2", "sdk/metric/v0.0.9", "bridge/v1.2.2"],
        );
        assert_eq!((found.tag.as_str(), found.package), ("v{version}", None));
        assert_eq!(found.because, "2 of the newest 6 version tags are like v1.2.3");
        assert_eq!(found.notes, ["Tags of other packages do not count here: bridge/v*, sdk/metric/v*."]);
        let found = of("tokio", &["tokio-util-0.7.1", "tokio-util-0.7.0", "tokio-1.38.0"]);
        assert_eq!((found.tag.as_str(), found.package.as_deref()), ("tokio-{version}", Some("tokio")));
        let found = of("repo", &["sdk/v0.2.0", "sdk/v0.1.0", "web/v1.0.0"]);
        assert_eq!((found.tag.as_str(), found.package.as_deref()), ("sdk/v{version}", Some("sdk")));
    }

    #[test]
    fn what_rel_will_spell_otherwise_is_said() {
        assert_eq!(of("shop", &["2024.3.10", "2024.03.9.x1"]).notes[..], [""; 0],);
        assert_eq!(
            of("shop", &["2024.1.10", "2024.44.1"]).notes,
            ["rel writes YYYY.MM.MICRO, such as 2026.11.0; 2024.1.10 is understood."]
        );
        assert_eq!(
            of("shop", &["release-1.2"]).notes,
            ["rel writes three numbers, such as 1.2.0; release-1.2 is understood."]
        );
        assert!(of("shop", &["v1.2.3"]).notes.is_empty() && of("shop", &["2026.11.0"]).notes.is_empty());
    }

    #[test]
    fn formats_and_candidates_are_found_as_they_are_spelled() {
        for (tags, format, candidate) in [
            (&["v1.2.3-rc1", "v1.2.2"][..], None, "-rc{n}"),
            (&["v1.2.3", "v1.2.3rc4", "v1.2.2-rc.1"], None, "rc{n}"),
            (&["v1.2.3-beta.2", "v1.2.2"], None, "-rc.{n}"),
            (&["2024.03.10", "2024.03.10.1", "2023.12.30"], Some("YYYY.0M.0D"), "-rc.{n}"),
            (&["2024.03.10-rc2", "2024.03.10"], Some("YYYY.0M.0D"), "-rc{n}"),
            (&["2024.03.10-2", "2024.03.10-1"], Some("YYYY.0M.0D-N"), "-rc.{n}"),
            (&["2024-03-11", "2024-03-04"], Some("YYYY-0M-0D"), "-rc.{n}"),
            (&["v20240311.2", "v20240311.1"], Some("YYYY0M0D.N"), "-rc.{n}"),
            (&["2026.11.0", "2026.11.1", "2026.9.0"], Some("YYYY.MM.MICRO"), "-rc.{n}"),
            (&["2026.9.3", "2026.8.30"], Some("YYYY.MM.DD"), "-rc.{n}"),
            (&["2026.09.0", "2026.08.30"], Some("YYYY.0M.MICRO"), "-rc.{n}"),
            (&["24.04.1", "24.04.0", "23.10.0"], Some("YY.0M.MICRO"), "-rc.{n}"),
            (&["24.04", "23.10"], Some("YY.0M"), "-rc.{n}"),
            (&["24.4.1", "24.0.0"], None, "-rc.{n}"),
        ] {
            let found = of("shop", tags).notation;
            let of_calver = Some(found.format.to_string()).filter(|_| found.scheme == Scheme::Calver);
            assert_eq!(of_calver.as_deref(), format, "{tags:?}");
            assert_eq!(format!("{}{{n}}", found.mark.as_str()), candidate, "{tags:?}");
        }
    }

    #[test]
    fn the_newest_release_is_one() {
        assert_eq!(of("shop", &["v1.3.0-rc1", "v1.2.3", "v1.2.2"]).newest.as_deref(), Some("v1.2.3"));
        assert_eq!(of("shop", &["nightly"]).newest, None);
    }
}
