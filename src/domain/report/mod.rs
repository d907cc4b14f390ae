//! What verbs have to say, as facts.
//!
//! Each verb makes one report; `ui` writes it as text, and `--json` prints it
//! as it serializes. A dry run makes the same report with less in it.

pub mod candidate;
pub mod changelog;
pub mod changes;
pub mod clone;
pub mod deployment;
pub mod diff;
pub mod gate;
pub mod list;
pub mod policy;
pub mod recovered;
pub mod ship;
pub mod status;
pub mod sync;
pub mod text;
pub mod whereabouts;
pub mod work;

use schemars::JsonSchema;
use serde::Serialize;

use self::candidate::{CandidateReport, CutReport, PickReport, PickedAmong};
use self::changelog::ChangelogReport;
use self::changes::{ApproveReport, BlockingReport, LockReport, SignoffReport, UnlockReport, WaiveReport};
use self::clone::{
    CompletionsReport, ConfigCheckReport, ConfigReport, DemoReport, DoctorReport, HelpReport, InitReport,
    IntegrityReport, ManReport, SchemaReport,
};
use self::deployment::{DeliveryReport, DeploymentReport};
use self::diff::DiffReport;
use self::list::{ListReport, LogReport, ShowReport};
use self::policy::PolicyReport;
use self::ship::ShipReport;
use self::status::StatusReport;
use self::sync::SyncReport;
use self::whereabouts::WhereReport;

/// The document of a run that succeeded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    pub schema: SchemaVersion,
    #[serde(flatten)]
    pub report: Report,
    /// Where trunk's policy is not the one in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
}

impl<R: Into<Report>> From<R> for Document {
    fn from(report: R) -> Document {
        Document { schema: SchemaVersion, report: report.into(), policy: None }
    }
}

/// The version of these documents, 1: members are only ever added.
#[derive(Debug, Clone, Copy)]
pub struct SchemaVersion;

impl Serialize for SchemaVersion {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u8(1)
    }
}

impl JsonSchema for SchemaVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": 1 })
    }
}

macro_rules! reports {
    ($($variant:ident($report:ident)),* $(,)?) => {
        /// What a verb has to say.
        #[derive(Debug, Serialize, JsonSchema)]
        #[serde(untagged)]
        pub enum Report {
            $($variant(Box<$report>),)*
            /// Nothing but that it was done.
            Nothing {},
        }
        $(impl From<$report> for Report {
            fn from(report: $report) -> Report {
                Report::$variant(Box::new(report))
            }
        })*
    };
}

reports!(
    Approve(ApproveReport),
    Signoff(SignoffReport),
    Blocking(BlockingReport),
    Changelog(ChangelogReport),
    Pick(PickReport),
    Completions(CompletionsReport),
    Config(ConfigReport),
    ConfigCheck(ConfigCheckReport),
    Cut(CutReport),
    Delivery(DeliveryReport),
    Demo(DemoReport),
    Diff(DiffReport),
    Doctor(DoctorReport),
    Fsck(IntegrityReport),
    Help(HelpReport),
    Init(InitReport),
    List(ListReport),
    Lock(LockReport),
    Log(LogReport),
    Man(ManReport),
    Schema(SchemaReport),
    Ship(ShipReport),
    Show(ShowReport),
    Status(StatusReport),
    Sync(SyncReport),
    Unlock(UnlockReport),
    Waive(WaiveReport),
    Where(WhereReport),
);

/// What stands beside an error.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ErrorCompany {
    /// The deployment that failed, or whose record is unpublished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentReport>,
    /// The rollback that followed by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<DeploymentReport>,
    /// The candidate that is there, or that would have been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateReport>,
    /// The candidates that were made where others were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<PickedAmong>>,
    /// Where trunk's policy is not the one in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
    #[serde(flatten)]
    pub doctor: Option<DoctorReport>,
    #[serde(flatten)]
    pub fsck: Option<IntegrityReport>,
    #[serde(flatten)]
    pub sync: Option<SyncReport>,
}
