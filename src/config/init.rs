//! A first `release.toml`: guessed from what a repository shows, and written
//! with a comment on each line that says what it means and where it came from.
//!
//! Pure: it is told what there is, and neither looks nor asks.

mod build;
mod numbering;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use self::build::{ProposedBuild, TOLD_BY};
pub use self::numbering::Numbering;
use crate::domain::config::{CandidateMark, Notation, Scheme};
use crate::domain::name::{EnvName, ProjectName, TagName};
use crate::domain::ref_name;

/// What stands for where a value came from, where somebody was asked.
pub const ANSWERED: &str = "your answer";

/// What is known of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is called: its folder, or the last part of its remote's address.
    pub name: String,
    /// Its mainline branch, if known, and what it was known by.
    pub trunk: Option<(String, String)>,
    /// Its remote, if it has one, and why that one.
    pub remote: Option<(String, String)>,
    /// The remote's address.
    pub address: Option<String>,
    /// The files and folders at its top, and whatever else is known to be
    /// there, by path.
    pub files: Vec<String>,
    /// What some of the files say: those of [`TOLD_BY`].
    pub texts: BTreeMap<String, String>,
    /// Its tags, by short name, newest first.
    pub tags: Vec<String>,
}

impl Facts {
    fn has(&self, file: &str) -> bool {
        self.files.iter().any(|name| name == file)
    }

    /// What a file says; nothing where it was not read.
    fn text(&self, file: &str) -> &str {
        self.texts.get(file).map_or("", String::as_str)
    }
}

/// What a first `release.toml` would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The project's name.
    pub name: ProjectName,
    /// The branch releases are cut from, and what that was told by.
    pub trunk: (String, String),
    /// The authority, empty for the repository itself, and why that one.
    pub remote: (String, String),
    /// The folder that is the project's, if not all of them are.
    pub folder: Option<String>,
    /// How versions are numbered and tagged.
    pub numbering: Numbering,
    /// The build, if one was recognised.
    pub build: Option<ProposedBuild>,
    /// The deploy command.
    pub deploy: String,
    /// Whether what `deploy` runs is there already.
    pub deploy_exists: bool,
    /// The verify command, if one was recognised.
    pub verify: Option<String>,
    /// The environments, each after the one before it and the last one final.
    pub environments: Vec<EnvName>,
}

/// The proposal for a repository. Total: what cannot be guessed gets a default.
pub fn detect(facts: &Facts) -> Proposal {
    let name = project_name(&facts.name);
    let first = |files: &[&str]| files.iter().find(|file| facts.has(file)).map(|file| format!("./{file}"));
    let deploy = first(&["deploy.sh", "deploy"]);
    let numbering = numbering::numbering(&name, &facts.tags);
    let folder = numbering.package.as_ref().and_then(|package| folder(facts, package));
    let is_branch =
        |(trunk, _): &(String, String)| trunk.parse::<TagName>().is_ok() && !ref_name::is_full(trunk);
    let is_remote = |(remote, _): &(String, String)| {
        !remote.starts_with('-') && !remote.contains(|c: char| c.is_control() || c.is_whitespace())
    };
    let of = |value: &str, why: &str| (value.to_owned(), why.to_owned());
    Proposal {
        trunk: facts.trunk.clone().filter(is_branch).unwrap_or_else(|| of("main", "the usual name")),
        remote: facts.remote.clone().filter(is_remote).unwrap_or_else(|| of("", "there is no remote")),
        build: build::build(&name, facts, numbering.package.as_deref()),
        folder,
        numbering,
        deploy_exists: deploy.is_some(),
        deploy: deploy.unwrap_or_else(|| "./deploy.sh".to_owned()),
        verify: first(&["smoke.sh", "verify.sh", "smoke-test.sh"]),
        environments: ["staging", "prod"].iter().filter_map(|name| name.parse().ok()).collect(),
        name,
    }
}

