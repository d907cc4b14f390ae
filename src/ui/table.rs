//! Tables without borders, and blocks of labelled lines.
//!
//! A row is always one line: on a terminal the one flexible column is cut to
//! make it fit, without a terminal nothing a person would read is cut. What to show, and in which
//! order, is the caller's; nothing is sorted or hidden here.

use comfy_table::presets::NOTHING;
use console::AnsiCodeIterator;

use super::text;

/// Between two columns.
const GAP: usize = 2;

/// What a cell is cut to even without a terminal, in columns: the layout counts
/// in 16 bits, and nobody reads further.
const LONGEST: usize = 10_000;

/// Rows under a header, aligned, two spaces apart.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    flexible: Option<usize>,
}

/// One cell: a text and the style around it, which takes no columns.
#[derive(Debug, Clone)]
struct Cell {
    open: String,
    text: String,
}

impl Cell {
    /// Takes a style that stands before the text for that of the whole cell.
    /// The text is cleaned, so that no cell can break its row.
    fn new(styled: &str) -> Cell {
        let mut open = String::new();
        let mut plain = String::new();
        for (part, escape) in AnsiCodeIterator::new(styled) {
            match (escape && text::is_style(part), plain.is_empty()) {
                (true, true) => open.push_str(part),
                (true, false) => {}
                (false, _) => plain.push_str(part),
            }
        }
        Cell { open, text: text::truncate(text::clean(&plain).trim(), LONGEST) }
    }
}

impl Table {
    /// A table with these columns; headers are shown in capitals.
    #[must_use]
    pub fn new(header: &[&str]) -> Table {
        Table {
            header: header.iter().map(|title| title.to_uppercase()).collect(),
            rows: Vec::new(),
            flexible: None,
        }
    }

    /// Adds a row. A cell may carry one style, as [`Screen`](super::Screen)
    /// gives it; its text is cleaned. Missing cells are empty, cells beyond
    /// the header are columns without a title.
    #[must_use]
    pub fn row<C: AsRef<str>>(mut self, cells: impl IntoIterator<Item = C>) -> Table {
        self.push(cells);
        self
    }

    /// Adds a row to a table in hand; see [`Table::row`].
    pub fn push<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| Cell::new(cell.as_ref())).collect());
    }

    /// The column, counted from 0, that is cut where a row would be too wide.
    #[must_use]
    pub fn flexible(mut self, column: usize) -> Table {
        self.flexible = Some(column);
        self
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines without trailing spaces and without a last line
    /// break. With a width, in columns, the flexible column is cut to fit, but
    /// never below its title: rather too wide than unreadable.
    pub fn render(&self, width: Option<usize>) -> String {
        let mut rows = self.rows.clone();
        if let (Some(column), Some(width)) = (self.flexible, width) {
            let room = self.room(column, width);
            for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
                cell.text = text::truncate(&cell.text, room);
            }
        }

        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING);
        let header = Some(&self.header).filter(|header| !header.is_empty());
        if let Some(header) = header {
            table.set_header(header);
        }
        for row in &rows {
            table.add_row(row.iter().map(|cell| &cell.text));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }

        let lines: Vec<String> = table.lines().collect();
        let mut rendered: Vec<String> = Vec::with_capacity(lines.len());
        let mut lines = lines.iter().map(|line| line.trim_end());
        rendered.extend(lines.by_ref().take(usize::from(header.is_some())).map(str::to_owned));
        rendered.extend(lines.zip(&rows).map(|(line, row)| paint(line, row)));
        rendered.join("\n")
    }

    /// The columns left for `column` when all others have what they need.
    fn room(&self, column: usize, width: usize) -> usize {
        let title = |n: usize| self.header.get(n).map_or(0, |title| text::width(title));
        let cell = |row: &Vec<Cell>, n: usize| row.get(n).map_or(0, |cell| text::width(&cell.text));
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(self.header.len());
        let others: usize = (0..count)
            .filter(|&n| n != column)
            .map(|n| GAP + self.rows.iter().map(|row| cell(row, n)).max().unwrap_or(0).max(title(n)))
            .sum();
        width.saturating_sub(others).max(title(column)).max(1)
    }
}

/// Puts the styles of a row's cells around their text in the laid-out line.
/// Styles are left out of the layout because they take no columns.
fn paint(line: &str, row: &[Cell]) -> String {
    let mut painted = String::with_capacity(line.len());
    let mut rest = line;
    for cell in row.iter().filter(|cell| !cell.text.is_empty()) {
        let Some((gap, after)) = rest.split_once(cell.text.as_str()) else { break };
        painted.push_str(gap);
        painted.push_str(&cell.open);
        painted.push_str(&cell.text);
        if !cell.open.is_empty() {
            painted.push_str("\x1b[0m");
        }
        rest = after;
    }
    painted.push_str(rest);
    painted
}

/// Lines of a label and a text: labels take one column, texts the next, and
/// further lines of a text stand below its first.
///
/// With a width, in columns, prose is wrapped and commands (`rel …`, `git …`)
/// are broken so that they can still be pasted. Every line is indented by
/// `indent`. Text is laid out as it comes: clean git's text first.
pub fn labelled<L: AsRef<str>, T: AsRef<str>>(
    rows: &[(L, T)],
    indent: usize,
    width: Option<usize>,
) -> String {
    let widest = rows.iter().map(|(label, _)| text::width(label.as_ref())).max().unwrap_or(0);
    let margin = indent + widest + GAP;
    let mut lines = Vec::new();
    for (label, body) in rows {
        let mut label = label.as_ref();
        for line in fit(body.as_ref(), width.map(|width| width.saturating_sub(margin))) {
            let pad = margin - indent - text::width(label);
            let line = format!("{:indent$}{label}{:pad$}{line}", "", "");
            lines.push(line.trim_end().to_owned());
            label = "";
        }
    }
    lines.join("\n")
}

