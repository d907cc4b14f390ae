//! Errors of delivery as a person is told them.

mod candidate;
mod run;

pub use run::ended;

use chrono::{DateTime, Utc};

use crate::delivery::error::run::Contested;
use crate::delivery::error::{
    Disagreement, Error, FileOp, Interrupted, Misuse, Moved, NotFound, NotStopped, OfflineWay, Origin,
    PolicyFault, Stated, TagFault, Unjudged, Unknown,
};
use crate::domain::name::{EnvName, TagName};
use crate::domain::nearest::nearest;
use crate::failure::{Failure, Kind};
use crate::ui::time;

/// What a range of commits is.
const RANGE: &str = "A..B is what B has and A has not";

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Store(error) => error.into(),
            Error::Told(failure) => *failure,
            Error::File { op, path, cause } => {
                let path = path.display();
                Failure::failed(match op {
                    FileOp::MakeIn => format!("no folder can be made in {path}"),
                    FileOp::Make => format!("{path} cannot be made"),
                    FileOp::Remove => format!("{path} cannot be removed"),
                    FileOp::Read => format!("{path} cannot be read"),
                    FileOp::Write => format!("{path} cannot be written"),
                })
                .because(cause)
            }
            Error::NotFound(what) => not_found(what),
            Error::Misuse(misuse) => misused(misuse),
            Error::Policy(fault) => policy(fault),
            Error::NoTrunk { trunk, remote, offline } => {
                let whose = remote.as_deref().unwrap_or("this repository");
                let failure =
                    Failure::new(Kind::Refused, format!("{whose} has no branch {trunk} to release from"))
                        .reason("trunk", format!("the branch {trunk} has no commit there"));
                if offline {
                    failure.hint("without --offline, rel would fetch it")
                } else if remote.is_none() {
                    failure.hint("commit something first, or name another branch as trunk in release.toml")
                } else {
                    failure.hint(format!("git push {whose} {trunk}"))
                }
            }
            Error::NeedsAuthority => Failure::new(
                Kind::Refused,
                "this is decided at the remote, and --offline says not to ask it; nothing changed",
            )
            .hint("run it without --offline")
            .hint("or see what would be done: --dry-run"),
            Error::Rewritten { authority, chains } => {
                let message = format!("the history at {authority} was rewritten; nothing changed");
                chains
                    .into_iter()
                    .fold(Failure::new(Kind::Integrity, message), |failure, (name, became)| {
                        failure.reason("history", format!("{name} {became}"))
                    })
                    .hint("What this clone has seen is kept here, and nothing is written over it.")
                    .hint("see all that is wrong: rel fsck")
                    .hint("put back what can be: rel fsck --repair")
            }
            Error::TagChanged { tag, minted, why, remote } => {
                let back = match remote {
                    None => format!("git update-ref {} {minted} puts it back", tag.to_ref()),
                    Some(remote) => {
                        format!("git push {remote} {minted}:{} --force puts it back", tag.to_ref())
                    }
                };
                Failure::new(Kind::Integrity, format!("the tag {tag} is not the one that was minted"))
                    .reason("tag", tag_fault(why))
                    .hint(format!("its chain vouches for the tag object {minted}"))
                    .hint(back)
            }
            Error::Offline { why, way } => Failure::from(*why).hint(match way {
                OfflineWay::Seen { verb } => {
                    format!("what this clone has seen before: rel {verb} --offline")
                }
                OfflineWay::Known { verb, at, now } => {
                    format!("what this clone knew {}: rel {verb} --offline", time::ago(now, at))
                }
                OfflineWay::Emergency { verb, environment } => {
                    format!("in an emergency, without it: rel {verb} {environment} --offline --reason WHY")
                }
                OfflineWay::Check => "check what this clone has: rel fsck --offline".to_owned(),
            }),
            Error::Candidate(error) => candidate::failure(error),
            Error::NotMade { candidate, is_abandoned, why } => {
                let failure = Failure::from(*why).beside(|beside| beside.candidate = Some(*candidate));
                if is_abandoned {
                    failure
                } else {
                    failure.hint("the reserved number is settled by the next run, or: rel sync")
                }
            }
            Error::Refused(refusal) => (*refusal).into(),
            Error::NoTarget { environment, why, skipped } => skipped
                .into_iter()
                .fold(Failure::new(Kind::Refused, format!("{why}; nothing changed")), |failure, one| {
                    failure.reason("skipped", format!("{}: {}", one.tag.label(), one.why))
                })
                .hint(format!("rel log {environment}"))
                .hint(format!("choose one: rel rollback {environment} --to RC")),
            Error::NeverMinted(tag) => Failure::new(
                Kind::Integrity,
                format!("{tag} is recorded as a candidate, and was never minted"),
            )
            .hint("rel fsck"),
            Error::Run(error) => run::failure(error),
            Error::Moved(moved) => overtaken(moved),
            Error::Interrupted(what) => match what {
                Interrupted::Hook(name) => {
                    Failure::new(Kind::Interrupted, format!("{name} was interrupted; nothing changed"))
                }
                Interrupted::Waiting => {
                    Failure::new(Kind::Interrupted, "interrupted while waiting; nothing changed")
                }
                Interrupted::Stopping(subject) => {
                    Failure::new(Kind::Interrupted, format!("interrupted while {subject} was being stopped"))
                        .hint("go on with it: rel sync --stop")
                }
            },
            Error::NotStopped(what) => not_stopped(what),
            Error::OfflineDoesNotFit { chain: Some(chain), cause } => {
                Failure::failed(format!("an offline deployment does not fit {chain}")).because(cause)
            }
            Error::OfflineDoesNotFit { chain: None, cause } => {
                Failure::failed("an offline deployment cannot be counted in").because(cause)
            }
            Error::OfflineAtWork { environment, tag } => Failure::new(
                Kind::Busy,
                format!("{environment} is being deployed to from this clone; nothing ran"),
            )
            .reason("busy", format!("{tag} is on its way there, offline"))
            .hint("let it end, or stop it"),
            Error::NothingRan { environment, why: Ok(why), .. } => {
                let failure = Failure::from(*why);
                Failure { message: format!("{}; nothing ran on {environment}", failure.message), ..failure }
            }
            Error::NothingRan { environment, interrupted, why: Err(why) } => {
                let kind = if interrupted { Kind::Interrupted } else { Kind::Failed };
                Failure::new(kind, format!("nothing ran on {environment}: {why}"))
            }
            Error::NotOffline => Failure::failed("the remote is to be asked"),
            Error::WrongToken { environment, token, in_flight, hold } => {
                let mut failure = Failure::new(
                    Kind::Held,
                    format!("{environment}#{token} is neither in flight nor a hold; nothing changed"),
                );
                if let Some(id) = in_flight {
                    failure = failure.reason("busy", format!("in flight is {id}"));
                }
                if let Some(hold) = hold {
                    failure = failure.reason("held", format!("the hold is {environment}#{hold}"));
                }
                failure.hint(format!("rel status {environment}"))
            }
            Error::ChainNotRead(environment) => {
                Failure::failed(format!("the chain of {environment} was not read"))
            }
            Error::ChangelogCut { tag, commit } => {
                Failure::failed(format!("what {tag} brings cannot be told"))
                    .reason("commit", format!("{} is not in this clone", commit.short()))
                    .hint("git fetch --unshallow, in a shallow clone; else rel doctor")
            }
            Error::TagInTheWay { folder, tag } => {
                Failure::new(Kind::Refused, format!("a tag {folder} is in the way; nothing changed"))
                    .reason("tag", format!("while there is a tag {folder}, none can be named {tag}"))
                    .hint("rename it, or change [version] tag in release.toml")
            }
        }
    }
}

