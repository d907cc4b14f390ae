//! Who may sign for whom: the allowed-signers file of OpenSSH.
//!
//! Which key made a signature, and whether it is good, is for git and
//! `ssh-keygen` to say. Here a file is narrowed to what it says of one
//! address, so that a good signature by a key of somebody else's is none of
//! theirs (ssh-keygen(1), ALLOWED SIGNERS).

use globset::GlobBuilder;

use super::name::Actor;

/// What is known of the signature under one approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who approved.
    pub actor: Actor,
    /// Why it does not hold, if it does not.
    pub fault: Option<String>,
}

/// The lines of an allowed-signers file that speak of `email`, each with that
/// address alone for its principal; none where there are no such lines.
///
/// What could be taken for a list or a pattern is nobody's address.
pub fn allowed_for(file: &str, email: &str) -> Option<String> {
    if email.is_empty()
        || email.contains(|c: char| c.is_whitespace() || c.is_control() || "\",*?!".contains(c))
    {
        return None;
    }
    let mut lines = String::new();
    for line in file.lines() {
        let line = line.trim();
        let Some((principals, rest)) = line.split_once([' ', '\t']).filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let mut covered = false;
        let mut excluded = false;
        for pattern in principals.trim_matches('"').split(',') {
            match pattern.strip_prefix('!') {
                Some(pattern) => excluded |= covers(pattern, email),
                None => covered |= covers(pattern, email),
            }
        }
        if covered && !excluded {
            lines.push_str(&format!("{email} {}\n", rest.trim_start()));
        }
    }
    (!lines.is_empty()).then_some(lines)
}

/// Whether a pattern covers an address: `*` and `?` stand for characters, as
/// in ssh_config(5), and nothing else does.
fn covers(pattern: &str, email: &str) -> bool {
    let mut glob = String::new();
    for c in pattern.chars() {
        match c {
            '[' | ']' | '{' | '}' | '\\' => glob.extend(['[', c, ']']),
            c => glob.push(c),
        }
    }
    GlobBuilder::new(&glob)
        .case_insensitive(true)
        .backslash_escape(false)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(email))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_speaks_of_whom_its_patterns_cover() {
        let file = "# people\n\
            ana@example.com ssh-ed25519 AAAA ana's laptop\n\
            bob@example.com,*@ops.example.com namespaces=\"git\" ssh-ed25519 BBBB\n\
            \"eve@example.com\"\tssh-ed25519 CCCC\n\
            *@example.com,!eve@example.com cert-authority ssh-ed25519 DDDD\n\
            lonely\n";
        let keys = |email: &str| {
            let lines = allowed_for(file, email).unwrap_or_default();
            assert!(lines.lines().all(|line| line.starts_with(&format!("{email} "))), "{lines}");
            let key = |line: &str| line.split_once("ssh-ed25519 ").unwrap().1[..4].to_owned();
            lines.lines().map(key).collect::<Vec<String>>().join(" ")
        };
        assert_eq!(keys("ana@example.com"), "AAAA DDDD");
        assert_eq!(keys("Ana@Example.com"), "AAAA DDDD");
        assert_eq!(keys("bob@example.com"), "BBBB DDDD");
        assert_eq!(keys("eve@example.com"), "CCCC");
        assert_eq!(keys("kim@ops.example.com"), "BBBB");
        assert_eq!(keys("example.com"), "");
    }

    #[test]
    fn what_comes_before_a_key_stays() {
        let file = "*@example.com namespaces=\"git\",valid-before=\"20270101\" ssh-ed25519 AAAA\n";
        let line = "ana@example.com namespaces=\"git\",valid-before=\"20270101\" ssh-ed25519 AAAA\n";
        assert_eq!(allowed_for(file, "ana@example.com").as_deref(), Some(line));
    }

    #[test]
    fn no_address_is_a_pattern_and_no_pattern_more_than_one() {
        let file = "*@example.com ssh-ed25519 AAAA\n[ab]ob@example.org ssh-ed25519 BBBB\n";
        for email in
            ["", "*@example.com", "a,b@example.com", "a b@example.com", "!a@example.com", "\"a@example.com"]
        {
            assert_eq!(allowed_for(file, email), None, "{email}");
        }
        assert_eq!(allowed_for(file, "aob@example.org"), None);
        assert!(allowed_for(file, "[ab]ob@example.org").is_some());
    }
}
