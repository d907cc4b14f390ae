//! Version tags that others made: listed as they spell them, counted, and
//! never touched.

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// A project with this `[version]` section.
fn versioned(section: &str) -> Shop {
    Shop::with(&[("[build]", &format!("[version]\n{section}\n\n[build]"))])
}

/// Tags commits, the newest first, and pushes the tags.
fn tag(desk: &Desk<'_>, tags: &[&str]) {
    for tag in tags {
        desk.git(&["tag", tag]);
    }
    desk.git(&["push", "--quiet", "origin", "--tags"]);
}

/// The tags that `list` shows, and its releases, each in order.
fn listed(document: &Value) -> (Vec<String>, Vec<String>) {
    let releases = document["releases"].as_array().unwrap();
    let candidates = releases.iter().flat_map(|release| release["candidates"].as_array().unwrap());
    (
        candidates.map(|candidate| string(&candidate["tag"])).collect(),
        releases.iter().map(|release| string(&release["release"])).collect(),
    )
}

#[test]
fn a_list_has_them_in_their_own_order_and_spelling() {
    let shop = Shop::new();
    let ana = shop.ana();
    tag(
        &ana,
        &[
            "v1.2",
            "v1.2.0-rc1",
            "v1.10.0",
            "v1.9.0",
            "v1.9.0-rc10",
            "v1.9.0-rc9",
            "v1.9.0-beta.2",
            "v1.9.0.dev0",
            "v1.9.0.post1",
            "v1.9.0+5",
            "v2.0.0b1",
            "v2.0.7.1",
            "v4",
            "1.2.3",
            "release-1.2",
            "vnext",
            "v1.2.x",
        ],
    );
    let before = shop.refs();
    let document = ana.json(&["list"]);
    let (tags, releases) = listed(&document);
    assert_eq!(
        tags,
        [
            "v2.0.7.1",
            "v2.0.0b1",
            "v1.10.0",
            "v1.9.0.post1",
            "v1.9.0",
            "v1.9.0+5",
            "v1.9.0-rc10",
            "v1.9.0-rc9",
            "v1.9.0-beta.2",
            "v1.9.0.dev0",
            "v1.2",
            "v1.2.0-rc1",
        ]
    );
    assert_eq!(releases, ["2.0.7.1", "2.0.0", "1.10.0", "1.9.0", "1.2.0"]);
    let whole = &document["releases"][4]["candidates"][0];
    assert_eq!((&whole["version"], &whole["foreign"]), (&"1.2".into(), &true.into()));
    for null in ["number", "trunk_commit", "parent", "picks", "artifacts", "created_at", "actor", "signed"] {
        assert!(whole.get(null).is_some_and(Value::is_null), "{null} in {whole}");
    }
    assert_eq!(document["releases"][4]["closed"], true, "somebody released it");
    assert_eq!(document["releases"][1]["closed"], false, "a pre-release closes nothing");
    assert_eq!(shop.refs(), before);
}

#[test]
fn dates_with_zeros_are_understood_and_shown_with_them() {
    let shop = versioned("scheme = \"calver\"\ntag = \"{version}\"");
    let ana = shop.ana();
    tag(&ana, &["2024.03.10", "2024.03.10.1", "2024.12.01", "2023-11-05", "2024.04.00b5", "20240310"]);
    let (tags, releases) = listed(&ana.json(&["list"]));
    assert_eq!(tags, ["2024.12.01", "2024.04.00b5", "2024.03.10.1", "2024.03.10", "2023-11-05"]);
    assert_eq!(releases, ["2024.12.01", "2024.04.00", "2024.03.10.1", "2024.03.10", "2023-11-05"]);
    let text = ana.rel(&["list"]).ok().stdout;
    assert!(text.contains("2024.03.10 ") && !text.contains("2024.3.10"), "{text}");
    let cut = ana.cut(&[]);
    assert!(cut.starts_with("20") && cut.as_str() > "2024.12", "{cut}");
}

#[test]
fn a_prefix_of_words_is_a_style_too() {
    let shop = versioned("tag = \"shop-{version}\"");
    let ana = shop.ana();
    tag(&ana, &["shop-1.38.0", "shop-util-0.7.1", "v9.0.0"]);
    assert_eq!(listed(&ana.json(&["list"])).0, ["shop-1.38.0"]);
    ana.commit("src/a.txt", "a", "feat: a");
    assert_eq!(ana.cut(&[]), "shop-1.39.0-rc.1");
}

#[test]
fn no_cut_collides_with_one_or_goes_below_a_release() {
    let shop = Shop::new();
    let ana = shop.ana();
    // A release that trunk does not have, and later some that it has.
    ana.git(&["checkout", "--quiet", "-b", "stable", "HEAD~1"]);
    ana.write("src/stable.txt", "stable");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "fix: stable"]);
    tag(&ana, &["v1.4.2"]);
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("src/a.txt", "a", "fix: a");
    assert_eq!(ana.cut(&[]), "v1.5.0-rc.1");
    ana.commit("src/b.txt", "b", "fix: b");
    tag(&ana, &["v1.6.0-rc1", "v1.6.1.dev3", "v1.7"]);
    ana.commit("src/c.txt", "c", "fix: c");
    assert_eq!(ana.cut(&[]), "v1.7.1-rc.1");
    ana.commit("src/d.txt", "d", "fix: d");
    for taken in ["1.6.0", "1.6.1", "1.7.0", "1.4.2"] {
        ana.refused(&["cut", "--version", taken], 4);
    }
}

#[test]
fn a_pre_release_at_hand_counts() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["tag", "v2.46.2", "HEAD~1"]);
    tag(&ana, &["v2.47.0-rc1"]);
    ana.commit("src/a.txt", "a", "fix: a");
    let made = ana.json(&["cut"]);
    assert_eq!(made["candidate"]["tag"], "v2.47.1-rc.1");
    let text = ana.rel(&["show", "v2.47.1-rc.1"]).ok().stdout;
    assert!(text.contains("1 change since 2.47.0-rc1\n"), "{text}");
}
