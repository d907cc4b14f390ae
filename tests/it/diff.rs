//! `rel diff`, and what a revision may be called wherever one is taken.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::repo::{Desk, Shop, string};

/// The commits of a list, in its order.
#[track_caller]
fn commits(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().map(|entry| string(&entry["commit"])).collect()
}

/// What only the second has, and what only the first has.
#[track_caller]
fn diff(desk: &Desk<'_>, args: &[&str]) -> (Vec<String>, Vec<String>) {
    let document = desk.json(&[&["diff"], args].concat());
    (commits(&document["added"]), commits(&document["removed"]))
}

/// The first candidate went to prod and was released; two commits later the
/// second is on staging. The two commits, newest first.
fn two_releases(ana: &Desk<'_>) -> [String; 2] {
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    let feature = ana.commit("src/a.txt", "a\n", "feat(cart): a basket");
    let fix = ana.commit("src/b.txt", "b\n", "fix!: drop the till");
    assert_eq!(ana.cut(&[]), "v0.2.0-rc.1");
    ana.deploy("staging", &[]);
    [fix, feature]
}

#[test]
fn every_name_of_the_same_two_says_the_same() {
    let shop = Shop::new();
    let ana = shop.ana();
    let expected = two_releases(&ana).to_vec();
    let first = ana.git(&["rev-parse", "HEAD~2"]);
    for from in [
        "v0.1.0-rc.1",
        "0.1.0-rc.1",
        "0.1.0",
        "v0.1.0",
        "prod",
        "prod@{0}",
        "staging@{1}",
        "HEAD~2",
        "main~2",
        "trunk~2",
        "staging~2",
        "v0.2.0-rc.1^^",
        "refs/tags/v0.1.0-rc.1",
        &first,
        &first[..7],
        &first[..7].to_uppercase(),
    ] {
        assert_eq!(diff(&ana, &[from, "staging"]), (expected.clone(), vec![]), "{from}");
        assert_eq!(diff(&ana, &["staging", from]), (vec![], expected.clone()), "{from}");
    }
    for to in
        ["v0.2.0-rc.1", "0.2.0", "staging", "trunk", "main", "origin/main", "HEAD", "@", "staging@{36h}"]
    {
        let found = ana.rel(&["diff", "prod", to, "--json"]);
        if to == "staging@{36h}" {
            assert_eq!((found.code, found.kind()), (4, "not-found".to_owned()), "{found:?}");
        } else {
            assert_eq!(commits(&found.ok().json()["added"]), expected, "{to}");
        }
    }
    assert_eq!(diff(&ana, &["prod"]).0, expected, "trunk where there is no second");
    // Somebody else, who has fetched nothing yet, sees the same.
    assert_eq!(diff(&shop.clone_for("bob"), &["prod", "staging"]).0, expected);
}

#[test]
fn the_document_has_both_ends_and_every_commit() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [fix, feature] = two_releases(&ana);
    let document = ana.json(&["diff", "prod", "trunk"]);
    assert_eq!(
        document["from"],
        serde_json::json!({ "rev": "prod", "commit": ana.git(&["rev-parse", "HEAD~2"]), "tag": "v0.1.0-rc.1" })
    );
    assert_eq!(document["to"], serde_json::json!({ "rev": "trunk", "commit": ana.tip(), "tag": null }));
    assert_eq!(
        document["counts"],
        serde_json::json!({ "added": 2, "removed": 0, "people": 1, "breaking": 1 })
    );
    assert!(document["url"].is_null() && document.get("stat").is_none(), "{document}");
    let names: BTreeSet<&str> =
        document["added"][1].as_object().unwrap().keys().map(String::as_str).collect();
    let contract = [
        "commit",
        "subject",
        "author",
        "committed_at",
        "type",
        "scope",
        "breaking",
        "picked_from",
        "there_as",
    ];
    assert_eq!(names, BTreeSet::from(contract));
    assert_eq!(document["added"][0]["commit"], fix);
    assert_eq!(document["added"][0]["breaking"], true);
    let commit = &document["added"][1];
    assert_eq!(commit["commit"], feature);
    assert_eq!((&commit["type"], &commit["scope"]), (&"feat".into(), &"cart".into()));
    assert_eq!(commit["author"], ana.person.actor());
    // The release's own tag, and a release that is open.
    assert_eq!(ana.json(&["diff", "0.1.0"])["from"]["tag"], "v0.1.0");
    assert_eq!(ana.json(&["diff", "0.2.0"])["from"]["tag"], "v0.2.0-rc.1");
}

