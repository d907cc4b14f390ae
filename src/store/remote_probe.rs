//! Whether a remote takes what `rel` pushes: tried, not asked.
//!
//! One ref of no meaning is made under `refs/rel/<project>/doctor/`, and
//! removed again; one that a killed probe left is used and removed by the
//! next. What else is tried goes into pushes that cannot succeed, because one
//! of their refs would lie below another: a host that moves refs all or none
//! says what it thinks of the others, and makes none of them. So no tag is
//! ever made, and nobody's workflow runs.

use crate::domain::name::{Oid, ProjectName};
use crate::domain::ref_name::{self, ChainRef, TagRef};
use crate::domain::version::TagStyle;
use crate::world::fresh_nonce;

use super::authority::{Authority, Move, push};
use super::error::{Error, ProbeError, RemoteOp, Result};
use super::git::GitOutput;
use super::repo::Repo;
use git2::ObjectType;

/// The version of the tag that is tried: below every other.
const NO_VERSION: &str = "0.0.0-doctor";

/// How often a remote is probed again that another probe disturbs, and how often leftovers are removed.
const MAX_TRIES: u32 = 3;

/// Whether a remote does one thing.
#[derive(Debug)]
pub enum Support {
    Yes,
    No(Error),
    /// It changes one ref at a time alone, and `rel` does without more.
    Fallback(Authority),
    Unknown(Untried),
}

/// Why one thing was not tried, or not found out.
#[derive(Debug)]
pub enum Untried {
    /// Refs under `refs/rel/` are not taken.
    Refs,
    /// A tag would be made for good.
    ForGood,
    /// Several refs at once are not taken.
    Atomic,
    /// The remote cannot be read.
    Unreadable(Error),
}

/// Which of the things that `rel` pushes a remote takes.
#[derive(Debug)]
pub struct Capabilities {
    /// A ref under `refs/rel/`.
    pub refs: Support,
    /// Whether what is pushed is there when it is read.
    pub arrives: Support,
    /// A ref under `refs/notes/rel/`.
    pub notes: Support,
    /// A tag of the project's style.
    pub tags: Support,
    /// Several refs, all or none.
    pub atomic: Support,
    /// Refusing what is not based on what is there.
    pub leases: Support,
    /// Removing a ref; of no use to `rel` but here.
    pub removes: Support,
    /// The names of refs that the probe made and could not remove.
    pub left: Vec<String>,
}

/// One probe of a remote.
struct RemoteProbe<'r> {
    repo: &'r Repo,
    authority: Authority,
    remote: &'r str,
    places: &'r [String; 3],
    /// The refs that earlier probes left.
    left: &'r [(String, Oid)],
    nonce: String,
}

/// Probes a remote, in six round trips if nothing is wrong with it. `held` are its refs, as they
/// were listed before.
///
/// # Errors
/// This clone cannot be written to, or git cannot be started. What the remote refuses is no error.
pub fn run(
    repo: &Repo,
    remote: &str,
    project: &ProjectName,
    style: &TagStyle,
    held: impl Iterator<Item = (String, Oid)>,
) -> Result<Capabilities> {
    let places = [
        format!("{}doctor/", ref_name::rel(project)),
        format!("{}doctor/", ChainRef::folder(project)),
        format!("{}{}{NO_VERSION}.", TagRef::FOLDER, style.prefix()),
    ];
    let is_ours = |name: &str| places.iter().any(|place| name.starts_with(place)) && !name.ends_with("^{}");
    let left: Vec<(String, Oid)> = held.filter(|(name, _)| is_ours(name)).collect();
    let mut tries = 1;
    loop {
        let trial = RemoteProbe {
            repo,
            authority: Authority::Remote(remote.to_owned()),
            remote,
            places: &places,
            left: &left,
            nonce: fresh_nonce(),
        };
        let scratch = left.first().filter(|(name, _)| tries == 1 && name.starts_with(&places[0]));
        let taken = trial.run(scratch)?;
        // Another probe takes this one's ref for a leftover, and removes it.
        let disturbed = scratch.is_some() && !matches!(taken.refs, Support::Yes)
            || matches!(taken.arrives, Support::No(_));
        if !disturbed || tries == MAX_TRIES {
            return Ok(taken);
        }
        tries += 1;
    }
}

