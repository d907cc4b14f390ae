//! The verbs that only look: `status`, `list`, `log`, `show`.

use crate::remote::Kind;
use crate::repo::{Shop, string};

#[test]
fn status_of_a_project_without_a_candidate() {
    let shop = Shop::new();
    let ana = shop.ana();
    let before = ana.before();
    let document = ana.json(&["status"]);
    assert_eq!(document["project"], "shop");
    assert_eq!(document["trunk"]["branch"], "main");
    assert_eq!(document["trunk"]["commit"], ana.tip());
    assert!(string(&document["as_of"]).ends_with('Z'));
    let environments = document["environments"].as_array().unwrap();
    let names: Vec<String> = environments.iter().map(|e| string(&e["name"])).collect();
    assert_eq!(names, ["staging", "prod"], "in the policy's order");
    for environment in environments {
        for name in ["current", "previous", "in_flight", "hold", "pending", "next"] {
            assert!(environment.get(name).is_some_and(serde_json::Value::is_null), "{name} in {environment}");
        }
        assert_eq!(environment["unresolved"].as_array().unwrap().len(), 0);
    }
    ana.rel(&["status"]).ok();
    ana.unchanged(&before);
}

#[test]
fn status_says_what_is_live_and_what_comes_next() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.commit("src/a.txt", "a", "feat: a");
    ana.commit("src/b.txt", "b", "fix: b");
    let document = ana.json(&["status"]);
    assert_eq!(document["trunk"]["pending"], 2, "from the newest candidate's trunk commit");
    let staging = ana.status("staging");
    let current = &staging["current"];
    assert_eq!(current["tag"], tag);
    assert_eq!(current["version"], "0.1.0-rc.1");
    assert_eq!(current["commit"], ana.git(&["rev-parse", "HEAD~2"]));
    assert_eq!(current["actor"], ana.person.actor());
    assert_eq!(current["deployment"], "staging#1");
    assert_eq!(current["certain"], true);
    assert!(string(&current["since"]).ends_with('Z'));
    assert_eq!(staging["pending"], 2);
    assert!(staging["next"].is_null(), "what is live is not next: {staging}");
    let prod = ana.status("prod");
    assert!(prod["pending"].is_null() && prod["current"].is_null());
    assert_eq!(prod["next"]["tag"], tag);
    assert!(prod["next"]["commits"].is_number(), "{prod}");
    assert!(prod["next"].get("ready_at").is_some() && prod["next"].get("gates").is_some(), "{prod}");
    let next = ana.cut(&[]);
    assert_eq!(ana.status("staging")["next"]["tag"], next);
    assert_eq!(ana.status("staging")["next"]["commits"], 2);
}

#[test]
fn status_of_one_environment() {
    let shop = Shop::new();
    let ana = shop.ana();
    let document = ana.json(&["status", "prod"]);
    let names: Vec<String> =
        document["environments"].as_array().unwrap().iter().map(|e| string(&e["name"])).collect();
    assert_eq!(names, ["prod"]);
    let output = ana.refused(&["status", "prd"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("prod"), "{output:?}");
}

#[test]
fn status_reads_on_a_terminal_of_any_kind() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let output = ana.rel(&["status"]).ok();
    for words in ["shop", "main", "staging", "prod", tag.as_str()] {
        assert!(output.stdout.contains(words), "no {words} in {output:?}");
    }
}

#[test]
fn status_offline_says_what_this_clone_saw() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    bob.json(&["status"]);
    let seen = bob.json(&["status", "--offline"])["as_of"].clone();
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    let document = bob.json(&["status", "--offline"]);
    assert_eq!(document["environments"][0]["current"]["tag"], first);
    assert_eq!(document["as_of"], seen);
}

