//! `rel list`: releases and their candidates, newest first.

use std::collections::{BTreeMap, HashSet};

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::candidate_tags::CandidateTags;
use crate::delivery::read::deployments;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags};
use crate::delivery::run::artifacts::candidate_report;
use crate::domain::candidates::{Block, Minted};
use crate::domain::name::{Actor, EnvName, Oid, TagName};
use crate::domain::report::Document;
use crate::domain::report::candidate::BlockReport;
use crate::domain::report::list::{
    BuildReport, BuildState, ListReport, ListedCandidate, ListedTag, ReleaseReport, UnreadCandidate,
};
use crate::domain::spelled::{Rank, Spelled};
use crate::domain::version::{CandidateVersion, ParsedTag, Version};
use crate::failure::{Failure, Result};
use crate::ui::front::Ui;
use crate::ui::list;

/// Runs the verb.
///
/// # Errors
/// The authority cannot be reached. A tag that is not the one that was minted
/// is a warning: it must not hide the rest.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::List) -> Result<Document> {
    let snapshot = dry_run::look(ui, reader, "list")?;
    let tags = snapshot.tags(reader)?;
    let records = CandidateTags::read(reader, &snapshot)?;
    let mut gathering = Gathering { ui, reader, snapshot: &snapshot, tags: &tags, records };
    let mut foreign = foreign(reader, &snapshot, &tags);
    let mut ours: BTreeMap<&Version, Vec<&Minted>> = BTreeMap::new();
    for minted in &snapshot.pool {
        ours.entry(&minted.version.release).or_default().push(minted);
    }
    let mut releases = Vec::new();
    let mut order = order(&snapshot, &foreign).into_iter();
    while releases.len() < args.number.unwrap_or(usize::MAX)
        && let Some(release) = order.next()
    {
        let others = foreign.remove(&release).unwrap_or_default();
        let ours = ours.remove(&release).unwrap_or_default();
        let gathered = gathering.release(release, &ours, others)?;
        if !gathered.candidates.is_empty() {
            releases.push(gathered);
        }
    }
    let builds = builds(&snapshot);
    ui.screen.result_of(|| match &releases[..] {
        [] if args.number != Some(0) && builds.is_empty() => "no candidates yet: rel cut".to_owned(),
        releases => list::releases(ui.screen, releases, &builds, reader.world.now()),
    });
    Ok(delivering::document(ui.screen, &snapshot.policy, ListReport { releases, builds }))
}

/// The numbers that are no candidates, newest first.
fn builds(snapshot: &Snapshot) -> Vec<BuildReport> {
    let report = |version: &CandidateVersion, commit, state, (actor, at): (&Actor, _), reason| BuildReport {
        tag: snapshot.style.candidate(version),
        state,
        actor: actor.clone(),
        at,
        reason,
        version: version.clone(),
        commit,
    };
    let open =
        snapshot.candidates.state.reservations.iter().rev().map(|open| {
            report(&open.version, open.commit, BuildState::Reserved, (&open.actor, open.at), None)
        });
    let ended = snapshot.abandoned.iter().rev().map(|ended| {
        let state = if ended.failed { BuildState::Failed } else { BuildState::Abandoned };
        report(&ended.version, ended.commit, state, (&ended.actor, ended.at), Some(ended.reason.clone()))
    });
    open.chain(ended).collect()
}

/// A version tag of somebody else's, before anybody looked at its commit.
struct Theirs {
    tag: TagName,
    parsed: ParsedTag,
}

/// Version tags of others, by their release.
fn foreign(reader: &Reader, snapshot: &Snapshot, tags: &Tags) -> BTreeMap<Version, Vec<Theirs>> {
    let mut found: BTreeMap<Version, Vec<Theirs>> = BTreeMap::new();
    for (tag, _, parsed) in snapshot.foreign(reader, tags) {
        found.entry(parsed.version().clone()).or_default().push(Theirs { tag, parsed });
    }
    found
}

/// Every release, newest first: ours by trunk, then version. Nothing records
/// where on trunk those of others are, so each stands where its version
/// belongs among ours.
fn order(snapshot: &Snapshot, foreign: &BTreeMap<Version, Vec<Theirs>>) -> Vec<Version> {
    let lines = &snapshot.candidates.state.releases;
    let mut ours: Vec<_> = lines.iter().filter(|line| line.minted).collect();
    ours.sort_by(|a, b| (b.position, &b.release).cmp(&(a.position, &a.release)));
    let known: HashSet<&Version> = ours.iter().map(|line| &line.release).collect();
    let mut others = foreign.keys().rev().filter(|release| !known.contains(release)).peekable();
    let mut order = Vec::new();
    for line in &ours {
        while let Some(other) = others.next_if(|other| **other > line.release) {
            order.push(other.clone());
        }
        order.push(line.release.clone());
    }
    order.extend(others.cloned());
    order
}

/// Releases as they are put together for the list.
struct Gathering<'a> {
    ui: &'a Ui<'a>,
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    tags: &'a Tags,
    records: CandidateTags,
}

