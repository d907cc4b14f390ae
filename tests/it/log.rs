//! `rel log`: which deployments are shown, and how.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// Ana deploys to staging and to prod, bob fails on staging under an
/// override, and ana goes back.
fn a_week(shop: &Shop) {
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let second = ana.cut_new("window");
    bob.json(&["block", &second, "--reason", "no glass"]);
    shop.world.set("fail-deploy");
    bob.rel(&["deploy", "staging", &second, "--override", "blocked", "--reason", "only a test", "--yes"])
        .code(6);
    shop.world.clear("fail-deploy");
    ana.rollback("staging", &["--reason", "broken glass"]);
}

fn ids(desk: &Desk<'_>, args: &[&str]) -> Vec<String> {
    let document = desk.json(&[&["log"], args].concat());
    document["deployments"].as_array().unwrap().iter().map(|d| string(&d["id"])).collect()
}

#[test]
fn filters_are_counted_after_and_joined() {
    let shop = Shop::new();
    let ana = shop.ana();
    a_week(&shop);
    let all = ids(&ana, &[]);
    let of = |wanted: &[&str]| -> Vec<String> {
        all.iter().filter(|id| wanted.contains(&id.as_str())).cloned().collect()
    };
    // Two environments go by the second, in which two of these may have begun.
    assert_eq!(of(&["staging#3", "staging#2", "staging#1"]), ["staging#3", "staging#2", "staging#1"]);
    assert_eq!((all.len(), of(&["prod#1"]).len()), (4, 1), "{all:?}");
    for (args, expected) in [
        (&["--state", "failed"][..], of(&["staging#2"])),
        (&["--state", "failed", "--state", "succeeded", "-n", "2"], all[..2].to_vec()),
        (&["--state", "succeeded", "-n", "2", "staging"], of(&["staging#3", "staging#1"])),
        (&["--state", "unknown"], of(&[])),
        (&["--by", "BOB"], of(&["staging#2"])),
        (&["--by", "bob@example.com", "--state", "succeeded"], of(&[])),
        (&["--env", "prod"], of(&["prod#1"])),
        (&["--env", "prod", "--env", "staging", "--env", "prod"], all.clone()),
        (&["prod", "--env", "staging"], all.clone()),
        (&["--since", "1h"], all.clone()),
        (&["--until", "1h"], of(&[])),
        (&["--since", "2999-01-01"], of(&[])),
        (&["--until", "2999-01-01"], all.clone()),
        (&["-n", "0"], of(&[])),
    ] {
        assert_eq!(ids(&ana, args), expected, "{args:?}");
    }
    // A day counts from its beginning and to its end.
    let started = string(&ana.json(&["log", "prod"])["deployments"][0]["started_at"]);
    let day = &started[..10];
    assert!(ids(&ana, &["--since", day]).contains(&"prod#1".to_owned()));
    assert!(ids(&ana, &["--until", day, "prod"]).contains(&"prod#1".to_owned()));
    let none = ana.rel(&["log", "--by", "nobody"]).ok();
    assert!(none.stdout.contains("no deployment is like that"), "{none:?}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.refused(&["log", "--env", "stagin"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("staging"), "{output:?}");
    assert_eq!(ana.refused(&["log", "--since", "yesterday"], 2).kind(), "usage");
    assert_eq!(ana.refused(&["log", "--since", "2026-02-01", "--until", "2026-01-01"], 2).kind(), "usage");
    ana.rel(&["log", "--state", "broken"]).code(2);
    ana.rel(&["log", "--output", "prod#1", "--state", "failed"]).code(2);
    ana.rel(&["log", "--format", "csv", "--json"]).code(2);
}

#[test]
fn a_row_says_the_direction_and_what_went_wrong() {
    let shop = Shop::new();
    let ana = shop.ana();
    a_week(&shop);
    let text = ana.rel(&["log", "staging"]).ok().stdout;
    let row = |id: &str| text.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{text}"));
    for words in ["rollback", "succeeded", "undid staging#2", "\"broken glass\"", "ana"] {
        assert!(row("staging#3").contains(words), "no {words} in {text}");
    }
    for words in
        ["v0.1.0-rc.1 -> v0.2.0-rc.1", "failed", "exit ", "overrode blocked", "\"only a test\"", "bob"]
    {
        assert!(row("staging#2").contains(words), "no {words} in {text}");
    }
}

#[test]
fn csv_is_the_document_in_rows() {
    let shop = Shop::new();
    let ana = shop.ana();
    a_week(&shop);
    let text = ana.rel(&["log", "--format", "csv"]).ok().stdout;
    let document = ana.json(&["log"]);
    let deployments = document["deployments"].as_array().unwrap();
    let mut read = csv::Reader::from_reader(text.as_bytes());
    let header = read.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = read.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), deployments.len());
    for (row, deployment) in rows.iter().zip(deployments) {
        assert_eq!(row.len(), deployment.as_object().unwrap().len());
        for (name, cell) in header.iter().zip(row) {
            match &deployment[name] {
                Value::Null => assert_eq!(cell, "", "{name}"),
                Value::String(text) => assert_eq!(cell, text, "{name}"),
                Value::Array(list) if list.is_empty() => assert_eq!(cell, "", "{name}"),
                other => assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), other, "{name}"),
            }
        }
    }
    assert_eq!(ana.rel(&["log", "--format", "csv", "--state", "unknown"]).ok().stdout.lines().count(), 1);
}
