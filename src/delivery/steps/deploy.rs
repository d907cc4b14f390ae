//! From a wish to a receipt: plan, show, ask, claim, run; planned again where
//! things moved in between.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chrono::Local;

use crate::delivery::candidate::pick::carried;
use crate::delivery::read::context::Context;
use crate::delivery::read::left_behind::Crossings;
use crate::delivery::read::paths::between;
use crate::delivery::read::signatures;
use crate::delivery::read::signoffs::{self, Brought};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::recover::offline;
use crate::delivery::run::artifacts;
use crate::delivery::run::claim::{self, Details};
use crate::delivery::run::deployment::{self, Receipt};
use crate::delivery::run::hooks::{self, Queued};
use crate::delivery::run::output;
use crate::delivery::run::premises::{Premises, TakeOver};
use crate::delivery::run::prepare::{Prepared, prepare};
use crate::domain::candidates::Minted;
use crate::domain::changes::Change;
use crate::domain::env::{Action, Deployment, EnvState, Judged, Live, Trigger};
use crate::domain::gate::{self, Gate, Verdict};
use crate::domain::name::{EnvName, Oid, TagName};
use crate::domain::plan::{self, Plan, Planned, Request, Setting};
use crate::domain::rollback::{self, Decision, Knowledge};
use crate::failure::{Failure, Kind, Result};
use crate::store::history;
use crate::store::ledger;
use crate::ui::plan::{Shown, deploy_plan, rollback_plan};
use crate::ui::text::clean;
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

