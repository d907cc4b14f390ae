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

/// A parameter as the commands declare it, by what trunk says of it.
struct JudgedParam<'a> {
    param: &'a Param,
    /// Whether it is a secret: it is if either says so.
    secret: bool,
    /// Whether trunk declares that the caller's variable may be shown. Else a
    /// candidate could publish whatever the caller has.
    opens_env: bool,
}

impl<'a> JudgedParam<'a> {
    fn new(param: &'a Param, policy: &Environment) -> JudgedParam<'a> {
        let trunks = policy.params.iter().find(|trunks| trunks.name == param.name);
        JudgedParam {
            param,
            secret: param.secret || trunks.is_some_and(|trunks| trunks.secret),
            opens_env: trunks.is_some_and(|trunks| !trunks.secret && trunks.from_env == param.from_env),
        }
    }

    /// The caller's variable that a value comes from. A secret has no other way
    /// in, so that it goes by its own name where the file names none.
    fn variable(&self) -> Option<&'a str> {
        self.param.from_env.as_deref().or(self.secret.then_some(self.param.name.as_str()))
    }
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
    /// The values of what the `commands` declare: given on the command line,
    /// else as `recorded` has them, else of the caller's variable, else the
    /// default. A record has no secrets, so that a value with one in it is
    /// found as if nothing was recorded. What trunk's `policy` says is secret is,
    /// and so is what comes from a variable that trunk does not declare open.
    ///
    /// # Errors
    /// One is given that is not declared, or is secret (exit 2); one has no
    /// value, or the secret ones could not be kept out of what is shown (exit 4).
    pub fn find(
        reader: &Reader,
        policy: &Environment,
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
            let param = JudgedParam::new(param, policy);
            if param.secret {
                let from = param.variable().unwrap_or(name).to_owned();
                return Err(wrong(ParamsFault::Secret { name: name.clone(), from }).into());
            }
        }
        let mut params = Params::default();
        let (mut missing, mut taken) = (Vec::new(), Vec::new());
        for param in &commands.params {
            let judged = JudgedParam::new(param, policy);
            let (from_env, secret) = (judged.variable(), judged.secret);
            let given =
                given.iter().rev().find(|(name, _)| *name == param.name).map(|(_, value)| value.clone());
            let inherited = || from_env.and_then(|name| reader.world.var(name)).map(str::to_owned);
            let mut before = || {
                let value = recorded.filter(|_| !secret)?.params.get(&param.name)?;
                (!Redactor::has_hidden(value)).then(|| {
                    taken.push(param.name.clone());
                    value.clone()
                })
            };
            let known = given.or_else(&mut before);
            let inherited = if known.is_none() { inherited() } else { None };
            let hides = secret || inherited.is_some() && !judged.opens_env;
            match known.or(inherited).or_else(|| param.default.clone()) {
                None => missing.push((param.name.clone(), from_env.map(str::to_owned))),
                Some(value) if hides => {
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
