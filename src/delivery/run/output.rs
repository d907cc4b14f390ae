//! Publishing what deployments printed, where trunk's `[output] publish =
//! "git"` asks for it: a ref each.
//!
//! Only the process that ran the commands knows what is to be hidden. So, once
//! the outcome is published, it takes that out of a copy of what is kept here,
//! and the copy waits in the outbox until the authority has it. It never goes
//! together with a record: a host that refuses it must not cost that one.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::delivery::error::run::RunError;
use crate::delivery::error::{FileOp, Result};
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Policy;
use crate::delivery::run::params::Params;
use crate::delivery::run::prepare::Prepared;
use crate::delivery::run::receipt::Receipt;
use crate::delivery::run::workspace::log_path;
use crate::delivery::sink::{Notice, Printed, Sink};
use crate::domain::config::Publish;
use crate::domain::inherited;
use crate::domain::name::{DeploymentId, EnvName, TagName};
use crate::domain::redact::Redactor;
use crate::domain::ref_name::{OutputRef, RefName};
use crate::domain::version::CandidateVersion;
use crate::store::authority::{Expected, Published, RefUpdate};
use crate::store::outbox::{self, Outbox};

/// The folder of what builds printed, beside those of environments.
pub const BUILD: &str = "build";

/// How much of the end of an output is published, in bytes.
pub const MOST: u64 = 8 << 20;

/// More than a secret is long, however it is written: a variable has at most
/// 128 KiB on Linux, and six times that in JSON.
const MARGIN: u64 = 1 << 20;

/// How far a beginning that is left out may go on to the end of its line.
const LINE: usize = 64 << 10;

/// This clone's outbox.
pub fn outbox(reader: &Reader) -> Outbox {
    Outbox::at(reader.state_dir().join("outbox"))
}

pub fn is_wanted(policy: &Policy) -> bool {
    policy.config.output.publish == Publish::Git
}

/// Puts what the commands of a deployment printed into the outbox, if it is to
/// be published, and nothing where they were never started. What cannot be
/// done is only said: what they did counts.
pub fn keep(
    reader: &Reader,
    sink: &dyn Sink,
    policy: &Policy,
    prepared: &Prepared,
    environment: &EnvName,
    number: impl std::fmt::Display,
) {
    if !is_wanted(policy) {
        return;
    }
    let kept = || -> Result<()> {
        let log = log_path(reader, environment, &number);
        if let Some(text) = without_secrets(&redactor(reader, &prepared.params)?, &log)? {
            outbox(reader).put(environment, &number, &text)?;
        }
        Ok(())
    };
    if let Err(why) = kept() {
        sink.notice(Notice::OutputUnpublished { printed: Printed::In(environment), why });
    }
}

/// Publishes what the build of a candidate printed, if it is to be published,
/// in a push of its own. What cannot be done is only said.
pub fn publish_build(
    reader: &Reader,
    sink: &dyn Sink,
    policy: &Policy,
    tag: &TagName,
    version: &CandidateVersion,
) {
    if !is_wanted(policy) {
        return;
    }
    let publish = || -> Result<()> {
        let log = log_path(reader, &BUILD, version);
        let Some(text) = without_secrets(&redactor(reader, &Params::default())?, &log)? else {
            return Ok(());
        };
        let name = OutputRef::of_build(reader.project(), version);
        let new = outbox::write(&reader.repo, &text)?;
        let update = RefUpdate { name: name.into(), expected: Expected::MustNotExist, new };
        match reader.authority().publish(&reader.repo, &[update])? {
            Published::Done => Ok(()),
            Published::Moved(_) => Err(RunError::KeepsMoving(reader.authority().to_string()).into()),
        }
    };
    if let Err(why) = publish() {
        sink.notice(Notice::OutputUnpublished { printed: Printed::OfBuild(tag), why });
    }
}

/// What takes out the secrets that commands were given or inherited.
///
/// # Errors
/// There are too many of them.
fn redactor(reader: &Reader, params: &Params) -> Result<Redactor> {
    let mut inherited: Vec<String> = Vec::new();
    for (name, value) in &reader.world.env {
        // What is no text is hidden in the pieces of it that are.
        for piece in value.as_encoded_bytes().utf8_chunks() {
            let secrets = inherited::secrets(&name.to_string_lossy(), piece.valid());
            inherited.extend(secrets.into_iter().map(Cow::into_owned));
        }
    }
    let secrets = params.secrets().chain(inherited.iter().map(String::as_str));
    Ok(Redactor::new(secrets).map_err(RunError::CannotSearch)?)
}

/// The end of a file, without secrets; none where there is no file.
fn without_secrets(redactor: &Redactor, file: &Path) -> Result<Option<Vec<u8>>> {
    let read = || {
        let mut file = File::open(file)?;
        // What a command has left running may go on writing.
        let size = file.metadata()?.len();
        let from = size.saturating_sub(MOST + MARGIN);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.take(size - from).read_to_end(&mut end)?;
        Ok::<_, std::io::Error>((size, from, end))
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileOp::Read.on(file)(error)),
        Ok((size, from, end)) => Ok(Some(cut(size, from > 0, redactor.bytes(&end).into_owned()))),
    }
}

/// The last [`MOST`] bytes of the end of an output, with a line that says how
/// much is missing. Where that end has a beginning before it, a secret may lie
/// across the two, of which nothing may be left.
fn cut(size: u64, has_more: bool, mut end: Vec<u8>) -> Vec<u8> {
    let too_much = (end.len() as u64).saturating_sub(MOST);
    let least = if has_more { MARGIN } else { 0 };
    let first = usize::try_from(too_much.max(least)).unwrap_or(usize::MAX).min(end.len());
    if first == 0 {
        return end;
    }
    let line = end[first..].iter().take(LINE).position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    end.drain(..first + line);
    let missing = size.saturating_sub(end.len() as u64);
    let mib = missing as f64 / f64::from(1 << 20);
    let mut cut = format!("[the first {mib:.1} MiB are left out here]\n").into_bytes();
    cut.append(&mut end);
    cut
}

