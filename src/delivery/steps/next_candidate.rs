//! What would happen if somebody deployed now: which candidate is next in an
//! environment, what refuses it, and when that opens. For who only looks.

use chrono::{DateTime, Utc};

use crate::delivery::error::Result;
use crate::delivery::read::gate_input::Gatherer;
use crate::delivery::read::signoffs::Brought;
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::gate::rules;
use crate::domain::gate::verdict::Verdict;
use crate::domain::plan;

/// The default candidate, unless it is live.
///
/// # Errors
/// There is no such environment.
pub fn coming<'a>(gatherer: &Gatherer<'a>, environment: &'a Environment) -> Result<Option<&'a Minted>> {
    let state = &gatherer.snapshot.chain(&environment.name)?.state;
    let input = gatherer.input(environment, state)?;
    let chosen = plan::choose(&input, &gatherer.snapshot.pool, &Default::default());
    Ok(chosen.filter(|c| state.current().is_none_or(|live| live.tag != c.tag)))
}

/// The verdicts that refuse a candidate.
///
/// # Errors
/// There is no such environment; git failed.
pub fn refusals<'a>(
    gatherer: &Gatherer<'a>,
    environment: &'a Environment,
    candidate: &'a Minted,
) -> Result<Vec<Verdict>> {
    let view = gatherer.snapshot.chain(&environment.name)?;
    let input = gatherer.input(environment, &view.state)?;
    let input = gatherer.bringing(input, view, Brought::candidate(candidate))?;
    Ok(rules::judge(&input).into_iter().filter(Verdict::refuses).collect())
}

/// When the last of these refusing gates opens by itself: `now` where none
/// refuses, `None` where one of them waits for more than time.
pub fn ready_at(gates: &[Verdict], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    gates.iter().try_fold(now, |latest, verdict| verdict.opens_at().map(|at| latest.max(at)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::gate::verdict::{GateFacts, ShortSoak};

    #[test]
    fn ready_when_the_last_timed_gate_opens_unless_a_person_is_needed() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let refusing = |minutes: Option<i64>| {
            let opens_at = minutes.map(|minutes| now + chrono::Duration::minutes(minutes));
            let short = ShortSoak { environment: "eu".parse().unwrap(), stood: Duration::ZERO, opens_at };
            Verdict::refuse(GateFacts::Soak { wanted: Duration::from_secs(60), short: vec![short] })
        };
        let at = |gates: &[Option<i64>]| {
            let gates: Vec<Verdict> = gates.iter().copied().map(refusing).collect();
            ready_at(&gates, now).map(|at| (at - now).num_minutes())
        };
        assert_eq!(at(&[]), Some(0));
        assert_eq!(at(&[Some(30), Some(5)]), Some(30));
        assert_eq!(at(&[Some(30), None]), None);
    }
}
