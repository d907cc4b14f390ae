//! Calendar versions, in the notation of <https://calver.org>: `YYYY.0M.0D`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use super::super::name::BadName;
use super::number::{Version, digits};

/// A part of a calendar version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CalverUnit {
    Year,
    ShortYear,
    Month,
    Week,
    Day,
    Counter,
}

/// A part as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CalverPart {
    name: &'static str,
    unit: CalverUnit,
    /// The fewest digits it has.
    width: usize,
}

const fn part(name: &'static str, unit: CalverUnit, width: usize) -> CalverPart {
    CalverPart { name, unit, width }
}

/// Every part there is; of two that begin alike the longer comes first.
const PARTS: [CalverPart; 11] = [
    part("YYYY", CalverUnit::Year, 4),
    part("YY", CalverUnit::ShortYear, 1),
    part("0Y", CalverUnit::ShortYear, 2),
    part("MICRO", CalverUnit::Counter, 1),
    part("MM", CalverUnit::Month, 1),
    part("0M", CalverUnit::Month, 2),
    part("WW", CalverUnit::Week, 1),
    part("0W", CalverUnit::Week, 2),
    part("DD", CalverUnit::Day, 1),
    part("0D", CalverUnit::Day, 2),
    part("N", CalverUnit::Counter, 1),
];

impl CalverPart {
    /// Whether it always has as many digits, so that another may follow it at once.
    fn is_fixed(self) -> bool {
        self.width > 1
    }

    fn fits(self, number: u64) -> bool {
        match self.unit {
            CalverUnit::Year => (1000..=9999).contains(&number),
            CalverUnit::ShortYear => number < 1000,
            CalverUnit::Month => (1..=12).contains(&number),
            CalverUnit::Week => (1..=53).contains(&number),
            CalverUnit::Day => (1..=31).contains(&number),
            CalverUnit::Counter => true,
        }
    }
}

/// Parts that make one number, `YYYY` or `YYYY0M0D`, and what stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CalverNumber {
    before: Option<char>,
    parts: Vec<CalverPart>,
}

impl CalverNumber {
    /// The fewest digits it has.
    fn width(&self) -> usize {
        self.parts.iter().map(|part| part.width).sum()
    }

    fn is_counter(&self) -> bool {
        self.parts[0].unit == CalverUnit::Counter
    }

    /// Its number on a day.
    fn on(&self, day: NaiveDate, by_week: bool) -> u64 {
        let year = if by_week { day.iso_week().year() } else { day.year() };
        let of = |part: &CalverPart| match part.unit {
            CalverUnit::Year => u64::try_from(year).unwrap_or(0),
            CalverUnit::ShortYear => u64::try_from(year - 2000).unwrap_or(0),
            CalverUnit::Month => day.month().into(),
            CalverUnit::Week => day.iso_week().week().into(),
            CalverUnit::Day => day.day().into(),
            CalverUnit::Counter => 0,
        };
        self.parts.iter().fold(0, |number, part| number * 10_u64.pow(digits_of(part.width)) + of(part))
    }

    /// Whether a number of it can be that of a day.
    fn fits(&self, number: u64) -> bool {
        let mut rest = number;
        let (first, others) = self.parts.split_first().expect("a component has a part");
        for part in others.iter().rev() {
            let scale = 10_u64.pow(digits_of(part.width));
            if !part.fits(rest % scale) {
                return false;
            }
            rest /= scale;
        }
        first.fits(rest)
    }

    /// Whether a number is written as this component writes it.
    fn spells(&self, text: &str) -> bool {
        let width = self.width();
        text.len() >= width && (text.len() == width || !text.starts_with('0'))
    }
}

fn digits_of(width: usize) -> u32 {
    u32::try_from(width).unwrap_or(u32::MAX)
}

/// How calendar versions are written: `YYYY.MM.MICRO`.
///
/// Invariant: it begins with a year, goes on to what is smaller, and a counter
/// comes last; so later days make later versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalverFormat(Vec<CalverNumber>);

impl Default for CalverFormat {
    fn default() -> CalverFormat {
        "YYYY.MM.MICRO".parse().expect("it is a format")
    }
}

impl CalverFormat {
    /// How many numbers a release has that is no patch of another.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them tell the day.
    pub(super) fn dated(&self) -> usize {
        self.0.iter().filter(|component| !component.is_counter()).count()
    }

    /// The numbers that tell this day.
    pub(super) fn day(&self, day: NaiveDate) -> Vec<u64> {
        let by_week = self.units().any(|unit| unit == CalverUnit::Week);
        let dated = self.0.iter().filter(|component| !component.is_counter());
        dated.map(|component| component.on(day, by_week)).collect()
    }

