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
use self::place::{CAPPED, COUPONS, Change, Place, WRAPPING};
use crate::domain::report::Document;
use crate::domain::report::clone::DemoReport;
use crate::exec::Interrupts;
use crate::failure::{Doing, Result};
use crate::ui::screen::Screen;
use crate::ui::text;
use crate::world::World;

/// Exit codes of a step that goes well.
const WELL: &[i32] = &[0];
/// The exit code of a command that failed, and whose failure is recorded.
const RECORDED: &[i32] = &[6];

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
    let place = Place::build(world, &children, dir)?;
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
    place: Place,
    /// This program.
    program: OsString,
    /// Whether the tour is walked in silence.
    hidden: bool,
    /// The commands shown so far.
    steps: usize,
}

impl Tour<'_> {
    /// The story. It keeps to the rules it tells of: a fix is picked onto the
    /// release that has the fault, since trunk has moved on; a rollback leaves
    /// prod held, which somebody opens when the fix is there.
    fn walk(&mut self) -> Result<()> {
        self.welcome();

        self.say("One project, two environments, and nothing live yet.");
        self.rel(&["status"])?;
        self.say("Cut trunk's tip into a candidate of the next release. It is built once, now.");
        self.rel(&["cut"])?;
        self.say("Deploy it to staging. It would ask first; --yes is the answer beforehand.");
        self.rel(&["deploy", "staging", "--yes"])?;
        self.say("It did well there, so the same bytes go on to prod. Nothing is built again.");
        self.rel(&["promote", "prod", "--yes"])?;
        self.say("All of that is kept in git, where any clone can read it without rel.");
        self.git(&["log", "--oneline", "refs/notes/rel/shop/env/prod"])?;

        self.trunk(&COUPONS)?;
        self.say("The week goes on: Ben has pushed a feature to trunk.");
        self.git(&["log", "--oneline", "-1"])?;
        self.say("A feature since 1.1.0, so this is 1.2.0, and its first candidate.");
        self.rel(&["cut"])?;
        self.say("On staging all is well.");
        self.rel(&["deploy", "staging", "--yes"])?;
        self.say("On prod as well: every check passes.");
        self.rel(&["promote", "prod", "--yes"])?;
        self.say("Then a customer buys a loaf of bread, which costs 3.");
        self.shop(&["total", "bread"])?;
        self.say("The shop pays its customers! Back to what was live before, without a build.");
        self.rel(&["rollback", "prod", "--reason", "carts cost less than nothing", "--yes"])?;
        self.say("Customers pay again. Prod is held, so that nobody brings the fault back.");
        self.shop(&["total", "bread"])?;

        self.trunk(&WRAPPING)?;
        self.trunk(&CAPPED)?;
        let fix = self.place.head(&self.children)?;
        self.say("Kim has mended it on trunk, on top of gift wrapping that nobody has tried.");
        self.git(&["log", "--oneline", "-3"])?;
        self.say("So the fix alone is picked onto the release with the fault, and built once.");
        self.rel(&["cherry-pick", &fix, "--onto", "1.2.0"])?;
        self.say("That is a candidate like any other: to staging,");
        self.rel(&["deploy", "staging", "--yes"])?;
        self.say("then prod is opened again,");
        self.rel(&["unlock", "prod", "--reason", "the fix is on staging"])?;
        self.say("and it gets the fix, without the gift wrapping.");
        self.rel(&["promote", "prod", "--yes"])?;
        self.say("The coupon pays for the bread, and no more than that.");
        self.shop(&["total", "bread"])?;

        self.say("Now trunk as it is, gift wrapping and all.");
        self.rel(&["cut"])?;
        self.say("Its check fails on staging, and staging goes back by itself.");
        self.rel_ending(&["deploy", "staging", "--yes"], RECORDED)?;
        self.say("Who put what on prod, and how it went, newest first.");
        self.rel(&["log", "prod"])?;
        self.say("And where everything stands now.");
        self.rel(&["status"])?;

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

    /// One line of explanation, ahead of what it explains.
    fn say(&self, line: &str) {
        self.print(&format!("\n{}", self.screen.strong(&format!("# {line}"))));
    }

    /// Shows a command of `rel` and runs it.
    fn rel(&mut self, args: &[&str]) -> Result<()> {
        self.rel_ending(args, WELL)
    }

    fn rel_ending(&mut self, args: &[&str], expected: &[i32]) -> Result<()> {
        let program = self.program.clone();
        self.step("rel", &program, args, expected)
    }

    /// Shows a command of git and runs it.
    fn git(&mut self, args: &[&str]) -> Result<()> {
        self.step("git", &"git".into(), args, WELL)
    }

    /// Shows how somebody uses the shop that is live.
    fn shop(&mut self, args: &[&str]) -> Result<()> {
        let program = "../servers/prod/current/shop";
        let path = self.place.root.join("servers/prod/current/shop").into_os_string();
        self.step(program, &path, args, WELL)
    }

    fn step(&mut self, name: &str, program: &OsString, args: &[&str], expected: &[i32]) -> Result<()> {
        self.steps += 1;
        let words = std::iter::once(name).chain(args.iter().copied());
        let typed = words.map(text::quote).collect::<Vec<_>>().join(" ");
        self.print(&self.prompt(&typed));
        self.children.show(&self.place.shop, program, args, &typed, expected)
    }

    /// Something happens on trunk meanwhile.
    fn trunk(&self, change: &Change) -> Result<()> {
        self.place.publish(&self.children, change)
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
