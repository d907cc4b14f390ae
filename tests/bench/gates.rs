//! What judging the gates costs: the same question under a policy that asks
//! for nothing and under one that asks for all that can be asked at once.
//!
//! Processor time and not the clock is taken, and the least of it: what else a
//! machine does only ever adds. `signoff` is left out, as it reads the range of
//! commits that the plan shows and the limit does not count.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::records::RELEASE_TOML;
use crate::rows::Spots;

/// The most that all gates may cost, in milliseconds.
pub const LIMIT: f64 = 5.0;

/// What stands in the policy of prod.
const PROD: &str = "[environments.prod]\nafter = [\"staging\"]\nsoak = \"30m\"\n";

/// Nothing but the order, without which another candidate would be looked at.
const FEW: &str = "[environments.prod]\nafter = [\"staging\"]\nlost_fix = \"off\"\n";

/// All of them; some refuse, so that there is something to say.
const ALL: &str = r#"[environments.prod]
after = ["staging"]
soak = "30m"
approvals = 1
deployers = ["kim@example.com"]
freeze = [
  { from = "2020-12-20T18:00", to = "2120-01-03T08:00", tz = "Europe/Paris", reason = "for long" },
  { days = ["fri"], from = "16:00", to = "24:00", tz = "Europe/Paris" },
]
"#;

/// How often each policy is asked.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// Times that the policies take turns.
    pub turns: usize,
    /// Runs in a turn that count, after one that does not.
    pub runs: usize,
}

/// What was found out.
pub struct Judged {
    /// Milliseconds of a processor under the policy that asks for nothing.
    pub few: f64,
    /// The same where it asks for all.
    pub all: f64,
}

/// Takes the time of both in a clone, which is left as it was.
///
/// # Errors
/// What `rel` says of the gates is not what the policy asks.
pub fn judge(spots: &Spots<'_>, rounds: Rounds) -> Result<Judged, String> {
    let origin = spots.around.at("origin.git");
    let base = spots.around.ask_git(&origin, &["rev-parse", "refs/heads/main"]);
    let policies = [(FEW, [].as_slice()), (ALL, ["approvals", "deployers", "freeze"].as_slice())]
        .map(|(prod, refuse)| (policy(spots, &base, prod), refuse));
    let mut least = [f64::INFINITY; 2];
    let mut taken = Ok(());
    for _ in 0..rounds.turns {
        for ((commit, refuse), least) in policies.iter().zip(&mut least) {
            spots.git(&["update-ref", TRUNK, commit]);
            taken = taken.and_then(|()| refused_by(spots, refuse));
            for _ in 0..rounds.runs {
                *least = least.min(processor(spots));
            }
        }
    }
    spots.git(&["update-ref", TRUNK, &base]);
    taken.map(|()| Judged { few: least[0], all: least[1] })
}

const TRUNK: &str = "refs/remotes/origin/main";

/// A commit on top of trunk with another policy for prod.
fn policy(spots: &Spots<'_>, base: &str, prod: &str) -> String {
    assert!(RELEASE_TOML.contains(PROD), "the policy is another");
    let text = RELEASE_TOML.replace(PROD, prod);
    let index = spots.around.at("index");
    let git = |words: &[&str], stdin: &str| {
        let mut command = spots.around.git(&spots.clone, words);
        command.env("GIT_INDEX_FILE", &index);
        crate::surroundings::fed(command, stdin)
    };
    let blob = git(&["hash-object", "-w", "--stdin"], &text);
    git(&["read-tree", base], "");
    git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},release.toml")], "");
    let tree = git(&["write-tree"], "");
    git(&["commit-tree", "-p", base, "-m", "chore: another policy", &tree], "")
}

/// Asks once, which also brings up to date what is kept beside the clone.
fn refused_by(spots: &Spots<'_>, wanted: &[&str]) -> Result<(), String> {
    let document = spots.document(&["status", "prod"]);
    let gates = document["environments"][0]["next"]["gates"].as_array().cloned().unwrap_or_default();
    let found: BTreeSet<&str> = gates.iter().filter_map(|gate| gate["gate"].as_str()).collect();
    if found == wanted.iter().copied().collect() {
        Ok(())
    } else {
        Err(format!("refused by {found:?}, not by {wanted:?}"))
    }
}

/// What one run takes of a processor, in milliseconds.
fn processor(spots: &Spots<'_>) -> f64 {
    let before = spent();
    let mut command = spots.around.rel(&spots.clone, &["status", "prod", "--offline"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("rel starts").success(), "rel status prod failed");
    (spent() - before).as_secs_f64() * 1000.0
}

/// What all children that have ended took of a processor.
fn spent() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("every process has children's usage");
    let time = |time: TimeVal| Duration::new(time.tv_sec().unsigned_abs(), time.tv_usec() as u32 * 1000);
    time(usage.user_time()) + time(usage.system_time())
}
