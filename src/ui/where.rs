//! Which candidates and environments contain a commit, and how.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::json::{at, tag};
use super::log::person;
use super::plan::count;
use super::screen::Screen;
use super::table::Table;
use super::text::{self, clean, truncate, wrap};
use super::{gate, time};
use crate::domain::changes::Change;
use crate::domain::containment::{Via, Way};
use crate::domain::env::Live;
use crate::domain::gate::verdict::Verdict;
use crate::domain::name::{EnvName, Oid, TagName};

/// Releases named one by one; of more, the first and the last.
const RELEASES: usize = 6;
/// Commits of a merge named one by one.
const BROUGHT: usize = 10;

/// A commit, and where it is.
#[derive(Debug, Clone)]
pub struct Where {
    /// What it was called, where that is not its id.
    pub asked: Option<String>,
    /// The commit.
    pub change: Change,
    /// What it brought, if it is a merge; newest first.
    pub brought: Vec<Change>,
    /// How trunk contains it.
    pub trunk: Option<Way>,
    /// The tags that contain it, newest first, those of others last.
    pub candidates: Vec<Found>,
    /// Every environment, in the policy's order.
    pub places: Vec<Place>,
}

/// A tag that contains it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub tag: TagName,
    /// How.
    pub way: Way,
    /// Whether somebody else made the tag.
    pub foreign: bool,
}

/// An environment, and whether it is there.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which.
    pub name: EnvName,
    /// What is live, and how that contains it, where it does.
    pub live: Option<(Live, Way)>,
    /// Whether what is live is so for sure.
    pub certain: bool,
    /// When something that contains it was first live there.
    pub first: Option<DateTime<Utc>>,
    /// What it waits for, where it is not live.
    pub waits: Option<Waits>,
}

/// What a commit that is not live waits for.
#[derive(Debug, Clone)]
pub enum Waits {
    /// The next deployment brings it.
    Next {
        /// Of which candidate.
        tag: TagName,
        /// What refuses that now.
        gates: Vec<Verdict>,
        /// When it may go, unless a person is needed.
        ready_at: Option<DateTime<Utc>>,
    },
    /// A candidate has it that is not the next one there.
    Candidate {
        /// Which.
        tag: TagName,
        /// What refuses it.
        gates: Vec<Verdict>,
    },
    /// It is on trunk, and nobody has cut it.
    Cut,
    /// It is not on trunk.
    Trunk,
    /// It was taken back, by this commit.
    Reverted(Oid),
}

/// One commit in full.
pub fn one(screen: &Screen, found: &Where, now: DateTime<Utc>) -> String {
    let mut parts = vec![head(screen, found, now)];
    parts.extend(brought(screen, found));
    parts.push(match candidates(screen, &found.candidates) {
        lines if lines.is_empty() => "  in no candidate".to_owned(),
        lines => lines.join("\n"),
    });
    if !found.places.is_empty() {
        parts.push(environments(screen, &found.places, now).render(screen.width()));
    }
    parts.join("\n\n")
}

fn head(screen: &Screen, found: &Where, now: DateTime<Utc>) -> String {
    let change = &found.change;
    let trunk = match found.trunk {
        Some(Way { form: None, .. }) => "on trunk".to_owned(),
        Some(Way { form: Some(form), .. }) => format!("on trunk as {}", form.short()),
        None => screen.caution("not on trunk"),
    };
    let trunk = match found.trunk.and_then(|way| way.reverted_by) {
        Some(revert) => format!("{trunk}, {}", screen.caution(&format!("reverted by {}", revert.short()))),
        None => trunk,
    };
    let called = found.asked.as_ref().map_or(String::new(), |asked| format!("{} is ", clean(asked)));
    let rest =
        format!(" ({}, {}), {trunk}", person(&change.author, None), time::clock(change.committed_at, now));
    let commit = screen.strong(&change.commit.short().to_string());
    let room = screen.width().map_or(usize::MAX, |width| {
        width.saturating_sub(called.len() + 8 + console::measure_text_width(&rest)).max(20)
    });
    let subject = truncate(&clean(&change.subject), room);
    let plain = format!("{called}{} {subject}{}", change.commit.short(), console::strip_ansi_codes(&rest));
    match screen.width() {
        // Names and branches may be long; a line that is folded has no colours.
        Some(width) if text::width(&plain) > width => wrap(&plain, width).join("\n"),
        _ => format!("{called}{commit} {subject}{rest}"),
    }
}

fn brought(screen: &Screen, found: &Where) -> Option<String> {
    if found.brought.is_empty() {
        return None;
    }
    let mut lines =
        vec![format!("  a merge that brought {}", count(found.brought.len(), "commit", "commits"))];
    for change in found.brought.iter().take(BROUGHT) {
        let line = format!(
            "    {} {} ({})",
            change.commit.short(),
            clean(&change.subject),
            person(&change.author, None)
        );
        lines.push(screen.width().map_or(line.clone(), |width| truncate(&line, width)));
    }
    if let Some(more) = found.brought.len().checked_sub(BROUGHT).filter(|more| *more > 0) {
        lines.push(format!("    and {more} more"));
    }
    Some(lines.join("\n"))
}

