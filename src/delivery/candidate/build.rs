//! Makes a candidate: reserve a number, build once, mint.
//!
//! What a cut and a pick share. Artifacts, tag and the chain's entry are
//! published as one ([`mint`]); a failed build costs its number and nothing
//! else.

use std::ffi::OsString;
use std::path::Path;

use crate::delivery::candidate::mint;
use crate::delivery::candidate::preflight::try_minting;
use crate::delivery::error::candidate::{BuildFault, CandidateError};
use crate::delivery::error::run::Contested;
use crate::delivery::error::{Error, Moved, Result};
use crate::delivery::read::reader::{Reader, config_at, must_honour, scratch};
use crate::delivery::read::snapshot::{self, Snapshot};
use crate::delivery::run::artifacts::{self, PROVENANCE};
use crate::delivery::run::hands::Hands;
use crate::delivery::run::publish::RetryBudget;
use crate::delivery::run::{hooks, output, workspace};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::artifact::{Artifact, Reference, sha256_of};
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{CandidatesEventKind, CandidatesState, Minted};
use crate::domain::config::{BuildConfig, Config};
use crate::domain::draft::{Draft, Intended};
use crate::domain::name::{Actor, Oid, Sha256, TagName};
use crate::domain::provenance::{self, Provenance};
use crate::domain::ref_name::{ArtifactsRef, ChainRef, RefName};
use crate::domain::report::candidate::CandidateReport;
use crate::domain::version::CandidateVersion;
use crate::exec::{self, Run as Command_};
use crate::failpoint;
use crate::store::artifacts::cache::Cache;
use crate::store::artifacts::collect::{check_sizes, collect, references};
use crate::store::artifacts::{Location, Publication, Store, locate};
use crate::store::authority::Published;
use crate::store::checkout::Checkout;
use crate::store::error::{self, ArtifactError};
use crate::store::journal::{JournalRun, Mint, OpenRun};
use crate::store::ledger::{self, View};
use crate::store::tag::write_tag;
use crate::world::fresh_nonce;

/// How often a reservation is tried against a moving chain.
const TRIES: usize = 50;

/// What became of it.
#[derive(Debug)]
pub enum BuildResult {
    /// It exists already; nothing was made.
    Exists(Minted),
    /// It was made.
    New(Box<Candidate>),
}

/// Makes the candidate that was intended `first`, or that `intend` plans;
/// plans again where others moved the chain before a number was reserved.
///
/// # Errors
/// `intend` refuses; the build fails (exit 6, with the number spent); the
/// authority cannot be reached.
pub fn build_candidate(
    reader: &Reader,
    hands: &Hands,
    sink: &dyn Sink,
    snapshot: &mut Snapshot,
    first: Option<Intended>,
    intend: &dyn Fn(&Snapshot) -> Result<Intended>,
) -> Result<BuildResult> {
    let actor = reader.actor()?;
    must_honour(&snapshot.policy.config, &["artifacts.store"])?;
    let (mut first, mut asked) = (first, None);
    for _ in 0..TRIES {
        let intended = match first.take() {
            Some(intended) => intended,
            None => intend(snapshot)?,
        };
        let draft = match intended {
            Intended::Exists(minted) => return Ok(BuildResult::Exists(minted)),
            Intended::New(draft) => draft,
        };
        // Once about one commit, however often others move the chain meanwhile.
        if asked != Some(draft.commit) {
            try_minting(reader, snapshot, &draft, &actor)?;
            hooks::before_cut(reader, hands, sink, snapshot, &draft)?;
            asked = Some(draft.commit);
        }
        if let Some((view, version, run)) = reserve(reader, snapshot, &draft, &actor)? {
            snapshot.candidates = view;
            let making = CandidateBuild {
                reader,
                hands,
                sink,
                snapshot,
                draft: &draft,
                version,
                actor: actor.clone(),
                run,
            };
            match making.finish()? {
                Some(made) => {
                    if let BuildResult::New(candidate) = &made {
                        hooks::after_cut(reader, hands, sink, snapshot, candidate);
                    }
                    return Ok(made);
                }
                None => sink.notice(Notice::ReleaseMoved),
            }
            continue;
        }
        *snapshot = Snapshot::take(reader, sink)?;
    }
    Err(Moved::Always { what: Contested::Candidates, tries: TRIES }.into())
}

