//! Freezes: local time, weeks, and the days on which clocks are changed.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike, Weekday};
use proptest::prelude::*;

use super::*;
use crate::domain::config::{DayTime, Freeze, FreezeWhen};
use crate::domain::freeze;
use crate::domain::gate::rules;
use crate::domain::zone::{Moments, Zone};

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

/// A freeze that never ends.
pub(super) fn always() -> Freeze {
    weekly(&WEEK, "00:00", "24:00", Zone::utc(), Some("always"))
}

fn weekly(days: &[Weekday], from: &str, to: &str, tz: Zone, reason: Option<&str>) -> Freeze {
    let when =
        FreezeWhen::Weekly { days: days.to_vec(), from: from.parse().unwrap(), to: to.parse().unwrap() };
    Freeze { when, tz, reason: reason.map(str::to_owned) }
}

fn once(from: &str, to: &str, tz: Zone, reason: &str) -> Freeze {
    let read = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap();
    Freeze { when: FreezeWhen::Once { from: read(from), to: read(to) }, tz, reason: Some(reason.into()) }
}

fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").unwrap().and_utc()
}

/// Until when it is frozen at this moment; `open`, or `for good`.
fn until(freezes: &[Freeze], now: &str) -> String {
    match freeze::at(freezes, utc(now)) {
        None => "open".into(),
        Some(frozen) => {
            frozen.until.map_or("for good".into(), |at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
        }
    }
}

#[test]
fn the_start_is_in_it_and_the_end_is_not() {
    // Paris is an hour ahead in winter.
    let holidays = [once("2026-12-20T18:00", "2027-01-03T08:00", zone("Europe/Paris"), "holidays")];
    let table = [
        ("2026-12-20T16:59:59", "open"),
        ("2026-12-20T17:00:00", "2027-01-03T07:00:00"),
        ("2027-01-03T06:59:59", "2027-01-03T07:00:00"),
        ("2027-01-03T07:00:00", "open"),
    ];
    for (now, expected) in table {
        assert_eq!(until(&holidays, now), expected, "{now}");
    }
}

#[test]
fn a_weekly_one_runs_into_the_following_day() {
    let evenings = [weekly(&[Weekday::Fri], "16:00", "24:00", zone("Europe/Paris"), None)];
    // 2026-11-27 is a Friday.
    assert_eq!(until(&evenings, "2026-11-27T14:59:59"), "open");
    assert_eq!(until(&evenings, "2026-11-27T15:00:00"), "2026-11-27T23:00:00");
    assert_eq!(until(&evenings, "2026-11-27T23:00:00"), "open");
    assert_eq!(until(&evenings, "2026-11-26T16:00:00"), "open");
    let nights = [weekly(&[Weekday::Fri], "22:00", "06:00", Zone::utc(), None)];
    assert_eq!(until(&nights, "2026-11-27T22:00:00"), "2026-11-28T06:00:00");
    assert_eq!(until(&nights, "2026-11-28T05:59:59"), "2026-11-28T06:00:00", "begun on the day before");
    assert_eq!(until(&nights, "2026-11-27T05:00:00"), "open", "which has to be the listed one");
    assert_eq!(until(&nights, "2026-11-28T22:00:00"), "open");
    // The day is the freeze's own: Friday in Auckland is Thursday in UTC.
    let far = [weekly(&[Weekday::Fri], "00:00", "12:00", zone("Pacific/Auckland"), None)];
    assert_eq!(until(&far, "2026-11-26T11:00:00"), "2026-11-26T23:00:00");
}

#[test]
fn the_end_is_that_of_all_that_adjoin() {
    let week = [
        weekly(&[Weekday::Fri], "16:00", "24:00", zone("Europe/Paris"), Some("no Friday evenings")),
        weekly(&[Weekday::Sat, Weekday::Sun], "00:00", "24:00", zone("Europe/Paris"), Some("weekend")),
        once("2026-11-30T00:00", "2026-11-30T08:00", zone("Europe/Paris"), "inventory"),
        weekly(&[Weekday::Mon], "08:01", "09:00", zone("Europe/Paris"), Some("a minute later")),
    ];
    assert_eq!(until(&week, "2026-11-27T15:00:00"), "2026-11-30T07:00:00");
    assert_eq!(until(&week, "2026-12-04T15:00:00"), "2026-12-06T23:00:00", "no inventory a week later");
    // Overlapping ones.
    let both = [
        once("2026-11-01T00:00", "2026-11-10T00:00", Zone::utc(), "one"),
        once("2026-11-05T00:00", "2026-11-20T00:00", Zone::utc(), "two"),
    ];
    assert_eq!(until(&both, "2026-11-02T00:00:00"), "2026-11-20T00:00:00");
    assert_eq!(until(&[always()], "2026-11-02T00:00:00"), "for good");
    // Dates that end later than a year from now do not hide behind the weeks.
    let years = [always(), once("2026-01-01T00:00", "2036-01-01T00:00", Zone::utc(), "long")];
    assert_eq!(until(&years[1..], "2026-11-02T00:00:00"), "2036-01-01T00:00:00");
    assert_eq!(until(&years, "2026-11-02T00:00:00"), "for good");
}

#[test]
fn a_refusal_says_why_and_until_when_in_its_own_zone() {
    let mut world = World::new();
    world.policy.freeze = vec![
        once("2026-12-20T18:00", "2027-01-03T08:00", zone("Europe/Paris"), "holidays"),
        once("2026-12-24T00:00", "2026-12-27T00:00", Zone::utc(), "nobody there"),
        once("2026-12-24T00:00", "2026-12-27T00:00", Zone::utc(), "holidays"),
    ];
    world.now = utc("2026-12-25T12:00:00");
    let verdict = rules::freeze(&world.input()).unwrap();
    assert_eq!(words(&verdict), "holidays, nobody there; ends Sun 2027-01-03 08:00 Europe/Paris");
    assert_eq!(verdict.opens_at(), Some(utc("2027-01-03T07:00:00")));
    assert!(verdict.refuses());
    world.now = utc("2027-02-01T12:00:00");
    assert!(!rules::freeze(&world.input()).unwrap().refuses());
    world.policy.freeze = vec![weekly(&WEEK, "00:00", "24:00", Zone::utc(), None)];
    let verdict = rules::freeze(&world.input()).unwrap();
    assert_eq!((words(&verdict).as_str(), verdict.opens_at()), ("frozen; no end in sight", None));
    world.policy.freeze.clear();
    assert_eq!(rules::freeze(&world.input()), None);
}

#[test]
fn where_clocks_are_put_forward() {
    // In Paris 2026-03-29 has no time from 02:00 to 03:00; it is 01:00 UTC then.
    let sunday = |from, to| [weekly(&[Weekday::Sun], from, to, zone("Europe/Paris"), None)];
    assert_eq!(until(&sunday("02:30", "04:00"), "2026-03-29T00:59:59"), "open");
    assert_eq!(until(&sunday("02:30", "04:00"), "2026-03-29T01:00:00"), "2026-03-29T02:00:00");
    assert_eq!(until(&sunday("01:00", "02:30"), "2026-03-29T00:00:00"), "2026-03-29T01:00:00");
    assert_eq!(until(&sunday("02:10", "02:50"), "2026-03-29T01:00:00"), "open", "it does not take place");
    assert_eq!(until(&sunday("02:00", "03:00"), "2026-03-29T01:00:00"), "open");
    assert_eq!(until(&sunday("00:00", "24:00"), "2026-03-29T12:00:00"), "2026-03-29T22:00:00");
    // In New York, on 2026-03-08, it is 07:00 UTC.
    let ny = [weekly(&[Weekday::Sun], "02:30", "05:00", zone("America/New_York"), None)];
    assert_eq!(until(&ny, "2026-03-08T06:59:59"), "open");
    assert_eq!(until(&ny, "2026-03-08T07:00:00"), "2026-03-08T09:00:00");
}

#[test]
fn where_clocks_are_put_back() {
    // In Paris 2026-10-25 has the time from 02:00 to 03:00 twice, from 00:00 and from 01:00 UTC.
    let sunday = |from, to| [weekly(&[Weekday::Sun], from, to, zone("Europe/Paris"), None)];
    assert_eq!(until(&sunday("02:30", "04:00"), "2026-10-25T00:29:59"), "open");
    assert_eq!(
        until(&sunday("02:30", "04:00"), "2026-10-25T00:30:00"),
        "2026-10-25T03:00:00",
        "the first 02:30"
    );
    assert_eq!(
        until(&sunday("01:00", "02:30"), "2026-10-24T23:00:00"),
        "2026-10-25T01:30:00",
        "the second 02:30"
    );
    assert_eq!(until(&sunday("01:00", "02:30"), "2026-10-25T01:30:00"), "open");
    assert_eq!(until(&sunday("00:00", "24:00"), "2026-10-25T12:00:00"), "2026-10-25T23:00:00", "25 hours");
    let ny = [weekly(&[Weekday::Sun], "01:30", "01:45", zone("America/New_York"), None)];
    assert_eq!(until(&ny, "2026-11-01T05:30:00"), "2026-11-01T06:45:00");
}

#[test]
fn a_zone_that_skipped_a_day_keeps_its_weeks() {
    // Samoa went from Thursday 2011-12-29 to Saturday 2011-12-31.
    let nights = [weekly(&[Weekday::Thu], "20:00", "06:00", zone("Pacific/Apia"), None)];
    assert_eq!(until(&nights, "2011-12-30T06:00:00"), "2011-12-30T10:00:00", "it ends with its last moment");
    assert_eq!(until(&nights, "2011-12-30T10:00:00"), "open");
}

#[test]
fn the_ends_of_the_calendar_are_no_danger() {
    let whole = Freeze {
        when: FreezeWhen::Once { from: NaiveDateTime::MIN, to: NaiveDateTime::MAX },
        tz: zone("Europe/Paris"),
        reason: None,
    };
    for now in [minute(0), utc("9999-12-31T23:59:59"), utc("0001-01-01T00:00:00")] {
        let _ = freeze::at(&[whole.clone(), always()], now);
    }
}

/// A moment near a change of clocks, to the minute.
fn near_a_change(tz: Zone) -> impl Strategy<Value = DateTime<Utc>> {
    let changes = if tz == zone("Europe/Paris") {
        ["2026-03-29T01:00:00", "2026-10-25T01:00:00"]
    } else {
        ["2026-03-08T07:00:00", "2026-11-01T06:00:00"]
    };
    (proptest::sample::select(changes.to_vec()), -3 * 1440..3 * 1440i64)
        .prop_map(|(change, minutes)| utc(change) + TimeDelta::minutes(minutes))
}

fn near() -> impl Strategy<Value = (Zone, DateTime<Utc>)> {
    prop_oneof![
        near_a_change(zone("Europe/Paris")).prop_map(|now| (zone("Europe/Paris"), now)),
        near_a_change(zone("America/New_York")).prop_map(|now| (zone("America/New_York"), now)),
    ]
}

fn day_time(minutes: u16) -> DayTime {
    format!("{:02}:{:02}", minutes / 60, minutes % 60).parse().unwrap()
}

proptest! {
    /// Away from the hour that is doubled, a freeze holds exactly while
    /// clocks show a time in it; within that hour, at least then.
    #[test]
    fn it_holds_while_clocks_say_so(
        (tz, now) in near(),
        days in proptest::sample::subsequence(WEEK.to_vec(), 1..=7),
        from in 0..1440u16,
        to in 0..=1440u16,
    ) {
        prop_assume!(from != to);
        let freeze = Freeze {
            when: FreezeWhen::Weekly { days: days.clone(), from: day_time(from), to: day_time(to) },
            tz: tz.clone(),
            reason: None,
        };
        let local = tz.local(now);
        let time = u16::try_from(local.hour() * 60 + local.minute()).unwrap();
        let (today, yesterday) = (local.weekday(), local.weekday().pred());
        let shown = if from < to {
            days.contains(&today) && (from..to).contains(&time)
        } else {
            (days.contains(&today) && time >= from) || (days.contains(&yesterday) && time < to)
        };
        let holds = freeze::at(std::slice::from_ref(&freeze), now).is_some();
        let doubled = matches!(tz.moments(local), Some(Moments::Two(..)));
        if doubled {
            prop_assert!(holds || !shown, "{freeze:?} at {local}");
        } else {
            prop_assert_eq!(holds, shown, "{:?} at {}", freeze, local);
        }
    }

    /// `until` is the first open moment: frozen up to it, open at it.
    #[test]
    fn it_opens_when_it_says(
        (tz, now) in near(),
        windows in proptest::collection::vec((0..7usize, 0..1440u16, 0..=1440u16), 1..5),
        dated in proptest::collection::vec((-2..2i64, 0..1440i64, 1..3000i64), 0..3),
    ) {
        let mut freezes: Vec<Freeze> = windows
            .into_iter()
            .filter(|(_, from, to)| from != to)
            .map(|(day, from, to)| Freeze {
                when: FreezeWhen::Weekly { days: vec![WEEK[day]], from: day_time(from), to: day_time(to) },
                tz: tz.clone(),
                reason: None,
            })
            .collect();
        let date: NaiveDate = tz.local(now).date();
        freezes.extend(dated.into_iter().map(|(days, minutes, length)| {
            let from = date.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::days(days) + TimeDelta::minutes(minutes);
            let when = FreezeWhen::Once { from, to: from + TimeDelta::minutes(length) };
            Freeze { when, tz: tz.clone(), reason: None }
        }));
        if let Some(frozen) = freeze::at(&freezes, now) {
            let until = frozen.until.unwrap();
            prop_assert!(until > now);
            prop_assert_eq!(freeze::at(&freezes, until), None, "open at its end");
            let mut at = now;
            while at < until {
                prop_assert_eq!(freeze::at(&freezes, at).and_then(|frozen| frozen.until), Some(until));
                at += TimeDelta::minutes(7);
            }
        }
    }
}