impl RemoteProbe<'_> {
    fn run(&self, scratch: Option<&(String, Oid)>) -> Result<Capabilities> {
        let unknown = || Support::Unknown(Untried::Refs);
        let mut taken = Capabilities {
            refs: unknown(),
            arrives: unknown(),
            notes: unknown(),
            tags: unknown(),
            atomic: unknown(),
            leases: unknown(),
            removes: unknown(),
            left: Vec::new(),
        };
        let (name, from) = match scratch {
            Some((name, held)) => (name.clone(), Some(*held)),
            None => (format!("{}{}", self.places[0], self.nonce), None),
        };
        let (first, second) = (self.object("first")?, self.object("second")?);
        let making = Move { name: name.clone(), from, to: Some(first) };
        let made = push(self.repo, self.remote, &[making], false)?;
        if !made.status.success() {
            taken.refs = Support::No(self.authority.why(RemoteOp::Change, &made));
            // It may have arrived all the same.
            taken.left = self.clear(vec![(name, first)], &mut taken.removes)?;
            return Ok(taken);
        }
        taken.refs = Support::Yes;
        taken.leases = self.lease(&name, second)?;
        (taken.notes, taken.atomic) = self.doomed(&self.places[1], &name, second)?;
        taken.tags = match &taken.atomic {
            Support::Yes => self.doomed(&self.places[2], &name, second)?.0,
            _ => Support::Unknown(Untried::ForGood),
        };
        let (held, unread) = match self.authority.list(self.repo) {
            Ok(held) => (held, None),
            Err(error) => (std::collections::BTreeMap::new(), Some(error)),
        };
        taken.arrives = match (unread, held.get(&name).copied()) {
            (Some(error), _) => Support::Unknown(Untried::Unreadable(error)),
            (None, Some(oid)) => {
                if oid == second {
                    taken.leases = Support::No(ProbeError::Moved.into());
                }
                Support::Yes
            }
            (None, None) => {
                let (authority, remote) = (self.authority.to_string(), self.remote.to_owned());
                Support::No(ProbeError::NotThere { authority, remote }.into())
            }
        };
        let mut mine = self.mine(held);
        if mine.iter().any(|(other, _)| other.contains(&self.nonce) && *other != name) {
            taken.atomic = Support::No(ProbeError::InPart.into());
        }
        // Where reading and writing go to different places, it is where it was written.
        if !mine.iter().any(|(other, _)| *other == name) {
            mine.push((name, first));
        }
        if self.remove(&mine)?.status.success() {
            taken.removes = Support::Yes;
        } else {
            taken.left = self.clear(mine, &mut taken.removes)?;
        }
        Ok(taken)
    }

    /// Those of these refs that this probe made or earlier ones left.
    fn mine(&self, held: impl IntoIterator<Item = (String, Oid)>) -> Vec<(String, Oid)> {
        let places = |name: &str| self.places.iter().any(|place| name.starts_with(place));
        let known = |name: &str| name.contains(&self.nonce) || self.left.iter().any(|(left, _)| left == name);
        held.into_iter().filter(|(name, _)| places(name) && known(name) && !name.ends_with("^{}")).collect()
    }

    /// A commit without files that no other probe has.
    fn object(&self, word: &str) -> Result<Oid> {
        let tree = self.repo.put(ObjectType::Tree, b"")?;
        let nonce = &self.nonce;
        let text = format!(
            "tree {tree}\nauthor rel <> 0 +0000\ncommitter rel <> 0 +0000\n\nrel doctor {nonce} {word}\n"
        );
        self.repo.put(ObjectType::Commit, text.as_bytes())
    }

    /// Moves the ref from a commit that it is not at, which must be refused.
    fn lease(&self, name: &str, other: Oid) -> Result<Support> {
        let wrong = Move { name: name.to_owned(), from: Some(other), to: Some(other) };
        let output = push(self.repo, self.remote, &[wrong], false)?;
        Ok(if output.status.success() { Support::No(ProbeError::Taken.into()) } else { Support::Yes })
    }

    /// Pushes a ref in `place` together with one that cannot be made, since it would lie below
    /// `scratch`. Returns whether the former would be taken, and whether none was made.
    fn doomed(&self, place: &str, scratch: &str, new: Oid) -> Result<(Support, Support)> {
        let name = format!("{place}{}", self.nonce);
        let both = [name.clone(), format!("{scratch}/below")];
        let moves = both.map(|name| Move { name, from: None, to: Some(new) });
        let output = push(self.repo, self.remote, &moves, true)?;
        let rows = refusals(&output.stdout_text());
        let why = || self.authority.why(RemoteOp::Change, &output);
        if output.status.success() || rows.iter().any(|row| row.made) {
            return Ok((Support::Yes, Support::No(ProbeError::InPart.into())));
        }
        match rows.iter().find(|row| row.name == name) {
            None => {
                let atomic = match Authority::cannot_at_once(&output) {
                    true => Support::Fallback(self.authority.clone()),
                    false => Support::No(why()),
                };
                Ok((Support::Unknown(Untried::Atomic), atomic))
            }
            Some(row) if row.is_forbidden() => Ok((Support::No(why()), Support::Yes)),
            Some(_) => Ok((Support::Yes, Support::Yes)),
        }
    }

    /// Removes refs of the probe, expecting them as they are given.
    fn remove(&self, refs: &[(String, Oid)]) -> Result<GitOutput> {
        let moves = refs.iter().map(|(name, held)| Move { name: name.clone(), from: Some(*held), to: None });
        push(self.repo, self.remote, &moves.collect::<Vec<_>>(), false)
    }

    /// Removes all refs of this probe and earlier ones. Returns the names of those that stay.
    fn clear(&self, mut mine: Vec<(String, Oid)>, removes: &mut Support) -> Result<Vec<String>> {
        for _ in 0..MAX_TRIES {
            // Where it cannot be read any more, what was there last may still be.
            let Ok(held) = self.authority.list(self.repo) else { break };
            mine = self.mine(held);
            if mine.is_empty() {
                break;
            }
            let output = self.remove(&mine)?;
            if output.status.success() {
                *removes = Support::Yes;
                mine.clear();
                break;
            }
            *removes = Support::No(self.authority.why(RemoteOp::Change, &output));
        }
        Ok(mine.into_iter().map(|(name, _)| name).collect())
    }
}

