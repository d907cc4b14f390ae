//! A gates' refusal: every reason, the commands that help with each, and
//! whether waiting alone will do.

use chrono::Local;

use crate::domain::gate::Gate;
use crate::domain::gate::verdict::{Attempt, Refusal, Verdict};
use crate::failure::{Failure, Kind};
use crate::ui::gate;

impl From<Refusal> for Failure {
    fn from(Refusal { environment, attempt, verdicts }: Refusal) -> Failure {
        let all = |gates: &[Gate]| verdicts.iter().all(|verdict| gates.contains(&verdict.gate()));
        let kind = if all(&[Gate::Held]) {
            Kind::Held
        } else if all(&[Gate::Held, Gate::Busy]) {
            Kind::Busy
        } else {
            Kind::Refused
        };
        let what = match &attempt {
            Attempt::Deploy(tag) | Attempt::RollBack(Some(tag)) | Attempt::Record { tag, .. } => tag.label(),
            Attempt::Ship | Attempt::RollBack(None) => "this",
        };
        let gates =
            if verdicts.len() == 1 { "1 gate".to_owned() } else { format!("{} gates", verdicts.len()) };
        let mut failure =
            Failure::new(kind, format!("{environment} refuses {what} ({gates}); nothing changed"));
        for verdict in &verdicts {
            let mut lines = vec![gate::reason(verdict, &attempt)];
            lines.extend(gate::here(verdict, &Local));
            lines.extend(gate::fixes(verdict, &attempt));
            failure = failure.reason(verdict.gate().as_str(), lines.join("\n"));
        }
        failure.hints.extend(way_on(&attempt, &verdicts));
        match attempt {
            Attempt::Ship => failure.hint("nothing was built"),
            _ => failure,
        }
    }
}

/// Whether waiting helps, and what does otherwise.
fn way_on(attempt: &Attempt, verdicts: &[Verdict]) -> Option<String> {
    let overridable: Vec<String> = verdicts
        .iter()
        .map(Verdict::gate)
        .filter(|gate| gate.can_be_overridden())
        .map(|gate| format!("--override {gate}"))
        .collect();
    match attempt {
        // Whether waiting helps is not for the clock to say: somebody else is at work.
        Attempt::Record { .. } if overridable.is_empty() => None,
        Attempt::Record { succeeded: true, .. } => Some(format!(
            "If it is there all the same, say what it went past: {} --reason WHY",
            overridable.join(" ")
        )),
        _ if verdicts.iter().all(|v| v.opens_at().is_some() || v.gate() == Gate::Busy) => {
            Some("Waiting alone will do.".to_owned())
        }
        // A rollback has no --override: what helps stands with each reason.
        Attempt::RollBack(_) => Some("Waiting alone will not do.".to_owned()),
        _ if overridable.is_empty() => None,
        _ => {
            Some("Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY".to_owned())
        }
    }
}
