use std::os::unix::fs::PermissionsExt;

use super::super::repo::fixture::Sandbox;
use super::*;

const CHAIN: &str = "refs/notes/rel/shop/env/prod";

/// A commit on `parent` that nobody else makes.
fn commit(sandbox: &Sandbox, parent: Option<Oid>) -> Oid {
    let tree = sandbox.git("work", &["rev-parse", "HEAD^{tree}"]);
    let nonce = uuid::Uuid::new_v4().to_string();
    let mut args = vec!["commit-tree", "-m", &nonce, &tree];
    let parent = parent.map(|oid| oid.to_string());
    if let Some(parent) = &parent {
        args.extend(["-p", parent]);
    }
    sandbox.git("work", &args).parse().unwrap()
}

fn full(name: &str) -> RefName {
    RefName::parse(name).unwrap()
}

fn update(name: &str, expected: Option<Oid>, new: Oid) -> RefUpdate {
    RefUpdate { name: full(name), expected: expected.into(), new }
}

fn origin() -> Authority {
    Authority::Remote("origin".to_owned())
}

/// A `git` for PATH that is the real one with something around its pushes.
fn wrap_push(sandbox: &mut Sandbox, script: &str) {
    let real = sandbox.git(".", &["--exec-path"]) + "/git";
    let bin = sandbox.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let body = format!(
        "#!/bin/sh\ngit() {{ {real} \"$@\"; }}\ncase \" $* \" in *' push '*) {script} ;; *) exec {real} \"$@\" ;; esac\n"
    );
    std::fs::write(bin.join("git"), body).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let old = sandbox.world.env[std::ffi::OsStr::new("PATH")].clone();
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(old);
    sandbox.world.env.insert("PATH".into(), path);
}

#[test]
fn publishing_moves_refs_only_from_what_is_expected() {
    for authority in [origin(), Authority::Local] {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let first = commit(&sandbox, None);
        let second = commit(&sandbox, Some(first));
        let other = commit(&sandbox, Some(first));
        let publish = |expected, new| authority.publish(&repo, &[update(CHAIN, expected, new)]).unwrap();
        assert_eq!(publish(None, first), Published::Done);
        assert_eq!(publish(None, first), Published::Done, "made already");
        assert_eq!(publish(Some(first), second), Published::Done);
        assert_eq!(publish(Some(first), other), Published::Moved(vec![(full(CHAIN), Some(second))]));
        assert_eq!(authority.tips(&repo, &[CHAIN, "refs/x"]).unwrap(), [Some(second), None]);
        assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(second), "the copy follows");
        assert_eq!(authority.publish(&repo, &[]).unwrap(), Published::Done);
    }
}

#[test]
fn a_record_that_landed_is_done_although_others_follow_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let first = commit(&sandbox, None);
    let second = commit(&sandbox, Some(first));
    sandbox.git("work", &["push", "-q", "origin", &format!("{second}:{CHAIN}")]);
    assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
}

const BESIDE: &str = "refs/notes/rel/shop/candidates";

/// Two commits of a chain that is at the second one, and one for another chain.
fn beside(sandbox: &Sandbox, place: &str) -> [Oid; 3] {
    let first = commit(sandbox, None);
    let (second, other) = (commit(sandbox, Some(first)), commit(sandbox, None));
    let to = sandbox.path(place);
    sandbox.git("work", &["push", "-q", to.to_str().unwrap(), &format!("{second}:{BESIDE}")]);
    [first, second, other]
}

#[test]
fn a_chain_that_grew_holds_back_what_needs_it_as_it_was() {
    for (authority, at_once) in [(origin(), "true"), (origin(), "false"), (Authority::Local, "true")] {
        let sandbox = Sandbox::new();
        sandbox.git("remote.git", &["config", "receive.advertiseAtomic", at_once]);
        let here = if authority == Authority::Local { "work" } else { "remote.git" };
        let [first, second, other] = beside(&sandbox, here);
        let repo = sandbox.open("work");
        let publish = |beside| {
            let updates = [update(CHAIN, None, other), update(BESIDE, Some(beside), beside)];
            authority.publish(&repo, &updates).unwrap()
        };
        assert_eq!(publish(first), Published::Moved(vec![(full(BESIDE), Some(second))]));
        assert_eq!(authority.tips(&repo, &[CHAIN]).unwrap(), [None]);
        assert_eq!(publish(second), Published::Done);
        assert_eq!(authority.tips(&repo, &[CHAIN, BESIDE]).unwrap(), [Some(other), Some(second)]);
    }
}

