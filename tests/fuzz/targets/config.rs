//! Any text as a `release.toml`: nothing panics, what is refused is refused in
//! words, and what `rel config show` prints reads as the same configuration.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rel::config;
use rel::failure::Kind;

fuzz_target!(|text: &str| {
    let head = config::head(text);
    match config::parse(text, config::FILE_NAME) {
        Err(failure) => {
            assert_eq!(failure.kind, Kind::Config);
            assert!(!failure.message.is_empty());
            assert!(
                !failure.message.contains(|c: char| c.is_control() && c != '\n'),
                "{:?}",
                failure.message
            );
            assert!(failure.reasons.iter().all(|reason| !reason.message.is_empty()));
        }
        Ok(parsed) => {
            let head = head.unwrap();
            let project = &parsed.config.project;
            assert_eq!(
                (&head.name, &head.trunk, &head.remote),
                (&project.name, &project.trunk, &project.remote)
            );
            let shown = config::to_toml_with_defaults(&parsed.config);
            assert_eq!(config::parse(&shown, config::FILE_NAME).unwrap(), parsed, "{shown}");
            assert!(config::unsupported(&parsed.config).iter().all(|one| !one.text.is_empty()));
        }
    }
});
