//! Settings, hooks, environments and helpers that get in the way of git: the
//! same result all the same, or a clear error, and never a hang.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use serde_json::Value;

use crate::output::Output;
use crate::remote::Kind;
use crate::repo::{Desk, Shop, string};
use crate::world::{Process, Running};

/// Somebody whose git is set up against everything.
struct Odd<'a> {
    desk: Desk<'a>,
    env: Vec<(&'static str, OsString)>,
}

impl<'a> Odd<'a> {
    fn at(desk: Desk<'a>) -> Odd<'a> {
        Odd { desk, env: Vec::new() }
    }

    fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Odd<'a> {
        self.env.push((name, value.into()));
        self
    }

    #[track_caller]
    fn rel(&self, args: &[&str]) -> Output {
        let mut command = self.desk.command(&[args, &["--json"]].concat());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        Running::start(command).wait()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.rel(args).ok().json()
    }
}

/// The main job, by somebody odd; then what everybody sees of it.
#[track_caller]
fn story(shop: &Shop, odd: &Odd<'_>) {
    let ana = shop.ana();
    let heads = |refs: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let kept = |name: &str| !name.starts_with("refs/heads/main") && !name.contains("/rel/");
        refs.iter().filter(|(name, _)| kept(name)).map(|(n, t)| (n.clone(), t.clone())).collect()
    };
    let before = heads(&shop.refs());

    assert_eq!(odd.json(&["cut"])["candidate"]["tag"], "v0.1.0-rc.1");
    let built = shop.world.lines("builds");
    assert_eq!(odd.json(&["deploy", "staging", "--yes"])["deployment"]["state"], "succeeded");
    assert_eq!(odd.json(&["deploy", "prod", "--yes"])["deployment"]["state"], "succeeded");
    ana.commit("src/half.txt", "half\n", "feat: half of it");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    assert_eq!(odd.json(&["cherry-pick", &fix])["candidate"]["tag"], "v0.1.1-rc.1");
    assert_eq!(odd.json(&["deploy", "staging", "--yes"])["deployment"]["state"], "succeeded");
    let back = odd.json(&["rollback", "staging", "--yes"]);
    assert_eq!(back["deployment"]["tag"], "v0.1.0-rc.1");
    odd.json(&["unlock", "staging", "--reason", "seen"]);
    assert_eq!(built.len() + 1, shop.world.lines("builds").len());

    for question in [
        vec!["list"],
        vec!["log"],
        vec!["where", &fix],
        vec!["diff", "prod", "v0.1.1-rc.1", "--stat"],
        vec!["changelog"],
        vec!["show", "prod"],
    ] {
        assert_eq!(odd.json(&question), ana.json(&question), "{question:?}");
    }
    assert_eq!(odd.json(&["status"])["environments"][0]["current"]["tag"], "v0.1.0-rc.1");
    assert_eq!(odd.rel(&["doctor"]).ok().json()["schema"], 1);

    // What others put there stays, and nothing came along.
    let mut after = heads(&shop.refs());
    for tag in ["v0.1.0-rc.1", "v0.1.0", "v0.1.1-rc.1"] {
        let tag = format!("refs/tags/{tag}");
        assert!(after.remove(&tag).is_some(), "{tag}");
        assert_eq!(shop.authority_git(&["cat-file", "-t", &tag]), "tag");
    }
    assert_eq!(before, after, "something else was pushed");
}

/// Writes an executable file.
fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a clone has that no remote knows of: it has to be there afterwards.
fn keepsakes(desk: &Desk<'_>) -> String {
    desk.git(&[
        "for-each-ref",
        "refs/heads",
        "refs/tags/mine",
        "refs/remotes/origin/gone",
        "refs/notes/commits",
    ])
}

fn with_keepsakes<'s>(shop: &'s Shop) -> (Desk<'s>, String) {
    let bob = shop.clone_for("bob");
    bob.git(&["tag", "--annotate", "--message", "mine", "mine"]);
    bob.git(&["branch", "mine"]);
    bob.git(&["notes", "add", "--message", "mine"]);
    bob.git(&["update-ref", "refs/remotes/origin/gone", "HEAD"]);
    let kept = keepsakes(&bob);
    (bob, kept)
}