/// Publishes the reservation of the next number. None where the chain moved.
fn reserve(
    reader: &Reader,
    snapshot: &Snapshot,
    draft: &Draft,
    actor: &Actor,
) -> Result<Option<(View<CandidatesState>, CandidateVersion, OpenRun)>> {
    let view = &snapshot.candidates;
    let number = view.state.next_number(&draft.release).max(draft.least_number);
    let version = snapshot.style.notation.candidate(draft.release.clone(), number);
    let event = reader.event(
        snapshot.style.candidate(&version).to_string(),
        actor,
        CandidatesEventKind::Reserved {
            version: version.clone(),
            commit: draft.commit,
            trunk: Some(&reader.home.trunk)
                .filter(|trunk| view.state.trunk.as_ref() != Some(*trunk))
                .cloned(),
        },
    );
    let (after, update) = view.append(&reader.repo, std::slice::from_ref(&event))?;
    let run = reader.journal().open(JournalRun::Reservation {
        version: version.clone(),
        commit: draft.commit,
        nonce: event.nonce,
        expected: view.held,
        mint: None,
    })?;
    match reader.authority().publish(&reader.repo, &[update])? {
        Published::Done => Ok(Some((after, version, run))),
        Published::Moved(_) => {
            run.close();
            Ok(None)
        }
    }
}

/// What a build made.
struct BuildOutput {
    artifacts: Vec<Artifact>,
    references: Vec<Reference>,
    provenance: Option<(Artifact, Sha256)>,
}

/// A reserved candidate on its way.
struct CandidateBuild<'a, 'b> {
    reader: &'a Reader<'a>,
    hands: &'a Hands<'a>,
    sink: &'a dyn Sink,
    snapshot: &'b mut Snapshot,
    draft: &'b Draft,
    version: CandidateVersion,
    actor: Actor,
    run: OpenRun,
}

impl CandidateBuild<'_, '_> {
    /// None where the release moved on meanwhile, and this has to be made again.
    fn finish(mut self) -> Result<Option<BuildResult>> {
        let sink = self.sink;
        let tag = self.snapshot.style.candidate(&self.version);
        sink.notice(Notice::Reserved { tag: &tag, commit: self.draft.commit });
        let made = self.build(&tag).and_then(|built| self.mint(&tag, built));
        match made {
            Ok(made) => {
                self.run.close();
                Ok(made)
            }
            Err(error) => {
                let candidate = Box::new(self.unmade(&tag));
                let is_build = error.is_failed_build();
                let (reason, why) = sink.error_text(error);
                // Otherwise the journal keeps the reservation for the next run to settle.
                let is_abandoned = self.abandon(&reason, is_build).is_ok();
                if is_build {
                    // Never before the record: what was printed must not cost that.
                    let policy = &self.snapshot.policy;
                    output::publish_build(self.reader, sink, policy, &tag, &self.version);
                    hooks::after_build(self.reader, self.hands, sink, self.snapshot, &candidate, &reason);
                }
                if is_abandoned {
                    self.run.close();
                }
                Err(Error::NotMade { candidate, is_abandoned, why: Box::new(why) })
            }
        }
    }

    /// The candidate that was not made: what it would have been.
    fn unmade(&self, tag: &TagName) -> CandidateReport {
        artifacts::candidate_report(self.record(tag, Vec::new(), Vec::new(), None), None)
    }

    fn build(&mut self, tag: &TagName) -> Result<BuildOutput> {
        let (reader, sink) = (self.reader, self.sink);
        let config = self.configuration()?;
        let Some(build) = &config.build else {
            return Ok(BuildOutput { artifacts: Vec::new(), references: Vec::new(), provenance: None });
        };
        let folder = scratch(reader.world)?;
        self.run.works_in(folder.path())?;
        let checkout = Checkout::create(&reader.repo, self.draft.commit, folder.path())?;
        let built = self.build_in(tag, build, &checkout, folder.path());
        if let Err(error) = checkout.remove() {
            sink.notice(Notice::Trouble(error.into()));
        }
        built
    }

