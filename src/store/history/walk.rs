//! One walk that colours commits by where they can be reached from.
//!
//! Every starting point has a colour; a commit has the colours of all its
//! descendants. What is asked of a range is asked of colours: in here, and not
//! in there. One walk answers for as many ranges as there are colours, and
//! ends as soon as nothing it has yet to meet can matter to any of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::store::error::Result;

use super::super::repo::Repo;
use super::commits::{Commits, Node};

/// A set of colours.
pub(super) type Colours = u64;

/// How many colours there are.
pub(super) const COLOURS: u32 = 61;

const QUEUED: u64 = 1 << 63;
const MET: u64 = 1 << 62;
const LISTED: u64 = 1 << 61;
const STATE: u64 = QUEUED | MET | LISTED;

/// How far past the oldest commit that matters a walk by unreliable clocks
/// goes on, in seconds, beyond twice the largest step backwards it has met.
const DOUBT: u64 = 86_400;

/// Commits that have a colour of `within` and none of `without`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) within: Colours,
    pub(super) without: Colours,
}

impl Range {
    /// Whether a commit of these colours is in it.
    pub(super) fn has(self, colours: Colours) -> bool {
        colours & self.within != 0 && colours & self.without == 0
    }
}

/// A number for each commit, zero at first.
///
/// A graph numbers commits by their ids, so that a walk of a few thousand would
/// touch every page of an array of all.
#[derive(Debug, Default)]
pub(super) struct Table {
    numbers: FxHashMap<Node, u64>,
}

impl Table {
    pub(super) fn get(&self, node: Node) -> u64 {
        self.numbers.get(&node).copied().unwrap_or(0)
    }

    pub(super) fn slot(&mut self, node: Node) -> &mut u64 {
        self.numbers.entry(node).or_default()
    }
}

/// Commits, each in or not.
#[derive(Debug)]
pub(super) struct Nodes {
    bits: Vec<u64>,
}

impl Nodes {
    pub(super) fn none(commits: &Commits) -> Nodes {
        Nodes { bits: vec![0; commits.numbered().div_ceil(64)] }
    }

    /// Puts one in; whether it was not.
    pub(super) fn insert(&mut self, node: Node) -> bool {
        let (index, bit) = (node as usize / 64, 1 << (node % 64));
        if index >= self.bits.len() {
            self.bits.resize((index + 1).max(self.bits.len() * 2), 0);
        }
        let new = self.bits[index] & bit == 0;
        self.bits[index] |= bit;
        new
    }
}

/// A commit that a walk has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) node: Node,
    /// By what it was ordered.
    pub(super) order: u64,
    pub(super) colours: Colours,
}

/// Meets every commit that is in one of `ranges`, newest first, until `enough`
/// says so. Where the order is exact each child comes before its parents.
pub(super) fn walk(
    repo: &Repo,
    commits: &Commits,
    starts: &[(Node, Colours)],
    ranges: &[Range],
    mut enough: impl FnMut(usize) -> bool,
) -> Result<Vec<Met>> {
    let matters = |colours: Colours| ranges.iter().any(|range| range.has(colours));
    let mut table = Table::default();
    let mut queue = BinaryHeap::new();
    // How many commits in the queue matter.
    let mut open = 0_usize;
    let mut count = 0_u64;
    let mut push = |queue: &mut BinaryHeap<(u64, Reverse<u64>, Node)>, order: u64, node: Node| {
        count += 1;
        queue.push((order, Reverse(count), node));
    };
    for &(node, colours) in starts {
        let slot = table.slot(node);
        let before = *slot;
        *slot |= colours | QUEUED;
        if before & QUEUED == 0 {
            push(&mut queue, commits.order(repo, node)?, node);
            open += usize::from(matters(colours));
        } else {
            open -= usize::from(matters(before & !STATE));
            open += usize::from(matters((before | colours) & !STATE));
        }
    }
    let mut met: Vec<Met> = Vec::new();
    let mut parents = Vec::new();
    let (mut oldest, mut skew) = (u64::MAX, 0);
    while let Some(&(order, _, node)) = queue.peek() {
        if open == 0 {
            // Where clocks decide, what does not matter yet may still turn out
            // to contain what was taken for something that does.
            let doubtful = oldest.saturating_sub(DOUBT + 2 * skew);
            if commits.is_exact() || met.is_empty() || order < doubtful {
                break;
            }
        }
        queue.pop();
        let slot = table.slot(node);
        let colours = *slot & !STATE;
        *slot = (*slot | MET) & !QUEUED;
        if matters(colours) {
            open -= 1;
            if *slot & LISTED == 0 {
                *slot |= LISTED;
                oldest = oldest.min(order);
                met.push(Met { node, order, colours });
                if enough(met.len()) {
                    break;
                }
            }
        }
        parents.clear();
        commits.parents(repo, node, &mut parents)?;
        for &parent in &parents {
            let slot = table.slot(parent);
            let before = *slot;
            let had = before & !STATE;
            let has = had | colours;
            if before != 0 && has == had {
                continue;
            }
            *slot = before | has | QUEUED;
            if before & QUEUED == 0 {
                let at = commits.order(repo, parent)?;
                skew = skew.max(at.saturating_sub(order));
                push(&mut queue, at, parent);
                open += usize::from(matters(has));
            } else {
                open = open + usize::from(matters(has)) - usize::from(matters(had));
            }
        }
    }
    if !commits.is_exact() {
        // Colours may have come later than the commit was met.
        for one in &mut met {
            one.colours = table.get(one.node) & !STATE;
        }
        met.retain(|one| matters(one.colours));
    }
    Ok(met)
}

/// Puts children before their parents, newest first among those that may
/// come next.
pub(super) fn sort(repo: &Repo, commits: &Commits, met: Vec<Met>) -> Result<Vec<Met>> {
    let mut children = Table::default();
    let mut place = Table::default();
    let mut parents = Vec::new();
    for (index, one) in met.iter().enumerate() {
        *place.slot(one.node) = index as u64 + 1;
        parents.clear();
        commits.parents(repo, one.node, &mut parents)?;
        for &parent in &parents {
            *children.slot(parent) += 1;
        }
    }
    let mut ready: BinaryHeap<(u64, Reverse<usize>)> = met
        .iter()
        .enumerate()
        .filter(|(_, one)| children.get(one.node) == 0)
        .map(|(index, one)| (one.order, Reverse(index)))
        .collect();
    let mut sorted = Vec::with_capacity(met.len());
    while let Some((_, Reverse(index))) = ready.pop() {
        let one = met[index];
        sorted.push(one);
        parents.clear();
        commits.parents(repo, one.node, &mut parents)?;
        for &parent in &parents {
            let left = children.slot(parent);
            *left -= 1;
            if *left == 0
                && let Some(index) = place.get(parent).checked_sub(1)
            {
                let index = usize::try_from(index).expect("it was one");
                ready.push((met[index].order, Reverse(index)));
            }
        }
    }
    Ok(sorted)
}
