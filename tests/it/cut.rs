//! `rel cut`: one commit, one build, one tag.

use std::fs;

use crate::remote::Kind;
use crate::repo::{Shop, string};

#[test]
fn the_document_is_the_candidate() {
    let shop = Shop::new();
    let ana = shop.ana();
    let document = ana.json(&["cut"]);
    assert_eq!(document["made"], true);
    let candidate = &document["candidate"];
    assert_eq!(candidate["tag"], "v0.1.0-rc.1");
    assert_eq!(candidate["version"], "0.1.0-rc.1");
    assert_eq!(candidate["release"], "0.1.0");
    assert_eq!(candidate["number"], 1);
    assert_eq!(candidate["commit"], ana.tip());
    assert_eq!(candidate["trunk_commit"], ana.tip());
    assert!(candidate["parent"].is_null());
    assert_eq!(candidate["picks"].as_array().unwrap().len(), 0);
    assert_eq!(candidate["actor"], ana.person.actor());
    assert_eq!(candidate["signed"], false);
    // Falsey one way or another: nobody blocked it.
    assert!(candidate["blocked"].is_null() || candidate["blocked"] == false, "{candidate}");
    assert!(string(&candidate["created_at"]).ends_with('Z'));
    let artifact = &candidate["artifacts"][0];
    assert_eq!(artifact["name"], "app.txt");
    assert_eq!(artifact["size"], "one\na door\n".len());
    assert_eq!(artifact["digest"], format!("sha256:{}", sha256(b"one\na door\n")));
    assert_eq!(candidate["artifacts"].as_array().unwrap().len(), 1);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_tag_is_annotated_and_says_it_all() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    assert_eq!(shop.authority_git(&["cat-file", "-t", &tag]), "tag");
    let format = "--format=%(contents:subject)%00%(taggername) %(taggeremail)%00%(contents:body)";
    let said = shop.authority_git(&["for-each-ref", format, &format!("refs/tags/{tag}")]);
    let parts: Vec<&str> = said.split('\0').collect();
    assert!(parts[0].contains("0.1.0-rc.1"), "{said}");
    assert_eq!(parts[1], ana.person.actor());
    assert!(parts[2].contains("open the shop") && parts[2].contains("hang the door"), "{said}");
    let trailers = shop.authority_git(&[
        "for-each-ref",
        "--format=%(contents:trailers:only,unfold)",
        &format!("refs/tags/{tag}"),
    ]);
    let value = |key: &str| {
        let mut values = trailers.lines().filter_map(|line| line.strip_prefix(&format!("{key}: ")));
        let value = values.next().unwrap_or_else(|| panic!("no {key} in {trailers}"));
        assert!(values.next().is_none(), "{key} twice in {trailers}");
        value.to_owned()
    };
    assert_eq!(value("Rel-Schema"), "1");
    assert_eq!(value("Rel-Project"), "shop");
    assert_eq!(value("Rel-Release"), "0.1.0");
    assert_eq!(value("Rel-Candidate"), "1");
    assert_eq!(value("Rel-Trunk"), ana.tip());
    assert_eq!(value("Rel-Artifact"), format!("sha256:{} 11 app.txt", sha256(b"one\na door\n")));
    assert!(value("Rel-Store").starts_with("git"), "{trailers}");
    assert!(!value("Rel-Nonce").is_empty());
    assert!(!trailers.contains("Rel-Parent") && !trailers.contains("Rel-Picked"), "{trailers}");
    let statement = ana.rel(&["show", &tag, "--provenance"]).ok().stdout;
    let digest = value("Rel-Provenance");
    let printed = [statement.trim_end().to_owned(), statement.clone()];
    assert!(
        printed.iter().any(|text| format!("sha256:{}", sha256(text.as_bytes())) == digest),
        "{digest}: {statement}"
    );
}

