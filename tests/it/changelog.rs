//! `rel changelog`: what a release brings.

use std::fs;

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// Cuts and takes it to prod, which closes its release; the candidate's tag.
fn release(ana: &Desk<'_>) -> String {
    let tag = ana.cut(&[]);
    ship(ana, &tag);
    tag
}

fn ship(ana: &Desk<'_>, tag: &str) {
    ana.deploy("staging", &[tag]);
    ana.deploy("prod", &[tag]);
}

fn subjects(document: &Value) -> Vec<String> {
    document["changes"].as_array().unwrap().iter().map(|change| string(&change["subject"])).collect()
}

/// A commit with a change of its own; its id.
fn commit(ana: &Desk<'_>, name: &str, message: &str) -> String {
    ana.commit(&format!("src/{name}.txt"), &format!("{name}\n"), message)
}

/// Picks a commit; the candidate.
fn pick(ana: &Desk<'_>, commit: &str, onto: &str) -> Value {
    let document = ana.json(&["cherry-pick", commit, "--onto", onto]);
    assert_eq!(document["made"], true, "{document}");
    document["candidate"].clone()
}

#[test]
fn without_a_candidate_there_is_nothing_to_tell() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.refused(&["changelog"], 4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("rel cut"), "{output:?}");
}

#[test]
fn it_counts_from_the_last_release_that_reached_prod() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let document = ana.json(&["changelog"]);
    assert_eq!((&document["since"]["release"], &document["since"]["commit"]), (&Value::Null, &Value::Null));
    assert_eq!(subjects(&document), ["fix: hang the door", "feat: open the shop"]);
    let text = ana.rel(&["changelog"]).ok().stdout;
    assert!(text.contains("Candidate v0.1.0-rc.1, not released yet. Changes since the beginning."), "{text}");
    let closed = ana.tip();
    ship(&ana, "v0.1.0-rc.1");

    // Two releases later, of which one got no further than staging.
    commit(&ana, "a", "feat: a");
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    commit(&ana, "b", "fix: b");
    ana.cut(&[]);
    commit(&ana, "c", "docs: c");
    let document = ana.json(&["cut", "--release", "0.2.1"]);
    assert_eq!(document["candidate"]["tag"], "v0.2.1-rc.2");
    let document = ana.json(&["changelog"]);
    assert_eq!(document["tag"], "v0.2.1-rc.2");
    assert_eq!(document["version"], "0.2.1-rc.2");
    assert_eq!(document["release"], "0.2.1");
    assert_eq!(document["since"]["release"], "0.1.0");
    assert_eq!(document["since"]["commit"], closed);
    assert_eq!(subjects(&document), ["docs: c", "fix: b", "feat: a"], "not from the candidate before it");
    assert_eq!(subjects(&ana.json(&["changelog", &tag])), ["feat: a"]);
    let own = ana.json(&["changelog", "prod"]);
    assert_eq!(own["tag"], "v0.1.0-rc.1", "what is live there");
    assert!(own["since"]["release"].is_null(), "never from itself: {own}");
    assert_eq!(own["released"], true);
    let text = ana.rel(&["changelog", "0.1.0"]).ok().stdout;
    assert!(text.starts_with("## 0.1.0 (20") && !text.contains("Candidate"), "{text}");
    assert!(text.contains("### Features\n\n- open the shop ("), "{text}");
}

