//! What gates say, in words: the text that records keep, and the commands that
//! would satisfy a gate.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

use super::time;
use crate::domain::env::{Deployment, Hold, HoldCause, Trigger};
use crate::domain::freeze::Frozen;
use crate::domain::gate::verdict::{
    Approvals, Attempt, Deployers, GateFacts, Missing, Ruling, ShortSoak, Verdict,
};
use crate::domain::left_behind::{Lost, PointOfNoReturn};
use crate::domain::name::{Actor, Oid};
use crate::domain::report::gate::GateReport;
use crate::domain::signoff::{Awaited, Signoffs};

/// How many commits, and how many authors, a refusal lists.
const MAX_LISTED: usize = 10;

/// The verdict with its words, as documents have it.
pub(crate) fn report(verdict: Verdict) -> GateReport {
    GateReport { gate: verdict.gate(), text: text(&verdict), verdict }
}

/// The verdict in words: what passed, or what is missing. Records keep it.
pub(crate) fn text(verdict: &Verdict) -> String {
    let passes = verdict.ruling == Ruling::Passes;
    match &verdict.facts {
        GateFacts::Signoff(Some(signoffs)) => signoff(signoffs),
        GateFacts::Soak { wanted, .. } if passes => format!("soak {}", span(*wanted)),
        GateFacts::Approvals(Approvals { wanted, counted, .. }) if passes => {
            format!("approvals {}/{wanted} ({})", counted.len(), names(counted).join(", "))
        }
        _ if passes => verdict.gate().to_string(),
        GateFacts::Order { tag, missing } => joined(missing, |(name, missing)| match missing {
            Missing::RolledBack => format!("{tag} was rolled back on {name}"),
            Missing::NeverSucceeded => format!("{tag} has not succeeded on {name}"),
        }),
        GateFacts::Soak { wanted, short } => joined(short, |ShortSoak { environment, stood, opens_at }| {
            let when = match opens_at {
                Some(at) => format!("passes at {}", at.format("%Y-%m-%d %H:%M UTC")),
                None => "it does not stand there now".to_owned(),
            };
            format!("{} of {} on {environment}; {when}", span(*stood), span(*wanted))
        }),
        GateFacts::Approvals(Approvals { wanted, counted, discounted, .. }) => {
            let mut text = format!("{} of {wanted}", counted.len());
            for (Actor { name, .. }, fault) in discounted {
                text.push_str(&match fault {
                    None => format!("; {name}'s does not count, {name} deploys"),
                    Some(fault) => format!("; {name}'s does not count: {fault}"),
                });
            }
            text
        }
        GateFacts::Signoff(None) => "what the authors said was not looked at".to_owned(),
        GateFacts::Freeze(frozen) => frozen.as_ref().map(freeze).unwrap_or_default(),
        GateFacts::Deployers(Deployers { actor, asked_by, .. }) => match asked_by {
            None => format!("{actor} is none of them"),
            Some(asked) => {
                format!("{actor} is none of them; that {} asked for it does not count", asked.name)
            }
        },
        GateFacts::Blocked(block) => format!("{} by {}: {}", block.target, block.actor.name, block.reason),
        GateFacts::RolledBack { tag, environment } => format!("{tag} was rolled back on {environment}"),
        GateFacts::LostFix { lost, at } => lost_fixes(lost, *at),
        GateFacts::Irreversible { left, .. } => {
            let point = |PointOfNoReturn { commit, subject }: &_| format!("{} \"{subject}\"", commit.short());
            match &left[..] {
                [one] => format!("no way back past {}: it says Rollback-Safe: no", point(one)),
                several => {
                    let points: Vec<String> = several.iter().map(point).collect();
                    format!("no way back past what says Rollback-Safe: no:\n{}", points.join("\n"))
                }
            }
        }
        GateFacts::Downgrade { tag, live, .. } => {
            format!("{tag} is older than {}, which is live", live.label())
        }
        GateFacts::Hook(why) => format!("before_deploy said no: {}", why.as_deref().unwrap_or_default()),
        GateFacts::Held { environment, hold } => {
            let Hold { token, actor: Actor { name, .. }, reason, cause, .. } = &**hold;
            match cause {
                HoldCause::Person => format!("by {name}: {reason:?} ({environment}#{token})"),
                HoldCause::Rollback => format!("by the rollback {environment}#{token} of {name}"),
            }
        }
        GateFacts::Busy(deployment) => {
            let Deployment { id, tag, actor: Actor { name, .. }, trigger, started_at, .. } = &**deployment;
            let (tag, since) = (tag.label(), started_at.format("%H:%M UTC"));
            match trigger {
                Trigger::Recorded => {
                    format!("{id}, recorded by {name}: {tag} is being put there since {since}")
                }
                _ => format!("{id} by {name} is putting {tag} there since {since}"),
            }
        }
    }
}

