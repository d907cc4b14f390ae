//! `rel status --watch`: looks again and again, until somebody has seen enough.
//!
//! On a terminal it is a screen that is drawn over. Elsewhere a frame is
//! printed where something changed, and nothing else. A look that fails, as
//! when the remote is away, does not end it: the last frame stays, and how old
//! it is is said.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::cli::Interval;
use crate::delivery::read::reader::Reader;
use crate::delivery::run::hands::Hands;
use crate::domain::report::policy::PolicyReport;
use crate::domain::report::status::StatusReport;
use crate::domain::report::{Document, Report};
use crate::exec::{Change, Window};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::watch::{Frame, Watch};
use crate::ui::{Screen, status, text, time};
use crate::world::World;

/// Between two looks while nothing is going on.
const CALM: Duration = Duration::from_secs(5);

/// Between two looks while a deployment is in flight.
const BUSY: Duration = Duration::from_secs(2);

/// What one look saw.
pub struct Seen {
    pub status: StatusReport,
    pub policy: Option<PolicyReport>,
    /// Whether it is shown in one line.
    pub oneline: bool,
    /// Whether one environment is shown in depth.
    pub in_depth: bool,
}

impl Seen {
    /// How it reads.
    pub fn frame(&self, screen: &Screen) -> String {
        match self.status.environments.first() {
            _ if self.oneline => status::oneline(screen, &self.status),
            Some(environment) if self.in_depth => {
                status::detail(screen, &self.status, environment, &chrono::Local)
            }
            _ => status::overview(screen, &self.status),
        }
    }

    /// Whether something is in flight.
    fn is_busy(&self) -> bool {
        self.status.environments.iter().any(|environment| environment.in_flight.is_some())
    }

    /// What it says, but for when that was found out.
    fn facts(&self) -> String {
        let status = StatusReport { as_of: None, ..self.status.clone() };
        serde_json::to_string(&(status, &self.policy)).expect("the keys of a document are texts")
    }
}

/// Runs until a signal asks to stop, or nobody reads any more; both are a good end.
///
/// # Errors
/// `--json` asks for one document; the first look fails.
pub fn run(
    ui: &Ui,
    reader: &Reader,
    hands: &Hands,
    interval: Interval,
    look: impl Fn(&Ui, &Reader) -> Result<Seen>,
) -> Result<Document> {
    if ui.screen.is_json() {
        return Err(Failure::new(Kind::Usage, "--json prints one document, and --watch has no end")
            .hint("one document at a time: rel status --json"));
    }
    let first = Looked::new(ui, reader.world, &look);
    if let Err(failure) = first.seen {
        // Whoever interrupts the first look has seen enough of it.
        return if hands.interrupts.interrupted() { Ok(Report::Nothing {}.into()) } else { Err(failure) };
    }
    let pause = |busy: bool| match interval {
        Interval::Every(every) => every,
        Interval::Fitting => {
            if busy {
                BUSY
            } else {
                CALM
            }
        }
    };
    let turns = Turns { ui, reader, hands, look: &look, pause: &pause };
    // Without a way to move the cursor a terminal is as good as a file.
    let movable = ui.screen.size().is_some() && reader.world.var("TERM") != Some("dumb");
    if movable {
        turns.on_screen(first)?
    } else {
        turns.in_lines(first)
    }
    Ok(Report::Nothing {}.into())
}

/// A look, and what was said beside it.
struct Looked {
    seen: Result<Seen>,
    beside: String,
    at: DateTime<Utc>,
}

impl Looked {
    /// Looks with everything opened anew: what this clone is told by others
    /// may have changed. Nothing is said but what is kept in `beside`.
    fn new(ui: &Ui, world: &World, look: impl Fn(&Ui, &Reader) -> Result<Seen>) -> Looked {
        let said = Said::default();
        let aside = ui.screen.aside(Box::new(said.clone()), ui.screen.width());
        let at = world.now();
        let ui = Ui { screen: &aside, ..*ui };
        let seen =
            Reader::open(world, ui.options).map_err(Failure::from).and_then(|reader| look(&ui, &reader));
        Looked { seen, beside: said.text(), at }
    }
}

/// Bytes that were written, to be read later.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Looking again, and when.
struct Turns<'t> {
    ui: &'t Ui<'t>,
    reader: &'t Reader<'t>,
    hands: &'t Hands<'t>,
    look: &'t dyn Fn(&Ui, &Reader) -> Result<Seen>,
    pause: &'t dyn Fn(bool) -> Duration,
}

impl Turns<'_> {
    /// Waits, looks, and tells, until it is time to end.
    fn go(&self, mut busy: bool, mut tell: impl FnMut(Looked)) {
        while !self.hands.interrupts.wait((self.pause)(busy)) && !self.ui.screen.is_lost() {
            let looked = Looked::new(self.ui, self.reader.world, self.look);
            // What fails because it was interrupted is not told.
            if self.hands.interrupts.interrupted() {
                return;
            }
            if let Ok(seen) = &looked.seen {
                busy = seen.is_busy();
            }
            tell(looked);
        }
    }

    fn on_screen(&self, first: Looked) -> Result<()> {
        let window = Window::listen()?;
        let mut since = first.at;
        let Ok(seen) = first.seen else { return Ok(()) };
        let busy = seen.is_busy();
        let watch = Watch::open(self.ui.screen, with(seen, first.beside));
        std::thread::scope(|scope| {
            let _closer = window.closer();
            let watch = &watch;
            scope.spawn(move || {
                let tell = |change| match change {
                    Change::Resized => watch.repaint(),
                    Change::Stopped => watch.suspend(),
                };
                window.serve(tell, || watch.resume());
            });
            self.go(busy, |looked| match looked.seen {
                Ok(seen) => {
                    since = looked.at;
                    watch.show(with(seen, looked.beside));
                }
                Err(failure) => watch.note(&self.stale(since, &failure)),
            });
        });
        watch.close();
        Ok(())
    }

    fn in_lines(&self, first: Looked) {
        let screen = self.ui.screen;
        let mut since = first.at;
        let Ok(seen) = first.seen else { return };
        let mut before = seen.facts();
        let mut beside = first.beside;
        let mut failing = false;
        screen.error(&beside);
        screen.result(&seen.frame(screen));
        self.go(seen.is_busy(), |looked| {
            if looked.beside != beside {
                beside = looked.beside;
                screen.error(&beside);
            }
            match looked.seen {
                Ok(seen) => {
                    since = looked.at;
                    failing = false;
                    let now = seen.facts();
                    if now != before {
                        before = now;
                        screen.result(&format!("\n{}", seen.frame(screen)));
                    }
                }
                Err(_) if failing => {}
                Err(failure) => {
                    failing = true;
                    screen.warn(&self.stale(since, &failure));
                }
            }
        });
    }

    /// Since when nothing new is known, and why.
    fn stale(&self, since: DateTime<Utc>, failure: &Failure) -> String {
        let now = self.reader.world.now();
        let age = time::ago(now, since);
        format!("as of {} UTC, {age}: {}", time::clock(since, now), text::clean(&failure.message))
    }
}

/// A frame with what was said beside it below.
fn with(seen: Seen, beside: String) -> Frame {
    Box::new(move |screen| match &*beside {
        "" => seen.frame(screen),
        beside => format!("{}\n\n{beside}", seen.frame(screen).trim_end()),
    })
}
