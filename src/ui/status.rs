//! What is live where, and what comes next.

use std::fmt::Display;

use chrono::{DateTime, TimeZone, Utc};

use super::log::{person, person_cell};
use super::noted::fits;
use super::plan::count;
use super::screen::Screen;
use super::table::{Table, labelled};
use super::text::{clean, wrap};
use super::{gate, time};
use crate::domain::env::{Deployment, Hold, HoldCause, Live, Progress, Trigger};
use crate::domain::gate::Gate;
use crate::domain::gate::verdict::Attempt;
use crate::domain::name::EnvName;
use crate::domain::plan::Skipped;
use crate::domain::report::deployment::DeploymentReport;
use crate::domain::report::status::{Back, EnvironmentReport, NextReport, StatusReport, WaitingPick};

/// Every environment in a line, and below it what somebody has to see to.
pub fn overview(screen: &Screen, status: &StatusReport) -> String {
    let mut parts = vec![header(screen, status, None)];
    if status.environments.is_empty() {
        parts.push("release.toml names no environments".to_owned());
        return parts.join("\n\n");
    }
    let whole = table(screen, status, false).render(None);
    parts.push(match screen.width() {
        Some(width) if !fits(&whole, width) => table(screen, status, true).render(Some(width)),
        _ => whole,
    });
    parts.extend(status.environments.iter().flat_map(|place| concerns(screen, status, place)));
    parts.extend(status.unfinished_pick.as_ref().map(|unfinished| waiting_pick(screen, unfinished)));
    parts.extend(not_kept(screen, &status.environments));
    parts.join("\n\n")
}

/// A cherry-pick that waits, with the ways on.
fn waiting_pick(screen: &Screen, unfinished: &WaitingPick) -> String {
    let WaitingPick { source, onto, worktree, conflicts } = unfinished;
    let files = count(conflicts.len(), "file", "files");
    let text = format!("a pick of {} onto {onto} waits: {files} in conflict.", source.short());
    let ways = [
        ("resolve it in", clean(worktree)),
        ("then go on", "rel cherry-pick --continue".to_owned()),
        ("or drop it", "rel cherry-pick --abort".to_owned()),
    ];
    concern(screen, &text, &ways)
}

/// Something to see to, and the ways on.
fn concern(screen: &Screen, text: &str, ways: &[(&str, String)]) -> String {
    let width = screen.width();
    let lines = match width {
        Some(width) => wrap(text, width.saturating_sub(2)).join("\n  "),
        None => text.to_owned(),
    };
    format!("{} {lines}\n{}", screen.caution("?"), labelled(ways, 2, width))
}

/// All of it in one line, for a prompt: what is live, `?` where that is not
/// certain, how many commits on trunk wait, and what keeps it closed.
pub fn oneline(screen: &Screen, status: &StatusReport) -> String {
    let places = status.environments.iter().map(|place| {
        let mut words = vec![screen.env(place.name.as_str())];
        words.push(place.live().map_or("-".to_owned(), |live| mark(screen, place, live)));
        words.extend(place.pending.filter(|pending| *pending > 0).map(|pending| format!("+{pending}")));
        match (&place.in_flight, &place.hold) {
            (Some(flight), _) => words.push(format!("({} running)", flight.0.id)),
            (None, Some(_)) => words.push("(held)".to_owned()),
            (None, None) => {}
        }
        words.join(" ")
    });
    places.collect::<Vec<_>>().join(" · ")
}

/// The environments, a line each. What comes last may be cut, so where there
/// is little room a hold's number comes before its reason.
fn table(screen: &Screen, status: &StatusReport, narrow: bool) -> Table {
    let mut table = Table::new(&["env", "live", "since", "by", "next"]).flexible(4);
    for place in &status.environments {
        let (live, since, by) = match place.live() {
            Some(live) => (
                mark(screen, place, live),
                time::span(time::between(live.since, status.now)),
                person_cell(screen, &live.actor, place.on_behalf_of.as_ref()),
            ),
            None => ("-".to_owned(), "-".to_owned(), "-".to_owned()),
        };
        let next = match &place.hold {
            Some(hold) if narrow && place.in_flight.is_none() && hold.cause == HoldCause::Person => {
                let by = person(&hold.actor, None);
                format!("held by {by} ({}#{}): \"{}\"", place.name, hold.token, clean(&hold.reason))
            }
            _ => outlook(status, place),
        };
        table.push([screen.env(place.name.as_str()), live, since, by, next]);
    }
    table
}

