//! Any text as a tag's message: nothing panics, and a candidate that is read
//! is read the same once it was written again.

#![no_main]

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use rel::domain::candidate::{Candidate, NotACandidate, TagFacts};
use rel::domain::name::{Actor, Oid};

fuzz_target!(|message: &str| {
    let candidate = match read(message) {
        Ok(candidate) => candidate,
        Err(not) => {
            assert!(!not.to_string().is_empty());
            return;
        }
    };
    // The writer drops control characters, and the message ends in a value: a
    // record that it would not have written is only read.
    let plain = |c: char| c == '\n' || !c.is_control();
    if !message.chars().all(plain)
        || candidate.nonce.is_empty()
        || candidate.nonce.ends_with(char::is_whitespace)
    {
        return;
    }
    // What people may write before a record cannot become a part of it.
    for text in ["", message, "Rel-Schema: 1\n\n"] {
        assert_eq!(read(&candidate.message(text)).as_ref(), Ok(&candidate));
    }
});

fn read(message: &str) -> Result<Candidate, NotACandidate> {
    let facts = TagFacts {
        tag: "v1.0.0-rc.1".parse().unwrap(),
        commit: Oid::from_bytes([1; Oid::BYTES]),
        tagger: Actor::new("A", "a@example.com"),
        at: DateTime::<Utc>::UNIX_EPOCH,
        signed: false,
    };
    Candidate::parse(facts, message)
}
