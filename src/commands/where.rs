//! `rel where`: which candidates and environments contain a commit, and how.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::delivering;
use crate::cli;
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags};
use crate::delivery::read::successes::{Success, successes};
use crate::delivery::read::{containment, range};
use crate::delivery::steps::look;
use crate::delivery::steps::next_candidate;
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::config::Environment;
use crate::domain::containment::Way;
use crate::domain::name::{Oid, TagName};
use crate::domain::spelled::Spelled;
use crate::failure::Result;
use crate::store::history;
use crate::ui::front::Ui;
use crate::ui::r#where::{self as said, Found, Place, Waits, Where};

/// Runs the verb.
///
/// # Errors
/// There is no such commit; the authority cannot be reached.
pub fn run(ui: &Ui, reader: &Reader, args: &cli::Where) -> Result<Map<String, Value>> {
    let snapshot = look::look(reader, ui.screen, "where COMMIT")?;
    let mut asked: Vec<(String, Oid)> = Vec::new();
    for text in &args.commits {
        let commit = snapshot.point(reader, text)?.commit;
        if asked.iter().all(|(_, known)| *known != commit) {
            asked.push((text.clone(), commit));
        }
    }
    let look = Look::new(reader, &snapshot)?;
    let found = look.find(&asked)?;
    ui.screen.result(&match &found[..] {
        [one] => said::one(ui.screen, one, reader.world.now()),
        several => said::several(ui.screen, several),
    });
    let mut document = match (&found[..], ui.screen.is_json()) {
        (_, false) => Map::new(),
        ([one], true) => said::json(one),
        (several, true) => {
            let several: Vec<_> = several.iter().map(said::json).collect();
            Map::from_iter([("commits".to_owned(), json!(several))])
        }
    };
    delivering::policy(ui.screen, &snapshot.policy, &mut document);
    // The process ends with this verb: what was read, names by the thousand, need not be given
    // back piece by piece, which would take a twentieth of the time.
    std::mem::forget((look, found));
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

    fn find(&self, asked: &[(String, Oid)]) -> Result<Vec<Where>> {
        let wanted: Vec<Oid> = asked.iter().map(|(_, commit)| *commit).collect();
        let ways = containment::ways(self.reader, self.snapshot, &self.listed, &wanted, &self.tips)?;
        asked.iter().zip(&ways).map(|((text, commit), ways)| self.one(text, *commit, ways)).collect()
    }

    fn one(&self, text: &str, commit: Oid, ways: &[Option<Way>]) -> Result<Where> {
        let found = |tip: Oid| self.place_of.get(&tip).and_then(|at| ways[*at]);
        // What was taken back is not there any more.
        let way = |tip: Oid| found(tip).filter(|way| way.reverted_by.is_none());
        let change = self.change(commit)?;
        let candidates: Vec<Found> = self
            .tags
            .iter()
            .filter_map(|(tag, tip, foreign)| {
                // Nobody recorded what went into a tag of others.
                let way = found(*tip).filter(|way| !foreign || way.form.is_none())?;
                Some(Found { tag: tag.clone(), way, foreign: *foreign })
            })
            .collect();
        let trunk = found(self.snapshot.trunk);
        let environments = &self.snapshot.policy.config.environments;
        let places = environments.iter().zip(&self.lived).map(|(environment, lived)| {
            let state = &self.snapshot.chain(&environment.name)?.state;
            let live = state.current().and_then(|live| Some((live.clone(), way(live.commit)?)));
            let waits = match &live {
                Some(_) => None,
                None => Some(self.waits(environment, trunk, &way)?),
            };
            Ok(Place {
                name: environment.name.clone(),
                certain: state.certain,
                first: lived.iter().filter(|one| way(one.commit).is_some()).map(|one| one.at).min(),
                live,
                waits,
            })
        });
        Ok(Where {
            asked: (!commit.to_string().starts_with(text)).then(|| text.to_owned()),
            brought: self.brought(commit)?,
            change,
            trunk,
            candidates,
            places: places.collect::<Result<_>>()?,
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
        range::changes(self.reader, &brought)
    }

    /// What a commit that is not live somewhere still waits for.
    fn waits(
        &self,
        environment: &'a Environment,
        trunk: Option<Way>,
        way: &impl Fn(Oid) -> Option<Way>,
    ) -> Result<Waits> {
        let next = next_candidate::coming(&self.gatherer, environment)?;
        if let Some(candidate) = next.filter(|candidate| way(candidate.commit).is_some()) {
            let gates = next_candidate::refusals(&self.gatherer, environment, candidate)?;
            let ready_at = next_candidate::ready_at(&gates, self.gatherer.now);
            return Ok(Waits::Next { tag: candidate.tag.clone(), gates, ready_at });
        }
        let state = &self.snapshot.candidates.state;
        let in_candidates = self.snapshot.pool.iter().filter(|minted| way(minted.commit).is_some());
        let deployable = |minted: &&Minted| state.block(&minted.tag, &minted.version.release).is_none();
        let newest = in_candidates.filter(deployable).max_by(|a, b| a.order().cmp(&b.order()));
        match newest {
            Some(candidate) => {
                let gates = next_candidate::refusals(&self.gatherer, environment, candidate)?;
                Ok(Waits::Candidate { tag: candidate.tag.clone(), gates })
            }
            None => Ok(match trunk {
                Some(Way { reverted_by: Some(by), .. }) => Waits::Reverted(by),
                Some(_) => Waits::Cut,
                None => Waits::Trunk,
            }),
        }
    }
}
