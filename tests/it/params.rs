//! Parameters of an environment's commands, and secrets among them.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::output::Output;
use crate::repo::{Desk, Shop};
use crate::world::wait_until;

/// What must be seen nowhere.
const SECRET: &str = "hunter2/\"quoted\"=";

/// The same, as grep -E looks for it: a part of it, plain and in base64.
const ENCODED_OR_NOT: &str = "hunter2|dW50ZXIyLyJx";

/// Staging takes a number, a colour and a token.
fn with_params() -> Shop {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho \"$REPLICAS $COLOUR\" >> \"$SHOP/given\"\n\
         echo \"token $TOKEN, reason $REL_REASON\"\n\
         printf 'user:%s' \"$TOKEN\" | base64\n\
         printf '%080d%s' 0 \"$TOKEN\" | base64\n\
         [ ! -e \"$SHOP/fail-deploy\" ]\n",
    );
    ana.script("verify.sh", "#!/bin/sh\nexit 0\n");
    let toml = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    let params = "
[environments.staging.params]
REPLICAS = { default = \"3\" }
COLOUR = { from_env = \"SHOP_COLOUR\" }
TOKEN = { secret = true, from_env = \"SHOP_TOKEN\" }
";
    ana.commit("release.toml", &format!("{toml}{params}"), "chore: params");
    shop
}

/// Runs `rel` with a colour and the secret in its environment.
fn run(desk: &Desk<'_>, args: &[&str]) -> Output {
    let mut command = desk.command(args);
    command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", SECRET);
    crate::world::Running::start(command).wait()
}

fn deployment(output: &Output) -> Value {
    output.json()["deployment"].clone()
}

#[test]
fn they_are_given_shown_and_recorded() {
    let shop = with_params();
    let ana = shop.ana();
    ana.cut(&[]);
    let plan = run(&ana, &["deploy", "staging", "--dry-run"]).ok().stdout;
    assert!(plan.contains("params    COLOUR=blue, REPLICAS=3, TOKEN (secret)"), "{plan}");
    let output = run(&ana, &["deploy", "staging", "--yes", "--json", "--param", "REPLICAS=5"]).ok();
    let params = deployment(&output)["params"].clone();
    assert_eq!(params, serde_json::json!({ "COLOUR": "blue", "REPLICAS": "5" }));
    assert_eq!(shop.world.lines("given"), ["5 blue"]);
    assert_eq!(ana.json(&["log", "staging"])["deployments"][0]["params"], params);
    // A rollback has those of what it goes back to, without the caller's, but for secret ones.
    ana.cut_new("window");
    run(&ana, &["deploy", "staging", "--yes", "--param", "COLOUR=red"]).ok();
    let mut back = ana.command(&["rollback", "staging", "--yes", "--dry-run"]);
    back.env("SHOP_TOKEN", SECRET);
    let plan = crate::world::Running::start(back).wait().ok().stdout;
    let params = "COLOUR=blue (as staging#1 had it), REPLICAS=5 (as staging#1 had it), TOKEN (secret)";
    assert!(plan.contains(&format!("params    {params}")), "{plan}");
    run(&ana, &["rollback", "staging", "--yes", "--param", "COLOUR=green"]).ok();
    assert_eq!(shop.world.lines("given"), ["5 blue", "3 red", "5 green"]);
}

#[test]
fn what_is_not_declared_or_has_no_value_is_refused() {
    let shop = with_params();
    let ana = shop.ana();
    ana.cut(&[]);
    let deploy = ["deploy", "staging", "--yes"];
    let unknown = ana.refused(&[&deploy[..], &["--param", "REPLICA=1"]].concat(), 2);
    assert!(unknown.ways_on().contains("REPLICAS"), "{unknown:?}");
    let secret = ana.refused(&[&deploy[..], &["--param", "TOKEN=x"]].concat(), 2);
    assert!(secret.ways_on().contains("SHOP_TOKEN"), "{secret:?}");
    let missing = ana.refused_by(&deploy, 4, &["params", "params"]);
    assert!(missing.ways_on().contains("set SHOP_TOKEN"), "{missing:?}");
    ana.rel(&["deploy", "staging", "--param", "REPLICAS"]).code(2);
}

#[test]
fn a_secret_is_seen_nowhere() {
    let shop = with_params();
    let ana = shop.ana();
    ana.cut(&[]);
    let reason = format!("with {SECRET}");
    let output = run(&ana, &["deploy", "staging", "--yes", "--json", "--reason", &reason]).ok();
    assert!(output.stderr.contains("deploy | token ***, reason with ***"), "{output:?}");
    assert_eq!(deployment(&output)["reason"], "with ***");
    shop.world.set("fail-deploy");
    let failed = run(&ana, &["deploy", "staging", "--yes", "--redeploy"]).code(6);
    let log = ana.rel(&["log", "--output", "staging#1"]).ok().stdout;
    assert!(log.contains("token ***, reason with ***"), "{log}");
    let kept = ana.dir.join(".git/rel/shop/output/staging/1.log");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let encoded = "aHVudGVyMi8icXVvdGVkI";
    let history = shop.authority_git(&["log", "--format=%B", "refs/notes/rel/shop/env/staging"]);
    for text in
        [&output.stdout, &output.stderr, &failed.stderr, &log, &history, &fs::read_to_string(kept).unwrap()]
    {
        assert!(!text.contains("hunter2") && !text.contains(&encoded[4..16]), "{text}");
    }
    nothing_lies_around(&ana);
}

/// Nothing of the secret is in a file of the world, in git's objects or not.
#[track_caller]
fn nothing_lies_around(desk: &Desk<'_>) {
    let world = &desk.shop.world;
    let mut grep = world.command("grep", &desk.person, &world.at("."));
    let left = grep.args(["-rlE", ENCODED_OR_NOT, "."]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    for repo in [desk.dir.clone(), desk.shop.authority()] {
        let all = world.git(&desk.person, &repo, &["log", "--all", "--patch", "--format=%B"]);
        assert!(!all.contains("hunter2"), "{all}");
    }
}

/// Whoever kills rel while a secret is printed, or half of one, finds nothing of
/// it afterwards, nor does the next run keep any.
#[test]
fn a_killed_run_leaves_no_secret() {
    let shop = with_params();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho \"token $TOKEN\"\nprintf 'user:%s' \"$TOKEN\" | base64\n\
         printf 'half %s' \"${TOKEN%/*}\"\n\
         mkdir -p \"$SHOP/deploy/staging-1\"\necho $$ > \"$SHOP/deploy/staging-1/pid\"\n\
         while [ -e \"$SHOP/hold\" ]; do sleep 0.02; done\n\
         echo \"/${TOKEN##*/}\"\necho \"again $TOKEN\"\n",
    );
    ana.commit_all("build: print a secret in two halves");
    ana.cut(&[]);
    shop.world.set("hold");
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", SECRET);
    let running = crate::world::Running::start(command);
    let orphan = shop.world.running("staging", 1);
    ana.noted();
    let kept = ana.dir.join(".git/rel/shop/output/staging/1.log");
    let lines = || fs::read_to_string(&kept).unwrap_or_default().lines().count();
    wait_until("both whole lines are kept", || lines() == 2);
    running.signal(Signal::SIGKILL);
    let shown = running.wait().code(137).stderr;
    assert!(shown.contains("deploy | token ***") && !shown.contains("hunter2"), "{shown}");
    nothing_lies_around(&ana);
    shop.world.clear("hold");
    orphan.is_gone();
    nothing_lies_around(&ana);
    // Whoever settles it does not know the secret.
    let synced = ana.rel(&["sync", "--json"]).ok();
    assert_eq!(synced.json()["settled"].as_array().map(Vec::len), Some(1), "{synced:?}");
    nothing_lies_around(&ana);
    let log = ana.rel(&["log", "--output", "staging#1"]).ok().stdout;
    assert!(log.starts_with("token ***\n") && !log.contains("hunter2"), "{log}");
}

#[test]
fn a_long_line_ends_where_it_ends() {
    let shop = with_params();
    let ana = shop.ana();
    // As long as a piece of a line, and longer, with the secret across its end.
    ana.script(
        "deploy.sh",
        "#!/bin/sh\nprintf '%065536d\\n' 1\necho next\n\
         printf '%065530d%s and on\\n' 2 \"$TOKEN\"\necho last\n",
    );
    ana.commit_all("build: print long lines");
    ana.cut(&[]);
    let output = run(&ana, &["deploy", "staging", "--yes"]).ok();
    let log = ana.rel(&["log", "--output", "staging#1"]).ok().stdout;
    let zeros = |count| "0".repeat(count);
    let (exact, longer) = (zeros(65_535) + "1", zeros(65_529) + "2*** and on");
    assert!(log == [&exact[..], "next", &longer, "last", ""].join("\n"), "{}", log.replace("00000000", ""));
    let shown: Vec<&str> = output.stderr.lines().filter_map(|line| line.strip_prefix("deploy | ")).collect();
    assert_eq!((shown[0] == exact, shown[1]), (true, "next"));
    assert_eq!((shown[2..shown.len() - 1].concat() == longer, shown.last()), (true, Some(&"last")));
}

#[test]
fn a_hook_shows_none_across_pieces_of_a_line() {
    let shop = with_params();
    let ana = shop.ana();
    ana.script("ask.sh", "#!/bin/sh\nprintf '%065530d%s and on\\n' 1 \"$SHOP_TOKEN\"\nexit 3\n");
    ana.reconfigure(
        "[environments.staging]",
        "[hooks]\nbefore_deploy = \"./ask.sh\"\n\n[environments.staging]",
    );
    ana.cut(&[]);
    let refused = run(&ana, &["deploy", "staging", "--yes", "--json"]).code(4);
    assert_eq!(refused.gates(), ["hook"]);
    for said in [&refused.stdout, &refused.stderr] {
        assert!(said.contains("***") && !said.contains("hunter") && !said.contains("quoted"), "{refused:?}");
    }
}

/// Whoever interrupts again while a backlog is shown sees no more of it; what is
/// kept of it is all there, since what the command wrote to is gone.
#[test]
fn what_nobody_wants_to_see_any_more_is_kept() {
    const LINES: usize = 2000;
    let shop = with_params();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        &format!(
            "#!/bin/sh\ni=0\nwhile [ $i -lt {LINES} ]; do i=$((i + 1)); printf '%d %01000d %s\\n' $i 0 \"$TOKEN\"; done\n\
             : > \"$SHOP/printed\"\n"
        ),
    );
    ana.commit_all("build: print a lot");
    ana.cut(&[]);
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", SECRET).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It is not read, so that rel stands with most of it unshown when the command ends.
    wait_until("all is printed", || shop.world.shop().join("printed").exists());
    let mut stderr = child.stderr.take().unwrap();
    // More than stood in the pipe and rel shows before it looks at the command again.
    let mut shown = vec![0; 800_000];
    stderr.read_exact(&mut shown).unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    stderr.read_to_end(&mut shown).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "nothing comes after it");
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("deploy | 500 ") && !shown.contains(&format!("deploy | {LINES} ")));
    let log = ana.rel(&["log", "--output", "staging#1"]).ok().stdout;
    let kept: Vec<String> = (1..=LINES).map(|i| format!("{i} {} ***", "0".repeat(1000))).collect();
    assert!(log.lines().eq(kept), "{} lines of {LINES}", log.lines().count());
}

