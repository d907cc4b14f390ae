//! Other people's commands, run for a candidate: a clean checkout, the
//! recorded bytes laid out, the contract's variables, and the output streamed
//! and kept. What is decided by how they end is decided elsewhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::delivery::error::{Error, FileOp, Result};
use crate::delivery::read::reader::{Reader, scratch};
use crate::delivery::run::artifacts;
use crate::delivery::run::hands::Hands;
use crate::delivery::run::prepare::Prepared;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::Candidate;
use crate::domain::config::Command;
use crate::domain::env::{Deployment, Outcome, Progress};
use crate::domain::name::{Oid, TagName};
use crate::domain::redact::{Pieces, Redactor};
use crate::exec::{Ended, Listener, Piece, Program, Run as Command_, Started};
use crate::store::artifacts::cache::{manifest, write_manifest};
use crate::store::checkout::Checkout;
use crate::store::journal::{OpenRun, Process};

/// How long the rest of what a command printed may take to be kept once somebody
/// has seen enough: what a runaway printed may take for ever, and they wait.
const THE_REST: Duration = Duration::from_secs(2);

/// The folder of the artifacts, in that of a workspace.
const FILES: &str = "artifacts";

/// How the commands of one deployment ended.
pub struct RolloutEnd {
    /// What is recorded of it.
    pub outcome: Outcome,
    /// Why it did not succeed, in a sentence.
    pub explanation: Option<String>,
    /// What kept the command from being started.
    pub(crate) kept: Option<Error>,
}

impl RolloutEnd {
    pub(crate) fn never_started(error: Error) -> RolloutEnd {
        RolloutEnd { outcome: Outcome::of(Progress::Cancelled, false), explanation: None, kept: Some(error) }
    }
}

/// A checkout, the artifacts and the variables, ready for commands.
pub struct Workspace<'r> {
    pub checkout: Checkout<'r>,
    folder: tempfile::TempDir,
    pub env: BTreeMap<OsString, OsString>,
    /// What commands write to.
    pub raw: PathBuf,
    /// What is kept of that on this machine.
    log: PathBuf,
    redactor: Redactor,
}

