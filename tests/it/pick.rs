//! `rel cherry-pick`: a fix becomes the next candidate.

use std::path::Path;

use crate::output::Output;
use crate::repo::{Desk, Shop, string};
use crate::world::Running;

/// A release on trunk with unfinished work after it, and then a fix; the
/// fix's commit.
fn a_release_and_a_fix(ana: &Desk<'_>) -> String {
    ana.cut(&[]);
    ana.commit("src/wip.txt", "half done\n", "feat: half done");
    ana.commit("src/fix.txt", "fixed\n", "fix: the till")
}

#[test]
fn it_makes_the_next_candidate_of_an_open_release() {
    let shop = Shop::new();
    let ana = shop.ana();
    let trunk = ana.tip();
    let fix = a_release_and_a_fix(&ana);
    let document = ana.json(&["cherry-pick", &fix]);
    assert_eq!(document["made"], true);
    let candidate = &document["candidate"];
    assert_eq!(candidate["tag"], "v0.1.0-rc.2");
    assert_eq!(candidate["parent"], "v0.1.0-rc.1");
    assert_eq!(candidate["trunk_commit"], trunk);
    assert_eq!(candidate["picks"].as_array().unwrap().len(), 1);
    assert_eq!(candidate["picks"][0]["source"], fix);
    assert_eq!(candidate["picks"][0]["commit"], candidate["commit"]);

    let commit = string(&candidate["commit"]);
    assert_eq!(shop.authority_git(&["rev-parse", &format!("{commit}^")]), trunk);
    assert_eq!(shop.authority_git(&["log", "-1", "--format=%s|%an", &commit]), "fix: the till|ana");
    let names = shop.authority_git(&["diff", "--name-only", &trunk, &commit]);
    assert_eq!(names, "src/fix.txt", "only the fix");
    let tag = shop.authority_git(&["for-each-ref", "--format=%(contents)", "refs/tags/v0.1.0-rc.2"]);
    assert!(tag.contains(&format!("Rel-Picked: {fix} as {commit}")), "{tag}");
    assert!(tag.contains("Rel-Parent: v0.1.0-rc.1"), "{tag}");
    assert!(tag.contains(&format!("Rel-Trunk: {trunk}")), "{tag}");
    assert_eq!(shop.world.lines("builds"), ["v0.1.0-rc.1", "v0.1.0-rc.2"], "with its own single build");
    assert_eq!(shop.refs()["refs/heads/main"], ana.tip(), "trunk is not touched");
    assert_eq!(ana.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
}

#[test]
fn it_opens_a_patch_release_onto_a_closed_one() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_release_and_a_fix(&ana);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let second = ana.commit("src/more.txt", "more\n", "fix: more");
    assert_eq!(ana.json(&["cherry-pick", &fix])["candidate"]["tag"], "v0.1.1-rc.1");
    let next = ana.json(&["cherry-pick", &second, "--onto", "0.1.1"]);
    assert_eq!(next["candidate"]["tag"], "v0.1.1-rc.2");
    assert_eq!(next["candidate"]["picks"].as_array().unwrap().len(), 1, "only what this one added: {next}");
    assert_eq!(next["candidate"]["parent"], "v0.1.1-rc.1");
}

#[test]
fn onto_an_environment_a_candidate_and_several_releases() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.cut_new("window");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let onto_live = ana.json(&["cherry-pick", &fix, "--onto", "staging"]);
    assert_eq!(onto_live["candidate"]["parent"], "v0.1.0-rc.1");
    let more = ana.commit("src/more.txt", "more\n", "fix: more");
    let exactly = ana.json(&["cherry-pick", &more, "--onto", "v0.1.0-rc.1"]);
    assert_eq!(exactly["candidate"]["parent"], "v0.1.0-rc.1", "exactly that one, not the newest");
    assert_eq!(exactly["candidate"]["tag"], "v0.1.0-rc.3");
    let third = ana.commit("src/third.txt", "third\n", "fix: third");
    let both = ana.json(&["cherry-pick", &third, "--onto", "0.1.0", "--onto", "0.2.0"]);
    let tags: Vec<String> = both["candidates"]
        .as_array()
        .unwrap_or_else(|| panic!("{both}"))
        .iter()
        .map(|one| string(one.get("candidate").unwrap_or(one).get("tag").unwrap()))
        .collect();
    assert_eq!(tags, ["v0.1.0-rc.4", "v0.2.0-rc.2"]);
}

#[test]
fn several_commits_in_the_order_given() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let one = ana.commit("src/fix.txt", "1\n", "fix: one");
    ana.commit("src/wip.txt", "wip\n", "feat: wip");
    let two = ana.commit("src/fix.txt", "1\n2\n", "fix: two");
    let document = ana.json(&["cherry-pick", &one, &two]);
    let picks = document["candidate"]["picks"].as_array().unwrap();
    assert_eq!(picks.len(), 2);
    assert_eq!((&picks[0]["source"], &picks[1]["source"]), (&one.clone().into(), &two.clone().into()));
    assert_eq!(picks[1]["commit"], document["candidate"]["commit"]);
    assert_eq!(shop.authority_git(&["show", "v0.1.0-rc.2:src/fix.txt"]), "1\n2");
}

