//! The rules that hold between environments: what comes after what, and whose
//! history is whose.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Findings, Placed, meant};
use crate::domain::config::Environment;
use crate::domain::name::EnvName;

/// What the rules between environments point at.
pub(super) struct Places {
    /// Its former names.
    pub formerly: Vec<Placed<EnvName>>,
    /// What it comes after.
    pub after: Vec<Placed<EnvName>>,
}

/// Every `after` names another environment, once; no former name belongs to two.
pub(super) fn check_names(
    environments: &[Environment],
    places: &[Places],
    declared: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let known: Vec<&str> = declared.iter().map(String::as_str).collect();
    let mut former: BTreeMap<&EnvName, &EnvName> = BTreeMap::new();
    for (env, places) in environments.iter().zip(places) {
        let mut seen = BTreeSet::new();
        for Placed { span, value: upstream } in &places.after {
            let problem = if *upstream == env.name {
                format!("{upstream} cannot come after itself")
            } else if !declared.contains(upstream.as_str()) {
                let meant = meant(upstream.as_str(), &known);
                format!("there is no environment {upstream}{meant}; known here: {}", known.join(", "))
            } else if !seen.insert(upstream) {
                format!("{upstream} is listed twice")
            } else {
                continue;
            };
            findings.problem(span.clone(), format!("`after`: {problem}"));
        }
        for Placed { span, value: name } in &places.formerly {
            let problem = if *name == env.name {
                format!("{name} is what it is called now")
            } else if declared.contains(name.as_str()) {
                format!("{name} is another environment, which keeps its own history")
            } else if let Some(other) = former.insert(name, &env.name) {
                if *other == env.name {
                    format!("{name} is listed twice")
                } else {
                    format!("{name} is a former name of {other} too; a history is continued once")
                }
            } else {
                continue;
            };
            findings.problem(span.clone(), format!("`formerly`: {problem}"));
        }
    }
}

/// No environment comes after itself by way of others.
pub(super) fn check_cycles(environments: &[Environment], places: &[Places], findings: &mut Findings) {
    let upstream_of = |at: usize| {
        places[at].after.iter().filter_map(move |placed| {
            let next = environments.iter().position(|env| env.name == placed.value)?;
            (next != at).then_some((next, placed))
        })
    };
    // What remains once all with nothing left upstream are taken away has a cycle upstream of it.
    let mut left: BTreeSet<usize> = (0..environments.len()).collect();
    loop {
        let mut ready: Vec<usize> = Vec::new();
        ready.extend(left.iter().filter(|&&at| upstream_of(at).all(|(next, _)| !left.contains(&next))));
        if !ready.is_empty() {
            left.retain(|at| !ready.contains(at));
            continue;
        }
        let Some(&first) = left.first() else { return };
        // Going upstream within what is left never ends, so it comes back somewhere.
        let mut walk: Vec<(usize, &Placed<EnvName>)> = Vec::new();
        let mut at = first;
        while walk.iter().all(|(seen, _)| *seen != at) {
            let Some((next, by)) = upstream_of(at).find(|(next, _)| left.contains(next)) else { return };
            walk.push((at, by));
            at = next;
        }
        let mut circle: Vec<_> = walk.into_iter().skip_while(|(seen, _)| *seen != at).collect();
        // Told from the member that stands first in the file.
        let top = (0..circle.len()).min_by_key(|&index| circle[index].0).unwrap_or(0);
        circle.rotate_left(top);
        let mut names: Vec<&str> = circle.iter().map(|(at, _)| environments[*at].name.as_str()).collect();
        names.extend(names.first().copied());
        if let Some((_, by)) = circle.first() {
            let text = format!("`after` goes round in a circle: {}", names.join(" -> "));
            findings.problem(by.span.clone(), text);
        }
        // Broken there, others may still be found.
        for (at, _) in circle {
            left.remove(&at);
        }
    }
}
