//! One story in every kind of clone, with the answers of a full one.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use serde_json::Value;

use crate::remote::Kind;
use crate::repo::{Desk, FrozenShop, Shop, string};

/// Tells the story in a clone that this makes.
macro_rules! in_every_kind_of_clone {
    ($($kind:ident),* $(,)?) => {$(
        #[test]
        fn $kind() {
            story(kinds::$kind);
        }
    )*};
}

in_every_kind_of_clone!(
    full,
    depth_1,
    blobless,
    treeless,
    single_branch,
    no_tags,
    detached,
    linked_worktree,
    bare,
    lightweight_tags,
    ci_checkout,
);

/// How each kind is made: only git is used, and only what users of it do.
mod kinds {
    use super::*;

    fn clone<'s>(shop: &'s Shop, args: &[&str]) -> Desk<'s> {
        let person = shop.world.person("bob");
        let dir = shop.world.at("bob");
        // By a path git would copy the repository, whatever is asked for.
        let url = format!("file://{}", shop.authority().display());
        let args = [&["clone", "--quiet"], args, &[&url, dir.to_str().unwrap()]].concat();
        shop.world.git(&person, &shop.world.at("tmp"), &args);
        Desk { shop, person, dir }
    }

    pub fn full(shop: &Shop) -> Desk<'_> {
        clone(shop, &[])
    }

    pub fn depth_1(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--depth=1"])
    }

    pub fn blobless(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--filter=blob:none"])
    }

    pub fn treeless(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--filter=tree:0"])
    }

    pub fn single_branch(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--single-branch", "--branch=topic"])
    }

    pub fn no_tags(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--no-tags"])
    }

    pub fn detached(shop: &Shop) -> Desk<'_> {
        let desk = clone(shop, &[]);
        desk.git(&["checkout", "--quiet", "--detach", "HEAD~2"]);
        desk
    }

    pub fn linked_worktree(shop: &Shop) -> Desk<'_> {
        let desk = clone(shop, &[]);
        let dir = shop.world.at("linked");
        desk.git(&["worktree", "add", "--quiet", "--detach", dir.to_str().unwrap(), "HEAD~1"]);
        Desk { dir, ..desk }
    }

    pub fn bare(shop: &Shop) -> Desk<'_> {
        clone(shop, &["--bare"])
    }

    pub fn lightweight_tags(shop: &Shop) -> Desk<'_> {
        let desk = clone(shop, &[]);
        flatten(&desk);
        desk
    }

    /// As a CI system makes it: one commit, detached, and tags that have lost
    /// what was written into them.
    pub fn ci_checkout(shop: &Shop) -> Desk<'_> {
        let desk = clone(shop, &["--depth=1", "--no-checkout"]);
        desk.git(&["fetch", "--quiet", "--depth=1", "origin", "refs/tags/*:refs/tags/*"]);
        desk.git(&["checkout", "--quiet", "--force", "--detach", "origin/main"]);
        flatten(&desk);
        desk
    }

    fn flatten(desk: &Desk<'_>) {
        for tag in desk.git(&["tag", "--list"]).lines() {
            desk.git(&["update-ref", &format!("refs/tags/{tag}"), &format!("{tag}^{{commit}}")]);
        }
    }
}

/// The project where the story begins, and the commits that questions are asked about.
fn with_history() -> (Shop, Vec<String>) {
    static MADE: OnceLock<(FrozenShop, Vec<String>)> = OnceLock::new();
    let (shop, commits) = MADE.get_or_init(|| {
        let shop = Shop::new();
        let commits = history(&shop);
        (shop.freeze(), commits)
    });
    (Shop::thaw(shop, Kind::Path), commits.clone())
}

/// Where the story begins: releases, a pick, a tag of somebody else's, and
/// commits that wait. The commits that questions are asked about.
fn history(shop: &Shop) -> Vec<String> {
    let ana = shop.ana();
    shop.authority_git(&["config", "uploadpack.allowFilter", "true"]);
    shop.authority_git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for n in 0..3 {
        ana.commit("lib/draft.txt", &format!("draft {n}\n"), "docs: another draft");
    }
    let old = ana.commit("src/old.txt", "old\n", "feat: what was there before");
    ana.git(&["tag", "--annotate", "--message", "by hand", "v0.3.0"]);
    ana.git(&["push", "--quiet", "origin", "v0.3.0"]);
    ana.commit("lib/er/shelf.txt", "a shelf\n", "fix(shelf): put it up");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.commit("src/roof.txt", "a roof\n", "feat!: a roof over it");
    let fix = ana.commit("lib/er/leak.txt", "sealed\n", "fix: the leak");
    let pick = string(&ana.json(&["cherry-pick", &fix])["candidate"]["commit"]);
    ana.deploy("staging", &[]);
    let wip = ana.commit("lib/cellar.txt", "dug\n", "feat: a cellar");
    ana.git(&["push", "--quiet", "origin", "HEAD~1:refs/heads/topic"]);
    vec![old, fix, pick, wip]
}