impl Gathering<'_> {
    /// A release with its candidates, newest first; the tag of the release itself
    /// comes before them all.
    fn release(&mut self, release: Version, ours: &[&Minted], theirs: Vec<Theirs>) -> Result<ReleaseReport> {
        let (reader, snapshot, tags) = (self.reader, self.snapshot, self.tags);
        let state = &snapshot.candidates.state;
        let closed = state.release_state(&release).is_some_and(|line| line.closed);
        let (mut tagged, mut spellings) = (false, Vec::new());
        let released = if closed { winner(reader, tags, &snapshot.style.release(&release))? } else { None };
        let mut candidates: Vec<((Option<Rank>, TagName), ListedCandidate)> = Vec::new();
        for minted in ours {
            let block = state.block(&minted.tag, &release);
            let candidate = ListedCandidate {
                tag: self.tag(minted, block)?,
                foreign: false,
                block: block.map(BlockReport::from),
                live: live(snapshot, &minted.tag),
                released: released == Some(minted.commit),
            };
            candidates.push(((rank(&minted.version.to_string()), minted.tag.clone()), candidate));
        }
        for Theirs { tag, parsed } in theirs {
            // A tag on something other than a commit is nothing to deploy.
            let Some(commit) = tags.commit(reader, tag.as_str())? else { continue };
            let version = snapshot.style.version_text(tag.as_str()).unwrap_or(tag.as_str()).to_owned();
            let number = match &parsed {
                ParsedTag::Candidate(candidate) => Some(candidate.number),
                ParsedTag::Release(_) | ParsedTag::Foreign { .. } => None,
            };
            let spelled = Spelled::read(&version);
            let rank = spelled.as_ref().map(Spelled::rank);
            if matches!(parsed, ParsedTag::Release(_)) {
                tagged = true;
            }
            if let Some(spelled) = spelled {
                spellings.push(version[..version.len() - spelled.suffix.len()].to_owned());
            }
            let block = state.block(&tag, &release);
            let unread = UnreadCandidate {
                number,
                ..UnreadCandidate::new(tag.clone(), version, commit, block.is_some())
            };
            let candidate = ListedCandidate {
                live: live(snapshot, &tag),
                tag: ListedTag::Unread(Box::new(unread)),
                foreign: true,
                block: block.map(BlockReport::from),
                released: false,
            };
            candidates.push(((rank, tag), candidate));
        }
        candidates.sort_by(|(a, _), (b, _)| b.cmp(a));
        let name = release.to_string();
        // Where nobody spells it as rel does, it is called as its tags spell it.
        let name = if ours.is_empty() && !spellings.contains(&name) {
            spellings.pop().unwrap_or(name)
        } else {
            name
        };
        let mut candidates: Vec<_> = candidates.into_iter().map(|(_, candidate)| candidate).collect();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.foreign) {
            if let ListedTag::Unread(unread) = &mut candidate.tag {
                unread.release.clone_from(&name);
            }
        }
        Ok(ReleaseReport { release: name, closed: closed || tagged, candidates })
    }

    /// All that the candidate's tag records, or what the chain alone can say.
    fn tag(&mut self, minted: &Minted, block: Option<&Block>) -> Result<ListedTag> {
        match self.records.take(self.reader, minted, self.tags) {
            Ok(record) => Ok(ListedTag::Read(Box::new(candidate_report(record, block)))),
            Err(error) if error.is_integrity() => {
                let failure = Failure::from(error);
                let why = failure.reasons.first().map_or(failure.message.clone(), |r| r.message.clone());
                self.ui.screen.warn(&format!("{}: {why}", failure.message));
                let (actor, created_at) = deployments::minted_by(self.reader, self.snapshot, minted)?.unzip();
                let Minted { tag, version, commit, .. } = minted.clone();
                Ok(ListedTag::Unread(Box::new(UnreadCandidate {
                    release: version.release.to_string(),
                    number: Some(version.number),
                    trunk_commit: Some(minted.trunk_commit),
                    parent: minted.parent.clone(),
                    created_at,
                    actor,
                    damaged: Some(why),
                    ..UnreadCandidate::new(tag, version.to_string(), commit, block.is_some())
                })))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a version stands among those of its release.
fn rank(version: &str) -> Option<Rank> {
    Spelled::read(version).map(|spelled| spelled.rank())
}

/// The commit that the release's own tag is at, if this clone knows it.
fn winner(reader: &Reader, tags: &Tags, release: &TagName) -> Result<Option<Oid>> {
    Ok(tags.commit(reader, release.as_str())?)
}

/// Where a candidate is live, in the policy's order.
fn live(snapshot: &Snapshot, tag: &TagName) -> Vec<EnvName> {
    let environments = snapshot.policy.config.environments.iter().map(|environment| &environment.name);
    environments
        .filter(|name| {
            let current = snapshot.environments.get(*name).and_then(|view| view.state.current());
            current.is_some_and(|live| live.tag == *tag)
        })
        .cloned()
        .collect()
}
