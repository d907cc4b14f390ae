//! A failure as a person, or a script, is told it.
//!
//! One shape for all: what happened, every reason, the way on. The exit code
//! is not decided here, see [`crate::failure`]; nor is anything left out.

mod delivery;
mod exec;
mod gate;
mod store;

pub use delivery::ended;
pub use exec::command_error;

use schemars::JsonSchema;
use serde::Serialize;

use super::screen::Screen;
use super::{table, text};
use crate::domain::report::{ErrorCompany, SchemaVersion};
use crate::failure::{Failure, Kind, Reason};

/// What `error:` and the hints are indented by.
const INDENT: usize = 2;

/// What a failure begins with.
const LABEL: &str = "error: ";

/// The failure as text for [`Screen::error`]: the message, the technical
/// causes where something failed that is no rule's doing (of other kinds with
/// `-v`), every reason beside its gate, and last the hints, what to type next.
///
/// All of it is cleaned; it is wrapped only on a terminal.
pub fn failure(failure: &Failure, screen: &Screen) -> String {
    let width = screen.err_width();
    let columns = width.map(|width| width.saturating_sub(INDENT));
    let mut said = format!("{} {}", screen.bad(LABEL.trim_end()), message(&failure.message, width));

    for cause in causes(failure, screen) {
        said.push_str(&format!("\n{:INDENT$}{}", "", screen.dim(&format!("caused by: {cause}"))));
    }
    if !failure.reasons.is_empty() {
        let rows: Vec<(String, String)> = failure
            .reasons
            .iter()
            .map(|reason| (text::clean(&reason.gate), clean_lines(&reason.message, 0)))
            .collect();
        said.push_str("\n\n");
        said.push_str(&table::labelled(&rows, INDENT, width));
        if !failure.hints.is_empty() {
            said.push('\n');
        }
    }
    for line in failure.hints.iter().flat_map(|hint| table::fit(&clean_lines(hint, 0), columns)) {
        said.push_str(&format!("\n{:INDENT$}{line}", ""));
    }
    said
}

/// What happened, wrapped after `error:`.
fn message(message: &str, width: Option<usize>) -> String {
    let message = clean_lines(message, INDENT);
    let Some(width) = width else { return message };
    let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
    let first = text::wrap(&format!("{LABEL}{first}"), width.saturating_sub(INDENT))
        .join(&format!("\n{:INDENT$}", ""));
    let rest = rest.lines().flat_map(|line| text::wrap(line, width)).map(|line| format!("\n{line}"));
    first.trim_start_matches(LABEL).to_owned() + &rest.collect::<String>()
}

/// The failure as the document of a run with `--json`: `schema`, `error`, and
/// the members that stand beside it. Texts are as they were recorded.
pub(crate) fn failure_document(failure: &Failure) -> FailureDocument<'_> {
    FailureDocument {
        schema: SchemaVersion,
        error: ErrorReport {
            kind: failure.kind.word(),
            exit_code: failure.kind.exit_code(),
            message: &failure.message,
            reasons: &failure.reasons,
            hints: &failure.hints,
        },
        beside: &failure.beside,
    }
}

/// The document of a run that failed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailureDocument<'f> {
    schema: SchemaVersion,
    error: ErrorReport<'f>,
    #[serde(flatten)]
    beside: &'f ErrorCompany,
}

/// What went wrong, and what to do about it.
#[derive(Serialize, JsonSchema)]
struct ErrorReport<'f> {
    kind: &'static str,
    exit_code: u8,
    message: &'f str,
    /// Every reason of a refusal.
    reasons: &'f [Reason],
    /// What to type next, or a word on how to go on.
    hints: &'f [String],
}

/// The chain of causes, outermost first, without those that only repeat what
/// was said just before.
fn causes(failure: &Failure, screen: &Screen) -> Vec<String> {
    let asked_for = failure.kind == Kind::Failed || screen.verbosity() > 0;
    let Some(source) = failure.source.as_ref().filter(|_| asked_for) else { return Vec::new() };
    let mut causes = vec![clean_lines(&failure.message, 2 * INDENT)];
    causes.extend(source.chain().map(|cause| clean_lines(&cause.to_string(), 2 * INDENT)));
    causes.dedup();
    causes.remove(0);
    causes
}