/// One environment in depth; when a gate opens is told in the reader's `zone` as well.
pub fn detail<Tz: TimeZone>(
    screen: &Screen,
    status: &StatusReport,
    place: &EnvironmentReport,
    zone: &Tz,
) -> String
where
    Tz::Offset: Display,
{
    let now = status.now;
    let name = &place.name;
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |label: &str, text: String| rows.push((label.to_owned(), text));
    match place.live() {
        Some(live) => row(
            "live",
            format!(
                "{}, {}, by {} ({})",
                mark(screen, place, live),
                time::span(time::between(live.since, now)),
                person(&live.actor, place.on_behalf_of.as_ref()),
                live.deployment
            ),
        ),
        None => row("live", "nothing".to_owned()),
    }
    if let Some(pending) = place.pending {
        row("pending", format!("{} on trunk not in it", count(pending, "commit", "commits")));
    }
    if let Some(flight) = &place.in_flight {
        row("in flight", under_way(flight, place.alive_here, now));
    }
    if let Some(hold) = &place.hold {
        let span = time::span(time::between(hold.at, now));
        let open = format!("rel unlock {name} --token {} --reason WHY", hold.token);
        row("held", format!("{}, {span}\n{open}", held(name, hold)));
    }
    match &place.next {
        Some(next) => {
            row("next", coming(next, place, now));
            for refusing in next.gates.iter().filter(|refusing| !closes(refusing.gate)) {
                let fixes = gate::fixes(&refusing.verdict, &Attempt::Deploy(next.tag.clone()));
                let below: Vec<String> =
                    gate::here(&refusing.verdict, zone).into_iter().chain(fixes).collect();
                let below = below.iter().map(|line| format!("\n{}", clean(line)));
                // A gate may give a list; each line is somebody else's words.
                let text = refusing.text.lines().map(clean).collect::<Vec<_>>().join("\n");
                row(&format!("  {}", refusing.gate), text + &below.collect::<String>());
            }
            if next.gates.is_empty() {
                row("", format!("rel deploy {name} {}", next.tag));
            }
        }
        None => row("next", nothing_next(status, place)),
    }
    if let Some(back) = &place.back {
        for (label, text) in way_back(name, back) {
            row(label, text);
        }
    }
    let mut parts = vec![header(screen, status, Some(name)), labelled(&rows, 2, screen.width())];
    parts.extend(concerns(screen, status, place));
    parts.extend(not_kept(screen, std::slice::from_ref(place)));
    parts.join("\n\n")
}

/// What could not be deployed from here while the remote is down.
fn not_kept(screen: &Screen, places: &[EnvironmentReport]) -> Option<String> {
    let mut tags: Vec<&str> =
        places.iter().flat_map(|place| &place.not_here).map(|tag| tag.label()).collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() {
        return None;
    }
    let text = format!("not kept here for --offline: {} (rel sync brings what is missing)", tags.join(", "));
    Some(match screen.width() {
        Some(width) => wrap(&text, width).join("\n  "),
        None => text,
    })
}

fn header(screen: &Screen, status: &StatusReport, name: Option<&EnvName>) -> String {
    let name = name.map_or(String::new(), |name| format!(" {}", screen.env(name.as_str())));
    let asked = match status.as_of {
        Some(at) if status.authority != THIS => format!(", {}", time::ago(status.now, at)),
        _ => String::new(),
    };
    let header = format!(
        "{}{name} · trunk {} {} · {}{asked}{}",
        screen.strong(status.project.as_str()),
        clean(&status.trunk.branch),
        status.trunk.commit.short(),
        clean(&status.authority),
        if status.offline { ", offline" } else { "" }
    );
    match screen.width() {
        Some(width) => wrap(&header, width).join("\n  "),
        None => header,
    }
}