#[test]
fn the_text_has_what_breaks_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [fix, feature] = two_releases(&ana);
    ana.commit("src/c.txt", "c\n", "docs: c");
    let text = ana.rel(&["diff", "prod", "trunk"]).ok().stdout;
    let lines: Vec<&str> = text.lines().collect();
    let head = format!("prod v0.1.0-rc.1 -> trunk {}: 3 commits by 1 person, 1 breaking", &ana.tip()[..7]);
    assert_eq!(lines[0], head);
    assert!(lines[1].starts_with(&format!("! {} fix!: drop the till (ana, ", &fix[..7])), "{text}");
    assert!(lines[2].contains(" docs: c (ana, "), "{text}");
    assert!(lines[3].starts_with(&format!("  {} feat(cart): a basket (ana, ", &feature[..7])), "{text}");
    assert_eq!(lines.len(), 4, "{text}");
    let back = ana.rel(&["diff", "trunk", "prod"]).ok().stdout;
    let tip = &ana.tip()[..7];
    assert!(
        back.starts_with(&format!(
            "trunk {tip} -> prod v0.1.0-rc.1: nothing new\n\nonly in trunk {tip}: 3 commits"
        )),
        "{back}"
    );
    let cut = ana.rel(&["diff", "prod", "-n", "1"]).ok().stdout;
    assert!(
        cut.contains("3 commits") && cut.contains("fix!: drop") && cut.ends_with("  and 2 more\n"),
        "{cut}"
    );
    let document = ana.json(&["diff", "prod", "-n", "1"]);
    assert_eq!(commits(&document["added"]), [fix.as_str()]);
    assert_eq!(document["counts"]["added"], 3);
    assert_eq!(diff(&ana, &["prod"]).0, [ana.tip(), fix, feature], "for a script, the newest first");
}

#[test]
fn nothing_between_them_is_no_failure() {
    let shop = Shop::new();
    let ana = shop.ana();
    two_releases(&ana);
    for args in
        [["prod", "v0.1.0"], ["staging", "trunk"], ["HEAD", "HEAD"], ["staging", "staging@{2099-01-01}"]]
    {
        let output = ana.rel(&[&["diff"], args.as_slice()].concat()).ok();
        assert!(output.stdout.contains("nothing between them"), "{output:?}");
        let document = ana.json(&[&["diff"], args.as_slice()].concat());
        assert_eq!((&document["counts"]["added"], &document["counts"]["removed"]), (&0.into(), &0.into()));
    }
}

#[test]
fn a_pick_is_known_from_both_sides() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let feature = ana.commit("src/wip.txt", "half done\n", "feat: half done");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let pick = string(&ana.json(&["cherry-pick", &fix])["candidate"]["commit"]);
    let document = ana.json(&["diff", "v0.1.0-rc.2", "trunk"]);
    assert_eq!(commits(&document["added"]), [fix.clone(), feature]);
    assert_eq!(document["added"][0]["there_as"], pick);
    assert!(document["added"][1]["there_as"].is_null());
    assert_eq!(commits(&document["removed"]), [pick.as_str()]);
    assert_eq!(document["removed"][0]["picked_from"], fix);
    assert_eq!(document["removed"][0]["there_as"], fix);
    let back = ana.json(&["diff", "trunk", "v0.1.0-rc.2"]);
    assert_eq!((&back["added"], &back["removed"]), (&document["removed"], &document["added"]));
    let text = ana.rel(&["diff", "v0.1.0-rc.2", "trunk"]).ok().stdout;
    assert!(text.contains("2 commits by 1 person (1 there in another form)"), "{text}");
    assert!(text.contains(&format!("\n= {} fix: the till (ana, ", &fix[..7])), "{text}");
    assert!(text.contains(&format!("; there as {})", &pick[..7])), "{text}");

    // By hand, onto the pick's own line and without rel.
    ana.git(&["checkout", "--quiet", "-b", "hot", "v0.1.0-rc.1"]);
    ana.git(&["cherry-pick", "-x", &fix]);
    let hand = ana.tip();
    assert_eq!(ana.json(&["diff", "hot", "trunk"])["added"][0]["there_as"], hand);
    // Two picks of one commit, which neither side has.
    let both = ana.json(&["diff", "hot", "v0.1.0-rc.2"]);
    assert_eq!(both["added"][0]["there_as"], hand);
    assert_eq!(both["removed"][0]["there_as"], pick);
    // Taken back there, it is there no more.
    ana.git(&["revert", "--no-edit", "HEAD"]);
    assert!(ana.json(&["diff", "hot", "trunk"])["added"][0]["there_as"].is_null());
}

