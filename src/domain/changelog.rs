//! What a release brings, told once: picks counted once, reverts cancelled,
//! and the rest in groups.
//!
//! Two sides are compared: what the candidate has and the base does not, and
//! what the base has and the candidate does not, which is mostly picks. A
//! commit goes by several names, its own and those of the commits it was
//! picked from, and two that share a name are one change. Nothing here knows
//! equal patches, and no clock is asked: what came first, history says.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::candidate::Pick;
use super::changes::Change;
use super::name::Oid;

/// A commit of a range, as far as a changelog is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// What it says.
    pub change: Change,
    /// Its parents, first parent first.
    pub parents: Vec<Oid>,
    /// Whether it changes what is the project's.
    pub own: bool,
}

impl HistoryStep {
    /// Whether its message says something beside that it merged: a merge of
    /// a conventional type does, and one that breaks something.
    fn speaks(&self) -> bool {
        self.parents.len() < 2 || self.change.r#type.is_some() || self.change.breaking
    }
}

/// The changes that are news to whoever has the base, in the order given.
///
/// `brought` is what the candidate has and the base does not, `base` what the
/// base has and the candidate does not, both newest first, children before
/// parents. `picks` and `base_picks` are what the records of the candidate
/// and of the base say was picked, their parents' included.
///
/// - A commit and its pick are one: the older is told of.
/// - What the base has by way of a pick is no news.
/// - A commit and its revert, both new, are none, nor is what a merge brought
///   that was reverted. A revert that was reverted counts for nothing.
/// - A revert of what the base has is news, as is one that does more: of a
///   type of its own, and no word of reverting in its subject.
/// - A merge is told of where it says something.
pub fn news(
    brought: Vec<HistoryStep>,
    base: &[HistoryStep],
    picks: &[Pick],
    base_picks: &[Pick],
) -> Vec<Change> {
    let mut names = Names::default();
    names.read(&brought);
    names.read(base);
    names.record(picks);
    names.record(base_picks);

    let known = known(base, base_picks, &names);
    let is_known = |commit: Oid| !known.is_empty() && names.of(commit).any(|name| known.contains(&name));
    let commits = brought.iter().map(|step| step.change.commit);
    let here: HashSet<Oid> = if brought.iter().any(|step| !step.change.reverts.is_empty()) {
        commits.filter(|commit| !is_known(*commit)).flat_map(|commit| names.of(commit)).collect()
    } else {
        HashSet::new()
    };
    let stands = standing(&brought, &names);
    let told = |step: &HistoryStep| {
        let change = &step.change;
        let only_cancels = takes_back(change)
            && !change.reverts.is_empty()
            && change.reverts.iter().all(|target| names.of(*target).any(|name| here.contains(&name)));
        step.own && step.speaks() && !only_cancels && !is_known(change.commit)
    };
    let mut kept: Vec<Change> = Vec::new();
    let mut seen: HashSet<Oid> = HashSet::new();
    for (step, stands) in brought.into_iter().zip(stands).rev() {
        if stands && told(&step) {
            let commit = step.change.commit;
            // Most go by one name only, which no other has.
            let alone = !names.are_shared(commit);
            if alone || !names.of(commit).any(|name| seen.contains(&name)) {
                kept.push(step.change);
            }
            if !alone {
                seen.extend(names.of(commit));
            }
        }
    }
    kept.reverse();
    kept
}

/// Every name of what the base has and the candidate has not.
fn known(base: &[HistoryStep], picks: &[Pick], names: &Names) -> HashSet<Oid> {
    let stands = standing(base, names);
    let gone: HashSet<Oid> = base
        .iter()
        .zip(&stands)
        .filter(|(_, stands)| !**stands)
        .map(|(step, _)| step.change.commit)
        .collect();
    let standing = base.iter().map(|step| step.change.commit).chain(picks.iter().map(|pick| pick.commit));
    standing.filter(|commit| !gone.contains(commit)).flat_map(|commit| names.of(commit)).collect()
}

/// Which commits have not been taken back by a later one that stands itself.
fn standing(steps: &[HistoryStep], names: &Names) -> Vec<bool> {
    let mut undone: HashSet<Oid> = HashSet::new();
    let judge = |step: &HistoryStep| {
        let stands = undone.is_empty() || !names.of(step.change.commit).any(|name| undone.contains(&name));
        if stands {
            for target in &step.change.reverts {
                undone.extend(names.of(*target));
                undone.extend(merged(steps, *target));
            }
        }
        stands
    };
    steps.iter().map(judge).collect()
}

