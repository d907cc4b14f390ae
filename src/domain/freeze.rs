//! Freezes: times in which nothing may be deployed, as instants.
//!
//! The policy says them in local time; here they become half-open intervals
//! of real time. Where clocks are put back, a freeze begins at the earlier
//! and ends at the later of two like readings; where they are put forward,
//! a reading that never shows is the moment of the change. Reads no clock:
//! whoever asks says what time it is.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::config::{DayTime, Freeze, FreezeWhen};
use super::zone::{Moments, Zone};

/// How far ahead an end is looked for: every week of a year, twice changed
/// clocks included, and a little more.
const HORIZON: TimeDelta = TimeDelta::days(400);

/// What keeps an environment frozen at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Why, in the policy's words; several where several freezes hold.
    pub reasons: Vec<String>,
    /// The first moment at which nothing is frozen any more: the end of what
    /// holds now, and of every freeze that takes over from it without a gap.
    /// None where freezes follow each other for good.
    pub until: Option<DateTime<Utc>>,
    /// The zone of the first freeze that holds.
    pub tz: Zone,
}

/// What is frozen at `now`, if anything is. A freeze holds from its first
/// moment on, and at its end no more.
pub fn at(freezes: &[Freeze], now: DateTime<Utc>) -> Option<Frozen> {
    let holding: Vec<&Freeze> = freezes.iter().filter(|freeze| end_of(freeze, now).is_some()).collect();
    let tz = holding.first()?.tz.clone();
    let mut reasons: Vec<String> = Vec::new();
    for reason in holding.iter().filter_map(|freeze| freeze.reason.as_ref()) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    Some(Frozen { reasons, until: open_from(freezes, now), tz })
}

/// The first moment from `now` on at which nothing is frozen.
fn open_from(freezes: &[Freeze], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let last_date = freezes.iter().filter_map(|freeze| match &freeze.when {
        FreezeWhen::Once { to, .. } => instant(&freeze.tz, *to, Edge::End),
        FreezeWhen::Weekly { .. } => None,
    });
    // Beyond the last freeze with dates everything repeats itself.
    let limit = last_date.fold(now, DateTime::max).checked_add_signed(HORIZON)?;
    let mut at = now;
    while let Some(end) = freezes.iter().filter_map(|freeze| end_of(freeze, at)).max() {
        if end > limit {
            return None;
        }
        at = end;
    }
    Some(at)
}

/// When `freeze` ends, where it holds at `at`; always later than `at`.
fn end_of(freeze: &Freeze, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let within = |from: NaiveDateTime, to: NaiveDateTime| {
        let (from, to) = (instant(&freeze.tz, from, Edge::Start)?, instant(&freeze.tz, to, Edge::End)?);
        (from <= at && at < to).then_some(to)
    };
    match &freeze.when {
        FreezeWhen::Once { from, to } => within(*from, *to),
        FreezeWhen::Weekly { days, from, to } => {
            let today = freeze.tz.local(at).date();
            // One that holds now began today or yesterday; where a zone has
            // skipped a day, on the date before.
            (0..=2)
                .filter_map(|back| today.checked_sub_days(Days::new(back)))
                .filter(|date| days.contains(&date.weekday()))
                .filter_map(|date| {
                    let last = if to > from { date } else { date.checked_add_days(Days::new(1))? };
                    within(on(date, *from)?, on(last, *to)?)
                })
                .max()
        }
    }
}

/// A time of day on a date; `24:00` is the next date's first moment.
fn on(date: NaiveDate, time: DayTime) -> Option<NaiveDateTime> {
    date.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(time.minutes().into()))
}

/// Which end of a freeze a local time is.
#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

/// The moment a local time stands for; none at the ends of the calendar.
fn instant(tz: &Zone, local: NaiveDateTime, edge: Edge) -> Option<DateTime<Utc>> {
    Some(match (tz.moments(local)?, edge) {
        (Moments::One(only), _) => only,
        (Moments::Two(earlier, _), Edge::Start) => earlier,
        (Moments::Two(_, later), Edge::End) => later,
        (Moments::Skipped(change), _) => change,
    })
}
