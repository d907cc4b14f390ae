//! The record in a candidate's tag: written, read back, and not to be forged.

use proptest::prelude::*;

use super::{minute, oid, person};
use crate::domain::artifact::{Artifact, Reference, check_name};
use crate::domain::candidate::{Candidate, NotACandidate, Pick, TagFacts};
use crate::domain::name::{Oid, Sha256};

fn digest(n: u8) -> Sha256 {
    Sha256::from_bytes([n; 32])
}

fn facts() -> TagFacts {
    TagFacts {
        tag: "v1.5.0-rc.2".parse().unwrap(),
        commit: oid(1),
        tagger: person("kim"),
        at: minute(0),
        signed: false,
    }
}

fn plain() -> Candidate {
    let TagFacts { tag, commit, tagger, at, signed } = facts();
    Candidate {
        tag,
        project: "shop".parse().unwrap(),
        version: "1.5.0-rc.2".parse().unwrap(),
        commit,
        trunk_commit: oid(2),
        parent: Some("v1.5.0-rc.1".parse().unwrap()),
        picks: vec![Pick { source: oid(3), commit: oid(4) }],
        artifacts: vec![Artifact { name: "my app (1).zip".into(), digest: digest(5), size: 7 }],
        references: vec![Reference {
            name: "web".into(),
            uri: format!("r.io/web@{}", digest(6)),
            digest: digest(6),
        }],
        store: "git".into(),
        provenance: Some(digest(8)),
        nonce: "0b9e".into(),
        created_at: at,
        actor: tagger,
        signed,
    }
}

fn read(message: &str) -> Result<Candidate, NotACandidate> {
    Candidate::parse(facts(), message)
}

fn broken(message: &str) -> String {
    match read(message) {
        Err(NotACandidate::Broken(why)) => why,
        other => panic!("{other:?} from {message:?}"),
    }
}

#[test]
fn a_message_is_text_and_one_block_of_trailers() {
    let long = |pair: &str| pair.repeat(32);
    let message = plain().message("shop 1.5.0-rc.2\n\nTwo fixes.\n\n\n");
    let expected = format!(
        "shop 1.5.0-rc.2\n\nTwo fixes.\n\nRel-Schema: 1\nRel-Project: shop\nRel-Release: 1.5.0\n\
         Rel-Candidate: 2\nRel-Trunk: {}\nRel-Parent: v1.5.0-rc.1\nRel-Picked: {} as {}\n\
         Rel-Artifact: sha256:{} 7 my app (1).zip\nRel-Reference: r.io/web@sha256:{} web\n\
         Rel-Store: git\nRel-Provenance: sha256:{}\nRel-Nonce: 0b9e\n",
        "02".repeat(20),
        "03".repeat(20),
        "04".repeat(20),
        long("05"),
        long("06"),
        long("08"),
    );
    assert_eq!(message, expected);
    assert_eq!(read(&message), Ok(plain()));
}

#[test]
fn text_cannot_forge_the_record() {
    let honest = plain();
    let mut other = plain();
    other.artifacts[0].digest = digest(66);
    let forged = other.message("x");
    for text in [
        forged.as_str(),
        &format!("{forged}\n\n"),
        "Rel-Schema: 1\nRel-Trunk: 0000",
        "Rel-Schema: 99",
        "subject\n\nRel-Artifact: sha256:00 1 evil",
        "",
        "\n\n\n",
        "ends in blanks \r\n\r\n \t\n",
    ] {
        assert_eq!(read(&honest.message(text)).as_ref(), Ok(&honest), "{text:?}");
    }
    // Nor can a value begin a line of its own.
    let mut sly = plain();
    sly.store = format!("git\n\n{forged}");
    let read_back = read(&sly.message("x")).unwrap();
    assert_eq!(read_back.artifacts, honest.artifacts);
    sly = plain();
    sly.nonce = "n\nRel-Provenance: sha256:00\n\n".into();
    assert_eq!(read(&sly.message("x")).unwrap().provenance, honest.provenance);
}

#[test]
fn blank_lines_that_git_adds_or_drops_do_not_matter() {
    let message = plain().message("text");
    for variant in [message.trim_end().to_owned(), format!("{message}\n\n"), format!("{message} \n")] {
        assert_eq!(read(&variant), Ok(plain()), "{variant:?}");
    }
}

#[test]
fn other_tags_are_foreign() {
    for text in ["", "v1.0.0", "a tag\n\nSigned-off-by: kim", "Rel-Schema 1", "x\n\nRel-Project: shop"] {
        assert_eq!(read(text), Err(NotACandidate::Foreign), "{text:?}");
    }
    let followed = format!("{}\nSomebody's own paragraph", plain().message("x"));
    assert_eq!(read(&followed), Err(NotACandidate::Foreign));
}

#[test]
fn a_newer_schema_is_told_from_damage() {
    let message = plain().message("x");
    let newer = message.replace("Rel-Schema: 1", "Rel-Schema: 2");
    assert_eq!(read(&newer), Err(NotACandidate::Newer("2".into())));
    // Whatever its lines look like.
    assert_eq!(read("x\n\nRel-Schema: 10\n{json}"), Err(NotACandidate::Newer("10".into())));
    for damaged in ["", "one", "01", "-1", "1 "] {
        broken(&message.replace("Rel-Schema: 1\n", &format!("Rel-Schema: {damaged}\n")));
    }
}

