//! From a wish to a receipt: plan, show, ask, claim, run; planned again where
//! things moved in between.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::delivery::read::context::Context;
use crate::delivery::read::left_behind::Crossings;
use crate::delivery::read::signatures;
use crate::delivery::read::signoffs::{self, Brought};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::claim::Details;
use crate::delivery::run::hooks::{self, Queued};
use crate::delivery::run::output;
use crate::delivery::run::premises::{Premises, TakeOver};
use crate::delivery::run::prepare::prepare;
use crate::delivery::steps::delivered::{Delivered, absorb, planned, refusal, run, warn, words};
use crate::domain::candidates::Minted;
use crate::domain::env::Trigger;
use crate::domain::gate::{self, Gate, Verdict};
use crate::domain::name::{EnvName, TagName};
use crate::domain::plan::{self, Plan, Planned, Request, Setting};
use crate::failure::{Failure, Kind, Result};
use crate::ui::time;

/// How often a deployment is planned anew because things moved.
const TRIES: usize = 20;

/// A deployment wished for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where.
    pub environment: EnvName,
    /// What; chosen by the rules by default.
    pub candidate: Option<String>,
    /// Run it although it is live.
    pub redeploy: bool,
    /// Why.
    pub reason: Option<String>,
    /// Gates passed by name.
    pub overrides: BTreeSet<Gate>,
    /// Close this hold or intent on the way.
    pub take_over: Option<u64>,
    /// Wait for a deployment in flight.
    pub wait: Option<Duration>,
    /// Whose commands run.
    pub commands_from: Option<String>,
    /// Values of parameters, given by name.
    pub params: Vec<(String, String)>,
    /// What set it off.
    pub trigger: Trigger,
    /// Whether somebody has said yes to it as part of something larger.
    pub confirmed: bool,
}

