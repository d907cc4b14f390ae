//! A cherry-pick that needs a person: it waits in a worktree, and is finished.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// A release, and two commits after it of which the second builds on the
/// first; the second.
fn a_fix_that_does_not_apply(desk: &Desk<'_>) -> String {
    desk.cut(&[]);
    desk.commit("src/app.txt", "two\n", "feat: two");
    desk.commit("src/app.txt", "two, fixed\n", "fix: two")
}

/// Picks, which must conflict; the worktree that it waits in.
#[track_caller]
fn conflicts(desk: &Desk<'_>, args: &[&str]) -> PathBuf {
    let output = desk.rel(&[&["cherry-pick"], args, &["--json"]].concat()).code(7);
    assert_eq!(output.kind(), "conflict");
    let listed = desk.git(&["worktree", "list", "--porcelain"]);
    let worktrees: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).collect();
    let [_, worktree] = worktrees[..] else { panic!("{listed}") };
    let hints = output.ways_on();
    assert!(hints.contains(worktree), "{hints}");
    assert!(hints.contains("rel cherry-pick --continue") && hints.contains("rel cherry-pick --abort"));
    let worktree = PathBuf::from(worktree);
    assert!(!worktree.starts_with(&desk.dir) && worktree.join(".git").is_file());
    worktree
}

fn git(desk: &Desk<'_>, dir: &Path, args: &[&str]) -> String {
    desk.shop.world.git(&desk.person, dir, args)
}

/// Resolves what is in conflict there.
fn resolve(desk: &Desk<'_>, worktree: &Path, text: &str) {
    std::fs::write(worktree.join("src/app.txt"), text).unwrap();
    git(desk, worktree, &["add", "src/app.txt"]);
}

fn goes_on(desk: &Desk<'_>) -> Value {
    desk.json(&["cherry-pick", "--continue"])
}

/// That nothing of it is left.
#[track_caller]
fn is_over(desk: &Desk<'_>, worktree: &Path) {
    assert_eq!(desk.git(&["worktree", "list"]).lines().count(), 1);
    assert!(!worktree.exists() && !desk.dir.join(".git/rel/shop/pick.json").exists());
    assert!(!worktree.parent().unwrap().exists());
    assert_eq!(desk.json(&["status"])["unfinished_pick"], Value::Null);
}

#[test]
fn it_waits_for_a_person_and_is_finished() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let bob = shop.clone_for("bob");
    let refs = shop.refs();
    let worktree = conflicts(&ana, &[&fix]);
    assert_eq!(shop.refs(), refs, "nobody else sees anything of it");
    assert_eq!(bob.json(&["status"])["unfinished_pick"], Value::Null);
    assert_eq!(ana.git(&["status", "--porcelain"]), "", "the working tree is untouched");
    // It is git's own conflict.
    assert_eq!(git(&ana, &worktree, &["status", "--porcelain"]), "UU src/app.txt");
    assert_eq!(git(&ana, &worktree, &["rev-parse", "CHERRY_PICK_HEAD"]), fix);
    let waits = ana.json(&["status"])["unfinished_pick"].clone();
    assert_eq!((&waits["source"], &waits["onto"]), (&fix.clone().into(), &"v0.1.0-rc.1".into()));
    assert_eq!(waits["conflicts"], serde_json::json!(["src/app.txt"]));
    let status = ana.rel(&["status"]).ok().stdout;
    assert!(status.contains("onto v0.1.0-rc.1 waits: 1 file in conflict."), "{status}");
    assert!(status.contains("then go on     rel cherry-pick --continue"), "{status}");

    // One at a time, and not before it is resolved.
    ana.refused(&["cherry-pick", &fix], 4);
    ana.refused(&["cherry-pick", "--continue"], 4);
    git(&ana, &worktree, &["add", "src/app.txt"]);
    let left = ana.refused(&["cherry-pick", "--continue"], 4);
    assert!(left.ways_on().contains("src/app.txt:1"), "{left:?}");
    resolve(&ana, &worktree, "one, fixed\n");
    let document = goes_on(&ana);
    assert_eq!((&document["made"], &document["candidate"]["tag"]), (&true.into(), &"v0.1.0-rc.2".into()));
    assert_eq!(document["candidate"]["picks"][0]["source"], fix);
    let commit = string(&document["candidate"]["commit"]);
    let said = shop.authority_git(&["log", "-1", "--format=%an|%ad|%B", &commit]);
    let theirs = ana.git(&["log", "-1", "--format=%an|%ad|", &fix]);
    assert!(said.starts_with(&theirs), "{said}");
    assert!(said.ends_with(&format!("(cherry picked from commit {fix})")), "{said}");
    assert_eq!(shop.authority_git(&["show", &format!("{commit}:src/app.txt")]), "one, fixed");
    assert_eq!(shop.world.lines("builds"), ["v0.1.0-rc.1", "v0.1.0-rc.2"]);
    is_over(&ana, &worktree);
    ana.refused(&["cherry-pick", "--continue"], 4);
}

