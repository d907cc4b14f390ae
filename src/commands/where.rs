//! `rel where`: which candidates and environments contain a commit, and how.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags};
use crate::delivery::read::successes::{Success, successes};
use crate::delivery::read::{containment, range};
use crate::delivery::steps::next_candidate;
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::config::Environment;
use crate::domain::containment::{Via, Way};
use crate::domain::name::{Oid, TagName};
use crate::domain::report::Document;
use crate::domain::report::whereabouts::{
    CommitWhereabouts, ContainingEnvironment, ContainingTag, Wait, WaitReport, WhereReport,
};
use crate::domain::spelled::Spelled;
use crate::failure::Result;
use crate::store::history;
use crate::ui::front::Ui;
use crate::ui::{gate, r#where as said};

/// Runs the verb.
///
/// # Errors
/// There is no such commit; the authority cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Where) -> Result<Document> {
    let snapshot = dry_run::look(ui, reader, "where COMMIT")?;
    let mut asked: Vec<(String, Oid)> = Vec::new();
    for text in &args.commits {
        let commit = snapshot.point(reader, text)?.commit;
        if asked.iter().all(|(_, known)| *known != commit) {
            asked.push((text.clone(), commit));
        }
    }
    let look = Look::new(reader, &snapshot)?;
    let found = look.find(&asked)?;
    ui.screen.result_of(|| match &found[..] {
        [one] => said::one(ui.screen, one, reader.world.now()),
        several => said::several(ui.screen, several),
    });
    let report = match <[CommitWhereabouts; 1]>::try_from(found) {
        Ok([one]) => WhereReport::One(Box::new(one)),
        Err(commits) => WhereReport::Several { commits },
    };
    let document = delivering::document(ui.screen, &snapshot.policy, report);
    // The process ends with this verb: what was read, names by the thousand, need not be given
    // back piece by piece, which would take a twentieth of the time.
    std::mem::forget(look);
    std::mem::forget(snapshot);
    Ok(document)
}

/// What every commit is looked for in.
struct Look<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    gatherer: Gatherer<'a>,
    listed: Tags,
    /// Candidates, then tags of others; newest first.
    tags: Vec<(TagName, Oid, bool)>,
    /// What was ever live in each environment, in the policy's order.
    lived: Vec<Vec<Success>>,
    /// Every commit that may contain one, each once: trunk's tip first.
    tips: Vec<Oid>,
    place_of: FxHashMap<Oid, usize>,
}