/// Publishes what a deployment printed, and the rollback that followed from it
/// by itself, in one push of their own. It waits for `rel sync` where their
/// records do.
pub fn publish(reader: &Reader, sink: &dyn Sink, policy: &Policy, receipt: &Receipt) {
    if !is_wanted(policy) {
        return;
    }
    let both: Vec<&Receipt> = std::iter::once(receipt).chain(receipt.rollback.as_deref()).collect();
    if both.iter().any(|one| one.deployment.offline || one.unpublished.is_some()) {
        return;
    }
    let ids: Vec<DeploymentId> = both.iter().map(|one| one.deployment.id.clone()).collect();
    if let Err(why) = send(reader, sink, &ids) {
        sink.notice(Notice::OutputUnpublished { printed: Printed::By(&ids, None), why });
    }
}

/// Publishes what waits in the outbox, and says what it could not; what it did
/// publish, and whether something is left. Costs a look at a folder where
/// nothing waits.
pub fn catch_up(reader: &Reader, sink: &dyn Sink, policy: &Policy) -> (Vec<DeploymentId>, bool) {
    let waiting = match outbox(reader).waiting() {
        Ok(waiting) => waiting,
        Err(error) => {
            sink.notice(Notice::OutputUnpublished { printed: Printed::Unknown, why: error.into() });
            return (Vec::new(), true);
        }
    };
    if waiting.is_empty() {
        return (Vec::new(), false);
    }
    if !is_wanted(policy) {
        for id in &waiting {
            outbox(reader).remove(id);
        }
        sink.notice(Notice::OutputStays(&waiting));
        return (Vec::new(), false);
    }
    if waiting.len() > 1
        && let Ok(published) = send(reader, sink, &waiting)
    {
        return (published, false);
    }
    // A host may refuse one for what is in it, which is no reason to keep back the others.
    let (mut published, mut is_left) = (Vec::new(), false);
    for id in waiting {
        match send(reader, sink, std::slice::from_ref(&id)) {
            Ok(ids) => published.extend(ids),
            Err(why) => {
                let file = outbox(reader).file(&id.environment, id.seq);
                let printed = Printed::By(std::slice::from_ref(&id), Some(&file));
                sink.notice(Notice::OutputUnpublished { printed, why });
                is_left = true;
            }
        }
    }
    (published, is_left)
}

/// Sends these, as far as they wait, in one push: all of them or none. Those
/// that are published now.
fn send(reader: &Reader, sink: &dyn Sink, ids: &[DeploymentId]) -> Result<Vec<DeploymentId>> {
    let outbox = outbox(reader);
    let mut sent = Vec::new();
    for id in ids {
        if let Some(object) = outbox.object(&reader.repo, id)? {
            let name = OutputRef::of(reader.project(), id);
            sent.push((id, RefUpdate { name: name.into(), expected: Expected::MustNotExist, new: object }));
        }
    }
    while !sent.is_empty() {
        let updates: Vec<RefUpdate> = sent.iter().map(|(_, update)| update.clone()).collect();
        match reader.authority().publish(&reader.repo, &updates)? {
            Published::Done => break,
            Published::Moved(moved) => {
                let is_taken = |name: &RefName| moved.iter().any(|(taken, _)| taken == name);
                let before = sent.len();
                sent.retain(|(id, update)| {
                    let taken = is_taken(&update.name);
                    if taken {
                        // Nothing is overwritten, so that it never can be published.
                        sink.notice(Notice::OutputTaken { id, by: update.name.as_str() });
                        outbox.remove(id);
                    }
                    !taken
                });
                if sent.len() == before {
                    return Err(RunError::KeepsMoving(reader.authority().to_string()).into());
                }
            }
        }
    }
    let published: Vec<DeploymentId> = sent.into_iter().map(|(id, _)| id.clone()).collect();
    for id in &published {
        outbox.remove(id);
    }
    Ok(published)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(cut(3, false, b"abc".to_vec()), b"abc");
        let all = vec![b'x'; 8 * MIB];
        assert_eq!(cut(all.len() as u64, false, all.clone()), all);
    }

    #[test]
    fn a_beginning_is_left_out_to_the_end_of_its_line() {
        let mut text = vec![b'x'; MIB / 2];
        text.extend(b"\n");
        text.extend(vec![b'y'; 8 * MIB - 1]);
        let cut_at_line = cut(text.len() as u64, false, text);
        let (first, rest) = cut_at_line.split_at(cut_at_line.iter().position(|b| *b == b'\n').unwrap());
        assert_eq!(first, b"[the first 0.5 MiB are left out here]");
        assert_eq!(rest.len(), 8 * MIB);
        assert!(rest[1..].iter().all(|byte| *byte == b'y'));
        // A line that goes on for too long is cut.
        let one = cut(9 * MIB as u64, false, vec![b'z'; 9 * MIB]);
        assert_eq!(one.iter().filter(|byte| **byte == b'z').count(), 8 * MIB);
    }

    /// However much was hidden of the end, what lies at its very beginning may
    /// be the rest of a secret.
    #[test]
    fn of_a_beginning_nothing_is_left() {
        let mut text = b"the rest of a secret".to_vec();
        text.resize(2 * MIB, b'x');
        let kept = cut(20 * MIB as u64, true, text);
        assert!(kept.starts_with(b"[the first 19.0 MiB are left out here]\n"), "{:?}", &kept[..60]);
        assert!(!kept.windows(6).any(|window| window == b"secret"));
    }
}