fn not_found(what: NotFound) -> Failure {
    let none = |message: String| Failure::new(Kind::NotFound, message);
    match what {
        NotFound::Environment { name, known } => {
            let failure = none(format!("there is no environment {name}"));
            match &known[..] {
                [] => failure.hint("release.toml on trunk names no environments"),
                known => {
                    let names: Vec<&str> = known.iter().map(EnvName::as_str).collect();
                    failure.hint(nearest(name.as_str(), &names))
                }
            }
        }
        NotFound::Project { wanted, held, file } => {
            none(format!("there is no project {wanted}")).hint(format!("{file} holds the project {held}"))
        }
        NotFound::Candidate { text, known } => {
            let failure = none(format!("there is no candidate {text}"));
            match &known[..] {
                [] => failure.hint("there are none yet: rel cut"),
                known => {
                    let names: Vec<&str> = known.iter().map(TagName::as_str).collect();
                    failure.hint(nearest(&text, &names)).hint("rel list")
                }
            }
        }
        NotFound::Unmade { tag, reason, failed } => {
            let failure = none(format!("{tag} was never made")).reason("build", reason);
            if failed { failure.hint(format!("rel log --output {tag}")) } else { failure }.hint("rel list")
        }
        NotFound::Baseline { text, tag } => none(format!("{text} is {}, which is no candidate", tag.label()))
            .reason("candidate", "it was recorded, not built by rel: there are no bytes of it to deploy")
            .hint("rel list shows the candidates, rel cut makes one"),
        NotFound::CandidateOfTrunk(tip) => {
            none(format!("trunk's tip {} has no candidate", tip.short())).hint("rel cut")
        }
        NotFound::CandidateOf { what, commit, foreign, on_trunk, contained_in } => {
            let mut failure = none(format!("no candidate was made of {what}"));
            if let Some(tag) = foreign {
                failure = failure.reason("candidate", format!("a tag {tag} exists, but rel did not make it"));
            }
            if on_trunk {
                failure = failure.hint(format!("rel cut {}", commit.short()));
            }
            match contained_in {
                Some(tag) => failure.hint(format!("{tag} contains it: rel show {tag}")),
                None if on_trunk => failure,
                None => failure.hint("it is not on trunk, and only what is can be cut").hint("rel list"),
            }
        }
        NotFound::CommitOfTag { tag, object } => none(format!("the tag {tag} is on no commit"))
            .hint(format!("what it is on: git cat-file -t {object}")),
        NotFound::CandidateNow(tag) => none(format!("there is no candidate {tag}")),
        NotFound::CandidateFor { environment, barred } => {
            none(format!("there is no candidate to deploy to {environment}")).hint(if barred {
                "all of them are blocked or were rolled back there: rel list"
            } else {
                "make one: rel cut"
            })
        }
        NotFound::Release(release) => none(format!("there is no release {release}")).hint("rel list"),
        NotFound::AnyRelease => none("there is no release to pick onto".to_owned()).hint("open one: rel cut"),
        NotFound::Commit(text) => none(format!("there is no commit {text} in this clone"))
            .hint("git fetch, if it was made elsewhere"),
        NotFound::CommitIn(rev) => none(format!("there is no commit in {rev}")).hint(RANGE),
        NotFound::Anything(text) => {
            none(format!("there is no candidate, tag or commit {text} in this clone"))
                .hint("git fetch --tags, if it was made elsewhere")
        }
        NotFound::Revision { text, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            none(format!("there is no revision {text}"))
                .hint(nearest(&text, &known))
                .hint("git fetch, if it was made elsewhere")
        }
        NotFound::CommitCalled { rev, kind } => {
            none(format!("{rev:?} is a {kind}, not a commit")).hint("name a commit, a branch or a tag")
        }
        NotFound::LiveNow(text) => none(format!("nothing is live on {text}")).hint(format!("rel log {text}")),
        NotFound::Live { environment, ago } => {
            let when = match ago {
                Some(number) if number > 0 => format!("{number} deployments ago"),
                _ => "now".to_owned(),
            };
            none(format!("nothing was live on {environment} {when}")).hint(format!("rel log {environment}"))
        }
        NotFound::LiveAt { environment, at, first } => {
            let utc = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
            none(format!("nothing was live on {environment} at {}", utc(at)))
                .hint(match first {
                    Some((tag, end)) => format!("the first there was {tag}, from {} on", utc(end)),
                    None => "nothing ever was".to_owned(),
                })
                .hint(format!("rel log {environment}"))
        }
    }
}

