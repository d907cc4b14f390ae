//! Where things are said: the result on stdout, everything else on stderr.
//!
//! Saying something never fails for the caller. A stream that breaks falls
//! silent for the rest of the run, because a deployment must not end over a
//! closed pipe. What is said is decided elsewhere; this file only decides
//! whether, where and in which colours.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use console::{Style, Term};
use serde::Serialize;

use super::text;
use crate::domain::redact::{CannotSearch, Redactor};

/// Assumed of a terminal that does not tell its width, in columns.
const USUAL_WIDTH: usize = 80;

/// When to colour: `--color`, `REL_COLOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Everywhere; asked for by name, so it beats `NO_COLOR`.
    Always,
    /// Nowhere.
    Never,
}

/// The two streams of a run, and how to speak on them. Shared by threads as
/// it is: lines never mix.
pub struct Screen {
    out: Stream,
    err: Stream,
    quiet: bool,
    verbose: u8,
    json: bool,
    document: Mutex<bool>,
    secrets: Mutex<Redactor>,
}

/// One of the two streams.
struct Stream {
    writer: Mutex<Writer>,
    terminal: bool,
    color: bool,
    width: Option<usize>,
}

/// A writer, until it fails.
struct Writer {
    inner: Box<dyn Write + Send>,
    broken: Option<io::ErrorKind>,
}

impl Stream {
    fn new(writer: Box<dyn Write + Send>, terminal: bool, color: bool, width: Option<usize>) -> Stream {
        Stream {
            writer: Mutex::new(Writer { inner: writer, broken: None }),
            terminal,
            color,
            width: width.filter(|_| terminal),
        }
    }

    /// Writes all of it or falls silent for good.
    fn write(&self, bytes: &[u8]) {
        let mut sink = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.broken.is_none() {
            let written = sink.inner.write_all(bytes).and_then(|()| sink.inner.flush());
            sink.broken = written.err().map(|error| error.kind());
        }
    }

    fn broken(&self) -> Option<io::ErrorKind> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).broken
    }
}

impl Screen {
    /// The screen of this process. `no_color_env` is whether `NO_COLOR` is set
    /// (<https://no-color.org>), or anything else that asks for no colour.
    pub fn new(
        stdout_terminal: bool,
        stderr_terminal: bool,
        color: ColorChoice,
        no_color_env: bool,
        quiet: bool,
        verbose: u8,
        json: bool,
    ) -> Screen {
        let stream = |writer, terminal, term: Term| {
            let color = match color {
                ColorChoice::Auto => terminal && !no_color_env,
                ColorChoice::Always => true,
                ColorChoice::Never => false,
            };
            let width = term.size_checked().map_or(USUAL_WIDTH, |(_, columns)| usize::from(columns));
            Stream::new(writer, terminal, color, Some(width))
        };
        Screen {
            out: stream(Box::new(io::stdout()), stdout_terminal, Term::stdout()),
            err: stream(Box::new(io::stderr()), stderr_terminal, Term::stderr()),
            quiet,
            verbose,
            json,
            document: Mutex::new(false),
            secrets: Mutex::default(),
        }
    }

