//! `rel demo`: the whole story on a throw-away repository, told with the real
//! commands.
//!
//! What the user sees are real processes of this very program, typed as a
//! person would. It knows nothing of how they work, and shares no code with
//! them: if they break, the tour stops at that step.

mod children;
mod place;

use std::ffi::OsString;
use std::path::Path;

use self::children::Children;
use self::place::{CAPPED, COUPONS, Change, Playground, WRAPPING};
use crate::domain::report::Document;
use crate::domain::report::clone::DemoReport;
use crate::exec::Interrupts;
use crate::failure::{Doing, Result};
use crate::ui::screen::Screen;
use crate::ui::text;
use crate::world::World;

/// A step of the tour.
#[derive(Debug, Clone, Copy)]
enum TourStep {
    /// A line of explanation, and a command that is typed as it stands and goes well.
    Do(&'static str, &'static str),
    /// The same, with the exit code that belongs to the story.
    Fails(&'static str, &'static str, i32),
    /// Somebody else's commits reach trunk.
    Trunk(&'static [Change]),
}
use TourStep::{Do, Fails, Trunk};

/// How somebody uses the shop that is live.
const BUY: &str = "../servers/prod/current/shop total bread";

/// The story. It keeps to the rules it tells of: a fix is picked onto the
/// release that has the fault, since trunk has moved on; a rollback leaves
/// prod held, which somebody opens when the fix is there. `FIX` stands for the
/// newest commit.
const STORY: [TourStep; 24] = [
    Do("One project, two environments, and nothing live yet.", "rel status"),
    Do("Cut trunk's tip into a candidate of the next release. It is built once, now.", "rel cut"),
    Do(
        "Deploy it to staging. It would ask first; --yes is the answer beforehand.",
        "rel deploy staging --yes",
    ),
    Do(
        "It did well there, so the same bytes go on to prod. Nothing is built again.",
        "rel promote prod --yes",
    ),
    Do(
        "All of that is kept in git, where any clone can read it without rel.",
        "git log --oneline refs/notes/rel/shop/env/prod",
    ),
    Trunk(&[COUPONS]),
    Do("The week goes on: Ben has pushed a feature to trunk.", "git log --oneline -1"),
    Do("A feature since 1.1.0, so this is 1.2.0, and its first candidate.", "rel cut"),
    Do("On staging all is well.", "rel deploy staging --yes"),
    Do("On prod as well: every check passes.", "rel promote prod --yes"),
    Do("Then a customer buys a loaf of bread, which costs 3.", BUY),
    Do(
        "The shop pays its customers! Back to what was live before, without a build.",
        "rel rollback prod --reason 'carts cost less than nothing' --yes",
    ),
    Do("Customers pay again. Prod is held, so that nobody brings the fault back.", BUY),
    Trunk(&[WRAPPING, CAPPED]),
    Do("Kim has mended it on trunk, on top of gift wrapping that nobody has tried.", "git log --oneline -3"),
    Do(
        "So the fix alone is picked onto the release with the fault, and built once.",
        "rel cherry-pick FIX --onto 1.2.0",
    ),
    Do("That is a candidate like any other: to staging,", "rel deploy staging --yes"),
    Do("then prod is opened again,", "rel unlock prod --reason 'the fix is on staging'"),
    Do("and it gets the fix, without the gift wrapping.", "rel promote prod --yes"),
    Do("The coupon pays for the bread, and no more than that.", BUY),
    Do("Now trunk as it is, gift wrapping and all.", "rel cut"),
    Fails("Its check fails on staging, and staging goes back by itself.", "rel deploy staging --yes", 6),
    Do("Who put what on prod, and how it went, newest first.", "rel log prod"),
    Do("And where everything stands now.", "rel status"),
];

/// Builds the place in `dir`, or in a new temporary folder, and walks through
/// it.
///
/// # Errors
/// `dir` holds something (exit 4); a step goes other than told, which is named
/// (exit 1); Ctrl-C (exit 130). From the first step on, what is there stays.
pub fn run(world: &World, screen: &Screen, interrupts: &Interrupts, dir: Option<&Path>) -> Result<Document> {
    let hidden = screen.is_json() || screen.is_quiet();
    let children = Children::new(world, interrupts, hidden);
    let colours = screen.strong("#") != "#";
    let children = if colours { children } else { children.plain() };
    let place = Playground::build(world, &children, dir)?;
    let program = std::env::current_exe().doing("cannot find out where rel itself is")?.into_os_string();
    let mut tour = Tour { screen, children, place, program, hidden, steps: 0 };
    let walked = tour.walk();
    let Tour { place, steps, .. } = tour;
    walked.map_err(|failure| failure.hint(format!("what is there so far: cd {}", quoted(&place.shop))))?;
    if hidden {
        screen.result(&place.shop.display().to_string());
    }
    Ok(DemoReport {
        directory: place.root.display().to_string(),
        repository: place.shop.display().to_string(),
        remote: place.remote.display().to_string(),
        steps,
    }
    .into())
}

/// The tour on its way.
struct Tour<'a> {
    screen: &'a Screen,
    children: Children<'a>,
    place: Playground,
    /// This program.
    program: OsString,
    /// Whether the tour is walked in silence.
    hidden: bool,
    /// The commands shown so far.
    steps: usize,
}

