//! What `release.toml` may say, from the top: its sections and their keys.

use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::DeTable;

use super::read::{Findings, Table, Value};
use super::{FILE_NAME, environment, order, point};
use crate::domain::config::{BuildConfig, Bump, Config, Environment, ProjectConfig, Publish, Scheme};
use crate::domain::name::{EnvName, ProjectName, TagName};
use crate::domain::ref_name;
use crate::failure::{Failure, Result};

/// How long a build may take when the file does not say.
const BUILD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30 * 60);

/// Where artifacts can be kept, as messages list it.
const STORES: &str = "\"git\", \"file:///dir\", \"s3://…\", \"gs://…\", \"az://…\" or \"oci://…\"";

/// The largest file read. What people write is a thousandth of it.
const LARGEST: usize = 1 << 20;

/// How many mistakes in the notation are told: each may be followed by others
/// that are not there.
const MOST_BROKEN: usize = 3;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Its project. A file with several is refused by this version.
    pub config: Config,
    /// What is allowed but hardly meant; a sentence each.
    pub notes: Vec<String>,
}

/// What has to be known of a project before its trunk can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Names the project's refs.
    pub name: ProjectName,
    /// The trunk's branch.
    pub trunk: String,
    /// The authority; empty when this repository is itself.
    pub remote: String,
}

/// Reads a whole file. `file_name` is what messages call it.
///
/// # Errors
///
/// [`Kind::Config`](crate::failure::Kind::Config): the message points at the
/// first problem, the reasons at each further one.
pub fn parse(text: &str, file_name: &str) -> Result<Parsed> {
    let mut findings = Findings::default();
    let read = read_file(text, &mut findings);
    finish(read, findings, text, file_name)
}

/// Reads name, trunk and remote of a `release.toml`; see [`head_of`].
///
/// # Errors
///
/// As [`head_of`].
pub fn head(text: &str) -> Result<Head> {
    head_of(text, FILE_NAME)
}

/// Reads name, trunk and remote, whatever else is wrong with the file: it may
/// be a working copy in the middle of an edit, while trunk's is what counts.
///
/// # Errors
///
/// [`Kind::Config`](crate::failure::Kind::Config) if one of the three is
/// wrong, or the name is missing.
pub fn head_of(text: &str, file_name: &str) -> Result<Head> {
    let mut findings = Findings::default();
    let read = bounded(text, &mut findings).then(|| {
        let (document, broken) = DeTable::parse_recoverable(text);
        let read = project_table(&mut root(&document), &mut findings)
            .and_then(|mut table| name_and_whereabouts(&mut table, &mut findings))
            .map(|project| Head { name: project.name, trunk: project.trunk, remote: project.remote });
        // Where the name was lost to a mistake in the notation, that is what to say.
        if !findings.problems.is_empty() {
            findings.problems.extend(broken.iter().take(MOST_BROKEN).map(syntax));
        }
        read
    });
    finish(read.flatten(), findings, text, file_name)
}

/// The line on which a key of `[project]` stands, from 1; `None` if it is not there.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    if text.len() > LARGEST {
        return None;
    }
    let (document, _) = DeTable::parse_recoverable(text);
    let project = document.get_ref().get("project")?.get_ref().as_table()?;
    let (at, _) = project.get_key_value(key)?;
    Some(point::place(text, at.span().start).0)
}

/// The value, or every problem as one failure.
fn finish<T>(read: Option<T>, findings: Findings, text: &str, file_name: &str) -> Result<T> {
    match (point::failure(file_name, text, findings.problems), read) {
        (Some(failure), _) => Err(failure),
        (None, Some(read)) => Ok(read),
        (None, None) => Err(Failure::new(
            crate::failure::Kind::Config,
            format!("{} cannot be read", point::harmless(file_name)),
        )),
    }
}