#[test]
fn dropped_it_leaves_no_trace() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let before = ana.before();
    ana.rel(&["cherry-pick", &fix, "--dry-run"]).code(7);
    ana.unchanged(&before);
    let worktree = conflicts(&ana, &[&fix]);
    std::fs::write(worktree.join("notes"), "of mine\n").unwrap();
    ana.json(&["cherry-pick", "--abort"]);
    ana.unchanged(&before);
    is_over(&ana, &worktree);
    ana.refused(&["cherry-pick", "--abort"], 4);
    // A worktree that was removed by hand is told of.
    let worktree = conflicts(&ana, &[&fix]);
    std::fs::remove_dir_all(&worktree).unwrap();
    let gone = ana.rel(&["cherry-pick", "--continue"]).code(4);
    assert!(gone.stderr.contains("is gone") && gone.stderr.contains("--abort"), "{gone:?}");
    ana.json(&["cherry-pick", "--abort"]);
    ana.unchanged(&before);
}

#[test]
fn several_stop_at_each_conflict_and_go_on_after_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let first = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    ana.commit("src/app.txt", "two\n", "feat: two");
    let second = ana.commit("src/app.txt", "two, fixed\n", "fix: two");
    ana.commit("src/app.txt", "three\n", "feat: three");
    let third = ana.commit("src/app.txt", "three, fixed\n", "fix: three");
    let last = ana.commit("src/last.txt", "last\n", "fix: last");
    let worktree = conflicts(&ana, &[&first, &second, &third, &last]);
    assert!(worktree.join("src/fix.txt").exists(), "it is on top of what applied");
    resolve(&ana, &worktree, "one, fixed\n");
    // Committed by hand, with words of their own.
    git(&ana, &worktree, &["commit", "--quiet", "--message", "fix: two, by hand"]);
    assert_eq!(conflicts(&ana, &["--continue"]), worktree);
    resolve(&ana, &worktree, "one, fixed twice\n");
    let document = goes_on(&ana);
    let picks = document["candidate"]["picks"].as_array().unwrap();
    let sources: Vec<String> = picks.iter().map(|pick| string(&pick["source"])).collect();
    assert_eq!(sources, [&first, &second, &third, &last].map(Clone::clone));
    for (pick, source) in picks.iter().zip(&sources) {
        let message = shop.authority_git(&["log", "-1", "--format=%B", &string(&pick["commit"])]);
        assert!(message.contains(&format!("(cherry picked from commit {source})")), "{message}");
    }
    assert_eq!(shop.authority_git(&["show", "v0.1.0-rc.2:src/app.txt"]), "one, fixed twice");
    assert_eq!(shop.world.lines("builds").len(), 2, "one candidate, one build");
    is_over(&ana, &worktree);
}

#[test]
fn what_is_resolved_to_nothing_is_skipped() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let worktree = conflicts(&ana, &[&fix]);
    git(&ana, &worktree, &["checkout", "--quiet", "HEAD", "--", "src/app.txt"]);
    assert_eq!(goes_on(&ana)["made"], false);
    is_over(&ana, &worktree);
}

