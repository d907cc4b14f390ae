//! What authors have to say of their own commits before these go live.

use super::gate::{Gate, Verdict};
use super::name::{Actor, Oid};

/// How many commits a refusal tells one by one.
const TOLD: usize = 10;

/// A commit whose author has not said yet that it is fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Which.
    pub commit: Oid,
    /// What its message begins with, fit to be shown.
    pub subject: String,
    /// Who wrote it.
    pub author: Actor,
}

/// What the authors of the commits said that a deployment brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signoffs {
    /// How many commits it brings; none where nothing is live to compare with.
    pub asked: Option<usize>,
    /// Those that are not signed off, oldest first.
    pub awaited: Vec<Awaited>,
    /// Why nobody can say here who is to be asked.
    pub fault: Option<String>,
    /// What is brought, as `rel approve --commit` takes it.
    pub range: String,
}

impl Signoffs {
    /// Where nobody can tell, and why.
    pub fn unknown(why: String) -> Signoffs {
        Signoffs { fault: Some(why), ..Signoffs::default() }
    }
}

/// What the gate says of them.
pub fn judged(signoffs: &Signoffs) -> Verdict {
    if let Some(fault) = &signoffs.fault {
        return Verdict::refuse(Gate::Signoff, fault);
    }
    let Some(asked) = signoffs.asked else {
        return Verdict::pass(Gate::Signoff, "signoff (nothing is live to compare with)");
    };
    let awaited = &signoffs.awaited;
    if awaited.is_empty() {
        return Verdict::pass(Gate::Signoff, format!("signoff {asked}/{asked}"));
    }
    let mut lines = vec![format!("{} of {asked} commits; not signed off:", asked - awaited.len())];
    for Awaited { commit, subject, author } in awaited.iter().take(TOLD) {
        lines.push(format!("{} \"{subject}\" ({})", commit.short(), author.name));
    }
    if awaited.len() > TOLD {
        lines.push(format!("and {} more", awaited.len() - TOLD));
    }
    let mut authors: Vec<&Actor> = Vec::new();
    for one in awaited {
        if !authors.iter().any(|author| author.is(&one.author)) {
            authors.push(&one.author);
        }
    }
    let mut names: Vec<&str> = authors.iter().take(TOLD).map(|author| author.name.as_str()).collect();
    let more = format!("{} more", authors.len().saturating_sub(TOLD));
    if authors.len() > TOLD {
        names.push(&more);
    }
    let what = match &awaited[..] {
        [one] => one.commit.short().to_string(),
        _ => signoffs.range.clone(),
    };
    let mut verdict = Verdict::refuse(Gate::Signoff, lines.join("\n"));
    verdict.fixes = vec![format!("rel approve --commit {what}, by {}", names.join(", "))];
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awaited(byte: u8, author: &str) -> Awaited {
        Awaited {
            commit: Oid::from_bytes([byte; 20]),
            subject: format!("feat: {byte}"),
            author: Actor::new(author, &format!("{author}@example.com")),
        }
    }

    #[test]
    fn a_refusal_names_commits_and_their_authors_once_and_not_all_of_many() {
        let range = "prod..v1.6.0-rc.2".to_owned();
        let one = judged(&Signoffs {
            asked: Some(3),
            awaited: vec![awaited(1, "kim")],
            range: range.clone(),
            fault: None,
        });
        assert!(!one.passed);
        assert_eq!(one.text, "2 of 3 commits; not signed off:\n0101010 \"feat: 1\" (kim)");
        assert_eq!(one.fixes, ["rel approve --commit 0101010, by kim"]);
        let many: Vec<Awaited> =
            (1..=14).map(|byte| awaited(byte, if byte % 2 == 0 { "kim" } else { "bob" })).collect();
        let many = judged(&Signoffs { asked: Some(14), awaited: many, range, fault: None });
        assert_eq!(many.text.lines().count(), 12);
        assert!(many.text.ends_with("\nand 4 more"), "{}", many.text);
        assert_eq!(many.fixes, ["rel approve --commit prod..v1.6.0-rc.2, by bob, kim"]);
    }

    #[test]
    fn it_passes_where_all_are_and_where_there_is_nothing_to_compare_with() {
        let all = judged(&Signoffs { asked: Some(3), ..Signoffs::default() });
        assert_eq!((all.passed, all.text.as_str()), (true, "signoff 3/3"));
        assert!(judged(&Signoffs::default()).passed);
        let fault = Some("this clone is shallow".to_owned());
        let unknown = judged(&Signoffs { asked: Some(0), fault, ..Signoffs::default() });
        assert_eq!((unknown.passed, unknown.text.as_str()), (false, "this clone is shallow"));
    }
}