/// How an authority that is this repository is spelled.
const THIS: &str = "this repository";

fn mark(screen: &Screen, place: &EnvironmentReport, live: &Live) -> String {
    let tag = live.tag.label();
    if place.certain { tag.to_owned() } else { screen.caution(&format!("{tag}?")) }
}

/// What comes next, in one line: whatever keeps the environment closed first.
fn outlook(status: &StatusReport, place: &EnvironmentReport) -> String {
    if let Some(flight) = &place.in_flight {
        let Deployment { id, tag, actor, on_behalf_of, started_at, .. } = &flight.0;
        let by = person(actor, on_behalf_of.as_ref());
        return format!("{} by {by} since {}, {id}", tag.label(), moment(*started_at, status.now));
    }
    if let Some(hold) = &place.hold {
        return format!("held {}", held(&place.name, hold));
    }
    match &place.next {
        Some(next) => coming(next, place, status.now),
        None => nothing_next(status, place),
    }
}

fn coming(next: &NextReport, place: &EnvironmentReport, now: DateTime<Utc>) -> String {
    let what = match &place.current {
        Some(_) => format!("{} (+{})", next.tag, next.commits),
        None => next.tag.to_string(),
    };
    let untimed = || {
        next.gates.iter().filter(|refusing| refusing.verdict.opens_at().is_none() && !closes(refusing.gate))
    };
    match next.ready_at {
        Some(_) if next.gates.is_empty() => format!("{what}, ready"),
        Some(at) => format!("{what}, ready at {}", moment(at, now)),
        None if untimed().next().is_none() => format!("{what}, once it is open"),
        None => {
            let gates: Vec<&str> = untimed().map(|refusing| refusing.gate.as_str()).collect();
            format!("{what}, refused by {}", gates.join(", "))
        }
    }
}

fn nothing_next(status: &StatusReport, place: &EnvironmentReport) -> String {
    match (status.trunk.pending, place.newest) {
        (Some(0), true) => "up to date".to_owned(),
        (Some(pending), true) => format!("{} on trunk, not cut", count(pending, "commit", "commits")),
        (None, _) => "no candidate yet: rel cut".to_owned(),
        (Some(_), false) => "nothing newer may go there".to_owned(),
    }
}

fn held(name: &EnvName, hold: &Hold) -> String {
    let (by, token) = (person(&hold.actor, None), hold.token);
    match hold.cause {
        HoldCause::Person => format!("by {by}: \"{}\" ({name}#{token})", clean(&hold.reason)),
        HoldCause::Rollback => format!("by the rollback {name}#{token} of {by}"),
    }
}

fn under_way(
    DeploymentReport(deployment): &DeploymentReport,
    alive_here: bool,
    now: DateTime<Utc>,
) -> String {
    let mut text = format!(
        "{} of {} since {}, {} by {}",
        deployment.action,
        deployment.tag.label(),
        moment(deployment.started_at, now),
        deployment.id,
        person(&deployment.actor, deployment.on_behalf_of.as_ref())
    );
    if let Some(run) = &deployment.run_url {
        text.push_str(&format!(", {}", clean(run)));
    }
    if alive_here {
        text.push_str("; its process is alive on this machine");
    } else if let Some(host) = &deployment.host {
        text.push_str(&format!("; on {}", clean(host)));
    }
    text
}

