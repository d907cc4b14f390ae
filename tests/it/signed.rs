//! `approvals_signed`: approvals that only a person's own key can give.
//!
//! The keys are real, and so are git and ssh-keygen. Where OpenSSH is not
//! installed nothing can be signed, and these say so and stop.

use std::path::PathBuf;

use serde_json::Value;

use crate::repo::{Desk, Shop};
use crate::world::Running;

const SIGNED: &str = "after = [\"staging\"]\napprovals = 1\napprovals_signed = true";

/// A key pair of this name; none without OpenSSH. The path, and the public key.
fn key(shop: &Shop, name: &str) -> Option<(PathBuf, String)> {
    let path = shop.world.at(&format!("key-{name}"));
    let person = shop.world.person(name);
    let mut command = shop.world.command("ssh-keygen", &person, &shop.world.shop());
    let made = command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("ssh-keygen is not here; nothing can be signed");
        return None;
    }
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    Some((path, public.trim().to_owned()))
}

/// Has git sign with a key from now on.
fn signs_with(desk: &Desk<'_>, key: &(PathBuf, String)) {
    desk.git(&["config", "gpg.format", "ssh"]);
    desk.git(&["config", "user.signingKey", key.0.to_str().unwrap()]);
}

/// A candidate that is live on staging, and can go to prod once it is approved.
fn stands_on_staging(ana: &Desk<'_>) -> String {
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    tag
}

#[test]
fn a_signed_approval_counts_and_an_unsigned_one_does_not() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let Some(bobs) = key(&shop, "bob") else { return };
    let tag = stands_on_staging(&ana);
    // Given before anybody asked for signatures.
    bob.json(&["approve", &tag, "prod"]);
    ana.commit(".allowed_signers", &format!("bob@example.com {}\n", bobs.1), "chore: who signs");
    ana.reconfigure("approvals = 1", "approvals = 1\napprovals_signed = true");
    let before = ana.before();
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    assert!(output.stderr.contains("0 of 1; bob's does not count: it is not signed"), "{output:?}");
    assert!(
        output
            .ways_on()
            .contains(&format!("rel approve {tag} prod, by anybody but ana who has a key in trunk's ")),
        "{output:?}"
    );
    let gates = ana.status("prod")["next"]["gates"].clone();
    assert!(gates.to_string().contains("it is not signed"), "{gates}");
    ana.unchanged(&before);
    // He cannot do better without a key, and is told.
    let before = bob.before();
    let output = bob.refused(&["approve", &tag, "prod"], 4);
    assert!(output.ways_on().contains("git config user.signingKey"), "{output:?}");
    assert!(output.stderr.contains("it takes an SSH key, and gpg.format is openpgp"), "{output:?}");
    bob.unchanged(&before);
    signs_with(&bob, &bobs);
    assert_eq!(bob.json(&["approve", &tag, "prod"])["changed"], true);
    assert_eq!(bob.json(&["approve", &tag, "prod"])["changed"], false, "once is enough");
    let deployment = ana.deploy("prod", &[]);
    assert_eq!(deployment["approvals"][0]["actor"], "bob <bob@example.com>");
    // Anybody can check it, with nothing but git.
    let signers = shop.world.at("signers");
    std::fs::write(&signers, format!("bob@example.com {}\n", bobs.1)).unwrap();
    let allowed = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    let chain = "refs/notes/rel/shop/env/prod";
    ana.git(&["fetch", "--quiet", "origin", &format!("+{chain}:{chain}")]);
    let log = ana.git(&["-c", &allowed, "log", "--format=%G? %GS %s", chain]);
    let good: Vec<&str> = log.lines().filter(|line| line.starts_with("G ")).collect();
    assert_eq!(good, [format!("G bob@example.com prod#2 {tag} approved by bob")], "{log}");
    // And it is in no way another record: whatever reads chains reads it.
    ana.rel(&["fsck"]).ok();
}