impl<'a> Look<'a> {
    fn new(reader: &'a Reader, snapshot: &'a Snapshot) -> Result<Look<'a>> {
        let mut pool: Vec<&Minted> = snapshot.pool.iter().collect();
        pool.sort_by(|a, b| b.order().cmp(&a.order()));
        let mut tags: Vec<(TagName, Oid, bool)> =
            pool.into_iter().map(|minted| (minted.tag.clone(), minted.commit, false)).collect();
        let mut others: Vec<_> = Vec::new();
        let listed = snapshot.tags(reader)?;
        for (tag, _, parsed) in snapshot.foreign(reader, &listed) {
            if let Some(commit) = listed.commit(reader, tag.as_str())? {
                others.push((parsed, tag, commit));
            }
        }
        let rank = |tag: &TagName| Some(Spelled::read(snapshot.style.version_text(tag.as_str())?)?.rank());
        others.sort_by_cached_key(|(parsed, tag, _)| {
            Reverse((parsed.version().clone(), rank(tag), tag.clone()))
        });
        tags.extend(others.into_iter().map(|(_, tag, commit)| (tag, commit, true)));
        let mut look = Look {
            reader,
            snapshot,
            gatherer: Gatherer::looking(reader, snapshot),
            listed,
            tags: Vec::new(),
            lived: Vec::new(),
            tips: Vec::new(),
            place_of: FxHashMap::default(),
        };
        look.tip(snapshot.trunk)?;
        for (_, commit, _) in &tags {
            look.tip(*commit)?;
        }
        look.tags = tags;
        for environment in &snapshot.policy.config.environments {
            let view = snapshot.chain(&environment.name)?;
            let lived = successes(reader, &environment.name, view)?;
            for one in &lived {
                look.tip(one.commit)?;
            }
            look.lived.push(lived);
        }
        Ok(look)
    }

    /// Takes a commit as one that may contain others, if it is in this clone.
    fn tip(&mut self, commit: Oid) -> Result<()> {
        if !self.place_of.contains_key(&commit) && history::has(&self.reader.repo, commit)? {
            self.place_of.insert(commit, self.tips.len());
            self.tips.push(commit);
        }
        Ok(())
    }

    fn find(&self, asked: &[(String, Oid)]) -> Result<Vec<CommitWhereabouts>> {
        let wanted: Vec<Oid> = asked.iter().map(|(_, commit)| *commit).collect();
        let ways = containment::ways(self.reader, self.snapshot, &self.listed, &wanted, &self.tips)?;
        asked.iter().zip(&ways).map(|((text, commit), ways)| self.one(text, *commit, ways)).collect()
    }

    fn one(&self, text: &str, commit: Oid, ways: &[Option<Way>]) -> Result<CommitWhereabouts> {
        let found = |tip: Oid| self.place_of.get(&tip).and_then(|at| ways[*at]);
        // What was taken back is not there any more.
        let way = |tip: Oid| found(tip).filter(|way| way.reverted_by.is_none());
        let change = self.change(commit)?;
        let candidates: Vec<ContainingTag> = self
            .tags
            .iter()
            .filter_map(|(tag, tip, foreign)| {
                // Nobody recorded what went into a tag of others.
                let way = found(*tip).filter(|way| !foreign || way.form.is_none())?;
                Some(ContainingTag { tag: tag.clone(), way, foreign: *foreign })
            })
            .collect();
        let trunk = found(self.snapshot.trunk);
        let environments = &self.snapshot.policy.config.environments;
        let environments = environments.iter().zip(&self.lived).map(|(environment, lived)| {
            let state = &self.snapshot.chain(&environment.name)?.state;
            let live = state.current().and_then(|live| Some((live, way(live.commit)?)));
            let waits_for = match &live {
                Some(_) => None,
                None => Some(self.waits_for(environment, trunk, &way)?),
            };
            Ok(ContainingEnvironment {
                name: environment.name.clone(),
                live: live.is_some(),
                tag: live.map(|(live, _)| live.tag.clone()),
                via: live.map(|(_, way)| way.via),
                form: live.and_then(|(_, way)| way.form),
                since: live.map(|(live, _)| live.since),
                first_live_at: lived.iter().filter(|one| way(one.commit).is_some()).map(|one| one.at).min(),
                certain: state.certain,
                waits_for,
            })
        });
        Ok(CommitWhereabouts {
            asked: (!commit.to_string().starts_with(text)).then(|| text.to_owned()),
            commit,
            subject: change.subject,
            author: change.author,
            committed_at: change.committed_at,
            on_trunk: trunk.is_some_and(|way| way.via == Via::Ancestor),
            on_trunk_as: trunk.and_then(|way| way.form),
            reverted_by: trunk.and_then(|way| way.reverted_by),
            trunk,
            brought: self.brought(commit)?,
            candidates,
            environments: environments.collect::<Result<_>>()?,
        })
    }

    fn change(&self, commit: Oid) -> Result<Change> {
        Ok(range::changes(self.reader, &[commit])?.swap_remove(0))
    }

    /// What a merge brought to the line of its first parent, newest first.
    fn brought(&self, commit: Oid) -> Result<Vec<Change>> {
        let parents = history::parents(&self.reader.repo, commit)?;
        let Some((first, others)) = parents.split_first().filter(|(_, others)| !others.is_empty()) else {
            return Ok(Vec::new());
        };
        let brought = history::between(&self.reader.repo, &[*first], others, usize::MAX)?;
        Ok(range::changes(self.reader, &brought)?)
    }

    /// What a commit that is not live somewhere still waits for.
    fn waits_for(
        &self,
        environment: &'a Environment,
        trunk: Option<Way>,
        way: &impl Fn(Oid) -> Option<Way>,
    ) -> Result<WaitReport> {
        let wait = |what| WaitReport {
            what,
            tag: None,
            gates: Vec::new(),
            ready_at: None,
            reverted_by: None,
            is_next: false,
        };
        let next = next_candidate::coming(&self.gatherer, environment)?;
        if let Some(candidate) = next.filter(|candidate| way(candidate.commit).is_some()) {
            let gates = next_candidate::refusals(&self.gatherer, environment, candidate)?;
            return Ok(WaitReport {
                tag: Some(candidate.tag.clone()),
                ready_at: next_candidate::ready_at(&gates, self.gatherer.now),
                gates: gates.into_iter().map(gate::report).collect(),
                is_next: true,
                ..wait(Wait::Deployment)
            });
        }
        let state = &self.snapshot.candidates.state;
        let in_candidates = self.snapshot.pool.iter().filter(|minted| way(minted.commit).is_some());
        let deployable = |minted: &&Minted| state.block(&minted.tag, &minted.version.release).is_none();
        let newest = in_candidates.filter(deployable).max_by(|a, b| a.order().cmp(&b.order()));
        Ok(match (newest, trunk) {
            (Some(candidate), _) => WaitReport {
                tag: Some(candidate.tag.clone()),
                gates: next_candidate::refusals(&self.gatherer, environment, candidate)?
                    .into_iter()
                    .map(gate::report)
                    .collect(),
                ..wait(Wait::Deployment)
            },
            (None, Some(Way { reverted_by: Some(by), .. })) => {
                WaitReport { reverted_by: Some(by), ..wait(Wait::Nothing) }
            }
            (None, Some(_)) => wait(Wait::Cut),
            (None, None) => wait(Wait::Trunk),
        })
    }
}
