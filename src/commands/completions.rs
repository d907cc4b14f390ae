//! `rel completions`: what makes a shell complete `rel`'s command lines, and
//! the answers it then asks for.
//!
//! The script a shell sources calls `rel` again at each press of the key, with
//! `REL_COMPLETE` set and the words so far behind `--`. [`answer`] is that
//! call: it reads this clone and nothing else, starts no process, asks no
//! remote, and says nothing but words to complete. Whatever goes wrong
//! completes nothing.

mod known;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use self::known::{Known, Word};
use crate::cli::{Cli, Completions, Shell};
use crate::delivery::read::reader::Options;
use crate::delivery::read::revision::TRUNK;
use crate::domain::gate::Gate;
use crate::domain::name::{EnvName, ProjectName};
use crate::domain::report::Document;
use crate::domain::report::clone::CompletionsReport;
use crate::failure::{Failure, Result};
use crate::ui::Screen;
use crate::world::World;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::Shells;

/// The variable by which a sourced script says that it asks, and for which shell.
const VARIABLE: &str = "REL_COMPLETE";

/// Runs the verb: prints the script. It calls `rel` the way it was called now.
///
/// # Errors
/// None in practice: a script is made in memory.
pub fn run(world: &World, screen: &Screen, program: &OsStr, args: &Completions) -> Result<Document> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Elvish => "elvish",
        Shell::Powershell => "powershell",
    };
    let shells = Shells::builtins();
    let shell =
        shells.completer(name).ok_or_else(|| Failure::failed(format!("{name} cannot be completed for")))?;
    let path = Path::new(program);
    // A bare name is looked up on the path at each call, and stays true when rel moves.
    let program = if path.components().count() > 1 { world.cwd.join(path) } else { path.to_owned() };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "rel", "rel", &program.to_string_lossy(), &mut script)?;
    if !screen.is_json() {
        screen.raw(&script);
    }
    let script = String::from_utf8_lossy(&script).into_owned();
    Ok(CompletionsReport { shell: name, script }.into())
}

