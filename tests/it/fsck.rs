//! `rel fsck`: what was tampered with is found, named and, where that can be
//! done by appending, put right.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};

const PROD: &str = "refs/notes/rel/shop/env/prod";
const STAGING: &str = "refs/notes/rel/shop/env/staging";
const CANDIDATES: &str = "refs/notes/rel/shop/candidates";
const ARTIFACTS: &str = "refs/rel/shop/artifacts/0.1.0-rc.1";
const TAG: &str = "refs/tags/v0.1.0-rc.1";
const RELEASE: &str = "refs/tags/v0.1.0";

/// A candidate that went to prod, and more.
fn with_history(kind: Kind) -> Shop {
    let shop = Shop::over(kind, &[]);
    {
        let ana = shop.ana();
        ana.cut(&[]);
        ana.deploy("staging", &[]);
        ana.deploy("prod", &[]);
        shop.world.set("fail-deploy");
        ana.rel(&["deploy", "staging", "--redeploy", "--yes"]).code(6);
        shop.world.clear("fail-deploy");
        ana.json(&["lock", "prod", "--reason", "stocktaking"]);
        ana.json(&["block", "v0.1.0-rc.1", "--reason", "it leaks"]);
    }
    shop
}

/// What a check finds, which must leave everything as it was.
#[track_caller]
fn findings(desk: &Desk<'_>, args: &[&str]) -> Vec<Value> {
    let output = desk.refused(&[&["fsck"], args].concat(), 9);
    assert_eq!(output.kind(), "integrity");
    let document = output.json();
    let findings = document["findings"].as_array().unwrap().clone();
    assert_eq!(output.gates(), findings.iter().map(|one| string(&one["kind"])).collect::<Vec<_>>());
    assert!(document["checked"].is_object());
    for finding in &findings {
        assert!(!finding["hints"].as_array().unwrap().is_empty(), "no way on: {finding}");
    }
    findings
}

/// The only finding: its message, of this kind about this ref.
#[track_caller]
fn finding(desk: &Desk<'_>, args: &[&str], kind: &str, name: &str, repairable: bool) -> Value {
    let found = findings(desk, args);
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        (&one["kind"], &one["ref"], &one["repairable"]),
        (&json!(kind), &json!(name), &json!(repairable)),
        "{one:#}"
    );
    one.clone()
}

/// Nothing is wrong; what was checked.
#[track_caller]
fn is_clean(desk: &Desk<'_>) -> Value {
    let before = desk.before();
    let document = desk.json(&["fsck"]);
    desk.unchanged(&before);
    assert_eq!(document["findings"], json!([]));
    document["checked"].clone()
}

#[track_caller]
fn says(finding: &Value, words: &[&str]) {
    let all = finding.to_string();
    for word in words {
        assert!(all.contains(word), "no {word:?} in {finding:#}");
    }
}

/// Puts another commit in the place of a chain's tip: the same with this message.
fn amend(shop: &Shop, chain: &str, edit: impl Fn(&str) -> String) -> String {
    let message = edit(&shop.authority_git(&["log", "-1", "--format=%B", chain]));
    append(shop, chain, &message, &[&format!("{chain}~1")])
}

/// Puts a commit with this message on top of these.
fn append(shop: &Shop, chain: &str, message: &str, parents: &[&str]) -> String {
    let tree = format!("{chain}^{{tree}}");
    let mut args = vec!["commit-tree", "-m", message];
    for parent in parents {
        args.extend(["-p", parent]);
    }
    args.push(&tree);
    let forged = shop.authority_git(&args);
    shop.authority_git(&["update-ref", chain, &forged]);
    forged
}

over_every_authority!(nothing_is_wrong);

