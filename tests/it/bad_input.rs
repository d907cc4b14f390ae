//! What people and repositories get wrong: the right exit code, a way on, no
//! panic, no prompt, and every ref as it was.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use crate::remote::Kind;
use crate::repo::{Desk, Shop};
use crate::world::Running;

/// Every verb that reads or writes the project.
const VERBS: [&[&str]; 13] = [
    &["cut"],
    &["cherry-pick", "HEAD"],
    &["deploy", "staging", "--yes"],
    &["rollback", "staging", "--yes"],
    &["ship", "staging", "--yes"],
    &["status"],
    &["list"],
    &["log"],
    &["show", "v0.1.0-rc.1"],
    &["diff", "HEAD", "HEAD"],
    &["lock", "staging", "--reason", "x"],
    &["unlock", "staging", "--reason", "x"],
    &["sync"],
];

#[test]
fn outside_a_repository_each_verb_fails_with_a_way_on() {
    let shop = Shop::bare(Kind::Local);
    let outside = Desk { dir: shop.world.at("tmp"), ..shop.ana() };
    for args in VERBS {
        let output = outside.rel(&[args, &["--json"]].concat());
        assert!([1, 4].contains(&output.code), "{output:?}");
        assert!(!output.ways_on().is_empty(), "{output:?}");
        assert_eq!(outside.rel(args).code, output.code);
    }
    let output = outside.rel(&["-C", "/no/such/folder", "status", "--json"]);
    assert!([1, 4].contains(&output.code), "{output:?}");
}

#[test]
fn an_empty_repository_is_told_of_init() {
    for kind in [Kind::Local, Kind::Path] {
        let shop = Shop::bare(kind);
        let ana = shop.ana();
        for args in VERBS {
            let output = ana.rel(&[args, &["--json"]].concat()).code(3);
            assert!(output.ways_on().contains("rel init"), "{output:?}");
        }
        assert_eq!(shop.refs().len(), 1, "HEAD alone");
    }
}

#[test]
fn without_release_toml_each_verb_tells_of_init() {
    let shop = Shop::bare(Kind::Path);
    let ana = shop.ana();
    ana.commit("src/app.txt", "one\n", "feat: no file yet");
    for args in VERBS {
        let output = ana.refused(args, 3);
        assert!(output.ways_on().contains("rel init"), "{output:?}");
    }
}

#[test]
fn an_unborn_trunk_is_refused_with_a_way_on() {
    // Nothing is committed at all, with a file in the working tree.
    let local = Shop::bare(Kind::Local);
    local.ana().write("release.toml", &local.release_toml());
    let output = local.ana().rel(&["cut", "--json"]).code(4);
    assert!(output.gates().contains(&"trunk".to_owned()) && !output.ways_on().is_empty(), "{output:?}");
    // The remote has nothing; what is committed here was never pushed.
    let shop = Shop::bare(Kind::Path);
    let ana = shop.ana();
    ana.write("release.toml", &shop.release_toml());
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--message", "feat: not pushed"]);
    for args in [vec!["cut"], vec!["deploy", "staging", "--yes"], vec!["ship", "staging", "--yes"]] {
        let output = ana.refused(&args, 4);
        assert!(output.ways_on().contains("push"), "{output:?}");
    }
    // Trunk has another name there.
    let other = Shop::new();
    other.ana().write(
        "release.toml",
        &other.release_toml().replace("name = \"shop\"", "name = \"shop\"\ntrunk = \"trunk\""),
    );
    other.ana().refused(&["cut"], 4);
}

#[test]
fn unknown_names_come_with_the_nearest() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    for (args, near) in [
        (vec!["deploy", "stagign", "--yes"], "staging"),
        (vec!["rollback", "prd", "--yes"], "prod"),
        (vec!["ship", "prodd", "--yes"], "prod"),
        (vec!["lock", "stagin", "--reason", "x"], "staging"),
        (vec!["status", "prdo"], "prod"),
        (vec!["log", "prdo"], "prod"),
        (vec!["deploy", "staging", "v0.1.0-rc.2", "--yes"], "v0.1.0-rc.1"),
        (vec!["rollback", "staging", "--to", "v0.1.0-rc.2", "--yes"], "v0.1.0-rc.1"),
        (vec!["show", "v0.1.0-rc.11"], "v0.1.0-rc.1"),
        (vec!["diff", "stagign"], "staging"),
        (vec!["diff", "v0.1.0-rc.1", "trnk"], "trunk"),
    ] {
        let output = ana.refused(&args, 4);
        assert_eq!(output.kind(), "not-found", "{output:?}");
        assert!(output.ways_on().contains(near), "{near} is near: {output:?}");
    }
}