    /// The first number of the counter; `None` without one.
    pub(super) fn first(&self) -> Option<u64> {
        let counter = self.0.last().filter(|component| component.is_counter())?;
        Some(u64::from(counter.parts[0].name == "N"))
    }

    /// The version with these numbers, written so.
    pub(super) fn version(&self, numbers: Vec<u64>) -> Version {
        let mut text = String::new();
        for (index, number) in numbers.iter().enumerate() {
            let component = self.0.get(index);
            let before = component.map_or(Some('.'), |component| component.before);
            let width = component.map_or(1, CalverNumber::width);
            text.extend(before.filter(|_| index > 0));
            text.push_str(&format!("{number:0width$}"));
        }
        Version::spelled(numbers, &text)
    }

    /// Reads what is written so, patches of it included.
    pub(super) fn read(&self, text: &str) -> Option<Version> {
        let mut numbers = Vec::new();
        let mut rest = text;
        loop {
            let run = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
            let spells = match self.0.get(numbers.len()) {
                Some(component) => component.spells(run),
                None => run == "0" || !run.starts_with('0'),
            };
            numbers.push(digits(run).filter(|_| spells)?);
            rest = &rest[run.len()..];
            if rest.is_empty() {
                break;
            }
            let before = self.0.get(numbers.len()).map_or(Some('.'), |component| component.before);
            rest = rest.strip_prefix(before?)?;
        }
        (numbers.len() >= self.len()).then(|| Version::spelled(numbers, text))
    }

    /// Whether a version's numbers can be those of a day.
    pub(super) fn fits(&self, version: &Version) -> bool {
        version.numbers().len() >= self.len()
            && self.0.iter().zip(version.numbers()).all(|(component, number)| component.fits(*number))
    }

    fn units(&self) -> impl Iterator<Item = CalverUnit> {
        self.0.iter().flat_map(|component| &component.parts).map(|part| part.unit)
    }

    /// Why later days would not make later versions.
    fn fault(&self) -> Option<&'static str> {
        let units: Vec<CalverUnit> = self.units().collect();
        let has = |unit: CalverUnit| units.contains(&unit);
        if !units.first().is_some_and(|unit| matches!(unit, CalverUnit::Year | CalverUnit::ShortYear)) {
            return Some("it has to begin with a year");
        }
        if !units.is_sorted_by(|a, b| a < b) || has(CalverUnit::Year) && has(CalverUnit::ShortYear) {
            return Some("each part has to be smaller than the one before it");
        }
        if has(CalverUnit::Week) && (has(CalverUnit::Month) || has(CalverUnit::Day)) {
            return Some("a week goes with neither a month nor a day");
        }
        if has(CalverUnit::Day) && !has(CalverUnit::Month) {
            return Some("a day needs its month");
        }
        let runs_on = |component: &CalverNumber| component.parts[1..].iter().any(|part| !part.is_fixed());
        if self.0.iter().any(runs_on) {
            return Some("what follows another part at once needs its zeros, as in YYYY0M0D");
        }
        None
    }
}

impl FromStr for CalverFormat {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |why: &str| {
            BadName(format!("{text:?} is no calver format: {why}; write for example \"YYYY.0M.0D\""))
        };
        let mut components: Vec<CalverNumber> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let before = rest.chars().next().filter(|c| matches!(c, '.' | '-' | '_'));
            rest = before.map_or(rest, |c| &rest[c.len_utf8()..]);
            let part = PARTS.iter().find(|part| rest.starts_with(part.name)).ok_or_else(|| {
                bad("its parts are YYYY YY 0Y MM 0M WW 0W DD 0D MICRO N, with . - or _ between them")
            })?;
            rest = &rest[part.name.len()..];
            match components.last_mut().filter(|_| before.is_none()) {
                Some(last) => last.parts.push(*part),
                None => components.push(CalverNumber { before, parts: vec![*part] }),
            }
        }
        if components.first().is_none_or(|first| first.before.is_some()) {
            return Err(bad("it has to begin with a year"));
        }
        let format = CalverFormat(components);
        match format.fault() {
            Some(why) => Err(bad(why)),
            None => Ok(format),
        }
    }
}

impl fmt::Display for CalverFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for component in &self.0 {
            write!(f, "{}", component.before.map_or_else(String::new, String::from))?;
            component.parts.iter().try_for_each(|part| f.write_str(part.name))?;
        }
        Ok(())
    }
}

impl Serialize for CalverFormat {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