#[test]
fn list_has_the_newest_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    assert_eq!(ana.json(&["list"])["releases"].as_array().unwrap().len(), 0);
    ana.cut(&[]);
    ana.cut(&["--again"]);
    ana.cut_new("window");
    let document = ana.json(&["list"]);
    let releases = document["releases"].as_array().unwrap();
    assert_eq!(releases.len(), 2);
    assert_eq!(releases[0]["release"], "0.2.0");
    assert_eq!(releases[1]["release"], "0.1.0");
    let tags: Vec<String> =
        releases[1]["candidates"].as_array().unwrap().iter().map(|c| string(&c["tag"])).collect();
    assert_eq!(tags, ["v0.1.0-rc.2", "v0.1.0-rc.1"]);
    assert_eq!(releases[0]["candidates"][0]["artifacts"][0]["name"], "app.txt");
    assert_eq!(ana.json(&["list", "-n", "1"])["releases"].as_array().unwrap().len(), 1);
    let text = ana.rel(&["list"]).ok().stdout;
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in {text}"));
    assert!(at("0.2.0") < at("0.1.0"));
}

/// Foreign version tags in the style of ours are listed as such.
#[test]
fn list_has_foreign_tags_too() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["tag", "v0.0.9", "HEAD~1"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.9"]);
    ana.cut(&[]);
    let document = ana.json(&["list"]).to_string();
    assert!(document.contains("\"v0.0.9\"") && document.contains("\"foreign\":true"), "{document}");
}

#[test]
fn log_has_the_newest_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    assert_eq!(ana.json(&["log"])["deployments"].as_array().unwrap().len(), 0);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.json(&["lock", "staging", "--reason", "x"]);
    ana.json(&["unlock", "staging", "--reason", "x"]);
    ana.deploy("staging", &["--redeploy"]);
    ana.deploy("prod", &[]);
    let ids = |args: &[&str]| -> Vec<String> {
        ana.json(args)["deployments"].as_array().unwrap().iter().map(|d| string(&d["id"])).collect()
    };
    assert_eq!(ids(&["log", "staging"]), ["staging#4", "staging#1"]);
    assert_eq!(ids(&["log", "prod"]), ["prod#1"]);
    assert_eq!(ids(&["log"]).len(), 3);
    assert_eq!(ids(&["log", "-n", "1", "staging"]), ["staging#4"]);
    let full = ana.json(&["log", "staging"])["deployments"][1].clone();
    assert_eq!(full["state"], "succeeded");
    assert!(string(&full["finished_at"]).ends_with('Z'));
    assert_eq!(ana.refused(&["log", "stagin"], 4).kind(), "not-found");
    let text = ana.rel(&["log", "staging"]).ok().stdout;
    assert!(text.find("staging#4").unwrap() < text.find("staging#1").unwrap(), "{text}");
}

#[test]
fn log_keeps_what_a_deployment_printed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("fail-deploy");
    ana.rel(&["deploy", "staging", "--yes"]).code(6);
    let output = ana.rel(&["log", "--output", "staging#1"]).ok();
    assert!(output.stdout.contains(&format!("deploying {tag}")), "{output:?}");
    assert!(output.stdout.contains("the server says no"), "{output:?}");
    assert_eq!(ana.refused(&["log", "--output", "staging#7"], 4).kind(), "not-found");
}

#[test]
fn a_deployment_in_flight_can_be_followed_to_its_end() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let deploys = ana.start(&["deploy", "staging", "--yes"]);
    crate::world::wait_until("it deploys", || !shop.ran("staging").is_empty());
    let mut follows = ana.start(&["log", "--output", "staging#1", "--follow"]);
    assert!(!follows.has_ended());
    shop.world.clear("hold-staging");
    deploys.wait().ok();
    let printed = follows.wait().ok().stdout;
    assert_eq!(printed, format!("deploying {tag}\nlooking at {tag}\n"));
    // What is over is shown at once.
    assert_eq!(ana.rel(&["log", "--output", "staging#1", "--follow"]).ok().stdout, printed);
}

