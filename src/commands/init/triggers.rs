//! Which automation of a repository would react to the tags that `rel` makes.
//!
//! Reads the files of well-known CI systems as lines, well enough for a
//! warning. It is no YAML parser: what it does not understand it passes over,
//! and what it cannot decide counts as reacting.

use std::collections::BTreeSet;
use std::path::Path;

/// Larger files are nobody's hand-written CI.
const MAX_SIZE: u64 = 1024 * 1024;

/// What is said of a pipeline that names tags.
const STEPS: &str = "has steps for tags";

/// An automation that reacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its file, relative to the repository.
    pub file: String,
    /// The line that says so, from 1.
    pub line: usize,
    /// What the line says, in words.
    pub what: String,
    /// Which of the samples it reacts to.
    pub reacts: [bool; 2],
}

/// Folders whose files are each a workflow in GitHub's notation.
const WORKFLOWS: [&str; 3] = [".github/workflows", ".forgejo/workflows", ".gitea/workflows"];

/// Files, and folders of files, of other systems, and the words by which a line of theirs, in small
/// letters, speaks of tags.
const OTHERS: [(&str, &[&str]); 15] = [
    (".circleci/config.yml", &["tags:"]),
    ("azure-pipelines.yml", &["tags:"]),
    (".azure-pipelines", &["tags:"]),
    ("bitbucket-pipelines.yml", &["tags:"]),
    (".woodpecker.yml", EVENTS),
    (".woodpecker.yaml", EVENTS),
    (".woodpecker", EVENTS),
    (".drone.yml", EVENTS),
    (".travis.yml", &["tags: true", "tag is present", "tag =~", "travis_tag"]),
    ("appveyor.yml", &["appveyor_repo_tag"]),
    (".appveyor.yml", &["appveyor_repo_tag"]),
    (".cirrus.yml", &["cirrus_tag", "$cirrus_release"]),
    (".buildkite", &["build.tag", "buildkite_tag"]),
    ("Jenkinsfile", &["buildingtag()", "tag_name"]),
    (".semaphore", &["tag =~", "tag =", "semaphore_git_tag_name"]),
];
/// The words of the systems that have events.
const EVENTS: &[&str] = &["refs/tags/", "event: tag", "- tag", "[tag", ", tag"];

/// What reacts in the repository at `top` to tags like these two. Files that
/// cannot be read count as absent.
pub fn find(top: &Path, samples: [&str; 2]) -> Vec<Trigger> {
    let mut found = Vec::new();
    for folder in WORKFLOWS {
        for file in pipelines(top, folder) {
            let on = read(top, &file).and_then(|text| github(&text, samples));
            found.extend(on.map(|(line, what, reacts)| Trigger { file, line, what, reacts }));
        }
    }
    let mut others = |file: String, line: Option<(usize, &str)>| {
        let tells = line.map(|(line, what)| (line, what.to_owned()));
        found.extend(tells.map(|(line, what)| Trigger { file, line, what, reacts: [true; 2] }));
    };
    let gitlab_file = ".gitlab-ci.yml".to_owned();
    let told = read(top, &gitlab_file).and_then(|text| gitlab(&text));
    others(gitlab_file, told);
    for (place, words) in OTHERS {
        let files = if top.join(place).is_dir() { pipelines(top, place) } else { vec![place.to_owned()] };
        for file in files {
            let told = read(top, &file).and_then(|text| mentions(&text, words));
            others(file, told);
        }
    }
    found
}

/// The files of YAML in a folder, by name.
fn pipelines(top: &Path, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(top.join(folder))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    names
}

/// The text of a file below `top`; none where it cannot be read, or is larger
/// than what people write.
pub fn read(top: &Path, file: &str) -> Option<String> {
    let path = top.join(file);
    let small = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_SIZE);
    small
        .then(|| std::fs::read(&path).ok())
        .flatten()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A line of YAML, as far as anybody here asks.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    /// Without indentation, comment and trailing blanks; never empty.
    text: &'a str,
}

impl<'a> Line<'a> {
    /// `key: value`, the key without quotes.
    fn pair(&self) -> Option<(&'a str, &'a str)> {
        let (key, value) = self.text.split_once(':')?;
        (value.is_empty() || value.starts_with(' ')).then(|| (unquoted(key), value.trim()))
    }

    fn is_key(&self, name: &str) -> bool {
        self.pair().is_some_and(|(key, _)| key == name)
    }

