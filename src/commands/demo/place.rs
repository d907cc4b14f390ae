//! The place the tour plays in: a shop with a history, its remote, and two
//! servers that are folders.
//!
//! Everything in it is thrown away with its folder. Nothing outside is
//! touched, and nothing of the user's settings of git counts inside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::children::Children;
use crate::failure::{Doing, Failure, Kind, Result};
use crate::world::World;

/// Somebody who works on the shop.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    name: &'static str,
    email: &'static str,
}

/// Also whoever takes the tour.
pub const ANA: Person = Person { name: "Ana Silva", email: "ana@shop.example" };
/// Likes features.
pub const BEN: Person = Person { name: "Ben Okoro", email: "ben@shop.example" };
/// Mends them.
pub const KIM: Person = Person { name: "Kim Berg", email: "kim@shop.example" };

/// A commit to be made.
#[derive(Debug)]
pub struct Change {
    /// Who makes it.
    pub author: Person,
    /// How long ago, in minutes.
    pub ago: i64,
    /// Its message.
    pub message: &'static str,
    /// What it writes, by path; what begins with `#!` is a program.
    pub files: &'static [(&'static str, &'static str)],
}

const HOURS: i64 = 60;
const DAYS: i64 = 24 * HOURS;

/// Files of the shop as they are first.
macro_rules! files {
    ($($path:literal),+) => { &[$(($path, include_str!(concat!("shop/", $path)))),+] };
}

/// What was there before `rel`, oldest first. `release.toml` comes on top.
const HISTORY: [Change; 7] = [
    change(ANA, 34 * DAYS, "feat: know what things cost", files!("lib/prices.sh")),
    change(BEN, 33 * DAYS, "feat: add up a cart", files!("lib/total.sh")),
    change(KIM, 27 * DAYS, "feat: answer when asked for health", files!("lib/health.sh")),
    change(ANA, 26 * DAYS, "feat: one command to call all of it", files!("shop.sh")),
    change(
        BEN,
        20 * DAYS,
        "build: put the parts into one file",
        &[("build.sh", include_str!("shop/build.sh")), (".gitignore", include_str!("shop/gitignore"))],
    ),
    change(ANA, 6 * DAYS, "docs: say how to run the shop", files!("README.md")),
    change(KIM, 5 * DAYS, "feat: deploy into release folders", files!("deploy.sh", "verify.sh")),
];

const fn change(author: Person, ago: i64, message: &'static str, files: &'static [(&str, &str)]) -> Change {
    Change { author, ago, message, files }
}

/// How many of them were released by hand, and as what.
const BY_HAND: (usize, &str) = (5, "v1.0.0");

/// Brings a fault that no check sees, and a person does.
pub const COUPONS: Change = change(
    BEN,
    9,
    "feat: take this week's coupon off every cart",
    &[("lib/total.sh", include_str!("coupons/total.sh"))],
);

/// Is on trunk before the fix, and not ready: its own check fails.
pub const WRAPPING: Change = change(
    BEN,
    4,
    "feat: wrap gifts",
    &[
        ("lib/wrap.sh", include_str!("wrapping/wrap.sh")),
        ("lib/health.sh", include_str!("wrapping/health.sh")),
        ("shop.sh", include_str!("wrapping/shop.sh")),
    ],
);

/// Mends the coupons.
pub const CAPPED: Change = change(
    KIM,
    1,
    "fix: let a coupon be worth at most the cart",
    &[("lib/total.sh", include_str!("capped/total.sh"))],
);

/// The place, built.
#[derive(Debug)]
pub struct Playground {
    /// The folder of all of it.
    pub root: PathBuf,
    /// The repository the user works in.
    pub shop: PathBuf,
    /// Its remote, bare.
    pub remote: PathBuf,
    /// When it was built: commits date from before.
    now: i64,
}

impl Playground {
    /// Builds everything in `dir`, which must not exist or be empty; by
    /// default in a new folder for temporary files.
    ///
    /// # Errors
    /// `dir` holds something (exit 4); the disk or git refuses. Then nothing is left of it.
    pub fn build(world: &World, children: &Children<'_>, dir: Option<&Path>) -> Result<Playground> {
        let root = folder(world, dir)?;
        Playground::furnish(world, children, root.clone()).inspect_err(|_| {
            // Half a place is of no use, and would be in the way of another go. The folder was
            // empty; what cannot be removed stays.
            for part in ["shop", "shop.git", "servers"] {
                let _ = fs::remove_dir_all(root.join(part));
            }
            if dir.is_none() {
                let _ = fs::remove_dir(&root);
            }
        })
    }

