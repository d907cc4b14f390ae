//! Every gate says no, and how to go on.

use expect_test::expect;

use super::Story;
use crate::repo::Shop;

#[test]
fn in_what_order_and_how_soon() {
    let story = Story::of(Shop::with(&[("after = [\"staging\"]", "after = [\"staging\"]\nsoak = \"1h\"")]));
    let ana = story.shop.ana();
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy prod v0.1.0-rc.1 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (2 gates); nothing changed

          order  v0.1.0-rc.1 has not succeeded on staging
                 rel deploy staging v0.1.0-rc.1
          soak   0 s of 60 min on staging; it does not stand there now

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy prod v0.1.0-rc.1 --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.1.0-rc.1 (2 gates); nothing changed","reasons":[{"gate":"order","message":"v0.1.0-rc.1 has not succeeded on staging\nrel deploy staging v0.1.0-rc.1"},{"gate":"soak","message":"0 s of 60 min on staging; it does not stand there now"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        error: prod refuses v0.1.0-rc.1 (2 gates); nothing changed

          order  v0.1.0-rc.1 has not succeeded on staging
                 rel deploy staging v0.1.0-rc.1
          soak   0 s of 60 min on staging; it does not stand there now

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (2 gates); nothing changed

          order  v0.1.0-rc.1 has not succeeded on staging
                 rel deploy staging v0.1.0-rc.1
          soak   0 s of 60 min on staging; it does not stand there now

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.done(&ana, &["deploy staging --yes"]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          soak  1 min of 60 min on staging; passes at 2026-01-02 09:05 UTC

          Waiting alone will do.
    "#]],
    );
    story.says(&ana, "deploy prod --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.1.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"soak","message":"2 min of 60 min on staging; passes at 2026-01-02 09:05 UTC"}],"hints":["Waiting alone will do."]}}
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          soak  2 min of 60 min on staging; passes at 2026-01-02 09:05 UTC

          Waiting alone will do.
    "#]]);
    story.says(
        &ana,
        "deploy prod --dry-run",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          soak  3 min of 60 min on staging; passes at 2026-01-02 09:05 UTC

          Waiting alone will do.
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.1.0-rc.1  4 min  ana  up to date
        prod     -            -      -    v0.1.0-rc.1, ready at 09:05 UTC
    "#]],
    );
    story.says(
        &ana,
        "record prod v0.1.0-rc.1 --started",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          soak  5 min of 60 min on staging; passes at 2026-01-02 09:05 UTC

          Waiting alone will do.
    "#]],
    );
}

#[test]
fn by_whom() {
    let more =
        "after = [\"staging\"]\napprovals = 2\nsignoff = \"authors\"\ndeployers = [\"bob@example.com\"]";
    let story = Story::of(Shop::with(&[("after = [\"staging\"]", more)]));
    let (ana, bob) = (story.shop.ana(), story.shop.clone_for("bob"));
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.done(&bob, &["deploy prod --yes --override approvals --reason \"opening day\""]);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (3 gates); nothing changed

          approvals  0 of 2
                     rel approve v0.2.0-rc.1 prod, by anybody but ana
          signoff    0 of 1 commits; not signed off:
                     [ID0] "feat: a window" (ana)
                     rel approve --commit [ID0], by ana
          deployers  ana <ana@example.com> is none of them
                     rel deploy prod v0.2.0-rc.1, by one of: bob@example.com

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy prod --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.2.0-rc.1 (3 gates); nothing changed","reasons":[{"gate":"approvals","message":"0 of 2\nrel approve v0.2.0-rc.1 prod, by anybody but ana"},{"gate":"signoff","message":"0 of 1 commits; not signed off:\n[ID0] \"feat: a window\" (ana)\nrel approve --commit [ID0], by ana"},{"gate":"deployers","message":"ana <ana@example.com> is none of them\nrel deploy prod v0.2.0-rc.1, by one of: bob@example.com"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        error: prod refuses v0.2.0-rc.1 (3 gates); nothing changed

          approvals  0 of 2
                     rel approve v0.2.0-rc.1 prod, by anybody but ana
          signoff    0 of 1 commits; not signed off:
                     [ID0] "feat: a window" (ana)
                     rel approve --commit [ID0], by ana
          deployers  ana <ana@example.com> is none of them
                     rel deploy prod v0.2.0-rc.1, by one of: bob@example.com

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.done(&ana, &["approve v0.2.0-rc.1 prod"]);
    story.says(
        &bob,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (2 gates); nothing changed

          approvals  1 of 2
                     rel approve v0.2.0-rc.1 prod, by anybody but bob, ana
          signoff    0 of 1 commits; not signed off:
                     [ID0] "feat: a window" (ana)
                     rel approve --commit [ID0], by ana

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(
        &bob,
        "deploy prod --dry-run",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (2 gates); nothing changed

          approvals  1 of 2
                     rel approve v0.2.0-rc.1 prod, by anybody but bob, ana
          signoff    0 of 1 commits; not signed off:
                     [ID0] "feat: a window" (ana)
                     rel approve --commit [ID0], by ana

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live         v0.1.0-rc.1, 8 min, by bob (prod#1)
          pending      1 commit on trunk not in it
          next         v0.2.0-rc.1 (+1), refused by approvals, signoff, deployers
            approvals  0 of 2; ana's does not count, ana deploys
                       rel approve v0.2.0-rc.1 prod, by anybody but ana
            signoff    0 of 1 commits; not signed off:
                       [ID0] "feat: a window" (ana)
                       rel approve --commit [ID0], by ana
            deployers  ana <ana@example.com> is none of them
                       rel deploy prod v0.2.0-rc.1, by one of: bob@example.com
          go back      ana <ana@example.com> is none of them
    "#]],
    );
    story.says(
        &bob,
        "deploy prod --yes --override approvals --override signoff --reason \"a customer waits\"",
        expect![[r#"
            exit 0
            prod runs v0.2.0-rc.1 (prod#3, under 1 s); tagged v0.2.0
            --- stderr
            shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 9 min)
              brings    1 commit by 1 person
                        rel diff v0.1.0-rc.1 v0.2.0-rc.1
              leaves    nothing
              gates     order, deployers: passed
                        ! approvals overridden: 1 of 2
                        ! signoff overridden: 0 of 1 commits; not signed off:
                          [ID0] "feat: a window" (ana)
              commands  as cut, [ID0]
              undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
            prod#3 claimed
            deploy | deploying v0.2.0-rc.1
            verify | looking at v0.2.0-rc.1
        "#]],
    );
}

#[test]
fn when() {
    let frozen = "after = [\"staging\"]\nfreeze = [{ days = [\"fri\"], tz = \"Europe/Paris\", reason = \"no Fridays\" }, { from = \"2025-12-20T18:00\", to = \"2026-01-03T08:00\", tz = \"Asia/Tokyo\", reason = \"holidays\" }]";
    let story = Story::of(Shop::with(&[("after = [\"staging\"]", frozen)]));
    let ana = story.shop.ana();
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          freeze  no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris
                  that is Fri 2026-01-02 23:00 here (+00:00)

          Waiting alone will do.
    "#]],
    );
    story.says(&ana, "deploy prod --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.1.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"freeze","message":"no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris\nthat is Fri 2026-01-02 23:00 here (+00:00)"}],"hints":["Waiting alone will do."]}}
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          freeze  no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris
                  that is Fri 2026-01-02 23:00 here (+00:00)

          Waiting alone will do.
    "#]]);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.1.0-rc.1  3 min  ana  up to date
        prod     -            -      -    v0.1.0-rc.1, ready at 23:00 UTC
    "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live      nothing
          next      v0.1.0-rc.1, ready at 23:00 UTC
            freeze  no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris
                    that is Fri 2026-01-02 23:00 here (+00:00)
          go back   nothing is live on prod
    "#]],
    );
    story.says(&ana, "deploy prod --yes --override freeze --reason \"the shop is down\" --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"prod#1","seq":1,"environment":"prod","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":"the shop is down","overrides":[{"gate":"freeze","text":"no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris"}],"gates":[{"gate":"order","verdict":"passed","text":"order"},{"gate":"freeze","verdict":"overridden","text":"no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:07:00Z","finished_at":"2026-01-02T08:07:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
                    ! freeze overridden: no Fridays, holidays; ends Sat 2026-01-03 00:00 Europe/Paris
          commands  as cut, [ID0]
        prod#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]]);
}

#[test]
fn what_and_in_what_direction() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes", "deploy prod --yes"]);
    ana.commit("src/table.txt", "new\n", "feat: a new table\n\nRollback-Safe: no, it drops the old one");
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --dry-run",
        expect![[r#"
        exit 0
        shop v0.2.0-rc.1 -> staging   replaces v0.1.0-rc.1 (live 3 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
                    ! no way back: [ID0] feat: a new table (ana)
          leaves    nothing
          commands  as cut, [ID0]
          undo      none: there is no way back past [ID0]
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.done(
        &ana,
        &["deploy staging --yes", "deploy prod --yes", "block v0.2.0-rc.1 --reason \"it leaks\""],
    );
    story.says(&ana, "rollback prod --yes", expect![[r#"
        exit 4
        --- stderr
        error: prod refuses this (1 gate); nothing changed

          irreversible  no way back past [ID0] "feat: a new table": it says Rollback-Safe: no
                        go forward instead: mend it on trunk, then rel cut or rel cherry-pick
                        or, if you know that it works: rel deploy prod v0.1.0-rc.1 --override irreversible --override downgrade --reason WHY

          Waiting alone will not do.
    "#]]);
    story.says(&ana, "rollback prod --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses this (1 gate); nothing changed","reasons":[{"gate":"irreversible","message":"no way back past [ID0] \"feat: a new table\": it says Rollback-Safe: no\ngo forward instead: mend it on trunk, then rel cut or rel cherry-pick\nor, if you know that it works: rel deploy prod v0.1.0-rc.1 --override irreversible --override downgrade --reason WHY"}],"hints":["Waiting alone will not do."]}}
        --- stderr
        error: prod refuses this (1 gate); nothing changed

          irreversible  no way back past [ID0] "feat: a new table": it says Rollback-Safe: no
                        go forward instead: mend it on trunk, then rel cut or rel cherry-pick
                        or, if you know that it works: rel deploy prod v0.1.0-rc.1 --override irreversible --override downgrade --reason WHY

          Waiting alone will not do.
    "#]]);
    story.says(
        &ana,
        "deploy prod v0.1.0-rc.1 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (2 gates); nothing changed

          irreversible  no way back past [ID0] "feat: a new table": it says Rollback-Safe: no
          downgrade     v0.1.0-rc.1 is older than v0.2.0-rc.1, which is live
                        rel rollback prod --to v0.1.0-rc.1

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy prod v0.1.0-rc.1 --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.1.0-rc.1 (2 gates); nothing changed","reasons":[{"gate":"irreversible","message":"no way back past [ID0] \"feat: a new table\": it says Rollback-Safe: no"},{"gate":"downgrade","message":"v0.1.0-rc.1 is older than v0.2.0-rc.1, which is live\nrel rollback prod --to v0.1.0-rc.1"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        error: prod refuses v0.1.0-rc.1 (2 gates); nothing changed

          irreversible  no way back past [ID0] "feat: a new table": it says Rollback-Safe: no
          downgrade     v0.1.0-rc.1 is older than v0.2.0-rc.1, which is live
                        rel rollback prod --to v0.1.0-rc.1

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.says(
        &ana,
        "deploy prod v0.2.0-rc.1 --redeploy --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (1 gate); nothing changed

          blocked  v0.2.0-rc.1 by ana: it leaks
                   rel unblock v0.2.0-rc.1 --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: staging refuses v0.1.0-rc.1 (2 gates); nothing changed

          irreversible  no way back past [ID0] "feat: a new table": it says Rollback-Safe: no
          downgrade     v0.1.0-rc.1 is older than v0.2.0-rc.1, which is live
                        rel rollback staging --to v0.1.0-rc.1

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
}

#[test]
fn what_was_undone_or_would_be_lost() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes", "deploy prod --yes"]);
    ana.git(&["checkout", "--quiet", "-b", "beside"]);
    let fix = ana.commit_here("src/till.txt", "mended\n", "fix: the till");
    ana.git(&["checkout", "--quiet", "main"]);
    story.done(
        &ana,
        &[
            &format!("cherry-pick {fix} --onto prod"),
            "deploy staging v0.1.1-rc.1 --yes",
            "deploy prod v0.1.1-rc.1 --yes",
        ],
    );
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut"]);
    story.says(&ana, "deploy staging --dry-run", expect![[r#"
        exit 0
        shop v0.2.0-rc.1 -> staging   replaces v0.1.1-rc.1 (live 3 min)
          brings    1 commit by 1 person
                    rel diff v0.1.1-rc.1 v0.2.0-rc.1
          leaves    [ID0] fix: the till
          gates     ! lost-fix: live, but not in it: [ID0] "fix: the till" (picked by ana, 4 min ago; not on trunk)
          commands  as cut, [ID1]
          undo      rel rollback staging: v0.1.1-rc.1, its bytes are on this machine
        --- stderr
        dry run: nothing changed
    "#]]);
    story.done(&ana, &["deploy staging --yes"]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (1 gate); nothing changed

          lost-fix  live, but not in it: [ID0] "fix: the till" (picked by ana, 6 min ago; not on trunk)
                    bring it to trunk: git cherry-pick -x [ID0]
                    rel cherry-pick [ID2] --onto 0.2.0
                    or, if it is meant: rel waive [ID0] --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy prod --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.2.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"lost-fix","message":"live, but not in it: [ID0] \"fix: the till\" (picked by ana, 7 min ago; not on trunk)\nbring it to trunk: git cherry-pick -x [ID0]\nrel cherry-pick [ID2] --onto 0.2.0\nor, if it is meant: rel waive [ID0] --reason WHY"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        error: prod refuses v0.2.0-rc.1 (1 gate); nothing changed

          lost-fix  live, but not in it: [ID0] "fix: the till" (picked by ana, 7 min ago; not on trunk)
                    bring it to trunk: git cherry-pick -x [ID0]
                    rel cherry-pick [ID2] --onto 0.2.0
                    or, if it is meant: rel waive [ID0] --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.says(&ana, "deploy prod --yes --override lost-fix --reason \"the till is gone\"", expect![[r#"
        exit 0
        prod runs v0.2.0-rc.1 (prod#3, under 1 s); tagged v0.2.0
        --- stderr
        shop v0.2.0-rc.1 -> prod   replaces v0.1.1-rc.1 (live 6 min)
          brings    1 commit by 1 person
                    rel diff v0.1.1-rc.1 v0.2.0-rc.1
          leaves    [ID0] fix: the till
          gates     order: passed
                    ! lost-fix overridden: live, but not in it: [ID0] "fix: the till" (picked by ana, 8 min ago; not on trunk)
          commands  as cut, [ID1]
          undo      rel rollback prod: v0.1.1-rc.1, its bytes are on this machine
        prod#3 claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
    "#]]);
    story.done(&ana, &["rollback prod --yes"]);
    story.says(
        &ana,
        "deploy prod v0.2.0-rc.1 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.2.0-rc.1 (3 gates); nothing changed

          rolled-back  v0.2.0-rc.1 was rolled back on prod
          lost-fix     live, but not in it: [ID0] "fix: the till" (picked by ana, 10 min ago; not on trunk)
                       bring it to trunk: git cherry-pick -x [ID0]
                       rel cherry-pick [ID2] --onto 0.2.0
                       or, if it is meant: rel waive [ID0] --reason WHY
          held         by the rollback prod#4 of ana
                       rel unlock prod --token 4 --reason WHY
                       or, with the deployment: --take-over 4 --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy prod v0.2.0-rc.1 --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"prod refuses v0.2.0-rc.1 (3 gates); nothing changed","reasons":[{"gate":"rolled-back","message":"v0.2.0-rc.1 was rolled back on prod"},{"gate":"lost-fix","message":"live, but not in it: [ID0] \"fix: the till\" (picked by ana, 11 min ago; not on trunk)\nbring it to trunk: git cherry-pick -x [ID0]\nrel cherry-pick [ID2] --onto 0.2.0\nor, if it is meant: rel waive [ID0] --reason WHY"},{"gate":"held","message":"by the rollback prod#4 of ana\nrel unlock prod --token 4 --reason WHY\nor, with the deployment: --take-over 4 --reason WHY"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        error: prod refuses v0.2.0-rc.1 (3 gates); nothing changed

          rolled-back  v0.2.0-rc.1 was rolled back on prod
          lost-fix     live, but not in it: [ID0] "fix: the till" (picked by ana, 11 min ago; not on trunk)
                       bring it to trunk: git cherry-pick -x [ID0]
                       rel cherry-pick [ID2] --onto 0.2.0
                       or, if it is meant: rel waive [ID0] --reason WHY
          held         by the rollback prod#4 of ana
                       rel unlock prod --token 4 --reason WHY
                       or, with the deployment: --take-over 4 --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 0
        prod runs v0.1.1-rc.1 already (prod#4, 3 min)
    "#]],
    );
}

#[test]
fn what_is_closed_or_busy() {
    let story = Story::new();
    let ana = story.shop.ana();

    let bob = story.shop.clone_for("bob");
    story.done(&ana, &["cut"]);
    story.done(&bob, &["lock staging --reason stocktaking"]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 5
        --- stderr
        error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

          held  by bob: "stocktaking" (staging#1)
                rel unlock staging --token 1 --reason WHY
                or, with the deployment: --take-over 1 --reason WHY
    "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 5
        {"schema":1,"error":{"kind":"held","exit_code":5,"message":"staging refuses v0.1.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"held","message":"by bob: \"stocktaking\" (staging#1)\nrel unlock staging --token 1 --reason WHY\nor, with the deployment: --take-over 1 --reason WHY"}],"hints":[]}}
        --- stderr
        error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

          held  by bob: "stocktaking" (staging#1)
                rel unlock staging --token 1 --reason WHY
                or, with the deployment: --take-over 1 --reason WHY
    "#]]);
    story.says(
        &ana,
        "deploy staging --yes --take-over 7 --reason guess",
        expect![[r#"
        exit 5
        --- stderr
        error: staging#7 is neither in flight nor a hold; nothing changed

          held  the hold is staging#1

          rel status staging
    "#]],
    );
    story.says(
        &ana,
        "ship staging --yes",
        expect![[r#"
            exit 5
            --- stderr
            error: staging refuses this (1 gate); nothing changed

              held  by bob: "stocktaking" (staging#1)
                    rel unlock staging --token 1 --reason WHY

              nothing was built
        "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes --take-over 1 --reason \"bob is away\"",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 (staging#3, under 1 s)
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        staging#3 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]],
    );
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut", "record staging v0.2.0-rc.1 --started"]);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID1] · origin, just now

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.1.0-rc.1  3 min  ana  v0.2.0-rc.1 by ana since 08:09 UTC, staging#4
        prod     -            -      -    v0.1.0-rc.1, ready

        ? staging#4 is recorded as under way (ana, 08:09 UTC).
          once it is done  rel record staging v0.2.0-rc.1 --succeeded|--failed
    "#]],
    );
    story.says(
        &ana,
        "status staging",
        expect![[r#"
        exit 0
        shop staging · trunk main [ID1] · origin, just now

          live       v0.1.0-rc.1, 4 min, by ana (staging#3)
          pending    1 commit on trunk not in it
          in flight  deploy of v0.2.0-rc.1 since 08:09 UTC, staging#4 by ana
          next       v0.2.0-rc.1 (+1), once it is open
          go back    to v0.1.0-rc.1: the last success; staging#4 unknown
                     rel rollback staging --take-over 4 --reason WHY

        ? staging#4 is recorded as under way (ana, 08:09 UTC).
          once it is done  rel record staging v0.2.0-rc.1 --succeeded|--failed
    "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 0
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID1:40]","pending":0},"as_of":"2026-01-02T08:12:00Z","environments":[{"name":"staging","current":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","since":"2026-01-02T08:07:00Z","actor":"ana <ana@example.com>","deployment":"staging#3","certain":true},"previous":null,"in_flight":{"id":"staging#4","seq":4,"environment":"staging","action":"deploy","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID1:40]","from_tag":"v0.1.0-rc.1","state":"running","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":null,"run_url":null,"trigger":"recorded","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID1:40]","commands_commit":null,"started_at":"2026-01-02T08:09:00Z","finished_at":null,"exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},"hold":null,"unresolved":[],"pending":1,"next":{"tag":"v0.2.0-rc.1","commits":1,"ready_at":null,"gates":[{"gate":"busy","text":"staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC"}]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]},{"name":"prod","current":null,"previous":null,"in_flight":null,"hold":null,"unresolved":[],"pending":null,"next":{"tag":"v0.1.0-rc.1","commits":2,"ready_at":"2026-01-02T08:12:00Z","gates":[]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 5
        --- stderr
        error: staging refuses v0.2.0-rc.1 (1 gate); nothing changed

          busy  staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC
                wait for it: --wait
                once it is done: rel record staging v0.2.0-rc.1 --succeeded|--failed
                or, if it is dead: --take-over 4 --reason WHY

          Waiting alone will do.
    "#]],
    );
    story.says(&bob, "deploy staging --yes --json", expect![[r#"
        exit 5
        {"schema":1,"error":{"kind":"busy","exit_code":5,"message":"staging refuses v0.2.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"busy","message":"staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC\nwait for it: --wait\nonce it is done: rel record staging v0.2.0-rc.1 --succeeded|--failed\nor, if it is dead: --take-over 4 --reason WHY"}],"hints":["Waiting alone will do."]}}
        --- stderr
        error: staging refuses v0.2.0-rc.1 (1 gate); nothing changed

          busy  staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC
                wait for it: --wait
                once it is done: rel record staging v0.2.0-rc.1 --succeeded|--failed
                or, if it is dead: --take-over 4 --reason WHY

          Waiting alone will do.
    "#]]);
    story.says(
        &bob,
        "rollback staging --yes",
        expect![[r#"
            exit 5
            --- stderr
            error: staging refuses this (1 gate); nothing changed

              busy  staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC
                    once it is done: rel record staging v0.2.0-rc.1 --succeeded|--failed
                    or, if it is dead: --take-over 4 --reason WHY

              Waiting alone will do.
        "#]],
    );
    story.says(
        &bob,
        "record staging v0.1.0-rc.1 --succeeded",
        expect![[r#"
        exit 5
        --- stderr
        error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

          busy  staging#4, recorded by ana: v0.2.0-rc.1 is being put there since 08:09 UTC
                say how it went: rel record staging v0.2.0-rc.1 --succeeded|--failed
                or, if it is dead: --take-over 4 --reason WHY
    "#]],
    );
    story.says(
        &bob,
        "deploy staging --yes --take-over 3 --reason \"it hangs\" --dry-run",
        expect![[r#"
        exit 5
        --- stderr
        error: staging#3 is neither in flight nor a hold; nothing changed

          busy  in flight is staging#4

          rel status staging
    "#]],
    );
    story.says(
        &bob,
        "deploy staging --yes --take-over 3 --reason \"it hangs\"",
        expect![[r#"
        exit 5
        --- stderr
        error: staging#3 is neither in flight nor a hold; nothing changed

          busy  in flight is staging#4

          rel status staging
    "#]],
    );
}

#[test]
fn what_a_hook_says() {
    let story = Story::new();
    let ana = story.shop.ana();
    let hooks = "[hooks]\nbefore_cut = \"test ! -e $SHOP/no-cut || { echo not today; exit 3; }\"\nbefore_deploy = \"test ! -e $SHOP/no-deploy || { echo not on my watch; exit 9; }\"\nafter_deploy = \"exit 4\"\n\n[build]";
    ana.reconfigure("[build]", hooks);
    story.shop.world.set("no-cut");
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 4
        --- stderr
        before_cut | not today
        error: nothing is cut: before_cut said no to [ID0]; nothing changed

          hook  exit 3
                not today

          once it says yes: the same command again
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"nothing is cut: before_cut said no to [ID0]; nothing changed","reasons":[{"gate":"hook","message":"exit 3\nnot today"}],"hints":["once it says yes: the same command again"]}}
        --- stderr
        before_cut | not today
        error: nothing is cut: before_cut said no to [ID0]; nothing changed

          hook  exit 3
                not today

          once it says yes: the same command again
    "#]]);
    story.shop.world.clear("no-cut");
    story.shop.world.set("no-deploy");
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 4
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        before_deploy | not on my watch
        error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

          hook  before_deploy said no: exit 9
                not on my watch

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"staging refuses v0.1.0-rc.1 (1 gate); nothing changed","reasons":[{"gate":"hook","message":"before_deploy said no: exit 9\nnot on my watch"}],"hints":["Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY"]}}
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        before_deploy | not on my watch
        error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

          hook  before_deploy said no: exit 9
                not on my watch

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]]);
    story.shop.world.clear("no-deploy");
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 (staging#1, under 1 s)
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        staging#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
        warning: after_deploy failed: exit 4
    "#]],
    );
}

#[test]
fn what_cannot_be_passed() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --yes --override held --reason x",
        expect![[r#"
        exit 2
        --- stderr
        error: held is not overridden but taken over
          --take-over N --reason WHY, with N from: rel status ENV
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes --override order",
        expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          --reason <WHY>

        Usage: rel deploy --reason <WHY> --yes --override <GATE> <ENV> [RC]

        For more information, try '--help'.
    "#]],
    );
    story.says(&ana, "deploy staging --yes --override nonsense --reason x", expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'nonsense' for '--override <GATE>': "nonsense" is not a gate; there are order, soak, approvals, signoff, freeze, deployers, blocked, rolled-back, lost-fix, irreversible, downgrade, hook, held, busy

        For more information, try '--help'.
    "#]]);
    story.says(
        &ana,
        "deploy prod v0.1.0-rc.1 --yes --override soak --reason x",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v0.1.0-rc.1 (1 gate); nothing changed

          order  v0.1.0-rc.1 has not succeeded on staging
                 rel deploy staging v0.1.0-rc.1

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
}
