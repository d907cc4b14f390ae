//! What is asked on a terminal, and how to do it without being asked.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use nix::pty::openpty;

use crate::repo::{Desk, Shop};

/// Runs `rel` at a terminal where somebody types `answer`; what it says there.
fn at_a_terminal(desk: &Desk<'_>, args: &[&str], answer: &str) -> String {
    let pty = openpty(None, None).expect("a terminal");
    let mut command = desk.command(args);
    command
        .env("TERM", "dumb")
        .stdin(pty.slave.try_clone().unwrap())
        .stdout(Stdio::piped())
        .stderr(pty.slave);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut master = File::from(pty.master);
    master.write_all(answer.as_bytes()).unwrap();
    let mut said = Vec::new();
    let mut bytes = [0; 4096];
    // A terminal that nobody has open any more is an error and no end.
    while let Ok(read @ 1..) = master.read(&mut bytes) {
        said.extend_from_slice(&bytes[..read]);
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(child.wait().unwrap().success(), "{said}");
    said
}

#[test]
fn what_was_answered_can_be_typed_as_a_whole_the_next_time() {
    let shop = Shop::new();
    let ana = shop.ana();
    let first = ana.cut(&[]);
    let said = at_a_terminal(&ana, &["deploy", "staging", "--reason", "a look"], "y\n");
    assert!(said.contains(&format!("unasked: rel deploy staging {first} --reason 'a look' --yes")), "{said}");
    assert_eq!(ana.live("staging"), first);
    ana.reconfigure("deploy = \"./deploy.sh\"", "confirm = \"name\"\ndeploy = \"./deploy.sh\"");
    let second = ana.cut(&[]);
    let said = at_a_terminal(&ana, &["deploy", "staging"], "staging\n");
    assert!(said.contains(&format!("unasked: rel deploy staging {second} --yes")), "{said}");
    let said = at_a_terminal(&ana, &["rollback", "staging"], "y\n");
    assert!(said.contains(&format!("unasked: rel rollback staging --from {second} --yes")), "{said}");
    assert_eq!(ana.live("staging"), first);
    // Where nothing is asked there is nothing to tell.
    let said = at_a_terminal(
        &ana,
        &["deploy", "staging", &first, "--redeploy", "--yes", "--take-over", "3", "--reason", "x"],
        "",
    );
    assert!(!said.contains("unasked"), "{said}");
}