fn nothing_is_wrong(kind: Kind) {
    let shop = with_history(kind);
    let ana = shop.ana();
    let wanted = json!({
        "chains": 3, "events": 11, "foreign": 0, "settled": 0, "tags": 1, "releases": 1, "artifacts": 2,
        "not_checked": { "bytes": 0, "artifacts": 0, "references": 0 },
    });
    let mut checked = is_clean(&ana);
    assert!(checked["bytes"].as_u64().unwrap() > 11, "every byte was read");
    checked.as_object_mut().unwrap().remove("bytes");
    assert_eq!(checked, wanted);
    let bob = shop.clone_for("bob");
    assert_eq!(is_clean(&bob)["artifacts"], 2, "the bytes are brought to be read");
    let refs = bob.git(&["for-each-ref", "--format=%(refname)"]);
    assert!(shop.kind == Kind::Local || !refs.contains("artifacts"), "and no ref keeps them: {refs}");
    let quick = ana.json(&["fsck", "--quick"])["checked"].clone();
    assert_eq!((&quick["bytes"], &quick["not_checked"]["bytes"]), (&json!(0), &json!(2)));
    let repaired = ana.json(&["fsck", "--repair"]);
    assert_eq!(repaired["repaired"], json!([]));
    let said = ana.rel(&["fsck"]).ok().stdout;
    assert!(said.starts_with("shop: all of it is what was recorded\n  chains     3, 11 events"), "{said}");
}

#[test]
fn nothing_is_there_yet() {
    let shop = Shop::new();
    let checked = is_clean(&shop.ana());
    assert_eq!((&checked["chains"], &checked["tags"]), (&json!(0), &json!(0)));
}

#[test]
fn offline_it_checks_what_is_here() {
    let shop = with_history(Kind::Path);
    let bob = shop.clone_for("bob");
    bob.json(&["status"]);
    shop.authority_git(&["update-ref", "-d", TAG]);
    let checked = bob.json(&["fsck", "--offline"])["checked"].clone();
    assert_eq!((&checked["chains"], &checked["not_checked"]["artifacts"]), (&json!(3), &json!(2)));
    bob.refused(&["fsck", "--repair", "--offline"], 4);
    fs::rename(shop.authority(), shop.world.at("away")).unwrap();
    let said = bob.rel(&["fsck"]).code(1).stderr;
    assert!(said.contains("rel fsck --offline") || said.contains("git remote -v"), "{said}");
}

// ---- chains ----

/// `git notes` on the chain itself: the history stands, the notes are put right by one more event.
fn notes_edited(chain: &str, args: &[&str]) {
    let shop = with_history(Kind::Path);
    let commit = shop.authority_git(&["rev-parse", "v0.1.0^{commit}"]);
    let name = format!("--ref={}", chain.strip_prefix("refs/notes/").unwrap());
    let shown = || shop.authority_git(&["notes", &name, "show", &commit]);
    let (was, tip) = (shown(), shop.refs()[chain].clone());
    shop.authority_git(&[&["notes", &name], args, &[commit.as_str()]].concat());
    let bob = shop.clone_for("bob");
    let found = finding(&bob, &[], "notes", chain, true);
    says(&found, &[&commit[..7], "rel fsck --repair"]);
    assert_eq!(found["commit"], shop.refs()[chain]);

    let before = bob.before();
    let planned = bob.json(&["fsck", "--repair", "--dry-run"]);
    bob.unchanged(&before);
    let done = bob.json(&["fsck", "--repair"]);
    assert_eq!(planned["repaired"], done["repaired"]);
    assert_eq!(shown(), was);
    let log = shop.authority_git(&["log", "--format=%s", &format!("{tip}..{chain}")]);
    assert_eq!(log.lines().count(), 2, "appended to, not rewritten: {log}");
    assert!(log.contains("repaired by bob: the notes were edited"), "{log}");
    for desk in [&bob, &shop.ana()] {
        assert_eq!(is_clean(desk)["foreign"], 1);
    }
    shop.ana().json(&["unlock", "prod", "--reason", "counted"]);
    assert_eq!(shop.ana().live("prod"), "v0.1.0-rc.1");
    shop.ana().deploy("staging", &["v0.1.0-rc.1", "--redeploy", "--override", "blocked", "--reason", "once"]);
    is_clean(&bob);
}

#[test]
fn a_note_that_was_appended_to_is_found() {
    notes_edited(PROD, &["append", "-m", "by hand"]);
}

