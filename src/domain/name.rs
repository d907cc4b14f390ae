//! The names of things. None of them is a bare string elsewhere.
//!
//! Each parses from text with a reason for what it refuses, and prints back
//! exactly what it was parsed from.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::de::Visitor;

/// Why a text is not the name it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName(pub String);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadName {}

/// Reads a name where it stands, without a copy of its text.
pub(super) struct Text<T>(PhantomData<T>);

impl<T> Text<T> {
    /// For names of this kind.
    pub(super) fn new() -> Text<T> {
        Text(PhantomData)
    }
}

impl<T: FromStr<Err = BadName>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Serde by way of `Display` and `FromStr`.
macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_str($crate::domain::name::Text::new())
            }
        }
    )*};
}

as_text!(ProjectName, EnvName, Actor, DeploymentId);

/// Serde as text where people may read it, else as it is held: a copy of what
/// was read before need not be parsed again.
macro_rules! as_text_or_held {
    ($($name:ident),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    d.deserialize_str($crate::domain::name::Text::new())
                } else {
                    serde::Deserialize::deserialize(d).map($name)
                }
            }
        }
    )*};
}

as_text_or_held!(TagName, Oid, Sha256);

/// `[a-z0-9][a-z0-9-]{0,40}`: safe in a ref, a path and a shell.
fn plain_name(text: &str, what: &str) -> Result<String, BadName> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if first && rest && text.len() <= 41 {
        Ok(text.to_owned())
    } else {
        Err(BadName(format!(
            "{text:?} cannot name {what}: use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit"
        )))
    }
}

/// What is built and deployed together; names refs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(String);

/// Somewhere a candidate can be live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvName(String);

/// The short name of a tag, without `refs/tags/`.
///
/// Invariant: a valid last part of a ref (see `git check-ref-format`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(String);

macro_rules! text_name {
    ($($name:ident),*) => {$(
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}
text_name!(ProjectName, EnvName, TagName);

impl FromStr for ProjectName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        plain_name(text, "a project").map(ProjectName)
    }
}

impl FromStr for EnvName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        plain_name(text, "an environment").map(EnvName)
    }
}

impl FromStr for TagName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        if may_name_a_tag(text) {
            Ok(TagName(text.to_owned()))
        } else {
            Err(BadName(format!("{text:?} cannot be the name of a git tag")))
        }
    }
}

/// Whether git would take it for a tag, and its command line for no option.
fn may_name_a_tag(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    if text.bytes().all(plain) {
        // Nearly every tag there is; a list of them is mostly this.
        let mut pairs = text.bytes().zip(text.bytes().skip(1));
        return !text.starts_with('-') && is_part(text) && pairs.all(|pair| pair != (b'.', b'.'));
    }
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !(text.starts_with('-')
        || text.contains(bad)
        || text.contains("..")
        || text.contains("@{")
        || text == "@")
        && text.split('/').all(is_part)
}

/// Whether it can stand between two slashes of a ref's name.
fn is_part(text: &str) -> bool {
    !(text.is_empty() || text.starts_with('.') || text.ends_with('.') || text.ends_with(".lock"))
}

impl TagName {
    /// What stands in a record in the place of a tag where there is none: the
    /// commit's whole id.
    pub fn of_commit(commit: Oid) -> TagName {
        TagName(commit.to_string())
    }

    /// The commit it is, where it stands in the place of a tag.
    pub fn as_commit(&self) -> Option<Oid> {
        self.0.parse().ok()
    }

    /// The name for people: a commit's is short.
    pub fn label(&self) -> &str {
        match self.as_commit() {
            Some(_) => &self.0[..SHORT],
            None => &self.0,
        }
    }
}

/// How many digits of an id people are shown.
const SHORT: usize = 7;

/// A git object id, the SHA-1 of its content, written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; Oid::BYTES]);

impl Oid {
    /// How many bytes an id has.
    pub const BYTES: usize = 20;

    /// How many digits a whole id has.
    pub const DIGITS: usize = 2 * Oid::BYTES;

    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; Oid::BYTES]) -> Oid {
        Oid(bytes)
    }

    /// From raw bytes; `None` if they are too few or too many.
    pub fn from_slice(bytes: &[u8]) -> Option<Oid> {
        bytes.try_into().ok().map(Oid)
    }

    /// The id whose digits a line begins with; `None` if it does not begin with one.
    pub fn at_start_of(line: &[u8]) -> Option<Oid> {
        std::str::from_utf8(line.get(..Oid::DIGITS)?).ok()?.parse().ok()
    }

    /// Whether a text is the id of an object by another hash than this version reads (SHA-256).
    pub fn is_of_another_kind(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; Oid::BYTES] {
        &self.0
    }

    /// The folder and the file, below `objects/`, of an object that lies in a file of its own.
    pub fn loose_path(&self) -> (String, String) {
        let (first, rest) = self.0.split_at(1);
        (digits(first), digits(rest))
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> String {
        let mut short = digits(&self.0[..SHORT.div_ceil(2)]);
        short.truncate(SHORT);
        short
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl FromStr for Oid {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        unhex(text).map(Oid).ok_or_else(|| BadName(format!("{text:?} is not a full object id")))
    }
}

/// A SHA-256 digest (FIPS 180-4), written `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Sha256 {
        Sha256(bytes)
    }

    /// The 64 hex digits alone.
    pub fn hex(&self) -> String {
        self.to_string()["sha256:".len()..].to_owned()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        hex(&self.0, f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        text.strip_prefix("sha256:")
            .and_then(unhex)
            .map(Sha256)
            .ok_or_else(|| BadName(format!("{text:?} is not a sha256 digest")))
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // As one text: a list of thousands of ids is mostly this.
    f.write_str(&digits(bytes))
}

fn digits(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Lower-case hex only, so that parse and print are inverse.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let fits = text.len() == 2 * N && HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).is_ok();
    fits.then_some(bytes)
}

