//! Who may sign for whom: the allowed-signers file of OpenSSH.
//!
//! Which key made a signature, and whether it is good, is for git and
//! `ssh-keygen` to say. Here a file is narrowed to what it says of one
//! address, so that a good signature by a key of somebody else's is none of
//! theirs (ssh-keygen(1), ALLOWED SIGNERS).

use data_encoding::{BASE64, BASE64_NOPAD};
use globset::GlobBuilder;
use sha2::Digest;

use super::name::Actor;

/// What is known of the signature under one approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
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

/// The fingerprints of the keys that lines of an allowed-signers file list,
/// as ssh-keygen writes them: `SHA256:` and base64 without padding.
pub fn fingerprints(lines: &str) -> Vec<String> {
    let blob = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Options may stand before the key's type, with blanks in quotes. What follows the type
        // begins with the type once more, so that nothing else passes for it.
        words.windows(2).find_map(|pair| {
            let blob = BASE64.decode(pair[1].as_bytes()).ok()?;
            let name = [&(pair[0].len() as u32).to_be_bytes()[..], pair[0].as_bytes()].concat();
            blob.starts_with(&name).then_some(blob)
        })
    };
    let print = |blob: Vec<u8>| format!("SHA256:{}", BASE64_NOPAD.encode(&sha2::Sha256::digest(blob)));
    lines.lines().filter_map(blob).map(print).collect()
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
    fn a_key_is_known_by_its_fingerprint() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        let file = format!(
            "ana@example.com {key} ana\nbob@example.com namespaces=\"git\",valid-after=\"2026 01\" {key}\nkim@example.com ssh-rsa AAAA\n"
        );
        let github = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        assert_eq!(fingerprints(&file), [github, github]);
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
