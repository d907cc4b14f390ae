//! Everything is kept in git: plain `git` reads it, and `git clone` is all
//! that a second machine needs.

use crate::remote::Kind;
use crate::repo::{Shop, string};

/// A project with a history of every sort.
fn with_history(kind: Kind) -> Shop {
    let shop = Shop::over(kind, &[]);
    {
        let ana = shop.ana();
        ana.cut(&[]);
        ana.deploy("staging", &["--reason", "first"]);
        ana.deploy("prod", &[]);
        let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
        ana.json(&["cherry-pick", &fix]);
        ana.deploy("staging", &["v0.1.1-rc.1"]);
        shop.world.set("fail-deploy");
        ana.rel(&["deploy", "staging", "--redeploy", "--yes"]).code(6);
        shop.world.clear("fail-deploy");
        ana.rollback("staging", &[]);
        ana.json(&["lock", "prod", "--reason", "stocktaking"]);
        ana.json(&["block", "v0.1.1-rc.1", "--reason", "it leaks"]);
    }
    shop
}

over_every_authority!(git_finds_nothing_wrong);

fn git_finds_nothing_wrong(kind: Kind) {
    let shop = with_history(kind);
    let ana = shop.ana();
    for dir in [ana.dir.clone(), shop.authority()] {
        let said = shop.world.git(&ana.person, &dir, &["fsck", "--strict", "--no-dangling", "--no-progress"]);
        assert_eq!(said, "", "in {}", dir.display());
    }
}

#[test]
fn tags_are_read_by_git_tag() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    ana.git(&["fetch", "--quiet", "--tags"]);
    let tags = ana.git(&["tag", "--list", "-n1"]);
    for tag in ["v0.1.0-rc.1", "v0.1.0 ", "v0.1.1-rc.1"] {
        assert!(tags.contains(tag), "no {tag} in {tags}");
    }
    let described = ana.git(&["describe", "--match", "v*", "v0.1.0-rc.1^{commit}"]);
    assert!(described.starts_with("v0.1.0"), "{described}");
    assert_eq!(ana.git(&["rev-parse", "v0.1.0^{commit}"]), ana.git(&["rev-parse", "v0.1.0-rc.1^{commit}"]));
}

#[test]
fn a_chain_reads_as_the_history() {
    let shop = with_history(Kind::Path);
    let log = shop.authority_git(&["log", "--format=%s", "refs/notes/rel/shop/env/staging"]);
    let subjects: Vec<&str> = log.lines().collect();
    for (tag, id) in [("v0.1.0-rc.1", "staging#1"), ("v0.1.1-rc.1", "staging#2")] {
        assert!(subjects.iter().any(|s| s.contains(tag) && s.contains(id)), "{log}");
    }
    assert!(subjects.iter().any(|s| s.contains("staging#3") && s.contains("failed")), "{log}");
    // Newest first; one parent each.
    let parents = shop.authority_git(&["log", "--format=parents %p", "refs/notes/rel/shop/env/staging"]);
    let mut counts: Vec<usize> =
        parents.split('\n').map(|line| line.split_whitespace().count() - 1).collect();
    assert_eq!(counts.pop(), Some(0), "one beginning");
    assert!(counts.iter().all(|count| *count == 1), "a chain is linear: {parents}");
}

#[test]
fn an_event_is_a_subject_and_a_line_of_json() {
    let shop = with_history(Kind::Path);
    for chain in ["env/staging", "env/prod", "candidates"] {
        let name = format!("refs/notes/rel/shop/{chain}");
        for message in shop
            .authority_git(&["log", "--format=%B%x00", &name])
            .split('\0')
            .map(str::trim)
            .filter(|m| !m.is_empty())
        {
            let lines: Vec<&str> = message.lines().filter(|line| !line.is_empty()).collect();
            assert_eq!(lines.len(), 2, "a readable subject and one line: {message}");
            assert!(lines[1].starts_with("{\"v\":1,\"event\":{"), "{message}");
            let json: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
            assert_eq!(json["v"], 1);
            assert!(json["event"].is_object() && json["state"].is_object(), "{message}");
            let names: Vec<&String> = json.as_object().unwrap().keys().collect();
            assert_eq!(names.len(), 3, "{names:?}");
        }
    }
}

#[test]
fn notes_are_read_by_git_notes() {
    let shop = with_history(Kind::Path);
    let commit = shop.authority_git(&["rev-parse", "v0.1.0-rc.1^{commit}"]);
    let note = shop.authority_git(&["notes", "--ref=rel/shop/env/staging", "show", &commit]);
    let lines: Vec<serde_json::Value> = note
        .lines()
        .map(|line| {
            assert!(line.starts_with("{\"id\":\""), "{line}");
            serde_json::from_str(line).unwrap()
        })
        .collect();
    let ids: Vec<String> = lines.iter().map(|line| string(&line["id"])).collect();
    assert_eq!(ids[..2], ["staging#1", "staging#1"], "intent, then outcome, of the same id");
    let log = shop.authority_git(&["log", "--notes=rel/shop/env/staging", "-1", &commit]);
    assert!(log.contains("staging#1"), "{log}");
    // The tree is a notes tree with a 2/38 fan-out.
    let names = shop.authority_git(&["ls-tree", "-r", "--name-only", "refs/notes/rel/shop/env/staging"]);
    for name in names.lines() {
        let (two, rest) = name.split_once('/').unwrap_or_else(|| panic!("no fan-out: {name}"));
        assert!(two.len() == 2 && rest.len() == 38, "{name}");
    }
}

