use super::fixture::Sandbox;
use super::*;
use crate::store::history;
use crate::store::pick::{PickOutcome, pick};

#[test]
fn finds_the_repository_from_a_folder_inside() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("work/inner")).unwrap();
    let repo = sandbox.open("work/inner");
    let work = sandbox.path("work").canonicalize().unwrap();
    assert_eq!(repo.work_dir(), Some(&*work));
    assert_eq!(repo.git_dir(), work.join(".git"));
    assert_eq!(repo.state_dir(), work.join(".git/rel"));
    assert_eq!(repo.head_branch().as_deref(), Some("main"));
    assert!(!repo.is_unborn() && !repo.is_shallow());
    let bare = sandbox.open("remote.git");
    assert_eq!(bare.work_dir(), None);
}

#[test]
fn finds_the_repository_the_environment_names() {
    let mut sandbox = Sandbox::new();
    sandbox.world.env.insert("GIT_DIR".into(), sandbox.path("work/.git").into());
    let repo = sandbox.open(".");
    assert_eq!(repo.git_dir(), sandbox.path("work/.git").canonicalize().unwrap());
    sandbox.world.env.insert("GIT_DIR".into(), sandbox.path("nowhere").into());
    let found = Repo::discover(&sandbox.world, sandbox.dir.path());
    assert!(matches!(found, Err(Error::NoRepository(_))));
}

#[test]
fn outside_a_repository_nothing_is_done() {
    let sandbox = Sandbox::new();
    let found = Repo::discover(&sandbox.world, sandbox.dir.path());
    assert!(matches!(found, Err(Error::NoRepository(at)) if at == sandbox.dir.path()));
}

#[test]
fn a_format_that_cannot_be_read_is_named_and_never_misread() {
    let sandbox = Sandbox::new();
    for (key, value) in [
        ("extensions.refstorage", "reftable"),
        ("extensions.objectformat", "sha256"),
        ("extensions.unheardof", "1"),
    ] {
        let config = sandbox.path("work/.git/config");
        let before = std::fs::read(&config).unwrap();
        sandbox.git("work", &["config", "core.repositoryformatversion", "1"]);
        sandbox.git("work", &["config", key, value]);
        let error = Repo::discover(&sandbox.world, &sandbox.path("work")).unwrap_err();
        let fits = match value {
            "reftable" => matches!(error, Error::OtherRefs { .. }),
            "sha256" => matches!(error, Error::OtherHash { .. }),
            _ => matches!(error, Error::Failed { task: Task::OpenRepository(_), .. }),
        };
        assert!(fits, "{error:?}");
        std::fs::write(&config, before).unwrap();
    }
}

#[test]
fn a_partial_clone_opens_and_its_missing_files_are_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", sandbox.path("remote.git").display());
    sandbox.git(".", &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    let repo = sandbox.open("partial");
    let head = repo.resolve_commit("HEAD").unwrap().unwrap();
    assert_eq!(repo.file_at(head, "README").unwrap().as_deref(), Some(&b"hello\n"[..]));
}

#[test]
fn revisions_resolve_as_git_resolves_them() {
    let sandbox = Sandbox::new();
    let first = sandbox.oid("work", "HEAD");
    let second = sandbox.commit("work", "dir/a", "a\n", "second\n\nbody");
    sandbox.git("work", &["tag", "-a", "-m", "x", "v1", "HEAD~1"]);
    let repo = sandbox.open("work");
    assert_eq!(repo.resolve_commit("HEAD").unwrap(), Some(second));
    assert_eq!(repo.resolve_commit("main~1").unwrap(), Some(first));
    assert_eq!(repo.resolve_commit("v1").unwrap(), Some(first));
    assert_eq!(repo.resolve_commit(&first.short()).unwrap(), Some(first));
    let (three, one) = (&first.to_string()[..3], &first.to_string()[..1]);
    for unknown in
        ["nope", "", "-x", "nope~3", "0123456789012345678901234567890123456789", "a b", "HEAD~9", three, one]
    {
        assert_eq!(repo.resolve_commit(unknown).unwrap(), None, "{unknown}");
    }
    assert!(matches!(repo.resolve_commit("HEAD^{tree}"), Err(Error::NotACommit { kind: "tree", .. })));
    let tag = repo.ref_target("refs/tags/v1").unwrap().unwrap();
    assert_ne!(tag, first);
    assert_eq!(repo.peel_to_commit(tag).unwrap(), Some(first));
    assert_eq!(repo.peel_to_commit(Oid::from_bytes([7; Oid::BYTES])).unwrap(), None);
    let info = repo.commit(second).unwrap();
    assert_eq!((info.subject.as_str(), info.message.as_str()), ("second", "second\n\nbody\n"));
    assert_eq!(info.parents, [first]);
    assert_eq!(info.author, Actor::new("Ana", "ana@example.com"));
    assert_eq!(info.author_time.timestamp(), 1_700_000_000);
    assert!(repo.commit(Oid::from_bytes([7; Oid::BYTES])).is_err());
    assert!(repo.said(Oid::from_bytes([7; Oid::BYTES])).is_err());
    assert!(repo.said(info.tree).is_err());
}

