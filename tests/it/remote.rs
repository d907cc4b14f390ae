//! Remotes of every kind, over one bare repository each.
//!
//! The servers listen on a free port of the loopback device and start git
//! once for each connection, as inetd and CGI do, so that there is no port to
//! race for and no process to clean up after.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

/// Where the authority is and how it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bare repository by its path.
    Path,
    /// `git daemon`.
    Daemon,
    /// `git http-backend`.
    Http,
    /// No remote at all: `remote = ""`.
    Local,
}

/// What becomes of one push over HTTP.
pub enum Fault {
    /// It is answered with this status, and nothing is done.
    Answer(u16),
    /// The connection breaks before anything is done.
    Unheard,
    /// The connection breaks after it was done.
    Unanswered,
    /// The connection breaks in the middle of the answer.
    HalfAnswered,
    /// Whoever sent it waits until it may be done.
    HeldBefore(Hold),
    /// It is done, and whoever sent it waits for the answer.
    HeldAfter(Hold),
}

/// The server's side of a push that is held.
pub struct Hold {
    arrived: Sender<()>,
    go: Receiver<()>,
    over: Sender<()>,
}

/// A push that is held by the server, to a test.
pub struct Held {
    arrived: Receiver<()>,
    go: Sender<()>,
    over: Receiver<()>,
}

impl Held {
    /// Both sides.
    pub fn new() -> (Hold, Held) {
        let (arrived, has_arrived) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let (over, is_over) = mpsc::channel();
        (Hold { arrived, go: may_go, over }, Held { arrived: has_arrived, go, over: is_over })
    }

    /// Waits until the push is at the server.
    pub fn arrives(&self) {
        self.arrived.recv_timeout(crate::world::PATIENCE).expect("the push arrives");
    }

    /// Lets it go on, and waits until the server is through with it.
    pub fn goes_on(&self) {
        self.go.send(()).expect("the server waits");
        self.over.recv_timeout(crate::world::PATIENCE).expect("the server ends");
    }
}

impl Hold {
    fn until_let_go(&self) {
        // Whoever is not there any more does not care.
        let _ = self.arrived.send(());
        let _ = self.go.recv();
    }
}

/// A server that runs while this is kept.
pub struct Server {
    address: std::net::SocketAddr,
    ends: Arc<AtomicBool>,
    answer: Arc<AtomicU16>,
    faults: Arc<Mutex<Vec<Option<Fault>>>>,
}