    /// The candidate's own configuration, or trunk's where it has none.
    fn configuration(&self) -> Result<Config> {
        if self.snapshot.policy.commit.is_some()
            && let Some(config) = config_at(&self.reader.repo, self.draft.commit)?
        {
            return Ok(config);
        }
        Ok(self.snapshot.policy.config.clone())
    }

    fn build_in(
        &mut self,
        tag: &TagName,
        build: &BuildConfig,
        checkout: &Checkout<'_>,
        folder: &Path,
    ) -> Result<BuildOutput> {
        let (reader, hands, sink) = (self.reader, self.hands, self.sink);
        let started = reader.world.now();
        let list = folder.join("references");
        std::fs::write(&list, "")?;
        let log = workspace::log_file(reader, &output::BUILD, &self.version)?;
        if let Some(command) = &build.command {
            let program = workspace::program(command);
            let env = self.variables(tag, checkout, &list);
            let run = Command_ {
                program: &program,
                cwd: checkout.path(),
                env: &env,
                input: None,
                timeout: Some(build.timeout),
                grace: exec::GRACE,
                log: &log,
                nameless: false,
            };
            self.run.starts()?;
            let (ended, _) = workspace::execute(hands, sink, run, "build", &mut |process| {
                // Without this line a killed run's folder goes while its build is at work, which fails.
                let _ = self.run.started(process);
            });
            if let Some(error) = ended.error(&run) {
                let text = sink.command_text(&error);
                let fault = if matches!(error, exec::Error::Interrupted) {
                    BuildFault::Interrupted
                } else {
                    BuildFault::Command { text, log }
                };
                return Err(failed(tag, fault));
            }
        }
        self.gather(tag, build, checkout, &list, started)
    }

    fn variables(
        &self,
        tag: &TagName,
        checkout: &Checkout<'_>,
        list: &Path,
    ) -> std::collections::BTreeMap<OsString, OsString> {
        let text = |value: &dyn std::fmt::Display| OsString::from(value.to_string());
        let mut env = self.reader.world.env.clone();
        Checkout::scrub(&mut env);
        env.extend(
            [
                ("REL_PROJECT", text(self.reader.project())),
                ("REL_ACTION", "build".into()),
                ("REL_TAG", text(tag)),
                ("REL_VERSION", text(&self.version)),
                ("REL_RELEASE", text(&self.version.release)),
                ("REL_COMMIT", text(&self.draft.commit)),
                ("REL_ACTOR", text(&self.actor)),
                ("REL_SOURCE_DIR", checkout.path().as_os_str().to_owned()),
                ("REL_REFERENCES", list.as_os_str().to_owned()),
            ]
            .map(|(name, value)| (OsString::from(name), value)),
        );
        env
    }

