//! What is read, what is refused and where it points.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::domain::config::*;
use crate::failure::{Failure, Kind};

const EXAMPLE: &str = include_str!("../../release.toml.example");

fn good(text: &str) -> Config {
    parse(text, FILE_NAME).unwrap_or_else(|failure| panic!("{failure} {:?}", failure.reasons)).config
}

fn bad(text: &str) -> Failure {
    let failure = parse(text, "r.toml").expect_err("this has to be refused");
    assert_eq!(failure.kind, Kind::Config);
    failure
}

/// A file of a named project and this.
fn shop(rest: &str) -> String {
    format!("project.name = \"shop\"\n{rest}")
}

#[test]
fn a_name_is_enough() {
    let config = good("[project]\nname = \"shop\"\n");
    assert_eq!(config, Config::new("shop".parse().unwrap()));
    assert_eq!(config.artifacts.max_size, 95 * 1024 * 1024);
    assert!(config.build.is_none());
}

#[test]
fn an_environment_that_says_nothing_has_the_defaults() {
    let config = good(&shop("[environments.lab]\n"));
    assert_eq!(config.environments, [Environment::new("lab".parse().unwrap())]);
}

#[test]
fn environments_keep_the_order_of_the_file() {
    let config = good(&shop("[environments.z]\n[environments.a]\n[environments.m]\nafter = [\"z\"]\n"));
    let names: Vec<_> = config.environments.iter().map(|env| env.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "m"]);
}

#[test]
fn the_example_says_what_it_seems_to() {
    let config = good(EXAMPLE);
    let prod = config.environment(&"prod".parse().unwrap()).unwrap();
    assert_eq!(prod.soak, Some(Duration::from_secs(1800)));
    assert_eq!(prod.on_failure, OnFailure::Rollback);
    assert!(prod.is_final);
    assert_eq!(prod.phases.iter().map(|phase| phase.name.as_str()).collect::<Vec<_>>(), ["canary", "all"]);
    assert_eq!(prod.params[0].default.as_deref(), Some("3"));
    assert!(prod.params[1].secret);
    assert!(
        matches!(&prod.freeze[1].when, FreezeWhen::Weekly { days, from, to } if days.len() == 1 && from.minutes() == 960 && *to == DayTime::END)
    );
    assert_eq!(config.final_environments().count(), 1);
}

#[test]
fn the_example_has_every_key_the_parser_knows() {
    let mut findings = read::Findings::default();
    let document = toml::de::DeTable::parse(EXAMPLE).unwrap();
    assert!(parse(EXAMPLE, FILE_NAME).is_ok());
    parse::read_file(EXAMPLE, &mut findings);
    assert!(findings.asked.len() > 60, "{:?}", findings.asked);
    for path in &findings.asked {
        if path == "projects" {
            assert!(EXAMPLE.contains("[projects.NAME]"));
            continue;
        }
        let parts: Vec<&str> = path.split('.').collect();
        let document = toml::de::DeValue::Table(document.get_ref().clone());
        assert!(holds(&document, &parts), "release.toml.example does not show {path}");
    }
}

/// Every key that a schema has, as the parser writes the path to it.
fn keys(root: &Json, schema: &Json, path: &str, into: &mut BTreeSet<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &root["$defs"][name.trim_start_matches("#/$defs/")],
        None => schema,
    };
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        keys(root, one, path, into);
    }
    keys_if(root, &schema["items"], path, into);
    keys_if(root, &schema["additionalProperties"], &format!("{path}*."), into);
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        into.insert(format!("{path}{key}"));
        keys(root, inner, &format!("{path}{key}."), into);
    }
}

fn keys_if(root: &Json, schema: &Json, path: &str, into: &mut BTreeSet<String>) {
    if schema.is_object() {
        keys(root, schema, path, into);
    }
}

#[test]
fn the_schema_has_every_key_the_parser_knows_and_no_other() {
    let mut findings = read::Findings::default();
    parse::read_file(EXAMPLE, &mut findings);
    let known: BTreeSet<String> = findings.asked.into_iter().filter(|path| path != "projects").collect();
    let mut found = BTreeSet::new();
    let root = schema().to_value();
    keys(&root, &root, "", &mut found);
    assert_eq!(found, known);
}

