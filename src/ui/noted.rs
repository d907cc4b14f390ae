//! Tables whose rows may have more to say than fits beside them.
//!
//! A remark stands beside its row. On a terminal too narrow for that it stands
//! below, wrapped, so that the reason of a failure is never what gets cut. Rows
//! too wide by themselves are folded, as [`Table`] does.
//! Without a terminal a row is always one line.

use super::table::Table;
use super::text;

/// What remarks below a row are indented by.
const INDENT: usize = 4;

/// Between a row and its remark.
const GAP: usize = 2;

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

    /// Whether no row has to be folded for so many columns, remarks aside.
    pub fn fits(&self, width: usize) -> bool {
        self.table().fits(width)
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&self.header);
        for (cells, _) in &self.rows {
            table.push(cells);
        }
        table
    }

    /// The lines, without a last line break. With a width, in columns, a remark
    /// goes below its row where it does not fit beside it.
    pub fn render(&self, width: Option<usize>) -> String {
        self.mixed(width.unwrap_or(usize::MAX))
    }

    /// Each remark beside its row if it fits there, else below it.
    fn mixed(&self, width: usize) -> String {
        let laid = self.table().lay_out(Some(width));
        let one = |lines: &Vec<String>| lines.len() <= 1;
        let whole = one(&laid.title) && laid.rows.iter().all(one);
        let widest = laid.title.iter().chain(laid.rows.iter().flatten()).map(|line| text::width(line)).max();
        let margin = widest.unwrap_or(0) + GAP;
        let mut title = laid.title.join("\n");
        let mut titled = false;
        let mut said = Vec::new();
        for (lines, (_, remarks)) in laid.rows.into_iter().zip(&self.rows) {
            let line = lines.join("\n");
            if remarks.is_empty() {
                said.push(line);
            } else if whole && margin + text::width(remarks) <= width {
                titled = true;
                said.push(beside(&line, remarks, margin));
            } else {
                said.push(line);
                let wrapped = text::wrap(remarks, width.saturating_sub(INDENT));
                said.extend(wrapped.into_iter().map(|part| format!("{:INDENT$}{part}", "")));
            }
        }
        if titled {
            title = beside(&title, "NOTE", margin);
        }
        said.insert(0, title);
        said.join("\n")
    }
}

/// A line with a remark that begins in column `margin`.
fn beside(line: &str, remark: &str, margin: usize) -> String {
    format!("{line}{:pad$}{remark}", "", pad = margin.saturating_sub(text::width(line)))
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
    fn one_remark_that_does_not_fit_moves_no_other() {
        let mut noted = noted();
        noted.push(vec!["prod#0".into(), "running".into()], &["by itself".into()]);
        assert_eq!(
            noted.render(Some(30)),
            "\
ID      STATE      NOTE
prod#2  failed
    exit 3; \"hot\\u{1b}fix\"
prod#1  succeeded
prod#0  running    by itself"
        );
    }

    #[test]
    fn rows_that_are_folded_have_their_remarks_below() {
        let mut noted = Noted::new(&["id", "candidate", "state"]);
        noted.push(vec!["prod#2".into(), "v1.5.1-rc.1".into(), "failed".into()], &["x".into()]);
        noted.push(vec!["prod#1".into(), "v1.5.0-rc.1".into(), "succeeded".into()], &[]);
        assert_eq!(
            noted.render(Some(22)),
            "\
ID      CANDIDATE
    STATE
prod#2  v1.5.1-rc.1
    failed
    x
prod#1  v1.5.0-rc.1
    succeeded"
        );
    }

    #[test]
    fn without_remarks_there_is_no_column_for_them() {
        let mut noted = Noted::new(&["id"]);
        noted.push(vec!["prod#1".into()], &[]);
        assert_eq!(noted.render(None), "ID\nprod#1");
    }
}
