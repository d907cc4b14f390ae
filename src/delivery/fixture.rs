//! A project to try the two steps on: its repository is made in-process, its
//! chains are written as `rel` writes them, and it is its own authority.
//! Nothing here starts a process. Whatever happens takes a minute, from thirty
//! days ago on.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::OsStr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config;
use crate::delivery::error::{Error, Origin};
use crate::delivery::read::reader::{Home, Reader};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::delivery::sink::{Notice, Sink};
use crate::domain::candidate::{Candidate, Pick};
use crate::domain::candidates::{self, CandidatesState, Minted};
use crate::domain::env::{
    self, Action, Deployment, EnvEventKind, EnvState, Intent, Offline, Outcome, Progress, Trigger,
};
use crate::domain::gate::Gate;
use crate::domain::gate::verdict::Verdict;
use crate::domain::left_behind::Owed;
use crate::domain::name::{Actor, DeploymentId, EnvName, Oid, TagName};
use crate::domain::redact::{CannotSearch, Redactor};
use crate::domain::ref_name::ChainRef;
use crate::domain::version::Version;
use crate::exec::{self, Ended, Interrupts, Listener, Piece, Program, Run, Runner, Started};
use crate::failure::{Failure, Kind};
use crate::store::history;
use crate::store::ledger::{self, State, View};
use crate::store::repo::Repo;
use crate::store::repo::fixture::InProcess;
use crate::store::tag::write_tag;
use crate::world::World;

/// Two environments, the second after the first and final.
pub const SHOP: &str = r#"
[environments.staging]
deploy = "./deploy.sh"

[environments.prod]
after = ["staging"]
final = true
deploy = "./deploy.sh"
verify = "./smoke.sh"
"#;

/// A project and all that has happened to it.
pub struct Project {
    pub git: InProcess,
    /// The environment variables and folder that the next reader has.
    pub world: World,
    policy: RefCell<String>,
    repo: Repo,
    trunk: Cell<Option<Oid>>,
    now: Cell<DateTime<Utc>>,
    pool: RefCell<Vec<Minted>>,
    files: Cell<u32>,
}

pub fn person(name: &str) -> Actor {
    Actor::new(name, &format!("{}@example.com", name.to_lowercase()))
}

fn head(policy: &str) -> String {
    let paths = if policy.contains("paths =") { "" } else { "paths = []\n" };
    format!("[project]\nname = \"shop\"\nremote = \"\"\n{paths}{policy}")
}

impl Project {
    /// A project with this policy, below its `[project]`, as the first commit of its trunk.
    pub fn new(policy: &str) -> Project {
        let git = InProcess::new();
        let now = git.world.now() - TimeDelta::days(30);
        let project = Project {
            world: git.world.clone(),
            repo: git.open(),
            git,
            policy: RefCell::default(),
            trunk: Cell::new(None),
            now: Cell::new(now),
            pool: RefCell::default(),
            files: Cell::new(0),
        };
        project.policy(policy);
        project
    }

    /// Commits another policy to trunk.
    pub fn policy(&self, policy: &str) -> Oid {
        let text = head(policy);
        config::parse(&text, "release.toml").unwrap_or_else(|failure| panic!("{failure:?}"));
        let commit = self.commit_files(&[("release.toml", Some(&text))], "policy");
        self.policy.replace(text);
        commit
    }

    // ---- time ----

    /// The time, a minute later each time.
    pub fn tick(&self) -> DateTime<Utc> {
        self.now.set(self.now.get() + TimeDelta::minutes(1));
        self.now.get()
    }

    /// From here on things happen this many minutes before now.
    pub fn minutes_ago(&self, minutes: i64) {
        self.now.set(self.world.now() - TimeDelta::minutes(minutes + 1));
    }

    // ---- history ----

    pub fn trunk(&self) -> Oid {
        self.trunk.get().unwrap()
    }

    /// A commit on trunk that adds a file of its own.
    pub fn commit(&self, message: &str) -> Oid {
        self.files.set(self.files.get() + 1);
        self.commit_files(&[(&format!("file-{}", self.files.get()), Some(message))], message)
    }

    /// A commit on trunk with these changes.
    pub fn commit_files(&self, files: &[(&str, Option<&str>)], message: &str) -> Oid {
        let parents: Vec<Oid> = self.trunk.get().into_iter().collect();
        let commit = self.commit_on(&parents, files, message);
        self.move_trunk(commit);
        commit
    }