#[test]
fn what_had_to_be_so_may_change_once_the_others_arrived() {
    let mut sandbox = Sandbox::new();
    let [_, second, other] = beside(&sandbox, "remote.git");
    let third = commit(&sandbox, Some(second));
    wrap_push(&mut sandbox, &format!("git \"$@\"; git push -q origin {third}:{BESIDE}; exit 1"));
    let repo = sandbox.open("work");
    let updates = [update(CHAIN, None, other), update(BESIDE, Some(second), second)];
    assert_eq!(origin().publish(&repo, &updates).unwrap(), Published::Done);
}

#[test]
fn all_or_nothing() {
    for authority in [origin(), Authority::Local] {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let (first, tag) = (commit(&sandbox, None), sandbox.oid("work", "HEAD"));
        let other = commit(&sandbox, None);
        let both = |chain, tag| [update(CHAIN, None, chain), update("refs/tags/v1", None, tag)];
        let here = if authority == Authority::Local { "work" } else { "remote.git" };
        sandbox.git(
            "work",
            &["push", "-q", sandbox.path(here).to_str().unwrap(), &format!("{other}:refs/tags/v1")],
        );
        assert_eq!(
            authority.publish(&repo, &both(first, tag)).unwrap(),
            Published::Moved(vec![(full("refs/tags/v1"), Some(other))])
        );
        assert_eq!(authority.tips(&repo, &[CHAIN]).unwrap(), [None]);
        sandbox.git(here, &["update-ref", "-d", "refs/tags/v1"]);
        assert_eq!(authority.publish(&repo, &both(first, tag)).unwrap(), Published::Done);
        assert_eq!(sandbox.oid("work", "refs/tags/v1"), tag, "made here too");
    }
}

/// A remote that moves one ref at a time is looked at first, and what is there already stays.
#[test]
fn in_turn_where_the_remote_cannot_do_several() {
    let sandbox = Sandbox::new();
    sandbox.git("remote.git", &["config", "receive.advertiseAtomic", "false"]);
    let repo = sandbox.open("work");
    let (first, tag) = (commit(&sandbox, None), sandbox.oid("work", "HEAD"));
    let (second, third) = (commit(&sandbox, Some(first)), commit(&sandbox, Some(first)));
    let both = |expected, new, name: &str| [update(name, None, tag), update(CHAIN, expected, new)];
    let publish = |updates: &[RefUpdate]| origin().publish(&repo, updates).unwrap();
    assert_eq!(publish(&both(None, first, "refs/tags/v1")), Published::Done);
    assert!(origin().moves_in_turn(&repo), "so it is not tried again");

    let moved = Published::Moved(vec![(full(CHAIN), Some(first))]);
    assert_eq!(publish(&both(None, second, "refs/tags/v2")), moved);
    assert_eq!(origin().tips(&repo, &["refs/tags/v2"]).unwrap(), [None], "nothing before it was made");
    sandbox.git("work", &["push", "-q", "origin", &format!("{tag}:refs/tags/v2")]);
    assert_eq!(publish(&both(Some(first), second, "refs/tags/v2")), Published::Done, "it goes on");

    // What has to be stays unpushed, and holds the others back.
    let gone = update("refs/tags/v3", Some(tag), tag);
    let moved = Published::Moved(vec![(full("refs/tags/v3"), None)]);
    let fourth = commit(&sandbox, Some(second));
    assert_eq!(publish(&[update(CHAIN, Some(second), fourth), gone]), moved);
    assert_eq!(origin().tips(&repo, &[CHAIN]).unwrap(), [Some(second)]);
    assert_eq!(
        publish(&both(Some(first), third, "refs/tags/v1")),
        Published::Moved(vec![(full(CHAIN), Some(second))]),
        "a tag that is there already is nobody else's"
    );
}