#[test]
fn one_that_is_given_as_an_open_parameter_is_not_recorded_either() {
    let shop = with_params();
    let ana = shop.ana();
    ana.reconfigure(", from_env = \"SHOP_TOKEN\"", "");
    ana.cut(&[]);
    // Where the file names no variable, a secret goes by its own name.
    let mut command =
        ana.command(&["deploy", "staging", "--yes", "--json", "--param", "COLOUR=hunter2secret"]);
    command.env("TOKEN", "hunter2secret");
    let output = crate::world::Running::start(command).wait().ok();
    assert_eq!(deployment(&output)["params"]["COLOUR"], "***");
    let history = shop.authority_git(&["log", "--format=%B", "refs/notes/rel/shop/env/staging"]);
    assert!(!history.contains("hunter2"), "{history}");
}

#[test]
fn one_that_is_too_short_to_hide_is_told_of() {
    let shop = with_params();
    let ana = shop.ana();
    ana.cut(&[]);
    let mut command = ana.command(&["deploy", "staging", "--yes"]);
    command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", "abc");
    let output = crate::world::Running::start(command).wait().ok();
    assert!(output.stderr.contains("TOKEN is too short to be kept out of output"), "{output:?}");
}

/// What would show a secret does not begin: whether those of the environment
/// cannot be searched for, or not together with what was hidden before.
#[test]
#[cfg(feature = "failpoints")]
fn what_cannot_be_hidden_is_refused_before_the_claim() {
    let shop = with_params();
    let ana = shop.ana();
    ana.cut(&[]);
    let before = ana.before();
    for failing in ["hide=return(error)", "hide=1*off->return(error)"] {
        let mut command = ana.command(&["deploy", "staging", "--yes", "--json", "--reason", SECRET]);
        command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", SECRET).env("FAILPOINTS", failing);
        let output = crate::world::Running::start(command).wait().code(4);
        assert_eq!((output.kind(), output.gates()), ("refused".into(), vec!["params".into()]), "{output:?}");
        assert!(output.ways_on().contains("in a file"), "{output:?}");
        assert!(!(output.stdout.clone() + &output.stderr).contains("hunter2"), "{output:?}");
        ana.unchanged(&before);
    }
    assert!(shop.world.lines("given").is_empty());
}