/// The result of a push for one ref.
#[derive(Debug, PartialEq, Eq)]
struct PushedRef {
    name: String,
    made: bool,
    words: String,
}

impl PushedRef {
    /// Whether a rule of the remote refused this ref, rather than the push as a whole.
    fn is_forbidden(&self) -> bool {
        let words = self.words.to_ascii_lowercase();
        let whole = ["atomic", "transaction", "conflict", "failed to update ref", "cannot lock ref"];
        let rule = ["declined", "hidden", "protected", "prohibited", "denied", "deny", "not allowed"];
        rule.iter().any(|word| words.contains(word)) || !whole.iter().any(|word| words.contains(word))
    }
}

/// Reads the lines of `git push --porcelain`: a flag, `FROM:TO` and words, between tabs.
fn refusals(stdout: &str) -> Vec<PushedRef> {
    let row = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let (flag, refs, words) = (parts.next()?, parts.next()?, parts.next()?);
        let name = refs.split_once(':')?.1.to_owned();
        Some(PushedRef { name, made: flag != "!" && flag != "=", words: words.to_owned() })
    };
    stdout.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_push_says_is_read_ref_by_ref() {
        let said = "To ../r.git\n\
            !\t123:refs/notes/rel/p/doctor/n\t[remote rejected] (atomic push failure)\n\
            !\t123:refs/tags/v0\t[remote rejected] (hook declined)\n\
            *\t123:refs/rel/p/doctor/n\t[new reference]\nDone\n";
        let rows = refusals(said);
        assert_eq!(
            rows.iter().map(|row| (&*row.name, row.made, row.is_forbidden())).collect::<Vec<_>>(),
            [
                ("refs/notes/rel/p/doctor/n", false, false),
                ("refs/tags/v0", false, true),
                ("refs/rel/p/doctor/n", true, true),
            ]
        );
        assert_eq!(refusals("fatal: no\n"), []);
    }
}