#[test]
fn a_note_that_was_replaced_is_found() {
    notes_edited(STAGING, &["add", "-f", "-m", "by hand"]);
}

#[test]
fn a_note_that_was_removed_is_found() {
    notes_edited(CANDIDATES, &["remove"]);
}

/// The same event with another tree.
#[test]
fn notes_that_were_taken_out_of_a_record_are_found() {
    let shop = with_history(Kind::Path);
    let empty = shop.authority_git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let message = shop.authority_git(&["log", "-1", "--format=%B", PROD]);
    let forged = shop.authority_git(&["commit-tree", "-p", &format!("{PROD}~1"), "-m", &message, &empty]);
    shop.authority_git(&["update-ref", PROD, &forged]);
    let bob = shop.clone_for("bob");
    finding(&bob, &[], "notes", PROD, true);
    bob.json(&["fsck", "--repair"]);
    is_clean(&bob);
}

/// What an event says is what counts, and the snapshot is stated once more.
#[test]
fn a_snapshot_that_was_forged_is_found() {
    let shop = with_history(Kind::Path);
    let certain = |message: &str| {
        message.replacen("\"certain\":true,\"in_flight\"", "\"certain\":false,\"in_flight\"", 1)
    };
    let forged = amend(&shop, PROD, certain);
    let bob = shop.clone_for("bob");
    assert_eq!(bob.status("prod")["current"]["certain"], false, "it is believed");
    let found = finding(&bob, &[], "snapshot", PROD, true);
    assert_eq!(found["commit"], forged);
    says(&found, &[&forged[..7], "certain is false, and should be true", "prod#2 held"]);
    // What is appended to it follows from it, and is told as the same.
    bob.json(&["unlock", "prod", "--token", "2", "--reason", "counted"]);
    finding(&bob, &[], "snapshot", PROD, true);
    bob.json(&["fsck", "--repair"]);
    assert_eq!(bob.status("prod")["current"]["certain"], true);
    assert_eq!(is_clean(&bob)["settled"], 1);
    let said = bob.rel(&["fsck"]).ok().stdout;
    assert!(said.contains("1 snapshot was wrong, and put right by a later event"), "{said}");
}

/// Where events were appended that cannot follow from the truth, nobody but a person can say what is so.
#[test]
fn a_forged_snapshot_that_was_built_on_is_found() {
    let shop = with_history(Kind::Path);
    let open = |message: &str| {
        let hold = message.rfind("\"hold\":{").unwrap();
        let end = hold + message[hold..].find('}').unwrap() + 1;
        format!("{}\"hold\":null{}", &message[..hold], &message[end..])
    };
    let forged = amend(&shop, PROD, open);
    let bob = shop.clone_for("bob");
    bob.json(&["lock", "prod", "--reason", "again"]);
    let found = findings(&bob, &[]);
    assert_eq!((&found[0]["kind"], &found[0]["commit"]), (&json!("snapshot"), &json!(forged)));
    assert!(found.iter().all(|one| one["repairable"] == false), "{found:#?}");
    bob.refused(&["fsck", "--repair"], 9);
}

#[test]
fn an_event_that_stands_twice_is_found() {
    let shop = with_history(Kind::Path);
    let message = shop.authority_git(&["log", "-1", "--format=%B", PROD]);
    let forged = append(&shop, PROD, &message, &[PROD]);
    let bob = shop.clone_for("bob");
    let found = finding(&bob, &[], "event", PROD, false);
    assert_eq!(found["commit"], forged);
    says(&found, &["prod#2 does not follow number 2", "--force-with-lease"]);
}

#[test]
fn a_number_that_was_left_out_is_found() {
    let shop = with_history(Kind::Path);
    let forged = amend(&shop, PROD, |message| {
        message.replace("prod#2", "prod#4").replace("\"count\":2", "\"count\":4")
    });
    let found = finding(&shop.clone_for("bob"), &[], "event", PROD, false);
    assert_eq!(found["commit"], forged);
    says(&found, &["prod#4 does not follow number 1"]);
}

