//! A project under `rel`, the people who work on it, and its refs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use crate::output::Output;
use crate::remote::{Kind, Remote, Server};
use crate::world::{Frozen, Person, Running, World};

/// The project's `release.toml`: staging, and prod after it.
const RELEASE_TOML: &str = include_str!("../../fixtures/shop/release.toml");

/// The project's scripts.
const SCRIPTS: [(&str, &str); 3] = [
    ("build.sh", include_str!("../../fixtures/shop/build.sh")),
    ("deploy.sh", include_str!("../../fixtures/shop/deploy.sh")),
    ("verify.sh", include_str!("../../fixtures/shop/verify.sh")),
];

/// Runs a story over every kind of authority.
macro_rules! over_every_authority {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            use crate::remote::Kind;

            #[test]
            fn path() {
                super::$story(Kind::Path);
            }
            #[test]
            fn daemon() {
                super::$story(Kind::Daemon);
            }
            #[test]
            fn http() {
                super::$story(Kind::Http);
            }
            #[test]
            fn local() {
                super::$story(Kind::Local);
            }
        }
    )*};
}

/// A project, its authority, and the world around them.
pub struct Shop {
    /// The world.
    pub world: World,
    /// How the authority is reached.
    pub kind: Kind,
    /// The remote, where there is one.
    pub remote: Option<Remote>,
}

/// A project as it was at a moment.
pub struct FrozenShop {
    world: Frozen,
    /// Where its authority was.
    url: String,
}

impl Shop {
    /// The project with two commits on trunk, over a remote by its path.
    pub fn new() -> Shop {
        Shop::over(Kind::Path, &[])
    }

    /// The same with replacements in `release.toml`.
    pub fn with(replacements: &[(&str, &str)]) -> Shop {
        Shop::over(Kind::Path, replacements)
    }

    /// The same over an authority of this kind.
    pub fn over(kind: Kind, replacements: &[(&str, &str)]) -> Shop {
        let mut toml = release_toml(kind);
        for (from, to) in replacements {
            assert!(toml.contains(from), "release.toml has no {from:?}");
            toml = toml.replace(from, to);
        }
        Shop::thaw(opened(kind, &toml), kind)
    }

    /// As it is now, to begin others like it: ana alone has a clone.
    pub fn freeze(&self) -> FrozenShop {
        let url = self.remote.as_ref().map(|remote| remote.url.clone()).unwrap_or_default();
        FrozenShop { world: self.world.freeze(), url }
    }

    /// One that begins like another, over a remote of this kind if that had one.
    pub fn thaw(frozen: &FrozenShop, kind: Kind) -> Shop {
        let shop = Shop::served(World::thaw(&frozen.world), kind);
        if let Some(remote) = &shop.remote {
            let config = shop.ana().dir.join(".git/config");
            let text = fs::read_to_string(&config).unwrap();
            fs::write(&config, text.replace(&frozen.url, &remote.url)).unwrap();
        }
        shop
    }

    /// An empty repository that follows an empty authority.
    pub fn bare(kind: Kind) -> Shop {
        let world = World::new();
        if kind != Kind::Local {
            let (admin, dir) = (world.person("admin"), served_at(&world));
            fs::create_dir_all(&dir).unwrap();
            world.git(&admin, &dir, &["init", "--quiet", "--bare", "--template="]);
            world.git(&admin, &dir, &["config", "http.receivepack", "true"]);
        }
        let shop = Shop::served(world, kind);
        let ana = shop.ana();
        fs::create_dir_all(&ana.dir).unwrap();
        ana.git(&["init", "--quiet", "--template="]);
        if let Some(remote) = &shop.remote {
            ana.git(&["remote", "add", "origin", &remote.url]);
        }
        shop
    }

    /// The project of this world, with its authority within reach.
    fn served(world: World, kind: Kind) -> Shop {
        let remote = (kind != Kind::Local).then(|| {
            let (dir, served) = (served_at(&world), world.at("served"));
            let server = matches!(kind, Kind::Daemon | Kind::Http)
                .then(|| Server::start(kind, &served, world.commands(&world.person("admin"), &served)));
            let url = match &server {
                Some(server) => server.url(kind, "shop.git"),
                None => dir.to_str().unwrap().to_owned(),
            };
            Remote { dir, url, server }
        });
        Shop { world, kind, remote }
    }

