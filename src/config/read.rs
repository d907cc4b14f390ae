//! Reads TOML values as Rust ones, noting what is wrong and going on, so that
//! every problem is told at once.
//!
//! A table learns its allowed keys from being asked for them: what the rest
//! of the parser reads and what a message lists cannot drift apart. Knows no
//! key of `release.toml` itself.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::point::Problem;
use crate::domain::config::{Command, parse_duration, parse_size};

/// What has been found wrong so far, and every key that was asked for.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Each key that was asked for, once or more often, behind its table:
    /// `project.name`.
    pub asked: Vec<String>,
}

impl Findings {
    /// Notes a problem.
    pub fn problem(&mut self, span: Range<usize>, text: impl Into<String>) {
        self.problems.push(Problem { span, text: text.into() });
    }
}

/// A value, where it stands and what it is called in messages.
#[derive(Clone)]
pub(super) struct Value<'a> {
    /// Where it stands.
    pub span: Range<usize>,
    /// Its key, or its list's.
    pub key: String,
    value: &'a DeValue<'a>,
}

/// Something read, and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    /// Where.
    pub span: Range<usize>,
    /// What.
    pub value: T,
}

impl<'a> Value<'a> {
    /// Notes that this value is not a `wanted`.
    fn wrong_type<T>(&self, wanted: &str, findings: &mut Findings) -> Option<T> {
        let found = self.value.type_str();
        let text = format!("`{}` has to be {wanted}; this is {} {found}", self.key, article(found));
        findings.problem(self.span.clone(), text);
        None
    }

    /// Notes what is wrong with this value.
    pub fn wrong<T>(&self, text: impl std::fmt::Display, findings: &mut Findings) -> Option<T> {
        findings.problem(self.span.clone(), format!("`{}`: {text}", self.key));
        None
    }

    /// A string.
    pub fn text(&self, findings: &mut Findings) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.wrong_type("a string", findings))
    }

    /// A string that is not blank and has no control characters.
    pub fn line(&self, findings: &mut Findings) -> Option<String> {
        let text = self.text(findings)?;
        if text.trim().is_empty() {
            self.wrong("is empty", findings)
        } else if text.contains(char::is_control) {
            self.wrong("has a control character in it", findings)
        } else {
            Some(text.to_owned())
        }
    }

    /// `text`, which this value holds, if it is a pattern.
    pub fn glob(&self, text: String, findings: &mut Findings) -> Option<String> {
        match globset::Glob::new(&text) {
            Ok(_) => Some(text),
            Err(error) => self.wrong(format!("{text:?} is not a pattern: {}", error.kind()), findings),
        }
    }

    /// Anything that parses from a string with a reason for what it refuses.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, findings: &mut Findings) -> Option<T> {
        match self.text(findings)?.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(error, findings),
        }
    }

    /// A boolean.
    pub fn flag(&self, findings: &mut Findings) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("true or false", findings))
    }

    /// A whole number of at least `least`.
    pub fn count(&self, least: u32, findings: &mut Findings) -> Option<u32> {
        let Some(integer) = self.value.as_integer() else {
            return self.wrong_type("a whole number", findings);
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(count) if count >= least => Some(count),
            _ => self.wrong(format!("has to be a whole number from {least} to {}", u32::MAX), findings),
        }
    }

    /// A duration in the contract's notation.
    pub fn duration(&self, findings: &mut Findings) -> Option<Duration> {
        let Some(text) = self.value.as_str() else {
            return self
                .wrong_type("a duration in quotes, such as \"90s\", \"30m\", \"2h\" or \"1d\"", findings);
        };
        parse_duration(text).map_or_else(|error| self.wrong(error, findings), Some)
    }

    /// A duration longer than none.
    pub fn timeout(&self, findings: &mut Findings) -> Option<Duration> {
        let timeout = self.duration(findings)?;
        if timeout.is_zero() { self.wrong("has to be longer than nothing", findings) } else { Some(timeout) }
    }

    /// A size above none, in bytes.
    pub fn size(&self, findings: &mut Findings) -> Option<u64> {
        let Some(text) = self.value.as_str() else {
            return self.wrong_type("a size in quotes, such as \"95MiB\"", findings);
        };
        match parse_size(text) {
            Ok(0) => self.wrong("has to be larger than nothing", findings),
            Ok(size) => Some(size),
            Err(error) => self.wrong(error, findings),
        }
    }

    /// One of some words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)], findings: &mut Findings) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let Some(text) = self.value.as_str() else {
            return self.wrong_type(&one_of(&words), findings);
        };
        choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).or_else(|| {
            let meant = meant(text, &words);
            self.wrong(
                format!("{text:?} is not one of its values{meant}; it is {}", one_of(&words)),
                findings,
            )
        })
    }

    /// A command: a string for the shell, or an array that is run as it is.
    pub fn command(&self, findings: &mut Findings) -> Option<Command> {
        const NUL: &str = "has a NUL character in it, which no command can be given";
        match self.value {
            DeValue::String(text) if text.trim().is_empty() => {
                self.wrong("the command is empty; leave the key out to run nothing", findings)
            }
            DeValue::String(text) if text.contains('\0') => self.wrong(NUL, findings),
            DeValue::String(text) => Some(Command::Shell(text.to_string())),
            DeValue::Array(_) => {
                let words =
                    self.whole_list(findings, |word, findings| word.text(findings).map(str::to_owned))?;
                if words.first().is_none_or(|program| program.trim().is_empty()) {
                    self.wrong("the command is empty; the first word is the program to run", findings)
                } else if words.iter().any(|word| word.contains('\0')) {
                    self.wrong(NUL, findings)
                } else {
                    Some(Command::Argv(words))
                }
            }
            _ => self.wrong_type(
                "a command: a string for the shell, or an array of strings, the program and its arguments",
                findings,
            ),
        }
    }

    /// An array, each element as `read` reads it. `None` only if it is not an
    /// array: elements that are wrong are noted and left out.
    pub fn list<T>(
        &self,
        findings: &mut Findings,
        mut read: impl FnMut(&Value<'a>, &mut Findings) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(array) = self.value.as_array() else {
            return self.wrong_type("an array", findings);
        };
        Some(array.iter().filter_map(|element| read(&self.element(element), findings)).collect())
    }

    /// Like [`Value::list`], but `None` as soon as one element is wrong.
    pub fn whole_list<T>(
        &self,
        findings: &mut Findings,
        read: impl FnMut(&Value<'a>, &mut Findings) -> Option<T>,
    ) -> Option<Vec<T>> {
        let all = self.value.as_array().map_or(0, |array| array.len());
        self.list(findings, read).filter(|list| list.len() == all)
    }

    /// An array whose elements remember where they stood.
    pub fn placed_list<T>(
        &self,
        findings: &mut Findings,
        mut read: impl FnMut(&Value<'a>, &mut Findings) -> Option<T>,
    ) -> Option<Vec<Placed<T>>> {
        self.list(findings, |element, findings| {
            read(element, findings).map(|value| Placed { span: element.span.clone(), value })
        })
    }

    /// A string, or a local date and time as TOML itself writes one.
    pub fn text_or_datetime(&self, findings: &mut Findings) -> Option<String> {
        match self.value {
            DeValue::Datetime(datetime) => Some(datetime.to_string()),
            _ => self.text(findings).map(str::to_owned),
        }
    }

    /// A table, called `name` in messages and `pattern` among the known keys.
    pub fn table(&self, name: &str, pattern: &str, findings: &mut Findings) -> Option<Table<'a>> {
        match self.value.as_table() {
            Some(table) => Some(Table::new(table, self.span.clone(), name, pattern)),
            None => self.wrong_type("a table", findings),
        }
    }

    fn element(&self, element: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value { span: element.span(), key: self.key.clone(), value: element.get_ref() }
    }
}

