//! Time zones by their IANA names, from a database that comes with the program.
//!
//! What clocks in a zone show, and which moments a reading of theirs stands
//! for. Only the zones come from here; moments are chrono's everywhere.
//!
//! jiff has them as bytes, where chrono-tz has a pointer for each change of a
//! clock: to relocate those took longer than all else at each start of `rel`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde::{Serialize, Serializer};

use super::name::BadName;

/// A time zone of the IANA database (RFC 6557), such as `Europe/Paris`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

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
        Zone(TimeZone::UTC)
    }

    /// What clocks show at a moment.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let offset = Timestamp::from_second(at.timestamp()).map_or(Offset::UTC, |at| self.0.to_offset(at));
        at.naive_utc() + TimeDelta::seconds(offset.seconds().into())
    }

    /// The moments that a reading stands for; `None` at the ends of the calendar.
    pub fn moments(&self, local: NaiveDateTime) -> Option<Moments> {
        let small = |number: u32| i8::try_from(number).ok();
        let reading = jiff::civil::DateTime::new(
            i16::try_from(local.year()).ok()?,
            small(local.month())?,
            small(local.day())?,
            small(local.hour())?,
            small(local.minute())?,
            small(local.second())?,
            0,
        )
        .ok()?;
        let with = |offset: Offset| {
            local.checked_sub_signed(TimeDelta::seconds(offset.seconds().into())).map(|at| at.and_utc())
        };
        Some(match self.0.to_ambiguous_timestamp(reading).offset() {
            AmbiguousOffset::Unambiguous { offset } => Moments::One(with(offset)?),
            AmbiguousOffset::Fold { before, after } => Moments::Two(with(before)?, with(after)?),
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the later offset, a skipped time lies before the change that skips it.
                let before = Timestamp::from_second(with(after)?.timestamp()).ok()?;
                let change = self.0.following(before).next()?.timestamp();
                Moments::Skipped(DateTime::from_timestamp(change.as_second(), 0)?)
            }
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl FromStr for Zone {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Zone, BadName> {
        TimeZone::get(text)
            .map(Zone)
            .map_err(|_| BadName(format!("{text:?} is not a time zone; one is written \"Europe/Paris\"")))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Offset as _, TimeZone as _};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against another library's database.
        #[test]
        fn clocks_show_what_they_show_elsewhere(
            seconds in 0_i64..4_000_000_000,
            name in prop::sample::select(vec!["Europe/Paris", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
        ) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let theirs: chrono_tz::Tz = name.parse().unwrap();
            let offset = theirs.offset_from_utc_datetime(&at.naive_utc()).fix();
            let expected = at.naive_utc() + TimeDelta::seconds(offset.local_minus_utc().into());
            let zone: Zone = name.parse().unwrap();
            prop_assert_eq!(zone.local(at), expected);
            let found = match zone.moments(expected).unwrap() {
                Moments::One(one) => one == at,
                Moments::Two(one, two) => one < two && (one == at || two == at),
                Moments::Skipped(_) => false,
            };
            prop_assert!(found);
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
        assert!("Paris".parse::<Zone>().is_err());
    }
}
