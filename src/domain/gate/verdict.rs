//! What a gate says, as facts; the user interface has the words.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Gate;
use crate::domain::candidates::Block;
use crate::domain::env::{Deployment, Hold};
use crate::domain::freeze::Frozen;
use crate::domain::left_behind::{Lost, PointOfNoReturn};
use crate::domain::name::{Actor, EnvName, Oid, TagName};
use crate::domain::signoff::Signoffs;

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) ruling: Ruling,
    pub(crate) facts: GateFacts,
}

/// Whether a gate lets a deployment pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    Passes,
    /// It passes only because the policy asks for no more than a warning.
    Warns,
    Refuses,
}

/// What a gate found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GateFacts {
    /// The environments of `after` where the candidate is not.
    Order {
        tag: TagName,
        missing: Vec<(EnvName, Missing)>,
    },
    /// The environments of `after` where the candidate has not stood long enough.
    Soak {
        wanted: Duration,
        short: Vec<ShortSoak>,
    },
    /// Who approved the candidate.
    Approvals(Approvals),
    /// The sign-offs; `None` where they were not read.
    Signoff(Option<Signoffs>),
    /// The freeze that holds.
    Freeze(Option<Frozen>),
    /// Who deploys, and whom the policy lists.
    Deployers(Deployers),
    /// The block on the candidate or its release.
    Blocked(Block),
    /// A rollback in this environment undid the candidate.
    RolledBack {
        tag: TagName,
        environment: EnvName,
    },
    /// The fixes that are lost at this time.
    LostFix {
        lost: Vec<Lost>,
        at: DateTime<Utc>,
    },
    /// The points of no return that are left.
    Irreversible {
        environment: EnvName,
        tag: Option<TagName>,
        left: Vec<PointOfNoReturn>,
    },
    /// What is live is later than the candidate.
    Downgrade {
        environment: EnvName,
        tag: TagName,
        live: TagName,
    },
    /// Why `before_deploy` says no, in its own words.
    Hook(Option<String>),
    Held {
        environment: EnvName,
        hold: Box<Hold>,
    },
    /// The deployment in flight.
    Busy(Box<Deployment>),
}

/// Why a candidate does not count as deployed upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    RolledBack,
    NeverSucceeded,
}

/// How long a candidate stood somewhere, which is not long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortSoak {
    pub(crate) environment: EnvName,
    pub(crate) stood: Duration,
    /// When it has stood long enough; `None` while it does not stand there.
    pub(crate) opens_at: Option<DateTime<Utc>>,
}

/// The approvals of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approvals {
    pub(crate) environment: EnvName,
    pub(crate) tag: TagName,
    pub(crate) wanted: usize,
    pub(crate) counted: Vec<Actor>,
    /// Whose do not count, and the fault of the signature; `None` for those who deploy.
    pub(crate) discounted: Vec<(Actor, Option<String>)>,
    /// Who deploys, and who asked for it: theirs would not count.
    pub(crate) deployers: Vec<Actor>,
    /// The file on trunk that lists the keys, where approvals are signed.
    pub(crate) signers: Option<String>,
}

/// Who deploys, by a policy that lists who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployers {
    pub(crate) environment: EnvName,
    pub(crate) tag: Option<TagName>,
    pub(crate) actor: Actor,
    /// Who asked for it, if the policy lists them.
    pub(crate) asked_by: Option<Actor>,
    pub(crate) listed: Vec<String>,
}

impl Verdict {
    pub(crate) fn pass(facts: GateFacts) -> Verdict {
        Verdict { ruling: Ruling::Passes, facts }
    }

    pub(crate) fn refuse(facts: GateFacts) -> Verdict {
        Verdict { ruling: Ruling::Refuses, facts }
    }

    /// Refuses unless `passes`.
    pub(crate) fn of(passes: bool, facts: GateFacts) -> Verdict {
        if passes { Verdict::pass(facts) } else { Verdict::refuse(facts) }
    }

    pub(crate) fn refuses(&self) -> bool {
        self.ruling == Ruling::Refuses
    }

    /// Whether `--override` of these gates passes it.
    pub(crate) fn is_overridden<'g>(&self, overrides: impl IntoIterator<Item = &'g Gate>) -> bool {
        self.gate().can_be_overridden() && overrides.into_iter().any(|gate| *gate == self.gate())
    }

    pub(crate) fn gate(&self) -> Gate {
        match &self.facts {
            GateFacts::Order { .. } => Gate::Order,
            GateFacts::Soak { .. } => Gate::Soak,
            GateFacts::Approvals(_) => Gate::Approvals,
            GateFacts::Signoff(_) => Gate::Signoff,
            GateFacts::Freeze(_) => Gate::Freeze,
            GateFacts::Deployers(_) => Gate::Deployers,
            GateFacts::Blocked(_) => Gate::Blocked,
            GateFacts::RolledBack { .. } => Gate::RolledBack,
            GateFacts::LostFix { .. } => Gate::LostFix,
            GateFacts::Irreversible { .. } => Gate::Irreversible,
            GateFacts::Downgrade { .. } => Gate::Downgrade,
            GateFacts::Hook(_) => Gate::Hook,
            GateFacts::Held { .. } => Gate::Held,
            GateFacts::Busy(_) => Gate::Busy,
        }
    }

    /// When time alone will satisfy it; `None` if it will not.
    pub(crate) fn opens_at(&self) -> Option<DateTime<Utc>> {
        match &self.facts {
            GateFacts::Soak { short, .. } => {
                let each: Option<Vec<_>> = short.iter().map(|one| one.opens_at).collect();
                each?.into_iter().max()
            }
            GateFacts::Freeze(frozen) => frozen.as_ref()?.until,
            _ => None,
        }
    }
}

/// An attempt at an environment that gates refuse.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) environment: EnvName,
    pub(crate) attempt: Attempt,
    /// The verdicts that refuse.
    pub(crate) verdicts: Vec<Verdict>,
}

/// What somebody attempts: the commands that help depend on it.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    /// To deploy this candidate.
    Deploy(TagName),
    /// To deploy what is not built yet.
    Ship,
    /// To roll back, to this candidate if it was named.
    RollBack(Option<TagName>),
    /// To record that this was deployed by another system.
    Record {
        tag: TagName,
        commit: Oid,
        /// Whether it is said to have succeeded already.
        succeeded: bool,
    },
}
