//! The project's candidates' chain: numbers reserved, minted and abandoned,
//! what is blocked, and which releases are closed.
//!
//! A number is never used twice. A version is taken by a minted candidate or
//! by an open reservation; an abandoned reservation frees the version, not
//! the number.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::fold::{Fold, Impossible};
use super::name::{Actor, Oid, TagName};
use super::version::{CandidateVersion, Version};

/// What happened to a candidate or a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CandidatesEventKind {
    /// A number was taken for a build.
    Reserved {
        /// The candidate to be.
        version: CandidateVersion,
        /// The commit it is built from.
        commit: Oid,
        /// The branch that is trunk, where the chain has none yet or another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trunk: Option<String>,
    },
    /// The candidate exists: its tag was published with this event.
    Minted(Minted),
    /// The build failed, lost the race or died.
    Abandoned {
        /// The candidate that will never be.
        version: CandidateVersion,
        /// The commit it was to be built from.
        commit: Oid,
        /// The reason, in the actor's words.
        reason: String,
        /// Whether its build failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    },
    /// A candidate or a release must not be deployed.
    Blocked {
        /// A candidate's tag, or a release's version.
        target: String,
        /// The reason, in the actor's words.
        reason: String,
    },
    /// It may be again.
    Unblocked {
        /// A candidate's tag, or a release's version.
        target: String,
        /// The reason, in the actor's words.
        reason: String,
    },
    /// A fix is settled for good, whatever the history says.
    Waived {
        /// Which, in any of its forms.
        commit: Oid,
        /// The trunk commit that it is in, in a form that nothing else tells;
        /// none where it is meant to be missing.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        trunk_commit: Option<Oid>,
        /// The reason, in the actor's words.
        reason: String,
    },
    /// The author of a commit says that it is fine.
    SignedOff {
        /// The commit, in any of its forms.
        commit: Oid,
        /// What was looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The author of a commit takes that back.
    SignoffWithdrawn {
        /// The commit, in any of its forms.
        commit: Oid,
    },
    /// A release reached a final environment.
    Closed {
        /// The version of the release.
        release: Version,
        /// The release's own tag.
        tag: TagName,
        /// The candidate that won.
        candidate: TagName,
        /// The commit the candidate was built from.
        commit: Oid,
        /// The object of the release's own tag, which the chain vouches for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag_object: Option<Oid>,
    },
    /// Nothing happened: the state and the notes are stated once more, as the
    /// events before this one have them.
    Repaired {
        /// What had been otherwise.
        reason: String,
    },
}

/// A candidate's entry in the chain: what identifies it for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minted {
    /// The tag of the candidate.
    pub tag: TagName,
    /// The tag object the chain vouches for.
    pub tag_object: Oid,
    /// The version of the candidate.
    pub version: CandidateVersion,
    /// The commit the candidate was built from.
    pub commit: Oid,
    /// The trunk commit it descends from.
    pub trunk_commit: Oid,
    /// How many commits that one builds on, itself included: later is larger.
    pub position: u64,
    /// The candidate it was picked onto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TagName>,
}

impl Minted {
    /// The order that "newest" and "later" mean: trunk first, then version, then number.
    pub fn order(&self) -> (u64, &Version, u32) {
        (self.position, &self.version.release, self.version.number)
    }
}

/// One event of the candidates' chain. Its id is a tag, a release, or the chain itself.
pub type CandidatesEvent = Event<String, CandidatesEventKind>;

impl CandidatesEvent {
    /// The first line of its commit's message.
    pub fn subject(&self) -> String {
        let id = &self.id;
        let who = &self.actor.name;
        match &self.what {
            CandidatesEventKind::Reserved { commit, .. } => {
                format!("{id} reserved for {} by {who}", commit.short())
            }
            CandidatesEventKind::Minted(minted) => {
                format!("{id} minted from {} by {who}", minted.commit.short())
            }
            CandidatesEventKind::Abandoned { reason, .. } => format!("{id} abandoned: {reason}"),
            CandidatesEventKind::Blocked { reason, .. } => format!("{id} blocked by {who}: {reason}"),
            CandidatesEventKind::Unblocked { reason, .. } => format!("{id} unblocked by {who}: {reason}"),
            CandidatesEventKind::Waived { trunk_commit: None, reason, .. } => {
                format!("{id} waived by {who}: {reason}")
            }
            CandidatesEventKind::Waived { trunk_commit: Some(trunk), reason, .. } => {
                format!("{id} waived as {} by {who}: {reason}", trunk.short())
            }
            CandidatesEventKind::SignedOff { .. } => format!("{id} signed off by {who}"),
            CandidatesEventKind::SignoffWithdrawn { .. } => format!("{id} sign-off withdrawn by {who}"),
            CandidatesEventKind::Closed { candidate, .. } => format!("{id} closed by {candidate}"),
            CandidatesEventKind::Repaired { reason } => format!("{id} repaired by {who}: {reason}"),
        }
    }