/// The lines of a text, each made to fit: commands so that they can be pasted,
/// all else as prose.
pub(super) fn fit(body: &str, columns: Option<usize>) -> Vec<String> {
    let command = |line: &str| line.starts_with("rel ") || line.starts_with("git ");
    body.split('\n')
        .flat_map(|line| match columns {
            None => vec![line.to_owned()],
            Some(columns) if command(line) => text::wrap_hint(line, columns),
            Some(columns) => text::wrap(line, columns),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Table {
        Table::new(&["env", "live", "since", "next"])
            .row(["staging", "v1.6.0-rc.2", "2 h", "4 commits on trunk, not cut"])
            .row([
                "prod",
                "v1.5.1-rc.1?",
                "3 days",
                "修正: カートが空のときに落ちる問題を直した, then 👩‍👩‍👧 and more",
            ])
            .row(["eu", "", "1 day", ""])
            .flexible(3)
    }

    #[test]
    fn at_80_columns_the_flexible_column_is_cut() {
        let expected = "\
ENV      LIVE          SINCE   NEXT
staging  v1.6.0-rc.2   2 h     4 commits on trunk, not cut
prod     v1.5.1-rc.1?  3 days  修正: カートが空のときに落ちる問題を直した, then…
eu                     1 day";
        let rendered = status().render(Some(80));
        assert_eq!(rendered, expected);
        assert!(rendered.lines().all(|line| text::width(line) <= 80));
    }

    #[test]
    fn at_200_columns_and_without_a_terminal_nothing_is_cut() {
        let expected = "\
ENV      LIVE          SINCE   NEXT
staging  v1.6.0-rc.2   2 h     4 commits on trunk, not cut
prod     v1.5.1-rc.1?  3 days  修正: カートが空のときに落ちる問題を直した, then 👩‍👩‍👧 and more
eu                     1 day";
        assert_eq!(status().render(Some(200)), expected);
        assert_eq!(status().render(None), expected);
    }

    #[test]
    fn a_flexible_column_in_the_middle_keeps_the_others_aligned() {
        let table = Table::new(&["a", "subject", "by"])
            .row(["1", "修正する修正する", "ana"])
            .row(["22", "ok", "bob"])
            .flexible(1);
        assert_eq!(
            table.render(Some(16)),
            "\
A   SUBJECT  BY
1   修正す…  ana
22  ok       bob"
        );
        assert_eq!(table.render(Some(3)), table.render(Some(16)), "never below the title");
    }

    #[test]
    fn styles_take_no_columns_and_text_keeps_its_row() {
        let table = Table::new(&["env", "live", "by"])
            .row(["\x1b[36mprod\x1b[0m", "yes", "a\nb\x1b[2J"])
            .row(["eu", "\x1b[31mno, not at all\x1b[0m", "bob"])
            .flexible(1);
        assert_eq!(
            table.render(Some(30)),
            "\
ENV   LIVE      BY
\x1b[36mprod\x1b[0m  yes       a\\nb\\u{1b}[2J
eu    \x1b[31mno, not…\x1b[0m  bob"
        );
    }

    #[test]
    fn rows_may_be_short_long_or_missing() {
        assert_eq!(Table::new(&["a", "b"]).render(Some(80)), "A  B");
        assert_eq!(Table::new(&["a"]).row(["1", "2"]).row([""; 0]).render(None), "A\n1  2\n");
        assert_eq!(Table::new(&[]).row(["x", "y"]).flexible(9).render(Some(1)), "x  y");
    }

    #[test]
    fn a_huge_cell_stays_on_its_row() {
        let huge = "x".repeat(70_000);
        let rendered = Table::new(&["a", "b"]).row([huge.as_str(), "1"]).row(["", "2"]).render(None);
        let lines: Vec<_> = rendered.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with("x…  1") && lines[2].ends_with("   2"));
        assert_eq!(text::width(lines[1]), LONGEST + GAP + 1);
    }

    #[test]
    fn labelled_lines_hang_below_their_text() {
        let rows = [
            ("soak", "12 min of 30 min on staging; passes at 14:05"),
            ("approvals", "0 of 1; bob's does not count, bob deploys\nrel approve v1.6.0-rc.2 prod"),
            ("undo", "rel deploy prod v1.6.0-rc.2 --take-over 814 --override rolled-back --reason WHY"),
        ];
        assert_eq!(
            labelled(&rows, 2, Some(50)),
            r"  soak       12 min of 30 min on staging; passes
             at 14:05
  approvals  0 of 1; bob's does not count, bob
             deploys
             rel approve v1.6.0-rc.2 prod
  undo       rel deploy prod v1.6.0-rc.2 \
               --take-over 814 \
               --override rolled-back \
               --reason WHY"
        );
        assert_eq!(
            labelled(&rows[1..2], 2, None),
            "  approvals  0 of 1; bob's does not count, bob deploys\n             rel approve v1.6.0-rc.2 prod"
        );
    }
}
