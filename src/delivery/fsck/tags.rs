//! Tags at the authority, against what the candidates' chain vouches for.

use std::collections::HashSet;

use super::chains::{ChainRecords, ClosedEvent};
use super::{Examination, by_hand};
use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::domain::candidate::{Candidate, NotACandidate, TagFacts};
use crate::domain::candidates::Minted;
use crate::domain::fsck::{Finding, Sort};
use crate::domain::name::{Oid, TagName};
use crate::domain::ref_name::TagRef;
use crate::failure::Failure;
use crate::store::tag::{TagObject, read_tag};

/// Checks every tag, and gives the records of those candidates whose tag is the
/// one that was minted, wherever its ref points by now.
///
/// # Errors
/// git failed.
pub fn check(look: &mut Examination, told: &ChainRecords) -> Result<Vec<Candidate>> {
    bring(look, told)?;
    let mut records = Vec::new();
    for minted in &told.minted {
        look.report.checked.tags += 1;
        records.extend(candidate(look, minted));
    }
    for closed in &told.closed {
        look.report.checked.releases += 1;
        release(look, closed);
    }
    if told.whole {
        orphans(look, told);
    }
    Ok(records)
}

/// Brings the objects of tags that this clone has not fetched, as when tags
/// were spelled otherwise once.
fn bring(look: &Examination, told: &ChainRecords) -> Result<()> {
    if !look.asks {
        return Ok(());
    }
    let tags = told.minted.iter().map(|one| &one.tag).chain(told.closed.iter().map(|one| &one.tag));
    let unknown: Vec<TagRef> = tags
        .map(TagName::to_ref)
        .filter(|name| look.tags.get(name).is_some_and(|oid| !look.reader.repo.has_object(*oid)))
        .collect();
    Ok(look.reader.authority().fetch_objects(&look.reader.repo, &unknown)?)
}

/// One candidate's tag; its record, where this clone has the object that was minted.
fn candidate(look: &mut Examination, minted: &Minted) -> Option<Candidate> {
    let reader = look.reader;
    let Minted { tag, tag_object, .. } = minted;
    let name = tag.to_ref();
    let found = |message: String| Finding::new(Sort::Tag, &name, message).at(*tag_object);
    let record = minted_record(reader, minted);
    match look.tags.get(&name).copied() {
        None => {
            let held = record.is_ok().then_some(*tag_object);
            let message = format!("it is gone; its chain minted it as the tag object {tag_object}");
            look.tell_gone(found(message), name.clone(), held);
        }
        Some(held) if held != *tag_object => {
            let message =
                format!("{}; its chain minted it as the tag object {tag_object}", held_as(reader, held));
            let back = by_hand(reader, &name, held, &tag_object.to_string());
            look.tell(found(message).hint(format!("put it back: {back}")));
        }
        Some(_) => {
            if let Err(why) = &record {
                look.tell(found(why.clone()).hint(if reader.repo.has_object(*tag_object) {
                    "whoever wrote it went past rel: find out who"
                } else {
                    "fetch it: without --offline rel does"
                }));
            }
        }
    }
    record.ok()
}

/// What a ref holds that should hold another object.
fn held_as(reader: &Reader, held: Oid) -> String {
    match read_tag(&reader.repo, held) {
        Ok(TagObject::Lightweight(commit)) => {
            format!("it has become a lightweight tag on {}", commit.short())
        }
        Ok(TagObject::Annotated { target, .. }) => {
            format!("it was moved to {held}, a tag on {}", target.short())
        }
        Err(_) => format!("it was moved to {held}"),
    }
}

/// The record in the very object that was minted, if it agrees with the chain.
fn minted_record(reader: &Reader, minted: &Minted) -> std::result::Result<Candidate, String> {
    let Minted { tag, tag_object, version, commit, trunk_commit, parent, .. } = minted;
    let (facts, name, message) = annotated(reader, tag, *tag_object)?;
    let record = Candidate::parse(facts, &message).map_err(|not| not.to_string())?;
    let mut wrong = Vec::new();
    let mut compare = |what: &str, there: String, chain: String| {
        if there != chain {
            wrong.push(format!("its {what} is {there}, in its chain {chain}"));
        }
    };
    let shown = |tag: &Option<TagName>| tag.as_ref().map_or("none".to_owned(), TagName::to_string);
    compare("name", name.to_string(), tag.to_string());
    compare("project", record.project.to_string(), reader.project().to_string());
    compare("commit", record.commit.to_string(), commit.to_string());
    compare("version", record.version.to_string(), version.to_string());
    compare("trunk commit", record.trunk_commit.to_string(), trunk_commit.to_string());
    compare("parent", shown(&record.parent), shown(parent));
    if wrong.is_empty() { Ok(record) } else { Err(wrong.join("; ")) }
}

