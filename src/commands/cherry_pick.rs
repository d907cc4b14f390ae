//! `rel cherry-pick`: fixes become a release's next candidate.

use super::delivering;
use crate::cli;
use crate::commands::dry_run;
use crate::delivery::candidate::build::{BuildResult, build_candidate};
use crate::delivery::candidate::pick::{
    DefaultTarget, PickConflict, PickFate, PickPlan, PickRequest, PickTarget, default_target, plan, since,
    sources, target,
};
use crate::delivery::candidate::unfinished::{self, Stop, UnfinishedPick};
use crate::delivery::error::Moved;
use crate::delivery::read::reader::Reader;
use crate::delivery::read::snapshot::Snapshot;
use crate::delivery::run::hands::Hands;
use crate::domain::draft::Intended;
use crate::domain::report::Document;
use crate::domain::report::candidate::{PickPreview, PickReport, Picked, PickedAmong, PickedOnto};
use crate::failure::{Failure, Kind, Result};
use crate::ui::front::Ui;
use crate::ui::picks::{self, Row};
use crate::ui::plan::count;
use crate::ui::text::clean;

/// Runs the verb.
///
/// # Errors
/// A conflict (exit 7), an unknown commit or target, a failing build.
pub fn run(ui: &Ui, reader: &Reader, hands: &Hands, args: &cli::CherryPick) -> Result<Document> {
    if args.abort {
        return abort(ui, reader);
    }
    dry_run::begin(ui, reader)?;
    if args.resume {
        let mut snapshot = Snapshot::take(reader, ui.screen)?;
        let UnfinishedPick { wanted, targets, no_deploy, .. } = unfinished::resume(reader)?;
        let asked = Asked { wanted, targets, no_deploy, skip_conflicts: false, resumed: true };
        return asked.pick(ui, reader, hands, &mut snapshot);
    }
    unfinished::must_be_none(reader)?;
    let mut snapshot = Snapshot::take(reader, ui.screen)?;
    let wanted =
        PickRequest { commits: sources(reader, &args.commits)?, mainline: args.mainline, known: Vec::new() };
    let asked = Asked {
        wanted,
        targets: targets(ui, reader, &snapshot, args)?,
        no_deploy: args.no_deploy,
        skip_conflicts: args.skip_conflicts,
        resumed: false,
    };
    asked.pick(ui, reader, hands, &mut snapshot)
}