#[test]
fn what_a_commit_says_is_what_git2_reads() {
    let sandbox = Sandbox::new();
    let first = sandbox.oid("work", "HEAD");
    let repo = sandbox.open("work");
    let tree = repo.commit(first).unwrap().tree;
    for text in [
        format!(
            "tree {tree}\nparent {first}\nauthor Ana <ana@example.com> 1700000000 +0100\ncommitter Bob B. <b@c> 1700000001 -0930\n\none\n\ntwo\n"
        ),
        format!(
            "tree {tree}\nparent {first}\nparent {first}\nauthor É Ö <é@x> 1 +0000\ncommitter Ana <a@b> 2 +0000\nencoding ISO-8859-1\ngpgsig -----BEGIN\n \n x\n -----END\n\n\n\n  late\n"
        ),
        format!("tree {tree}\nauthor  <> 1 +0000\ncommitter Ana <a@b> 2 +0000\n\nno name"),
        format!("tree {tree}\nauthor .Ana, <a@b> 1 +0000\ncommitter Ana <<a@b>> 2 +0000\n\nodd"),
        format!("tree {tree}\nauthor Ana <a@b> 1 +0000\ncommitter Ana <a@b> 99999999999999 +0000\n\nfar"),
        format!("tree {tree}\nauthor Ana B. <a@b> 1 +0000\ncommitter Ana <a@b> 2 +0000\n\n"),
        format!("tree {tree}\nauthor Ana <a@b> 1 +0000\ncommitter Ana <a@b> 2 +0000\n"),
    ] {
        let oid = repo.put(git2::ObjectType::Commit, text.as_bytes()).unwrap();
        let CommitInfo { parents, message, author, commit_time, .. } = repo.commit(oid).unwrap();
        let said = Said { parents, message, author, commit_time };
        assert_eq!(repo.said(oid).unwrap(), said, "{text}");
    }
}

#[test]
fn an_ambiguous_short_id_says_so_unless_one_commit_fits() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let head = sandbox.oid("work", "HEAD");
    let mut ids = std::collections::HashMap::new();
    // Two blobs whose ids begin alike, and one that begins like the commit.
    let like_head = |oid: Oid| oid.to_string()[..4] == head.to_string()[..4];
    let (mut pair, mut fits_head) = (None, false);
    for n in 0..1_000_000_u32 {
        let data = n.to_string();
        let oid = from_git2(git2::Oid::hash_object(ObjectType::Blob, data.as_bytes()).unwrap());
        if !fits_head && like_head(oid) {
            repo.put(ObjectType::Blob, data.as_bytes()).unwrap();
            fits_head = true;
        } else if pair.is_none()
            && !like_head(oid)
            && let Some(other) = ids.insert(oid.to_string()[..4].to_owned(), n)
        {
            repo.put(ObjectType::Blob, data.as_bytes()).unwrap();
            repo.put(ObjectType::Blob, other.to_string().as_bytes()).unwrap();
            pair = Some(oid.to_string()[..4].to_owned());
        }
        if fits_head && pair.is_some() {
            break;
        }
    }
    assert_eq!(repo.resolve_commit(&head.to_string()[..4]).unwrap(), Some(head));
    let error = repo.resolve_commit(&pair.unwrap()).unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error:?}");
}

#[test]
fn files_are_read_as_committed() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("README", sandbox.path("work/link")).unwrap();
    let head = sandbox.commit("work", "dir/a", "a\r\n", "second");
    let repo = sandbox.open("work");
    assert_eq!(repo.file_at(head, "dir/a").unwrap().as_deref(), Some(&b"a\r\n"[..]));
    for none in ["dir", "link", "nope", "README/x"] {
        assert_eq!(repo.file_at(head, none).unwrap(), None, "{none}");
    }
}

