//! Moments as people type them: a day, a minute, or how long ago.
//!
//! Times are UTC, as everything that is printed. A day stands for a span, so
//! whoever asks says which end of it is meant.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::config::parse_duration;
use super::name::BadName;

/// Which end of a day is meant where no time of day is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayBound {
    /// Its first second.
    First,
    /// Its last second.
    Last,
}

/// Reads `2026-11-01`, `2026-11-01 14:05`, `2026-11-01T14:05:09`, an RFC 3339
/// time with its zone, or a duration for that long before `now`: `36h`.
///
/// # Errors
/// The text is none of these.
pub fn parse_instant(text: &str, end: DayBound, now: DateTime<Utc>) -> Result<DateTime<Utc>, BadName> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let start = day.and_time(NaiveTime::MIN).and_utc();
        return Ok(match end {
            DayBound::First => start,
            DayBound::Last => start
                .checked_add_days(Days::new(1))
                .and_then(|next| next.checked_sub_signed(chrono::TimeDelta::seconds(1)))
                .unwrap_or(start),
        });
    }
    for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), form) {
            return Ok(at.and_utc());
        }
    }
    let ago = parse_duration(text).ok().and_then(|ago| chrono::TimeDelta::from_std(ago).ok());
    ago.and_then(|ago| now.checked_sub_signed(ago)).ok_or_else(|| {
        BadName(format!(
            "{text:?} is no moment; write 2026-11-01, 2026-11-01T14:05 (UTC), or how long ago: 36h, 7d"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_anything_else_is_not() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let read = |text: &str, end| parse_instant(text, end, now).map(|at| at.to_rfc3339()).ok();
        for (text, first, last) in [
            ("2026-11-01", "2026-11-01T00:00:00+00:00", "2026-11-01T23:59:59+00:00"),
            ("2026-11-01T14:05", "2026-11-01T14:05:00+00:00", "2026-11-01T14:05:00+00:00"),
            ("2026-11-01 14:05:09Z", "2026-11-01T14:05:09+00:00", "2026-11-01T14:05:09+00:00"),
            ("2026-11-01T14:05:09+02:00", "2026-11-01T12:05:09+00:00", "2026-11-01T12:05:09+00:00"),
            ("36h", "2026-11-22T00:00:00+00:00", "2026-11-22T00:00:00+00:00"),
        ] {
            assert_eq!(read(text, DayBound::First).as_deref(), Some(first), "{text}");
            assert_eq!(read(text, DayBound::Last).as_deref(), Some(last), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2026-11", "1", "-1h", "2026-11-01T25:00"] {
            assert_eq!(read(text, DayBound::First), None, "{text}");
        }
    }
}
