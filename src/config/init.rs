//! A first `release.toml`: guessed from what a repository shows, and written
//! with a comment on each line.
//!
//! Pure: it is told what there is, and neither looks nor asks.

use std::fmt::Write as _;

use crate::domain::config::Scheme;
use crate::domain::name::{ProjectName, TagName};

/// What is known of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is called: its folder, or the last part of its remote's address.
    pub name: String,
    /// Its mainline branch, if known.
    pub trunk: Option<String>,
    /// Its remote, if it has one.
    pub remote: Option<String>,
    /// The files at its top, by name.
    pub files: Vec<String>,
    /// Its tags, by short name.
    pub tags: Vec<String>,
}

/// What a first `release.toml` would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The project's name.
    pub name: ProjectName,
    /// The branch releases are cut from.
    pub trunk: String,
    /// The authority; empty for the repository itself.
    pub remote: String,
    /// How versions are numbered.
    pub scheme: Scheme,
    /// `v{version}` or `{version}`.
    pub tag: String,
    /// The build, if one was recognised.
    pub build: Option<ProposedBuild>,
    /// The deploy command.
    pub deploy: String,
    /// Whether what `deploy` runs is there already.
    pub deploy_exists: bool,
    /// The verify command, if one was recognised.
    pub verify: Option<String>,
}

/// A build recognised by a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedBuild {
    /// The file it was recognised by.
    pub because: String,
    /// The command.
    pub command: String,
    /// Patterns of what it makes.
    pub artifacts: Vec<String>,
}

/// The proposal for a repository. Total: what cannot be guessed gets a default.
pub fn detect(facts: &Facts) -> Proposal {
    let name = project_name(&facts.name);
    let has = |file: &str| facts.files.iter().any(|name| name == file);
    let first = |files: &[&str]| files.iter().find(|file| has(file)).map(|file| format!("./{file}"));
    let deploy = first(&["deploy.sh", "deploy"]);
    let (scheme, tag) = numbering(&facts.tags);
    Proposal {
        trunk: facts
            .trunk
            .clone()
            .filter(|trunk| trunk.parse::<TagName>().is_ok() && !trunk.starts_with("refs/"))
            .unwrap_or_else(|| "main".to_owned()),
        remote: facts
            .remote
            .clone()
            .filter(|remote| {
                !remote.starts_with('-') && !remote.contains(|c: char| c.is_control() || c.is_whitespace())
            })
            .unwrap_or_default(),
        scheme,
        tag: tag.to_owned(),
        build: build(&name, &has),
        deploy_exists: deploy.is_some(),
        deploy: deploy.unwrap_or_else(|| "./deploy.sh".to_owned()),
        verify: first(&["smoke.sh", "verify.sh", "smoke-test.sh"]),
        name,
    }
}

/// The nearest valid name: `My_Shop.git` is `my-shop`.
fn project_name(text: &str) -> ProjectName {
    let text = text.trim_end_matches('/').trim_end_matches(".git");
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() == 41 {
            break;
        }
    }
    name.trim_end_matches('-').parse().or_else(|_| "project".parse()).expect("\"project\" is a valid name")
}

/// Recognises the build by the files of common tools, the most telling first:
/// a Makefile stands beside any of them and says least.
fn build(name: &ProjectName, has: &impl Fn(&str) -> bool) -> Option<ProposedBuild> {
    let node = if has("pnpm-lock.yaml") {
        "pnpm install --frozen-lockfile && pnpm run build && pnpm pack"
    } else if has("yarn.lock") {
        "yarn install --frozen-lockfile && yarn run build && yarn pack"
    } else {
        "npm ci && npm run build && npm pack"
    };
    let cargo_binary = format!("target/release/{name}");
    let known = [
        ("Cargo.toml", "cargo build --release --locked", cargo_binary.as_str()),
        ("go.mod", "mkdir -p dist && go build -o dist/ ./...", "dist/*"),
        ("package.json", node, "*.tgz"),
        ("pyproject.toml", "python3 -m build", "dist/*"),
        ("setup.py", "python3 -m build", "dist/*"),
        ("pom.xml", "mvn -B package", "target/*.jar"),
        ("build.gradle.kts", "./gradlew build", "build/libs/*.jar"),
        ("build.gradle", "./gradlew build", "build/libs/*.jar"),
        ("Makefile", "make dist", "dist/*"),
        ("makefile", "make dist", "dist/*"),
        ("GNUmakefile", "make dist", "dist/*"),
        ("build.sh", "./build.sh", "dist/*"),
    ];
    known.into_iter().find(|(file, ..)| has(file)).map(|(file, command, artifact)| ProposedBuild {
        because: file.to_owned(),
        command: command.to_owned(),
        artifacts: vec![artifact.to_owned()],
    })
}