    /// The project's `release.toml` for this kind of authority.
    pub fn release_toml(&self) -> String {
        release_toml(self.kind)
    }

    /// Ana, who began it, where she works.
    pub fn ana(&self) -> Desk<'_> {
        Desk { shop: self, person: self.world.person("ana"), dir: self.world.at("ana") }
    }

    /// Somebody else at a clone of their own, made by nothing but `git
    /// clone`; without a remote, at ana's repository.
    pub fn clone_for(&self, name: &str) -> Desk<'_> {
        let person = self.world.person(name);
        let Some(remote) = &self.remote else { return Desk { person, ..self.ana() } };
        let dir = self.world.at(name);
        let to = dir.to_str().unwrap();
        self.world.git(&person, self.world.at("homes").as_path(), &["clone", "--quiet", &remote.url, to]);
        Desk { shop: self, person, dir }
    }

    /// The repository that decides.
    pub fn authority(&self) -> PathBuf {
        self.remote.as_ref().map_or_else(|| self.world.at("ana"), |remote| remote.dir.clone())
    }

    /// Runs git in it, as nobody in particular.
    #[track_caller]
    pub fn authority_git<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        self.world.git(&self.world.person("admin"), &self.authority(), args)
    }

    /// Every ref of the authority, and what it points at.
    pub fn refs(&self) -> BTreeMap<String, String> {
        refs(&self.world, &self.world.person("admin"), &self.authority())
    }

    /// The events of a chain, oldest first: each is the JSON line of its commit.
    pub fn events(&self, chain: &str) -> Vec<Value> {
        let name = format!("refs/notes/rel/shop/{chain}");
        if !self.refs().contains_key(&name) {
            return Vec::new();
        }
        let log = self.authority_git(&["log", "--reverse", "--first-parent", "--format=%B%x00", &name]);
        let event = |message: &str| {
            let line = message.lines().find(|line| line.starts_with("{\"v\":1,")).expect("one line of JSON");
            serde_json::from_str::<Value>(line).expect("canonical JSON")
        };
        log.split('\0').filter(|message| !message.trim().is_empty()).map(event).collect()
    }

    /// What ran in an environment: `ID ACTION TAG`, in order.
    pub fn ran(&self, environment: &str) -> Vec<String> {
        let lines = self.world.lines("ran").into_iter();
        lines.filter(|line| line.starts_with(&format!("{environment}#"))).collect()
    }
}

/// The project's `release.toml` for this kind of authority.
fn release_toml(kind: Kind) -> String {
    let remote = if kind == Kind::Local { "" } else { "origin" };
    RELEASE_TOML.replace("remote = \"origin\"", &format!("remote = {remote:?}"))
}

/// Where the authority lies, if it is a remote.
fn served_at(world: &World) -> PathBuf {
    world.at("served/shop.git")
}

/// The project that begins with this `release.toml`: made by git once, for
/// every kind of remote alike, and kept until the last test is over.
fn opened(kind: Kind, toml: &str) -> &'static FrozenShop {
    static MADE: Mutex<BTreeMap<(bool, String), &OnceLock<FrozenShop>>> = Mutex::new(BTreeMap::new());
    let is_local = kind == Kind::Local;
    let place: &OnceLock<FrozenShop> =
        MADE.lock().unwrap().entry((is_local, toml.to_owned())).or_insert_with(|| Box::leak(Box::default()));
    place.get_or_init(|| open(if is_local { kind } else { Kind::Path }, toml).freeze())
}

/// Has ana begin the project.
fn open(kind: Kind, toml: &str) -> Shop {
    let shop = Shop::bare(kind);
    let ana = shop.ana();
    for (name, text) in SCRIPTS {
        ana.script(name, text);
    }
    ana.write("release.toml", toml);
    ana.commit("src/app.txt", "one\n", "feat: open the shop");
    ana.commit("src/door.txt", "a door\n", "fix: hang the door");
    shop
}

/// Every ref of a repository, with what HEAD is.
fn refs(world: &World, person: &Person, dir: &Path) -> BTreeMap<String, String> {
    let listed = world.git(person, dir, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let mut refs: BTreeMap<String, String> = listed
        .lines()
        .map(|line| line.split_once(' ').expect("two words"))
        .map(|(name, target)| (name.to_owned(), target.to_owned()))
        .collect();
    let head = fs::read_to_string(dir.join("HEAD")).or_else(|_| fs::read_to_string(dir.join(".git/HEAD")));
    refs.insert("HEAD".to_owned(), head.expect("a repository has a HEAD"));
    refs
}

/// Somebody at a clone.
pub struct Desk<'a> {
    /// The project.
    pub shop: &'a Shop,
    /// Who.
    pub person: Person,
    /// The clone.
    pub dir: PathBuf,
}

