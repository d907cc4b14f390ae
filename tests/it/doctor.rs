//! `rel doctor`: what it finds, and that it leaves no trace.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::output::Output;
use crate::remote::Kind;
use crate::repo::{Desk, Shop};
use crate::world::{Running, wait_until};

over_every_authority!(a_sound_clone_and_remote);

/// The checks of a document: name, verdict, and what is said with what to do.
fn checks(document: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap_or_else(|| panic!("no checks: {document}"));
    checks
        .iter()
        .map(|check| {
            let hints = check["hints"].as_array().unwrap().iter().map(&text);
            let said = [text(&check["message"])].into_iter().chain(hints).collect::<Vec<_>>().join("\n");
            (text(&check["name"]), text(&check["verdict"]), said)
        })
        .collect()
}

/// What is not ok, as `verdict name`.
fn findings(output: &Output) -> Vec<String> {
    let checks = checks(&output.json()).into_iter().filter(|(_, verdict, _)| verdict != "ok");
    checks.map(|(name, verdict, _)| format!("{verdict} {name}")).collect()
}

/// What one check says.
#[track_caller]
fn said(output: &Output, name: &str) -> String {
    let found: Vec<String> =
        checks(&output.json()).into_iter().filter(|check| check.0 == name).map(|check| check.2).collect();
    assert!(!found.is_empty(), "nothing is said of {name}: {output:?}");
    found.join("\n")
}

/// Runs it, and checks that nothing changed at the remote or in the clone.
#[track_caller]
fn examined(desk: &Desk<'_>, code: i32) -> Output {
    let before = desk.before();
    let output = desk.rel(&["doctor", "--json"]).code(code);
    desk.unchanged(&before);
    output
}

/// Makes the remote ask this script about each ref: `$1` is its name, `$3` what it is to be.
fn update_hook(shop: &Shop, script: &str) {
    hook(shop, "update", script);
}

fn hook(shop: &Shop, name: &str, script: &str) {
    let hooks = shop.authority().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(hooks.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(hooks.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn a_sound_clone_and_remote(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert_eq!(findings(&examined(&ana, 0)), [""; 0]);
    let text = ana.rel(&["doctor"]).ok();
    assert_eq!(text.stderr, "nothing stands in the way\n");
    assert!(text.stdout.lines().all(|line| line.starts_with("ok ")), "{text:?}");
}

#[test]
fn what_it_says_of_a_sound_clone() {
    let shop = Shop::new();
    let ana = shop.ana();
    let text = ana.rel(&["doctor"]).ok().stdout;
    let said: Vec<&str> = text.lines().skip(2).collect();
    let tip = &ana.tip()[..7];
    assert_eq!(
        said,
        [
            "ok       clone         complete",
            "ok       identity      ana <ana@example.com>",
            "ok       release.toml  project shop, environments staging, prod",
            "ok       unpublished   nothing: every record of this clone has reached the remote",
            &format!("ok       remote        origin: trunk main at {tip}"),
            &format!("ok       policy        trunk's, at {tip}"),
            "ok       clock         no records yet to compare it with",
            "ok       tags          as origin has them",
            "ok       push          refs/rel/shop/ can be written",
            "ok       arrives       what is pushed is there when it is read",
            "ok       notes         refs/notes/rel/shop/ can be written",
            "ok       tag rules     tags like v1.0.0-rc.1 can be made",
            "ok       atomic        several refs change all or none",
            "ok       leases        a ref that is not what was expected is left alone",
        ]
    );
}

#[test]
fn without_a_repository_a_project_or_a_remote_it_says_so() {
    let shop = Shop::bare(Kind::Path);
    let ana = shop.ana();
    let mut nowhere = ana.command(&["doctor", "--json"]);
    nowhere.current_dir(shop.world.at("tmp"));
    let output = Running::start(nowhere).wait().code(4);
    assert_eq!(findings(&output), ["problem repository"]);

    let output = examined_unborn(&ana);
    assert_eq!(findings(&output), ["problem release.toml"]);
    assert!(said(&output, "release.toml").contains("rel init"), "{output:?}");

    ana.write("release.toml", "[project]\nname = \"shop\"\nnmae = 1\n");
    let output = examined_unborn(&ana);
    assert_eq!(findings(&output), ["problem release.toml", "problem remote"]);
    assert!(said(&output, "release.toml").contains("nmae"), "{output:?}");
    assert!(said(&output, "remote").contains("git push origin main"), "{output:?}");

    ana.git(&["remote", "set-url", "origin", "/nowhere"]);
    let output = examined_unborn(&ana);
    assert!(said(&output, "remote").contains("git remote -v"), "{output:?}");
}

#[track_caller]
fn examined_unborn(desk: &Desk<'_>) -> Output {
    desk.rel(&["doctor", "--json"]).code(4)
}

#[test]
fn a_remote_that_lets_nobody_in_is_told_from_one_that_is_not_there() {
    let shop = Shop::over(Kind::Http, &[]);
    let ana = shop.ana();
    let server = shop.remote.as_ref().unwrap().server.as_ref().unwrap();
    server.answer(401);
    let output = ana.rel(&["doctor", "--json"]).code(4);
    assert_eq!(findings(&output), ["problem remote"]);
    assert!(said(&output, "remote").contains("credential helper"), "{output:?}");
    server.answer(503);
    let output = ana.rel(&["doctor", "--json"]).code(4);
    assert!(said(&output, "remote").contains("cannot reach"), "{output:?}");
}

#[test]
fn offline_the_remote_is_not_asked() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["remote", "set-url", "origin", "/nowhere"]);
    let output = ana.rel(&["doctor", "--offline", "--json"]).ok();
    assert_eq!(findings(&output), ["note remote"]);
    assert!(said(&output, "remote").contains("--offline"), "{output:?}");
}

#[test]
fn a_dry_run_tries_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    update_hook(&shop, "echo \"$1\" >> \"$SHOP/asked\"");
    let output = ana.rel(&["doctor", "--dry-run", "--json"]).ok();
    assert_eq!(findings(&output), ["note push"]);
    assert!(shop.world.lines("asked").is_empty());
    examined(&ana, 0);
    assert!(!shop.world.lines("asked").is_empty(), "the hook would have told");
}

