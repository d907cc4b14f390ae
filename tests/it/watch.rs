//! `rel status --watch`, on a terminal and into a file.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::repo::{Desk, Shop};
use crate::world::wait_until;

const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// A run whose stdout is a terminal, or what else somebody reads as it comes.
struct Watched {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    warned: Arc<Mutex<Vec<u8>>>,
    /// Open for as long as rel may write: a terminal that is gone is an error.
    _terminal: Option<OwnedFd>,
}

fn read(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&said);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            into.lock().unwrap().extend_from_slice(&bytes[..n]);
        }
    });
    said
}

impl Watched {
    fn on_terminal(desk: &Desk<'_>, args: &[&str], lines: u16, columns: u16) -> Watched {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let mut command = desk.command(args);
        let ours = pty.slave.try_clone().unwrap();
        let mut child =
            command.env("TERM", "xterm-256color").stdout(pty.slave).stderr(Stdio::piped()).spawn().unwrap();
        let said = read(fs::File::from(pty.master));
        let warned = read(child.stderr.take().unwrap());
        Watched { child, said, warned, _terminal: Some(ours) }
    }

    fn into_pipe(desk: &Desk<'_>, args: &[&str]) -> Watched {
        let mut child =
            desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("rel starts");
        let (said, warned) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        Watched { child, said, warned, _terminal: None }
    }

    fn said(&self) -> String {
        String::from_utf8(self.said.lock().unwrap().clone()).expect("whole characters by the end of a write")
    }

    fn warned(&self) -> String {
        String::from_utf8_lossy(&self.warned.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn says(&self, what: &str) {
        wait_until(what, || String::from_utf8_lossy(&self.said.lock().unwrap()).contains(what));
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Its state as the kernel has it: `S`, `T` when stopped.
    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().chars().next().unwrap()
    }

    /// How it ends after this signal.
    #[track_caller]
    fn ends(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        wait_until("it ends", || self.child.try_wait().unwrap().is_some());
        self.child.try_wait().unwrap().unwrap().code()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_screen_is_drawn_over_and_given_back() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut watched = Watched::on_terminal(&ana, &["status", "--watch=1s"], 24, 80);
        watched.says(&first);
        assert!(watched.said().starts_with(ENTER), "{:?}", watched.said());
        assert_eq!(watched.ends(signal), Some(0), "{signal}");
        watched.says(LEAVE);
        wait_until("what was last shown stays", || {
            watched.said().rsplit_once(LEAVE).is_some_and(|(_, after)| after.contains(&first))
        });
        assert_eq!(watched.warned(), "");
    }
}

#[test]
fn what_others_do_comes_up() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let bob = shop.clone_for("bob");
    let mut watched = Watched::on_terminal(&bob, &["status", "staging", "--watch=1s"], 24, 80);
    watched.says("v0.1.0-rc.1");
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    watched.says(&second);
    assert!(!watched.said().contains("\x1b[2J"), "the screen was cleared first");
    assert_eq!(watched.ends(Signal::SIGINT), Some(0));
}

#[test]
fn what_does_not_fit_the_screen_is_counted() {
    let shop = Shop::new();
    let ana = shop.ana();
    let mut watched = Watched::on_terminal(&ana, &["status", "--watch=1h"], 3, 40);
    watched.says("… 3 more lines; a taller window shows t");
    assert!(!watched.said().contains("prod"), "{:?}", watched.said());
    assert_eq!(watched.ends(Signal::SIGINT), Some(0), "an hour is not waited for");
}

#[test]
fn a_look_that_fails_leaves_the_last_one() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let (remote, away) = (shop.authority(), shop.world.at("away"));
    let mut watched = Watched::on_terminal(&ana, &["status", "--watch=1s"], 24, 80);
    let mut piped = Watched::into_pipe(&ana, &["status", "--watch=1s"]);
    watched.says(&tag);
    piped.says(&tag);
    fs::rename(&remote, &away).unwrap();
    watched.says("as of ");
    let frame = watched.said().rsplit("\x1b[H").next().unwrap().to_owned();
    assert!(frame.contains(&tag), "the last frame is gone: {frame:?}");
    wait_until("it warns", || piped.warned().contains("warning: as of "));
    fs::rename(&away, &remote).unwrap();
    wait_until("it is well again", || {
        let said = String::from_utf8_lossy(&watched.said.lock().unwrap()).into_owned();
        said.rsplit("\x1b[H").next().is_some_and(|frame| frame.contains(&tag) && !frame.contains("as of"))
    });
    assert_eq!(watched.ends(Signal::SIGINT), Some(0));
    assert_eq!(piped.ends(Signal::SIGINT), Some(0));
    assert_eq!(piped.warned().matches("warning:").count(), 1, "once for all looks that failed");
}

#[test]
fn a_stopped_job_gives_the_screen_back_and_takes_it_again() {
    let shop = Shop::new();
    let ana = shop.ana();
    let mut watched = Watched::on_terminal(&ana, &["status", "--watch=1s"], 24, 80);
    watched.says("staging");
    watched.signal(Signal::SIGTSTP);
    wait_until("it stops", || watched.state() == 'T');
    watched.says(LEAVE);
    watched.signal(Signal::SIGCONT);
    wait_until("it draws again", || {
        let said = String::from_utf8_lossy(&watched.said.lock().unwrap()).into_owned();
        said.rsplit_once(ENTER)
            .is_some_and(|(before, after)| before.contains(LEAVE) && after.contains("staging"))
    });
    assert_eq!(watched.ends(Signal::SIGINT), Some(0));
}

#[test]
fn into_a_file_goes_what_changed() {
    let shop = Shop::new();
    let ana = shop.ana();
    let bob = shop.clone_for("bob");
    let mut watched = Watched::into_pipe(&bob, &["status", "--watch=1s"]);
    watched.says("staging");
    let first = watched.said();
    let tag = ana.cut(&[]);
    watched.says(&tag);
    ana.deploy("staging", &[]);
    watched.says("up to date");
    assert_eq!(watched.ends(Signal::SIGINT), Some(0));
    let said = watched.said();
    assert!(said.starts_with(&format!("{first}\nshop")), "an empty line between: {said}");
    assert!(!said.contains('\x1b'), "{said:?}");
    let frames: Vec<&str> = said.split("shop · ").skip(1).collect();
    let bare = |frame: &str| frame.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert!(frames.windows(2).all(|pair| bare(pair[0]) != bare(pair[1])), "twice the same: {said}");
}

#[test]
fn a_reader_that_had_enough_ends_it() {
    let shop = Shop::new();
    let ana = shop.ana();
    let mut command = ana.command(&["status", "--watch=1s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 4]).unwrap();
    drop(out);
    ana.cut(&[]);
    wait_until("it ends", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shop = Shop::new();
    let ana = shop.ana();
    let output = ana.rel(&["status", "--watch", "--json"]).code(2);
    assert_eq!(output.kind(), "usage");
    assert!(output.ways_on().contains("rel status --json"), "{output:?}");
    for bad in ["--watch=0s", "--watch=soon"] {
        ana.rel(&["status", bad]).code(2);
    }
    ana.rel(&["status", "nowhere", "--watch"]).code(4);
}
