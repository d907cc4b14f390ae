//! The output of deployments, if it is published: ready to be sent, in this
//! clone's outbox, and behind the authority's refs.
//!
//! Output that waits is a file, since git may collect an object that no ref
//! leads to. A ref leads to a blob, so that `git show` prints it. Sending it
//! and fetching it is the authority's.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use git2::ObjectType;

use super::error::{During, Error, Result, Task};
use super::repo::Repo;
use crate::domain::name::{DeploymentId, EnvName, Oid};
use crate::domain::ref_name::OutputRef;

/// The output behind a ref of this repository, and whose it is; `None` if there is no such ref.
///
/// # Errors
/// The ref holds something else, or its object is damaged or missing.
pub fn published(repo: &Repo, name: &OutputRef, whose: impl std::fmt::Display) -> Result<Option<Vec<u8>>> {
    let Some(oid) = repo.ref_target(name)? else { return Ok(None) };
    repo.check_loose(oid)?;
    match repo.blob(oid) {
        Ok(blob) => Ok(Some(blob.content().to_vec())),
        Err(cause) => Err(Error::NotOutput { name: name.to_string(), whose: whose.to_string(), cause }),
    }
}

/// Writes output to the repository: what its ref will hold.
///
/// # Errors
/// The object cannot be written.
pub fn write(repo: &Repo, text: &[u8]) -> Result<Oid> {
    repo.put(ObjectType::Blob, text)
}

/// The folder of output that one project has still to publish.
#[derive(Debug, Clone)]
pub struct Outbox {
    dir: PathBuf,
}

impl Outbox {
    /// The outbox in this folder, which need not exist yet.
    pub fn at(dir: PathBuf) -> Outbox {
        Outbox { dir }
    }

    /// The file in which the output of a deployment waits. Its number may be a
    /// stand-in, under which it is not sent.
    pub fn file(&self, environment: &EnvName, number: impl std::fmt::Display) -> PathBuf {
        self.dir.join(environment.as_str()).join(format!("{number}.txt"))
    }

    /// Writes such a file, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn put(&self, environment: &EnvName, number: impl std::fmt::Display, text: &[u8]) -> Result<()> {
        let file = self.file(environment, number);
        let task = || Task::Replace(file.clone());
        let folder = file.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder).during_with(task)?;
        let mut part = tempfile::NamedTempFile::new_in(folder).during_with(task)?;
        part.write_all(text).and_then(|()| part.as_file().sync_all()).during_with(task)?;
        part.persist(&file).map(drop).map_err(|failed| failed.error).during_with(task)
    }

    /// Gives output under a stand-in its number, if any waits.
    pub fn number(&self, environment: &EnvName, stand_in: &str, seq: u64) {
        let _ = fs::rename(self.file(environment, stand_in), self.file(environment, seq));
    }

    /// The deployments whose output waits under its number, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn waiting(&self) -> Result<Vec<DeploymentId>> {
        let mut waiting = Vec::new();
        for folder in names(&self.dir)? {
            let Ok(environment) = folder.parse::<EnvName>() else { continue };
            let files = names(&self.dir.join(&folder))?;
            let number = |name: &String| name.strip_suffix(".txt")?.parse().ok();
            let ids = files.iter().filter_map(number);
            waiting.extend(ids.map(|seq| DeploymentId { environment: environment.clone(), seq }));
        }
        waiting.sort();
        Ok(waiting)
    }

    /// Writes output that waits to the repository; `None` if another process has
    /// sent it meanwhile.
    ///
    /// # Errors
    /// The file cannot be read, or the object not be written.
    pub fn object(&self, repo: &Repo, id: &DeploymentId) -> Result<Option<Oid>> {
        let file = self.file(&id.environment, id.seq);
        match fs::read(&file) {
            Ok(text) => write(repo, &text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).during(Task::ReadOutbox(file)),
        }
    }

    /// Removes output that is published, or given up. If it stays, publishing it
    /// once more changes nothing.
    pub fn remove(&self, id: &DeploymentId) {
        let _ = fs::remove_file(self.file(&id.environment, id.seq));
    }
}

/// The names in a folder; empty if there is no folder.
fn names(dir: &Path) -> Result<Vec<String>> {
    let task = || Task::ReadOutbox(dir.to_owned());
    match fs::read_dir(dir) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error).during_with(task),
        Ok(entries) => {
            let name = |entry: std::io::Result<fs::DirEntry>| Ok(entry?.file_name().into_string().ok());
            let names: std::io::Result<Vec<_>> = entries.map(name).collect();
            Ok(names.during_with(task)?.into_iter().flatten().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::repo::fixture::Sandbox;

    #[test]
    fn what_waits_is_listed_by_its_number_and_becomes_an_object() {
        let sandbox = Sandbox::new();
        let repo = sandbox.open("work");
        let outbox = Outbox::at(sandbox.path("outbox"));
        assert_eq!(outbox.waiting().unwrap(), []);
        let (prod, eu): (EnvName, EnvName) = ("prod".parse().unwrap(), "eu".parse().unwrap());
        outbox.put(&prod, 10, b"ten\n").unwrap();
        outbox.put(&prod, 9, b"nine\xff\n").unwrap();
        outbox.put(&eu, "offline-5f3a", b"").unwrap();
        fs::write(outbox.dir.join("prod/.tmp"), "a part").unwrap();
        let waiting =
            || -> Vec<String> { outbox.waiting().unwrap().iter().map(ToString::to_string).collect() };
        assert_eq!(waiting(), ["prod#9", "prod#10"]);
        outbox.number(&eu, "offline-5f3a", 2);
        assert_eq!(waiting(), ["eu#2", "prod#9", "prod#10"]);
        let nine = DeploymentId { environment: prod, seq: 9 };
        let object = outbox.object(&repo, &nine).unwrap().unwrap();
        let name = OutputRef::of(&"shop".parse().unwrap(), &nine);
        repo.set_cache_ref(name.as_str(), object).unwrap();
        outbox.remove(&nine);
        assert_eq!(outbox.object(&repo, &nine).unwrap(), None);
        let shop = "shop".parse().unwrap();
        assert_eq!(published(&repo, &OutputRef::of(&shop, &nine), &nine).unwrap().unwrap(), b"nine\xff\n");
        assert_eq!(
            published(&repo, &OutputRef::of(&shop, &DeploymentId { seq: 8, ..nine.clone() }), 8).unwrap(),
            None
        );
        repo.set_cache_ref(name.as_str(), sandbox.oid("work", "HEAD")).unwrap();
        assert!(matches!(
            published(&repo, &OutputRef::of(&shop, &nine), &nine),
            Err(Error::NotOutput { .. })
        ));
    }
}
