//! Refs from what to what, in git's own words.

use super::{Expected, NO_HOOKS, RefUpdate};
use crate::domain::name::Oid;
use crate::store::error::Result;
use crate::store::git::{Git, GitOutput};
use crate::store::repo::Repo;

/// One ref in a push: from what, which is its lease, to what. None stands for no ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Move {
    pub name: String,
    pub from: Option<Oid>,
    pub to: Option<Oid>,
}

impl From<&RefUpdate> for Move {
    fn from(update: &RefUpdate) -> Move {
        Move { name: update.name.to_string(), from: update.expected.oid(), to: Some(update.new) }
    }
}

/// One push of raw object ids, each with a lease, and of nothing else, whatever the user's settings
/// add to a push of theirs. Several at once where `atomic` asks for it.
pub(in crate::store) fn push(repo: &Repo, remote: &str, moves: &[Move], atomic: bool) -> Result<GitOutput> {
    let mut git = Git::new(repo)
        .talking()
        .set(NO_HOOKS)
        .set("push.followTags=false")
        .set("push.recurseSubmodules=no")
        .set("push.negotiate=false");
    // A mirror takes all refs or none; a name with `=` in it cannot be said to `git -c`.
    let mirror = format!("remote.{remote}.mirror");
    if !remote.contains('=') && repo.config(&mirror).is_some() {
        git = git.set(format!("{mirror}=false"));
    }
    git = git.args(["push", "--porcelain", "--no-verify", "--progress"]);
    if atomic {
        git = git.arg("--atomic");
    }
    let id = |oid: Option<Oid>| oid.map(|oid| oid.to_string()).unwrap_or_default();
    for Move { name, from, .. } in moves {
        git = git.arg(format!("--force-with-lease={name}:{}", id(*from)));
    }
    git = git.arg("--").arg(remote);
    for Move { name, to, .. } in moves {
        git = git.arg(format!("{}:{name}", id(*to)));
    }
    let mut output = git.run()?;
    // With --porcelain, why a ref was rejected stands on standard output.
    let rejected = rejections(&output.stdout_text());
    output.stderr.extend_from_slice(rejected.as_bytes());
    Ok(output)
}

/// A line for each ref that `git push --porcelain` says was rejected, with its name and why.
pub(in crate::store) fn rejections(porcelain: &str) -> String {
    let mut rejections = String::new();
    for line in porcelain.lines() {
        if let ["!", refs, why] = line.splitn(3, '\t').collect::<Vec<_>>()[..] {
            let name = refs.split_once(':').map_or(refs, |(_, name)| name);
            rejections.push_str(&format!("{name}: {why}\n"));
        }
    }
    rejections
}

/// One transaction of `git update-ref`.
pub(super) fn update_refs(repo: &Repo, updates: &[&RefUpdate]) -> Result<GitOutput> {
    repo.sync_objects()?;
    let mut script = String::from("start\n");
    for update in updates {
        let RefUpdate { name, new, .. } = update;
        match update.expected {
            Expected::MustNotExist => script.push_str(&format!("create {name} {new}\n")),
            Expected::MustBe(old) => script.push_str(&format!("update {name} {new} {old}\n")),
        }
    }
    script.push_str("prepare\ncommit\n");
    Git::new(repo).args(["update-ref", "--no-deref", "-m", "rel", "--stdin"]).stdin(script).run()
}