/// What a refusal must leave as it was.
pub struct Before {
    authority: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
    tree: String,
    worktrees: String,
    ran: Vec<String>,
    built: Vec<String>,
}

impl Desk<'_> {
    /// Waits until this clone's journal has noted the process of a command: a
    /// kill before that leaves nobody who knows of it.
    pub fn noted(&self) {
        let journal = self.dir.join(".git/rel/shop/journal");
        let files = || std::fs::read_dir(&journal).into_iter().flatten().flatten().map(|entry| entry.path());
        // A page is written beside its place first, and counts only in it.
        let pages = || files().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        crate::world::wait_until("the command is noted", || {
            pages().any(|page| std::fs::read_to_string(page).is_ok_and(|text| text.contains("\"process\":{")))
        });
    }

    /// Runs git here.
    #[track_caller]
    pub fn git<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        self.shop.world.git(&self.person, &self.dir, args)
    }

    /// `rel` with these arguments, to be changed before it is started.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.shop.world.command(env!("CARGO_BIN_EXE_rel"), &self.person, &self.dir);
        command.args(args);
        command
    }

    /// Starts `rel`.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Running {
        Running::start(self.command(args))
    }

    /// Runs `rel`.
    #[track_caller]
    pub fn rel<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        self.start(args).wait()
    }

    /// Runs `rel --json`, which must succeed, and gives the document.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        self.rel(&[args, &["--json"]].concat()).ok().json()
    }

    /// Runs what must be refused with this code, twice: once for the document,
    /// once for people. Checks that it says how to go on, and that neither
    /// changed anything on either side.
    #[track_caller]
    pub fn refused(&self, args: &[&str], code: i32) -> Output {
        let before = self.before();
        let output = self.rel(&[args, &["--json"]].concat()).code(code);
        assert!(!output.ways_on().is_empty(), "it says no way on: {output:?}");
        let text = self.rel(args).code(code);
        assert!(text.stdout.is_empty(), "a failure is no result: {text:?}");
        self.unchanged(&before);
        output
    }

    /// The same, refused by exactly these gates.
    #[track_caller]
    pub fn refused_by(&self, args: &[&str], code: i32, gates: &[&str]) -> Output {
        let output = self.refused(args, code);
        let (mut said, mut wanted) = (output.gates(), gates.to_vec());
        said.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(said, wanted, "{output:?}");
        output
    }

    /// Everything that a refusal must leave as it was.
    pub fn before(&self) -> Before {
        let world = &self.shop.world;
        Before {
            authority: self.shop.refs(),
            local: refs(world, &self.person, &self.dir),
            tree: self.git(&["status", "--porcelain=v2", "--branch", "--untracked-files=all"]),
            worktrees: self.git(&["worktree", "list", "--porcelain"]),
            ran: world.lines("ran"),
            built: world.lines("builds"),
        }
    }

    /// Fails the test unless all of it is as it was: the authority byte for
    /// byte, and here too, but for copies of what the authority has.
    #[track_caller]
    pub fn unchanged(&self, before: &Before) {
        let after = self.before();
        assert_eq!(before.authority, after.authority, "the authority's refs changed");
        assert_eq!(before.ran, after.ran, "a command ran");
        assert_eq!(before.built, after.built, "a build ran");
        assert_eq!(before.worktrees, after.worktrees, "a worktree was left");
        let changed = |tree: &str| {
            tree.lines().filter(|l| !l.starts_with("# branch.ab")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(changed(&before.tree), changed(&after.tree), "the working tree changed");
        let names = before.local.keys().chain(after.local.keys());
        for name in names {
            let (was, is) = (before.local.get(name), after.local.get(name));
            assert!(
                was == is || is_copy(name, is, &after.authority),
                "{name} changed here: {was:?} -> {is:?}"
            );
        }
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes an executable file.
    pub fn script(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Commits everything, with this change, on the branch that is checked
    /// out; pushes it to trunk. The commit's id.
    #[track_caller]
    pub fn commit(&self, name: &str, text: &str, message: &str) -> String {
        self.write(name, text);
        self.commit_all(message)
    }

    /// The same without pushing it anywhere.
    #[track_caller]
    pub fn commit_here(&self, name: &str, text: &str, message: &str) -> String {
        self.write(name, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.tip()
    }

    /// Commits everything and pushes it to trunk. The commit's id.
    #[track_caller]
    pub fn commit_all(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--cleanup=verbatim", "--message", message]);
        self.push();
        self.tip()
    }

    /// Pushes what is checked out to trunk, after whatever others pushed.
    #[track_caller]
    pub fn push(&self) {
        let push = ["push", "--quiet", "--set-upstream", "origin", "HEAD:main"];
        let world = &self.shop.world;
        if self.shop.remote.is_some() && !world.try_git(&self.person, &self.dir, &push).0 {
            self.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
            self.git(&push);
        }
    }

    /// The commit that is checked out.
    #[track_caller]
    pub fn tip(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Changes `release.toml` on trunk.
    #[track_caller]
    pub fn reconfigure(&self, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.dir.join("release.toml")).unwrap();
        assert!(text.contains(from), "release.toml has no {from:?}");
        self.commit("release.toml", &text.replace(from, to), "chore: change how we release")
    }

    /// From now on artifacts go to this folder, which is made.
    #[track_caller]
    pub fn keep_artifacts_in(&self, folder: &Path) {
        fs::create_dir(folder).unwrap();
        let store = format!("[artifacts]\nstore = \"file://{}\"\n\n", folder.display());
        self.reconfigure("[environments.staging]", &format!("{store}[environments.staging]"));
    }

    /// Cuts, which must make a candidate; its tag.
    #[track_caller]
    pub fn cut(&self, args: &[&str]) -> String {
        let document = self.json(&[&["cut"], args].concat());
        assert_eq!(document["made"], true, "{document}");
        string(&document["candidate"]["tag"])
    }

    /// A new commit, and a candidate of it; the candidate's tag.
    #[track_caller]
    pub fn cut_new(&self, what: &str) -> String {
        self.commit(&format!("src/{what}.txt"), &format!("{what}\n"), &format!("feat: {what}"));
        self.cut(&[])
    }

    /// Deploys, which must succeed; the deployment.
    #[track_caller]
    pub fn deploy(&self, environment: &str, args: &[&str]) -> Value {
        self.delivered(&[&["deploy", environment, "--yes"], args].concat())
    }

    /// Rolls back, which must succeed; the deployment.
    #[track_caller]
    pub fn rollback(&self, environment: &str, args: &[&str]) -> Value {
        self.delivered(&[&["rollback", environment, "--yes"], args].concat())
    }

    #[track_caller]
    fn delivered(&self, args: &[&str]) -> Value {
        let deployment = self.json(args)["deployment"].take();
        assert_eq!(deployment["state"], "succeeded", "{args:?}: {deployment}");
        deployment
    }

    /// What `status` says of an environment.
    #[track_caller]
    pub fn status(&self, environment: &str) -> Value {
        let document = self.json(&["status"]);
        let environments = document["environments"].as_array().expect("a list");
        let found = environments.iter().find(|e| e["name"] == environment);
        found.unwrap_or_else(|| panic!("status has no {environment}: {document}")).clone()
    }

    /// What is live in an environment; empty if nothing is.
    #[track_caller]
    pub fn live(&self, environment: &str) -> String {
        self.status(environment)["current"]["tag"].as_str().unwrap_or_default().to_owned()
    }
}

/// Whether a ref is a copy of what the authority has: what a fetch may move.
fn is_copy(name: &str, is: Option<&String>, authority: &BTreeMap<String, String>) -> bool {
    let original = if name == "refs/remotes/origin/HEAD" {
        "refs/heads/main".to_owned()
    } else if let Some(branch) = name.strip_prefix("refs/remotes/origin/") {
        format!("refs/heads/{branch}")
    } else if name.starts_with("refs/notes/rel/") {
        name.to_owned()
    } else if let Some(tag) = name.strip_prefix("refs/rel/shop/tags/") {
        format!("refs/tags/{tag}")
    } else if name == "refs/rel/shop/trunk" {
        "refs/heads/main".to_owned()
    } else if name.starts_with("refs/rel/shop/") {
        name.to_owned()
    } else {
        return false;
    };
    is == authority.get(&original)
}

/// A string of a document.
#[track_caller]
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}
