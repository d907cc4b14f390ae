//! How many commits of a project lie between commits, all counted in one walk.

use std::collections::HashMap;

use crate::delivery::error::Result;
use crate::delivery::read::paths::Scope;
use crate::delivery::read::reader::Reader;
use crate::domain::name::Oid;
use crate::store::history::{self, Ranges};

/// Counts, by what is excluded and what is included: the project's, and all.
#[derive(Debug, Default)]
pub struct Counts(HashMap<(Oid, Oid), (usize, usize)>);

impl Counts {
    /// Counts every range of `wanted`: the commits that the second contains
    /// and the first does not.
    ///
    /// # Errors
    /// git failed.
    pub fn take(reader: &Reader, scope: &Scope, wanted: &[(Oid, Oid)]) -> Result<Counts> {
        let mut pairs: Vec<(Oid, Oid)> = Vec::new();
        for &(exclude, include) in wanted {
            if history::has(&reader.repo, exclude)? && history::has(&reader.repo, include)? {
                pairs.push((exclude, include));
            }
        }
        pairs.sort();
        pairs.dedup();
        let excluded: Vec<[Oid; 1]> = pairs.iter().map(|(exclude, _)| [*exclude]).collect();
        let ranges: Vec<(&[Oid], Oid)> =
            pairs.iter().zip(&excluded).map(|((_, include), exclude)| (&exclude[..], *include)).collect();
        let walked = Ranges::walk(&reader.repo, &ranges)?;
        let mut own: HashMap<Oid, bool> = HashMap::new();
        let mut counts = Counts::default();
        for (index, pair) in pairs.into_iter().enumerate() {
            let all = walked.count(index);
            if scope.is_all() {
                counts.0.insert(pair, (all, all));
                continue;
            }
            let mut ours = 0;
            for oid in walked.commits(&reader.repo, index)? {
                // Ranges overlap, and to look at what a commit changed takes longer than to meet it.
                let touched = match own.get(&oid) {
                    Some(known) => *known,
                    None => {
                        let touched = scope.touched_by(reader, oid)?;
                        own.insert(oid, touched);
                        touched
                    }
                };
                ours += usize::from(touched);
            }
            counts.0.insert(pair, (ours, all));
        }
        Ok(counts)
    }

    /// How many there are; none where one of the two is not in this clone.
    pub fn get(&self, exclude: Oid, include: Oid) -> Option<usize> {
        self.0.get(&(exclude, include)).map(|(ours, _)| *ours)
    }

    /// Whether `tip` contains a commit, so that nothing is left of it,
    /// whoever's it is; none where that was not counted.
    pub fn contains(&self, tip: Oid, commit: Oid) -> Option<bool> {
        self.0.get(&(tip, commit)).map(|(_, all)| *all == 0)
    }
}