#[test]
fn a_commit_with_a_candidate_is_shown() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.json(&["cut"]);
    let before = ana.before();
    let second = ana.json(&["cut"]);
    assert_eq!(second["made"], false);
    assert_eq!(second["candidate"], first["candidate"]);
    ana.unchanged(&before);
    let tip = ana.tip();
    assert_eq!(shop.clone_for("bob").json(&["cut", &tip])["made"], false, "nor for somebody else");
    ana.unchanged(&before);
}

#[test]
fn again_builds_anew() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    assert_eq!(ana.cut(&["--again"]), "v0.1.0-rc.2");
    assert_eq!(shop.world.lines("builds"), ["v0.1.0-rc.1", "v0.1.0-rc.2"]);
}

#[test]
fn versions_follow_the_commits() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.commit("src/a.txt", "a", "fix: a");
    assert_eq!(ana.cut(&[]), "v0.1.1-rc.1");
    ana.commit("src/b.txt", "b", "feat: b");
    ana.commit("src/c.txt", "c", "docs: c");
    assert_eq!(ana.cut(&[]), "v0.2.0-rc.1");
    ana.commit("src/d.txt", "d", "chore: d");
    assert_eq!(ana.cut(&["--version", "1.0.0"]), "v1.0.0-rc.1");
    ana.commit("src/e.txt", "e", "feat!: e");
    assert_eq!(ana.cut(&[]), "v2.0.0-rc.1");
    ana.commit("src/f.txt", "f", "fix: f");
    assert_eq!(ana.cut(&["--bump", "minor"]), "v2.1.0-rc.1");
    ana.commit("src/g.txt", "g", "fix: g");
    assert_eq!(ana.cut(&["--bump", "major"]), "v3.0.0-rc.1");
    ana.commit("src/h.txt", "h", "feat: h");
    assert_eq!(ana.cut(&["--bump", "patch"]), "v3.0.1-rc.1");
}

#[test]
fn the_next_candidate_of_an_open_release() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.commit("src/a.txt", "a", "feat: a");
    assert_eq!(ana.cut(&["--release", "0.1.0"]), "v0.1.0-rc.2");
    ana.refused(&["cut", "--release", "7.0.0"], 4);
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    ana.commit("src/b.txt", "b", "feat: b");
    ana.refused(&["cut", "--release", "0.1.0"], 4);
    assert_eq!(ana.cut(&[]), "v0.2.0-rc.1", "it counts from the newest candidate's trunk commit");
}

#[test]
fn a_taken_version_is_refused() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.commit("src/a.txt", "a", "feat: a");
    ana.refused(&["cut", "--version", "0.1.0"], 4);
    let before = ana.before();
    ana.rel(&["cut", "--version", "not-a-version", "--json"]).code(2);
    ana.unchanged(&before);
}

#[test]
fn if_changed_does_nothing_where_nothing_changed() {
    let shop = Shop::with(&[("remote = \"origin\"", "remote = \"origin\"\npaths = [\"/src\"]")]);
    let ana = shop.ana();
    assert_eq!(ana.cut(&["--if-changed"]), "v0.1.0-rc.1", "nothing was cut yet");
    ana.commit("README.md", "words", "docs: words");
    let before = ana.before();
    let document = ana.json(&["cut", "--if-changed"]);
    assert_eq!(document["made"], false, "{document}");
    ana.unchanged(&before);
    ana.commit("src/a.txt", "a", "fix: a");
    assert_eq!(ana.cut(&["--if-changed"]), "v0.1.1-rc.1");
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let before = ana.before();
    let text = ana.rel(&["cut", "--dry-run"]).ok();
    assert!(text.stdout.contains("0.1.0-rc.1"), "it says what would be made: {text:?}");
    ana.json(&["cut", "--dry-run"]);
    ana.unchanged(&before);
    assert_eq!(ana.cut(&[]), "v0.1.0-rc.1", "no number was spent");
}

#[test]
fn only_what_is_on_trunk_is_cut() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["checkout", "--quiet", "-b", "idea"]);
    ana.write("src/idea.txt", "idea");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "feat: idea"]);
    ana.refused_by(&["cut", "idea"], 4, &["trunk"]);
    ana.refused_by(&["cut", "HEAD"], 4, &["trunk"]);
    let output = ana.refused(&["cut", "no-such-commit"], 4);
    assert_eq!(output.kind(), "not-found");
}

