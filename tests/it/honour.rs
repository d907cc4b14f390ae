//! What release.toml asks for and this version cannot do is refused aloud,
//! never passed over; what it can do is done.

use crate::repo::Shop;

fn set(ana: &crate::repo::Desk, text: &str) {
    let path = ana.dir.join("release.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{before}\n{text}\n")).unwrap();
    ana.commit_all("build: ask for more");
}

#[test]
fn a_store_that_cannot_be_reached_costs_no_number() {
    let shop = Shop::new();
    let ana = shop.ana();
    set(&ana, "[artifacts]\nstore = \"s3://bucket/shop\"");
    ana.refused_by(&["cut"], 4, &["artifacts.store"]);
}

#[test]
fn a_command_is_tried_as_often_as_asked() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho x >> \"$HOME/tries\"\ntest \"$(wc -l < \"$HOME/tries\")\" -ge 3\n",
    );
    ana.script("verify.sh", "#!/bin/sh\ntrue\n");
    set(&ana, "[retry]\nattempts = 3\nbackoff = \"1s\"");
    ana.cut(&[]);
    let output = ana.rel(&["deploy", "staging", "--yes"]).ok();
    assert!(output.stderr.contains("attempt 3 of 3"), "{output:?}");
}

/// As the kernel ends it for want of memory: that may pass.
#[test]
fn a_command_that_a_signal_ended_is_tried_again() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho x >> \"$SHOP/tries\"\n[ -e \"$SHOP/spared\" ] || kill -KILL $$\n",
    );
    ana.script("verify.sh", "#!/bin/sh\n: > \"$SHOP/verified\"\n");
    set(&ana, "[retry]\nattempts = 2\nbackoff = \"1s\"");
    ana.cut(&[]);
    let failed = ana.rel(&["deploy", "staging", "--yes", "--json"]).code(6).json();
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("killed by signal 9 (SIGKILL)"), "the last one counts: {message}");
    assert_eq!(
        (shop.world.lines("tries").len(), failed["deployment"]["state"].as_str()),
        (2, Some("failed"))
    );
    ana.script(
        "deploy.sh",
        "#!/bin/sh\necho x >> \"$SHOP/tries\"\n[ -e \"$SHOP/spared\" ] || { : > \"$SHOP/spared\"; kill -KILL $$; }\n",
    );
    ana.commit_all("build: die once");
    ana.cut(&[]);
    let output = ana.rel(&["deploy", "staging", "--yes", "--json"]).ok();
    assert!(output.stderr.contains("deploy failed; attempt 2 of 2"), "{output:?}");
    assert_eq!(output.json()["deployment"]["exit_code"], 0);
    assert_eq!((shop.world.lines("tries").len(), shop.world.shop().join("verified").exists()), (4, true));
}

/// One person with two addresses is one person.
#[test]
fn a_mailmap_tells_who_is_who() {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.write(".mailmap", "Ana <ana@example.com> <ana@home.example>\n");
    ana.commit_all("docs: say who is who");
    let tag = ana.cut(&[]);
    ana.git(&["config", "user.email", "ana@home.example"]);
    ana.json(&["approve", &tag, "staging"]);
    let given = ana.json(&["approve", &tag, "staging"]);
    assert_eq!(given["approvals"][0]["actor"], "Ana <ana@example.com>");
    assert_eq!(given["changed"], false);
}