#[test]
fn settings_of_fetch_push_and_sign_change_nothing() {
    let shop = Shop::new();
    let (bob, kept) = with_keepsakes(&shop);
    for (key, value) in [
        ("push.followTags", "true"),
        ("push.default", "nothing"),
        ("push.gpgSign", "if-asked"),
        ("push.recurseSubmodules", "check"),
        ("push.autoSetupRemote", "true"),
        ("push.useForceIfIncludes", "true"),
        ("remote.pushDefault", "elsewhere"),
        ("remote.elsewhere.url", "/nowhere"),
        ("fetch.prune", "true"),
        ("fetch.pruneTags", "true"),
        ("remote.origin.prune", "true"),
        ("remote.origin.tagOpt", "--tags"),
        ("fetch.recurseSubmodules", "true"),
        ("fetch.writeCommitGraph", "true"),
        ("fetch.output", "compact"),
        ("transfer.fsckObjects", "true"),
        ("protocol.version", "0"),
        ("tag.gpgSign", "true"),
        ("tag.forceSignAnnotated", "true"),
        ("commit.gpgSign", "true"),
        ("gpg.program", "/bin/false"),
        ("user.signingKey", "nobody"),
    ] {
        bob.git(&["config", key, value]);
    }
    shop.authority_git(&["config", "receive.fsckObjects", "true"]);
    shop.authority_git(&["config", "receive.denyDeletes", "true"]);
    shop.authority_git(&["config", "receive.denyNonFastForwards", "true"]);
    let odd = Odd::at(bob);
    story(&shop, &odd);
    assert_eq!(keepsakes(&odd.desk), kept);
}

#[test]
fn settings_of_what_git_shows_and_writes_change_nothing() {
    let shop = Shop::new();
    let (bob, kept) = with_keepsakes(&shop);
    let slow = shop.world.at("slow");
    script(&slow, "#!/bin/sh\nexec sleep 600\n");
    for (key, value) in [
        ("core.autocrlf", "true"),
        ("core.eol", "crlf"),
        ("core.safecrlf", "true"),
        ("core.quotePath", "false"),
        ("core.abbrev", "4"),
        ("core.fsmonitor", slow.to_str().unwrap()),
        ("core.editor", "/bin/false"),
        ("core.pager", "/bin/false"),
        ("core.logAllRefUpdates", "always"),
        ("core.commentChar", "auto"),
        ("color.ui", "always"),
        ("log.showSignature", "true"),
        ("log.date", "relative"),
        ("diff.external", "/bin/false"),
        ("diff.noprefix", "true"),
        ("diff.renames", "false"),
        ("merge.conflictStyle", "zdiff3"),
        ("merge.renames", "false"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
        ("i18n.commitEncoding", "ISO-8859-1"),
        ("init.defaultBranch", "elsewhere"),
        ("checkout.defaultRemote", "elsewhere"),
        ("submodule.recurse", "true"),
        ("worktree.guessRemote", "true"),
        ("advice.detachedHead", "true"),
        ("gc.auto", "1"),
        ("help.autoCorrect", "prompt"),
    ] {
        bob.git(&["config", key, value]);
    }
    let odd = Odd::at(bob);
    story(&shop, &odd);
    odd.desk.git(&["config", "core.fsmonitor", "false"]);
    assert_eq!(keepsakes(&odd.desk), kept);
}

/// A candidate has the bytes of its commit, whoever cuts it.
#[test]
fn line_ends_are_the_commits() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    bob.git(&["config", "core.autocrlf", "true"]);
    let cut = bob.json(&["cut"]);
    let again = shop.ana().json(&["cut", "--again"]);
    let digest = |document: &Value| string(&document["candidate"]["artifacts"][0]["digest"]);
    assert_eq!(digest(&cut), digest(&again));
}

const HOOKS: [&str; 14] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "prepare-commit-msg",
    "reference-transaction",
];

fn failing_hooks(dir: &Path) {
    for hook in HOOKS {
        script(&dir.join(hook), "#!/bin/sh\necho \"$0\" >> \"$SHOP/hooks\"\nexit 1\n");
    }
}

#[test]
fn hooks_of_this_clone_are_not_run() {
    let shop = Shop::new();
    let (bob, kept) = with_keepsakes(&shop);
    failing_hooks(&bob.dir.join(".git/hooks"));
    let odd = Odd::at(bob);
    story(&shop, &odd);
    assert!(shop.world.lines("hooks").is_empty(), "{:?}", shop.world.lines("hooks"));
    assert_eq!(keepsakes(&odd.desk), kept);
}

#[test]
fn hooks_of_a_shared_folder_are_not_run() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    let hooks = shop.world.at("hooks-of-the-company");
    failing_hooks(&hooks);
    bob.git(&["config", "core.hooksPath", hooks.to_str().unwrap()]);
    story(&shop, &Odd::at(bob));
    assert!(shop.world.lines("hooks").is_empty(), "{:?}", shop.world.lines("hooks"));
}

