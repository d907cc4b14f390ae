//! How a repository is built, guessed from the files at its top.

use super::Facts;
use crate::domain::name::ProjectName;

/// A build recognised by a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProposedBuild {
    /// What it was recognised by.
    pub because: String,
    /// The command.
    pub command: String,
    /// Patterns of what it makes; none where it records an image.
    pub artifacts: Vec<String>,
    /// What there is to mind, a sentence each.
    pub notes: Vec<String>,
    /// The command that records the image of a Dockerfile instead, where
    /// there is one too.
    pub image: Option<String>,
}

impl ProposedBuild {
    fn new(because: &str, command: impl Into<String>, artifact: impl Into<String>) -> ProposedBuild {
        ProposedBuild {
            because: because.to_owned(),
            command: command.into(),
            artifacts: vec![artifact.into()],
            ..ProposedBuild::default()
        }
    }

    fn note(mut self, note: impl Into<String>) -> ProposedBuild {
        self.notes.push(note.into());
        self
    }
}

/// The names a Makefile may have, in the order make looks for them.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// The names of what describes an image.
const DOCKERFILES: [&str; 2] = ["Dockerfile", "Containerfile"];

/// The files whose text is worth reading for a guess.
pub const TOLD_BY: [&str; 6] =
    ["GNUmakefile", "makefile", "Makefile", "Cargo.toml", "package.json", "pyproject.toml"];

/// Recognises the build, the most telling sign first: a Makefile that makes a
/// distribution; the project of a language; what else a Makefile or a script
/// builds; an image.
pub fn build(name: &ProjectName, facts: &Facts, package: Option<&str>) -> Option<ProposedBuild> {
    let image = DOCKERFILES.into_iter().find(|file| facts.has(file));
    let found = make(facts, &["dist"])
        .or_else(|| cargo(name, facts, package))
        .or_else(|| go(facts))
        .or_else(|| node(facts))
        .or_else(|| python(facts))
        .or_else(|| jvm(facts))
        // What a Makefile beside a library of Go builds is nothing to keep.
        .or_else(|| if facts.has("go.mod") { None } else { make(facts, &["build", "release", "all"]) })
        .or_else(|| facts.has("build.sh").then(|| ProposedBuild::new("build.sh", "./build.sh", "dist/*")));
    match (found, image) {
        (Some(build), Some(_)) => Some(ProposedBuild { image: Some(docker(name, facts).command), ..build }),
        (Some(build), None) => Some(build),
        (None, Some(file)) => Some(ProposedBuild { because: file.to_owned(), ..docker(name, facts) }),
        (None, None) => None,
    }
}

/// The first of these targets that a Makefile has.
fn make(facts: &Facts, targets: &[&str]) -> Option<ProposedBuild> {
    let file = MAKEFILES.into_iter().find(|file| facts.has(file))?;
    let text = facts.text(file);
    let target = targets.iter().find(|target| has_target(text, target))?;
    let artifact = ["dist/", "build/", "bin/"]
        .into_iter()
        .find(|folder| text.contains(folder))
        .map(|folder| format!("{folder}*"));
    let artifact = match artifact {
        // A distribution that goes to no folder of its own lies at the top.
        Some(folder) if *target != "dist" || folder == "dist/*" => folder,
        _ if text.contains(".tar.gz") => "*.tar.gz".to_owned(),
        Some(folder) => folder,
        None => "dist/*".to_owned(),
    };
    let build =
        ProposedBuild::new(&format!("the target {target} of {file}"), format!("make {target}"), artifact);
    Some(match *target {
        "release" => build.note("It has to build and nothing else: what publishes belongs into deploy."),
        _ => build,
    })
}

/// Whether a Makefile has a rule for this target.
fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let Some((targets, rest)) = line.split_once(':') else { return false };
        let is_rule =
            !line.starts_with(['\t', ' ', '#', '.']) && !rest.trim_start_matches(':').starts_with('=');
        is_rule && targets.split_whitespace().any(|word| word == target)
    })
}

