//! What one `[environments.NAME]` may say.
//!
//! Knows nothing of other environments; see [`super::order`].

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path};

use chrono::{NaiveDateTime, Weekday};

use super::order::Places;
use super::read::{Findings, Placed, Table, Value};
use crate::domain::config::{
    CommandsFrom, Confirm, DayTime, Environment, Freeze, FreezeWhen, LostFix, OnFailure, Param, Phase,
    Signoff,
};
use crate::domain::param_name;
use crate::domain::zone::Zone;

/// One `[environments.NAME]`, over its defaults.
pub(super) fn environment(
    table: &mut Table<'_>,
    mut env: Environment,
    findings: &mut Findings,
) -> (Environment, Places) {
    let names = |value: &Value<'_>, findings: &mut Findings| value.placed_list(findings, Value::parsed);
    let places = Places {
        formerly: table.get("formerly", findings, names).unwrap_or_default(),
        after: table.get("after", findings, names).unwrap_or_default(),
    };
    env.formerly = places.formerly.iter().map(|name| name.value.clone()).collect();
    env.after = places.after.iter().map(|name| name.value.clone()).collect();
    env.soak = table.get("soak", findings, Value::duration);
    table.set("approvals", &mut env.approvals, findings, |value, findings| value.count(0, findings));
    table.set("approvals_signed", &mut env.approvals_signed, findings, Value::flag);
    env.allowed_signers = table.get("allowed_signers", findings, inner_path);
    env.signoff = table
        .get("signoff", findings, |value, findings| value.choice(&[("authors", Signoff::Authors)], findings));
    table.set("deployers", &mut env.deployers, findings, deployers);
    table.set("freeze", &mut env.freeze, findings, |value, findings| value.list(findings, freeze));
    table.set("confirm", &mut env.confirm, findings, |value, findings| {
        value.choice(&[("yes", Confirm::Yes), ("name", Confirm::Name)], findings)
    });
    env.deploy = table.get("deploy", findings, Value::command);
    env.verify = table.get("verify", findings, Value::command);
    env.rollback = table.get("rollback", findings, Value::command);
    table.set("timeout", &mut env.timeout, findings, Value::timeout);
    table.set("grace", &mut env.grace, findings, Value::duration);
    table.set("on_failure", &mut env.on_failure, findings, |value, findings| {
        value.choice(&[("stop", OnFailure::Stop), ("rollback", OnFailure::Rollback)], findings)
    });
    let lost_fix = [("refuse", LostFix::Refuse), ("warn", LostFix::Warn), ("off", LostFix::Off)];
    env.lost_fix = table.get("lost_fix", findings, |value, findings| value.choice(&lost_fix, findings));
    table.set("final", &mut env.is_final, findings, Value::flag);
    table.set("auto_deploy", &mut env.auto_deploy, findings, Value::flag);
    let commands = [("candidate", CommandsFrom::Candidate), ("trunk", CommandsFrom::Trunk)];
    table.set("commands", &mut env.commands, findings, |value, findings| value.choice(&commands, findings));
    table.set("hold_after_rollback", &mut env.hold_after_rollback, findings, Value::flag);
    table.set("targets", &mut env.targets, findings, |value, findings| {
        unique(value.placed_list(findings, Value::line)?, "target", findings)
    });
    table.set("max_parallel", &mut env.max_parallel, findings, |value, findings| value.count(1, findings));
    table.set("phases", &mut env.phases, findings, phases);
    table.set("params", &mut env.params, findings, params);
    (env, places)
}

/// The values, once each has been seen to be there once.
fn unique(list: Vec<Placed<String>>, what: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    for Placed { span, value } in &list {
        if !seen.insert(value) {
            findings.problem(span.clone(), format!("the {what} {value:?} is listed twice"));
        }
    }
    Some(list.into_iter().map(|placed| placed.value).collect())
}

/// A file of the repository, by its path from the top.
fn inner_path(value: &Value<'_>, findings: &mut Findings) -> Option<String> {
    let text = value.line(findings)?;
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
    if Path::new(&text).components().all(inside) {
        Some(text)
    } else {
        value.wrong(format!("{text:?} is not a path inside of the repository"), findings)
    }
}

fn deployers(value: &Value<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    let read = value.whole_list(findings, |value, findings| {
        let text = value.line(findings)?;
        value.glob(text, findings)
    })?;
    if read.is_empty() {
        // Read as nobody by some and as anybody by others; neither is guessed.
        return value.wrong("lists nobody; leave the key out if anybody may deploy", findings);
    }
    Some(read)
}

/// One end of a freeze: where it stands, and its text.
type Bound<'a> = (Value<'a>, String);

fn bound<'a>(value: &Value<'a>, findings: &mut Findings) -> Option<Bound<'a>> {
    Some((value.clone(), value.text_or_datetime(findings)?))
}

/// One element of `freeze`: dates make it hold once, times of day every week.
fn freeze(value: &Value<'_>, findings: &mut Findings) -> Option<Freeze> {
    let mut table = value.table("freeze", "environments.*.freeze", findings)?;
    let days = table.get("days", findings, |value, findings| {
        let days = value.whole_list(findings, weekday)?;
        if days.is_empty() {
            value.wrong("lists no day; leave the key out for every day", findings)
        } else {
            Some(days)
        }
    });
    let from = table.get("from", findings, bound);
    let to = table.get("to", findings, bound);
    let tz = table.get("tz", findings, |value, findings| {
        let text = value.text(findings)?;
        text.parse::<Zone>().ok().or_else(|| {
            value.wrong(format!("{text:?} is not a time zone; one is written \"Europe/Paris\""), findings)
        })
    });
    let reason = table.get("reason", findings, Value::line);
    let (has_days, whole) = (table.has("days"), table.span.clone());
    let broken = (table.has("from") && from.is_none()) || (table.has("to") && to.is_none());
    table.finish(findings);
    if broken {
        return None;
    }

    let dated = |bound: &Option<Bound<'_>>| bound.as_ref().is_some_and(|(_, text)| text.contains('-'));
    let when = if dated(&from) || dated(&to) {
        once(from, to, has_days, whole, findings)?
    } else {
        weekly(days, from, to, has_days, whole, findings)?
    };
    Some(Freeze { when, tz: tz.unwrap_or_else(Zone::utc), reason })
}

