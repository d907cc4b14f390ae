//! A notes tree in which anything may stand: nothing panics or takes forever,
//! and what comes of it is in order.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rel::domain::name::Oid;
use rel::store::chain::NoteLine;
use rel::store::fuzzing::{self, Memory};
use rel::store::notes::CAP;

/// Objects of which the last is the tree. Each may hold those before it, and
/// several times, as a tree made by hand can.
#[derive(Debug, Arbitrary)]
struct Input<'a> {
    objects: Vec<Object<'a>>,
    lines: Vec<Line<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Object<'a> {
    Blob(&'a [u8]),
    Tree(Vec<Entry<'a>>),
    /// A tree's bytes as they come.
    Raw(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
struct Entry<'a> {
    mode: Mode,
    name: Name<'a>,
    /// Which of the objects before it.
    of: u8,
}

#[derive(Debug, Arbitrary)]
enum Mode {
    File,
    Executable,
    Link,
    Folder,
    Module,
}

#[derive(Debug, Arbitrary)]
enum Name<'a> {
    /// Some of the digits of a commit.
    Digits {
        commit: u8,
        from: u8,
        count: u8,
    },
    Any(&'a [u8]),
}

#[derive(Debug, Arbitrary)]
struct Line<'a> {
    commit: u8,
    number: Option<u8>,
    text: &'a str,
}

thread_local! {
    static MEMORY: Memory = Memory::new();
}

fuzz_target!(|input: Input| {
    MEMORY.with(|memory| {
        check(memory, &input);
        memory.forget();
    });
});

fn check(memory: &Memory, input: &Input) {
    let repo = memory.repo();
    let tree = object(memory, &input.objects);
    let lines: Vec<NoteLine> = input.lines.iter().map(line).collect();
    let proper = lines.iter().all(|line| !line.line.contains(|c: char| c < ' '));
    let _ = fuzzing::is_what_they_come_to(repo, tree, &lines);
    if let Ok(after) = fuzzing::append(repo, Some(tree), &lines) {
        assert!(proper);
        let paths = fuzzing::paths(repo, after);
        let tidy = |path: &str| path.len() == 41 && path.as_bytes()[2] == b'/';
        assert!(paths.iter().all(|(path, _)| tidy(path)), "{paths:?}");
        assert!(paths.len() <= CAP.max(lines.len()));
        for NoteLine { commit, .. } in &lines {
            let name = commit.to_string();
            assert!(paths.iter().any(|(path, _)| *path == format!("{}/{}", &name[..2], &name[2..])));
        }
        assert_eq!(fuzzing::append(repo, Some(after), &[]).unwrap(), after);
    }
    if proper {
        // As a chain's commits do it: each appends to the tree of the one before it.
        let mut tree = fuzzing::append(repo, None, &[]).unwrap();
        for line in &lines {
            tree = fuzzing::append(repo, Some(tree), std::slice::from_ref(line)).unwrap();
        }
        assert!(fuzzing::is_what_they_come_to(repo, tree, &lines).unwrap());
    }
}

/// Writes the objects; the last one of them, or the empty tree.
fn object(memory: &Memory, objects: &[Object]) -> Oid {
    let repo = memory.repo();
    let mut written = vec![fuzzing::tree(repo, b"").unwrap()];
    for object in objects {
        written.push(match object {
            Object::Blob(data) => fuzzing::blob(repo, data).unwrap(),
            Object::Raw(data) => fuzzing::tree(repo, data).unwrap(),
            Object::Tree(entries) => {
                let mut data = Vec::new();
                for entry in entries {
                    let mode = match entry.mode {
                        Mode::File => "100644 ",
                        Mode::Executable => "100755 ",
                        Mode::Link => "120000 ",
                        Mode::Folder => "40000 ",
                        Mode::Module => "160000 ",
                    };
                    data.extend_from_slice(mode.as_bytes());
                    match entry.name {
                        Name::Any(name) => data.extend_from_slice(name),
                        Name::Digits { commit, from, count } => {
                            let name = oid(commit).to_string();
                            let from = usize::from(from) % name.len();
                            let to = (from + usize::from(count)).min(name.len());
                            data.extend_from_slice(&name.as_bytes()[from..to]);
                        }
                    }
                    data.push(0);
                    data.extend_from_slice(written[usize::from(entry.of) % written.len()].as_bytes());
                }
                fuzzing::tree(repo, &data).unwrap()
            }
        });
    }
    written.pop().unwrap()
}

fn line(line: &Line) -> NoteLine {
    let text = match line.number {
        Some(number) => format!(r#"{{"id":"prod#{number}","text":{:?}}}"#, line.text),
        None => line.text.to_owned(),
    };
    NoteLine { commit: oid(line.commit), line: text }
}

fn oid(n: u8) -> Oid {
    Oid::from_bytes([n; Oid::BYTES])
}
