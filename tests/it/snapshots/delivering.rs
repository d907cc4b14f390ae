//! What changes an environment: deploy and rollback, and what keeps it closed or opens it.

use expect_test::expect;

use super::Story;

#[test]
fn a_deployment() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "deploy staging --dry-run",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate to deploy to staging
          make one: rel cut
    "#]],
    );
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --dry-run",
        expect![[r#"
        exit 0
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(&ana, "deploy staging --dry-run --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#1","seq":1,"environment":"staging","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"running","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:04:00Z","finished_at":null,"exit_code":null,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},"dry_run":true}
        --- stderr
        dry run: nothing changed
    "#]]);
    story.says(
        &ana,
        "deploy staging",
        expect![[r#"
        exit 2
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        error: deploying to staging needs a yes, and nobody can be asked here; nothing changed
          say it beforehand: --yes, or REL_YES=1
    "#]],
    );
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
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 already (staging#1, 1 min)
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes --json",
        expect![[r#"
            exit 0
            {"schema":1,"deployment":null}
        "#]],
    );
    story.says(
        &ana,
        "deploy staging --redeploy --yes --dry-run",
        expect![[r#"
        exit 0
        shop v0.1.0-rc.1 -> staging   again; live 3 min
          commands  as cut, [ID0]
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(&ana, "deploy staging --redeploy --yes --json --reason \"a look\"", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#2","seq":2,"environment":"staging","action":"redeploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":"v0.1.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":"a look","overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:10:00Z","finished_at":"2026-01-02T08:10:00Z","exit_code":0,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        shop v0.1.0-rc.1 -> staging   again; live 4 min
          commands  as cut, [ID0]
        staging#2 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]]);
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 0
        prod runs v0.1.0-rc.1 (prod#1, under 1 s); tagged v0.1.0
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
        prod#1 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]],
    );
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy prod v0.2.0-rc.1 --dry-run --override order --reason \"no time\"",
        expect![[r#"
        exit 0
        shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 2 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          gates     ! order overridden: v0.2.0-rc.1 has not succeeded on staging
          commands  as cut, [ID1]
          undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --dry-run",
        expect![[r#"
        exit 0
        shop v0.2.0-rc.1 -> staging   replaces v0.1.0-rc.1 (live 8 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          commands  as cut, [ID1]
          undo      rel rollback staging: v0.1.0-rc.1, its bytes are on this machine
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes --quiet",
        expect![[r#"
        exit 0
        staging runs v0.2.0-rc.1 (staging#3, under 1 s)
    "#]],
    );
    story.says(
        &ana,
        "deploy prod --yes --verbose",
        expect![[r#"
        exit 0
        prod runs v0.2.0-rc.1 (prod#2, under 1 s); tagged v0.2.0
        --- stderr
        shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 5 min)
          brings    1 commit by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          gates     order: passed
          commands  as cut, [ID1]
          undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
        prod#2 claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
    "#]],
    );
}

#[test]
fn a_deployment_that_fails() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.shop.world.set("fail-deploy");
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 6
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
        prod#1 claimed
        deploy | deploying v0.1.0-rc.1
        deploy | the server says no
        error: prod#1 failed: deploy: exit 7
          what it printed: rel log --output prod#1
    "#]],
    );
    story.says(&ana, "deploy prod --yes --json", expect![[r#"
        exit 6
        {"schema":1,"error":{"kind":"command-failed","exit_code":6,"message":"prod#2 failed: deploy: exit 7","reasons":[],"hints":["what it printed: rel log --output prod#2"]},"deployment":{"id":"prod#2","seq":2,"environment":"prod","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"failed","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[{"gate":"order","verdict":"passed","text":"order"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:04:00Z","finished_at":"2026-01-02T08:04:00Z","exit_code":7,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
        prod#2 claimed
        deploy | deploying v0.1.0-rc.1
        deploy | the server says no
        error: prod#2 failed: deploy: exit 7
          what it printed: rel log --output prod#2
    "#]]);
    story.says(
        &ana,
        "rollback prod --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: nothing ever succeeded on prod; nothing changed
          rel log prod
          choose one: rel rollback prod --to RC
    "#]],
    );
    ana.reconfigure("final = true", "final = true\non_failure = \"rollback\"");
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 6
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
        prod#3 claimed
        deploy | deploying v0.1.0-rc.1
        deploy | the server says no
        warning: no automatic rollback: nothing ever succeeded on prod
        error: prod#3 failed: deploy: exit 7
          what it printed: rel log --output prod#3
    "#]],
    );
    story.shop.world.clear("fail-deploy");
    story.done(&ana, &["deploy prod --yes"]);
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.shop.world.set("fail-v0.2.0-rc.1");
    story.says(
        &ana,
        "deploy prod --yes",
        expect![[r#"
        exit 6
        --- stderr
        shop v0.2.0-rc.1 -> prod   replaces v0.1.0-rc.1 (live 3 min)
          brings    2 commits by 1 person
                    rel diff v0.1.0-rc.1 v0.2.0-rc.1
          leaves    nothing
          gates     order: passed
          commands  as cut, [ID1]
          undo      rel rollback prod: v0.1.0-rc.1, its bytes are on this machine
        prod#5 claimed
        deploy | deploying v0.2.0-rc.1
        deploy | the server says no
        prod#5 failed; rolling back by itself: prod#6 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
        error: prod#5 failed: deploy: exit 7
          what it printed: rel log --output prod#5
          prod was rolled back by itself to v0.1.0-rc.1 (prod#6)
    "#]],
    );
    story.says(
        &ana,
        "deploy prod --yes --json --override rolled-back --reason again",
        expect![[r#"
            exit 0
            {"schema":1,"deployment":null}
        "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID1] · origin, just now

          live     v0.1.0-rc.1, 2 min, by ana (prod#6)
          pending  2 commits on trunk not in it
          next     nothing newer may go there
          go back  nothing that could be deployed was live on prod before v0.1.0-rc.1
    "#]],
    );
}

#[test]
fn a_rollback() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "rollback staging --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: nothing is live on staging; nothing changed
          rel log staging
          choose one: rel rollback staging --to RC
    "#]],
    );
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.says(
        &ana,
        "rollback staging --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: nothing that could be deployed was live on staging before v0.1.0-rc.1; nothing changed
          rel log staging
          choose one: rel rollback staging --to RC
    "#]],
    );
    ana.commit("src/window.txt", "a window\n", "feat: a window");
    story.done(&ana, &["cut", "deploy staging --yes"]);
    ana.commit("src/roof.txt", "a roof\n", "feat: a roof");
    story.done(&ana, &["cut", "deploy staging --yes"]);
    story.says(
        &ana,
        "rollback staging --dry-run",
        expect![[r#"
        exit 0
        staging: v0.3.0-rc.1 (1 min, staging#3 by ana) -> v0.2.0-rc.1
          why       live before it
          leaves    [ID0] feat: a roof; no live fix is lost
          commands  as cut, [ID1]; no phases
          then      staging is held, so that the next cut does not bring the fault back
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(&ana, "rollback staging --dry-run --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#4","seq":4,"environment":"staging","action":"rollback","tag":"v0.2.0-rc.1","version":"0.2.0-rc.1","commit":"[ID1:40]","from_tag":"v0.3.0-rc.1","state":"running","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID1:40]","started_at":"2026-01-02T08:10:00Z","finished_at":null,"exit_code":null,"reverts":"staging#3","phases":[],"params":{},"offline":false,"rel_version":"0.1.0"},"dry_run":true}
        --- stderr
        dry run: nothing changed
    "#]]);
    story.says(
        &ana,
        "rollback staging --to v0.1.0-rc.1 --dry-run",
        expect![[r#"
        exit 0
        staging: v0.3.0-rc.1 (3 min, staging#3 by ana) -> v0.1.0-rc.1
          why       asked for by name
          leaves    2 commits; no live fix is lost
          commands  as cut, [ID2]; no phases
          then      staging is held, so that the next cut does not bring the fault back
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.says(
        &ana,
        "rollback staging --to v0.3.0-rc.1 --yes",
        expect![[r#"
        exit 0
        staging runs v0.3.0-rc.1 already
    "#]],
    );
    story.says(
        &ana,
        "rollback staging --from v0.1.0-rc.1 --yes",
        expect![[r#"
        exit 0
        staging runs v0.3.0-rc.1, not v0.1.0-rc.1
    "#]],
    );
    story.says(
        &ana,
        "rollback staging",
        expect![[r#"
        exit 2
        --- stderr
        staging: v0.3.0-rc.1 (6 min, staging#3 by ana) -> v0.2.0-rc.1
          why       live before it
          leaves    [ID0] feat: a roof; no live fix is lost
          commands  as cut, [ID1]; no phases
          then      staging is held, so that the next cut does not bring the fault back
        error: rolling staging back needs a yes, and nobody can be asked here; nothing changed
          say it beforehand: --yes, or REL_YES=1
    "#]],
    );
    story.says(
        &ana,
        "rollback staging --yes --reason \"it leaks\"",
        expect![[r#"
        exit 0
        staging runs v0.2.0-rc.1 (staging#4, under 1 s), and is held so that the next cut
        does not bring the fault back
          open it  rel unlock staging --reason WHY
          undo     rel deploy staging v0.3.0-rc.1 --take-over 4 --override rolled-back --reason WHY
        --- stderr
        staging: v0.3.0-rc.1 (7 min, staging#3 by ana) -> v0.2.0-rc.1
          why       live before it
          leaves    [ID0] feat: a roof; no live fix is lost
          commands  as cut, [ID1]; no phases
          then      staging is held, so that the next cut does not bring the fault back
        staging#4 claimed
        deploy | deploying v0.2.0-rc.1
        verify | looking at v0.2.0-rc.1
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID0] · origin, just now

        ENV      LIVE         SINCE  BY   NEXT
        staging  v0.2.0-rc.1  1 min  ana  held by the rollback staging#4 of ana
        prod     -            -      -    v0.2.0-rc.1, ready
    "#]],
    );
    story.says(
        &ana,
        "status staging",
        expect![[r#"
        exit 0
        shop staging · trunk main [ID0] · origin, just now

          live     v0.2.0-rc.1, 2 min, by ana (staging#4)
          pending  1 commit on trunk not in it
          held     by the rollback staging#4 of ana, 2 min
                   rel unlock staging --token 4 --reason WHY
          next     nothing newer may go there
          go back  to v0.1.0-rc.1, further back than one step
                   rel rollback staging --from v0.2.0-rc.1
    "#]],
    );
    story.says(&ana, "rollback staging --yes", expect![[r#"
        exit 2
        --- stderr
        error: staging was rolled back to v0.2.0-rc.1 already; going further back, to v0.1.0-rc.1, needs a word
          rel rollback staging --from v0.2.0-rc.1
          rel rollback staging --to v0.1.0-rc.1
    "#]]);
    story.says(&ana, "rollback staging --yes --from v0.2.0-rc.1 --json", expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"staging#5","seq":5,"environment":"staging","action":"rollback","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID2:40]","from_tag":"v0.2.0-rc.1","state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID2:40]","started_at":"2026-01-02T08:19:00Z","finished_at":"2026-01-02T08:19:00Z","exit_code":0,"reverts":"staging#4","phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        staging: v0.2.0-rc.1 (4 min, staging#4 by ana) -> v0.1.0-rc.1
          why       live before it
          leaves    [ID1] feat: a window; no live fix is lost
          commands  as cut, [ID2]; no phases
          then      staging is held, so that the next cut does not bring the fault back
        staging#5 claimed
        deploy | deploying v0.1.0-rc.1
        verify | looking at v0.1.0-rc.1
    "#]]);
    story.says(
        &ana,
        "deploy staging v0.3.0-rc.1 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: staging refuses v0.3.0-rc.1 (2 gates); nothing changed

          rolled-back  v0.3.0-rc.1 was rolled back on staging
          held         by the rollback staging#5 of ana
                       rel unlock staging --token 5 --reason WHY
                       or, with the deployment: --take-over 5 --reason WHY

          Waiting alone will not do. Or pass a gate by name: --override GATE --reason WHY
    "#]],
    );
}

#[test]
fn phases_targets_and_parameters() {
    let story = Story::new();
    let ana = story.shop.ana();
    ana.script("deploy.sh", "#!/bin/sh\necho \"$REL_ENV ${REL_PHASE-} $REPLICAS ${TOKEN-}\"\n");
    ana.script("verify.sh", "#!/bin/sh\n[ \"${REL_PHASE-}\" != canary ] || [ ! -e \"$SHOP/sick\" ]\n");
    let toml = story.shop.release_toml();
    let more = "\n[[environments.prod.phases]]\nname = \"canary\"\n\n[[environments.prod.phases]]\nname = \"all\"\n\n[environments.prod.params]\nREPLICAS = { default = \"3\" }\nTOKEN = { secret = true, from_env = \"PROD_TOKEN\" }\n\n[environments.staging.params]\nREPLICAS = {}\n";
    ana.commit("release.toml", &format!("{toml}{more}"), "chore: phases");
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: staging lacks values for its parameters; nothing changed

          params  REPLICAS has no value

          --param REPLICAS=VALUE
    "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"staging lacks values for its parameters; nothing changed","reasons":[{"gate":"params","message":"REPLICAS has no value"}],"hints":["--param REPLICAS=VALUE"]}}
        --- stderr
        error: staging lacks values for its parameters; nothing changed

          params  REPLICAS has no value

          --param REPLICAS=VALUE
    "#]]);
    story.says(
        &ana,
        "deploy staging --yes --param REPLICAS=5 --param COLOUR=blue",
        expect![[r#"
        exit 2
        --- stderr
        error: staging declares no parameter COLOUR; nothing changed
          there is REPLICAS
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes --param REPLICAS=5",
        expect![[r#"
        exit 0
        staging runs v0.1.0-rc.1 (staging#1, under 1 s)
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
          params    REPLICAS=5
        staging#1 claimed
        deploy | staging  5
    "#]],
    );
    story.says(
        &ana,
        "deploy prod --dry-run",
        expect![[r#"
        exit 4
        --- stderr
        error: prod lacks values for its parameters; nothing changed

          params  TOKEN has no value

          set PROD_TOKEN in rel's environment
    "#]],
    );
    let with_token = |args: &[&str]| story.start(&ana, args, &[("PROD_TOKEN", "hunter2")]).wait();
    story.said(
        &with_token(&["deploy", "prod", "--dry-run"]),
        expect![[r#"
        exit 0
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
          params    REPLICAS=3, TOKEN (secret)
          phases    canary, all
        --- stderr
        dry run: nothing changed
    "#]],
    );
    story.said(&with_token(&["deploy", "prod", "--dry-run", "--json"]), expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"prod#1","seq":1,"environment":"prod","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"running","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[{"gate":"order","verdict":"passed","text":"order"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:08:00Z","finished_at":null,"exit_code":null,"reverts":null,"phases":[],"params":{"REPLICAS":"3"},"offline":false,"rel_version":"0.1.0"},"dry_run":true}
        --- stderr
        dry run: nothing changed
    "#]]);
    story.shop.world.set("sick");
    story.said(
        &with_token(&["deploy", "prod", "--yes"]),
        expect![[r#"
        exit 6
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
          params    REPLICAS=3, TOKEN (secret)
          phases    canary, all
        prod#1 claimed
        canary deploy | prod canary 3 ***
        error: prod#1 failed: canary verify: exit 1
          what it printed: rel log --output prod#1
    "#]],
    );
    story.shop.world.clear("sick");
    story.said(&with_token(&["deploy", "prod", "--yes", "--json"]), expect![[r#"
        exit 0
        {"schema":1,"deployment":{"id":"prod#2","seq":2,"environment":"prod","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"succeeded","certain":true,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[{"gate":"order","verdict":"passed","text":"order"}],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:10:00Z","finished_at":"2026-01-02T08:10:00Z","exit_code":0,"reverts":null,"phases":[{"name":"canary","state":"succeeded","started_at":"2026-01-02T08:10:00Z","finished_at":"2026-01-02T08:10:00Z"},{"name":"all","state":"succeeded","started_at":"2026-01-02T08:10:00Z","finished_at":"2026-01-02T08:10:00Z"}],"params":{"REPLICAS":"3"},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        shop v0.1.0-rc.1 -> prod   the first deployment there
          gates     order: passed
          commands  as cut, [ID0]
          params    REPLICAS=3, TOKEN (secret)
          phases    canary, all
        prod#2 claimed
        canary deploy | prod canary 3 ***
        all deploy | prod all 3 ***
    "#]]);
    story.says(
        &ana,
        "show v0.1.0-rc.1",
        expect![[r#"
        exit 0
        shop v0.1.0-rc.1
          commit    [ID0]
          made      10 min ago by ana
          live      staging for 6 min
          live      prod for 1 min
          artifact  app.txt, 11 B, sha256
                    [ID1:64]
          kept in   git

        3 changes
          - [ID2] feat: open the shop (ana)
          - [ID3] fix: hang the door (ana)
          - [ID0] chore: phases (ana)

        ID         ACTION  CANDIDATE    STATE      WHEN       TOOK       BY   NOTE
        prod#2     deploy  v0.1.0-rc.1  succeeded  1 min ago  under 1 s  ana
        prod#1     deploy  v0.1.0-rc.1  failed     2 min ago  under 1 s  ana  in canary; exit 1
        staging#1  deploy  v0.1.0-rc.1  succeeded  6 min ago  under 1 s  ana
    "#]],
    );
    story.says(
        &ana,
        "status prod",
        expect![[r#"
        exit 0
        shop prod · trunk main [ID0] · origin, just now

          live     v0.1.0-rc.1, 2 min, by ana (prod#2)
          pending  0 commits on trunk not in it
          next     up to date
          go back  nothing that could be deployed was live on prod before v0.1.0-rc.1
    "#]],
    );
    story.says(
        &ana,
        "log prod",
        expect![[r#"
        exit 0
        ID      ACTION  CANDIDATE    STATE      WHEN       TOOK       BY   NOTE
        prod#2  deploy  v0.1.0-rc.1  succeeded  3 min ago  under 1 s  ana
        prod#1  deploy  v0.1.0-rc.1  failed     4 min ago  under 1 s  ana  in canary; exit 1
    "#]],
    );
    ana.reconfigure("final = true", "final = true\ntargets = [\"eu\", \"us\"]");
    story.says(
        &ana,
        "config check",
        expect![[r#"
        exit 0
        release.toml is valid: project shop, environments staging, prod
        --- stderr
        warning: `environments.prod.targets` is set, but this version does not support several targets yet
    "#]],
    );
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy prod --dry-run",
        expect![[r#"
        exit 0
        prod runs v0.1.0-rc.1 already (prod#2, 6 min)
    "#]],
    );
}

#[test]
fn what_keeps_an_environment_closed() {
    let story = Story::new();
    let ana = story.shop.ana();

    let bob = story.shop.clone_for("bob");
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "lock staging",
        expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          --reason <WHY>

        Usage: rel lock --reason <WHY> <ENV>

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "lock staging --reason \"database move\" --dry-run",
        expect![[r#"
        exit 0
        staging would be held: "database move"
    "#]],
    );
    story.says(
        &ana,
        "lock staging --reason \"database move\"",
        expect![[r#"
        exit 0
        staging is held (staging#1)
        --- stderr
          open it   rel unlock staging --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "lock staging --reason again",
        expect![[r#"
        exit 5
        --- stderr
        error: staging is held already; nothing changed

          held  by ana: "database move" (staging#1)

          rel unlock staging --token 1 --reason WHY
    "#]],
    );
    story.says(&ana, "lock prod --reason lunch --json", expect![[r#"
        exit 0
        {"schema":1,"environment":"prod","hold":{"token":1,"actor":"ana <ana@example.com>","reason":"lunch","at":"2026-01-02T08:06:00Z","cause":"person"}}
        --- stderr
          open it   rel unlock prod --reason WHY
    "#]]);
    story.says(
        &bob,
        "unlock staging --reason \"open up\"",
        expect![[r#"
        exit 5
        --- stderr
        error: the hold of staging is not yours; nothing changed

          held  by ana: "database move" (staging#1)

          rel unlock staging --token 1 --reason WHY
    "#]],
    );
    story.says(&bob, "unlock staging --token 9 --reason guess --json", expect![[r#"
        exit 5
        {"schema":1,"error":{"kind":"held","exit_code":5,"message":"staging#9 is not the hold; nothing changed","reasons":[{"gate":"held","message":"by ana: \"database move\" (staging#1)"}],"hints":[]}}
        --- stderr
        error: staging#9 is not the hold; nothing changed

          held  by ana: "database move" (staging#1)
    "#]]);
    story.says(
        &bob,
        "unlock staging --token 1 --reason \"ana is away\" --dry-run",
        expect![[r#"
        exit 0
        staging#1 would be opened
    "#]],
    );
    story.says(
        &bob,
        "unlock staging --token 1 --reason \"ana is away\"",
        expect![[r#"
        exit 0
        staging is open; staging#1 was "database move"
    "#]],
    );
    story.says(
        &ana,
        "unlock staging --reason \"open up\"",
        expect![[r#"
        exit 0
        staging is not held; nothing to do
    "#]],
    );
    story.says(
        &ana,
        "unlock prod --reason \"open up\" --json",
        expect![[r#"
            exit 0
            {"schema":1,"environment":"prod","opened":"prod#1"}
        "#]],
    );
}

#[test]
fn what_is_said_of_candidates_and_commits() {
    let story = Story::new();
    let ana = story.shop.ana();

    let bob = story.shop.clone_for("bob");
    let fix = ana.commit("src/till.txt", "mended\n", "fix: the till");
    story.done(&ana, &["cut"]);
    story.says(
        &bob,
        "approve v0.1.0-rc.1 prod --dry-run",
        expect![[r#"
        exit 0
        dry run: v0.1.0-rc.1 is approved for prod by bob (none is needed)
    "#]],
    );
    story.says(
        &bob,
        "approve v0.1.0-rc.1 prod --reason \"looked at it\"",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 is approved for prod by bob (none is needed)
    "#]],
    );
    story.says(
        &bob,
        "approve v0.1.0-rc.1 prod",
        expect![[r#"
        exit 0
        you approved v0.1.0-rc.1 for prod already
    "#]],
    );
    story.says(
        &bob,
        "approve v0.1.0-rc.1 prod --withdraw",
        expect![[r#"
        exit 0
        your approval of v0.1.0-rc.1 for prod is withdrawn
    "#]],
    );
    story.says(&bob, "approve v0.1.0-rc.1 prod --json", expect![[r#"
        exit 0
        {"schema":1,"tag":"v0.1.0-rc.1","environment":"prod","approvals":[{"actor":"bob <bob@example.com>","at":"2026-01-02T08:06:00Z"}],"changed":true}
    "#]]);
    story.says(
        &bob,
        "approve v0.9.0-rc.1 prod",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate v0.9.0-rc.1
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(
        &bob,
        &format!("approve --commit {fix}"),
        expect![[r#"
        exit 4
        --- stderr
        error: [ID0] is ana's; nothing changed

          signoff  only ana <ana@example.com> can sign it off

          git config user.email, and trunk's .mailmap, say who you are
    "#]],
    );
    story.says(
        &ana,
        &format!("approve --commit {fix} --dry-run"),
        expect![[r#"
        exit 0
        dry run: [ID0] "fix: the till" is signed off
    "#]],
    );
    story.says(
        &ana,
        &format!("approve --commit {fix}"),
        expect![[r#"
        exit 0
        [ID0] "fix: the till" is signed off
    "#]],
    );
    story.says(
        &ana,
        &format!("approve --commit {fix}"),
        expect![[r#"
        exit 0
        [ID0] "fix: the till" is signed off already
    "#]],
    );
    story.says(
        &ana,
        &format!("approve --commit {fix} --withdraw"),
        expect![[r#"
        exit 0
        [ID0] "fix: the till" is not signed off any more
    "#]],
    );
    story.says(
        &ana,
        &format!("approve --commit {fix} --json"),
        expect![[r#"
            exit 0
            {"schema":1,"commits":["[ID0:40]"],"changed":true}
        "#]],
    );
    story.says(
        &ana,
        "block v0.1.0-rc.1",
        expect![[r#"
        exit 2
        --- stderr
        error: block needs a reason
          rel block v0.1.0-rc.1 --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "block v0.1.0-rc.1 --reason \"it leaks\" --dry-run",
        expect![[r#"
        exit 0
        dry run: v0.1.0-rc.1 is blocked everywhere: "it leaks"
        --- stderr
          undo   rel unblock v0.1.0-rc.1 --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "block v0.1.0-rc.1 --reason \"it leaks\"",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 is blocked everywhere: "it leaks"
        --- stderr
          undo   rel unblock v0.1.0-rc.1 --reason WHY
    "#]],
    );
    story.says(
        &ana,
        "block v0.1.0-rc.1 --reason again",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 is blocked already; nothing changed
    "#]],
    );
    story.says(
        &ana,
        "block 0.1.0 --reason \"the licence\" --json",
        expect![[r#"
            exit 0
            {"schema":1,"target":"0.1.0","changed":true}
            --- stderr
              undo   rel unblock 0.1.0 --reason WHY
        "#]],
    );
    story.says(
        &ana,
        "unblock v0.1.0-rc.1 --reason mended",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 may be deployed again
    "#]],
    );
    story.says(
        &ana,
        "unblock v0.1.0-rc.1 --reason mended",
        expect![[r#"
        exit 0
        v0.1.0-rc.1 is not blocked; nothing changed
    "#]],
    );
    story.says(
        &ana,
        "unblock 0.1.0 --reason bought --json",
        expect![[r#"
            exit 0
            {"schema":1,"target":"0.1.0","changed":true}
        "#]],
    );
    story.says(
        &ana,
        "block v0.1.0-rc.7 --reason \"it leaks\"",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate v0.1.0-rc.7
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(
        &ana,
        &format!("waive {fix}"),
        expect![[r#"
        exit 2
        --- stderr
        error: waive needs a reason; nothing changed
          rel waive [ID0:40] --reason WHY
    "#]],
    );
    story.says(
        &ana,
        &format!("waive {fix} --reason \"the till is gone\" --dry-run"),
        expect![[r#"
        exit 0
        dry run: [ID0] "fix: the till" may be missing anywhere, for good
    "#]],
    );
    story.says(
        &ana,
        &format!("waive {fix} --reason \"the till is gone\""),
        expect![[r#"
        exit 0
        [ID0] "fix: the till" may be missing anywhere, for good
    "#]],
    );
    story.says(
        &ana,
        &format!("waive {fix} --reason again"),
        expect![[r#"
        exit 0
        [ID0] "fix: the till" may be missing anywhere, for good already
    "#]],
    );
    story.says(&ana, &format!("waive {fix} --as HEAD --reason squashed --json"), expect![[r#"
        exit 2
        {"schema":1,"error":{"kind":"usage","exit_code":2,"message":"[ID0] is itself; nothing changed","reasons":[],"hints":["--as takes the commit of trunk that has the same change in another form"]}}
        --- stderr
        error: [ID0] is itself; nothing changed
          --as takes the commit of trunk that has the same change in another form
    "#]]);
}