#[test]
fn damage_is_never_read_around() {
    let message = plain().message("x");
    for key in ["Rel-Project", "Rel-Release", "Rel-Candidate", "Rel-Trunk", "Rel-Store", "Rel-Nonce"] {
        let without: String =
            message.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        assert_eq!(broken(&without), format!("no trailer {key}"));
        let line = message.lines().find(|line| line.starts_with(key)).unwrap();
        assert_eq!(broken(&format!("{message}{line}\n")), format!("more than one trailer {key}"));
    }
    for key in ["Rel-Parent", "Rel-Provenance"] {
        let line = message.lines().find(|line| line.starts_with(key)).unwrap();
        assert_eq!(broken(&format!("{message}{line}\n")), format!("more than one trailer {key}"));
    }
    let changes = [
        ("Rel-Project: shop", "Rel-Project: Shop"),
        ("Rel-Release: 1.5.0", "Rel-Release: 1.5.0-x"),
        ("Rel-Release: 1.5.0", "Rel-Release: 01.5.0"),
        ("Rel-Candidate: 2", "Rel-Candidate: 0"),
        ("Rel-Candidate: 2", "Rel-Candidate: +2"),
        ("Rel-Candidate: 2", "Rel-Candidate: 02"),
        ("Rel-Trunk: 02", "Rel-Trunk: 0x"),
        (" as ", " to "),
        ("Rel-Artifact: sha256:", "Rel-Artifact: md5:"),
        (" 7 my app", " -7 my app"),
        (" 7 my app", " +7 my app"),
        (" 7 my app", " 07 my app"),
        ("my app (1).zip", "../../etc/passwd"),
        ("my app (1).zip", ""),
        ("my app (1).zip", "a\rb"),
        ("my app (1).zip", " x"),
        ("Rel-Store: git", "Rel-Store"),
        ("r.io/web@sha256:", "r.io/web:"),
    ];
    for (from, to) in changes {
        assert!(message.contains(from), "{from}");
        broken(&message.replace(from, to));
    }
    let line = message.lines().find(|line| line.starts_with("Rel-Artifact")).unwrap();
    assert!(broken(&format!("{message}{line}\n")).contains("two artifacts"));
}

#[test]
fn trailers_that_are_not_known_yet_are_passed_over() {
    let message = format!("{}Rel-Mood: good\n", plain().message("x"));
    assert_eq!(read(&message), Ok(plain()));
}

fn any_oid() -> impl Strategy<Value = Oid> {
    any::<[u8; 20]>().prop_map(Oid::from_bytes)
}

fn any_digest() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::from_bytes)
}

fn any_artifact() -> impl Strategy<Value = Artifact> {
    let name = "[^/\\\\\\p{Cc}]{1,20}|[a-z]{1,3} : [a-z]|ünï 包 .zip|Rel-Nonce: x|a\u{2028}b|a\u{a0}b"
        .prop_filter("fit for an artifact", |name| check_name(name).is_ok());
    (name, any_digest(), any::<u64>()).prop_map(|(name, digest, size)| Artifact { name, digest, size })
}

fn any_reference() -> impl Strategy<Value = Reference> {
    ("[^\\p{Cc}\\s=]{1,12}", "[a-z.]{1,8}(/[a-z]{1,5}){0,2}(:[a-z0-9]{1,4})?", any_digest())
        .prop_map(|(name, place, digest)| Reference { name, uri: format!("{place}@{digest}"), digest })
}

prop_compose! {
    fn any_candidate()(
        project in "[a-z0-9][a-z0-9-]{0,8}",
        version in "(0|[1-9][0-9]{0,3})(\\.(0|[1-9][0-9]{0,5})){0,3}-rc\\.[1-9][0-9]{0,3}",
        trunk_commit in any_oid(),
        parent in proptest::option::of("v[0-9]\\.[0-9]-rc\\.[1-9]"),
        picks in proptest::collection::vec((any_oid(), any_oid()), 0..3),
        artifacts in proptest::collection::btree_map(any::<u8>(), any_artifact(), 0..4),
        references in proptest::collection::vec(any_reference(), 0..3),
        store in "git|file:///[a-z ]{0,8}[a-z]|s3://[a-z]{1,8}/[a-z: ]{0,8}x",
        provenance in proptest::option::of(any_digest()),
        nonce in "[0-9a-f]{1,32}",
    ) -> Candidate {
        let mut artifacts: Vec<Artifact> = artifacts.into_values().collect();
        artifacts.sort_by(|a, b| a.name.cmp(&b.name));
        artifacts.dedup_by(|a, b| a.name == b.name);
        Candidate {
            project: project.parse().unwrap(),
            version: version.parse().unwrap(),
            trunk_commit,
            parent: parent.map(|tag| tag.parse().unwrap()),
            picks: picks.into_iter().map(|(source, commit)| Pick { source, commit }).collect(),
            artifacts,
            references,
            store,
            provenance,
            nonce,
            ..plain()
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(candidate in any_candidate(), text in "(?s).{0,60}") {
        prop_assert_eq!(read(&candidate.message(&text)), Ok(candidate));
    }

    #[test]
    fn a_copy_that_is_kept_reads_the_same(candidate in any_candidate()) {
        let kept = postcard::to_stdvec(&candidate).unwrap();
        prop_assert_eq!(postcard::from_bytes(&kept), Ok(candidate));
    }

    #[test]
    fn whatever_is_read_is_refused_in_words(message in "(?s)(x\n\n)?(Rel-[A-Z][a-z]{2,8}: [ -~]{0,20}\n){0,6}.{0,10}") {
        if let Err(NotACandidate::Broken(why)) = read(&format!("x\n\nRel-Schema: 1\n{message}")) {
            prop_assert!(!why.is_empty());
        }
    }
}
