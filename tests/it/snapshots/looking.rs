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
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":null},"as_of":"2026-01-02T08:02:00Z","environments":[{"name":"staging","current":null,"previous":null,"in_flight":null,"hold":null,"unresolved":[],"pending":null,"next":null,"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]},{"name":"prod","current":null,"previous":null,"in_flight":null,"hold":null,"unresolved":[],"pending":null,"next":null,"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
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
            {"schema":1,"releases":[],"builds":[]}
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
            {"schema":1,"deployments":[]}
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
            {"schema":1,"valid":true,"file":"release.toml","notes":[],"unsupported":[]}
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
            format = "YYYY.MM.MICRO"
            candidate = "-rc.{n}"
            prefixes = []
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
        {"schema":1,"config":{"project":{"name":"shop","trunk":"main","remote":"origin","paths":[]},"version":{"scheme":"semver","bump":"conventional","format":"YYYY.MM.MICRO","candidate":"-rc.{n}","prefixes":[],"tag":"v{version}","sign":false},"build":{"command":"./build.sh","artifacts":["dist/*"],"timeout":"30m"},"artifacts":{"store":"git","max_size":"95MiB"},"environments":{"staging":{"formerly":[],"after":[],"soak":null,"approvals":0,"approvals_signed":false,"allowed_signers":null,"signoff":null,"freeze":[],"confirm":"yes","deploy":"./deploy.sh","verify":"./verify.sh","rollback":null,"timeout":"10m","grace":"5s","on_failure":"stop","lost_fix":null,"final":false,"auto_deploy":false,"commands":"candidate","hold_after_rollback":true,"targets":[],"max_parallel":1,"phases":[],"params":{}},"prod":{"formerly":[],"after":["staging"],"soak":null,"approvals":0,"approvals_signed":false,"allowed_signers":null,"signoff":null,"freeze":[],"confirm":"yes","deploy":"./deploy.sh","verify":"./verify.sh","rollback":null,"timeout":"10m","grace":"5s","on_failure":"stop","lost_fix":null,"final":true,"auto_deploy":false,"commands":"candidate","hold_after_rollback":true,"targets":[],"max_parallel":1,"phases":[],"params":{}}},"retry":{"attempts":1,"backoff":"5s"},"hooks":{"before_cut":null,"after_cut":null,"before_deploy":null,"after_deploy":null,"after_failure":null,"after_rollback":null,"timeout":"1m"},"output":{"publish":"local"}},"policy_commit":"[ID0:40]"}
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
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":1},"as_of":"2026-01-02T11:32:00Z","environments":[{"name":"staging","current":{"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID1:40]","since":"2026-01-02T08:08:00Z","actor":"ana <ana@example.com>","deployment":"staging#3","certain":true},"previous":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","since":"2026-01-02T08:02:00Z","actor":"ana <ana@example.com>","deployment":"staging#1","certain":true},"in_flight":null,"hold":null,"unresolved":[],"pending":1,"next":null,"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]},{"name":"prod","current":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","since":"2026-01-02T08:03:00Z","actor":"ana <ana@example.com>","deployment":"prod#1","certain":true},"previous":null,"in_flight":null,"hold":{"token":3,"actor":"bob <bob@example.com>","reason":"stocktaking","at":"2026-01-02T08:10:00Z","cause":"person"},"unresolved":[],"pending":3,"next":{"tag":"v0.2.0-rc.1","commits":2,"ready_at":null,"gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
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
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":1},"as_of":"2026-01-02T11:35:00Z","environments":[{"name":"prod","current":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","since":"2026-01-02T08:03:00Z","actor":"ana <ana@example.com>","deployment":"prod#1","certain":true},"previous":null,"in_flight":null,"hold":{"token":3,"actor":"bob <bob@example.com>","reason":"stocktaking","at":"2026-01-02T08:10:00Z","cause":"person"},"unresolved":[],"pending":3,"next":{"tag":"v0.2.0-rc.1","commits":2,"ready_at":null,"gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}]},"fixes_not_on_trunk":[],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
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
        {"schema":1,"releases":[{"release":"0.2.0","closed":false,"candidates":[{"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","release":"0.2.0","number":1,"commit":"[ID1:40]","trunk_commit":"[ID1:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:06:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID4:64]","size":27,"uri":"git:refs/rel/shop/artifacts/0.2.0-rc.1#app.txt"}],"blocked":false,"block":null,"foreign":false}]},{"release":"0.1.1","closed":false,"candidates":[{"tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","release":"0.1.1","number":1,"commit":"[ID3:40]","trunk_commit":"[ID2:40]","parent":"v0.1.0-rc.1","picks":[{"source":"[ID1:40]","commit":"[ID3:40]"}],"created_at":"2026-01-02T08:04:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID5:64]","size":18,"uri":"git:refs/rel/shop/artifacts/0.1.1-rc.1#app.txt"}],"blocked":true,"block":{"actor":"bob <bob@example.com>","reason":"it squeaks","at":"2026-01-02T08:09:00Z"},"foreign":false}]},{"release":"0.1.0","closed":true,"candidates":[{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","release":"0.1.0","number":1,"commit":"[ID2:40]","trunk_commit":"[ID2:40]","parent":null,"picks":[],"created_at":"2026-01-02T08:01:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID6:64]","size":11,"uri":"git:refs/rel/shop/artifacts/0.1.0-rc.1#app.txt"}],"blocked":false,"block":null,"foreign":false}]}],"builds":[]}
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
        {"schema":1,"deployments":[{"id":"staging#3","seq":3,"environment":"staging","action":"deploy","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID1:40]","from_tag":"v0.1.1-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[{"gate":"lost-fix","verdict":"passed","text":"lost-fix"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID1:40]","started_at":"2026-01-02T08:08:00Z","finished_at":"2026-01-02T08:08:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","commit":"[ID3:40]","from_tag":"v0.1.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID1:40]","commands_commit":"[ID3:40]","started_at":"2026-01-02T08:05:00Z","finished_at":"2026-01-02T08:05:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},{"id":"prod#1","seq":1,"environment":"prod","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":"opening day","overrides":[],"gates":[{"gate":"order","verdict":"passed","text":"order"}],"approvals":[],"policy_commit":"[ID2:40]","commands_commit":"[ID2:40]","started_at":"2026-01-02T08:03:00Z","finished_at":"2026-01-02T08:03:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},{"id":"staging#1","seq":1,"environment":"staging","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID2:40]","commands_commit":"[ID2:40]","started_at":"2026-01-02T08:02:00Z","finished_at":"2026-01-02T08:02:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}]}
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
            {"schema":1,"output":"deploying v0.1.0-rc.1\nlooking at v0.1.0-rc.1\n"}
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
        {"schema":1,"candidate":{"tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","release":"0.1.1","number":1,"commit":"[ID3:40]","trunk_commit":"[ID2:40]","parent":"v0.1.0-rc.1","picks":[{"source":"[ID1:40]","commit":"[ID3:40]"}],"created_at":"2026-01-02T08:04:00Z","actor":"ana <ana@example.com>","signed":false,"artifacts":[{"name":"app.txt","digest":"sha256:[ID5:64]","size":18,"uri":"git:refs/rel/shop/artifacts/0.1.1-rc.1#app.txt"}],"blocked":true,"block":{"actor":"bob <bob@example.com>","reason":"it squeaks","at":"2026-01-02T08:09:00Z"}},"changes":[{"commit":"[ID3:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-02T08:04:00Z","type":"fix","scope":null,"breaking":false,"picked_from":"[ID1:40]"}],"deployments":[{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","commit":"[ID3:40]","from_tag":"v0.1.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID1:40]","commands_commit":"[ID3:40]","started_at":"2026-01-02T08:05:00Z","finished_at":"2026-01-02T08:05:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}]}
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
        {"schema":1,"from":{"rev":"prod","commit":"[ID2:40]","tag":"v0.1.0-rc.1"},"to":{"rev":"trunk","commit":"[ID0:40]","tag":null},"added":[{"commit":"[ID0:40]","subject":"feat!: a new table","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:23:00Z","type":"feat","scope":null,"breaking":true,"picked_from":null,"there_as":null},{"commit":"[ID1:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:19:00Z","type":"fix","scope":null,"breaking":false,"picked_from":null,"there_as":null},{"commit":"[ID8:40]","subject":"feat(front): a window to look in","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:15:00Z","type":"feat","scope":"front","breaking":false,"picked_from":null,"there_as":null}],"removed":[],"counts":{"added":3,"removed":0,"people":1,"breaking":1},"url":null}
    "#]]);
    story.says(&ana, "diff prod v0.2.0-rc.1 --stat --json", expect![[r#"
        exit 0
        {"schema":1,"from":{"rev":"prod","commit":"[ID2:40]","tag":"v0.1.0-rc.1"},"to":{"rev":"v0.2.0-rc.1","commit":"[ID1:40]","tag":"v0.2.0-rc.1"},"added":[{"commit":"[ID1:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:19:00Z","type":"fix","scope":null,"breaking":false,"picked_from":null,"there_as":null},{"commit":"[ID8:40]","subject":"feat(front): a window to look in","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:15:00Z","type":"feat","scope":"front","breaking":false,"picked_from":null,"there_as":null}],"removed":[],"counts":{"added":2,"removed":0,"people":1,"breaking":0},"stat":{"files":[{"path":"src/till.txt","from":null,"added":1,"removed":0,"binary":false},{"path":"src/window.txt","from":null,"added":1,"removed":0,"binary":false}],"added":2,"removed":0},"url":null}
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
        {"schema":1,"commit":"[ID1:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:19:00Z","on_trunk":true,"on_trunk_as":null,"reverted_by":null,"brought":[],"candidates":[{"tag":"v0.2.0-rc.1","via":"ancestor","as":null,"reverted_by":null,"foreign":false},{"tag":"v0.1.1-rc.1","via":"pick","as":"[ID3:40]","reverted_by":null,"foreign":false}],"environments":[{"name":"staging","live":true,"tag":"v0.2.0-rc.1","via":"ancestor","as":null,"since":"2026-01-02T08:08:00Z","first_live_at":"2026-01-02T08:05:00Z","certain":true,"waits_for":null},{"name":"prod","live":false,"tag":null,"via":null,"as":null,"since":null,"first_live_at":null,"certain":true,"waits_for":{"what":"deployment","tag":"v0.2.0-rc.1","gates":[{"gate":"held","text":"by bob: \"stocktaking\" (prod#3)"}],"ready_at":null}}]}
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
        {"schema":1,"tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","release":"0.2.0","released":false,"date":"2026-01-02","since":{"release":"0.1.0","tag":null,"commit":"[ID2:40]","newest":null},"groups":[{"title":"Features","type":"feat","changes":[{"commit":"[ID8:40]","subject":"feat(front): a window to look in","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:15:00Z","type":"feat","scope":"front","breaking":false,"picked_from":null}]},{"title":"Fixes","type":"fix","changes":[{"commit":"[ID1:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:19:00Z","type":"fix","scope":null,"breaking":false,"picked_from":null}]}],"changes":[{"commit":"[ID1:40]","subject":"fix: the till","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:19:00Z","type":"fix","scope":null,"breaking":false,"picked_from":null},{"commit":"[ID8:40]","subject":"feat(front): a window to look in","author":"ana <ana@example.com>","committed_at":"2026-01-01T00:15:00Z","type":"feat","scope":"front","breaking":false,"picked_from":null}]}
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
        {"schema":1,"project":"shop","checked":{"chains":3,"events":18,"foreign":0,"settled":0,"tags":3,"releases":1,"artifacts":6,"bytes":2144,"not_checked":{"bytes":0,"artifacts":0,"references":0}},"findings":[]}
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
        {"schema":1,"project":"shop","trunk":{"branch":"main","commit":"[ID0:40]","pending":0},"as_of":"2026-01-02T08:12:00Z","environments":[{"name":"staging","current":{"tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","commit":"[ID1:40]","since":"2026-01-02T08:05:00Z","actor":"ana <ana@example.com>","deployment":"staging#2","certain":false},"previous":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID3:40]","since":"2026-01-02T08:02:00Z","actor":"ana <ana@example.com>","deployment":"staging#1","certain":true},"in_flight":null,"hold":null,"unresolved":[],"pending":1,"next":{"tag":"v0.2.0-rc.1","commits":1,"ready_at":"2026-01-02T08:12:00Z","gates":[]},"fixes_not_on_trunk":[{"source":"[ID2:40]","commit":"[ID1:40]","subject":"fix: the till"}],"unpublished":[],"not_here":[]},{"name":"prod","current":{"tag":"v0.1.1-rc.1","version":"0.1.1-rc.1","commit":"[ID1:40]","since":"2026-01-02T08:06:00Z","actor":"ana <ana@example.com>","deployment":"prod#2","certain":true},"previous":{"tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID3:40]","since":"2026-01-02T08:03:00Z","actor":"ana <ana@example.com>","deployment":"prod#1","certain":true},"in_flight":null,"hold":null,"unresolved":[],"pending":1,"next":null,"fixes_not_on_trunk":[{"source":"[ID2:40]","commit":"[ID1:40]","subject":"fix: the till"}],"unpublished":[],"not_here":[]}],"unfinished_pick":null}
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
        {"schema":1,"deployments":[{"id":"staging#3","seq":3,"environment":"staging","action":"deploy","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID0:40]","from_tag":"v0.1.1-rc.1","state":"failed","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[{"gate":"lost-fix","verdict":"warned","text":"live, but not in it: [ID1] \"fix: the till\" (picked by ana, 4 min ago; not on trunk)"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:08:00Z","finished_at":"2026-01-02T08:08:00Z","exit_code":9,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}]}
    "#]]);
}
