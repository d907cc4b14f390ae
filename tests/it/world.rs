//! A world of its own for each test: a folder, people with homes and git
//! identities, and an environment that has nothing else in it.
//!
//! It starts processes and waits for facts. It knows nothing of any verb.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::{FsFlags, Statvfs, statvfs};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::output::Output;

/// Longer than anything here takes, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a fact is looked at again.
const TICK: Duration = Duration::from_millis(1);

/// When the world's first commit is made, in seconds since 1970; each takes a minute.
const DAWN: u64 = 1_767_225_600;

/// How much room worlds are given in memory: far more than they take.
const ROOM: u64 = 1 << 30;

/// Where worlds lie: in memory, where there is room and files can be run, since
/// a third of the time would be spent waiting for a disk. `TMPDIR` says otherwise.
#[expect(clippy::disallowed_methods, reason = "where there is room is taken from outside")]
fn ground() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let fits = |about: Statvfs| {
        let barred = about.flags().intersects(FsFlags::ST_NOEXEC | FsFlags::ST_RDONLY);
        !barred && about.blocks_available() * about.fragment_size() >= ROOM
    };
    let in_memory = std::env::var_os("TMPDIR").is_none() && statvfs(memory).is_ok_and(fits);
    if in_memory { memory.to_owned() } else { std::env::temp_dir() }
}

/// Has what is started from here hear the signals that tests send, whatever the
/// tests themselves were started to ignore: a shell's background job ignores
/// SIGINT, and its children inherit that, but of a signal that has a handler
/// they get the default.
fn let_children_hear() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].map(|signal| signal as i32) {
            if ignored & (1 << (signal - 1)) != 0 {
                // It sets a flag that nobody reads: the tests go on ignoring it.
                signal_hook::flag::register(signal, Arc::default()).expect("a handler");
            }
        }
    });
}

/// A folder with everything a test touches; gone with it.
pub struct World {
    root: TempDir,
    path: OsString,
    minutes: Cell<u64>,
}

/// All files of a world, to make others that begin like it.
pub struct Frozen {
    folders: Vec<PathBuf>,
    /// Where each is, its permissions, and what it holds.
    files: Vec<(PathBuf, u32, Vec<u8>)>,
    minutes: u64,
}

/// Somebody with a home, a name and an address.
#[derive(Clone)]
pub struct Person {
    /// Their first name, in lower case.
    pub name: String,
    home: PathBuf,
}

impl Person {
    /// Their home, with their git configuration.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// `Name <email>`, as records hold it.
    pub fn actor(&self) -> String {
        format!("{0} <{0}@example.com>", self.name)
    }
}

impl World {
    /// An empty world.
    #[expect(clippy::disallowed_methods, reason = "where git and sh are is the one thing taken from outside")]
    pub fn new() -> World {
        let_children_hear();
        let root =
            tempfile::Builder::new().prefix("rel-it-").tempdir_in(ground()).expect("a temporary folder");
        let world =
            World { path: std::env::var_os("PATH").expect("PATH is set"), minutes: Cell::new(0), root };
        fs::create_dir_all(world.shop()).unwrap();
        fs::create_dir_all(world.at("tmp")).unwrap();
        world
    }

