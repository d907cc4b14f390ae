//! One pick by `rel` and by `git cherry-pick`, and what each came to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::DateTime;
use rel::domain::name::{Actor, Oid};
use rel::failure::{Kind, Result};
use rel::store::pick::{PickOutcome, commit_pick, pick};
use rel::store::repo::Repo;
use rel::world::World;

/// Who commits on both sides, and when.
const NAME: &str = "Ana";
const EMAIL: &str = "ana@example.com";
const AT: i64 = 1_700_000_000;

/// What of a user's own settings would have git make another commit, or resolve what rel leaves to
/// a person. The latter would also be written down in their repository.
const NEUTRAL: [&str; 3] = ["commit.gpgSign=false", "core.hooksPath=/dev/null", "rerere.enabled=false"];

/// What is picked onto what, and against which parent.
#[derive(Clone, Copy)]
pub struct Pick {
    pub source: Oid,
    pub onto: Oid,
    pub mainline: Option<u32>,
}

/// What a pick came to.
pub enum Outcome {
    /// This commit: the whole object.
    Commit(Vec<u8>),
    /// These files are in conflict.
    Conflict(BTreeSet<String>),
    /// It changes nothing.
    Nothing,
    /// It is not to be done as it was asked for, and why.
    Refused(String),
    /// Something went wrong.
    Failed(String),
}

impl Outcome {
    /// Whether both came to the same. Two failures never did.
    pub fn is(&self, other: &Outcome) -> bool {
        match (self, other) {
            (Outcome::Commit(ours), Outcome::Commit(theirs)) => ours == theirs,
            (Outcome::Conflict(ours), Outcome::Conflict(theirs)) => ours == theirs,
            (Outcome::Nothing, Outcome::Nothing) | (Outcome::Refused(_), Outcome::Refused(_)) => true,
            _ => false,
        }
    }

    /// The same in a word or a line, for people.
    pub fn text(&self) -> String {
        match self {
            Outcome::Commit(data) => format!("a commit: {}", data.escape_ascii()),
            Outcome::Conflict(paths) => format!("a conflict: {paths:?}"),
            Outcome::Nothing => "nothing".to_owned(),
            Outcome::Refused(why) => format!("a refusal: {why}"),
            Outcome::Failed(why) => format!("a failure: {why}"),
        }
    }
}

/// What rel made of a pick.
pub enum Made {
    Commit(Oid),
    Conflict(Vec<String>),
    Nothing,
}

/// A repository that both pick in.
pub struct Sides {
    world: World,
    repo: Repo,
    /// Where git picks. Nothing in it is kept.
    warm: PathBuf,
}

impl Sides {
    /// Both sides in the repository at `place`. git picks in the worktree at `warm`.
    pub fn new(world: World, place: &Path, warm: &Path) -> Sides {
        let repo = Repo::discover(&world, place).expect("a repository");
        Sides { world, repo, warm: warm.to_owned() }
    }

    /// What rel makes of a pick, and how long it takes.
    pub fn by_rel(&self, pick: Pick) -> (Outcome, Duration) {
        let begun = Instant::now();
        let made = self.only_by_rel(pick);
        let took = begun.elapsed();
        let outcome = match made {
            Ok(Made::Commit(commit)) => {
                Outcome::Commit(self.must(&["cat-file", "commit", &commit.to_string()]))
            }
            Ok(Made::Conflict(paths)) => Outcome::Conflict(paths.into_iter().map(without_id).collect()),
            Ok(Made::Nothing) => Outcome::Nothing,
            Err(failure) if failure.kind == Kind::Usage => Outcome::Refused(failure.message),
            Err(failure) => Outcome::Failed(failure.to_string()),
        };
        (outcome, took)
    }

    /// The same without a look at it.
    pub fn only_by_rel(&self, Pick { source, onto, mainline }: Pick) -> Result<Made> {
        let at = DateTime::from_timestamp(AT, 0).expect("it is in range");
        let ana = Actor::new(NAME, EMAIL);
        Ok(match pick(&self.repo, source, onto, mainline)? {
            PickOutcome::Clean(tree) => Made::Commit(commit_pick(&self.repo, source, onto, tree, &ana, at)?),
            PickOutcome::Conflict(paths) => Made::Conflict(paths),
            PickOutcome::Empty => Made::Nothing,
        })
    }

    /// What git makes of it in its worktree, which is as it was afterwards; how long the pick alone
    /// takes.
    pub fn by_git(&self, pick: Pick) -> (Outcome, Duration) {
        let onto = pick.onto.to_string();
        self.must(&["checkout", "--quiet", "--detach", &onto]);
        let side = pick.mainline.map(|parent| format!("-m{parent}"));
        let source = pick.source.to_string();
        let words = [&["cherry-pick", "-x"], side.as_deref().as_slice(), &[&source]].concat();
        let begun = Instant::now();
        let output = self.git(&words);
        let took = begun.elapsed();
        let outcome = self.theirs(pick, &output);
        self.git(&["cherry-pick", "--quit"]);
        self.must(&["reset", "--quiet", "--hard", &onto]);
        self.must(&["clean", "--quiet", "-ffdx"]);
        (outcome, took)
    }

    fn theirs(&self, Pick { source, onto, .. }: Pick, output: &Output) -> Outcome {
        if output.status.success() {
            return Outcome::Commit(self.git(&["cat-file", "commit", "HEAD"]).stdout);
        }
        let unmerged = self.must(&["diff", "--name-only", "--diff-filter=U", "-z"]);
        let paths = unmerged.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        let paths: BTreeSet<String> = paths.map(|path| without_id(printable(path))).collect();
        if !paths.is_empty() {
            return Outcome::Conflict(paths);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let at = |rev: &str| {
            let named = self.git(&["rev-parse", "--quiet", "--verify", rev]).stdout;
            String::from_utf8_lossy(&named).trim_end().parse::<Oid>().ok()
        };
        let untouched = at("HEAD") == Some(onto)
            && self.git(&["diff-index", "--cached", "--quiet", "HEAD"]).status.success();
        match at("CHERRY_PICK_HEAD") {
            Some(picking) if picking == source && untouched => Outcome::Nothing,
            None if output.status.code() == Some(128) && untouched => Outcome::Refused(said),
            _ => Outcome::Failed(said),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "answers are held against git as users have it")]
    fn git(&self, words: &[&str]) -> Output {
        let mut command = Command::new("git");
        command.env_clear().envs(&self.world.env).current_dir(&self.warm);
        command.env("GIT_COMMITTER_NAME", NAME).env("GIT_COMMITTER_EMAIL", EMAIL);
        command.env("GIT_COMMITTER_DATE", format!("@{AT} +0000"));
        for setting in NEUTRAL {
            command.args(["-c", setting]);
        }
        command.args(words).output().expect("git starts")
    }

    /// What git prints. It must succeed.
    fn must(&self, words: &[&str]) -> Vec<u8> {
        let output = self.git(words);
        assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// A path as rel names it to people.
fn printable(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A path without the id in `file~1234567 (subject)`, which git makes longer where a repository is
/// large.
fn without_id(path: String) -> String {
    let Some((file, side)) = path.split_once('~') else { return path };
    let rest = side.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    if rest.starts_with(" (") { format!("{file}~{rest}") } else { path }
}