/// Whatever git counts, merges and what they brought included.
#[test]
fn merges_are_counted_as_git_counts_them() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    ana.write("src/side.txt", "side\n");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "feat: from aside"]);
    let side = ana.tip();
    ana.git(&["checkout", "--quiet", "main"]);
    ana.commit("src/main.txt", "main\n", "fix: on trunk");
    ana.git(&["merge", "--quiet", "--no-ff", "--message", "Merge branch 'side'", "side"]);
    ana.push();
    for (a, b) in [("v0.1.0-rc.1", "trunk"), ("side", "trunk"), ("side", "v0.1.0-rc.1"), ("trunk", "side")] {
        let git = |a: &str, b: &str| -> BTreeSet<String> {
            let rev = |name: &str| if name == "trunk" { "origin/main".to_owned() } else { name.to_owned() };
            let list = ana.git(&["rev-list", &format!("{}..{}", rev(a), rev(b))]);
            list.lines().map(str::to_owned).collect()
        };
        let (added, removed) = diff(&ana, &[a, b]);
        assert_eq!(added.into_iter().collect::<BTreeSet<_>>(), git(a, b), "{a} {b}");
        assert_eq!(removed.into_iter().collect::<BTreeSet<_>>(), git(b, a), "{a} {b}");
    }
    let (added, _) = diff(&ana, &["v0.1.0-rc.1", "trunk"]);
    assert!(added.len() == 3 && added.contains(&side) && added[0] == ana.tip(), "{added:?}");
}

#[test]
fn only_the_projects_paths_count_and_fewer_if_asked() {
    let shop = Shop::with(&[("remote = \"origin\"", "remote = \"origin\"\npaths = [\"src/\", \"docs/\"]")]);
    let ana = shop.ana();
    ana.cut(&[]);
    let source = ana.commit("src/a.txt", "1\n2\n3\n", "feat: a");
    ana.commit("README", "read\n", "docs: not ours");
    let docs = ana.commit("docs/a.md", "a\n", "docs: a");
    assert_eq!(diff(&ana, &["v0.1.0-rc.1"]).0, [docs.clone(), source.clone()]);
    assert_eq!(diff(&ana, &["v0.1.0-rc.1", "--path", "src/"]).0, [source.as_str()]);
    assert_eq!(diff(&ana, &["v0.1.0-rc.1", "--path", "./src"]).0, [source.as_str()]);
    assert_eq!(diff(&ana, &["v0.1.0-rc.1", "--path", "*.md"]).0, [docs.as_str()]);
    assert_eq!(diff(&ana, &["v0.1.0-rc.1", "--path", "*.md", "--path", "src/"]).0, [docs, source]);
    assert_eq!(diff(&ana, &["v0.1.0-rc.1", "--path", "README"]).0, [""; 0], "what is not ours stays out");
    let text = ana.rel(&["diff", "v0.1.0-rc.1", "--path", "nope/"]).ok().stdout;
    assert!(text.contains("no commits between them in these paths"), "{text}");
    let output = ana.refused(&["diff", "v0.1.0-rc.1", "--path", "[z-a]"], 2);
    assert_eq!(output.kind(), "usage");

    let stat = ana.json(&["diff", "v0.1.0-rc.1", "--stat"])["stat"].clone();
    assert_eq!((&stat["added"], &stat["removed"]), (&4.into(), &0.into()));
    let paths: Vec<String> =
        stat["files"].as_array().unwrap().iter().map(|file| string(&file["path"])).collect();
    assert_eq!(paths, ["docs/a.md", "src/a.txt"]);
    let stat = ana.json(&["diff", "v0.1.0-rc.1", "--stat", "--path", "src/"])["stat"].clone();
    assert_eq!(
        stat["files"],
        serde_json::json!([{ "path": "src/a.txt", "from": null, "added": 3, "removed": 0, "binary": false }])
    );
    let text = ana.rel(&["diff", "trunk", "v0.1.0-rc.1", "--stat"]).ok().stdout;
    assert!(
        text.ends_with(" docs/a.md | 1 -\n src/a.txt | 3 ---\n2 files changed, 0 lines added, 4 removed\n"),
        "{text}"
    );
}