impl Tour<'_> {
    fn walk(&mut self) -> Result<()> {
        self.welcome();
        for step in STORY {
            match step {
                Do(line, typed) => self.step(line, typed, 0)?,
                Fails(line, typed, code) => self.step(line, typed, code)?,
                Trunk(changes) => {
                    for change in changes {
                        self.place.publish(&self.children, change)?;
                    }
                }
            }
        }
        self.farewell();
        Ok(())
    }

    fn welcome(&self) {
        let root = self.place.root.display();
        self.print(&format!(
            "A small shop to play in, with a history, a remote and two servers:\n\
             \n\
             \x20 {root}\n\
             \x20   shop               your clone, with release.toml at its top\n\
             \x20   shop.git           its remote, a bare repository: all the back end there is\n\
             \x20   servers/staging    a server: release folders, and a symlink to the live one\n\
             \x20   servers/prod       the other server\n\
             \n\
             What follows is typed there by Ana, and everything it does is real.\n\
             \n\
             {}",
            self.prompt(&format!("cd {}", quoted(&self.place.shop)))
        ));
    }

    fn farewell(&self) {
        let (shop, root) = (quoted(&self.place.shop), quoted(&self.place.root));
        self.print(&format!(
            "\nThat was the tour, and the place is yours:\n\
             \n\
             \x20 cd {shop}\n\
             \n\
             Things to try there:\n\
             \n\
             \x20 rel show prod                    what is live: its bytes, picks and changes\n\
             \x20 rel log --output staging#4       what the failed deployment printed\n\
             \x20 rel deploy prod v1.3.0-rc.1      refused, and by which gate\n\
             \x20 rel rollback prod                asks first, and says how to undo it\n\
             \x20 cat release.toml deploy.sh       how all of this was set up\n\
             \n\
             The wrapping fails because nobody sells a ribbon: add one to lib/prices.sh,\n\
             commit, git push, and take it all the way in one step: rel ship prod\n\
             \n\
             In a repository of your own, begin with: rel init\n\
             When you have seen enough: rm -rf {root}"
        ));
    }

    /// Explains a command, shows it and runs it.
    fn step(&mut self, line: &str, typed: &str, expected: i32) -> Result<()> {
        let fix = if typed.contains("FIX") { self.place.head(&self.children)? } else { String::new() };
        let typed = typed.replace("FIX", &fix);
        self.print(&format!("\n{}", self.screen.strong(&format!("# {line}"))));
        self.print(&self.prompt(&typed));
        self.steps += 1;
        let words = shell_words::split(&typed).doing("a command of the tour cannot be read")?;
        let (name, args) = words.split_first().expect("a command has a name");
        let program = match name.as_str() {
            "rel" => self.program.clone(),
            name if name.contains('/') => self.place.shop.join(name).into_os_string(),
            name => name.into(),
        };
        self.children.show(&self.place.shop, &program, args, &typed, expected)
    }

    fn prompt(&self, typed: &str) -> String {
        format!("{} {typed}", self.screen.dim("$"))
    }

    fn print(&self, text: &str) {
        if !self.hidden {
            self.screen.result(text);
        }
    }
}

fn quoted(path: &Path) -> String {
    text::quote(&path.to_string_lossy()).into_owned()
}