/// What everybody is asked, with the answers.
fn answers(desk: &Desk<'_>, commits: &[String]) -> BTreeMap<String, Value> {
    let [old, fix, pick, wip] = commits else { panic!("four commits") };
    let questions: Vec<Vec<&str>> = vec![
        vec!["status"],
        vec!["status", "prod"],
        vec!["list"],
        vec!["log"],
        vec!["log", "prod"],
        vec!["where", old],
        vec!["where", fix],
        vec!["where", pick],
        vec!["where", wip],
        vec!["diff", "prod"],
        vec!["diff", "prod", "staging"],
        vec!["diff", "v0.3.0", "trunk", "--stat"],
        vec!["diff", "prod", "trunk", "--path", "lib/"],
        vec!["changelog"],
        vec!["changelog", "prod"],
        vec!["show", "staging"],
        vec!["show", "prod"],
    ];
    let answer = |question: &Vec<&str>| {
        let mut document = desk.json(question);
        timeless(&mut document);
        (question.join(" "), document)
    };
    questions.iter().map(answer).collect()
}

/// Without what depends on when it was asked, and where.
fn timeless(document: &mut Value) {
    match document {
        Value::Object(members) => {
            members.retain(|name, _| !["as_of", "ready_at", "not_here"].contains(&name.as_str()));
            members.values_mut().for_each(timeless);
        }
        Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}

/// Fails the test at the first answer that is another one.
#[track_caller]
fn same(odd: &BTreeMap<String, Value>, full: &BTreeMap<String, Value>) {
    for (question, answer) in full {
        assert_eq!(&odd[question], answer, "rel {question}");
    }
}

/// The names of what is here, and what HEAD and the working tree are.
fn belongings(desk: &Desk<'_>) -> Vec<String> {
    let bare = desk.git(&["rev-parse", "--is-bare-repository"]) == "true";
    vec![
        fs::read_to_string(desk.dir.join(desk.git(&["rev-parse", "--git-path", "HEAD"]))).unwrap(),
        if bare { String::new() } else { desk.git(&["status", "--porcelain"]) },
        desk.git(&["config", "--local", "--list"]),
        desk.git(&["for-each-ref", "refs/tags/v0.3.*", "refs/heads"]),
    ]
}

/// How many of these objects are here, asking nobody for them.
fn here(desk: &Desk<'_>, objects: &[String]) -> usize {
    let mut command = desk.shop.world.command("git", &desk.person, &desk.dir);
    command.args(["cat-file", "--batch-check"]).env("GIT_NO_LAZY_FETCH", "1");
    let list = desk.shop.world.at("tmp/objects");
    fs::write(&list, objects.join("\n")).unwrap();
    let said = command.stdin(fs::File::open(list).unwrap()).output().unwrap().stdout;
    String::from_utf8(said).unwrap().lines().filter(|line| line.contains(" blob ")).count()
}

fn story(make: for<'s> fn(&'s Shop) -> Desk<'s>) {
    let (shop, commits) = with_history();
    let (ana, bob) = (shop.ana(), make(&shop));
    let partial = bob.git(&["config", "--local", "--list"]).contains("partialclonefilter");
    // Files that nobody asks about.
    let drafts = [2, 3].map(|n| ana.git(&["rev-parse", &format!("{}~{n}:lib/draft.txt", commits[0])]));
    assert_eq!(here(&ana, &drafts), 2);
    let before = belongings(&bob);

    same(&answers(&bob, &commits), &answers(&ana, &commits));

    // What bob does is what ana would have done.
    let cut = bob.json(&["cut"]);
    assert_eq!((&cut["made"], &cut["candidate"]["tag"]), (&true.into(), &"v0.4.0-rc.1".into()), "{cut}");
    assert_eq!(bob.deploy("staging", &[])["tag"], "v0.4.0-rc.1");
    assert_eq!(bob.deploy("prod", &[])["tag"], "v0.4.0-rc.1");
    assert_eq!(bob.rollback("prod", &[])["tag"], "v0.3.1-rc.1");
    bob.json(&["unlock", "prod", "--reason", "looked at"]);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    let crack = ana.commit("lib/er/crack.txt", "filled\n", "fix: the crack");
    let picked = bob.json(&["cherry-pick", &crack, "--onto", "0.4.0"]);
    assert_eq!(picked["candidate"]["tag"], "v0.4.1-rc.1", "{picked}");
    assert_eq!(bob.deploy("staging", &[])["tag"], "v0.4.1-rc.1");

    let commits = [&commits[..3], &[crack]].concat();
    same(&answers(&bob, &commits), &answers(&ana, &commits));
    assert_eq!(before, belongings(&bob), "the clone is another one");
    assert_eq!(here(&bob, &drafts), if partial { 0 } else { 2 });
    assert_eq!(bob.git(&["rev-parse", "--is-shallow-repository"]), "false", "it got the history it lacked");
    let fsck = shop.world.try_git(&bob.person, &bob.dir, &["fsck", "--connectivity-only"]);
    assert!(fsck.0, "{fsck:?}");
}

