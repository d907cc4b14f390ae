//! The lineage of tagged commits: a line of commits, each contained in the next,
//! and the others beside it, with the commits that they alone contain.
//!
//! Containment never changes, so the lineage is kept from one run to the next,
//! and of a thousand tags hardly one is walked from: the first commit of the line
//! that contains another is found by a search, and all later ones contain it too.
//! Replace refs, grafts and the edge of a shallow clone may change containment;
//! there no lineage may be asked.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{Containment, between, has, is_ancestor, newest_of};
use crate::domain::name::Oid;
use crate::store::error::Result;
use crate::store::repo::Repo;

/// The most commits that are kept of those that a commit beside the line contains
/// and the line does not. A commit with more is walked from.
const MAX_ABOVE: usize = 256;

/// Tagged commits, and how they contain each other.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagLineage {
    /// Each contained in the next.
    on: Vec<Oid>,
    beside: Vec<Beside>,
    /// The commits that those beside it contain, each once: one release's tags share nearly all.
    above: Vec<Oid>,
    /// Trunk's tip when it was last read, if that contains all of the line.
    trunk: Option<Oid>,
}

/// A tagged commit that is not on the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Beside {
    commit: Oid,
    /// How many of the line's first commits it contains.
    base: usize,
    /// The index of the first commit of the line that contains it; `None` if none did at first.
    within: Option<usize>,
    /// The commits that it contains and the line before `base` does not, by their index in the
    /// lineage's `above`; `None` if there are too many.
    above: Option<Vec<usize>>,
    /// Length of the prefix of `above` that the next commit on the lineage lacks too.
    own: usize,
}

/// Where a tip is.
#[derive(Clone, Copy)]
enum Position {
    On(usize),
    Beside(usize),
}

impl TagLineage {
    /// Whether containment in this repository is that of its commits alone.
    ///
    /// # Errors
    /// git failed.
    pub fn holds_in(repo: &Repo) -> Result<bool> {
        Ok(!repo.commits()?.is_rewritten())
    }

    /// Whether its commits are in this clone still: once nothing leads to them
    /// any more, as after trunk was rewritten, git collects them.
    ///
    /// # Errors
    /// git failed.
    pub fn is_here(&self, repo: &Repo) -> Result<bool> {
        // The newest contains all others of the line; one beside it is only asked about as a tip.
        self.on.last().map_or(Ok(true), |newest| has(repo, *newest))
    }

    /// Adds every commit of `marks` that is not known, and trunk's tip. Returns
    /// whether anything changed. The line goes through commits that trunk contains.
    ///
    /// # Errors
    /// One of them is not in this clone.
    pub fn grow(&mut self, repo: &Repo, trunk: Oid, marks: &[Oid]) -> Result<bool> {
        let mut known: FxHashSet<Oid> = self.on.iter().copied().collect();
        known.extend(self.beside.iter().map(|one| one.commit));
        let mut new: Vec<(u64, Oid)> = Vec::new();
        for &mark in marks {
            if known.insert(mark) {
                new.push((order(repo, mark)?, mark));
            }
        }
        if new.is_empty() {
            return self.reach(repo, trunk);
        }
        new.sort_unstable();
        let marks: Vec<Oid> = new.iter().map(|(_, mark)| *mark).collect();
        let off_trunk: FxHashSet<Oid> = between(repo, &[trunk], &marks, usize::MAX)?.into_iter().collect();
        let mut beside = Vec::new();
        if self.on.is_empty() {
            // From the newest down, since what the oldest is nobody knows: it may be another root.
            for &mark in marks.iter().rev() {
                let last = self.on.last();
                if !off_trunk.contains(&mark)
                    && last.map_or(Ok(true), |last| is_ancestor(repo, mark, *last))?
                {
                    self.on.push(mark);
                } else {
                    beside.push(mark);
                }
            }
            self.on.reverse();
        } else {
            for &mark in &marks {
                let newest = self.on.last().copied().unwrap_or(mark);
                if !off_trunk.contains(&mark) && is_ancestor(repo, newest, mark)? {
                    self.on.push(mark);
                } else {
                    beside.push(mark);
                }
            }
        }
        let mut growth =
            Growth { repo, off_trunk, numbers: FxHashMap::default(), forks: FxHashMap::default() };
        growth.numbers.extend(self.above.iter().copied().zip(0..));
        for mark in beside {
            let one = self.beside(&mut growth, mark)?;
            self.beside.push(one);
        }
        self.reach(repo, trunk)?;
        Ok(true)
    }

    /// Sets trunk's tip. Returns whether that was not known.
    fn reach(&mut self, repo: &Repo, trunk: Oid) -> Result<bool> {
        if self.trunk == Some(trunk) {
            return Ok(false);
        }
        let before = self.trunk.take();
        self.trunk = match self.on.last() {
            Some(newest) if is_ancestor(repo, *newest, trunk)? => Some(trunk),
            _ => None,
        };
        Ok(self.trunk != before)
    }

