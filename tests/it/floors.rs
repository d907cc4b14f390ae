//! The floors of the house: an arrow only ever points down.

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. A file may use what stands before its own floor.
const FLOORS: [&str; 8] = ["domain", "config", "exec", "store", "delivery", "ui", "commands", "lib"];

/// Files below `ui` that still make words of facts. May only grow shorter.
const SPEAKS: [&str; 9] = [
    "delivery/candidate/build.rs",
    "delivery/read/changelog.rs",
    "delivery/read/signoffs.rs",
    "delivery/run/hooks.rs",
    "delivery/run/receipt.rs",
    "delivery/run/workspace.rs",
    "delivery/steps/delivered.rs",
    "delivery/steps/deploy.rs",
    "delivery/steps/look.rs",
];

/// What lies beside the floors, and what it may use.
const BESIDE: [(&str, &[&str]); 5] = [
    ("failpoint", &[]),
    ("failure", &[]),
    ("world", &["domain", "failpoint"]),
    ("cli", &["domain", "config"]),
    ("main", &["world", "lib"]),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn all() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&root).unwrap().to_owned();
            let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
            let floor = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            // Comments may name what they like.
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (floor, relative, code.join("\n"))
        })
        .collect()
}

fn used(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .map(|(at, _)| {
            let rest = &code[at + "crate::".len()..];
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
        })
        .collect()
}

#[test]
fn an_arrow_only_ever_points_down() {
    let height = |floor: &str| FLOORS.iter().position(|name| *name == floor);
    let mut wrong = Vec::new();
    for (floor, path, code) in all() {
        for target in used(&code) {
            let allowed = match (height(&floor), height(&target)) {
                (Some(own), Some(other)) => other <= own,
                (Some(own), None) if target == "cli" => own >= FLOORS.len() - 2,
                (Some(_), None) => BESIDE.iter().any(|(name, _)| *name == target),
                (None, _) => BESIDE.iter().any(|(name, uses)| {
                    *name == floor && (uses.contains(&target.as_str()) || *name == target)
                }),
            };
            // Paths from `crate::` to an item of lib.rs itself have no floor.
            let speaks = target == "ui" && SPEAKS.iter().any(|file| path.ends_with(file));
            if !allowed && !speaks {
                wrong.push(format!("{}: crate::{target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{}", wrong.join("\n"));
}

#[test]
fn verbs_never_use_each_other() {
    for (floor, path, code) in all() {
        assert!(floor != "commands" || !code.contains("commands::"), "{} uses another verb", path.display());
    }
}

#[test]
fn git2_is_named_in_the_store_alone() {
    for (floor, path, code) in all() {
        assert!(floor == "store" || !code.contains("git2::"), "{} names git2", path.display());
    }
}

#[test]
fn the_domain_has_no_clock_process_or_terminal() {
    for (floor, path, code) in all().into_iter().filter(|(floor, ..)| floor == "domain") {
        for word in ["std::process", "std::env", "std::fs", "std::io", "Utc::now", "Local::now", "console::"]
        {
            assert!(!code.contains(word), "{} ({floor}) names {word}", path.display());
        }
    }
}