    /// What is hidden by now, for whoever keeps a text or gets it in pieces.
    pub fn secrets(&self) -> Redactor {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on nothing of these secrets is said either.
    ///
    /// # Errors
    /// All of them together cannot be searched for; those that were hidden
    /// before still are.
    pub fn hide(&self, secrets: &Redactor) -> Result<(), CannotSearch> {
        let mut known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.and(secrets)?;
        Ok(())
    }

    #[cfg(test)]
    /// The same screen over other writers, and over terminals, where there are
    /// any, of `width` columns.
    #[must_use]
    pub fn over(
        self,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        width: Option<usize>,
    ) -> Screen {
        Screen {
            out: Stream::new(out, self.out.terminal, self.out.color, width),
            err: Stream::new(err, self.err.terminal, self.err.color, width),
            ..self
        }
    }

    /// A screen to compose on: as wide as said, coloured as this one is. Its
    /// results are seen nowhere, and what else is said on it goes to `err`.
    #[must_use]
    pub fn aside(&self, err: Box<dyn Write + Send>, width: Option<usize>) -> Screen {
        Screen {
            out: Stream::new(Box::new(io::sink()), self.out.terminal, self.out.color, width),
            err: Stream::new(err, self.out.terminal, self.out.color, width),
            quiet: self.quiet,
            verbose: self.verbose,
            json: false,
            document: Mutex::new(false),
            secrets: Mutex::default(),
        }
    }

    /// What was asked for, on stdout. Silent with `--json`, whose one document
    /// says it instead; see [`Screen::json`].
    pub fn result(&self, text: &str) {
        if !self.json {
            self.say(&self.out, text);
        }
    }

    /// The same, written only where it is shown.
    pub fn result_of(&self, write: impl FnOnce() -> String) {
        if !self.json {
            self.say(&self.out, &write());
        }
    }

    /// Something the user may want to know, on stderr; not with `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&self.err, text);
        }
    }

    /// Something the user should know, on stderr, even with `-q`.
    pub fn warn(&self, text: &str) {
        self.say(&self.err, &format!("{} {text}", self.caution("warning:")));
    }

    /// A whole failure, as [`failure`](super::failure) words it, on stderr.
    pub fn error(&self, text: &str) {
        self.say(&self.err, text);
    }

    /// One line of a command's own output, on stderr as `PREFIX | LINE`,
    /// harmless and without the command's colours; not with `-q`.
    pub fn stream(&self, prefix: &str, line: &[u8]) {
        if !self.quiet {
            let mark = self.dim(&format!("{} |", text::clean(prefix)));
            self.say(&self.err, format!("{mark} {}", text::clean_output(line)).trim_end());
        }
    }

    /// The one document of a run with `--json`, on stdout: readable on a
    /// terminal, one line otherwise. Of several only the first is printed.
    ///
    /// Hostile characters are written as JSON's own escapes, so that the
    /// document means the same and still has no power over a terminal.
    pub fn json(&self, document: &impl Serialize) {
        let mut printed = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *printed, true) {
            return;
        }
        let write = if self.out.terminal { serde_json::to_string_pretty } else { serde_json::to_string };
        let json = write(document).expect("the keys of a document are texts");
        self.say(&self.out, &escape_json(&json));
    }

    /// Bytes for another program or a file, on stdout, exactly as they are:
    /// completions, a man page, what a deployment printed. Never git-hosted
    /// text for a person.
    pub fn raw(&self, bytes: &[u8]) {
        self.out.write(bytes);
    }

    /// Something that went well.
    pub fn good(&self, text: &str) -> String {
        self.style(&Style::new().green(), text)
    }

    /// Something that went wrong, or is refused.
    pub fn bad(&self, text: &str) -> String {
        self.style(&Style::new().red(), text)
    }

    /// Something to look at twice. Not yellow: unreadable on white.
    pub fn caution(&self, text: &str) -> String {
        self.style(&Style::new().magenta(), text)
    }

    /// What matters less.
    pub fn dim(&self, text: &str) -> String {
        self.style(&Style::new().dim(), text)
    }

    /// What matters more.
    pub fn strong(&self, text: &str) -> String {
        self.style(&Style::new().bold(), text)
    }

    /// The name of an environment.
    pub fn env(&self, name: &str) -> String {
        self.style(&Style::new().cyan(), name)
    }

    /// The width of stdout in columns; none if it is not a terminal, and then
    /// nothing is cut or wrapped.
    pub fn width(&self) -> Option<usize> {
        self.out.width
    }

    /// The lines and columns that the terminal on stdout has now; none if it
    /// is no terminal.
    pub fn size(&self) -> Option<(usize, usize)> {
        let (lines, columns) = Term::stdout().size_checked().unwrap_or((24, USUAL_WIDTH as u16));
        Some((usize::from(lines), usize::from(columns))).filter(|_| self.out.terminal)
    }

    /// A drawing on the terminal of stdout: what it moves and clears is the
    /// caller's, its text has gone through [`Screen::shown`].
    pub(super) fn draw(&self, drawing: &str) {
        self.raw(drawing.as_bytes());
    }

    /// A text as stdout may carry it.
    pub(super) fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        text::printable(text, self.out.color)
    }

    /// Whether nobody reads stdout any more.
    pub fn is_lost(&self) -> bool {
        self.out.broken().is_some()
    }

    /// The width of stderr in columns; none if it is not a terminal.
    pub fn err_width(&self) -> Option<usize> {
        self.err.width
    }

    /// Whether the result is one JSON document.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only results and errors are said.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How often `-v` was given.
    pub fn verbosity(&self) -> u8 {
        self.verbose
    }

    /// Why stdout fell silent, if for another reason than that its reader had
    /// enough: a script must not take a half-written result for a whole one.
    pub fn lost_result(&self) -> Option<io::ErrorKind> {
        self.out.broken().filter(|kind| *kind != io::ErrorKind::BrokenPipe)
    }

    fn style(&self, style: &Style, text: &str) -> String {
        if (self.out.color || self.err.color) && !text.is_empty() {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Writes whole lines.
    fn say(&self, stream: &Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        let secrets = self.secrets();
        let text = secrets.text(text);
        let mut text = text::printable(&text, stream.color).into_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        stream.write(text.as_bytes());
    }
}

/// Escapes, within JSON, the hostile characters JSON allows as they are. They
/// can stand only inside strings, and line breaks only outside.
pub(super) fn escape_json(json: &str) -> Cow<'_, str> {
    if text::is_plain(json) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && text::is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A writer whose bytes can be looked at later.
    #[derive(Debug, Clone, Default)]
    pub(in crate::ui) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(in crate::ui) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Fails with this kind, and counts how often it was tried.
    struct Broken(io::ErrorKind, Arc<Mutex<usize>>);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            *self.1.lock().unwrap() += 1;
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn papers(screen: Screen) -> (Screen, Paper, Paper) {
        let (out, err) = (Paper::default(), Paper::default());
        let screen = screen.over(Box::new(out.clone()), Box::new(err.clone()), Some(80));
        (screen, out, err)
    }

    fn plain() -> Screen {
        Screen::new(false, false, ColorChoice::Auto, false, false, 0, false)
    }

    #[test]
    fn results_and_the_rest_go_apart() {
        let (screen, out, err) = papers(plain());
        screen.result("prod runs v1.6.0\n");
        screen.result("");
        screen.note("prod#813 claimed");
        screen.warn("no remote");
        screen.stream("deploy", b"\x1b[32mswitched\x1b[0m 3/3\thosts\r\n");
        screen.stream("deploy", b"");
        assert_eq!(out.text(), "prod runs v1.6.0\n");
        assert_eq!(
            err.text(),
            "prod#813 claimed\nwarning: no remote\ndeploy | switched 3/3    hosts\ndeploy |\n"
        );
    }

    #[test]
    fn quiet_keeps_results_warnings_and_errors() {
        let (screen, out, err) = papers(Screen::new(true, true, ColorChoice::Never, false, true, 2, false));
        screen.result("result");
        screen.note("note");
        screen.stream("deploy", b"line");
        screen.warn("look");
        screen.error("error: no");
        assert_eq!(out.text(), "result\n");
        assert_eq!(err.text(), "warning: look\nerror: no\n");
    }

    #[test]
    fn json_is_one_document_and_nothing_else() {
        let (screen, out, _) = papers(Screen::new(false, true, ColorChoice::Auto, false, false, 0, true));
        screen.result("text");
        let document = json!({"schema": 1, "subject": "\u{1b}[2J\u{9b}\u{202e}\u{e0041}\u{7f}ö"});
        screen.json(&document);
        screen.json(&json!({"second": true}));
        assert_eq!(
            out.text(),
            "{\"schema\":1,\"subject\":\"\\u001b[2J\\u009b\\u202e\\udb40\\udc41\\u007fö\"}\n"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out.text()).unwrap(), document);
    }

    #[test]
    fn json_on_a_terminal_is_readable() {
        let (screen, out, _) = papers(Screen::new(true, true, ColorChoice::Auto, false, false, 0, true));
        screen.json(&json!({"schema": 1}));
        assert_eq!(out.text(), "{\n  \"schema\": 1\n}\n");
    }

    #[test]
    fn colour_belongs_to_the_stream_it_is_written_on() {
        let (screen, out, err) = papers(Screen::new(false, true, ColorChoice::Auto, false, false, 0, false));
        screen.result(&screen.good("ok"));
        screen.note(&screen.env("prod"));
        assert_eq!(out.text(), "ok\n");
        assert_eq!(err.text(), "\x1b[36mprod\x1b[0m\n");
    }

    #[test]
    fn who_gets_colours() {
        let styled = |color, no_color, terminal| {
            let screen = Screen::new(terminal, terminal, color, no_color, false, 0, false);
            screen.bad("x") != "x"
        };
        assert!(styled(ColorChoice::Auto, false, true));
        assert!(!styled(ColorChoice::Auto, true, true));
        assert!(!styled(ColorChoice::Auto, false, false));
        assert!(styled(ColorChoice::Always, true, false));
        assert!(!styled(ColorChoice::Never, false, true));
    }

    #[test]
    fn a_closed_pipe_is_tried_once_and_then_left_alone() {
        for (kind, lost) in [
            (io::ErrorKind::BrokenPipe, None),
            (io::ErrorKind::StorageFull, Some(io::ErrorKind::StorageFull)),
        ] {
            let (tries, err) = (Arc::default(), Paper::default());
            let screen =
                plain().over(Box::new(Broken(kind, Arc::clone(&tries))), Box::new(err.clone()), None);
            screen.result("one");
            screen.raw(b"two");
            screen.json(&json!({}));
            screen.note("still here");
            assert_eq!(*tries.lock().unwrap(), 1);
            assert_eq!(screen.lost_result(), lost);
            assert_eq!(err.text(), "still here\n");
        }
    }

    #[test]
    fn only_a_terminal_has_a_width() {
        let screen = Screen::new(true, false, ColorChoice::Auto, false, false, 0, false);
        let (screen, ..) = papers(screen);
        assert_eq!((screen.width(), screen.err_width()), (Some(80), None));
    }

    #[test]
    fn raw_bytes_stay_as_they_are() {
        let (screen, out, _) = papers(plain());
        screen.raw(b"\tcomplete \x1b[0m");
        assert_eq!(out.text(), "\tcomplete \x1b[0m");
    }

    proptest! {
        #[test]
        fn no_text_reaches_a_plain_stream_with_power(text in any::<String>(), line in any::<Vec<u8>>()) {
            let (screen, out, err) = papers(plain());
            screen.result(&text);
            screen.json(&json!([text]));
            screen.warn(&text);
            screen.stream(&text, &line);
            for said in [out.text(), err.text()] {
                prop_assert!(!said.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{said:?}");
            }
        }
    }
}
