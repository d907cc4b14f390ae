//! `rel status`: what is live where, and what comes next.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::cli;
use crate::delivery::context::Context;
use crate::delivery::scope::Scope;
use crate::delivery::snapshot::Snapshot;
use crate::delivery::{artifacts, evidence, report, settle};
use crate::domain::candidates::Minted;
use crate::domain::config::Environment;
use crate::domain::env::{EnvState, HoldCause, Live};
use crate::domain::gate::{self, Verdict};
use crate::domain::name::{Actor, Oid, TagName};
use crate::domain::plan::{self, Setting, Stamp};
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::Result;
use crate::ui::json as documents;
use crate::ui::status::{self, Back, InFlight, Next, Place, Status, Trunk};

/// Runs the verb.
///
/// # Errors
/// There is no such environment; the authority cannot be reached.
pub fn run(ctx: &Context<'_>, args: &cli::Status) -> Result<Map<String, Value>> {
    let snapshot = evidence::look(ctx, "status")?;
    let look = Look::new(ctx, &snapshot)?;
    let places = match &args.environment {
        Some(name) => vec![look.place(snapshot.environment(name)?, true)?],
        None => {
            let environments = snapshot.policy.config.environments.iter();
            environments.map(|environment| look.place(environment, false)).collect::<Result<_>>()?
        }
    };
    let status = look.status(places)?;
    ctx.screen.result(&match status.environments.first() {
        Some(place) if args.environment.is_some() => status::detail(ctx.screen, &status, place),
        _ => status::overview(ctx.screen, &status),
    });
    let mut document = documents::status(&status);
    report::policy(ctx, &snapshot, &mut document);
    Ok(document)
}

/// What every environment is looked at with.
struct Look<'a> {
    ctx: &'a Context<'a>,
    snapshot: &'a Snapshot,
    scope: Scope,
    newest: Option<&'a Minted>,
    actor: Actor,
    on_behalf_of: Option<Actor>,
    now: DateTime<Utc>,
}