    /// `- item`, without quotes.
    fn item(&self) -> Option<&'a str> {
        self.text.strip_prefix('-').filter(|rest| rest.starts_with(' ')).map(unquoted)
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn lines(text: &str) -> Vec<Line<'_>> {
    text.lines()
        .enumerate()
        .filter_map(|(n, raw)| {
            let body = raw.trim_start_matches(' ');
            let comment = if body.starts_with('#') { Some(0) } else { body.find(" #") };
            let text = body[..comment.unwrap_or(body.len())].trim_end();
            (!text.is_empty()).then_some(Line { number: n + 1, indent: raw.len() - body.len(), text })
        })
        .collect()
}

/// What belongs to the line at `at`: what is indented deeper, and list items
/// that YAML allows at the same depth.
fn block<'a, 'b>(lines: &'b [Line<'a>], at: usize) -> &'b [Line<'a>] {
    let Some(head) = lines.get(at) else { return &[] };
    let rest = &lines[at + 1..];
    let belongs =
        |line: &&Line<'_>| line.indent > head.indent || (line.indent == head.indent && line.item().is_some());
    &rest[..rest.iter().take_while(belongs).count()]
}

/// The items of `key: [a, b]`, or of the list below `key:`.
fn list<'a>(lines: &[Line<'a>], at: usize) -> Vec<&'a str> {
    let value = lines.get(at).and_then(Line::pair).map_or("", |(_, value)| value);
    if value.is_empty() {
        return block(lines, at).iter().filter_map(Line::item).collect();
    }
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
    inner.split(',').map(unquoted).filter(|item| !item.is_empty()).collect()
}

/// The trigger of a GitHub workflow, after its documentation of `on`.
fn github(text: &str, samples: [&str; 2]) -> Option<(usize, String, [bool; 2])> {
    let lines = lines(text);
    let at = lines.iter().position(|line| line.indent == 0 && line.is_key("on"))?;
    let every = |line: usize| Some((line, "runs on every push, tags too".to_owned(), [true; 2]));
    let events = list(&lines, at);
    if events.contains(&"push") || events.contains(&"create") {
        return every(lines[at].number);
    }
    let on = block(&lines, at);
    let depth = on.first()?.indent;
    let event = |name: &str| on.iter().position(|line| line.indent == depth && line.is_key(name));
    if let Some(create) = event("create") {
        return every(on[create].number);
    }
    let push = event("push")?;
    let filters = block(on, push);
    let filter = |name: &str| filters.iter().position(|line| line.is_key(name));
    for (key, ignores, words) in [("tags", false, "tags"), ("tags-ignore", true, "tags other than")] {
        if let Some(at) = filter(key) {
            let patterns = list(filters, at);
            let reacts = samples.map(|sample| passes(&patterns, sample) != ignores);
            let what = format!("runs on {words} {}", patterns.join(", "));
            return reacts.contains(&true).then(|| (filters[at].number, what, reacts));
        }
    }
    // With a filter for branches only, tags do not count.
    if filter("branches").is_some() || filter("branches-ignore").is_some() {
        return None;
    }
    every(on[push].number)
}

/// Whether a list of GitHub's filter patterns lets a name pass: the last one
/// that fits decides, and one with `!` takes away.
fn passes(patterns: &[&str], name: &str) -> bool {
    patterns.iter().fold(false, |passed, pattern| match pattern.strip_prefix('!') {
        Some(pattern) => passed && !fits(pattern, name),
        None => passed || fits(pattern, name),
    })
}

/// Whether a filter pattern fits: `*` stands for anything but `/`, `**` for
/// anything, `[…]` for one of these, and `?` and `+` say how often what is
/// before them may come.
fn fits(mut pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Where in the name everything so far may have ended.
    let mut ends = BTreeSet::from([0]);
    while let Some(first) = pattern.chars().next() {
        let length = match first {
            '*' if pattern.starts_with("**") => 2,
            '[' => pattern.find(']').map_or(pattern.len(), |at| at + 1),
            '\\' => 1 + pattern[1..].chars().next().map_or(0, char::len_utf8),
            literal => literal.len_utf8(),
        };
        let (atom, rest) = pattern.split_at(length);
        let (least, most, used) = match rest.chars().next() {
            _ if first == '*' => (0, usize::MAX, 0),
            Some('+') => (1, usize::MAX, 1),
            Some('?') => (0, 1, 1),
            _ => (1, 1, 0),
        };
        let run = |end: usize| name[end..].iter().take(most).take_while(|c| accepts(atom, **c)).count();
        ends = ends.into_iter().flat_map(|end| end + least..=end + run(end)).collect();
        pattern = &rest[used..];
    }
    ends.contains(&name.len())
}

