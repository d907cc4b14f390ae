//! Questions about ancestry: who contains whom, what lies between.
//!
//! Order is the graph's; no clock decides anything here, as long as the
//! repository has a commit-graph. Without one walks go by committers' clocks,
//! as git's own do, with room for clocks that were wrong. In a shallow clone
//! the answers end where history was cut off; whoever must be sure asks
//! [`is_whole`] first.

mod commits;
mod graph;
mod line;
mod trees;
mod walk;

use std::collections::HashMap;

use git2::{Delta, DiffOptions};
use rustc_hash::FxHashMap;

use crate::domain::name::Oid;
use crate::store::error::{During, Result, Task};

use super::partial;
use super::repo::Repo;
use commits::{Commits, Node};
use walk::{COLOURS, Colours, Met, Nodes, Range, Table};

pub use line::TagLineage;

/// Whether `descendant` contains `ancestor`. A commit contains itself.
pub fn is_ancestor(repo: &Repo, ancestor: Oid, descendant: Oid) -> Result<bool> {
    if ancestor == descendant {
        return Ok(true);
    }
    let commits = repo.commits()?;
    let (old, new) = (commits.node(repo, ancestor)?, commits.node(repo, descendant)?);
    if !commits.is_exact() {
        // Each side is followed until it meets the other: what both contain
        // cannot contain the one it is an ancestor of.
        let starts = [(old, 1), (new, 2)];
        let ranges = [Range { within: 1, without: 2 }, Range { within: 2, without: 1 }];
        let met = walk::walk(repo, commits, &starts, &ranges, |_| false)?;
        return Ok(met.iter().all(|one| one.node != old));
    }
    let floor = commits.order(repo, old)?;
    let mut seen = Nodes::none(commits);
    let mut open = vec![new];
    let mut parents = Vec::new();
    while let Some(node) = open.pop() {
        parents.clear();
        commits.parents(repo, node, &mut parents)?;
        // The first parent is followed first: most of what is asked about is on trunk.
        for &parent in parents.iter().rev() {
            if parent == old {
                return Ok(true);
            }
            if seen.insert(parent) && commits.order(repo, parent)? > floor {
                open.push(parent);
            }
        }
    }
    Ok(false)
}

/// Where clocks decide, the most pairs of a commit and a tip that are asked
/// about one by one: each goes only as far as the two differ, where one pass
/// would go down to the first commit there is.
const ONE_BY_ONE: usize = AT_A_TIME;

/// How many commits are asked about in one pass: each has a bit, and one is left.
const AT_A_TIME: usize = 63;

/// Says of a commit that its bits are known.
const DONE: u64 = 1 << 63;

/// Which of several tips contain which of several commits.
#[derive(Debug)]
pub struct Containment {
    /// For each [`AT_A_TIME`] commits the bits of every tip.
    bits: Vec<Vec<u64>>,
}

impl Containment {
    fn none(wanted: usize, tips: usize) -> Containment {
        Containment { bits: vec![vec![0; tips]; wanted.div_ceil(AT_A_TIME)] }
    }

    fn put(&mut self, wanted: usize, tip: usize) {
        self.bits[wanted / AT_A_TIME][tip] |= 1 << (wanted % AT_A_TIME);
    }

    /// Whether the tip at index `tip` contains the commit at index `wanted`.
    pub fn has(&self, wanted: usize, tip: usize) -> bool {
        self.bits[wanted / AT_A_TIME][tip] >> (wanted % AT_A_TIME) & 1 != 0
    }
}

/// Which of `tips` contain which of `wanted`, in one pass. A commit contains
/// itself.
pub fn containing(repo: &Repo, wanted: &[Oid], tips: &[Oid]) -> Result<Containment> {
    let commits = repo.commits()?;
    let mut bits = Vec::new();
    if !commits.is_exact() && wanted.len() * tips.len() <= ONE_BY_ONE {
        let mut row = vec![0; tips.len()];
        for (tip, bits) in tips.iter().zip(&mut row) {
            for (index, oid) in wanted.iter().enumerate() {
                *bits |= u64::from(is_ancestor(repo, *oid, *tip)?) << index;
            }
        }
        return Ok(Containment { bits: vec![row] });
    }
    for wanted in wanted.chunks(AT_A_TIME) {
        let mut own: Vec<(Node, u64)> = Vec::new();
        let mut floor = u64::MAX;
        for (index, oid) in wanted.iter().enumerate() {
            let node = commits.node(repo, *oid)?;
            match own.iter_mut().find(|(known, _)| *known == node) {
                Some((_, bits)) => *bits |= 1 << index,
                None => own.push((node, 1 << index)),
            }
            floor = floor.min(commits.order(repo, node)?);
        }
        own.sort_unstable();
        let all = own.iter().fold(0, |all, (_, bits)| all | bits);
        let floor = if commits.is_exact() { floor } else { 0 };
        let mut reach = Reach { repo, commits, own, all, floor, done: Table::default() };
        bits.push(tips.iter().map(|tip| reach.from(commits.node(repo, *tip)?)).collect::<Result<_>>()?);
    }
    Ok(Containment { bits })
}