/// What somebody has to see to, each with the ways on.
fn concerns(screen: &Screen, status: &StatusReport, place: &EnvironmentReport) -> Vec<String> {
    let mut concerns = Vec::new();
    let name = &place.name;
    let can_go_back = place.live().is_some_and(|live| !live.is_baseline());
    let mut concern = |text: String, ways: &[(&str, String)]| concerns.push(concern(screen, &text, ways));
    if let Some(DeploymentReport(flight)) = place.in_flight.as_ref().filter(|_| !place.alive_here) {
        let Deployment { id, seq, .. } = flight;
        let settle = format!("rel resolve {id} --failed --reason WHY");
        let text = format!("{id} is under way{}. If it is dead:", whose(flight, status.now));
        if flight.trigger == Trigger::Recorded {
            let text = format!("{id} is recorded as under way{}.", whose(flight, status.now));
            let tag = flight.tag.label();
            concern(text, &[("once it is done", format!("rel record {name} {tag} --succeeded|--failed"))]);
        } else if can_go_back {
            let back = format!("rel rollback {name} --take-over {seq} --reason WHY");
            concern(text, &[("go back in one step", back), ("or settle it", settle)]);
        } else {
            concern(text, &[("settle it", settle)]);
        }
    }
    for DeploymentReport(deployment) in &place.unpublished {
        let Deployment { tag, state, .. } = deployment;
        let (tag, whose) = (tag.label(), whose(deployment, status.now));
        let text = match state {
            Progress::Running => {
                concern(format!("{tag} is on its way to {name}, offline{whose}."), &[]);
                continue;
            }
            Progress::Unknown => {
                format!("{tag} was on its way to {name}, offline{whose}, and never reported")
            }
            _ => format!("{tag} was deployed to {name} offline{whose}: {state}"),
        };
        let publish = ("publish it", "rel sync".to_owned());
        concern(format!("{text}. The history above does not have it."), &[publish]);
    }
    for fix in &place.fixes_not_on_trunk {
        let short = fix.commit.short();
        let subject = clean(&fix.subject);
        let author = person(&fix.author, None);
        concern(
            format!("{name} runs a fix that trunk lacks: {short} \"{subject}\" ({author})."),
            &[("bring it there", format!("git cherry-pick -x {short}"))],
        );
    }
    let newest = place.last.as_ref().map(|last| last.seq).filter(|_| !place.certain);
    for DeploymentReport(deployment) in &place.unresolved {
        let Deployment { id, seq, tag, .. } = deployment;
        let settle = ("or settle it", format!("rel resolve {id} --succeeded|--failed --reason WHY"));
        let tag = tag.label();
        let whose = whose(deployment, status.now);
        let text = match deployment.state {
            Progress::Unknown => format!("{id} put {tag} there and never reported{whose}."),
            _ => format!(
                "{id} put {tag} there offline{whose}, while others deployed there: what came last is uncertain."
            ),
        };
        if newest == Some(*seq) && place.in_flight.is_none() && can_go_back {
            concern(text, &[("go back", format!("rel rollback {name}")), settle]);
        } else {
            concern(text, &[("settle it", settle.1)]);
        }
    }
    if let Some(last) = place.last.as_ref().filter(|last| {
        newest == Some(last.seq)
            && place.in_flight.is_none()
            && matches!(last.state, Progress::Failed | Progress::Cancelled)
    }) {
        let (id, tag) = (&last.target.deployment, last.tag.label());
        let mut ways = Vec::new();
        if can_go_back {
            ways.push(("go back", format!("rel rollback {name}")));
        }
        if last.target.is_baseline() {
            ways.push(("once it is there", format!("rel record {name} {tag} --succeeded")));
        } else {
            ways.push(("or try it again", format!("rel deploy {name} {tag}")));
            ways.push(("what it printed", format!("rel log --output {id}")));
        }
        if let Some(live) = place.live().filter(|live| live.is_baseline()) {
            let was = live.tag.label();
            ways.push(("or what was there", format!("rel record {name} {was} --succeeded")));
        }
        concern(format!("{id} {}: {tag} may be there in part.", last.state), &ways);
    }
    concerns
}

/// Who ran it, where and when, in brackets.
fn whose(deployment: &Deployment, now: DateTime<Utc>) -> String {
    let mut text = person(&deployment.actor, deployment.on_behalf_of.as_ref());
    match (&deployment.run_url, &deployment.host) {
        (Some(run), _) => text.push_str(&format!(", {}", clean(run))),
        (None, Some(host)) => text.push_str(&format!(" on {}", clean(host))),
        (None, None) => {}
    }
    format!(" ({text}, {})", moment(deployment.started_at, now))
}

