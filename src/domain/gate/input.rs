//! What the gates, and the way back, are judged from.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::domain::candidates::{CandidatesState, Minted};
use crate::domain::config::Environment;
use crate::domain::env::EnvState;
use crate::domain::left_behind::LeftBehind;
use crate::domain::mailmap::Mailmap;
use crate::domain::name::{Actor, EnvName};
use crate::domain::signature::Signature;
use crate::domain::signoff::Signoffs;

/// Inputs to the gates for one environment.
#[derive(Debug, Clone)]
pub(crate) struct GateInput<'a> {
    /// The environment's policy.
    pub(crate) environment: &'a Environment,
    /// The environment's state as it was read; a claim holds only while it is so.
    pub(crate) shown: &'a EnvState,
    /// The state after the hold or intent that is taken over is closed.
    pub(crate) state: Cow<'a, EnvState>,
    /// The states of the environments of `after`, in the policy's order.
    pub(crate) upstream: Vec<(EnvName, Cow<'a, EnvState>)>,
    pub(crate) candidates: &'a CandidatesState,
    /// Who would deploy.
    pub(crate) actor: Actor,
    /// In CI, who started the run.
    pub(crate) on_behalf_of: Option<Actor>,
    /// Who is who by trunk's `.mailmap`; read only where approvals are asked for.
    pub(crate) people: Rc<Mailmap>,
    pub(crate) now: DateTime<Utc>,
    /// The candidate; `None` for a commit that is none, or not yet.
    pub(crate) candidate: Option<&'a Minted>,
    /// Whether the signatures hold under the candidate's approvals. Read only
    /// where the policy asks for signatures; a signature not listed does not hold.
    pub(crate) signatures: Vec<Signature>,
    /// The sign-offs of the commits that are brought. Read only where the
    /// policy asks for them; `None` refuses then.
    pub(crate) signoffs: Option<Signoffs>,
    /// What the commit leaves behind; `None` is not judged.
    pub(crate) left_behind: Option<LeftBehind>,
    /// When a candidate was made. Asked only where it has to soak.
    pub(crate) made: MadeAt<'a>,
}

/// Tells when a candidate was made; `None` if its tag cannot be read.
#[derive(Clone)]
pub(crate) struct MadeAt<'a>(pub(crate) Rc<Making<'a>>);

type Making<'a> = dyn Fn(&Minted) -> Option<DateTime<Utc>> + 'a;

impl fmt::Debug for MadeAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MadeAt")
    }
}

impl<'a> GateInput<'a> {
    /// Who deploys, and who asked for it.
    pub(crate) fn deployers(&self) -> Vec<&Actor> {
        [&self.actor].into_iter().chain(&self.on_behalf_of).collect()
    }

    /// The input for another candidate.
    pub(crate) fn about<'b>(&self, candidate: &'b Minted) -> GateInput<'b>
    where
        'a: 'b,
    {
        GateInput { candidate: Some(candidate), ..self.clone() }
    }
}
