//! What `rel status` counts is what git counts, merges and paths included.

use crate::repo::{Shop, string};

#[test]
fn counts_are_gits_with_merges_and_within_paths() {
    let shop = Shop::with(&[("name = \"shop\"", "name = \"shop\"\npaths = [\"/src\"]")]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.commit("docs/one.md", "1\n", "docs: one");
    ana.commit("src/one.txt", "1\n", "feat: one");
    ana.git(&["checkout", "--quiet", "-b", "topic"]);
    ana.commit_here("src/two.txt", "2\n", "feat: two");
    ana.commit_here("docs/two.md", "2\n", "docs: two");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("src/three.txt", "3\n", "feat: three");
    ana.git(&["merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic"]);
    ana.push();
    let git = |args: &[&str]| ana.git(args).parse::<u64>().unwrap();
    let within = git(&["rev-list", "--count", "v0.1.0-rc.1..main", "--", "src"]);
    assert_eq!(within, 4, "the merge differs from both of its parents");
    assert_eq!(ana.status("staging")["pending"], within);
    assert_eq!(ana.json(&["status"])["trunk"]["pending"], within);
    ana.git(&["checkout", "--quiet", "-b", "words"]);
    ana.commit_here("docs/three.md", "3\n", "docs: three");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.git(&["merge", "--quiet", "--no-ff", "-m", "Merge words", "words"]);
    ana.push();
    assert_eq!(ana.status("staging")["pending"], within, "and this one brought nothing of the project");
    ana.cut(&[]);
    assert_eq!(ana.status("staging")["next"]["commits"], within);
}

#[test]
fn without_paths_every_commit_counts() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.git(&["checkout", "--quiet", "-b", "topic"]);
    ana.commit_here("docs/two.md", "2\n", "docs: two");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.git(&["merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic"]);
    ana.push();
    assert_eq!(ana.status("staging")["pending"], 2);
}

#[test]
fn a_fix_that_trunk_lacks_is_shown_until_trunk_has_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["checkout", "--quiet", "-b", "hotfix"]);
    let fix = ana.commit_here("src/fix.txt", "fixed\n", "fix: the till");
    ana.git(&["checkout", "--quiet", "main"]);
    ana.json(&["cherry-pick", &fix, "--onto", "0.1.0"]);
    ana.deploy("staging", &["v0.1.0-rc.2"]);
    let lacking = ana.status("staging")["fixes_not_on_trunk"].clone();
    assert_eq!(lacking[0]["source"], fix);
    assert_eq!(lacking[0]["subject"], "fix: the till");
    let text = ana.rel(&["status"]).ok().stdout;
    assert!(text.contains("? staging runs a fix that trunk lacks"), "{text}");
    assert!(text.contains("git cherry-pick -x "), "{text}");
    // What it says helps.
    ana.git(&["cherry-pick", "-x", &string(&lacking[0]["commit"])]);
    ana.push();
    assert_eq!(ana.status("staging")["fixes_not_on_trunk"].as_array().unwrap().len(), 0);
}

#[test]
fn a_prompt_has_one_line_and_asks_nobody() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.commit("src/more.txt", "more\n", "feat: more");
    ana.push();
    ana.rel(&["status"]).ok();
    let text = ana.rel(&["status", "--oneline", "--offline"]).ok().stdout;
    assert_eq!(text, "staging v0.1.0-rc.1 +1 · prod -\n");
}