    fn furnish(world: &World, children: &Children<'_>, root: PathBuf) -> Result<Playground> {
        let utf8 = |path: &Path| path.to_str().map(str::to_owned);
        let (Some(remote), Some(staging), Some(prod)) = (
            utf8(&root.join("shop.git")),
            utf8(&root.join("servers/staging")),
            utf8(&root.join("servers/prod")),
        ) else {
            return Err(Failure::new(
                Kind::Refused,
                format!("{} is no UTF-8, and release.toml has to be", root.display()),
            )
            .hint("rel demo /tmp/shop"));
        };
        for server in [&staging, &prod] {
            let releases = Path::new(server).join("releases");
            fs::create_dir_all(&releases).doing(format!("{} cannot be made", releases.display()))?;
        }
        let place = Playground {
            shop: root.join("shop"),
            remote: root.join("shop.git"),
            root,
            now: world.now().timestamp(),
        };
        place.repositories(children, &remote)?;

        for (n, change) in HISTORY.iter().enumerate() {
            place.commit(children, change)?;
            if n + 1 == BY_HAND.0 {
                let (message, date) = (format!("shop {}", BY_HAND.1), place.date(change.ago));
                let dated = [("GIT_COMMITTER_DATE", date.as_str())];
                place.git(children, &["tag", "-a", "-m", &message, BY_HAND.1], &dated)?;
            }
        }
        let config = include_str!("shop/release.toml")
            .replace("{staging}", &toml::Value::String(staging).to_string())
            .replace("{prod}", &toml::Value::String(prod).to_string());
        place.write("release.toml", &config)?;
        place.record(children, ANA, 2 * HOURS, "chore: let rel release the shop")?;

        place.git(children, &["push", "-q", "-u", "origin", "main", BY_HAND.1], &[])?;
        place.git(children, &["remote", "set-head", "origin", "main"], &[])?;
        Ok(place)
    }

    /// The two repositories, empty, deaf to the user's settings.
    fn repositories(&self, children: &Children<'_>, address: &str) -> Result<()> {
        // No template: it may bring hooks.
        let new = ["init", "-q", "--template=", "--initial-branch=main"];
        children.git(&self.root, &[&new[..], &["--bare", "shop.git"]].concat(), &[])?;
        children.git(&self.root, &[&new[..], &["shop"]].concat(), &[])?;
        let mut settings = String::new();
        for (section, lines) in [
            ("commit", "gpgSign = false"),
            ("tag", "gpgSign = false\n\tforceSignAnnotated = false"),
            ("push", "gpgSign = false\n\tfollowTags = false\n\trecurseSubmodules = no\n\tdefault = simple"),
            ("gc", "auto = 0"),
            ("maintenance", "auto = false"),
            ("protocol \"file\"", "allow = always"),
        ] {
            settings.push_str(&format!("[{section}]\n\t{lines}\n"));
        }
        settings.push_str("[core]\n\tautocrlf = false\n\tsafecrlf = false\n\tfsmonitor = false\n");
        let who = format!("[user]\n\tname = {}\n\temail = {}\n", ANA.name, ANA.email);
        for (git_dir, settings) in
            [(self.shop.join(".git"), format!("{settings}{who}")), (self.remote.clone(), settings)]
        {
            append(&git_dir.join("config"), &settings)?;
            // Also for `rel`, and for whoever plays here later.
            let hooks = git_dir.join("hooks").display().to_string();
            let config = git_dir.join("config").display().to_string();
            children.git(&git_dir, &["config", "--file", &config, "core.hooksPath", &hooks], &[])?;
        }
        self.git(children, &["remote", "add", "origin", address], &[]).map(drop)
    }

    /// Makes a commit.
    ///
    /// # Errors
    /// The disk or git refuses.
    pub fn commit(&self, children: &Children<'_>, change: &Change) -> Result<()> {
        for (path, text) in change.files {
            self.write(path, text)?;
        }
        self.record(children, change.author, change.ago, change.message)
    }

    /// Makes a commit and pushes it to trunk.
    ///
    /// # Errors
    /// The disk or git refuses.
    pub fn publish(&self, children: &Children<'_>, change: &Change) -> Result<()> {
        self.commit(children, change)?;
        self.git(children, &["push", "-q", "origin", "main"], &[]).map(drop)
    }

    /// The short id of the newest commit.
    ///
    /// # Errors
    /// git fails.
    pub fn head(&self, children: &Children<'_>) -> Result<String> {
        self.git(children, &["rev-parse", "--short", "HEAD"], &[])
    }

    fn record(&self, children: &Children<'_>, author: Person, ago: i64, message: &str) -> Result<()> {
        let date = self.date(ago);
        let who = [
            ("GIT_AUTHOR_NAME", author.name),
            ("GIT_AUTHOR_EMAIL", author.email),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", author.name),
            ("GIT_COMMITTER_EMAIL", author.email),
            ("GIT_COMMITTER_DATE", &date),
        ];
        // Forced past whatever the user ignores everywhere.
        self.git(children, &["add", "--force", "--all", "."], &who)?;
        self.git(children, &["commit", "-q", "-m", message], &who).map(drop)
    }

