//! What a release brings, written by a template: Markdown, unless somebody
//! brings a template that writes something else.
//!
//! Whatever comes from git is data. A template prints it escaped for the
//! language its name says it writes, and cleaned of control characters in all
//! of them; `|safe` is for the template's own words.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{AutoEscape, Environment, State, UndefinedBehavior, context, escape_formatter};

use super::markdown;
use super::text::printable;
use crate::domain::changelog::{ChangeGroup, groups};
use crate::domain::changes::Change;
use crate::domain::host::Host;
use crate::domain::name::Oid;
use crate::domain::report::changelog::ChangelogReport;

/// What the built-in template is called.
const BUILT_IN: &str = "changelog.md.j2";

/// What [`AutoEscape`] calls Markdown.
const MARKDOWN: &str = "markdown";

/// What somebody wrote to replace the built-in template.
#[derive(Debug, Clone)]
pub struct Template {
    /// The file's name: what it writes, by its ending, and for messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Why a template writes nothing.
#[derive(Debug)]
pub struct BadTemplate {
    /// The line it is about, where one is.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

/// A change as a template is given it: what is asked of it is made then, and
/// nothing else.
#[derive(Debug)]
struct Given {
    change: Change,
    host: Arc<Option<Host>>,
}

impl Object for Given {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        let change = &self.change;
        let Change { commit, subject, author, r#type, scope, breaking, .. } = change;
        Some(match name.as_str()? {
            "commit" => Value::from(commit.to_string()),
            "short" => Value::from(commit.short()),
            "subject" => Value::from(subject.as_str()),
            "description" => Value::from(change.description()),
            "type" => Value::from(r#type.clone()),
            "scope" => Value::from(scope.clone()),
            "breaking" => Value::from(*breaking),
            "author" if author.name.is_empty() => Value::from(author.email.as_str()),
            "author" => Value::from(author.name.as_str()),
            "email" => Value::from(author.email.as_str()),
            "date" => Value::from(day(change.committed_at)),
            "picked_from" => Value::from(change.picked_from.last().map(Oid::to_string)),
            "url" => Value::from(self.host.as_ref().as_ref().map(|host| host.commit(*commit))),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&[
            "commit",
            "short",
            "subject",
            "description",
            "type",
            "scope",
            "breaking",
            "author",
            "email",
            "date",
            "picked_from",
            "url",
        ])
    }
}

/// What a template is given.
fn given(changelog: &ChangelogReport) -> Value {
    let host = Arc::new(changelog.host.clone());
    let given =
        |change: &&Change| Value::from_object(Given { change: (*change).clone(), host: Arc::clone(&host) });
    let group = |group: &ChangeGroup<'_>| {
        let changes = group.changes.iter().map(given);
        context! {
            title => group.title.as_str(),
            type => group.r#type.clone(),
            changes => changes.collect::<Vec<_>>(),
        }
    };
    context! {
        tag => changelog.tag.as_str(),
        version => changelog.version.to_string(),
        release => changelog.release.to_string(),
        released => changelog.released,
        date => day(changelog.at),
        since => changelog.since.to_string(),
        groups => groups(&changelog.changes).iter().map(group).collect::<Vec<_>>(),
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// Writes it, by the built-in template where no other is given. One line
/// break at the end.
///
/// # Errors
/// The template cannot be read, or asks for what there is not.
pub fn write(changelog: &ChangelogReport, template: Option<&Template>) -> Result<String, BadTemplate> {
    let (name, text) = template
        .map_or((BUILT_IN, include_str!("changelog.md.j2")), |own| (own.name.as_str(), own.text.as_str()));
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let written =
        environment().render_named_str(name, &text, given(changelog)).map_err(|error| BadTemplate {
            line: error.line(),
            why: match error.detail() {
                Some(detail) => format!("{}: {detail}", error.kind()),
                None => error.kind().to_string(),
            },
        })?;
    // The last gate: what `|safe` let pass has no power either.
    Ok(format!("{}\n", printable(written.trim(), false)))
}

/// Where templates are read: nothing to include, a name that is not given is
/// an error, and lines that hold only a block leave none behind.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the delimiters are the usual ones"),
    );
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(language);
    environment.set_formatter(|out, state, value| match state.auto_escape() {
        AutoEscape::Custom(_) => {
            let text = value.as_str().map_or_else(|| Cow::from(value.to_string()), Cow::from);
            Ok(out.write_str(&if value.is_safe() { text } else { markdown::escape(&text).into() })?)
        }
        _ => escape_formatter(out, state, value),
    });
    environment.add_filter("md", md);
    environment
}

/// The filter `md`: [`markdown::escape`], for templates that do not write
/// Markdown throughout. What it gives is not escaped once more as Markdown,
/// but as HTML it is.
fn md(state: &mut State, text: String) -> Value {
    let escaped = markdown::escape(&text);
    match state.auto_escape() {
        AutoEscape::Html => Value::from(escaped),
        _ => Value::from_safe_string(escaped),
    }
}

/// What a template of this name writes.
fn language(name: &str) -> AutoEscape {
    let name = [".j2", ".jinja2", ".jinja"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html" | "htm" | "xml") => AutoEscape::Html,
        Some("txt") => AutoEscape::None,
        _ => AutoEscape::Custom(MARKDOWN.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::Actor;
    use crate::domain::since::Since;
    use serde_json::json;

    fn change(digit: u8, message: &str) -> Change {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        Change::read(Oid::from_bytes([digit * 0x11; 20]), message, &Actor::new("Ana", "ana@example.com"), at)
    }

    fn changelog(messages: &[&str]) -> ChangelogReport {
        ChangelogReport {
            tag: "v1.6.0-rc.2".parse().unwrap(),
            version: "1.6.0-rc.2".to_owned().try_into().unwrap(),
            release: "1.6.0".parse().unwrap(),
            file: None,
            released: true,
            at: "2026-11-23T14:00:00Z".parse().unwrap(),
            since: Since::Release {
                release: "1.5.0".parse().unwrap(),
                text: "1.5.0".to_owned(),
                commit: Oid::from_bytes([9; Oid::BYTES]),
                candidate: None,
            },
            changes: messages.iter().zip(1..).map(|(message, digit)| change(digit, message)).collect(),
            host: Host::of("git@github.com:shop/shop.git"),
        }
    }

    fn own(name: &str, text: &str) -> Template {
        Template { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_built_in_template_writes_a_section() {
        let mut changelog = changelog(&[
            "fix: mend the door",
            "Say hello",
            "feat(cart)!: drop the v1 API",
            "feat(till): take coins\n\nBREAKING CHANGE: no cards",
            "feat: a window",
            "chore: tidy",
        ]);
        assert_eq!(
            write(&changelog, None).unwrap(),
            "\
## 1.6.0 (2026-11-23)

Changes since 1.5.0.

### Breaking changes

- **cart:** drop the v1 API (3333333)
- **till:** take coins (4444444)

### Features

- a window (5555555)

### Fixes

- mend the door (1111111)

### Other changes

- Say hello (2222222)

### Chores

- tidy (6666666)
"
        );
        changelog.released = false;
        changelog.changes = Vec::new();
        changelog.since = Since::Beginning { newest: Some(200) };
        assert_eq!(
            write(&changelog, None).unwrap(),
            "## 1.6.0 (2026-11-23)\n\nCandidate v1.6.0-rc.2, not released yet. \
             No changes since the beginning (newest 200).\n"
        );
    }

    #[test]
    fn what_git_says_is_data_in_every_language() {
        let odd = changelog(&["feat(<b>*x*): # [a](b) <script> &amp; \u{1b}[31m`c`", ""]);
        let text = write(&odd, None).unwrap();
        assert!(
            text.contains(
                "\n- **&lt;b>\\*x\\*:** \\# \\[a\\](b) &lt;script> &amp;amp; \\u{1b}\\[31m\\`c\\` (1111111)\n"
            ),
            "{text}"
        );
        assert!(text.contains("\n- (no subject) (2222222)\n"), "{text}");
        let all = "{% for g in groups %}{% for c in g.changes %}{{ c.description }}{% endfor %}{% endfor %}";
        let html = write(&odd, Some(&own("x.html.j2", all))).unwrap();
        assert_eq!(html, "# [a](b) &lt;script&gt; &amp;amp; `c`\n");
        assert_eq!(write(&odd, Some(&own("x.txt", all))).unwrap(), "# [a](b) <script> &amp; `c`\n");
        let filtered = all.replace("c.description", "c.description|md");
        assert!(write(&odd, Some(&own("x.txt", &filtered))).unwrap().starts_with("\\# \\[a\\](b) &lt;"));
        let same = write(&odd, Some(&own("x.md", all))).unwrap();
        assert_eq!(write(&odd, Some(&own("x.md", &filtered))).unwrap(), same, "escaped once");
        let safe = all.replace("c.description", "c.description|safe");
        let text = write(&odd, Some(&own("x.md", &safe))).unwrap();
        assert!(text.contains("<script>") && !text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_template_is_given_all_there_is_to_know() {
        let source = "fedcba9876543210fedcba9876543210fedcba98";
        let one = changelog(&[&format!("fix(x)!: a b\n\n(cherry picked from commit {source})")]);
        let text = "{{ tag }} {{ version }} {{ release }} {{ released }} {{ date }} {{ since }}\r\n\
                    {% for g in groups %}{{ g.title }}|{{ g.type }}\r\n\
                    {% for c in g.changes %}{{ c.commit }} {{ c.short }} {{ c.subject }} {{ c.description }} \
                    {{ c.type }} {{ c.scope }} {{ c.breaking }} {{ c.author }} {{ c.email }} {{ c.date }} \
                    {{ c.picked_from }} {{ c.url }}{% endfor %}{% endfor %}";
        assert_eq!(
            write(&one, Some(&own("x", text))).unwrap(),
            format!(
                "v1.6.0-rc.2 1.6.0-rc.2 1.6.0 True 2026-11-23 1.5.0\nBreaking changes|breaking\n\
                 {} 1111111 fix(x)!: a b a b fix x True Ana ana@example.com 2026-11-22 {source} https://github.com/shop/shop/commit/{}\n",
                "1".repeat(40),
                "1".repeat(40)
            )
        );
    }

    #[test]
    fn a_bad_template_is_told_by_its_line() {
        for (text, line, why) in [
            ("a\n{% for %}", Some(2), "syntax error"),
            ("a\nb\n{{ nothing.of_that }}", Some(3), "undefined"),
            ("{{ date|nothing }}", Some(1), "unknown filter"),
            ("{% include \"/etc/passwd\" %}", Some(1), ""),
        ] {
            let bad = write(&changelog(&["x"]), Some(&own("x.md", text))).unwrap_err();
            assert_eq!(bad.line, line, "{text}: {}", bad.why);
            assert!(bad.why.contains(why), "{text}: {}", bad.why);
        }
    }

    #[test]
    fn the_document_has_the_groups_and_all_changes() {
        let document = serde_json::to_value(changelog(&["fix: a", "feat: b"])).unwrap();
        assert_eq!(document["since"]["release"], "1.5.0");
        assert_eq!(document["since"]["commit"], "09".repeat(20));
        assert_eq!(document["changes"][0]["subject"], "fix: a");
        assert_eq!(document["groups"][0]["title"], "Features");
        assert_eq!(document["groups"][0]["changes"][0], document["changes"][1]);
        assert_eq!(
            (&document["tag"], &document["version"], &document["release"]),
            (&json!("v1.6.0-rc.2"), &json!("1.6.0-rc.2"), &json!("1.6.0"))
        );
    }
}
