//! Any bytes as a commit of a chain: nothing panics, and what is read is read
//! the same once it was written again.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use rel::domain::candidates::CandidatesState;
use rel::domain::env::EnvState;
use rel::store::chain::Body;
use rel::store::fuzzing;
use rel::store::ledger::State;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const HEAD: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
    author A <a@example.com> 0 +0000\ncommitter A <a@example.com> 0 +0000\n\n";

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct Record<E, S> {
    v: u64,
    event: E,
    state: S,
}

fuzz_target!(|data: &[u8]| {
    let message = [HEAD, data].concat();
    for raw in [data, &message] {
        read::<EnvState>(raw);
        read::<CandidatesState>(raw);
    }
});

fn read<S: State + Debug>(raw: &[u8])
where
    S::Event: Debug + PartialEq,
{
    let Some(found) = fuzzing::commit::<S>(raw) else { return };
    match &found.body {
        Body::Broken(why) => assert!(!why.is_empty()),
        Body::Record { v: 1, line } => {
            // The short ways to one half of a record and the long way come to the same.
            if let Ok(whole) = serde_json::from_str::<Record<S::Event, S>>(line) {
                assert_eq!(found.event.as_ref(), Some(&whole.event));
                assert_eq!(found.state.as_ref(), Some(&whole.state));
            }
        }
        Body::Record { .. } | Body::Foreign => {}
    }
    if let Some(event) = &found.event {
        assert_eq!(&again(event), event);
    }
    if let Some(state) = &found.state {
        assert_eq!(&again(state), state);
    }
    let (Some(event), Some(state)) = (&found.event, &found.state) else { return };
    if let Ok(after) = state.after(event) {
        assert_eq!(again(&after), after);
        let line = serde_json::to_string(&Record { v: 1, event, state: &after }).unwrap();
        let subject: String = S::subject(event).chars().filter(|c| !c.is_control()).collect();
        let written = [HEAD, format!("{subject} \n\n{line}\n").as_bytes()].concat();
        let found = fuzzing::commit::<S>(&written).unwrap();
        assert_eq!(found.body, Body::Record { v: 1, line });
        assert_eq!((found.event.as_ref(), found.state), (Some(event), Some(after)));
    }
}

/// Written and read back.
fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    assert!(!text.contains('\n'));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
