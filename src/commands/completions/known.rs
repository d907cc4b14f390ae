//! What this clone knows that can be named on a command line.

use crate::delivery::read::reader::{Options, Reader};
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::workspace;
use crate::domain::env::EnvState;
use crate::domain::name::{DeploymentId, EnvName, TagName};
use crate::failure::Result;
use crate::ui::text;
use crate::world::World;

/// As many commits of trunk as somebody would look through.
const COMMITS: usize = 20;

/// A word to offer, and what shells that can show beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// What it is; may be empty.
    pub help: String,
}

impl Word {
    /// The help is cleaned: some shells print it.
    pub fn new(text: impl Into<String>, help: impl AsRef<str>) -> Word {
        Word { text: text.into(), help: text::clean(help.as_ref()) }
    }
}

/// Everything there is to name, each in the order it is worth offering in.
#[derive(Debug, Default)]
pub struct Known {
    /// The project.
    pub project: Vec<Word>,
    /// Environments, in the policy's order.
    pub environments: Vec<Word>,
    /// Candidates, newest first.
    pub candidates: Vec<Word>,
    /// Releases, newest first.
    pub releases: Vec<Word>,
    /// Branches of this clone.
    pub branches: Vec<Word>,
    /// Trunk's newest commits.
    pub commits: Vec<Word>,
    /// Deployments whose outcome is open.
    pub unresolved: Vec<Word>,
    /// Holds, and deployments in flight.
    pub tokens: Vec<Word>,
    /// Deployments that printed something on this machine, newest first.
    pub printed: Vec<Word>,
}

impl Known {
    /// Reads this clone, without a word to anybody.
    ///
    /// # Errors
    /// There is no repository, no project in it, or its history is damaged.
    pub fn read(world: &World, options: &Options) -> Result<Known> {
        let reader = &Reader::open(world, options)?;
        let snapshot = Snapshot::read(reader)?;
        let mut known = Known { project: vec![Word::new(reader.project().as_str(), "")], ..Known::default() };
        for environment in &snapshot.policy.config.environments {
            let name = &environment.name;
            if let Some(view) = snapshot.environments.get(name) {
                known.environment(name, &view.state);
            }
            let printed = workspace::logged(reader, name).into_iter().map(|seq| format!("{name}#{seq}"));
            known.printed.extend(printed.map(|id| Word::new(id, "")));
        }
        let live = |tag: &TagName| {
            let names = snapshot.policy.config.environments.iter().map(|environment| &environment.name);
            let here = |name: &&EnvName| {
                let state = snapshot.environments.get(*name).map(|view| &view.state);
                state.and_then(EnvState::current).is_some_and(|live| live.tag == *tag)
            };
            names.filter(here).map(EnvName::as_str).collect::<Vec<_>>().join(", ")
        };
        let state = &snapshot.candidates.state;
        let mut newest: Vec<_> = snapshot.pool.iter().collect();
        newest.sort_by(|a, b| b.order().cmp(&a.order()));
        known.candidates.extend(newest.iter().map(|minted| {
            let help = match live(&minted.tag) {
                _ if state.block(&minted.tag, &minted.version.release).is_some() => "blocked".to_owned(),
                live if live.is_empty() => minted.commit.short(),
                live => format!("{}, live in {live}", minted.commit.short()),
            };
            Word::new(minted.tag.as_str(), help)
        }));
        let mut lines: Vec<_> = state.releases.iter().filter(|line| line.minted).collect();
        lines.sort_by(|a, b| (b.position, &b.release).cmp(&(a.position, &a.release)));
        let kind = |closed| if closed { "a closed release" } else { "an open release" };
        known
            .releases
            .extend(lines.iter().map(|line| Word::new(line.release.to_string(), kind(line.closed))));
        let branches = reader.repo.branches()?;
        known.branches.extend(branches.iter().map(|(name, _)| Word::new(name.short(), "a branch")));
        let mut next = Some(snapshot.trunk);
        while let Some(oid) = next.filter(|_| known.commits.len() < COMMITS) {
            // A shallow clone ends early.
            let Ok(commit) = reader.repo.commit(oid) else { break };
            known.commits.push(Word::new(oid.short(), &commit.subject));
            next = commit.parents.first().copied();
        }
        Ok(known)
    }

    fn environment(&mut self, name: &EnvName, state: &EnvState) {
        let live =
            state.current().map_or("nothing is live".to_owned(), |live| format!("runs {}", live.tag.label()));
        self.environments.push(Word::new(name.as_str(), live));
        let of = |seq: u64| DeploymentId { environment: name.clone(), seq }.to_string();
        if let Some(intent) = &state.in_flight {
            let flying = Word::new(
                of(intent.deployment.seq),
                format!("{} is in flight", intent.deployment.tag.label()),
            );
            self.tokens.push(flying.clone());
            self.unresolved.push(flying);
        }
        if let Some(hold) = &state.hold {
            self.tokens.push(Word::new(of(hold.token), format!("held by {}", hold.actor.name)));
        }
        let open = state.unresolved.iter().rev();
        self.unresolved
            .extend(open.map(|d| Word::new(d.id.to_string(), format!("{}, unknown", d.tag.label()))));
    }
}