fn targets(ui: &Ui, reader: &Reader, snapshot: &Snapshot, args: &cli::CherryPick) -> Result<Vec<PickTarget>> {
    if let Some(release) = &args.since {
        return Ok(since(reader, snapshot, release)?);
    }
    if args.onto.is_empty() {
        return Ok(vec![default(ui, snapshot)?]);
    }
    let mut targets: Vec<PickTarget> = Vec::new();
    for onto in &args.onto {
        let target = target(reader, snapshot, onto)?;
        // A release and the environment it is live in may mean one candidate.
        if !targets.iter().any(|known| known.onto == target.onto) {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// What is picked onto where nobody said so; asked where two could be meant.
fn default(ui: &Ui, snapshot: &Snapshot) -> Result<PickTarget> {
    let (live, newest) = match default_target(snapshot)? {
        DefaultTarget::Newest(target) => return Ok(target),
        DefaultTarget::Either { live, newest } => (live, newest),
    };
    let which = format!("{} is the newest release, but {} is the one that is live", newest.0, live.0);
    if !ui.can_ask() || ui.options.yes {
        return Err(Failure::new(Kind::Usage, format!("{which}; which one is meant?"))
            .hint(format!("--onto {}", newest.0))
            .hint(format!("--onto {}", live.0)));
    }
    let choices = [format!("{}, live", live.0), format!("{}, the newest", newest.0)];
    let choices = choices.each_ref().map(String::as_str);
    match ui.asker.choose(&format!("{which}. Pick onto"), &choices)? {
        Some(0) => Ok(live.1),
        Some(_) => Ok(newest.1),
        None => Err(Failure::new(Kind::Interrupted, "interrupted; nothing changed")),
    }
}

fn abort(ui: &Ui, reader: &Reader) -> Result<Document> {
    let waits = unfinished::is_there(reader);
    if !waits {
        return Err(Failure::new(Kind::Refused, "there is no cherry-pick to drop; nothing changed")
            .hint("what there is: rel status"));
    }
    if ui.options.dry_run {
        ui.screen.result("dry run: the unfinished cherry-pick would be dropped, with its worktree");
    } else {
        unfinished::clear(reader)?;
        ui.screen.result("the unfinished cherry-pick is dropped, and its worktree removed");
    }
    Ok(PickReport::Aborted { aborted: !ui.options.dry_run }.into())
}

/// What somebody asked for, now or in an earlier run.
struct Asked {
    wanted: PickRequest,
    targets: Vec<PickTarget>,
    no_deploy: bool,
    skip_conflicts: bool,
    /// Whether a conflict of an earlier run was resolved for it.
    resumed: bool,
}

/// A target with what is planned for it.
type Course<'t> = (&'t PickTarget, PickPlan, Vec<PickFate>);

impl Asked {
    fn pick(mut self, ui: &Ui, reader: &Reader, hands: &Hands, snapshot: &mut Snapshot) -> Result<Document> {
        let targets = self.targets.clone();
        // All trees before any reservation: a conflict in one target mints nothing in another.
        let courses = loop {
            let courses = self.plan(reader, snapshot, &targets)?;
            let conflicts: Vec<&PickConflict> = conflicts(&courses).collect();
            if targets.len() > 1 || !conflicts.is_empty() {
                self.show(ui, snapshot, &courses)?;
            }
            let Some(first) = conflicts.first().filter(|_| !self.skip_conflicts) else { break courses };
            if ui.options.dry_run {
                return Err(conflicting(reader, snapshot, &conflicts, targets.len(), None)?);
            }
            match unfinished::lay_out(reader, &mut self.wanted, &targets, self.no_deploy, first)? {
                Some(stop) => {
                    return Err(conflicting(reader, snapshot, &conflicts, targets.len(), Some(&stop))?);
                }
                None => {
                    self.resumed = true;
                    ui.screen.note(&format!(
                        "{} is resolved as git saw it resolved before (rerere)",
                        first.source.short()
                    ));
                }
            }
        };
        if ui.options.dry_run {
            return self.dry_run(ui, reader, snapshot, courses);
        }
        self.make_all(ui, reader, hands, snapshot, courses)
    }

    fn plan<'t>(
        &self,
        reader: &Reader,
        snapshot: &Snapshot,
        targets: &'t [PickTarget],
    ) -> Result<Vec<Course<'t>>> {
        let course = |target| {
            let mut fates = Vec::new();
            let planned = plan(reader, snapshot, target, &self.wanted, &mut fates)?;
            Ok((target, planned, fates))
        };
        targets.iter().map(course).collect()
    }

    /// The plan over several releases: the whole of a dry run, else a note.
    fn show(&self, ui: &Ui, snapshot: &Snapshot, courses: &[Course<'_>]) -> Result<()> {
        if courses.len() < 2 {
            return Ok(());
        }
        let rows: Vec<Row> =
            courses.iter().map(|(target, planned, _)| row(snapshot, target, planned)).collect();
        let table = picks::table(ui.screen, &rows);
        if ui.options.dry_run {
            ui.screen.result(&table)
        } else {
            ui.screen.note(&table)
        }
        Ok(())
    }

    fn dry_run(
        &self,
        ui: &Ui,
        reader: &Reader,
        snapshot: &Snapshot,
        courses: Vec<Course<'_>>,
    ) -> Result<Document> {
        let several = courses.len() > 1;
        let mut reports = Vec::new();
        for (target, planned, fates) in courses {
            let to = row(snapshot, target, &planned).to;
            let mut plan =
                PickPreview { dry_run: true, onto: target.onto.clone(), to: to.clone(), conflicts: None };
            let mut candidate = None;
            match planned {
                PickPlan::Conflict(conflict) => plan.conflicts = Some(conflict.paths),
                PickPlan::Ready(Intended::Exists(minted)) => {
                    let record = snapshot.record(reader, &minted)?;
                    candidate = Some(delivering::candidate(snapshot, &record));
                    if !several {
                        say(ui, reader, target, &fates)?;
                        let text = format!("{} has all of it already; nothing to make", record.tag);
                        ui.screen.result(&text);
                    }
                }
                PickPlan::Ready(Intended::New(draft)) if !several => {
                    say(ui, reader, target, &fates)?;
                    let to = to.unwrap_or_default();
                    ui.screen.result(&format!("would make {to}\n\n{}", draft.text));
                }
                PickPlan::Ready(Intended::New(_)) => {}
            }
            let policy = delivering::elsewhere(ui.screen, &snapshot.policy);
            reports.push(PickedOnto {
                candidate,
                pick: Picked { plan: Some(plan), policy, ..Picked::default() },
            });
        }
        ui.screen.note("dry run: nothing changed");
        Ok(one_or_several(reports))
    }

    /// Every target builds, succeeds or fails by itself.
    fn make_all(
        &self,
        ui: &Ui,
        reader: &Reader,
        hands: &Hands,
        snapshot: &mut Snapshot,
        courses: Vec<Course<'_>>,
    ) -> Result<Document> {
        let several = courses.len() > 1;
        let mut reports = Vec::new();
        let mut failures: Vec<(&PickTarget, Failure)> = Vec::new();
        for (target, planned, fates) in courses {
            let made = match planned {
                PickPlan::Conflict(conflict) => {
                    let paths = conflict.paths.join(", ");
                    let text = format!("{} conflicts in {paths}", conflict.source.short());
                    let commits: Vec<String> =
                        self.wanted.commits.iter().map(|commit| commit.short().to_string()).collect();
                    let on =
                        format!("rel cherry-pick {} --onto {}", commits.join(" "), onto(snapshot, target));
                    Err(Failure::new(Kind::Conflict, text).hint(on))
                }
                PickPlan::Ready(intended) => {
                    self.make(ui, reader, hands, snapshot, (target, intended, fates))
                }
            };
            match made {
                Ok(mut report) => {
                    report.pick.policy = delivering::elsewhere(ui.screen, &snapshot.policy);
                    reports.push(report);
                }
                Err(failure) if !several || failure.kind == Kind::Interrupted => {
                    return Err(self.kept(failure));
                }
                Err(failure) => {
                    ui.screen.warn(&format!("{}: {}", target.onto, failure.message));
                    failures.push((target, failure));
                }
            }
        }
        if !failures.is_empty() {
            return Err(self.kept(in_part(failures, reports)));
        }
        if self.resumed {
            unfinished::clear(reader)?;
        }
        Ok(one_or_several(reports))
    }

    /// What was resolved is not lost with a build that fails.
    fn kept(&self, failure: Failure) -> Failure {
        if !self.resumed {
            return failure;
        }
        failure
            .hint("what was resolved is kept; try again: rel cherry-pick --continue")
            .hint("or drop it: rel cherry-pick --abort")
    }

    fn make(
        &self,
        ui: &Ui,
        reader: &Reader,
        hands: &Hands,
        snapshot: &mut Snapshot,
        (target, intended, fates): (&PickTarget, Intended, Vec<PickFate>),
    ) -> Result<PickedOnto> {
        let fates = std::cell::RefCell::new(fates);
        // What was planned before a target before this one was made may be stale where both are one release.
        let made = build_candidate(
            reader,
            hands,
            ui.screen,
            snapshot,
            Some(intended),
            &|snapshot| match plan(reader, snapshot, target, &self.wanted, &mut fates.borrow_mut())? {
                PickPlan::Ready(intended) => Ok(intended),
                PickPlan::Conflict(PickConflict { parent, source, paths, .. }) => {
                    Err(Moved::Conflicting { parent, source, paths }.into())
                }
            },
        )?;
        say(ui, reader, target, &fates.borrow())?;
        let mut pick = Picked::default();
        let record = match made {
            BuildResult::Exists(minted) => {
                let record = snapshot.record(reader, &minted)?;
                ui.screen.result(&format!("{} has all of it already; nothing made", record.tag));
                record
            }
            BuildResult::New(record) => {
                let parent = record.parent.as_ref().map_or(String::new(), |parent| format!(" onto {parent}"));
                let fixes = count(record.picks.len(), "fix", "fixes");
                let tag = ui.screen.good(record.tag.as_str());
                ui.screen.result(&format!("{tag} made: {fixes} picked{parent}"));
                pick.made = true;
                if !self.no_deploy {
                    pick.deployments = delivering::auto_deploy(ui, reader, hands, snapshot, &record)?;
                }
                *record
            }
        };
        Ok(PickedOnto { candidate: Some(delivering::candidate(snapshot, &record)), pick })
    }
}

/// How a target is named on the command line.
fn onto(snapshot: &Snapshot, target: &PickTarget) -> String {
    match snapshot.minted(&target.onto).filter(|_| target.follows) {
        Some(minted) => minted.version.release.to_string(),
        None => target.onto.to_string(),
    }
}

fn conflicts<'c>(courses: &'c [Course<'_>]) -> impl Iterator<Item = &'c PickConflict> {
    courses.iter().filter_map(|(_, planned, _)| match planned {
        PickPlan::Conflict(conflict) => Some(conflict),
        PickPlan::Ready(_) => None,
    })
}

/// A line of the plan: the release, from which candidate to which, or why not.
fn row(snapshot: &Snapshot, target: &PickTarget, planned: &PickPlan) -> Row {
    let (from, to, said) = match planned {
        PickPlan::Conflict(conflict) => {
            let paths = conflict.paths.join(", ");
            (conflict.parent.clone(), None, format!("{} conflicts in {paths}", conflict.source.short()))
        }
        PickPlan::Ready(Intended::Exists(minted)) => {
            (minted.tag.clone(), None, "has all of it already".to_owned())
        }
        PickPlan::Ready(Intended::New(draft)) => {
            let number = snapshot.candidates.state.next_number(&draft.release).max(draft.least_number);
            let from = draft.parent.clone().unwrap_or_else(|| target.onto.clone());
            let said = count(draft.picks.len(), "fix", "fixes");
            (from, Some(format!("{}-rc.{number}", draft.release)), said)
        }
    };
    let release = snapshot.minted(&from).map(|minted| minted.version.release.to_string());
    Row { release: release.unwrap_or_default(), from, to, said }
}

/// Of one its candidate and what became of it; of several each candidate with what became of it.
fn one_or_several(mut reports: Vec<PickedOnto>) -> Document {
    match reports.len() {
        1 => PickReport::One(Box::new(reports.remove(0))),
        _ => PickReport::Several { candidates: among(reports) },
    }
    .into()
}

fn among(reports: Vec<PickedOnto>) -> Vec<PickedAmong> {
    reports.into_iter().map(|PickedOnto { candidate, pick }| PickedAmong { candidate, pick }).collect()
}

/// The failure of several targets of which some were not made.
fn in_part(failures: Vec<(&PickTarget, Failure)>, reports: Vec<PickedOnto>) -> Failure {
    let (failed, all) = (failures.len(), failures.len() + reports.len());
    let kinds = || failures.iter().map(|(_, failure)| failure.kind);
    let kind = kinds().find(|kind| *kind == Kind::CommandFailed).or_else(|| kinds().next());
    let message = format!("{failed} of {all} releases got no candidate");
    let mut whole = Failure::new(kind.unwrap_or(Kind::Failed), message);
    for (target, failure) in failures {
        whole = whole.reason(target.onto.as_str(), failure.message);
        whole = failure.hints.into_iter().fold(whole, Failure::hint);
    }
    whole.beside(|beside| beside.candidates = Some(among(reports)))
}

/// The refusal of conflicts, and how to go on.
fn conflicting(
    reader: &Reader,
    snapshot: &Snapshot,
    conflicts: &[&PickConflict],
    targets: usize,
    stop: Option<&Stop>,
) -> Result<Failure> {
    let Some(first) = conflicts.first() else { return Err(Failure::failed("there is no conflict")) };
    let message = if targets == 1 {
        format!("{} conflicts with {}; nothing is made yet", first.source.short(), first.parent)
    } else {
        format!("{} of {targets} releases conflict; nothing is made yet", conflicts.len())
    };
    let mut failure = Failure::new(Kind::Conflict, message);
    for conflict in conflicts {
        let laid_out = stop.filter(|stop| stop.parent == conflict.parent).map(|stop| &stop.paths);
        for path in laid_out.unwrap_or(&conflict.paths) {
            let text = if targets == 1 { path.clone() } else { format!("{}: {path}", conflict.parent) };
            failure = failure.reason("conflict", text);
        }
    }
    failure = match stop {
        Some(stop) => failure
            .hint(format!(
                "it waits in {}: resolve it there, and git add what you resolved; then",
                stop.worktree.display()
            ))
            .hint("rel cherry-pick --continue")
            .hint("or drop it: rel cherry-pick --abort"),
        None => failure.hint("without --dry-run it is laid out in a worktree of its own, to be resolved"),
    };
    if targets > 1 {
        failure = failure.hint("to make the others first: drop it, and pick with --skip-conflicts");
    }
    let Some(minted) = snapshot.minted(&first.parent) else { return Ok(failure) };
    let candidate = delivering::candidate(snapshot, &snapshot.record(reader, minted)?);
    Ok(failure.beside(|beside| beside.candidate = Some(candidate)))
}

/// What became of each commit, where that is not plain from the result.
fn say(ui: &Ui, reader: &Reader, target: &PickTarget, fates: &[PickFate]) -> Result<()> {
    for fate in fates {
        let (commit, what) = match fate {
            PickFate::Picked(pick) => (pick.source, format!("picked as {}", pick.commit.short())),
            PickFate::Contained(commit, how) => (*commit, format!("contained already: {how}")),
            PickFate::Empty(commit) => (*commit, format!("changes nothing on {}", target.onto)),
        };
        let subject = clean(&reader.repo.commit(commit)?.subject);
        ui.screen.note(&format!("{} {subject:?}: {what}", commit.short()));
    }
    Ok(())
}
