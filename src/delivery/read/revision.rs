//! What a person means by a revision. One order for every verb; the first
//! that fits is it:
//!
//! 1. a candidate, by its tag or version;
//! 2. an environment, by its name or an earlier one: `prod` is what is live
//!    there, `prod@{1}` what was one deployment ago, undone ones included,
//!    `prod@{2026-11-01}` what was at that time;
//! 3. a release;
//! 4. `trunk`, the authority's, whatever the branch is called;
//! 5. what git knows by that name: a tag of the authority's before one of
//!    this clone, which anybody may have moved.
//!
//! So an environment hides a branch of its name; `refs/heads/prod` is that.
//! Where a candidate is asked for, a commit stands for the newest candidate
//! made of exactly it.

use chrono::{DateTime, Utc};

use crate::delivery::error::{Error, Misuse, NotFound, Result};
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::domain::candidates::{AbandonedBuild, Minted};
use crate::domain::env::{Deployment, EnvState, Progress};
use crate::domain::name::{EnvName, Oid, TagName};
use crate::domain::time_spec::{DayBound, parse_instant};
use crate::domain::version::CandidateVersion;
use crate::store::ledger::{self, View};
use crate::store::repo::Repo;
use crate::store::{self, history};

/// The word for trunk's tip.
pub const TRUNK: &str = "trunk";

/// The fewest digits of an id that may also be read as a version.
const ABBREVIATED: usize = 7;

/// A commit that somebody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Which.
    pub commit: Oid,
    /// The tag at the authority that was named or is meant.
    pub tag: Option<TagName>,
    /// What was typed and what it is, for people: `prod v1.5.1-rc.1`.
    pub label: String,
}

/// How a candidate was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// By its own tag or version, which mean it for good.
    Itself,
    /// As what is, or was, live somewhere.
    Environment,
    /// As the newest of its release.
    Release,
    /// As the one of a commit; trunk's tip too.
    Commit,
}

/// What was live somewhere.
#[derive(Debug)]
struct LiveCommit {
    tag: TagName,
    commit: Oid,
}

impl Snapshot {
    /// The candidate that is meant.
    ///
    /// # Errors
    /// Nothing is called that, or it is no candidate; the nearest ones, or the
    /// way to a candidate, are named.
    pub fn candidate(&self, reader: &Reader, text: &str) -> Result<&Minted> {
        self.candidate_named(reader, text).map(|(minted, _)| minted)
    }

    /// [`Snapshot::candidate`], and how it was named.
    ///
    /// # Errors
    /// As there.
    pub fn candidate_named(&self, reader: &Reader, text: &str) -> Result<(&Minted, Named)> {
        if let Some(minted) = self.called(text) {
            return Ok((minted, Named::Itself));
        }
        if let Some(lived) = self.lived(reader, text)? {
            let minted = self
                .minted(&lived.tag)
                .ok_or_else(|| NotFound::Baseline { text: text.to_owned(), tag: lived.tag.clone() })?;
            return Ok((minted, Named::Environment));
        }
        let release = self.style.explicit(text).ok();
        if let Some(minted) = release.as_ref().and_then(|release| self.newest_of(release)) {
            return Ok((minted, Named::Release));
        }
        if text == TRUNK {
            let minted = self.newest_at(self.trunk).ok_or(NotFound::CandidateOfTrunk(self.trunk))?;
            return Ok((minted, Named::Commit));
        }
        // What is called like a candidate and is none must not become another one of its commit.
        if let Some(object) = theirs(reader, text)?
            && let Ok(tag) = text.parse::<TagName>()
            && let Some(parsed) = self.style.parse(text)
            && self.is_unfinished(reader, &tag, object, &parsed)
        {
            return Err(self.no_such_candidate(text));
        }
        // A release that was never made must not become whatever id happens to begin like it.
        let number = text.len() < ABBREVIATED && text.bytes().all(|b| b.is_ascii_digit());
        if !(release.is_some() && number)
            && let Some(point) = self.git(reader, text)?
        {
            let minted = match self.newest_at(point.commit) {
                Some(minted) => minted,
                None => return Err(self.no_candidate_of(reader, text, &point)?),
            };
            return Ok((minted, Named::Commit));
        }
        Err(self.no_such_candidate(text))
    }

    /// The commit that is meant, for verbs that take any revision. A release
    /// is what its own tag is at, where it has one, else its newest candidate.
    ///
    /// # Errors
    /// Nothing is called that; the nearest names are named.
    pub fn point(&self, reader: &Reader, text: &str) -> Result<Point> {
        if let Some(point) = self.ours(reader, text)? {
            return Ok(point);
        }
        match self.git(reader, text)? {
            Some(point) => Ok(point),
            None => Err(self.no_such_revision(reader, text)),
        }
    }