#[test]
fn only_the_very_object_is_removed() {
    for authority in [origin(), Authority::Local] {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let (ours, other) = (sandbox.oid("work", "HEAD"), commit(&sandbox, None));
        for (name, oid) in [("refs/tags/a", ours), ("refs/tags/b", other)] {
            assert_eq!(authority.publish(&repo, &[update(name, None, oid)]).unwrap(), Published::Done);
        }
        let refs = ["refs/tags/a", "refs/tags/b", "refs/tags/c"].map(|name| (full(name), ours));
        authority.remove(&repo, &refs).unwrap();
        let tips = authority.tips(&repo, &["refs/tags/a", "refs/tags/b"]).unwrap();
        assert_eq!(tips, [None, Some(other)]);
        authority.remove(&repo, &refs).unwrap();
    }
}

#[test]
fn a_chain_never_loses_a_commit_and_may_gain_several() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let first = commit(&sandbox, None);
    let third = commit(&sandbox, Some(commit(&sandbox, Some(first))));
    let unrelated = commit(&sandbox, None);
    for authority in [origin(), Authority::Local] {
        let publish = |expected, new| authority.publish(&repo, &[update(CHAIN, expected, new)]);
        assert_eq!(publish(None, first).unwrap(), Published::Done);
        for (expected, new) in [(Some(first), unrelated), (Some(first), first), (Some(third), first)] {
            assert!(matches!(publish(expected, new), Err(Error::Discontinues { .. })));
        }
        assert_eq!(publish(Some(first), third).unwrap(), Published::Done);
        assert_eq!(authority.tips(&repo, &[CHAIN]).unwrap(), [Some(third)]);
        sandbox.git("work", &["update-ref", "-d", CHAIN]);
    }
    let twice = [update("refs/tags/a", None, first), update("refs/tags/a", None, third)];
    assert!(origin().publish(&repo, &twice).is_err());
    assert!(origin().publish(&repo, &[update("refs/tags/a..b", None, first)]).is_err());
}

#[test]
fn of_all_who_race_exactly_one_wins() {
    for authority in [origin(), Authority::Local] {
        let sandbox = Sandbox::new();
        let mut tip = None;
        for _ in 0..3 {
            let rivals: Vec<Oid> = (0..4).map(|_| commit(&sandbox, tip)).collect();
            let outcomes: Vec<Published> = std::thread::scope(|scope| {
                let racers: Vec<_> = rivals
                    .iter()
                    .map(|new| {
                        let (sandbox, authority) = (&sandbox, &authority);
                        scope.spawn(move || {
                            let repo = sandbox.open("work");
                            authority.publish(&repo, &[update(CHAIN, tip, *new)]).unwrap()
                        })
                    })
                    .collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).collect()
            });
            let winners: Vec<Oid> = rivals
                .iter()
                .zip(&outcomes)
                .filter(|(_, outcome)| **outcome == Published::Done)
                .map(|(new, _)| *new)
                .collect();
            assert_eq!(winners.len(), 1, "{outcomes:?}");
            let held = authority.tips(&sandbox.open("work"), &[CHAIN]).unwrap()[0];
            assert_eq!(held, Some(winners[0]));
            tip = held;
        }
    }
}

#[test]
fn a_push_that_landed_and_said_otherwise_is_done() {
    let mut sandbox = Sandbox::new();
    wrap_push(&mut sandbox, "git \"$@\"; exit 1");
    let repo = sandbox.open("work");
    let first = commit(&sandbox, None);
    assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
    assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(first));
}

#[test]
fn a_passing_collision_is_tried_again() {
    let mut sandbox = Sandbox::new();
    let lock = sandbox.path("remote.git/once");
    std::fs::write(&lock, "").unwrap();
    let script = format!(
        "if rm {} 2>/dev/null; then echo 'cannot lock ref' >&2; exit 1; fi; git \"$@\"",
        lock.display()
    );
    wrap_push(&mut sandbox, &script);
    let repo = sandbox.open("work");
    let first = commit(&sandbox, None);
    assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
    assert!(!lock.exists());
}