#[test]
fn a_merge_in_a_chain_is_found() {
    let shop = with_history(Kind::Path);
    let message = shop.authority_git(&["log", "-1", "--format=%B", PROD]);
    let forged = append(&shop, PROD, &message, &[PROD, "main"]);
    let bob = shop.clone_for("bob");
    let found = finding(&bob, &[], "link", PROD, false);
    assert_eq!(found["commit"], forged);
    says(&found, &["is a merge"]);
    // The way on that it names.
    let hints = found["hints"].as_array().unwrap();
    let away = hints
        .iter()
        .filter_map(Value::as_str)
        .find_map(|hint| hint.strip_prefix("take it away: git "))
        .unwrap();
    bob.git(&away.split(' ').collect::<Vec<_>>());
    bob.git(&["update-ref", PROD, &format!("{PROD}^1")]);
    is_clean(&bob);
}

#[test]
fn records_that_cannot_be_read_are_found() {
    for (edit, kind, says_so) in [
        ("{\"v\":1,\"event\":{}", "record", "not JSON"),
        ("{\"v\":1,\"event\":{},\"state\":{}}", "record", "not understood"),
        ("{\"v\":99,\"event\":{},\"state\":{}}", "version", "version 99"),
    ] {
        let shop = with_history(Kind::Path);
        let forged = append(&shop, STAGING, &format!("staging#9 what\n\n{edit}"), &[STAGING]);
        let found = finding(&shop.clone_for("bob"), &[], kind, STAGING, false);
        assert_eq!(found["commit"], forged);
        says(&found, &[says_so, &forged[..7]]);
    }
}

#[test]
fn a_chain_in_the_place_of_another_is_found() {
    let shop = with_history(Kind::Path);
    shop.authority_git(&["update-ref", PROD, STAGING]);
    let found = finding(&shop.clone_for("bob"), &[], "event", PROD, false);
    says(&found, &["staging#1 stands in the chain of prod", "3 more", "formerly"]);
}

/// An environment that was renamed continues the chain of its earlier name.
#[test]
fn a_renamed_environment_is_no_fault() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    ana.reconfigure("[environments.prod]", "[environments.live]\nformerly = [\"prod\"]");
    ana.json(&["unlock", "live", "--reason", "counted"]);
    assert_eq!(is_clean(&ana)["chains"], 4);
}

