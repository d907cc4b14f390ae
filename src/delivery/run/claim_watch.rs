//! Whether a claim is still this run's: looked at before its further commands.
//!
//! A look costs one round trip, and more only where the chain has moved. A quick single command costs
//! none. Where the authority cannot be asked, the run goes on, and says so.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::delivery::error::Result;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot;
use crate::delivery::run::claim::Claim;
use crate::delivery::run::outcome::{has_it, who_closed};
use crate::delivery::sink::{Notice, Sink};
use crate::domain::env::EnvState;
use crate::domain::name::DeploymentId;
use crate::exec;
use crate::store::ledger::{self, View};

/// How long a claim counts as seen.
const FRESH: Duration = Duration::from_secs(15);

/// A claim of this process, as its chain was last seen.
pub struct ClaimWatch<'a> {
    reader: &'a Reader<'a>,
    sink: &'a dyn Sink,
    id: DeploymentId,
    view: RefCell<View<EnvState>>,
    seen: Cell<Duration>,
}

impl<'a> ClaimWatch<'a> {
    /// Has just seen this claim: it was made.
    pub fn of(reader: &'a Reader<'a>, sink: &'a dyn Sink, claim: &Claim) -> ClaimWatch<'a> {
        let (id, view) = (claim.intent.deployment.id.clone(), RefCell::new(claim.view.clone()));
        ClaimWatch { reader, sink, id, view, seen: Cell::new(exec::since_boot()) }
    }

    /// Who took over from the run, if anybody did. Looks if this is a further phase or attempt, or if the
    /// claim was not seen for a while, as after a long command or a sleep.
    pub fn taken_over_by(&self, is_further: bool) -> Option<String> {
        if !is_further && exec::since_boot().saturating_sub(self.seen.get()) < FRESH {
            return None;
        }
        let looked = self.look();
        self.seen.set(exec::since_boot());
        looked.unwrap_or_else(|why| {
            self.sink.notice(Notice::ClaimUnseen { id: &self.id, why });
            None
        })
    }

    fn look(&self) -> Result<Option<String>> {
        let mut view = self.view.borrow_mut();
        let tips = self.reader.authority().tips(&self.reader.repo, &[view.ref_name.as_ref()])?;
        if tips.first().copied().flatten() == view.tip {
            return Ok(None);
        }
        snapshot::fetch_chains(self.reader, self.sink)?;
        *view = ledger::read(&self.reader.repo, &view.ref_name, &[])?;
        if has_it(&view.state, self.id.seq) {
            return Ok(None);
        }
        Ok(Some(who_closed(self.reader, &view, &self.id).unwrap_or("somebody".to_owned())))
    }
}