#[test]
fn a_shallow_clone_is_deepened_by_who_needs_history_and_nobody_else() {
    let (shop, commits) = with_history();
    let bob = kinds::depth_1(&shop);
    let shallow = || bob.git(&["rev-parse", "--is-shallow-repository"]) == "true";
    for args in [
        vec!["doctor"],
        vec!["log"],
        vec!["lock", "prod", "--reason", "x"],
        vec!["unlock", "prod", "--reason", "x"],
        vec!["config", "show"],
        vec!["sync"],
    ] {
        bob.rel(&args).ok();
        assert!(shallow(), "{args:?}");
    }
    let offline = bob.rel(&["status", "--offline"]).ok();
    assert!(shallow() && offline.stderr.contains("may come out short"), "{offline:?}");
    let failed = bob.rel(&["cut", "--dry-run", "--offline"]).code(4);
    assert!(failed.stderr.contains("git fetch --unshallow"), "{failed:?}");
    let said = bob.rel(&["where", &commits[0]]).ok();
    assert!(said.stderr.contains("fetching the rest of the history of main"), "{said:?}");
    assert!(!shallow());
    assert_eq!(bob.rel(&["where", &commits[0]]).ok().stderr, "");
}

/// Offline nobody is asked, and what is missing is said to be.
#[test]
fn a_partial_clone_offline_says_what_it_lacks() {
    let (shop, _) = with_history();
    let bob = kinds::treeless(&shop);
    bob.rel(&["log"]).ok();
    let ask = ["diff", "v0.3.0", "trunk", "--stat", "--offline"];
    let before = bob.git(&["count-objects", "-v"]);
    let output = bob.rel(&[&ask[..], &["--json"]].concat()).code(1);
    assert!(output.ways_on().contains("without --offline"), "{output:?}");
    assert_eq!(bob.git(&["count-objects", "-v"]), before, "something was fetched");
    bob.json(&ask[..4]);
    bob.json(&ask);
}

/// What was cut off elsewhere, as a pull request that was checked out, stays.
#[test]
fn only_trunk_has_to_be_whole() {
    let (shop, _) = with_history();
    let ana = shop.ana();
    ana.git(&["checkout", "--quiet", "-b", "side", "HEAD~2"]);
    ana.commit_here("side.txt", "1\n", "feat: aside");
    ana.commit_here("side.txt", "2\n", "feat: further aside");
    ana.git(&["push", "--quiet", "origin", "side"]);
    ana.git(&["checkout", "--quiet", "main"]);
    let bob = kinds::full(&shop);
    bob.git(&["fetch", "--quiet", "--depth=1", "origin", "side"]);
    let edges = fs::read(bob.dir.join(".git/shallow")).unwrap();
    assert_eq!(bob.rel(&["status"]).ok().stderr, "");
    assert_eq!(bob.cut(&[]), "v0.4.0-rc.1");
    assert_eq!(fs::read(bob.dir.join(".git/shallow")).unwrap(), edges);
}

/// A remote that is itself cut off has no more to give, and says so.
#[test]
fn what_no_clone_can_get_is_said() {
    let (shop, _) = with_history();
    let (ana, cut_off) = (shop.ana(), shop.world.at("cut-off.git"));
    let url = format!("file://{}", shop.authority().display());
    let args = ["clone", "--quiet", "--bare", "--depth=2", &url, cut_off.to_str().unwrap()];
    shop.world.git(&ana.person, &shop.world.at("tmp"), &args);
    let bob = kinds::depth_1(&shop);
    bob.git(&["remote", "set-url", "origin", &format!("file://{}", cut_off.display())]);
    let status = bob.rel(&["status"]).ok();
    assert!(status.stderr.contains("may come out short"), "{status:?}");
    bob.refused_by(&["cut"], 4, &["shallow"]);
}