/// Whether a part of a pattern stands for a character; a class is `[a-z0-9]`.
fn accepts(atom: &str, c: char) -> bool {
    match atom {
        "*" => c != '/',
        "**" => true,
        _ if atom.starts_with('[') => {
            let class: Vec<char> = atom.trim_matches(['[', ']']).chars().collect();
            class.contains(&c)
                || class.windows(3).any(|range| range[1] == '-' && (range[0]..=range[2]).contains(&c))
        }
        literal => literal.ends_with(c),
    }
}

/// The first line of a GitLab pipeline that speaks of tags: rules on
/// `CI_COMMIT_TAG`, or `only: tags`. Where there is none, the first job that
/// has no rules at all: GitLab runs it for tags as well.
fn gitlab(text: &str) -> Option<(usize, &'static str)> {
    let lines = lines(text);
    let only_tags = |at: usize| {
        let inside = block(&lines, at);
        let refs = inside.iter().position(|line| line.is_key("refs"));
        list(&lines, at).contains(&"tags") || refs.is_some_and(|refs| list(inside, refs).contains(&"tags"))
    };
    let told = (0..lines.len())
        .find(|&at| lines[at].text.contains("CI_COMMIT_TAG") || (lines[at].is_key("only") && only_tags(at)));
    if let Some(at) = told {
        return Some((lines[at].number, STEPS));
    }
    let top = |line: &Line<'_>| line.indent == 0;
    if lines.iter().any(|line| top(line) && (line.is_key("workflow") || line.is_key("include"))) {
        return None;
    }
    let job = (0..lines.len()).find(|&at| {
        let inside = block(&lines, at);
        let depth = inside.first().map_or(0, |line| line.indent);
        let has = |key: &str| inside.iter().any(|line| line.indent == depth && line.is_key(key));
        top(&lines[at])
            && !lines[at].text.starts_with('.')
            && has("script")
            && !["rules", "only", "except", "extends", "<<"].iter().any(|key| has(key))
    })?;
    Some((lines[job].number, "has a job without rules, which runs for tags too"))
}

