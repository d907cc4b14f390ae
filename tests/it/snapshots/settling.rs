//! What writes history down that others made, or that was left open: record, resolve, sync, fsck and doctor.

use expect_test::expect;
use nix::sys::signal::Signal;

use super::Story;

#[test]
fn what_another_system_did() {
    let story = Story::new();
    let ana = story.shop.ana();

    ana.git(&["tag", "v1.4.0", "HEAD~1"]);
    ana.git(&["push", "--quiet", "origin", "--tags"]);
    story.says(
        &ana,
        "record prod v1.4.0",
        expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          <--started|--succeeded|--failed>

        Usage: rel record <--started|--succeeded|--failed> <ENV> <REV>

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.0 --succeeded --dry-run",
        expect![[r#"
        exit 0
        dry run: prod runs v1.4.0 (prod#1, recorded)
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.0 --succeeded",
        expect![[r#"
        exit 0
        prod runs v1.4.0 (prod#1, recorded)
          a baseline  rel counts from it, and cannot roll back to it
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.0 --succeeded",
        expect![[r#"
        exit 0
        prod runs v1.4.0 already (prod#1, 1 min)
    "#]],
    );
    story.says(&ana, "record staging HEAD --succeeded --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#1","seq":1,"environment":"staging","action":"deploy","tag":null,"version":null,"commit":"[ID0:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":null,"run_url":null,"trigger":"recorded","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":null,"started_at":"2026-01-02T08:05:00Z","finished_at":"2026-01-02T08:05:00Z","exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
    "#]]);
    story.says(
        &ana,
        "record prod nonsense --succeeded",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate, tag or commit nonsense in this clone
          git fetch --tags, if it was made elsewhere
    "#]],
    );
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "record prod v1.4.1-rc.1 --started --dry-run",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v1.4.1-rc.1 (1 gate); nothing changed

          order  v1.4.1-rc.1 has not succeeded on staging
                 rel deploy staging v1.4.1-rc.1
                 or, if it is there already: rel record staging v1.4.1-rc.1 --succeeded

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.1-rc.1 --started",
        expect![[r#"
        exit 4
        --- stderr
        error: prod refuses v1.4.1-rc.1 (1 gate); nothing changed

          order  v1.4.1-rc.1 has not succeeded on staging
                 rel deploy staging v1.4.1-rc.1
                 or, if it is there already: rel record staging v1.4.1-rc.1 --succeeded

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.1-rc.1 --started --override order --reason \"it runs\"",
        expect![[r#"
        exit 0
        prod#2 is recorded as under way: v1.4.1-rc.1 -> prod
          once it is done  rel record prod v1.4.1-rc.1 --succeeded|--failed
    "#]],
    );
    story.says(
        &ana,
        "record prod v1.4.1-rc.1 --failed",
        expect![[r#"
        exit 0
        prod#2 is recorded as failed: v1.4.1-rc.1 may be on prod in part
    "#]],
    );
    story.says(
        &ana,
        "record staging v1.4.1-rc.1 --started",
        expect![[r#"
        exit 0
        staging#2 is recorded as under way: v1.4.1-rc.1 -> staging
          once it is done  rel record staging v1.4.1-rc.1 --succeeded|--failed
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE     SINCE   BY   NEXT
        staging  [ID0]  8 min   ana  v1.4.1-rc.1 by ana since 08:12 UTC, staging#2
        prod     v1.4.0?  10 min  ana  v1.4.1-rc.1 (+1), refused by order

        ? staging#2 is recorded as under way (ana, 08:12 UTC).
          once it is done  rel record staging v1.4.1-rc.1 --succeeded|--failed

        ? prod#2 failed: v1.4.1-rc.1 may be there in part.
          or try it again    rel deploy prod v1.4.1-rc.1
          what it printed    rel log --output prod#2
          or what was there  rel record prod v1.4.0 --succeeded
    "#]],
    );
    story.says(&ana, "record staging v1.4.1-rc.1 --succeeded --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v1.4.1-rc.1","version":"1.4.1-rc.1","commit":"[ID0:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":null,"run_url":null,"trigger":"recorded","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":null,"started_at":"2026-01-02T08:12:00Z","finished_at":"2026-01-02T08:14:00Z","exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
    "#]]);
    story.says(
        &ana,
        "list",
        expect![[r#"
        exit 0
        RELEASE  CANDIDATE    COMMIT   MADE       BY          LIVE     NOTE
        1.4.1    v1.4.1-rc.1  [ID0]  8 min ago  ana         staging
        1.4.0    v1.4.0       [ID1]  -          not by rel  prod     closed
    "#]],
    );
    story.says(&ana, "log", expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE               STATE      WHEN        TOOK   BY   NOTE
        staging#2  deploy  [ID0] -> v1.4.1-rc.1  succeeded  4 min ago   2 min  ana  recorded
        prod#2     deploy  v1.4.0 -> v1.4.1-rc.1   failed     6 min ago   1 min  ana  overrode order; recorded; "it runs"
        staging#1  deploy  [ID0]                 succeeded  11 min ago  -      ana  recorded
        prod#1     deploy  v1.4.0                  succeeded  13 min ago  -      ana  recorded
    "#]]);
}

#[test]
fn an_outcome_nobody_knows() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.shop.world.set("hold-staging");
    let running = story.start(&ana, &["deploy", "staging", "--redeploy", "--yes"], &[]);
    let orphan = story.shop.world.running("staging", 2);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    story.says(
        &ana,
        "status",
        expect![[r#"
            exit 0
            shop · trunk main [ID0] · origin, just now

            ENV      LIVE         SINCE  BY   NEXT
            staging  v0.1.0-rc.1  2 min  ana  v0.1.0-rc.1 by ana since 08:03 UTC, staging#2
            prod     -            -      -    v0.1.0-rc.1, ready
        "#]],
    );
    story.says(&ana, "status staging", expect![[r#"
        exit 0
        shop staging · trunk main [ID0] · origin, just now

          live       v0.1.0-rc.1, 3 min, by ana (staging#1)
          pending    0 commits on trunk not in it
          in flight  redeploy of v0.1.0-rc.1 since 08:03 UTC, staging#2 by ana; its process is alive on this machine
          next       up to date
          go back    to v0.1.0-rc.1: the last success; staging#2 unknown
                     rel rollback staging --take-over 2 --reason WHY
    "#]]);
    story.says(
        &ana,
        "deploy staging --yes --redeploy",
        expect![[r#"
            exit 5
            --- stderr
            staging#2: rel died, but its command still runs on this machine
            error: staging refuses v0.1.0-rc.1 (1 gate); nothing changed

              busy  staging#2 by ana is putting v0.1.0-rc.1 there since 08:03 UTC
                    wait for it: --wait
                    or, if it is dead: --take-over 2 --reason WHY

              Waiting alone will do.
        "#]],
    );
    story.says(
        &ana,
        "resolve staging#2 --failed --reason guess",
        expect![[r#"
        exit 5
        --- stderr
        error: staging#2 still runs on this machine; nothing changed

          busy  its process is alive

          let it end, or end what this clone runs here: rel sync --stop
    "#]],
    );
    story.says(
        &ana,
        "sync",
        expect![[r#"
        exit 0
        nothing was left to publish
        --- stderr
        staging#2: rel died, but its command still runs on this machine
        end what still runs here: rel sync --stop
    "#]],
    );
    story.says(
        &ana,
        "log --output staging#2",
        expect![[r#"
        exit 0
        deploying v0.1.0-rc.1
    "#]],
    );
    story.shop.world.clear("hold-staging");
    orphan.is_gone();
    story.says(
        &ana,
        "sync --dry-run",
        expect![[r#"
        exit 0
        nothing was left to publish
    "#]],
    );
    story.says(
        &ana,
        "sync",
        expect![[r#"
        exit 0
        1 settled
        --- stderr
        staging#2, left by a run that died here, is recorded as unknown
    "#]],
    );
    story.says(
        &ana,
        "sync --json",
        expect![[r#"
            exit 0
            {"schema":1,"settled":[],"released":[],"kept":[],"outputs":[]}
        "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
            exit 0
            shop · trunk main [ID0] · origin, just now

            ENV      LIVE          SINCE   BY   NEXT
            staging  v0.1.0-rc.1?  11 min  ana  up to date
            prod     -             -       -    v0.1.0-rc.1, ready

            ? staging#2 put v0.1.0-rc.1 there and never reported (ana on [HOST], 08:03 UTC).
              go back       rel rollback staging
              or settle it  rel resolve staging#2 --succeeded|--failed --reason WHY
        "#]],
    );
    story.says(
        &ana,
        "status staging",
        expect![[r#"
            exit 0
            shop staging · trunk main [ID0] · origin, just now

              live     v0.1.0-rc.1?, 12 min, by ana (staging#1)
              pending  0 commits on trunk not in it
              next     up to date
              go back  to v0.1.0-rc.1: the last success; staging#2 unknown
                       rel rollback staging

            ? staging#2 put v0.1.0-rc.1 there and never reported (ana on [HOST], 08:03 UTC).
              go back       rel rollback staging
              or settle it  rel resolve staging#2 --succeeded|--failed --reason WHY
        "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 0
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":0},"as_of":"2026-01-02T08:15:00Z","environments":[{"name":"staging","current":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","since":"2026-01-02T08:02:00Z","actor":"ana <ana@example.com>","deployment":"staging#1","certain":false},"previous":null,"in_flight":null,"hold":null,"unresolved":[{"id":"staging#2","seq":2,"environment":"staging","action":"redeploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":"v0.1.0-rc.1","state":"unknown","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:03:00Z","finished_at":null,"exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}],"pending":0,"next":null,"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]},{"name":"prod","current":null,"previous":null,"in_flight":null,"hold":null,"unresolved":[],"pending":null,"next":{"tag":"v0.1.0-rc.1","commits":2,"ready_at":"2026-01-02T08:15:00Z","gates":[]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "log staging",
        expect![[r#"
            exit 0
            ID         ACTION    CANDIDATE    STATE      WHEN        TOOK       BY
            staging#2  redeploy  v0.1.0-rc.1  unknown    13 min ago  8 min      ana
            staging#1  deploy    v0.1.0-rc.1  succeeded  14 min ago  under 1 s  ana
        "#]],
    );
    story.says(
        &ana,
        "resolve staging#2 --succeeded --reason \"checked by hand\" --dry-run",
        expect![[r#"
        exit 0
        staging#2 would be recorded as succeeded
    "#]],
    );
    story.says(
        &ana,
        "resolve staging#2 --succeeded --reason \"checked by hand\"",
        expect![[r#"
        exit 0
        staging#2 is recorded as succeeded
    "#]],
    );
    story.says(
        &ana,
        "resolve staging#2 --failed --reason \"checked again\"",
        expect![[r#"
        exit 4
        --- stderr
        error: staging#2 succeeded already; nothing changed

          resolve  only what is running elsewhere or unknown can be settled
    "#]],
    );
    story.says(
        &ana,
        "resolve staging#9 --failed --reason guess",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no deployment staging#9
          rel log staging
    "#]],
    );
    story.says(&ana, "resolve staging#1 --failed --reason guess --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"staging#1 succeeded already; nothing changed","reasons":[{"gate":"resolve","message":"only what is running elsewhere or unknown can be settled"}],"hints":[]}}
        --- stderr
        error: staging#1 succeeded already; nothing changed

          resolve  only what is running elsewhere or unknown can be settled
    "#]]);
    story.says(
        &ana,
        "status staging",
        expect![[r#"
        exit 0
        shop staging · trunk main [ID0] · origin, just now

          live     v0.1.0-rc.1, 4 min, by ana (staging#2)
          pending  0 commits on trunk not in it
          next     up to date
          go back  nothing that could be deployed was live on staging before v0.1.0-rc.1
    "#]],
    );
}

#[test]
fn while_the_remote_is_away() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes", "deploy prod --yes"]);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut", "deploy staging --yes"]);
    let away = story.shop.world.at("away.git");
    std::fs::rename(story.shop.authority(), &away).unwrap();
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          what this clone knew 1 min ago: rel status --offline
    "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 1
        {"schema":1,"error":{"kind":"failed","exit_code":1,"message":"origin is not a git repository that can be read","reasons":[],"hints":["check the remote's address: git remote -v","what this clone knew 2 min ago: rel status --offline"]}}
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          what this clone knew 2 min ago: rel status --offline
    "#]]);
    story.says(
        &ana,
        "status --offline",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, 3 min ago, offline

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.2.0-rc.1  3 min  ana  up to date
        prod     v0.1.0-rc.1  5 min  ana  v0.2.0-rc.1 (+1), ready
    "#]],
    );
    story.says(&ana, "status --offline --json", expect![[r#"
        exit 0
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":0},"as_of":"2026-01-02T08:05:00Z","environments":[{"name":"staging","current":{"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID0:40]","since":"2026-01-02T08:05:00Z","actor":"ana <ana@example.com>","deployment":"staging#2","certain":true},"previous":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID1:40]","since":"2026-01-02T08:02:00Z","actor":"ana <ana@example.com>","deployment":"staging#1","certain":true},"in_flight":null,"hold":null,"unresolved":[],"pending":0,"next":null,"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]},{"name":"prod","current":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID1:40]","since":"2026-01-02T08:03:00Z","actor":"ana <ana@example.com>","deployment":"prod#1","certain":true},"previous":null,"in_flight":null,"hold":null,"unresolved":[],"pending":1,"next":{"tag":"v0.2.0-rc.1","commits":1,"ready_at":"2026-01-02T08:09:00Z","gates":[]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "cut --again",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
    "#]],
    );
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          in an emergency, without it: rel deploy prod --offline --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "lock prod --reason x",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          whether the last change arrived could not be learnt; rel sync finds out
    "#]],
    );
    story.says(
        &ana,
        "lock prod --reason x --offline",
        expect![[r#"
        exit 4
        --- stderr
        error: this is decided at the remote, and --offline says not to ask it; nothing changed
          run it without --offline
          or see what would be done: --dry-run
    "#]],
    );
    story.says(
        &ana,
        "deploy prod --offline --yes",
        expect![[r#"
        exit 2
        --- stderr
        error: an offline deploy needs a reason; nothing changed

          offline  it claims nothing, so that nobody else is kept out, and the record says why

          rel deploy prod --offline --reason WHY
          or ask the remote: without --offline
    "#]],
    );
    story.says(
        &ana,
        "deploy prod v0.2.0-rc.1 --offline --dry-run --reason \"the host is down\"",
        expect![[r#"
        exit 0
        shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 12 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          gates     order: passed
          commands  as cut, [ID0]
          undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
        --- stderr
        offline: going by what origin said 10 min ago; nobody else is kept out of prod
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "deploy prod v0.2.0-rc.1 --offline --yes --reason \"the host is down\"",
        expect![[r#"
        exit 8
        --- stderr
        offline: going by what origin said 11 min ago; nobody else is kept out of prod
        shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 13 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          gates     order: passed
          commands  as cut, [ID0]
          undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
        prod: deploy of v0.2.0-rc.1, offline: nothing is claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
        error: prod runs v0.2.0-rc.1, put there offline; its record has not reached the authority

          unpublished  it is kept in this clone, and no other one knows of it

          publish it as soon as the remote can be reached: rel sync
    "#]],
    );
    story.says(&ana, "status --offline", expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, 12 min ago, offline

        ENV      LIVE         SINCE   BY   NEXT
        staging  v0.2.0-rc.1  12 min  ana  up to date
        prod     v0.1.0-rc.1  14 min  ana  v0.2.0-rc.1 (+1), ready

        ? v0.2.0-rc.1 was deployed to prod offline (ana on [HOST], 08:16 UTC): succeeded. The history above does not have it.
          publish it  rel sync
    "#]]);
    story.says(&ana, "rollback prod --offline --yes --reason \"it leaks\" --json", expect![[r#"
        exit 8
        {"schema":1,"error":{"kind":"unpublished","exit_code":8,"message":"prod runs v0.1.0-rc.1, put there offline; its record has not reached the authority","reasons":[{"gate":"unpublished","message":"it is kept in this clone, and no other one knows of it"}],"hints":["publish it as soon as the remote can be reached: rel sync"]},"deployment":{"id":null,"seq":null,"environment":"prod","action":"rollback","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID1:40]","from_tag":"v0.2.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":"it leaks","overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID1:40]","started_at":"2026-01-02T08:18:00Z","finished_at":"2026-01-02T08:18:00Z","exit_code":0,"reverts":"prod#2","phases":[],"params":{},"offline":true,"rel_version":"0.1.0"}}
        --- stderr
        offline: going by what origin said 13 min ago; nobody else is kept out of prod
          and by what this clone did there, which it has not published (prod#2 for now)
        prod: v0.2.0-rc.1 (2 min, prod#2 by ana) -> v0.1.0-rc.1
          why       live before it
          leaves    [ID0] feat: a window; no live fix is lost
          commands  as cut, [ID1]; no phases
          then      prod is held, so that the next cut does not bring the fault back
        prod: rollback of v0.1.0-rc.1, offline: nothing is claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
        error: prod runs v0.1.0-rc.1, put there offline; its record has not reached the authority

          unpublished  it is kept in this clone, and no other one knows of it

          publish it as soon as the remote can be reached: rel sync
    "#]]);
    story.says(
        &ana,
        "log prod --offline",
        expect![[r#"
        exit 0
        ID      ACTION  CANDIDATE    STATE      WHEN        TOOK       BY
        prod#1  deploy  v0.1.0-rc.1  succeeded  16 min ago  under 1 s  ana
    "#]],
    );
    story.says(
        &ana,
        "sync",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
    "#]],
    );
    story.says(&ana, "sync --json", expect![[r#"
        exit 1
        {"schema":1,"error":{"kind":"failed","exit_code":1,"message":"origin is not a git repository that can be read","reasons":[],"hints":["check the remote's address: git remote -v"]}}
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '[WORLD]/served/shop.git' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
    "#]]);
    std::fs::rename(&away, story.shop.authority()).unwrap();
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE   BY   NEXT
        staging  v0.2.0-rc.1  17 min  ana  up to date
        prod     v0.1.0-rc.1  4 min   ana  held by the rollback prod#3 of ana
        --- stderr
        prod#2, run offline here, is in the history now: succeeded
        prod#3, run offline here, is in the history now: succeeded
    "#]],
    );
    story.says(
        &ana,
        "sync --dry-run",
        expect![[r#"
        exit 0
        nothing was left to publish
    "#]],
    );
    story.says(
        &ana,
        "sync",
        expect![[r#"
        exit 0
        nothing was left to publish
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE   BY   NEXT
        staging  v0.2.0-rc.1  20 min  ana  up to date
        prod     v0.1.0-rc.1  7 min   ana  held by the rollback prod#3 of ana
    "#]],
    );
    story.says(
        &ana,
        "sync --stop",
        expect![[r#"
        exit 0
        nothing was left to stop or publish
    "#]],
    );
    story.says(
        &ana,
        "sync --stop --json",
        expect![[r#"
            exit 0
            {"schema":1,"settled":[],"released":[],"kept":[],"outputs":[],"stopped":[]}
        "#]],
    );
}

#[test]
fn what_is_checked() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.says(
        &ana,
        "fsck",
        expect![[r#"
            exit 0
            shop: all of it is what was recorded
              chains     2, 4 events: links, order, snapshots and notes
              tags       1 candidate, 0 releases: against their chain
              artifacts  2 files, [SIZE]: against their digests
        "#]],
    );
    story.says(
        &ana,
        "fsck --quick",
        expect![[r#"
        exit 0
        shop: all of it is what was recorded
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files; that they are there, but not their bytes
    "#]],
    );
    story.says(
        &ana,
        "fsck --repair",
        expect![[r#"
            exit 0
            shop: all of it is what was recorded
              chains     2, 4 events: links, order, snapshots and notes
              tags       1 candidate, 0 releases: against their chain
              artifacts  2 files, [SIZE]: against their digests
        "#]],
    );
    story.says(&ana, "fsck --repair --json", expect![[r#"
        exit 0
        {"schema":1,"project":"shop","checked":{"chains":2,"events":4,"foreign":0,"settled":0,"tags":1,"releases":0,"artifacts":2,"bytes":707,"not_checked":{"bytes":0,"artifacts":0,"references":0}},"findings":[],"repaired":[]}
    "#]]);
    story.shop.authority_git(&["update-ref", "-d", "refs/rel/shop/artifacts/0.1.0-rc.1"]);
    story.shop.authority_git(&["update-ref", "refs/tags/v0.1.0-rc.1", "refs/heads/main"]);
    story.says(&ana, "fsck", expect![[r#"
        exit 9
        --- stderr
        shop: checked
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files
        error: 2 things are not what was recorded

          tag       refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]
                    put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
          artifact  refs/rel/shop/artifacts/0.1.0-rc.1: it is gone, and v0.1.0-rc.1 needs it
                    put it back: rel fsck --repair

          1 of them can be put right from this clone: rel fsck --repair
    "#]]);
    story.says(&ana, "fsck --json", expect![[r#"
        exit 9
        {"schema":1,"error":{"kind":"integrity","exit_code":9,"message":"2 things are not what was recorded","reasons":[{"gate":"tag","message":"refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]\nput it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]"},{"gate":"artifact","message":"refs/rel/shop/artifacts/0.1.0-rc.1: it is gone, and v0.1.0-rc.1 needs it\nput it back: rel fsck --repair"}],"hints":["1 of them can be put right from this clone: rel fsck --repair"]},"project":"shop","checked":{"chains":2,"events":4,"foreign":0,"settled":0,"tags":1,"releases":0,"artifacts":2,"bytes":0,"not_checked":{"bytes":0,"artifacts":0,"references":0}},"findings":[{"kind":"tag","ref":"refs/tags/v0.1.0-rc.1","commit":"[ID1:40]","message":"it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]","repairable":false,"hints":["put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]"]},{"kind":"artifact","ref":"refs/rel/shop/artifacts/0.1.0-rc.1","commit":null,"message":"it is gone, and v0.1.0-rc.1 needs it","repairable":true,"hints":["put it back: rel fsck --repair"]}]}
        --- stderr
        shop: checked
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files
        error: 2 things are not what was recorded

          tag       refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]
                    put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
          artifact  refs/rel/shop/artifacts/0.1.0-rc.1: it is gone, and v0.1.0-rc.1 needs it
                    put it back: rel fsck --repair

          1 of them can be put right from this clone: rel fsck --repair
    "#]]);
    story.says(&ana, "fsck --repair --dry-run", expect![[r#"
        exit 9
        --- stderr
        shop: checked
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files
          would be   the files of v0.1.0-rc.1 put back from this clone's cache
        error: 1 thing is not what was recorded

          tag  refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]
               put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
    "#]]);
    story.says(&ana, "fsck --repair", expect![[r#"
        exit 9
        --- stderr
        shop: checked
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files
          repaired   the files of v0.1.0-rc.1 put back from this clone's cache
        error: 1 thing is not what was recorded

          tag  refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]
               put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
    "#]]);
    story.says(&ana, "fsck", expect![[r#"
        exit 9
        --- stderr
        shop: checked
          chains     2, 4 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files, [SIZE]: against their digests
        error: 1 thing is not what was recorded

          tag  refs/tags/v0.1.0-rc.1: it has become a lightweight tag on [ID0]; its chain minted it as the tag object [ID1:40]
               put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
    "#]]);
}

#[test]
fn a_record_that_cannot_be_published() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    let (here, away) = (story.shop.authority(), story.shop.world.at("away.git"));
    let moved = format!("mv '{}' '{}'\n", here.display(), away.display());
    std::fs::write(story.shop.world.shop().join("during-deploy"), moved).unwrap();
    let run = |args: &[&str]| story.start(&ana, args, &[("REL_PUBLISH_TIMEOUT", "0")]).wait();
    story.said(
        &run(&["deploy", "staging", "--yes"]),
        expect![[r#"
        exit 8
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        staging#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
        error: staging#1 succeeded, but its record has not reached the authority

          unpublished  origin is not a git repository that can be read

          publish it as soon as the remote can be reached: rel sync
    "#]],
    );
    std::fs::rename(&away, &here).unwrap();
    story.shop.world.clear("during-deploy");
    story.says(
        &ana,
        "status --offline",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, 1 min ago, offline

        ENV      LIVE  SINCE  BY  NEXT
        staging  -     -      -   v0.1.0-rc.1 by ana since 08:02 UTC, staging#1
        prod     -     -      -   v0.1.0-rc.1, refused by order

        ? staging#1 is under way (ana on [HOST], 08:02 UTC). If it is dead:
          settle it  rel resolve staging#1 --failed --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "sync --dry-run",
        expect![[r#"
        exit 0
        nothing was left to publish
    "#]],
    );
    story.says(
        &ana,
        "sync",
        expect![[r#"
        exit 0
        1 settled
        --- stderr
        staging#1, left by a run that died here, is recorded as succeeded
    "#]],
    );
    story.says(
        &ana,
        "log",
        expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE    STATE      WHEN       TOOK       BY
        staging#1  deploy  v0.1.0-rc.1  succeeded  4 min ago  under 1 s  ana
    "#]],
    );
}

#[test]
fn a_run_that_is_interrupted() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    story.shop.world.set("hold-staging");
    let interrupted = |seq: u64, args: &[&str]| {
        let running = story.start(&ana, args, &[]);
        story.shop.world.running("staging", seq);
        ana.noted();
        running.signal(Signal::SIGINT);
        running.wait()
    };
    story.said(
        &interrupted(1, &["deploy", "staging", "--yes", "--quiet"]),
        expect![[r#"
            exit 130
            --- stderr
            error: staging#1 was interrupted, and the record says so
              what it printed: rel log --output staging#1
        "#]],
    );
    story.said(&interrupted(2, &["deploy", "staging", "--yes", "--quiet", "--json"]), expect![[r#"
        exit 130
        {"schema":1,"error":{"kind":"interrupted","exit_code":130,"message":"staging#2 was interrupted, and the record says so","reasons":[],"hints":["what it printed: rel log --output staging#2"]},"deployment":{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"cancelled","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:03:00Z","finished_at":"2026-01-02T08:03:00Z","exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        error: staging#2 was interrupted, and the record says so
          what it printed: rel log --output staging#2
    "#]]);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE  SINCE  BY  NEXT
        staging  -     -      -   v0.1.0-rc.1, ready
        prod     -     -      -   v0.1.0-rc.1, refused by order

        ? staging#2 cancelled: v0.1.0-rc.1 may be there in part.
          or try it again  rel deploy staging v0.1.0-rc.1
          what it printed  rel log --output staging#2
    "#]],
    );
    story.says(
        &ana,
        "log",
        expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE    STATE      WHEN       TOOK       BY
        staging#2  deploy  v0.1.0-rc.1  cancelled  2 min ago  under 1 s  ana
        staging#1  deploy  v0.1.0-rc.1  cancelled  3 min ago  under 1 s  ana
    "#]],
    );
}

#[test]
fn what_is_examined() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "doctor",
        expect![[r#"
            exit 0
            ok       git           [VERSION]
            ok       repository    [WORLD]/ana
            ok       clone         complete
            ok       identity      ana <ana@example.com>
            ok       release.toml  project shop, environments staging, prod
            ok       unpublished   nothing: every record of this clone has reached the remote
            ok       remote        origin: trunk main at [ID0]
            ok       policy        trunk's, at [ID0]
            ok       clock         no records yet to compare it with
            ok       tags          as origin has them
            ok       push          refs/rel/shop/ can be written
            ok       arrives       what is pushed is there when it is read
            ok       notes         refs/notes/rel/shop/ can be written
            ok       tag rules     tags like v1.0.0-rc.1 can be made
            ok       atomic        several refs change all or none
            ok       leases        a ref that is not what was expected is left alone
            --- stderr
            nothing stands in the way
        "#]],
    );
    story.says(&ana, "doctor --json", expect![[r#"
        exit 0
        {"schema":1,"checks":[{"name":"git","verdict":"ok","message":"[VERSION]","hints":[]},{"name":"repository","verdict":"ok","message":"[WORLD]/ana","hints":[]},{"name":"clone","verdict":"ok","message":"complete","hints":[]},{"name":"identity","verdict":"ok","message":"ana <ana@example.com>","hints":[]},{"name":"release.toml","verdict":"ok","message":"project shop, environments staging, prod","hints":[]},{"name":"unpublished","verdict":"ok","message":"nothing: every record of this clone has reached the remote","hints":[]},{"name":"remote","verdict":"ok","message":"origin: trunk main at [ID0]","hints":[]},{"name":"policy","verdict":"ok","message":"trunk's, at [ID0]","hints":[]},{"name":"clock","verdict":"ok","message":"no records yet to compare it with","hints":[]},{"name":"tags","verdict":"ok","message":"as origin has them","hints":[]},{"name":"push","verdict":"ok","message":"refs/rel/shop/ can be written","hints":[]},{"name":"arrives","verdict":"ok","message":"what is pushed is there when it is read","hints":[]},{"name":"notes","verdict":"ok","message":"refs/notes/rel/shop/ can be written","hints":[]},{"name":"tag rules","verdict":"ok","message":"tags like v1.0.0-rc.1 can be made","hints":[]},{"name":"atomic","verdict":"ok","message":"several refs change all or none","hints":[]},{"name":"leases","verdict":"ok","message":"a ref that is not what was expected is left alone","hints":[]}]}
        --- stderr
        nothing stands in the way
    "#]]);
    story.says(
        &ana,
        "doctor --offline",
        expect![[r#"
            exit 0
            ok       git           [VERSION]
            ok       repository    [WORLD]/ana
            ok       clone         complete
            ok       identity      ana <ana@example.com>
            ok       release.toml  project shop, environments staging, prod
            ok       unpublished   nothing: every record of this clone has reached the remote
            note     remote        origin was not asked, since --offline says not to
            ok       policy        trunk's, at [ID0]
            ok       clock         no records yet to compare it with
            --- stderr
            nothing stands in the way; 1 note
        "#]],
    );
    story.says(
        &ana,
        "doctor --dry-run",
        expect![[r#"
            exit 0
            ok       git           [VERSION]
            ok       repository    [WORLD]/ana
            ok       clone         complete
            ok       identity      ana <ana@example.com>
            ok       release.toml  project shop, environments staging, prod
            ok       unpublished   nothing: every record of this clone has reached the remote
            ok       remote        origin: trunk main at [ID0]
            ok       policy        trunk's, at [ID0]
            ok       clock         no records yet to compare it with
            ok       tags          as origin has them
            note     push          not tried, since --dry-run says not to
            --- stderr
            nothing stands in the way; 1 note
        "#]],
    );
    ana.git(&["remote", "set-url", "origin", "/no/such/folder"]);
    story.says(
        &ana,
        "doctor",
        expect![[r#"
            exit 4
            ok       git           [VERSION]
            ok       repository    [WORLD]/ana
            ok       clone         complete
            ok       identity      ana <ana@example.com>
            ok       release.toml  project shop, environments staging, prod
            ok       unpublished   nothing: every record of this clone has reached the remote
            problem  remote        origin is not a git repository that can be read
                                   fatal: '/no/such/folder' does not appear to be a git repository
                                   fatal: Could not read from remote repository.
                                   Please make sure you have the correct access rights
                                   and the repository exists.
                                   check the remote's address: git remote -v
            --- stderr
            error: 1 problem found; nothing changed
              what to do stands beside each
        "#]],
    );
    story.says(&ana, "doctor --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"1 problem found; nothing changed","reasons":[],"hints":["what to do stands beside each"]},"checks":[{"name":"git","verdict":"ok","message":"[VERSION]","hints":[]},{"name":"repository","verdict":"ok","message":"[WORLD]/ana","hints":[]},{"name":"clone","verdict":"ok","message":"complete","hints":[]},{"name":"identity","verdict":"ok","message":"ana <ana@example.com>","hints":[]},{"name":"release.toml","verdict":"ok","message":"project shop, environments staging, prod","hints":[]},{"name":"unpublished","verdict":"ok","message":"nothing: every record of this clone has reached the remote","hints":[]},{"name":"remote","verdict":"problem","message":"origin is not a git repository that can be read\nfatal: '/no/such/folder' does not appear to be a git repository\nfatal: Could not read from remote repository.\nPlease make sure you have the correct access rights\nand the repository exists.","hints":["check the remote's address: git remote -v"]}]}
        --- stderr
        error: 1 problem found; nothing changed
          what to do stands beside each
    "#]]);
}