/// The verdict in words to who attempts something that it refuses.
pub(crate) fn reason(verdict: &Verdict, attempt: &Attempt) -> String {
    let mut text = text(verdict);
    if let Some((open, commit)) = moved_since(verdict, attempt) {
        let (tag, then) = (open.tag.label(), open.commit.short());
        text.push_str(&format!("; {tag} was {then} then, and is {} by now", commit.short()));
    }
    text
}

/// The deployment that was recorded as started for the tag that is recorded
/// now, and the commit that the tag points to now, if it is another.
fn moved_since<'a>(verdict: &'a Verdict, attempt: &Attempt) -> Option<(&'a Deployment, Oid)> {
    match (&verdict.facts, attempt) {
        (GateFacts::Busy(open), Attempt::Record { tag, commit, .. }) => {
            let moved = open.trigger == Trigger::Recorded && open.tag == *tag && open.commit != *commit;
            moved.then_some((open, *commit))
        }
        _ => None,
    }
}

/// The commands that would satisfy a gate that refuses, or only warns.
pub(crate) fn fixes(verdict: &Verdict, attempt: &Attempt) -> Vec<String> {
    let records = matches!(attempt, Attempt::Record { .. });
    let goes_back = matches!(attempt, Attempt::RollBack(_));
    match &verdict.facts {
        GateFacts::Order { tag, missing } => {
            let mut fixes = Vec::new();
            for (name, missing) in missing {
                match missing {
                    Missing::RolledBack => fixes.push(back(name, tag)),
                    Missing::NeverSucceeded => {
                        fixes.push(format!("rel deploy {name} {tag}"));
                        // Who records here may have nothing but records upstream too.
                        if records {
                            fixes.push(format!(
                                "or, if it is there already: rel record {name} {tag} --succeeded"
                            ));
                        }
                    }
                }
            }
            fixes
        }
        GateFacts::Approvals(approvals) if verdict.refuses() => {
            let Approvals { tag, environment, .. } = approvals;
            vec![format!("rel approve {tag} {environment}, by {}", who_can_approve(approvals))]
        }
        GateFacts::Signoff(Some(signoffs)) => signoff_fix(signoffs).into_iter().collect(),
        GateFacts::Deployers(Deployers { environment, tag, listed, .. }) => {
            let who = format!("by one of: {}", listed.join(", "));
            match (attempt, tag) {
                (Attempt::Record { tag, .. }, _) => {
                    vec![format!("rel record {environment} {} --started|--succeeded, {who}", tag.label())]
                }
                (Attempt::RollBack(_), _) => vec![format!("rel rollback {environment}, {who}")],
                (_, Some(tag)) => vec![format!("rel deploy {environment} {tag}, {who}")],
                (_, None) => Vec::new(),
            }
        }
        GateFacts::Blocked(block) => vec![format!("rel unblock {} --reason WHY", block.target)],
        GateFacts::RolledBack { tag, environment } if goes_back => vec![back(environment, tag)],
        GateFacts::LostFix { lost, .. } => lost_fix_fixes(lost),
        GateFacts::Irreversible { environment, tag: Some(tag), .. } if goes_back => vec![
            "go forward instead: mend it on trunk, then rel cut or rel cherry-pick".to_owned(),
            format!(
                "or, if you know that it works: rel deploy {environment} {tag} --override irreversible --override downgrade --reason WHY"
            ),
        ],
        GateFacts::Downgrade { environment, tag, .. } => {
            vec![format!("rel rollback {environment} --to {tag}")]
        }
        GateFacts::Held { environment, hold } => {
            let token = hold.token;
            let with = match attempt {
                Attempt::Record { .. } => Some("record"),
                Attempt::RollBack(_) => Some("rollback"),
                Attempt::Deploy(_) => Some("deployment"),
                Attempt::Ship => None,
            };
            let open = format!("rel unlock {environment} --token {token} --reason WHY");
            let or = with.map(|with| format!("or, with the {with}: --take-over {token} --reason WHY"));
            std::iter::once(open).chain(or).collect()
        }
        GateFacts::Busy(open) => busy_fixes(open, verdict, attempt),
        GateFacts::Approvals(_)
        | GateFacts::Soak { .. }
        | GateFacts::Signoff(None)
        | GateFacts::Freeze(_)
        | GateFacts::RolledBack { .. }
        | GateFacts::Irreversible { .. }
        | GateFacts::Hook(_) => Vec::new(),
    }
}

