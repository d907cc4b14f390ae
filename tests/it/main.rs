//! The integration tests: real git, real remotes, real processes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod floors;