/// Who did something: `Name <email>`, as git knows them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor {
    /// The person's name; never contains `<`, `>` or a line break.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Actor {
    /// An actor whose parts are stripped of what git's own format cannot hold.
    pub fn new(name: &str, email: &str) -> Actor {
        let bad = |c: char| matches!(c, '<' | '>') || c.is_control();
        // Other scripts have control characters of more than one byte.
        let may_be_bad = |b: u8| !(b' '..=b'~').contains(&b) || matches!(b, b'<' | b'>');
        let clean = |text: &str| match text.bytes().any(may_be_bad) {
            true => text.replace(bad, "").trim().to_owned(),
            false => text.trim().to_owned(),
        };
        Actor { name: clean(name), email: clean(email) }
    }

    /// Whether both are one person, by e-mail.
    pub fn is(&self, other: &Actor) -> bool {
        self.email.eq_ignore_ascii_case(&other.email)
            || HostAccount::of(&self.email)
                .is_some_and(|account| HostAccount::of(&other.email).is_some_and(|other| account.is(&other)))
    }
}

/// The account that an address of a host stands for which hides a person's
/// own: GitHub's `login@users.noreply.github.com` and
/// `123+login@users.noreply.github.com`, GitLab's
/// `123-login@users.noreply.gitlab.com`, Gitea's and Forgejo's
/// `login@noreply.codeberg.org`, those of servers of one's own too.
struct HostAccount<'a> {
    host: &'a str,
    /// The number, which stays where the login changes.
    id: Option<&'a str>,
    login: &'a str,
}

impl<'a> HostAccount<'a> {
    fn of(email: &'a str) -> Option<HostAccount<'a>> {
        let (local, host) = email.rsplit_once('@')?;
        if !host.split('.').rev().skip(1).any(|label| label.eq_ignore_ascii_case("noreply")) {
            return None;
        }
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let numbered =
            |between| local.split_once(between).filter(|(id, login)| is_id(id) && !login.is_empty());
        // A login of GitHub's may itself begin with a number and a dash.
        let dash = if host.eq_ignore_ascii_case("users.noreply.github.com") { None } else { numbered('-') };
        let (id, login) = match numbered('+').or(dash) {
            Some((id, login)) => (Some(id), login),
            None => (None, local),
        };
        Some(HostAccount { host, id, login })
    }

    fn is(&self, other: &HostAccount<'_>) -> bool {
        let same = match (self.id, other.id) {
            (Some(id), Some(other)) => id == other,
            _ => self.login.eq_ignore_ascii_case(other.login),
        };
        same && self.host.eq_ignore_ascii_case(other.host)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

impl FromStr for Actor {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        text.strip_suffix('>')
            .and_then(|rest| rest.split_once('<'))
            .map(|(name, email)| Actor::new(name, email))
            .ok_or_else(|| BadName(format!("{text:?} is not of the form \"Name <email>\"")))
    }
}

/// One deployment of one environment: `prod#812`. The number is also its
/// fencing token: later ones are larger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentId {
    /// The environment it is numbered in.
    pub environment: EnvName,
    /// Its number in the environment's chain, from 1.
    pub seq: u64,
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.environment, self.seq)
    }
}

/// Whose output is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrintedBy {
    /// A deployment's: `prod#812`.
    Deployment(DeploymentId),
    /// That of the build of a candidate with this tag, whether it was made or not.
    Build(TagName),
}

impl FromStr for PrintedBy {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let tag = || text.parse().ok().filter(|_| !text.contains('#')).map(PrintedBy::Build);
        text.parse().map(PrintedBy::Deployment).or_else(|bad| tag().ok_or(bad))
    }
}

impl FromStr for DeploymentId {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName(format!("{text:?} is not a deployment; one is written ENV#N, like prod#812"));
        let (environment, seq) = text.split_once('#').ok_or_else(bad)?;
        Ok(DeploymentId {
            environment: environment.parse().map_err(|_| bad())?,
            seq: seq.parse().map_err(|_| bad())?,
        })
    }
}