/// The command that deploys what a rollback undid.
fn back(environment: &impl std::fmt::Display, tag: &impl std::fmt::Display) -> String {
    format!("rel deploy {environment} {tag} --override rolled-back --reason WHY")
}

fn busy_fixes(open: &Deployment, verdict: &Verdict, attempt: &Attempt) -> Vec<String> {
    let Deployment { id, environment, tag, .. } = open;
    let ended = format!("rel record {environment} {} --succeeded|--failed", tag.label());
    let dead = format!("or, if it is dead: --take-over {} --reason WHY", id.seq);
    let recorded = open.trigger == Trigger::Recorded;
    match (attempt, recorded) {
        (Attempt::Record { .. }, true) => {
            let say = match moved_since(verdict, attempt) {
                Some(_) => format!("rel resolve {id} --succeeded|--failed"),
                None => ended,
            };
            vec![format!("say how it went: {say}"), dead]
        }
        (Attempt::Record { .. }, false) => vec![format!("wait for it, {dead}")],
        (Attempt::RollBack(_), true) => vec![format!("once it is done: {ended}"), dead],
        (Attempt::RollBack(_), false) => vec!["let it end".to_owned(), dead],
        (Attempt::Ship, true) => vec![format!("once it is done: {ended}")],
        (Attempt::Ship, false) => {
            vec![format!("let it end, or, if it is dead: rel resolve {id} --succeeded|--failed --reason WHY")]
        }
        (Attempt::Deploy(_), true) => {
            vec!["wait for it: --wait".to_owned(), format!("once it is done: {ended}"), dead]
        }
        (Attempt::Deploy(_), false) => vec!["wait for it: --wait".to_owned(), dead],
    }
}

/// The time at which a verdict opens on the reader's own clock, for a line of
/// its own. `None` if its text reads so already, or time alone will not do.
pub(crate) fn here<Tz: TimeZone>(verdict: &Verdict, zone: &Tz) -> Option<String>
where
    Tz::Offset: std::fmt::Display,
{
    let at = verdict.opens_at()?;
    let said: NaiveDateTime = match &verdict.facts {
        GateFacts::Freeze(Some(frozen)) => frozen.tz.local(at),
        _ => at.naive_utc(),
    };
    time::here(at.with_timezone(zone), said)
}

fn freeze(Frozen { reasons, until, tz }: &Frozen) -> String {
    let reasons = if reasons.is_empty() { "frozen".to_owned() } else { reasons.join(", ") };
    match until {
        Some(until) => format!("{reasons}; ends {} {tz}", tz.local(*until).format("%a %Y-%m-%d %H:%M")),
        None => format!("{reasons}; no end in sight"),
    }
}

