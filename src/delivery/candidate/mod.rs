//! Making candidates: cut, pick, build, mint.

pub mod build;
pub mod cut;
pub mod mint;
pub mod pick;
pub mod unfinished;