/// Answers a sourced script, if that is who asks.
pub fn answer(argv: &[OsString], world: &World) -> Option<ExitCode> {
    let shell = world.var(VARIABLE)?;
    let [_, dashes, words @ ..] = argv else { return None };
    if dashes != "--" || words.is_empty() {
        return None;
    }
    let mut said = Vec::new();
    let answered = if shell == "bash" {
        bash(words, world, &mut said)
    } else {
        let shells = Shells::builtins();
        let completer = shells.completer(shell)?;
        let at = index(world).unwrap_or(words.len() - 1);
        let mut command = taught(words, at, world);
        completer.write_complete(&mut command, words.to_vec(), Some(&world.cwd), &mut said)
    };
    let answered = answered.and_then(|()| std::io::stdout().write_all(&said));
    Some(if answered.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which word is being completed, where the shell says so.
fn index(world: &World) -> Option<usize> {
    world.var("_CLAP_COMPLETE_INDEX")?.parse().ok()
}

/// bash tears words apart at `=`, `:` and `@`, and replaces the last piece
/// only; the adapter of the library does not know.
fn bash(words: &[OsString], world: &World, said: &mut Vec<u8>) -> std::io::Result<()> {
    let at = index(world).unwrap_or(words.len() - 1);
    let (words, at, torn) = rejoined(words, at);
    let mut command = taught(&words, at, world);
    let found = engine::complete(&mut command, words, at, Some(&world.cwd))?;
    let separator = world.var("_CLAP_IFS").unwrap_or("\n");
    let values = found.iter().map(|one| one.get_value().to_string_lossy());
    let pieces = values.filter_map(|value| value.strip_prefix(torn.as_str()).map(str::to_owned));
    said.write_all(pieces.collect::<Vec<_>>().join(separator).as_bytes())
}

/// The words as they were typed, the place of the one being completed, and
/// what of that one stands before the piece that bash replaces.
fn rejoined(words: &[OsString], at: usize) -> (Vec<OsString>, usize, String) {
    let breaks = |word: &OsString| matches!(word.to_str(), Some("=" | ":" | "@"));
    let mut whole: Vec<OsString> = Vec::new();
    let (mut place, mut torn) = (0, String::new());
    let mut glue = false;
    for (n, word) in words.iter().enumerate() {
        let opens = n > 1 && breaks(word);
        match whole.last_mut().filter(|_| glue || opens) {
            Some(last) => {
                if n == at && !opens {
                    torn = last.to_string_lossy().into_owned();
                }
                last.push(word);
            }
            None => whole.push(word.clone()),
        }
        if n == at {
            place = whole.len() - 1;
        }
        glue = opens;
    }
    (whole, place, torn)
}

/// The command line with values that know this clone. Flags come up once a
/// dash is typed, or where there is nothing else.
fn taught(words: &[OsString], at: usize, world: &World) -> Command {
    let clone = Arc::new(Clone::of(&words[..at.min(words.len())], world));
    let dash = words.get(at).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
    let mut command = Cli::command();
    command.build();
    teach(command, &clone, dash)
}

fn teach(command: Command, clone: &Arc<Clone>, dash: bool) -> Command {
    let command = command.mut_args(|arg| {
        let hidden = arg.is_hide_set() || !dash && !arg.is_positional();
        let arg = arg.hide(hidden);
        match wanted(&arg) {
            Some(Wanted::Directory) => {
                arg.add(ArgValueCompleter::new(PathCompleter::dir().current_dir(&clone.world.cwd)))
            }
            Some(Wanted::File) => {
                arg.add(ArgValueCompleter::new(PathCompleter::file().current_dir(&clone.world.cwd)))
            }
            Some(wanted) => arg.add(ArgValueCompleter::new(Values { wanted, clone: Arc::clone(clone) })),
            None => arg,
        }
    });
    command.mut_subcommands(|command| teach(command, clone, dash))
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Nothing that could be known: a reason, a number, a duration.
    Nothing,
    Environment,
    /// A candidate, or an environment for what is live there.
    Candidate,
    Release,
    CandidateOrRelease,
    /// Any of the three.
    Target,
    /// A commit of trunk, or a branch.
    Commit,
    /// Anything that `diff` takes.
    Revision,
    /// A deployment that printed something here.
    Printed,
    /// A deployment whose outcome is unknown.
    Unresolved,
    /// What stands in the way and can be taken over.
    Token,
    Gate,
    Project,
    Part,
    Commands,
    Verb,
    Directory,
    File,
}

/// What an argument's value is called decides how it is completed. None where
/// clap completes it by itself, or nobody has decided yet.
fn wanted(arg: &Arg) -> Option<Wanted> {
    if !arg.get_possible_values().is_empty() {
        return None;
    }
    Some(match (arg.get_id().as_str(), arg.get_value_names()?.first()?.as_str()) {
        ("output", "ID") => Wanted::Printed,
        ("release", "X") => Wanted::Release,
        ("take_over" | "token", "N") => Wanted::Token,
        (_, "N" | "X" | "WHY" | "DUR" | "WHEN" | "WHO" | "STATE" | "PATTERN" | "NAME=VALUE") => {
            Wanted::Nothing
        }
        (_, "ENV") => Wanted::Environment,
        (_, "RC") => Wanted::Candidate,
        (_, "RELEASE") => Wanted::Release,
        (_, "RC|RELEASE") => Wanted::CandidateOrRelease,
        (_, "TARGET") => Wanted::Target,
        (_, "REV" | "COMMIT" | "TRUNK_COMMIT") => Wanted::Commit,
        (_, "A" | "B") => Wanted::Revision,
        (_, "ID") => Wanted::Unresolved,
        (_, "GATE") => Wanted::Gate,
        (_, "NAME") => Wanted::Project,
        (_, "PART") => Wanted::Part,
        (_, "WHERE") => Wanted::Commands,
        (_, "VERB") => Wanted::Verb,
        (_, "DIR") => Wanted::Directory,
        (_, "FILE") => Wanted::File,
        _ => return None,
    })
}

/// The clone that a command line is about, read when a value first asks.
struct Clone {
    world: World,
    options: Options,
    /// The environment already named on the line.
    environment: Option<EnvName>,
    known: std::sync::OnceLock<Known>,
}

impl Clone {
    /// From the words before the one being completed.
    fn of(before: &[OsString], world: &World) -> Clone {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(before).ok();
        let mut deepest = matches.as_ref();
        while let Some((_, sub)) = deepest.and_then(|matches| matches.subcommand()) {
            deepest = Some(sub);
        }
        let path = |id: &str| deepest?.try_get_one::<PathBuf>(id).ok().flatten().cloned();
        let project = deepest.and_then(|m| m.try_get_one::<ProjectName>("project").ok().flatten().cloned());
        let environment =
            deepest.and_then(|m| m.try_get_one::<EnvName>("environment").ok().flatten().cloned());
        let options = Options {
            directory: path("directory"),
            config: path("config"),
            project,
            offline: true,
            ..Options::default()
        };
        Clone { world: world.clone(), options, environment, known: std::sync::OnceLock::new() }
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| Known::read(&self.world, &self.options).unwrap_or_default())
    }
}

/// Completes one kind of value.
struct Values {
    wanted: Wanted,
    clone: Arc<Clone>,
}

impl ValueCompleter for Values {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let Some(current) = current.to_str() else { return Vec::new() };
        let fits = |word: &Word| word.text.starts_with(current) && typable(&word.text);
        self.words().into_iter().filter(fits).map(offer).collect()
    }
}

