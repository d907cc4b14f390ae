//! What makes candidates: cut, cherry-pick and ship.

use expect_test::expect;

use super::Story;
use crate::remote::Kind;
use crate::repo::Shop;

#[test]
fn a_cut() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "cut --dry-run",
        expect![[r#"
        exit 0
        [ID0] would become v0.1.0-rc.1

        - [ID1] feat: open the shop (ana)
        - [ID0] fix: hang the door (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(&ana, "cut --dry-run --json", expect![[r#"
        exit 0
        {"schema":1,"candidate":null,"made":false,"plan":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","release":"0.1.0","number":1,"commit":"[ID0:40]"},"dry_run":true}
        --- stderr
        dry run: nothing changed
    "#]]);
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 made from [ID0]: 1 artifact, 11 B
        --- stderr
        v0.1.0-rc.1 reserved for [ID0]
        build | building the shop
    "#]],
    );
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 0
        [ID0] is v0.1.0-rc.1 already; nothing made
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 0
        {"schema":1,"candidate":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","release":"0.1.0","number":1,"commit":"[ID0:40]","trunk_commit":"[ID0:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:03:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID2:64]","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.1#app.txt"}],"blocked":false,"block":null},"made":false}
    "#]]);
    story.says(&ana, "cut --again --json", expect![[r#"
        exit 0
        {"schema":1,"candidate":{"tag":"v0.1.0-rc.2","version":"0.1.0-rc.2","release":"0.1.0","number":2,"commit":"[ID0:40]","trunk_commit":"[ID0:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:06:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID2:64]","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.2#app.txt"}],"blocked":false,"block":null},"made":true}
        --- stderr
        v0.1.0-rc.2 reserved for [ID0]
        build | building the shop
    "#]]);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.says(
        &ana,
        "cut --version 0.1.0",
        expect![[r#"
        exit 4
        --- stderr
        error: version 0.1.0 is taken; nothing changed

          version  a release of that version exists, or is being built

          for its next candidate: rel cut --release 0.1.0
    "#]],
    );
    story.says(
        &ana,
        "cut --version 1.2.3 --dry-run",
        expect![[r#"
        exit 0
        [ID3] would become v1.2.3-rc.1

        Changes since 0.1.0:

        - [ID3] feat: a window (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "cut --bump major --dry-run",
        expect![[r#"
        exit 0
        [ID3] would become v1.0.0-rc.1

        Changes since 0.1.0:

        - [ID3] feat: a window (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "cut --release 0.1.0 --dry-run",
        expect![[r#"
        exit 0
        [ID3] would become v0.1.0-rc.3

        - [ID3] feat: a window (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "cut --release 9.9.9",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no release 9.9.9
          rel list
    "#]],
    );
    story.says(
        &ana,
        "cut nonsense",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no commit nonsense in this clone
          git fetch, if it was made elsewhere
    "#]],
    );
    story.says(
        &ana,
        "cut --if-changed --dry-run",
        expect![[r#"
        exit 0
        [ID3] would become v0.2.0-rc.1

        Changes since 0.1.0:

        - [ID3] feat: a window (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.shop.world.set("fail-build");
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 6
        --- stderr
        v0.2.0-rc.1 reserved for [ID3]
        build | building the shop
        build | the build says no
        error: the build of v0.2.0-rc.1 failed: exit 3
          what it printed: [WORLD]/ana/.git/rel/shop/output/build/0.2.0-rc.1.log
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 6
        {"schema":1,"error":{"kind":"command-failed","exit_code":6,"message":"the build of v0.2.0-rc.2 failed: exit 3","reasons":[],"hints":["what it printed: [WORLD]/ana/.git/rel/shop/output/build/0.2.0-rc.2.log"]},"candidate":{"tag":"v0.2.0-rc.2","version":"0.2.0-rc.2","release":"0.2.0","number":2,"commit":"[ID3:40]","trunk_commit":"[ID3:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:15:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[],"blocked":false,"block":null}}
        --- stderr
        v0.2.0-rc.2 reserved for [ID3]
        build | building the shop
        build | the build says no
        error: the build of v0.2.0-rc.2 failed: exit 3
          what it printed: [WORLD]/ana/.git/rel/shop/output/build/0.2.0-rc.2.log
    "#]]);
    story.shop.world.clear("fail-build");
    ana.reconfigure("[environments.staging]", "[environments.staging]\nauto_deploy = true");
    story.says(
        &ana,
        "cut --dry-run",
        expect![[r#"
        exit 0
        [ID4] would become v0.2.0-rc.3

        Changes since 0.1.0:

        - [ID3] feat: a window (ana)
        - [ID4] chore: change how we release (ana)
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 0
        v0.2.0-rc.3 made from [ID4]: 1 artifact, 20 B
        staging runs v0.2.0-rc.3 (staging#1, under 1 s)
        --- stderr
        v0.2.0-rc.3 reserved for [ID4]
        build | building the shop
        staging#1 claimed
        deploy | deploying v0.2.0-rc.3
        verify | looking at v0.2.0-rc.3
    "#]],
    );
}

#[test]
fn a_pick() {
    let story = Story::new();
    let ana = story.shop.ana();

    let contained = ana.tip();
    story.done(&ana, &["cut"]);
    ana.commit("src/wip.txt", "half done\n", "feat: half done");
    let fix = ana.commit("src/fix.txt", "fixed\n", "fix: the till");
    story.says(
        &ana,
        &format!("cherry-pick {contained}"),
        expect![[r#"
        exit 0
        v0.1.0-rc.1 has all of it already; nothing made
        --- stderr
        [ID0] "fix: hang the door": contained already: v0.1.0-rc.1 descends from it
    "#]],
    );
    story.says(&ana, &format!("cherry-pick {contained} --json"), expect![[r#"
        exit 0
        {"schema":1,"candidate":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","release":"0.1.0","number":1,"commit":"[ID0:40]","trunk_commit":"[ID0:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:01:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID1:64]","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.1#app.txt"}],"blocked":false,"block":null},"made":false}
        --- stderr
        [ID0] "fix: hang the door": contained already: v0.1.0-rc.1 descends from it
    "#]]);
    story.says(
        &ana,
        &format!("cherry-pick {fix} --dry-run"),
        expect![[r#"
        exit 0
        would make 0.1.0-rc.2

        Picked onto v0.1.0-rc.1:

        - [ID2] fix: the till (ana)
        --- stderr
        [ID3] "fix: the till": picked as [ID2]
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {fix} --dry-run --json"),
        expect![[r#"
            exit 0
            {"schema":1,"candidate":null,"made":false,"dry_run":true,"onto":"v0.1.0-rc.1","to":"0.1.0-rc.2"}
            --- stderr
            [ID3] "fix: the till": picked as [ID4]
            dry run: nothing changed
        "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {fix}"),
        expect![[r#"
        exit 0
        v0.1.0-rc.2 made: 1 fix picked onto v0.1.0-rc.1
        --- stderr
        v0.1.0-rc.2 reserved for [ID5]
        build | building the shop
        [ID3] "fix: the till": picked as [ID5]
    "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {fix}"),
        expect![[r#"
        exit 0
        v0.1.0-rc.2 has all of it already; nothing made
        --- stderr
        [ID3] "fix: the till": contained already: picked in v0.1.0-rc.2 as [ID5]
    "#]],
    );
    story.done(&ana, &["cut"]);
    let second = ana.commit("src/more.txt", "more\n", "fix: more");
    story.says(
        &ana,
        &format!("cherry-pick {second} --onto 0.1.0 --onto 0.2.0 --dry-run"),
        expect![[r#"
        exit 0
        RELEASE  FROM         TO          PICKS
        0.1.0    v0.1.0-rc.2  0.1.0-rc.3  1 fix
        0.2.0    v0.2.0-rc.1  0.2.0-rc.2  1 fix
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {second} --since 0.1.0"),
        expect![[r#"
        exit 0
        v0.1.0-rc.3 made: 1 fix picked onto v0.1.0-rc.2
        v0.2.0-rc.2 made: 1 fix picked onto v0.2.0-rc.1
        --- stderr
        RELEASE  FROM         TO          PICKS
        0.1.0    v0.1.0-rc.2  0.1.0-rc.3  1 fix
        0.2.0    v0.2.0-rc.1  0.2.0-rc.2  1 fix
        v0.1.0-rc.3 reserved for [ID6]
        build | building the shop
        [ID7] "fix: more": picked as [ID6]
        v0.2.0-rc.2 reserved for [ID8]
        build | building the shop
        [ID7] "fix: more": picked as [ID8]
    "#]],
    );
    story.says(&ana, &format!("cherry-pick {second} --since 0.1.0 --json"), expect![[r#"
        exit 0
        {"schema":1,"candidates":[{"tag":"v0.1.0-rc.3","version":"0.1.0-rc.3","release":"0.1.0","number":3,"commit":"[ID6:40]","trunk_commit":"[ID0:40]","parent":"v0.1.0-rc.2","picks":[{"source":"[ID7:40]","commit":"[ID6:40]"}],"created_at":"2026-01-02T08:10:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID9:64]","size":22,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.3#app.txt"}],"blocked":false,"block":null,"made":false},{"tag":"v0.2.0-rc.2","version":"0.2.0-rc.2","release":"0.2.0","number":2,"commit":"[ID8:40]","trunk_commit":"[ID3:40]","parent":"v0.2.0-rc.1","picks":[{"source":"[ID7:40]","commit":"[ID8:40]"}],"created_at":"2026-01-02T08:10:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID10:64]","size":32,"uri":"git:refs/rel/shop/artifacts/0.2.0-rc.2#app.txt"}],"blocked":false,"block":null,"made":false}]}
        --- stderr
        RELEASE  FROM         TO  PICKS
        0.1.0    v0.1.0-rc.3  -   has all of it already
        0.2.0    v0.2.0-rc.2  -   has all of it already
        [ID7] "fix: more": contained already: picked in v0.1.0-rc.3 as [ID6]
        [ID7] "fix: more": contained already: picked in v0.2.0-rc.2 as [ID8]
    "#]]);
    story.says(
        &ana,
        &format!("cherry-pick {second} --onto 7.0.0"),
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate 7.0.0
          nearest are v0.2.0-rc.2, v0.1.0-rc.3, v0.2.0-rc.1
          rel list
    "#]],
    );
    story.says(
        &ana,
        "cherry-pick nonsense",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no commit nonsense in this clone
          git fetch, if it was made elsewhere
    "#]],
    );
    story.says(
        &ana,
        "cherry-pick --continue",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no cherry-pick to go on with; nothing changed
          begin one: rel cherry-pick COMMIT
    "#]],
    );
    story.says(
        &ana,
        "cherry-pick --abort",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no cherry-pick to drop; nothing changed
          what there is: rel status
    "#]],
    );
}

#[test]
fn a_pick_that_needs_a_person() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    ana.commit("src/app.txt", "two\n", "feat: two");
    let fix = ana.commit("src/app.txt", "two, fixed\n", "fix: two");
    story.says(
        &ana,
        &format!("cherry-pick {fix} --dry-run"),
        expect![[r#"
        exit 7
        --- stderr
        error: [ID0] conflicts with v0.1.0-rc.1; nothing is made yet

          conflict  src/app.txt

          without --dry-run it is laid out in a worktree of its own, to be resolved
    "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {fix} --skip-conflicts"),
        expect![[r#"
        exit 7
        --- stderr
        error: [ID0] conflicts in src/app.txt
          rel cherry-pick [ID0] --onto 0.1.0
    "#]],
    );
    story.says(&ana, &format!("cherry-pick {fix}"), expect![[r#"
        exit 7
        --- stderr
        error: [ID0] conflicts with v0.1.0-rc.1; nothing is made yet

          conflict  src/app.txt

          it waits in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1: resolve it there, and git add what you resolved; then
          rel cherry-pick --continue
          or drop it: rel cherry-pick --abort
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

        ? a pick of [ID0] onto v0.1.0-rc.1 waits: 1 file in conflict.
          resolve it in  [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1
          then go on     rel cherry-pick --continue
          or drop it     rel cherry-pick --abort
    "#]],
    );
    story.says(
        &ana,
        &format!("cherry-pick {fix}"),
        expect![[r#"
        exit 4
        --- stderr
        error: a pick of [ID0] onto v0.1.0-rc.1 is not finished; nothing changed

          unfinished  it waits in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1

          go on, once it is resolved: rel cherry-pick --continue
          or drop it: rel cherry-pick --abort
    "#]],
    );
    story.says(
        &ana,
        "cherry-pick --continue",
        expect![[r#"
        exit 4
        --- stderr
        error: the pick of [ID0] is still in conflict; nothing changed

          conflict  src/app.txt

          it is in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1
          resolve each, and git add it there; then:
          rel cherry-pick --continue
    "#]],
    );
    story.says(&ana, "cherry-pick --continue --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"the pick of [ID0] is still in conflict; nothing changed","reasons":[{"gate":"conflict","message":"src/app.txt"}],"hints":["it is in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1","resolve each, and git add it there; then:","rel cherry-pick --continue"]}}
        --- stderr
        error: the pick of [ID0] is still in conflict; nothing changed

          conflict  src/app.txt

          it is in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1
          resolve each, and git add it there; then:
          rel cherry-pick --continue
    "#]]);
    story.says(
        &ana,
        "cherry-pick --abort",
        expect![[r#"
        exit 0
        the unfinished cherry-pick is dropped, and its worktree removed
    "#]],
    );
    story.says(&ana, &format!("cherry-pick {fix} --json"), expect![[r#"
        exit 7
        {"schema":1,"error":{"kind":"conflict","exit_code":7,"message":"[ID0] conflicts with v0.1.0-rc.1; nothing is made yet","reasons":[{"gate":"conflict","message":"src/app.txt"}],"hints":["it waits in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1: resolve it there, and git add what you resolved; then","rel cherry-pick --continue","or drop it: rel cherry-pick --abort"]},"candidate":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","release":"0.1.0","number":1,"commit":"[ID2:40]","trunk_commit":"[ID2:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:01:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID3:64]","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.1#app.txt"}],"blocked":false,"block":null}}
        --- stderr
        error: [ID0] conflicts with v0.1.0-rc.1; nothing is made yet

          conflict  src/app.txt

          it waits in [WORLD]/homes/ana/.local/state/rel/shop-[ID1:12]/shop-v0.1.0-rc.1: resolve it there, and git add what you resolved; then
          rel cherry-pick --continue
          or drop it: rel cherry-pick --abort
    "#]]);
    let listed = ana.git(&["worktree", "list", "--porcelain"]);
    let worktree = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).nth(1).unwrap();
    std::fs::write(std::path::Path::new(worktree).join("src/app.txt"), "one, fixed\n").unwrap();
    story.shop.world.git(&ana.person, worktree.as_ref(), &["add", "src/app.txt"]);
    story.says(
        &ana,
        "cherry-pick --continue",
        expect![[r#"
        exit 0
        v0.1.0-rc.2 made: 1 fix picked onto v0.1.0-rc.1
        --- stderr
        v0.1.0-rc.2 reserved for [ID4]
        build | building the shop
        [ID0] "fix: two": picked as [ID4]
    "#]],
    );
}

#[test]
fn a_walk_to_prod() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "ship prod --dry-run",
        expect![[r#"
        exit 0
        0.1.0-rc.1, built from [ID0] -> staging, then prod
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "ship prod --dry-run --json",
        expect![[r#"
            exit 0
            {"schema":1,"candidate":null,"deployment":null,"path":["staging","prod"],"dry_run":true}
            --- stderr
            dry run: nothing changed
        "#]],
    );
    story.says(
        &ana,
        "ship prod",
        expect![[r#"
        exit 2
        --- stderr
        error: shipping needs a yes, and nobody can be asked here; nothing changed
          say it beforehand: --yes, or REL_YES=1
    "#]],
    );
    story.says(
        &ana,
        "ship prod --yes",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 (staging#1, under 1 s)
        prod runs v0.1.0-rc.1 (prod#1, under 1 s); tagged v0.1.0
        --- stderr
        v0.1.0-rc.1 reserved for [ID0]
        build | building the shop
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        staging#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
        prod#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]],
    );
    story.says(
        &ana,
        "ship prod --yes",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 already (staging#1, 1 min)
        prod runs v0.1.0-rc.1 already (prod#1, 1 min)
    "#]],
    );
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.says(&ana, "ship staging --yes --json", expect![[r#"
        exit 0
        {"schema":1,"candidate":{"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","release":"0.2.0","number":1,"commit":"[ID1:40]","trunk_commit":"[ID1:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:06:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID2:64]","size":20,"uri":"git:refs/rel/shop/artifacts/0.2.0-rc.1#app.txt"}],"blocked":false,"block":null},"made":true,"deployment":{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID1:40]","from_tag":"v0.1.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID1:40]","commands_commit":"[ID1:40]","started_at":"2026-01-02T08:06:00Z","finished_at":"2026-01-02T08:06:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        v0.2.0-rc.1 reserved for [ID1]
        build | building the shop
        shop v0.2.0-rc.1 -> staging   replaces v0.1.0-rc.1 (live 2 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          commands  as cut, [ID1]
          undo      rel rollback staging: v0.1.0-rc.1, its bytes are on this machine
        staging#2 claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
    "#]]);
}

#[test]
fn a_project_to_begin_with() {
    let story = Story::of(Shop::bare(Kind::Path));
    let ana = story.shop.ana();
    ana.write("src/app.txt", "one\n");
    ana.script("build.sh", "#!/bin/sh\nmkdir -p dist\ncat src/* > dist/app.txt\n");
    ana.commit_all("feat: open the shop");
    story.says(
        &ana,
        "init",
        expect![[r#"
        exit 2
        --- stderr
        error: release.toml needs a few answers, and nobody can be asked here
          take the detected answers: rel init --yes
          or see them first: rel init --dry-run
    "#]],
    );
    story.says(
        &ana,
        "init --dry-run",
        expect![[r#"
        exit 0
        # How this project is released. `rel config check` checks this file, and `rel
        # config show` shows it with every default. Commands are run by `sh -c` in a
        # clean checkout and receive what they need as REL_... environment variables.

        [project]
        # Names the refs the history is kept under; it stays for good.
        name = "shop"
        # Releases are cut from this branch (the branch of a usual name that origin
        # has).
        trunk = "main"
        # Where history and tags are decided (the only remote); "" would be this
        # repository itself.
        remote = "origin"

        [version]
        # semver, calver or sequence (this clone has no version tags, so this is the
        # usual style).
        scheme = "semver"
        # Release tags; candidates add -rc.1, -rc.2 and so on. Such tags of others are
        # listed, their versions are taken, and they are never touched.
        tag = "v{version}"

        # Guessed from build.sh: make sure of both lines.
        [build]
        # Run once for each candidate; what it makes is what every environment gets.
        command = "./build.sh"
        # The files to keep; a pattern that matches nothing fails the build.
        artifacts = ["dist/*"]

        [environments.staging]
        # true: every new candidate goes here by itself.
        auto_deploy = false
        # Makes a candidate live; its files are in $REL_ARTIFACTS_DIR. Yet to be
        # written.
        deploy = "./deploy.sh"
        # Says by its exit code whether that worked:
        # verify = "./smoke.sh"

        [environments.prod]
        # Only what succeeded there may come here.
        after = ["staging"]
        # Success here tags and closes the release.
        final = true
        # Makes a candidate live; its files are in $REL_ARTIFACTS_DIR. Yet to be
        # written.
        deploy = "./deploy.sh"
        # Says by its exit code whether that worked:
        # verify = "./smoke.sh"
        --- stderr
        warning: ./deploy.sh is not there yet: write it before the first deployment
    "#]],
    );
    story.says(&ana, "init --yes --json", expect![[r#"
        exit 0
        {"schema":1,"written":"[WORLD]/ana/release.toml","config":{"project":{"name":"shop","trunk":"main","remote":"origin","paths":[]},"version":{"scheme":"semver","bump":"conventional","format":"YYYY.MM.MICRO","candidate":"-rc.{n}","prefixes":[],"tag":"v{version}","sign":false},"build":{"command":"./build.sh","artifacts":["dist/*"],"timeout":"30m"},"artifacts":{"store":"git","max_size":"95MiB"},"environments":{"staging":{"formerly":[],"after":[],"soak":null,"approvals":0,"approvals_signed":false,"allowed_signers":null,"signoff":null,"freeze":[],"confirm":"yes","deploy":"./deploy.sh","verify":null,"rollback":null,"timeout":"10m","grace":"5s","on_failure":"stop","lost_fix":null,"final":false,"auto_deploy":false,"commands":"candidate","hold_after_rollback":true,"targets":[],"max_parallel":1,"phases":[],"params":{}},"prod":{"formerly":[],"after":["staging"],"soak":null,"approvals":0,"approvals_signed":false,"allowed_signers":null,"signoff":null,"freeze":[],"confirm":"yes","deploy":"./deploy.sh","verify":null,"rollback":null,"timeout":"10m","grace":"5s","on_failure":"stop","lost_fix":null,"final":true,"auto_deploy":false,"commands":"candidate","hold_after_rollback":true,"targets":[],"max_parallel":1,"phases":[],"params":{}}},"retry":{"attempts":1,"backoff":"5s"},"hooks":{"before_cut":null,"after_cut":null,"before_deploy":null,"after_deploy":null,"after_failure":null,"after_rollback":null,"timeout":"1m"},"output":{"publish":"local"}},"commit":["git add release.toml","git commit -m \"build: describe releases to rel\"","git push origin main"],"warnings":["./deploy.sh is not there yet: write it before the first deployment"]}
        --- stderr
        warning: ./deploy.sh is not there yet: write it before the first deployment
    "#]]);
    story.says(
        &ana,
        "init --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: [WORLD]/ana/release.toml is there already; nothing changed
          rel config check
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE  SINCE  BY  NEXT
        staging  -     -      -   no candidate yet: rel cut
        prod     -     -      -   no candidate yet: rel cut
        --- stderr
        policy: release.toml; trunk has no release.toml yet
    "#]],
    );
    ana.git(&["rm", "--quiet", "--cached", "build.sh"]);
    std::fs::remove_file(ana.dir.join("release.toml")).unwrap();
    ana.write("Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n");
    ana.commit_all("build: otherwise");
    ana.git(&["tag", "shop-1.4.0"]);
    story.says(
        &ana,
        "init --yes",
        expect![[r#"
        exit 0
        release.toml written for shop

          trunk         main, the branch of a usual name that origin has
          authority     origin, the only remote
          tags          shop-{version}, semver, as shop-1.4.0
          build         cargo package, from Cargo.toml, a library
          environments  staging -> prod
          deploy        ./deploy.sh, yet to be written

        Read it, then put it in force on main:

          git add release.toml
          git commit -m "build: describe releases to rel"
          git push origin main

        If origin protects tags or refs by rules, let whoever cuts and deploys make
        shop-*, refs/notes/rel/* and refs/rel/*.

        If something runs on prod already, say so, and rel counts from it:

          rel record prod shop-1.4.0 --succeeded

        Then: rel config check, rel status, rel cut
        --- stderr
        warning: ./deploy.sh is not there yet: write it before the first deployment
    "#]],
    );
}
#[test]
fn a_tour() {
    let story = Story::new();
    let ana = story.shop.ana();
    story.says(
        &ana,
        "demo src",
        expect![[r#"
        exit 4
        --- stderr
        error: [WORLD]/ana/src is not empty; nothing changed
          take a folder that does not exist yet, or none: rel demo
    "#]],
    );
}
