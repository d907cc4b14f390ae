//! Random questions about random histories, each answer held against git's.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::store::repo::fixture::Sandbox;

/// A small generator of numbers: the same history for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64, Marsaglia 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// How far clocks may be off.
#[derive(Clone, Copy, PartialEq)]
enum Clocks {
    Right,
    AFewOff,
    Wild,
}

struct Tangle {
    sandbox: Sandbox,
    clocks: Clocks,
    commits: Vec<Oid>,
    parents: HashMap<Oid, Vec<Oid>>,
}

impl Tangle {
    /// `count` commits with branches, criss-cross and octopus merges and
    /// several roots, the tips of which are branches.
    fn new(seed: u64, count: u64, clocks: Clocks) -> Tangle {
        let sandbox = Sandbox::new();
        let mut dice = Dice(seed * 2 + 1);
        let mut script = String::new();
        for n in 1..=count {
            let mut parents: Vec<u64> = Vec::new();
            let width = match dice.below(20) {
                0 if n > 20 => 3 + dice.below(3),
                1..=5 if n > 2 => 2,
                _ => 1,
            };
            if n > 1 && dice.below(60) > 0 {
                while (parents.len() as u64) < width.min(n - 1) {
                    // Mostly what is recent, so that lines run beside each other and cross.
                    let back = if dice.below(8) == 0 { dice.below(n - 1) } else { dice.below(n.min(7) - 1) };
                    let parent = n - 1 - back.min(n - 2);
                    if !parents.contains(&parent) {
                        parents.push(parent);
                    } else if dice.below(4) == 0 {
                        break;
                    }
                }
            }
            let right = 1_600_000_000 + n * 100;
            let time = match clocks {
                Clocks::Right => right,
                Clocks::AFewOff if dice.below(15) == 0 => right - 40_000 + dice.below(80_000),
                Clocks::AFewOff => right,
                Clocks::Wild => 1_600_000_000 + dice.below(count * 100),
            };
            writeln!(script, "commit refs/heads/b{n}\nmark :{n}").unwrap();
            writeln!(script, "committer a <a@example.com> {time} +0000\ndata 2\nx").unwrap();
            for (index, parent) in parents.iter().enumerate() {
                writeln!(script, "{} :{parent}", if index == 0 { "from" } else { "merge" }).unwrap();
            }
            script.push('\n');
        }
        #[expect(clippy::disallowed_methods, reason = "tests make their histories with git")]
        let mut child = Command::new("git")
            .env_clear()
            .envs(&sandbox.world.env)
            .current_dir(sandbox.path("work"))
            .args(["fast-import", "--quiet", "--force", "--export-marks=marks"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        let marks = std::fs::read_to_string(sandbox.path("work/marks")).unwrap();
        let mut commits: Vec<(u64, Oid)> = marks
            .lines()
            .map(|line| line[1..].split_once(' ').unwrap())
            .map(|(mark, oid)| (mark.parse().unwrap(), oid.parse().unwrap()))
            .collect();
        commits.sort();
        let mut tangle = Tangle {
            sandbox,
            clocks,
            commits: commits.into_iter().map(|(_, oid)| oid).collect(),
            parents: HashMap::new(),
        };
        tangle.look();
        tangle
    }

    /// Who is whose parent, as git has it now.
    fn look(&mut self) {
        let ids: Vec<String> = self.commits.iter().map(Oid::to_string).collect();
        let mut args = vec!["-c", "core.commitGraph=false", "rev-list", "--parents"];
        args.extend(ids.iter().map(String::as_str));
        let listed = self.sandbox.git("work", &args);
        self.parents.clear();
        for line in listed.lines() {
            let ids: Vec<Oid> = line.split(' ').map(|id| id.parse().unwrap()).collect();
            self.parents.insert(ids[0], ids[1..].to_vec());
        }
    }

    fn contained(&self, tips: &[Oid]) -> BTreeSet<Oid> {
        let mut found = BTreeSet::new();
        let mut open = tips.to_vec();
        while let Some(oid) = open.pop() {
            if found.insert(oid) {
                open.extend(&self.parents[&oid]);
            }
        }
        found
    }

    /// Asks `count` questions of every kind, of which a few go to git itself.
    fn ask(&self, seed: u64, count: u64) {
        let repo = self.sandbox.open("work");
        let mut dice = Dice(seed + 7);
        for n in 0..count {
            let (a, b, c) = (dice.pick(&self.commits), dice.pick(&self.commits), dice.pick(&self.commits));
            let (in_a, in_b) = (self.contained(&[a]), self.contained(&[b]));
            let expected: BTreeSet<Oid> = in_b.difference(&self.contained(&[a, c])).copied().collect();
            let what = format!("seed {seed}, {a} {b} {c}");
            let listed = range(&repo, &[a, c], b).unwrap();
            assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), expected, "range, {what}");
            assert_eq!(listed.len(), expected.len(), "each once, {what}");
            let place: HashMap<Oid, usize> = listed.iter().enumerate().map(|(at, oid)| (*oid, at)).collect();
            for (oid, at) in &place {
                let below = |parent: &Oid| place.get(parent).is_none_or(|below| below > at);
                assert!(self.parents[oid].iter().all(below), "children first, {what}");
            }
            assert_eq!(is_ancestor(&repo, a, b).unwrap(), in_b.contains(&a), "ancestor, {what}");
            let (ahead, behind) = ahead_behind(&repo, a, b).unwrap();
            assert_eq!(
                (ahead, behind),
                (in_a.difference(&in_b).count(), in_b.difference(&in_a).count()),
                "ahead and behind, {what}"
            );
            assert_eq!(ancestor_count(&repo, a).unwrap(), in_a.len() as u64, "count, {what}");
            if n % 8 != 0 {
                continue;
            }
            let counted = |args: &[&str]| self.sandbox.git("work", args).parse::<usize>().unwrap();
            let dots = format!("{a}..{b}");
            let by_git = counted(&["rev-list", "--count", &dots]);
            // Git counts too many where clocks are wild; what is right was asked above.
            if self.clocks != Clocks::Wild {
                assert_eq!(count_between(&repo, &[a], b).unwrap(), by_git, "git rev-list, {what}");
            }
            let (ancestor, _) = self
                .sandbox
                .try_git("work", &["merge-base", "--is-ancestor", &a.to_string(), &b.to_string()]);
            assert_eq!(is_ancestor(&repo, a, b).unwrap(), ancestor, "git merge-base, {what}");
            let line = self.sandbox.git("work", &["rev-list", "--first-parent", &b.to_string()]);
            let depth = line.lines().position(|oid| oid == a.to_string());
            assert_eq!(first_parent_depth(&repo, a, b).unwrap(), depth, "first parents, {what}");
        }
        let wanted: Vec<Oid> = (0..70).map(|_| dice.pick(&self.commits)).collect();
        let tips: Vec<Oid> = (0..40).map(|_| dice.pick(&self.commits)).collect();
        let found = containing(&repo, &wanted, &tips).unwrap();
        for (tip_at, tip) in tips.iter().enumerate() {
            let inside = self.contained(&[*tip]);
            for (at, oid) in wanted.iter().enumerate() {
                assert_eq!(found.has(at, tip_at), inside.contains(oid), "seed {seed}, {oid} in {tip}");
            }
        }
        for tips in [&tips[..3], &tips[..]] {
            let theirs = self.contained(tips);
            let expected: BTreeSet<Oid> = theirs.difference(&self.contained(&wanted[..1])).copied().collect();
            let ours = outside(&repo, wanted[0], tips, usize::MAX).unwrap();
            assert_eq!(ours.len(), expected.len(), "each once, seed {seed}");
            assert_eq!(ours.into_iter().collect::<BTreeSet<_>>(), expected, "outside, seed {seed}");
        }
        let few = containing(&repo, &wanted[..3], &tips[..9]).unwrap();
        for (at, tip) in (0..3).flat_map(|at| (0..9).map(move |tip| (at, tip))) {
            assert_eq!(few.has(at, tip), found.has(at, tip), "seed {seed}, few at once");
        }
        if TagLineage::holds_in(&repo).unwrap() {
            self.ask_line(&repo, seed, &mut dice);
        }
        let sets: Vec<[Oid; 1]> = wanted.iter().map(|oid| [*oid]).collect();
        let pairs: Vec<(&[Oid], Oid)> =
            sets.iter().map(|set| &set[..]).zip(tips.iter().cycle().copied()).collect();
        let many = Ranges::walk(&repo, &pairs).unwrap();
        for (at, (exclude, include)) in pairs.iter().enumerate() {
            let expected = self.contained(&[*include]).difference(&self.contained(exclude)).count();
            assert_eq!(
                many.commits(&repo, at).unwrap().count(),
                expected,
                "seed {seed}, {exclude:?}..{include}"
            );
        }
    }

