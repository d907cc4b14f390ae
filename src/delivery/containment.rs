//! Whether commits contain another, in whatever form: as an ancestor, as a
//! recorded pick, or as an equal patch.

use rustc_hash::FxHashMap;

use super::context::Context;
use super::records;
use super::scope;
use super::snapshot::{Snapshot, Tags};
use crate::domain::containment::{Via, Way};
use crate::domain::name::Oid;
use crate::failure::Result;
use crate::store::history::{self, Containment, Line};
use crate::store::{index, patch};

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
    tags: &Tags,
    wanted: &[Oid],
    tips: &[Oid],
) -> Result<Vec<Vec<Option<Way>>>> {
    let among = Among::read(ctx, snapshot, tips)?;
    let picks = Picks::read(ctx, snapshot, tags)?;
    let forms: Vec<Vec<Oid>> = wanted.iter().map(|oid| picks.forms(ctx, *oid)).collect::<Result<_>>()?;
    let asked: Vec<Oid> =
        wanted.iter().zip(&forms).flat_map(|(oid, forms)| [*oid].into_iter().chain(forms.clone())).collect();
    let contained = among.containing(ctx, &asked, tips)?;
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
        by_patch(ctx, &among, *oid, tips, &mut ways)?;
        found.push(ways);
        first += forms.len() + 1;
    }
    Ok(found)
}

/// From how many tips on it is worth knowing how they contain each other.
const MANY: usize = 16;

/// The commits that something is looked for in.
enum Among {
    /// Few: each is walked from.
    Few,
    /// Tags by the hundred, most of which contain each other.
    Many(Line),
}

impl Among {
    fn read(ctx: &Context<'_>, snapshot: &Snapshot, tips: &[Oid]) -> Result<Among> {
        if tips.len() < MANY || !Line::holds_in(&ctx.repo)? {
            return Ok(Among::Few);
        }
        let file = ctx.index_file("line");
        let mut line: Line = index::load(&file, LINE).unwrap_or_default();
        if !line.is_here(&ctx.repo)? {
            line = Line::default();
        }
        let marks: Vec<Oid> = tips.iter().copied().filter(|tip| *tip != snapshot.trunk).collect();
        if line.grow(&ctx.repo, snapshot.trunk, &marks)? {
            index::store(&file, LINE, &line);
        }
        Ok(Among::Many(line))
    }

    fn containing(&self, ctx: &Context<'_>, wanted: &[Oid], tips: &[Oid]) -> Result<Containment> {
        match self {
            Among::Few => history::containing(&ctx.repo, wanted, tips),
            Among::Many(line) => line.containing(&ctx.repo, wanted, tips),
        }
    }

    /// The commits of `tips` that `base` does not contain, and maybe some that
    /// it does.
    fn outside(&self, ctx: &Context<'_>, base: Oid, tips: &[Oid]) -> Result<Vec<Oid>> {
        match self {
            Among::Few => history::outside(&ctx.repo, base, tips, COMPARED),
            Among::Many(line) => line.outside(&ctx.repo, base, tips, COMPARED),
        }
    }
}

/// What is kept of how tags contain each other, and in which form.
const LINE: &str = "line 3";

/// Fills in where a tip contains a commit with an equal patch only.
fn by_patch(
    ctx: &Context<'_>,
    known: &Among,
    wanted: Oid,
    tips: &[Oid],
    ways: &mut [Option<Way>],
) -> Result<()> {
    let lacking: Vec<usize> = (0..tips.len()).filter(|at| ways[*at].is_none()).collect();
    let include: Vec<Oid> = lacking.iter().map(|at| tips[*at]).collect();
    if include.is_empty() {
        return Ok(());
    }
    let among = known.outside(ctx, wanted, &include)?;
    let mut equal = Vec::new();
    for other in patch::equal_to(&ctx.repo, wanted, &among)? {
        // What the commit itself builds on is no other form of it.
        if !history::is_ancestor(&ctx.repo, other, wanted)? {
            equal.push(other);
        }
    }
    if equal.is_empty() {
        return Ok(());
    }
    let contained = known.containing(ctx, &equal, &include)?;
    for (tip, at) in lacking.into_iter().enumerate() {
        let form = (0..equal.len()).find(|form| contained.has(*form, tip));
        ways[at] = form.map(|form| Way { via: Via::Patch, form: Some(equal[form]) });
    }
    Ok(())
}

/// Every pick that candidates record, both ways.
struct Picks(FxHashMap<Oid, Vec<Oid>>);

impl Picks {
    fn read(ctx: &Context<'_>, snapshot: &Snapshot, tags: &Tags) -> Result<Picks> {
        let mut picks = Picks(FxHashMap::default());
        for pick in records::picks(ctx, snapshot, tags)? {
            picks.join(pick.source, pick.commit);
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
