//! What a killed git or a power cut leaves in a clone is told as a fault of
//! this clone: which file, and what to do. Nobody is sent offline for it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::output::Output;
use crate::repo::{Desk, Shop};

const CHAIN: &str = "refs/notes/rel/shop/env/staging";

/// What asks the authority, each in its own way.
const ASKING: [&[&str]; 6] = [
    &["status"],
    &["list"],
    &["deploy", "staging", "--redeploy", "--yes"],
    &["cut", "--again"],
    &["lock", "staging", "--reason", "stocktaking"],
    &["sync"],
];

/// A clone that knows less than the authority by one deployment.
fn behind(shop: &Shop) -> Desk<'_> {
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let ben = shop.clone_for("ben");
    ben.rel(&["status"]).ok();
    ana.deploy("staging", &["--redeploy"]);
    ben
}

/// Every asking verb fails with this exit code, names the file, and leaves the authority out of it.
#[track_caller]
fn told_as_local(desk: &Desk<'_>, asking: &[&[&str]], code: i32, file: &Path) -> Vec<Output> {
    let tell = |args: &&[&str]| {
        let before = desk.shop.refs();
        let output = desk.rel(args).code(code);
        assert!(output.stderr.contains(file.to_str().unwrap()), "{args:?} names the file: {output:?}");
        assert!(!output.stderr.contains("--offline"), "{args:?} works with the authority: {output:?}");
        assert!(!output.stderr.contains("could not read origin"), "{args:?}: {output:?}");
        assert_eq!(before, desk.shop.refs());
        output
    };
    asking.iter().map(tell).collect()
}

/// The file of an object; the objects of a young clone are in no pack.
fn object(desk: &Desk<'_>, rev: &str) -> PathBuf {
    let oid = desk.git(&["rev-parse", rev]);
    let oid = oid.trim();
    let file = desk.dir.join(".git/objects").join(&oid[..2]).join(&oid[2..]);
    assert!(file.exists(), "{rev} is in no pack");
    file
}

/// Runs the commands that an error told to type.
fn follow(desk: &Desk<'_>, output: &Output) {
    let commands: Vec<&str> = output
        .stderr
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(_, command)| command)
        .collect();
    for command in commands.iter().filter(|command| command.starts_with("rm ") || command.starts_with("git "))
    {
        let done =
            desk.shop.world.command("sh", &desk.person, &desk.dir).args(["-c", command]).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn a_lock_of_a_killed_git_is_named_with_how_to_take_it_away() {
    let shop = Shop::new();
    let ben = behind(&shop);
    let lock = ben.dir.join(format!(".git/{CHAIN}.lock"));
    fs::write(&lock, "").unwrap();
    // Each waits for two seconds, as another git may let go of it: some verbs, not all.
    let told = told_as_local(&ben, &ASKING[..3], 1, &lock);
    let line = format!("one that was killed has left it: rm -f {}", lock.display());
    assert!(told.iter().all(|output| output.stderr.contains(&line)), "{told:?}");
    follow(&ben, &told[0]);
    ben.rel(&["status"]).ok();
    ben.deploy("staging", &["--redeploy"]);
}

#[test]
fn a_lock_on_the_refs_of_the_only_repository_is_named_too() {
    let shop = Shop::over(crate::remote::Kind::Local, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let lock = ana.dir.join(format!(".git/{CHAIN}.lock"));
    fs::write(&lock, "").unwrap();
    for args in
        [&["deploy", "staging", &tag, "--redeploy", "--yes"][..], &["lock", "staging", "--reason", "x"]]
    {
        let output = ana.rel(args).code(1);
        assert!(output.stderr.contains(&format!("rm -f {}", lock.display())), "{output:?}");
    }
    fs::remove_file(&lock).unwrap();
    ana.deploy("staging", &["--redeploy"]);
}

#[test]
fn a_lock_on_packed_refs_keeps_nobody_from_appending() {
    let shop = Shop::new();
    let ben = behind(&shop);
    let lock = ben.dir.join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    ben.rel(&["status"]).ok();
    ben.deploy("staging", &["--redeploy"]);
}

#[test]
fn a_damaged_object_is_named_with_how_to_have_it_again() {
    for length in [0, 20] {
        for rev in [CHAIN, "refs/remotes/origin/main"] {
            let shop = Shop::new();
            let ben = behind(&shop);
            let ana = shop.ana();
            if rev != CHAIN {
                ana.commit("src/roof.txt", "a roof\n", "feat: a roof");
                ben.rel(&["status"]).ok();
                ana.commit("src/sign.txt", "a sign\n", "feat: a sign");
            }
            let file = object(&ben, rev);
            let whole = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            fs::write(&file, &whole[..length]).unwrap();
            let told = told_as_local(&ben, &ASKING, 9, &file);
            follow(&ben, &told[0]);
            ben.rel(&["status"]).ok();
            ben.deploy("staging", &["--redeploy"]);
        }
    }
}

#[test]
fn an_object_that_is_gone_is_fetched_again() {
    let shop = Shop::new();
    let ben = behind(&shop);
    fs::remove_file(object(&ben, CHAIN)).unwrap();
    ben.rel(&["status"]).ok();
    ben.deploy("staging", &["--redeploy"]);
}

#[test]
fn an_empty_ref_is_named_with_how_to_have_it_again() {
    let shop = Shop::new();
    let ben = behind(&shop);
    let file = ben.dir.join(format!(".git/{CHAIN}"));
    fs::write(&file, "").unwrap();
    let told = told_as_local(&ben, &ASKING, 1, &file);
    follow(&ben, &told[0]);
    ben.rel(&["status"]).ok();
    ben.deploy("staging", &["--redeploy"]);
}

#[test]
fn a_full_disk_is_a_fault_of_this_clone_and_not_tried_again() {
    let shop = Shop::new();
    let ben = behind(&shop);
    for args in ASKING {
        let mut command = shop.world.command("sh", &ben.person, &ben.dir);
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rel")]);
        command.args(args).env("REL_PUBLISH_TIMEOUT", "3600");
        let output = crate::world::Running::start(command).wait().code(1);
        assert!(output.stderr.contains("File too large"), "{output:?}");
        assert!(!output.stderr.contains("--offline"), "{args:?} works with the authority: {output:?}");
    }
}

#[test]
fn an_authority_that_is_gone_is_still_what_sends_offline() {
    let shop = Shop::new();
    let ben = behind(&shop);
    fs::rename(shop.authority(), shop.world.at("elsewhere")).unwrap();
    let output = ben.rel(&["status"]).code(1);
    assert!(output.stderr.contains("rel status --offline"), "{output:?}");
    let output = ben.rel(&["deploy", "staging", "--redeploy", "--yes"]).code(1);
    assert!(output.stderr.contains("rel deploy staging --offline --reason WHY"), "{output:?}");
}
