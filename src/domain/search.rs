//! Which deployments somebody asks for.
//!
//! A search only ever leaves deployments out. It knows no order: times are
//! those of whoever's clock it was, and decide nothing but whether one is shown.

use chrono::{DateTime, Utc};

use super::env::{Deployment, Progress};
use super::name::Actor;

/// What a deployment must be like; what is not set asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Started then or later.
    pub since: Option<DateTime<Utc>>,
    /// Started then or earlier.
    pub until: Option<DateTime<Utc>>,
    /// A part of the name or e-mail of whoever ran it or asked for it, in
    /// whichever case.
    pub by: Option<String>,
    /// In one of these states.
    pub states: Vec<Progress>,
}

impl Search {
    /// Whether this is one of those asked for.
    pub fn takes(&self, deployment: &Deployment) -> bool {
        // Moments are typed to the second at best.
        let at = deployment.started_at.timestamp();
        self.since.is_none_or(|since| at >= since.timestamp())
            && self.until.is_none_or(|until| at <= until.timestamp())
            && (self.states.is_empty() || self.states.contains(&deployment.state))
            && self.by.as_ref().is_none_or(|by| {
                let people = [Some(&deployment.actor), deployment.on_behalf_of.as_ref()];
                people.into_iter().flatten().any(|actor| is_called(actor, by))
            })
    }

    /// Whether it leaves anything out.
    pub fn is_narrow(&self) -> bool {
        *self != Search::default()
    }
}

fn is_called(actor: &Actor, part: &str) -> bool {
    actor.to_string().to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wish_leaves_out_what_it_does_not_fit() {
        let found: Deployment = serde_json::from_value(serde_json::json!({
            "id": "prod#812", "seq": 812, "environment": "prod", "action": "deploy",
            "tag": "v1.6.0-rc.1", "version": "1.6.0-rc.1",
            "commit": "1111111111111111111111111111111111111111",
            "state": "failed", "certain": false,
            "actor": "Release Bot <bot@ci.example.com>", "on_behalf_of": "Kim <kim@example.com>",
            "trigger": "person", "overrides": [], "gates": [], "approvals": [],
            "started_at": "2026-11-23T12:00:00.900Z", "rel_version": "0.1.0",
        }))
        .unwrap();
        let at = |text: &str| Some(format!("2026-11-23T{text}Z").parse().unwrap());
        let by = |part: &str| Search { by: Some(part.to_owned()), ..Search::default() };
        let since = |text: &str| Search { since: at(text), ..Search::default() };
        let until = |text: &str| Search { until: at(text), ..Search::default() };
        let state = |states: &[Progress]| Search { states: states.to_vec(), ..Search::default() };
        for (search, takes) in [
            (Search::default(), true),
            (since("11:59:59"), true),
            (since("12:00:00"), true),
            (since("12:00:01"), false),
            (until("12:00:00"), true),
            (until("11:59:59"), false),
            (by("release bot"), true),
            (by("CI.EXAMPLE"), true),
            (by("kim"), true),
            (by("ana"), false),
            (state(&[Progress::Failed]), true),
            (state(&[Progress::Succeeded, Progress::Failed]), true),
            (state(&[Progress::Succeeded]), false),
            (Search { since: at("11:00:00"), ..by("ana") }, false),
        ] {
            assert_eq!(search.takes(&found), takes, "{search:?}");
        }
        assert!(!Search::default().is_narrow() && by("x").is_narrow());
    }
}