fn overtaken(moved: Moved) -> Failure {
    let failure = |message: String| Failure::new(Kind::Moved, message);
    match moved {
        Moved::Meanwhile => failure("somebody changed it meanwhile: rel fsck looks again".to_owned()),
        Moved::Offline { environment, tag } => failure(format!("{environment} moved meanwhile; nothing ran"))
            .reason("moved", format!("{tag} was deployed there from this clone, offline"))
            .hint("try again"),
        Moved::Always { what, tries } => failure(match what {
            Contested::Candidates => {
                format!("the candidates' chain moved {tries} times; nothing was built")
            }
            Contested::Environment(name) => format!("{name} moved {tries} times; nothing ran"),
            Contested::Chain(name) => format!("{name} moved {tries} times while this was being recorded"),
        })
        .hint("try again"),
        Moved::Conflicting { parent, source, paths } => paths.into_iter().fold(
            failure(format!("{parent} was made meanwhile, and {} conflicts with it", source.short()))
                .hint("the same command again plans anew"),
            |failure, path| failure.reason("conflict", path),
        ),
        Moved::Environment(name) => failure(format!("{name} moved; nothing ran")),
        Moved::CandidatesBeside(name) => {
            failure(format!("the candidates moved while {name} was being recorded")).hint("try again")
        }
        Moved::Reservation => failure("the candidates' chain keeps moving".to_owned()),
        Moved::Overtaken { environment, why } => {
            failure(format!("{environment} moved while this rollback was planned; nothing ran"))
                .reason("moved", run::overtaken(why))
                .hint(format!("look again: rel status {environment}"))
        }
    }
}

