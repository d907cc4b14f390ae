//! Releases and their candidates, newest first.

use chrono::{DateTime, Utc};

use super::log::person_cell;
use super::noted::Noted;
use super::plan::count;
use super::screen::Screen;
use super::time;
use crate::domain::candidate::Candidate;
use crate::domain::candidates::{Block, Minted};
use crate::domain::name::{Actor, EnvName, Oid, TagName};
use crate::domain::version::Version;

/// A release, with its candidates, newest first.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its version.
    pub release: Version,
    /// Whether it takes no more candidates: it reached a final environment,
    /// or somebody else tagged it.
    pub closed: bool,
    /// Its candidates.
    pub candidates: Vec<Entry>,
}

/// A candidate of a release.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is known of it.
    pub what: What,
    /// What blocks it.
    pub block: Option<Block>,
    /// Where it is live.
    pub live: Vec<EnvName>,
    /// Whether it is what its release was closed by.
    pub released: bool,
}

/// What is known of a candidate.
#[derive(Debug, Clone)]
pub enum What {
    /// All that its tag records.
    Ours(Box<Candidate>),
    /// Its tag is not the one that was minted.
    Damaged {
        /// What the chain says.
        minted: Box<Minted>,
        /// Who made it, and when.
        made: Option<(Actor, DateTime<Utc>)>,
        /// What is wrong.
        why: String,
    },
    /// Somebody else's version tag.
    Foreign(Foreign),
}

/// A version tag that `rel` did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its name.
    pub tag: TagName,
    /// Its version, without the tag's prefix: `1.2.3`, `1.2.3-beta.2`.
    pub version: String,
    /// The release it belongs to.
    pub release: Version,
    /// Its number, where it is spelled as a candidate's.
    pub number: Option<u32>,
    /// Its commit.
    pub commit: Oid,
}

/// The releases in the order given.
pub fn releases(screen: &Screen, releases: &[Release], now: DateTime<Utc>) -> String {
    let mut noted = Noted::new(&["release", "candidate", "commit", "made", "by", "live"]);
    for release in releases {
        for (index, entry) in release.candidates.iter().enumerate() {
            let (tag, commit, made) = match &entry.what {
                What::Ours(record) => (&record.tag, record.commit, Some((&record.actor, record.created_at))),
                What::Damaged { minted, made, .. } => {
                    (&minted.tag, minted.commit, made.as_ref().map(|(who, at)| (who, *at)))
                }
                What::Foreign(foreign) => (&foreign.tag, foreign.commit, None),
            };
            let live: Vec<&str> = entry.live.iter().map(EnvName::as_str).collect();
            noted.push(
                vec![
                    if index == 0 { screen.strong(&release.release.to_string()) } else { String::new() },
                    if entry.block.is_some() { screen.bad(tag.as_str()) } else { tag.to_string() },
                    commit.short(),
                    made.map_or("-".to_owned(), |(_, at)| time::ago(now, at)),
                    made.map_or("-".to_owned(), |(who, _)| person_cell(screen, who, None)),
                    screen.env(&live.join(", ")),
                ],
                &remarks(release, entry, index == 0),
            );
        }
    }
    noted.render(screen.width())
}

fn remarks(release: &Release, entry: &Entry, first: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if entry.released {
        remarks.push("released".to_owned());
    } else if first && release.closed && !release.candidates.iter().any(|other| other.released) {
        remarks.push("closed".to_owned());
    }
    if let Some(block) = &entry.block {
        remarks.push(format!("blocked by {}: \"{}\"", block.actor.name, block.reason));
    }
    match &entry.what {
        What::Ours(record) if !record.picks.is_empty() => {
            let onto = record.parent.as_ref().map_or(String::new(), |parent| format!(" onto {parent}"));
            remarks.push(format!("{}{onto}", count(record.picks.len(), "pick", "picks")));
        }
        What::Ours(_) => {}
        What::Damaged { why, .. } => remarks.push(format!("damaged: {why}")),
        What::Foreign(_) => remarks.push("not made by rel".to_owned()),
    }
    remarks
}