impl Wish {
    /// The command line that deploys `tag` like this without a question.
    fn unasked(&self, tag: &TagName) -> String {
        let mut words =
            vec!["rel".to_owned(), "deploy".to_owned(), self.environment.to_string(), tag.to_string()];
        words.extend(self.redeploy.then(|| "--redeploy".to_owned()));
        for gate in &self.overrides {
            words.extend(["--override".to_owned(), gate.to_string()]);
        }
        for (flag, value) in [
            ("--take-over", self.take_over.map(|token| token.to_string())),
            ("--commands-from", self.commands_from.clone()),
            ("--reason", self.reason.clone()),
        ] {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        for (name, value) in &self.params {
            words.extend(["--param".to_owned(), format!("{name}={value}")]);
        }
        words.push("--yes".to_owned());
        shell_words::join(words)
    }

    /// The plain deployment of `candidate`, or of what the rules choose.
    pub fn plain(environment: EnvName, candidate: Option<String>, trigger: Trigger) -> Wish {
        Wish {
            environment,
            candidate,
            redeploy: false,
            reason: None,
            overrides: BTreeSet::new(),
            take_over: None,
            wait: None,
            commands_from: None,
            params: Vec::new(),
            trigger,
            confirmed: false,
        }
    }
}

/// Deploys.
///
/// # Errors
/// A gate refuses; nobody confirms; the race is lost; a byte is wrong. What
/// happened after the claim is in the receipt.
pub fn deploy(ctx: &Context<'_>, snapshot: &mut Snapshot, wish: &Wish) -> Result<Delivered> {
    refuse_blanket(&wish.overrides)?;
    let ground = offline::stand(ctx, snapshot, &wish.environment)?;
    // Nothing changes by itself in what nobody asks for.
    let waiting = wish.wait.filter(|_| ground.is_none()).map(|limit| (Instant::now(), limit));
    let mut confirmed: Option<(Option<TagName>, TagName)> = None;
    let mut hook = None;
    for _ in 0..TRIES {
        let (plan, stamped) = loop {
            match plan_deployment(ctx, snapshot, wish)? {
                Considered::Nothing(why) => return Ok(Delivered::Nothing(why)),
                Considered::Go(plan, details) => break (plan, details),
                Considered::Refused(candidate, verdicts) => {
                    let only_busy = verdicts.iter().all(|v| v.gate == Gate::Busy);
                    match waiting {
                        Some((since, limit)) if only_busy && since.elapsed() < limit => {
                            wait_a_little(ctx, &verdicts, limit.saturating_sub(since.elapsed()))?;
                            *snapshot = Snapshot::take(ctx)?;
                        }
                        _ => return Err(refusal(&wish.environment, candidate.as_ref(), &verdicts)),
                    }
                }
            }
        };
        let prepared = prepare(ctx, snapshot, &plan, wish.commands_from.as_deref(), &wish.params)?;
        let details = stamped.with(&prepared);
        if ctx.options.dry_run {
            return planned(ctx, snapshot, &plan, &prepared, &details);
        }
        let what = (plan.from().map(|live| live.tag.clone()), plan.candidate().tag.clone());
        if confirmed.as_ref() != Some(&what) {
            if wish.trigger == Trigger::Person {
                ctx.screen.note(&words(ctx, snapshot, &plan, &prepared)?);
                confirm_deployment(ctx, snapshot, &plan, wish)?;
            } else {
                warn(ctx, plan.allowed().gates());
            }
            hook = hooks::before_deploy(ctx, snapshot, &Queued::of(&plan, wish.reason.as_deref()))?;
            confirmed = Some(what);
        }
        let plan = match hook.clone() {
            Some(verdict) => {
                let tag = plan.candidate().tag.clone();
                plan.heard(verdict, &wish.overrides)
                    .map_err(|verdicts| refusal(&wish.environment, Some(&tag), &verdicts))?
            }
            None => *plan,
        };
        if let Some(receipt) = run(ctx, snapshot, ground.as_ref(), &plan, &prepared, &details)? {
            absorb(ctx, snapshot, &receipt);
            hooks::after(ctx, snapshot, &receipt);
            output::publish(ctx, &snapshot.policy, &receipt);
            return Ok(Delivered::Ran(Box::new(receipt)));
        }
        ctx.screen.note(&format!("{} or the candidates moved meanwhile; planning again", wish.environment));
        *snapshot = Snapshot::take(ctx)?;
    }
    Err(Failure::new(Kind::Moved, format!("{} moved {TRIES} times; nothing ran", wish.environment))
        .hint("try again"))
}

/// Asks, unless a larger yes covers it: a name that has to be typed it does
/// not cover.
fn confirm_deployment(ctx: &Context<'_>, snapshot: &Snapshot, plan: &Plan, wish: &Wish) -> Result<()> {
    let name = plan.environment();
    let typed = snapshot.environment(name)?.confirm == crate::domain::config::Confirm::Name;
    let asks = ctx.can_ask() && !ctx.options.yes;
    if typed && asks {
        match ctx.asker.type_name(&format!("Type {name} to deploy to it"), name.as_str())? {
            Some(true) => {}
            Some(false) => return Err(Failure::new(Kind::Refused, "not confirmed; nothing changed")),
            None => return Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
        }
    } else if wish.confirmed {
        return Ok(());
    } else {
        ctx.confirm(&format!("Deploy to {name}?"), &format!("deploying to {name}"))?;
    }
    if asks && !wish.confirmed {
        ctx.screen.note(&format!("unasked: {}", wish.unasked(&plan.candidate().tag)));
    }
    Ok(())
}

/// Refuses `--override` of what is not overridden but taken over.
///
/// # Errors
/// It names `held` or `busy` (exit 2).
pub fn refuse_blanket(overrides: &BTreeSet<Gate>) -> Result<()> {
    match overrides.iter().find(|gate| !gate.can_be_overridden()) {
        Some(gate) => Err(Failure::new(Kind::Usage, format!("{gate} is not overridden but taken over"))
            .hint("--take-over N --reason WHY, with N from: rel status ENV")),
        None => Ok(()),
    }
}

enum Considered {
    Nothing(String),
    Go(Box<Plan>, Details),
    Refused(Option<TagName>, Vec<Verdict>),
}

fn plan_deployment(ctx: &Context<'_>, snapshot: &Snapshot, wish: &Wish) -> Result<Considered> {
    let take_over = TakeOver { token: wish.take_over, reason: wish.reason.as_deref(), rollback: false };
    let premises = Premises::find(ctx, snapshot, &wish.environment, take_over)?;
    let setting = premises.setting();
    let candidate: &Minted = match &wish.candidate {
        Some(text) => snapshot.candidate(ctx, text)?,
        None => setting.choose(&wish.overrides).ok_or_else(|| no_candidate(snapshot, &wish.environment))?,
    };
    let request =
        Request { overrides: wish.overrides.clone(), redeploy: wish.redeploy, take_over: wish.take_over };
    let crossing = Crossings::new(ctx, snapshot).to_candidate(setting.state, candidate)?;
    let view = snapshot.chain(&wish.environment)?;
    let signatures =
        signatures::of(ctx, snapshot, premises.environment, view, candidate, &premises.deployers())?;
    let signoffs =
        signoffs::of(ctx, snapshot, premises.environment, &premises.state, Brought::candidate(candidate))?;
    let setting = Setting { signatures: &signatures, signoffs: signoffs.as_ref(), ..setting };
    Ok(match plan::deploy(&setting, candidate, &crossing, &request, premises.shown) {
        Planned::Nothing(live) => Considered::Nothing(format!(
            "{} runs {} already ({}, {})",
            wish.environment,
            live.tag.label(),
            live.deployment,
            time::span(time::between(live.since, premises.now))
        )),
        Planned::Refused(verdicts) => Considered::Refused(Some(candidate.tag.clone()), verdicts),
        Planned::Go(plan) => Considered::Go(plan, premises.details(wish.trigger, wish.reason.clone())),
    })
}

fn no_candidate(snapshot: &Snapshot, environment: &EnvName) -> Failure {
    let failure = Failure::new(Kind::NotFound, format!("there is no candidate to deploy to {environment}"));
    if snapshot.pool.is_empty() {
        failure.hint("make one: rel cut")
    } else {
        failure.hint("all of them are blocked or were rolled back there: rel list")
    }
}

/// What keeps an environment closed whatever the candidate.
///
/// # Errors
/// There is no environment of that name.
pub fn closed(snapshot: &Snapshot, name: &EnvName) -> Result<Vec<Verdict>> {
    let environment = snapshot.environment(name)?;
    let state = &snapshot.chain(name)?.state;
    Ok(gate::closed(environment, state))
}

fn wait_a_little(ctx: &Context<'_>, verdicts: &[Verdict], left: Duration) -> Result<()> {
    if let Some(verdict) = verdicts.first() {
        ctx.screen.note(&format!("waiting: {}", verdict.text));
    }
    // Spread by the nonce, so that clients that wait for one deployment do not ask in step.
    let jitter = u64::from(Context::nonce().bytes().next().unwrap_or_default()) * 4;
    let pause = Duration::from_millis(1000 + jitter).min(left);
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if ctx.interrupts.interrupted() {
            return Err(Failure::new(Kind::Interrupted, "interrupted while waiting; nothing changed"));
        }
        std::thread::sleep(Duration::from_millis(50).min(left));
    }
    Ok(())
}