/// A file as JSON, as editors check it.
fn as_json(text: &str) -> Json {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

#[test]
fn the_schema_takes_what_the_parser_takes_and_refuses_what_it_can_see() {
    let check = jsonschema::validator_for(&schema().to_value()).unwrap();
    assert!(check.is_valid(&as_json(EXAMPLE)), "{:?}", check.iter_errors(&as_json(EXAMPLE)).next());
    let shop = "[project]\nname = \"shop\"\n";
    let right = ["", "[build]\ncommand = [\"make\"]\ntimeout = \"90s\"", "[artifacts]\nstore = \"s3://b/c\""];
    for text in right.map(|rest| format!("{shop}{rest}")) {
        assert!(parse(&text, FILE_NAME).is_ok() && check.is_valid(&as_json(&text)), "{text}");
    }
    let wrong = [
        "[environments.prod]\nafer = [\"staging\"]",
        "[environments.prod]\nsoak = \"half an hour\"",
        "[environments.prod]\nsoak = 30",
        "[environments.prod]\nlost_fix = \"ignore\"",
        "[environments.prod]\ndeployers = []",
        "[environments.prod]\nphases = [{ deploy = \"x\" }]",
        "[environments.prod.params.TOKEN]\nsecrte = true",
        "[version]\nscheme = \"numbers\"",
        "[build]\ncommand = []",
        "[artifacts]\nmax_size = \"95MB\"",
        "[artifacts]\nstore = \"ftp://x\"",
        "[retry]\nattempts = 0",
        "[hook]\nbefore_cut = \"x\"",
    ];
    for text in
        wrong.map(|rest| format!("{shop}{rest}")).into_iter().chain(["[project]\ntrunk = \"main\"".into()])
    {
        assert!(parse(&text, FILE_NAME).is_err() && !check.is_valid(&as_json(&text)), "{text}");
    }
}

/// Whether a value has this key, in any element of a list and below any name for `*`.
fn holds(value: &toml::de::DeValue<'_>, path: &[&str]) -> bool {
    use toml::de::DeValue;
    match (value, path) {
        (_, []) => true,
        (DeValue::Array(list), _) => list.iter().any(|element| holds(element.get_ref(), path)),
        (DeValue::Table(table), ["*", rest @ ..]) => table.values().any(|value| holds(value.get_ref(), rest)),
        (DeValue::Table(table), [key, rest @ ..]) => {
            table.get(*key).is_some_and(|value| holds(value.get_ref(), rest))
        }
        _ => false,
    }
}

#[test]
fn what_is_shown_reads_back_as_the_same() {
    for text in
        [EXAMPLE.to_owned(), shop(""), shop("build = {}\nenvironments.b = { deploy = [\"x\", \"y z\"] }")]
    {
        let config = good(&text);
        assert_eq!(good(&to_toml_with_defaults(&config)), config);
    }
    let shown = to_toml_with_defaults(&good(EXAMPLE));
    for line in ["max_size = \"95MiB\"", "timeout = \"30m\"", "final = true", "grace = \"5s\""] {
        assert!(shown.contains(line), "{line} is not in:\n{shown}");
    }
    let json = serde_json::to_value(good(EXAMPLE)).unwrap();
    assert_eq!(json["environments"]["prod"]["soak"], "30m");
    assert_eq!(json["environments"]["prod"]["freeze"][1]["days"][0], "fri");
}

#[test]
fn each_mistake_is_pointed_at() {
    // What follows `project.name = "shop"` on line 1; where it is wrong; what is said.
    let table: &[(&str, &str, &str)] = &[
        (
            "[environments.prod]\ndepoy = \"x\"",
            "3:1",
            "unknown key `depoy` in [environments.prod] (did you mean `deploy`?); known here: formerly, after",
        ),
        ("colour = 1", "2:1", "unknown key `colour`; known here: "),
        ("[build]\ntimeout = 30", "3:11", "`timeout` has to be a duration in quotes, such as \"90s\""),
        (
            "[build]\ntimeout = \"30min\"",
            "3:11",
            "\"30min\" is not a duration; one is written 90s, 30m, 2h or 1d",
        ),
        ("[build]\ntimeout = \"0s\"", "3:11", "longer than nothing"),
        ("[build]\ncommand = \"  \"", "3:11", "the command is empty"),
        ("[build]\ncommand = []", "3:11", "the command is empty"),
        ("[build]\ncommand = [\"\", \"a\"]", "3:11", "the command is empty"),
        ("[build]\ncommand = [\"a\", 1]", "3:17", "has to be a string; this is an integer"),
        ("[build]\ncommand = \"a\\u0000b\"", "3:11", "NUL"),
        ("[build]\nartifacts = [\"ok\", \"dist/[\"]", "3:20", "\"dist/[\" is not a pattern"),
        ("[build]\nartifacts = [\"../up\"]", "3:14", "leaves the checkout"),
        ("[build]\nartifacts = \"dist/*\"", "3:13", "has to be an array; this is a string"),
        (
            "[version]\nscheme = \"semvre\"",
            "3:10",
            "(did you mean `semver`?); it is \"semver\", \"calver\" or \"sequence\"",
        ),
        ("[version]\nformat = \"YYYY.DD\"", "3:10", "a day needs its month"),
        ("[version]\ncandidate = \"-rc.\"", "3:13", "needs a word and then {n}"),
        ("[version]\nprefixes = \"X-\"", "3:12", "has to be an array"),
        ("[version]\nsign = \"no\"", "3:8", "has to be true or false"),
        ("[version]\ntag = \"v1\"", "3:7", "needs {version} in it"),
        ("[version]\ntag = \"{version}{version}\"", "3:7", "needs {version} in it, once"),
        ("[version]\ntag = \"a b{version}\"", "3:7", "would make the tag \"a b1.5.0-rc.2\""),
        ("[version]\ntag = \"{name}{version}\"", "3:7", "has braces around something else"),
        ("[artifacts]\nmax_size = \"95mb\"", "3:12", "is not a size; one is written 95MiB"),
        ("[artifacts]\nmax_size = 95", "3:12", "has to be a size in quotes"),
        ("[artifacts]\nstore = \"ftp://x\"", "3:9", "is not a store; one is \"git\""),
        ("[artifacts]\nstore = \"file://x\"", "3:9", "is not a store"),
        ("environments = 3", "2:16", "has to be a table"),
        ("[environments.Prod]", "2:15", "\"Prod\" cannot name an environment"),
        ("[environments.a]\nafter = [\"a\"]", "3:10", "a cannot come after itself"),
        (
            "[environments.a]\nafter = [\"stagin\"]\n[environments.staging]",
            "3:10",
            "no environment stagin (did you mean `staging`?); known here: a, staging",
        ),
        ("[environments.s]\n[environments.a]\nafter = [\"s\", \"s\"]", "4:15", "s is listed twice"),
        (
            "[environments.a]\nafter = [\"b\"]\n[environments.b]\nafter = [\"c\"]\n[environments.c]\nafter = [\"b\"]",
            "5:10",
            "b -> c -> b",
        ),
        (
            "[environments.a]\nafter = [\"b\"]\n[environments.b]\nafter = [\"a\"]",
            "3:10",
            "in a circle: a -> b -> a",
        ),
        (
            "[environments.a]\nformerly = [\"x\"]\n[environments.b]\nformerly = [\"x\"]",
            "5:13",
            "x is a former name of a too",
        ),
        ("[environments.a]\nformerly = [\"b\"]\n[environments.b]", "3:13", "b is another environment"),
        ("[environments.a]\nformerly = [\"a\"]", "3:13", "a is what it is called now"),
        ("[environments.a]\napprovals = -1", "3:13", "whole number from 0"),
        ("[environments.a]\nmax_parallel = 0", "3:16", "whole number from 1"),
        ("[environments.a]\non_failure = \"undo\"", "3:14", "it is \"stop\" or \"rollback\""),
        ("[environments.a]\ndeployers = []", "3:13", "leave the key out if anybody may deploy"),
        ("[environments.a]\ntargets = [\"eu\", \"eu\"]", "3:18", "the target \"eu\" is listed twice"),
        ("[[environments.a.phases]]\ndeploy = \"x\"", "2:1", "a phase needs a name"),
        ("[environments.a.params]\nREL_X = {}", "3:1", "cannot name a parameter"),
        ("[environments.a.params]\nLD_PRELOAD = {}", "3:1", "what is loaded into programs"),
        (
            "[environments.a.params]\nX = { secret = true, default = \"hunter2\" }",
            "3:32",
            "a secret cannot have its value in the file",
        ),
        (
            "[environments.a]\nfreeze = [{ from = \"2026-12-20T18:00\" }]",
            "3:11",
            "needs both `from` and `to`",
        ),
        (
            "[environments.a]\nfreeze = [{ from = \"2026-12-20T18:00\", to = \"2026-12-20T18:00\" }]",
            "3:45",
            "is not later than `from`",
        ),
        (
            "[environments.a]\nfreeze = [{ from = \"2026-13-20T18:00\", to = \"2027-01-01T00:00\" }]",
            "3:20",
            "is not a date and time",
        ),
        ("[environments.a]\nfreeze = [{ from = \"25:00\" }]", "3:20", "is not a time of day"),
        ("[environments.a]\nfreeze = [{ days = [\"friday\"] }]", "3:21", "(did you mean `fri`?)"),
        ("[environments.a]\nfreeze = [{ days = [\"fri\"], tz = \"Paris\" }]", "3:34", "is not a time zone"),
        ("[environments.a]\nfreeze = [{}]", "3:11", "a freeze needs"),
        ("[retry]\nattempts = 0", "3:12", "whole number from 1"),
        ("[projects.x]\nname = \"x\"", "2:2", "[project] and [projects] are both here"),
        ("[build]\ncommand = ", "3:11", "this is not TOML"),
        ("[build]\n[build]", "3:2", "this is not TOML: duplicate key"),
    ];
    for (rest, place, says) in table {
        let failure = bad(&shop(rest));
        let told = format!("r.toml:{place}: ");
        assert!(failure.message.starts_with(&told), "{told} expected, but:\n{failure}");
        assert!(failure.message.contains(says), "{says:?} expected, but:\n{failure}");
        assert!(failure.message.contains('^'), "{failure}");
        assert!(failure.reasons.is_empty(), "{rest}: {:?}", failure.reasons);
    }
}

#[test]
fn a_project_has_to_be_described() {
    for (text, place, says) in [
        ("", "1:1", "[project] is missing"),
        ("\n[project]\ntrunk = \"main\"", "2:2", "[project] needs a name"),
        ("project = 1", "1:11", "`project` has to be a table"),
        ("[project]\nname = \"Shop\"", "2:8", "\"Shop\" cannot name a project"),
        ("[project]\nname = \"a\"\ntrunk = \"refs/heads/main\"", "3:9", "without refs/heads/"),
        ("[project]\nname = \"a\"\ntrunk = \"-x\"", "3:9", "cannot be the name of a branch"),
        ("[project]\nname = \"a\"\nremote = \"--upload-pack=x\"", "3:10", "cannot name a remote"),
        ("[project]\nname = \"a\"\npaths = [\"a\", \"[z-a]\"]", "3:15", "is not a pattern"),
        (
            "[projects.a]\nname = \"a\"",
            "1:2",
            "several projects in one repository are not supported yet by this version",
        ),
    ] {
        let failure = bad(text);
        assert!(failure.message.starts_with(&format!("r.toml:{place}: ")), "{place}: {failure}");
        assert!(failure.message.contains(says), "{failure}");
        assert!(failure.reasons.is_empty(), "{text}: {:?}", failure.reasons);
    }
}

#[test]
fn the_message_shows_the_line() {
    let failure = bad("[project]\nname = \"shop\"\n\n[retry]\nattemps = 2\n");
    assert_eq!(
        failure.message,
        "r.toml:5:1: unknown key `attemps` in [retry] (did you mean `attempts`?); known here: attempts, backoff\n\
         5 | attemps = 2\n  | ^^^^^^^"
    );
    assert_eq!(failure.hints, ["rel config check"]);
}

#[test]
fn every_mistake_is_told_at_once() {
    let failure = bad("[project]\nnme = \"x\"\n[environments.A]\nsok = 1\n[bild]\n");
    let places: Vec<_> = failure.reasons.iter().map(|reason| reason.gate.as_str()).collect();
    assert!(failure.message.starts_with("r.toml:1:2: [project] needs a name"), "{failure}");
    assert_eq!(places, ["r.toml:2:1", "r.toml:3:15", "r.toml:4:1", "r.toml:5:2"]);
}

#[test]
fn a_week_may_be_frozen_over_midnight_and_dates_need_no_quotes() {
    let config = good(&shop(
        "[environments.a]\nfreeze = [{ from = \"22:00\", to = \"06:00\" }, { from = 2026-12-20T18:00:00, to = 2026-12-21T00:00:00 }]",
    ));
    let freeze = &config.environments[0].freeze;
    assert!(matches!(&freeze[0].when, FreezeWhen::Weekly { days, .. } if days.len() == 7));
    assert!(matches!(&freeze[1].when, FreezeWhen::Once { .. }));
    assert_eq!(freeze[0].tz, crate::domain::zone::Zone::utc());
}

#[test]
fn what_is_hardly_meant_is_noted() {
    let notes = parse(&shop("[environments.a]\nsoak = \"1h\""), FILE_NAME).unwrap().notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    let signed = "[environments.a]\ndeploy = \"true\"\napprovals_signed = true";
    let named = "[environments.b]\ndeploy = \"true\"\nallowed_signers = \"keys\"";
    let notes = parse(&shop(&format!("{signed}\n{named}")), FILE_NAME).unwrap().notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn the_head_is_read_from_a_file_in_the_middle_of_an_edit() {
    let read = head("[project]\nname = \"shop\"\nremote = \"\"\n[version]\nscheme = \n[oops").unwrap();
    assert_eq!((read.name.as_str(), read.trunk.as_str(), read.remote.as_str()), ("shop", "main", ""));
    assert!(head("[project]\nname = \"shop\"\ncolour = 1").is_ok());
    assert!(head("[project]\ntrunk = \"main\"").unwrap_err().message.contains("needs a name"));
    assert!(head_of("x = 1", "other.toml").unwrap_err().message.starts_with("other.toml:1:1"));
    assert_eq!(head(EXAMPLE).unwrap().name.as_str(), "shop");
}

#[test]
fn what_cannot_be_honoured_is_listed() {
    let keys: Vec<_> = unsupported(&good(EXAMPLE)).into_iter().map(|entry| entry.key).collect();
    let prod = |key: &str| format!("environments.prod.{key}");
    assert_eq!(keys, [prod("targets")]);
    let stored = good(&shop("artifacts.store = \"s3://bucket/x\""));
    let told = unsupported(&stored);
    assert_eq!(
        told[0].text,
        "`artifacts.store` is set, but this version does not support the store s3:// yet"
    );
    assert_eq!(told.len(), 1);
    assert!(unsupported(&good(&shop("artifacts.store = \"file:///srv/x\""))).is_empty());
}

#[test]
fn a_file_made_to_exhaust_is_refused() {
    let dots = "x.".repeat(200_000);
    let texts = [
        format!("[{dots}x]"),
        format!("[[{dots}x]]"),
        format!("{dots}x = 1"),
        format!("a = [\n{{{dots}x = 1}}]"),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(100_000)),
    ];
    for text in texts {
        let failure = bad(&text);
        assert!(failure.message.contains("this is not TOML"), "{failure}");
        assert!(failure.reasons.len() < 10);
        assert!(head(&text).is_err());
    }
    assert!(bad(&"#".repeat(2 << 20)).message.contains("larger than"));
}

/// Pieces of files, so that arbitrary text gets past the first character.
fn pieces() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> =
        EXAMPLE.split_inclusive([' ', '\n', '"', '.', '[', ']', '{', '}']).collect();
    proptest::collection::vec(
        prop_oneof![9 => proptest::sample::select(words).prop_map(str::to_owned), 1 => any::<String>()],
        0..40,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), pieces()]) {
        let _ = parse(&text, FILE_NAME);
        let _ = head(&text);
    }

    #[test]
    fn no_damage_to_a_good_file_panics(at in 0..EXAMPLE.len(), length in 0..40usize, put in "\\PC{0,6}") {
        let whole: Vec<char> = EXAMPLE.chars().collect();
        let at = at.min(whole.len());
        let end = (at + length).min(whole.len());
        let text: String = whole[..at].iter().copied().chain(put.chars()).chain(whole[end..].iter().copied()).collect();
        let _ = head(&text);
        if let Ok(parsed) = parse(&text, FILE_NAME) {
            let shown = to_toml_with_defaults(&parsed.config);
            let again = parse(&shown, FILE_NAME).map_err(|failure| TestCaseError::fail(failure.message))?;
            prop_assert_eq!(again.config, parsed.config);
        }
    }
}

#[test]
fn a_file_for_a_newer_rel_says_so_and_nothing_else() {
    let with =
        |requires: &str| format!("[project]\nname = \"a\"\nrequires = {requires}\nshape = \"round\"\n");
    for requires in ["\"99\"", "\"0.99\"", "\"0.1.99\""] {
        let failure = bad(&with(requires));
        assert!(failure.message.contains("update rel on this machine"), "{failure}");
        assert!(failure.reasons.is_empty(), "what it does not know is none of its business");
        assert!(head(&with(requires)).is_ok());
    }
    for requires in ["\"0.1\"", "\"0\"", "\"0.1.0\""] {
        assert!(bad(&with(requires)).message.contains("unknown key `shape`"));
        assert!(parse(&with(requires).replace("shape", "#"), FILE_NAME).is_ok());
    }
    for requires in ["\"\"", "\"^0.1\"", "\"0.1.0.0\"", "1"] {
        assert!(parse(&with(requires).replace("shape", "#"), FILE_NAME).is_err(), "{requires}");
    }
}