#[test]
fn only_a_key_of_theirs_on_trunk_signs_for_somebody() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let (Some(bobs), Some(eves)) = (key(&shop, "bob"), key(&shop, "eve")) else { return };
    let tag = stands_on_staging(&ana);
    signs_with(&bob, &bobs);
    let refuses = |desk: &Desk<'_>, why: &str| {
        let before = desk.before();
        let output = desk.refused_by(&["approve", &tag, "prod"], 4, &["approvals"]);
        assert!(output.stderr.contains(why), "{why}: {output:?}");
        desk.unchanged(&before);
    };
    refuses(&bob, "trunk has no .allowed_signers");
    let lists = |lines: &str| ana.commit(".allowed_signers", lines, "chore: who signs");
    lists(&format!("eve@example.com {}\n", eves.1));
    refuses(&bob, ".allowed_signers on trunk lists no key of bob@example.com");
    // Eve's key is good, and not his.
    lists(&format!("eve@example.com {}\nbob@example.com {}\n", eves.1, bobs.1));
    signs_with(&bob, &eves);
    refuses(&bob, "is no key of bob@example.com");
    // What counts is what trunk lists when it is deployed.
    lists(&format!("eve@example.com,bob@example.com {}\n", eves.1));
    bob.json(&["approve", &tag, "prod"]);
    ana.rel(&["deploy", "prod", "--yes", "--dry-run"]).ok();
    lists(&format!("*@ops.example.com,eve@example.com {}\nbob@example.com {}\n", eves.1, bobs.1));
    let before = ana.before();
    let output = ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    assert!(output.stderr.contains("bob's does not count: SHA256:"), "{output:?}");
    assert!(output.stderr.contains("is no key of bob@example.com"), "{output:?}");
    ana.unchanged(&before);
    signs_with(&bob, &bobs);
    bob.json(&["approve", &tag, "prod"]);
    ana.deploy("prod", &[]);
}

#[test]
fn a_signature_says_nothing_of_another_candidate_or_environment() {
    let shop = Shop::with(&[
        ("after = [\"staging\"]", SIGNED),
        ("[environments.staging]", "[environments.staging]\napprovals = 1\napprovals_signed = true"),
    ]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let Some(bobs) = key(&shop, "bob") else { return };
    ana.commit(".allowed_signers", &format!("bob@example.com {}\n", bobs.1), "chore: who signs");
    signs_with(&bob, &bobs);
    let tag = ana.cut(&[]);
    bob.json(&["approve", &tag, "prod"]);
    ana.refused_by(&["deploy", "staging", "--yes"], 4, &["approvals"]);
    bob.json(&["approve", &tag, "staging"]);
    ana.deploy("staging", &[]);
    let next = ana.cut_new("window");
    ana.refused_by(&["deploy", "staging", &next, "--yes"], 4, &["approvals"]);
    // What is withdrawn is, and needs no signature.
    bob.json(&["approve", &tag, "prod", "--withdraw"]);
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["approvals"]);
}

#[test]
fn the_file_is_where_the_policy_says_or_else_in_a_usual_place() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let Some(bobs) = key(&shop, "bob") else { return };
    let tag = stands_on_staging(&ana);
    signs_with(&bob, &bobs);
    ana.commit("keys/signers", &format!("bob@example.com {}\n", bobs.1), "chore: who signs");
    // What git is told here is nobody else's policy.
    bob.git(&["config", "gpg.ssh.allowedSignersFile", "keys/signers"]);
    bob.refused_by(&["approve", &tag, "prod"], 4, &["approvals"]);
    bob.git(&["config", "--unset", "gpg.ssh.allowedSignersFile"]);
    ana.reconfigure("approvals_signed = true", "approvals_signed = true\nallowed_signers = \"keys/other\"");
    let output = bob.refused_by(&["approve", &tag, "prod"], 4, &["approvals"]);
    assert!(output.stderr.contains("trunk has no keys/other"), "{output:?}");
    ana.reconfigure("keys/other", "keys/signers");
    bob.json(&["approve", &tag, "prod"]);
    ana.rel(&["deploy", "prod", "--yes", "--dry-run"]).ok();
    ana.reconfigure("\nallowed_signers = \"keys/signers\"", "");
    ana.refused_by(&["deploy", "prod", "--yes"], 4, &["approvals"]);
    ana.git(&["mv", "keys/signers", "allowed_signers"]);
    ana.commit_all("chore: where it is looked for");
    ana.deploy("prod", &[]);
    ana.reconfigure("approvals_signed = true", "approvals_signed = true\nallowed_signers = \"../signers\"");
    ana.rel(&["config", "check"]).code(3);
}