    /// What only `rel` has names for.
    fn ours(&self, reader: &Reader, text: &str) -> Result<Option<Point>> {
        let named = |tag: &TagName, commit: Oid| {
            let own = tag.as_str() == text;
            let label = if own { text.to_owned() } else { format!("{text} {}", tag.label()) };
            Point { commit, tag: Some(tag.clone()), label }
        };
        if let Some(minted) = self.called(text) {
            let (tag, commit) = (minted.tag.clone(), minted.commit);
            return Ok(Some(Point { commit, label: tag.to_string(), tag: Some(tag) }));
        }
        if let Some(lived) = self.lived(reader, text)? {
            let mut point = named(&lived.tag, lived.commit);
            // What another system put there may be called by no tag at all.
            if self.minted(&lived.tag).is_none() && theirs(reader, lived.tag.as_str())?.is_none() {
                point.tag = None;
            }
            return Ok(Some(point));
        }
        if let Ok(release) = self.style.explicit(text) {
            let tag = self.style.release(&release);
            let object = theirs(reader, tag.as_str())?;
            let closed = self.closed.iter().rev().find(|closed| closed.release == release);
            let commit = match (closed, object) {
                // What its chain says, whatever has become of the tag.
                (Some(closed), _) => Some(closed.commit),
                (None, Some(object)) => reader.repo.peel_to_commit(object)?,
                (None, None) => None,
            };
            if let Some(commit) = commit {
                let label = tag.to_string();
                return Ok(Some(Point { commit, label, tag: object.map(|_| tag) }));
            }
            if let Some(minted) = self.newest_of(&release) {
                return Ok(Some(named(&minted.tag, minted.commit)));
            }
        }
        if text == TRUNK {
            let label = format!("{TRUNK} {}", self.trunk.short());
            return Ok(Some(Point { commit: self.trunk, tag: None, label }));
        }
        Ok(None)
    }

    /// What git has a name for, in any of its spellings; `prod~2` is git's,
    /// too, but for what it begins with.
    fn git(&self, reader: &Reader, text: &str) -> Result<Option<Point>> {
        let repo = &reader.repo;
        let (base, steps) = text.split_at(text.find(['~', '^']).unwrap_or(text.len()));
        let from = if steps.is_empty() { None } else { self.ours(reader, base)?.map(|point| point.commit) };
        let tag = base.parse::<TagName>().ok();
        let found = match (from, theirs(reader, base)?) {
            (Some(from), _) => repo.resolve_commit(&format!("{from}{steps}")),
            (None, Some(object)) => match repo.peel_to_commit(object)? {
                Some(commit) if steps.is_empty() => {
                    return Ok(Some(Point { commit, tag, label: text.to_owned() }));
                }
                Some(commit) => repo.resolve_commit(&format!("{commit}{steps}")),
                None => {
                    return Err(NotFound::CommitOfTag { tag: base.to_owned(), object }.into());
                }
            },
            (None, None) => repo.resolve_commit(text),
        };
        let found = found.map_err(|error| match error {
            store::error::Error::NotACommit { rev, kind } => {
                Error::from(NotFound::CommitCalled { rev, kind })
            }
            _ => error.into(),
        })?;
        Ok(found.map(|commit| {
            let id = commit.to_string().starts_with(&text.to_ascii_lowercase());
            let label = if id { commit.short() } else { format!("{text} {}", commit.short()) };
            Point { commit, tag: None, label }
        }))
    }

    /// What is, or was, live in the environment that is named; none where no
    /// environment is.
    ///
    /// What was live at a moment is what the newest success by then put
    /// there, newest by the chain: of two machines whose clocks disagree, the
    /// one that came later counts. Each clock is that of whoever deployed.
    fn lived(&self, reader: &Reader, text: &str) -> Result<Option<LiveCommit>> {
        let (name, back) = match text.strip_suffix('}').and_then(|text| text.split_once("@{")) {
            Some((name, back)) => (name, Some(back)),
            None => (text, None),
        };
        let Some((name, view)) = self.environment_called(name) else { return Ok(None) };
        let now = reader.world.now();
        let number = back.map_or(Some(0), |back| back.parse::<usize>().ok());
        let at = match (number, back) {
            (None, Some(back)) => Some(parse_instant(back, DayBound::Last, now).map_err(|bad| {
                Misuse::Time { text: text.to_owned(), environment: name.to_string(), why: bad.to_string() }
            })?),
            _ => None,
        };
        let found = match (number, at) {
            (Some(0), _) => live(view),
            (_, Some(at)) if at >= now => live(view),
            (_, Some(at)) => return lived_at(&reader.repo, name, view, at).map(Some),
            (Some(number), _) => lived_back(&reader.repo, view, number)?,
            (None, None) => None,
        };
        let live = || NotFound::Live { environment: name.to_string(), ago: number }.into();
        found.map(Some).ok_or_else(live)
    }