/// The first line that holds one of these words, in any case.
fn mentions(text: &str, words: &[&str]) -> Option<(usize, &'static str)> {
    let lines = lines(text);
    let line = lines.iter().find(|line| {
        let text = line.text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    })?;
    Some((line.number, STEPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [&str; 2] = ["v1.2.0-rc.1", "v1.2.0"];

    fn on(text: &str) -> Option<(usize, [bool; 2])> {
        github(text, SAMPLES).map(|(line, _, reacts)| (line, reacts))
    }

    #[test]
    fn patterns_fit_as_github_documents_them() {
        for (pattern, name, fit) in [
            ("v*", "v1.2.0-rc.1", true),
            ("v[0-9]+.[0-9]+.[0-9]+", "v1.2.0", true),
            ("v[0-9]+.[0-9]+.[0-9]+", "v1.2.0-rc.1", false),
            ("v1.?2.0", "v12.0", true),
            ("*", "shop/v1", false),
            ("**", "shop/v1", true),
            ("docs-*", "v1.2.0", false),
            ("v1.2.0", "v1.2.0", true),
            ("", "v1", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
        assert!(!passes(&["v*", "!*-rc*"], SAMPLES[0]));
        assert!(passes(&["v*", "!*-rc*"], SAMPLES[1]));
    }

    #[test]
    fn a_workflow_reacts_where_github_says_so() {
        assert_eq!(on("name: x\non: push\njobs:\n"), Some((2, [true; 2])));
        assert_eq!(on("on: [pull_request, push]\n"), Some((1, [true; 2])));
        assert_eq!(on("on:\n- push\n"), Some((1, [true; 2])));
        assert_eq!(
            on("\"on\":\n  push: # all\n  pull_request:\n    branches: [main]\n"),
            Some((2, [true; 2]))
        );
        assert_eq!(on("on:\n  push:\n    branches: [main]\n"), None);
        assert_eq!(on("on:\n  push:\n    branches: [main]\n    tags:\n      - 'v*'\n"), Some((4, [true; 2])));
        assert_eq!(on("on:\n  push:\n    tags: ['v*', '!v*-*']\n"), Some((3, [false, true])));
        assert_eq!(on("on:\n  push:\n    tags: [docs-*]\n"), None);
        assert_eq!(on("on:\n  push:\n    tags-ignore: ['*-rc.*']\n"), Some((3, [false, true])));
        assert_eq!(on("on:\n  pull_request:\n    types: [push]\njobs:\n  push:\n"), None);
        assert_eq!(on("on: workflow_dispatch\n"), None);
        assert_eq!(on(""), None);
    }

    #[test]
    fn pipelines_of_others_are_known_by_their_words() {
        for (file, text, at) in [
            (".gitlab-ci.yml", "a:\n  only:\n    - tags\n", Some(2)),
            (".gitlab-ci.yml", "a:\n  only:\n    refs: [tags, main]\n", Some(2)),
            (".gitlab-ci.yml", "a:\n  rules:\n    - if: $CI_COMMIT_TAG\n", Some(3)),
            (".gitlab-ci.yml", "a:\n  only: [main]\n  tags:\n    - docker\n", None),
            (".circleci/config.yml", "x:\n  tags:\n    only: /^v/\n", Some(2)),
            (".woodpecker.yml", "when:\n  event: [push, tag]\n", Some(2)),
            (".woodpecker.yml", "when:\n  - event: tag\n", Some(2)),
            (".woodpecker.yml", "when:\n  event: push\nsettings:\n  tags: latest\n", None),
            (".drone.yml", "trigger:\n  ref:\n  - refs/tags/v*\n", Some(3)),
            (".travis.yml", "deploy:\n  on:\n    tags: true\n", Some(3)),
            (".travis.yml", "if: tag IS present\n", Some(1)),
            (".travis.yml", "script: make\n", None),
            ("appveyor.yml", "deploy:\n  on:\n    APPVEYOR_REPO_TAG: true\n", Some(3)),
            (".cirrus.yml", "task:\n  only_if: $CIRRUS_TAG != ''\n", Some(2)),
            ("Jenkinsfile", "when { buildingTag() }\n", Some(1)),
            (".semaphore/semaphore.yml", "when: \"tag =~ '^v'\"\n", Some(1)),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            let found = find(dir.path(), SAMPLES);
            assert_eq!(found.first().map(|trigger| trigger.line), at, "{file}: {text}");
        }
    }

    #[test]
    fn a_gitlab_job_without_rules_runs_for_tags() {
        let free = "test:\n  script: make test\n";
        assert_eq!(gitlab(free).map(|(line, _)| line), Some(1));
        assert_eq!(gitlab("stages: [a]\n.base:\n  script: x\ntest:\n  script: x\n").unwrap().0, 4);
        for text in [
            format!("workflow:\n  rules:\n    - if: $CI_COMMIT_BRANCH\n{free}"),
            format!("{free}  rules:\n    - if: $CI_COMMIT_BRANCH\n"),
            format!("{free}  only: [main]\n"),
            format!("{free}  extends: .base\n"),
        ] {
            assert_eq!(gitlab(&text), None, "{text}");
        }
    }

    #[test]
    fn files_are_found_and_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(".github/workflows")).unwrap();
        std::fs::write(dir.path().join(".github/workflows/b.yaml"), "on:\n  push:\n    tags: [v1.*]\n")
            .unwrap();
        std::fs::write(dir.path().join(".github/workflows/a.txt"), "on: push\n").unwrap();
        std::fs::write(dir.path().join(".gitlab-ci.yml"), "a:\n  only: [tags]\n").unwrap();
        for folder in [".forgejo/workflows", ".buildkite"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        std::fs::write(dir.path().join(".forgejo/workflows/c.yml"), "on: push\n").unwrap();
        std::fs::write(dir.path().join(".buildkite/pipeline.yml"), "steps:\n- if: build.tag\n").unwrap();
        let found: Vec<String> =
            find(dir.path(), SAMPLES).iter().map(|t| format!("{}:{} {}", t.file, t.line, t.what)).collect();
        assert_eq!(
            found,
            [
                ".github/workflows/b.yaml:3 runs on tags v1.*",
                ".forgejo/workflows/c.yml:1 runs on every push, tags too",
                ".gitlab-ci.yml:2 has steps for tags",
                ".buildkite/pipeline.yml:2 has steps for tags",
            ]
        );
    }
}
