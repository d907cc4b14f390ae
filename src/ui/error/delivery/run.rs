//! What keeps a planned deployment from being run or recorded, and how one ended, as a person is told it.

use crate::delivery::error::run::{
    CommandsFault, Lacking, Overtaken, ParamsFault, ReleaseFault, RunError, StoreFault, WayBackFault,
};
use crate::delivery::run::receipt::Receipt;
use crate::domain::env::{Action, Deployment, Progress};
use crate::domain::gate::Gate;
use crate::domain::name::EnvName;
use crate::domain::nearest::nearest;
use crate::domain::report::deployment::DeploymentReport;
use crate::failure::{Failure, Kind, Result};
use crate::ui::gate;

/// What keeps an offline deployment from failing for want of bytes.
const KEEP: &str = "beforehand, rel sync keeps what is live and what a rollback goes back to in this clone";

pub(super) fn failure(error: RunError) -> Failure {
    match error {
        RunError::Params { environment, fault } => params(&environment, fault),
        RunError::Commands { environment, fault } => commands(&environment, fault),
        RunError::DamagedCopy { artifact, tag } => Failure::new(
            Kind::Integrity,
            format!("artifact {artifact:?} of {tag} is not what was recorded; nothing ran"),
        )
        .reason("artifact", "this clone's copy is damaged, and a good one is not at hand offline")
        .hint("run it without --offline to fetch a good copy"),
        RunError::OutOfReach { tag, why } => {
            let failure = Failure::new(
                Kind::Refused,
                format!("nobody can tell just now whether the artifacts of {tag} are there; nothing changed"),
            );
            match why {
                StoreFault::Folder { dir, cause } => failure
                    .reason("artifacts", format!("there is no store in {}: {cause}", dir.display()))
                    .hint("once it is mounted: the same command again"),
                StoreFault::Hidden { authority, folder } => failure
                    .reason(
                        "artifacts",
                        format!("{authority} shows nothing in {folder}: its host may hide it"),
                    )
                    .hint(format!("what it shows: git ls-remote {authority} '{folder}*'"))
                    .hint("once it shows them: the same command again"),
            }
        }
        RunError::NotHere(what) => match what {
            Lacking::FilesOf(commit) => Failure::new(
                Kind::Refused,
                format!(
                    "files of {}, which the commands run in, are not in this clone; nothing changed",
                    commit.short()
                ),
            )
            .reason("clone", "it is partial, and --offline says not to fetch what it lacks"),
            Lacking::ArtifactsOf(tag) => Failure::new(
                Kind::Refused,
                format!("the artifacts of {tag} are not in this clone; nothing changed"),
            )
            .reason("artifacts", "they are at the remote, and --offline says not to ask it"),
        }
        .hint("run it without --offline to fetch them")
        .hint(KEEP),
        RunError::NotToBeCut { commit, why } => {
            let what = format!("nothing is cut: before_cut said no to {}", commit.short());
            Failure::new(Kind::Refused, format!("{what}; nothing changed"))
                .reason(Gate::Hook.as_str(), why)
                .hint("once it says yes: the same command again")
        }
        RunError::EventNotWritten(cause) => Failure::failed("an event cannot be written").because(cause),
        RunError::TakenOver(who) => Failure::failed(format!("{who} took over")),
        RunError::NoWayBack(fault) => Failure::failed(match fault {
            WayBackFault::NoTarget(why) => why,
            WayBackFault::Refused(verdicts) => verdicts.iter().map(gate::text).collect::<Vec<_>>().join("; "),
            WayBackFault::Further(target) => format!("going further back, to {target}, needs a word"),
        }),
        RunError::NotReleased(fault) => Failure::failed(match fault {
            ReleaseFault::Taken => "a tag of that name exists already".to_owned(),
            ReleaseFault::Closed => "the release was closed meanwhile".to_owned(),
            ReleaseFault::Moved(tries) => format!("the candidates' chain moved {tries} times"),
        }),
        RunError::CannotSearch(cause) => {
            Failure::failed("what is to be hidden cannot be searched for").because(cause)
        }
        RunError::KeepsMoving(authority) => Failure::failed(format!("{authority} keeps moving")),
    }
}

