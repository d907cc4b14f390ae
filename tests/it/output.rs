//! What a run said and how it ended. Holding one means that the promises
//! every run makes were kept: see [`Output::new`].

use std::fmt;

use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// What `rel help json --schema` prints, with no member that it does not name.
#[expect(clippy::disallowed_methods, reason = "it is asked for once, in no world")]
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO_BIN_EXE_rel")).args(["help", "json", "--schema"]).output();
    let mut schema: Value = serde_json::from_slice(&output.expect("it runs").stdout).expect("a schema");
    for document in ["Document", "FailureDocument"] {
        schema["$defs"][document]["unevaluatedProperties"] = Value::Bool(false);
    }
    jsonschema::validator_for(&schema).expect("a schema that can be used")
});

/// A finished run.
pub struct Output {
    /// The arguments, to tell runs apart in a failure.
    pub args: Vec<String>,
    /// The exit code; 128 + n after signal n, as a shell counts.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Output {
    /// Takes a run's output and checks what holds for every run: valid
    /// UTF-8, no escape sequence, no panic, with `--json` exactly one
    /// document that agrees with the exit code, and without it a failure that
    /// says so on stderr.
    pub fn new(args: Vec<String>, code: i32, stdout: Vec<u8>, stderr: Vec<u8>) -> Output {
        let text = |bytes: Vec<u8>, stream: &str| {
            String::from_utf8(bytes)
                .unwrap_or_else(|bad| panic!("{stream} of rel {args:?} is not UTF-8: {bad}"))
        };
        let (stdout, stderr) = (text(stdout, "stdout"), text(stderr, "stderr"));
        let output = Output { args, code, stdout, stderr };
        for stream in [&output.stdout, &output.stderr] {
            let control = |c: char| c.is_control() && c != '\n' && c != '\t';
            assert!(!stream.contains(control), "control characters reached the terminal: {output:?}");
            assert!(!stream.contains("panicked at"), "it panicked: {output:?}");
        }
        let killed = output.code > 128 && output.code != 130;
        if output.wants_json() && !killed {
            let document = output.json();
            assert_eq!(document["schema"], 1, "{output:?}");
            let faults: Vec<String> = SCHEMA.iter_errors(&document).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "not as rel help json --schema has it: {faults:?}\n{output:?}");
            if output.code == 0 {
                assert!(document.get("error").is_none(), "an error beside exit 0: {output:?}");
            } else {
                let error = &document["error"];
                assert_eq!(error["exit_code"], output.code, "{output:?}");
                assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{output:?}");
                assert!(error["reasons"].is_array() && error["hints"].is_array(), "{output:?}");
            }
        } else if output.code != 0 && !killed {
            assert!(output.stderr.contains("error:"), "a failure without a word: {output:?}");
        }
        output
    }

    fn wants_json(&self) -> bool {
        self.args.iter().any(|arg| arg == "--json")
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn code(self, code: i32) -> Output {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails the test unless it was done.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.code(0)
    }

    /// The one document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|bad| panic!("stdout is not one document ({bad}): {self:?}"))
    }

    /// `error.kind`.
    #[track_caller]
    pub fn kind(&self) -> String {
        self.json()["error"]["kind"].as_str().unwrap_or_default().to_owned()
    }

    /// The gates of `error.reasons`, in order.
    #[track_caller]
    pub fn gates(&self) -> Vec<String> {
        let document = self.json();
        let reasons = document["error"]["reasons"].as_array().cloned().unwrap_or_default();
        reasons.iter().map(|reason| reason["gate"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Everything that tells a way on: hints, and what to do about each reason.
    #[track_caller]
    pub fn ways_on(&self) -> String {
        let document = self.json();
        let error = &document["error"];
        let hints = error["hints"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let reasons = error["reasons"].as_array().into_iter().flatten().filter_map(|r| r["message"].as_str());
        hints.chain(reasons).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { args, code, stdout, stderr } = self;
        write!(f, "rel {}\nexit {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", args.join(" "))
    }
}
