//! What a file may ask for that this version cannot do yet, so that callers
//! refuse aloud rather than leave it out in silence.

use crate::domain::config::{Config, Environment};
use crate::domain::name::EnvName;

/// A key that is set and cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The key as the file spells it: `environments.prod.targets`.
    pub key: String,
    /// The environment it belongs to; none if it is the project's.
    pub environment: Option<EnvName>,
    /// What to tell the user: a sentence without its full stop.
    pub text: String,
}

/// Everything in a configuration that cannot be honoured: the project's own
/// keys, then each environment's.
pub fn unsupported(config: &Config) -> Vec<Unsupported> {
    let store = &config.artifacts.store;
    let own = (store != "git" && !store.starts_with("file://")).then(|| {
        let scheme = store.split("://").next().unwrap_or(store);
        told("artifacts.store".to_owned(), None, &format!("the store {scheme}://"))
    });
    own.into_iter().chain(config.environments.iter().flat_map(unsupported_in)).collect()
}

/// Everything in one environment that cannot be honoured.
pub fn unsupported_in(environment: &Environment) -> Vec<Unsupported> {
    let name = &environment.name;
    [("targets", !environment.targets.is_empty(), "several targets")]
        .into_iter()
        .filter(|(_, is_set, _)| *is_set)
        .map(|(key, _, what)| told(format!("environments.{name}.{key}"), Some(name.clone()), what))
        .collect()
}

fn told(key: String, environment: Option<EnvName>, what: &str) -> Unsupported {
    let text = format!("`{key}` is set, but this version does not support {what} yet");
    Unsupported { key, environment, text }
}
