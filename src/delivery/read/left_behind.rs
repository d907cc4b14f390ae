//! What going from what is live to something else leaves behind: fixes that
//! an environment is owed, and points of no return.

use std::cell::{Cell, OnceCell, RefCell};

use rustc_hash::FxHashMap;

use crate::delivery::error::Result;
use crate::delivery::read::candidate_tags::carried;
use crate::delivery::read::containment;
use crate::delivery::read::message_refs::MessageRefs;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::range::changes;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags};
use crate::domain::candidate::Pick;
use crate::domain::candidates::Minted;
use crate::domain::config::LostFix;
use crate::domain::containment::Way;
use crate::domain::env::{EnvState, Live};
use crate::domain::left_behind::{LeftBehind, Lost, Owed, PointOfNoReturn};
use crate::domain::name::{EnvName, Oid, TagName};
use crate::domain::version::Version;
use crate::store::history;

/// Says what is left behind, for one place or for several in a row.
pub struct LeftBehindFinder<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    /// Whether what cannot be read is passed over, for others to tell of.
    only_looks: bool,
    tags: OnceCell<Tags>,
    carried: RefCell<FxHashMap<TagName, Vec<Owed>>>,
    contained: RefCell<FxHashMap<(Oid, Oid), bool>>,
}

impl<'a> LeftBehindFinder<'a> {
    /// For who is about to change something.
    pub fn new(reader: &'a Reader, snapshot: &'a Snapshot) -> LeftBehindFinder<'a> {
        LeftBehindFinder {
            reader,
            snapshot,
            only_looks: false,
            tags: OnceCell::new(),
            carried: RefCell::default(),
            contained: RefCell::default(),
        }
    }

    /// For who only looks, and is told what can be told.
    pub fn looking(reader: &'a Reader, snapshot: &'a Snapshot) -> LeftBehindFinder<'a> {
        LeftBehindFinder { only_looks: true, ..LeftBehindFinder::new(reader, snapshot) }
    }

    fn tags(&self) -> Result<&Tags> {
        match self.tags.get() {
            Some(tags) => Ok(tags),
            None => {
                let tags = self.snapshot.tags(self.reader)?;
                Ok(self.tags.get_or_init(|| tags))
            }
        }
    }

    /// What going from `state` to a candidate would leave behind.
    ///
    /// # Errors
    /// git failed; a commit or a tag that has to be read is not in this clone.
    pub fn to_candidate(&self, state: &EnvState, candidate: &Minted) -> Result<LeftBehind> {
        self.to(state, candidate.commit, Some(candidate.version.release.to_string()))
    }

    /// What going from `state` to a commit would leave behind; `onto` is the
    /// release that it belongs to.
    ///
    /// # Errors
    /// As [`LeftBehindFinder::to_candidate`].
    pub fn to(&self, state: &EnvState, commit: Oid, onto: Option<String>) -> Result<LeftBehind> {
        let Some(live) = state.current() else {
            return Ok(LeftBehind { left: self.left(state, commit)?, ..LeftBehind::default() });
        };
        let owed = self.owed(state, live)?;
        let lost = self.lost(live, &owed, commit, onto)?;
        Ok(LeftBehind { owed: !owed.is_empty(), lost, left: self.left(state, commit)? })
    }

    /// What `decide` decides, knowing what going from `state` to each candidate
    /// would leave behind.
    ///
    /// # Errors
    /// As [`LeftBehindFinder::to_candidate`], for one that it asked about.
    pub fn deciding<T>(
        &self,
        state: &EnvState,
        decide: impl FnOnce(&dyn Fn(&Minted) -> LeftBehind) -> T,
    ) -> Result<T> {
        let failed = Cell::new(None);
        let decided = decide(&|candidate| {
            self.to_candidate(state, candidate).unwrap_or_else(|failure| {
                failed.set(Some(failure));
                LeftBehind::default()
            })
        });
        failed.into_inner().map_or(Ok(decided), Err)
    }

    /// The fixes that whoever replaces `live` must bring: what was picked onto
    /// it, and what it owes itself. What is outside of the project's paths,
    /// what was waived, and what was rolled back there and reverted on trunk,
    /// nobody is owed.
    ///
    /// # Errors
    /// As [`LeftBehindFinder::to_candidate`].
    pub fn owed(&self, state: &EnvState, live: &Live) -> Result<Vec<Owed>> {
        let carried = self.carried(&live.tag)?;
        let is_live = |fix: &Owed| carried.iter().any(|one| one.commit == fix.commit);
        let mut all = self.carried(&live.tag)?;
        for old in &live.owes {
            if all.iter().all(|new| new.commit != old.commit) {
                all.push(old.clone());
            }
        }
        let mut owed = Vec::new();
        if all.is_empty() {
            return Ok(owed);
        }
        let scope = Scope::new(&self.snapshot.policy.config.project.paths)?;
        for fix in all {
            let is_here = history::has(&self.reader.repo, fix.commit)?;
            let own = is_here && scope.touched_by(self.reader, fix.commit)?;
            let given_up = is_here && !is_live(&fix) && self.was_given_up(state, &fix)?;
            if (own || (!is_here && !self.only_looks)) && !given_up && !self.is_waived(&fix)? {
                owed.push(fix);
            }
        }
        Ok(owed)
    }

    /// What was picked onto a candidate, and onto those that it was picked onto.
    fn carried(&self, tag: &TagName) -> Result<Vec<Owed>> {
        if let Some(known) = self.carried.borrow().get(tag) {
            return Ok(known.clone());
        }
        let mut owed: Vec<Owed> = Vec::new();
        if let Some(minted) = self.snapshot.minted(tag).filter(|minted| minted.parent.is_some()) {
            let picks = match carried(self.reader, self.snapshot, minted) {
                Err(_) if self.only_looks => Vec::new(),
                picks => picks?,
            };
            let fix = |(pick, candidate): (Pick, TagName)| Owed {
                source: pick.source,
                commit: pick.commit,
                candidate,
            };
            owed.extend(picks.into_iter().map(fix));
        }
        self.carried.borrow_mut().insert(tag.clone(), owed.clone());
        Ok(owed)
    }

    /// Whether a fix that is not live was rolled back, and trunk has reverted it too.
    fn was_given_up(&self, state: &EnvState, fix: &Owed) -> Result<bool> {
        let mut rolled_back = false;
        for tag in &state.undone {
            rolled_back |= self.carried(tag)?.iter().any(|one| one.commit == fix.commit);
        }
        if !rolled_back {
            return Ok(false);
        }
        let (wanted, trunk) = ([fix.commit], [self.snapshot.trunk]);
        let ways = containment::ways(self.reader, self.snapshot, self.tags()?, &wanted, &trunk)?;
        Ok(ways[0][0].is_some_and(|way| way.reverted_by.is_some()))
    }

    /// Whether somebody said that it is meant to be missing.
    fn is_waived(&self, fix: &Owed) -> Result<bool> {
        let waivers = self.snapshot.candidates.state.waivers.iter();
        let meant: Vec<Oid> =
            waivers.filter(|waiver| waiver.trunk_commit.is_none()).map(|waiver| waiver.commit).collect();
        let is_meant = |names: &[Oid]| names.iter().any(|name| meant.contains(name));
        if meant.is_empty() || is_meant(&[fix.source, fix.commit]) {
            return Ok(!meant.is_empty());
        }
        if !history::has(&self.reader.repo, fix.commit)? {
            return Ok(false);
        }
        let forms = containment::forms(self.reader, self.snapshot, self.tags()?, &[fix.commit])?;
        Ok(is_meant(&forms.concat()))
    }

    /// Those of what whoever replaces `live` must bring that a commit does not contain.
    ///
    /// # Errors
    /// As [`LeftBehindFinder::to_candidate`].
    pub fn lost(&self, live: &Live, owed: &[Owed], commit: Oid, onto: Option<String>) -> Result<Vec<Lost>> {
        let carried = self.carried(&live.tag)?;
        let is_live = |fix: &Owed| carried.iter().any(|one| one.commit == fix.commit);
        let mut lost = Vec::new();
        let mut asked = Vec::new();
        for fix in self.not_plainly_in(owed, commit)? {
            match history::has(&self.reader.repo, fix.commit)? {
                true => asked.push(fix),
                false => lost.push(self.told(fix, is_live(fix), None, onto.clone())?),
            }
        }
        if asked.is_empty() {
            return Ok(lost);
        }
        let wanted: Vec<Oid> = asked.iter().map(|fix| fix.commit).collect();
        let tips = [commit, self.snapshot.trunk];
        let ways = containment::ways(self.reader, self.snapshot, self.tags()?, &wanted, &tips)?;
        for (fix, ways) in asked.into_iter().zip(&ways) {
            let [there, trunk] = ways[..] else { continue };
            let stands = there.is_some_and(|way| way.reverted_by.is_none());
            if !stands && !self.takes_back_nothing(fix, commit)? {
                let on_trunk = trunk.map(|way| (way.form.unwrap_or(fix.commit), way.reverted_by));
                lost.push(self.told(fix, is_live(fix), on_trunk, onto.clone())?);
            }
        }
        Ok(lost)
    }

    /// Whether a fix is a revert of what a commit does not contain anyway.
    fn takes_back_nothing(&self, fix: &Owed, commit: Oid) -> Result<bool> {
        let reverted = changes(self.reader, &[fix.commit])?.swap_remove(0).reverts;
        for target in &reverted {
            if !history::has(&self.reader.repo, *target)? {
                return Ok(false);
            }
        }
        if reverted.is_empty() {
            return Ok(false);
        }
        let ways = containment::ways(self.reader, self.snapshot, self.tags()?, &reverted, &[commit])?;
        let stands = |ways: &Vec<Option<Way>>| ways[0].is_some_and(|way| way.reverted_by.is_none());
        Ok(!ways.iter().any(stands))
    }

    /// Takes note of whether `tip` contains `commit`, as somebody found out
    /// while they counted.
    pub fn learn(&self, tip: Oid, commit: Oid, contains: bool) {
        self.contained.borrow_mut().insert((tip, commit), contains);
    }

    fn contains(&self, tip: Oid, commit: Oid) -> Result<bool> {
        if let Some(known) = self.contained.borrow().get(&(tip, commit)) {
            return Ok(*known);
        }
        let contains = history::is_ancestor(&self.reader.repo, commit, tip)?;
        self.learn(tip, commit, contains);
        Ok(contains)
    }

    /// Those that are not known at once to be in a commit: nearly every fix is
    /// from trunk, and nothing was ever reverted since.
    fn not_plainly_in<'f>(&self, owed: &'f [Owed], commit: Oid) -> Result<Vec<&'f Owed>> {
        let (mut there, mut rest) = (Vec::new(), Vec::new());
        for fix in owed {
            let is_here = history::has(&self.reader.repo, fix.source)?;
            if is_here && self.contains(commit, fix.source)? { there.push(fix) } else { rest.push(fix) }
        }
        if there.is_empty() {
            return Ok(rest);
        }
        let sources: Vec<Oid> = there.iter().map(|fix| fix.source).collect();
        let mentions = MessageRefs::of(self.reader, self.snapshot, &sources, &[])?;
        let picked = self.picks_revert_something(commit)?;
        for fix in there {
            let names = [fix.source, fix.commit];
            if picked || !mentions.reverts(self.reader, &names, fix.source)?.is_empty() {
                rest.push(fix);
            }
        }
        Ok(rest)
    }

    /// Whether anything that was picked for the candidate at a commit is a revert.
    fn picks_revert_something(&self, commit: Oid) -> Result<bool> {
        let made = self.snapshot.pool.iter().rev().find(|minted| minted.commit == commit);
        let picked = made.map(|minted| self.carried(&minted.tag)).transpose()?.unwrap_or_default();
        for pick in picked {
            if !changes(self.reader, &[pick.commit])?.swap_remove(0).reverts.is_empty() {
                return Ok(true);
            }
        }
        // What stands beside trunk and is no candidate may have anything.
        Ok(made.is_none() && !self.contains(self.snapshot.trunk, commit)?)
    }

    fn told(
        &self,
        fix: &Owed,
        live: bool,
        on_trunk: Option<(Oid, Option<Oid>)>,
        onto: Option<String>,
    ) -> Result<Lost> {
        let subject = match history::has(&self.reader.repo, fix.commit)? {
            true => changes(self.reader, &[fix.commit])?.swap_remove(0).subject,
            false => String::new(),
        };
        let record =
            self.snapshot.minted(&fix.candidate).map(|minted| self.snapshot.record(self.reader, minted));
        let picked = record.and_then(std::result::Result::ok).map(|record| (record.actor, record.created_at));
        Ok(Lost { fix: fix.clone(), live, subject, picked, on_trunk, onto })
    }

    /// Points of no return that were reached in an environment, and that a
    /// commit does not contain in any form.
    fn left(&self, state: &EnvState, commit: Oid) -> Result<Vec<PointOfNoReturn>> {
        let mut left = Vec::new();
        let mut asked: Vec<Oid> = Vec::new();
        for (tag, reached) in reached(state) {
            for change in changes(self.reader, &self.beyond(tag, reached, commit)?)? {
                if change.rollback_safe == Some(false) && !asked.contains(&change.commit) {
                    asked.push(change.commit);
                    left.push(PointOfNoReturn { commit: change.commit, subject: change.subject });
                }
            }
        }
        if left.is_empty() {
            return Ok(left);
        }
        let ways = containment::ways(self.reader, self.snapshot, self.tags()?, &asked, &[commit])?;
        let pairs = left.into_iter().zip(&ways);
        Ok(pairs.filter(|(_, ways)| ways[0].is_none()).map(|(point, _)| point).collect())
    }

    /// The commits of what was reached that another may not contain.
    fn beyond(&self, tag: &TagName, reached: Oid, commit: Oid) -> Result<Vec<Oid>> {
        if !history::has(&self.reader.repo, reached)? {
            return Ok(Vec::new());
        }
        match self.snapshot.minted(tag) {
            // Beyond trunk it has nothing but its picks.
            Some(minted) if self.contains(commit, minted.trunk_commit)? => {
                Ok(self.carried(tag)?.into_iter().map(|pick| pick.commit).collect())
            }
            _ if self.contains(commit, reached)? => Ok(Vec::new()),
            _ => Ok(history::range(&self.reader.repo, &[commit], reached)?),
        }
    }
}