/// Where this repository decides, its hooks are the rules of the authority.
#[test]
fn a_hook_of_the_repository_that_decides_is_heard() {
    let shop = Shop::over(Kind::Local, &[]);
    let ana = shop.ana();
    let hook = ana.dir.join(".git/hooks/reference-transaction");
    script(&hook, "#!/bin/sh\necho 'not on a Friday' >&2\n[ \"$1\" != prepared ]\n");
    let output = ana.refused(&["cut"], 1);
    assert!(output.stderr.contains("not on a Friday"), "{output:?}");
    fs::remove_file(hook).unwrap();
    ana.cut(&[]);
}

/// A hook of git's, or a script that exported too much: rel follows `GIT_DIR`
/// as git does, and the commands it runs are led nowhere.
#[test]
fn a_repository_in_the_environment_leads_nobody_astray() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    let (git_dir, work_tree) = (bob.dir.join(".git"), bob.dir.clone());
    let elsewhere = Desk { dir: shop.world.at("tmp"), ..bob };
    let odd = Odd::at(elsewhere)
        .env("GIT_DIR", &git_dir)
        .env("GIT_WORK_TREE", &work_tree)
        .env("GIT_INDEX_FILE", "/nowhere/index")
        .env("GIT_PREFIX", "src/")
        .env("GIT_EDITOR", "/bin/false")
        .env("GIT_EXTERNAL_DIFF", "/bin/false")
        .env("GIT_TRACE", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "push.followTags")
        .env("GIT_CONFIG_VALUE_0", "true");
    story(&shop, &odd);
    let given = shop.world.variables("deploy/staging-1/env");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        assert!(!given.contains_key(name), "a command was given {name}");
    }
    // As before git has agreed to what was pushed: it moves no ref then.
    let output = odd.env("GIT_QUARANTINE_PATH", "/nowhere").rel(&["cut"]).code(1);
    assert!(output.ways_on().contains("post-receive"), "{output:?}");
}

/// git speaks the caller's language to people, and its own to rel.
#[test]
fn another_language_changes_nothing() {
    let shop = Shop::new();
    let odd = Odd::at(shop.clone_for("bob"))
        .env("LC_ALL", "de_DE.UTF-8")
        .env("LANG", "de_DE.UTF-8")
        .env("LANGUAGE", "de")
        .env("LC_MESSAGES", "de_DE.UTF-8");
    story(&shop, &odd);
    // A git that speaks German where it may.
    let bin = shop.world.at("bin");
    let real = shop.world.which("git");
    let text = format!(
        "#!/bin/sh\n[ \"$LC_ALL\" = C ] || {{ echo 'schwerwiegend: kein C' >&2; exit 128; }}\nexec {} \"$@\"\n",
        real.display()
    );
    script(&bin.join("git"), &text);
    let path = shop.world.path_with(&bin);
    let odd = odd.env("PATH", path);
    odd.desk.git(&["remote", "set-url", "origin", "/nowhere"]);
    let output = odd.rel(&["status"]).code(1);
    assert!(output.ways_on().contains("git remote -v"), "{output:?}");
}

#[test]
fn addresses_that_stand_for_others_are_followed() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    let served = shop.world.at("served");
    bob.git(&["config", &format!("url.file://{}/.insteadOf", served.display()), "shop:"]);
    bob.git(&["config", &format!("url.{}/.pushInsteadOf", served.display()), "shop:"]);
    bob.git(&["remote", "set-url", "origin", "shop:shop.git"]);
    story(&shop, &Odd::at(bob));

    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    let push = format!("file://{}", shop.authority().display());
    bob.git(&["config", "remote.origin.pushurl", &push]);
    story(&shop, &Odd::at(bob));
}

/// A remote that asks for signatures is told that there is no key, not a word
/// about anything else; and nothing changed.
#[test]
fn signed_pushes_without_a_key_are_told_of_the_key() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    bob.git(&["config", "push.gpgSign", "true"]);
    let output = bob.refused(&["cut"], 1);
    assert!(output.stderr.contains("--signed"), "{output:?}");
    bob.git(&["config", "push.gpgSign", "if-asked"]);
    bob.git(&["config", "gpg.program", "/bin/false"]);
    shop.authority_git(&["config", "receive.certNonceSeed", "x"]);
    let output = bob.refused(&["cut"], 1);
    assert!(output.stderr.contains("sign"), "{output:?}");
}

/// A key that is not there is named where the project asks for signatures.
#[test]
fn signed_tags_without_a_key_are_told_of_the_key() {
    let shop = Shop::with(&[("[build]", "[version]\nsign = true\n\n[build]")]);
    let bob = shop.clone_for("bob");
    bob.git(&["config", "gpg.program", "/bin/false"]);
    bob.git(&["config", "user.signingKey", "nobody"]);
    let output = bob.rel(&["cut", "--json"]);
    assert_ne!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("sign"), "{output:?}");
}

