//! `approvals_signed`: approvals that only a person's own key can give.
//!
//! The keys are real, and so are git and ssh-keygen. Where OpenSSH is not
//! installed nothing can be signed, and these say so and stop.

use std::path::PathBuf;

use crate::repo::{Desk, Shop};

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
    lists(&format!("*@example.com {}\n", eves.1));
    bob.json(&["approve", &tag, "prod"]);
    ana.rel(&["deploy", "prod", "--yes", "--dry-run"]).ok();
    lists(&format!("*@example.com,!bob@example.com {}\nbob@example.com {}\n", eves.1, bobs.1));
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
fn the_file_is_where_the_policy_says_or_else_where_git_is_told() {
    let shop = Shop::with(&[("after = [\"staging\"]", SIGNED)]);
    let (ana, bob) = (shop.ana(), shop.clone_for("bob"));
    let Some(bobs) = key(&shop, "bob") else { return };
    let tag = stands_on_staging(&ana);
    signs_with(&bob, &bobs);
    ana.commit("keys/signers", &format!("bob@example.com {}\n", bobs.1), "chore: who signs");
    for told in ["keys/signers", bob.dir.join("keys/signers").to_str().unwrap()] {
        bob.git(&["config", "gpg.ssh.allowedSignersFile", told]);
        bob.rel(&["approve", &tag, "prod", "--dry-run"]).ok();
    }
    // Nothing outside of trunk is asked, and no other file once the policy names one.
    let outside = shop.world.at("signers");
    std::fs::write(&outside, format!("bob@example.com {}\n", bobs.1)).unwrap();
    bob.git(&["config", "gpg.ssh.allowedSignersFile", outside.to_str().unwrap()]);
    bob.refused_by(&["approve", &tag, "prod"], 4, &["approvals"]);
    bob.git(&["config", "gpg.ssh.allowedSignersFile", "keys/signers"]);
    ana.reconfigure("approvals_signed = true", "approvals_signed = true\nallowed_signers = \"keys/other\"");
    let output = bob.refused_by(&["approve", &tag, "prod"], 4, &["approvals"]);
    assert!(output.stderr.contains("trunk has no keys/other"), "{output:?}");
    ana.reconfigure("keys/other", "keys/signers");
    bob.git(&["config", "--unset", "gpg.ssh.allowedSignersFile"]);
    bob.json(&["approve", &tag, "prod"]);
    ana.deploy("prod", &[]);
    ana.reconfigure("keys/signers", "../signers");
    ana.rel(&["config", "check"]).code(3);
}
