//! Which of the variables that commands inherit hold secrets. Nobody has
//! declared them, so that it goes by their names, and by what an address has
//! before its host.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A name that has one of these in it is a secret's, in any case.
pub const PARTS: [&str; 8] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "KEY", "CONNECTION_STRING"];

/// So is one that has one of these for a word of its own, as in `DB_PASS`: as
/// a part of others they are too frequent.
pub const WORDS: [&str; 4] = ["PASS", "PWD", "AUTH", "PAT"];

/// What is none in spite of its name: folders, a socket, a number of `rel`'s.
pub const OPEN: [&str; 4] = ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "REL_FENCE_TOKEN"];

/// What a switch is set to says nothing, and stands in every output.
const SWITCHES: [&str; 2] = ["true", "false"];

/// Whether a variable of this name is taken for a secret.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    !OPEN.contains(&name.as_str())
        && (PARTS.iter().any(|part| name.contains(part)) || words.any(|word| WORDS.contains(&word)))
}

/// What is to be hidden of a variable: all of its value but the blanks around
/// it, or the passwords in the addresses that it holds, as they are written and
/// as they are meant.
pub fn secrets<'v>(name: &str, value: &'v str) -> Vec<Cow<'v, str>> {
    if SWITCHES.iter().any(|switch| value.eq_ignore_ascii_case(switch)) {
        return Vec::new();
    }
    let passwords = value.split("://").skip(1).filter_map(password).flat_map(|password| {
        let meant = percent_decode_str(password).decode_utf8().ok();
        [Some(Cow::Borrowed(password)), meant].into_iter().flatten()
    });
    looks_secret(name).then_some(Cow::Borrowed(value.trim())).into_iter().chain(passwords).collect()
}

/// The password in what comes after `scheme://`.
fn password(rest: &str) -> Option<&str> {
    let place = rest.split(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).next()?;
    let (who, _) = place.rsplit_once('@')?;
    who.split_once(':').map(|(_, password)| password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell() {
        for name in [
            "GITHUB_TOKEN",
            "npm_config_//registry.npmjs.org/:_authToken",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SMTP_PASS",
            "GH_PAT",
            "DOCKER_AUTH_CONFIG",
            "NPM_CONFIG__AUTH",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "AZURE_STORAGE_CONNECTION_STRING",
            "private_key",
            "GPG_PASSPHRASE",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["PATH", "PWD", "OLDPWD", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME", "COMPASS", "PATTERN"] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn an_address_hides_its_password_alone() {
        let of = |value| secrets("DATABASE_URL", value);
        assert_eq!(of("postgres://shop:hun%2Fter@db:5432/shop?x=a@b"), ["hun%2Fter", "hun/ter"]);
        assert_eq!(of("amqp://a:first@x amqp://b:second@y"), ["first", "first", "second", "second"]);
        assert!(of("https://ana@example.com/a:b@c").is_empty());
        assert!(of("a:b@c").is_empty());
        assert_eq!(secrets("DB_KEY", "x://a:word@b"), ["x://a:word@b", "word", "word"]);
        assert!(secrets("USE_KEYRING", "True").is_empty());
    }
}