#[test]
fn the_host_has_a_page_and_no_secret_is_on_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [fix, _] = two_releases(&ana);
    ana.git(&["remote", "set-url", "origin", "https://ana:s3cret@github.com/o/r.git"]);
    let document = ana.json(&["diff", "prod", "staging", "--offline"]);
    assert_eq!(document["url"], "https://github.com/o/r/compare/v0.1.0-rc.1...v0.2.0-rc.1");
    let output = ana.rel(&["diff", "v0.1.0", "trunk", "--offline"]).ok();
    let last = format!("\n\nsee  https://github.com/o/r/compare/v0.1.0...{fix}\n");
    assert!(output.stdout.ends_with(&last), "{output:?}");
    assert!(!format!("{output:?}{document}").contains("s3cret"));
    assert!(ana.json(&["diff", "prod", "prod", "--offline"])["url"].is_null(), "nothing to see");
    ana.git(&["remote", "set-url", "origin", "git@gitlab.example.com:group/sub/r.git"]);
    let document = ana.json(&["diff", "prod", "staging", "--offline"]);
    assert_eq!(document["url"], "https://gitlab.example.com/group/sub/r/-/compare/v0.1.0-rc.1...v0.2.0-rc.1");
}

/// Offline there is not even a git to start.
#[test]
fn looking_starts_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let expected = two_releases(&ana).to_vec();
    let nothing = shop.world.at("nothing");
    std::fs::create_dir(&nothing).unwrap();
    for args in [["prod@{1970-01-02}", "trunk"], ["staging@{1}", "HEAD"], ["prod", "trunk~1"]] {
        let all = [&["diff"], args.as_slice(), &["--stat", "--offline", "--json"]].concat();
        let mut command = ana.command(&all);
        command.env("PATH", &nothing);
        let output = crate::world::Running::start(command).wait();
        if args[0].contains("1970") {
            assert!(
                output.code == 4 && output.ways_on().contains("the first there was v0.1.0-rc.1"),
                "{output:?}"
            );
        } else {
            assert!(expected.ends_with(&commits(&output.ok().json()["added"])));
        }
    }
}

#[test]
fn what_was_live_at_a_time() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let end = string(&ana.deploy("staging", &[])["finished_at"]);
    let second = ana.cut_new("window");
    // Times are kept to the second.
    let now = || {
        let mut date = shop.world.command("date", &ana.person, &ana.dir);
        String::from_utf8(date.args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap().stdout).unwrap()
    };
    crate::world::wait_until("a second has passed", || now().trim() > end.as_str());
    ana.deploy("staging", &[]);
    let shown = |rev: &str| string(&ana.json(&["show", rev])["candidate"]["tag"]);
    assert_eq!(shown(&format!("staging@{{{end}}}")), first);
    assert_eq!(shown(&format!("staging@{{{}}}", end.replace('T', " ").trim_end_matches('Z'))), first);
    assert_eq!(shown(&format!("staging@{{{}}}", &now()[..10])), second, "a day means its end");
    assert_eq!(shown("staging@{2099-01-01}"), second, "what is to come is as it is now");
    assert_eq!(shown("staging@{0}"), second);
    assert_eq!(shown("staging@{1}"), first);
    for (rev, code, kind, word) in [
        ("staging@{2001-01-01}", 4, "not-found", first.as_str()),
        ("staging@{9d}", 4, "not-found", "rel log staging"),
        ("staging@{2}", 4, "not-found", "rel log staging"),
        ("prod", 4, "not-found", "rel log prod"),
        ("prod@{2001-01-01}", 4, "not-found", "nothing ever was"),
        ("staging@{yesterday}", 2, "usage", "staging@{2026-11-01}"),
        ("staging@{}", 2, "usage", "staging@{1}"),
        ("staging@{-1}", 2, "usage", "staging@{1}"),
    ] {
        for verb in ["show", "diff"] {
            let output = ana.refused(&[verb, rev], code);
            assert_eq!(output.kind(), kind, "{output:?}");
            assert!(output.ways_on().contains(word), "{word}: {output:?}");
        }
    }
}