/// The tags that contain it, a line for each way and form.
fn candidates(screen: &Screen, found: &[Found]) -> Vec<String> {
    let mut groups: Vec<(Way, bool, Vec<&TagName>)> = Vec::new();
    for one in found {
        match groups.iter_mut().find(|(way, foreign, _)| *way == one.way && *foreign == one.foreign) {
            Some((.., tags)) => tags.push(&one.tag),
            None => groups.push((one.way, one.foreign, vec![&one.tag])),
        }
    }
    let rows: Vec<(String, String)> =
        groups.iter().map(|(way, foreign, tags)| (names(tags), said(*way, *foreign))).collect();
    let widest = rows.iter().map(|(names, _)| names.len()).filter(|width| *width < 50).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (names, how) in rows {
        let whole = format!("{names:widest$}   {how}");
        match screen.width() {
            Some(width) if whole.len() + 2 > width => {
                lines.extend(
                    wrap(&format!("{names}   {how}"), width.saturating_sub(4))
                        .iter()
                        .enumerate()
                        .map(|(at, line)| if at == 0 { format!("  {line}") } else { format!("    {line}") }),
                );
            }
            _ => lines.push(format!("  {whole}")),
        }
    }
    lines
}

fn said(way: Way, foreign: bool) -> String {
    let said = match (way.via, way.form) {
        (Via::Ancestor, _) if foreign => "by its history; rel did not make it".to_owned(),
        (Via::Ancestor, _) => "from trunk".to_owned(),
        (Via::Pick, Some(form)) => format!("picked as {}", form.short()),
        (Via::Patch, Some(form)) => format!("the same patch as {}", form.short()),
        (_, None) => "in another form".to_owned(),
    };
    match way.reverted_by {
        Some(revert) => format!("{said}, reverted by {}", revert.short()),
        None => said,
    }
}

/// Tags in few words: of a release the first in full and the others' numbers;
/// of many the oldest and the newest.
fn names(newest_first: &[&TagName]) -> String {
    let mut releases: Vec<(&str, Vec<&str>)> = Vec::new();
    for tag in newest_first.iter().rev() {
        let tag = tag.as_str();
        let release = tag.rsplit_once("-rc.").map_or(tag, |(release, _)| release);
        match releases.iter_mut().find(|(known, _)| *known == release) {
            Some((_, tags)) => tags.push(tag),
            None => releases.push((release, vec![tag])),
        }
    }
    if releases.len() > RELEASES
        && let (Some(newest), Some(oldest)) = (newest_first.first(), newest_first.last())
    {
        return format!("{oldest} to {newest}, {} in all", newest_first.len());
    }
    let words = releases.iter().rev().map(|(_, tags)| {
        let mut words = tags[0].to_owned();
        for tag in &tags[1..] {
            let number = tag.rsplit_once('-').map_or(*tag, |(_, number)| number);
            words.push_str(&format!(", {number}"));
        }
        words
    });
    words.collect::<Vec<_>>().join(", ")
}

fn environments(screen: &Screen, places: &[Place], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["env", "live", "by way of", "since", "first live"]).flexible(4);
    for place in places {
        let name = screen.env(place.name.as_str());
        let first = place.first.map(|first| time::clock(first, now));
        match (&place.live, &place.waits) {
            (Some((live, way)), _) => {
                let mut by = live.tag.label().to_owned();
                match way.via {
                    Via::Ancestor => {}
                    Via::Pick => by.push_str(", picked"),
                    Via::Patch => by.push_str(", same patch"),
                }
                let yes = if place.certain { screen.good("yes") } else { screen.caution("yes?") };
                let since = time::span(time::between(live.since, now));
                table.push([name, yes, by, since, first.unwrap_or_else(|| "-".to_owned())]);
            }
            (None, waits) => {
                let (by, why) = waits.as_ref().map_or(("-".to_owned(), String::new()), |w| waiting(w, now));
                let last = match (first, why.is_empty()) {
                    (Some(first), true) => format!("{first}, no more"),
                    (Some(first), false) => format!("{why}; was live {first}"),
                    (None, _) => why,
                };
                table.push([name, "no".to_owned(), by, "-".to_owned(), last]);
            }
        }
    }
    table
}

