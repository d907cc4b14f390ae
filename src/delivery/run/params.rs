//! What an environment's commands are given beside the contract's variables:
//! declared parameters, some of them secret.

use std::collections::BTreeMap;

use crate::delivery::error::Result;
use crate::delivery::error::run::{ParamsFault, RunError};
use crate::delivery::read::reader::Reader;
use crate::domain::config::{Environment, Param};
use crate::domain::env::Deployment;
use crate::domain::name::DeploymentId;
use crate::domain::redact::Redactor;

/// The caller's variable that a value comes from. A secret has no other way
/// in, so that it goes by its own name where the file names none.
fn from_env(param: &Param) -> Option<&str> {
    param.from_env.as_deref().or(param.secret.then_some(param.name.as_str()))
}

/// Every parameter's value.
#[derive(Debug, Clone, Default)]
pub struct Params {
    /// What may be shown and is recorded.
    pub open: BTreeMap<String, String>,
    /// The deployment that recorded some of those, and their names.
    recorded: Option<(DeploymentId, Vec<String>)>,
    /// What must never be.
    secret: BTreeMap<String, String>,
    /// What takes those out of whatever is shown.
    redactor: Redactor,
}

impl Params {
    /// The values of what the commands declare: given on the command line,
    /// else as `recorded` has them, else of the caller's variable, else the
    /// default. A record has no secrets, so that a value with one in it is
    /// found as if nothing was recorded.
    ///
    /// # Errors
    /// One is given that is not declared, or is secret (exit 2); one has no
    /// value, or the secret ones could not be kept out of what is shown (exit 4).
    pub fn find(
        reader: &Reader,
        commands: &Environment,
        given: &[(String, String)],
        recorded: Option<&Deployment>,
    ) -> Result<Params> {
        let wrong = |fault: ParamsFault| RunError::Params { environment: commands.name.clone(), fault };
        for (name, _) in given {
            let Some(param) = commands.params.iter().find(|param| param.name == *name) else {
                let declared = commands.params.iter().map(|param| param.name.clone()).collect();
                return Err(wrong(ParamsFault::Undeclared { name: name.clone(), declared }).into());
            };
            if param.secret {
                let from = from_env(param).unwrap_or(name).to_owned();
                return Err(wrong(ParamsFault::Secret { name: name.clone(), from }).into());
            }
        }
        let mut params = Params::default();
        let (mut missing, mut taken) = (Vec::new(), Vec::new());
        for param in &commands.params {
            let given =
                given.iter().rev().find(|(name, _)| *name == param.name).map(|(_, value)| value.clone());
            let inherited = || from_env(param).and_then(|name| reader.world.var(name)).map(str::to_owned);
            let mut before = || {
                let value = recorded.filter(|_| !param.secret)?.params.get(&param.name)?;
                (!Redactor::has_hidden(value)).then(|| {
                    taken.push(param.name.clone());
                    value.clone()
                })
            };
            let value = given.or_else(&mut before).or_else(inherited);
            match value.or_else(|| param.default.clone()) {
                None => missing.push((param.name.clone(), from_env(param).map(str::to_owned))),
                Some(value) if param.secret => {
                    params.secret.insert(param.name.clone(), value);
                }
                Some(value) => {
                    params.open.insert(param.name.clone(), value);
                }
            }
        }
        if !missing.is_empty() {
            return Err(wrong(ParamsFault::Missing(missing)).into());
        }
        params.recorded = recorded.filter(|_| !taken.is_empty()).map(|by| (by.id.clone(), taken));
        let redactor = Redactor::new(params.secret.values().map(String::as_str));
        params.redactor = redactor.map_err(|why| wrong(ParamsFault::CannotHide(why)))?;
        Ok(params)
    }

    /// All of them, as variables.
    pub fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.open.iter().chain(&self.secret)
    }

    /// The deployment whose record these open ones were taken from, if any were.
    pub fn recorded(&self) -> Option<&(DeploymentId, Vec<String>)> {
        self.recorded.as_ref()
    }

    /// The names of those that must not be shown.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.secret.keys().map(String::as_str)
    }

    /// What takes the secret ones out of whatever is shown.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The values that must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secret.values().map(String::as_str)
    }

    /// Those that are too short to be taken out of anything.
    pub fn too_short(&self) -> impl Iterator<Item = &str> {
        self.secret.iter().filter(|(_, value)| Redactor::cannot_hide(value)).map(|(name, _)| name.as_str())
    }
}