#[test]
fn copies_of_refs_move_freely_and_branches_never() {
    let sandbox = Sandbox::new();
    let first = sandbox.oid("work", "HEAD");
    let second = sandbox.commit("work", "a", "a", "second");
    let repo = sandbox.open("work");
    let name = "refs/notes/rel/shop/env/prod";
    assert_eq!(repo.ref_target(name).unwrap(), None);
    for oid in [second, first] {
        repo.set_cache_ref(name, oid).unwrap();
        assert_eq!(repo.ref_target(name).unwrap(), Some(oid));
    }
    repo.create_cache_ref(name, second).unwrap();
    assert_eq!(repo.ref_target(name).unwrap(), Some(first));
    assert_eq!(repo.refs_under("refs/notes/rel/").unwrap(), [(name.to_owned(), first)]);
    assert_eq!(repo.refs_under("refs/notes/re").unwrap().len(), 1);
    repo.delete_cache_ref(name).unwrap();
    repo.delete_cache_ref(name).unwrap();
    assert_eq!(repo.ref_target(name).unwrap(), None);
    assert!(repo.set_cache_ref("refs/heads/main", first).is_err());
    assert!(repo.ref_target("refs/notes/..").is_err());
    assert_eq!(sandbox.oid("work", "main"), second);
}

#[test]
fn settings_come_from_where_git_takes_them() {
    let mut sandbox = Sandbox::new();
    let set = |sandbox: &mut Sandbox, name: &str, value: &str| {
        sandbox.world.env.insert(name.into(), value.into());
    };
    assert_eq!(sandbox.open("work").identity().unwrap(), Actor::new("Ana", "ana@example.com"));
    sandbox.world.env.remove(OsStr::new("GIT_COMMITTER_NAME"));
    sandbox.world.env.remove(OsStr::new("GIT_COMMITTER_EMAIL"));
    let nobody = sandbox.open("work").identity();
    assert!(matches!(nobody, Err(Error::NoIdentity { name: false, email: false })));
    sandbox.git("work", &["config", "user.name", "Bob"]);
    std::fs::write(sandbox.path("global"), "[user]\n\tname = No\n\temail = bob@example.com\n").unwrap();
    let global = sandbox.path("global");
    set(&mut sandbox, "GIT_CONFIG_GLOBAL", global.to_str().unwrap());
    let repo = sandbox.open("work");
    assert_eq!(repo.identity().unwrap(), Actor::new("Bob", "bob@example.com"));
    assert!(repo.remote_exists("origin") && !repo.remote_exists("other"));
    assert_eq!(repo.remote_url("origin").unwrap(), sandbox.path("remote.git").to_str().unwrap());
    set(&mut sandbox, "GIT_CONFIG_COUNT", "1");
    set(&mut sandbox, "GIT_CONFIG_KEY_0", "User.Name");
    set(&mut sandbox, "GIT_CONFIG_VALUE_0", "Cy");
    set(&mut sandbox, "GIT_CONFIG_PARAMETERS", "'user.email'='cy@example.com'");
    assert_eq!(sandbox.open("work").identity().unwrap(), Actor::new("Cy", "cy@example.com"));
}

#[test]
fn a_fresh_repository_has_a_branch_without_a_commit() {
    let sandbox = Sandbox::new();
    sandbox.git(".", &["init", "-q", "-b", "trunk", "fresh"]);
    let repo = sandbox.open("fresh");
    assert!(repo.is_unborn());
    assert_eq!(repo.head_branch().as_deref(), Some("trunk"));
}

#[test]
fn objects_are_synced_wherever_they_are_by_then() {
    let sandbox = Sandbox::new();
    let repo = sandbox.open("work");
    let oid = repo.put(ObjectType::Blob, b"kept").unwrap();
    assert!(repo.has_object(oid));
    repo.sync_objects().unwrap();
    assert!(repo.unsynced.borrow().is_empty());
    repo.wrote(Oid::from_bytes([1; Oid::BYTES]));
    repo.sync_objects().unwrap();
}

