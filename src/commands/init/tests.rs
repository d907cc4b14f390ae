use serde_json::json;

use super::*;
use crate::ui::prompt::scripted::Scripted;
use crate::ui::screen::ColorChoice;

struct Sandbox {
    dir: tempfile::TempDir,
    world: World,
}

impl Sandbox {
    /// A folder `shop` with an unborn repository on `main`.
    fn new() -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::from_process();
        world.env.retain(|name, _| !name.to_string_lossy().starts_with("GIT_"));
        for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")] {
            world.env.insert(name.into(), value.into());
        }
        world.cwd = dir.path().join("shop");
        (world.stdin_terminal, world.stderr_terminal) = (false, false);
        std::fs::create_dir(&world.cwd).unwrap();
        let sandbox = Sandbox { dir, world };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox
    }

    #[expect(clippy::disallowed_methods, reason = "tests use git as users do")]
    fn git(&self, args: &[&str]) {
        let mut command = std::process::Command::new("git");
        command.env_clear().envs(&self.world.env).current_dir(&self.world.cwd).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn put(&self, file: &str, text: &str) {
        let path = self.world.cwd.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn at_a_terminal(mut self) -> Sandbox {
        (self.world.stdin_terminal, self.world.stderr_terminal) = (true, true);
        self
    }

    fn init(&self, answers: &[&str], flags: impl FnOnce(&mut Options)) -> Result<serde_json::Value> {
        let screen = Screen::new(false, false, ColorChoice::Never, true, true, 0, false).over(
            Box::new(std::io::sink()),
            Box::new(std::io::sink()),
            None,
        );
        let mut options = Options::default();
        flags(&mut options);
        let document = run(&self.world, &screen, &Scripted::new(answers), &options)?;
        Ok(serde_json::to_value(document).unwrap())
    }

    fn file(&self) -> Option<String> {
        std::fs::read_to_string(self.world.cwd.join(FILE_NAME)).ok()
    }
}

#[test]
fn an_empty_repository_gets_a_file_that_can_be_read() {
    let sandbox = Sandbox::new();
    sandbox.put("build.sh", "");
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    let config = config::parse(&sandbox.file().unwrap(), FILE_NAME).unwrap().config;
    assert_eq!(config.project.name.as_str(), "shop");
    assert_eq!((config.project.trunk.as_str(), config.project.remote.as_str()), ("main", ""));
    assert_eq!(told["config"]["project"]["name"], "shop");
    assert!(told["written"].as_str().unwrap().ends_with("shop/release.toml"));
    assert_eq!(told["commit"].as_array().unwrap().len(), 2, "there is no remote to push to");
    let left: Vec<_> =
        std::fs::read_dir(&sandbox.world.cwd).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn the_remote_tells_name_and_trunk_whatever_branch_is_checked_out() {
    let sandbox = Sandbox::new();
    sandbox.git(&["remote", "add", "upstream", "git@host:team/Web_Shop.git"]);
    sandbox.git(&["symbolic-ref", "refs/remotes/upstream/HEAD", "refs/remotes/upstream/develop"]);
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    let project = &told["config"]["project"];
    assert_eq!(
        (&project["name"], &project["trunk"], &project["remote"]),
        (&json!("web-shop"), &json!("develop"), &json!("upstream"))
    );
    assert_eq!(told["commit"][2], "git push upstream main");
}

#[test]
fn a_topic_is_not_taken_for_trunk() {
    let sandbox = Sandbox::new();
    sandbox.git(&[
        "-c",
        "user.name=Ana",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "first",
    ]);
    sandbox.git(&["remote", "add", "origin", "https://host/shop.git"]);
    sandbox.git(&["update-ref", "refs/remotes/origin/master", "HEAD"]);
    sandbox.git(&["checkout", "-q", "-b", "topic"]);
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    assert_eq!(told["config"]["project"]["trunk"], "master");
    assert_eq!(told["commit"][2], "git push origin topic");
}

#[test]
fn a_file_that_is_there_stays() {
    let sandbox = Sandbox::new();
    sandbox.put(FILE_NAME, "mine");
    let failure = sandbox.init(&[], |options| options.yes = true).unwrap_err();
    assert_eq!((failure.kind, &failure.hints[..]), (Kind::Refused, &["rel config check".to_owned()][..]));
    assert_eq!(sandbox.file().unwrap(), "mine");
    let late = write(&sandbox.world.cwd.join(FILE_NAME), "theirs").unwrap_err();
    assert_eq!((late.kind, sandbox.file().unwrap().as_str()), (Kind::Refused, "mine"));
}

#[test]
fn nobody_to_ask_is_refused_and_a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    let failure = sandbox.init(&[], |_| {}).unwrap_err();
    assert_eq!(failure.kind, Kind::Usage);
    assert!(failure.hints[0].ends_with("rel init --yes"));
    let told = sandbox.init(&[], |options| options.dry_run = true).unwrap();
    assert!(told["written"].is_null());
    assert_eq!(sandbox.file(), None);
}

#[test]
fn answers_are_taken_and_wrong_ones_asked_for_again() {
    let sandbox = Sandbox::new().at_a_terminal();
    let answers = [
        "No Name",
        "web",
        "",
        "none",
        "v",
        "r{version}",
        "dates",
        "calver",
        "make all",
        "out/*.tar out/*.sig",
        "dev, test -> live",
    ];
    sandbox.init(&answers, |_| {}).unwrap();
    let text = sandbox.file().unwrap();
    assert!(text.contains("(your answer)") && text.contains("# As you answered."), "{text}");
    let config = config::parse(&text, FILE_NAME).unwrap().config;
    assert_eq!(config.project.name.as_str(), "web");
    assert_eq!((config.version.tag.as_str(), config.version.scheme), ("r{version}", Scheme::Calver));
    assert_eq!(config.build.unwrap().artifacts, ["out/*.tar", "out/*.sig"]);
    let told: Vec<_> = config
        .environments
        .iter()
        .map(|env| {
            (env.name.as_str(), env.after.iter().map(EnvName::as_str).collect::<Vec<_>>(), env.is_final)
        })
        .collect();
    assert_eq!(told, [("dev", vec![], false), ("test", vec!["dev"], false), ("live", vec!["test"], true)]);
}

#[test]
fn the_newest_tags_tell_how_versions_are_written() {
    let sandbox = Sandbox::new();
    let at = |minute: u32, args: &[&str]| {
        let date = format!("2026-11-01T12:{minute:02}:00Z");
        let mut sandbox = Sandbox { dir: tempfile::tempdir().unwrap(), world: sandbox.world.clone() };
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            sandbox.world.env.insert(name.into(), date.clone().into());
        }
        sandbox.git(&[&["-c", "user.name=Ana", "-c", "user.email=a@b"][..], args].concat());
    };
    // Of names alone, the old ones would be the later.
    for (minute, tag) in
        [(1, "v9.0"), (2, "v9.1"), (3, "release-1.0"), (4, "release-1.1"), (5, "release-1.2")]
    {
        at(minute, &["commit", "-q", "--allow-empty", "-m", tag]);
        at(minute, &["tag", "-a", "-m", tag, tag]);
    }
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    assert_eq!(told["config"]["version"]["tag"], "release-{version}");
    let file = sandbox.file().unwrap();
    assert!(file.contains("3 of the newest 5 version tags are like"), "{file}");
    assert!(file.contains("release-1.2 is understood"), "{file}");
}