/// Trunk is the authority's, whatever a local branch of that name says.
#[test]
fn a_local_trunk_that_leads_or_lags_does_not_count() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let newer = ana.commit("src/new.txt", "new", "feat: new");
    assert_eq!(bob.json(&["cut"])["candidate"]["commit"], newer, "bob's own main lags");
    bob.write("src/mine.txt", "mine");
    bob.git(&["add", "--all"]);
    bob.git(&["commit", "--quiet", "--message", "feat: mine"]);
    bob.refused_by(&["cut", "main~0"], 4, &["trunk"]);
}

#[test]
fn another_branch_may_be_checked_out() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tip = ana.tip();
    ana.git(&["checkout", "--quiet", "-b", "idea", "HEAD~1"]);
    ana.write("release.toml", "this = \"is not\" a valid file");
    ana.git(&["checkout", "--quiet", "release.toml"]);
    assert_eq!(ana.json(&["cut"])["candidate"]["commit"], tip);
    assert_eq!(ana.git(&["symbolic-ref", "HEAD"]), "refs/heads/idea");
}

#[test]
fn an_older_commit_takes_the_next_free_version() {
    let shop = Shop::new();
    let ana = shop.ana();
    let older = ana.tip();
    ana.commit("src/a.txt", "a", "feat: a");
    let first = ana.json(&["cut"]);
    assert_eq!(first["candidate"]["version"], "0.1.0-rc.1");
    let second = ana.json(&["cut", &older]);
    assert_eq!(second["candidate"]["commit"], older);
    let release = string(&second["candidate"]["release"]);
    assert_ne!(release, "0.1.0", "a version is taken by a candidate of another commit");
    // "Newest" is by position on trunk: the later commit's.
    assert_eq!(ana.deploy("staging", &[])["tag"], first["candidate"]["tag"]);
}

#[test]
fn the_working_tree_is_neither_touched_nor_built() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.write("src/app.txt", "dirty\n");
    ana.write("src/untracked.txt", "untracked\n");
    ana.write("staged.txt", "staged\n");
    ana.git(&["add", "staged.txt"]);
    let state = || ana.git(&["status", "--porcelain=v2", "--untracked-files=all"]);
    let before = (state(), fs::read(ana.dir.join(".git/index")).unwrap());
    ana.cut(&[]);
    assert_eq!((state(), fs::read(ana.dir.join(".git/index")).unwrap()), before);
    ana.deploy("staging", &[]);
    let built = fs::read_to_string(shop.world.shop().join("server/staging/app.txt")).unwrap();
    assert_eq!(built, "one\na door\n");
    assert!(!ana.dir.join("dist").exists());
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(fs::read_dir(shop.world.at("tmp")).unwrap().count(), 0, "nothing is left in TMPDIR");
}

#[test]
fn a_failed_build_costs_a_number_and_no_version() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.world.set("fail-build");
    let output = ana.rel(&["cut", "--json"]).code(6);
    assert_eq!(output.kind(), "command-failed");
    assert!(!output.ways_on().is_empty(), "{output:?}");
    assert!(output.stderr.contains("the build says no"), "what it printed is shown: {output:?}");
    let refs = shop.refs();
    assert!(!refs.keys().any(|name| name.starts_with("refs/tags/")), "{refs:?}");
    assert!(!refs.keys().any(|name| name.contains("/artifacts/")), "{refs:?}");
    assert_eq!(ana.git(&["worktree", "list"]).lines().count(), 1);
    shop.world.clear("fail-build");
    assert_eq!(ana.cut(&[]), "v0.1.0-rc.2");
    let kinds = shop.events("candidates").len();
    assert_eq!(kinds, 4, "reserved, abandoned, reserved, minted");
}

