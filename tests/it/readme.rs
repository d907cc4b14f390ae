//! The README is run, so that it cannot go stale: every command of its
//! console blocks, and what it says of verbs and flags against `--help`.
//!
//! In a console block a line that begins with `$ ` or `NAME$ ` is typed, by
//! ana or by whoever is named; a here-document goes on to its `EOF`. What
//! follows is all that was printed, stdout and stderr as they came. Hashes,
//! dates, times and the width of blanks may differ. A command fails exactly
//! where the README shows its `error:`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rel::domain::gate::Gate;
use rel::domain::inherited;
use rel::failure::{EXIT_CODES, Kind};
use rel::manual::{self, FILES};
use rel::world::VARIABLES;

use crate::remote;
use crate::repo::{Desk, Shop};

const README: &str = include_str!("../../README.md");

// ---- the blocks ----

#[test]
fn the_recording_is_what_is_printed() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    bob.json(&["approve", "v0.1.0-rc.1", "prod"]);
    ana.deploy("prod", &[]);
    bob.git(&["pull", "--quiet"]);
    bob.commit("src/window.txt", "a window\n", "feat: a window to look in");
    ana.git(&["pull", "--quiet"]);
    replay("## What it looks like", &[&ana, &bob]);
}

#[test]
fn the_guide_is_what_is_printed() {
    let shop = Shop::bare(remote::Kind::Path);
    let ana = shop.ana();
    ana.write("src/app.txt", "one\n");
    ana.script("build.sh", "#!/bin/sh\nset -eu\nmkdir -p dist\ncat src/* > dist/app.txt\n");
    ana.commit_all("feat: open the shop");
    replay("## Ten minutes with your own repository", &[&ana]);
}

/// A command of a console block, and what the README says it prints.
struct Typed {
    prompt: String,
    command: String,
    printed: String,
}

/// Runs every console block of a section, in order, and fails with the whole
/// of what should stand there if anything differs.
#[track_caller]
fn replay(heading: &str, people: &[&Desk<'_>]) {
    let typed = commands(section(heading));
    assert!(typed.len() > 3, "{heading} has only {} commands", typed.len());
    let (mut right, mut told) = (true, String::new());
    for Typed { prompt, command, printed } in &typed {
        let name = if prompt.is_empty() { "ana" } else { prompt };
        let desk = people.iter().find(|desk| desk.person.name == name).expect("somebody of the story");
        let (code, said) = run(desk, command);
        let fails = printed.lines().any(|line| line.starts_with("error:"));
        right &= (code != 0) == fails && same(printed, &said);
        writeln!(told, "{prompt}$ {command}\n{said}").unwrap();
    }
    assert!(right, "the README says otherwise under {heading:?}; what was printed:\n\n{told}");
}

/// Types a command into a shell that has `rel` on its path; the exit code, and
/// both streams as they came.
fn run(desk: &Desk<'_>, command: &str) -> (i32, String) {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_rel"));
    let world = &desk.shop.world;
    let mut shell = world.command("sh", &desk.person, &desk.dir);
    shell.env("PATH", world.path_with(binary.parent().expect("it lies in a folder")));
    shell.args(["-c", &format!("exec 2>&1\n{command}\n")]);
    let output = shell.output().expect("sh runs");
    let code = output.status.code().expect("no signal ended it");
    let said = String::from_utf8(output.stdout).expect("it is UTF-8");
    (code, said.trim_end().to_owned())
}

/// The text under a heading, up to the next of its rank.
#[track_caller]
fn section(heading: &str) -> &'static str {
    let rank = heading.split(' ').next().unwrap();
    let start = README.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
    let rest = &README[start + heading.len() + 2..];
    &rest[..rest.find(&format!("\n{rank} ")).unwrap_or(rest.len())]
}

/// The commands of its console blocks.
fn commands(text: &str) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            let prompt = line.split_once("$ ").filter(|(who, _)| who.chars().all(char::is_alphabetic));
            if let Some((prompt, first)) = prompt {
                let mut command = first.to_owned();
                if first.contains("<<") {
                    for line in lines.by_ref() {
                        command.push('\n');
                        command.push_str(line);
                        if line == "EOF" {
                            break;
                        }
                    }
                }
                typed.push(Typed { prompt: prompt.to_owned(), command, printed: String::new() });
            } else if let Some(last) = typed.last_mut() {
                last.printed.push_str(line);
                last.printed.push('\n');
            }
        }
    }
    typed
}

/// Whether two outputs are the same, but for what differs from run to run.
/// A line `...` stands for any lines.
fn same(expected: &str, said: &str) -> bool {
    let lines = |text: &str| text.lines().map(plain).filter(|line| !line.is_empty()).collect::<Vec<String>>();
    matches(&lines(expected), &lines(said))
}

