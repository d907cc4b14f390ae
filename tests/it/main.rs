//! The integration tests: real git, real remotes, real processes.
mod floors;