    /// What it holds now: folders and files, and no links.
    pub fn freeze(&self) -> Frozen {
        let mut frozen = Frozen { folders: Vec::new(), files: Vec::new(), minutes: self.minutes.get() };
        let mut ahead = vec![self.root.path().to_owned()];
        while let Some(folder) = ahead.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let name = entry.path().strip_prefix(self.root.path()).unwrap().to_owned();
                let about = entry.metadata().unwrap();
                if about.is_dir() {
                    frozen.folders.push(name);
                    ahead.push(entry.path());
                } else {
                    frozen.files.push((name, about.mode(), fs::read(entry.path()).unwrap()));
                }
            }
        }
        frozen
    }

    /// A world that begins like another.
    pub fn thaw(frozen: &Frozen) -> World {
        let world = World::new();
        // A folder comes before what is in it.
        for folder in &frozen.folders {
            fs::create_dir_all(world.root.path().join(folder)).unwrap();
        }
        for (name, mode, bytes) in &frozen.files {
            let path = world.root.path().join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(*mode).open(path).unwrap();
            file.write_all(bytes).unwrap();
        }
        world.minutes.set(frozen.minutes);
        world
    }

    /// A path inside it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The folder that the project's scripts write to and are steered by.
    pub fn shop(&self) -> PathBuf {
        self.at("shop")
    }

    /// Where a program is.
    pub fn which(&self, program: &str) -> PathBuf {
        let found =
            std::env::split_paths(&self.path).map(|dir| dir.join(program)).find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("there is no {program}"))
    }

    /// The PATH of the world with this folder before all others.
    pub fn path_with(&self, first: &Path) -> OsString {
        let others = std::env::split_paths(&self.path);
        std::env::join_paths(std::iter::once(first.to_owned()).chain(others)).expect("it was a PATH before")
    }

    /// Somebody; the same for the same name.
    pub fn person(&self, name: &str) -> Person {
        let home = self.at("homes").join(name);
        if !home.exists() {
            fs::create_dir_all(&home).unwrap();
            let config = format!(
                "[user]\n\tname = {name}\n\temail = {name}@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
            );
            fs::write(home.join(".gitconfig"), config).unwrap();
        }
        Person { name: name.to_owned(), home }
    }

    /// A command of this person's in this folder, with the fixed environment.
    pub fn command(&self, program: impl AsRef<OsStr>, person: &Person, dir: &Path) -> Command {
        self.commands(person, dir)(program.as_ref())
    }

    /// What makes commands of this person's in this folder; it can be given away.
    #[expect(clippy::disallowed_methods, reason = "the one place where tests start processes")]
    pub fn commands(&self, person: &Person, dir: &Path) -> impl Fn(&OsStr) -> Command + Send + 'static {
        let dir = dir.to_owned();
        let env: [(&str, OsString); 7] = [
            ("PATH", self.path.clone()),
            ("HOME", person.home.clone().into()),
            ("TMPDIR", self.at("tmp").into()),
            ("SHOP", self.shop().into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("LC_ALL", "C".into()),
            ("TZ", "UTC".into()),
        ];
        move |program| {
            let mut command = Command::new(program);
            command.current_dir(&dir).env_clear().envs(env.clone()).stdin(Stdio::null());
            command
        }
    }

    /// Runs git, which must succeed, and gives its output without the last newline.
    #[track_caller]
    pub fn git<S: AsRef<OsStr>>(&self, person: &Person, dir: &Path, args: &[S]) -> String {
        let (ok, text) = self.try_git(person, dir, args);
        assert!(ok, "git {:?} failed: {text}", args.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        text
    }

    /// Runs git: whether it succeeded, and stdout, with stderr if it did not.
    pub fn try_git<S: AsRef<OsStr>>(&self, person: &Person, dir: &Path, args: &[S]) -> (bool, String) {
        // Every commit is a minute later than the one before it.
        self.minutes.set(self.minutes.get() + 1);
        let date = format!("{} +0000", DAWN + 60 * self.minutes.get());
        let output = self
            .command("git", person, dir)
            .args(args)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git runs");
        let mut text = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
        if !output.status.success() {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        (output.status.success(), text)
    }

    /// Writes a file that steers the project's scripts.
    pub fn set(&self, name: &str) {
        fs::write(self.shop().join(name), "").unwrap();
    }

    /// Removes a file that steers the project's scripts.
    pub fn clear(&self, name: &str) {
        fs::remove_file(self.shop().join(name)).unwrap();
    }

    /// The lines of a file that the project's scripts write; none where it is not there.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.shop().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The environment a script was run with, as it wrote it down.
    pub fn variables(&self, name: &str) -> BTreeMap<String, String> {
        let bytes = fs::read(self.shop().join(name)).expect("the script ran");
        let pairs = bytes.split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
        let pair = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_owned()).unwrap();
            let (name, value) = text.split_once('=').expect("a pair");
            (name.to_owned(), value.to_owned())
        };
        pairs.map(pair).collect()
    }

    /// Waits until the deploy script of this deployment runs, and gives its process.
    #[track_caller]
    pub fn running(&self, environment: &str, seq: u64) -> Process {
        let file = self.shop().join(format!("deploy/{environment}-{seq}/pid"));
        // A shell makes the file first and writes the number after.
        let number = || fs::read_to_string(&file).ok()?.trim_end_matches('\n').parse().ok();
        let whole = || fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'));
        wait_until("the deploy script runs", || whole() && number().is_some());
        Process(number().unwrap())
    }
}

/// A process that a script said is its own.
#[derive(Debug, Clone, Copy)]
pub struct Process(i32);

impl Process {
    /// The process of this number.
    pub fn of(pid: i32) -> Process {
        Process(pid)
    }

    /// Whether it still does anything: the dead whom nobody has buried do not.
    pub fn lives(self) -> bool {
        if kill(Pid::from_raw(self.0), None).is_err() {
            return false;
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    }

    /// Waits until it is gone.
    #[track_caller]
    pub fn is_gone(self) {
        wait_until("the process is gone", || !self.lives());
    }
}

/// Waits for a fact.
#[track_caller]
pub fn wait_until(fact: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain until {fact}");
        std::thread::sleep(TICK);
    }
}

/// A run that was started.
pub struct Running {
    child: Child,
    args: Vec<String>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Running {
    /// Starts a command, and reads what it says meanwhile.
    pub fn start(mut command: Command) -> Running {
        let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let stdout = drain(child.stdout.take().expect("piped"));
        let stderr = drain(child.stderr.take().expect("piped"));
        Running { child, args, stdout, stderr }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        assert!(self.try_signal(signal), "it does not run any more");
    }

    /// Sends it a signal, if it still runs or nobody has looked after it yet.
    pub fn try_signal(&self, signal: Signal) -> bool {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).is_ok()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it is gone, although something that it started may go on.
    #[track_caller]
    pub fn ends_alone(mut self) {
        wait_until("it is gone", || self.has_ended());
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("rel {:?} does not end", self.args);
            }
            std::thread::sleep(TICK);
        };
        let code = status
            .code()
            .or_else(|| std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal));
        let said = |from: &Receiver<Vec<u8>>| {
            from.recv_timeout(PATIENCE).expect("whatever rel started has let go of its streams")
        };
        Output::new(self.args.clone(), code.expect("it ended"), said(&self.stdout), said(&self.stderr))
    }
}

fn drain(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (to, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = to.send(bytes);
    });
    receiver
}
