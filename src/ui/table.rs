//! Tables without borders, and blocks of labelled lines.
//!
//! A row is one line, where the terminal is wide enough; the one flexible
//! column is cut to make it so. On a narrow one rows are folded between their
//! cells, and the flexible text goes whole below its row. Without a terminal a
//! row is always one line and nothing a person would read is cut. What to
//! show, and in which order, is the caller's; nothing is sorted or hidden here.

use console::AnsiCodeIterator;

use super::text;

/// Between two columns.
const GAP: usize = 2;

/// What the lines of a folded row are indented by, but for its first.
const FOLD: usize = 4;

/// What a flexible column is cut to at the least: of less than this a reader
/// has nothing, and rows are folded instead.
const LEAST: usize = 16;

/// What a cell is cut to even without a terminal, in columns: the other rows
/// are padded to it, and nobody reads further.
const LONGEST: usize = 10_000;

/// Rows under a header, aligned, two spaces apart.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    flexible: Option<usize>,
}

/// One cell: a text and the style around it, which takes no columns.
#[derive(Debug, Clone, Default)]
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

    /// The same in at most so many columns.
    fn cut(&self, columns: usize) -> Cell {
        Cell { open: self.open.clone(), text: text::truncate(&self.text, columns) }
    }

    /// A part of the text in the cell's style.
    fn styled(&self, text: &str) -> String {
        if self.open.is_empty() { text.to_owned() } else { format!("{}{text}\x1b[0m", self.open) }
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

    #[cfg(test)]
    /// Adds a row. A cell may carry one style, as [`Screen`](super::Screen)
    /// gives it; its text is cleaned. Missing cells are empty, cells beyond
    /// the header are columns without a title.
    #[must_use]
    pub fn row<C: AsRef<str>>(mut self, cells: impl IntoIterator<Item = C>) -> Table {
        self.push(cells);
        self
    }

    /// Adds a row to a table in hand.
    pub fn push<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| Cell::new(cell.as_ref())).collect());
    }

    /// The column, counted from 0, that is cut where a row would be too wide,
    /// and goes below its row where that would leave too little of it.
    #[must_use]
    pub fn flexible(mut self, column: usize) -> Table {
        self.flexible = Some(column);
        self
    }

    /// The table as lines without trailing spaces and without a last line
    /// break, laid out for so many columns.
    pub fn render(&self, width: Option<usize>) -> String {
        let laid = self.lay_out(width);
        let mut lines = laid.title;
        lines.extend(laid.rows.into_iter().flatten());
        lines.join("\n")
    }

    /// Whether every row is one line of at most so many columns with nothing cut.
    pub fn fits(&self, width: usize) -> bool {
        across(&self.widths()) <= width
    }

    /// The lines of the title and of each row.
    pub(super) fn lay_out(&self, width: Option<usize>) -> Laid {
        let widths = self.widths();
        let whole = across(&widths);
        let all = || (0..widths.len()).collect::<Vec<_>>();
        let Some(width) = width.filter(|width| whole > *width) else {
            return self.lines(&[Part { columns: all(), room: None }]);
        };
        let flexible = self.flexible.filter(|column| *column < widths.len());
        if let Some(column) = flexible {
            let room = (width + widths[column]).saturating_sub(whole);
            if room >= widths[column].min(LEAST) {
                return self.lines(&[Part { columns: all(), room: Some((column, room)) }]);
            }
        }
        self.lines(&fold(&widths, flexible, width))
    }

    /// The columns that each column needs for what it holds and its title.
    fn widths(&self) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(self.header.len());
        let mut widths = vec![0; count];
        for (width, title) in widths.iter_mut().zip(&self.header) {
            *width = text::width(title);
        }
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(&cell.text));
            }
        }
        widths
    }

    /// Lays out the parts below each other, row by row.
    fn lines(&self, parts: &[Part]) -> Laid {
        let mut title = Vec::new();
        let mut rows = vec![Vec::new(); self.rows.len()];
        for (n, part) in parts.iter().enumerate() {
            let indent = if n == 0 { 0 } else { FOLD };
            let indented =
                |line: String| if line.is_empty() { line } else { format!("{:indent$}{line}", "") };
            let (titles, lines) = match part {
                Part { columns, room: Some((column, room)) } if columns == &[*column] => {
                    self.wrapped(*column, *room)
                }
                part => self.aligned(part),
            };
            title.extend(titles.map(indented));
            for (row, lines) in rows.iter_mut().zip(lines) {
                let lines = lines.into_iter().filter(|line| n == 0 || !line.is_empty());
                row.extend(lines.map(indented));
            }
        }
        Laid { title, rows }
    }

    /// Some columns side by side: one line for the title and for each row.
    fn aligned(&self, part: &Part) -> (Option<String>, Vec<Vec<String>>) {
        let title = |title: &String| Cell { open: String::new(), text: title.clone() };
        let titles =
            Some(self.header.iter().map(title).collect()).filter(|titles: &Vec<Cell>| !titles.is_empty());
        let cell = |row: &Vec<Cell>, column: usize| match (row.get(column), part.room) {
            (Some(cell), Some((flexible, room))) if flexible == column => cell.cut(room),
            (cell, _) => cell.cloned().unwrap_or_default(),
        };
        let rows: Vec<Vec<Cell>> = titles
            .iter()
            .chain(&self.rows)
            .map(|row| part.columns.iter().map(|&column| cell(row, column)).collect())
            .collect();
        let mut widths = vec![0; part.columns.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = text::width(&cell.text).max(*width);
            }
        }
        let mut lines = rows.iter().map(|row| {
            let (mut line, mut gap) = (String::new(), 0);
            for (cell, width) in row.iter().zip(&widths) {
                if !cell.text.is_empty() {
                    line.extend(std::iter::repeat_n(' ', gap));
                    line.push_str(&cell.styled(&cell.text));
                    gap = 0;
                }
                gap += width + GAP - text::width(&cell.text);
            }
            line
        });
        let title = titles.as_ref().and_then(|_| lines.next());
        (title, lines.map(|line| vec![line]).collect())
    }

    /// One column by itself, each text on as many lines as it takes.
    fn wrapped(&self, column: usize, room: usize) -> (Option<String>, Vec<Vec<String>>) {
        let lines = |row: &Vec<Cell>| match row.get(column) {
            Some(cell) if !cell.text.is_empty() => {
                text::wrap(&cell.text, room).into_iter().map(|line| cell.styled(&line)).collect()
            }
            _ => Vec::new(),
        };
        (self.header.get(column).cloned(), self.rows.iter().map(lines).collect())
    }
}

