//! Time zones by their IANA names, from a database that comes with the program.
//!
//! What clocks in a zone show, and which moments a reading of theirs stands
//! for. Only the zones come from here; moments are chrono's everywhere.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use serde::{Serialize, Serializer};

use super::name::BadName;

/// A time zone of the IANA database (RFC 6557), such as `Europe/Paris`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(Tz);

/// The moments that a reading of a zone's clocks stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moments {
    One(DateTime<Utc>),
    /// Clocks were put back: these two, the earlier first.
    Two(DateTime<Utc>, DateTime<Utc>),
    /// Clocks were put forward and never showed it: the moment of the change.
    Skipped(DateTime<Utc>),
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Zone {
        Zone(Tz::UTC)
    }

    /// What clocks show at a moment.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The moments that a reading stands for; `None` at the ends of the calendar.
    pub fn moments(&self, local: NaiveDateTime) -> Option<Moments> {
        Some(match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(at) => Moments::One(at.to_utc()),
            MappedLocalTime::Ambiguous(first, second) => Moments::Two(first.to_utc(), second.to_utc()),
            MappedLocalTime::None => Moments::Skipped(GapInfo::new(&local, &self.0)?.end?.to_utc()),
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Zone, BadName> {
        let named = TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        named
            .map(Zone)
            .ok_or_else(|| BadName(format!("{text:?} is not a time zone; one is written \"Europe/Paris\"")))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_reading_stands_for_the_moment_it_was_read_at(
            seconds in 0_i64..4_000_000_000,
            name in prop::sample::select(vec!["Europe/Paris", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
        ) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let zone: Zone = name.parse().unwrap();
            let found = match zone.moments(zone.local(at)).unwrap() {
                Moments::One(one) => one == at,
                Moments::Two(one, two) => one < two && (one == at || two == at),
                Moments::Skipped(_) => false,
            };
            prop_assert!(found);
        }

        #[test]
        fn no_reading_is_too_early_or_too_late(days in any::<i32>()) {
            let paris: Zone = "Europe/Paris".parse().unwrap();
            for end in [chrono::NaiveDateTime::MIN, chrono::NaiveDateTime::MAX] {
                let _ = paris.moments(end.checked_add_signed(chrono::TimeDelta::days(days.into())).unwrap_or(end));
            }
        }
    }

    #[test]
    fn a_skipped_reading_is_the_moment_of_the_change() {
        let paris: Zone = "Europe/Paris".parse().unwrap();
        let reading = |text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap();
        let change = reading("2027-03-28T01:00").and_utc();
        assert_eq!(paris.moments(reading("2027-03-28T02:30")), Some(Moments::Skipped(change)));
        assert_eq!(paris.moments(reading("2027-03-28T02:00")), Some(Moments::Skipped(change)));
        assert_eq!(paris.moments(reading("2027-03-28T03:00")), Some(Moments::One(change)));
    }

    #[test]
    fn a_zone_prints_as_it_was_written() {
        for name in ["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"] {
            assert_eq!(name.parse::<Zone>().unwrap().to_string(), name);
        }
        assert_eq!("europe/paris".parse::<Zone>().unwrap().to_string(), "Europe/Paris");
        assert!("Paris".parse::<Zone>().is_err());
    }
}
