//! Releases and their candidates, newest first.

use chrono::{DateTime, Utc};

use super::log::person_cell;
use super::noted::Noted;
use super::plan::count;
use super::screen::Screen;
use super::text::truncate;
use super::time;
use crate::domain::name::EnvName;
use crate::domain::report::list::{BuildReport, BuildState, ListedCandidate, ListedTag, ReleaseReport};

/// The most columns of why a build failed; `show` has all of it.
const REASON_WIDTH: usize = 60;

/// The releases in the order given, with the numbers that failed or are being built in their place.
pub fn releases(
    screen: &Screen,
    releases: &[ReleaseReport],
    builds: &[BuildReport],
    now: DateTime<Utc>,
) -> String {
    let mut noted = Noted::new(&["release", "candidate", "commit", "made", "by", "live"]);
    let mut builds: Vec<&BuildReport> =
        builds.iter().filter(|build| build.state != BuildState::Abandoned).collect();
    builds.sort_by(|a, b| b.version.cmp(&a.version));
    let is_of =
        |build: &BuildReport, release: &ReleaseReport| build.version.release.to_string() == release.release;
    let mut last = None;
    // Of a release that is not there yet nothing was made: it comes first.
    for build in builds.iter().filter(|build| !releases.iter().any(|release| is_of(build, release))) {
        let first = last.replace(&build.version.release) != Some(&build.version.release);
        push_build(&mut noted, screen, build, first, now);
    }
    for release in releases {
        let mut own = builds.iter().filter(|build| is_of(build, release)).peekable();
        let mut first = true;
        for (index, candidate) in release.candidates.iter().enumerate() {
            let number = match &candidate.tag {
                ListedTag::Read(read) => Some(read.record.version.number),
                ListedTag::Unread(unread) => unread.number,
            };
            while let Some(build) =
                own.next_if(|build| number.is_some_and(|number| build.version.number > number))
            {
                push_build(&mut noted, screen, build, std::mem::take(&mut first), now);
            }
            push_candidate(
                &mut noted,
                screen,
                release,
                candidate,
                (std::mem::take(&mut first), index == 0),
                now,
            );
        }
        own.for_each(|build| push_build(&mut noted, screen, build, false, now));
    }
    noted.render(screen.width())
}

fn push_build(noted: &mut Noted, screen: &Screen, build: &BuildReport, first: bool, now: DateTime<Utc>) {
    let remark = match (&build.reason, build.state) {
        (_, BuildState::Reserved) => "being built".to_owned(),
        // It begins with what the other columns say.
        (Some(reason), _) => {
            let why = reason.rsplit_once(" failed: ").map_or(&**reason, |(_, why)| why);
            format!("failed: {}", truncate(why, REASON_WIDTH))
        }
        (None, _) => "failed".to_owned(),
    };
    let release = build.version.release.to_string();
    noted.push(
        vec![
            if first { screen.strong(&release) } else { String::new() },
            screen.dim(build.tag.as_str()),
            build.commit.short(),
            time::ago(now, build.at),
            person_cell(screen, &build.actor, None),
            String::new(),
        ],
        &[remark],
    );
}

fn push_candidate(
    noted: &mut Noted,
    screen: &Screen,
    release: &ReleaseReport,
    candidate: &ListedCandidate,
    (begins, newest): (bool, bool),
    now: DateTime<Utc>,
) {
    let (tag, commit, actor, created_at) = match &candidate.tag {
        ListedTag::Read(read) => {
            let record = &read.record;
            (&record.tag, record.commit, Some(&record.actor), Some(record.created_at))
        }
        ListedTag::Unread(unread) => (&unread.tag, unread.commit, unread.actor.as_ref(), unread.created_at),
    };
    let live: Vec<&str> = candidate.live.iter().map(EnvName::as_str).collect();
    noted.push(
        vec![
            if begins { screen.strong(&release.release) } else { String::new() },
            if candidate.block.is_some() { screen.bad(tag.as_str()) } else { tag.to_string() },
            commit.short(),
            created_at.map_or("-".to_owned(), |at| time::ago(now, at)),
            match actor {
                _ if candidate.foreign => "not by rel".to_owned(),
                Some(who) => person_cell(screen, who, None),
                None => "-".to_owned(),
            },
            screen.env(&live.join(", ")),
        ],
        &remarks(release, candidate, newest),
    );
}

