//! Git and the disk: the only floor that names git2.

pub mod git;
pub mod repo;
