//! One change in its several forms: a commit, its picks, and picks of those.

use std::collections::{HashMap, HashSet};

use super::changes::Change;
use super::name::Oid;

/// Which commits are one change. A commit nobody linked is a change of its own.
#[derive(Debug, Clone, Default)]
pub struct EquivalentCommits(HashMap<Oid, Oid>);

impl EquivalentCommits {
    /// From what the messages of commits say they were picked from.
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> EquivalentCommits {
        let mut equivalent = EquivalentCommits::default();
        for change in changes {
            for source in &change.picked_from {
                equivalent.link(*source, change.commit);
            }
        }
        equivalent
    }

    /// Says that both are one change.
    pub fn link(&mut self, one: Oid, other: Oid) {
        let (one, other) = (self.change_of(one), self.change_of(other));
        if one != other {
            self.0.insert(other, one);
        }
    }

    /// What all forms of a change have in common: the same for each.
    pub fn change_of(&self, commit: Oid) -> Oid {
        let mut at = commit;
        while let Some(next) = self.0.get(&at) {
            at = *next;
        }
        at
    }

    /// For each commit of `here` whose change is in `there` as well, the
    /// newest form it has there. Both are newest first. What was reverted
    /// there, and not made again since, is not there.
    pub fn elsewhere(&self, here: &[Change], there: &[Change]) -> HashMap<Oid, Oid> {
        let mut standing: HashMap<Oid, Oid> = HashMap::new();
        let mut reverted: HashSet<Oid> = HashSet::new();
        for change in there {
            let form = self.change_of(change.commit);
            if !reverted.contains(&form) {
                standing.entry(form).or_insert(change.commit);
                // A revert that was itself reverted took nothing away.
                reverted.extend(change.reverts.iter().map(|commit| self.change_of(*commit)));
            }
        }
        here.iter()
            .filter_map(|change| {
                let form = standing.get(&self.change_of(change.commit))?;
                Some((change.commit, *form))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::name::Actor;
    use super::*;

    fn oid(n: u8) -> Oid {
        Oid::from_bytes([n; Oid::BYTES])
    }

    fn change(n: u8, body: &str) -> Change {
        let message = format!("fix: {n}\n\n{body}");
        Change::read(oid(n), &message, &Actor::new("Ana", "ana@example.com"), DateTime::UNIX_EPOCH)
    }

    fn pick(n: u8, of: &[u8]) -> Change {
        let lines: Vec<String> =
            of.iter().map(|n| format!("(cherry picked from commit {})", oid(*n))).collect();
        change(n, &lines.join("\n"))
    }

    fn revert(n: u8, of: u8) -> Change {
        change(n, &format!("This reverts commit {}.", oid(of)))
    }

    fn elsewhere(here: &[Change], there: &[Change]) -> Vec<(u8, u8)> {
        let equivalent = EquivalentCommits::of(here.iter().chain(there));
        let mut found: Vec<(u8, u8)> = equivalent
            .elsewhere(here, there)
            .into_iter()
            .map(|(commit, form)| (commit.as_bytes()[0], form.as_bytes()[0]))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn a_pick_is_found_from_both_sides() {
        let (trunk, release) = ([change(2, ""), change(1, "")], [pick(11, &[1])]);
        assert_eq!(elsewhere(&trunk, &release), [(1, 11)]);
        assert_eq!(elsewhere(&release, &trunk), [(11, 1)]);
    }

    #[test]
    fn picks_of_picks_and_of_one_source_are_one_change() {
        let twice = [pick(21, &[1, 11])];
        assert_eq!(elsewhere(&[change(1, "")], &twice), [(1, 21)]);
        assert_eq!(elsewhere(&[pick(11, &[1])], &twice), [(11, 21)]);
        // The source is on neither side.
        assert_eq!(elsewhere(&[pick(11, &[1])], &[pick(31, &[1])]), [(11, 31)]);
        let mut equivalent = EquivalentCommits::default();
        equivalent.link(oid(1), oid(2));
        equivalent.link(oid(3), oid(4));
        equivalent.link(oid(4), oid(2));
        equivalent.link(oid(1), oid(3));
        assert!([1, 2, 3, 4].iter().all(|n| equivalent.change_of(oid(*n)) == equivalent.change_of(oid(1))));
    }

    #[test]
    fn what_was_reverted_there_is_not_there() {
        let here = [change(1, "")];
        assert_eq!(elsewhere(&here, &[revert(12, 11), pick(11, &[1])]), []);
        let again = [revert(13, 12), revert(12, 11), pick(11, &[1])];
        assert_eq!(elsewhere(&here, &again), [(1, 11)], "the revert was reverted");
        let again = [pick(14, &[1]), revert(12, 11), pick(11, &[1])];
        assert_eq!(elsewhere(&here, &again), [(1, 14)], "it was picked once more");
        // The revert on trunk names the commit on trunk, whatever form is here.
        assert_eq!(elsewhere(&[pick(11, &[1])], &[revert(2, 1), change(1, "")]), []);
    }
}