/// What a wish came to.
#[derive(Debug)]
pub enum Delivered {
    /// There was nothing to do, and why.
    Nothing(String),
    /// A dry run: the deployment as it would be claimed, and the plan in words.
    Planned(Box<Deployment>, String),
    /// It ran.
    Ran(Box<Receipt>),
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

/// Says what gates only warn of, where nobody is shown the plan.
pub fn warn(ctx: &Context<'_>, gates: &[Judged]) {
    for judged in gates.iter().filter(|judged| judged.verdict == "warned") {
        let text: Vec<String> = judged.text.lines().map(clean).collect();
        ctx.screen.warn(&format!("{}: {}", judged.gate, text.join("\n  ")));
    }
}

/// Claims and runs a plan, or runs it without a claim where it stands on no
/// more than what this clone knows. None where things moved before the claim.
fn run(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    ground: Option<&offline::Ground>,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Option<Receipt>> {
    match ground {
        Some(ground) => offline::run(ctx, snapshot, ground, plan, prepared, details).map(Some),
        None => deployment::run(ctx, snapshot, plan, prepared, details),
    }
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

/// The chains in the snapshot after what ran.
fn absorb(ctx: &Context<'_>, snapshot: &mut Snapshot, receipt: &Receipt) {
    // A release's own tag has an entry among the candidates. Where that cannot be read here, the
    // next claim finds out.
    if receipt.released.is_some()
        && let Ok(view) = ledger::read(&ctx.repo, &snapshot.candidates.ref_name, &[])
    {
        snapshot.candidates = view;
    }
    if let Some(view) = snapshot.environments.get_mut(&receipt.deployment.environment) {
        view.state = receipt.state.clone();
    }
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

/// A refusal as it is told: every reason, what to do about each, and whether
/// waiting alone would do.
pub fn refusal(environment: &EnvName, candidate: Option<&TagName>, verdicts: &[Verdict]) -> Failure {
    let all = |gates: &[Gate]| verdicts.iter().all(|v| gates.contains(&v.gate));
    let kind = if all(&[Gate::Held]) {
        Kind::Held
    } else if all(&[Gate::Held, Gate::Busy]) {
        Kind::Busy
    } else {
        Kind::Refused
    };
    let what = candidate.map_or("this", TagName::label);
    let gates = if verdicts.len() == 1 { "1 gate".to_owned() } else { format!("{} gates", verdicts.len()) };
    let mut failure = Failure::new(kind, format!("{environment} refuses {what} ({gates}); nothing changed"));
    for verdict in verdicts {
        let mut message = verdict.text.clone();
        let here = verdict.opens_at.and_then(|at| time::here(at.with_timezone(&Local), &verdict.text));
        if let Some(here) = here {
            message.push('\n');
            message.push_str(&here);
        }
        for fix in &verdict.fixes {
            message.push('\n');
            message.push_str(fix);
        }
        failure = failure.reason(verdict.gate.as_str(), message);
    }
    let waiting = verdicts.iter().all(|v| v.opens_at.is_some() || v.gate == Gate::Busy);
    let overridable = verdicts.iter().any(|v| v.gate.can_be_overridden());
    match (waiting, overridable) {
        (true, _) => failure.hint("Waiting alone will do."),
        (false, true) => {
            failure.hint("Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY")
        }
        (false, false) => failure,
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

fn planned(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    plan: &Plan,
    prepared: &Prepared,
    details: &Details,
) -> Result<Delivered> {
    let seq = if ctx.is_offline() { 0 } else { snapshot.chain(plan.environment())?.state.count + 1 };
    let intent = claim::intent(ctx, plan, &prepared.candidate, snapshot.policy.commit, details, seq);
    let words = words(ctx, snapshot, plan, prepared)?;
    Ok(Delivered::Planned(Box::new(intent.deployment), words))
}

/// What lies between what is live and a candidate.
#[derive(Default)]
struct Difference {
    /// Commits of the candidate that what is live lacks.
    brings: Rc<[Change]>,
    /// Commits of what is live that the candidate lacks, in whatever form.
    leaves: Vec<Change>,
    /// Fixes picked onto what is live that the candidate has in another form,
    /// each with that form.
    contained: Vec<(Oid, Oid)>,
}

fn difference(
    ctx: &Context<'_>,
    snapshot: &Snapshot,
    live: Option<&Live>,
    to: &Minted,
) -> Result<Difference> {
    let Some(live) = live else { return Ok(Difference::default()) };
    let brings = between(ctx, snapshot, live.commit, to.commit)?;
    let left = between(ctx, snapshot, to.commit, live.commit)?;
    let mut difference = Difference { brings, ..Difference::default() };
    if left.is_empty() {
        return Ok(difference);
    }
    // A damaged tag is for the checks to refuse; the words go by what the commits say then.
    let picks = |minted: Option<&Minted>| {
        minted.and_then(|minted| carried(ctx, snapshot, minted).ok()).unwrap_or_default()
    };
    let (ours, theirs) = (picks(snapshot.minted(&live.tag)), picks(Some(to)));
    for change in left.iter() {
        // A pick of a pick names every form it had.
        let recorded =
            ours.iter().filter(|(pick, _)| pick.commit == change.commit).map(|(pick, _)| pick.source);
        let mut form = None;
        for source in recorded.chain(change.picked_from.iter().copied()) {
            if let Some((pick, _)) = theirs.iter().find(|(pick, _)| pick.source == source) {
                form = Some(pick.commit);
            } else if ctx.repo.has_object(source) && history::is_ancestor(&ctx.repo, source, to.commit)? {
                form = Some(source);
            }
            if form.is_some() {
                break;
            }
        }
        match form {
            Some(form) => difference.contained.push((change.commit, form)),
            None => difference.leaves.push(change.clone()),
        }
    }
    Ok(difference)
}

fn words(ctx: &Context<'_>, snapshot: &Snapshot, plan: &Plan, prepared: &Prepared) -> Result<String> {
    let Difference { brings, leaves, contained } = difference(ctx, snapshot, plan.from(), plan.candidate())?;
    let back = snapshot
        .chain(plan.environment())?
        .state
        .current()
        .and_then(|live| snapshot.minted(&live.tag))
        .and_then(|minted| snapshot.record(ctx, minted).ok())
        .map(|record| artifacts::lost(ctx, &record).is_none());
    let shown = Shown {
        project: ctx.project(),
        plan,
        brings: &brings,
        leaves: &leaves,
        contained: &contained,
        commands: &prepared.whose,
        phases: &prepared.commands.phases,
        params: &prepared.params.open,
        hidden: prepared.params.hidden().collect(),
        undo_is_here: back,
        now: ctx.world.now(),
    };
    Ok(if plan.action() == Action::Rollback {
        rollback_plan(ctx.screen, &shown)
    } else {
        deploy_plan(ctx.screen, &shown)
    })
}

/// A rollback wished for.
#[derive(Debug, Clone)]
pub struct Back {
    /// Where.
    pub environment: EnvName,
    /// Exactly there.
    pub to: Option<String>,
    /// What is believed live.
    pub from: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Close this hold or intent on the way.
    pub take_over: Option<u64>,
}

impl Back {
    /// The command line that does what was planned without a question.
    fn unasked(&self, plan: &Plan) -> String {
        let mut words = vec!["rel".to_owned(), "rollback".to_owned(), self.environment.to_string()];
        // What is live is said, so that it does nothing where something else is by then.
        let from = plan.from().map(|live| live.tag.label().to_owned());
        for (flag, value) in [
            ("--to", self.to.clone()),
            ("--from", self.from.clone().or(from)),
            ("--take-over", self.take_over.map(|token| token.to_string())),
            ("--reason", self.reason.clone()),
        ] {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        words.push("--yes".to_owned());
        shell_words::join(words)
    }
}

/// Rolls back.
///
/// # Errors
/// Nothing to go back to; busy or held by a person; the race is lost; going
/// further back needs a word (exit 2).
pub fn roll_back(ctx: &Context<'_>, snapshot: &mut Snapshot, wish: &Back) -> Result<Delivered> {
    let ground = offline::stand(ctx, snapshot, &wish.environment)?;
    let take_over = TakeOver { token: wish.take_over, reason: wish.reason.as_deref(), rollback: true };
    let premises = Premises::find(ctx, snapshot, &wish.environment, take_over)?;
    let setting = premises.setting();
    let find = |tag: &TagName| snapshot.minted(tag).cloned();
    let lost = |tag: &TagName| -> Option<String> {
        let minted = snapshot.minted(tag)?;
        let record = snapshot.record(ctx, minted).ok()?;
        artifacts::gone(ctx, &record)
    };
    let crossings = Crossings::new(ctx, snapshot);
    let decide = |request: &rollback::Request| {
        crossings.deciding(setting.state, |crossing| {
            let knowledge = Knowledge { find: &find, lost: &lost, crossing };
            rollback::decide(&setting, request, &knowledge, premises.shown)
        })
    };
    let from = match &wish.from {
        Some(text) => Some(believed_live(ctx, snapshot, premises.shown, text)?),
        None => None,
    };
    let to = match &wish.to {
        Some(text) => Some(snapshot.candidate(ctx, text)?.clone()),
        None => None,
    };
    let mut request = rollback::Request { to, from, take_over: wish.take_over, further: false };
    let mut decision = decide(&request)?;
    if let Decision::AskFurther { current, target } = &decision {
        ask_further(ctx, &wish.environment, current, target)?;
        request.further = true;
        decision = decide(&request)?;
    }
    let plan = match decision {
        Decision::Go(plan) => plan,
        Decision::Nothing(why) => return Ok(Delivered::Nothing(why)),
        Decision::Refused(verdicts) => {
            let tag = request.to.as_ref().map(|to| &to.tag);
            return Err(refusal(&wish.environment, tag, &verdicts));
        }
        Decision::NoTarget { why, skipped } => {
            let mut failure = Failure::new(Kind::Refused, format!("{why}; nothing changed"));
            for one in skipped {
                failure = failure.reason("skipped", format!("{}: {}", one.tag.label(), one.why));
            }
            return Err(failure
                .hint(format!("rel log {}", wish.environment))
                .hint(format!("choose one: rel rollback {} --to RC", wish.environment)));
        }
        Decision::AskFurther { .. } => {
            return Err(Failure::failed("going further back was asked for twice"));
        }
    };
    let prepared = prepare(ctx, snapshot, &plan, None, &[])?;
    let details = premises.details(Trigger::Person, wish.reason.clone()).with(&prepared);
    if ctx.options.dry_run {
        return planned(ctx, snapshot, &plan, &prepared, &details);
    }
    ctx.screen.note(&words(ctx, snapshot, &plan, &prepared)?);
    // A yes to going further back is a yes to this.
    if !request.further {
        ctx.confirm(
            &format!("Roll back {}?", wish.environment),
            &format!("rolling {} back", wish.environment),
        )?;
    }
    if ctx.can_ask() && (request.further || !ctx.options.yes) {
        ctx.screen.note(&format!("unasked: {}", wish.unasked(&plan)));
    }
    hooks::before_rollback(ctx, snapshot, &plan, wish.reason.as_deref())?;
    match run(ctx, snapshot, ground.as_ref(), &plan, &prepared, &details)? {
        Some(receipt) => {
            absorb(ctx, snapshot, &receipt);
            hooks::after(ctx, snapshot, &receipt);
            output::publish(ctx, &snapshot.policy, &receipt);
            Ok(Delivered::Ran(Box::new(receipt)))
        }
        None => Err(Failure::new(Kind::Moved, format!("{} moved; nothing ran", wish.environment))),
    }
}

/// What a person believes live: a candidate, or the baseline that is.
fn believed_live(ctx: &Context<'_>, snapshot: &Snapshot, state: &EnvState, text: &str) -> Result<TagName> {
    let baseline = state.current().filter(|live| live.is_baseline()).map(|live| &live.tag);
    match baseline.filter(|tag| text == tag.as_str() || text == tag.label()) {
        Some(tag) => Ok(tag.clone()),
        None => Ok(snapshot.candidate(ctx, text)?.tag.clone()),
    }
}

fn ask_further(ctx: &Context<'_>, environment: &EnvName, current: &TagName, target: &TagName) -> Result<()> {
    if !ctx.can_ask() {
        return Err(Failure::new(
            Kind::Usage,
            format!("{environment} was rolled back to {current} already; going further back, to {target}, needs a word"),
        )
        .hint(format!("rel rollback {environment} --from {current}"))
        .hint(format!("rel rollback {environment} --to {target}")));
    }
    let question =
        format!("{environment} was rolled back to {current} already. Go further back, to {target}?");
    match ctx.asker.confirm(&question, true)? {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Kind::Refused, "not confirmed; nothing changed")),
        None => Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
    }
}