    fn git(&self, children: &Children<'_>, args: &[&str], more: &[(&str, &str)]) -> Result<String> {
        children.git(&self.shop, args, more)
    }

    /// A moment as git takes it, in minutes before the place was built.
    fn date(&self, ago: i64) -> String {
        format!("@{} +0000", self.now - 60 * ago)
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.shop.join(path);
        let write = || -> std::io::Result<()> {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, text)?;
            if text.starts_with("#!") {
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
            }
            Ok(())
        };
        write().doing(format!("{} cannot be written", file.display()))
    }
}

/// The folder to build in, made if need be, as an absolute path.
fn folder(world: &World, dir: Option<&Path>) -> Result<PathBuf> {
    let Some(dir) = dir else {
        let parent = world
            .cwd
            .join(world.env.get("TMPDIR".as_ref() as &std::ffi::OsStr).map_or("/tmp".as_ref(), Path::new));
        let parent = if parent.is_dir() { parent } else { PathBuf::from("/tmp") };
        let made = tempfile::Builder::new().prefix("rel-demo-").rand_bytes(4).tempdir_in(&parent);
        return made
            .map(tempfile::TempDir::keep)
            .and_then(fs::canonicalize)
            .doing(format!("no folder can be made in {}", parent.display()));
    };
    let dir = world.cwd.join(dir);
    let refuse = |why: &str| {
        Failure::new(Kind::Refused, format!("{} {why}; nothing changed", dir.display()))
            .hint("take a folder that does not exist yet, or none: rel demo")
    };
    match fs::read_dir(&dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(refuse("is not empty")),
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(&dir).doing(format!("{} cannot be made", dir.display()))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(refuse("is no folder"));
        }
        Err(error) => return Err(Failure::failed(format!("{} cannot be read", dir.display())).because(error)),
    }
    fs::canonicalize(&dir).doing(format!("{} cannot be found", dir.display()))
}