impl<'r> Workspace<'r> {
    pub(crate) fn set(
        reader: &'r Reader,
        run: &mut OpenRun,
        deployment: &Deployment,
        prepared: &Prepared,
        previous: Option<&(TagName, Oid)>,
    ) -> Result<Workspace<'r>> {
        let candidate = &prepared.candidate;
        let folder = scratch(reader.world)?;
        run.works_in(folder.path())?;
        let files = folder.path().join(FILES);
        artifacts::prepare_files(reader, candidate, &files)?;
        let listing = folder.path().join("manifest.json");
        write_manifest(
            &manifest(
                &candidate.tag,
                &candidate.commit,
                &candidate.artifacts,
                &candidate.references,
                &files,
            )?,
            &listing,
        )?;
        let checkout = Checkout::create(&reader.repo, prepared.checkout, folder.path())?;
        let number = match deployment.is_numbered() {
            true => deployment.seq.to_string(),
            false => unnumbered(run.run.nonce()),
        };
        let log = log_file(reader, &deployment.environment, &number)?;
        let text = |value: &dyn std::fmt::Display| OsString::from(value.to_string());
        let (previous_tag, previous_commit) =
            previous.map_or((OsString::new(), OsString::new()), |(tag, commit)| {
                let tag = if tag.as_commit().is_some() { OsString::new() } else { text(tag) };
                (tag, text(commit))
            });
        let variables: [(&str, OsString); 16] = [
            ("REL_PROJECT", text(reader.project())),
            ("REL_ENV", text(&deployment.environment)),
            ("REL_ACTION", text(&deployment.action)),
            ("REL_TAG", text(&deployment.tag)),
            ("REL_VERSION", text(&candidate.version)),
            ("REL_RELEASE", text(&candidate.version.release)),
            ("REL_COMMIT", text(&deployment.commit)),
            ("REL_PREVIOUS_TAG", previous_tag),
            ("REL_PREVIOUS_COMMIT", previous_commit),
            ("REL_DEPLOYMENT_ID", format!("{}#{number}", deployment.environment).into()),
            // What claims nothing has no token: a target that fences can tell.
            ("REL_FENCE_TOKEN", if deployment.offline { OsString::new() } else { text(&deployment.seq) }),
            ("REL_ACTOR", text(&deployment.actor)),
            ("REL_REASON", deployment.reason.clone().unwrap_or_default().into()),
            ("REL_ARTIFACTS_DIR", files.into_os_string()),
            ("REL_MANIFEST", listing.into_os_string()),
            ("REL_SOURCE_DIR", checkout.path().as_os_str().to_owned()),
        ];
        let mut env = reader.world.env.clone();
        Checkout::scrub(&mut env);
        env.extend(variables.map(|(name, value)| (OsString::from(name), value)));
        if deployment.offline {
            env.insert("REL_OFFLINE".into(), "1".into());
        }
        env.extend(prepared.params.variables().map(|(name, value)| (name.into(), value.into())));
        let redactor = prepared.params.redactor().clone();
        // What is kept has no secrets; those that a command prints have no name to be found by.
        let raw = if redactor.is_idle() { log.clone() } else { folder.path().join("output.log") };
        Ok(Workspace { checkout, folder, env, raw, log, redactor })
    }

    /// A workspace in an empty folder, of a checkout that no git made.
    #[cfg(test)]
    pub fn of_folder(reader: &'r Reader, redactor: Redactor) -> Workspace<'r> {
        let folder = scratch(reader.world).unwrap();
        let checkout = Checkout::of_folder(&reader.repo, folder.path());
        let [raw, log] = ["raw", "log"].map(|name| folder.path().join(name));
        Workspace { checkout, folder, env: BTreeMap::new(), raw, log, redactor }
    }

    /// Lays the artifacts out anew, checked, for a command after another one.
    pub(crate) fn renew(&self, reader: &Reader, candidate: &Candidate) -> Result<()> {
        let files = self.folder.path().join(FILES);
        match std::fs::remove_dir_all(&files) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileOp::Write.on(files)(error)),
            _ => artifacts::prepare_files(reader, candidate, &files),
        }
    }

    /// What is kept by now.
    #[cfg(test)]
    pub fn kept(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Whether what commands write to may hold secrets, and is not to be left
    /// where a killed `rel` leaves things.
    pub fn has_secrets(&self) -> bool {
        !self.redactor.is_idle()
    }

    /// Runs one command, shows what it prints, and keeps that.
    pub fn execute(
        &self,
        hands: &Hands,
        sink: &dyn Sink,
        run: Command_<'_>,
        prefix: &str,
        journal: &mut dyn FnMut(Process),
    ) -> (Ended, bool) {
        if !self.has_secrets() {
            return execute(hands, sink, run, prefix, journal);
        }
        let kept = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log);
        let kept = kept.map_err(|error| sink.notice(Notice::NoOutputKept(&error))).ok();
        let pieces = Pieces::new(&self.redactor);
        let mut keeper = Keeper { sink, prefix, pieces, kept, within: false, unseen_since: None, cut: false };
        let ended = follow(hands, run, &mut keeper, journal);
        keeper.finish();
        ended
    }

    pub(crate) fn clear(self) -> Result<()> {
        let removed = self.checkout.remove();
        drop(self.folder);
        Ok(removed?)
    }
}

/// Shows and keeps what a command prints, without secrets.
struct Keeper<'a> {
    sink: &'a dyn Sink,
    prefix: &'a str,
    pieces: Pieces<'a>,
    kept: Option<File>,
    /// Whether the next piece goes on with a line.
    within: bool,
    /// Since when it only keeps: somebody has seen enough.
    unseen_since: Option<Instant>,
    /// Whether there was more than it took the time to keep.
    cut: bool,
}

impl Listener for Keeper<'_> {
    fn hear(&mut self, piece: Piece<'_>) {
        let mut text = self.pieces.take(piece.text, piece.ends);
        // All of it may be held back, or be of a secret that was replaced before.
        let shows = !text.is_empty() || piece.ends && !self.within;
        if shows && self.unseen_since.is_none() {
            self.sink.stream(self.prefix, &text);
        }
        self.within = !piece.ends;
        if piece.ends {
            text.push(b'\n');
        }
        self.keep(&text);
    }

    fn lost(&mut self, bytes: u64) {
        self.sink.notice(Notice::OutputDropped { step: self.prefix, bytes });
    }

    /// What the command wrote to has secrets and no name: what is not kept now
    /// is lost.
    fn wants_the_rest(&mut self) -> bool {
        self.cut = self.unseen_since.get_or_insert_with(Instant::now).elapsed() >= THE_REST;
        !self.cut
    }
}

