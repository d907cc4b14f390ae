//! Versions: how they are written, ordered, counted on and put into tags.

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use crate::domain::changes::Change;
use crate::domain::name::{Actor, BadName, Oid};
use crate::domain::spelled::MAX_DIGITS;
use crate::domain::version::*;

const SCHEMES: [Scheme; 3] = [Scheme::Semver, Scheme::Calver, Scheme::Sequence];

fn any(text: &str) -> Version {
    text.parse().unwrap()
}

/// As a project with this scheme writes versions that says no more than that.
fn plain(scheme: Scheme) -> Notation {
    Notation { scheme, ..Notation::default() }
}

/// Calver of this format.
fn calver(format: &str) -> Notation {
    Notation { format: format.parse().unwrap(), ..plain(Scheme::Calver) }
}

fn style(template: &str, scheme: Scheme) -> TagStyle {
    TagStyle::new(template, &"shop".parse().unwrap(), plain(scheme)).unwrap()
}

fn version(numbers: Vec<u64>) -> Version {
    any(&numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
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
    plain(Scheme::Semver).next(bump, Some(&any(base)), &changes(messages), day("2026-11-23")).to_string()
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(SCHEMES.to_vec())
}

/// A version of whichever scheme, small numbers more often than not.
fn dotted_version() -> impl Strategy<Value = Version> {
    let number = prop_oneof![4 => 0..4_u64, 1 => 0..999_999_999_999_999_999_u64];
    prop::collection::vec(number, 1..6).prop_map(version)
}

fn version_of(scheme: Scheme) -> impl Strategy<Value = Version> {
    let length = match scheme {
        Scheme::Semver => 3..4,
        Scheme::Calver | Scheme::Sequence => 1..6_usize,
    };
    (0..=9999_u64, prop::collection::vec(0..999_999_999_999_999_999_u64, length)).prop_map(
        move |(year, mut numbers)| {
            if scheme == Scheme::Calver {
                numbers[0] = year;
            }
            version(numbers)
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
            vec!["", "1", "1.5", "1.5.0.1", "1.05.0", "1.5.0-rc.1", "1.5.0+5", "v1.5.0", " 1.5.0", "1.5.x"],
        ),
        (Scheme::Calver, vec!["", "2026.011.0", "2026..1", "20261101", "2026.11.", ".1", "+2026.1.0"]),
        (Scheme::Sequence, vec!["", "042", "-1", "4 2", "1e3", "99999999999999999999", "٤٢"]),
    ] {
        for text in texts {
            assert!(plain(scheme).parse(text).is_err(), "{scheme:?} {text:?}");
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
    let first = |scheme| plain(scheme).next(Bump::Conventional, None, &[], day("2026-11-23")).to_string();
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
        let version = plain(Scheme::Calver).next(Bump::Major, Some(&any(base)), &[], day(today));
        assert_eq!(version.to_string(), expected, "{base} {today}");
    }
}

#[test]
fn a_sequence_counts_whole_numbers() {
    for (base, expected) in [("1", "2"), ("42.3", "43"), ("1.5.0", "2")] {
        let version = plain(Scheme::Sequence).next(Bump::Patch, Some(&any(base)), &[], day("2026-11-23"));
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
        let free = plain(scheme).next_free(any(version), |v| taken.contains(&v.to_string().as_str()));
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
        let patch = plain(scheme).next_patch(&any(of), |v| taken.contains(&v.to_string().as_str()));
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
        assert_eq!(plain(scheme).explicit(text).unwrap().to_string(), expected);
    }
    for (scheme, text, why) in [
        (Scheme::Semver, "1.5", "MAJOR.MINOR.PATCH"),
        (Scheme::Semver, "v1.5.0-rc.2", "ask for 1.5.0,"),
        (Scheme::Semver, "1.5.0+5", "ask for 1.5.0,"),
        (Scheme::Semver, "vv1.5.0", "MAJOR.MINOR.PATCH"),
        (Scheme::Calver, "1.5.0", "YYYY.MM.MICRO"),
        (Scheme::Calver, "2026.13.0", "YYYY.MM.MICRO"),
        (Scheme::Calver, "2026.11", "YYYY.MM.MICRO"),
        (Scheme::Sequence, "latest", "a number"),
    ] {
        let BadName(message) = plain(scheme).explicit(text).unwrap_err();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn a_version_asked_for_by_its_tag() {
    let style = style("{project}/v{version}", Scheme::Semver);
    for text in ["shop/v1.5.0", "v1.5.0", "1.5.0"] {
        assert_eq!(style.explicit(text), Ok(any("1.5.0")));
    }
    assert!(style.explicit("cart/v1.5.0").is_err());
    assert!(style.explicit("shop/v1.5.0-rc.1").unwrap_err().0.contains("ask for 1.5.0,"));
    assert_eq!(self::style("1.{version}", Scheme::Sequence).explicit("1.2"), Ok(any("1.2")));
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
        assert!(TagStyle::new(template, &shop, Notation::default()).is_err(), "{template:?}");
    }
}

#[test]
fn a_style_knows_its_tags() {
    let style = style("{project}/v{version}", Scheme::Semver);
    assert_eq!((style.prefix(), style.glob().as_str()), ("shop/v", "shop/v*"));
    let parse = |tag: &str| style.parse(tag);
    let foreign = |pre: &str| Some(ParsedTag::Foreign { version: any("1.5.0"), pre: pre.into() });
    assert_eq!(parse("shop/v1.5.0"), Some(ParsedTag::Release(any("1.5.0"))));
    assert_eq!(parse("shop/v1.5.0-rc.2"), Some(ParsedTag::Candidate("1.5.0-rc.2".parse().unwrap())));
    for pre in ["rc1", "rc.0", "rc.02", "rc.4294967296", "rc.2-arm", "beta.2", "RC.1", "+5", "rc.1+5"] {
        let mark = if pre.starts_with('+') { "" } else { "-" };
        assert_eq!(parse(&format!("shop/v1.5.0{mark}{pre}")), foreign(pre), "{pre}");
    }
    for tag in ["v1.5.0", "shop/v1", "shop/v1.5.0-", "shop/v1.5.x", "shop/vnext", "shop/v", "cart/v1.5.0"] {
        assert_eq!(parse(tag), None, "{tag}");
    }
}

#[test]
fn what_others_write_is_understood_in_the_projects_style() {
    let parse = |template: &str, scheme, tag: &str| style(template, scheme).parse(tag);
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
    let base = plain(Scheme::Semver).parse(&largest).unwrap();
    for scheme in SCHEMES {
        assert!(plain(scheme).next(Bump::Patch, Some(&base), &[], day("2026-11-23")) > base);
        assert!(plain(scheme).next_patch(&base, |_| false) > base);
    }
    assert!(any("1.0.0") < plain(Scheme::Semver).next_free(base.clone(), |v| *v == base));
}

#[test]
fn words_of_the_configuration() {
    assert_eq!(serde_json::to_string(&SCHEMES).unwrap(), r#"["semver","calver","sequence"]"#);
    assert_eq!(serde_json::to_string(&Bump::Conventional).unwrap(), r#""conventional""#);
}

proptest! {
    #[test]
    fn parse_and_print_are_inverse((scheme, version) in scheme_and_version(), number in 1..u32::MAX) {
        prop_assert_eq!(plain(scheme).parse(&version.to_string()), Ok(version.clone()));
        let json = serde_json::to_string(&version).unwrap();
        prop_assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version.clone());

        let candidate = plain(scheme).candidate(version, number);
        prop_assert_eq!(plain(scheme).parse_candidate(&candidate.to_string()), Some(candidate.clone()));
        let json = serde_json::to_string(&candidate).unwrap();
        prop_assert_eq!(serde_json::from_str::<CandidateVersion>(&json).unwrap(), candidate);
    }

    #[test]
    fn what_parses_prints_as_it_was(scheme in scheme(), text in "v?[0-9]{1,3}([.+-][0-9a-z]{1,3}){0,4}") {
        if let Ok(version) = plain(scheme).parse(&text) {
            prop_assert_eq!(version.to_string(), text.clone());
        }
        if let Some(candidate) = plain(scheme).parse_candidate(&text) {
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
        let style = style(template, scheme);
        let tag = style.release(&version);
        prop_assert_eq!(style.parse(tag.as_str()), Some(ParsedTag::Release(version.clone())));
        let candidate = plain(scheme).candidate(version, number);
        let tag = style.candidate(&candidate);
        prop_assert_eq!(style.parse(tag.as_str()), Some(ParsedTag::Candidate(candidate)));
    }

    #[test]
    fn any_style_makes_valid_tags(template in "[-.{}a-z/@~^:\\\\ ]{0,6}(\\{project\\})?[-./@{]{0,2}", version in dotted_version()) {
        let template = format!("{template}{{version}}");
        if let Ok(style) = TagStyle::new(&template, &"shop".parse().unwrap(), Notation::default()) {
            prop_assert!(style.release(&version).as_str().starts_with(style.prefix()));
            style.candidate(&Notation::default().candidate(version, 1));
        }
    }

    #[test]
    fn no_tag_is_too_odd(scheme in scheme(), tag in "\\PC{0,12}") {
        style("{version}", scheme).parse(&tag);
        let _ = style("{version}", scheme).explicit(&tag);
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
        let next = plain(scheme).next(bump, Some(&base), &changes(&[message]), today);
        prop_assert!(next > base, "{next} after {base}");
    }

    #[test]
    fn a_next_version_of_the_scheme_can_be_read_back(
        (scheme, base) in scheme_and_version(),
        today in today(),
    ) {
        // The last number there is has none after it.
        prop_assume!(base.numbers().iter().all(|number| *number < 999_999_999_999_999_999));
        for version in [plain(scheme).next(Bump::Minor, Some(&base), &[], today), plain(scheme).next_patch(&base, |_| false)] {
            prop_assert_eq!(plain(scheme).parse(&version.to_string()), Ok(version));
        }
    }

    #[test]
    fn a_patch_is_later_and_free(
        scheme in scheme(),
        of in dotted_version(),
        taken in prop::collection::hash_set(dotted_version(), 0..20),
    ) {
        let patch = plain(scheme).next_patch(&of, |v| taken.contains(v));
        prop_assert!(patch > of && !taken.contains(&patch), "{patch} of {of}");
        let free = plain(scheme).next_free(of.clone(), |v| taken.contains(v));
        prop_assert!(free >= of && !taken.contains(&free));
    }
}

#[test]
fn calver_is_counted_and_written_as_its_format_says() {
    for (format, base, today, expected) in [
        ("YYYY.MM.MICRO", None, "2026-08-19", "2026.8.0"),
        ("YYYY.0M.0D", None, "2026-08-19", "2026.08.19"),
        ("YYYY.0M.0D", Some("2026.08.18"), "2026-08-19", "2026.08.19"),
        ("YYYY.0M.0D", Some("2026.08.19"), "2026-08-19", "2026.08.19.1"),
        ("YYYY.0M.0D", Some("2026.08.19.1"), "2026-08-19", "2026.08.19.2"),
        ("YYYY.0M.0D", Some("2026.08.20"), "2026-08-19", "2026.08.20.1"),
        ("YYYY.0M.0D-N", None, "2026-08-19", "2026.08.19-1"),
        ("YYYY.0M.0D-N", Some("2026.08.19-1"), "2026-08-19", "2026.08.19-2"),
        ("YYYY.0M.0D-N", Some("2026.08.19-9"), "2026-08-20", "2026.08.20-1"),
        ("YYYY0M0D.N", Some("20260819.1"), "2026-08-19", "20260819.2"),
        ("YYYY0M0D", Some("20260819"), "2026-12-01", "20261201"),
        ("YY.MM.MICRO", Some("26.8.3"), "2026-08-19", "26.8.4"),
        ("YY.MM.MICRO", Some("26.8.3"), "2026-11-01", "26.11.0"),
        ("YY.0M", Some("26.08"), "2026-08-19", "26.08.1"),
        ("0Y.0M.MICRO", None, "2006-08-19", "06.08.0"),
        // The first days of a year may be of the last week of the year before.
        ("YYYY.0W.MICRO", None, "2027-01-01", "2026.53.0"),
        ("YYYY.WW.DD", None, "2027-01-01", ""),
        ("YYYY_0M_0D", None, "2026-08-19", "2026_08_19"),
        // What others wrote, or the project before it chose this format.
        ("YYYY.0M.0D", Some("1.5.0"), "2026-08-19", "2026.08.19"),
        ("YYYY.0M.0D", Some("2026.8.19"), "2026-08-19", "2026.08.19.1"),
    ] {
        let Ok(format) = format.parse() else {
            assert_eq!(expected, "", "{format}");
            continue;
        };
        let notation = Notation { format, ..plain(Scheme::Calver) };
        let base = base.map(any);
        let next = notation.next(Bump::Major, base.as_ref(), &[], day(today));
        assert_eq!(next.to_string(), expected, "{:?} {today}", base.map(|base| base.to_string()));
        assert_eq!(notation.explicit(expected), Ok(next.clone()), "it can be asked for");
        // A record of it is read without knowing the format.
        assert_eq!((any(expected), any(expected).to_string()), (next, expected.to_owned()));
    }
}

#[test]
fn no_collision_and_no_patch_make_it_another_day() {
    for (format, version, free, patch) in [
        ("YYYY.0M.0D", "2026.08.19", "2026.08.19.1", "2026.08.19.1"),
        ("YYYY.0M.0D", "2026.08.19.1", "2026.08.19.2", "2026.08.19.2"),
        ("YYYY.0M.0D-N", "2026.08.19-1", "2026.08.19-2", "2026.08.19-1.1"),
        ("YYYY.MM.MICRO", "2026.8.0", "2026.8.1", "2026.8.0.1"),
    ] {
        let (notation, version) = (calver(format), any(version));
        let found = notation.next_free(version.clone(), |taken| *taken == version);
        assert_eq!(found.to_string(), free, "{format} {version}");
        assert_eq!(notation.next_patch(&version, |_| false).to_string(), patch, "{format} {version}");
    }
}

#[test]
fn a_calver_format_goes_from_the_year_to_what_is_smaller() {
    for (format, why) in [
        ("", "begin with a year"),
        ("MM.YYYY", "begin with a year"),
        (".YYYY", "begin with a year"),
        ("YYYY.DD", "a day needs its month"),
        ("YYYY.DD.MM", "smaller than the one before"),
        ("YYYY.MM.MM", "smaller than the one before"),
        ("YYYY.YY", "smaller than the one before"),
        ("YYYY.MICRO.0M", "smaller than the one before"),
        ("YYYY.MICRO.N", "smaller than the one before"),
        ("YYYY.WW.MM", "smaller than the one before"),
        ("YYYY.MM.WW", "goes with neither"),
        ("YYYYMM", "needs its zeros"),
        ("YYYY0MMICRO", "needs its zeros"),
        ("YYYY.MINOR", "its parts are"),
        ("YYYY/0M", "its parts are"),
        ("yyyy.mm", "its parts are"),
        ("YYYY..MM", "its parts are"),
        ("YYYY.", "its parts are"),
    ] {
        let BadName(message) = format.parse::<CalverFormat>().unwrap_err();
        assert!(message.contains(why), "{format}: {message}");
    }
    assert_eq!("YYYY.0M.0D-N".parse::<CalverFormat>().unwrap().to_string(), "YYYY.0M.0D-N");
}

#[test]
fn only_what_can_be_a_day_is_asked_for() {
    for (format, texts) in [
        ("YYYY.0M.0D", &["2026.13.01", "2026.08.32", "2026.08", "26.08.19", "v2026.08.19-rc.1"][..]),
        ("YYYY0M0D.N", &["20261301.1", "20260800.1", "20260819", "2026.08.19"]),
        ("YYYY.0W", &["2026.54", "2026.0"]),
        ("YY.MM.MICRO", &["2026.8.0", "26.08.0"]),
    ] {
        for text in texts {
            let BadName(message) = calver(format).explicit(text).unwrap_err();
            assert!(message.contains(format) || message.contains("ask for"), "{message}");
        }
    }
}

#[test]
fn what_is_asked_for_is_written_as_the_format_says() {
    for text in ["2026.08.19", "v2026.08.19", "2026.8.19"] {
        assert_eq!(calver("YYYY.0M.0D").explicit(text).unwrap().to_string(), "2026.08.19");
    }
}

#[test]
fn candidates_are_spelled_as_a_team_spells_them() {
    for (mark, release, spelled) in [
        ("-rc.{n}", "1.5.0", "1.5.0-rc.2"),
        ("-rc{n}", "1.5.0", "1.5.0-rc2"),
        ("rc{n}", "1.5.0", "1.5.0rc2"),
        (".beta{n}", "2026.08.19-1", "2026.08.19-1.beta2"),
        ("-RC_{n}", "42", "42-RC_2"),
    ] {
        let scheme = Scheme::Calver;
        let notation = Notation { mark: mark.parse().unwrap(), ..calver("YYYY.0M.0D-N") };
        let notation = if release.starts_with("2026") {
            notation
        } else {
            Notation { scheme: Scheme::Sequence, ..notation }
        };
        let candidate = notation.candidate(any(release), 2);
        assert_eq!(candidate.to_string(), spelled);
        assert_eq!(notation.parse_candidate(spelled), Some(candidate.clone()), "{spelled} {scheme:?}");
        let read: CandidateVersion = spelled.parse().unwrap();
        assert_eq!((read.to_string(), &read), (spelled.to_owned(), &candidate), "a record of it");
        let json = serde_json::to_string(&candidate).unwrap();
        assert_eq!(serde_json::from_str::<CandidateVersion>(&json).unwrap().to_string(), spelled);
        let tag = format!("shop/v{spelled}");
        let recorded = CandidateVersion::recorded(any(release), "2", &tag).unwrap();
        assert_eq!((recorded.to_string(), recorded), (spelled.to_owned(), candidate), "its tag tells");
        assert_eq!(split_candidate(&tag).unwrap().0, format!("shop/v{release}"));
    }
    for mark in
        ["", "-rc.", "{n}", "-{n}", "-rc2.{n}", "-rc.{n}x", "{n}-rc.{n}", "-rc .{n}", "-rc..{n}", "-rc/{n}"]
    {
        assert!(mark.parse::<CandidateMark>().is_err(), "{mark}");
    }
    for (number, tag) in
        [("02", "v1.5.0-rc.02"), ("0", "v1.5.0-rc.0"), ("", "v1.5.0-rc."), ("x", "v1.5.0-rc.x")]
    {
        assert!(CandidateVersion::recorded(any("1.5.0"), number, tag).is_err(), "{number}");
    }
}

/// Tags of other spellings are somebody else's, and take their version.
#[test]
fn a_projects_own_spelling_tells_its_candidates() {
    let notation = Notation { mark: "-rc{n}".parse().unwrap(), ..Notation::default() };
    let style = TagStyle::new("v{version}", &"shop".parse().unwrap(), notation).unwrap();
    assert!(matches!(style.parse("v1.5.0-rc2"), Some(ParsedTag::Candidate(_))));
    assert!(matches!(style.parse("v1.5.0-rc.2"), Some(ParsedTag::Foreign { .. })));
    let style = TagStyle::new("{version}", &"shop".parse().unwrap(), calver("YYYY.0M.0D-N")).unwrap();
    assert_eq!(style.parse("2026.08.19-2"), Some(ParsedTag::Release(any("2026.8.19.2"))));
    assert_eq!(style.parse("2026.08.19"), Some(ParsedTag::Release(any("2026.8.19"))));
    assert!(matches!(style.parse("2026.08.19-1-rc.1"), Some(ParsedTag::Candidate(_))));
}