#[test]
fn an_environment_name_that_cannot_be_one_changes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    for name in ["", "a/b", "../x", "-x", "x y", "prod.lock", "@", "\u{1b}[31m"] {
        let before = ana.before();
        let output = ana.rel(&["deploy", "--yes", "--json", "--", name]);
        assert!([2, 4].contains(&output.code), "{output:?}");
        ana.unchanged(&before);
    }
}

#[test]
fn revisions_that_look_like_options_or_nonsense_are_refused() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    for rev in [
        "--upload-pack=touch /tmp/x",
        "HEAD..",
        "^HEAD",
        ":/nothing",
        "@{",
        "v0.1.0-rc.99999999999999999999",
        "*",
    ] {
        for verb in ["cut", "show", "diff"] {
            let before = ana.before();
            let output = ana.rel(&[verb, "--json", "--", rev]);
            assert!([2, 4].contains(&output.code), "{output:?}");
            ana.unchanged(&before);
        }
    }
}

#[test]
fn tags_that_rel_did_not_make_are_no_candidates() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.git(&["tag", "v0.0.1-rc.1", "HEAD~1"]);
    ana.git(&["tag", "--annotate", "--message", "by hand", "v0.0.2-rc.1", "HEAD~1"]);
    ana.git(&["tag", "--annotate", "--message", "a blob", "v0.0.3-rc.1", "HEAD:src/app.txt"]);
    ana.git(&["push", "--quiet", "origin", "--tags"]);
    for tag in ["v0.0.1-rc.1", "v0.0.2-rc.1", "v0.0.3-rc.1"] {
        ana.refused(&["deploy", "staging", tag, "--yes"], 4);
    }
    ana.rel(&["list"]).ok();
    ana.deploy("staging", &[]);
}

/// What a project does wrong in its deployment command.
#[test]
fn a_command_that_cannot_be_started_is_named_and_recorded() {
    for (command, script) in [
        ("deploy = \"./no-such-script.sh\"", None),
        ("deploy = [\"./no-such-script.sh\"]", None),
        ("deploy = [\"no-such-program-anywhere\"]", None),
        ("deploy = \"./plain.sh\"", Some("#!/bin/sh\ntrue\n")),
        ("deploy = [\"./plain.sh\"]", Some("#!/bin/sh\ntrue\n")),
        ("deploy = [\"./plain.sh\"]", Some("#!/no/such/interpreter\n")),
    ] {
        let shop = Shop::with(&[(
            "[environments.staging]\ndeploy = \"./deploy.sh\"",
            &format!("[environments.staging]\n{command}"),
        )]);
        let ana = shop.ana();
        if let Some(script) = script {
            ana.write("plain.sh", script);
            if script.contains("interpreter") {
                fs::set_permissions(ana.dir.join("plain.sh"), fs::Permissions::from_mode(0o755)).unwrap();
            }
            ana.commit_all("build: a script");
        }
        ana.cut(&[]);
        let output = ana.rel(&["deploy", "staging", "--yes", "--json"]).code(6);
        assert_eq!(output.kind(), "command-failed", "{output:?}");
        let said = format!("{}{}", output.json()["error"]["message"], output.ways_on());
        assert!(
            said.contains("plain.sh") || said.contains("no-such"),
            "it names what it could not start: {said}"
        );
        let state = output.json()["deployment"]["state"].clone();
        assert!(state == "failed" || state == "cancelled", "{output:?}");
        assert!(ana.status("staging")["in_flight"].is_null(), "and that is recorded");
    }
}

#[test]
fn a_remote_that_is_gone_is_exit_1_and_nothing_changes() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let before = ana.before();
    fs::rename(shop.authority(), shop.world.at("away.git")).unwrap();
    for args in [
        vec!["cut", "--again"],
        vec!["deploy", "staging", "--yes"],
        vec!["status"],
        vec!["lock", "staging", "--reason", "x"],
        vec!["sync"],
    ] {
        let output = ana.rel(&[args.as_slice(), &["--json"]].concat());
        assert_eq!(output.code, 1, "{output:?}");
        assert!(!output.ways_on().is_empty(), "{output:?}");
    }
    ana.rel(&["status", "--offline"]).ok();
    fs::rename(shop.world.at("away.git"), shop.authority()).unwrap();
    ana.unchanged(&before);
}

#[test]
fn a_remote_that_was_never_added_is_told_of_git_remote() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["remote", "remove", "origin"]);
    let output = ana.rel(&["cut", "--json"]);
    assert!([1, 3, 4].contains(&output.code), "{output:?}");
    assert!(output.ways_on().contains("git remote"), "{output:?}");
}

