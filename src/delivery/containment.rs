//! Whether commits contain another, in whatever form: as an ancestor, as a
//! recorded pick, or as an equal patch.

use std::collections::HashMap;

use super::context::Context;
use super::scope;
use super::snapshot::Snapshot;
use crate::domain::containment::{Via, Way};
use crate::domain::name::Oid;
use crate::failure::{Kind, Result};
use crate::store::{history, patch};

/// The most commits that are compared by patch: what is older than that many
/// is not looked at. Only what is on neither side of a commit is ever compared.
const COMPARED: usize = 20_000;

/// For each of `wanted` and each of `tips`, how the tip contains it, if it does.
///
/// # Errors
/// git failed, or a commit is not in this clone.
pub fn ways(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    wanted: &[Oid],
    tips: &[Oid],
) -> Result<Vec<Vec<Option<Way>>>> {
    let picks = Picks::read(ctx, snapshot)?;
    let forms: Vec<Vec<Oid>> = wanted.iter().map(|oid| picks.forms(ctx, *oid)).collect::<Result<_>>()?;
    let asked: Vec<Oid> =
        wanted.iter().zip(&forms).flat_map(|(oid, forms)| [*oid].into_iter().chain(forms.clone())).collect();
    let contained = history::containing(&ctx.repo, &asked, tips)?;
    let mut first = 0;
    let mut found = Vec::new();
    for (oid, forms) in wanted.iter().zip(&forms) {
        let way = |tip: usize| {
            if contained.has(first, tip) {
                return Some(Way { via: Via::Ancestor, form: None });
            }
            let form = (1..=forms.len()).find(|at| contained.has(first + at, tip));
            form.map(|at| Way { via: Via::Pick, form: Some(forms[at - 1]) })
        };
        let mut ways: Vec<Option<Way>> = (0..tips.len()).map(way).collect();
        by_patch(ctx, *oid, tips, &mut ways)?;
        found.push(ways);
        first += forms.len() + 1;
    }
    Ok(found)
}

/// Fills in where a tip contains a commit with an equal patch only.
fn by_patch(ctx: &Context<'_>, wanted: Oid, tips: &[Oid], ways: &mut [Option<Way>]) -> Result<()> {
    let lacking: Vec<usize> = (0..tips.len()).filter(|at| ways[*at].is_none()).collect();
    let include: Vec<Oid> = lacking.iter().map(|at| tips[*at]).collect();
    if include.is_empty() {
        return Ok(());
    }
    let among = history::outside(&ctx.repo, wanted, &include, COMPARED)?;
    let equal = patch::equal_to(&ctx.repo, wanted, &among)?;
    if equal.is_empty() {
        return Ok(());
    }
    let contained = history::containing(&ctx.repo, &equal, &include)?;
    for (tip, at) in lacking.into_iter().enumerate() {
        let form = (0..equal.len()).find(|form| contained.has(*form, tip));
        ways[at] = form.map(|form| Way { via: Via::Patch, form: Some(equal[form]) });
    }
    Ok(())
}

/// Every pick that candidates record, both ways.
struct Picks(HashMap<Oid, Vec<Oid>>);

impl Picks {
    fn read(ctx: &Context<'_>, snapshot: &Snapshot) -> Result<Picks> {
        let mut picks = Picks(HashMap::new());
        // Only what was picked onto another candidate has picks; the others' tags are not opened.
        let mut picked = snapshot.pool.iter().filter(|minted| minted.parent.is_some()).peekable();
        if picked.peek().is_none() {
            return Ok(picks);
        }
        let tags = snapshot.tags(ctx)?;
        for minted in picked {
            match snapshot.record_among(ctx, minted, &tags) {
                Ok(record) => {
                    for pick in record.picks {
                        picks.join(pick.source, pick.commit);
                    }
                }
                // A tag that is not the one that was minted says nothing; others warn of it.
                Err(failure) if failure.kind == Kind::Integrity => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(picks)
    }

    fn join(&mut self, one: Oid, other: Oid) {
        self.0.entry(one).or_default().push(other);
        self.0.entry(other).or_default().push(one);
    }

    /// The other commits that are this one in another form, as far as they are
    /// in this clone: by recorded picks, and by what their messages say they
    /// were picked from.
    fn forms(&self, ctx: &Context<'_>, commit: Oid) -> Result<Vec<Oid>> {
        let mut forms = vec![commit];
        let mut at = 0;
        while let Some(&form) = forms.get(at) {
            let said = scope::changes(ctx, &[form])?.into_iter().flat_map(|change| change.picked_from);
            let recorded = self.0.get(&form).into_iter().flatten().copied();
            for other in said.chain(recorded).collect::<Vec<_>>() {
                if !forms.contains(&other) && history::has(&ctx.repo, other)? {
                    forms.push(other);
                }
            }
            at += 1;
        }
        forms.remove(0);
        Ok(forms)
    }
}