impl Values {
    fn words(&self) -> Vec<Word> {
        let fixed = |words: &[&str]| words.iter().map(|word| Word::new(*word, "")).collect::<Vec<_>>();
        let known = || self.clone.known();
        match self.wanted {
            Wanted::Nothing | Wanted::Directory | Wanted::File => Vec::new(),
            Wanted::Environment => known().environments.clone(),
            Wanted::Candidate => [&known().candidates[..], &known().environments].concat(),
            Wanted::Release => known().releases.clone(),
            Wanted::CandidateOrRelease => [&known().candidates[..], &known().releases].concat(),
            Wanted::Target => [&known().releases[..], &known().candidates, &known().environments].concat(),
            Wanted::Commit => [&known().commits[..], &known().branches].concat(),
            Wanted::Revision => {
                let known = known();
                let trunk = [Word::new(TRUNK, "the remote's trunk")];
                let named = [&known.environments[..], &trunk, &known.candidates, &known.releases].concat();
                [&named[..], &known.branches, &known.commits].concat()
            }
            Wanted::Printed => known().printed.clone(),
            Wanted::Unresolved => known().unresolved.clone(),
            Wanted::Token => {
                let here = |word: &&Word| match &self.clone.environment {
                    Some(environment) => word.text.split('#').next() == Some(environment.as_str()),
                    None => true,
                };
                known().tokens.iter().filter(here).cloned().collect()
            }
            Wanted::Gate => {
                let gates = Gate::ALL.into_iter().filter(|gate| gate.can_be_overridden());
                gates.map(|gate| Word::new(gate.as_str(), "")).collect()
            }
            Wanted::Project => known().project.clone(),
            Wanted::Part => fixed(&["major", "minor", "patch"]),
            Wanted::Commands => fixed(&["trunk", "worktree"]),
            Wanted::Verb => {
                let command = Cli::command();
                let about =
                    |verb: &Command| verb.get_about().map(|about| about.to_string()).unwrap_or_default();
                command.get_subcommands().map(|verb| Word::new(verb.get_name(), about(verb))).collect()
            }
        }
    }
}

fn offer(word: Word) -> CompletionCandidate {
    let help = Some(word.help).filter(|help| !help.is_empty());
    CompletionCandidate::new(word.text).help(help.map(Into::into))
}

/// Whether a shell takes the text for one word that means itself: bash puts a
/// completion on the line as it is, and names in git may hold anything.
fn typable(text: &str) -> bool {
    !text.starts_with('-') && text.chars().all(|c| c.is_alphanumeric() || "._/+#@-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn words_that_bash_tore_apart_are_rejoined() {
        for (torn, at, whole, place, before) in [
            (vec!["rel", "deploy", "pr"], 2, vec!["rel", "deploy", "pr"], 2, ""),
            (
                vec!["rel", "deploy", "prod", "--override", "=", "so"],
                5,
                vec!["rel", "deploy", "prod", "--override=so"],
                3,
                "--override=",
            ),
            (vec!["rel", "diff", "prod", "@", "{1}", "st"], 5, vec!["rel", "diff", "prod@{1}", "st"], 3, ""),
            (vec!["rel", "show", "prod", "@", "{1"], 4, vec!["rel", "show", "prod@{1"], 2, "prod@"),
        ] {
            assert_eq!(rejoined(&words(&torn), at), (words(&whole), place, before.to_owned()), "{torn:?}");
        }
    }

    #[test]
    fn somebody_decided_how_each_value_is_completed() {
        fn look(command: &Command) {
            for arg in command.get_arguments().filter(|arg| arg.get_value_names().is_some()) {
                let known = wanted(arg).is_some() || !arg.get_possible_values().is_empty();
                let takes = arg.get_num_args().is_none_or(|n| n.takes_values());
                assert!(known || !takes, "{}: {:?}", command.get_name(), arg.get_value_names());
            }
            command.get_subcommands().for_each(look);
        }
        let mut command = Cli::command();
        command.build();
        command.get_subcommands().filter(|command| command.get_name() != "help").for_each(look);
    }

    #[test]
    fn what_a_shell_would_obey_is_not_offered() {
        for text in ["v1.6.0-rc.2", "prod#812", "release/größe", "prod@1"] {
            assert!(typable(text), "{text}");
        }
        for text in ["v1;reboot", "$(id)", "`id`", "a b", "-x", "a|b", "v1*", "a\u{202e}b", "a'b", "a\nb"] {
            assert!(!typable(text), "{text}");
        }
    }
}