/// Everywhere a candidate is taken.
#[test]
fn a_candidate_is_known_by_its_commit() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let commit = ana.tip();
    let shown = |rev: &str| string(&ana.json(&["show", rev])["candidate"]["tag"]);
    for rev in ["trunk", "main", "HEAD", "origin/main", &commit, &commit[..7], "v0.1.0-rc.1^0"] {
        assert_eq!(shown(rev), first, "{rev}");
    }
    let again = ana.cut(&["--again"]);
    assert_eq!(shown("trunk"), again, "the newest made of it");
    assert_eq!(ana.deploy("staging", &["trunk"])["tag"], again);
    assert_eq!(ana.json(&["approve", "HEAD", "prod"])["tag"], again);
    assert_eq!(ana.json(&["block", &commit[..9], "--reason", "x"])["target"], again);
    assert_eq!(ana.json(&["unblock", "trunk", "--reason", "x"])["target"], again);
    ana.cut_new("window");
    ana.deploy("staging", &[]);
    assert_eq!(ana.rollback("staging", &["--to", "HEAD~1", "--from", "trunk"])["tag"], again);
    // A commit means one candidate, not its release's newest.
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let picked = ana.json(&["cherry-pick", &fix, "--onto", &again]);
    assert_eq!(picked["candidate"]["tag"], "v0.1.0-rc.3");
    let more = ana.commit("src/more.txt", "more\n", "fix: more");
    let picked = ana.json(&["cherry-pick", &more, "--onto", &commit]);
    assert_eq!(picked["candidate"]["parent"], again, "{picked}");
}

#[test]
fn a_commit_without_a_candidate_says_the_way_to_one() {
    let shop = Shop::new();
    let ana = shop.ana();
    let early = ana.git(&["rev-parse", "--short=7", "HEAD~1"]);
    let first = ana.cut(&[]);
    let late = ana.commit("src/a.txt", "a\n", "feat: a")[..7].to_owned();
    ana.git(&["checkout", "--quiet", "-b", "aside"]);
    ana.git(&["commit", "--quiet", "--allow-empty", "--message", "not on trunk"]);
    ana.git(&["tag", "v0.0.9", &early]);
    ana.git(&["push", "--quiet", "origin", "v0.0.9"]);
    for (rev, message, word) in [
        ("trunk", format!("trunk's tip {late} has no candidate"), "rel cut".to_owned()),
        (&late, format!("no candidate was made of {late}"), format!("rel cut {late}")),
        (&early, format!("no candidate was made of {early}"), format!("{first} contains it")),
        ("HEAD~2~1", format!("no candidate was made of HEAD~2~1 ({early})"), format!("rel cut {early}")),
        ("aside", format!("no candidate was made of aside ({})", &ana.tip()[..7]), "not on trunk".to_owned()),
        ("v0.0.9", format!("no candidate was made of v0.0.9 ({early})"), "rel did not make it".to_owned()),
        ("nope", "there is no candidate nope".to_owned(), first.clone()),
    ] {
        let output = ana.refused(&["deploy", "staging", rev, "--yes"], 4);
        assert_eq!(output.kind(), "not-found", "{output:?}");
        assert_eq!(output.json()["error"]["message"], message);
        assert!(output.ways_on().contains(&word), "{word}: {output:?}");
    }
}

/// A release that was never made is not the commit whose id begins like it.
#[test]
fn a_number_is_a_release_before_it_is_an_id() {
    let shop = Shop::with(&[("[build]", "[version]\nscheme = \"sequence\"\n\n[build]")]);
    let ana = shop.ana();
    assert_eq!(ana.cut(&[]), "v1-rc.1");
    // Some commit's id begins with four decimal digits before long.
    let mut number = None;
    for n in 0..200 {
        ana.git(&["commit", "--quiet", "--allow-empty", "--message", &format!("chore: {n}")]);
        let id = ana.tip();
        if id[..4].bytes().all(|b| b.is_ascii_digit()) {
            number = Some(id[..4].to_owned());
            break;
        }
    }
    let number = number.expect("one id in seven does");
    ana.push();
    ana.cut(&[]);
    let output = ana.refused(&["show", &number], 4);
    assert_eq!(output.json()["error"]["message"], format!("there is no candidate {number}"));
}

