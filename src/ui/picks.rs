//! A pick onto several releases, planned.

use super::screen::Screen;
use super::table::Table;
use super::text::clean;
use crate::domain::name::TagName;

/// What is planned for one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The release that is picked onto.
    pub release: String,
    /// Its candidate.
    pub from: TagName,
    /// What would be made, if anything.
    pub to: Option<String>,
    /// How much is picked, or why nothing is.
    pub said: String,
}

/// A line for each release.
pub fn table(screen: &Screen, rows: &[Row]) -> String {
    let mut table = Table::new(&["release", "from", "to", "picks"]).flexible(3);
    for row in rows {
        let to = row.to.clone().unwrap_or_else(|| "-".to_owned());
        table.push([row.release.clone(), row.from.to_string(), to, clean(&row.said)]);
    }
    table.render(screen.err_width())
}
