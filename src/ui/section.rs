//! The sections of a changelog file: one for each release, newest first.
//!
//! A section begins at a heading that names a version, whichever way the file
//! writes headings (`## 1.6.0`, `# [1.6.0](…)`, underlined); where none does,
//! at one of the second rank. What stands before the first is the file's own,
//! and so are definitions of links at its end. Text between fences is code,
//! whatever it looks like.

use crate::domain::spelled::split;

/// What a file becomes with a section in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepended {
    /// The file's new text.
    pub text: String,
    /// Whether a section of the same version was there, and was replaced.
    pub replaced: bool,
}

/// What a new file begins with.
const TITLE: &str = "# Changelog";

/// The mark of a section's heading.
const MARK: &str = "## ";

/// Whether a text is one section: it begins with its heading.
pub fn is_section(text: &str) -> bool {
    text.trim_start().starts_with(MARK)
}

/// A file's text with a section in it: where one of the same version is
/// replaced, else above all others, but below one of what is not released.
///
/// `names` are what a heading calls the version: `1.6.0`, `v1.6.0`. Lines end
/// as they do in the file.
pub fn prepend(file: &str, section: &str, names: &[&str]) -> Prepended {
    let section = section.trim();
    let crlf = file.contains("\r\n");
    let file = file.replace("\r\n", "\n");
    let heads = headings(&file);
    let names_any = heads.iter().any(Heading::names_version);
    let is_section = |head: &&Heading<'_>| {
        if names_any { head.names_version() || head.is_unreleased() } else { head.rank == 2 }
    };
    let (start, end, replaced) = match heads.iter().position(|head| names.contains(&head.called())) {
        Some(index) => {
            let (this, below) = (&heads[index], &heads[index + 1..]);
            // Where patch releases have headings of the third rank, so do their parts.
            let next = below.iter().find(|next| next.rank <= this.rank.min(2) || is_section(next));
            (this.at, next.map_or_else(|| this.at + body(&file[this.at..]), |next| next.at), true)
        }
        None => {
            let mut sections = heads.iter().filter(is_section).peekable();
            sections.next_if(|first| first.is_unreleased());
            let above = sections.next().map_or_else(|| body(&file), |head| head.at);
            (above, above, false)
        }
    };
    let before = file[..start].trim_end();
    let before = if file.trim().is_empty() { TITLE } else { before };
    let after = file[end..].trim();
    let parts: Vec<&str> = [before, section, after].into_iter().filter(|part| !part.is_empty()).collect();
    let text = parts.join("\n\n") + "\n";
    Prepended { text: if crlf { text.replace('\n', "\r\n") } else { text }, replaced }
}

/// A heading, whichever way it is written.
struct Heading<'f> {
    /// Where it begins, with the anchor that stands right above it.
    at: usize,
    rank: usize,
    text: &'f str,
}

impl Heading<'_> {
    /// What it calls its version: `1.6.0` of `[1.6.0] - 2026-11-23`; its first
    /// word where it names none.
    fn called(&self) -> &str {
        let mut words = self.text.split([']', '[', '(', ' ', ':']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let leads = matches!(first.to_ascii_lowercase().as_str(), "version" | "release");
        if leads { words.next().unwrap_or(first) } else { first }
    }

    fn names_version(&self) -> bool {
        split(self.called()).is_some()
    }

    fn is_unreleased(&self) -> bool {
        self.called().eq_ignore_ascii_case("unreleased")
    }
}

/// The headings of the first three ranks: after hash marks, or underlined.
fn headings(file: &str) -> Vec<Heading<'_>> {
    let mut headings = Vec::new();
    let mut fence: Option<&str> = None;
    let (mut at, mut above, mut anchor) = (0, "", None);
    for line in file.split_inclusive('\n') {
        let text = line.trim_end();
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match fence {
            Some(open) if mark == Some(open) => fence = None,
            Some(_) => {}
            None if mark.is_some() => fence = mark,
            None => {
                let hashes = text.len() - text.trim_start_matches('#').len();
                let underlines = |c: char| text.starts_with(c) && text.trim_end_matches(c).is_empty();
                let start = anchor.unwrap_or(at);
                if (1..=3).contains(&hashes) && text[hashes..].starts_with(' ') {
                    headings.push(Heading { at: start, rank: hashes, text: text[hashes..].trim() });
                } else if let Some(rank) = ['=', '-'].into_iter().position(underlines)
                    && !above.is_empty()
                {
                    let own = at - above.len();
                    headings.push(Heading { at: own, rank: rank + 1, text: above.trim() });
                }
            }
        }
        anchor = text.starts_with("<a ").then_some(at).filter(|_| text.ends_with("</a>"));
        above = if fence.is_none() && !text.is_empty() && !text.starts_with(['#', '-', '*', '<']) {
            line
        } else {
            ""
        };
        at += line.len();
    }
    headings
}

