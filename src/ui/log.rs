//! Deployments as a table, newest first.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::noted::Noted;
use super::screen::{Screen, escape_json};
use super::text::{clean, quote, truncate};
use super::time;
use crate::domain::env::{Action, Deployment, Progress, Trigger};
use crate::domain::name::Actor;
use crate::domain::report::deployment::DeploymentReport;

/// Columns a name may take in a table on a terminal.
const NAME: usize = 16;

/// A person, or a pipeline and for whom it works: `ci for kim`.
pub fn person(actor: &Actor, on_behalf_of: Option<&Actor>) -> String {
    let name = |actor: &Actor| clean(if actor.name.is_empty() { &actor.email } else { &actor.name });
    match on_behalf_of {
        Some(other) if !other.is(actor) => format!("{} for {}", name(actor), name(other)),
        _ => name(actor),
    }
}

/// [`person`] as a cell of a table: short on a terminal.
pub fn person_cell(screen: &Screen, actor: &Actor, on_behalf_of: Option<&Actor>) -> String {
    let person = person(actor, on_behalf_of);
    if screen.width().is_some() { truncate(&person, NAME) } else { person }
}

/// The deployments in the order given.
///
/// A row shows where it came from and where to, where the terminal is wide
/// enough; what failed, was overridden or undone, and why, stands beside or
/// below it.
pub fn table(screen: &Screen, deployments: &[DeploymentReport], now: DateTime<Utc>) -> String {
    let wide = rows(screen, deployments, now, true);
    match screen.width() {
        Some(width) if !wide.fits(width) => rows(screen, deployments, now, false).render(Some(width)),
        width => wide.render(width),
    }
}

fn rows(screen: &Screen, deployments: &[DeploymentReport], now: DateTime<Utc>, wide: bool) -> Noted {
    let mut noted = Noted::new(&["id", "action", "candidate", "state", "when", "took", "by"]);
    for DeploymentReport(deployment) in deployments {
        let from = deployment.from_tag.as_ref().filter(|from| **from != deployment.tag);
        let candidate = match from {
            Some(from) if wide => format!("{} -> {}", from.label(), deployment.tag.label()),
            _ => deployment.tag.label().to_owned(),
        };
        let state = deployment.state.to_string();
        let took = match deployment.finished_at {
            // Written down afterwards: nobody said how long it took.
            Some(end) if deployment.trigger == Trigger::Recorded && end == deployment.started_at => {
                "-".to_owned()
            }
            Some(end) => time::span(time::between(deployment.started_at, end)),
            None => "-".to_owned(),
        };
        let mut remarks = remarks(deployment);
        if let Some(from) = from
            && !wide
        {
            // Not "replaced": one that failed may have replaced nothing.
            let direction = if deployment.action == Action::Rollback { "back from" } else { "from" };
            remarks.insert(0, format!("{direction} {}", from.label()));
        }
        noted.push(
            vec![
                deployment.id.to_string(),
                match deployment.action {
                    Action::Rollback => screen.caution(&deployment.action.to_string()),
                    Action::Deploy | Action::Redeploy => deployment.action.to_string(),
                },
                candidate,
                match deployment.state {
                    Progress::Succeeded => screen.good(&state),
                    Progress::Running => screen.strong(&state),
                    Progress::Failed => screen.bad(&state),
                    Progress::Cancelled | Progress::Unknown => screen.caution(&state),
                },
                time::ago(now, deployment.started_at),
                took,
                person_cell(screen, &deployment.actor, deployment.on_behalf_of.as_ref()),
            ],
            &remarks,
        );
    }
    noted
}