/// What a rule of the remote's refuses is named, and nothing is made on the way.
#[test]
fn a_remote_that_refuses_some_of_the_refs() {
    let shop = Shop::new();
    let ana = shop.ana();
    for (refs, finding) in [
        ("refs/tags/*", "problem tag rules"),
        ("refs/notes/*", "problem notes"),
        ("refs/rel/*", "problem push"),
    ] {
        update_hook(&shop, &format!("case $1 in {refs}) echo not here; exit 1;; esac"));
        let output = examined(&ana, 4);
        assert_eq!(findings(&output)[0], finding, "{output:?}");
        let name = finding.trim_start_matches("problem ");
        assert!(said(&output, name).contains("not here"), "{output:?}");
    }
}

#[test]
fn a_remote_that_changes_no_refs_together() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.authority_git(&["config", "receive.advertiseAtomic", "false"]);
    let output = examined(&ana, 0);
    assert_eq!(findings(&output), ["note notes", "note tag rules", "note atomic"]);
    assert!(said(&output, "atomic").contains("in turn"), "{output:?}");
}

/// git itself makes the other refs of an atomic push where one is hidden.
#[test]
fn a_remote_that_breaks_its_word() {
    let shop = Shop::new();
    let ana = shop.ana();
    update_hook(&shop, "echo \"$1\" >> \"$SHOP/asked\"");
    shop.authority_git(&["config", "receive.hideRefs", "refs/notes"]);
    let output = examined(&ana, 4);
    assert_eq!(findings(&output), ["problem notes"], "{output:?}");
    shop.authority_git(&["config", "receive.hideRefs", "refs/rel"]);
    let output = examined(&ana, 4);
    assert_eq!(findings(&output)[0], "problem push", "{output:?}");
    let asked = shop.world.lines("asked");
    assert!(!asked.iter().any(|name| name.starts_with("refs/heads")), "{asked:?}");
}

/// Removed by the next, whoever killed it.
#[test]
fn what_a_killed_doctor_left_is_removed_by_the_next() {
    let shop = Shop::new();
    let ana = shop.ana();
    hook(&shop, "post-receive", "echo > \"$SHOP/made\"; while test -e \"$SHOP/made\"; do sleep 0.01; done");
    let run = ana.start(&["doctor"]);
    wait_until("the scratch ref is made", || shop.world.shop().join("made").exists());
    let left =
        |shop: &Shop| shop.refs().into_keys().filter(|name| name.contains("doctor")).collect::<Vec<_>>();
    run.signal(Signal::SIGKILL);
    shop.world.clear("made");
    run.wait();
    assert_eq!(left(&shop).len(), 1);
    fs::remove_file(shop.authority().join("hooks/post-receive")).unwrap();
    shop.authority_git(&["update-ref", "refs/rel/shop/doctor/older", "main"]);
    ana.rel(&["doctor"]).ok();
    assert_eq!(left(&shop), [""; 0]);
}