fn not_stopped(what: NotStopped) -> Failure {
    match what {
        NotStopped::Stuck(work) => Failure::failed(format!("{work}, could not be ended"))
            .reason("stop", "it is another user's, or hangs in the kernel")
            .hint(format!("look at it: ps -fp {}", work.pid)),
        NotStopped::Unknown { subject, why } => {
            Failure::failed(format!("{subject} is in the hands of a rel that was not stopped"))
                .reason(
                    "stop",
                    match why {
                        Unknown::Process => "the journal does not say which process it is",
                        Unknown::Machine => "it runs on another machine",
                    },
                )
                .hint("end it where it runs: Ctrl-C, or kill -TERM PID")
        }
        NotStopped::Held(subject) => {
            Failure::failed(format!("{subject} is in the hands of another rel, which does not end"))
                .hint("try again: rel sync --stop")
        }
        NotStopped::Group { subject, pid } => {
            Failure::failed(format!("{subject} is still at work: process group {pid} could not be ended"))
                .reason("stop", "some of it is another user's, or hangs in the kernel")
                .hint(format!("look at it: pgrep -a -g {pid}"))
                .hint("once it is gone: rel sync")
        }
        NotStopped::Unproven { subject, pid } => {
            Failure::failed(format!("{subject} may still be at work, and was not stopped"))
                .reason(
                    "stop",
                    format!("process group {pid} has its number, and nothing proves it to be the same"),
                )
                .hint(format!("look at it: pgrep -a -g {pid}"))
                .hint(format!("if it is what {subject} started: kill -TERM -- -{pid}"))
                .hint("once it is gone: rel sync")
        }
    }
}

fn misused(misuse: Misuse) -> Failure {
    let usage = |message: String| Failure::new(Kind::Usage, message);
    match misuse {
        Misuse::OfflineReason { verb, environment } => {
            usage(format!("an offline {verb} needs a reason; nothing changed"))
                .reason(
                    "offline",
                    "it claims nothing, so that nobody else is kept out, and the record says why",
                )
                .hint(format!("rel {verb} {environment} --offline --reason WHY"))
                .hint("or ask the remote: without --offline")
        }
        Misuse::Path(why) => usage(format!("--path: {why}"))
            .hint("it takes what .gitignore takes: --path 'src/' --path '*.md'"),
        Misuse::Version(why) => usage(why.to_string()).hint("what there is: rel list"),
        Misuse::BothSides(rev) => {
            usage(format!("{rev} names both sides; which commits are meant?")).hint(RANGE)
        }
        Misuse::TakenOver(gate) => usage(format!("{gate} is not overridden but taken over"))
            .hint("--take-over N --reason WHY, with N from: rel status ENV"),
        Misuse::NothingToPass(what) => {
            let what = match what {
                Unjudged::End => "how a start ended",
                Unjudged::Failure => "a failure",
                Unjudged::LiveBaseline => "a baseline that is there",
            };
            usage(format!("no gate is asked of {what}: there is nothing to pass"))
                .hint("the same without --override")
        }
        Misuse::Time { text, environment, why } => usage(format!("{text} names no time: {why}"))
            .hint(format!(
                "{environment}@{{1}} is one deployment ago, {environment}@{{2026-11-01}} the end of a day"
            ))
            .hint(format!("what was live there: rel log {environment}")),
    }
}

/// What a file says of a key, and where.
fn stated(file: &str, key: &str, what: &Stated) -> String {
    match what.line {
        Some(line) => format!("{file}:{line} has {key} = {:?}", what.value),
        None => format!("{file} has no {key}, which is {key} = {:?}", what.value),
    }
}

