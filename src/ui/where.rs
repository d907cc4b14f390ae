//! Which candidates and environments contain a commit, and how.

use chrono::{DateTime, Utc};

use super::log::person;
use super::plan::count;
use super::screen::Screen;
use super::table::Table;
use super::text::{self, clean, truncate, wrap};
use super::time;
use crate::domain::containment::{Via, Way};
use crate::domain::name::TagName;
use crate::domain::report::gate::GateReport;
use crate::domain::report::whereabouts::{
    CommitWhereabouts, ContainingEnvironment, ContainingTag, Wait, WaitReport,
};
use crate::domain::version::split_candidate;

/// Releases named one by one; of more, the first and the last.
const RELEASES: usize = 6;
/// Commits of a merge named one by one.
const BROUGHT: usize = 10;

/// One commit in full.
pub fn one(screen: &Screen, found: &CommitWhereabouts, now: DateTime<Utc>) -> String {
    let mut parts = vec![head(screen, found, now)];
    parts.extend(brought(screen, found));
    parts.push(match candidates(screen, &found.candidates) {
        lines if lines.is_empty() => "  in no candidate".to_owned(),
        lines => lines.join("\n"),
    });
    if !found.environments.is_empty() {
        parts.push(environments(screen, &found.environments, now).render(screen.width()));
    }
    parts.join("\n\n")
}

fn head(screen: &Screen, found: &CommitWhereabouts, now: DateTime<Utc>) -> String {
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
        format!(" ({}, {}), {trunk}", person(&found.author, None), time::clock(found.committed_at, now));
    let commit = screen.strong(&found.commit.short().to_string());
    let room = screen.width().map_or(usize::MAX, |width| {
        width.saturating_sub(called.len() + 8 + console::measure_text_width(&rest)).max(20)
    });
    let subject = truncate(&clean(&found.subject), room);
    let plain = format!("{called}{} {subject}{}", found.commit.short(), console::strip_ansi_codes(&rest));
    match screen.width() {
        // Names and branches may be long; a line that is folded has no colours.
        Some(width) if text::width(&plain) > width => wrap(&plain, width).join("\n"),
        _ => format!("{called}{commit} {subject}{rest}"),
    }
}

fn brought(screen: &Screen, found: &CommitWhereabouts) -> Option<String> {
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
fn candidates(screen: &Screen, found: &[ContainingTag]) -> Vec<String> {
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
        let release = split_candidate(tag).map_or(tag, |(release, _, _)| release);
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
    let words = releases.iter().rev().map(|(release, tags)| {
        let mut words = tags[0].to_owned();
        for tag in &tags[1..] {
            let number = tag.strip_prefix(*release).map(|rest| rest.trim_start_matches(['-', '.', '_', '+']));
            words.push_str(&format!(", {}", number.unwrap_or(tag)));
        }
        words
    });
    words.collect::<Vec<_>>().join(", ")
}

fn environments(screen: &Screen, places: &[ContainingEnvironment], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["env", "live", "by way of", "since", "first live"]).flexible(4);
    for place in places {
        let name = screen.env(place.name.as_str());
        let first = place.first_live_at.map(|first| time::clock(first, now));
        match (&place.tag, place.via, place.since) {
            (Some(tag), Some(via), Some(since)) => {
                let mut by = tag.label().to_owned();
                match via {
                    Via::Ancestor => {}
                    Via::Pick => by.push_str(", picked"),
                    Via::Patch => by.push_str(", same patch"),
                }
                let yes = if place.certain { screen.good("yes") } else { screen.caution("yes?") };
                let since = time::span(time::between(since, now));
                table.push([name, yes, by, since, first.unwrap_or_else(|| "-".to_owned())]);
            }
            _ => {
                let waits = place.waits_for.as_ref();
                let (by, why) = waits.map_or(("-".to_owned(), String::new()), |waits| waiting(waits, now));
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
fn waiting(waits: &WaitReport, now: DateTime<Utc>) -> (String, String) {
    let nowhere = |why: &str| ("-".to_owned(), why.to_owned());
    match (waits.what, &waits.tag) {
        (Wait::Deployment, Some(tag)) if waits.is_next => (format!("next: {tag}"), until(waits, now)),
        (Wait::Deployment, Some(tag)) if waits.gates.is_empty() => {
            (format!("in {tag}"), "not the next".to_owned())
        }
        (Wait::Deployment, Some(tag)) => (format!("in {tag}"), refused(&waits.gates)),
        (Wait::Deployment | Wait::Cut, _) => nowhere("not cut yet: rel cut"),
        (Wait::Trunk, _) => nowhere("not on trunk"),
        (Wait::Nothing, _) => {
            nowhere(&waits.reverted_by.map_or(String::new(), |by| format!("reverted by {}", by.short())))
        }
    }
}

/// What the next deployment waits for.
fn until(waits: &WaitReport, now: DateTime<Utc>) -> String {
    match (waits.gates.iter().max_by_key(|refusing| refusing.verdict.opens_at()), waits.ready_at) {
        (None, _) => "ready".to_owned(),
        (Some(last), Some(at)) => format!("{} ends {} UTC", last.gate, time::clock(at, now)),
        (Some(_), None) => refused(&waits.gates),
    }
}

fn refused(gates: &[GateReport]) -> String {
    let names: Vec<&str> = gates.iter().map(|refusing| refusing.gate.as_str()).collect();
    format!("refused by {}", names.join(", "))
}

/// Several commits, a line each.
pub fn several(screen: &Screen, found: &[CommitWhereabouts]) -> String {
    let mut header = vec!["commit", "subject", "trunk", "first in"];
    if let Some(first) = found.first() {
        header.extend(first.environments.iter().map(|place| place.name.as_str()));
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
            one.commit.short().to_string(),
            one.subject.clone(),
            trunk,
            oldest.map_or("-".to_owned(), |found| found.tag.to_string()),
        ];
        row.extend(one.environments.iter().map(|place| match place.via {
            Some(via) => {
                let mark = if place.certain { "" } else { "?" };
                let yes = if via == Via::Ancestor { "yes" } else { "picked" };
                if place.certain { screen.good(yes) } else { screen.caution(&format!("{yes}{mark}")) }
            }
            None => "no".to_owned(),
        }));
        table.push(row);
    }
    table.render(screen.width())
}