/// A remote that keeps every ref keeps this one too, and never a second.
#[test]
fn where_nothing_is_removed_one_ref_stays_and_is_used_again() {
    let shop = Shop::new();
    let ana = shop.ana();
    update_hook(&shop, "case $3 in *[1-9a-f]*) ;; *) echo kept; exit 1;; esac");
    let mut stays = Vec::new();
    for _ in 0..2 {
        let output = ana.rel(&["doctor", "--json"]).ok();
        assert_eq!(findings(&output), ["note scratch"]);
        assert!(said(&output, "scratch").contains("kept"), "{output:?}");
        stays.push(shop.refs().into_keys().filter(|name| name.contains("doctor")).collect::<Vec<_>>());
    }
    assert_eq!(stays[0].len(), 1);
    assert_eq!(stays[0], stays[1]);
    fs::remove_file(shop.authority().join("hooks/update")).unwrap();
    ana.rel(&["doctor"]).ok();
    assert!(!shop.refs().into_keys().any(|name| name.contains("doctor")));
}

/// Two at once do not take each other for a fault.
#[test]
fn two_at_once() {
    let shop = Shop::new();
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let runs = [ana.start(&["doctor", "--json"]), bob.start(&["doctor", "--json"])];
    for run in runs {
        assert_eq!(findings(&run.wait().ok()), [""; 0]);
    }
    assert!(!shop.refs().into_keys().any(|name| name.contains("doctor")));
}

#[test]
fn a_ref_in_the_way_is_named_with_how_to_put_it_aside() {
    let shop = Shop::new();
    let ana = shop.ana();
    for name in ["refs/notes/rel", "refs/rel/shop", "refs/notes/rel/shop/env/prod/old"] {
        shop.authority_git(&["update-ref", name, "main"]);
        let output = examined(&ana, 4);
        assert!(findings(&output).contains(&"problem refs".to_owned()), "{output:?}");
        let text = said(&output, "refs");
        let commands: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(commands.len(), 2, "{text}");
        for command in commands {
            ana.git(&command.split(' ').skip(1).collect::<Vec<_>>());
        }
        assert!(shop.refs().contains_key(&format!("{name}-aside")), "nothing is lost");
        if name.ends_with("/old") {
            shop.authority_git(&["update-ref", "-d", &format!("{name}-aside")]);
        }
        examined(&ana, 0);
    }
    ana.git(&["update-ref", "refs/rel", "HEAD"]);
    let output = examined(&ana, 4);
    for command in said(&output, "refs").lines().skip(1) {
        ana.git(&command.split(' ').skip(1).collect::<Vec<_>>());
    }
    examined(&ana, 0);
}

#[test]
fn mirrors_tags_and_names() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["tag", "--annotate", "--message", "x", "v0.0.1"]);
    ana.git(&["tag", "v0.0.2"]);
    ana.git(&["push", "--quiet", "origin", "v0.0.1", "v0.0.2"]);
    ana.git(&["tag", "--force", "v0.0.1", "v0.0.1^{}"]);
    ana.git(&["tag", "--force", "v0.0.2", "HEAD~1"]);
    ana.git(&["tag", "v0.0.3"]);
    ana.git(&["branch", "prod"]);
    ana.git(&["config", "remote.origin.mirror", "true"]);
    ana.git(&["config", "--add", "remote.origin.fetch", "+refs/*:refs/*"]);
    let output = examined(&ana, 0);
    assert_eq!(
        findings(&output),
        ["note mirror", "note mirror", "note names", "note tags", "note tags", "note tags"]
    );
    let tags = said(&output, "tags");
    assert!(tags.contains("v0.0.2: not what origin has"), "{tags}");
    assert!(tags.contains("v0.0.1: lost what was written into"), "{tags}");
    assert!(tags.contains("v0.0.3: only here"), "{tags}");
}