    pub fn move_trunk(&self, commit: Oid) {
        self.trunk.set(Some(commit));
        self.git.set_ref("refs/heads/main", commit);
    }

    /// A commit beside trunk.
    pub fn commit_on(&self, parents: &[Oid], files: &[(&str, Option<&str>)], message: &str) -> Oid {
        self.git.commit(parents, files, message, &person("Ana"), self.tick())
    }

    /// A commit on trunk by somebody else.
    pub fn commit_by(&self, who: &str, message: &str) -> Oid {
        let file = format!("{who}-{message}");
        let files = [(file.as_str(), Some(message))];
        let commit = self.git.commit(&[self.trunk()], &files, message, &person(who), self.tick());
        self.move_trunk(commit);
        commit
    }

    /// A tag of somebody else's.
    pub fn tag(&self, name: &str, commit: Oid) {
        self.git.set_ref(format!("refs/tags/{name}"), commit);
    }

    // ---- candidates ----

    /// Cuts the next candidate of a release from trunk's tip.
    pub fn cut(&self, release: &str) -> Minted {
        self.cut_at(release, self.trunk())
    }

    pub fn cut_at(&self, release: &str, commit: Oid) -> Minted {
        self.mint(release, commit, commit, None, Vec::new())
    }

    /// Picks commits onto a candidate: the next candidate of its release.
    pub fn pick(&self, onto: &Minted, sources: &[Oid]) -> Minted {
        self.pick_as(&onto.version.release.to_string(), onto, sources)
    }

    /// Picks commits onto a candidate: the next candidate of another release.
    pub fn pick_as(&self, release: &str, onto: &Minted, sources: &[Oid]) -> Minted {
        let mut picks = Vec::new();
        let mut head = onto.commit;
        for source in sources {
            let message = format!("{}\n", self.repo.commit(*source).unwrap().message.trim_end());
            head = self.git.cherry_pick(*source, head, &message, &person("Ana"), self.tick());
            picks.push(Pick { source: *source, commit: head });
        }
        self.mint(release, head, onto.trunk_commit, Some(onto.tag.clone()), picks)
    }

    fn mint(
        &self,
        release: &str,
        commit: Oid,
        trunk_commit: Oid,
        parent: Option<TagName>,
        picks: Vec<Pick>,
    ) -> Minted {
        let version: Version = release.parse().unwrap();
        let number = self.candidates().state.next_number(&version);
        let candidate = Candidate {
            tag: format!("v{release}-rc.{number}").parse().unwrap(),
            project: "shop".parse().unwrap(),
            version: format!("{release}-rc.{number}").parse().unwrap(),
            commit,
            trunk_commit,
            parent,
            picks,
            artifacts: Vec::new(),
            references: Vec::new(),
            store: "git".to_owned(),
            provenance: None,
            nonce: format!("n{number}"),
            created_at: self.tick(),
            actor: person("Ana"),
            signed: false,
        };
        let message = candidate.message("What is new.");
        let (tag, at) = (&candidate.tag, candidate.created_at);
        let tag_object = write_tag(&self.repo, tag, commit, &candidate.actor, at, &message, false).unwrap();
        self.git.set_ref(tag.to_ref(), tag_object);
        let minted = Minted {
            tag: tag.clone(),
            tag_object,
            version: candidate.version.clone(),
            commit,
            trunk_commit,
            position: history::ancestor_count(&self.repo, trunk_commit).unwrap() as u64,
            parent: candidate.parent.clone(),
        };
        self.reserve(&minted.version.to_string(), commit);
        self.candidates_event(candidates::CandidatesEventKind::Minted(minted.clone()));
        self.pool.borrow_mut().push(minted.clone());
        minted
    }

    /// Takes the number of a candidate to be.
    pub fn reserve(&self, version: &str, commit: Oid) {
        self.candidates_event(candidates::CandidatesEventKind::Reserved {
            version: version.parse().unwrap(),
            commit,
            trunk: None,
        });
    }

    /// Closes a release: its own tag, and the event that vouches for it.
    pub fn close(&self, winner: &Minted) -> Oid {
        let release = winner.version.release.clone();
        let tag: TagName = format!("v{release}").parse().unwrap();
        let text = format!("{tag}\n\nRel-Release: {release}\nRel-Winner: {}", winner.tag);
        let object =
            write_tag(&self.repo, &tag, winner.commit, &person("Ana"), self.tick(), &text, false).unwrap();
        self.git.set_ref(tag.to_ref(), object);
        let (candidate, commit) = (winner.tag.clone(), winner.commit);
        let what = candidates::CandidatesEventKind::Closed {
            release,
            tag,
            candidate,
            commit,
            tag_object: Some(object),
        };
        self.candidates_event(what);
        object
    }