/// An annotated tag's facts, the name inside it and its message.
fn annotated(
    reader: &Reader,
    tag: &TagName,
    object: Oid,
) -> std::result::Result<(TagFacts, TagName, String), String> {
    if !reader.repo.has_object(object) {
        return Err(format!("the tag object {object} is not in this clone"));
    }
    if !reader.repo.is_intact(object) {
        return Err(format!("the tag object {object} is damaged in this clone"));
    }
    match read_tag(&reader.repo, object).map_err(|error| Failure::from(error).message)? {
        TagObject::Lightweight(_) => Err("it is a lightweight tag".to_owned()),
        TagObject::Annotated { name, target, tagger, at, message, signed, .. } => {
            Ok((TagFacts { tag: tag.clone(), commit: target, tagger, at, signed }, name, message))
        }
    }
}

/// One release's own tag.
fn release(look: &mut Examination, closed: &ClosedEvent) {
    let reader = look.reader;
    let name = closed.tag.to_ref();
    let found = |message: String| Finding::new(Sort::Release, &name, message).at(closed.commit);
    let is_it = |object: Oid| released(reader, closed, object);
    match look.tags.get(&name).copied() {
        None => {
            // The chain knew no object of a release's tag at first: then it is known by what it says.
            let copies = [reader.tag_copy(&closed.tag), name.to_string()];
            let copies = copies.iter().filter_map(|copy| reader.repo.ref_target(copy).ok().flatten());
            let held = closed.tag_object.into_iter().chain(copies).find(|object| is_it(*object).is_ok());
            let message = format!("it is gone; {} closed the release {}", closed.candidate, closed.release);
            look.tell_gone(found(message), name.clone(), held);
        }
        Some(held) => {
            let moved = closed.tag_object.filter(|object| *object != held);
            let message = match (moved, is_it(held)) {
                (None, Ok(())) => return,
                (None, Err(why)) => format!("{why}; {} closed the release", closed.candidate),
                (Some(object), _) => {
                    format!("{}; its chain knows it as the tag object {object}", held_as(reader, held))
                }
            };
            let mut finding = found(message);
            if let Some(object) = moved {
                let back = by_hand(reader, &name, held, &object.to_string());
                finding = finding.hint(format!("put it back: {back}"));
            } else {
                finding = finding.hint(format!("look at it: git show {held}"));
            }
            look.tell(finding);
        }
    }
}

/// Whether an object is the tag of this release, and why not.
fn released(reader: &Reader, closed: &ClosedEvent, object: Oid) -> std::result::Result<(), String> {
    if closed.tag_object.is_some_and(|known| known != object) {
        return Err(format!("it is {object}"));
    }
    let (facts, name, message) = annotated(reader, &closed.tag, object)?;
    let says = |trailer: String| message.lines().any(|line| line == trailer);
    if name != closed.tag {
        Err(format!("it is called {name} inside"))
    } else if facts.commit != closed.commit {
        Err(format!("it is on {}, not on {}", facts.commit.short(), closed.commit.short()))
    } else if !says(format!("Rel-Release: {}", closed.release))
        || !says(format!("Rel-Winner: {}", closed.candidate))
    {
        Err("its record is not that of the release".to_owned())
    } else {
        Ok(())
    }
}

/// Tags that say they are this project's and that no chain knows: the chain may
/// have lost its end.
fn orphans(look: &mut Examination, told: &ChainRecords) {
    let reader = look.reader;
    let minted = told.minted.iter().map(|one| one.tag.to_ref());
    let known: HashSet<TagRef> = minted.chain(told.closed.iter().map(|one| one.tag.to_ref())).collect();
    let unknown: Vec<(TagRef, Oid)> =
        look.tags.iter().filter(|(name, _)| !known.contains(*name)).map(|(n, o)| (n.clone(), *o)).collect();
    for (name, object) in unknown {
        let Some(tag) = name.tag() else { continue };
        // Somebody else's tags are their business, here or not.
        let Ok((facts, inside, message)) = annotated(reader, &tag, object) else { continue };
        let ours = match Candidate::parse(facts, &message) {
            Ok(record) => record.project == *reader.project(),
            Err(NotACandidate::Foreign | NotACandidate::Newer(_)) => false,
            Err(NotACandidate::Broken(_)) => {
                message.lines().any(|line| line == format!("Rel-Project: {}", reader.project()))
            }
        };
        if ours && inside == tag {
            let text =
                "it says that rel made it for this project, and the candidates' chain does not have it";
            let begun = "a cut may be at it, or was killed at it: rel sync, in the clone that began it";
            let back =
                "a chain that lost its end is put back from a clone that has it: rel fsck --repair there";
            let away = if reader.is_local() {
                format!("git update-ref -d {name} {object}")
            } else {
                format!("git push {} --delete {name}", reader.home.remote)
            };
            look.tell(
                Finding::new(Sort::Tag, &name, text)
                    .at(object)
                    .hint(begun)
                    .hint(back)
                    .hint(format!("if it was made by hand: {away}")),
            );
        }
    }
}
