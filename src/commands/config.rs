//! `rel config check`, `rel config show` and `rel config schema`.

use crate::config;
use crate::delivery::read::reader::{CONFIG_FILE, Options, Reader};
use crate::delivery::read::snapshot::{Policy, Snapshot};
use crate::domain::report::Document;
use crate::domain::report::clone::{ConfigCheckReport, ConfigReport, SchemaReport};
use crate::failure::{Failure, Kind, Result};
use crate::store::repo::Repo;
use crate::ui::Screen;
use crate::ui::front::Ui;
use crate::world::World;

/// Checks the file of `--config`, or the working tree's. Needs no repository
/// for the former.
///
/// # Errors
/// It is invalid (exit 3), with the line and what is allowed there.
pub fn check(world: &World, screen: &Screen, options: &Options) -> Result<Document> {
    let (path, name) = match &options.config {
        Some(file) => (world.cwd.join(file), file.display().to_string()),
        None => {
            let dir = Reader::directory(world, options);
            let repo = Repo::discover(world, &dir)?;
            let top = repo.work_dir().map_or(dir, std::path::Path::to_path_buf);
            (top.join(CONFIG_FILE), CONFIG_FILE.to_owned())
        }
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(Kind::Config, format!("{name} cannot be read"))
            .because(error)
            .hint("write one: rel init")
    })?;
    let parsed = config::parse(&text, &name)?;
    let config = &parsed.config;
    let environments: Vec<&str> = config.environments.iter().map(|e| e.name.as_str()).collect();
    screen.result(&format!(
        "{name} is valid: project {}, environments {}",
        config.project.name,
        environments.join(", ")
    ));
    let unsupported: Vec<String> = config::unsupported(config).into_iter().map(|one| one.text).collect();
    for note in parsed.notes.iter().chain(&unsupported) {
        screen.warn(note);
    }
    Ok(ConfigCheckReport { valid: true, file: name, notes: parsed.notes, unsupported }.into())
}

/// Shows the configuration in force, defaults included.
///
/// # Errors
/// There is none, or it is invalid.
pub fn show(ui: &Ui, reader: &Reader) -> Result<Document> {
    let snapshot = Snapshot::take(reader, ui.screen)?;
    let whose = match (&snapshot.policy.commit, &snapshot.policy.elsewhere) {
        (Some(commit), _) => format!("# trunk's, at {}", commit.short()),
        (None, Some(place)) => format!("# of {place}; trunk has no release.toml yet"),
        (None, None) => String::new(),
    };
    ui.screen
        .result(&format!("{whose}\n{}", config::to_toml_with_defaults(&snapshot.policy.config).trim_end()));
    let Policy { config, commit, .. } = snapshot.policy;
    Ok(ConfigReport { config, policy_commit: commit }.into())
}

/// Prints the JSON schema of `release.toml`.
///
/// # Errors
/// None.
pub fn schema(screen: &Screen) -> Result<Document> {
    let schema = config::schema();
    if !screen.is_json() {
        screen.raw(format!("{:#}\n", schema.as_value()).as_bytes());
    }
    Ok(SchemaReport(schema).into())
}