    pub fn block(&self, target: &str) {
        let (target, reason) = (target.to_owned(), "leaks".to_owned());
        self.candidates_event(candidates::CandidatesEventKind::Blocked { target, reason });
    }

    /// Settles a fix: it is in `trunk_commit`, or meant to be missing.
    pub fn waive(&self, commit: Oid, trunk_commit: Option<Oid>) {
        self.candidates_event(candidates::CandidatesEventKind::Waived {
            commit,
            trunk_commit,
            reason: "seen".to_owned(),
        });
    }

    pub fn candidates_event(&self, what: candidates::CandidatesEventKind) {
        self.candidates_event_by("Ana", what);
    }

    pub fn candidates_event_by(&self, who: &str, what: candidates::CandidatesEventKind) {
        let at = self.tick();
        let (id, nonce) = ("shop".to_owned(), at.timestamp().to_string());
        self.append(
            &self.candidates(),
            candidates::CandidatesEvent { id, at, actor: person(who), nonce, what },
        );
    }

    /// Takes the candidates' chain back behind the newest candidate, as if it had lost its end.
    pub fn forget_last_candidate(&self) {
        let view = self.candidates();
        let before = history::parents(&self.repo, view.tip.unwrap()).unwrap();
        self.git.set_ref(&view.ref_name, before[0]);
    }

    pub fn candidates(&self) -> View<CandidatesState> {
        ledger::read(&self.repo, &ChainRef::of_candidates(&"shop".parse().unwrap()), &[]).unwrap()
    }

    fn append<S: State>(&self, view: &View<S>, event: S::Event) {
        let (after, _) = view.append(&self.repo, &[event]).unwrap();
        self.git.set_ref(&after.ref_name, after.tip.unwrap());
    }

    // ---- environments ----

    pub fn chain(&self, environment: &str) -> View<EnvState> {
        let name = ChainRef::of_environment(&"shop".parse().unwrap(), &environment.parse().unwrap());
        ledger::read(&self.repo, &name, &[]).unwrap()
    }

    /// An event under a number; `None` takes the next one.
    pub fn event(&self, environment: &str, seq: Option<u64>, who: &str, what: EnvEventKind) -> u64 {
        let view = self.chain(environment);
        let seq = seq.unwrap_or(view.state.count + 1);
        let at = self.tick();
        let id = DeploymentId { environment: environment.parse().unwrap(), seq };
        self.append(
            &view,
            env::EnvEvent { id, at, actor: person(who), nonce: at.timestamp().to_string(), what },
        );
        seq
    }

    /// The intent to deploy a candidate, or whatever has this name.
    pub fn intent(&self, environment: &str, tag: &str, action: Action) -> Intent {
        let state = self.chain(environment).state;
        let id = DeploymentId { environment: environment.parse().unwrap(), seq: state.count + 1 };
        let pool = self.pool.borrow();
        let minted = pool.iter().find(|minted| minted.tag.as_str() == tag).unwrap();
        let what = (minted.tag.clone(), minted.commit);
        let deployment = Deployment {
            version: Some(minted.version.clone()),
            from_tag: state.current().map(|live| live.tag.clone()),
            ..Deployment::begin(id, action, what, person("Ana"), self.now.get())
        };
        Intent::of(deployment, minted.position)
    }

    /// Claims an environment for a deployment.
    pub fn begin(&self, environment: &str, tag: &str) -> u64 {
        self.claim(environment, self.intent(environment, tag, Action::Deploy))
    }

    pub fn claim(&self, environment: &str, intent: Intent) -> u64 {
        self.event(environment, None, "Ana", EnvEventKind::Intent(Box::new(intent)))
    }

    /// Ends what is in flight.
    pub fn end(&self, environment: &str, state: Progress) {
        let in_flight = self.chain(environment).state.in_flight.unwrap();
        self.event(
            environment,
            Some(in_flight.deployment.seq),
            "Ana",
            EnvEventKind::Outcome(Outcome::of(state, true)),
        );
    }