    fn beside(&mut self, growth: &mut Growth<'_>, commit: Oid) -> Result<Beside> {
        let repo = growth.repo;
        let within = match growth.off_trunk.contains(&commit) {
            true => None,
            false => Some(self.first_with(repo, commit)?).filter(|at| *at < self.on.len()),
        };
        let Some((mut above, forks)) = growth.down_to_trunk(commit)? else {
            return Ok(Beside { commit, base: 0, within, above: None, own: 0 });
        };
        if !growth.forks.contains_key(&forks) {
            let fork = self.fork(repo, &forks)?;
            growth.forks.insert(forks.clone(), fork);
        }
        let Fork { base, own, in_next } = &growth.forks[&forks];
        above.extend(own);
        let alone = above.len();
        above.extend(in_next);
        if above.len() > MAX_ABOVE {
            return Ok(Beside { commit, base: *base, within, above: None, own: 0 });
        }
        let above = above.into_iter().map(|oid| {
            *growth.numbers.entry(oid).or_insert_with(|| {
                self.above.push(oid);
                self.above.len() - 1
            })
        });
        Ok(Beside { commit, base: *base, within, above: Some(above.collect()), own: alone })
    }

    /// What these commits of trunk contain.
    fn fork(&self, repo: &Repo, forks: &[Oid]) -> Result<Fork> {
        let mut base = 0;
        for &fork in forks {
            let near = self.near(repo, fork)?;
            base = base.max(self.first(near, |mark| Ok(!is_ancestor(repo, mark, fork)?))?);
        }
        let exclude: Vec<Oid> = base.checked_sub(1).map(|last| self.on[last]).into_iter().collect();
        let all = between(repo, &exclude, forks, MAX_ABOVE + 1)?;
        if all.len() > MAX_ABOVE {
            return Ok(Fork { base, own: all, in_next: Vec::new() });
        }
        let (mut own, mut in_next) = (Vec::new(), Vec::new());
        for oid in all {
            let contained = self.on.get(base).map_or(Ok(false), |next| is_ancestor(repo, oid, *next))?;
            if contained { in_next.push(oid) } else { own.push(oid) }
        }
        Ok(Fork { base, own, in_next })
    }