/// Whose approval is still of use.
fn who_can_approve(Approvals { counted, deployers, signers, .. }: &Approvals) -> String {
    let mut but: Vec<&str> = Vec::new();
    for actor in deployers.iter().chain(counted) {
        // Who only looks may have no name.
        let name = if actor.name.is_empty() { "whoever deploys" } else { actor.name.as_str() };
        if !but.contains(&name) {
            but.push(name);
        }
    }
    let mut who = format!("anybody but {}", but.join(", "));
    if let Some(file) = signers {
        who.push_str(&format!(" who has a key in trunk's {file}"));
    }
    who
}

fn signoff(Signoffs { asked, awaited, fault, .. }: &Signoffs) -> String {
    if let Some(fault) = fault {
        return fault.clone();
    }
    let Some(asked) = asked else { return "signoff (nothing is live to compare with)".to_owned() };
    if awaited.is_empty() {
        return format!("signoff {asked}/{asked}");
    }
    let mut lines = vec![format!("{} of {asked} commits; not signed off:", asked - awaited.len())];
    for Awaited { commit, subject, author } in awaited.iter().take(MAX_LISTED) {
        lines.push(format!("{} \"{subject}\" ({})", commit.short(), author.name));
    }
    if awaited.len() > MAX_LISTED {
        lines.push(format!("and {} more", awaited.len() - MAX_LISTED));
    }
    lines.join("\n")
}

fn signoff_fix(Signoffs { awaited, range, .. }: &Signoffs) -> Option<String> {
    let what = match &awaited[..] {
        [] => return None,
        [one] => one.commit.short().to_string(),
        _ => range.clone(),
    };
    let mut authors: Vec<&Actor> = Vec::new();
    for Awaited { author, .. } in awaited {
        if !authors.iter().any(|known| known.is(author)) {
            authors.push(author);
        }
    }
    let mut by = names(authors.iter().copied().take(MAX_LISTED));
    let more = format!("{} more", authors.len().saturating_sub(MAX_LISTED));
    if authors.len() > MAX_LISTED {
        by.push(&more);
    }
    Some(format!("rel approve --commit {what}, by {}", by.join(", ")))
}

/// Fixes that are owed and that a commit lacks, each in a line.
pub(crate) fn lost_fixes(lost: &[Lost], now: DateTime<Utc>) -> String {
    let what = if lost.iter().all(|lost| lost.live) { "live" } else { "owed" };
    let lines: Vec<String> = lost.iter().map(|lost| lost_line(lost, now)).collect();
    match &lines[..] {
        [one] => format!("{what}, but not in it: {one}"),
        several => format!("{what}, but not in it:\n{}", several.join("\n")),
    }
}

/// The fix in a line: `3fa9b10 "null cart on empty session" (picked by ana, 2 days ago; on trunk as 77e02c4)`.
fn lost_line(Lost { fix, live, subject, picked, on_trunk, .. }: &Lost, now: DateTime<Utc>) -> String {
    let mut known = Vec::new();
    if !live {
        known.push("not live any more, and owed since".to_owned());
    }
    if let Some((who, at)) = picked {
        let ago = Duration::from_secs((now - *at).num_seconds().max(0).unsigned_abs());
        let when = if ago.is_zero() { "just now".to_owned() } else { format!("{} ago", span(ago)) };
        known.push(format!("picked by {}, {when}", who.name));
    }
    known.push(match on_trunk {
        Some((form, None)) => format!("on trunk as {}", form.short()),
        Some((form, Some(revert))) => {
            format!("on trunk as {}, reverted there by {}", form.short(), revert.short())
        }
        None => "not on trunk".to_owned(),
    });
    format!("{} \"{subject}\" ({})", fix.commit.short(), known.join("; "))
}

