//! What git is set up to do here: its settings, who is at work, its remotes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use git2::ConfigLevel;

use super::Repo;
use crate::domain::mailmap::Mailmap;
use crate::domain::name::Actor;
use crate::domain::ref_name::BranchRef;
use crate::store::error::{Error, Result};
use crate::world::World;

impl Repo {
    /// A setting of git's, as git would see it here. Empty ones count as unset.
    pub fn config(&self, key: &str) -> Option<String> {
        let found = self.overrides.get(&canonical_key(key)).cloned();
        found.or_else(|| self.config.get_string(key).ok()).filter(|value| !value.is_empty())
    }

    /// Every value of a setting that may be given several times.
    pub fn config_all(&self, key: &str) -> Vec<String> {
        let mut values = Vec::new();
        if let Ok(entries) = self.config.multivar(key, None) {
            // What is not text is no refspec either.
            let _ = entries.for_each(|entry| values.extend(entry.value().map(str::to_owned)));
        }
        values.extend(self.overrides.get(&canonical_key(key)).cloned());
        values
    }

    /// Whether a setting says yes, in any of git's spellings.
    pub fn config_is(&self, key: &str) -> bool {
        self.config(key).is_some_and(|value| git2::Config::parse_bool(&value) == Ok(true))
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<String> {
        let names = self.inner.remotes();
        names.iter().flatten().flatten().flatten().map(str::to_owned).collect()
    }

    /// Whether some objects are left to be fetched when they are needed.
    pub fn is_partial(&self) -> bool {
        self.promisor().is_some()
    }

    /// The remote that has promised the objects that a partial clone left out.
    pub(in crate::store) fn promisor(&self) -> Option<&str> {
        let find = || {
            let promises = |name: &String| self.config_is(&format!("remote.{name}.promisor"));
            self.config("extensions.partialClone").or_else(|| self.remotes().into_iter().find(promises))
        };
        self.promisor.get_or_init(find).as_deref()
    }

    /// From now on nobody is asked for objects that are missing.
    pub fn stay_offline(&self) {
        self.git_env.offline.set(true);
    }

    /// Whether nobody may be asked.
    pub(in crate::store) fn is_offline(&self) -> bool {
        self.git_env.offline.get()
    }

    /// Who git would name as the committer, by the one address that this clone's `.mailmap` gives.
    ///
    /// # Errors
    /// Nobody has said who is at work.
    pub fn identity(&self) -> Result<Actor> {
        Ok(self.mailmap().canonical(self.committer()?))
    }

    /// Who git would name as the committer: `GIT_COMMITTER_NAME` and `GIT_COMMITTER_EMAIL`, else
    /// `committer.*`, else `user.*`. Never guessed from the host's name.
    ///
    /// # Errors
    /// Nobody has said who is at work.
    pub fn committer(&self) -> Result<Actor> {
        let part = |var: &str, part: &str| {
            let from_env = self.world().var(var).map(str::to_owned);
            from_env
                .or_else(|| self.config(&format!("committer.{part}")))
                .or_else(|| self.config(&format!("user.{part}")))
        };
        let name = part("GIT_COMMITTER_NAME", "name");
        let email = part("GIT_COMMITTER_EMAIL", "email");
        let actor = Actor::new(name.as_deref().unwrap_or_default(), email.as_deref().unwrap_or_default());
        match (!actor.name.is_empty(), !actor.email.is_empty()) {
            (true, true) => Ok(actor),
            (name, email) => Err(Error::NoIdentity { name, email }),
        }
    }

    /// Who is who, by what lies in this clone: its `.mailmap`, `mailmap.blob`
    /// (`HEAD:.mailmap` in a bare one) and `mailmap.file`. What cannot be read
    /// says nothing.
    fn mailmap(&self) -> Mailmap {
        let file = |path: PathBuf| std::fs::read(path).ok();
        let blob = |name: &str| {
            let object = self.git2().revparse_single(name).ok()?;
            Some(object.peel_to_blob().ok()?.content().to_vec())
        };
        let (folder, named) = (self.work_dir(), self.config("mailmap.blob"));
        let named = named.or_else(|| folder.is_none().then(|| "HEAD:.mailmap".to_owned()));
        let texts = [
            folder.map(|folder| folder.join(".mailmap")).filter(|path| !path.is_symlink()).and_then(file),
            named.and_then(|name| blob(&name)),
            self.config.get_path("mailmap.file").ok().and_then(file),
        ];
        Mailmap::of(texts.iter().flatten().map(Vec::as_slice))
    }

    /// Whether a remote of this name is set up.
    pub fn remote_exists(&self, name: &str) -> bool {
        self.remote_url(name).is_some()
    }

    /// The address a remote is fetched from, after `url.*.insteadOf`.
    pub fn remote_url(&self, name: &str) -> Option<String> {
        let remote = self.inner.find_remote(name).ok()?;
        let url = String::from_utf8_lossy(remote.url_bytes()).into_owned();
        Some(url).filter(|url| !url.is_empty())
    }

    /// Where a remote is fetched from and where it is pushed to, if that is another place or are
    /// several. Another way to the same repository is no other place.
    pub(in crate::store) fn pushed_elsewhere(&self, remote: &str) -> Option<(String, Vec<String>)> {
        let urls = match self.config_all(&format!("remote.{remote}.url")) {
            urls if urls.is_empty() => vec![remote.to_owned()],
            urls => urls,
        };
        let replaced = |url: &str| self.replaced(url, "insteadof").unwrap_or_else(|| url.to_owned());
        let fetched = replaced(&urls[0]);
        let pushed: Vec<String> = match self.config_all(&format!("remote.{remote}.pushurl")) {
            push if !push.is_empty() => push.iter().map(|url| replaced(url)).collect(),
            _ => {
                let pushed =
                    |url: &String| self.replaced(url, "pushinsteadof").unwrap_or_else(|| replaced(url));
                urls.iter().map(pushed).collect()
            }
        };
        let is_one = matches!(&pushed[..], [one] if is_same_place(&fetched, one));
        (!is_one).then_some((fetched, pushed))
    }

    /// An address after the longest `url.<base>.<key>` that it begins with; `None` if it begins with none.
    fn replaced(&self, url: &str, key: &str) -> Option<String> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut take = |name: &str, begins: &str| {
            if let Some(base) =
                name.strip_prefix("url.").and_then(|rest| rest.strip_suffix(key)?.strip_suffix('.'))
                && url.starts_with(begins)
            {
                found.push((begins.to_owned(), base.to_owned()));
            }
        };
        if let Ok(entries) = self.config.entries(Some(&format!("^url\\..*\\.{key}$"))) {
            let _ = entries.for_each(|entry| {
                if let (Ok(name), Ok(begins)) = (entry.name(), entry.value()) {
                    take(name, begins);
                }
            });
        }
        self.overrides.iter().for_each(|(name, begins)| take(name, begins));
        let (begins, base) = found.into_iter().max_by_key(|(begins, _)| begins.len())?;
        Some(format!("{base}{}", &url[begins.len()..]))
    }

