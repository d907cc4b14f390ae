//! A plan that can be claimed, and what its record says beside it.

use std::collections::BTreeMap;

use crate::delivery::run::prepare::Prepared;
use crate::domain::env::Trigger;
use crate::domain::gate::input::GateInput;
use crate::domain::name::{Actor, Oid};
use crate::domain::plan::Plan;
/// What a deployment's record says beside its plan.
#[derive(Debug, Clone)]
pub struct Details {
    /// Who runs it.
    pub actor: Actor,
    /// In CI: whoever started the run.
    pub on_behalf_of: Option<Actor>,
    /// What set it off.
    pub trigger: Trigger,
    /// Why.
    pub reason: Option<String>,
    /// The commit whose commands run.
    pub commands_commit: Option<Oid>,
    /// What they are given, but for secrets.
    pub params: BTreeMap<String, String>,
}

impl Details {
    /// The details of what the gates were asked of.
    pub fn of(input: &GateInput<'_>, trigger: Trigger, reason: Option<String>) -> Details {
        Details {
            actor: input.actor.clone(),
            on_behalf_of: input.on_behalf_of.clone(),
            trigger,
            reason,
            commands_commit: None,
            params: BTreeMap::new(),
        }
    }

    /// The same with what was prepared, and nothing secret in it.
    #[must_use]
    pub fn with(self, prepared: &Prepared) -> Details {
        let redactor = prepared.params.redactor();
        Details {
            commands_commit: prepared.commands_commit,
            params: prepared
                .params
                .open
                .iter()
                .map(|(name, value)| (name.clone(), redactor.text(value).into_owned()))
                .collect(),
            reason: self.reason.map(|reason| redactor.text(&reason).into_owned()),
            ..self
        }
    }
}

/// A plan that passed the gates, with what it needs to be claimed and run.
#[derive(Debug)]
pub struct Ready {
    /// The plan.
    pub plan: Box<Plan>,
    /// The commands, the checkout and the parameters.
    pub prepared: Prepared,
    /// What the record says beside the plan.
    pub details: Details,
}