/// Reads a file, noting every problem. `None` only if a problem was noted.
pub(super) fn read_file(text: &str, findings: &mut Findings) -> Option<Parsed> {
    if !bounded(text, findings) {
        return None;
    }
    let (document, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        // What was recovered may not be what was meant: nothing more is said of it.
        findings.problems.extend(broken.iter().take(MOST_BROKEN).map(syntax));
        return None;
    }
    if let Some(problem) = needs_newer(&document) {
        // What else is unknown here is known there.
        findings.problems.push(problem);
        return None;
    }
    let mut root = root(&document);
    let project = project(&mut root, findings);
    let mut config = Config::new(match &project {
        Some(project) => project.name.clone(),
        // The name is a problem already; the rest is read to find the others.
        None => "project".parse().ok()?,
    });
    let named = project.is_some();
    if let Some(project) = project {
        config.project = project;
    }
    version(&mut root, &mut config, findings);
    config.build = build(&mut root, findings);
    root.section("artifacts", findings, |table, findings| {
        table.set("store", &mut config.artifacts.store, findings, store);
        table.set("max_size", &mut config.artifacts.max_size, findings, Value::size);
    });
    environments(&mut root, &mut config, findings);
    root.section("retry", findings, |table, findings| {
        table.set("attempts", &mut config.retry.attempts, findings, |value, findings| {
            value.count(1, findings)
        });
        table.set("backoff", &mut config.retry.backoff, findings, Value::duration);
    });
    root.section("hooks", findings, |table, findings| {
        let hooks = &mut config.hooks;
        hooks.before_cut = table.get("before_cut", findings, Value::command);
        hooks.after_cut = table.get("after_cut", findings, Value::command);
        hooks.before_deploy = table.get("before_deploy", findings, Value::command);
        hooks.after_deploy = table.get("after_deploy", findings, Value::command);
        hooks.after_failure = table.get("after_failure", findings, Value::command);
        hooks.after_rollback = table.get("after_rollback", findings, Value::command);
        table.set("timeout", &mut hooks.timeout, findings, Value::timeout);
    });
    root.section("output", findings, |table, findings| {
        table.set("publish", &mut config.output.publish, findings, |value, findings| {
            value.choice(&[("local", Publish::Local), ("git", Publish::Git)], findings)
        });
    });
    root.finish(findings);
    let notes = notes(&config);
    named.then_some(Parsed { config, notes })
}

/// Whether the text is small enough to be read. Its depth is limited by the TOML parser.
fn bounded(text: &str, findings: &mut Findings) -> bool {
    let small = text.len() <= LARGEST;
    if !small {
        findings.problem(0..0, format!("the file is larger than {LARGEST} bytes"));
    }
    small
}

fn syntax(error: &toml::de::Error) -> point::Problem {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    point::Problem { span: error.span().unwrap_or(0..0), text: format!("this is not TOML: {message}") }
}

fn root<'a>(document: &'a Spanned<DeTable<'a>>) -> Table<'a> {
    Table::new(document.get_ref(), 0..0, "", "")
}

/// `[project]`. `None` if there is none to speak of, which has been noted.
fn project(root: &mut Table<'_>, findings: &mut Findings) -> Option<ProjectConfig> {
    let mut table = project_table(root, findings)?;
    let mut project = name_and_whereabouts(&mut table, findings);
    let paths = table.get("paths", findings, |value, findings| value.list(findings, gitignore_pattern));
    let requires =
        table.get("requires", findings, |value, findings| match requirement(value.text(findings)?) {
            Some(_) => value.line(findings),
            None => value.wrong("write a version of rel, such as \"0.4\"", findings),
        });
    table.finish(findings);
    if let Some(project) = &mut project {
        project.paths = paths.unwrap_or_default();
        project.requires = requires;
    }
    project
}

/// Says that the file is for a newer `rel`, if it says so.
fn needs_newer(document: &Spanned<DeTable<'_>>) -> Option<point::Problem> {
    let project = document.get_ref().get("project")?.get_ref().as_table()?;
    let requires = project.get("requires")?;
    let text = requires.get_ref().as_str()?;
    let own = env!("CARGO_PKG_VERSION");
    let too_old = requirement(text)? > requirement(own).expect("the version of a package is one");
    too_old.then(|| point::Problem {
        span: requires.span(),
        text: format!(
            "this file is for rel {text} or newer, and this is rel {own}: update rel on this machine"
        ),
    })
}