fn once(
    from: Option<Bound<'_>>,
    to: Option<Bound<'_>>,
    has_days: bool,
    whole: Range<usize>,
    findings: &mut Findings,
) -> Option<FreezeWhen> {
    let (Some(from), Some(to)) = (from, to) else {
        findings.problem(whole, "a freeze between dates needs both `from` and `to`");
        return None;
    };
    if has_days {
        findings.problem(whole, "a freeze has either `days` with times of day, or dates; not both");
        return None;
    }
    let mut date = |(value, text): &Bound<'_>| {
        ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .or_else(|| {
                let text = format!(
                    "{text:?} is not a date and time; one is written \"2026-12-20T18:00\", and its zone in `tz`"
                );
                value.wrong(text, findings)
            })
    };
    let (start, end) = (date(&from), date(&to));
    let (start, end) = (start?, end?);
    if start >= end {
        return to.0.wrong("is not later than `from`", findings);
    }
    Some(FreezeWhen::Once { from: start, to: end })
}

fn weekly(
    days: Option<Vec<Weekday>>,
    from: Option<Bound<'_>>,
    to: Option<Bound<'_>>,
    has_days: bool,
    whole: Range<usize>,
    findings: &mut Findings,
) -> Option<FreezeWhen> {
    if !has_days && from.is_none() && to.is_none() {
        findings.problem(whole, "a freeze needs `from` and `to`, or `days`");
        return None;
    }
    let mut time = |bound: &Option<Bound<'_>>, default| match bound {
        None => Some(default),
        Some((value, text)) => text.parse().map_or_else(|error| value.wrong(error, findings), Some),
    };
    let (start, end) = (time(&from, DayTime::START), time(&to, DayTime::END));
    let (start, end) = (start?, end?);
    if start == end || start == DayTime::END {
        findings.problem(whole, "this freeze never holds: it begins when it ends");
        return None;
    }
    const WEEK: [Weekday; 7] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let days = if has_days { days? } else { WEEK.to_vec() };
    Some(FreezeWhen::Weekly { days, from: start, to: end })
}

fn weekday(value: &Value<'_>, findings: &mut Findings) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("mon", Weekday::Mon),
        ("tue", Weekday::Tue),
        ("wed", Weekday::Wed),
        ("thu", Weekday::Thu),
        ("fri", Weekday::Fri),
        ("sat", Weekday::Sat),
        ("sun", Weekday::Sun),
    ];
    value.choice(&DAYS, findings)
}

/// `[[environments.NAME.phases]]`.
fn phases(value: &Value<'_>, findings: &mut Findings) -> Option<Vec<Phase>> {
    let read = value.list(findings, |value, findings| {
        let mut table = value.table("phases", "environments.*.phases", findings)?;
        let name = table.get("name", findings, |value, findings| {
            Some(Placed { span: value.span.clone(), value: value.line(findings)? })
        });
        if !table.has("name") {
            findings.problem(table.span.clone(), "a phase needs a name: name = \"canary\"");
        }
        let deploy = table.get("deploy", findings, Value::command);
        let verify = table.get("verify", findings, Value::command);
        let wait = table.get("wait", findings, Value::duration).unwrap_or_default();
        table.finish(findings);
        let name = name?;
        let phase = Phase { name: name.value.clone(), deploy, verify, wait };
        Some((name, phase))
    })?;
    let (names, phases): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    unique(names, "phase", findings)?;
    Some(phases)
}

/// `[environments.NAME.params]`.
fn params(value: &Value<'_>, findings: &mut Findings) -> Option<Vec<Param>> {
    let table = value.table("params", "environments.*.params", findings)?;
    let mut params = Vec::new();
    for (key, value) in table.chosen() {
        if !is_variable(key.value) {
            let text = format!(
                "{:?} cannot name a parameter: use A-Z, 0-9 and '_', not beginning with a digit",
                key.value
            );
            findings.problem(key.span.clone(), text);
        } else if let Some(why) = param_name::taken(key.value) {
            findings.problem(key.span.clone(), format!("{:?} cannot name a parameter: {why}", key.value));
        }
        let Some(mut table) =
            value.table(&format!("params.{}", key.value), "environments.*.params.*", findings)
        else {
            continue;
        };
        let default = table.get("default", findings, |value, findings| {
            Some((value.clone(), value.text(findings)?.to_owned()))
        });
        let secret = table.get("secret", findings, Value::flag).unwrap_or(false);
        let from_env = table.get("from_env", findings, |value, findings| {
            let text = value.text(findings)?;
            if is_variable(&text.to_ascii_uppercase()) {
                Some(text.to_owned())
            } else {
                value.wrong(format!("{text:?} cannot name an environment variable"), findings)
            }
        });
        table.finish(findings);
        if let (true, Some((value, _))) = (secret, &default) {
            value.wrong::<()>(
                "a secret cannot have its value in the file; name a variable in `from_env`",
                findings,
            );
        }
        let default = default.map(|(_, text)| text).filter(|text| !text.contains('\0'));
        params.push(Param { name: key.value.to_owned(), default, secret, from_env });
    }
    Some(params)
}

/// `[A-Z_][A-Z0-9_]*`
fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