#[test]
fn a_build_that_cannot_be_kept_is_a_failed_build() {
    for (artifacts, build) in [
        ("[\"nowhere/*.tar\"]", "#!/bin/sh\ntrue\n"),
        ("[\"a/*\", \"b/*\"]", "#!/bin/sh\nmkdir a b && echo 1 > a/app.txt && echo 2 > b/app.txt\n"),
        (
            "[\"dist/*\"]",
            "#!/bin/sh\nmkdir dist && ln -s /etc/hostname dist/missing && ln -sf /nowhere dist/missing\n",
        ),
    ] {
        let shop = Shop::with(&[("[\"dist/*\"]", artifacts)]);
        let ana = shop.ana();
        ana.script("build.sh", build);
        ana.commit_all("build: otherwise");
        let output = ana.rel(&["cut", "--json"]).code(6);
        assert_eq!(output.kind(), "command-failed", "{output:?}");
        assert!(!shop.refs().contains_key("refs/tags/v0.1.0-rc.1"));
    }
}

#[test]
fn a_build_that_takes_too_long_is_ended_with_all_it_started() {
    let shop = Shop::with(&[("artifacts = [\"dist/*\"]", "artifacts = [\"dist/*\"]\ntimeout = \"1s\"")]);
    let ana = shop.ana();
    ana.script("build.sh", "#!/bin/sh\nsleep 1000 &\necho $! > \"$SHOP/sleeper\"\nwait\n");
    ana.commit_all("build: wait forever");
    ana.rel(&["cut", "--json"]).code(6);
    let sleeper: i32 = shop.world.lines("sleeper")[0].parse().unwrap();
    crate::world::Process::of(sleeper).is_gone();
}

#[test]
fn a_build_receives_what_exists_then() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.rel(&["cut"]).ok();
    let env = shop.world.variables("build/v0.1.0-rc.1/env");
    let mut names: Vec<&str> =
        env.keys().map(String::as_str).filter(|name| name.starts_with("REL_")).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "REL_ACTION",
            "REL_ACTOR",
            "REL_COMMIT",
            "REL_PROJECT",
            "REL_REFERENCES",
            "REL_RELEASE",
            "REL_SOURCE_DIR",
            "REL_TAG",
            "REL_VERSION",
        ]
    );
    assert_eq!(env["REL_PROJECT"], "shop");
    assert_eq!(env["REL_TAG"], "v0.1.0-rc.1");
    assert_eq!(env["REL_VERSION"], "0.1.0-rc.1");
    assert_eq!(env["REL_RELEASE"], "0.1.0");
    assert_eq!(env["REL_COMMIT"], ana.tip());
    assert_eq!(env["REL_ACTOR"], ana.person.actor());
    assert_eq!(env["SHOP"], shop.world.shop().to_str().unwrap(), "beside the caller's own environment");
    assert!(
        output.stderr.lines().any(|line| line.contains("build") && line.ends_with("building the shop")),
        "{output:?}"
    );
    assert!(!output.stdout.contains("building the shop"), "{output:?}");
}

#[test]
fn references_are_pinned_by_digest() {
    let shop = Shop::new();
    let ana = shop.ana();
    let digest = "a".repeat(64);
    let build = "#!/bin/sh\nmkdir dist; echo 1 > dist/app.txt\necho \"image=registry.example/app@sha256:DIGEST\" >> \"$REL_REFERENCES\"\n";
    ana.script("build.sh", &build.replace("DIGEST", &digest));
    ana.commit_all("build: an image");
    let candidate = ana.json(&["cut"])["candidate"].clone();
    let artifacts = candidate["artifacts"].as_array().unwrap();
    let image = artifacts.iter().find(|a| a["name"] == "image").unwrap_or_else(|| panic!("{candidate}"));
    assert_eq!(image["digest"], format!("sha256:{digest}"));
    assert_eq!(image["uri"], format!("registry.example/app@sha256:{digest}"));

    ana.script("build.sh", "#!/bin/sh\nmkdir dist; echo 1 > dist/app.txt\necho image=registry.example/app:latest >> \"$REL_REFERENCES\"\n");
    ana.commit_all("build: a floating image");
    ana.rel(&["cut", "--json"]).code(6);
}