/// The parts of a version, as far as they are written.
fn requirement(text: &str) -> Option<[u64; 3]> {
    let mut parts = [0; 3];
    let mut written = text.split('.');
    for (part, text) in parts.iter_mut().zip(written.by_ref()) {
        *part = text.parse().ok()?;
    }
    written.next().is_none().then_some(parts)
}

/// The table of the one project there is.
fn project_table<'a>(root: &mut Table<'a>, findings: &mut Findings) -> Option<Table<'a>> {
    let one = root.has("project");
    let several = root.get("projects", findings, |value, findings| {
        let text = if one {
            "[project] and [projects] are both here; one project is a [project], several are \
             [projects.NAME] tables, which are not supported yet by this version"
        } else {
            "several projects in one repository are not supported yet by this version; \
             describe one in [project]"
        };
        findings.problem(value.span.clone(), text);
        Some(())
    });
    if !one && several.is_none() {
        findings.problem(0..0, "[project] is missing; it needs at least a name: name = \"shop\"");
    }
    root.get("project", findings, |value, findings| value.table("project", "project", findings))
}

/// The part of `[project]` that is needed before trunk can be read.
fn name_and_whereabouts(table: &mut Table<'_>, findings: &mut Findings) -> Option<ProjectConfig> {
    let name = table.get("name", findings, Value::parsed);
    if !table.has("name") {
        findings.problem(table.span.clone(), "[project] needs a name: name = \"shop\"");
    }
    // Read to the end before giving up, so that every problem is noted.
    let trunk = table.get("trunk", findings, branch);
    let remote = table.get("remote", findings, remote);
    let mut project = Config::new(name?).project;
    project.trunk = trunk.unwrap_or(project.trunk);
    project.remote = remote.unwrap_or(project.remote);
    Some(project)
}

/// A branch's name. Git holds branches to the rules of tags.
fn branch(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.text(findings)?;
    if ref_name::is_full(text) {
        return value.wrong("write the branch alone, such as \"main\", without refs/heads/", findings);
    }
    match text.parse::<TagName>() {
        Ok(_) => Some(text.to_owned()),
        Err(_) => value.wrong(format!("{text:?} cannot be the name of a branch"), findings),
    }
}

/// A remote's name, or nothing. One that could be taken for an option is refused.
fn remote(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.text(findings)?;
    if text.starts_with('-') || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        let text = format!("{text:?} cannot name a remote; \"\" makes this repository the authority");
        return value.wrong(text, findings);
    }
    Some(text.to_owned())
}

fn gitignore_pattern(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.line(findings)?;
    if text.starts_with('#') {
        return value.wrong("a pattern that begins with # is a comment to git; write \\#", findings);
    }
    match ignore::gitignore::GitignoreBuilder::new("").add_line(None, &text) {
        Ok(_) => Some(text),
        Err(error) => value.wrong(format!("{text:?} is not a pattern: {error}"), findings),
    }
}

/// A pattern over paths inside a checkout.
fn file_pattern(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.line(findings)?;
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        let text =
            format!("{text:?} leaves the checkout; patterns begin at its top, such as \"dist/*.tar.gz\"");
        return value.wrong(text, findings);
    }
    value.glob(text, findings)
}

/// `[version]`.
fn version(root: &mut Table<'_>, config: &mut Config, findings: &mut Findings) {
    let project = config.project.name.clone();
    let version = &mut config.version;
    root.section("version", findings, |table, findings| {
        let schemes =
            [("semver", Scheme::Semver), ("calver", Scheme::Calver), ("sequence", Scheme::Sequence)];
        table
            .set("scheme", &mut version.scheme, findings, |value, findings| value.choice(&schemes, findings));
        let bumps = [
            ("conventional", Bump::Conventional),
            ("major", Bump::Major),
            ("minor", Bump::Minor),
            ("patch", Bump::Patch),
        ];
        table.set("bump", &mut version.bump, findings, |value, findings| value.choice(&bumps, findings));
        table.set("format", &mut version.format, findings, Value::parsed);
        table.set("candidate", &mut version.candidate, findings, Value::parsed);
        table.set("prefixes", &mut version.prefixes, findings, |value, findings| {
            value.list(findings, |value, findings| value.text(findings).map(str::to_owned))
        });
        table.set("tag", &mut version.tag, findings, |value, findings| {
            let template = value.text(findings)?;
            match check_tag(template, &project) {
                Ok(()) => Some(template.to_owned()),
                Err(why) => value.wrong(why, findings),
            }
        });
        table.set("sign", &mut version.sign, findings, Value::flag);
    });
}