    /// The environment of this name, or the one that had it before.
    fn environment_called(&self, name: &str) -> Option<(&EnvName, &View<EnvState>)> {
        let name: EnvName = name.parse().ok()?;
        self.environments.get_key_value(&name).or_else(|| {
            let mut heirs = self.policy.config.environments.iter();
            let heir = heirs.find(|environment| environment.formerly.contains(&name))?;
            self.environments.get_key_value(&heir.name)
        })
    }

    /// The candidate of this tag or version.
    fn called(&self, text: &str) -> Option<&Minted> {
        let version: Option<CandidateVersion> = text.parse().ok();
        let named =
            |minted: &&Minted| minted.tag.as_str() == text || Some(&minted.version) == version.as_ref();
        self.pool.iter().find(named)
    }

    /// The newest candidate made of exactly this commit.
    fn newest_at(&self, commit: Oid) -> Option<&Minted> {
        self.pool.iter().filter(|minted| minted.commit == commit).max_by(|a, b| a.order().cmp(&b.order()))
    }

    /// A candidate cut from trunk that contains a commit; the oldest one, as
    /// long as each was cut from where the one before it was, or later.
    fn first_with(&self, reader: &Reader, commit: Oid) -> Result<Option<&Minted>> {
        let here = |minted: &&Minted| minted.parent.is_none() && reader.repo.has_object(minted.commit);
        let mut cut: Vec<&Minted> = self.pool.iter().filter(here).collect();
        cut.sort_by(|a, b| a.order().cmp(&b.order()));
        let (mut low, mut high) = (0, cut.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if history::is_ancestor(&reader.repo, commit, cut[middle].commit)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(cut.get(low).copied())
    }

    fn no_candidate_of(&self, reader: &Reader, text: &str, point: &Point) -> Result<Error> {
        let commit = point.commit;
        let what = if point.label == commit.short() {
            point.label.clone()
        } else {
            format!("{text} ({})", commit.short())
        };
        Ok(NotFound::CandidateOf {
            what,
            commit,
            foreign: point.tag.as_ref().map(|_| text.to_owned()),
            on_trunk: history::is_ancestor(&reader.repo, commit, self.trunk)?,
            contained_in: self.first_with(reader, commit)?.map(|minted| minted.tag.clone()),
        }
        .into())
    }

    fn no_such_candidate(&self, text: &str) -> Error {
        let is_called = |build: &&AbandonedBuild| {
            text == build.version.to_string() || text == self.style.candidate(&build.version).as_str()
        };
        if let Some(build) = self.abandoned.iter().find(is_called) {
            let (reason, failed) = (build.reason.clone(), build.failed);
            return NotFound::Unmade { tag: self.style.candidate(&build.version), reason, failed }.into();
        }
        let known = self.pool.iter().rev().map(|minted| minted.tag.clone()).collect();
        NotFound::Candidate { text: text.to_owned(), known }.into()
    }

    fn no_such_revision(&self, reader: &Reader, text: &str) -> Error {
        // A wrong name is wrong whether or not the branches can be read.
        let branches = reader.repo.branches().unwrap_or_default();
        let mut known = vec![TRUNK.to_owned()];
        known.extend(self.environments.keys().map(EnvName::to_string));
        known.extend(self.pool.iter().rev().map(|minted| minted.tag.to_string()));
        known.extend(branches.iter().map(|(name, _)| name.short().to_owned()));
        NotFound::Revision { text: text.to_owned(), known }.into()
    }
}

/// The object of the authority's tag of this name, as this clone knows it.
fn theirs(reader: &Reader, name: &str) -> Result<Option<Oid>> {
    match name.parse::<TagName>() {
        Ok(tag) => Ok(reader.repo.ref_target(reader.tag_copy(&tag))?),
        Err(_) => Ok(None),
    }
}

fn live(view: &View<EnvState>) -> Option<LiveCommit> {
    view.state.current().map(|live| LiveCommit { tag: live.tag.clone(), commit: live.commit })
}

/// Successes, newest first.
fn successes<'r>(repo: &'r Repo, view: &View<EnvState>) -> impl Iterator<Item = Result<Deployment>> + 'r {
    let succeeded = |deployment: &Deployment| deployment.state == Progress::Succeeded;
    deployments::deployments(ledger::events::<EnvState>(repo, view.tip))
        .filter(move |found| found.as_ref().map_or(true, succeeded))
}