/// What there is to know of a deployment beyond that it took place.
fn remarks(deployment: &Deployment) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(phase) = deployment.phases.last().filter(|phase| phase.state != Progress::Succeeded) {
        remarks.push(format!("in {}", phase.name));
    }
    if let Some(code) = deployment.exit_code.filter(|code| *code != 0) {
        remarks.push(format!("exit {code}"));
    }
    if !deployment.overrides.is_empty() {
        let gates: Vec<&str> = deployment.overrides.iter().map(|passed| passed.gate.as_str()).collect();
        remarks.push(format!("overrode {}", gates.join(", ")));
    }
    if let Some(undone) = &deployment.reverts {
        remarks.push(format!("undid {undone}"));
    }
    if deployment.offline {
        remarks.push("offline".to_owned());
    }
    match deployment.trigger {
        Trigger::Person => {}
        Trigger::AutoDeploy => remarks.push("by itself, after the cut".to_owned()),
        Trigger::OnFailure => remarks.push("by itself, after the failure".to_owned()),
        Trigger::Recorded => remarks.push("recorded".to_owned()),
    }
    if let Some(reason) = &deployment.reason {
        remarks.push(format!("\"{reason}\""));
    }
    remarks
}

/// The members of a deployment's document, in the order of the columns.
const COLUMNS: [&str; 29] = [
    "id",
    "seq",
    "environment",
    "action",
    "tag",
    "version",
    "commit",
    "from_tag",
    "state",
    "certain",
    "actor",
    "on_behalf_of",
    "host",
    "run_url",
    "trigger",
    "reason",
    "overrides",
    "gates",
    "approvals",
    "policy_commit",
    "commands_commit",
    "started_at",
    "finished_at",
    "exit_code",
    "reverts",
    "rel_version",
    "phases",
    "params",
    "offline",
];

/// The deployments as CSV (RFC 4180, lines end in a line feed): a header, and
/// a line for each. The columns are the members of the JSON document. Null is
/// empty, a list is its JSON, and control characters are spelled out, so that
/// a row is always one line. Nothing is changed for the sake of spreadsheets:
/// a cell that begins with `=` is data.
pub fn csv(deployments: &[DeploymentReport]) -> String {
    let in_memory = "memory takes every record of as many cells as the header has";
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).expect(in_memory);
    for deployment in deployments {
        let document = serde_json::to_value(deployment).expect("the keys of a document are texts");
        let cells = COLUMNS.map(|name| match &document[name] {
            Value::Null => String::new(),
            Value::String(text) => clean(text),
            Value::Array(list) if list.is_empty() => String::new(),
            other => escape_json(&other.to_string()).into_owned(),
        });
        writer.write_record(cells).expect(in_memory);
    }
    let bytes = writer.into_inner().expect(in_memory);
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

/// What there is to say where deployments exist, but none that was asked for.
pub const NONE_LIKE_IT: &str = "no deployment is like that: rel log shows them all";