/// What can be reached from where, remembered.
struct Reach<'r> {
    repo: &'r Repo,
    commits: &'r Commits,
    /// The bits of what is wanted, by its number.
    own: Vec<(Node, u64)>,
    all: u64,
    floor: u64,
    /// The bits of every commit that they are known of, and above them [`DONE`].
    done: Table,
}

/// A commit on the way down: what it has so far, and where its parents that
/// were not followed yet stand in the list of them.
struct Step {
    node: Node,
    bits: u64,
    next: usize,
    end: usize,
}

impl Reach<'_> {
    fn from(&mut self, tip: Node) -> Result<u64> {
        let mut parents: Vec<Node> = Vec::new();
        let mut path: Vec<Step> = Vec::new();
        let mut below = self.enter(tip, &mut parents, &mut path)?;
        while let Some(step) = path.last_mut() {
            step.bits |= below.take().unwrap_or(0);
            if step.bits != self.all && step.next < step.end {
                let parent = parents[step.next];
                step.next += 1;
                below = self.enter(parent, &mut parents, &mut path)?;
                continue;
            }
            let Some(done) = path.pop() else { break };
            parents.truncate(path.last().map_or(0, |step| step.end));
            *self.done.slot(done.node) = done.bits | DONE;
            below = Some(done.bits);
        }
        Ok(below.unwrap_or(0))
    }

    /// A commit's bits where they are known; else it is the next step.
    fn enter(&mut self, node: Node, parents: &mut Vec<Node>, path: &mut Vec<Step>) -> Result<Option<u64>> {
        let done = self.done.get(node);
        if done != 0 {
            return Ok(Some(done & !DONE));
        }
        let own = self.own.binary_search_by_key(&node, |(node, _)| *node).map_or(0, |at| self.own[at].1);
        let start = parents.len();
        let floor = if own == 0 { self.floor } else { 0 };
        if !self.commits.parents_above(self.repo, node, floor, parents)? {
            return Ok(Some(0));
        }
        path.push(Step { node, bits: own, next: start, end: parents.len() });
        Ok(None)
    }
}

/// The commits that `include` contains and none of `exclude` does: newest first, children before
/// their parents.
pub fn range(repo: &Repo, exclude: &[Oid], include: Oid) -> Result<Vec<Oid>> {
    newest(repo, exclude, include, usize::MAX)
}

/// The first `limit` commits of [`range`], without walking to the last of them.
pub fn newest(repo: &Repo, exclude: &[Oid], include: Oid, limit: usize) -> Result<Vec<Oid>> {
    between(repo, exclude, &[include], limit)
}

/// The same for what any of `include` contains.
pub fn between(repo: &Repo, exclude: &[Oid], include: &[Oid], limit: usize) -> Result<Vec<Oid>> {
    let commits = repo.commits()?;
    let (starts, one) = starts(repo, commits, &[(exclude, include)])?;
    // Clocks may put a parent before its child, so that the first few are known at the end only.
    let by_date = commits.is_by_date();
    let met = walk::walk(repo, commits, &starts, &one, |count| by_date && count >= limit)?;
    let met = if by_date { met } else { walk::sort(repo, commits, met)? };
    Ok(met.iter().take(limit).map(|one| commits.id(one.node)).collect())
}

/// Several ranges, each the commits that one contains and others do not.
#[derive(Debug)]
pub struct Ranges(Vec<Walked>);

/// As many ranges as one walk has colours for.
#[derive(Debug)]
struct Walked {
    met: Vec<Met>,
    ranges: Vec<Range>,
    /// How many were met in each set of colours: there are few.
    tally: Vec<(Colours, usize)>,
}

/// How many ranges are walked at once: each takes two colours at the most.
const AT_ONCE: usize = COLOURS as usize / 2;

