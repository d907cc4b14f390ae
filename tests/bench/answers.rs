//! Whether what is timed is right: every answer against plain git's.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::Value;

use crate::rows::Spots;
use crate::surroundings::say;

/// A check that was made: what of, and what is wrong if anything is.
pub struct Checked {
    /// What was checked.
    pub name: &'static str,
    /// What is wrong.
    pub wrong: Option<String>,
}

/// A question put to both; what differs, if anything does.
type Check = fn(&Spots<'_>) -> Result<(), String>;

/// Puts the questions to both that can be put anywhere, and compares.
pub fn check(spots: &Spots<'_>) -> Vec<Checked> {
    let checks: [(&str, Check); 4] = [
        ("status counts what rev-list counts", status),
        ("where finds the candidates that tag --contains finds", where_),
        ("list has the tags that for-each-ref has", list),
        ("log has the deployments that git log has", log),
    ];
    checks.map(|(name, check)| Checked { name, wrong: check(spots).err() }).into()
}

/// The same where `rel` has made the candidates and the releases.
pub fn check_own(spots: &Spots<'_>) -> Vec<Checked> {
    let checks: [(&str, Check); 3] = [
        ("a cut of an old commit of trunk is planned", on_trunk),
        ("a cut of a commit beside trunk is refused", beside_trunk),
        ("changelog has the commits that git log has", changelog),
    ];
    checks.map(|(name, check)| Checked { name, wrong: check(spots).err() }).into()
}

fn status(spots: &Spots<'_>) -> Result<(), String> {
    let document = spots.document(&["status"]);
    let counted = spots.live.iter().map(|(name, commit)| {
        let count = spots.git(&["rev-list", "--count", &format!("{commit}..{}", spots.trunk)]);
        (name.as_str(), count.parse().ok())
    });
    let said = each(&document["environments"]).map(|one| (text(&one["name"]), one["pending"].as_u64()));
    same(&said.collect::<Vec<_>>(), &counted.collect::<Vec<_>>())
}

fn where_(spots: &Spots<'_>) -> Result<(), String> {
    let document = spots.document(&["where", &spots.third]);
    let candidates = each(&document["candidates"]).filter(|one| one["via"] == "ancestor");
    let said: BTreeSet<&str> = candidates.map(|one| text(&one["tag"])).filter(|tag| is_rc(tag)).collect();
    let tags = spots.git(&["tag", "--contains", &spots.third]);
    same(&said, &tags.lines().filter(|tag| is_rc(tag)).collect())
}

fn list(spots: &Spots<'_>) -> Result<(), String> {
    let document = spots.document(&["list"]);
    let candidates = each(&document["releases"]).flat_map(|release| each(&release["candidates"]));
    let said: BTreeSet<String> =
        candidates.map(|one| format!("{} {}", text(&one["tag"]), text(&one["commit"]))).collect();
    let tags = spots.git(&["for-each-ref", "--format=%(refname:short) %(*objectname)", "refs/tags"]);
    same(&said, &tags.lines().filter(|line| is_rc(line)).map(str::to_owned).collect())
}

fn on_trunk(spots: &Spots<'_>) -> Result<(), String> {
    let document = spots.document(&["cut", &spots.deep(), "--dry-run"]);
    // The commit has no candidate yet, or the trunk check would not have been made for one.
    same(&text(&document["plan"]["commit"]), &spots.deep().as_str())
}

fn beside_trunk(spots: &Spots<'_>) -> Result<(), String> {
    let tags = spots.git(&["tag", "--list", "v*-rc.*", "--no-merged", spots.trunk]);
    let picked = tags.lines().next().ok_or("no candidate was picked")?;
    let said = say(spots.around.rel(&spots.clone, &["cut", picked, "--dry-run", "--offline"]));
    same(&said.code, &Some(4))
}

fn log(spots: &Spots<'_>) -> Result<(), String> {
    let environment = &spots.live.last().expect("there are environments").0;
    let document = spots.document(&["log", environment]);
    let said: Vec<&str> = each(&document["deployments"]).map(|one| text(&one["id"])).collect();
    let subjects = spots.git(&["log", "--format=%s", &spots.chain(environment)]);
    let claims = subjects.lines().filter_map(|subject| subject.split_once(" deploy ")).map(|claim| claim.0);
    same(&said, &claims.take(said.len().max(1)).collect())
}

fn changelog(spots: &Spots<'_>) -> Result<(), String> {
    let (newest, released) = (spots.newest(), spots.released());
    let document = spots.document(&["changelog", &newest]);
    let range = format!("{released}..{newest}");
    let commits = spots.git(&["rev-list", "--no-merges", &range]);
    let mut said = BTreeSet::new();
    commits_in(&document, &mut said);
    // What the release before has in another form is no news.
    let behind = spots.git(&["rev-list", &format!("{newest}..{released}")]);
    let behind: BTreeSet<&str> = behind.lines().collect();
    let texts = spots.git(&["for-each-ref", "--format=%(contents)", "refs/tags"]);
    let picks = texts.lines().filter_map(|line| line.strip_prefix("Rel-Picked: ")?.split_once(" as "));
    let known: BTreeSet<&str> =
        picks.filter(|(_, form)| behind.contains(form)).map(|(source, _)| source).collect();
    let missing = commits.lines().filter(|commit| !said.contains(commit) && !known.contains(commit)).count();
    let twice = known.iter().filter(|commit| said.contains(*commit)).count();
    if missing + twice == 0 {
        return Ok(());
    }
    Err(format!("of {} commits {missing} are missing, and {twice} are no news", commits.lines().count()))
}

/// Every commit that a document names, wherever it does.
fn commits_in<'d>(document: &'d Value, found: &mut BTreeSet<&'d str>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| commits_in(item, found)),
        Value::Object(members) => {
            found.extend(members.get("commit").and_then(Value::as_str));
            members.values().for_each(|member| commits_in(member, found));
        }
        _ => {}
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is_rc(text: &str) -> bool {
    text.contains("-rc.")
}

/// Whether both say the same, and something.
fn same<T: PartialEq + Debug>(rel: &T, git: &T) -> Result<(), String> {
    if rel == git {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(300).collect::<String>();
    Err(format!("rel says {}, git says {}", short(rel), short(git)))
}