    /// About the index that a commit would have on the line.
    fn near(&self, repo: &Repo, commit: Oid) -> Result<usize> {
        let own = order(repo, commit)?;
        let (mut low, mut high) = (0, self.on.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if order(repo, self.on[middle])? < own {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The index of the first commit of the line that `holds` is true of; it has to
    /// be true of all after it. Searched from `near` on in growing steps, since it
    /// is next to that as a rule, and each question is a walk as long as the step.
    fn first(&self, near: usize, holds: impl Fn(Oid) -> Result<bool>) -> Result<usize> {
        // It is not true before `low`, and true from `high` on.
        let (mut low, mut high) = (0, self.on.len());
        let (mut at, mut step) = (near, 1);
        while low < high {
            let asked = at.clamp(low, high - 1);
            let true_there = holds(self.on[asked])?;
            if true_there {
                high = asked;
            } else {
                low = asked + 1;
            }
            at = if low > 0 && high < self.on.len() {
                low + (high - low) / 2
            } else if true_there {
                asked.saturating_sub(step)
            } else {
                asked + step
            };
            step *= 2;
        }
        Ok(low)
    }

    /// The index of the first commit of the line that contains a commit.
    fn first_with(&self, repo: &Repo, commit: Oid) -> Result<usize> {
        self.first(self.near(repo, commit)?, |mark| is_ancestor(repo, commit, mark))
    }

    fn places(&self) -> FxHashMap<Oid, Position> {
        let beside = self.beside.iter().enumerate().map(|(at, one)| (one.commit, Position::Beside(at)));
        self.on.iter().enumerate().map(|(at, oid)| (*oid, Position::On(at))).chain(beside).collect()
    }

    /// Which of `tips` contain which of `wanted`.
    ///
    /// # Errors
    /// One of them is not in this clone.
    pub fn containing(&self, repo: &Repo, wanted: &[Oid], tips: &[Oid]) -> Result<Containment> {
        let places = self.places();
        let mut contained = Containment::none(wanted.len(), tips.len());
        // Whether a tip that is not known here contains the whole line.
        let mut above_all: FxHashMap<usize, bool> = FxHashMap::default();
        for (index, &commit) in wanted.iter().enumerate() {
            let first = self.first_with(repo, commit)?;
            let number = self.above.iter().position(|oid| *oid == commit);
            // The tips that have to be walked from, in one pass.
            let (mut walked, mut from) = (Vec::new(), Vec::new());
            for (tip_at, &tip) in tips.iter().enumerate() {
                let has = match places.get(&tip) {
                    Some(Position::On(at)) => *at >= first,
                    Some(Position::Beside(at)) => match &self.beside[*at] {
                        one if first < one.base => true,
                        Beside { above: Some(above), .. } => number.is_some_and(|own| above.contains(&own)),
                        _ => {
                            walked.push(tip_at);
                            from.push(tip);
                            false
                        }
                    },
                    None => {
                        let all = match (above_all.get(&tip_at), self.on.last()) {
                            _ if self.trunk == Some(tip) => true,
                            (Some(known), _) => *known,
                            (None, Some(last)) => is_ancestor(repo, *last, tip)?,
                            (None, None) => false,
                        };
                        above_all.insert(tip_at, all);
                        all && first < self.on.len() || is_ancestor(repo, commit, tip)?
                    }
                };
                if has {
                    contained.put(index, tip_at);
                }
            }
            let found = super::containing(repo, &[commit], &from)?;
            for (at, tip_at) in walked.into_iter().enumerate() {
                if found.has(0, at) {
                    contained.put(index, tip_at);
                }
            }
        }
        Ok(contained)
    }

    /// The commits that any of `tips` contains and `base` does not, and maybe
    /// some more that both contain, in no order that matters; at most `limit`,
    /// where that many are the newest.
    ///
    /// # Errors
    /// One of them is not in this clone.
    pub fn outside(&self, repo: &Repo, base: Oid, tips: &[Oid], limit: usize) -> Result<Vec<Oid>> {
        let places = self.places();
        let near = self.first_with(repo, base)?;
        let contained = self.first(near, |mark| Ok(!is_ancestor(repo, mark, base)?))?;
        let (mut found, mut walked, mut highest) = (Vec::new(), Vec::new(), None);
        let mut listed = |numbers: &[usize]| found.extend(numbers.iter().map(|at| self.above[*at]));
        for &tip in tips {
            match places.get(&tip) {
                Some(Position::On(at)) => highest = highest.max(Some(*at)),
                Some(Position::Beside(at)) => match &self.beside[*at] {
                    Beside { within: Some(within), .. } if *within < contained => {}
                    Beside { base, above: Some(above), own, .. } if contained > *base => {
                        listed(&above[..*own]);
                    }
                    Beside { base, above: Some(above), .. } if contained == *base => listed(above),
                    _ => walked.push(tip),
                },
                None => walked.push(tip),
            }
        }
        walked.extend(highest.filter(|at| *at >= contained).map(|at| self.on[at]));
        if !walked.is_empty() {
            found.extend(super::outside(repo, base, &walked, limit)?);
        }
        // In the order met: what lies together is read faster together.
        let mut met = FxHashSet::default();
        found.retain(|oid| met.insert(*oid));
        if found.len() <= limit {
            return Ok(found);
        }
        let commits = repo.commits()?;
        let nodes = found.into_iter().map(|oid| commits.node(repo, oid)).collect::<Result<_>>()?;
        let newest = newest_of(repo, commits, nodes, limit)?;
        Ok(newest.into_iter().map(|node| commits.id(node)).collect())
    }
}

/// What a lineage is grown with.
struct Growth<'r> {
    repo: &'r Repo,
    /// What the new tips contain and trunk does not; nor does the line, then.
    off_trunk: FxHashSet<Oid>,
    /// The index of each commit in the lineage's `above`.
    numbers: FxHashMap<Oid, usize>,
    /// By the commits of trunk that branches begin at.
    forks: FxHashMap<Vec<Oid>, Fork>,
}

/// What the commits of trunk contain that a branch begins at.
struct Fork {
    /// How many of the line's first commits.
    base: usize,
    /// What the line before and at `base` lacks; more than are kept if they are too many.
    own: Vec<Oid>,
    /// What the line before `base` lacks, and the commit at `base` contains.
    in_next: Vec<Oid>,
}

impl Growth<'_> {
    /// What `commit` contains down to trunk, and the commits of trunk met there; `None` if there is
    /// too much.
    fn down_to_trunk(&self, commit: Oid) -> Result<Option<(Vec<Oid>, Vec<Oid>)>> {
        let commits = self.repo.commits()?;
        let (mut above, mut forks) = (Vec::new(), Vec::new());
        let mut met = FxHashSet::default();
        let mut open = vec![commit];
        while let Some(oid) = open.pop() {
            if !met.insert(oid) {
                continue;
            }
            if !self.off_trunk.contains(&oid) {
                forks.push(oid);
                continue;
            }
            if above.len() == MAX_ABOVE {
                return Ok(None);
            }
            above.push(oid);
            open.extend(commits.parents_of(self.repo, oid)?);
        }
        forks.sort_unstable();
        Ok(Some((above, forks)))
    }
}

fn order(repo: &Repo, commit: Oid) -> Result<u64> {
    let commits = repo.commits()?;
    commits.order(repo, commits.node(repo, commit)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn a_line_whose_commits_were_collected_is_not_here() {
        let mut sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        // Of a later second, so that it is the newest; and no ref leads to it.
        sandbox.world.env.insert("GIT_COMMITTER_DATE".into(), "2000000000 +0000".into());
        let second = sandbox.git("work", &["commit-tree", "-p", "HEAD", "-m", "second", "HEAD^{tree}"]);
        let second: Oid = second.parse().unwrap();
        let mut line = TagLineage::default();
        let repo = sandbox.open("work");
        assert!(line.is_here(&repo).unwrap(), "nothing is missing");
        assert!(line.grow(&repo, second, &[first, second]).unwrap());
        assert!(line.is_here(&repo).unwrap());
        sandbox.git("work", &["prune", "--expire=now"]);
        assert!(!line.is_here(&sandbox.open("work")).unwrap());
    }
}
