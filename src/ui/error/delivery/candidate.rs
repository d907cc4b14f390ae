//! What keeps a candidate from being made, as a person is told it.

use crate::delivery::error::candidate::{BuildFault, CandidateError, UnfinishedFault};
use crate::failure::{Failure, Kind};

pub(super) fn failure(error: CandidateError) -> Failure {
    match error {
        CandidateError::Shallow => {
            Failure::new(Kind::Refused, "this clone is shallow, and a cut counts commits; nothing changed")
                .reason("shallow", "its history is cut off, so versions and positions would come out wrong")
                .hint("git fetch --unshallow")
                .hint(
                    "in CI: fetch the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)",
                )
        }
        CandidateError::NotOnTrunk { commit, subject, trunk, tip, remote } => {
            Failure::new(Kind::Refused, format!("{} is not on trunk; nothing changed", commit.short()))
                .reason("trunk", format!("{subject:?} is no ancestor of {trunk}, {}", tip.short()))
                .hint(match remote {
                    None => format!("merge it into {trunk} first"),
                    Some(remote) => format!("merge it into {trunk} and push: git push {remote} {trunk}"),
                })
        }
        CandidateError::Closed(release) => {
            Failure::new(Kind::Refused, format!("release {release} is closed; nothing changed"))
                .reason("release", format!("{release} reached its final environment"))
                .hint("open the next one: rel cut")
        }
        CandidateError::NotLater { commit, release, newest, at } => Failure::new(
            Kind::Refused,
            format!("{} is not later than {newest} on trunk; nothing changed", commit.short()),
        )
        .reason("trunk", format!("{release} stands at {}", at.short())),
        CandidateError::VersionTaken { version, foreign } => {
            let failure = Failure::new(Kind::Refused, format!("version {version} is taken; nothing changed"));
            if foreign {
                failure.reason("version", "a tag that rel did not make has it")
            } else {
                failure
                    .reason("version", "a release of that version exists, or is being built")
                    .hint(format!("for its next candidate: rel cut --release {version}"))
            }
        }
        CandidateError::Build { tag, fault } => {
            let failed =
                |why: &str| Failure::new(Kind::CommandFailed, format!("the build of {tag} failed: {why}"));
            match fault {
                BuildFault::Interrupted => Failure::new(
                    Kind::Interrupted,
                    format!("the build of {tag} was interrupted; its number is spent"),
                ),
                BuildFault::Command { text, log } => {
                    failed(&text).hint(format!("what it printed: {}", log.display()))
                }
                BuildFault::ArtifactName(name) => failed(&format!("an artifact cannot be called {name}")),
                BuildFault::Collected(why) => failed(&Failure::from(why).message),
                BuildFault::Output(why) => failed(&Failure::from(*why).message),
            }
        }
        CandidateError::Occupied { tag, artifacts } => match artifacts {
            None => Failure::new(Kind::Refused, format!("a tag {tag} exists that rel did not make"))
                .reason("tag", "it appeared while the candidate was built"),
            Some(name) => Failure::new(Kind::Refused, format!("artifacts of a {tag} are there already"))
                .reason("artifacts", format!("{name} exists, and no record has it")),
        }
        .hint("cut again: the next number is free"),
        CandidateError::Unfinished(fault) => unfinished(fault),
    }
}

fn unfinished(fault: UnfinishedFault) -> Failure {
    match fault {
        UnfinishedFault::None => {
            Failure::new(Kind::Refused, "there is no cherry-pick to go on with; nothing changed")
                .hint("begin one: rel cherry-pick COMMIT")
        }
        UnfinishedFault::Damaged(why) => {
            Failure::failed("what is written down of an unfinished cherry-pick cannot be read")
                .hint("drop it: rel cherry-pick --abort")
                .because(why)
        }
        UnfinishedFault::NotWritten(why) => {
            Failure::failed("a cherry-pick cannot be written down").because(why)
        }
        UnfinishedFault::OtherVersion => {
            Failure::failed("an unfinished cherry-pick was begun by another version of rel")
                .hint("finish it with that one, or drop it: rel cherry-pick --abort")
        }
        UnfinishedFault::WorktreeGone { source, worktree } => Failure::new(
            Kind::Refused,
            format!("the worktree of the pick of {} is gone; nothing changed", source.short()),
        )
        .reason("worktree", worktree.display().to_string())
        .hint("rel cherry-pick --abort, and pick again"),
        UnfinishedFault::Waits { source, onto, worktree } => Failure::new(
            Kind::Refused,
            format!("a pick of {} onto {onto} is not finished; nothing changed", source.short()),
        )
        .reason("unfinished", format!("it waits in {}", worktree.display()))
        .hint("go on, once it is resolved: rel cherry-pick --continue")
        .hint("or drop it: rel cherry-pick --abort"),
    }
}