#[test]
fn a_foreign_release_is_a_base_until_one_is_closed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tagged = ana.tip();
    for (tag, rev) in [("v0.0.8", "HEAD~1"), ("v0.0.9", "HEAD"), ("v0.0.10-rc1", "HEAD")] {
        ana.git(&["tag", tag, rev]);
        ana.git(&["push", "--quiet", "origin", tag]);
    }
    // A higher one that trunk does not contain.
    ana.git(&["checkout", "--quiet", "-b", "side"]);
    ana.write("src/side.txt", "side\n");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "-m", "feat: aside"]);
    ana.git(&["tag", "v0.0.11"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.11"]);
    ana.git(&["checkout", "--quiet", "main"]);
    commit(&ana, "a", "feat: a");
    ana.cut(&[]);
    let document = ana.json(&["changelog"]);
    assert_eq!(document["since"]["release"], "0.0.9", "{document}");
    assert_eq!(document["since"]["commit"], tagged);
    assert_eq!(subjects(&document), ["feat: a"]);

    // What is recorded as live in prod counts for more than what was tagged last.
    ana.json(&["record", "staging", "v0.0.9", "--succeeded"]);
    assert_eq!(ana.json(&["changelog"])["since"]["release"], "0.0.9");
    ana.json(&["record", "prod", "v0.0.8", "--succeeded"]);
    let document = ana.json(&["changelog"]);
    assert_eq!(
        (&document["since"]["release"], &document["since"]["tag"]),
        (&"0.0.8".into(), &"v0.0.8".into())
    );
    assert_eq!(subjects(&document), ["feat: a", "fix: hang the door"]);
    ana.json(&["record", "prod", &tagged, "--succeeded"]);
    let document = ana.json(&["changelog"]);
    assert_eq!(
        (&document["since"]["release"], &document["since"]["commit"]),
        (&Value::Null, &tagged.clone().into())
    );
    assert_eq!(subjects(&document), ["feat: a"]);
    let text = ana.rel(&["changelog"]).ok().stdout;
    assert!(text.contains(&format!("Changes since {}.", &tagged[..7])), "{text}");
}

#[test]
fn picks_are_told_once() {
    let shop = Shop::new();
    let ana = shop.ana();
    release(&ana);
    commit(&ana, "a", "feat: a");
    let fix = commit(&ana, "fix", "fix: the till");
    let second = commit(&ana, "second", "fix: the bell");
    let patch = pick(&ana, &fix, "0.1.0");
    let document = ana.json(&["changelog", "0.1.1"]);
    assert_eq!(subjects(&document), ["fix: the till"]);
    assert_eq!(document["changes"][0]["picked_from"], fix);
    assert_eq!(document["since"]["release"], "0.1.0");
    ship(&ana, patch["tag"].as_str().unwrap());

    // What 0.1.1 has by way of a pick is no news in 0.2.0.
    ana.cut(&[]);
    let document = ana.json(&["changelog"]);
    assert_eq!(document["since"]["release"], "0.1.1");
    assert_eq!(subjects(&document), ["fix: the bell", "feat: a"]);

    // A pick of a pick neither: 0.1.2 is 0.1.1 and one more.
    let next = pick(&ana, &second, "0.1.1");
    assert_eq!(subjects(&ana.json(&["changelog", "0.1.2"])), ["fix: the bell"]);
    ship(&ana, next["tag"].as_str().unwrap());
    let document = ana.json(&["changelog", "0.2.0"]);
    assert_eq!(document["since"]["release"], "0.1.2");
    assert_eq!(subjects(&document), ["feat: a"]);
}

#[test]
fn a_pick_and_its_source_are_one_where_both_are_new() {
    let shop = Shop::new();
    let ana = shop.ana();
    release(&ana);
    ana.git(&["checkout", "--quiet", "-b", "side"]);
    ana.write("src/fix.txt", "fixed\n");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "-m", "fix: the till"]);
    let source = ana.tip();
    ana.git(&["checkout", "--quiet", "main"]);
    ana.git(&["cherry-pick", "-x", &source]);
    ana.git(&["merge", "--quiet", "--no-ff", "-m", "Merge branch 'side'", "side"]);
    ana.push();
    ana.cut(&[]);
    let document = ana.json(&["changelog"]);
    assert_eq!(subjects(&document), ["fix: the till"], "{document}");
    assert_eq!(document["changes"][0]["commit"], source);
}