#[test]
fn what_is_contained_already_makes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let contained = ana.tip();
    let fix = a_release_and_a_fix(&ana);
    let before = ana.before();
    assert_eq!(ana.json(&["cherry-pick", &contained])["made"], false);
    ana.unchanged(&before);
    ana.json(&["cherry-pick", &fix]);
    let before = ana.before();
    assert_eq!(ana.json(&["cherry-pick", &fix])["made"], false, "it was picked already");
    ana.unchanged(&before);
}

#[test]
fn a_merge_needs_its_mainline() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["checkout", "--quiet", "-b", "side"]);
    ana.write("src/side.txt", "side\n");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "fix: side"]);
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("src/main.txt", "main\n", "feat: main");
    ana.git(&["merge", "--quiet", "--no-ff", "--message", "merge side", "side"]);
    ana.push();
    let merge = ana.tip();
    ana.refused(&["cherry-pick", &merge], 2);
    let document = ana.json(&["cherry-pick", &merge, "-m", "1"]);
    let candidate = string(&document["candidate"]["tag"]);
    let names = shop.authority_git(&["diff", "--name-only", "v0.1.0-rc.1", &candidate]);
    assert_eq!(names, "src/side.txt");
}

/// The newest release is not the one that is live in the final environment.
#[test]
fn an_ambiguous_target_is_asked_for() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.cut_new("window");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let output = ana.refused(&["cherry-pick", &fix], 2);
    let said = format!("{}{}", output.ways_on(), output.json()["error"]["message"]);
    assert!(said.contains("0.1.0") && said.contains("0.2.0"), "it names both: {said}");
}

#[test]
fn a_dry_run_makes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_release_and_a_fix(&ana);
    let before = ana.before();
    let text = ana.rel(&["cherry-pick", &fix, "--dry-run"]).ok();
    assert!(text.stdout.contains("0.1.0-rc.2"), "{text:?}");
    ana.unchanged(&before);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = ana.tip();
    ana.refused(&["cherry-pick", &fix], 4);
    ana.cut(&[]);
    for args in
        [["cherry-pick", "no-such-commit", "--onto", "0.1.0"], ["cherry-pick", &fix, "--onto", "9.9.9"]]
    {
        assert_eq!(ana.refused(&args, 4).kind(), "not-found");
    }
}

#[test]
fn a_failed_build_of_a_pick_costs_its_number() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_release_and_a_fix(&ana);
    shop.world.set("fail-build");
    ana.rel(&["cherry-pick", &fix, "--json"]).code(6);
    shop.world.clear("fail-build");
    assert_eq!(ana.json(&["cherry-pick", &fix])["candidate"]["tag"], "v0.1.0-rc.3");
}

/// Whatever is checked out and changed in the working tree stays so.
#[test]
fn a_dirty_tree_is_no_obstacle() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_release_and_a_fix(&ana);
    ana.write("src/fix.txt", "my own half-written change\n");
    ana.write("untracked.txt", "x");
    let before = ana.git(&["status", "--porcelain=v2", "--untracked-files=all"]);
    ana.json(&["cherry-pick", &fix]);
    assert_eq!(ana.git(&["status", "--porcelain=v2", "--untracked-files=all"]), before);
}

/// Two words for one candidate are one target.
#[test]
fn a_target_named_twice_is_picked_onto_once() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let document = ana.json(&["cherry-pick", &fix, "--onto", "0.1.0", "--onto", &tag, "--onto", "staging"]);
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.2");
    assert_eq!(document["made"], true);
    assert_eq!(ana.json(&["list"])["releases"][0]["candidates"].as_array().unwrap().len(), 2);
}

/// Runs `rel` with a git before 2.40, whose merge-tree takes no merge base.
fn with_an_old_git(desk: &Desk<'_>, args: &[&str]) -> Output {
    let mut command = desk.command(&[args, &["--json"]].concat());
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/old-git");
    command.env("PATH", desk.shop.world.path_with(&old));
    Running::start(command).wait()
}

/// But for the time at which it is made.
#[test]
fn an_old_git_makes_the_same() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_release_and_a_fix(&ana);
    ana.commit("src/fix.txt", "fixed\nbetter\n", "fix: better");
    let beyond = ana.commit("src/fix.txt", "fixed\nbest\n", "fix: best");
    let picked = ana.json(&["cherry-pick", &fix]);
    let again = with_an_old_git(&ana, &["cherry-pick", &fix, "--onto", "v0.1.0-rc.1"]).ok().json();
    assert_eq!(again["candidate"]["tag"], "v0.1.0-rc.3");
    let shown = |document: &serde_json::Value| {
        let commit = string(&document["candidate"]["commit"]);
        shop.authority_git(&["show", "--no-patch", "--format=%T %P%n%an %ae %ad%n%B", &commit])
    };
    assert_eq!(shown(&again), shown(&picked));
    let output = with_an_old_git(&ana, &["cherry-pick", &beyond]).code(7);
    assert_eq!(output.kind(), "conflict");
    with_an_old_git(&ana, &["cherry-pick", "--abort"]).ok();
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
}
