//! How a deployment that was claimed ended.

use crate::domain::env::{Deployment, EnvState, Progress};
use crate::domain::name::TagName;
use crate::domain::report::deployment::DeploymentReport;
use crate::failure::{Failure, Kind, Result};
/// How a deployment that was claimed ended.
#[derive(Debug)]
pub struct Receipt {
    /// Its record.
    pub deployment: Deployment,
    /// The environment after it.
    pub state: EnvState,
    /// Why it did not succeed, in a sentence.
    pub explanation: Option<String>,
    /// Whether what it replaced was a baseline, which cannot be deployed again.
    pub from_baseline: bool,
    /// What kept its command from being started, if that was no command's
    /// doing: a changed byte, a full disk.
    pub kept: Option<Failure>,
    /// The release's own tag, if this closed the release.
    pub released: Option<TagName>,
    /// Why the release's own tag could not be made.
    pub not_released: Option<String>,
    /// Why its record has not reached the authority, if it has not.
    pub unpublished: Option<Failure>,
    /// Who took over from it or settled it before its outcome came.
    pub late: Option<String>,
    /// The rollback that followed by itself.
    pub rollback: Option<Box<Receipt>>,
}

impl Receipt {
    /// The receipt of a deployment of which there is nothing more to say.
    pub fn of(deployment: Deployment, state: EnvState) -> Receipt {
        Receipt {
            deployment,
            state,
            explanation: None,
            from_baseline: false,
            kept: None,
            released: None,
            not_released: None,
            unpublished: None,
            late: None,
            rollback: None,
        }
    }

    /// The failure that this receipt is, if it is one; the record stands beside it.
    pub fn into_result(mut self) -> Result<Receipt> {
        let (unpublished, kept) = (self.unpublished.take(), self.kept.take());
        let id = &self.deployment.id;
        let failure = if self.deployment.offline {
            self.ran_offline()
        } else if let Some(kept) = kept.filter(|_| unpublished.is_none()) {
            let kind = if kept.kind == Kind::Integrity { Kind::Integrity } else { Kind::Failed };
            Failure { kind, message: format!("{id} was cancelled before it began: {}", kept.message), ..kept }
        } else if let Some(who) = &self.late {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but {who} took over from it before that", self.deployment.state),
            )
            .reason("late", "its outcome is kept as a late word, which changes nothing but what is certain")
            .hint(format!("what is live now: rel status {}", self.deployment.environment))
        } else if let Some(unpublished) = unpublished {
            Failure::new(
                Kind::Unpublished,
                format!("{id} {}, but its record has not reached the authority", self.deployment.state),
            )
            .reason("unpublished", unpublished.message)
            .hint("publish it as soon as the remote can be reached: rel sync")
        } else {
            let explanation = self.explanation.clone().unwrap_or_default();
            match self.deployment.state {
                Progress::Succeeded => return Ok(self),
                Progress::Cancelled => {
                    Failure::new(Kind::Interrupted, format!("{id} was interrupted, and the record says so"))
                }
                _ => Failure::new(
                    Kind::CommandFailed,
                    format!("{id} {}: {explanation}", self.deployment.state),
                ),
            }
            .hint(format!("what it printed: rel log --output {id}"))
        };
        let environment = &self.deployment.environment;
        let failure = match (&self.rollback, self.state.current()) {
            (Some(receipt), _) => {
                let failure = failure.beside(|beside| beside.rollback = Some(DeploymentReport(receipt.deployment.clone())));
                let Deployment { tag, id, state, offline, .. } = &receipt.deployment;
                let id = if *offline { "offline".to_owned() } else { id.to_string() };
                if *state == Progress::Succeeded {
                    failure.hint(format!("{environment} was rolled back by itself to {tag} ({id})"))
                } else {
                    failure.hint(format!(
                        "the automatic rollback ({id}) {state} too; nobody knows what {environment} runs"
                    ))
                }
            }
            (None, Some(live)) if !self.state.certain && live.is_baseline() => failure.hint(format!(
                "{} was live before; it was recorded, not built by rel, so it has to be put back as it was put there",
                live.tag.label()
            )),
            (None, Some(live)) if !self.state.certain => {
                let offline = if self.deployment.offline { " --offline --reason WHY" } else { "" };
                failure.hint(format!("go back to {}: rel rollback {environment}{offline}", live.tag))
            }
            (None, _) => failure,
        };
        Err(failure.beside(|beside| beside.deployment = Some(DeploymentReport(self.deployment))))
    }

    /// What there is to say of one that ran without a claim: whatever it came
    /// to, nobody else knows of it yet.
    fn ran_offline(&self) -> Failure {
        let Deployment { environment, tag, state, action, .. } = &self.deployment;
        let what = match state {
            Progress::Succeeded => format!("{environment} runs {tag}, put there offline"),
            Progress::Cancelled => format!("the offline {action} of {environment} was interrupted"),
            _ => format!("{tag} failed on {environment}, offline"),
        };
        let failure =
            Failure::new(Kind::Unpublished, format!("{what}; its record has not reached the authority"));
        let failure = match (&self.explanation, state) {
            (Some(why), Progress::Failed | Progress::Cancelled) => failure.reason("command", why.clone()),
            _ => failure,
        };
        failure
            .reason("unpublished", "it is kept in this clone, and no other one knows of it")
            .hint("publish it as soon as the remote can be reached: rel sync")
    }
}