#[test]
fn foreign_tags_count_and_are_left_alone() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["tag", "v1.4.0", "HEAD~1"]);
    ana.git(&["tag", "--annotate", "--message", "by hand", "v1.5.0-rc.1"]);
    ana.git(&["push", "--quiet", "origin", "--tags"]);
    let before = shop.refs();
    let tag = ana.cut(&[]);
    assert!(!before.contains_key(&format!("refs/tags/{tag}")));
    assert!(tag.starts_with("v1.4.1-rc.") || tag.starts_with("v1.5."), "it counts on from v1.4.0: {tag}");
    let after = shop.refs();
    for name in ["refs/tags/v1.4.0", "refs/tags/v1.5.0-rc.1"] {
        assert_eq!(before.get(name), after.get(name));
    }
    ana.commit("src/a.txt", "a", "fix: a");
    ana.refused(&["cut", "--version", "1.4.0"], 4);
}

#[test]
fn calendar_versions() {
    let shop = Shop::with(&[("[build]", "[version]\nscheme = \"calver\"\n\n[build]")]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.commit("src/a.txt", "a", "fix: a");
    let second = ana.cut(&[]);
    let micro = |tag: &str| {
        let version = tag
            .strip_prefix('v')
            .and_then(|rest| rest.strip_suffix("-rc.1"))
            .unwrap_or_else(|| panic!("{tag}"));
        let parts: Vec<u64> = version.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(parts.len() == 3 && parts[0] >= 2025 && (1..=12).contains(&parts[1]), "{tag}");
        parts
    };
    assert_eq!(micro(&first)[2], 0);
    assert!(micro(&second) > micro(&first));
    ana.deploy("staging", &[&second]);
    ana.deploy("prod", &[]);
    let fix = ana.commit("src/b.txt", "b", "fix: b");
    let picked = ana.json(&["cherry-pick", &fix]);
    let release = string(&picked["candidate"]["release"]);
    assert_eq!(
        release,
        format!("{}.1", second.trim_start_matches('v').trim_end_matches("-rc.1")),
        "one more component"
    );
}

#[test]
fn sequence_versions() {
    let shop =
        Shop::with(&[("[build]", "[version]\nscheme = \"sequence\"\ntag = \"build-{version}\"\n\n[build]")]);
    let ana = shop.ana();
    assert_eq!(ana.cut(&[]), "build-1-rc.1");
    ana.commit("src/a.txt", "a", "fix: a");
    assert_eq!(ana.cut(&[]), "build-2-rc.1");
    ana.deploy("staging", &[]);
    ana.deploy("prod", &[]);
    assert!(shop.refs().contains_key("refs/tags/build-2"));
    let fix = ana.commit("src/b.txt", "b", "fix: b");
    let picked = ana.json(&["cherry-pick", &fix]);
    assert_eq!(picked["candidate"]["tag"], "build-2.1-rc.1");
}

#[test]
fn artifacts_may_lie_in_a_folder() {
    let shop = Shop::new();
    let ana = shop.ana();
    let store = shop.world.at("store");
    ana.keep_artifacts_in(&store);
    let candidate = ana.json(&["cut"])["candidate"].clone();
    let digest = string(&candidate["artifacts"][0]["digest"]);
    let object = store.join(digest.replace(':', "/"));
    assert_eq!(fs::read_to_string(object).unwrap(), "one\na door\n");
    assert!(!shop.refs().keys().any(|name| name.contains("/artifacts/")), "git does not have them as well");
    let bob = shop.clone_for("bob");
    bob.deploy("staging", &[]);
    let served = fs::read_to_string(shop.world.shop().join("server/staging/app.txt")).unwrap();
    assert_eq!(served, "one\na door\n");
}

#[test]
fn too_large_for_git_is_refused_before_pushing() {
    let shop = Shop::with(&[(
        "[environments.staging]",
        "[artifacts]\nmax_size = \"1KiB\"\n\n[environments.staging]",
    )]);
    let ana = shop.ana();
    ana.commit("src/large.txt", &"x".repeat(2000), "feat: large");
    let output = ana.rel(&["cut", "--json"]).code(6);
    let said = output.json()["error"].to_string();
    assert!(
        said.contains("max_size") && said.contains("file://"),
        "it names the stores that take more: {output:?}"
    );
    assert!(!shop.refs().keys().any(|name| name.contains("/artifacts/") || name.starts_with("refs/tags/")));
}

#[test]
fn without_a_build_there_are_no_artifacts() {
    let shop = Shop::with(&[("[build]\ncommand = \"./build.sh\"\nartifacts = [\"dist/*\"]\n", "")]);
    let ana = shop.ana();
    let candidate = ana.json(&["cut"])["candidate"].clone();
    assert_eq!(candidate["artifacts"].as_array().unwrap().len(), 0);
    assert!(shop.world.lines("builds").is_empty());
}

/// Two cuts of one commit: the first to mint wins, the other shows it.
#[test]
fn the_second_of_two_builds_shows_the_winner() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    shop.world.set("hold-build");
    let mine = ana.start(&["cut", "--json"]);
    let theirs = bob.start(&["cut", "--json"]);
    crate::world::wait_until("both build", || shop.world.lines("builds").len() == 2);
    shop.world.clear("hold-build");
    let (mine, theirs) = (mine.wait().ok().json(), theirs.wait().ok().json());
    let made = [&mine, &theirs].into_iter().filter(|document| document["made"] == true).count();
    assert_eq!(made, 1, "{mine}\n{theirs}");
    assert_eq!(mine["candidate"], theirs["candidate"]);
    let tags = shop.refs().into_keys().filter(|name| name.starts_with("refs/tags/")).count();
    assert_eq!(tags, 1);
}