fn cargo(name: &ProjectName, facts: &Facts, package: Option<&str>) -> Option<ProposedBuild> {
    let text = facts.has("Cargo.toml").then(|| facts.text("Cargo.toml"))?;
    let locked = if facts.has("Cargo.lock") { " --locked" } else { "" };
    let release = |because: &str, binaries: Vec<String>| {
        let paths = binaries.iter().map(|binary| format!("target/release/{binary}")).collect();
        let command = format!("cargo build --release{locked}");
        Some(ProposedBuild { artifacts: paths, ..ProposedBuild::new(because, command, "") })
    };
    let manifest: toml::Table = text.parse().unwrap_or_default();
    let root = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    if let Some(root) = root {
        let named = |binary: &toml::Value| Some(binary.get("name")?.as_str()?.to_owned());
        let mut binaries: Vec<String> = manifest
            .get("bin")
            .and_then(toml::Value::as_array)
            .map(|binaries| binaries.iter().filter_map(named).collect())
            .unwrap_or_default();
        if binaries.is_empty() && facts.has("src/main.rs") {
            binaries.push(root.to_owned());
        }
        if binaries.is_empty() {
            let command = format!("cargo package{locked}");
            return Some(ProposedBuild::new(
                "Cargo.toml, a library",
                command,
                format!("target/package/{root}-*.crate"),
            ));
        }
        return release("Cargo.toml", binaries);
    }
    if manifest.contains_key("workspace") {
        if let Some(package) = package.filter(|package| facts.has(package)) {
            let command = format!("cargo package{locked} --package {package}");
            let crate_file = format!("target/package/{package}-[0-9]*.crate");
            return Some(ProposedBuild::new("Cargo.toml, a workspace", command, crate_file));
        }
        return release("Cargo.toml, a workspace", vec![name.to_string()])
            .map(|build| build.note("Name the binaries of its members that are to be kept."));
    }
    release("Cargo.toml", vec![name.to_string()])
}

fn go(facts: &Facts) -> Option<ProposedBuild> {
    let of = match (facts.has("go.mod"), facts.has("cmd"), facts.has("main.go")) {
        (true, true, _) => "./cmd/...",
        (true, false, true) => ".",
        // A library: whoever uses it builds it.
        _ => return None,
    };
    Some(ProposedBuild::new("go.mod", format!("mkdir -p dist && go build -o dist/ {of}"), "dist/*"))
}