impl Server {
    /// Serves the repositories in this folder. `command` starts a program in
    /// the world's environment.
    pub fn start(kind: Kind, folder: &Path, command: impl Fn(&OsStr) -> Command + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Server {
            address: listener.local_addr().expect("a bound socket has an address"),
            ends: Arc::default(),
            answer: Arc::default(),
            faults: Arc::default(),
        };
        let (folder, ends, answer) = (folder.to_owned(), server.ends.clone(), server.answer.clone());
        let faults = server.faults.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let command = command("git".as_ref());
                let (folder, answer) = (folder.clone(), answer.load(Ordering::SeqCst));
                let faults = faults.clone();
                std::thread::spawn(move || match kind {
                    Kind::Http => {
                        // Whoever hung up needs no answer.
                        let _ = serve_http(&stream, command, &folder, answer, &faults);
                    }
                    _ => serve_git(stream, command, &folder),
                });
            }
        });
        server
    }

    /// The address of a repository in the folder.
    pub fn url(&self, kind: Kind, name: &str) -> String {
        let scheme = if kind == Kind::Http { "http" } else { "git" };
        format!("{scheme}://{}/{name}", self.address)
    }

    /// From now on, answers every HTTP request with this status; 0: serves again.
    pub fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    /// What becomes of the pushes to come, one after the other; of others nothing.
    pub fn spoil(&self, pushes: impl IntoIterator<Item = Option<Fault>>) {
        *self.faults.lock().expect("nobody panics with it") = pushes.into_iter().collect();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the listener up, to see that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve_git(stream: TcpStream, mut git: Command, folder: &Path) {
    let twin = stream.try_clone().expect("a socket can be duplicated");
    let mut base = OsString::from("--base-path=");
    base.push(folder);
    let served = git
        .args(["daemon", "--inetd", "--log-destination=none", "--export-all", "--enable=receive-pack"])
        .arg(base)
        .stdin(Stdio::from(OwnedFd::from(twin)))
        .stdout(Stdio::from(OwnedFd::from(stream)))
        .stderr(Stdio::null())
        .status();
    served.expect("git daemon runs");
}

/// One request, one answer, one connection.
fn serve_http(
    stream: &TcpStream,
    git: Command,
    folder: &Path,
    answer: u16,
    faults: &Mutex<Vec<Option<Fault>>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let headers = read_headers(&mut reader)?;
    if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let body = read_body(&mut reader, &headers)?;
    let is_push = method == "POST" && target.ends_with("/git-receive-pack") && body.len() > 4;
    let fault = is_push.then(|| {
        let mut faults = faults.lock().expect("nobody panics with it");
        if faults.is_empty() { None } else { faults.remove(0) }
    });
    let fault = fault.flatten();
    let answer = match &fault {
        Some(Fault::Answer(status)) => *status,
        Some(Fault::Unheard) => return Ok(()),
        Some(Fault::HeldBefore(hold)) => {
            hold.until_let_go();
            answer
        }
        _ => answer,
    };
    if answer != 0 {
        let challenge = if answer == 401 { "WWW-Authenticate: Basic realm=\"shop\"\r\n" } else { "" };
        let head =
            format!("HTTP/1.1 {answer} No\r\n{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n");
        return writer.write_all(head.as_bytes());
    }
    let said = response(&run_cgi(git, folder, &method, &target, &headers, body)?);
    match &fault {
        Some(Fault::Unanswered) => Ok(()),
        Some(Fault::HalfAnswered) => writer.write_all(&said[..said.len() * 3 / 4]),
        Some(Fault::HeldBefore(hold)) => {
            let _ = hold.over.send(());
            writer.write_all(&said)
        }
        Some(Fault::HeldAfter(hold)) => {
            hold.until_let_go();
            let _ = hold.over.send(());
            writer.write_all(&said)
        }
        _ => writer.write_all(&said),
    }
}

fn read_headers(reader: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(headers);
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
}

/// The body as it was sent, out of its chunks; it may still be compressed.
fn read_body(reader: &mut impl BufRead, headers: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = line.trim().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                // The trailers, which git sends none of, and the empty line.
                read_headers(reader)?;
                return Ok(body);
            }
            io::copy(&mut reader.take(size), &mut body)?;
            reader.read_line(&mut line)?;
        }
    }
    let size = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    io::copy(&mut reader.take(size), &mut body)?;
    Ok(body)
}

fn run_cgi(
    mut git: Command,
    folder: &Path,
    method: &str,
    target: &str,
    headers: &BTreeMap<String, String>,
    body: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    git.arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", "somebody");
    let known = [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ];
    for (header, variable) in known {
        if let Some(value) = headers.get(header) {
            git.env(variable, value);
        }
    }
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().expect("piped");
    // A backend that has heard enough closes its end; what it says counts.
    let feeder = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output()?;
    let _ = feeder.join();
    Ok(output.stdout)
}

/// An HTTP response from a CGI program's.
fn response(said: &[u8]) -> Vec<u8> {
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect("a CGI program sends headers");
    let head = String::from_utf8_lossy(&said[..end]);
    let body = &said[end + 4..];
    let mut status = "200 OK";
    let mut kept = String::new();
    for line in head.lines() {
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("status") => status = value.trim(),
            _ => kept.push_str(&format!("{line}\r\n")),
        }
    }
    let mut response =
        format!("HTTP/1.1 {status}\r\n{kept}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .into_bytes();
    response.extend_from_slice(body);
    response
}

/// A bare repository that is the authority, and how it is reached.
pub struct Remote {
    /// The bare repository.
    pub dir: PathBuf,
    /// Its address.
    pub url: String,
    /// Its server, if it has one.
    pub server: Option<Server>,
}