fn way_back(name: &EnvName, back: &Back) -> Vec<(&'static str, String)> {
    let skips = |skipped: &[Skipped]| -> Vec<(&'static str, String)> {
        skipped.iter().map(|one| ("skipping", format!("{}: {}", one.tag.label(), clean(&one.why)))).collect()
    };
    match back {
        Back::To { tag, why, skipped, token } => {
            let take = token.map_or(String::new(), |token| format!(" --take-over {token} --reason WHY"));
            let mut rows = vec![("go back", format!("to {tag}: {}\nrel rollback {name}{take}", clean(why)))];
            rows.extend(skips(skipped));
            rows
        }
        Back::Further { tag, current } => vec![(
            "go back",
            format!("to {tag}, further back than one step\nrel rollback {name} --from {current}"),
        )],
        Back::Nowhere { why, skipped } => {
            let mut rows = vec![("go back", clean(why))];
            rows.extend(skips(skipped));
            rows
        }
    }
}

/// A moment in UTC, which is said: readers sit in several places.
fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} UTC", time::clock(at, now))
}

/// Whether a gate only says that the environment is closed, which has lines of its own.
fn closes(gate: Gate) -> bool {
    matches!(gate, Gate::Held | Gate::Busy)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{actor, deployment, oid, screen, time};
    use super::*;
    use crate::domain::changes::Change;
    use crate::domain::env::{Action, Last};
    use crate::domain::gate::verdict::{Approvals, GateFacts, ShortSoak, Verdict};
    use crate::domain::report::deployment::LiveReport;
    use crate::domain::report::gate::GateReport;
    use crate::domain::report::status::{FixReport, TrunkReport};

    fn live(tag: &str, since: &str, by: &str, id: &str) -> Live {
        Live {
            tag: format!("v{tag}").parse().unwrap(),
            version: Some(tag.to_owned().try_into().unwrap()),
            foreign_version: None,
            commit: oid(1),
            position: 7,
            since: time(since),
            actor: actor(by),
            on_behalf_of: None,
            deployment: id.parse().unwrap(),
            owes: Vec::new(),
        }
    }

    fn place(name: &str, current: Option<Live>) -> EnvironmentReport {
        EnvironmentReport {
            name: name.parse().unwrap(),
            certain: current.is_some(),
            current: current.map(|live| LiveReport { live, certain: true }),
            on_behalf_of: None,
            newest: false,
            previous: None,
            in_flight: None,
            alive_here: false,
            hold: None,
            unresolved: Vec::new(),
            last: None,
            pending: None,
            next: None,
            fixes_not_on_trunk: Vec::new(),
            back: None,
            unpublished: Vec::new(),
            not_here: Vec::new(),
        }
    }

    fn soaking() -> GateReport {
        let minutes = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
        let opens_at = Some(time("23T14:05"));
        let short = ShortSoak { environment: "staging".parse().unwrap(), stood: minutes(12), opens_at };
        gate::report(Verdict::refuse(GateFacts::Soak { wanted: minutes(30), short: vec![short] }))
    }

    fn unapproved() -> GateReport {
        gate::report(Verdict::refuse(GateFacts::Approvals(Approvals {
            environment: "prod".parse().unwrap(),
            tag: "v1.6.0-rc.2".parse().unwrap(),
            wanted: 1,
            counted: Vec::new(),
            discounted: Vec::new(),
            deployers: vec![actor("ana")],
            signers: None,
        })))
    }

    /// Staging with the newest, prod uncertain after a run that vanished, eu held.
    fn status() -> StatusReport {
        let staging = EnvironmentReport {
            newest: true,
            on_behalf_of: Some(actor("kim")),
            ..place("staging", Some(live("1.6.0-rc.2", "23T12:00", "ci", "staging#40")))
        };
        let mut unknown = deployment("prod#812", "1.6.0-rc.1", None);
        unknown.state = Progress::Unknown;
        let target = live("1.6.0-rc.1", "23T12:00", "ana", "prod#812");
        let prod = EnvironmentReport {
            certain: false,
            pending: Some(35),
            next: Some(NextReport {
                tag: "v1.6.0-rc.2".parse().unwrap(),
                commits: 31,
                ready_at: Some(time("23T14:05")),
                gates: vec![soaking()],
            }),
            unresolved: vec![DeploymentReport(unknown)],
            last: Some(Last {
                seq: 812,
                tag: target.tag.clone(),
                action: Action::Deploy,
                state: Progress::Unknown,
                started: true,
                undoes: None,
                reverts: None,
                holds: false,
                target,
            }),
            ..place("prod", Some(live("1.5.1-rc.1", "20T12:00", "ana", "prod#811")))
        };
        let hold = Hold {
            token: 41,
            actor: actor("bob"),
            reason: "db \u{1b}move".to_owned(),
            at: time("23T13:00"),
            cause: HoldCause::Person,
        };
        let eu = EnvironmentReport {
            hold: Some(hold),
            ..place("eu", Some(live("1.5.1-rc.1", "22T12:00", "ana", "eu#40")))
        };
        StatusReport {
            project: "shop".parse().unwrap(),
            trunk: TrunkReport { branch: "main".to_owned(), commit: oid(9), pending: Some(4) },
            authority: "origin".to_owned(),
            offline: false,
            as_of: Some(time("23T14:00")),
            now: time("23T14:00") + chrono::Duration::seconds(3),
            unfinished_pick: None,
            environments: vec![staging, prod, eu, place("new", None)],
        }
    }

    #[test]
    fn every_environment_in_a_line_and_what_needs_somebody_below() {
        let expected = r#"shop · trunk main 9999999 · origin, 3 s ago

ENV      LIVE          SINCE   BY          NEXT
staging  v1.6.0-rc.2   2 h     ci for kim  4 commits on trunk, not cut
prod     v1.5.1-rc.1?  3 days  ana         v1.6.0-rc.2 (+31), ready at 14:05 UTC
eu       v1.5.1-rc.1   1 day   ana         held by bob: "db \u{1b}move" (eu#41)
new      -             -       -           nothing newer may go there

? prod#812 put v1.6.0-rc.1 there and never reported (ana on build-7, 12:00 UTC).
  go back       rel rollback prod
  or settle it  rel resolve prod#812 --succeeded|--failed --reason WHY"#;
        for width in [Some(80), Some(200), None] {
            assert_eq!(overview(&screen(width), &status()), expected, "{width:?}");
        }
    }

    #[test]
    fn a_prompt_has_one_line() {
        let line = "staging v1.6.0-rc.2 · prod v1.5.1-rc.1? +35 · eu v1.5.1-rc.1 (held) · new -";
        assert_eq!(oneline(&screen(Some(80)), &status()), line);
    }

    #[test]
    fn a_fix_that_trunk_lacks_is_somebodys_concern() {
        let mut status = status();
        let change = Change::read(oid(3), "fix: the \u{1b}cart", &actor("ana"), status.now);
        status.environments[0].fixes_not_on_trunk.push(FixReport::new(oid(4), change));
        assert_eq!(
            concerns(&screen(None), &status, &status.environments[0]),
            ["? staging runs a fix that trunk lacks: 3333333 \"fix: the \\u{1b}cart\" (ana).
  bring it there  git cherry-pick -x 3333333"]
        );
    }

    #[test]
    fn the_number_of_a_hold_is_not_what_is_cut() {
        let mut status = status();
        status.environments[2].hold.as_mut().unwrap().reason = "moving the database to Paris".to_owned();
        let narrow = overview(&screen(Some(80)), &status);
        assert!(narrow.contains("  held by bob (eu#41): \"moving the dat…\n"), "{narrow}");
        let wide = overview(&screen(Some(200)), &status);
        assert!(wide.contains("  held by bob: \"moving the database to Paris\" (eu#41)\n"), "{wide}");
    }

    #[test]
    fn where_nobody_was_asked_the_age_is_said_all_the_same() {
        let mut status = status();
        status.environments.clear();
        status.offline = true;
        assert_eq!(
            overview(&screen(None), &status),
            "shop · trunk main 9999999 · origin, 3 s ago, offline\n\nrelease.toml names no environments"
        );
    }

    #[test]
    fn a_person_is_asked_for_by_gate_and_what_is_in_flight_comes_first() {
        let mut status = status();
        let now = status.now;
        let next = status.environments[1].next.as_mut().unwrap();
        next.gates.push(unapproved());
        next.ready_at = None;
        let next = next.clone();
        assert_eq!(coming(&next, &status.environments[1], now), "v1.6.0-rc.2 (+31), refused by approvals");
        let mut deployment = deployment("prod#813", "1.6.0-rc.2", None);
        deployment.on_behalf_of = Some(actor("kim"));
        status.environments[1].in_flight = Some(DeploymentReport(deployment));
        status.environments[1].alive_here = true;
        let place = &status.environments[1];
        assert_eq!(outlook(&status, place), "v1.6.0-rc.2 by ana for kim since 12:00 UTC, prod#813");
        // The run is alive, so only the one that vanished is anybody's concern.
        let concerns = concerns(&screen(None), &status, place);
        assert_eq!(concerns.len(), 1);
        assert!(concerns[0].contains("settle it  rel resolve prod#812"), "{concerns:?}");
        assert!(!concerns[0].contains("rollback"), "{concerns:?}");
    }

    #[test]
    fn a_run_that_may_be_dead_is_taken_over_in_one_step() {
        let mut status = status();
        let deployment = deployment("eu#42", "1.6.0-rc.2", None);
        status.environments[2].in_flight = Some(DeploymentReport(deployment));
        assert_eq!(
            concerns(&screen(None), &status, &status.environments[2]),
            ["? eu#42 is under way (ana on build-7, 12:00 UTC). If it is dead:
  go back in one step  rel rollback eu --take-over 42 --reason WHY
  or settle it         rel resolve eu#42 --failed --reason WHY"]
        );
    }

    #[test]
    fn only_a_closed_door_is_no_reason_to_name_a_gate() {
        let status = status();
        let place = &status.environments[2];
        let hold = Box::new(place.hold.clone().unwrap());
        let held = GateFacts::Held { environment: place.name.clone(), hold };
        let next = NextReport {
            tag: "v1.6.0-rc.2".parse().unwrap(),
            commits: 7,
            ready_at: None,
            gates: vec![gate::report(Verdict::refuse(held))],
        };
        assert_eq!(coming(&next, &status.environments[3], status.now), "v1.6.0-rc.2, once it is open");
    }

    #[test]
    fn one_environment_in_depth() {
        let mut status = status();
        let place = &mut status.environments[1];
        let next = place.next.as_mut().unwrap();
        next.gates.push(unapproved());
        next.ready_at = None;
        place.unresolved.clear();
        place.last = None;
        place.back = Some(Back::To {
            tag: "v1.5.0-rc.1".parse().unwrap(),
            why: "live before it".to_owned(),
            skipped: vec![Skipped {
                tag: "v1.5.0-rc.2".parse().unwrap(),
                why: "blocked by kim, \"leaks sessions\"".to_owned(),
            }],
            token: None,
        });
        let expected = r#"shop prod · trunk main 9999999 · origin, 3 s ago

  live         v1.5.1-rc.1?, 3 days, by ana (prod#811)
  pending      35 commits on trunk not in it
  next         v1.6.0-rc.2 (+31), refused by approvals
    soak       12 min of 30 min on staging; passes at 2026-11-23 14:05 UTC
               that is Mon 2026-11-23 23:05 here (+09:00)
    approvals  0 of 1
               rel approve v1.6.0-rc.2 prod, by anybody but ana
  go back      to v1.5.0-rc.1: live before it
               rel rollback prod
  skipping     v1.5.0-rc.2: blocked by kim, "leaks sessions""#;
        let place = &status.environments[1];
        let tokyo = chrono::FixedOffset::east_opt(9 * 3600).unwrap();
        for width in [Some(80), Some(200), None] {
            assert_eq!(detail(&screen(width), &status, place, &tokyo), expected, "{width:?}");
        }
    }
}