fn node(facts: &Facts) -> Option<ProposedBuild> {
    let text = facts.has("package.json").then(|| facts.text("package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let builds = manifest.pointer("/scripts/build").is_some();
    let known = [
        ("pnpm-lock.yaml", "pnpm install --frozen-lockfile", "pnpm"),
        ("yarn.lock", "yarn install --frozen-lockfile", "yarn"),
        ("bun.lock", "bun install --frozen-lockfile", "bun"),
        ("bun.lockb", "bun install --frozen-lockfile", "bun"),
        ("package-lock.json", "npm ci", "npm"),
        ("npm-shrinkwrap.json", "npm ci", "npm"),
    ];
    let (_, install, tool) =
        known.into_iter().find(|(lock, ..)| facts.has(lock)).unwrap_or(("", "npm install", "npm"));
    let modern = tool == "yarn" && facts.has(".yarnrc.yml");
    let install = if modern { "yarn install --immutable" } else { install };
    let run = format!("{tool} run build");
    let pack = if tool == "bun" { "bun pm pack".to_owned() } else { format!("{tool} pack") };
    let because = if builds { "package.json and its script build" } else { "package.json" };
    let steps = if builds { vec![install, &run, &pack] } else { vec![install, &pack] };
    Some(ProposedBuild::new(because, steps.join(" && "), "*.tgz"))
}

fn python(facts: &Facts) -> Option<ProposedBuild> {
    let file = ["pyproject.toml", "setup.py"].into_iter().find(|file| facts.has(file))?;
    // A pyproject.toml with nothing but settings of tools builds nothing.
    if file == "pyproject.toml"
        && !["[build-system]", "[project]", "[tool.poetry]"]
            .iter()
            .any(|table| facts.text(file).contains(table))
    {
        return None;
    }
    let (command, by) = if facts.has("uv.lock") {
        ("uv build", " and uv.lock")
    } else if facts.has("poetry.lock") {
        ("poetry build", " and poetry.lock")
    } else {
        ("python3 -m build", "")
    };
    Some(ProposedBuild::new(&format!("{file}{by}"), command, "dist/*"))
}

fn jvm(facts: &Facts) -> Option<ProposedBuild> {
    let known = [
        ("pom.xml", "mvnw", "mvn", "-B package", "target/*.jar"),
        ("build.gradle.kts", "gradlew", "gradle", "build", "build/libs/*.jar"),
        ("build.gradle", "gradlew", "gradle", "build", "build/libs/*.jar"),
    ];
    let (file, wrapper, tool, args, artifact) = known.into_iter().find(|(file, ..)| facts.has(file))?;
    let tool = if facts.has(wrapper) { format!("./{wrapper}") } else { tool.to_owned() };
    Some(ProposedBuild::new(file, format!("{tool} {args}"), artifact))
}

/// Builds an image, pushes it, and records it by its digest. Nothing is
/// spliced into the command but the image's name, which is made of plain
/// characters.
fn docker(name: &ProjectName, facts: &Facts) -> ProposedBuild {
    let image = facts.address.as_deref().and_then(registry);
    let known = image.is_some();
    let image = image.unwrap_or_else(|| format!("registry.example.com/{name}"));
    let command = format!(
        "docker build --tag {image}:$REL_VERSION . && docker push {image}:$REL_VERSION && docker inspect --format '{name}={{{{index .RepoDigests 0}}}}' {image}:$REL_VERSION >> \"$REL_REFERENCES\""
    );
    let build = ProposedBuild { command, ..ProposedBuild::default() }
        .note("The image stays in its registry; what counts is the digest written to $REL_REFERENCES.");
    if known {
        build.note("The registry is guessed from the remote's address.")
    } else {
        build.note("Replace registry.example.com by your registry.")
    }
}

/// Where the host of a repository keeps its images.
fn registry(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://").unwrap_or(("", address));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_once([':', '/'])?;
    let path = path.trim_matches('/').trim_end_matches(".git").to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if path.is_empty() || !path.contains('/') || !path.chars().all(plain) {
        return None;
    }
    match host {
        "github.com" => Some(format!("ghcr.io/{path}")),
        "gitlab.com" => Some(format!("registry.gitlab.com/{path}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(files: &[(&str, &str)]) -> Facts {
        Facts {
            files: files.iter().map(|(file, _)| (*file).to_owned()).collect(),
            texts: files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect(),
            ..Facts::default()
        }
    }

    fn of(files: &[(&str, &str)]) -> Option<(String, String)> {
        let build = build(&"shop".parse().unwrap(), &facts(files), None)?;
        Some((build.command, build.artifacts.join(" ")))
    }

    #[track_caller]
    fn is(files: &[(&str, &str)], command: &str, artifacts: &str) {
        assert_eq!(of(files), Some((command.to_owned(), artifacts.to_owned())), "{files:?}");
    }

    #[test]
    fn the_target_of_a_makefile() {
        is(&[("Makefile", "all: build\nbuild:\n\tgcc -o bin/x x.c\n")], "make build", "bin/*");
        is(&[("Makefile", "all:: x\ndist: x\n\ttar czf $(N).tar.gz x\nbuild:\n")], "make dist", "*.tar.gz");
        is(&[("GNUmakefile", "dist package: x\n\tcp x dist/\n")], "make dist", "dist/*");
        is(&[("makefile", "all:\n\tcc x.c\n")], "make all", "dist/*");
        is(
            &[("Makefile", "dist = x\ndist := y\n.PHONY: dist\nall:\n"), ("build.sh", "")],
            "make all",
            "dist/*",
        );
        is(&[("Makefile", "test:\n"), ("build.sh", "")], "./build.sh", "dist/*");
        assert_eq!(of(&[("Makefile", "test:\n")]), None);
        let release = build(&"shop".parse().unwrap(), &facts(&[("Makefile", "release:\n")]), None).unwrap();
        assert!(release.notes[0].contains("publishes"), "{release:?}");
    }

    #[test]
    fn a_makefile_that_only_helps_says_less_than_the_language() {
        is(&[("Makefile", "build:\n"), ("package.json", "{}")], "npm install && npm pack", "*.tgz");
        is(&[("Makefile", "dist:\n"), ("Cargo.toml", "[package]\nname='x'\n")], "make dist", "dist/*");
    }

    #[test]
    fn cargo_tells_what_it_makes() {
        let bin = "[package]\nname = \"web\"\n";
        is(
            &[("Cargo.toml", bin), ("Cargo.lock", ""), ("src/main.rs", "")],
            "cargo build --release --locked",
            "target/release/web",
        );
        is(&[("Cargo.toml", bin)], "cargo package", "target/package/web-*.crate");
        is(
            &[("Cargo.toml", "[package]\nname='web'\n[[bin]]\nname='a'\n[[bin]]\nname='b'\n")],
            "cargo build --release",
            "target/release/a target/release/b",
        );
        let workspace = facts(&[("Cargo.toml", "[workspace]\n"), ("tokio", "")]);
        let build = build(&"tokio".parse().unwrap(), &workspace, Some("tokio")).unwrap();
        assert_eq!(build.command, "cargo package --package tokio");
        is(&[("Cargo.toml", "[workspace]\n")], "cargo build --release", "target/release/shop");
    }

    #[test]
    fn node_and_its_package_managers() {
        let scripts = r#"{"scripts": {"build": "tsc"}}"#;
        let of = |lock: &'static str| [("package.json", scripts), (lock, "")];
        is(&of("package-lock.json"), "npm ci && npm run build && npm pack", "*.tgz");
        is(&of("pnpm-lock.yaml"), "pnpm install --frozen-lockfile && pnpm run build && pnpm pack", "*.tgz");
        is(&of("yarn.lock"), "yarn install --frozen-lockfile && yarn run build && yarn pack", "*.tgz");
        is(&of("bun.lock"), "bun install --frozen-lockfile && bun run build && bun pm pack", "*.tgz");
    }

    #[test]
    fn other_languages() {
        is(&[("go.mod", ""), ("cmd", "")], "mkdir -p dist && go build -o dist/ ./cmd/...", "dist/*");
        is(&[("go.mod", ""), ("main.go", "")], "mkdir -p dist && go build -o dist/ .", "dist/*");
        assert_eq!(of(&[("go.mod", ""), ("doc.go", ""), ("Makefile", "build:\n")]), None, "a library");
        is(&[("pyproject.toml", "[project]\n"), ("uv.lock", "")], "uv build", "dist/*");
        is(&[("setup.py", "")], "python3 -m build", "dist/*");
        assert_eq!(of(&[("pyproject.toml", "[tool.black]\n")]), None);
        is(&[("pom.xml", ""), ("mvnw", "")], "./mvnw -B package", "target/*.jar");
        is(&[("build.gradle.kts", "")], "gradle build", "build/libs/*.jar");
    }

    #[test]
    fn an_image_is_recorded_by_its_digest() {
        let mut facts = facts(&[("Dockerfile", "FROM scratch\n")]);
        facts.address = Some("git@github.com:Team/Shop.git".to_owned());
        let found = build(&"shop".parse().unwrap(), &facts, None).unwrap();
        assert!(found.command.starts_with("docker build --tag ghcr.io/team/shop:$REL_VERSION . &&"));
        assert!(found.command.ends_with(
            "docker inspect --format 'shop={{index .RepoDigests 0}}' ghcr.io/team/shop:$REL_VERSION >> \"$REL_REFERENCES\""
        ));
        assert!(found.artifacts.is_empty());
        facts.files.push("package.json".to_owned());
        let both = build(&"shop".parse().unwrap(), &facts, None).unwrap();
        assert_eq!((both.artifacts.len(), both.image), (1, Some(found.command)));
    }

    #[test]
    fn registries_of_known_hosts() {
        for (address, image) in [
            ("https://github.com/team/shop", Some("ghcr.io/team/shop")),
            ("ssh://git@gitlab.com/a/b/shop.git", Some("registry.gitlab.com/a/b/shop")),
            ("https://token@github.com/team/shop.git/", None),
            ("https://host.example/team/shop", None),
            ("https://github.com/team/shop;rm -rf", None),
            ("/srv/git/shop.git", None),
        ] {
            let image = image.map(str::to_owned);
            if address.contains("token") {
                assert_eq!(registry(address).as_deref(), Some("ghcr.io/team/shop"));
            } else {
                assert_eq!(registry(address), image, "{address}");
            }
        }
    }
}
