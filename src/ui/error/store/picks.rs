//! Errors with picks, as a person is told them.

use crate::failure::{Failure, Kind};
use crate::store::error::{PickError, Unresolved};

/// The failure of a pick.
pub(super) fn pick(error: PickError) -> Failure {
    match error {
        PickError::Merge(commit) => {
            let commit = commit.short();
            let message = format!("{commit} is a merge: which parent's side is to be picked is not said");
            Failure::new(Kind::Usage, message).hint(format!("rel cherry-pick -m 1 {commit}"))
        }
        PickError::NoParent { commit, number } => {
            Failure::new(Kind::Usage, format!("{} has no parent {number}", commit.short()))
                .hint("leave -m out for a commit that is no merge")
        }
        PickError::NoCommitter(source) => {
            Failure::failed(format!("cannot write the pick of {}", source.short()))
                .because(anyhow::anyhow!("nobody made it"))
        }
        PickError::Unresolved { source, worktree, why } => {
            let (what, gate, paths, hints) = unresolved(why);
            let message = format!("the pick of {} {what}; nothing changed", source.short());
            let failure = paths
                .into_iter()
                .fold(Failure::new(Kind::Refused, message), |failure, path| failure.reason(gate, path))
                .hint(format!("it is in {}", worktree.display()));
            hints.into_iter().fold(failure, Failure::hint)
        }
    }
}

/// What is told of the pick, as which gate, and how to go on.
fn unresolved(why: Unresolved) -> (&'static str, &'static str, Vec<String>, Vec<String>) {
    let again = |hint: &str| vec![hint.to_owned(), "rel cherry-pick --continue".to_owned()];
    match why {
        Unresolved::Conflict(paths) => {
            ("is still in conflict", "conflict", paths, again("resolve each, and git add it there; then:"))
        }
        Unresolved::Changed(paths) => (
            "was changed after what was added",
            "changed",
            paths,
            again("git add what belongs to it, or git restore what does not; then:"),
        ),
        Unresolved::GivenUp => (
            "was given up there, with git cherry-pick --abort or --skip",
            "commit",
            Vec::new(),
            vec!["drop it here too: rel cherry-pick --abort".to_owned()],
        ),
        Unresolved::NotOneCommit(onto) => (
            "is not one commit on top of what it is picked onto",
            "commit",
            Vec::new(),
            again(&format!("make it one: git reset --soft {}", onto.short())),
        ),
        Unresolved::Markers(places) => (
            "has conflict markers left",
            "conflict",
            places,
            again("take them out, and git add the files; then:"),
        ),
    }
}
