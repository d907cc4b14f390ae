//! Whether commits contain another, in whatever form: as an ancestor, as a
//! recorded pick, or as an equal patch; and whether it was reverted there.

use rustc_hash::FxHashMap;

use crate::delivery::error::Result;
use crate::delivery::read::candidate_tags::{self, RecordedPick};
use crate::delivery::read::message_refs::MessageRefs;
use crate::delivery::read::range;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::{Snapshot, Tags};
use crate::domain::containment::{Via, Way};
use crate::domain::name::Oid;
use crate::store::history::{self, Containment, TagLineage};
use crate::store::{derived_file, patch};

/// The most commits that are compared by patch: what is older than that many
/// is not looked at. Only what is on neither side of a commit is ever compared.
const COMPARED: usize = 20_000;

/// For each of `wanted` and each of `tips`, how the tip contains it, if it does.
///
/// A form that was reverted there counts where no other is left, and says so.
///
/// # Errors
/// git failed, or a commit is not in this clone.
pub fn ways(
    reader: &Reader,
    snapshot: &Snapshot,
    tags: &Tags,
    wanted: &[Oid],
    tips: &[Oid],
) -> Result<Vec<Vec<Option<Way>>>> {
    let among = Among::read(reader, snapshot, tips)?;
    let picked = candidate_tags::picks(reader, snapshot, tags)?;
    let (picks, mentions, forms) = known(reader, snapshot, &picked, wanted)?;
    let contained = among.containing(reader, &forms.concat(), tips)?;
    let takers = Takers { reader, snapshot, among: &among, picked: &picked, picks: &picks, tips };
    let mut first = 0;
    let mut found = Vec::new();
    for (oid, forms) in wanted.iter().zip(&forms) {
        let taken: Vec<Vec<Option<Oid>>> =
            forms.iter().map(|form| takers.of(&mentions, forms, *form)).collect::<Result<_>>()?;
        let way = |tip: usize, standing: bool| {
            let form = (0..forms.len())
                .find(|at| contained.has(first + at, tip) && taken[*at][tip].is_none() == standing)?;
            Some(Way {
                via: if form == 0 { Via::Ancestor } else { Via::Pick },
                form: (form > 0).then(|| forms[form]),
                reverted_by: taken[form][tip],
            })
        };
        let mut ways: Vec<Option<Way>> = (0..tips.len()).map(|tip| way(tip, true)).collect();
        by_patch(&takers, *oid, forms, &mut ways)?;
        for (tip, found) in ways.iter_mut().enumerate() {
            if found.is_none_or(|way| way.reverted_by.is_some()) {
                *found = way(tip, false).or(*found);
            }
        }
        found.push(ways);
        first += forms.len();
    }
    Ok(found)
}

/// Each of these commits with all its other forms, as far as they are known
/// and in this clone.
///
/// # Errors
/// git failed, or a commit is not in this clone.
pub fn forms(reader: &Reader, snapshot: &Snapshot, tags: &Tags, commits: &[Oid]) -> Result<Vec<Vec<Oid>>> {
    Ok(known(reader, snapshot, &candidate_tags::picks(reader, snapshot, tags)?, commits)?.2)
}

/// What is known of the forms of commits and what took them back; of each of
/// `wanted` all its forms, itself first.
fn known(
    reader: &Reader,
    snapshot: &Snapshot,
    picked: &[RecordedPick],
    wanted: &[Oid],
) -> Result<(Picks, MessageRefs, Vec<Vec<Oid>>)> {
    let mut mentions = MessageRefs::of(reader, snapshot, wanted, picked)?;
    loop {
        let picks = Picks::read(snapshot, picked, &mentions);
        let forms: Vec<Vec<Oid>> =
            wanted.iter().map(|oid| picks.forms(reader, *oid)).collect::<Result<_>>()?;
        if forms.iter().all(|forms| forms.len() == 1) {
            return Ok((picks, mentions, forms));
        }
        // A form may be older than the commit, and what is said of it too.
        let further = MessageRefs::of(reader, snapshot, &forms.concat(), picked)?;
        if further.reaches_as_far_as(&mentions) {
            return Ok((picks, further, forms));
        }
        mentions = further;
    }
}

/// What takes back commits, and where.
struct Takers<'a> {
    reader: &'a Reader<'a>,
    snapshot: &'a Snapshot,
    among: &'a Among,
    picked: &'a [RecordedPick],
    picks: &'a Picks,
    tips: &'a [Oid],
}

impl Takers<'_> {
    /// For each tip the revert it contains that came after `form`, which goes
    /// by these `names` too, and was not itself reverted.
    fn of(&self, mentions: &MessageRefs, names: &[Oid], form: Oid) -> Result<Vec<Option<Oid>>> {
        let mut taken = vec![None; self.tips.len()];
        for revert in mentions.reverts(self.reader, names, form)? {
            let forms = self.picks.forms(self.reader, revert.commit)?;
            for other in &forms {
                if *other == form || !history::is_ancestor(&self.reader.repo, form, *other)? {
                    continue;
                }
                let contained = self.among.containing(self.reader, &[*other], self.tips)?;
                // Later each time, so that this comes to an end.
                let undone = self.of(mentions, &forms, *other)?;
                for (tip, taken) in taken.iter_mut().enumerate() {
                    if contained.has(0, tip) && undone[tip].is_none() {
                        taken.get_or_insert(*other);
                    }
                }
            }
        }
        Ok(taken)
    }
}

