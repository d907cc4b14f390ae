//! What changes are counted from.

use super::oid;
use crate::domain::candidates::Minted;
use crate::domain::since::{Counted, Milestone, MilestoneKind, Since, highest, is_before};
use crate::domain::spelled::Spelled;

/// `reached 1.2.0`: a release as far as it got; `recorded` of one without a version.
fn milestone(text: &str) -> Milestone {
    let (word, version) = text.split_once(' ').unwrap();
    let kind = match word {
        "made" => MilestoneKind::Made,
        "tagged" => MilestoneKind::Tagged,
        "reached" | "recorded" => MilestoneKind::Reached,
        _ => panic!("{word}"),
    };
    let spelled = Spelled::read(version);
    let numbers = version.split('-').next().unwrap();
    let since = match word {
        "recorded" => {
            Since::Baseline { tag: version.parse().unwrap(), version: None, release: None, commit: oid(1) }
        }
        _ => Since::Release {
            release: numbers.parse().unwrap(),
            text: version.to_owned(),
            commit: oid(1),
            candidate: None,
        },
    };
    Milestone { since, rank: spelled.map(|spelled| spelled.rank()), kind }
}

#[test]
fn the_highest_version_is_counted_from() {
    for (what, milestones, of_versions, of_releases) in [
        ("nothing", &[][..], "the beginning", "the beginning"),
        ("what is ours and went nowhere", &["made 0.2.0"], "0.2.0", "the beginning"),
        ("a bot's lower tag", &["reached 0.2.0", "tagged 0.1.5"], "0.2.0", "0.2.0"),
        ("another's higher tag", &["made 0.2.0", "tagged 0.3.0"], "0.3.0", "0.3.0"),
        ("one that no environment is known to have", &["reached 0.2.0", "tagged 0.3.0"], "0.3.0", "0.2.0"),
        ("a maintenance line's, tagged later", &["tagged 2.0.0", "tagged 1.9.1"], "2.0.0", "2.0.0"),
        ("a pre-release", &["tagged 1.0.0", "made 1.1.0-rc.0"], "1.1.0-rc.0", "1.0.0"),
        ("and its release, from a branch", &["made 1.1.0-rc.0", "reached 1.1.0"], "1.1.0", "1.1.0"),
        ("what has no version", &["recorded by-hand"], "by-hand", "by-hand"),
        ("is never counted on from", &["recorded by-hand", "tagged 1.0.0"], "1.0.0", "by-hand"),
        ("of two, the later", &["recorded one", "recorded two"], "two", "two"),
    ] {
        let milestones: Vec<Milestone> = milestones.iter().copied().map(milestone).collect();
        let of = |counted| highest(milestones.clone(), counted).to_string();
        assert_eq!(of(Counted::Versions), of_versions, "{what}");
        assert_eq!(of(Counted::Releases), of_releases, "{what}");
    }
}

#[test]
fn the_base_is_another_release_and_an_earlier_one() {
    let minted = |version: &str, position| Minted {
        tag: format!("v{version}").parse().unwrap(),
        tag_object: oid(b't'),
        version: version.to_owned().try_into().unwrap(),
        commit: oid(b'c'),
        trunk_commit: oid(b'c'),
        position,
        parent: None,
    };
    let of = minted("1.6.0-rc.2", 7);
    for (winner, before) in [
        (minted("1.5.0-rc.3", 3), true),
        (minted("1.7.0-rc.1", 3), true),
        (minted("1.5.9-rc.1", 7), true),
        (minted("1.6.1-rc.1", 7), false),
        (minted("1.5.0-rc.1", 8), false),
        (minted("1.6.0-rc.1", 3), false),
    ] {
        assert_eq!(is_before(&winner, &of), before, "{winner:?}");
    }
}
