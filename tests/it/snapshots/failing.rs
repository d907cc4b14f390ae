//! What goes wrong: every kind of error, in words and as a document.

use std::fs;

use expect_test::expect;

use super::Story;
use crate::remote::Kind;
use crate::repo::{Desk, Shop};

#[test]
fn there_is_nothing_to_work_with() {
    let story = Story::of(Shop::bare(Kind::Path));
    let ana = story.shop.ana();
    let outside = Desk { dir: story.shop.world.at("tmp"), ..story.shop.ana() };
    story.says(
        &outside,
        "status",
        expect![[r#"
        exit 4
        --- stderr
        error: not a git repository: [WORLD]/tmp
          git init
          rel -C DIR, with DIR inside a repository
    "#]],
    );
    story.says(&outside, "status --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"not a git repository: [WORLD]/tmp","reasons":[],"hints":["git init","rel -C DIR, with DIR inside a repository"]}}
        --- stderr
        error: not a git repository: [WORLD]/tmp
          git init
          rel -C DIR, with DIR inside a repository
    "#]]);
    story.says(
        &outside,
        "cut",
        expect![[r#"
        exit 4
        --- stderr
        error: not a git repository: [WORLD]/tmp
          git init
          rel -C DIR, with DIR inside a repository
    "#]],
    );
    story.says(
        &outside,
        "-C /no/such/folder status",
        expect![[r#"
        exit 4
        --- stderr
        error: not a git repository: /no/such/folder
          git init
          rel -C DIR, with DIR inside a repository
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 3
        --- stderr
        error: there is no release.toml in this repository
          the repository is empty: commit something, then: rel init
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 3
        {"schema":1,"error":{"kind":"config","exit_code":3,"message":"there is no release.toml in this repository","reasons":[],"hints":["the repository is empty: commit something, then: rel init"]}}
        --- stderr
        error: there is no release.toml in this repository
          the repository is empty: commit something, then: rel init
    "#]]);
    ana.commit("src/app.txt", "one\n", "feat: no file yet");
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 3
        --- stderr
        error: there is no release.toml in this repository
          write one: rel init
          or see how it goes first: rel demo
    "#]],
    );
    story.says(
        &ana,
        "config check",
        expect![[r#"
        exit 3
        --- stderr
        error: release.toml cannot be read
          write one: rel init
    "#]],
    );
    ana.write("release.toml", &story.shop.release_toml());
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
    story.says(
        &ana,
        "cut",
        expect![[r#"
            exit 6
            --- stderr
            v0.1.0-rc.1 reserved for [ID0]
            build | [SHELL]
            error: the build of v0.1.0-rc.1 failed: exit 127: sh found no command "./build.sh" (is it committed?)
              what it printed: [WORLD]/ana/.git/rel/shop/output/build/0.1.0-rc.1.log
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
}

#[test]
fn release_toml_makes_no_sense() {
    let story = Story::new();
    let ana = story.shop.ana();

    ana.write("release.toml", "[project]\nname = \"Shop!\"\ntrunk = 7\n\n[environment.prod]\n\n[environments.prod]\nafter = [\"stagign\"]\nsoak = \"soon\"\n\n[environments.staging]\ndeploy = \"x\"\n");
    story.says(&ana, "config check", expect![[r#"
        exit 3
        --- stderr
        error: release.toml:2:8: `name`: "Shop!" cannot name a project: use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit
          2 | name = "Shop!"
            |        ^^^^^^^

          release.toml:3:9   `trunk` has to be a string; this is an integer
                             3 | trunk = 7
                               |         ^
          release.toml:5:2   unknown key `environment` (did you mean `environments`?); known here: projects, project, version, build, artifacts, environments, retry, hooks, output
                             5 | [environment.prod]
                               |  ^^^^^^^^^^^
          release.toml:8:10  `after`: there is no environment stagign (did you mean `staging`?); known here: prod, staging
                             8 | after = ["stagign"]
                               |          ^^^^^^^^^
          release.toml:9:8   `soak`: "soon" is not a duration; one is written 90s, 30m, 2h or 1d, up to 3650d
                             9 | soak = "soon"
                               |        ^^^^^^

          rel config check
    "#]]);
    story.says(&ana, "config check --json", expect![[r#"
        exit 3
        {"schema":1,"error":{"kind":"config","exit_code":3,"message":"release.toml:2:8: `name`: \"Shop!\" cannot name a project: use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit\n2 | name = \"Shop!\"\n  |        ^^^^^^^","reasons":[{"gate":"release.toml:3:9","message":"`trunk` has to be a string; this is an integer\n3 | trunk = 7\n  |         ^"},{"gate":"release.toml:5:2","message":"unknown key `environment` (did you mean `environments`?); known here: projects, project, version, build, artifacts, environments, retry, hooks, output\n5 | [environment.prod]\n  |  ^^^^^^^^^^^"},{"gate":"release.toml:8:10","message":"`after`: there is no environment stagign (did you mean `staging`?); known here: prod, staging\n8 | after = [\"stagign\"]\n  |          ^^^^^^^^^"},{"gate":"release.toml:9:8","message":"`soak`: \"soon\" is not a duration; one is written 90s, 30m, 2h or 1d, up to 3650d\n9 | soak = \"soon\"\n  |        ^^^^^^"}],"hints":["rel config check"]}}
        --- stderr
        error: release.toml:2:8: `name`: "Shop!" cannot name a project: use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit
          2 | name = "Shop!"
            |        ^^^^^^^

          release.toml:3:9   `trunk` has to be a string; this is an integer
                             3 | trunk = 7
                               |         ^
          release.toml:5:2   unknown key `environment` (did you mean `environments`?); known here: projects, project, version, build, artifacts, environments, retry, hooks, output
                             5 | [environment.prod]
                               |  ^^^^^^^^^^^
          release.toml:8:10  `after`: there is no environment stagign (did you mean `staging`?); known here: prod, staging
                             8 | after = ["stagign"]
                               |          ^^^^^^^^^
          release.toml:9:8   `soak`: "soon" is not a duration; one is written 90s, 30m, 2h or 1d, up to 3650d
                             9 | soak = "soon"
                               |        ^^^^^^

          rel config check
    "#]]);
    ana.write("release.toml", "[project\nname");
    story.says(
        &ana,
        "config check",
        expect![[r#"
        exit 3
        --- stderr
        error: release.toml:1:9: this is not TOML: unclosed table, expected `]`
          1 | [project
            |         ^

          release.toml:2:5  this is not TOML: key with no value, expected `=`
                            2 | name
                              |     ^

          rel config check
    "#]],
    );
    ana.commit_all("chore: break it");
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 3
        --- stderr
        error: release.toml:1:1: [project] is missing; it needs at least a name: name = "shop"
          1 | [project
            | ^

          release.toml:1:9  this is not TOML: unclosed table, expected `]`
                            1 | [project
                              |         ^
          release.toml:2:5  this is not TOML: key with no value, expected `=`
                            2 | name
                              |     ^

          rel config check
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 3
        {"schema":1,"error":{"kind":"config","exit_code":3,"message":"release.toml:1:1: [project] is missing; it needs at least a name: name = \"shop\"\n1 | [project\n  | ^","reasons":[{"gate":"release.toml:1:9","message":"this is not TOML: unclosed table, expected `]`\n1 | [project\n  |         ^"},{"gate":"release.toml:2:5","message":"this is not TOML: key with no value, expected `=`\n2 | name\n  |     ^"}],"hints":["rel config check"]}}
        --- stderr
        error: release.toml:1:1: [project] is missing; it needs at least a name: name = "shop"
          1 | [project
            | ^

          release.toml:1:9  this is not TOML: unclosed table, expected `]`
                            1 | [project
                              |         ^
          release.toml:2:5  this is not TOML: key with no value, expected `=`
                            2 | name
                              |     ^

          rel config check
    "#]]);
    story.says(
        &ana,
        "config show",
        expect![[r#"
        exit 3
        --- stderr
        error: release.toml:1:1: [project] is missing; it needs at least a name: name = "shop"
          1 | [project
            | ^

          release.toml:1:9  this is not TOML: unclosed table, expected `]`
                            1 | [project
                              |         ^
          release.toml:2:5  this is not TOML: key with no value, expected `=`
                            2 | name
                              |     ^

          rel config check
    "#]],
    );
    ana.commit(
        "release.toml",
        &format!("{}\n[artifacts]\nstore = \"s3://bucket/shop\"\n", story.shop.release_toml()),
        "chore: far away",
    );
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 4
        --- stderr
        error: release.toml asks for what this version of rel cannot do; nothing changed

          artifacts.store  `artifacts.store` is set, but this version does not support the store s3:// yet

          take it out of release.toml on trunk, or update rel
    "#]],
    );
    ana.commit(
        "release.toml",
        &story.shop.release_toml().replace("./deploy.sh", "./none.sh"),
        "chore: no script",
    );
    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
            exit 6
            --- stderr
            shop v0.1.0-rc.1 -> staging   the first deployment there
              commands  as cut, [ID0]
            staging#1 claimed
            deploy | [SHELL]
            error: staging#1 failed: deploy: exit 127: sh found no command "./none.sh" (is it committed?)
              what it printed: rel log --output staging#1
        "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 6
        {"schema":1,"error":{"kind":"command-failed","exit_code":6,"message":"staging#2 failed: deploy: exit 127: sh found no command \"./none.sh\" (is it committed?)","reasons":[],"hints":["what it printed: rel log --output staging#2"]},"deployment":{"id":"staging#2","seq":2,"environment":"staging","action":"deploy","tag":"v0.1.0-rc.1","version":"0.1.0-rc.1","commit":"[ID0:40]","from_tag":null,"state":"failed","certain":false,"actor":"ana <ana@example.com>","on_behalf_of":null,"host":"[HOST]","run_url":null,"trigger":"person","reason":null,"overrides":[],"gates":[],"approvals":[],"policy_commit":"[ID0:40]","commands_commit":"[ID0:40]","started_at":"2026-01-02T08:10:00Z","finished_at":"2026-01-02T08:10:00Z","exit_code":127,"reverts":null,"phases":[],"params":{},"offline":false,"rel_version":"0.1.0"}}
        --- stderr
        shop v0.1.0-rc.1 -> staging   the first deployment there
          commands  as cut, [ID0]
        staging#2 claimed
        deploy | [SHELL]
        error: staging#2 failed: deploy: exit 127: sh found no command "./none.sh" (is it committed?)
          what it printed: rel log --output staging#2
    "#]]);
}

#[test]
fn names_that_nobody_knows() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    story.says(
        &ana,
        "deploy stagign --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no environment stagign
          there is staging, prod
    "#]],
    );
    story.says(&ana, "deploy stagign --yes --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"not-found","exit_code":4,"message":"there is no environment stagign","reasons":[],"hints":["there is staging, prod"]}}
        --- stderr
        error: there is no environment stagign
          there is staging, prod
    "#]]);
    story.says(
        &ana,
        "deploy staging v0.1.0-rc.2 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate v0.1.0-rc.2
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(
        &ana,
        "rollback staging --to v0.1.0-rc.2 --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate v0.1.0-rc.2
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(
        &ana,
        "ship prodd --yes",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no environment prodd
          there is staging, prod
    "#]],
    );
    story.says(
        &ana,
        "status prdo",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no environment prdo
          there is staging, prod
    "#]],
    );
    story.says(
        &ana,
        "log prdo",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no environment prdo
          there is staging, prod
    "#]],
    );
    story.says(
        &ana,
        "log --output prod#7",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no deployment prod#7
          rel log prod
    "#]],
    );
    story.says(
        &ana,
        "show v0.1.0-rc.11",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate v0.1.0-rc.11
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(&ana, "show v0.1.0-rc.11 --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"not-found","exit_code":4,"message":"there is no candidate v0.1.0-rc.11","reasons":[],"hints":["there is v0.1.0-rc.1","rel list"]}}
        --- stderr
        error: there is no candidate v0.1.0-rc.11
          there is v0.1.0-rc.1
          rel list
    "#]]);
    story.says(
        &ana,
        "diff stagign",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no revision stagign
          nearest are staging, main, trunk
          git fetch, if it was made elsewhere
    "#]],
    );
    story.says(
        &ana,
        "diff v0.1.0-rc.1 trnk",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no revision trnk
          nearest are trunk, prod, main
          git fetch, if it was made elsewhere
    "#]],
    );
    story.says(
        &ana,
        "where nonsense",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no revision nonsense
          nearest are prod, main, trunk
          git fetch, if it was made elsewhere
    "#]],
    );
    story.says(
        &ana,
        "changelog 7.0.0",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no candidate 7.0.0
          there is v0.1.0-rc.1
          rel list
    "#]],
    );
    story.says(&ana, "deploy a/b --yes", expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'a/b' for '<ENV>': "a/b" cannot name an environment: use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit

        For more information, try '--help'.
    "#]]);
    story.says(
        &ana,
        "status --project other",
        expect![[r#"
        exit 4
        --- stderr
        error: there is no project other
          release.toml holds the project shop
    "#]],
    );
}

#[test]
fn command_lines_that_make_no_sense() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.says(
        &ana,
        "nonsense",
        expect![[r#"
        exit 2
        --- stderr
        error: unrecognized subcommand 'nonsense'

        Usage: rel [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "#]],
    );
    story.says(&ana, "nonsense --json", expect![[r#"
        exit 2
        {"schema":1,"error":{"kind":"usage","exit_code":2,"message":"unrecognized subcommand 'nonsense'","reasons":[],"hints":["rel --help"]}}
        --- stderr
        error: unrecognized subcommand 'nonsense'

        Usage: rel [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "#]]);
    story.says(
        &ana,
        "deploy",
        expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          <ENV>

        Usage: rel deploy <ENV> [RC]

        For more information, try '--help'.
    "#]],
    );
    story.says(&ana, "deploy --json", expect![[r#"
        exit 2
        {"schema":1,"error":{"kind":"usage","exit_code":2,"message":"the following required arguments were not provided: <ENV>","reasons":[],"hints":["rel --help"]}}
        --- stderr
        error: the following required arguments were not provided:
          <ENV>

        Usage: rel deploy --json <ENV> [RC]

        For more information, try '--help'.
    "#]]);
    story.says(
        &ana,
        "cut --version 1.0.0 --bump major",
        expect![[r#"
        exit 2
        --- stderr
        error: the argument '--version <X>' cannot be used with '--bump <PART>'

        Usage: rel cut --version <X> [REV]

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "cut --bump huge",
        expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'huge' for '--bump <PART>': one of major, minor, patch

        For more information, try '--help'.
    "#]],
    );
    story.says(&ana, "log --since nonsense", expect![[r#"
        exit 2
        --- stderr
        error: --since: "nonsense" is no moment; write 2026-11-01, 2026-11-01T14:05 (UTC), or how long ago: 36h, 7d
          rel log --since 7d, or rel log --help
    "#]]);
    story.says(&ana, "log --since nonsense --json", expect![[r#"
        exit 2
        {"schema":1,"error":{"kind":"usage","exit_code":2,"message":"--since: \"nonsense\" is no moment; write 2026-11-01, 2026-11-01T14:05 (UTC), or how long ago: 36h, 7d","reasons":[],"hints":["rel log --since 7d, or rel log --help"]}}
        --- stderr
        error: --since: "nonsense" is no moment; write 2026-11-01, 2026-11-01T14:05 (UTC), or how long ago: 36h, 7d
          rel log --since 7d, or rel log --help
    "#]]);
    story.says(&ana, "deploy staging --wait=soon", expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'soon' for '--wait[=<DUR>]': "soon" is not a duration; one is written 90s, 30m, 2h or 1d, up to 3650d

        For more information, try '--help'.
    "#]]);
    story.says(&ana, "resolve staging --failed --reason x", expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'staging' for '<ID>': "staging" is not a deployment; one is written ENV#N, like prod#812

        For more information, try '--help'.
    "#]]);
    story.says(&ana, "status --watch --json", expect![[r#"
        exit 2
        {"schema":1,"error":{"kind":"usage","exit_code":2,"message":"--json prints one document, and --watch has no end","reasons":[],"hints":["one document at a time: rel status --json"]}}
        --- stderr
        error: --json prints one document, and --watch has no end
          one document at a time: rel status --json
    "#]]);
    story.says(
        &ana,
        "status --color sometimes",
        expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'sometimes' for '--color <WHEN>'
          [possible values: auto, always, never]

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "help nonsense",
        expect![[r#"
        exit 2
        --- stderr
        error: unrecognized subcommand 'nonsense'

        Usage: rel [OPTIONS] <COMMAND>

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "man nonsense",
        expect![[r#"
        exit 4
        --- stderr
        error: rel has no verb nonsense
          nearest are completions, resolve, where
    "#]],
    );
    story.says(
        &ana,
        "completions tcsh",
        expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'tcsh' for '<SHELL>'
          [possible values: bash, zsh, fish, elvish, powershell]

          tip: a similar value exists: 'zsh'

        For more information, try '--help'.
    "#]],
    );
    story.says(
        &ana,
        "--version",
        expect![[r#"
        exit 0
        rel 0.1.0
    "#]],
    );
}

#[test]
fn a_remote_that_says_no() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    let hook = story.shop.authority().join("hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho 'the gatekeeper says no' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    story.says(
        &ana,
        "cut --again",
        expect![[r#"
        exit 1
        --- stderr
        error: origin refused the change
          caused by: remote: the gatekeeper says no
            refs/notes/rel/shop/candidates: [remote rejected] (pre-receive hook declined)
          a hook or a protection rule there has to allow rel's refs: rel doctor
    "#]],
    );
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
            exit 1
            --- stderr
            error: origin refused the change
              caused by: remote: the gatekeeper says no
                refs/notes/rel/shop/candidates: [remote rejected] (pre-receive hook declined)
              a hook or a protection rule there has to allow rel's refs: rel doctor
        "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 1
        {"schema":1,"error":{"kind":"failed","exit_code":1,"message":"origin refused the change","reasons":[],"hints":["a hook or a protection rule there has to allow rel's refs: rel doctor"]}}
        --- stderr
        error: origin refused the change
          caused by: remote: the gatekeeper says no
            refs/notes/rel/shop/candidates: [remote rejected] (pre-receive hook declined)
          a hook or a protection rule there has to allow rel's refs: rel doctor
    "#]]);
    story.says(
        &ana,
        "lock staging --reason x",
        expect![[r#"
        exit 1
        --- stderr
        error: origin refused the change
          caused by: remote: the gatekeeper says no
            refs/notes/rel/shop/candidates: [remote rejected] (pre-receive hook declined)
          a hook or a protection rule there has to allow rel's refs: rel doctor
    "#]],
    );
    fs::remove_file(&hook).unwrap();
    ana.git(&["remote", "set-url", "origin", "/no/such/folder"]);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '/no/such/folder' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          what this clone knew 4 min ago: rel status --offline
    "#]],
    );
    story.says(&ana, "deploy staging --yes --json", expect![[r#"
        exit 1
        {"schema":1,"error":{"kind":"failed","exit_code":1,"message":"origin is not a git repository that can be read","reasons":[],"hints":["check the remote's address: git remote -v","in an emergency, without it: rel deploy staging --offline --reason WHY"]}}
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: '/no/such/folder' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
          in an emergency, without it: rel deploy staging --offline --reason WHY
    "#]]);
    ana.git(&["remote", "remove", "origin"]);
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: 'origin' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
    "#]],
    );
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 1
        --- stderr
        error: origin is not a git repository that can be read
          caused by: fatal: 'origin' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
          check the remote's address: git remote -v
    "#]],
    );
}

#[test]
fn nobody_in_particular() {
    let story = Story::new();
    let ana = story.shop.ana();

    fs::write(story.shop.world.at("homes/ana/.gitconfig"), "[user]\n\tuseConfigOnly = true\n").unwrap();
    story.says(
        &ana,
        "cut",
        expect![[r#"
        exit 4
        --- stderr
        error: git does not know who you are, and records name a person
          git config user.name "Your Name"
          git config user.email you@example.com
    "#]],
    );
    story.says(&ana, "cut --json", expect![[r#"
        exit 4
        {"schema":1,"error":{"kind":"refused","exit_code":4,"message":"git does not know who you are, and records name a person","reasons":[],"hints":["git config user.name \"Your Name\"","git config user.email you@example.com"]}}
        --- stderr
        error: git does not know who you are, and records name a person
          git config user.name "Your Name"
          git config user.email you@example.com
    "#]]);
}

#[test]
fn bytes_that_changed() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    let object = story.shop.authority_git(&["cat-file", "tag", "v0.1.0-rc.1"]);
    ana.commit("src/evil.txt", "evil", "feat: evil");
    let forged = object.replacen(&ana.git(&["rev-parse", "HEAD~1"]), &ana.tip(), 1);
    let file = story.shop.world.at("forged-tag");
    fs::write(&file, format!("{forged}\n")).unwrap();
    let oid = story.shop.authority_git(&["hash-object", "-t", "tag", "-w", file.to_str().unwrap()]);
    story.shop.authority_git(&["update-ref", "refs/tags/v0.1.0-rc.1", &oid]);
    story.says(
        &ana,
        "deploy staging --yes",
        expect![[r#"
        exit 9
        --- stderr
        error: the tag v0.1.0-rc.1 is not the one that was minted

          tag  it points to [ID0:40]

          its chain vouches for the tag object [ID1:40]
          git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back
    "#]],
    );
    story.says(
        &ana,
        "deploy staging v0.1.0-rc.1 --yes",
        expect![[r#"
        exit 9
        --- stderr
        error: the tag v0.1.0-rc.1 is not the one that was minted

          tag  it points to [ID0:40]

          its chain vouches for the tag object [ID1:40]
          git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back
    "#]],
    );
    story.says(&ana, "deploy staging v0.1.0-rc.1 --yes --json", expect![[r#"
        exit 9
        {"schema":1,"error":{"kind":"integrity","exit_code":9,"message":"the tag v0.1.0-rc.1 is not the one that was minted","reasons":[{"gate":"tag","message":"it points to [ID0:40]"}],"hints":["its chain vouches for the tag object [ID1:40]","git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back"]}}
        --- stderr
        error: the tag v0.1.0-rc.1 is not the one that was minted

          tag  it points to [ID0:40]

          its chain vouches for the tag object [ID1:40]
          git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back
    "#]]);
    story.says(
        &ana,
        "show v0.1.0-rc.1",
        expect![[r#"
        exit 9
        --- stderr
        error: the tag v0.1.0-rc.1 is not the one that was minted

          tag  it points to [ID0:40]

          its chain vouches for the tag object [ID1:40]
          git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back
    "#]],
    );
    story.says(
        &ana,
        "status",
        expect![[r#"
        exit 0
        shop · trunk main [ID2] · origin, just now

        ENV      LIVE  SINCE  BY  NEXT
        staging  -     -      -   v0.1.0-rc.1, ready
        prod     -     -      -   v0.1.0-rc.1, refused by order
    "#]],
    );
    story.says(
        &ana,
        "list",
        expect![[r#"
        exit 0
        RELEASE  CANDIDATE    COMMIT   MADE       BY   LIVE  NOTE
        0.1.0    v0.1.0-rc.1  [ID3]  6 min ago  ana        damaged: it points to [ID0:40]
        --- stderr
        warning: the tag v0.1.0-rc.1 is not the one that was minted: it points to [ID0:40]
    "#]],
    );
    story.says(&ana, "fsck", expect![[r#"
        exit 9
        --- stderr
        shop: checked
          chains     1, 2 events: links, order, snapshots and notes
          tags       1 candidate, 0 releases: against their chain
          artifacts  2 files, [SIZE]: against their digests
        error: 1 thing is not what was recorded

          tag  refs/tags/v0.1.0-rc.1: it was moved to [ID0:40], a tag on [ID2]; its chain minted it as the tag object [ID1:40]
               put it back: git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force-with-lease=refs/tags/v0.1.0-rc.1:[ID0:40]
    "#]]);
    story.shop.authority_git(&["update-ref", "-d", "refs/tags/v0.1.0-rc.1"]);
    let bob = story.shop.clone_for("bob");
    story.says(
        &bob,
        "deploy staging v0.1.0-rc.1 --yes",
        expect![[r#"
        exit 9
        --- stderr
        error: the tag v0.1.0-rc.1 is not the one that was minted

          tag  it is gone

          its chain vouches for the tag object [ID1:40]
          git push origin [ID1:40]:refs/tags/v0.1.0-rc.1 --force puts it back
    "#]],
    );
}

#[test]
fn artifacts_that_are_gone() {
    let story = Story::new();
    let ana = story.shop.ana();

    story.done(&ana, &["cut"]);
    story.shop.authority_git(&["update-ref", "-d", "refs/rel/shop/artifacts/0.1.0-rc.1"]);
    let bob = story.shop.clone_for("bob");
    story.says(
        &bob,
        "deploy staging --yes",
        expect![[r#"
        exit 9
        --- stderr
        error: artifact "app.txt" is missing: the ref that keeps it in git does not exist
          rel fsck
          rel cut --again builds a new candidate
    "#]],
    );
    story.says(&bob, "deploy staging --yes --json", expect![[r#"
        exit 9
        {"schema":1,"error":{"kind":"integrity","exit_code":9,"message":"artifact \"app.txt\" is missing: the ref that keeps it in git does not exist","reasons":[],"hints":["rel fsck","rel cut --again builds a new candidate"]}}
        --- stderr
        error: artifact "app.txt" is missing: the ref that keeps it in git does not exist
          rel fsck
          rel cut --again builds a new candidate
    "#]]);
}
