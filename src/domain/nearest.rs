//! What somebody may have meant by a name that does not exist.

/// At most this many names are offered.
const OFFERED: usize = 3;

/// A sentence that offers the names nearest to `text`, by Jaro-Winkler
/// similarity; all of them where they are few.
pub fn nearest(text: &str, names: &[&str]) -> String {
    if names.len() <= OFFERED {
        return format!("there is {}", names.join(", "));
    }
    let mut ranked: Vec<(f64, &str)> =
        names.iter().map(|name| (strsim::jaro_winkler(text, name), *name)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let offered: Vec<&str> = ranked.into_iter().take(OFFERED).map(|(_, name)| name).collect();
    format!("nearest are {}", offered.join(", "))
}