/// The candidates' chain lost its end: what was made since is still told of.
#[test]
fn tags_and_deployments_that_no_chain_knows_are_found() {
    let shop = with_history(Kind::Path);
    let root = shop.authority_git(&["rev-list", "--max-parents=0", CANDIDATES]);
    shop.authority_git(&["update-ref", CANDIDATES, &root]);
    let found = findings(&shop.clone_for("bob"), &[]);
    let kinds: Vec<(&str, &str)> =
        found.iter().map(|one| (one["kind"].as_str().unwrap(), one["ref"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("event", PROD), ("tag", RELEASE), ("tag", TAG)]);
    // Whoever has seen all of it puts it back.
    shop.ana().json(&["fsck", "--repair"]);
    is_clean(&shop.clone_for("carl"));
}

/// A disk that changes what it keeps.
#[test]
fn an_object_that_is_not_what_its_id_says_is_found() {
    let shop = with_history(Kind::Local);
    let ana = shop.ana();
    let file = |rev: &str| {
        let oid = ana.git(&["rev-parse", rev]);
        ana.dir.join(".git/objects").join(&oid[..2]).join(&oid[2..])
    };
    let overwrite = |path: &Path, bytes: &[u8]| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let (middle, other) = (file(&format!("{STAGING}~1")), file(&format!("{STAGING}~3")));
    let bytes = fs::read(&middle).unwrap();
    let commit = ana.git(&["rev-parse", &format!("{STAGING}~1")]);
    // A whole object, in the place of another: nothing but its id gives it away.
    overwrite(&middle, &fs::read(other).unwrap());
    let found = findings(&ana, &["--quick"]);
    assert!(found.iter().any(|one| one["kind"] == "link" && one["commit"] == commit), "{found:#?}");
    overwrite(&middle, &bytes[..bytes.len() / 2]);
    let found = findings(&ana, &["--quick"]);
    assert!(found.iter().any(|one| one["kind"] == "link" && one["commit"] == commit), "{found:#?}");
    fs::remove_file(&middle).unwrap();
    let found = findings(&ana, &["--quick"]);
    says(&found[0], &["breaks off", &commit]);
    fs::write(&middle, bytes).unwrap();
    is_clean(&ana);
}

/// An end that was cut short: libgit2 would read on it for ever.
#[test]
fn a_chain_whose_end_cannot_be_read_is_found() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let tip = ana.git(&["rev-parse", PROD]);
    let file = ana.dir.join(".git/objects").join(&tip[..2]).join(&tip[2..]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let found = finding(&ana, &[], "link", PROD, false);
    assert_eq!(found["commit"], tip);
    // The way on that it names.
    let hints = found["hints"].as_array().unwrap();
    for (hint, begins) in hints.iter().zip(["take the bad copy away: ", "and have it from the remote: "]) {
        let line = hint.as_str().unwrap().strip_prefix(begins).unwrap();
        let mut shell = shop.world.command("sh", &ana.person, &ana.dir);
        assert!(shell.args(["-c", line]).output().unwrap().status.success(), "{line}");
    }
    is_clean(&ana);
}

// ---- tags ----

#[test]
fn tags_that_are_gone_are_made_again_bit_for_bit() {
    for kind in [Kind::Path, Kind::Local] {
        let shop = with_history(kind);
        let was = shop.refs();
        shop.authority_git(&["update-ref", "-d", TAG]);
        shop.authority_git(&["update-ref", "-d", RELEASE]);
        let ana = shop.ana();
        let found = findings(&ana, &[]);
        let kinds: Vec<(&str, &str, bool)> = found
            .iter()
            .map(|one| {
                let text = |member: &str| one[member].as_str().unwrap();
                (text("kind"), text("ref"), one["repairable"].as_bool().unwrap())
            })
            .collect();
        assert_eq!(kinds, [("tag", TAG, true), ("release", RELEASE, true)]);
        assert_eq!(found[0]["commit"], was[TAG]);
        ana.json(&["fsck", "--repair"]);
        assert_eq!(shop.refs(), was);
    }
}

/// A clone that never had it cannot, and says so.
#[test]
fn a_tag_that_is_gone_and_not_here_is_found() {
    // A clone by path takes every object along, whether a ref has it or not.
    let shop = with_history(Kind::Daemon);
    let was = shop.refs();
    shop.authority_git(&["update-ref", "-d", TAG]);
    shop.authority_git(&["update-ref", "-d", RELEASE]);
    let bob = shop.clone_for("bob");
    let found = findings(&bob, &[]);
    assert!(found.iter().all(|one| one["repairable"] == false), "{found:#?}");
    says(&found[0], &["it is gone", &was[TAG], "rel fsck --repair, in one that may"]);
    bob.refused(&["fsck", "--repair"], 9);
    shop.ana().json(&["fsck", "--repair"]);
    assert_eq!(shop.refs(), was);
    is_clean(&bob);
}

#[test]
fn tags_that_were_moved_are_named_and_left() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let minted = shop.refs()[TAG].clone();
    let commit = shop.authority_git(&["rev-parse", &format!("{TAG}^{{commit}}")]);
    shop.authority_git(&["update-ref", TAG, &commit]);
    let found = finding(&ana, &[], "tag", TAG, false);
    says(&found, &["lightweight", &commit[..7], &minted, "put it back: git push origin"]);
    ana.refused(&["fsck", "--repair"], 9);
    // The words of it, on another commit.
    ana.commit("src/evil.txt", "evil", "feat: evil");
    let forge = |object: &str| {
        let text = shop.authority_git(&["cat-file", "tag", object]).replacen(&commit, &ana.tip(), 1);
        let file = shop.world.at("forged-tag");
        fs::write(&file, format!("{text}\n")).unwrap();
        shop.authority_git(&["hash-object", "-t", "tag", "-w", file.to_str().unwrap()])
    };
    let (candidate, release) = (forge(&minted), forge(RELEASE));
    let real = shop.refs()[RELEASE].clone();
    shop.authority_git(&["update-ref", TAG, &candidate]);
    shop.authority_git(&["update-ref", RELEASE, &release]);
    let found = findings(&shop.clone_for("bob"), &[]);
    assert_eq!((found.len(), &found[0]["ref"], &found[1]["ref"]), (2, &json!(TAG), &json!(RELEASE)));
    says(&found[0], &["moved", &candidate, &minted]);
    says(&found[1], &["moved", &release, &real]);
    // The way on that it names.
    for finding in &found {
        let hint = finding["hints"][0].as_str().unwrap().strip_prefix("put it back: git ").unwrap();
        ana.git(&hint.split(' ').collect::<Vec<_>>());
    }
    is_clean(&ana);
}