/// What a merge brought: reached through its other parents and not through
/// its first. Nothing for what is no merge of this range.
fn merged(steps: &[HistoryStep], merge: Oid) -> HashSet<Oid> {
    let merge = steps.iter().find(|step| step.change.commit == merge).map(|step| step.parents.as_slice());
    let Some([first, others @ ..]) = merge.filter(|parents| parents.len() > 1) else {
        return HashSet::new();
    };
    let parents: HashMap<Oid, &[Oid]> =
        steps.iter().map(|step| (step.change.commit, step.parents.as_slice())).collect();
    let reached = |from: &[Oid]| {
        let mut reached: HashSet<Oid> = HashSet::new();
        let mut left = from.to_vec();
        while let Some(next) = left.pop() {
            if let Some(parents) = parents.get(&next)
                && reached.insert(next)
            {
                left.extend(*parents);
            }
        }
        reached
    };
    let before = reached(&[*first]);
    reached(others).into_iter().filter(|commit| !before.contains(commit)).collect()
}

/// Whether a commit that reverts says that this is what it does. One of a
/// type of its own may do something new beside it.
fn takes_back(change: &Change) -> bool {
    matches!(change.r#type.as_deref(), None | Some("revert"))
        || change.subject.to_lowercase().contains("revert")
}

/// What each commit was picked from, and all that anything was picked from.
#[derive(Debug, Default)]
struct Names {
    sources: HashMap<Oid, Vec<Oid>>,
    picked: HashSet<Oid>,
}

impl Names {
    /// Takes note of what the messages say.
    fn read(&mut self, steps: &[HistoryStep]) {
        for change in steps.iter().map(|step| &step.change).filter(|change| !change.picked_from.is_empty()) {
            self.sources.entry(change.commit).or_default().extend(&change.picked_from);
            self.picked.extend(&change.picked_from);
        }
    }

    /// Takes note of what was recorded.
    fn record(&mut self, picks: &[Pick]) {
        for pick in picks {
            self.sources.entry(pick.commit).or_default().push(pick.source);
            self.picked.insert(pick.source);
        }
    }

    /// Whether a commit may share a name with another.
    fn are_shared(&self, commit: Oid) -> bool {
        self.picked.contains(&commit) || self.sources.contains_key(&commit)
    }

    /// The commit and all it was picked from, directly or by way of others.
    fn of(&self, commit: Oid) -> impl Iterator<Item = Oid> + use<> {
        let mut sources: Vec<Oid> = Vec::new();
        let mut next = Some(commit);
        let mut at = 0;
        while let Some(name) = next {
            for source in self.sources.get(&name).into_iter().flatten() {
                if *source != commit && !sources.contains(source) {
                    sources.push(*source);
                }
            }
            next = sources.get(at).copied();
            at += 1;
        }
        std::iter::once(commit).chain(sources)
    }
}

/// Changes of one sort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeGroup<'c> {
    /// Its title, for people.
    pub title: String,
    /// `breaking`, a type in lower case, or none for what follows no convention.
    pub r#type: Option<String>,
    /// The changes, in the order given.
    pub changes: Vec<&'c Change>,
}