/// A story with bob's and kim's keys on trunk, and a candidate that stands on staging.
struct Signed<'a> {
    ana: Desk<'a>,
    bob: Desk<'a>,
    kim: Desk<'a>,
    tag: String,
}

impl<'a> Signed<'a> {
    /// Where prod needs this many; none without OpenSSH.
    fn with(shop: &'a Shop, approvals: usize, kims_key_is_bobs: bool) -> Option<Signed<'a>> {
        let (ana, bob, kim) = (shop.ana(), shop.clone_for("bob"), shop.clone_for("kim"));
        let bobs = key(shop, "bob")?;
        let kims = if kims_key_is_bobs { bobs.clone() } else { key(shop, "kim")? };
        let lines = format!("bob@example.com {}\nkim@example.com {}\n", bobs.1, kims.1);
        ana.commit(".allowed_signers", &lines, "chore: who signs");
        if approvals != 1 {
            ana.reconfigure("approvals = 1", &format!("approvals = {approvals}"));
        }
        signs_with(&bob, &bobs);
        signs_with(&kim, &kims);
        let tag = stands_on_staging(&ana);
        Some(Signed { ana, bob, kim, tag })
    }

    /// What `deploy prod` is refused with.
    #[track_caller]
    fn refused(&self) -> String {
        let before = self.ana.before();
        let args = ["deploy", "prod", &self.tag, "--yes"];
        let output = self.ana.refused_by(&args, 4, &["approvals"]);
        self.ana.unchanged(&before);
        output.stderr
    }
}

const CHAIN: &str = "refs/notes/rel/shop/env/prod";

/// A record as it is written.
fn written(line: &Value) -> String {
    format!("{{\"v\":1,\"event\":{},\"state\":{}}}", line["event"], line["state"])
}

/// Writes an event onto prod's chain with plain git, as anybody can who may push: the newest one
/// as it is after `change`, with nobody's signature.
fn forges(desk: &Desk<'_>, change: impl Fn(&mut Value)) {
    desk.git(&["fetch", "--quiet", "origin", &format!("+{CHAIN}:{CHAIN}")]);
    let text = desk.git(&["log", "-1", "--format=%B", CHAIN]);
    let mut line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    change(&mut line);
    let (tip, tree) =
        (desk.git(&["rev-parse", CHAIN]), desk.git(&["rev-parse", &format!("{CHAIN}^{{tree}}")]));
    let forged = desk.git(&["commit-tree", &tree, "-p", &tip, "-m", "forged", "-m", &written(&line)]);
    desk.git(&["push", "--quiet", "origin", &format!("{forged}:{CHAIN}")]);
}

#[test]
fn what_a_state_lists_is_no_approval() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 2, false) else { return };
    let Signed { ana, bob, kim, tag } = &story;
    bob.json(&["approve", tag, "prod"]);
    // Listed twice by somebody who can push, bob's is one all the same.
    forges(ana, |line| {
        let given = line["state"]["approvals"][0].clone();
        line["state"]["approvals"] = serde_json::json!([given, given]);
        line["event"]["kind"] = "abandoned".into();
        line["event"]["id"] = "prod#2".into();
    });
    assert!(story.refused().contains("1 of 2"));
    // And what was withdrawn does not come back by being listed again.
    kim.json(&["approve", tag, "prod"]);
    let listed = shop.events("env/prod").last().unwrap()["state"]["approvals"].clone();
    kim.json(&["approve", tag, "prod", "--withdraw"]);
    forges(ana, |line| line["state"]["approvals"] = listed.clone());
    let text = story.refused();
    assert!(text.contains("1 of 2; kim's does not count: it was withdrawn"), "{text}");
}