fn matches(expected: &[String], said: &[String]) -> bool {
    match expected.split_first() {
        None => said.is_empty(),
        Some((gap, rest)) if gap == "..." => (0..=said.len()).any(|skip| matches(rest, &said[skip..])),
        Some((line, rest)) => said.first() == Some(line) && matches(rest, &said[1..]),
    }
}

/// A line without what differs from run to run: hashes, dates and times, how
/// long things took, and how wide a column is.
fn plain(line: &str) -> String {
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let bare =
            |index: usize| words.get(index).map_or("", |word| word.trim_matches(['(', ')', ',', ':', ';']));
        let unit = |index: usize| matches!(bare(index), "s" | "min" | "h" | "day" | "days");
        let number = |index: usize| bare(index).parse::<u64>().is_ok();
        // `under 1 s`, `just now`, `3 s ago` and `1 min 42 s` are all a time.
        let mut end = at;
        if bare(at) == "just" && bare(at + 1) == "now" {
            end = at + 2;
        } else {
            if bare(at) == "under" && number(at + 1) && unit(at + 2) {
                end += 1;
            }
            while number(end) && unit(end + 1) {
                end += 2;
            }
            if end > at && bare(end) == "ago" {
                end += 1;
            }
        }
        if end == at {
            out.push(words[at].clone());
            at += 1;
            continue;
        }
        let opening = words[at].starts_with('(');
        let closing: String = words[end - 1].chars().filter(|c| matches!(c, ')' | ',' | ':' | ';')).collect();
        out.push(format!("{}TIME{closing}", if opening { "(" } else { "" }));
        at = end;
    }
    out.join(" ")
}

/// A word with its hashes and dates made alike.
fn word(word: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in word.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() {
            run.push(c);
            continue;
        }
        let hex = run.len() >= 7 && run.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        out.push_str(if hex { "HASH" } else { &run });
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    // 2026-11-23T07:43:20Z, in JSON or alone.
    while let Some(at) = out.find("Z\"").or_else(|| out.strip_suffix('Z').map(str::len)) {
        let Some(start) = at.checked_sub(19).filter(|start| out.is_char_boundary(*start)) else { break };
        let date = &out[start..at];
        if !date.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'T' | b':')) {
            break;
        }
        out.replace_range(start..=at, "DATE");
    }
    out
}

#[test]
fn only_what_differs_from_run_to_run_is_made_alike() {
    for (line, alike) in [
        ("prod  v1.0.0  20 s   ana", "prod v1.0.0 TIME ana"),
        ("(live under 1 s)", "(TIME)"),
        ("prod runs v1.0.0 (prod#1, 1 min 42 s); tagged", "prod runs v1.0.0 (prod#1, TIME); tagged"),
        ("origin, just now", "origin, TIME"),
        ("made 3 days ago by kim", "made TIME by kim"),
        ("0123abc..89abcde 12 B", "HASH..HASH 12 B"),
        ("{\"at\":\"2026-11-23T07:43:20Z\",\"n\":1}", "{\"at\":\"DATE\",\"n\":1}"),
        ("a decade of 3 gates", "a decade of 3 gates"),
    ] {
        let alike = alike.replace("(TIME)", "(live TIME)");
        assert_eq!(plain(line), alike);
    }
    assert!(same("a\n...\nd\n", "a\nb\nc\nd"));
    assert!(same("a\n...\n", "a"));
    assert!(!same("a\n...\nd\n", "a\nb\nc"));
    assert!(!same("v1.0.0\n", "v1.0.1"));
}

// ---- the reference ----

/// `rel help` with these arguments.
fn help(desk: &Desk<'_>, args: &[&str]) -> String {
    desk.rel(&[args, &["--help"]].concat()).ok().stdout
}

/// The flags that a help text declares under headings other than the global one.
fn declared(help: &str, global: bool) -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    let mut in_global = false;
    for line in help.lines() {
        if !line.starts_with(' ') && line.ends_with(':') {
            in_global = line == "Global options:";
        }
        if in_global == global && line.trim_start().starts_with('-') {
            flags.extend(mentioned(line.trim_start().split("  ").next().unwrap()));
        }
    }
    flags.retain(|flag| !matches!(flag.as_str(), "-h" | "--help" | "-V"));
    flags
}

/// The flags in a text: words that begin with `-` and a letter.
fn mentioned(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| {
            word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic())
                && word.starts_with('-')
        })
        .map(str::to_owned)
        .collect()
}

/// The verbs that a help text lists, without `help` itself.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    verbs.filter(|verb| *verb != "help").map(str::to_owned).collect()
}

/// The rows of the first table of a section, as cells without their backticks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let lines = section(heading).lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        // A bar inside a cell is written `\|`.
        let row = row.replace("\\|", "\u{1}");
        row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    })
    .collect()
}