    /// A deployment that succeeds.
    pub fn deploy(&self, environment: &str, tag: &str) -> u64 {
        let seq = self.begin(environment, tag);
        self.end(environment, Progress::Succeeded);
        seq
    }

    /// A deployment that fails.
    pub fn fail(&self, environment: &str, tag: &str) -> u64 {
        let seq = self.begin(environment, tag);
        self.end(environment, Progress::Failed);
        seq
    }

    /// A deployment that somebody takes over from.
    pub fn lose(&self, environment: &str, tag: &str) -> u64 {
        let seq = self.begin(environment, tag);
        self.event(environment, Some(seq), "Bob", EnvEventKind::TakenOver { reason: "it hangs".to_owned() });
        seq
    }

    /// A rollback that succeeds, and holds the environment.
    pub fn roll_back(&self, environment: &str, to: &str) -> u64 {
        self.roll_back_owing(environment, to, Vec::new())
    }

    /// The same, with the fixes that it leaves behind.
    pub fn roll_back_owing(&self, environment: &str, to: &str, owes: Vec<Owed>) -> u64 {
        let live = self.chain(environment).state.current().cloned().unwrap();
        let mut intent = self.intent(environment, to, Action::Rollback);
        intent.undoes = Some(live.tag);
        intent.holds = true;
        intent.owes = owes;
        intent.deployment.reverts = Some(live.deployment);
        let seq = self.claim(environment, intent);
        self.end(environment, Progress::Succeeded);
        seq
    }

    /// What another system is said to have put there.
    pub fn baseline(&self, environment: &str, tag: &str, commit: Oid) -> u64 {
        let position = history::ancestor_count(&self.repo, commit).unwrap() as u64;
        self.baseline_of(environment, tag, commit, position)
    }

    /// The same of a commit that may be nowhere here.
    pub fn baseline_of(&self, environment: &str, tag: &str, commit: Oid, position: u64) -> u64 {
        let state = self.chain(environment).state;
        let id = DeploymentId { environment: environment.parse().unwrap(), seq: state.count + 1 };
        let what = (tag.parse().unwrap(), commit);
        let deployment = Deployment {
            trigger: Trigger::Recorded,
            from_tag: state.current().map(|live| live.tag.clone()),
            ..Deployment::begin(id, Action::Deploy, what, person("Ana"), self.now.get())
        };
        let seq = self.claim(environment, Intent::of(deployment, position));
        self.end(environment, Progress::Succeeded);
        seq
    }

    /// A deployment that ran offline, written down later.
    pub fn offline(&self, environment: &str, tag: &str, state: Progress, moved: bool) -> u64 {
        let mut intent = self.intent(environment, tag, Action::Deploy);
        intent.deployment.offline = true;
        let ran = Offline { intent, outcome: Outcome::of(state, true), moved };
        self.event(environment, None, "Ana", EnvEventKind::Offline(Box::new(ran)))
    }

    pub fn hold(&self, environment: &str) -> u64 {
        self.event(environment, None, "Bob", EnvEventKind::Hold { reason: "closed".to_owned() })
    }

    pub fn approve(&self, environment: &str, minted: &Minted, who: &str) {
        let (tag, commit) = (minted.tag.clone(), minted.commit);
        let what = EnvEventKind::Approve { tag, commit, tag_object: Some(minted.tag_object), reason: None };
        self.event(environment, None, who, what);
    }

    // ---- what reads and runs ----

    /// What reads it, as the authority that it is.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            world: &self.world,
            repo: self.git.open(),
            home: Home {
                project: "shop".parse().unwrap(),
                trunk: "main".to_owned(),
                remote: String::new(),
                text: self.policy.borrow().clone(),
                found: "release.toml".to_owned(),
                origin: Origin::WorkTree,
            },
            offline: false,
            strict: false,
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot::read(&self.reader()).unwrap()
    }
}

/// The kind of an error, whatever floor it is of.
#[track_caller]
pub fn kind<T>(result: Result<T, impl Into<Failure>>) -> Kind {
    match result {
        Ok(_) => panic!("it did not fail"),
        Err(error) => error.into().kind,
    }
}

/// The gates that gave the reasons of a refusal.
#[track_caller]
pub fn refused_by<T>(result: Result<T, impl Into<Failure>>) -> Vec<String> {
    match result {
        Ok(_) => panic!("nothing refused"),
        Err(error) => error.into().reasons.into_iter().map(|reason| reason.gate).collect(),
    }
}