/// The folder of the package whose tags were taken, written as a pattern.
fn folder(facts: &Facts, package: &str) -> Option<String> {
    let plain = package.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    let top = package.split('/').next().unwrap_or(package);
    (plain && facts.has(top)).then(|| format!("/{package}/"))
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

/// Columns a comment may take.
const WIDTH: usize = 79;

/// The file, each line with its comment. It parses, and says what the
/// proposal says.
pub fn render(proposal: &Proposal) -> String {
    let mut file = File(String::new());
    file.comment(
        "How this project is released. `rel config check` checks this file, and `rel config show` shows it \
         with every default. Commands are run by `sh -c` in a clean checkout and receive what they need as \
         REL_... environment variables.",
    );
    project(&mut file, proposal);
    version(&mut file, &proposal.numbering);
    match &proposal.build {
        Some(build) => self::build_section(&mut file, build),
        None => {
            file.line("");
            file.comment("No build was recognised, so candidates carry no artifacts. To keep some:");
            for line in ["# [build]", "# command = \"make dist\"", "# artifacts = [\"dist/*\"]"] {
                file.line(line);
            }
        }
    }
    for n in 0..proposal.environments.len() {
        environment(&mut file, proposal, n);
    }
    file.0
}

/// A file on its way.
struct File(String);

impl File {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn key(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", quoted(value)));
    }

    /// A comment, wrapped. What was guessed from names that anybody may have
    /// chosen ends no line.
    fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
        {
            if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line.truncate(1);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(&line);
    }
}

fn project(file: &mut File, proposal: &Proposal) {
    file.line("");
    file.line("[project]");
    file.comment("Names the refs the history is kept under; it stays for good.");
    file.key("name", proposal.name.as_str());
    let (trunk, why) = &proposal.trunk;
    file.comment(&format!("Releases are cut from this branch ({why})."));
    file.key("trunk", trunk);
    let (remote, why) = &proposal.remote;
    file.comment(&if remote.is_empty() {
        format!("Where history and tags are decided: \"\" is this repository itself ({why}).")
    } else {
        format!("Where history and tags are decided ({why}); \"\" would be this repository itself.")
    });
    file.key("remote", remote);
    if let Some(folder) = &proposal.folder {
        file.comment("What counts as a change of this project: the folder that its tags are named after.");
        file.line(&format!("paths = [{}]", quoted(folder)));
    }
}

fn version(file: &mut File, numbering: &Numbering) {
    let because = &numbering.because;
    file.line("");
    file.line("[version]");
    file.comment(&format!("semver, calver or sequence ({because})."));
    let Notation { scheme, format, mark } = &numbering.notation;
    file.key("scheme", scheme_name(*scheme));
    if *scheme == Scheme::Calver {
        file.comment(
            "How versions are written, in the notation of calver.org; MICRO counts from 0, N from 1.",
        );
        file.key("format", &format.to_string());
    }
    let mark = mark.as_str();
    if *mark != *CandidateMark::default().as_str() {
        file.comment("How a candidate is spelled after its release.");
        file.key("candidate", &format!("{mark}{{n}}"));
    }
    file.comment(&format!("Release tags; candidates add {mark}1, {mark}2 and so on. Such tags of others are listed, their versions are taken, and they are never touched."));
    for note in &numbering.notes {
        file.comment(note);
    }
    file.key("tag", &numbering.tag);
}

/// The word of the configuration.
pub const fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Semver => "semver",
        Scheme::Calver => "calver",
        Scheme::Sequence => "sequence",
    }
}

fn build_section(file: &mut File, build: &ProposedBuild) {
    file.line("");
    file.comment(&if build.because == ANSWERED {
        "As you answered.".to_owned()
    } else {
        format!("Guessed from {}: make sure of both lines.", build.because)
    });
    file.line("[build]");
    file.comment("Run once for each candidate; what it makes is what every environment gets.");
    for note in &build.notes {
        file.comment(note);
    }
    command(file, "", &build.command);
    file.comment(if build.artifacts.is_empty() {
        "No files to keep; a pattern that matches nothing would fail the build."
    } else {
        "The files to keep; a pattern that matches nothing fails the build."
    });
    let patterns: Vec<String> = build.artifacts.iter().map(|pattern| quoted(pattern)).collect();
    file.line(&format!("artifacts = [{}]", patterns.join(", ")));
    if let Some(image) = &build.image {
        file.comment("A Dockerfile is here too. To record its image by digest instead:");
        command(file, "# ", image);
        file.line("# artifacts = []");
    }
}