/// A hook or a protected ref on the other side says no.
#[test]
fn a_remote_that_refuses_is_quoted_and_nothing_changes() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let hooks = shop.authority().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(
        hooks.join("pre-receive"),
        "#!/bin/sh\nprintf 'the gatekeeper\\033[31m says no\\n' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(hooks.join("pre-receive"), fs::Permissions::from_mode(0o755)).unwrap();
    for args in
        [vec!["cut", "--again"], vec!["deploy", "staging", "--yes"], vec!["lock", "staging", "--reason", "x"]]
    {
        let before = ana.before();
        let output = ana.rel(&[args.as_slice(), &["--json"]].concat());
        assert!([1, 4].contains(&output.code), "{output:?}");
        assert!(
            output.json()["error"].to_string().contains("gatekeeper") || output.stderr.contains("gatekeeper"),
            "whose no it is: {output:?}"
        );
        ana.unchanged(&before);
    }
    ana.rel(&["status"]).ok();
}

/// Nobody is asked for a password where nobody could answer.
#[test]
fn a_remote_that_wants_a_password_asks_nobody() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    ana.cut(&[]);
    let before = ana.before();
    let server = shop.remote.as_ref().and_then(|remote| remote.server.as_ref()).unwrap();
    for status in [401, 403, 500] {
        server.answer(status);
        for args in [vec!["cut", "--again"], vec!["deploy", "staging", "--yes"], vec!["status"]] {
            let output = ana.rel(&[args.as_slice(), &["--json"]].concat()).code(1);
            assert!(!output.ways_on().is_empty(), "{output:?}");
            let asked = |line: &str| line.starts_with("Username for") || line.starts_with("Password for");
            assert!(!output.stderr.lines().any(asked), "{output:?}");
        }
    }
    server.answer(0);
    ana.unchanged(&before);
    ana.deploy("staging", &[]);
}

/// An identity is needed to write, and never made up.
#[test]
fn without_an_identity_nothing_is_written() {
    let shop = Shop::new();
    let ana = shop.ana();
    fs::write(shop.world.at("homes/ana/.gitconfig"), "[user]\n\tuseConfigOnly = true\n").unwrap();
    let before = ana.before();
    let output = ana.rel(&["cut", "--json"]);
    assert!([1, 4].contains(&output.code), "{output:?}");
    assert!(output.ways_on().contains("git config"), "{output:?}");
    ana.unchanged(&before);
    ana.rel(&["status"]).ok();
}

#[test]
fn file_names_of_every_kind_are_built_and_picked() {
    let shop = Shop::new();
    let ana = shop.ana();
    for name in [
        "src/with space.txt",
        "src/new\nline.txt",
        "src/-dash",
        "src/quote\"s'.txt",
        "src/\u{fc}ml\u{e4}ut.txt",
        "src/$(touch x).txt",
    ] {
        ana.write(name, "x\n");
    }
    fs::write(ana.dir.join(OsStr::from_bytes(b"src/not-utf8-\xff\xfe.txt")), "y\n").unwrap();
    let fix = ana.commit_all("fix: names");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert!(fs::read(shop.world.shop().join("server/staging/app.txt")).unwrap().ends_with(b"x\n"));
    ana.rel(&["show", "v0.1.0-rc.1"]).ok();
    ana.json(&["show", "v0.1.0-rc.1"]);
    assert_eq!(ana.json(&["cherry-pick", &fix])["made"], false);
    fs::write(ana.dir.join(OsStr::from_bytes(b"src/\xff.txt")), "z\n").unwrap();
    let fix = ana.commit_all("fix: more names");
    assert_eq!(ana.json(&["cherry-pick", &fix])["made"], true);
}

#[test]
fn artifact_names_of_every_kind_are_kept_or_refused() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script("build.sh", "#!/bin/sh\nmkdir dist && cd dist && echo 1 > app.txt && echo 2 > 'with space.txt' && echo 3 > 'ümläut.txt'\n");
    ana.commit_all("build: names");
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[&tag]);
    let server = shop.world.shop().join("server/staging");
    assert_eq!(fs::read_to_string(server.join("with space.txt")).unwrap(), "2\n");
    assert_eq!(fs::read_to_string(server.join("ümläut.txt")).unwrap(), "3\n");
    for bad in [
        "printf x > \"$(printf 'new\\nline')\"",
        "printf x > \"$(printf 'not-utf8-\\377')\"",
        "printf x > \"$(printf 'esc\\033[31m')\"",
    ] {
        ana.script("build.sh", &format!("#!/bin/sh\nmkdir dist && cd dist && {bad}\n"));
        ana.commit_all("build: a bad name");
        let output = ana.rel(&["cut", "--json"]);
        // Refused as a build, or kept under exactly that name; never a crash.
        assert!([0, 6].contains(&output.code), "{output:?}");
    }
}