#[test]
fn show_has_all_of_a_candidate() {
    let shop = Shop::new();
    let ana = shop.ana();
    let cut = ana.json(&["cut"]);
    ana.deploy("staging", &[]);
    let document = ana.json(&["show", "v0.1.0-rc.1"]);
    assert_eq!(document["candidate"], cut["candidate"]);
    assert_eq!(document["deployments"][0]["id"], "staging#1");
    let changes = document["changes"].as_array().unwrap();
    let subjects: Vec<&str> = changes.iter().map(|c| c["subject"].as_str().unwrap()).collect();
    assert!(subjects.iter().any(|s| s.contains("open the shop")), "{document}");
    for name in ["commit", "subject", "author", "committed_at", "type", "scope", "breaking", "picked_from"] {
        assert!(changes[0].get(name).is_some(), "no {name} in {}", changes[0]);
    }
    assert_eq!(ana.json(&["show", "0.1.0-rc.1"])["candidate"], cut["candidate"], "with or without the v");
    let output = ana.refused(&["show", "v0.1.0-rc.7"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("v0.1.0-rc.1"), "the nearest names: {output:?}");
    let text = ana.rel(&["show", "v0.1.0-rc.1"]).ok();
    assert!(text.stdout.contains("app.txt") && text.stdout.contains("staging"), "{text:?}");
}

#[test]
fn provenance_is_a_bare_statement() {
    let shop = Shop::new();
    let ana = shop.ana();
    let cut = ana.json(&["cut"]);
    let text = ana.rel(&["show", "v0.1.0-rc.1", "--provenance"]).ok().stdout;
    let statement: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let digest = string(&cut["candidate"]["artifacts"][0]["digest"]);
    assert_eq!(statement["subject"][0]["name"], "app.txt");
    assert_eq!(format!("sha256:{}", string(&statement["subject"][0]["digest"]["sha256"])), digest);
    let dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"].to_string();
    assert!(dependencies.contains(&ana.tip()), "{statement}");
    // Somebody else reads the same.
    assert_eq!(shop.clone_for("bob").rel(&["show", "v0.1.0-rc.1", "--provenance"]).ok().stdout, text);
}

/// Looking works from a folder below, from elsewhere, and in a bare clone's worktree.
#[test]
fn from_anywhere_in_the_repository() {
    let shop = Shop::over(Kind::Path, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let below = crate::repo::Desk { dir: ana.dir.join("src"), ..shop.ana() };
    assert_eq!(below.live("staging"), tag);
    let elsewhere = crate::repo::Desk { dir: shop.world.at("tmp"), ..shop.ana() };
    let dir = ana.dir.to_str().unwrap();
    assert_eq!(elsewhere.json(&["-C", dir, "status"])["environments"][0]["current"]["tag"], tag);
    let linked = shop.world.at("linked");
    ana.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    let linked = crate::repo::Desk { dir: linked, ..shop.ana() };
    assert_eq!(linked.live("staging"), tag);
    assert!(linked.json(&["deploy", "staging", "--yes"])["deployment"].is_null());
}

/// Without a terminal only who asks for colour gets it.
#[test]
fn colour_is_for_who_asks() {
    let shop = Shop::new();
    let ana = shop.ana();
    let colored = |args: &[&str], env: &[(&str, &str)]| {
        let output =
            ana.command(&[&["status", "--offline"], args].concat()).envs(env.to_vec()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout.contains(&0x1b)
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1"), ("CLICOLOR", "0")]), "a flag beats them");
    assert!(colored(&[], &[("REL_COLOR", "always"), ("NO_COLOR", "1")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]), "an empty one is none");
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

/// Nothing was asked for, which says nothing of what there is.
#[test]
fn a_list_of_none_does_not_say_that_there_are_none() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let text = ana.rel(&["list", "-n", "0"]).ok().stdout;
    assert!(!text.contains("no candidates"), "{text}");
}