    /// The same of a line through commits, some of which it learns of later.
    fn ask_line(&self, repo: &Repo, seed: u64, dice: &mut Dice) {
        let trunk = self.commits[self.commits.len() - 1];
        let marks: Vec<Oid> = (0..60).map(|_| dice.pick(&self.commits)).collect();
        let mut line = TagLineage::default();
        for known in [&marks[..20], &marks[..45], &marks[..45], &marks] {
            let before = line.clone();
            assert_eq!(line.grow(repo, trunk, known).unwrap(), line != before, "seed {seed}");
        }
        let wanted: Vec<Oid> = (0..70).map(|_| dice.pick(&self.commits)).collect();
        let tips: Vec<Oid> = marks.iter().copied().chain([trunk, dice.pick(&self.commits)]).collect();
        let found = line.containing(repo, &wanted, &tips).unwrap();
        let inside: Vec<BTreeSet<Oid>> = tips.iter().map(|tip| self.contained(&[*tip])).collect();
        for (at, oid) in wanted.iter().enumerate() {
            let lacking: Vec<Oid> =
                (0..tips.len()).filter(|tip| !inside[*tip].contains(oid)).map(|tip| tips[tip]).collect();
            for (tip, inside) in inside.iter().enumerate() {
                assert_eq!(found.has(at, tip), inside.contains(oid), "seed {seed}, {oid} in {}", tips[tip]);
            }
            let theirs = self.contained(&lacking);
            let least: BTreeSet<Oid> = theirs.difference(&self.contained(&[*oid])).copied().collect();
            let listed = line.outside(repo, *oid, &lacking, usize::MAX).unwrap();
            let ours: BTreeSet<Oid> = listed.iter().copied().collect();
            assert_eq!(ours.len(), listed.len(), "each once, seed {seed}");
            assert!(ours.is_superset(&least) && ours.is_subset(&theirs), "outside, seed {seed}, {oid}");
        }
    }
}

