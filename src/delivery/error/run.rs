//! What keeps a planned deployment from being run or recorded, as facts.

use std::io;
use std::path::PathBuf;

use crate::domain::gate::verdict::Verdict;
use crate::domain::name::{DeploymentId, EnvName, Oid, TagName};
use crate::domain::redact::CannotSearch;

/// Why a planned deployment was not run, or not recorded as it should be.
#[derive(Debug)]
pub(crate) enum RunError {
    Params {
        environment: EnvName,
        fault: ParamsFault,
    },
    Commands {
        environment: EnvName,
        fault: CommandsFault,
    },
    /// This clone's copy of an artifact is damaged, and a good one is not at hand offline.
    DamagedCopy {
        artifact: String,
        tag: TagName,
    },
    /// What the store has of a candidate cannot be told just now.
    OutOfReach {
        tag: TagName,
        why: StoreFault,
    },
    /// What is needed is at the remote, which is not to be asked.
    NotHere(Lacking),
    /// `before_cut` said no.
    NotToBeCut {
        commit: Oid,
        why: String,
    },
    /// What a hook is to hear of cannot be written.
    EventNotWritten(io::Error),
    /// Who took over from the deployment.
    TakenOver(String),
    NoWayBack(WayBackFault),
    NotReleased(ReleaseFault),
    /// The secrets in what is to be published cannot be searched for.
    CannotSearch(CannotSearch),
    /// The authority, by its name, moved whenever output was published to it.
    KeepsMoving(String),
}

/// What is wrong with the values of parameters.
#[derive(Debug)]
pub(crate) enum ParamsFault {
    Undeclared {
        name: String,
        declared: Vec<String>,
    },
    /// A secret stands on the command line; the variable that it has to come from.
    Secret {
        name: String,
        from: String,
    },
    /// These have no value: each with the variable that it would be taken from, if any.
    Missing(Vec<(String, Option<String>)>),
    CannotHide(CannotSearch),
}

/// What is wrong with the commands that were to run.
#[derive(Debug)]
pub(crate) enum CommandsFault {
    /// There is no `deploy`; `whose` commands were looked at. `back` tells a rollback.
    NoDeploy { tag: TagName, whose: String, back: bool },
    /// They ask for what this version cannot do: the key, and why.
    Unsupported { key: String, text: String },
    /// `--commands-from` names no revision.
    NoRevision(String),
    /// The file has no such environment.
    NotInFile(String),
    /// The revision's file has no such environment.
    NotInRevision(String),
}

/// Why a store cannot be looked at.
#[derive(Debug)]
pub(crate) enum StoreFault {
    /// Its folder is not there, or holds no store.
    Folder { dir: PathBuf, cause: io::Error },
    /// The authority shows none of the refs that keep artifacts, which are in this folder.
    Hidden { authority: String, folder: String },
}

/// What a clone lacks.
#[derive(Debug)]
pub(crate) enum Lacking {
    /// Files of the commit that the commands run in.
    FilesOf(Oid),
    ArtifactsOf(TagName),
}

/// Why no rollback follows from a failure by itself.
#[derive(Debug)]
pub(crate) enum WayBackFault {
    NoTarget(String),
    Refused(Vec<Verdict>),
    /// It would go further back than one step.
    Further(TagName),
}

/// Why a release's own tag was not made.
#[derive(Debug)]
pub(crate) enum ReleaseFault {
    /// A tag of that name exists.
    Taken,
    /// The release was closed meanwhile, by another candidate.
    Closed,
    /// The candidates' chain moved at each of so many tries.
    Moved(usize),
}

/// What moved between a plan and its publication, each time.
#[derive(Debug)]
pub(crate) enum Contested {
    /// The candidates' chain, before a number was reserved.
    Candidates,
    /// The environment that was to be claimed.
    Environment(EnvName),
    /// The chain that was to be appended to, by its ref.
    Chain(String),
}

/// What changed of an environment since a rollback of it was planned.
#[derive(Debug)]
pub(crate) enum Overtaken {
    Deployed {
        /// What is live now.
        live: Option<TagName>,
        newest: Option<DeploymentId>,
    },
    Held {
        by: String,
        reason: String,
    },
}