// ---- artifacts ----

/// Every file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn write(path: &Path, text: &str) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, text).unwrap();
}

/// A commit behind the artifacts ref with this text for `app.txt`.
fn replace(shop: &Shop, text: &str) -> String {
    let file = shop.world.at("forged");
    fs::write(&file, text).unwrap();
    let blob = shop.authority_git(&["hash-object", "-w", file.to_str().unwrap()]);
    let listing = shop.authority_git(&["ls-tree", ARTIFACTS]);
    let lines: Vec<String> = listing
        .lines()
        .map(|line| {
            if line.ends_with("\tapp.txt") { format!("100644 blob {blob}\tapp.txt") } else { line.to_owned() }
        })
        .collect();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let mut mktree = shop.world.command("git", &shop.world.person("admin"), &shop.authority());
    let output = mktree.arg("mktree").stdin(fs::File::open(&file).unwrap()).output().unwrap();
    let tree = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let commit = shop.authority_git(&["commit-tree", "-m", "forged", &tree]);
    shop.authority_git(&["update-ref", ARTIFACTS, &commit]);
    commit
}

#[test]
fn a_changed_byte_in_git_is_found() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let commit = replace(&shop, "one\na d0or\n");
    let found = finding(&ana, &[], "artifact", ARTIFACTS, false);
    assert_eq!(found["commit"], commit);
    says(&found, &["app.txt of v0.1.0-rc.1 is not what was recorded", "sha256:"]);
    ana.json(&["fsck", "--quick"]);
    replace(&shop, "one\n");
    for args in [&[][..], &["--quick"]] {
        let found = finding(&ana, args, "artifact", ARTIFACTS, false);
        says(&found, &["it has 4 bytes, not 11"]);
    }
}

#[test]
fn artifacts_that_are_gone_from_git_are_found() {
    let shop = with_history(Kind::Path);
    let was = shop.refs();
    // Carl has deployed it, so that he has a copy of the ref.
    let carl = shop.clone_for("carl");
    carl.deploy("staging", &["v0.1.0-rc.1", "--redeploy", "--override", "blocked", "--reason", "once"]);
    shop.authority_git(&["update-ref", "-d", ARTIFACTS]);
    finding(&shop.clone_for("bob"), &["--quick"], "artifact", ARTIFACTS, false);
    for desk in [shop.ana(), carl] {
        finding(&desk, &[], "artifact", ARTIFACTS, true);
        desk.json(&["fsck", "--repair"]);
        assert_eq!(shop.refs()[ARTIFACTS], was[ARTIFACTS], "from the cache too it is the same commit");
        shop.authority_git(&["update-ref", "-d", ARTIFACTS]);
    }
}