#[test]
fn reverts_cancel_what_they_revert() {
    let shop = Shop::new();
    let ana = shop.ana();
    let door = ana.tip();
    release(&ana);
    let revert = |commit: &str| {
        ana.git(&["revert", "--no-edit", commit]);
        ana.push();
        ana.tip()
    };
    let window = commit(&ana, "window", "feat: a window");
    let stays = commit(&ana, "stays", "feat: it stays");
    revert(&window);
    let undone = revert(&stays);
    revert(&undone);
    ana.cut(&[]);
    assert_eq!(subjects(&ana.json(&["changelog"])), ["feat: it stays"]);
    revert(&door);
    let tag = ana.cut(&["--version", "1.0.0"]);
    let document = ana.json(&["changelog", &tag]);
    assert_eq!(subjects(&document), ["Revert \"fix: hang the door\"", "feat: it stays"]);
    assert_eq!(document["groups"][1]["title"], "Reverts", "{document}");
}

#[test]
fn merges_say_nothing_but_what_they_brought() {
    let shop = Shop::new();
    let ana = shop.ana();
    release(&ana);
    let merge = |branch: &str, message: &str| {
        ana.git(&["checkout", "--quiet", "-b", branch]);
        ana.write(&format!("src/{branch}.txt"), branch);
        ana.git(&["add", "--all"]);
        ana.git(&["commit", "--quiet", "-m", &format!("feat: {branch}")]);
        ana.git(&["checkout", "--quiet", "main"]);
        ana.git(&["merge", "--quiet", "--no-ff", "-m", message, branch]);
        ana.push();
        ana.tip()
    };
    merge("one", "Merge branch 'one'");
    merge("two", "fix: join two");
    let third = merge("three", "Merge branch 'three'");
    ana.git(&["revert", "--no-edit", "-m", "1", &third]);
    ana.push();
    ana.cut(&[]);
    assert_eq!(subjects(&ana.json(&["changelog"])), ["fix: join two", "feat: two", "feat: one"]);
}

#[test]
fn only_what_is_the_projects() {
    let shop =
        Shop::with(&[("remote = \"origin\"", "remote = \"origin\"\npaths = [\"src\", \"release.toml\"]")]);
    let ana = shop.ana();
    release(&ana);
    commit(&ana, "a", "feat: a");
    ana.commit("elsewhere/b.txt", "b\n", "feat: elsewhere");
    ana.cut(&[]);
    assert_eq!(subjects(&ana.json(&["changelog"])), ["feat: a"]);
}

#[test]
fn what_breaks_comes_first_and_plain_commits_are_told() {
    let shop = Shop::new();
    let ana = shop.ana();
    release(&ana);
    commit(&ana, "a", "docs: a");
    commit(&ana, "b", "Say <b>hello</b> to [all](x) of them");
    commit(&ana, "c", "feat(cart)!: c");
    commit(&ana, "d", "fix: d in snake_case (#12)");
    ana.cut(&[]);
    let text = ana.rel(&["changelog"]).ok().stdout;
    let titles: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).skip(1).collect();
    assert_eq!(
        titles,
        ["### Breaking changes", "### Fixes", "### Other changes", "### Documentation"],
        "{text}"
    );
    assert!(text.contains("\n- **cart:** c ("), "{text}");
    assert!(text.contains("\n- d in snake_case (#12) ("), "{text}");
    assert!(text.contains("\n- Say &lt;b>hello&lt;/b> to \\[all\\](x) of them ("), "{text}");
    let document = ana.json(&["changelog"]);
    assert_eq!(document["groups"][0]["type"], "breaking");
    assert_eq!(document["groups"][0]["changes"][0], document["changes"][1]);
    for name in ["commit", "subject", "author", "committed_at", "type", "scope", "breaking", "picked_from"] {
        assert!(document["changes"][0].get(name).is_some(), "no {name} in {document}");
    }
}