    /// The commit its line is noted under, if it has one.
    pub fn commit(&self) -> Option<Oid> {
        match &self.what {
            CandidatesEventKind::Reserved { commit, .. }
            | CandidatesEventKind::Abandoned { commit, .. }
            | CandidatesEventKind::Waived { commit, .. }
            | CandidatesEventKind::SignedOff { commit, .. }
            | CandidatesEventKind::SignoffWithdrawn { commit }
            | CandidatesEventKind::Closed { commit, .. } => Some(*commit),
            CandidatesEventKind::Minted(minted) => Some(minted.commit),
            CandidatesEventKind::Blocked { .. }
            | CandidatesEventKind::Unblocked { .. }
            | CandidatesEventKind::Repaired { .. } => None,
        }
    }
}

/// A release: a version line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseState {
    /// The version of the release.
    pub release: Version,
    /// The latest trunk commit that a candidate of it descends from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk_commit: Option<Oid>,
    /// That commit's position.
    pub position: u64,
    /// The highest number ever reserved.
    pub highest: u32,
    /// Whether a candidate of it exists.
    pub minted: bool,
    /// Whether it reached a final environment.
    pub closed: bool,
}

/// A number taken by a build that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The reserving event's nonce.
    pub nonce: String,
    /// The candidate to be.
    pub version: CandidateVersion,
    /// The commit it is built from.
    pub commit: Oid,
    /// Who runs the build.
    pub actor: Actor,
    /// Since when, by the actor's clock.
    pub at: DateTime<Utc>,
}

/// A number that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonedBuild {
    /// The candidate that will never be.
    pub version: CandidateVersion,
    /// The commit it was to be built from.
    pub commit: Oid,
    /// Who gave it up.
    pub actor: Actor,
    /// When, by the actor's clock.
    pub at: DateTime<Utc>,
    /// The reason, in the actor's words.
    pub reason: String,
    /// Whether its build failed.
    pub failed: bool,
}

/// Something that must not be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// A candidate's tag, or a release's version.
    pub target: String,
    /// Who said so.
    pub actor: Actor,
    /// The reason, in the actor's words.
    pub reason: String,
    /// Since when, by the actor's clock.
    pub at: DateTime<Utc>,
}

/// A fix that is settled for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Which, in any of its forms.
    pub commit: Oid,
    /// The trunk commit that it is in; none where it is meant to be missing.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub trunk_commit: Option<Oid>,
    /// Who said so.
    pub actor: Actor,
    /// The reason, in the actor's words.
    pub reason: String,
    /// Since when, by the actor's clock.
    pub at: DateTime<Utc>,
}

/// Everything the next event is judged by; the rest is in events and tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct CandidatesState {
    /// How many events there are.
    pub count: u64,
    /// The branch that is trunk; `None` before a version of `rel` that records it reserved a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// Every release, in the order they were opened.
    pub releases: Vec<ReleaseState>,
    /// Builds that have not ended.
    pub reservations: Vec<Reservation>,
    /// What must not be deployed.
    pub blocks: Vec<Block>,
    /// Fixes that are settled for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
}

impl CandidatesState {
    /// The line of `release`, if any number of it was ever reserved.
    pub fn release_state(&self, release: &Version) -> Option<&ReleaseState> {
        self.releases.iter().find(|line| line.release == *release)
    }

    /// The newest release that has a candidate.
    pub fn newest(&self) -> Option<&ReleaseState> {
        self.releases
            .iter()
            .filter(|line| line.minted)
            .max_by(|a, b| (a.position, &a.release).cmp(&(b.position, &b.release)))
    }

    /// The number the next candidate of `release` gets.
    pub fn next_number(&self, release: &Version) -> u32 {
        self.release_state(release).map_or(1, |line| line.highest.saturating_add(1))
    }

    /// Whether `release` cannot be opened for `commit` any more.
    pub fn taken(&self, release: &Version, commit: Oid) -> bool {
        self.release_state(release).is_some_and(|line| line.minted)
            || self.reservations.iter().any(|r| r.version.release == *release && r.commit != commit)
    }