#[test]
fn a_build_that_fails_costs_no_resolution() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let worktree = conflicts(&ana, &[&fix]);
    resolve(&ana, &worktree, "one, broken\n");
    shop.world.set("fail-build");
    let failed = ana.rel(&["cherry-pick", "--continue"]).code(6);
    assert!(failed.stderr.contains("what was resolved is kept"), "{failed:?}");
    shop.world.clear("fail-build");
    resolve(&ana, &worktree, "one, fixed\n");
    let document = goes_on(&ana);
    assert_eq!(document["candidate"]["tag"], "v0.1.0-rc.3", "a number is spent, the work is not");
    assert_eq!(shop.authority_git(&["show", "v0.1.0-rc.3:src/app.txt"]), "one, fixed");
    is_over(&ana, &worktree);
}

#[test]
fn a_release_that_moved_on_meanwhile_gets_what_was_resolved() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let worktree = conflicts(&ana, &[&fix]);
    let bob = shop.clone_for("bob");
    let other = bob.commit("src/fix.txt", "fixed\n", "fix: the till");
    bob.json(&["cherry-pick", &other]);
    resolve(&ana, &worktree, "one, fixed\n");
    let document = goes_on(&ana);
    assert_eq!(document["candidate"]["parent"], "v0.1.0-rc.2", "{document}");
    let tag = string(&document["candidate"]["tag"]);
    assert_eq!(shop.authority_git(&["show", &format!("{tag}:src/app.txt")]), "one, fixed");
    assert_eq!(shop.authority_git(&["show", &format!("{tag}:src/fix.txt")]), "fixed");
    is_over(&ana, &worktree);
}

/// Two releases of which the older one does not take the fix; the fix.
fn two_releases(desk: &Desk<'_>) -> String {
    let fix = a_fix_that_does_not_apply(desk);
    desk.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    desk.git(&["push", "--quiet", "--force", "origin", "HEAD:main"]);
    assert_eq!(desk.cut(&[]), "v0.2.0-rc.1");
    desk.git(&["reset", "--quiet", "--hard", &fix]);
    desk.push();
    fix
}

fn tags(document: &Value) -> Vec<String> {
    let candidates = document["candidates"].as_array().unwrap_or_else(|| panic!("{document}"));
    candidates.iter().map(|one| format!("{} {}", string(&one["tag"]), one["made"])).collect()
}

#[test]
fn a_conflict_in_one_release_makes_none_and_all_are_made_once_it_is_resolved() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = two_releases(&ana);
    let refs = shop.refs();
    let dry = ana.rel(&["cherry-pick", &fix, "--since", "0.1.0", "--dry-run"]).code(7);
    assert!(dry.stdout.is_empty() || dry.stdout.contains("conflicts in src/app.txt"), "{dry:?}");
    let worktree = conflicts(&ana, &[&fix, "--since", "0.1.0"]);
    assert_eq!(shop.refs(), refs);
    resolve(&ana, &worktree, "one, fixed\n");
    assert_eq!(tags(&goes_on(&ana)), ["v0.1.0-rc.2 true", "v0.2.0-rc.2 true"]);
    is_over(&ana, &worktree);
    // All of them have it now.
    let again = ana.json(&["cherry-pick", &fix, "--since", "0.1.0"]);
    assert_eq!(tags(&again), ["v0.1.0-rc.2 false", "v0.2.0-rc.2 false"]);
}

#[test]
fn those_that_apply_can_be_made_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = two_releases(&ana);
    let onto = ["cherry-pick", &fix, "--onto", "0.1.0", "--onto", "0.2.0", "--skip-conflicts"];
    let output = ana.rel(&[&onto[..], &["--json"]].concat()).code(7);
    let document = output.json();
    assert_eq!(tags(&document), ["v0.2.0-rc.2 true"]);
    assert_eq!(document["error"]["reasons"][0]["gate"], "v0.1.0-rc.1");
    let way_on = output.ways_on();
    assert!(way_on.contains(&format!("rel cherry-pick {} --onto 0.1.0", &fix[..7])), "{way_on}");
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1, "nothing waits");
    let worktree = conflicts(&ana, &[&fix, "--onto", "0.1.0"]);
    resolve(&ana, &worktree, "one, fixed\n");
    assert_eq!(goes_on(&ana)["candidate"]["tag"], "v0.1.0-rc.2");
}

