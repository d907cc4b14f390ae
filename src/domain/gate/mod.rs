//! Gates: rules that may refuse a deployment.
//!
//! To add one is: its name here, its rule in [`rules`], its facts in
//! [`verdict`], and its words in the user interface. `held` and `busy` are not
//! overridden but taken over.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::BadName;

pub(crate) mod input;
pub(crate) mod rules;
pub(crate) mod verdict;

/// A gate's name, as refusals, overrides and records spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It must have succeeded upstream, and not been rolled back there.
    Order,
    /// It must have stood upstream long enough.
    Soak,
    /// Other people must have approved it.
    Approvals,
    /// Every commit's author must have signed off.
    Signoff,
    /// No freeze may hold.
    Freeze,
    /// Not by everybody.
    Deployers,
    /// A person blocked it.
    Blocked,
    /// A rollback here undid it.
    RolledBack,
    /// A live fix is not in it.
    LostFix,
    /// It would leave a point of no return.
    Irreversible,
    /// It is older than what is live.
    Downgrade,
    /// A `before_` hook said no.
    Hook,
    /// The environment is kept closed.
    Held,
    /// A deployment is in flight.
    Busy,
}

impl Gate {
    /// Every gate, in the order reasons are given.
    pub const ALL: [Gate; 14] = [
        Gate::Order,
        Gate::Soak,
        Gate::Approvals,
        Gate::Signoff,
        Gate::Freeze,
        Gate::Deployers,
        Gate::Blocked,
        Gate::RolledBack,
        Gate::LostFix,
        Gate::Irreversible,
        Gate::Downgrade,
        Gate::Hook,
        Gate::Held,
        Gate::Busy,
    ];

    /// The gate's name, as the command line and records have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::Order => "order",
            Gate::Soak => "soak",
            Gate::Approvals => "approvals",
            Gate::Signoff => "signoff",
            Gate::Freeze => "freeze",
            Gate::Deployers => "deployers",
            Gate::Blocked => "blocked",
            Gate::RolledBack => "rolled-back",
            Gate::LostFix => "lost-fix",
            Gate::Irreversible => "irreversible",
            Gate::Downgrade => "downgrade",
            Gate::Hook => "hook",
            Gate::Held => "held",
            Gate::Busy => "busy",
        }
    }

    /// Whether `--override` can pass it; `held` and `busy` need `--take-over`.
    pub const fn can_be_overridden(self) -> bool {
        !matches!(self, Gate::Held | Gate::Busy)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Gate {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Gate, BadName> {
        Gate::ALL.into_iter().find(|gate| gate.as_str() == text).ok_or_else(|| {
            BadName(format!("{text:?} is not a gate; there are {}", Gate::ALL.map(Gate::as_str).join(", ")))
        })
    }
}
