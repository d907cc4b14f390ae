//! `rel completions`: the script is really sourced, by bash.

use std::path::Path;

use crate::repo::{Desk, Shop};
use crate::world::Running;

/// What bash completes these words to. The last is the one being typed; they
/// are given as bash tears them apart.
#[track_caller]
fn completed(desk: &Desk<'_>, words: &[&str]) -> Vec<String> {
    let world = &desk.shop.world;
    let binary = Path::new(env!("CARGO_BIN_EXE_rel"));
    let script = r#"
source <(rel completions bash) || exit 9
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
current="${COMP_WORDS[COMP_CWORD]}"
[ "$current" = = ] && current=
_clap_complete_rel rel "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
[ "${#COMPREPLY[@]}" = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"#;
    let mut bash = world.command("bash", &desk.person, &desk.dir);
    bash.env("PATH", world.path_with(binary.parent().expect("it lies in a folder")));
    bash.args(["--norc", "-c", script, "bash"]).args(words);
    let output = Running::start(bash).wait().ok();
    assert!(output.stderr.is_empty(), "a completion that talks: {output:?}");
    output.stdout.lines().map(str::to_owned).collect()
}

/// What `rel` answers a shell that can show what a word is, with nothing on
/// the path to start.
#[track_caller]
fn told(desk: &Desk<'_>, words: &[&str]) -> String {
    let mut command = desk.command(&[&["--", "rel"], words].concat());
    command.env("REL_COMPLETE", "fish").env("PATH", "/nowhere");
    let output = Running::start(command).wait().ok();
    assert!(output.stderr.is_empty(), "{output:?}");
    output.stdout
}

#[test]
fn verbs_flags_and_fixed_words() {
    let shop = Shop::new();
    let ana = shop.ana();
    assert_eq!(completed(&ana, &["rel", "cherry"]), ["cherry-pick"]);
    assert_eq!(completed(&ana, &["rel", "promo"]), ["promote"]);
    assert_eq!(completed(&ana, &["rel", "deploy", "--rede"]), ["--redeploy"]);
    assert_eq!(completed(&ana, &["rel", "cut", "--bump", ""]), ["major", "minor", "patch"]);
    assert_eq!(completed(&ana, &["rel", "completions", "z"]), ["zsh"]);
    assert_eq!(completed(&ana, &["rel", "man", "roll"]), ["rollback"]);
    assert_eq!(completed(&ana, &["rel", "-p", ""]), ["shop"]);
    let gates = completed(&ana, &["rel", "deploy", "prod", "--override", ""]);
    assert!(gates.contains(&"soak".to_owned()) && !gates.contains(&"busy".to_owned()), "{gates:?}");
}

#[test]
fn environments_candidates_and_releases_the_newest_first() {
    let shop = Shop::new();
    let ana = shop.ana();
    assert_eq!(completed(&ana, &["rel", "deploy", ""]), ["staging", "prod"], "in the policy's order");
    let first = ana.cut(&[]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    assert_eq!(
        completed(&ana, &["rel", "deploy", "prod", ""]),
        [second.as_str(), first.as_str(), "staging", "prod"],
        "a candidate, or what is live somewhere"
    );
    assert_eq!(completed(&ana, &["rel", "deploy", "prod", "v0.1"]), ["v0.1.0-rc.1"]);
    assert_eq!(completed(&ana, &["rel", "block", "0."]), ["0.2.0", "0.1.0"]);
    assert_eq!(completed(&ana, &["rel", "cherry-pick", "x", "--onto", "0.2"]), ["0.2.0"]);
    assert_eq!(completed(&ana, &["rel", "cut", "--release", "0.1"]), ["0.1.0"]);
    let tip = ana.tip();
    assert_eq!(completed(&ana, &["rel", "ship", "prod", &tip[..5]]), [&tip[..7]]);
    let shown = told(&ana, &["deploy", "prod", ""]);
    assert!(shown.contains(&format!("{second}\t{}, live in staging\n", &tip[..7])), "{shown}");
    assert!(shown.contains(&format!("staging\truns {second}\n")), "{shown}");
}

#[test]
fn deployments_that_printed_here_are_open_or_in_the_way() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.deploy("staging", &["--redeploy"]);
    ana.deploy("prod", &[]);
    assert_eq!(completed(&ana, &["rel", "log", "--output", ""]), ["staging#2", "staging#1", "prod#1"]);
    let bob = shop.clone_for("bob");
    bob.json(&["status"]);
    assert!(!completed(&bob, &["rel", "log", "--output", ""]).iter().any(|word| word.contains('#')));
    ana.json(&["lock", "staging", "--reason", "x"]);
    ana.json(&["lock", "prod", "--reason", "x"]);
    assert_eq!(
        completed(&ana, &["rel", "deploy", "prod", "--take-over", ""]),
        ["prod#2"],
        "of that one only"
    );
    assert_eq!(completed(&ana, &["rel", "unlock", "staging", "--token", ""]), ["staging#3"]);
    assert!(!completed(&ana, &["rel", "resolve", "p"]).iter().any(|word| word.contains('#')));
}

#[test]
fn what_is_running_can_be_resolved() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let run = ana.start(&["deploy", "staging", "--yes"]);
    shop.world.running("staging", 1);
    assert_eq!(completed(&ana, &["rel", "resolve", ""]), ["staging#1"]);
    run.signal(nix::sys::signal::Signal::SIGINT);
    run.wait().code(130);
}