#[test]
fn another_tool_that_makes_tags_is_told() {
    let sandbox = Sandbox::new();
    sandbox.put("release-please-config.json", "{}");
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("release-please makes version tags too"), "{warnings}");
}

#[test]
fn no_answer_changes_nothing() {
    let sandbox = Sandbox::new().at_a_terminal();
    assert_eq!(sandbox.init(&["web"], |_| {}).unwrap_err().kind, Kind::Interrupted);
    assert_eq!(sandbox.file(), None);
}

#[test]
fn one_environment_is_final_and_waits_for_none() {
    let environments = vec!["live".parse().unwrap()];
    let text = render(&Proposal { environments, ..detect(&Facts::default()) });
    let config = config::parse(&text, FILE_NAME).unwrap().config;
    assert_eq!(config.environments.len(), 1);
    assert!(config.environments[0].is_final && config.environments[0].after.is_empty());
    assert!(!text.contains("may come here"), "the comment goes with its key");
}

#[test]
fn what_would_react_to_tags_is_told() {
    let sandbox = Sandbox::new();
    sandbox.put(".github/workflows/publish.yml", "on:\n  push:\n    tags: ['v*']\n");
    let told = sandbox.init(&[], |options| options.yes = true).unwrap();
    let first = told["warnings"][0].as_str().unwrap();
    assert!(first.starts_with(".github/workflows/publish.yml:3 runs on tags v*: each candidate"), "{first}");
    assert!(sandbox.dir.path().exists());
}
