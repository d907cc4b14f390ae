//! Errors with the files that a build made, as a person is told them.

use crate::failure::{Failure, Kind};
use crate::store::error::{
    Absent, ArtifactError, BadCopy, CollectError, LocationFault, NameSource, PatternFault, ReferenceFault,
};

const AGAIN: &str = "rel cut --again builds a new candidate";

/// The failure of keeping artifacts, or of giving them back.
pub(super) fn artifact(error: ArtifactError) -> Failure {
    let integrity = |message: String| Failure::new(Kind::Integrity, message);
    match error {
        ArtifactError::Location { text, why } => {
            let why = match why {
                LocationFault::Unknown => "is not known",
                LocationFault::Unsupported => "is not supported by this version",
                LocationFault::Relative => "names no absolute folder: three slashes begin one",
                LocationFault::ControlCharacters => "has control characters",
                LocationFault::NoFolder => "names no folder",
            };
            Failure::new(Kind::Config, format!("artifact store {text:?} {why}"))
                .hint("a store is \"git\" or \"file:///dir\"")
        }
        ArtifactError::Unreachable { dir, cause } => {
            Failure::failed(format!("the artifact store {} cannot be reached", dir.display()))
                .because(cause)
                .hint("mount it, or name another folder: [artifacts] store in release.toml")
        }
        ArtifactError::Name { why, from } => match from {
            NameSource::Build => Failure::failed(why),
            NameSource::Tag => integrity(why),
            NameSource::Prepared => {
                integrity(why).hint("rel records no such name: find out who made the tag")
            }
        },
        ArtifactError::TooLarge { name, size, limit } => {
            const MIB: f64 = 1024.0 * 1024.0;
            Failure::failed(format!(
                "artifact {name:?} has {size} bytes ({:.1} MiB), more than the {limit} ({:.1} MiB) that \
                 [artifacts] max_size lets into git; the store \"file:///dir\" takes files of any size",
                size as f64 / MIB,
                limit as f64 / MIB
            ))
        }
        ArtifactError::Missing { name, from } => missing(&name, from),
        ArtifactError::Altered { recorded, found, size, at } => {
            let place = match &at {
                BadCopy::Stream => "as it was read".to_owned(),
                BadCopy::Removed | BadCopy::Stays(..) => "in this clone's cache".to_owned(),
                BadCopy::InTheWay(_) | BadCopy::Stored(_) => "in the store".to_owned(),
                BadCopy::Blob(blob) => format!("in git ({blob})"),
            };
            let failure = integrity(format!(
                "artifact {:?} {place} is not what was recorded: expected {} ({} bytes), found {found} \
                 ({size} bytes)",
                recorded.name, recorded.digest, recorded.size
            ))
            .hint("nothing ran; whoever changed it, the recorded bytes are in the cache of a clone that deployed it")
            .hint("without them, build a new candidate: rel cut --again");
            match at {
                BadCopy::Stream | BadCopy::Blob(_) => failure,
                BadCopy::Removed => {
                    failure.hint("the bad copy was removed; run the same command again to fetch a good one")
                }
                BadCopy::Stays(path, error) => failure.hint(format!("remove {}: {error}", path.display())),
                BadCopy::InTheWay(path) => failure.hint(format!(
                    "objects are never overwritten: find out who changed {}, remove it, and try again",
                    path.display()
                )),
                BadCopy::Stored(path) => failure.hint(format!("the file is {}", path.display())),
            }
        }
        ArtifactError::AlteredSize { recorded, blob, size } => integrity(format!(
            "artifact {:?} in git ({blob}) is not what was recorded: expected {} ({} bytes), found {size} bytes",
            recorded.name, recorded.digest, recorded.size
        )),
        ArtifactError::AlteredEntry { name, recorded, found } => {
            integrity(format!("{name:?} is not what was recorded: expected {recorded}, found {found}"))
                .hint("rel fsck")
        }
        ArtifactError::Damaged { name, entry, commit, cause } => {
            let what = if entry { "" } else { "artifact " };
            let commit = commit.short();
            integrity(format!("{what}{name:?} cannot be read: the git objects of {commit} are damaged"))
                .because(cause)
                .hint("git fsck")
        }
        ArtifactError::NotUtf8(path) => {
            Failure::failed(format!("cannot describe {}: its path is not UTF-8", path.display()))
        }
    }
}