/// Text from commits, people and other machines has no power over a terminal.
#[test]
fn no_text_reaches_the_terminal_as_an_escape() {
    let shop = Shop::new();
    let ana = shop.ana();
    let evil = "feat: \u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m bell\u{8}";
    let fix = ana.commit(
        "src/evil.txt",
        "evil",
        &format!("{evil}\n\n\u{1b}[31mbody\n\nRel-Project: other\nRel-Artifact: sha256:0 1 x"),
    );
    ana.git(&["branch", "-m", "main", "idea"]);
    let tag = ana.cut(&[]);
    let reason = "\u{1b}[31mred\u{1b}[0m\nnext line";
    ana.rel(&["deploy", "staging", "--yes", "--reason", reason]).ok();
    ana.rel(&["lock", "staging", "--reason", reason]).ok();
    ana.rel(&["block", &tag, "--reason", reason]).ok();
    ana.rel(&["cherry-pick", &fix]).ok();
    ana.rel(&["deploy", "staging", &tag, "--redeploy", "--yes"]).code(4);
    for args in
        [vec!["status"], vec!["list"], vec!["log"], vec!["show", &tag], vec!["log", "--output", "staging#1"]]
    {
        // What every output is checked for is in the harness.
        ana.rel(&args).ok();
        if args[0] != "log" || args.len() == 1 {
            ana.rel(&[args.as_slice(), &["--json"]].concat()).ok();
        }
    }
    let forged = ana.json(&["show", &tag])["candidate"].clone();
    assert_eq!(
        forged["artifacts"].as_array().unwrap().len(),
        1,
        "trailers in a commit are not the tag's: {forged}"
    );
}

#[test]
fn what_a_command_prints_has_no_power_either() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script("deploy.sh", "#!/bin/sh\nprintf 'a\\033[2Jb\\rc\\n'\nprintf '\\377\\376 not text\\n' >&2\nprintf 'no newline at the end'\n");
    ana.script("verify.sh", "#!/bin/sh\ntrue\n");
    ana.commit_all("build: shout");
    ana.cut(&[]);
    let output = ana.rel(&["deploy", "staging", "--yes"]).ok();
    assert!(output.stderr.contains("no newline at the end"), "{output:?}");
    let kept = ana.json(&["log", "--output", "staging#1"]);
    assert!(kept["output"].as_str().unwrap_or_default().contains("no newline at the end"), "{kept}");
}

#[test]
fn wrong_usage_is_exit_2() {
    let shop = Shop::new();
    let ana = shop.ana();
    for args in [
        vec!["no-such-verb"],
        vec!["deploy"],
        vec!["cut", "--no-such-flag"],
        vec!["cut", "--version", "1.0.0", "--bump", "major"],
        vec!["cut", "--bump", "huge"],
        vec!["resolve", "staging#1", "--reason", "x"],
        vec!["resolve", "staging#1", "--succeeded", "--failed", "--reason", "x"],
        vec!["resolve", "staging", "--failed", "--reason", "x"],
        vec!["deploy", "staging", "--wait=soon"],
        vec!["list", "-n", "many"],
    ] {
        let before = ana.before();
        ana.rel(&args).code(2);
        let output = ana.rel(&[args.as_slice(), &["--json"]].concat()).code(2);
        assert_eq!(output.kind(), "usage", "{output:?}");
        ana.unchanged(&before);
    }
    ana.rel(&["--help"]).ok();
    ana.rel(&["deploy", "--help"]).ok();
    ana.rel(&["--version"]).ok();
}

/// A reader that goes away silences the output, not the deployment.
#[test]
fn a_broken_pipe_does_not_end_a_deployment() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    shop.world.set("hold-staging");
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    shop.world.running("staging", 1);
    drop(child.stdout.take());
    drop(child.stderr.take());
    shop.world.clear("hold-staging");
    child.wait().unwrap();
    let deployment = ana.json(&["log", "staging"])["deployments"][0].clone();
    assert_eq!(deployment["state"], "succeeded");
    assert_eq!(deployment["tag"], tag);
}

/// Shallow clones, as CI makes them, still know what is live.
#[test]
fn a_shallow_clone() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    for part in ["window", "roof", "lamp"] {
        ana.commit(&format!("src/{part}.txt"), part, &format!("feat: {part}"));
    }
    let person = shop.world.person("ci");
    let dir = shop.world.at("ci");
    let url = format!("file://{}", shop.authority().display());
    shop.world.git(
        &person,
        &shop.world.at("homes"),
        &["clone", "--quiet", "--depth=1", &url, dir.to_str().unwrap()],
    );
    let ci = Desk { shop: &shop, person, dir };
    assert_eq!(ci.live("staging"), first);
    let mut command = ci.command(&["cut", "--json"]);
    command.env("CI", "true");
    let output = Running::start(command).wait().ok();
    assert_eq!(output.json()["candidate"]["tag"], "v0.2.0-rc.1");
}