#[test]
fn a_refusal_quotes_the_remote_and_is_not_repeated() {
    let sandbox = Sandbox::new();
    let hook = sandbox.path("remote.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let count = sandbox.path("count");
    let body =
        format!("#!/bin/sh\necho x >> {}\nprintf '\\033[1mnot today\\n' >&2\nexit 1\n", count.display());
    std::fs::write(&hook, body).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let repo = sandbox.open("work");
    let error = origin().publish(&repo, &[update(CHAIN, None, commit(&sandbox, None))]).unwrap_err();
    let Error::Authority(error) = error else { panic!("{error:?}") };
    let said = error.said;
    assert_eq!(error.why, GitError::Declined);
    assert!(said.contains("not today") && !said.contains('\x1b'), "{said}");
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
    assert_eq!(repo.ref_target(CHAIN).unwrap(), None);
}

fn why(error: Error) -> GitError {
    match error {
        Error::Authority(error) => error.why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fetching_says_what_is_wrong() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let fetch = |authority: &str, refspec: &str| {
        Authority::Remote(authority.to_owned()).fetch(&repo, &[refspec.to_owned()])
    };
    fetch("origin", "+refs/heads/main:refs/remotes/origin/main").unwrap();
    fetch("origin", "refs/notes/rel/*:refs/notes/rel/*").unwrap();
    let missing = fetch("origin", "+refs/heads/trunk:refs/remotes/origin/trunk").unwrap_err();
    assert_eq!(why(missing), GitError::NoRef("refs/heads/trunk".to_owned()));
    let nowhere = fetch(sandbox.path("nowhere").to_str().unwrap(), "refs/heads/main").unwrap_err();
    assert_eq!(why(nowhere), GitError::NoRepository);
    let closed = fetch("git://127.0.0.1:1/x", "refs/heads/main").unwrap_err();
    assert_eq!(why(closed), GitError::Unreachable);
    assert!(Authority::Local.fetch(&repo, &["refs/heads/nope".into()]).is_ok());
}

#[test]
fn a_rewritten_chain_is_noticed_and_not_followed() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let first = commit(&sandbox, None);
    let other = commit(&sandbox, None);
    assert_eq!(origin().publish(&repo, &[update(CHAIN, None, first)]).unwrap(), Published::Done);
    sandbox.git("work", &["push", "-q", "--force", "origin", &format!("{other}:{CHAIN}")]);
    let error = origin().fetch(&repo, &["refs/notes/rel/*:refs/notes/rel/*".into()]).unwrap_err();
    assert!(error.is_rewritten(), "{error:?}");
    assert_eq!(repo.ref_target(CHAIN).unwrap(), Some(first));
}

#[test]
fn fetching_brings_no_tags_and_prunes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.git("work", &["tag", "v1"]);
    sandbox.git("work", &["push", "-q", "origin", "v1"]);
    sandbox.git("work", &["tag", "-d", "v1"]);
    sandbox.git("work", &["config", "fetch.prune", "true"]);
    let repo = sandbox.open("work");
    repo.set_cache_ref(CHAIN, sandbox.oid("work", "HEAD")).unwrap();
    let specs = [
        "refs/notes/rel/*:refs/notes/rel/*".to_owned(),
        "refs/heads/main:refs/remotes/origin/main".to_owned(),
    ];
    origin().fetch(&repo, &specs).unwrap();
    assert_eq!(repo.ref_target("refs/tags/v1").unwrap(), None);
    assert!(repo.ref_target(CHAIN).unwrap().is_some());
    assert!(!sandbox.path("work/.git/FETCH_HEAD").exists());
}

#[test]
fn unfamiliar_listings_are_rejected() {
    let line = "0123456789012345678901234567890123456789\trefs/a\n";
    assert_eq!(parse_tips(line).unwrap().len(), 1);
    assert_eq!(parse_tips("").unwrap().len(), 0);
    for bad in ["x", "0123 refs/a", "xyz\trefs/a"] {
        assert_eq!(parse_tips(bad), None);
    }
}

#[test]
fn an_address_is_shown_without_its_password() {
    let shown = |text: &str| Authority::Remote(text.to_owned()).to_string();
    assert_eq!(shown("https://me:secret@host/x.git"), "https://me@host/x.git");
    assert_eq!(shown("https://host/a@b"), "https://host/a@b");
    assert_eq!(shown("origin"), "origin");
}