    /// Whether HEAD names a branch without a commit.
    pub fn is_unborn(&self) -> bool {
        self.head_branch().is_some_and(|branch| matches!(self.ref_target(BranchRef::of(&branch)), Ok(None)))
    }
}

/// Whether two addresses lead to one repository: of one host, by whatever protocol, the same path.
fn is_same_place(one: &str, other: &str) -> bool {
    let place = |address: &str| {
        let url = gix_url::parse(address).ok()?;
        let host = url.host.as_deref().map(str::to_ascii_lowercase);
        let path = String::from_utf8(url.path.into()).ok()?;
        let path = path.trim_matches('/').trim_end_matches(".git").trim_end_matches('/').to_owned();
        Some((host, path))
    };
    one == other || place(one).is_some_and(|one| place(other) == Some(one))
}

/// The repository's settings, with the user's and the host's files where the world says they are.
pub(super) fn settings(
    repo: &git2::Repository,
    world: &World,
) -> std::result::Result<git2::Config, git2::Error> {
    let mut config = repo.config()?;
    // libgit2 takes a file that does not exist for an empty one, but not `/dev/null`.
    let nowhere = repo.commondir().join("rel/no-such-file");
    let file = |value: &OsString| match value {
        value if value.is_empty() || value == "/dev/null" => nowhere.clone(),
        value => PathBuf::from(value),
    };
    if let Some(path) = world.env.get(OsStr::new("GIT_CONFIG_GLOBAL")) {
        config.add_file(&nowhere, ConfigLevel::XDG, true)?;
        config.add_file(&file(path), ConfigLevel::Global, true)?;
    }
    if world.var("GIT_CONFIG_NOSYSTEM").is_some_and(|v| git2::Config::parse_bool(v) == Ok(true)) {
        config.add_file(&nowhere, ConfigLevel::System, true)?;
    } else if let Some(path) = world.env.get(OsStr::new("GIT_CONFIG_SYSTEM")) {
        config.add_file(&file(path), ConfigLevel::System, true)?;
    }
    Ok(config)
}

/// Settings that came by way of the environment: `GIT_CONFIG_PARAMETERS` (what `git -c` leaves
/// for an alias), then `GIT_CONFIG_COUNT`. What cannot be parsed is left out.
pub(super) fn overrides(world: &World) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let parameters = world.var("GIT_CONFIG_PARAMETERS").and_then(|text| shell_words::split(text).ok());
    for word in parameters.unwrap_or_default() {
        let (key, value) = word.split_once('=').unwrap_or((&word, "true"));
        found.insert(canonical_key(key), value.to_owned());
    }
    let count: usize = world.var("GIT_CONFIG_COUNT").and_then(|text| text.parse().ok()).unwrap_or(0);
    for n in 0..count {
        let Some(key) = world.var(&format!("GIT_CONFIG_KEY_{n}")) else { break };
        let value = world.var(&format!("GIT_CONFIG_VALUE_{n}")).unwrap_or_default();
        found.insert(canonical_key(key), value.to_owned());
    }
    found
}

/// Section and name do not mind case, what stands between the dots does.
fn canonical_key(key: &str) -> String {
    match (key.split_once('.'), key.rsplit_once('.')) {
        (Some((section, _)), Some((before, name))) => {
            format!(
                "{}{}.{}",
                section.to_ascii_lowercase(),
                &before[section.len()..],
                name.to_ascii_lowercase()
            )
        }
        _ => key.to_ascii_lowercase(),
    }
}
