//! Making candidates: cut, pick, build, mint.

pub mod build;
pub mod cut;
pub mod mint;
pub mod pick;
mod preflight;
pub mod unfinished;