/// The changes in groups: what breaks, features, fixes, speed, reverts, then
/// what follows no convention, and last the other types by name. A change is
/// in one group only; within one they stay in order.
pub fn groups(changes: &[Change]) -> Vec<ChangeGroup<'_>> {
    let mut groups: BTreeMap<(usize, &str), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        groups.entry(place(change)).or_default().push(change);
    }
    let alone = groups.len() == 1;
    groups
        .into_iter()
        .map(|((place, r#type), changes)| ChangeGroup {
            title: if place < FIRST.len() { first(r#type, alone).to_owned() } else { other(r#type) },
            r#type: Some(r#type).filter(|r#type| !r#type.is_empty()).map(str::to_owned),
            changes,
        })
        .collect()
}

/// The groups that come first, in order. The empty one is of no convention:
/// it stands before chores, so that it is found.
const FIRST: [&str; 6] = ["breaking", "feat", "fix", "perf", "revert", ""];

/// Which group a change is in: its place, and its type.
fn place(change: &Change) -> (usize, &str) {
    let r#type = match change.r#type.as_deref() {
        _ if change.breaking => "breaking",
        // Spelled either way in the wild.
        Some("doc") => "docs",
        Some("tests") => "test",
        Some(r#type) => r#type,
        None if !change.reverts.is_empty() || change.subject.starts_with("Revert \"") => "revert",
        None => "",
    };
    let first = FIRST.iter().position(|first| *first == r#type);
    // `breaking: …` that does not say it breaks is a type that somebody made up.
    let first = first.filter(|_| r#type != "breaking" || change.breaking);
    (first.unwrap_or(FIRST.len()), r#type)
}

/// The title of a group that comes first.
fn first(r#type: &str, alone: bool) -> &'static str {
    match r#type {
        "breaking" => "Breaking changes",
        "feat" => "Features",
        "fix" => "Fixes",
        "perf" => "Performance",
        "revert" => "Reverts",
        _ if alone => "Changes",
        _ => "Other changes",
    }
}

/// The title of any other group.
fn other(r#type: &str) -> String {
    let title = match r#type {
        "chore" => "Chores",
        "ci" => "Continuous integration",
        "docs" => "Documentation",
        "refactor" => "Refactoring",
        "test" => "Tests",
        name => {
            let mut letters = name.chars();
            return letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        }
    };
    title.to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::name::Actor;

    fn oid(letter: char) -> Oid {
        Oid::from_bytes([letter as u8; 20])
    }

    /// A commit on top of others: `b` of `ab fix: x`, newest letter last. In
    /// the message `<x` stands for "picked from x", `-x` for "reverts x".
    fn step(text: &str) -> HistoryStep {
        let (graph, message) = text.split_once(' ').unwrap();
        let mut letters = graph.chars().rev();
        let commit = oid(letters.next().unwrap());
        let parents: Vec<Oid> = letters.rev().map(oid).collect();
        let (mut subject, mut body) = (Vec::new(), String::new());
        for word in message.split(' ') {
            match word.split_at_checked(1) {
                Some(("<", of)) => {
                    let of = oid(of.chars().next().unwrap());
                    body += &format!("(cherry picked from commit {of})\n");
                }
                Some(("-", of)) => {
                    let of = oid(of.chars().next().unwrap());
                    body += &format!("This reverts commit {of}.\n");
                }
                _ => subject.push(word),
            }
        }
        let message = format!("{}\n\n{body}", subject.join(" "));
        let at = DateTime::from_timestamp(0, 0).unwrap();
        let change = Change::read(commit, &message, &Actor::new("Ana", "ana@example.com"), at);
        HistoryStep { change, parents, own: !message.starts_with("theirs") }
    }

    fn steps(texts: &[&str]) -> Vec<HistoryStep> {
        texts.iter().map(|text| step(text)).collect()
    }

    fn letters(changes: &[Change]) -> String {
        changes.iter().map(|change| char::from(change.commit.as_bytes()[0])).collect()
    }

    /// What is news, by letter, newest first.
    fn told(brought: &[&str], base: &[&str]) -> String {
        letters(&news(steps(brought), &steps(base), &[], &[]))
    }

    #[test]
    fn what_is_told_and_what_is_not() {
        for (rule, brought, expected) in [
            ("everything, newest first", &["bc fix: c", "ab feat: b"][..], "cb"),
            ("of this project", &["bc theirs", "ab feat: b"], "b"),
            ("a merge says nothing", &["bcm Merge branch 'c'", "ac feat: c", "ab feat: b"], "cb"),
            ("but of a type it does", &["bcm feat: m", "ac feat: c", "ab feat: b"], "mcb"),
            ("or where it breaks", &["bcm feat!: m", "ac feat: c"], "mc"),
            ("a pick is told once, as the older", &["cd fix: b <b", "bc fix: c", "ab fix: b"], "cb"),
            ("so are two picks of one", &["bc fix: x <x", "ab fix: x <x"], "b"),
            ("a pick of a pick", &["bc fix: x <x <y", "ab fix: x <x"], "b"),
            ("a pick of what is not here is told", &["ab fix: x <x"], "b"),
            ("a revert cancels", &["bc Revert \"b\" -b", "ab feat: b"], ""),
            ("whatever its type", &["bc fix: revert b -b", "ab feat: b"], ""),
            ("unless it does more", &["bc fix: a better one -b", "ab feat: b"], "c"),
            ("a revert of what was there is told", &["ab Revert \"x\" -x"], "b"),
            ("a revert of a revert brings back", &["cd Revert -c", "bc Revert \"b\" -b", "ab feat: b"], "b"),
            ("and a third takes away", &["de Revert -d", "cd Revert -c", "bc Revert -b", "ab feat: b"], ""),
            ("a revert of a revert of what was there", &["bc Revert -b", "ab Revert -x"], ""),
            ("of two, one was there", &["bc Revert both -b -x", "ab feat: b"], "c"),
            ("picked again after a revert", &["cd feat: b <b", "bc Revert -b", "ab feat: b"], "d"),
            ("a revert by the name of the source", &["bc Revert -x", "ab feat: b <x"], ""),
            ("of a picked revert", &["bc Revert -x <r", "ab feat: b <x"], ""),
            (
                "a reverted merge takes along what it brought",
                &["mr Revert \"Merge\" -m", "bdm Merge branch", "cd feat: d", "ac feat: c", "ab feat: b"],
                "b",
            ),
        ] {
            assert_eq!(told(brought, &[]), expected, "{rule}");
        }
    }

    #[test]
    fn what_the_base_has_is_no_news() {
        for (rule, brought, base, expected) in [
            ("the base picked it", &["bc fix: c", "ab feat: b"][..], &["ax fix: c <c"][..], "b"),
            ("both picked it", &["ab fix: b <s"], &["ax fix: x <s"], ""),
            ("the base picked it and took it back", &["ab fix: b"], &["xy Revert -x", "ax fix: b <b"], "b"),
            ("the candidate took it back", &["bc Revert -b", "ab fix: b"], &["ax fix: b <b"], "c"),
            ("so did the base", &["bc Revert -b", "ab fix: b"], &["xy Revert <c -x", "ax fix: b <b"], ""),
        ] {
            assert_eq!(told(brought, base), expected, "{rule}");
        }
    }

    #[test]
    fn records_know_picks_that_messages_do_not_name() {
        let brought = || steps(&["bc fix: c", "ab feat: b"]);
        let pick = |source, commit| Pick { source: oid(source), commit: oid(commit) };
        assert_eq!(letters(&news(brought(), &[], &[pick('b', 'c')], &[])), "b");
        assert_eq!(letters(&news(brought(), &steps(&["ax fix: x"]), &[], &[pick('c', 'x')])), "b");
        let reverted = steps(&["xy Revert -x", "ax fix: x"]);
        assert_eq!(letters(&news(brought(), &reverted, &[], &[pick('c', 'x')])), "cb");
        // A pick that both have, of a commit that only now arrived by itself.
        assert_eq!(letters(&news(brought(), &[], &[], &[pick('c', 'o')])), "b");
    }

    #[test]
    fn what_breaks_comes_first_and_chores_last() {
        let of = |texts: &[&str]| {
            let changes: Vec<Change> = steps(texts).into_iter().map(|step| step.change).collect();
            groups(&changes)
                .iter()
                .map(|group| {
                    let changes: Vec<Change> = group.changes.iter().map(|c| (*c).clone()).collect();
                    format!(
                        "{}|{}|{}",
                        group.title,
                        group.r#type.as_deref().unwrap_or("-"),
                        letters(&changes)
                    )
                })
                .collect::<Vec<_>>()
        };
        let all = [
            "ab chore: b",
            "ac feat: c",
            "ad a plain one",
            "ae fix!: e",
            "af docs: f",
            "ag revert: g",
            "ah Revert \"x\" -x",
            "ai fix: i",
            "aj perf: j",
            "ak deps: k",
            "al feat: l",
            "am doc: m",
            "an breaking: n",
        ];
        assert_eq!(
            of(&all),
            [
                "Breaking changes|breaking|e",
                "Features|feat|cl",
                "Fixes|fix|i",
                "Performance|perf|j",
                "Reverts|revert|gh",
                "Other changes|-|d",
                "Breaking|breaking|n",
                "Chores|chore|b",
                "Deps|deps|k",
                "Documentation|docs|fm",
            ]
        );
        assert_eq!(of(&["ab one", "ac two"]), ["Changes|-|bc"]);
        assert_eq!(of(&[]), [""; 0]);
    }
}