#[test]
fn an_environment_hides_a_branch_and_keeps_its_earlier_name() {
    let shop = Shop::new();
    let ana = shop.ana();
    let [fix, feature] = two_releases(&ana);
    ana.git(&["branch", "prod", "HEAD"]);
    ana.git(&["branch", "trunk", "HEAD~2"]);
    assert_eq!(diff(&ana, &["prod", "staging"]).0, [fix.clone(), feature.clone()]);
    assert_eq!(diff(&ana, &["refs/heads/prod", "staging"]).0, [""; 0]);
    assert_eq!(diff(&ana, &["prod", "trunk"]).0, [fix.clone(), feature.clone()], "trunk is the remote's");
    let renamed = ana.reconfigure("[environments.prod]", "[environments.live]\nformerly = [\"prod\"]");
    assert_eq!(diff(&ana, &["prod"]).0, [renamed, fix, feature]);
    assert_eq!(ana.json(&["show", "prod@{0}"])["candidate"]["tag"], "v0.1.0-rc.1");
}

/// Trunk is where the remote has it, whatever this clone knew.
#[test]
fn trunk_is_asked_for_before_something_is_said_about_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    bob.json(&["status"]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    assert_eq!(bob.json(&["approve", "trunk", "prod"])["tag"], second);
    assert_eq!(bob.json(&["block", "staging", "--reason", "x"])["target"], second);
}

#[test]
fn a_tag_is_the_remotes_before_it_is_ours() {
    let shop = Shop::new();
    let ana = shop.ana();
    let early = ana.git(&["rev-parse", "HEAD~1"]);
    ana.git(&["tag", "--annotate", "--message", "by hand", "v0.0.9", &early]);
    ana.git(&["tag", "nightly"]);
    ana.git(&["push", "--quiet", "origin", "--tags"]);
    ana.git(&["tag", "--force", "v0.0.9", "HEAD"]);
    let document = ana.json(&["diff", "v0.0.9"]);
    assert_eq!(document["from"], serde_json::json!({ "rev": "v0.0.9", "commit": early, "tag": "v0.0.9" }));
    assert_eq!(commits(&document["added"]), [ana.tip()]);
    assert_eq!(ana.json(&["diff", "0.0.9"])["from"]["commit"], early, "by its version, too");
    let before = ana.git(&["rev-parse", "HEAD"]);
    ana.commit("src/a.txt", "a\n", "feat: a");
    // In no style of ours, so it is this clone's word that counts.
    assert_eq!(ana.json(&["diff", "nightly"])["from"]["commit"], before);
    assert_eq!(diff(&ana, &["v0.0.9", "HEAD~1"]).0, [before]);
}

#[test]
fn what_is_no_revision_is_said_to_be_none() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["branch", "feature/window"]);
    for (rev, word) in [
        ("stagin", "staging"),
        ("feature/windo", "feature/window"),
        ("v0.1.0-rc.7", "v0.1.0-rc.1"),
        ("HEAD~99", "git fetch"),
        ("HEAD^{tree}", "a branch"),
        ("trunk~99", "git fetch"),
        ("0123456789012345678901234567890123456789", "git fetch"),
    ] {
        for args in [["diff", rev, "trunk"], ["diff", "trunk", rev]] {
            let output = ana.refused(&args, 4);
            assert_eq!(output.kind(), "not-found", "{output:?}");
            assert!(output.ways_on().contains(word), "{word}: {output:?}");
        }
    }
    let output = ana.rel(&["diff", "--json"]).code(2);
    assert_eq!(output.kind(), "usage");
    for (typed, meant) in [
        ("prod..HEAD", "rel diff prod HEAD"),
        ("prod...v1.0.0", "rel diff prod v1.0.0"),
        ("prod..", "rel diff prod trunk"),
        ("..HEAD", "rel diff trunk HEAD"),
    ] {
        let output = ana.refused(&["diff", typed], 2);
        assert!(output.ways_on().contains(meant), "{output:?}");
    }
}
