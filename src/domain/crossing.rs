//! What going from what is live to something else leaves behind: fixes that
//! an environment is owed, and points of no return.
//!
//! Which commits contain which is found out two floors above; here is what
//! follows from it, as two gates.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::{Environment, LostFix};
use super::gate::{Case, Gate, Verdict, span};
use super::name::{Actor, Oid, TagName};

/// A fix that was live in an environment: what is deployed there next must
/// contain it, in whatever form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The commit it was picked from.
    pub source: Oid,
    /// The commit it became.
    pub commit: Oid,
    /// The candidate it was picked for.
    pub candidate: TagName,
}

/// A fix that an environment is owed and a commit does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which.
    pub fix: Owed,
    /// Whether it is live, and not only owed since what had it was replaced.
    pub live: bool,
    /// What its message begins with: data, not yet fit to be shown.
    pub subject: String,
    /// Who picked it, and when; none where its tag cannot be read.
    pub picked: Option<(Actor, DateTime<Utc>)>,
    /// Its form on trunk, and what reverts it there, if something does.
    pub on_trunk: Option<(Oid, Option<Oid>)>,
    /// The release of what lacks it, if that is a candidate: the same for all.
    pub onto: Option<String>,
}

/// A commit that cannot be gone back from: its message says `Rollback-Safe: no`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointOfNoReturn {
    /// Which.
    pub commit: Oid,
    /// What its message begins with: data, not yet fit to be shown.
    pub subject: String,
}

/// What a deployment would leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crossing {
    /// Whether the environment is owed anything.
    pub owed: bool,
    /// What it would still be owed.
    pub lost: Vec<Lost>,
    /// Points of no return behind which it would go.
    pub left: Vec<PointOfNoReturn>,
}

impl Crossing {
    /// What the environment is owed after it.
    pub fn owes(&self) -> Vec<Owed> {
        self.lost.iter().map(|lost| lost.fix.clone()).collect()
    }
}

impl Lost {
    /// The fix in a line: `3fa9b10 "null cart on empty session" (picked by ana, 2 days ago; on trunk as 77e02c4)`.
    pub fn line(&self, now: DateTime<Utc>) -> String {
        let mut known = Vec::new();
        if !self.live {
            known.push("not live any more, and owed since".to_owned());
        }
        if let Some((who, at)) = &self.picked {
            let ago = Duration::from_secs((now - *at).num_seconds().max(0).unsigned_abs());
            let when = if ago.is_zero() { "just now".to_owned() } else { format!("{} ago", span(ago)) };
            known.push(format!("picked by {}, {when}", who.name));
        }
        known.push(match self.on_trunk {
            Some((form, None)) => format!("on trunk as {}", form.short()),
            Some((form, Some(revert))) => {
                format!("on trunk as {}, reverted there by {}", form.short(), revert.short())
            }
            None => "not on trunk".to_owned(),
        });
        format!("{} \"{}\" ({})", self.fix.commit.short(), self.subject, known.join("; "))
    }
}

/// What is live in it as a pick, or was left behind by a rollback, must be in
/// what comes next.
pub fn lost_fix(case: &Case<'_>) -> Option<Verdict> {
    fixes_lost(case.environment, case.crossing?, case.now)
}

/// [`lost_fix`], whatever the candidate.
pub fn fixes_lost(environment: &Environment, crossing: &Crossing, now: DateTime<Utc>) -> Option<Verdict> {
    let policy = environment.lost_fix();
    if !crossing.owed || policy == LostFix::Off {
        return None;
    }
    if crossing.lost.is_empty() {
        return Some(Verdict::pass(Gate::LostFix, "lost-fix"));
    }
    let text = told(&crossing.lost, now);
    let mut verdict = match policy {
        LostFix::Refuse => Verdict::refuse(Gate::LostFix, text),
        LostFix::Warn | LostFix::Off => Verdict::warn(Gate::LostFix, text),
    };
    verdict.fixes = ways_on(&crossing.lost);
    Some(verdict)
}

/// Fixes that are owed and that something lacks, each in a line.
pub fn told(lost: &[Lost], now: DateTime<Utc>) -> String {
    let what = if lost.iter().all(|lost| lost.live) { "live" } else { "owed" };
    let lines: Vec<String> = lost.iter().map(|lost| lost.line(now)).collect();
    match &lines[..] {
        [one] => format!("{what}, but not in it: {one}"),
        several => format!("{what}, but not in it:\n{}", several.join("\n")),
    }
}

/// The commands that bring lost fixes back, or say that it is meant.
pub fn ways_on(lost: &[Lost]) -> Vec<String> {
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
    let meant = listed(lost.iter().map(|lost| lost.fix.commit).collect()).unwrap_or_default();
    ways.push(format!("or, if it is meant: rel waive {meant} --reason WHY"));
    ways
}

/// A point of no return is not left.
pub fn irreversible(case: &Case<'_>) -> Option<Verdict> {
    points_left(case.crossing?)
}

/// [`irreversible`], whatever the candidate.
pub fn points_left(crossing: &Crossing) -> Option<Verdict> {
    let left = &crossing.left;
    if left.is_empty() {
        return None;
    }
    let points: Vec<String> =
        left.iter().map(|point| format!("{} \"{}\"", point.commit.short(), point.subject)).collect();
    let text = match &points[..] {
        [one] => format!("no way back past {one}: it says Rollback-Safe: no"),
        several => format!("no way back past what says Rollback-Safe: no:\n{}", several.join("\n")),
    };
    Some(Verdict::refuse(Gate::Irreversible, text))
}