#[test]
fn nobodys_approval_is_ended_by_one_that_others_put_in_their_name() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, .. } = &story;
    bob.json(&["approve", &story.tag, "prod"]);
    forges(ana, |line| line["event"]["nonce"] = "another".into());
    ana.rel(&["deploy", "prod", "--yes", "--dry-run"]).ok();
}

#[test]
fn what_is_signed_for_another_purpose_approves_nothing() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, kim, tag } = &story;
    // What an approval of bob's looks like, taken from another environment's chain.
    bob.json(&["approve", tag, "prod", "--reason", "looked"]);
    let text = shop.authority_git(&["log", "-1", "--format=%B", CHAIN]);
    shop.authority_git(&["update-ref", "-d", CHAIN]);
    for desk in [ana, bob, kim] {
        desk.git(&["update-ref", "-d", CHAIN]);
    }
    // Ana gives a commit of hers that message, and bob picks it, signing as he signs all he commits.
    ana.git(&["checkout", "--quiet", "-b", "work"]);
    ana.write("src/tidy.txt", "tidy");
    ana.git(&["add", "--all"]);
    ana.git(&["commit", "--quiet", "--cleanup=verbatim", "--message", &text]);
    ana.git(&["push", "--quiet", "origin", "work"]);
    bob.git(&["fetch", "--quiet"]);
    bob.git(&["cherry-pick", "-S", "origin/work"]);
    bob.git(&["push", "--quiet", "origin", &format!("HEAD:{CHAIN}")]);
    ana.git(&["checkout", "--quiet", "main"]);
    let output = ana.rel(&["deploy", "prod", tag, "--yes", "--dry-run"]).code(4);
    assert!(output.stderr.contains("what is signed was not made by rel approve"), "{output:?}");
}

#[test]
fn what_is_signed_of_other_bytes_of_that_name_approves_nothing() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, tag, .. } = &story;
    forged_object(ana, bob, tag);
    let text = story.refused();
    assert!(text.contains("bob's does not count: it is for other bytes of that name"), "{text}");
}

/// Has bob sign an approval that names another tag object, as one from a copy of the repository
/// does, and puts it onto the chain.
fn forged_object(ana: &Desk<'_>, bob: &Desk<'_>, tag: &str) {
    bob.json(&["approve", tag, "prod"]);
    bob.git(&["fetch", "--quiet", "origin", &format!("+{CHAIN}:{CHAIN}")]);
    let text = bob.git(&["log", "-1", "--format=%B", CHAIN]);
    let mut line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    line["event"]["tag_object"] = ana.tip().into();
    let at: String = line["event"]["at"].as_str().unwrap().to_owned();
    let (subject, tree) =
        (text.lines().next().unwrap(), bob.git(&["rev-parse", &format!("{CHAIN}^{{tree}}")]));
    let mut command = bob.shop.world.command("git", &bob.person, &bob.dir);
    command.args(["commit-tree", "-S", &tree, "-m", subject, "-m", &written(&line)]);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_DATE"), &at);
    }
    let signed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    bob.git(&["push", "--quiet", "--force", "origin", &format!("{}:{CHAIN}", signed.trim())]);
    for desk in [ana, bob] {
        desk.git(&["update-ref", "-d", CHAIN]);
    }
}