fn params(environment: &EnvName, fault: ParamsFault) -> Failure {
    match fault {
        ParamsFault::Undeclared { name, declared } => {
            let message = format!("{environment} declares no parameter {name}; nothing changed");
            let names: Vec<&str> = declared.iter().map(String::as_str).collect();
            Failure::new(Kind::Usage, message).hint(match &names[..] {
                [] => format!("declare it: [environments.{environment}.params]"),
                names => nearest(&name, names),
            })
        }
        ParamsFault::Secret { name, from } => {
            Failure::new(Kind::Usage, format!("{name} is secret, and a command line is not; nothing changed"))
                .hint(format!("give it as a variable of rel's own environment: {from}"))
        }
        ParamsFault::Missing(missing) => {
            let message = format!("{environment} lacks values for its parameters; nothing changed");
            missing.into_iter().fold(Failure::new(Kind::Refused, message), |failure, (name, variable)| {
                failure.reason("params", format!("{name} has no value")).hint(match variable {
                    Some(variable) => format!("set {variable} in rel's environment"),
                    None => format!("--param {name}=VALUE"),
                })
            })
        }
        ParamsFault::CannotHide(why) => Failure::new(
            Kind::Refused,
            format!("the secrets of {environment} cannot be kept out of what is shown; nothing changed"),
        )
        .reason("params", format!("they cannot be searched for: {why}"))
        .hint("keep a large secret in a file, and give its path as the parameter"),
    }
}

fn commands(environment: &EnvName, fault: CommandsFault) -> Failure {
    match fault {
        CommandsFault::NoDeploy { tag, whose, back } => {
            let failure =
                Failure::new(Kind::Refused, format!("{environment} has no deploy command for {tag}"))
                    .reason("commands", format!("[environments.{environment}] has no deploy, {whose}"));
            if back {
                failure.hint(format!(
                    "use trunk's: commands = \"trunk\" in [environments.{environment}] of release.toml on trunk"
                ))
            } else {
                failure
                    .hint("set deploy in release.toml and cut again")
                    .hint(format!("or use trunk's: rel deploy {environment} {tag} --commands-from trunk"))
            }
        }
        CommandsFault::Unsupported { key, text } => {
            Failure::new(Kind::Refused, format!("{environment} cannot be deployed to by this version of rel"))
                .reason(key, text)
        }
        CommandsFault::NoRevision(rev) => Failure::new(Kind::NotFound, format!("there is no revision {rev}"))
            .hint("--commands-from takes trunk, worktree or a revision of this clone"),
        CommandsFault::NotInFile(file) => {
            Failure::new(Kind::NotFound, format!("{file} has no environment {environment}"))
        }
        CommandsFault::NotInRevision(rev) => {
            Failure::new(Kind::NotFound, format!("{rev} knows no environment {environment}"))
        }
    }
}

/// What changed since a rollback was planned.
pub(super) fn overtaken(why: Overtaken) -> String {
    match why {
        Overtaken::Deployed { live, newest } => {
            let live = live.as_ref().map_or("nothing", |tag| tag.label());
            let newest = newest.map_or("none".to_owned(), |id| id.to_string());
            format!("{live} is live now, and the newest deployment is {newest}")
        }
        Overtaken::Held { by, reason } => format!("{by} holds it since: {reason:?}"),
    }
}