/// A mirror is pushed to as any other remote, ref by ref.
#[test]
fn a_remote_set_up_as_a_mirror_can_be_released_to() {
    let shop = Shop::new();
    let ana = shop.ana();
    shop.authority_git(&["update-ref", "refs/heads/theirs", "main"]);
    ana.git(&["config", "remote.origin.mirror", "true"]);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert!(shop.refs().contains_key("refs/heads/theirs"));
}

#[test]
fn what_is_pushed_elsewhere_is_noticed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let elsewhere = shop.world.at("elsewhere.git");
    shop.world.git(
        &ana.person,
        &shop.world.at("tmp"),
        &["init", "--quiet", "--bare", elsewhere.to_str().unwrap()],
    );
    ana.git(&["config", "remote.origin.pushurl", elsewhere.to_str().unwrap()]);
    let output = examined(&ana, 4);
    assert_eq!(findings(&output), ["problem arrives"]);
    assert!(said(&output, "arrives").contains("pushurl"), "{output:?}");
    assert_eq!(
        shop.world.git(&ana.person, &elsewhere, &["for-each-ref"]),
        "",
        "nothing is left there either"
    );
}

#[test]
fn a_record_from_the_future_tells_of_a_wrong_clock() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let chain = "refs/notes/rel/shop/candidates";
    let mut commit = shop.world.command("git", &ana.person, &ana.dir);
    let message = ana.git(&["log", "-1", "--format=%B", chain]);
    commit.args(["commit-tree", "-m", &message, "-p", chain, &format!("{chain}^{{tree}}")]);
    let made = commit.env("GIT_COMMITTER_DATE", "4000000000 +0000").output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    ana.git(&["push", "--quiet", "origin", &format!("{}:{chain}", made.trim())]);
    let output = ana.rel(&["doctor", "--json"]).ok();
    assert_eq!(findings(&output), ["note clock"]);
    assert!(said(&output, "clock").contains("candidates is"), "{output:?}");
}

#[test]
fn what_a_dead_run_left_is_told() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let run = ana.start(&["deploy", "staging", "--yes"]);
    let process = shop.world.running("staging", 1);
    ana.noted();
    let output = ana.rel(&["doctor", "--json"]).ok();
    assert!(said(&output, "unpublished").contains("at work"), "{output:?}");
    run.signal(Signal::SIGKILL);
    run.wait();
    shop.world.clear("hold-staging");
    process.is_gone();
    let output = ana.rel(&["doctor", "--json"]).code(4);
    assert_eq!(findings(&output), ["problem unpublished"]);
    let text = said(&output, "unpublished");
    assert!(text.contains("staging#1") && text.ends_with("rel sync"), "{text}");
    ana.json(&["sync"]);
    ana.rel(&["doctor"]).ok();
}

#[test]
fn a_policy_that_is_wrong_on_trunk_is_a_problem_although_the_file_here_is_right() {
    let shop = Shop::new();
    let ana = shop.ana();
    let right = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    ana.commit("release.toml", &right.replace("[build]", "[biuld]"), "chore: a slip");
    ana.write("release.toml", &right);
    let output = ana.rel(&["doctor", "--json"]).code(4);
    assert_eq!(findings(&output), ["problem policy"]);
    assert!(said(&output, "policy").contains("biuld"), "{output:?}");
}

/// A git that says it is another version.
#[test]
fn an_old_git_is_told_what_it_lacks() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bin = shop.world.at("bin");
    fs::create_dir_all(&bin).unwrap();
    let real = shop.world.which("git");
    for (version, code, lacks) in
        [("2.39.3", 0, "--merge-base"), ("2.34.1", 0, "core.fsync"), ("2.25.1", 4, "too old")]
    {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *version) echo git version {version};; *) exec {} \"$@\";; esac\n",
            real.display()
        );
        fs::write(bin.join("git"), script).unwrap();
        fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = ana.command(&["doctor", "--json"]);
        command.env("PATH", shop.world.path_with(&bin));
        let output = Running::start(command).wait().code(code);
        assert!(said(&output, "git").contains(lacks), "{output:?}");
    }
    let mut command = ana.command(&["doctor", "--json"]);
    command.env("PATH", shop.world.at("tmp"));
    let output = Running::start(command).wait().code(4);
    assert!(said(&output, "git").contains("not installed"), "{output:?}");
}