/// The command as a value, a line for each of its steps where it is long.
/// Reads back as it was.
fn command(file: &mut File, before: &str, command: &str) {
    const AND: &str = " && ";
    let plain = !command.contains(|c: char| c.is_control() || c == '\\') && !command.contains("\"\"\"");
    // So are the blanks that the next line begins with.
    let plain = plain && command.split(AND).all(|step| !step.starts_with(char::is_whitespace));
    if !plain || command.len() < WIDTH || !command.contains(AND) {
        return file.line(&format!("{before}command = {}", quoted(command)));
    }
    // A backslash at the end of a line takes the line's end out of the value.
    file.line(&format!("{before}command = \"\"\"\\"));
    let steps: Vec<&str> = command.split(AND).collect();
    for (n, step) in steps.iter().enumerate() {
        let and = if n + 1 < steps.len() { " && " } else { "" };
        file.line(&format!("{before}{step}{and}\\"));
    }
    file.line(&format!("{before}\"\"\""));
}

fn environment(file: &mut File, proposal: &Proposal, n: usize) {
    let (before, here) = proposal.environments.split_at(n);
    file.line("");
    file.line(&format!("[environments.{}]", here[0]));
    if let Some(upstream) = before.last() {
        file.comment("Only what succeeded there may come here.");
        file.line(&format!("after = [\"{upstream}\"]"));
    }
    if here.len() == 1 {
        file.comment("Success here tags and closes the release.");
        file.line("final = true");
    } else if before.is_empty() {
        file.comment("true: every new candidate goes here by itself.");
        file.line("auto_deploy = false");
    }
    let yet = if proposal.deploy_exists { "" } else { " Yet to be written." };
    file.comment(&format!("Makes a candidate live; its files are in $REL_ARTIFACTS_DIR.{yet}"));
    file.key("deploy", &proposal.deploy);
    match &proposal.verify {
        Some(verify) => {
            file.comment("Says by its exit code whether that worked.");
            file.key("verify", verify);
        }
        None => {
            file.comment("Says by its exit code whether that worked:");
            file.line("# verify = \"./smoke.sh\"");
        }
    }
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
        let told = |value: &str, by: &str| Some((value.to_owned(), by.to_owned()));
        Facts {
            name: "My_Shop.git".into(),
            trunk: told("trunk", "what upstream calls its HEAD"),
            remote: told("upstream", "the only remote"),
            files: files.iter().map(|&file| file.into()).collect(),
            tags: tags.iter().map(|&tag| tag.into()).collect(),
            ..Facts::default()
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
    fn what_is_written_reads_as_what_was_proposed() {
        let proposal = detect(&facts(&["package.json", "yarn.lock", "deploy", "smoke.sh"], &["2026.1.0"]));
        let parsed = parse(&render(&proposal), "release.toml").unwrap();
        assert_eq!(parsed.notes, Vec::<String>::new());
        let config = parsed.config;
        assert_eq!(config.project.name, proposal.name);
        assert_eq!(config.project.trunk, "trunk");
        assert_eq!(config.project.remote, "upstream");
        assert_eq!(config.version.tag, "{version}");
        assert_eq!(config.version.notation(), proposal.numbering.notation);
        assert_eq!(config.build.unwrap().artifacts, ["*.tgz"]);
        let names: Vec<_> = config.environments.iter().map(|env| env.name.as_str()).collect();
        assert_eq!(names, ["staging", "prod"]);
        for env in &config.environments {
            assert_eq!(env.deploy, Some(Command::Shell("./deploy".into())));
            assert_eq!(env.verify, Some(Command::Shell("./smoke.sh".into())));
        }
        assert!(config.environments[1].is_final);
    }

    #[test]
    fn a_package_among_others_counts_its_own_folder() {
        let tags = ["my-shop-1.2.0", "cart-0.3.0", "my-shop-1.1.0"];
        let proposal = detect(&facts(&["my-shop", "cart"], &tags));
        assert_eq!(proposal.folder.as_deref(), Some("/my-shop/"));
        let text = render(&proposal);
        assert_eq!(parse(&text, "release.toml").unwrap().config.project.paths, ["/my-shop/"]);
        assert!(text.contains("# Tags of other packages do not count here: cart-*.\n"), "{text}");
        assert_eq!(detect(&facts(&["src"], &tags)).folder, None, "there is no such folder");
        assert_eq!(detect(&facts(&["my-shop"], &tags[..1])).folder, None, "there are no other packages");
    }

    #[test]
    fn every_line_says_what_it_means_and_where_it_came_from() {
        let proposal = detect(&facts(&["Dockerfile", "build.sh"], &["v1.2.0", "v1.1.0"]));
        let text = render(&proposal);
        assert_eq!(
            text,
            r##"# How this project is released. `rel config check` checks this file, and `rel
# config show` shows it with every default. Commands are run by `sh -c` in a
# clean checkout and receive what they need as REL_... environment variables.

[project]
# Names the refs the history is kept under; it stays for good.
name = "my-shop"
# Releases are cut from this branch (what upstream calls its HEAD).
trunk = "trunk"
# Where history and tags are decided (the only remote); "" would be this
# repository itself.
remote = "upstream"

[version]
# semver, calver or sequence (all of the newest 2 version tags are like
# v1.2.0).
scheme = "semver"
# Release tags; candidates add -rc.1, -rc.2 and so on. Such tags of others are
# listed, their versions are taken, and they are never touched.
tag = "v{version}"

# Guessed from build.sh: make sure of both lines.
[build]
# Run once for each candidate; what it makes is what every environment gets.
command = "./build.sh"
# The files to keep; a pattern that matches nothing fails the build.
artifacts = ["dist/*"]
# A Dockerfile is here too. To record its image by digest instead:
# command = """\
# docker build --tag registry.example.com/my-shop:$REL_VERSION . && \
# docker push registry.example.com/my-shop:$REL_VERSION && \
# docker inspect --format 'my-shop={{index .RepoDigests 0}}' registry.example.com/my-shop:$REL_VERSION >> "$REL_REFERENCES"\
# """
# artifacts = []

[environments.staging]
# true: every new candidate goes here by itself.
auto_deploy = false
# Makes a candidate live; its files are in $REL_ARTIFACTS_DIR. Yet to be
# written.
deploy = "./deploy.sh"
# Says by its exit code whether that worked:
# verify = "./smoke.sh"

[environments.prod]
# Only what succeeded there may come here.
after = ["staging"]
# Success here tags and closes the release.
final = true
# Makes a candidate live; its files are in $REL_ARTIFACTS_DIR. Yet to be
# written.
deploy = "./deploy.sh"
# Says by its exit code whether that worked:
# verify = "./smoke.sh"
"##
        );
    }

    #[test]
    fn an_image_alone_is_a_build_that_keeps_no_files() {
        let proposal = detect(&facts(&["Dockerfile"], &[]));
        let build = parse(&render(&proposal), "release.toml").unwrap().config.build.unwrap();
        assert!(build.artifacts.is_empty());
        // Written over several lines, it is the same.
        assert_eq!(build.command, proposal.build.map(|build| Command::Shell(build.command)));
    }

    proptest! {
        #[test]
        fn whatever_a_repository_is_called_the_file_parses(
            name in any::<String>(),
            trunk in any::<Option<String>>(),
            remote in any::<Option<String>>(),
            files in proptest::collection::vec(
                proptest::sample::select(vec!["Makefile", "Cargo.toml", "Dockerfile", "package.json", "cmd", "go.mod", "a"]), 0..4),
            text in any::<String>(),
            tags in proptest::collection::vec("(\\PC{0,3}[-/@])?v?[0-9.-]{0,12}", 0..4),
        ) {
            let told = |value: Option<String>| value.map(|value| (value, text.clone()));
            let texts = files.iter().map(|file| ((*file).to_owned(), text.clone())).collect();
            let files = files.iter().map(|file| (*file).to_owned()).collect();
            let facts = Facts { name, trunk: told(trunk), remote: told(remote), files, texts, tags, address: None };
            let proposal = detect(&facts);
            let config = parse(&render(&proposal), "release.toml").unwrap().config;
            prop_assert_eq!(config.project.trunk, proposal.trunk.0);
            prop_assert_eq!(config.project.remote, proposal.remote.0);
            prop_assert_eq!(config.version.notation(), proposal.numbering.notation);
            prop_assert_eq!(config.version.tag, proposal.numbering.tag);
            let command = config.build.and_then(|build| build.command);
            prop_assert_eq!(command, proposal.build.map(|build| Command::Shell(build.command)));
        }
    }
}