#[test]
fn a_key_speaks_for_one_person_and_for_nobody_who_deploys() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 2, true) else { return };
    let Signed { ana, bob, kim, tag } = &story;
    bob.json(&["approve", tag, "prod"]);
    kim.json(&["approve", tag, "prod"]);
    let text = story.refused();
    assert!(text.contains("1 of 2; ") && text.contains("it is by the same person as "), "{text}");
    // Nor does it speak for kim where bob deploys, who has that key too.
    ana.reconfigure("approvals = 2", "approvals = 1");
    let output = bob.refused_by(&["deploy", "prod", tag, "--yes"], 4, &["approvals"]);
    assert!(output.stderr.contains("kim's does not count: it is bob's own, who deploys"), "{output:?}");
    ana.rel(&["deploy", "prod", tag, "--yes", "--dry-run"]).ok();
}

#[test]
fn by_what_trunk_says_of_people_an_address_is_somebody_elses() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, kim, tag } = &story;
    bob.json(&["approve", tag, "prod"]);
    ana.commit(".mailmap", "Kim <kim@example.com> <bob@example.com>\n", "chore: who is who");
    kim.git(&["pull", "--quiet"]);
    std::fs::remove_file(kim.dir.join(".mailmap")).unwrap();
    let output = kim.refused_by(&["deploy", "prod", tag, "--yes"], 4, &["approvals"]);
    assert!(output.stderr.contains("who deploys"), "{output:?}");
}

#[test]
fn a_key_that_is_out_of_date_signs_nothing_and_no_date_before_the_candidate_helps() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, tag, .. } = &story;
    let line = std::fs::read_to_string(ana.dir.join(".allowed_signers")).unwrap();
    let expired = line.replace("bob@example.com ", "bob@example.com valid-before=\"20200101\" ");
    ana.commit(".allowed_signers", &expired, "chore: it is out of date");
    let output = bob.refused_by(&["approve", tag, "prod"], 4, &["approvals"]);
    assert!(output.stderr.contains("has expired"), "{output:?}");
    let before = bob.before();
    bob.rel(&["approve", tag, "prod", "--dry-run"]).code(4);
    bob.unchanged(&before);
    // By a clock that is set back the key is good still, but there was no candidate yet.
    let mut command = bob.command(&["approve", tag, "prod"]);
    command.env("FAILPOINTS", "clock=return(-220000000)");
    let output = Running::start(command).wait().code(4);
    assert!(output.stderr.contains("before the candidate was made"), "{output:?}");
}

#[test]
fn a_tag_that_is_another_by_now_does_not_keep_anybody_from_looking() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let Some(story) = Signed::with(&shop, 1, false) else { return };
    let Signed { ana, bob, tag, .. } = &story;
    bob.json(&["approve", tag, "prod"]);
    shop.authority_git(&["tag", "--force", tag, "HEAD~1"]);
    let status = ana.rel(&["status"]).ok().stdout;
    assert!(status.contains("staging") && status.contains("prod"), "{status}");
    ana.rel(&["deploy", "prod", tag, "--yes"]).code(9);
}

#[test]
fn what_does_not_count_is_not_counted_to_who_approves() {
    let shop = Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\napprovals = 1")]);
    let (ana, bob, kim) = (shop.ana(), shop.clone_for("bob"), shop.clone_for("kim"));
    let (Some(bobs), tag) = (key(&shop, "bob"), stands_on_staging(&ana)) else { return };
    kim.json(&["approve", &tag, "prod"]);
    ana.commit(".allowed_signers", &format!("bob@example.com {}\n", bobs.1), "chore: who signs");
    ana.reconfigure("approvals = 1", "approvals = 2\napprovals_signed = true");
    bob.git(&["pull", "--quiet"]);
    signs_with(&bob, &bobs);
    let said = bob.rel(&["approve", &tag, "prod"]).ok().stdout;
    assert_eq!(said, format!("{tag} is approved for prod by bob (1 of 2)\n"));
}
