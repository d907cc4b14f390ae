//! How long, how long ago, and when, in few words.
//!
//! Spans are rounded down: what is said to have stood 30 min has. This file
//! reads no clock and knows no time zone; both come as values.

use std::fmt::Display;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From `then` to `now`; nothing if a clock elsewhere ran ahead.
pub fn between(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

/// `3 s ago`, `2 days ago`; `just now` for less than a second, and for what a
/// clock that ran ahead dated into the future.
pub fn ago(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    match between(then, now) {
        passed if passed.as_secs() == 0 => "just now".to_owned(),
        passed => format!("{} ago", span(passed)),
    }
}

/// The duration in its largest unit, rounded down: `21 s`, `12 min`, `2 h`,
/// `1 day`, `3 days`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => UNDER.to_owned(),
        1..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        DAY.. => days(seconds / DAY),
    }
}

/// What takes less than the smallest unit there is.
const UNDER: &str = "under 1 s";

/// The duration to the second, in every unit it has: `1 min 42 s`, `2 h`,
/// `1 day 30 min`.
pub fn exact(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut parts = Vec::new();
    if seconds >= DAY {
        parts.push(days(seconds / DAY));
    }
    for (unit, size, of) in [("h", HOUR, DAY), ("min", MINUTE, HOUR), ("s", 1, MINUTE)] {
        let count = seconds % of / size;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    if parts.is_empty() { UNDER.to_owned() } else { parts.join(" ") }
}

fn days(count: u64) -> String {
    format!("{count} {}", if count == 1 { "day" } else { "days" })
}

/// When, in the time zone of the arguments: `14:05` on the day of `now`,
/// `Mon 08:00` up to six days before or after, else `2026-11-23 08:00`.
///
/// For a person both are converted to local time first; with `Utc` it says
/// the time in UTC.
pub fn clock<Tz: TimeZone>(at: DateTime<Tz>, now: DateTime<Tz>) -> String
where
    Tz::Offset: Display,
{
    let days = (at.date_naive() - now.date_naive()).num_days();
    let format = match days.unsigned_abs() {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    at.format(format).to_string()
}

/// The moment on the reader's own clock, for a line of its own below a text
/// that has it as `said`: `that is Sat 2026-11-28 05:30 here (+09:00)`. `None`
/// if the reader's clock shows the same.
pub fn here<Tz: TimeZone>(at: DateTime<Tz>, said: NaiveDateTime) -> Option<String>
where
    Tz::Offset: Display,
{
    let [local, said] = [at.naive_local(), said].map(|at| at.format("%Y-%m-%d %H:%M").to_string());
    (local != said).then(|| format!("that is {} {local} here ({})", at.format("%a"), at.offset()))
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a valid time")
    }

    #[test]
    fn a_moment_is_told_on_the_readers_clock_unless_it_reads_so_already() {
        let at = utc("2026-11-27T20:30:00Z");
        let tokyo = at.with_timezone(&FixedOffset::east_opt(9 * 3600).unwrap());
        assert_eq!(here(tokyo, at.naive_utc()).unwrap(), "that is Sat 2026-11-28 05:30 here (+09:00)");
        assert_eq!(here(at, at.naive_utc()), None);
    }

    #[test]
    fn spans_round_down_to_one_unit() {
        for (seconds, text) in [
            (0, "under 1 s"),
            (21, "21 s"),
            (59, "59 s"),
            (60, "1 min"),
            (12 * 60 + 59, "12 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (2 * 3_600 + 1, "2 h"),
            (86_399, "23 h"),
            (86_400, "1 day"),
            (3 * 86_400, "3 days"),
            (400 * 86_400, "400 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::MAX), "213503982334601 days");
    }

    #[test]
    fn exact_names_every_unit_it_has() {
        for (seconds, text) in [
            (0, "under 1 s"),
            (21, "21 s"),
            (102, "1 min 42 s"),
            (90 * 60, "1 h 30 min"),
            (7_200, "2 h"),
            (86_400 + 30 * 60, "1 day 30 min"),
            (2 * 86_400 + 3 * 3_600 + 4 * 60 + 5, "2 days 3 h 4 min 5 s"),
        ] {
            assert_eq!(exact(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn ago_forgives_a_clock_that_ran_ahead() {
        let now = utc("2026-11-23T12:00:03Z");
        assert_eq!(ago(now, utc("2026-11-23T12:00:00Z")), "3 s ago");
        assert_eq!(ago(now, utc("2026-11-21T12:00:00Z")), "2 days ago");
        assert_eq!(ago(now, now), "just now");
        assert_eq!(ago(now, utc("2026-11-23T12:05:00Z")), "just now");
    }

    #[test]
    fn the_clock_says_no_more_than_needed() {
        let zone = FixedOffset::east_opt(3_600).expect("a valid offset");
        let clock = |at: &str| {
            // Monday, 00:30 where the reader is, still Sunday in UTC.
            let now = utc("2026-11-22T23:30:00Z").with_timezone(&zone);
            super::clock(utc(at).with_timezone(&zone), now)
        };
        assert_eq!(clock("2026-11-23T13:05:00Z"), "14:05");
        assert_eq!(clock("2026-11-22T22:30:00Z"), "Sun 23:30");
        assert_eq!(clock("2026-11-17T09:12:00Z"), "Tue 10:12");
        assert_eq!(clock("2026-11-29T07:00:00Z"), "Sun 08:00");
        assert_eq!(clock("2026-11-30T07:00:00Z"), "2026-11-30 08:00");
        assert_eq!(clock("2025-11-23T07:00:00Z"), "2025-11-23 08:00");
    }
}