/// The commands that bring lost fixes back, or say that it is meant.
pub(crate) fn lost_fix_fixes(lost: &[Lost]) -> Vec<String> {
    let listed = |commits: Vec<Oid>| {
        let short: Vec<String> = commits.iter().map(|commit| commit.short().to_string()).collect();
        (!short.is_empty()).then(|| short.join(" "))
    };
    let mut ways = Vec::new();
    let standing: Vec<(&Lost, Oid)> = lost
        .iter()
        .filter_map(|lost| match lost.on_trunk {
            Some((_, Some(_))) => None,
            Some((form, None)) => Some((lost, form)),
            None => Some((lost, lost.fix.source)),
        })
        .collect();
    let missing = standing.iter().filter(|(lost, _)| lost.on_trunk.is_none());
    ways.extend(
        listed(missing.map(|(lost, _)| lost.fix.commit).collect())
            .map(|commits| format!("bring it to trunk: git cherry-pick -x {commits}")),
    );
    let reverts: Vec<Oid> = lost.iter().filter_map(|lost| lost.on_trunk?.1).collect();
    ways.extend(
        listed(reverts).map(|commits| format!("take the revert back on trunk: git revert {commits}")),
    );
    let onto = lost.first().and_then(|lost| lost.onto.as_ref());
    if let Some((release, commits)) = onto.zip(listed(standing.iter().map(|(_, form)| *form).collect())) {
        ways.push(format!("rel cherry-pick {commits} --onto {release}"));
    }
    if let Some(meant) = listed(lost.iter().map(|lost| lost.fix.commit).collect()) {
        ways.push(format!("or, if it is meant: rel waive {meant} --reason WHY"));
    }
    ways
}

fn names<'a>(actors: impl IntoIterator<Item = &'a Actor>) -> Vec<&'a str> {
    actors.into_iter().map(|actor| actor.name.as_str()).collect()
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// A duration in one unit, in minutes up to two hours and in hours up to two days.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awaited(byte: u8, author: &str) -> Awaited {
        Awaited {
            commit: Oid::from_bytes([byte; Oid::BYTES]),
            subject: format!("feat: {byte}"),
            author: Actor::new(author, &format!("{author}@example.com")),
        }
    }

    #[test]
    fn a_refusal_names_commits_and_their_authors_once_and_not_all_of_many() {
        let range = "prod..v1.6.0-rc.2".to_owned();
        let one =
            Signoffs { asked: Some(3), awaited: vec![awaited(1, "kim")], range: range.clone(), fault: None };
        assert!(!one.are_given());
        assert_eq!(signoff(&one), "2 of 3 commits; not signed off:\n0101010 \"feat: 1\" (kim)");
        assert_eq!(signoff_fix(&one).unwrap(), "rel approve --commit 0101010, by kim");
        let many: Vec<Awaited> =
            (1..=14).map(|byte| awaited(byte, if byte % 2 == 0 { "kim" } else { "bob" })).collect();
        let many = Signoffs { asked: Some(14), awaited: many, range, fault: None };
        assert_eq!(signoff(&many).lines().count(), 12);
        assert!(signoff(&many).ends_with("\nand 4 more"), "{}", signoff(&many));
        assert_eq!(signoff_fix(&many).unwrap(), "rel approve --commit prod..v1.6.0-rc.2, by bob, kim");
    }

    #[test]
    fn sign_offs_pass_where_all_are_given_and_where_there_is_nothing_to_compare_with() {
        let all = Signoffs { asked: Some(3), ..Signoffs::default() };
        assert_eq!((all.are_given(), signoff(&all).as_str()), (true, "signoff 3/3"));
        assert!(Signoffs::default().are_given());
        let unknown = Signoffs { asked: Some(0), ..Signoffs::unknown("this clone is shallow".to_owned()) };
        assert_eq!((unknown.are_given(), signoff(&unknown).as_str()), (false, "this clone is shallow"));
    }
}