/// The scheme and the tag template most version tags follow.
fn numbering(tags: &[String]) -> (Scheme, &'static str) {
    let numbers = |text: &str| {
        let parts: Option<Vec<u64>> = text
            .split('-')
            .next()?
            .split('.')
            .map(|part| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?)
            .collect();
        parts.filter(|parts| parts.len() >= 2)
    };
    let with: Vec<_> = tags.iter().filter_map(|tag| numbers(tag.strip_prefix('v')?)).collect();
    let without: Vec<_> = tags.iter().filter_map(|tag| numbers(tag)).collect();
    let (versions, template) =
        if without.len() > with.len() { (without, "{version}") } else { (with, "v{version}") };
    let by_date = versions.iter().filter(|parts| (2000..2100).contains(&parts[0])).count();
    let scheme = if 2 * by_date > versions.len() { Scheme::Calver } else { Scheme::Semver };
    (scheme, template)
}

/// The file, each line with its comment. It parses, and says what the
/// proposal says.
pub fn render(proposal: &Proposal) -> String {
    let mut file = String::new();
    let mut say = |line: &str| {
        file.push_str(line);
        file.push('\n');
    };
    let key = |key: &str, value: &str| format!("{key} = {}", quoted(value));

    say("# How this project is released. `rel config check` checks this file, and");
    say("# `rel config show` shows it with every default. Commands are run by `sh -c` in");
    say("# a clean checkout and receive what they need as REL_... environment variables.");
    say("");
    say("[project]");
    say("# Names the refs the history is kept under; it stays for good.");
    say(&key("name", proposal.name.as_str()));
    say("# Releases are cut from this branch.");
    say(&key("trunk", &proposal.trunk));
    if proposal.remote.is_empty() {
        say("# Where history and tags are decided: \"\" is this repository itself.");
    } else {
        say("# Where history and tags are decided; \"\" would be this repository itself.");
    }
    say(&key("remote", &proposal.remote));
    say("");
    say("[version]");
    say("# semver, calver or sequence.");
    let scheme = match proposal.scheme {
        Scheme::Semver => "semver",
        Scheme::Calver => "calver",
        Scheme::Sequence => "sequence",
    };
    say(&key("scheme", scheme));
    say("# Release tags; candidates add -rc.1, -rc.2 and so on.");
    say(&key("tag", &proposal.tag));
    say("");
    match &proposal.build {
        Some(build) => {
            say(&format!("# Guessed from {}: make sure of both lines.", build.because));
            say("[build]");
            say("# Run once for each candidate; what it makes is what every environment gets.");
            say(&key("command", &build.command));
            say("# The files to keep; a pattern that matches nothing fails the build.");
            let patterns: Vec<String> = build.artifacts.iter().map(|pattern| quoted(pattern)).collect();
            say(&format!("artifacts = [{}]", patterns.join(", ")));
        }
        None => {
            say("# No build was recognised, so candidates carry no artifacts. To keep some:");
            say("# [build]");
            say("# command = \"make dist\"");
            say("# artifacts = [\"dist/*\"]");
        }
    }
    let mut environment = |name: &str, own: &[&str]| {
        say("");
        say(&format!("[environments.{name}]"));
        for line in own {
            say(line);
        }
        if proposal.deploy_exists {
            say("# Makes a candidate live; its files are in $REL_ARTIFACTS_DIR.");
        } else {
            say("# Makes a candidate live; its files are in $REL_ARTIFACTS_DIR. Yet to be written.");
        }
        say(&key("deploy", &proposal.deploy));
        match &proposal.verify {
            Some(verify) => {
                say("# Says by its exit code whether that worked.");
                say(&key("verify", verify));
            }
            None => {
                say("# Says by its exit code whether that worked:");
                say("# verify = \"./smoke.sh\"");
            }
        }
    };
    environment("staging", &["# true: every new candidate goes here by itself.", "auto_deploy = false"]);
    environment(
        "prod",
        &[
            "# Only what succeeded there may come here.",
            "after = [\"staging\"]",
            "# Success here tags and closes the release.",
            "final = true",
        ],
    );
    file
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    // Writing to a string cannot fail.
    let _ = write!(literal, "{}", toml::Value::String(text.to_owned()));
    literal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::parse;
    use crate::domain::config::Command;

    fn facts(files: &[&str], tags: &[&str]) -> Facts {
        Facts {
            name: "My_Shop.git".into(),
            trunk: Some("trunk".into()),
            remote: Some("upstream".into()),
            files: files.iter().map(|&file| file.into()).collect(),
            tags: tags.iter().map(|&tag| tag.into()).collect(),
        }
    }

    #[test]
    fn names_are_made_valid() {
        for (text, name) in [
            ("My_Shop.git", "my-shop"),
            ("--a..b--", "a-b"),
            ("", "project"),
            ("日本", "project"),
            ("shop/", "shop"),
            (&"x-".repeat(40), &("x-".repeat(20) + "x")),
        ] {
            assert_eq!(project_name(text).as_str(), name, "{text}");
        }
    }

    #[test]
    fn tags_tell_the_style() {
        let style = |tags: &[&str]| {
            let proposal = detect(&facts(&[], tags));
            (proposal.scheme, proposal.tag)
        };
        assert_eq!(style(&[]), (Scheme::Semver, "v{version}".into()));
        assert_eq!(style(&["1.0.0", "1.1.0-rc.1", "nightly"]), (Scheme::Semver, "{version}".into()));
        assert_eq!(style(&["1.0.0", "v1.1.0", "v1.2"]), (Scheme::Semver, "v{version}".into()));
        assert_eq!(style(&["2026.11.0", "2026.12.0"]), (Scheme::Calver, "{version}".into()));
    }

    #[test]
    fn a_build_is_recognised_by_the_most_telling_file() {
        let proposal = detect(&facts(&["Makefile", "Cargo.toml"], &[]));
        let build = proposal.build.unwrap();
        assert_eq!(build.because, "Cargo.toml");
        assert_eq!(build.artifacts, ["target/release/my-shop"]);
        assert!(detect(&facts(&["README.md"], &[])).build.is_none());
    }

    #[test]
    fn what_is_written_reads_as_what_was_proposed() {
        let proposal = detect(&facts(&["package.json", "yarn.lock", "deploy", "smoke.sh"], &["2026.1.0"]));
        let parsed = parse(&render(&proposal), "release.toml").unwrap();
        assert_eq!(parsed.notes, Vec::<String>::new());
        let config = parsed.config;
        assert_eq!(config.project.name, proposal.name);
        assert_eq!(config.project.trunk, "trunk");
        assert_eq!(config.project.remote, "upstream");
        assert_eq!(config.version.tag, "{version}");
        assert_eq!(config.version.scheme, Scheme::Calver);
        assert_eq!(config.build.unwrap().artifacts, ["*.tgz"]);
        let names: Vec<_> = config.environments.iter().map(|env| env.name.as_str()).collect();
        assert_eq!(names, ["staging", "prod"]);
        for env in &config.environments {
            assert_eq!(env.deploy, Some(Command::Shell("./deploy".into())));
            assert_eq!(env.verify, Some(Command::Shell("./smoke.sh".into())));
        }
        assert!(config.environments[1].is_final);
    }

    proptest! {
        #[test]
        fn whatever_a_repository_is_called_the_file_parses(
            name in any::<String>(),
            trunk in any::<Option<String>>(),
            remote in any::<Option<String>>(),
            tags in proptest::collection::vec("v?[0-9.-]{0,12}", 0..4),
        ) {
            let proposal = detect(&Facts { name, trunk, remote, files: Vec::new(), tags });
            let config = parse(&render(&proposal), "release.toml").unwrap().config;
            prop_assert_eq!(config.project.trunk, proposal.trunk);
            prop_assert_eq!(config.project.remote, proposal.remote);
        }
    }
}