impl Ranges {
    /// Walks all of `wanted`, each what is excluded and what is included, in one pass.
    pub fn walk(repo: &Repo, wanted: &[(&[Oid], Oid)]) -> Result<Ranges> {
        let commits = repo.commits()?;
        let walked = wanted.chunks(AT_ONCE).map(|wanted| {
            let wanted: Vec<(&[Oid], &[Oid])> =
                wanted.iter().map(|(exclude, include)| (*exclude, std::slice::from_ref(include))).collect();
            let (starts, ranges) = starts(repo, commits, &wanted)?;
            let met = walk::walk(repo, commits, &starts, &ranges, |_| false)?;
            let mut tally: FxHashMap<Colours, usize> = FxHashMap::default();
            for one in &met {
                *tally.entry(one.colours).or_default() += 1;
            }
            Ok(Walked { met, ranges, tally: tally.into_iter().collect() })
        });
        walked.collect::<Result<_>>().map(Ranges)
    }

    /// How many commits the range at `index` has.
    pub fn count(&self, index: usize) -> usize {
        let walked = &self.0[index / AT_ONCE];
        let range = walked.ranges[index % AT_ONCE];
        walked.tally.iter().filter(|(colours, _)| range.has(*colours)).map(|(_, count)| count).sum()
    }

    /// The commits of the range at `index`, in no order that matters.
    pub fn commits<'r>(&'r self, repo: &'r Repo, index: usize) -> Result<impl Iterator<Item = Oid> + 'r> {
        let commits = repo.commits()?;
        Ok(self.met(index).map(|one| commits.id(one.node)))
    }

    fn met(&self, index: usize) -> impl Iterator<Item = &Met> {
        let walked = &self.0[index / AT_ONCE];
        let range = walked.ranges[index % AT_ONCE];
        walked.met.iter().filter(move |one| range.has(one.colours))
    }
}

/// Where a walk begins, each commit with its colours.
type Starts = Vec<(Node, Colours)>;

/// A colour for every commit, and every set of commits, that a range begins or ends at.
fn starts(repo: &Repo, commits: &Commits, wanted: &[(&[Oid], &[Oid])]) -> Result<(Starts, Vec<Range>)> {
    let mut colours: HashMap<Vec<Oid>, Colours> = HashMap::new();
    let mut starts = Vec::new();
    let mut colour = |of: &[Oid]| -> Result<Colours> {
        if let Some(known) = colours.get(of) {
            return Ok(*known);
        }
        let new = if of.is_empty() { 0 } else { 1 << colours.len() };
        for oid in of {
            starts.push((commits.node(repo, *oid)?, new));
        }
        colours.insert(of.to_vec(), new);
        Ok(new)
    };
    let mut ranges = Vec::new();
    for (exclude, include) in wanted {
        ranges.push(Range { within: colour(include)?, without: colour(exclude)? });
    }
    Ok((starts, ranges))
}

/// From how many tips on [`outside`] looks at all that is inside first: one
/// walk for many tips would keep them in order for nothing.
const MANY: usize = 16;

/// The commits that any of `tips` contains and `base` does not, in no order
/// that matters; at most `limit`, where that many are the newest.
pub fn outside(repo: &Repo, base: Oid, tips: &[Oid], limit: usize) -> Result<Vec<Oid>> {
    if tips.len() < MANY {
        return between(repo, &[base], tips, limit);
    }
    let commits = repo.commits()?;
    let mut seen = Nodes::none(commits);
    reach(repo, commits, commits.node(repo, base)?, &mut seen, |_| {})?;
    let mut found = Vec::new();
    for tip in tips {
        reach(repo, commits, commits.node(repo, *tip)?, &mut seen, |node| found.push(node))?;
    }
    let found = newest_of(repo, commits, found, limit)?;
    Ok(found.into_iter().map(|node| commits.id(node)).collect())
}

/// All of these commits, or the newest of them if there are more than `limit`.
fn newest_of(repo: &Repo, commits: &Commits, found: Vec<Node>, limit: usize) -> Result<Vec<Node>> {
    if found.len() <= limit {
        return Ok(found);
    }
    let order: Vec<u64> = found.iter().map(|node| commits.order(repo, *node)).collect::<Result<_>>()?;
    let mut newest: Vec<(u64, Node)> = order.into_iter().zip(found).collect();
    newest.sort_by(|a, b| b.cmp(a));
    newest.truncate(limit);
    Ok(newest.into_iter().map(|(_, node)| node).collect())
}

