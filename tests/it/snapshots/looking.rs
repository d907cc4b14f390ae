//! What only looks: status, list, log, show, diff, where, changelog, config.

use expect_test::expect;

use super::Story;

#[test]
fn a_project_without_a_candidate() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE  SINCE  BY  NEXT
        staging  -     -      -   no candidate yet: rel cut
        prod     -     -      -   no candidate yet: rel cut
    "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 0
        {"as_of":"2026-01-02T08:02:00Z","environments":[{"current":null,"fixes_not_on_trunk":[],"hold":null,"in_flight":null,"name":"staging","next":null,"not_here":[],"pending":null,"previous":null,"unpublished":[],"unresolved":[]},{"current":null,"fixes_not_on_trunk":[],"hold":null,"in_flight":null,"name":"prod","next":null,"not_here":[],"pending":null,"previous":null,"unpublished":[],"unresolved":[]}],"project":"shop","schema":1,"trunk":{"branch":"main","commit":"[ID0:40]","pending":null},"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live     nothing
          next     no candidate yet: rel cut
          go back  nothing is live on prod
    "#]],
    );
    story.says(
        &ana,
        "status --oneline",
        expect![[r#"
        exit 0
        staging - · prod -
    "#]],
    );
    story.says(
        &ana,
        "list",
        expect![[r#"
        exit 0
        no candidates yet: rel cut
    "#]],
    );
    story.says(
        &ana,
        "list --json",
        expect![[r#"
        exit 0
        {"releases":[],"schema":1}
    "#]],
    );
    story.says(
        &ana,
        "log",
        expect![[r#"
        exit 0
        nothing was deployed yet: rel deploy ENV
    "#]],
    );
    story.says(
        &ana,
        "log --json",
        expect![[r#"
        exit 0
        {"deployments":[],"schema":1}
    "#]],
    );
    story.says(
        &ana,
        "changelog",
        expect![[r#"
        exit 4
        --- stderr
        error: there are no candidates yet, so nothing to tell of
          rel cut
    "#]],
    );
    story.says(
        &ana,
        "config check",
        expect![[r#"
        exit 0
        release.toml is valid: project shop, environments staging, prod
    "#]],
    );
    story.says(
        &ana,
        "config check --json",
        expect![[r#"
        exit 0
        {"file":"release.toml","notes":[],"schema":1,"unsupported":[],"valid":true}
    "#]],
    );
    story.says(
        &ana,
        "config show",
        expect![[r#"
        exit 0
        # trunk's, at [ID0]
        [project]
        name = "shop"
        trunk = "main"
        remote = "origin"
        paths = []

        [version]
        scheme = "semver"
        bump = "conventional"
        tag = "v{version}"
        sign = false

        [build]
        command = "./build.sh"
        artifacts = ["dist/*"]
        timeout = "30m"

        [artifacts]
        store = "git"
        max_size = "95MiB"

        [environments.staging]
        formerly = []
        after = []
        approvals = 0
        approvals_signed = false
        freeze = []
        confirm = "yes"
        deploy = "./deploy.sh"
        verify = "./verify.sh"
        timeout = "10m"
        grace = "5s"
        on_failure = "stop"
        final = false
        auto_deploy = false
        commands = "candidate"
        hold_after_rollback = true
        targets = []
        max_parallel = 1
        phases = []

        [environments.staging.params]

        [environments.prod]
        formerly = []
        after = ["staging"]
        approvals = 0
        approvals_signed = false
        freeze = []
        confirm = "yes"
        deploy = "./deploy.sh"
        verify = "./verify.sh"
        timeout = "10m"
        grace = "5s"
        on_failure = "stop"
        final = true
        auto_deploy = false
        commands = "candidate"
        hold_after_rollback = true
        targets = []
        max_parallel = 1
        phases = []

        [environments.prod.params]

        [retry]
        attempts = 1
        backoff = "5s"

        [hooks]
        timeout = "1m"

        [output]
        publish = "local"
    "#]],
    );
    story.says(&ana, "config show --json", expect![[r#"
        exit 0
        {"config":{"artifacts":{"max_size":"95MiB","store":"git"},"build":{"artifacts":["dist/*"],"command":"./build.sh","timeout":"30m"},"environments":{"prod":{"after":["staging"],"allowed_signers":null,"approvals":0,"approvals_signed":false,"auto_deploy":false,"commands":"candidate","confirm":"yes","deploy":"./deploy.sh","final":true,"formerly":[],"freeze":[],"grace":"5s","hold_after_rollback":true,"lost_fix":null,"max_parallel":1,"on_failure":"stop","params":{},"phases":[],"rollback":null,"signoff":null,"soak":null,"targets":[],"timeout":"10m","verify":"./verify.sh"},"staging":{"after":[],"allowed_signers":null,"approvals":0,"approvals_signed":false,"auto_deploy":false,"commands":"candidate","confirm":"yes","deploy":"./deploy.sh","final":false,"formerly":[],"freeze":[],"grace":"5s","hold_after_rollback":true,"lost_fix":null,"max_parallel":1,"on_failure":"stop","params":{},"phases":[],"rollback":null,"signoff":null,"soak":null,"targets":[],"timeout":"10m","verify":"./verify.sh"}},"hooks":{"after_cut":null,"after_deploy":null,"after_failure":null,"after_rollback":null,"before_cut":null,"before_deploy":null,"timeout":"1m"},"output":{"publish":"local"},"project":{"name":"shop","paths":[],"remote":"origin","trunk":"main"},"retry":{"attempts":1,"backoff":"5s"},"version":{"bump":"conventional","scheme":"semver","sign":false,"tag":"v{version}"}},"policy_commit":"[ID0:40]","schema":1}
    "#]]);
    story.says(
        &ana,
        "where HEAD",
        expect![[r#"
        exit 0
        HEAD is [ID0] fix: hang the door (ana, Thu 00:10), on trunk

          in no candidate

        ENV      LIVE  BY WAY OF  SINCE  FIRST LIVE
        staging  no    -          -      not cut yet: rel cut
        prod     no    -          -      not cut yet: rel cut
    "#]],
    );
    story.says(
        &ana,
        "diff HEAD~1",
        expect![[r#"
        exit 0
        HEAD~1 [ID1] -> trunk [ID0]: 1 commit by 1 person
          [ID0] fix: hang the door (ana, 1 day)
    "#]],
    );
}

#[test]
fn a_project_in_the_middle_of_its_life() {
    let story = Story::new();
    let ana = story.shop.ana();

    let bob = story.shop.clone_for("bob");
    story.done(&ana, &["cut", "deploy staging --yes", "deploy prod --yes --reason \"opening day\""]);
    ana.commit("src/window.txt", "a window\n", "feat(front): a window to look in\n\nIt faces the street.");
    let fix = ana.commit("src/till.txt", "mended\n", "fix: the till");
    story.done(
        &ana,
        &[
            &format!("cherry-pick {fix} --onto prod"),
            "deploy staging v0.1.1-rc.1 --yes",
            "cut",
            "approve v0.2.0-rc.1 prod",
        ],
    );
    ana.commit("src/table.txt", "new\n", "feat!: a new table\n\nRollback-Safe: no, it drops the old one");
    story.done(&ana, &["deploy staging v0.2.0-rc.1 --yes"]);
    story.done(&bob, &["block v0.1.1-rc.1 --reason \"it squeaks\"", "lock prod --reason stocktaking"]);
    story.later(200);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.2.0-rc.1  3 h    ana  1 commit on trunk, not cut
        prod     v0.1.0-rc.1  3 h    ana  held by bob: "stocktaking" (prod#3)
    "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 0
        {"as_of":"2026-01-02T11:32:00Z","environments":[{"current":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID1:40]","deployment":"staging#3","since":"2026-01-02T08:08:00Z","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1"},"fixes_not_on_trunk":[],"hold":null,"in_flight":null,"name":"staging","next":null,"not_here":[],"pending":1,"previous":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID2:40]","deployment":"staging#1","since":"2026-01-02T08:02:00Z","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1"},"unpublished":[],"unresolved":[]},{"current":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID2:40]","deployment":"prod#1","since":"2026-01-02T08:03:00Z","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1"},"fixes_not_on_trunk":[],"hold":{"actor":"bob <bob@example.com>","at":"2026-01-02T08:10:00Z","cause":"person","reason":"stocktaking","token":3},"in_flight":null,"name":"prod","next":{"commits":2,"gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}],"ready_at":null,"tag":"v0.2.0-rc.1"},"not_here":[],"pending":3,"previous":null,"unpublished":[],"unresolved":[]}],"project":"shop","schema":1,"trunk":{"branch":"main","commit":"[ID0:40]","pending":1},"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "status staging",
        expect![[r#"
        exit 0
        shop staging · trunk main [ID0] · origin, just now

          live      v0.2.0-rc.1, 3 h, by ana (staging#3)
          pending   1 commit on trunk not in it
          next      1 commit on trunk, not cut
          go back   to v0.1.0-rc.1: live before it
                    rel rollback staging
          skipping  v0.1.1-rc.1: blocked by bob, "it squeaks"
    "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live     v0.1.0-rc.1, 3 h, by ana (prod#1)
          pending  3 commits on trunk not in it
          held     by bob: "stocktaking" (prod#3), 3 h
                   rel unlock prod --token 3 --reason WHY
          next     v0.2.0-rc.1 (+2), once it is open
          go back  nothing that could be deployed was live on prod before v0.1.0-rc.1
    "#]],
    );
    story.says(&ana, "status prod --json", expect![[r#"
        exit 0
        {"as_of":"2026-01-02T11:35:00Z","environments":[{"current":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID2:40]","deployment":"prod#1","since":"2026-01-02T08:03:00Z","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1"},"fixes_not_on_trunk":[],"hold":{"actor":"bob <bob@example.com>","at":"2026-01-02T08:10:00Z","cause":"person","reason":"stocktaking","token":3},"in_flight":null,"name":"prod","next":{"commits":2,"gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}],"ready_at":null,"tag":"v0.2.0-rc.1"},"not_here":[],"pending":3,"previous":null,"unpublished":[],"unresolved":[]}],"project":"shop","schema":1,"trunk":{"branch":"main","commit":"[ID0:40]","pending":1},"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "status --oneline",
        expect![[r#"
        exit 0
        staging v0.2.0-rc.1 +1 · prod v0.1.0-rc.1 +3 (held)
    "#]],
    );
    story.says(
        &ana,
        "status --offline",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, 1 min ago, offline

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.2.0-rc.1  3 h    ana  1 commit on trunk, not cut
        prod     v0.1.0-rc.1  3 h    ana  held by bob: "stocktaking" (prod#3)
    "#]],
    );
    story.says(&ana, "list", expect![[r#"
        exit 0
        RELEASE  CANDIDATE    COMMIT   MADE     BY   LIVE     NOTE
        0.2.0    v0.2.0-rc.1  [ID1]  3 h ago  ana  staging
        0.1.1    v0.1.1-rc.1  [ID3]  3 h ago  ana           blocked by bob: "it squeaks"; 1 pick onto v0.1.0-rc.1
        0.1.0    v0.1.0-rc.1  [ID2]  3 h ago  ana  prod     released
    "#]]);
    story.says(
        &ana,
        "list -n 1",
        expect![[r#"
        exit 0
        RELEASE  CANDIDATE    COMMIT   MADE     BY   LIVE
        0.2.0    v0.2.0-rc.1  [ID1]  3 h ago  ana  staging
    "#]],
    );
    story.says(&ana, "list --json", expect![[r#"
        exit 0
        {"releases":[{"candidates":[{"actor":"ana <ana@example.com>","artifacts":[{"digest":"sha256:[ID4:64]","name":"app.txt","size":27,"uri":"git:refs/rel/shop/artifacts/0.2.0-rc.1#app.txt"}],"block":null,"blocked":false,"commit":"[ID1:40]","created_at":"2026-01-02T08:06:00Z","foreign":false,"number":1,"parent":null,"picks":[],"release":"0.2.0","signed":false,"tag":"v0.2.0-rc.1","trunk_commit":"[ID1:40]","version":"0.2.0-rc.1"}],"closed":false,"release":"0.2.0"},{"candidates":[{"actor":"ana <ana@example.com>","artifacts":[{"digest":"sha256:[ID5:64]","name":"app.txt","size":18,"uri":"git:refs/rel/shop/artifacts/0.1.1-rc.1#app.txt"}],"block":{"actor":"bob <bob@example.com>","at":"2026-01-02T08:09:00Z","reason":"it squeaks"},"blocked":true,"commit":"[ID3:40]","created_at":"2026-01-02T08:04:00Z","foreign":false,"number":1,"parent":"v0.1.0-rc.1","picks":[{"commit":"[ID3:40]","source":"[ID1:40]"}],"release":"0.1.1","signed":false,"tag":"v0.1.1-rc.1","trunk_commit":"[ID2:40]","version":"0.1.1-rc.1"}],"closed":false,"release":"0.1.1"},{"candidates":[{"actor":"ana <ana@example.com>","artifacts":[{"digest":"sha256:[ID6:64]","name":"app.txt","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.1#app.txt"}],"block":null,"blocked":false,"commit":"[ID2:40]","created_at":"2026-01-02T08:01:00Z","foreign":false,"number":1,"parent":null,"picks":[],"release":"0.1.0","signed":false,"tag":"v0.1.0-rc.1","trunk_commit":"[ID2:40]","version":"0.1.0-rc.1"}],"closed":true,"release":"0.1.0"}],"schema":1}
    "#]]);
    story.says(
        &ana,
        "log",
        expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE                   STATE      WHEN     TOOK       BY   NOTE
        staging#3  deploy  v0.1.1-rc.1 -> v0.2.0-rc.1  succeeded  3 h ago  under 1 s  ana
        staging#2  deploy  v0.1.0-rc.1 -> v0.1.1-rc.1  succeeded  3 h ago  under 1 s  ana
        prod#1     deploy  v0.1.0-rc.1                 succeeded  3 h ago  under 1 s  ana  "opening day"
        staging#1  deploy  v0.1.0-rc.1                 succeeded  3 h ago  under 1 s  ana
    "#]],
    );
    story.says(
        &ana,
        "log prod",
        expect![[r#"
        exit 0
        ID      ACTION  CANDIDATE    STATE      WHEN     TOOK       BY   NOTE
        prod#1  deploy  v0.1.0-rc.1  succeeded  3 h ago  under 1 s  ana  "opening day"
    "#]],
    );
    story.says(
        &ana,
        "log -n 1",
        expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE                   STATE      WHEN     TOOK       BY
        staging#3  deploy  v0.1.1-rc.1 -> v0.2.0-rc.1  succeeded  3 h ago  under 1 s  ana
    "#]],
    );
    story.says(
        &ana,
        "log --state failed",
        expect![[r#"
        exit 0
        no deployment is like that: rel log shows them all
    "#]],
    );
    story.says(
        &ana,
        "log --by bob",
        expect![[r#"
        exit 0
        no deployment is like that: rel log shows them all
    "#]],
    );
    story.says(&ana, "log --json", expect![[r#"
        exit 0
        {"deployments":[{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":true,"commands_commit":"[ID1:40]","commit":"[ID1:40]","environment":"staging","exit_code":0,"finished_at":"2026-01-02T08:08:00Z","from_tag":"v0.1.1-rc.1","gates":[{"gate":"lost-fix","text":"lost-fix","verdict":"passed"}],"host":"[HOST]","id":"staging#3","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID0:40]","reason":null,"rel_version":"0.1.0","reverts":null,"run_url":null,"seq":3,"started_at":"2026-01-02T08:08:00Z","state":"succeeded","tag":"v0.2.0-rc.1","trigger":"person","version":"0.2.0-rc.1"},{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":true,"commands_commit":"[ID3:40]","commit":"[ID3:40]","environment":"staging","exit_code":0,"finished_at":"2026-01-02T08:05:00Z","from_tag":"v0.1.0-rc.1","gates":[],"host":"[HOST]","id":"staging#2","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID1:40]","reason":null,"rel_version":"0.1.0","reverts":null,"run_url":null,"seq":2,"started_at":"2026-01-02T08:05:00Z","state":"succeeded","tag":"v0.1.1-rc.1","trigger":"person","version":"0.1.1-rc.1"},{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":true,"commands_commit":"[ID2:40]","commit":"[ID2:40]","environment":"prod","exit_code":0,"finished_at":"2026-01-02T08:03:00Z","from_tag":null,"gates":[{"gate":"order","text":"order","verdict":"passed"}],"host":"[HOST]","id":"prod#1","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID2:40]","reason":"opening day","rel_version":"0.1.0","reverts":null,"run_url":null,"seq":1,"started_at":"2026-01-02T08:03:00Z","state":"succeeded","tag":"v0.1.0-rc.1","trigger":"person","version":"0.1.0-rc.1"},{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":true,"commands_commit":"[ID2:40]","commit":"[ID2:40]","environment":"staging","exit_code":0,"finished_at":"2026-01-02T08:02:00Z","from_tag":null,"gates":[],"host":"[HOST]","id":"staging#1","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID2:40]","reason":null,"rel_version":"0.1.0","reverts":null,"run_url":null,"seq":1,"started_at":"2026-01-02T08:02:00Z","state":"succeeded","tag":"v0.1.0-rc.1","trigger":"person","version":"0.1.0-rc.1"}],"schema":1}
    "#]]);
    story.says(&ana, "log --format csv", expect![[r#"
        exit 0
        id,seq,environment,action,tag,version,commit,from_tag,state,certain,actor,on_behalf_of,host,run_url,trigger,reason,overrides,gates,approvals,policy_commit,commands_commit,started_at,finished_at,exit_code,reverts,rel_version,phases,params,offline
        staging#3,3,staging,deploy,v0.2.0-rc.1,0.2.0-rc.1,[ID1:40],v0.1.1-rc.1,succeeded,true,ana <ana@example.com>,,vm,,person,,,"[{""gate"":""lost-fix"",""text"":""lost-fix"",""verdict"":""passed""}]",,[ID0:40],[ID1:40],2026-01-02T08:08:00Z,2026-01-02T08:08:00Z,0,,0.1.0,,{},false
        staging#2,2,staging,deploy,v0.1.1-rc.1,0.1.1-rc.1,[ID3:40],v0.1.0-rc.1,succeeded,true,ana <ana@example.com>,,vm,,person,,,,,[ID1:40],[ID3:40],2026-01-02T08:05:00Z,2026-01-02T08:05:00Z,0,,0.1.0,,{},false
        prod#1,1,prod,deploy,v0.1.0-rc.1,0.1.0-rc.1,[ID2:40],,succeeded,true,ana <ana@example.com>,,vm,,person,opening day,,"[{""gate"":""order"",""text"":""order"",""verdict"":""passed""}]",,[ID2:40],[ID2:40],2026-01-02T08:03:00Z,2026-01-02T08:03:00Z,0,,0.1.0,,{},false
        staging#1,1,staging,deploy,v0.1.0-rc.1,0.1.0-rc.1,[ID2:40],,succeeded,true,ana <ana@example.com>,,vm,,person,,,,,[ID2:40],[ID2:40],2026-01-02T08:02:00Z,2026-01-02T08:02:00Z,0,,0.1.0,,{},false
    "#]]);
    story.says(
        &ana,
        "log --output staging#1",
        expect![[r#"
        exit 0
        deploying v0.1.0-rc.1
        looking at v0.1.0-rc.1
    "#]],
    );
    story.says(
        &ana,
        "log --output staging#1 --json",
        expect![[r#"
        exit 0
        {"output":"deploying v0.1.0-rc.1\nlooking at v0.1.0-rc.1\n","schema":1}
    "#]],
    );
    story.says(
        &ana,
        "show prod",
        expect![[r#"
        exit 0
        shop v0.1.0-rc.1
          commit    [ID2]
          made      3 h ago by ana
          live      prod for 3 h
          artifact  app.txt, 11 B, sha256
                    [ID6:64]
          kept in   git

        2 changes
          - [ID7] feat: open the shop (ana)
          - [ID2] fix: hang the door (ana)

        ID         ACTION  CANDIDATE    STATE      WHEN     TOOK       BY   NOTE
        prod#1     deploy  v0.1.0-rc.1  succeeded  3 h ago  under 1 s  ana  "opening day"
        staging#1  deploy  v0.1.0-rc.1  succeeded  3 h ago  under 1 s  ana
    "#]],
    );
    story.says(
        &ana,
        "show v0.1.1-rc.1",
        expect![[r#"
        exit 0
        shop v0.1.1-rc.1
          commit    [ID3]
          trunk     from [ID2]
          made      3 h ago by ana
          blocked   by bob: "it squeaks"
          onto      v0.1.0-rc.1
          picked    [ID1] as [ID3] fix: the till
          artifact  app.txt, 18 B, sha256
                    [ID5:64]
          kept in   git

        1 change since v0.1.0-rc.1
          - [ID3] fix: the till (ana)

        ID         ACTION  CANDIDATE                   STATE      WHEN     TOOK       BY
        staging#2  deploy  v0.1.0-rc.1 -> v0.1.1-rc.1  succeeded  3 h ago  under 1 s  ana
    "#]],
    );
    story.says(&ana, "show v0.1.1-rc.1 --json", expect![[r#"
        exit 0
        {"candidate":{"actor":"ana <ana@example.com>","artifacts":[{"digest":"sha256:[ID5:64]","name":"app.txt","size":18,"uri":"git:refs/rel/shop/artifacts/0.1.1-rc.1#app.txt"}],"block":{"actor":"bob <bob@example.com>","at":"2026-01-02T08:09:00Z","reason":"it squeaks"},"blocked":true,"commit":"[ID3:40]","created_at":"2026-01-02T08:04:00Z","number":1,"parent":"v0.1.0-rc.1","picks":[{"commit":"[ID3:40]","source":"[ID1:40]"}],"release":"0.1.1","signed":false,"tag":"v0.1.1-rc.1","trunk_commit":"[ID2:40]","version":"0.1.1-rc.1"},"changes":[{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID3:40]","committed_at":"2026-01-02T08:04:00Z","picked_from":"[ID1:40]","scope":null,"subject":"fix: the till","type":"fix"}],"deployments":[{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":true,"commands_commit":"[ID3:40]","commit":"[ID3:40]","environment":"staging","exit_code":0,"finished_at":"2026-01-02T08:05:00Z","from_tag":"v0.1.0-rc.1","gates":[],"host":"[HOST]","id":"staging#2","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID1:40]","reason":null,"rel_version":"0.1.0","reverts":null,"run_url":null,"seq":2,"started_at":"2026-01-02T08:05:00Z","state":"succeeded","tag":"v0.1.1-rc.1","trigger":"person","version":"0.1.1-rc.1"}],"schema":1}
    "#]]);
    story.says(
        &ana,
        "show HEAD",
        expect![[r#"
        exit 4
        --- stderr
        error: no candidate was made of HEAD ([ID0])
          rel cut [ID0]
    "#]],
    );
    story.says(
        &ana,
        "diff prod",
        expect![[r#"
        exit 0
        prod v0.1.0-rc.1 -> trunk [ID0]: 3 commits by 1 person, 1 breaking
        ! [ID0] feat!: a new table (ana, 1 day)
          [ID1] fix: the till (ana, 1 day)
          [ID8] feat(front): a window to look in (ana, 1 day)
    "#]],
    );
    story.says(
        &ana,
        "diff prod v0.2.0-rc.1",
        expect![[r#"
        exit 0
        prod v0.1.0-rc.1 -> v0.2.0-rc.1: 2 commits by 1 person
          [ID1] fix: the till (ana, 1 day)
          [ID8] feat(front): a window to look in (ana, 1 day)
    "#]],
    );
    story.says(
        &ana,
        "diff prod v0.2.0-rc.1 --stat",
        expect![[r#"
        exit 0
        prod v0.1.0-rc.1 -> v0.2.0-rc.1: 2 commits by 1 person
          [ID1] fix: the till (ana, 1 day)
          [ID8] feat(front): a window to look in (ana, 1 day)

         src/till.txt   | 1 +
         src/window.txt | 1 +
        2 files changed, 2 lines added, 0 removed
    "#]],
    );
    story.says(&ana, "diff prod --json", expect![[r#"
        exit 0
        {"added":[{"author":"ana <ana@example.com>","breaking":true,"commit":"[ID0:40]","committed_at":"2026-01-01T00:23:00Z","picked_from":null,"scope":null,"subject":"feat!: a new table","there_as":null,"type":"feat"},{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID1:40]","committed_at":"2026-01-01T00:19:00Z","picked_from":null,"scope":null,"subject":"fix: the till","there_as":null,"type":"fix"},{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID8:40]","committed_at":"2026-01-01T00:15:00Z","picked_from":null,"scope":"front","subject":"feat(front): a window to look in","there_as":null,"type":"feat"}],"counts":{"added":3,"breaking":1,"people":1,"removed":0},"from":{"commit":"[ID2:40]","rev":"prod","tag":"v0.1.0-rc.1"},"removed":[],"schema":1,"to":{"commit":"[ID0:40]","rev":"trunk","tag":null},"url":null}
    "#]]);
    story.says(&ana, "diff prod v0.2.0-rc.1 --stat --json", expect![[r#"
        exit 0
        {"added":[{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID1:40]","committed_at":"2026-01-01T00:19:00Z","picked_from":null,"scope":null,"subject":"fix: the till","there_as":null,"type":"fix"},{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID8:40]","committed_at":"2026-01-01T00:15:00Z","picked_from":null,"scope":"front","subject":"feat(front): a window to look in","there_as":null,"type":"feat"}],"counts":{"added":2,"breaking":0,"people":1,"removed":0},"from":{"commit":"[ID2:40]","rev":"prod","tag":"v0.1.0-rc.1"},"removed":[],"schema":1,"stat":{"added":2,"files":[{"added":1,"binary":false,"from":null,"path":"src/till.txt","removed":0},{"added":1,"binary":false,"from":null,"path":"src/window.txt","removed":0}],"removed":0},"to":{"commit":"[ID1:40]","rev":"v0.2.0-rc.1","tag":"v0.2.0-rc.1"},"url":null}
    "#]]);
    story.says(
        &ana,
        "diff v0.2.0-rc.1 prod",
        expect![[r#"
        exit 0
        v0.2.0-rc.1 -> prod v0.1.0-rc.1: nothing new

        only in v0.2.0-rc.1: 2 commits by 1 person
          [ID1] fix: the till (ana, 1 day)
          [ID8] feat(front): a window to look in (ana, 1 day)
    "#]],
    );
    story.says(
        &ana,
        "diff prod staging --path src/till.txt",
        expect![[r#"
        exit 0
        prod v0.1.0-rc.1 -> staging v0.2.0-rc.1: 1 commit by 1 person
          [ID1] fix: the till (ana, 1 day)
    "#]],
    );
    story.says(
        &ana,
        &format!("where {fix}"),
        expect![[r#"
        exit 0
        [ID1] fix: the till (ana, Thu 00:19), on trunk

          v0.2.0-rc.1   from trunk
          v0.1.1-rc.1   picked as [ID3]

        ENV      LIVE  BY WAY OF          SINCE  FIRST LIVE
        staging  yes   v0.2.0-rc.1        3 h    08:05
        prod     no    next: v0.2.0-rc.1  -      refused by held
    "#]],
    );
    story.says(
        &ana,
        &format!("where {fix} HEAD"),
        expect![[r#"
        exit 0
        COMMIT   SUBJECT             TRUNK  FIRST IN     STAGING  PROD
        [ID1]  fix: the till       yes    v0.1.1-rc.1  yes      no
        [ID0]  feat!: a new table  yes    -            no       no
    "#]],
    );
    story.says(&ana, &format!("where {fix} --json"), expect![[r#"
        exit 0
        {"author":"ana <ana@example.com>","brought":[],"candidates":[{"as":null,"foreign":false,"reverted_by":null,"tag":"v0.2.0-rc.1","via":"ancestor"},{"as":"[ID3:40]","foreign":false,"reverted_by":null,"tag":"v0.1.1-rc.1","via":"pick"}],"commit":"[ID1:40]","committed_at":"2026-01-01T00:19:00Z","environments":[{"as":null,"certain":true,"first_live_at":"2026-01-02T08:05:00Z","live":true,"name":"staging","since":"2026-01-02T08:08:00Z","tag":"v0.2.0-rc.1","via":"ancestor","waits_for":null},{"as":null,"certain":true,"first_live_at":null,"live":false,"name":"prod","since":null,"tag":null,"via":null,"waits_for":{"gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}],"ready_at":null,"tag":"v0.2.0-rc.1","what":"deployment"}}],"on_trunk":true,"on_trunk_as":null,"reverted_by":null,"schema":1,"subject":"fix: the till"}
    "#]]);
    story.says(
        &ana,
        "changelog",
        expect![[r#"
        exit 0
        ## 0.2.0 (2026-01-02)

        Candidate v0.2.0-rc.1, not released yet. Changes since 0.1.0.

        ### Features

        - **front:** a window to look in ([ID8])

        ### Fixes

        - the till ([ID1])
    "#]],
    );
    story.says(
        &ana,
        "changelog prod",
        expect![[r#"
        exit 0
        ## 0.1.0 (2026-01-02)

        Changes since the beginning.

        ### Features

        - open the shop ([ID7])

        ### Fixes

        - hang the door ([ID2])
    "#]],
    );
    story.says(&ana, "changelog --json", expect![[r#"
        exit 0
        {"changes":[{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID1:40]","committed_at":"2026-01-01T00:19:00Z","picked_from":null,"scope":null,"subject":"fix: the till","type":"fix"},{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID8:40]","committed_at":"2026-01-01T00:15:00Z","picked_from":null,"scope":"front","subject":"feat(front): a window to look in","type":"feat"}],"date":"2026-01-02","groups":[{"changes":[{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID8:40]","committed_at":"2026-01-01T00:15:00Z","picked_from":null,"scope":"front","subject":"feat(front): a window to look in","type":"feat"}],"title":"Features","type":"feat"},{"changes":[{"author":"ana <ana@example.com>","breaking":false,"commit":"[ID1:40]","committed_at":"2026-01-01T00:19:00Z","picked_from":null,"scope":null,"subject":"fix: the till","type":"fix"}],"title":"Fixes","type":"fix"}],"release":"0.2.0","released":false,"schema":1,"since":{"commit":"[ID2:40]","newest":null,"release":"0.1.0","tag":null},"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1"}
    "#]]);
    story.says(
        &ana,
        "changelog --prepend CHANGELOG.md",
        expect![[r#"
        exit 0
        CHANGELOG.md has a section 0.2.0 now (2 changes since 0.1.0)
    "#]],
    );
    story.says(
        &ana,
        "fsck",
        expect![[r#"
            exit 0
            shop: all of it is what was recorded
              chains     3, 18 events: links, order, snapshots and notes
              tags       3 candidates, 1 release: against their chain
              artifacts  6 files, [SIZE]: against their digests
        "#]],
    );
    story.says(&ana, "fsck --json", expect![[r#"
        exit 0
        {"checked":{"artifacts":6,"bytes":[SIZE],"chains":3,"events":18,"foreign":0,"not_checked":{"artifacts":0,"bytes":0,"references":0},"releases":1,"settled":0,"tags":3},"findings":[],"project":"shop","schema":1}
    "#]]);
}

/// A fix that trunk lacks, and a deployment that failed.
#[test]
fn a_project_that_needs_looking_after() {
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
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 0
        v0.2.0-rc.1 made from [ID0]: 1 artifact, 20 B
        --- stderr
        warning: lost-fix on prod, staging
          live, but not in it: [ID1] "fix: the till" (picked by ana, 3 min ago; not on trunk)
          bring it to trunk: git cherry-pick -x [ID1]
          rel cherry-pick [ID2] --onto 0.2.0
          or, if it is meant: rel waive [ID1] --reason WHY
        v0.2.0-rc.1 reserved for [ID0]
        build | building the shop
    "#]],
    );
    story.shop.world.set("fail-verify");
    story.says(&ana, "deploy staging --yes", expect![[r#"
        exit 6
        --- stderr
        shop v0.2.0-rc.1 -> staging   replaces v0.1.1-rc.1 (live 3 min)
          brings    1 commit by 1 person
                    rel diff v0.1.1-rc.1 v0.2.0-rc.1
          leaves    [ID1] fix: the till
          gates     ! lost-fix: live, but not in it: [ID1] "fix: the till" (picked by ana, 4 min ago; not on trunk)
          commands  as cut, [ID0]
          undo      rel rollback staging: v0.1.1-rc.1, its bytes are on this machine
        staging#3 claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
        verify | it smokes
        error: staging#3 failed: verify: exit 9
          what it printed: rel log --output staging#3
          go back to v0.1.1-rc.1: rel rollback staging
    "#]]);
    story.shop.world.clear("fail-verify");
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE          SINCE  BY   NEXT
        staging  v0.1.1-rc.1?  4 min  ana  v0.2.0-rc.1 (+1), ready
        prod     v0.1.1-rc.1   3 min  ana  nothing newer may go there

        ? staging runs a fix that trunk lacks: [ID1] "fix: the till" (ana).
          bring it there  git cherry-pick -x [ID1]

        ? staging#3 failed: v0.2.0-rc.1 may be there in part.
          go back          rel rollback staging
          or try it again  rel deploy staging v0.2.0-rc.1
          what it printed  rel log --output staging#3

        ? prod runs a fix that trunk lacks: [ID1] "fix: the till" (ana).
          bring it there  git cherry-pick -x [ID1]
    "#]],
    );
    story.says(
        &ana,
        "status staging",
        expect![[r#"
        exit 0
        shop staging · trunk main [ID0] · origin, just now

          live     v0.1.1-rc.1?, 5 min, by ana (staging#2)
          pending  1 commit on trunk not in it
          next     v0.2.0-rc.1 (+1), ready
                   rel deploy staging v0.2.0-rc.1
          go back  to v0.1.1-rc.1: the last success; staging#3 failed
                   rel rollback staging

        ? staging runs a fix that trunk lacks: [ID1] "fix: the till" (ana).
          bring it there  git cherry-pick -x [ID1]

        ? staging#3 failed: v0.2.0-rc.1 may be there in part.
          go back          rel rollback staging
          or try it again  rel deploy staging v0.2.0-rc.1
          what it printed  rel log --output staging#3
    "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live     v0.1.1-rc.1, 5 min, by ana (prod#2)
          pending  1 commit on trunk not in it
          next     nothing newer may go there
          go back  to v0.1.0-rc.1: live before it
                   rel rollback prod

        ? prod runs a fix that trunk lacks: [ID1] "fix: the till" (ana).
          bring it there  git cherry-pick -x [ID1]
    "#]],
    );
    story.says(&ana, "status --json", expect![[r#"
        exit 0
        {"as_of":"2026-01-02T08:12:00Z","environments":[{"current":{"actor":"ana <ana@example.com>","certain":false,"commit":"[ID1:40]","deployment":"staging#2","since":"2026-01-02T08:05:00Z","tag":"v0.1.1-rc.1","version":"0.1.1-rc.1"},"fixes_not_on_trunk":[{"commit":"[ID1:40]","source":"[ID2:40]","subject":"fix: the till"}],"hold":null,"in_flight":null,"name":"staging","next":{"commits":1,"gates":[],"ready_at":"2026-01-02T08:12:00Z","tag":"v0.2.0-rc.1"},"not_here":[],"pending":1,"previous":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID3:40]","deployment":"staging#1","since":"2026-01-02T08:02:00Z","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1"},"unpublished":[],"unresolved":[]},{"current":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID1:40]","deployment":"prod#2","since":"2026-01-02T08:06:00Z","tag":"v0.1.1-rc.1","version":"0.1.1-rc.1"},"fixes_not_on_trunk":[{"commit":"[ID1:40]","source":"[ID2:40]","subject":"fix: the till"}],"hold":null,"in_flight":null,"name":"prod","next":null,"not_here":[],"pending":1,"previous":{"actor":"ana <ana@example.com>","certain":true,"commit":"[ID3:40]","deployment":"prod#1","since":"2026-01-02T08:03:00Z","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1"},"unpublished":[],"unresolved":[]}],"project":"shop","schema":1,"trunk":{"branch":"main","commit":"[ID0:40]","pending":0},"unfinished_pick":null}
    "#]]);
    story.says(
        &ana,
        "log --state failed",
        expect![[r#"
        exit 0
        ID         ACTION  CANDIDATE                   STATE   WHEN       TOOK       BY   NOTE
        staging#3  deploy  v0.1.1-rc.1 -> v0.2.0-rc.1  failed  5 min ago  under 1 s  ana  exit 9
    "#]],
    );
    story.says(&ana, "log staging --json -n 1", expect![[r#"
        exit 0
        {"deployments":[{"action":"deploy","actor":"ana <ana@example.com>","approvals":[],"certain":false,"commands_commit":"[ID0:40]","commit":"[ID0:40]","environment":"staging","exit_code":9,"finished_at":"2026-01-02T08:08:00Z","from_tag":"v0.1.1-rc.1","gates":[{"gate":"lost-fix","text":"live, but not in it: [ID1] \"fix: the till\" (picked by ana, 4 min ago; not on trunk)","verdict":"warned"}],"host":"[HOST]","id":"staging#3","offline":false,"on_behalf_of":null,"overrides":[],"params":{},"phases":[],"policy_commit":"[ID0:40]","reason":null,"rel_version":"0.1.0","reverts":null,"run_url":null,"seq":3,"started_at":"2026-01-02T08:08:00Z","state":"failed","tag":"v0.2.0-rc.1","trigger":"person","version":"0.2.0-rc.1"}],"schema":1}
    "#]]);
}