#[test]
fn answers_are_those_of_git_with_a_graph_and_without() {
    for (seed, clocks) in [(1, Clocks::Right), (2, Clocks::AFewOff), (3, Clocks::Wild), (4, Clocks::Wild)] {
        let tangle = Tangle::new(seed, 250, clocks);
        tangle.ask(seed, 60);
        tangle.sandbox.git("work", &["commit-graph", "write", "--reachable"]);
        tangle.ask(seed + 100, 60);
        // A graph as older gits wrote it has levels alone.
        let old = ["-c", "commitGraph.generationVersion=1", "commit-graph", "write", "--reachable"];
        tangle.sandbox.git("work", &old);
        tangle.ask(seed + 200, 20);
    }
}

#[test]
fn a_split_graph_and_commits_newer_than_it_are_read_together() {
    let tangle = Tangle::new(5, 260, Clocks::Wild);
    let write = |from: usize, to: usize| {
        let ids: Vec<String> =
            tangle.commits[from..to].iter().map(|oid| format!("refs/x/{oid} {oid}")).collect();
        for line in &ids {
            let (name, oid) = line.split_once(' ').unwrap();
            tangle.sandbox.git("work", &["update-ref", name, oid]);
        }
    };
    // Refs of the first half only, so that the layers and the rest differ.
    for n in 101..=260 {
        tangle.sandbox.try_git("work", &["update-ref", "-d", &format!("refs/heads/b{n}")]);
    }
    tangle.sandbox.git("work", &["commit-graph", "write", "--reachable", "--split=no-merge"]);
    write(120, 160);
    tangle.sandbox.git("work", &["commit-graph", "write", "--reachable", "--split=no-merge"]);
    let chain = tangle.sandbox.path("work/.git/objects/info/commit-graphs/commit-graph-chain");
    assert!(std::fs::read_to_string(chain).unwrap().lines().count() > 1);
    tangle.ask(5, 120);
}

#[test]
fn replace_refs_grafts_and_the_edge_of_a_shallow_clone_are_honoured() {
    let mut tangle = Tangle::new(6, 150, Clocks::AFewOff);
    tangle.sandbox.git("work", &["commit-graph", "write", "--reachable"]);
    let tip = tangle.commits[140];
    let (old, new) = (tangle.commits[100].to_string(), tangle.commits[30].to_string());
    tangle.sandbox.git("work", &["replace", &old, &new]);
    tangle.look();
    tangle.ask(6, 30);
    let graft = format!("{tip} {}\n", tangle.commits[20]);
    std::fs::write(tangle.sandbox.path("work/.git/info/grafts"), graft).unwrap();
    tangle.look();
    tangle.ask(7, 30);
    std::fs::remove_file(tangle.sandbox.path("work/.git/info/grafts")).unwrap();
    tangle.sandbox.git("work", &["replace", "-d", &old]);
    std::fs::write(tangle.sandbox.path("work/.git/shallow"), format!("{}\n{tip}\n", tangle.commits[90]))
        .unwrap();
    tangle.look();
    tangle.ask(8, 30);
}

#[test]
fn a_damaged_graph_costs_speed_and_nothing_else() {
    let tangle = Tangle::new(9, 60, Clocks::Right);
    let path = tangle.sandbox.path("work/.git/objects/info/commit-graph");
    for bytes in [&b""[..], b"CGPH", &[0; 4096]] {
        std::fs::write(&path, bytes).unwrap();
        tangle.ask(9, 8);
    }
}
