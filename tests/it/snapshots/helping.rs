//! What verbs and flags are for.

use expect_test::{Expect, expect};

use super::Story;

#[test]
fn every_verb() {
    let story = Story::new();
    let ana = story.shop.ana();
    let whole = story.told(&story.run(&ana, &["--help"]));
    // What holds for every verb is shown once.
    let (_, rest) = whole.split_once("Global options:\n").expect("there are some");
    let (everywhere, _) = rest.split_once("\nTry it").expect("and something after them");
    let explains = |verb: &[&str], expected: Expect| {
        let told = story.told(&story.run(&ana, &[verb, &["--help"]].concat()));
        assert!(told.contains(everywhere), "{told}");
        expected.assert_eq(&told.replace(everywhere, "  ...\n"));
    };
    expect![[r#"
        exit 0
        Two-step delivery from Git alone.

        Cut a trunk commit into a release candidate and build it once; deploy those same bytes to any
        environment; pick fixes onto the release; roll back to bytes that already exist. Everything is kept
        in git: candidates are annotated tags, deployments are notes.

        Usage: rel [OPTIONS] <COMMAND>

        Commands:
          init         Write release.toml for this repository
          demo         Take a guided tour on a throw-away repository
          cut          Cut a trunk commit into a release candidate and build it once
          cherry-pick  Pick fixes onto a release as its next candidate
          deploy       Deploy a candidate's recorded artifacts to an environment [alias: promote]
          rollback     Go back to what was live before, without a build
          ship         Cut and deploy as one step
          status       Show what is live where, and what comes next
          list         List releases and their candidates, newest first
          log          List deployments, newest first
          show         Show a candidate: artifacts, picks, changes, deployments
          diff         List the commits between two revisions
          where        Show which candidates and environments contain a commit, and how
          changelog    Tell what a release brings since the last one that was released
          approve      Approve a candidate for an environment, or commits of your own
          block        Keep a candidate or a release from being deployed
          unblock      Let a blocked candidate or release be deployed again
          waive        Settle a fix for good: it is meant to be missing, or is on trunk in another form
          lock         Hold an environment closed
          unlock       Open a held environment
          record       Write down what another system deployed
          resolve      Settle a deployment whose outcome is unknown
          sync         Publish what an earlier run could not, and fetch what others did
          doctor       Check git, this clone and the remote, and say what to do
          fsck         Check history, tags and artifacts against what was recorded
          config       Check or show the configuration
          completions  Print what makes a shell complete rel's command lines
          man          Print the manual page of rel, or of a verb
          help         Print this message or the help of the given subcommand(s)

        Options:
          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Global options:
          -C <DIR>
                  Run as if started in DIR

              --config <FILE>
                  Use FILE where trunk has no release.toml yet

          -p, --project <NAME>
                  The project, where a repository holds several

              --dry-run
                  Say what would be done, and change nothing

          -y, --yes
                  Answer yes to what is asked

              --json
                  Print one JSON document on stdout

              --offline
                  Use what this clone has; do not ask the remote

          -q, --quiet
                  Say only results and errors

          -v, --verbose...
                  Say more

              --color <WHEN>
                  When to use colour

                  Possible values:
                  - auto:   On a terminal, unless NO_COLOR is set
                  - always: Always
                  - never:  Never
                  [BLANK]
                  [default: auto]

        Try it on a throw-away repository:
          rel demo

        Start in your own:
          rel init
    "#]]
    .assert_eq(&whole);
    story.says(
        &ana,
        "-h",
        expect![[r#"
        exit 0
        Two-step delivery from Git alone

        Usage: rel [OPTIONS] <COMMAND>

        Commands:
          init         Write release.toml for this repository
          demo         Take a guided tour on a throw-away repository
          cut          Cut a trunk commit into a release candidate and build it once
          cherry-pick  Pick fixes onto a release as its next candidate
          deploy       Deploy a candidate's recorded artifacts to an environment [alias: promote]
          rollback     Go back to what was live before, without a build
          ship         Cut and deploy as one step
          status       Show what is live where, and what comes next
          list         List releases and their candidates, newest first
          log          List deployments, newest first
          show         Show a candidate: artifacts, picks, changes, deployments
          diff         List the commits between two revisions
          where        Show which candidates and environments contain a commit, and how
          changelog    Tell what a release brings since the last one that was released
          approve      Approve a candidate for an environment, or commits of your own
          block        Keep a candidate or a release from being deployed
          unblock      Let a blocked candidate or release be deployed again
          waive        Settle a fix for good: it is meant to be missing, or is on trunk in another form
          lock         Hold an environment closed
          unlock       Open a held environment
          record       Write down what another system deployed
          resolve      Settle a deployment whose outcome is unknown
          sync         Publish what an earlier run could not, and fetch what others did
          doctor       Check git, this clone and the remote, and say what to do
          fsck         Check history, tags and artifacts against what was recorded
          config       Check or show the configuration
          completions  Print what makes a shell complete rel's command lines
          man          Print the manual page of rel, or of a verb
          help         Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help (see more with '--help')
          -V, --version  Print version

        Global options:
          -C <DIR>              Run as if started in DIR
              --config <FILE>   Use FILE where trunk has no release.toml yet
          -p, --project <NAME>  The project, where a repository holds several
              --dry-run         Say what would be done, and change nothing
          -y, --yes             Answer yes to what is asked
              --json            Print one JSON document on stdout
              --offline         Use what this clone has; do not ask the remote
          -q, --quiet           Say only results and errors
          -v, --verbose...      Say more
              --color <WHEN>    When to use colour [default: auto] [possible values: auto, always, never]

        Try it on a throw-away repository:
          rel demo

        Start in your own:
          rel init
    "#]],
    );
    explains(
        &["init"],
        expect![[r#"
        exit 0
        Write release.toml for this repository

        Usage: rel init [OPTIONS]

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel init          ask, then write release.toml
          rel init --yes    take what was detected
    "#]],
    );
    explains(
        &["demo"],
        expect![[r#"
        exit 0
        Take a guided tour on a throw-away repository

        Usage: rel demo [OPTIONS] [DIR]

        Arguments:
          [DIR]
                  Where to build the playground; must not exist or be empty

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel demo              in a new folder under the temporary folder
          rel demo play/shop    in play/shop, which must not exist or be empty
    "#]],
    );
    explains(
        &["cut"],
        expect![[r#"
        exit 0
        Cut a trunk commit into a release candidate and build it once

        Usage: rel cut [OPTIONS] [REV]

        Arguments:
          [REV]
                  The commit; trunk's tip by default

        Options:
              --again
                  Build anew although the commit has a candidate

              --version <X>
                  Open the release under this version

              --bump <PART>
                  What the next version raises

              --release <X>
                  The next candidate of this open release

              --if-changed
                  Do nothing where nothing of this project changed

              --no-deploy
                  Do not deploy to environments with auto_deploy

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel cut                     trunk's tip
          rel cut [ID0]             that commit, which must be on trunk
          rel cut --version 2.0.0     under a version of your choice
          rel cut --release 1.5.0     the next candidate of an open release
    "#]],
    );
    explains(
        &["cherry-pick"],
        expect![[r#"
        exit 0
        Pick fixes onto a release as its next candidate

        Usage: rel cherry-pick [OPTIONS] [COMMIT]...

        Arguments:
          [COMMIT]...
                  The commits, in the order to apply them; A..B for what B has and A has not

        Options:
              --onto <TARGET>
                  A release, a candidate or an environment; may be given several times

              --since <RELEASE>
                  This release and every later one

          -m <N>
                  Which parent of a merge commit is its mainline

              --skip-conflicts
                  Make those that apply, and leave the others to be finished one by one

              --continue
                  Go on with a pick whose conflict is resolved

              --abort
                  Drop a pick that waits for a conflict to be resolved

              --no-deploy
                  Do not deploy to environments with auto_deploy

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel cherry-pick [ID1]                 onto the newest release
          rel cherry-pick [ID1] --onto 1.5.0    onto that release's newest candidate
          rel cherry-pick [ID1] --onto prod     onto what is live there
          rel cherry-pick [ID1] --since 1.4.0   onto that release and every later one
          rel cherry-pick --continue              once a conflict is resolved
    "#]],
    );
    explains(
        &["deploy"],
        expect![[r#"
        exit 0
        Deploy a candidate's recorded artifacts to an environment

        Usage: rel deploy [OPTIONS] <ENV> [RC]

        Arguments:
          <ENV>
                  Where

          [RC]
                  What; chosen by the environment's rules by default

        Options:
              --redeploy
                  Run the deployment although the candidate is live

          -m, --reason <WHY>
                  Why; recorded

              --override <GATE>
                  Pass this gate; recorded with the reason

              --take-over <N>
                  Close hold or intent N and deploy, in one step

              --wait[=<DUR>]
                  Wait for a deployment in flight, at most DUR

              --commands-from <WHERE>
                  Whose commands run: trunk, worktree, or a revision

              --param <NAME=VALUE>
                  A value for a declared parameter; may be given several times

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel deploy staging                 the newest candidate
          rel deploy prod                    the newest that passed upstream
          rel deploy prod v1.6.0-rc.2 --override soak --reason "hotfix"
          rel deploy prod --dry-run          what would be done, and what stands in the way
    "#]],
    );
    explains(
        &["rollback"],
        expect![[r#"
            exit 0
            Go back to what was live before, without a build

            Usage: rel rollback [OPTIONS] <ENV>

            Arguments:
              <ENV>
                      Where

            Options:
                  --to <RC>
                      Go exactly there

                  --from <RC>
                      What you believe is live; if it is not, nothing is done

              -m, --reason <WHY>
                      Why; recorded

                  --take-over <N>
                      Close hold or intent N and roll back, in one step

                  --param <NAME=VALUE>
                      A value for a declared parameter, instead of the one it last succeeded with; may be given
                      several times

              -h, --help
                      Print help (see a summary with '-h')

            Global options:
              ...

            Examples:
              rel rollback prod                       one step back
              rel rollback prod --to v1.5.0-rc.1      exactly there
              rel rollback prod --from v1.6.0-rc.2    only if that is what is live
              rel rollback prod --offline --reason "the host is down"
        "#]],
    );
    explains(
        &["ship"],
        expect![[r#"
        exit 0
        Cut and deploy as one step

        Usage: rel ship [OPTIONS] <ENV> [REV]

        Arguments:
          <ENV>
                  How far

          [REV]
                  The commit; trunk's tip by default

        Options:
          -m, --reason <WHY>
                  Why; recorded

              --override <GATE>
                  Pass this gate; recorded with the reason

              --param <NAME=VALUE>
                  A value for a declared parameter; may be given several times

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel ship prod             cut trunk's tip and walk it to prod
          rel ship staging [ID0]
    "#]],
    );
    explains(
        &["status"],
        expect![[r#"
        exit 0
        Show what is live where, and what comes next

        Usage: rel status [OPTIONS] [ENV]

        Arguments:
          [ENV]
                  Only this environment, in depth

        Options:
              --oneline
                  All of it on one line

              --watch[=<DUR>]
                  Look again and again, every DUR

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel status
          rel status prod --json
          rel status --oneline --offline     for a shell's prompt
          rel status --watch                until Ctrl-C
          rel status --watch=30s            every 30 s
    "#]],
    );
    explains(
        &["list"],
        expect![[r#"
        exit 0
        List releases and their candidates, newest first

        Usage: rel list [OPTIONS]

        Options:
          -n <N>
                  At most N releases

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel list
          rel list -n 3
    "#]],
    );
    explains(
        &["log"],
        expect![[r#"
            exit 0
            List deployments, newest first

            Usage: rel log [OPTIONS] [ENV]

            Arguments:
              [ENV]
                      Only this environment

            Options:
              -n <N>
                      At most N deployments
                      [BLANK]
                      [default: 15]

                  --since <WHEN>
                      Started at WHEN or later: a day, a time (UTC), or how long ago

                  --until <WHEN>
                      Started at WHEN or earlier; a day counts to its end

                  --by <WHO>
                      Run by or for WHO: a part of a name or an e-mail

                  --state <STATE>
                      In this state; repeat for more
                      [BLANK]
                      [possible values: running, succeeded, failed, cancelled, unknown]

                  --env <ENV>
                      Only this environment; repeat for more

                  --format <FORMAT>
                      A table for people, or CSV with every member of the record

                      Possible values:
                      - table: A table
                      - csv:   Comma-separated values (RFC 4180) under a header
                      [BLANK]
                      [default: table]

                  --output <ID>
                      What this deployment printed, or the build of the candidate with this tag

                  --follow
                      Go on as long as that deployment is in flight on this machine

              -h, --help
                      Print help (see a summary with '-h')

            Global options:
              ...

            Examples:
              rel log prod
              rel log --state failed --since 7d
              rel log --by kim --since 2026-11-01 --until 2026-11-30
              rel log --env staging --env prod -n 100 --format csv
              rel log --output prod#812     what that deployment printed
              rel log --output v1.6.0-rc.2  what its build printed, if it failed too
        "#]],
    );
    explains(
        &["show"],
        expect![[r#"
        exit 0
        Show a candidate: artifacts, picks, changes, deployments

        Usage: rel show [OPTIONS] <RC>

        Arguments:
          <RC>
                  A candidate, an environment for what is live there, or a commit

        Options:
              --provenance
                  Print the in-toto provenance statement

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel show v1.5.0-rc.2
          rel show prod                          what is live there
          rel show 1.5.0-rc.2 --provenance
    "#]],
    );
    explains(
        &["diff"],
        expect![[r#"
        exit 0
        List the commits between two revisions

        Usage: rel diff [OPTIONS] <A> [B]

        Arguments:
          <A>
                  From here

          [B]
                  To here; trunk's tip by default

        Options:
          -n <N>
                  List at most N commits of each

              --stat
                  Count changed lines, file by file

              --path <PATTERN>
                  Only what touches these paths, written as in .gitignore

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Each is a candidate, an environment (prod, prod@{1}, prod@{2026-11-01}), a
        release, trunk, or any revision of git's.

        Examples:
          rel diff prod                    what trunk has and prod lacks
          rel diff prod v1.6.0-rc.2        what that candidate would bring
          rel diff prod@{1} prod           what the last deployment brought
          rel diff v1.5.0 trunk --stat --path 'web/'
    "#]],
    );
    explains(
        &["where"],
        expect![[r#"
        exit 0
        Show which candidates and environments contain a commit, and how

        Usage: rel where [OPTIONS] <COMMIT>...

        Arguments:
          <COMMIT>...
                  Commits, or whatever names one: a branch, a candidate, an environment

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel where [ID1]
          rel where HEAD~3 topic       several at once
          rel where [ID1] --json
    "#]],
    );
    explains(
        &["changelog"],
        expect![[r#"
        exit 0
        Tell what a release brings since the last one that was released

        Usage: rel changelog [OPTIONS] [RC]

        Arguments:
          [RC]
                  The candidate; the newest by default

        Options:
              --template <FILE>
                  Write it by this template instead of the built-in one

              --prepend <FILE>
                  Put it into FILE, above the sections of earlier releases

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel changelog                             the newest candidate's
          rel changelog prod                        of what is live there
          rel changelog 1.6.0 --prepend CHANGELOG.md
          rel changelog --template notes.md.j2
    "#]],
    );
    explains(
        &["approve"],
        expect![[r#"
        exit 0
        Approve a candidate for an environment, or commits of your own

        Usage: rel approve [OPTIONS] <RC> <ENV>
               rel approve [OPTIONS] --commit <COMMIT>...

        Arguments:
          [RC]
                  The candidate

          [ENV]
                  The environment

        Options:
              --commit <COMMIT>...
                  Sign off a commit that you wrote, or yours in a range A..B

          -m, --reason <WHY>
                  What was looked at; recorded

              --withdraw
                  Take your approval back

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel approve v1.6.0-rc.2 prod
          rel approve v1.6.0-rc.2 prod --withdraw
          rel approve --commit [ID2]                 one of your own commits
          rel approve --commit prod..v1.6.0-rc.2       all of your own in there
    "#]],
    );
    explains(
        &["block"],
        expect![[r#"
        exit 0
        Keep a candidate or a release from being deployed

        Usage: rel block [OPTIONS] <RC|RELEASE>

        Arguments:
          <RC|RELEASE>
                  A candidate or a release

        Options:
          -m, --reason <WHY>
                  Why; recorded, and required

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel block v1.6.0-rc.1 --reason "leaks sessions"
          rel unblock 1.6.0 --reason "fixed upstream"
    "#]],
    );
    explains(
        &["unblock"],
        expect![[r#"
        exit 0
        Let a blocked candidate or release be deployed again

        Usage: rel unblock [OPTIONS] <RC|RELEASE>

        Arguments:
          <RC|RELEASE>
                  A candidate or a release

        Options:
          -m, --reason <WHY>
                  Why; recorded, and required

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel block v1.6.0-rc.1 --reason "leaks sessions"
          rel unblock 1.6.0 --reason "fixed upstream"
    "#]],
    );
    explains(
        &["waive"],
        expect![[r#"
        exit 0
        Settle a fix for good: it is meant to be missing, or is on trunk in another form

        Usage: rel waive [OPTIONS] <COMMIT>...

        Arguments:
          <COMMIT>...
                  The fix, in any of its forms

        Options:
              --as <TRUNK_COMMIT>
                  The trunk commit that it is in, where nothing tells that by itself

          -m, --reason <WHY>
                  Why; recorded, and required

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel waive [ID3] --reason "the cart is gone"
          rel waive [ID3] --as [ID1] --reason "squashed"
    "#]],
    );
    explains(
        &["lock"],
        expect![[r#"
        exit 0
        Hold an environment closed

        Usage: rel lock [OPTIONS] --reason <WHY> <ENV>

        Arguments:
          <ENV>
                  Where

        Options:
          -m, --reason <WHY>
                  Why; recorded, and shown to whoever is refused

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel lock prod --reason "database move"
    "#]],
    );
    explains(
        &["unlock"],
        expect![[r#"
        exit 0
        Open a held environment

        Usage: rel unlock [OPTIONS] --reason <WHY> <ENV>

        Arguments:
          <ENV>
                  Where

        Options:
              --token <N>
                  The hold's number; needed for somebody else's

          -m, --reason <WHY>
                  Why; recorded

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel unlock prod --reason "done"
          rel unlock prod --token 41 --reason "bob is away"     somebody else's hold
    "#]],
    );
    explains(
        &["record"],
        expect![[r#"
        exit 0
        Write down what another system deployed

        Usage: rel record [OPTIONS] <--started|--succeeded|--failed> <ENV> <REV>

        Arguments:
          <ENV>
                  Where

          <REV>
                  What: a candidate, any tag, or a commit

        Options:
              --started
                  It is under way

              --succeeded
                  It did what it set out to do

              --failed
                  It did not

          -m, --reason <WHY>
                  Why; recorded

              --override <GATE>
                  Pass this gate; recorded with the reason

              --take-over <N>
                  Close hold or intent N on the way

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel record prod v1.4.0 --succeeded     what runs there now, tagged by somebody else
          rel record prod [ID0] --succeeded    a bare commit
          rel record prod v1.6.0-rc.2 --started  another system has begun; --succeeded or --failed later
    "#]],
    );
    explains(
        &["resolve"],
        expect![[r#"
        exit 0
        Settle a deployment whose outcome is unknown

        Usage: rel resolve [OPTIONS] --reason <WHY> <--succeeded|--failed> <ID>

        Arguments:
          <ID>
                  The deployment

        Options:
              --succeeded
                  It did what it set out to do

              --failed
                  It did not

          -m, --reason <WHY>
                  Why you know; recorded

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel resolve prod#812 --failed --reason "the host was down"
          rel resolve prod#812 --succeeded --reason "checked by hand"
    "#]],
    );
    explains(
        &["sync"],
        expect![[r#"
        exit 0
        Publish what an earlier run could not, and fetch what others did

        Usage: rel sync [OPTIONS]

        Options:
              --stop
                  First end what runs of this clone have at work on this machine, and record it

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel sync           after an exit 8, or a run that was killed
          rel sync --stop    the last step of a CI job: nothing of it goes on
    "#]],
    );
    explains(
        &["doctor"],
        expect![[r#"
        exit 0
        Check git, this clone and the remote, and say what to do

        Usage: rel doctor [OPTIONS]

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel doctor
          rel doctor --offline    without asking the remote
          rel doctor --dry-run    without trying to push
    "#]],
    );
    explains(
        &["fsck"],
        expect![[r#"
        exit 0
        Check history, tags and artifacts against what was recorded

        Usage: rel fsck [OPTIONS]

        Options:
              --quick
                  Do not read the bytes of artifacts

              --repair
                  Put right what can be, by appending; nothing is rewritten

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel fsck                       everything, every byte
          rel fsck --quick               without reading artifacts
          rel fsck --repair --dry-run    what would be put right
          rel fsck --repair              in the clone that has most
    "#]],
    );
    explains(
        &["config"],
        expect![[r#"
            exit 0
            Check or show the configuration

            Usage: rel config [OPTIONS] <COMMAND>

            Commands:
              check   Check release.toml in the working tree, or the file of --config
              show    Show the configuration in force, defaults included
              schema  Print the JSON schema of release.toml, for editors and checks
              help    Print this message or the help of the given subcommand(s)

            Options:
              -h, --help
                      Print help (see a summary with '-h')

            Global options:
              ...

            Examples:
              rel config check                  the working tree's release.toml
              rel config show                   what is in force, defaults included
              rel config schema > release.schema.json
        "#]],
    );
    explains(
        &["completions"],
        expect![[r#"
        exit 0
        Print what makes a shell complete rel's command lines

        Usage: rel completions [OPTIONS] <SHELL>

        Arguments:
          <SHELL>
                  The shell

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Where it goes, for every new shell:
          bash        source <(rel completions bash)           in ~/.bashrc
          zsh         source <(rel completions zsh)            in ~/.zshrc, after compinit
          fish        rel completions fish | source            in ~/.config/fish/completions/rel.fish
          elvish      eval (rel completions elvish | slurp)    in ~/.config/elvish/rc.elv
          powershell  rel completions powershell | Out-String | Invoke-Expression
                                                               in $PROFILE

        Verbs, flags, environments, candidates, releases, deployments and gates are
        completed, from what this clone knows; the remote is not asked.
    "#]],
    );
    explains(
        &["man"],
        expect![[r#"
        exit 0
        Print the manual page of rel, or of a verb

        Usage: rel man [OPTIONS] [VERB]...

        Arguments:
          [VERB]...
                  The verb, as in cut or config check; rel itself by default

        Options:
              --dir <DIR>
                  Write every page into DIR, which is made if need be

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...

        Examples:
          rel man | man -l -                                 read rel(1)
          rel man deploy | man -l -                          read rel-deploy(1)
          rel man --dir ~/.local/share/man/man1              from then on: man rel-deploy
    "#]],
    );
    explains(
        &["config", "check"],
        expect![[r#"
        exit 0
        Check release.toml in the working tree, or the file of --config

        Usage: rel config check [OPTIONS]

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...
    "#]],
    );
    explains(
        &["config", "show"],
        expect![[r#"
        exit 0
        Show the configuration in force, defaults included

        Usage: rel config show [OPTIONS]

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          ...
    "#]],
    );
    story.says(
        &ana,
        "man lock",
        expect![[r#"
        exit 0
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .TH rel-lock 1 " " "rel 0.1.0" "Two-step delivery from git"
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .SH NAME
        rel\-lock \- Hold an environment closed
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .SH SYNOPSIS
        \fBrel lock\fR [OPTIONS] \-\-reason <WHY> <ENV>
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .SH DESCRIPTION
        Hold an environment closed
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .SH OPTIONS
        .TP
        \fB\-m\fR, \fB\-\-reason\fR \fI<WHY>\fR
        Why; recorded, and shown to whoever is refused
        .TP
        <\fIENV\fR>
        Where
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .SH EXAMPLES
        .nf
        rel lock prod \-\-reason "database move"
        .fi
        .SH "SEE ALSO"
        \fBrel\fR(1), for global options, exit status, environment and files
    "#]],
    );
}