#[test]
fn a_folder_of_artifacts_is_checked_too() {
    let shop = Shop::new();
    let ana = shop.ana();
    let store = shop.world.at("store");
    ana.keep_artifacts_in(&store);
    ana.cut(&[]);
    ana.cut(&["--again"]);
    let checked = is_clean(&ana);
    assert_eq!(
        (&checked["tags"], &checked["artifacts"]),
        (&json!(2), &json!(3)),
        "a file of two is read once"
    );
    let is_app = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes == b"one\na door\n");
    let app = files(&store).into_iter().find(is_app).unwrap();

    write(&app, "one\na d0or\n");
    let found = findings(&ana, &[]);
    assert_eq!((found.len(), &found[0]["repairable"]), (2, &json!(false)), "{found:#?}");
    says(&found[0], &["app.txt of v0.1.0-rc.1", app.to_str().unwrap(), "remove it"]);
    ana.json(&["fsck", "--quick"]);
    ana.refused(&["fsck", "--repair"], 9);

    write(&app, "one");
    assert_eq!(findings(&ana, &["--quick"]).len(), 2);
    fs::remove_file(&app).unwrap();
    let bob = shop.clone_for("bob");
    assert!(findings(&bob, &["--quick"]).iter().all(|one| one["repairable"] == false));
    assert_eq!(findings(&ana, &["--quick"])[0]["repairable"], true);
    ana.json(&["fsck", "--repair"]);
    assert!(is_app(&app), "from the cache of who built it");
    is_clean(&bob);

    fs::rename(&store, shop.world.at("away")).unwrap();
    let found = findings(&bob, &[]);
    assert_eq!((found.len(), &found[0]["kind"]), (1, &json!("store")), "one word for all that is in it");
}

#[test]
fn a_damaged_copy_in_the_cache_is_told_and_harms_nobody() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let cache = ana.dir.join(".git/rel/cache");
    let app =
        files(&cache).into_iter().find(|path| fs::read(path).is_ok_and(|b| b == b"one\na door\n")).unwrap();
    write(&app, "one\na d0or\n");
    let output = ana.rel(&["fsck"]).ok();
    assert!(output.stderr.contains("app.txt is damaged in this clone's cache"), "{output:?}");
}

// ---- all of it ----

/// Everything is told at once, and what can be is put right.
#[test]
fn several_things_at_once_are_all_found() {
    let shop = with_history(Kind::Path);
    let ana = shop.ana();
    let commit = shop.authority_git(&["rev-parse", "v0.1.0^{commit}"]);
    shop.authority_git(&["notes", "--ref=rel/shop/env/staging", "append", "-m", "by hand", &commit]);
    shop.authority_git(&["update-ref", PROD, &format!("{PROD}~1")]);
    shop.authority_git(&["update-ref", "-d", TAG]);
    shop.authority_git(&["update-ref", RELEASE, &commit]);
    shop.authority_git(&["update-ref", "-d", ARTIFACTS]);
    let found = findings(&ana, &[]);
    let kinds: Vec<&str> = found.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["history", "notes", "tag", "release", "artifact"]);
    let said = ana.rel(&["fsck"]).code(9).stderr;
    assert!(said.contains("4 of them can be put right from this clone: rel fsck --repair"), "{said}");

    let output = ana.rel(&["fsck", "--repair", "--json"]).code(9).json();
    assert_eq!(output["repaired"].as_array().unwrap().len(), 4, "{output:#}");
    assert_eq!(output["findings"].as_array().unwrap().len(), 1);
    assert_eq!(output["findings"][0]["kind"], "release");
    finding(&shop.clone_for("bob"), &[], "release", RELEASE, false);
}

/// A protected tag keeps nothing else from being put right.
#[test]
fn one_refusal_does_not_keep_the_others_away() {
    let shop = with_history(Kind::Path);
    let was = shop.refs();
    for name in [TAG, RELEASE, PROD] {
        shop.authority_git(&["update-ref", "-d", name]);
    }
    let hooks = shop.authority().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    let hook = hooks.join("update");
    fs::write(&hook, format!("#!/bin/sh\ntest \"$1\" != {RELEASE}\n")).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let output = shop.ana().rel(&["fsck", "--repair", "--json"]).code(9).json();
    let found = &output["findings"];
    assert_eq!((found.as_array().unwrap().len(), &found[0]["ref"]), (1, &json!(RELEASE)), "{output:#}");
    says(&found[0], &["could not be put right", "refused the change"]);
    assert_eq!((&shop.refs()[TAG], &shop.refs()[PROD]), (&was[TAG], &was[PROD]));
}