/// What it waits for: in what, and for what.
fn waiting(waits: &Waits, now: DateTime<Utc>) -> (String, String) {
    let names = |gates: &[Verdict]| {
        let names: Vec<&str> = gates.iter().map(|verdict| verdict.gate().as_str()).collect();
        format!("refused by {}", names.join(", "))
    };
    match waits {
        Waits::Next { tag, gates, .. } if gates.is_empty() => (format!("next: {tag}"), "ready".to_owned()),
        Waits::Next { tag, gates, ready_at } => {
            let why = match ready_at {
                Some(at) => {
                    let last = gates.iter().max_by_key(|verdict| verdict.opens_at());
                    let gate = last.map_or("", |verdict| verdict.gate().as_str());
                    format!("{gate} ends {} UTC", time::clock(*at, now))
                }
                None => names(gates),
            };
            (format!("next: {tag}"), why)
        }
        Waits::Candidate { tag, gates } if gates.is_empty() => {
            (format!("in {tag}"), "not the next".to_owned())
        }
        Waits::Candidate { tag, gates } => (format!("in {tag}"), names(gates)),
        Waits::Cut => ("-".to_owned(), "not cut yet: rel cut".to_owned()),
        Waits::Trunk => ("-".to_owned(), "not on trunk".to_owned()),
        Waits::Reverted(by) => ("-".to_owned(), format!("reverted by {}", by.short())),
    }
}

/// Several commits, a line each.
pub fn several(screen: &Screen, found: &[Where]) -> String {
    let mut header = vec!["commit", "subject", "trunk", "first in"];
    if let Some(first) = found.first() {
        header.extend(first.places.iter().map(|place| place.name.as_str()));
    }
    let mut table = Table::new(&header).flexible(1);
    for one in found {
        let oldest = one.candidates.iter().rfind(|found| !found.foreign).or(one.candidates.last());
        let trunk = match one.trunk {
            Some(Way { reverted_by: Some(_), .. }) => "reverted".to_owned(),
            Some(Way { form: None, .. }) => "yes".to_owned(),
            Some(Way { form: Some(form), .. }) => format!("as {}", form.short()),
            None => "no".to_owned(),
        };
        let mut row = vec![
            one.change.commit.short().to_string(),
            one.change.subject.clone(),
            trunk,
            oldest.map_or("-".to_owned(), |found| found.tag.to_string()),
        ];
        row.extend(one.places.iter().map(|place| match &place.live {
            Some((_, way)) => {
                let mark = if place.certain { "" } else { "?" };
                let yes = if way.via == Via::Ancestor { "yes" } else { "picked" };
                if place.certain { screen.good(yes) } else { screen.caution(&format!("{yes}{mark}")) }
            }
            None => "no".to_owned(),
        }));
        table.push(row);
    }
    table.render(screen.width())
}

/// The document of one commit.
pub fn json(found: &Where) -> Map<String, Value> {
    let way = |way: Way| (json!(way.via), json!(way.form));
    let candidates: Vec<Value> = found
        .candidates
        .iter()
        .map(|one| {
            let (via, form) = way(one.way);
            let reverted_by = one.way.reverted_by;
            json!({ "tag": one.tag, "via": via, "as": form, "foreign": one.foreign, "reverted_by": reverted_by })
        })
        .collect();
    let environments: Vec<Value> = found
        .places
        .iter()
        .map(|place| {
            let (tag, since) = match &place.live {
                Some((live, _)) => (tag(&live.tag), at(live.since)),
                None => (Value::Null, Value::Null),
            };
            let (via, form) = place.live.as_ref().map_or((Value::Null, Value::Null), |(_, w)| way(*w));
            json!({
                "name": place.name,
                "live": place.live.is_some(),
                "tag": tag,
                "via": via,
                "as": form,
                "since": since,
                "first_live_at": place.first.map(at),
                "certain": place.certain,
                "waits_for": place.waits.as_ref().map(waits),
            })
        })
        .collect();
    let on_trunk = found.trunk.is_some_and(|way| way.via == Via::Ancestor);
    Map::from_iter([
        ("commit".to_owned(), json!(found.change.commit)),
        ("subject".to_owned(), json!(found.change.subject)),
        ("author".to_owned(), json!(found.change.author)),
        ("committed_at".to_owned(), at(found.change.committed_at)),
        ("on_trunk".to_owned(), json!(on_trunk)),
        ("on_trunk_as".to_owned(), json!(found.trunk.and_then(|way| way.form))),
        ("reverted_by".to_owned(), json!(found.trunk.and_then(|way| way.reverted_by))),
        ("brought".to_owned(), json!(found.brought)),
        ("candidates".to_owned(), json!(candidates)),
        ("environments".to_owned(), json!(environments)),
    ])
}

fn waits(waits: &Waits) -> Value {
    let gates = |gates: &[Verdict]| {
        gates.iter().map(|v| json!({ "gate": v.gate(), "text": gate::text(v) })).collect::<Vec<_>>()
    };
    match waits {
        Waits::Next { tag, gates: refusing, ready_at } => {
            json!({ "what": "deployment", "tag": tag, "gates": gates(refusing), "ready_at": ready_at.map(at) })
        }
        Waits::Candidate { tag, gates: refusing } => {
            json!({ "what": "deployment", "tag": tag, "gates": gates(refusing), "ready_at": null })
        }
        Waits::Cut => json!({ "what": "cut", "tag": null, "gates": [], "ready_at": null }),
        Waits::Trunk => json!({ "what": "trunk", "tag": null, "gates": [], "ready_at": null }),
        Waits::Reverted(by) => {
            json!({ "what": "nothing", "reverted_by": by, "tag": null, "gates": [], "ready_at": null })
        }
    }
}