/// Whoever waits for somebody who is not there is ended, and told of.
#[test]
fn helpers_that_wait_for_somebody_are_ended() {
    let shop = Shop::over(Kind::Http, &[]);
    let (ana, server) = (shop.ana(), shop.remote.as_ref().unwrap().server.as_ref().unwrap());
    ana.cut(&[]);
    server.answer(401);
    let waiting = shop.world.at("waiting");
    script(
        &waiting,
        "#!/bin/sh\necho $$ > \"$SHOP/waits.part\"\nmv \"$SHOP/waits.part\" \"$SHOP/waits\"\nexec sleep 600\n",
    );
    let is_ended = || {
        let pid = shop.world.lines("waits").first().expect("it was asked").parse().unwrap();
        Process::of(pid).is_gone();
        shop.world.clear("waits");
    };

    let patient = |desk| Odd::at(desk).env("REL_GIT_TIMEOUT", "1");
    let odd = patient(shop.ana()).env("GIT_ASKPASS", &waiting);
    let output = odd.rel(&["status"]).code(1);
    assert!(output.stderr.contains("origin did not answer"), "{output:?}");
    assert!(output.ways_on().contains("git ls-remote"), "{output:?}");
    is_ended();

    ana.git(&["config", "credential.helper", waiting.to_str().unwrap()]);
    let odd = patient(shop.ana());
    for (args, code) in [
        (vec!["status"], 1),
        (vec!["cut"], 1),
        (vec!["lock", "prod", "--reason", "x"], 1),
        (vec!["doctor"], 4),
    ] {
        let output = odd.rel(&args).code(code);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.contains("did not answer"), "{said}");
        is_ended();
    }

    // What would open a window is not asked at all.
    ana.git(&["config", "--unset", "credential.helper"]);
    let odd = patient(shop.ana())
        .env("GIT_ASKPASS", &waiting)
        .env("SSH_ASKPASS", &waiting)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", ":0");
    let output = odd.rel(&["status"]).code(1);
    assert!(output.stderr.contains("does not let git in"), "{output:?}");
    assert!(shop.world.lines("waits").is_empty());
}

/// A server that takes a connection and says nothing.
#[test]
fn a_server_that_never_answers() {
    let shop = Shop::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ana = shop.ana();
    for scheme in ["http", "git"] {
        ana.git(&["remote", "set-url", "origin", &format!("{scheme}://{address}/shop.git")]);
        let output = Odd::at(shop.ana()).env("REL_GIT_TIMEOUT", "1").rel(&["status"]).code(1);
        assert!(output.stderr.contains("did not answer"), "{output:?}");
    }
}

/// A long silence is one thing, a slow answer another.
#[test]
fn who_is_slow_but_speaks_is_waited_for() {
    let shop = Shop::new();
    let hooks = shop.authority().join("hooks");
    script(
        &hooks.join("pre-receive"),
        "#!/bin/sh\nfor n in 1 2 3 4 5 6; do echo \"step $n\"; sleep 0.4; done\n",
    );
    let odd = Odd::at(shop.ana()).env("REL_GIT_TIMEOUT", "1");
    assert_eq!(odd.json(&["cut"])["made"], true);
}

/// The owner of a clone, and of a remote, is somebody else.
#[test]
fn a_repository_of_somebody_elses() {
    let shop = Shop::new();
    let bob = shop.clone_for("bob");
    // Only root can give a folder away.
    let given_away = [&bob.dir, &bob.dir.join(".git")].map(|path| chown(path, Some(12_345), None).is_ok());
    if given_away == [true; 2] {
        let output = bob.rel(&["status", "--json"]).code(1);
        assert!(output.stderr.contains("belongs to another user"), "{output:?}");
        let doctor = bob.rel(&["doctor"]).code(4).stdout;
        let hint = doctor.lines().find_map(|line| line.find("git config").map(|at| line[at..].to_owned()));
        let hint = hint.unwrap_or_else(|| panic!("no way on: {doctor}"));
        let ran = shop.world.command("sh", &bob.person, &shop.world.at("tmp")).args(["-c", &hint]).output();
        assert!(ran.unwrap().status.success(), "{hint}");
        bob.rel(&["status"]).ok();
        bob.cut(&[]);
    }
    let ana = Odd::at(shop.ana()).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let output = ana.rel(&["status"]).code(1);
    assert!(output.stderr.contains("belongs to another user"), "{output:?}");
    assert!(output.ways_on().contains("safe.directory"), "{output:?}");
}