impl Keeper<'_> {
    fn keep(&mut self, text: &[u8]) {
        if let Some(kept) = &mut self.kept {
            // A full disk costs what was printed, not the deployment.
            let _ = kept.write_all(text);
        }
    }

    /// Says where what is kept is not all of it.
    fn finish(mut self) {
        if self.cut {
            let newline = if self.within { "\n" } else { "" };
            self.keep(
                format!("{newline}rel: interrupted; the rest of what this printed is not kept\n").as_bytes(),
            );
        }
    }
}

/// Runs one command, streaming its output with a prefix. Says how it ended,
/// and whether it ever started.
pub fn execute(
    hands: &Hands,
    sink: &dyn Sink,
    run: Command_<'_>,
    prefix: &str,
    journal: &mut dyn FnMut(Process),
) -> (Ended, bool) {
    follow(hands, run, &mut StreamedOutput { sink, prefix, within: false }, journal)
}

/// Shows what a command prints.
struct StreamedOutput<'a> {
    sink: &'a dyn Sink,
    prefix: &'a str,
    /// Whether the next piece goes on with a line.
    within: bool,
}

impl Listener for StreamedOutput<'_> {
    fn hear(&mut self, piece: Piece<'_>) {
        if !(self.within && piece.text.is_empty()) {
            self.sink.stream(self.prefix, piece.text);
        }
        self.within = !piece.ends;
    }

    fn lost(&mut self, bytes: u64) {
        self.sink.notice(Notice::OutputDropped { step: self.prefix, bytes });
    }
}

fn follow(
    hands: &Hands,
    run: Command_<'_>,
    listener: &mut dyn Listener,
    journal: &mut dyn FnMut(Process),
) -> (Ended, bool) {
    let mut started = false;
    let mut on_start = |process: &Started| {
        started = true;
        journal(Process::new(*process, Some(run.grace)));
    };
    let ended = hands.runner.run(run, hands.interrupts, &mut on_start, listener);
    (ended, started)
}

/// A command of `release.toml` as something to run.
pub fn program(command: &Command) -> Program {
    match command {
        Command::Shell(text) => Program::Shell(text.clone()),
        Command::Argv(words) => Program::Argv(words.clone()),
    }
}

/// Where a deployment's output is kept on this machine, if it ran here.
pub fn log_path(
    reader: &Reader,
    environment: &impl std::fmt::Display,
    number: impl std::fmt::Display,
) -> PathBuf {
    reader.state_dir().join("output").join(environment.to_string()).join(format!("{number}.log"))
}

/// What stands for the number of an offline deployment until it has one.
pub fn unnumbered(nonce: &str) -> String {
    format!("offline-{}", nonce.get(..12).unwrap_or(nonce))
}

/// The deployments of an environment whose output is kept on this machine,
/// newest first; none where nothing can be read.
pub fn logged(reader: &Reader, environment: &impl std::fmt::Display) -> Vec<u64> {
    let dir = reader.state_dir().join("output").join(environment.to_string());
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let number = |name: std::ffi::OsString| name.to_str()?.strip_suffix(".log")?.parse().ok();
    let mut numbers: Vec<u64> = files.filter_map(|file| number(file.file_name())).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers
}

/// [`log_path`], in a folder that exists.
///
/// # Errors
/// The folder cannot be made.
pub fn log_file(
    reader: &Reader,
    environment: &impl std::fmt::Display,
    number: impl std::fmt::Display,
) -> Result<PathBuf> {
    let path = log_path(reader, environment, number);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::screen::ColorChoice;
    use crate::ui::screen::Screen;

    #[test]
    fn what_is_kept_says_where_it_was_cut() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let redactor = Redactor::new(["s3cr3t!"]).unwrap();
        let mut keeper = Keeper {
            sink: &Screen::new(false, false, ColorChoice::Never, false, true, 0, false),
            prefix: "deploy",
            pieces: Pieces::new(&redactor),
            kept: Some(log.reopen().unwrap()),
            within: false,
            unseen_since: None,
            cut: false,
        };
        keeper.hear(Piece { text: b"with s3cr3t!", ends: true });
        assert!(keeper.wants_the_rest());
        keeper.hear(Piece { text: b"unseen, s3cr3t! and s3cr", ends: false });
        keeper.unseen_since = Instant::now().checked_sub(THE_REST);
        assert!(!keeper.wants_the_rest());
        keeper.finish();
        // What may be the beginning of a secret is not kept either.
        let kept = std::fs::read_to_string(log.path()).unwrap();
        let told = "rel: interrupted; the rest of what this printed is not kept";
        assert_eq!(kept, format!("with ***\nunseen, *** \n{told}\n"));
    }
}
