//! One changed byte, or a tag that is not the one that was minted: exit 9,
//! and nothing runs.

use std::fs;
use std::path::Path;

use crate::repo::{Desk, Shop};

/// Must be refused as damaged, with nothing run and nothing recorded.
#[track_caller]
fn is_damaged(desk: &Desk<'_>, args: &[&str]) {
    let before = desk.before();
    let output = desk.rel(&[args, &["--json"]].concat()).code(9);
    assert_eq!(output.kind(), "integrity");
    assert!(!output.ways_on().is_empty(), "{output:?}");
    desk.unchanged(&before);
}

/// Every file below a folder.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
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

/// Changes one byte of every copy of the artifact in this folder.
fn damage(dir: &Path) -> usize {
    let copies =
        files(dir).into_iter().filter(|path| fs::read(path).is_ok_and(|bytes| bytes == b"one\na door\n"));
    let mut damaged = 0;
    for copy in copies {
        let mut permissions = fs::metadata(&copy).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
        fs::set_permissions(&copy, permissions).unwrap();
        fs::write(&copy, b"one\na d0or\n").unwrap();
        damaged += 1;
    }
    damaged
}

/// Another tree behind the artifacts ref, with the same names.
fn replace_artifacts(shop: &Shop, tag: &str) {
    let admin = shop.ana();
    let blob_file = shop.world.at("forged");
    fs::write(&blob_file, "one\na d0or\n").unwrap();
    let name = format!("refs/rel/shop/artifacts/{}", tag.trim_start_matches('v'));
    let listing = shop.authority_git(&["ls-tree", "-r", &name]);
    assert!(listing.contains("app.txt"), "{listing}");
    let forged = shop.authority_git(&["hash-object", "-w", blob_file.to_str().unwrap()]);
    let index = shop.world.at("forged-index");
    let git = |args: &[&str]| {
        let mut command = shop.world.command("git", &admin.person, &shop.authority());
        let output = command.args(args).env("GIT_INDEX_FILE", &index).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["read-tree", &name]);
    let path =
        listing.lines().find_map(|line| line.split('\t').nth(1).filter(|p| p.ends_with("app.txt"))).unwrap();
    git(&["update-index", "--add", "--cacheinfo", &format!("100644,{forged},{path}")]);
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", "-m", "forged", &tree]);
    git(&["update-ref", &name, &commit]);
}

#[test]
fn a_changed_byte_in_the_artifacts_ref_is_never_deployed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    replace_artifacts(&shop, &tag);
    let bob = shop.clone_for("bob");
    is_damaged(&bob, &["deploy", "staging", "--yes"]);
    assert!(shop.ran("staging").is_empty());
    assert!(shop.events("env/staging").is_empty(), "checked before the intent: no record");
}

#[test]
fn a_missing_artifacts_ref_is_exit_9() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.authority_git(&["update-ref", "-d", "refs/rel/shop/artifacts/0.1.0-rc.1"]);
    is_damaged(&shop.clone_for("bob"), &["deploy", "staging", "--yes"]);
}

#[test]
fn a_changed_byte_in_a_folder_of_artifacts_is_never_deployed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let store = shop.world.at("store");
    ana.keep_artifacts_in(&store);
    ana.cut(&[]);
    assert_eq!(damage(&store), 1);
    is_damaged(&shop.clone_for("bob"), &["deploy", "staging", "--yes"]);
    assert!(shop.ran("staging").is_empty());
}

/// A clone's cache is only a copy: its damage never reaches a command, and
/// the recorded bytes are fetched again or the deployment is refused.
#[test]
fn a_changed_byte_in_the_cache_is_never_deployed() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    assert!(damage(&ana.dir.join(".git")) >= 1, "the cut left a copy in this clone");
    let output = ana.rel(&["deploy", "staging", "--yes", "--json"]);
    match output.code {
        9 => assert!(shop.ran("staging").is_empty()),
        0 => {
            let given = fs::read(shop.world.shop().join("deploy/staging-1/artifacts/app.txt")).unwrap();
            assert_eq!(given, b"one\na door\n");
        }
        _ => panic!("{output:?}"),
    }
}

/// Both the cache and its source: nothing can heal it.
#[test]
fn a_changed_byte_everywhere_is_exit_9() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    damage(&ana.dir.join(".git"));
    replace_artifacts(&shop, &tag);
    // The first run may throw the damaged copy away; it must not run anything.
    ana.rel(&["deploy", "staging", "--yes", "--json"]).code(9);
    is_damaged(&ana, &["deploy", "staging", "--yes"]);
    assert!(shop.world.lines("ran").is_empty());
}

#[test]
fn a_tag_that_was_moved_is_exit_9() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.commit("src/evil.txt", "evil", "feat: evil");
    // The same words on another commit.
    let object = shop.authority_git(&["cat-file", "tag", &tag]);
    let forged = object.replacen(&ana.git(&["rev-parse", "HEAD~1"]), &ana.tip(), 1);
    assert_ne!(object, forged);
    let file = shop.world.at("forged-tag");
    fs::write(&file, format!("{forged}\n")).unwrap();
    let oid = shop.authority_git(&["hash-object", "-t", "tag", "-w", file.to_str().unwrap()]);
    shop.authority_git(&["update-ref", &format!("refs/tags/{tag}"), &oid]);
    is_damaged(&ana, &["deploy", "staging", &tag, "--yes"]);
    is_damaged(&shop.clone_for("bob"), &["deploy", "staging", "--yes"]);
}

#[test]
fn a_tag_that_became_lightweight_or_is_gone_is_exit_9() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let name = format!("refs/tags/{tag}");
    shop.authority_git(&["update-ref", &name, &ana.tip()]);
    is_damaged(&ana, &["deploy", "staging", &tag, "--yes"]);
    shop.authority_git(&["update-ref", "-d", &name]);
    is_damaged(&ana, &["deploy", "staging", &tag, "--yes"]);
    assert!(shop.world.lines("ran").is_empty());
}

/// The clone's own `refs/tags` is never the authority: some tools make annotated tags lightweight.
#[test]
fn a_local_tag_does_not_count() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let first = ana.tip();
    ana.commit("src/later.txt", "later", "feat: later");
    let bob = shop.clone_for("bob");
    bob.git(&["update-ref", &format!("refs/tags/{tag}"), "HEAD"]);
    let done = bob.deploy("staging", &[&tag]);
    assert_eq!(done["commit"], first);
}

#[test]
fn a_rollback_checks_as_well() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    shop.authority_git(&["update-ref", &format!("refs/tags/{first}"), &ana.tip()]);
    let ran = shop.ran("staging").len();
    ana.rel(&["rollback", "staging", "--to", &first, "--yes", "--json"]).code(9);
    assert_eq!(shop.ran("staging").len(), ran);
}

/// A chain whose tip is of a newer version can be read around, never written over.
#[test]
fn what_a_newer_version_wrote_is_not_written_over() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let name = "refs/notes/rel/shop/env/staging";
    let message =
        shop.authority_git(&["log", "-1", "--format=%B", name]).replacen("{\"v\":1,", "{\"v\":99,", 1);
    let oid = shop.authority_git(&["commit-tree", "-p", name, "-m", &message, &format!("{name}^{{tree}}")]);
    shop.authority_git(&["update-ref", name, &oid]);
    let before = shop.refs();
    let output = ana.rel(&["deploy", "staging", "--redeploy", "--yes", "--json"]);
    assert_ne!(output.code, 0, "{output:?}");
    assert_eq!(shop.refs(), before);
    assert_eq!(shop.ran("staging").len(), 1);
}