/// What an environment may have been brought to: what is live, and what was
/// begun since and did not succeed.
fn reached(state: &EnvState) -> Vec<(&TagName, Oid)> {
    let success = state.success.as_ref().map_or(0, |success| success.seq);
    let last = state.last.as_ref().filter(|last| last.is_unfinished() && last.started);
    let unknown = state.unresolved.iter().filter(|open| open.seq > success);
    let mut reached: Vec<_> = state.current().map(|live| (&live.tag, live.commit)).into_iter().collect();
    reached.extend(last.map(|last| (&last.tag, last.target.commit)));
    reached.extend(unknown.map(|open| (&open.tag, open.commit)));
    reached.dedup();
    reached
}

/// A live fix that a new candidate lacks, and the environments that would lose it.
#[derive(Debug, Clone)]
pub struct LostByCut {
    /// The fix.
    pub lost: Lost,
    /// Where it is live, in the policy's order.
    pub environments: Vec<EnvName>,
}

/// The fixes that are live somewhere and not in a commit that becomes a
/// candidate of `release`: whoever deploys it there would lose them.
///
/// # Errors
/// As [`LeftBehindFinder::to_candidate`].
pub fn lost_by_cut(
    reader: &Reader,
    snapshot: &Snapshot,
    commit: Oid,
    release: &Version,
) -> Result<Vec<LostByCut>> {
    let finder = LeftBehindFinder::new(reader, snapshot);
    let mut found: Vec<LostByCut> = Vec::new();
    for environment in &snapshot.policy.config.environments {
        let state = &snapshot.chain(&environment.name)?.state;
        let Some(live) = state.current().filter(|_| environment.lost_fix() != LostFix::Off) else { continue };
        let owed = finder.owed(state, live)?;
        for lost in finder.lost(live, &owed, commit, Some(release.to_string()))? {
            match found.iter_mut().find(|known| known.lost.fix.commit == lost.fix.commit) {
                Some(known) => known.environments.push(environment.name.clone()),
                None => found.push(LostByCut { lost, environments: vec![environment.name.clone()] }),
            }
        }
    }
    Ok(found)
}