    /// What blocks a candidate, itself or its release.
    pub fn block(&self, tag: &TagName, release: &Version) -> Option<&Block> {
        // Asked of every candidate there is, and nearly always of none that is blocked.
        let release = (!self.blocks.is_empty()).then(|| release.to_string())?;
        self.blocks.iter().find(|block| block.target == tag.as_str() || block.target == release)
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// The event cannot follow this state.
    pub fn apply(&self, event: &CandidatesEvent) -> Result<CandidatesState, Impossible> {
        let mut next = self.clone();
        next.count =
            next.count.checked_add(1).ok_or_else(|| Impossible("there is no number left".to_owned()))?;
        match &event.what {
            CandidatesEventKind::Reserved { version, commit, trunk } => {
                // Numbers of foreign tags are passed over, so gaps are no mistake.
                let line = next.release_state(&version.release);
                if version.number <= line.map_or(0, |line| line.highest) {
                    return Err(Impossible(format!("{version} was reserved before")));
                }
                next.release_state_mut(&version.release).highest = version.number;
                if trunk.is_some() {
                    next.trunk.clone_from(trunk);
                }
                next.reservations.push(Reservation {
                    nonce: event.nonce.clone(),
                    version: version.clone(),
                    commit: *commit,
                    actor: event.actor.clone(),
                    at: event.at,
                });
            }
            CandidatesEventKind::Minted(minted) => {
                next.close_reservation(&minted.version, minted.commit)?;
                let line = next.release_state_mut(&minted.version.release);
                line.minted = true;
                if minted.position >= line.position {
                    line.trunk_commit = Some(minted.trunk_commit);
                    line.position = minted.position;
                }
            }
            CandidatesEventKind::Abandoned { version, commit, .. } => {
                next.close_reservation(version, *commit)?
            }
            CandidatesEventKind::Blocked { target, reason } => {
                next.blocks.retain(|block| block.target != *target);
                next.blocks.push(Block {
                    target: target.clone(),
                    actor: event.actor.clone(),
                    reason: reason.clone(),
                    at: event.at,
                });
            }
            CandidatesEventKind::Unblocked { target, .. } => {
                let before = next.blocks.len();
                next.blocks.retain(|block| block.target != *target);
                if next.blocks.len() == before {
                    return Err(Impossible(format!("{target} is not blocked")));
                }
            }
            CandidatesEventKind::Waived { commit, trunk_commit, reason } => {
                next.waivers.retain(|waiver| waiver.commit != *commit);
                next.waivers.push(Waiver {
                    commit: *commit,
                    trunk_commit: *trunk_commit,
                    actor: event.actor.clone(),
                    reason: reason.clone(),
                    at: event.at,
                });
            }
            CandidatesEventKind::Closed { release, .. } => {
                let open = next.release_state(release).is_some_and(|line| line.minted && !line.closed);
                if !open {
                    return Err(Impossible(format!("{release} is not an open release")));
                }
                next.release_state_mut(release).closed = true;
            }
            // Too many to be carried along; whoever asks reads the events.
            CandidatesEventKind::SignedOff { .. }
            | CandidatesEventKind::SignoffWithdrawn { .. }
            | CandidatesEventKind::Repaired { .. } => {}
        }
        Ok(next)
    }

    fn close_reservation(&mut self, version: &CandidateVersion, commit: Oid) -> Result<(), Impossible> {
        let index = self
            .reservations
            .iter()
            .position(|reserved| reserved.version == *version && reserved.commit == commit)
            .ok_or_else(|| Impossible(format!("{version} is not reserved for {}", commit.short())))?;
        self.reservations.remove(index);
        Ok(())
    }

    fn release_state_mut(&mut self, release: &Version) -> &mut ReleaseState {
        let index = self.releases.iter().position(|line| line.release == *release).unwrap_or_else(|| {
            self.releases.push(ReleaseState {
                release: release.clone(),
                trunk_commit: None,
                position: 0,
                highest: 0,
                minted: false,
                closed: false,
            });
            self.releases.len() - 1
        });
        &mut self.releases[index]
    }
}

impl Fold for CandidatesState {
    type Event = CandidatesEvent;

    fn after(&self, event: &CandidatesEvent) -> Result<CandidatesState, Impossible> {
        self.apply(event)
    }

    fn restates(event: &CandidatesEvent) -> bool {
        matches!(event.what, CandidatesEventKind::Repaired { .. })
    }
}