/// What was live this many deployments ago; doing one again counts for nothing.
fn lived_back(repo: &Repo, view: &View<EnvState>, number: usize) -> Result<Option<LiveCommit>> {
    let mut left = number;
    let mut newer: Option<TagName> = None;
    for deployment in successes(repo, view) {
        let Deployment { tag, commit, .. } = deployment?;
        match &newer {
            Some(newer) if *newer == tag => continue,
            Some(_) => left -= 1,
            None => {}
        }
        if left == 0 {
            return Ok(Some(LiveCommit { tag, commit }));
        }
        newer = Some(tag);
    }
    Ok(None)
}

fn lived_at(repo: &Repo, name: &EnvName, view: &View<EnvState>, at: DateTime<Utc>) -> Result<LiveCommit> {
    let mut first = None;
    for deployment in successes(repo, view) {
        let deployment = deployment?;
        let Some(end) = deployment.finished_at else { continue };
        if end <= at {
            return Ok(LiveCommit { tag: deployment.tag, commit: deployment.commit });
        }
        first = Some((deployment.tag, end));
    }
    Err(NotFound::LiveAt { environment: name.clone(), at, first }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::read::deployments::tests::chain_of;
    use crate::failure::Failure;
    use crate::store::repo::fixture::Sandbox;

    /// One, two, two again, three which failed, one, four.
    fn told(sandbox: &Sandbox) -> (Repo, View<EnvState>) {
        use Progress::{Failed, Succeeded};
        let repo = sandbox.open("work");
        let deployments = [
            (100, 1, Succeeded),
            (200, 2, Succeeded),
            (300, 2, Succeeded),
            (400, 3, Failed),
            (500, 1, Succeeded),
            // By a clock that was far behind.
            (150, 4, Succeeded),
        ];
        let view = chain_of(&repo, "prod", &deployments);
        (repo, view)
    }

    #[test]
    fn deployments_ago_go_by_what_succeeded_and_differed() {
        let sandbox = Sandbox::new();
        let (repo, view) = told(&sandbox);
        let back = |number| lived_back(&repo, &view, number).unwrap().map(|lived| lived.tag.to_string());
        let tags: Vec<Option<String>> = (0..5).map(back).collect();
        let tag = |number: u8| Some(format!("v1.0.0-rc.{number}"));
        assert_eq!(tags, [tag(4), tag(1), tag(2), tag(1), None]);
        let lived = lived_back(&repo, &view, 2).unwrap().unwrap();
        assert_eq!(lived.commit, Oid::from_bytes([2; Oid::BYTES]), "the commit is that of its deployment");
    }

    #[test]
    fn a_moment_is_answered_by_the_chain_from_its_end() {
        let sandbox = Sandbox::new();
        let (repo, view) = told(&sandbox);
        let name = "prod".parse().unwrap();
        let at = |second| {
            let at = DateTime::from_timestamp(second, 0).unwrap();
            lived_at(&repo, &name, &view, at).map(|lived| lived.tag.to_string())
        };
        assert_eq!(at(101).unwrap(), "v1.0.0-rc.1", "a deployment counts from its end");
        assert_eq!(at(150).unwrap(), "v1.0.0-rc.1");
        // The last one says it ended at 151, and the chain says it came last.
        assert_eq!(at(151).unwrap(), "v1.0.0-rc.4");
        assert_eq!(at(9_999).unwrap(), "v1.0.0-rc.4");
        let error = Failure::from(at(100).unwrap_err());
        assert_eq!(error.message, "nothing was live on prod at 1970-01-01 00:01:40 UTC");
        assert_eq!(error.hints[0], "the first there was v1.0.0-rc.1, from 1970-01-01 00:01:41 UTC on");

        let eu = "eu".parse().unwrap();
        let empty = chain_of(&repo, "eu", &[(100, 1, Progress::Failed)]);
        let error = lived_at(&repo, &eu, &empty, DateTime::UNIX_EPOCH).err().map(Failure::from).unwrap();
        assert_eq!(error.hints, ["nothing ever was", "rel log eu"]);
    }
}