#[test]
fn since_means_every_later_release_but_what_a_patch_release_carries_on() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let early = ana.commit("src/early.txt", "early\n", "fix: early");
    ana.json(&["cherry-pick", &early]);
    ana.cut_new("window");
    ana.cut_new("counter");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let plan = ana.rel(&["cherry-pick", &fix, "--since", "0.1.0", "--dry-run"]).ok().stdout;
    let rows: Vec<Vec<&str>> = plan.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["RELEASE", "FROM", "TO", "PICKS"]);
    let onto = ["0.1.1 v0.1.1-rc.1 0.1.1-rc.2 1 fix", "0.2.0 v0.2.0-rc.1 0.2.0-rc.2 1 fix"];
    assert_eq!(rows[1].join(" "), onto[0]);
    assert_eq!(rows[2].join(" "), onto[1]);
    assert_eq!(rows.len(), 4, "{plan}");
    // Each builds, succeeds or fails by itself.
    shop.world.set("fail-build-v0.2.0-rc.2");
    let output = ana.rel(&["cherry-pick", &fix, "--since", "0.1.0", "--json"]).code(6);
    assert_eq!(tags(&output.json()), ["v0.1.1-rc.2 true", "v0.3.0-rc.2 true"]);
    assert_eq!(output.json()["error"]["reasons"][0]["gate"], "v0.2.0-rc.1");
    shop.world.clear("fail-build-v0.2.0-rc.2");
    let again = ana.json(&["cherry-pick", &fix, "--since", "0.2.0"]);
    assert_eq!(tags(&again), ["v0.2.0-rc.3 true", "v0.3.0-rc.2 false"]);
}

#[test]
fn a_range_is_picked_oldest_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let base = ana.tip();
    let one = ana.commit("src/fix.txt", "1\n", "fix: one");
    let two = ana.commit("src/fix.txt", "1\n2\n", "fix: two");
    let document = ana.json(&["cherry-pick", &format!("{base}..HEAD")]);
    let picks = document["candidate"]["picks"].as_array().unwrap();
    let sources: Vec<&Value> = picks.iter().map(|pick| &pick["source"]).collect();
    assert_eq!(sources, [&Value::from(one), &Value::from(two)]);
    ana.refused(&["cherry-pick", "HEAD..HEAD"], 4);
    ana.refused(&["cherry-pick", "HEAD~1...HEAD"], 2);
}

#[test]
fn a_run_that_is_killed_over_it_can_be_gone_on_with_or_dropped() {
    let shop = Shop::new();
    let ana = shop.ana();
    let fix = a_fix_that_does_not_apply(&ana);
    let before = ana.before();
    for step in ["unfinished", "laid out"] {
        let killed = || {
            let mut command = ana.command(&["cherry-pick", &fix]);
            command.env("FAILPOINTS", format!("{step}=return(kill)"));
            assert!(!command.output().unwrap().status.success());
        };
        killed();
        ana.json(&["cherry-pick", "--abort"]);
        ana.unchanged(&before);
        killed();
        conflicts(&ana, &["--continue"]);
        ana.json(&["cherry-pick", "--abort"]);
        ana.unchanged(&before);
    }
    let worktree = conflicts(&ana, &[&fix]);
    resolve(&ana, &worktree, "one, fixed\n");
    goes_on(&ana);
    is_over(&ana, &worktree);
}

#[test]
fn what_was_resolved_before_git_resolves_again() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["config", "rerere.enabled", "true"]);
    ana.git(&["config", "rerere.autoUpdate", "true"]);
    let fix = a_fix_that_does_not_apply(&ana);
    let worktree = conflicts(&ana, &[&fix]);
    resolve(&ana, &worktree, "one, fixed\n");
    git(&ana, &worktree, &["rerere"]);
    ana.json(&["cherry-pick", "--abort"]);
    let document = ana.json(&["cherry-pick", &fix]);
    assert_eq!(document["made"], true, "{document}");
    assert_eq!(shop.authority_git(&["show", "v0.1.0-rc.2:src/app.txt"]), "one, fixed");
    is_over(&ana, &worktree);
}