#[test]
fn every_verb_and_flag_is_in_the_reference_and_no_other() {
    let shop = Shop::bare(remote::Kind::Path);
    let ana = shop.ana();
    let (mut wanted, mut told) = (Vec::new(), Vec::new());
    for verb in listed(&help(&ana, &[])) {
        wanted.push((verb.clone(), declared(&help(&ana, &[&verb]), false)));
    }
    for row in rows("### Verbs") {
        let command = row[0].trim_matches('`');
        let verb = command.strip_prefix("rel ").expect("a command of rel").split(' ').next().unwrap();
        told.push((verb.to_owned(), mentioned(&row[1])));
    }
    wanted.sort();
    told.sort();
    assert_eq!(told, wanted, "the README, then --help");

    let text = help(&ana, &[]);
    let global: BTreeSet<String> =
        rows("### Global flags").iter().flat_map(|row| mentioned(&row[0])).collect();
    let mut wanted = declared(&text, true);
    wanted.insert("--version".to_owned());
    assert_eq!(global, wanted, "the README, then --help");

    let config = rows("### Verbs").into_iter().find(|row| row[0].starts_with("`rel config")).unwrap();
    for verb in listed(&help(&ana, &["config"])) {
        assert!(config[0].contains(&verb), "no {verb} in {config:?}");
    }
    assert!(section("### Verbs").contains("`rel promote`"), "the alias is not told");
}

#[test]
fn every_gate_is_in_the_table_and_has_a_rule() {
    let table = rows("### Gates");
    let named: Vec<&str> = table.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(named, Gate::ALL.map(Gate::as_str));
    // One rule each, but for `hook`, which is asked when all the others have passed.
    assert_eq!(table.len(), Gate::ALL.len(), "{table:?}");
}

#[test]
fn every_name_that_hides_a_variable_is_told() {
    let text = section("### What commands print");
    for name in inherited::PARTS.iter().chain(&inherited::WORDS).chain(&inherited::OPEN) {
        assert!(text.contains(&format!("`{name}`")), "{name} is not told");
    }
    assert!(text.contains(&format!("The last {} MiB", manual::MOST >> 20)));
}

#[test]
fn every_exit_code_is_in_the_table() {
    let kinds = [
        Kind::Failed,
        Kind::Usage,
        Kind::Config,
        Kind::Refused,
        Kind::NotFound,
        Kind::Busy,
        Kind::Held,
        Kind::Moved,
        Kind::CommandFailed,
        Kind::Conflict,
        Kind::Unpublished,
        Kind::Integrity,
        Kind::Interrupted,
    ];
    let table = rows("### Exit codes");
    for kind in kinds {
        let row = table.iter().find(|row| row[0] == kind.exit_code().to_string());
        let row = row.unwrap_or_else(|| panic!("no exit code {}", kind.exit_code()));
        assert!(row[1].contains(&format!("`{}`", kind.word())), "{row:?} lacks {}", kind.word());
    }
    let codes: BTreeSet<u8> = kinds.iter().map(|kind| kind.exit_code()).collect();
    assert_eq!(table.len(), codes.len() + 1, "those and 0");
    let told: Vec<(u8, String)> =
        table.iter().map(|row| (row[0].parse().unwrap(), row[2].replace('`', ""))).collect();
    assert_eq!(
        told,
        EXIT_CODES.map(|(code, meaning)| (code, meaning.to_owned())),
        "the README, then rel man"
    );
}

#[test]
fn the_manual_page_tells_files_and_variables_as_the_reference_does() {
    let plain = |heading: &str| -> Vec<(String, String)> {
        let cells = rows(heading).into_iter().map(|row| (row[0].replace('`', ""), row[1].replace('`', "")));
        cells.collect()
    };
    let variables = plain("### Environment variables");
    assert!(variables.len() > 2);
    for (name, meaning) in variables {
        assert!(VARIABLES.contains(&(&name, &meaning)), "rel man tells {name} otherwise");
    }
    let files = plain("### On disk");
    assert!(files.len() > 4);
    for (name, meaning) in files {
        assert!(FILES.contains(&(&name, &meaning)), "rel man tells {name} otherwise: {meaning}");
    }
}

#[test]
fn every_test_that_shows_a_promise_is_there() {
    let section = README.split_once("### When something breaks").unwrap().1;
    let section = section.split_once("\n### ").unwrap().0;
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |")) {
        let shown = row.trim_end_matches(" |").rsplit('|').next().unwrap().trim().trim_matches('`');
        let (module, test) = shown.split_once("::").unwrap_or((shown, ""));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{module}.rs"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("there are no tests {module}"));
        let heads = text.split("#[test]").skip(1).map(|rest| rest.split_once("fn ").unwrap().1);
        let named = heads.filter(|head| test.is_empty() || head.starts_with(&format!("{test}()")));
        assert!(named.count() > 0, "{shown} is no test");
        rows += 1;
    }
    assert!(rows > 15, "{rows} rows");
}