/// Cleans each line; those after the first are indented.
fn clean_lines(text: &str, indent: usize) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(text::clean).collect();
    lines.join(&format!("\n{:indent$}", ""))
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::report::deployment::DeploymentReport;
    use crate::ui::ColorChoice;
    use crate::ui::fixtures::deployment;

    fn screen(terminal: bool, verbose: u8) -> Screen {
        Screen::new(terminal, terminal, ColorChoice::Never, false, false, verbose, false).over(
            Box::new(std::io::sink()),
            Box::new(std::io::sink()),
            Some(80),
        )
    }

    fn refusal() -> Failure {
        Failure::new(Kind::Refused, "prod refuses v1.6.0-rc.2 (3 gates); nothing changed")
            .reason("soak", "12 min of 30 min on staging; passes at 14:05")
            .reason("approvals", "0 of 1; bob's does not count, bob deploys\nrel approve v1.6.0-rc.2 prod")
            .reason(
                "lost-fix",
                "live, but not in it: 3fa9b10 \"null cart on empty session\" (picked by ana, 2 days ago)\n\
                 rel cherry-pick 77e02c4 --onto 1.6.0",
            )
            .hint("Waiting alone will not do. Each can be overridden by name, with --reason.")
            .hint("rel deploy prod v1.6.0-rc.2 --override soak --override approvals --override lost-fix --reason WHY")
    }

    #[test]
    fn a_refusal_on_a_terminal() {
        assert_eq!(
            failure(&refusal(), &screen(true, 0)),
            r#"error: prod refuses v1.6.0-rc.2 (3 gates); nothing changed

  soak       12 min of 30 min on staging; passes at 14:05
  approvals  0 of 1; bob's does not count, bob deploys
             rel approve v1.6.0-rc.2 prod
  lost-fix   live, but not in it: 3fa9b10 "null cart on empty session" (picked
             by ana, 2 days ago)
             rel cherry-pick 77e02c4 --onto 1.6.0

  Waiting alone will not do. Each can be overridden by name, with --reason.
  rel deploy prod v1.6.0-rc.2 --override soak --override approvals \
    --override lost-fix --reason WHY"#
        );
    }

    #[test]
    fn without_a_terminal_no_line_is_broken() {
        let said = failure(&refusal(), &screen(false, 0));
        assert!(said.contains("(picked by ana, 2 days ago)\n"), "{said}");
        assert!(said.ends_with("--override lost-fix --reason WHY"), "{said}");
    }

    #[test]
    fn causes_are_named_once_each_and_hints_come_last() {
        let git = anyhow!("fatal: not a repository\nhint: git init\x1b[2J").context("git fetch failed");
        let failed = Failure::failed("cannot read prod's chain").because(git).hint("rel doctor");
        assert_eq!(
            failure(&failed, &screen(true, 0)),
            r"error: cannot read prod's chain
  caused by: git fetch failed
  caused by: fatal: not a repository
    hint: git init\u{1b}[2J
  rel doctor"
        );
        let same: Failure = Err::<(), _>(anyhow!("inner")).context("outer").unwrap_err().into();
        assert_eq!(failure(&same, &screen(false, 0)), "error: outer\n  caused by: inner");
    }

    #[test]
    fn causes_of_other_kinds_need_to_be_asked_for() {
        let bad = Failure::new(Kind::Config, "release.toml: unknown key").because(anyhow!("line 3"));
        assert_eq!(failure(&bad, &screen(false, 0)), "error: release.toml: unknown key");
        assert_eq!(failure(&bad, &screen(false, 1)), "error: release.toml: unknown key\n  caused by: line 3");
    }

    #[test]
    fn json_has_every_member() {
        let failed = Failure::new(Kind::CommandFailed, "deploy failed")
            .reason("hook", "said no")
            .hint("rel log prod")
            .beside(|beside| {
                beside.deployment = Some(DeploymentReport(deployment("prod#812", "1.5.0-rc.2", None)))
            });
        let document = serde_json::to_value(failure_document(&failed)).unwrap();
        assert_eq!(document["deployment"]["id"], "prod#812");
        assert_eq!(
            (&document["schema"], &document["error"]),
            (
                &json!(1),
                &json!({
                    "kind": "command-failed",
                    "exit_code": 6,
                    "message": "deploy failed",
                    "reasons": [{"gate": "hook", "message": "said no"}],
                    "hints": ["rel log prod"],
                })
            )
        );
    }

    proptest! {
        #[test]
        fn no_failure_has_power_over_a_terminal(texts in prop::array::uniform5(any::<String>())) {
            let [message, gate, reason, hint, cause] = texts;
            let failed = Failure::failed(message).reason(gate, reason).hint(hint).because(anyhow!(cause));
            for terminal in [true, false] {
                let said = failure(&failed, &screen(terminal, 0));
                prop_assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
            }
        }
    }
}