fn append(file: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let appended =
        fs::OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    appended.doing(format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Interrupts;

    /// A world whose settings of git are as unfriendly as they get, and whose
    /// folder for temporary files has a blank in its name.
    fn hostile(dir: &Path) -> World {
        let temporary = dir.join("tem porary");
        fs::create_dir(&temporary).unwrap();
        let settings = dir.join("gitconfig");
        let hooks = dir.join("hooks");
        fs::create_dir(&hooks).unwrap();
        for hook in ["pre-commit", "pre-push", "pre-receive", "reference-transaction"] {
            fs::write(hooks.join(hook), "#!/bin/sh\nexit 1\n").unwrap();
            fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let text = format!(
            "[commit]\ngpgSign = true\n[tag]\ngpgSign = true\n[push]\ngpgSign = true\nrecurseSubmodules = only\n[gpg]\nprogram = /nonexistent\n\
             [init]\ndefaultBranch = elsewhere\ndefaultObjectFormat = sha256\n[core]\nautocrlf = true\nexcludesFile = {}\n\
             hooksPath = {}\n[protocol \"file\"]\nallow = never\n[user]\nuseConfigOnly = true\n",
            dir.join("ignored").display(),
            hooks.display(),
        );
        fs::write(dir.join("ignored"), "*.sh\n").unwrap();
        fs::write(&settings, text).unwrap();
        let mut world = World::from_process();
        world.cwd = dir.to_owned();
        for (name, value) in [
            ("TMPDIR", temporary.to_str().unwrap()),
            ("HOME", dir.to_str().unwrap()),
            ("GIT_CONFIG_GLOBAL", settings.to_str().unwrap()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_DIR", "/nonexistent"),
            ("GIT_AUTHOR_NAME", "Nobody"),
        ] {
            world.env.insert(name.into(), value.into());
        }
        world
    }

    fn built(dir: &Path) -> (World, Playground) {
        let world = hostile(dir);
        let interrupts = Interrupts::none();
        let children = Children::new(&world, &interrupts, true);
        let place = Playground::build(&world, &children, None).unwrap();
        (world, place)
    }

    fn git(world: &World, place: &Playground, args: &[&str]) -> String {
        Children::new(world, &Interrupts::none(), true).git(&place.shop, args, &[]).unwrap()
    }

    /// A script of the shop, as `rel` would run it.
    #[expect(clippy::disallowed_methods, reason = "tests run the scripts that people copy")]
    fn script(place: &Playground, script: &str, server: &Path, version: &str) -> (bool, String) {
        let mut command = std::process::Command::new(place.shop.join(script));
        command.arg(server).current_dir(&place.shop);
        command.env("REL_VERSION", version).env("REL_TAG", format!("v{version}"));
        command.env("REL_ARTIFACTS_DIR", place.shop.join("dist"));
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn it_is_built_whatever_the_users_settings_say() {
        let dir = tempfile::tempdir().unwrap();
        let (world, place) = built(dir.path());
        assert!(place.root.parent().unwrap().ends_with("tem porary"));
        assert!(place.root.file_name().unwrap().to_str().unwrap().starts_with("rel-demo-"));
        let subjects = git(&world, &place, &["log", "--format=%s", "origin/main"]);
        assert_eq!(subjects.lines().count(), HISTORY.len() + 1);
        assert_eq!(git(&world, &place, &["log", "-1", "--format=%an", "v1.0.0"]), BEN.name);
        assert_eq!(git(&world, &place, &["ls-remote", "origin", "refs/tags/v1.0.0"]).lines().count(), 1);
        assert_eq!(git(&world, &place, &["status", "--porcelain"]), "");
        assert_eq!(git(&world, &place, &["config", "user.email"]), ANA.email);
        git(&world, &place, &["worktree", "add", "-q", "--detach", "../checkout"]);
        let script = fs::read_to_string(place.root.join("checkout/build.sh")).unwrap();
        assert_eq!(script, include_str!("shop/build.sh"), "line ends stay as they are");
        let config = fs::read_to_string(place.shop.join("release.toml")).unwrap();
        assert_eq!(crate::config::parse(&config, "release.toml").unwrap().notes, Vec::<String>::new());
    }

    #[test]
    fn the_scripts_build_switch_and_tell_good_from_bad() {
        let dir = tempfile::tempdir().unwrap();
        let (world, place) = built(dir.path());
        let server = place.root.join("servers/staging");
        let live = || fs::read_link(server.join("current")).unwrap();
        for version in ["1.1.0", "1.2.0"] {
            assert!(script(&place, "build.sh", &server, version).0);
            assert!(script(&place, "deploy.sh", &server, version).0);
            assert_eq!(live(), Path::new(&format!("releases/v{version}")));
            assert_eq!(
                script(&place, "verify.sh", &server, version),
                (true, format!("health: ok {version}\n"))
            );
        }
        assert!(!script(&place, "verify.sh", &server, "1.1.0").0, "another version answers");
        // Back, with a folder that is there already.
        assert!(script(&place, "deploy.sh", &server, "1.1.0").0);
        assert!(script(&place, "verify.sh", &server, "1.1.0").0);
        let left: Vec<_> = fs::read_dir(&server).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");

        let interrupts = Interrupts::none();
        let children = Children::new(&world, &interrupts, true);
        let total = |change: &Change, version: &str| {
            place.publish(&children, change).unwrap();
            assert!(script(&place, "build.sh", &server, version).0);
            assert!(script(&place, "deploy.sh", &server, version).0);
            let healthy = script(&place, "verify.sh", &server, version).0;
            #[expect(clippy::disallowed_methods, reason = "a customer")]
            let sold =
                std::process::Command::new(server.join("current/shop")).args(["total", "bread"]).output();
            (healthy, String::from_utf8(sold.unwrap().stdout).unwrap())
        };
        assert_eq!(total(&COUPONS, "2.0.0"), (true, "-2\n".to_owned()), "no check sees it");
        assert_eq!(total(&CAPPED, "2.0.1"), (true, "0\n".to_owned()));
        assert!(!total(&WRAPPING, "3.0.0").0, "its own check fails");
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let world = hostile(dir.path());
        let interrupts = Interrupts::none();
        let children = Children::new(&world, &interrupts, true);
        fs::create_dir(dir.path().join("full")).unwrap();
        fs::write(dir.path().join("full/file"), "").unwrap();
        for taken in ["full", "full/file"] {
            let failure = Playground::build(&world, &children, Some(Path::new(taken))).unwrap_err();
            assert_eq!(failure.kind, Kind::Refused, "{taken}");
        }
        assert_eq!(fs::read_dir(dir.path().join("full")).unwrap().count(), 1);
        let place = Playground::build(&world, &children, Some(Path::new("new/\"quoted\" 'one'"))).unwrap();
        assert!(place.shop.join("release.toml").is_file());
    }

    #[test]
    fn an_interruption_stops_the_building_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let world = hostile(dir.path());
        let interrupts = Interrupts::none();
        interrupts.trigger();
        let children = Children::new(&world, &interrupts, true);
        assert_eq!(Playground::build(&world, &children, None).unwrap_err().kind, Kind::Interrupted);
        let temporary = fs::read_dir(dir.path().join("tem porary")).unwrap();
        assert_eq!(temporary.count(), 0, "half a place is taken away");
    }
}
