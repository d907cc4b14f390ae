//! The sections of a changelog file: one for each release, newest first.
//!
//! A section begins at a heading of the second rank (`## 1.6.0`). What stands
//! before the first is the file's own, and so are definitions of links at
//! its end. Text between fences is code, whatever it looks like.

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
    let is_called = |line: &str| names.contains(&called(line));
    let (start, end, replaced) = match heads.iter().position(|(_, line)| is_called(line)) {
        Some(index) => {
            let start = heads[index].0;
            let end = heads.get(index + 1).map_or_else(|| start + body(&file[start..]), |next| next.0);
            (start, end, true)
        }
        None => {
            let open = heads.first().is_some_and(|(_, line)| called(line).eq_ignore_ascii_case("unreleased"));
            let above = heads.get(usize::from(open)).map_or_else(|| body(&file), |head| head.0);
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

/// The headings of sections, and where they begin.
fn headings(file: &str) -> Vec<(usize, &str)> {
    let mut headings = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match fence {
            Some(open) if mark == Some(open) => fence = None,
            Some(_) => {}
            None if mark.is_some() => fence = mark,
            None if line.starts_with(MARK) => headings.push((at, line)),
            None => {}
        }
        at += line.len();
    }
    headings
}

/// What a heading calls its version: `1.6.0` of `## [1.6.0] - 2026-11-23`.
fn called(heading: &str) -> &str {
    let text = heading.trim_start_matches('#').trim().trim_start_matches('[');
    text.split([']', '(', ' ', ':']).next().unwrap_or_default()
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
        ] {
            let file =
                format!("# Log\n\n## 1.7.0\n\n{heading}\n\n### Fixes\n\n- other\n\n## 1.5.0\n\n- old\n");
            let text = "# Log\n\n## 1.7.0\n\n## 1.6.0 (2026-11-23)\n\n- new\n\n## 1.5.0\n\n- old\n";
            assert_eq!(with(&file), Prepended { text: text.to_owned(), replaced: true }, "{heading}");
        }
        for other in ["## 1.6.0.1", "## 1.6", "## 11.6.0", "## 1.6.0-rc.1", "# 1.6.0", "### 1.6.0"] {
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
