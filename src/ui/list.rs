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

/// A release, with its candidates, newest first.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its version; as its tags spell it, where they are all somebody else's.
    pub release: String,
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
                    if index == 0 { screen.strong(&release.release) } else { String::new() },
                    if entry.block.is_some() { screen.bad(tag.as_str()) } else { tag.to_string() },
                    commit.short(),
                    made.map_or("-".to_owned(), |(_, at)| time::ago(now, at)),
                    match (&entry.what, made) {
                        (What::Foreign(_), _) => "not by rel".to_owned(),
                        (_, Some((who, _))) => person_cell(screen, who, None),
                        (_, None) => "-".to_owned(),
                    },
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
        What::Damaged { why, .. } => remarks.push(format!("damaged: {why}")),
        What::Ours(_) | What::Foreign(_) => {}
    }
    remarks
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::status::tests::{actor, oid, screen, time};
    use super::*;
    use crate::domain::candidate::Pick;
    use crate::ui::json;

    pub(in crate::ui) fn record(version: &str) -> Candidate {
        Candidate {
            tag: format!("v{version}").parse().unwrap(),
            project: "shop".parse().unwrap(),
            version: version.to_owned().try_into().unwrap(),
            commit: oid(1),
            trunk_commit: oid(1),
            parent: None,
            picks: Vec::new(),
            artifacts: Vec::new(),
            references: Vec::new(),
            store: "git".to_owned(),
            provenance: None,
            nonce: "n".to_owned(),
            created_at: time("23T12:00"),
            actor: actor("ana"),
            signed: false,
        }
    }

    fn entry(what: What) -> Entry {
        Entry { what, block: None, live: Vec::new(), released: false }
    }

    fn all() -> Vec<Release> {
        let ours = |version: &str| entry(What::Ours(Box::new(record(version))));
        let block = Block {
            target: "v1.6.0-rc.1".to_owned(),
            actor: actor("kim"),
            reason: "leaks every session of every customer".to_owned(),
            at: time("23T13:00"),
        };
        let mut picked = record("1.5.0-rc.2");
        picked.parent = Some("v1.5.0-rc.1".parse().unwrap());
        picked.picks = vec![Pick { source: oid(2), commit: oid(3) }];
        let damaged = What::Damaged {
            minted: Box::new(Minted {
                tag: "v1.5.0-rc.1".parse().unwrap(),
                tag_object: oid(4),
                version: "1.5.0-rc.1".to_owned().try_into().unwrap(),
                commit: oid(5),
                trunk_commit: oid(5),
                position: 3,
                parent: None,
            }),
            made: None,
            why: "it is gone".to_owned(),
        };
        let foreign = Foreign {
            tag: "v1.4.0".parse().unwrap(),
            version: "1.4.0".to_owned(),
            number: None,
            commit: oid(6),
        };
        vec![
            Release {
                release: "1.6.0".to_owned(),
                closed: false,
                candidates: vec![
                    Entry { live: vec!["staging".parse().unwrap()], ..ours("1.6.0-rc.2") },
                    Entry { block: Some(block), ..ours("1.6.0-rc.1") },
                ],
            },
            Release {
                release: "1.5.0".to_owned(),
                closed: true,
                candidates: vec![
                    Entry {
                        live: vec!["prod".parse().unwrap(), "eu".parse().unwrap()],
                        released: true,
                        ..entry(What::Ours(Box::new(picked)))
                    },
                    entry(damaged),
                ],
            },
            Release {
                release: "1.4.0".to_owned(),
                closed: true,
                candidates: vec![entry(What::Foreign(foreign))],
            },
        ]
    }

    #[test]
    fn releases_with_their_candidates() {
        let expected = r#"RELEASE  CANDIDATE    COMMIT   MADE     BY          LIVE      NOTE
1.6.0    v1.6.0-rc.2  1111111  2 h ago  ana         staging
         v1.6.0-rc.1  1111111  2 h ago  ana                   blocked by kim: "leaks every session of every customer"
1.5.0    v1.5.0-rc.2  1111111  2 h ago  ana         prod, eu  released; 1 pick onto v1.5.0-rc.1
         v1.5.0-rc.1  5555555  -        -                     damaged: it is gone
1.4.0    v1.4.0       6666666  -        not by rel            closed"#;
        for width in [Some(200), None] {
            assert_eq!(releases(&screen(width), &all(), time("23T14:00")), expected, "{width:?}");
        }
    }

    #[test]
    fn at_80_columns_long_remarks_stand_below() {
        assert_eq!(
            releases(&screen(Some(80)), &all(), time("23T14:00")),
            r#"RELEASE  CANDIDATE    COMMIT   MADE     BY          LIVE      NOTE
1.6.0    v1.6.0-rc.2  1111111  2 h ago  ana         staging
         v1.6.0-rc.1  1111111  2 h ago  ana
    blocked by kim: "leaks every session of every customer"
1.5.0    v1.5.0-rc.2  1111111  2 h ago  ana         prod, eu
    released; 1 pick onto v1.5.0-rc.1
         v1.5.0-rc.1  5555555  -        -
    damaged: it is gone
1.4.0    v1.4.0       6666666  -        not by rel            closed"#
        );
    }

    #[test]
    fn what_only_rel_records_is_null_for_the_tags_of_others() {
        let all = all();
        let document = json::entry(&all[2].candidates[0], "1.4.0");
        assert_eq!(document["foreign"], true);
        assert_eq!((&document["tag"], &document["version"]), (&"v1.4.0".into(), &"1.4.0".into()));
        for null in ["number", "trunk_commit", "picks", "artifacts", "created_at", "actor"] {
            assert!(document[null].is_null(), "{null}");
        }
        let ours = json::entry(&all[0].candidates[1], "1.6.0");
        assert_eq!((&ours["foreign"], &ours["blocked"]), (&false.into(), &true.into()));
        let damaged = json::entry(&all[1].candidates[1], "1.5.0");
        assert_eq!((&damaged["damaged"], &damaged["number"]), (&"it is gone".into(), &1.into()));
        assert!(damaged["artifacts"].is_null());
    }
}