#[test]
fn a_template_can_be_replaced() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.write("notes.md.j2", "# {{ tag }}\n{% for g in groups %}\n{% for c in g.changes %}\n* {{ c.subject }} by {{ c.author }}\n{% endfor %}\n{% endfor %}\n");
    let text = ana.rel(&["changelog", "--template", "notes.md.j2"]).ok().stdout;
    assert_eq!(text, "# v0.1.0-rc.1\n* feat: open the shop by ana\n* fix: hang the door by ana\n");
    ana.git(&["add", "notes.md.j2"]);
    ana.write("bad.j2", "fine\n{{ nothing }}\n");
    ana.git(&["add", "bad.j2"]);
    let output = ana.refused(&["changelog", "--template", "bad.j2"], 2);
    assert!(output.ways_on().contains("bad.j2, line 2: undefined"), "{output:?}");
    assert_eq!(ana.refused(&["changelog", "--template", "none.j2"], 2).kind(), "usage");
    // What is no section cannot be put into a file.
    ana.refused(&["changelog", "--template", "notes.md.j2", "--prepend", "CHANGELOG.md"], 2);
    assert!(!ana.dir.join("CHANGELOG.md").exists());
}

#[test]
fn prepending_twice_is_prepending_once() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let file = ana.dir.join("src/CHANGELOG.md");
    let read = || fs::read_to_string(&file).unwrap();
    let below = Desk { dir: ana.dir.join("src"), ..shop.ana() };
    let before = ana.before();
    let output = below.rel(&["changelog", "--prepend", "CHANGELOG.md", "--dry-run"]).ok();
    assert!(output.stdout.starts_with("## 0.1.0 (20"), "{output:?}");
    assert!(!file.exists());
    ana.unchanged(&before);

    let document = below.json(&["changelog", "--prepend", "CHANGELOG.md"]);
    assert_eq!((&document["replaced"], &document["changed"]), (&false.into(), &true.into()));
    let first = read();
    assert!(first.starts_with("# Changelog\n\n## 0.1.0 (20"), "{first}");
    assert!(first.contains("Candidate v0.1.0-rc.1, not released yet."), "{first}");
    let again = ana.json(&["-C", "src", "changelog", "--prepend", "CHANGELOG.md"]);
    assert_eq!((&again["replaced"], &again["changed"]), (&true.into(), &false.into()));
    assert_eq!(read(), first);

    ship(&ana, &tag);
    let said = below.rel(&["changelog", "--prepend", "CHANGELOG.md"]).ok().stdout;
    assert!(said.contains("in place of the old one (2 changes since the beginning)"), "{said}");
    let released = read();
    assert!(!released.contains("Candidate") && released.matches("\n## ").count() == 1, "{released}");

    fs::write(&file, released.replace("# Changelog\n", "# Changelog\n\nOurs.\n")).unwrap();
    commit(&ana, "a", "feat: a");
    ana.cut(&[]);
    below.rel(&["changelog", "--prepend", "CHANGELOG.md"]).ok();
    let second = read();
    let heads: Vec<&str> = second.lines().filter(|l| l.starts_with("## ")).map(|l| &l[..8]).collect();
    assert_eq!(heads, ["## 0.2.0", "## 0.1.0"], "{second}");
    assert!(second.starts_with("# Changelog\n\nOurs.\n\n## 0.2.0"), "{second}");
    let entries: Vec<String> = fs::read_dir(ana.dir.join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(entries, [""; 0], "nothing is left beside it");
}

/// What the remote has is enough, and so is what this clone saw of it.
#[test]
fn offline_and_in_another_clone_it_is_the_same() {
    let shop = Shop::new();
    let ana = shop.ana();
    release(&ana);
    commit(&ana, "a", "feat: a");
    ana.cut(&[]);
    let told = ana.rel(&["changelog"]).ok().stdout;
    assert_eq!(ana.rel(&["changelog", "--offline"]).ok().stdout, told);
    assert_eq!(shop.clone_for("bob").rel(&["changelog"]).ok().stdout, told);
}