/// How many commits [`range`] would list.
pub fn count_between(repo: &Repo, exclude: &[Oid], include: Oid) -> Result<usize> {
    if exclude.is_empty() {
        return everything(repo, include);
    }
    Ok(Ranges::walk(repo, &[(exclude, include)])?.count(0))
}

/// How many commits only `a` has, and how many only `b` has.
pub fn ahead_behind(repo: &Repo, a: Oid, b: Oid) -> Result<(usize, usize)> {
    let ranges = Ranges::walk(repo, &[(&[b], a), (&[a], b)])?;
    Ok((ranges.count(0), ranges.count(1)))
}

/// Whether all that `tip` contains is here: a shallow clone may end before that.
pub fn is_whole(repo: &Repo, tip: Oid) -> Result<bool> {
    for edge in repo.shallow_edges() {
        if has(repo, edge)? && is_ancestor(repo, edge, tip)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many commits `oid` contains, itself included.
pub fn ancestor_count(repo: &Repo, oid: Oid) -> Result<u64> {
    everything(repo, oid).map(|count| count as u64)
}

/// Where everything counts, the order it is met in does not matter.
fn everything(repo: &Repo, oid: Oid) -> Result<usize> {
    let commits = repo.commits()?;
    let mut count = 0;
    reach(repo, commits, commits.node(repo, oid)?, &mut Nodes::none(commits), |_| count += 1)?;
    Ok(count)
}

/// Meets every commit that `from` contains and that was not seen before.
fn reach(
    repo: &Repo,
    commits: &Commits,
    from: Node,
    seen: &mut Nodes,
    mut meet: impl FnMut(Node),
) -> Result<()> {
    if !seen.insert(from) {
        return Ok(());
    }
    let mut open = vec![from];
    let mut parents = Vec::new();
    while let Some(node) = open.pop() {
        meet(node);
        parents.clear();
        commits.parents(repo, node, &mut parents)?;
        for &parent in &parents {
            if seen.insert(parent) {
                open.push(parent);
            }
        }
    }
    Ok(())
}

/// Where `commit` stands on the line of first parents of `tip`: how many steps
/// before it. None where it is not on that line.
pub fn first_parent_depth(repo: &Repo, commit: Oid, tip: Oid) -> Result<Option<usize>> {
    let commits = repo.commits()?;
    let (wanted, mut node) = (commits.node(repo, commit)?, commits.node(repo, tip)?);
    let floor = if commits.is_exact() { commits.order(repo, wanted)? } else { 0 };
    let mut parents = Vec::new();
    for depth in 0.. {
        if node == wanted {
            return Ok(Some(depth));
        }
        if floor > 0 && commits.order(repo, node)? <= floor {
            break;
        }
        parents.clear();
        commits.parents(repo, node, &mut parents)?;
        match parents.first() {
            Some(&first) => node = first,
            None => break,
        }
    }
    Ok(None)
}

/// Whether a commit is in this clone.
pub fn has(repo: &Repo, commit: Oid) -> Result<bool> {
    Ok(repo.commits()?.has(repo, commit))
}

/// Whether an object is a commit that the commit-graph lists: known without
/// opening it.
pub fn is_listed(repo: &Repo, object: Oid) -> Result<bool> {
    Ok(repo.commits()?.is_listed(object))
}

/// Whether a commit has more than one parent.
pub fn is_merge(repo: &Repo, commit: Oid) -> Result<bool> {
    Ok(parents(repo, commit)?.len() > 1)
}

/// A commit's parents, first parent first, as git sees them here.
pub fn parents(repo: &Repo, commit: Oid) -> Result<Vec<Oid>> {
    repo.commits()?.parents_of(repo, commit)
}

/// The paths a commit changed against its first parent, as git stores them (bytes, `/` between
/// folders), sorted. A rename counts as both paths; a root commit changes all it has.
pub fn changed_paths(repo: &Repo, commit: Oid) -> Result<Vec<Vec<u8>>> {
    changes_between(repo, parents(repo, commit)?.first().copied(), commit)
}

fn changes_between(repo: &Repo, parent: Option<Oid>, commit: Oid) -> Result<Vec<Vec<u8>>> {
    let new = repo.tree_of(commit)?;
    let old = parent.map(|parent| repo.tree_of(parent)).transpose()?;
    let compare = || {
        let mut options = DiffOptions::new();
        options.skip_binary_check(true).include_typechange(true);
        repo.git2().diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))
    };
    let diff = partial::reading(repo, compare).during(Task::Compare(commit))?;
    let mut paths: Vec<Vec<u8>> = diff
        .deltas()
        .filter_map(|delta| {
            let file = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
            file.path_bytes().map(<[u8]>::to_vec)
        })
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Whether a commit changed a path that `takes` says counts: against its
/// parent, and a merge against every one of its parents, as git counts with
/// paths. Folders of which `may_lie_in` says no are not opened.
pub fn touches(
    repo: &Repo,
    commit: Oid,
    takes: impl Fn(&[u8]) -> bool,
    may_lie_in: impl Fn(&[u8]) -> bool,
) -> Result<bool> {
    let compared = trees::Compared { repo, commits: repo.commits()?, takes: &takes, may_lie_in: &may_lie_in };
    let parents = parents(repo, commit)?;
    if parents.is_empty() {
        return compared.differ(None, commit);
    }
    for parent in parents {
        if !compared.differ(Some(parent), commit)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod random;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    /// `first` - `left` - `merge`, and `first` - `right` - `merge`.
    #[test]
    fn agrees_with_git_on_a_merge() {
        let sandbox = Sandbox::new();
        let first = sandbox.oid("work", "HEAD");
        sandbox.git("work", &["checkout", "-q", "-b", "side"]);
        let right = sandbox.commit("work", "dir/b", "b", "right");
        sandbox.git("work", &["checkout", "-q", "main"]);
        let left = sandbox.commit("work", "a", "a", "left");
        sandbox.git("work", &["merge", "-q", "-m", "merge", "side"]);
        let merge = sandbox.oid("work", "HEAD");
        let repo = sandbox.open("work");
        for (ancestor, descendant, expected) in [
            (first, merge, true),
            (right, merge, true),
            (merge, merge, true),
            (merge, first, false),
            (left, right, false),
        ] {
            assert_eq!(is_ancestor(&repo, ancestor, descendant).unwrap(), expected);
        }
        let listed = range(&repo, &[first], merge).unwrap();
        assert_eq!(listed[0], merge);
        assert_eq!(listed.len(), 3);
        assert_eq!(range(&repo, &[left], merge).unwrap(), [merge, right]);
        assert_eq!(range(&repo, &[merge], merge).unwrap(), []);
        assert_eq!(count_between(&repo, &[left, right], merge).unwrap(), 1);
        assert_eq!(ahead_behind(&repo, left, merge).unwrap(), (0, 2));
        assert_eq!(ahead_behind(&repo, left, right).unwrap(), (1, 1));
        assert_eq!(ancestor_count(&repo, merge).unwrap(), 4);
        assert_eq!(changed_paths(&repo, first).unwrap(), [b"README".to_vec()]);
        assert_eq!(changed_paths(&repo, merge).unwrap(), [b"dir/b".to_vec()]);
        let in_dir = |oid: Oid| touches(&repo, oid, |path| path.starts_with(b"dir/"), |_| true).unwrap();
        assert!(in_dir(right) && !in_dir(left));
        assert!(!touches(&repo, right, |_| true, |folder| folder != b"dir").unwrap(), "it is not opened");
        assert!(range(&repo, &[], Oid::from_bytes([9; Oid::BYTES])).is_err());
    }

    #[test]
    fn deletions_and_renames_are_changes() {
        let sandbox = Sandbox::new();
        sandbox.git("work", &["mv", "README", "other"]);
        let moved = sandbox.commit("work", "x", "x", "move");
        let repo = sandbox.open("work");
        assert_eq!(
            changed_paths(&repo, moved).unwrap(),
            [b"README".to_vec(), b"other".to_vec(), b"x".to_vec()]
        );
    }

    #[test]
    fn children_come_before_parents_whatever_the_clocks_say() {
        let mut sandbox = Sandbox::new();
        let mut expected = vec![sandbox.oid("work", "HEAD")];
        for n in 0..5 {
            let date = format!("{} +0000", 1_600_000_000 - n * 1000);
            sandbox.world.env.insert("GIT_COMMITTER_DATE".into(), date.into());
            expected.insert(0, sandbox.commit("work", "a", &n.to_string(), "back in time"));
        }
        let repo = sandbox.open("work");
        assert_eq!(range(&repo, &[], expected[0]).unwrap(), expected);
        assert!(is_ancestor(&repo, expected[5], expected[0]).unwrap());
    }
}