/// What columns take side by side.
fn across(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// A table's lines.
pub(super) struct Laid {
    /// Those of the title; none where there is no header.
    pub title: Vec<String>,
    /// Those of each row.
    pub rows: Vec<Vec<String>>,
}

/// Columns that stand side by side, and the one that is made to fit into so
/// many columns of the terminal.
struct Part {
    columns: Vec<usize>,
    room: Option<(usize, usize)>,
}

/// Divides columns between lines, in their order. The flexible one gets its
/// own; one that is too wide by itself stays so.
fn fold(widths: &[usize], flexible: Option<usize>, width: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut used = 0;
    for (column, own) in widths.iter().enumerate() {
        let indent = if parts.is_empty() { 0 } else { FOLD };
        if flexible == Some(column) {
            let room = Some((column, width.saturating_sub(indent)));
            parts.push(Part { columns: vec![column], room });
            continue;
        }
        match parts.last_mut().filter(|part| part.room.is_none() && used + GAP + own <= width) {
            Some(part) => {
                part.columns.push(column);
                used += GAP + own;
            }
            None => {
                parts.push(Part { columns: vec![column], room: None });
                used = indent + own;
            }
        }
    }
    parts
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
            .row(["1", "修正する修正する、修正する", "ana"])
            .row(["22", "ok", "bob"])
            .flexible(1);
        assert_eq!(
            table.render(Some(26)),
            "\
A   SUBJECT            BY
1   修正する修正する…  ana
22  ok                 bob"
        );
    }

    #[test]
    fn where_too_little_would_be_left_of_it_the_flexible_text_goes_below() {
        assert_eq!(
            status().render(Some(40)),
            "\
ENV      LIVE          SINCE
    NEXT
staging  v1.6.0-rc.2   2 h
    4 commits on trunk, not cut
prod     v1.5.1-rc.1?  3 days
    修正:
    カートが空のときに落ちる問題を直した
    , then 👩‍👩‍👧 and more
eu                     1 day"
        );
    }

    #[test]
    fn rows_that_do_not_fit_are_folded_between_their_cells() {
        let table = Table::new(&["id", "candidate", "state", "by"])
            .row(["\x1b[36ma-very-long-environment#12\x1b[0m", "v1.5.1-rc.1", "\x1b[31mfailed\x1b[0m", "ana"])
            .row(["eu#3", "v1.5.0-rc.10", "", ""])
            .row(["eu#1", "", "", "bob"]);
        assert_eq!(
            table.render(Some(30)),
            "\
ID
    CANDIDATE     STATE   BY
\x1b[36ma-very-long-environment#12\x1b[0m
    v1.5.1-rc.1   \x1b[31mfailed\x1b[0m  ana
eu#3
    v1.5.0-rc.10
eu#1
                          bob"
        );
        let narrow = table.render(Some(12));
        assert!(narrow.contains("\n    v1.5.0-rc.10\n"), "too wide rather than cut: {narrow}");
        assert!(narrow.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn styles_take_no_columns_and_text_keeps_its_row() {
        let table = Table::new(&["env", "live", "by"])
            .row(["\x1b[36mprod\x1b[0m", "yes", "a\nb\x1b[2J"])
            .row(["eu", "\x1b[31mno, not at all today\x1b[0m", "bob"])
            .flexible(1);
        assert_eq!(
            table.render(Some(38)),
            "\
ENV   LIVE               BY
\x1b[36mprod\x1b[0m  yes                a\\nb\\u{1b}[2J
eu    \x1b[31mno, not at all t…\x1b[0m  bob"
        );
        assert_eq!(
            table.render(Some(24)),
            "\
ENV
    LIVE
    BY
\x1b[36mprod\x1b[0m
    yes
    a\\nb\\u{1b}[2J
eu
    \x1b[31mno, not at all today\x1b[0m
    bob"
        );
    }

    #[test]
    fn rows_may_be_short_long_or_missing() {
        assert_eq!(Table::new(&["a", "b"]).render(Some(80)), "A  B");
        assert_eq!(Table::new(&["a"]).row(["1", "2"]).row([""; 0]).render(None), "A\n1  2\n");
        assert_eq!(Table::new(&[]).row(["x", "y"]).flexible(9).render(Some(1)), "x\n    y");
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