/// Old imports have such lines. What git says of them is the measure.
#[test]
fn an_odd_author_stops_nothing() {
    let sandbox = Sandbox::new();
    let base = sandbox.oid("work", "HEAD");
    let tree = sandbox.open("work").commit(base).unwrap().tree;
    for (author, committer) in [
        ("Ana 1500000000 +0000", "Ana <ana@example.com> 1500000000 +0000"),
        ("Ana <ana@example.com 1500000000 +0000", "Ana <ana@example.com> 1500000000 +0000"),
        ("Ana ana@example.com> 1500000000 +0000", "Ana ana@example.com 1500000000 +0000"),
        ("Ana <ana@example.com>", "Ana <ana@example.com>"),
        ("Ana <ana@example.com> tomorrow", "Ana <ana@example.com> yesterday +0000"),
        ("Ana <ana@example.com> 99999999999999999999999 +0000", "Ana <ana@example.com> x 1500000000 +0000"),
        ("<> 1500000000 +0000", "<> 1500000000 +0000"),
        ("", ""),
    ] {
        let text = format!(
            "tree {tree}\nparent {base}\nauthor {author}\ncommitter {committer}\n\nfeat: odd\nstill\n\nBody\n"
        );
        let odd = sandbox.open("work").put(ObjectType::Commit, text.as_bytes()).unwrap();
        let after =
            format!("tree {tree}\nparent {odd}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n");
        let after = sandbox.open("work").put(ObjectType::Commit, after.as_bytes()).unwrap();
        sandbox.git("work", &["update-ref", "refs/heads/odd", &after.to_string()]);
        sandbox.git("work", &["tag", "--force", "-a", "-m", "odd", "odd", &odd.to_string()]);
        let repo = sandbox.open("work");
        let info = repo.commit(odd).unwrap();
        assert_eq!(
            (info.subject.as_str(), info.tree, &info.parents[..]),
            ("feat: odd still", tree, &[base][..])
        );
        let said = repo.said(odd).unwrap();
        assert_eq!(
            (&said.author, said.commit_time, said.parents),
            (&info.author, info.commit_time, info.parents)
        );
        let git = sandbox.git("work", &["log", "-1", "--format=%ct", &odd.to_string()]);
        let seconds = git.trim().parse().unwrap_or(0);
        assert_eq!(info.commit_time.timestamp(), seconds, "{committer:?}");
        let name = if author.starts_with("Ana ana@") {
            "Ana ana@example.com"
        } else {
            &author[..author.len().min(3)]
        };
        assert_eq!(info.author.name, if author.starts_with("Ana") { name } else { "" });
        assert_eq!(history::range(&repo, &[base], after).unwrap(), [after, odd], "{author:?}");
        assert!(!history::touches(&repo, odd, |_| true, |_| true).unwrap());
        for rev in [odd.to_string(), "heads/odd~1".to_owned(), "refs/tags/odd".to_owned()] {
            assert_eq!(repo.resolve_commit(&rev).unwrap(), Some(odd), "{rev} {author:?}");
        }
        let tag = repo.ref_target("refs/tags/odd").unwrap().unwrap();
        assert_eq!(repo.peel_to_commit(tag).unwrap(), Some(odd));
        assert!(matches!(pick(&repo, after, base, None).unwrap(), PickOutcome::Empty));
    }
}

#[test]
fn what_is_pushed_goes_where_it_is_fetched_from() {
    let sandbox = Sandbox::new();
    let url = sandbox.path("origin.git").to_str().unwrap().to_owned();
    let (https, ssh) = ("https://github.com/acme/shop.git", "git@github.com:acme/shop");
    let other = "git@github.com:acme/fork";
    let pushed = |settings: &[(&str, &str)]| {
        for key in ["remote.o.url", "remote.o.pushurl"] {
            sandbox.try_git("work", &["config", "--unset-all", key]);
        }
        for section in ["url.git@github.com:", "url.git@github.com:acme/fork", "url.elsewhere/"] {
            sandbox.try_git("work", &["config", "--remove-section", section]);
        }
        for (key, value) in settings {
            sandbox.git("work", &["config", "--add", key, value]);
        }
        sandbox.open("work").pushed_elsewhere("o")
    };
    for same in [
        &[("remote.o.url", url.as_str())][..],
        &[("remote.o.url", &url), ("remote.o.pushurl", &url)],
        &[("remote.o.url", https), ("remote.o.pushurl", ssh)],
        &[("remote.o.url", https), ("url.git@github.com:.pushInsteadOf", "https://github.com/")],
        &[("remote.o.url", "gh:acme/shop"), ("url.git@github.com:.insteadOf", "gh:")],
    ] {
        assert_eq!(pushed(same), None, "{same:?}");
    }
    for (settings, places) in [
        (&[("remote.o.url", https), ("remote.o.pushurl", other)][..], &[other][..]),
        (&[("remote.o.url", https), ("url.git@github.com:acme/fork.pushInsteadOf", https)], &[other]),
        (&[("remote.o.url", &url), ("url.elsewhere/.pushInsteadOf", &url)], &["elsewhere/"]),
        (&[("remote.o.url", https), ("remote.o.url", other)], &[https, other]),
        (&[("remote.o.url", https), ("remote.o.pushurl", ssh), ("remote.o.pushurl", other)], &[ssh, other]),
    ] {
        assert_eq!(pushed(settings).expect("another place").1, places, "{settings:?}");
    }
}