/// Whatever is done to the notes by hand, the messages hold the truth.
#[test]
fn notes_changed_by_hand_change_nothing() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let before = ana.json(&["status", "staging"])["environments"][0]["current"].clone();
    let name = "refs/notes/rel/shop/env/staging";
    let tip = shop.refs()[name].clone();
    let message = shop.authority_git(&["log", "-1", "--format=%B", name]);
    let empty = shop.authority_git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    // The same message, without the notes, as `git notes remove` would leave the tree.
    let parent = shop.authority_git(&["rev-parse", &format!("{tip}^")]);
    let forged = shop.authority_git(&["commit-tree", "-p", &parent, "-m", &message, &empty]);
    shop.authority_git(&["update-ref", name, &forged]);
    let bob = shop.clone_for("bob");
    assert_eq!(bob.status("staging")["current"], before);
    assert_eq!(bob.json(&["log", "staging"])["deployments"].as_array().unwrap().len(), 4);
}

over_every_authority!(a_clone_is_all_it_takes);

fn a_clone_is_all_it_takes(kind: Kind) {
    let shop = with_history(kind);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let mut mine = ana.json(&["status"]);
    let mut theirs = bob.json(&["status"]);
    for document in [&mut mine, &mut theirs] {
        document["as_of"] = serde_json::Value::Null;
        // What each clone has of the artifacts is its own.
        for environment in document["environments"].as_array_mut().unwrap() {
            environment["not_here"] = serde_json::Value::Null;
        }
    }
    assert_eq!(mine, theirs);
    assert_eq!(ana.json(&["log", "-n", "100"]), bob.json(&["log", "-n", "100"]));
    assert_eq!(ana.json(&["list"]), bob.json(&["list"]));
}

/// An ordinary clone or fetch does not carry the artifacts.
#[test]
fn artifacts_are_not_in_an_ordinary_clone() {
    let shop = with_history(Kind::Daemon);
    let bob = shop.clone_for("bob");
    let refs = bob.git(&["for-each-ref", "--format=%(refname)"]);
    assert!(!refs.contains("artifacts"), "{refs}");
    let configured = bob.git(&["config", "--local", "--get-all", "remote.origin.fetch"]);
    assert_eq!(configured, "+refs/heads/*:refs/remotes/origin/*");
    bob.json(&["status"]);
    assert_eq!(
        bob.git(&["config", "--local", "--get-all", "remote.origin.fetch"]),
        configured,
        "nor does rel change that"
    );
}

/// The artifacts are ordinary objects behind an ordinary ref.
#[test]
fn artifacts_are_read_by_git() {
    let shop = with_history(Kind::Path);
    let name = "refs/rel/shop/artifacts/0.1.0-rc.1";
    let listing = shop.authority_git(&["ls-tree", "-r", "--name-only", name]);
    let path = listing.lines().find(|path| path.ends_with("app.txt")).unwrap_or_else(|| panic!("{listing}"));
    assert_eq!(shop.authority_git(&["show", &format!("{name}:{path}")]), "one\na door");
}

/// git's own housekeeping takes nothing away.
#[test]
fn it_survives_gc() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let before = ana.json(&["log", "-n", "100"]);
    for dir in [ana.dir.clone(), shop.authority()] {
        shop.world.git(&ana.person, &dir, &["gc", "--quiet", "--prune=now"]);
    }
    assert_eq!(ana.json(&["log", "-n", "100"]), before);
    assert_eq!(shop.clone_for("bob").json(&["log", "-n", "100"]), before);
    ana.json(&["unlock", "prod", "--reason", "counted"]);
    ana.rel(&["deploy", "prod", "--redeploy", "--yes", "v0.1.0-rc.1"]).ok();
}

/// Somebody's configuration of git does not change what is recorded.
#[test]
fn it_works_under_awkward_configurations() {
    let shop = Shop::new();
    let ana = shop.ana();
    let config = ana.person.home().join(".gitconfig");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(
        "[push]\n\tdefault = nothing\n\tfollowTags = true\n\tgpgSign = if-asked\n[fetch]\n\tprune = true\n\tpruneTags = true\n[tag]\n\tsort = -version:refname\n[core]\n\tquotePath = false\n\thooksPath = /no/such/folder\n[color]\n\tui = always\n[log]\n\tshowSignature = false\n\tdate = relative\n[merge]\n\tconflictStyle = diff3\n[notes]\n\trewriteRef = refs/notes/*\n\tdisplayRef = *\n[commit]\n\tcleanup = scissors\n[transfer]\n\tfsckObjects = true\n[remote \"origin\"]\n\ttagOpt = --tags\n",
    );
    std::fs::write(&config, text).unwrap();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    ana.rollback("staging", &[]);
    assert_eq!(ana.live("staging"), "v0.1.0-rc.1");
    assert_eq!(ana.json(&["log", "staging"])["deployments"].as_array().unwrap().len(), 3);
}