/// bash tears words apart at `=` and `@`, and replaces the last piece only.
#[test]
fn words_that_bash_tore_apart() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    assert_eq!(completed(&ana, &["rel", "deploy", "prod", "--override", "=", "so"]), ["soak"]);
    assert_eq!(completed(&ana, &["rel", "log", "--output", "=", "st"]), ["staging#1"]);
    let after = ["rel", "deploy", "prod", "--override", "=", "soak", "v0"];
    assert_eq!(completed(&ana, &after), ["v0.1.0-rc.1"]);
    let after = ["rel", "approve", "staging", "@", "{1}", "pr"];
    assert_eq!(completed(&ana, &after), ["prod"]);
}

#[test]
fn from_elsewhere_and_from_nowhere() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    let outside = Desk { dir: shop.world.at("tmp"), ..shop.ana() };
    let dir = ana.dir.to_str().unwrap();
    assert_eq!(completed(&outside, &["rel", "-C", dir, "deploy", "st"]), ["staging"]);
    assert_eq!(completed(&outside, &["rel", "deploy", "-C", dir, "prod", "v"]), ["v0.1.0-rc.1"]);
    assert_eq!(completed(&outside, &["rel", "deploy", "st"]), [""; 0]);
    assert_eq!(completed(&outside, &["rel", "-C", "/nowhere", "deploy", "st"]), [""; 0]);
    assert_eq!(completed(&outside, &["rel", "sta"]), ["status"], "verbs need no repository");
    ana.write("release.toml", "not = [toml");
    assert_eq!(completed(&ana, &["rel", "deploy", "st"]), [""; 0], "what is broken completes nothing");
}

/// It reads this clone: it asks no remote, starts nothing and changes nothing.
#[test]
fn it_only_reads() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let before = ana.before();
    let remote = shop.authority();
    let away = shop.world.at("away");
    std::fs::rename(&remote, &away).unwrap();
    let words: &[&[&str]] =
        &[&["deploy", ""], &["show", ""], &["cut", ""], &["resolve", ""], &["log", "--output", ""]];
    for words in words {
        told(&ana, words);
    }
    assert!(told(&ana, &["show", ""]).contains(&tag));
    std::fs::rename(&away, &remote).unwrap();
    ana.unchanged(&before);
}

/// bash puts a completion on the line as it is.
#[test]
fn a_name_that_a_shell_would_obey_is_left_out() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.git(&["branch", "good/one"]);
    ana.git(&["branch", "good$(touch${IFS}pwned)"]);
    ana.commit("src/a.txt", "a", "feat: \u{1b}[31m red\ttab");
    assert_eq!(completed(&ana, &["rel", "cut", "good"]), ["good/one"]);
    let shown = told(&ana, &["cut", &ana.tip()[..6]]);
    assert!(shown.contains("feat: \\u{1b}[31m red\\ttab"), "{shown}");
}

#[test]
fn every_shell_gets_a_script() {
    let shop = Shop::new();
    let ana = shop.ana();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ana.rel(&["completions", shell]).ok().stdout;
        assert!(script.contains("REL_COMPLETE") && script.contains("rel"), "{script}");
        let document = ana.json(&["completions", shell]);
        assert_eq!((&document["shell"], &document["script"]), (&shell.into(), &script.into()));
    }
    ana.rel(&["completions", "tcsh"]).code(2);
    // The variable alone is no question: rel still does what it is told.
    let mut command = ana.command(&["config", "check"]);
    command.env("REL_COMPLETE", "bash");
    assert!(Running::start(command).wait().ok().stdout.contains("is valid"));
}