pub fn gates(verdicts: &[Verdict]) -> Vec<Gate> {
    verdicts.iter().map(Verdict::gate).collect()
}

pub fn env(name: &str) -> EnvName {
    name.parse().unwrap()
}

/// Keeps what it hears.
#[derive(Default)]
pub struct Heard {
    notices: RefCell<Vec<String>>,
    lines: RefCell<Vec<String>>,
    secrets: RefCell<Redactor>,
}

impl Heard {
    /// The notices by name, in order.
    pub fn notices(&self) -> Vec<String> {
        self.notices.borrow().clone()
    }

    /// The lines that commands printed, each with its prefix.
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }
}

impl Sink for Heard {
    fn notice(&self, notice: Notice<'_>) {
        let told = format!("{notice:?}");
        let name = told.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        self.notices.borrow_mut().push(name);
    }

    fn gate_text(&self, verdict: &Verdict) -> String {
        verdict.gate().as_str().to_owned()
    }

    fn command_text(&self, error: &exec::Error) -> String {
        format!("{error:?}")
    }

    fn error_text(&self, error: Error) -> (String, Error) {
        let failure = Failure::from(error);
        (failure.message.clone(), failure.into())
    }

    fn stream(&self, prefix: &str, line: &[u8]) {
        self.lines.borrow_mut().push(format!("{prefix}: {}", String::from_utf8_lossy(line)));
    }

    fn hide(&self, secrets: &Redactor) -> Result<(), CannotSearch> {
        self.secrets.replace(secrets.clone());
        Ok(())
    }

    fn secrets(&self) -> Redactor {
        self.secrets.borrow().clone()
    }
}

/// A command that was run.
#[derive(Debug, Clone)]
pub struct Ran {
    pub program: String,
    /// The variables that a command is given beside the caller's.
    pub variables: Vec<(String, String)>,
    /// What it was given to read.
    pub input: Option<String>,
}

impl Ran {
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Runs nothing: each command ends as it was told beforehand, the rest succeed.
pub struct FakeRunner {
    ends: RefCell<VecDeque<(Ended, &'static str)>>,
    ran: RefCell<Vec<Ran>>,
    pub interrupts: Interrupts,
    /// After how many commands a signal comes.
    pub interrupted_after: Cell<Option<usize>>,
}

impl FakeRunner {
    /// Commands that end like this, in order, each after it printed something.
    pub fn new(ends: Vec<(Ended, &'static str)>) -> FakeRunner {
        FakeRunner {
            ends: RefCell::new(ends.into()),
            ran: RefCell::default(),
            interrupts: Interrupts::none(),
            interrupted_after: Cell::new(None),
        }
    }

    pub fn exiting(codes: &[i32]) -> FakeRunner {
        FakeRunner::new(codes.iter().map(|code| (Ended::Exited(*code), "")).collect())
    }

    pub fn hands(&self) -> Hands<'_> {
        Hands { runner: self, interrupts: &self.interrupts }
    }

    pub fn ran(&self) -> Vec<Ran> {
        self.ran.borrow().clone()
    }

    pub fn programs(&self) -> Vec<String> {
        self.ran().into_iter().map(|ran| ran.program).collect()
    }
}

impl Runner for FakeRunner {
    fn run(
        &self,
        run: Run<'_>,
        interrupts: &Interrupts,
        started: &mut dyn FnMut(&Started),
        listener: &mut dyn Listener,
    ) -> Ended {
        if interrupts.interrupted() {
            return Ended::Interrupted;
        }
        let text = |value: &OsStr| value.to_string_lossy().into_owned();
        self.ran.borrow_mut().push(Ran {
            program: match run.program {
                Program::Shell(text) => text.clone(),
                Program::Argv(words) => words.join(" "),
            },
            variables: run.env.iter().map(|(name, value)| (text(name), text(value))).collect(),
            input: run.input.map(|path| std::fs::read_to_string(path).unwrap()),
        });
        let (ended, printed) = self.ends.borrow_mut().pop_front().unwrap_or((Ended::Exited(0), ""));
        if !matches!(ended, Ended::NotStarted(_)) {
            started(&Started { pid: std::process::id(), start_time: None });
        }
        for line in printed.lines() {
            listener.hear(Piece { text: line.as_bytes(), ends: true });
        }
        if self.interrupted_after.get() == Some(self.ran.borrow().len()) {
            interrupts.trigger();
        }
        ended
    }
}
