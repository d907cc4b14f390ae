//! Tables whose rows may have more to say than fits beside them.
//!
//! Where every remark fits, remarks are the last column. On a terminal too
//! narrow for that each stands below its row, wrapped, so that the reason of a
//! failure is never what gets cut. Without a terminal a row is always a line.

use super::table::Table;
use super::text;

/// What remarks below a row are indented by.
const INDENT: usize = 4;

/// Rows of the same columns, each with remarks.
#[derive(Debug, Clone)]
pub struct Noted {
    header: Vec<&'static str>,
    rows: Vec<(Vec<String>, String)>,
}

impl Noted {
    /// Rows under these columns; the remarks' own comes last.
    #[must_use]
    pub fn new(header: &[&'static str]) -> Noted {
        Noted { header: header.to_vec(), rows: Vec::new() }
    }

    /// Adds a row and its remarks, which are cleaned and joined by `; `.
    pub fn push(&mut self, cells: Vec<String>, remarks: &[String]) {
        let remarks: Vec<String> = remarks.iter().map(|remark| text::clean(remark)).collect();
        self.rows.push((cells, remarks.join("; ")));
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, without a last line break. With a width, in columns, remarks
    /// go below their rows where they do not fit beside them.
    pub fn render(&self, width: Option<usize>) -> String {
        let beside = self.beside();
        match width {
            Some(width) if !fits(&beside, width) => self.below(width),
            _ => beside,
        }
    }

    fn beside(&self) -> String {
        let remarked = self.rows.iter().any(|(_, remarks)| !remarks.is_empty());
        let header: Vec<&str> = self.header.iter().copied().chain(remarked.then_some("note")).collect();
        let mut table = Table::new(&header);
        for (cells, remarks) in &self.rows {
            table.push(
                cells.iter().map(String::as_str).chain([remarks.as_str()].into_iter().filter(|_| remarked)),
            );
        }
        table.render(None)
    }

    fn below(&self, width: usize) -> String {
        let mut table = Table::new(&self.header);
        for (cells, _) in &self.rows {
            table.push(cells);
        }
        let rendered = table.render(None);
        let mut lines = rendered.lines();
        let mut said: Vec<String> = lines.by_ref().take(1).map(str::to_owned).collect();
        for (line, (_, remarks)) in lines.zip(&self.rows) {
            said.push(line.to_owned());
            if !remarks.is_empty() {
                let wrapped = text::wrap(remarks, width.saturating_sub(INDENT));
                said.extend(wrapped.into_iter().map(|part| format!("{:INDENT$}{part}", "")));
            }
        }
        said.join("\n")
    }
}

/// Whether no line takes more than `width` columns.
pub fn fits(lines: &str, width: usize) -> bool {
    lines.lines().all(|line| text::width(line) <= width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted() -> Noted {
        let mut noted = Noted::new(&["id", "state"]);
        noted.push(vec!["prod#2".into(), "failed".into()], &["exit 3".into(), "\"hot\u{1b}fix\"".into()]);
        noted.push(vec!["prod#1".into(), "succeeded".into()], &[]);
        noted
    }

    #[test]
    fn remarks_stand_beside_their_row_where_they_fit() {
        let beside = "\
ID      STATE      NOTE
prod#2  failed     exit 3; \"hot\\u{1b}fix\"
prod#1  succeeded";
        assert_eq!(noted().render(Some(80)), beside);
        assert_eq!(noted().render(None), beside);
    }

    #[test]
    fn remarks_that_do_not_fit_stand_below_their_row() {
        assert_eq!(
            noted().render(Some(24)),
            "\
ID      STATE
prod#2  failed
    exit 3;
    \"hot\\u{1b}fix\"
prod#1  succeeded"
        );
    }

    #[test]
    fn without_remarks_there_is_no_column_for_them() {
        let mut noted = Noted::new(&["id"]);
        assert!(noted.is_empty());
        noted.push(vec!["prod#1".into()], &[]);
        assert_eq!(noted.render(None), "ID\nprod#1");
    }
}