fn policy(fault: PolicyFault) -> Failure {
    let config = |message: String| Failure::new(Kind::Config, message);
    match fault {
        PolicyFault::Unreadable { file, named, cause } => config(format!("{file} cannot be read"))
            .hint(if named {
                "name a file that is there, or leave --config and REL_CONFIG out"
            } else {
                "it has to be a file of UTF-8 text: git diff release.toml shows what changed"
            })
            .because(cause),
        PolicyFault::Missing { unborn } => {
            let failure = config("there is no release.toml in this repository".to_owned());
            if unborn {
                failure.hint("the repository is empty: commit something, then: rel init")
            } else {
                failure.hint("write one: rel init").hint("or see how it goes first: rel demo")
            }
        }
        PolicyFault::NotOnTrunk { tip, trunk } => {
            config(format!("trunk has no release.toml at {}", tip.short()))
                .hint(format!("commit and push it to {trunk}, or pass one with --config"))
        }
        PolicyFault::Differs(disagreement) => {
            let Disagreement { here, there, differences, origin, trunk, tip, remote } = *disagreement;
            let keys: Vec<&str> = differences.iter().map(|difference| difference.key).collect();
            let keys = keys.join(" and ");
            let message = format!("{here} and trunk's own release.toml have another {keys}; nothing changed");
            let failure = differences.iter().fold(Failure::new(Kind::Refused, message), |failure, one| {
                failure
                    .reason(one.key, stated(&here, one.key, &one.here))
                    .reason(one.key, stated(&there, one.key, &one.there))
            });
            let failure = failure.hint(match origin {
                Origin::Named => "go by trunk's: leave --config and REL_CONFIG out".to_owned(),
                Origin::WorkTree => format!("go by trunk's: git checkout {} -- release.toml", tip.short()),
                Origin::Commit => format!("go by trunk's: git switch --detach {}", tip.short()),
            });
            let moved = differences.iter().find(|difference| difference.key == "trunk");
            let trunk = moved.map_or(trunk.as_str(), |moved| moved.there.value.as_str());
            let published = if remote.is_some() { ", and push it" } else { "" };
            failure.hint(format!("or change it for everybody: commit it to {trunk}{published}"))
        }
        PolicyFault::OtherAuthority { remote, file, line } => {
            let message =
                "this clone holds what another repository decided, and is to decide itself; nothing changed";
            let stated_here = Stated { value: String::new(), line };
            Failure::new(Kind::Refused, message)
                .reason("remote", stated(&file, "remote", &stated_here))
                .reason("remote", format!("this clone has its history from {remote}, which others follow"))
                .hint(format!("go on with {remote}: take remote = \"\" out of {file}"))
                .hint(format!("or let this clone go its own way, for good: git remote remove {remote}"))
        }
        PolicyFault::OtherTrunk { trunk, here, file, line, remote } => {
            let stated_here = Stated { value: here.clone(), line };
            let tip = remote.as_ref().map_or_else(|| trunk.clone(), |remote| format!("{remote}/{trunk}"));
            let published = if remote.is_some() { ", and push it" } else { "" };
            Failure::new(
                Kind::Refused,
                format!("releases are cut from {trunk}, not from {here}; nothing changed"),
            )
            .reason("trunk", stated(&file, "trunk", &stated_here))
            .reason(
                "trunk",
                format!("every candidate was cut from {trunk}, whose release.toml does not name {here}"),
            )
            .hint(format!("go by trunk's: git checkout {tip} -- release.toml"))
            .hint(format!("or move trunk: commit trunk = {here:?} to {trunk}'s release.toml{published}"))
        }
        PolicyFault::Paths(why) => config(format!("project.paths: {why}")),
        PolicyFault::TagStyle(why) => config(why),
        PolicyFault::Unsupported { key, text } => Failure::new(
            Kind::Refused,
            "release.toml asks for what this version of rel cannot do; nothing changed",
        )
        .reason(key, text)
        .hint("take it out of release.toml on trunk, or update rel"),
    }
}

fn tag_fault(why: TagFault) -> String {
    match why {
        TagFault::PointsTo(held) => format!("it points to {held}"),
        TagFault::Gone => "it is gone".to_owned(),
        TagFault::ObjectMissing => "its object is missing here".to_owned(),
        TagFault::NotACandidate(not) => not.to_string(),
        TagFault::Contradicts => "its record contradicts the chain".to_owned(),
    }
}