    fn gather(
        &self,
        tag: &TagName,
        build: &BuildConfig,
        checkout: &Checkout<'_>,
        list: &Path,
        started: chrono::DateTime<chrono::Utc>,
    ) -> Result<BuildOutput> {
        let reader = self.reader;
        let cache = artifacts::cache(reader);
        let collected = |error| failed(tag, BuildFault::Collected(error));
        let found = collect(checkout.path(), &build.artifacts).map_err(collected)?;
        let references = match std::fs::read(list) {
            Ok(bytes) => references(&String::from_utf8_lossy(&bytes), &found).map_err(collected)?,
            Err(error) => return Err(unusable(tag, error)),
        };
        let artifacts = &self.snapshot.policy.config.artifacts;
        if let Some(limit) = locate(&artifacts.store)?.limit(artifacts.max_size) {
            check_sizes(&found, limit).map_err(|error| unusable(tag, error))?;
        }
        let mut files = Vec::new();
        for file in &found {
            if file.name == PROVENANCE {
                return Err(failed(tag, BuildFault::ArtifactName(PROVENANCE)));
            }
            files.push(cache.put(&file.path, &file.name)?);
        }
        let remote = reader.repo.remote_url(&reader.home.remote);
        let run_url = reader.world.run_url();
        let statement = provenance::statement(&Provenance {
            project: reader.project(),
            tag,
            commit: &self.draft.commit,
            remote_url: remote.as_deref(),
            commands: build.command.as_slice(),
            internal: [("relVersion", env!("CARGO_PKG_VERSION"))].into(),
            artifacts: &files,
            references: &references,
            builder: "urn:rel:builder:local",
            invocation: run_url.as_deref(),
            started,
            finished: reader.world.now(),
        });
        let bytes = provenance::to_bytes(&statement);
        let digest = sha256_of(&bytes);
        let artifact = Artifact {
            name: PROVENANCE.to_owned(),
            digest,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        cache.insert_stream(&artifact, bytes.as_slice())?;
        Ok(BuildOutput { artifacts: files, references, provenance: Some((artifact, digest)) })
    }

    /// Stores the artifacts and publishes tag, artifacts and entry as one.
    fn mint(&mut self, tag: &TagName, built: BuildOutput) -> Result<Option<BuildResult>> {
        let reader = self.reader;
        let cache = artifacts::cache(reader);
        let location = locate(&self.snapshot.policy.config.artifacts.store)?;
        let now = reader.world.now();
        let stored = self.store(tag, &built, location, &cache, now)?;
        let provenance = built.provenance.map(|(_, digest)| digest);
        let record = self.record(tag, built.artifacts, built.references, provenance);
        let candidate = Candidate { created_at: now, ..record };
        let text = format!("{} {}\n\n{}", candidate.project, candidate.version, self.draft.text);
        let message = candidate.message(&text);
        let object = write_tag(
            &reader.repo,
            tag,
            candidate.commit,
            &self.actor,
            now,
            &message,
            self.snapshot.policy.config.version.sign,
        )?;
        let minted = Minted {
            tag: tag.clone(),
            tag_object: object,
            version: self.version.clone(),
            commit: self.draft.commit,
            trunk_commit: self.draft.trunk_commit,
            position: self.draft.position,
            parent: self.draft.parent.clone(),
        };
        self.publish(Mint { candidate: minted, artifacts: stored }, candidate)
    }

    /// The candidate as its tag will record it.
    fn record(
        &self,
        tag: &TagName,
        artifacts: Vec<Artifact>,
        references: Vec<Reference>,
        provenance: Option<Sha256>,
    ) -> Candidate {
        let config = &self.snapshot.policy.config;
        Candidate {
            tag: tag.clone(),
            project: self.reader.project().clone(),
            version: self.version.clone(),
            commit: self.draft.commit,
            trunk_commit: self.draft.trunk_commit,
            parent: self.draft.parent.clone(),
            picks: self.draft.picks.clone(),
            artifacts,
            references,
            store: config.artifacts.store.clone(),
            provenance,
            nonce: fresh_nonce(),
            created_at: self.reader.world.now(),
            actor: self.actor.clone(),
            signed: config.version.sign,
        }
    }

    fn store(
        &self,
        tag: &TagName,
        built: &BuildOutput,
        location: Location,
        cache: &Cache,
        at: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<Oid>> {
        let files: Vec<Artifact> =
            built.artifacts.iter().chain(built.provenance.as_ref().map(|(file, _)| file)).cloned().collect();
        let publication = Publication {
            tag,
            by: &self.actor,
            at,
            max_size: self.snapshot.policy.config.artifacts.max_size,
        };
        let store = Store::open(location, &self.reader.repo, cache);
        failpoint::step("keep")?;
        store.put(&files, &publication).map_err(|error| match error {
            error @ error::Error::Artifact(ArtifactError::TooLarge { .. }) => unusable(tag, error),
            error => error.into(),
        })
    }

    fn publish(&mut self, mint: Mint, candidate: Candidate) -> Result<Option<BuildResult>> {
        let reader = self.reader;
        self.run.mints(mint.clone())?;
        let minted = &mint.candidate;
        let event =
            reader.event(minted.tag.to_string(), &self.actor, CandidatesEventKind::Minted(minted.clone()));
        let patience = RetryBudget::new(reader);
        loop {
            if self.draft.yields
                && let Some(winner) = self.winner()
            {
                let reason = format!("{} has the same commit and was first", winner.tag);
                self.abandon(&reason, false)?;
                return Ok(Some(BuildResult::Exists(winner)));
            }
            if let Some(newer) = self.overtaken_by() {
                self.abandon(&format!("{newer} was minted meanwhile"), false)?;
                return Ok(None);
            }
            match mint::publish(reader, &self.snapshot.candidates, &mint, &event) {
                Ok((after, Published::Done)) => {
                    self.snapshot.candidates = after;
                    self.snapshot.pool.push(minted.clone());
                    return Ok(Some(BuildResult::New(Box::new(candidate))));
                }
                Ok((_, Published::Moved(moved))) => {
                    let taken =
                        |name: &RefName| moved.iter().any(|(moved, held)| moved == name && held.is_some());
                    if taken(&minted.tag.to_ref().into()) {
                        let tag = minted.tag.clone();
                        return Err(CandidateError::Occupied { tag, artifacts: None }.into());
                    }
                    // Nothing of a reserved number is there but what this run publishes, unless
                    // somebody did away with the chain and left the rest.
                    let artifacts = ArtifactsRef::of(reader.project(), &minted.version);
                    if taken(&artifacts.clone().into()) {
                        let tag = minted.tag.clone();
                        return Err(CandidateError::Occupied { tag, artifacts: Some(artifacts) }.into());
                    }
                }
                Err(error) => {
                    // A rule or a hook that says no to this tag will in a minute: it was not in doubt before.
                    let is_final = matches!(&error, Error::Store(error) if error.is_declined());
                    if is_final || !error.may_pass() || !patience.wait() {
                        return Err(error);
                    }
                }
            }
            while let Err(failure) = self.refresh() {
                if !failure.may_pass() || !patience.wait() {
                    return Err(failure);
                }
            }
            if self.snapshot.minted(&minted.tag).is_some_and(|there| there.tag_object == minted.tag_object) {
                // The push that reported an error had landed all the same.
                return Ok(Some(BuildResult::New(Box::new(candidate))));
            }
        }
    }

    /// Another candidate of the same commit, minted while this one was built.
    fn winner(&self) -> Option<Minted> {
        self.snapshot.pool.iter().find(|m| m.commit == self.draft.commit).cloned()
    }

    /// A newer candidate of the release this one is picked onto.
    fn overtaken_by(&self) -> Option<TagName> {
        let parent = self.draft.parent.as_ref().filter(|_| self.draft.follows)?;
        let release = &self.snapshot.minted(parent)?.version.release;
        let newest = self.snapshot.newest_of(release)?;
        (newest.tag != *parent).then(|| newest.tag.clone())
    }

    fn refresh(&mut self) -> Result<()> {
        let fresh = Snapshot::take(self.reader, self.sink)?;
        self.snapshot.candidates = fresh.candidates;
        self.snapshot.pool = fresh.pool;
        Ok(())
    }

    /// Gives the number up, and takes back what was published for it.
    fn abandon(&mut self, reason: &str, failed: bool) -> Result<()> {
        self.give_up(reason, failed)?;
        self.run.mint().map_or(Ok(()), |mint| mint::take_back(self.reader, self.sink, mint))
    }

    fn give_up(&mut self, reason: &str, failed: bool) -> Result<()> {
        let (reader, sink) = (self.reader, self.sink);
        for _ in 0..TRIES {
            let view = ledger::read::<CandidatesState>(
                &reader.repo,
                &ChainRef::of_candidates(reader.project()),
                &[],
            )?;
            if !view.state.reservations.iter().any(|r| r.version == self.version) {
                return Ok(());
            }
            let event = reader.event(
                self.snapshot.style.candidate(&self.version).to_string(),
                &self.actor,
                CandidatesEventKind::Abandoned {
                    version: self.version.clone(),
                    commit: self.draft.commit,
                    reason: reason.to_owned(),
                    failed,
                },
            );
            let (after, update) = view.append(&reader.repo, &[event])?;
            match reader.authority().publish(&reader.repo, &[update])? {
                Published::Done => {
                    self.snapshot.candidates = after;
                    return Ok(());
                }
                Published::Moved(_) => snapshot::fetch_chains(reader, sink)?,
            }
        }
        Err(Moved::Reservation.into())
    }
}

fn failed(tag: &TagName, fault: BuildFault) -> Error {
    CandidateError::Build { tag: tag.clone(), fault }.into()
}

/// The failure of what a build made and nobody can use.
fn unusable(tag: &TagName, why: impl Into<error::Error>) -> Error {
    failed(tag, BuildFault::Output(Box::new(why.into())))
}