/// The deployment that succeeded, or the failure that its receipt is, with the record beside it.
///
/// # Errors
/// It did not succeed, or its record has not reached the authority.
pub fn ended(mut receipt: Receipt) -> Result<Receipt> {
    let (unpublished, kept) = (receipt.unpublished.take(), receipt.kept.take());
    let Deployment { id, environment, state, .. } = &receipt.deployment;
    let failure = if receipt.deployment.offline {
        ran_offline(&receipt)
    } else if let Some(who) = &receipt.late {
        Failure::new(Kind::Unpublished, format!("{id} {state}, but {who} took over from it before that"))
            .reason("late", "its outcome is kept as a late word, which changes nothing but what is certain")
            .hint(format!("what is live now: rel status {environment}"))
    } else if let Some(kept) = kept.filter(|_| unpublished.is_none()) {
        let kind = if kept.kind == Kind::Integrity { Kind::Integrity } else { Kind::Failed };
        Failure { kind, message: format!("{id} was cancelled before it began: {}", kept.message), ..*kept }
    } else if let Some(unpublished) = unpublished {
        let alone = unpublished.is_unreachable();
        let failure = Failure::new(
            Kind::Unpublished,
            format!("{id} {state}, but its record has not reached the authority"),
        )
        .reason("unpublished", Failure::from(unpublished).message);
        let back = back_alone(&receipt).filter(|_| alone);
        back.into_iter()
            .fold(failure, Failure::hint)
            .hint("publish it as soon as the remote can be reached: rel sync")
    } else {
        match state {
            Progress::Succeeded => return Ok(receipt),
            Progress::Cancelled => {
                Failure::new(Kind::Interrupted, format!("{id} was interrupted, and the record says so"))
            }
            _ => {
                let explanation = receipt.explanation.as_deref().unwrap_or_default();
                Failure::new(Kind::CommandFailed, format!("{id} {state}: {explanation}"))
            }
        }
        .hint(format!("what it printed: rel log --output {id}"))
    };
    let failure = match (&receipt.rollback, receipt.state.current()) {
        (Some(rollback), _) => {
            let Deployment { tag, id, state, offline, .. } = &rollback.deployment;
            let id = if *offline { "offline".to_owned() } else { id.to_string() };
            let how = if *state == Progress::Succeeded {
                format!("{environment} was rolled back by itself to {tag} ({id})")
            } else {
                format!("the automatic rollback ({id}) {state} too; nobody knows what {environment} runs")
            };
            failure
                .beside(|beside| beside.rollback = Some(DeploymentReport(rollback.deployment.clone())))
                .hint(how)
        }
        (None, Some(live)) if !receipt.state.certain && live.is_baseline() => failure.hint(format!(
            "{} was live before; it was recorded, not built by rel, so it has to be put back as it was put there",
            live.tag.label()
        )),
        (None, Some(live)) if !receipt.state.certain => {
            let offline = if receipt.deployment.offline { " --offline --reason WHY" } else { "" };
            failure.hint(format!("go back to {}: rel rollback {environment}{offline}", live.tag))
        }
        (None, _) => failure,
    };
    Err(failure.beside(|beside| beside.deployment = Some(DeploymentReport(receipt.deployment))))
}

/// How to put right, without the authority, what a deployment whose record waits has left behind.
fn back_alone(receipt: &Receipt) -> Option<String> {
    let Deployment { environment, certain, action, tag, .. } = &receipt.deployment;
    let live = receipt.state.current().filter(|live| !certain && !live.is_baseline())?;
    let target = if *action == Action::Rollback { tag } else { &live.tag };
    Some(format!("go back to {target} now: rel rollback {environment} --offline --reason WHY"))
}

/// What there is to say of one that ran without a claim: whatever it came to, nobody else knows of it yet.
fn ran_offline(receipt: &Receipt) -> Failure {
    let Deployment { environment, tag, state, action, .. } = &receipt.deployment;
    let what = match state {
        Progress::Succeeded => format!("{environment} runs {tag}, put there offline"),
        Progress::Cancelled => format!("the offline {action} of {environment} was interrupted"),
        _ => format!("{tag} failed on {environment}, offline"),
    };
    let failure =
        Failure::new(Kind::Unpublished, format!("{what}; its record has not reached the authority"));
    let failure = match (&receipt.explanation, state) {
        (Some(why), Progress::Failed | Progress::Cancelled) => failure.reason("command", why.clone()),
        _ => failure,
    };
    failure
        .reason("unpublished", "it is kept in this clone, and no other one knows of it")
        .hint("publish it as soon as the remote can be reached: rel sync")
}