/// Whatever else a candidate says: what trunk says is secret is, and a variable
/// of the caller's is shown only where trunk says so.
#[test]
fn what_trunk_does_not_open_is_seen_nowhere() {
    let shop = with_params();
    let ana = shop.ana();
    let trunks = fs::read_to_string(ana.dir.join("release.toml")).unwrap();
    let candidates = trunks
        .replace("TOKEN = { secret = true, from_env", "TOKEN = { from_env")
        .replace("COLOUR = { from_env = \"SHOP_COLOUR\" }", "COLOUR = { from_env = \"CLOUD_KEY\" }");
    ana.commit("release.toml", &candidates, "chore: a candidate that says less");
    let tag = ana.cut(&[]);
    ana.commit("release.toml", &trunks, "chore: params as before");
    let (key, reason) = ("cl0ud-key-0f-the-caller", format!("because of {SECRET}"));
    ana.script(
        "ask.sh",
        "#!/bin/sh\ncat > \"$SHOP/asked\"\necho \"it is $SHOP_TOKEN and $REL_REASON\" >&2\nexit 3\n",
    );
    ana.commit_all("build: a hook");
    let hooked = format!("{trunks}\n[hooks]\nbefore_deploy = \"./ask.sh\"\n");
    ana.commit("release.toml", &hooked, "chore: hooks");
    let mut command = ana.command(&[
        "deploy",
        "staging",
        &tag,
        "--yes",
        "--json",
        "--override",
        "hook",
        "--reason",
        &reason,
    ]);
    command.env("SHOP_COLOUR", "blue").env("SHOP_TOKEN", SECRET).env("CLOUD_KEY", key);
    command.env("REL_RUN_URL", "https://ana:pass-w0rd@ci.example/1");
    let output = crate::world::Running::start(command).wait().ok();
    let recorded = deployment(&output);
    assert_eq!(recorded["run_url"], "https://ci.example/1");
    assert_eq!(recorded["reason"], "because of ***");
    assert!(recorded["overrides"][0]["text"].as_str().unwrap().contains("it is *** and because of ***"));
    assert_eq!(shop.world.lines("given"), [format!("3 {key}")], "the command is given it all the same");
    assert!(shop.world.lines("asked")[0].contains("because of ***"));
    let log = ana.rel(&["log", "--output", "staging#1"]).ok().stdout;
    let history = ana.git(&["log", "--format=%B", "refs/notes/rel/shop/env/staging"]);
    for said in [&output.stdout, &output.stderr, &log, &history, &shop.world.lines("asked").concat()] {
        assert!(!said.contains("hunter2") && !said.contains(key) && !said.contains("pass-w0rd"), "{said}");
    }
}

/// What a variable says that stands for a switch is yes, no, or wrong.
#[test]
fn a_switch_that_says_neither_yes_nor_no_is_wrong_usage() {
    let shop = Shop::new();
    let ana = shop.ana();
    for variable in ["REL_YES", "REL_JSON", "REL_OFFLINE"] {
        for (value, code) in
            [("1", 0), ("Yes", 0), ("on", 0), ("", 0), ("off", 0), ("F", 0), ("maybe", 2), ("2", 2)]
        {
            let mut command = ana.command(&["status"]);
            command.env(variable, value);
            let output = crate::world::Running::start(command).wait().code(code);
            assert!(code == 0 || output.stderr.contains(variable), "{output:?}");
        }
    }
}
