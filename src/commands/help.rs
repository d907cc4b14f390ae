//! `rel help json`: what `--json` prints, and its schema. Verbs are clap's to explain.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use schemars::generate::SchemaSettings;
use schemars::{Schema, json_schema};

use crate::domain::report::Document;
use crate::domain::report::clone::{HelpReport, SchemaReport};
use crate::ui::error::FailureDocument;

/// The topic in words.
const TEXT: &str = "\
With --json, or REL_JSON=1, a verb prints one document on stdout, whether it
succeeds or fails, and everything else on stderr. Members are only ever added.

Every document has \"schema\": 1. That of a failure has \"error\", with its kind,
exit_code, message, reasons and hints; where something ran all the same,
\"deployment\", \"rollback\" or \"candidate\" stand beside it. A dry run prints the
document of the run with \"dry_run\": true and less in it. Times are RFC 3339, UTC.

The JSON schema of every document:

  rel help json --schema
";

/// Prints the topic, if it is what is asked for.
pub fn answer(argv: &[OsString]) -> Option<ExitCode> {
    let words: Vec<&str> = argv.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let (flags, words): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|word| word.starts_with('-'));
    let (with_schema, as_json) = (flags.contains(&"--schema"), flags.contains(&"--json"));
    if words != ["help", "json"] || flags.len() != usize::from(with_schema) + usize::from(as_json) {
        return None;
    }
    let document = match (with_schema, as_json) {
        (false, true) => Document::from(HelpReport { text: TEXT.to_owned() }),
        (true, true) => Document::from(SchemaReport(schema())),
        (true, false) => return Some(say(&format!("{:#}\n", schema().as_value()))),
        (false, false) => return Some(say(TEXT)),
    };
    // By way of a value, so that members come in the order of their names.
    let document = serde_json::to_value(document).expect("the keys of a document are texts");
    Some(say(&format!("{document}\n")))
}

fn say(text: &str) -> ExitCode {
    // A closed pipe is no reason to fail at saying so.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The JSON schema of every document.
fn schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let either =
        [generator.subschema_for::<Document>(), generator.subschema_for::<FailureDocument<'static>>()];
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The documents of rel --json",
        "anyOf": either,
        "$defs": generator.take_definitions(true),
    })
}
