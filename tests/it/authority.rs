//! The same stories over every kind of authority: a path, `git daemon`, HTTP,
//! and no remote at all.

use crate::remote::Kind;
use crate::repo::{Shop, string};

over_every_authority!(
    from_trunk_to_prod,
    a_fix_is_picked,
    back_and_on_again,
    two_people,
    refusals_leave_nothing
);

fn from_trunk_to_prod(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let cut = ana.json(&["cut"]);
    assert_eq!(cut["made"], true);
    let tag = string(&cut["candidate"]["tag"]);
    assert_eq!(tag, "v0.1.0-rc.1");
    assert_eq!(cut["candidate"]["commit"], ana.tip());

    let staging = ana.deploy("staging", &[]);
    assert_eq!(staging["tag"], "v0.1.0-rc.1");
    let prod = ana.json(&["promote", "prod", "--yes"])["deployment"].clone();
    assert_eq!(prod["tag"], "v0.1.0-rc.1");
    assert_eq!(prod["state"], "succeeded");

    assert_eq!(ana.live("staging"), tag);
    assert_eq!(ana.live("prod"), tag);
    assert_eq!(shop.ran("prod").len(), 1);
    assert_eq!(shop.world.lines("builds"), ["v0.1.0-rc.1"], "it is built once");
    let refs = shop.refs();
    for name in [
        "refs/tags/v0.1.0-rc.1",
        "refs/tags/v0.1.0",
        "refs/notes/rel/shop/candidates",
        "refs/notes/rel/shop/env/staging",
        "refs/notes/rel/shop/env/prod",
        "refs/rel/shop/artifacts/0.1.0-rc.1",
    ] {
        assert!(refs.contains_key(name), "the authority has no {name}: {refs:?}");
    }
}

fn a_fix_is_picked(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    ana.commit("src/wip.txt", "half done\n", "feat: half done");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    let document = ana.json(&["cherry-pick", &fix, "--onto", "0.1.0"]);
    assert_eq!(document["made"], true, "{document}");
    let candidate = &document["candidate"];
    assert_eq!(candidate["tag"], "v0.1.0-rc.2");
    assert_eq!(candidate["parent"], first);
    assert_eq!(candidate["picks"][0]["source"], fix);
    ana.deploy("staging", &["v0.1.0-rc.2"]);
    let server = std::fs::read_to_string(shop.world.shop().join("server/staging/app.txt")).unwrap();
    assert!(server.contains("fixed") && !server.contains("half done"), "{server}");
}

fn back_and_on_again(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let first = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let second = ana.cut_new("window");
    ana.deploy("staging", &[]);
    assert_eq!(ana.live("staging"), second);
    let builds = shop.world.lines("builds");

    let back = ana.rollback("staging", &[]);
    assert_eq!(back["action"], "rollback");
    assert_eq!(back["tag"], first);
    assert_eq!(back["reverts"], "staging#2");
    assert_eq!(shop.world.lines("builds"), builds, "a rollback builds nothing");
    assert_eq!(ana.live("staging"), first);
    assert_eq!(ana.status("staging")["hold"]["cause"], "rollback");

    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back", "held"]);
    ana.json(&["unlock", "staging", "--reason", "looked at"]);
    ana.refused_by(&["deploy", "staging", &second, "--yes"], 4, &["rolled-back"]);
    let third = ana.cut_new("roof");
    assert_eq!(ana.deploy("staging", &[])["tag"], third);
}

/// Somebody else needs nothing but `git clone`.
fn two_people(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.deploy("staging", &[]);
    let bob = shop.clone_for("bob");
    assert_eq!(bob.live("staging"), tag);
    let current = bob.status("staging")["current"].clone();
    assert_eq!(current["actor"], ana.person.actor());
    let prod = bob.deploy("prod", &[]);
    assert_eq!(prod["actor"], bob.person.actor());
    assert_eq!(ana.live("prod"), tag);

    bob.json(&["lock", "prod", "--reason", "stocktaking"]);
    let hold = ana.status("prod")["hold"].clone();
    assert_eq!(hold["actor"], bob.person.actor());
    assert_eq!(hold["reason"], "stocktaking");
    assert_eq!(hold["cause"], "person");
    let next = ana.cut_new("shelf");
    ana.deploy("staging", &[]);
    ana.refused_by(&["deploy", "prod", &next, "--yes"], 5, &["held"]);
    let token = hold["token"].to_string();
    ana.json(&["unlock", "prod", "--token", &token, "--reason", "bob went home"]);
    ana.deploy("prod", &[]);
    assert_eq!(bob.live("prod"), next);
    assert_eq!(bob.cut_new("lamp"), "v0.3.0-rc.1", "bob counts on from what ana made");
}

fn refusals_leave_nothing(kind: Kind) {
    let shop = Shop::over(kind, &[]);
    let ana = shop.ana();
    let tag = ana.cut(&[]);
    ana.refused_by(&["deploy", "prod", &tag, "--yes"], 4, &["order"]);
    ana.refused(&["deploy", "nowhere", "--yes"], 4);
    ana.refused(&["deploy", "staging", "v9.9.9-rc.9", "--yes"], 4);
    ana.refused(&["rollback", "staging", "--yes"], 4);
    ana.refused(&["deploy", "staging"], 2);
}