/// How long a text is without the definitions of links at its end.
fn body(text: &str) -> usize {
    let mut end = text.len();
    for line in text.split_inclusive('\n').rev() {
        let is_definition = line.starts_with('[') && line.contains("]: ");
        if !is_definition && !line.trim().is_empty() {
            break;
        }
        end -= line.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "## 1.6.0 (2026-11-23)\n\n- new\n";

    fn with(file: &str) -> Prepended {
        prepend(file, NEW, &["1.6.0", "v1.6.0"])
    }

    #[test]
    fn it_goes_above_the_newest_and_below_the_title() {
        for (file, text) in [
            ("", "# Changelog\n\n## 1.6.0 (2026-11-23)\n\n- new\n"),
            ("# Log\n\nAll of it.\n", "# Log\n\nAll of it.\n\n## 1.6.0 (2026-11-23)\n\n- new\n"),
            (
                "# Log\n\n## 1.5.0\n\n- old\n",
                "# Log\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n\n- old\n",
            ),
            ("## 1.5.0\n- old", "## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n- old\n"),
            (
                "# Log\n\n## [Unreleased]\n\n- soon\n\n## 1.5.0\n",
                "# Log\n\n## [Unreleased]\n\n- soon\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n",
            ),
            (
                "# Log\n\n```\n## 1.6.0\n```\n\n### A\n\n## 1.5.0\n",
                "# Log\n\n```\n## 1.6.0\n```\n\n### A\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n",
            ),
            (
                "# Log\n\n[a]: https://example.com\n",
                "# Log\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n[a]: https://example.com\n",
            ),
            (
                "# [1.5.0](x) (2020-01-01)\n\n### Features\n\n- old\n\n## [1.4.1](x)\n",
                "## 1.6.0 (2026-11-23)\n\n- new\n\n# [1.5.0](x) (2020-01-01)\n\n### Features\n\n- old\n\n## [1.4.1](x)\n",
            ),
            (
                "# Log\n\n## How to read this\n\n<a name=\"1.5.0\"></a>\n# 1.5.0\n\n- old\n",
                "# Log\n\n## How to read this\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n<a name=\"1.5.0\"></a>\n# 1.5.0\n\n- old\n",
            ),
            (
                "Log\n===\n\nv1.5.0 / 2020-01-01\n-------------------\n\n- old\n---\n",
                "Log\n===\n\n## 1.6.0 (2026-11-23)\n\n- new\n\nv1.5.0 / 2020-01-01\n-------------------\n\n- old\n---\n",
            ),
            (
                "# Log\n\n## Version 1.5.0\n\n### 1.4.9\n",
                "# Log\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## Version 1.5.0\n\n### 1.4.9\n",
            ),
            (
                "# Log\r\n\r\n## 1.5.0\r\n",
                "# Log\r\n\r\n## 1.6.0 (2026-11-23)\r\n\r\n- new\r\n\r\n## 1.5.0\r\n",
            ),
        ] {
            assert_eq!(with(file), Prepended { text: text.to_owned(), replaced: false }, "{file:?}");
        }
    }

    #[test]
    fn a_section_of_the_same_version_is_replaced_where_it_is() {
        for heading in [
            "## 1.6.0",
            "## v1.6.0",
            "## [1.6.0] - 2026-01-01",
            "## 1.6.0 (2026-01-01)",
            "## [v1.6.0](https://example.com)",
            "# [1.6.0](https://example.com) (2026-01-01)",
            "### 1.6.0",
            "## Version 1.6.0",
            "1.6.0 / 2026-01-01\n==================",
        ] {
            let file =
                format!("# Log\n\n## 1.7.0\n\n{heading}\n\n### Fixes\n\n- other\n\n## 1.5.0\n\n- old\n");
            let text = "# Log\n\n## 1.7.0\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n\n- old\n";
            assert_eq!(with(&file), Prepended { text: text.to_owned(), replaced: true }, "{heading}");
        }
        for other in ["## 1.6.0.1", "## 1.6", "## 11.6.0", "## 1.6.0-rc.1", "#1.6.0", "- 1.6.0"] {
            assert!(!with(&format!("{other}\n")).replaced, "{other}");
        }
    }

    #[test]
    fn the_last_one_leaves_links_alone_and_twice_is_once() {
        let file =
            "# Log\n\n## [1.6.0]\n\n- x\n\n[1.6.0]: https://example.com/1.6.0\n[b]: https://example.com\n";
        let once = with(file);
        assert_eq!(
            once.text,
            "# Log\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n[1.6.0]: https://example.com/1.6.0\n[b]: https://example.com\n"
        );
        assert_eq!(with(&once.text), once);
        let fresh = with("");
        assert_eq!(with(&fresh.text).text, fresh.text);
    }
}