/// From how many tips on it is worth knowing how they contain each other.
const MANY: usize = 16;

/// The commits that something is looked for in.
enum Among {
    /// Few: each is walked from.
    Few,
    /// Tags by the hundred, most of which contain each other.
    Many(TagLineage),
}

impl Among {
    fn read(reader: &Reader, snapshot: &Snapshot, tips: &[Oid]) -> Result<Among> {
        if tips.len() < MANY || !TagLineage::holds_in(&reader.repo)? {
            return Ok(Among::Few);
        }
        let file = reader.derived_file("containment");
        let mut line: TagLineage = derived_file::load(&file, FORMAT).unwrap_or_default();
        if !line.is_here(&reader.repo)? {
            line = TagLineage::default();
        }
        let marks: Vec<Oid> = tips.iter().copied().filter(|tip| *tip != snapshot.trunk).collect();
        if line.grow(&reader.repo, snapshot.trunk, &marks)? {
            derived_file::store(&file, FORMAT, &line);
        }
        Ok(Among::Many(line))
    }

    fn containing(&self, reader: &Reader, wanted: &[Oid], tips: &[Oid]) -> Result<Containment> {
        Ok(match self {
            Among::Few => history::containing(&reader.repo, wanted, tips)?,
            Among::Many(line) => line.containing(&reader.repo, wanted, tips)?,
        })
    }

    /// The commits of `tips` that `base` does not contain, and maybe some that
    /// it does.
    fn outside(&self, reader: &Reader, base: Oid, tips: &[Oid]) -> Result<Vec<Oid>> {
        Ok(match self {
            Among::Few => history::outside(&reader.repo, base, tips, COMPARED)?,
            Among::Many(line) => line.outside(&reader.repo, base, tips, COMPARED)?,
        })
    }
}

/// What is kept of how tags contain each other, and in which form.
const FORMAT: &str = "line 4";

/// Fills in where a tip contains a commit with an equal patch only.
fn by_patch(takers: &Takers<'_>, wanted: Oid, names: &[Oid], ways: &mut [Option<Way>]) -> Result<()> {
    let Takers { reader, snapshot, among, picked, tips, .. } = takers;
    let lacking: Vec<usize> = (0..tips.len()).filter(|at| ways[*at].is_none()).collect();
    let include: Vec<Oid> = lacking.iter().map(|at| tips[*at]).collect();
    if include.is_empty() {
        return Ok(());
    }
    let outside = among.outside(reader, wanted, &include)?;
    let mut equal = Vec::new();
    for other in patch::equal_to(&reader.repo, wanted, &outside)? {
        // What the commit itself builds on is no other form of it, and its picks are known.
        if !names.contains(&other) && !history::is_ancestor(&reader.repo, other, wanted)? {
            equal.push(other);
        }
    }
    if equal.is_empty() {
        return Ok(());
    }
    let contained = among.containing(reader, &equal, &include)?;
    let mentions = MessageRefs::of(reader, snapshot, &equal, picked)?;
    let of = |form: &Oid| takers.of(&mentions, &[names, &[*form]].concat(), *form);
    let taken: Vec<Vec<Option<Oid>>> = equal.iter().map(of).collect::<Result<_>>()?;
    for (tip, at) in lacking.into_iter().enumerate() {
        let there = (0..equal.len()).filter(|form| contained.has(*form, tip));
        // One that stands before one that was taken back.
        let form = there.min_by_key(|form| taken[*form][at].is_some());
        ways[at] =
            form.map(|form| Way { via: Via::Patch, form: Some(equal[form]), reverted_by: taken[form][at] });
    }
    Ok(())
}

/// Every pick that candidates record or a message on trunk tells of, and every
/// form that a waiver names, both ways.
struct Picks(FxHashMap<Oid, Vec<Oid>>);

impl Picks {
    fn read(snapshot: &Snapshot, picked: &[RecordedPick], mentions: &MessageRefs) -> Picks {
        let mut picks = Picks(FxHashMap::default());
        for RecordedPick { pick, .. } in picked {
            picks.join(pick.source, pick.commit);
        }
        for (commit, source) in mentions.picks() {
            picks.join(*source, *commit);
        }
        for waiver in &snapshot.candidates.state.waivers {
            if let Some(trunk) = waiver.trunk_commit {
                picks.join(waiver.commit, trunk);
            }
        }
        picks
    }

    fn join(&mut self, one: Oid, other: Oid) {
        self.0.entry(one).or_default().push(other);
        self.0.entry(other).or_default().push(one);
    }

    /// The commit, and the others that are this one in another form, as far as
    /// they are in this clone: by recorded picks, and by what messages say they
    /// were picked from. What is not here, such as a branch that nobody pushed,
    /// still tells that others are one.
    fn forms(&self, reader: &Reader, commit: Oid) -> Result<Vec<Oid>> {
        let (mut names, mut forms) = (vec![commit], Vec::new());
        let mut at = 0;
        while let Some(&name) = names.get(at) {
            let mut others = self.0.get(&name).cloned().unwrap_or_default();
            if history::has(&reader.repo, name)? {
                forms.push(name);
                others.extend(
                    range::changes(reader, &[name])?.into_iter().flat_map(|change| change.picked_from),
                );
            }
            for other in others {
                if !names.contains(&other) {
                    names.push(other);
                }
            }
            at += 1;
        }
        Ok(forms)
    }
}