fn missing(name: &str, from: Absent) -> Failure {
    let missing = |message: String| Failure::new(Kind::Integrity, message);
    let recorded = |why: String| missing(format!("artifact {name:?} is missing: {why}"));
    match from {
        Absent::Cache => missing(format!("artifact {name:?} is missing from this clone's cache"))
            .hint("run the same command again: it is fetched anew"),
        Absent::Ref => {
            recorded("the ref that keeps it in git does not exist".to_owned()).hint("rel fsck").hint(AGAIN)
        }
        Absent::Commit(commit) => {
            let commit = commit.short();
            recorded(format!("its tag records it, but the git objects of {commit} do not hold it"))
                .hint("rel fsck")
                .hint(AGAIN)
        }
        Absent::File(path) => recorded(format!("its tag records it, but {} does not exist", path.display()))
            .hint("restore it, or cut anew: rel cut --again"),
        Absent::Store => {
            missing(format!("{name:?} is missing: its tag records it, but its store does not hold it"))
                .hint("rel fsck")
        }
    }
}

/// The failure of collecting what a build made. Paths are quoted: whatever a build called its files,
/// no control character reaches a terminal.
impl From<CollectError> for Failure {
    fn from(error: CollectError) -> Failure {
        Failure::failed(collected(error))
    }
}

fn collected(error: CollectError) -> String {
    match error {
        CollectError::Pattern { pattern, why } => {
            let why = match why {
                PatternFault::Absolute => "is absolute; patterns are relative to the checkout".to_owned(),
                PatternFault::LeadsOut => "leads out of the checkout".to_owned(),
                PatternFault::Empty => "names no file".to_owned(),
                PatternFault::NoGlob(why) => format!("is not a glob: {why}"),
            };
            format!("artifact pattern {pattern:?} {why}")
        }
        CollectError::NothingMatched { pattern, folder: false } => {
            format!("artifact pattern {pattern:?} matches no file that the build made")
        }
        CollectError::NothingMatched { pattern, folder: true } => format!(
            "artifact pattern {pattern:?} is a folder, and only files are artifacts; {:?} takes those in it",
            format!("{}/*", pattern.trim_end_matches('/'))
        ),
        CollectError::EqualNames { name, first, second } => format!(
            "two artifacts would be named {name:?}: {first:?} and {second:?}; names count without their folders"
        ),
        CollectError::Name { path, why } => {
            let why = why.unwrap_or_else(|| "its name is not UTF-8".to_owned());
            format!("{path:?} cannot be an artifact: {why}")
        }
        CollectError::Outside { path, target } => format!(
            "{path:?} cannot be an artifact: it is a link to {target:?}, which is not part of the build's checkout"
        ),
        CollectError::Reference { line, why: ReferenceFault::OfFile(name), .. } => format!(
            "two artifacts would be named {name:?}: line {line} of the references, and a file that the build made"
        ),
        CollectError::Reference { line, text, why } => {
            let why = match why {
                ReferenceFault::Spaces => "it has spaces or control characters".to_owned(),
                ReferenceFault::NoEquals => "it has no '='".to_owned(),
                ReferenceFault::NoName => "it has no name".to_owned(),
                ReferenceFault::NotPinned => "it is not pinned by a digest".to_owned(),
                ReferenceFault::NoRegistry => "it names no registry".to_owned(),
                ReferenceFault::SecondAt => {
                    "a reference carries no user or password, and one digest".to_owned()
                }
                ReferenceFault::OfFile(name) => format!("{name:?} is already a file"),
                ReferenceFault::Taken { name, uri } => format!("{name:?} is already {uri}"),
            };
            format!(
                "line {line} of the references is not name=registry/app@sha256:<64 hex digits>: {why}: {text:?}"
            )
        }
        CollectError::Unreadable { path, cause } => format!("cannot read {path:?}: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_too_large_for_git_is_told_with_the_way_out() {
        let failure = artifact(ArtifactError::TooLarge { name: "my app".into(), size: 5, limit: 4 });
        for part in ["\"my app\"", "5 bytes", "max_size", "file:///"] {
            assert!(failure.message.contains(part), "{failure}");
        }
    }

    #[test]
    fn a_location_that_is_none_is_told_with_what_is() {
        let failure = artifact(ArtifactError::Location {
            text: "s3://bucket".to_owned(),
            why: LocationFault::Unsupported,
        });
        assert_eq!(failure.kind, Kind::Config);
        assert_eq!(failure.message, "artifact store \"s3://bucket\" is not supported by this version");
        assert!(failure.hints[0].contains("file:///dir"));
    }
}
