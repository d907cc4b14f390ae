//! `release.toml`, seen from outside: exit 3 and the line; whose file counts.

use std::fs;

use crate::remote::Kind;
use crate::repo::Shop;

#[test]
fn a_bad_file_is_exit_3_and_says_where() {
    for (text, line) in [
        ("[project]\nname = \"shop\"\nnmae = \"x\"\n", "3"),
        ("[project]\nname = \"Shop!\"\n", "2"),
        ("[project]\nname = \"shop\"\n[environments.a]\nafter = [\"b\"]\ndeploy = \"true\"\n", "4"),
        ("[project]\nname = \"shop\"\n[environments.a]\ndeploy = \"true\"\ntimeout = \"soon\"\n", "5"),
        ("[project\nname = \"shop\"\n", "1"),
        ("[project]\nname = \"shop\"\n[version]\nscheme = \"roman\"\n", "4"),
    ] {
        let shop = Shop::new();
        let ana = shop.ana();
        ana.commit("release.toml", text, "chore: break it");
        for args in [vec!["cut"], vec!["deploy", "staging", "--yes"], vec!["config", "check"]] {
            let output = ana.refused(&args, 3);
            assert_eq!(output.kind(), "config", "{output:?}");
            let said = format!("{}{}", output.json()["error"]["message"], output.ways_on());
            assert!(said.contains("release.toml") && said.contains(line), "where? {output:?}");
        }
    }
}

#[test]
fn check_looks_at_the_working_tree() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.json(&["config", "check"]);
    ana.write("release.toml", "[project]\nname = \"shop\"\ncolour = \"red\"\n");
    let output = ana.rel(&["config", "check", "--json"]).code(3);
    assert!(output.json()["error"].to_string().contains("colour"), "{output:?}");
    let other = shop.world.at("other.toml");
    fs::write(&other, shop.release_toml()).unwrap();
    ana.json(&["config", "check", "--config", other.to_str().unwrap()]);
}

#[test]
fn show_has_the_defaults_too() {
    let shop = Shop::new();
    let output = shop.ana().rel(&["config", "show"]).ok();
    assert!(output.stdout.contains("shop") && output.stdout.contains("main"), "{output:?}");
    assert!(output.stdout.contains("30m") || output.stdout.contains("timeout"), "{output:?}");
    shop.ana().json(&["config", "show"]);
}

/// Where trunk has no `release.toml` yet, the working tree's serves, and every result says so.
#[test]
fn before_trunk_has_one_the_working_trees_serves() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["rm", "--quiet", "--cached", "release.toml"]);
    let text = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    fs::remove_file(ana.dir.join("release.toml")).unwrap();
    ana.commit_all("chore: forget the file");
    ana.write("release.toml", &text);
    let output = ana.rel(&["cut"]).ok();
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains("release.toml"), "it says so: {output:?}");
    ana.deploy("staging", &[]);
    // --config serves as well.
    fs::rename(ana.dir.join("release.toml"), shop.world.at("elsewhere.toml")).unwrap();
    let config = shop.world.at("elsewhere.toml");
    ana.deploy("prod", &["--config", config.to_str().unwrap()]);
    ana.refused(&["status"], 3);
}

/// With trunk's file in place, a clone without a working-tree copy needs none.
#[test]
fn head_and_the_remote_know_the_name() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    fs::remove_file(ana.dir.join("release.toml")).unwrap();
    ana.deploy("staging", &[]);
    let bob = shop.clone_for("bob");
    bob.git(&["checkout", "--quiet", "--orphan", "empty"]);
    bob.git(&["rm", "-r", "--quiet", "--force", "."]);
    assert_eq!(bob.live("staging"), "v0.1.0-rc.1");
}

#[test]
fn an_unknown_project_is_not_found() {
    let shop = Shop::new();
    let output = shop.ana().refused(&["status", "--project", "shed"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("shop"), "{output:?}");
    shop.ana().json(&["status", "-p", "shop"]);
}

#[test]
fn variables_stand_in_for_flags() {
    let shop = Shop::over(Kind::Local, &[]);
    let ana = shop.ana();
    let mut command = ana.command(&["status"]);
    command.env("REL_JSON", "1").env("REL_PROJECT", "shop");
    let output = crate::world::Running::start(command).wait().ok();
    assert_eq!(output.json()["project"], "shop");
    let mut command = ana.command(&["status"]);
    command.env("REL_PROJECT", "shed");
    crate::world::Running::start(command).wait().code(4);
    let mut command = ana.command(&["status", "--project", "shop"]);
    command.env("REL_PROJECT", "shed");
    crate::world::Running::start(command).wait().ok();
}

/// Tags may be spelled otherwise from now on; what exists keeps its name.
#[test]
fn another_style_of_tags() {
    let shop = Shop::with(&[("[build]", "[version]\ntag = \"release/{version}\"\n\n[build]")]);
    let ana = shop.ana();
    assert_eq!(ana.cut(&[]), "release/0.1.0-rc.1");
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    assert!(shop.refs().contains_key("refs/tags/release/0.1.0"));
    assert_eq!(ana.json(&["show", "0.1.0-rc.1"])["candidate"]["tag"], "release/0.1.0-rc.1");
}

/// A renamed environment keeps its history.
#[test]
fn formerly_continues_a_chain() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let text = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    let text = text.replace("[environments.staging]", "[environments.test]\nformerly = [\"staging\"]");
    ana.commit(
        "release.toml",
        &text.replace("after = [\"staging\"]", "after = [\"test\"]"),
        "chore: rename staging",
    );
    assert_eq!(ana.live("test"), tag);
    let next = ana.cut_new("window");
    let done = ana.deploy("test", &[]);
    assert_eq!(done["id"], "test#2");
    assert_eq!(done["from_tag"], tag);
    assert_eq!(ana.deploy("prod", &[])["tag"], next);
}

#[test]
fn the_schema_of_the_file_is_printed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let printed = ana.rel(&["config", "schema"]).ok();
    let schema: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(schema["title"], "release.toml");
    let document = ana.json(&["config", "schema"]);
    assert_eq!(document["properties"], schema["properties"]);
}