fn remarks(release: &ReleaseReport, candidate: &ListedCandidate, first: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if candidate.released {
        remarks.push("released".to_owned());
    } else if first && release.closed && !release.candidates.iter().any(|other| other.released) {
        remarks.push("closed".to_owned());
    }
    if let Some(block) = &candidate.block {
        remarks.push(format!("blocked by {}: \"{}\"", block.actor.name, block.reason));
    }
    match &candidate.tag {
        ListedTag::Read(read) if !read.record.picks.is_empty() => {
            let onto = read.record.parent.as_ref().map_or(String::new(), |parent| format!(" onto {parent}"));
            remarks.push(format!("{}{onto}", count(read.record.picks.len(), "pick", "picks")));
        }
        ListedTag::Unread(unread) => {
            remarks.extend(unread.damaged.iter().map(|why| format!("damaged: {why}")))
        }
        ListedTag::Read(_) => {}
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{actor, oid, record, screen, time};
    use super::*;
    use crate::domain::candidate::{Candidate, Pick};
    use crate::domain::candidates::Block;
    use crate::domain::report::candidate::{BlockReport, CandidateReport};
    use crate::domain::report::list::UnreadCandidate;

    fn entry(tag: ListedTag, block: Option<&Block>) -> ListedCandidate {
        let block = block.map(BlockReport::from);
        ListedCandidate { tag, foreign: false, block, live: Vec::new(), released: false }
    }

    fn ours(record: Candidate, block: Option<&Block>) -> ListedCandidate {
        entry(ListedTag::Read(Box::new(CandidateReport::new(record, block, |_| None))), block)
    }

    fn all() -> Vec<ReleaseReport> {
        let block = Block {
            target: "v1.6.0-rc.1".to_owned(),
            actor: actor("kim"),
            reason: "leaks every session of every customer".to_owned(),
            at: time("23T13:00"),
        };
        let mut picked = record("1.5.0-rc.2");
        picked.parent = Some("v1.5.0-rc.1".parse().unwrap());
        picked.picks = vec![Pick { source: oid(2), commit: oid(3) }];
        let unread = |version: &str, commit| {
            UnreadCandidate::new(
                format!("v{version}").parse().unwrap(),
                version.to_owned(),
                oid(commit),
                false,
            )
        };
        let damaged = ListedTag::Unread(Box::new(UnreadCandidate {
            number: Some(1),
            damaged: Some("it is gone".to_owned()),
            ..unread("1.5.0-rc.1", 5)
        }));
        let foreign = ListedTag::Unread(Box::new(unread("1.4.0", 6)));
        vec![
            ReleaseReport {
                release: "1.6.0".to_owned(),
                closed: false,
                candidates: vec![
                    ListedCandidate {
                        live: vec!["staging".parse().unwrap()],
                        ..ours(record("1.6.0-rc.2"), None)
                    },
                    ours(record("1.6.0-rc.1"), Some(&block)),
                ],
            },
            ReleaseReport {
                release: "1.5.0".to_owned(),
                closed: true,
                candidates: vec![
                    ListedCandidate {
                        live: vec!["prod".parse().unwrap(), "eu".parse().unwrap()],
                        released: true,
                        ..ours(picked, None)
                    },
                    entry(damaged, None),
                ],
            },
            ReleaseReport {
                release: "1.4.0".to_owned(),
                closed: true,
                candidates: vec![ListedCandidate { foreign: true, ..entry(foreign, None) }],
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
            assert_eq!(releases(&screen(width), &all(), &[], time("23T14:00")), expected, "{width:?}");
        }
    }

    #[test]
    fn at_80_columns_long_remarks_stand_below() {
        assert_eq!(
            releases(&screen(Some(80)), &all(), &[], time("23T14:00")),
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
        let document = serde_json::to_value(&all[2].candidates[0]).unwrap();
        assert_eq!(document["foreign"], true);
        assert_eq!((&document["tag"], &document["version"]), (&"v1.4.0".into(), &"1.4.0".into()));
        for null in ["number", "trunk_commit", "picks", "artifacts", "created_at", "actor"] {
            assert!(document[null].is_null(), "{null}");
        }
        let ours = serde_json::to_value(&all[0].candidates[1]).unwrap();
        assert_eq!((&ours["foreign"], &ours["blocked"]), (&false.into(), &true.into()));
        let damaged = serde_json::to_value(&all[1].candidates[1]).unwrap();
        assert_eq!((&damaged["damaged"], &damaged["number"]), (&"it is gone".into(), &1.into()));
        assert!(damaged["artifacts"].is_null());
    }

    #[test]
    fn numbers_that_failed_or_are_being_built_stand_where_they_belong() {
        let build = |version: &str, state, reason: Option<&str>| BuildReport {
            tag: format!("v{version}").parse().unwrap(),
            state,
            actor: actor("ana"),
            at: time("23T12:00"),
            reason: reason.map(str::to_owned),
            version: version.parse().unwrap(),
            commit: oid(3),
        };
        let builds = [
            build("1.7.0-rc.1", BuildState::Reserved, None),
            build("1.6.0-rc.3", BuildState::Failed, Some("the build of v1.6.0-rc.3 failed: exit 3")),
            build("1.5.0-rc.3", BuildState::Abandoned, Some("v1.5.0-rc.2 was first")),
        ];
        let text = releases(&screen(None), &all(), &builds, time("23T14:00"));
        let lines: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(
            lines,
            [
                "RELEASE  CANDIDATE    COMMIT   MADE     BY          LIVE      NOTE",
                "1.7.0    v1.7.0-rc.1  3333333  2 h ago  ana                   being built",
                "1.6.0    v1.6.0-rc.3  3333333  2 h ago  ana                   failed: exit 3",
                "         v1.6.0-rc.2  1111111  2 h ago  ana         staging",
            ],
            "{text}"
        );
        assert!(!text.contains("v1.5.0-rc.3"), "{text}");
    }
}