/// Whether every tag made from this template can be a tag.
fn check_tag(template: &str, project: &ProjectName) -> Result<(), String> {
    if template.matches("{version}").count() != 1 {
        return Err(format!("{template:?} needs {{version}} in it, once, as in \"v{{version}}\""));
    }
    let release = template.replace("{project}", project.as_str()).replace("{version}", "1.5.0");
    if release.contains(['{', '}']) {
        return Err(format!("{template:?} has braces around something else than version or project"));
    }
    for tag in [format!("{release}-rc.2"), release] {
        if tag.parse::<TagName>().is_err() {
            return Err(format!("{template:?} would make the tag {tag:?}, which git does not allow"));
        }
    }
    Ok(())
}

/// `[build]`.
fn build(root: &mut Table<'_>, findings: &mut Findings) -> Option<BuildConfig> {
    root.section("build", findings, |table, findings| {
        let mut build = BuildConfig { command: None, artifacts: Vec::new(), timeout: BUILD_TIMEOUT };
        build.command = table.get("command", findings, Value::command);
        table.set("artifacts", &mut build.artifacts, findings, |value, findings| {
            value.list(findings, file_pattern)
        });
        table.set("timeout", &mut build.timeout, findings, Value::timeout);
        build
    })
}

fn store(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.line(findings)?;
    let known = match text.split_once("://") {
        None => text == "git",
        Some(("file", path)) => path.starts_with('/'),
        Some(("s3" | "gs" | "az" | "oci", place)) => !place.is_empty() && !place.starts_with('/'),
        Some(_) => false,
    };
    if known {
        Some(text)
    } else {
        value.wrong(format!("{text:?} is not a store; one is {STORES}"), findings)
    }
}

/// `[environments.*]`, in the order of the file.
fn environments(root: &mut Table<'_>, config: &mut Config, findings: &mut Findings) {
    let mut places = Vec::new();
    let mut declared = BTreeSet::new();
    root.get("environments", findings, |value, findings| {
        let table = value.table("environments", "environments", findings)?;
        for (key, value) in table.chosen() {
            declared.insert(key.value.to_owned());
            let name = match key.value.parse::<EnvName>() {
                Ok(name) => Some(name),
                Err(error) => {
                    findings.problem(key.span, error.to_string());
                    None
                }
            };
            let shown = table.below(key.value);
            let Some(mut section) = value.table(&shown, "environments.*", findings) else { continue };
            // An environment with a bad name is still read, to find its other problems.
            let Some(stand_in) = name.clone().or_else(|| "environment".parse().ok()) else { continue };
            let (environment, place) =
                environment::environment(&mut section, Environment::new(stand_in), findings);
            section.finish(findings);
            if name.is_some() {
                config.environments.push(environment);
                places.push(place);
            }
        }
        Some(())
    });
    order::check_names(&config.environments, &places, &declared, findings);
    order::check_cycles(&config.environments, &places, findings);
}

/// What is allowed but hardly meant.
fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for env in &config.environments {
        if env.deploy.is_none() {
            notes.push(format!(
                "environment {} has no deploy command: only `rel record` can say what is live there",
                env.name
            ));
        }
        if env.soak.is_some() && env.after.is_empty() {
            notes.push(format!(
                "environment {} has a soak but comes after nothing: it asks nothing",
                env.name
            ));
        }
        if env.approvals_signed && env.approvals == 0 {
            notes.push(format!(
                "environment {} has approvals_signed but asks for no approvals: it asks nothing",
                env.name
            ));
        }
        if env.allowed_signers.is_some() && !env.approvals_signed {
            notes.push(format!(
                "environment {} names allowed_signers without approvals_signed: nothing is checked against them",
                env.name
            ));
        }
    }
    if let Some(BuildConfig { command: Some(_), artifacts, .. }) = &config.build
        && artifacts.is_empty()
    {
        notes.push(
            "[build] names no artifacts: only the references its command reports are recorded".to_owned(),
        );
    }
    notes
}