impl<'a> Look<'a> {
    fn new(ctx: &'a Context<'a>, snapshot: &'a Snapshot) -> Result<Look<'a>> {
        Ok(Look {
            ctx,
            snapshot,
            scope: Scope::new(&snapshot.policy.config.project.paths)?,
            newest: snapshot.pool.iter().max_by(|a, b| a.order().cmp(&b.order())),
            // Gates judge as if whoever looks would deploy; looking needs no identity, though.
            actor: ctx.actor().unwrap_or_else(|_| Actor::new("", "")),
            on_behalf_of: ctx.world.on_behalf_of(),
            now: ctx.world.now(),
        })
    }

    fn status(&self, environments: Vec<Place>) -> Result<Status> {
        let (ctx, snapshot) = (self.ctx, self.snapshot);
        let pending = match self.newest {
            Some(newest) => self.count(newest.trunk_commit, snapshot.trunk)?,
            None => None,
        };
        Ok(Status {
            project: ctx.project().clone(),
            trunk: Trunk { branch: ctx.home.trunk.clone(), commit: snapshot.trunk, pending },
            authority: ctx.authority().to_string(),
            offline: ctx.options.offline && !ctx.is_local(),
            as_of: snapshot.as_of,
            now: self.now,
            environments,
        })
    }

    fn place(&self, environment: &Environment, in_depth: bool) -> Result<Place> {
        let (ctx, snapshot) = (self.ctx, self.snapshot);
        let view = snapshot.chain(&environment.name)?;
        let state = &view.state;
        let current = state.current();
        let on_behalf_of = match current {
            Some(live) if !ctx.screen.is_json() => {
                evidence::deployment(&ctx.repo, view, &live.deployment)?.and_then(|d| d.on_behalf_of)
            }
            _ => None,
        };
        let in_flight = match &state.in_flight {
            Some(intent) => Some(InFlight {
                alive_here: settle::live_here(ctx, &intent.deployment.id)?,
                deployment: intent.deployment.clone(),
            }),
            None => None,
        };
        let pending = match current {
            Some(live) => self.count(live.commit, snapshot.trunk)?,
            None => None,
        };
        let lost = |tag: &TagName| self.lost(tag);
        Ok(Place {
            name: environment.name.clone(),
            current: current.cloned(),
            certain: state.certain,
            on_behalf_of,
            newest: self.newest.is_some_and(|newest| current.is_some_and(|live| live.tag == newest.tag)),
            previous: rollback::previous(state, &snapshot.candidates.state, &lost).0.cloned(),
            in_flight,
            hold: state.hold.clone(),
            unresolved: state.unresolved.clone(),
            last: state.last.clone(),
            pending,
            next: self.next(environment, state)?,
            back: if in_depth { self.back(environment, state) } else { None },
        })
    }

    fn setting<'s>(
        &'s self,
        environment: &'s Environment,
        state: &'s EnvState,
        upstream: &'s [(crate::domain::name::EnvName, EnvState)],
    ) -> Setting<'s> {
        Setting {
            environment,
            state,
            upstream,
            candidates: &self.snapshot.candidates.state,
            pool: &self.snapshot.pool,
            actor: &self.actor,
            on_behalf_of: self.on_behalf_of.as_ref(),
            now: self.now,
        }
    }

    /// The default candidate, where it is not live, and what refuses it.
    fn next(&self, environment: &Environment, state: &EnvState) -> Result<Option<Next>> {
        let upstream = self.snapshot.upstream(environment);
        let setting = self.setting(environment, state, &upstream);
        let current = state.current();
        let chosen = setting.choose(&Default::default());
        let Some(candidate) = chosen.filter(|c| current.is_none_or(|live| live.tag != c.tag)) else {
            return Ok(None);
        };
        let mut gates = gate::judge(&setting.case(candidate));
        gates.retain(|verdict| !verdict.passed);
        Ok(Some(Next {
            tag: candidate.tag.clone(),
            commits: self.brings(current, candidate)?,
            ready_at: ready_at(&gates, self.now),
            gates,
        }))
    }

    /// How many commits a candidate brings; where nothing is live, how many it
    /// builds on, which is recorded: nobody waits for a walk to the first commit.
    fn brings(&self, live: Option<&Live>, candidate: &Minted) -> Result<usize> {
        if let Some(live) = live {
            return Ok(self.count(live.commit, candidate.commit)?.unwrap_or_default());
        }
        let picks = self.count(candidate.trunk_commit, candidate.commit)?.unwrap_or_default();
        Ok(usize::try_from(candidate.position).unwrap_or(usize::MAX).saturating_add(picks))
    }

    /// Where a rollback would go, once what is in its way is taken over.
    fn back(&self, environment: &Environment, state: &EnvState) -> Option<Back> {
        let held = state.hold.as_ref().filter(|hold| hold.cause == HoldCause::Person);
        let token = match &state.in_flight {
            Some(intent) => Some(intent.deployment.seq),
            None => held.map(|hold| hold.token),
        };
        let stamp = Stamp { actor: &self.actor, at: self.now, nonce: &Context::nonce };
        let open = match token {
            Some(token) => plan::close(&environment.name, state, token, true, "", &stamp).ok()?.1,
            None => state.clone(),
        };
        let find = |tag: &TagName| self.snapshot.minted(tag).cloned();
        let lost = |tag: &TagName| self.lost(tag);
        let knowledge = Knowledge { find: &find, lost: &lost };
        let request = rollback::Request { take_over: token, ..rollback::Request::default() };
        match rollback::decide(&self.setting(environment, &open, &[]), &request, &knowledge, state) {
            Decision::Go(plan) => Some(Back::To {
                tag: plan.candidate().tag.clone(),
                why: plan.why().to_owned(),
                skipped: plan.skipped().to_vec(),
                token,
            }),
            Decision::AskFurther { current, target } => Some(Back::Further { tag: target, current }),
            Decision::NoTarget { why, skipped } => Some(Back::Nowhere { why, skipped }),
            Decision::Nothing(why) => Some(Back::Nowhere { why, skipped: Vec::new() }),
            Decision::Refused(verdicts) => Some(Back::Nowhere {
                why: verdicts.iter().map(|v| v.text.as_str()).collect::<Vec<_>>().join("; "),
                skipped: Vec::new(),
            }),
        }
    }

    /// Why a candidate cannot be deployed any more, as a rollback judges it.
    fn lost(&self, tag: &TagName) -> Option<String> {
        let record = self.snapshot.record(self.ctx, self.snapshot.minted(tag)?).ok()?;
        artifacts::lost(self.ctx, &record)
    }

    /// How many commits of this project lie between two; none where one of
    /// them is not in this clone.
    fn count(&self, exclude: Oid, include: Oid) -> Result<Option<usize>> {
        let own = evidence::own_commits(self.ctx, &self.scope, &[exclude], include)?;
        Ok(own.map(|own| own.len()))
    }
}

/// When the last of these refusing gates opens by itself: `now` where none
/// refuses, none where one of them waits for more than time.
fn ready_at(gates: &[Verdict], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    gates.iter().try_fold(now, |latest, verdict| verdict.opens_at.map(|at| latest.max(at)))
}