/// A table whose keys are asked for one by one.
pub(super) struct Table<'a> {
    /// Where to point when something is missing.
    pub span: Range<usize>,
    /// `environments.prod`; empty for the file itself.
    name: String,
    /// `environments.*`: the name without what the user chose.
    pattern: String,
    /// In the order of the file.
    entries: Vec<Entry<'a>>,
    asked: Vec<&'static str>,
}

/// A key and its value.
struct Entry<'a> {
    key: &'a str,
    key_span: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Table<'a> {
    /// A table at `span`.
    pub fn new(table: &'a DeTable<'a>, span: Range<usize>, name: &str, pattern: &str) -> Table<'a> {
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref(), key_span: key.span(), value })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { span, name: name.to_owned(), pattern: pattern.to_owned(), entries, asked: Vec::new() }
    }

    /// Whether it has this key.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Reads a key, if it is there. Tables stand where their key does.
    pub fn get<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        read: impl FnOnce(&Value<'a>, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        self.asked.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        read(&entry.value(), findings)
    }

    /// Like [`Table::get`], into a place that has the default already.
    pub fn set<T>(
        &mut self,
        key: &'static str,
        place: &mut T,
        findings: &mut Findings,
        read: impl FnOnce(&Value<'a>, &mut Findings) -> Option<T>,
    ) {
        if let Some(value) = self.get(key, findings, read) {
            *place = value;
        }
    }

    /// Reads a table's own table; `read` is given it only if it is there and is one.
    pub fn section<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        read: impl FnOnce(&mut Table<'a>, &mut Findings) -> T,
    ) -> Option<T> {
        let (name, pattern) = (self.below(key), join(&self.pattern, key));
        self.get(key, findings, |value, findings| {
            let mut table = value.table(&name, &pattern, findings)?;
            let read = read(&mut table, findings);
            table.finish(findings);
            Some(read)
        })
    }

    /// The keys a user chose, with their values, in the order of the file.
    pub fn chosen(&self) -> impl Iterator<Item = (Placed<&'a str>, Value<'a>)> {
        self.entries
            .iter()
            .map(|entry| (Placed { span: entry.key_span.clone(), value: entry.key }, entry.value()))
    }

    /// The name of something in this table.
    pub fn below(&self, key: &str) -> String {
        join(&self.name, key)
    }

    /// Notes every key that was never asked for.
    pub fn finish(self, findings: &mut Findings) {
        let unknown = self.entries.iter().filter(|entry| !self.asked.contains(&entry.key));
        for entry in unknown {
            let place = if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) };
            let text = format!(
                "unknown key `{}`{place}{}; known here: {}",
                entry.key,
                meant(entry.key, &self.asked),
                self.asked.join(", ")
            );
            findings.problem(entry.key_span.clone(), text);
        }
        findings.asked.extend(self.asked.iter().map(|key| join(&self.pattern, key)));
    }
}

impl<'a> Entry<'a> {
    fn value(&self) -> Value<'a> {
        let value = self.value.get_ref();
        // A table's own span is its header or all of its body; its key says it better.
        let span = if value.is_table() { self.key_span.clone() } else { self.value.span() };
        Value { span, key: self.key.to_owned(), value }
    }
}

/// `outer.inner`.
fn join(outer: &str, inner: &str) -> String {
    if outer.is_empty() { inner.to_owned() } else { format!("{outer}.{inner}") }
}

/// ` (did you mean …?)`, if one of the words is near enough.
pub(super) fn meant(text: &str, words: &[&str]) -> String {
    words
        .iter()
        .map(|word| (strsim::jaro_winkler(text, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, word)| format!(" (did you mean `{word}`?)"))
}

/// `"a", "b" or "c"`.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
