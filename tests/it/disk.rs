//! A disk that is full, that fails, or that kept half of what was written.

use std::fs;
use std::path::PathBuf;

use crate::repo::{Desk, Shop};
use crate::world::Running;

fn journal(desk: &Desk<'_>) -> PathBuf {
    desk.dir.join(".git/rel/shop/journal")
}

/// Runs it where no file can grow any more.
fn on_a_full_disk(desk: &Desk<'_>, args: &[&str]) -> Running {
    let mut command = desk.shop.world.command("sh", &desk.person, &desk.dir);
    // Without the signal, writing fails as on a full disk.
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rel")])
        .args(args);
    Running::start(command)
}

#[test]
fn a_full_disk_changes_nothing() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let next = ana.commit("src/window.txt", "a window\n", "feat: a window");
    for args in [
        &["deploy", "staging", &tag, "--redeploy", "--yes", "--json"][..],
        &["cut", &next, "--json"],
        &["lock", "staging", "--reason", "stocktaking", "--json"],
    ] {
        let before = ana.before();
        let output = on_a_full_disk(&ana, args).wait().code(1);
        assert!(output.stderr.contains("File too large"), "it says why: {output:?}");
        ana.unchanged(&before);
    }
    // Looking needs no room.
    assert_eq!(on_a_full_disk(&ana, &["status", "--json", "--offline"]).wait().code, 0);
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.rel(&["fsck"]).ok();
}

#[test]
fn without_a_journal_nothing_is_begun() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    fs::remove_dir_all(journal(&ana)).unwrap();
    fs::write(journal(&ana), "").unwrap();
    for args in [&["deploy", "staging", &tag, "--yes"][..], &["cut", "--again"]] {
        let before = ana.before();
        let output = ana.rel(&[args, &["--json"]].concat()).code(1);
        assert!(output.stderr.contains(".git/rel/shop/journal"), "it names the place: {output:?}");
        ana.unchanged(&before);
    }
    fs::remove_file(journal(&ana)).unwrap();
    ana.deploy("staging", &[&tag]);
}

#[test]
#[cfg(feature = "failpoints")]
fn a_page_that_was_cut_short_is_set_aside_and_named() {
    let shop = Shop::new();
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    let deploy = ["deploy", "staging", &tag, "--yes"];
    // The intent arrives, and nothing after it.
    let output = ana.command(&deploy).env("FAILPOINTS", "pushed=return(kill)").output().unwrap();
    assert!(!output.status.success());
    let pages: Vec<PathBuf> = fs::read_dir(journal(&ana))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    let [page] = &pages[..] else { panic!("{pages:?}") };
    let text = fs::read(page).unwrap();
    fs::write(page, &text[..text.len() / 2]).unwrap();

    let output = ana.rel(&["sync", "--json"]).ok();
    let aside = page.with_extension("damaged");
    assert_eq!(output.json()["settled"][0]["set_aside"], aside.to_str().unwrap());
    assert!(output.stderr.contains(aside.to_str().unwrap()), "{output:?}");
    assert_eq!(fs::read(&aside).unwrap(), &text[..text.len() / 2], "it is kept as it was");
    // Nobody here knows any more what became of it: a person has to say so.
    ana.refused_by(&deploy, 5, &["busy"]);
    ana.json(&["resolve", "staging#1", "--failed", "--reason", "it never ran"]);
    ana.deploy("staging", &[&tag]);
    assert_eq!(ana.json(&["sync"])["settled"].as_array().unwrap().len(), 0, "it is told once");
    ana.rel(&["fsck"]).ok();
}