/// What there is to say where no deployment is to be shown.
pub fn none(environment: Option<&str>) -> String {
    match environment {
        Some(name) => format!("nothing was deployed to {name} yet: rel deploy {}", quote(name)),
        None => "nothing was deployed yet: rel deploy ENV".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{actor, deployment, screen, time};
    use super::*;
    use crate::domain::env::{Action, Override};
    use crate::domain::gate::Gate;

    fn deployments() -> Vec<DeploymentReport> {
        let mut running = deployment("prod#815", "1.6.0-rc.3", Some("v1.5.1-rc.1"));
        running.state = Progress::Running;
        (running.finished_at, running.exit_code) = (None, None);
        running.actor = actor("a-robot-of-considerable-length");
        let mut back = deployment("prod#814", "1.5.1-rc.1", Some("v1.6.0-rc.2"));
        back.action = Action::Rollback;
        back.reverts = Some("prod#813".parse().unwrap());
        back.trigger = Trigger::OnFailure;
        let mut failed = deployment("prod#813", "1.6.0-rc.2", Some("v1.5.1-rc.1"));
        (failed.state, failed.exit_code) = (Progress::Failed, Some(3));
        failed.overrides = vec![Override { gate: Gate::Soak, text: "12 min of 30 min".to_owned() }];
        failed.reason = Some("hot \u{9b}fix".to_owned());
        [running, back, failed, deployment("prod#811", "1.5.1-rc.1", None)].map(DeploymentReport).into()
    }

    #[test]
    fn without_a_terminal_a_deployment_is_a_line() {
        let now = time("23T14:00");
        let expected = r#"ID        ACTION    CANDIDATE                   STATE      WHEN     TOOK   BY                              NOTE
prod#815  deploy    v1.5.1-rc.1 -> v1.6.0-rc.3  running    2 h ago  -      a-robot-of-considerable-length
prod#814  rollback  v1.6.0-rc.2 -> v1.5.1-rc.1  succeeded  2 h ago  1 min  ana                             undid prod#813; by itself, after the failure
prod#813  deploy    v1.5.1-rc.1 -> v1.6.0-rc.2  failed     2 h ago  1 min  ana                             exit 3; overrode soak; "hot \u{9b}fix"
prod#811  deploy    v1.5.1-rc.1                 succeeded  2 h ago  1 min  ana"#;
        assert_eq!(table(&screen(None), &deployments(), now), expected);
        // A wide terminal differs by the one name that is too long for a column.
        let wide = table(&screen(Some(200)), &deployments(), now);
        assert_eq!(wide.lines().count(), 5);
        assert!(wide.contains("-      a-robot-of-cons…\n"), "{wide}");
    }

    #[test]
    fn at_80_columns_what_went_wrong_stands_below() {
        assert_eq!(
            table(&screen(Some(80)), &deployments(), time("23T14:00")),
            r#"ID        ACTION    CANDIDATE    STATE      WHEN     TOOK   BY
prod#815  deploy    v1.6.0-rc.3  running    2 h ago  -      a-robot-of-cons…
    from v1.5.1-rc.1
prod#814  rollback  v1.5.1-rc.1  succeeded  2 h ago  1 min  ana
    back from v1.6.0-rc.2; undid prod#813; by itself, after the failure
prod#813  deploy    v1.6.0-rc.2  failed     2 h ago  1 min  ana
    from v1.5.1-rc.1; exit 3; overrode soak; "hot \u{9b}fix"
prod#811  deploy    v1.5.1-rc.1  succeeded  2 h ago  1 min  ana"#
        );
    }

    #[test]
    fn csv_has_every_member_and_a_line_for_each() {
        let list = deployments();
        let members: std::collections::BTreeSet<String> =
            serde_json::to_value(&list[0]).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, COLUMNS.map(str::to_owned).into(), "a column for each member");
        let mut odd = list[2].clone();
        odd.0.reason = Some("=1+1, \"x\"\nand \u{1b}[31mred".to_owned());
        let text = csv(&[odd, list[3].clone()]);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        let mut read = ::csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = read.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(header, COLUMNS);
        let rows: Vec<_> = read.records().map(|row| row.unwrap()).collect();
        let cell = |row: usize, name: &str| {
            rows[row].get(COLUMNS.iter().position(|column| *column == name).unwrap()).unwrap()
        };
        assert_eq!(cell(0, "id"), "prod#813");
        assert_eq!(cell(0, "seq"), "813");
        assert_eq!(cell(0, "certain"), "true");
        assert_eq!(cell(0, "reason"), "=1+1, \"x\"\\nand \\u{1b}[31mred");
        assert_eq!(cell(0, "overrides"), r#"[{"gate":"soak","text":"12 min of 30 min"}]"#);
        assert_eq!((cell(0, "gates"), cell(1, "from_tag"), cell(1, "exit_code")), ("", "", "0"));
        assert_eq!(csv(&[]), COLUMNS.join(","));
    }

    #[test]
    fn a_pipeline_works_for_somebody() {
        let (ci, kim) = (actor("ci"), actor("kim"));
        assert_eq!(person(&ci, Some(&kim)), "ci for kim");
        assert_eq!(person(&ci, Some(&ci)), "ci");
        assert_eq!(person(&Actor::new("", "x@y"), None), "x@y");
    }
}