#[test]
fn offline_it_cannot_be_done() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.refused(&["cut", "--offline"], 4);
    let alone = Shop::over(Kind::Local, &[]);
    alone.ana().cut(&["--offline"]);
}

/// None of it is found after the build, and nothing is changed.
#[test]
fn what_stands_in_the_way_is_said_before_the_build() {
    let shop = Shop::new();
    let ana = shop.ana();
    // A folder that cannot be made, whoever asks.
    ana.write("no-folder", "a file");
    let store = format!(
        "[artifacts]\nstore = \"file://{}\"\n\n[environments.staging]",
        ana.dir.join("no-folder/in").display()
    );
    for (from, to, says) in [
        ("[environments.staging]", "[version]\nsign = true\n\n[environments.staging]", "cannot sign"),
        ("[environments.staging]", store.as_str(), "no-folder"),
        (
            "[environments.staging]",
            "[version]\ntag = \"{project}/v{version}\"\n\n[environments.staging]",
            "a tag shop is in the way",
        ),
    ] {
        let restored = shop.release_toml();
        ana.git(&["tag", "--force", "shop"]);
        ana.git(&["push", "--quiet", "--force", "origin", "refs/tags/shop"]);
        ana.reconfigure(from, to);
        let before = ana.before();
        let output = ana.rel(&["cut"]);
        assert!(output.code != 0 && output.stderr.contains(says), "{output:?}");
        assert!(!output.stderr.contains("reserved for"), "{output:?}");
        ana.unchanged(&before);
        ana.write("release.toml", &restored);
        ana.commit_all("chore: back");
        ana.push();
    }
}

/// A rule of the host's says no in a minute as well.
#[test]
fn a_tag_that_the_host_refuses_is_tried_once() {
    let shop = Shop::new();
    let ana = shop.ana();
    let hook = shop.authority().join("hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(
        &hook,
        "#!/bin/sh\necho \"$1\" >> tried\ncase $1 in refs/tags/*) echo protected; exit 1;; esac\n",
    )
    .unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = ana.rel(&["cut"]);
    assert!(output.code == 1 && output.stderr.contains("protection rule"), "{output:?}");
    let tried = fs::read_to_string(shop.authority().join("tried")).unwrap();
    assert_eq!(tried.matches("refs/tags/").count(), 1, "{tried}");
}