/// What libgit2 cannot read is never misread, and what to do about it does it.
#[test]
fn a_reftable_is_named_with_how_to_leave_it() {
    let (shop, _) = with_history();
    let bob = shop.world.person("bob");
    let dir = shop.world.at("bob");
    let url = shop.remote.as_ref().unwrap().url.clone();
    let args = ["clone", "--quiet", "--ref-format=reftable", &url, dir.to_str().unwrap()];
    shop.world.git(&bob, &shop.world.at("tmp"), &args);
    let bob = Desk { shop: &shop, person: bob, dir };
    for args in [vec!["status"], vec!["cut"], vec!["deploy", "prod", "--yes"], vec!["init", "--yes"]] {
        let output = bob.rel(&[&args[..], &["--json"]].concat()).code(1);
        let hint = "git refs migrate --ref-format=files";
        assert!(output.stderr.contains("reftable") && output.ways_on().contains(hint), "{output:?}");
    }
    let doctor = bob.rel(&["doctor"]).code(4).stdout;
    assert!(doctor.contains("problem  repository") && doctor.contains("git refs migrate"), "{doctor}");
    let clone = doctor.lines().find_map(|line| line.find("git clone").map(|at| line[at..].to_owned()));
    let command = clone.expect("the way on where git cannot migrate") + " new";
    let ran = shop.world.command("sh", &bob.person, &shop.world.at("tmp")).args(["-c", &command]).output();
    assert!(ran.unwrap().status.success(), "{command}");
    let new = Desk { dir: shop.world.at("tmp/new"), ..bob };
    assert_eq!(new.cut(&[]), "v0.4.0-rc.1");
}

/// A remote may keep its refs as it likes: only git looks at it.
#[test]
fn a_remote_may_keep_its_refs_in_a_reftable() {
    let shop = Shop::new();
    shop.authority_git(&["refs", "migrate", "--ref-format=reftable"]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.rel(&["doctor"]).ok();
    assert_eq!(ana.live("staging"), "v0.1.0-rc.1");
}

#[test]
fn sha256_is_named_with_how_to_leave_it() {
    let shop = Shop::bare(crate::remote::Kind::Local);
    let ana = shop.ana();
    fs::remove_dir_all(ana.dir.join(".git")).unwrap();
    ana.git(&["init", "--quiet", "--template=", "--object-format=sha256"]);
    ana.write("release.toml", &shop.release_toml());
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "feat: open the shop"]);
    let output = ana.rel(&["status", "--json"]).code(1);
    assert!(output.stderr.contains("SHA-256"), "{output:?}");
    let doctor = ana.rel(&["doctor"]).code(4).stdout;
    let command = doctor.lines().find_map(|line| line.find("git init").map(|at| line[at..].to_owned()));
    let command = command.unwrap_or_else(|| panic!("no way on: {doctor}"));
    let ran = shop.world.command("sh", &ana.person, &ana.dir).args(["-c", &command]).output().unwrap();
    assert!(ran.status.success(), "{command}");
    let new = Desk { shop: &shop, person: ana.person.clone(), dir: shop.world.at("ana-sha1") };
    new.git(&["reset", "--quiet", "--hard"]);
    new.rel(&["status"]).ok();
}

#[test]
fn a_sha256_remote_is_named() {
    let shop = Shop::new();
    let ana = shop.ana();
    let other = shop.world.at("sha256.git");
    let args = ["init", "--quiet", "--bare", "--object-format=sha256", other.to_str().unwrap()];
    shop.world.git(&ana.person, &shop.world.at("tmp"), &args);
    let seed = shop.world.at("seed");
    let seed_args = ["clone", "--quiet", other.to_str().unwrap(), seed.to_str().unwrap()];
    shop.world.git(&ana.person, &shop.world.at("tmp"), &seed_args);
    shop.world.git(&ana.person, &seed, &["commit", "--quiet", "--allow-empty", "--message", "x"]);
    shop.world.git(&ana.person, &seed, &["push", "--quiet", "origin", "HEAD:main"]);
    ana.git(&["remote", "set-url", "origin", other.to_str().unwrap()]);
    for (args, code) in [(vec!["status"], 1), (vec!["cut"], 1), (vec!["doctor"], 4)] {
        let output = ana.rel(&args).code(code);
        let said = output.stdout + &output.stderr;
        assert!(said.contains("SHA-256"), "{said}");
    }
}
